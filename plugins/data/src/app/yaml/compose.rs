//! Events of the parser to a tree.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{DEPTH_MAX, Entry, NODES_MAX, Node, NodeValue, Position, TextLayout, TextNode, scalar};
use crate::app::problem::{Place, Problem, Problems};

/// Reads one document. Whatever is wrong goes to `problems`; with a tree when there is one to go on with.
///
/// An empty file is a null node.
pub(crate) fn parse(file: &str, text: &str, problems: &mut Problems) -> Option<Node> {
    let mut options = granit_parser::options! { flow_nesting_limit: DEPTH_MAX, block_nesting_limit: DEPTH_MAX };
    options.set_emit_comments(false);
    let mut composer = Composer {
        file,
        text,
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        nodes: 0,
        problems,
    };
    match composer.document() {
        Ok(node) => Some(node),
        Err(Stop::Scan(error)) => {
            composer.report(position(*error.marker()), &lower(&error.info()), None);
            None
        }
        Err(Stop::Reported) => None,
    }
}

/// Why a document could not be read to its end.
enum Stop {
    Scan(ScanError),
    Reported,
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Self::Scan(error)
    }
}

struct Composer<'a> {
    file: &'a str,
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    problems: &'a mut Problems,
}

type Next<'a> = (Event<'a>, Span);

impl<'a> Composer<'a> {
    fn report(&mut self, position: Position, message: &str, hint: Option<&str>) {
        let place = Place {
            file: self.file.into(),
            line: position.line,
            column: position.column,
        };
        let mut problem = Problem::error(place, "", message);
        problem.hint = hint.map(str::to_owned);
        self.problems.push(problem);
    }

    fn next(&mut self) -> Result<Next<'a>, Stop> {
        match self.parser.next() {
            Some(next) => Ok(next?),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Node, Stop> {
        let empty = Node {
            value: NodeValue::Null,
            position: Position { line: 1, column: 1 },
        };
        loop {
            match self.next()? {
                (Event::DocumentStart(..), _) => break,
                (Event::StreamEnd, _) => return Ok(empty),
                _ => {}
            }
        }
        let first = self.next()?;
        let root = self.node(first)?;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(root),
                (Event::DocumentStart(..), span) => {
                    let hint = "put the second one into a file of its own";
                    self.report(position(span.start), "a file holds one document", Some(hint));
                    return Err(Stop::Reported);
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, (event, span): Next<'a>) -> Result<Node, Stop> {
        let start = position(span.start);
        self.count(1, start)?;
        let (value, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, start),
            Event::Scalar(text, style, anchor, tag) => (self.scalar(text, style, tag, span), anchor),
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "seq", span);
                (self.list()?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "map", span);
                (self.map()?, anchor)
            }
            _ => {
                self.report(start, "expected a value", None);
                return Err(Stop::Reported);
            }
        };
        let node = Node { value, position: start };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, nodes: usize, at: Position) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let message = format!("the document has more than {NODES_MAX} values");
        self.report(at, &message, Some("split it, or use fewer aliases"));
        Err(Stop::Reported)
    }

    fn alias(&mut self, anchor: usize, at: Position) -> Result<Node, Stop> {
        // The parser refuses unknown anchors; one that is still open would be a loop.
        let Some(nodes) = self.anchors.get(&anchor).map(size) else {
            self.report(at, "an alias may not stand inside what it repeats", None);
            return Err(Stop::Reported);
        };
        self.count(nodes, at)?;
        Ok(self.anchors[&anchor].clone())
    }

    fn list(&mut self) -> Result<NodeValue, Stop> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(NodeValue::List(items)),
                next => items.push(self.node(next)?),
            }
        }
    }

    fn map(&mut self) -> Result<NodeValue, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut merged = Vec::new();
        loop {
            let next = self.next()?;
            if matches!(next.0, Event::MappingEnd) {
                break;
            }
            let plain = matches!(next.0, Event::Scalar(_, ScalarStyle::Plain, ..));
            let key = self.node(next)?;
            let next = self.next()?;
            let value = self.node(next)?;
            let Some(name) = self.key_name(&key) else { continue };
            if plain && name == "<<" {
                merged.push(value);
                continue;
            }
            if let Some(first) = known.get(&name) {
                let line = entries[*first].key_position.line;
                let message = format!("the key `{name}` is there twice, first in line {line}");
                self.report(key.position, &message, Some("remove one of them"));
                continue;
            }
            known.insert(name.clone(), entries.len());
            entries.push(Entry {
                key: name,
                key_position: key.position,
                value,
            });
        }
        self.merge(merged, &mut entries, &mut known);
        Ok(NodeValue::Map(entries))
    }

    /// Keys that the map has itself win over merged ones, earlier merges over later ones.
    fn merge(&mut self, merged: Vec<Node>, entries: &mut Vec<Entry>, known: &mut HashMap<String, usize>) {
        for node in merged {
            let sources = match node.value {
                NodeValue::List(items) => items,
                value => vec![Node {
                    value,
                    position: node.position,
                }],
            };
            for source in sources {
                let NodeValue::Map(others) = source.value else {
                    self.report(source.position, "`<<` takes a map or a list of maps", None);
                    continue;
                };
                for entry in others {
                    if !known.contains_key(&entry.key) {
                        known.insert(entry.key.clone(), entries.len());
                        entries.push(entry);
                    }
                }
            }
        }
    }

    fn key_name(&mut self, key: &Node) -> Option<String> {
        match &key.value {
            NodeValue::Text(text) => return Some(text.text.clone()),
            NodeValue::Number { written, .. } => return Some(written.clone()),
            NodeValue::Boolean(boolean) => return Some(boolean.to_string()),
            NodeValue::Null => self.report(key.position, "a key is missing before `:`", None),
            NodeValue::List(_) | NodeValue::Map(_) => self.report(key.position, "a key must be text", None),
        }
        None
    }

    #[allow(clippy::needless_pass_by_value)]
    fn scalar(&mut self, text: Cow<'a, str>, style: ScalarStyle, tag: Option<Cow<'a, Tag>>, span: Span) -> NodeValue {
        let forced = tag.as_deref().is_some_and(|tag| tag.core_suffix() == Some("str"));
        if !forced {
            self.refuse_tag(tag.as_deref(), "", span);
        }
        if style == ScalarStyle::Plain && !forced {
            match scalar::resolve(&text) {
                Ok(Some(value)) => return value,
                Ok(None) => {}
                Err(message) => self.report(position(span.start), message, None),
            }
        }
        let layout = match style {
            ScalarStyle::Plain => TextLayout::Flow { quote: 0 },
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => TextLayout::Flow { quote: 1 },
            ScalarStyle::Literal => literal_layout(self.text, span),
            ScalarStyle::Folded => TextLayout::Folded,
        };
        NodeValue::Text(TextNode {
            text: text.into_owned(),
            layout,
        })
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, allowed: &str, span: Span) {
        let Some(tag) = tag else { return };
        if tag.core_suffix() != Some(allowed) {
            let at = position(span.tag_start().unwrap_or(span.start));
            self.report(
                at,
                &format!("the tag `{}` means nothing here", tag.original()),
                Some("remove it"),
            );
        }
    }
}

/// Where the first line of a `|` block begins; the parser's span does not tell the column.
fn literal_layout(text: &str, span: Span) -> TextLayout {
    let line = span.start.line();
    match text.lines().nth(line.saturating_sub(1)) {
        Some(first) if !first.trim().is_empty() => {
            let indent = first.chars().take_while(|character| *character == ' ').count();
            TextLayout::Literal {
                line,
                column: indent + 1,
            }
        }
        _ => TextLayout::Folded,
    }
}

fn size(node: &Node) -> usize {
    match &node.value {
        NodeValue::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        NodeValue::Map(entries) => 1 + entries.iter().map(|entry| 1 + size(&entry.value)).sum::<usize>(),
        _ => 1,
    }
}

fn position(marker: Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

fn lower(message: &str) -> String {
    let mut characters = message.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
