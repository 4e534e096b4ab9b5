//! Which values a client wants.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use chrono::NaiveDate;

use super::head::IndicatorHead;
use super::store::{self, Units};
use crate::db::Tenant;
use crate::db::types::{Id, Reference, RegisterKey};
use crate::indicator::model::Aggregation;
use crate::period::{self, Period};
use crate::problem::{Problem, Result};

/// One unit or group, or all of them together: an empty query parameter stands for the total.
#[derive(Debug, Clone, PartialEq)]
pub enum TotalOr<T> {
    /// The municipality as a whole, or everybody.
    Total,
    /// This one.
    One(T),
}

/// The filters of a client.
#[derive(Debug, Clone)]
pub struct ValueQuery {
    /// Periods that begin on the first day of this one or later.
    pub from: Option<Period>,
    /// Periods that begin on the last day of this one or before.
    pub to: Option<Period>,
    /// Of this unit; none = of every unit.
    pub unit: Option<TotalOr<Reference>>,
    /// With all units below it.
    pub subtree: bool,
    /// Of this group; none = of every group.
    pub group: Option<TotalOr<RegisterKey>>,
    /// Only what was measured, without aggregates and coverage.
    pub only_measured: bool,
    /// Only the newest period of each indicator.
    pub latest: bool,
    /// Whether the client sees values of small groups.
    pub sees_all: bool,
    /// The day of the request: coverage is computed up to it.
    pub today: NaiveDate,
}

/// A [`ValueQuery`] with its references looked up.
pub struct ResolvedQuery {
    /// The filters.
    pub filters: ValueQuery,
    /// The units to read from the database.
    pub units: Units,
    /// The ids of these units (none = the municipality); `None` = every unit.
    pub unit_ids: Option<HashSet<Option<Id>>>,
    /// The group; empty = everybody, none = every group.
    pub group: Option<String>,
}

/// Values of at most this many units are read with one statement, whatever their periods.
const FEW_UNITS: usize = 50;

impl ResolvedQuery {
    /// Looks up the unit and those below it. Fails with 404 where there is no such unit.
    pub fn resolve(tenant: &mut Tenant<'_>, filters: ValueQuery) -> Result<Self> {
        let units = match (&filters.unit, filters.subtree) {
            (None, _) | (Some(TotalOr::Total), true) => Units::All,
            (Some(TotalOr::Total), false) => Units::Municipality,
            (Some(TotalOr::One(unit)), false) => Units::Some(vec![store::unit(tenant, unit)?], false),
            (Some(TotalOr::One(unit)), true) => {
                let id = store::unit(tenant, unit)?;
                let tree = store::tree(tenant)?;
                let number = tree.number(Some(id)).ok_or_else(|| Problem::not_found("unit"))?;
                Units::Some(tree.subtree(number).into_iter().filter_map(|unit| tree.id(unit)).collect(), false)
            }
        };
        let group = match &filters.group {
            None => None,
            Some(TotalOr::Total) => Some(String::new()),
            Some(TotalOr::One(group)) => Some(group.to_string()),
        };
        Ok(Self::new(filters, units, group))
    }

    /// The values of some units about everybody; with `municipality`, those of the municipality too.
    pub fn for_units(ids: Vec<Id>, municipality: bool, sees_all: bool) -> Self {
        let filters = ValueQuery {
            from: None,
            to: None,
            unit: None,
            subtree: false,
            group: None,
            only_measured: false,
            latest: false,
            sees_all,
            today: period::today(),
        };
        Self::new(filters, Units::Some(ids, municipality), Some(String::new()))
    }

    fn new(filters: ValueQuery, units: Units, group: Option<String>) -> Self {
        let unit_ids = match &units {
            Units::All => None,
            Units::Municipality => Some(HashSet::from([None])),
            Units::Some(ids, municipality) => {
                Some(ids.iter().copied().map(Some).chain(municipality.then_some(None)).collect())
            }
        };
        Self { filters, units, unit_ids, group }
    }

    /// The selected periods, as numbers.
    pub fn periods(&self) -> RangeInclusive<i32> {
        Period::numbers(self.filters.from, self.filters.to)
    }

    /// Whether the units are few enough to be read at once.
    pub fn has_few_units(&self) -> bool {
        match &self.units {
            Units::All => false,
            Units::Municipality => true,
            Units::Some(ids, _) => ids.len() <= FEW_UNITS,
        }
    }

    /// Whether values of a unit and group are selected.
    pub fn selects(&self, unit: Option<Id>, group: &str) -> bool {
        self.unit_ids.as_ref().is_none_or(|ids| ids.contains(&unit))
            && self.group.as_ref().is_none_or(|selected| selected == group)
    }

    /// Whether the answer depends on all values of an indicator, not only on the selected ones.
    pub fn needs_derived(&self, head: &IndicatorHead) -> bool {
        let needs_suppression = head.min_group.is_some() && !self.filters.sees_all;
        let needs_aggregates = head.aggregation != Aggregation::None && !self.filters.only_measured;
        needs_suppression || needs_aggregates
    }
}
