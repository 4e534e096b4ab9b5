//! What strategies, focus areas and objectives are.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::action::model::{Action, ActionBody};
use crate::db::change::ChangedFields;
use crate::db::change::EntityKind;
use crate::db::types::{Key, Reference};
use crate::http::example::example;
use crate::period::Period;
use crate::problem::ValidationErrors;
use crate::resource::{self, Body, Entity};
use crate::text::{LongText, ShortText, fold_all};

crate::text_enum! {
    /// What the document calls itself.
    StrategyKind {
        /// A strategy.
        Strategy = "strategy",
        /// A plan.
        Plan = "plan",
        /// A set of principles.
        Principles = "principles",
    }
}

crate::text_enum! {
    /// How far the document itself is.
    StrategyStatus {
        /// Being written (kladde).
        Draft = "draft",
        /// Adopted, in force in its period (vedtaget).
        Adopted = "adopted",
        /// Over (afsluttet).
        Closed = "closed",
    }
}

crate::text_enum! {
    /// What kind of objective it is.
    ObjectiveKind {
        /// A goal (målsætning).
        Goal = "goal",
        /// A sub-goal (delmål).
        SubGoal = "sub_goal",
        /// An aim (sigtepunkt).
        Aim = "aim",
        /// A commitment ("det vil vi").
        Commitment = "commitment",
        /// A principle ("vi ...").
        Principle = "principle",
    }
}

/// A titled text beside a strategy or focus area (faktaboks).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("explainer")))]
pub struct Explainer {
    /// Its heading.
    pub title: ShortText,
    /// Its text.
    pub body: LongText,
}

/// Where the wording comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("source")))]
pub struct Source {
    /// The document's name.
    pub name: ShortText,
    /// What to know about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<LongText>,
}

/// A strategy's own fields, without its focus areas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("strategy_fields")))]
pub struct StrategyFields {
    /// Chosen by the client, unique among the municipality's strategies; never changes.
    pub key: Key,
    /// What it is called.
    pub title: ShortText,
    /// A motto.
    #[serde(default)]
    pub headline: Option<ShortText>,
    /// What the document calls itself.
    pub kind: StrategyKind,
    /// How far the document itself is.
    pub status: StrategyStatus,
    /// First day, inclusive.
    #[serde(default)]
    pub starts_on: Option<NaiveDate>,
    /// Last day, inclusive.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
    /// The period in words, where the document gives no dates.
    #[serde(default)]
    pub period_note: Option<ShortText>,
    /// The committee that adopted it.
    #[serde(default)]
    pub adopted_by: Option<Reference>,
    /// When it was adopted, as precisely as is known.
    #[serde(default)]
    pub adopted_in: Option<Period>,
    /// When or how it was adopted, in words.
    #[serde(default)]
    pub adopted_note: Option<ShortText>,
    /// The strategy that it follows; without a cycle.
    #[serde(default)]
    pub predecessor: Option<Reference>,
    /// Where the municipality wants to be.
    #[serde(default)]
    pub vision: Option<LongText>,
    /// What the strategy is for.
    #[serde(default)]
    pub purpose: Option<LongText>,
    /// What it builds on.
    #[serde(default)]
    pub background: Option<LongText>,
    /// Which agreements and laws it fulfils.
    #[serde(default)]
    pub legal_basis: Option<LongText>,
    /// When and how it is adjusted.
    #[serde(default)]
    pub review_note: Option<LongText>,
    /// Where the wording comes from.
    #[serde(default)]
    pub source: Option<Source>,
    /// Titled texts beside the strategy.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub explainers: Vec<Explainer>,
}

/// A focus area's own fields, without its objectives and actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("focus_area_fields")))]
pub struct FocusAreaFields {
    /// Chosen by the client, unique among the strategy's focus areas; never changes.
    pub key: Key,
    /// The number that the strategy gives it.
    #[serde(default)]
    pub number: Option<ShortText>,
    /// What it is called.
    pub title: ShortText,
    /// What stands below the title.
    #[serde(default)]
    pub subtitle: Option<ShortText>,
    /// Where the municipality wants to be.
    #[serde(default)]
    pub vision: Option<LongText>,
    /// Why it matters.
    #[serde(default)]
    pub context: Option<LongText>,
    /// How it is followed up.
    #[serde(default)]
    pub follow_up: Option<LongText>,
    /// The focus areas of other strategies that it carries on: `strategy/area`, or UUIDs.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub continues: Vec<Reference>,
    /// Titled texts beside the focus area.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub explainers: Vec<Explainer>,
}

/// Something that a focus area is to reach (målsætning, delmål, sigtepunkt).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("objective_body")))]
pub struct ObjectiveBody {
    /// Chosen by the client, unique among the focus area's objectives; never changes.
    pub key: Key,
    /// What kind of objective it is.
    pub kind: ObjectiveKind,
    /// What is to be reached.
    pub text: LongText,
    /// How one will know.
    #[serde(default)]
    pub evidence: Option<LongText>,
    /// The objective elsewhere in the strategy that says the same. Stated on one side, answered on
    /// both; an objective has one counterpart at most.
    #[serde(default)]
    pub counterpart: Option<Reference>,
}

/// A focus area with its objectives and actions, as clients write it. The order in the arrays is
/// the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FocusAreaBody {
    /// Its own fields.
    #[serde(flatten)]
    pub fields: FocusAreaFields,
    /// What it is to reach.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub objectives: Vec<ObjectiveBody>,
    /// What is to be done.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub actions: Vec<ActionBody>,
}

/// A strategy with all of its parts, as clients write it. The order in the arrays is the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StrategyBody {
    /// Its own fields.
    #[serde(flatten)]
    pub fields: StrategyFields,
    /// What it concentrates on.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub focus_areas: Vec<FocusAreaBody>,
}

/// An objective as it is stored.
pub type Objective = Entity<ObjectiveBody>;

/// A focus area without its parts.
pub type FocusAreaSummary = Entity<FocusAreaFields>;

/// A strategy without its parts, as lists show it.
pub type StrategySummary = Entity<StrategyFields>;

/// A focus area with its parts. Its version covers them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FocusArea {
    /// Its own fields.
    #[serde(flatten)]
    pub own: FocusAreaSummary,
    /// What it is to reach.
    pub objectives: Vec<Objective>,
    /// What is to be done.
    pub actions: Vec<Action>,
}

/// A strategy with all of its parts. Its version covers them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Strategy {
    /// Its own fields.
    #[serde(flatten)]
    pub own: StrategySummary,
    /// What it concentrates on.
    pub focus_areas: Vec<FocusArea>,
}

impl Body for StrategyFields {
    const ENTITY: EntityKind = EntityKind::Strategy;
    const ANSWER: &'static str = "StrategySummary";
    type Key = Key;

    fn key(&self) -> &Key {
        &self.key
    }

    fn changed_fields(&self, before: &Self) -> ChangedFields {
        let dates = (self.starts_on, self.ends_on) != (before.starts_on, before.ends_on);
        ChangedFields { dates, ..ChangedFields::default() }
    }
}

impl Body for FocusAreaFields {
    const ENTITY: EntityKind = EntityKind::FocusArea;
    const ANSWER: &'static str = "FocusAreaSummary";
    const PATH_EXAMPLE: Option<&'static str> = Some("med-plan-2025-2028/trivsel");
    type Key = Key;

    fn key(&self) -> &Key {
        &self.key
    }
}

impl Body for ObjectiveBody {
    const ENTITY: EntityKind = EntityKind::Objective;
    const ANSWER: &'static str = "Objective";
    const PATH_EXAMPLE: Option<&'static str> = Some("med-plan-2025-2028/trivsel/faerre-sygedage");
    type Key = Key;

    fn key(&self) -> &Key {
        &self.key
    }
}

impl StrategyFields {
    /// The rules for a strategy's own fields.
    pub fn check(&self, pointer: &str, errors: &mut ValidationErrors) {
        resource::check_order(("starts_on", self.starts_on), ("ends_on", self.ends_on), pointer, errors);
    }

    /// What a search for strategies looks through.
    pub fn search_text(&self) -> String {
        let headline = self.headline.as_ref().map(ShortText::as_str);
        fold_all([Some(self.title.as_str()), headline, Some(self.key.as_str())])
    }
}

/// The most parts of one kind in one place; the schemas say the same, but parts also come one by one.
pub const MOST_PARTS: usize = 500;

fn check_size<P>(parts: &[P], pointer: &str, errors: &mut ValidationErrors) {
    if parts.len() > MOST_PARTS {
        errors.add(pointer, format!("has {} items, and at most {MOST_PARTS} have a place here", parts.len()));
    }
}

impl StrategyBody {
    /// The rules that need nothing but the tree itself.
    pub fn check(&self, pointer: &str, errors: &mut ValidationErrors) {
        self.fields.check(pointer, errors);
        check_size(&self.focus_areas, &format!("{pointer}/focus_areas"), errors);
        let area_at = |n: usize| format!("{pointer}/focus_areas/{n}");
        let areas = || self.focus_areas.iter().enumerate();
        resource::check_duplicate_keys(areas().map(|(n, area)| (area_at(n), &area.fields.key)), errors);
        for (n, area) in areas() {
            let at = area_at(n);
            check_size(&area.objectives, &format!("{at}/objectives"), errors);
            check_size(&area.actions, &format!("{at}/actions"), errors);
            let objectives = area.objectives.iter().enumerate();
            resource::check_duplicate_keys(
                objectives.map(|(n, objective)| (format!("{at}/objectives/{n}"), &objective.key)),
                errors,
            );
            let actions = || area.actions.iter().enumerate().map(|(n, action)| (format!("{at}/actions/{n}"), action));
            resource::check_duplicate_keys(actions().map(|(at, action)| (at, &action.key)), errors);
            actions().for_each(|(at, action)| action.check_planned(self.fields.starts_on, &at, errors));
        }
    }
}
