//! A parsed file, and problems that know their place in it.

use std::sync::Arc;

use super::path::KeyPath;
use super::problem::{Place, Problem, Problems};
use super::yaml::{self, Node, Position};
use super::SourceFile;

/// A file that was YAML.
#[derive(Debug)]
pub(super) struct Document {
    /// Path for messages.
    pub(super) file: Arc<str>,
    /// Milliseconds since 1970.
    pub(super) modified_ms: i64,
    /// The tree.
    pub(super) root: Node,
}

impl Document {
    /// Parses a file; what is wrong goes to `problems`.
    pub(super) fn parse(source: &SourceFile, problems: &mut Problems) -> Option<Self> {
        let root = yaml::parse(&source.name, &source.text, problems)?;
        Some(Self { file: source.name.as_str().into(), modified_ms: source.modified_ms, root })
    }

    fn at(&self, position: Position) -> Place {
        Place { file: Arc::clone(&self.file), line: position.line, column: position.column }
    }

    /// The place of a value.
    pub(super) fn place(&self, path: &KeyPath) -> Place {
        self.at(self.root.position_of(path))
    }

    /// An error at a value.
    pub(super) fn error(&self, path: &KeyPath, message: impl Into<String>) -> Problem {
        Problem::error(self.place(path), path.to_string(), message)
    }

    /// A warning at a value.
    pub(super) fn warning(&self, path: &KeyPath, message: impl Into<String>) -> Problem {
        Problem::warning(self.place(path), path.to_string(), message)
    }

    /// An error at a key.
    pub(super) fn key_error(&self, path: &KeyPath, message: impl Into<String>) -> Problem {
        Problem::error(self.at(self.root.key_position_of(path)), path.to_string(), message)
    }

    /// An error inside the text of a value, at a line and column of that text, from 1.
    pub(super) fn text_error(&self, path: &KeyPath, line: usize, column: usize, message: impl Into<String>) -> Problem {
        let node = self.root.at(path);
        let position = node.map_or_else(|| self.root.position_of(path), |node| node.position_in_text(line, column));
        Problem::error(self.at(position), path.to_string(), message)
    }

    /// Name of the file without folder.
    pub(super) fn file_name(&self) -> &str {
        self.file.rsplit(['/', '\\']).next().unwrap_or(&self.file)
    }
}
