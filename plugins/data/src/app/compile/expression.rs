//! Everything that is computed: formulas, roll-ups and defaults, with the types of all fields at hand.
//!
//! A formula is checked when somebody first needs its type, so formulas may read each other in any order and over references;
//! one that is still being checked when it is needed again stands in a circle.

mod default;
mod scope;
mod summary;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use objectos_expression::{CheckedExpression, Checker, ExpressionError, Type};
use objectos_plugin_api::protocol::data::Field;

use self::scope::DraftScope;
use super::draft::{Draft, Drafts};
use super::kind::{column_of, kind_of};
use crate::app::path::KeyPath;
use crate::app::problem::{Problem, Problems};
use crate::model::{Expression, FieldKind, SummaryModel, SystemField};
use crate::query::check::PATH_HOPS_MAX;

/// Formulas that read each other this deep are refused: each level is a level of recursion here and in every evaluation.
const CHAIN_MAX: usize = 32;

/// Checks and keeps all expressions of all drafts.
pub(super) struct Expressions<'a> {
    drafts: &'a Drafts,
    known: RefCell<HashMap<Key, Known>>,
    /// What is being checked, outermost first.
    open: RefCell<Vec<Key>>,
    /// Formulas in the order in which their checks ended: those that are read come first.
    order: RefCell<Vec<Key>>,
    problems: RefCell<Problems>,
}

type Key = (String, String);

#[derive(Clone)]
enum Known {
    Open,
    Formula(Option<Arc<Expression>>),
    Summary(Option<SummaryModel>),
}

impl<'a> Expressions<'a> {
    pub(super) fn new(drafts: &'a Drafts) -> Self {
        Self {
            drafts,
            known: RefCell::default(),
            open: RefCell::default(),
            order: RefCell::default(),
            problems: RefCell::default(),
        }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner().into_sorted()
    }

    fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// The formulas of an object, each after those it reads.
    pub(super) fn formula_order(&self, object: &str) -> Vec<String> {
        self.order
            .borrow()
            .iter()
            .filter(|(of, _)| of == object)
            .map(|(_, field)| field.clone())
            .collect()
    }

    /// A formula field's expression; none when something is wrong with it, which is then told.
    pub(super) fn formula(&self, object: &str, field: &str) -> Option<Arc<Expression>> {
        match self.known(object, field) {
            Some(Known::Formula(formula)) => formula,
            _ => None,
        }
    }

    /// A summary field's roll-up; none when something is wrong with it, which is then told.
    pub(super) fn summary(&self, object: &str, field: &str) -> Option<SummaryModel> {
        match self.known(object, field) {
            Some(Known::Summary(summary)) => summary,
            _ => None,
        }
    }

    fn known(&self, object: &str, field: &str) -> Option<Known> {
        let key = (object.to_owned(), field.to_owned());
        if let Some(known) = self.known.borrow().get(&key) {
            return Some(known.clone());
        }
        let draft = self.drafts.get(object)?;
        let declared = draft.object.fields.get(field)?;
        self.known.borrow_mut().insert(key.clone(), Known::Open);
        self.open.borrow_mut().push(key.clone());
        let known = match kind_of(declared) {
            FieldKind::Summary => Known::Summary(self.check_summary(draft, field, declared)),
            _ => Known::Formula(self.check_formula(draft, field, declared)),
        };
        self.open.borrow_mut().pop();
        if matches!(known, Known::Formula(Some(_))) {
            self.order.borrow_mut().push(key.clone());
        }
        self.known.borrow_mut().insert(key, known.clone());
        Some(known)
    }

    fn check_formula(&self, draft: &Draft, name: &str, field: &Field) -> Option<Arc<Expression>> {
        let path = draft.path(&["fields", name, "expression"]);
        if self.open.borrow().len() > CHAIN_MAX {
            let message = format!("formulas read each other more than {CHAIN_MAX} deep");
            self.report(draft.document.error(&path, message).hint("put some of them into one"));
            return None;
        }
        let source = field.expression.as_deref()?;
        let scope = DraftScope {
            expressions: self,
            draft,
            on_change: false,
        };
        match Checker::new(&scope).check(source) {
            Ok(checked) => {
                self.hold_reads(draft, &path, &scope, &checked);
                self.hold_database(draft, &path, &scope, &checked);
                let sql = self.sql(draft, &checked);
                Some(Arc::new(Expression::new(checked, sql)))
            }
            Err(errors) => {
                self.report_all(draft, &path, &errors);
                None
            }
        }
    }

    /// A formula is computed from what one statement reads, and that looks into one database.
    fn hold_database(&self, draft: &Draft, path: &KeyPath, scope: &DraftScope<'_>, checked: &CheckedExpression) {
        for read in &checked.dependencies().fields {
            let Some(other) = scope.elsewhere(read) else { continue };
            let message = format!(
                "`{read}` leads to `{}`, which lies in another database (datasource `{}`)",
                other.object.name, other.object.datasource
            );
            let hint = "give both objects the same `datasource`, or keep the value in a field of this object";
            self.report(draft.document.error(path, message).hint(hint));
        }
    }

    /// What an expression computes is shown to everybody who may see the result, and what it reads must be within reach of a
    /// query.
    fn hold_reads(&self, draft: &Draft, path: &KeyPath, scope: &DraftScope<'_>, checked: &CheckedExpression) {
        let dependencies = checked.dependencies();
        for read in dependencies.fields.iter().chain(&dependencies.previous) {
            if scope.is_secret(read) {
                let message = format!("`{read}` is a secret and cannot be computed with");
                self.report(draft.document.error(path, message).hint("leave it out"));
            }
            if read.matches('.').count() > PATH_HOPS_MAX {
                let message = format!("`{read}` leads over more than {PATH_HOPS_MAX} relations");
                let hint = "give an object in between a formula of its own, and read that";
                self.report(draft.document.error(path, message).hint(hint));
            }
        }
    }

    /// The type of a field; none when there is no such field. What could not be read is `any`.
    fn field_type(&self, draft: &Draft, name: &str) -> Option<Type> {
        let Some(field) = draft.object.fields.get(name) else {
            return if draft.is_broken_field(name) {
                Some(Type::Any)
            } else {
                system_type(draft, name)
            };
        };
        Some(match kind_of(field) {
            FieldKind::Formula | FieldKind::Summary => self.computed_type(draft, name),
            FieldKind::List | FieldKind::References => Type::List,
            _ => Type::of_field_type(field.kind.as_str()).unwrap_or(Type::Any),
        })
    }

    fn computed_type(&self, draft: &Draft, name: &str) -> Type {
        match self.known(&draft.object.name, name) {
            Some(Known::Formula(Some(formula))) => formula.result(),
            Some(Known::Summary(Some(summary))) => summary.result,
            Some(Known::Open) => {
                self.report_circle(draft, name);
                Type::Any
            }
            _ => Type::Any,
        }
    }

    fn report_circle(&self, draft: &Draft, name: &str) {
        let open = self.open.borrow();
        let here = (draft.object.name.clone(), name.to_owned());
        let from = open.iter().position(|key| *key == here).unwrap_or_default();
        let mut way: Vec<String> = open[from..]
            .iter()
            .map(|(object, field)| format!("{object}.{field}"))
            .collect();
        way.push(format!("{}.{name}", draft.object.name));
        let message = format!("the value depends on itself: {}", way.join(" -> "));
        let keys = ["fields", name, "expression"];
        let summary = draft
            .object
            .fields
            .get(name)
            .is_some_and(|field| kind_of(field) == FieldKind::Summary);
        let problem = draft.error(if summary { &keys[..2] } else { &keys }, message);
        drop(open);
        self.report(problem.hint("take one of them out of the circle"));
    }

    /// See [`Expression::sql`].
    fn sql(&self, draft: &Draft, checked: &CheckedExpression) -> bool {
        let in_row = |path: &String| match draft.object.fields.get(path) {
            Some(field) if column_of(field).is_some() => true,
            Some(field) if kind_of(field) == FieldKind::Formula => self
                .formula(&draft.object.name, path)
                .is_some_and(|formula| formula.sql()),
            Some(_) => false,
            None => system_type(draft, path).is_some(),
        };
        checked.root().has_sql_form() && checked.dependencies().fields.iter().all(in_row)
    }

    fn report_all(&self, draft: &Draft, path: &KeyPath, errors: &[ExpressionError]) {
        self.problems
            .borrow_mut()
            .extend(errors.iter().map(|error| located(draft, path, error)));
    }

    /// Checks a condition over a record that is being changed.
    pub(super) fn condition(&self, draft: &Draft, path: &KeyPath, source: &str) -> Option<Arc<Expression>> {
        self.condition_on(draft, draft, path, source, true)
    }

    /// Checks a condition over records of another object that stands in this one's file. The database holds records
    /// against it, so it must have a form in SQL.
    pub(super) fn condition_in_sql(
        &self,
        draft: &Draft,
        on: &Draft,
        path: &KeyPath,
        source: &str,
    ) -> Option<Arc<Expression>> {
        let condition = self.condition_on(draft, on, path, source, false)?;
        let scope = DraftScope {
            expressions: self,
            draft: on,
            on_change: false,
        };
        let fields = condition.fields();
        if condition.checked().root().has_sql_form() && fields.iter().all(|field| scope.in_database(field)) {
            return Some(condition);
        }
        let message = "the condition cannot be put to the database";
        let hint = format!(
            "compare stored fields of `{}`, without functions that have no form in SQL",
            on.object.name
        );
        self.report(draft.document.error(path, message).hint(hint));
        None
    }

    fn condition_on(
        &self,
        draft: &Draft,
        on: &Draft,
        path: &KeyPath,
        source: &str,
        on_change: bool,
    ) -> Option<Arc<Expression>> {
        let scope = DraftScope {
            expressions: self,
            draft: on,
            on_change,
        };
        match Checker::new(&scope).expecting(Type::Boolean).check(source) {
            Ok(checked) => {
                self.hold_reads(draft, path, &scope, &checked);
                let sql = self.sql(on, &checked);
                Some(Arc::new(Expression::new(checked, sql)))
            }
            Err(errors) => {
                self.report_all(draft, path, &errors);
                None
            }
        }
    }
}

/// An error of an expression at its place in the file.
pub(super) fn located(draft: &Draft, path: &KeyPath, error: &ExpressionError) -> Problem {
    let position = error.position;
    let mut problem = draft
        .document
        .text_error(path, position.line, position.column, &error.message);
    problem.suggestion.clone_from(&error.suggestion);
    problem.hint.clone_from(&error.hint);
    problem
}

fn system_type(draft: &Draft, name: &str) -> Option<Type> {
    let part = SystemField::ALWAYS.into_iter().find(|part| part.name() == name);
    match part {
        Some(SystemField::CreatedAt | SystemField::UpdatedAt) => Some(Type::DateTime),
        Some(_) => Some(Type::Text),
        None if super::object::tenant_field(&draft.object) == Some(name) => Some(Type::Text),
        None if super::object::deleted_field(&draft.object) == Some(name) => Some(Type::DateTime),
        None => None,
    }
}

fn field_names(draft: &Draft) -> Vec<String> {
    let system = SystemField::ALWAYS.iter().map(|part| part.name().to_owned());
    draft.object.fields.keys().cloned().chain(system).collect()
}
