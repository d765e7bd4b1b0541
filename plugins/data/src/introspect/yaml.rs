//! Object files out of tables.

use std::collections::HashMap;
use std::fmt::Write as _;

use objectos_plugin_api::protocol::text::{is_dotted_name, is_identifier};

use super::types::field_of;
use super::{Column, ForeignKey, Table};
use crate::model::{SystemField, is_reserved};

/// How names of objects begin that are no app's to give.
const OF_PLUGINS: &str = "sys_";

/// Tables that only this platform has, both of them.
const MADE_BY_US: [&str; 2] = ["sys_metadata", "sys_metadata_version"];

/// A table among the others.
struct Known<'a> {
    table: &'a Table,
    objects: &'a HashMap<&'a str, String>,
}

/// Name and text of a file for each table that can be an object.
pub(super) fn files(tables: &[Table]) -> Vec<(String, String)> {
    let mut objects: HashMap<&str, String> = HashMap::new();
    // In a database that this platform made, what begins so is the plugins' own, and comes with them.
    let ours = MADE_BY_US
        .iter()
        .all(|name| tables.iter().any(|table| table.name == *name));
    let wanted = |table: &&Table| !(is_reserved(&table.name) || ours && table.name.starts_with(OF_PLUGINS));
    for table in tables.iter().filter(wanted) {
        let mut name = snake(&table.name);
        if name.starts_with(OF_PLUGINS) {
            name.insert_str(0, "table_");
        }
        while name.len() < 2 || is_reserved(&name) || objects.values().any(|known| *known == name) {
            name.push_str("_2");
        }
        objects.insert(&table.name, name);
    }
    tables
        .iter()
        .filter_map(|table| {
            let name = objects.get(table.name.as_str())?;
            let known = Known {
                table,
                objects: &objects,
            };
            Some((format!("{name}.object.yml"), known.file(name)))
        })
        .collect()
}

/// A name that an object may have.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut small = false;
    for character in name.chars() {
        if character.is_ascii_uppercase() && small {
            out.push('_');
        }
        small = character.is_ascii_lowercase() || character.is_ascii_digit();
        out.push(if character.is_ascii_alphanumeric() {
            character.to_ascii_lowercase()
        } else {
            '_'
        });
    }
    let out = out.trim_matches('_').to_owned();
    match out.chars().next() {
        Some(first) if first.is_ascii_lowercase() => out,
        _ => format!("t_{out}"),
    }
}

/// A text as YAML reads it again, whatever is in it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn is_system(name: &str) -> bool {
    SystemField::ALWAYS.iter().any(|field| field.name() == name)
}

impl Known<'_> {
    fn file(&self, name: &str) -> String {
        let mut out = format!("name: {name}\n");
        if name != self.table.name {
            if is_identifier(&self.table.name) {
                let _ = writeln!(out, "tableName: {}", self.table.name);
            } else {
                let _ = writeln!(out, "# the table is called {}; rename it", quoted(&self.table.name));
            }
        }
        match self.table.primary.as_slice() {
            [only] if only == SystemField::Id.name() => {
                let id = self.table.columns.iter().find(|column| column.name == *only);
                if let Some(id) = id.filter(|id| field_of(&id.declared).is_none_or(|field| field.kind != "text")) {
                    let _ = writeln!(out, "# the key `id` is {}; it becomes text", id.declared);
                }
            }
            [] => out.push_str("# the table has no primary key; its rows need a column `id`\n"),
            others => {
                let _ = writeln!(
                    out,
                    "# the primary key is {}; records are known by a column `id`",
                    others.join(", ")
                );
            }
        }
        let mut fields = String::new();
        for column in &self.table.columns {
            self.field(&mut fields, column);
        }
        if fields.lines().all(|line| line.trim_start().starts_with('#')) {
            out.push_str("fields: {}\n");
        } else {
            out.push_str("fields:\n");
        }
        out.push_str(&fields);
        self.indexes(&mut out);
        out
    }

    fn field(&self, out: &mut String, column: &Column) {
        let name = &column.name;
        if is_system(name) {
            return;
        }
        let comment = |reason: &str| format!("  # column {} ({}): {reason}\n", quoted(name), column.declared);
        if !is_identifier(name) {
            out.push_str(&comment("a field cannot have this name"));
            return;
        }
        let key = self
            .table
            .foreign
            .iter()
            .find(|key| key.columns.as_slice() == [name.as_str()]);
        let shape = field_of(&column.declared);
        let mut parts = Vec::new();
        match (key.and_then(|key| Some((key, self.target(key)?))), &shape) {
            (Some((key, object)), _) => {
                parts.push("type: lookup".to_owned());
                parts.push(format!("reference: {object}"));
                parts.push(format!(
                    "deleteBehavior: {}",
                    delete_behavior(&key.on_delete, column.nullable)
                ));
            }
            (None, _) if !column.values.is_empty() && column.values.iter().any(|value| !is_dotted_name(value, 2)) => {
                let values: Vec<String> = column.values.iter().map(|value| quoted(value)).collect();
                let _ = writeln!(out, "  # the values of {}: {}", quoted(name), values.join(", "));
                parts.push("type: text".to_owned());
            }
            (None, _) if !column.values.is_empty() => {
                let options: Vec<String> = column
                    .values
                    .iter()
                    .map(|value| format!("{{ label: {0}, value: {0} }}", quoted(value)))
                    .collect();
                parts.push("type: select".to_owned());
                parts.push(format!("options: [{}]", options.join(", ")));
            }
            (None, Some(shape)) => {
                parts.push(format!("type: {}", shape.kind));
                parts.extend(shape.keys.iter().map(|(key, value)| format!("{key}: {value}")));
            }
            (None, None) => {
                out.push_str(&comment("no field has this type"));
                return;
            }
        }
        if !column.nullable && !column.default {
            parts.push("required: true".to_owned());
        }
        if self.is_unique(name) {
            parts.push("unique: true".to_owned());
        }
        let _ = writeln!(out, "  {name}: {{ {} }}", parts.join(", "));
    }

    /// The object that a key points to, when it points to its `id`.
    fn target(&self, key: &ForeignKey) -> Option<&str> {
        let to_id = match key.targets.as_slice() {
            [] => true,
            [only] => only == SystemField::Id.name(),
            _ => false,
        };
        self.objects
            .get(key.table.as_str())
            .filter(|_| to_id)
            .map(String::as_str)
    }

    fn is_unique(&self, column: &str) -> bool {
        let alone = |columns: &[String]| columns == [column.to_owned()];
        self.table
            .indexes
            .iter()
            .any(|index| index.unique && !index.partial && alone(&index.columns))
            || alone(&self.table.primary)
    }

    /// Whether a column became a field that can be in an index.
    fn indexable(&self, name: &str) -> bool {
        let column = self.table.columns.iter().find(|column| column.name == *name);
        let stored = |column: &Column| {
            !column.values.is_empty()
                || field_of(&column.declared).is_some_and(|shape| !matches!(shape.kind, "json" | "tags"))
        };
        is_identifier(name) && column.is_some_and(stored)
    }

    fn indexes(&self, out: &mut String) {
        let mut lines = String::new();
        for index in &self.table.indexes {
            if let ([only], false) = (index.columns.as_slice(), index.partial) {
                let points = self
                    .table
                    .foreign
                    .iter()
                    .any(|key| key.columns.as_slice() == [only.as_str()]);
                // Uniqueness stands at the field, and a lookup has an index anyway.
                if index.unique || points {
                    continue;
                }
            }
            let fits = !index.partial && index.columns.iter().all(|name| self.indexable(name));
            if !fits {
                let _ = writeln!(
                    lines,
                    "  # index {}: over expressions or a part of the rows",
                    quoted(&index.name)
                );
                continue;
            }
            let unique = if index.unique { ", unique: true" } else { "" };
            let _ = writeln!(lines, "  - {{ fields: [{}]{unique} }}", index.columns.join(", "));
        }
        if lines.lines().any(|line| line.trim_start().starts_with('-')) {
            out.push_str("indexes:\n");
        }
        out.push_str(&lines);
    }
}

fn delete_behavior(on_delete: &str, nullable: bool) -> &'static str {
    match on_delete {
        "CASCADE" => "cascade",
        "SET NULL" if nullable => "set_null",
        _ => "restrict",
    }
}
