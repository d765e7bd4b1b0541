//! A condition on records that knows no database: what permissions hand to the data engine, and what the engine compiles.
//!
//! Not here: the SQL (in the data plugin) and the shorthand forms that clients send. Three-valued like SQL: a record matches if
//! the filter is true, not if it is null.

use serde::{Deserialize, Serialize};

use crate::bind::bind;
use crate::checker::CheckedExpression;
use crate::environment::Environment;
use crate::error::EvaluationError;
use crate::evaluator::Machine;
use crate::limits::Limits;
use crate::node::{CompareOperator, Node, NodeKind};
use crate::sql::{NotAFilter, Obstacle, node_form};
use crate::types::Type;
use crate::value::Value;

/// A value inside a filter: a field, a constant, a variable, or arithmetic and calls on those. Always with an SQL form.
pub type Operand = Node;

/// A condition on records.
///
/// JSON form: `"all"`, `"none"`, `{"and": [...]}`, `{"or": [...]}`, `{"not": {...}}`,
/// `{"compare": {"left": {"type": "text", "field": "status"}, "operator": "=", "right": {"type": "text", "literal": "open"}}}`,
/// `{"in": {"item": ..., "list": [...]}}`, `{"is_null": ...}`, `{"like": {"text": ..., "pattern": ...}}`, `{"test": ...}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Filter {
    /// Every record.
    All,
    /// No record.
    None,
    /// False if one is false, else null if one is null.
    And(Vec<Filter>),
    /// True if one is true, else null if one is null.
    Or(Vec<Filter>),
    /// The opposite; null stays null.
    Not(Box<Filter>),
    /// A comparison of two values of one type; null if one of them is.
    Compare {
        /// Left side.
        left: Operand,
        /// How they are compared.
        operator: CompareOperator,
        /// Right side.
        right: Operand,
    },
    /// Whether the item is among the entries; see [`NodeKind::In`] for nulls. After `bind` the list may be empty.
    In {
        /// What is looked for.
        item: Operand,
        /// Scalars, and fields of type list.
        list: Vec<Operand>,
    },
    /// Whether there is no value; never null.
    IsNull(Operand),
    /// SQL's LIKE, case-sensitive, `\` escapes.
    Like {
        /// The text.
        text: Operand,
        /// The pattern; a constant after `bind`.
        pattern: Operand,
    },
    /// Whether an operand of type boolean is true; null if it is.
    Test(Operand),
}

/// Turns a condition into a filter. Errors: the first part that has no SQL form, or that the result is no condition.
pub fn to_filter(expression: &CheckedExpression) -> Result<Filter, NotAFilter> {
    convert(expression.root()).map_err(|obstacle| obstacle.locate(expression.source()))
}

fn convert(node: &Node) -> Result<Filter, Obstacle> {
    if !matches!(node.value_type, Type::Boolean | Type::Null) {
        return Err(Obstacle::at(
            node,
            format!("it gives {}, not true or false", node.value_type),
        ));
    }
    let all = |nodes: &[Node]| nodes.iter().map(convert).collect::<Result<Vec<_>, _>>();
    Ok(match &node.kind {
        NodeKind::And(items) => Filter::and(all(items)?),
        NodeKind::Or(items) => Filter::or(all(items)?),
        NodeKind::Not(inner) => Filter::Not(Box::new(convert(inner)?)),
        _ => {
            node_form(node)?;
            leaf(node.clone())
        }
    })
}

/// A condition of one piece.
fn leaf(node: Node) -> Filter {
    match node.kind {
        NodeKind::Literal(Value::Boolean(true)) => Filter::All,
        NodeKind::Literal(Value::Boolean(false)) => Filter::None,
        NodeKind::Compare(operator, left, right) => Filter::Compare {
            left: *left,
            operator,
            right: *right,
        },
        NodeKind::In { item, list } => Filter::In { item: *item, list },
        NodeKind::IsNull(inner) => Filter::IsNull(*inner),
        NodeKind::Like { text, pattern } => Filter::Like {
            text: *text,
            pattern: *pattern,
        },
        _ => Filter::Test(node),
    }
}

impl Filter {
    /// All of them; those that say nothing are left out.
    pub fn and(filters: Vec<Filter>) -> Filter {
        let mut kept = Vec::with_capacity(filters.len());
        for filter in filters {
            match filter {
                Filter::All => {}
                Filter::And(inner) => kept.extend(inner),
                Filter::None => {
                    // What comes after is never looked at.
                    kept.push(Filter::None);
                    break;
                }
                other => kept.push(other),
            }
        }
        single(kept, Filter::All, Filter::And)
    }

    /// One of them; those that say nothing are left out.
    pub fn or(filters: Vec<Filter>) -> Filter {
        let mut kept = Vec::with_capacity(filters.len());
        for filter in filters {
            match filter {
                Filter::None => {}
                Filter::Or(inner) => kept.extend(inner),
                Filter::All => {
                    kept.push(Filter::All);
                    break;
                }
                other => kept.push(other),
            }
        }
        single(kept, Filter::None, Filter::Or)
    }

    /// A field compared with a constant, for example `Filter::field("status", Type::Text, CompareOperator::Equal, "open".into())`.
    pub fn field(path: &str, value_type: Type, operator: CompareOperator, value: Value<'static>) -> Filter {
        Filter::Compare {
            left: Node::field(path, value_type),
            operator,
            right: Node::new(NodeKind::Literal(value), value_type, 0),
        }
    }

    /// Calls `visit` with each operand.
    pub fn each_operand<'f>(&'f self, visit: &mut dyn FnMut(&'f Operand)) {
        match self {
            Filter::All | Filter::None => {}
            Filter::And(filters) | Filter::Or(filters) => filters.iter().for_each(|filter| filter.each_operand(visit)),
            Filter::Not(inner) => inner.each_operand(visit),
            Filter::Compare { left: a, right: b, .. } | Filter::Like { text: a, pattern: b } => {
                visit(a);
                visit(b);
            }
            Filter::In { item, list } => {
                visit(item);
                list.iter().for_each(visit);
            }
            Filter::IsNull(operand) | Filter::Test(operand) => visit(operand),
        }
    }

    /// Whether the record of the environment matches. Errors: see [`EvaluationError`]; whoever asks for access takes them for no.
    pub fn matches(&self, environment: &dyn Environment) -> Result<bool, EvaluationError> {
        Ok(self.truth(&mut Machine::new(environment, Limits::default()))? == Some(true))
    }

    fn truth<'a>(&'a self, machine: &mut Machine<'a>) -> Result<Option<bool>, EvaluationError> {
        Ok(match self {
            Filter::All => Some(true),
            Filter::None => Some(false),
            Filter::And(filters) => until(filters, false, machine)?,
            Filter::Or(filters) => until(filters, true, machine)?,
            Filter::Not(inner) => inner.truth(machine)?.map(|truth| !truth),
            Filter::Compare { left, operator, right } => {
                let (left, right) = (machine.value(left)?, machine.value(right)?);
                machine.compare(*operator, &left, &right)?
            }
            Filter::In { item, list } => machine.member(item, list)?,
            Filter::IsNull(operand) => Some(machine.value(operand)?.is_null()),
            Filter::Like { text, pattern } => machine.like(text, pattern)?,
            Filter::Test(operand) => machine.truth(operand)?,
        })
    }

    /// Puts constants in the place of all that reads no field: variables, `TODAY() - 30`, lists of the caller. To be called once
    /// for a query, before it is compiled. Afterwards lists after IN hold scalars and fields only. Errors: those of evaluation.
    pub fn bind(&self, environment: &dyn Environment) -> Result<Filter, EvaluationError> {
        let all = |filters: &[Filter]| {
            filters
                .iter()
                .map(|filter| filter.bind(environment))
                .collect::<Result<Vec<_>, _>>()
        };
        let bound = match self {
            Filter::All => Filter::All,
            Filter::None => Filter::None,
            Filter::And(filters) => return Ok(Filter::and(all(filters)?)),
            Filter::Or(filters) => return Ok(Filter::or(all(filters)?)),
            Filter::Not(inner) => {
                return Ok(match inner.bind(environment)? {
                    Filter::All => Filter::None,
                    Filter::None => Filter::All,
                    other => Filter::Not(Box::new(other)),
                });
            }
            Filter::Compare { left, operator, right } => Filter::Compare {
                left: bind(left, environment)?,
                operator: *operator,
                right: bind(right, environment)?,
            },
            Filter::In { item, list } => {
                let item = bind(item, environment)?;
                let list = list
                    .iter()
                    .map(|entry| bind(entry, environment))
                    .collect::<Result<Vec<_>, _>>()?;
                Filter::In {
                    list: entries(&item, list),
                    item,
                }
            }
            Filter::IsNull(operand) => Filter::IsNull(bind(operand, environment)?),
            Filter::Like { text, pattern } => Filter::Like {
                text: bind(text, environment)?,
                pattern: bind(pattern, environment)?,
            },
            Filter::Test(operand) => return Ok(leaf(bind(operand, environment)?)),
        };
        let mut constant = !matches!(bound, Filter::All | Filter::None);
        bound.each_operand(&mut |operand| constant &= operand.as_literal().is_some());
        if !constant {
            return Ok(bound);
        }
        let truth = bound.truth(&mut Machine::new(environment, Limits::default()))?;
        Ok(leaf(Node::new(
            NodeKind::Literal(truth.map_or(Value::Null, Value::Boolean)),
            Type::Boolean,
            0,
        )))
    }
}

/// The entries after IN with constant lists taken apart. What can never equal the item is left out, as a database would
/// rather fail than compare it.
fn entries(item: &Node, list: Vec<Node>) -> Vec<Node> {
    let scalar = |value| Node::new(NodeKind::Literal(value), item.value_type, 0);
    let mut entries = Vec::with_capacity(list.len());
    for entry in list {
        match entry.kind {
            NodeKind::Literal(Value::List(values)) => {
                let fitting = values.into_iter().filter(|value| {
                    !value.is_null() && (value.value_type() == item.value_type || item.value_type.is_open())
                });
                entries.extend(fitting.map(scalar));
            }
            NodeKind::Literal(Value::Null) => entries.push(scalar(Value::Null)),
            _ => entries.push(entry),
        }
    }
    entries
}

fn until<'a>(filters: &'a [Filter], end: bool, machine: &mut Machine<'a>) -> Result<Option<bool>, EvaluationError> {
    let mut answer = Some(!end);
    for filter in filters {
        match filter.truth(machine)? {
            Some(truth) if truth == end => return Ok(Some(end)),
            Some(_) => {}
            None => answer = None,
        }
    }
    Ok(answer)
}

fn single(mut filters: Vec<Filter>, empty: Filter, several: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        None => empty,
        Some(only) if filters.is_empty() => only,
        Some(last) => {
            filters.push(last);
            several(filters)
        }
    }
}

#[cfg(test)]
mod tests;
