use std::path::Path;

use indexmap::IndexMap;
use objectos_protocol::kernel::RuntimeMode;
use objectos_protocol::kernel::plugin_document::PluginDocument;
use serde_json::{Value, json};

use super::scope::ScopeKind;
use super::*;
use crate::package::RefusalReason;

/// A plugin that declares a little of everything and asks for `permissions`.
fn document(permissions: &Value) -> PluginDocument {
    let text = json!({
        "manifest": {"id": "com.example.notes", "version": "1.0.0", "type": "plugin", "name": "Notes"},
        "security": {
            "pluginId": "com.example.notes", "trustLevel": "untrusted", "sandbox": {},
            "permissions": {"permissions": permissions, "defaultGrant": "deny"}
        },
        "objectos": {
            "api": "^1",
            "services": {
                "provides": [{"name": "notes", "version": "1.0.0"}],
                "uses": [{"name": "data", "range": "^1"}, {"name": "mail", "range": "^1", "optional": true}]
            },
            "hooks": {"handles": ["data.before_insert"], "runs": ["notes.before_send"]},
            "events": {"handles": ["data.record.*"], "publishes": ["notes.*"]}
        }
    });
    PluginDocument::parse(text.to_string().as_bytes()).unwrap()
}

fn permission(resource: &str, actions: &[&str], ids: &[&str], required: bool) -> Value {
    json!({
        "id": "asked", "resource": resource, "actions": actions, "scope": "plugin", "description": "to do its work",
        "required": required, "filter": {"resourceIds": ids}
    })
}

/// Each under an id of its own.
fn numbered(mut permissions: Value) -> Value {
    for (number, permission) in permissions.as_array_mut().into_iter().flatten().enumerate() {
        permission["id"] = json!(format!("asked{number}"));
    }
    permissions
}

fn config(allow: &[&str], deny: &[&str]) -> GrantsConfig {
    let owned = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
    IndexMap::from([(
        "com.example.notes".to_owned(),
        GrantRules {
            allow: owned(allow),
            deny: owned(deny),
        },
    )])
}

fn grant(permissions: &Value, allow: &[&str], deny: &[&str]) -> Result<GrantSet, RefusalReason> {
    let policy = GrantPolicy::new(
        Some(&config(allow, deny)),
        RuntimeMode::Production,
        Path::new("/srv/app"),
    )
    .unwrap();
    policy.grant(&document(permissions))
}

#[test]
fn scopes_cover() {
    #[track_caller]
    fn check(kind: ScopeKind, scope: &str, covered: &[&str], uncovered: &[&str]) {
        for subject in covered {
            assert!(kind.covers(scope, subject), "{scope} covers {subject}");
        }
        for subject in uncovered {
            assert!(!kind.covers(scope, subject), "{scope} does not cover {subject}");
        }
    }
    check(ScopeKind::Name, "*", &["a", "a.b", "*", "a.*"], &[]);
    check(
        ScopeKind::Name,
        "data.*",
        &["data.record", "data.record.created", "data.record.*", "data.*"],
        &["data", "data.", "database", "*"],
    );
    check(ScopeKind::Name, "data", &["data"], &["data.record", "dat", "*"]);
    check(ScopeKind::Name, "SMTP_*", &["SMTP_HOST"], &["SMTP", "HOME"]);

    check(
        ScopeKind::Host,
        "api.example.com",
        &["api.example.com:443", "API.example.com", "api.example.com"],
        &["example.com:443", "evil-api.example.com", "*"],
    );
    check(
        ScopeKind::Host,
        "api.example.com:443",
        &["api.example.com:443"],
        &["api.example.com:80", "api.example.com"],
    );
    check(
        ScopeKind::Host,
        "*.example.com",
        &["a.example.com:1", "a.b.example.com:1"],
        &[
            "example.com:1",
            ".example.com:1",
            "badexample.com:1",
            "example.com.evil.org:1",
        ],
    );
    check(
        ScopeKind::Host,
        "127.0.0.1:*",
        &["127.0.0.1:3000"],
        &["0.0.0.0:3000", "127.0.0.2:3000"],
    );
    check(
        ScopeKind::Host,
        "[::1]:3000",
        &["[::1]:3000", "[0:0::1]:3000"],
        &["[::1]:3001", "[::2]:3000", "127.0.0.1:3000"],
    );
    check(
        ScopeKind::Host,
        "loopback",
        &["127.9.9.9:1", "[::1]:2", "localhost:3"],
        &["10.0.0.1:1", "localhost.evil.org:1"],
    );
    check(
        ScopeKind::Host,
        "*:8080",
        &["0.0.0.0:8080", "[::]:8080"],
        &["0.0.0.0:80"],
    );

    check(
        ScopeKind::Path,
        "/srv/data",
        &["/srv/data", "/srv/data/a/b"],
        &["/srv/database", "/srv", "/srv/data/../etc", "/"],
    );
    check(ScopeKind::Path, "/", &["/etc", "/"], &["/a/../b"]);
    check(ScopeKind::Path, "*", &["/etc"], &["/a/../b"]);
}

#[test]
fn rules_are_read_with_a_hint_when_wrong() {
    #[track_caller]
    fn check(text: &str, expected: Result<(), (&str, &str)>) {
        let found = Rule::parse(text).map(|_| ());
        assert_eq!(
            found,
            expected.map_err(|(message, remedy)| (message.to_owned(), remedy.to_owned())),
            "{text}"
        );
    }
    for text in [
        "*",
        "system",
        "system:act",
        "network:connect:*.example.com:443",
        "network:listen",
        "file:*:/srv",
        "service:use:data",
        "env:read:SMTP_*",
    ] {
        check(text, Ok(()));
    }
    check(
        "network:conect:a",
        Err((
            "`network:conect:a` is not a grant rule",
            "did you mean `network:connect`?",
        )),
    );
    check(
        "network",
        Err((
            "`network` is not a grant rule",
            "use one of network:connect, network:listen",
        )),
    );
    check(
        "network:connect:",
        Err((
            "`network:connect:` ends before its scope",
            "write `network:connect` for all, or `network:connect:<subject>` for one",
        )),
    );
    assert!(Rule::parse("tomato").is_err_and(|(_, remedy)| remedy.starts_with("use one of service:use, ")));
}

#[test]
fn a_configuration_names_every_bad_entry() {
    let written = IndexMap::from([
        ("Notes".to_owned(), GrantRules::default()),
        (
            "*".to_owned(),
            GrantRules {
                allow: vec!["system".to_owned()],
                deny: vec!["sistem".to_owned()],
            },
        ),
    ]);
    let problems = GrantPolicy::new(Some(&written), RuntimeMode::Production, Path::new("/")).unwrap_err();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems[0],
        "grants.Notes: `Notes` is not a plugin id; write it as in `com.example.audit`, or `*` for all"
    );
    assert!(
        problems[1].starts_with("grants.*.deny[0]: `sistem` is not a grant rule"),
        "{}",
        problems[1]
    );
    assert_eq!(problems.len(), 2);
}

#[test]
fn what_is_declared_is_granted_unless_denied() {
    let set = grant(
        &json!([]),
        &[],
        &["event:publish:notes.secret", "hook:handle", "service:use:mail"],
    )
    .unwrap();
    assert!(set.may_use_service("data") && set.may_provide_service("notes"));
    assert!(!set.may_use_service("mail"), "an optional service may be denied");
    assert!(!set.may_use_service("jobs"), "not declared");
    assert!(set.may_run_hook("notes.before_send") && !set.may_run_hook("data.before_insert"));
    assert!(!set.may_handle_hook("data.before_insert"), "denied");
    assert!(
        set.may_publish("notes.sent") && !set.may_publish("notes.secret") && !set.may_publish("data.record.created")
    );
    assert!(set.may_handle_event("data.record.created") && set.may_handle_event("data.record.*"));
    assert!(!set.may_handle_event("auth.login") && !set.may_handle_event("*"));
    assert!(!set.is_system() && !set.may_spawn_any() && !set.may_handle_signals());
    let withheld: Vec<&str> = set.withheld().iter().map(|withheld| withheld.rule.as_str()).collect();
    assert_eq!(withheld, ["service:use:mail", "hook:handle:data.before_insert"]);

    let refused = grant(&json!([]), &[], &["service:use:data"]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "needs what the operator does not grant: `service:use:data`, denied by `service:use:data`"
    );
    assert_eq!(
        refused.remedy(),
        "remove \"service:use:data\" from `deny` in `grants` of objectos.yml, or do without the plugin"
    );
}

#[test]
fn a_required_permission_needs_a_rule() {
    let hosts = |required| {
        json!([permission(
            "network.http",
            &["read"],
            &["api.example.com", "b.example.com"],
            required
        )])
    };
    let refused = grant(&hosts(true), &["network:connect:api.example.com"], &[]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "needs what the operator does not grant: `network:connect:b.example.com` (to do its work)"
    );
    assert_eq!(
        refused.remedy(),
        "add to objectos.yml: grants: { \"com.example.notes\": { allow: [\"network:connect:b.example.com\"] } }"
    );

    let set = grant(&hosts(false), &["network:connect:api.example.com"], &[]).unwrap();
    assert!(set.may_connect("api.example.com", 443) && !set.may_connect("b.example.com", 443));
    assert_eq!(set.withheld()[0].rule, "network:connect:b.example.com");

    let set = grant(
        &hosts(true),
        &["network:connect:*.example.com"],
        &["network:connect:b.example.com:80"],
    )
    .unwrap();
    assert!(
        set.may_connect("b.example.com", 443) && !set.may_connect("b.example.com", 80),
        "deny beats allow"
    );
    assert!(
        !set.may_connect("c.example.com", 443),
        "a rule gives no more than was asked for"
    );
}

#[test]
fn rules_that_no_loaded_plugin_is_held_to_are_known() {
    let allow = ["network:connect:a.example.com", "network:listen", "file:*", "*"];
    let deny = ["object:write:account", "database", "network:*"];
    let policy = GrantPolicy::new(Some(&config(&allow, &deny)), RuntimeMode::Production, Path::new("/srv")).unwrap();
    let unheld = policy.unheld();
    assert_eq!(
        unheld,
        [
            "grants.com.example.notes.allow[2] `file:*`",
            "grants.com.example.notes.deny[1] `database`",
        ]
    );
}

#[test]
fn rules_that_nobody_would_hold_a_plugin_to_are_refused() {
    let check = |rule: &str, refused: bool| {
        for (allow, deny) in [(vec![rule], vec![]), (vec![], vec![rule])] {
            let config = config(&allow, &deny);
            let read = GrantPolicy::new(Some(&config), RuntimeMode::Production, Path::new("/srv"));
            let told = read.err().map(|problems| problems[0].to_string()).unwrap_or_default();
            assert_eq!(
                told.contains("nobody would hold a plugin to"),
                refused,
                "{rule}: {told}"
            );
        }
    };
    for rule in [
        "config:read",
        "config:*:smtp",
        "config:write",
        "plugin:read",
        "api",
        "api:use",
        "ui",
        "ui:use:x",
    ] {
        check(rule, true);
    }
    for rule in [
        "*",
        "plugin:*",
        "plugin:manage",
        "object:write:account",
        "file:read:/srv",
        "database",
        "principal",
    ] {
        check(rule, false);
    }
    // Who asks for what is nothing gets nothing and is loaded.
    let idle = numbered(json!([
        permission("ui.view", &["read"], &[], true),
        permission("system.config", &["update"], &[], true)
    ]));
    let set = grant(&idle, &[], &[]).unwrap();
    assert!(set.withheld().is_empty() && set.granted().iter().all(|grant| grant.permission.is_none()));
}

#[test]
fn who_may_say_who_asks_and_manage_plugins_was_granted_it() {
    let asks = numbered(json!([
        permission("system.api", &["manage"], &[], false),
        permission("system.plugin", &["manage"], &[], false),
    ]));
    let set = grant(&asks, &["principal:set", "plugin:manage:com.example.*"], &[]).unwrap();
    assert!(set.may_set_principal());
    assert!(set.may_manage_plugin("com.example.notes"));
    assert!(
        !set.may_manage_plugin("org.example.x") && !set.may_manage_plugin("*"),
        "no more than the rule says"
    );
    assert!(!set.is_system());
    let set = grant(&asks, &["*"], &["principal"]).unwrap();
    assert!(!set.may_set_principal() && set.may_manage_plugin("*"));
    let none = grant(&json!([]), &["*"], &[]).unwrap();
    assert!(
        !none.may_set_principal() && !none.may_manage_plugin("*"),
        "none of it is implied"
    );
}

#[test]
fn what_a_plugin_may_do_with_objects_is_told_where_it_is_limited() {
    let told = |permissions: &Value, allow: &[&str], deny: &[&str]| {
        let set = grant(permissions, allow, deny).unwrap();
        let found = object_grants("com.example.notes", &set);
        found.map(|grants| serde_json::to_value(grants).unwrap())
    };
    assert_eq!(told(&json!([]), &["*"], &["network:*"]), None);
    assert_eq!(
        told(&json!([]), &[], &["object:write:account"]),
        Some(json!({
            "plugin": "com.example.notes", "limited": false, "granted": [],
            "denied": [{ "action": "write", "scope": "account" }]
        }))
    );
    let asks = json!([permission("data.object", &["read", "update"], &["note", "lead"], false)]);
    assert_eq!(
        told(&asks, &["object:*:note", "object:read:lead"], &["object:*:secret"]),
        Some(json!({
            "plugin": "com.example.notes", "limited": true,
            "granted": [
                { "action": "read", "scope": "note" }, { "action": "read", "scope": "lead" },
                { "action": "write", "scope": "note" }
            ],
            "denied": [
                { "action": "read", "scope": "secret" }, { "action": "write", "scope": "secret" },
                { "action": "manage", "scope": "secret" }
            ]
        }))
    );
}

#[test]
fn an_answer_names_the_reason_and_the_line_to_write() {
    let hosts = json!([permission("network.http", &["execute"], &["*.example.com"], false)]);
    let set = grant(
        &hosts,
        &["network:connect:a.example.com:443", "network:connect:b.example.com"],
        &["network:connect:b.example.com:80", "network:connect:loopback"],
    )
    .unwrap();
    let check = |subject: &str, expected: (&str, &str)| {
        let answer = set.answer("com.example.notes", Capability::NetworkConnect, subject);
        assert_eq!((answer.reason.as_str(), answer.remedy.as_str()), expected, "{subject}");
        assert_eq!(answer.granted, expected.0.is_empty(), "{subject}");
        assert_eq!(answer.denied_by.is_some(), expected.0.contains("denies"), "{subject}");
    };
    check("a.example.com:443", ("", ""));
    check("b.example.com:443", ("", ""));
    check(
        "b.example.com:80",
        (
            "the operator denies it by `network:connect:b.example.com:80`",
            "remove \"network:connect:b.example.com:80\" from `deny` in `grants` of objectos.yml",
        ),
    );
    check(
        "127.0.0.1:80",
        (
            "the operator denies it by `network:connect:loopback`",
            "remove \"network:connect:loopback\" from `deny` in `grants` of objectos.yml",
        ),
    );
    check(
        "c.example.com:443",
        (
            "the operator does not grant it",
            "add to objectos.yml: grants: { \"com.example.notes\": { allow: [\"network:connect:c.example.com:443\"] } }",
        ),
    );
    check(
        "example.org:443",
        (
            "its plugin.json does not ask for it",
            "let its plugin.json ask for it in security.permissions and, where objectos.yml has `grants`, add \
             \"network:connect:example.org:443\" to what they allow \"com.example.notes\"",
        ),
    );
}

#[test]
fn who_asks_for_anything_may_be_given_some() {
    let any = json!([permission("network.http", &["execute"], &[], true)]);
    let set = grant(
        &any,
        &["network:connect:a.example.com:443", "network:connect:10.0.0.0"],
        &[],
    )
    .unwrap();
    assert!(set.may_connect("a.example.com", 443) && set.may_connect("10.0.0.0", 1));
    assert!(!set.may_connect("a.example.com", 80) && !set.may_connect("b.example.com", 443));
    assert!(grant(&any, &["network:listen"], &[]).is_err());

    let paths = json!([permission(
        "storage.file",
        &["manage"],
        &["uploads", "/var/log/notes"],
        true
    )]);
    let set = grant(
        &paths,
        &["file:*:uploads/public", "file:read:/var/log", "file:write:/var/log"],
        &[],
    )
    .unwrap();
    let may = |path: &str| (set.may_read_path(Path::new(path)), set.may_write_path(Path::new(path)));
    assert_eq!(may("/srv/app/uploads/public/a"), (true, true));
    assert_eq!(may("/srv/app/uploads/private"), (false, false));
    assert_eq!(may("/var/log/notes/today"), (true, true));
    assert_eq!(may("/var/log/other"), (false, false));
    assert_eq!(may("uploads/public/a"), (false, false), "relative paths are not asked");
    assert_eq!(may("/srv/app/uploads/public/../private"), (false, false));
}

#[test]
fn permissions_have_a_meaning_here() {
    #[track_caller]
    fn check(resource: &str, actions: &[&str], ids: &[&str], expected: &[&str]) {
        let document = document(&json!([permission(resource, actions, ids, true)]));
        let asks = asked_by(&document);
        let found: Vec<String> = asks.iter().filter(|ask| !ask.implied).map(Ask::rule).collect();
        assert_eq!(found, expected, "{resource} {actions:?}");
    }
    check(
        "data.object",
        &["read", "export"],
        &["account"],
        &["object:read:account"],
    );
    check(
        "data.record",
        &["create", "update", "manage"],
        &[],
        &["object:write", "object:manage"],
    );
    check("system.service", &["execute"], &["jobs"], &["service:use:jobs"]);
    check("system.api", &["admin"], &["ignored"], &["system"]);
    check("system.api", &["read"], &[], &["api:use"]);
    check("system.api", &["manage"], &["ignored"], &["principal:set"]);
    check(
        "system.plugin",
        &["manage"],
        &["com.example.x"],
        &["plugin:manage:com.example.x"],
    );
    check(
        "network.http",
        &["manage"],
        &["127.0.0.1:3000"],
        &["network:listen:127.0.0.1:3000"],
    );
    check(
        "process.spawn",
        &["execute", "manage"],
        &["git"],
        &["process:spawn:git", "process:signal:git"],
    );
    check("process.env", &["read"], &["SMTP_HOST"], &["env:read:SMTP_HOST"]);
    check("storage.database", &["admin"], &[], &["database:connect"]);
    check(
        "system.config",
        &["read", "update"],
        &[],
        &["config:read", "config:write"],
    );
    check("ui.view", &["read"], &[], &["ui:use"]);
}

#[test]
fn development_without_a_section_grants_what_is_asked() {
    let asks = json!([permission("system.api", &["admin"], &[], true)]);
    let in_mode = |mode, config: Option<&GrantsConfig>| {
        GrantPolicy::new(config, mode, Path::new("/"))
            .unwrap()
            .grant(&document(&asks))
    };
    let set = in_mode(RuntimeMode::Development, None).unwrap();
    assert!(set.is_system());
    assert_eq!(set.granted()[0].source, GrantSource::DevelopmentDefault);
    assert_eq!(
        serde_json::to_value(&set.granted()[0]).unwrap()["source"],
        "development-default"
    );
    assert!(in_mode(RuntimeMode::Production, None).is_err());
    assert!(
        in_mode(RuntimeMode::Development, Some(&IndexMap::new())).is_err(),
        "an empty section is a section"
    );
    let all = IndexMap::from([(
        "*".to_owned(),
        GrantRules {
            allow: vec!["*".to_owned()],
            deny: Vec::new(),
        },
    )]);
    assert!(in_mode(RuntimeMode::Production, Some(&all)).unwrap().is_system());
}

#[test]
fn addresses_are_checked_as_they_are_bound() {
    let asks = json!([permission("network.http", &["manage"], &[], true)]);
    let set = grant(&asks, &["network:listen:loopback", "network:listen:0.0.0.0:8080"], &[]).unwrap();
    let may = |address: &str| set.may_listen(&address.parse().unwrap());
    assert!(may("127.0.0.1:3000") && may("[::1]:9") && may("0.0.0.0:8080"));
    assert!(!may("0.0.0.0:80") && !may("192.168.0.1:3000"));
    let any = json!([permission("network.http", &["read"], &[], true)]);
    let set = grant(&any, &["network:connect:[::1]:5432"], &[]).unwrap();
    assert!(set.may_connect("::1", 5432) && !set.may_connect("::1", 1));
}
