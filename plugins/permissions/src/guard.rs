//! Watches the records that access is made of: refuses what cannot be read and what is beyond somebody's reach, lets the version
//! grow before a change is acknowledged, keeps what policies said before, and tells what was done to whom (`authz.*`).
//!
//! Called by the hooks of the data engine. Before-hooks may refuse, and what they keep and tell is stored in the transaction of
//! the change; after-hooks run once the change is stored and before its answer is given.

use objectos_plugin_api::contracts::data::{EventBeside, RecordBeside};
use objectos_plugin_api::contracts::events::{ChangedElsewhere, Origin, SecurityEvent};
use objectos_plugin_api::contracts::hooks::RecordHook;
use objectos_plugin_api::{Context, Error, HookAnswer, HookCall, Result};
use serde_json::{Value, json};

use crate::evaluate::Record;
use crate::load::{POLICY_OBJECTS, check_record, definition, text};
use crate::problem::{self, Problem};
use crate::reach;
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
/// Objects of which changes are told.
pub const TOLD_OBJECTS: [&str; 5] = [
    "sys_permission_assignment",
    "sys_user_role",
    "sys_user_territory",
    "sys_record_share",
    "sys_group_member",
];
/// What policies said.
const VERSIONS: &str = "sys_policy_version";
/// Id of this plugin.
const ID: &str = "objectos.permissions";
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

/// Before a record of [`POLICY_OBJECTS`], [`TOLD_OBJECTS`] or [`reach::PLACES`] is stored: one that cannot be read is refused, and so
/// is whoever does not reach so far. What it says, and that it was changed, is kept and told with the change.
///
/// # Errors
/// `Vetoed` with everything that is wrong; `Denied`, as [`reach::check`].
pub async fn before(state: &State, context: &Context, call: &HookCall, change: Change) -> Result<HookAnswer> {
    let mut hook: RecordHook = call.json()?;
    let record = whole(&hook);
    let deleted = change == Change::Deleted;
    reach::check(state, context, &hook, (!deleted).then_some(&record)).await?;
    let policy = POLICY_OBJECTS.iter().any(|(object, _)| *object == hook.object);
    if policy && !deleted {
        check_readable(state, context, &hook, &record).await?;
    }
    if policy {
        let version = next_version(state, context, &hook, &record, change).await?;
        hook.records.push(version);
    }
    let Some((name, description)) = told(&hook.object, &record, change) else {
        return Ok(HookAnswer::Unchanged);
    };
    hook.events.push(event(context, name, &hook, &record, description)?);
    HookAnswer::changed(&hook)
}

async fn check_readable(state: &State, context: &Context, hook: &RecordHook, record: &Record) -> Result<()> {
    let loaded = state.loaded(context).await?;
    let mut problems: Vec<Problem> = Vec::new();
    let said = definition(&hook.object, record);
    check_record(&hook.object, record, &said, &loaded.model.catalogue, &mut problems);
    if problems.is_empty() {
        return Ok(());
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
pub fn after(state: &State, call: &HookCall) -> Result<HookAnswer> {
    grow(state, &call.json()?);
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

/// What the policy says from this change on, to be kept with it. Two writers, here or on two nodes, may compute one number; the
/// data engine asks the second of them again.
async fn next_version(
    state: &State,
    context: &Context,
    hook: &RecordHook,
    record: &Record,
    change: Change,
) -> Result<RecordBeside> {
    let object = hook.object.as_str();
    let policy = text(record, "name")
        .or_else(|| text(record, "object"))
        .unwrap_or_default();
    let query = json!({
        "where": { "object": object, "policy": policy },
        "orderBy": [{ "field": "version", "order": "desc" }],
        "limit": 1,
    });
    let stored = state.loader.store.some(context, VERSIONS, query).await?;
    let same = |record: &&Record| {
        text(record, "object").as_deref() == Some(object) && text(record, "policy").unwrap_or_default() == policy
    };
    // Those of the same transaction, which nobody can read yet.
    let waiting = hook.records.iter().filter(|beside| beside.object == VERSIONS);
    let waiting = waiting.map(|beside| &beside.record).filter(same);
    let numbers = stored.iter().chain(waiting);
    let number = numbers
        .filter_map(|version| version.get("version")?.as_f64())
        .fold(0.0, f64::max);
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
    Ok(RecordBeside {
        object: VERSIONS.to_owned(),
        record: kept.as_object().cloned().unwrap_or_default(),
    })
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

fn event(
    context: &Context,
    name: &str,
    hook: &RecordHook,
    record: &Record,
    description: String,
) -> Result<EventBeside> {
    let target_name = text(record, "name")
        .or_else(|| text(record, "permission_set"))
        .or_else(|| text(record, "role"));
    let event = SecurityEvent {
        // The one who calls a hook is the plugin with the records; what is told is of this one.
        origin: Origin {
            plugin: Some(ID.to_owned()),
            ..Origin::of(context)
        },
        target_type: Some(hook.object.clone()),
        target_id: Some(hook.id.clone()),
        target_name,
        description,
        result: "success".to_owned(),
        ..SecurityEvent::default()
    };
    Ok(EventBeside {
        name: name.to_owned(),
        key: hook.id.clone(),
        payload: serde_json::to_value(&event)?,
    })
}
