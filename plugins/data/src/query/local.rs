//! Values in the caller's time zone: a text that names no zone is local time, and the day of a moment is the local one. Values of
//! filters and values that are written are read alike, so that whoever writes one finds the record by it.
//! Not here: what a text means otherwise, which is `coerce`. Called by `check`, and by `validate` for what is written.

use std::borrow::Cow;

use objectos_expression::{Environment, Zone};
use serde_json::Value;

use super::filter::Class;
use super::operator::Operator;
use crate::record::moment;

/// Whether the zone matters for what the value means. Who asks for one for nothing keeps plans from being used again, and reads
/// the principal in vain.
pub(super) fn is_local(value: &Value, class: Class) -> bool {
    match (value, class) {
        (Value::Array(items), _) => items.iter().any(|item| is_local(item, class)),
        // It may be a list that is written with commas.
        (Value::String(text), Class::DateTime) => text.split(',').any(|part| !names_zone(part.trim())),
        (Value::String(text), Class::Date) => text.split(',').any(|part| names_zone(part.trim())),
        (Value::Number(_), Class::Date) => true,
        _ => false,
    }
}

/// The value as it has to be for a field of the class, when it is read as UTC afterwards.
pub(super) fn localised<'v>(value: &'v Value, operator: Operator, class: Class, zone: &Zone) -> Cow<'v, Value> {
    // The day of a moment is the local one, also where that is the one of UTC.
    let changes = class == Class::Date || (class == Class::DateTime && !zone.is_utc());
    if !changes || !is_local(value, class) {
        return Cow::Borrowed(value);
    }
    let of_list = matches!(operator, Operator::In | Operator::Nin | Operator::Between);
    match value {
        Value::Array(items) => Cow::Owned(items.iter().map(|item| one(item, class, zone)).collect()),
        // A list in a query string is written with commas.
        Value::String(text) if of_list => Cow::Owned(
            text.split(',')
                .map(|part| one(&Value::String(part.trim().to_owned()), class, zone))
                .collect(),
        ),
        single => Cow::Owned(one(single, class, zone)),
    }
}

/// The value that is written into a field of the class, as a filter with `=` reads it. Nobody is asked for a zone that does not
/// matter.
pub(crate) fn as_written<'v>(value: &'v Value, class: Class, environment: &dyn Environment) -> Cow<'v, Value> {
    if is_local(value, class) {
        localised(value, Operator::Eq, class, environment.zone())
    } else {
        Cow::Borrowed(value)
    }
}

/// What cannot be read stays as it is: it is refused later, with what was written.
fn one(value: &Value, class: Class, zone: &Zone) -> Value {
    let changed = match (value, class) {
        (Value::String(text), Class::DateTime) => moment_of(text, zone),
        (Value::String(text), _) => day_of(text, zone),
        (Value::Number(ms), Class::Date) => ms.as_i64().and_then(|ms| local_day(ms, zone)),
        _ => None,
    };
    changed.map_or_else(|| value.clone(), Value::String)
}

/// A local time, or the beginning of a local day, as a moment.
fn moment_of(text: &str, zone: &Zone) -> Option<String> {
    let text = text.trim();
    if names_zone(text) {
        return None;
    }
    let local_ms = moment::to_ms(&moment::parse_datetime(text)?)?;
    moment::from_ms(local_ms - i64::from(zone.offset_seconds_at_local(local_ms)) * 1000)
}

/// The local day of a moment. A time without a zone is local already.
fn day_of(text: &str, zone: &Zone) -> Option<String> {
    let text = text.trim();
    if !names_zone(text) {
        return None;
    }
    local_day(moment::to_ms(&moment::parse_datetime(text)?)?, zone)
}

fn local_day(ms: i64, zone: &Zone) -> Option<String> {
    let local = moment::from_ms(ms.checked_add(i64::from(zone.offset_seconds_at(ms)) * 1000)?)?;
    local.get(..10).map(str::to_owned)
}

/// Whether something behind the day says which zone is meant.
fn names_zone(text: &str) -> bool {
    text.get(10..).is_some_and(|clock| clock.contains(['Z', 'z', '+', '-']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_local_where_they_name_no_zone() {
        let check = |zone: &str, operator, class, value: Value, expected: Value| {
            let zone = Zone::read(zone).unwrap();
            assert_eq!(*localised(&value, operator, class, &zone), expected, "{value}");
        };
        let (berlin, apia) = ("Europe/Berlin", "Pacific/Apia");
        let (day, moment) = (Class::Date, Class::DateTime);
        check(
            berlin,
            Operator::Gte,
            moment,
            json!("2026-07-01"),
            json!("2026-06-30T22:00:00.000Z"),
        );
        check(
            berlin,
            Operator::Lt,
            moment,
            json!("2026-12-01 12:00"),
            json!("2026-12-01T11:00:00.000Z"),
        );
        check(
            berlin,
            Operator::Lt,
            moment,
            json!("2026-12-01T12:00Z"),
            json!("2026-12-01T12:00Z"),
        );
        check(
            berlin,
            Operator::Between,
            moment,
            json!("2026-03-29, 2026-03-30"),
            json!(["2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"]),
        );
        check(
            apia,
            Operator::In,
            day,
            json!(["2026-07-01T12:00:00Z", null]),
            json!(["2026-07-02", null]),
        );
        check(apia, Operator::Eq, day, json!("2026-07-01"), json!("2026-07-01"));
        check(
            apia,
            Operator::Eq,
            Class::Text,
            json!("2026-07-01"),
            json!("2026-07-01"),
        );
        check("UTC", Operator::Gte, moment, json!("2026-07-01"), json!("2026-07-01"));
        check(
            "UTC",
            Operator::Eq,
            day,
            json!("2026-07-01T00:30:00+02:00"),
            json!("2026-06-30"),
        );
        check(berlin, Operator::Gte, moment, json!("soon"), json!("soon"));
    }

    #[test]
    fn the_zone_is_asked_for_where_it_matters() {
        let check = |class, value: Value, expected: bool| assert_eq!(is_local(&value, class), expected, "{value}");
        check(Class::Date, json!("2026-07-01"), false);
        check(Class::Date, json!("2026-07-01,2026-07-02"), false);
        check(Class::Date, json!(["2026-07-01", "2026-07-01T12:00:00Z"]), true);
        check(Class::Date, json!(1_772_280_000_000_i64), true);
        check(Class::DateTime, json!("2026-07-01"), true);
        check(Class::DateTime, json!("2026-07-01T12:00:00Z"), false);
        check(Class::DateTime, json!("2026-07-01T12:00:00Z, 2026-07-02"), true);
        check(Class::DateTime, json!(1_772_280_000_000_i64), false);
        check(Class::DateTime, json!(null), false);
        check(Class::DateTime, json!(true), false);
        check(Class::Text, json!("2026-07-01"), false);
    }
}
