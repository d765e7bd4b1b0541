//! YAML as the files of an app are written in it: text to a tree in which every node knows its line and column.
//!
//! The core schema of YAML 1.2 and nothing else: `no`, `on` and `y` are text, `1.10` is a number that remembers how it was
//! written, dates are text. Duplicate keys are refused, aliases are expanded within a bound, merge keys (`<<`) are taken
//! apart, tags but `!!str` are refused. JSON is YAML, so it comes the same way. Not here: what a document means (`decode`).
//!
//! Called by `document`.

mod compose;
mod position;
mod scalar;

use serde_json::Value;

pub(crate) use compose::parse;

use crate::app::path::{KeyPath, Step};

/// Most nodes of one document, expanded aliases counted each time.
pub(crate) const NODES_MAX: usize = 1_000_000;
/// Deepest nesting.
pub(crate) const DEPTH_MAX: usize = 64;

/// Line and column, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Line.
    pub(crate) line: usize,
    /// Column, in characters.
    pub(crate) column: usize,
}

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// The value.
    pub(crate) value: NodeValue,
    /// Where it begins.
    pub(crate) position: Position,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NodeValue {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number, with the text that it was written in.
    Number {
        /// The number.
        number: serde_json::Number,
        /// As written: `1.10`, `007`.
        written: String,
    },
    /// Text.
    Text(TextNode),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written.
    Map(Vec<Entry>),
}

/// Text and how it was written, so that a place inside it can be found in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TextNode {
    /// The text.
    pub(crate) text: String,
    /// How lines of the text lie in the file.
    pub(crate) layout: TextLayout,
}

/// How text lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextLayout {
    /// Plain or quoted; `quote` characters stand before the first.
    Flow {
        /// 0 or 1.
        quote: usize,
    },
    /// A block after `|`: line by line, at a column.
    Literal {
        /// Line of the first line of text.
        line: usize,
        /// Column of its first character.
        column: usize,
    },
    /// A block after `>`: lines were joined.
    Folded,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key begins.
    pub(crate) key_position: Position,
    /// The value.
    pub(crate) value: Node,
}

impl Node {
    /// The entries of a map; none for anything else.
    #[must_use]
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            NodeValue::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    #[must_use]
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            NodeValue::List(items) => items,
            _ => &[],
        }
    }

    /// The value under a key of a map.
    #[must_use]
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// The text of a text or number, as written.
    #[must_use]
    pub(crate) fn written(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Text(text) => Some(&text.text),
            NodeValue::Number { written, .. } => Some(written),
            _ => None,
        }
    }

    /// The value in JSON.
    #[must_use]
    pub(crate) fn to_json(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Boolean(boolean) => Value::Bool(*boolean),
            NodeValue::Number { number, .. } => Value::Number(number.clone()),
            NodeValue::Text(text) => Value::String(text.text.clone()),
            NodeValue::List(items) => items.iter().map(Self::to_json).collect(),
            NodeValue::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect(),
        }
    }

    /// The node at the end of a way, or none.
    #[must_use]
    pub(crate) fn at(&self, path: &KeyPath) -> Option<&Self> {
        path.0.iter().try_fold(self, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.items().get(*index),
        })
    }

    /// Where the value at the end of a way begins; as far along the way as there is anything.
    #[must_use]
    pub(crate) fn position_of(&self, path: &KeyPath) -> Position {
        let mut node = self;
        let mut nearest = self.position;
        for step in &path.0 {
            let next = match step {
                Step::Key(key) => node.entries().iter().find(|entry| entry.key == *key).map(|entry| {
                    nearest = entry.key_position;
                    // Nothing and whole maps are better shown by their key.
                    if !matches!(entry.value.value, NodeValue::Null | NodeValue::Map(_)) {
                        nearest = entry.value.position;
                    }
                    &entry.value
                }),
                Step::Index(index) => node.items().get(*index).inspect(|item| nearest = item.position),
            };
            let Some(next) = next else { return nearest };
            node = next;
        }
        nearest
    }

    /// Where the key at the end of a way begins; its value when the way ends in a list.
    #[must_use]
    pub(crate) fn key_position_of(&self, path: &KeyPath) -> Position {
        let entry = path.last_key().and_then(|last| {
            self.at(&path.parent())?
                .entries()
                .iter()
                .find(|entry| entry.key == last)
        });
        entry.map_or_else(|| self.position_of(path), |entry| entry.key_position)
    }
}

#[cfg(test)]
mod tests;
