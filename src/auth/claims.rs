//! The claims of tokens, and their configurable names.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The claims of a token.
pub type Claims = Map<String, Value>;

/// The names of the claims that this service reads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimNames {
    /// The municipality's key.
    pub municipality: String,
    /// Claims with scopes: strings with spaces, or arrays. Several claims are added up.
    pub scopes: Vec<String>,
    /// Claim with the key of the token's employee.
    pub person: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            municipality: "municipality".into(),
            scopes: vec!["scope".into(), "scp".into(), "roles".into()],
            person: "sub".into(),
        }
    }
}

/// Claims that a token must have, each with its accepted values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct RequiredClaims(BTreeMap<String, Vec<String>>);

impl RequiredClaims {
    /// The first claim without any accepted value, which is a wrong setting.
    pub fn without_values(&self) -> Option<&str> {
        self.0.iter().find(|(_, accepted)| accepted.is_empty()).map(|(name, _)| name.as_str())
    }

    /// The first claim that `claims` lack or that has another value.
    pub fn missing_in(&self, claims: &Claims) -> Option<&str> {
        let holds = |name: &str, accepted: &[String]| {
            let is_accepted = |value: &Value| value.as_str().is_some_and(|value| accepted.iter().any(|a| a == value));
            match claim(claims, name) {
                Some(Value::Array(values)) => values.iter().any(is_accepted),
                Some(value) => is_accepted(value),
                None => false,
            }
        };
        self.0.iter().find(|(name, accepted)| !holds(name, accepted)).map(|(name, _)| name.as_str())
    }
}

/// Finds a claim: first by the literal name, since names may be URLs with dots, then as a path such as
/// `realm_access.roles`.
pub fn claim<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    let along = |(dot, _): (usize, &str)| claim(claims.get(&name[..dot])?.as_object()?, &name[dot + 1..]);
    claims.get(name).or_else(|| name.match_indices('.').find_map(along))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_name_is_literal_first_and_then_a_path() {
        let claims = claims(json!({
            "realm_access": {"roles": ["nested"]},
            "https://nyby.example/roles": "address",
            "a.b": "literal",
            "a": {"b": "nested", "c.d": {"e": "dots within"}},
            "text": "no object",
        }));
        let found = |name: &str| claim(&claims, name).cloned();
        assert_eq!(found("realm_access.roles"), Some(json!(["nested"])));
        assert_eq!(found("https://nyby.example/roles"), Some(json!("address")));
        assert_eq!(found("a.b"), Some(json!("literal")));
        assert_eq!(found("a.c.d.e"), Some(json!("dots within")));
        for absent in ["text.length", "realm_access.", ".roles", "realm_access.roles.0", "", "."] {
            assert_eq!(found(absent), None, "{absent}");
        }
    }

    #[test]
    fn a_required_claim_must_have_an_accepted_value() {
        let required: RequiredClaims =
            serde_json::from_value(json!({"tid": ["t-1", "t-2"], "realm_access.roles": ["med"]})).unwrap();
        let missing = |value: Value| required.missing_in(&claims(value)).map(ToOwned::to_owned);
        assert_eq!(missing(json!({"tid": "t-2", "realm_access": {"roles": ["other", "med"]}})), None);
        assert_eq!(missing(json!({"tid": "t-3", "realm_access": {"roles": ["med"]}})).unwrap(), "tid");
        assert_eq!(missing(json!({"tid": "t-1"})).unwrap(), "realm_access.roles");
        assert_eq!(missing(json!({"tid": 1, "realm_access": {"roles": "med"}})).unwrap(), "tid");
        assert_eq!(required.without_values(), None);
    }
}
