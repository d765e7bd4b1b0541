//! `objectos.app.yml`: who an app is and which of its files belong to it.

use indexmap::IndexMap;
use objectos_plugin_api::protocol::{
    data::{self, DocumentError},
    text::is_snake_name,
};
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SourceFile;
use super::decode::decode;
use super::document::Document;
use super::path::KeyPath;
use super::problem::{Place, Problems};

/// Name of the file.
pub const MANIFEST_FILE: &str = "objectos.app.yml";

/// The manifest of an app. YAML, camelCase; the keys are those of `kernel/Manifest` that an app has, and `globs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppManifest {
    /// `crm` or `com.example.crm`.
    pub id: String,
    /// Three numbers, as in `1.4.0`.
    pub version: String,
    /// Short name of the app in other tools; from the id when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// For people; the id when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `app`, if anything.
    #[serde(rename = "type", default = "app")]
    pub kind: String,
    /// Id of another app or plugin to a version range. An app must be loaded together with those it names.
    #[serde(default)]
    pub dependencies: IndexMap<String, String>,
    /// Files that belong to the app, from its folder; `**/*` when left out.
    #[serde(default = "everything", alias = "files")]
    pub globs: Vec<String>,
    /// Files that do not, although they match.
    #[serde(default)]
    pub exclude: Vec<String>,
}

fn app() -> String {
    "app".to_owned()
}

fn everything() -> Vec<String> {
    vec!["**/*".to_owned()]
}

impl data::Document for AppManifest {
    fn read(value: &Value) -> Result<Self, DocumentError> {
        serde_path_to_error::deserialize(value)
    }
}

impl AppManifest {
    /// Reads and checks a manifest; what is wrong goes to `problems`.
    pub(super) fn read(source: &SourceFile, problems: &mut Problems) -> Option<Self> {
        let document = Document::parse(source, problems)?;
        let root = KeyPath::default();
        if document.root.entries().is_empty() {
            let hint = "write at least `id` and `version`";
            problems.push(document.error(&root, "the manifest is empty").hint(hint));
            return None;
        }
        let manifest = decode::<Self>(&document, &root, document.root.to_json(), problems)?.value;
        manifest.check(&document, problems);
        Some(manifest)
    }

    fn check(&self, document: &Document, problems: &mut Problems) {
        let at = |key: &str| KeyPath::of([key]);
        if !self.id.split('.').all(|part| is_snake_name(&part.replace('-', "_"))) {
            let hint =
                "use lower case letters, digits, underscores, hyphens and dots, as in `crm` or `com.example.crm`";
            problems.push(document.error(&at("id"), format!("`{}` is no id", self.id)).hint(hint));
        }
        if Version::parse(&self.version).is_err() {
            let message = format!("`{}` is no version", self.version);
            problems.push(
                document
                    .error(&at("version"), message)
                    .hint("write three numbers, as in `1.4.0`"),
            );
        }
        if let Some(namespace) = self.namespace.as_ref().filter(|namespace| !is_snake_name(namespace)) {
            let message = format!("`{namespace}` is no namespace");
            problems.push(
                document
                    .error(&at("namespace"), message)
                    .hint("use lower case letters, digits and underscores"),
            );
        }
        if self.kind != "app" {
            let message = format!("expected `app`, found `{}`", self.kind);
            problems.push(
                document
                    .error(&at("type"), message)
                    .hint("a plugin has a `plugin.json` of its own"),
            );
        }
        for (id, range) in &self.dependencies {
            if VersionReq::parse(range).is_err() {
                let path = at("dependencies").key(id);
                let message = format!("`{range}` is no version range");
                problems.push(document.error(&path, message).hint("write a range such as `^1.2`"));
            }
        }
        for (key, globs) in [("globs", &self.globs), ("exclude", &self.exclude)] {
            for (index, glob) in globs.iter().enumerate() {
                if globset::Glob::new(glob).is_err() {
                    let message = format!("`{glob}` is no pattern of files");
                    let hint = "use a pattern such as `objects/**/*.object.yml`";
                    problems.push(document.error(&at(key).index(index), message).hint(hint));
                }
            }
        }
    }

    /// Holds the dependencies of all apps against what is loaded: ids and versions.
    pub(super) fn check_dependencies(
        &self,
        file: &str,
        loaded: &IndexMap<String, Option<String>>,
        problems: &mut Problems,
    ) {
        for (id, range) in &self.dependencies {
            let path = format!("dependencies.{id}");
            let Some(found) = loaded.get(id) else {
                let nearest = crate::model::nearest(id, loaded.keys().map(String::as_str));
                let message = format!("the app needs `{id}` {range}, which is not loaded");
                let problem = super::Problem::error(Place::file(file), path, message).suggest(nearest);
                problems.push(problem.hint("load it with a further `--app`"));
                continue;
            };
            let version = found.as_deref().and_then(|version| Version::parse(version).ok());
            let fits = version
                .zip(VersionReq::parse(range).ok())
                .is_none_or(|(version, range)| range.matches(&version));
            if !fits {
                let found = found.as_deref().unwrap_or_default();
                let message = format!("the app needs `{id}` {range}, loaded is {found}");
                problems.push(
                    super::Problem::error(Place::file(file), path, message)
                        .hint("load a version that fits, or widen the range"),
                );
            }
        }
    }
}
