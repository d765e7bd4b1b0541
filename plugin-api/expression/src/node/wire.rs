//! The JSON form of a node, in which a filter travels between plugins.
//!
//! Only nodes with an SQL form have one, so that what arrives can be compiled. Reading checks what the checker would have
//! checked as far as safety needs it: functions exist and have enough arguments, constants are of their type.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{ArithmeticOperator, CompareOperator, Node, NodeKind, Path, Variable};
use crate::function;
use crate::types::Type;
use crate::value::Value;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct WireNode {
    #[serde(rename = "type")]
    value_type: Type,
    #[serde(flatten)]
    kind: WireKind,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireKind {
    Literal(Json),
    Field(String),
    Variable(String),
    Negate(Box<Node>),
    Arithmetic {
        left: Box<Node>,
        operator: ArithmeticOperator,
        right: Box<Node>,
    },
    Concat(Vec<Node>),
    Compare {
        left: Box<Node>,
        operator: CompareOperator,
        right: Box<Node>,
    },
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    IsNull(Box<Node>),
    IsBlank(Box<Node>),
    In {
        item: Box<Node>,
        list: Vec<Node>,
    },
    Like {
        text: Box<Node>,
        pattern: Box<Node>,
    },
    If {
        arms: Vec<(Node, Node)>,
        otherwise: Box<Node>,
    },
    Case {
        subject: Box<Node>,
        arms: Vec<(Node, Node)>,
        otherwise: Box<Node>,
    },
    Coalesce(Vec<Node>),
    List(Vec<Node>),
    Call {
        function: String,
        arguments: Vec<Node>,
    },
    /// A node that cannot travel; refused when it is read, so that a sender's mistake cannot widen a filter.
    Unsupported(String),
}

impl From<Node> for WireNode {
    fn from(node: Node) -> Self {
        use NodeKind as N;
        use WireKind as W;
        let kind = match node.kind {
            N::Literal(value) => W::Literal(value.to_json()),
            N::Field(path) => W::Field(path.as_str().to_owned()),
            N::Variable(variable) => W::Variable(variable.name()),
            N::Negate(a) => W::Negate(a),
            N::Arithmetic(operator, left, right) => W::Arithmetic { left, operator, right },
            N::Concat(items) => W::Concat(items),
            N::Compare(operator, left, right) => W::Compare { left, operator, right },
            N::And(items) => W::And(items),
            N::Or(items) => W::Or(items),
            N::Not(a) => W::Not(a),
            N::IsNull(a) => W::IsNull(a),
            N::IsBlank(a) => W::IsBlank(a),
            N::In { item, list } => W::In { item, list },
            N::Like { text, pattern } => W::Like { text, pattern },
            N::If { arms, otherwise } => W::If { arms, otherwise },
            N::Case {
                subject,
                arms,
                otherwise,
            } => W::Case {
                subject,
                arms,
                otherwise,
            },
            N::Coalesce(items) => W::Coalesce(items),
            N::List(items) => W::List(items),
            N::Call { function, arguments } => W::Call {
                function: function.name.to_owned(),
                arguments,
            },
            N::Previous(_) => W::Unsupported("previous".to_owned()),
            N::Let { .. } | N::Local(_) => W::Unsupported("let".to_owned()),
            N::Matches { .. } => W::Unsupported("regex".to_owned()),
        };
        WireNode {
            value_type: node.value_type,
            kind,
        }
    }
}

impl TryFrom<WireNode> for Node {
    type Error = String;

    fn try_from(wire: WireNode) -> Result<Self, String> {
        use NodeKind as N;
        use WireKind as W;
        let value_type = wire.value_type;
        let kind = match wire.kind {
            W::Literal(json) => N::Literal(
                Value::from_json(&json, value_type, "literal")
                    .map_err(|error| error.to_string())?
                    .into_owned(),
            ),
            W::Field(path) => N::Field(Path::new(&path)),
            W::Variable(name) => {
                N::Variable(Variable::named(&name).ok_or_else(|| format!("unknown variable `{name}`"))?)
            }
            W::Negate(a) => N::Negate(a),
            W::Arithmetic { left, operator, right } => N::Arithmetic(operator, left, right),
            W::Concat(items) => N::Concat(items),
            W::Compare { left, operator, right } => N::Compare(operator, left, right),
            W::And(items) => N::And(items),
            W::Or(items) => N::Or(items),
            W::Not(a) => N::Not(a),
            W::IsNull(a) => N::IsNull(a),
            W::IsBlank(a) => N::IsBlank(a),
            W::In { item, list } => N::In { item, list },
            W::Like { text, pattern } => N::Like { text, pattern },
            W::If { arms, otherwise } => N::If { arms, otherwise },
            W::Case {
                subject,
                arms,
                otherwise,
            } => N::Case {
                subject,
                arms,
                otherwise,
            },
            W::Coalesce(items) => N::Coalesce(items),
            W::List(items) => N::List(items),
            W::Call {
                function: name,
                arguments,
            } => {
                let function =
                    function::find(&name).filter(|function| function.is_kernel() && function.takes(arguments.len()));
                let function =
                    function.ok_or_else(|| format!("no function `{name}` with {} arguments", arguments.len()))?;
                N::Call { function, arguments }
            }
            W::Unsupported(name) => return Err(format!("`{name}` cannot be part of a filter")),
        };
        Ok(Node::new(kind, value_type, 0))
    }
}
