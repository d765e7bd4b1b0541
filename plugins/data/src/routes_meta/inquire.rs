//! Questions about what is declared: which states may follow one, and what refers to an item. Called by `routes_meta`.

use objectos_plugin_api::{HttpRequest, HttpResponse, Result};
use serde_json::{Value, json};

use super::{find, missing, query_value};
use crate::error::DataError;
use crate::metadata::{MetadataEntry, kind_of_name};
use crate::model::{Catalogue, FieldModel, ObjectModel, RuleCheck, RuleModel};

/// `{object, field, from, next}`: the values that may follow `from`, and none when the rules let it become nothing else. `next`
/// is null when no rule is about the field, or `from` is not given.
pub(super) fn next_states(catalogue: &Catalogue, request: &HttpRequest) -> Result<HttpResponse> {
    let (name, field_name) = (request.parameter("name"), request.parameter("field"));
    find(catalogue, "object", name)?;
    let model = catalogue.object(name);
    let Some((object, field)) = model.and_then(|object| Some((object, object.field(field_name)?))) else {
        return Err(DataError::UnknownFields {
            object: name.to_owned(),
            fields: vec![field_name.to_owned()],
            nearest: model
                .and_then(|object| object.nearest_field(field_name))
                .map(str::to_owned),
        }
        .into());
    };
    let from = query_value(request, "from");
    let next = from.as_deref().and_then(|from| following(object, field, from));
    HttpResponse::json(
        200,
        &json!({ "object": name, "field": field_name, "from": from, "next": next }),
    )
}

/// Values in the order of the field's options. What several machines say must all hold.
fn following(object: &ObjectModel, field: &FieldModel, from: &str) -> Option<Vec<String>> {
    let machines = object.rules.iter().filter_map(|rule| machine(rule, &field.name));
    let mut next: Option<Vec<String>> = None;
    for allowed in machines {
        // From a value without an entry no way leads on: so the rule itself decides.
        let mut values: Vec<String> = allowed.get(from).into_iter().flatten().cloned().collect();
        if let Some(known) = next {
            values.retain(|value| known.contains(value));
        }
        next = Some(values);
    }
    if let Some(values) = &mut next {
        values.sort_by_key(|value| (field.options.position(value), value.clone()));
    }
    next
}

fn machine<'a>(
    rule: &'a RuleModel,
    name: &str,
) -> Option<&'a std::collections::HashMap<String, std::collections::HashSet<String>>> {
    match &rule.check {
        RuleCheck::Transitions { field, allowed, .. } if field == name => Some(allowed),
        _ => None,
    }
}

/// `{name, label?, groups}`: the pages of a book. There are no books and no pages here, so the one book that every package has
/// without declaring it is empty, and there is no other.
pub(super) fn book_tree(catalogue: &Catalogue, request: &HttpRequest) -> Result<HttpResponse> {
    let name = request.parameter("name");
    let Some(package) = catalogue.metadata().get("package", name) else {
        return Err(missing(catalogue, "book", name));
    };
    let mut book = json!({ "name": name, "groups": [] });
    let label = ["label", "name"]
        .iter()
        .find_map(|key| package.definition.get(*key)?.as_str());
    if let Some(label) = label {
        book["label"] = json!(label);
    }
    HttpResponse::json(200, &book)
}

/// `{references: [{type, name, label?, path, kind}]}`: every place in the items that names the item.
pub(super) fn references(catalogue: &Catalogue, request: &HttpRequest) -> Result<HttpResponse> {
    let (kind, name) = (request.parameter("type"), request.parameter("name"));
    let target = find(catalogue, kind, name)?;
    let keys = Keys::of(kind_of_name(kind).map_or(kind, |kind| kind.name));
    let mut references = Vec::new();
    for entry in catalogue.metadata().entries() {
        let mut found = Vec::new();
        keys.walk(&entry.definition, &mut Vec::new(), &target.name, &mut found);
        references.extend(found.iter().map(|(path, key)| written(entry, path, key)));
    }
    HttpResponse::json(200, &json!({ "references": references }))
}

fn written(entry: &MetadataEntry, path: &str, key: &str) -> Value {
    let mut out = json!({ "type": entry.kind, "name": entry.name, "path": path, "kind": key });
    if let Some(label) = entry.definition.get("label").filter(|label| label.is_string()) {
        out["label"] = label.clone();
    }
    out
}

/// Under which keys items name an item of a kind.
struct Keys {
    /// Its value is the name, or a list of names.
    values: Vec<String>,
    /// It holds a map by name, such as the objects of a permission set.
    maps: Vec<String>,
}

impl Keys {
    fn of(kind: &str) -> Self {
        let mut values = vec![kind.to_owned(), format!("{kind}Name"), format!("{kind}_name")];
        if kind == "object" {
            let others = [
                "reference",
                "referenceTo",
                "reference_to",
                "targetObject",
                "parentObject",
            ];
            values.extend(others.map(str::to_owned));
        }
        Self {
            values,
            maps: vec![format!("{kind}s")],
        }
    }

    fn walk(&self, value: &Value, path: &mut Vec<String>, name: &str, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    path.push(key.clone());
                    let here = self.values.contains(key) && names(inner, name);
                    let below = self.maps.contains(key) && (inner.get(name).is_some() || names(inner, name));
                    if here || below {
                        found.push((path.join("."), key.clone()));
                    }
                    self.walk(inner, path, name, found);
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (index, inner) in items.iter().enumerate() {
                    path.push(index.to_string());
                    self.walk(inner, path, name, found);
                    path.pop();
                }
            }
            _ => {}
        }
    }
}

fn names(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(name)),
        _ => false,
    }
}
