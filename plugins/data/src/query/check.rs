//! Resolves the names of a query against the catalogue and what the caller may see, and its values against the fields.
//!
//! A field that the caller may not read does not exist here: the same error, without a suggestion that would give it away.
//! A record of a related object that the caller may not see counts as null.

mod conditions;
mod formula;
mod source;

use std::sync::Arc;

use objectos_expression::Environment;
use objectos_plugin_api::protocol::data::FieldType;

use super::filter::{Class, FieldRef, Filter, Join, Scope, Test, Visible};
use super::input::SearchInput;
use super::written::{Operand, RawFilter, RawTest};
use crate::access::{View, Views};
use crate::error::{DataError, Result};
use crate::model::{FieldKind, FieldModel, ObjectModel, nearest};
use crate::record::{Form, Layout, Schema};

/// Relations that one path may lead over.
const PATH_HOPS_MAX: usize = 5;

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
        };
        Self {
            schema,
            views,
            environment,
            formula_depth: 0,
            scope,
        }
    }

    /// Looks a name or path up.
    ///
    /// # Errors
    /// `UnknownFields`, or `InvalidSort` for an order; `NotSupported` for a formula without a form in SQL.
    pub fn field(&mut self, path: &str, purpose: Purpose) -> Result<Resolved<'a>> {
        let mut hops: Vec<&str> = path.split('.').collect();
        let last = hops.pop().unwrap_or_default();
        if hops.len() > PATH_HOPS_MAX {
            return Err(unknown(&self.scope.layout.object, path, None, purpose));
        }
        let root = self.root_layout();
        let mut at = (0, root);
        for hop in hops {
            at = self.hop(at.0, at.1, hop, path, purpose)?;
        }
        let (table, layout) = at;
        let field = self.visible_field(&layout.object, last, path, purpose)?;
        let reference = FieldRef {
            table,
            source: self.source(table, layout, field)?,
            class: class_of(field),
        };
        Ok(Resolved {
            reference,
            field,
            layout,
        })
    }

    fn root_layout(&self) -> &'a Arc<Layout> {
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
        let visible = self.visible_records(target)?;
        // What a formula reads is not narrowed to what the caller sees, so the two need a join each.
        let same = |join: &Join| {
            join.from == table && join.column == field.name && join.visible.is_some() == visible.is_some()
        };
        if let Some(known) = self.scope.joins.iter().position(same) {
            return Ok((known + 1, target));
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
        let found = object.field(name).or_else(|| object.field(&snake_case(name)));
        match found.filter(|field| readable(&field.name)) {
            Some(field) if field.field_type == FieldType::Password && purpose != Purpose::Select => {
                // Whoever may ask often enough whether a secret begins with a letter knows it in the end.
                Err(unknown(object, path, None, purpose))
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

    /// What a formula reads: the app's decision, so masks do not apply.
    ///
    /// # Errors
    /// `NotSupported` when it reads something that is computed and has no form in SQL.
    pub fn formula_input(&mut self, path: &str) -> Result<(FieldRef, Form)> {
        let views = self.views.take();
        let found = self
            .field(path, Purpose::Select)
            .map(|resolved| (resolved.reference, Form::of(resolved.field)));
        self.views = views;
        found
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
        })
    }

    fn test(&mut self, test: &RawTest) -> Result<Filter> {
        let resolved = self.field(&test.field, Purpose::Filter)?;
        conditions::check(self, test, resolved.reference)
    }

    /// The filter of what the caller may see of the object itself.
    ///
    /// # Errors
    /// As [`Checker::filter`], when a permission names what is not there: refused, not ignored.
    pub fn own_view(&mut self, view: &View) -> Result<Filter> {
        let views = self.views.take();
        let filter = view_filter(view, self);
        self.views = views;
        filter
    }

    /// Words to look for in the searchable fields.
    ///
    /// # Errors
    /// `UnknownFields` for a field that is none, `InvalidQuery` when there is nothing to search in.
    pub fn search(&mut self, search: &SearchInput) -> Result<Filter> {
        let fields = self.search_fields(search)?;
        if fields.is_empty() {
            let object = &self.scope.layout.object.name;
            return Err(DataError::InvalidQuery {
                message: format!("'{object}' has no searchable field"),
            });
        }
        let words = search.query.split_whitespace().map(|word| {
            Filter::Any(
                fields
                    .iter()
                    .map(|field| {
                        Filter::Test(Test {
                            field: field.clone(),
                            condition: conditions::word(word),
                        })
                    })
                    .collect(),
            )
        });
        let words = words.collect();
        Ok(if search.all_words {
            Filter::All(words)
        } else {
            Filter::Any(words)
        })
    }

    fn search_fields(&mut self, search: &SearchInput) -> Result<Vec<FieldRef>> {
        if !search.fields.is_empty() {
            return search
                .fields
                .iter()
                .map(|name| self.field(name, Purpose::Select).map(|resolved| resolved.reference))
                .collect();
        }
        let layout = self.root_layout();
        let view = self.view(&layout.object.name);
        let declared = layout.object.searchable_fields();
        let mut names: Vec<&str> = declared.map(|field| field.name.as_str()).collect();
        if names.is_empty() {
            names = layout
                .object
                .fields
                .values()
                .filter(|field| is_name_like(field))
                .map(|field| field.name.as_str())
                .collect();
        }
        names.retain(|name| view.is_none_or(|view| view.reads(name)));
        names
            .into_iter()
            .map(|name| self.field(name, Purpose::Select).map(|resolved| resolved.reference))
            .collect()
    }
}

/// A test of a field that was resolved elsewhere: a figure of an aggregation.
///
/// # Errors
/// `InvalidFilter`.
pub fn test_of(test: &RawTest, field: FieldRef) -> Result<Filter> {
    match &test.operand {
        Operand::Value(value) => conditions::check_value(test, field, value),
        Operand::Field(_) => Err(DataError::InvalidFilter {
            message: format!("$field does not go with '{}'", test.field),
        }),
    }
}

/// What is searched where an object declares nothing: its texts, but none that holds a secret.
fn is_name_like(field: &FieldModel) -> bool {
    field.system.is_none()
        && matches!(
            field.field_type,
            FieldType::Text
                | FieldType::Textarea
                | FieldType::Email
                | FieldType::Phone
                | FieldType::Url
                | FieldType::Autonumber
        )
}

/// The permission's filter and the tenant's, as one.
fn view_filter(view: &View, checker: &mut Checker<'_>) -> Result<Filter> {
    if !view.allowed {
        return Ok(Filter::never());
    }
    let mut filter = Filter::always();
    for raw in &view.filters {
        filter = filter.and(checker.filter(raw)?);
    }
    Ok(filter)
}

fn unknown(object: &ObjectModel, path: &str, near: Option<&str>, purpose: Purpose) -> DataError {
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
    use objectos_expression::Type;
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
        FieldKind::Formula | FieldKind::Summary => match field.expression_type() {
            Type::Boolean => Class::Boolean,
            Type::Number => Class::Number,
            Type::Date => Class::Date,
            Type::DateTime => Class::DateTime,
            Type::Time => Class::Time,
            Type::List => Class::List,
            _ => Class::Text,
        },
    }
}
