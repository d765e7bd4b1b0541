//! Views, apps and menus: the names in them lead somewhere.
//!
//! Their shape is kept as it is; only what names objects and fields is looked at, wherever the shapes of the protocol have it.

use super::compile::{Draft, Drafts};
use super::loader::Item;
use super::path::KeyPath;
use super::problem::Problems;
use super::yaml::{Node, NodeValue};
use crate::model::{SystemField, nearest};

/// Looks at one item.
pub(super) fn check(item: &Item, drafts: &Drafts, problems: &mut Problems) {
    match item.kind {
        "view" => View { item, drafts }.check(problems),
        "app" | "menu" => navigation(item, drafts, &KeyPath::default(), &item.document.root, problems),
        _ => {}
    }
}

struct View<'a> {
    item: &'a Item,
    drafts: &'a Drafts,
}

impl<'a> View<'a> {
    fn check(&self, problems: &mut Problems) {
        let root = &self.item.document.root;
        let path = KeyPath::of(["object"]);
        let named = root.get("object").and_then(Node::written);
        let object = match named {
            Some(name) => object(self.item, self.drafts, name, &path, problems),
            None => self.drafts.get(&self.item.name),
        };
        let Some(object) = object else { return };
        if let Some(list) = root.get("list") {
            self.list(object, list, &KeyPath::of(["list"]), problems);
        }
        if root.get("columns").is_some() {
            self.list(object, root, &KeyPath::default(), problems);
        }
        for (key, views) in [("listViews", root.get("listViews")), ("views", root.get("views"))] {
            for entry in views.map_or(&[][..], Node::entries) {
                self.list(object, &entry.value, &KeyPath::of([key]).key(&entry.key), problems);
            }
        }
        if let Some(form) = root.get("form") {
            self.form(object, form, &KeyPath::of(["form"]), problems);
        }
    }

    fn list(&self, object: &Draft, list: &Node, path: &KeyPath, problems: &mut Problems) {
        for key in [
            "columns",
            "searchableFields",
            "filterableFields",
            "hiddenFields",
            "fieldOrder",
            "sort",
        ] {
            self.names(object, list.get(key), &path.key(key), problems);
        }
    }

    fn form(&self, object: &Draft, form: &Node, path: &KeyPath, problems: &mut Problems) {
        let sections = path.key("sections");
        for (index, section) in form.get("sections").map_or(&[][..], Node::items).iter().enumerate() {
            self.names(
                object,
                section.get("fields"),
                &sections.index(index).key("fields"),
                problems,
            );
        }
        self.names(object, form.get("fields"), &path.key("fields"), problems);
    }

    /// A list of field names, or of maps with `field`.
    fn names(&self, object: &Draft, list: Option<&Node>, path: &KeyPath, problems: &mut Problems) {
        for (index, item) in list.map_or(&[][..], Node::items).iter().enumerate() {
            let at = path.index(index);
            match &item.value {
                NodeValue::Map(_) => {
                    if let Some(name) = item.get("field").and_then(Node::written) {
                        self.field(object, name, &at.key("field"), problems);
                    }
                }
                _ => {
                    if let Some(name) = item.written() {
                        self.field(object, name, &at, problems);
                    }
                }
            }
        }
    }

    fn field(&self, object: &Draft, name: &str, path: &KeyPath, problems: &mut Problems) {
        // `account.name` leads over a reference; the first name must be a field.
        let first = name.split('.').next().unwrap_or(name);
        if object.has_field(first) {
            return;
        }
        let system = SystemField::ALWAYS.iter().map(|part| part.name());
        let names = object.object.fields.keys().map(String::as_str).chain(system);
        let message = format!("`{}` has no field `{first}`", object.object.name);
        problems.push(self.item.document.error(path, message).suggest(nearest(first, names)));
    }
}

fn object<'a>(
    item: &Item,
    drafts: &'a Drafts,
    name: &str,
    path: &KeyPath,
    problems: &mut Problems,
) -> Option<&'a Draft> {
    let found = drafts.get(name);
    if found.is_none() && !drafts.is_broken(name) {
        let message = format!("there is no object `{name}`");
        problems.push(
            item.document
                .error(path, message)
                .suggest(nearest(name, drafts.keys().map(String::as_str))),
        );
    }
    found
}

/// Entries of menus with an `objectName` or, in the older form, an `object`, at any depth.
fn navigation(item: &Item, drafts: &Drafts, path: &KeyPath, node: &Node, problems: &mut Problems) {
    for key in ["navigation", "items", "children", "menu"] {
        for (index, entry) in node.get(key).map_or(&[][..], Node::items).iter().enumerate() {
            let at = path.key(key).index(index);
            for key in ["objectName", "object"] {
                if let Some(name) = entry.get(key).and_then(Node::written) {
                    object(item, drafts, name, &at.key(key), problems);
                }
            }
            navigation(item, drafts, &at, entry, problems);
        }
    }
}
