//! The names that expressions of an object may use.

use objectos_expression::{Scope, Type};

use super::{Expressions, field_names};
use crate::app::compile::draft::Draft;
use crate::app::compile::kind::{kind_of, target_of};
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
