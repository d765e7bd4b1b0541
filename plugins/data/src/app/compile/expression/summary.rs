//! Roll-ups over child records.

use objectos_expression::Type;
use objectos_plugin_api::protocol::data::{Field, FieldType, SummaryFunction};

use super::{Expressions, field_names};
use crate::app::compile::draft::Draft;
use crate::app::compile::kind::{column_of, is_secret, kind_of, target_of};
use crate::app::path::KeyPath;
use crate::model::{FieldKind, SummaryModel, nearest};

impl Expressions<'_> {
    pub(super) fn check_summary(&self, draft: &Draft, name: &str, field: &Field) -> Option<SummaryModel> {
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
        if child.object.datasource != draft.object.datasource {
            let message = format!(
                "the records of `{}` lie in another database (datasource `{}`) and cannot be rolled up here",
                child.object.name, child.object.datasource
            );
            let hint = "give both objects the same `datasource`";
            self.report(draft.document.error(&at("object"), message).hint(hint));
            return None;
        }
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
        let filter = match draft.own.summary_filters.get(name) {
            Some((path, source)) => Some(self.condition_in_sql(draft, child, path, source)?),
            None => None,
        };
        Some(SummaryModel {
            filter,
            object: child.object.name.clone(),
            field: operations.field.clone(),
            function: operations.function,
            via,
            result: if counts || adds { Type::Number } else { field_type },
        })
    }

    /// The field by which the child points here: the only one, or the master among several.
    fn way_back(&self, draft: &Draft, child: &Draft, at: &KeyPath) -> Option<String> {
        let here = &draft.object.name;
        let fields = child.object.fields.iter();
        let ways: Vec<(&String, &Field)> = fields
            .filter(|(_, field)| {
                kind_of(field) == FieldKind::Reference && target_of(&child.object, field) == Some(here)
            })
            .collect();
        let master = ways.iter().find(|(_, field)| field.kind == FieldType::MasterDetail);
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
        if declared.is_some_and(is_secret) {
            let message = format!(
                "`{name}` of `{}` is a secret and cannot be rolled up",
                child.object.name
            );
            self.report(draft.document.error(at, message).hint("roll up another field"));
            return None;
        }
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
}
