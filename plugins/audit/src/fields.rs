//! Labels, types and masks of fields, from the metadata, kept until the metadata's version changes. Of those who want the same
//! object at the same moment one asks for it, and the others take the answer ([`Readings`]): all ask alike, for no request and with
//! no plugin behind them, so that none could go on while the one who asks has to wait.

use objectos_plugin_api::{
    Context, Error, Host, Readings,
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
    /// Whether somebody with these roles sees the mask, or somebody of whom no role is known; the same answer as the engine's,
    /// which puts it on.
    fn hides_from(&self, roles: Option<&[String]>) -> bool {
        let Some(roles) = roles else { return true };
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
    /// The fields whose values somebody with these roles sees masked; all that have a mask where nobody knows the roles.
    pub(crate) fn masked_from(&self, roles: Option<&[String]>) -> Vec<String> {
        let masked = self
            .fields
            .iter()
            .filter(|(_, facts)| facts.mask.as_ref().is_some_and(|mask| mask.hides_from(roles)));
        masked.map(|(name, _)| name.clone()).collect()
    }
}

/// What was made of the metadata of one version.
#[derive(Debug, Default)]
struct Known {
    version: u64,
    objects: HashMap<String, Arc<ObjectFacts>>,
}

impl Known {
    /// What is known of an object in this version of the metadata; of another version everything is forgotten.
    fn find(&mut self, version: u64, name: &str) -> Option<Arc<ObjectFacts>> {
        if self.version != version {
            *self = Self {
                version,
                ..Self::default()
            };
        }
        self.objects.get(name).cloned()
    }
}

/// The metadata, as far as rows need it.
#[derive(Debug)]
pub(crate) struct Fields {
    metadata: MetadataClient,
    known: Arc<Mutex<Known>>,
    /// By the version of the metadata and the object's name.
    questions: Readings<(u64, String), Arc<ObjectFacts>>,
}

impl Fields {
    pub(crate) fn new(host: &Host) -> Result<Self> {
        Ok(Self {
            metadata: MetadataClient::open(host)?,
            known: Arc::default(),
            questions: Readings::default(),
        })
    }

    /// What is known of an object; nothing of one that is gone.
    ///
    /// # Errors
    /// When the metadata cannot be asked. A row must wait then: without types, secrets would be written down.
    pub(crate) async fn object(&self, name: &str) -> Result<Arc<ObjectFacts>> {
        let context = Context::background().as_system();
        let Some(version) = self.metadata.version_at_once(&context)? else {
            // Of which version it is was not to be had.
            return Ok(self.ask(&context, name).await?);
        };
        let facts = self.known.lock().find(version, name);
        if let Some(facts) = facts {
            return Ok(facts);
        }
        let key = (version, name.to_owned());
        Ok(self.questions.read(key, || self.learn(&context, version, name)).await?)
    }

    /// Asks for an object, and keeps what it learns.
    fn learn(
        &self,
        context: &Context,
        version: u64,
        name: &str,
    ) -> impl Future<Output = Result<Arc<ObjectFacts>, Error>> + Send + 'static + use<> {
        let (asked, known, name) = (self.ask(context, name), Arc::clone(&self.known), name.to_owned());
        async move {
            // Whoever asked before may have learned it just now.
            let facts = known.lock().find(version, &name);
            if let Some(facts) = facts {
                return Ok(facts);
            }
            let facts = asked.await?;
            let mut known = known.lock();
            if known.version == version {
                known.objects.insert(name, Arc::clone(&facts));
            }
            Ok(facts)
        }
    }

    /// Asks for an object.
    fn ask(
        &self,
        context: &Context,
        name: &str,
    ) -> impl Future<Output = Result<Arc<ObjectFacts>, Error>> + Send + 'static + use<> {
        let (metadata, context) = (self.metadata.clone(), context.clone());
        let request = MetadataRequest {
            kind: "object".to_owned(),
            name: name.to_owned(),
        };
        async move {
            let item = metadata.get(&context, &request).await?;
            Ok(item.map_or_else(Arc::default, |item| Arc::new(read(&item.definition))))
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
