//! What was reported, one after the other: for days that have passed, and for charts.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::count::Cell;
use super::model::{Addressed, LatestReport, Party, Place, is_stale};
use super::stage::{Judgement, Stage};
use super::store::{self, inspiring_ids, planned_ids};
use crate::action::schedule::StoredPeriod;
use crate::date_range::DateRange;
use crate::db::schema::aliases::local_actions;
use crate::db::schema::{actions, committees, latest_reports, reports, units};
use crate::db::types::{Id, Timestamp};
use crate::db::{Tenant, connection};
use crate::period;
use crate::problem::Result;
use crate::text::LongText;
use crate::web_address::WebAddress;

/// A report, as far as sums depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// For which assignment.
    pub place: Place,
    level_id: Option<Id>,
    lifetime: DateRange,
    /// How far it is.
    pub stage: Stage,
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

/// All that was reported of actions by the end of a day, in the order in which it was; and of others, where those are many.
pub fn history(tenant: &mut Tenant<'_>, found: &[Addressed], on: NaiveDate) -> Result<Vec<Told>> {
    let (planned, inspiring) = (store::few(planned_ids(found)), store::few(inspiring_ids(found)));
    told(tenant, planned.zip(inspiring), None, on)
}

/// All that committees have reported by the end of a day, in the order in which they did; and others, where those are
/// many.
pub fn history_of_committees(tenant: &mut Tenant<'_>, ids: &[Id], on: NaiveDate) -> Result<Vec<Told>> {
    told(tenant, None, store::few(ids.to_vec()), on)
}

fn told(
    tenant: &mut Tenant<'_>,
    of_actions: Option<(Vec<Id>, Vec<Id>)>,
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
    if let Some((planned, inspiring)) = of_actions {
        let inspired = local_actions
            .filter(local_actions.field(actions::parent_id).assume_not_null().eq_any(inspiring))
            .select(local_actions.field(actions::id));
        query = query.filter(reports::action_id.eq_any(planned).or(reports::action_id.eq_any(inspired)));
    }
    if let Some(ids) = of_committees {
        query = query.filter(reports::committee_id.eq_any(ids.into_iter().map(Some)));
    }
    type Row = (
        (Id, StoredPeriod, Option<Id>, Option<Id>),
        (Stage, Timestamp),
        (Option<Id>, Option<NaiveDate>, Option<NaiveDate>),
        DateRange,
    );
    let rows: Vec<Row> = query.load(tenant.connection)?;
    let told = |((action, StoredPeriod(period), committee, unit), (stage, reported_at), own, unit_days): Row| {
        let party = Party::of(committee, unit)?;
        let (level_id, first, last) = own;
        let lifetime = if committee.is_some() { DateRange::new(first, last) } else { unit_days };
        Some(Told { place: (action, period, party), level_id, lifetime, stage, reported_at })
    };
    Ok(rows.into_iter().filter_map(told).collect())
}

/// What is last told on a day of the assignments of committees, and of others, where those are many.
pub fn latest_of_committees(
    tenant: &mut Tenant<'_>,
    ids: &[Id],
    on: NaiveDate,
) -> Result<HashMap<Place, (Stage, Timestamp)>> {
    if on < period::today() {
        let told = history_of_committees(tenant, ids, on)?;
        // Later reports take the place of earlier ones.
        return Ok(told.into_iter().map(|told| (told.place, (told.stage, told.reported_at))).collect());
    }
    let mut query = latest_reports::table
        .select((
            latest_reports::action_id,
            latest_reports::occurrence,
            latest_reports::committee_id,
            latest_reports::stage,
            latest_reports::reported_at,
        ))
        .into_boxed();
    query = match store::few(ids.to_vec()) {
        Some(few) => query.filter(latest_reports::committee_id.eq_any(few.into_iter().map(Some))),
        None => query.filter(
            latest_reports::committee_id.eq_any(
                committees::table
                    .filter(committees::municipality_id.eq(tenant.municipality_id))
                    .select(committees::id.nullable()),
            ),
        ),
    };
    let rows: Vec<(Id, StoredPeriod, Option<Id>, Stage, Timestamp)> = query.load(tenant.connection)?;
    let known = |(action, StoredPeriod(period), committee, stage, reported_at): (_, _, Option<Id>, _, _)| {
        Some(((action, period, Party::Committee(committee?)), (stage, reported_at)))
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

/// The moment at which a day is over in Denmark.
fn end_of(day: NaiveDate) -> Timestamp {
    Timestamp::beginning_of(day.succ_opt().unwrap_or(day))
}

/// The cell of a single report.
pub(super) fn single_cell(
    (action_id, period, party): Place,
    action: &Addressed,
    level_id: Option<Id>,
    lifetime: DateRange,
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

/// Whose reports are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// Those of an action.
    Action(Id),
    /// Those of a committee.
    Committee(Id),
}

/// The latest report of each assignment on a day; its words are told apart, since they may be long.
pub fn latest(tenant: &mut Tenant<'_>, whose: Whose, on: NaiveDate) -> Result<HashMap<Place, LatestReport>> {
    let mut query = reports::table
        .filter(reports::municipality_id.eq(tenant.municipality_id))
        .order((reports::reported_at, reports::id))
        .select((
            (reports::action_id, reports::occurrence, reports::committee_id, reports::unit_id),
            (reports::id, reports::stage, reports::judgement, reports::reported_at),
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
    type Row = ((Id, StoredPeriod, Option<Id>, Option<Id>), (Id, Stage, Judgement, Timestamp));
    let rows: Vec<Row> = query.load(tenant.connection)?;
    // Later reports take the place of earlier ones.
    let known = |(place, (id, stage, judgement, reported_at)): Row| {
        let (action, StoredPeriod(period), committee, unit) = place;
        let report = LatestReport { id, stage, judgement, reported_at };
        Some(((action, period, Party::of(committee, unit)?), report))
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

/// What is told in words in a report: note, minutes, and when it was discussed.
pub type Words = (Option<LongText>, Option<WebAddress>, Option<NaiveDate>);

/// The words of reports.
pub fn words(tenant: &mut Tenant<'_>, report_ids: &[Id]) -> Result<HashMap<Id, Words>> {
    let mut words = HashMap::new();
    for batch in report_ids.chunks(connection::batch()) {
        let rows: Vec<(Id, Words)> = reports::table
            .filter(reports::municipality_id.eq(tenant.municipality_id))
            .filter(reports::id.eq_any(batch))
            .select((reports::id, (reports::note, reports::minutes_url, reports::discussed_on)))
            .load(tenant.connection)?;
        words.extend(rows);
    }
    Ok(words)
}
