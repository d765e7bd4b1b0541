//! Makes the model of the definitions. The rule of names is that of `names`; of a reference `account` the record is
//! `account` and the id is `account_id`, and of `owner_id` the record is `owner`. Records that point here are the name
//! of their object with an `s`, and with `_by_` and the field where several of their fields do.

use objectos_plugin_api::contracts::metadata::MetadataItem;
use serde_json::{Value, json};
use std::collections::HashMap;

use super::field::{Choice, Choices, Declared};
use super::{ChildModel, FieldModel, Kind, Member, Model, ObjectModel, Root, RootKind};
use crate::names::{self, Taken};

/// Names of types that are there whatever the objects are.
const RESERVED: [&str; 35] = [
    "Query",
    "Mutation",
    "Subscription",
    "Int",
    "Float",
    "String",
    "Boolean",
    "ID",
    "Date",
    "DateTime",
    "Time",
    "Currency",
    "Email",
    "URL",
    "PhoneNumber",
    "JSON",
    "JSONObject",
    "SortInput",
    "SortDirection",
    "GroupInput",
    "AggregationInput",
    "AggregateFunction",
    "MutationResult",
    "StringFilter",
    "StringListFilter",
    "IDFilter",
    "IDListFilter",
    "FloatFilter",
    "CurrencyFilter",
    "DateFilter",
    "DateTimeFilter",
    "TimeFilter",
    "BooleanFilter",
    "JSONFilter",
    "PresenceFilter",
];
/// Keys of every filter.
const RESERVED_FIELDS: [&str; 3] = ["and", "or", "not"];

/// Fields that every object has, and their types; clients write only the owner, and the id of a new record.
const SYSTEM: [(&str, Kind); 6] = [
    ("id", Kind::Id),
    ("created_at", Kind::DateTime),
    ("updated_at", Kind::DateTime),
    ("created_by", Kind::Id),
    ("updated_by", Kind::Id),
    ("owner_id", Kind::Id),
];

/// Makes the model of all objects that have records.
pub(crate) fn read(items: &[MetadataItem]) -> Model {
    let all = items.iter().map(|item| &item.definition);
    let mut definitions: Vec<&Value> = all.filter(|definition| has_records(definition)).collect();
    definitions.sort_by(|left, right| name_of(left).cmp(name_of(right)));
    let places: HashMap<&str, usize> = definitions
        .iter()
        .enumerate()
        .map(|(place, definition)| (name_of(definition), place))
        .collect();
    let mut types = Taken::with(&RESERVED);
    let mut model = Model::default();
    for definition in &definitions {
        let type_name = types.give_all(&names::pascal(name_of(definition)), made_of);
        model.objects.push(ObjectModel {
            name: name_of(definition).to_owned(),
            type_name,
            description: text(definition, "description").to_owned(),
            methods: methods(definition),
            ..ObjectModel::default()
        });
    }
    for (place, definition) in definitions.iter().enumerate() {
        let type_name = model.objects[place].type_name.clone();
        model.objects[place].fields = fields(definition, &type_name, &places, &mut types);
    }
    let mut children = children(&model);
    for (place, object) in model.objects.iter_mut().enumerate() {
        object.children = children.remove(&place).unwrap_or_default();
        name_members(object);
    }
    roots(&mut model);
    model
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn name_of(definition: &Value) -> &str {
    text(definition, "name")
}

fn has_records(definition: &Value) -> bool {
    !name_of(definition).is_empty()
        && definition.get("abstract") != Some(&Value::Bool(true))
        && definition.get("active") != Some(&Value::Bool(false))
}

/// All names that are made of the name of a type.
fn made_of(name: &str) -> Vec<String> {
    let types = ["", "Connection", "Filter", "CreateInput", "UpdateInput"].map(|end| format!("{name}{end}"));
    let fields = ["get", "create", "update", "delete"].map(|verb| format!("{verb}{name}"));
    let lists = ["find", "aggregate", "create"].map(|verb| format!("{verb}{name}s"));
    types.into_iter().chain(fields).chain(lists).collect()
}

/// Operations that are left on; `None` for all.
fn methods(definition: &Value) -> Option<Vec<String>> {
    let enable = definition.get("enable")?;
    if enable.get("apiEnabled") == Some(&Value::Bool(false)) {
        return Some(Vec::new());
    }
    let named = enable.get("apiMethods").and_then(Value::as_array)?;
    Some(named.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// `id`, the declared fields, the other fields that the engine keeps.
fn fields(definition: &Value, type_name: &str, places: &HashMap<&str, usize>, types: &mut Taken) -> Vec<FieldModel> {
    let empty = serde_json::Map::new();
    let declared = definition.get("fields").and_then(Value::as_object).unwrap_or(&empty);
    let mut fields: Vec<FieldModel> = vec![system("id", Kind::Id, true)];
    for (name, field) in declared.iter().filter(|(name, _)| *name != "id") {
        let declared = Declared::new(name, field);
        let (kind, list) = declared.kind();
        let target = declared
            .reference(name_of(definition))
            .and_then(|object| places.get(object).copied());
        let choices = (kind == Kind::Choice).then(|| choices(&declared, type_name, types));
        fields.push(FieldModel {
            name: declared.name.to_owned(),
            target,
            kind,
            list,
            choices,
            description: declared.description(),
            readonly: declared.readonly(),
            secret: declared.secret(),
            ..FieldModel::default()
        });
    }
    for (name, kind) in kept(definition) {
        if !declared.contains_key(&name) && name != "id" {
            let readonly = name != "owner_id";
            fields.push(system(&name, kind, readonly));
        }
    }
    fields
}

fn system(name: &str, kind: Kind, readonly: bool) -> FieldModel {
    FieldModel {
        name: name.to_owned(),
        kind,
        readonly,
        ..FieldModel::default()
    }
}

/// Fields that the engine keeps.
fn kept(definition: &Value) -> Vec<(String, Kind)> {
    let mut kept: Vec<(String, Kind)> = SYSTEM.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    let named = |part: &str, key: &str, otherwise: &str| {
        let part = definition
            .get(part)
            .filter(|part| part.get("enabled") == Some(&json!(true)))?;
        let name = Some(text(part, key)).filter(|name| !name.is_empty());
        Some(name.unwrap_or(otherwise).to_owned())
    };
    if let Some(name) = named("tenancy", "tenantField", "organization_id") {
        // The engine has a name of its own for what the protocol fills in.
        let ours = name == "tenant_id";
        kept.push((if ours { "organization_id".to_owned() } else { name }, Kind::Id));
    }
    kept.extend(named("versioning", "versionField", "version").map(|name| (name, Kind::Number)));
    kept.extend(named("softDelete", "field", "deleted_at").map(|name| (name, Kind::DateTime)));
    kept
}

fn choices(declared: &Declared<'_>, type_name: &str, types: &mut Taken) -> Choices {
    let mut taken = Taken::default();
    let list = declared
        .options()
        .into_iter()
        .map(|(value, label)| Choice {
            name: taken.give(&names::choice(value)),
            value: value.to_owned(),
            label: label.to_owned(),
        })
        .collect();
    let enum_name = types.give(&format!("{type_name}{}", names::pascal(declared.name)));
    Choices::new(enum_name, list)
}

/// The records that point to those of each object, by its place; their names are still to be given.
fn children(model: &Model) -> HashMap<usize, Vec<ChildModel>> {
    let mut children: HashMap<usize, Vec<ChildModel>> = HashMap::new();
    for (place, object) in model.objects.iter().enumerate() {
        for field in object.fields.iter().filter(|field| !field.list) {
            let Some(target) = field.target else { continue };
            let several = object
                .fields
                .iter()
                .filter(|other| !other.list && other.target == Some(target))
                .count()
                > 1;
            let name = if several {
                format!("{}s_by_{}", object.name, field.name)
            } else {
                format!("{}s", object.name)
            };
            children.entry(target).or_default().push(ChildModel {
                name,
                object: place,
                via: field.name.clone(),
                relation: format!("{}:{}", object.name, field.name),
            });
        }
    }
    children
}

/// Gives every field and relation its name. What stands in the definition comes first, then what is made of it.
fn name_members(object: &mut ObjectModel) {
    let mut taken = Taken::with(&RESERVED_FIELDS);
    let mut members = HashMap::new();
    let mut derived = Vec::new();
    for (place, field) in object.fields.iter_mut().enumerate() {
        let own = taken.give(&names::field(&field.name));
        let end = if field.list { "_ids" } else { "_id" };
        let stem = own.strip_suffix(end).filter(|stem| !stem.is_empty()).map(str::to_owned);
        match (field.target, stem) {
            (None, _) => field.value_name = own,
            (Some(_), Some(stem)) => {
                field.value_name = own;
                derived.push((place, stem, true));
            }
            (Some(_), None) => {
                let id = format!("{own}{end}");
                field.record_name = Some(own);
                derived.push((place, id, false));
            }
        }
    }
    for (place, wanted, record) in derived {
        let name = taken.give(&wanted);
        let field = &mut object.fields[place];
        if record {
            field.record_name = Some(name);
        } else {
            field.value_name = name;
        }
    }
    for (place, field) in object.fields.iter().enumerate() {
        members.insert(field.value_name.clone(), Member::Value(place));
        if let Some(name) = &field.record_name {
            members.insert(name.clone(), Member::Record(place));
        }
    }
    for (place, child) in object.children.iter_mut().enumerate() {
        child.name = taken.give(&names::field(&child.name));
        members.insert(child.name.clone(), Member::Children(place));
    }
    object.members = members;
}

/// The fields of `Query` and `Mutation`, as far as the definitions leave them on.
fn roots(model: &mut Model) {
    for (place, object) in model.objects.iter().enumerate() {
        let name = &object.type_name;
        let root = |kind: RootKind| Root { kind, object: place };
        let queries = [
            ("list", format!("find{name}s"), RootKind::Find),
            ("get", format!("get{name}"), RootKind::Get),
            ("aggregate", format!("aggregate{name}s"), RootKind::Aggregate),
        ];
        for (method, name, kind) in queries {
            if object.allows(method) {
                model.queries.insert(name, root(kind));
            }
        }
        let writable = |field: &FieldModel| !field.readonly;
        let updates = object.fields.iter().any(writable);
        let mutations = [
            (object.allows("create"), format!("create{name}"), RootKind::Create),
            (
                object.allows("create") && object.allows("bulk"),
                format!("create{name}s"),
                RootKind::CreateMany,
            ),
            (
                object.allows("update") && updates,
                format!("update{name}"),
                RootKind::Update,
            ),
            (object.allows("delete"), format!("delete{name}"), RootKind::Delete),
        ];
        for (allowed, name, kind) in mutations {
            if allowed {
                model.mutations.insert(name, root(kind));
            }
        }
    }
}
