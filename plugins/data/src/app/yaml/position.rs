//! From a place inside a text to its place in the file, for faults of expressions.

use super::{Node, NodeValue, Position, TextLayout};

impl Node {
    /// Where line `line` and column `column` (from 1) of this node's text lie in the file. Exact for plain and quoted text
    /// without escapes and for `|` blocks; the beginning of the node otherwise.
    #[must_use]
    pub(crate) fn position_in_text(&self, line: usize, column: usize) -> Position {
        let NodeValue::Text(text) = &self.value else {
            return self.position;
        };
        match text.layout {
            TextLayout::Flow { quote } if line == 1 => Position {
                line: self.position.line,
                column: self.position.column + quote + column - 1,
            },
            TextLayout::Literal {
                line: first,
                column: left,
            } => Position {
                line: first + line - 1,
                column: left + column - 1,
            },
            TextLayout::Flow { .. } | TextLayout::Folded => self.position,
        }
    }
}
