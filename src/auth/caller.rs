//! The caller of a request.

use super::scope::ScopeSet;
use crate::db::Principal;

/// The caller of a request, and what their token allows.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The subject, and the municipality that the token speaks for.
    pub principal: Principal,
    /// The key of the caller's employee, according to the issuer's person claim.
    pub person: Option<String>,
    /// The token's scopes.
    pub scopes: ScopeSet,
}
