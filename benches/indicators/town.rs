//! The invented municipality and its indicators.

use std::fmt::Write as _;

use chrono::{Datelike, Days, Months, NaiveDate};
use medstrategi::period::{self};
use serde_json::{Value, json};

use crate::common::{Rng, warn_about_debug_build};

/// The number of workplaces at scale 1. As many units have values of each indicator.
const WORKPLACES: f64 = 1500.0;
pub const INDICATORS: usize = 60;
pub const MONTHS: usize = 60;
/// How many indicators have a target, and an objective of the strategy.
pub const WITH_TARGET: usize = 20;
/// Values about fewer people are hidden.
pub const MIN_GROUP: usize = 5;
pub const MUNICIPALITY: &str = "storby";
pub const STRATEGY: &str = "strategi";

/// The municipality and its indicators.
pub struct Town {
    pub today: NaiveDate,
    /// The first day of the first month with values. The last month is the one before today's.
    pub first: NaiveDate,
    /// The months, as periods.
    pub months: Vec<String>,
    pub workplaces: usize,
    pub centres: usize,
}

/// The unit of a value.
#[derive(Clone, Copy)]
pub enum Unit {
    Municipality,
    Centre(usize),
    Workplace(usize),
}

/// A value.
pub struct Measurement {
    /// An index into [`Town::units`].
    pub unit: usize,
    /// An index into [`Town::months`].
    pub month: usize,
    /// Ten times the value.
    pub tenths: usize,
    pub people: usize,
}

impl Town {
    pub fn new(scale: f64) -> Self {
        let smallest_tree = 10;
        let workplaces = ((WORKPLACES * scale).round() as usize).max(smallest_tree);
        let today = period::today();
        let first = today - Days::new(u64::from(today.day0())) - Months::new(MONTHS as u32);
        let month = |n: usize| {
            let begins = first + Months::new(n as u32);
            format!("{}-{:02}", begins.year(), begins.month())
        };
        Self { today, first, months: (0..MONTHS).map(month).collect(), workplaces, centres: (workplaces / 25).max(1) }
    }

    pub fn last_month(&self) -> &str {
        &self.months[MONTHS - 1]
    }

    /// The number of values that are written for an indicator.
    pub fn values(&self) -> usize {
        self.workplaces * MONTHS
    }

    /// The number of values in the answer for an indicator.
    pub fn expected_values(&self, indicator: usize) -> usize {
        match aggregation(indicator) {
            "none" => self.values(),
            // Centres and the municipality have aggregates.
            _ => self.values() + (self.centres + 1) * MONTHS,
        }
    }

    /// The units whose values are written. Without aggregation, the municipality and its centres have values of their
    /// own, and as many workplaces have none.
    pub fn units(&self, indicator: usize) -> Vec<Unit> {
        let workplaces = (0..self.workplaces).map(Unit::Workplace);
        match aggregation(indicator) {
            "none" => {
                let above = [Unit::Municipality].into_iter().chain((0..self.centres).map(Unit::Centre));
                above.chain(workplaces).take(self.workplaces).collect()
            }
            _ => workplaces.collect(),
        }
    }

    /// The values of an indicator, month by month; if `is_revised`, each one differs from before.
    pub fn measurements(&self, indicator: usize, is_revised: bool) -> Vec<Measurement> {
        let units = self.units(indicator);
        let mut measurements = Vec::with_capacity(units.len() * MONTHS);
        for month in 0..MONTHS {
            let people = self.people_of(&units, month);
            measurements.extend(people.into_iter().enumerate().map(|(unit, people)| {
                let seed = ((indicator * MONTHS + month) * units.len() + unit) as u64;
                let tenths = Rng(seed).below(300) + usize::from(is_revised);
                Measurement { unit, month, tenths, people }
            }));
        }
        measurements
    }

    /// The number of people behind each value of a month: for centres and the municipality, the sum over workplaces.
    pub fn people_of(&self, units: &[Unit], month: usize) -> Vec<usize> {
        let (mut all, mut by_centre) = (0, vec![0; self.centres]);
        for unit in units {
            if let Unit::Workplace(workplace) = *unit {
                all += people(workplace, month);
                by_centre[self.centre_of(workplace)] += people(workplace, month);
            }
        }
        let behind = |unit: &Unit| match *unit {
            Unit::Municipality => all,
            Unit::Centre(centre) => by_centre[centre],
            Unit::Workplace(workplace) => people(workplace, month),
        };
        units.iter().map(behind).collect()
    }

    pub fn centre_of(&self, workplace: usize) -> usize {
        workplace % self.centres
    }

    pub fn json(&self, indicator: usize, is_revised: bool) -> String {
        let keys: Vec<Option<String>> = self.units(indicator).into_iter().map(unit_key).collect();
        let mut body = String::from(r#"{"values":["#);
        for (n, measurement) in self.measurements(indicator, is_revised).iter().enumerate() {
            let Measurement { unit, month, tenths, people } = measurement;
            let (comma, month) = (if n == 0 { "" } else { "," }, &self.months[*month]);
            write!(body, r#"{comma}{{"period":"{month}""#).unwrap();
            if let Some(key) = &keys[*unit] {
                write!(body, r#","unit":"{key}""#).unwrap();
            }
            write!(body, r#","value":{}.{},"count":{people}}}"#, tenths / 10, tenths % 10).unwrap();
        }
        body.push_str("]}");
        body
    }

    pub fn csv(&self, indicator: usize) -> String {
        let keys: Vec<String> =
            self.units(indicator).into_iter().map(|unit| unit_key(unit).unwrap_or_default()).collect();
        let mut body = String::from("period,unit,value,count\n");
        for Measurement { unit, month, tenths, people } in self.measurements(indicator, false) {
            let (month, key) = (&self.months[month], &keys[unit]);
            writeln!(body, "{month},{key},{}.{},{people}", tenths / 10, tenths % 10).unwrap();
        }
        body
    }

    /// Everything except the values.
    pub fn bundle(&self) -> Value {
        let centres = (0..self.centres).map(|centre| {
            json!({"key": unit_key(Unit::Centre(centre)), "name": format!("Center {centre}"), "kind": "centre"})
        });
        let workplaces = (0..self.workplaces).map(|workplace| {
            json!({
                "key": unit_key(Unit::Workplace(workplace)),
                "name": format!("Arbejdspladsen ved Åen {workplace}"),
                "kind": "workplace",
                "parent": unit_key(Unit::Centre(self.centre_of(workplace))),
            })
        });
        let objectives = (0..OBJECTIVES).map(|n| {
            let text = format!("Det går den rigtige vej med {n}.");
            json!({"key": objective_key(n), "kind": "goal", "text": text})
        });
        json!({
            "municipality": {"key": MUNICIPALITY, "code": "998", "name": "Storby Kommune"},
            "units": centres.chain(workplaces).collect::<Vec<_>>(),
            "strategies": [{
                "key": STRATEGY,
                "title": "Strategi for arbejdsmiljøet",
                "kind": "plan",
                "status": "adopted",
                "starts_on": self.first,
                "ends_on": self.today + Months::new(12),
                "focus_areas": [{
                    "key": AREA,
                    "title": "Et sundt arbejdsliv",
                    "objectives": objectives.collect::<Vec<_>>(),
                }],
            }],
            "indicators": (0..INDICATORS).map(|n| self.indicator(n)).collect::<Vec<_>>(),
        })
    }

    pub fn indicator(&self, n: usize) -> Value {
        let has_target = n < WITH_TARGET;
        let objective = format!("{STRATEGY}/{AREA}/{}", objective_key(n % OBJECTIVES));
        json!({
            "key": indicator_key(n),
            "title": format!("Nøgletal {n}"),
            "definition": "Dage pr. ansat i måneden, opgjort den femte i den næste.",
            "unit_of_measure": "dage pr. ansat",
            "direction": if n.is_multiple_of(4) { "increase" } else { "decrease" },
            "frequency": "month",
            "source": "Lønsystemet",
            "method": "register",
            "decimals": 1,
            "min_group": has_min_group(n).then_some(MIN_GROUP),
            "aggregation": aggregation(n),
            "objectives": if has_target { vec![objective] } else { Vec::new() },
            "targets": if has_target { vec![self.target(n)] } else { Vec::new() },
        })
    }

    /// A target: rules that need only numbers, half of them for a past month, some for a workplace.
    pub fn target(&self, n: usize) -> Value {
        let mut target = match n % 4 {
            0 => json!({"rule": "at_least", "value": 12}),
            1 => json!({"rule": "at_most", "value": 14.5}),
            2 => json!({"rule": "maintain", "value": 15, "tolerance": 1}),
            _ => json!({"rule": "less_than_period", "baseline_period": self.months[0]}),
        };
        if (n / 4).is_multiple_of(2) {
            target["period"] = json!(self.last_month());
        }
        if n % 5 == 1 {
            target["unit"] = json!(unit_key(SAMPLE_UNIT));
        }
        target
    }

    pub fn print_size(&self) {
        println!(
            "{INDICATORS} indicators of {} units each over {MONTHS} months: {} values. {} centres, {} workplaces, \
             of which {} are small.",
            self.workplaces,
            INDICATORS * self.values(),
            self.centres,
            self.workplaces,
            (0..self.workplaces).filter(|workplace| is_small(*workplace)).count(),
        );
        warn_about_debug_build();
    }
}

/// The number of people at a workplace.
pub fn people(workplace: usize, month: usize) -> usize {
    match is_small(workplace) {
        true => 1 + (workplace + month) % (MIN_GROUP - 1),
        false => 8 + Rng(workplace as u64).below(60) + month % 3,
    }
}

/// Whether a workplace is small: one in fifty, and one in the smallest municipality.
pub fn is_small(workplace: usize) -> bool {
    let below = Rng(6_000_000 + workplace as u64).below(100);
    workplace == 3 || (workplace > 3 && below < 2)
}

/// An indicator without `min_group` and aggregation.
pub const PLAIN: usize = 1;
/// One with `min_group`.
pub const HIDING: usize = 2;
/// One with both.
pub const BOTH: usize = 0;
/// The workplace that is read; it has values of every indicator, and is not small.
pub const SAMPLE_UNIT: Unit = Unit::Workplace(SAMPLE_WORKPLACE);
pub const SAMPLE_WORKPLACE: usize = 0;
/// The centre above it.
pub const SAMPLE_CENTRE: Unit = Unit::Centre(0);

pub fn has_min_group(indicator: usize) -> bool {
    indicator.is_multiple_of(2)
}

pub fn aggregation(indicator: usize) -> &'static str {
    match indicator % 12 {
        0 | 3 => "mean",
        6 | 9 => "sum",
        _ => "none",
    }
}

pub const AREA: &str = "omraade";
pub const OBJECTIVES: usize = 5;

pub fn objective_key(n: usize) -> String {
    format!("maal-{n}")
}

pub fn indicator_key(n: usize) -> String {
    format!("noegletal-{n:02}")
}

/// The key; `None` for the municipality, which is no unit.
pub fn unit_key(unit: Unit) -> Option<String> {
    match unit {
        Unit::Municipality => None,
        Unit::Centre(n) => Some(format!("center-{n:03}")),
        Unit::Workplace(n) => Some(format!("arbejdsplads-{n:05}")),
    }
}
