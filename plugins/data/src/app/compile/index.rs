//! Indexes: those that are declared, and those that fields and rules bring.

mod partial;
mod unique;

use std::collections::BTreeSet;

use objectos_plugin_api::protocol::data::{Index, IndexType};
use sha2::{Digest, Sha256};

use super::draft::Draft;
use super::expression::Expressions;
use crate::app::path::KeyPath;
use crate::app::problem::Problems;
use crate::model::{
    ColumnType, FieldModel, IndexMethod, IndexModel, NAME_BYTES_MAX, PartialModel, SoftDeleteModel, TenancyModel,
    nearest,
};

/// Everything that needs the object's fields at hand.
pub(super) struct Context<'a> {
    pub(super) draft: &'a Draft,
    pub(super) table: &'a str,
    pub(super) fields: &'a indexmap::IndexMap<String, FieldModel>,
    pub(super) expressions: &'a Expressions<'a>,
    pub(super) tenancy: Option<&'a TenancyModel>,
    pub(super) soft_delete: Option<&'a SoftDeleteModel>,
}

/// All indexes of an object, no two alike.
pub(super) fn compile(context: &Context<'_>, problems: &mut Problems) -> Vec<IndexModel> {
    let mut indexes: Vec<IndexModel> = Vec::new();
    let mut add = |index: IndexModel| {
        if !indexes
            .iter()
            .any(|other| other.fields == index.fields && other.unique == index.unique && other.partial == index.partial)
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
        let wanted = Wanted {
            fields: vec![field.name.clone()],
            unique: field.unique,
            ignore_case: field.unique && !field.case_sensitive,
            ..Wanted::default()
        };
        add(context.index(wanted));
    }
    unique::compile(context, &mut indexes, problems);
    indexes
}

fn declared(context: &Context<'_>, position: usize, index: &Index, problems: &mut Problems) -> Option<IndexModel> {
    let draft = context.draft;
    let path = draft.path(&["indexes"]).index(position);
    let fits = check_fields(context, index, &path, problems);
    let at = path.key("partial");
    if index.kind == IndexType::Fulltext {
        if index.partial.is_some() {
            let message = "a text index is made over all records";
            problems.push(draft.document.warning(&at, message).hint("remove `partial`"));
        }
        // Its fields join those of the object's text index.
        return None;
    }
    let partial = match &index.partial {
        None => None,
        Some(source) => Some(partial::compile(context, source, &at, problems)?),
    };
    let method = context.method(index, &path, problems);
    let ignore_case = index
        .fields
        .iter()
        .any(|name| context.fields.get(name).is_some_and(|field| !field.case_sensitive));
    let made = || {
        context.index(Wanted {
            fields: index.fields.clone(),
            unique: index.unique,
            ignore_case: index.unique && ignore_case,
            name: index.name.as_deref(),
            partial,
            method,
        })
    };
    fits.then(made)
}

/// An index that has no name of its own yet.
#[derive(Default)]
struct Wanted<'a> {
    fields: Vec<String>,
    unique: bool,
    ignore_case: bool,
    name: Option<&'a str>,
    partial: Option<PartialModel>,
    method: IndexMethod,
}

/// Whether all fields of an index can be in one.
fn check_fields(context: &Context<'_>, index: &Index, path: &KeyPath, problems: &mut Problems) -> bool {
    let draft = context.draft;
    let mut found = Vec::new();
    if index.fields.is_empty() {
        found.push(draft.document.error(path, "the index has no fields"));
    }
    let mut seen = BTreeSet::new();
    // Only such an index looks into lists and documents, and it keeps nothing unique.
    let holding = index.kind == IndexType::Gin && !index.unique;
    for (place, name) in index.fields.iter().enumerate() {
        let at = path.key("fields").index(place);
        match context.fields.get(name) {
            _ if !seen.insert(name) => {
                found.push(draft.document.error(&at, format!("the field `{name}` is there twice")))
            }
            Some(field) if !field.stored() || (field.column == Some(ColumnType::Json) && !holding) => {
                let message = format!("a {} field cannot be in an index", field.field_type);
                let several = field.column == Some(ColumnType::Json) && index.kind == IndexType::Btree && !index.unique;
                let problem = draft.document.error(&at, message);
                found.push(if several {
                    problem.hint("with `type: gin` it finds what the field holds")
                } else {
                    problem
                });
            }
            Some(field) if field.encrypted => {
                let message = format!("`{name}` is a secret and cannot be in an index: it would give the secret away");
                found.push(draft.document.error(&at, message).hint("leave it out"));
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
    /// How an index is built: as it is declared where its fields allow it, else in the order of the values, which is told.
    fn method(&self, index: &Index, path: &KeyPath, problems: &mut Problems) -> IndexMethod {
        let holds = |name: &String| {
            let field = self.fields.get(name);
            field.is_some_and(|field| field.column == Some(ColumnType::Json))
        };
        let why = match index.kind {
            IndexType::Btree | IndexType::Fulltext => return IndexMethod::Btree,
            IndexType::Hash if index.fields.len() == 1 && !index.unique => return IndexMethod::Hash,
            IndexType::Hash => "`hash` is for one field whose values are not unique",
            IndexType::Gin if index.fields.iter().all(holds) && !index.unique => return IndexMethod::Gin,
            // A text among lists: what was meant cannot be told.
            IndexType::Gin if index.fields.iter().any(holds) => {
                let message = "a gin index is over lists and documents alone, and keeps nothing unique";
                problems.push(self.draft.document.error(&path.key("type"), message));
                return IndexMethod::Btree;
            }
            IndexType::Gin => "`gin` is for lists and documents; the words of texts have `fulltext`",
            IndexType::Gist => "no field has values that `gist` is for",
        };
        let message = format!("the index is made as btree: {why}");
        let warning = self.draft.document.warning(&path.key("type"), message);
        problems.push(warning.hint("remove `type`"));
        IndexMethod::Btree
    }

    /// With a name of its own, and the tenant first where values are unique: each tenant has its own.
    fn index(&self, wanted: Wanted<'_>) -> IndexModel {
        let Wanted {
            mut fields,
            unique,
            ignore_case,
            name,
            partial,
            method,
        } = wanted;
        if let Some(tenancy) = self
            .tenancy
            .filter(|tenancy| unique && !fields.contains(&tenancy.field))
        {
            fields.insert(0, tenancy.field.clone());
        }
        let prefix = if unique { "ux" } else { "ix" };
        let mut own = name.map_or_else(|| fields.join("_"), plain);
        // A value in the bin may be taken again.
        let live = self.soft_delete.filter(|_| unique).map(|delete| delete.field.clone());
        if live.is_some() {
            own.push_str("_live");
        }
        if let Some(partial) = &partial {
            own.push_str("_if_");
            own.push_str(&digest(&partial.source));
        }
        IndexModel {
            name: short(&format!("{prefix}_{}_{own}", self.table)),
            fields,
            unique,
            ignore_case,
            live,
            partial,
            method,
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
    // Names are ASCII, so any place is the border of a character.
    format!("{}_{}", &name[..NAME_BYTES_MAX - 9], digest(name))
}

/// Eight hexadecimal digits that stand for a text.
fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
