//! Roots, logarithms and powers, as both databases word them.
//!
//! The root is right to the last digit in every library; nothing else is. So all others go the way of the evaluator's
//! `number::power` step by step, out of additions, multiplications and divisions of doubles, which are the same everywhere. For
//! SQLite each step is a table of one row, computed once; PostgreSQL has functions of the store's own (`postgres::reckoning`).

use std::borrow::Cow;

use super::decimals;

/// One of these functions. All parts are doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Powers {
    /// The square root of `$0`; null below 0.
    SquareRoot,
    /// e to the power of `$0`.
    Exponential,
    /// The natural logarithm of `$0`; null for 0 and below.
    Logarithm,
    /// The logarithm of `$0` to the base `$1`.
    LogarithmTo,
    /// `$0` to the power of `$1`.
    Raised,
}

pub(super) fn sqlite(powers: Powers) -> Cow<'static, str> {
    let (neat, answer) = decimals::neat("r");
    Cow::Owned(match powers {
        Powers::SquareRoot => return Cow::Borrowed("sqrt($0)"),
        Powers::Exponential => format!(
            "(WITH RECURSIVE p(p, l) AS MATERIALIZED (SELECT $0, 0.0), {}, {neat} {answer})",
            exponential()
        ),
        Powers::Logarithm => format!(
            "(WITH RECURSIVE {}, r(v) AS (SELECT h FROM a), {neat} {answer})",
            logarithm('a', "$0")
        ),
        Powers::LogarithmTo => format!(
            "(WITH RECURSIVE {}, {}, r(v) AS (SELECT a.h / b.h FROM a, b), {neat} {answer})",
            logarithm('a', "$0"),
            logarithm('b', "$1")
        ),
        Powers::Raised => raised(&neat, answer),
    })
}

/// The functions are those of `postgres::reckoning`.
pub(in crate::store::dialect) fn postgres(powers: Powers) -> Cow<'static, str> {
    Cow::Borrowed(match powers {
        Powers::SquareRoot => "CASE WHEN $0 >= 0 THEN sqrt($0) END",
        Powers::Exponential => "objectos_exp($0)",
        Powers::Logarithm => "objectos_ln($0)",
        Powers::LogarithmTo => "objectos_log($0, $1)",
        Powers::Raised => "objectos_power($0, $1)",
    })
}

/// The logarithm of 2 in two parts.
const LN_2_HIGH: &str = "(3048493539143.0 / 4398046511104.0)";
const LN_2_LOW: &str = "(544487923021427.0 / 2199023255552.0 / 4503599627370496.0)";

/// The first 26 bits of a double.
fn upper_half(of: &str) -> String {
    format!("(134217729.0 * {of} - (134217729.0 * {of} - {of}))")
}

/// What a product of two columns loses when it is rounded; of both, the column of that name with an `h` has the first bits.
fn rest_of_product(a: &str, b: &str) -> String {
    format!("((({a}h * {b}h - {a} * {b}) + {a}h * ({b} - {b}h)) + ({a} - {a}h) * {b}h) + ({a} - {a}h) * ({b} - {b}h)")
}

/// A choice by how far `m` is from 1.
fn by_size(all: [&str; 8]) -> String {
    let [far, large, some, little, least, small, less, almost] = all;
    format!(
        "CASE WHEN m >= 4294967296.0 THEN {far} WHEN m >= 65536.0 THEN {large} WHEN m >= 16.0 THEN {some} WHEN m >= 1.5 THEN {little} \
         WHEN m * 4294967296.0 < 1.0 THEN {least} WHEN m * 65536.0 < 1.0 THEN {small} WHEN m * 16.0 < 1.0 THEN {less} ELSE {almost} END"
    )
}

/// Tables that end in one with that name: the logarithm as the sum of `h` and the far smaller `l`. No row for 0 and below.
fn logarithm(name: char, of: &str) -> String {
    let nearer = by_size([
        "m / 4294967296.0",
        "m / 65536.0",
        "m / 16.0",
        "m / 2.0",
        "m * 4294967296.0",
        "m * 65536.0",
        "m * 16.0",
        "m * 2.0",
    ]);
    let twos = by_size(["32.0", "16.0", "4.0", "1.0", "-32.0", "-16.0", "-4.0", "-1.0"]);
    let series = (3..25_u8).step_by(2).rev().fold("1.0 / 25.0".to_owned(), |sum, odd| {
        format!("1.0 / {odd}.0 + z * ({sum})")
    });
    format!(
        "{name}0(m, k) AS (SELECT {of}, 0.0 WHERE {of} > 0 UNION ALL SELECT {nearer}, k + {twos} FROM {name}0 WHERE m >= 1.5 OR m < 0.75), \
         {name}1(k, f, g, o, s) AS MATERIALIZED (SELECT k, m - 1.0, m + 1.0, m - ((m + 1.0) - 1.0), (m - 1.0) / (m + 1.0) \
         FROM {name}0 WHERE m >= 0.75 AND m < 1.5), \
         {name}2(k, f, g, o, s, z, sh, gh) AS MATERIALIZED (SELECT k, f, g, o, s, s * s, {}, {} FROM {name}1), \
         {name}3(a, h, l) AS MATERIALIZED (SELECT k * {LN_2_HIGH}, 2.0 * s, k * {LN_2_LOW} + 2.0 * ((((f - s * g) - ({})) - s * o) / g \
         + s * z * ({series})) FROM {name}2), \
         {name}4(t, r) AS MATERIALIZED (SELECT a + h, ((a - ((a + h) - ((a + h) - a))) + (h - ((a + h) - a))) + l FROM {name}3), \
         {name}(h, l) AS MATERIALIZED (SELECT t + r, r - ((t + r) - t) FROM {name}4)",
        upper_half("s"),
        upper_half("g"),
        rest_of_product("s", "g"),
    )
}

/// Tables from `p`, a number as the sum of `p` and `l`, to `r`, e to its power in `v`. No row where that is no double.
fn exponential() -> String {
    let series = (1..14_u8).rev().fold("1.0 + r / 14.0".to_owned(), |sum, term| {
        format!("1.0 + r / {term}.0 * ({sum})")
    });
    format!(
        "p0(p, l, k) AS MATERIALIZED (SELECT p, l, CAST(p * 1.44268 + 1100.5 AS INTEGER) - 1100 FROM p WHERE p >= -708.0 AND p <= 709.78), \
         p1(r, k) AS MATERIALIZED (SELECT ((p - k * {LN_2_HIGH}) - k * {LN_2_LOW}) + l, k FROM p0), \
         p2(v, k) AS (SELECT {series}, k FROM p1 UNION ALL SELECT CASE WHEN k > 0 THEN v * (1 << min(k, 62)) ELSE v / (1 << min(-k, 62)) END, \
         CASE WHEN k > 0 THEN k - min(k, 62) ELSE k + min(-k, 62) END FROM p2 WHERE k <> 0), \
         r(v) AS MATERIALIZED (SELECT v FROM p2 WHERE k = 0 UNION ALL SELECT 0.0 FROM p WHERE p < -708.0)"
    )
}

fn raised(neat: &str, answer: &str) -> String {
    format!(
        "(WITH RECURSIVE {}, \
         y(y, yh, h, hh, l) AS MATERIALIZED (SELECT $1, {}, h, {}, l FROM a WHERE abs($1) <= 100000000000000000000.0), \
         p(p, l) AS MATERIALIZED (SELECT y * h, {} + y * l FROM y), {}, {neat}, \
         w(n, v) AS (SELECT $1, 1.0 FROM a WHERE $1 > 0 AND h > 0 AND $1 * h < 36.8 AND $1 = CAST($1 AS INTEGER) AND $0 = CAST($0 AS INTEGER) \
         UNION ALL SELECT n - 1.0, v * abs($0) FROM w WHERE n > 0) \
         SELECT CASE WHEN $1 = 0 AND $0 IS NOT NULL THEN 1.0 WHEN $0 = 0 THEN CASE WHEN $1 > 0 THEN 0.0 END \
         WHEN $0 < 0 AND abs($1) < 9007199254740992.0 AND $1 <> CAST($1 AS INTEGER) THEN NULL \
         ELSE CASE WHEN $0 < 0 AND abs($1) < 9007199254740992.0 AND CAST($1 AS INTEGER) % 2 <> 0 THEN -1.0 ELSE 1.0 END \
         * CASE WHEN abs($1) > 100000000000000000000.0 THEN (SELECT CASE WHEN h = 0 THEN 1.0 WHEN ($1 < 0) = (h > 0) THEN 0.0 END FROM a) \
         ELSE COALESCE((SELECT v FROM w WHERE n = 0), ({answer})) END END)",
        logarithm('a', "abs($0)"),
        upper_half("$1"),
        upper_half("h"),
        rest_of_product("y", "h"),
        exponential(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_uses_its_parts_and_is_closed() {
        for (powers, parts) in [
            (Powers::SquareRoot, 1),
            (Powers::Exponential, 1),
            (Powers::Logarithm, 1),
            (Powers::LogarithmTo, 2),
            (Powers::Raised, 2),
        ] {
            for template in [sqlite(powers), postgres(powers)] {
                for part in 0..3 {
                    assert_eq!(template.contains(&format!("${part}")), part < parts, "{template}");
                }
                assert_eq!(
                    template.matches('(').count(),
                    template.matches(')').count(),
                    "{template}"
                );
            }
        }
    }

    #[test]
    fn series_are_written_out() {
        assert!(logarithm('a', "$0").contains("1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0"));
        assert!(exponential().contains("1.0 + r / 1.0 * (1.0 + r / 2.0 * (1.0 + r / 3.0"));
    }
}
