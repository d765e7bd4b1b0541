//! All items by kind and name.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{KINDS, MetadataEntry, Rendered, kind_of_name};

/// All items of one catalogue.
#[derive(Debug, Default)]
pub struct MetadataRegistry {
    kinds: IndexMap<&'static str, IndexMap<String, Arc<MetadataEntry>>>,
    lists: IndexMap<&'static str, OnceLock<Rendered>>,
    types: OnceLock<Rendered>,
}

impl MetadataRegistry {
    pub(crate) fn new(entries: impl IntoIterator<Item = MetadataEntry>) -> Self {
        let mut registry = Self::default();
        for entry in entries {
            let items = registry.kinds.entry(entry.kind).or_default();
            items.insert(entry.name.clone(), Arc::new(entry));
        }
        registry.lists = KINDS.iter().map(|kind| (kind.name, OnceLock::new())).collect();
        registry
    }

    /// The names of all kinds that are known, whether there are items of them or not.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|kind| kind.name)
    }

    /// All items of a kind, in the order in which they were loaded; none for an unknown kind.
    pub fn list(&self, kind: &str) -> impl Iterator<Item = &Arc<MetadataEntry>> {
        let items = kind_of_name(kind).and_then(|kind| self.kinds.get(kind.name));
        items.into_iter().flat_map(IndexMap::values)
    }

    /// One item.
    #[must_use]
    pub fn get(&self, kind: &str, name: &str) -> Option<&Arc<MetadataEntry>> {
        self.kinds.get(kind_of_name(kind)?.name)?.get(name)
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.values().map(IndexMap::len).sum()
    }

    /// Whether nothing is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All items of all kinds.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<MetadataEntry>> {
        self.kinds.values().flat_map(IndexMap::values)
    }

    /// The answer `{types: [string]}`.
    pub fn rendered_types(&self) -> &Rendered {
        self.types.get_or_init(|| {
            let types: Vec<&str> = self.kinds().collect();
            Rendered::new(&json!({ "types": types }), self.modified_ms())
        })
    }

    /// The answer `{type, items: [definition]}`; `None` for a kind that is not known.
    pub fn rendered_list(&self, kind: &str) -> Option<&Rendered> {
        let kind = kind_of_name(kind)?;
        let cell = self.lists.get(kind.name)?;
        Some(cell.get_or_init(|| self.render_list(kind.name, None)))
    }

    /// The answer `{type, items: [definition]}` with the items of one package only; written on each call.
    #[must_use]
    pub fn render_list(&self, kind: &str, package: Option<&str>) -> Rendered {
        let wanted = |entry: &&Arc<MetadataEntry>| package.is_none_or(|package| entry.package == package);
        let items: Vec<&Value> = self.list(kind).filter(wanted).map(|entry| &*entry.definition).collect();
        let modified_ms = self
            .list(kind)
            .filter(wanted)
            .map(|entry| entry.modified_ms)
            .max()
            .unwrap_or_default();
        Rendered::new(&json!({ "type": kind, "items": items }), modified_ms)
    }

    fn modified_ms(&self) -> i64 {
        self.entries().map(|entry| entry.modified_ms).max().unwrap_or_default()
    }
}
