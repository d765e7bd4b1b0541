//! A plugin's package as the kernel knows it before its code runs: a verified candidate, or a refusal with its reason.
//!
//! Nothing here is decided; `discover`, `trust`, `grants`, `settings` and `resolve` make these, the loader takes them.
//! A candidate owns the private copy that everything was verified on and that is to be opened; dropping the candidate
//! removes the copy, which leaves a mapping that was made of it alone.

mod digest;
mod notes;
mod refusal;

use std::path::{Path, PathBuf};
use std::{fs, io};

use objectos_protocol::kernel::PackageType;
use objectos_protocol::kernel::plugin_document::PluginDocument;
use semver::Version;

use crate::grants::{Capability, GrantSet};
use crate::loader::LibraryFile;
use crate::settings::PluginSettings;
use crate::trust::TrustVerdict;

pub use self::digest::{Digest, DigestError};
pub use self::notes::idle_parts;
pub use self::refusal::{MissingGrant, Refusal, RefusalReason};
pub(crate) use self::refusal::{name_of, provided_by, used_by, vetoes_in, vetoes_of};

/// A plugin that passed every check that can be made on it alone.
#[derive(Debug)]
pub struct Candidate {
    pub document: PluginDocument,
    /// Where the file was found.
    pub path: PathBuf,
    /// The copy that was verified and is to be opened in place of `path`.
    pub copy: PrivateCopy,
    pub sha256: Digest,
    pub size_bytes: u64,
    pub trust: TrustVerdict,
    pub grants: GrantSet,
    /// The plugin's configuration, checked and with defaults filled.
    pub settings: PluginSettings,
}

impl Candidate {
    /// The file, for what is remembered of its library.
    pub(crate) fn file(&self) -> LibraryFile {
        LibraryFile {
            path: self.path.clone(),
            bytes: self.size_bytes,
        }
    }

    /// The plugin's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.document.id()
    }

    /// The plugin's version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.document.version()
    }

    /// Whether it is a gateway that may listen.
    pub(crate) fn listens(&self) -> bool {
        self.document.manifest.kind == PackageType::Gateway && self.grants.may_any(Capability::NetworkListen)
    }

    /// Id, version and file for a sentence: `` `com.example.audit` 1.2.0 (plugins/audit.so) ``.
    #[must_use]
    pub fn label(&self) -> String {
        format!(
            "`{}` {} ({})",
            self.id(),
            self.document.manifest.version,
            self.path.display()
        )
    }
}

/// A file in the runtime folder that only this process uses. Removed on drop.
#[derive(Debug)]
pub struct PrivateCopy {
    path: PathBuf,
}

impl PrivateCopy {
    /// Takes charge of a file that exists.
    pub(crate) fn adopt(path: PathBuf) -> Self {
        Self { path }
    }

    /// Moves the file.
    pub(crate) fn renamed(mut self, path: PathBuf) -> io::Result<Self> {
        fs::rename(&self.path, &path)?;
        self.path = path;
        Ok(self)
    }

    /// Where the copy is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "a private copy of a plugin stays behind");
        }
    }
}
