//! A parsed file, and problems that know their place in it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use objectos_plugin_api::protocol::dialect::{Note, NoteKind};

use super::SourceFile;
use super::path::{KeyPath, Step};
use super::problem::{Place, Problem, Problems};
use super::yaml::{self, Node, NodeValue, Position};

/// A file that was YAML.
#[derive(Debug)]
pub(super) struct Document {
    /// Path for messages.
    pub(super) file: Arc<str>,
    /// Milliseconds since 1970.
    pub(super) modified_ms: i64,
    /// The tree as written.
    pub(super) root: Node,
    /// A map's way as written and a key of the protocol, to the older key that was written for it.
    older: RefCell<HashMap<(KeyPath, String), String>>,
}

impl Document {
    /// Parses a file; what is wrong goes to `problems`.
    pub(super) fn parse(source: &SourceFile, problems: &mut Problems) -> Option<Self> {
        let root = yaml::parse(&source.name, &source.text, problems)?;
        Some(Self::new(source.name.as_str().into(), source.modified_ms, root))
    }

    /// Of a tree.
    pub(super) fn new(file: Arc<str>, modified_ms: i64, root: Node) -> Self {
        Self {
            file,
            modified_ms,
            root,
            older: RefCell::default(),
        }
    }

    /// Learns which older spellings the part at `base` has, so that problems in the protocol's words find the written ones; what
    /// was left out becomes a warning.
    pub(super) fn learn(&self, base: &KeyPath, notes: &[Note], problems: &mut Problems) {
        for note in notes {
            let written = base.join(&KeyPath::parse(&note.path));
            match note.kind {
                NoteKind::Ignored => problems.push(self.warning_at_key(&written, &note.message)),
                NoteKind::Alias => {
                    let newer = note.message.split('`').nth(1);
                    if let (Some(key), Some(newer)) = (written.last_key(), newer) {
                        let older = key.to_owned();
                        self.older
                            .borrow_mut()
                            .insert((written.parent(), newer.to_owned()), older);
                    }
                }
                NoteKind::Inferred => {}
            }
        }
    }

    /// The way as written to what is at a way in the protocol's words, and whether it leads all the way.
    fn written(&self, path: &KeyPath) -> (KeyPath, bool) {
        let older = self.older.borrow();
        let mut written = KeyPath::default();
        let mut steps = path.0.iter().peekable();
        while let Some(step) = steps.next() {
            let Some(node) = self.root.at(&written) else {
                return (written, false);
            };
            let next = match (step, &node.value) {
                (Step::Index(index), NodeValue::Map(entries)) => {
                    entries.get(*index).map(|entry| written.key(&entry.key))
                }
                (Step::Index(index), _) => Some(written.index(*index)),
                (Step::Key(key), _) if node.get(key).is_some() => Some(written.key(key)),
                (Step::Key(key), _) => {
                    let renamed = |key: &str| {
                        older
                            .get(&(written.clone(), key.to_owned()))
                            .map(|older| written.key(older))
                    };
                    let rules = written.key("validation").key("rules");
                    match steps.peek() {
                        _ if key == "validations" => Some(rules),
                        Some(Step::Key(inner)) if renamed(key).is_none() => renamed(inner).inspect(|_| {
                            steps.next();
                        }),
                        _ => renamed(key),
                    }
                }
            };
            match next.filter(|next| self.root.at(next).is_some()) {
                Some(next) => written = next,
                None => return (written, false),
            }
        }
        (written, true)
    }

    fn at(&self, position: Position) -> Place {
        Place {
            file: Arc::clone(&self.file),
            line: position.line,
            column: position.column,
        }
    }

    /// The node that was written for a way; none when nothing was.
    pub(super) fn node(&self, path: &KeyPath) -> Option<&Node> {
        let (written, complete) = self.written(path);
        complete.then(|| self.root.at(&written)).flatten()
    }

    /// The place of a value.
    pub(super) fn place(&self, path: &KeyPath) -> Place {
        self.at(self.root.position_of(&self.written(path).0))
    }

    fn key_place(&self, path: &KeyPath) -> Place {
        self.at(self.root.key_position_of(&self.written(path).0))
    }

    /// An error at a value.
    pub(super) fn error(&self, path: &KeyPath, message: impl Into<String>) -> Problem {
        Problem::error(self.place(path), path.to_string(), message)
    }

    /// A warning at a value.
    pub(super) fn warning(&self, path: &KeyPath, message: impl Into<String>) -> Problem {
        Problem::warning(self.place(path), path.to_string(), message)
    }

    fn warning_at_key(&self, path: &KeyPath, message: &str) -> Problem {
        Problem::warning(self.key_place(path), path.to_string(), message)
    }

    /// An error at a key.
    pub(super) fn key_error(&self, path: &KeyPath, message: impl Into<String>) -> Problem {
        Problem::error(self.key_place(path), path.to_string(), message)
    }

    /// An error inside the text of a value, at a line and column of that text, from 1.
    pub(super) fn text_error(&self, path: &KeyPath, line: usize, column: usize, message: impl Into<String>) -> Problem {
        let place = self
            .node(path)
            .map_or_else(|| self.place(path), |node| self.at(node.position_in_text(line, column)));
        Problem::error(place, path.to_string(), message)
    }

    /// Name of the file without folder.
    pub(super) fn file_name(&self) -> &str {
        self.file.rsplit(['/', '\\']).next().unwrap_or(&self.file)
    }
}
