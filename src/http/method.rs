//! HEAD, OPTIONS, and requests that no route takes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, Method, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, web};

use super::contract::Contract;
use crate::problem::{Kind, Problem};

/// Middleware: HEAD is GET without a body (RFC 9110, section 9.3.2). The body is dropped here, since the
/// connection forgets what the request was once a client has sent the next one along.
pub async fn head_is_get<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, Withheld>>, Error> {
    if request.method() != Method::HEAD {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    request.head_mut().method = Method::GET;
    let response = next.call(request).await?;
    Ok(response.map_body(|head, body| {
        // The announced body is not sent, so the connection must close.
        head.set_connection_type(ConnectionType::Close);
        EitherBody::right(Withheld(body.size()))
    }))
}

/// A body of which only the size is sent.
pub struct Withheld(BodySize);

impl MessageBody for Withheld {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

/// Answers requests that no route takes: OPTIONS with `Allow`, a known path with 405, any other path with 404.
pub async fn method_not_allowed(request: HttpRequest, contract: web::Data<Contract>) -> Result<HttpResponse, Problem> {
    match contract.allow(request.match_info().as_str()) {
        Some(allow) if request.method() == Method::OPTIONS => {
            Ok(HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish())
        }
        Some(allow) => {
            let detail = format!("This address takes {allow}, and no other method.");
            Err(Problem::new(Kind::MethodNotAllowed, detail))
        }
        None => Err(Problem::new(Kind::NotFound, "Nothing stands at this address; /v1/openapi.json lists what does.")),
    }
}
