//! Event names that the configuration describes (`eventTypes`): the payload of what plugins publish is held to the schema,
//! and a deprecated name is reported once. A name may be listed in several versions; the payload has to fit one of them.
//! Names that are not listed are free. Events that a store writes by itself do not pass here.

use jsonschema::Validator;
use objectos_plugin_api::{Error, Result, protocol::kernel::EventTypeDefinition};
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use super::error::EventConfigError;

/// All described names.
#[derive(Debug, Default)]
pub(crate) struct EventTypes(HashMap<String, EventType>);

#[derive(Default)]
struct EventType {
    versions: Vec<Version>,
    /// Every version is deprecated.
    deprecated: bool,
    reported: AtomicBool,
}

struct Version {
    number: String,
    schema: Option<Validator>,
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<&str> = self.versions.iter().map(|version| version.number.as_str()).collect();
        f.debug_struct("EventType")
            .field("versions", &versions)
            .field("deprecated", &self.deprecated)
            .finish()
    }
}

impl EventTypes {
    /// Compiles the schemas.
    ///
    /// # Errors
    /// `Invalid` for what is no JSON Schema, or refers to one elsewhere, and for a version that is listed twice.
    pub(crate) fn compile(definitions: &[EventTypeDefinition]) -> Result<Self, EventConfigError> {
        let mut types: HashMap<String, EventType> = HashMap::new();
        for (index, definition) in definitions.iter().enumerate() {
            let schema = match &definition.schema {
                None => None,
                Some(schema) => Some(jsonschema::validator_for(schema).map_err(|error| {
                    EventConfigError::invalid(
                        format!("eventTypes[{index}].schema"),
                        format!("this is no JSON Schema: {error} at `{}`", error.instance_path()),
                    )
                })?),
            };
            let known = types.entry(definition.name.clone()).or_insert_with(|| EventType {
                deprecated: true,
                ..EventType::default()
            });
            if known
                .versions
                .iter()
                .any(|version| version.number == definition.version)
            {
                return Err(EventConfigError::invalid(
                    format!("eventTypes[{index}].version"),
                    format!(
                        "version {} of {} is listed twice; remove one",
                        definition.version, definition.name
                    ),
                ));
            }
            known.deprecated &= definition.deprecated;
            known.versions.push(Version {
                number: definition.version.clone(),
                schema,
            });
        }
        Ok(Self(types))
    }

    /// True when nothing is described, so that nobody needs to ask.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when payloads of this name are held to something.
    pub(crate) fn checks(&self, name: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|known| known.versions.iter().all(|version| version.schema.is_some()))
    }

    /// Holds a payload to what is described.
    ///
    /// # Errors
    /// `Invalid` with the first fault and its place, by the version listed last.
    pub(crate) fn check(&self, name: &str, payload: &Value) -> Result<()> {
        let Some(known) = self.0.get(name) else {
            return Ok(());
        };
        let mut fault = None;
        for version in &known.versions {
            let Some(schema) = &version.schema else {
                return Ok(());
            };
            match schema.validate(payload) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    fault = Some(format!(
                        "the payload of {name} does not fit its schema (version {}): {error} at `{}`",
                        version.number,
                        error.instance_path()
                    ));
                }
            }
        }
        fault.map_or(Ok(()), |fault| Err(Error::invalid(fault)))
    }

    /// What to tell the operator about a deprecated name; once.
    pub(crate) fn deprecation(&self, name: &str) -> Option<String> {
        let known = self.0.get(name)?;
        (known.deprecated && !known.reported.swap(true, Ordering::Relaxed))
            .then(|| format!("the event {name} is deprecated, but still published"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn types(definitions: Value) -> Result<EventTypes, EventConfigError> {
        EventTypes::compile(&serde_json::from_value::<Vec<EventTypeDefinition>>(definitions).expect("definitions"))
    }

    #[test]
    fn payloads_are_held_to_one_of_the_versions() {
        let number = json!({"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]});
        let text = json!({"type": "object", "properties": {"t": {"type": "string"}}, "required": ["t"]});
        let types = types(json!([
            {"name": "job.done", "version": "1.0.0", "schema": number},
            {"name": "job.done", "version": "2.0.0", "schema": text},
            {"name": "job.free"},
        ]))
        .expect("types");
        for (name, payload, expected) in [
            ("job.done", json!({"n": 1}), None),
            ("job.done", json!({"t": "x"}), None),
            ("job.done", json!({"t": 1}), Some("(version 2.0.0)")),
            ("job.free", json!(17), None),
            ("job.other", json!(17), None),
        ] {
            let verdict = types.check(name, &payload).map_err(|error| error.message().to_owned());
            match expected {
                None => assert_eq!(verdict, Ok(()), "{name} {payload}"),
                Some(part) => assert!(verdict.clone().is_err_and(|text| text.contains(part)), "{verdict:?}"),
            }
        }
        assert!(types.checks("job.done") && !types.checks("job.free") && !types.checks("job.other"));
    }

    #[test]
    fn a_deprecated_name_is_reported_once() {
        let types = types(json!([
            {"name": "job.old", "deprecated": true},
            {"name": "job.half", "version": "1.0.0", "deprecated": true},
            {"name": "job.half", "version": "2.0.0"},
        ]))
        .expect("types");
        assert!(
            types
                .deprecation("job.old")
                .is_some_and(|text| text.contains("job.old"))
        );
        assert_eq!(types.deprecation("job.old"), None);
        assert_eq!(types.deprecation("job.half"), None);
        assert_eq!(types.deprecation("job.unknown"), None);
    }

    #[test]
    fn broken_definitions_are_named() {
        for (definitions, key) in [
            (
                json!([{"name": "job.done", "schema": {"type": "nothing"}}]),
                "eventTypes[0].schema",
            ),
            (
                json!([{"name": "job.done", "schema": {"$ref": "https://example.com/elsewhere.json"}}]),
                "eventTypes[0].schema",
            ),
            (
                json!([{"name": "job.done"}, {"name": "job.done"}]),
                "eventTypes[1].version",
            ),
        ] {
            assert_eq!(
                types(definitions.clone()).expect_err("refused").key(),
                key,
                "{definitions}"
            );
        }
    }
}
