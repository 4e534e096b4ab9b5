//! An invented municipality: committees in a tree, each with a unit, a strategy that they carry out, what they report,
//! and what is measured.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{Datelike, Days, Months, NaiveDate};
use medstrategi::db::types::Timestamp;
use serde_json::{Value, json};

use super::Dice;

const AREAS: usize = 6;
/// Of each area.
const OBJECTIVES: usize = 3;
pub const ACTIONS: usize = 60;
pub const YEARS: u32 = 4;
pub const MUNICIPALITY: &str = "storby";
pub const STRATEGY: &str = "strategi";

/// How large a municipality is.
#[derive(Clone, Copy)]
pub struct Size {
    /// There are as many units.
    pub committees: usize,
    pub reports: usize,
    /// At least; every seat is taken by somebody else.
    pub employees: usize,
    /// At least, where there are any: every workplace is measured in each indicator.
    pub values: usize,
}

/// The municipality, and all that is reported and measured in it.
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
    /// The length of its periods; none = it is done once.
    pub months: Option<u32>,
    pub due_on: NaiveDate,
    pub audience: Vec<Addressee>,
    /// Whom the audience comes to: committees by their numbers.
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

/// One of an action, one of its occurrences and a committee, each by its number.
pub type Assignment = (usize, usize, usize);

pub struct Report {
    pub assignment: Assignment,
    /// A place in [`STAGES`].
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
        // Most of the strategy's years have passed, and all of them have begun.
        let first = NaiveDate::from_ymd_opt(today.year() - (YEARS as i32 - 1), 1, 1).unwrap();
        let committees: Vec<Committee> = (0..count).map(|n| committee(n, count, first)).collect();
        let actions: Vec<Action> = (0..ACTIONS).map(|n| action(n, count, first)).collect();
        let mut town = Self { size, today, first, committees, actions, reports: Vec::new() };
        town.report(size.reports.max(ACTIONS));
        town
    }

    /// Lets committees report, at random, what they were to do and when they were there to do it.
    pub fn report(&mut self, count: usize) {
        let mut dice = Dice(1);
        let mut taken = HashSet::new();
        // What is reported today might lie ahead by the clock.
        let yesterday = self.today - Days::new(1);
        let assignments = self.assignments();
        while self.reports.len() < count {
            let assignment = assignments[dice.throw(assignments.len())];
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
            let day = first + Days::new(dice.throw(days) as u64);
            // Before 22 o'clock it is the same day in Denmark as in UTC.
            let second = dice.throw(22 * 60 * 60);
            if taken.insert((assignment, day, second)) {
                let stage = match dice.throw(100) {
                    0..55 => 0,
                    55..85 => 1,
                    85..93 => 2,
                    _ => 3,
                };
                self.reports.push(Report { assignment, stage, day, second });
            }
        }
    }

    /// All that will ever be to do, whether or not the committee is there to do it.
    pub fn assignments(&self) -> Vec<Assignment> {
        let occurrences = self
            .actions
            .iter()
            .enumerate()
            .flat_map(|(a, action)| (0..action.occurrences.len()).map(move |o| (a, o, &action.parties)));
        occurrences.flat_map(|(a, o, parties)| parties.iter().map(move |c| (a, o, *c))).collect()
    }

    /// The reports that count on a day.
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

    /// What is to be done today, again and again, by those that have long been there.
    pub fn running(&self) -> impl Iterator<Item = Assignment> {
        let all = self.actions.iter().enumerate().flat_map(|(a, action)| {
            let runs = |occurrence: &Occurrence| occurrence.begins <= self.today && self.today <= occurrence.ends;
            let now = action.occurrences.iter().position(runs).filter(|_| action.months.is_some());
            now.into_iter().flat_map(move |o| action.parties.iter().map(move |c| (a, o, *c)))
        });
        all.filter(|assignment| self.is_lasting(assignment.2))
    }

    pub fn is_at_the_bottom(&self, n: usize) -> bool {
        tier(n, self.committees.len()) == 2
    }

    /// Whether the committee was always there and still is.
    pub fn is_lasting(&self, n: usize) -> bool {
        let Committee { starts_on, ends_on } = &self.committees[n];
        starts_on.is_none_or(|first| first < self.first) && ends_on.is_none()
    }

    /// The committees with a local action.
    pub fn starters(&self) -> Vec<usize> {
        let all = 0..self.committees.len();
        all.filter(|n| n % 25 == 3 && self.is_at_the_bottom(*n) && self.is_lasting(*n)).collect()
    }

    /// The committees in which [`PERSON`] has a seat: the chair of one in the middle, and a member further down.
    pub fn own_committees(&self) -> [usize; 2] {
        let below = (0..self.committees.len()).find(|n| self.is_at_the_bottom(*n) && self.is_lasting(*n));
        [MIDDLE, below.expect("most committees last")]
    }

    /// Everything but the reports and the values.
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
        let second = seat(self.own_committees()[1], "x", employee_key(MIDDLE, 0), "member");
        let local_actions = self.starters().into_iter().map(|n| {
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
        // It is told, and does not count.
        let told = json!({"role": "receives", "committee": committee_key(0)});
        json!({
            "key": action_key(n),
            "number": n.to_string(),
            "title": format!("Drøft handling {n} og aftal, hvad der skal ske"),
            "kind": "discussion",
            "audience": responsible.chain([told]).collect::<Vec<_>>(),
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
    /// The units that values are about.
    pub fn workplaces(&self) -> Vec<usize> {
        (0..self.committees.len()).filter(|n| self.is_at_the_bottom(*n)).collect()
    }

    /// How many indicators there are.
    pub fn indicators(&self) -> usize {
        self.size.values.div_ceil(self.workplaces().len() * MONTHS)
    }

    /// The months that there are values for, as periods are written; the last is the one before today's.
    pub fn months(&self) -> Vec<String> {
        let first = self.today - Days::new(u64::from(self.today.day0())) - Months::new(MONTHS as u32);
        let days = (0..MONTHS).map(|n| first + Months::new(n as u32));
        days.map(|day| format!("{}-{:02}", day.year(), day.month())).collect()
    }

    /// All values of an indicator.
    pub fn values_bundle(&self, indicator: usize) -> Value {
        let months = self.months();
        let mut dice = Dice(indicator as u64);
        let series = self.workplaces().into_iter().map(|workplace| {
            // A few are so small that they are hidden.
            let people = if workplace % 50 == 7 { LEAST - 1 } else { 8 + dice.throw(60) };
            let values = months
                .iter()
                .map(|month| json!({"period": month, "value": dice.throw(300) as f64 / 10.0, "count": people}));
            json!({
                "indicator": indicator_key(indicator),
                "unit": unit_key(workplace),
                "values": values.collect::<Vec<_>>(),
            })
        });
        json!({"municipality": municipality(), "values": series.collect::<Vec<_>>()})
    }
}

/// Units stand in a tree as committees do, and each local committee covers the unit of its own number.
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

/// Months that there are values for.
pub const MONTHS: usize = 60;
/// No fewer people are shown.
const LEAST: usize = 5;

/// Small groups are hidden in each; every third is told up the unit tree.
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
        "min_group": LEAST,
        "aggregation": if n.is_multiple_of(3) { "mean" } else { "none" },
    })
}

pub fn indicator_key(n: usize) -> String {
    format!("noegletal-{n:02}")
}

pub fn unit_key(n: usize) -> String {
    format!("u-{n:05}")
}

/// Most committees were there before the strategy; a tenth of those at the bottom is founded or ended meanwhile, at
/// the turn of a month.
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

/// One committee at the top, a 25th of them in the middle, the others below those.
pub fn tier(n: usize, count: usize) -> usize {
    match n {
        0 => 0,
        n if n <= in_the_middle(count) => 1,
        _ => 2,
    }
}

pub fn parent(n: usize, count: usize) -> Option<usize> {
    match tier(n, count) {
        0 => None,
        1 => Some(0),
        _ => Some(1 + n % in_the_middle(count)),
    }
}

pub fn in_the_middle(count: usize) -> usize {
    (count / 25).max(1)
}

/// The one in the middle that is asked about.
pub const MIDDLE: usize = 1;

/// A third of the actions is done once, by the end of one of the years; the others recur.
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
        1 => vec![Addressee::Committee(MIDDLE), Addressee::Committee(2)],
        2 | 3 => vec![Addressee::Level(1)],
        4 => vec![Addressee::Level(0), Addressee::Level(1), Addressee::Level(2)],
        5 => vec![Addressee::Level(1), Addressee::Committee(0), Addressee::Committee(MIDDLE)],
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

/// The levels' keys and names, from the top.
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
