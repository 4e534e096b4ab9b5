//! Queries for assignments: what the rule and the sums are told from.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::dsl::{max, sum};
use diesel::prelude::*;

use super::count::{Cell, Census, Entry, entries};
use super::figures::Figures;
use super::model::{Addressed, Judgement, LatestReport, Member, Party, Place, Stage};
use crate::action::model::{AudienceRole, Recurrence};
use crate::action::schedule::{Lifetime, Schedule, StoredPeriod, stale_before};
use crate::db::Tenant;
use crate::db::schema::aliases::local_actions;
use crate::db::schema::{
    action_audience, action_predecessors, actions, committees, focus_areas, latest_reports, reports, strategies,
    tallies, units,
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

type Days = (Option<NaiveDate>, Option<NaiveDate>);

fn lifetime((starts_on, ends_on): Days) -> Lifetime {
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

fn ids(found: &[Addressed]) -> Vec<Id> {
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

/// All that the sums of some actions are told from.
pub struct Board {
    /// The actions.
    pub actions: Vec<Addressed>,
    census: Census,
    cells: Vec<Cell>,
    on: NaiveDate,
}

impl Board {
    /// The board of actions as they stand on a day. From today on the kept counts tell it; for days that have passed, all
    /// that was reported by then is read.
    pub fn read(tenant: &mut Tenant<'_>, which: Which, actions: Vec<Addressed>, on: NaiveDate) -> Result<Self> {
        let census = census(tenant)?;
        let cells = match on < period::today() {
            true => past_cells(tenant, which, &actions, on)?,
            false => kept_cells(tenant, which, &actions, on)?,
        };
        Ok(Self { actions, census, cells, on })
    }

    /// The sums of every occurrence that has begun.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        entries(&self.actions, &self.census, self.cells.iter().copied(), self.on)
    }
}

/// How many committees there are of each level, and when they exist.
pub fn census(tenant: &mut Tenant<'_>) -> Result<Census> {
    let rows: Vec<(Option<Id>, Option<NaiveDate>, Option<NaiveDate>, i64)> = committees::table
        .filter(committees::municipality_id.eq(tenant.municipality_id))
        .group_by((committees::level_id, committees::starts_on, committees::ends_on))
        .select((committees::level_id, committees::starts_on, committees::ends_on, diesel::dsl::count_star()))
        .load(tenant.connection)?;
    let counted = |(level, first, last, committees): (Option<Id>, _, _, i64)| {
        Some((level?, lifetime((first, last)), usize::try_from(committees).ok()?))
    };
    Ok(Census::of(rows.into_iter().filter_map(counted)))
}

fn kept_cells(tenant: &mut Tenant<'_>, which: Which, found: &[Addressed], on: NaiveDate) -> Result<Vec<Cell>> {
    let mut cells = tallied_cells(tenant, which, found, on)?;
    cells.extend(named_cells(tenant, which, found, on)?);
    Ok(cells)
}

/// The actions that today have an assignment at this stage, and one that is overdue, or none.
pub fn actions_with(tenant: &mut Tenant<'_>, stage: Option<Stage>, overdue: Option<bool>) -> Result<Vec<Id>> {
    let found = actions(tenant, Which::All)?;
    let board = Board::read(tenant, Which::All, found, period::today())?;
    let mut sums: HashMap<Id, Figures> = board.actions.iter().map(|action| (action.id, Figures::default())).collect();
    for entry in board.entries() {
        *sums.entry(entry.action.id).or_default() += entry.figures;
    }
    sums.retain(|_, sum| {
        stage.is_none_or(|stage| sum.at(stage) > 0) && overdue.is_none_or(|overdue| (sum.overdue > 0) == overdue)
    });
    Ok(sums.into_keys().collect())
}

type TallyGroup = (Id, StoredPeriod, Id, NaiveDate, NaiveDate, Stage);

fn tallied_cells(tenant: &mut Tenant<'_>, which: Which, found: &[Addressed], on: NaiveDate) -> Result<Vec<Cell>> {
    let group = (
        tallies::action_id,
        tallies::occurrence,
        tallies::level_id,
        tallies::exists_from,
        tallies::exists_to,
        tallies::stage,
    );
    let wanted: Vec<Id> = match which {
        Which::All => Vec::new(),
        _ => ids(found),
    };
    let mut counts = tallies::table
        .inner_join(actions::table)
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .group_by(group)
        .select((group, sum(tallies::reports), max(tallies::last_reported_at)))
        .into_boxed();
    let silent = |recurrence: Option<Recurrence>| tallies::reported_on.lt(stale_before(recurrence, on));
    let each =
        |recurrence: Recurrence| actions::recurrence.assume_not_null().eq(recurrence).and(silent(Some(recurrence)));
    let mut stale = tallies::table
        .inner_join(actions::table)
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .filter(tallies::stage.eq(Stage::InProgress))
        .filter(
            actions::recurrence.is_null().and(silent(None)).or(actions::recurrence.is_not_null().and(
                each(Recurrence::Monthly)
                    .or(each(Recurrence::Quarterly))
                    .or(each(Recurrence::HalfYearly))
                    .or(each(Recurrence::Yearly))
                    .or(each(Recurrence::Biennial)),
            )),
        )
        .group_by(group)
        .select((group, sum(tallies::reports)))
        .into_boxed();
    if which != Which::All {
        counts = counts.filter(tallies::action_id.eq_any(wanted.clone()));
        stale = stale.filter(tallies::action_id.eq_any(wanted));
    }
    let stale: Vec<(TallyGroup, Option<i64>)> = stale.load(tenant.connection)?;
    let stale: HashMap<TallyGroup, i64> =
        stale.into_iter().map(|(group, reports)| (group, reports.unwrap_or(0))).collect();
    let counts: Vec<(TallyGroup, Option<i64>, Option<Timestamp>)> = counts.load(tenant.connection)?;
    let cell = |(group, reports, last_reported_at): (TallyGroup, Option<i64>, Option<Timestamp>)| {
        let (action_id, StoredPeriod(period), level_id, from, to, stage) = group;
        Some(Cell {
            action_id,
            period,
            level_id: Some(level_id),
            party: None,
            lifetime: lifetime((Some(from), Some(to))),
            stage,
            reports: u64::try_from(reports?).ok()?,
            stale: stale.get(&group).and_then(|reports| u64::try_from(*reports).ok()).unwrap_or(0),
            last_reported_at: last_reported_at?,
        })
    };
    Ok(counts.into_iter().filter_map(cell).collect())
}

/// The latest reports of those who are addressed by name, and of local actions.
fn named_cells(tenant: &mut Tenant<'_>, which: Which, found: &[Addressed], on: NaiveDate) -> Result<Vec<Cell>> {
    let columns = (
        latest_reports::action_id,
        latest_reports::occurrence,
        latest_reports::committee_id,
        latest_reports::unit_id,
        latest_reports::stage,
        latest_reports::reported_at,
    );
    let is_its = action_audience::committee_id
        .eq(latest_reports::committee_id)
        .or(action_audience::unit_id.eq(latest_reports::unit_id));
    let mut named = latest_reports::table
        .inner_join(actions::table)
        .inner_join(
            action_audience::table
                .on(action_audience::action_id.eq(latest_reports::action_id).and(is_its.assume_not_null())),
        )
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .select(columns)
        .distinct()
        .into_boxed();
    let mut local = latest_reports::table
        .inner_join(actions::table)
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .filter(actions::committee_id.is_not_null())
        .select(columns)
        .into_boxed();
    if which != Which::All {
        named = named.filter(latest_reports::action_id.eq_any(ids(found)));
        let own: Vec<Id> = found.iter().filter(|action| action.is_local()).map(|action| action.id).collect();
        local = local.filter(latest_reports::action_id.eq_any(own));
    }
    type Row = (Id, StoredPeriod, Option<Id>, Option<Id>, Stage, Timestamp);
    let mut rows: Vec<Row> = Vec::new();
    if found.iter().any(|action| !action.is_local() && !action.named.is_empty()) {
        rows.extend(named.load::<Row>(tenant.connection)?);
    }
    if found.iter().any(Addressed::is_local) {
        rows.extend(local.load::<Row>(tenant.connection)?);
    }
    let by_id: HashMap<Id, &Addressed> = found.iter().map(|action| (action.id, action)).collect();
    let cell = |(action_id, StoredPeriod(period), committee, unit, stage, reported_at): Row| {
        let (action, party) = (by_id.get(&action_id)?, Party::of(committee, unit)?);
        let member = action.named.iter().find(|member| member.party == party)?;
        Some(single_cell((action_id, period, party), action, None, member.lifetime, (stage, reported_at), on))
    };
    Ok(rows.into_iter().filter_map(cell).collect())
}

fn single_cell(
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
        stale: u64::from(super::model::is_stale(action.schedule, stage, reported_at, on)),
        last_reported_at: reported_at,
    }
}

fn past_cells(tenant: &mut Tenant<'_>, which: Which, found: &[Addressed], on: NaiveDate) -> Result<Vec<Cell>> {
    let history = history(tenant, which, found, on)?;
    let mut latest = Latest::default();
    history.into_iter().for_each(|told| latest.hear(told));
    Ok(latest.cells(found, on))
}

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

/// The moment at which a day is over in Denmark.
fn end_of(day: NaiveDate) -> Timestamp {
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
