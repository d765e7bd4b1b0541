//! The server's own routes.

use objectos_plugin_api::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::{
    client::{JSON, ask, get},
    gateway::{TestGateway, echo, start},
};

fn health(status: &str, ready: bool, state: &str) -> Value {
    json!({ "status": status, "ready": ready, "state": state, "uptimeMs": 61_500, "version": "1.2.3", "plugins": {} })
}

#[tokio::test]
async fn health_and_readiness_are_told_at_two_places() {
    let gateway = TestGateway::new();
    let server = start(&gateway, json!({}));
    for path in ["/health", "/api/v1/health", "/ready", "/api/v1/ready"] {
        assert_eq!(
            get(server.address, path).await.error(),
            (503, "service_unavailable".to_owned()),
            "{path}"
        );
    }
    gateway.kernel("health", Ok(health("healthy", true, "running")));
    for path in ["/health", "/api/v1/health"] {
        let expected =
            json!({ "status": "ok", "timestamp": "2023-11-14T22:13:20.000Z", "version": "1.2.3", "uptime": 61 });
        assert_eq!(
            get(server.address, path).await.json(),
            json!({ "success": true, "data": expected }),
            "{path}"
        );
    }
    for path in ["/ready", "/api/v1/ready"] {
        let expected = json!({ "success": true, "data": { "status": "ready", "state": "running" } });
        assert_eq!(get(server.address, path).await.json(), expected, "{path}");
    }
    let mut failing = health("unhealthy", true, "running");
    let report =
        |status: &str| json!({ "status": status, "timestamp": "2025-01-31T08:00:00Z", "message": "because of a path" });
    failing["plugins"] = json!({ "a.b": report("failed"), "c.d": report("degraded") });
    gateway.kernel("health", Ok(failing));
    let expected = json!({ "status": "ready", "state": "running", "failed": [{ "id": "a.b", "state": "failed" }] });
    assert_eq!(get(server.address, "/ready").await.json()["data"], expected);
    gateway.kernel("health", Ok(health("degraded", false, "starting")));
    assert_eq!(
        get(server.address, "/health").await.json()["data"]["status"],
        "degraded"
    );
    let reply = get(server.address, "/ready").await;
    assert_eq!(reply.error(), (503, "service_unavailable".to_owned()));
    assert_eq!(reply.json()["details"]["state"], "starting");
}

#[tokio::test]
async fn the_kernel_is_asked_and_its_answer_passed_on() {
    let gateway = TestGateway::new();
    let answer = json!({ "b": [1, 2.5, null], "a": "\u{fc}" });
    for method in ["plugins", "hooks", "metrics", "dead_letters", "swap"] {
        gateway.kernel(method, Ok(answer.clone()));
    }
    gateway.kernel("restart", Ok(Value::Null));
    gateway.kernel("retry_dead_letter", Ok(Value::Null));
    gateway.kernel("replay", Ok(json!(7)));
    let server = start(&gateway, json!({}));
    let check = async |line: &str, body: &str, expected: &Value, call: (&str, &str)| {
        let reply = ask(server.address, line, &[JSON], body).await;
        assert_eq!(reply.json(), json!({ "success": true, "data": expected }), "{line}");
        assert_eq!(
            gateway.kernel_calls().pop().unwrap(),
            (call.0.to_owned(), call.1.to_owned()),
            "{line}"
        );
    };
    check("GET /api/v1/plugins", "", &answer, ("plugins", "")).await;
    check("GET /api/v1/kernel/hooks", "", &answer, ("hooks", "")).await;
    check("GET /api/v1/kernel/metrics", "", &answer, ("metrics", "")).await;
    let page = r#"{"offset":20,"limit":10}"#;
    check(
        "GET /api/v1/events/dead-letters?limit=10&offset=20",
        "",
        &answer,
        ("dead_letters", page),
    )
    .await;
    check(
        "POST /api/v1/plugins/a.b/swap",
        "",
        &answer,
        ("swap", r#"{"plugin":"a.b"}"#),
    )
    .await;
    let swap = r#"{"plugin":"a.b","path":"b.so"}"#;
    check(
        "POST /api/v1/plugins/a.b/swap",
        r#"{"path":"b.so"}"#,
        &answer,
        ("swap", swap),
    )
    .await;
    let restarted = json!({ "plugin": "a.b", "restarted": true });
    check(
        "POST /api/v1/plugins/a.b/restart",
        "",
        &restarted,
        ("restart", "\"a.b\""),
    )
    .await;
    let retried = json!({ "id": "x/1", "retried": true });
    check(
        "POST /api/v1/events/dead-letters/x%2F1/retry",
        "",
        &retried,
        ("retry_dead_letter", "\"x/1\""),
    )
    .await;
    let request = r#"{"fromTimestamp":"2024-01-01T00:00:00Z"}"#;
    check(
        "POST /api/v1/events/replay",
        request,
        &json!({ "replayed": 7 }),
        ("replay", request),
    )
    .await;
}

#[tokio::test]
async fn refusals_of_the_kernel_and_bad_requests_are_errors() {
    let gateway = TestGateway::new();
    gateway.kernel(
        "swap",
        Err(Error::new(
            ErrorKind::Conflict,
            "the new file was refused: signature missing",
        )),
    );
    let server = start(&gateway, json!({}));
    let check = async |line: &str, body: &str, expected: (u16, &str)| {
        let (status, code) = ask(server.address, line, &[JSON], body).await.error();
        assert_eq!((status, code.as_str()), expected, "{line} {body}");
    };
    check("POST /api/v1/plugins/a.b/swap", "", (409, "resource_conflict")).await;
    check("POST /api/v1/plugins/a.b/swap", "{", (400, "invalid_format")).await;
    check(
        "POST /api/v1/plugins/a.b/swap",
        r#"{"file":1}"#,
        (400, "invalid_format"),
    )
    .await;
    check("GET /api/v1/events/dead-letters?limit=many", "", (400, "invalid_query")).await;
    check("GET /api/v1/plugins", "", (503, "service_unavailable")).await;
    check("DELETE /api/v1/plugins", "", (405, "method_not_allowed")).await;
}

/// A gateway with the surfaces of a usual installation.
fn furnished() -> TestGateway {
    let gateway = TestGateway::new();
    for route in [
        "GET /api/v1/data/{object}",
        "POST /api/v1/data/{object}/query",
        "GET /api/v1/meta",
        "GET /api/v1/meta/{kind}/{name}",
        "GET /api/v1/permissions/check",
        "GET /api/v1/ui/views/{object}",
        "POST /graphql",
        "GET /api/v1/databases",
    ] {
        gateway.route("test.plugin", route, "authenticated", echo);
    }
    gateway.service("test.plugin", "data", true);
    gateway.service("test.plugin", "metadata", true);
    gateway.service("test.plugin", "permissions", false);
    gateway.service("test.plugin", "secret-internal", true);
    gateway
}

#[tokio::test]
async fn discovery_tells_what_is_there_and_nothing_else() {
    let gateway = furnished();
    let server = start(&gateway, json!({}));
    let bare = get(server.address, "/api/v1/discovery").await.json();
    assert_eq!(get(server.address, "/api/v1").await.json(), bare);
    assert!(bare.get("data").is_none(), "clients take `data` for the document");
    let wrapped = get(server.address, "/.well-known/objectstack").await.json();
    assert_eq!(wrapped["success"], json!(true));
    assert_eq!(wrapped["data"]["routes"], bare["routes"]);
    assert_eq!(wrapped["data"]["features"]["graphql"], json!(true));
    assert_eq!(wrapped["data"]["features"]["files"], json!(false));
    assert_eq!(
        bare["routes"],
        json!({
            "data": "/api/v1/data", "metadata": "/api/v1/meta", "discovery": "/api/v1/discovery", "ui": "/api/v1/ui",
            "graphql": "/graphql",
        })
    );
    assert_eq!(
        bare["services"],
        json!({
            "metadata": { "enabled": true, "status": "available", "route": "/api/v1/meta", "provider": "test.plugin" },
            "data": { "enabled": true, "status": "available", "route": "/api/v1/data", "provider": "test.plugin" },
            "permissions": { "enabled": false, "status": "unavailable", "provider": "test.plugin" },
        })
    );
    let check = |key: &str, expected: Value| assert_eq!(bare[key], expected, "{key}");
    check("version", json!("v1"));
    check("apiName", json!("ObjectOS"));
    check("environment", json!("development"));
    check(
        "locale",
        json!({ "default": "en", "supported": ["en"], "timezone": "UTC" }),
    );
    check("schemaDiscovery", json!({ "openapi": "/api/v1/openapi.json" }));
    gateway.remove_routes("test.plugin");
    assert_eq!(
        get(server.address, "/api/v1").await.json()["routes"],
        json!({ "discovery": "/api/v1/discovery" })
    );
}

#[tokio::test]
async fn the_protocols_types_read_the_discovery_document() {
    use objectos_plugin_api::protocol::api::{ApiRoutes, ServiceInfo};
    let server = start(&furnished(), json!({}));
    let mut document = get(server.address, "/api/v1").await.json();
    document["routes"].as_object_mut().unwrap().remove("discovery");
    let routes: ApiRoutes = serde_json::from_value(document["routes"].take()).unwrap();
    assert_eq!(
        (routes.data.as_str(), routes.metadata.as_str()),
        ("/api/v1/data", "/api/v1/meta")
    );
    for (_, service) in document["services"].as_object().unwrap() {
        serde_json::from_value::<ServiceInfo>(service.clone()).unwrap();
    }
}

#[tokio::test]
async fn every_route_stands_in_the_openapi_document() {
    let server = start(&furnished(), json!({}));
    let document = get(server.address, "/api/v1/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let operation = &document["paths"]["/api/v1/meta/{kind}/{name}"]["get"];
    let names: Vec<&Value> = operation["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| &parameter["name"])
        .collect();
    assert_eq!(names, ["kind", "name"]);
    assert_eq!(operation["security"], json!([{ "bearer": [] }]));
    assert!(document["paths"]["/health"]["get"].get("security").is_none());
    assert!(document["paths"]["/api/v1/plugins/{id}/swap"]["post"].is_object());
}

#[tokio::test]
async fn the_manifest_declares_exactly_what_is_answered() {
    let gateway = TestGateway::new();
    let server = start(&gateway, json!({}));
    let manifest: Value = serde_json::from_str(include_str!("../../plugin.json")).unwrap();
    for route in manifest["objectos"]["routes"].as_array().unwrap() {
        let line = format!(
            "{} {}",
            route["method"].as_str().unwrap(),
            route["path"].as_str().unwrap().replace("{id}", "x")
        );
        // It says nothing without a question.
        let line = line.replace("/events/state", "/events/state?object=account&record=x");
        let status = ask(server.address, &line, &[JSON], "").await.status;
        assert!(status == 200 || status == 503, "{line}: {status}");
    }
}
