//! Calls of the service `data`, as whoever sent the request. Nothing here acts for anybody else.

use objectos_plugin_api::contracts::data::{
    CreateRequest, DataClient, DeleteRequest, FindRequest, GetRequest, TransactionRequest, UpdateRequest,
};
use objectos_plugin_api::{Context, Error, Payload, Result};
use serde::Serialize;
use serde_json::{Map, Value};

/// One request: who sent it, and the way to the records.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    context: Context,
    data: DataClient,
}

fn bytes(request: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(request).map_err(Error::internal)
}

fn read(answer: &Payload) -> Result<Value> {
    serde_json::from_slice(answer).map_err(Error::internal)
}

fn record(mut answer: Value) -> Map<String, Value> {
    match answer.get_mut("record").map(Value::take) {
        Some(Value::Object(record)) => record,
        _ => Map::new(),
    }
}

/// The relation (`opportunity:account`) that a query names and the caller may not see.
fn unseen_relation(error: &Error) -> Option<String> {
    let details: Value = serde_json::from_slice(error.details()).ok()?;
    let field = details.get("field")?.as_str()?;
    (error.code() == "invalid_field" && field.contains(':')).then(|| field.to_owned())
}

/// Takes a relation out of whatever expands it; answers whether anything did.
fn leave_out(query: &mut Map<String, Value>, relation: &str) -> bool {
    let Some(Value::Object(expand)) = query.get_mut("expand") else {
        return false;
    };
    let mut left = expand.remove(relation).is_some();
    for nested in expand.values_mut().filter_map(Value::as_object_mut) {
        left |= leave_out(nested, relation);
    }
    left
}

impl Session {
    pub(crate) fn new(context: Context, data: DataClient) -> Self {
        Self { context, data }
    }

    /// `{records, total?, hasMore, nextCursor?}`
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn find(&self, object: &str, query: Map<String, Value>) -> Result<Value> {
        let mut request = FindRequest {
            object: object.to_owned(),
            query,
        };
        loop {
            match self.data.find(&self.context, &bytes(&request)?).await {
                Ok(answer) => return read(&answer),
                // To the engine a relation of records that may not be read does not exist. Here it has none of them. Each time
                // there is one relation less, so this ends.
                Err(error) => match unseen_relation(&error) {
                    Some(relation) if leave_out(&mut request.query, &relation) => {}
                    _ => return Err(error),
                },
            }
        }
    }

    /// A record.
    ///
    /// # Errors
    /// Those of the service: `NotFound` for a record that is not there for the caller.
    pub(crate) async fn get(&self, object: &str, id: &str, fields: Vec<String>) -> Result<Map<String, Value>> {
        let request = GetRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            fields,
        };
        read(&self.data.get(&self.context, &bytes(&request)?).await?).map(record)
    }

    /// Makes a record and answers what the caller may read of it.
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn create(&self, object: &str, fields: Map<String, Value>) -> Result<Map<String, Value>> {
        let request = CreateRequest {
            object: object.to_owned(),
            record: fields,
        };
        read(&self.data.create(&self.context, &bytes(&request)?).await?).map(record)
    }

    /// Changes a record and answers what the caller may read of it.
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn update(
        &self,
        object: &str,
        id: &str,
        fields: Map<String, Value>,
        version: Option<String>,
    ) -> Result<Map<String, Value>> {
        let request = UpdateRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            record: fields,
            expected_version: version,
        };
        read(&self.data.update(&self.context, &bytes(&request)?).await?).map(record)
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn delete(&self, object: &str, id: &str, version: Option<String>) -> Result<()> {
        let request = DeleteRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            expected_version: version,
            purge: false,
        };
        self.data.delete(&self.context, &bytes(&request)?).await.map(drop)
    }

    /// Makes records, all or none, and answers what the caller may read of each, in their order.
    ///
    /// # Errors
    /// That of the first that fails.
    pub(crate) async fn create_many(
        &self,
        object: &str,
        records: Vec<Map<String, Value>>,
    ) -> Result<Vec<Map<String, Value>>> {
        let operations = records
            .into_iter()
            .map(|data| serde_json::json!({ "object": object, "action": "create", "data": data }))
            .collect();
        let request = bytes(&TransactionRequest { operations })?;
        let mut answer = read(&self.data.transaction(&self.context, &request).await?)?;
        let Some(Value::Array(results)) = answer.get_mut("results").map(Value::take) else {
            return Err(Error::internal("a transaction answered no results"));
        };
        Ok(results.into_iter().map(record).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_relation_that_may_not_be_seen_is_left_out_wherever_it_is_expanded() {
        let query = json!({ "expand": { "a:b": {}, "c": { "expand": { "a:b": {}, "d": {} } } } });
        let Value::Object(mut query) = query else {
            panic!("an object")
        };
        assert!(leave_out(&mut query, "a:b"));
        assert_eq!(
            Value::Object(query.clone()),
            json!({ "expand": { "c": { "expand": { "d": {} } } } })
        );
        assert!(!leave_out(&mut query, "a:b"));
        let refused = |field: &str| {
            Error::invalid("no such field")
                .with_code("invalid_field")
                .with_details(&json!({ "object": "b", "field": field }))
        };
        assert_eq!(unseen_relation(&refused("a:b")).as_deref(), Some("a:b"));
        assert_eq!(unseen_relation(&refused("name")), None);
    }
}
