//! What a bundle holds, and what an import answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::action::model::ActionBody;
use crate::action::report::model::BundledReport;
use crate::committee::level::model::LevelBody;
use crate::committee::membership::model::MembershipBody;
use crate::committee::model::CommitteeBody;
use crate::indicator::model::IndicatorBody;
use crate::indicator::value::bundled::BundledSeries;
use crate::indicator::value::model::ValueCounts;
use crate::municipality::model::MunicipalityBody;
use crate::organisation::employee::model::EmployeeBody;
use crate::organisation::model::UnitBody;
use crate::resource::Counts;
use crate::strategy::model::StrategyBody;

/// A municipality in one file. Rows refer to each other by key, in any order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Bundle {
    /// Whose bundle it is.
    pub municipality: MunicipalityBody,
    /// The levels of its committee tree.
    #[serde(default)]
    pub levels: Vec<LevelBody>,
    /// Its units.
    #[serde(default)]
    pub units: Vec<UnitBody>,
    /// Its committees.
    #[serde(default)]
    pub committees: Vec<CommitteeBody>,
    /// Its strategies, whole.
    #[serde(default)]
    pub strategies: Vec<StrategyBody>,
    /// What is measured.
    #[serde(default)]
    pub indicators: Vec<IndicatorBody>,
    /// Its employees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub employees: Vec<EmployeeBody>,
    /// Who sits in its committees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memberships: Vec<MembershipBody>,
    /// The actions that its committees started by themselves; each names its committee.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local_actions: Vec<ActionBody>,
    /// What was reported, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<BundledReport>,
    /// The values of its indicators, series by series. An export holds them where it is asked to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<BundledSeries>,
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportAnswer {
    /// The municipality's own fields.
    pub municipality: Counts,
    /// Levels.
    pub levels: Counts,
    /// Units.
    pub units: Counts,
    /// Employees.
    pub employees: Counts,
    /// Committees.
    pub committees: Counts,
    /// Memberships.
    pub memberships: Counts,
    /// Strategies; one counts as updated when any of its parts changed.
    pub strategies: Counts,
    /// Focus areas; one counts as updated when any of its parts changed.
    pub focus_areas: Counts,
    /// Objectives.
    pub objectives: Counts,
    /// Actions of plans.
    pub actions: Counts,
    /// Local actions.
    pub local_actions: Counts,
    /// Reports; those that are kept already are unchanged, and none is ever updated.
    pub reports: Counts,
    /// Indicators.
    pub indicators: Counts,
    /// Values of indicators and benchmarks.
    pub values: ValueCounts,
}
