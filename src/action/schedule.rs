//! When an action is to be done: its occurrences, from its dates, its strategy's dates and its cancellation.
//!
//! An occurrence is a calendar period of the action's recurrence. An action that is done once has a single occurrence.

use chrono::{Days, Months, NaiveDate};

use super::model::Recurrence;
use crate::date_range::DateRange;
use crate::period::{self, Period};

/// The period of an occurrence as a column: empty for an action that is done once.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct StoredPeriod(pub Option<Period>);

impl std::fmt::Display for StoredPeriod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |period| period.fmt(f))
    }
}

impl std::str::FromStr for StoredPeriod {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Ok(Self(None)),
            period => period.parse().map(|period| Self(Some(period))),
        }
    }
}

crate::stored_as_text!(StoredPeriod);

/// The dates that decide when an action is to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Schedule {
    /// How often; none = once.
    pub recurrence: Option<Recurrence>,
    /// The action's first day, else its strategy's.
    pub starts_on: Option<NaiveDate>,
    /// The day by which the action is done, else its strategy's last.
    pub ends_on: Option<NaiveDate>,
    /// The day from which it is no longer pursued.
    pub cancelled_on: Option<NaiveDate>,
}

/// One time that an action is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// Its calendar period, of two years the first; none = the action is done once.
    pub period: Option<Period>,
    /// Its first day; none = since ever.
    pub starts_on: Option<NaiveDate>,
    /// The day by which it is done; none = no day was set.
    pub due_on: Option<NaiveDate>,
    /// The last day on which it is decided who has to do it; none = open.
    closes_on: Option<NaiveDate>,
    /// The day from which its action is no longer pursued.
    cancelled_on: Option<NaiveDate>,
}

impl Occurrence {
    /// The day on which a committee or unit has to exist to be assigned the occurrence, seen from `on`.
    pub fn reference_day(&self, on: NaiveDate) -> NaiveDate {
        self.closes_on.map_or(on, |last| last.min(on))
    }

    /// Whether it is still running on `on`. It must have begun by then.
    pub fn is_running(&self, on: NaiveDate) -> bool {
        self.closes_on.is_none_or(|last| on <= last)
    }

    /// Whether an assignment that isn't done or dropped by `on` is late. It never is if the action was cancelled before
    /// the due date.
    pub fn is_overdue(&self, on: NaiveDate) -> bool {
        let was_called_off =
            |due: NaiveDate| self.cancelled_on.is_some_and(|cancelled| cancelled <= on && cancelled <= due);
        self.due_on.is_some_and(|due| due < on && !was_called_off(due))
    }

    /// Cuts the dates of a committee to those that matter to this occurrence: days before its first or after its last
    /// never do. None if the committee and the occurrence have no day in common.
    pub fn cut(&self, exists: DateRange) -> Option<DateRange> {
        let starts_on = exists.starts_on.filter(|first| self.starts_on.is_none_or(|begin| *first > begin));
        let ends_on = exists.ends_on.filter(|last| self.closes_on.is_none_or(|end| *last < end));
        let comes_too_late = starts_on.zip(self.closes_on).is_some_and(|(first, end)| first > end);
        let went_too_early = ends_on.zip(self.starts_on).is_some_and(|(last, begin)| last < begin);
        (!comes_too_late && !went_too_early && !exists.is_called_off()).then_some(DateRange { starts_on, ends_on })
    }
}

impl Schedule {
    /// From an action's own first, due and cancellation day, and its strategy's first and last day.
    pub fn new(
        recurrence: Option<Recurrence>,
        (starts_on, due_on, cancelled_on): (Option<NaiveDate>, Option<NaiveDate>, Option<NaiveDate>),
        (first, last): (Option<NaiveDate>, Option<NaiveDate>),
    ) -> Self {
        Self { recurrence, starts_on: starts_on.or(first), ends_on: due_on.or(last), cancelled_on }
    }

    /// The last day on which something may begin.
    fn closes_on(&self) -> Option<NaiveDate> {
        let before_cancellation = self.cancelled_on.map(|day| day.pred_opt().unwrap_or(day));
        [self.ends_on, before_cancellation].into_iter().flatten().min()
    }

    /// The occurrences that have begun by `on`, in order.
    pub fn occurrences(&self, on: NaiveDate) -> Vec<Occurrence> {
        let last = self.closes_on().map_or(on, |last| last.min(on));
        if self.starts_on.is_some_and(|first| first > last) {
            return Vec::new();
        }
        let Some(recurrence) = self.recurrence else { return vec![self.once()] };
        // What recurs has a first day: an action without one is refused.
        let Some(first) = self.starts_on else { return Vec::new() };
        let mut occurrences = Vec::new();
        let mut period = Period::containing(first, recurrence.span());
        while period.first_day() <= last {
            occurrences.push(self.recurring(recurrence, period, first));
            period = recurrence.following(period);
        }
        occurrences
    }

    /// The occurrence of a period, or the only one, whether it has begun or not.
    pub fn at(&self, period: Option<Period>) -> Option<Occurrence> {
        let begun = [self.starts_on, period.map(Period::first_day)].into_iter().flatten().max();
        // Later periods can't occur in a request.
        let occurrences = self.occurrences(begun.map_or(NaiveDate::MIN, |day| day.min(period::latest())));
        occurrences.into_iter().find(|occurrence| occurrence.period == period)
    }

    /// The occurrence of a report; no period if the action is done once. The error says why there is none, or none yet.
    pub fn occurrence(&self, period: Option<Period>, today: NaiveDate) -> Result<Occurrence, String> {
        let begun = self.occurrences(today);
        if let Some(found) = begun.iter().find(|occurrence| occurrence.period == period) {
            return Ok(*found);
        }
        if let (Some(first), Some(last)) = (self.starts_on, self.closes_on())
            && last < first
        {
            let reason = if self.cancelled_on.is_some_and(|day| day <= first) { " it was cancelled," } else { "" };
            return Err(format!(
                "the action is never to be done:{reason} its first day {first} comes after its last, {last}"
            ));
        }
        Err(match (self.recurrence, period) {
            (None, Some(_)) => "the action is done once: leave it out".to_owned(),
            (None, None) => "the action has not begun: report it from its first day on".to_owned(),
            (Some(recurrence), None) => {
                let now = begun.last().and_then(|occurrence| occurrence.period);
                let example = now.unwrap_or_else(|| Period::containing(today, recurrence.span()));
                format!("is missing: the action recurs, so write which time is meant, such as {example}")
            }
            (Some(_), Some(period)) => match (begun.first(), begun.last()) {
                (Some(Occurrence { period: Some(first), .. }), Some(Occurrence { period: Some(last), .. })) => format!(
                    "'{period}' is no time at which the action was to be done: so far those go from {first} to {last}"
                ),
                _ => format!("'{period}' has not begun: the action begins later"),
            },
        })
    }

    fn once(&self) -> Occurrence {
        Occurrence {
            period: None,
            starts_on: self.starts_on,
            due_on: self.ends_on,
            closes_on: self.closes_on(),
            cancelled_on: self.cancelled_on,
        }
    }

    fn recurring(&self, recurrence: Recurrence, period: Period, first: NaiveDate) -> Occurrence {
        let next = recurrence.following(period).first_day();
        let last = next.pred_opt().unwrap_or(next);
        Occurrence {
            period: Some(period),
            starts_on: Some(period.first_day().max(first)),
            due_on: Some(last),
            closes_on: Some(last),
            cancelled_on: self.cancelled_on,
        }
    }

    /// Whether work in progress that was last reported on `reported_on` is stale on `on`.
    pub fn is_stale(&self, reported_on: NaiveDate, on: NaiveDate) -> bool {
        reported_on < stale_before(self.recurrence, on)
    }
}

/// For how many days an action that is done once may go without a report.
const MAX_SILENCE_DAYS: u64 = 365;

/// What was last reported before this day is stale on `on`. The limit is the time until the action recurs, or
/// `MAX_SILENCE_DAYS`.
pub fn stale_before(recurrence: Option<Recurrence>, on: NaiveDate) -> NaiveDate {
    let Some(recurrence) = recurrence else {
        return on.checked_sub_days(Days::new(MAX_SILENCE_DAYS)).unwrap_or(NaiveDate::MIN);
    };
    // Months have different lengths: of several days that lead to the same one, the first that reaches `on` counts.
    let months = Months::new(recurrence.months());
    let reaches = |day: NaiveDate| day.checked_add_months(months).is_none_or(|until| until >= on);
    let mut day = on.checked_sub_months(months).unwrap_or(NaiveDate::MIN);
    while !reaches(day) {
        day = day.succ_opt().unwrap_or(on);
    }
    while let Some(before) = day.pred_opt().filter(|before| reaches(*before)) {
        day = before;
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn names(schedule: Schedule, on: &str) -> Vec<String> {
        schedule.occurrences(day(on)).iter().map(|o| o.period.map_or("once".into(), |p| p.to_string())).collect()
    }

    fn schedule(recurrence: Option<Recurrence>, starts_on: &str, ends_on: &str) -> Schedule {
        Schedule { recurrence, starts_on: Some(day(starts_on)), ends_on: Some(day(ends_on)), cancelled_on: None }
    }

    #[test]
    fn what_recurs_has_an_occurrence_for_each_period_that_has_begun() {
        let half_yearly = schedule(Some(Recurrence::HalfYearly), "2024-01-01", "2025-12-31");
        assert_eq!(names(half_yearly, "2025-07-01"), ["2024-H1", "2024-H2", "2025-H1", "2025-H2"]);
        assert_eq!(names(half_yearly, "2025-06-30"), ["2024-H1", "2024-H2", "2025-H1"]);
        assert_eq!(names(half_yearly, "2031-01-01").len(), 4);
        assert!(names(half_yearly, "2023-12-31").is_empty());
        let late = schedule(Some(Recurrence::Yearly), "2024-08-15", "2026-02-01");
        assert!(names(late, "2024-08-14").is_empty());
        assert_eq!(names(late, "2026-01-01"), ["2024", "2025", "2026"]);
        let biennial = schedule(Some(Recurrence::Biennial), "2025-03-01", "2028-12-31");
        assert_eq!(names(biennial, "2028-01-01"), ["2025", "2027"]);
        assert_eq!(biennial.occurrences(day("2026-12-31"))[0].due_on, Some(day("2026-12-31")));
    }

    #[test]
    fn a_cancellation_ends_what_has_not_begun() {
        let cancelled = |on: &str| Schedule {
            cancelled_on: Some(day(on)),
            ..schedule(Some(Recurrence::Quarterly), "2025-01-01", "2025-12-31")
        };
        assert_eq!(names(cancelled("2025-04-01"), "2025-12-31"), ["2025-Q1"]);
        assert_eq!(names(cancelled("2025-04-02"), "2025-12-31"), ["2025-Q1", "2025-Q2"]);
        assert!(names(cancelled("2025-01-01"), "2025-12-31").is_empty());
        let second = cancelled("2025-05-01").occurrences(day("2025-12-31"))[1];
        assert!(!second.is_overdue(day("2025-12-31")), "it was called off before it was due");
        let first = cancelled("2025-05-01").occurrences(day("2025-12-31"))[0];
        assert!(first.is_overdue(day("2025-04-01")) && !first.is_overdue(day("2025-03-31")));
    }

    #[test]
    fn silence_is_measured_from_the_report_on() {
        for (recurrence, reported, stale_from) in [
            (Some(Recurrence::Monthly), "2025-02-28", "2025-03-29"),
            (Some(Recurrence::Monthly), "2025-01-31", "2025-03-01"),
            (Some(Recurrence::HalfYearly), "2025-08-31", "2026-03-01"),
            (None, "2025-01-01", "2026-01-02"),
        ] {
            let schedule = Schedule { recurrence, ..Schedule::default() };
            let from = day(stale_from);
            assert!(schedule.is_stale(day(reported), from), "{reported} {stale_from}");
            assert!(!schedule.is_stale(day(reported), from.pred_opt().unwrap()), "{reported} {stale_from}");
        }
    }

    #[test]
    fn a_lifetime_is_cut_to_what_matters() {
        let occurrence =
            schedule(Some(Recurrence::HalfYearly), "2025-01-01", "2025-12-31").occurrences(day("2025-06-01"))[0];
        let cut = |starts_on: &str, ends_on: &str| {
            let exists = DateRange { starts_on: starts_on.parse().ok(), ends_on: ends_on.parse().ok() };
            occurrence.cut(exists)
        };
        assert_eq!(cut("1999-01-01", "2025-06-30"), Some(DateRange::default()));
        assert_eq!(cut("2025-02-01", "2025-03-31"), cut("2025-02-01", "2025-03-31"));
        assert_eq!(cut("2025-02-01", "").and_then(|cut| cut.starts_on), Some(day("2025-02-01")));
        assert_eq!(cut("2025-07-01", ""), None);
        assert_eq!(cut("", "2024-12-31"), None);
        assert_eq!(cut("2025-03-02", "2025-03-01"), None, "called off");
    }
}
