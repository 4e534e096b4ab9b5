//! What is kept beside the reports, so that today's sums are quick to tell: the latest report of each assignment, and how
//! many of those say the same.
//!
//! Both can be told from the reports, the committees and the actions' dates at any time, and are, as far as a
//! transaction has changed one of these: whatever way a change comes in, it is told by the change log.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Datelike as _, NaiveDate};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::stage::Stage;
use crate::action::model::Recurrence;
use crate::action::schedule::{Occurrence, Schedule, StoredPeriod};
use crate::date_range::DateRange;
use crate::db::change::ChangeEvent;
use crate::db::change::EntityKind;
use crate::db::projection::Projection;
use crate::db::schema::{actions, committees, focus_areas, latest_reports, reports, strategies, tallies};
use crate::db::types::{Id, Json, Timestamp};
use crate::db::{Tenant, Writer, connection};
use crate::problem::Result;

/// Up to as many assignments are looked up one by one; for more, all reports of their actions are read.
const FEW: usize = 8;

/// Keeps the latest reports and their counts.
pub struct Tallies;

impl Projection for Tallies {
    fn is_affected_by(&self, event: &ChangeEvent) -> bool {
        let fields = event.fields;
        match event.entity {
            EntityKind::Report => true,
            EntityKind::Committee => fields.dates || fields.level,
            EntityKind::Action => fields.dates || fields.recurrence,
            EntityKind::Strategy => fields.dates,
            _ => false,
        }
    }

    fn apply(&self, writer: &mut Writer<'_>, events: Vec<ChangeEvent>) -> Result<()> {
        let ids = |entity: EntityKind| -> Vec<Id> {
            events.iter().filter(|event| event.entity == entity).map(|event| event.id).collect()
        };
        let mut whole: BTreeSet<Id> = ids(EntityKind::Action).into_iter().collect();
        whole.extend(reported_by(writer, &ids(EntityKind::Committee))?);
        whole.extend(belonging_to(writer, &ids(EntityKind::Strategy))?);
        let places = places(writer, &ids(EntityKind::Report))?;
        if places.len() <= FEW {
            for place in &places {
                find_latest(writer, *place)?;
            }
            let occurrences: BTreeSet<(Id, StoredPeriod)> =
                places.iter().map(|(action, occurrence, ..)| (*action, *occurrence)).collect();
            for (action, occurrence) in occurrences.into_iter().filter(|(action, _)| !whole.contains(action)) {
                recount(writer, &[action], Some(occurrence))?;
            }
        } else {
            let reported: BTreeSet<Id> = places.iter().map(|(action, ..)| *action).collect();
            let reported: Vec<Id> = reported.into_iter().collect();
            find_all_latest(writer, &reported)?;
            whole.extend(reported);
        }
        recount(writer, &whole.into_iter().collect::<Vec<_>>(), None)
    }
}

/// Whose report on what: action, occurrence, and the committee or the unit.
type AssignmentKeyRow = (Id, StoredPeriod, Option<Id>, Option<Id>);

fn places(tenant: &mut Tenant<'_>, report_ids: &[Id]) -> Result<Vec<AssignmentKeyRow>> {
    let mut places = Vec::new();
    for batch in report_ids.chunks(connection::batch()) {
        let rows: Vec<AssignmentKeyRow> = reports::table
            .filter(reports::id.eq_any(batch))
            .select((reports::action_id, reports::occurrence, reports::committee_id, reports::unit_id))
            .distinct()
            .load(tenant.connection)?;
        places.extend(rows);
    }
    Ok(places)
}

/// The actions of which committees have reported.
fn reported_by(tenant: &mut Tenant<'_>, committee_ids: &[Id]) -> Result<Vec<Id>> {
    let mut found = Vec::new();
    for batch in committee_ids.chunks(connection::batch()) {
        let theirs = latest_reports::committee_id.eq_any(batch.iter().copied().map(Some));
        let query = latest_reports::table.filter(theirs).select(latest_reports::action_id).distinct();
        found.extend(query.load::<Id>(tenant.connection)?);
    }
    Ok(found)
}

fn belonging_to(tenant: &mut Tenant<'_>, strategy_ids: &[Id]) -> Result<Vec<Id>> {
    if strategy_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(actions::table
        .inner_join(focus_areas::table)
        .filter(focus_areas::strategy_id.eq_any(strategy_ids))
        .select(actions::id)
        .load(tenant.connection)?)
}

#[derive(Debug, PartialEq, Insertable, Queryable)]
#[diesel(table_name = latest_reports, treat_none_as_default_value = false)]
struct LatestRow {
    action_id: Id,
    occurrence: StoredPeriod,
    party_id: Id,
    committee_id: Option<Id>,
    unit_id: Option<Id>,
    report_id: Id,
    stage: Stage,
    reported_at: Timestamp,
}

type ReportRow = (AssignmentKeyRow, Id, Stage, Timestamp);

impl LatestRow {
    fn new(((action_id, occurrence, committee_id, unit_id), report_id, stage, reported_at): ReportRow) -> Option<Self> {
        let party_id = committee_id.or(unit_id)?;
        Some(Self { action_id, occurrence, party_id, committee_id, unit_id, report_id, stage, reported_at })
    }
}

fn find_latest(writer: &mut Writer<'_>, place: AssignmentKeyRow) -> Result<()> {
    let (action, occurrence, committee, unit) = place;
    let mut query = reports::table
        .filter(reports::action_id.eq(action))
        .filter(reports::occurrence.eq(occurrence))
        .order((reports::reported_at.desc(), reports::id.desc()))
        .select((reports::id, reports::stage, reports::reported_at))
        .into_boxed();
    query = match committee {
        Some(id) => query.filter(reports::committee_id.eq(id)),
        None => query.filter(reports::unit_id.eq(unit)),
    };
    let (report_id, stage, reported_at) = query.first(writer.connection)?;
    let Some(row) = LatestRow::new((place, report_id, stage, reported_at)) else { return Ok(()) };
    let until_now = latest_reports::table.find((action, occurrence, row.party_id));
    diesel::delete(until_now).execute(writer.connection)?;
    crate::insert_all!(writer.connection, latest_reports::table, &[row])?;
    Ok(())
}

/// Reads actions' reports from the first to the last, and keeps the last of each assignment.
fn find_all_latest(writer: &mut Writer<'_>, action_ids: &[Id]) -> Result<()> {
    for batch in action_ids.chunks(connection::batch()) {
        let rows = latest_of(writer, batch)?;
        let until_now = latest_reports::table.filter(latest_reports::action_id.eq_any(batch));
        diesel::delete(until_now).execute(writer.connection)?;
        crate::insert_all!(writer.connection, latest_reports::table, &rows)?;
    }
    Ok(())
}

fn latest_of(tenant: &mut Tenant<'_>, action_ids: &[Id]) -> Result<Vec<LatestRow>> {
    let history: Vec<ReportRow> = reports::table
        .filter(reports::action_id.eq_any(action_ids))
        .order((reports::reported_at, reports::id))
        .select((
            (reports::action_id, reports::occurrence, reports::committee_id, reports::unit_id),
            reports::id,
            reports::stage,
            reports::reported_at,
        ))
        .load(tenant.connection)?;
    let latest: HashMap<AssignmentKeyRow, ReportRow> = history.into_iter().map(|row| (row.0, row)).collect();
    Ok(latest.into_values().filter_map(LatestRow::new).collect())
}

/// What is kept and would be counted otherwise now: nothing, unless somebody has written past the service.
pub fn differences(tenant: &mut Tenant<'_>) -> Result<Vec<String>> {
    // Few at a time: all reports on them are read.
    const BATCH: usize = 50;
    let own = actions::table.filter(actions::municipality_id.eq(tenant.municipality_id));
    let actions: Vec<(Id, String)> =
        own.order(actions::id).select((actions::id, actions::key)).load(tenant.connection)?;
    let mut found = Vec::new();
    for batch in actions.chunks(BATCH) {
        let ids: Vec<Id> = batch.iter().map(|(id, _)| *id).collect();
        let kept: Vec<LatestRow> =
            latest_reports::table.filter(latest_reports::action_id.eq_any(&ids)).load(tenant.connection)?;
        let place = |row: LatestRow| ((row.action_id, row.occurrence, row.party_id), row);
        let latest = differing(kept.into_iter().map(place), latest_of(tenant, &ids)?.into_iter().map(place));
        let kept: Vec<TallyRow> = tallies::table.filter(tallies::action_id.eq_any(&ids)).load(tenant.connection)?;
        let place = |row: TallyRow| ((row.action_id, row.occurrence), row);
        let counted = differing(kept.into_iter().map(place), count(tenant, &ids, None)?.into_iter().map(place));
        for (id, key) in batch {
            let reports = latest.iter().filter(|(action, ..)| action == id).count();
            if reports > 0 {
                found.push(format!("actions '{key}' ({id}): {reports} latest reports are not the latest"));
            }
            let occurrences = counted.iter().filter(|(action, _)| action == id).count();
            if occurrences > 0 {
                found.push(format!("actions '{key}' ({id}): the counts kept of {occurrences} occurrences are wrong"));
            }
        }
    }
    Ok(found)
}

/// The places at which two sets of rows are not the same.
fn differing<P: Eq + std::hash::Hash, R: PartialEq>(
    kept: impl Iterator<Item = (P, R)>,
    right: impl Iterator<Item = (P, R)>,
) -> Vec<P> {
    let mut kept: HashMap<P, R> = kept.collect();
    let wrong = right.filter_map(|(place, row)| (kept.remove(&place) != Some(row)).then_some(place));
    let mut wrong: Vec<P> = wrong.collect();
    // What is left is too much.
    wrong.extend(kept.into_keys());
    wrong
}

/// Latest reports on one occurrence that say the same, by committees of one level that exist on the same days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageTotals {
    /// The level.
    pub level_id: Id,
    /// When the committees exist, cut to what matters to the occurrence, so that nearly all say the same.
    pub starts_on: Option<NaiveDate>,
    /// Their last day, cut likewise.
    pub ends_on: Option<NaiveDate>,
    /// What they reported.
    pub stage: Stage,
    /// How many of them.
    pub reports: u64,
    /// When the last of them did.
    pub last_reported_at: Timestamp,
    /// Of work in progress, on which day how many reported: silence since then may become too long. Days are numbered
    /// from 1 January of the year 1, in order.
    days: Vec<(i32, u64)>,
}

impl StageTotals {
    /// How many were last heard of before a day.
    pub fn silent_since_before(&self, day: NaiveDate) -> u64 {
        let day = day.num_days_from_ce();
        self.days.iter().take_while(|(reported_on, _)| *reported_on < day).map(|(_, reports)| reports).sum()
    }
}

#[derive(Debug, PartialEq, Insertable, Queryable)]
#[diesel(table_name = tallies)]
struct TallyRow {
    action_id: Id,
    occurrence: StoredPeriod,
    cells: Json<Vec<StageTotals>>,
}

/// Counts the latest reports of actions anew, or of one occurrence alone.
fn recount(writer: &mut Writer<'_>, action_ids: &[Id], occurrence: Option<StoredPeriod>) -> Result<()> {
    for batch in action_ids.chunks(connection::batch()) {
        let rows = count(writer, batch, occurrence)?;
        let mut until_now = diesel::delete(tallies::table.filter(tallies::action_id.eq_any(batch))).into_boxed();
        if let Some(occurrence) = occurrence {
            until_now = until_now.filter(tallies::occurrence.eq(occurrence));
        }
        until_now.execute(writer.connection)?;
        crate::insert_all!(writer.connection, tallies::table, &rows)?;
    }
    Ok(())
}

fn count(tenant: &mut Tenant<'_>, action_ids: &[Id], occurrence: Option<StoredPeriod>) -> Result<Vec<TallyRow>> {
    let schedules = schedules(tenant, action_ids)?;
    let mut query = latest_reports::table
        .inner_join(committees::table)
        .filter(latest_reports::action_id.eq_any(action_ids.to_vec()))
        .select((
            (latest_reports::action_id, latest_reports::occurrence),
            (committees::level_id, committees::starts_on, committees::ends_on),
            (latest_reports::stage, latest_reports::reported_at),
        ))
        .into_boxed();
    if let Some(occurrence) = occurrence {
        query = query.filter(latest_reports::occurrence.eq(occurrence));
    }
    type Row = ((Id, StoredPeriod), (Option<Id>, Option<NaiveDate>, Option<NaiveDate>), (Stage, Timestamp));
    let rows: Vec<Row> = query.load(tenant.connection)?;
    let mut occurrences: HashMap<(Id, StoredPeriod), Option<Occurrence>> = HashMap::new();
    type Same = (Id, Option<NaiveDate>, Option<NaiveDate>, Stage);
    type Counts = BTreeMap<Same, (Timestamp, BTreeMap<i32, u64>)>;
    let mut counted: BTreeMap<(Id, StoredPeriod), Counts> = BTreeMap::new();
    for ((action, period), (level, starts_on, ends_on), (stage, reported_at)) in rows {
        let occurrence = occurrences
            .entry((action, period))
            .or_insert_with(|| schedules.get(&action).and_then(|schedule| schedule.at(period.0)));
        let (Some(occurrence), Some(level)) = (occurrence, level) else { continue };
        let Some(cut) = occurrence.cut(DateRange::new(starts_on, ends_on)) else { continue };
        let tallies = counted.entry((action, period)).or_default();
        let same = (level, cut.starts_on, cut.ends_on, stage);
        let (last, days) = tallies.entry(same).or_insert_with(|| (reported_at, BTreeMap::new()));
        *last = reported_at.max(*last);
        *days.entry(reported_at.day().num_days_from_ce()).or_default() += 1;
    }
    let row = |((action_id, occurrence), tallies): ((Id, StoredPeriod), Counts)| {
        let cells = tallies.into_iter().map(|((level_id, starts_on, ends_on, stage), (last, days))| {
            stage_totals(level_id, (starts_on, ends_on), stage, last, days)
        });
        TallyRow { action_id, occurrence, cells: Json(cells.collect()) }
    };
    Ok(counted.into_iter().map(row).collect())
}

fn stage_totals(
    level_id: Id,
    (starts_on, ends_on): (Option<NaiveDate>, Option<NaiveDate>),
    stage: Stage,
    last_reported_at: Timestamp,
    days: BTreeMap<i32, u64>,
) -> StageTotals {
    let reports = days.values().sum();
    let days = if stage == Stage::InProgress { days.into_iter().collect() } else { Vec::new() };
    StageTotals { level_id, starts_on, ends_on, stage, reports, last_reported_at, days }
}

/// The schedules of actions of plans; nobody is counted by level of what is local.
fn schedules(tenant: &mut Tenant<'_>, action_ids: &[Id]) -> Result<HashMap<Id, Schedule>> {
    type Row = (
        (Id, Option<Recurrence>),
        (Option<NaiveDate>, Option<NaiveDate>, Option<NaiveDate>),
        (Option<NaiveDate>, Option<NaiveDate>),
    );
    let rows: Vec<Row> = actions::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(actions::id.eq_any(action_ids))
        .select((
            (actions::id, actions::recurrence),
            (actions::starts_on, actions::due_on, actions::cancelled_on),
            (strategies::starts_on, strategies::ends_on),
        ))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|((id, recurrence), own, whole)| (id, Schedule::new(recurrence, own, whole))).collect())
}
