//! Watches the records that access is made of: refuses what cannot be read, lets the version grow before a change is
//! acknowledged, keeps what policies said before, and tells what was done to whom (`authz.*`).
//!
//! Called by the hooks of the data engine; before-hooks may refuse, after-hooks run once the change is stored and before its
//! answer is given.

use std::sync::Arc;

use objectos_plugin_api::contracts::events::{ChangedElsewhere, Origin, SecurityEvent};
use objectos_plugin_api::contracts::hooks::RecordHook;
use objectos_plugin_api::{Context, Error, ErrorKind, HookAnswer, HookCall, NewEvent, Result};
use serde_json::{Value, json};

use crate::evaluate::Record;
use crate::load::{POLICY_OBJECTS, check_record, definition, text};
use crate::problem::{self, Problem};
use crate::records::Store;
use crate::state::State;

/// Objects whose changes change the model.
pub const MODEL_OBJECTS: [&str; 7] = [
    "sys_permission_set",
    "sys_role",
    "sys_org_default",
    "sys_sharing_rule",
    "sys_row_policy",
    "sys_territory",
    "sys_group_member",
];
/// Objects whose changes change what is known of people.
pub const FACT_OBJECTS: [&str; 8] = [
    "sys_permission_assignment",
    "sys_user_role",
    "sys_group",
    "sys_user_territory",
    "sys_team",
    "sys_team_member",
    "sys_record_share",
    "sys_user",
];
/// What policies said.
const VERSIONS: &str = "sys_policy_version";
/// How often a number is taken anew when somebody else took it first.
const ATTEMPTS_MAX: usize = 16;
/// Fields that the engine fills for every record; they are not what a policy says.
const STAMPS: [&str; 6] = ["id", "created_at", "updated_at", "created_by", "updated_by", "owner_id"];

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
}

impl Change {
    const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// Before a record of [`POLICY_OBJECTS`] is stored: one that cannot be read is refused.
///
/// # Errors
/// `Vetoed` with everything that is wrong.
pub async fn before(state: &State, call: &HookCall) -> Result<HookAnswer> {
    let hook: RecordHook = call.json()?;
    let record = whole(&hook);
    let loaded = state.loaded().await?;
    let mut problems: Vec<Problem> = Vec::new();
    let said = definition(&hook.object, &record);
    check_record(&hook.object, &record, &said, &loaded.model.catalogue, &mut problems);
    if problems.is_empty() {
        return Ok(HookAnswer::Unchanged);
    }
    for problem in &mut problems {
        // The record has no place yet, and the caller knows which one it is.
        problem.place.clone_from(&hook.object);
    }
    Err(Error::veto(problem::lines(&problems)).with_details(&problems))
}

/// After a record was stored.
///
/// # Errors
/// When the payload is none.
pub async fn after(state: &Arc<State>, context: &Context, call: &HookCall, change: Change) -> Result<HookAnswer> {
    let hook: RecordHook = call.json()?;
    let record = whole(&hook);
    grow(state, &hook);
    if POLICY_OBJECTS.iter().any(|(object, _)| *object == hook.object)
        && let Err(error) = keep_version(&state.loader.store, context, &hook.object, &record, change).await
    {
        tracing::error!(object = hook.object, error = %error, "what a policy said could not be kept");
    }
    if let Some((name, description)) = told(&hook.object, &record, change) {
        tell(state, context, name, &hook, &record, description).await;
    }
    Ok(HookAnswer::Unchanged)
}

/// Shares are looked up by the queries themselves; only one that ends by itself concerns plans, which name the moment they were
/// made.
fn grow(state: &State, hook: &RecordHook) {
    let ends = |record: &Record| record.get("expires_at").is_some_and(|end| !end.is_null());
    match hook.object.as_str() {
        "sys_record_share" if !ends(&hook.record) && !hook.previous.as_ref().is_some_and(ends) => {}
        "sys_record_share" | "sys_user_role" => state.definitions_changed(),
        object if MODEL_OBJECTS.contains(&object) || object == "sys_permission_assignment" => {
            state.definitions_changed();
        }
        _ => state.facts_changed(),
    }
}

/// After another node changed records, or may have. What a record of a share says is not known here, so each counts as one
/// that ends by itself.
pub fn elsewhere(state: &State, changed: &ChangedElsewhere) {
    let concerns_model = |object: &str| {
        MODEL_OBJECTS.contains(&object)
            || ["sys_record_share", "sys_user_role", "sys_permission_assignment"].contains(&object)
    };
    let mut objects = changed.records.iter().map(|record| record.object.as_str());
    if changed.missed || objects.clone().any(concerns_model) {
        state.definitions_changed();
    } else if objects.any(|object| FACT_OBJECTS.contains(&object)) {
        state.facts_changed();
    }
}

/// The record as it is now, or as it was before it was deleted.
fn whole(hook: &RecordHook) -> Record {
    let mut record = hook.previous.clone().unwrap_or_default();
    record.extend(hook.record.clone());
    record.insert("id".to_owned(), json!(hook.id));
    record
}

/// Two writers, here or on two nodes, may compute one number; the second of them takes the next.
async fn keep_version(store: &Store, context: &Context, object: &str, record: &Record, change: Change) -> Result<()> {
    for _ in 1..ATTEMPTS_MAX {
        match keep_next_version(store, context, object, record, change).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            kept => return kept,
        }
    }
    keep_next_version(store, context, object, record, change).await
}

async fn keep_next_version(
    store: &Store,
    context: &Context,
    object: &str,
    record: &Record,
    change: Change,
) -> Result<()> {
    let policy = text(record, "name")
        .or_else(|| text(record, "object"))
        .unwrap_or_default();
    let query = json!({
        "where": { "object": object, "policy": policy },
        "orderBy": [{ "field": "version", "order": "desc" }],
        "limit": 1,
    });
    let last = store.some(context, VERSIONS, query).await?;
    let number = last
        .first()
        .and_then(|last| last.get("version")?.as_f64())
        .unwrap_or_default();
    let mut own = record.clone();
    own.retain(|field, _| !STAMPS.contains(&field.as_str()));
    let kept = json!({
        "object": object,
        "policy": policy,
        "version": number + 1.0,
        "action": change.name(),
        "definition": definition(object, record),
        "record": own,
        "changed_by": match context.user() {
            "" => Value::Null,
            user => json!(user),
        },
    });
    store.create(context, VERSIONS, kept).await.map(drop)
}

/// The event of a change (`system/AuditEventType`) and what it says.
fn told(object: &str, record: &Record, change: Change) -> Option<(&'static str, String)> {
    let said = |field: &str| text(record, field).unwrap_or_default();
    let name = || {
        text(record, "name")
            .or_else(|| text(record, "object"))
            .unwrap_or_default()
    };
    let by_change = |created, updated, deleted| match change {
        Change::Created => created,
        Change::Updated => updated,
        Change::Deleted => deleted,
    };
    let given = |created, deleted| if change == Change::Deleted { deleted } else { created };
    Some(match object {
        "sys_permission_assignment" => (
            given("authz.permission_granted", "authz.permission_revoked"),
            format!(
                "permission set {} of {} {}",
                said("permission_set"),
                said("assignee_type"),
                said("assignee")
            ),
        ),
        "sys_record_share" => (
            given("authz.permission_granted", "authz.permission_revoked"),
            format!(
                "share of {} {} with {}",
                said("object"),
                said("record"),
                said("recipient_type")
            ),
        ),
        "sys_user_role" => (
            given("authz.role_assigned", "authz.role_removed"),
            format!("role {} of user {}", said("role"), said("user")),
        ),
        "sys_role" => (
            by_change("authz.role_created", "authz.role_updated", "authz.role_deleted"),
            format!("role {}", name()),
        ),
        "sys_permission_set" | "sys_org_default" | "sys_sharing_rule" | "sys_row_policy" | "sys_territory" => (
            by_change("authz.policy_created", "authz.policy_updated", "authz.policy_deleted"),
            format!("{object} {}", name()),
        ),
        "sys_group_member" | "sys_user_territory" => (
            given("authz.permission_granted", "authz.permission_revoked"),
            match object {
                "sys_group_member" => format!("{} {} in group {}", said("member_type"), said("member"), said("group")),
                _ => format!("user {} in territory {}", said("user"), said("territory")),
            },
        ),
        _ => return None,
    })
}

async fn tell(state: &State, context: &Context, name: &str, hook: &RecordHook, record: &Record, description: String) {
    let target_name = text(record, "name")
        .or_else(|| text(record, "permission_set"))
        .or_else(|| text(record, "role"));
    let event = SecurityEvent {
        origin: Origin::of(context),
        target_type: Some(hook.object.clone()),
        target_id: Some(hook.id.clone()),
        target_name,
        description,
        result: "success".to_owned(),
        ..SecurityEvent::default()
    };
    let payload = match serde_json::to_vec(&event) {
        Ok(payload) => payload,
        Err(error) => {
            tracing::error!(name, error = %error, "an event cannot be written");
            return;
        }
    };
    let stored = state
        .loader
        .host
        .publish_durable(context, &NewEvent::new(name, &payload).with_key(&hook.id))
        .await;
    if let Err(error) = stored {
        tracing::error!(name, error = %error, "an event about access could not be stored");
    }
}
