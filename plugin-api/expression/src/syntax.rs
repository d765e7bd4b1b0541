//! The tree as written: names not yet looked up, types not yet known.
//!
//! Private. The parser makes it, the checker turns it into `node::Node`. Each tree knows its height, so that no walk over it
//! can exhaust the stack.

use crate::error::{ErrorKind, Fault};
use crate::limits::HEIGHT_MAX;
use crate::node::{ArithmeticOperator, CompareOperator};
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct Syntax {
    pub(crate) kind: SyntaxKind,
    pub(crate) offset: u32,
    pub(crate) height: u16,
}

#[derive(Clone, Debug)]
pub(crate) enum SyntaxKind {
    Literal(Value<'static>),
    /// `account.industry`, `$current_user.id`: the first word keeps its `$`.
    Path(Vec<Box<str>>),
    List(Vec<Syntax>),
    Negate(Box<Syntax>),
    Not(Box<Syntax>),
    Arithmetic(ArithmeticOperator, Box<Syntax>, Box<Syntax>),
    /// `a & b & c`
    Concat(Vec<Syntax>),
    Compare(CompareOperator, Box<Syntax>, Box<Syntax>),
    And(Vec<Syntax>),
    Or(Vec<Syntax>),
    /// `a || b`: a logical or, or a default for a blank value; the types decide.
    OrElse(Vec<Syntax>),
    Coalesce(Vec<Syntax>),
    If {
        condition: Box<Syntax>,
        then: Box<Syntax>,
        otherwise: Box<Syntax>,
    },
    In {
        item: Box<Syntax>,
        list: Vec<Syntax>,
    },
    Like {
        text: Box<Syntax>,
        pattern: Box<Syntax>,
    },
    Between {
        item: Box<Syntax>,
        low: Box<Syntax>,
        high: Box<Syntax>,
    },
    IsNull(Box<Syntax>),
    Call {
        name: Box<str>,
        arguments: Vec<Syntax>,
    },
    Method {
        receiver: Box<Syntax>,
        name: Box<str>,
        arguments: Vec<Syntax>,
    },
    /// A variable of a statement block; an assignment must find one that was declared.
    Let {
        name: Box<str>,
        value: Box<Syntax>,
        body: Box<Syntax>,
        declared: bool,
    },
}

impl Syntax {
    /// Errors: `limit_exceeded` when the tree becomes too high.
    pub(crate) fn new(kind: SyntaxKind, offset: u32) -> Result<Self, Fault> {
        let mut height = 0;
        kind.each_child(&mut |child| height = height.max(child.height));
        if height >= HEIGHT_MAX {
            return Err(Fault::new(
                ErrorKind::LimitExceeded,
                offset,
                format!("the expression is nested deeper than {HEIGHT_MAX}"),
            )
            .hint("split it into several formula fields"));
        }
        Ok(Syntax {
            kind,
            offset,
            height: height + 1,
        })
    }

    pub(crate) fn null(offset: u32) -> Self {
        Syntax {
            kind: SyntaxKind::Literal(Value::Null),
            offset,
            height: 1,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.kind, SyntaxKind::Literal(Value::Null))
    }
}

impl SyntaxKind {
    fn each_child(&self, visit: &mut dyn FnMut(&Syntax)) {
        use SyntaxKind as S;
        match self {
            S::Literal(_) | S::Path(_) => {}
            S::Negate(a) | S::Not(a) | S::IsNull(a) => visit(a),
            S::Arithmetic(_, a, b)
            | S::Compare(_, a, b)
            | S::Like { text: a, pattern: b }
            | S::Let { value: a, body: b, .. } => {
                visit(a);
                visit(b);
            }
            S::If {
                condition: a,
                then: b,
                otherwise: c,
            }
            | S::Between {
                item: a,
                low: b,
                high: c,
            } => {
                visit(a);
                visit(b);
                visit(c);
            }
            S::List(items)
            | S::Concat(items)
            | S::And(items)
            | S::Or(items)
            | S::OrElse(items)
            | S::Coalesce(items) => {
                items.iter().for_each(visit);
            }
            S::In { item, list } => {
                visit(item);
                list.iter().for_each(visit);
            }
            S::Call { arguments, .. } => arguments.iter().for_each(visit),
            S::Method {
                receiver, arguments, ..
            } => {
                visit(receiver);
                arguments.iter().for_each(visit);
            }
        }
    }
}
