//! What the metadata says of objects, as far as channels and deleted records need it: that there is one of a name, whose tenant
//! its records are, and whether it has a bin. Kept until the metadata's version changes.

use objectos_plugin_api::{
    Context, Host,
    contracts::metadata::{MetadataClient, MetadataItem},
};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

use crate::{error::Result, session::CALL_LIMIT, subscription::Channel};

/// What is known of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObjectFacts {
    /// Its records belong to tenants.
    pub(crate) tenancy: bool,
    /// Its records are deleted into a bin.
    pub(crate) bin: bool,
    /// Clients may get its records.
    pub(crate) open: bool,
}

type Objects = Arc<HashMap<String, ObjectFacts>>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Catalog {
    metadata: MetadataClient,
    known: Mutex<Option<(u64, Objects)>>,
}

impl Catalog {
    pub(crate) fn new(host: &Host) -> Result<Self> {
        Ok(Self {
            metadata: MetadataClient::open(host)?,
            known: Mutex::default(),
        })
    }

    async fn objects(&self) -> Result<Objects> {
        let context = Context::background().with_limit(CALL_LIMIT);
        let version = self.metadata.version_at_once(&context)?;
        if let (Some(version), Some((known, objects))) = (version, &*self.known.lock())
            && version == *known
        {
            return Ok(Arc::clone(objects));
        }
        let items = self.metadata.list(&context, &"object".to_owned()).await?;
        let objects: Objects = Arc::new(items.iter().map(|item| (item.name.clone(), facts(item))).collect());
        if let Some(version) = version {
            *self.known.lock() = Some((version, Arc::clone(&objects)));
        }
        Ok(objects)
    }

    /// What is known of an object; `None` when there is none of this name.
    ///
    /// # Errors
    /// When the metadata cannot be asked.
    pub(crate) async fn object(&self, name: &str) -> Result<Option<ObjectFacts>> {
        Ok(self.objects().await?.get(name).copied())
    }

    /// A channel by its name: `object:id` and `object/id` are the same record's, where there is such an object.
    ///
    /// # Errors
    /// When the metadata cannot be asked: whether a record is behind it must be known.
    pub(crate) async fn channel(&self, name: &str) -> Result<Channel> {
        if let Some((object, id)) = name.split_once([':', '/'])
            && !id.is_empty()
            && self.object(object).await?.is_some()
        {
            return Ok(Channel {
                name: format!("{object}:{id}"),
                record: Some((object.to_owned(), id.to_owned())),
            });
        }
        Ok(Channel {
            name: name.to_owned(),
            record: None,
        })
    }
}

fn facts(item: &MetadataItem) -> ObjectFacts {
    let enabled = |key: &str| item.definition[key]["enabled"] == true;
    let api = &item.definition["enable"];
    let methods = api["apiMethods"].as_array();
    ObjectFacts {
        tenancy: enabled("tenancy"),
        bin: enabled("softDelete"),
        open: api["apiEnabled"] != false && methods.is_none_or(|methods| methods.iter().any(|method| method == "get")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_object_says_whether_clients_get_its_records() {
        for (enable, open) in [
            (Value::Null, true),
            (json!({"searchable": false}), true),
            (json!({"apiEnabled": false}), false),
            (json!({"apiMethods": ["list", "get"]}), true),
            (json!({"apiMethods": ["list"]}), false),
            (json!({"apiMethods": []}), false),
        ] {
            let item = MetadataItem {
                kind: "object".to_owned(),
                name: "deal".to_owned(),
                package: "test".to_owned(),
                definition: json!({"softDelete": {"enabled": true}, "enable": enable}),
            };
            let expected = ObjectFacts {
                tenancy: false,
                bin: true,
                open,
            };
            assert_eq!(facts(&item), expected, "{enable}");
        }
    }
}
