//! What a path means: a local, a field, the record before the change, a system variable, in this order.

use super::Typer;
use crate::error::{ErrorKind, Fault};
use crate::node::{Node, NodeKind, Path, Variable};
use crate::syntax::{Syntax, SyntaxKind};
use crate::types::Type;
use crate::value::Value;

impl Typer<'_> {
    pub(super) fn path(&mut self, segments: &[Box<str>], offset: u32) -> Node {
        let words: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let [first, rest @ ..] = words.as_slice() else {
            return self.poison(offset);
        };
        if let Some(name) = first.strip_prefix('$') {
            return self.variable(name, rest, offset);
        }
        if let Some(index) = self
            .locals
            .iter()
            .rposition(|(local, _)| local.as_ref() == *first)
            .filter(|_| rest.is_empty())
        {
            return Node::new(NodeKind::Local(index), self.locals[index].1, offset);
        }
        if let Some(value_type) = self.scope.field_type(&words) {
            return Node::new(NodeKind::Field(Path::from_segments(&words)), value_type, offset);
        }
        if let Some(node) = self.rooted(first, rest, offset) {
            return node;
        }
        if let Some(("length", receiver)) = segments
            .split_last()
            .map(|(last, receiver)| (last.as_ref(), receiver))
            .filter(|(_, receiver)| !receiver.is_empty())
        {
            let receiver = Syntax {
                kind: SyntaxKind::Path(receiver.to_vec()),
                offset,
                height: 1,
            };
            return self.call("LEN", &[receiver], offset);
        }
        self.unknown_field(&words, offset)
    }

    /// Paths that begin with a word for the record, the caller or the like, unless a field has that name.
    fn rooted(&mut self, first: &str, rest: &[&str], offset: u32) -> Option<Node> {
        Some(match (first, rest) {
            ("record" | "this", [_, ..]) => match self.scope.field_type(rest) {
                Some(value_type) => Node::new(NodeKind::Field(Path::from_segments(rest)), value_type, offset),
                None if rest.len() > 1 && rest.last() == Some(&"length") => {
                    let inner: Vec<Box<str>> = rest.iter().map(|word| (*word).into()).collect();
                    self.path(&inner, offset)
                }
                None => self.unknown_field(rest, offset),
            },
            ("previous" | "prior" | "old", [_, ..]) => self.previous(rest, offset),
            ("current_user" | "currentUser" | "user", [_, ..]) => self.user(rest, offset),
            ("Math", ["PI"]) => Node::new(
                NodeKind::Literal(Value::number(std::f64::consts::PI)),
                Type::Number,
                offset,
            ),
            ("Math", ["E"]) => Node::new(
                NodeKind::Literal(Value::number(std::f64::consts::E)),
                Type::Number,
                offset,
            ),
            (word, []) if word.eq_ignore_ascii_case("CURRENT_DATE") => variable(Variable::Today, offset),
            (word, []) if word.eq_ignore_ascii_case("CURRENT_TIMESTAMP") => variable(Variable::Now, offset),
            _ => return None,
        })
    }

    fn variable(&mut self, name: &str, rest: &[&str], offset: u32) -> Node {
        let lower = name.to_ascii_lowercase();
        match (lower.as_str(), rest) {
            ("record" | "field", [_, ..]) => match self.scope.field_type(rest) {
                Some(value_type) => Node::new(NodeKind::Field(Path::from_segments(rest)), value_type, offset),
                None => self.unknown_field(rest, offset),
            },
            ("previous" | "prior" | "old", [_, ..]) => self.previous(rest, offset),
            ("current_user" | "currentuser" | "user", [_, ..]) => self.user(rest, offset),
            ("current_user" | "currentuser" | "user" | "previous" | "record", []) => {
                let fault = Fault::new(
                    ErrorKind::FieldNotFound,
                    offset,
                    format!("`${name}` is not a value by itself"),
                );
                self.fault(fault.hint(format!("add a name, for example `${name}.id`")));
                self.poison(offset)
            }
            (known, []) => match Variable::named(known) {
                Some(found) => variable(found, offset),
                None => self.unknown_variable(name, offset),
            },
            _ => self.unknown_variable(name, offset),
        }
    }

    fn user(&mut self, rest: &[&str], offset: u32) -> Node {
        let property = rest.iter().map(|word| snake_case(word)).collect::<Vec<_>>().join(".");
        let value_type = self.scope.user_property(&property);
        Node::new(NodeKind::Variable(Variable::User(property.into())), value_type, offset)
    }

    pub(super) fn previous(&mut self, path: &[&str], offset: u32) -> Node {
        if !self.scope.offers_previous() {
            let fault = Fault::new(
                ErrorKind::FieldNotFound,
                offset,
                "there is no state before the change here",
            );
            self.fault(fault.hint("use it in rules that run when a record is written"));
            return self.poison(offset);
        }
        match self.scope.field_type(path) {
            Some(value_type) => Node::new(NodeKind::Previous(Path::from_segments(path)), value_type, offset),
            None => self.unknown_field(path, offset),
        }
    }

    fn unknown_variable(&mut self, name: &str, offset: u32) -> Node {
        let known = Variable::names().chain(["current_user", "previous"]);
        let suggestion = nearest(name, known).map(|name| format!("${name}"));
        self.fault(
            Fault::new(ErrorKind::FieldNotFound, offset, format!("unknown variable `${name}`")).suggest(suggestion),
        );
        self.poison(offset)
    }

    fn unknown_field(&mut self, path: &[&str], offset: u32) -> Node {
        // The longest part that leads somewhere, so that the message names the word that is wrong.
        let good = (0..path.len())
            .take_while(|count| *count == 0 || self.scope.field_type(&path[..*count]).is_some())
            .last()
            .unwrap_or(0);
        let wrong = path[good];
        let names = self.scope.field_names(&path[..good]);
        let suggestion = nearest(wrong, names.iter().map(String::as_str));
        let suggestion = suggestion.map(|name| {
            path[..good]
                .iter()
                .copied()
                .chain([name.as_str()])
                .collect::<Vec<_>>()
                .join(".")
        });
        let message = if good == 0 {
            format!("unknown field `{wrong}`")
        } else {
            format!("`{}` has no field `{wrong}`", path[..good].join("."))
        };
        let fault = Fault::new(ErrorKind::FieldNotFound, offset, message);
        let fault = if suggestion.is_none() && path.len() == 1 {
            fault.hint("put text between quotes")
        } else {
            fault
        };
        self.fault(fault.suggest(suggestion));
        self.poison(offset)
    }
}

fn variable(variable: Variable, offset: u32) -> Node {
    let value_type = variable.value_type();
    Node::new(NodeKind::Variable(variable), value_type, offset)
}

/// `FirstName` and `firstName` as `first_name`.
fn snake_case(word: &str) -> String {
    let mut snake = String::with_capacity(word.len() + 2);
    let mut after_small = false;
    for c in word.chars() {
        if c.is_uppercase() && after_small {
            snake.push('_');
        }
        after_small = c.is_lowercase() || c.is_numeric();
        snake.extend(c.to_lowercase());
    }
    snake
}

/// The nearest of the names, if it is near: one slip for each three letters.
pub(super) fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let wrong = wrong.to_lowercase();
    let allowed = (wrong.chars().count() / 3).clamp(1, 4);
    let distances = names.map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name));
    distances
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.to_owned())
}
