//! One object file as far as it can be read by itself.

use std::collections::HashSet;
use std::ops::Deref;
use std::rc::Rc;

use indexmap::IndexMap;
use objectos_plugin_api::protocol::data::{Field, Object};
use objectos_plugin_api::protocol::dialect::normalise_object;
use objectos_plugin_api::protocol::text::is_identifier;
use serde_json::{Map, Value};

use super::implied;
use super::own::{self, Own};
use super::parts::PartsDraft;
use crate::app::PackageSource;
use crate::app::decode::decode;
use crate::app::document::Document;
use crate::app::path::KeyPath;
use crate::app::problem::{Problem, Problems};
use crate::app::yaml::Node;
use crate::model::{ANSWER_KEYS, NAME_BYTES_MAX, SystemField, is_reserved};

/// Beginning of the names of objects that plugins declare.
pub(super) const PLUGIN_PREFIX: &str = "sys_";

/// An object as its file has it.
#[derive(Debug)]
pub(in crate::app) struct Draft {
    pub(in crate::app) package: String,
    pub(in crate::app) document: Rc<Document>,
    /// In the protocol's shape, defaults filled in, without what was wrong.
    pub(in crate::app) object: Object,
    /// Where the object stands in its file.
    base: KeyPath,
    /// Pieces that were taken out, from the object on.
    broken: Vec<KeyPath>,
    /// The object after the older spellings were made new, before defaults.
    written: Value,
    /// What the protocol has no key for.
    pub(super) own: Own,
    /// The fields within fields, by these.
    pub(super) parts: IndexMap<String, PartsDraft>,
}

impl Draft {
    /// The way in the file to a piece of the object.
    pub(super) fn path(&self, keys: &[&str]) -> KeyPath {
        self.base.join(&KeyPath::of(keys.iter().copied()))
    }

    /// An error at a piece of the object.
    pub(super) fn error(&self, keys: &[&str], message: impl Into<String>) -> Problem {
        self.document.error(&self.path(keys), message)
    }

    /// A warning at a piece of the object.
    pub(super) fn warning(&self, keys: &[&str], message: impl Into<String>) -> Problem {
        self.document.warning(&self.path(keys), message)
    }

    /// An error at a field or one of its keys.
    pub(super) fn field_error(&self, field: &str, key: &str, message: impl Into<String>) -> Problem {
        let keys = ["fields", field, key];
        self.error(if key.is_empty() { &keys[..2] } else { &keys }, message)
    }

    /// Whether the file itself has a key of a field.
    pub(super) fn writes(&self, field: &str, key: &str) -> bool {
        self.written
            .get("fields")
            .and_then(|fields| fields.get(field)?.get(key))
            .is_some()
    }

    /// What the file itself has at a place in the object.
    pub(super) fn written_at(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().try_fold(&self.written, |value, key| value.get(key))
    }

    /// Whether the file itself says `true` to a capability.
    pub(super) fn enables(&self, capability: &str) -> bool {
        self.written
            .get("enable")
            .and_then(|enable| enable.get(capability)?.as_bool())
            .unwrap_or_default()
    }

    /// Reads the fields that stand within fields.
    fn read_parts(&mut self, problems: &mut Problems) {
        for (name, raw) in std::mem::take(&mut self.own.parts) {
            if let Some(draft) = self.within(&name, raw.fields, problems) {
                self.parts.insert(name, PartsDraft { many: raw.many, draft });
            }
        }
    }

    /// Fields within a field: they are read as those of an object are, from where they stand.
    fn within(&self, field: &str, fields: Map<String, Value>, problems: &mut Problems) -> Option<Self> {
        let base = self.path(&["fields", field]);
        let mut map = Map::new();
        map.insert("name".to_owned(), Value::String(self.object.name.clone()));
        map.insert("fields".to_owned(), Value::Object(fields));
        let own = own::take(&mut map, &self.document, &base, problems);
        let (value, notes) = normalise_object(Value::Object(map));
        self.document.learn(&base, &notes, problems);
        let written = value.clone();
        let decoded = decode::<Object>(&self.document, &base, value, problems)?;
        let mut draft = Self {
            package: self.package.clone(),
            document: Rc::clone(&self.document),
            object: decoded.value,
            base,
            broken: decoded.broken,
            written,
            own,
            parts: IndexMap::new(),
        };
        draft.read_parts(problems);
        Some(draft)
    }

    /// Whether there is a field of a name, one of the system's or one that could not be read among them.
    pub(in crate::app) fn has_field(&self, name: &str) -> bool {
        let system = || SystemField::ALWAYS.iter().any(|part| part.name() == name);
        let object = &self.object;
        let named =
            || super::object::tenant_field(object) == Some(name) || super::object::deleted_field(object) == Some(name);
        object.fields.contains_key(name) || system() || named() || self.is_broken_field(name)
    }

    /// Whether the object has any field, one that could not be read among them.
    pub(super) fn has_fields(&self) -> bool {
        !self.object.fields.is_empty()
            || self
                .broken
                .iter()
                .any(|path| path.starts_with(&KeyPath::of(["fields"])))
    }

    /// Whether a field is there but could not be read.
    pub(super) fn is_broken_field(&self, name: &str) -> bool {
        let whole = KeyPath::of(["fields"]);
        let field = whole.key(name);
        self.broken.iter().any(|path| *path == whole || *path == field)
    }
}

/// All drafts by name.
#[derive(Debug, Default)]
pub(in crate::app) struct Drafts {
    objects: IndexMap<String, Draft>,
    /// Objects that are there but could not be read at all.
    broken: HashSet<String>,
}

impl Drafts {
    /// Whether an object is there but could not be read.
    pub(in crate::app) fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }
}

impl Deref for Drafts {
    type Target = IndexMap<String, Draft>;

    fn deref(&self) -> &Self::Target {
        &self.objects
    }
}

/// What one file gives: an object, or several in a map.
pub(in crate::app) struct Read {
    drafts: Vec<Draft>,
    broken: Vec<String>,
}

impl IntoIterator for Read {
    type Item = Result<Draft, String>;
    type IntoIter = Box<dyn Iterator<Item = Self::Item>>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.drafts.into_iter().map(Ok).chain(self.broken.into_iter().map(Err)))
    }
}

/// Reads one file.
pub(in crate::app) fn read(
    package: &PackageSource,
    stem: &str,
    document: &Rc<Document>,
    problems: &mut Problems,
) -> Read {
    let root = KeyPath::default();
    let mut out = Read {
        drafts: Vec::new(),
        broken: Vec::new(),
    };
    let entries = document.root.entries();
    if entries.is_empty() {
        problems.push(
            document
                .error(&root, "the file has no object")
                .hint("write at least `name` and `fields`"),
        );
        out.broken.push(stem.to_owned());
        return out;
    }
    let is_object = |node: &Node| node.get("fields").is_some();
    if !is_object(&document.root)
        && document.root.get("name").is_none()
        && entries.iter().any(|entry| is_object(&entry.value))
    {
        for entry in entries {
            out.add(package, &entry.key, document, root.key(&entry.key), problems);
        }
    } else {
        out.add(package, stem, document, root, problems);
    }
    out
}

impl Read {
    fn add(
        &mut self,
        package: &PackageSource,
        fallback: &str,
        document: &Rc<Document>,
        base: KeyPath,
        problems: &mut Problems,
    ) {
        let Some(node) = document.root.at(&base) else { return };
        let mut value = node.to_json();
        let Value::Object(map) = &mut value else {
            problems.push(document.error(&base, "expected an object: a map with `name` and `fields`"));
            return self.broken.push(fallback.to_owned());
        };
        let own = own::take(map, document, &base, problems);
        if map.get("name").is_none() {
            map.shift_insert(0, "name".to_owned(), Value::String(fallback.to_owned()));
        }
        let (value, notes) = normalise_object(value);
        document.learn(&base, &notes, problems);
        let name = value.get("name").and_then(Value::as_str).unwrap_or(fallback).to_owned();
        let written = value.clone();
        let Some(mut decoded) = decode::<Object>(document, &base, value, problems) else {
            return self.broken.push(name);
        };
        if fallback != name && document.root.get("fields").is_some() {
            let message = format!("the file is named after `{fallback}`, the object is `{name}`");
            problems.push(
                document
                    .warning(&base.key("name"), message)
                    .hint("give both the same name"),
            );
        }
        implied::add(&mut decoded.value);
        let mut draft = Draft {
            package: package.id.clone(),
            document: Rc::clone(document),
            object: decoded.value,
            base,
            broken: decoded.broken,
            written,
            own,
            parts: IndexMap::new(),
        };
        draft.read_parts(problems);
        check_names(&draft, package.manifest.is_some(), problems);
        self.drafts.push(draft);
    }
}

fn check_names(draft: &Draft, is_app: bool, problems: &mut Problems) {
    let object = &draft.object;
    let mut check = |keys: &[&str], what: &str, name: &str| {
        if name.len() > NAME_BYTES_MAX {
            let message = format!("the name of the {what} is longer than {NAME_BYTES_MAX} characters");
            problems.push(draft.error(keys, message).hint("shorten it"));
        } else if !is_identifier(name) {
            let hint = "use lower case letters, digits and underscores, and begin with a letter";
            problems.push(draft.error(keys, format!("`{name}` is no name of a {what}")).hint(hint));
        } else if what != "field" && is_reserved(name) {
            let message = format!("`{name}` is reserved for the platform");
            problems.push(draft.error(keys, message).hint("give it another beginning"));
        } else if what == "field" && ANSWER_KEYS.contains(&name) {
            let message = format!("`{name}` is what answers have beside the fields of a record");
            problems.push(draft.error(keys, message).hint("leave the `_` out"));
        }
    };
    check(&["name"], "object", &object.name);
    if let Some(table) = &object.table_name {
        check(&["tableName"], "table", table);
    }
    for name in object.fields.keys() {
        check(&["fields", name], "field", name);
    }
    if is_app && object.name.starts_with(PLUGIN_PREFIX) {
        let message = format!("names that begin with `{PLUGIN_PREFIX}` belong to plugins");
        problems.push(draft.error(&["name"], message).hint("leave the beginning out"));
    }
    for (key, field) in &object.fields {
        check_field_name(draft, key, field, problems);
    }
}

fn check_field_name(draft: &Draft, key: &str, field: &Field, problems: &mut Problems) {
    if let Some(name) = field.name.as_ref().filter(|name| *name != key) {
        let message = format!("the field is called `{key}` by its key and `{name}` here");
        problems.push(
            draft
                .field_error(key, "name", message)
                .hint("remove `name`: the key is enough"),
        );
    }
}

/// All drafts by name; the second of two with one name is refused.
pub(in crate::app) fn distinct(read: Vec<Result<Draft, String>>, problems: &mut Problems) -> Drafts {
    let mut drafts = Drafts::default();
    for draft in read {
        let draft = match draft {
            Ok(draft) => draft,
            Err(name) => {
                drafts.broken.insert(name);
                continue;
            }
        };
        match drafts.objects.get(&draft.object.name) {
            Some(first) => {
                let message = format!(
                    "the object `{}` is declared twice, first in {}",
                    draft.object.name, first.document.file
                );
                problems.push(draft.error(&["name"], message).hint("give one of them another name"));
            }
            None => {
                drafts.objects.insert(draft.object.name.clone(), draft);
            }
        }
    }
    drafts
}
