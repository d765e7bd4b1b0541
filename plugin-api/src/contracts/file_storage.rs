//! `file-storage`: the files that records point to, as the data engine needs to know them. Called by the engine when a record
//! with a file is written, and after it was stored. How files come in and are read is the provider's own affair (its routes).
//!
//! A file that nothing is attached to may be swept by the provider, but not before some hours are over: between the upload and
//! the record, and between the record and its attachment, it has to be there.

use objectos_plugin_macros::service;
use serde::{Deserialize, Serialize};

use crate::{Context, Result};

/// What became of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileStatus {
    /// Its bytes are not all there.
    #[default]
    Pending,
    /// It can be read.
    Ready,
    /// A scan found something in it; nobody reads it.
    Quarantined,
    /// It is being deleted.
    Deleted,
}

/// Which file. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileRequest {
    /// Its id: letters, digits, `_` and `-`, at most 128 of them, as the protocol's ids of files are.
    pub id: String,
}

/// A file. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredFile {
    /// Id.
    pub id: String,
    /// As it was called where it came from, with its extension: `invoice.pdf`.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Media type, as the provider found it out: `application/pdf`.
    pub mime_type: String,
    /// Id of the user it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The tenant it belongs to; absent is the platform's, which every tenant may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Only one that is `ready` becomes the value of a field.
    pub status: FileStatus,
    /// A lasting address, absolute or a path of this server; records keep it. Absent is `/api/v1/storage/files/ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of an image, pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Of an image, pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// A file at its place. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Id of the file.
    pub id: String,
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub record: String,
    /// Name of the field.
    pub field: String,
}

/// Keeps files.
#[service(name = "file-storage", version = "1.0.0")]
pub trait FileStorage {
    /// A file, if the context's principal may put it into a record: its own, or one of a record that it may read.
    ///
    /// `NotFound` for one that is not there or not theirs; the two look alike.
    async fn stat(&self, context: Context, request: FileRequest) -> Result<StoredFile>;
    /// A stored record has the file: it is to be kept, and whoever reads the record may read it. Asked again for the same place
    /// (at least once), it does nothing.
    ///
    /// `NotFound` when the file is gone; any other error is tried again later.
    async fn attach(&self, context: Context, request: Attachment) -> Result<()>;
    /// The record has the file no more, or is gone for good. A file that is at no place any more may be deleted. Asked again, or
    /// for a file that is not there, it does nothing.
    async fn detach(&self, context: Context, request: Attachment) -> Result<()>;
}
