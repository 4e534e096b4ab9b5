//! Which unknowns a system of linear equations determines. Computed modulo a prime, so that nothing is rounded.

use std::collections::BTreeSet;

/// The prime 2^61 - 1: two residues multiply within 128 bits. Sums and differences of cells don't produce fractions
/// with such a denominator by accident, so what is determined here is determined for real numbers too.
const PRIME: u64 = (1 << 61) - 1;

/// The factor of a term that is added.
pub const PLUS: u64 = 1;

/// The factor of a term that is subtracted.
pub const MINUS: u64 = PRIME - 1;

/// The terms of an equation: unknown and factor, by unknown, each at most once.
pub type EquationTerms = Vec<(usize, u64)>;

/// Whether each of the unknowns is determined by equations whose constant side is known.
///
/// An unknown is determined if it is zero in every solution of the homogeneous equations: otherwise any multiple of
/// such a solution can be added, and the equations still hold. One random solution is enough. Where it isn't zero, the
/// unknown is surely free. Where it is zero by chance (once in 2^61), the unknown counts as determined, which errs on
/// the side of hiding.
pub fn determined(mut equations: Vec<EquationTerms>, unknowns: usize) -> Vec<bool> {
    let mut holders: Vec<Vec<usize>> = vec![Vec::new(); unknowns];
    for (equation, terms) in equations.iter().enumerate() {
        terms.iter().for_each(|(unknown, _)| holders[*unknown].push(equation));
    }
    // The unknown in the fewest equations is eliminated first, which keeps the equations short.
    let mut queue: BTreeSet<(usize, usize)> = (0..unknowns).map(|unknown| (holders[unknown].len(), unknown)).collect();
    let mut solved: Vec<(usize, EquationTerms)> = Vec::new();
    while let Some((_, unknown)) = queue.pop_first() {
        let mut others = std::mem::take(&mut holders[unknown]);
        // An unknown that is in no equation any more is free.
        let Some(shortest) = (0..others.len()).min_by_key(|n| (equations[others[*n]].len(), others[*n])) else {
            continue;
        };
        let equation = others.swap_remove(shortest);
        let terms = std::mem::take(&mut equations[equation]);
        let rest = || terms.iter().map(|term| term.0).filter(|other| *other != unknown);
        for other in rest() {
            queue.remove(&(holders[other].len(), other));
            holders[other].retain(|holder| *holder != equation);
        }
        let inverse = power(factor(&terms, unknown), PRIME - 2);
        for other in others {
            let by = minus(times(factor(&equations[other], unknown), inverse));
            equations[other] = sum(&equations[other], &terms, by);
            for unknown in rest() {
                let stands = equations[other].binary_search_by_key(&unknown, |term| term.0).is_ok();
                match (holders[unknown].iter().position(|holder| *holder == other), stands) {
                    (Some(place), false) => _ = holders[unknown].swap_remove(place),
                    (None, true) => holders[unknown].push(other),
                    _ => {}
                }
            }
        }
        queue.extend(rest().map(|other| (holders[other].len(), other)));
        solved.push((unknown, terms));
    }
    let mut solution: Vec<u64> = (0..unknowns as u64).map(random).collect();
    for (unknown, terms) in solved.iter().rev() {
        solution[*unknown] = 0;
        let rest = terms.iter().fold(0, |sum, (other, by)| plus(sum, times(*by, solution[*other])));
        solution[*unknown] = minus(times(rest, power(factor(terms, *unknown), PRIME - 2)));
    }
    solution.into_iter().map(|value| value == 0).collect()
}

/// The factor of an unknown.
fn factor(terms: &EquationTerms, unknown: usize) -> u64 {
    terms.binary_search_by_key(&unknown, |term| term.0).map_or(0, |place| terms[place].1)
}

/// An equation with a multiple of another added to it.
fn sum(left: &EquationTerms, right: &EquationTerms, by: u64) -> EquationTerms {
    let mut terms = EquationTerms::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.iter().copied().peekable(), right.iter().copied().peekable());
    loop {
        let term = match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return terms,
            (Some(one), Some(other)) if one.0 == other.0 => {
                right.next();
                left.next();
                (one.0, plus(one.1, times(other.1, by)))
            }
            (Some(one), other) if other.is_none_or(|other| one.0 < other.0) => {
                left.next();
                one
            }
            (_, Some(other)) => {
                right.next();
                (other.0, times(other.1, by))
            }
            (Some(_), None) => return terms,
        };
        if term.1 != 0 {
            terms.push(term);
        }
    }
}

fn plus(left: u64, right: u64) -> u64 {
    let sum = left + right;
    if sum < PRIME { sum } else { sum - PRIME }
}

fn minus(number: u64) -> u64 {
    if number == 0 { 0 } else { PRIME - number }
}

fn times(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    // 2^61 = 1 modulo the prime: the bits above the 61st are added to those below.
    plus((product >> 61) as u64, product as u64 & PRIME)
}

fn power(base: u64, mut exponent: u64) -> u64 {
    let (mut base, mut result) = (base, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    result
}

/// A pseudo-random number that depends on the seed alone (splitmix64).
fn random(seed: u64) -> u64 {
    let mixed = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)) % PRIME
}

#[cfg(test)]
mod tests {
    use super::*;

    fn determined_by(equations: &[&[usize]], unknowns: usize) -> Vec<bool> {
        let terms = |equation: &&[usize]| equation.iter().map(|unknown| (*unknown, PLUS)).collect();
        determined(equations.iter().map(terms).collect(), unknowns)
    }

    #[test]
    fn residues_are_numbers() {
        assert_eq!(plus(MINUS, PLUS), 0);
        assert_eq!(times(MINUS, MINUS), 1);
        for number in [1, 2, 3, 1 << 60, PRIME - 1] {
            assert_eq!(times(number, power(number, PRIME - 2)), 1);
            assert_eq!(plus(number, minus(number)), 0);
        }
    }

    #[test]
    fn what_follows_is_determined() {
        assert_eq!(determined_by(&[&[0]], 2), [true, false]);
        assert_eq!(determined_by(&[&[0, 1], &[1]], 2), [true, true]);
        assert_eq!(determined_by(&[&[0, 1], &[0, 1]], 2), [false, false]);
        assert_eq!(determined(vec![vec![(0, PLUS), (1, PLUS)], vec![(0, PLUS), (1, MINUS)]], 2), [true, true]);
        // Two squares, and what lies between them.
        let squares: &[&[usize]] = &[&[0, 1], &[2, 3, 8], &[0, 2], &[1, 3], &[4, 5], &[6, 7], &[4, 6, 8], &[5, 7]];
        let mut expected = [false; 9];
        expected[8] = true;
        assert_eq!(determined_by(squares, 9), expected);
    }
}
