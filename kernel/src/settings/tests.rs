use objectos_protocol::kernel::plugin_document::PluginDocument;
use serde_json::{Value, json};

fn document(settings: &Value, properties: &Value) -> PluginDocument {
    let mut text = json!({
        "manifest": {"id": "com.example.notes", "version": "1.0.0", "type": "plugin", "name": "Notes"},
        "objectos": {"api": "^1"}
    });
    if !settings.is_null() {
        text["objectos"]["settings"] = settings.clone();
    }
    if !properties.is_null() {
        text["manifest"]["configuration"] = json!({"properties": properties});
    }
    PluginDocument::parse(text.to_string().as_bytes()).unwrap()
}

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["greeting"],
        "properties": {
            "greeting": {"type": "string", "minLength": 2},
            "retries": {"type": "integer", "default": 3, "minimum": 0},
            "smtp": {
                "type": "object",
                "additionalProperties": false,
                "properties": {"host": {"type": "string", "default": "localhost"}, "password": {"type": "string", "writeOnly": true}}
            },
            "labels": {"type": "object"},
            "level": {"enum": ["low", "high"]},
            "hosts": {"type": "array", "items": {"type": "object", "properties": {"token": {"type": "string", "secret": true}}}}
        }
    })
}

/// Checks a configuration; `Ok` compares the value with its defaults, `Err` the problems, one line each.
#[track_caller]
fn check(document: &PluginDocument, configuration: &Value, expected: Result<Value, &[&str]>) {
    let found = super::check(document, Some(configuration));
    let found = found.map(|settings| Value::Object(settings.value().clone()));
    let found = found.map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(
        found,
        expected.map_err(|lines| lines.iter().map(ToString::to_string).collect()),
        "{configuration}"
    );
}

#[test]
fn defaults_are_filled_and_errors_name_the_key() {
    let plugin = document(&schema(), &Value::Null);
    check(
        &plugin,
        &json!({"greeting": "hi"}),
        Ok(json!({"greeting": "hi", "retries": 3, "smtp": {"host": "localhost"}})),
    );
    check(
        &plugin,
        &json!({"greeting": "hi", "labels": {"any": 1}, "smtp": {"password": "x"}}),
        Ok(json!({
            "greeting": "hi", "labels": {"any": 1}, "smtp": {"password": "x", "host": "localhost"}, "retries": 3
        })),
    );
    check(
        &plugin,
        &json!({}),
        Err(&["greeting: a required key is missing; add `greeting`"]),
    );
    check(
        &plugin,
        &Value::Null,
        Err(&["greeting: a required key is missing; add `greeting`"]),
    );
    check(
        &plugin,
        &json!([]),
        Err(&["the configuration is not a mapping; write keys and values"]),
    );
    check(
        &plugin,
        &json!({"greeting": "hi", "retrys": 1}),
        Err(&["retrys: `retrys` is not a known key; did you mean `retries`?"]),
    );
    check(
        &plugin,
        &json!({"greeting": "h", "retries": "3", "level": "middle", "smtp": {"hots": "a"}}),
        Err(&[
            "greeting: the value is shorter than 2 characters",
            "level: the value is not one of those allowed; use one of \"low\", \"high\"",
            "retries: the value is not of type \"integer\"",
            "smtp.hots: `hots` is not a known key; did you mean `host`?",
        ]),
    );
    check(
        &plugin,
        &json!({"greeting": "hi", "hosts": [{"token": 1}]}),
        Err(&["hosts[0].token: the value is not of type \"string\""]),
    );
}

#[test]
fn the_protocols_own_properties_count_too() {
    let properties = json!({
        "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
        "size": {"type": "number", "required": true}, "key": {"type": "string", "secret": true}
    });
    let plugin = document(&Value::Null, &properties);
    check(&plugin, &json!({"size": 1.5}), Ok(json!({"size": 1.5, "color": "red"})));
    check(
        &plugin,
        &json!({"color": "green"}),
        Err(&[
            "color: the value is not one of those allowed; use one of \"red\", \"blue\"",
            "size: a required key is missing; add `size`",
        ]),
    );
    // Both declarations at once: each knows keys the other does not.
    let strict =
        json!({"type": "object", "additionalProperties": false, "properties": {"greeting": {"type": "string"}}});
    let both = document(&strict, &properties);
    check(
        &both,
        &json!({"size": 1, "greeting": "hi"}),
        Ok(json!({"size": 1, "greeting": "hi", "color": "red"})),
    );
    check(
        &both,
        &json!({"size": 1, "colour": "red"}),
        Err(&["colour: `colour` is not a known key; did you mean `color`?"]),
    );
}

#[test]
fn a_plugin_without_settings_takes_none() {
    let plugin = document(&Value::Null, &Value::Null);
    check(&plugin, &json!({}), Ok(json!({})));
    check(
        &plugin,
        &json!({"a": 1}),
        Err(&["a: plugin `com.example.notes` takes no configuration; remove the key"]),
    );
}

#[test]
fn schemas_that_take_any_key_do() {
    for open in [
        json!({"additionalProperties": true}),
        json!({"patternProperties": {"^x-": {"type": "string"}}}),
        json!({"type": "object"}),
    ] {
        let plugin = document(&open, &Value::Null);
        assert!(super::check(&plugin, Some(&json!({"x-a": "1"}))).is_ok(), "{open}");
    }
    let closed = document(
        &json!({"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": false}),
        &Value::Null,
    );
    check(
        &closed,
        &json!({"y": 1}),
        Err(&["y: `y` is not a known key; remove the key"]),
    );
}

#[test]
fn a_schema_that_is_none_is_told() {
    let plugin = document(
        &json!({"type": "object", "properties": {"a": {"type": "strin"}}}),
        &Value::Null,
    );
    let problems = super::check(&plugin, None).unwrap_err();
    assert_eq!(problems[0].path, "objectos.settings.properties.a.type");
    assert!(problems[0].message.starts_with("not a JSON Schema"), "{}", problems[0]);
    let remote = document(
        &json!({"type": "object", "$ref": "https://example.com/schema.json"}),
        &Value::Null,
    );
    assert!(
        super::check(&remote, None).is_err(),
        "a schema elsewhere is not fetched"
    );
}

#[test]
fn secrets_are_known_and_never_shown() {
    let plugin = document(&schema(), &Value::Null);
    let value = json!({"greeting": "hi", "smtp": {"password": "hunter2"}, "hosts": [{"token": "t1"}, {}]});
    let settings = super::check(&plugin, Some(&value)).unwrap();
    assert_eq!(settings.secrets(), ["/hosts/0/token", "/smtp/password"]);
    assert_eq!(settings.redacted()["smtp"]["password"], "***");
    assert_eq!(settings.redacted()["hosts"][0]["token"], "***");
    assert_eq!(settings.value()["smtp"]["password"], "hunter2");

    let problems = super::check(&plugin, Some(&json!({"greeting": "hi", "smtp": {"password": 12345}}))).unwrap_err();
    assert!(!problems[0].to_string().contains("12345"), "{}", problems[0]);
}

/// Like [`schema`], with secrets in the corners of JSON Schema.
fn corners() -> Value {
    let secret = json!({"type": "string", "writeOnly": true});
    json!({
        "type": "object",
        "$defs": {"source": {"type": "object", "properties": {"url": secret, "next": {"$ref": "#/$defs/source"}}}},
        "properties": {
            "sources": {"type": "object", "additionalProperties": {"$ref": "#/$defs/source"}},
            "patterned": {"type": "object", "patternProperties": {"^x-": secret}},
            "either": {"anyOf": [{"type": "integer"}, secret]},
            "whole": {"allOf": [{"type": "object", "properties": {"inner": secret}}]},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}, secret], "items": secret},
            "free": {"type": "object"},
            "open": {"type": "string"}
        }
    })
}

#[test]
fn secrets_are_found_wherever_the_schema_marks_them() {
    let plugin = document(&corners(), &Value::Null);
    let value = json!({
        "sources": {"a": {"url": "planted", "next": {"url": "planted"}}, "b": {}}, "patterned": {"x-a": "planted"},
        "either": "planted", "whole": {"inner": "planted"}, "pair": ["shown", "planted", "planted"], "open": "shown"
    });
    let settings = super::check(&plugin, Some(&value)).unwrap();
    assert_eq!(
        settings.secrets(),
        [
            "/either",
            "/pair/1",
            "/pair/2",
            "/patterned/x-a",
            "/sources/a/next/url",
            "/sources/a/url",
            "/whole/inner"
        ]
    );
    let shown = settings.redacted().to_string();
    assert!(!shown.contains("planted") && shown.contains("shown"), "{shown}");
}

#[test]
fn what_keys_and_addresses_say_is_hidden_without_a_mark() {
    let check = |value: Value, expected: Value| assert_eq!(super::shown(&value), expected, "{value}");
    check(
        json!({"smtpPassword": "p", "api_token": 7, "clientSecret": ["a"], "tokenUrl": "https://a/b", "password": {"min": 8}}),
        json!({"smtpPassword": "***", "api_token": "***", "clientSecret": ["***"], "tokenUrl": "https://a/b", "password": {"min": 8}}),
    );
    check(
        json!({"headers": {"authorization": "Bearer x"}, "credentials": {"user": "a", "deep": [1]}, "passwordFile": "/x"}),
        json!({"headers": {"authorization": "***"}, "credentials": {"user": "***", "deep": ["***"]}, "passwordFile": "/x"}),
    );
    check(
        json!({"headers": ["authorization: x", {"name": "a", "value": "x"}], "credential": "x", "tokens": ["x"], "maxAge": 1}),
        json!({"headers": ["***", {"name": "***", "value": "***"}], "credential": "***", "tokens": ["***"], "maxAge": 1}),
    );
    check(
        json!({"signingKey": "x", "aws_secret_access_key": "x", "publicKey": "y", "apiKeys": {"maxAgeDays": 365}}),
        json!({"signingKey": "***", "aws_secret_access_key": "***", "publicKey": "y", "apiKeys": {"maxAgeDays": 365}}),
    );
    check(
        json!({"webhooks": [{"url": "https://hooks.example.com/T0/B0?x=1"}, {"url": "https://hooks.example.com"}], "slack": "https://h/x"}),
        json!({"webhooks": [{"url": "https://hooks.example.com/***"}, {"url": "https://hooks.example.com"}], "slack": "https://h/***"}),
    );
    for (text, expected) in [
        (
            "postgres://u:p@h:5432/d?sslmode=require&password=p",
            "postgres://***@h:5432/d?sslmode=require&password=***",
        ),
        ("postgres://u:p/w@h/d", "postgres://***@h/d"),
        ("http://[::1]:3000/a@b", "http://[::1]:3000/a@b"),
        (
            "http://h:80/a?key=1#x and ftp://u@h",
            "http://h:80/a?key=*** and ftp://***@h",
        ),
        ("sqlite:data.db", "sqlite:data.db"),
        ("somebody@example.com", "somebody@example.com"),
    ] {
        assert_eq!(super::without_credentials(text), expected, "{text}");
    }
}

#[test]
fn properties_that_look_secret_and_are_not_marked_are_told() {
    let schema = json!({
        "properties": {
            "password": {"type": "object", "properties": {"minLength": {"type": "integer"}}},
            "smtp": {"properties": {"password": {"type": "string"}, "secret": {"type": "string", "writeOnly": true}}},
            "others": {"additionalProperties": {"properties": {"token": {"type": ["string", "null"]}}}},
            "hosts": {"items": {"properties": {"apiKey": {"type": "string"}}}},
            "url": {"type": "string", "description": "as in postgres://USER:PASSWORD@HOST/DATABASE"},
            "tokenFile": {"type": "string"}
        }
    });
    assert_eq!(
        super::unmarked(&schema),
        ["hosts[].apiKey", "others.*.token", "smtp.password", "url"]
    );
}
