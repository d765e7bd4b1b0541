//! The checked tree: every name resolved, every node with its type.
//!
//! This is what an SQL compiler reads. Spellings are gone: `x BETWEEN a AND b` is two comparisons, `ISBLANK(text)` is
//! `x IS NULL OR x = ''`, `a ? b : c` and `IF` are one node, text beside a date has become a date. Not here: how it is made
//! (`checker`) or run (`evaluator`); its JSON form is in `wire`.

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::function::Function;
use crate::types::Type;
use crate::value::Value;

mod name;
mod wire;

pub use name::{Path, Variable};

/// An expression with its type.
///
/// JSON form: `{"type": "number", "field": "amount"}`; instead of `field` one of `literal`, `variable`, `negate`, `arithmetic`,
/// `concat`, `compare`, `and`, `or`, `not`, `is_null`, `is_blank`, `in`, `like`, `if`, `case`, `coalesce`, `list`, `call`. Nodes without an
/// SQL form (see [`crate::sql_form`]) have no JSON form either.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "wire::WireNode", into = "wire::WireNode")]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The type of its value; each may also be null.
    pub value_type: Type,
    /// The byte of the source at which it was written; 0 if it was built or read from JSON.
    pub offset: u32,
}

/// The kinds of node.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NodeKind {
    /// A constant.
    Literal(Value<'static>),
    /// A field of the record, or of a related one.
    Field(Path),
    /// The same field before the change; null for a new record.
    Previous(Path),
    /// A system variable.
    Variable(Variable),
    /// Evaluates `value` once, makes it the next local, then is `body`.
    Let {
        /// The value of the local.
        value: Box<Node>,
        /// Where it counts.
        body: Box<Node>,
    },
    /// A local by its place, the outermost `Let` being 0.
    Local(usize),
    /// `-x`
    Negate(Box<Node>),
    /// Arithmetic on two numbers as doubles; null if one is null or the result is not finite. On `any`, also `+` on texts and dates.
    Arithmetic(ArithmeticOperator, Box<Node>, Box<Node>),
    /// Texts joined; null if one is null. Other types are written as `TEXT()` does.
    Concat(Vec<Node>),
    /// A comparison of two values of one type; null if one is null.
    Compare(CompareOperator, Box<Node>, Box<Node>),
    /// False if one is false, else null if one is null.
    And(Vec<Node>),
    /// True if one is true, else null if one is null.
    Or(Vec<Node>),
    /// Null if it is null.
    Not(Box<Node>),
    /// `x IS NULL`; never null itself.
    IsNull(Box<Node>),
    /// Whether the item equals one of the list's scalars, or is in one of its parts of type list.
    ///
    /// Null if the item is null, if nothing matched and a scalar is null, or if nothing matched and a part of type list is null.
    /// Nulls inside a part of type list match nothing and change nothing.
    In {
        /// What is looked for.
        item: Box<Node>,
        /// Scalars and lists, at least one.
        list: Vec<Node>,
    },
    /// SQL's LIKE, case-sensitive: `%` any run, `_` one character, `\` takes the next character as it is.
    Like {
        /// The text.
        text: Box<Node>,
        /// The pattern.
        pattern: Box<Node>,
    },
    /// Whether the pattern matches the whole text.
    Matches {
        /// The text.
        text: Box<Node>,
        /// Compiled once, at check time.
        pattern: Pattern,
    },
    /// The value of the first arm whose condition is true.
    If {
        /// Conditions and values.
        arms: Vec<(Node, Node)>,
        /// The value if no condition is true.
        otherwise: Box<Node>,
    },
    /// The value of the first arm that equals the subject.
    Case {
        /// What is compared.
        subject: Box<Node>,
        /// Values to compare with, and results.
        arms: Vec<(Node, Node)>,
        /// The value if none is equal.
        otherwise: Box<Node>,
    },
    /// The first that is not null.
    Coalesce(Vec<Node>),
    /// Null, the empty text or the empty list; only on types that may be lists.
    IsBlank(Box<Node>),
    /// A list of constants and expressions.
    List(Vec<Node>),
    /// A call of a function of the table.
    Call {
        /// Which.
        function: &'static Function,
        /// At least as many as it asks for.
        arguments: Vec<Node>,
    },
}

/// `+ - * / % ^`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArithmeticOperator {
    /// `a + b`
    #[serde(rename = "+")]
    Add,
    /// `a - b`
    #[serde(rename = "-")]
    Subtract,
    /// `a * b`
    #[serde(rename = "*")]
    Multiply,
    /// `a / b`; null if `b` is 0
    #[serde(rename = "/")]
    Divide,
    /// `a - b * trunc(a / b)`; null if `b` is 0 or the quotient is above 2^53
    #[serde(rename = "%")]
    Remainder,
    /// `a ^ b`
    #[serde(rename = "^")]
    Power,
}

impl ArithmeticOperator {
    /// The operator as written.
    pub const fn symbol(self) -> &'static str {
        match self {
            ArithmeticOperator::Add => "+",
            ArithmeticOperator::Subtract => "-",
            ArithmeticOperator::Multiply => "*",
            ArithmeticOperator::Divide => "/",
            ArithmeticOperator::Remainder => "%",
            ArithmeticOperator::Power => "^",
        }
    }
}

/// `= <> < <= > >=`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompareOperator {
    /// `a = b`
    #[serde(rename = "=")]
    Equal,
    /// `a <> b`
    #[serde(rename = "<>")]
    NotEqual,
    /// `a < b`
    #[serde(rename = "<")]
    Less,
    /// `a <= b`
    #[serde(rename = "<=")]
    LessOrEqual,
    /// `a > b`
    #[serde(rename = ">")]
    Greater,
    /// `a >= b`
    #[serde(rename = ">=")]
    GreaterOrEqual,
}

impl CompareOperator {
    /// The operator as SQL writes it.
    pub const fn symbol(self) -> &'static str {
        match self {
            CompareOperator::Equal => "=",
            CompareOperator::NotEqual => "<>",
            CompareOperator::Less => "<",
            CompareOperator::LessOrEqual => "<=",
            CompareOperator::Greater => ">",
            CompareOperator::GreaterOrEqual => ">=",
        }
    }
}

/// A compiled regular expression; equal by its text.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub(crate) source: Box<str>,
    pub(crate) regex: Regex,
}

impl Pattern {
    /// The pattern as written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Node {
    pub(crate) fn new(kind: NodeKind, value_type: Type, offset: u32) -> Self {
        Node {
            kind,
            value_type,
            offset,
        }
    }

    /// A field by its path and type.
    pub fn field(path: &str, value_type: Type) -> Self {
        Node::new(NodeKind::Field(Path::new(path)), value_type, 0)
    }

    /// A constant.
    pub fn literal(value: impl Into<Value<'static>>) -> Self {
        let value = value.into();
        let value_type = value.value_type();
        Node::new(NodeKind::Literal(value), value_type, 0)
    }

    /// The constant, if it is one.
    pub fn as_literal(&self) -> Option<&Value<'static>> {
        match &self.kind {
            NodeKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// Calls `visit` with each direct part.
    pub fn each_child<'n>(&'n self, visit: &mut dyn FnMut(&'n Node)) {
        use NodeKind as N;
        match &self.kind {
            N::Literal(_) | N::Field(_) | N::Previous(_) | N::Variable(_) | N::Local(_) => {}
            N::Negate(a) | N::Not(a) | N::IsNull(a) | N::IsBlank(a) | N::Matches { text: a, .. } => visit(a),
            N::Arithmetic(_, a, b)
            | N::Compare(_, a, b)
            | N::Like { text: a, pattern: b }
            | N::Let { value: a, body: b } => {
                visit(a);
                visit(b);
            }
            N::Concat(items)
            | N::And(items)
            | N::Or(items)
            | N::Coalesce(items)
            | N::List(items)
            | N::Call { arguments: items, .. } => {
                items.iter().for_each(visit);
            }
            N::In { item, list } => {
                visit(item);
                list.iter().for_each(visit);
            }
            N::If { arms, otherwise } => visit_arms(None, arms, otherwise, visit),
            N::Case {
                subject,
                arms,
                otherwise,
            } => visit_arms(Some(subject), arms, otherwise, visit),
        }
    }

    /// Replaces each direct part by what `change` makes of it.
    pub(crate) fn map_children(self, change: &mut dyn FnMut(Node) -> Node) -> Node {
        use NodeKind as N;
        let boxed = |node: Box<Node>, change: &mut dyn FnMut(Node) -> Node| Box::new(change(*node));
        let kind = match self.kind {
            N::Literal(_) | N::Field(_) | N::Previous(_) | N::Variable(_) | N::Local(_) => self.kind,
            N::Negate(a) => N::Negate(boxed(a, change)),
            N::Not(a) => N::Not(boxed(a, change)),
            N::IsNull(a) => N::IsNull(boxed(a, change)),
            N::IsBlank(a) => N::IsBlank(boxed(a, change)),
            N::Matches { text, pattern } => N::Matches {
                text: boxed(text, change),
                pattern,
            },
            N::Arithmetic(operator, a, b) => N::Arithmetic(operator, boxed(a, change), boxed(b, change)),
            N::Compare(operator, a, b) => N::Compare(operator, boxed(a, change), boxed(b, change)),
            N::Like { text, pattern } => N::Like {
                text: boxed(text, change),
                pattern: boxed(pattern, change),
            },
            N::Let { value, body } => N::Let {
                value: boxed(value, change),
                body: boxed(body, change),
            },
            N::Concat(items) => N::Concat(items.into_iter().map(change).collect()),
            N::And(items) => N::And(items.into_iter().map(change).collect()),
            N::Or(items) => N::Or(items.into_iter().map(change).collect()),
            N::Coalesce(items) => N::Coalesce(items.into_iter().map(change).collect()),
            N::List(items) => N::List(items.into_iter().map(change).collect()),
            N::Call { function, arguments } => N::Call {
                function,
                arguments: arguments.into_iter().map(change).collect(),
            },
            N::In { item, list } => N::In {
                item: boxed(item, change),
                list: list.into_iter().map(change).collect(),
            },
            N::If { arms, otherwise } => N::If {
                arms: arms
                    .into_iter()
                    .map(|(condition, value)| (change(condition), change(value)))
                    .collect(),
                otherwise: boxed(otherwise, change),
            },
            N::Case {
                subject,
                arms,
                otherwise,
            } => N::Case {
                subject: boxed(subject, change),
                arms: arms
                    .into_iter()
                    .map(|(when, value)| (change(when), change(value)))
                    .collect(),
                otherwise: boxed(otherwise, change),
            },
        };
        Node { kind, ..self }
    }
}

fn visit_arms<'n>(
    subject: Option<&'n Node>,
    arms: &'n [(Node, Node)],
    otherwise: &'n Node,
    visit: &mut dyn FnMut(&'n Node),
) {
    if let Some(subject) = subject {
        visit(subject);
    }
    for (condition, value) in arms {
        visit(condition);
        visit(value);
    }
    visit(otherwise);
}

impl From<bool> for Value<'static> {
    fn from(boolean: bool) -> Self {
        Value::Boolean(boolean)
    }
}

impl From<i64> for Value<'static> {
    fn from(integer: i64) -> Self {
        Value::Integer(integer)
    }
}

impl From<f64> for Value<'static> {
    fn from(number: f64) -> Self {
        Value::number(number)
    }
}

impl From<String> for Value<'static> {
    fn from(text: String) -> Self {
        Value::Text(text.into())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(text.into())
    }
}
