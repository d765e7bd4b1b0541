//! A row of the trail: what is known of one event, as a record of `sys_audit_event` has it. Texts are never empty and never
//! longer than their limit, so that the record reads back as it was hashed.

use objectos_plugin_api::{contracts::events::Origin, counted_address};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Name of the object.
pub(crate) const OBJECT: &str = "sys_audit_event";
/// Bytes of a short text.
const SHORT_MAX: usize = 512;
/// Bytes of a long text.
const LONG_MAX: usize = 4_096;

/// One field before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    pub(crate) field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) field_label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) field_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) old_value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) new_value: Option<Value>,
}

/// A row. The keys are the fields of the object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Row {
    /// Id of the event on the bus.
    pub(crate) id: String,
    pub(crate) sequence: u64,
    pub(crate) event_type: String,
    pub(crate) severity: String,
    pub(crate) timestamp: String,
    pub(crate) actor_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) impersonator_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ip_address: Option<String>,
    /// What the address is counted under, where that is something else: of IPv6 the /64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ip_network: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plugin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) record_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) result: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) changes: Option<Vec<Change>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<Map<String, Value>>,
    pub(crate) previous_hash: String,
    pub(crate) hash: String,
}

/// A text that is not empty, cut to its limit at a character.
fn cut(text: Option<String>, max: usize) -> Option<String> {
    let mut text = text?;
    if text.len() > max {
        let end = (0..=max).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
    }
    // The engine may take blanks off the ends; a text without them reads back the same.
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

impl Row {
    /// Where it came from.
    pub(crate) fn come_from(&mut self, origin: Origin) {
        let kind = origin.actor_kind.as_deref().unwrap_or_default();
        self.actor_type = match kind {
            "user" | "local" | "anonymous" => "user",
            "service" => "api_client",
            // A plugin that acts without anybody behind it.
            _ => "system",
        }
        .to_owned();
        self.actor_id = origin.actor_id.or_else(|| match kind {
            "local" | "anonymous" => Some(kind.to_owned()),
            _ => origin.plugin.clone(),
        });
        self.actor_name = origin.actor_name;
        self.actor_email = origin.actor_email;
        self.impersonator_id = origin.impersonator_id;
        self.ip_network = origin.address.as_deref().and_then(|address| {
            let counted = counted_address(address);
            (counted != address).then(|| counted.into_owned())
        });
        self.ip_address = origin.address;
        self.user_agent = origin.user_agent;
        self.session_id = origin.session_id;
        self.request_id = origin.request_id;
        self.tenant_id = origin.tenant_id;
        self.plugin = origin.plugin;
    }

    /// Brings every text within its limit.
    pub(crate) fn fit(&mut self) {
        for text in [
            &mut self.actor_id,
            &mut self.actor_name,
            &mut self.actor_email,
            &mut self.impersonator_id,
            &mut self.ip_address,
            &mut self.ip_network,
            &mut self.user_agent,
            &mut self.session_id,
            &mut self.request_id,
            &mut self.tenant_id,
            &mut self.plugin,
            &mut self.object_name,
            &mut self.record_id,
            &mut self.target_type,
            &mut self.target_id,
            &mut self.target_name,
        ] {
            *text = cut(text.take(), SHORT_MAX);
        }
        for text in [&mut self.description, &mut self.error_message] {
            *text = cut(text.take(), LONG_MAX);
        }
        if self.changes.as_ref().is_some_and(Vec::is_empty) {
            self.changes = None;
        }
        if self.metadata.as_ref().is_some_and(Map::is_empty) {
            self.metadata = None;
        }
    }

    /// The record to store.
    pub(crate) fn to_record(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(record)) => record,
            // Maps with text keys and plain values: nothing in a row cannot be JSON.
            _ => Map::new(),
        }
    }

    /// A stored record; fields that are null count as absent.
    pub(crate) fn from_record(record: &Map<String, Value>) -> serde_json::Result<Self> {
        let mut present = record.clone();
        present.retain(|_, value| !value.is_null());
        if let Some(number) = present.get("sequence").and_then(Value::as_f64) {
            present.insert("sequence".to_owned(), whole(number));
        }
        serde_json::from_value(Value::Object(present))
    }
}

/// A stored number that is a whole one.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole, and within what a double holds exactly"
)]
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && (0.0..9e15).contains(&number) {
        Value::from(number as u64)
    } else {
        Value::from(number)
    }
}
