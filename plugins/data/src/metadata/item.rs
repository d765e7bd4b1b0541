//! One declared item and the bytes that stand for it over HTTP.

use std::sync::{Arc, OnceLock};

use objectos_plugin_api::contracts::metadata::MetadataItem;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// An item as it was declared.
#[derive(Debug)]
pub struct MetadataEntry {
    /// Kind in the singular.
    pub kind: &'static str,
    /// Name, unique within its kind.
    pub name: String,
    /// Id of the app or plugin that declares it.
    pub package: String,
    /// The file it stands in.
    pub file: Arc<str>,
    /// When the file changed last, milliseconds since 1970.
    pub modified_ms: i64,
    /// In the protocol's shape; defaults filled in where the kind is interpreted.
    pub definition: Arc<Value>,
    rendered: OnceLock<Rendered>,
}

impl MetadataEntry {
    /// An item.
    #[must_use]
    pub fn new(
        kind: &'static str,
        name: String,
        package: String,
        file: Arc<str>,
        modified_ms: i64,
        definition: Value,
    ) -> Self {
        Self {
            kind,
            name,
            package,
            file,
            modified_ms,
            definition: Arc::new(definition),
            rendered: OnceLock::new(),
        }
    }

    /// The answer for the item: the definition's own keys, then `type` and `name` where it has none, then `item` with the
    /// definition. Clients of every version find what they look for. Written on the first call.
    pub fn rendered(&self) -> &Rendered {
        self.rendered.get_or_init(|| {
            let mut body = Map::new();
            if let Value::Object(definition) = &*self.definition {
                body.extend(definition.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            body.entry("type").or_insert_with(|| self.kind.into());
            body.entry("name").or_insert_with(|| self.name.clone().into());
            body.insert("item".to_owned(), Value::clone(&self.definition));
            Rendered::new(&Value::Object(body), self.modified_ms)
        })
    }

    /// The form that other plugins read.
    #[must_use]
    pub fn to_contract(&self) -> MetadataItem {
        MetadataItem {
            kind: self.kind.to_owned(),
            name: self.name.clone(),
            package: self.package.clone(),
            definition: Value::clone(&self.definition),
        }
    }
}

/// An answer that is written once.
#[derive(Debug)]
pub struct Rendered {
    /// JSON.
    pub body: Vec<u8>,
    /// Strong and quoted: `"9f86d081884c7d65"`, from the content alone.
    pub etag: String,
    /// Milliseconds since 1970.
    pub modified_ms: i64,
}

impl Rendered {
    /// Writes a value.
    #[must_use]
    pub fn new(value: &Value, modified_ms: i64) -> Self {
        // A `Value` has no map with keys that are not text, the one thing that cannot be written.
        let body = serde_json::to_vec(value).unwrap_or_default();
        let digest = Sha256::digest(&body);
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self {
            body,
            etag: format!("\"{hex}\""),
            modified_ms,
        }
    }
}
