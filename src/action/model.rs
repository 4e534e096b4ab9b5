//! What an action is, and the rules that depend only on the action and its strategy's dates.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::change::ChangedFields;
use crate::db::change::EntityKind;
use crate::db::types::{Key, Reference};
use crate::http::example::example;
use crate::period::{self, Period, Span};
use crate::problem::ValidationErrors;
use crate::resource::{self, Body, Entity};
use crate::text::{LongText, ShortText, fold_all};

crate::text_enum! {
    /// What kind of work it is.
    ActionKind {
        /// A discussion in the committee (drøftelse).
        Discussion = "discussion",
        /// A concept, a proposal or guidelines (koncept, oplæg).
        Concept = "concept",
        /// An analysis (analyse, afdækning).
        Analysis = "analysis",
        /// A survey (undersøgelse).
        Survey = "survey",
        /// Interviews or structured talks (interview, samtaler).
        Interview = "interview",
        /// Training (uddannelse).
        Training = "training",
        /// A programme over time (forløb).
        Programme = "programme",
        /// Communication (kommunikation).
        Communication = "communication",
        /// Anything else.
        Other = "other",
    }
}

crate::text_enum! {
    /// How often it is done anew, as an ISO 8601 duration; each calendar period is an occurrence.
    Recurrence {
        /// Every month.
        Monthly = "P1M",
        /// Every quarter.
        Quarterly = "P3M",
        /// Every half-year.
        HalfYearly = "P6M",
        /// Every year.
        Yearly = "P1Y",
        /// Every second year.
        Biennial = "P2Y",
    }
}

impl Recurrence {
    /// The months between two occurrences.
    pub fn months(self) -> u32 {
        match self {
            Self::Monthly => 1,
            Self::Quarterly => 3,
            Self::HalfYearly => 6,
            Self::Yearly => 12,
            Self::Biennial => 24,
        }
    }

    /// The length of the period that names an occurrence. A biennial occurrence is named by the first of its two years.
    pub fn span(self) -> Span {
        match self {
            Self::Monthly => Span::Month,
            Self::Quarterly => Span::Quarter,
            Self::HalfYearly => Span::HalfYear,
            Self::Yearly | Self::Biennial => Span::Year,
        }
    }

    /// The period of the next occurrence.
    pub fn following(self, period: Period) -> Period {
        match self {
            Self::Biennial => period.successor().successor(),
            _ => period.successor(),
        }
    }
}

crate::text_enum! {
    /// What part the addressee plays.
    AudienceRole {
        /// Does it.
        Responsible = "responsible",
        /// Answers for it.
        Accountable = "accountable",
        /// Discusses and improves a draft (kvalificerer).
        Qualifies = "qualifies",
        /// Receives the result.
        Receives = "receives",
    }
}

/// Whom an action is for: a role, and exactly one of `level`, `committee` and `unit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("audience_entry")))]
pub struct AudienceEntry {
    /// What part the addressee plays.
    pub role: AudienceRole,
    /// Every committee at this level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Reference>,
    /// This committee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committee: Option<Reference>,
    /// This unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Reference>,
}

/// A step on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("milestone")))]
pub struct Milestone {
    /// What is to be reached.
    pub title: ShortText,
    /// By when.
    #[serde(default)]
    pub due_on: Option<NaiveDate>,
    /// When it was reached.
    #[serde(default)]
    pub done_on: Option<NaiveDate>,
}

/// Something that a plan wants done (handling).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("action_body")))]
pub struct ActionBody {
    /// Chosen by the client, unique among the focus area's actions, or the committee's; never changes.
    pub key: Key,
    /// The number that the plan gives it.
    #[serde(default)]
    pub number: Option<ShortText>,
    /// What it is called.
    pub title: ShortText,
    /// What the plan says about it.
    #[serde(default)]
    pub text: Option<LongText>,
    /// What kind of work it is.
    pub kind: ActionKind,
    /// Whom it is for.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub audience: Vec<AudienceEntry>,
    /// How often it is done anew; none = once.
    #[serde(default)]
    pub recurrence: Option<Recurrence>,
    /// First day; none = the strategy's.
    #[serde(default)]
    pub starts_on: Option<NaiveDate>,
    /// The day by which it is done; none = the strategy's last.
    #[serde(default)]
    pub due_on: Option<NaiveDate>,
    /// The actions that come first; references without a cycle.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub after: Vec<Reference>,
    /// Whether committees are invited to start local actions of their own from it.
    #[serde(default)]
    pub invites_local: bool,
    /// The day from which it is no longer pursued.
    #[serde(default)]
    pub cancelled_on: Option<NaiveDate>,
    /// Why it was cancelled.
    #[serde(default)]
    pub cancelled_reason: Option<LongText>,
    /// Steps on the way.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub milestones: Vec<Milestone>,
    /// Of a local action: the committee that started it, and has to do it. It never changes. None in a plan.
    #[serde(default)]
    pub committee: Option<Reference>,
    /// Of a local action: the plan's action that inspired it. None in a plan.
    #[serde(default)]
    pub parent: Option<Reference>,
}

/// An action as it is stored.
pub type Action = Entity<ActionBody>;

impl Body for ActionBody {
    const ENTITY: EntityKind = EntityKind::Action;
    const ANSWER: &'static str = "Action";
    const PATH_EXAMPLE: Option<&'static str> = Some("med-plan-2025-2028/trivsel/droeft-trivsel");
    type Key = Key;

    fn key(&self) -> &Key {
        &self.key
    }

    fn changed_fields(&self, before: &Self) -> ChangedFields {
        let dates = |body: &Self| (body.starts_on, body.due_on, body.cancelled_on);
        ChangedFields {
            dates: dates(self) != dates(before),
            recurrence: self.recurrence != before.recurrence,
            ..ChangedFields::default()
        }
    }
}

impl ActionBody {
    /// The rules for one action of a plan, in a strategy that starts on `strategy_starts_on`.
    pub fn check_planned(&self, strategy_starts_on: Option<NaiveDate>, pointer: &str, errors: &mut ValidationErrors) {
        self.check(strategy_starts_on, pointer, errors);
        for (name, reference) in [("committee", &self.committee), ("parent", &self.parent)] {
            if reference.is_some() {
                let detail = "stands in local actions alone: leave it out, or POST to /v1/committees/{id}/actions";
                errors.add(format!("{pointer}/{name}"), detail);
            }
        }
    }

    /// The rules for one local action, inspired by one of a strategy that starts on `strategy_starts_on`.
    pub fn check_local(&self, strategy_starts_on: Option<NaiveDate>, pointer: &str, errors: &mut ValidationErrors) {
        self.check(strategy_starts_on, pointer, errors);
        let is_filled = [
            ("audience", !self.audience.is_empty()),
            ("after", !self.after.is_empty()),
            ("invites_local", self.invites_local),
        ];
        for (name, _) in is_filled.into_iter().filter(|(_, is_filled)| *is_filled) {
            let detail = "has no place in a local action, which is its committee's alone: leave it out";
            errors.add(format!("{pointer}/{name}"), detail);
        }
    }

    fn check(&self, strategy_starts_on: Option<NaiveDate>, pointer: &str, errors: &mut ValidationErrors) {
        resource::check_order(("starts_on", self.starts_on), ("due_on", self.due_on), pointer, errors);
        if self.recurrence.is_some() && self.starts_on.or(strategy_starts_on).is_none() {
            errors.add(
                format!("{pointer}/recurrence"),
                "needs a first day to count from: give the action or its strategy a starts_on",
            );
        }
        if self.cancelled_reason.is_some() && self.cancelled_on.is_none() {
            errors.add(format!("{pointer}/cancelled_reason"), "needs cancelled_on, the day of the cancellation");
        }
        let first = self.starts_on.or(strategy_starts_on);
        if self.recurrence.is_some() && first.is_some_and(|first| first < period::earliest()) {
            let detail =
                format!("what recurs begins no earlier than {}: give it a later starts_on", period::earliest());
            let at = if self.starts_on.is_some() { "starts_on" } else { "recurrence" };
            errors.add(format!("{pointer}/{at}"), detail);
        }
        for (n, entry) in self.audience.iter().enumerate() {
            let named = [&entry.level, &entry.committee, &entry.unit].into_iter().flatten().count();
            if named != 1 {
                errors.add(format!("{pointer}/audience/{n}"), "names exactly one of level, committee and unit");
            }
        }
    }

    /// No addressee may have the same role twice. Call it once references are resolved to keys.
    pub fn check_audience_distinct(&self, pointer: &str, errors: &mut ValidationErrors) {
        let mut seen = HashSet::new();
        for (n, entry) in self.audience.iter().enumerate() {
            if !seen.insert((entry.role, &entry.level, &entry.committee, &entry.unit)) {
                errors.add(format!("{pointer}/audience/{n}"), "stands here twice with the same role");
            }
        }
    }

    /// The text that a search for actions looks through.
    pub fn search_text(&self) -> String {
        fold_all([
            Some(self.title.as_str()),
            self.number.as_ref().map(ShortText::as_str),
            self.text.as_ref().map(LongText::as_str),
            Some(self.key.as_str()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(action: serde_json::Value, strategy_starts_on: Option<&str>) -> Vec<String> {
        let mut body = serde_json::json!({"key": "a", "title": "A", "kind": "discussion"});
        body.as_object_mut().unwrap().extend(action.as_object().unwrap().clone());
        let mut errors = ValidationErrors::default();
        let starts_on = strategy_starts_on.map(|day| day.parse().unwrap());
        serde_json::from_value::<ActionBody>(body).unwrap().check_planned(starts_on, "", &mut errors);
        errors.listed().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn what_recurs_needs_a_first_day() {
        let monthly = serde_json::json!({"recurrence": "P1M"});
        assert_eq!(errors(monthly.clone(), None), ["/recurrence"]);
        assert!(errors(monthly, Some("2025-01-01")).is_empty());
        assert!(errors(serde_json::json!({"recurrence": "P1M", "starts_on": "2025-01-01"}), None).is_empty());
    }

    #[test]
    fn an_audience_entry_names_exactly_one_addressee() {
        let audience = serde_json::json!({"audience": [
            {"role": "responsible"},
            {"role": "responsible", "level": "a", "unit": "b"},
            {"role": "receives", "committee": "c"},
        ]});
        assert_eq!(errors(audience, None), ["/audience/0", "/audience/1"]);
    }

    #[test]
    fn dates_stand_in_order_and_a_reason_needs_a_day() {
        let crossed = serde_json::json!({"starts_on": "2025-02-01", "due_on": "2025-01-31", "cancelled_reason": "x"});
        assert_eq!(errors(crossed, None), ["/due_on", "/cancelled_reason"]);
    }
}
