//! Logarithms and powers out of additions, multiplications and divisions alone.
//!
//! The last digit of a library's `ln` or `pow` differs from machine to machine. What is here takes steps that are the same
//! everywhere, and the SQL of both databases takes them too, in the same order (`store/dialect/construct/powers` of the data
//! plugin); so all three answer the same double. Results have 15 digits ([`decimal::neat`]): right to them, save for a unit in the
//! last one.

use super::{SAFE_INTEGER, decimal, float, whole};

/// The logarithm of 2 in two parts. The first has 42 bits, so that its product with the exponent of a double is exact.
const LN_2_HIGH: f64 = 3_048_493_539_143.0 / 4_398_046_511_104.0;
const LN_2_LOW: f64 = 544_487_923_021_427.0 / 2_199_023_255_552.0 / 4_503_599_627_370_496.0;
/// About 1 / ln 2: it only says which power of 2 is the nearest.
const HALVINGS: f64 = 1.44268;
/// More than any power of 2 that comes up, so that cutting off rounds down.
const ABOVE_ALL: f64 = 1_100.0;
/// e to a power beyond is no double, or not a whole one.
const EXPONENT_MAX: f64 = 709.78;
const EXPONENT_MIN: f64 = -708.0;
/// Powers of whole numbers are exact where their logarithm is below: 2^53 has 36.74.
const EXACT_MAX: f64 = 36.8;
/// An exponent beyond this leads out of all numbers, whatever the base is.
const FAR: f64 = 1e20;
/// Powers of two by which a number is brought near to 1, and their exponents.
const STEPS: [(f64, f64); 4] = [(4_294_967_296.0, 32.0), (65_536.0, 16.0), (16.0, 4.0), (2.0, 1.0)];
/// Terms of the series of `ln` and of `e^x`.
const ODD_MAX: u8 = 25;
const TERMS: u8 = 14;

/// A number as the sum of two doubles, the second far smaller than the first.
#[derive(Clone, Copy, Debug)]
struct Pair {
    high: f64,
    low: f64,
}

/// The natural logarithm; nothing for 0 and below.
pub(crate) fn ln(number: f64) -> Option<f64> {
    logarithm(number).map(|pair| decimal::neat(pair.high))
}

/// The logarithm to a base; nothing for 0 and below, nor for the base 1.
pub(crate) fn log(number: f64, base: f64) -> Option<f64> {
    let (number, base) = (logarithm(number)?.high, logarithm(base)?.high);
    super::divide(number, base).map(decimal::neat)
}

/// e to the power of the number; nothing above 709.78, and 0 below -708.
pub(crate) fn exp(number: f64) -> Option<f64> {
    exponential(Pair { high: number, low: 0.0 }).map(decimal::neat)
}

/// The base to the power of the exponent. Nothing for 0 to a negative power, for a negative base with an exponent that is not
/// whole, and above e^709.78; 0 below e^-708.
pub(crate) fn power(base: f64, exponent: f64) -> Option<f64> {
    if exponent == 0.0 {
        return Some(1.0);
    }
    if base == 0.0 {
        return (exponent > 0.0).then_some(0.0);
    }
    let (size, mut sign) = (base.abs(), 1.0);
    // Beyond 2^53 every number is whole and even.
    if base < 0.0 && exponent.abs() < SAFE_INTEGER {
        let whole = whole(exponent).filter(|_| exponent.fract() == 0.0)?;
        if whole % 2 != 0 {
            sign = -1.0;
        }
    }
    let pair = logarithm(size)?;
    if pair.high == 0.0 {
        return Some(sign);
    }
    if exponent.abs() > FAR {
        return ((exponent < 0.0) == (pair.high > 0.0)).then_some(0.0);
    }
    if let Some(exact) = product(size, exponent, pair.high) {
        return Some(sign * exact);
    }
    let raised = Pair {
        high: exponent * pair.high,
        low: rest_of_product(exponent, pair.high) + exponent * pair.low,
    };
    exponential(raised).map(|value| sign * decimal::neat(value))
}

/// The power of a whole number, where it is one that a double holds.
fn product(size: f64, exponent: f64, logarithm: f64) -> Option<f64> {
    let whole_ones = size.fract() == 0.0 && exponent.fract() == 0.0;
    if !whole_ones || exponent <= 0.0 || exponent * logarithm >= EXACT_MAX {
        return None;
    }
    // Below 54 factors, as each is 2 at least.
    Some((0..whole(exponent)?).fold(1.0, |product, _| product * size))
}

/// The natural logarithm of a number above 0.
fn logarithm(number: f64) -> Option<Pair> {
    if !(number > 0.0 && number.is_finite()) {
        return None;
    }
    let (near, twos) = near_one(number);
    // ln m = 2 (s + s^3 / 3 + s^5 / 5 + ...) with s = (m - 1) / (m + 1). Of that quotient, the rest of the division counts too.
    let (above, sum) = (near - 1.0, near + 1.0);
    let lost = near - (sum - 1.0);
    let quotient = above / sum;
    let square = quotient * quotient;
    let rest = (((above - quotient * sum) - rest_of_product(quotient, sum)) - quotient * lost) / sum;
    let series = (3..ODD_MAX)
        .step_by(2)
        .rev()
        .fold(1.0 / f64::from(ODD_MAX), |sum, odd| 1.0 / f64::from(odd) + square * sum);
    let first = twos * LN_2_HIGH;
    let second = 2.0 * quotient;
    let sum = first + second;
    let lost = ((first - (sum - (sum - first))) + (second - (sum - first)))
        + (twos * LN_2_LOW + 2.0 * (rest + quotient * square * series));
    let high = sum + lost;
    Some(Pair {
        high,
        low: lost - (high - sum),
    })
}

/// The number between 0.75 and 1.5 that gives this one when it is doubled so many times.
fn near_one(number: f64) -> (f64, f64) {
    let (mut near, mut twos) = (number, 0.0);
    while near >= 1.5 {
        let step = STEPS.into_iter().find(|(by, _)| near >= *by);
        let (by, exponent) = step.unwrap_or((2.0, 1.0));
        near /= by;
        twos += exponent;
    }
    while near < 0.75 {
        let step = STEPS.into_iter().find(|(by, _)| near * by < 1.0);
        let (by, exponent) = step.unwrap_or((2.0, 1.0));
        near *= by;
        twos -= exponent;
    }
    (near, twos)
}

/// e to the power of a number; nothing where that is none.
fn exponential(number: Pair) -> Option<f64> {
    if number.high > EXPONENT_MAX {
        return None;
    }
    if number.high < EXPONENT_MIN {
        return Some(0.0);
    }
    let twos = (number.high * HALVINGS + (ABOVE_ALL + 0.5)).trunc() - ABOVE_ALL;
    let rest = ((number.high - twos * LN_2_HIGH) - twos * LN_2_LOW) + number.low;
    // 1 + r (1 + r/2 (1 + r/3 (...)))
    let value = (1..=TERMS)
        .rev()
        .fold(1.0, |value, term| 1.0 + rest / f64::from(term) * value);
    Some(doubled(value, whole(twos)?))
}

/// The value times 2 to a power. No step leaves the numbers when the last one does not.
fn doubled(mut value: f64, mut times: i64) -> f64 {
    while times > 0 {
        let step = times.min(62);
        value *= float(1 << step);
        times -= step;
    }
    while times < 0 {
        let step = (-times).min(62);
        value /= float(1 << step);
        times += step;
    }
    value
}

/// What a product loses when it is rounded, by the halves of its factors.
fn rest_of_product(a: f64, b: f64) -> f64 {
    let (a_high, b_high) = (upper_half(a), upper_half(b));
    let (a_low, b_low) = (a - a_high, b - b_high);
    ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low
}

/// The first 26 bits of a number.
fn upper_half(number: f64) -> f64 {
    let raised = 134_217_729.0 * number;
    raised - (raised - number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() <= expected.abs() * 2e-15)
    }

    #[test]
    fn logarithms_are_what_people_expect() {
        for (number, base, expected) in [
            (1000.0, 10.0, Some(3.0)),
            (8.0, 2.0, Some(3.0)),
            (0.001, 10.0, Some(-3.0)),
            (1e300, 10.0, Some(300.0)),
            (1.0, 10.0, Some(0.0)),
            (8.0, 1.0, None),
            (0.0, 10.0, None),
            (-1.0, 10.0, None),
            (2.0, -2.0, None),
        ] {
            assert_eq!(log(number, base), expected, "{number} {base}");
        }
        assert_eq!(ln(std::f64::consts::E), Some(1.0));
        assert_eq!(ln(0.0), None);
        for number in [
            5e-324,
            1e-300,
            0.1,
            0.75,
            0.999_999,
            1.000_001,
            1.5,
            2.0,
            12_345.678,
            1e300,
            f64::MAX,
        ] {
            assert!(near(ln(number), number.ln()), "{number:e}");
        }
    }

    #[test]
    fn powers_of_whole_numbers_are_exact() {
        for base in -30_i64..=30 {
            let mut product = 1_i64;
            for exponent in 0_u8..60 {
                assert_eq!(
                    power(float(base), f64::from(exponent)),
                    Some(float(product)),
                    "{base} {exponent}"
                );
                let next = product.checked_mul(base).filter(|next| next.abs() < 1 << 53);
                let Some(next) = next else { break };
                product = next;
            }
        }
        for exponent in -1_020_i32..=1_023 {
            let expected = if exponent < 0 {
                1.0 / doubled(1.0, i64::from(-exponent))
            } else {
                doubled(1.0, i64::from(exponent))
            };
            // Between, powers of 2 are rounded to 15 digits as all others are.
            let rounded = decimal::neat(expected);
            assert_eq!(power(2.0, f64::from(exponent)), Some(rounded), "{exponent}");
        }
    }

    #[test]
    fn other_powers_have_fifteen_digits() {
        for (base, exponent, expected) in [
            (2.0, 0.5, Some(decimal::neat(std::f64::consts::SQRT_2))),
            (1.1, 2.0, Some(1.21)),
            (10.0, -2.0, Some(0.01)),
            (27.0, 1.0 / 3.0, Some(3.0)),
            (1.05, 30.0, Some(4.321_942_375_150_67)),
            (-2.0, -1.0, Some(-0.5)),
            (0.0, 2.0, Some(0.0)),
            (0.0, 0.0, Some(1.0)),
            (0.0, -1.0, None),
            (-8.0, 0.5, None),
            (1.0, 1e300, Some(1.0)),
            (-1.0, 1e300, Some(1.0)),
            (0.5, 1e300, Some(0.0)),
            (2.0, 1e300, None),
            (1e300, 2.0, None),
            (1e300, -2.0, Some(0.0)),
            (7.0, 5e-324, Some(1.0)),
        ] {
            assert_eq!(power(base, exponent), expected, "{base} {exponent}");
        }
        for (base, exponent) in [
            (1.005, 360.0),
            (0.3, 12.5),
            (12_345.678, -7.25),
            (1e-8, 30.0),
            (3.5, 500.0),
        ] {
            assert!(
                near(power(base, exponent), f64::powf(base, exponent)),
                "{base} {exponent}"
            );
        }
    }

    #[test]
    fn e_to_a_power() {
        for (number, expected) in [
            (0.0, Some(1.0)),
            (1.0, Some(decimal::neat(std::f64::consts::E))),
            (-0.0, Some(1.0)),
            (5e-324, Some(1.0)),
            (709.79, None),
            (-708.1, Some(0.0)),
        ] {
            assert_eq!(exp(number), expected, "{number}");
        }
        for number in [-707.0, -50.0, -1.5, 0.001, 3.0, 20.0, 350.25, 709.0] {
            assert!(near(exp(number), number.exp()), "{number}");
        }
    }
}
