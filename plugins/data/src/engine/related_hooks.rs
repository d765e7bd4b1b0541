//! Handlers and the records that come by relations: they narrow those and see them as they do where the object is asked for
//! itself, once for each relation of an answer, however many records there are. Before anything is read, the query of each
//! is narrowed; only the ids that it is about are added later, so that nobody widens those. What was found is shown before it
//! takes its place in the answer.
//!
//! Paths (`gate.name`) run no hooks: the database follows them by itself, and a policy is what guards them. Called by `find`,
//! `get` and `expand`.

use std::collections::HashMap;

use objectos_plugin_api::Context;
use serde_json::{Map, Value};

use super::Engine;
use super::access::Granted;
use super::find::Search;
use super::paths::{expanded, lets_in};
use super::ports::HookPoint;
use crate::error::{DataError, Result};
use crate::model::SystemField;
use crate::query::{EXPAND_DEPTH_MAX, QueryInput, check_relations};
use crate::record::{Layout, Schema};
use crate::store::BoxFuture;

/// A record that came by a relation.
pub(super) struct RelatedRecord {
    /// The id by which it is asked for: its own, or that of its parent.
    pub(super) key: String,
    /// Its own id; empty where no handler sees it.
    pub(super) id: String,
    /// As JSON.
    pub(super) bytes: Vec<u8>,
}

/// Who asks, and for what.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) context: &'a Context,
    pub(super) schema: &'a Schema,
    /// What the caller may do with the object that is asked for.
    pub(super) granted: &'a Granted,
}

impl Engine {
    /// The query, its relations as the handlers of their objects leave them.
    ///
    /// # Errors
    /// Those of hooks, and of a query that a handler made; `InvalidQuery` where handlers expand too many relations together.
    pub(super) async fn before_related(
        &self,
        asking: Asking<'_>,
        layout: &Layout,
        mut query: QueryInput,
    ) -> Result<QueryInput> {
        if !query.expand.is_empty() {
            let mut relations = query.relations();
            self.narrow_related(asking, layout, &mut query, &mut relations, 0)
                .await?;
        }
        Ok(query)
    }

    /// `relations`: how many the whole query expands, as handlers have left it so far. Each of them may add some, so what one of
    /// them made is not looked at alone.
    fn narrow_related<'a>(
        &'a self,
        asking: Asking<'a>,
        layout: &'a Layout,
        query: &'a mut QueryInput,
        relations: &'a mut usize,
        depth: usize,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            // What is deeper is refused when it is read.
            if depth >= EXPAND_DEPTH_MAX {
                return Ok(());
            }
            for (name, nested) in &mut query.expand {
                let Some((target, method)) = expanded(asking.schema, layout, name) else {
                    continue;
                };
                let object = target.object.name.as_str();
                if self.parts.hooks.armed(HookPoint::BeforeFind, object) {
                    let seen = asking.granted.system
                        || (lets_in(target, method, nested)
                            && self.granted_read(asking.context, target).await?.is_some());
                    // Nobody is asked about records that the caller gets none of.
                    if !seen {
                        continue;
                    }
                    let before = nested.relations();
                    *nested = self.before_find(asking.context, object, std::mem::take(nested)).await?;
                    *relations = *relations - before + nested.relations();
                    check_relations(*relations)?;
                }
                if !nested.expand.is_empty() {
                    self.narrow_related(asking, target, nested, relations, depth + 1)
                        .await?;
                }
            }
            Ok(())
        })
    }

    /// Whether handlers see records that come by a relation of the query, before the caller does.
    pub(super) fn shows_related(&self, schema: &Schema, layout: &Layout, query: &QueryInput) -> bool {
        query.expand.iter().any(|(name, nested)| {
            expanded(schema, layout, name).is_some_and(|(target, _)| {
                self.parts.hooks.armed(HookPoint::AfterFind, &target.object.name)
                    || self.shows_related(schema, target, nested)
            })
        })
    }

    /// The records as handlers leave them, in the order in which they do, each under the id by which it is asked for. `put_back`:
    /// what stood aside for these handlers alone takes its place again.
    ///
    /// # Errors
    /// Those of hooks.
    pub(super) async fn after_related(
        &self,
        search: &Search<'_>,
        query: &QueryInput,
        found: Vec<RelatedRecord>,
        put_back: bool,
    ) -> Result<Vec<RelatedRecord>> {
        if found.is_empty() {
            return Ok(found);
        }
        let written = |error: serde_json::Error| DataError::internal(error.to_string());
        let mut places = Places::with_capacity(found.len());
        let mut shown = Vec::with_capacity(found.len());
        for record in &found {
            let fields: Map<String, Value> = serde_json::from_slice(&record.bytes).map_err(written)?;
            shown.push(places.show(record, fields));
        }
        let object = search.layout.object.name.as_str();
        let (mut left, changed) = self.shown(search.caller.context, object, query, shown).await?;
        let aside = search.caller.aside.as_ref().filter(|_| put_back);
        if !changed && aside.is_none_or(|aside| aside.is_empty()) {
            return Ok(found);
        }
        if let Some(aside) = aside {
            aside.put_back(&mut left).map_err(written)?;
        }
        let mut records = Vec::with_capacity(left.len());
        for fields in left {
            if let Some((key, id, fields)) = places.take(fields) {
                let bytes = serde_json::to_vec(&fields).map_err(written)?;
                records.push(RelatedRecord { key, id, bytes });
            }
        }
        Ok(records)
    }
}

/// Where records belong, by their ids, and what their answers have under the name of the id.
struct Places(HashMap<String, (String, Option<Value>)>);

impl Places {
    fn with_capacity(records: usize) -> Self {
        Self(HashMap::with_capacity(records))
    }

    /// The record for handlers: with its id, by which it is known afterwards.
    fn show(&mut self, record: &RelatedRecord, mut fields: Map<String, Value>) -> Map<String, Value> {
        let told = fields.insert(SystemField::Id.name().to_owned(), Value::from(record.id.as_str()));
        self.0.insert(record.id.clone(), (record.key.clone(), told));
        fields
    }

    /// Where a record belongs that handlers left, its id, and the record with that again as it was asked for. What they added
    /// belongs nowhere, and neither does a second one.
    fn take(&mut self, mut fields: Map<String, Value>) -> Option<(String, String, Map<String, Value>)> {
        let name = SystemField::Id.name();
        let id = fields.get(name)?.as_str()?.to_owned();
        let (key, told) = self.0.remove(&id)?;
        match told {
            Some(told) => fields.insert(name.to_owned(), told),
            None => fields.shift_remove(name),
        };
        Some((key, id, fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_record_goes_back_to_where_it_belongs_and_is_told_as_it_was_asked_for() {
        let mut places = Places::with_capacity(3);
        let mut show = |key: &str, id: &str, fields: Value| {
            let record = RelatedRecord {
                key: key.to_owned(),
                id: id.to_owned(),
                bytes: Vec::new(),
            };
            Value::Object(places.show(&record, map(fields)))
        };
        assert_eq!(
            show("p1", "a", json!({ "name": "x" })),
            json!({ "name": "x", "id": "a" })
        );
        assert_eq!(
            show("p2", "b", json!({ "id": "b", "n": 1 })),
            json!({ "id": "b", "n": 1 })
        );
        // What was asked for under this name may be another field.
        assert_eq!(show("p1", "c", json!({ "id": "called b" })), json!({ "id": "c" }));
        let mut check = |left: Value, expected: Option<(&str, &str, Value)>| {
            let expected = expected.map(|(key, id, fields)| (key.to_owned(), id.to_owned(), map(fields)));
            assert_eq!(places.take(map(left)), expected);
        };
        check(
            json!({ "id": "c", "seen": true }),
            Some(("p1", "c", json!({ "id": "called b", "seen": true }))),
        );
        check(
            json!({ "name": "y", "id": "a" }),
            Some(("p1", "a", json!({ "name": "y" }))),
        );
        check(json!({ "name": "y", "id": "a" }), None);
        check(json!({ "id": "d" }), None);
        check(json!({ "name": "b" }), None);
        check(
            json!({ "id": "b", "n": 2 }),
            Some(("p2", "b", json!({ "id": "b", "n": 2 }))),
        );
    }
}
