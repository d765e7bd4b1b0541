//! Stopping and taking over: no request is lost, and every connection that ends was told so.

use objectos_plugin_api::HttpResponse;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};
use tokio::time::Instant;

use crate::{
    client::{Wire, get, patiently, request},
    gateway::{Gate, PLUGIN, Running, TestGateway, start},
};

/// A gateway whose `GET /version` answers a number.
fn version(number: u32) -> TestGateway {
    let gateway = TestGateway::new();
    gateway.route(PLUGIN, "GET /version", "authenticated", move |_, _| async move {
        HttpResponse::json(200, &number)
    });
    gateway
}

#[tokio::test]
async fn a_connection_is_closed_after_an_answer_that_announced_it() {
    let old = start(&version(1), json!({ "limits": { "drainMs": 60_000 } }));
    let mut kept = Wire::open(old.address).await;
    assert_eq!(kept.ask("GET /version", &[], "").await.header("connection"), None);
    let new = old.successor(version(2), json!({}));
    let talk = async {
        // The new version takes what is opened from now on; the old one ends what it has.
        while get(old.address, "/version").await.text() != "2" {}
        let last = kept.ask("GET /version", &[], "").await;
        assert_eq!((last.text().as_str(), last.header("connection")), ("1", Some("close")));
        assert_eq!(kept.ended().await, b"");
    };
    patiently(async { tokio::join!(old.listening.stop(true), talk) }).await;
    new.listening.stop(false).await;
}

#[tokio::test]
async fn a_request_in_flight_ends_on_the_version_it_began_on() {
    let (gateway, gate) = (version(1), Gate::default());
    gateway.route(PLUGIN, "GET /gate", "authenticated", gate.handler());
    let old = start(&gateway, json!({}));
    let mut wire = Wire::open(old.address).await;
    wire.send(&request("GET /gate", &[], "")).await;
    patiently(gate.entered.notified()).await;
    let talk = async {
        gate.open.notify_one();
        let last = wire.reply().await;
        assert_eq!(
            (last.text().as_str(), last.header("connection")),
            ("\"through\"", Some("close"))
        );
    };
    patiently(async { tokio::join!(old.listening.stop(true), talk) }).await;
}

#[tokio::test]
async fn a_connection_that_has_said_nothing_yet_is_served() {
    let old = start(
        &version(1),
        json!({ "limits": { "drainMs": 60_000, "headMs": 60_000 } }),
    );
    let mut first = Wire::open(old.address).await;
    // Connections are accepted in their order, so this one's answer tells that the first is in.
    assert_eq!(get(old.address, "/version").await.text(), "1");
    let mut half = Wire::open(old.address).await;
    half.send("GET /version HTTP/1.1\r\nHost: local").await;
    assert_eq!(get(old.address, "/version").await.text(), "1");
    let talk = async {
        for (wire, rest) in [
            (&mut first, request("GET /version", &[], "")),
            (&mut half, "host\r\n\r\n".to_owned()),
        ] {
            wire.send(&rest).await;
            let reply = wire.reply().await;
            assert_eq!(
                (reply.text().as_str(), reply.header("connection")),
                ("1", Some("close"))
            );
        }
    };
    patiently(async { tokio::join!(old.listening.stop(true), talk) }).await;
}

#[tokio::test]
async fn idle_connections_are_closed_after_the_drain_limit_and_not_before() {
    let old = start(&version(1), json!({ "limits": { "drainMs": 300 } }));
    let mut idle = Wire::open(old.address).await;
    assert_eq!(idle.ask("GET /version", &[], "").await.status, 200);
    let began = Instant::now();
    let (rest, ()) = patiently(async { tokio::join!(idle.ended(), old.listening.stop(true)) }).await;
    assert_eq!(rest, b"");
    assert!(began.elapsed().as_millis() >= 300);
}

#[tokio::test]
async fn a_stop_without_a_successor_does_not_wait_for_idle_connections() {
    let server = start(&version(1), json!({ "limits": { "drainMs": 60_000 } }));
    let mut idle = Wire::open(server.address).await;
    assert_eq!(idle.ask("GET /version", &[], "").await.status, 200);
    patiently(server.listening.stop(false)).await;
    assert_eq!(idle.ended().await, b"");
    assert_eq!(server.listening.tasks(), 0);
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_up_a_stop_for_ever() {
    let (gateway, gate) = (TestGateway::new(), Gate::default());
    gateway.route(PLUGIN, "GET /gate", "authenticated", gate.handler());
    let server = start(&gateway, json!({ "limits": { "requestMs": 50 } }));
    let mut wire = Wire::open(server.address).await;
    wire.send(&request("GET /gate", &[], "")).await;
    patiently(gate.entered.notified()).await;
    patiently(server.listening.stop(false)).await;
    assert_eq!(wire.reply().await.error().0, 504);
}

/// A client that keeps its connection until it is told that it ends. Answers how many requests were answered.
async fn customer(address: std::net::SocketAddr, done: Arc<AtomicBool>, highest: Arc<AtomicU32>) -> u32 {
    let mut answered = 0;
    while !done.load(Ordering::SeqCst) {
        let mut wire = Wire::open(address).await;
        loop {
            wire.send(&request("GET /version", &[], "")).await;
            let reply = wire.reply_or_end().await.expect("a request was lost");
            assert_eq!(reply.status, 200);
            answered += 1;
            highest.fetch_max(reply.text().parse().unwrap(), Ordering::SeqCst);
            if reply.header("connection") == Some("close") || done.load(Ordering::SeqCst) {
                break;
            }
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_versions_follow_each_other() {
    const SWAPS: u32 = 30;
    let (done, highest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut current: Running = start(&version(0), json!({}));
    let customers: Vec<_> = (0..8)
        .map(|_| tokio::spawn(customer(current.address, Arc::clone(&done), Arc::clone(&highest))))
        .collect();
    for number in 1..=SWAPS {
        let next = current.successor(version(number), json!({}));
        patiently(current.listening.stop(true)).await;
        current = next;
        // Each version has work to do before the next one comes.
        patiently(async {
            while highest.load(Ordering::SeqCst) < number {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    done.store(true, Ordering::SeqCst);
    let mut answered = 0;
    for customer in customers {
        answered += patiently(customer).await.unwrap();
    }
    assert!(answered >= SWAPS, "{answered}");
}
