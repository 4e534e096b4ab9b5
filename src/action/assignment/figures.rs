//! Sums of assignments.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use super::stage::Stage;
use crate::db::types::Timestamp;

/// How many assignments there are, and how far they are. A sum of sums is the sum of the assignments behind them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// All of them.
    pub expected: u64,
    /// At each stage, in the order of [`Stage::ALL`]; together as many as expected.
    stages: [u64; 4],
    /// Late: the day has passed, and they are neither done nor dropped.
    pub overdue: u64,
    /// In progress and silent for too long.
    pub stale: u64,
    /// When one of them was last reported.
    pub last_reported_at: Option<Timestamp>,
}

impl Figures {
    /// As many assignments, of whose stages nothing is known yet.
    pub fn expecting(expected: u64) -> Self {
        Self { expected, ..Self::default() }
    }

    /// Counts assignments at a stage.
    pub fn count(&mut self, stage: Stage, assignments: u64) {
        self.stages[stage as usize] += assignments;
    }

    /// How many are at a stage.
    pub fn at(&self, stage: Stage) -> u64 {
        self.stages[stage as usize]
    }

    /// How many are neither done nor dropped.
    pub fn unfinished(&self) -> u64 {
        self.at(Stage::NotStarted) + self.at(Stage::InProgress)
    }

    /// Whether there are any, and all of them are done or dropped.
    pub fn is_done(&self) -> bool {
        self.expected > 0 && self.unfinished() == 0
    }

    /// Done ÷ (expected − dropped), to four decimals; none where nothing is to be done.
    pub fn share_done(&self) -> Option<f64> {
        let wanted = self.expected.saturating_sub(self.at(Stage::Dropped));
        (wanted > 0).then(|| (self.at(Stage::Done) as f64 / wanted as f64 * 10_000.0).round() / 10_000.0)
    }
}

impl Add for Figures {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        for (stage, more) in self.stages.iter_mut().zip(other.stages) {
            *stage += more;
        }
        self.overdue += other.overdue;
        self.stale += other.stale;
        self.last_reported_at = self.last_reported_at.max(other.last_reported_at);
    }
}

impl Sum for Figures {
    fn sum<I: Iterator<Item = Self>>(figures: I) -> Self {
        figures.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_needs_something_to_be_a_share_of() {
        let figures = |done, dropped, expected| {
            let mut figures = Figures { expected, ..Figures::default() };
            figures.count(Stage::Done, done);
            figures.count(Stage::Dropped, dropped);
            figures.count(Stage::NotStarted, expected - done - dropped);
            figures
        };
        assert_eq!(figures(0, 0, 0).share_done(), None);
        assert_eq!(figures(0, 3, 3).share_done(), None);
        assert_eq!(figures(0, 0, 3).share_done(), Some(0.0));
        assert_eq!(figures(37, 0, 52).share_done(), Some(0.7115));
        assert_eq!((figures(1, 1, 3) + figures(1, 0, 1)).share_done(), Some(0.6667));
        assert!(figures(2, 1, 3).is_done() && !figures(0, 0, 0).is_done());
    }
}
