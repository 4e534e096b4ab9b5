//! Counts month by month, for a chart.

use chrono::{Days, NaiveDate};

use crate::action::assignment::model::ActionWithAssignees;
use crate::action::assignment::occurrence_counts::{CommitteeCounts, count_by_occurrence};
use crate::action::assignment::report_events::{LatestReports, ReportEvent};
use crate::action::assignment::stage_counts::StageCounts;
use crate::period::{self, Period, Span};

crate::text_enum! {
    /// The days at which a series has points.
    SeriesStep {
        /// The last day of every month.
        Month = "month",
    }
}

/// The counts on a day.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// The day.
    pub on: NaiveDate,
    /// The counts.
    pub counts: StageCounts,
}

/// The last day of every month from that of `first` to that of `last`, of those before `on`; then `on` itself.
pub fn days(first: NaiveDate, last: Option<NaiveDate>, on: NaiveDate) -> Vec<NaiveDate> {
    let month = |day| Period::containing(day, Span::Month);
    let until = last.map_or(on, |last| month(last).last_day().checked_add_days(Days::new(1)).unwrap_or(on).min(on));
    let first = first.max(period::earliest());
    let months = std::iter::successors(Some(month(first)), |month| Some(month.successor()));
    let ends = months.map(Period::last_day).take_while(|end| *end < until);
    ends.chain([on]).collect()
}

/// The counts of actions on some days, from all reports. Days and reports are in order.
pub fn points(
    actions: &[ActionWithAssignees],
    committee_counts: &CommitteeCounts,
    history: &[ReportEvent],
    days: &[NaiveDate],
) -> Vec<Point> {
    let mut latest = LatestReports::default();
    let mut history = history.iter().peekable();
    let mut points = Vec::with_capacity(days.len());
    for on in days {
        while let Some(event) = history.next_if(|event| event.reported_at.day() <= *on) {
            latest.record(*event);
        }
        let counted = count_by_occurrence(actions, committee_counts, latest.count_rows(actions, *on), *on);
        points.push(Point { on: *on, counts: counted.iter().map(|occurrence| occurrence.counts).sum() });
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stand_at_the_ends_of_months_and_on_the_day() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let ends = |first, last: Option<&str>, on| -> Vec<String> {
            days(day(first), last.map(day), day(on)).iter().map(ToString::to_string).collect()
        };
        assert_eq!(ends("2026-01-15", None, "2026-03-10"), ["2026-01-31", "2026-02-28", "2026-03-10"]);
        assert_eq!(ends("2026-01-01", None, "2026-02-28"), ["2026-01-31", "2026-02-28"]);
        assert_eq!(ends("2025-11-01", Some("2025-12-31"), "2026-11-22"), ["2025-11-30", "2025-12-31", "2026-11-22"]);
        assert_eq!(ends("2027-01-01", None, "2026-11-22"), ["2026-11-22"]);
    }
}
