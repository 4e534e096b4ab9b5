//! Scopes: what a token may allow.

use std::fmt;
use std::str::FromStr;

macro_rules! scopes {
    ($($(#[$doc:meta])* $scope:ident = $name:literal,)*) => {
        /// A permission that a token can hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Scope { $($(#[$doc])* $scope,)* }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Scope] = &[$(Scope::$scope,)*];

            /// Its name in tokens.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$scope => $name,)* }
            }
        }
    };
}

scopes! {
    /// Progress and its pictures: figures and labels only.
    Progress = "med.progress",
    /// Strategies, levels, units, committees, actions, reports, indicators.
    Read = "med.read",
    /// Reports and local actions of the token's person.
    Report = "med.report",
    /// Strategies, actions, levels, committees, memberships, editor-managed units.
    Edit = "med.edit",
    /// Indicator and benchmark values.
    Measure = "med.measure",
    /// Employees, units, committees, memberships.
    Hr = "med.hr",
    /// The change log and the access log.
    Audit = "med.audit",
    /// Settings, import and export; every other scope but `med.audit`.
    Admin = "med.admin",
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().find(|scope| scope.as_str() == name).copied().ok_or(())
    }
}

/// The scopes of a token, including those that others include.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeSet(Vec<Scope>);

impl ScopeSet {
    /// Whether the set holds the scope.
    pub fn holds(&self, scope: Scope) -> bool {
        self.0.iter().any(|held| {
            *held == scope
                || matches!((held, scope), (Scope::Read, Scope::Progress))
                || (*held == Scope::Admin && scope != Scope::Audit)
        })
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_includes_itself_with_two_exceptions() {
        for held in Scope::ALL {
            let set = ScopeSet::from_iter([*held]);
            for wanted in Scope::ALL {
                let included = match (held, wanted) {
                    (Scope::Read, Scope::Progress) => true,
                    (Scope::Admin, wanted) => *wanted != Scope::Audit,
                    (held, wanted) => held == wanted,
                };
                assert_eq!(set.holds(*wanted), included, "{held} {wanted}");
            }
        }
    }
}
