//! Data derived from reports and stored beside them, so that today's counts are fast: the latest report of each
//! assignment, and totals of those that say the same (`totals`).
//!
//! Both follow from the reports, the committees and the actions' dates. The change log says which of these a
//! transaction has changed, however the change was made; what depends on them is computed again before it ends.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::totals::{TotalsRow, count, recount};
use crate::action::assignment::stage::Stage;
use crate::action::schedule::StoredPeriod;
use crate::db::change::{ChangeEvent, EntityKind};
use crate::db::projection::Projection;
use crate::db::schema::{actions, focus_areas, latest_reports, reports, tallies};
use crate::db::types::{Id, Timestamp};
use crate::db::{Tenant, Writer, connection};
use crate::problem::Result;

/// Up to this many assignments are looked up one by one; for more, all reports of their actions are read.
const MAX_LOOKUPS: usize = 8;

/// Keeps the latest reports and their totals up to date.
pub struct AssignmentProjection;

impl Projection for AssignmentProjection {
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
        whole.extend(actions_reported_by(writer, &ids(EntityKind::Committee))?);
        whole.extend(actions_of_strategies(writer, &ids(EntityKind::Strategy))?);
        let keys = assignment_keys(writer, &ids(EntityKind::Report))?;
        if keys.len() <= MAX_LOOKUPS {
            for key in &keys {
                update_latest(writer, *key)?;
            }
            let occurrences: BTreeSet<(Id, StoredPeriod)> =
                keys.iter().map(|(action, occurrence, ..)| (*action, *occurrence)).collect();
            for (action, occurrence) in occurrences.into_iter().filter(|(action, _)| !whole.contains(action)) {
                recount(writer, &[action], Some(occurrence))?;
            }
        } else {
            let reported: BTreeSet<Id> = keys.iter().map(|(action, ..)| *action).collect();
            let reported: Vec<Id> = reported.into_iter().collect();
            update_all_latest(writer, &reported)?;
            whole.extend(reported);
        }
        recount(writer, &whole.into_iter().collect::<Vec<_>>(), None)
    }
}

/// The key of an assignment as columns: action, occurrence, and the committee or the unit.
type AssignmentKeyRow = (Id, StoredPeriod, Option<Id>, Option<Id>);

fn assignment_keys(tenant: &mut Tenant<'_>, report_ids: &[Id]) -> Result<Vec<AssignmentKeyRow>> {
    let mut keys = Vec::new();
    for batch in report_ids.chunks(connection::batch()) {
        let rows: Vec<AssignmentKeyRow> = reports::table
            .filter(reports::id.eq_any(batch))
            .select((reports::action_id, reports::occurrence, reports::committee_id, reports::unit_id))
            .distinct()
            .load(tenant.connection)?;
        keys.extend(rows);
    }
    Ok(keys)
}

/// The actions that committees have reported on.
fn actions_reported_by(tenant: &mut Tenant<'_>, committee_ids: &[Id]) -> Result<Vec<Id>> {
    let mut found = Vec::new();
    for batch in committee_ids.chunks(connection::batch()) {
        let by_committee = latest_reports::committee_id.eq_any(batch.iter().copied().map(Some));
        let query = latest_reports::table.filter(by_committee).select(latest_reports::action_id).distinct();
        found.extend(query.load::<Id>(tenant.connection)?);
    }
    Ok(found)
}

fn actions_of_strategies(tenant: &mut Tenant<'_>, strategy_ids: &[Id]) -> Result<Vec<Id>> {
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

fn update_latest(writer: &mut Writer<'_>, key: AssignmentKeyRow) -> Result<()> {
    let (action, occurrence, committee, unit) = key;
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
    let Some(row) = LatestRow::new((key, report_id, stage, reported_at)) else { return Ok(()) };
    let outdated = latest_reports::table.find((action, occurrence, row.party_id));
    diesel::delete(outdated).execute(writer.connection)?;
    crate::insert_all!(writer.connection, latest_reports::table, &[row])?;
    Ok(())
}

/// Reads all reports on some actions and stores the latest of each assignment.
fn update_all_latest(writer: &mut Writer<'_>, action_ids: &[Id]) -> Result<()> {
    for batch in action_ids.chunks(connection::batch()) {
        let rows = read_latest(writer, batch)?;
        let outdated = latest_reports::table.filter(latest_reports::action_id.eq_any(batch));
        diesel::delete(outdated).execute(writer.connection)?;
        crate::insert_all!(writer.connection, latest_reports::table, &rows)?;
    }
    Ok(())
}

fn read_latest(tenant: &mut Tenant<'_>, action_ids: &[Id]) -> Result<Vec<LatestRow>> {
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

/// What is stored and differs from what the reports say: nothing, unless the database was written by something else.
pub fn differences(tenant: &mut Tenant<'_>) -> Result<Vec<String>> {
    // All reports on a batch are read at once.
    const BATCH: usize = 50;
    let own = actions::table.filter(actions::municipality_id.eq(tenant.municipality_id));
    let actions: Vec<(Id, String)> =
        own.order(actions::id).select((actions::id, actions::key)).load(tenant.connection)?;
    let mut found = Vec::new();
    for batch in actions.chunks(BATCH) {
        let ids: Vec<Id> = batch.iter().map(|(id, _)| *id).collect();
        let stored: Vec<LatestRow> =
            latest_reports::table.filter(latest_reports::action_id.eq_any(&ids)).load(tenant.connection)?;
        let keyed = |row: LatestRow| ((row.action_id, row.occurrence, row.party_id), row);
        let latest = differing(stored.into_iter().map(keyed), read_latest(tenant, &ids)?.into_iter().map(keyed));
        let stored: Vec<TotalsRow> = tallies::table.filter(tallies::action_id.eq_any(&ids)).load(tenant.connection)?;
        let keyed = |row: TotalsRow| ((row.action_id, row.occurrence), row);
        let counted = differing(stored.into_iter().map(keyed), count(tenant, &ids, None)?.into_iter().map(keyed));
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

/// The keys at which two sets of rows differ.
fn differing<K: Eq + std::hash::Hash, R: PartialEq>(
    stored: impl Iterator<Item = (K, R)>,
    expected: impl Iterator<Item = (K, R)>,
) -> Vec<K> {
    let mut stored: HashMap<K, R> = stored.collect();
    let wrong = expected.filter_map(|(key, row)| (stored.remove(&key) != Some(row)).then_some(key));
    let mut wrong: Vec<K> = wrong.collect();
    // No report stands behind the rows that are left.
    wrong.extend(stored.into_keys());
    wrong
}
