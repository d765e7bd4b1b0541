//! The objects of the metadata under names that GraphQL allows: what the schema is made of, and what every name of an
//! operation is looked up in. Made once for each version of the metadata. Knows nothing of who asks.

mod field;
mod read;

use std::collections::HashMap;

pub(crate) use field::{FieldModel, Kind};
pub(crate) use read::read;

/// All objects that have records.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) objects: Vec<ObjectModel>,
    /// The fields of `Query`.
    pub(crate) queries: HashMap<String, Root>,
    /// The fields of `Mutation`.
    pub(crate) mutations: HashMap<String, Root>,
}

/// A field of `Query` or `Mutation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) kind: RootKind,
    /// Place of the object.
    pub(crate) object: usize,
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RootKind {
    Find,
    Get,
    Aggregate,
    Create,
    CreateMany,
    Update,
    Delete,
}

/// An object.
#[derive(Debug, Default)]
pub(crate) struct ObjectModel {
    /// As the metadata calls it.
    pub(crate) name: String,
    /// As GraphQL does.
    pub(crate) type_name: String,
    pub(crate) description: String,
    pub(crate) fields: Vec<FieldModel>,
    pub(crate) children: Vec<ChildModel>,
    /// What each name of a record's type stands for.
    pub(crate) members: HashMap<String, Member>,
    /// Operations that the definition leaves on; all where it names none.
    pub(crate) methods: Option<Vec<String>>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// The value of a field.
    Value(usize),
    /// The record, or records, that a field points to.
    Record(usize),
    /// The records that point here.
    Children(usize),
}

/// Records of another object that point to one of this.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ChildModel {
    /// As GraphQL calls them.
    pub(crate) name: String,
    /// Place of their object.
    pub(crate) object: usize,
    /// Their field that points here.
    pub(crate) via: String,
    /// As the engine calls the relation: `contact:account`.
    pub(crate) relation: String,
}

impl ObjectModel {
    /// Whether the definition leaves an operation on.
    pub(crate) fn allows(&self, method: &str) -> bool {
        self.methods
            .as_ref()
            .is_none_or(|methods| methods.iter().any(|allowed| allowed == method))
    }

    /// The name of the type of something of this object.
    pub(crate) fn type_of(&self, end: &str) -> String {
        format!("{}{end}", self.type_name)
    }

    /// The field that a path begins with, by its name in GraphQL or in the metadata.
    pub(crate) fn field_named(&self, name: &str) -> Option<&FieldModel> {
        match self.members.get(name) {
            Some(Member::Value(place) | Member::Record(place)) => self.fields.get(*place),
            Some(Member::Children(_)) => None,
            None => self.fields.iter().find(|field| field.name == name),
        }
    }
}

impl Model {
    /// A path as the engine knows it: `account.industry`. Names that are not known stay, and the engine says so.
    pub(crate) fn path(&self, object: usize, path: &str) -> String {
        let mut at = self.objects.get(object);
        let mut parts = Vec::new();
        for part in path.split('.') {
            let field = at.and_then(|object| object.field_named(part));
            parts.push(field.map_or(part, |field| field.name.as_str()));
            at = field
                .and_then(|field| field.target)
                .and_then(|target| self.objects.get(target));
        }
        parts.join(".")
    }
}

#[cfg(test)]
pub(crate) mod tests;
