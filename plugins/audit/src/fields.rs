//! Labels and types of fields, from the metadata, kept until the metadata's version changes.

use objectos_plugin_api::{
    Context, Host,
    contracts::metadata::{MetadataClient, MetadataRequest},
};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

use crate::error::Result;

/// What is known of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldFacts {
    pub(crate) label: Option<String>,
    pub(crate) kind: Option<String>,
    /// Not for people's eyes, says the definition.
    pub(crate) hidden: bool,
}

/// What is known of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectFacts {
    pub(crate) label: Option<String>,
    /// Belongs to the platform.
    pub(crate) system: bool,
    pub(crate) fields: HashMap<String, FieldFacts>,
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
        let version = self.metadata.version(&context)?;
        {
            let known = self.known.lock();
            if known.0 == version
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
        let mut known = self.known.lock();
        if known.0 != version {
            *known = (version, HashMap::new());
        }
        known.1.insert(name.to_owned(), Arc::clone(&facts));
        Ok(facts)
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
                };
                (name.clone(), facts)
            })
            .collect(),
    }
}
