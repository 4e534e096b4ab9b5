//! HTTP for memberships: the seats by themselves, and the members of a committee.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Memberships;
use super::model::{Member, MemberRole, MembershipBody, Seat, Sight, Trio};
use super::store::{self, Filter};
use crate::auth::caller::Caller;
use crate::auth::guard::{EditOrganisation, May, ReadOrganisation};
use crate::auth::scope::Scope;
use crate::committee::Committees;
use crate::db::access_log::Access;
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
use crate::problem::{Problem, Result};
use crate::register::Selection;
use crate::resource::{self, Precondition, Resource as _};

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

fn sight(caller: &Caller) -> Sight {
    if caller.scopes.holds(Scope::Hr) { Sight::Hr } else { Sight::House }
}

/// What is logged of showing members: names and roles are the house's to know, the rest is personal data.
fn shown<'m>(operation: &'static str, members: impl IntoIterator<Item = &'m Member>) -> Option<Access> {
    let rows = members.into_iter().filter(|member| member.employee.is_some()).count();
    (rows > 0).then_some(Access { operation, employee_id: None, rows })
}

async fn log_shown<'m>(
    caller: &Caller,
    database: &Database,
    operation: &'static str,
    members: impl IntoIterator<Item = &'m Member>,
) -> Result<()> {
    match shown(operation, members) {
        Some(access) => database.log_access(&caller.principal, access).await,
        None => Ok(()),
    }
}

/// The seat as it stands now, as the answer to a write. It is logged whatever the sight: whoever may put an
/// employee's key there is told a name for it.
fn answer(writer: &mut Writer<'_>, operation: &'static str, id: Id, sight: Sight) -> Result<Member> {
    let member = seat(writer, Selection::Id(id))?.shown_to(sight);
    if !member.vacant {
        writer.log_access(Access { operation, employee_id: None, rows: 1 })?;
    }
    Ok(member)
}

fn seat(tenant: &mut Tenant<'_>, selection: Selection) -> Result<Seat> {
    let filter = Filter { selection, ..Filter::default() };
    store::list(tenant, filter, Some(1))?.pop().ok_or_else(|| Problem::not_found("membership"))
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
    let sight = sight(caller);
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
    Body(wanted): Body<MembershipBody>,
) -> Result<Row<Member>> {
    let sight = sight(&caller);
    let work = move |writer: &mut Writer<'_>| {
        let created = resource::create::<Memberships>(writer, wanted)?;
        answer(writer, "create_membership", created.id(), sight)
    };
    let member = database.write(&caller.principal, work).await?;
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
    let selection = Selection::of(&target).ok_or_else(|| Problem::not_found("membership"))?;
    let seat = database.read(&caller.principal, move |tenant| seat(tenant, selection)).await?;
    let member = seat.shown_to(sight(&caller));
    log_shown(&caller, &database, "read_membership", [&member]).await?;
    Ok(Row::read(member))
}

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
    request_body = MembershipBody,
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
    Body(wanted): Body<MembershipBody>,
) -> Result<Row<Member>> {
    let sight = sight(&caller);
    let work = move |writer: &mut Writer<'_>| {
        let mut wanted = wanted;
        if sight == Sight::House && wanted.employee.is_none() {
            wanted.employee = Memberships::find(writer, &target)?.and_then(|existing| existing.body.employee);
        }
        let outcome = resource::replace::<Memberships>(writer, &target, &precondition, wanted)?;
        Ok((outcome.is_created(), answer(writer, "replace_membership", outcome.entity().id(), sight)?))
    };
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
    let sight = sight(&caller);
    let work = move |writer: &mut Writer<'_>| {
        let changed = resource::change::<Memberships>(writer, &target, &precondition, |body| patch.apply(body))?;
        answer(writer, "change_membership", changed.id(), sight)
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
    let work = move |tenant: &mut Tenant<'_>| {
        let committee = resource::read::<Committees>(tenant, &target)?;
        let committee = Some(Reference::Id(committee.id()));
        let on = Some(on.unwrap_or_else(period::today));
        store::list(tenant, Filter { committee, on, after, ..Filter::default() }, most)
    };
    let seats = database.read(&caller.principal, work).await?;
    listed(&caller, &database, "list_members", seats, (format, limit)).await
}

/// Which day is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OnDay {
    /// The day that is told about; today, unless said otherwise.
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
    let sight = sight(&caller);
    let work = move |tenant: &mut Tenant<'_>| {
        let found = resource::read::<Committees>(tenant, &target)?;
        let committee = Some(Reference::Id(found.id()));
        let seats = store::list(tenant, Filter { committee, on: Some(on), ..Filter::default() }, None)?;
        let members = seats.into_iter().map(|seat| seat.shown_to(sight)).collect();
        Ok(Trio::of(found.body.key, on, members))
    };
    let trio = database.read(&caller.principal, work).await?;
    let people = [&trio.leader, &trio.shop_steward, &trio.safety_rep].into_iter().flatten();
    log_shown(&caller, &database, "read_trio", people).await?;
    Ok(Tagged(trio))
}
