//! The sources of the running system and the catalogue made of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::problem::{Problem, Problems};
use super::{PackageSource, PackageSummary, load, read_app};
use crate::model::{Catalogue, CatalogueCell};

/// A catalogue that could take the place of the current one, and how they differ.
#[derive(Debug)]
pub struct CatalogueChange {
    /// The new one; its version is one more than the current one's.
    pub catalogue: Arc<Catalogue>,
    /// Kind and name of items that are new.
    pub added: Vec<(&'static str, String)>,
    /// Kind and name of items that read otherwise.
    pub changed: Vec<(&'static str, String)>,
    /// Kind and name of items that are gone.
    pub removed: Vec<(&'static str, String)>,
    /// What is odd, but keeps nothing from working.
    pub warnings: Vec<Problem>,
    /// What each package brought.
    pub packages: Vec<PackageSummary>,
    /// The seeds are others.
    pub seeds_changed: bool,
}

impl CatalogueChange {
    /// Nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty() && !self.seeds_changed
    }

    /// The kinds that differ, each once, for the event `system.metadata.changed`.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<&'static str> = [&self.added, &self.changed, &self.removed]
            .into_iter()
            .flatten()
            .map(|(kind, _)| *kind)
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

/// Keeps where apps and declared objects come from.
///
/// A change goes in three steps, so that the database is ready before anybody sees the new objects: [`Library::reload`] makes
/// the catalogue, the engine plans and applies the schema, [`Library::accept`] puts it into use. Errors on the way leave the
/// current one in use.
#[derive(Debug, Default)]
pub struct Library {
    cell: Arc<CatalogueCell>,
    sources: Mutex<Sources>,
}

#[derive(Debug, Default)]
struct Sources {
    /// Declared by plugins, by id.
    packages: BTreeMap<String, PackageSource>,
    folders: Vec<PathBuf>,
    /// Saved while the system runs.
    runtime: Option<PackageSource>,
    /// What is odd about the catalogue in use.
    warnings: Vec<Problem>,
}

impl Library {
    /// Of app folders. Nothing is read yet.
    #[must_use]
    pub fn new(folders: Vec<PathBuf>) -> Self {
        let sources = Sources {
            folders,
            ..Sources::default()
        };
        Self {
            cell: Arc::default(),
            sources: Mutex::new(sources),
        }
    }

    /// The cell with the current catalogue, for whoever only reads.
    #[must_use]
    pub fn cell(&self) -> &Arc<CatalogueCell> {
        &self.cell
    }

    /// The current catalogue.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.cell.snapshot()
    }

    /// The app folders.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        self.sources.lock().folders.clone()
    }

    /// Sets the documents that a plugin declares, in the place of those it declared before; an empty list withdraws them. Seen
    /// with the next [`Library::reload`].
    pub fn load_documents(&self, package: &str, documents: Vec<(String, String)>) {
        let mut sources = self.sources.lock();
        if documents.is_empty() {
            sources.packages.remove(package);
        } else {
            sources
                .packages
                .insert(package.to_owned(), PackageSource::of_documents(package, documents));
        }
    }

    /// Sets what all plugins declare, by their ids; who is not among them declares nothing any more.
    pub fn replace_documents(&self, packages: BTreeMap<String, Vec<(String, String)>>) {
        self.sources.lock().packages = packages
            .into_iter()
            .map(|(id, documents)| {
                let source = PackageSource::of_documents(&id, documents);
                (id, source)
            })
            .collect();
    }

    /// Reads everything anew. Does not put it into use.
    ///
    /// # Errors
    /// All problems of all files; the current catalogue stays.
    pub fn reload(&self) -> Result<CatalogueChange, Vec<Problem>> {
        let runtime = self.sources.lock().runtime.clone();
        self.reload_with(runtime)
    }

    /// Reads everything anew, with this in the place of what was saved while the system runs. Does not put it into use.
    ///
    /// # Errors
    /// All problems of all files; the current catalogue stays.
    pub fn reload_with(&self, runtime: Option<PackageSource>) -> Result<CatalogueChange, Vec<Problem>> {
        let (mut packages, folders) = {
            let sources = self.sources.lock();
            (
                sources.packages.values().cloned().collect::<Vec<_>>(),
                sources.folders.clone(),
            )
        };
        let mut problems = Problems::default();
        packages.extend(folders.iter().filter_map(|folder| read_app(folder, &mut problems)));
        // Last, so that of two with one name the saved one is at fault.
        packages.extend(runtime);
        let current = self.catalogue();
        let loaded = load(&packages, current.version() + 1);
        if problems.has_errors() {
            problems.extend(loaded.err().unwrap_or_default());
            return Err(problems.into_sorted());
        }
        let loaded = loaded?;
        let mut change = difference(&current, loaded.catalogue);
        problems.extend(loaded.warnings);
        change.warnings = problems.into_sorted();
        change.packages = loaded.packages;
        Ok(change)
    }

    /// Puts a catalogue into use.
    pub fn accept(&self, change: &CatalogueChange) {
        self.sources.lock().warnings.clone_from(&change.warnings);
        self.cell.replace(Arc::clone(&change.catalogue));
    }

    /// What is odd about the catalogue in use, but keeps nothing from working.
    #[must_use]
    pub fn warnings(&self) -> Vec<Problem> {
        self.sources.lock().warnings.clone()
    }

    /// Puts a catalogue into use that was made by [`Library::reload_with`] of this.
    pub fn accept_with(&self, change: &CatalogueChange, runtime: Option<PackageSource>) {
        self.sources.lock().runtime = runtime;
        self.accept(change);
    }
}

fn difference(current: &Catalogue, next: Catalogue) -> CatalogueChange {
    let mut change = CatalogueChange {
        catalogue: Arc::new(next),
        added: Vec::new(),
        changed: Vec::new(),
        removed: Vec::new(),
        warnings: Vec::new(),
        packages: Vec::new(),
        seeds_changed: false,
    };
    let next = Arc::clone(&change.catalogue);
    for entry in next.metadata().entries() {
        let item = (entry.kind, entry.name.clone());
        match current.metadata().get(entry.kind, &entry.name) {
            None => change.added.push(item),
            Some(before) if before.definition != entry.definition || before.package != entry.package => {
                change.changed.push(item)
            }
            Some(_) => {}
        }
    }
    for entry in current.metadata().entries() {
        if next.metadata().get(entry.kind, &entry.name).is_none() {
            change.removed.push((entry.kind, entry.name.clone()));
        }
    }
    let digests = |catalogue: &Catalogue| -> Vec<(String, String)> {
        catalogue
            .seeds()
            .iter()
            .map(|set| (set.key.clone(), set.digest.clone()))
            .collect()
    };
    change.seeds_changed = digests(current) != digests(&next);
    change
}
