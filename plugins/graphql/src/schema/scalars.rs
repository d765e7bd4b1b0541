//! Scalars of our own. They say what a value is; whether it is a good one says the engine, in its words and with the
//! field's name, and a mask in its place is a text anyway. So only what can never be a value is refused here.

use async_graphql::Value;
use async_graphql::dynamic::{Scalar, SchemaBuilder};

/// Name, what it says of itself, and what is one.
type ScalarRule = (&'static str, &'static str, fn(&Value) -> bool);

const SCALARS: [ScalarRule; 9] = [
    ("Date", "A day: 2026-02-28", is_text),
    ("DateTime", "A moment: 2026-02-28T12:00:00.000Z", is_text),
    ("Time", "A time of day: 12:00:00", is_text),
    ("Currency", "An amount of money, as a number", is_plain),
    ("Email", "An e-mail address", is_text),
    ("URL", "An address; of a file, where it is read", is_text),
    ("PhoneNumber", "A telephone number", is_text),
    ("JSON", "Any JSON", is_any),
    ("JSONObject", "A JSON object", is_document),
];

fn is_text(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Null)
}

fn is_plain(value: &Value) -> bool {
    matches!(value, Value::Number(_) | Value::String(_) | Value::Null)
}

fn is_any(_: &Value) -> bool {
    true
}

fn is_document(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::String(_) | Value::Null)
}

pub(super) fn register(mut builder: SchemaBuilder) -> SchemaBuilder {
    for (name, description, valid) in SCALARS {
        builder = builder.register(Scalar::new(name).description(description).validator(valid));
    }
    builder
}
