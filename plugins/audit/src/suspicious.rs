//! Rules of the kind "so many of these in so much time": looked at after each stored batch, against the stored rows, so that a
//! restart or a second node forgets nothing. What a rule finds becomes the durable event `security.suspicious_activity`, and so
//! a row; it asks for its actions there. Of IPv6 a whole /64 counts as one address, as for accounts and the gate.
//!
//! Here are `alert` (mail and webhooks of `notifications`), `webhook` and `log_critical`. `lock_account`, `block_ip` and
//! `require_mfa` are for whoever keeps accounts and the gate: the event names them in `metadata.actions`; its origin, and
//! `metadata.userId` and `metadata.email` of the account that the latest event is about, say whom they mean. Whoever acted by an
//! API key is in the origin as a `service` with the id of the key's owner.

use objectos_plugin_api::{
    Context, Host, NewEvent,
    contracts::{
        events::{Origin, SecurityEvent},
        http_client::{HttpClientClient, OutgoingRequest},
        mailer::{MailMessage, MailerClient},
    },
    protocol::system::{AuditEventSeverity, SuspiciousActivityAction, SuspiciousActivityRule},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use crate::{
    config::AuditSettings,
    error::{AuditError, Result},
    moment, query,
    row::Row,
    store::Records,
};

/// Column of an address, and of the network that it is counted under.
const ADDRESS: &str = "ip_address";
const NETWORK: &str = "ip_network";

const EVENT: &str = "security.suspicious_activity";
const WEBHOOK_LIMIT_MS: u64 = 10_000;

/// The rules, and what their actions need.
#[derive(Debug)]
pub(crate) struct Alarms {
    host: Host,
    records: Records,
    rules: Vec<SuspiciousActivityRule>,
    http: Option<HttpClientClient>,
    mailer: Option<MailerClient>,
}

impl Alarms {
    /// # Errors
    /// `Configuration` for a rule that names a field rows do not have.
    pub(crate) fn new(host: &Host, records: Records, settings: &AuditSettings) -> Result<Self> {
        let rules: Vec<_> = settings
            .audit
            .suspicious_activity_rules
            .iter()
            .filter(|rule| rule.enabled)
            .cloned()
            .collect();
        for rule in &rules {
            check(rule)?;
        }
        Ok(Self {
            host: host.clone(),
            records,
            rules,
            http: HttpClientClient::open(host).ok(),
            mailer: MailerClient::open(host).ok(),
        })
    }

    /// Looks at rows that were just stored. What fails here is told to the operator; the rows are stored.
    pub(crate) async fn look(&self, rows: &[Row]) {
        for rule in &self.rules {
            // Each group once, with its latest row.
            let mut groups: BTreeMap<Vec<String>, &Row> = BTreeMap::new();
            for row in rows.iter().filter(|row| concerns(rule, row)) {
                groups.insert(group_of(rule, row), row);
            }
            for (group, row) in groups {
                if let Err(error) = self.judge(rule, &group, row).await {
                    tracing::warn!(rule = rule.id, error = %error, "a rule for suspicious activity could not be looked at");
                }
            }
        }
    }

    async fn judge(&self, rule: &SuspiciousActivityRule, group: &[String], row: &Row) -> Result<()> {
        let window_ms = i64::try_from(rule.condition.window_seconds)
            .unwrap_or(i64::MAX / 1_000)
            .saturating_mul(1_000);
        let end_ms = moment::to_ms(&row.timestamp).unwrap_or_else(|| self.host.now_ms());
        let begin = moment::from_ms(end_ms.saturating_sub(window_ms));
        let mut filter = vec![
            json!({ "event_type": { "$in": rule.event_types.iter().map(|kind| kind.as_str()).collect::<Vec<_>>() } }),
            json!({ "timestamp": { "$gt": begin } }),
        ];
        filter.extend(group_filter(rule, row));
        filter.extend(rule_filter(rule)?);
        let count = self.records.count(json!({ "$and": filter })).await?;
        if count < rule.condition.threshold {
            return Ok(());
        }
        let name = group.join(" ");
        // One alarm for a group and a window: the flood that causes it must not become one of alarms.
        let told = json!({ "$and": [
            { "event_type": EVENT }, { "target_type": "rule" }, { "target_id": rule.id },
            { "target_name": shown(rule, &name) }, { "timestamp": { "$gt": begin } },
        ] });
        if self.records.count(told).await? > 0 {
            return Ok(());
        }
        self.raise(rule, group, &name, count, row).await
    }

    async fn raise(
        &self,
        rule: &SuspiciousActivityRule,
        group: &[String],
        name: &str,
        count: u64,
        row: &Row,
    ) -> Result<()> {
        let has = |action| rule.actions.contains(&action);
        let severity = if has(SuspiciousActivityAction::LogCritical) {
            rule.alert_severity.max(AuditEventSeverity::Critical)
        } else {
            rule.alert_severity
        };
        let names = rule.condition.group_by.as_deref().unwrap_or_default();
        let by: Map<String, Value> = names
            .iter()
            .cloned()
            .zip(group.iter().map(|value| json!(value)))
            .collect();
        let account = account_of(row);
        let event = SecurityEvent {
            origin: Origin {
                actor_id: row.actor_id.clone(),
                actor_kind: Some(kind_of(&row.actor_type).to_owned()),
                actor_name: row.actor_name.clone(),
                actor_email: row.actor_email.clone(),
                tenant_id: row.tenant_id.clone(),
                address: row.ip_address.clone(),
                session_id: row.session_id.clone(),
                ..Origin::default()
            },
            target_type: Some("rule".to_owned()),
            target_id: Some(rule.id.clone()),
            target_name: Some(shown(rule, name)),
            description: format!(
                "{}: {count} events in {} seconds",
                rule.name, rule.condition.window_seconds
            ),
            result: "success".to_owned(),
            metadata: json!({
                "rule": rule.id, "severity": severity.as_str(), "count": count, "group": by,
                "actions": rule.actions.iter().map(|action| action.as_str()).collect::<Vec<_>>(), "lastEvent": row.id,
                "userId": account.0, "email": account.1,
            })
            .as_object()
            .cloned()
            .unwrap_or_default(),
            ..SecurityEvent::default()
        };
        if severity >= AuditEventSeverity::Critical {
            tracing::error!(
                rule = rule.id,
                group = name,
                count,
                "suspicious activity: {}",
                event.description
            );
        } else {
            tracing::warn!(
                rule = rule.id,
                group = name,
                count,
                "suspicious activity: {}",
                event.description
            );
        }
        let payload = serde_json::to_vec(&event).map_err(objectos_plugin_api::Error::internal)?;
        self.host
            .publish_durable(&Context::background(), &NewEvent::new(EVENT, &payload))
            .await?;
        if has(SuspiciousActivityAction::Alert) || has(SuspiciousActivityAction::Webhook) {
            self.notify(rule, &event);
        }
        Ok(())
    }

    /// Tells people and programs; the writer does not wait for them.
    fn notify(&self, rule: &SuspiciousActivityRule, event: &SecurityEvent) {
        let Some(notifications) = rule.notifications.clone() else {
            return;
        };
        let alert = rule.actions.contains(&SuspiciousActivityAction::Alert);
        let (mailer, http, event, id) = (self.mailer.clone(), self.http.clone(), event.clone(), rule.id.clone());
        tokio::spawn(async move {
            let context = Context::background();
            if let (true, Some(to), Some(mailer)) = (alert, notifications.email, mailer) {
                let message = MailMessage {
                    to,
                    subject: format!("Suspicious activity: {}", event.target_name.as_deref().unwrap_or(&id)),
                    text: format!("{}\n\n{}", event.description, Value::Object(event.metadata.clone())),
                    category: "suspicious_activity".to_owned(),
                    ..MailMessage::default()
                };
                if let Err(error) = mailer.send(&context, &message).await {
                    tracing::warn!(rule = id, error = %error, "the alarm could not be mailed");
                }
            }
            let text = json!({ "text": format!("Suspicious activity: {}", event.description) });
            let calls = [
                (notifications.slack.filter(|_| alert), text),
                (notifications.webhook, json!(event)),
            ];
            for (url, body) in calls {
                let (Some(url), Some(http)) = (url, &http) else {
                    continue;
                };
                let request = OutgoingRequest {
                    method: "POST".to_owned(),
                    url,
                    headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                    body: body.to_string(),
                    timeout_ms: WEBHOOK_LIMIT_MS,
                    ..OutgoingRequest::default()
                };
                match http.send(&context, &request).await {
                    Ok(answer) if (200..300).contains(&answer.status) => {}
                    Ok(answer) => tracing::warn!(rule = id, status = answer.status, "the alarm's webhook was refused"),
                    Err(error) => tracing::warn!(rule = id, error = %error, "the alarm's webhook could not be called"),
                }
            }
        });
    }
}

/// Only names that rows have.
fn check(rule: &SuspiciousActivityRule) -> Result<()> {
    let named = rule.condition.group_by.iter().flatten();
    for name in named.chain(rule.condition.filters.iter().flat_map(|filters| filters.keys())) {
        if query::column(name).is_none() {
            return Err(AuditError::Configuration(format!(
                "suspiciousActivityRules `{}`: events have no field `{name}`; known are {}",
                rule.id,
                query::column_names()
            )));
        }
    }
    Ok(())
}

fn concerns(rule: &SuspiciousActivityRule, row: &Row) -> bool {
    // An alarm about alarms would never end.
    row.event_type != EVENT && rule.event_types.iter().any(|kind| kind.as_str() == row.event_type)
}

fn columns(rule: &SuspiciousActivityRule) -> impl Iterator<Item = &'static str> {
    rule.condition
        .group_by
        .iter()
        .flatten()
        .filter_map(|name| query::column(name))
}

fn group_of(rule: &SuspiciousActivityRule, row: &Row) -> Vec<String> {
    let record = row.to_record();
    columns(rule)
        .map(|column| {
            counted(&record, column)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

/// What a row counts under in a column.
fn counted<'a>(record: &'a Map<String, Value>, column: &str) -> Option<&'a Value> {
    let network = (column == ADDRESS).then(|| record.get(NETWORK)).flatten();
    network.or_else(|| record.get(column))
}

fn group_filter(rule: &SuspiciousActivityRule, row: &Row) -> Vec<Value> {
    let record = row.to_record();
    columns(rule)
        .map(|column| {
            let value = counted(&record, column).cloned().unwrap_or(Value::Null);
            if column == ADDRESS && !value.is_null() {
                // An address that is counted under itself stands in its own column alone.
                json!({ "$or": [{ ADDRESS: value }, { NETWORK: value }] })
            } else {
                json!({ column: value })
            }
        })
        .collect()
}

fn rule_filter(rule: &SuspiciousActivityRule) -> Result<Vec<Value>> {
    let Some(filters) = &rule.condition.filters else {
        return Ok(Vec::new());
    };
    let filters = serde_json::to_value(filters).map_err(objectos_plugin_api::Error::internal)?;
    Ok(filters
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| query::column(name).map(|column| json!({ column: value })))
        .collect())
}

/// The kind of principal behind an actor: an API key acts as a service, for the user who owns it.
fn kind_of(actor_type: &str) -> &'static str {
    match actor_type {
        "user" => "user",
        "api_client" => "service",
        _ => "system",
    }
}

/// Id and e-mail address of the account that an event is about, as far as it says: whoever acted, by a session or by a key, else
/// whom it was done to, else the address that somebody tried to sign in with.
fn account_of(row: &Row) -> (Option<&str>, Option<&str>) {
    if row.actor_type == "api_client" && row.actor_id.is_some() {
        return (row.actor_id.as_deref(), row.actor_email.as_deref());
    }
    if let Some(email) = row.actor_email.as_deref() {
        return (row.actor_id.as_deref(), Some(email));
    }
    if row.target_type.as_deref() == Some("user") {
        return (row.target_id.as_deref(), row.target_name.as_deref());
    }
    let tried = row.metadata.as_ref().and_then(|metadata| metadata.get("email"));
    (None, tried.and_then(Value::as_str))
}

fn shown(rule: &SuspiciousActivityRule, group: &str) -> String {
    if group.is_empty() {
        rule.name.clone()
    } else {
        format!("{} ({group})", rule.name)
    }
}
