//! From the files of all packages to a catalogue, or to everything that is wrong with them.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::compile::{self, Draft};
use super::document::Document;
use super::path::KeyPath;
use super::problem::{Place, Problem, Problems};
use super::{MANIFEST_FILE, PackageSource, SourceFile, screens, seeds};
use crate::metadata::{DATA, KINDS, MetadataEntry, MetadataRegistry, kind_of_file, kind_of_name};
use crate::model::{Catalogue, nearest};

/// What an app says of itself for `objectos-host test`; nothing that runs.
const POLICY_TEST: &str = "policy-test";

/// A catalogue and what it is made of.
#[derive(Debug)]
pub struct Loaded {
    /// Ready for use.
    pub catalogue: Catalogue,
    /// What is odd, but keeps nothing from working.
    pub warnings: Vec<Problem>,
    /// In the order of the sources.
    pub packages: Vec<PackageSummary>,
}

/// What a package brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageSummary {
    /// Id.
    pub id: String,
    /// Of its manifest.
    pub version: Option<String>,
    /// Objects.
    pub objects: usize,
    /// Items of other kinds.
    pub items: usize,
    /// Seed records.
    pub records: usize,
}

/// Reads and checks everything.
///
/// # Errors
/// All problems by file, line and column, warnings among them, as soon as one is an error.
pub fn load(packages: &[PackageSource], version: u64) -> Result<Loaded, Vec<Problem>> {
    let mut loader = Loader::default();
    for package in packages {
        loader.package(package);
    }
    loader.check_dependencies(packages);
    let Loader {
        mut problems,
        drafts,
        mut items,
        data,
        ..
    } = loader;
    let drafts = compile::distinct(drafts, &mut problems);
    let objects = compile::compile(&drafts, &mut problems);
    for item in &items {
        screens::check(item, &drafts, &mut problems);
    }
    let seeds = seeds::resolve(&data, &drafts, &objects, &mut problems);
    if problems.has_errors() {
        return Err(problems.into_sorted());
    }
    let packages = packages
        .iter()
        .map(|package| summary(package, &drafts, &items, &data))
        .collect();
    let entries = drafts
        .values()
        .map(|draft| object_entry(draft, &objects))
        .chain(items.drain(..).map(Item::into_entry));
    let registry = MetadataRegistry::new(entries.collect::<Vec<_>>());
    Ok(Loaded {
        catalogue: Catalogue::new(version, objects, registry, seeds),
        warnings: problems.into_sorted(),
        packages,
    })
}

fn summary(
    package: &PackageSource,
    drafts: &compile::Drafts,
    items: &[Item],
    data: &[seeds::SeedFile],
) -> PackageSummary {
    let records = data
        .iter()
        .filter(|file| file.package == package.id)
        .map(seeds::SeedFile::count)
        .sum();
    PackageSummary {
        id: package.id.clone(),
        version: package.manifest.as_ref().map(|manifest| manifest.version.clone()),
        objects: drafts.values().filter(|draft| draft.package == package.id).count(),
        items: items
            .iter()
            .filter(|item| item.package == package.id && item.kind != "package")
            .count(),
        records,
    }
}

fn object_entry(draft: &Draft, objects: &IndexMap<String, Arc<crate::model::ObjectModel>>) -> MetadataEntry {
    let definition = objects
        .get(&draft.object.name)
        .map_or(&draft.object, |model| &*model.definition);
    let definition = definition.to_json();
    let document = &draft.document;
    let (package, file) = (draft.package.clone(), Arc::clone(&document.file));
    MetadataEntry::new(
        "object",
        draft.object.name.clone(),
        package,
        file,
        document.modified_ms,
        definition,
    )
}

/// An item of another kind than object.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) package: String,
    pub(super) document: Rc<Document>,
    pub(super) definition: Value,
}

impl Item {
    fn into_entry(self) -> MetadataEntry {
        let file = Arc::clone(&self.document.file);
        MetadataEntry::new(
            self.kind,
            self.name,
            self.package,
            file,
            self.document.modified_ms,
            self.definition,
        )
    }
}

#[derive(Default)]
struct Loader {
    problems: Problems,
    packages: IndexMap<String, Option<String>>,
    drafts: Vec<Result<Draft, String>>,
    items: Vec<Item>,
    data: Vec<seeds::SeedFile>,
    /// Kind and name to the file that has it.
    names: HashMap<(&'static str, String), Arc<str>>,
}

impl Loader {
    fn package(&mut self, package: &PackageSource) {
        let version = package.manifest.as_ref().map(|manifest| manifest.version.clone());
        if self.packages.insert(package.id.clone(), version).is_some() {
            let message = format!("the package `{}` is there twice", package.id);
            let hint = "load it once, or give one of them another id";
            let place = if package.manifest_file.is_empty() {
                &package.id
            } else {
                &package.manifest_file
            };
            self.problems
                .push(Problem::error(Place::file(place), "", message).hint(hint));
            return;
        }
        for file in &package.files {
            self.file(package, file);
        }
    }

    fn file(&mut self, package: &PackageSource, file: &SourceFile) {
        let name = file.name.rsplit(['/', '\\']).next().unwrap_or(&file.name);
        let Some((stem, suffix)) = kind_of_file(name) else {
            let hint = format!("name it after its kind, as in `account.object.yml`; the app itself is {MANIFEST_FILE}");
            let message = "the name of the file does not tell what it is, so it was left out";
            self.problems
                .push(Problem::warning(Place::file(&file.name), "", message).hint(hint));
            return;
        };
        if suffix == POLICY_TEST {
            return;
        }
        let kind = KINDS.iter().find(|kind| kind.name == suffix && kind.name != "package");
        if kind.is_none() && suffix != DATA {
            return self.unknown_kind(file, suffix);
        }
        let Some(document) = Document::parse(file, &mut self.problems).map(Rc::new) else {
            return;
        };
        match kind {
            None => self
                .data
                .extend(seeds::read(&package.id, stem, &document, &mut self.problems)),
            Some(kind) if kind.name == "object" => {
                self.drafts
                    .extend(compile::read(package, stem, &document, &mut self.problems));
            }
            Some(kind) => self.item(&package.id, kind.name, stem, document),
        }
    }

    fn unknown_kind(&mut self, file: &SourceFile, suffix: &str) {
        let known = KINDS
            .iter()
            .map(|kind| kind.name)
            .filter(|name| *name != "package")
            .chain([DATA]);
        let meant = kind_of_name(suffix)
            .map(|kind| kind.name)
            .or_else(|| nearest(suffix, known));
        let message = format!("`{suffix}` is no kind of file, so it was left out");
        let mut problem = Problem::warning(Place::file(&file.name), "", message).suggest(meant);
        if meant.is_none() {
            problem = problem.hint("the kinds are those of the guide: object, view, data, permission, flow, …");
        }
        self.problems.push(problem);
    }

    fn item(&mut self, package: &str, kind: &'static str, stem: &str, document: Rc<Document>) {
        let declared = document
            .root
            .get("name")
            .and_then(|name| name.written())
            .map(str::to_owned);
        let mut name = declared.clone().unwrap_or_else(|| stem.to_owned());
        if document.root.entries().is_empty() && document.root.items().is_empty() {
            self.problems.push(
                document
                    .error(&KeyPath::default(), "the file is empty")
                    .hint("remove it, or fill it"),
            );
            return;
        }
        if let Some(first) = self.names.get(&(kind, name.clone())) {
            // Two apps may both have an `en.translation.yml`; only who names an item decides on its name.
            if declared.is_some() {
                let message = format!("the {kind} `{name}` is declared twice, first in {first}");
                let path = KeyPath::of(["name"]);
                self.problems
                    .push(document.error(&path, message).hint("give one of them another name"));
                return;
            }
            name = format!("{package}.{name}");
        }
        self.names.insert((kind, name.clone()), Arc::clone(&document.file));
        let definition = document.root.to_json();
        self.items.push(Item {
            kind,
            name,
            package: package.to_owned(),
            document,
            definition,
        });
    }

    fn check_dependencies(&mut self, packages: &[PackageSource]) {
        for package in packages {
            let Some(manifest) = &package.manifest else { continue };
            manifest.check_dependencies(&package.manifest_file, &self.packages, &mut self.problems);
            let file: Arc<str> = package.manifest_file.as_str().into();
            let definition = serde_json::to_value(manifest).unwrap_or_default();
            let root = super::yaml::Node {
                value: super::yaml::NodeValue::Null,
                position: super::yaml::Position::default(),
            };
            let document = Rc::new(Document::new(file, 0, root));
            let item = Item {
                kind: "package",
                name: package.id.clone(),
                package: package.id.clone(),
                document,
                definition,
            };
            self.items.push(item);
        }
    }
}
