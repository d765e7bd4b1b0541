//! Indexes, and the conditions of those that are over some of the records.

use std::fmt;

use objectos_expression::CompareOperator;

use super::SystemField;

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexModel {
    /// Name, unique in the whole catalogue.
    pub name: String,
    /// Fields in their order; all are stored.
    pub fields: Vec<String>,
    /// No two records share all values. With tenancy the tenant's field comes first in `fields`.
    pub unique: bool,
    /// Text is compared without case.
    pub ignore_case: bool,
    /// Only over records whose field of this name is null: those that are not in the bin. The name of the index says so too.
    pub live: Option<String>,
    /// Only over records for which it holds. The name of the index has a digest of it, so another condition is another index.
    pub partial: Option<PartialModel>,
    /// How it is built, where the database has it; where not, it is a btree.
    pub method: IndexMethod,
}

impl IndexModel {
    /// Whether the index says of this field of its own where null stands: a btree has an order, and the id is never null.
    #[must_use]
    pub fn places_nulls(&self, field: &str) -> bool {
        self.method == IndexMethod::Btree && field != SystemField::Id.name()
    }
}

/// How an index is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexMethod {
    /// In the order of the values.
    #[default]
    Btree,
    /// For equality, of one field.
    Hash,
    /// For what a list or document holds.
    Gin,
}

impl IndexMethod {
    /// As declarations and PostgreSQL have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Btree => "btree",
            Self::Hash => "hash",
            Self::Gin => "gin",
        }
    }

    /// By its name; none for one that this platform never makes.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Btree, Self::Hash, Self::Gin]
            .into_iter()
            .find(|method| method.name() == name)
    }
}

/// Over which records an index is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialModel {
    /// As it was written.
    pub source: String,
    /// What it says.
    pub condition: IndexCondition,
}

impl fmt::Display for PartialModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// What a database can decide from the row alone, the same at any time. Three-valued: a record is in the index if it is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexCondition {
    /// All of them.
    All(Vec<IndexCondition>),
    /// One of them.
    Any(Vec<IndexCondition>),
    /// The opposite.
    Not(Box<IndexCondition>),
    /// Two values of one type; null if one of them is.
    Compare(IndexOperand, CompareOperator, IndexOperand),
    /// Whether a field has no value.
    IsNull(String),
    /// Whether a value is one of several.
    Among(IndexOperand, Vec<IndexOperand>),
}

/// A value in a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexOperand {
    /// That of a stored field.
    Field(String),
    /// Text, days, moments and times included.
    Text(String),
    /// A number in decimal digits.
    Number(String),
    /// True or false.
    Boolean(bool),
}
