//! What formulas are made of, as PostgreSQL words it: the same answers as `construct::sqlite`.
//!
//! Doubles are `double precision`, days and moments are text that sorts as time does. Arithmetic goes through functions of the
//! store's own, since PostgreSQL fails where a result is not finite.

use std::borrow::Cow;

use objectos_expression::Type;

use super::construct::{self, Construct, round_up};

pub(super) fn postgres(construct: Construct) -> Cow<'static, str> {
    use Construct as C;
    Cow::Borrowed(match construct {
        C::Double => "CAST($0 AS double precision)",
        C::Add => "objectos_add($0, $1)",
        C::Subtract => "objectos_subtract($0, $1)",
        C::Multiply => "objectos_multiply($0, $1)",
        C::Divide => "objectos_divide($0, $1)",
        C::Remainder => "objectos_remainder($0, $1)",
        // Zero has no sign here.
        C::Floor => "(floor($0) + 0)",
        C::Ceiling => "(ceil($0) + 0)",
        C::Round(digits) => return Cow::Owned(scaled(digits, " + 0.5")),
        C::Figure => "objectos_figure($0)",
        C::Truncate(digits) => return Cow::Owned(scaled(digits, "")),
        C::RoundUp(digits) => return Cow::Owned(round_up(digits, &scaled)),
        C::Calendar(calendar) => return construct::calendar_postgres(calendar),
        C::Letters(letters) => return construct::letters_postgres(letters),
        C::Powers(powers) => return construct::powers_postgres(powers),
        C::Absolute => "abs($0)",
        C::Sign => "sign($0)",
        // Unlike GREATEST by itself, null when one of them is.
        C::Greater => "CASE WHEN $0 IS NOT NULL AND $1 IS NOT NULL THEN GREATEST($0, $1) END",
        C::Lesser => "CASE WHEN $0 IS NOT NULL AND $1 IS NOT NULL THEN LEAST($0, $1) END",
        C::Length => "length($0)",
        C::Left => "left($0, objectos_count($1))",
        C::Right => "right($0, objectos_count($1))",
        C::From => "substr($0, GREATEST(1, objectos_count($1)) + 0 * objectos_count($1))",
        C::Middle => "substr($0, GREATEST(1, objectos_count($1)) + 0 * objectos_count($1), objectos_count($2))",
        C::Trim => "btrim($0, E'\\t\\n\\x0B\\x0C\\r ')",
        C::Contains => "(0 < strpos($0, $1))",
        C::StartsWith => "(left($0, length($1)) = $1)",
        C::EndsWith => "(length($1) <= length($0) AND right($0, length($1)) = $1)",
        C::Find => "strpos($0, $1)",
        C::Replace => "replace($0, $1, $2)",
        C::Year => "CAST(substr($0, 1, 4) AS integer)",
        C::Quarter => "((CAST(substr($0, 6, 2) AS integer) + 2) / 3)",
        C::Month => "CAST(substr($0, 6, 2) AS integer)",
        C::Day => "CAST(substr($0, 9, 2) AS integer)",
        C::Weekday => "(CAST(EXTRACT(dow FROM CAST($0 AS date)) AS integer) + 1)",
        C::Hour => "CAST(substr($0, 1, 2) AS integer)",
        C::Minute => "CAST(substr($0, 4, 2) AS integer)",
        C::Second => "CAST(substr($0, 7, 2) AS integer)",
        C::DayOf(0) => "substr($0, 1, 10)",
        C::DayOf(offset) => return Cow::Owned(local_day(offset)),
        C::TimeOf(0) => "CASE WHEN substr($0, 21, 3) = '000' THEN substr($0, 12, 8) ELSE substr($0, 12, 12) END",
        C::TimeOf(offset) => return Cow::Owned(local_time(offset)),
        C::MidnightOf(0) => "($0 || 'T00:00:00.000Z')",
        C::MidnightOf(offset) => return Cow::Owned(moment_of(offset, "$0")),
        C::LocalTime => "($0 || 'T' || substr($1 || '.000', 1, 12) || 'Z')",
        C::MomentOf(0) => "$0",
        // Without its Z it has no zone.
        C::MomentOf(offset) => return Cow::Owned(moment_of(offset, "substr($0, 1, 23)")),
        C::DayIn => {
            "CASE WHEN $0 IS NOT NULL THEN to_char(LEAST(GREATEST(CAST(substr($0, 1, 23) AS timestamp) + ($1) * interval '1 second', \
             timestamp '0001-01-01'), timestamp '9999-12-31'), 'YYYY-MM-DD') END"
        }
        C::TimeIn => {
            "replace(replace(to_char(CAST(substr($0, 1, 23) AS timestamp) + ($1) * interval '1 second', 'HH24:MI:SS.MS') || '|', \
             '.000|', ''), '|', '')"
        }
        C::Unshifted => "(CAST(substr($0, 1, 23) AS timestamp) - ($1) * interval '1 second')",
        C::WithinCalendar => {
            "CASE WHEN $0 >= timestamp '0001-01-01' AND $0 < timestamp '10000-01-01' \
             THEN to_char($0, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') END"
        }
        C::AddDays => "objectos_add_days($0, $1)",
        C::DaysBetween => "(CAST($1 AS date) - CAST($0 AS date))",
        // The month after the last one of all cannot be written.
        C::EndOfMonth => {
            "CASE WHEN substr($0, 1, 7) = '9999-12' THEN '9999-12-31' \
             ELSE to_char(CAST(substr($0, 1, 8) || '01' AS date) + interval '1 month - 1 day', 'YYYY-MM-DD') END"
        }
        C::BeginOfMonth => "(substr($0, 1, 8) || '01')",
        C::BeginOfYear => "(substr($0, 1, 5) || '01-01')",
        C::ListHolds => {
            "CASE WHEN $0 IS NOT NULL AND $1 IS NOT NULL \
             THEN EXISTS (SELECT 1 FROM jsonb_array_elements_text($0) e(value) WHERE e.value = $1) END"
        }
        C::ListEmpty => "COALESCE(jsonb_array_length($0) = 0, TRUE)",
        C::Shifted => {
            "to_char(CAST(substr($0, 1, 23) AS timestamp) + ($1) * interval '1 second', 'YYYY-MM-DD\"T\"HH24:MI:SS')"
        }
        C::WeekOfYear => "to_char(CAST(substr($0, 1, 10) AS date), 'IYYY-\"W\"IW')",
        // Else it would be taken for text wherever it stands by itself, and compared with nothing but text.
        C::Null(Type::Boolean) => "CAST(NULL AS boolean)",
        C::Null(Type::Number) => "CAST(NULL AS numeric)",
        C::Null(Type::List) => "CAST(NULL AS jsonb)",
        C::Null(_) => "(CAST(NULL AS text) COLLATE \"C\")",
        C::True => "TRUE",
        C::False => "FALSE",
    })
}

/// Rounds or cuts; what people wrote is what counts: the double of 1.005 lies a little below it.
fn scaled(digits: i8, half: &str) -> String {
    let double = |text: &str| format!("CAST('{text}' AS double precision)");
    let power = double(&format!("1{}", "0".repeat(usize::from(digits.unsigned_abs()))));
    let (to, back) = if digits >= 0 { ("*", "/") } else { ("/", "*") };
    let shifted = if digits >= 0 {
        format!("COALESCE(objectos_multiply(abs($0), {power}), {})", double("1e300"))
    } else {
        format!("abs($0) {to} {power}")
    };
    format!(
        "CASE WHEN $0 IS NULL THEN NULL WHEN {shifted} >= 4503599627370496 THEN $0 ELSE sign($0) * trunc({shifted} + \
         CASE WHEN {shifted} < 35184372088832 THEN objectos_multiply({shifted}, {epsilon}) ELSE 0 END{half}) {back} {power} END",
        epsilon = double("2.220446049250313e-16"),
    )
}

/// Where local time leaves the calendar, its first or last day stands.
fn local_day(offset: i32) -> String {
    let day = moment(offset, "YYYY-MM-DD");
    format!(
        "CASE WHEN $0 IS NULL THEN NULL WHEN {local} < timestamp '0001-01-01' THEN '0001-01-01' \
         WHEN {local} >= timestamp '10000-01-01' THEN '9999-12-31' ELSE {day} END",
        local = local(offset),
    )
}

fn local_time(offset: i32) -> String {
    let whole = moment(offset, "HH24:MI:SS");
    let fine = moment(offset, "HH24:MI:SS.MS");
    format!("CASE WHEN substr($0, 21, 3) = '000' THEN {whole} ELSE {fine} END")
}

/// The moment at which a local time is; of a local day, its beginning.
fn moment_of(offset: i32, local: &str) -> String {
    let moment = format!("(CAST({local} AS timestamp) - interval '{offset} seconds')");
    format!(
        "CASE WHEN {moment} >= timestamp '0001-01-01' AND {moment} < timestamp '10000-01-01' \
         THEN to_char({moment}, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') END"
    )
}

/// The moment `$0` in local time.
fn local(offset: i32) -> String {
    // Without its Z it has no zone, and nothing depends on that of the session.
    format!("(CAST(substr($0, 1, 23) AS timestamp) + interval '{offset} seconds')")
}

fn moment(offset: i32, format: &str) -> String {
    format!("to_char({}, '{format}')", local(offset))
}
