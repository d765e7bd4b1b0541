//! What is wrong with the files of an app: where, what, and what to do.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// A place in a file. `line` and `column` count from 1; 0 is the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// Path as given by the user.
    pub file: Arc<str>,
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

impl Place {
    /// A file as a whole.
    #[must_use]
    pub fn file(file: &str) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

/// Whether a problem keeps the app from loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemLevel {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

/// One thing that is wrong. JSON: `{level, place: {file, line, column}, path, message, suggestion?, hint?}`.
///
/// `Display` gives one line: `account.object.yml:12:9: fields.status.type: unknown value `selec`; did you mean `select`?`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad.
    pub level: ProblemLevel,
    /// Where.
    pub place: Place,
    /// Keys that lead there: `fields.status.options[2].value`; empty for the whole file.
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
    /// An error.
    pub fn error(place: Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            level: ProblemLevel::Error,
            place,
            path: path.into(),
            message: message.into(),
            suggestion: None,
            hint: None,
        }
    }

    /// A warning.
    pub fn warning(place: Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            level: ProblemLevel::Warning,
            ..Self::error(place, path, message)
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the nearest valid spelling, if there is one.
    #[must_use]
    pub fn suggest(mut self, suggestion: Option<&str>) -> Self {
        self.suggestion = suggestion.map(str::to_owned);
        self
    }

    /// Keeps the app from loading.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.level == ProblemLevel::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if self.level == ProblemLevel::Warning {
            f.write_str("warning: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        if let Some(hint) = &self.hint {
            let separator = if self.suggestion.is_some() { " " } else { "; " };
            write!(f, "{separator}{hint}")?;
        }
        Ok(())
    }
}

/// Everything found so far, in the order it was found.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds several.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.0.extend(problems);
    }

    /// Whether any keeps the app from loading.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Problem::is_error)
    }

    /// All of them by file, line and column, each once.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Problem> {
        self.0.sort_by(|left, right| {
            (&left.place, left.level, &left.path).cmp(&(&right.place, right.level, &right.path))
        });
        // One fault may be met twice, under a key that was written and one that was filled in from it.
        self.0
            .dedup_by(|later, earlier| later.place == earlier.place && later.message == earlier.message);
        self.0
    }
}
