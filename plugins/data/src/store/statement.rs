//! SQL with its values, rows that come back, and units of writing.

use std::sync::Arc;

/// A value to bind.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlValue {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number; finite.
    Real(f64),
    /// Text, days, moments and times included.
    Text(String),
    /// A JSON document as text.
    Json(String),
    /// Text that the copies of a kept statement share.
    SharedText(Arc<str>),
    /// A JSON document as text, so large that the statements which bind it share it.
    SharedJson(Arc<str>),
}

impl SqlValue {
    /// The text inside, JSON included.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Json(text) => Some(text),
            Self::SharedText(text) | Self::SharedJson(text) => Some(text),
            _ => None,
        }
    }

    /// The same, and copies of it share their text.
    #[must_use]
    pub fn shared(self) -> Self {
        match self {
            Self::Text(text) => Self::SharedText(text.into()),
            Self::Json(text) => Self::SharedJson(text.into()),
            other => other,
        }
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// As it will be read.
    #[must_use]
    pub fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Boolean(boolean) => Cell::Integer(i64::from(*boolean)),
            Self::Integer(integer) => Cell::Integer(*integer),
            Self::Real(real) => Cell::Real(*real),
            Self::Text(text) | Self::Json(text) => Cell::Text(text),
            Self::SharedText(text) | Self::SharedJson(text) => Cell::Text(text),
        }
    }
}

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SqlValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for SqlValue {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

/// SQL and the values for its placeholders, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The text; one statement, without a semicolon.
    pub sql: Arc<str>,
    /// The values.
    pub values: Vec<SqlValue>,
    /// At most one row is wanted.
    pub single: bool,
}

impl Statement {
    /// A statement.
    pub fn new(sql: impl Into<Arc<str>>, values: Vec<SqlValue>) -> Self {
        Self {
            sql: sql.into(),
            values,
            single: false,
        }
    }

    /// The same, to be kept and copied each time it is run: the copies share their texts.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.values = self.values.into_iter().map(SqlValue::shared).collect();
        self
    }

    /// At most one row is wanted.
    #[must_use]
    pub fn single(mut self) -> Self {
        self.single = true;
        self
    }
}

/// A value as it was read. Booleans are 0 and 1 where the database has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(&'a str),
}

impl Cell<'_> {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    /// A value of its own.
    #[must_use]
    pub fn to_value(&self) -> SqlValue {
        match self {
            Self::Null => SqlValue::Null,
            Self::Integer(integer) => SqlValue::Integer(*integer),
            Self::Real(real) => SqlValue::Real(*real),
            Self::Text(text) => SqlValue::Text((*text).to_owned()),
        }
    }
}

/// A row as it was read.
pub trait Row {
    /// A value by its place among the columns of the query; `Null` beyond the last.
    fn cell(&self, index: usize) -> Cell<'_>;
}

/// What a step of a unit must find, so that the unit may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever.
    Anything,
    /// So many rows changed.
    Changed(u64),
    /// The query answers no row.
    NoRow,
    /// The query answers rows whose first column is a whole number; they are part of the outcome.
    Numbers,
}

/// One statement of a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The statement.
    pub statement: Statement,
    /// What it must find.
    pub expect: Expect,
}

/// Changes that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteUnit {
    /// In their order.
    pub steps: Vec<Step>,
    /// Nothing is kept: the steps are run to learn whether they would be stored.
    pub trial: bool,
    /// As if no other unit ran at the same time: where units run side by side it is serializable. One that looks for rows that must
    /// not be there is so anyway; this is for those that may bring such rows about.
    pub serial: bool,
}

impl WriteUnit {
    /// Adds a step.
    pub fn push(&mut self, statement: Statement, expect: Expect) {
        self.steps.push(Step { statement, expect });
    }
}

/// What became of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored, or would have been when it was a trial. The numbers that its [`Expect::Numbers`] steps answered, in their order.
    Stored(Vec<i64>),
    /// It is not, and nothing of it.
    Refused(Refusal),
}

/// Why the database did not take a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A step did not find what it expected: somebody else was faster.
    Unmet {
        /// Its place in the unit.
        step: usize,
    },
    /// A unique index has the value already.
    Unique {
        /// Place of the step.
        step: usize,
        /// The columns of the index, when the database names them.
        columns: Vec<String>,
        /// The index, when the database names it instead.
        index: Option<String>,
    },
    /// A value is longer than an index takes.
    TooLong {
        /// Place of the step.
        step: usize,
        /// The index, when the database names it.
        index: Option<String>,
    },
    /// Another constraint, of a foreign hand.
    Constraint {
        /// Place of the step.
        step: usize,
        /// What the database says, for the operator.
        message: String,
    },
}
