//! Seed files: `*.data.yml`, as the protocol's dataset or as a bare list of records.

mod record;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use objectos_plugin_api::protocol::data::{Dataset, DatasetEnvironment, DatasetMode};
use objectos_plugin_api::protocol::dialect::normalise_dataset;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::compile::Drafts;
use super::decode::decode;
use super::document::Document;
use super::path::KeyPath;
use super::problem::Problems;
use super::yaml::{Node, NodeValue};
use crate::model::{FieldModel, ObjectModel, nearest};
use crate::seed::{SeedRecord, SeedSet};

/// Keys under which records stand; the first is the protocol's.
const RECORD_KEYS: [&str; 3] = ["records", "data", "rows"];

/// A seed file whose records are not looked at yet.
#[derive(Debug)]
pub(super) struct SeedFile {
    pub(super) package: String,
    document: Rc<Document>,
    object: String,
    object_path: KeyPath,
    external_id: Option<String>,
    mode: DatasetMode,
    environments: Vec<DatasetEnvironment>,
    records: KeyPath,
}

impl SeedFile {
    fn nodes(&self) -> &[Node] {
        self.document.root.at(&self.records).map_or(&[], Node::items)
    }

    pub(super) fn count(&self) -> usize {
        self.nodes().len()
    }
}

/// Reads one file. A bare list is of the object that the file is named after.
pub(super) fn read(package: &str, stem: &str, document: &Rc<Document>, problems: &mut Problems) -> Option<SeedFile> {
    let root = KeyPath::default();
    let file = |object: String, object_path: KeyPath, records: KeyPath| SeedFile {
        package: package.to_owned(),
        document: Rc::clone(document),
        object,
        object_path,
        external_id: None,
        mode: DatasetMode::Upsert,
        environments: DatasetEnvironment::ALL.to_vec(),
        records,
    };
    if matches!(document.root.value, NodeValue::List(_)) {
        return Some(file(stem.to_owned(), root.clone(), root));
    }
    if document.root.entries().is_empty() {
        let hint = "write a list of records, or `object` and `records`";
        problems.push(document.error(&root, "the file has no records").hint(hint));
        return None;
    }
    // The records are read one by one later, with the object's fields in mind.
    let entries = document.root.entries().iter();
    let head = entries.map(|entry| {
        let records = RECORD_KEYS.contains(&entry.key.as_str());
        (
            entry.key.clone(),
            if records {
                Value::Array(Vec::new())
            } else {
                entry.value.to_json()
            },
        )
    });
    let records_key = RECORD_KEYS
        .iter()
        .find(|key| document.root.get(key).is_some())
        .unwrap_or(&RECORD_KEYS[0]);
    let records_path = KeyPath::of([*records_key]);
    if document
        .root
        .at(&records_path)
        .is_some_and(|records| !matches!(records.value, NodeValue::List(_)))
    {
        problems.push(document.error(&records_path, "expected a list of records"));
    }
    let (value, notes) = normalise_dataset(Value::Object(head.collect()), stem);
    document.learn(&root, &notes, problems);
    let dataset = decode::<Dataset>(document, &root, value, problems)?.value;
    let mut seeds = file(dataset.object, KeyPath::of(["object"]), records_path);
    seeds.external_id = document.node(&KeyPath::of(["externalId"])).map(|_| dataset.external_id);
    seeds.mode = dataset.mode;
    seeds.environments = dataset.env;
    Some(seeds)
}

/// Holds all files against the objects and orders them: what is pointed to comes first.
pub(super) fn resolve(
    files: &[SeedFile],
    drafts: &Drafts,
    objects: &IndexMap<String, Arc<ObjectModel>>,
    problems: &mut Problems,
) -> Vec<SeedSet> {
    let mut sets = Vec::new();
    for file in files {
        match objects.get(&file.object) {
            Some(object) => sets.extend(set(file, object, problems)),
            None if drafts.is_broken(&file.object) => {}
            None => {
                let names = objects.keys().map(String::as_str);
                let message = format!("there is no object `{}`", file.object);
                let problem = file
                    .document
                    .error(&file.object_path, message)
                    .suggest(nearest(&file.object, names));
                problems.push(problem);
            }
        }
    }
    order(sets, objects)
}

fn set(file: &SeedFile, object: &ObjectModel, problems: &mut Problems) -> Option<SeedSet> {
    let external_id = external_id(file, object, problems)?;
    let mut records = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (index, node) in file.nodes().iter().enumerate() {
        let path = file.records.index(index);
        if node.entries().is_empty() {
            problems.push(file.document.error(&path, "expected a record: a map of fields"));
            continue;
        }
        let fields = record::read(file, object, &path, node, &external_id, problems);
        if let Some(value) = fields.get(&external_id) {
            if let Some(first) = seen.insert(value.to_string(), index) {
                let first = file.document.place(&file.records.index(first)).line;
                let message = format!("`{external_id}` is {value} here and in line {first}");
                let hint = "each record needs its own, so that it is recognised at the next start";
                problems.push(file.document.error(&path.key(&external_id), message).hint(hint));
            }
        } else if file.mode != DatasetMode::Insert && file.mode != DatasetMode::Replace {
            let message =
                format!("the record has no `{external_id}`, by which it would be recognised at the next start");
            problems.push(
                file.document
                    .error(&path, message)
                    .hint("add it, or name another field in `externalId`"),
            );
        }
        records.push(SeedRecord {
            fields,
            place: file.document.place(&path),
            path: path.to_string(),
        });
    }
    let digest = digest(&external_id, file.mode, &records);
    Some(SeedSet {
        key: format!("{}/{}/{}", file.package, object.name, file.document.file_name()),
        digest,
        object: object.name.clone(),
        external_id,
        mode: file.mode,
        environments: file.environments.clone(),
        records,
    })
}

/// As the file says; else `name` when the object has it, else its external id field, else the field of its title.
fn external_id(file: &SeedFile, object: &ObjectModel, problems: &mut Problems) -> Option<String> {
    let stored = |name: &&str| object.field(name).is_some_and(FieldModel::stored);
    if let Some(name) = &file.external_id {
        if stored(&name.as_str()) {
            return Some(name.clone());
        }
        let message = format!("`{}` has no stored field `{name}`", object.name);
        let problem = file
            .document
            .error(&KeyPath::of(["externalId"]), message)
            .suggest(object.nearest_field(name));
        problems.push(problem);
        return None;
    }
    let declared = object
        .fields
        .values()
        .filter(|field| field.external_id)
        .map(|field| field.name.as_str());
    let unique = object
        .fields
        .values()
        .filter(|field| field.unique && field.system.is_none())
        .map(|field| field.name.as_str());
    let found = declared.chain(["name", "title", "subject"]).chain(unique).find(stored);
    if found.is_none() {
        let message = format!("nothing tells the records of `{}` apart", object.name);
        let hint = "name a field in `externalId`";
        problems.push(file.document.error(&file.object_path, message).hint(hint));
    }
    found.map(str::to_owned)
}

fn digest(external_id: &str, mode: DatasetMode, records: &[SeedRecord]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{external_id} {mode}\n"));
    for record in records {
        hasher.update(Value::Object(record.fields.clone()).to_string());
        hasher.update(b"\n");
    }
    hasher
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Sets of objects that others point to come first; where they point at each other the order of the files stays.
fn order(sets: Vec<SeedSet>, objects: &IndexMap<String, Arc<ObjectModel>>) -> Vec<SeedSet> {
    let mut done: HashSet<&str> = HashSet::new();
    let mut order = Vec::new();
    for set in &sets {
        visit(&set.object, objects, &mut done, &mut order, 0);
    }
    let place: HashMap<String, usize> = order
        .iter()
        .enumerate()
        .map(|(index, name)| ((*name).to_owned(), index))
        .collect();
    let mut sets = sets;
    sets.sort_by_key(|set| place.get(&set.object).copied());
    sets
}

/// Objects deeper than this are taken as they come; the records then wait for each other when they are put in.
const ORDER_DEPTH_MAX: usize = 200;

fn visit<'a>(
    name: &'a str,
    objects: &'a IndexMap<String, Arc<ObjectModel>>,
    done: &mut HashSet<&'a str>,
    order: &mut Vec<&'a str>,
    depth: usize,
) {
    if depth > ORDER_DEPTH_MAX || !done.insert(name) {
        return;
    }
    let Some((name, object)) = objects.get_key_value(name) else {
        return;
    };
    for reference in object.references().filter_map(|field| field.reference.as_ref()) {
        visit(&reference.object, objects, done, order, depth + 1);
    }
    order.push(name);
}
