//! Somebody who computes what can be computed, to test with: in a different way, and from the counts themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::Cell;

type Family = ((usize, usize), Vec<(usize, usize)>);

/// Somebody who knows all that is shown, and that all adds up. Beyond the units stands a unit for the rest of each,
/// and beyond the groups one for those in none.
pub struct Attacker {
    least: i64,
    cells: Vec<(usize, usize)>,
    people: BTreeMap<(usize, usize), Option<i64>>,
    /// Totals and their parts.
    families: Vec<Family>,
}

impl Attacker {
    pub fn new(parents: &[usize], cells: &[Cell], least: i64) -> Self {
        let people: BTreeMap<_, _> = cells.iter().map(|cell| ((cell.unit, cell.group), cell.people)).collect();
        let cells = cells.iter().map(|cell| (cell.unit, cell.group)).collect();
        let (units, groups) = (parents.len(), people.keys().map(|key| key.1 + 1).max().unwrap_or_default());
        let mut attacker = Self { least, cells, people, families: Vec::new() };
        let real = attacker.people.clone();
        // Units below one, for a group, with none between.
        let below = |unit: usize, group: usize| -> Vec<usize> {
            let is_right_below = |other: &usize| {
                let mut above = *other;
                while above != 0 {
                    above = parents[above];
                    if real.contains_key(&(above, group)) {
                        return above == unit;
                    }
                }
                false
            };
            (0..units).filter(|other| real.contains_key(&(*other, group)) && is_right_below(other)).collect()
        };
        let in_no_group = |unit: usize| (unit, groups);
        let in_no_unit = |unit: usize| units + unit;
        for unit in 0..units {
            for group in 0..groups {
                let parts = below(unit, group).into_iter().map(|other| (other, group)).collect();
                attacker.add((unit, group), parts, (in_no_unit(unit), group));
            }
            let parts = (1..groups).map(|group| (unit, group)).filter(|key| real.contains_key(key)).collect();
            attacker.add((unit, 0), parts, in_no_group(unit));
        }
        for unit in 0..units {
            attacker.add_corner(unit, groups, in_no_unit(unit), &below);
        }
        attacker
    }

    /// The people beyond some parts; none = unknown.
    fn rest(&self, total: (usize, usize), parts: &[(usize, usize)]) -> Option<i64> {
        let sum = parts.iter().map(|part| self.people[part]).sum::<Option<i64>>()?;
        Some(self.people[&total]? - sum)
    }

    fn add(&mut self, total: (usize, usize), mut parts: Vec<(usize, usize)>, beyond: (usize, usize)) {
        if parts.is_empty() || !self.people.contains_key(&total) {
            return;
        }
        if let Some(rest) = self.rest(total, &parts).filter(|rest| *rest > 0) {
            self.people.insert(beyond, Some(rest));
            parts.push(beyond);
        }
        self.families.push((total, parts));
    }

    /// The unit of those in no unit, by group; and those in no group, by unit.
    fn add_corner(&mut self, unit: usize, groups: usize, rest: usize, below: &impl Fn(usize, usize) -> Vec<usize>) {
        let present: Vec<usize> = (1..groups).filter(|g| self.people.contains_key(&(unit, *g))).collect();
        let split: Vec<usize> = present.iter().copied().filter(|g| !below(unit, *g).is_empty()).collect();
        if split.is_empty() || below(unit, 0).is_empty() || !self.people.contains_key(&(rest, 0)) {
            return;
        }
        // Nothing is known of a group in a unit that has no value for it.
        if present.iter().any(|group| below(unit, *group) != below(unit, 0)) {
            return;
        }
        let mut parts = Vec::new();
        for group in present {
            let lower: Vec<_> = below(unit, group).into_iter().map(|other| (other, group)).collect();
            match self.rest((unit, group), &lower) {
                _ if lower.is_empty() => parts.push((unit, group)),
                Some(0) => {}
                Some(1..) => parts.push((rest, group)),
                _ => return,
            }
        }
        let Some(corner) = self.rest((rest, 0), &parts).filter(|corner| *corner >= 0) else { return };
        self.add((rest, 0), parts, (rest, groups));
        // The same by unit, where the units below have the same groups.
        let whole = below(unit, 0);
        let with = |group: &usize| -> Vec<usize> {
            whole.iter().copied().filter(|other| self.people.contains_key(&(*other, *group))).collect()
        };
        let is_within = (1..groups).all(|group| below(unit, group) == with(&group));
        let key = |unit: usize, group: usize| self.people.get(&(unit, group)).map(|_| (unit, group));
        let has_groups = |unit: usize| (1..groups).any(|group| self.people.contains_key(&(unit, group)));
        let no_group = |unit: usize| key(unit, groups).or_else(|| key(unit, 0).filter(|_| !has_groups(unit)));
        let mut parts: Vec<_> = whole.iter().copied().filter_map(no_group).collect();
        let beyond = key(rest, groups);
        parts.extend(beyond);
        if let (true, Some(total)) = (is_within, no_group(unit))
            && self.rest(total, &parts) == Some(0)
            && (corner > 0) == beyond.is_some()
        {
            self.families.push((total, parts));
        }
    }

    fn is_small(&self, key: &(usize, usize)) -> bool {
        self.people[key].is_some_and(|people| people < self.least)
    }

    /// The cells and small remainders that can be computed. Left out are cells that are known to be about nobody, and
    /// cells connected to hidden ones only, which totals that don't add up might determine.
    pub fn disclosed(&self, hidden: &[bool]) -> Vec<(usize, usize)> {
        let is_hidden: BTreeMap<_, _> = self.cells.iter().copied().zip(hidden.iter().copied()).collect();
        let all: Vec<_> = self.people.keys().copied().collect();
        let unknown = all.iter().copied().filter(|key| *is_hidden.get(key).unwrap_or(&true)).collect::<Vec<_>>();
        let is_secret = |key: &(usize, usize)| is_hidden.contains_key(key) || self.is_small(key);
        let mut disclosed: Vec<_> = self.solve(&unknown, &self.families).into_iter().filter(is_secret).collect();
        if !disclosed.is_empty() {
            let fits = |family: &&Family| self.rest(family.0, &family.1).is_none_or(|rest| rest >= 0);
            let zeros = self.solve(&all, &self.families.iter().filter(fits).cloned().collect::<Vec<_>>());
            disclosed.retain(|key| !(zeros.contains(key) && self.people[key].unwrap_or(0) == 0));
            disclosed.retain(|key| self.joined([*key].into()).iter().any(|key| is_hidden.get(key) == Some(&false)));
        }
        disclosed
    }

    /// Gauss and Jordan, modulo 2^31 - 1.
    fn solve(&self, unknown: &[(usize, usize)], families: &[Family]) -> BTreeSet<(usize, usize)> {
        const PRIME: i64 = (1 << 31) - 1;
        let mut rows: Vec<Vec<i64>> = Vec::new();
        for (total, parts) in families {
            let sign = |key: &(usize, usize)| i64::from(parts.contains(key)) - i64::from(total == key);
            rows.push(unknown.iter().map(|key| sign(key).rem_euclid(PRIME)).collect());
        }
        let mut pivots = 0;
        for column in 0..unknown.len() {
            let Some(found) = (pivots..rows.len()).find(|row| rows[*row][column] != 0) else { continue };
            rows.swap(pivots, found);
            let (mut inverse, mut base, mut exponent) = (1, rows[pivots][column], PRIME - 2);
            while exponent > 0 {
                if exponent % 2 == 1 {
                    inverse = inverse * base % PRIME;
                }
                (base, exponent) = (base * base % PRIME, exponent / 2);
            }
            let pivot: Vec<i64> = rows[pivots].iter().map(|factor| factor * inverse % PRIME).collect();
            for row in rows.iter_mut().filter(|row| row[column] != 0) {
                let by = row[column];
                row.iter_mut().zip(&pivot).for_each(|(to, from)| *to = (*to - by * from % PRIME).rem_euclid(PRIME));
            }
            rows[pivots] = pivot;
            pivots += 1;
        }
        let alone = |row: &&Vec<i64>| row.iter().filter(|factor| **factor != 0).count() == 1;
        let place = |row: &Vec<i64>| row.iter().position(|factor| *factor != 0);
        rows.iter().filter(alone).filter_map(place).map(|place| unknown[place]).collect()
    }

    /// All cells connected by families to a small one.
    pub fn beside_small(&self) -> BTreeSet<(usize, usize)> {
        let is_small = |key: &&(usize, usize)| self.is_small(key) || (self.people[*key].is_none() && **key != (0, 0));
        self.joined(self.people.keys().filter(is_small).copied().collect())
    }

    fn joined(&self, mut found: BTreeSet<(usize, usize)>) -> BTreeSet<(usize, usize)> {
        loop {
            let before = found.len();
            for (total, parts) in &self.families {
                if found.contains(total) || parts.iter().any(|part| found.contains(part)) {
                    found.extend(parts.iter().chain([total]).copied());
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }
}
