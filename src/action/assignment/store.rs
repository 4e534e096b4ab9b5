//! Queries for assignments: what the rule and the sums are told from.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::model::{Addressed, Member, Party};
use crate::action::model::{AudienceRole, Recurrence};
use crate::action::schedule::Schedule;
use crate::date_range::DateRange;
use crate::db::schema::aliases::local_actions;
use crate::db::schema::{action_audience, action_predecessors, actions, committees, focus_areas, strategies, units};
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::db::{Tenant, connection};
use crate::problem::Result;
use crate::text::ShortText;

/// Which actions are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
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

fn committee((id, key, name, level_id, first, last): CommitteeRow) -> Member {
    Member { party: Party::Committee(id), key, name, level_id, lifetime: DateRange::new(first, last) }
}

fn unit((id, key, name, first, last): UnitRow) -> Member {
    Member { party: Party::Unit(id), key, name, level_id: None, lifetime: DateRange::new(first, last) }
}

/// Few rows are asked for one by one; of many, all of the municipality are read, so that no question grows without end.
pub(super) fn few(ids: Vec<Id>) -> Option<Vec<Id>> {
    (ids.len() <= connection::batch()).then_some(ids)
}

/// The actions wanted, those of plans in the plans' order, then the local ones.
pub fn actions(tenant: &mut Tenant<'_>, which: Which) -> Result<Vec<Addressed>> {
    let mut found = planned(tenant, which)?;
    let local = local(tenant, which, &found)?;
    found.extend(local);
    if let Which::Action(id) = which {
        // Of a local action, the plan's was read for its dates.
        found.retain(|action| action.id == id || action.parent_id == Some(id));
    }
    address(tenant, which, &mut found)?;
    Ok(found)
}

fn planned(tenant: &mut Tenant<'_>, which: Which) -> Result<Vec<Addressed>> {
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
    match which {
        Which::Strategy(id) => query = query.filter(strategies::id.eq(id)),
        Which::FocusArea(id) => query = query.filter(focus_areas::id.eq(id)),
        Which::Action(id) => {
            let inspiring = local_actions
                .filter(local_actions.field(actions::id).eq(id))
                .select(local_actions.field(actions::parent_id).assume_not_null());
            query = query.filter(actions::id.eq(id).or(actions::id.eq_any(inspiring)));
        }
        Which::All => {}
    }
    type Row = (
        (Id, Key, ShortText, Option<Recurrence>),
        (Option<NaiveDate>, Option<NaiveDate>, Option<NaiveDate>),
        (Id, Key),
        (Id, Key, String, Option<NaiveDate>, Option<NaiveDate>),
    );
    let rows: Vec<Row> = query.load(tenant.connection)?;
    let action = |(own, days, area, strategy): Row| {
        let (id, key, title, recurrence) = own;
        let ((focus_area_id, area), (strategy_id, strategy, status, first, last)) = (area, strategy);
        Addressed {
            id,
            path: format!("{strategy}/{area}/{key}"),
            title,
            focus_area_id,
            strategy_id,
            strategy: strategy.into(),
            is_draft: status == "draft",
            parent_id: None,
            schedule: Schedule::of(recurrence, days, (first, last)),
            strategy_days: (first, last),
            level_ids: Vec::new(),
            named: Vec::new(),
        }
    };
    Ok(rows.into_iter().map(action).collect())
}

/// Local actions of the actions of plans that were found.
fn local(tenant: &mut Tenant<'_>, which: Which, planned: &[Addressed]) -> Result<Vec<Addressed>> {
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
    if which != Which::All {
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
    let inspiring: HashMap<Id, &Addressed> = planned.iter().map(|action| (action.id, action)).collect();
    let action = |(own, days, committee, committee_days): Row| {
        let (id, key, title, recurrence, parent_id) = own;
        let (committee_id, committee_key, name, level_id) = committee;
        let parent = inspiring.get(&parent_id)?;
        Some(Addressed {
            id,
            path: format!("{committee_key}/{key}"),
            title,
            parent_id: Some(parent_id),
            schedule: Schedule::of(recurrence, days, parent.strategy_days),
            level_ids: Vec::new(),
            named: vec![Member {
                party: Party::Committee(committee_id),
                key: committee_key,
                name,
                level_id,
                lifetime: committee_days,
            }],
            ..(*parent).clone()
        })
    };
    Ok(rows.into_iter().filter_map(action).collect())
}

/// Tells whom actions of plans are addressed to.
fn address(tenant: &mut Tenant<'_>, which: Which, found: &mut [Addressed]) -> Result<()> {
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
    if which != Which::All {
        query = query.filter(action_audience::action_id.eq_any(planned_ids(found)));
    }
    type Row = ((Id, AudienceRole, Option<Id>), Option<CommitteeRow>, Option<UnitRow>);
    let rows: Vec<Row> = query.load(tenant.connection)?;
    type Entry = (AudienceRole, Option<Id>, Option<Member>);
    let mut audiences: HashMap<Id, Vec<Entry>> = HashMap::new();
    for ((action_id, role, level), named_committee, named_unit) in rows {
        let member = named_committee.map(committee).or(named_unit.map(unit));
        audiences.entry(action_id).or_default().push((role, level, member));
    }
    for action in found {
        let Some(entries) = audiences.remove(&action.id) else { continue };
        let is_done_by_somebody = entries.iter().any(|(role, ..)| *role == AudienceRole::Responsible);
        let wanted = if is_done_by_somebody { AudienceRole::Responsible } else { AudienceRole::Accountable };
        let entries = || entries.iter().filter(|(role, ..)| *role == wanted);
        action.level_ids = entries().filter_map(|(_, level, _)| *level).collect();
        for member in entries().filter_map(|(.., member)| member.clone()) {
            if !action.addresses(member.party, member.level_id) {
                action.named.push(member);
            }
        }
    }
    Ok(())
}

/// The ids of those that stand in plans.
pub(super) fn planned_ids(found: &[Addressed]) -> Vec<Id> {
    found.iter().filter(|action| !action.is_local()).map(|action| action.id).collect()
}

/// The ids of those that have inspired local ones.
pub(super) fn inspiring_ids(found: &[Addressed]) -> Vec<Id> {
    let ids: BTreeSet<Id> = found.iter().filter_map(|action| action.parent_id).collect();
    ids.into_iter().collect()
}

/// Which actions come before which, of a later one or of all: the later one's id, and the earlier one's.
pub fn forerunners(tenant: &mut Tenant<'_>, of: Option<Id>) -> Result<Vec<(Id, Id)>> {
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
    pub member: Member,
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
pub fn find_committee(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Member>> {
    let text = reference.to_string();
    let query = committees::table
        .filter(committees::municipality_id.eq(tenant.municipality_id))
        .filter(committees::key.eq(&text).or(committees::id.eq(&text)))
        .select(COMMITTEE);
    Ok(query.first::<CommitteeRow>(tenant.connection).optional()?.map(committee))
}

/// The unit under a key or id.
pub fn find_unit(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Member>> {
    let text = reference.to_string();
    let query = units::table
        .filter(units::municipality_id.eq(tenant.municipality_id))
        .filter(units::key.eq(&text).or(units::id.eq(&text)))
        .select(UNIT);
    Ok(query.first::<UnitRow>(tenant.connection).optional()?.map(unit))
}
