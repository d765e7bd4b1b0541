//! Further databases beside the first, by the names that objects use for them (`datasource`). An object without a word lies in
//! the first. Each has tables of the store's own, so that an event is stored with its record wherever that lies.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Store;

/// Name of the first database.
pub const DEFAULT: &str = "default";

/// Databases by name, the first left out.
#[derive(Clone, Default)]
pub struct Datasources(Arc<BTreeMap<String, Arc<dyn Store>>>);

impl fmt::Debug for Datasources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Datasources {
    /// Of open databases.
    #[must_use]
    pub fn new(stores: BTreeMap<String, Arc<dyn Store>>) -> Self {
        Self(Arc::new(stores))
    }

    /// One of them; none for the first and for a name that nobody has.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Store>> {
        self.0.get(name)
    }

    /// Whether an object may lie there.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        name == DEFAULT || self.0.contains_key(name)
    }

    /// All of them with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<dyn Store>)> {
        self.0.iter().map(|(name, store)| (name.as_str(), store))
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Closes all of them.
    pub async fn close(&self) {
        for store in self.0.values() {
            store.close().await;
        }
    }
}
