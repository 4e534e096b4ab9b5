//! The whole tree of committees, nested.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Committee, CommitteeForm};
use crate::db::types::{Id, RegisterKey};
use crate::http::example::example;
use crate::register::Managed as _;

/// The committees of a day.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CommitteeTree {
    /// The day that is told about.
    #[schema(example = "2026-01-01")]
    pub on: NaiveDate,
    /// The committees at the top, in the order of their keys.
    pub committees: Vec<CommitteeNode>,
}

/// A committee and those below it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("committee_node")))]
pub struct CommitteeNode {
    /// The committee's id.
    pub id: Id,
    /// The committee's key.
    pub key: RegisterKey,
    /// The committee's name.
    pub name: crate::text::ShortText,
    /// The key of its level; none for work groups.
    pub level: Option<RegisterKey>,
    /// In which form it meets.
    pub form: CommitteeForm,
    /// The committees right below it, in the order of their keys.
    #[schema(no_recursion)]
    pub children: Vec<CommitteeNode>,
}

impl CommitteeTree {
    /// The tree of those `committees`, sorted by key, that exist on a day. Whose parent doesn't, hangs below
    /// the nearest committee above it that does.
    pub fn of(committees: Vec<Committee>, on: NaiveDate) -> Self {
        let keys: HashMap<RegisterKey, usize> =
            committees.iter().enumerate().map(|(n, committee)| (committee.body.key.clone(), n)).collect();
        let parent = |n: usize| -> Option<usize> {
            committees[n].body.parent.as_ref().and_then(|parent| keys.get(parent.key()?).copied())
        };
        let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
        for n in (0..committees.len()).filter(|n| committees[*n].body.date_range().contains(on)) {
            let mut above = parent(n);
            while let Some(place) = above.filter(|place| !committees[*place].body.date_range().contains(on)) {
                above = parent(place);
            }
            children.entry(above).or_default().push(n);
        }
        Self { on, committees: nodes(None, &committees, &children) }
    }
}

fn nodes(
    parent: Option<usize>,
    committees: &[Committee],
    children: &HashMap<Option<usize>, Vec<usize>>,
) -> Vec<CommitteeNode> {
    let node = |n: &usize| {
        let Committee { identity, body, .. } = &committees[*n];
        CommitteeNode {
            id: identity.id,
            key: body.key.clone(),
            name: body.name.clone(),
            level: body.level.as_ref().and_then(|level| level.key().cloned()),
            form: body.form,
            children: nodes(Some(*n), committees, children),
        }
    };
    children.get(&parent).into_iter().flatten().map(node).collect()
}
