//! HTTP for the change log and the access log.

use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::guard::{Audit, May};
use crate::auth::scope::Scope;
use crate::committee::membership::model::MembershipBody;
use crate::db::Database;
use crate::db::access_log::{self, Access, LoggedAccess};
use crate::db::change::{EntityKind, Operation};
use crate::db::change_log::{self, LoggedChange};
use crate::db::types::{Id, Timestamp};
use crate::http::page::{Page, PageLimit};
use crate::http::query::Query;
use crate::http::row::IfNoneMatch;
use crate::organisation::employee::model::EmployeeBody;
use crate::problem::Result;
use crate::resource::Body as _;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(list_accesses);
}

/// A place in a log.
#[derive(Default, Deserialize)]
#[serde(try_from = "String")]
struct Sequence(i64);

impl TryFrom<String> for Sequence {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        let sequence = text.parse().ok().filter(|sequence| *sequence >= 0);
        sequence.map(Self).ok_or_else(|| format!("write a whole number from 0 to {}", i64::MAX))
    }
}

/// Which rows of a log to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListLog {
    /// Only rows after this sequence; 0 = from the beginning.
    #[serde(default)]
    #[param(minimum = 0, default = 0, value_type = i64)]
    after: Sequence,
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
}

/// One row's change. The order of sequences is the order of commits.
#[derive(Serialize, ToSchema)]
pub struct Change {
    /// Grows with every change of the municipality; there may be gaps.
    #[schema(example = 4711)]
    sequence: i64,
    /// When it happened.
    at: Timestamp,
    /// What kind of row.
    #[schema(example = "committee")]
    entity: String,
    /// Which row.
    entity_id: Id,
    /// What happened to it.
    operation: Operation,
    /// Who vouches for the subject.
    #[schema(example = "medstrategi")]
    issuer: String,
    /// Who did it.
    #[schema(example = "command-line")]
    subject: String,
    /// The row's fields until then; null where it is new.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// The row's fields since; null where it is gone.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
}

/// The fields in the change log that are personal data.
const PERSONAL: [(EntityKind, &[&str]); 2] =
    [(EmployeeBody::ENTITY, EmployeeBody::PERSONAL_FIELDS), (MembershipBody::ENTITY, MembershipBody::PERSONAL_FIELDS)];

impl Change {
    fn personal_fields(&self) -> &'static [&'static str] {
        PERSONAL.iter().find(|(entity, _)| entity.as_str() == self.entity).map_or(&[], |(_, fields)| fields)
    }

    /// Whether it shows personal data.
    fn is_personal(&self) -> bool {
        let shows = |fields: &Option<Value>| {
            fields.as_ref().is_some_and(|fields| self.personal_fields().iter().any(|name| !fields[*name].is_null()))
        };
        shows(&self.before) || shows(&self.after)
    }

    /// The change without personal data: only that it happened, and to which row.
    fn without_people(mut self) -> Self {
        let hidden = self.personal_fields();
        for fields in [&mut self.before, &mut self.after].into_iter().flatten() {
            hidden.iter().for_each(|name| fields[*name] = Value::Null);
        }
        self
    }
}

impl From<LoggedChange> for Change {
    fn from(logged: LoggedChange) -> Self {
        Self {
            sequence: logged.sequence,
            at: logged.at,
            entity: logged.entity,
            entity_id: logged.entity_id,
            operation: logged.operation,
            issuer: logged.issuer,
            subject: logged.subject,
            before: logged.before.map(|fields| fields.0),
            after: logged.after.map(|fields| fields.0),
        }
    }
}

/// A page of changes.
pub type ChangePage = Page<Change, i64>;

/// List changes
///
/// In the order of commits, nothing skipped, deletions included. `next` is the value of `after` for the following page.
/// What is about employees, and who holds a membership, is null for tokens without `med.hr`; with it, the reading is
/// logged.
#[utoipa::path(
    tag = "audit", operation_id = "list_changes", security(("bearer" = ["med.audit"])),
    params(ListLog, IfNoneMatch),
    responses((status = 200, description = "A page of changes", body = ChangePage)),
)]
#[get("/v1/changes")]
async fn list(caller: May<Audit>, database: web::Data<Database>, Query(query): Query<ListLog>) -> Result<ChangePage> {
    let ListLog { after: Sequence(after), limit } = query;
    let most = limit.with_lookahead();
    let rows = database.read(&caller.principal, move |tenant| change_log::after(tenant, after, most)).await?;
    let page = Page::following(rows, limit, "after", |last| last.sequence).map(Change::from);
    if !caller.scopes.holds(Scope::Hr) {
        return Ok(page.map(Change::without_people));
    }
    let rows = page.items.iter().filter(|change| change.is_personal()).count();
    if rows > 0 {
        let access = Access { operation: "list_changes", employee_id: None, rows };
        database.log_access(&caller.principal, access).await?;
    }
    Ok(page)
}

/// Somebody's reading of personal data.
#[derive(Serialize, ToSchema)]
pub struct LogEntry {
    /// Grows with every access; there may be gaps.
    #[schema(example = 815)]
    sequence: i64,
    /// When it was.
    at: Timestamp,
    /// The operation, as this contract calls it.
    #[schema(example = "list_employees")]
    operation: String,
    /// Whose data, where it was one person's.
    employee_id: Option<Id>,
    /// How many people's data.
    #[schema(minimum = 0, example = 50)]
    rows: i32,
    /// Who vouches for the subject.
    #[schema(example = "medstrategi")]
    issuer: String,
    /// Who read it.
    #[schema(example = "hr-system")]
    subject: String,
}

impl From<LoggedAccess> for LogEntry {
    fn from(logged: LoggedAccess) -> Self {
        let LoggedAccess { sequence, at, operation, employee_id, rows, issuer, subject } = logged;
        Self { sequence, at, operation, employee_id, rows, issuer, subject }
    }
}

/// A page of the access log.
pub type LogEntryPage = Page<LogEntry, i64>;

/// List who read personal data
///
/// One row a request, as long as the log is kept. `next` is the value of `after` for the following page.
#[utoipa::path(
    tag = "audit", operation_id = "list_accesses", security(("bearer" = ["med.audit"])),
    params(ListLog, IfNoneMatch),
    responses((status = 200, description = "A page of the access log", body = LogEntryPage)),
)]
#[get("/v1/access-log")]
async fn list_accesses(
    caller: May<Audit>,
    database: web::Data<Database>,
    Query(query): Query<ListLog>,
) -> Result<LogEntryPage> {
    let ListLog { after: Sequence(after), limit } = query;
    let most = limit.with_lookahead();
    let oldest = database.oldest_access();
    let rows = database.read(&caller.principal, move |tenant| access_log::after(tenant, after, oldest, most)).await?;
    Ok(Page::following(rows, limit, "after", |last| last.sequence).map(LogEntry::from))
}
