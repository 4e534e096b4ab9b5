//! `Idempotency-Key`: a request that a client repeats because it never got the answer is carried out once
//! (draft-ietf-httpapi-idempotency-key-header).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::problem::{Kind, Problem};

/// The header's name.
pub const HEADER: &str = "idempotency-key";
/// The header that marks a repeated answer.
pub const REPLAYED: &str = "idempotency-replayed";

/// The maximal length of a key.
const LENGTH: usize = 200;

/// The key of a request, if it has one.
#[derive(Debug)]
pub struct IdempotencyKey(pub Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut sent = request.headers().get_all(HEADER);
        let key = match (sent.next(), sent.next()) {
            (None, _) => Ok(None),
            (Some(key), None) => key.to_str().ok().filter(|key| is_key(key)).map(|key| Some(key.to_owned())).ok_or(()),
            (Some(_), Some(_)) => Err(()),
        };
        ready(key.map(Self).map_err(|()| {
            let detail = format!("Idempotency-Key is not a single key of 1 to {LENGTH} visible ASCII characters.");
            Problem::new(Kind::BadRequest, detail)
        }))
    }
}

fn is_key(text: &str) -> bool {
    (1..=LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `Idempotency-Key`, for the contract; handlers take an [`IdempotencyKey`].
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)]
pub struct IdempotencyHeader {
    /// A key of the client's own making, such as a UUID, new for each report. Sent again while it is remembered, with
    /// the same body, it gets the same answer, and nothing is stored twice. Keys are remembered for 24 hours, unless
    /// whoever runs the service has set another time (`idempotency_hours`).
    #[param(
        rename = "Idempotency-Key",
        required = false,
        min_length = 1,
        max_length = 200,
        pattern = "^[!-~]+$",
        example = "7f9c24e8-3b0a-4f6e-9a1d-2c5b8e7d6f01"
    )]
    idempotency_key: String,
}
