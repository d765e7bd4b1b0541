//! Every part of the author's surface, once well and once badly.

use objectos_plugin_api::{Context, ErrorKind, HttpRequestParts, Principal, SocketMessage};
use objectos_plugin_testing::{TestError, TestHost, TestPlugin};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

use crate::probe::{MANIFEST, Numbers, Probe, Shelf, StoreServer, SumClient};

async fn probe(config: Value) -> (TestPlugin, Arc<Shelf>) {
    let shelf = Arc::new(Shelf::default());
    let host = TestHost::new(MANIFEST)
        .config(config)
        .service(StoreServer::new(Arc::clone(&shelf)));
    (host.start::<Probe>().await.expect("the probe starts"), shelf)
}

#[tokio::test]
async fn typed_services_cross_and_come_back() {
    let (plugin, _) = probe(json!({})).await;
    let (sum, ctx) = (SumClient::open(&plugin.host()).unwrap(), Context::background());
    assert!(sum.available());
    assert_eq!(sum.add(&ctx, &Numbers { left: 2, right: 3 }).await.unwrap(), 5);
    assert_eq!(&*sum.reverse(&ctx, b"abc").await.unwrap(), b"cba");
    assert_eq!(sum.wait(&ctx, &1).await.unwrap(), "waited");
    let error = sum
        .add(
            &ctx,
            &Numbers {
                left: i64::MAX,
                right: 1,
            },
        )
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code(), error.message()),
        (ErrorKind::Invalid, "value_out_of_range", "too large")
    );
    plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_panic_is_an_error_with_its_text_for_the_operator_only() {
    let (plugin, _) = probe(json!({})).await;
    let sum = SumClient::open(&plugin.host()).unwrap();
    let error = sum.fall(&Context::background()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert_eq!(error.message(), "something went wrong on the server");
    assert_eq!(error.internal_message(), "panicked: the floor is gone");
    plugin.stop().await.unwrap();
}

#[tokio::test]
async fn hooks_change_and_veto() {
    let (plugin, _) = probe(json!({})).await;
    let ctx = Context::background();
    let hook = async |subject: &str, payload: Value| plugin.hook("data.before_insert", subject, &ctx, &payload).await;
    assert_eq!(
        hook("account", json!({"record": {"name": "acme"}}))
            .await
            .unwrap()
            .unwrap()["record"]["name"],
        "ACME"
    );
    assert_eq!(hook("account", json!({"record": {}})).await.unwrap(), None);
    assert_eq!(
        hook("contact", json!({"record": {"name": "spam"}})).await.unwrap(),
        None
    );
    let veto = hook("account", json!({"record": {"name": "spam"}})).await.unwrap_err();
    assert_eq!((veto.kind(), veto.message()), (ErrorKind::Vetoed, "no spam, please"));
    plugin.stop().await.unwrap();
}

#[tokio::test]
async fn events_reach_handlers_which_call_services_and_publish() {
    let (plugin, shelf) = probe(json!({})).await;
    let event = serde_json::from_value(json!({
        "id": "e1", "name": "data.record.created", "payload": {"object": "account"},
        "metadata": {"source": "objectos.data", "timestamp": "2026-01-01T00:00:00.000Z", "priority": "normal"},
    }));
    assert_eq!(
        plugin.deliver(&Context::background(), &event.unwrap()).await.unwrap(),
        1
    );
    assert_eq!(*shelf.0.lock().unwrap(), ["data.record.created"]);
    let published = plugin.published();
    assert_eq!(
        (published.len(), published[0].name.as_str(), published[0].key.as_str()),
        (1, "probe.seen", "k")
    );
    plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_handler_of_several_events_takes_one_or_as_many_as_it_said() {
    let (plugin, shelf) = probe(json!({})).await;
    let context = Context::background();
    let event = |name: &str| {
        serde_json::from_value(json!({
            "id": name, "name": name, "payload": null,
            "metadata": {"source": "s", "timestamp": "2026-01-01T00:00:00.000Z", "priority": "normal"},
        }))
        .unwrap()
    };
    assert_eq!(plugin.deliver(&context, &event("data.step.a")).await.unwrap(), 1);
    let events = ["data.step.b", "data.step.c", "data.step.d", "data.step.e"].map(event);
    assert_eq!(plugin.deliver_together(&context, &events[..3]).await.unwrap(), 1);
    assert_eq!(plugin.deliver_together(&context, &events).await.unwrap(), 0, "too many");
    let alone = ["data.record.created", "data.record.updated"].map(event);
    assert_eq!(
        plugin.deliver_together(&context, &alone).await.unwrap(),
        0,
        "one at a time"
    );
    assert_eq!(
        *shelf.0.lock().unwrap(),
        ["data.step.a", "data.step.b data.step.c data.step.d"]
    );
    plugin.stop().await.unwrap();
}

#[tokio::test]
async fn routes_see_the_request_and_the_principal() {
    let (plugin, _) = probe(json!({"greeting": "hi"})).await;
    let principal = Principal {
        id: "u1".to_owned(),
        tenant: Some("t1".to_owned()),
        ..Principal::default()
    };
    let ctx = Context::request("r1").with_principal(&principal);
    let request = HttpRequestParts {
        method: "GET",
        route: "/api/v1/probe/{name}",
        path: "/api/v1/probe/Zo%C3%AB",
        query: "a=1",
        parameters: &[("name", "Zoë")],
        headers: &[("accept", "*/*")],
        body: b"body",
    };
    let answer = plugin.route("GET /api/v1/probe/{name}", &ctx, &request).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.headers.contains(&("x-probe".to_owned(), "yes".to_owned())));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        body,
        json!({"text": "hi Zoë", "query": "a=1", "accept": "*/*", "body": "body", "user": "u1"})
    );
    let unknown = plugin.route("GET /nowhere", &ctx, &request).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotImplemented);
    plugin.stop().await.unwrap();
}

#[tokio::test]
async fn bodies_come_in_pieces_until_their_end_their_error_or_their_panic() {
    let (plugin, _) = probe(json!({})).await;
    let check = async |count: &str, expected: Result<(u16, &str), ErrorKind>| {
        let request = HttpRequestParts {
            method: "GET",
            route: "/api/v1/probe/pieces/{count}",
            parameters: &[("count", count)],
            ..HttpRequestParts::default()
        };
        let route = "GET /api/v1/probe/pieces/{count}";
        let answer = plugin.route(route, &Context::background(), &request).await;
        let read = answer.map(|answer| (answer.status, String::from_utf8(answer.body).unwrap()));
        let expected = expected.map(|(status, body)| (status, body.to_owned()));
        assert_eq!(read.map_err(|error| error.kind()), expected, "{count}");
    };
    check("0", Ok((204, ""))).await;
    check("3", Ok((200, "0;1;2;"))).await;
    check("8", Err(ErrorKind::NotFound)).await;
    check("20", Err(ErrorKind::Panicked)).await;
    plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_socket_says_and_hears_until_its_end() {
    let (plugin, _) = probe(json!({})).await;
    let route = "GET /api/v1/probe/socket/{first}";
    let context = Context::background();
    let request = |first: &'static [(&'static str, &'static str)]| HttpRequestParts {
        method: "GET",
        route: "/api/v1/probe/socket/{first}",
        parameters: first,
        ..HttpRequestParts::default()
    };
    let text = |text: &str| SocketMessage::Text(text.to_owned());
    let hello = request(&[("first", "hello")]);
    let socket = plugin.socket(route, &context, &hello).await.unwrap();
    assert_eq!(socket.protocol(), Some("echo"));
    assert_eq!(socket.next().await.unwrap(), Some(text("hello")));
    for message in [text("ß"), SocketMessage::Binary(vec![0, 0xff])] {
        socket.push(&message).await.unwrap();
        assert_eq!(socket.next().await.unwrap(), Some(message));
    }
    // One that fails is no end of hearing: the gateway says how it ended.
    let error = socket.push(&text("no")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    // One at a time.
    let (one, other) = (text("until taken"), text("other"));
    let (first, ()) = tokio::join!(socket.push(&one), async {
        let second = socket.push(&other).await;
        assert_eq!(second.map_err(|error| error.kind()), Err(ErrorKind::Unavailable));
        assert_eq!(socket.next().await.unwrap(), Some(text("until taken")));
    });
    assert_eq!(first.map_err(|error| error.kind()), Ok(()));
    // One that is given up on the way goes, and what hears it stays.
    let dropped = tokio::time::timeout(Duration::ZERO, socket.push(&text("for good"))).await;
    assert!(dropped.is_err());
    assert_eq!(socket.next().await.unwrap(), Some(text("for good")));
    let end = SocketMessage::Close {
        code: 1000,
        reason: String::new(),
    };
    socket.push(&end).await.unwrap();
    assert_eq!(socket.next().await.unwrap(), None);
    drop(socket);

    // Nobody gets a socket without asking for one, or another answer for one.
    let error = plugin.route(route, &context, &hello).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    let none = request(&[("first", "none")]);
    assert!(plugin.socket(route, &context, &none).await.is_err());
    plugin.stop().await.unwrap();
}

#[tokio::test]
async fn commands_health_and_state() {
    let (plugin, _) = probe(json!({})).await;
    assert_eq!(plugin.command("probe", &["a", "b"]).await.unwrap().output, "a+b");
    assert_eq!(
        plugin.health().await.unwrap().message.as_deref(),
        Some("a little tired")
    );
    let sum = SumClient::open(&plugin.host()).unwrap();
    sum.add(&Context::background(), &Numbers { left: 1, right: 1 })
        .await
        .unwrap();
    let state = plugin.suspend().await.unwrap();
    plugin.stop().await.unwrap();
    let next = TestHost::new(MANIFEST)
        .service(StoreServer::new(Arc::new(Shelf::default())))
        .resume(state);
    let next = next.start::<Probe>().await.unwrap();
    assert_eq!(next.suspend().await.unwrap(), 1_u64.to_le_bytes());
    next.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_declared_is_refused() {
    let host = TestHost::new(MANIFEST).config(json!({"undeclared": true}));
    let error = host.start::<Probe>().await.expect_err("refused");
    assert!(
        matches!(&error, TestError::Undeclared(what) if what == "the command surprise"),
        "{error}"
    );
    let host = TestHost::new(&MANIFEST.replace(r#"{"name": "store", "range": "^1"}"#, ""));
    let error = host.start::<Probe>().await.expect_err("refused");
    assert!(error.to_string().contains("services.uses"), "{error}");
}
