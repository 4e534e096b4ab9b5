//! Random municipalities with values about few people and about many.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::attacker::{Known, Period, Spot};
use super::forms::{Caller, View};
use crate::harness::App;

/// Repeatable random decisions.
pub struct Draw(u64);

impl Draw {
    /// The seed can be set by PROPTEST_RNG_SEED.
    pub fn new(number: u64) -> Self {
        let seed: u64 = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4);
        Self(seed.wrapping_mul(1_000_003).wrapping_add(number))
    }

    /// Splitmix64.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap() % limit
    }

    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn one<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

const GROUPS: [&str; 3] = ["laerere", "paedagoger", "tap"];
pub const INDICATORS: [(&str, &str); 3] = [("andel", "none"), ("antal", "sum"), ("middel", "mean")];

/// A municipality. Its first unit stands for the whole municipality.
pub struct Town<'a> {
    app: &'a App<'a>,
    pub key: String,
    pub units: Vec<String>,
    parents: Vec<usize>,
    groups: usize,
    /// How the values of each indicator are aggregated.
    pub aggregations: [&'static str; 3],
    /// Number of values so far. It makes each value unique.
    serial: usize,
}

impl<'a> Town<'a> {
    pub fn found(app: &'a App<'a>, key: &str, draw: &mut Draw) -> Self {
        let parents = draw_tree(draw);
        let units = (0..parents.len()).map(|n| if n == 0 { String::new() } else { format!("e{n}") }).collect();
        let groups = draw.below(GROUPS.len() + 1);
        let aggregations = INDICATORS.map(|(_, aggregation)| aggregation);
        let mut town = Self { app, key: key.to_owned(), units, parents, groups, aggregations, serial: 0 };
        let mut bundle = town.bundle(draw);
        for (n, (indicator, _)) in INDICATORS.iter().enumerate() {
            for period in periods(n) {
                let is_harmless = draw.once_in(5);
                let rows = town.rows(draw, is_harmless);
                let series = |mut row: Value| {
                    let (unit, group) = (row["unit"].take(), row["group"].take());
                    let mut value: Value = row;
                    value.as_object_mut().unwrap().retain(|_, field| !field.is_null());
                    value["period"] = json!(period);
                    json!({"indicator": indicator, "unit": unit, "group": group, "values": [value]})
                };
                bundle["values"].as_array_mut().unwrap().extend(rows.into_iter().map(series));
            }
        }
        app.import(&bundle).unwrap();
        town
    }

    pub fn caller(&self, scope: &str) -> Caller<'a> {
        Caller::new(self.app, &self.key, scope)
    }

    fn bundle(&self, draw: &mut Draw) -> Value {
        let unit = |n: usize| {
            let parent = Some(self.units[self.parents[n]].clone()).filter(|parent| !parent.is_empty());
            json!({"key": self.units[n], "name": format!("Enhed {n}"), "kind": "workplace", "parent": parent})
        };
        let objective = json!({"key": "maal", "kind": "goal", "text": "Et mål"});
        let area = json!({"key": "omraade", "title": "Område", "objectives": [objective]});
        let indicators: Vec<Value> = (0..INDICATORS.len()).map(|n| self.indicator(draw, n)).collect();
        json!({
            "municipality": {"key": self.key, "code": "997", "name": self.key, "min_group": 1 + draw.below(5)},
            "units": (1..self.units.len()).map(unit).collect::<Vec<_>>(),
            "strategies": [{
                "key": "plan", "title": "Plan", "kind": "plan", "status": "adopted",
                "starts_on": "2022-01-01", "ends_on": "2030-12-31", "focus_areas": [area],
            }],
            "indicators": indicators,
            "values": [],
        })
    }

    fn indicator(&self, draw: &mut Draw, n: usize) -> Value {
        let (key, aggregation) = INDICATORS[n];
        let [first, _, last] = periods(n);
        let mut target = |rule: &str, fields: Value| {
            let mut target = json!({"rule": rule, "unit": self.units[1 + draw.below(self.units.len() - 1)]});
            target.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            target
        };
        let mut targets = vec![json!({"rule": "at_least", "value": 4000, "period": last})];
        for _ in 0..3 {
            targets.push(target("at_least", json!({"value": 4000, "period": last})));
            targets.push(target("more_than_period", json!({"baseline_period": first, "period": last})));
            targets.push(target("at_most", json!({"value": 3000, "baseline_period": first})));
            targets.push(target("at_benchmark", json!({"benchmark": "naboer", "tolerance": 100, "period": last})));
        }
        json!({
            "key": key, "title": format!("Om {key}"), "direction": "decrease",
            "frequency": if n == 1 { "quarter" } else { "year" }, "method": "register",
            "unit_of_measure": if aggregation == "sum" { "antal" } else { "%" },
            "min_group": 3 + draw.below(4), "aggregation": aggregation, "objectives": ["plan/omraade/maal"],
            "benchmarks": [{"key": "naboer", "name": "Naboer"}], "targets": targets,
        })
    }

    /// The values of a period. Harmless ones are about ten people or more, and so are all remainders.
    pub fn rows(&mut self, draw: &mut Draw, is_harmless: bool) -> Vec<Value> {
        let people = self.draw_people(draw, is_harmless);
        let [missing, above, unknown, wrong] = [20, 3, 60, 60].map(|most| 1 + draw.below(most));
        let mut rows = Vec::new();
        for (unit, own) in people.iter().enumerate() {
            let is_leaf = !self.parents.iter().skip(1).any(|parent| *parent == unit);
            for group in 0..=self.groups {
                let people: i64 = if group == 0 { own.iter().sum() } else { own[group] };
                let is_missing = if is_leaf { draw.once_in(1 + missing) } else { !draw.once_in(above) };
                if is_missing || (people == 0 && (is_harmless || draw.below(3) > 0)) {
                    continue;
                }
                let off = if !is_harmless && wrong > 30 && draw.once_in(wrong) { draw.below(5) as i64 - 2 } else { 0 };
                let is_unknown = match is_harmless {
                    true => (unit, group) == (0, 0) && draw.once_in(3),
                    false => unknown > 20 && draw.once_in(unknown),
                };
                let count = Some((people + off).max(0)).filter(|_| !is_unknown);
                rows.push(self.row(draw, (unit, group), count));
            }
        }
        rows
    }

    /// Number of people in each unit with its subtree, by group. The first number is people without a group.
    fn draw_people(&self, draw: &mut Draw, is_harmless: bool) -> Vec<Vec<i64>> {
        let [few, own, none] = [draw.one(&[2, 4, 8, 20]), 2 + draw.below(5), 1 + draw.below(3)];
        let mut people: Vec<Vec<i64>> = Vec::new();
        for unit in 0..self.units.len() {
            let is_leaf = !self.parents.iter().skip(1).any(|parent| *parent == unit);
            let mut of_group = |group: usize| {
                let is_there = is_leaf || draw.once_in(own);
                let has_any = group > 0 || self.groups == 0 || draw.once_in(none);
                let are_few = !is_harmless && draw.once_in(few);
                let number = if are_few { draw.below(6) } else { 10 + draw.below(30) };
                if is_there && has_any { number as i64 } else { 0 }
            };
            people.push((0..=self.groups).map(&mut of_group).collect());
        }
        for unit in (1..people.len()).rev() {
            let below = people[unit].clone();
            people[self.parents[unit]].iter_mut().zip(below).for_each(|(sum, people)| *sum += people);
        }
        people
    }

    /// A unique value.
    pub fn row(&mut self, draw: &mut Draw, (unit, group): Spot, count: Option<i64>) -> Value {
        self.serial += 1;
        let value: f64 = format!("{}.{:04}", 1000 + draw.below(8000), self.serial).parse().unwrap();
        let note = draw.once_in(3).then(|| format!("note-{:04}", self.serial));
        json!({
            "unit": self.units.get(unit).filter(|key| !key.is_empty()),
            "group": group.checked_sub(1).map(|group| GROUPS[group]),
            "value": value, "count": count, "is_provisional": draw.once_in(4), "note": note,
        })
    }

    pub fn draw_spot(&self, draw: &mut Draw) -> Spot {
        (draw.below(self.units.len()), draw.below(self.groups + 1))
    }

    pub fn group_key(group: usize) -> &'static str {
        group.checked_sub(1).map_or("", |group| GROUPS[group])
    }

    /// The unit and all units below it.
    pub fn subtree(&self, unit: usize) -> BTreeSet<String> {
        let mut found = BTreeSet::from([unit]);
        for other in 1..self.units.len() {
            if found.contains(&self.parents[other]) {
                found.insert(other);
            }
        }
        found.into_iter().map(|unit| self.units[unit].clone()).collect()
    }

    /// Adds a unit below another one.
    pub fn add_unit(&mut self, parent: usize) {
        let key = format!("e{}", self.units.len());
        let above = Some(&self.units[parent]).filter(|key| !key.is_empty());
        let body = json!({"key": key, "name": key, "kind": "workplace", "parent": above});
        self.caller("med.admin").send("POST", "/v1/units", &body);
        self.units.push(key);
        self.parents.push(parent);
    }

    /// Moves a unit below another one that is not in its subtree. Returns whether it moved.
    pub fn move_unit(&mut self, unit: usize, parent: usize) -> bool {
        let fits = unit != 0 && parent != self.parents[unit] && !self.subtree(unit).contains(&self.units[parent]);
        // Parents come first.
        let fits = fits && parent < unit;
        if fits {
            let above = Some(&self.units[parent]).filter(|key| !key.is_empty());
            let body = json!({"parent": above});
            self.caller("med.admin").send("PATCH", &format!("/v1/units/{}", self.units[unit]), &body);
            self.parents[unit] = parent;
        }
        fits
    }

    /// Compares what `shown` hides of `all`, for each indicator and period.
    pub fn attack(&self, all: &View, shown: &View, least: &BTreeMap<String, i64>, found: &mut Found) {
        let mut periods: BTreeMap<(&str, &str), BTreeMap<Spot, Known>> = BTreeMap::new();
        for (place, cell) in all {
            let [indicator, period, unit, group] = place;
            let unit = self.units.iter().position(|key| key == unit).unwrap();
            let group = (0..=GROUPS.len()).find(|n| Self::group_key(*n) == group).unwrap();
            let is_shown = !shown[place].is_suppressed;
            let known = Known { people: cell.count, is_shown, is_aggregated: cell.is_aggregated };
            periods.entry((indicator, period)).or_default().insert((unit, group), known);
        }
        for ((indicator, name), cells) in periods {
            let number = INDICATORS.iter().position(|(key, _)| *key == indicator).unwrap();
            let is_mean = self.aggregations[number] == "mean";
            let period = Period::new(&self.parents, &cells, least[indicator], is_mean);
            let what = format!("{} {indicator} {name}, fewer than {}, {:?}", self.key, least[indicator], self.parents);
            assert_eq!(period.told(), [""; 0], "{what} can be computed: {cells:?}");
            assert_eq!(period.needless(), [""; 0], "{what} hangs together with nothing small: {cells:?}");
            let hidden = cells.values().filter(|known| !known.is_shown).count();
            found.harmless += usize::from(period.is_harmless());
            found.mixed += usize::from(hidden > 0 && hidden < cells.len());
            found.hidden += hidden;
            found.protected += usize::from(!period.with_small_ones_hidden().told().is_empty());
        }
    }
}

/// What the attacks covered.
#[derive(Debug, Default)]
pub struct Found {
    /// Periods in which nothing is hidden.
    pub harmless: usize,
    /// Periods in which something is hidden and something is shown.
    pub mixed: usize,
    /// Hidden cells.
    pub hidden: usize,
    /// Periods in which something could be computed if only the small cells were hidden.
    pub protected: usize,
}

/// The three periods of an indicator.
pub fn periods(indicator: usize) -> [&'static str; 3] {
    if indicator == 1 { ["2024-Q2", "2024-Q3", "2024-Q4"] } else { ["2022", "2023", "2024"] }
}

/// Three levels below the municipality with 10 to 25 units in all. Parents come before their children.
fn draw_tree(draw: &mut Draw) -> Vec<usize> {
    loop {
        let mut parents = vec![0];
        for _ in 0..2 + draw.below(2) {
            let top = parents.len();
            parents.extend([0]);
            for _ in 0..1 + draw.below(3) {
                let centre = parents.len();
                parents.push(top);
                parents.extend(vec![centre; draw.below(4)]);
            }
        }
        if (11..=26).contains(&parents.len()) {
            return parents;
        }
    }
}

/// The hidden numbers, with six decimals.
pub fn hidden_numbers(all: &View, shown: &View) -> BTreeSet<String> {
    let hidden = all.iter().filter(|(place, _)| shown[*place].is_suppressed);
    hidden.filter_map(|(_, cell)| cell.value.clone()).collect()
}
