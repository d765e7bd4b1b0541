//! Earlier versions of records of objects with `versioning`: kept in the unit of the change that made them, read with the rights
//! on the record as it is now, and brought back by an ordinary change.
//!
//! `snapshot` keeps the whole record after each change; `delta` keeps the fields that changed, before and after, and an earlier
//! version is found by walking back from the record as it is. What is older than the retention goes with the next change of
//! the record. Secrets are never kept. What a version shows is masked as the record itself is; bringing it back is not.

use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::events;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::ApiMethod;
use serde_json::{Map, Value, json};

use super::access::Granted;
use super::answer::{RecordAnswer, document};
use super::commit::Change;
use super::draft::{Draft, Known, Part, Stored};
use super::get::not_found;
use super::{Engine, Fields, check_method, layout_of, store_record};
use crate::error::{DataError, Result};
use crate::model::{SystemField, VersioningModel};
use crate::query::sql::SqlWriter;
use crate::record::mask::masked;
use crate::record::{Form, Layout, Schema, moment};
use crate::store::{Expect, SqlValue, Statement};
use crate::validate::{normalise, stamp};

/// The object that holds them.
const VERSIONS: &str = "sys_record_version";
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Versions in one answer.
const PAGE: u64 = 200;

/// One kept version, as it was stored.
#[derive(Clone, Debug)]
struct Kept {
    number: i64,
    change: String,
    changed_by: Value,
    created_at: Value,
    changed_fields: Vec<String>,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
}

/// The versions of a record as far as a caller may see them.
struct Past {
    /// Latest first.
    kept: Vec<Kept>,
    /// The record as it is: the fields that may be read, as they are stored.
    record: Fields,
    granted: Granted,
}

/// The number of a stored record's version; 0 for one from before there were versions.
pub(super) fn number_of(layout: &Layout, values: &[SqlValue]) -> Option<i64> {
    let column = layout.system_column(SystemField::Version)?;
    match values[column] {
        SqlValue::Integer(number) => Some(number),
        _ => Some(0),
    }
}

/// Adds the steps that keep a version.
pub(super) fn keep(
    draft: &mut Draft<'_>,
    layout: &Layout,
    id: &str,
    event: &'static str,
    before: Option<&Stored>,
    after: Option<&Stored>,
) -> Result<()> {
    let Some(versioning) = &layout.object.versioning else {
        return Ok(());
    };
    let versions = Arc::clone(layout_of(draft.schema, VERSIONS)?);
    if event == events::RECORD_PURGED {
        let statement = forget(&versions, layout, id, None);
        draft.push(Part::Event, statement, Expect::Anything);
        return Ok(());
    }
    let row = row(draft, layout, versioning, id, event, before, after);
    let mut values = vec![SqlValue::Null; versions.columns.len()];
    for (column, value) in values.iter_mut().enumerate() {
        let field = versions.field(column);
        *value = match row.get(&field.name) {
            Some(given) => normalise(field, given, draft.caller).map_err(|error| DataError::internal(error.message))?,
            None => SqlValue::Null,
        };
    }
    draft.push(Part::Event, store_record::insert(&versions, &values), Expect::Anything);
    if let Some(days) = versioning.retention_days {
        let limit = stamp(draft.caller.now_ms.saturating_sub(days.saturating_mul(DAY_MS)));
        let statement = forget(&versions, layout, id, Some(limit));
        draft.push(Part::Event, statement, Expect::Anything);
    }
    Ok(())
}

fn row(
    draft: &Draft<'_>,
    layout: &Layout,
    versioning: &VersioningModel,
    id: &str,
    event: &'static str,
    before: Option<&Stored>,
    after: Option<&Stored>,
) -> Map<String, Value> {
    let change = match (event, before, after) {
        (events::RECORD_RESTORED, ..) => "restore",
        (_, None, _) => "insert",
        (_, _, None) => "delete",
        _ => "update",
    };
    let (old, new) = (
        before.map(|values| document(layout, values)),
        after.map(|values| document(layout, values)),
    );
    let changed = changed_fields(old.as_ref(), new.as_ref());
    let part = |record: Option<&Map<String, Value>>| match record {
        None => Value::Null,
        Some(record) if versioning.delta && before.is_some() && after.is_some() => {
            let only = record.iter().filter(|(name, _)| changed.contains(name));
            Value::Object(only.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        Some(record) => Value::Object(record.clone()),
    };
    // A deleted record has no number of its own any more: it takes the next one.
    let number = match (after, before) {
        (Some(values), _) => number_of(layout, values).unwrap_or_default(),
        (None, Some(values)) => number_of(layout, values).unwrap_or_default() + 1,
        (None, None) => 0,
    };
    let now = stamp(draft.caller.now_ms);
    let by = draft.caller.context.user();
    let row = json!({
        "id": uuid::Uuid::now_v7().simple().to_string(),
        "object_name": layout.object.name,
        "record_id": id,
        "number": number,
        "change": change,
        "changed_fields": changed,
        "before": if versioning.delta { part(old.as_ref()) } else { Value::Null },
        "after": part(new.as_ref()),
        "changed_by": if by.is_empty() { Value::Null } else { json!(by) },
        "created_at": now,
        "updated_at": now,
    });
    match row {
        Value::Object(row) => row,
        _ => Map::new(),
    }
}

fn changed_fields(old: Option<&Map<String, Value>>, new: Option<&Map<String, Value>>) -> Vec<String> {
    let (Some(old), Some(new)) = (old, new) else {
        return Vec::new();
    };
    new.iter()
        .filter(|(name, value)| old.get(*name) != Some(value))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Forgets the versions of a record, or those from before a moment.
fn forget(versions: &Layout, layout: &Layout, id: &str, before: Option<String>) -> Statement {
    let mut writer = SqlWriter::new(versions.dialect);
    writer.push("DELETE FROM ").push(&versions.table);
    of_record(&mut writer, layout, id);
    if let Some(before) = before {
        writer.push(" AND ").name("created_at").push(" < ").value(before.into());
    }
    writer.finish()
}

fn of_record(writer: &mut SqlWriter, layout: &Layout, id: &str) {
    writer
        .push(" WHERE ")
        .name("object_name")
        .push(" = ")
        .value(layout.object.name.as_str().into());
    writer.push(" AND ").name("record_id").push(" = ").value(id.into());
}

impl Engine {
    /// The versions of a record, latest first: `{object, id, versions, total}`.
    ///
    /// # Errors
    /// `RecordNotFound`, `MethodDisabled` for an object that keeps none; those of access and of the store.
    pub async fn versions(&self, context: &Context, object: &str, id: &str, offset: u64) -> Result<Value> {
        let answer = async {
            let Past {
                kept, record: current, ..
            } = self.kept_versions(context, object, id).await?;
            let total = kept.len();
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
            let list: Vec<Value> = kept
                .iter()
                .skip(offset)
                .take(page)
                .map(|version| {
                    let seen = version.changed_fields.iter().filter(|name| current.contains_key(*name));
                    json!({
                        "version": version.number,
                        "change": version.change,
                        "changedBy": version.changed_by,
                        "changedAt": version.created_at,
                        "changes": seen.collect::<Vec<_>>(),
                    })
                })
                .collect();
            Ok::<_, DataError>(json!({ "object": object, "id": id, "versions": list, "total": total }))
        };
        let answer = answer.await;
        self.told(context, answer).await
    }

    /// A record as it was: `{object, id, version, record}`.
    ///
    /// # Errors
    /// As [`Engine::versions`]; `RecordNotFound` also for a version that is not kept.
    pub async fn version(&self, context: &Context, object: &str, id: &str, number: i64) -> Result<Value> {
        let answer = self.as_it_was(context, object, id, number).await;
        let (mut record, granted) = self.told(context, answer).await?;
        put_on_masks(&mut record, layout_of(&self.schema(), object)?, &granted);
        Ok(json!({ "object": object, "id": id, "version": number, "record": record }))
    }

    /// Makes a record again what it was, by an ordinary change with all its rules, rights and events.
    ///
    /// # Errors
    /// As [`Engine::version`] and [`Engine::update`].
    pub async fn restore_version(
        &self,
        context: &Context,
        object: &str,
        id: &str,
        number: i64,
        expected: Option<String>,
    ) -> Result<RecordAnswer> {
        let answer = self.as_it_was(context, object, id, number).await;
        // Not masked: a mask that is written back would be taken for a value.
        let (mut record, granted) = self.told(context, answer).await?;
        let schema = self.schema();
        let layout = layout_of(&schema, object)?;
        let now = self.read_stored(layout, id).await?;
        let now = now.map(|values| document(layout, &values)).unwrap_or_default();
        // What the engine keeps itself goes on from where it is, and secrets were never kept.
        record.retain(|name, value| {
            let value = &*value;
            layout.object.field(name).is_some_and(|field| {
                let own = field.system.is_none_or(|part| part == SystemField::OwnerId);
                let secret = Form::of(field).is_kept_back();
                // What is masked and is what it was is no change, so that nobody needs a right for it.
                let same = !granted.knows(name) && now.get(name) == Some(value);
                own && !same && !field.readonly && field.stored() && field.autonumber.is_none() && !secret
            })
        });
        self.write_one(
            context,
            Change::Update {
                object: object.to_owned(),
                id: id.to_owned(),
                record,
                expected,
            },
        )
        .await
    }

    /// The fields that may be read, as they were stored then.
    async fn as_it_was(&self, context: &Context, object: &str, id: &str, number: i64) -> Result<(Fields, Granted)> {
        let Past {
            kept,
            mut record,
            granted,
        } = self.kept_versions(context, object, id).await?;
        let missing = || DataError::RecordNotFound {
            object: object.to_owned(),
            id: format!("{id}, version {number}"),
        };
        let wanted = kept
            .iter()
            .find(|version| version.number == number)
            .ok_or_else(missing)?;
        let readable: Vec<String> = record.keys().cloned().collect();
        if wanted.before.is_none() {
            // A whole record, but for a deletion, which has none.
            record = wanted.after.clone().ok_or_else(missing)?;
        } else {
            for version in kept.iter().take_while(|version| version.number > number) {
                // A deletion has no record after it; the change that brought it back tells what it was.
                if let (Some(before), Some(_)) = (&version.before, &version.after) {
                    record.extend(before.clone());
                }
            }
        }
        record.retain(|name, _| readable.contains(name));
        Ok((record, granted))
    }

    /// The versions of a record that the caller can see, latest first, and the record as it is, as far as it may be read.
    async fn kept_versions(&self, context: &Context, object: &str, id: &str) -> Result<Past> {
        let schema = self.schema();
        let layout = layout_of(&schema, object)?;
        let granted = self.granted(context, layout, Operation::Read).await?;
        if !granted.system {
            check_method(layout, ApiMethod::History)?;
        }
        let Some(versioning) = &layout.object.versioning else {
            return Err(DataError::MethodDisabled {
                object: object.to_owned(),
                method: "history",
            });
        };
        let caller = self.caller(context);
        caller.learn(&granted);
        let known = Known::default();
        let draft = self.draft(&schema, &caller, &known, false);
        let current = self
            .read_visible(&draft, layout, &granted, id)
            .await?
            .ok_or_else(|| not_found(object, id))?;
        let mut record = document(layout, &current);
        record.retain(|name, _| granted.reads(name));
        let kept = self.kept_rows(&schema, layout, id, versioning, caller.now_ms).await?;
        Ok(Past { kept, record, granted })
    }

    async fn kept_rows(
        &self,
        schema: &Schema,
        layout: &Layout,
        id: &str,
        versioning: &VersioningModel,
        now_ms: i64,
    ) -> Result<Vec<Kept>> {
        let versions = layout_of(schema, VERSIONS)?;
        let mut writer = SqlWriter::new(self.parts.store.dialect());
        writer.push("SELECT ");
        writer.list(", ", &versions.columns, |writer, column| {
            writer.name(&column.name);
        });
        writer.push(" FROM ").push(&versions.table);
        of_record(&mut writer, layout, id);
        writer.push(" ORDER BY ").name("number").push(" DESC");
        let mut kept = Vec::new();
        let mut reader = self.parts.store.reader().await?;
        reader
            .read(&writer.finish(), &mut |row| {
                kept.push(document(versions, &super::relations::stored(versions, row)));
            })
            .await?;
        let oldest = versioning
            .retention_days
            .and_then(|days| moment::from_ms(now_ms.saturating_sub(days.saturating_mul(DAY_MS))));
        let mut kept: Vec<Kept> = kept.into_iter().map(read_kept).collect();
        if let Some(oldest) = oldest {
            kept.retain(|version| version.created_at.as_str().is_none_or(|at| at >= oldest.as_str()));
        }
        Ok(kept)
    }
}

/// Puts on the masks through which the caller sees the record.
fn put_on_masks(record: &mut Fields, layout: &Layout, granted: &Granted) {
    for name in granted.view.iter().flat_map(|view| &view.masked) {
        let mask = layout.object.field(name).and_then(|field| field.mask.as_deref());
        if let (Some(mask), Some(value)) = (mask, record.get_mut(name)) {
            *value = masked(mask, value);
        }
    }
}

fn read_kept(mut row: Map<String, Value>) -> Kept {
    let mut take = |name: &str| row.remove(name).unwrap_or_default();
    let map = |value: Value| match value {
        Value::Object(map) => Some(map),
        _ => None,
    };
    let number = take("number");
    Kept {
        number: number.as_i64().unwrap_or_default(),
        change: take("change").as_str().unwrap_or_default().to_owned(),
        changed_by: take("changed_by"),
        created_at: take("created_at"),
        changed_fields: serde_json::from_value(take("changed_fields")).unwrap_or_default(),
        before: map(take("before")),
        after: map(take("after")),
    }
}
