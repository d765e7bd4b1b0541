//! Files that came to records or left them, as an event that is stored in the transaction of the change, so that an acknowledged
//! write cannot lack its attachment. The plugin hears it back, at least once and in order for each record, and tells whoever
//! keeps the files. The engine writes the event (`engine/files.rs`), `plugin.rs` passes it on.

use objectos_plugin_api::Context;
use objectos_plugin_api::ErrorKind;
use objectos_plugin_api::contracts::file_storage::Attachment;
use serde::{Deserialize, Serialize};

use crate::engine::ports::Files;
use crate::error::{DataError, Result};

/// Name of the event. Durable, keyed by object and record. Payload: [`FilesChanged`]. Its name is none of `data.…`, which are
/// told to people: nobody but this plugin has to know.
pub const FILES_CHANGED: &str = "record.files_changed";

/// What came and went. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilesChanged {
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub record_id: String,
    /// Came.
    pub attached: Vec<FileAt>,
    /// Went.
    pub detached: Vec<FileAt>,
}

/// A file in a field. JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAt {
    /// Name of the field.
    pub field: String,
    /// Id of the file.
    pub id: String,
}

/// Tells whoever keeps the files. A file that is gone meanwhile is told to the operator: trying again would not bring it back.
///
/// # Errors
/// Those of the provider; then all of it is to be told again.
pub async fn settle(files: &dyn Files, changed: &FilesChanged) -> Result<()> {
    let context = Context::background();
    let at = |file: &FileAt| Attachment {
        id: file.id.clone(),
        object: changed.object.clone(),
        record: changed.record_id.clone(),
        field: file.field.clone(),
    };
    for file in &changed.attached {
        match files.attach(&context, at(file)).await {
            Err(DataError::Plugin(error)) if error.kind() == ErrorKind::NotFound => {
                let FilesChanged { object, record_id, .. } = changed;
                tracing::warn!(object, record_id, file = file.id, "a record has a file that is gone");
            }
            told => told?,
        }
    }
    for file in &changed.detached {
        files.detach(&context, at(file)).await?;
    }
    Ok(())
}
