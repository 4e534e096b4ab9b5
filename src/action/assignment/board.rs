//! What sums are told from: from today on the counts that are kept, for days that have passed all that was reported.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::count::{Cell, Census, Entry, entries};
use super::figures::Figures;
use super::history::{Latest, history, single_cell};
use super::model::{Addressed, Party};
use super::stage::Stage;
use super::store::{self, Which, few, inspiring_ids, planned_ids};
use super::tally::Tally;
use crate::action::schedule::{StoredPeriod, stale_before};
use crate::date_range::DateRange;
use crate::db::Tenant;
use crate::db::schema::{actions, committees, latest_reports, tallies};
use crate::db::types::{Id, Json, Timestamp};
use crate::period;
use crate::problem::Result;

/// All that the sums of some actions are told from.
pub struct Board {
    /// The actions.
    pub actions: Vec<Addressed>,
    /// The committees that there are.
    pub census: Census,
    cells: Vec<Cell>,
    on: NaiveDate,
}

impl Board {
    /// The board of the actions wanted, as they stand on a day.
    pub fn read(tenant: &mut Tenant<'_>, which: Which, on: NaiveDate) -> Result<Self> {
        let actions = store::actions(tenant, which)?;
        Self::of(tenant, actions, on)
    }

    /// The board of actions at hand. From today on the kept counts tell it; for days that have passed, all that was
    /// reported by then is read.
    pub fn of(tenant: &mut Tenant<'_>, actions: Vec<Addressed>, on: NaiveDate) -> Result<Self> {
        let census = census(tenant)?;
        let cells = if on < period::today() {
            let mut latest = Latest::default();
            history(tenant, &actions, on)?.into_iter().for_each(|told| latest.hear(told));
            latest.cells(&actions, on)
        } else {
            let mut cells = tallied_cells(tenant, &actions, on)?;
            cells.extend(named_cells(tenant, &actions, on)?);
            cells
        };
        Ok(Self { actions, census, cells, on })
    }

    /// The sums of every occurrence that has begun.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        entries(&self.actions, &self.census, self.cells.iter().copied(), self.on)
    }
}

/// How many committees there are of each level, and when they exist.
fn census(tenant: &mut Tenant<'_>) -> Result<Census> {
    type Row = (Option<Id>, Option<NaiveDate>, Option<NaiveDate>, i64);
    let rows: Vec<Row> = committees::table
        .filter(committees::municipality_id.eq(tenant.municipality_id))
        .group_by((committees::level_id, committees::starts_on, committees::ends_on))
        .select((committees::level_id, committees::starts_on, committees::ends_on, diesel::dsl::count_star()))
        .load(tenant.connection)?;
    let counted = |(level, first, last, committees): Row| {
        Some((level?, DateRange::new(first, last), usize::try_from(committees).ok()?))
    };
    Ok(Census::of(rows.into_iter().filter_map(counted)))
}

/// What the committees of whole levels have reported.
fn tallied_cells(tenant: &mut Tenant<'_>, found: &[Addressed], on: NaiveDate) -> Result<Vec<Cell>> {
    let mut query = tallies::table.select((tallies::action_id, tallies::occurrence, tallies::cells)).into_boxed();
    query = match few(planned_ids(found)) {
        Some(ids) => query.filter(tallies::action_id.eq_any(ids)),
        None => query.filter(tallies::action_id.eq_any(own_actions(tenant))),
    };
    let rows: Vec<(Id, StoredPeriod, Json<Vec<Tally>>)> = query.load(tenant.connection)?;
    let recurrences: HashMap<Id, _> = found.iter().map(|action| (action.id, action.schedule.recurrence)).collect();
    let mut cells = Vec::new();
    for (action_id, StoredPeriod(period), Json(tallies)) in rows {
        let Some(recurrence) = recurrences.get(&action_id) else { continue };
        let stale_before = stale_before(*recurrence, on);
        cells.extend(tallies.into_iter().map(|tally| Cell {
            action_id,
            period,
            level_id: Some(tally.level_id),
            party: None,
            lifetime: DateRange::new(tally.starts_on, tally.ends_on),
            stage: tally.stage,
            reports: tally.reports,
            stale: tally.silent_since_before(stale_before),
            last_reported_at: tally.last_reported_at,
        }));
    }
    Ok(cells)
}

/// The municipality's actions.
#[diesel::dsl::auto_type]
fn own_actions(tenant: &Tenant<'_>) -> _ {
    let municipality_id: Id = tenant.municipality_id;
    actions::table.filter(actions::municipality_id.eq(municipality_id)).select(actions::id)
}

/// The latest reports of those who are addressed by name, and of local actions.
///
/// Each question leads to its rows by one index. A join with the actions would too, were it not that an engine without
/// statistics begins it at the wrong end.
fn named_cells(tenant: &mut Tenant<'_>, found: &[Addressed], on: NaiveDate) -> Result<Vec<Cell>> {
    let query = || {
        latest_reports::table
            .select((
                (latest_reports::action_id, latest_reports::occurrence),
                (latest_reports::committee_id, latest_reports::unit_id),
                (latest_reports::stage, latest_reports::reported_at),
            ))
            .into_boxed()
    };
    let named = found.iter().filter(|action| !action.is_local()).flat_map(|action| &action.named);
    let named: BTreeSet<Party> = named.map(|member| member.party).collect();
    let ids = |id: fn(Party) -> Option<Id>| named.iter().filter_map(|party| id(*party)).collect::<Vec<_>>();
    let (committees, units) = (ids(Party::committee_id), ids(Party::unit_id));
    let mut queries = Vec::new();
    if !named.is_empty() {
        let by_committee = latest_reports::committee_id.eq_any(committees.iter().copied().map(Some));
        let by_unit = latest_reports::unit_id.eq_any(units.iter().copied().map(Some));
        queries.push(match (committees.is_empty(), units.is_empty()) {
            (false, true) => query().filter(by_committee),
            (true, false) => query().filter(by_unit),
            _ => query().filter(by_committee.or(by_unit)),
        });
    }
    let local: Vec<Id> = found.iter().filter(|action| action.is_local()).map(|action| action.id).collect();
    if !local.is_empty() {
        let inspired = actions::parent_id.assume_not_null().eq_any(inspiring_ids(found));
        queries.push(match few(local) {
            Some(local) => query().filter(latest_reports::action_id.eq_any(local)),
            None => {
                query().filter(latest_reports::action_id.eq_any(actions::table.filter(inspired).select(actions::id)))
            }
        });
    }
    type Row = ((Id, StoredPeriod), (Option<Id>, Option<Id>), (Stage, Timestamp));
    // Who is named somewhere may have local actions too: those answer to both questions.
    let mut rows: HashMap<(Id, StoredPeriod, Option<Party>), Row> = HashMap::new();
    for query in queries {
        let found: Vec<Row> = query.load(tenant.connection)?;
        rows.extend(found.into_iter().map(|row| ((row.0.0, row.0.1, Party::of(row.1.0, row.1.1)), row)));
    }
    let by_id: HashMap<Id, &Addressed> = found.iter().map(|action| (action.id, action)).collect();
    let cell = |((action_id, StoredPeriod(period)), (committee, unit), told): Row| {
        let (action, party) = (by_id.get(&action_id)?, Party::of(committee, unit)?);
        let member = action.named.iter().find(|member| member.party == party)?;
        Some(single_cell((action_id, period, party), action, None, member.lifetime, told, on))
    };
    Ok(rows.into_values().filter_map(cell).collect())
}

/// The actions that today have an assignment at this stage, and one that is overdue, or none.
pub fn actions_with(tenant: &mut Tenant<'_>, stage: Option<Stage>, overdue: Option<bool>) -> Result<Vec<Id>> {
    let board = Board::read(tenant, Which::All, period::today())?;
    let mut sums: HashMap<Id, Figures> = board.actions.iter().map(|action| (action.id, Figures::default())).collect();
    for entry in board.entries() {
        *sums.entry(entry.action.id).or_default() += entry.figures;
    }
    sums.retain(|_, sum| {
        stage.is_none_or(|stage| sum.at(stage) > 0) && overdue.is_none_or(|overdue| (sum.overdue > 0) == overdue)
    });
    Ok(sums.into_keys().collect())
}
