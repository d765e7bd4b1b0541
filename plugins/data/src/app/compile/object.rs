//! An object as a whole.

use std::sync::Arc;

use indexmap::IndexMap;
use objectos_plugin_api::protocol::data::{Object, TenancyStrategy, VersioningStrategy};
use objectos_plugin_api::protocol::text::is_identifier;

use super::draft::{Draft, Drafts, PLUGIN_PREFIX};
use super::expression::Expressions;
use super::{field, index, machine, rule, search, text, unused};
use crate::app::label;
use crate::app::problem::Problems;
use crate::model::{FieldModel, ObjectModel, SoftDeleteModel, SystemField, TenancyModel, VersioningModel, nearest};

/// What the protocol fills in when an object with tenancy does not name its field; ours has a name of its own.
const PROTOCOL_TENANT_FIELD: &str = "tenant_id";

/// Name of the field with the tenant's id.
pub(super) fn tenant_field(object: &Object) -> Option<&str> {
    let tenancy = object.tenancy.as_ref().filter(|tenancy| tenancy.enabled)?;
    let declared = object.fields.contains_key(&tenancy.tenant_field);
    let ours = tenancy.tenant_field == PROTOCOL_TENANT_FIELD && !declared;
    Some(if ours {
        SystemField::Tenant.name()
    } else {
        &tenancy.tenant_field
    })
}

/// Name of the field with the moment of deletion.
pub(super) fn deleted_field(object: &Object) -> Option<&str> {
    object
        .soft_delete
        .as_ref()
        .filter(|delete| delete.enabled)
        .map(|delete| delete.field.as_str())
}

/// What of the versions is kept, and where their number stands.
fn versioning(object: &Object) -> Option<VersioningModel> {
    let config = object.versioning.as_ref().filter(|config| config.enabled)?;
    Some(VersioningModel {
        field: config.version_field.clone(),
        // A stream of changes is what deltas are.
        delta: config.strategy != VersioningStrategy::Snapshot,
        retention_days: config.retention_days.and_then(|days| days.as_i64()),
    })
}

/// Name of the field with the number of the version.
pub(super) fn version_field(object: &Object) -> Option<&str> {
    object
        .versioning
        .as_ref()
        .filter(|versioning| versioning.enabled)
        .map(|versioning| versioning.version_field.as_str())
}

/// Makes the model of an object.
pub(super) fn compile(
    draft: &Draft,
    drafts: &Drafts,
    expressions: &Expressions<'_>,
    problems: &mut Problems,
) -> ObjectModel {
    let object = &draft.object;
    let table = object.table_name.clone().unwrap_or_else(|| object.name.clone());
    let tenancy = object.tenancy.as_ref().and_then(|config| {
        let field = tenant_field(object)?.to_owned();
        Some(TenancyModel {
            field,
            cross_tenant_access: config.cross_tenant_access,
        })
    });
    let soft_delete = object.soft_delete.as_ref().filter(|delete| delete.enabled);
    let soft_delete = soft_delete.map(|delete| SoftDeleteModel {
        field: delete.field.clone(),
        cascade: delete.cascade_delete,
    });
    let fields = fields(draft, drafts, expressions, problems);
    let has_masks = fields.values().any(|field| field.mask.is_some());
    check_whole(draft, &fields, problems);
    let indexes = index::compile(
        &index::Context {
            draft,
            table: &table,
            fields: &fields,
            expressions,
            tenancy: tenancy.as_ref(),
            soft_delete: soft_delete.as_ref(),
        },
        problems,
    );
    let mut rules = rule::compile(
        &rule::Context {
            draft,
            fields: &fields,
            expressions,
        },
        problems,
    );
    rules.extend(machine::compile(draft, &fields, problems));
    let search_filters = search::filters(draft, &fields, expressions, problems);
    let label = object.label.clone().unwrap_or_else(|| label::from_name(&object.name));
    let plural_label = object.plural_label.clone().unwrap_or_else(|| label::plural(&label));
    let mut definition = object.clone();
    definition.label.get_or_insert_with(|| label.clone());
    definition.plural_label.get_or_insert_with(|| plural_label.clone());
    ObjectModel {
        name: object.name.clone(),
        package: draft.package.clone(),
        table,
        renamed_from: draft.own.renamed_from.clone(),
        label,
        plural_label,
        fields,
        indexes,
        title: text::title(draft, drafts, problems),
        capabilities: object.enable.clone().unwrap_or_default(),
        rules,
        search_filters,
        key_prefix: object.key_prefix.clone().filter(|prefix| !prefix.is_empty()),
        tenancy,
        soft_delete,
        versioning: versioning(object),
        sharing: object.sharing_model,
        active: object.active,
        system: object.is_system,
        silent: object.name.starts_with(PLUGIN_PREFIX) && object.cdc.as_ref().is_some_and(|config| !config.enabled),
        is_abstract: object.is_abstract,
        has_masks,
        formula_order: expressions.formula_order(&object.name),
        definition: Arc::new(definition),
    }
}

/// `id`, the declared fields, the other system fields.
fn fields(
    draft: &Draft,
    drafts: &Drafts,
    expressions: &Expressions<'_>,
    problems: &mut Problems,
) -> IndexMap<String, FieldModel> {
    let object = &draft.object;
    let mut fields = IndexMap::with_capacity(object.fields.len() + 8);
    let mut add = |model: FieldModel| fields.insert(model.name.clone(), model);
    add(field::system(SystemField::Id, SystemField::Id.name()));
    for (name, declared) in &object.fields {
        if let Some(part) = SystemField::ALWAYS.into_iter().find(|part| part.name() == name) {
            let message = format!("`{name}` is a field that every object has");
            problems.push(
                draft
                    .document
                    .key_error(&draft.path(&["fields", name]), message)
                    .hint("remove it, or rename it"),
            );
            if part == SystemField::Id {
                continue;
            }
        }
        let mut model = field::compile(draft, name, declared, drafts, expressions, problems);
        model.system = if tenant_field(object) == Some(name) {
            Some(SystemField::Tenant)
        } else {
            let part = [
                (deleted_field(object), SystemField::DeletedAt),
                (version_field(object), SystemField::Version),
            ];
            part.into_iter()
                .find(|(field, _)| *field == Some(name))
                .map(|(_, part)| part)
        };
        add(model);
    }
    for part in SystemField::ALWAYS.into_iter().skip(1) {
        add(field::system(part, part.name()));
    }
    for (part, name) in [
        (SystemField::Tenant, tenant_field(object)),
        (SystemField::Version, version_field(object)),
        (SystemField::DeletedAt, deleted_field(object)),
    ] {
        if let Some(name) = name.filter(|name| !object.fields.contains_key(*name)) {
            add(field::system(part, name));
        }
    }
    fields
}

/// Keys of the object that name fields, and those that this version does nothing about.
fn check_whole(draft: &Draft, fields: &IndexMap<String, FieldModel>, problems: &mut Problems) {
    let object = &draft.object;
    if !draft.has_fields() {
        problems.push(
            draft
                .error(&["fields"], "the object has no fields")
                .hint("declare at least one"),
        );
    }
    if !is_identifier(&object.datasource) {
        let message = format!("`{}` is no name of a datasource", object.datasource);
        problems.push(
            draft
                .error(&["datasource"], message)
                .hint("use lower case letters, digits and underscores"),
        );
    }
    let names = [
        ("tenancy", "tenantField", tenant_field(object)),
        ("softDelete", "field", deleted_field(object)),
        ("versioning", "versionField", version_field(object)),
    ];
    for (key, inner, name) in names {
        if let Some(name) = name.filter(|name| !is_identifier(name)) {
            let hint = "use lower case letters, digits and underscores";
            problems.push(
                draft
                    .error(&[key, inner], format!("`{name}` is no name of a field"))
                    .hint(hint),
            );
        }
    }
    check_lists(draft, fields, problems);
    check_tenancy(draft, problems);
    unused::check(draft, problems);
}

/// All tenants share the tables: whoever asks for more separation than that must not believe to have it.
fn check_tenancy(draft: &Draft, problems: &mut Problems) {
    let tenancy = draft.object.tenancy.as_ref().filter(|tenancy| tenancy.enabled);
    let Some(strategy) = tenancy.map(|tenancy| tenancy.strategy) else {
        return;
    };
    if strategy != TenancyStrategy::Shared {
        let message =
            format!("the strategy `{strategy}` is not supported: the records of all tenants lie in one table");
        let hint = "write `strategy: shared`, or run a server with a database of its own for each tenant";
        problems.push(draft.error(&["tenancy", "strategy"], message).hint(hint));
    }
}

fn check_lists(draft: &Draft, fields: &IndexMap<String, FieldModel>, problems: &mut Problems) {
    let object = &draft.object;
    let search = object.search.as_ref();
    let lists = [
        (&["compactLayout"][..], object.compact_layout.as_ref()),
        (&["search", "fields"], search.map(|search| &search.fields)),
        (
            &["search", "displayFields"],
            search.and_then(|search| search.display_fields.as_ref()),
        ),
    ];
    for (keys, list) in lists {
        for (place, name) in list.into_iter().flatten().enumerate() {
            if !fields.contains_key(name) && !draft.is_broken_field(name) {
                let nearest = nearest(name, fields.keys().map(String::as_str));
                let message = format!("`{}` has no field `{name}`", object.name);
                problems.push(
                    draft
                        .document
                        .error(&draft.path(keys).index(place), message)
                        .suggest(nearest),
                );
            }
        }
    }
}
