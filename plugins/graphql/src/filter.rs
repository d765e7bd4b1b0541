//! Filters: `{name: {contains: "x"}, account: {industry: {eq: software}}, or: [...]}` becomes the engine's `{"$and":
//! [{"name": {"$contains": "x"}}, {"account.industry": {"$eq": "software"}}, {"$or": [...]}]}`. All names were checked
//! against the schema; values are the engine's matter, in its words.

use async_graphql::{Name, Value};
use serde_json::{Value as Json, json};

use crate::failure::{Answered, invalid};
use crate::model::{FieldModel, Member, Model};
use crate::node::to_json;
use crate::page::list;

/// Filters within each other at most; the engine allows as many.
const DEPTH_MAX: usize = 32;

/// Operators of GraphQL and of the engine.
pub(crate) const OPERATORS: [(&str, &str); 13] = [
    ("eq", "$eq"),
    ("ne", "$ne"),
    ("gt", "$gt"),
    ("gte", "$gte"),
    ("lt", "$lt"),
    ("lte", "$lte"),
    ("in", "$in"),
    ("notIn", "$nin"),
    ("contains", "$contains"),
    ("startsWith", "$startsWith"),
    ("endsWith", "$endsWith"),
    ("isNull", "$null"),
    ("isNotNull", "$exists"),
];

/// Reads a filter of an object; `None` where it asks for nothing.
///
/// # Errors
/// `invalid_query` for one that is nested too deep, or that is no object.
pub(crate) fn read(model: &Model, object: usize, filter: &Value) -> Answered<Option<Json>> {
    let parts = parts(model, object, "", filter, 0)?;
    Ok((!parts.is_empty()).then(|| all(parts)))
}

fn all(mut parts: Vec<Json>) -> Json {
    match parts.len() {
        1 => parts.remove(0),
        _ => json!({ "$and": parts }),
    }
}

/// The conditions of a filter. `prefix` is the path of the object that it is about, with its dot.
fn parts(model: &Model, object: usize, prefix: &str, filter: &Value, depth: usize) -> Answered<Vec<Json>> {
    if depth > DEPTH_MAX {
        return Err(invalid(format!("the filter is nested deeper than {DEPTH_MAX}")));
    }
    let Some(known) = model.objects.get(object) else {
        return Ok(Vec::new());
    };
    // The library lets anything pass for an input, and what is not understood would be a filter that lets all through.
    let Value::Object(filter) = filter else {
        return Err(invalid(format!(
            "a filter of '{}' is an object, as in {{name: {{eq: \"x\"}}}}, found {filter}",
            known.name
        )));
    };
    let within = |filter: &Value| parts(model, object, prefix, filter, depth + 1);
    let mut found = Vec::new();
    for (name, value) in filter.iter().filter(|(_, value)| **value != Value::Null) {
        match name.as_str() {
            "and" => {
                for one in list(value) {
                    found.extend(within(one)?);
                }
            }
            "or" => {
                let either = list(value).iter().map(|one| within(one).map(all));
                found.push(json!({ "$or": either.collect::<Answered<Vec<Json>>>()? }));
            }
            "not" => found.push(json!({ "$not": all(within(value)?) })),
            name => match known.members.get(name) {
                Some(Member::Value(place)) => found.extend(tests(&known.fields[*place], prefix, value)?),
                Some(Member::Record(place)) => {
                    found.extend(over(model, &known.fields[*place], prefix, value, depth)?);
                }
                Some(Member::Children(_)) | None => {
                    return Err(invalid(format!("'{name}' of '{}' is nothing to filter by", known.name)));
                }
            },
        }
    }
    Ok(found)
}

/// Conditions on the record that a field points to, or on some of those that it does.
fn over(model: &Model, field: &FieldModel, prefix: &str, value: &Value, depth: usize) -> Answered<Vec<Json>> {
    let Some(target) = field.target else {
        return Ok(Vec::new());
    };
    let path = format!("{prefix}{}", field.name);
    if field.list {
        let inner = parts(model, target, "", value, depth + 1)?;
        return Ok(vec![json!({ (path): { "$some": all(inner) } })]);
    }
    parts(model, target, &format!("{path}."), value, depth + 1)
}

/// The tests of one field.
fn tests(field: &FieldModel, prefix: &str, tests: &Value) -> Answered<Vec<Json>> {
    let path = format!("{prefix}{}", field.name);
    let Value::Object(tests) = tests else {
        return Err(invalid(format!(
            "the filter of '{path}' is an object, as in {{eq: {tests}}}, found {tests}"
        )));
    };
    tests
        .iter()
        .map(|(name, value)| test(field, &path, name, value))
        .collect()
}

fn test(field: &FieldModel, path: &str, name: &Name, value: &Value) -> Answered<Json> {
    let operator = OPERATORS
        .iter()
        .find(|(known, _)| *known == name.as_str())
        .map(|(_, operator)| *operator)
        .ok_or_else(|| invalid(format!("'{name}' is no operator of '{path}'")))?;
    let value = match (operator, value) {
        ("$in" | "$nin", Value::List(values)) => Json::Array(values.iter().map(|value| stored(field, value)).collect()),
        ("$in" | "$nin", value) if *value != Value::Null => json!([stored(field, value)]),
        (_, value) => stored(field, value),
    };
    Ok(json!({ (path): { (operator): value } }))
}

/// A value as the engine stores it: choices under their own names.
pub(crate) fn stored(field: &FieldModel, value: &Value) -> Json {
    let name = match value {
        Value::Enum(name) => Some(name.as_str()),
        Value::String(name) => Some(name.as_str()),
        _ => None,
    };
    match (&field.choices, name) {
        (Some(choices), Some(name)) => json!(choices.value(name).unwrap_or(name)),
        _ => to_json(value),
    }
}

#[cfg(test)]
mod tests_of_filters {
    use super::*;
    use crate::model::tests::sample;
    use async_graphql::{indexmap::IndexMap, value};

    type GraphMap = IndexMap<Name, Value>;

    #[allow(clippy::needless_pass_by_value, reason = "reads better at the call")]
    fn check(object: &str, filter: Value, expected: Json) {
        let model = sample();
        let place = model.objects.iter().position(|known| known.name == object).unwrap();
        let read = read(&model, place, &filter).unwrap().unwrap_or_default();
        assert_eq!(read, expected, "{filter}");
    }

    #[test]
    fn every_operator_has_one_of_the_engine() {
        for (name, operator) in OPERATORS {
            let mut tests = GraphMap::new();
            tests.insert(Name::new(name), value!(["x"]));
            let mut filter = GraphMap::new();
            filter.insert(Name::new("name"), Value::Object(tests));
            check(
                "account",
                Value::Object(filter),
                json!({ "name": { (operator): ["x"] } }),
            );
        }
    }

    #[test]
    fn what_is_not_said_is_not_asked() {
        check("account", value!({}), Json::Null);
        check("account", value!({ "name": null, "and": [] }), Json::Null);
        check("account", value!({ "name": {} }), Json::Null);
        check(
            "account",
            value!({ "name": { "eq": null } }),
            json!({ "name": { "$eq": null } }),
        );
        // None of no alternatives holds, as in the engine.
        check("account", value!({ "or": [] }), json!({ "$or": [] }));
    }

    #[test]
    fn parts_are_joined() {
        check(
            "account",
            value!({ "name": { "startsWith": "A", "ne": "Acme" }, "revenue": { "gte": 5 } }),
            json!({ "$and": [
                { "name": { "$startsWith": "A" } }, { "name": { "$ne": "Acme" } }, { "revenue": { "$gte": 5 } }] }),
        );
        check(
            "account",
            value!({ "or": [{ "name": { "eq": "a" } }, { "not": { "name": { "eq": "b" }, "revenue": { "lt": 1 } } }] }),
            json!({ "$or": [
                { "name": { "$eq": "a" } },
                { "$not": { "$and": [{ "name": { "$eq": "b" } }, { "revenue": { "$lt": 1 } }] } }] }),
        );
    }

    #[test]
    fn relations_are_paths_and_lists_of_them_have_some() {
        check(
            "contact",
            value!({ "boss": { "account": { "name": { "eq": "a" } }, "or": [{ "last_name": { "eq": "b" } }] } }),
            json!({ "$and": [
                { "boss_id.account.name": { "$eq": "a" } }, { "$or": [{ "boss_id.last_name": { "$eq": "b" } }] }] }),
        );
        check(
            "contact",
            value!({ "account_id": { "in": "x" } }),
            json!({ "account": { "$in": ["x"] } }),
        );
        check(
            "account",
            value!({ "partners": { "name": { "eq": "a" } } }),
            json!({ "partners": { "$some": { "name": { "$eq": "a" } } } }),
        );
    }

    #[test]
    fn choices_are_stored_under_their_own_names() {
        let by_name = Value::Enum(Name::new("_24h"));
        check(
            "account",
            value!({ "industry": { "eq": by_name, "notIn": ["on_hold", "software"] } }),
            json!({ "$and": [
                { "industry": { "$eq": "24h" } }, { "industry": { "$nin": ["on.hold", "software"] } }] }),
        );
    }

    #[test]
    fn what_is_no_filter_is_refused_and_does_not_let_all_through() {
        let model = sample();
        for filter in [
            value!("Acme"),
            value!([{ "name": { "eq": "a" } }]),
            value!({ "name": "Acme" }),
            value!({ "name": ["Acme"] }),
            value!({ "or": ["a"] }),
            value!({ "and": 5 }),
            value!({ "not": "a" }),
            value!({ "partners": "a" }),
        ] {
            let refused = read(&model, 0, &filter).unwrap_err();
            assert!(refused.message.contains("is an object"), "{filter}: {refused:?}");
        }
    }

    #[test]
    fn a_filter_has_a_depth() {
        let mut filter = value!({ "name": { "eq": "a" } });
        for _ in 0..=DEPTH_MAX {
            let mut outer = GraphMap::new();
            outer.insert(Name::new("not"), filter);
            filter = Value::Object(outer);
        }
        let model = sample();
        let refused = read(&model, 0, &filter).unwrap_err();
        assert!(refused.message.contains("deeper than 32"), "{refused:?}");
    }
}
