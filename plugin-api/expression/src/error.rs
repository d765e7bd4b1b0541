//! What can be wrong with an expression: before it runs (`ExpressionError`, with a place) and while it runs (`EvaluationError`).
//!
//! Not here: division by zero, a root of a negative number and the like. They are null, see the crate's documentation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::types::Type;

/// A place in the text of an expression.
///
/// JSON form: `{"offset": 12, "line": 1, "column": 13}`; offset in bytes from 0, line and column from 1, column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Bytes before the place.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

impl Position {
    pub(crate) fn in_source(source: &str, offset: u32) -> Self {
        let mut offset = usize::try_from(offset).map_or(source.len(), |offset| offset.min(source.len()));
        while !source.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &source[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            offset,
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The kind of a fault, by the names that formula errors have in the protocol's world (lower case).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not an expression.
    SyntaxError,
    /// No such field, variable or relation.
    FieldNotFound,
    /// No such function.
    FunctionNotFound,
    /// The parts do not fit together by type.
    TypeError,
    /// Too long, too deep, or too much work.
    LimitExceeded,
}

impl ErrorKind {
    /// The code on the wire, for example `type_error`.
    pub const fn code(self) -> &'static str {
        match self {
            ErrorKind::SyntaxError => "syntax_error",
            ErrorKind::FieldNotFound => "field_not_found",
            ErrorKind::FunctionNotFound => "function_not_found",
            ErrorKind::TypeError => "type_error",
            ErrorKind::LimitExceeded => "limit_exceeded",
        }
    }
}

/// A fault found before evaluation.
///
/// `Display` gives place, message and hint on one line. JSON form:
/// `{"kind": "field_not_found", "position": {...}, "message": "...", "hint": "...", "suggestion": "account"}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExpressionError {
    /// What kind of fault.
    pub kind: ErrorKind,
    /// Where in the expression.
    pub position: Position,
    /// What is wrong, lower case, without a full stop.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The nearest valid spelling, if the fault is a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// A fault without its line and column: what lexer, parser and checker pass around.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) offset: u32,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) suggestion: Option<String>,
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind, offset: u32, message: impl Into<String>) -> Self {
        Fault {
            kind,
            offset,
            message: message.into(),
            hint: None,
            suggestion: None,
        }
    }

    pub(crate) fn syntax(offset: u32, message: impl Into<String>) -> Self {
        Fault::new(ErrorKind::SyntaxError, offset, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    pub(crate) fn locate(self, source: &str) -> ExpressionError {
        ExpressionError {
            kind: self.kind,
            position: Position::in_source(source, self.offset),
            message: self.message,
            hint: self.hint,
            suggestion: self.suggestion,
        }
    }
}

/// A fault met while evaluating. A checked expression meets one only through values that break their declared type,
/// parts of type `any`, relations that were not loaded, or a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// A value is not of the type that its place needs.
    #[error("expected {expected} in {place}, found {found}")]
    TypeMismatch {
        /// The operator, function or field that needed the value.
        place: String,
        /// What it needs.
        expected: Type,
        /// What was there, shortened.
        found: String,
    },
    /// Two values cannot be ordered or joined.
    #[error("{place} cannot work on {left} and {right}")]
    Incompatible {
        /// The operator.
        place: String,
        /// Type of the left value.
        left: Type,
        /// Type of the right value.
        right: Type,
    },
    /// The path leads through a relation whose record was not loaded.
    #[error("the related record of `{path}` is not loaded")]
    NotLoaded {
        /// The field path as written.
        path: String,
    },
    /// The work or the memory allowed for one evaluation is used up.
    #[error("the expression needs more than {allowed} {unit}")]
    LimitExceeded {
        /// What ran out: `steps` or `bytes`.
        unit: &'static str,
        /// How much was allowed.
        allowed: u64,
    },
}

impl EvaluationError {
    /// The kind of the fault.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            EvaluationError::TypeMismatch { .. } | EvaluationError::Incompatible { .. } => ErrorKind::TypeError,
            EvaluationError::NotLoaded { .. } => ErrorKind::FieldNotFound,
            EvaluationError::LimitExceeded { .. } => ErrorKind::LimitExceeded,
        }
    }
}
