//! Reading values: what was measured, what follows from it, and what whoever asks may see of both.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{ControlFlow, RangeInclusive};

use chrono::NaiveDate;

use super::answer::{ItemPlace, ValueItem};
use super::head::IndicatorHead;
use super::store::{self, Filter, Place, Places, SeriesValue, StoredValue, Units};
use crate::db::Tenant;
use crate::db::types::{Id, Reference, RegisterKey};
use crate::indicator::coverage::{self, Coverage};
use crate::indicator::derived::{self, Aggregate, ByPeriod, Derived};
use crate::indicator::model::Aggregation;
use crate::period::{self, Period};
use crate::problem::{Problem, Result};

/// One of many, or all together: what an empty query parameter stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Whole<T> {
    /// The whole municipality, everybody.
    All,
    /// This one.
    One(T),
}

/// Which values are asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Periods that begin on the first day of this one or later.
    pub from: Option<Period>,
    /// Periods that begin on the last day of this one or before.
    pub to: Option<Period>,
    /// Of this unit; none = of every one.
    pub unit: Option<Whole<Reference>>,
    /// With all units below it.
    pub subtree: bool,
    /// Of this group; none = of every one.
    pub group: Option<Whole<RegisterKey>>,
    /// What was measured alone, without what follows from it.
    pub only_measured: bool,
    /// Of each indicator the newest period alone.
    pub latest: bool,
    /// Whether the client sees small groups.
    pub sees_all: bool,
    /// The day on which it is asked: coverage is told up to it.
    pub today: NaiveDate,
}

/// What is asked for, looked up.
pub struct Scope {
    asked: Asked,
    units: Units,
    taken: Option<HashSet<Option<Id>>>,
    group: Option<String>,
}

/// As many units' values are read at once, whatever their periods.
const FEW_UNITS: usize = 50;

impl Scope {
    /// Looks up the unit, or 404.
    pub fn resolve(tenant: &mut Tenant<'_>, asked: Asked) -> Result<Self> {
        let units = match (&asked.unit, asked.subtree) {
            (None, _) | (Some(Whole::All), true) => Units::All,
            (Some(Whole::All), false) => Units::Municipality,
            (Some(Whole::One(unit)), false) => Units::Some(vec![store::unit(tenant, unit)?], false),
            (Some(Whole::One(unit)), true) => {
                let id = store::unit(tenant, unit)?;
                let tree = store::tree(tenant)?;
                let number = tree.number(Some(id)).ok_or_else(|| Problem::not_found("unit"))?;
                Units::Some(tree.subtree(number).into_iter().filter_map(|unit| tree.id(unit)).collect(), false)
            }
        };
        let group = match &asked.group {
            None => None,
            Some(Whole::All) => Some(String::new()),
            Some(Whole::One(group)) => Some(group.to_string()),
        };
        Ok(Self::of(asked, units, group))
    }

    /// What units, known already, have for everybody; with `true`, the municipality too.
    pub fn of_units(ids: Vec<Id>, municipality: bool, sees_all: bool) -> Self {
        let asked = Asked {
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
        Self::of(asked, Units::Some(ids, municipality), Some(String::new()))
    }

    fn of(asked: Asked, units: Units, group: Option<String>) -> Self {
        let taken = match &units {
            Units::All => None,
            Units::Municipality => Some(HashSet::from([None])),
            Units::Some(ids, municipality) => {
                Some(ids.iter().copied().map(Some).chain(municipality.then_some(None)).collect())
            }
        };
        Self { asked, units, taken, group }
    }

    fn periods(&self) -> RangeInclusive<i32> {
        Period::numbers(self.asked.from, self.asked.to)
    }

    /// Few enough to be read at once.
    fn is_narrow(&self) -> bool {
        match &self.units {
            Units::All => false,
            Units::Municipality => true,
            Units::Some(ids, _) => ids.len() <= FEW_UNITS,
        }
    }

    fn takes(&self, unit: Option<Id>, group: &str) -> bool {
        self.taken.as_ref().is_none_or(|taken| taken.contains(&unit))
            && self.group.as_ref().is_none_or(|wanted| wanted == group)
    }

    /// Whether something must be known of all values of an indicator.
    fn needs_derived(&self, head: &IndicatorHead) -> bool {
        let needs_hidden = head.min_group.is_some() && !self.asked.sees_all;
        let needs_aggregates = head.aggregation != Aggregation::None && !self.asked.only_measured;
        needs_hidden || needs_aggregates
    }
}

/// Hands the values of some indicators to `take`, in order, a batch at a time, until it has enough; those after `after`
/// alone.
pub fn visit(
    tenant: &mut Tenant<'_>,
    heads: &[IndicatorHead],
    scope: &Scope,
    after: Option<&ItemPlace>,
    mut take: impl FnMut(&IndicatorHead, Vec<ValueItem>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let begun = after.map_or(0, |(key, ..)| heads.partition_point(|head| head.key.as_str() < key.as_str()));
    let heads = &heads[begun..];
    let computed: Vec<_> = heads.iter().filter_map(IndicatorHead::coverage).collect();
    let computed = coverage::coverage(tenant, &computed, scope.asked.today)?;
    let is_new = |item: &ValueItem| after.is_none_or(|after| item.place() > *after);
    if scope.is_narrow() {
        let mut items = narrow(tenant, heads, scope, &computed)?;
        for head in heads {
            let own = items.remove(&head.id).unwrap_or_default().into_iter().filter(is_new).collect();
            if take(head, newest_only(own, scope))?.is_break() {
                return Ok(());
            }
        }
        return Ok(());
    }
    for head in heads {
        let derived = derived_of(tenant, std::slice::from_ref(head), scope)?;
        let reader = Reader { head, derived: derived.get(&head.id), coverage: computed.get(&head.id), scope };
        let mut years: Vec<_> = head.years().collect();
        let places = if years.is_empty() { Places::new() } else { store::places(tenant, head.id)? };
        // What is computed has years of its own, and takes no statement to read.
        if reader.coverage.is_some() {
            years = vec![0..=i32::MAX];
        }
        if scope.asked.latest {
            years.reverse();
        }
        let first = after.filter(|after| after.0 == head.key.as_str()).map_or(0, |after| after.1);
        for year in years.into_iter().filter(|year| *year.end() >= first) {
            let items = reader.year(tenant, &places, year)?.into_iter().filter(is_new).collect();
            let items = newest_only(items, scope);
            let is_found = !items.is_empty();
            if is_found && take(head, items)?.is_break() {
                return Ok(());
            }
            if is_found && scope.asked.latest {
                break;
            }
        }
    }
    Ok(())
}

fn newest_only(items: Vec<ValueItem>, scope: &Scope) -> Vec<ValueItem> {
    let newest = items.last().map(|item| item.period).filter(|_| scope.asked.latest);
    items.into_iter().filter(|item| newest.is_none_or(|newest| item.period == newest)).collect()
}

/// The values of a scope of few units, by indicator. The number of statements hangs on nothing, once it is known what
/// follows from all values of each.
pub fn narrow(
    tenant: &mut Tenant<'_>,
    heads: &[IndicatorHead],
    scope: &Scope,
    computed: &HashMap<Id, BTreeMap<Period, Coverage>>,
) -> Result<HashMap<Id, Vec<ValueItem>>> {
    let derived = derived_of(tenant, heads, scope)?;
    let ids: Vec<Id> = heads.iter().map(|head| head.id).collect();
    let filter = Filter {
        indicators: &ids,
        periods: scope.periods(),
        units: scope.units.clone(),
        group: scope.group.clone(),
        is_newest: scope.asked.latest,
    };
    let mut measured: HashMap<Id, Vec<StoredValue>> = HashMap::new();
    for value in store::measured(tenant, filter)? {
        measured.entry(value.indicator_id).or_default().push(value);
    }
    let items = |head: &IndicatorHead| {
        let reader = Reader { head, derived: derived.get(&head.id), coverage: computed.get(&head.id), scope };
        (head.id, reader.items(measured.remove(&head.id).unwrap_or_default(), scope.periods()))
    };
    Ok(heads.iter().map(items).collect())
}

fn derived_of(tenant: &mut Tenant<'_>, heads: &[IndicatorHead], scope: &Scope) -> Result<HashMap<Id, ByPeriod>> {
    let needing: Vec<IndicatorHead> = heads.iter().filter(|head| scope.needs_derived(head)).cloned().collect();
    derived::derived(tenant, &needing)
}

/// Reads one indicator's values.
struct Reader<'r> {
    head: &'r IndicatorHead,
    derived: Option<&'r ByPeriod>,
    coverage: Option<&'r BTreeMap<Period, Coverage>>,
    scope: &'r Scope,
}

impl Reader<'_> {
    fn year(&self, tenant: &mut Tenant<'_>, places: &Places, year: RangeInclusive<i32>) -> Result<Vec<ValueItem>> {
        let wanted = self.scope.periods();
        let periods = *year.start().max(wanted.start())..=*year.end().min(wanted.end());
        if periods.is_empty() {
            return Ok(Vec::new());
        }
        if self.coverage.is_some() {
            return Ok(self.items(Vec::new(), periods));
        }
        let stored = |value: SeriesValue| -> Option<Result<StoredValue>> {
            let (unit, group) = places.get(&value.series_id)?;
            if !self.scope.takes(unit.as_ref().map(|(id, _)| *id), group) {
                return None;
            }
            let (unit, group, indicator_id) = (unit.clone(), group.clone(), self.head.id);
            let SeriesValue { value, people, is_provisional, note, period, .. } = value;
            Some(store::readable(period).map(|period| StoredValue {
                indicator_id,
                unit,
                group,
                period,
                value,
                people,
                is_provisional,
                note,
            }))
        };
        let values = store::all_values(tenant, self.head.id, periods.clone())?;
        let measured = values.into_iter().filter_map(stored).collect::<Result<_>>()?;
        Ok(self.items(measured, periods))
    }

    /// What was measured, with what follows from it in some periods, in order.
    fn items(&self, measured: Vec<StoredValue>, periods: RangeInclusive<i32>) -> Vec<ValueItem> {
        let mut items: Vec<ValueItem> = measured.into_iter().map(|value| self.measured(value)).collect();
        if !self.scope.asked.only_measured {
            let derived = self.derived.into_iter().flat_map(|derived| derived.iter().rev());
            let derived = derived.filter(|(period, _)| periods.contains(&period.number()));
            let mut found = derived.map(|(period, derived)| self.aggregates(*period, derived));
            if self.scope.asked.latest {
                items.extend(found.find(|aggregates| !aggregates.is_empty()).unwrap_or_default());
            } else {
                items.extend(found.flatten());
            }
            if self.scope.takes(None, "") {
                let covered = self.coverage.into_iter().flatten();
                let covered = covered.filter(|(period, _)| periods.contains(&period.number()));
                items.extend(covered.map(|(period, coverage)| self.covered(*period, coverage)));
            }
        }
        items.sort_unstable_by(|a, b| {
            (a.period.number(), &a.unit, &a.group).cmp(&(b.period.number(), &b.unit, &b.group))
        });
        items
    }

    fn measured(&self, stored: StoredValue) -> ValueItem {
        let unit_id = stored.unit.as_ref().map(|(id, _)| *id);
        let is_suppressed = self.is_hidden(stored.period, unit_id, &stored.group);
        ValueItem {
            value: Some(stored.value),
            count: stored.people.map(i64::from),
            is_provisional: stored.is_provisional,
            note: stored.note,
            ..ValueItem::nothing(&self.head.key, stored.period, stored.unit.map(|(_, key)| key), &stored.group)
        }
        .hidden_where(is_suppressed)
    }

    fn aggregates(&self, period: Period, derived: &Derived) -> Vec<ValueItem> {
        let of_units: Vec<&Vec<Aggregate>> = match &self.scope.taken {
            None => derived.aggregates.values().collect(),
            Some(taken) => taken.iter().filter_map(|unit| derived.aggregates.get(unit)).collect(),
        };
        let found = of_units.into_iter().flatten();
        let taken = found.filter(|aggregate| self.scope.group.as_ref().is_none_or(|group| *group == aggregate.group));
        taken.map(|aggregate| self.aggregate(period, aggregate)).collect()
    }

    fn aggregate(&self, period: Period, aggregate: &Aggregate) -> ValueItem {
        let unit_id = aggregate.unit.as_ref().map(|(id, _)| *id);
        let is_suppressed = self.is_hidden(period, unit_id, &aggregate.group);
        ValueItem {
            value: Some(aggregate.value),
            count: aggregate.people,
            is_provisional: aggregate.is_provisional,
            is_aggregated: true,
            units_with_value: Some(aggregate.covers.measured),
            units: Some(aggregate.covers.units),
            ..ValueItem::nothing(
                &self.head.key,
                period,
                aggregate.unit.as_ref().map(|(_, key)| key.clone()),
                &aggregate.group,
            )
        }
        .hidden_where(is_suppressed)
    }

    fn covered(&self, period: Period, coverage: &Coverage) -> ValueItem {
        ValueItem {
            value: Some(coverage.share),
            count: Some(coverage.expected),
            is_provisional: coverage.is_provisional,
            ..ValueItem::nothing(&self.head.key, period, None, "")
        }
    }

    /// Whether whoever asks doesn't see it. In a period of which nothing is known yet, nothing is shown.
    fn is_hidden(&self, period: Period, unit: Option<Id>, group: &str) -> bool {
        if self.scope.asked.sees_all || self.head.min_group.is_none() {
            return false;
        }
        let place: Place = (unit, group.to_owned());
        let derived = self.derived.and_then(|derived| derived.get(&period));
        derived.is_none_or(|derived| derived.hidden.contains(&place))
    }
}
