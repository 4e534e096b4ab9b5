//! Queries for what proposals are made from: five statements, however large the municipality.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::model::{CommitteeFacts, Facts, SeatFacts, UnitFacts};
use crate::committee::membership::model::{MemberFunction, MemberRole};
use crate::committee::model::CommitteeForm;
use crate::date_range::DateRange;
use crate::db::Tenant;
use crate::db::schema::{committee_units, committees, employees, levels, memberships, units};
use crate::db::types::{Id, RegisterKey};
use crate::problem::Result;
use crate::text::ShortText;

/// The facts of a day.
pub fn facts(tenant: &mut Tenant<'_>, on: NaiveDate) -> Result<Facts> {
    Ok(Facts {
        units: unit_facts(tenant, on)?,
        committees: committee_facts(tenant, on)?,
        seats: seat_facts(tenant, on)?,
    })
}

fn unit_facts(tenant: &mut Tenant<'_>, on: NaiveDate) -> Result<Vec<UnitFacts>> {
    type Row = (Id, RegisterKey, ShortText, Option<Id>, Option<i32>, DateRange);
    let employed: Vec<(Option<Id>, i64)> = employees::table
        .filter(employees::municipality_id.eq(tenant.municipality_id))
        .filter(employees::unit_id.is_not_null())
        .filter(crate::exists_on!(employees, on))
        .group_by(employees::unit_id)
        .select((employees::unit_id, count_star()))
        .load(tenant.connection)?;
    let employed: HashMap<Option<Id>, i64> = employed.into_iter().collect();
    let rows: Vec<Row> = units::table
        .filter(units::municipality_id.eq(tenant.municipality_id))
        .select((
            units::id,
            units::key,
            units::name,
            units::parent_id,
            units::headcount,
            (units::starts_on, units::ends_on),
        ))
        .load(tenant.connection)?;
    let facts = |(id, key, name, parent_id, headcount, days): Row| UnitFacts {
        id,
        key,
        name,
        parent_id,
        headcount: headcount.map(i64::from),
        employees: employed.get(&Some(id)).copied().unwrap_or(0),
        is_there: days.contains(on),
        ended_on: days.ends_on.filter(|day| *day < on),
    };
    Ok(rows.into_iter().map(facts).collect())
}

fn committee_facts(tenant: &mut Tenant<'_>, on: NaiveDate) -> Result<Vec<CommitteeFacts>> {
    type Row = (Id, RegisterKey, ShortText, CommitteeForm, Option<i32>);
    let exist = committees::municipality_id.eq(tenant.municipality_id).and(crate::exists_on!(committees, on));
    let covered: Vec<(Id, Id)> = committee_units::table
        .inner_join(committees::table)
        .filter(exist)
        .order((committee_units::committee_id, committee_units::position))
        .select((committee_units::committee_id, committee_units::unit_id))
        .load(tenant.connection)?;
    let mut unit_ids: HashMap<Id, Vec<Id>> = HashMap::new();
    for (committee_id, unit_id) in covered {
        unit_ids.entry(committee_id).or_default().push(unit_id);
    }
    let rows: Vec<Row> = committees::table
        .left_join(levels::table)
        .filter(exist)
        .order(committees::key)
        .select((
            committees::id,
            committees::key,
            committees::name,
            committees::form,
            levels::staff_meeting_below.nullable(),
        ))
        .load(tenant.connection)?;
    let facts = |(id, key, name, form, staff_meeting_below): Row| CommitteeFacts {
        unit_ids: unit_ids.remove(&id).unwrap_or_default(),
        id,
        key,
        name,
        form,
        staff_meeting_below,
    };
    Ok(rows.into_iter().map(facts).collect())
}

fn seat_facts(tenant: &mut Tenant<'_>, on: NaiveDate) -> Result<Vec<SeatFacts>> {
    type Row = (Id, RegisterKey, MemberRole, Option<MemberFunction>, Option<Id>, Option<NaiveDate>, Option<NaiveDate>);
    let rows: Vec<Row> = memberships::table
        .left_join(employees::table)
        .filter(memberships::municipality_id.eq(tenant.municipality_id))
        .filter(crate::exists_on!(memberships, on))
        .order(memberships::key)
        .select((
            memberships::committee_id,
            memberships::key,
            memberships::role,
            memberships::function,
            memberships::employee_id,
            employees::starts_on.nullable(),
            employees::ends_on.nullable(),
        ))
        .load(tenant.connection)?;
    let facts = |(committee_id, key, role, function, holder, starts_on, ends_on): Row| {
        let holder_left_on = ends_on.filter(|last| *last < on);
        let is_held = holder.is_some() && holder_left_on.is_none() && starts_on.is_none_or(|first| first <= on);
        SeatFacts { committee_id, key, role, function, is_held, holder_left_on }
    };
    Ok(rows.into_iter().map(facts).collect())
}
