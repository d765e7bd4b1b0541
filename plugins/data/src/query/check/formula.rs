//! A formula field inside a query: constants are put in, its fields are resolved, and it must have a form in SQL.

use std::collections::HashMap;
use std::sync::Arc;

use objectos_expression::{CheckedExpression, Node, NodeKind, Type, Value, bind, sql_form};

use super::{Checker, Purpose, class_of, class_of_type};
use crate::error::{DataError, Result};
use crate::model::{Expression, FieldModel};
use crate::query::filter::{FieldRef, FormulaSource, Source};
use crate::query::sql::formula_supported;
use crate::record::Layout;

/// Formulas that may stand inside each other.
const FORMULA_DEPTH_MAX: usize = 8;

impl<'a> Checker<'a> {
    pub(super) fn formula(
        &mut self,
        table: usize,
        layout: &'a Arc<Layout>,
        field: &'a FieldModel,
        formula: &Expression,
    ) -> Result<Source> {
        if self.blind(layout, formula.fields().iter().map(String::as_str)) {
            return Ok(nothing(formula.result()));
        }
        let scale = field.limits.scale.filter(|_| formula.result() == Type::Number);
        let checked = formula.checked();
        let source = self.formula_source(table, layout, &field.name, checked)?;
        Ok(Source::Formula(Arc::new(FormulaSource { scale, ..source })))
    }

    /// An expression over the object's fields that is no field itself.
    ///
    /// # Errors
    /// `NotSupported` when it has no form in SQL, and with what name it was asked for.
    pub fn computed(&mut self, name: &str, expression: &CheckedExpression) -> Result<FieldRef> {
        let layout = self.root_layout();
        let source = self.formula_source(0, layout, name, expression)?;
        Ok(FieldRef {
            table: 0,
            source: Source::Formula(Arc::new(source)),
            class: class_of_type(expression.value_type()),
        })
    }

    pub(super) fn formula_source(
        &mut self,
        table: usize,
        layout: &'a Arc<Layout>,
        name: &str,
        checked: &CheckedExpression,
    ) -> Result<FormulaSource> {
        let refused = |reason: String| DataError::NotSupported {
            message: format!(
                "'{name}' of '{}' is computed and cannot be used in a query: {reason}",
                layout.object.name
            ),
        };
        sql_form(checked).map_err(|problem| refused(problem.to_string()))?;
        if self.formula_depth >= FORMULA_DEPTH_MAX {
            return Err(refused("too many formulas depend on each other".to_owned()));
        }
        let node = bind(checked.root(), self.environment).map_err(|error| refused(error.to_string()))?;
        formula_supported(&node).map_err(refused)?;
        let mut paths = Vec::new();
        collect(&node, &mut paths);
        let mut fields = HashMap::with_capacity(paths.len());
        self.formula_depth += 1;
        let resolved = paths.into_iter().try_for_each(|path| {
            let reference = self.formula_path(table, layout, path)?;
            fields.insert(path.to_owned(), reference);
            Ok(())
        });
        self.formula_depth -= 1;
        resolved.map(|()| FormulaSource {
            node,
            fields,
            scale: None,
            offset_seconds: self.environment.utc_offset_seconds(),
        })
    }

    fn formula_path(&mut self, mut table: usize, mut layout: &'a Arc<Layout>, path: &str) -> Result<FieldRef> {
        let mut hops: Vec<&str> = path.split('.').collect();
        let last = hops.pop().unwrap_or_default();
        for hop in hops {
            (table, layout) = self.hop(table, layout, hop, path, Purpose::Select)?;
        }
        let field = self.visible_field(&layout.object, last, path, Purpose::Select)?;
        Ok(FieldRef {
            table,
            source: self.source(table, layout, field)?,
            class: class_of(field),
        })
    }
}

/// Null, in the place of what the caller may not know.
pub(super) fn nothing(value_type: Type) -> Source {
    Source::Formula(Arc::new(FormulaSource {
        node: Node {
            kind: NodeKind::Literal(Value::Null),
            value_type,
            offset: 0,
        },
        fields: HashMap::new(),
        scale: None,
        offset_seconds: 0,
    }))
}

fn collect<'n>(node: &'n Node, paths: &mut Vec<&'n str>) {
    if let NodeKind::Field(path) = &node.kind {
        paths.push(path.as_str());
    }
    node.each_child(&mut |child| collect(child, paths));
}
