//! Inputs of mutations: records as the engine takes them.

use async_graphql::Value;
use serde_json::{Map, Value as Json};

use crate::failure::{Answered, invalid};
use crate::filter::stored;
use crate::model::{FieldModel, Member, Model, ObjectModel};

/// The fields that a new record may bring.
pub(crate) fn creatable(object: &ObjectModel) -> impl Iterator<Item = &FieldModel> {
    object
        .fields
        .iter()
        .filter(|field| !field.readonly || field.name == "id")
}

/// The fields that a change may bring.
pub(crate) fn updatable(object: &ObjectModel) -> impl Iterator<Item = &FieldModel> {
    object.fields.iter().filter(|field| !field.readonly)
}

/// A record of an input. Names were checked against the schema; values are the engine's matter.
///
/// # Errors
/// `invalid_query` for what is no object: the library lets it pass, and it would be a record of nothing.
pub(crate) fn record(model: &Model, object: usize, input: &Value) -> Answered<Map<String, Json>> {
    let Some(known) = model.objects.get(object) else {
        return Ok(Map::new());
    };
    let Value::Object(input) = input else {
        return Err(invalid(format!(
            "a record of '{}' is an object, found {input}",
            known.name
        )));
    };
    let one = |(name, value): (&async_graphql::Name, &Value)| match known.members.get(name.as_str()) {
        Some(Member::Value(place)) => {
            let field = &known.fields[*place];
            Some((field.name.clone(), stored(field, value)))
        }
        _ => None,
    };
    Ok(input.iter().filter_map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::sample;
    use async_graphql::value;
    use serde_json::json;

    #[test]
    fn a_record_has_the_names_and_values_of_the_metadata() {
        let model = sample();
        let check = |object: &str, input: Value, expected: Json| {
            let place = model.objects.iter().position(|known| known.name == object).unwrap();
            let record = record(&model, place, &input).unwrap();
            assert_eq!(Json::Object(record), expected, "{input}");
        };
        check(
            "account",
            value!({ "name": "Acme", "industry": "on_hold", "revenue": 5, "partners_ids": ["a"], "and_2": null }),
            json!({ "name": "Acme", "industry": "on.hold", "revenue": 5, "partners": ["a"], "and": null }),
        );
        check(
            "contact",
            value!({ "account_id": "a", "boss_id": "b" }),
            json!({ "account": "a", "boss_id": "b" }),
        );
        for input in [value!("Acme"), value!([{ "name": "Acme" }]), value!(null)] {
            let refused = record(&model, 0, &input).unwrap_err();
            assert!(refused.message.contains("is an object"), "{input}: {refused:?}");
        }
    }

    fn names<'f>(fields: impl Iterator<Item = &'f FieldModel>) -> Vec<String> {
        fields.map(|field| field.name.clone()).collect()
    }

    #[test]
    fn clients_write_what_the_engine_lets_them() {
        let model = sample();
        let account = &model.objects[0];
        let (created, updated) = (names(creatable(account)), names(updatable(account)));
        assert_eq!(created[0], "id");
        assert_eq!(&created[1..], &updated[..]);
        assert!(updated.contains(&"owner_id".to_owned()) && updated.contains(&"door_code".to_owned()));
        for readonly in ["double", "created_at", "updated_by", "version"] {
            assert!(!updated.contains(&readonly.to_owned()), "{readonly}");
        }
    }
}
