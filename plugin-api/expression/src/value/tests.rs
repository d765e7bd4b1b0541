use serde_json::json;

use super::*;

#[test]
fn stored_json_is_read_by_the_declared_type() {
    let check = |json: Json, expected: Type, value: Option<Value<'_>>| {
        assert_eq!(
            Value::from_json(&json, expected, "field").ok(),
            value,
            "{json} as {expected}"
        );
    };
    check(json!(null), Type::Number, Some(Value::Null));
    check(
        json!(9_007_199_254_740_993_i64),
        Type::Number,
        Some(Value::Integer(9_007_199_254_740_993)),
    );
    check(json!(2.0), Type::Number, Some(Value::Integer(2)));
    check(json!("12.50"), Type::Number, Some(Value::Number(12.5)));
    check(
        json!({"value": 3, "currency": "EUR"}),
        Type::Number,
        Some(Value::Integer(3)),
    );
    check(json!("x"), Type::Number, None);
    check(json!(1), Type::Boolean, Some(Value::Boolean(true)));
    check(json!(2), Type::Boolean, None);
    check(json!({"id": "a1", "name": "Acme"}), Type::Text, Some(Value::text("a1")));
    check(json!({"name": "Acme"}), Type::Text, None);
    check(json!("1970-01-02"), Type::Date, Some(Value::Date(1)));
    check(json!("1970-01-02T23:00:00.000Z"), Type::Date, Some(Value::Date(1)));
    check(
        json!("1970-01-01T01:00:00+01:00"),
        Type::DateTime,
        Some(Value::DateTime(0)),
    );
    check(json!(5), Type::DateTime, Some(Value::DateTime(5)));
    check(json!("00:00:01.5"), Type::Time, Some(Value::Time(1500)));
    check(json!("noon"), Type::Time, None);
    check(
        json!(["a", 1]),
        Type::List,
        Some(Value::List(vec![Value::text("a"), Value::Integer(1)])),
    );
    check(json!("a"), Type::List, None);
    check(
        json!([1.5, null]),
        Type::Any,
        Some(Value::List(vec![Value::Number(1.5), Value::Null])),
    );
}

#[test]
fn json_and_text_forms_are_those_of_the_api() {
    for (value, json, text) in [
        (Value::Null, json!(null), ""),
        (Value::number(8.0), json!(8), "8"),
        (Value::number(-0.0), json!(0), "0"),
        (Value::number(0.1 + 0.2), json!(0.300_000_000_000_000_04), "0.3"),
        (Value::number(1e21), json!(1e21), "1000000000000000000000"),
        (Value::Date(0), json!("1970-01-01"), "1970-01-01"),
        (
            Value::DateTime(1),
            json!("1970-01-01T00:00:00.001Z"),
            "1970-01-01T00:00:00.001Z",
        ),
        (Value::Time(1000), json!("00:00:01"), "00:00:01"),
        (
            Value::List(vec![Value::text("a"), Value::Boolean(true)]),
            json!(["a", true]),
            "a, true",
        ),
    ] {
        assert_eq!(value.to_json(), json);
        assert_eq!(value.to_text(), text);
    }
    assert_eq!(Value::number(f64::NAN), Value::Null);
    assert_eq!(Value::number(f64::INFINITY), Value::Null);
    assert_eq!(Value::datetime(i64::MAX), Value::Null);
}

#[test]
fn results_are_converted_to_the_declared_type() {
    let check = |value: Value<'_>, target: Type, expected: Option<Value<'_>>| {
        assert_eq!(
            value.clone().convert_to(target, &Zone::fixed(3600)).ok(),
            expected,
            "{value:?} to {target}"
        );
    };
    check(Value::text("42"), Type::Number, Some(Value::Integer(42)));
    check(Value::text("not-a-number"), Type::Number, None);
    check(Value::Boolean(true), Type::Number, Some(Value::Integer(1)));
    check(Value::Integer(10), Type::Text, Some(Value::text("10")));
    check(Value::Integer(2), Type::Boolean, Some(Value::Boolean(true)));
    check(Value::text("false"), Type::Boolean, Some(Value::Boolean(false)));
    check(Value::text("maybe"), Type::Boolean, None);
    check(Value::Date(0), Type::DateTime, Some(Value::DateTime(-3_600_000)));
    check(Value::DateTime(23 * 3_600_000), Type::Date, Some(Value::Date(1)));
    check(Value::Null, Type::Number, Some(Value::Null));
    check(Value::List(vec![]), Type::Text, None);
}
