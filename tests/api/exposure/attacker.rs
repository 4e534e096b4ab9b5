//! An attacker who has seen everything that is shown of a period, knows how units and groups add up, and computes what
//! follows by Gaussian elimination modulo a prime.

use std::collections::{BTreeMap, BTreeSet};

/// A unit and a group by number. 0 is the municipality, and all groups.
pub type Spot = (usize, usize);

/// The true content of a cell, and whether it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub people: Option<i64>,
    pub is_shown: bool,
    pub is_aggregated: bool,
}

/// The cells of a period, with the equations between their counts and between their values times counts. Both have the
/// same unknowns.
pub struct Period<'p> {
    parents: &'p [usize],
    cells: &'p BTreeMap<Spot, Known>,
    least: i64,
    is_mean: bool,
    numbers: Vec<Number>,
    /// A total and its parts, by index.
    equations: Vec<(usize, Vec<usize>)>,
}

/// A cell, or the remainder of a total beyond its parts.
struct Number {
    name: String,
    people: Option<i64>,
    is_shown: bool,
    is_cell: bool,
    /// Whether it has to be hidden by itself.
    is_small: bool,
}

/// The remainder of a total beyond its parts, if it is known.
#[derive(Clone, Copy)]
enum Rest {
    Nothing,
    Number(usize),
    Unclear,
}

impl<'p> Period<'p> {
    pub fn new(parents: &'p [usize], cells: &'p BTreeMap<Spot, Known>, least: i64, is_mean: bool) -> Self {
        let mut period = Self { parents, cells, least, is_mean, numbers: Vec::new(), equations: Vec::new() };
        for (spot, known) in cells {
            let is_small = known.people.map_or(*spot != (0, 0), |people| people < least);
            let name = format!("unit {} group {}", spot.0, spot.1);
            let Known { people, is_shown, .. } = *known;
            period.numbers.push(Number { name, people, is_shown, is_cell: true, is_small });
        }
        let mut rests = BTreeMap::new();
        for spot in cells.keys() {
            let below = period.below(*spot);
            if !below.is_empty() {
                rests.insert(*spot, period.add(*spot, &below));
            }
            let groups = period.groups(*spot);
            if !groups.is_empty() {
                period.add(*spot, &groups);
            }
        }
        for spot in cells.keys().filter(|spot| spot.1 == 0) {
            period.add_those_in_no_unit(*spot, &rests);
        }
        period
    }

    fn number(&self, spot: Spot) -> usize {
        self.cells.keys().position(|other| *other == spot).unwrap()
    }

    /// The nearest unit above that has a value for the same group.
    fn above(&self, (mut unit, group): Spot) -> Option<Spot> {
        while unit != 0 {
            unit = self.parents[unit];
            if self.cells.contains_key(&(unit, group)) {
                return Some((unit, group));
            }
        }
        None
    }

    /// The cells that add up to a cell, by unit. A mean leaves out cells without people.
    fn below(&self, total: Spot) -> Vec<Spot> {
        let is_aggregated = self.cells[&total].is_aggregated;
        let counts = |known: &Known| !(self.is_mean && is_aggregated && known.people.is_none_or(|people| people <= 0));
        let parts = self.cells.iter().filter(|(spot, known)| self.above(**spot) == Some(total) && counts(known));
        parts.map(|(spot, _)| *spot).collect()
    }

    fn groups(&self, total: Spot) -> Vec<Spot> {
        let parts = self.cells.keys().filter(|spot| total.1 == 0 && spot.0 == total.0 && spot.1 != 0);
        parts.copied().collect()
    }

    fn add(&mut self, total: Spot, parts: &[Spot]) -> Rest {
        let total = self.number(total);
        let parts = parts.iter().map(|part| self.number(*part)).collect();
        self.add_equation(total, parts)
    }

    /// If it is unclear whether there is a remainder, the worst case is assumed: there is none.
    fn add_equation(&mut self, total: usize, mut parts: Vec<usize>) -> Rest {
        let people = |number: &usize| self.numbers[*number].people;
        let sum = parts.iter().map(people).sum::<Option<i64>>();
        let rest = match people(&total).zip(sum).map(|(total, sum)| total - sum) {
            Some(0) => Rest::Nothing,
            Some(people @ 1..) => {
                let name = format!("the rest of {}", self.numbers[total].name);
                let is_small = people < self.least;
                self.numbers.push(Number { name, people: Some(people), is_shown: false, is_cell: false, is_small });
                parts.push(self.numbers.len() - 1);
                Rest::Number(self.numbers.len() - 1)
            }
            _ => Rest::Unclear,
        };
        self.equations.push((total, parts));
        rest
    }

    /// People outside the units below have groups too, if each group has the same units.
    fn add_those_in_no_unit(&mut self, whole: Spot, rests: &BTreeMap<Spot, Rest>) {
        let Some(Rest::Number(rest)) = rests.get(&whole).copied() else { return };
        let units = |spot: Spot| self.below(spot).iter().map(|part| part.0).collect::<Vec<_>>();
        let groups = self.groups(whole);
        if groups.is_empty() || groups.iter().any(|group| units(*group) != units(whole)) {
            return;
        }
        let mut parts = Vec::new();
        for group in groups {
            match rests[&group] {
                Rest::Nothing => {}
                Rest::Number(number) => parts.push(number),
                Rest::Unclear => return,
            }
        }
        let people = |number: &usize| self.numbers[*number].people.unwrap_or_default();
        if parts.iter().map(people).sum::<i64>() <= people(&rest) {
            self.add_equation(rest, parts);
        }
    }

    /// The same period with only the small cells hidden.
    pub fn with_small_ones_hidden(mut self) -> Self {
        self.numbers.iter_mut().filter(|number| number.is_cell).for_each(|number| number.is_shown = !number.is_small);
        self
    }

    /// Hidden cells that can be computed from what is shown. What follows from the structure alone is left out, since
    /// it
    /// can't be hidden.
    pub fn told(&self) -> Vec<&str> {
        let shown = self.determined(|number| number.is_shown);
        let is_secret = |number: &&usize| self.numbers[**number].is_cell || self.numbers[**number].is_small;
        let secrets: Vec<usize> = shown.iter().filter(is_secret).copied().collect();
        if secrets.is_empty() {
            return Vec::new();
        }
        let anyway = self.determined(|_| false);
        let secrets = secrets.iter().filter(|number| !anyway.contains(number));
        secrets.map(|number| self.numbers[*number].name.as_str()).collect()
    }

    /// Cells that are hidden although no connected cell is small.
    pub fn needless(&self) -> Vec<&str> {
        let mut near: BTreeSet<usize> =
            (0..self.numbers.len()).filter(|number| self.numbers[*number].is_small).collect();
        loop {
            let before = near.len();
            for (total, parts) in &self.equations {
                if near.contains(total) || parts.iter().any(|part| near.contains(part)) {
                    near.extend(parts.iter().chain([total]));
                }
            }
            if near.len() == before {
                break;
            }
        }
        let hidden = self.numbers.iter().enumerate().filter(|(_, number)| number.is_cell && !number.is_shown);
        hidden.filter(|(number, _)| !near.contains(number)).map(|(_, number)| number.name.as_str()).collect()
    }

    /// Whether nothing has to be hidden.
    pub fn is_harmless(&self) -> bool {
        self.numbers.iter().all(|number| !number.is_small)
    }

    /// The unknowns that the equations determine.
    fn determined(&self, is_known: impl Fn(&Number) -> bool) -> BTreeSet<usize> {
        let unknowns: Vec<usize> = (0..self.numbers.len()).filter(|n| !is_known(&self.numbers[*n])).collect();
        let columns: BTreeMap<usize, usize> = unknowns.iter().zip(0..).map(|(number, n)| (*number, n)).collect();
        let row = |(total, parts): &(usize, Vec<usize>)| {
            let mut row = vec![0; unknowns.len()];
            parts.iter().filter_map(|part| columns.get(part)).for_each(|column| row[*column] += 1);
            columns.get(total).into_iter().for_each(|column| row[*column] += PRIME - 1);
            row
        };
        let rows = reduced(self.equations.iter().map(row).collect(), unknowns.len());
        let lone = |row: &Vec<u64>| {
            let mut factors = row.iter().enumerate().filter(|(_, factor)| **factor != 0);
            factors.next().filter(|_| factors.next().is_none()).map(|(column, _)| unknowns[column])
        };
        rows.iter().filter_map(lone).collect()
    }
}

const PRIME: u64 = (1 << 31) - 1;

/// Rows in reduced echelon form (Gauss and Jordan).
fn reduced(mut rows: Vec<Vec<u64>>, columns: usize) -> Vec<Vec<u64>> {
    let mut pivots = 0;
    for column in 0..columns {
        let Some(found) = (pivots..rows.len()).find(|row| rows[*row][column] != 0) else { continue };
        rows.swap(pivots, found);
        let inverse = power(rows[pivots][column], PRIME - 2);
        rows[pivots].iter_mut().for_each(|factor| *factor = *factor * inverse % PRIME);
        let pivot = rows[pivots].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(n, row)| *n != pivots && row[column] != 0) {
            let by = PRIME - row[column];
            let terms = row.iter_mut().zip(&pivot).filter(|(_, term)| **term != 0);
            terms.for_each(|(factor, term)| *factor = (*factor + by * term) % PRIME);
        }
        pivots += 1;
    }
    rows
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = result * base % PRIME;
        }
        (base, exponent) = (base * base % PRIME, exponent / 2);
    }
    result
}
