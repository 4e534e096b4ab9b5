//! Who is calling.

use super::scope::ScopeSet;
use crate::db::Principal;

/// Who calls, and what their token allows.
#[derive(Debug, Clone)]
pub struct Caller {
    /// For whom, and for which municipality.
    pub principal: Principal,
    /// What the token holds.
    pub scopes: ScopeSet,
}
