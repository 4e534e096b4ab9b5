//! How far strategies, focus areas and actions have come.

use chrono::NaiveDate;

use super::label::Counted;
use super::series::{self, Point};
use super::store::{self, Heading, Objective};
use super::sums::{Gathered, Part, ProgressKind, Sums, Wanted};
use super::verdicts::Judged;
use crate::action::assignment::board::Board;
use crate::action::assignment::count::{Census, Entry};
use crate::action::assignment::forerunners::Forerunners;
use crate::action::assignment::history::history;
use crate::action::assignment::model::Addressed;
use crate::action::assignment::store::Which;
use crate::db::Tenant;
use crate::db::types::{Id, Key, Reference};
use crate::problem::{Problem, Result};
use crate::text::ShortText;

/// How far a strategy has come; its focus areas stand one step down.
pub fn strategy(tenant: &mut Tenant<'_>, reference: &Reference, wanted: Wanted) -> Result<Gathered> {
    let on = wanted.on;
    let heading = store::strategy(tenant, reference)?;
    let board = Board::read(tenant, Which::Strategy(heading.id), on)?;
    let entries = board.entries();
    let sums = Sums::of(entries.iter(), on);
    let mut gathered =
        Gathered::new(Part::new(ProgressKind::Strategy, heading.id, &heading.key, &heading.title, sums), on);
    let told = Judged::of_strategy(tenant, heading.id, on)?;
    gathered.part.verdicts = Some(told.counts(&[&heading.key]));
    if wanted.children {
        let area = |(id, key, title): (Id, Key, ShortText)| {
            let own = entries.iter().filter(|entry| entry.action.focus_area_id == id);
            let mut part = Part::new(ProgressKind::FocusArea, id, &key, &title, Sums::of(own, on));
            part.verdicts = Some(told.counts(&[&heading.key, key.as_str()]));
            part
        };
        gathered.children = Some(store::focus_areas(tenant, heading.id)?.into_iter().map(area).collect());
    }
    if wanted.series {
        gathered.series = Some(plan_series(tenant, &board.census, &planned(&board.actions), heading.days, on)?);
    }
    Ok(gathered)
}

/// How far a focus area has come; its actions stand one step down.
pub fn focus_area(tenant: &mut Tenant<'_>, id: Id, wanted: Wanted) -> Result<Gathered> {
    let on = wanted.on;
    let Heading { key, title, days, strategy, .. } = store::focus_area(tenant, id)?;
    let board = Board::read(tenant, Which::FocusArea(id), on)?;
    let entries = board.entries();
    let sums = Sums::of(entries.iter(), on);
    let mut gathered = Gathered::new(Part::new(ProgressKind::FocusArea, id, &key, &title, sums), on);
    gathered.part.verdicts = Some(Judged::of_focus_area(tenant, id, on)?.counts(&[&strategy, &key]));
    if wanted.children {
        let planned = board.actions.iter().filter(|action| !action.is_local());
        let part = |action: &Addressed| Part::of_action(action, Sums::of_action(action.id, &entries, on));
        gathered.children = Some(planned.map(part).collect());
    }
    if wanted.series {
        gathered.series = Some(plan_series(tenant, &board.census, &planned(&board.actions), days, on)?);
    }
    Ok(gathered)
}

/// What the indicators of an objective come to; what is to be done for it stands in its focus area.
pub fn objective(tenant: &mut Tenant<'_>, id: Id, wanted: Wanted) -> Result<Gathered> {
    let Objective { key, text, path } = store::objective(tenant, id)?;
    let mut part = Part::new(ProgressKind::Objective, id, &key, &text, Sums::default());
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    part.verdicts = Some(Judged::of_objective(tenant, id, wanted.on)?.counts(&path));
    Ok(Gathered::new(part, wanted.on))
}

/// Those that stand in a plan.
fn planned(actions: &[Addressed]) -> Vec<Addressed> {
    actions.iter().filter(|action| !action.is_local()).cloned().collect()
}

/// How far an action has come; its occurrences stand one step down.
pub fn action(tenant: &mut Tenant<'_>, id: Id, wanted: Wanted) -> Result<Gathered> {
    let on = wanted.on;
    let board = Board::read(tenant, Which::Action(id), on)?;
    let entries = board.entries();
    let itself = board.actions.iter().find(|action| action.id == id).ok_or_else(|| Problem::not_found("action"))?;
    let mut gathered = Gathered::new(Part::of_action(itself, Sums::of_action(id, &entries, on)), on);
    gathered.cancelled_on = itself.schedule.cancelled_on;
    let forerunners = Forerunners::read(tenant, std::slice::from_ref(itself), None, on)?;
    gathered.forerunners = Some(forerunners.of(id).to_vec());
    if wanted.children {
        let occurrence = |entry: &Entry<'_>| {
            let sums = Sums::of_action(id, std::slice::from_ref(entry), on);
            let name = entry.occurrence.period.map(|period| period.to_string());
            let parties = Counted::parties(itself);
            Part {
                kind: ProgressKind::Occurrence,
                id: None,
                title: name.clone().unwrap_or_default(),
                key: name,
                counted: parties,
                counted_running: parties,
                sums,
                verdicts: None,
            }
        };
        gathered.children = Some(entries.iter().filter(|entry| entry.action.id == id).map(occurrence).collect());
    }
    if wanted.series {
        let days = (itself.schedule.starts_on, itself.strategy_days.1);
        gathered.series = Some(plan_series(tenant, &board.census, std::slice::from_ref(itself), days, on)?);
    }
    Ok(gathered)
}

fn plan_series(
    tenant: &mut Tenant<'_>,
    census: &Census,
    actions: &[Addressed],
    (first, last): (Option<NaiveDate>, Option<NaiveDate>),
    on: NaiveDate,
) -> Result<Vec<Point>> {
    let history = history(tenant, actions, on)?;
    let first = first.or(history.first().map(|told| told.reported_at.day())).unwrap_or(on);
    Ok(series::points(actions, census, &history, &series::days(first, last, on)))
}
