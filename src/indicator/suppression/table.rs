//! The cells of a period as a table of equations: which numbers are sums of which.

use std::collections::VecDeque;

use super::Cell;

/// The cells by unit and group, numbered in this order.
pub struct Grid<'a> {
    parents: &'a [usize],
    groups: usize,
    /// The number of the cell at each unit and group.
    places: Vec<Option<usize>>,
    /// The cells by number.
    cells: Vec<Cell>,
    /// The number of each cell, in the order in which they came.
    pub numbers: Vec<usize>,
}

impl<'a> Grid<'a> {
    /// The grid of cells that come in any order.
    pub fn new(parents: &'a [usize], cells: &[Cell]) -> Self {
        let units = cells.iter().map(|cell| cell.unit + 1).max().unwrap_or_default();
        let groups = cells.iter().map(|cell| cell.group + 1).max().unwrap_or_default();
        let mut grid =
            Self { parents, groups, places: vec![None; units * groups], cells: Vec::new(), numbers: Vec::new() };
        for (n, cell) in cells.iter().enumerate() {
            grid.places[cell.unit * groups + cell.group] = Some(n);
        }
        grid.numbers = vec![0; cells.len()];
        for place in grid.places.iter_mut().flatten() {
            grid.numbers[*place] = grid.cells.len();
            grid.cells.push(cells[*place]);
            *place = grid.cells.len() - 1;
        }
        grid
    }

    fn at(&self, unit: usize, group: usize) -> Option<usize> {
        self.places.get(unit * self.groups + group).copied().flatten()
    }

    /// The total that a cell is part of: that of the nearest unit above with a cell. Units in between without one are
    /// skipped, as anybody can do.
    fn above(&self, cell: &Cell) -> Option<usize> {
        let mut unit = cell.unit;
        // At most this many steps, in case the parents form a cycle.
        for _ in 0..=self.parents.len() {
            if unit == 0 {
                return None;
            }
            unit = self.parents.get(unit).copied().unwrap_or_default();
            if let Some(total) = self.at(unit, cell.group).filter(|_| unit != cell.unit) {
                return Some(total);
            }
        }
        None
    }

    /// The parts of each cell among units, and among groups.
    fn families(&self) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let mut by_unit = vec![Vec::new(); self.cells.len()];
        let mut by_group = by_unit.clone();
        for (number, cell) in self.cells.iter().enumerate() {
            let is_part = |total: &usize| !(cell.is_left_out && self.cells[*total].is_aggregate);
            if let Some(total) = self.above(cell).filter(is_part) {
                by_unit[total].push(number);
            }
            if let Some(total) = self.at(cell.unit, 0).filter(|_| cell.group != 0) {
                by_group[total].push(number);
            }
        }
        (by_unit, by_group)
    }
}

/// An operand of equations: a cell or a remainder.
pub struct Number {
    /// How many they are; none = unknown.
    pub people: Option<i64>,
    /// Whether it isn't shown. Remainders never are.
    pub is_unknown: bool,
    /// Whether nobody may compute it while it isn't shown. A remainder of many people may be computed.
    pub is_secret: bool,
    /// The equations in which it stands.
    pub equations: Vec<usize>,
}

/// A total is the sum of its parts; the remainder is one of them.
pub struct Equation {
    /// The number that is the sum.
    pub total: usize,
    /// The numbers that are added.
    pub parts: Vec<usize>,
    /// How many of its numbers aren't shown.
    pub unknowns: usize,
    /// Whether it has to be checked together with the others.
    pub is_open: bool,
}

impl Equation {
    /// The parts and the total.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.parts.iter().copied().chain([self.total])
    }
}

/// What a total has beyond its parts.
#[derive(Clone, Copy, PartialEq)]
enum Remainder {
    /// All of it: there are no parts.
    Whole,
    /// Nothing.
    Nothing,
    /// This number.
    Number(usize),
    /// Unknown, or the parts have more than the total.
    Unclear,
}

/// All numbers of a period, first those of cells, and the equations between them.
pub struct Table {
    /// The numbers.
    pub numbers: Vec<Number>,
    /// The equations.
    pub equations: Vec<Equation>,
    /// Equations in which something was hidden; first all.
    pub changed: VecDeque<usize>,
    /// Whether cells that are about nobody have been released.
    pub knows_zeros: bool,
}

impl Table {
    /// The table in which nothing but small cells is hidden.
    pub fn new(grid: &Grid<'_>, least: i64) -> Self {
        let mut table =
            Self { numbers: Vec::new(), equations: Vec::new(), changed: VecDeque::new(), knows_zeros: false };
        for cell in &grid.cells {
            table.add_number(cell.people, cell.is_small(least), true);
        }
        let (by_unit, by_group) = grid.families();
        let units = |parts: &Vec<usize>| parts.iter().map(|part| grid.cells[*part].unit).collect();
        let units: Vec<Vec<usize>> = by_unit.iter().map(units).collect();
        let mut remainders = Vec::with_capacity(by_unit.len());
        for (total, parts) in by_unit.into_iter().enumerate() {
            remainders.push(table.add_family(total, parts, least));
        }
        for (total, groups) in by_group.into_iter().enumerate() {
            // If a unit has no value for a group, its people may still be in that group: then nothing adds up.
            if groups.iter().all(|group| units[*group] == units[total]) {
                table.add_remainder_of_units(remainders[total], &groups, &remainders, least);
            }
            table.add_family(total, groups, least);
        }
        table.changed.extend(0..table.equations.len());
        table
    }

    fn add_number(&mut self, people: Option<i64>, is_unknown: bool, is_secret: bool) -> usize {
        self.numbers.push(Number { people, is_unknown, is_secret, equations: Vec::new() });
        self.numbers.len() - 1
    }

    /// Adds a total with its parts. An unknown or negative remainder is left out, as if the parts were all.
    fn add_family(&mut self, total: usize, mut parts: Vec<usize>, least: i64) -> Remainder {
        if parts.is_empty() {
            return Remainder::Whole;
        }
        let remainder = self.add_remainder(total, &mut parts, least);
        self.add_equation(total, parts);
        remainder
    }

    /// People in no unit below count as a unit of their own: the remainders of its groups add up to its total.
    fn add_remainder_of_units(&mut self, total: Remainder, groups: &[usize], remainders: &[Remainder], least: i64) {
        let Remainder::Number(total) = total else { return };
        let mut parts = Vec::new();
        for group in groups {
            match remainders[*group] {
                Remainder::Nothing => {}
                Remainder::Number(remainder) => parts.push(remainder),
                Remainder::Whole | Remainder::Unclear => return,
            }
        }
        if !groups.is_empty() && self.add_remainder(total, &mut parts, least) != Remainder::Unclear {
            self.add_equation(total, parts);
        }
    }

    fn add_remainder(&mut self, total: usize, parts: &mut Vec<usize>, least: i64) -> Remainder {
        let people = |number: usize| self.numbers[number].people;
        let without = |left: i64, part: &usize| left.checked_sub(people(*part)?);
        match people(total).and_then(|total| parts.iter().try_fold(total, without)) {
            Some(0) => Remainder::Nothing,
            Some(people @ 1..) => {
                let remainder = self.add_number(Some(people), true, people < least);
                parts.push(remainder);
                Remainder::Number(remainder)
            }
            _ => Remainder::Unclear,
        }
    }

    fn add_equation(&mut self, total: usize, parts: Vec<usize>) {
        let mut equation = Equation { total, parts, unknowns: 0, is_open: true };
        equation.unknowns = equation.numbers().filter(|number| self.numbers[*number].is_unknown).count();
        for number in equation.numbers() {
            self.numbers[number].equations.push(self.equations.len());
        }
        self.equations.push(equation);
    }
}
