//! What was reported, one after the other: for days that have passed, and for charts.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::count::Cell;
use super::model::{Addressed, Party, Place, is_stale};
use super::stage::Stage;
use super::store::{Days, Which, end_of, ids, lifetime};
use crate::action::schedule::{Lifetime, StoredPeriod};
use crate::db::Tenant;
use crate::db::schema::{committees, reports, units};
use crate::db::types::{Id, Timestamp};
use crate::problem::Result;

/// A report, as far as sums depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// For which assignment.
    pub place: Place,
    level_id: Option<Id>,
    lifetime: Lifetime,
    stage: Stage,
    /// When.
    pub reported_at: Timestamp,
}

/// What is last told of each assignment, while reports are heard one after the other.
#[derive(Default)]
pub struct Latest(HashMap<Place, Told>);

impl Latest {
    /// Takes the next report.
    pub fn hear(&mut self, told: Told) {
        self.0.insert(told.place, told);
    }

    /// What was told by now, seen from a day.
    pub fn cells(&self, found: &[Addressed], on: NaiveDate) -> Vec<Cell> {
        let by_id: HashMap<Id, &Addressed> = found.iter().map(|action| (action.id, action)).collect();
        let cell = |told: &Told| {
            let action = by_id.get(&told.place.0)?;
            Some(single_cell(told.place, action, told.level_id, told.lifetime, (told.stage, told.reported_at), on))
        };
        self.0.values().filter_map(cell).collect()
    }
}

/// All that was reported of the actions by the end of a day, in the order in which it was.
pub fn history(tenant: &mut Tenant<'_>, which: Which, found: &[Addressed], on: NaiveDate) -> Result<Vec<Told>> {
    let of_actions = (which != Which::All).then(|| ids(found));
    told(tenant, of_actions, None, on)
}

/// All that committees have reported by the end of a day, in the order in which they did; and what others have, where
/// there are many.
pub fn history_of_committees(tenant: &mut Tenant<'_>, ids: &[Id], on: NaiveDate) -> Result<Vec<Told>> {
    let few = ids.len() <= crate::db::connection::batch();
    told(tenant, None, few.then(|| ids.to_vec()), on)
}

fn told(
    tenant: &mut Tenant<'_>,
    of_actions: Option<Vec<Id>>,
    of_committees: Option<Vec<Id>>,
    on: NaiveDate,
) -> Result<Vec<Told>> {
    let mut query = reports::table
        .left_join(committees::table)
        .left_join(units::table)
        .filter(reports::municipality_id.eq(tenant.municipality_id))
        .filter(reports::reported_at.lt(end_of(on)))
        .order((reports::reported_at, reports::id))
        .select((
            (reports::action_id, reports::occurrence, reports::committee_id, reports::unit_id),
            (reports::stage, reports::reported_at),
            (committees::level_id.nullable(), committees::starts_on.nullable(), committees::ends_on.nullable()),
            (units::starts_on.nullable(), units::ends_on.nullable()),
        ))
        .into_boxed();
    if let Some(ids) = of_actions {
        query = query.filter(reports::action_id.eq_any(ids));
    }
    if let Some(ids) = of_committees {
        query = query.filter(reports::committee_id.eq_any(ids.into_iter().map(Some)));
    }
    type Row = (
        (Id, StoredPeriod, Option<Id>, Option<Id>),
        (Stage, Timestamp),
        (Option<Id>, Option<NaiveDate>, Option<NaiveDate>),
        Days,
    );
    let rows: Vec<Row> = query.load(tenant.connection)?;
    let told = |((action, StoredPeriod(period), committee, unit), (stage, reported_at), own, unit_days): Row| {
        let party = Party::of(committee, unit)?;
        let (level_id, first, last) = own;
        let lifetime = lifetime(if committee.is_some() { (first, last) } else { unit_days });
        Some(Told { place: (action, period, party), level_id, lifetime, stage, reported_at })
    };
    Ok(rows.into_iter().filter_map(told).collect())
}

/// The cell of a single report.
pub(super) fn single_cell(
    (action_id, period, party): Place,
    action: &Addressed,
    level_id: Option<Id>,
    lifetime: Lifetime,
    (stage, reported_at): (Stage, Timestamp),
    on: NaiveDate,
) -> Cell {
    Cell {
        action_id,
        period,
        level_id,
        party: Some(party),
        lifetime,
        stage,
        reports: 1,
        stale: u64::from(is_stale(action.schedule, stage, reported_at, on)),
        last_reported_at: reported_at,
    }
}
