//! Texts put together, filled up, turned round and looked into, as both databases word it. Text that would be longer than an
//! evaluation may make is null.

use std::borrow::Cow;

use super::decimals;

/// One thing to do with texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letters {
    /// `$0` filled up on the left to `$1` (a double) characters with the text `$2`, or cut.
    FillLeft,
    /// The same on the right.
    FillRight,
    /// `$0`, `$1` (a double) times.
    Repeat,
    /// From back to front.
    Reverse,
    /// The place of the text `$1` in `$0` from the place `$2` (a double) on; 0 when it is not there.
    FindFrom,
    /// The elements of the list `$0` as text, with `$1` between.
    Join,
    /// Elements of the list `$0`.
    Count,
    /// The digits of a whole number.
    OfWhole,
    /// The number `$0`, of any kind, as `TEXT()` writes it.
    OfNumber,
    /// The double `$0` with so many digits behind the point, 0 to 15.
    Fixed(u8),
    /// The words `true` and `false`.
    OfBoolean,
    /// What the words of a text say, as truth.
    ToBoolean,
}

/// Bytes of text that are made at most: the default of an evaluation.
const BYTES_MAX: u32 = 1024 * 1024;

pub(super) fn sqlite(letters: Letters) -> Cow<'static, str> {
    Cow::Borrowed(match letters {
        Letters::FillLeft => return Cow::Owned(fill(|text, filling| format!("{filling} || {text}"))),
        Letters::FillRight => return Cow::Owned(fill(|text, filling| format!("{text} || {filling}"))),
        Letters::Repeat => {
            return Cow::Owned(format!(
                "(SELECT CASE WHEN length(CAST(q.x AS BLOB)) * q.n <= {BYTES_MAX} AND q.x <> '' \
                 THEN replace(hex(zeroblob(q.n)), '00', q.x) WHEN q.x = '' AND q.n IS NOT NULL THEN '' END \
                 FROM (SELECT $0 AS x, max(0, CAST($1 AS INTEGER)) AS n) q)"
            ));
        }
        Letters::Reverse => {
            "(WITH RECURSIVE r(i, o) AS (SELECT length($0), '' UNION ALL SELECT i - 1, o || substr($0, i, 1) FROM r WHERE i > 0) \
             SELECT r.o FROM r WHERE r.i = 0)"
        }
        Letters::FindFrom => {
            "(SELECT CASE WHEN q.f = 0 THEN 0 ELSE q.f + q.s - 1 END FROM (SELECT instr(substr($0, max(1, CAST($2 AS INTEGER))), $1) AS f, \
             min(max(1, CAST($2 AS INTEGER)), length($0) + 1) AS s) q)"
        }
        Letters::Join => {
            "CASE WHEN $0 IS NOT NULL AND $1 IS NOT NULL \
             THEN COALESCE((SELECT group_concat(e.value, $1 ORDER BY e.key) FROM json_each($0) e WHERE e.value IS NOT NULL), '') END"
        }
        Letters::Count => "json_array_length($0)",
        Letters::OfWhole => "CAST(CAST($0 AS INTEGER) AS TEXT)",
        Letters::OfNumber => return Cow::Owned(decimals::text()),
        Letters::Fixed(places) => return Cow::Owned(decimals::fixed(places)),
        Letters::OfBoolean => "CASE $0 WHEN 1 THEN 'true' WHEN 0 THEN 'false' END",
        Letters::ToBoolean => {
            "CASE WHEN lower($0) IN ('true', 'yes', 'on', '1') THEN 1 WHEN lower($0) IN ('false', 'no', 'off', '0') THEN 0 END"
        }
    })
}

/// Zeros as digits are as long as they are many, and each pair of them becomes the filling.
fn fill(joined: impl Fn(&str, &str) -> String) -> String {
    let filling =
        "substr(replace(hex(zeroblob((q.n - length(q.x)) / length(q.p) + 1)), '00', q.p), 1, q.n - length(q.x))";
    format!(
        "(SELECT CASE WHEN q.p IS NULL THEN NULL WHEN q.n <= length(q.x) OR q.p = '' THEN substr(q.x, 1, q.n) \
         WHEN (q.n - length(q.x)) * 4 + length(CAST(q.x AS BLOB)) <= {BYTES_MAX} THEN {} END \
         FROM (SELECT $0 AS x, max(0, CAST($1 AS INTEGER)) AS n, $2 AS p) q)",
        joined("q.x", filling)
    )
}

pub(in crate::store::dialect) fn postgres(letters: Letters) -> Cow<'static, str> {
    let filled = |function: &str| {
        Cow::Owned(format!(
            "CASE WHEN $2 IS NULL THEN NULL WHEN objectos_count($1) <= length($0) OR $2 = '' THEN left($0, objectos_count($1)) \
             WHEN CAST(objectos_count($1) - length($0) AS bigint) * 4 + octet_length($0) <= {BYTES_MAX} \
             THEN {function}($0, objectos_count($1), $2) END"
        ))
    };
    Cow::Borrowed(match letters {
        Letters::FillLeft => return filled("lpad"),
        Letters::FillRight => return filled("rpad"),
        Letters::Repeat => {
            return Cow::Owned(format!(
                "CASE WHEN $0 = '' AND objectos_count($1) IS NOT NULL THEN '' \
                 WHEN CAST(octet_length($0) AS bigint) * objectos_count($1) <= {BYTES_MAX} THEN repeat($0, objectos_count($1)) END"
            ));
        }
        Letters::Reverse => "reverse($0)",
        Letters::FindFrom => "objectos_find($0, $1, $2)",
        Letters::Join => {
            "CASE WHEN $0 IS NOT NULL AND $1 IS NOT NULL THEN COALESCE((SELECT string_agg(e.value, $1 ORDER BY e.place) \
             FROM jsonb_array_elements_text($0) WITH ORDINALITY e(value, place)), '') END"
        }
        Letters::Count => "jsonb_array_length($0)",
        Letters::OfWhole => "(CAST(CAST($0 AS bigint) AS text) COLLATE \"C\")",
        // Whole numbers need not be doubles.
        Letters::OfNumber => {
            "(CASE WHEN $0 >= -9223372036854775808 AND $0 < 9223372036854775808 AND trunc($0) = $0 THEN CAST(CAST($0 AS bigint) AS text) \
             ELSE objectos_number_text(CAST($0 AS double precision)) END COLLATE \"C\")"
        }
        Letters::Fixed(places) => return Cow::Owned(format!("(objectos_fixed($0, {places}) COLLATE \"C\")")),
        Letters::OfBoolean => "CASE WHEN $0 THEN 'true' WHEN NOT $0 THEN 'false' END",
        Letters::ToBoolean => {
            "CASE WHEN lower($0 COLLATE \"C\") IN ('true', 'yes', 'on', '1') THEN TRUE \
             WHEN lower($0 COLLATE \"C\") IN ('false', 'no', 'off', '0') THEN FALSE END"
        }
    })
}
