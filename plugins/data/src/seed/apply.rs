//! Applying seeds: recognise, resolve references, create or update; what waits for others comes round again.

use std::collections::HashMap;
use std::future::Future;

use objectos_plugin_api::protocol::data::{DatasetEnvironment, DatasetMode};
use objectos_plugin_api::{Error, Result};
use serde_json::{Map, Value};

use super::{SeedRecord, SeedSet};
use crate::app::Problem;
use crate::model::{Catalogue, FieldKind, FieldModel, ObjectModel, SystemField};

/// The engine as seeds need it. Everything runs as the system, with validation, hooks and events.
pub trait SeedSink: Send + Sync {
    /// Id of the record whose field has the value, deleted ones left out.
    fn find(&self, object: &str, field: &str, value: &Value) -> impl Future<Output = Result<Option<String>>> + Send;
    /// Makes a record and answers its id.
    fn create(&self, object: &str, record: Map<String, Value>) -> impl Future<Output = Result<String>> + Send;
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
            }
            if still.len() == before {
                for task in still {
                    self.put(task, true, &mut Vec::new()).await?;
                }
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
        let Resolved { fields, open } = self.resolve(object, task.record).await?;
        if open.is_empty() {
            return self.store(object, &task, fields).await.map(drop);
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
            if let Some(id) = self.find(&object.name, name, value).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Creates or updates as the mode says; answers the id, or none when nothing was stored.
    async fn store(
        &mut self,
        object: &ObjectModel,
        task: &Task<'a>,
        mut fields: Map<String, Value>,
    ) -> Result<Option<String>> {
        let (set, record) = (task.set, task.record);
        let keeps = matches!(set.mode, DatasetMode::Insert | DatasetMode::Ignore) && task.id.is_none();
        let stored = match self.recognise(object, task).await? {
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
        match stored {
            Ok((id, created)) => {
                self.report.created += usize::from(created);
                self.report.updated += usize::from(!created && task.id.is_none());
                self.known.insert(
                    key(&object.name, SystemField::Id.name(), &id.as_str().into()),
                    id.clone(),
                );
                if let Some(value) = record.fields.get(&set.external_id) {
                    self.known
                        .insert(key(&object.name, &set.external_id, value), id.clone());
                }
                Ok(Some(id))
            }
            Err(error) if fatal(&error) => Err(error),
            Err(error) => {
                let message = format!("the record of `{}` was refused: {}", object.name, error.message());
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
