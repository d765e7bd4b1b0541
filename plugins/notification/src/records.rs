//! Mails as records of `sys_mail`. The plugin acts as the system here: no user reads or writes these records.

use objectos_plugin_api::{
    Context, ErrorKind, Host,
    contracts::{
        data::{CreateRequest, DataClient, FindRequest, UpdateRequest},
        mailer::MailMessage,
    },
};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::error::{MailError, Result};

const OBJECT: &str = "sys_mail";

/// How a mail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Sent,
    Failed,
    Logged,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Logged => "logged",
        }
    }
}

/// A mail that is due.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) id: String,
    /// `updated_at` of the record, by which two senders do not take the same mail.
    version: String,
    /// Attempts before this one.
    pub(crate) attempts: u32,
    pub(crate) message: MailMessage,
}

/// The records.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    host: Host,
    data: DataClient,
}

/// Milliseconds since 1970 as the engine writes a moment.
fn moment(ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}

fn json_of(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(value).map_err(objectos_plugin_api::Error::internal)?)
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl Records {
    pub(crate) fn new(host: &Host) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            data: DataClient::open(host)?,
        })
    }

    /// Stores a new mail; answers its id.
    pub(crate) async fn store(&self, context: &Context, message: &MailMessage, state: State) -> Result<String> {
        let record = fields(json!({
            "recipients": message.to,
            "subject": message.subject,
            "body_text": message.text,
            "body_html": message.html,
            "reply_to": message.reply_to,
            "category": message.category,
            "state": state.name(),
            "attempts": 0,
            "next_attempt_at": (state == State::Pending).then(|| moment(self.host.now_ms())),
        }));
        let request = CreateRequest {
            object: OBJECT.to_owned(),
            record,
        };
        let answer = self.data.create(&context.as_system(), &json_of(&request)?).await?;
        let answer: Value = serde_json::from_slice(&answer).map_err(objectos_plugin_api::Error::internal)?;
        answer["id"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| objectos_plugin_api::Error::internal("a stored mail has no id").into())
    }

    /// Mails that are due, those that have waited longest first.
    pub(crate) async fn due(&self, limit: usize) -> Result<Vec<Due>> {
        let query = fields(json!({
            "where": { "state": State::Pending.name(), "next_attempt_at": { "$lte": moment(self.host.now_ms()) } },
            "orderBy": [{ "field": "next_attempt_at", "order": "asc" }, { "field": "id", "order": "asc" }],
            "limit": limit,
            "count": false,
        }));
        let request = FindRequest {
            object: OBJECT.to_owned(),
            query,
        };
        let answer = self
            .data
            .find(&Context::background().as_system(), &json_of(&request)?)
            .await?;
        let answer: Value = serde_json::from_slice(&answer).map_err(objectos_plugin_api::Error::internal)?;
        let records = answer["records"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(records.iter().map(read).collect())
    }

    /// Takes a mail for one attempt: until the lease ends, nobody else does. False when somebody else was faster.
    pub(crate) async fn take(&self, due: &mut Due, lease_ms: i64) -> Result<bool> {
        let record = json!({
            "attempts": due.attempts + 1,
            "next_attempt_at": moment(self.host.now_ms().saturating_add(lease_ms)),
        });
        match self.update(&due.id, record, Some(due.version.clone())).await {
            Ok(()) => {
                due.attempts += 1;
                Ok(true)
            }
            Err(MailError::Plugin(error)) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// It was sent.
    pub(crate) async fn sent(&self, id: &str, keep_body: bool) -> Result<()> {
        let record = json!({
            "state": State::Sent.name(), "sent_at": moment(self.host.now_ms()), "next_attempt_at": null, "last_error": null,
        });
        self.update(id, ended(record, keep_body), None).await
    }

    /// It is given up.
    pub(crate) async fn failed(&self, id: &str, reason: &str, keep_body: bool) -> Result<()> {
        let record = json!({ "state": State::Failed.name(), "next_attempt_at": null, "last_error": reason });
        self.update(id, ended(record, keep_body), None).await
    }

    /// It is tried again later.
    pub(crate) async fn later(&self, id: &str, reason: &str, delay_ms: i64) -> Result<()> {
        let next = moment(self.host.now_ms().saturating_add(delay_ms));
        self.update(id, json!({ "next_attempt_at": next, "last_error": reason }), None)
            .await
    }

    async fn update(&self, id: &str, record: Value, expected_version: Option<String>) -> Result<()> {
        let request = UpdateRequest {
            object: OBJECT.to_owned(),
            id: id.to_owned(),
            record: fields(record),
            expected_version,
        };
        self.data
            .update(&Context::background().as_system(), &json_of(&request)?)
            .await?;
        Ok(())
    }
}

fn ended(mut record: Value, keep_body: bool) -> Value {
    if !keep_body {
        record["body_text"] = Value::Null;
        record["body_html"] = Value::Null;
    }
    record
}

fn read(record: &Value) -> Due {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let optional = |key: &str| record[key].as_str().map(str::to_owned);
    let recipients = record["recipients"].as_array().map(Vec::as_slice).unwrap_or_default();
    Due {
        id: text("id"),
        version: text("updated_at"),
        attempts: record["attempts"]
            .as_u64()
            .and_then(|attempts| u32::try_from(attempts).ok())
            .unwrap_or_default(),
        message: MailMessage {
            to: recipients.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            subject: text("subject"),
            text: text("body_text"),
            html: optional("body_html"),
            reply_to: optional("reply_to"),
            category: text("category"),
        },
    }
}
