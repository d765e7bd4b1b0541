//! Apps in memory, and what came of loading them.

use std::path::Path;

use objectos_data::app::{AppManifest, Loaded, PackageSource, SourceFile, load};
use objectos_data::model::{Catalogue, ObjectModel};

/// An app of some files; no manifest file, but it counts as an app.
pub(crate) fn app(files: &[(&str, &str)]) -> PackageSource {
    let manifest: AppManifest =
        serde_json::from_value(serde_json::json!({ "id": "demo", "version": "1.0.0" })).expect("a manifest");
    let files = files.iter().map(|(name, text)| SourceFile {
        name: (*name).to_owned(),
        text: (*text).to_owned(),
        modified_ms: 1_000,
    });
    PackageSource {
        id: "demo".to_owned(),
        manifest: Some(manifest),
        manifest_file: "objectos.app.yml".to_owned(),
        files: files.collect(),
    }
}

/// Loads files as one app, or tells every problem as a line.
pub(crate) fn try_load(files: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    load(&[app(files)], 1).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// The catalogue of files that must be good.
pub(crate) fn catalogue(files: &[(&str, &str)]) -> Catalogue {
    try_load(files)
        .unwrap_or_else(|problems| panic!("{}", problems.join("\n")))
        .catalogue
}

/// The one object of a file that must be good.
pub(crate) fn object(text: &str) -> ObjectModel {
    let catalogue = catalogue(&[("thing.object.yml", text)]);
    let object = catalogue.objects().next().expect("an object");
    ObjectModel::clone(object)
}

/// An app folder on disk, with a manifest.
pub(crate) fn write_app(folder: &Path, id: &str, files: &[(&str, &str)]) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("objectos.app.yml"), format!("id: {id}\nversion: 1.0.0\n")).expect("a manifest");
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
}
