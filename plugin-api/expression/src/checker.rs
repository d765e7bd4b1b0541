//! From text to a checked expression: names resolved, types settled, constants folded.
//!
//! All type faults of an expression are reported at once; a syntax fault ends the check. Called when metadata is loaded, never
//! per record. The parts: `operator` (types of operators), `call` (functions), `path` (names), `method` (JavaScript spellings).

use crate::error::{ErrorKind, ExpressionError, Fault};
use crate::evaluator;
use crate::limits::NODES_MAX;
use crate::node::{Node, NodeKind};
use crate::parser::{self, Dialect};
use crate::scope::Scope;
use crate::syntax::{Syntax, SyntaxKind};
use crate::types::Type;
use crate::value::Value;

mod call;
mod checked;
mod method;
mod operator;
mod path;
mod unify;

pub use checked::{CheckedExpression, Complexity, ComplexityLevel, Dependencies};

/// Checks an expression of any type. Errors: all that is wrong, at least one.
pub fn check(source: &str, scope: &dyn Scope) -> Result<CheckedExpression, Vec<ExpressionError>> {
    Checker::new(scope).check(source)
}

/// Checks an expression that must be true or false: criteria, guards, row filters, script validations.
pub fn check_condition(source: &str, scope: &dyn Scope) -> Result<CheckedExpression, Vec<ExpressionError>> {
    Checker::new(scope).expecting(Type::Boolean).check(source)
}

/// Checks with settings.
#[derive(Clone, Copy)]
pub struct Checker<'s> {
    scope: &'s dyn Scope,
    expected: Type,
    dialect: Dialect,
}

impl std::fmt::Debug for Checker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checker")
            .field("expected", &self.expected)
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

impl<'s> Checker<'s> {
    /// A checker whose names are those of the scope.
    pub fn new(scope: &'s dyn Scope) -> Self {
        Checker {
            scope,
            expected: Type::Any,
            dialect: Dialect::default(),
        }
    }

    /// The result must be of this type (or null, or not known before evaluation).
    #[must_use]
    pub fn expecting(mut self, expected: Type) -> Self {
        self.expected = expected;
        self
    }

    /// Takes `{path}` and `{{ path }}` for the path itself, as flow conditions write variables. Never use it where the braces
    /// mean a value of another record.
    #[must_use]
    pub fn with_placeholders(mut self) -> Self {
        self.dialect.placeholders = true;
        self
    }

    /// Checks the text. Errors: all that is wrong, at least one.
    pub fn check(&self, source: &str) -> Result<CheckedExpression, Vec<ExpressionError>> {
        let located = |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.locate(source)).collect::<Vec<_>>();
        let tree = parser::parse(source, self.dialect).map_err(|fault| located(vec![fault]))?;
        let mut typer = Typer {
            scope: self.scope,
            faults: Vec::new(),
            locals: Vec::new(),
            node_count: 0,
            conditions: 0,
        };
        let root = typer.node(&tree);
        let root = typer.unify(
            vec![
                root,
                Node::new(NodeKind::Literal(Value::Null), self.expected, tree.offset),
            ],
            tree.offset,
            |found, expected| format!("the result is {found}, expected {expected}"),
        );
        let root = root.0.into_iter().next().unwrap_or_else(|| typer.poison(tree.offset));
        if !typer.faults.is_empty() {
            return Err(located(typer.faults));
        }
        let root = fold(root);
        let size = (typer.node_count, usize::from(tree.height), typer.conditions);
        Ok(CheckedExpression::new(source, root, size))
    }
}

/// One check under way.
struct Typer<'s> {
    scope: &'s dyn Scope,
    faults: Vec<Fault>,
    locals: Vec<(Box<str>, Type)>,
    node_count: usize,
    conditions: usize,
}

impl Typer<'_> {
    fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Stands for a part that is wrong, so that the rest can be checked.
    fn poison(&self, offset: u32) -> Node {
        Node::new(NodeKind::Literal(Value::Null), Type::Any, offset)
    }

    fn type_fault(&mut self, offset: u32, message: String, hint: impl Into<String>) -> Node {
        self.fault(Fault::new(ErrorKind::TypeError, offset, message).hint(hint));
        self.poison(offset)
    }

    fn nodes(&mut self, trees: &[Syntax]) -> Vec<Node> {
        trees.iter().map(|tree| self.node(tree)).collect()
    }

    fn node(&mut self, tree: &Syntax) -> Node {
        self.node_count += 1;
        if self.node_count > NODES_MAX {
            if self.node_count == NODES_MAX + 1 {
                self.fault(Fault::new(
                    ErrorKind::LimitExceeded,
                    tree.offset,
                    format!("the expression has more than {NODES_MAX} parts"),
                ));
            }
            return self.poison(tree.offset);
        }
        self.node_of(tree)
    }

    fn node_of(&mut self, tree: &Syntax) -> Node {
        use SyntaxKind as S;
        let offset = tree.offset;
        match &tree.kind {
            S::Literal(value) => Node::new(NodeKind::Literal(value.clone()), value.value_type(), offset),
            S::Path(segments) => self.path(segments, offset),
            S::List(items) => {
                let items = self.nodes(items);
                Node::new(NodeKind::List(items), Type::List, offset)
            }
            S::Negate(inner) => {
                let inner = self.node(inner);
                self.negate(inner, offset)
            }
            S::Arithmetic(operator, left, right) => {
                let (left, right) = (self.node(left), self.node(right));
                self.arithmetic(*operator, left, right, offset)
            }
            S::Concat(items) => {
                let items = self.nodes(items);
                self.concat(items, offset)
            }
            S::Coalesce(items) => {
                let items = self.nodes(items);
                self.coalesce(items, offset)
            }
            S::If {
                condition,
                then,
                otherwise,
            } => {
                let arms = vec![(self.condition(condition, "the condition"), self.node(then))];
                let otherwise = self.node(otherwise);
                self.choice(arms, otherwise, offset)
            }
            S::Call { name, arguments } => self.call(name, arguments, offset),
            S::Method {
                receiver,
                name,
                arguments,
            } => self.method(receiver, name, arguments, offset),
            S::Let {
                name,
                value,
                body,
                declared,
            } => self.bind(name, value, body, *declared, offset),
            _ => self.logic(tree),
        }
    }

    /// What is true or false.
    fn logic(&mut self, tree: &Syntax) -> Node {
        use SyntaxKind as S;
        let offset = tree.offset;
        match &tree.kind {
            S::Not(inner) => {
                let inner = self.condition(inner, "NOT");
                Node::new(NodeKind::Not(Box::new(inner)), Type::Boolean, offset)
            }
            S::Compare(operator, left, right) => {
                let (left, right) = (self.node(left), self.node(right));
                self.compare(*operator, left, right, offset)
            }
            S::And(items) => {
                let items = items.iter().map(|item| self.condition(item, "AND")).collect();
                Node::new(NodeKind::And(items), Type::Boolean, offset)
            }
            S::Or(items) => {
                let items = items.iter().map(|item| self.condition(item, "OR")).collect();
                Node::new(NodeKind::Or(items), Type::Boolean, offset)
            }
            S::OrElse(items) => self.or_else(items, offset),
            S::In { item, list } => {
                let (item, list) = (self.node(item), self.nodes(list));
                self.member(item, list, offset)
            }
            S::Like { text, pattern } => {
                let text = self.node(text);
                let pattern = self.node(pattern);
                self.like(text, pattern, offset)
            }
            S::Between { item, low, high } => {
                let (item, low, high) = (self.node(item), self.node(low), self.node(high));
                self.between(item, low, high, offset)
            }
            S::IsNull(inner) => {
                let inner = self.node(inner);
                Node::new(NodeKind::IsNull(Box::new(inner)), Type::Boolean, offset)
            }
            _ => self.node_of(tree),
        }
    }

    fn bind(&mut self, name: &str, value: &Syntax, body: &Syntax, declared: bool, offset: u32) -> Node {
        let known = self.locals.iter().any(|(local, _)| local.as_ref() == name);
        if known == declared {
            let (message, hint) = if declared {
                (
                    format!("the variable `{name}` is declared twice"),
                    "give the second one another name",
                )
            } else {
                (
                    format!("the variable `{name}` is not declared"),
                    "declare it with `let`; fields cannot be assigned",
                )
            };
            self.fault(Fault::syntax(offset, message).hint(hint));
        }
        let value = self.node(value);
        self.locals.push((name.into(), value.value_type));
        let body = self.node(body);
        self.locals.pop();
        let value_type = body.value_type;
        Node::new(
            NodeKind::Let {
                value: Box::new(value),
                body: Box::new(body),
            },
            value_type,
            offset,
        )
    }
}

/// Computes what is made of constants alone. What fails stays, to fail again where it is evaluated.
fn fold(node: Node) -> Node {
    let node = node.map_children(&mut fold);
    let mut constant = match &node.kind {
        NodeKind::Literal(_)
        | NodeKind::Field(_)
        | NodeKind::Previous(_)
        | NodeKind::Variable(_)
        | NodeKind::Local(_)
        | NodeKind::Let { .. }
        | NodeKind::List(_) => false,
        NodeKind::Call { function, .. } => !function.zoned && function.is_kernel(),
        _ => true,
    };
    node.each_child(&mut |child| constant &= child.as_literal().is_some());
    if !constant {
        return node;
    }
    match evaluator::constant(&node) {
        Some(value) => {
            let value_type = if node.value_type.is_open() {
                value.value_type()
            } else {
                node.value_type
            };
            Node::new(NodeKind::Literal(value), value_type, node.offset)
        }
        None => node,
    }
}

#[cfg(test)]
mod tests;
