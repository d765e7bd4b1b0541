//! Arithmetic on doubles, made only of steps that SQLite and PostgreSQL take in the same way.
//!
//! So no call to a library function whose last digit differs between machines: logarithms and powers are made of such steps too
//! (`power`), and so are the digits of a number as text (`decimal`). Called by `value`, `operator` and the number functions.

mod decimal;
mod power;

pub(crate) use decimal::{fixed, text};
pub(crate) use power::{exp, ln, log, power};

/// 2^53: up to here every whole number is a double.
pub(crate) const SAFE_INTEGER: f64 = 9_007_199_254_740_992.0;
/// 2^45: from here on one unit in the last place is too coarse to mend a rounding with.
const NUDGE_MAX: f64 = 35_184_372_088_832.0;

/// The number as an integer, if it is whole and no larger than 2^53.
pub(crate) fn safe_integer(number: f64) -> Option<i64> {
    (number.abs() <= SAFE_INTEGER && number.fract() == 0.0).then(|| truncate(number))
}

/// The whole part, if it is no larger than 2^53.
pub(crate) fn whole(number: f64) -> Option<i64> {
    (number.abs() <= SAFE_INTEGER).then(|| truncate(number))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "both callers have checked the range; cutting the fraction is the purpose"
)]
fn truncate(number: f64) -> i64 {
    number as i64
}

/// The nearest double.
pub(crate) const fn float(integer: i64) -> f64 {
    integer as f64
}

/// Reads decimal text: sign, digits, point, exponent; nothing else, and nothing that is not finite.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let text = text.trim_matches(BLANKS);
    let plain = !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// What `TRIM` and `VALUE` take for blanks.
pub(crate) const BLANKS: [char; 6] = [' ', '\t', '\n', '\r', '\u{b}', '\u{c}'];

/// `a / b`; nothing for division by zero.
pub(crate) fn divide(a: f64, b: f64) -> Option<f64> {
    (b != 0.0).then(|| a / b)
}

/// `a - b * trunc(a / b)`; nothing for division by zero or a quotient above 2^53. Exact for whole numbers; the sign is that of `a`.
pub(crate) fn remainder(a: f64, b: f64) -> Option<f64> {
    let quotient = divide(a, b)?;
    (quotient.abs() <= SAFE_INTEGER).then(|| a - b * quotient.trunc())
}

/// Rounds half away from zero: `floor(x * 10^digits + 0.5) / 10^digits`, with one unit in the last place added first, so that
/// 1.005 becomes 1.01 as written and not 1.00 as stored. Digits beyond ±15 count as ±15.
pub fn round(number: f64, digits: i64) -> f64 {
    scaled(number, digits, |x| {
        let nudge = if x < NUDGE_MAX { x * f64::EPSILON } else { 0.0 };
        (x + nudge + 0.5).floor()
    })
}

/// Cuts off after so many digits, with the same mending as `round`.
pub(crate) fn trunc(number: f64, digits: i64) -> f64 {
    scaled(number, digits, |x| {
        let nudge = if x < NUDGE_MAX { x * f64::EPSILON } else { 0.0 };
        (x + nudge).floor()
    })
}

fn scaled(number: f64, digits: i64, step: impl Fn(f64) -> f64) -> f64 {
    let digits = i32::try_from(digits.clamp(-15, 15)).unwrap_or(0);
    let power = 10_f64.powi(digits.abs());
    let size = number.abs();
    let shifted = if digits >= 0 { size * power } else { size / power };
    if shifted >= SAFE_INTEGER / 2.0 {
        return number;
    }
    let stepped = step(shifted);
    let result = if digits >= 0 { stepped / power } else { stepped * power };
    if number < 0.0 { -result } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_follows_the_written_digits() {
        for (number, digits, expected) in [
            (1.005, 2, 1.01),
            (2.675, 2, 2.68),
            (-2.5, 0, -3.0),
            (2.5, 0, 3.0),
            (0.5, 0, 1.0),
            (1234.5, -2, 1200.0),
            (1250.0, -2, 1300.0),
            (2_251_799_813_685_249.0, 0, 2_251_799_813_685_249.0),
            (9_007_199_254_740_991.0, 0, 9_007_199_254_740_991.0),
            (1e300, 2, 1e300),
            (1.0, 99, 1.0),
        ] {
            assert_eq!(round(number, digits), expected, "{number} {digits}");
        }
        assert_eq!(trunc(-1.29, 1), -1.2);
        assert_eq!(trunc(0.29, 2), 0.29);
        assert_eq!(trunc(1299.0, -2), 1200.0);
    }

    #[test]
    fn remainder_is_exact_for_whole_numbers() {
        for (a, b, expected) in [
            (7.0, 3.0, 1.0),
            (-7.0, 3.0, -1.0),
            (7.0, -3.0, 1.0),
            (9_007_199_254_740_991.0, 5.0, 1.0),
            (1.0, 0.1, 0.0),
        ] {
            assert_eq!(remainder(a, b), Some(expected), "{a} {b}");
        }
        assert_eq!(remainder(1.0, 0.0), None);
        assert_eq!(remainder(1e300, 1.0), None);
    }

    #[test]
    fn only_plain_decimals_are_numbers() {
        for (text, expected) in [
            (" 42 ", Some(42.0)),
            ("-1.5e3", Some(-1500.0)),
            (".5", Some(0.5)),
            ("inf", None),
            ("NaN", None),
            ("", None),
            ("1e400", None),
            ("1,000", None),
            ("0x1", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
