//! The whole tree of committees, nested.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Committee, CommitteeForm};
use crate::db::types::{Id, RegisterKey};
use crate::forest::Forest;
use crate::http::example::example;
use crate::register::Managed as _;

/// The committees of a day.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CommitteeTree {
    /// The day of which the answer speaks.
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
    /// The tree of those `committees`, sorted by key, that exist on a day. A committee whose parent doesn't exist then
    /// stands below the nearest one above that does.
    pub fn new(committees: &[Committee], on: NaiveDate) -> Self {
        let by_key: HashMap<&RegisterKey, &Committee> =
            committees.iter().map(|committee| (&committee.body.key, committee)).collect();
        let link = |committee: &'_ Committee| {
            let parent = committee.body.parent.as_ref().and_then(|parent| parent.key()).cloned();
            (committee.id(), parent.and_then(|key| by_key.get(&key)).map(|parent| parent.id()))
        };
        let links: Vec<(Id, Option<Id>)> = committees.iter().map(link).collect();
        let by_id: HashMap<Id, &Committee> = committees.iter().map(|committee| (committee.id(), committee)).collect();
        let forest = Forest::of_those(&links, |id| {
            by_id.get(&id).is_some_and(|committee| committee.body.date_range().contains(on))
        });
        Self { on, committees: nodes(forest.roots(), &forest, &by_id) }
    }
}

fn nodes(ids: &[Id], forest: &Forest<Id>, committees: &HashMap<Id, &Committee>) -> Vec<CommitteeNode> {
    let node = |id: &Id| {
        let body = &committees.get(id)?.body;
        Some(CommitteeNode {
            id: *id,
            key: body.key.clone(),
            name: body.name.clone(),
            level: body.level.as_ref().and_then(|level| level.key().cloned()),
            form: body.form,
            children: nodes(forest.children(*id), forest, committees),
        })
    };
    ids.iter().filter_map(node).collect()
}
