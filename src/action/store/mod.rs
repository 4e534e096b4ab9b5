//! Queries and writes for actions: lists here, what they refer to in `references`, writes in `write`.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::model::{Action, ActionBody, ActionKind, AudienceEntry, Milestone, Recurrence};
use crate::db::Tenant;
use crate::db::schema::aliases::owning_committees;
use crate::db::schema::{action_audience, actions, committees, focus_areas, levels, strategies, units};
use crate::db::types::{Id, Json, Key, Reference, RegisterKey, Timestamp};
use crate::problem::Result;
use crate::resource::Entity;
use crate::text::{LongText, SearchText, ShortText};

mod references;
mod write;

pub use references::{ActionIndex, dependents, edges, has_local_counting_from, plan_actions, strategy_of, successors};
use references::{RelatedTo, audiences, predecessor_paths};
pub use write::{Links, Owner, Placed, delete, insert, update};

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

/// Selects actions.
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
    /// Its place. None for a local action.
    pub place: Option<PlanPosition>,
    /// The action, including its path.
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
    let related = match filter.strategy_ids {
        Some(ids) => RelatedTo::Strategies(ids),
        None => RelatedTo::Actions(rows.iter().map(|(row, ..)| row.id).collect()),
    };
    let mut audiences = audiences(tenant, &related)?;
    let mut paths = predecessor_paths(tenant, &related)?;
    let inspiring: Vec<Id> = rows.iter().filter_map(|(row, ..)| row.parent_id).collect();
    let inspiring = if inspiring.is_empty() { ActionIndex::default() } else { plan_actions(tenant, Some(inspiring))? };
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

/// The path of an action: the keys of its strategy, area and itself, or of its committee and itself.
pub fn path(tenant: &mut Tenant<'_>, id: Id) -> Result<Option<String>> {
    type Row = (Key, Option<(Key, Key)>, Option<RegisterKey>);
    let found: Option<Row> = actions::table
        .left_join(focus_areas::table.inner_join(strategies::table))
        .left_join(owning_committees.on(owning_committees.field(committees::id).nullable().eq(actions::committee_id)))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .filter(actions::id.eq(id))
        .select((
            actions::key,
            (strategies::key, focus_areas::key).nullable(),
            owning_committees.field(committees::key).nullable(),
        ))
        .first(tenant.connection)
        .optional()?;
    Ok(found.map(|(key, area, committee)| match (area, committee) {
        (Some((strategy, area)), _) => format!("{strategy}/{area}/{key}"),
        (None, Some(committee)) => format!("{committee}/{key}"),
        (None, None) => key.to_string(),
    }))
}

/// One action, local or not.
pub fn find(tenant: &mut Tenant<'_>, id: Id) -> Result<Option<Action>> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    Ok(list(tenant, filter, Some(1))?.pop().map(|found| found.action))
}
