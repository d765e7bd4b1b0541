//! Documents for expressions: a record, and the records that its expressions reach over relations.

use serde_json::{Map, Value};

use super::Engine;
use super::answer::{document, insert};
use super::draft::{Draft, Stored};
use crate::error::Result;
use crate::model::{FieldKind, ObjectModel, RuleCheck, RuleModel, SystemField};
use crate::record::layout::Column;
use crate::record::{Form, Layout};
use crate::store::{Cell, Row, SqlValue, Statement};

/// How far a path may lead.
const HOPS_MAX: usize = 5;

/// The paths that the rules of an object read.
pub(super) fn rule_paths(object: &ObjectModel) -> Vec<String> {
    paths_of(object.rules.iter())
}

/// The paths that some rules read.
pub(super) fn paths_of<'r>(rules: impl Iterator<Item = &'r RuleModel>) -> Vec<String> {
    let mut paths = Vec::new();
    rules.for_each(|rule| collect(rule, &mut paths));
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn collect(rule: &RuleModel, paths: &mut Vec<String>) {
    let mut add = |expression: &crate::model::Expression| {
        let dependencies = expression.checked().dependencies();
        let both = dependencies.fields.iter().chain(&dependencies.previous);
        paths.extend(both.cloned());
    };
    match &rule.check {
        RuleCheck::Condition(condition) => add(condition),
        RuleCheck::Unique { scope: Some(scope), .. } => add(scope),
        RuleCheck::Conditional { when, then, otherwise } => {
            add(when);
            for rule in then.iter().chain(otherwise) {
                collect(rule, paths);
            }
        }
        _ => {}
    }
}

impl Engine {
    /// The record with the records that the paths lead to in the places of their ids. The draft relies on those.
    pub(super) async fn with_relations(
        &self,
        draft: &Draft<'_>,
        layout: &Layout,
        mut record: Map<String, Value>,
        paths: &[String],
    ) -> Result<Map<String, Value>> {
        for path in paths {
            let mut at = layout;
            let mut prefix = String::new();
            for hop in path.split('.').take(HOPS_MAX) {
                let field = at.object.field(hop).filter(|field| field.kind == FieldKind::Reference);
                let target = field.and_then(|field| field.reference.as_ref());
                let Some(target) = target.and_then(|reference| draft.schema.layout(&reference.object)) else {
                    break;
                };
                if !prefix.is_empty() {
                    prefix.push('.');
                }
                prefix.push_str(hop);
                let Some(Value::String(id)) = lookup(&record, &prefix) else {
                    at = target;
                    continue;
                };
                let id = id.clone();
                let related = match draft.changed(&target.object.name, &id) {
                    Some(planned) => planned.clone(),
                    None => {
                        let read = self.read_stored(target, &id).await?;
                        draft.rely(target, &id, read.as_ref());
                        read
                    }
                };
                let related = related.map_or(Value::Null, |values| Value::Object(document(target, &values)));
                insert(&mut record, &prefix, related);
                at = target;
            }
        }
        Ok(record)
    }

    /// The stored values of a record, whoever may see it; `None` when there is none.
    pub(super) async fn read_stored(&self, layout: &Layout, id: &str) -> Result<Option<Stored>> {
        if id.contains('\0') {
            // No id holds that character, and no database takes it.
            return Ok(None);
        }
        let statement = Statement::new(
            std::sync::Arc::clone(&layout.get_sql),
            vec![SqlValue::Text(id.to_owned())],
        )
        .single();
        let mut found = None;
        let mut reader = self.store_of(layout).reader().await?;
        reader
            .read(&statement, &mut |row| found = Some(stored(layout, row)))
            .await?;
        Ok(found.map(std::sync::Arc::new))
    }
}

/// The values of a row of all columns, each of the kind that a client's value of the field has: so that equal is equal.
pub(super) fn stored(layout: &Layout, row: &dyn Row) -> Vec<SqlValue> {
    let value = |(index, column): (usize, &Column)| match (column.form, row.cell(index)) {
        (Form::Boolean, Cell::Integer(integer)) => SqlValue::Boolean(integer != 0),
        (Form::Document, Cell::Text(text)) => SqlValue::Json(text.to_owned()),
        (_, cell) => cell.to_value(),
    };
    layout.columns.iter().enumerate().map(value).collect()
}

fn lookup<'a>(record: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let first = record.get(parts.next()?)?;
    parts.try_fold(first, |at, part| at.get(part))
}

/// Id of a stored record.
pub(super) fn id_of(layout: &Layout, values: &[SqlValue]) -> String {
    let column = layout.column(SystemField::Id.name()).unwrap_or_default();
    values
        .get(column)
        .and_then(SqlValue::as_text)
        .unwrap_or_default()
        .to_owned()
}
