//! All objects at one moment, and the cell that holds the current ones.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use indexmap::IndexMap;

use super::ObjectModel;
use crate::metadata::MetadataRegistry;
use crate::seed::SeedSet;

/// An object whose records point to another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Name of the pointing object.
    pub object: String,
    /// Name of its field.
    pub field: String,
}

/// All objects, metadata items and seeds of one version. Never changes.
#[derive(Debug, Default)]
pub struct Catalogue {
    version: u64,
    objects: IndexMap<String, Arc<ObjectModel>>,
    children: HashMap<String, Vec<Child>>,
    metadata: MetadataRegistry,
    seeds: Vec<SeedSet>,
}

impl Catalogue {
    pub(crate) fn new(
        version: u64,
        objects: IndexMap<String, Arc<ObjectModel>>,
        metadata: MetadataRegistry,
        seeds: Vec<SeedSet>,
    ) -> Self {
        let mut children: HashMap<String, Vec<Child>> = HashMap::new();
        for object in objects.values().filter(|object| !object.is_abstract) {
            for field in object.references() {
                let Some(reference) = &field.reference else { continue };
                let child = Child {
                    object: object.name.clone(),
                    field: field.name.clone(),
                };
                children.entry(reference.object.clone()).or_default().push(child);
            }
        }
        Self {
            version,
            objects,
            children,
            metadata,
            seeds,
        }
    }

    /// Grows with every change; 0 is the empty catalogue before the first load.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// An object by name.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<&Arc<ObjectModel>> {
        self.objects.get(name)
    }

    /// All objects, in the order in which they were loaded.
    pub fn objects(&self) -> impl ExactSizeIterator<Item = &Arc<ObjectModel>> {
        self.objects.values()
    }

    /// The reference fields that point to an object.
    #[must_use]
    pub fn children(&self, object: &str) -> &[Child] {
        self.children.get(object).map_or(&[], Vec::as_slice)
    }

    /// The nearest name of an object to one that is not there.
    #[must_use]
    pub fn nearest_object(&self, name: &str) -> Option<&str> {
        super::nearest(name, self.objects.keys().map(String::as_str))
    }

    /// Everything that was declared, objects included, as it was declared.
    #[must_use]
    pub fn metadata(&self) -> &MetadataRegistry {
        &self.metadata
    }

    /// Seed records, in an order in which those that are pointed to come first.
    #[must_use]
    pub fn seeds(&self) -> &[SeedSet] {
        &self.seeds
    }
}

/// Holds the current catalogue. Loading costs no lock.
#[derive(Debug)]
pub struct CatalogueCell(ArcSwap<Catalogue>);

impl Default for CatalogueCell {
    fn default() -> Self {
        Self::new(Catalogue::default())
    }
}

impl CatalogueCell {
    /// Holding a first catalogue.
    #[must_use]
    pub fn new(catalogue: Catalogue) -> Self {
        Self(ArcSwap::from_pointee(catalogue))
    }

    /// The current one, for a short look. Not to be held across an await: use [`CatalogueCell::snapshot`] there.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<Catalogue>> {
        self.0.load()
    }

    /// The current one, to keep for one request.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Catalogue> {
        self.0.load_full()
    }

    /// Puts another in its place; whoever holds the old one goes on with it.
    pub fn replace(&self, catalogue: Arc<Catalogue>) {
        self.0.store(catalogue);
    }
}
