//! Numbers as decimal text, and rounded to what people read: 15 significant digits.
//!
//! The steps are those of `number`: one multiplication with a power of ten that a double holds exactly, then whole numbers alone.
//! The SQL of both databases takes the same ones (`store/dialect/construct/decimals` of the data plugin), so no digit depends on
//! how somebody's library prints doubles.

use super::{NUDGE_MAX, SAFE_INTEGER, whole};

/// 1, 10, 100 and so on: each is a double, and so is each product with a number of the size that it is for.
const POWERS: [f64; 19] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
];
/// Digits of a number that is no whole one, and of one that is too large to be exact.
const DIGITS: usize = 15;
/// 2^63: up to here the digits of whole numbers are written as they are.
const WHOLE_END: f64 = 9_223_372_036_854_775_808.0;
/// 2^52: from here on there is nothing after the point.
const FRACTION_END: f64 = SAFE_INTEGER / 2.0;
/// How larger numbers are brought below 10^15: from which size on, by what, and how many zeros that stands for.
const STEPS: [(f64, f64, usize); 3] = [(1e22 * 1e15, 1e22, 22), (1e26, 1e11, 11), (1e20, 1e5, 5)];

/// So many digits after the point make 15 in all: 0 to 18.
fn places(size: f64) -> usize {
    let least = |places: usize| match (DIGITS - 1).checked_sub(places) {
        Some(before) => POWERS[before],
        None => 1.0 / POWERS[places + 1 - DIGITS],
    };
    (0..POWERS.len() - 1)
        .find(|places| size >= least(*places))
        .unwrap_or(POWERS.len() - 1)
}

/// Rounded to 15 digits; as it is where it is below 0.0001 or from 10^15 on.
pub(super) fn neat(number: f64) -> f64 {
    let size = number.abs();
    if !(0.0001..1e15).contains(&size) {
        return number;
    }
    let power = POWERS[places(size)];
    let rounded = (size * power + 0.5).trunc() / power;
    if number < 0.0 { -rounded } else { rounded }
}

/// A finite number as people and `TEXT()` write it: whole numbers below 2^63 with all of their digits, any other with 15 at most
/// and 18 after the point; never with an exponent.
pub(crate) fn text(number: f64) -> String {
    if number.fract() == 0.0 && (-WHOLE_END..WHOLE_END).contains(&number) {
        // Adding zero turns -0 into 0.
        return format!("{:.0}", number + 0.0);
    }
    let size = number.abs();
    let minus = if number < 0.0 { "-" } else { "" };
    if size >= WHOLE_END {
        return format!("{minus}{}", large(size));
    }
    let places = places(size);
    let digits = whole(size * POWERS[places] + 0.5).unwrap_or_default();
    if digits == 0 {
        return "0".to_owned();
    }
    let (before, after) = parted(digits, places);
    match after.trim_end_matches('0') {
        "" => format!("{minus}{before}"),
        after => format!("{minus}{before}.{after}"),
    }
}

/// The number with just so many digits after the point, 0 to 15, rounded as [`super::round`] does. Where that asks for more digits
/// than a double has, zeros stand in the places of those that nobody knows.
pub(crate) fn fixed(number: f64, places: usize) -> String {
    let places = places.min(DIGITS);
    let shifted = number.abs() * POWERS[places];
    if shifted < FRACTION_END {
        let nudge = if shifted < NUDGE_MAX {
            shifted * f64::EPSILON
        } else {
            0.0
        };
        let digits = whole(shifted + nudge + 0.5).unwrap_or_default();
        let minus = if number < 0.0 && digits > 0 { "-" } else { "" };
        let (before, after) = parted(digits, places);
        let point = if places > 0 { "." } else { "" };
        return format!("{minus}{before}{point}{after}");
    }
    let text = text(number);
    if places == 0 {
        return text;
    }
    let (before, after) = text.split_once('.').unwrap_or((&text, ""));
    format!("{before}.{after:0<places$}")
}

/// The digits before the point, one at least, and the given number of them after it.
fn parted(digits: i64, places: usize) -> (String, String) {
    let mut before = format!("{digits:0>width$}", width = places + 1);
    let after = before.split_off(before.len() - places);
    (before, after)
}

/// Fifteen digits and as many zeros as it takes.
fn large(mut size: f64) -> String {
    let mut zeros = 0;
    while size >= 1e15 {
        let (_, by, count) = STEPS
            .into_iter()
            .find(|(from, ..)| size >= *from)
            .unwrap_or((0.0, 10.0, 1));
        size /= by;
        zeros += count;
    }
    format!("{:.0}{}", (size + 0.5).trunc(), "0".repeat(zeros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_fifteen_digits_at_most() {
        for (number, expected) in [
            (0.5, "0.5"),
            (-1200.5, "-1200.5"),
            (0.1 + 0.2, "0.3"),
            (1.0 / 3.0, "0.333333333333333"),
            (-2.0 / 3.0, "-0.666666666666667"),
            (123_456_789_012.345, "123456789012.345"),
            (99_999_999_999_999.98, "100000000000000"),
            // Between two of 15 digits: away from zero.
            (1.000_030_517_578_125, "1.00003051757813"),
            (1e-7, "0.0000001"),
            (1.5e-10, "0.00000000015"),
            (-1e-19, "0"),
            (5e-324, "0"),
            (9_007_199_254_740_994.0, "9007199254740994"),
            (-9_223_372_036_854_775_808.0, "-9223372036854775808"),
            (9_223_372_036_854_775_808.0, "9223372036854780000"),
            (1e21, "1000000000000000000000"),
            (-1.5e23, "-150000000000000000000000"),
            (-0.0, "0"),
        ] {
            assert_eq!(text(number), expected, "{number:e}");
        }
        assert_eq!(text(1e300), format!("1{}", "0".repeat(300)));
    }

    #[test]
    fn as_many_digits_after_the_point_as_are_asked_for() {
        for (number, places, expected) in [
            (1.005, 2, "1.01"),
            (-0.001, 1, "0.0"),
            (-1.25, 1, "-1.3"),
            (2.5, 0, "3"),
            (0.0, 2, "0.00"),
            (5.1, 15, "5.100000000000000"),
            (5.123_456_789_012_345, 15, "5.123456789012350"),
            (1e15, 2, "1000000000000000.00"),
            (-1e21, 2, "-1000000000000000000000.00"),
            (4_503_599_627_370_495.5, 0, "4503599627370496"),
            (12.0, 99, "12.000000000000000"),
        ] {
            assert_eq!(fixed(number, places), expected, "{number:e} {places}");
        }
    }

    #[test]
    fn rounding_to_fifteen_digits_leaves_out_what_is_very_small_or_large() {
        for (number, expected) in [
            (2.999_999_999_999_999_6, 3.0),
            (-0.1 - 0.2, -0.3),
            (1e-5, 1e-5),
            (1.234_567_890_123_456_7e-20, 1.234_567_890_123_456_7e-20),
            (1_234_567_890_123_456.5, 1_234_567_890_123_456.5),
            (0.0, 0.0),
        ] {
            assert_eq!(neat(number), expected, "{number:e}");
        }
    }
}
