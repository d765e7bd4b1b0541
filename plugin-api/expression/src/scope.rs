//! What names mean before evaluation: which fields there are, and of which type.
//!
//! Whoever owns objects (the data plugin) or variables (workflow, automation) implements `Scope`. Two small ones are here.

use std::collections::BTreeMap;

use crate::types::Type;

/// Resolves names while an expression is checked.
pub trait Scope {
    /// The type of the field that the path leads to, through relations where it has several segments; nothing if there is none.
    fn field_type(&self, path: &[&str]) -> Option<Type>;

    /// Names that may follow these relations, for spelling suggestions. Empty if unknown.
    fn field_names(&self, relations: &[&str]) -> Vec<String> {
        let _ = relations;
        Vec::new()
    }

    /// The type of a property of the caller. `any` leaves it to evaluation.
    fn user_property(&self, property: &str) -> Type {
        match property {
            "id" | "name" | "email" | "role" | "profile" | "tenant_id" | "organization_id" | "locale" | "timezone" => {
                Type::Text
            }
            "roles" | "permissions" | "teams" | "groups" | "profiles" => Type::List,
            _ => Type::Any,
        }
    }

    /// Whether the expression runs on a change, so that ISCHANGED, PRIORVALUE and `$previous` have a meaning.
    fn offers_previous(&self) -> bool {
        true
    }
}

/// First words of a path that mean something besides fields.
pub(crate) const RESERVED_ROOTS: [&str; 9] = [
    "record",
    "this",
    "previous",
    "prior",
    "old",
    "current_user",
    "currentUser",
    "user",
    "Math",
];

/// A scope that knows nothing and takes every path as `any`: for templates and ad hoc conditions.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenScope;

impl Scope for OpenScope {
    fn field_type(&self, path: &[&str]) -> Option<Type> {
        let reserved = RESERVED_ROOTS.contains(path.first()?) && path.len() > 1;
        (!reserved && path.last() != Some(&"length")).then_some(Type::Any)
    }
}

/// A scope made of a list of paths and their types.
#[derive(Clone, Debug, Default)]
pub struct FieldScope {
    fields: BTreeMap<String, Type>,
    without_previous: bool,
}

impl FieldScope {
    /// `FieldScope::new([("amount", Type::Number), ("account.industry", Type::Text)])`
    pub fn new<S: Into<String>>(fields: impl IntoIterator<Item = (S, Type)>) -> Self {
        FieldScope {
            fields: fields
                .into_iter()
                .map(|(path, value_type)| (path.into(), value_type))
                .collect(),
            without_previous: false,
        }
    }

    /// Refuses ISCHANGED and the like, as for a formula field.
    #[must_use]
    pub fn without_previous(mut self) -> Self {
        self.without_previous = true;
        self
    }
}

impl Scope for FieldScope {
    fn field_type(&self, path: &[&str]) -> Option<Type> {
        match path {
            [name] => self.fields.get(*name).copied(),
            _ => self.fields.get(&path.join(".")).copied(),
        }
    }

    fn field_names(&self, relations: &[&str]) -> Vec<String> {
        let prefix: String = relations.iter().flat_map(|relation| [relation, "."]).collect();
        let names = self
            .fields
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix)?.split('.').next().map(str::to_owned));
        names.collect()
    }

    fn offers_previous(&self) -> bool {
        !self.without_previous
    }
}
