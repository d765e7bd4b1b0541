//! Permission sets and who holds them, edited at runtime. What is written is a record of `sys_permission_set`, so hooks check it,
//! keep versions and tell of it; the record takes the place of the set of that name in an app until it is deleted.

use objectos_plugin_api::{Error, HttpResponse, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, ok, policies};
use crate::evaluate::Record;
use crate::load::text;
use crate::model::{ADMINISTRATOR, Set};

const SETS: &str = "sys_permission_set";
const ASSIGNMENTS: &str = "sys_permission_assignment";

fn no_set(name: &str) -> Error {
    Error::not_found(format!("there is no permission set `{name}`"))
}

fn summary(set: &Set) -> Value {
    json!({
        "name": set.name,
        "label": set.label,
        "isProfile": set.profile,
        "objects": set.objects.keys().collect::<Vec<_>>(),
        "systemPermissions": set.system.keys().collect::<Vec<_>>(),
        "source": set.source.to_json(),
    })
}

/// `{sets: […]}`.
pub(super) async fn list(call: Call) -> Result<HttpResponse> {
    call.manager().await?;
    let loaded = call.state.loaded(&call.context).await?;
    let mut sets: Vec<Value> = loaded.model.sets.values().map(summary).collect();
    sets.push(json!({
        "name": ADMINISTRATOR,
        "label": "Administrator",
        "isProfile": true,
        "objects": ["*"],
        "systemPermissions": super::check::SYSTEM_PERMISSIONS,
        "source": { "kind": "built_in" },
    }));
    ok(&json!({ "sets": sets }))
}

/// One set in the protocol's form, with its source.
pub(super) async fn get(call: Call) -> Result<HttpResponse> {
    call.manager().await?;
    let name = call.request.parameter("name");
    let loaded = call.state.loaded(&call.context).await?;
    let set = loaded.model.sets.get(name).ok_or_else(|| no_set(name))?;
    let objects: serde_json::Map<String, Value> = set
        .objects
        .iter()
        .map(|(object, grant)| {
            let said = json!({
                "allowCreate": grant.create,
                "allowRead": grant.read,
                "allowEdit": grant.edit,
                "allowDelete": grant.delete,
                "allowTransfer": grant.transfer,
                "allowRestore": grant.restore,
                "allowPurge": grant.purge,
                "viewAllRecords": grant.view_all,
                "modifyAllRecords": grant.modify_all,
            });
            (object.clone(), said)
        })
        .collect();
    let mut fields: Vec<_> = set.fields.iter().collect();
    fields.sort_by_key(|(path, _)| (*path).clone());
    let fields: serde_json::Map<String, Value> = fields
        .into_iter()
        .map(|((object, field), grant)| {
            let said = json!({ "readable": grant.readable, "editable": grant.editable });
            (format!("{object}.{field}"), said)
        })
        .collect();
    let policies: Vec<Value> = set
        .policies
        .iter()
        .map(|policy| {
            json!({
                "name": policy.name,
                "object": policy.object,
                "operation": policy.governs.name(),
                "using": policy.using.as_ref().map(|condition| condition.text()),
                "check": policy.check.as_ref().map(|condition| condition.text()),
                "roles": policy.roles,
                "priority": policy.priority,
            })
        })
        .collect();
    let mut answer = summary(set);
    answer["objects"] = Value::Object(objects);
    answer["fields"] = Value::Object(fields);
    answer["rowLevelSecurity"] = Value::Array(policies);
    answer["contextVariables"] = Value::Object(set.variables.clone());
    ok(&answer)
}

async fn stored(call: &Call, name: &str) -> Result<Option<Record>> {
    let query = json!({ "where": { "name": name }, "limit": 1 });
    let found = call.state.loader.store.some(&call.context, SETS, query).await?;
    Ok(found.into_iter().next())
}

async fn write(call: &Call, name: &str, definition: Value) -> Result<HttpResponse> {
    if name == ADMINISTRATOR {
        return Err(Error::invalid(
            "the set `administrator` is built in and cannot be edited",
        ));
    }
    let known = stored(call, name).await?;
    // One that was withdrawn stays so: to edit what it says is not to give it back.
    let active = known
        .as_ref()
        .is_none_or(|record| record.get("active") != Some(&Value::Bool(false)));
    let record = json!({
        "name": name,
        "label": definition.get("label"),
        "definition": definition,
        "active": active,
    });
    let store = &call.state.loader.store;
    let (status, id) = match known.and_then(|record| text(&record, "id")) {
        Some(id) => {
            store.update(&call.context, SETS, &id, record).await?;
            (200, id)
        }
        None => (201, store.create(&call.context, SETS, record).await?),
    };
    HttpResponse::json(status, &json!({ "id": id, "name": name }))
}

/// Writes a set in the protocol's form.
pub(super) async fn put(call: Call) -> Result<HttpResponse> {
    call.manager().await?;
    let name = call.request.parameter("name").to_owned();
    let mut definition = call.body()?;
    let Value::Object(map) = &mut definition else {
        return Err(Error::invalid("the body is a permission set: a map with `objects`"));
    };
    map.insert("name".to_owned(), json!(name));
    // An answer of `get` may be put back as it is.
    map.remove("source");
    write(&call, &name, definition).await
}

/// Deletes the record; what an app says under the name counts again.
pub(super) async fn delete(call: Call) -> Result<HttpResponse> {
    call.manager().await?;
    let name = call.request.parameter("name");
    let record = stored(&call, name).await?.ok_or_else(|| no_set(name))?;
    let id = text(&record, "id").unwrap_or_default();
    call.state.loader.store.delete(&call.context, SETS, &id).await?;
    ok(&json!({ "success": true, "name": name }))
}

/// What the set said before.
pub(super) async fn versions(call: Call) -> Result<HttpResponse> {
    call.manager().await?;
    policies::listed(&call, SETS, call.request.parameter("name")).await
}

/// Writes what a version said as the newest one: all of the record, whether it was active among it. Of those that kept no record
/// only what the set said comes back.
pub(super) async fn restore(call: Call) -> Result<HttpResponse> {
    call.manager().await?;
    let name = call.request.parameter("name").to_owned();
    let version = policies::asked_for(&call, SETS, &name).await?;
    let record = version.get("record").filter(|record| record.is_object());
    if let Some(record) = record.filter(|_| name != ADMINISTRATOR) {
        return policies::put_back(&call, SETS, &name, record.clone()).await;
    }
    let definition = version.get("definition").filter(|definition| definition.is_object());
    let definition = definition.cloned().ok_or_else(|| no_set(&name))?;
    write(&call, &name, definition).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewAssignment {
    permission_set: String,
    #[serde(default = "user")]
    assignee_type: String,
    assignee: String,
    organization: Option<String>,
    expires_at: Option<String>,
    reason: Option<String>,
}

fn user() -> String {
    "user".to_owned()
}

/// Gives a set to somebody: `{permissionSet, assigneeType = user, assignee, organization?, expiresAt?, reason?}`.
pub(super) async fn assign(call: Call) -> Result<HttpResponse> {
    let manager = call.manager().await?;
    let new: NewAssignment = call.request.json()?;
    let loaded = call.state.loaded(&call.context).await?;
    if new.permission_set == ADMINISTRATOR && manager.administrator.is_none() {
        return Err(Error::new(
            objectos_plugin_api::ErrorKind::Denied,
            "only an administrator makes administrators",
        ));
    }
    if new.permission_set != ADMINISTRATOR && !loaded.model.sets.contains_key(&new.permission_set) {
        return Err(no_set(&new.permission_set));
    }
    let record = json!({
        "permission_set": new.permission_set,
        "assignee_type": new.assignee_type,
        "assignee": new.assignee,
        "organization": new.organization,
        "expires_at": new.expires_at,
        "reason": new.reason,
    });
    let id = call
        .state
        .loader
        .store
        .create(&call.context, ASSIGNMENTS, record)
        .await?;
    HttpResponse::json(201, &json!({ "id": id }))
}

/// Takes it back.
pub(super) async fn unassign(call: Call) -> Result<HttpResponse> {
    call.manager().await?;
    let id = call.request.parameter("id");
    call.state.loader.store.delete(&call.context, ASSIGNMENTS, id).await?;
    ok(&json!({ "success": true, "id": id }))
}
