//! Writes for actions.

use diesel::prelude::*;

use super::ActionRow;
use crate::action::model::{Action, AudienceRole};
use crate::db::Writer;
use crate::db::schema::{action_audience, action_predecessors, actions};
use crate::db::types::{Id, Json};
use crate::problem::Result;

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
}

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
    /// For each audience entry the level, the committee or the unit. None if the stored audience stays.
    pub audience: Option<Vec<[Option<Id>; 3]>>,
    /// The actions that come first. None if the stored ones stay.
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
