//! What of a database this platform made itself. Read by the store, which keeps the record; asked by the planner, which proposes
//! nothing else for removal.

use std::collections::{BTreeMap, BTreeSet};

/// Tables and columns that this platform made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    tables: BTreeMap<String, Parts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parts {
    /// The table itself.
    whole: bool,
    columns: BTreeSet<String>,
}

impl Made {
    /// Takes in one entry of the record: a column, or with an empty one the table itself.
    pub fn note(&mut self, table: &str, column: &str) {
        let parts = self.tables.entry(table.to_owned()).or_default();
        if column.is_empty() {
            parts.whole = true;
        } else {
            parts.columns.insert(column.to_owned());
        }
    }

    /// Whether a table is from here.
    #[must_use]
    pub fn table(&self, table: &str) -> bool {
        self.tables.get(table).is_some_and(|parts| parts.whole)
    }

    /// Whether a column is from here.
    #[must_use]
    pub fn column(&self, table: &str, column: &str) -> bool {
        self.tables
            .get(table)
            .is_some_and(|parts| parts.columns.contains(column))
    }
}
