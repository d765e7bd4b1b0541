//! What reading refuses beyond serde, and what writing gives.

use serde_json::{Value, json};

use crate::api::{BatchUpdateRequest, ErrorResponse, RestServerConfig};
use crate::data::{Dataset, Field, Object, ObjectCapabilities};

fn refused<T: serde::de::DeserializeOwned>(document: Value, reason: &str) {
    match serde_json::from_value::<T>(document.clone()) {
        Ok(_) => panic!("{document} was accepted"),
        Err(error) => assert!(error.to_string().contains(reason), "{document}: {error}"),
    }
}

#[test]
fn defaults_are_filled() {
    let field: Field = serde_json::from_value(json!({ "type": "text" })).unwrap();
    assert_eq!(field, Field::new(crate::data::FieldType::Text));
    let object: Object = serde_json::from_value(json!({ "name": "a", "fields": {} })).unwrap();
    assert_eq!(object, Object::new("a"));
    assert_eq!(
        serde_json::from_value::<RestServerConfig>(json!({})).unwrap(),
        RestServerConfig::default()
    );
    let dataset: Dataset = serde_json::from_value(json!({ "object": "a", "records": [] })).unwrap();
    assert_eq!((dataset.external_id.as_str(), dataset.env.len()), ("name", 3));
}

#[test]
fn a_struct_is_not_a_list() {
    refused::<ObjectCapabilities>(json!([]), "invalid type: sequence");
    refused::<Object>(
        json!({ "name": "a", "fields": {}, "enable": [] }),
        "invalid type: sequence",
    );
}

#[test]
fn null_is_not_absence() {
    refused::<Field>(json!({ "type": "text", "label": null }), "invalid type: null");
    let field: Field = serde_json::from_value(json!({ "type": "text", "defaultValue": null })).unwrap();
    assert_eq!(field.default_value, Some(Value::Null));
}

#[test]
fn limits_hold() {
    let field = |key: &str, value: Value| json!({ "type": "text", key: value });
    refused::<Field>(field("name", json!("Not A Name")), "`Not A Name` is not a name");
    refused::<Field>(
        field("vectorConfig", json!({ "dimensions": 0 })),
        "from 1 to 10000, found 0",
    );
    refused::<Field>(
        field("vectorConfig", json!({ "dimensions": 1.5 })),
        "expected a whole number, found 1.5",
    );
    refused::<Field>(
        field("currencyConfig", json!({ "defaultCurrency": "EURO" })),
        "expected 3 characters, found 4",
    );
    refused::<Object>(
        json!({ "name": "a", "fields": { "X": { "type": "text" } } }),
        "`X` is not a name",
    );
    refused::<BatchUpdateRequest>(
        json!({ "operation": "create", "records": [] }),
        "expected 1 to 200 items, found 0",
    );
    refused::<ErrorResponse>(json!({ "success": true, "error": {} }), "expected `false`");
}

#[test]
fn unknown_keys_are_refused_by_name() {
    refused::<Field>(json!({ "type": "text", "colour": "red" }), "unknown field `colour`");
}
