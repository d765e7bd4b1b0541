//! Fields that lead to other objects.

use std::sync::Arc;

use objectos_plugin_api::protocol::data::{DeleteBehavior, Field, FieldType};

use super::draft::{Draft, Drafts};
use super::expression::Expressions;
use super::kind::{kind_of, target_of};
use crate::app::problem::Problems;
use crate::model::{Expression, FieldKind, ReferenceModel, nearest};

/// Makes the reference of a field; none for fields of other kinds, and where the object is not there.
pub(super) fn compile(
    draft: &Draft,
    name: &str,
    field: &Field,
    drafts: &Drafts,
    problems: &mut Problems,
) -> Option<ReferenceModel> {
    if !matches!(kind_of(field), FieldKind::Reference | FieldKind::References) {
        return None;
    }
    let master = field.kind == FieldType::MasterDetail;
    let Some(target) = target_of(&draft.object, field).map(str::to_owned) else {
        let message = format!("a {} field needs `reference`", field.kind);
        problems.push(
            draft
                .field_error(name, "", message)
                .hint("name the object it points to"),
        );
        return None;
    };
    match drafts.get(&target) {
        Some(other) if other.object.is_abstract => {
            let message = format!("`{target}` is abstract, so it has no records to point to");
            problems.push(draft.field_error(name, "reference", message));
        }
        Some(_) => {}
        None if drafts.is_broken(&target) => {}
        None => {
            let message = format!("there is no object `{target}`");
            let nearest = nearest(&target, drafts.keys().map(String::as_str));
            problems.push(draft.field_error(name, "reference", message).suggest(nearest));
        }
    }
    let delete_behavior = delete_behavior(draft, name, field, problems);
    if let Some(other) = drafts.get(&target) {
        check_database(draft, name, other, delete_behavior, problems);
    }
    Some(ReferenceModel {
        object: target,
        delete_behavior,
        master,
        filters: field.reference_filters.clone().unwrap_or_default(),
        write_requires_master_read: field.write_requires_master_read.unwrap_or(master),
    })
}

/// What a record that the field points to must be like.
pub(super) fn conditions(
    draft: &Draft,
    name: &str,
    field: &Field,
    drafts: &Drafts,
    expressions: &Expressions<'_>,
) -> Vec<Arc<Expression>> {
    let target = target_of(&draft.object, field).and_then(|target| drafts.get(target));
    let (Some(target), Some(filters)) = (target, &field.reference_filters) else {
        return Vec::new();
    };
    let path = draft.path(&["fields", name, "referenceFilters"]);
    filters
        .iter()
        .enumerate()
        .filter_map(|(index, source)| expressions.condition_in_sql(draft, target, &path.index(index), source))
        .collect()
}

/// One transaction changes one database: what would follow from a delete in another one cannot be done.
fn check_database(draft: &Draft, name: &str, other: &Draft, behavior: DeleteBehavior, problems: &mut Problems) {
    let (here, there) = (&draft.object.datasource, &other.object.datasource);
    if here == there || behavior == DeleteBehavior::Restrict {
        return;
    }
    let key = if draft.writes(name, "deleteBehavior") {
        "deleteBehavior"
    } else {
        "reference"
    };
    let message = format!(
        "`{}` lies in another database (datasource `{there}`, and this object in `{here}`), so `{behavior}` cannot be done when \
         one of its records is deleted",
        other.object.name
    );
    problems.push(
        draft
            .field_error(name, key, message)
            .hint("write `deleteBehavior: restrict`, or give both objects the same `datasource`"),
    );
}

/// A record that needs its reference cannot lose it: then the default is to keep the other record.
fn delete_behavior(draft: &Draft, name: &str, field: &Field, problems: &mut Problems) -> DeleteBehavior {
    let written = draft.writes(name, "deleteBehavior");
    match (field.kind, field.delete_behavior) {
        (FieldType::MasterDetail, DeleteBehavior::SetNull) => {
            if written {
                let message = "a record cannot lose its master, so `set_null` cannot be";
                problems.push(
                    draft
                        .field_error(name, "deleteBehavior", message)
                        .hint("use `cascade` or `restrict`"),
                );
            }
            DeleteBehavior::Cascade
        }
        (_, DeleteBehavior::SetNull) if field.required => {
            if written {
                let message = "the field is required, so `set_null` cannot be";
                problems.push(
                    draft
                        .field_error(name, "deleteBehavior", message)
                        .hint("use `cascade` or `restrict`"),
                );
            }
            DeleteBehavior::Restrict
        }
        (_, behavior) => behavior,
    }
}

/// Masters must come to an end: no record belongs to itself, however far around, and to one master only.
pub(super) fn check_masters(drafts: &Drafts, problems: &mut Problems) {
    for draft in drafts.values() {
        let masters: Vec<&str> = masters(draft).map(|(name, _)| name).collect();
        if let [_, second, ..] = masters[..] {
            let message = format!("an object has one master, and `{}` is it already", masters[0]);
            problems.push(
                draft
                    .field_error(second, "type", message)
                    .hint("make this one a lookup"),
            );
        }
        check_bin(draft, drafts, problems);
        let mut way = vec![draft.object.name.as_str()];
        let mut at = draft;
        while let Some((_, target)) = masters_of(at, drafts).next() {
            way.push(&target.object.name);
            if target.object.name == draft.object.name {
                // Each cycle is told once, by the first of its names.
                if way.iter().min() == Some(&draft.object.name.as_str()) {
                    let field = masters[0];
                    let message = format!("records cannot be masters of each other: {}", way.join(" -> "));
                    problems.push(
                        draft
                            .field_error(field, "reference", message)
                            .hint("make one of them a lookup"),
                    );
                }
                break;
            }
            if way.len() > drafts.len() {
                break;
            }
            at = target;
        }
    }
}

/// Details go into the bin with their master, when they have one.
fn check_bin(draft: &Draft, drafts: &Drafts, problems: &mut Problems) {
    let has_bin = |draft: &Draft| {
        let trash = draft.object.enable.as_ref().is_none_or(|enable| enable.trash);
        trash && draft.object.soft_delete.as_ref().is_some_and(|delete| delete.enabled)
    };
    for (name, target) in masters_of(draft, drafts) {
        let restricts = draft.object.fields[name].delete_behavior == DeleteBehavior::Restrict;
        if !has_bin(target) || has_bin(draft) || restricts {
            continue;
        }
        let cascades = target
            .object
            .soft_delete
            .as_ref()
            .is_some_and(|delete| delete.cascade_delete);
        let (mine, master) = (&draft.object.name, &target.object.name);
        let message = if cascades {
            format!("records of `{mine}` are gone for good when their `{master}` goes into the bin")
        } else {
            format!("records of `{mine}` stay when their `{master}` goes into the bin")
        };
        problems.push(draft.warning(&["fields", name, "type"], message).hint(format!(
            "give `{mine}` a `softDelete`, then they go and come back together"
        )));
    }
}

fn masters(draft: &Draft) -> impl Iterator<Item = (&str, &str)> {
    let fields = draft
        .object
        .fields
        .iter()
        .filter(|(_, field)| field.kind == FieldType::MasterDetail);
    fields.filter_map(|(name, field)| Some((name.as_str(), field.reference.as_deref()?)))
}

fn masters_of<'a>(draft: &'a Draft, drafts: &'a Drafts) -> impl Iterator<Item = (&'a str, &'a Draft)> {
    masters(draft).filter_map(|(name, target)| Some((name, drafts.get(target)?)))
}
