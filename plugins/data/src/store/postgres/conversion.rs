//! Values as another type, in PostgreSQL's words: what does not fit becomes null. What fits is the same as in
//! `sqlite::conversion`, which a test holds against this: PostgreSQL by itself takes `now` for a moment, `NaN` for a number, and
//! from version 16 on `0x1A` as well. Called by `schema`.

use super::schema::name;
use crate::model::ColumnType;

/// Functions of the session that convert what can be converted.
pub(super) const FUNCTIONS: &str = r#"
CREATE OR REPLACE FUNCTION pg_temp.objectos_trimmed(text) RETURNS text LANGUAGE sql AS $f$
SELECT btrim($1, E' \t\n\x0B\f\r') $f$;
CREATE OR REPLACE FUNCTION pg_temp.objectos_to_number(text) RETURNS numeric LANGUAGE plpgsql AS $f$
DECLARE word text := pg_temp.objectos_trimmed($1); n numeric;
BEGIN
IF word !~ '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$' THEN RETURN NULL; END IF;
n := CAST(word AS numeric);
IF abs(n) < 1e-323 THEN RETURN 0; END IF;
IF n <> trunc(n) OR n NOT BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
n := CAST(CAST(CAST(n AS double precision) AS text) AS numeric);
END IF;
RETURN trim_scale(n);
EXCEPTION WHEN OTHERS THEN RETURN NULL; END $f$;
CREATE OR REPLACE FUNCTION pg_temp.objectos_to_integer(text) RETURNS bigint LANGUAGE sql AS $f$
SELECT CASE WHEN n = trunc(n) AND n BETWEEN -9223372036854775808 AND 9223372036854775807 THEN CAST(n AS bigint) END
FROM pg_temp.objectos_to_number($1) n $f$;
CREATE OR REPLACE FUNCTION pg_temp.objectos_to_boolean(text) RETURNS boolean LANGUAGE sql AS $f$
SELECT CASE WHEN $1 IN ('true', 'false') THEN $1 = 'true' WHEN n = 1 THEN TRUE WHEN n = 0 THEN FALSE END
FROM pg_temp.objectos_to_number($1) n $f$;
CREATE OR REPLACE FUNCTION pg_temp.objectos_clock(text) RETURNS text LANGUAGE sql AS $f$
SELECT CASE WHEN $1 ~ '^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?$'
THEN substr(substr($1, 1, 8) || ':00', 1, 8) || '.' || substr(substr($1, 10, 3) || '000', 1, 3) END $f$;
CREATE OR REPLACE FUNCTION pg_temp.objectos_to_moment(text) RETURNS text LANGUAGE plpgsql AS $f$
DECLARE parts text[] := regexp_match(pg_temp.objectos_trimmed($1),
'^([0-9]{4}-[0-9]{2}-[0-9]{2})([Tt ]([0-9:.,]+)([Zz]|([+-](0[0-9]|1[0-4])):?([0-5][0-9])?)?)?$');
clock text := '00:00:00.000'; moment timestamp;
BEGIN
IF parts[2] IS NOT NULL THEN clock := pg_temp.objectos_clock(parts[3]); END IF;
moment := CAST(parts[1] || ' ' || clock || COALESCE(parts[5] || ':' || COALESCE(parts[7], '00'), 'Z') AS timestamptz)
AT TIME ZONE 'UTC';
IF moment >= '0001-01-01' AND moment < '10000-01-01' THEN
RETURN to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
END IF;
RETURN NULL;
EXCEPTION WHEN OTHERS THEN RETURN NULL; END $f$;
CREATE OR REPLACE FUNCTION pg_temp.objectos_to_date(text) RETURNS text LANGUAGE sql AS $f$
SELECT CASE WHEN pg_temp.objectos_to_moment(substr(word, 1, 10)) IS NOT NULL
AND (length(word) = 10 OR pg_temp.objectos_to_moment(word) IS NOT NULL) THEN substr(word, 1, 10) END
FROM pg_temp.objectos_trimmed($1) word $f$;
CREATE OR REPLACE FUNCTION pg_temp.objectos_to_time(text) RETURNS text LANGUAGE sql AS $f$
SELECT CASE WHEN clock LIKE '%.000' THEN substr(clock, 1, 8) ELSE clock END
FROM pg_temp.objectos_trimmed($1) word, pg_temp.objectos_clock(CASE
WHEN word ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z$' THEN substr(word, 12, 12) ELSE rtrim(word, 'Z') END) clock $f$;
CREATE OR REPLACE FUNCTION pg_temp.objectos_to_json(text) RETURNS jsonb LANGUAGE plpgsql AS $f$
BEGIN RETURN CAST($1 AS jsonb); EXCEPTION WHEN OTHERS THEN RETURN to_jsonb($1); END $f$;
CREATE OR REPLACE FUNCTION pg_temp.objectos_json_text(jsonb) RETURNS text LANGUAGE plpgsql AS $f$
BEGIN RETURN CASE jsonb_typeof($1)
WHEN 'object' THEN (SELECT '{' || COALESCE(string_agg(to_jsonb(e.key)::text || ':'
|| pg_temp.objectos_json_text(e.value), ','), '') || '}' FROM jsonb_each($1) e)
WHEN 'array' THEN (SELECT '[' || COALESCE(string_agg(pg_temp.objectos_json_text(e.value), ',' ORDER BY e.place), '') || ']'
FROM jsonb_array_elements($1) WITH ORDINALITY e(value, place))
ELSE $1::text END; END $f$;"#;

/// The value of a column as another type that keeps all of it.
pub(super) fn widening(column: &str, from: ColumnType, to: ColumnType) -> String {
    let column = name(column);
    match (from, to) {
        // Noughts at the end say nothing.
        (ColumnType::Number | ColumnType::Decimal, ColumnType::Text) => format!("trim_scale({column})::text"),
        (_, ColumnType::Text) => format!("{column}::text"),
        _ => format!("{column}::numeric"),
    }
}

/// The value of a column as another type, null when it does not fit.
pub(super) fn conversion(column: &str, from: Option<ColumnType>, to: ColumnType) -> String {
    let column = name(column);
    let text = format!("{column}::text");
    match (from, to) {
        (Some(ColumnType::Boolean), ColumnType::Integer) => format!("{column}::integer::bigint"),
        (Some(ColumnType::Boolean), ColumnType::Number | ColumnType::Decimal) => format!("{column}::integer::numeric"),
        (Some(ColumnType::Json), ColumnType::Text) => format!("pg_temp.objectos_json_text({column})"),
        (_, ColumnType::Text) => text,
        (_, ColumnType::Integer) => format!("pg_temp.objectos_to_integer({text})"),
        (_, ColumnType::Number | ColumnType::Decimal) => format!("pg_temp.objectos_to_number({text})"),
        (_, ColumnType::Boolean) => format!("pg_temp.objectos_to_boolean({text})"),
        (_, ColumnType::Date) => format!("pg_temp.objectos_to_date({text})"),
        (_, ColumnType::DateTime) => format!("pg_temp.objectos_to_moment({text})"),
        (_, ColumnType::Time) => format!("pg_temp.objectos_to_time({text})"),
        (_, ColumnType::Json) => format!("pg_temp.objectos_to_json({text})"),
    }
}
