//! What was edited at runtime said before, and its way back: permission sets, roles, sharing rules, org-wide defaults, row
//! policies and territories, each named by its object and its name. What comes back is written as any change is, so hooks check
//! it, keep a version and tell of it.

use objectos_plugin_api::{Error, HttpResponse, Result};
use serde_json::{Value, json};

use super::{Call, ok};
use crate::evaluate::Record;
use crate::load::{POLICY_OBJECTS, text};

const VERSIONS: &str = "sys_policy_version";

/// The field by which records of an object are named.
fn key_of(object: &str) -> &'static str {
    if object == "sys_org_default" { "object" } else { "name" }
}

fn object_of(call: &Call) -> Result<&'static str> {
    let name = call.request.parameter("object");
    let known = POLICY_OBJECTS.map(|(object, _)| object);
    known.into_iter().find(|object| *object == name).ok_or_else(|| {
        let known = known.join(", ");
        Error::not_found(format!("`{name}` keeps no versions here; known are {known}"))
    })
}

fn number(version: &Record) -> Option<f64> {
    version.get("version")?.as_f64()
}

/// What was kept of a policy, the newest first.
async fn history(call: &Call, object: &str, name: &str) -> Result<Vec<Record>> {
    let filter = json!({ "object": object, "policy": name });
    let mut versions = call.state.loader.store.all(&call.context, VERSIONS, filter).await?;
    let number = |record: &Record| number(record).unwrap_or_default();
    versions.sort_by(|left, right| number(right).total_cmp(&number(left)));
    Ok(versions)
}

/// `{name, versions: [{version, action, definition, changedBy, changedAt}]}`, the newest first.
pub(super) async fn listed(call: &Call, object: &str, name: &str) -> Result<HttpResponse> {
    let versions: Vec<Value> = history(call, object, name)
        .await?
        .iter()
        .map(|version| {
            json!({
                "version": version.get("version"),
                "action": version.get("action"),
                "definition": version.get("definition"),
                "changedBy": version.get("changed_by"),
                "changedAt": version.get("created_at"),
            })
        })
        .collect();
    ok(&json!({ "name": name, "versions": versions }))
}

/// The version that the path names.
///
/// # Errors
/// `Invalid` for a version that is no number, `NotFound` for one that was not kept.
pub(super) async fn asked_for(call: &Call, object: &str, name: &str) -> Result<Record> {
    let wanted: f64 = call
        .request
        .parameter("version")
        .parse()
        .map_err(|_| Error::invalid("a version is a whole number"))?;
    let versions = history(call, object, name).await?;
    let found = versions.into_iter().find(|version| number(version) == Some(wanted));
    found.ok_or_else(|| Error::not_found(format!("`{name}` has no version {wanted}")))
}

pub(super) async fn versions(call: Call) -> Result<HttpResponse> {
    call.manager().await?;
    let object = object_of(&call)?;
    listed(&call, object, call.request.parameter("name")).await
}

/// Writes what a version said as the newest one.
pub(super) async fn restore(call: Call) -> Result<HttpResponse> {
    call.manager().await?;
    let object = object_of(&call)?;
    let name = call.request.parameter("name").to_owned();
    let version = asked_for(&call, object, &name).await?;
    let record = version.get("record").filter(|record| record.is_object()).cloned();
    let record = record.ok_or_else(|| {
        Error::not_found(format!(
            "of this version of `{name}` no record was kept, only what it said"
        ))
    })?;
    put_back(&call, object, &name, record).await
}

/// Writes a record that was kept in the place of the one of that name, or makes it anew.
pub(super) async fn put_back(call: &Call, object: &str, name: &str, record: Value) -> Result<HttpResponse> {
    let store = &call.state.loader.store;
    let query = json!({ "where": { (key_of(object)): name }, "limit": 1 });
    let known = store.some(&call.context, object, query).await?;
    let (status, id) = match known.first().and_then(|record| text(record, "id")) {
        Some(id) => {
            store.update(&call.context, object, &id, record).await?;
            (200, id)
        }
        None => (201, store.create(&call.context, object, record).await?),
    };
    HttpResponse::json(status, &json!({ "id": id, "name": name }))
}
