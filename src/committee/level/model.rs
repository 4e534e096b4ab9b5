//! What a level is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::change::EntityKind;
use crate::db::types::Key;
use crate::http::example::example;
use crate::resource::{Body, Entity};
use crate::text::ShortText;

/// A rank in the committee tree (MED-niveau), named by the municipality.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("level_body")))]
pub struct LevelBody {
    /// Chosen by the client, unique among the municipality's levels; never changes.
    pub key: Key,
    /// The level's name.
    pub name: ShortText,
    /// 1 is the top.
    #[schema(minimum = 1, maximum = 100)]
    pub rank: i32,
    /// Workplaces with fewer employees than this hold staff meetings (personalemøder) in place of a committee.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub staff_meeting_below: Option<i32>,
}

/// A level as it is stored.
pub type Level = Entity<LevelBody>;

impl Body for LevelBody {
    const ENTITY: EntityKind = EntityKind::Level;
    const ANSWER: &'static str = "Level";
    type Key = Key;

    fn key(&self) -> &Key {
        &self.key
    }
}
