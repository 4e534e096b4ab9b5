//! An invented municipality: a tree of committees, each with a unit; a strategy; reports; indicators with values.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{Datelike, Days, Months, NaiveDate};
use medstrategi::db::types::Timestamp;
use serde_json::{Value, json};

use super::Rng;

const AREAS: usize = 6;
/// Objectives in each focus area.
const OBJECTIVES: usize = 3;
pub const ACTIONS: usize = 60;
pub const YEARS: u32 = 4;
pub const MUNICIPALITY: &str = "storby";
pub const STRATEGY: &str = "strategi";

/// The size of a municipality.
#[derive(Clone, Copy)]
pub struct Size {
    /// The number of committees, and of units.
    pub committees: usize,
    pub reports: usize,
    /// At least so many; every seat has its own holder.
    pub employees: usize,
    /// At least so many, unless 0; every workplace has values of each indicator.
    pub values: usize,
}

/// The municipality with its reports and values.
pub struct Town {
    pub size: Size,
    pub today: NaiveDate,
    /// The strategy's first day.
    pub first: NaiveDate,
    pub committees: Vec<Committee>,
    pub actions: Vec<Action>,
    pub reports: Vec<Report>,
}

pub struct Committee {
    pub starts_on: Option<NaiveDate>,
    pub ends_on: Option<NaiveDate>,
}

impl Committee {
    pub fn exists_on(&self, day: NaiveDate) -> bool {
        self.starts_on.is_none_or(|first| first <= day) && self.ends_on.is_none_or(|last| day <= last)
    }
}

pub struct Action {
    /// The recurrence in months; none = once.
    pub months: Option<u32>,
    pub due_on: NaiveDate,
    pub audience: Vec<Addressee>,
    /// The numbers of the committees that the audience resolves to.
    pub parties: Vec<usize>,
    pub occurrences: Vec<Occurrence>,
}

#[derive(Clone, Copy)]
pub enum Addressee {
    Level(usize),
    Committee(usize),
}

pub struct Occurrence {
    pub period: Option<String>,
    pub begins: NaiveDate,
    pub ends: NaiveDate,
}

/// The numbers of an action, one of its occurrences, and a committee.
pub type Assignment = (usize, usize, usize);

pub struct Report {
    pub assignment: Assignment,
    /// An index into [`STAGES`].
    pub stage: usize,
    pub day: NaiveDate,
    pub second: usize,
}

pub const STAGES: [&str; 4] = ["done", "in_progress", "not_started", "dropped"];
pub const JUDGEMENTS: [&str; 4] = ["on_track", "at_risk", "off_track", "none"];

impl Town {
    pub fn new(size: Size) -> Self {
        let smallest_tree = 10;
        let count = size.committees.max(smallest_tree);
        let today = Timestamp::now().day();
        // Today is in the last of the strategy's years.
        let first = NaiveDate::from_ymd_opt(today.year() - (YEARS as i32 - 1), 1, 1).unwrap();
        let committees: Vec<Committee> = (0..count).map(|n| committee(n, count, first)).collect();
        let actions: Vec<Action> = (0..ACTIONS).map(|n| action(n, count, first)).collect();
        let mut town = Self { size, today, first, committees, actions, reports: Vec::new() };
        town.report(size.reports.max(ACTIONS));
        town
    }

    /// Adds random reports: by committees that existed, on their own assignments.
    pub fn report(&mut self, count: usize) {
        let mut rng = Rng(1);
        let mut taken = HashSet::new();
        // A report of today might be in the future by the clock.
        let yesterday = self.today - Days::new(1);
        let assignments = self.assignments();
        while self.reports.len() < count {
            let assignment = assignments[rng.below(assignments.len())];
            let (action, occurrence, committee) = assignment;
            let (occurrence, committee) = (&self.actions[action].occurrences[occurrence], &self.committees[committee]);
            let last = occurrence.ends.min(yesterday);
            let first = committee.starts_on.map_or(occurrence.begins, |first| first.max(occurrence.begins));
            let was_there =
                first <= last && committee.exists_on(last) && committee.exists_on(occurrence.ends.min(self.today));
            if !was_there {
                continue;
            }
            let days = (last - first).num_days() as usize + 1;
            let day = first + Days::new(rng.below(days) as u64);
            // Before 22:00 UTC, Denmark has the same date.
            let second = rng.below(22 * 60 * 60);
            if taken.insert((assignment, day, second)) {
                let stage = match rng.below(100) {
                    0..55 => 0,
                    55..85 => 1,
                    85..93 => 2,
                    _ => 3,
                };
                self.reports.push(Report { assignment, stage, day, second });
            }
        }
    }

    /// All assignments of the strategy, whether or not the committee exists at the time.
    pub fn assignments(&self) -> Vec<Assignment> {
        let occurrences = self
            .actions
            .iter()
            .enumerate()
            .flat_map(|(a, action)| (0..action.occurrences.len()).map(move |o| (a, o, &action.parties)));
        occurrences.flat_map(|(a, o, parties)| parties.iter().map(move |c| (a, o, *c))).collect()
    }

    /// The latest report of each assignment on a day.
    pub fn latest(&self, on: NaiveDate) -> HashMap<Assignment, &Report> {
        let mut latest: HashMap<Assignment, &Report> = HashMap::new();
        for report in self.reports.iter().filter(|report| report.day <= on) {
            let place = latest.entry(report.assignment).or_insert(report);
            if (place.day, place.second) < (report.day, report.second) {
                *place = report;
            }
        }
        latest
    }

    /// The assignments that run today, of recurring actions and permanent committees.
    pub fn running(&self) -> impl Iterator<Item = Assignment> {
        let all = self.actions.iter().enumerate().flat_map(|(a, action)| {
            let runs = |occurrence: &Occurrence| occurrence.begins <= self.today && self.today <= occurrence.ends;
            let now = action.occurrences.iter().position(runs).filter(|_| action.months.is_some());
            now.into_iter().flat_map(move |o| action.parties.iter().map(move |c| (a, o, *c)))
        });
        all.filter(|assignment| self.is_permanent(assignment.2))
    }

    pub fn is_workplace(&self, n: usize) -> bool {
        tier(n, self.committees.len()) == 2
    }

    /// Whether the committee existed before the strategy and has not ended.
    pub fn is_permanent(&self, n: usize) -> bool {
        let Committee { starts_on, ends_on } = &self.committees[n];
        starts_on.is_none_or(|first| first < self.first) && ends_on.is_none()
    }

    /// The committees that have a local action.
    pub fn local_action_committees(&self) -> Vec<usize> {
        let all = 0..self.committees.len();
        all.filter(|n| n % 25 == 3 && self.is_workplace(*n) && self.is_permanent(*n)).collect()
    }

    /// The committees in which the holder of the requests' token sits: chair of a centre's, member of a workplace's.
    pub fn committees_of_person(&self) -> [usize; 2] {
        let below = (0..self.committees.len()).find(|n| self.is_workplace(*n) && self.is_permanent(*n));
        [SAMPLE_CENTRE, below.expect("most committees last")]
    }

    /// Everything except the reports and the values.
    pub fn bundle(&self) -> Value {
        let count = self.committees.len();
        let levels = LEVELS.iter().zip(1..).map(|((key, name), rank)| json!({"key": key, "name": name, "rank": rank}));
        let committees = self.committees.iter().enumerate().map(|(n, committee)| {
            let (level, name) = LEVELS[tier(n, count)];
            json!({
                "key": committee_key(n),
                "name": format!("{name} {n}"),
                "level": level,
                "parent": parent(n, count).map(committee_key),
                "form": "committee",
                "units": if tier(n, count) == 2 { vec![unit_key(n)] } else { Vec::new() },
                "starts_on": committee.starts_on,
                "ends_on": committee.ends_on,
            })
        });
        let with_seats = || (0..count).filter(|n| self.committees[*n].ends_on.is_none());
        let places = || with_seats().flat_map(|n| (0..ROLES.len()).map(move |place| (n, place)));
        let seated = places().map(|(n, place)| (employee_key(n, place), n));
        let missing = self.size.employees.saturating_sub(places().count());
        let others = (0..missing).map(|n| (format!("m-{n}"), n % count));
        let employees = seated.chain(others).map(|(key, unit)| {
            json!({
                "key": key,
                "name": format!("Ansat {key}"),
                "email": format!("{key}@storby.example"),
                "unit": unit_key(unit),
            })
        });
        let seat = |committee: usize, place: &str, employee: String, role: &str| {
            let committee = committee_key(committee);
            json!({"key": format!("{committee}-{place}"), "committee": committee, "employee": employee, "role": role})
        };
        let usual = places().map(|(n, place)| seat(n, &place.to_string(), employee_key(n, place), ROLES[place]));
        let second = seat(self.committees_of_person()[1], "x", employee_key(SAMPLE_CENTRE, 0), "member");
        let local_actions = self.local_action_committees().into_iter().map(|n| {
            json!({
                "committee": committee_key(n),
                "parent": action_path(n % ACTIONS),
                "key": "lokal",
                "title": "Hold et temamøde om det hos os selv",
                "kind": "discussion",
            })
        });
        json!({
            "municipality": municipality(),
            "levels": levels.collect::<Vec<_>>(),
            "units": (0..count).map(|n| unit(n, count)).collect::<Vec<_>>(),
            "committees": committees.collect::<Vec<_>>(),
            "employees": employees.collect::<Vec<_>>(),
            "memberships": usual.chain([second]).collect::<Vec<_>>(),
            "strategies": [self.strategy()],
            "local_actions": local_actions.collect::<Vec<_>>(),
            "indicators": (0..self.indicators()).map(indicator).collect::<Vec<_>>(),
        })
    }

    pub fn strategy(&self) -> Value {
        let areas = (0..AREAS).map(|area| {
            let actions = (0..ACTIONS).filter(|n| area_of(*n) == area).map(|n| self.action(n));
            json!({
                "key": area_key(area),
                "title": format!("Indsatsområde {area}"),
                "objectives": (0..OBJECTIVES).map(objective).collect::<Vec<_>>(),
                "actions": actions.collect::<Vec<_>>(),
            })
        });
        json!({
            "key": STRATEGY,
            "title": "Strategi for arbejdsmiljøet",
            "kind": "plan",
            "status": "adopted",
            "starts_on": self.first,
            "ends_on": last_day(self.first),
            "focus_areas": areas.collect::<Vec<_>>(),
        })
    }

    pub fn action(&self, n: usize) -> Value {
        let Action { months, due_on, audience, .. } = &self.actions[n];
        let responsible = audience.iter().map(|addressee| match addressee {
            Addressee::Level(tier) => json!({"role": "responsible", "level": LEVELS[*tier].0}),
            Addressee::Committee(n) => json!({"role": "responsible", "committee": committee_key(*n)}),
        });
        // It is informed of the result, and gets no assignment.
        let informed = json!({"role": "receives", "committee": committee_key(0)});
        json!({
            "key": action_key(n),
            "number": n.to_string(),
            "title": format!("Drøft handling {n} og aftal, hvad der skal ske"),
            "kind": "discussion",
            "audience": responsible.chain([informed]).collect::<Vec<_>>(),
            "recurrence": months.map(recurrence),
            "due_on": due_on,
        })
    }

    pub fn reports_bundle(&self) -> Value {
        let reports = self.reports.iter().map(|report| {
            let (action, occurrence, committee) = report.assignment;
            let (hour, minute, second) = (report.second / 3600, report.second / 60 % 60, report.second % 60);
            json!({
                "action": action_path(action),
                "committee": committee_key(committee),
                "occurrence": self.actions[action].occurrences[occurrence].period,
                "stage": STAGES[report.stage],
                "judgement": JUDGEMENTS[report.second % JUDGEMENTS.len()],
                "note": "Drøftet på mødet; vi følger op på det næste.",
                "reported_at": format!("{}T{hour:02}:{minute:02}:{second:02}Z", report.day),
            })
        });
        json!({"municipality": municipality(), "reports": reports.collect::<Vec<_>>()})
    }
}

impl Town {
    /// The numbers of the units that have values.
    pub fn workplaces(&self) -> Vec<usize> {
        (0..self.committees.len()).filter(|n| self.is_workplace(*n)).collect()
    }

    /// The number of indicators.
    pub fn indicators(&self) -> usize {
        self.size.values.div_ceil(self.workplaces().len() * MONTHS)
    }

    /// The periods that have values; the last is the month before today's.
    pub fn months(&self) -> Vec<String> {
        let first = self.today - Days::new(u64::from(self.today.day0())) - Months::new(MONTHS as u32);
        let days = (0..MONTHS).map(|n| first + Months::new(n as u32));
        days.map(|day| format!("{}-{:02}", day.year(), day.month())).collect()
    }

    /// All values of an indicator, as a bundle.
    pub fn values_bundle(&self, indicator: usize) -> Value {
        let months = self.months();
        let mut rng = Rng(indicator as u64);
        let series = self.workplaces().into_iter().map(|workplace| {
            // A few are small, so that their values are hidden.
            let people = if workplace % 50 == 7 { MIN_GROUP - 1 } else { 8 + rng.below(60) };
            let values = months
                .iter()
                .map(|month| json!({"period": month, "value": rng.below(300) as f64 / 10.0, "count": people}));
            json!({
                "indicator": indicator_key(indicator),
                "unit": unit_key(workplace),
                "values": values.collect::<Vec<_>>(),
            })
        });
        json!({"municipality": municipality(), "values": series.collect::<Vec<_>>()})
    }
}

/// A unit. Units form the same tree as committees, and each local committee covers the unit with its number.
pub fn unit(n: usize, count: usize) -> Value {
    const KINDS: [&str; 3] = ["administration", "centre", "workplace"];
    const NAMES: [&str; 3] = ["Storby Kommune", "Center", "Arbejdspladsen ved Åen"];
    let tier = tier(n, count);
    json!({
        "key": unit_key(n),
        "name": format!("{} {n}", NAMES[tier]),
        "kind": KINDS[tier],
        "parent": parent(n, count).map(unit_key),
    })
}

/// The number of months with values.
pub const MONTHS: usize = 60;
/// Values about fewer people are hidden.
const MIN_GROUP: usize = 5;

/// An indicator that hides small groups; every third is aggregated up the unit tree.
fn indicator(n: usize) -> Value {
    json!({
        "key": indicator_key(n),
        "title": format!("Nøgletal {n}"),
        "definition": "Dage pr. ansat i måneden, opgjort den femte i den næste.",
        "unit_of_measure": "dage pr. ansat",
        "direction": "decrease",
        "frequency": "month",
        "source": "Lønsystemet",
        "method": "register",
        "decimals": 1,
        "min_group": MIN_GROUP,
        "aggregation": if n.is_multiple_of(3) { "mean" } else { "none" },
    })
}

pub fn indicator_key(n: usize) -> String {
    format!("noegletal-{n:02}")
}

pub fn unit_key(n: usize) -> String {
    format!("u-{n:05}")
}

/// A committee. Most are older than the strategy; a tenth of the local ones begin or end during it, at the turn of a
/// month.
pub fn committee(n: usize, count: usize, first: NaiveDate) -> Committee {
    let in_between = first + Months::new(3 + (n / 20 % 40) as u32);
    let old = NaiveDate::from_ymd_opt(1990 + (n % 25) as i32, 1 + (n % 12) as u32, 1 + (n % 28) as u32);
    let old = old.filter(|_| n.is_multiple_of(2));
    match n % 20 {
        7 if tier(n, count) == 2 => Committee { starts_on: Some(in_between), ends_on: None },
        13 if tier(n, count) == 2 => Committee { starts_on: old, ends_on: Some(in_between - Days::new(1)) },
        _ => Committee { starts_on: old, ends_on: None },
    }
}

/// The tier of a committee: one at the top, a 25th in the middle (centres), the others at the bottom (workplaces).
pub fn tier(n: usize, count: usize) -> usize {
    match n {
        0 => 0,
        n if n <= centre_count(count) => 1,
        _ => 2,
    }
}

pub fn parent(n: usize, count: usize) -> Option<usize> {
    match tier(n, count) {
        0 => None,
        1 => Some(0),
        _ => Some(1 + n % centre_count(count)),
    }
}

pub fn centre_count(count: usize) -> usize {
    (count / 25).max(1)
}

/// The centre whose progress is measured.
pub const SAMPLE_CENTRE: usize = 1;

/// An action. A third is due once, at the end of one of the years; the others recur.
pub fn action(n: usize, count: usize, first: NaiveDate) -> Action {
    let months = match n % 3 {
        0 => None,
        _ => Some([6, 12, 3][(n + n / 3) % 3]),
    };
    let years = match months {
        None => 1 + (n / 3) as u32 % YEARS,
        Some(_) => YEARS,
    };
    let due_on = first + Months::new(12 * years) - Days::new(1);
    let audience = match n % 10 {
        0 => vec![Addressee::Committee(0)],
        1 => vec![Addressee::Committee(SAMPLE_CENTRE), Addressee::Committee(2)],
        2 | 3 => vec![Addressee::Level(1)],
        4 => vec![Addressee::Level(0), Addressee::Level(1), Addressee::Level(2)],
        5 => vec![Addressee::Level(1), Addressee::Committee(0), Addressee::Committee(SAMPLE_CENTRE)],
        _ => vec![Addressee::Level(2)],
    };
    let parties: BTreeSet<usize> = audience
        .iter()
        .flat_map(|addressee| match *addressee {
            Addressee::Level(level) => (0..count).filter(|n| tier(*n, count) == level).collect(),
            Addressee::Committee(n) => vec![n],
        })
        .collect();
    Action {
        months,
        due_on,
        audience,
        parties: parties.into_iter().collect(),
        occurrences: occurrences(months, first, due_on),
    }
}

pub fn occurrences(months: Option<u32>, first: NaiveDate, due_on: NaiveDate) -> Vec<Occurrence> {
    let Some(months) = months else { return vec![Occurrence { period: None, begins: first, ends: due_on }] };
    let recurring = (0..12 * YEARS / months).map(|n| {
        let begins = first + Months::new(n * months);
        let ends = begins + Months::new(months) - Days::new(1);
        let (year, place) = (begins.year(), begins.month0() / months + 1);
        let period = match months {
            3 => format!("{year}-Q{place}"),
            6 => format!("{year}-H{place}"),
            _ => year.to_string(),
        };
        Occurrence { period: Some(period), begins, ends }
    });
    recurring.collect()
}

fn objective(n: usize) -> Value {
    json!({
        "key": format!("maal-{n}"),
        "kind": "goal",
        "text": format!("Alle udvalg har talt om {n}, og det kan mærkes i hverdagen."),
    })
}

pub fn recurrence(months: u32) -> &'static str {
    match months {
        3 => "P3M",
        6 => "P6M",
        _ => "P1Y",
    }
}

pub fn last_day(first: NaiveDate) -> NaiveDate {
    first + Months::new(12 * YEARS) - Days::new(1)
}

/// Keys and names of the levels, from the top.
pub const LEVELS: [(&str, &str); 3] =
    [("hoved-med", "Hoved-MED"), ("center-med", "Center-MED"), ("lokal-med", "Lokal-MED")];

/// A committee's seats.
pub const ROLES: [&str; 8] =
    ["chair", "deputy_chair", "secretary", "member", "member", "member", "member", "substitute"];

pub fn municipality() -> Value {
    json!({"key": MUNICIPALITY, "code": "998", "name": "Storby Kommune"})
}

pub fn committee_key(n: usize) -> String {
    format!("c-{n:05}")
}

pub fn employee_key(committee: usize, place: usize) -> String {
    format!("m-{committee:05}-{place}")
}

pub fn area_of(action: usize) -> usize {
    action % AREAS
}

pub fn area_key(n: usize) -> String {
    format!("omraade-{n}")
}

pub fn action_key(n: usize) -> String {
    format!("handling-{n:02}")
}

pub fn action_path(n: usize) -> String {
    format!("{STRATEGY}/{}/{}", area_key(area_of(n)), action_key(n))
}
