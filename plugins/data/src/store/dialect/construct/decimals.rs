//! Numbers as decimal text and rounded to 15 digits, in SQLite's words: the steps of the evaluator's `number::decimal`, one by
//! one. PostgreSQL has them as functions of the store's own (`postgres::reckoning`).

/// From here on a double has nothing behind the point.
const FRACTION_END: &str = "4503599627370496.0";

/// The power of ten, a whole number, that makes 15 digits of a size: 1 to 10^18.
fn power_of(size: &str) -> String {
    let mut cases = String::from("CASE");
    for places in 0..18_usize {
        let least = match 14_usize.checked_sub(places) {
            Some(zeros) => format!("1{}.0", "0".repeat(zeros)),
            None => format!("0.{}1", "0".repeat(places - 15)),
        };
        cases.push_str(&format!(" WHEN {size} >= {least} THEN 1{}", "0".repeat(places)));
    }
    format!("{cases} ELSE 1{} END", "0".repeat(18))
}

/// Two tables for a `WITH`, the first of them `n0`, and the query that answers the one value `v` of the table rounded to 15 digits;
/// as it is below 0.0001 and from 10^15 on.
pub(super) fn neat(table: &str) -> (String, &'static str) {
    (
        format!(
            "n0(v, p) AS MATERIALIZED (SELECT v, {} FROM {table})",
            power_of("abs(v)")
        ),
        "SELECT CASE WHEN abs(v) >= 0.0001 AND abs(v) < 1000000000000000.0 \
         THEN sign(v) * (CAST(abs(v) * p + 0.5 AS INTEGER) * 1.0 / p) ELSE v END FROM n0",
    )
}

/// The number `$0` as `TEXT()` writes it.
pub(super) fn text() -> String {
    format!(
        "CASE WHEN typeof($0) = 'integer' THEN CAST($0 AS TEXT) WHEN $0 >= -9223372036854775808.0 AND $0 < 9223372036854775808.0 \
         THEN CASE WHEN $0 = CAST($0 AS INTEGER) THEN CAST(CAST($0 AS INTEGER) AS TEXT) ELSE {} END WHEN $0 IS NOT NULL THEN {} END",
        short(),
        large()
    )
}

/// Of a number with a fraction.
fn short() -> String {
    format!(
        "(SELECT CASE WHEN n2.d = 0 THEN '0' ELSE CASE WHEN $0 < 0 THEN '-' ELSE '' END || rtrim(rtrim(substr(n2.s, 1, length(n2.s) - n2.n) \
         || '.' || substr(n2.s, length(n2.s) - n2.n + 1), '0'), '.') END FROM (SELECT n1.d, n1.n, printf('%0*d', n1.n + 1, n1.d) AS s \
         FROM (SELECT length(n0.p) - 1 AS n, CAST(abs($0) * n0.p + 0.5 AS INTEGER) AS d FROM (SELECT {} AS p) n0) n1) n2)",
        power_of("abs($0)")
    )
}

/// Of a number from 2^63 on: 15 digits, then zeros.
fn large() -> String {
    let step = |steps: [&str; 4]| {
        let [first, second, third, last] = steps;
        format!(
            "CASE WHEN b >= 1e22 * 1e15 THEN {first} WHEN b >= 1e26 THEN {second} WHEN b >= 1e20 THEN {third} ELSE {last} END"
        )
    };
    format!(
        "(WITH RECURSIVE n0(b, n) AS (SELECT abs($0), 0 UNION ALL SELECT {}, n + {} FROM n0 WHERE b >= 1e15) \
         SELECT CASE WHEN $0 < 0 THEN '-' ELSE '' END || CAST(b + 0.5 AS INTEGER) || printf('%0*d', n, 0) FROM n0 WHERE b < 1e15)",
        step(["b / 1e22", "b / 1e11", "b / 1e5", "b / 10.0"]),
        step(["22", "11", "5", "1"]),
    )
}

/// The double `$0` with so many digits behind the point, 0 to 15.
pub(super) fn fixed(places: u8) -> String {
    let zeros = "0".repeat(usize::from(places));
    let shifted = format!("abs($0) * 1{zeros}.0");
    let digits = format!(
        "CAST({shifted} + CASE WHEN {shifted} < 35184372088832.0 THEN {shifted} * 2.220446049250313e-16 ELSE 0.0 END + 0.5 AS INTEGER)"
    );
    let text = text();
    let minus = "CASE WHEN $0 < 0 AND m1.d > 0 THEN '-' ELSE '' END";
    if places == 0 {
        return format!(
            "CASE WHEN {shifted} < {FRACTION_END} THEN (SELECT {minus} || m1.d FROM (SELECT {digits} AS d) m1) ELSE {text} END"
        );
    }
    format!(
        "CASE WHEN {shifted} < {FRACTION_END} THEN (SELECT {minus} || substr(m1.s, 1, length(m1.s) - {places}) || '.' || substr(m1.s, -{places}) \
         FROM (SELECT m0.d, printf('%0{width}d', m0.d) AS s FROM (SELECT {digits} AS d) m0) m1) \
         ELSE (SELECT substr(m1.s || CASE WHEN instr(m1.s, '.') = 0 THEN '.' ELSE '' END || '{zeros}', 1, instr(m1.s || '.', '.') + {places}) \
         FROM (SELECT {text} AS s) m1) END",
        width = places + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_power_that_makes_fifteen_digits_of_them() {
        let cases = power_of("x");
        for part in [
            "CASE WHEN x >= 100000000000000.0 THEN 1 WHEN x >= 10000000000000.0 THEN 10 ",
            " WHEN x >= 1.0 THEN 100000000000000 WHEN x >= 0.1 THEN 1000000000000000 ",
            " WHEN x >= 0.001 THEN 100000000000000000 ELSE 1000000000000000000 END",
        ] {
            assert!(cases.contains(part), "{part}\n{cases}");
        }
    }

    #[test]
    fn digits_behind_the_point_are_part_of_the_template() {
        assert!(fixed(2).contains("abs($0) * 100.0 < 4503599627370496.0"));
        assert!(fixed(2).contains("printf('%03d', m0.d)"));
        assert!(!fixed(0).contains("'.' || substr(m1.s"));
    }
}
