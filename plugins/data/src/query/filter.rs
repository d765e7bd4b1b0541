//! A checked filter: every name is resolved, every value is of its field's kind.

use std::collections::HashMap;
use std::sync::Arc;

use objectos_expression::{Node, Zone};

use super::cursor::SortKey;
use super::evaluated::Evaluated;
use super::input::{FrameInput, OuterJoin};
use super::sql::rounding;
use super::words::WordsFilter;
use crate::record::{Form, Layout};
use crate::store::{Construct, SqlValue};

/// Tables of one statement. The first is the object's own, the others are reached over relations.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The object.
    pub layout: Arc<Layout>,
    /// Relations that were used, each once. Table `n` is `joins[n - 1]`.
    pub joins: Vec<Join>,
    /// Look at the records in the bin, in the place of those that are not.
    pub binned: bool,
    /// Calculations that no database can do, each once; [`Source::Evaluated`] names their place.
    pub evaluated: Vec<Arc<Evaluated>>,
    /// A relation whose records come also where none points to them.
    pub outer: Option<Box<Outer>>,
}

/// A right or full join: each side is cut to what may be seen of it before they are joined, so that a record that may not be seen
/// has no part in it, and hides none either.
#[derive(Clone, Debug)]
pub struct Outer {
    /// Which of the two.
    pub kind: OuterJoin,
    /// The table of the relation.
    pub table: usize,
    /// The object's own records.
    pub base: Visible,
}

/// A relation to one record of another object.
#[derive(Clone, Debug)]
pub struct Join {
    /// Table that holds the reference.
    pub from: usize,
    /// Its column.
    pub column: String,
    /// The other object.
    pub layout: Arc<Layout>,
    /// What the caller may see of it: others are as if they were not there.
    pub visible: Option<Box<Visible>>,
}

/// Records of an object, by a filter of their own: those that the caller may see, or that a figure is over.
#[derive(Clone, Debug)]
pub struct Visible {
    /// Tables of the filter.
    pub scope: Scope,
    /// The filter.
    pub filter: Filter,
}

/// What stands for a field in a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldRef {
    /// Which table.
    pub table: usize,
    /// What of it.
    pub source: Source,
    /// What its values are.
    pub class: Class,
}

/// Where a field's values come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A column.
    Column(String),
    /// A part of the document in a column.
    Part(Arc<PartSource>),
    /// A figure over the child records.
    Summary(Arc<SummarySource>),
    /// A calculation.
    Formula(Arc<FormulaSource>),
    /// How far the record is from what was looked for, by its id.
    Rank(Arc<Vec<(String, f64)>>),
    /// A figure over the neighbours of the record.
    Window(Arc<WindowSource>),
    /// A calculation that was done before, by its place in the scope.
    Evaluated(usize),
    /// What is computed of a record that may be absent: then it is null.
    Present(Box<Source>),
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSource {
    /// The column with the document.
    pub column: String,
    /// Keys from the outside in; letters, digits, `_` and `-` only.
    pub path: Vec<String>,
}

/// A figure over the neighbours of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowSource {
    /// As SQL calls it.
    pub function: &'static str,
    /// What it is made of; none for places and counts of records.
    pub field: Option<FieldRef>,
    /// PostgreSQL holds the numbers that it is made of as decimals.
    pub decimal: bool,
    /// How far `LAG` and `LEAD` look.
    pub offset: Option<u64>,
    /// Equal values of these are one window.
    pub partition: Vec<FieldRef>,
    /// The order in it.
    pub order: Vec<SortKey>,
    /// Which neighbours count.
    pub frame: Option<FrameInput>,
}

/// The number that stands for the children of a figure.
pub const SUMMED_TABLE: usize = usize::MAX;

/// A figure over the child records.
#[derive(Clone, Debug, PartialEq)]
pub struct SummarySource {
    /// Table of the children, quoted.
    pub table: String,
    /// `COUNT`, `SUM`, `MIN`, `MAX`, `AVG`.
    pub function: &'static str,
    /// What is rolled up, of [`SUMMED_TABLE`]; none for a count.
    pub value: Option<FieldRef>,
    /// Only children that are among these.
    pub filter: Option<Visible>,
    /// Column of the children that points here.
    pub via: String,
    /// Column that is null for children that are not deleted.
    pub deleted_at: Option<String>,
    /// Decimals of the result.
    pub scale: Option<u32>,
}

impl SummarySource {
    /// A sum or a mean, which is rounded; the least and the greatest are values that are there.
    #[must_use]
    pub fn adds(&self) -> bool {
        matches!(self.function, "SUM" | "AVG")
    }

    /// How the figure is rounded where it is made.
    #[must_use]
    pub fn rounding(&self) -> Option<Construct> {
        match rounding(self.scale) {
            // A value that is there keeps its digits.
            Construct::Figure if !self.adds() => None,
            rounding => Some(rounding),
        }
    }

    /// How the figure, of the class, is answered.
    #[must_use]
    pub fn form(&self, class: Class) -> Form {
        match (self.rounding(), self.scale) {
            (Some(_), Some(scale)) => Form::Rounded(scale),
            (Some(_), None) => Form::Figure,
            (None, _) if class == Class::Boolean => Form::Boolean,
            (None, _) => Form::Plain,
        }
    }
}

/// A calculation that the database can do.
#[derive(Clone, Debug, PartialEq)]
pub struct FormulaSource {
    /// What is calculated; whatever reads no field is a constant already.
    pub node: Node,
    /// What stands for each path of a field in it.
    pub fields: HashMap<String, FieldRef>,
    /// Decimals that the result is rounded to.
    pub scale: Option<u32>,
    /// The time zone of its days and times of day.
    pub zone: Zone,
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Text, ids and choices included.
    Text,
    /// Numbers.
    Number,
    /// True and false.
    Boolean,
    /// Days.
    Date,
    /// Moments.
    DateTime,
    /// Times of day.
    Time,
    /// Lists of texts.
    List,
    /// Documents.
    Document,
}

impl Class {
    /// For messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Date => "a date",
            Self::DateTime => "a datetime",
            Self::Time => "a time",
            Self::List => "a list",
            Self::Document => "a document",
        }
    }

    /// Whether one value can be greater than another.
    #[must_use]
    pub const fn ordered(self) -> bool {
        !matches!(self, Self::List | Self::Document)
    }
}

impl PartialEq for Visible {
    /// Of one object the filter tells one from another: its tables follow from it.
    fn eq(&self, other: &Self) -> bool {
        self.scope.layout.object.name == other.scope.layout.object.name && self.filter == other.filter
    }
}

/// A checked filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All must hold; the empty list holds.
    All(Vec<Filter>),
    /// One must hold; the empty list does not.
    Any(Vec<Filter>),
    /// Must not hold; what is unknown does not.
    Not(Box<Filter>),
    /// One test.
    Test(Test),
    /// The fields, compared as one: the first that differs from its value decides, and a null before that leaves it unknown. No
    /// value is null. A database knows by it where in an index of these fields to begin, and how much is left from there.
    Row(Comparison, Vec<(FieldRef, SqlValue)>),
    /// The field's value, or an element of it, is that of some record of another object.
    InRecords(FieldRef, Arc<Lookup>),
    /// The text index of the object's table finds the record.
    Words(Arc<WordsFilter>),
}

/// Values of a field of some records of an object.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Its tables.
    pub scope: Scope,
    /// The field.
    pub source: FieldRef,
    /// Which records.
    pub filter: Filter,
}

impl PartialEq for Lookup {
    fn eq(&self, other: &Self) -> bool {
        let tables = |scope: &Scope| -> Vec<(usize, String, String)> {
            let own = (0, String::new(), scope.layout.object.name.clone());
            let joins = scope.joins.iter();
            let joined = joins.map(|join| (join.from, join.column.clone(), join.layout.object.name.clone()));
            std::iter::once(own).chain(joined).collect()
        };
        self.source == other.source && self.filter == other.filter && tables(&self.scope) == tables(&other.scope)
    }
}

impl Filter {
    /// Holds for every record.
    #[must_use]
    pub const fn always() -> Self {
        Self::All(Vec::new())
    }

    /// Holds for none.
    #[must_use]
    pub const fn never() -> Self {
        Self::Any(Vec::new())
    }

    /// Whether it holds for every record.
    #[must_use]
    pub fn is_always(&self) -> bool {
        matches!(self, Self::All(parts) if parts.iter().all(Self::is_always))
    }

    /// Both must hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(parts), other) if parts.is_empty() => other,
            (filter, Self::All(parts)) if parts.is_empty() => filter,
            (Self::All(mut parts), other) => {
                parts.push(other);
                Self::All(parts)
            }
            (filter, other) => Self::All(vec![filter, other]),
        }
    }
}

/// A test of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The field.
    pub field: FieldRef,
    /// What must be true of it.
    pub condition: Condition,
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same; null is the same as null.
    Same,
    /// Not the same.
    Other,
    /// Greater.
    Greater,
    /// Greater or the same.
    AtLeast,
    /// Less.
    Less,
    /// Less or the same.
    AtMost,
}

/// How a text matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMatch {
    /// Holds it.
    Contains,
    /// Does not hold it.
    NotContains,
    /// Holds it, whatever the case.
    ContainsAnyCase,
    /// A word of it begins with the text, which is in small letters and without marks; whatever the case.
    WordBegins,
    /// Begins with it.
    StartsWith,
    /// Ends with it.
    EndsWith,
    /// Has the pattern.
    Like,
    /// Has the pattern, whatever the case.
    LikeAnyCase,
}

/// What must be true of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Compares with a value that is not null.
    Compare(Comparison, SqlValue),
    /// Compares with another field.
    CompareField(Comparison, FieldRef),
    /// One of these values, none of them null; `or_null`: or null.
    In {
        /// The values.
        values: Vec<SqlValue>,
        /// Null matches as well.
        or_null: bool,
    },
    /// None of these values, none of them null; `nor_null`: nor null.
    NotIn {
        /// The values.
        values: Vec<SqlValue>,
        /// Null does not match.
        nor_null: bool,
    },
    /// Between two values, both included.
    Between(SqlValue, SqlValue),
    /// Matches a text.
    Text(TextMatch, String),
    /// One of these texts, whatever the case of any letter.
    AnyCase(Vec<String>),
    /// One of the texts of a JSON list, which is bound as one value: any number of ids makes the same statement.
    AmongTexts(String),
    /// Is null, or is not.
    Null(bool),
    /// Is null or empty, or neither.
    Empty(bool),
    /// A list that holds one of these elements, or none.
    Holds {
        /// The elements.
        values: Vec<SqlValue>,
        /// None of them.
        negated: bool,
    },
}
