//! Guards: extractors in a handler's signature that let only permitted callers through.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::{Either, LocalBoxFuture};

use super::caller::Caller;
use super::issuer::{Attempt, Issuers};
use super::scope::Scope;
use crate::http::rate_limit::RateLimits;
use crate::problem::{Kind, Problem, Result};

/// A permission. Any one of its scopes is enough.
pub trait Permission {
    /// The scopes, the most common one first.
    const SCOPES: &'static [Scope];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = [$($scope:ident),+];)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl Permission for $name {
                const SCOPES: &'static [Scope] = &[$(Scope::$scope),+];
            }
        )*
    };
}

permissions! {
    /// Reads data about the caller.
    Anyone = [Read, Progress, Report, Edit, Measure, Hr, Audit];
    /// Reads strategies and their parts.
    Read = [Read];
    /// Reads the organisation.
    ReadOrganisation = [Read, Hr];
    /// Changes strategies, actions and levels.
    Edit = [Edit];
    /// Reports, and creates local actions. For which committees and units is checked in the service.
    Report = [Report, Edit];
    /// Reads progress.
    ReadProgress = [Progress];
    /// Reads indicators and their values. Holders of `med.measure` see hidden values too.
    ReadIndicators = [Read, Measure];
    /// Writes values of indicators and benchmarks.
    Measure = [Measure];
    /// Changes units and committees.
    EditOrganisation = [Edit, Hr];
    /// Reads and changes employees.
    People = [Hr];
    /// Reads the logs.
    Audit = [Audit];
    /// Changes settings, imports and exports.
    Administer = [Admin];
}

/// The guard: a handler with this parameter is reached only by callers with the permission.
#[derive(Debug)]
pub struct May<P> {
    caller: Caller,
    permission: PhantomData<P>,
}

impl<P> Deref for May<P> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<P: Permission + 'static> FromRequest for May<P> {
    type Error = Problem;
    /// Ready at once, except for a token whose key has to be fetched first.
    type Future = Either<Ready<Result<Self>>, LocalBoxFuture<'static, Result<Self>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (issuers, token) = match issuers_and_token(request) {
            Ok(found) => found,
            Err(problem) => return Either::Left(ready(Err(problem))),
        };
        match issuers.attempt(token) {
            Attempt::Done(caller) => Either::Left(ready(caller.and_then(|caller| Self::permit(request, caller)))),
            Attempt::Awaits(..) => {
                let (issuers, token, request) = (issuers.clone(), token.to_owned(), request.clone());
                Either::Right(Box::pin(async move { Self::permit(&request, issuers.authenticate(&token).await?) }))
            }
        }
    }
}

impl<P: Permission> May<P> {
    fn permit(request: &HttpRequest, caller: Caller) -> Result<Self> {
        if let Some(limits) = request.app_data::<web::Data<RateLimits>>() {
            limits.count_subject(request, &caller.principal)?;
        }
        if P::SCOPES.iter().any(|scope| caller.scopes.holds(*scope)) {
            Ok(Self { caller, permission: PhantomData })
        } else {
            Err(missing_scope(P::SCOPES))
        }
    }
}

/// The problem for a caller without any of `scopes`.
pub fn missing_scope(scopes: &[Scope]) -> Problem {
    let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let detail = format!("The token does not hold the scope {}.", names.join(" or "));
    Problem { scope: names.first().copied(), ..Problem::new(Kind::InsufficientScope, detail) }
}

fn issuers_and_token(request: &HttpRequest) -> Result<(&web::Data<Issuers>, &str)> {
    let issuers =
        request.app_data::<web::Data<Issuers>>().ok_or_else(|| Problem::internal("the app has no issuers"))?;
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        // The scheme is case-insensitive (RFC 9110, section 11.1).
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = token.ok_or_else(|| {
        Problem::new(Kind::InvalidToken, "Send a token in the header 'Authorization: Bearer <token>'.")
    })?;
    Ok((issuers, token))
}
