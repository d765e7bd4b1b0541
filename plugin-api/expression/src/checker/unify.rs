//! Bringing parts to one type: what is turned into what, and what is said where nothing fits.
//!
//! Text in quotes beside a date becomes a date, a date beside a datetime its local midnight. Nothing else is turned by itself.

use super::Typer;
use super::operator::{DATETIMEVALUE, DATEVALUE, call};
use crate::calendar;
use crate::error::{ErrorKind, Fault};
use crate::node::{Node, NodeKind, Variable};
use crate::number;
use crate::types::Type;
use crate::value::{Value, read_moment};
use crate::zone::Zone;

impl Typer<'_> {
    /// Brings values to one type: text in quotes becomes a date where the others are dates, a date becomes a datetime where one is.
    /// Gives the values and their type; reports the first pair that does not fit.
    pub(super) fn unify(
        &mut self,
        nodes: Vec<Node>,
        offset: u32,
        message: impl Fn(Type, Type) -> String,
    ) -> (Vec<Node>, Type) {
        let closed = |node: &&Node| !node.value_type.is_open();
        let mut firm = nodes.iter().filter(closed).filter(|node| !is_text_literal(node));
        let firm = firm.try_fold(Type::Null, |joined, node| joined.join(node.value_type));
        let target = match firm {
            Some(Type::Date | Type::DateTime | Type::Time) | None => firm,
            Some(_) => nodes
                .iter()
                .filter(closed)
                .try_fold(Type::Null, |joined, node| joined.join(node.value_type)),
        };
        let Some(target) = target else {
            self.misfit(&nodes, offset, message);
            return (nodes, Type::Any);
        };
        let unknown = nodes
            .iter()
            .any(|node| node.value_type == Type::Any && (target == Type::Null || !is_user(node)));
        let joined = if unknown { Type::Any } else { target };
        (
            nodes.into_iter().map(|node| self.coerce(node, target)).collect(),
            joined,
        )
    }

    /// Reports the first value that does not go with the first one.
    fn misfit(&mut self, nodes: &[Node], offset: u32, message: impl Fn(Type, Type) -> String) {
        let pairs = nodes
            .iter()
            .enumerate()
            .flat_map(|(index, first)| nodes[index + 1..].iter().map(move |other| (first, other)));
        let Some((first, other)) = pairs
            .clone()
            .find(|(first, other)| first.value_type.join(other.value_type).is_none())
        else {
            return;
        };
        let fault = Fault::new(
            ErrorKind::TypeError,
            offset,
            message(first.value_type, other.value_type),
        );
        self.fault(match mend(first, other) {
            Some(hint) => fault.hint(hint),
            None => fault,
        });
    }

    /// Turns a node into the type where that is not a matter of opinion.
    pub(super) fn coerce(&mut self, node: Node, target: Type) -> Node {
        let offset = node.offset;
        match (node.value_type, target) {
            (Type::Date, Type::DateTime) => call(&DATETIMEVALUE, vec![node], Type::DateTime, offset),
            (Type::DateTime, Type::Date) => call(&DATEVALUE, vec![node], Type::Date, offset),
            (Type::Text, Type::Date | Type::DateTime | Type::Time) => self.read_literal(node, target),
            _ => adopt(node, target),
        }
    }

    fn read_literal(&mut self, node: Node, target: Type) -> Node {
        let Some(Value::Text(text)) = node.as_literal() else {
            return node;
        };
        if target == Type::DateTime && calendar::parse_moment(text, &Zone::UTC).is_some_and(|(_, zoned)| !zoned) {
            // Local time: what it means is known when it is evaluated.
            let offset = node.offset;
            return call(&DATETIMEVALUE, vec![node], Type::DateTime, offset);
        }
        let Some(value) = read_moment(text, target, &Zone::UTC) else {
            let form = match target {
                Type::Time => "write it as 'HH:MM:SS'",
                Type::DateTime => "write it as 'YYYY-MM-DDTHH:MM:SSZ'",
                _ => "write it as 'YYYY-MM-DD'",
            };
            return self.type_fault(node.offset, format!("`{text}` is not a {target}"), form);
        };
        Node::new(NodeKind::Literal(value), target, node.offset)
    }
}

/// Lets an untyped property of the caller take the type that its place asks for; evaluation holds it to that.
pub(super) fn adopt(node: Node, target: Type) -> Node {
    if is_user(&node) && node.value_type == Type::Any && !target.is_open() {
        Node {
            value_type: target,
            ..node
        }
    } else {
        node
    }
}

fn is_user(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Variable(Variable::User(_)))
}

pub(super) fn is_text_literal(node: &Node) -> bool {
    matches!(node.as_literal(), Some(Value::Text(_)))
}

/// What to write instead, for pairs of types that are often mixed up.
fn mend(first: &Node, second: &Node) -> Option<&'static str> {
    let (a, b) = (first.value_type, second.value_type);
    let quoted = [first, second].into_iter().find_map(|node| match node.as_literal() {
        Some(Value::Text(text)) => Some(text.as_ref()),
        _ => None,
    });
    let pair = |x, y| (a == x && b == y) || (a == y && b == x);
    Some(match quoted {
        Some(text) if pair(Type::Number, Type::Text) && number::parse(text).is_some() => {
            "write the number without quotes"
        }
        Some("true" | "false") if pair(Type::Boolean, Type::Text) => "write true and false without quotes",
        _ if pair(Type::Boolean, Type::Number) => "write true or false",
        _ if pair(Type::Number, Type::Text) => "convert one side with VALUE() or TEXT()",
        _ if pair(Type::Date, Type::Text) => "convert the text with DATEVALUE()",
        _ if pair(Type::DateTime, Type::Text) => "convert the text with DATETIMEVALUE()",
        _ if a == Type::List || b == Type::List => "ask with INCLUDES(list, value)",
        _ => return None,
    })
}
