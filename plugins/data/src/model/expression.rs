//! Expressions of an app, checked once against the fields they read, and the names that further ones may use.

use std::collections::BTreeSet;

use objectos_expression::{CheckedExpression, Scope, Type};

use super::{Catalogue, FieldKind, ObjectModel};

/// A checked expression and whether a database can compute it.
#[derive(Clone, Debug)]
pub struct Expression {
    checked: CheckedExpression,
    sql: bool,
}

impl Expression {
    /// `sql`: see [`Expression::sql`].
    #[must_use]
    pub fn new(checked: CheckedExpression, sql: bool) -> Self {
        Self { checked, sql }
    }

    /// The expression itself, for evaluation and for compilers.
    #[must_use]
    pub fn checked(&self) -> &CheckedExpression {
        &self.checked
    }

    /// As written.
    #[must_use]
    pub fn source(&self) -> &str {
        self.checked.source()
    }

    /// Type of its result.
    #[must_use]
    pub fn result(&self) -> Type {
        self.checked.value_type()
    }

    /// Paths of the fields it reads; one with a dot leads over a reference.
    #[must_use]
    pub fn fields(&self) -> &BTreeSet<String> {
        &self.checked.dependencies().fields
    }

    /// Names of the references whose records must be at hand.
    pub fn relations(&self) -> impl Iterator<Item = &str> {
        let related = self.checked.dependencies().related();
        related.filter_map(|path| path.split_once('.').map(|(relation, _)| relation))
    }

    /// A database can compute it from the columns of the same row: every part has a form in SQL, and what it reads is stored in
    /// the row or is itself such a formula.
    #[must_use]
    pub fn sql(&self) -> bool {
        self.sql
    }
}

/// The names of an object's fields, for expressions that come after the catalogue was built: row filters, templates, queries.
#[derive(Clone, Copy, Debug)]
pub struct ModelScope<'a> {
    catalogue: &'a Catalogue,
    object: &'a ObjectModel,
}

impl<'a> ModelScope<'a> {
    /// Of an object in its catalogue.
    #[must_use]
    pub fn new(catalogue: &'a Catalogue, object: &'a ObjectModel) -> Self {
        Self { catalogue, object }
    }

    fn object_at(&self, relations: &[&str]) -> Option<&'a ObjectModel> {
        relations.iter().try_fold(self.object, |object, relation| {
            let field = object
                .field(relation)
                .filter(|field| field.kind == FieldKind::Reference)?;
            self.catalogue
                .object(&field.reference.as_ref()?.object)
                .map(AsRef::as_ref)
        })
    }
}

impl Scope for ModelScope<'_> {
    fn field_type(&self, path: &[&str]) -> Option<Type> {
        let (name, relations) = path.split_last()?;
        self.object_at(relations)?
            .field(name)
            .map(super::FieldModel::expression_type)
    }

    fn field_names(&self, relations: &[&str]) -> Vec<String> {
        self.object_at(relations)
            .map(|object| object.fields.keys().cloned().collect())
            .unwrap_or_default()
    }
}
