//! Figures month by month, for a chart.

use chrono::{Days, NaiveDate};

use crate::action::assignment::count::{Census, entries};
use crate::action::assignment::figures::Figures;
use crate::action::assignment::history::{Latest, Told};
use crate::action::assignment::model::Addressed;
use crate::period::{self, Period, Span};

crate::text_enum! {
    /// At which days a series has its points.
    SeriesStep {
        /// The last day of every month.
        Month = "month",
    }
}

/// The figures on a day.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// The day.
    pub on: NaiveDate,
    /// The figures.
    pub figures: Figures,
}

/// The last days of the months from the one of `first` on, as far as they lie before `on` and not after the month of
/// `last`; then `on` itself.
pub fn days(first: NaiveDate, last: Option<NaiveDate>, on: NaiveDate) -> Vec<NaiveDate> {
    let month = |day| Period::containing(day, Span::Month);
    let until = last.map_or(on, |last| month(last).last_day().checked_add_days(Days::new(1)).unwrap_or(on).min(on));
    let first = first.max(period::earliest());
    let months = std::iter::successors(Some(month(first)), |month| Some(month.successor()));
    let ends = months.map(Period::last_day).take_while(|end| *end < until);
    ends.chain([on]).collect()
}

/// The figures of actions on some days, in order, told from all that was reported, in order.
pub fn points(actions: &[Addressed], census: &Census, history: &[Told], days: &[NaiveDate]) -> Vec<Point> {
    let mut latest = Latest::default();
    let mut history = history.iter().peekable();
    let mut points = Vec::with_capacity(days.len());
    for on in days {
        while let Some(told) = history.next_if(|told| told.reported_at.day() <= *on) {
            latest.hear(*told);
        }
        let entries = entries(actions, census, latest.cells(actions, *on), *on);
        points.push(Point { on: *on, figures: entries.iter().map(|entry| entry.figures).sum() });
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stand_at_the_ends_of_months_and_on_the_day() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let told = |first, last: Option<&str>, on| -> Vec<String> {
            days(day(first), last.map(day), day(on)).iter().map(ToString::to_string).collect()
        };
        assert_eq!(told("2026-01-15", None, "2026-03-10"), ["2026-01-31", "2026-02-28", "2026-03-10"]);
        assert_eq!(told("2026-01-01", None, "2026-02-28"), ["2026-01-31", "2026-02-28"]);
        assert_eq!(told("2025-11-01", Some("2025-12-31"), "2026-11-22"), ["2025-11-30", "2025-12-31", "2026-11-22"]);
        assert_eq!(told("2027-01-01", None, "2026-11-22"), ["2026-11-22"]);
    }
}
