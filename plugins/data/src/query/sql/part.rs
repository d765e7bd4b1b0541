//! Parts of JSON documents as SQL: null where the part is missing or of another kind than what it is compared as, so that every
//! database finds the same. The way to the part is bound, never written into the statement.

use super::SqlWriter;
use crate::query::filter::{Class, PartSource};
use crate::store::{Family, SqlValue};

impl SqlWriter {
    pub(super) fn document_part(&mut self, table: usize, part: &PartSource, class: Class) -> &mut Self {
        match self.dialect.family() {
            Family::Sqlite => self.part_on_sqlite(table, part, class),
            Family::Postgres => self.part_on_postgres(table, part, class),
        }
    }

    fn part_on_sqlite(&mut self, table: usize, part: &PartSource, class: Class) -> &mut Self {
        let path: String = part.path.iter().map(|name| format!(".\"{name}\"")).collect();
        let path = format!("${path}");
        let mut call = |function: &str, before: &str, after: &str| {
            self.push(before).push(function).push("(").column(table, &part.column);
            self.push(", ")
                .value(SqlValue::Text(path.clone()))
                .push(")")
                .push(after);
        };
        match class {
            Class::List | Class::Document => call("json_type", "NULLIF(", ", 'null')"),
            Class::Boolean => call("json_type", "CASE ", " WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"),
            Class::Number => {
                call("json_type", "CASE WHEN ", " IN ('integer', 'real') THEN ");
                call("json_extract", "", " END");
            }
            Class::Text | Class::Date | Class::DateTime | Class::Time => {
                call("json_type", "CASE ", " WHEN 'text' THEN ");
                call("json_extract", "", " END");
            }
        }
        self
    }

    fn part_on_postgres(&mut self, table: usize, part: &PartSource, class: Class) -> &mut Self {
        let (kind, end) = match class {
            Class::List | Class::Document => {
                self.push("NULLIF(").reached(table, part, " #> ");
                return self.push(", 'null'::jsonb)");
            }
            Class::Boolean => ("boolean", ")::boolean END"),
            Class::Number => ("number", ")::numeric END"),
            Class::Text | Class::Date | Class::DateTime | Class::Time => ("string", ") COLLATE \"C\" END"),
        };
        self.push("CASE jsonb_typeof(").reached(table, part, " #> ");
        self.push(") WHEN '").push(kind).push("' THEN (");
        self.reached(table, part, " #>> ").push(end)
    }

    /// `column operator way`
    fn reached(&mut self, table: usize, part: &PartSource, operator: &str) -> &mut Self {
        self.column(table, &part.column).push(operator).push("ARRAY[");
        self.list(", ", &part.path, |writer, name| {
            writer.value(SqlValue::Text(name.clone()));
        });
        self.push("]")
    }
}
