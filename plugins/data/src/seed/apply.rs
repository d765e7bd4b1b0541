//! Applying seeds: recognise, resolve references, create or update; what waits for others comes round again. New records are
//! gathered and made many at once.

mod gathered;

use std::collections::HashMap;
use std::future::Future;

use objectos_plugin_api::protocol::data::{DatasetEnvironment, DatasetMode};
use objectos_plugin_api::{Error, Result};
use serde_json::{Map, Value};

use self::gathered::{Gathered, Seen};
use super::{SeedRecord, SeedSet};
use crate::app::Problem;
use crate::model::{Catalogue, FieldKind, FieldModel, ObjectModel, SystemField};

/// The engine as seeds need it. Everything runs as the system, with validation, hooks and events.
pub trait SeedSink: Send + Sync {
    /// Id of the record whose field has the value, deleted ones left out.
    fn find(&self, object: &str, field: &str, value: &Value) -> impl Future<Output = Result<Option<String>>> + Send;
    /// Makes a record and answers its id.
    fn create(&self, object: &str, record: Map<String, Value>) -> impl Future<Output = Result<String>> + Send;
    /// Makes records and answers their ids in their order; one that is refused does not keep the others from being made.
    /// Fails only where going on is useless.
    fn create_all(
        &self,
        object: &str,
        records: Vec<Map<String, Value>>,
    ) -> impl Future<Output = Result<Vec<Result<String>>>> + Send {
        let mut made = Vec::with_capacity(records.len());
        async move {
            for record in records {
                made.push(self.create(object, record).await);
            }
            Ok(made)
        }
    }
    /// Whether there is no record of an object, as far as that is cheap to know.
    fn empty(&self, object: &str) -> impl Future<Output = Result<bool>> + Send {
        let _ = object;
        async { Ok(false) }
    }
    /// Changes fields of a record.
    fn update(&self, object: &str, id: &str, record: Map<String, Value>) -> impl Future<Output = Result<()>> + Send;
    /// Deletes all records of an object.
    fn clear(&self, object: &str) -> impl Future<Output = Result<()>> + Send;
    /// The digest that was last remembered for a set.
    fn digest(&self, key: &str) -> impl Future<Output = Result<Option<String>>> + Send;
    /// Remembers the digest of a set.
    fn remember(&self, key: &str, digest: &str) -> impl Future<Output = Result<()>> + Send;
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct SeedReport {
    /// Records made.
    pub created: usize,
    /// Records changed.
    pub updated: usize,
    /// Records left as they were by the set's mode.
    pub skipped: usize,
    /// Sets that had been applied before.
    pub unchanged_sets: usize,
    /// Records that could not be put in, each with its place in the file.
    pub problems: Vec<Problem>,
}

/// Puts in every set of the catalogue that is meant for the environment and has changed since it was last put in.
///
/// # Errors
/// Only what makes going on useless (`Unavailable`, `Timeout`, `Cancelled`, `Internal` while looking up); a refused record is a
/// problem in the report, and its set is tried again at the next start.
pub async fn apply<S: SeedSink>(
    catalogue: &Catalogue,
    environment: DatasetEnvironment,
    sink: &S,
) -> Result<SeedReport> {
    let mut run = Run {
        catalogue,
        sink,
        report: SeedReport::default(),
        known: HashMap::new(),
        seen: Seen::default(),
        gathered: Gathered::default(),
    };
    let mut begun = Vec::new();
    for set in catalogue.seeds() {
        if !set.environments.contains(&environment) {
            continue;
        }
        if sink.digest(&set.key).await?.as_deref() == Some(&set.digest) {
            run.report.unchanged_sets += 1;
        } else {
            begun.push(set);
        }
    }
    // Those that point come after those they point to, so they go first.
    for set in begun.iter().rev().filter(|set| set.mode == DatasetMode::Replace) {
        sink.clear(&set.object).await?;
    }
    let mut waiting: Vec<Task<'_>> = Vec::new();
    for set in &begun {
        for record in &set.records {
            run.put(Task { set, record, id: None }, false, &mut waiting).await?;
        }
        run.make_gathered().await?;
    }
    run.finish(waiting).await?;
    let failed: Vec<&str> = run.report.problems.iter().map(|problem| &*problem.place.file).collect();
    for set in begun {
        let complete = set
            .records
            .first()
            .is_none_or(|record| !failed.contains(&&*record.place.file));
        if complete {
            sink.remember(&set.key, &set.digest).await?;
        }
    }
    Ok(run.report)
}

/// A record to be put in, or whose references are still to be filled in.
#[derive(Clone)]
struct Task<'a> {
    set: &'a SeedSet,
    record: &'a SeedRecord,
    /// Set when the record is there and only its references are missing.
    id: Option<String>,
}

struct Run<'a, S> {
    catalogue: &'a Catalogue,
    sink: &'a S,
    report: SeedReport,
    /// Ids of records by object, field and value.
    known: HashMap<(String, String, String), String>,
    seen: Seen,
    gathered: Gathered<'a>,
}

/// What became of a record's references.
struct Resolved {
    fields: Map<String, Value>,
    /// Those that point to nothing yet.
    open: Vec<String>,
}

impl<'a, S: SeedSink> Run<'a, S> {
    /// Comes round until nothing moves any more, then names what is left.
    async fn finish(&mut self, mut waiting: Vec<Task<'a>>) -> Result<()> {
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut still = Vec::new();
            for task in std::mem::take(&mut waiting) {
                self.put(task, false, &mut still).await?;
                self.make_gathered().await?;
            }
            if still.len() == before {
                for task in still {
                    self.put(task, true, &mut Vec::new()).await?;
                }
                self.make_gathered().await?;
                return Ok(());
            }
            waiting = still;
        }
        Ok(())
    }

    async fn put(&mut self, task: Task<'a>, last: bool, waiting: &mut Vec<Task<'a>>) -> Result<()> {
        let Some(object) = self.catalogue.object(&task.set.object) else {
            return Ok(());
        };
        let own = |name: &String| {
            let reference = object.field(name).and_then(|field| field.reference.as_ref());
            reference.is_some_and(|reference| reference.object == object.name)
        };
        if task.record.fields.keys().any(own) {
            // It may point to one that was gathered.
            self.make_gathered().await?;
        }
        let Resolved { fields, open } = self.resolve(object, task.record).await?;
        if open.is_empty() {
            return self.store_or_gather(object, task, fields).await;
        }
        if last {
            self.name_open(object, &task, &open);
            return Ok(());
        }
        let required = open
            .iter()
            .any(|name| object.field(name).is_some_and(|field| field.required));
        if required || task.id.is_some() {
            waiting.push(task);
            return Ok(());
        }
        // Without the open references it can be stored, and others may wait for it.
        if let Some(id) = self.store(object, &task, fields).await? {
            waiting.push(Task { id: Some(id), ..task });
        }
        Ok(())
    }

    async fn resolve(&mut self, object: &ObjectModel, record: &SeedRecord) -> Result<Resolved> {
        let mut resolved = Resolved {
            fields: Map::new(),
            open: Vec::new(),
        };
        for (name, value) in &record.fields {
            let field = object.field(name);
            let reference = field.filter(|field| matches!(field.kind, FieldKind::Reference | FieldKind::References));
            let filled = match reference {
                Some(field) => self.resolve_value(field, value).await?,
                None => Some(value.clone()),
            };
            match filled {
                Some(value) => {
                    resolved.fields.insert(name.clone(), value);
                }
                None => resolved.open.push(name.clone()),
            }
        }
        Ok(resolved)
    }

    async fn resolve_value(&mut self, field: &FieldModel, value: &Value) -> Result<Option<Value>> {
        let Some(reference) = &field.reference else {
            return Ok(Some(value.clone()));
        };
        match value {
            Value::Array(items) => {
                let mut ids = Vec::with_capacity(items.len());
                for item in items {
                    let Some(id) = self.find_target(&reference.object, item).await? else {
                        return Ok(None);
                    };
                    ids.push(Value::String(id));
                }
                Ok(Some(Value::Array(ids)))
            }
            Value::Null => Ok(Some(Value::Null)),
            value => Ok(self.find_target(&reference.object, value).await?.map(Value::String)),
        }
    }

    /// A record by the external id of its seeds, by its external id fields, by its name, or by its id.
    async fn find_target(&mut self, target: &str, value: &Value) -> Result<Option<String>> {
        let Some(object) = self.catalogue.object(target) else {
            return Ok(None);
        };
        let of_seeds = self
            .catalogue
            .seeds()
            .iter()
            .filter(|set| set.object == target)
            .map(|set| set.external_id.as_str());
        let of_fields = object
            .fields
            .values()
            .filter(|field| field.external_id)
            .map(|field| field.name.as_str());
        let mut candidates: Vec<&str> = Vec::new();
        for name in of_seeds.chain(of_fields).chain(["name", SystemField::Id.name()]) {
            if object.field(name).is_some_and(FieldModel::stored) && !candidates.contains(&name) {
                candidates.push(name);
            }
        }
        // What was put in a moment ago is found without asking.
        let known = |name: &&str| self.known.get(&key(target, name, value)).cloned();
        if let Some(id) = candidates.iter().find_map(known) {
            return Ok(Some(id));
        }
        for name in candidates {
            if let Some(id) = self.find(target, name, value).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    async fn find(&mut self, object: &str, field: &str, value: &Value) -> Result<Option<String>> {
        let key = key(object, field, value);
        if let Some(id) = self.known.get(&key) {
            return Ok(Some(id.clone()));
        }
        let found = self.sink.find(object, field, value).await?;
        if let Some(id) = &found {
            self.known.insert(key, id.clone());
        }
        Ok(found)
    }

    /// The id of the record that is there already: by its external id, or by the id that it brings.
    async fn recognise(&mut self, object: &ObjectModel, task: &Task<'a>) -> Result<Option<String>> {
        if task.id.is_some() || task.set.mode == DatasetMode::Replace {
            return Ok(task.id.clone());
        }
        for name in [task.set.external_id.as_str(), SystemField::Id.name()] {
            let Some(value) = task.record.fields.get(name) else {
                continue;
            };
            if self.seen.has(&object.name, name, value) {
                // One like it is there by now, or about to be.
                self.make_gathered().await?;
            } else if self.was_empty(&object.name).await? {
                continue;
            }
            if let Some(id) = self.find(&object.name, name, value).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Whether an object had no records when seeds first came to it: then only theirs are there.
    async fn was_empty(&mut self, object: &str) -> Result<bool> {
        if let Some(empty) = self.seen.empty(object) {
            return Ok(empty);
        }
        let empty = self.sink.empty(object).await?;
        self.seen.note_empty(object, empty);
        Ok(empty)
    }

    /// Gathers a record that is new; stores any other.
    async fn store_or_gather(
        &mut self,
        object: &ObjectModel,
        task: Task<'a>,
        fields: Map<String, Value>,
    ) -> Result<()> {
        let id = self.recognise(object, &task).await?;
        if id.is_some() || task.set.mode == DatasetMode::Update {
            return self.store_known(object, &task, id, fields).await.map(drop);
        }
        if self.gathered.is_full_for(&object.name) {
            self.make_gathered().await?;
        }
        for name in [task.set.external_id.as_str(), SystemField::Id.name()] {
            if let Some(value) = fields.get(name) {
                self.seen.note(&object.name, name, value);
            }
        }
        self.gathered.push(&object.name, task, fields);
        Ok(())
    }

    /// Makes what was gathered.
    async fn make_gathered(&mut self) -> Result<()> {
        let Some(Gathered { object, tasks, records }) = self.gathered.take() else {
            return Ok(());
        };
        let made = self.sink.create_all(&object, records).await?;
        for (task, outcome) in tasks.iter().zip(made) {
            self.note(&object, task, outcome.map(|id| (id, true)))?;
        }
        Ok(())
    }

    /// Creates or updates as the mode says; answers the id, or none when nothing was stored.
    async fn store(
        &mut self,
        object: &ObjectModel,
        task: &Task<'a>,
        fields: Map<String, Value>,
    ) -> Result<Option<String>> {
        let id = self.recognise(object, task).await?;
        self.store_known(object, task, id, fields).await
    }

    async fn store_known(
        &mut self,
        object: &ObjectModel,
        task: &Task<'a>,
        id: Option<String>,
        mut fields: Map<String, Value>,
    ) -> Result<Option<String>> {
        let set = task.set;
        let keeps = matches!(set.mode, DatasetMode::Insert | DatasetMode::Ignore) && task.id.is_none();
        let stored = match id {
            Some(_) if keeps => {
                self.report.skipped += 1;
                return Ok(None);
            }
            Some(id) => {
                fields.shift_remove(SystemField::Id.name());
                self.sink.update(&object.name, &id, fields).await.map(|()| (id, false))
            }
            None if set.mode == DatasetMode::Update => {
                self.report.skipped += 1;
                return Ok(None);
            }
            None => self.sink.create(&object.name, fields).await.map(|id| (id, true)),
        };
        self.note(&object.name, task, stored)
    }

    /// Notes what became of a record: its id and whether it was made, or why it was refused.
    fn note(&mut self, object: &str, task: &Task<'a>, stored: Result<(String, bool)>) -> Result<Option<String>> {
        let (set, record) = (task.set, task.record);
        match stored {
            Ok((id, created)) => {
                self.report.created += usize::from(created);
                self.report.updated += usize::from(!created && task.id.is_none());
                self.seen.note(object, SystemField::Id.name(), &id.as_str().into());
                self.known
                    .insert(key(object, SystemField::Id.name(), &id.as_str().into()), id.clone());
                if let Some(value) = record.fields.get(&set.external_id) {
                    self.seen.note(object, &set.external_id, value);
                    self.known.insert(key(object, &set.external_id, value), id.clone());
                }
                Ok(Some(id))
            }
            Err(error) if fatal(&error) => Err(error),
            Err(error) => {
                let message = format!("the record of `{object}` was refused: {}", error.message());
                self.report
                    .problems
                    .push(Problem::error(record.place.clone(), &record.path, message));
                Ok(None)
            }
        }
    }

    fn name_open(&mut self, object: &ObjectModel, task: &Task<'a>, open: &[String]) {
        for name in open {
            let target = object
                .field(name)
                .and_then(|field| field.reference.as_ref())
                .map_or("", |reference| &reference.object);
            let value = task.record.fields.get(name).map(Value::to_string).unwrap_or_default();
            let path = format!("{}.{name}", task.record.path);
            let message = format!("there is no record of `{target}` for {value}");
            let hint = "use the external id of a seeded record, or the id of one that is there";
            self.report
                .problems
                .push(Problem::error(task.record.place.clone(), path, message).hint(hint));
        }
    }
}

fn key(object: &str, field: &str, value: &Value) -> (String, String, String) {
    (object.to_owned(), field.to_owned(), value.to_string())
}

/// Going on would fail in the same way.
fn fatal(error: &Error) -> bool {
    use objectos_plugin_api::ErrorKind::{Cancelled, Panicked, Timeout, Unavailable};
    matches!(error.kind(), Cancelled | Panicked | Timeout | Unavailable)
}

#[cfg(test)]
mod tests;
