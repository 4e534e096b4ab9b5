//! The table that the cells of a period make: which numbers are sums of which.

use std::collections::VecDeque;

use super::Cell;

/// Where each cell stands. Cells are numbered by unit, then by group.
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

    /// The total that a unit's cell is part of: that of the nearest unit above that has one. Where a unit between has
    /// none, those below it are counted as parts all the same, since anybody can.
    fn above(&self, cell: &Cell) -> Option<usize> {
        let mut unit = cell.unit;
        // So many steps at most, should the parents go in circles.
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

/// What takes part in equations: a cell or a rest.
pub struct Number {
    /// How many they are; none = unknown.
    pub people: Option<i64>,
    /// Whether it isn't shown. Rests never are.
    pub is_unknown: bool,
    /// Whether nobody may compute it while it isn't shown; a rest of many people they may.
    pub is_secret: bool,
    /// The equations in which it stands.
    pub equations: Vec<usize>,
}

/// A total is the sum of its parts, the rest among them.
pub struct Equation {
    /// The number that is the sum.
    pub total: usize,
    /// The numbers that are added.
    pub parts: Vec<usize>,
    /// How many of its numbers aren't shown.
    pub unknowns: usize,
    /// Whether it has to be looked at together with the others.
    pub is_open: bool,
}

impl Equation {
    /// The parts and the total.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.parts.iter().copied().chain([self.total])
    }
}

/// What a total holds beyond its parts.
#[derive(Clone, Copy, PartialEq)]
enum Rest {
    /// All of it: there are no parts.
    Whole,
    /// Nothing.
    Nothing,
    /// This number.
    Number(usize),
    /// It isn't known, or the parts hold more than the total.
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
    /// Whether it is known what follows from the equations alone.
    pub knows_noughts: bool,
}

impl Table {
    /// The table in which nothing but small cells is hidden.
    pub fn new(grid: &Grid<'_>, least: i64) -> Self {
        let mut table =
            Self { numbers: Vec::new(), equations: Vec::new(), changed: VecDeque::new(), knows_noughts: false };
        for cell in &grid.cells {
            table.add_number(cell.people, cell.is_small(least), true);
        }
        let (by_unit, by_group) = grid.families();
        let units = |parts: &Vec<usize>| parts.iter().map(|part| grid.cells[*part].unit).collect();
        let units: Vec<Vec<usize>> = by_unit.iter().map(units).collect();
        let mut rests = Vec::with_capacity(by_unit.len());
        for (total, parts) in by_unit.into_iter().enumerate() {
            rests.push(table.add_family(total, parts, least));
        }
        for (total, groups) in by_group.into_iter().enumerate() {
            // Who is in a unit of which nothing is known for a group may be in that group all the same.
            if groups.iter().all(|group| units[*group] == units[total]) {
                table.add_rest_of_units(rests[total], &groups, &rests, least);
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

    /// Where the rest isn't known, or negative, it can't be counted on: as if the parts were all.
    fn add_family(&mut self, total: usize, mut parts: Vec<usize>, least: i64) -> Rest {
        if parts.is_empty() {
            return Rest::Whole;
        }
        let rest = self.add_rest(total, &mut parts, least);
        self.add_equation(total, parts);
        rest
    }

    /// Those who are in no unit below are a unit of their own: the rests of its groups make its total.
    fn add_rest_of_units(&mut self, total: Rest, groups: &[usize], rests: &[Rest], least: i64) {
        let Rest::Number(total) = total else { return };
        let mut parts = Vec::new();
        for group in groups {
            match rests[*group] {
                Rest::Nothing => {}
                Rest::Number(rest) => parts.push(rest),
                Rest::Whole | Rest::Unclear => return,
            }
        }
        if !groups.is_empty() && self.add_rest(total, &mut parts, least) != Rest::Unclear {
            self.add_equation(total, parts);
        }
    }

    fn add_rest(&mut self, total: usize, parts: &mut Vec<usize>, least: i64) -> Rest {
        let people = |number: usize| self.numbers[number].people;
        let without = |left: i64, part: &usize| left.checked_sub(people(*part)?);
        match people(total).and_then(|total| parts.iter().try_fold(total, without)) {
            Some(0) => Rest::Nothing,
            Some(people @ 1..) => {
                let rest = self.add_number(Some(people), true, people < least);
                parts.push(rest);
                Rest::Number(rest)
            }
            _ => Rest::Unclear,
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
