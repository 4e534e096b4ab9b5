//! Cell suppression: which values are hidden so that nobody sees or can compute a value about a small group of people.
//!
//! The values of a period make a table: units are below units, and groups are within units. Along both axes a total is
//! the sum of its parts (means are weighted by people). A reader who sees all but one can compute that one. So small
//! cells are hidden first (primary suppression), then others (secondary suppression), until no small one can be
//! computed. What a total has beyond its parts, the remainder, is one more part that is never shown. If it is small, it
//! must not be computable either.
//!
//! Each single number is protected. Sums of several hidden numbers and upper bounds of one are not.

#[cfg(test)]
mod attacker;
mod linear;
mod table;

use std::collections::HashSet;

use self::linear::{EquationTerms, MINUS, PLUS};
use self::table::{Equation, Grid, Table};

/// A value in one period: about which unit and group it is, and how many people stand behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The unit; 0 is the whole municipality.
    pub unit: usize,
    /// The group; 0 is everybody.
    pub group: usize,
    /// How many people it is about; none = unknown.
    pub people: Option<i64>,
    /// Whether it is an aggregate of the units below.
    pub is_aggregate: bool,
    /// Whether aggregates above leave it out.
    pub is_left_out: bool,
}

impl Cell {
    /// Whether it is about too few people to be shown. An unknown number counts as too few, except for the whole
    /// municipality.
    fn is_small(&self, least: i64) -> bool {
        let is_whole = self.unit == 0 && self.group == 0;
        self.people.map_or(!is_whole, |people| people < least)
    }
}

/// Which of the cells are hidden (same order). `parents[u]` is the unit right above unit u; unit 0 is the municipality
/// (`parents[0]` is 0 and not read). `least`: the smallest group that is shown.
///
/// Every shown value counts as known, and so does the municipality's own value if its count is unknown.
/// Units and groups are numbered from 0 without great gaps, and no two cells have the same ones. The result doesn't
/// depend on the order of the cells.
pub fn suppressed(parents: &[usize], cells: &[Cell], least: i64) -> Vec<bool> {
    let grid = Grid::new(parents, cells);
    let mut table = Table::new(&grid, least);
    if table.has_secrets() {
        table.protect_lone_secrets();
        table.protect_determined_secrets();
    }
    grid.numbers.iter().map(|number| table.numbers[*number].is_unknown).collect()
}

impl Table {
    fn has_secrets(&self) -> bool {
        self.numbers.iter().any(|number| number.is_unknown && number.is_secret)
    }

    /// Hides one more cell in each equation whose only unknown is a secret.
    ///
    /// With one group this is enough. A hidden total is an unknown of the equation above it and of the one below it, so
    /// unknowns connect the equations as a tree. If an unknown were determined, every other unknown in the equations
    /// used would have to cancel out, so it would be in two of them. But in a tree whose equations have at least two
    /// unknowns each, at least two unknowns are in one equation only, and only one of them can be the determined one.
    fn protect_lone_secrets(&mut self) {
        while let Some(number) = self.changed.pop_front() {
            let equation = &self.equations[number];
            let lone = equation.numbers().find(|number| self.numbers[*number].is_unknown);
            let is_disclosed = equation.unknowns == 1 && lone.is_some_and(|lone| self.numbers[lone].is_secret);
            if let (true, Some(next)) = (is_disclosed, self.smallest_shown(&[number])) {
                self.hide(next);
            }
        }
    }

    /// The smallest cell that is shown in some equations; of equal ones the first by unit and group. A total only where
    /// every part is hidden.
    fn smallest_shown(&self, equations: &[usize]) -> Option<usize> {
        let equations = || equations.iter().map(|equation| &self.equations[*equation]);
        let shown = |number: &usize| !self.numbers[*number].is_unknown;
        let size = |number: &usize| (self.numbers[*number].people.unwrap_or(i64::MAX), *number);
        let part = equations().flat_map(|equation| equation.parts.iter().copied()).filter(shown).min_by_key(size);
        part.or_else(|| equations().map(|equation| equation.total).filter(shown).min_by_key(size))
    }

    fn hide(&mut self, number: usize) {
        self.numbers[number].is_unknown = true;
        for equation in &self.numbers[number].equations {
            self.equations[*equation].unknowns += 1;
            self.equations[*equation].is_open = true;
            self.changed.push_back(*equation);
        }
    }

    /// Hides more cells until no secret follows from several equations together.
    fn protect_determined_secrets(&mut self) {
        loop {
            let mut is_done = true;
            for component in self.components() {
                let next = self.disclosed_by(&component).and_then(|secret| self.smallest_shown_near(secret));
                match next {
                    Some(next) => {
                        self.hide(next);
                        is_done = false;
                    }
                    None => component.iter().for_each(|equation| self.equations[*equation].is_open = false),
                }
            }
            if is_done {
                return;
            }
            self.protect_lone_secrets();
        }
    }

    /// Equations connected by unknowns, as far as something was hidden in them since the last check.
    fn components(&self) -> Vec<Vec<usize>> {
        let mut components = Vec::new();
        let mut seen = vec![false; self.equations.len()];
        for first in 0..self.equations.len() {
            if std::mem::replace(&mut seen[first], true) {
                continue;
            }
            let mut component = vec![first];
            let mut next = 0;
            while let Some(equation) = component.get(next).copied() {
                let beside = self.unknowns_of(&[equation]);
                let beside = beside.iter().flat_map(|number| &self.numbers[*number].equations);
                component.extend(beside.filter(|beside| !std::mem::replace(&mut seen[**beside], true)));
                next += 1;
            }
            if component.iter().any(|equation| self.equations[*equation].is_open) {
                components.push(component);
            }
        }
        components
    }

    /// The unknowns of some equations, each once.
    fn unknowns_of(&self, equations: &[usize]) -> Vec<usize> {
        let numbers = equations.iter().flat_map(|equation| self.equations[*equation].numbers());
        let mut unknowns: Vec<usize> = numbers.filter(|number| self.numbers[*number].is_unknown).collect();
        unknowns.sort_unstable();
        unknowns.dedup();
        unknowns
    }

    /// The first secret that follows from some equations.
    fn disclosed_by(&mut self, equations: &[usize]) -> Option<usize> {
        let unknowns = self.unknowns_of(equations);
        let counts = || equations.iter().map(|equation| self.equations[*equation].unknowns);
        // A tree with two unknowns in each equation determines none: see protect_lone_secrets.
        let is_tree = counts().sum::<usize>() < equations.len() + unknowns.len() && counts().all(|count| count > 1);
        if is_tree || unknowns.iter().all(|number| !self.numbers[*number].is_secret) {
            return None;
        }
        let determined = self.determined(equations, &unknowns);
        if determined.iter().any(|number| self.numbers[*number].is_secret && self.is_nobody(*number)) {
            self.release_zeros();
        }
        determined.into_iter().find(|number| self.numbers[*number].is_secret)
    }

    fn is_nobody(&self, number: usize) -> bool {
        self.numbers[number].people.is_none_or(|people| people <= 0)
    }

    /// That a cell is about nobody may follow although nothing is shown: a unit has no groups, and the groups of its
    /// siblings add up without it. Hiding more cells can't prevent that, so such a cell is no secret.
    fn release_zeros(&mut self) {
        if std::mem::replace(&mut self.knows_zeros, true) {
            return;
        }
        // Inconsistent equations are left out: nothing reliable follows from them.
        let equations: Vec<usize> = (0..self.equations.len()).filter(|equation| !self.is_wrong(*equation)).collect();
        let numbers: Vec<usize> = (0..self.numbers.len()).collect();
        for number in self.determined(&equations, &numbers) {
            self.numbers[number].is_secret &= !self.is_nobody(number);
        }
    }

    /// Whether the parts are known to have more people than the total.
    fn is_wrong(&self, equation: usize) -> bool {
        let Equation { total, parts, .. } = &self.equations[equation];
        let people = |number: usize| self.numbers[number].people;
        let sum = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(people(*part)?));
        sum.zip(people(*total)).is_some_and(|(sum, total)| sum > total)
    }

    /// The unknowns (in ascending order) that equations determine.
    fn determined(&self, equations: &[usize], unknowns: &[usize]) -> Vec<usize> {
        let terms = |equation: &usize| -> EquationTerms {
            let Equation { total, parts, .. } = &self.equations[*equation];
            let numbers = parts.iter().map(|part| (part, PLUS)).chain([(total, MINUS)]);
            let term = |(number, sign)| Some((unknowns.binary_search(number).ok()?, sign));
            let mut terms: EquationTerms = numbers.filter_map(term).collect();
            terms.sort_unstable();
            terms
        };
        let are_determined = linear::determined(equations.iter().map(terms).collect(), unknowns.len());
        unknowns.iter().zip(are_determined).filter(|(_, is)| *is).map(|(number, _)| *number).collect()
    }

    /// The smallest cell that is shown in the equations of a secret; if none is, in the equations connected to them.
    fn smallest_shown_near(&self, secret: usize) -> Option<usize> {
        let mut near = self.numbers[secret].equations.clone();
        let mut seen: HashSet<usize> = near.iter().copied().collect();
        while !near.is_empty() {
            if let Some(next) = self.smallest_shown(&near) {
                return Some(next);
            }
            let beside = self.unknowns_of(&near);
            let beside = beside.iter().flat_map(|number| &self.numbers[*number].equations);
            near = beside.copied().filter(|equation| seen.insert(*equation)).collect();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::attacker::Attacker;
    use super::*;

    fn cell(unit: usize, group: usize, people: impl Into<Option<i64>>) -> Cell {
        Cell { unit, group, people: people.into(), is_aggregate: false, is_left_out: false }
    }

    /// The units and groups that are hidden where no fewer than five are shown.
    fn hidden_of(parents: &[usize], cells: &[Cell]) -> Vec<(usize, usize)> {
        let hidden = suppressed(parents, cells, 5);
        cells.iter().zip(hidden).filter(|(_, is)| *is).map(|(cell, _)| (cell.unit, cell.group)).collect()
    }

    /// The units that are hidden, of values about everybody.
    fn hidden_units(parents: &[usize], people: &[Option<i64>]) -> Vec<usize> {
        let cells: Vec<Cell> = people.iter().enumerate().map(|(unit, people)| cell(unit, 0, *people)).collect();
        hidden_of(parents, &cells).into_iter().map(|(unit, _)| unit).collect()
    }

    #[test]
    fn what_an_aggregate_leaves_out_hides_nobody_beside_it() {
        let aggregate = Cell { is_aggregate: true, ..cell(0, 0, 32) };
        let left_out = Cell { is_left_out: true, ..cell(3, 0, None) };
        // The mean of units 1 and 2 discloses unit 2, whatever unit 3 has.
        let cells = [aggregate, cell(1, 0, 30), cell(2, 0, 2), left_out];
        assert_eq!(hidden_of(&[0; 4], &cells), [(1, 0), (2, 0), (3, 0)]);
        let cells = [cell(0, 0, None), cell(1, 0, 30), cell(2, 0, 2), left_out];
        assert_eq!(hidden_of(&[0; 4], &cells), [(2, 0), (3, 0)]);
    }

    #[test]
    fn nothing_is_hidden_where_nothing_is_small() {
        assert!(suppressed(&[], &[], 5).is_empty());
        assert!(hidden_units(&[0, 0, 0], &[Some(15), Some(5), Some(10)]).is_empty());
        assert!(hidden_units(&[0, 0, 0], &[Some(30), Some(5), Some(10)]).is_empty());
        assert!(hidden_units(&[0, 0, 0], &[None, Some(5), Some(10)]).is_empty());
    }

    #[test]
    fn the_next_smallest_is_hidden_beside_a_small_one() {
        assert_eq!(hidden_units(&[0; 5], &[Some(42), Some(20), Some(2), Some(8), Some(12)]), [2, 3]);
        assert_eq!(hidden_units(&[0; 5], &[Some(42), Some(20), Some(2), Some(10), Some(10)]), [2, 3]);
        assert_eq!(hidden_units(&[0; 5], &[Some(42), Some(20), None, Some(8), Some(12)]), [2, 3]);
        assert_eq!(hidden_units(&[0; 5], &[None, Some(20), Some(2), Some(8), Some(12)]), [2, 3]);
        // Two small ones hide each other.
        assert_eq!(hidden_units(&[0; 5], &[Some(26), Some(20), Some(2), Some(1), Some(3)]), [2, 3, 4]);
        assert_eq!(hidden_units(&[0; 4], &[Some(26), Some(23), Some(2), Some(1)]), [2, 3]);
        // A missing total discloses nothing.
        assert_eq!(hidden_of(&[0; 3], &[cell(1, 0, 2), cell(2, 0, 20)]), [(1, 0)]);
    }

    #[test]
    fn the_rest_is_a_part() {
        // Three are in no unit: the smallest unit is hidden with them.
        assert_eq!(hidden_units(&[0; 3], &[Some(33), Some(10), Some(20)]), [1]);
        // Those in no unit hide the small one, be they few or many.
        assert_eq!(hidden_units(&[0; 3], &[Some(72), Some(2), Some(20)]), [1]);
        assert_eq!(hidden_units(&[0; 3], &[Some(23), Some(2), Some(20)]), [1]);
        // An unclear remainder doesn't.
        assert_eq!(hidden_units(&[0; 3], &[Some(21), Some(2), Some(20)]), [1, 2]);
    }

    #[test]
    fn what_is_hidden_counts_above_and_below() {
        // The only sibling is hidden with the small unit; the total of the two is shown.
        assert_eq!(hidden_units(&[0, 0, 0, 1, 1], &[Some(50), Some(22), Some(28), Some(2), Some(20)]), [3, 4]);
        // A total that is small itself, above parts that are shown or small.
        assert_eq!(hidden_units(&[0, 0, 0, 0, 1], &[Some(50), Some(4), Some(20), Some(26), Some(4)]), [1, 2, 4]);
        let inconsistent = [Some(50), Some(4), Some(20), Some(26), Some(6), Some(7)];
        assert_eq!(hidden_units(&[0, 0, 0, 0, 1, 1], &inconsistent), [1, 2, 4]);
        // Units that are the only one below another are hidden up to where there is a sister.
        let chain = [Some(22), Some(2), Some(2), Some(2), Some(20)];
        assert_eq!(hidden_units(&[0, 0, 1, 2, 0], &chain), [1, 2, 3, 4]);
        assert_eq!(hidden_units(&[0, 0, 1, 2], &[Some(2); 4]), [0, 1, 2, 3]);
        assert_eq!(hidden_units(&[0, 0, 1], &[None, None, None]), [0, 1, 2]);
        // The unit between has no value: those below it are subtracted from what stands above.
        assert_eq!(hidden_of(&[0, 0, 1, 1], &[cell(0, 0, 30), cell(2, 0, 2), cell(3, 0, 28)]), [(2, 0), (3, 0)]);
        // Parents that go in circles do no harm; units without one stand at the top.
        assert_eq!(hidden_units(&[0, 2, 1], &[Some(30), Some(2), Some(28)]), [1, 2]);
        assert_eq!(hidden_units(&[], &[Some(30), Some(2), Some(28)]), [1, 2]);
    }

    /// Four units with four groups, of whom each has so many people; the totals add up.
    fn square(people: [[i64; 4]; 4]) -> Vec<Cell> {
        let mut cells = vec![cell(0, 0, people.iter().flatten().sum::<i64>())];
        cells.extend((0..4).map(|group| cell(0, group + 1, people.iter().map(|unit| unit[group]).sum::<i64>())));
        for (unit, groups) in people.iter().enumerate() {
            cells.push(cell(unit + 1, 0, groups.iter().sum::<i64>()));
            cells.extend(groups.iter().enumerate().map(|(group, people)| cell(unit + 1, group + 1, *people)));
        }
        cells
    }

    #[test]
    fn units_and_groups_are_hidden_along_both() {
        let mut people = [[50; 4]; 4];
        (people[1][2], people[1][3], people[3][2], people[3][3]) = (2, 40, 30, 45);
        assert_eq!(hidden_of(&[0; 5], &square(people)), [(2, 3), (2, 4), (4, 3), (4, 4)]);
    }

    #[test]
    fn what_follows_from_several_equations_is_hidden() {
        // Each row and column of two squares has two small cells or more; the one between the squares is their total.
        let people = [[2, 2, 50, 50], [2, 2, 2, 50], [50, 50, 2, 2], [50, 50, 2, 2]];
        let cells = square(people);
        let small: Vec<bool> = cells.iter().map(|cell| cell.is_small(5)).collect();
        assert_eq!(Attacker::new(&[0; 5], &cells, 5).disclosed(&small), [(2, 3)]);
        let hidden = suppressed(&[0; 5], &cells, 5);
        assert!(Attacker::new(&[0; 5], &cells, 5).disclosed(&hidden).is_empty());
        assert_eq!(hidden.iter().filter(|is| **is).count(), 10, "{hidden:?}");
    }

    #[test]
    fn a_unit_of_nobody_hides_few() {
        // That nobody is in unit 4 follows from the groups, whatever is hidden.
        let mut cells = square([[50; 4], [50; 4], [50; 4], [0; 4]]);
        cells.retain(|cell| cell.unit != 4 || cell.group == 0);
        let hidden = hidden_of(&[0; 5], &cells);
        assert!(hidden.contains(&(4, 0)), "{hidden:?}");
        assert!(hidden.iter().all(|(unit, _)| [1, 2, 4].contains(unit)), "{hidden:?}");
    }

    #[test]
    fn one_small_cell_among_others_hides_one() {
        let mut random = Random(7);
        for units in 2..60 {
            let mut people: Vec<Option<i64>> = (0..=units).map(|_| Some(random.below(90) as i64 + 5)).collect();
            people[1 + random.below(units)] = Some(random.below(5) as i64);
            people[0] = Some(people[1..].iter().flatten().sum());
            assert_eq!(hidden_units(&vec![0; units + 1], &people).len(), 2, "{people:?}");
        }
    }

    #[test]
    fn nobody_computes_what_is_hidden() {
        let mut random = Random(2026);
        for round in 0..4000 {
            let (parents, mut cells) = random.table();
            let least = 1 + random.below(6) as i64;
            let hidden = suppressed(&parents, &cells, least);
            let context = || format!("round {round}: {parents:?}, {cells:?}, {least}: {hidden:?}");
            assert!(cells.iter().zip(&hidden).all(|(cell, is)| *is || !cell.is_small(least)), "{}", context());
            let attacker = Attacker::new(&parents, &cells, least);
            assert_eq!(attacker.disclosed(&hidden), [], "{}", context());
            let beside_small = attacker.beside_small();
            let is_needed = |cell: &Cell| beside_small.contains(&(cell.unit, cell.group));
            assert!(cells.iter().zip(&hidden).all(|(cell, is)| !*is || is_needed(cell)), "{}", context());
            // In another order it is the same.
            let mut turned: Vec<(Cell, bool)> = cells.iter().copied().zip(hidden.iter().copied()).collect();
            let middle = random.below(turned.len());
            turned.rotate_left(middle);
            turned.reverse();
            cells = turned.iter().map(|(cell, _)| *cell).collect();
            let expected: Vec<bool> = turned.iter().map(|(_, is)| *is).collect();
            assert_eq!(super::suppressed(&parents, &cells, least), expected);
        }
    }

    /// The same numbers every time (xorshift).
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as usize % end
        }

        /// A tree with groups, whose totals mostly add up and whose cells are mostly there.
        fn table(&mut self) -> (Vec<usize>, Vec<Cell>) {
            let (units, groups) = (1 + self.below(12), 1 + self.below(5));
            let [width, most, own, none, missing, wrong, unknown] =
                [units, 60, 3, 3, 12, 40, 40].map(|most| 1 + self.below(most));
            let parents: Vec<usize> = (0..units).map(|unit| unit.saturating_sub(1 + self.below(width))).collect();
            // Units without any below have people in every group; some others too, and some have people in none.
            let mut people: Vec<Vec<i64>> = Vec::new();
            for unit in 0..units {
                let is_leaf = !parents.iter().skip(unit + 1).any(|parent| *parent == unit);
                let mut people_of = |group: usize| {
                    let is_there = is_leaf || self.below(own) == 0;
                    let is_taken = group != 0 || groups == 1 || self.below(none) == 0;
                    if is_there && is_taken { self.below(most) as i64 } else { 0 }
                };
                people.push((0..groups).map(&mut people_of).collect());
            }
            for unit in (1..units).rev() {
                let below = people[unit].clone();
                people[parents[unit]].iter_mut().zip(below).for_each(|(sum, people)| *sum += people);
            }
            let mut cells = Vec::new();
            for unit in 0..units {
                for group in 0..groups {
                    let whole: i64 = if group == 0 { people[unit].iter().sum() } else { people[unit][group] };
                    let noise = if wrong > 20 && self.below(wrong) == 0 { self.below(5) as i64 - 2 } else { 0 };
                    let people = (unknown < 20 || self.below(unknown) > 0).then_some((whole + noise).max(0));
                    if missing > 9 || self.below(missing * 2) > 0 {
                        cells.push(cell(unit, group, people));
                    }
                }
            }
            if cells.is_empty() {
                cells.push(cell(0, 0, 9));
            }
            (parents, cells)
        }
    }
}
