//! The versions of an item in the words of the newest client: a list of events, and what two versions have not in common.
//! Called by `write`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Number of the latest version; 0 for none.
pub(super) fn last(history: &Value) -> u64 {
    history["versions"][0]["version"].as_u64().unwrap_or_default()
}

/// `[{seq, op, ref, version, hash, parentHash, actor, ts, source}]`, oldest first, those after `since`, so many at most.
pub(super) fn events(history: &Value, since: Option<u64>, limit: Option<u64>) -> Value {
    let versions = history["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut there = false;
    let mut events = Vec::with_capacity(versions.len());
    for version in versions.iter().rev() {
        let op = match (version["operation"].as_str(), there) {
            (Some("delete"), _) => "delete",
            (Some("rollback"), _) => "revert",
            (_, true) => "update",
            (_, false) => "create",
        };
        there = op != "delete";
        events.push(json!({
            "seq": version["version"],
            "op": op,
            "ref": { "org": "default", "type": history["type"], "name": history["name"] },
            "version": version["version"],
            // Versions are told apart by their numbers.
            "hash": null,
            "parentHash": null,
            "actor": version["changedBy"],
            "ts": version["changedAt"],
            "source": "api",
        }));
    }
    let after = since.unwrap_or_default();
    events.retain(|event| event["seq"].as_u64().is_some_and(|seq| seq > after));
    if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) {
        events.truncate(limit);
    }
    Value::Array(events)
}

/// `[{id, occurredAt, actor, source, operation, outcome, code, …}]`, latest first, so many at most: the versions as deeds.
pub(super) fn audit(history: &Value, limit: Option<u64>) -> Value {
    let versions = history["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let limit = limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX);
    let told = versions.iter().take(limit).map(|version| {
        json!({
            "id": format!("{}/{}/{}", history["type"].as_str().unwrap_or_default(), history["name"].as_str().unwrap_or_default(), version["version"]),
            "occurredAt": version["changedAt"],
            "actor": version["changedBy"].as_str().unwrap_or("system"),
            "source": "api",
            "operation": version["operation"],
            "outcome": "allowed",
            "code": "",
            "lockState": null,
            "lockOverridden": false,
            "requestId": null,
            "note": null,
        })
    });
    told.collect()
}

/// `{added: [{path, value}], removed: [{path, value}], changed: [{path, from, to}]}` by the paths of values.
pub(super) fn difference(from: &Value, to: &Value) -> Value {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    flatten(from, String::new(), &mut before);
    flatten(to, String::new(), &mut after);
    let only = |here: &BTreeMap<String, &Value>, there: &BTreeMap<String, &Value>| -> Vec<Value> {
        let missing = here.iter().filter(|(path, _)| !there.contains_key(*path));
        missing
            .map(|(path, value)| json!({ "path": path, "value": value }))
            .collect()
    };
    let changed: Vec<Value> = before
        .iter()
        .filter_map(|(path, old)| {
            let new = after.get(path).filter(|new| *new != old)?;
            Some(json!({ "path": path, "from": old, "to": new }))
        })
        .collect();
    json!({ "added": only(&after, &before), "removed": only(&before, &after), "changed": changed })
}

/// Every value that holds no others, by its path; lists are compared as a whole.
fn flatten<'a>(value: &'a Value, path: String, out: &mut BTreeMap<String, &'a Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, inner) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                flatten(inner, path, out);
            }
        }
        Value::Null if path.is_empty() => {}
        leaf => drop(out.insert(path, leaf)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_told_from_its_beginning() {
        let version = |number: u64, operation: &str| json!({ "version": number, "operation": operation, "changedBy": "ann", "changedAt": "t" });
        let versions = ["save", "delete", "rollback", "save", "save"];
        let list: Vec<Value> = (1..=5)
            .rev()
            .zip(versions.iter().rev())
            .map(|(number, operation)| version(number, operation))
            .collect();
        let history = json!({ "type": "view", "name": "all", "versions": list });
        let ops = |since, limit| -> Vec<(u64, String)> {
            let events = events(&history, since, limit);
            let of = |event: &Value| (event["seq"].as_u64().unwrap(), event["op"].as_str().unwrap().to_owned());
            events.as_array().unwrap().iter().map(of).collect()
        };
        let told: Vec<String> = ops(None, None).into_iter().map(|(_, op)| op).collect();
        assert_eq!(told, ["create", "delete", "revert", "update", "update"]);
        assert_eq!(ops(Some(3), Some(1)), [(4, "update".to_owned())]);
        assert_eq!(last(&history), 5);
    }

    #[test]
    fn two_versions_differ_by_their_values() {
        let from =
            json!({ "label": "A", "fields": { "x": { "type": "text" }, "y": { "type": "number" } }, "tags": [1] });
        let to = json!({ "label": "B", "fields": { "x": { "type": "text", "required": true } }, "tags": [1, 2] });
        assert_eq!(
            difference(&from, &to),
            json!({
                "added": [{ "path": "fields.x.required", "value": true }],
                "removed": [{ "path": "fields.y.type", "value": "number" }],
                "changed": [
                    { "path": "label", "from": "A", "to": "B" },
                    { "path": "tags", "from": [1], "to": [1, 2] },
                ],
            })
        );
        assert_eq!(
            difference(&Value::Null, &json!({ "a": 1 }))["added"],
            json!([{ "path": "a", "value": 1 }])
        );
    }
}
