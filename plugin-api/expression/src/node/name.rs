//! Names in a tree: field paths and system variables.

use std::fmt;

use crate::types::Type;

/// The way to a field: its name, or names of relations and then a name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Path {
    text: Box<str>,
    /// The byte after each segment.
    ends: Box<[u32]>,
}

impl Path {
    /// `Path::new("account.industry")`. Segments are parted by dots.
    pub fn new(path: &str) -> Self {
        Path::from_segments(&path.split('.').collect::<Vec<_>>())
    }

    pub(crate) fn from_segments<S: AsRef<str>>(segments: &[S]) -> Self {
        let mut text = String::new();
        let mut ends = Vec::with_capacity(segments.len());
        for segment in segments {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(segment.as_ref());
            ends.push(crate::lexer::offset_of(text.len()));
        }
        Path {
            text: text.into(),
            ends: ends.into(),
        }
    }

    /// The path as written, with dots.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names on the way.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = usize::try_from(*end).unwrap_or(self.text.len());
            let segment = &self.text[start..end];
            start = end + 1;
            segment
        })
    }

    /// Whether the way leads over a relation.
    pub fn is_related(&self) -> bool {
        self.ends.len() > 1
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A system variable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variable {
    /// The local day, `$today`.
    Today,
    /// The moment at which the evaluation began, `$now`.
    Now,
    /// Parts of the local `$now`.
    Year,
    /// 1 to 12.
    Month,
    /// 1 to 31.
    Day,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 0 to 59.
    Second,
    /// Whether the record is being created, `$is_new`.
    IsNew,
    /// The record's id, `$record_id`; null for a new one.
    RecordId,
    /// A property of the caller, `$current_user.id`.
    User(Box<str>),
}

impl Variable {
    const NAMED: [(&'static str, Variable); 10] = [
        ("today", Variable::Today),
        ("now", Variable::Now),
        ("year", Variable::Year),
        ("month", Variable::Month),
        ("day", Variable::Day),
        ("hour", Variable::Hour),
        ("minute", Variable::Minute),
        ("second", Variable::Second),
        ("is_new", Variable::IsNew),
        ("record_id", Variable::RecordId),
    ];

    /// The name without `$`, for example `today` or `current_user.id`.
    pub fn name(&self) -> String {
        match self {
            Variable::User(property) => format!("current_user.{property}"),
            other => Variable::NAMED
                .iter()
                .find(|(_, variable)| variable == other)
                .map(|(name, _)| (*name).to_owned())
                .unwrap_or_default(),
        }
    }

    /// The variable of that name.
    pub fn named(name: &str) -> Option<Variable> {
        match name.strip_prefix("current_user.") {
            Some(property) if !property.is_empty() => Some(Variable::User(property.into())),
            _ => Variable::NAMED
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, variable)| variable.clone()),
        }
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        Variable::NAMED.iter().map(|(name, _)| *name)
    }

    pub(crate) fn value_type(&self) -> Type {
        match self {
            Variable::Today => Type::Date,
            Variable::Now => Type::DateTime,
            Variable::IsNew => Type::Boolean,
            Variable::RecordId => Type::Text,
            Variable::User(_) => Type::Any,
            _ => Type::Number,
        }
    }
}
