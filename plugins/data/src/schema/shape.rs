//! What a database holds, as far as planning looks at it.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::Made;
use crate::model::{ColumnType, IndexMethod};

/// Tables by name. Tables of the store's own (`objectos_…`) are left out by the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseShape {
    /// By name.
    pub tables: IndexMap<String, TableShape>,
    /// The database can make text indexes.
    pub text_indexes: bool,
    /// The database has other indexes than btrees.
    pub index_methods: bool,
    /// What of it this platform made; whatever else is there is somebody else's.
    pub made: Made,
    /// Tables and names of objects of which their rows tell, among those that [`mentions`](super::mentions) asks for. Nothing where
    /// nobody asked.
    pub told: BTreeSet<(String, String)>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableShape {
    /// By name, in the order of the table.
    pub columns: IndexMap<String, ColumnShape>,
    /// By name; those that the database made by itself (primary key) are left out.
    pub indexes: IndexMap<String, IndexShape>,
    /// Rows, when the store knows; decides whether a new required field needs attention. `None` counts as some.
    pub rows: Option<u64>,
    /// Fields of its text index in their order; empty without one.
    pub words: Vec<String>,
    /// Its rows lie in several tables: partitions, or tables that inherit from it.
    pub scattered: bool,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnShape {
    /// Class of its type; `None` for a type that this platform never makes.
    pub kind: Option<ColumnType>,
    /// May be null.
    pub nullable: bool,
    /// Why it cannot be changed without touching what somebody else declared of the table; none where it can.
    pub bound: Option<String>,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexShape {
    /// Columns in their order.
    pub columns: Vec<String>,
    /// Enforces uniqueness.
    pub unique: bool,
    /// Text is compared without case.
    pub ignore_case: bool,
    /// How it is built; `None` for a method that this platform never makes.
    pub method: Option<IndexMethod>,
    /// Those of its columns whose null comes after all values.
    pub nulls_last: Vec<String>,
}
