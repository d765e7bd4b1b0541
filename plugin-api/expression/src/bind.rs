//! What reads no field becomes a constant, and every null gets the type of its place: then a database can be asked.
//!
//! Not here: the SQL, which is the data plugin's. Called by `filter` and by the compiler.

use crate::environment::Environment;
use crate::error::EvaluationError;
use crate::evaluator::Machine;
use crate::function::Parameter;
use crate::limits::Limits;
use crate::node::{Node, NodeKind};
use crate::types::Type;
use crate::value::Value;

/// Puts constants in the place of all parts of a node that read no field. A null is of the type that its place asks for, so
/// that a database need not guess it. Errors: those of evaluation.
pub fn bind(node: &Node, environment: &dyn Environment) -> Result<Node, EvaluationError> {
    Ok(settled(constants(node, environment)?, Type::Null))
}

fn constants(node: &Node, environment: &dyn Environment) -> Result<Node, EvaluationError> {
    if node.as_literal().is_some() {
        return Ok(node.clone());
    }
    if node.is_constant() {
        let value = Machine::new(environment, Limits::default()).value(node)?.into_owned();
        let value_type = if node.value_type == Type::Any {
            value.value_type()
        } else {
            node.value_type
        };
        return Ok(Node::new(NodeKind::Literal(value), value_type, node.offset));
    }
    let mut failure = None;
    let bound = node
        .clone()
        .map_children(&mut |child| match constants(&child, environment) {
            Ok(bound) => bound,
            Err(error) => {
                failure.get_or_insert(error);
                child
            }
        });
    match failure {
        Some(error) => Err(error),
        None => Ok(bound),
    }
}

/// Gives what is always null the type of its place.
fn settled(node: Node, wanted: Type) -> Node {
    // A choice of nulls only, or a function of one, is no more than a null.
    if node.value_type == Type::Null {
        return Node::new(NodeKind::Literal(Value::Null), wanted, node.offset);
    }
    let place = places(&node);
    let mut index = 0;
    node.map_children(&mut |child| {
        let wanted = place(index);
        index += 1;
        settled(child, wanted)
    })
}

/// The types that a node asks of its parts, in the order in which they are visited.
fn places(node: &Node) -> Box<dyn Fn(usize) -> Type> {
    use NodeKind as N;
    let all = |value_type: Type| -> Box<dyn Fn(usize) -> Type> { Box::new(move |_| value_type) };
    match &node.kind {
        N::Negate(_) | N::Arithmetic(..) => all(Type::Number),
        N::Concat(_) | N::Like { .. } | N::Matches { .. } => all(Type::Text),
        N::And(_) | N::Or(_) | N::Not(_) => all(Type::Boolean),
        N::IsBlank(_) => all(Type::List),
        N::Compare(_, left, right) => all(common([&**left, &**right])),
        N::In { item, list } => all(common(std::iter::once(&**item).chain(list))),
        N::Coalesce(items) => all(firm(node.value_type, items)),
        N::If { arms, otherwise } => {
            let values = arms.iter().map(|(_, value)| value).chain([&**otherwise]);
            let (value, last) = (firm(node.value_type, values), arms.len() * 2);
            Box::new(move |index| match index {
                index if index < last && index % 2 == 0 => Type::Boolean,
                _ => value,
            })
        }
        N::Case {
            subject,
            arms,
            otherwise,
        } => {
            let compared = common(std::iter::once(&**subject).chain(arms.iter().map(|(when, _)| when)));
            let values = arms.iter().map(|(_, value)| value).chain([&**otherwise]);
            let (value, last) = (firm(node.value_type, values), arms.len() * 2);
            Box::new(move |index| match index {
                0 => compared,
                index if index < last && index % 2 == 1 => compared,
                _ => value,
            })
        }
        N::Call { function, arguments } => {
            let function = *function;
            let others = common(arguments);
            Box::new(move |index| parameter_type(function.parameter(index), others))
        }
        _ => all(Type::Null),
    }
}

/// The type of the first whose type is known; lists that scalars are looked for in are left aside.
fn common<'n>(nodes: impl IntoIterator<Item = &'n Node>) -> Type {
    let known = |value_type: &Type| !value_type.is_open() && *value_type != Type::List;
    let mut types = nodes.into_iter().map(|node| node.value_type);
    types.find(known).unwrap_or(Type::Null)
}

/// The type of a choice; of what is in it where that is open.
fn firm<'n>(value_type: Type, nodes: impl IntoIterator<Item = &'n Node>) -> Type {
    if value_type.is_open() {
        common(nodes)
    } else {
        value_type
    }
}

fn parameter_type(parameter: Parameter, others: Type) -> Type {
    match parameter {
        Parameter::Any => others,
        Parameter::Boolean => Type::Boolean,
        Parameter::Number => Type::Number,
        Parameter::Text | Parameter::TextOrList => Type::Text,
        Parameter::Date | Parameter::Moment => Type::Date,
        Parameter::DateTime => Type::DateTime,
        Parameter::Clock => Type::Time,
        Parameter::List => Type::List,
    }
}

#[cfg(test)]
mod tests;
