//! Opens a plugin's library from a private copy, checks that both sides mean the same by every type, makes instances, and
//! takes the library out of memory again. The only place in the kernel with `unsafe`.
//!
//! Not here: whether a file may be loaded at all (that was decided before), and the phases of a plugin's life.
//!
//! Invariants
//! * A library is opened from a copy of its own, unlinked at once: glibc answers an already loaded image for a path or an
//!   inode it knows, and a file that is overwritten while mapped changes code that runs.
//! * Nothing that points into a library outlives [`Library::unload`]; when one step of it cannot be proven, the library
//!   stays mapped, is counted, and the reason is told.
//! * One unload at a time.
#![allow(unsafe_code)]

mod layout;
mod memory;
mod symbols;
mod threads;
mod unload;

#[cfg(test)]
mod tests;

use libloading::os::unix::{Library as SharedObject, RTLD_LOCAL, RTLD_NOW};
use objectos_plugin_api::{
    Error as PluginError,
    abi::{API_VERSION, PluginModuleRef, RawHostObject, RawPluginObject},
    private::abi_stable::{
        StableAbi,
        library::{AbiHeaderRef, ROOT_MODULE_LOADER_NAME},
        std_types::RResult,
    },
};
use semver::Version;
use serde::Serialize;
use std::{
    fmt,
    mem::ManuallyDrop,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::error::Error;

pub(crate) use self::{
    memory::keep_small,
    threads::checkpoint,
    unload::{Unload, unloading_possible},
};

/// Libraries that may be mapped at one time: each takes one of the 1,024 pthread keys of a process, and the host needs some.
pub const GENERATIONS_MAX: usize = 900;

static MAPPED: AtomicUsize = AtomicUsize::new(0);
static KEPT: Mutex<Vec<KeptLibrary>> = Mutex::new(Vec::new());

/// The file that a library was made of.
#[derive(Clone, Debug)]
pub(crate) struct LibraryFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
}

/// A library that was to be unmapped and had to be kept. JSON: `{path, bytes, reason}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptLibrary {
    /// The file it was made of; another one may lie there by now.
    pub path: PathBuf,
    /// Size of that file: about what stays mapped of it.
    pub bytes: u64,
    /// Why it was kept.
    pub reason: String,
}

/// For the host's tokio runtime: `Builder::on_thread_start(on_thread_start)`. From then on what plugins leave in this
/// thread's local storage is kept in a list of the kernel's, so that an unload can run its destructors.
pub fn on_thread_start() {
    threads::adopt_current();
}

/// For the host's tokio runtime: `Builder::on_thread_park(on_thread_park)`. Runs what an unload left for this thread.
pub fn on_thread_park() {
    checkpoint();
}

/// Libraries mapped now, those that are kept for good included.
#[must_use]
pub fn generations_mapped() -> usize {
    MAPPED.load(Ordering::Relaxed)
}

/// Libraries that were to be unmapped and had to be kept.
#[must_use]
pub fn generations_kept() -> usize {
    all_kept().len()
}

/// Each of them, the first first.
#[must_use]
pub fn kept() -> Vec<KeptLibrary> {
    all_kept().clone()
}

/// Notes that a library cannot be taken out any more: something of it still runs, or may.
pub(crate) fn note_kept(file: LibraryFile, reason: &str) {
    let LibraryFile { path, bytes } = file;
    all_kept().push(KeptLibrary {
        path,
        bytes,
        reason: reason.to_owned(),
    });
}

fn all_kept() -> MutexGuard<'static, Vec<KeptLibrary>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An opened, checked library. Dropping it leaves it mapped: only [`Library::unload`] takes it out.
pub(crate) struct Library {
    object: ManuallyDrop<SharedObject>,
    module: PluginModuleRef,
    /// Where the image begins; names it among the images of the process.
    base: usize,
    /// How `/proc/self/maps` calls it.
    file_name: String,
    file: LibraryFile,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library")
            .field("file_name", &self.file_name)
            .finish_non_exhaustive()
    }
}

impl Library {
    /// Opens a private copy, removes its file and checks what was mapped. `source` is the file it was made of, for
    /// messages. Runs the library's constructors, so call it on a plain thread.
    ///
    /// # Errors
    /// `TooManyGenerations`, `Open`, `NotPlugin`, `Layout`, `ApiVersion`, `Aborts`.
    pub(crate) fn open(copy: &Path, source: &Path) -> Result<Self, Error> {
        let mapped = MAPPED.load(Ordering::Relaxed);
        if mapped >= GENERATIONS_MAX {
            return Err(Error::TooManyGenerations {
                mapped,
                limit: GENERATIONS_MAX,
            });
        }
        let file_name = copy.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = LibraryFile {
            path: source.to_owned(),
            bytes: std::fs::metadata(copy).map_or(0, |facts| facts.len()),
        };
        // SAFETY: opening runs the constructors of a file that the operator's policy lets into this process; the flags
        // bind every symbol now and keep the library's own out of the global scope.
        let opened = unsafe { SharedObject::open(Some(copy), RTLD_NOW | RTLD_LOCAL) };
        if let Err(error) = std::fs::remove_file(copy) {
            tracing::warn!(path = %copy.display(), %error, "the private copy of a plugin could not be removed");
        }
        let object = opened.map_err(|error| Error::Open {
            path: source.to_owned(),
            reason: linker_words(&error.to_string()),
        })?;
        MAPPED.fetch_add(1, Ordering::Relaxed);
        match check(&object, source) {
            Ok(module) => {
                let base = threads::image_base(module.create() as *const std::ffi::c_void);
                Ok(Self {
                    object: ManuallyDrop::new(object),
                    module,
                    base,
                    file_name,
                    file,
                })
            }
            Err(error) => {
                // Nothing of it was kept and no thread of it runs; a plain close is enough, and harmless when it is not.
                if object.close().is_ok() && !unload::mapped_now(&file_name) {
                    MAPPED.fetch_sub(1, Ordering::Relaxed);
                } else {
                    note_kept(file, "it was refused, and the linker did not let go of it");
                }
                Err(error)
            }
        }
    }

    /// The file it was made of.
    pub(crate) fn file(&self) -> LibraryFile {
        self.file.clone()
    }

    /// Makes an instance.
    ///
    /// # Errors
    /// What the library says, in the host's memory.
    pub(crate) fn create(&self, host: RawHostObject) -> Result<RawPluginObject, PluginError> {
        match self.module.create()(host) {
            RResult::ROk(object) => Ok(object),
            RResult::RErr(error) => Err(PluginError::from_raw(&error)),
        }
    }
}

/// Header, layout, version: in this order, each before anything of the library but its constructors runs.
fn check(object: &SharedObject, source: &Path) -> Result<PluginModuleRef, Error> {
    let not_plugin = |reason: String| Error::NotPlugin {
        path: source.to_owned(),
        reason,
    };
    // SAFETY: the symbol, if it is there, is abi_stable's library header; its magic is checked by `upgrade` before
    // anything else of it is read.
    let header: AbiHeaderRef = unsafe {
        *object
            .get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME.as_bytes())
            .map_err(|_| not_plugin("it does not export the plugin's entry".to_owned()))?
    };
    let header = header
        .upgrade()
        .map_err(|_| not_plugin("its entry was made by another version of the ABI's foundation".to_owned()))?;
    let theirs = header
        .layout()
        .ok_or_else(|| not_plugin("its entry does not describe its types".to_owned()))?;
    layout::check(<PluginModuleRef as StableAbi>::LAYOUT, theirs).map_err(|difference| Error::Layout {
        path: source.to_owned(),
        difference,
    })?;
    // SAFETY: the layout of every type reachable from the module was compared just now.
    let module = unsafe { header.init_root_module_with_unchecked_layout::<PluginModuleRef>() }
        .map_err(|error| version_error(source, &error.to_string()))?;
    handshake(module, source)?;
    Ok(module)
}

fn handshake(module: PluginModuleRef, source: &Path) -> Result<(), Error> {
    if !module.unwinds() {
        return Err(Error::Aborts {
            path: source.to_owned(),
        });
    }
    let found = module.api_version().as_str().to_owned();
    let same_major = Version::parse(&found)
        .ok()
        .zip(Version::parse(API_VERSION).ok())
        .is_some_and(|(theirs, ours)| theirs.major == ours.major);
    if same_major {
        Ok(())
    } else {
        Err(version_error(source, &found))
    }
}

fn version_error(source: &Path, found: &str) -> Error {
    let found = found.lines().next().unwrap_or_default().to_owned();
    let hint = format!("build it with objectos-plugin-api ^{API_VERSION}");
    Error::ApiVersion {
        path: source.to_owned(),
        found,
        expected: API_VERSION.to_owned(),
        hint,
    }
}

/// The linker's text without the name of the private copy, which says nothing to a reader.
fn linker_words(text: &str) -> String {
    text.rsplit_once(".so: ").map_or(text, |(_, reason)| reason).to_owned()
}
