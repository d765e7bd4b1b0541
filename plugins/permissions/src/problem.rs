//! What is wrong with what somebody wrote about access: where, what, and what to do. And where a grant comes from, so that
//! every decision can name the line or the record behind it.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// In a file; `line` counts from 1, 0 is the file as a whole.
    File {
        /// Path, or the package and kind where no file is known.
        file: Arc<str>,
        /// Line.
        line: usize,
    },
    /// In a record that was edited at runtime.
    Record {
        /// Name of the object.
        object: Arc<str>,
        /// Id of the record.
        id: Arc<str>,
    },
    /// In the operator's settings of this plugin.
    Settings,
    /// In the request's principal.
    Principal,
    /// Nowhere: the platform brings it.
    BuiltIn,
}

impl Source {
    /// A record.
    pub fn record(object: &str, id: &str) -> Self {
        Self::Record {
            object: object.into(),
            id: id.into(),
        }
    }

    /// The definition of an object, whose file is not known here.
    #[must_use]
    pub fn definition(object: &str) -> Self {
        Self::File {
            file: format!("object {object}").into(),
            line: 0,
        }
    }

    /// JSON: `{kind: "file", file, line}`, `{kind: "record", object, id}`, `{kind: "settings" | "principal" | "built_in"}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::File { file, line: 0 } => json!({ "kind": "file", "file": &**file }),
            Self::File { file, line } => json!({ "kind": "file", "file": &**file, "line": line }),
            Self::Record { object, id } => json!({ "kind": "record", "object": &**object, "id": &**id }),
            Self::Settings => json!({ "kind": "settings" }),
            Self::Principal => json!({ "kind": "principal" }),
            Self::BuiltIn => json!({ "kind": "built_in" }),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line: 0 } => f.write_str(file),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Record { object, id } => write!(f, "{object}/{id}"),
            Self::Settings => f.write_str("settings"),
            Self::Principal => f.write_str("principal"),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// One thing that is wrong. `Display` gives one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Where: `sales.permission.yml:12:5`, or a record.
    pub place: String,
    /// Keys that lead there: `objects.account.allowRead`.
    pub path: String,
    /// What, lower case, no full stop.
    pub message: String,
    /// The nearest valid spelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// At a place.
    pub fn new(place: impl Into<String>, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            path: path.into(),
            message: message.into(),
            suggestion: None,
            hint: None,
        }
    }

    /// Adds the nearest valid spelling, if there is one.
    #[must_use]
    pub fn suggest(mut self, suggestion: Option<&str>) -> Self {
        self.suggestion = suggestion.map(str::to_owned);
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// All problems, one a line.
#[must_use]
pub fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
