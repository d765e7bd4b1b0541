//! Resolves the names of a query against the catalogue and what the caller may see, and its values against the fields.
//!
//! A field that the caller may not read does not exist here: the same error, without a suggestion that would give it away.
//! A record of a related object that the caller may not see counts as null. What is computed is computed over the rows and
//! fields that the caller may read: see [`Checker::blind`].

mod any_case;
mod conditions;
mod formula;
mod joins;
mod part;
mod records;
mod related;
mod search;
mod source;

use std::sync::Arc;

use objectos_expression::{Environment, Type, Zone};

pub use self::formula::FormulaInput;
pub use self::part::PartKind;

use super::filter::{Class, Comparison, Condition, FieldRef, Filter, Join, Scope, Source, Test, Visible};
use super::written::{Operand, RawFilter, RawTest};
use crate::access::{View, Views};
use crate::error::{DataError, Result};
use crate::model::{Expression, FieldKind, FieldModel, ObjectModel, nearest};
use crate::query::select::TITLE;
use crate::record::{Form, Layout, Schema};
use crate::store::SqlValue;

/// Relations that one path may lead over.
pub const PATH_HOPS_MAX: usize = 5;

/// Relations that one statement may lead over; SQLite joins 64 tables at most.
const JOINS_MAX: usize = 40;

/// Why a name is looked up: decides the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To test it.
    Filter,
    /// To order by it.
    Sort,
    /// To answer it, group by it or sum it up.
    Select,
}

/// Checks the parts of one query.
pub struct Checker<'a> {
    schema: &'a Schema,
    /// `None`: the system, which sees everything.
    views: Option<&'a Views>,
    /// Gives calculations their constants: the clock, the caller.
    environment: &'a (dyn Environment + Sync),
    /// Formulas that are being resolved, each inside the one before.
    formula_depth: usize,
    /// The system asks: secrets are told.
    pub system: bool,
    /// Whoever runs the statement calculates first what no database can; without it such a field is refused.
    pub evaluates: bool,
    /// What is checked is what permissions said: its days are the operator's, for which records somebody sees is not to move
    /// with a zone of their own choice.
    pub official: bool,
    /// The tables that were used so far.
    pub scope: Scope,
}

/// A resolved name.
#[derive(Clone, Debug)]
pub struct Resolved<'a> {
    /// What stands for it.
    pub reference: FieldRef,
    /// The field.
    pub field: &'a FieldModel,
    /// Its object.
    pub layout: &'a Arc<Layout>,
    /// The caller sees its values masked.
    pub masked: bool,
    /// Set for a part of the field's document.
    pub part: Option<PartKind>,
}

impl Resolved<'_> {
    /// How values of a column are answered; none for what is computed.
    #[must_use]
    pub fn stored_form(&self) -> Option<Form> {
        match (self.part, self.reference.class) {
            (Some(_), Class::Boolean) => Some(Form::Boolean),
            (Some(_), Class::Number) => Some(Form::Plain),
            (Some(_), _) => Some(Form::Text),
            (None, _) => self.field.stored().then(|| Form::of(self.field)),
        }
    }

    /// How its values are answered, whether stored or computed.
    #[must_use]
    pub fn form(&self) -> Form {
        let source = match &self.reference.source {
            Source::Present(source) => &**source,
            source => source,
        };
        match (self.stored_form(), source) {
            (Some(form), _) => form,
            (None, Source::Summary(summary)) => summary.form(self.reference.class),
            (None, _) => Form::of(self.field),
        }
    }
}

impl std::fmt::Debug for Checker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checker")
            .field("object", &self.scope.layout.object.name)
            .finish_non_exhaustive()
    }
}

impl<'a> Checker<'a> {
    /// For queries on an object.
    #[must_use]
    pub fn new(
        schema: &'a Schema,
        layout: &Arc<Layout>,
        views: Option<&'a Views>,
        environment: &'a (dyn Environment + Sync),
    ) -> Self {
        let scope = Scope {
            layout: Arc::clone(layout),
            joins: Vec::new(),
            binned: false,
            evaluated: Vec::new(),
            outer: None,
        };
        Self {
            schema,
            views,
            environment,
            formula_depth: 0,
            system: false,
            evaluates: false,
            official: false,
            scope,
        }
    }

    /// Looks a name or path up.
    ///
    /// # Errors
    /// `UnknownFields`, `SecretField`, or `InvalidSort` for an order; `NotSupported` for a formula without a form in SQL; `InvalidQuery` for
    /// a part of a document that can be anything.
    pub fn field(&mut self, path: &str, purpose: Purpose) -> Result<Resolved<'a>> {
        let resolved = self.resolve(path, purpose)?;
        match resolved.part {
            Some(PartKind::Free) => Err(part::not_known(path, purpose)),
            _ => Ok(resolved),
        }
    }

    fn resolve(&mut self, path: &str, purpose: Purpose) -> Result<Resolved<'a>> {
        let names: Vec<&str> = path.split('.').collect();
        let (last, hops) = names.split_last().map_or(("", &[][..]), |(last, hops)| (*last, hops));
        if hops.len() > PATH_HOPS_MAX {
            return Err(unknown(&self.scope.layout.object, path, None, purpose));
        }
        let root = self.root_layout();
        let mut at = (0, root);
        for (place, hop) in hops.iter().enumerate() {
            // What is answered of a document is all of it.
            if purpose != Purpose::Select
                && let Some(part) = self.part(at, &names[place..], path, purpose)?
            {
                return Ok(part);
            }
            at = self.hop(at.0, at.1, hop, path, purpose)?;
        }
        let (table, layout) = at;
        let field = self.visible_field(&layout.object, last, path, purpose)?;
        let mut source = self.source(table, layout, field)?;
        if table == 0 && self.scope.outer.is_some() && !field.stored() {
            source = Source::Present(Box::new(source));
        }
        let reference = FieldRef {
            table,
            source,
            class: class_of(field),
        };
        let masked = self
            .view(&layout.object.name)
            .is_some_and(|view| view.masks(&field.name));
        Ok(Resolved {
            reference,
            field,
            layout,
            masked,
            part: None,
        })
    }

    /// The time zone of days: the caller's, and of what permissions said the operator's.
    pub fn zone(&self) -> &'a Zone {
        if self.official {
            self.environment.usual_zone()
        } else {
            self.environment.zone()
        }
    }

    /// The object that is asked for.
    pub fn root_layout(&self) -> &'a Arc<Layout> {
        // The scope was made from a layout of this schema.
        self.schema
            .layout(&self.scope.layout.object.name)
            .expect("the scope's object is one of the schema")
    }

    /// Follows a relation; the same relation of the same table is joined once.
    fn hop(
        &mut self,
        table: usize,
        layout: &'a Arc<Layout>,
        name: &str,
        path: &str,
        purpose: Purpose,
    ) -> Result<(usize, &'a Arc<Layout>)> {
        let field = self.visible_field(&layout.object, name, path, purpose)?;
        let target = match (&field.reference, field.kind) {
            (Some(reference), FieldKind::Reference) => self.schema.layout(&reference.object),
            _ => None,
        };
        let Some(target) = target else {
            return Err(unknown(&layout.object, path, None, purpose));
        };
        same_datasource(layout, target, path)?;
        let visible = self.visible_records(target)?;
        // What the app's own conditions read is not narrowed to what the caller sees, so the two need a join each.
        let same = |join: &Join| {
            join.from == table && join.column == field.name && join.visible.is_some() == visible.is_some()
        };
        if let Some(known) = self.scope.joins.iter().position(same) {
            return Ok((known + 1, target));
        }
        if self.scope.joins.len() >= JOINS_MAX {
            return Err(DataError::InvalidQuery {
                message: format!("the query leads over more than {JOINS_MAX} relations; ask for less at once"),
            });
        }
        self.scope.joins.push(Join {
            from: table,
            column: field.name.clone(),
            layout: Arc::clone(target),
            visible,
        });
        Ok((self.scope.joins.len(), target))
    }

    /// The filter for the related records that the caller may see.
    fn visible_records(&self, target: &'a Arc<Layout>) -> Result<Option<Box<Visible>>> {
        let Some(view) = self.view(&target.object.name) else {
            return Ok(None);
        };
        let mut inner = Checker::new(self.schema, target, None, self.environment);
        let filter = view_filter(view, &mut inner)?;
        if filter.is_always() {
            return Ok(None);
        }
        Ok(Some(Box::new(Visible {
            scope: inner.scope,
            filter,
        })))
    }

    fn view(&self, object: &str) -> Option<&'a View> {
        self.views.map(|views| views.of(object))
    }

    fn visible_field(
        &self,
        object: &'a Arc<ObjectModel>,
        name: &str,
        path: &str,
        purpose: Purpose,
    ) -> Result<&'a FieldModel> {
        let view = self.view(&object.name);
        let readable = |field: &str| view.is_none_or(|view| view.reads(field));
        let masked = |field: &str| view.is_some_and(|view| view.masks(field));
        let found = named(object, name);
        match found.filter(|field| readable(&field.name)) {
            Some(field) if purpose != Purpose::Select && (field.is_secret() || masked(&field.name)) => {
                // Whoever may ask often enough whether a secret begins with a letter knows it in the end.
                if !field.is_secret() {
                    return Err(unknown(object, path, None, purpose));
                }
                Err(secret(object, path, purpose))
            }
            Some(field) => Ok(field),
            None => {
                let near = nearest(
                    name,
                    object.fields.keys().map(String::as_str).filter(|field| readable(field)),
                );
                Err(unknown(object, path, near, purpose))
            }
        }
    }

    /// Whether one of these fields, of the object or of those that paths lead to, is hidden from the caller or masked: then what
    /// is computed from them is null, since it would tell of them.
    pub fn blind<'p>(&self, layout: &Arc<Layout>, paths: impl IntoIterator<Item = &'p str>) -> bool {
        self.views.is_some() && paths.into_iter().any(|path| self.hides(layout, path))
    }

    fn hides(&self, layout: &Arc<Layout>, path: &str) -> bool {
        let mut at = layout;
        for name in path.split('.') {
            let view = self.view(&at.object.name);
            if view.is_some_and(|view| !view.reads(name) || view.masks(name)) {
                return true;
            }
            let reference = at.object.field(name).and_then(|field| field.reference.as_ref());
            match reference.and_then(|reference| self.schema.layout(&reference.object)) {
                Some(target) => at = target,
                None => return false,
            }
        }
        false
    }

    /// Checks a filter.
    ///
    /// # Errors
    /// `UnknownFields`, `InvalidFilter`, `NotSupported`.
    pub fn filter(&mut self, raw: &RawFilter) -> Result<Filter> {
        Ok(match raw {
            RawFilter::All(parts) => Filter::All(parts.iter().map(|part| self.filter(part)).collect::<Result<_>>()?),
            RawFilter::Any(parts) => Filter::Any(parts.iter().map(|part| self.filter(part)).collect::<Result<_>>()?),
            RawFilter::Not(part) => Filter::Not(Box::new(self.filter(part)?)),
            RawFilter::Test(test) => self.test(test)?,
            RawFilter::InRecords(lookup) => self.in_records(lookup)?,
            RawFilter::Related(related) => self.related(related)?,
        })
    }

    fn test(&mut self, test: &RawTest) -> Result<Filter> {
        let resolved = self.resolve(&test.field, Purpose::Filter)?;
        if resolved.part == Some(PartKind::Free) {
            let reference = part::as_tested(test, resolved.reference)?;
            return conditions::check(self, test, reference);
        }
        if let Some(rewritten) = any_case::rewritten(test, resolved.field) {
            return self.filter(&rewritten);
        }
        let any_case = any_case::is_of(resolved.field);
        let checked = conditions::check(self, test, resolved.reference)?;
        if any_case {
            return any_case::without(test, checked);
        }
        Ok(checked)
    }

    /// A condition of the app's on records of the object, which has a form in SQL: masks do not apply.
    ///
    /// # Errors
    /// `NotSupported` when it has none after all.
    pub fn condition(&mut self, condition: &Expression) -> Result<Filter> {
        let views = self.views.take();
        let filter = self.condition_as_seen(condition);
        self.views = views;
        filter
    }

    /// The same over what the caller sees.
    fn condition_as_seen(&mut self, condition: &Expression) -> Result<Filter> {
        let layout = self.root_layout();
        let source = self.formula_source(0, layout, "condition", condition.checked())?;
        let field = FieldRef {
            table: 0,
            source: Source::Formula(Arc::new(source)),
            class: Class::Boolean,
        };
        Ok(Filter::Test(Test {
            field,
            condition: Condition::Compare(Comparison::Same, SqlValue::Boolean(true)),
        }))
    }

    /// The filter of what the caller may see of the object itself.
    ///
    /// # Errors
    /// `Internal` when a permission names what is not there: refused, not ignored, and the caller learns no names from it.
    pub fn own_view(&mut self, view: &View) -> Result<Filter> {
        let views = self.views.take();
        // What one may see is the same for a list as for one record, which is looked up without calculating anything.
        let evaluates = std::mem::take(&mut self.evaluates);
        let filter = view_filter(view, self);
        self.views = views;
        self.evaluates = evaluates;
        filter
    }
}

/// A test of a field that was resolved elsewhere: a figure of an aggregation.
///
/// # Errors
/// `InvalidFilter`.
pub fn test_of(test: &RawTest, field: FieldRef, zone: &Zone) -> Result<Filter> {
    match &test.operand {
        Operand::Value(value) => conditions::check_value(test, field, value, zone),
        Operand::Field(_) => Err(DataError::InvalidFilter {
            message: format!("$field does not go with '{}'", test.field),
        }),
    }
}

/// The permission's filter and the tenant's, as one.
fn view_filter(view: &View, checker: &mut Checker<'_>) -> Result<Filter> {
    if !view.allowed {
        return Ok(Filter::never());
    }
    let before = std::mem::replace(&mut checker.official, true);
    let filter = view.filters.iter().try_fold(Filter::always(), |filter, raw| {
        let more = checker.filter(raw).map_err(|error| wrong_plan(checker, &error))?;
        Ok(filter.and(more))
    });
    checker.official = before;
    filter
}

/// The operator's fault, not the caller's.
pub(crate) fn wrong_plan(checker: &Checker<'_>, error: &DataError) -> DataError {
    let object = &checker.scope.layout.object.name;
    DataError::internal(format!("an access plan of '{object}' is wrong: {error}"))
}

/// That the field is there is no secret to whoever reads it: what it holds is.
fn secret(object: &ObjectModel, path: &str, purpose: Purpose) -> DataError {
    let refused = DataError::SecretField {
        object: object.name.clone(),
        field: path.to_owned(),
    };
    match purpose {
        Purpose::Sort => DataError::InvalidSort {
            message: refused.to_string(),
        },
        _ => refused,
    }
}

/// That there is no such field, or none that the caller may read.
pub(crate) fn unknown(object: &ObjectModel, path: &str, near: Option<&str>, purpose: Purpose) -> DataError {
    if purpose == Purpose::Sort {
        let hint = near.map(|name| format!("; did you mean '{name}'?")).unwrap_or_default();
        return DataError::InvalidSort {
            message: format!(
                "'{}' cannot be ordered by '{path}': there is no such field{hint}",
                object.name
            ),
        };
    }
    DataError::UnknownFields {
        object: object.name.clone(),
        fields: vec![path.to_owned()],
        nearest: near.map(str::to_owned),
    }
}

/// The field that a name of a query stands for. Whoever asks where a path leads asks here, so that none leads past the
/// permissions.
pub(crate) fn named<'o>(object: &'o ObjectModel, name: &str) -> Option<&'o FieldModel> {
    match object.field(name) {
        None if name != TITLE => object.field(&snake_case(name)),
        field => field,
    }
}

/// `createdAt` is how JavaScript writes `created_at`.
fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for character in name.trim_start_matches('_').chars() {
        if character.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}

/// What the values of a field are.
#[must_use]
pub fn class_of(field: &FieldModel) -> Class {
    match field.kind {
        FieldKind::Text | FieldKind::Choice | FieldKind::Reference | FieldKind::Autonumber => Class::Text,
        FieldKind::Number => Class::Number,
        FieldKind::Boolean => Class::Boolean,
        FieldKind::Date => Class::Date,
        FieldKind::DateTime => Class::DateTime,
        FieldKind::Time => Class::Time,
        FieldKind::List | FieldKind::References => Class::List,
        FieldKind::File | FieldKind::Location | FieldKind::Address | FieldKind::Json | FieldKind::Vector => {
            Class::Document
        }
        FieldKind::Formula | FieldKind::Summary => class_of_type(field.expression_type()),
    }
}

/// What the values of an expression are.
#[must_use]
pub fn class_of_type(value_type: Type) -> Class {
    match value_type {
        Type::Boolean => Class::Boolean,
        Type::Number => Class::Number,
        Type::Date => Class::Date,
        Type::DateTime => Class::DateTime,
        Type::Time => Class::Time,
        Type::List => Class::List,
        _ => Class::Text,
    }
}

/// One statement reads from one database.
fn same_datasource(from: &Layout, to: &Layout, path: &str) -> Result<()> {
    if from.datasource == to.datasource {
        return Ok(());
    }
    Err(DataError::NotSupported {
        message: format!(
            "'{path}' leads from '{}' (datasource '{}') to '{}' (datasource '{}'): a query cannot look into another database; \
             look the records up there first and use their ids, or expand the relation",
            from.object.name, from.datasource, to.object.name, to.datasource
        ),
    })
}
