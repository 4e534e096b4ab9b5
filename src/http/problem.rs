//! Problems as answers: `application/problem+json` (RFC 9457) for every 4xx and 5xx.

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, HttpResponseBuilder, ResponseError, get, web};
use serde::Serialize;
use tracing_actix_web::RequestId;
use utoipa::ToSchema;

use super::contract::Contract;
use crate::http::example::example;
use crate::http::responses::{PROBLEM_MEDIA_TYPE, problem_responses};
use crate::metrics;
use crate::problem::{Kind, Problem, ValidationError};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A failed request (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!(example!("problem_answer")))]
pub struct ProblemAnswer {
    /// The kind of problem: a stable path that describes it.
    pub r#type: String,
    /// The kind in words, always the same.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The path of the request.
    pub instance: String,
    /// The id under which the service's log knows the request; also in `X-Request-Id`.
    pub request_id: String,
    /// How many faults there are; `errors` lists the first 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_count: Option<usize>,
    /// The faults of the body, or what stands in the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ValidationError>,
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Only the status: [`render`] writes the body, which has the request's id and path.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

/// Middleware: gives every answer its request id, and every failure, the framework's too, its problem.
pub async fn render<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let request_id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let mut response = next.call(request).await?;
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(response.map_into_left_body());
    }
    let problem = match response.response().error().and_then(Error::as_error::<Problem>) {
        Some(problem) => {
            log(problem);
            answer(problem, &response, &request_id)
        }
        None => {
            let problem = from_framework(status, response.response().error());
            log(&problem);
            answer(&problem, &response, &request_id)
        }
    };
    Ok(response.into_response(problem).map_into_right_body())
}

/// The problem for a failure that the framework answers.
fn from_framework(status: StatusCode, error: Option<&Error>) -> Problem {
    let detail = |sentence: &str| error.map_or_else(|| sentence.to_owned(), |error| format!("{sentence} {error}"));
    match status {
        StatusCode::NOT_FOUND => Problem::new(Kind::NotFound, "Nothing stands at this address."),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(Kind::MethodNotAllowed, "Allow names the methods taken here."),
        StatusCode::REQUEST_TIMEOUT => Problem::new(Kind::RequestTimeout, "The request did not arrive in time."),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Kind::TooLarge, "The body is larger than this route takes."),
        status if status.is_client_error() => Problem::new(Kind::BadRequest, detail("The request is not valid.")),
        _ => Problem::internal(detail("The framework failed.")),
    }
}

/// Logs and counts a failure. Nothing else does.
fn log(problem: &Problem) {
    let (kind, status) = (problem.kind.slug(), problem.kind.status());
    metrics::count_problem(kind);
    match (&problem.cause, status) {
        (Some(cause), 500..) => tracing::error!(kind, status, %cause, "the request failed"),
        // The service is busy: there is no cause to log.
        (None, 503) => tracing::warn!(kind, status, detail = %problem.detail, "the request was put off"),
        (None, 500..) => tracing::error!(kind, status, "the request failed"),
        (_, _) => tracing::debug!(kind, status, "the request was refused"),
    }
}

fn answer<B>(problem: &Problem, response: &ServiceResponse<B>, request_id: &str) -> HttpResponse {
    let body = ProblemAnswer {
        r#type: format!("/problems/{}", problem.kind.slug()),
        title: problem.kind.title(),
        status: problem.kind.status(),
        detail: problem.detail.clone(),
        instance: response.request().path().to_owned(),
        request_id: request_id.to_owned(),
        error_count: (problem.errors.count() > 0).then(|| problem.errors.count()),
        errors: problem.errors.listed().to_vec(),
    };
    let mut answer = HttpResponseBuilder::new(problem.status_code());
    copy_headers(&mut answer, response.headers());
    add_headers(&mut answer, problem, response);
    answer.insert_header((header::CACHE_CONTROL, "no-store")).content_type(PROBLEM_MEDIA_TYPE);
    answer.body(serde_json::to_vec(&body).unwrap_or_default())
}

/// Copies the headers that other middleware set, such as those of CORS.
fn copy_headers(answer: &mut HttpResponseBuilder, headers: &HeaderMap) {
    let body_headers = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING];
    for (name, value) in headers.iter().filter(|(name, _)| !body_headers.contains(name)) {
        answer.append_header((name, value));
    }
}

fn add_headers<B>(answer: &mut HttpResponseBuilder, problem: &Problem, response: &ServiceResponse<B>) {
    if let Some(seconds) = problem.retry_after {
        answer.insert_header((header::RETRY_AFTER, seconds));
    }
    match problem.kind {
        Kind::InvalidToken => {
            answer.insert_header((header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#));
        }
        Kind::InsufficientScope => {
            let scope = problem.scope.unwrap_or_default();
            let challenge = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
            answer.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        Kind::MethodNotAllowed => {
            if let Some(contract) = response.request().app_data::<web::Data<Contract>>() {
                answer.insert_header((
                    header::ALLOW,
                    contract.allow(response.request().match_info().as_str()).unwrap_or_default(),
                ));
            }
        }
        // The unread rest of the body would be taken for the next request.
        Kind::TooLarge | Kind::RequestTimeout => {
            answer.force_close();
        }
        _ => {}
    }
}

/// A kind of problem, described.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemKind {
    /// The problem's `type`.
    #[schema(example = "/problems/precondition-failed")]
    pub r#type: String,
    /// The problem's `title`.
    #[schema(example = "The row has changed in the meantime")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 412)]
    pub status: u16,
    /// What it means and what to do about it.
    #[schema(example = "The row has changed since the client read it. Read it again and decide anew.")]
    pub description: &'static str,
}

problem_responses! {
    /// There is no such kind
    UnknownKind = NotFound;
}

/// What a problem's `type` means
///
/// Every failure is a problem (RFC 9457), and its `type` the address of such an explanation.
#[utoipa::path(
    tag = "service", operation_id = "describe_problem",
    params(("kind" = String, Path, description = "The last part of the problem's `type`", example = "invalid-body")),
    responses(
        (status = 200, description = "The kind of problem", body = ProblemKind),
        UnknownKind,
    ),
)]
#[get("/problems/{kind}")]
pub async fn describe(kind: web::Path<String>) -> Result<web::Json<ProblemKind>, Problem> {
    let found = Kind::ALL.iter().find(|known| known.slug() == *kind);
    let kind = found.ok_or_else(|| Problem::not_found("kind of problem"))?;
    Ok(web::Json(ProblemKind {
        r#type: format!("/problems/{}", kind.slug()),
        title: kind.title(),
        status: kind.status(),
        description: kind.description(),
    }))
}
