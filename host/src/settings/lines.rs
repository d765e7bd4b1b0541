//! In which line of the configuration file each key stands, for messages about values that were read well and are wrong all the
//! same. Reads the text once more by itself: not its values, and what it cannot read has no line.

use granit_parser::{Event, Parser, StrInput};
use std::collections::BTreeMap;

/// Maps and lists inside each other, at most.
const DEPTH_MAX: usize = 64;

/// Lines by the way to a key: the keys above it, and places in lists as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines(BTreeMap<Vec<String>, usize>);

impl Lines {
    /// Those of a text.
    pub(super) fn in_text(text: &str) -> Self {
        let mut options = granit_parser::options! { flow_nesting_limit: DEPTH_MAX, block_nesting_limit: DEPTH_MAX };
        options.set_emit_comments(false);
        let mut reader = Reader {
            parser: Parser::new_from_str_with_options(text, options),
            way: Vec::new(),
            lines: BTreeMap::new(),
        };
        // What was found until something cannot be read is right all the same.
        let _ = reader.document();
        Self(reader.lines)
    }

    /// The line of a key, from 1; where it is not there, that of what is above it.
    pub(super) fn of(&self, keys: &[&str]) -> Option<usize> {
        let way: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
        (1..=way.len())
            .rev()
            .find_map(|length| self.0.get(&way[..length]).copied())
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    way: Vec<String>,
    lines: BTreeMap<Vec<String>, usize>,
}

impl<'a> Reader<'a> {
    /// The next event and its line; `None` at the end, or where the text is no YAML.
    fn next(&mut self) -> Option<(Event<'a>, usize)> {
        let (event, span) = self.parser.next()?.ok()?;
        Some((event, span.start.line()))
    }

    /// The first document: a configuration has one.
    fn document(&mut self) -> Option<()> {
        while !matches!(self.next()?.0, Event::DocumentStart(..)) {}
        let (root, _) = self.next()?;
        self.node(&root)
    }

    /// Goes through what begins with this event.
    fn node(&mut self, event: &Event<'a>) -> Option<()> {
        match event {
            Event::MappingStart(..) => self.map(),
            Event::SequenceStart(..) => self.list(),
            _ => Some(()),
        }
    }

    fn map(&mut self) -> Option<()> {
        loop {
            let (key, line) = self.next()?;
            let name = match &key {
                Event::MappingEnd => return Some(()),
                Event::Scalar(text, ..) => text.to_string(),
                // No key of a configuration; what it leads to is gone through all the same.
                other => {
                    self.node(other)?;
                    String::new()
                }
            };
            let (value, _) = self.next()?;
            self.below(name, line, &value)?;
        }
    }

    fn list(&mut self) -> Option<()> {
        for index in 0_usize.. {
            let (item, line) = self.next()?;
            if matches!(item, Event::SequenceEnd) {
                break;
            }
            self.below(index.to_string(), line, &item)?;
        }
        Some(())
    }

    fn below(&mut self, name: String, line: usize, value: &Event<'a>) -> Option<()> {
        self.way.push(name);
        self.lines.entry(self.way.clone()).or_insert(line);
        self.node(value)?;
        self.way.pop();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn each_key_is_found_in_its_line() {
        let text = "# a note\nhost:\n  mode: production\n  apps:\n    - a\n    - b\nplugins:\n  a.b: { x: 1,\n    y: { z: 2 } }\n  \
                    c.d:\n    note: |\n      host: no key\n    last: 3\n";
        let lines = Lines::in_text(text);
        let check = |keys: &[&str], expected: Option<usize>| assert_eq!(lines.of(keys), expected, "{keys:?}");
        check(&["host"], Some(2));
        check(&["host", "mode"], Some(3));
        check(&["host", "apps", "1"], Some(6));
        check(&["plugins", "a.b", "x"], Some(8));
        check(&["plugins", "a.b", "y", "z"], Some(9));
        check(&["plugins", "c.d", "last"], Some(13));
        // What is not there is looked for above.
        check(&["plugins", "a.b", "y", "missing", "deeper"], Some(9));
        check(&["plugins", "c.d", "note", "host"], Some(11));
        check(&["trust", "keys"], None);
        check(&[], None);
    }

    #[test]
    fn what_cannot_be_read_has_no_line() {
        assert_eq!(Lines::in_text(""), Lines::default());
        let broken = Lines::in_text("host:\n  mode: x\n  : [\n");
        assert_eq!(broken.of(&["host", "mode"]), Some(2));
        assert_eq!(broken.of(&["plugins"]), None);
    }
}
