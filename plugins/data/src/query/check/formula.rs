//! A formula field inside a query: constants are put in, its fields are resolved, and it must have a form in SQL. One that is only
//! answered need not: then this says what of it the statement selects ([`Checker::formula_input`]).

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use objectos_expression::{
    CheckedExpression, Environment, Lookup, Node, NodeKind, Path, Type, Value, Zone, bind, sql_form,
};

use super::{Checker, Purpose, class_of, class_of_type};
use crate::error::{DataError, Result};
use crate::model::{Expression, FieldModel, SystemField};
use crate::query::evaluated::Evaluated;
use crate::query::filter::{Class, FieldRef, FormulaSource, SUMMED_TABLE, Source};
use crate::query::sql::formula_supported;
use crate::record::{Form, Layout};

/// Fields of one query that the engine computes at most.
const EVALUATED_MAX: usize = 4;

/// Formulas that may stand inside each other.
const FORMULA_DEPTH_MAX: usize = 8;

/// The caller, with the operator's days.
struct OfOperator<'e>(&'e (dyn Environment + Sync));

impl Environment for OfOperator<'_> {
    fn field(&self, path: &Path) -> Lookup<'_> {
        self.0.field(path)
    }

    fn previous(&self, path: &Path) -> Lookup<'_> {
        self.0.previous(path)
    }

    fn user(&self, property: &str) -> Lookup<'_> {
        self.0.user(property)
    }

    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn zone(&self) -> &Zone {
        self.0.usual_zone()
    }

    fn is_new(&self) -> bool {
        self.0.is_new()
    }

    fn record_id(&self) -> Option<&str> {
        self.0.record_id()
    }
}

/// What a formula reads.
#[derive(Clone, Debug)]
pub enum FormulaInput<'a> {
    /// Something that the statement selects, and how it is told.
    Selected(FieldRef, Form),
    /// A formula that the statement cannot select: whoever reads the rows computes it from what it reads in turn.
    Computed {
        /// The record that it is of: its table, and its object.
        at: (usize, &'a Arc<Layout>),
        /// The id of that record; null where there is none, or none that the caller may see.
        id: FieldRef,
        /// The field.
        field: &'a FieldModel,
        /// Its expression.
        expression: &'a Arc<Expression>,
    },
}

impl<'a> Checker<'a> {
    /// What a formula of the record `at` reads by a path, when nothing of it is hidden ([`Checker::blind`]); of a record that the
    /// caller may not see, null.
    ///
    /// # Errors
    /// `NotSupported` for a path into another database, `InvalidQuery` for one relation too many.
    pub fn formula_input(&mut self, at: (usize, &'a Arc<Layout>), path: &str) -> Result<FormulaInput<'a>> {
        let joins = self.scope.joins.len();
        // Nothing has to be put into the statement that is only answered.
        let evaluates = std::mem::take(&mut self.evaluates);
        let selected = self.selected_input(at, path);
        self.evaluates = evaluates;
        match selected {
            Err(DataError::NotSupported { message }) => {
                self.scope.joins.truncate(joins);
                let computed = self.computed_input(at, path)?;
                computed.ok_or(DataError::NotSupported { message })
            }
            selected => selected.map(|(reference, form)| FormulaInput::Selected(reference, form)),
        }
    }

    fn selected_input(&mut self, at: (usize, &'a Arc<Layout>), path: &str) -> Result<(FieldRef, Form)> {
        if at.0 == 0 {
            let resolved = self.field(path, Purpose::Select)?;
            let form = resolved.form();
            return Ok((resolved.reference, form));
        }
        let (table, layout, field) = self.formula_place(at, path)?;
        let reference = FieldRef {
            table,
            source: self.source(table, layout, field)?,
            class: class_of(field),
        };
        let form = match &reference.source {
            Source::Summary(summary) => summary.form(reference.class),
            _ => Form::of(field),
        };
        Ok((reference, form))
    }

    /// The formula that a path leads to; none when it leads to anything else.
    fn computed_input(&mut self, at: (usize, &'a Arc<Layout>), path: &str) -> Result<Option<FormulaInput<'a>>> {
        let (table, layout, field) = self.formula_place(at, path)?;
        let id = FieldRef {
            table,
            source: Source::Column(SystemField::Id.name().to_owned()),
            class: Class::Text,
        };
        Ok(field.formula.as_ref().map(|expression| FormulaInput::Computed {
            at: (table, layout),
            id,
            field,
            expression,
        }))
    }

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
        let (joins, calculations) = (self.scope.joins.len(), self.scope.evaluated.len());
        match self.formula_source(table, layout, &field.name, checked) {
            Ok(source) => Ok(Source::Formula(Arc::new(FormulaSource { scale, ..source }))),
            Err(DataError::NotSupported { .. }) if self.can_evaluate(table, formula) => {
                self.scope.joins.truncate(joins);
                self.scope.evaluated.truncate(calculations);
                self.evaluated(table, layout, field)
            }
            Err(error) => Err(error),
        }
    }

    /// Of the children of a figure there is no record in the statement to join to, and values whose type shows only when they are
    /// there cannot be a column.
    fn can_evaluate(&self, table: usize, formula: &Expression) -> bool {
        self.evaluates && table != SUMMED_TABLE && !matches!(formula.result(), Type::Any | Type::Null)
    }

    /// The place of a calculation that the engine does before the statement runs.
    fn evaluated(&mut self, table: usize, layout: &Arc<Layout>, field: &FieldModel) -> Result<Source> {
        let known = &self.scope.evaluated;
        if let Some(place) = known
            .iter()
            .position(|one| one.table == table && one.field == field.name)
        {
            return Ok(Source::Evaluated(place));
        }
        if known.len() >= EVALUATED_MAX {
            return Err(DataError::InvalidQuery {
                message: format!(
                    "more than {EVALUATED_MAX} fields of one query are computed by the engine; ask for less at once"
                ),
            });
        }
        self.scope.evaluated.push(Arc::new(Evaluated {
            table,
            layout: Arc::clone(layout),
            field: field.name.clone(),
            class: class_of(field),
            values: OnceLock::new(),
        }));
        Ok(Source::Evaluated(self.scope.evaluated.len() - 1))
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
        let official = OfOperator(self.environment);
        let environment: &dyn Environment = if self.official { &official } else { self.environment };
        let node = bind(checked.root(), environment).map_err(|error| refused(error.to_string()))?;
        let zone = if of_moments(&node) {
            self.zone().clone()
        } else {
            Zone::UTC
        };
        formula_supported(&node).map_err(refused)?;
        if !layout.dialect.square_root() && draws_roots(&node) {
            return Err(refused("this SQLite was built without SQRT".to_owned()));
        }
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
            zone,
        })
    }

    fn formula_path(&mut self, table: usize, layout: &'a Arc<Layout>, path: &str) -> Result<FieldRef> {
        let (table, layout, field) = self.formula_place((table, layout), path)?;
        Ok(FieldRef {
            table,
            source: self.source(table, layout, field)?,
            class: class_of(field),
        })
    }

    /// The table, the object and the field that a path leads to.
    fn formula_place(
        &mut self,
        (mut table, mut layout): (usize, &'a Arc<Layout>),
        path: &str,
    ) -> Result<(usize, &'a Arc<Layout>, &'a FieldModel)> {
        let mut hops: Vec<&str> = path.split('.').collect();
        let last = hops.pop().unwrap_or_default();
        for hop in hops {
            (table, layout) = self.hop(table, layout, hop, path, Purpose::Select)?;
        }
        let field = self.visible_field(&layout.object, last, path, Purpose::Select)?;
        Ok((table, layout, field))
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
        zone: Zone::UTC,
    }))
}

/// Whether it may depend on the time zone. Who asks for one for nothing keeps plans from being used again.
fn of_moments(node: &Node) -> bool {
    let mut found = node.value_type == Type::DateTime;
    node.each_child(&mut |child| found = found || of_moments(child));
    found
}

fn draws_roots(node: &Node) -> bool {
    let mut found = matches!(&node.kind, NodeKind::Call { function, .. } if function.name == "SQRT");
    node.each_child(&mut |child| found = found || draws_roots(child));
    found
}

fn collect<'n>(node: &'n Node, paths: &mut Vec<&'n str>) {
    if let NodeKind::Field(path) = &node.kind {
        paths.push(path.as_str());
    }
    node.each_child(&mut |child| collect(child, paths));
}
