//! The files of a plugin's `metadata` folder, put into its manifest: objects first of all. Only names are held against the
//! manifest here; what is in a file is checked by whoever keeps the data, with file and line.

use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use syn::Result;

use crate::plugin::call_error;

const FOLDER: &str = "metadata";
const OBJECT_ENDS: [&str; 2] = [".object.yml", ".object.yaml"];

/// Puts the files into `objectos.documents` and answers their paths.
pub(crate) fn embed(manifest: &Path, document: &mut Value) -> Result<Vec<String>> {
    let folder = manifest.parent().unwrap_or(Path::new(".")).join(FOLDER);
    let mut paths = Vec::new();
    if folder.is_dir() {
        collect(&folder, &mut paths)?;
    }
    paths.sort();
    let declaration = &mut document["objectos"];
    let declared: BTreeSet<String> = declaration["objects"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let mut documents = Vec::new();
    let mut found = BTreeSet::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.extend(
            OBJECT_ENDS
                .iter()
                .find_map(|end| name.strip_suffix(end).map(str::to_owned)),
        );
        let text = std::fs::read_to_string(path)
            .map_err(|error| call_error(format_args!("{} cannot be read: {error}", path.display())))?;
        let relative = path
            .strip_prefix(manifest.parent().unwrap_or(Path::new(".")))
            .unwrap_or(path);
        documents.push(json!({ "file": relative.to_string_lossy(), "text": text }));
    }
    if let Some(name) = declared.difference(&found).next() {
        return Err(call_error(format_args!(
            "plugin.json declares the object `{name}`, but there is no {FOLDER}/{name}.object.yml"
        )));
    }
    if let Some(name) = found.difference(&declared).next() {
        return Err(call_error(format_args!(
            "{FOLDER}/{name}.object.yml is not declared: add `{name}` to `objectos.objects` in plugin.json"
        )));
    }
    if !documents.is_empty() {
        declaration["documents"] = documents.into();
    }
    Ok(paths.iter().map(|path| path.to_string_lossy().into_owned()).collect())
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable =
        |error: std::io::Error| call_error(format_args!("the folder {} cannot be read: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if name.ends_with(".yml") || name.ends_with(".yaml") {
            paths.push(path);
        }
    }
    Ok(())
}
