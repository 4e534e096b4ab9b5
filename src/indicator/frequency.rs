//! How often an indicator is measured.

use chrono::Datelike;

use crate::period::{Period, Span};

crate::text_enum! {
    /// How often it is measured, which decides what its periods look like.
    Frequency {
        /// Once, or now and then: any period.
        Once = "once",
        /// Every month: `2024-05`.
        Month = "month",
        /// Every quarter: `2024-Q2`.
        Quarter = "quarter",
        /// Every half-year: `2024-H1`.
        HalfYear = "half_year",
        /// Every year: `2024`.
        Year = "year",
        /// Every second year: `2023`, `2025`; the first value says which ones.
        Biennium = "biennium",
    }
}

impl Frequency {
    /// How long its periods are; none = any length.
    pub fn span(self) -> Option<Span> {
        match self {
            Self::Once => None,
            Self::Month => Some(Span::Month),
            Self::Quarter => Some(Span::Quarter),
            Self::HalfYear => Some(Span::HalfYear),
            Self::Year | Self::Biennium => Some(Span::Year),
        }
    }

    /// Whether something measured this often has a value of its own for `period`. `first` is a year in which something
    /// was measured every second year.
    pub fn takes(self, period: Period, first: Option<Period>) -> bool {
        let fits = self.span().is_none_or(|span| span == period.span());
        let year = |period: Period| period.first_day().year();
        let in_turn = self != Self::Biennium || first.is_none_or(|first| (year(period) - year(first)) % 2 == 0);
        fits && in_turn
    }

    /// What a period that isn't taken is answered with.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Once => "write any period",
            Self::Month => "it is measured every month: write one such as 2024-05",
            Self::Quarter => "it is measured every quarter: write one such as 2024-Q2",
            Self::HalfYear => "it is measured every half-year: write one such as 2024-H1",
            Self::Year => "it is measured every year: write one such as 2024",
            Self::Biennium => "it is measured every second year: write one of the years in turn",
        }
    }

    /// The period of this frequency that ends with `period`: by which a target for it is judged. None where `period`
    /// is shorter than one of those, or any will do.
    pub fn last_within(self, period: Period) -> Option<Period> {
        let last = Period::containing(period.last_day(), self.span()?);
        period.contains(last).then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Period {
        text.parse().unwrap()
    }

    #[test]
    fn frequencies_take_their_own_periods() {
        for (frequency, taken, refused) in [
            (Frequency::Month, "2024-05", "2024"),
            (Frequency::Quarter, "2024-Q2", "2024-05"),
            (Frequency::HalfYear, "2024-H1", "2024-Q1"),
            (Frequency::Year, "2024", "2024-H1"),
            (Frequency::Biennium, "2024", "2024-01"),
        ] {
            assert!(frequency.takes(period(taken), None), "{taken}");
            assert!(!frequency.takes(period(refused), None), "{refused}");
        }
        assert!(Frequency::Once.takes(period("2024-05-17"), None));
        assert!(Frequency::Biennium.takes(period("2025"), Some(period("2021"))));
        assert!(!Frequency::Biennium.takes(period("2024"), Some(period("2021"))));
        assert!(!Frequency::Biennium.takes(period("2020"), Some(period("2021"))));
    }

    #[test]
    fn a_target_is_judged_by_the_last_period_in_it() {
        assert_eq!(Frequency::Month.last_within(period("2025")), Some(period("2025-12")));
        assert_eq!(Frequency::Year.last_within(period("2025")), Some(period("2025")));
        assert_eq!(Frequency::Year.last_within(period("2025-H1")), None);
        assert_eq!(Frequency::Once.last_within(period("2025")), None);
    }
}
