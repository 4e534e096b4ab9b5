//! Aggregates: values of units that have none of their own, computed from the units below them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::model::Aggregation;
use crate::date_range::DateRange;
use crate::db::types::{Id, RegisterKey};
use crate::forest::Forest;
use crate::period::Period;

/// The unit tree of a municipality. Units are numbered from 1; 0 is the municipality as a whole, above all others.
#[derive(Debug)]
pub struct UnitTree {
    ids: Vec<Option<Id>>,
    keys: Vec<Option<RegisterKey>>,
    dates: Vec<DateRange>,
    parents: Vec<usize>,
    numbers: HashMap<Id, usize>,
    forest: Forest<usize>,
    /// Every unit before the one right above it.
    bottom_up: Vec<usize>,
}

impl UnitTree {
    /// A tree of units: each with its key, the unit right above it, and its first and last day.
    pub fn new(rows: Vec<(Id, RegisterKey, Option<Id>, DateRange)>) -> Self {
        let numbers: HashMap<Id, usize> = rows.iter().zip(1..).map(|((id, ..), n)| (*id, n)).collect();
        let municipality = (vec![None], vec![None], vec![DateRange::default()], vec![0]);
        let (mut ids, mut keys, mut dates, mut parents) = municipality;
        for (id, key, parent, range) in rows {
            ids.push(Some(id));
            keys.push(Some(key));
            dates.push(range);
            parents.push(parent.and_then(|parent| numbers.get(&parent).copied()).unwrap_or(0));
        }
        let forest = Forest::new((0..ids.len()).map(|unit| (unit, (unit > 0).then_some(parents[unit]))));
        let bottom_up = forest.bottom_up();
        Self { ids, keys, dates, parents, numbers, forest, bottom_up }
    }

    /// The number of a unit; none = the municipality.
    pub fn number(&self, unit: Option<Id>) -> Option<usize> {
        unit.map_or(Some(0), |id| self.numbers.get(&id).copied())
    }

    /// The id of a unit; none for the municipality.
    pub fn id(&self, unit: usize) -> Option<Id> {
        self.ids[unit]
    }

    /// The key of a unit; none for the municipality.
    pub fn key(&self, unit: usize) -> Option<&RegisterKey> {
        self.keys[unit].as_ref()
    }

    /// For each unit, the one right above it.
    pub fn parents(&self) -> &[usize] {
        &self.parents
    }

    /// A hash of all that aggregates depend on: the units, their parents and their dates.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.ids, &self.parents, &self.dates).hash(&mut hasher);
        hasher.finish()
    }

    /// A unit with all units below it.
    pub fn subtree(&self, unit: usize) -> Vec<usize> {
        self.forest.subtree(unit)
    }

    /// How many workplaces (units with none below them) each unit has on the last day of a period. A workplace counts
    /// itself.
    fn workplaces(&self, period: Period) -> Vec<usize> {
        let day = period.last_day();
        let mut workplaces = vec![0; self.ids.len()];
        for unit in self.bottom_up.iter().copied() {
            let children = self.forest.children(unit);
            workplaces[unit] = match children.iter().map(|child| workplaces[*child]).sum() {
                0 if unit > 0 && children.is_empty() && self.dates[unit].contains(day) => 1,
                below => below,
            };
        }
        workplaces
    }
}

/// How much of a unit an aggregate covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completeness {
    /// Workplaces below it with a value.
    pub measured: usize,
    /// All workplaces below it.
    pub workplaces: usize,
}

impl Completeness {
    /// Whether some workplaces have no value.
    pub fn is_partial(self) -> bool {
        self.measured < self.workplaces
    }
}

/// A value of a unit and a group in one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitValue {
    /// The unit's number in its tree.
    pub unit: usize,
    /// The group's number; 0 is everybody.
    pub group: usize,
    /// The value.
    pub value: f64,
    /// How many people it is about.
    pub people: Option<i64>,
    /// Whether it is preliminary, or was computed from a preliminary value.
    pub is_provisional: bool,
    /// Of an aggregate: how much it covers.
    pub completeness: Option<Completeness>,
}

/// What a unit contributes to the aggregate of the unit above it.
#[derive(Clone, Copy, Default)]
struct Contribution {
    /// For sums the sum; for means the sum of each value times its people.
    total: f64,
    /// How many people it is about; none where one of the values doesn't say.
    people: Option<i64>,
    is_provisional: bool,
    measured: usize,
    workplaces: usize,
}

impl Contribution {
    fn new(value: &UnitValue, aggregation: Aggregation, workplaces: usize) -> Self {
        let workplaces = workplaces.max(1);
        let people = value.people.filter(|people| *people > 0);
        let (total, measured) = match (aggregation, people) {
            // A mean without a number of people has no weight: it is left out.
            (Aggregation::Mean, None) => return Self { people: Some(0), workplaces, ..Self::default() },
            (Aggregation::Mean, Some(people)) => (value.value * people as f64, workplaces),
            _ => (value.value, workplaces),
        };
        Self { total, people: value.people, is_provisional: value.is_provisional, measured, workplaces }
    }

    fn add(&mut self, other: Self) {
        self.total += other.total;
        self.people = self.people.zip(other.people).map(|(mine, theirs)| mine + theirs);
        self.is_provisional |= other.is_provisional;
        self.measured += other.measured;
        self.workplaces += other.workplaces;
    }

    fn value(&self, aggregation: Aggregation) -> Option<f64> {
        match aggregation {
            Aggregation::None => None,
            Aggregation::Sum => Some(self.total),
            Aggregation::Mean => self.people.filter(|people| *people > 0).map(|people| self.total / people as f64),
        }
    }
}

/// The aggregates of one period, computed from all its values. A unit with a value of its own gets no aggregate, and
/// the units above it count that value instead of those below it.
pub fn aggregates(tree: &UnitTree, period: Period, values: &[UnitValue], aggregation: Aggregation) -> Vec<UnitValue> {
    if aggregation == Aggregation::None || values.is_empty() {
        return Vec::new();
    }
    let workplaces = tree.workplaces(period);
    let mut groups: HashMap<usize, Vec<&UnitValue>> = HashMap::new();
    values.iter().for_each(|value| groups.entry(value.group).or_default().push(value));
    let mut found = Vec::new();
    for (group, values) in groups {
        let mut own: Vec<Option<&UnitValue>> = vec![None; tree.ids.len()];
        values.into_iter().for_each(|value| own[value.unit] = Some(value));
        let mut contributions: Vec<Contribution> = vec![Contribution::default(); tree.ids.len()];
        for unit in tree.bottom_up.iter().copied() {
            if let Some(value) = own[unit] {
                contributions[unit] = Contribution::new(value, aggregation, workplaces[unit]);
                continue;
            }
            let mut sum = Contribution { people: Some(0), ..Contribution::default() };
            tree.forest.children(unit).iter().for_each(|child| sum.add(contributions[*child]));
            if sum.measured == 0 {
                contributions[unit] =
                    Contribution { people: Some(0), workplaces: workplaces[unit], ..Contribution::default() };
                continue;
            }
            contributions[unit] = sum;
            if let Some(value) = sum.value(aggregation) {
                let completeness = Some(Completeness { measured: sum.measured, workplaces: sum.workplaces });
                let Contribution { people, is_provisional, .. } = sum;
                found.push(UnitValue { unit, group, value, people, is_provisional, completeness });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two schools under a centre, one workplace beside it.
    fn tree() -> UnitTree {
        let ids: Vec<Id> = (0..4).map(|_| Id::new()).collect();
        let keys = ["centre", "east", "west", "alone"];
        let parents = [None, Some(ids[0]), Some(ids[0]), None];
        let row = |n: usize| (ids[n], keys[n].parse().unwrap(), parents[n], DateRange::default());
        UnitTree::new((0..4).map(row).collect())
    }

    fn value(unit: usize, value: f64, people: Option<i64>) -> UnitValue {
        UnitValue { unit, group: 0, value, people, is_provisional: false, completeness: None }
    }

    fn computed(values: &[UnitValue], aggregation: Aggregation) -> Vec<(usize, f64, Option<i64>, usize, usize)> {
        let mut found = aggregates(&tree(), "2024".parse().unwrap(), values, aggregation);
        found.sort_by_key(|value| value.unit);
        let row = |value: &UnitValue| {
            let Completeness { measured, workplaces } = value.completeness.unwrap();
            (value.unit, value.value, value.people, measured, workplaces)
        };
        found.iter().map(row).collect()
    }

    #[test]
    fn sums_count_the_workplaces_with_and_without_values() {
        let values = [value(2, 3.0, Some(10)), value(3, 4.0, None)];
        assert_eq!(computed(&values, Aggregation::Sum), [(0, 7.0, None, 2, 3), (1, 7.0, None, 2, 2)]);
        assert_eq!(computed(&values, Aggregation::None), []);
    }

    #[test]
    fn a_units_own_value_replaces_its_aggregate() {
        let values = [value(1, 100.0, Some(50)), value(2, 3.0, Some(10)), value(4, 1.0, Some(5))];
        assert_eq!(computed(&values, Aggregation::Sum), [(0, 101.0, Some(55), 3, 3)]);
        let values = [value(0, 9.0, None), value(2, 3.0, Some(10))];
        assert_eq!(computed(&values, Aggregation::Sum), [(1, 3.0, Some(10), 1, 2)]);
    }

    #[test]
    fn means_are_weighted_by_people() {
        let values = [value(2, 10.0, Some(30)), value(3, 20.0, Some(10)), value(4, 99.0, None)];
        assert_eq!(computed(&values, Aggregation::Mean), [(0, 12.5, Some(40), 2, 3), (1, 12.5, Some(40), 2, 2)]);
        assert_eq!(computed(&[value(4, 99.0, None)], Aggregation::Mean), []);
    }

    #[test]
    fn units_that_have_ended_are_not_counted_as_missing() {
        let ids = [Id::new(), Id::new()];
        let gone = DateRange { starts_on: None, ends_on: "2023-12-31".parse().ok() };
        let rows = vec![
            (ids[0], "a".parse().unwrap(), None, DateRange::default()),
            (ids[1], "b".parse().unwrap(), None, gone),
        ];
        let tree = UnitTree::new(rows);
        let completeness = |period: &str| {
            let found = aggregates(&tree, period.parse().unwrap(), &[value(1, 1.0, None)], Aggregation::Sum);
            let Completeness { measured, workplaces } = found[0].completeness.unwrap();
            (measured, workplaces)
        };
        assert_eq!(completeness("2023"), (1, 2));
        assert_eq!(completeness("2024"), (1, 1));
    }
}
