//! Property tests of assignments and progress against a brute-force model, which walks through the calendar day by day
//! and counts one by one. They must agree on every day and after every change, although today's figures come from
//! stored counts.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Copenhagen;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use serde_json::{Value, json};

use crate::harness::{App, repeatable};

crate::tests![figures_of_any_day_equal_the_model, figures_follow_every_change];

const LEVELS: [&str; 3] = ["hoved", "omraade", "lokal"];
const RECURRENCES: [Option<&str>; 6] = [None, Some("P6M"), Some("P1M"), Some("P3M"), Some("P1Y"), Some("P2Y")];
/// Stages and judgements of reports, drawn as often as they are listed here.
const STAGES: [&str; 6] = ["done", "in_progress", "done", "in_progress", "dropped", "not_started"];
const JUDGEMENTS: [&str; 4] = ["none", "on_track", "at_risk", "off_track"];
/// The names of the figures that are counts.
const COUNTS: [&str; 7] = ["expected", "done", "in_progress", "not_started", "dropped", "overdue", "stale"];
/// The fields of an assignment that are compared.
const FIELDS: [&str; 12] = [
    "action",
    "is_local",
    "committee",
    "unit",
    "level",
    "occurrence",
    "due_on",
    "stage",
    "judgement",
    "is_overdue",
    "is_stale",
    "reported_at",
];

/// An assignee: `committee` or `unit`, and its key.
type Party = (&'static str, String);
/// An entry of an audience: the role, then `level`, `committee` or `unit`, and its key.
type Entry = (&'static str, &'static str, String);

fn figures_of_any_day_equal_the_model(app: &App) {
    let cases = Cell::new(0);
    run(5, 9..10, |sequence| {
        let (first, days) = sequence.split_first().unwrap();
        let scenario = Scenario::begin(app, &cases, &mut Choices(first.iter()));
        for (n, bytes) in days.iter().enumerate() {
            let mut choices = Choices(bytes.iter());
            let on = if n == 0 { today() } else { scenario.model.draw_on(&mut choices) };
            scenario.check(&mut choices, on, n == 0)?;
        }
        scenario.check_series()
    });
}

fn figures_follow_every_change(app: &App) {
    let cases = Cell::new(0);
    run(6, 5..9, |sequence| {
        let (first, changes) = sequence.split_first().unwrap();
        let mut scenario = Scenario::begin(app, &cases, &mut Choices(first.iter()));
        for bytes in changes {
            let mut choices = Choices(bytes.iter());
            scenario.change(&mut choices);
            scenario.check(&mut choices, today(), true)?;
            let on = scenario.model.draw_on(&mut choices);
            scenario.check(&mut choices, on, false)?;
        }
        Ok(())
    });
    crate::operations::assert_consistent(app);
}

fn run(cases: u32, steps: Range<usize>, test: impl Fn(Vec<Vec<u8>>) -> Result<(), TestCaseError>) {
    // Each step of shrinking takes as long as a whole case.
    let config = Config { max_shrink_iters: 60, ..repeatable(cases) };
    // More bytes than a scenario uses.
    let sequences = prop::collection::vec(prop::collection::vec(any::<u8>(), 700), steps);
    match TestRunner::new(config).run(&sequences, test) {
        Ok(()) => {}
        // Print what was drawn from the bytes, since the bytes themselves explain nothing.
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(error) => panic!("{error}"),
    }
}

/// Today in Denmark.
fn today() -> NaiveDate {
    danish_day(Utc::now())
}

fn danish_day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Copenhagen).date_naive()
}

fn next(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap()
}

/// Formats a time as the service does.
fn text_of(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(|at| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

/// The object without its null fields.
fn filled(row: &Value) -> Value {
    let fields = row.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Decisions, taken one after the other from random bytes.
struct Choices<'b>(std::slice::Iter<'b, u8>);

impl Choices<'_> {
    fn byte(&mut self) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0))
    }

    fn below(&mut self, limit: usize) -> usize {
        let high = if limit > 256 { self.byte() } else { 0 };
        (high * 256 + self.byte()) % limit
    }

    fn one<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// A day up to that many days from today, often the first or last of a month, where mistakes are likely.
    fn day(&mut self, (from, to): (i64, i64)) -> NaiveDate {
        let distance = i64::try_from(self.below(usize::try_from(to - from + 1).unwrap())).unwrap();
        let mut day = today() + TimeDelta::days(from + distance);
        match self.below(4) {
            0 => day = day.with_day(1).unwrap(),
            1 => {
                while next(day).month() == day.month() {
                    day = next(day);
                }
            }
            _ => {}
        }
        day
    }

    /// First and last day in order, often open-ended.
    fn span(&mut self, firsts: (i64, i64), lasts: (i64, i64)) -> Span {
        let first = if self.below(2) == 0 { None } else { Some(self.day(firsts)) };
        let last = if self.below(5) < 3 { None } else { Some(self.day(lasts)) };
        Span { first, last: last.map(|last| first.map_or(last, |first| first.max(last))) }
    }

    /// A time on a Danish day. Near midnight, UTC has another date. Only the first moment of today has certainly
    /// passed. The number makes the time unique among reports.
    fn moment(&mut self, day: NaiveDate, number: usize) -> DateTime<Utc> {
        let times = [(12, 0, 0), (0, 0, 0), (23, 59, 59), (0, 30, 0)];
        let (hour, minute, second) = if day == today() { (0, 0, 0) } else { self.one(&times) };
        let local = day.and_hms_opt(hour, minute, second).unwrap();
        let begin = Copenhagen.from_local_datetime(&local).single().unwrap().with_timezone(&Utc);
        begin + TimeDelta::microseconds(i64::try_from(number).unwrap())
    }
}

/// First and last day, inclusive. None is open.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
}

impl Span {
    fn holds(self, day: NaiveDate) -> bool {
        self.first.is_none_or(|first| first <= day) && self.last.is_none_or(|last| day <= last)
    }
}

/// A committee. Those managed by HR are changed by the HR sync only.
#[derive(Debug, Clone)]
struct Committee {
    level: Option<&'static str>,
    parent: Option<String>,
    span: Span,
    is_hr: bool,
}

impl Committee {
    fn form(&self) -> &'static str {
        if self.level.is_some() { "committee" } else { "work_group" }
    }

    fn row(&self, key: &str) -> Value {
        filled(&json!({
            "key": key, "name": key, "form": self.form(), "level": self.level, "parent": self.parent,
            "starts_on": self.span.first, "ends_on": self.span.last,
            "managed_by": if self.is_hr { "hr" } else { "editor" },
        }))
    }
}

/// A strategy.
#[derive(Debug, Clone)]
struct Plan {
    key: String,
    status: &'static str,
    span: Span,
    /// The paths of its focus areas.
    areas: Vec<String>,
}

/// An action, of a plan or local.
#[derive(Debug, Clone)]
struct Action {
    key: String,
    /// Index of its plan in the model. A local action has its parent's.
    plan: usize,
    /// The path of its focus area. A local action has its parent's.
    area: String,
    /// For a local action: its committee, and the path of its parent.
    local: Option<(String, String)>,
    audience: BTreeSet<Entry>,
    recurrence: Option<&'static str>,
    /// Its own first and last day.
    span: Span,
    cancelled_on: Option<NaiveDate>,
}

impl Action {
    fn path(&self) -> String {
        match &self.local {
            Some((committee, _)) => format!("{committee}/{}", self.key),
            None => format!("{}/{}", self.area, self.key),
        }
    }

    /// The fields that say when it is to be done.
    fn timing(&self) -> Value {
        let mut timing = json!({"recurrence": self.recurrence, "starts_on": self.span.first, "due_on": self.span.last});
        if self.local.is_none() {
            timing["cancelled_on"] = json!(self.cancelled_on);
        }
        timing
    }

    fn audience(&self) -> Value {
        let mut entries = Vec::new();
        for (role, kind, key) in &self.audience {
            let mut entry = json!({"role": role});
            entry[*kind] = json!(key);
            entries.push(entry);
        }
        Value::Array(entries)
    }

    fn row(&self) -> Value {
        let mut row = filled(&self.timing());
        row["key"] = json!(self.key);
        row["title"] = json!(self.key);
        row["kind"] = json!("discussion");
        match &self.local {
            Some((committee, parent)) => {
                row["committee"] = json!(committee);
                row["parent"] = json!(parent);
            }
            None => {
                row["audience"] = self.audience();
                row["invites_local"] = json!(true);
            }
        }
        row
    }
}

/// A report.
#[derive(Debug, Clone)]
struct Report {
    /// The action's path.
    action: String,
    party: Party,
    occurrence: Option<String>,
    stage: &'static str,
    judgement: &'static str,
    at: DateTime<Utc>,
    /// The Danish day on which it was made.
    day: NaiveDate,
    /// Whether it was imported with a bundle.
    is_imported: bool,
}

impl Report {
    fn row(&self) -> Value {
        let mut row = json!({
            "action": self.action, "stage": self.stage, "judgement": self.judgement,
            "reported_at": text_of(Some(self.at)),
        });
        row[self.party.0] = json!(self.party.1);
        if let Some(occurrence) = &self.occurrence {
            row["occurrence"] = json!(occurrence);
        }
        row
    }
}

/// Everything that is stored.
#[derive(Debug, Default)]
struct Model {
    units: BTreeMap<String, Span>,
    committees: BTreeMap<String, Committee>,
    plans: Vec<Plan>,
    actions: Vec<Action>,
    reports: Vec<Report>,
}

/// Draws a random model.
impl Model {
    fn draw(choices: &mut Choices<'_>) -> Self {
        let mut model = Self::default();
        for n in 0..3 {
            let span = choices.span((-700, 60), (-600, 200));
            model.units.insert(format!("u{n}"), span);
        }
        let committees = 4 + choices.below(3);
        for _ in 0..committees {
            let committee = model.draw_committee(choices);
            let key = model.next_committee();
            model.committees.insert(key, committee);
        }
        if choices.below(2) > 0 {
            model.merge(choices);
        }
        for n in 0..2 {
            model.draw_plan(choices, n);
        }
        for _ in 0..2 {
            if let Some(action) = model.draw_local(choices) {
                model.actions.push(action);
            }
        }
        for _ in 0..30 {
            if let Some(report) = model.draw_report(choices) {
                model.reports.push(report);
            }
        }
        model
    }

    /// A committee's parent always has a smaller key, so there are no cycles.
    fn next_committee(&self) -> String {
        format!("c{:02}", self.committees.len())
    }

    fn draw_level(choices: &mut Choices<'_>) -> Option<&'static str> {
        if choices.below(6) == 5 { None } else { Some(choices.one(&LEVELS)) }
    }

    fn draw_parent(&self, choices: &mut Choices<'_>, key: &str) -> Option<String> {
        let above: Vec<&String> = self.committees.keys().filter(|other| other.as_str() < key).collect();
        if above.is_empty() || choices.below(4) == 3 { None } else { Some(choices.one(&above).clone()) }
    }

    fn draw_committee(&self, choices: &mut Choices<'_>) -> Committee {
        let level = Self::draw_level(choices);
        let parent = self.draw_parent(choices, &self.next_committee());
        Committee { level, parent, span: choices.span((-700, 60), (-600, 200)), is_hr: false }
    }

    /// Merges two committees: they end on one day, their successor starts on the next. Returns the keys.
    fn merge(&mut self, choices: &mut Choices<'_>) -> Vec<String> {
        let open = self.committees.iter().filter(|(_, committee)| committee.span.last.is_none());
        let open: Vec<String> = open.map(|(key, _)| key.clone()).collect();
        if open.len() < 2 {
            return Vec::new();
        }
        let one = choices.below(open.len());
        let other = (one + 1 + choices.below(open.len() - 1)) % open.len();
        let (one, other) = (open[one].clone(), open[other].clone());
        let mut day = choices.day((-600, 30));
        for key in [&one, &other] {
            day = self.committees[key].span.first.map_or(day, |first| first.max(day));
        }
        for key in [&one, &other] {
            self.committees.get_mut(key).unwrap().span.last = Some(day);
        }
        let founded = self.next_committee();
        let span = Span { first: Some(next(day)), last: None };
        let committee = Committee { span, is_hr: false, ..self.committees[&one].clone() };
        self.committees.insert(founded.clone(), committee);
        vec![one, other, founded]
    }

    fn draw_plan(&mut self, choices: &mut Choices<'_>, n: usize) {
        let status = if n == 0 { "adopted" } else { choices.one(&["adopted", "draft", "closed"]) };
        let span = choices.span((-800, -100), (-90, 500));
        let areas: Vec<String> = (0..=choices.below(2)).map(|area| format!("s{n}/a{area}")).collect();
        self.plans.push(Plan { key: format!("s{n}"), status, span, areas: areas.clone() });
        for area in areas {
            for _ in 0..=choices.below(2) {
                let action = self.draw_action(choices, n, &area);
                self.actions.push(action);
            }
        }
    }

    fn draw_action(&self, choices: &mut Choices<'_>, plan: usize, area: &str) -> Action {
        let mut action = Action {
            key: format!("x{}", self.actions.len()),
            plan,
            area: area.to_owned(),
            local: None,
            audience: self.draw_audience(choices),
            recurrence: None,
            span: Span::default(),
            cancelled_on: None,
        };
        self.draw_timing(choices, &mut action);
        action
    }

    fn draw_audience(&self, choices: &mut Choices<'_>) -> BTreeSet<Entry> {
        let committees: Vec<String> = self.committees.keys().cloned().collect();
        let units: Vec<String> = self.units.keys().cloned().collect();
        let mut audience = BTreeSet::new();
        let entries = [1, 2, 3, 2, 1, 0];
        for _ in 0..choices.one(&entries) {
            let role = choices.one(&["responsible", "responsible", "accountable", "qualifies", "receives"]);
            audience.insert(match choices.below(5) {
                0..=2 => (role, "level", choices.one(&LEVELS).to_owned()),
                3 => (role, "committee", choices.one(&committees)),
                _ => (role, "unit", choices.one(&units)),
            });
        }
        audience
    }

    fn draw_timing(&self, choices: &mut Choices<'_>, action: &mut Action) {
        action.recurrence = choices.one(&RECURRENCES);
        // A recurring action needs a first day, its own or its strategy's.
        let needs_first = action.recurrence.is_some() && self.plans[action.plan].span.first.is_none();
        let first = if needs_first || choices.below(3) == 2 { Some(choices.day((-800, 60))) } else { None };
        let last = if choices.below(3) == 2 { Some(choices.day((-600, 500))) } else { None };
        action.span = Span { first, last: last.map(|last| first.map_or(last, |first| first.max(last))) };
        let is_cancelled = action.local.is_none() && choices.below(5) == 4;
        action.cancelled_on = if is_cancelled { Some(choices.day((-500, 100))) } else { None };
    }

    /// A local action of an existing committee, whose parent belongs to a plan that is not a draft.
    fn draw_local(&self, choices: &mut Choices<'_>) -> Option<Action> {
        let is_parent = |action: &&Action| action.local.is_none() && self.plans[action.plan].status != "draft";
        let parents: Vec<&Action> = self.actions.iter().filter(is_parent).collect();
        let committees = self.committees.iter().filter(|(_, committee)| committee.span.holds(today()));
        let committees: Vec<String> = committees.map(|(key, _)| key.clone()).collect();
        if parents.is_empty() || committees.is_empty() {
            return None;
        }
        let parent = choices.one(&parents);
        let mut action = Action {
            key: format!("l{}", self.actions.len()),
            plan: parent.plan,
            area: parent.area.clone(),
            local: Some((choices.one(&committees), parent.path())),
            audience: BTreeSet::new(),
            recurrence: None,
            span: Span::default(),
            cancelled_on: None,
        };
        self.draw_timing(choices, &mut action);
        Some(action)
    }

    /// A valid report on some past day: either another one on an assignment that has reports, or one on any assignment
    /// of that day.
    fn draw_report(&self, choices: &mut Choices<'_>) -> Option<Report> {
        let on = choices.day((-800, 0)).min(today());
        let due = if !self.reports.is_empty() && choices.below(3) == 0 {
            let earlier = choices.one(&self.reports);
            let is_same = |due: &Due| due.party == earlier.party && due.turn.name == earlier.occurrence;
            self.reportable(self.action(&earlier.action), on).into_iter().find(is_same)?
        } else {
            self.draw_due(choices, on)?
        };
        Some(Report {
            at: choices.moment(on, self.reports.len()),
            day: on,
            action: due.path,
            party: due.party,
            occurrence: due.turn.name,
            stage: choices.one(&STAGES),
            judgement: choices.one(&JUDGEMENTS),
            is_imported: true,
        })
    }

    /// An assignment that can be reported on that day. Late occurrences are preferred, so that they get several
    /// reports.
    fn draw_due(&self, choices: &mut Choices<'_>, on: NaiveDate) -> Option<Due> {
        let action = choices.one(&self.actions);
        let mut dues = self.reportable(&action, on);
        if dues.is_empty() {
            return None;
        }
        let back = choices.below(dues.len().min(8));
        let at = dues.len() - 1 - back;
        Some(dues.swap_remove(at))
    }

    /// A day to compare figures on: today, any day, or a day next to a change.
    fn draw_on(&self, choices: &mut Choices<'_>) -> NaiveDate {
        let mut days = BTreeSet::from([today()]);
        let committees = self.committees.values().map(|committee| committee.span);
        let plans = self.plans.iter().map(|plan| plan.span);
        let actions = self.actions.iter().map(|action| action.span);
        for span in committees.chain(self.units.values().copied()).chain(plans).chain(actions) {
            days.extend(span.first);
            days.extend(span.last);
        }
        days.extend(self.actions.iter().filter_map(|action| action.cancelled_on));
        days.extend(self.reports.iter().map(|report| report.day));
        let days: Vec<NaiveDate> = days.into_iter().collect();
        let day = match choices.below(4) {
            0 => today(),
            1 => choices.day((-900, 700)),
            _ => choices.one(&days),
        };
        day + TimeDelta::days(choices.one(&[0, 1, -1]))
    }
}

/// The model as a bundle.
impl Model {
    fn bundle(&self) -> Value {
        let levels = LEVELS.iter().zip(1..).map(|(key, rank)| json!({"key": key, "name": key, "rank": rank}));
        let unit = |(key, span): (&String, &Span)| {
            filled(&json!({
                "key": key, "name": key, "kind": "workplace", "starts_on": span.first, "ends_on": span.last,
            }))
        };
        let units = self.units.iter().map(unit);
        let committees = self.committees.iter().map(|(key, committee)| committee.row(key));
        let strategies = self.plans.iter().map(|plan| self.tree(plan));
        let locals = self.actions.iter().filter(|action| action.local.is_some()).map(Action::row);
        let reports = self.reports.iter().map(Report::row);
        json!({
            "levels": levels.collect::<Vec<_>>(),
            "units": units.collect::<Vec<_>>(),
            "committees": committees.collect::<Vec<_>>(),
            "strategies": strategies.collect::<Vec<_>>(),
            "local_actions": locals.collect::<Vec<_>>(),
            "reports": reports.collect::<Vec<_>>(),
        })
    }

    fn tree(&self, plan: &Plan) -> Value {
        let mut areas = Vec::new();
        for area in &plan.areas {
            let mut actions = Vec::new();
            for action in &self.actions {
                if action.local.is_none() && action.area == *area {
                    actions.push(action.row());
                }
            }
            let key = area.split_once('/').unwrap().1;
            areas.push(json!({"key": key, "title": key, "actions": actions}));
        }
        filled(&json!({
            "key": plan.key, "title": plan.key, "kind": "plan", "status": plan.status,
            "starts_on": plan.span.first, "ends_on": plan.span.last, "focus_areas": areas,
        }))
    }
}

/// One occurrence of an action, or the only one.
#[derive(Debug, Clone)]
struct Turn {
    name: Option<String>,
    due_on: Option<NaiveDate>,
    /// The day on which an assignee must exist to count.
    counted_on: NaiveDate,
    is_running: bool,
}

/// An assignment with its latest report.
#[derive(Debug, Clone)]
struct Due {
    /// The action's path.
    path: String,
    /// The strategy, focus area and action of the plan that it belongs to. For a local action: those of its parent.
    within: [String; 3],
    is_local: bool,
    is_draft: bool,
    party: Party,
    level: Option<&'static str>,
    turn: Turn,
    stage: &'static str,
    judgement: &'static str,
    reported_at: Option<DateTime<Utc>>,
    is_overdue: bool,
    is_stale: bool,
}

impl Due {
    /// The compared fields, as the service answers them.
    fn row(&self) -> Value {
        json!({
            "action": self.path,
            "is_local": self.is_local,
            "committee": if self.party.0 == "committee" { Some(&self.party.1) } else { None },
            "unit": if self.party.0 == "unit" { Some(&self.party.1) } else { None },
            "level": self.level,
            "occurrence": self.turn.name,
            "due_on": self.turn.due_on,
            "stage": self.stage,
            "judgement": self.judgement,
            "is_overdue": self.is_overdue,
            "is_stale": self.is_stale,
            "reported_at": text_of(self.reported_at),
        })
    }
}

/// The rules.
impl Model {
    fn action(&self, path: &str) -> &Action {
        self.actions.iter().find(|action| action.path() == path).unwrap()
    }

    fn span_of(&self, party: &Party) -> Span {
        if party.0 == "unit" { self.units[&party.1] } else { self.committees[&party.1].span }
    }

    /// The occurrences of an action that have begun.
    fn turns(&self, action: &Action, on: NaiveDate) -> Vec<Turn> {
        let plan = self.plans[action.plan].span;
        let first = action.span.first.or(plan.first);
        let last = action.span.last.or(plan.last);
        // The last day of the action.
        let mut until = last;
        if let Some(cancelled_on) = action.cancelled_on {
            let eve = cancelled_on.pred_opt().unwrap();
            until = Some(until.map_or(eve, |until| until.min(eve)));
        }
        let Some(recurrence) = action.recurrence else {
            let is_never = first.zip(until).is_some_and(|(first, until)| until < first);
            if is_never || first.is_some_and(|first| on < first) {
                return Vec::new();
            }
            let counted_on = until.map_or(on, |until| until.min(on));
            let is_running = until.is_none_or(|until| on <= until);
            return vec![Turn { name: None, due_on: last, counted_on, is_running }];
        };
        let first = first.unwrap();
        let mut turns = Vec::new();
        let mut seen = None;
        let mut day = first;
        while day <= on && until.is_none_or(|until| day <= until) {
            let slot = slot_of(recurrence, first, day);
            if seen != Some(slot) {
                seen = Some(slot);
                let mut end = day;
                while slot_of(recurrence, first, next(end)) == slot {
                    end = next(end);
                }
                let name = Some(name_of(recurrence, slot));
                turns.push(Turn { name, due_on: Some(end), counted_on: end.min(on), is_running: on <= end });
            }
            day = next(day);
        }
        turns
    }

    fn parties(&self, action: &Action) -> BTreeSet<Party> {
        let mut parties = BTreeSet::new();
        if let Some((committee, _)) = &action.local {
            parties.insert(("committee", committee.clone()));
            return parties;
        }
        let has_responsible = action.audience.iter().any(|entry| entry.0 == "responsible");
        let doing = if has_responsible { "responsible" } else { "accountable" };
        for (role, kind, key) in &action.audience {
            if *role != doing {
                continue;
            }
            if *kind != "level" {
                parties.insert((*kind, key.clone()));
                continue;
            }
            for (committee, row) in &self.committees {
                if row.level == Some(key.as_str()) {
                    parties.insert(("committee", committee.clone()));
                }
            }
        }
        parties
    }

    /// The assignments of an action that have begun, in the order of their occurrences.
    fn dues_of(&self, action: &Action, on: NaiveDate) -> Vec<Due> {
        let path = action.path();
        let reports = self.reports.iter().filter(|report| report.action == path && report.day <= on);
        let reports: Vec<&Report> = reports.collect();
        let plan = &self.plans[action.plan];
        let above = action.local.as_ref().map_or(&path, |(_, parent)| parent);
        let mut dues = Vec::new();
        for turn in self.turns(action, on) {
            for party in self.parties(action) {
                if !self.span_of(&party).holds(turn.counted_on) {
                    continue;
                }
                let mut latest: Option<&Report> = None;
                for &report in &reports {
                    let is_about_this = report.party == party && report.occurrence == turn.name;
                    if is_about_this && latest.is_none_or(|latest| latest.at < report.at) {
                        latest = Some(report);
                    }
                }
                let stage = latest.map_or("not_started", |report| report.stage);
                let is_late = turn.due_on.is_some_and(|due_on| due_on < on);
                let is_settled = stage == "done" || stage == "dropped";
                let is_spared =
                    action.cancelled_on.is_some_and(|day| day <= on && turn.due_on.is_some_and(|due_on| due_on >= day));
                let is_silent = latest.is_some_and(|report| fresh_until(action.recurrence, report.day) < on);
                dues.push(Due {
                    path: path.clone(),
                    within: [plan.key.clone(), action.area.clone(), above.clone()],
                    is_local: action.local.is_some(),
                    is_draft: plan.status == "draft",
                    level: if party.0 == "unit" { None } else { self.committees[&party.1].level },
                    party,
                    turn: turn.clone(),
                    stage,
                    judgement: latest.map_or("none", |report| report.judgement),
                    reported_at: latest.map(|report| report.at),
                    is_overdue: is_late && !is_settled && !is_spared,
                    is_stale: stage == "in_progress" && is_silent,
                });
            }
        }
        dues
    }

    /// The assignments of an action that can be reported on that day: not those of drafts or of ended assignees.
    fn reportable(&self, action: &Action, on: NaiveDate) -> Vec<Due> {
        let mut dues = self.dues_of(action, on);
        dues.retain(|due| !due.is_draft && self.span_of(&due.party).holds(on));
        dues
    }

    /// The committee and all committees below it.
    fn subtree(&self, top: &str) -> BTreeSet<String> {
        let mut subtree = BTreeSet::from([top.to_owned()]);
        loop {
            let size = subtree.len();
            for (key, committee) in &self.committees {
                if committee.parent.as_ref().is_some_and(|parent| subtree.contains(parent)) {
                    subtree.insert(key.clone());
                }
            }
            if subtree.len() == size {
                return subtree;
            }
        }
    }
}

/// The period that contains `day`: its year and its number in the year. Two-year periods start with the year of
/// `first`.
fn slot_of(recurrence: &str, first: NaiveDate, day: NaiveDate) -> (i32, u32) {
    let (year, month) = (day.year(), day.month());
    match recurrence {
        "P1M" => (year, month),
        "P3M" => (year, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4][day.month0() as usize]),
        "P6M" => (year, if month <= 6 { 1 } else { 2 }),
        "P1Y" => (year, 0),
        _ if (year - first.year()) % 2 == 0 => (year, 0),
        _ => (year - 1, 0),
    }
}

fn name_of(recurrence: &str, (year, place): (i32, u32)) -> String {
    match recurrence {
        "P1M" => format!("{year}-{place:02}"),
        "P3M" => format!("{year}-Q{place}"),
        "P6M" => format!("{year}-H{place}"),
        _ => format!("{year}"),
    }
}

/// The last day on which a report is not stale: one recurrence later, at most the last day of that month.
fn fresh_until(recurrence: Option<&str>, reported: NaiveDate) -> NaiveDate {
    let months = match recurrence {
        None => return reported + TimeDelta::days(365),
        Some("P1M") => 1,
        Some("P3M") => 3,
        Some("P6M") => 6,
        Some("P1Y") => 12,
        Some(_) => 24,
    };
    let (mut year, mut month) = (reported.year(), reported.month());
    for _ in 0..months {
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    (1..=reported.day()).rev().find_map(|day| NaiveDate::from_ymd_opt(year, month, day)).unwrap()
}

/// Something that has progress.
#[derive(Debug, Clone)]
enum Node {
    /// By its key.
    Strategy(String),
    /// By its path.
    Area(String),
    /// By its path.
    Action(String),
    /// By its path.
    Local(String),
    /// By the action's path and its name.
    Occurrence(String, String),
    /// By its key.
    Committee(String),
}

impl Node {
    fn kind(&self) -> &'static str {
        match self {
            Node::Strategy(_) => "strategy",
            Node::Area(_) => "focus_area",
            Node::Action(_) | Node::Local(_) => "action",
            Node::Occurrence(..) => "occurrence",
            Node::Committee(_) => "committee",
        }
    }
}

/// Counts of assignments.
#[derive(Debug, Clone, PartialEq)]
struct Figures {
    /// In the order of [`COUNTS`].
    counts: [i64; 7],
    last_reported_at: Option<DateTime<Utc>>,
}

/// All figures of a node.
struct Block {
    own: Figures,
    running: Figures,
    /// None if they are not compared.
    local: Option<Figures>,
    subtree: Option<Figures>,
}

/// All assignments, as of a day.
struct Day<'m> {
    model: &'m Model,
    on: NaiveDate,
    dues: Vec<Due>,
}

impl<'m> Day<'m> {
    fn of(model: &'m Model, on: NaiveDate) -> Self {
        let mut dues = Vec::new();
        for action in &model.actions {
            dues.extend(model.dues_of(action, on));
        }
        Self { model, on, dues }
    }

    fn count(&self, counts: impl Fn(&Due) -> bool) -> Figures {
        let mut figures = Figures { counts: [0; 7], last_reported_at: None };
        for due in &self.dues {
            if !counts(due) {
                continue;
            }
            figures.counts[0] += 1;
            match due.stage {
                "done" => figures.counts[1] += 1,
                "in_progress" => figures.counts[2] += 1,
                "not_started" => figures.counts[3] += 1,
                _ => figures.counts[4] += 1,
            }
            figures.counts[5] += i64::from(due.is_overdue);
            figures.counts[6] += i64::from(due.is_stale);
            figures.last_reported_at = figures.last_reported_at.max(due.reported_at);
        }
        figures
    }

    fn block(&self, node: &Node) -> Block {
        let is_own = |due: &Due| match node {
            Node::Strategy(path) | Node::Area(path) | Node::Action(path) => !due.is_local && due.within.contains(path),
            Node::Local(path) => due.path == *path,
            Node::Occurrence(path, name) => due.path == *path && due.turn.name.as_ref() == Some(name),
            Node::Committee(key) => !due.is_local && !due.is_draft && due.party == ("committee", key.clone()),
        };
        let local = match node {
            Node::Strategy(path) | Node::Area(path) | Node::Action(path) => {
                Some(self.count(|due| due.is_local && due.within.contains(path)))
            }
            Node::Committee(key) => Some(self.count(|due| due.is_local && due.party.1 == *key)),
            // These have no children.
            Node::Local(_) | Node::Occurrence(..) => None,
        };
        let subtree = match node {
            Node::Committee(key) => {
                let subtree = self.model.subtree(key);
                let is_below = |party: &Party| party.0 == "committee" && subtree.contains(&party.1);
                Some(self.count(|due| !due.is_local && !due.is_draft && is_below(&due.party)))
            }
            _ => None,
        };
        let running = self.count(|due| is_own(due) && due.turn.is_running);
        Block { own: self.count(is_own), running, local, subtree }
    }

    /// The children of a node, by key.
    fn children(&self, node: &Node) -> BTreeMap<String, Node> {
        let mut children = BTreeMap::new();
        match node {
            Node::Strategy(key) => {
                let plan = self.model.plans.iter().find(|plan| plan.key == *key).unwrap();
                for path in &plan.areas {
                    children.insert(path.split_once('/').unwrap().1.to_owned(), Node::Area(path.clone()));
                }
            }
            Node::Area(path) => {
                for action in &self.model.actions {
                    if action.local.is_none() && action.area == *path {
                        children.insert(action.key.clone(), Node::Action(action.path()));
                    }
                }
            }
            Node::Action(path) | Node::Local(path) => {
                for due in self.dues.iter().filter(|due| due.path == *path) {
                    if let Some(name) = &due.turn.name {
                        children.insert(name.clone(), Node::Occurrence(path.clone(), name.clone()));
                    }
                }
            }
            Node::Committee(key) => {
                for (other, committee) in &self.model.committees {
                    if committee.parent.as_ref() == Some(key) && committee.span.holds(self.on) {
                        children.insert(other.clone(), Node::Committee(other.clone()));
                    }
                }
            }
            Node::Occurrence(..) => {}
        }
        children
    }
}

/// A municipality and the model of what it should hold.
struct Scenario<'a> {
    app: &'a App<'a>,
    key: String,
    token: String,
    model: Model,
    /// Ids of focus areas and actions, by path.
    ids: BTreeMap<String, String>,
    /// All changes since the first bundle, printed if the test fails.
    steps: RefCell<Vec<String>>,
}

impl<'a> Scenario<'a> {
    /// Creates a municipality of its own for each case.
    fn begin(app: &'a App<'a>, cases: &Cell<u32>, choices: &mut Choices<'_>) -> Self {
        let key = format!("by{}", cases.replace(cases.get() + 1));
        let model = Model::draw(choices);
        let steps = RefCell::new(Vec::new());
        let mut scenario = Self { app, token: String::new(), key, model, ids: BTreeMap::new(), steps };
        scenario.import(scenario.model.bundle());
        scenario.token = app.token_of(&scenario.key, "med.admin med.audit");
        scenario.learn_ids();
        scenario
    }

    fn import(&self, mut sections: Value) {
        sections["municipality"] = json!({"key": self.key, "code": "998", "name": self.key});
        if let Err(problem) = self.app.import(&sections) {
            panic!("{problem:?}: import of {sections}\n{}", self.story());
        }
        // The first bundle itself is printed too.
        if !self.token.is_empty() {
            self.steps.borrow_mut().push(format!("import of {sections}"));
        }
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>, status: u16) -> Value {
        let mut request = self.app.request(method, path).token(&self.token);
        if method == "PATCH" {
            request = request.header("if-match", "*");
        }
        if let Some(body) = body {
            self.steps.borrow_mut().push(format!("{method} {path} {body}"));
            request = request.json(body);
        }
        let answer = request.send();
        let told = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, status, "{method} {path}: {told}\n{}", self.story());
        answer.json()
    }

    fn get(&self, path: &str) -> Value {
        self.send("GET", path, None, 200)
    }

    /// The model and its changes, for the message of a failure.
    fn story(&self) -> String {
        format!("what should be there: {}\nafter: {:#?}", self.model.bundle(), self.steps.borrow())
    }

    /// Every row of a list, over all pages. The path must have a query.
    fn list(&self, path: &str) -> Vec<Value> {
        let mut page = self.get(path);
        let mut rows = page["items"].as_array().unwrap().clone();
        while let Some(cursor) = page["next"].as_str() {
            page = self.get(&format!("{path}&cursor={cursor}"));
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
        }
        rows
    }

    fn learn_ids(&mut self) {
        let mut rows = Vec::new();
        for plan in &self.model.plans {
            let tree = self.get(&format!("/v1/strategies/{}", plan.key));
            for area in tree["focus_areas"].as_array().unwrap() {
                rows.push(area.clone());
                rows.extend(area["actions"].as_array().unwrap().iter().cloned());
            }
        }
        for action in &self.model.actions {
            if let Some((committee, _)) = &action.local {
                rows.extend(self.list(&format!("/v1/committees/{committee}/actions?limit=200")));
            }
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.ids.extend(rows.iter().map(|row| (text(&row["path"]), text(&row["id"]))));
    }

    fn address(&self, node: &Node) -> String {
        match node {
            Node::Strategy(key) => format!("/v1/strategies/{key}"),
            Node::Area(path) => format!("/v1/focus-areas/{}", self.ids[path]),
            Node::Action(path) | Node::Local(path) => format!("/v1/actions/{}", self.ids[path]),
            Node::Committee(key) => format!("/v1/committees/{key}"),
            Node::Occurrence(..) => unreachable!("occurrences are no resources"),
        }
    }
}

/// Changes, made in the service and in the model alike.
impl Scenario<'_> {
    fn change(&mut self, choices: &mut Choices<'_>) {
        match choices.below(18) {
            0..=2 => {
                for _ in 0..4 {
                    self.post_report(choices);
                }
            }
            3..=5 => self.import_reports(choices),
            6 => self.change_committee(choices, Self::draw_first_day),
            7 | 8 => self.change_committee(choices, Self::draw_last_day),
            9 => self.change_committee(choices, Self::draw_level),
            10 => self.change_committee(choices, Self::draw_parent),
            11 => self.merge_committees(choices),
            12 => self.found_committee(choices),
            13 => self.change_unit(choices),
            14 => self.change_audience(choices),
            15 => self.change_timing(choices),
            16 => self.change_plan(choices),
            _ => self.add_action(choices),
        }
    }

    fn post_report(&mut self, choices: &mut Choices<'_>) {
        let Some(due) = self.model.draw_due(choices, today()) else { return };
        let (stage, judgement) = (choices.one(&STAGES), choices.one(&JUDGEMENTS));
        let mut body = json!({"stage": stage, "judgement": judgement});
        if let Some(occurrence) = &due.turn.name {
            body["occurrence"] = json!(occurrence);
        }
        // A report on a local action need not name the committee.
        if !due.is_local || choices.below(2) == 0 {
            body[due.party.0] = json!(due.party.1);
        }
        let answer = self.send("POST", &format!("/v1/actions/{}/reports", self.ids[&due.path]), Some(&body), 201);
        let at: DateTime<Utc> = answer["reported_at"].as_str().unwrap().parse().unwrap();
        self.model.reports.push(Report {
            action: due.path,
            party: due.party,
            occurrence: due.turn.name,
            stage,
            judgement,
            at,
            day: danish_day(at),
            is_imported: false,
        });
    }

    /// Imports reports dated before, between and after the stored ones, and some that are stored already.
    fn import_reports(&mut self, choices: &mut Choices<'_>) {
        let mut rows = Vec::new();
        for report in self.model.reports.iter().filter(|report| report.is_imported) {
            let dues = self.model.reportable(self.model.action(&report.action), report.day);
            let is_still_right = |due: &Due| due.party == report.party && due.turn.name == report.occurrence;
            if choices.below(8) == 0 && dues.iter().any(is_still_right) {
                rows.push(report.row());
            }
        }
        for _ in 0..6 {
            if let Some(report) = self.model.draw_report(choices) {
                rows.push(report.row());
                self.model.reports.push(report);
            }
        }
        self.import(json!({"reports": rows}));
    }

    /// Changes one committee, through HR sync if HR manages it.
    fn change_committee(
        &mut self,
        choices: &mut Choices<'_>,
        draw: fn(&Model, &mut Choices<'_>, &str) -> (Committee, Value),
    ) {
        let keys: Vec<String> = self.model.committees.keys().cloned().collect();
        let key = choices.one(&keys);
        let (committee, mut fields) = draw(&self.model, choices, &key);
        if committee.is_hr {
            fields["key"] = json!(key);
            self.sync(&fields);
        } else {
            self.send("PATCH", &format!("/v1/committees/{key}"), Some(&fields), 200);
        }
        self.model.committees.insert(key, committee);
    }

    fn sync(&self, committee: &Value) {
        let path = "/v1/hr-sync?mode=delta&max_ended=1000";
        self.send("POST", path, Some(&json!({"committees": [committee]})), 200);
    }

    fn draw_first_day(model: &Model, choices: &mut Choices<'_>, key: &str) -> (Committee, Value) {
        let mut committee = model.committees[key].clone();
        let day = choices.day((-700, 60));
        let day = committee.span.last.map_or(day, |last| last.min(day));
        committee.span.first = if choices.below(3) == 2 { None } else { Some(day) };
        let fields = json!({"starts_on": committee.span.first});
        (committee, fields)
    }

    fn draw_last_day(model: &Model, choices: &mut Choices<'_>, key: &str) -> (Committee, Value) {
        let mut committee = model.committees[key].clone();
        let day = choices.day((-600, 200));
        let day = committee.span.first.map_or(day, |first| first.max(day));
        committee.span.last = if choices.below(3) == 2 { None } else { Some(day) };
        let fields = json!({"ends_on": committee.span.last});
        (committee, fields)
    }

    fn draw_level(model: &Model, choices: &mut Choices<'_>, key: &str) -> (Committee, Value) {
        let mut committee = model.committees[key].clone();
        committee.level = Model::draw_level(choices);
        let fields = json!({"form": committee.form(), "level": committee.level});
        (committee, fields)
    }

    fn draw_parent(model: &Model, choices: &mut Choices<'_>, key: &str) -> (Committee, Value) {
        let mut committee = model.committees[key].clone();
        committee.parent = model.draw_parent(choices, key);
        let fields = json!({"parent": committee.parent});
        (committee, fields)
    }

    fn merge_committees(&mut self, choices: &mut Choices<'_>) {
        let keys = self.model.merge(choices);
        let rows: Vec<Value> = keys.iter().map(|key| self.model.committees[key].row(key)).collect();
        self.import(json!({"committees": rows}));
    }

    fn found_committee(&mut self, choices: &mut Choices<'_>) {
        let key = self.model.next_committee();
        let mut committee = self.model.draw_committee(choices);
        let some_day = choices.day((-400, 30));
        committee.span = Span { first: choices.one(&[Some(today()), Some(some_day), None]), last: None };
        committee.is_hr = choices.below(2) > 0;
        let mut row = committee.row(&key);
        if committee.is_hr {
            row.as_object_mut().unwrap().retain(|name, _| name != "managed_by");
            self.sync(&row);
        } else {
            self.send("POST", "/v1/committees", Some(&row), 201);
        }
        self.model.committees.insert(key, committee);
    }

    fn change_unit(&mut self, choices: &mut Choices<'_>) {
        let keys: Vec<String> = self.model.units.keys().cloned().collect();
        let key = choices.one(&keys);
        let span = choices.span((-700, 60), (-600, 200));
        let fields = json!({"starts_on": span.first, "ends_on": span.last});
        self.send("PATCH", &format!("/v1/units/{key}"), Some(&fields), 200);
        self.model.units.insert(key, span);
    }

    fn change_audience(&mut self, choices: &mut Choices<'_>) {
        let of_plans = self.model.actions.iter().enumerate().filter(|(_, action)| action.local.is_none());
        let of_plans: Vec<usize> = of_plans.map(|(n, _)| n).collect();
        let n = choices.one(&of_plans);
        self.model.actions[n].audience = self.model.draw_audience(choices);
        let action = &self.model.actions[n];
        let fields = json!({"audience": action.audience()});
        self.send("PATCH", &format!("/v1/actions/{}", self.ids[&action.path()]), Some(&fields), 200);
    }

    fn change_timing(&mut self, choices: &mut Choices<'_>) {
        let n = choices.below(self.model.actions.len());
        let mut action = self.model.actions[n].clone();
        let recurrence = action.recurrence;
        self.model.draw_timing(choices, &mut action);
        // Mostly keeps the occurrences that have reports. New occurrences need no report.
        if choices.below(3) > 0 && (recurrence.is_none() || action.recurrence.is_some()) {
            action.recurrence = recurrence;
        }
        self.send("PATCH", &format!("/v1/actions/{}", self.ids[&action.path()]), Some(&action.timing()), 200);
        self.model.actions[n] = action;
    }

    fn change_plan(&mut self, choices: &mut Choices<'_>) {
        let n = choices.below(self.model.plans.len());
        let (mut has_local, mut needs_first) = (false, false);
        for action in self.model.actions.iter().filter(|action| action.plan == n) {
            has_local |= action.local.is_some();
            needs_first |= action.recurrence.is_some() && action.span.first.is_none();
        }
        let mut plan = self.model.plans[n].clone();
        let fields = if choices.below(3) == 0 && !has_local {
            plan.status = choices.one(&["draft", "adopted", "closed"]);
            json!({"status": plan.status})
        } else {
            plan.span = choices.span((-800, -100), (-90, 500));
            if needs_first && plan.span.first.is_none() {
                plan.span.first = Some(choices.day((-800, -200)));
            }
            json!({"starts_on": plan.span.first, "ends_on": plan.span.last})
        };
        self.send("PATCH", &format!("/v1/strategies/{}", plan.key), Some(&fields), 200);
        self.model.plans[n] = plan;
    }

    /// An action of a plan, or a local one.
    fn add_action(&mut self, choices: &mut Choices<'_>) {
        let (path, action) = if choices.below(2) == 0 {
            let n = choices.below(self.model.plans.len());
            let area = choices.one(&self.model.plans[n].areas);
            let action = self.model.draw_action(choices, n, &area);
            (format!("/v1/focus-areas/{}/actions", self.ids[&area]), action)
        } else {
            let Some(action) = self.model.draw_local(choices) else { return };
            let (committee, _) = action.local.clone().unwrap();
            (format!("/v1/committees/{committee}/actions"), action)
        };
        let mut row = action.row();
        row.as_object_mut().unwrap().retain(|name, _| name != "committee");
        let answer = self.send("POST", &path, Some(&row), 201);
        self.ids.insert(action.path(), answer["id"].as_str().unwrap().to_owned());
        self.model.actions.push(action);
    }
}

/// Compares the service's answers with the model.
impl Scenario<'_> {
    /// Compares all stored figures, or a sample, and the assignments of some actions.
    fn check(&self, choices: &mut Choices<'_>, on: NaiveDate, is_whole: bool) -> Result<(), TestCaseError> {
        let day = Day::of(&self.model, on);
        let with_story = |error: TestCaseError| TestCaseError::fail(format!("{error}\non {on}; {}", self.story()));
        self.check_day(choices, &day, is_whole).map_err(with_story)
    }

    fn check_day(&self, choices: &mut Choices<'_>, day: &Day<'_>, is_whole: bool) -> Result<(), TestCaseError> {
        // Today is the default.
        let goes_without_saying = day.on == today() && choices.below(2) == 0;
        let query = if goes_without_saying { String::new() } else { format!("&on={}", day.on) };
        let model = &self.model;
        let plans: Vec<Node> = model.plans.iter().map(|plan| Node::Strategy(plan.key.clone())).collect();
        let areas: Vec<Node> = model.plans.iter().flat_map(|plan| &plan.areas).cloned().map(Node::Area).collect();
        let committees: Vec<Node> = model.committees.keys().cloned().map(Node::Committee).collect();
        let (locals, actions): (Vec<&Action>, Vec<&Action>) =
            model.actions.iter().partition(|action| action.local.is_some());
        let actions: Vec<Node> = actions.iter().map(|action| Node::Action(action.path())).collect();
        let locals: Vec<Node> = locals.iter().map(|action| Node::Local(action.path())).collect();
        for nodes in [&plans, &areas, &committees] {
            for node in pick(choices, nodes, is_whole) {
                self.check_progress(choices, day, &node, &query)?;
            }
        }
        for nodes in [&actions, &locals] {
            for node in pick(choices, nodes, false) {
                self.check_progress(choices, day, &node, &query)?;
                self.check_assignments(day, &node, &query)?;
            }
        }
        for node in pick(choices, &committees, false) {
            self.check_assignments(day, &node, &query)?;
        }
        Ok(())
    }

    fn check_assignments(&self, day: &Day<'_>, node: &Node, query: &str) -> Result<(), TestCaseError> {
        let path = format!("{}/assignments?limit=200{query}", self.address(node));
        let is_wanted = |due: &&Due| match node {
            Node::Committee(key) => !due.is_draft && due.party == ("committee", key.clone()),
            Node::Action(path) | Node::Local(path) => due.path == *path,
            _ => false,
        };
        let mut wanted: Vec<String> = day.dues.iter().filter(is_wanted).map(|due| told(&due.row())).collect();
        let mut given: Vec<String> = self.list(&path).iter().map(told).collect();
        wanted.sort();
        given.sort();
        if wanted != given {
            let wanted_once: BTreeSet<&String> = wanted.iter().collect();
            let given_once: BTreeSet<&String> = given.iter().collect();
            let missing: Vec<_> = wanted_once.difference(&given_once).collect();
            let excess: Vec<_> = given_once.difference(&wanted_once).collect();
            let what = format!("{path} has {} in place of {}", given.len(), wanted.len());
            return Err(TestCaseError::fail(format!("{what}; missing: {missing:#?}, too many: {excess:#?}")));
        }
        Ok(())
    }

    fn check_progress(
        &self,
        choices: &mut Choices<'_>,
        day: &Day<'_>,
        node: &Node,
        query: &str,
    ) -> Result<(), TestCaseError> {
        let is_action = matches!(node, Node::Action(_) | Node::Local(_));
        // Nodes with many children are left out, since their pages take too long.
        let limit = choices.one(&[200, if is_action { 20 } else { 2 }]);
        let path = format!("{}/progress?children=true&limit={limit}{query}", self.address(node));
        let block = day.block(node);
        let mut answer = self.get(&path);
        let mut children = Vec::new();
        loop {
            prop_assert_eq!(&answer["kind"], &json!(node.kind()), "kind of {}", path);
            prop_assert_eq!(&answer["on"], &json!(day.on), "on of {}", path);
            check_block(&answer, &block, &path)?;
            let Some(page) = answer["children"]["items"].as_array().cloned() else {
                return Err(TestCaseError::fail(format!("{path} has no children: {answer}")));
            };
            prop_assert!(page.len() <= limit, "{} has a page of {}", path, page.len());
            children.extend(page);
            let Some(cursor) = answer["children"]["next"].as_str() else { break };
            answer = self.get(&format!("{path}&cursor={cursor}"));
        }
        check_children(day, node, &children, &path)?;
        // The children's figures come from other counts than their parent's.
        if matches!(node, Node::Committee(_)) {
            let path = format!("{}/progress?limit={limit}{query}", self.address(node));
            check_block(&self.get(&path), &block, &path)?;
        }

        // A committee has no occurrences, and neither has an action that is done once.
        let is_once = is_action && self.model.actions.iter().any(|action| is_done_once(action, node));
        let is_apart = matches!(node, Node::Committee(_)) || (is_once && children.is_empty());
        if !is_apart {
            for (n, count) in COUNTS.iter().enumerate() {
                let sum: i64 = children.iter().map(|child| child[*count].as_i64().unwrap_or_default()).sum();
                prop_assert_eq!(sum, block.own.counts[n], "{} of the children of {}", count, path);
            }
        }
        Ok(())
    }

    /// Each point of a series equals the answer for that day.
    fn check_series(&self) -> Result<(), TestCaseError> {
        let committee = self.model.committees.keys().next().unwrap();
        for node in [Node::Strategy(self.model.plans[0].key.clone()), Node::Committee(committee.clone())] {
            let path = format!("{}/progress?series=month", self.address(&node));
            let answer = self.get(&path);
            let Some(points) = answer["series"].as_array() else {
                return Err(TestCaseError::fail(format!("{path} has no series: {answer}")));
            };
            let days: Vec<NaiveDate> =
                points.iter().map(|point| point["on"].as_str().unwrap().parse().unwrap()).collect();
            prop_assert!(days.is_sorted_by(|day, after| day < after), "{}: {:?}", path, days);
            for (point, on) in points.iter().zip(days) {
                let day = Day::of(&self.model, on);
                let what = format!("{path} on {on}");
                let with_story = |error: TestCaseError| TestCaseError::fail(format!("{error}\n{}", self.story()));
                check_counts(point, &day.block(&node).own, &what).map_err(with_story)?;
            }
        }
        Ok(())
    }
}

/// All of them, or one.
fn pick(choices: &mut Choices<'_>, nodes: &[Node], is_all: bool) -> Vec<Node> {
    if is_all || nodes.is_empty() { nodes.to_vec() } else { vec![choices.one(nodes)] }
}

fn is_done_once(action: &Action, node: &Node) -> bool {
    let is_it = matches!(node, Node::Action(path) | Node::Local(path) if action.path() == *path);
    is_it && action.recurrence.is_none()
}

/// The compared fields of an assignment, as text.
fn told(row: &Value) -> String {
    FIELDS.map(|name| format!("{name}: {}", row[name])).join(", ")
}

fn check_children(day: &Day<'_>, node: &Node, children: &[Value], what: &str) -> Result<(), TestCaseError> {
    let wanted = day.children(node);
    let mut given = BTreeMap::new();
    for child in children {
        let key = child["key"].as_str().unwrap_or_default();
        prop_assert!(given.insert(key.to_owned(), child).is_none(), "two children '{}' of {}", key, what);
    }
    for (key, node) in &wanted {
        let Some(child) = given.remove(key) else {
            return Err(TestCaseError::fail(format!("{what} has no child '{key}': {children:?}")));
        };
        let what = format!("'{key}' of the children of {what}");
        prop_assert_eq!(&child["kind"], &json!(node.kind()), "kind of {}", what);
        check_block(child, &day.block(node), &what)?;
    }
    // The only occurrence may be listed without a name, and occurrences without assignments may be listed.
    for (key, child) in given {
        let is_action = matches!(node, Node::Action(_) | Node::Local(_));
        let may_be = is_action && (key.is_empty() || child["expected"] == 0);
        prop_assert!(may_be, "{} has a child '{}' too many: {}", what, key, child);
    }
    Ok(())
}

fn check_block(given: &Value, wanted: &Block, what: &str) -> Result<(), TestCaseError> {
    check_figures(given, &wanted.own, what)?;
    check_figures(&given["running"], &wanted.running, &format!("running of {what}"))?;
    if let Some(local) = &wanted.local {
        check_figures(&given["local"], local, &format!("local of {what}"))?;
    }
    if let Some(subtree) = &wanted.subtree {
        check_figures(&given["subtree"], subtree, &format!("subtree of {what}"))?;
    }
    Ok(())
}

fn check_figures(given: &Value, wanted: &Figures, what: &str) -> Result<(), TestCaseError> {
    check_counts(given, wanted, what)?;
    let last_reported_at = json!(text_of(wanted.last_reported_at));
    prop_assert_eq!(&given["last_reported_at"], &last_reported_at, "last_reported_at of {}", what);
    Ok(())
}

fn check_counts(given: &Value, wanted: &Figures, what: &str) -> Result<(), TestCaseError> {
    let counts = COUNTS.map(|name| given[name].as_i64());
    prop_assert_eq!(counts, wanted.counts.map(Some), "{:?} of {}: {}", COUNTS, what, given);
    let [expected, done, _, _, dropped, _, _] = wanted.counts;
    let share = &given["share_done"];
    let is_right = match share.as_f64() {
        None => share.is_null() && expected == dropped,
        Some(share) => {
            let exact = done as f64 / (expected - dropped) as f64;
            let parts = share * 10_000.0;
            // Rounded to the last decimal.
            (share - exact).abs() < 0.000_050_1 && (parts - parts.round()).abs() < 1e-6
        }
    };
    prop_assert!(is_right, "share_done of {}: {}", what, given);
    Ok(())
}
