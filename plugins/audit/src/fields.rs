//! Labels, types and masks of fields, from the metadata, kept until the metadata's version changes.

use objectos_plugin_api::{
    Context, ErrorKind, Host,
    contracts::metadata::{MetadataClient, MetadataRequest},
};
use parking_lot::Mutex;
use serde::Deserialize;
use std::{collections::HashMap, sync::Arc};

use crate::error::Result;

/// What is known of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldFacts {
    pub(crate) label: Option<String>,
    pub(crate) kind: Option<String>,
    /// Not for people's eyes, says the definition.
    pub(crate) hidden: bool,
    /// Set when some people see its values masked.
    pub(crate) mask: Option<MaskFacts>,
}

/// Who sees the values of a field masked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MaskFacts {
    /// Whoever has one of these roles; without any, everybody.
    roles: Option<Vec<String>>,
    /// But not whoever has one of these.
    exempt_roles: Option<Vec<String>>,
}

impl MaskFacts {
    /// Whether somebody with these roles sees the mask; the same answer as the engine's, which puts it on.
    fn hides_from(&self, roles: &[String]) -> bool {
        let any = |of: &Option<Vec<String>>| of.iter().flatten().any(|role| roles.contains(role));
        let everybody = self.roles.as_ref().is_none_or(Vec::is_empty);
        !any(&self.exempt_roles) && (everybody || any(&self.roles))
    }
}

/// What is known of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectFacts {
    pub(crate) label: Option<String>,
    /// Belongs to the platform.
    pub(crate) system: bool,
    pub(crate) fields: HashMap<String, FieldFacts>,
}

impl ObjectFacts {
    /// The fields whose values somebody with these roles sees masked.
    pub(crate) fn masked_from(&self, roles: &[String]) -> Vec<String> {
        let masked = self
            .fields
            .iter()
            .filter(|(_, facts)| facts.mask.as_ref().is_some_and(|mask| mask.hides_from(roles)));
        masked.map(|(name, _)| name.clone()).collect()
    }
}

/// The metadata, as far as rows need it.
#[derive(Debug)]
pub(crate) struct Fields {
    metadata: MetadataClient,
    known: Mutex<(u64, HashMap<String, Arc<ObjectFacts>>)>,
}

impl Fields {
    pub(crate) fn new(host: &Host) -> Result<Self> {
        Ok(Self {
            metadata: MetadataClient::open(host)?,
            known: Mutex::default(),
        })
    }

    /// What is known of an object; nothing of one that is gone.
    ///
    /// # Errors
    /// When the metadata cannot be asked. A row must wait then: without types, secrets would be written down.
    pub(crate) async fn object(&self, name: &str) -> Result<Arc<ObjectFacts>> {
        let context = Context::background().as_system();
        let version = self.version(&context)?;
        {
            let known = self.known.lock();
            if Some(known.0) == version
                && let Some(facts) = known.1.get(name)
            {
                return Ok(Arc::clone(facts));
            }
        }
        let request = MetadataRequest {
            kind: "object".to_owned(),
            name: name.to_owned(),
        };
        let item = self.metadata.get(&context, &request).await?;
        let facts = item.map_or_else(Arc::default, |item| Arc::new(read(&item.definition)));
        let Some(version) = version else {
            // Of which version it is was not to be had.
            return Ok(facts);
        };
        let mut known = self.known.lock();
        if known.0 != version {
            *known = (version, HashMap::new());
        }
        known.1.insert(name.to_owned(), Arc::clone(&facts));
        Ok(facts)
    }

    /// The version of the metadata; `None` while whoever has it is being replaced: to wait for that here would block a thread
    /// of the host.
    fn version(&self, context: &Context) -> Result<Option<u64>> {
        match self.metadata.reference().call_sync_at_once(context, "version", b"") {
            Ok(version) => Ok(Some(
                serde_json::from_slice(&version).map_err(objectos_plugin_api::Error::internal)?,
            )),
            Err(error) if error.kind() == ErrorKind::Unavailable => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn read(definition: &serde_json::Value) -> ObjectFacts {
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().map(str::to_owned);
    let fields = definition["fields"].as_object().into_iter().flatten();
    ObjectFacts {
        label: text(definition, "label"),
        system: definition["isSystem"] == true,
        fields: fields
            .map(|(name, field)| {
                let facts = FieldFacts {
                    label: text(field, "label"),
                    kind: text(field, "type"),
                    hidden: field["hidden"] == true,
                    mask: mask(&field["maskingRule"]),
                };
                (name.clone(), facts)
            })
            .collect(),
    }
}

/// A rule that cannot be read masks the field for everybody.
fn mask(rule: &serde_json::Value) -> Option<MaskFacts> {
    (!rule.is_null()).then(|| MaskFacts::deserialize(rule).unwrap_or_default())
}
