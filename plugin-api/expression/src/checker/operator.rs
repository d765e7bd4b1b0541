//! The types of operators: what they take and what they give.

use super::Typer;
use super::unify::{adopt, is_text_literal};
use crate::function::{self, Function};
use crate::node::{ArithmeticOperator, CompareOperator, Node, NodeKind};
use crate::syntax::Syntax;
use crate::types::Type;
use crate::value::Value;

impl Typer<'_> {
    /// A part that has to be true or false.
    pub(super) fn condition(&mut self, tree: &Syntax, place: &str) -> Node {
        let node = self.node(tree);
        self.boolean(node, place)
    }

    pub(super) fn boolean(&mut self, node: Node, place: &str) -> Node {
        if node.value_type == Type::Boolean || node.value_type.is_open() {
            return adopt(node, Type::Boolean);
        }
        let hint = "compare it with a value, or ask with ISBLANK()";
        self.type_fault(
            node.offset,
            format!("{place} needs true or false, found {}", node.value_type),
            hint,
        )
    }

    pub(super) fn negate(&mut self, inner: Node, offset: u32) -> Node {
        let inner = self.numeric(inner, "-");
        Node::new(NodeKind::Negate(Box::new(inner)), Type::Number, offset)
    }

    fn numeric(&mut self, node: Node, place: &str) -> Node {
        if node.value_type == Type::Number || node.value_type.is_open() {
            return adopt(node, Type::Number);
        }
        let hint = match node.value_type {
            Type::Text => "make it a number with VALUE()",
            Type::Boolean => "make it a number with IF(..., 1, 0)",
            _ => "use a number",
        };
        self.type_fault(
            node.offset,
            format!("{place} needs a number, found {}", node.value_type),
            hint,
        )
    }

    pub(super) fn arithmetic(&mut self, operator: ArithmeticOperator, left: Node, right: Node, offset: u32) -> Node {
        use ArithmeticOperator::{Add, Subtract};
        let (a, b) = (left.value_type, right.value_type);
        match operator {
            Add if a == Type::Text || b == Type::Text => return self.concat(vec![left, right], offset),
            Add if a.is_moment() && (b == Type::Number || b.is_open()) => return self.add_days(left, right, offset),
            Add if b.is_moment() && (a == Type::Number || a.is_open()) => return self.add_days(right, left, offset),
            Subtract if a.is_moment() && b == Type::Number => {
                let days = self.negate(right, offset);
                return self.add_days(left, days, offset);
            }
            Subtract if a.is_moment() && (b.is_moment() || is_text_literal(&right)) => {
                return self.difference(left, right, offset);
            }
            Subtract if b.is_moment() && is_text_literal(&left) => return self.difference(left, right, offset),
            _ => {}
        }
        if matches!(operator, Add | Subtract) && (a == Type::Any || b == Type::Any) && !a.is_moment() && !b.is_moment()
        {
            // Texts, dates and numbers can meet here; which, shows when it is evaluated.
            let value_type = if operator == Add { Type::Any } else { Type::Number };
            let (left, right) = (self.operand(left, operator), self.operand(right, operator));
            return Node::new(
                NodeKind::Arithmetic(operator, Box::new(left), Box::new(right)),
                value_type,
                offset,
            );
        }
        let (left, right) = (
            self.numeric(left, operator.symbol()),
            self.numeric(right, operator.symbol()),
        );
        Node::new(
            NodeKind::Arithmetic(operator, Box::new(left), Box::new(right)),
            Type::Number,
            offset,
        )
    }

    /// One side of `+` or `-` whose other side is not known yet.
    fn operand(&mut self, node: Node, operator: ArithmeticOperator) -> Node {
        if node.value_type.is_open() {
            node
        } else {
            self.numeric(node, operator.symbol())
        }
    }

    fn add_days(&mut self, moment: Node, days: Node, offset: u32) -> Node {
        let value_type = moment.value_type;
        call(&ADD_DAYS, vec![moment, adopt(days, Type::Number)], value_type, offset)
    }

    /// Days between two dates; between two datetimes with a fraction.
    fn difference(&mut self, left: Node, right: Node, offset: u32) -> Node {
        let (sides, joined) = self.unify(vec![left, right], offset, |left, right| {
            format!("cannot subtract {right} from {left}")
        });
        let Ok([left, right]) = <[Node; 2]>::try_from(sides) else {
            return self.poison(offset);
        };
        if joined == Type::Date {
            return call(&DAYS_BETWEEN, vec![right, left], Type::Number, offset);
        }
        let hours = call(&HOURS_BETWEEN, vec![right, left], Type::Number, offset);
        let day = Node::new(NodeKind::Literal(Value::Integer(24)), Type::Number, offset);
        Node::new(
            NodeKind::Arithmetic(ArithmeticOperator::Divide, Box::new(hours), Box::new(day)),
            Type::Number,
            offset,
        )
    }

    pub(super) fn concat(&mut self, items: Vec<Node>, offset: u32) -> Node {
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            if item.value_type == Type::List {
                let node = self.type_fault(item.offset, "cannot join a list to a text".to_owned(), "use JOIN(list)");
                parts.push(node);
            } else if let NodeKind::Concat(inner) = item.kind {
                // `a + " " + b` is one join of three.
                parts.extend(inner);
            } else {
                parts.push(item);
            }
        }
        Node::new(NodeKind::Concat(parts), Type::Text, offset)
    }

    pub(super) fn compare(&mut self, operator: CompareOperator, left: Node, right: Node, offset: u32) -> Node {
        let (sides, joined) = self.unify(vec![left, right], offset, |left, right| {
            format!("cannot compare {left} with {right}")
        });
        let Ok([left, right]) = <[Node; 2]>::try_from(sides) else {
            return self.poison(offset);
        };
        if joined == Type::List {
            return self.type_fault(
                offset,
                "lists cannot be compared".to_owned(),
                "ask with INCLUDES(list, value)",
            );
        }
        Node::new(
            NodeKind::Compare(operator, Box::new(left), Box::new(right)),
            Type::Boolean,
            offset,
        )
    }

    pub(super) fn between(&mut self, item: Node, low: Node, high: Node, offset: u32) -> Node {
        let from = self.compare(CompareOperator::GreaterOrEqual, item.clone(), low, offset);
        let to = self.compare(CompareOperator::LessOrEqual, item, high, offset);
        Node::new(NodeKind::And(vec![from, to]), Type::Boolean, offset)
    }

    pub(super) fn like(&mut self, text: Node, pattern: Node, offset: u32) -> Node {
        for side in [&text, &pattern] {
            if side.value_type != Type::Text && !side.value_type.is_open() {
                return self.type_fault(
                    side.offset,
                    format!("LIKE needs texts, found {}", side.value_type),
                    "make it text with TEXT()",
                );
            }
        }
        let (text, pattern) = (adopt(text, Type::Text), adopt(pattern, Type::Text));
        Node::new(
            NodeKind::Like {
                text: Box::new(text),
                pattern: Box::new(pattern),
            },
            Type::Boolean,
            offset,
        )
    }

    pub(super) fn member(&mut self, item: Node, list: Vec<Node>, offset: u32) -> Node {
        let mut scalars = vec![item];
        let mut parts = Vec::new();
        for entry in list {
            match entry.kind {
                NodeKind::List(inner) => scalars.extend(inner),
                NodeKind::Literal(Value::Null) if entry.value_type == Type::Null => {
                    self.type_fault(
                        entry.offset,
                        "null in a list matches nothing".to_owned(),
                        "ask with IS NULL",
                    );
                }
                // `x IN tags` and `x IN (current_user.roles)`: lists as a whole. What is not known yet may be one.
                _ if matches!(entry.value_type, Type::List | Type::Any) => parts.push(entry),
                _ => scalars.push(entry),
            }
        }
        if scalars[0].value_type == Type::List {
            let hint = "ask with INCLUDES(list, value) for each value, joined by OR";
            return self.type_fault(offset, "a list cannot be looked up in a list".to_owned(), hint);
        }
        if scalars.len() == 1 && parts.is_empty() {
            return self.type_fault(
                offset,
                "the list after IN is empty".to_owned(),
                "name at least one value",
            );
        }
        let (mut scalars, _) = self.unify(scalars, offset, |item, value| {
            format!("cannot look for {item} among {value}")
        });
        let item = scalars.remove(0);
        scalars.extend(parts);
        Node::new(
            NodeKind::In {
                item: Box::new(item),
                list: scalars,
            },
            Type::Boolean,
            offset,
        )
    }

    /// `a || b`: a logical or where truth is asked for, else a default for a blank value.
    pub(super) fn or_else(&mut self, items: &[Syntax], offset: u32) -> Node {
        let mut nodes = self.nodes(items);
        let is_logical = nodes
            .iter()
            .all(|node| node.value_type == Type::Boolean || node.value_type.is_open());
        if is_logical {
            let nodes = nodes.into_iter().map(|node| self.boolean(node, "OR")).collect();
            return Node::new(NodeKind::Or(nodes), Type::Boolean, offset);
        }
        let Some(mut value) = nodes.pop() else {
            return self.poison(offset);
        };
        while let Some(before) = nodes.pop() {
            value = self.blank_value(before, value, offset);
        }
        value
    }

    pub(super) fn blank_value(&mut self, value: Node, default: Node, offset: u32) -> Node {
        if !matches!(value.value_type, Type::Text | Type::List | Type::Any) {
            return self.coalesce(vec![value, default], offset);
        }
        let blank = self.is_blank(value.clone(), offset);
        self.choice(vec![(blank, default)], value, offset)
    }

    pub(super) fn is_blank(&mut self, node: Node, offset: u32) -> Node {
        if matches!(node.value_type, Type::List | Type::Any) {
            return Node::new(NodeKind::IsBlank(Box::new(node)), Type::Boolean, offset);
        }
        let is_text = node.value_type == Type::Text;
        let is_null = Node::new(NodeKind::IsNull(Box::new(node.clone())), Type::Boolean, offset);
        if !is_text {
            return is_null;
        }
        let empty = Node::new(NodeKind::Literal(Value::text("")), Type::Text, offset);
        let is_empty = Node::new(
            NodeKind::Compare(CompareOperator::Equal, Box::new(node), Box::new(empty)),
            Type::Boolean,
            offset,
        );
        Node::new(NodeKind::Or(vec![is_null, is_empty]), Type::Boolean, offset)
    }

    pub(super) fn coalesce(&mut self, items: Vec<Node>, offset: u32) -> Node {
        let (items, joined) = self.unify(items, offset, |left, right| {
            format!("the values are {left} and {right}")
        });
        Node::new(NodeKind::Coalesce(items), joined, offset)
    }

    pub(super) fn choice(&mut self, arms: Vec<(Node, Node)>, otherwise: Node, offset: u32) -> Node {
        self.conditions += arms.len();
        let (conditions, mut values): (Vec<_>, Vec<_>) = arms.into_iter().unzip();
        values.push(otherwise);
        let (mut values, joined) = self.unify(values, offset, |left, right| {
            format!("the branches give {left} and {right}")
        });
        let Some(otherwise) = values.pop() else {
            return self.poison(offset);
        };
        let mut arms: Vec<_> = conditions.into_iter().zip(values).collect();
        let otherwise = match otherwise.kind {
            // `IF(a, 1, IF(b, 2, 3))` is one choice of three.
            NodeKind::If { arms: more, otherwise } if otherwise.value_type == joined => {
                arms.extend(more);
                otherwise
            }
            _ => Box::new(otherwise),
        };
        Node::new(NodeKind::If { arms, otherwise }, joined, offset)
    }
}

/// A function of the table by its name, for nodes that the checker makes itself.
pub(super) struct Known(&'static str);

pub(super) static ADD_DAYS: Known = Known("ADD_DAYS");
pub(super) static DATEVALUE: Known = Known("DATEVALUE");
pub(super) static DATETIMEVALUE: Known = Known("DATETIMEVALUE");
pub(super) static DAYS_BETWEEN: Known = Known("DAYS_BETWEEN");
pub(super) static HOURS_BETWEEN: Known = Known("HOURS_BETWEEN");

pub(super) fn call(known: &Known, arguments: Vec<Node>, value_type: Type, offset: u32) -> Node {
    let function: &'static Function =
        function::find(known.0).expect("the table has the functions that operators stand for");
    Node::new(NodeKind::Call { function, arguments }, value_type, offset)
}
