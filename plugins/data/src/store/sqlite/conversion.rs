//! Values as another type, in SQLite's words: what does not fit becomes null. What fits is the same as in `postgres::conversion`,
//! which a test holds against this, and for days, moments and times what `record::moment` reads.
//!
//! SQLite's own functions take too much for a date: a number is a Julian day to them, `12:30` a day of the year 2000, and
//! `2026-02-30` the second of March. So only text is one, and only when it is written as one. Called by `rebuild`.

use crate::model::ColumnType;

/// What surrounds a value and does not count: what the databases themselves leave out around a number.
const BLANKS: &str = "char(32, 9, 10, 11, 12, 13)";

/// The value of a column as another type, null when it does not fit.
pub(super) fn conversion(column: &str, from: Option<ColumnType>, to: ColumnType) -> String {
    let boolean = from == Some(ColumnType::Boolean);
    match to {
        ColumnType::Text | ColumnType::Json if boolean => {
            format!("CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END")
        }
        ColumnType::Text => text(column),
        ColumnType::Json => format!(
            "CASE typeof({column}) WHEN 'null' THEN NULL WHEN 'text' THEN CASE WHEN json_valid({column}) THEN json({column}) \
             ELSE json_quote({column}) END ELSE {} END",
            text(column)
        ),
        ColumnType::Integer => whole(column),
        ColumnType::Number | ColumnType::Decimal => number(column),
        ColumnType::Boolean => format!(
            "CASE WHEN {column} IN ('true', 'false') THEN {column} = 'true' \
             ELSE (SELECT CASE b.v WHEN 1 THEN 1 WHEN 0 THEN 0 END FROM (SELECT {} AS v) b) END",
            number(column)
        ),
        ColumnType::Date => format!("(SELECT u.d FROM {} u WHERE u.t >= '0001')", moment(column)),
        ColumnType::DateTime => format!("(SELECT u.t FROM {} u WHERE u.t >= '0001')", moment(column)),
        ColumnType::Time => time(column),
    }
}

/// As text: of a broken number the fewest digits that are it, where a plain cast stops at fifteen.
pub(super) fn text(column: &str) -> String {
    let digits = |count: u8| format!("printf('%!.{count}g', {column})");
    let (short, longer, all) = (digits(15), digits(16), digits(17));
    format!(
        "CASE WHEN typeof({column}) <> 'real' THEN CAST({column} AS TEXT) WHEN CAST({short} AS REAL) = {column} THEN {short} \
         WHEN CAST({longer} AS REAL) = {column} THEN {longer} ELSE {all} END"
    )
}

/// A number that a double can hold; text that is one from end to end, blanks around it aside.
fn number(column: &str) -> String {
    let text = format!("CAST({column} AS TEXT)");
    format!(
        "(SELECT CASE WHEN n.v BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN n.v END \
         FROM (SELECT CASE typeof({column}) WHEN 'integer' THEN {column} WHEN 'real' THEN {column} \
         WHEN 'text' THEN CASE WHEN CAST({text} AS NUMERIC) = {text} THEN CAST({text} AS NUMERIC) END END AS v) n)"
    )
}

/// A number without a broken part, of 64 bits.
fn whole(column: &str) -> String {
    format!(
        "(SELECT CASE WHEN typeof(i.v) = 'integer' THEN i.v \
         WHEN i.v > -9.2233720368547758e18 AND i.v = CAST(i.v AS INTEGER) THEN CAST(i.v AS INTEGER) END \
         FROM (SELECT {} AS v) i)",
        number(column)
    )
}

/// A value as trimmed text; null for anything else.
fn trimmed(column: &str) -> String {
    format!("CASE WHEN typeof({column}) = 'text' THEN trim({column}, {BLANKS}) END")
}

/// `HH:MM:SS.mmm` of a time of day, seconds and what is behind them left out or not.
fn clock(text: &str) -> String {
    let minutes = "[0-2][0-9]:[0-5][0-9]";
    format!(
        "CASE WHEN {text} < '24' AND ({text} GLOB '{minutes}' OR {text} GLOB '{minutes}:[0-5][0-9]' \
         OR ({text} GLOB '{minutes}:[0-5][0-9][.,]*' AND length({text}) BETWEEN 10 AND 18 \
         AND substr({text}, 10) NOT GLOB '*[^0-9]*')) \
         THEN substr(substr({text}, 1, 8) || ':00', 1, 8) || '.' || substr(substr({text}, 10, 3) || '000', 1, 3) END"
    )
}

fn time(column: &str) -> String {
    format!(
        "(SELECT CASE WHEN u.k LIKE '%.000' THEN substr(u.k, 1, 8) ELSE u.k END FROM (SELECT {} AS k FROM (SELECT CASE \
         WHEN q.s GLOB '????-??-??T??:??:??.???Z' THEN substr(q.s, 12, 12) ELSE rtrim(q.s, 'Z') END AS k \
         FROM (SELECT {} AS s) q) w) u)",
        clock("w.k"),
        trimmed(column)
    )
}

/// One row: the day `d` that is written, and the moment `t` in UTC, null or before year 1 when it is none.
fn moment(column: &str) -> String {
    // What is written, the day of it if there is such a day, the clock, and how far it is from UTC.
    let day = "CASE WHEN substr(r.s, 1, 10) = date(julianday(substr(r.s, 1, 10))) AND r.s > '0001' THEN substr(r.s, 1, 10) END";
    let (long, plain, short) = (
        "GLOB '*[+-][0-9][0-9]:[0-9][0-9]'",
        "GLOB '*[+-][0-9][0-9][0-9][0-9]'",
        "GLOB '*[+-][0-9][0-9]'",
    );
    let before = format!(
        "CASE WHEN r.r GLOB '*[Zz]' THEN substr(r.r, 1, length(r.r) - 1) WHEN r.r {long} THEN substr(r.r, 1, length(r.r) - 6) \
         WHEN r.r {plain} THEN substr(r.r, 1, length(r.r) - 5) WHEN r.r {short} THEN substr(r.r, 1, length(r.r) - 3) ELSE r.r END"
    );
    let offset = format!(
        "CASE WHEN r.r {long} THEN substr(r.r, -6) WHEN r.r {plain} THEN substr(r.r, -5, 3) || ':' || substr(r.r, -2) \
         WHEN r.r {short} THEN substr(r.r, -3) || ':00' ELSE '+00:00' END"
    );
    format!(
        "(SELECT m.d, CASE WHEN m.s = m.d THEN m.d || 'T00:00:00.000Z' \
         ELSE strftime('%Y-%m-%dT%H:%M:%fZ', m.d || ' ' || m.k || m.o) END AS t \
         FROM (SELECT p.s, p.d, p.o, {} AS k FROM (SELECT r.s, {day} AS d, {before} AS k, {offset} AS o \
         FROM (SELECT q.s, CASE WHEN substr(q.s, 11, 1) IN ('T', 't', ' ') THEN substr(q.s, 12) END AS r \
         FROM (SELECT {} AS s) q) r) p WHERE substr(p.o, 2, 2) <= '14' AND substr(p.o, 5) <= '59') m)",
        clock("p.k"),
        trimmed(column)
    )
}
