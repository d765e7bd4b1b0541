//! One field of an object, ready for reading and writing values.

use std::collections::HashMap;
use std::sync::Arc;

use objectos_plugin_api::protocol::data::{DeleteBehavior, FieldType, SummaryFunction};
use serde_json::Value;

use super::{Expression, FieldSettings, MaskModel, SystemField};

/// A field.
#[derive(Clone, Debug)]
pub struct FieldModel {
    /// Name, unique within the object; also the column's name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// The type as declared.
    pub field_type: FieldType,
    /// Its values are encrypted in the store. A password that is, is a `secret`: encrypted in the place of a hash.
    pub encrypted: bool,
    /// What the engine does with values of it.
    pub kind: FieldKind,
    /// How it is stored; `None` for what is computed on read (formula, summary).
    pub column: Option<ColumnType>,
    /// Set for the fields that the engine keeps itself.
    pub system: Option<SystemField>,
    /// A record without a value is refused. Never set for computed fields.
    pub required: bool,
    /// No two records share a value.
    pub unique: bool,
    /// Client writes are refused: `readonly` as declared, computed fields, autonumbers, system fields but `owner_id`.
    pub readonly: bool,
    /// Left out of generated views, and out of answers that do not name it; the system sees it.
    pub hidden: bool,
    /// Taken into text search.
    pub searchable: bool,
    /// May be sorted by.
    pub sortable: bool,
    /// Has an index of its own (`index`, `unique`, `externalId`, references).
    pub indexed: bool,
    /// Recognises records in imports and seeds.
    pub external_id: bool,
    /// Uniqueness and comparison of text look at case; true unless declared otherwise.
    pub case_sensitive: bool,
    /// Value of a new record that brings none.
    pub default: Option<DefaultValue>,
    /// Lengths and ranges.
    pub limits: Limits,
    /// What its type adds.
    pub settings: FieldSettings,
    /// Set when some callers see its values masked.
    pub mask: Option<Arc<MaskModel>>,
    /// Values that a choice accepts; empty accepts any.
    pub options: Options,
    /// Set exactly for [`FieldKind::Reference`] and [`FieldKind::References`].
    pub reference: Option<ReferenceModel>,
    /// What a record that it points to must be like, as conditions on that record; all have a form in SQL.
    pub reference_conditions: Vec<Arc<Expression>>,
    /// Set exactly for [`FieldKind::Formula`].
    pub formula: Option<Arc<Expression>>,
    /// Set exactly for [`FieldKind::Summary`].
    pub summary: Option<SummaryModel>,
    /// Set exactly for [`FieldKind::Autonumber`].
    pub autonumber: Option<AutonumberFormat>,
    /// The name of the column before, by `renamedFrom`; only the schema planner looks at it.
    pub renamed_from: Option<String>,
}

impl FieldModel {
    /// Has a column.
    #[must_use]
    pub fn stored(&self) -> bool {
        self.column.is_some()
    }

    /// A secret: nobody finds records by it, and nothing is computed from it. Passwords and what is encrypted.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.field_type == FieldType::Password || self.encrypted
    }

    /// A password, of which a hash is kept.
    #[must_use]
    pub fn is_hashed(&self) -> bool {
        self.field_type == FieldType::Password && !self.encrypted
    }

    /// Stands in an answer only when it is named.
    #[must_use]
    pub fn on_request(&self) -> bool {
        self.hidden && self.system.is_none()
    }

    /// The type of its values in expressions. A formula has the type of its own expression.
    #[must_use]
    pub fn expression_type(&self) -> objectos_expression::Type {
        use objectos_expression::Type;
        match self.kind {
            FieldKind::Text | FieldKind::Choice | FieldKind::Reference | FieldKind::Autonumber => Type::Text,
            FieldKind::Number => Type::Number,
            FieldKind::Boolean => Type::Boolean,
            FieldKind::Date => Type::Date,
            FieldKind::DateTime => Type::DateTime,
            FieldKind::Time => Type::Time,
            FieldKind::List | FieldKind::References | FieldKind::Vector => Type::List,
            FieldKind::File | FieldKind::Location | FieldKind::Address | FieldKind::Json => Type::Any,
            FieldKind::Formula => self.formula.as_ref().map_or(Type::Any, |formula| formula.result()),
            FieldKind::Summary => self.summary.as_ref().map_or(Type::Number, |summary| summary.result),
        }
    }
}

/// What the engine does with values of a field. Groups the protocol's 44 types of fields; a name of an earlier or later version
/// (`protocol::dialect`) is read as one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// text, textarea, email, url, phone, password (and `secret`), markdown, html, richtext, code, color, signature, qrcode.
    Text,
    /// number, currency, percent, rating, slider, progress.
    Number,
    /// boolean, toggle.
    Boolean,
    /// date: `2026-02-28`.
    Date,
    /// datetime: `2026-02-28T12:00:00.000Z`.
    DateTime,
    /// time: `12:00:00`.
    Time,
    /// select, radio: one of the options.
    Choice,
    /// multiselect, checkboxes, tags, and any text or choice with `multiple`: a list of text.
    List,
    /// lookup, master_detail, tree: id of a record.
    Reference,
    /// lookup with `multiple`: a list of ids.
    References,
    /// image, file, avatar, video, audio: the description of a file, or a list of them with `multiple`.
    File,
    /// location: `{latitude, longitude, altitude?, accuracy?}`.
    Location,
    /// address: `{street?, city?, …}`.
    Address,
    /// json: anything.
    Json,
    /// vector: a list of numbers of fixed length (`limits.dimensions`).
    Vector,
    /// formula: computed from the record on read.
    Formula,
    /// summary: computed from the child records on read.
    Summary,
    /// autonumber: given once by the engine.
    Autonumber,
}

/// Classes of column types; a store maps each to its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColumnType {
    /// Text of any length.
    Text,
    /// Whole number of 64 bits.
    Integer,
    /// Double.
    Number,
    /// Decimal with the field's scale; exact where the store can.
    Decimal,
    /// True or false.
    Boolean,
    /// Day without time.
    Date,
    /// Moment in UTC, milliseconds.
    DateTime,
    /// Time of day.
    Time,
    /// A JSON document.
    Json,
}

impl ColumnType {
    /// Name in plans and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Time => "time",
            Self::Json => "json",
        }
    }
}

/// Value of a new record that brings none.
#[derive(Clone, Debug)]
pub enum DefaultValue {
    /// The value itself, checked against the field.
    Literal(Value),
    /// Evaluated on create, such as `TODAY()`; may read the record's other fields.
    Expression(Arc<Expression>),
}

/// Bounds of values; what is `None` is not bounded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Smallest number.
    pub min: Option<f64>,
    /// Greatest number.
    pub max: Option<f64>,
    /// Least characters of a text.
    pub min_length: Option<usize>,
    /// Most characters of a text.
    pub max_length: Option<usize>,
    /// Digits in all, at most.
    pub precision: Option<u32>,
    /// Digits behind the decimal point, at most.
    pub scale: Option<u32>,
    /// Numbers of a vector, exactly.
    pub dimensions: Option<usize>,
    /// Numbers go in steps of this, from the least on.
    pub step: Option<f64>,
}

/// One value that a choice accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionModel {
    /// Stored.
    pub value: String,
    /// Shown.
    pub label: String,
    /// For badges.
    pub color: Option<String>,
}

/// The values that a choice accepts, in the order declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    list: Vec<OptionModel>,
    by_value: HashMap<String, usize>,
}

impl Options {
    /// Of a list in its order.
    #[must_use]
    pub fn new(list: Vec<OptionModel>) -> Self {
        let by_value = list
            .iter()
            .enumerate()
            .map(|(index, option)| (option.value.clone(), index))
            .collect();
        Self { list, by_value }
    }

    /// None were declared: any text is accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether a value is accepted.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        self.list.is_empty() || self.by_value.contains_key(value)
    }

    /// Place of a value in the declared order, for sorting; `None` for a value that is none of them.
    #[must_use]
    pub fn position(&self, value: &str) -> Option<usize> {
        self.by_value.get(value).copied()
    }

    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[OptionModel] {
        &self.list
    }

    /// Their values.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|option| option.value.as_str())
    }
}

/// Where a reference points and what happens when that record goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceModel {
    /// Name of the object it points to.
    pub object: String,
    /// On delete of the record it points to. `Cascade` for master-detail whatever the file says but `restrict`.
    pub delete_behavior: DeleteBehavior,
    /// Master-detail: the record belongs to that one.
    pub master: bool,
    /// Filters for the records to choose from, as written.
    pub filters: Vec<String>,
    /// Writing needs read access to the master.
    pub write_requires_master_read: bool,
}

/// A roll-up over child records.
#[derive(Clone, Debug)]
pub struct SummaryModel {
    /// Name of the child object.
    pub object: String,
    /// Field of the child that is rolled up; for a count it may be any, `id` included.
    pub field: String,
    /// How.
    pub function: SummaryFunction,
    /// Field of the child that points back here.
    pub via: String,
    /// Type of the result: number, or that of the child's field for min and max.
    pub result: objectos_expression::Type,
    /// Only children that meet it; has a form in SQL.
    pub filter: Option<Arc<Expression>>,
}

impl SummaryModel {
    /// What the figure tells of the children, as paths from a child: the way back here, what is rolled up, and what decides which
    /// of them count.
    pub fn child_fields(&self) -> impl Iterator<Item = &str> {
        let rolled_up = (self.function != SummaryFunction::Count).then_some(self.field.as_str());
        let decides = self.filter.iter().flat_map(|filter| filter.fields());
        std::iter::once(self.via.as_str())
            .chain(rolled_up)
            .chain(decides.map(String::as_str))
    }
}

/// Pattern of an autonumber, such as `CASE-{0000}`, `INV-{YYYY}-{00000}`, or `INV-{YYYY}-{00000:YYYY}`, which begins anew each
/// year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutonumberFormat {
    /// The pieces in their order; exactly one is a counter.
    pub parts: Vec<AutonumberPart>,
    /// The first number of a counter.
    pub start: i64,
}

impl AutonumberFormat {
    /// What the counter begins anew with, if anything.
    #[must_use]
    pub fn restarts(&self) -> Option<Period> {
        self.parts.iter().find_map(|part| match part {
            AutonumberPart::Counter { restarts, .. } => *restarts,
            _ => None,
        })
    }
}

/// A part of the calendar that has a counter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A year.
    Year,
    /// A month.
    Month,
    /// A day.
    Day,
}

impl Period {
    /// Of `2026-02-28`, the characters that name it.
    #[must_use]
    pub const fn characters(self) -> usize {
        match self {
            Self::Year => 4,
            Self::Month => 7,
            Self::Day => 10,
        }
    }
}

/// A piece of an autonumber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutonumberPart {
    /// As it is.
    Literal(String),
    /// The counter, filled with zeros to a width.
    Counter {
        /// Least digits.
        width: usize,
        /// It begins anew with each of these.
        restarts: Option<Period>,
    },
    /// Year of creation, four digits.
    Year,
    /// Year of creation, its last two digits.
    ShortYear,
    /// Month of creation, two digits.
    Month,
    /// Day of creation, two digits.
    Day,
}
