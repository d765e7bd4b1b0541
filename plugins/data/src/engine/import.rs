//! Many records from a file: made, changed, or either, each for itself, with all that is wrong told by row and line. A dry run
//! plans and tries every row, with its rules, rights and unique values, and stores nothing.

mod cell;
pub(super) mod rows;

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::events::DATA_IMPORT;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::ApiMethod;
use serde_json::{Map, Value, json};

use self::rows::ImportRow;
use super::access::Granted;
use super::answer::to_json;
use super::commit::Change;
use super::draft::{Effect, Known};
use super::find::Search;
use super::summary::Summary;
use super::upsert::Key;
use super::{Engine, Fields, check_method, layout_of};
use crate::error::{DataError, Result};
use crate::model::{CurrencyModel, FieldSettings, SystemField};
use crate::record::{Layout, Schema};

/// Rows that are written at the same time: they share commits.
const AT_ONCE: usize = 64;
/// Rows of one file.
const ROWS_MAX: usize = 50_000;
/// Rows that are told of by name when they fail.
const ERRORS_MAX: usize = 1_000;

/// What is done with a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImportMode {
    /// Makes a record.
    #[default]
    Insert,
    /// Changes the record that is there.
    Update,
    /// Changes the record if it is there, and makes it if not.
    Upsert,
}

impl ImportMode {
    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "insert" | "create" => Some(Self::Insert),
            "update" => Some(Self::Update),
            "upsert" => Some(Self::Upsert),
            _ => None,
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
        }
    }
}

/// How rows are read and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// What is done.
    pub mode: ImportMode,
    /// The field that tells which record a row means; `id` when nothing is said.
    pub external_id: Option<String>,
    /// Nothing is stored.
    pub dry_run: bool,
    /// Cells are texts that the fields give a type.
    pub cells: bool,
    /// The answer tells of every row what became of it.
    pub results: bool,
    /// What the records were is kept, so that they can become it again.
    pub undo: bool,
}

/// What became of rows so far.
#[derive(Debug, Default)]
pub struct ImportTally {
    /// Records that were made.
    pub created: u64,
    /// Records that were changed.
    pub updated: u64,
    /// Rows that were refused.
    pub failed: u64,
    /// The refused rows, as far as they are told of by name.
    pub errors: Vec<Value>,
    /// Every row, when that is wanted.
    pub results: Vec<Value>,
    /// `{id, version}` of a record that was made, `{id, version, before}` of one that was changed, when that is wanted; `before` is
    /// null where the caller may not know it.
    pub changes: Vec<Value>,
}

impl ImportTally {
    /// Rows that were looked at.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.created + self.updated + self.failed
    }

    fn take(&mut self, number: usize, line: Option<usize>, result: Result<Done>, options: &ImportOptions) {
        if options.results {
            self.results.push(match &result {
                Ok(done) => done.told(number),
                Err(error) => told_as_failed(number, error),
            });
        }
        match result {
            Ok(Done::Created(written)) => {
                self.created += 1;
                let change = written.filter(|_| options.undo).map(|written| written.to_change());
                self.changes.extend(change);
            }
            Ok(Done::Updated(written, before)) => {
                self.updated += 1;
                let change = written.filter(|_| options.undo).map(|written| {
                    let mut change = written.to_change();
                    change["before"] = before.map_or(Value::Null, Value::Object);
                    change
                });
                self.changes.extend(change);
            }
            Err(error) => {
                self.failed += 1;
                if self.errors.len() < ERRORS_MAX {
                    self.errors.push(told(number, line, &error));
                }
            }
        }
    }
}

/// How rows say which record they mean.
struct ImportKey {
    /// The field.
    name: String,
    /// What the caller sees of the records; none at all without it.
    granted: Option<Granted>,
}

/// The record of a row, as it was stored.
struct WrittenRow {
    id: String,
    /// Its `updated_at`.
    version: Option<String>,
}

impl WrittenRow {
    /// `{id, version}`
    fn to_change(&self) -> Value {
        json!({ "id": self.id, "version": self.version })
    }
}

/// What became of one row, with its record when it was stored.
enum Done {
    Created(Option<WrittenRow>),
    /// With what its fields were, as far as the caller may know it.
    Updated(Option<WrittenRow>, Option<Fields>),
}

impl Done {
    fn told(&self, number: usize) -> Value {
        let (action, written) = match self {
            Self::Created(written) => ("created", written),
            Self::Updated(written, _) => ("updated", written),
        };
        let mut out = json!({ "row": number, "ok": true, "action": action });
        if let Some(written) = written {
            out["id"] = json!(written.id);
        }
        out
    }
}

impl Engine {
    /// Puts rows in, and tells of it by `data.import`. Answers `{object, mode, dryRun, success, total, created, updated, failed, errors}`.
    ///
    /// # Errors
    /// `TooMany`, `MethodDisabled`, `UnknownFields` for an external id that is none; what is wrong with rows is in the answer.
    pub async fn import(
        &self,
        context: &Context,
        object: &str,
        rows: Vec<ImportRow>,
        options: &ImportOptions,
    ) -> Result<Value> {
        let answer = self.import_rows(context, object, rows, options).await;
        self.told(context, answer).await
    }

    async fn import_rows(
        &self,
        context: &Context,
        object: &str,
        rows: Vec<ImportRow>,
        options: &ImportOptions,
    ) -> Result<Value> {
        let total = rows.len();
        let mut tally = ImportTally::default();
        self.import_part(context, object, rows, options, &mut tally).await?;
        self.tell_import(context, object, options, &tally).await?;
        let mut answer = json!({
            "object": object,
            "mode": options.mode.name(),
            "dryRun": options.dry_run,
            "success": tally.failed == 0,
            "total": total,
            "created": tally.created,
            "updated": tally.updated,
            "failed": tally.failed,
            "errors": tally.errors,
        });
        if options.results {
            answer["results"] = Value::Array(tally.results);
        }
        Ok(answer)
    }

    /// Whether the caller may import so many rows.
    ///
    /// # Errors
    /// As [`Engine::import`].
    pub async fn check_import(
        &self,
        context: &Context,
        object: &str,
        rows: usize,
        options: &ImportOptions,
    ) -> Result<()> {
        if rows > ROWS_MAX {
            return Err(DataError::TooMany {
                what: "rows",
                count: rows,
                max: ROWS_MAX,
            });
        }
        let schema = self.schema();
        let layout = layout_of(&schema, object)?;
        if !context.system() {
            check_method(layout, ApiMethod::Import)?;
        }
        // Whoever may do none of it is refused as a whole, not row by row.
        let needed = match options.mode {
            ImportMode::Insert | ImportMode::Upsert => Operation::Create,
            ImportMode::Update => Operation::Update,
        };
        self.granted(context, layout, needed).await?;
        self.import_key(context, layout, options).await.map(drop)
    }

    /// Puts some of the rows in, and counts them.
    ///
    /// # Errors
    /// As [`Engine::import`].
    pub async fn import_part(
        &self,
        context: &Context,
        object: &str,
        rows: Vec<ImportRow>,
        options: &ImportOptions,
        tally: &mut ImportTally,
    ) -> Result<()> {
        self.check_import(context, object, rows.len(), options).await?;
        let schema = self.schema();
        let layout = layout_of(&schema, object)?;
        let key = self.import_key(context, layout, options).await?;
        let mut rows = rows.into_iter();
        loop {
            let chunk: Vec<ImportRow> = rows.by_ref().take(AT_ONCE).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            let at_once = if independent(&chunk, &key.name, options.mode) {
                AT_ONCE
            } else {
                1
            };
            let places: Vec<(usize, Option<usize>)> = chunk.iter().map(|row| (row.number, row.line)).collect();
            let one = |row: ImportRow| self.import_row(context, &schema, layout, row, options, &key);
            let results: Vec<Result<Done>> = stream::iter(chunk.into_iter().map(one))
                .buffered(at_once)
                .collect()
                .await;
            for ((number, line), result) in places.into_iter().zip(results) {
                tally.take(number, line, result, options);
            }
        }
    }

    /// Tells of an import by `data.import`. A dry run is none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn tell_import(
        &self,
        context: &Context,
        object: &str,
        options: &ImportOptions,
        tally: &ImportTally,
    ) -> Result<()> {
        if options.dry_run || tally.rows() == 0 {
            return Ok(());
        }
        let schema = self.schema();
        let summary = Summary {
            name: DATA_IMPORT,
            verb: "imported",
            done: tally.created + tally.updated,
            failed: tally.failed,
            metadata: Map::from_iter([
                ("mode".to_owned(), json!(options.mode.name())),
                ("created".to_owned(), json!(tally.created)),
                ("updated".to_owned(), json!(tally.updated)),
            ]),
        };
        self.tell_summary(context, layout_of(&schema, object)?, summary).await
    }

    /// By which field it is told which record is meant, and which records may be found by it. The field is one that the caller
    /// sees as it is.
    async fn import_key(&self, context: &Context, layout: &Layout, options: &ImportOptions) -> Result<ImportKey> {
        let name = options.external_id.as_deref().unwrap_or(SystemField::Id.name());
        let granted = match self.granted(context, layout, Operation::Read).await {
            Err(DataError::Denied { .. }) if options.external_id.is_none() => {
                // Whoever may change records without reading them knows their ids from elsewhere.
                self.granted(context, layout, Operation::Update).await
            }
            granted => granted,
        };
        let granted = match granted {
            Ok(granted) => Some(granted),
            Err(DataError::Denied { .. }) => None,
            Err(error) => return Err(error),
        };
        let knows = match &granted {
            Some(granted) => granted.knows(name),
            None => options.external_id.is_none(),
        };
        match layout.object.field(name).filter(|field| field.stored() && knows) {
            Some(field) => Ok(ImportKey {
                name: field.name.clone(),
                granted,
            }),
            None => Err(DataError::UnknownFields {
                object: layout.object.name.clone(),
                fields: vec![name.to_owned()],
                nearest: None,
            }),
        }
    }

    async fn import_row(
        &self,
        context: &Context,
        schema: &Schema,
        layout: &Arc<Layout>,
        row: ImportRow,
        options: &ImportOptions,
        key: &ImportKey,
    ) -> Result<Done> {
        let mut record = row.record?;
        if options.cells {
            cell::give_types(layout, &mut record);
        }
        leave_out(layout, &mut record);
        let object = layout.object.name.clone();
        let known = match options.mode {
            ImportMode::Insert => None,
            ImportMode::Update | ImportMode::Upsert => {
                self.import_target(context, schema, layout, &record, key).await?
            }
        };
        let change = match (known, options.mode) {
            (Some(id), _) => Change::Update {
                object,
                id,
                record,
                expected: None,
            },
            (None, ImportMode::Update) => {
                let id = record
                    .get(&key.name)
                    .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                return Err(DataError::RecordNotFound {
                    object,
                    id: id.unwrap_or_default(),
                });
            }
            (None, _) => Change::Create { object, record },
        };
        let changes = [change];
        let written = self
            .write(context, schema, &changes, options.dry_run)
            .await
            .map_err(|failure| failure.error)?;
        for effect in &written.effects {
            // What a handler makes of the record is for whoever is answered with it.
            self.after_hook(context, effect).await;
        }
        let before = match &changes {
            [Change::Update { id, record, .. }] if options.undo => what_was(layout, key, id, record, &written.effects),
            _ => None,
        };
        let planned = written.planned.into_iter().next().filter(|_| !options.dry_run);
        let written = planned.map(|planned| {
            let after = planned.after.as_ref();
            let version = after.and_then(|values| values.get(layout.updated_at)?.as_text().map(str::to_owned));
            WrittenRow {
                id: planned.id,
                version,
            }
        });
        Ok(match changes {
            [Change::Update { .. }] => Done::Updated(written, before),
            _ => Done::Created(written),
        })
    }

    /// Id of the record that a row means, as far as the caller sees it.
    async fn import_target(
        &self,
        context: &Context,
        schema: &Schema,
        layout: &Arc<Layout>,
        record: &Fields,
        key: &ImportKey,
    ) -> Result<Option<String>> {
        let value = record.get(&key.name).filter(|value| !value.is_null());
        let (Some(value), Some(granted)) = (value, &key.granted) else {
            return Ok(None);
        };
        let caller = self.caller(context);
        caller.learn(granted);
        if key.name == SystemField::Id.name() {
            let Some(id) = value.as_str() else { return Ok(None) };
            let known = Known::default();
            let draft = self.draft(schema, &caller, &known, false);
            let seen = self.read_visible(&draft, layout, granted, id).await?;
            return Ok(seen.map(|_| id.to_owned()));
        }
        let search = Search {
            schema,
            layout,
            caller: &caller,
            granted,
        };
        let field = layout.object.field(&key.name);
        match field.and_then(|field| Key::new(&search, field, value, record)) {
            Some(key) => self.id_by(&search, &key).await,
            None => Ok(None),
        }
    }
}

/// What the engine keeps, counts or computes itself comes with every exported record, and is not meant.
fn leave_out(layout: &Layout, record: &mut Fields) {
    record.retain(|name, _| {
        layout.object.field(name).is_none_or(|field| {
            let own = matches!(field.system, None | Some(SystemField::Id | SystemField::OwnerId));
            own && field.stored() && field.autonumber.is_none()
        })
    });
}

/// What the fields were that a row has changed. None when the caller may not know one of them as it is: a mask that is written
/// back, or nothing in the place of a secret, would destroy what it stands for.
fn what_was(layout: &Layout, key: &ImportKey, id: &str, record: &Fields, effects: &[Effect]) -> Option<Fields> {
    let own = |effect: &&Effect| effect.id == id && effect.layout.object.name == layout.object.name;
    let effect = effects.iter().find(own)?;
    let (before, after) = (effect.before.as_ref()?, effect.after.as_ref()?);
    let mut was = Fields::new();
    for (column, field) in (0..layout.columns.len()).map(|column| (column, layout.field(column))) {
        if before[column] == after[column] || !is_of_row(layout, record, &field.name) {
            continue;
        }
        let known = key.granted.as_ref().is_some_and(|granted| granted.knows(&field.name));
        if field.is_secret() || !known {
            return None;
        }
        was.insert(
            field.name.clone(),
            to_json(layout.columns[column].form, &before[column]),
        );
    }
    Some(was)
}

/// Whether a row sets a field: by its name, or as the currency of an amount.
fn is_of_row(layout: &Layout, record: &Fields, name: &str) -> bool {
    record.contains_key(name)
        || record.keys().any(|given| {
            let settings = layout.object.field(given).map(|field| &field.settings);
            matches!(settings, Some(FieldSettings::Currency(CurrencyModel::Dynamic(beside))) if beside == name)
        })
}

/// No record twice: their order does not matter.
fn independent(rows: &[ImportRow], key: &str, mode: ImportMode) -> bool {
    let mut seen = HashSet::new();
    mode == ImportMode::Insert
        || rows.iter().all(|row| match &row.record {
            Ok(record) => match record.get(key) {
                None | Some(Value::Null) => true,
                Some(value) => seen.insert(value.to_string().to_lowercase()),
            },
            Err(_) => true,
        })
}

fn told_as_failed(number: usize, error: &DataError) -> Value {
    let mut out = json!({
        "row": number,
        "ok": false,
        "action": "failed",
        "code": error.code(),
        "error": error.to_string(),
    });
    if let Some(field) = error.details()["fields"][0]["field"].as_str() {
        out["field"] = json!(field);
    }
    out
}

fn told(number: usize, line: Option<usize>, error: &DataError) -> Value {
    let mut out = json!({ "row": number, "code": error.code(), "message": error.to_string() });
    if let Some(line) = line {
        out["line"] = json!(line);
    }
    if let Some(fields) = error.details().get("fields") {
        out["fields"] = fields.clone();
    }
    out
}
