//! Apps: folders of YAML read, checked and compiled into a catalogue.
//!
//! The way of a file: bytes (`files`) → tree with places (`yaml`) → older spellings made new (`dialect`) → protocol types with
//! all faults collected (`decode`) → objects held against each other (`compile`) → [`Catalogue`]. Every fault of every file is
//! found before anything is reported; each names file, line, column, keys, and where a name is wrong the nearest right one.
//!
//! Objects that plugins declare come the same way as documents in memory ([`PackageSource`]). [`Library`] keeps the sources and
//! the current catalogue. No database here: `schema` plans its changes, `seed` puts records in.

mod compile;
mod decode;
mod document;
mod files;
mod label;
mod library;
mod literal;
mod loader;
mod manifest;
mod path;
mod problem;
mod screens;
mod seeds;
mod yaml;

pub use files::{Fingerprint, read_app};
pub use library::{CatalogueChange, Library};
pub use loader::{Loaded, PackageSummary, load};
pub use manifest::{AppManifest, MANIFEST_FILE};
pub use path::{KeyPath, Step};
pub use problem::{Place, Problem, ProblemLevel, Problems};

/// A file in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path for messages, and by its end the kind: `examples/crm/account.object.yml`.
    pub name: String,
    /// Its text.
    pub text: String,
    /// When it changed last, milliseconds since 1970; 0 when it has no date.
    pub modified_ms: i64,
}

/// The files of one app or plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSource {
    /// Id of the app or plugin.
    pub id: String,
    /// The manifest, for an app.
    pub manifest: Option<AppManifest>,
    /// The file of the manifest, for messages.
    pub manifest_file: String,
    /// All files but the manifest, in a stable order.
    pub files: Vec<SourceFile>,
}

impl PackageSource {
    /// Documents that a plugin declares: pairs of file name and text.
    pub fn of_documents<N: Into<String>, T: Into<String>>(
        id: &str,
        documents: impl IntoIterator<Item = (N, T)>,
    ) -> Self {
        let file = |(name, text): (N, T)| SourceFile {
            name: name.into(),
            text: text.into(),
            modified_ms: 0,
        };
        Self {
            id: id.to_owned(),
            manifest: None,
            manifest_file: String::new(),
            files: documents.into_iter().map(file).collect(),
        }
    }
}
