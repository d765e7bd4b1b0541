//! What became of a batch, as JSON.

use serde_json::{Map, Value, json};

use super::{BatchAnswer, ItemAnswer, ItemFailure};
use crate::validate::Told;

impl BatchAnswer {
    /// `api/BatchUpdateResponse`, with the keys of older clients beside: `record` for `data`, `error` for `errors`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let succeeded = self.items.iter().filter(|item| item.result.is_ok()).count();
        let results: Vec<Value> = self
            .items
            .iter()
            .enumerate()
            .map(|(index, item)| self.item(index, item))
            .collect();
        json!({
            "success": succeeded == self.items.len(),
            "operation": self.operation.name(),
            "total": self.items.len(),
            "succeeded": succeeded,
            "failed": self.items.len() - succeeded,
            "results": results,
        })
    }

    fn item(&self, index: usize, item: &ItemAnswer) -> Value {
        let mut out = Map::new();
        if let Some(id) = &item.id {
            out.insert("id".to_owned(), json!(id));
        }
        out.insert("success".to_owned(), json!(item.result.is_ok()));
        out.insert("index".to_owned(), json!(index));
        if !item.warnings.is_empty() {
            out.insert("warnings".to_owned(), item.warnings.iter().map(Told::to_json).collect());
        }
        match &item.result {
            Ok(record) if self.return_records && !record.is_empty() => {
                let record: Value = serde_json::from_slice(record).unwrap_or_default();
                out.insert("record".to_owned(), record.clone());
                out.insert("data".to_owned(), record);
            }
            Ok(_) => {}
            Err(failure) => {
                let error = failure.to_json();
                out.insert("error".to_owned(), error.get("message").cloned().unwrap_or_default());
                out.insert("errors".to_owned(), json!([error]));
            }
        }
        Value::Object(out)
    }
}

impl ItemFailure {
    /// `api/ApiError`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Failed(error) => {
                let mut out = json!({ "code": error.code(), "message": error.to_string() });
                let details = error.details();
                if let (Some(map), false) = (out.as_object_mut(), details.is_null()) {
                    if let Some(fields) = details.get("fieldErrors") {
                        map.insert("fieldErrors".to_owned(), fields.clone());
                    }
                    map.insert("details".to_owned(), details);
                }
                out
            }
            Self::RolledBack => {
                json!({ "code": "transaction_failed", "message": "rolled back: another record of the batch failed" })
            }
            Self::NotTried => {
                json!({ "code": "transaction_failed", "message": "not tried: an earlier record of the batch failed" })
            }
        }
    }
}
