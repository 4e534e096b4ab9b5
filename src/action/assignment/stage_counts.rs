//! Assignments counted by stage.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use super::stage::Stage;
use crate::db::types::Timestamp;

/// Assignments, counted by stage. Counts of disjoint sets of assignments can be added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageCounts {
    /// All of them.
    pub expected: u64,
    /// At each stage, in the order of [`Stage::ALL`]; together as many as expected.
    stages: [u64; 4],
    /// Past their last day, and neither done nor dropped.
    pub overdue: u64,
    /// In progress, and not reported on for too long.
    pub stale: u64,
    /// When one of them was last reported.
    pub last_reported_at: Option<Timestamp>,
}

impl StageCounts {
    /// Assignments whose stages are counted later.
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

    /// Done ÷ (expected − dropped), to four decimals; none if nothing is to be done.
    pub fn share_done(&self) -> Option<f64> {
        let pursued = self.expected.saturating_sub(self.at(Stage::Dropped));
        (pursued > 0).then(|| (self.at(Stage::Done) as f64 / pursued as f64 * 10_000.0).round() / 10_000.0)
    }
}

impl Add for StageCounts {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl AddAssign for StageCounts {
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

impl Sum for StageCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_needs_something_to_be_a_share_of() {
        let counts = |done, dropped, expected| {
            let mut counts = StageCounts { expected, ..StageCounts::default() };
            counts.count(Stage::Done, done);
            counts.count(Stage::Dropped, dropped);
            counts.count(Stage::NotStarted, expected - done - dropped);
            counts
        };
        assert_eq!(counts(0, 0, 0).share_done(), None);
        assert_eq!(counts(0, 3, 3).share_done(), None);
        assert_eq!(counts(0, 0, 3).share_done(), Some(0.0));
        assert_eq!(counts(37, 0, 52).share_done(), Some(0.7115));
        assert_eq!((counts(1, 1, 3) + counts(1, 0, 1)).share_done(), Some(0.6667));
        assert!(counts(2, 1, 3).is_done() && !counts(0, 0, 0).is_done());
    }
}
