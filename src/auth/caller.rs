//! Who is calling.

use super::scope::ScopeSet;
use crate::db::Principal;

/// Who calls, and what their token allows.
#[derive(Debug, Clone)]
pub struct Caller {
    /// For whom, and for which municipality.
    pub principal: Principal,
    /// What its issuer says that the person is called here: an employee's key.
    pub person: Option<String>,
    /// What the token holds.
    pub scopes: ScopeSet,
}
