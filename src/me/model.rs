//! What somebody is told about themselves.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::committee::membership::model::{MemberFunction, MemberRole, Seat, Side};
use crate::committee::model::{Committee, CommitteeForm};
use crate::db::types::{Key, RegisterKey};
use crate::http::example::example;
use crate::organisation::model::Unit;
use crate::register::Managed as _;
use crate::text::ShortText;

/// The token's person.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("me")))]
pub struct Me {
    /// The token's subject.
    pub subject: String,
    /// Who vouches for it.
    pub issuer: String,
    /// The municipality that the token speaks for.
    pub municipality: Key,
    /// The scopes that it holds, those included that others bring along.
    pub scopes: Vec<String>,
    /// The day that is told about: today in Denmark.
    pub on: NaiveDate,
    /// The employee that the token's person is; null where the issuer's person claim is no employee's key, or the
    /// employment has ended.
    pub employee: Option<Myself>,
    /// The seats that they hold today.
    pub memberships: Vec<MySeat>,
    /// The committees above their workplace, the nearest first: those that cover their unit, or the nearest unit above
    /// it for which there is one, and on to the top.
    pub chain: Vec<CommitteeAbove>,
}

/// What the register knows of the token's person.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("myself")))]
pub struct Myself {
    /// The employee's key.
    pub key: RegisterKey,
    /// The employee's name.
    pub name: ShortText,
    /// The title at work.
    pub title: Option<ShortText>,
    /// The key of the unit where they work.
    pub unit: Option<RegisterKey>,
    /// Whether they lead people.
    pub has_personnel_responsibility: bool,
}

/// A seat that the token's person holds.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("my_seat")))]
pub struct MySeat {
    /// The membership's key.
    pub membership: RegisterKey,
    /// The committee's key.
    pub committee: RegisterKey,
    /// What they are in the committee.
    pub role: MemberRole,
    /// Whom they represent.
    pub side: Option<Side>,
    /// The function that brings them into it.
    pub function: Option<MemberFunction>,
    /// First day, inclusive.
    pub starts_on: Option<NaiveDate>,
    /// Last day, inclusive.
    pub ends_on: Option<NaiveDate>,
}

impl MySeat {
    /// A seat, seen by whoever holds it.
    pub fn of(seat: Seat) -> Option<Self> {
        let body = seat.membership.body;
        Some(Self {
            membership: body.key,
            committee: body.committee.key()?.clone(),
            role: body.role,
            side: body.side,
            function: body.function,
            starts_on: body.starts_on,
            ends_on: body.ends_on,
        })
    }
}

/// A committee above somebody's workplace.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("committee_above")))]
pub struct CommitteeAbove {
    /// The committee's key.
    pub key: RegisterKey,
    /// The committee's name.
    pub name: ShortText,
    /// The key of its level.
    pub level: Option<RegisterKey>,
    /// In which form it meets.
    pub form: CommitteeForm,
}

/// The committees above a workplace on a day, the nearest first. Work groups are nobody's committee.
pub fn chain(workplace: &RegisterKey, units: &[Unit], committees: &[Committee], on: NaiveDate) -> Vec<CommitteeAbove> {
    let by_key: HashMap<&RegisterKey, &Committee> =
        committees.iter().map(|committee| (&committee.body.key, committee)).collect();
    let counts = |committee: &&Committee| {
        committee.body.date_range().contains(on) && committee.body.form != CommitteeForm::WorkGroup
    };
    // As in the tree: what hangs below a committee that doesn't exist on the day hangs on the next one above.
    let above = |committee: &Committee| -> Option<&Committee> {
        let parent = |committee: &Committee| by_key.get(committee.body.parent.as_ref()?.key()?).copied();
        std::iter::successors(parent(committee), |committee| parent(committee)).find(counts)
    };
    let parents: HashMap<&RegisterKey, &RegisterKey> =
        units.iter().filter_map(|unit| Some((&unit.body.key, unit.body.parent.as_ref()?.key()?))).collect();
    let covering = |unit: &RegisterKey| -> Vec<&Committee> {
        let covers = |committee: &&Committee| committee.body.units.iter().any(|covered| covered.key() == Some(unit));
        committees.iter().filter(counts).filter(covers).collect()
    };
    let mut unit = Some(workplace);
    let mut step = Vec::new();
    while let Some(here) = unit.filter(|_| step.is_empty()) {
        step = covering(here);
        unit = parents.get(here).copied();
    }
    let (mut chain, mut seen) = (Vec::new(), HashSet::new());
    while !step.is_empty() {
        let next: Vec<&Committee> = step.iter().filter_map(|committee| above(committee)).collect();
        for committee in step {
            if seen.insert(committee.id()) {
                chain.push(CommitteeAbove {
                    key: committee.body.key.clone(),
                    name: committee.body.name.clone(),
                    level: committee.body.level.as_ref().and_then(|level| level.key().cloned()),
                    form: committee.body.form,
                });
            }
        }
        step = next;
    }
    chain
}
