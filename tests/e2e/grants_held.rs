//! Grants that a loaded plugin is held to at each use: what it may do with which object, and whether the gateway may steer the
//! kernel. And rules that nobody would hold a plugin to: they end the start.

use objectos_tests::{HostBuilder, plugins};
use serde_json::{Value, json};

#[test]
fn a_plugin_does_with_objects_what_it_was_granted() {
    let asks = |actions: &[&str], objects: &[&str]| {
        json!([{
            "id": "objects", "resource": "data.object", "actions": actions, "scope": "plugin", "required": true,
            "description": "to do its work", "filter": { "resourceIds": objects }
        }])
    };
    let all = "grants: { '*': { allow: ['*'] } }\n";
    let denied = "grants: { '*': { allow: ['*'] }, test.misfit: { deny: ['object:write:account'] } }\n";
    let denied_all = "grants: { '*': { allow: ['*'] }, test.misfit: { deny: ['object:*'] } }\n";
    // What it asks for, what the operator says, and whether it may read accounts and make one.
    let cases = [
        (json!([]), all, (true, true)),
        (json!([]), denied, (true, false)),
        (json!([]), denied_all, (false, false)),
        (asks(&["read", "update"], &["account"]), all, (true, true)),
        (asks(&["read"], &["account"]), all, (true, false)),
        (asks(&["read", "update"], &["contact"]), all, (false, false)),
    ];
    for (permissions, grants, (reads, writes)) in cases {
        let builder = HostBuilder::new().example("crm");
        let library = plugins::install(&builder.plugins(), "misfit", "misfit.so");
        plugins::edit_manifest(&library, |document| {
            document["manifest"]["description"] = json!("");
            document["security"]["permissions"]["permissions"] = permissions.clone();
        });
        let host = builder.config(grants).start();
        let mut client = host.client();
        let mut check = |what: &str, capability: &str, may: bool| {
            let answer = client.get(&format!("/api/v1/misfit/{what}"));
            let told = String::from_utf8_lossy(&answer.body).into_owned();
            let expected = if may { 200 } else { 403 };
            assert_eq!(answer.status, expected, "{permissions} {grants} {what}: {told}");
            let named = told.contains(&format!("plugin test.misfit may not use {capability}:account"));
            assert_eq!(named, !may, "{told}");
        };
        check("reads", "object:read", reads);
        check("reentrant", "object:write", writes);
        // Whoever asks through the gateway is bound by none of it.
        client.get("/api/v1/data/account?top=1").expect(200);
        client
            .send("POST", "/api/v1/data/account", &json!({ "name": "Gateway" }))
            .expect(201);
    }
}

#[test]
fn who_may_not_manage_plugins_changes_nothing_of_the_kernel() {
    let host = HostBuilder::new()
        .plugin("misfit")
        .config("grants: { '*': { allow: ['*'] }, objectos.server: { deny: ['plugin:manage'] } }\n")
        .start();
    let mut client = host.client();
    client.get("/api/v1/plugins").expect(200);
    for (method, path) in [
        ("POST", "/api/v1/plugins/test.misfit/swap"),
        ("POST", "/api/v1/plugins/test.misfit/restart"),
        ("GET", "/api/v1/events/dead-letters"),
        ("POST", "/api/v1/events/dead-letters/x/retry"),
        ("POST", "/api/v1/events/replay"),
        ("GET", "/api/v1/events/state?object=account&record=x"),
    ] {
        let body = match (method, path) {
            ("GET", _) => Value::Null,
            (_, "/api/v1/events/replay") => json!({ "fromTimestamp": "2026-01-01T00:00:00Z" }),
            _ => json!({}),
        };
        let answer = client.send(method, path, &body);
        let told = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 403, "{method} {path}: {told}");
        assert!(told.contains("plugin:manage"), "{method} {path}: {told}");
    }
    assert_eq!(host.plugin("test.misfit")["generation"], Value::from(1));
}

#[test]
fn a_rule_that_nobody_would_hold_a_plugin_to_ends_the_start() {
    for rule in ["config:read", "api", "ui:use:dashboards", "plugin:read"] {
        let config = format!("grants: {{ '*': {{ allow: ['*'] }}, test.misfit: {{ deny: ['{rule}'] }} }}\n");
        let mut host = HostBuilder::new().config(&config).spawn();
        assert_eq!(host.wait(), Some(3), "{rule}: {}", host.log());
        let told = host.log();
        for part in ["grants.test.misfit.deny[0]", rule, "nobody would hold a plugin to"] {
            assert!(told.contains(part), "{rule}: {part:?} is not in: {told}");
        }
    }
}
