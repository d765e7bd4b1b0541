//! The plugin in the in-memory host: no ObjectOS needed.

use hello_plugin::{GreetRequest, Greeting, GreeterClient, Hello};
use objectos_plugin_api::{Context, ErrorKind, Event, HttpRequestParts};
use objectos_plugin_testing::{TestHost, TestPlugin};
use serde_json::{Value, json};

async fn hello() -> TestPlugin {
    let config = json!({"greeting": "Good morning", "refusedWords": ["spam"]});
    TestHost::new(include_str!("../plugin.json")).config(config).start::<Hello>().await.expect("hello starts")
}

#[tokio::test]
async fn greets_through_service_and_route() {
    let (plugin, ctx) = (hello().await, Context::background());
    let client = GreeterClient::open(&plugin.host()).unwrap();
    let greeting = client.greet(&ctx, &GreetRequest { name: "Ada".to_owned() }).await.unwrap();
    assert_eq!(greeting, Greeting { text: "Good morning, Ada!".to_owned() });
    let request = HttpRequestParts { method: "GET", parameters: &[("name", "Ada")], ..HttpRequestParts::default() };
    let answer = plugin.route("GET /api/v1/hello/{name}", &ctx, &request).await.unwrap();
    assert_eq!(answer.body, br#"{"text":"Good morning, Ada!"}"#);
    let nobody = client.greet(&ctx, &GreetRequest { name: " ".to_owned() }).await.unwrap_err();
    assert_eq!(nobody.code(), "missing_required_field");
    assert_eq!(plugin.published().len(), 2);
    plugin.stop().await.unwrap();
}

#[tokio::test]
async fn refuses_spam() {
    let (plugin, ctx) = (hello().await, Context::background());
    let payload = |name: &str| json!({"object": "lead", "id": "1", "record": {"name": name}});
    assert_eq!(plugin.hook("data.before_insert", "lead", &ctx, &payload("Ada")).await.unwrap(), None);
    let veto = plugin.hook("data.before_insert", "lead", &ctx, &payload("SPAM Ltd")).await.unwrap_err();
    assert_eq!((veto.kind(), veto.message()), (ErrorKind::Vetoed, "names with the word spam are not welcome"));
    plugin.stop().await.unwrap();
}

#[tokio::test]
async fn counts_and_hands_the_count_over() {
    let (plugin, ctx) = (hello().await, Context::background());
    let event: Event = serde_json::from_value(json!({
        "id": "e1", "name": "data.record.created", "payload": {"object": "lead"},
        "metadata": {"source": "objectos.data", "timestamp": "2026-01-01T00:00:00.000Z", "priority": "normal"},
    }))
    .unwrap();
    plugin.deliver(&ctx, &event).await.unwrap();
    let state = plugin.suspend().await.unwrap();
    plugin.stop().await.unwrap();
    let config = json!({"greeting": "Hello", "refusedWords": []});
    let next = TestHost::new(include_str!("../plugin.json")).config(config).resume(state);
    let next = next.start::<Hello>().await.unwrap();
    let answer = next.route("GET /api/v1/hello", &ctx, &HttpRequestParts::default()).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), json!({"created": 1}));
    next.stop().await.unwrap();
}
