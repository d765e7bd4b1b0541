//! What the conditions of a write read beside the stored fields of a record: related records, and what is computed.
//!
//! A document has stored fields only, so a formula or a figure over child records that a condition names is computed here and
//! put in, in the record itself and in every related one. Called for the rules of an object and for the conditions of references.
//! Figures are over the child records as they are stored: those of the same transaction do not count yet.

use std::sync::Arc;

use objectos_plugin_api::protocol::data::SummaryFunction;
use serde_json::{Map, Value};

use super::Engine;
use super::access::Granted;
use super::answer::{computed, insert};
use super::draft::Draft;
use super::find::Search;
use crate::error::{DataError, Result};
use crate::model::{FieldModel, SystemField};
use crate::query::{QueryInput, RawFilter};
use crate::record::{Layout, Schema};

/// What some expressions over an object read.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Paths over relations whose records must be at hand.
    paths: Vec<String>,
    /// What is computed, each behind what it reads.
    computed: Vec<Computed>,
}

#[derive(Debug)]
struct Computed {
    /// The relations that lead to the record; empty for the record itself.
    prefix: String,
    /// Its object.
    layout: Arc<Layout>,
    field: String,
}

impl Reach {
    /// Of expressions that read these paths.
    pub(super) fn of<'p>(schema: &Schema, layout: &Arc<Layout>, paths: impl IntoIterator<Item = &'p String>) -> Self {
        let mut reach = Self::default();
        for path in paths {
            if path.contains('.') {
                reach.paths.push(path.clone());
            }
            reach.add(schema, layout, "", path);
        }
        reach.paths.sort_unstable();
        reach.paths.dedup();
        reach
    }

    /// A path from the record that the prefix leads to. Formulas in a circle are none of a catalogue.
    fn add(&mut self, schema: &Schema, layout: &Arc<Layout>, prefix: &str, path: &str) {
        let (relations, name) = path.rsplit_once('.').unwrap_or(("", path));
        let mut at = layout;
        for relation in relations.split('.').filter(|relation| !relation.is_empty()) {
            let reference = at.object.field(relation).and_then(|field| field.reference.as_ref());
            let Some(target) = reference.and_then(|reference| schema.layout(&reference.object)) else {
                return;
            };
            at = target;
        }
        let prefix = joined(prefix, relations);
        if !prefix.is_empty() {
            // The id is always there: the record is wanted, and not what its field points to.
            self.paths.push(joined(&prefix, SystemField::Id.name()));
        }
        let known = |known: &Computed| known.prefix == prefix && known.field == name;
        let Some(field) = at.object.field(name).filter(|field| !field.stored()) else {
            return;
        };
        if self.computed.iter().any(known) {
            return;
        }
        for read in field.formula.iter().flat_map(|formula| formula.fields()) {
            self.add(schema, at, &prefix, read);
        }
        self.computed.push(Computed {
            prefix,
            layout: Arc::clone(at),
            field: field.name.clone(),
        });
    }
}

fn joined(prefix: &str, name: &str) -> String {
    match (prefix, name) {
        ("", name) => name.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, name) => format!("{prefix}.{name}"),
    }
}

impl Engine {
    /// The record with everything that the expressions read.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn reached(
        &self,
        draft: &Draft<'_>,
        layout: &Layout,
        record: Map<String, Value>,
        reach: &Reach,
    ) -> Result<Value> {
        let mut record = Value::Object(self.with_relations(draft, layout, record, &reach.paths).await?);
        for wanted in &reach.computed {
            let mut hops = wanted.prefix.split('.').filter(|hop| !hop.is_empty());
            let here = hops.try_fold(&record, |at, hop| at.get(hop));
            let (Some(here), Some(field)) = (
                here.filter(|here| here.is_object()),
                wanted.layout.object.field(&wanted.field),
            ) else {
                continue;
            };
            let value = match &field.formula {
                Some(formula) => computed(&field.name, formula, field.limits.scale, here, draft.caller),
                None => {
                    let id = here
                        .get(SystemField::Id.name())
                        .and_then(Value::as_str)
                        .map(str::to_owned);
                    self.stored_figure(draft, &wanted.layout, field, id.as_deref()).await?
                }
            };
            if let Value::Object(fields) = &mut record {
                insert(fields, &joined(&wanted.prefix, &wanted.field), value);
            }
        }
        Ok(record)
    }

    /// A figure over the child records that are stored, whoever may see them.
    async fn stored_figure(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        field: &FieldModel,
        id: Option<&str>,
    ) -> Result<Value> {
        let counts = field
            .summary
            .as_ref()
            .is_some_and(|summary| summary.function == SummaryFunction::Count);
        let nothing = if counts { Value::from(0) } else { Value::Null };
        let Some(id) = id else { return Ok(nothing) };
        let granted = Granted::system();
        let search = Search {
            schema: draft.schema,
            layout,
            caller: draft.caller,
            granted: &granted,
        };
        let query = QueryInput {
            fields: Some(vec![field.name.clone()]),
            filter: Some(RawFilter::equals(SystemField::Id.name(), id)),
            limit: Some(1),
            count: Some(false),
            ..QueryInput::default()
        };
        let found = self.page(&search, &query).await?;
        let records: Vec<Map<String, Value>> =
            serde_json::from_slice(&found.records).map_err(|error| DataError::internal(error.to_string()))?;
        let stored = records.into_iter().next();
        Ok(stored
            .and_then(|mut record| record.shift_remove(&field.name))
            .unwrap_or(nothing))
    }
}
