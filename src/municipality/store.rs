//! Queries for the municipality itself.

use diesel::prelude::*;

use super::model::{Municipality, MunicipalityBody, MunicipalityCode, SyncGuard};
use crate::committee::membership::model::MemberRole;
use crate::db::schema::municipalities;
use crate::db::types::{Id, Json, Key, Timestamp};
use crate::db::{AnyConnection, Tenant, Writer};
use crate::problem::Result;
use crate::resource::{Entity, UpsertOutcome};
use crate::text::ShortText;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = municipalities)]
struct MunicipalityRow {
    id: Id,
    key: Key,
    code: MunicipalityCode,
    name: ShortText,
    sync_guard_percent: i32,
    sync_guard_rows: i32,
    reporting_roles: Json<Vec<MemberRole>>,
    min_group: i32,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl MunicipalityRow {
    fn new(municipality: &Municipality) -> Self {
        let MunicipalityBody { key, code, name, sync_guard, reporting_roles, min_group } = municipality.body.clone();
        let revision = municipality.revision;
        Self {
            id: municipality.id(),
            key,
            code,
            name,
            sync_guard_percent: sync_guard.percent,
            sync_guard_rows: sync_guard.rows,
            reporting_roles: Json(reporting_roles),
            min_group,
            version: revision.version,
            created_at: revision.created_at,
            updated_at: revision.updated_at,
        }
    }

    fn into_municipality(self) -> Municipality {
        let sync_guard = SyncGuard { percent: self.sync_guard_percent, rows: self.sync_guard_rows };
        let body = MunicipalityBody {
            key: self.key,
            code: self.code,
            name: self.name,
            sync_guard,
            reporting_roles: self.reporting_roles.0,
            min_group: self.min_group,
        };
        Entity::found(self.id, body, (self.version, self.created_at, self.updated_at))
    }
}

/// The caller's municipality.
pub fn read(tenant: &mut Tenant<'_>) -> Result<Municipality> {
    let row = municipalities::table.find(tenant.municipality_id).select(MunicipalityRow::as_select());
    Ok(row.first(tenant.connection)?.into_municipality())
}

/// Stores the caller's municipality anew.
pub fn save(writer: &mut Writer<'_>, wanted: MunicipalityBody) -> Result<UpsertOutcome<MunicipalityBody>> {
    let existing = read(writer)?;
    let outcome = UpsertOutcome::compare(Some(existing), writer.municipality_id, wanted, writer.now());
    if let UpsertOutcome::Updated { after, .. } = &outcome {
        let row = MunicipalityRow::new(after);
        diesel::update(municipalities::table.find(after.id())).set(row).execute(writer.connection)?;
    }
    writer.log(outcome.change())?;
    Ok(outcome)
}

/// The municipality under a key, created where there is none; answers whether it is new.
pub fn find_or_create(connection: &mut AnyConnection, body: &MunicipalityBody) -> Result<(Id, bool)> {
    let known = municipalities::table.filter(municipalities::key.eq(&body.key)).select(municipalities::id);
    if let Some(id) = known.first(connection).optional()? {
        return Ok((id, false));
    }
    let created = UpsertOutcome::compare(None, Id::new(), body.clone(), Timestamp::now()).into_entity();
    diesel::insert_into(municipalities::table).values(MunicipalityRow::new(&created)).execute(connection)?;
    Ok((created.id(), true))
}

/// The keys of all municipalities; for the command line, which stands outside any of them.
pub fn keys(connection: &mut AnyConnection) -> Result<Vec<Key>> {
    Ok(municipalities::table.order(municipalities::key).select(municipalities::key).load(connection)?)
}
