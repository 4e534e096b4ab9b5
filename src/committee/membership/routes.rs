//! HTTP for memberships: the seats by themselves, and the members of a committee.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Memberships;
use super::model::{Member, MemberRole, MembershipBody, Seat, Trio};
use super::service;
use super::store::{self, Filter};
use crate::auth::caller::Caller;
use crate::auth::guard::{EditOrganisation, May, ReadOrganisation};
use crate::db::types::{Id, Reference};
use crate::db::{Database, Tenant, Writer};
use crate::http::body::{Body, Patch};
use crate::http::entity_tag::Tagged;
use crate::http::format::{Format, ListFormat};
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::{self, Query};
use crate::http::responses::{KeyTaken, UnknownId};
use crate::http::row::{IfMatch, IfNoneMatch, PutConditions, Row, Target, Versioned};
use crate::http::table::{Listing, Tabular, max_rows};
use crate::period;
use crate::problem::Result;
use crate::resource::{self, Precondition, Replacement};

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list)
        .service(create)
        .service(read)
        .service(replace)
        .service(change)
        .service(delete)
        .service(list_members)
        .service(read_trio);
}

impl Versioned for Member {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }

    /// A new name of the holder is no new version of the membership, but it is another answer; so is what
    /// another scope shows.
    fn variant(&self) -> Option<String> {
        Some(format!("{:?} {:?}", self.name, self.employee))
    }
}

impl Tabular for Member {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "key",
        "committee",
        "name",
        "vacant",
        "employee",
        "role",
        "side",
        "function",
        "starts_on",
        "ends_on",
        "managed_by",
        "version",
        "created_at",
        "updated_at",
    ];
}

async fn log_shown<'m>(
    caller: &Caller,
    database: &Database,
    operation: &'static str,
    members: impl IntoIterator<Item = &'m Member>,
) -> Result<()> {
    match service::access(operation, members) {
        Some(access) => database.log_access(&caller.principal, access).await,
        None => Ok(()),
    }
}

/// Which memberships are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListMemberships {
    /// Only memberships of this committee: key or UUID.
    #[param(example = "lokal-med-skolen-ved-aaen")]
    committee: Option<Reference>,
    /// Only memberships with this role.
    role: Option<MemberRole>,
    /// Only memberships that hold on this day: while membership, committee and employee exist.
    #[serde(default, deserialize_with = "query::day")]
    on: Option<chrono::NaiveDate>,
    /// In which form; else by `Accept`.
    format: Option<ListFormat>,
    /// Rows a page; CSV holds every row.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of members.
pub type MemberPage = Page<Member>;

/// List memberships
///
/// Of all committees, past ones and those to come included, in the order of their keys. Names that are not protected
/// are everybody's to see; `employee`, and protected names, are null for tokens without `med.hr`, whose reads are
/// logged.
#[utoipa::path(
    tag = "committees", operation_id = "list_memberships", security(("bearer" = ["med.read"]), ("bearer" = ["med.hr"])),
    params(ListMemberships, IfNoneMatch),
    responses(
        (
            status = 200, description = "A page of memberships",
            content((MemberPage = "application/json"), (String = "text/csv", example = "key,committee,name\r\n")),
        ),
    ),
)]
#[get("/v1/memberships")]
async fn list(
    caller: May<ReadOrganisation>,
    database: web::Data<Database>,
    request: HttpRequest,
    Query(wanted): Query<ListMemberships>,
) -> Result<Listing<Member>> {
    let ListMemberships { committee, role, on, format, limit, cursor } = wanted;
    let format = ListFormat::negotiate(format, &request);
    let most = max_rows(format, limit, cursor.as_ref())?;
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let filter = Filter { committee, role, on, after, ..Filter::default() };
    let seats = database.read(&caller.principal, move |tenant| store::list(tenant, filter, most)).await?;
    listed(&caller, &database, "list_memberships", seats, (format, limit)).await
}

async fn listed(
    caller: &Caller,
    database: &Database,
    operation: &'static str,
    seats: Vec<Seat>,
    (format, limit): (Format, PageLimit),
) -> Result<Listing<Member>> {
    let sight = service::sight(caller);
    let members: Vec<Member> = seats.into_iter().map(|seat| seat.shown_to(sight)).collect();
    let on_page = if format == Format::Json { limit.rows() } else { members.len() };
    log_shown(caller, database, operation, members.iter().take(on_page)).await?;
    Listing::of(members, format, limit, |last| last.key.clone())
}

/// Create a membership
///
/// Without an employee the seat is vacant.
#[utoipa::path(
    tag = "committees", operation_id = "create_membership",
    security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    request_body = MembershipBody,
    responses(
        (status = 201, description = "The new membership", body = Member),
        KeyTaken,
    ),
)]
#[post("/v1/memberships")]
async fn create(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Body(body): Body<MembershipBody>,
) -> Result<Row<Member>> {
    let sight = service::sight(&caller);
    let member = database.write(&caller.principal, move |writer| service::create(writer, sight, body)).await?;
    let location = location(&member);
    Ok(Row::created(member, location))
}

fn location(member: &Member) -> String {
    format!("/v1/memberships/{}", member.key)
}

/// Read a membership
#[utoipa::path(
    tag = "committees", operation_id = "read_membership", security(("bearer" = ["med.read"]), ("bearer" = ["med.hr"])),
    params(
        ("id" = String, Path, description = "Key or UUID", example = "lokal-med-skolen-ved-aaen-formand"),
        IfNoneMatch,
    ),
    responses((status = 200, description = "The membership", body = Member)),
)]
#[get("/v1/memberships/{id}")]
async fn read(
    caller: May<ReadOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
) -> Result<Row<Member>> {
    let sight = service::sight(&caller);
    let member = database.read(&caller.principal, move |tenant| service::read(tenant, &target, sight)).await?;
    log_shown(&caller, &database, "read_membership", [&member]).await?;
    Ok(Row::read(member))
}

/// What PUT takes: also what GET answers, as it is.
pub type MembershipPut = Replacement<MembershipBody>;

/// Create or replace a membership
///
/// Creates under the key in the address, or replaces the whole row: what the body leaves out gets its default. A token
/// without `med.hr`, which doesn't see who holds the seat, leaves its holder there unless it names another; PATCH with
/// `"employee": null` vacates it.
#[utoipa::path(
    tag = "committees", operation_id = "replace_membership",
    security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    params(
        (
            "id" = String, Path, description = "Key, or the UUID of an existing row",
            example = "lokal-med-skolen-ved-aaen-formand",
        ),
        PutConditions,
    ),
    request_body = MembershipPut,
    responses(
        (status = 200, description = "The membership as it is now", body = Member),
        (status = 201, description = "The new membership", body = Member),
        UnknownId,
    ),
)]
#[put("/v1/memberships/{id}")]
async fn replace(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    replacement: MembershipPut,
) -> Result<Row<Member>> {
    let sight = service::sight(&caller);
    let work = move |writer: &mut Writer<'_>| service::replace(writer, sight, &target, &precondition, replacement);
    let (is_new, member) = database.write(&caller.principal, work).await?;
    let location = location(&member);
    Ok(Row::put(member, is_new, location))
}

/// Change a membership
#[utoipa::path(
    tag = "committees", operation_id = "change_membership",
    security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "lokal-med-skolen-ved-aaen-formand"), IfMatch),
    request_body(content = MembershipBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The membership as it is now", body = Member)),
)]
#[patch("/v1/memberships/{id}")]
async fn change(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<Member>> {
    let sight = service::sight(&caller);
    let work = move |writer: &mut Writer<'_>| {
        service::change(writer, sight, &target, &precondition, |membership| patch.apply(membership))
    };
    database.write(&caller.principal, work).await.map(Row::read)
}

/// Delete a membership
///
/// For rows that were a mistake; who leaves a committee gets an `ends_on`.
#[utoipa::path(
    tag = "committees", operation_id = "delete_membership",
    security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "lokal-med-skolen-ved-aaen-formand"), IfMatch),
    responses((status = 204, description = "The membership is gone")),
)]
#[delete("/v1/memberships/{id}")]
async fn delete(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
) -> Result<HttpResponse> {
    let work = move |writer: &mut Writer<'_>| resource::delete::<Memberships>(writer, &target, &precondition);
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Which members are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListMembers {
    /// Who sits there on this day; today, unless said otherwise.
    #[serde(default, deserialize_with = "query::day")]
    on: Option<chrono::NaiveDate>,
    /// In which form; else by `Accept`.
    format: Option<ListFormat>,
    /// Rows a page; CSV holds every row.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// List a committee's members
///
/// Who sits there on a day, vacant seats included, in the order of the memberships' keys. Somebody is a member only
/// while the committee and the employment last. `employee`, and protected names, are null for tokens without
/// `med.hr`, whose reads are logged.
#[utoipa::path(
    tag = "committees", operation_id = "list_members", security(("bearer" = ["med.read"]), ("bearer" = ["med.hr"])),
    params(
        ("id" = String, Path, description = "Key or UUID", example = "lokal-med-skolen-ved-aaen"),
        ListMembers,
        IfNoneMatch,
    ),
    responses(
        (
            status = 200, description = "A page of members",
            content((MemberPage = "application/json"), (String = "text/csv", example = "key,committee,name\r\n")),
        ),
    ),
)]
#[get("/v1/committees/{id}/members")]
async fn list_members(
    caller: May<ReadOrganisation>,
    database: web::Data<Database>,
    request: HttpRequest,
    Target(target): Target,
    Query(wanted): Query<ListMembers>,
) -> Result<Listing<Member>> {
    let ListMembers { on, format, limit, cursor } = wanted;
    let format = ListFormat::negotiate(format, &request);
    let most = max_rows(format, limit, cursor.as_ref())?;
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let on = on.unwrap_or_else(period::today);
    let work = move |tenant: &mut Tenant<'_>| service::list_members(tenant, &target, on, after, most);
    let seats = database.read(&caller.principal, work).await?;
    listed(&caller, &database, "list_members", seats, (format, limit)).await
}

/// Which day is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OnDay {
    /// The day of which the answer speaks; today, unless said otherwise.
    #[serde(default, deserialize_with = "query::day")]
    on: Option<chrono::NaiveDate>,
}

/// Read a committee's trio
///
/// The leaders, shop stewards and safety representatives among its members on a day: derived from the memberships'
/// `function`; substitutes and vacant seats don't count.
#[utoipa::path(
    tag = "committees", operation_id = "read_trio", security(("bearer" = ["med.read"]), ("bearer" = ["med.hr"])),
    params(
        ("id" = String, Path, description = "Key or UUID", example = "lokal-med-skolen-ved-aaen"),
        OnDay,
        IfNoneMatch,
    ),
    responses((status = 200, description = "The trio", body = Trio)),
)]
#[get("/v1/committees/{id}/trio")]
async fn read_trio(
    caller: May<ReadOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
    Query(wanted): Query<OnDay>,
) -> Result<Tagged<Trio>> {
    let on = wanted.on.unwrap_or_else(period::today);
    let sight = service::sight(&caller);
    let work = move |tenant: &mut Tenant<'_>| service::read_trio(tenant, sight, &target, on);
    let trio = database.read(&caller.principal, work).await?;
    let people = [&trio.leader, &trio.shop_steward, &trio.safety_rep].into_iter().flatten();
    log_shown(&caller, &database, "read_trio", people).await?;
    Ok(Tagged(trio))
}
