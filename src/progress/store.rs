//! Queries for what progress is about: its keys and titles. The counts come from assignments.

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::db::Tenant;
use crate::db::schema::{focus_areas, objectives, strategies};
use crate::db::types::{Id, Key, Reference};
use crate::problem::{Problem, Result};
use crate::text::{LongText, ShortText};

/// The heading of a strategy's or a focus area's progress.
#[derive(Debug)]
pub struct Heading {
    /// Its id.
    pub id: Id,
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: ShortText,
    /// The strategy's first and last day.
    pub days: (Option<NaiveDate>, Option<NaiveDate>),
    /// The strategy's key.
    pub strategy: String,
}

/// A strategy, by key or id.
pub fn strategy(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Heading> {
    let mut query = strategies::table
        .filter(strategies::municipality_id.eq(tenant.municipality_id))
        .select((strategies::id, strategies::key, strategies::title, strategies::starts_on, strategies::ends_on))
        .into_boxed();
    query = match reference {
        Reference::Id(id) => query.filter(strategies::id.eq(*id)),
        path => query.filter(strategies::key.eq(path.to_string())),
    };
    type Row = (Id, Key, ShortText, Option<NaiveDate>, Option<NaiveDate>);
    let found: Option<Row> = query.first(tenant.connection).optional()?;
    let (id, key, title, first, last) = found.ok_or_else(|| Problem::not_found("strategy"))?;
    Ok(Heading { id, key: key.to_string(), title, days: (first, last), strategy: key.to_string() })
}

/// A focus area.
pub fn focus_area(tenant: &mut Tenant<'_>, id: Id) -> Result<Heading> {
    type Row = (Id, Key, ShortText, (Option<NaiveDate>, Option<NaiveDate>, Key));
    let found: Option<Row> = focus_areas::table
        .inner_join(strategies::table)
        .filter(focus_areas::municipality_id.eq(tenant.municipality_id))
        .filter(focus_areas::id.eq(id))
        .select((
            focus_areas::id,
            focus_areas::key,
            focus_areas::title,
            (strategies::starts_on, strategies::ends_on, strategies::key),
        ))
        .first(tenant.connection)
        .optional()?;
    let (id, key, title, (first, last, strategy)) = found.ok_or_else(|| Problem::not_found("focus area"))?;
    Ok(Heading { id, key: key.to_string(), title, days: (first, last), strategy: strategy.to_string() })
}

/// The heading of an objective's progress.
#[derive(Debug)]
pub struct Objective {
    /// Its key.
    pub key: String,
    /// What it says.
    pub text: LongText,
    /// The keys that lead to it.
    pub path: [String; 3],
}

/// An objective.
pub fn objective(tenant: &mut Tenant<'_>, id: Id) -> Result<Objective> {
    let found: Option<(LongText, String, String, String)> = objectives::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(objectives::municipality_id.eq(tenant.municipality_id))
        .filter(objectives::id.eq(id))
        .select((objectives::text, strategies::key, focus_areas::key, objectives::key))
        .first(tenant.connection)
        .optional()?;
    let (text, strategy, area, key) = found.ok_or_else(|| Problem::not_found("objective"))?;
    Ok(Objective { key: key.clone(), text, path: [strategy, area, key] })
}

/// The focus areas of a strategy, in the plan's order.
pub fn focus_areas(tenant: &mut Tenant<'_>, strategy: Id) -> Result<Vec<(Id, Key, ShortText)>> {
    Ok(focus_areas::table
        .filter(focus_areas::strategy_id.eq(strategy))
        .order(focus_areas::position)
        .select((focus_areas::id, focus_areas::key, focus_areas::title))
        .load(tenant.connection)?)
}
