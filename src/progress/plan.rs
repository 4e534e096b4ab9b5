//! The progress of strategies, focus areas, objectives and actions.

use chrono::NaiveDate;

use super::label::Counted;
use super::series::{self, Point};
use super::store::{self, Heading, Objective};
use super::sums::{Part, ProgressKind, ProgressQuery, ProgressSummary, Sums};
use super::verdicts::EvaluatedTargets;
use crate::action::assignment::model::ActionWithAssignees;
use crate::action::assignment::occurrence_counts::{CommitteeCounts, OccurrenceCounts};
use crate::action::assignment::predecessors::Predecessors;
use crate::action::assignment::snapshot::AssignmentSnapshot;
use crate::action::assignment::store::ActionSelector;
use crate::action::assignment::store::reports::history;
use crate::db::Tenant;
use crate::db::types::{Id, Key, Reference};
use crate::problem::{Problem, Result};
use crate::text::ShortText;

/// The progress of a strategy. Its children are the focus areas.
pub fn strategy(tenant: &mut Tenant<'_>, reference: &Reference, query: ProgressQuery) -> Result<ProgressSummary> {
    let on = query.on;
    let heading = store::strategy(tenant, reference)?;
    let snapshot = AssignmentSnapshot::read(tenant, ActionSelector::Strategy(heading.id), on)?;
    let occurrences = snapshot.by_occurrence();
    let sums = Sums::of(occurrences.iter(), on);
    let mut summary =
        ProgressSummary::new(Part::new(ProgressKind::Strategy, heading.id, &heading.key, &heading.title, sums), on);
    let targets = EvaluatedTargets::of_strategy(tenant, heading.id, on)?;
    summary.part.verdicts = Some(targets.counts(&[&heading.key]));
    if query.children {
        let area = |(id, key, title): (Id, Key, ShortText)| {
            let own = occurrences.iter().filter(|occurrence| occurrence.action.focus_area_id == id);
            let mut part = Part::new(ProgressKind::FocusArea, id, &key, &title, Sums::of(own, on));
            part.verdicts = Some(targets.counts(&[&heading.key, key.as_str()]));
            part
        };
        summary.children = Some(store::focus_areas(tenant, heading.id)?.into_iter().map(area).collect());
    }
    if query.series {
        summary.series =
            Some(plan_series(tenant, &snapshot.committee_counts, &planned(&snapshot.actions), heading.days, on)?);
    }
    Ok(summary)
}

/// The progress of a focus area. Its children are the actions.
pub fn focus_area(tenant: &mut Tenant<'_>, id: Id, query: ProgressQuery) -> Result<ProgressSummary> {
    let on = query.on;
    let Heading { key, title, days, strategy, .. } = store::focus_area(tenant, id)?;
    let snapshot = AssignmentSnapshot::read(tenant, ActionSelector::FocusArea(id), on)?;
    let occurrences = snapshot.by_occurrence();
    let sums = Sums::of(occurrences.iter(), on);
    let mut summary = ProgressSummary::new(Part::new(ProgressKind::FocusArea, id, &key, &title, sums), on);
    summary.part.verdicts = Some(EvaluatedTargets::of_focus_area(tenant, id, on)?.counts(&[&strategy, &key]));
    if query.children {
        let planned = snapshot.actions.iter().filter(|action| !action.is_local());
        let part = |action: &ActionWithAssignees| Part::of_action(action, Sums::of_action(action.id, &occurrences, on));
        summary.children = Some(planned.map(part).collect());
    }
    if query.series {
        summary.series = Some(plan_series(tenant, &snapshot.committee_counts, &planned(&snapshot.actions), days, on)?);
    }
    Ok(summary)
}

/// The progress of an objective: the verdicts on its indicators. Actions belong to its focus area.
pub fn objective(tenant: &mut Tenant<'_>, id: Id, query: ProgressQuery) -> Result<ProgressSummary> {
    let Objective { key, text, path } = store::objective(tenant, id)?;
    let mut part = Part::new(ProgressKind::Objective, id, &key, &text, Sums::default());
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    part.verdicts = Some(EvaluatedTargets::of_objective(tenant, id, query.on)?.counts(&path));
    Ok(ProgressSummary::new(part, query.on))
}

/// Without local actions.
fn planned(actions: &[ActionWithAssignees]) -> Vec<ActionWithAssignees> {
    actions.iter().filter(|action| !action.is_local()).cloned().collect()
}

/// The progress of an action. Its children are the occurrences.
pub fn action(tenant: &mut Tenant<'_>, id: Id, query: ProgressQuery) -> Result<ProgressSummary> {
    let on = query.on;
    let snapshot = AssignmentSnapshot::read(tenant, ActionSelector::Action(id), on)?;
    let occurrences = snapshot.by_occurrence();
    let itself = snapshot.actions.iter().find(|action| action.id == id).ok_or_else(|| Problem::not_found("action"))?;
    let mut summary = ProgressSummary::new(Part::of_action(itself, Sums::of_action(id, &occurrences, on)), on);
    summary.cancelled_on = itself.schedule.cancelled_on;
    let predecessors = Predecessors::read(tenant, std::slice::from_ref(itself), None, on)?;
    summary.predecessors = Some(predecessors.before(id).to_vec());
    if query.children {
        let part = |occurrence: &OccurrenceCounts<'_>| {
            let sums = Sums::of_action(id, std::slice::from_ref(occurrence), on);
            let name = occurrence.occurrence.period.map(|period| period.to_string());
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
        summary.children = Some(occurrences.iter().filter(|occurrence| occurrence.action.id == id).map(part).collect());
    }
    if query.series {
        let days = (itself.schedule.starts_on, itself.strategy_dates.1);
        summary.series = Some(plan_series(tenant, &snapshot.committee_counts, std::slice::from_ref(itself), days, on)?);
    }
    Ok(summary)
}

fn plan_series(
    tenant: &mut Tenant<'_>,
    committee_counts: &CommitteeCounts,
    actions: &[ActionWithAssignees],
    (first, last): (Option<NaiveDate>, Option<NaiveDate>),
    on: NaiveDate,
) -> Result<Vec<Point>> {
    let history = history(tenant, actions, on)?;
    let first = first.or(history.first().map(|event| event.reported_at.day())).unwrap_or(on);
    Ok(series::points(actions, committee_counts, &history, &series::days(first, last, on)))
}
