//! Labels, types and masks of fields, from the metadata, kept until the metadata's version changes. Of those who want the same
//! object at the same moment one asks for it, and the others take the answer: all ask alike, for no request and with no plugin
//! behind them, so that none could go on while the one who asks has to wait. Whoever waits also drives the question, so nobody
//! depends on another one's being there until the end; and a failure is for whoever asked, as is a panic: else those who wait would
//! never be woken.

use futures_util::future::{BoxFuture, FutureExt as _, Shared, WeakShared};
use objectos_plugin_api::{
    Context, Error, ErrorKind, Host,
    contracts::metadata::{MetadataClient, MetadataRequest},
};
use parking_lot::Mutex;
use serde::Deserialize;
use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

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

/// A question for an object.
type Question = BoxFuture<'static, Result<Arc<ObjectFacts>, Error>>;

/// What was made of the metadata of one version.
#[derive(Debug, Default)]
struct Known {
    version: u64,
    objects: HashMap<String, Arc<ObjectFacts>>,
    /// What is asked for at the moment; a question lives by those who wait for it.
    questions: HashMap<String, WeakShared<Question>>,
}

/// What there is at once.
enum Found {
    Facts(Arc<ObjectFacts>),
    /// A question, and whether it was just put.
    Asked(Shared<Question>, bool),
}

/// The metadata, as far as rows need it.
#[derive(Debug)]
pub(crate) struct Fields {
    metadata: MetadataClient,
    known: Mutex<Known>,
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
        let Some(version) = self.metadata.version_at_once(&context)? else {
            // Of which version it is was not to be had.
            return Ok(self.ask(&context, name).await?);
        };
        let facts = match self.find(&context, version, name) {
            Found::Facts(facts) => return Ok(facts),
            Found::Asked(question, own) => match question.await {
                Err(_) if !own => self.ask(&context, name).await?,
                answered => answered?,
            },
        };
        let mut known = self.known.lock();
        if known.version == version {
            known.questions.remove(name);
            known.objects.insert(name.to_owned(), Arc::clone(&facts));
        }
        Ok(facts)
    }

    /// What is known of an object in this version of the metadata, or the question for it.
    fn find(&self, context: &Context, version: u64, name: &str) -> Found {
        let mut known = self.known.lock();
        if known.version != version {
            *known = Known {
                version,
                ..Known::default()
            };
        }
        if let Some(facts) = known.objects.get(name) {
            return Found::Facts(Arc::clone(facts));
        }
        if let Some(question) = known.questions.get(name).and_then(WeakShared::upgrade) {
            return Found::Asked(question, false);
        }
        let caught = AssertUnwindSafe(self.ask(context, name)).catch_unwind();
        let question = caught.map(|answered| answered.unwrap_or_else(|_| Err(panicked())));
        let question = question.boxed().shared();
        if let Some(weak) = question.downgrade() {
            known.questions.insert(name.to_owned(), weak);
        }
        Found::Asked(question, true)
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

/// What is left to say of a panic: its text and place were told where it happened.
fn panicked() -> Error {
    Error::new(ErrorKind::Panicked, "something went wrong on the server")
        .with_internal("panicked: while the fields of an object were read")
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
