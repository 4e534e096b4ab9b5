//! Lists: pages that begin after a key (keyset), so that a page costs the same however deep it lies.

use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::entity_tag::{content_tag, tagged};
use crate::language::Language;

use crate::problem::{Kind, Problem, Result};

/// How many rows a page holds: 1 to 200.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct PageLimit(u32);

impl Default for PageLimit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<String> for PageLimit {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        let limit = text.parse().ok().filter(|limit| (1..=200).contains(limit));
        limit.map(Self).ok_or("write a number from 1 to 200")
    }
}

impl PageLimit {
    /// One row more than the page holds, to know whether there is another page.
    pub fn with_lookahead(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// How many rows.
    pub fn rows(self) -> usize {
        self.0 as usize
    }
}

impl PartialSchema for PageLimit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(200))
            .default(Some(50.into()))
            .into()
    }
}

impl ToSchema for PageLimit {}

/// Where a page begins. Opaque to clients; encodes the position of the last row before it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Cursor(String);

impl TryFrom<String> for Cursor {
    type Error = &'static str;

    /// Checks that it is base64url; each list decodes it by itself.
    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match !text.is_empty() && text.bytes().all(fits) {
            true => Ok(Self(text)),
            false => Err("take it from `next`, unchanged"),
        }
    }
}

impl Cursor {
    /// The cursor after the row at this position.
    pub fn after(position: &impl Serialize) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
    }

    /// The position that the cursor encodes.
    pub fn place<T: DeserializeOwned>(&self) -> Result<T> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).ok();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
            let detail = "The query parameter 'cursor' is not one of this list: take it from `next`, unchanged.";
            Problem::new(Kind::InvalidQuery, detail)
        })
    }
}

impl PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_-]+$")).into()
    }
}

impl ToSchema for Cursor {}

/// The type of a list's `next`.
pub trait Next: Serialize + std::fmt::Display {
    /// Its type in the contract.
    const TYPE: Type;
    /// Its description in the contract.
    const DESCRIPTION: &'static str;
}

impl Next for String {
    const TYPE: Type = Type::String;
    const DESCRIPTION: &'static str = "The cursor of the next page; null on the last one.";
}

impl Next for i64 {
    const TYPE: Type = Type::Integer;
    const DESCRIPTION: &'static str = "`after` of the next page; null on the last one.";
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T, N = String> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next: Option<N>,
    /// The query parameter that takes it.
    #[serde(skip)]
    parameter: &'static str,
    /// The language of the texts that the service wrote.
    #[serde(skip)]
    language: Option<Language>,
}

impl<T> Page<T> {
    /// A page of rows that were read with one row more than `limit`, which shows whether another page follows.
    /// `place` returns a row's position in the order.
    pub fn of<P: Serialize>(rows: Vec<T>, limit: PageLimit, place: impl FnOnce(&T) -> P) -> Self {
        Self::following(rows, limit, "cursor", |last| Cursor::after(&place(last)))
    }

    /// A page of a list that is in memory; the cursor is an index.
    pub fn slice(rows: Vec<T>, limit: PageLimit, cursor: Option<&Cursor>) -> Result<Self> {
        let begin: usize = cursor.map(Cursor::place).transpose()?.unwrap_or(0);
        let rows = rows.into_iter().skip(begin).take(limit.rows() + 1).collect();
        Ok(Self::of(rows, limit, |_| begin + limit.rows()))
    }
}

impl<T, N: Next> Page<T, N> {
    /// A page of a list whose query parameter for the next page is not `cursor`.
    pub fn following(mut rows: Vec<T>, limit: PageLimit, parameter: &'static str, place: impl FnOnce(&T) -> N) -> Self {
        let more = rows.len() > limit.rows();
        rows.truncate(limit.rows());
        let next = if more { rows.last().map(place) } else { None };
        Self { items: rows, next, parameter, language: None }
    }

    /// Sets the language of its texts.
    pub fn written_in(self, language: Language) -> Self {
        Self { language: Some(language), ..self }
    }

    /// The same page with other rows.
    pub fn map<U>(self, map: impl FnMut(T) -> U) -> Page<U, N> {
        let Self { items, next, parameter, language } = self;
        Page { items: items.into_iter().map(map).collect(), next, parameter, language }
    }
}

impl<T: ToSchema, N: Next> PartialSchema for Page<T, N> {
    fn schema() -> RefOr<Schema> {
        use utoipa::openapi::{ArrayBuilder, Ref};
        let next = ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::SchemaType::from_iter([N::TYPE, Type::Null]))
            .description(Some(N::DESCRIPTION));
        ObjectBuilder::new()
            .description(Some("A page of a list."))
            .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .property("next", next)
            .required("items")
            .required("next")
            .into()
    }
}

impl<T: ToSchema, N: Next> ToSchema for Page<T, N> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T: Serialize, N: Next> Responder for Page<T, N> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let next = self.next.as_ref().map(|next| (self.parameter, next.to_string()));
        let mut answer = respond(&self, request, next);
        if let Some(language) = self.language {
            language.mark(&mut answer);
        }
        answer
    }
}

/// The answer for a page that has more fields than its rows; `next` is the cursor of the next page.
pub fn answer(page: &impl Serialize, request: &HttpRequest, next: Option<&str>) -> HttpResponse {
    respond(page, request, next.map(|next| ("cursor", next.to_owned())))
}

fn respond(page: &impl Serialize, request: &HttpRequest, next: Option<(&'static str, String)>) -> HttpResponse {
    let body = match serde_json::to_vec(page) {
        Ok(body) => body,
        Err(error) => return HttpResponse::from_error(Problem::internal(error)),
    };
    let tag = content_tag(&body);
    let mut answer = HttpResponse::Ok();
    if let Some((parameter, next)) = next {
        let link = format!("<{}>; rel=\"next\"", next_address(request, parameter, &next));
        answer.insert_header((header::LINK, link));
    }
    tagged(&mut answer, request, &tag, || Ok(body))
}

fn next_address(request: &HttpRequest, parameter: &str, value: &str) -> String {
    let sent = url::form_urlencoded::parse(request.query_string().as_bytes());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(sent.filter(|(name, _)| name != parameter)).append_pair(parameter, value);
    format!("{}?{}", request.path(), query.finish())
}
