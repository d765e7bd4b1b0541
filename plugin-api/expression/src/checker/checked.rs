//! The result of a check, and what it tells about itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use crate::node::{Node, NodeKind};
use crate::types::Type;

/// An expression that is known to be well-formed: parse and check once, evaluate often. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CheckedExpression {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: String,
    root: Node,
    complexity: Complexity,
    dependencies: Dependencies,
}

/// What an expression reads.
///
/// JSON form: `{"fields": ["account.industry", "amount"], "previous": [], "variables": ["today"]}`; sorted, without doubles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dependencies {
    /// Field paths of the record, with dots where they lead over relations.
    pub fields: BTreeSet<String>,
    /// Field paths of the state before the change.
    pub previous: BTreeSet<String>,
    /// System variables, without `$`.
    pub variables: BTreeSet<String>,
}

impl Dependencies {
    /// The fields that lead over a relation.
    pub fn related(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str).filter(|path| path.contains('.'))
    }
}

/// How much an expression asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Complexity {
    /// Operators, values and calls as written.
    pub nodes: usize,
    /// How deep they are nested.
    pub height: usize,
    /// Branches and cases.
    pub conditions: usize,
    /// The three classes that formula metadata knows.
    pub level: ComplexityLevel,
}

/// Classes of complexity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ComplexityLevel {
    /// No condition and at most 15 nodes.
    Simple,
    /// In between.
    Medium,
    /// More than 5 conditions or 60 nodes.
    Complex,
}

impl CheckedExpression {
    /// `size` is nodes, height and conditions.
    pub(super) fn new(source: &str, root: Node, size: (usize, usize, usize)) -> Self {
        let mut dependencies = Dependencies::default();
        collect(&root, &mut dependencies);
        let (nodes, height, conditions) = size;
        let level = match (conditions, nodes) {
            (0, ..=15) => ComplexityLevel::Simple,
            (..=5, ..=60) => ComplexityLevel::Medium,
            _ => ComplexityLevel::Complex,
        };
        let complexity = Complexity {
            nodes,
            height,
            conditions,
            level,
        };
        CheckedExpression {
            inner: Arc::new(Inner {
                source: source.to_owned(),
                root,
                complexity,
                dependencies,
            }),
        }
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// The tree, for compilers.
    pub fn root(&self) -> &Node {
        &self.inner.root
    }

    /// The type of the result; each may also be null.
    pub fn value_type(&self) -> Type {
        self.inner.root.value_type
    }

    /// What it reads.
    pub fn dependencies(&self) -> &Dependencies {
        &self.inner.dependencies
    }

    /// How much it asks for.
    pub fn complexity(&self) -> Complexity {
        self.inner.complexity
    }
}

fn collect(node: &Node, dependencies: &mut Dependencies) {
    match &node.kind {
        NodeKind::Field(path) => {
            dependencies.fields.insert(path.as_str().to_owned());
        }
        NodeKind::Previous(path) => {
            dependencies.previous.insert(path.as_str().to_owned());
        }
        NodeKind::Variable(variable) => {
            dependencies.variables.insert(variable.name());
        }
        _ => {}
    }
    node.each_child(&mut |child| collect(child, dependencies));
}
