//! Valid documents made from a published schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::probe;
use super::view::{Keywords, Plain, reference};

/// How a document is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// With every property, or only with those that have to be written.
    pub(super) full: bool,
    /// Which value of an enum and which member of a union is taken, counted round.
    pub(super) choice: usize,
}

/// How often a part of a recursive schema stands within itself.
const DEEPEST: usize = 1;

/// A valid document; keys that have a default are left out unless the style is full.
pub(super) fn document(plain: &Plain, style: Style) -> Value {
    Maker {
        plain,
        depth: BTreeMap::new(),
    }
    .value(plain.root(), style)
}

struct Maker<'a> {
    plain: &'a Plain,
    depth: BTreeMap<String, usize>,
}

impl<'a> Maker<'a> {
    fn value(&mut self, schema: &'a Value, style: Style) -> Value {
        let reference = reference(schema);
        let mut style = style;
        if let Some(reference) = reference {
            let depth = self.depth.entry(reference.to_owned()).or_default();
            *depth += 1;
            if *depth > DEEPEST {
                style = Style { full: false, choice: 0 };
            }
        }
        let members = self.plain.members(schema);
        let value = self.member(members[style.choice % members.len()], style);
        if let Some(depth) = reference.and_then(|reference| self.depth.get_mut(reference)) {
            *depth -= 1;
        }
        value
    }

    fn member(&mut self, member: &'a Keywords, style: Style) -> Value {
        if let Some(values) = member.get("enum").and_then(Value::as_array) {
            return values[style.choice % values.len()].clone();
        }
        match member.get("type").and_then(Value::as_str) {
            None => json!({ "any": ["thing", 1, null] }),
            Some("string") => Value::String(probe::valid(member, style.choice)),
            Some(kind @ ("number" | "integer")) => number(member, kind == "integer", style.choice),
            Some("boolean") => Value::Bool(style.choice.is_multiple_of(2)),
            Some("array") => self.array(member, style),
            Some("object") => self.object(member, style),
            Some(_) => Value::Null,
        }
    }

    fn array(&mut self, member: &'a Keywords, style: Style) -> Value {
        let least = member.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let least = usize::try_from(least).expect("published lists have few items at least");
        let Some(items) = member.get("items") else {
            return json!([]);
        };
        let count = if style.full {
            self.plain.members(items).len().max(least)
        } else {
            least
        };
        Value::Array(
            (0..count)
                .map(|index| {
                    self.value(
                        items,
                        Style {
                            choice: style.choice + index,
                            ..style
                        },
                    )
                })
                .collect(),
        )
    }

    fn object(&mut self, member: &'a Keywords, style: Style) -> Value {
        let mut map = Map::new();
        let required = member.get("required").and_then(Value::as_array);
        let required = |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
        for (name, property) in member
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let has_default = property.get("default").is_some();
            if style.full || (required(name) && !has_default) {
                map.insert(name.clone(), self.value(property, style));
            }
        }
        let extra = member.get("additionalProperties").filter(|extra| extra.is_object());
        if let Some(extra) = extra {
            // A map over an enum needs every value of the enum as a key.
            for name in member.get("required").and_then(Value::as_array).into_iter().flatten() {
                let name = name.as_str().unwrap_or_default().to_owned();
                map.entry(name).or_insert_with(|| self.value(extra, style));
            }
        }
        if !style.full {
            return Value::Object(map);
        }
        match member.get("additionalProperties") {
            None if map.is_empty() => {
                map.insert("open_key".to_owned(), json!("value"));
            }
            Some(extra) if extra.is_object() && map.is_empty() => {
                let key = match member.get("propertyNames").and_then(|names| self.plain.values(names)) {
                    Some(names) => names[style.choice % names.len()]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                    None => "sample_key".to_owned(),
                };
                map.insert(key, self.value(extra, style));
            }
            _ => {}
        }
        Value::Object(map)
    }
}

/// A number within the limits: one of the limits or something between.
fn number(member: &Keywords, whole: bool, choice: usize) -> Value {
    let limit = |key: &str| member.get(key).and_then(Value::as_f64);
    let fits = |value: f64| {
        limit("minimum").is_none_or(|least| value >= least)
            && limit("maximum").is_none_or(|most| value <= most)
            && limit("exclusiveMinimum").is_none_or(|least| value > least)
            && (!whole || value.fract() == 0.0)
    };
    let candidates = [
        Some(1.0),
        limit("minimum"),
        limit("maximum"),
        Some(2.5),
        Some(100.0),
        Some(0.0),
    ];
    let fitting: Vec<f64> = candidates.into_iter().flatten().filter(|value| fits(*value)).collect();
    plain(fitting[choice % fitting.len()])
}

/// The number as JSON, whole when it is whole.
pub(super) fn plain(value: f64) -> Value {
    if value.fract() == 0.0
        && let Ok(whole) = format!("{value:.0}").parse::<i64>()
    {
        return json!(whole);
    }
    json!(value)
}
