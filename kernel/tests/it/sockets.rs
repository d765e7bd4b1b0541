//! Sockets that one plugin answered with and another one holds, as the gateway does: messages both ways, what fails on the
//! way, and that none of them keeps its plugin from being replaced or stopped.

use crate::rig::{Rig, STOP, call, run, until};
use objectos_kernel::{Kernel, threads::ThreadRules};
use objectos_plugin_api::{Error, ErrorKind, SERVICE_RESTART};
use objectos_protocol::kernel::plugin_document::ThreadMode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Answers with sockets.
const MAKER: &str = "probe.a";
/// Holds them.
const HOLDER: &str = "probe.b";

fn rig(change: impl FnOnce(&mut Value)) -> Rig {
    let mut rig = Rig::new();
    rig.probe(MAKER, json!({}), change);
    rig.probe(HOLDER, json!({ "routes": false }), |document| {
        document["objectos"]["services"]["uses"] = json!([{ "name": "route:*", "range": "*", "optional": true }]);
    });
    rig
}

async fn open(kernel: &Kernel, kind: &str) -> Value {
    let opening = json!({ "plugin": MAKER, "name": format!("socket-{kind}") });
    call(kernel, HOLDER, "socket_open", opening).await.unwrap()
}

async fn next(kernel: &Kernel, socket: &Value) -> Result<Value, Error> {
    call(kernel, HOLDER, "socket_next", socket.clone()).await
}

#[allow(clippy::needless_pass_by_value, reason = "written where it is meant")]
async fn push(kernel: &Kernel, socket: &Value, message: Value) -> Result<Value, Error> {
    call(
        kernel,
        HOLDER,
        "socket_push",
        json!({ "socket": socket, "message": message }),
    )
    .await
}

async fn close(kernel: &Kernel, socket: &Value) {
    call(kernel, HOLDER, "socket_close", socket.clone()).await.unwrap();
}

/// Waits until so many sockets are left: each has two sides in its plugin, and holds it once.
async fn left(kernel: &Kernel, count: u32) {
    until("the number of sockets", || async {
        let sides = call(kernel, MAKER, "streaming", json!(null)).await.unwrap();
        let held = kernel.metrics()["plugins"][MAKER]["inFlight"].clone();
        (sides, held) == (json!(2 * count), json!(count))
    })
    .await;
}

async fn say_and_hear(kernel: &Kernel) {
    let first = open(kernel, "greet").await;
    let second = open(kernel, "echo").await;
    left(kernel, 2).await;
    assert_eq!(next(kernel, &first).await.unwrap(), json!(MAKER));
    for (socket, text) in [(&first, "one"), (&second, "two")] {
        push(kernel, socket, json!(text)).await.unwrap();
        assert_eq!(next(kernel, socket).await.unwrap(), json!(text));
    }
    // Whoever says nothing more hears on.
    push(kernel, &first, json!("end")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(next(kernel, &first).await.unwrap(), Value::Null);
    }
    push(kernel, &first, json!("still")).await.unwrap();
    push(kernel, &first, json!(1000)).await.unwrap();
    close(kernel, &first).await;
    close(kernel, &second).await;
    left(kernel, 0).await;
    assert!(push(kernel, &first, json!("late")).await.is_err());
}

#[test]
fn a_socket_says_and_hears_until_it_is_let_go() {
    for mode in [ThreadMode::Shared, ThreadMode::Own] {
        run(async move {
            let rig = rig(|_| {});
            let mut options = rig.options();
            let rules = ThreadRules {
                mode: Some(mode),
                max: Some(2),
            };
            options.threads.insert(MAKER.to_owned(), rules);
            let (kernel, report) = Kernel::boot(options, tokio::runtime::Handle::current()).await.unwrap();
            assert!(report.complete(), "{report}");
            say_and_hear(&kernel).await;
            kernel.shutdown(STOP).await;
        });
    }
}

#[test]
fn what_fails_as_a_message_is_heard_is_told_to_whoever_said_it() {
    run(async {
        let rig = rig(|_| {});
        let (kernel, _) = rig.boot().await;
        let socket = open(&kernel, "echo").await;
        let error = push(&kernel, &socket, json!("error")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
        // It is for whoever holds the socket to end it.
        push(&kernel, &socket, json!("again")).await.unwrap();
        assert_eq!(next(&kernel, &socket).await.unwrap(), json!("again"));

        // One at a time; and the end of the socket is the end of what it hears.
        let hangs = tokio::spawn({
            let (kernel, socket) = (kernel.clone(), socket.clone());
            async move { push(&kernel, &socket, json!("hang")).await }
        });
        until("what hears it", || async {
            call(&kernel, MAKER, "streaming", json!(null)).await.unwrap() == json!(3)
        })
        .await;
        let refused = push(&kernel, &socket, json!("crowd")).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused:?}");
        close(&kernel, &socket).await;
        assert_eq!(hangs.await.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
        left(&kernel, 0).await;

        // A panic brings a new generation.
        let socket = open(&kernel, "echo").await;
        let error = push(&kernel, &socket, json!("panic")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked, "{error:?}");
        until("the next generation", || async {
            kernel.plugins()["plugins"][0]["generation"] == json!(2)
        })
        .await;
        until("the end of the socket", || async {
            next(&kernel, &socket)
                .await
                .is_err_and(|error| error.code() == SERVICE_RESTART)
        })
        .await;
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_swap_ends_sockets_at_once() {
    for mode in ["parallel", "exclusive"] {
        run(async move {
            let change = move |document: &mut Value| {
                document["objectos"]["swap"] = json!(mode);
                document["objectos"]["limits"]["drainMs"] = json!(60_000);
            };
            let rig = rig(change);
            let (kernel, report) = rig.boot().await;
            assert!(report.complete(), "{report}");

            // Somebody waits for one; one hears something for ever; and one lies about.
            let (silent, deaf, idle) = (
                open(&kernel, "echo").await,
                open(&kernel, "echo").await,
                open(&kernel, "echo").await,
            );
            let waits = tokio::spawn({
                let kernel = kernel.clone();
                async move { next(&kernel, &silent).await }
            });
            let hangs = tokio::spawn({
                let (kernel, deaf) = (kernel.clone(), deaf.clone());
                async move { push(&kernel, &deaf, json!("hang")).await }
            });
            until("what hears it", || async {
                call(&kernel, MAKER, "streaming", json!(null)).await.unwrap() == json!(7)
            })
            .await;

            rig.replace(MAKER, "1.0.1", change);
            let since = Instant::now();
            assert_eq!(kernel.swap(MAKER).await.unwrap().generation, 2, "{mode}");
            for ended in [waits, hangs] {
                assert_eq!(ended.await.unwrap().unwrap_err().code(), SERVICE_RESTART, "{mode}");
            }
            for socket in [&deaf, &idle] {
                assert_eq!(
                    next(&kernel, socket).await.unwrap_err().code(),
                    SERVICE_RESTART,
                    "{mode}"
                );
            }
            until("the end of the old version", || async {
                kernel.plugins()["plugins"][0]["lastSwap"]["unmapped"] == json!(true)
            })
            .await;
            assert!(since.elapsed() < Duration::from_secs(30), "{mode}: it held the drain");

            // The next generation has sockets of its own.
            let socket = open(&kernel, "greet").await;
            assert_eq!(next(&kernel, &socket).await.unwrap(), json!(MAKER), "{mode}");
            let since = Instant::now();
            kernel.shutdown(STOP).await;
            assert!(since.elapsed() < STOP / 2, "{mode}: it held the stop");
        });
    }
}

#[test]
fn a_swap_that_fails_leaves_a_plugin_that_has_sockets_again() {
    run(async {
        let change = |document: &mut Value| document["objectos"]["swap"] = json!("exclusive");
        let mut rig = rig(change);
        rig.configure(MAKER, json!({ "suspend": "error" }));
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        let before = open(&kernel, "echo").await;
        rig.replace(MAKER, "1.0.1", change);
        kernel.swap(MAKER).await.unwrap_err();
        assert_eq!(next(&kernel, &before).await.unwrap_err().code(), SERVICE_RESTART);
        let after = open(&kernel, "greet").await;
        assert_eq!(next(&kernel, &after).await.unwrap(), json!(MAKER));
        kernel.shutdown(STOP).await;
    });
}
