//! Bodies that one plugin makes while another one reads them: to their end, to their failure, until nobody reads, and while
//! the plugin that makes them is replaced.

use crate::rig::{Rig, STOP, call, run, until};
use objectos_kernel::{Kernel, clock::ManualClock, threads::ThreadRules};
use objectos_plugin_api::{Error, ErrorKind};
use objectos_protocol::kernel::plugin_document::ThreadMode;
use serde_json::{Value, json};
use std::sync::Arc;

/// Makes bodies.
const MAKER: &str = "probe.a";
/// Reads them, as the gateway does.
const READER: &str = "probe.b";

/// Long enough for a piece, unless it never comes.
const PIECE_MS: u64 = 10_000;

fn rig(change: impl FnOnce(&mut Value)) -> Rig {
    let mut rig = Rig::new();
    rig.probe(MAKER, json!({}), change);
    rig.probe(READER, json!({ "routes": false }), |document| {
        document["objectos"]["services"]["uses"] = json!([{ "name": "route:*", "range": "*", "optional": true }]);
    });
    rig
}

async fn open(kernel: &Kernel, kind: &str) -> Value {
    let opening = json!({ "plugin": MAKER, "name": format!("stream-{kind}") });
    call(kernel, READER, "stream_open", opening).await.unwrap()
}

async fn next(kernel: &Kernel, stream: &Value) -> Result<Value, Error> {
    next_within(kernel, stream, PIECE_MS).await
}

async fn next_within(kernel: &Kernel, stream: &Value, limit_ms: u64) -> Result<Value, Error> {
    let reading = json!({ "stream": stream, "limitMs": limit_ms });
    call(kernel, READER, "stream_next", reading).await
}

/// Bodies that the plugin still has, and calls and bodies that the kernel counts.
async fn alive(kernel: &Kernel) -> (Value, Value) {
    let bodies = call(kernel, MAKER, "streaming", json!(null)).await.unwrap();
    (bodies, kernel.metrics()["plugins"][MAKER]["inFlight"].clone())
}

/// Waits until so many bodies are left, and hold the plugin. Whoever watches over it may hold it for a moment, too.
async fn left(kernel: &Kernel, count: u32) {
    until("the number of bodies", || async {
        alive(kernel).await == (json!(count), json!(count))
    })
    .await;
}

async fn read_and_let_go(kernel: &Kernel) {
    let three = open(kernel, "3").await;
    for piece in ["piece 0", "piece 1", "piece 2"] {
        left(kernel, 1).await;
        assert_eq!(next(kernel, &three).await.unwrap(), json!(piece));
    }
    for _ in 0..2 {
        assert_eq!(next(kernel, &three).await.unwrap(), Value::Null);
    }
    left(kernel, 0).await;

    let endless = open(kernel, "endless").await;
    let other = open(kernel, "endless").await;
    assert_eq!(next(kernel, &endless).await.unwrap(), json!("piece 0"));
    assert_eq!(next(kernel, &endless).await.unwrap(), json!("piece 1"));
    assert_eq!(next(kernel, &other).await.unwrap(), json!("piece 0"));
    left(kernel, 2).await;
    for stream in [endless, other] {
        call(kernel, READER, "stream_close", stream).await.unwrap();
    }
    left(kernel, 0).await;
}

#[test]
fn a_body_is_made_as_it_is_read_and_is_gone_when_nobody_reads_it() {
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
            read_and_let_go(&kernel).await;
            kernel.shutdown(STOP).await;
        });
    }
}

#[test]
fn a_body_that_nobody_ever_asks_for_is_dropped() {
    run(async {
        let rig = rig(|_| {});
        // 2025-01-31T08:00:00Z.
        let clock = ManualClock::new(1_738_310_400_000);
        let mut options = rig.options();
        options.clock = Arc::new(clock.clone());
        let (kernel, report) = Kernel::boot(options, tokio::runtime::Handle::current()).await.unwrap();
        assert!(report.complete(), "{report}");

        let read = open(&kernel, "endless").await;
        let forgotten = open(&kernel, "endless").await;
        assert_eq!(next(&kernel, &read).await.unwrap(), json!("piece 0"));
        left(&kernel, 2).await;
        clock.advance_ms(60_000);
        left(&kernel, 1).await;
        assert_eq!(next(&kernel, &read).await.unwrap(), json!("piece 1"));
        assert!(next(&kernel, &forgotten).await.is_err());
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn what_fails_in_the_middle_of_a_body_is_told_to_its_reader() {
    run(async {
        let rig = rig(|_| {});
        let (kernel, _) = rig.boot().await;
        // The panic last: it brings a new generation.
        for (kind, limit_ms, expected) in [
            ("error", PIECE_MS, ErrorKind::NotFound),
            ("hang", 50, ErrorKind::Timeout),
            ("panic", PIECE_MS, ErrorKind::Panicked),
        ] {
            let stream = open(&kernel, kind).await;
            assert_eq!(next(&kernel, &stream).await.unwrap(), json!("piece 0"), "{kind}");
            let error = next_within(&kernel, &stream, limit_ms).await.unwrap_err();
            assert_eq!(error.kind(), expected, "{kind}: {error:?}");
            left(&kernel, 0).await;
        }
        until("the next generation", || async {
            kernel.plugins()["plugins"][0]["generation"] == json!(2)
        })
        .await;
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_swap_waits_for_a_body_and_breaks_it_off_at_its_limit() {
    for mode in ["parallel", "exclusive"] {
        run(async move {
            let change = move |drain_ms: u64| {
                move |document: &mut Value| {
                    document["objectos"]["swap"] = json!(mode);
                    document["objectos"]["limits"]["drainMs"] = json!(drain_ms);
                }
            };
            let rig = rig(change(15_000));
            let (kernel, report) = rig.boot().await;
            assert!(report.complete(), "{report}");

            // It goes on in its generation until its end, and the swap with it.
            let stream = open(&kernel, "3").await;
            rig.replace(MAKER, "1.0.1", change(200));
            let swapping = kernel.clone();
            let swap = tokio::spawn(async move { swapping.swap(MAKER).await });
            until("the swap", || async {
                kernel.plugins()["plugins"][0]["state"] != json!("running")
                    || kernel.plugins()["plugins"][0]["generation"] == json!(2)
            })
            .await;
            for piece in [json!("piece 0"), json!("piece 1"), json!("piece 2"), Value::Null] {
                assert_eq!(next(&kernel, &stream).await.unwrap(), piece, "{mode}");
            }
            assert_eq!(swap.await.unwrap().unwrap().generation, 2, "{mode}");
            unmapped(&kernel).await;

            // One that has no end is broken off.
            let stream = open(&kernel, "endless").await;
            assert_eq!(next(&kernel, &stream).await.unwrap(), json!("piece 0"));
            rig.replace(MAKER, "1.0.2", change(200));
            assert_eq!(kernel.swap(MAKER).await.unwrap().generation, 3, "{mode}");
            until("the end of the body", || async {
                next(&kernel, &stream).await.is_err()
            })
            .await;
            unmapped(&kernel).await;
            kernel.shutdown(STOP).await;
        });
    }
}

/// The old generation has left memory.
async fn unmapped(kernel: &Kernel) {
    until("the end of the old version", || async {
        kernel.plugins()["plugins"][0]["lastSwap"]["unmapped"] != Value::Null
    })
    .await;
    let last = kernel.plugins()["plugins"][0]["lastSwap"].clone();
    assert_eq!(last["unmapped"], json!(true), "{last}");
}
