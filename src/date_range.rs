//! The days on which something exists: a unit, a committee, a membership, a strategy.

use chrono::NaiveDate;

/// A first and a last day, both inclusive. None is open: since ever, or without end.
///
/// It is read from two columns of a query as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, diesel::Queryable)]
pub struct DateRange {
    /// First day, inclusive.
    pub starts_on: Option<NaiveDate>,
    /// Last day, inclusive.
    pub ends_on: Option<NaiveDate>,
}

impl DateRange {
    /// From the first to the last day.
    pub const fn new(starts_on: Option<NaiveDate>, ends_on: Option<NaiveDate>) -> Self {
        Self { starts_on, ends_on }
    }

    /// Whether `day` lies within.
    pub fn contains(self, day: NaiveDate) -> bool {
        self.starts_on.is_none_or(|first| first <= day) && self.ends_on.is_none_or(|last| day <= last)
    }

    /// The days that both have in common. It is called off where there is none.
    pub fn intersection(self, other: Self) -> Self {
        Self {
            starts_on: self.starts_on.into_iter().chain(other.starts_on).max(),
            ends_on: self.ends_on.into_iter().chain(other.ends_on).min(),
        }
    }

    /// The shortest range that holds both. What is open on one side is taken from the other one.
    pub fn span(self, other: Self) -> Self {
        Self {
            starts_on: self.starts_on.into_iter().chain(other.starts_on).min(),
            ends_on: self.ends_on.into_iter().chain(other.ends_on).max(),
        }
    }

    /// Whether both have a day in common.
    pub fn overlaps(self, other: Self) -> bool {
        !self.is_called_off() && !other.is_called_off() && !self.intersection(other).is_called_off()
    }

    /// Whether it holds no day at all, because it ends before it begins: what was called off before it started.
    pub fn is_called_off(self) -> bool {
        self.starts_on.zip(self.ends_on).is_some_and(|(first, last)| last < first)
    }

    /// Whether it has ended by `today`: its last day has passed, or it was called off.
    pub fn is_over(self, today: NaiveDate) -> bool {
        self.ends_on.is_some_and(|last| last < today) || self.is_called_off()
    }

    /// Whether it holds a day before the first, or after the last day of `other`.
    pub fn reaches_beyond(self, other: Self) -> bool {
        let begins_earlier = other.starts_on.is_some_and(|first| self.starts_on.is_none_or(|own| own < first));
        let ends_later = other.ends_on.is_some_and(|last| self.ends_on.is_none_or(|own| last < own));
        begins_earlier || ends_later
    }
}

/// SQL for the rows of a table that exist on a day: [`DateRange::contains`] of `starts_on` and `ends_on`.
#[macro_export]
macro_rules! exists_on {
    ($table:ident, $day:expr) => {
        $table::starts_on
            .is_null()
            .or($table::starts_on.le($day))
            .and($table::ends_on.is_null().or($table::ends_on.ge($day)))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: &str, last: &str) -> DateRange {
        DateRange::new(first.parse().ok(), last.parse().ok())
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn first_and_last_day_are_inclusive() {
        let january = range("2026-01-01", "2026-01-31");
        assert!(january.contains(day("2026-01-01")) && january.contains(day("2026-01-31")));
        assert!(!january.contains(day("2025-12-31")) && !january.contains(day("2026-02-01")));
        assert!(DateRange::default().contains(day("1900-01-01")));
        assert!(!january.is_over(day("2026-01-31")) && january.is_over(day("2026-02-01")));
    }

    #[test]
    fn a_range_that_ends_before_it_begins_holds_no_day() {
        let called_off = range("2026-02-01", "2026-01-31");
        assert!(called_off.is_called_off() && called_off.is_over(day("2000-01-01")));
        assert!(!called_off.overlaps(DateRange::default()) && !DateRange::default().overlaps(called_off));
    }

    #[test]
    fn ranges_overlap_where_they_share_a_day() {
        let spring = range("2026-03-01", "2026-05-31");
        assert!(spring.overlaps(range("2026-05-31", "")) && spring.overlaps(range("", "2026-03-01")));
        assert!(!spring.overlaps(range("2026-06-01", "")) && !spring.overlaps(range("", "2026-02-28")));
        assert_eq!(spring.intersection(range("2026-04-01", "")), range("2026-04-01", "2026-05-31"));
        assert_eq!(spring.span(range("", "2026-12-31")), range("2026-03-01", "2026-12-31"));
    }

    #[test]
    fn a_range_reaches_beyond_another_at_either_end() {
        let spring = range("2026-03-01", "2026-05-31");
        assert!(!spring.reaches_beyond(spring) && !spring.reaches_beyond(DateRange::default()));
        assert!(!range("2026-04-01", "2026-05-01").reaches_beyond(spring));
        assert!(range("", "2026-05-31").reaches_beyond(spring) && range("2026-03-01", "").reaches_beyond(spring));
        assert!(range("2026-03-01", "2026-06-01").reaches_beyond(spring));
    }
}
