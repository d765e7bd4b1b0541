use serde_json::{Value, json};

use super::*;

/// Every key of the schema with its default, as `limits.headMs`; `null` where there is none.
fn described(schema: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        found.push((path.to_owned(), schema.get("default").cloned().unwrap_or(Value::Null)));
        return;
    };
    assert_eq!(schema["additionalProperties"], json!(false), "{path}");
    for (key, inner) in properties {
        assert!(inner["description"].is_string(), "{path}.{key} is not described");
        described(inner, &format!("{path}.{key}"), found);
    }
}

fn given(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, inner)| given(inner, &format!("{path}.{key}"), found)),
        other => found.push((path.to_owned(), other.clone())),
    }
}

#[test]
fn the_schema_in_the_manifest_says_what_the_type_says() {
    let document: Value = serde_json::from_str(include_str!("../../plugin.json")).unwrap();
    let (mut schema, mut defaults) = (Vec::new(), Vec::new());
    described(&document["objectos"]["settings"], "", &mut schema);
    given(
        &serde_json::to_value(ServerConfig::default()).unwrap(),
        "",
        &mut defaults,
    );
    // Absent by default, so the type does not write them.
    for key in [".listen", ".tls.certificate", ".tls.key", ".outgoing.authorities"] {
        defaults.push((key.to_owned(), Value::Null));
    }
    schema.sort_by(|left, right| left.0.cmp(&right.0));
    defaults.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(schema, defaults);
}

#[test]
fn unknown_keys_are_refused() {
    let check = |config: Value| {
        serde_json::from_value::<ServerConfig>(config.clone()).expect_err(&config.to_string());
    };
    check(json!({ "listne": "127.0.0.1:1" }));
    check(json!({ "limits": { "headBytes": 1 } }));
    check(json!({ "sockets": { "heartbeatS": 1 } }));
    check(json!({ "tls": { "certificate": "a.pem" } }));
    check(json!({ "bodies": [{ "bytesMax": 1 }] }));
}

#[test]
fn what_a_schema_cannot_say_is_checked() {
    let check = |config: Value, expected: Option<&str>| {
        let parsed: ServerConfig = serde_json::from_value(config.clone()).unwrap();
        let problem = parsed.check().err().map(|error| error.to_string());
        match expected {
            None => assert_eq!(problem, None, "{config}"),
            Some(part) => assert!(
                problem.as_deref().is_some_and(|text| text.contains(part)),
                "{config}: {problem:?}"
            ),
        }
    };
    check(json!({}), None);
    check(json!({ "limits": { "headMs": 0 } }), Some("limits.headMs"));
    check(json!({ "sockets": { "heartbeatMs": 0 } }), Some("sockets.heartbeatMs"));
    check(
        json!({ "cors": { "origins": ["https://app.example.com", "*"] } }),
        Some("cors.origins[1]"),
    );
    check(
        json!({ "cors": { "origins": ["https://app.example.com/"] } }),
        Some("cors.origins[0]"),
    );
    check(json!({ "trustedProxies": ["10.0.0.0/33"] }), Some("trustedProxies[0]"));
    check(json!({ "trustedProxies": ["10.0.0.0/8", "fd00::/8", "::1"] }), None);
    check(json!({ "bodies": [{ "under": "api" }] }), Some("bodies[0].under"));
}

#[test]
fn the_longest_rule_for_a_body_counts() {
    let config: ServerConfig = serde_json::from_value(json!({ "bodies": [
        { "under": "/api/v1/storage/", "bytesMax": 10, "anyType": true },
        { "under": "/api/v1/storage/meta/" },
    ] }))
    .unwrap();
    let check = |path: &str, expected: (u64, bool)| assert_eq!(config.body_rule(path), expected, "{path}");
    check("/api/v1/data/a", (1_048_576, false));
    check("/api/v1/storage/a", (10, true));
    check("/api/v1/storage/meta/a", (1_048_576, false));
}

#[test]
fn ranges_hold_their_addresses() {
    let check = |range: &str, address: &str, expected: bool| {
        let range = AddressRange::parse(range).unwrap();
        assert_eq!(
            range.contains(address.parse().unwrap()),
            expected,
            "{range:?} {address}"
        );
    };
    check("10.0.0.0/8", "10.255.0.1", true);
    check("10.0.0.0/8", "11.0.0.1", false);
    check("10.0.0.0/8", "::ffff:10.0.0.1", true);
    check("0.0.0.0/0", "203.0.113.1", true);
    check("192.0.2.7", "192.0.2.7", true);
    check("192.0.2.7", "192.0.2.8", false);
    check("::/0", "2001:db8::1", true);
    check("::/0", "10.0.0.1", false);
    check("fd00::/8", "fd12::1", true);
    check("fd00::/8", "fe00::1", false);
}

#[test]
fn hosts_are_told_from_ports_and_this_machine_from_others() {
    let check = |authority: &str, host: &str, loopback: bool| {
        assert_eq!(
            (host_of(authority), is_loopback_host(host_of(authority))),
            (host, loopback),
            "{authority}"
        );
    };
    check("localhost", "localhost", true);
    check("LOCALHOST:3000", "LOCALHOST", true);
    check("crm.localhost:3000", "crm.localhost", true);
    check("127.0.0.1:3000", "127.0.0.1", true);
    check("127.8.9.1", "127.8.9.1", true);
    check("[::1]:3000", "[::1]", true);
    check("[::1]", "[::1]", true);
    check("0.0.0.0:3000", "0.0.0.0", false);
    check("[::]:3000", "[::]", false);
    check("localhost.evil.example", "localhost.evil.example", false);
    check("notlocalhost", "notlocalhost", false);
    check("localhost:3000.evil.example", "localhost:3000.evil.example", false);
    check("127.0.0.1.evil.example", "127.0.0.1.evil.example", false);
}
