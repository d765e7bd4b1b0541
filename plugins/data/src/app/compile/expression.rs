//! Everything that is computed: formulas, roll-ups and defaults, with the types of all fields at hand.
//!
//! A formula is checked when somebody first needs its type, so formulas may read each other in any order and over references;
//! one that is still being checked when it is needed again stands in a circle.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use objectos_expression::{CheckedExpression, Checker, ExpressionError, Scope, Type};
use objectos_plugin_api::protocol::data::{Field, SummaryFunction};
use objectos_plugin_api::protocol::text::{is_date, is_date_time};
use serde_json::Value;

use super::draft::{Draft, Drafts};
use super::kind::{column_of, kind_of, target_of};
use crate::app::path::KeyPath;
use crate::app::problem::{Problem, Problems};
use crate::model::{DefaultValue, Expression, FieldKind, FieldModel, SummaryModel, SystemField, nearest};

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
                let sql = self.sql(draft, &checked);
                Some(Arc::new(Expression::new(checked, sql)))
            }
            Err(errors) => {
                self.report_all(draft, &path, &errors);
                None
            }
        }
    }

    fn check_summary(&self, draft: &Draft, name: &str, field: &Field) -> Option<SummaryModel> {
        let operations = field.summary_operations.as_ref()?;
        let at = |key: &str| draft.path(&["fields", name, "summaryOperations", key]);
        let Some(child) = self.drafts.get(&operations.object) else {
            if !self.drafts.is_broken(&operations.object) {
                let nearest = nearest(&operations.object, self.drafts.keys().map(String::as_str));
                let message = format!("there is no object `{}`", operations.object);
                self.report(draft.document.error(&at("object"), message).suggest(nearest));
            }
            return None;
        };
        let via = self.way_back(draft, child, &at("object"))?;
        let field_type = self.summed_type(draft, child, &operations.field, &at("field"))?;
        let counts = operations.function == SummaryFunction::Count;
        let adds = matches!(operations.function, SummaryFunction::Sum | SummaryFunction::Avg);
        if adds && !matches!(field_type, Type::Number | Type::Any) {
            let message = format!(
                "`{}` of `{}` is {field_type}, which has no {}",
                operations.field, child.object.name, operations.function
            );
            self.report(
                draft
                    .document
                    .error(&at("function"), message)
                    .hint("use count, min or max, or a number field"),
            );
            return None;
        }
        Some(SummaryModel {
            object: child.object.name.clone(),
            field: operations.field.clone(),
            function: operations.function,
            via,
            result: if counts || adds { Type::Number } else { field_type },
        })
    }

    /// The field by which the child points here: the only one, or the master among several.
    fn way_back(&self, draft: &Draft, child: &Draft, at: &KeyPath) -> Option<String> {
        use objectos_plugin_api::protocol::data::FieldType::MasterDetail;
        let here = &draft.object.name;
        let fields = child.object.fields.iter();
        let ways: Vec<(&String, &Field)> = fields
            .filter(|(_, field)| {
                kind_of(field) == FieldKind::Reference && target_of(&child.object, field) == Some(here)
            })
            .collect();
        let master = ways.iter().find(|(_, field)| field.kind == MasterDetail);
        match (&ways[..], master) {
            (_, Some((name, _))) | ([(name, _)], None) => Some((*name).clone()),
            ([], None) => {
                let message = format!(
                    "`{}` has no reference to `{here}`, so there is nothing to roll up",
                    child.object.name
                );
                self.report(
                    draft
                        .document
                        .error(at, message)
                        .hint("add a lookup or master_detail field there"),
                );
                None
            }
            (several, None) => {
                let names: Vec<String> = several.iter().map(|(name, _)| format!("`{name}`")).collect();
                let message = format!(
                    "{} of `{}` all point to `{here}`",
                    names.join(" and "),
                    child.object.name
                );
                self.report(
                    draft
                        .document
                        .error(at, message)
                        .hint("make one of them a master_detail"),
                );
                None
            }
        }
    }

    fn summed_type(&self, draft: &Draft, child: &Draft, name: &str, at: &KeyPath) -> Option<Type> {
        let found = self.field_type(child, name);
        if found.is_none() && !child.is_broken_field(name) {
            let names = field_names(child);
            let message = format!("`{}` has no field `{name}`", child.object.name);
            self.report(
                draft
                    .document
                    .error(at, message)
                    .suggest(nearest(name, names.iter().map(String::as_str))),
            );
        }
        let declared = child.object.fields.get(name);
        let computed = declared.is_some_and(|field| column_of(field).is_none());
        let sql = || {
            self.formula(&child.object.name, name)
                .is_none_or(|formula| formula.sql())
        };
        let summary = declared.is_some_and(|field| kind_of(field) == FieldKind::Summary);
        if computed && (summary || !sql()) {
            let message = format!(
                "`{name}` of `{}` is computed record by record, so it cannot be rolled up",
                child.object.name
            );
            self.report(
                draft
                    .document
                    .error(at, message)
                    .hint("roll up stored fields, or formulas of stored fields"),
            );
            return None;
        }
        found
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
        let scope = DraftScope {
            expressions: self,
            draft,
            on_change: true,
        };
        match Checker::new(&scope).expecting(Type::Boolean).check(source) {
            Ok(checked) => {
                let sql = self.sql(draft, &checked);
                Some(Arc::new(Expression::new(checked, sql)))
            }
            Err(errors) => {
                self.report_all(draft, path, &errors);
                None
            }
        }
    }

    /// The default of a field: the option that says so, a value, or for dates and times an expression such as `TODAY()`.
    pub(super) fn default(
        &self,
        draft: &Draft,
        name: &str,
        field: &Field,
        model: &FieldModel,
        problems: &mut Problems,
    ) -> Option<DefaultValue> {
        let flagged = field
            .options
            .iter()
            .flatten()
            .find(|option| option.default == Some(true));
        let value = match (&field.default_value, flagged) {
            (Some(value), _) => value.clone(),
            (None, Some(option)) if model.kind == FieldKind::List => Value::Array(vec![option.value.clone().into()]),
            (None, Some(option)) => option.value.clone().into(),
            (None, None) => return None,
        };
        if matches!(
            model.kind,
            FieldKind::Formula | FieldKind::Summary | FieldKind::Autonumber
        ) {
            let message = format!("`defaultValue` means nothing for a {} field", field.kind);
            problems.push(
                draft
                    .warning(&["fields", name, "defaultValue"], message)
                    .hint("remove it"),
            );
            return None;
        }
        if let Some(source) = computed_default(model, &value) {
            return self.default_expression(draft, name, model, source);
        }
        if let Err(expected) = fits(model, &value) {
            let message = format!("the default must be {expected}, found {value}");
            problems.push(draft.field_error(name, "defaultValue", message));
        }
        Some(DefaultValue::Literal(value))
    }

    fn default_expression(&self, draft: &Draft, name: &str, model: &FieldModel, source: &str) -> Option<DefaultValue> {
        let scope = DraftScope {
            expressions: self,
            draft,
            on_change: false,
        };
        match Checker::new(&scope).expecting(model.expression_type()).check(source) {
            Ok(checked) => Some(DefaultValue::Expression(Arc::new(Expression::new(checked, false)))),
            Err(errors) => {
                self.report_all(draft, &draft.path(&["fields", name, "defaultValue"]), &errors);
                None
            }
        }
    }
}

/// A default that is to be computed: what is no date in a date field, `$…` in a field with references.
fn computed_default<'v>(model: &FieldModel, value: &'v Value) -> Option<&'v str> {
    let text = value.as_str()?;
    let computed = match model.kind {
        FieldKind::Date => !is_date(text),
        FieldKind::DateTime => !is_date_time(text) && !is_date(text),
        FieldKind::Time => !text.starts_with(|first: char| first.is_ascii_digit()),
        FieldKind::Reference => text.starts_with('$') || text.starts_with("current_user."),
        FieldKind::Number | FieldKind::Boolean => true,
        _ => false,
    };
    computed.then_some(text)
}

/// Whether a literal default is a value of the field; `Err` says what one would be.
fn fits(model: &FieldModel, value: &Value) -> Result<(), String> {
    let options = || format!("one of {}", model.options.values().collect::<Vec<_>>().join(", "));
    let option = |value: &Value| value.as_str().is_some_and(|value| model.options.accepts(value));
    let (fits, expected) = match model.kind {
        FieldKind::Text | FieldKind::Reference | FieldKind::Date | FieldKind::DateTime | FieldKind::Time => {
            (value.is_string(), "text".to_owned())
        }
        FieldKind::Number => (value.is_number(), "a number".to_owned()),
        FieldKind::Boolean => (value.is_boolean(), "true or false".to_owned()),
        FieldKind::Choice => (
            option(value),
            if model.options.is_empty() {
                "text".to_owned()
            } else {
                options()
            },
        ),
        FieldKind::List => {
            let fits = value.as_array().is_some_and(|items| items.iter().all(option));
            (
                fits,
                if model.options.is_empty() {
                    "a list of texts".to_owned()
                } else {
                    format!("a list of {}", options())
                },
            )
        }
        FieldKind::References => (value.is_array(), "a list of ids".to_owned()),
        FieldKind::Vector => (value.is_array(), "a list of numbers".to_owned()),
        FieldKind::Location | FieldKind::Address => (value.is_object(), "a map".to_owned()),
        _ => (true, String::new()),
    };
    if fits || value.is_null() { Ok(()) } else { Err(expected) }
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

/// Names of a draft's fields, over references too.
struct DraftScope<'a> {
    expressions: &'a Expressions<'a>,
    draft: &'a Draft,
    on_change: bool,
}

impl DraftScope<'_> {
    fn at(&self, relations: &[&str]) -> Option<&Draft> {
        relations.iter().try_fold(self.draft, |draft, relation| {
            let field = draft
                .object
                .fields
                .get(*relation)
                .filter(|field| kind_of(field) == FieldKind::Reference)?;
            self.expressions.drafts.get(target_of(&draft.object, field)?)
        })
    }

    /// Leads through something that could not be read.
    fn is_broken(&self, relations: &[&str]) -> bool {
        let mut at = Some(self.draft);
        for relation in relations {
            let Some(draft) = at else { return true };
            if draft.is_broken_field(relation) {
                return true;
            }
            let target = draft
                .object
                .fields
                .get(*relation)
                .and_then(|field| target_of(&draft.object, field));
            if target.is_some_and(|target| self.expressions.drafts.is_broken(target)) {
                return true;
            }
            at = target.and_then(|target| self.expressions.drafts.get(target));
        }
        false
    }
}

impl Scope for DraftScope<'_> {
    fn field_type(&self, path: &[&str]) -> Option<Type> {
        let (name, relations) = path.split_last()?;
        match self.at(relations) {
            Some(draft) => self.expressions.field_type(draft, name),
            None => self.is_broken(relations).then_some(Type::Any),
        }
    }

    fn field_names(&self, relations: &[&str]) -> Vec<String> {
        self.at(relations).map(field_names).unwrap_or_default()
    }

    fn offers_previous(&self) -> bool {
        self.on_change
    }
}
