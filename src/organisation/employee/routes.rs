//! HTTP for employees.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Employees;
use super::model::{Employee, EmployeeBody};
use super::service;
use super::store::{self, Filter};
use crate::auth::guard::{May, People};
use crate::db::access_log::Access;
use crate::db::types::Reference;
use crate::db::{Database, Tenant, Writer};
use crate::http::body::{Body, Patch};
use crate::http::format::ListFormat;
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::{self, Query};
use crate::http::responses::{KeyTaken, StillReferenced, UnknownId, problem_responses};
use crate::http::row::{IfMatch, IfNoneMatch, PutConditions, Row, Target};
use crate::http::table::{Listing, Tabular, max_rows};
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
        .service(anonymise);
}

/// Which employees are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListEmployees {
    /// Only employees of this unit: key or UUID.
    #[param(example = "skolen-ved-aaen")]
    unit: Option<Reference>,
    /// Only those employed on this day.
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

/// A page of employees.
pub type EmployeePage = Page<Employee>;

/// List employees
///
/// In the order of their keys; there is no search by name. Every read is logged.
#[utoipa::path(
    tag = "people", operation_id = "list_employees", security(("bearer" = ["med.hr"])),
    params(ListEmployees, IfNoneMatch),
    responses(
        (
            status = 200, description = "A page of employees",
            content((EmployeePage = "application/json"), (String = "text/csv", example = "key,name,email\r\n")),
        ),
    ),
)]
#[get("/v1/employees")]
async fn list(
    caller: May<People>,
    database: web::Data<Database>,
    request: HttpRequest,
    Query(wanted): Query<ListEmployees>,
) -> Result<Listing<Employee>> {
    let ListEmployees { unit, on, format, limit, cursor } = wanted;
    let format = ListFormat::negotiate(format, &request);
    let most = max_rows(format, limit, cursor.as_ref())?;
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let filter = Filter { unit, on, after, ..Filter::default() };
    let rows = database.read(&caller.principal, move |tenant| store::list(tenant, filter, most)).await?;
    let listing = Listing::of(rows, format, limit, |last| last.body.key.clone())?;
    let access = Access { operation: "list_employees", employee_id: None, rows: listing.rows() };
    database.log_access(&caller.principal, access).await?;
    Ok(listing)
}

impl Tabular for Employee {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "key",
        "name",
        "email",
        "title",
        "unit",
        "has_personnel_responsibility",
        "starts_on",
        "ends_on",
        "name_protected",
        "managed_by",
        "version",
        "created_at",
        "updated_at",
    ];
}

/// Create an employee
#[utoipa::path(
    tag = "people", operation_id = "create_employee", security(("bearer" = ["med.hr"])),
    request_body = EmployeeBody,
    responses(
        (status = 201, description = "The new employee", body = Employee),
        KeyTaken,
    ),
)]
#[post("/v1/employees")]
async fn create(
    caller: May<People>,
    database: web::Data<Database>,
    Body(wanted): Body<EmployeeBody>,
) -> Result<Row<Employee>> {
    let created =
        database.write(&caller.principal, move |writer| resource::create::<Employees>(writer, wanted)).await?;
    Ok(Row::created_in("/v1/employees", created))
}

/// Read an employee
///
/// Every read is logged.
#[utoipa::path(
    tag = "people", operation_id = "read_employee", security(("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "m-1042"), IfNoneMatch),
    responses((status = 200, description = "The employee", body = Employee)),
)]
#[get("/v1/employees/{id}")]
async fn read(caller: May<People>, database: web::Data<Database>, Target(target): Target) -> Result<Row<Employee>> {
    let work = move |tenant: &mut Tenant<'_>| resource::read::<Employees>(tenant, &target);
    let employee = database.read(&caller.principal, work).await?;
    database.log_access(&caller.principal, service::access("read_employee", &employee)).await?;
    Ok(Row::read(employee))
}

/// What PUT takes: also what GET answers, as it is.
pub type EmployeePut = Replacement<EmployeeBody>;

/// Create or replace an employee
///
/// Creates under the key in the address, or replaces the whole row: what the body leaves out gets its default.
#[utoipa::path(
    tag = "people", operation_id = "replace_employee", security(("bearer" = ["med.hr"])),
    params(
        ("id" = String, Path, description = "Key, or the UUID of an existing row", example = "m-1042"),
        PutConditions,
    ),
    request_body = EmployeePut,
    responses(
        (status = 200, description = "The employee as it is now", body = Employee),
        (status = 201, description = "The new employee", body = Employee),
        UnknownId,
    ),
)]
#[put("/v1/employees/{id}")]
async fn replace(
    caller: May<People>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    replacement: EmployeePut,
) -> Result<Row<Employee>> {
    let work = move |writer: &mut Writer<'_>| service::replace(writer, &target, &precondition, replacement);
    let outcome = database.write(&caller.principal, work).await?;
    Ok(Row::put_in("/v1/employees", outcome))
}

/// Change an employee
#[utoipa::path(
    tag = "people", operation_id = "change_employee", security(("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "m-1042"), IfMatch),
    request_body(content = EmployeeBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The employee as it is now", body = Employee)),
)]
#[patch("/v1/employees/{id}")]
async fn change(
    caller: May<People>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<Employee>> {
    let work = move |writer: &mut Writer<'_>| {
        service::change(writer, &target, &precondition, |employee| patch.apply(employee))
    };
    database.write(&caller.principal, work).await.map(Row::read)
}

/// Delete an employee
///
/// Only an employee to which nothing refers can be deleted.
#[utoipa::path(
    tag = "people", operation_id = "delete_employee", security(("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "m-1042"), IfMatch),
    responses(
        (status = 204, description = "The employee is gone"),
        StillReferenced,
    ),
)]
#[delete("/v1/employees/{id}")]
async fn delete(
    caller: May<People>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
) -> Result<HttpResponse> {
    let work = move |writer: &mut Writer<'_>| resource::delete::<Employees>(writer, &target, &precondition);
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}

problem_responses! {
    /// The employment has not ended
    EmploymentNotEnded = StillEmployed;
}

/// Anonymise an employee who has left
///
/// Name, e-mail address and title go, here and in the change log, for good; the key, the memberships and what they
/// count for stay. A later sync leaves it at that, unless the HR system employs the person again.
#[utoipa::path(
    tag = "people", operation_id = "anonymise_employee", security(("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "m-1042"), IfMatch),
    responses(
        (status = 200, description = "What is left of the employee", body = Employee),
        EmploymentNotEnded,
    ),
)]
#[post("/v1/employees/{id}/anonymise")]
async fn anonymise(
    caller: May<People>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
) -> Result<Row<Employee>> {
    let work = move |writer: &mut Writer<'_>| service::anonymise(writer, &target, &precondition);
    database.write(&caller.principal, work).await.map(Row::read)
}
