//! Records as an operation asks for them: each value under the name that it is to have, choices under theirs, ids in
//! the place of the records that stand there.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::failure::refuse;
use crate::fetch::{id_key, slot_key};
use crate::model::{FieldModel, Kind, Model};
use crate::node::{Node, to_graph};
use crate::page::Page;
use crate::plan::{ConnectionPlan, Part, RecordPlan, Source, Wanted, WantedList};

/// A record.
pub(crate) fn record(model: &Model, wanted: &Wanted, plan: &RecordPlan, found: &Map<String, Value>) -> Node {
    let Some(object) = model.objects.get(wanted.object) else {
        return Node::NULL;
    };
    let output = |source: &Source| match source {
        Source::Value(place) => value(&object.fields[*place], found),
        Source::Record(place, plan) => {
            let theirs = wanted.references.get(place);
            let one = |value: &Value| match (value, theirs) {
                (Value::Object(found), Some(wanted)) => Some(record(model, wanted, plan, found)),
                _ => None,
            };
            match found.get(&object.fields[*place].name) {
                Some(Value::Array(values)) => Node::Records(values.iter().filter_map(one).collect()),
                Some(value) => one(value).unwrap_or(Node::NULL),
                None => Node::NULL,
            }
        }
        Source::Children(slot, plan) => match (wanted.children.get(*slot), found.get(&slot_key(*slot))) {
            (Some(children), Some(Value::Object(list))) => {
                connection(model, &children.list, &children.page, plan, list)
            }
            _ => Node::NULL,
        },
    };
    let fields = plan.outputs.iter().map(|(key, source)| (key.clone(), output(source)));
    Node::Record(fields.collect())
}

/// A list: `{records, total?, hasMore, nextCursor?}`.
pub(crate) fn connection(
    model: &Model,
    wanted: &WantedList,
    page: &Page,
    plan: &ConnectionPlan,
    list: &Map<String, Value>,
) -> Node {
    let told = |key: &str| Node::Value(list.get(key).map(to_graph).unwrap_or_default());
    let output = |part: &Part| match part {
        Part::Data(plan) => {
            let records = list.get("records").and_then(Value::as_array).into_iter().flatten();
            let records = records.filter_map(Value::as_object);
            Node::Records(
                records
                    .map(|found| record(model, &wanted.records, plan, found))
                    .collect(),
            )
        }
        Part::Total => told("total"),
        Part::PageSize => Node::Value(page.limit.into()),
        Part::Offset => Node::Value(page.offset.into()),
        Part::HasMore => told("hasMore"),
        Part::NextCursor => told("nextCursor"),
    };
    let fields = plan.outputs.iter().map(|(key, part)| (key.clone(), output(part)));
    Node::Record(fields.collect::<HashMap<String, Node>>())
}

/// The value of a field.
fn value(field: &FieldModel, found: &Map<String, Value>) -> Node {
    let held = found.get(&id_key(&field.name)).or_else(|| found.get(&field.name));
    let held = match held {
        None | Some(Value::Null) => return Node::NULL,
        Some(held) => held,
    };
    let key = match (field.kind, field.target) {
        (_, Some(_)) => Some("id"),
        (Kind::Media, None) => Some("url"),
        _ => None,
    };
    let plain = match key {
        Some(key) => part(held, key),
        None => held.clone(),
    };
    if let Some(choices) = &field.choices {
        return match plain.as_str().and_then(|value| choices.name(value)) {
            Some(name) => Node::Value(async_graphql::Value::Enum(async_graphql::Name::new(name))),
            None => unfit(field, &format!("is {plain}, which is none of its options")),
        };
    }
    let listed = if field.list && !plain.is_array() {
        json!([plain])
    } else {
        plain
    };
    let fits = match &listed {
        Value::Array(values) if field.list => values.iter().all(|value| fits(field.kind, value)),
        single => fits(field.kind, single),
    };
    if fits {
        Node::Value(to_graph(&listed))
    } else {
        unfit(field, &format!("is nothing that {} may be", field.kind.scalar()))
    }
}

/// Whether the scalar of a kind lets a value through (`schema::scalars`). One that does not fit the library leaves out,
/// and calls it a failure of the server.
fn fits(kind: Kind, value: &Value) -> bool {
    value.is_null()
        || match kind {
            Kind::Email | Kind::Url | Kind::Phone | Kind::Media | Kind::Date | Kind::DateTime | Kind::Time => {
                value.is_string()
            }
            Kind::Currency => value.is_number() || value.is_string(),
            Kind::Object => value.is_object() || value.is_string(),
            Kind::Text | Kind::Number | Kind::Boolean | Kind::Id | Kind::Choice | Kind::Json => true,
        }
}

fn unfit(field: &FieldModel, problem: &str) -> Node {
    Node::Failed(refuse(
        "invalid_format",
        format!("'{}' of the record {problem}", field.name),
    ))
}

/// A part of a document, or of each of a list of them; what is no document stays.
fn part(held: &Value, key: &str) -> Value {
    match held {
        Value::Object(document) => document.get(key).cloned().unwrap_or_default(),
        Value::Array(values) => values.iter().map(|value| part(value, key)).collect(),
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::code_of;
    use crate::model::tests::sample;

    #[allow(clippy::needless_pass_by_value, reason = "reads better at the call")]
    fn check(field: &str, found: Value, expected: Value) {
        let model = sample();
        let mut fields = model.objects.iter().flat_map(|object| &object.fields);
        let field = fields.find(|known| known.name == field).unwrap();
        let found = found.as_object().unwrap();
        match value(field, found) {
            Node::Value(told) => assert_eq!(crate::node::to_json(&told), expected, "{}", field.name),
            other => panic!("{}: {other:?}", field.name),
        }
    }

    #[test]
    fn values_are_told_as_the_types_of_the_schema_want_them() {
        check("name", json!({ "name": "Acme" }), json!("Acme"));
        check("name", json!({}), Value::Null);
        check("industry", json!({ "industry": "24h" }), json!("_24h"));
        check(
            "logo",
            json!({ "logo": { "id": "f", "url": "/files/f" } }),
            json!("/files/f"),
        );
        check("tags", json!({ "tags": "one" }), json!(["one"]));
        check(
            "account",
            json!({ "account": { "id": "a", "name": "Acme" } }),
            json!("a"),
        );
        // Whose record may not be seen.
        check("account", json!({ "account": null, "account#id": "b" }), json!("b"));
        check(
            "partners",
            json!({ "partners": [{ "id": "a" }], "partners#id": ["a", "b"] }),
            json!(["a", "b"]),
        );
    }

    #[test]
    fn a_value_that_its_type_does_not_allow_fails_alone() {
        let model = sample();
        let check = |field: &str, held: Value, part: &str| {
            let fields = &model.objects[0].fields;
            let known = fields.iter().find(|known| known.name == field).unwrap();
            let mut found = Map::new();
            found.insert(field.to_owned(), held);
            match value(known, &found) {
                Node::Failed(error) => {
                    assert_eq!(code_of(&error), "invalid_format");
                    assert!(error.message.contains(part), "{field}: {error:?}");
                }
                other => panic!("{field}: {other:?}"),
            }
        };
        check(
            "industry",
            json!("railways"),
            "is \"railways\", which is none of its options",
        );
        check("industry", json!(["24h"]), "none of its options");
        check("founded", json!(2026), "nothing that Date may be");
        check("revenue", json!([1]), "nothing that Currency may be");
        check("logo", json!({ "url": 5 }), "nothing that URL may be");
    }
}
