//! Query parameters: unknown and invalid ones are refused.

use std::future::{Ready, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpRequest, web};
use chrono::NaiveDate;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::contract::{Contract, LIMIT};
use super::limits::limits;
use crate::period;
use crate::problem::{Kind, Problem};

/// The query parameters of an operation, parsed.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).and_then(|query| match with_shorter_page(request) {
            Some(shorter) => parse(&shorter).map(Self),
            None => Ok(Self(query)),
        }))
    }
}

/// The query with a smaller `limit`, if the operator allows only shorter pages than the client requested.
fn with_shorter_page(request: &HttpRequest) -> Option<String> {
    let max = limits(request).ok()?.page?;
    let contract = request.app_data::<web::Data<Contract>>()?;
    let default = contract.default_limit(request.method(), request.match_info().as_str())?;
    let sent = url::form_urlencoded::parse(request.query_string().as_bytes());
    let requested = sent.clone().find(|(name, _)| name == LIMIT).and_then(|(_, value)| value.parse().ok());
    if requested.unwrap_or(default) <= u64::from(max) {
        return None;
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(sent.filter(|(name, _)| name != LIMIT)).append_pair(LIMIT, &max.to_string());
    Some(query.finish())
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    if pairs.clone().any(|(_, value)| value.contains('\0')) {
        return Err(Problem::new(Kind::InvalidQuery, "A query parameter holds a NUL character: leave it out."));
    }
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map_err(|error| {
        let (path, error) = (error.path().to_string(), error.into_inner());
        let detail = match path.as_str() {
            "." => format!("The query is not valid: {error}."),
            name => format!("The query parameter '{name}' is not valid: {error}."),
        };
        Problem::new(Kind::InvalidQuery, detail)
    })
}

/// Middleware: refuses query parameters that the operation doesn't have, so that no misspelled filter is ignored.
pub async fn known_parameters<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if request.query_string().is_empty() {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let known = request
        .app_data::<web::Data<Contract>>()
        .and_then(|contract| contract.query_parameters(request.method(), request.match_info().as_str()));
    let unknown = known.and_then(|known| {
        let mut names = url::form_urlencoded::parse(request.query_string().as_bytes()).map(|(name, _)| name);
        Some((names.find(|name| !known.iter().any(|known| known == name))?.into_owned(), known.join(", ")))
    });
    let Some((name, known)) = unknown else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    let taken = if known.is_empty() { "takes none".to_owned() } else { format!("takes: {known}") };
    let detail = format!("There is no query parameter '{name}' here; the operation {taken}.");
    let refusal = request.error_response(Problem::new(Kind::InvalidQuery, detail));
    Ok(refusal.map_into_right_body())
}

/// [`day`], from [`period::earliest`] to [`period::latest`].
pub fn day_in_range<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let (first, last) = (period::earliest(), period::latest());
    match day(deserializer)? {
        Some(day) if day < first || last < day => Err(D::Error::custom(format!("write a date from {first} to {last}"))),
        day => Ok(day),
    }
}

/// A day, for `#[serde(deserialize_with)]`. The error says what to write.
pub fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = String::deserialize(deserializer)?;
    // chrono also takes shorter and longer forms, which SQLite would compare wrongly.
    let day = Some(&text).filter(|text| text.len() == "2025-01-31".len()).and_then(|text| text.parse().ok());
    day.map(Some).ok_or_else(|| D::Error::custom("write a date that exists, such as 2025-01-31"))
}
