//! The use cases of assignments: list those of an action or of a committee.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::model::{
    ActionWithAssignees, Assignee, AssigneeInfo, Assignment, AssignmentRef, LatestReport, ListPosition,
    for_each_assignment, is_overdue, is_stale,
};
use super::predecessors::Predecessors;
use super::stage::{Judgement, Stage};
use super::store::reports::{self, ReportSelector};
use super::store::{self, ActionSelector};
use crate::committee::level;
use crate::db::Tenant;
use crate::db::types::{Id, Reference, RegisterKey};
use crate::period::Period;
use crate::problem::{Problem, Result};

/// Whose assignments to list.
#[derive(Debug, Clone)]
pub enum AssignmentsOf {
    /// Those of an action.
    Action(Id),
    /// Those of a committee, by key or id.
    Committee(Reference),
}

/// Selects assignments.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only those at this stage.
    pub stage: Option<Stage>,
    /// Only those with this judgement.
    pub judgement: Option<Judgement>,
    /// Only those that are, or aren't, overdue.
    pub overdue: Option<bool>,
    /// Only those that are, or aren't, stale.
    pub stale: Option<bool>,
    /// Only those of this time.
    pub occurrence: Option<Period>,
    /// Only those of committees at this level.
    pub level: Option<Reference>,
    /// Only those of this committee.
    pub committee: Option<Reference>,
    /// Only those of this unit.
    pub unit: Option<Reference>,
    /// Only those of this strategy.
    pub strategy: Option<Reference>,
    /// Only those that are, or aren't, local.
    pub local: Option<bool>,
}

impl Filter {
    fn matches_ref(&self, assignment_ref: &AssignmentRef<'_>, levels: &HashMap<Id, RegisterKey>) -> bool {
        let AssignmentRef { action, occurrence, member } = assignment_ref;
        let is_assignee = |reference: &Reference, id_of: fn(Assignee) -> Option<Id>| {
            id_of(member.assignee).is_some_and(|id| reference.names(id, &member.key))
        };
        let is_level = |reference: &Reference| {
            let level = member.level_id.and_then(|id| Some((id, levels.get(&id)?)));
            level.is_some_and(|(id, key)| reference.names(id, key))
        };
        self.occurrence.is_none_or(|expected| occurrence.period == Some(expected))
            && self.local.is_none_or(|expected| action.is_local() == expected)
            && self.committee.as_ref().is_none_or(|expected| is_assignee(expected, Assignee::committee_id))
            && self.unit.as_ref().is_none_or(|expected| is_assignee(expected, Assignee::unit_id))
            && self.level.as_ref().is_none_or(is_level)
    }

    fn matches(&self, assignment: &Assignment) -> bool {
        self.stage.is_none_or(|expected| assignment.stage == expected)
            && self.judgement.is_none_or(|expected| assignment.judgement == expected)
            && self.overdue.is_none_or(|expected| assignment.is_overdue == expected)
            && self.stale.is_none_or(|expected| assignment.is_stale == expected)
    }

    fn matches_strategy(&self, action: &ActionWithAssignees) -> bool {
        self.strategy.as_ref().is_none_or(|expected| expected.names(action.strategy_id, &action.strategy))
    }
}

/// At most `limit` assignments after a position, as they are on a day.
pub fn list(
    tenant: &mut Tenant<'_>,
    of: &AssignmentsOf,
    filter: &Filter,
    on: NaiveDate,
    after: Option<ListPosition>,
    limit: Option<usize>,
) -> Result<Vec<Assignment>> {
    let Subject { actions, members, selector, all } = Subject::read(tenant, of, filter)?;
    let levels = level::store::names(tenant)?.into_iter();
    let levels: HashMap<Id, RegisterKey> = levels.filter_map(|(id, path)| Some((id, path.key()?.clone()))).collect();
    let latest = reports::latest(tenant, selector, on)?;
    let predecessors = Predecessors::read(tenant, &actions, all, on)?;
    // Only the first `limit` are held in memory, however many there are.
    let mut assignments: BTreeMap<ListPosition, Assignment> = BTreeMap::new();
    let limit = limit.unwrap_or(usize::MAX);
    for_each_assignment(&actions, &members, on, |assignment_ref| {
        if !filter.matches_ref(&assignment_ref, &levels) {
            return;
        }
        let report = latest.get(&assignment_ref.key());
        let is_blocked = predecessors.are_blocking(assignment_ref.action.id);
        let assignment = describe(&assignment_ref, report, &levels, is_blocked, on);
        let position = assignment.position();
        let follows = after.as_ref().is_none_or(|after| position > *after);
        if follows && filter.matches(&assignment) {
            assignments.insert(position, assignment);
            if assignments.len() > limit {
                assignments.pop_last();
            }
        }
    });
    let mut assignments: Vec<Assignment> = assignments.into_values().collect();
    let report_ids: Vec<Id> = assignments.iter().filter_map(|assignment| assignment.report_id).collect();
    let mut texts = reports::texts(tenant, &report_ids)?;
    for assignment in &mut assignments {
        if let Some(found) = assignment.report_id.and_then(|id| texts.remove(&id)) {
            (assignment.note, assignment.minutes_url, assignment.discussed_on) = found;
        }
    }
    Ok(assignments)
}

/// What a list is made from.
struct Subject {
    /// The actions whose assignments are listed.
    actions: Vec<ActionWithAssignees>,
    /// The committees that may have them by their level.
    members: Vec<AssigneeInfo>,
    /// The reports on them.
    selector: ReportSelector,
    /// All actions, if they were read.
    all: Option<Vec<ActionWithAssignees>>,
}

impl Subject {
    fn read(tenant: &mut Tenant<'_>, of: &AssignmentsOf, filter: &Filter) -> Result<Self> {
        let committees = store::committees(tenant)?.into_iter().map(|node| node.member);
        match of {
            AssignmentsOf::Action(id) => {
                let mut actions = store::actions(tenant, ActionSelector::Action(*id))?;
                actions.retain(|action| action.id == *id);
                if actions.is_empty() {
                    return Err(Problem::not_found("action"));
                }
                let selector = ReportSelector::Action(*id);
                Ok(Self { actions, members: committees.collect(), selector, all: None })
            }
            AssignmentsOf::Committee(reference) => {
                let mut named = committees.filter(|info| reference.names(info.assignee.id(), &info.key));
                let own = named.next().ok_or_else(|| Problem::not_found("committee"))?;
                let all = store::actions(tenant, ActionSelector::All)?;
                let mut actions = all.clone();
                actions.retain(|action| !action.is_draft && filter.matches_strategy(action));
                actions.iter_mut().for_each(|action| action.named.retain(|info| info.assignee == own.assignee));
                let selector = ReportSelector::Committee(own.assignee.id());
                Ok(Self { actions, members: vec![own], selector, all: Some(all) })
            }
        }
    }
}

/// The answer about one assignment, without the texts of its report.
fn describe(
    assignment: &AssignmentRef<'_>,
    report: Option<&LatestReport>,
    levels: &HashMap<Id, RegisterKey>,
    is_blocked: bool,
    on: NaiveDate,
) -> Assignment {
    let AssignmentRef { action, occurrence, member } = assignment;
    let stage = report.map_or(Stage::NotStarted, |report| report.stage);
    let is_begun = matches!(stage, Stage::InProgress | Stage::Done);
    Assignment {
        action: action.path.clone(),
        action_id: action.id,
        title: action.title.clone(),
        is_local: action.is_local(),
        committee: member.assignee.committee_id().map(|_| member.key.clone()),
        unit: member.assignee.unit_id().map(|_| member.key.clone()),
        name: member.name.clone(),
        level: member.level_id.and_then(|id| levels.get(&id).cloned()),
        occurrence: occurrence.period,
        starts_on: occurrence.starts_on,
        due_on: occurrence.due_on,
        stage,
        judgement: report.map_or(Judgement::None, |report| report.judgement),
        is_overdue: is_overdue(occurrence, stage, on),
        is_stale: report.is_some_and(|report| is_stale(action.schedule, stage, report.reported_at, on)),
        is_ahead_of_forerunner: is_begun && is_blocked,
        report_id: report.map(|report| report.id),
        reported_at: report.map(|report| report.reported_at),
        note: None,
        minutes_url: None,
        discussed_on: None,
    }
}
