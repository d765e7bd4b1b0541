//! What a webhook sends in place of the event: any JSON with `{{path}}` in its texts. A text that is one placeholder and
//! nothing else becomes the value itself; inside of a longer text it becomes text. What is not there is `null`, or nothing.

use objectos_plugin_api::protocol::kernel::Event;
use serde_json::{Map, Value};
use std::borrow::Cow;

use super::path::Path;

/// A compiled template.
#[derive(Clone, Debug)]
pub(crate) enum Template {
    Fixed(Value),
    Value(Path),
    Text(Vec<Piece>),
    List(Vec<Template>),
    Object(Vec<(String, Template)>),
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(String),
    Path(Path),
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// A sentence, for a placeholder that is not closed or names no path.
    pub(crate) fn compile(value: &Value) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::compile_text(text)?,
            Value::Array(items) => Self::List(items.iter().map(Self::compile).collect::<Result<_, _>>()?),
            Value::Object(map) => Self::Object(
                map.iter()
                    .map(|(key, value)| Ok((key.clone(), Self::compile(value)?)))
                    .collect::<Result<_, String>>()?,
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(value.clone()),
        })
    }

    fn compile_text(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((path, after)) = after.split_once("}}") else {
                return Err(format!(
                    "`{text}` has a placeholder without its end; write it as in `{{{{payload.object}}}}`"
                ));
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Path(Path::parse(path.trim())?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(match pieces.as_slice() {
            [Piece::Path(path)] => Self::Value(path.clone()),
            [] | [Piece::Text(_)] => Self::Fixed(Value::String(text.to_owned())),
            _ => Self::Text(pieces),
        })
    }

    /// The template filled in.
    pub(crate) fn render(&self, event: &Event) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Value(path) => path.of(event).map_or(Value::Null, Cow::into_owned),
            Self::Text(pieces) => Value::String(pieces.iter().map(|piece| piece.render(event)).collect()),
            Self::List(items) => Value::Array(items.iter().map(|item| item.render(event)).collect()),
            Self::Object(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.render(event)))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

impl Piece {
    fn render<'a>(&'a self, event: &Event) -> Cow<'a, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Path(path) => Cow::Owned(match path.of(event).as_deref() {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use objectos_plugin_api::protocol::kernel::{EventMetadata, EventPriority};
    use serde_json::json;

    use super::*;

    #[test]
    fn placeholders_are_filled_in() {
        let event = Event {
            id: Some("e1".to_owned()),
            name: "data.record.created".to_owned(),
            payload: json!({"object": "deal", "amount": 3, "list": [1, 2]}),
            metadata: EventMetadata {
                source: "objectos.data".to_owned(),
                timestamp: "2025-01-31T08:00:00Z".to_owned(),
                user_id: None,
                tenant_id: None,
                correlation_id: None,
                causation_id: None,
                priority: EventPriority::Normal,
            },
        };
        for (template, expected) in [
            (json!("plain"), json!("plain")),
            (json!(""), json!("")),
            (json!("{{payload.amount}}"), json!(3)),
            (json!("{{ payload }}"), event.payload.clone()),
            (json!("{{userId}}"), json!(null)),
            (json!("by {{userId}}."), json!("by .")),
            (
                json!({"text": "{{object}}: {{payload.list}} {{id}}", "n": 1, "l": ["{{name}}", true]}),
                json!({"text": "deal: [1,2] e1", "n": 1, "l": ["data.record.created", true]}),
            ),
        ] {
            assert_eq!(
                Template::compile(&template).expect("a template").render(&event),
                expected,
                "{template}"
            );
        }
        for broken in [
            json!("{{payload.amount"),
            json!({"a": ["{{}}"]}),
            json!("{{metadata.what}}"),
        ] {
            assert!(Template::compile(&broken).is_err(), "{broken}");
        }
    }
}
