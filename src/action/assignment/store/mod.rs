//! Queries for assignments: actions with their assignees here, counts and reports in their own files.

pub mod counts;
pub mod projection;
pub mod reports;
mod totals;

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::model::{ActionWithAssignees, Assignee, AssigneeInfo};
use crate::action::model::{AudienceRole, Recurrence};
use crate::action::schedule::Schedule;
use crate::date_range::DateRange;
use crate::db::schema::aliases::local_actions;
use crate::db::schema::{action_audience, action_predecessors, actions, committees, focus_areas, strategies, units};
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::db::{Tenant, connection};
use crate::problem::Result;
use crate::strategy::model::StrategyStatus;
use crate::text::ShortText;

/// Selects actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionSelector {
    /// Those of a strategy, and the local ones that they inspired.
    Strategy(Id),
    /// Those of a focus area, and the local ones that they inspired.
    FocusArea(Id),
    /// A single one, and the local ones that it inspired.
    Action(Id),
    /// All of the municipality.
    All,
}

/// A committee's id, key, name, level, first and last day.
type CommitteeRow = (Id, RegisterKey, ShortText, Option<Id>, Option<NaiveDate>, Option<NaiveDate>);
/// A unit's id, key, name, first and last day.
type UnitRow = (Id, RegisterKey, ShortText, Option<NaiveDate>, Option<NaiveDate>);

const COMMITTEE: (
    committees::id,
    committees::key,
    committees::name,
    committees::level_id,
    committees::starts_on,
    committees::ends_on,
) = (
    committees::id,
    committees::key,
    committees::name,
    committees::level_id,
    committees::starts_on,
    committees::ends_on,
);
const UNIT: (units::id, units::key, units::name, units::starts_on, units::ends_on) =
    (units::id, units::key, units::name, units::starts_on, units::ends_on);

fn committee((id, key, name, level_id, first, last): CommitteeRow) -> AssigneeInfo {
    AssigneeInfo { assignee: Assignee::Committee(id), key, name, level_id, exists: DateRange::new(first, last) }
}

fn unit((id, key, name, first, last): UnitRow) -> AssigneeInfo {
    AssigneeInfo { assignee: Assignee::Unit(id), key, name, level_id: None, exists: DateRange::new(first, last) }
}

/// The ids, if they fit into one query. Otherwise the caller reads all rows of the municipality.
pub(super) fn few(ids: Vec<Id>) -> Option<Vec<Id>> {
    (ids.len() <= connection::batch()).then_some(ids)
}

/// The selected actions: those of plans in the plans' order, then the local ones.
pub fn actions(tenant: &mut Tenant<'_>, selector: ActionSelector) -> Result<Vec<ActionWithAssignees>> {
    let mut found = planned(tenant, selector)?;
    let local = local(tenant, selector, &found)?;
    found.extend(local);
    if let ActionSelector::Action(id) = selector {
        // Of a local action, the plan's was read for its dates.
        found.retain(|action| action.id == id || action.parent_id == Some(id));
    }
    fill_assignees(tenant, selector, &mut found)?;
    Ok(found)
}

fn planned(tenant: &mut Tenant<'_>, selector: ActionSelector) -> Result<Vec<ActionWithAssignees>> {
    let mut query = actions::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .order((strategies::key, focus_areas::position, actions::position))
        .select((
            (actions::id, actions::key, actions::title, actions::recurrence),
            (actions::starts_on, actions::due_on, actions::cancelled_on),
            (focus_areas::id, focus_areas::key),
            (strategies::id, strategies::key, strategies::status, strategies::starts_on, strategies::ends_on),
        ))
        .into_boxed();
    match selector {
        ActionSelector::Strategy(id) => query = query.filter(strategies::id.eq(id)),
        ActionSelector::FocusArea(id) => query = query.filter(focus_areas::id.eq(id)),
        ActionSelector::Action(id) => {
            let inspiring = local_actions
                .filter(local_actions.field(actions::id).eq(id))
                .select(local_actions.field(actions::parent_id).assume_not_null());
            query = query.filter(actions::id.eq(id).or(actions::id.eq_any(inspiring)));
        }
        ActionSelector::All => {}
    }
    type Row = (
        (Id, Key, ShortText, Option<Recurrence>),
        (Option<NaiveDate>, Option<NaiveDate>, Option<NaiveDate>),
        (Id, Key),
        (Id, Key, StrategyStatus, Option<NaiveDate>, Option<NaiveDate>),
    );
    let rows: Vec<Row> = query.load(tenant.connection)?;
    let action = |(own, days, area, strategy): Row| {
        let (id, key, title, recurrence) = own;
        let ((focus_area_id, area), (strategy_id, strategy, status, first, last)) = (area, strategy);
        ActionWithAssignees {
            id,
            path: format!("{strategy}/{area}/{key}"),
            title,
            focus_area_id,
            strategy_id,
            strategy: strategy.into(),
            is_draft: status == StrategyStatus::Draft,
            parent_id: None,
            schedule: Schedule::new(recurrence, days, (first, last)),
            strategy_dates: (first, last),
            level_ids: Vec::new(),
            named: Vec::new(),
        }
    };
    Ok(rows.into_iter().map(action).collect())
}

/// The local actions that some actions of plans inspired.
fn local(
    tenant: &mut Tenant<'_>,
    selector: ActionSelector,
    planned: &[ActionWithAssignees],
) -> Result<Vec<ActionWithAssignees>> {
    let mut query = actions::table
        .inner_join(committees::table.on(committees::id.nullable().eq(actions::committee_id)))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .order((committees::key, actions::key))
        .select((
            (actions::id, actions::key, actions::title, actions::recurrence, actions::parent_id.assume_not_null()),
            (actions::starts_on, actions::due_on, actions::cancelled_on),
            (committees::id, committees::key, committees::name, committees::level_id),
            (committees::starts_on, committees::ends_on),
        ))
        .into_boxed();
    if selector != ActionSelector::All {
        let inspiring: Vec<Id> = planned.iter().map(|action| action.id).collect();
        query = query.filter(actions::parent_id.assume_not_null().eq_any(inspiring));
    }
    type Row = (
        (Id, Key, ShortText, Option<Recurrence>, Id),
        (Option<NaiveDate>, Option<NaiveDate>, Option<NaiveDate>),
        (Id, RegisterKey, ShortText, Option<Id>),
        DateRange,
    );
    let rows: Vec<Row> = query.load(tenant.connection)?;
    let inspiring: HashMap<Id, &ActionWithAssignees> = planned.iter().map(|action| (action.id, action)).collect();
    let action = |(own, days, committee, committee_days): Row| {
        let (id, key, title, recurrence, parent_id) = own;
        let (committee_id, committee_key, name, level_id) = committee;
        let parent = inspiring.get(&parent_id)?;
        Some(ActionWithAssignees {
            id,
            path: format!("{committee_key}/{key}"),
            title,
            parent_id: Some(parent_id),
            schedule: Schedule::new(recurrence, days, parent.strategy_dates),
            level_ids: Vec::new(),
            named: vec![AssigneeInfo {
                assignee: Assignee::Committee(committee_id),
                key: committee_key,
                name,
                level_id,
                exists: committee_days,
            }],
            ..(*parent).clone()
        })
    };
    Ok(rows.into_iter().filter_map(action).collect())
}

/// Fills in who has to do the actions of plans: the responsible, or, if there is none, the accountable.
fn fill_assignees(tenant: &mut Tenant<'_>, selector: ActionSelector, found: &mut [ActionWithAssignees]) -> Result<()> {
    let mut query = action_audience::table
        .inner_join(actions::table)
        .left_join(committees::table)
        .left_join(units::table)
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .filter(action_audience::role.eq_any([AudienceRole::Responsible, AudienceRole::Accountable]))
        .order((action_audience::action_id, action_audience::position))
        .select((
            (action_audience::action_id, action_audience::role, action_audience::level_id),
            COMMITTEE.nullable(),
            UNIT.nullable(),
        ))
        .into_boxed();
    if selector != ActionSelector::All {
        query = query.filter(action_audience::action_id.eq_any(planned_ids(found)));
    }
    type Row = ((Id, AudienceRole, Option<Id>), Option<CommitteeRow>, Option<UnitRow>);
    let rows: Vec<Row> = query.load(tenant.connection)?;
    type Entry = (AudienceRole, Option<Id>, Option<AssigneeInfo>);
    let mut audiences: HashMap<Id, Vec<Entry>> = HashMap::new();
    for ((action_id, role, level), named_committee, named_unit) in rows {
        let member = named_committee.map(committee).or(named_unit.map(unit));
        audiences.entry(action_id).or_default().push((role, level, member));
    }
    for action in found {
        let Some(entries) = audiences.remove(&action.id) else { continue };
        let is_done_by_somebody = entries.iter().any(|(role, ..)| *role == AudienceRole::Responsible);
        let role_to_do = if is_done_by_somebody { AudienceRole::Responsible } else { AudienceRole::Accountable };
        let entries = || entries.iter().filter(|(role, ..)| *role == role_to_do);
        action.level_ids = entries().filter_map(|(_, level, _)| *level).collect();
        for member in entries().filter_map(|(.., member)| member.clone()) {
            if !action.addresses(member.assignee, member.level_id) {
                action.named.push(member);
            }
        }
    }
    Ok(())
}

/// The ids of those that stand in plans.
pub(super) fn planned_ids(found: &[ActionWithAssignees]) -> Vec<Id> {
    found.iter().filter(|action| !action.is_local()).map(|action| action.id).collect()
}

/// The ids of those that have inspired local ones.
pub(super) fn inspiring_ids(found: &[ActionWithAssignees]) -> Vec<Id> {
    let ids: BTreeSet<Id> = found.iter().filter_map(|action| action.parent_id).collect();
    ids.into_iter().collect()
}

/// Pairs of an action and one of its predecessors, of one action or of all.
pub fn predecessors(tenant: &mut Tenant<'_>, of: Option<Id>) -> Result<Vec<(Id, Id)>> {
    let mut query = action_predecessors::table
        .inner_join(actions::table.on(actions::id.eq(action_predecessors::action_id)))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .order((action_predecessors::action_id, action_predecessors::position))
        .select((action_predecessors::action_id, action_predecessors::predecessor_id))
        .into_boxed();
    if let Some(id) = of {
        query = query.filter(action_predecessors::action_id.eq(id));
    }
    Ok(query.load(tenant.connection)?)
}

/// A committee and the one above it.
#[derive(Debug, Clone)]
pub struct Node {
    /// The committee.
    pub member: AssigneeInfo,
    /// The id of the one above.
    pub parent_id: Option<Id>,
}

/// Every committee, in the order of their keys.
pub fn committees(tenant: &mut Tenant<'_>) -> Result<Vec<Node>> {
    let rows: Vec<(CommitteeRow, Option<Id>)> = committees::table
        .filter(committees::municipality_id.eq(tenant.municipality_id))
        .order(committees::key)
        .select((COMMITTEE, committees::parent_id))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|(row, parent_id)| Node { member: committee(row), parent_id }).collect())
}

/// The committee under a key or id.
pub fn find_committee(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<AssigneeInfo>> {
    let text = reference.to_string();
    let query = committees::table
        .filter(committees::municipality_id.eq(tenant.municipality_id))
        .filter(committees::key.eq(&text).or(committees::id.eq(&text)))
        .select(COMMITTEE);
    Ok(query.first::<CommitteeRow>(tenant.connection).optional()?.map(committee))
}

/// The unit under a key or id.
pub fn find_unit(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<AssigneeInfo>> {
    let text = reference.to_string();
    let query = units::table
        .filter(units::municipality_id.eq(tenant.municipality_id))
        .filter(units::key.eq(&text).or(units::id.eq(&text)))
        .select(UNIT);
    Ok(query.first::<UnitRow>(tenant.connection).optional()?.map(unit))
}
