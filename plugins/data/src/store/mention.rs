//! Names of objects and fields in rows of the platform's own tables: the statements that put a new name in the place of an old
//! one. What a column or a table is called is `ddl`'s; which tables are meant is the planner's. Called by the schemas of both
//! databases, in the transaction of the rename.

use super::ddl::name;
use super::{Dialect, Family};

/// The column that says of which object a row tells.
pub(super) const OBJECT: &str = "object_name";

/// Rows that tell of an object tell of it under its new name. What was told of another object of that name goes first: its
/// table is gone, and its records would be taken for those of this one. Nothing happens the second time.
pub(super) fn of_object(dialect: &dyn Dialect, table: &str, from: &str, to: &str) -> String {
    let (table, object) = (name(dialect, table), name(dialect, OBJECT));
    let (from, to) = (text(from), text(to));
    format!(
        "DELETE FROM {table} WHERE {object} = {to} AND EXISTS (SELECT 1 FROM {table} b WHERE b.{object} = {from}); \
         UPDATE {table} SET {object} = {to} WHERE {object} = {from}"
    )
}

/// Versions of an object's records have a field under its new name. Nothing happens the second time.
pub(super) fn of_field(dialect: &dyn Dialect, table: &str, object: &str, (from, to): (&str, &str)) -> String {
    let change = |column: &str, new: String| format!("{0} = {new}", name(dialect, column));
    let record = |column: &str| change(column, renamed_key(dialect, &name(dialect, column), from, to));
    let list = name(dialect, "changed_fields");
    format!(
        "UPDATE {} SET {}, {}, {} WHERE {} = {}",
        name(dialect, table),
        change("changed_fields", renamed_item(dialect, &list, from, to)),
        record("before"),
        record("after"),
        name(dialect, OBJECT),
        text(object)
    )
}

/// A document with the value of one key under another.
fn renamed_key(dialect: &dyn Dialect, column: &str, from: &str, to: &str) -> String {
    let (key, new) = (text(from), text(to));
    match dialect.family() {
        Family::Sqlite => {
            let path = text(&format!("$.\"{from}\""));
            let name = format!("CASE WHEN e.key = {key} THEN {new} ELSE e.key END");
            // In the order in which the other database has them by itself: short names first.
            format!(
                "CASE WHEN json_type({column}, {path}) IS NULL THEN {column} \
                 ELSE (SELECT json_group_object({name}, json({column} -> e.fullkey) ORDER BY octet_length({name}), {name}) \
                 FROM json_each({column}) e WHERE e.key <> {new}) END"
            )
        }
        Family::Postgres => format!(
            "CASE WHEN jsonb_exists({column}, {key}) \
             THEN ({column} - {key}) || jsonb_build_object({new}, {column} -> {key}) ELSE {column} END"
        ),
    }
}

/// A list with one text in the place of another.
fn renamed_item(dialect: &dyn Dialect, column: &str, from: &str, to: &str) -> String {
    let (item, new) = (text(from), text(to));
    match dialect.family() {
        Family::Sqlite => format!(
            "CASE WHEN json_type({column}) = 'array' THEN (SELECT json_group_array(CASE WHEN e.value = {item} THEN {new} \
             ELSE e.value END) FROM json_each({column}) e) ELSE {column} END"
        ),
        Family::Postgres => format!(
            "CASE WHEN jsonb_typeof({column}) = 'array' THEN (SELECT COALESCE(jsonb_agg(CASE WHEN e.value = {item} THEN {new} \
             ELSE e.value END ORDER BY e.place), '[]'::jsonb) FROM jsonb_array_elements_text({column}) \
             WITH ORDINALITY e(value, place)) ELSE {column} END"
        ),
    }
}

/// A text as a constant.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
