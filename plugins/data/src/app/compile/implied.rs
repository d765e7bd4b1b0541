//! Fields that nobody writes but that others ask for: the currency beside an amount that may be in any, and the type of a
//! record where the object has several.

use objectos_plugin_api::protocol::data::{
    CurrencyConfig, CurrencyMode, Document, Field, FieldType, Object, SelectOption,
};
use serde_json::{Value, json};

use crate::app::label;

/// Name of the field with the type of a record.
const RECORD_TYPE: &str = "record_type";

/// Name of the field that holds the currency of an amount: set for those whose records may be in any.
pub(super) fn currency_field(name: &str, field: &Field) -> Option<String> {
    let config = field
        .currency_config
        .as_ref()
        .filter(|_| field.kind == FieldType::Currency)?;
    (config.currency_mode == CurrencyMode::Dynamic).then(|| format!("{name}_currency"))
}

/// Adds what is missing.
pub(super) fn add(object: &mut Object) {
    let wanted: Vec<(usize, String, Field)> = object
        .fields
        .iter()
        .enumerate()
        .filter_map(|(index, (name, field))| {
            let beside = currency_field(name, field)?;
            let config = field.currency_config.as_ref()?;
            let label = field.label.clone().unwrap_or_else(|| label::from_name(name));
            Some((index + 1, beside, currency(&label, config, field.readonly)))
        })
        .filter(|(_, name, _)| !object.fields.contains_key(name))
        .collect();
    // From the end, so that the places before stay.
    for (index, name, field) in wanted.into_iter().rev() {
        object.fields.shift_insert(index, name, field);
    }
    let types = object.record_types.as_deref().unwrap_or_default();
    if !types.is_empty() && !object.fields.contains_key(RECORD_TYPE) {
        let field = record_type(types);
        object.fields.insert(RECORD_TYPE.to_owned(), field);
    }
}

fn currency(label: &str, config: &CurrencyConfig, readonly: bool) -> Field {
    made(&json!({
        "type": "text",
        "label": format!("{label} currency"),
        "description": "ISO 4217",
        "minLength": 3,
        "maxLength": 3,
        "defaultValue": config.default_currency,
        "readonly": readonly,
    }))
}

fn record_type(types: &[String]) -> Field {
    let mut field = made(&json!({ "type": "select", "label": "Record type", "required": true, "index": true }));
    let option = |(index, value): (usize, &String)| SelectOption {
        label: label::from_name(value),
        value: value.clone(),
        color: None,
        default: (index == 0).then_some(true),
    };
    field.options = Some(types.iter().enumerate().map(option).collect());
    field
}

fn made(field: &Value) -> Field {
    Field::read(field).expect("a field that is written here has the protocol's shape")
}
