//! The record of what this platform made itself: which tables, and which of their columns. It is a table of the store's own,
//! written in the transaction of each change, in words that every database understands.
//!
//! What is not in it somebody else made, and is never taken away. Drivers write it with each step (`schema`) and read it with the
//! tables (`shape`); what follows from it is `schema::plan`'s to say. What was made before there was a record is not in it.

use crate::schema::SchemaStep;

/// Reads all of it: table and column; a table alone has an empty column.
pub(super) const ALL: &str = "SELECT table_name, column_name FROM objectos_made";

/// What is written down with a step: SQL that goes behind the step's own; nothing for one that makes and takes nothing.
pub(super) fn noted(step: &SchemaStep) -> String {
    match step {
        SchemaStep::CreateTable { table, columns } => {
            let columns = columns.iter().map(|column| column.name.as_str());
            std::iter::once("")
                .chain(columns)
                .map(|column| made(table, column))
                .collect()
        }
        SchemaStep::AddColumn { table, column } => made(table, &column.name),
        SchemaStep::RenameTable { from, to } => {
            let (from, to) = (quoted(from), quoted(to));
            format!(
                ";DELETE FROM objectos_made WHERE table_name = {to}\
                 ;UPDATE objectos_made SET table_name = {to} WHERE table_name = {from}"
            )
        }
        SchemaStep::RenameColumn { table, from, to } => {
            let (table, from, to) = (quoted(table), quoted(from), quoted(to));
            format!(
                ";DELETE FROM objectos_made WHERE table_name = {table} AND column_name = {to}\
                 ;UPDATE objectos_made SET column_name = {to} WHERE table_name = {table} AND column_name = {from}"
            )
        }
        SchemaStep::DropColumn { table, column } => {
            let (table, column) = (quoted(table), quoted(column));
            format!(";DELETE FROM objectos_made WHERE table_name = {table} AND column_name = {column}")
        }
        SchemaStep::DropTable { table } => format!(";DELETE FROM objectos_made WHERE table_name = {}", quoted(table)),
        _ => String::new(),
    }
}

fn made(table: &str, column: &str) -> String {
    format!(
        ";INSERT INTO objectos_made (table_name, column_name) VALUES ({}, {}) ON CONFLICT (table_name, column_name) DO NOTHING",
        quoted(table),
        quoted(column)
    )
}

/// A text as a constant.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
