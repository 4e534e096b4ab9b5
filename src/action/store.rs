//! Queries for actions.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::model::{Action, ActionBody, ActionKind, AudienceEntry, AudienceRole, Milestone, Recurrence};
use crate::db::schema::aliases::{
    local_actions, owning_committees, predecessor_actions, predecessor_areas, predecessor_strategies,
};
use crate::db::schema::{
    action_audience, action_predecessors, actions, committees, focus_areas, indicators, levels, reports, strategies,
    units,
};
use crate::db::types::{Id, Json, Key, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, Writer};
use crate::problem::Result;
use crate::resource::{self, Entity};
use crate::text::{LongText, SearchText, ShortText};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = actions, treat_none_as_null = true, treat_none_as_default_value = false)]
struct ActionRow {
    id: Id,
    municipality_id: Id,
    focus_area_id: Option<Id>,
    position: i32,
    key: Key,
    number: Option<ShortText>,
    title: ShortText,
    text: Option<LongText>,
    kind: ActionKind,
    recurrence: Option<Recurrence>,
    starts_on: Option<NaiveDate>,
    due_on: Option<NaiveDate>,
    invites_local: bool,
    cancelled_on: Option<NaiveDate>,
    cancelled_reason: Option<LongText>,
    milestones: Json<Vec<Milestone>>,
    search_text: String,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
    committee_id: Option<Id>,
    parent_id: Option<Id>,
}

impl ActionRow {
    fn new(municipality_id: Id, placed: &Placed<'_>) -> Self {
        let (focus_area_id, committee_id, parent_id) = match placed.place {
            Owner::FocusArea(id) => (Some(id), None, None),
            Owner::Committee { id, parent_id } => (None, Some(id), Some(parent_id)),
        };
        let body = placed.action.body.clone();
        let revision = placed.action.revision;
        Self {
            id: placed.action.id(),
            municipality_id,
            focus_area_id,
            position: placed.position,
            search_text: body.search_text(),
            key: body.key,
            number: body.number,
            title: body.title,
            text: body.text,
            kind: body.kind,
            recurrence: body.recurrence,
            starts_on: body.starts_on,
            due_on: body.due_on,
            invites_local: body.invites_local,
            cancelled_on: body.cancelled_on,
            cancelled_reason: body.cancelled_reason,
            milestones: Json(body.milestones),
            version: revision.version,
            created_at: revision.created_at,
            updated_at: revision.updated_at,
            committee_id,
            parent_id,
        }
    }

    fn into_action(self, audience: Vec<AudienceEntry>, after: Vec<Reference>, owner: LocalOwner) -> Action {
        let (committee, parent) = owner;
        let body = ActionBody {
            key: self.key,
            number: self.number,
            title: self.title,
            text: self.text,
            kind: self.kind,
            audience,
            recurrence: self.recurrence,
            starts_on: self.starts_on,
            due_on: self.due_on,
            after,
            invites_local: self.invites_local,
            cancelled_on: self.cancelled_on,
            cancelled_reason: self.cancelled_reason,
            milestones: self.milestones.0,
            committee,
            parent,
        };
        Entity::found(self.id, body, (self.version, self.created_at, self.updated_at))
    }
}

/// Of a local action, its committee and the action that inspired it.
type LocalOwner = (Option<Reference>, Option<Reference>);

#[derive(Insertable)]
#[diesel(table_name = action_audience, treat_none_as_default_value = false)]
struct AudienceRow {
    action_id: Id,
    position: i32,
    role: AudienceRole,
    level_id: Option<Id>,
    committee_id: Option<Id>,
    unit_id: Option<Id>,
}

#[derive(Insertable)]
#[diesel(table_name = action_predecessors, treat_none_as_default_value = false)]
struct PredecessorRow {
    action_id: Id,
    predecessor_id: Id,
    position: i32,
}

/// Which actions are wanted.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only this one.
    pub id: Option<Id>,
    /// Only these.
    pub ids: Option<Vec<Id>>,
    /// Only local ones, of this committee.
    pub local_to: Option<Id>,
    /// Only local ones, inspired by this action.
    pub parent: Option<Id>,
    /// Only those of these strategies.
    pub strategy_ids: Option<Vec<Id>>,
    /// Only those of this strategy.
    pub strategy: Option<Reference>,
    /// Only those of this focus area.
    pub focus_area: Option<Id>,
    /// Only those of this kind.
    pub kind: Option<ActionKind>,
    /// Only those addressed to this level.
    pub level: Option<Reference>,
    /// Only those addressed to this committee by name, and its own.
    pub committee: Option<Reference>,
    /// Only those addressed to this unit.
    pub unit: Option<Reference>,
    /// Only those whose title, number, text or key contains this.
    pub q: Option<SearchText>,
    /// Only those after this key and id.
    pub after: Option<(Key, Id)>,
}

/// An action and its place in a plan.
pub struct Found {
    /// Its place; none where it is local.
    pub place: Option<PlanPosition>,
    /// The action, its path included.
    pub action: Action,
}

/// The place of a part in a strategy's tree.
#[derive(Debug, Clone)]
pub struct PlanPosition {
    /// The strategy.
    pub strategy_id: Id,
    /// The strategy's key.
    pub strategy_key: RegisterKey,
    /// The strategy's first day.
    pub strategy_starts_on: Option<NaiveDate>,
    /// The focus area.
    pub focus_area_id: Id,
    /// The focus area's key.
    pub focus_area_key: RegisterKey,
    /// The part's index among its siblings.
    pub position: i32,
}

impl PlanPosition {
    /// The keys that lead to the focus area. References of its parts are relative to them.
    pub fn base(&self) -> [RegisterKey; 2] {
        [self.strategy_key.clone(), self.focus_area_key.clone()]
    }
}

type PlanPositionRow = (Id, RegisterKey, Id, RegisterKey, Option<NaiveDate>);

/// At most `limit` actions in the order of their keys; or, without a limit, in the plan's order.
pub fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>) -> Result<Vec<Found>> {
    let mut query = actions::table
        .left_join(focus_areas::table.inner_join(strategies::table))
        .left_join(owning_committees.on(owning_committees.field(committees::id).nullable().eq(actions::committee_id)))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .select((
            ActionRow::as_select(),
            (focus_areas::id, focus_areas::key, strategies::id, strategies::key, strategies::starts_on).nullable(),
            owning_committees.field(committees::key).nullable(),
        ))
        .into_boxed();
    if let Some(id) = filter.id {
        query = query.filter(actions::id.eq(id));
    }
    if let Some(ids) = filter.ids {
        query = query.filter(actions::id.eq_any(ids));
    }
    if let Some(id) = filter.local_to {
        query = query.filter(actions::committee_id.eq(id));
    }
    if let Some(id) = filter.parent {
        query = query.filter(actions::parent_id.eq(id));
    }
    if let Some(ids) = &filter.strategy_ids {
        query = query.filter(focus_areas::strategy_id.eq_any(ids.clone()));
    }
    match &filter.strategy {
        Some(Reference::Id(id)) => query = query.filter(strategies::id.eq(*id)),
        Some(path) => query = query.filter(strategies::key.eq(path.to_string())),
        None => {}
    }
    if let Some(id) = filter.focus_area {
        query = query.filter(focus_areas::id.eq(id));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(actions::kind.eq(kind));
    }
    let addressed = action_audience::table.select(action_audience::action_id);
    if let Some(level) = filter.level {
        let column = levels::key.eq(level.to_string()).or(levels::id.eq(level.to_string()));
        query = query.filter(actions::id.eq_any(addressed.inner_join(levels::table).filter(column)));
    }
    if let Some(committee) = filter.committee {
        let column = committees::key.eq(committee.to_string()).or(committees::id.eq(committee.to_string()));
        let own = owning_committees.field(committees::key).nullable().eq(committee.to_string());
        let own = own.or(actions::committee_id.eq(committee.to_string())).assume_not_null();
        let by_name = actions::id.eq_any(addressed.inner_join(committees::table).filter(column));
        query = query.filter(by_name.or(own));
    }
    if let Some(unit) = filter.unit {
        let column = units::key.eq(unit.to_string()).or(units::id.eq(unit.to_string()));
        query = query.filter(actions::id.eq_any(addressed.inner_join(units::table).filter(column)));
    }
    if let Some(q) = filter.q {
        query = query.filter(actions::search_text.like(q.pattern()).escape('\\'));
    }
    if let Some((key, id)) = filter.after {
        query = query.filter(actions::key.gt(key.clone()).or(actions::key.eq(key).and(actions::id.gt(id))));
    }
    query = match limit {
        Some(limit) => query.order((actions::key, actions::id)).limit(limit),
        None => query.order((actions::focus_area_id, actions::position)),
    };
    type Row = (ActionRow, Option<PlanPositionRow>, Option<RegisterKey>);
    let rows: Vec<Row> = query.load(tenant.connection)?;
    let scope = match filter.strategy_ids {
        Some(ids) => Scope::Strategies(ids),
        None => Scope::Actions(rows.iter().map(|(row, ..)| row.id).collect()),
    };
    let mut audiences = audiences(tenant, &scope)?;
    let mut paths = predecessor_paths(tenant, &scope)?;
    let inspiring: Vec<Id> = rows.iter().filter_map(|(row, ..)| row.parent_id).collect();
    let inspiring = if inspiring.is_empty() { Planned::default() } else { planned(tenant, Some(inspiring))? };
    let found = |(row, above, committee): Row| {
        let position = row.position;
        let place = above.map(|(focus_area_id, focus_area_key, strategy_id, strategy_key, strategy_starts_on)| {
            PlanPosition { strategy_id, strategy_key, strategy_starts_on, focus_area_id, focus_area_key, position }
        });
        let base = place.iter().flat_map(PlanPosition::base);
        let base: Vec<RegisterKey> = base.chain(committee.clone()).collect();
        let after = paths.remove(&row.id).unwrap_or_default();
        let after = after.iter().map(|path| Reference::shortest(path, &base)).collect();
        let audience = audiences.remove(&row.id).unwrap_or_default();
        let parent = row.parent_id.and_then(|id| inspiring.path(id)).cloned();
        let mut action = row.into_action(audience, after, (committee.map(Reference::from), parent));
        let path = [base, vec![action.body.key.clone().into()]].concat();
        action.identity.path = Some(Reference::Path(path).to_string());
        Found { place, action }
    };
    Ok(rows.into_iter().map(found).collect())
}

/// The actions of plans that others can refer to: their paths, and the first days of their strategies.
#[derive(Debug, Clone, Default)]
pub struct Planned {
    by_path: HashMap<Reference, (Id, Option<NaiveDate>)>,
    by_id: HashMap<Id, Reference>,
}

impl Planned {
    /// An action can be referred to from now on.
    pub fn add(&mut self, id: Id, path: Reference, strategy_starts_on: Option<NaiveDate>) {
        self.by_path.insert(path.clone(), (id, strategy_starts_on));
        self.by_id.insert(id, path);
    }

    /// An action's path.
    pub fn path(&self, id: Id) -> Option<&Reference> {
        self.by_id.get(&id)
    }

    /// Every path, and what it leads to.
    pub fn into_paths(self) -> impl Iterator<Item = (Reference, Id)> {
        self.by_path.into_iter().map(|(path, (id, _))| (path, id))
    }

    /// The action that is referred to, by its whole path or its UUID, with its strategy's first day.
    pub fn find(&self, reference: &Reference) -> Option<(Id, Option<NaiveDate>)> {
        let path = match reference {
            Reference::Id(id) => self.path(*id)?,
            path => path,
        };
        self.by_path.get(path).copied()
    }
}

/// The actions of plans, all of them or those with these ids.
pub fn planned(tenant: &mut Tenant<'_>, ids: Option<Vec<Id>>) -> Result<Planned> {
    let mut query = actions::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .select((actions::id, strategies::key, focus_areas::key, actions::key, strategies::starts_on))
        .into_boxed();
    if let Some(ids) = ids {
        query = query.filter(actions::id.eq_any(ids));
    }
    let rows: Vec<(Id, RegisterKey, RegisterKey, RegisterKey, Option<NaiveDate>)> = query.load(tenant.connection)?;
    let mut planned = Planned::default();
    for (id, strategy, area, key, starts_on) in rows {
        planned.add(id, Reference::Path(vec![strategy, area, key]), starts_on);
    }
    Ok(planned)
}

/// The actions whose audiences and predecessors are wanted: whole strategies, or one page.
enum Scope {
    Strategies(Vec<Id>),
    Actions(Vec<Id>),
}

fn audiences(tenant: &mut Tenant<'_>, scope: &Scope) -> Result<HashMap<Id, Vec<AudienceEntry>>> {
    let query = action_audience::table
        .inner_join(actions::table.inner_join(focus_areas::table))
        .left_join(levels::table)
        .left_join(committees::table)
        .left_join(units::table)
        .order((action_audience::action_id, action_audience::position))
        .select((
            action_audience::action_id,
            action_audience::role,
            levels::key.nullable(),
            committees::key.nullable(),
            units::key.nullable(),
        ))
        .into_boxed();
    type Row = (Id, AudienceRole, Option<RegisterKey>, Option<RegisterKey>, Option<RegisterKey>);
    let rows: Vec<Row> = match scope {
        Scope::Strategies(ids) => query.filter(focus_areas::strategy_id.eq_any(ids.clone())),
        Scope::Actions(ids) => query.filter(actions::id.eq_any(ids.clone())),
    }
    .load(tenant.connection)?;
    let mut audiences: HashMap<Id, Vec<AudienceEntry>> = HashMap::new();
    for (id, role, level, committee, unit) in rows {
        audiences.entry(id).or_default().push(AudienceEntry {
            role,
            level: level.map(Into::into),
            committee: committee.map(Into::into),
            unit: unit.map(Into::into),
        });
    }
    Ok(audiences)
}

fn predecessor_paths(tenant: &mut Tenant<'_>, scope: &Scope) -> Result<HashMap<Id, Vec<[RegisterKey; 3]>>> {
    let query = action_predecessors::table
        .inner_join(actions::table.inner_join(focus_areas::table).on(actions::id.eq(action_predecessors::action_id)))
        .inner_join(
            predecessor_actions.on(predecessor_actions.field(actions::id).eq(action_predecessors::predecessor_id)),
        )
        .inner_join(predecessor_areas.on(
            predecessor_areas.field(focus_areas::id).nullable().eq(predecessor_actions.field(actions::focus_area_id)),
        ))
        .inner_join(
            predecessor_strategies
                .on(predecessor_strategies.field(strategies::id).eq(predecessor_areas.field(focus_areas::strategy_id))),
        )
        .order((action_predecessors::action_id, action_predecessors::position))
        .select((
            action_predecessors::action_id,
            predecessor_strategies.field(strategies::key),
            predecessor_areas.field(focus_areas::key),
            predecessor_actions.field(actions::key),
        ))
        .into_boxed();
    let rows: Vec<(Id, RegisterKey, RegisterKey, RegisterKey)> = match scope {
        Scope::Strategies(ids) => query.filter(focus_areas::strategy_id.eq_any(ids.clone())),
        Scope::Actions(ids) => query.filter(actions::id.eq_any(ids.clone())),
    }
    .load(tenant.connection)?;
    let mut paths: HashMap<Id, Vec<[RegisterKey; 3]>> = HashMap::new();
    for (id, strategy, area, key) in rows {
        paths.entry(id).or_default().push([strategy, area, key]);
    }
    Ok(paths)
}

/// The strategy that an action belongs to.
pub fn strategy_of(tenant: &mut Tenant<'_>, id: Id) -> Result<Option<Id>> {
    Ok(actions::table
        .inner_join(focus_areas::table)
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .filter(actions::id.eq(id))
        .select(focus_areas::strategy_id)
        .first(tenant.connection)
        .optional()?)
}

/// Which action comes after which, in the whole municipality.
pub fn edges(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Id)>> {
    Ok(action_predecessors::table
        .inner_join(actions::table.on(actions::id.eq(action_predecessors::action_id)))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .select((action_predecessors::action_id, action_predecessors::predecessor_id))
        .load(tenant.connection)?)
}

/// An action about to be written, and where it stands.
pub struct Placed<'a> {
    /// Where it stands.
    pub place: Owner,
    /// Its place in the focus area's array.
    pub position: i32,
    /// What it is to be.
    pub action: &'a Action,
    /// What its references resolved to.
    pub links: Links,
}

/// Where an action stands.
#[derive(Debug, Clone, Copy)]
pub enum Owner {
    /// In a plan.
    FocusArea(Id),
    /// With a committee: it is local.
    Committee {
        /// The committee.
        id: Id,
        /// The action that inspired it.
        parent_id: Id,
    },
}

/// What an action's references resolved to.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// Per audience entry the level, the committee or the unit; none where the stored audience stays.
    pub audience: Option<Vec<[Option<Id>; 3]>>,
    /// The actions that come first; none where the stored ones stay.
    pub predecessor_ids: Option<Vec<Id>>,
}

/// Writes new actions.
pub fn insert(writer: &mut Writer<'_>, created: &[Placed<'_>]) -> Result<()> {
    let municipality_id = writer.municipality_id;
    let rows: Vec<_> = created.iter().map(|placed| ActionRow::new(municipality_id, placed)).collect();
    crate::insert_all!(writer.connection, actions::table, &rows)?;
    insert_links(writer, created)
}

/// Writes changed actions.
pub fn update(writer: &mut Writer<'_>, updated: &[Placed<'_>]) -> Result<()> {
    let municipality_id = writer.municipality_id;
    for placed in updated {
        let id = placed.action.id();
        let row = ActionRow::new(municipality_id, placed);
        diesel::update(actions::table.find(id)).set(row).execute(writer.connection)?;
        if placed.links.audience.is_some() {
            let audience = action_audience::table.filter(action_audience::action_id.eq(id));
            diesel::delete(audience).execute(writer.connection)?;
        }
        if placed.links.predecessor_ids.is_some() {
            let predecessors = action_predecessors::table.filter(action_predecessors::action_id.eq(id));
            diesel::delete(predecessors).execute(writer.connection)?;
        }
    }
    insert_links(writer, updated)
}

fn insert_links(writer: &mut Writer<'_>, placed: &[Placed<'_>]) -> Result<()> {
    let mut audience = Vec::new();
    let mut first = Vec::new();
    for Placed { action, links, .. } in placed {
        let action_id = action.id();
        let entries = action.body.audience.iter().zip(links.audience.iter().flatten()).zip(0..);
        audience.extend(entries.map(|((entry, [level_id, committee_id, unit_id]), position)| AudienceRow {
            action_id,
            position,
            role: entry.role,
            level_id: *level_id,
            committee_id: *committee_id,
            unit_id: *unit_id,
        }));
        let ids = links.predecessor_ids.iter().flatten().zip(0..);
        first.extend(ids.map(|(id, position)| PredecessorRow { action_id, predecessor_id: *id, position }));
    }
    crate::insert_all!(writer.connection, action_audience::table, &audience)?;
    crate::insert_all!(writer.connection, action_predecessors::table, &first)?;
    Ok(())
}

/// Removes actions; what they refer to goes with them.
pub fn delete(writer: &mut Writer<'_>, ids: &[Id]) -> Result<()> {
    for batch in ids.chunks(crate::db::connection::batch()) {
        diesel::delete(actions::table.filter(actions::id.eq_any(batch))).execute(writer.connection)?;
    }
    Ok(())
}

/// Sentences that name the reports, local actions and indicators of actions, which keep those from being removed.
pub fn dependents(tenant: &mut Tenant<'_>, leaving: &[&Action]) -> Result<Vec<String>> {
    let ids: Vec<Id> = leaving.iter().map(|action| action.id()).collect();
    let paths: HashMap<Id, Option<&String>> =
        leaving.iter().map(|action| (action.id(), action.identity.path.as_ref())).collect();
    let reported: Vec<(Id, i64)> = reports::table
        .filter(reports::action_id.eq_any(ids.clone()))
        .group_by(reports::action_id)
        .order(reports::action_id)
        .select((reports::action_id, diesel::dsl::count_star()))
        .load(tenant.connection)?;
    let local: Vec<(RegisterKey, Key)> = actions::table
        .inner_join(committees::table.on(committees::id.nullable().eq(actions::committee_id)))
        .filter(actions::parent_id.assume_not_null().eq_any(ids.clone()))
        .order((committees::key, actions::key))
        .select((committees::key, actions::key))
        .load(tenant.connection)?;
    let reported = reported.into_iter().map(|(id, reports)| {
        let path = paths.get(&id).copied().flatten().cloned().unwrap_or_default();
        format!("the action '{path}' has {reports} reports")
    });
    let local = local.into_iter().map(|(committee, key)| format!("has inspired the local action '{committee}/{key}'"));
    let covering: Vec<String> = indicators::table
        .filter(indicators::coverage_action_id.assume_not_null().eq_any(ids))
        .order(indicators::key)
        .select(indicators::key)
        .load(tenant.connection)?;
    Ok(reported.chain(local).chain(resource::dependents("indicator", covering)).collect())
}

/// Whether local actions that a strategy inspired recur from its first day, having none of their own.
pub fn has_local_counting_from(tenant: &mut Tenant<'_>, strategy: Id) -> Result<bool> {
    let inspired = local_actions.field(actions::parent_id).eq(actions::id.nullable());
    let counting = actions::table
        .inner_join(focus_areas::table)
        .inner_join(local_actions.on(inspired.assume_not_null()))
        .filter(focus_areas::strategy_id.eq(strategy))
        .filter(local_actions.field(actions::recurrence).is_not_null())
        .filter(local_actions.field(actions::starts_on).is_null())
        .select(actions::id);
    Ok(counting.first::<Id>(tenant.connection).optional()?.is_some())
}

/// The paths of the actions that come after one of `ids`, but for those of the strategies `except`.
pub fn successors(tenant: &mut Tenant<'_>, ids: &[Id], except: &[Id]) -> Result<Vec<String>> {
    let rows: Vec<(Key, Key, Key)> = action_predecessors::table
        .inner_join(
            actions::table
                .inner_join(focus_areas::table.inner_join(strategies::table))
                .on(actions::id.eq(action_predecessors::action_id)),
        )
        .filter(action_predecessors::predecessor_id.eq_any(ids.to_vec()))
        .filter(focus_areas::strategy_id.ne_all(except.to_vec()))
        .select((strategies::key, focus_areas::key, actions::key))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|(strategy, area, key)| format!("{strategy}/{area}/{key}")).collect())
}
