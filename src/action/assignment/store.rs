//! Queries for assignments: what the rule and the sums are told from.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::model::{Addressed, LatestReport, Member, Party, Place};
use super::stage::{Judgement, Stage};
use crate::action::model::{AudienceRole, Recurrence};
use crate::action::schedule::{Lifetime, Schedule, StoredPeriod};
use crate::db::Tenant;
use crate::db::schema::aliases::local_actions;
use crate::db::schema::{
    action_audience, action_predecessors, actions, committees, focus_areas, latest_reports, reports, strategies, units,
};
use crate::db::types::{Id, Key, RegisterKey, Timestamp};
use crate::period;
use crate::problem::Result;
use crate::text::{LongText, ShortText};

/// Which actions are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those of a strategy, and the local ones that they inspired.
    Strategy(Id),
    /// Those of a focus area, and the local ones that they inspired.
    FocusArea(Id),
    /// A single one, and the local ones that it inspired.
    Action(Id),
    /// Those at hand.
    Some,
    /// All of the municipality.
    All,
}

pub(super) type Days = (Option<NaiveDate>, Option<NaiveDate>);

pub(super) fn lifetime((starts_on, ends_on): Days) -> Lifetime {
    Lifetime { starts_on, ends_on }
}

/// The actions wanted, those of plans in the plans' order, then the local ones; with those that come first of them, where
/// they stand elsewhere, if `with_forerunners`.
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
        Which::Some => return Ok(Vec::new()),
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
            strategy,
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
        Days,
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
                lifetime: lifetime(committee_days),
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
            (
                committees::id,
                committees::key,
                committees::name,
                committees::level_id,
                committees::starts_on,
                committees::ends_on,
            )
                .nullable(),
            (units::id, units::key, units::name, units::starts_on, units::ends_on).nullable(),
        ))
        .into_boxed();
    if which != Which::All {
        query = query.filter(action_audience::action_id.eq_any(ids(found)));
    }
    type Committee = (Id, RegisterKey, ShortText, Option<Id>, Option<NaiveDate>, Option<NaiveDate>);
    type Unit = (Id, RegisterKey, ShortText, Option<NaiveDate>, Option<NaiveDate>);
    let rows: Vec<((Id, AudienceRole, Option<Id>), Option<Committee>, Option<Unit>)> = query.load(tenant.connection)?;
    let mut audiences: HashMap<Id, Vec<(AudienceRole, Option<Id>, Option<Member>)>> = HashMap::new();
    for ((action_id, role, level), committee, unit) in rows {
        let committee = committee.map(|(id, key, name, level_id, first, last)| Member {
            party: Party::Committee(id),
            key,
            name,
            level_id,
            lifetime: lifetime((first, last)),
        });
        let unit = unit.map(|(id, key, name, first, last)| Member {
            party: Party::Unit(id),
            key,
            name,
            level_id: None,
            lifetime: lifetime((first, last)),
        });
        audiences.entry(action_id).or_default().push((role, level, committee.or(unit)));
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

pub(super) fn ids(found: &[Addressed]) -> Vec<Id> {
    found.iter().map(|action| action.id).collect()
}

/// Which actions come before which, of those in `of`: the later one's id, and the earlier one's.
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

/// The moment at which a day is over in Denmark.
pub(super) fn end_of(day: NaiveDate) -> Timestamp {
    Timestamp::beginning_of(day.succ_opt().unwrap_or(day))
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
    type Row = (Id, RegisterKey, ShortText, Option<Id>, Option<Id>, Option<NaiveDate>, Option<NaiveDate>);
    let rows: Vec<Row> = committees::table
        .filter(committees::municipality_id.eq(tenant.municipality_id))
        .order(committees::key)
        .select((
            committees::id,
            committees::key,
            committees::name,
            committees::level_id,
            committees::parent_id,
            committees::starts_on,
            committees::ends_on,
        ))
        .load(tenant.connection)?;
    let node = |(id, key, name, level_id, parent_id, first, last): Row| Node {
        member: Member { party: Party::Committee(id), key, name, level_id, lifetime: lifetime((first, last)) },
        parent_id,
    };
    Ok(rows.into_iter().map(node).collect())
}

/// What is known on a day of the assignments of committees: by far fewer of them than there are, it is read one
/// committee at a time, else whole.
pub fn latest_of_committees(
    tenant: &mut Tenant<'_>,
    ids: &[Id],
    on: NaiveDate,
) -> Result<HashMap<Place, (Stage, Timestamp)>> {
    let few = (ids.len() <= crate::db::connection::batch()).then(|| ids.iter().copied().map(Some).collect::<Vec<_>>());
    type Row = (Id, StoredPeriod, Option<Id>, Stage, Timestamp);
    let rows: Vec<Row> = if on < period::today() {
        let mut query = reports::table
            .filter(reports::municipality_id.eq(tenant.municipality_id))
            .filter(reports::reported_at.lt(end_of(on)))
            .order((reports::reported_at, reports::id))
            .select((
                reports::action_id,
                reports::occurrence,
                reports::committee_id,
                reports::stage,
                reports::reported_at,
            ))
            .into_boxed();
        query = match few {
            Some(few) => query.filter(reports::committee_id.eq_any(few)),
            None => query.filter(reports::committee_id.is_not_null()),
        };
        query.load(tenant.connection)?
    } else {
        let mut query = latest_reports::table
            .inner_join(actions::table)
            .filter(actions::municipality_id.eq(tenant.municipality_id))
            .select((
                latest_reports::action_id,
                latest_reports::occurrence,
                latest_reports::committee_id,
                latest_reports::stage,
                latest_reports::reported_at,
            ))
            .into_boxed();
        query = match few {
            Some(few) => query.filter(latest_reports::committee_id.eq_any(few)),
            None => query.filter(latest_reports::committee_id.is_not_null()),
        };
        query.load(tenant.connection)?
    };
    // Later reports take the place of earlier ones.
    let known = |(action, StoredPeriod(period), committee, stage, reported_at): Row| {
        Some(((action, period, Party::Committee(committee?)), (stage, reported_at)))
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

/// Whose reports are wanted in full.
#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// Those of an action.
    Action(Id),
    /// Those of a committee.
    Committee(Id),
}

/// The latest report of each assignment on a day.
pub fn latest_in_full(tenant: &mut Tenant<'_>, whose: Whose, on: NaiveDate) -> Result<HashMap<Place, LatestReport>> {
    let mut query = reports::table
        .filter(reports::municipality_id.eq(tenant.municipality_id))
        .order((reports::reported_at, reports::id))
        .select((
            (reports::action_id, reports::occurrence, reports::committee_id, reports::unit_id),
            (reports::id, reports::stage, reports::judgement, reports::reported_at),
            (reports::note, reports::minutes_url, reports::discussed_on),
        ))
        .into_boxed();
    query = match whose {
        Whose::Action(id) => query.filter(reports::action_id.eq(id)),
        Whose::Committee(id) => query.filter(reports::committee_id.eq(id)),
    };
    query = match on < period::today() {
        true => query.filter(reports::reported_at.lt(end_of(on))),
        false => query.filter(reports::id.eq_any(
            latest_reports::table.select(latest_reports::report_id).filter(latest_reports::report_id.eq(reports::id)),
        )),
    };
    type Row = (
        (Id, StoredPeriod, Option<Id>, Option<Id>),
        (Id, Stage, Judgement, Timestamp),
        (Option<LongText>, Option<String>, Option<NaiveDate>),
    );
    let rows: Vec<Row> = query.load(tenant.connection)?;
    // Later reports take the place of earlier ones.
    let known = |(place, own, words): Row| {
        let (action, StoredPeriod(period), committee, unit) = place;
        let (id, stage, judgement, reported_at) = own;
        let (note, minutes_url, discussed_on) = words;
        let report = LatestReport { id, stage, judgement, note, minutes_url, discussed_on, reported_at };
        Some(((action, period, Party::of(committee, unit)?), report))
    };
    Ok(rows.into_iter().filter_map(known).collect())
}
