//! The names that expressions of an object may use.

use objectos_expression::{Scope, Type};

use super::{Expressions, field_names};
use crate::app::compile::draft::Draft;
use crate::app::compile::kind::{column_of, is_secret, kind_of, target_of};
use crate::model::FieldKind;

/// Names of a draft's fields, over references too.
pub(super) struct DraftScope<'a> {
    pub(super) expressions: &'a Expressions<'a>,
    pub(super) draft: &'a Draft,
    pub(super) on_change: bool,
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

    /// Whether a path leads to a secret.
    pub(super) fn is_secret(&self, path: &str) -> bool {
        let mut relations: Vec<&str> = path.split('.').collect();
        let name = relations.pop().unwrap_or_default();
        self.at(&relations)
            .and_then(|draft| draft.object.fields.get(name))
            .is_some_and(is_secret)
    }

    /// The first object in another database that a path leads over.
    pub(super) fn elsewhere(&self, path: &str) -> Option<&Draft> {
        let names: Vec<&str> = path.split('.').collect();
        let here = &self.draft.object.datasource;
        (1..names.len())
            .filter_map(|hops| self.at(&names[..hops]))
            .find(|draft| draft.object.datasource != *here)
    }

    /// Whether the database has or can compute what a path leads to.
    pub(super) fn in_database(&self, path: &str) -> bool {
        if self.elsewhere(path).is_some() {
            return false;
        }
        let mut relations: Vec<&str> = path.split('.').collect();
        let name = relations.pop().unwrap_or_default();
        self.at(&relations)
            .is_some_and(|draft| match draft.object.fields.get(name) {
                Some(field) if kind_of(field) == FieldKind::Formula => self
                    .expressions
                    .formula(&draft.object.name, name)
                    .is_some_and(|formula| formula.sql()),
                Some(field) => column_of(field).is_some(),
                None => super::system_type(draft, name).is_some(),
            })
    }

    /// Leads through something that could not be read.
    fn is_broken(&self, relations: &[&str]) -> bool {
        let mut at = Some(self.draft);
        for relation in relations {
            let Some(draft) = at else { return false };
            if draft.is_broken_field(relation) {
                return true;
            }
            let target = draft
                .object
                .fields
                .get(*relation)
                .and_then(|field| target_of(&draft.object, field));
            // A field that is no reference leads nowhere, and that is told. An object that is not there is told of where it is
            // named.
            let Some(target) = target else { return false };
            if self.expressions.drafts.get(target).is_none() {
                return true;
            }
            at = self.expressions.drafts.get(target);
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
