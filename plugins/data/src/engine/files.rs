//! Files in records, while a plugin keeps them (`file-storage`): a value is the id of a file, is looked up, held against the
//! bounds of its field by what the provider says of it, and stored as its description
//! `{id, name, size, mimeType, url, width?, height?}` (the protocol's `data/FileValue`). What was there before stays as it was
//! described then. While no plugin keeps files, values stay what they were said to be.

use std::collections::HashMap;

use objectos_plugin_api::contracts::file_storage::{FileStatus, StoredFile};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::Engine;
use super::access::Granted;
use super::draft::{Draft, Part, Stored};
use crate::attachments::{FileAt, FilesChanged};
use crate::error::{DataError, FieldCode, FieldError, Result};
use crate::model::{FieldKind, FieldModel, SystemField};
use crate::outbox;
use crate::record::Layout;
use crate::store::{Expect, SqlValue};
use crate::validate::normalise;

/// Files that one field of a record may have.
const FILES_MAX: usize = 100;
/// Characters of a file's id.
const ID_LENGTH_MAX: usize = 128;

/// Files that one write looked up, however often it is planned; `None` is not there.
pub(super) type KnownFiles = Mutex<HashMap<String, Option<StoredFile>>>;

/// A field that is about to be written.
struct Written<'a> {
    field: &'a FieldModel,
    /// What it had.
    before: Vec<Value>,
    /// The tenant that files have to be of.
    tenant: Option<String>,
    /// Written by the system.
    system: bool,
}

impl Engine {
    /// Whether a plugin keeps files.
    pub(super) fn keeps_files(&self) -> bool {
        self.files.as_ref().is_some_and(|files| files.kept())
    }

    /// Puts descriptions in the places of the files that are new.
    pub(super) async fn settle_files(
        &self,
        draft: &Draft<'_>,
        layout: &Layout,
        granted: &Granted,
        before: Option<&Stored>,
        values: &mut [SqlValue],
        errors: &mut Vec<FieldError>,
    ) -> Result<()> {
        for column in file_columns(layout) {
            if before.is_some_and(|before| before[column] == values[column]) || !self.keeps_files() {
                continue;
            }
            let given = elements(&values[column]);
            if given.is_empty() {
                continue;
            }
            let written = Written {
                field: layout.field(column),
                before: before.map_or_else(Vec::new, |before| elements(&before[column])),
                tenant: tenant_of(draft, layout, values),
                system: granted.system,
            };
            match self.described(draft, &written, given).await? {
                Ok(value) => values[column] = value,
                Err(error) => errors.push(error),
            }
        }
        Ok(())
    }

    /// The value as it is stored, or what is wrong with it.
    async fn described(
        &self,
        draft: &Draft<'_>,
        written: &Written<'_>,
        given: Vec<Value>,
    ) -> Result<Result<SqlValue, FieldError>> {
        if given.len() > FILES_MAX {
            let what = format!("takes at most {FILES_MAX} files");
            return Ok(Err(refuse(written.field, FieldCode::MaxLength, &what)));
        }
        let mut files = Vec::with_capacity(given.len());
        for file in given {
            match self.file(draft, written, file).await? {
                Ok(file) => files.push(file),
                Err(error) => return Ok(Err(error)),
            }
        }
        // A field of one file has one element, and a list of one reads like it.
        let value = match files.pop() {
            Some(only) if files.is_empty() => only,
            last => {
                files.extend(last);
                Value::Array(files)
            }
        };
        Ok(normalise(written.field, &value, draft.caller))
    }

    async fn file(&self, draft: &Draft<'_>, written: &Written<'_>, given: Value) -> Result<Result<Value, FieldError>> {
        let id = id_of(&given);
        // An id alone was written while nobody kept files, and nobody looked it up.
        let same = |known: &&Value| match id {
            Some(id) if is_id(id) => known.is_object() && id_of(known) == Some(id),
            _ => **known == given,
        };
        if let Some(known) = written.before.iter().find(same) {
            return Ok(Ok(known.clone()));
        }
        let Some(id) = id.filter(|id| is_id(id)) else {
            // What the system brings, as seeds do, may lie elsewhere.
            if written.system {
                return Ok(Ok(given));
            }
            let what = "must be the id of a file that was uploaded before";
            return Ok(Err(refuse(written.field, FieldCode::InvalidFormat, what)));
        };
        let known = draft.known.files.lock().get(id).cloned();
        let found = match (known, &self.files) {
            (Some(known), _) => known,
            (None, Some(files)) => {
                let found = files.stat(draft.caller.context, id).await?;
                draft.known.files.lock().insert(id.to_owned(), found.clone());
                found
            }
            (None, None) => None,
        };
        Ok(usable(written, id, found))
    }
}

/// The description of a file that may become the value of the field.
fn usable(written: &Written<'_>, id: &str, found: Option<StoredFile>) -> Result<Value, FieldError> {
    let Some(file) = found.filter(|file| is_near(written, file)) else {
        let what = format!("points to the file '{id}', which does not exist");
        return Err(refuse(written.field, FieldCode::ReferenceNotFound, &what));
    };
    match file.status {
        FileStatus::Ready => Ok(description(id, file)),
        FileStatus::Pending => {
            let what = format!("points to the file '{id}', whose upload is not complete; complete it first");
            Err(refuse(written.field, FieldCode::InvalidFormat, &what))
        }
        _ => {
            let what = format!("points to the file '{id}', which may not be read; upload another one");
            Err(refuse(written.field, FieldCode::InvalidFormat, &what))
        }
    }
}

/// What another tenant has does not exist. The system may be of none, and then of each.
fn is_near(written: &Written<'_>, file: &StoredFile) -> bool {
    match (&file.tenant, &written.tenant) {
        (None, _) => true,
        (Some(of), Some(tenant)) => of == tenant,
        (Some(_), None) => written.system,
    }
}

fn description(id: &str, file: StoredFile) -> Value {
    let url = file.url.unwrap_or_else(|| format!("/api/v1/storage/files/{id}"));
    let mut description =
        json!({ "id": id, "name": file.name, "size": file.size, "mimeType": file.mime_type, "url": url });
    for (key, pixels) in [("width", file.width), ("height", file.height)] {
        if let Some(pixels) = pixels {
            description[key] = pixels.into();
        }
    }
    description
}

/// The tenant of the record, else that of the caller.
fn tenant_of(draft: &Draft<'_>, layout: &Layout, values: &[SqlValue]) -> Option<String> {
    let column = layout.system_column(SystemField::Tenant);
    let of_record = column.and_then(|column| values[column].as_text().map(str::to_owned));
    of_record.or_else(|| draft.caller.tenant().as_text().map(str::to_owned))
}

/// Adds the event of the files that come to a record and leave it, when there are any.
pub(super) fn note_files(
    draft: &mut Draft<'_>,
    layout: &Layout,
    id: &str,
    before: Option<&Stored>,
    after: Option<&Stored>,
) -> Result<()> {
    if !draft.keeps_files {
        return Ok(());
    }
    let mut changed = FilesChanged {
        object: layout.object.name.clone(),
        record_id: id.to_owned(),
        ..FilesChanged::default()
    };
    for column in file_columns(layout) {
        let had = before.map_or_else(Vec::new, |before| ids(&before[column]));
        let has = after.map_or_else(Vec::new, |after| ids(&after[column]));
        let at = |id: &String| FileAt {
            field: layout.field(column).name.clone(),
            id: id.clone(),
        };
        changed
            .attached
            .extend(has.iter().filter(|id| !had.contains(id)).map(at));
        changed
            .detached
            .extend(had.iter().filter(|id| !has.contains(id)).map(at));
    }
    if changed.attached.is_empty() && changed.detached.is_empty() {
        return Ok(());
    }
    let statement = outbox::files_event(draft.caller.context, draft.caller.now_ms, &changed)
        .map_err(|error| DataError::internal(error.to_string()))?;
    draft.push(Part::Event, statement, Expect::Anything);
    Ok(())
}

fn file_columns(layout: &Layout) -> impl Iterator<Item = usize> {
    (0..layout.columns.len()).filter(|column| layout.field(*column).kind == FieldKind::File)
}

fn refuse(field: &FieldModel, code: FieldCode, what: &str) -> FieldError {
    FieldError::new(&field.name, code, format!("{} {what}", field.label))
}

/// The files of a stored value.
fn elements(value: &SqlValue) -> Vec<Value> {
    match value.as_text().map(serde_json::from_str) {
        Some(Ok(Value::Array(files))) => files,
        Some(Ok(Value::Null) | Err(_)) | None => Vec::new(),
        Some(Ok(file)) => vec![file],
    }
}

/// The id in an id or a description.
fn id_of(file: &Value) -> Option<&str> {
    file.as_str().or_else(|| file.get("id")?.as_str())
}

/// Letters, digits, `_` and `-`: no address is one.
fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=ID_LENGTH_MAX).contains(&id.len()) && id.bytes().all(plain)
}

/// The ids of the files of a stored value that the provider knows, each once.
fn ids(value: &SqlValue) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for file in elements(value) {
        if let Some(id) = id_of(&file).filter(|id| is_id(id))
            && !ids.iter().any(|known| known == id)
        {
            ids.push(id.to_owned());
        }
    }
    ids
}
