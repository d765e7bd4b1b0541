//! The nine types of the language and how two of them meet.
//!
//! Not here: values (`value`) and what each operator asks for (`checker`). Called by everything.

use serde::{Deserialize, Serialize};

/// The type of an expression, a field or a variable. Every type includes null.
///
/// JSON form: `"number"`, `"datetime"`, ... (lower case).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Only null: the type of the literal `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// An IEEE 754 double, or an integer of 64 bits that was not calculated with.
    Number,
    /// Unicode text. Compared and ordered by code point, case matters.
    Text,
    /// A day of the calendar without time or zone, years 1 to 9999.
    Date,
    /// A moment, to the millisecond.
    DateTime,
    /// A time of day, to the millisecond.
    Time,
    /// Several values, for example of a multiselect field.
    List,
    /// Not known before evaluation, for example a flow variable. Has no SQL form.
    Any,
}

impl Type {
    /// The name used in messages and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Type::Null => "null",
            Type::Boolean => "boolean",
            Type::Number => "number",
            Type::Text => "text",
            Type::Date => "date",
            Type::DateTime => "datetime",
            Type::Time => "time",
            Type::List => "list",
            Type::Any => "any",
        }
    }

    /// The type of the values of a field, by the field's `type` (schema `data/FieldType`); nothing for an unknown name.
    ///
    /// A formula field answers `Any`: its true type is that of its own expression.
    pub fn of_field_type(field_type: &str) -> Option<Type> {
        Some(match field_type {
            "text" | "textarea" | "email" | "url" | "phone" | "password" | "markdown" | "html" | "richtext"
            | "select" | "radio" | "lookup" | "master_detail" | "tree" | "autonumber" | "code" | "color"
            | "signature" | "qrcode" => Type::Text,
            "number" | "currency" | "percent" | "summary" | "rating" | "slider" | "progress" => Type::Number,
            "boolean" | "toggle" => Type::Boolean,
            "date" => Type::Date,
            "datetime" => Type::DateTime,
            "time" => Type::Time,
            "multiselect" | "checkboxes" | "tags" | "vector" => Type::List,
            "image" | "file" | "avatar" | "video" | "audio" | "location" | "address" | "json" | "formula" => Type::Any,
            _ => return None,
        })
    }

    /// The type that holds the values of both, if there is one: null joins anything, any swallows anything,
    /// a date becomes a datetime.
    pub(crate) fn join(self, other: Type) -> Option<Type> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Type::Null, t) | (t, Type::Null) => Some(t),
            (Type::Any, _) | (_, Type::Any) => Some(Type::Any),
            (Type::Date, Type::DateTime) | (Type::DateTime, Type::Date) => Some(Type::DateTime),
            _ => None,
        }
    }

    pub(crate) const fn is_moment(self) -> bool {
        matches!(self, Type::Date | Type::DateTime)
    }

    /// Whether every database can write such values as `TEXT()` does.
    pub(crate) const fn is_written_alike(self) -> bool {
        matches!(
            self,
            Type::Text | Type::Number | Type::Date | Type::DateTime | Type::Boolean
        )
    }

    /// Whether the type may still turn out to be something else: null fits everywhere, any is known at evaluation only.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Type::Null | Type::Any)
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
