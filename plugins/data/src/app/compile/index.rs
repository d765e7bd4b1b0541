//! Indexes: those that are declared, and those that fields bring.

use std::collections::BTreeSet;

use objectos_plugin_api::protocol::data::{Index, IndexType};
use sha2::{Digest, Sha256};

use super::draft::Draft;
use crate::app::path::KeyPath;
use crate::app::problem::Problems;
use crate::model::{ColumnType, FieldModel, IndexModel, NAME_BYTES_MAX, TenancyModel, nearest};

/// Everything that needs the object's fields at hand.
pub(super) struct Context<'a> {
    pub(super) draft: &'a Draft,
    pub(super) table: &'a str,
    pub(super) fields: &'a indexmap::IndexMap<String, FieldModel>,
    pub(super) tenancy: Option<&'a TenancyModel>,
}

/// All indexes of an object, no two alike.
pub(super) fn compile(context: &Context<'_>, problems: &mut Problems) -> Vec<IndexModel> {
    let mut indexes: Vec<IndexModel> = Vec::new();
    let mut add = |index: IndexModel| {
        if !indexes
            .iter()
            .any(|other| other.fields == index.fields && other.unique == index.unique)
        {
            indexes.push(index);
        }
    };
    for (position, index) in context.draft.object.indexes.iter().flatten().enumerate() {
        declared(context, position, index, problems)
            .into_iter()
            .for_each(&mut add);
    }
    let indexed = context
        .fields
        .values()
        .filter(|field| field.indexed && field.stored() && field.column != Some(ColumnType::Json));
    for field in indexed {
        add(context.index(
            vec![field.name.clone()],
            field.unique,
            field.unique && !field.case_sensitive,
            None,
        ));
    }
    indexes
}

fn declared(context: &Context<'_>, position: usize, index: &Index, problems: &mut Problems) -> Option<IndexModel> {
    let draft = context.draft;
    let path = draft.path(&["indexes"]).index(position);
    let fits = check_fields(context, index, &path, problems);
    if index.partial.is_some() && index.unique {
        let message =
            "a unique index over some of the records is not supported: it would refuse too much without its condition";
        problems.push(
            draft
                .document
                .error(&path.key("partial"), message)
                .hint("use a `unique` validation with a `scope`"),
        );
    } else if index.partial.is_some() {
        let message = "the index is made over all records";
        problems.push(
            draft
                .document
                .warning(&path.key("partial"), message)
                .hint("remove `partial`"),
        );
    }
    if index.kind != IndexType::Btree {
        let message = format!("the index is made as btree: `{}` is not supported", index.kind);
        problems.push(draft.document.warning(&path.key("type"), message).hint("remove `type`"));
    }
    let ignore_case = index
        .fields
        .iter()
        .any(|name| context.fields.get(name).is_some_and(|field| !field.case_sensitive));
    let made = || {
        context.index(
            index.fields.clone(),
            index.unique,
            index.unique && ignore_case,
            index.name.as_deref(),
        )
    };
    fits.then(made)
}

/// Whether all fields of an index can be in one.
fn check_fields(context: &Context<'_>, index: &Index, path: &KeyPath, problems: &mut Problems) -> bool {
    let draft = context.draft;
    let mut found = Vec::new();
    if index.fields.is_empty() {
        found.push(draft.document.error(path, "the index has no fields"));
    }
    let mut seen = BTreeSet::new();
    for (place, name) in index.fields.iter().enumerate() {
        let at = path.key("fields").index(place);
        match context.fields.get(name) {
            _ if !seen.insert(name) => {
                found.push(draft.document.error(&at, format!("the field `{name}` is there twice")))
            }
            Some(field) if !field.stored() || field.column == Some(ColumnType::Json) => {
                let message = format!("a {} field cannot be in an index", field.field_type);
                found.push(draft.document.error(&at, message));
            }
            Some(_) => {}
            None if draft.is_broken_field(name) => return false,
            None => {
                let message = format!("`{}` has no field `{name}`", draft.object.name);
                let nearest = nearest(name, context.fields.keys().map(String::as_str));
                found.push(draft.document.error(&at, message).suggest(nearest));
            }
        }
    }
    let fits = found.is_empty();
    problems.extend(found);
    fits
}

impl Context<'_> {
    /// With a name of its own, and the tenant first where values are unique: each tenant has its own.
    fn index(&self, mut fields: Vec<String>, unique: bool, ignore_case: bool, name: Option<&str>) -> IndexModel {
        if let Some(tenancy) = self
            .tenancy
            .filter(|tenancy| unique && !fields.contains(&tenancy.field))
        {
            fields.insert(0, tenancy.field.clone());
        }
        let prefix = if unique { "ux" } else { "ix" };
        let own = name.map_or_else(|| fields.join("_"), plain);
        IndexModel {
            name: short(&format!("{prefix}_{}_{own}", self.table)),
            fields,
            unique,
            ignore_case,
        }
    }
}

/// What databases take in a name.
fn plain(name: &str) -> String {
    let allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    name.to_ascii_lowercase()
        .chars()
        .map(|character| if allowed(character) { character } else { '_' })
        .collect()
}

/// A name that is too long ends in a digest of itself, so that it stays its own.
fn short(name: &str) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name.to_owned();
    }
    let digest: String = Sha256::digest(name.as_bytes())
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // Names are ASCII, so any place is the border of a character.
    format!("{}_{digest}", &name[..NAME_BYTES_MAX - 9])
}
