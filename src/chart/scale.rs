//! The vertical axis: from which number to which it goes, and where its ticks are.

/// An axis with three to five ticks; it begins at the first and ends at the last.
#[derive(Debug, Clone)]
pub struct Scale {
    /// The numbers at the ticks, from the lowest.
    pub ticks: Vec<f64>,
    /// How many decimals it takes to write them.
    pub decimals: i32,
}

/// A distance between ticks, as a decimal number has it: `digits` times ten to the power of `exponent`.
#[derive(Debug, Clone, Copy)]
struct Step {
    digits: u32,
    exponent: i32,
}

/// Finer than this nothing is shown.
const MOST_DECIMALS: i32 = 6;
/// Ten to this power is as far as numbers go.
const LARGEST_EXPONENT: i32 = 15;
/// From the first tick to the last.
const MOST_STEPS: f64 = 4.0;
const FEWEST_STEPS: f64 = 2.0;

impl Scale {
    /// The axis for these numbers; none where there are none. Its ticks have at most so many decimals.
    pub fn for_numbers(numbers: impl IntoIterator<Item = f64>, decimals: Option<i32>) -> Option<Self> {
        let (lowest, highest) = numbers.into_iter().fold(None, |extent, number| match extent {
            None => Some((number, number)),
            Some((lowest, highest)) => Some((number.min(lowest), number.max(highest))),
        })?;
        let (lowest, highest) = stretched(lowest, highest);
        let finest = -decimals.filter(|decimals| *decimals >= 0).unwrap_or(MOST_DECIMALS).min(MOST_DECIMALS);
        let steps = (finest..=LARGEST_EXPONENT).flat_map(|exponent| {
            // Quarters only where they are whole numbers.
            let digits = if exponent > 0 { [10, 20, 25, 50].as_slice() } else { &[10, 20, 50] };
            digits.iter().map(move |digits| Step { digits: *digits, exponent: exponent - 1 })
        });
        for step in steps {
            let (first, last) = (step.below(lowest), step.above(highest));
            if last - first <= MOST_STEPS {
                return Some(step.scale(first, last));
            }
        }
        None
    }

    /// How far up the axis a number is: 0 at the first tick, 1 at the last.
    pub fn share(&self, number: f64) -> f64 {
        match (self.ticks.first(), self.ticks.last()) {
            (Some(first), Some(last)) if last > first => (number - first) / (last - first),
            _ => 0.0,
        }
    }
}

/// The extent of the axis: it includes zero where the numbers are closer to it than to each other, and some room around
/// the numbers where they are all the same.
fn stretched(lowest: f64, highest: f64) -> (f64, f64) {
    let range = highest - lowest;
    let largest = lowest.abs().max(highest.abs());
    if largest == 0.0 {
        (0.0, 1.0)
    } else if range <= largest * 1e-9 {
        (lowest - largest / 20.0, highest + largest / 20.0)
    } else if lowest > 0.0 && lowest <= range {
        (0.0, highest)
    } else if highest < 0.0 && -highest <= range {
        (lowest, 0.0)
    } else {
        (lowest, highest)
    }
}

impl Step {
    /// The last tick that isn't above the number, counted in steps from zero.
    fn below(self, number: f64) -> f64 {
        let steps = number / self.times(1.0);
        // What is a tick but for the rounding of its last bits is that tick.
        let nearest = steps.round();
        if (steps - nearest).abs() < 1e-9 * steps.abs().max(1.0) { nearest } else { steps.floor() }
    }

    /// The first tick that isn't below the number.
    fn above(self, number: f64) -> f64 {
        -self.below(-number)
    }

    fn scale(self, mut first: f64, mut last: f64) -> Scale {
        if last - first < FEWEST_STEPS {
            last += 1.0;
        }
        if last - first < FEWEST_STEPS {
            // Not below zero for numbers that are never negative.
            if first == 0.0 { last += 1.0 } else { first -= 1.0 }
        }
        let ticks = std::iter::successors(Some(first), |tick| Some(tick + 1.0)).take_while(|tick| *tick <= last);
        let is_ten = self.digits.is_multiple_of(10);
        let decimals = -(if is_ten { self.exponent + 1 } else { self.exponent });
        Scale { ticks: ticks.map(|tick| self.times(tick)).collect(), decimals: decimals.max(0) }
    }

    /// A number of steps as a number.
    fn times(self, steps: f64) -> f64 {
        // Powers of ten are exact up to 10^22, so that there is no more than one rounding.
        let power = 10_u64.pow(self.exponent.unsigned_abs()) as f64;
        let steps = steps * f64::from(self.digits);
        if self.exponent < 0 { steps / power } else { steps * power }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(numbers: &[f64], decimals: Option<i32>) -> Vec<f64> {
        Scale::for_numbers(numbers.iter().copied(), decimals).unwrap().ticks
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(&[0.0, 100.0], None), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(ticks(&[3.0, 5.0], None), [3.0, 3.5, 4.0, 4.5, 5.0]);
        assert_eq!(ticks(&[3.9, 4.6], Some(1)), [3.8, 4.0, 4.2, 4.4, 4.6]);
        assert_eq!(ticks(&[71.0, 74.0], Some(0)), [71.0, 72.0, 73.0, 74.0]);
        assert_eq!(ticks(&[0.1, 0.1 + 0.2], None), [0.0, 0.1, 0.2, 0.3]);
        assert_eq!(ticks(&[-3.0, 9.0], None), [-5.0, 0.0, 5.0, 10.0]);
        assert_eq!(ticks(&[12_345.0, 13_000.0], None), [12_200.0, 12_400.0, 12_600.0, 12_800.0, 13_000.0]);
    }

    #[test]
    fn numbers_near_zero_begin_at_zero() {
        assert_eq!(ticks(&[2.0, 4.0], None)[0], 0.0);
        assert_eq!(ticks(&[2.1, 4.0], None)[0], 2.0);
        assert_eq!(ticks(&[-4.0, -1.0], None), [-4.0, -3.0, -2.0, -1.0, 0.0]);
        assert_eq!(ticks(&[-71.0, -70.0], Some(0)), [-71.0, -70.0, -69.0]);
    }

    #[test]
    fn one_number_is_in_the_middle_of_the_ticks() {
        assert_eq!(ticks(&[0.0], None), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(&[0.0], Some(0)), [0.0, 1.0, 2.0]);
        assert_eq!(ticks(&[71.0], None), [65.0, 70.0, 75.0]);
        assert_eq!(ticks(&[3.0, 3.0, 3.0], Some(0)), [2.0, 3.0, 4.0]);
        assert_eq!(ticks(&[-3.0], Some(0)), [-4.0, -3.0, -2.0]);
        assert_eq!(ticks(&[1e-9], None), [0.0, 0.000_001, 0.000_002]);
    }

    #[test]
    fn whatever_is_stored_gets_three_to_five_ticks_around_it() {
        assert!(Scale::for_numbers([], None).is_none());
        let sizes = [0.0, 1e-300, 1e-7, 0.003, 0.1, 0.29, 1.0, 4.2, 7.0, 99.0, 1234.5, 98_765_432.1, 1e12, 1e15];
        let numbers: Vec<f64> = sizes.iter().flat_map(|size| [*size, -size]).collect();
        for one in &numbers {
            for other in &numbers {
                for decimals in [None, Some(-1), Some(0), Some(1), Some(2), Some(6), Some(99)] {
                    let scale = Scale::for_numbers([*one, *other, *one], decimals).unwrap();
                    let context = format!("{one} and {other} with {decimals:?}: {scale:?}");
                    assert!((3..=5).contains(&scale.ticks.len()), "{context}");
                    assert!(scale.ticks.is_sorted_by(|one, other| one < other), "{context}");
                    assert!(scale.decimals <= decimals.filter(|most| *most >= 0).unwrap_or(6).min(6), "{context}");
                    for number in [one, other] {
                        assert!((-1e-6..=1.0 + 1e-6).contains(&scale.share(*number)), "{context}");
                    }
                    for tick in &scale.ticks {
                        let places = usize::try_from(scale.decimals).unwrap();
                        let read: f64 = format!("{tick:.places$}").parse().unwrap();
                        assert!((read - tick).abs() <= tick.abs() * 1e-12, "{context}");
                    }
                    if one.min(*other) >= 0.0 {
                        assert!(scale.ticks[0] >= 0.0, "{context}");
                    }
                }
            }
        }
    }
}
