//! HEAD, OPTIONS, and what no route takes.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, web};

use super::contract::Contract;
use crate::problem::{Kind, Problem};

/// Middleware: HEAD is GET without a body (RFC 9110, section 9.3.2). The connection knows that the
/// request was HEAD and keeps the body back.
pub async fn head_is_get<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await
}

/// Answers what no route takes: OPTIONS with `Allow`, a known path with 405, any other with 404.
pub async fn otherwise(request: HttpRequest, contract: web::Data<Contract>) -> Result<HttpResponse, Problem> {
    match contract.allow(request.path()) {
        Some(allow) if request.method() == Method::OPTIONS => {
            Ok(HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish())
        }
        Some(allow) => {
            let detail = format!("This address takes {allow}, not {}.", request.method());
            Err(Problem::new(Kind::MethodNotAllowed, detail))
        }
        None => Err(Problem::new(Kind::NotFound, "Nothing stands at this address; /v1/openapi.json lists what does.")),
    }
}
