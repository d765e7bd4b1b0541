//! What formulas ask of a database, and how SQLite words it.
//!
//! A template has `$0`, `$1`, … in the places of its parts, and is one operand by itself: a call, a `CASE`, or in brackets. A part that stands in it more than once is computed once, by the
//! writer (`query::sql`), so a template may repeat as it likes. What each construct means, nulls and limits included, is said
//! at `objectos_expression::sql_form`; `tests/it/formula_random.rs` holds every database to it.

mod calendar;
mod decimals;
mod letters;
mod powers;

use std::borrow::Cow;

use objectos_expression::Type;

pub use calendar::Calendar;
pub use letters::Letters;
pub use powers::Powers;

pub(super) use calendar::postgres as calendar_postgres;
pub(super) use letters::postgres as letters_postgres;
pub(super) use powers::postgres as powers_postgres;

/// One thing that databases spell differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Construct {
    /// `$0` as a double.
    Double,
    /// `$0 + $1`, both doubles; null when the sum is not finite.
    Add,
    /// `$0 - $1`.
    Subtract,
    /// `$0 * $1`.
    Multiply,
    /// `$0 / $1`; null for division by zero as well.
    Divide,
    /// `$0 - $1 * trunc($0 / $1)`; null where the quotient is above 2^53.
    Remainder,
    /// The greatest whole number that is not above the double `$0`.
    Floor,
    /// The least whole number that is not below.
    Ceiling,
    /// The double `$0` rounded half away from zero to so many digits, -15 to 15.
    Round(i8),
    /// A sum or a mean, a double, with the digits that do not depend on how it was added up: whole numbers up to 2^53 as they are, all
    /// others with 15 digits; null when that is not finite. A double again.
    Figure,
    /// The same as [`Construct::Round`], cut off.
    Truncate(i8),
    /// `$0` without its sign.
    Absolute,
    /// -1, 0 or 1.
    Sign,
    /// The greater of two numbers; null when one is.
    Greater,
    /// The lesser.
    Lesser,
    /// Characters of a text.
    Length,
    /// The first `$1` characters of `$0`; `$1` is a double.
    Left,
    /// The last `$1` characters.
    Right,
    /// The characters from place `$1` on.
    From,
    /// `$2` characters from place `$1` on.
    Middle,
    /// Without blanks, tabs and ends of line at both ends.
    Trim,
    /// Whether `$0` holds `$1`.
    Contains,
    /// Whether `$0` begins with `$1`.
    StartsWith,
    /// Whether `$0` ends with `$1`.
    EndsWith,
    /// The place of the text `$1` in `$0`, from 1; 0 when it is not there.
    Find,
    /// `$0` with every `$1` replaced by `$2`.
    Replace,
    /// Part of a day: the year.
    Year,
    /// The quarter.
    Quarter,
    /// The month.
    Month,
    /// The day of the month.
    Day,
    /// The day of the week, 1 is Sunday.
    Weekday,
    /// Hour of the time `$0`.
    Hour,
    /// Minute of a time.
    Minute,
    /// Second of a time.
    Second,
    /// The local day of the moment `$0`; local time is so many seconds ahead of UTC.
    DayOf(i32),
    /// The local time of a moment.
    TimeOf(i32),
    /// The moment of the local midnight of the day `$0`.
    MidnightOf(i32),
    /// The local time of the clock `$1` on the day `$0`, written with a `Z`.
    LocalTime,
    /// The moment at which it is the local time `$0`, written with a `Z`; null outside of the years 1 to 9999.
    MomentOf(i32),
    /// The local day of the moment `$0`, `$1` seconds ahead of UTC. Uses both once, as the offset may be long.
    DayIn,
    /// The local time of a moment, in the same way.
    TimeIn,
    /// The moment at the local time `$0`, written with a `Z`, that is `$1` seconds ahead of UTC; for [`Construct::WithinCalendar`].
    Unshifted,
    /// What [`Construct::Unshifted`] gives, as a moment; null outside of the years 1 to 9999.
    WithinCalendar,
    /// `$1` (a double, cut to whole) days after the day `$0`; null outside of the years 1 to 9999.
    AddDays,
    /// Days from the day `$0` to the day `$1`.
    DaysBetween,
    /// The last day of the month of the day `$0`.
    EndOfMonth,
    /// The first day of its month.
    BeginOfMonth,
    /// The first day of its year.
    BeginOfYear,
    /// Reckoning with days and moments.
    Calendar(Calendar),
    /// Work on texts.
    Letters(Letters),
    /// Roots, logarithms and powers.
    Powers(Powers),
    /// The double `$0` rounded away from zero to so many digits, -15 to 15.
    RoundUp(i8),
    /// Whether the list `$0` holds the value `$1`; null when either is null.
    ListHolds,
    /// Whether the list `$0` is null or has no element; never null.
    ListEmpty,
    /// The moment `$0` moved by `$1` whole seconds, as text to the second.
    Shifted,
    /// Year and week of ISO 8601 of a day or moment: `2026-W09`.
    WeekOfYear,
    /// The null of a type.
    Null(Type),
    /// True, as a value.
    True,
    /// False.
    False,
}

/// Everything for SQLite: doubles are `REAL`, days and moments are text that sorts as time does, truth is 0 and 1.
pub(super) fn sqlite(construct: Construct) -> Cow<'static, str> {
    use Construct as C;
    Cow::Borrowed(match construct {
        C::Double => "CAST($0 AS REAL)",
        C::Add => "NULLIF(NULLIF($0 + $1, 9e999), -9e999)",
        C::Subtract => "NULLIF(NULLIF($0 - $1, 9e999), -9e999)",
        C::Multiply => "NULLIF(NULLIF($0 * $1, 9e999), -9e999)",
        C::Divide => "NULLIF(NULLIF($0 / NULLIF($1, 0), 9e999), -9e999)",
        C::Remainder => {
            "CASE WHEN abs($0 / NULLIF($1, 0)) <= 9007199254740992.0 \
             THEN $0 - $1 * CAST(CAST($0 / NULLIF($1, 0) AS INTEGER) AS REAL) END"
        }
        // Cut to a whole number, then one step on where that went the wrong way; large doubles are whole already.
        C::Floor => {
            "CASE WHEN abs($0) >= 4503599627370496.0 THEN $0 \
             WHEN $0 < CAST($0 AS INTEGER) THEN CAST($0 AS INTEGER) - 1 ELSE CAST($0 AS INTEGER) END"
        }
        C::Ceiling => {
            "CASE WHEN abs($0) >= 4503599627370496.0 THEN $0 \
             WHEN $0 > CAST($0 AS INTEGER) THEN CAST($0 AS INTEGER) + 1 ELSE CAST($0 AS INTEGER) END"
        }
        C::Round(digits) => return Cow::Owned(scaled(digits, " + 0.5")),
        C::Figure => {
            "CASE WHEN abs($0) <= 9007199254740992.0 AND $0 = CAST($0 AS INTEGER) THEN $0 \
             WHEN abs($0) < 1.79769313486231e308 THEN CAST(printf('%.15g', $0) AS REAL) END"
        }
        C::Truncate(digits) => return Cow::Owned(scaled(digits, "")),
        C::RoundUp(digits) => return Cow::Owned(round_up(digits, &scaled)),
        C::Calendar(calendar) => return calendar::sqlite(calendar),
        C::Letters(letters) => return letters::sqlite(letters),
        C::Powers(powers) => return powers::sqlite(powers),
        C::Absolute => "abs($0)",
        C::Sign => "sign($0)",
        C::Greater => "max($0, $1)",
        C::Lesser => "min($0, $1)",
        C::Length => "length($0)",
        C::Left => "substr($0, 1, max(0, CAST($1 AS INTEGER)))",
        C::Right => "CASE WHEN $1 < 1 THEN substr($0, 1, 0) ELSE substr($0, -CAST(min($1, length($0)) AS INTEGER)) END",
        C::From => "substr($0, max(1, CAST($1 AS INTEGER)))",
        C::Middle => "substr($0, max(1, CAST($1 AS INTEGER)), max(0, CAST($2 AS INTEGER)))",
        C::Trim => "trim($0, char(9, 10, 11, 12, 13, 32))",
        C::Contains => "(0 < instr($0, $1))",
        C::StartsWith => "(substr($0, 1, length($1)) = $1)",
        C::EndsWith => "(length($1) <= length($0) AND substr($0, 1 + length($0) - length($1)) = $1)",
        C::Find => "instr($0, $1)",
        // An empty pattern would not look at the third argument, and null must be null.
        C::Replace => "CASE WHEN $2 IS NOT NULL THEN replace($0, $1, $2) END",
        C::Year => "CAST(substr($0, 1, 4) AS INTEGER)",
        C::Quarter => "((CAST(substr($0, 6, 2) AS INTEGER) + 2) / 3)",
        C::Month => "CAST(substr($0, 6, 2) AS INTEGER)",
        C::Day => "CAST(substr($0, 9, 2) AS INTEGER)",
        C::Weekday => "(CAST(strftime('%w', $0) AS INTEGER) + 1)",
        C::Hour => "CAST(substr($0, 1, 2) AS INTEGER)",
        C::Minute => "CAST(substr($0, 4, 2) AS INTEGER)",
        C::Second => "CAST(substr($0, 7, 2) AS INTEGER)",
        C::DayOf(0) => "substr($0, 1, 10)",
        C::DayOf(offset) => return Cow::Owned(local_day(offset)),
        C::TimeOf(0) => "CASE WHEN substr($0, 21, 3) = '000' THEN substr($0, 12, 8) ELSE substr($0, 12, 12) END",
        C::TimeOf(offset) => return Cow::Owned(local_time(offset)),
        C::MidnightOf(0) => "($0 || 'T00:00:00.000Z')",
        C::MidnightOf(offset) => return Cow::Owned(moment_of(offset)),
        C::LocalTime => "($0 || 'T' || substr($1 || '.000', 1, 12) || 'Z')",
        C::MomentOf(0) => "$0",
        C::MomentOf(offset) => return Cow::Owned(moment_of(offset)),
        C::DayIn => {
            "CASE WHEN $0 IS NOT NULL \
             THEN max('0001-01-01', COALESCE(strftime('%Y-%m-%d', $0, ($1) || ' seconds'), '9999-12-31')) END"
        }
        // Of a day in the middle of the calendar, so that the day does not matter.
        C::TimeIn => {
            "replace(replace(strftime('%H:%M:%f', '2000-01-02' || substr($0, 11), ($1) || ' seconds') || '|', '.000|', ''), '|', '')"
        }
        C::Unshifted => "strftime('%Y-%m-%dT%H:%M:%fZ', $0, (-($1)) || ' seconds')",
        // The years before 1 begin with a minus or with 0000.
        C::WithinCalendar => "CASE WHEN $0 >= '0001' THEN $0 END",
        C::AddDays => {
            "CASE WHEN date($0, CAST($1 AS INTEGER) || ' days') >= '0001-01-01' \
             THEN date($0, CAST($1 AS INTEGER) || ' days') END"
        }
        C::DaysBetween => "CAST(julianday($1) - julianday($0) AS INTEGER)",
        // The month after the last one of all cannot be written.
        C::EndOfMonth => {
            "CASE WHEN substr($0, 1, 7) = '9999-12' THEN '9999-12-31' \
             ELSE date($0, 'start of month', '+1 month', '-1 day') END"
        }
        C::BeginOfMonth => "(substr($0, 1, 8) || '01')",
        C::BeginOfYear => "(substr($0, 1, 5) || '01-01')",
        C::ListHolds => {
            "CASE WHEN $0 IS NOT NULL AND $1 IS NOT NULL \
             THEN EXISTS (SELECT 1 FROM json_each($0) e WHERE e.value = $1) END"
        }
        C::ListEmpty => "COALESCE(json_array_length($0) = 0, 1)",
        C::Shifted => "strftime('%Y-%m-%dT%H:%M:%S', $0, ($1) || ' seconds')",
        C::WeekOfYear => "strftime('%G-W%V', $0)",
        // A value has a type here, a place has none.
        C::Null(_) => "NULL",
        C::True => "1",
        C::False => "0",
    })
}

/// Rounds or cuts; what people wrote is what counts: the double of 1.005 lies a little below it.
fn scaled(digits: i8, half: &str) -> String {
    let power = format!("1{}.0", "0".repeat(usize::from(digits.unsigned_abs())));
    let (to, back) = if digits >= 0 { ("*", "/") } else { ("/", "*") };
    let shifted = format!("abs($0) {to} {power}");
    format!(
        "CASE WHEN {shifted} >= 4503599627370496.0 THEN $0 ELSE sign($0) * CAST(CAST({shifted} + CASE WHEN {shifted} < 35184372088832.0 \
         THEN {shifted} * 2.220446049250313e-16 ELSE 0.0 END{half} AS INTEGER) AS REAL) {back} {power} END"
    )
}

/// What nothing is cut off from is round already; else the next step lies beyond. `scaled` rounds (with a half) or cuts.
pub(super) fn round_up(digits: i8, scaled: &dyn Fn(i8, &str) -> String) -> String {
    let fine = digits.saturating_add(9).min(15);
    let power = "0".repeat(usize::from(digits.unsigned_abs()));
    let step = if digits >= 0 {
        format!("(1.0 / 1{power}.0)")
    } else {
        format!("1{power}.0")
    };
    let beyond = scaled(digits, " + 0.5").replace("$0", &format!("(q.c + sign(q.x) * {step})"));
    format!(
        "(SELECT CASE WHEN q.c = q.f THEN q.c ELSE {beyond} END FROM (SELECT $0 AS x, {} AS c, {} AS f) q)",
        scaled(digits, ""),
        scaled(fine, " + 0.5"),
    )
}

/// Where local time leaves the calendar, its first or last day stands.
fn local_day(offset: i32) -> String {
    let day = format!("strftime('%Y-%m-%d', $0, '{offset} seconds')");
    format!("CASE WHEN $0 IS NOT NULL THEN max('0001-01-01', COALESCE({day}, '9999-12-31')) END")
}

fn local_time(offset: i32) -> String {
    // Of a day in the middle of the calendar, so that the day does not matter.
    let part = |format: &str| format!("strftime('{format}', '2000-01-02' || substr($0, 11), '{offset} seconds')");
    let (whole, fine) = (part("%H:%M:%S"), part("%H:%M:%f"));
    format!("CASE WHEN substr({fine}, 10) = '000' THEN {whole} ELSE {fine} END")
}

/// The moment at which a local time is; of a local day, its beginning.
fn moment_of(offset: i32) -> String {
    let moment = format!("strftime('%Y-%m-%dT%H:%M:%fZ', $0, '{} seconds')", -i64::from(offset));
    // The years before 1 begin with a minus or with 0000.
    format!("CASE WHEN {moment} >= '0001' THEN {moment} END")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_scales_by_a_power_of_ten() {
        assert!(scaled(2, " + 0.5").contains("abs($0) * 100.0 + CASE"));
        assert!(scaled(-3, "").ends_with("AS REAL) * 1000.0 END"));
        assert!(scaled(0, "").contains("abs($0) * 1.0"));
    }
}
