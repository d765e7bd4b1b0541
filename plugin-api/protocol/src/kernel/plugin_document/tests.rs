use serde_json::{Value, json};

use super::*;

fn sound() -> Value {
    json!({
        "manifest": {
            "id": "com.example.notes", "version": "1.2.3", "type": "plugin", "name": "Notes",
            "dependencies": {"com.example.base": "^1.0"}
        },
        "objectos": {
            "api": "^1.0",
            "services": {
                "provides": [{"name": "notes", "version": "1.0.0"}],
                "uses": [{"name": "data", "range": ">=1 <2"}, {"name": "event-store", "range": "1.x", "optional": true}]
            },
            "hooks": {"handles": ["data.before_insert"], "runs": ["notes.before_publish"]},
            "events": {"handles": ["data.record.*", "kernel:*", "plugin:error"], "publishes": ["notes.*"]},
            "routes": [
                {"method": "GET", "path": "/api/v1/notes/{id}"},
                {"method": "GET", "path": "/files/{*rest}", "access": "public", "summary": "Files"}
            ],
            "objects": ["note"],
            "commands": [{"name": "notes check", "summary": "Checks all notes", "services": ["data"]}],
            "settings": {"type": "object", "properties": {"greeting": {"type": "string"}}}
        }
    })
}

/// Changes one place of a sound document and compares the problems, one line each.
#[track_caller]
fn check(pointer: &str, value: Value, expected: &[&str]) {
    let mut document = sound();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .insert(key.to_owned(), value);
    let found = PluginDocument::parse(document.to_string().as_bytes())
        .err()
        .unwrap_or_default();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{pointer}");
}

#[test]
fn a_sound_document_is_read_with_its_defaults() {
    let mut bytes = sound().to_string().into_bytes();
    bytes.extend_from_slice(b" \n\0\0\0");
    let document = PluginDocument::parse(&bytes).unwrap();
    assert_eq!(document.id(), "com.example.notes");
    assert_eq!(document.version(), semver::Version::new(1, 2, 3));
    assert_eq!(document.security.plugin_id, "com.example.notes");
    assert_eq!(document.security.trust_level, PluginTrustLevel::Untrusted);
    assert_eq!(document.objectos.swap, SwapMode::Parallel);
    assert_eq!(document.objectos.threads, ThreadMode::Own);
    assert_eq!(document.objectos.routes[0].access, RouteAccess::Authenticated);
    assert_eq!(document.objectos.limits, PluginLimits::default());
    assert!(
        document.objectos.services.uses[0]
            .range
            .matches(&semver::Version::new(1, 9, 0))
    );
    assert!(
        !document.objectos.services.uses[0]
            .range
            .matches(&semver::Version::new(2, 0, 0))
    );
    assert_eq!(document.build, None);

    let again = PluginDocument::parse(serde_json::to_string(&document).unwrap().as_bytes()).unwrap();
    // Written out, the default reads as the wish not to be restarted.
    let mut expected = document;
    expected.objectos.health.max_restart_attempts = 0;
    assert_eq!(again, expected);
}

#[test]
fn bytes_that_are_no_document_are_refused() {
    let first = |bytes: &[u8]| PluginDocument::parse(bytes).unwrap_err()[0].to_string();
    assert!(first(b"\0\0").starts_with("the plugin document is empty"));
    assert!(first(b"{\n  \"manifest\": }").starts_with("not valid JSON: expected value at line 2 column 15"));
    assert!(first(b"[]").starts_with("expected an object, found an array"));
    assert!(first(b"\xff").starts_with("not valid JSON"));
}

#[test]
fn structure_is_checked_with_path_and_spelling() {
    check(
        "/objectos/swap",
        json!("paralel"),
        &["objectos.swap: `paralel` is not known; did you mean `parallel`?"],
    );
    check(
        "/objectos/threads",
        json!("share"),
        &["objectos.threads: `share` is not known; did you mean `shared`?"],
    );
    check(
        "/objectos/rotues",
        json!([]),
        &["objectos.rotues: `rotues` is not a known key; did you mean `routes`?"],
    );
    check(
        "/objectos/limits",
        json!({"initMs": 0}),
        &["objectos.limits.initMs: invalid value: integer `0`, expected at least 1"],
    );
    check(
        "/objectos/api",
        json!(1),
        &["objectos.api: expected a string, found `1`"],
    );
    check(
        "/objectos/routes",
        json!([{"path": "/a", "method": "get"}, {"path": "/a"}]),
        &[
            "objectos.routes[0].method: `get` is not known; did you mean `GET`?",
            "objectos.routes[1].method: a required key is missing; add `method`",
        ],
    );
    check(
        "/objectos/api",
        json!("one"),
        &[
            "objectos.api: `one` is not a version range (unexpected character 'o' while parsing major version number); write it as in `^1.2` or `>=1.2, <3`",
        ],
    );
    check(
        "/extra",
        json!(1),
        &["extra: `extra` is not a known key; use one of `manifest`, `capabilities`, `security`, `objectos`, `build`"],
    );
}

#[test]
fn names_and_versions_are_checked() {
    check(
        "/manifest/id",
        json!("Notes"),
        &["manifest.id: `Notes` is not a plugin id; use a reversed domain in lower case, as in `com.example.audit`"],
    );
    check(
        "/manifest/dependencies",
        json!({"com.example.notes": "*", "com.example.a": "^1 || ^2", "com.example.b": "*"}),
        &[
            "manifest.dependencies.com.example.notes: the plugin depends on itself; remove the entry",
            "manifest.dependencies.com.example.a: `^1 || ^2` joins ranges by `||`, which is not supported; give one range, as in `>=1.2, <3`",
        ],
    );
    check(
        "/objectos/services",
        json!({
            "provides": [{"name": "a", "version": "1.0.0"}, {"name": "a", "version": "2.0.0"}, {"name": "B", "version": "1.0.0"}],
            "uses": [{"name": "a", "range": "*"}]
        }),
        &[
            "objectos.services.provides[2].name: `B` is not a service name; use words of `a-z 0-9 _ -` joined by `.`, as in `event-store`",
            "objectos.services.provides[1]: `a` is given twice; remove one of the two",
            "objectos.services.uses[0].name: the plugin provides `a` itself; remove it from `uses`",
        ],
    );
    check(
        "/objectos/events",
        json!({"handles": ["data.", "*"], "publishes": ["kernel:ready"]}),
        &[
            "objectos.events.handles[0]: `data.` is not an event pattern; use a name as in `data.record.created`, `prefix.*`, or `*`",
            "objectos.events.publishes[0]: `kernel:ready` belongs to the kernel; publish under a name of your own, without `:`",
        ],
    );
    check(
        "/objectos/events",
        json!({"handles": ["data.*"], "optional": ["data.*", "auth.*", "data.*"]}),
        &[
            "objectos.events.optional[1]: `auth.*` is not among `handles`; add it there, or remove it here",
            "objectos.events.optional[2]: `data.*` is given twice; remove one of the two",
        ],
    );
    check(
        "/objectos/hooks",
        json!({"handles": ["data.before_insert"], "optional": ["data.after_find"]}),
        &["objectos.hooks.optional[0]: `data.after_find` is not among `handles`; add it there, or remove it here"],
    );
    check(
        "/objectos/commands",
        json!([{"name": "Audit", "summary": "s"}]),
        &[
            "objectos.commands[0].name: `Audit` is not a command name; use one to three words of `a-z 0-9 -`, as in `audit verify`",
        ],
    );
    check(
        "/security",
        json!({
            "pluginId": "com.example.other", "trustLevel": "verified", "sandbox": {},
            "permissions": {"permissions": [], "groups": [{"name": "g", "description": "d", "permissions": ["x"]}]}
        }),
        &[
            "security.pluginId: `com.example.other` is not the id of this plugin; write `com.example.notes`, as in `manifest.id`",
            "security.permissions.groups[0]: no permission has the id `x`; add it or remove it from the group",
        ],
    );
    check(
        "/objectos/settings",
        json!({"type": "array"}),
        &["objectos.settings.type: a configuration is an object; write `\"type\": \"object\"`"],
    );
}

#[test]
fn routes_are_checked() {
    fn check_path(path: &str, expected: Result<&str, &str>) {
        assert_eq!(
            route_shape(path),
            expected.map(str::to_owned).map_err(str::to_owned),
            "{path}"
        );
    }
    check_path("/", Ok("/"));
    check_path("/a/{id}/b", Ok("/a/{}/b"));
    check_path("/a/{*rest}", Ok("/a/{*}"));
    check_path("/.well-known/x", Ok("/.well-known/x"));
    check_path("a", Err("a path begins with `/`"));
    check_path("/a/", Err("an empty segment: no `//` and no `/` at the end"));
    check_path("/a/../b", Err("`..` is not a segment"));
    check_path(
        "/{*rest}/b",
        Err("`{*rest}` takes all that follows, so it has to be last"),
    );
    check_path("/{a}/{a}", Err("parameter `a` occurs twice"));
    check_path("/{}", Err("`{}` does not hold a parameter name"));
    check_path(
        "/a b",
        Err("`a b` has a character that has no place in a path; parameters are written `{name}`"),
    );
    check_path(
        "/:id?",
        Err("`:id?` has a character that has no place in a path; parameters are written `{name}`"),
    );
    check(
        "/objectos/routes",
        json!([{"method": "GET", "path": "/a/{x}"}, {"method": "POST", "path": "/a/{x}"}, {"method": "GET", "path": "/a/{y}"}]),
        &["objectos.routes[2].path: GET `/a/{y}` answers the same requests as routes[0]; remove one of the two"],
    );
}

#[test]
fn patterns_select_events() {
    let cases = [
        ("*", "data.record.created", true),
        ("*", "kernel:ready", true),
        ("data.*", "data.record.created", true),
        ("data.*", "database.up", false),
        ("data.*", "data.", false),
        ("data.record.created", "data.record.created", true),
        ("data.record.created", "data.record.created.twice", false),
        ("kernel:*", "kernel:ready", true),
        ("kernel:*", "plugin:error", false),
    ];
    for (pattern, name, expected) in cases {
        assert!(is_event_pattern(pattern), "{pattern}");
        assert_eq!(matches_event(pattern, name), expected, "{pattern} {name}");
    }
    for pattern in [
        "",
        "a*",
        "*.created",
        "data.*.created",
        "Data.*",
        "nothing:*",
        "kernel:nothing",
        "a..b",
    ] {
        assert!(!is_event_pattern(pattern), "{pattern}");
    }
}

#[test]
fn the_nearest_spelling_is_found_only_when_near() {
    let known = ["provides", "uses", "handles", "runs", "parallel"];
    let cases = [
        ("provide", Some("provides")),
        ("use", Some("uses")),
        ("handels", Some("handles")),
        ("Parallel", Some("parallel")),
        ("tomato", None),
        ("x", None),
    ];
    for (word, expected) in cases {
        assert_eq!(nearest(word, known), expected, "{word}");
    }
}

#[test]
fn keys_of_which_nothing_comes_are_named() {
    let mut document = sound();
    let parse = |document: &Value| PluginDocument::parse(document.to_string().as_bytes()).unwrap();
    assert_eq!(parse(&document).idle_keys(), Vec::<String>::new());
    let permission = |scope: &str| {
        json!({
            "id": scope, "resource": "process.env", "actions": ["read"], "scope": scope, "description": "reads",
            "filter": {"resourceIds": ["HOME"]}
        })
    };
    document["manifest"]["permissions"] = json!(["read"]);
    document["manifest"]["datasources"] = json!(["other"]);
    document["manifest"]["loading"] = json!({});
    let permissions = ["plugin", "tenant", "global", "user"].map(permission);
    document["security"] = json!({
        "pluginId": "com.example.notes", "trustLevel": "untrusted", "sandbox": {"enabled": false},
        "permissions": {
            "permissions": permissions, "defaultGrant": "allow"
        }
    });
    assert_eq!(
        parse(&document).idle_keys(),
        [
            "manifest.permissions",
            "manifest.datasources",
            "manifest.loading",
            "security.sandbox",
            "security.permissions.defaultGrant",
            "security.permissions.permissions[1].scope",
            "security.permissions.permissions[3].scope",
        ]
    );
}

#[test]
fn a_permission_that_would_be_wider_than_it_is_written_is_refused() {
    let security = |filter: Value| {
        json!({
            "pluginId": "com.example.notes", "trustLevel": "untrusted", "sandbox": {},
            "permissions": {"permissions": [{
                "id": "notes", "resource": "data.object", "actions": ["read"], "description": "reads", "filter": filter
            }]}
        })
    };
    check("/security", security(json!({"resourceIds": ["note"]})), &[]);
    check(
        "/security",
        security(json!({"resourceIds": ["note"], "condition": "owner = me", "fields": ["title"]})),
        &[
            "security.permissions.permissions[0].filter.condition: no permission is held to a condition; leave it out and \
             narrow the permission with `resourceIds`",
            "security.permissions.permissions[0].filter.fields: no permission is held to single fields; leave it out and \
             narrow the permission with `resourceIds`",
        ],
    );
}

#[test]
fn who_is_not_to_be_restarted_says_so() {
    let attempts = |health: Value| {
        let mut document = sound();
        document["objectos"]["health"] = health;
        let document = PluginDocument::parse(document.to_string().as_bytes()).unwrap();
        document.objectos.health.max_restart_attempts
    };
    assert_eq!(attempts(json!({})), 3);
    assert_eq!(attempts(json!({"autoRestart": true, "maxRestartAttempts": 5})), 5);
    assert_eq!(attempts(json!({"autoRestart": false})), 0);
    assert_eq!(attempts(json!({"autoRestart": false, "maxRestartAttempts": 5})), 0);
}
