//! Verdicts on the targets of indicators, counted for the parts of a plan.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::Tenant;
use crate::db::types::{Id, Reference};
use crate::indicator::model::Indicator;
use crate::indicator::store::{self as indicators, Filter};
use crate::indicator::verdict::{Verdict, VerdictKind, service};
use crate::problem::Result;

/// The targets of indicators, counted by verdict, as every reader sees them: hidden values count as no data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct VerdictCounts {
    /// Their period is over, and they were met.
    #[schema(example = 3)]
    pub met: u64,
    /// Their period is over, and they were not met.
    #[schema(example = 1)]
    pub missed: u64,
    /// The latest value is where an even course has it by now, or meets the target.
    #[schema(example = 4)]
    pub on_course: u64,
    /// The latest value is not there.
    #[schema(example = 2)]
    pub off_course: u64,
    /// They aren't met, and it is too early to say whether they will be, or no date is set.
    #[schema(example = 1)]
    pub open: u64,
    /// What it takes isn't there, or is hidden.
    #[schema(example = 2)]
    pub no_data: u64,
    /// The number is still to be decided.
    #[schema(example = 1)]
    pub pending: u64,
}

impl VerdictCounts {
    fn count(&mut self, kind: VerdictKind) {
        *match kind {
            VerdictKind::Met => &mut self.met,
            VerdictKind::Missed => &mut self.missed,
            VerdictKind::OnCourse => &mut self.on_course,
            VerdictKind::OffCourse => &mut self.off_course,
            VerdictKind::Open => &mut self.open,
            VerdictKind::NoData => &mut self.no_data,
            VerdictKind::Pending => &mut self.pending,
        } += 1;
    }
}

/// The indicators of a part of a plan, with the verdicts on their targets.
pub struct EvaluatedTargets {
    indicators: Vec<Indicator>,
    verdicts: HashMap<Id, Vec<Verdict>>,
}

impl EvaluatedTargets {
    /// Of the indicators that measure objectives of a strategy.
    pub fn of_strategy(tenant: &mut Tenant<'_>, id: Id, on: NaiveDate) -> Result<Self> {
        Self::read(tenant, Filter { strategy: Some(Reference::Id(id)), ..Filter::default() }, on)
    }

    /// Of the indicators that measure objectives of a focus area.
    pub fn of_focus_area(tenant: &mut Tenant<'_>, id: Id, on: NaiveDate) -> Result<Self> {
        Self::read(tenant, Filter { focus_area: Some(id), ..Filter::default() }, on)
    }

    /// Of the indicators that measure an objective.
    pub fn of_objective(tenant: &mut Tenant<'_>, id: Id, on: NaiveDate) -> Result<Self> {
        Self::read(tenant, Filter { objective: Some(id), ..Filter::default() }, on)
    }

    fn read(tenant: &mut Tenant<'_>, filter: Filter, on: NaiveDate) -> Result<Self> {
        let filter = Filter { retired: Some((false, on)), ..filter };
        let indicators = indicators::list(tenant, filter, None)?;
        let verdicts = service::verdicts(tenant, &indicators, on, false)?;
        Ok(Self { indicators, verdicts })
    }

    /// Counts the verdicts on indicators that measure an objective below a path. Each indicator counts once, however
    /// many objectives it measures.
    pub fn counts(&self, path: &[&str]) -> VerdictCounts {
        let mut counts = VerdictCounts::default();
        let is_below = |objective: &Reference| match objective {
            Reference::Path(keys) => path.iter().zip(keys).all(|(expected, key)| *expected == key.as_str()),
            Reference::Id(_) => false,
        };
        let below = self.indicators.iter().filter(|indicator| indicator.body.objectives.iter().any(is_below));
        let verdicts = below.filter_map(|indicator| self.verdicts.get(&indicator.id())).flatten();
        verdicts.for_each(|verdict| counts.count(verdict.kind));
        counts
    }
}
