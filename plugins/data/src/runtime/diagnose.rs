//! What is odd about the items in use, item by item, for whoever builds apps.

use objectos_plugin_api::Context;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::RuntimeMetadata;
use crate::app::Problem;
use crate::error::Result;
use crate::metadata::{MetadataEntry, kind_of_name};

impl RuntimeMetadata {
    /// `{entries: [{type, name, diagnostics: {valid, warnings: [{path, message}]}}], total, scannedTypes, scannedItems,
    /// stats: {type: {count, locked, packages}}}`: the items about which there is something to say, of one kind and one package if wanted. What is in use is valid, so
    /// there are warnings only; what is not valid is told when it is loaded or saved.
    ///
    /// # Errors
    /// Refusals of the caller.
    pub async fn diagnostics(&self, context: &Context, kind: Option<&str>, package: Option<&str>) -> Result<Value> {
        self.authorise_reading(context).await?;
        let kind = kind.map(|kind| kind_of_name(kind).map_or(kind, |kind| kind.name));
        let (catalogue, warnings) = (self.library.catalogue(), self.library.warnings());
        let wanted = |entry: &&MetadataEntry| {
            kind.is_none_or(|kind| kind == entry.kind) && package.is_none_or(|package| package == entry.package)
        };
        let scanned: Vec<&MetadataEntry> = catalogue
            .metadata()
            .entries()
            .map(AsRef::as_ref)
            .filter(wanted)
            .collect();
        let entries: Vec<Value> = scanned
            .iter()
            .filter_map(|entry| {
                let about = warnings.iter().filter(|warning| warning.place.file == entry.file);
                let about: Vec<Value> = about.map(written).collect();
                (!about.is_empty()).then(|| {
                    let diagnostics = json!({ "valid": true, "errors": [], "warnings": about });
                    json!({ "type": entry.kind, "name": entry.name, "diagnostics": diagnostics })
                })
            })
            .collect();
        let mut stats: BTreeMap<&str, (u64, BTreeSet<&str>)> = BTreeMap::new();
        for entry in &scanned {
            let (count, packages) = stats.entry(entry.kind).or_default();
            *count += 1;
            packages.insert(&entry.package);
        }
        let scanned_types = stats.len();
        // Nothing is ever locked against its author: what an app declares is the app's, and the rest is free.
        let stats: Map<String, Value> = stats
            .into_iter()
            .map(|(kind, (count, packages))| {
                let told = json!({ "count": count, "locked": 0, "packages": packages });
                (kind.to_owned(), told)
            })
            .collect();
        Ok(json!({
            "total": entries.len(),
            "entries": entries,
            "scannedTypes": scanned_types,
            "scannedItems": scanned.len(),
            "stats": stats,
        }))
    }
}

fn written(problem: &Problem) -> Value {
    let hint = problem
        .hint
        .as_ref()
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default();
    json!({ "path": problem.path, "message": format!("{}{hint}", problem.message) })
}
