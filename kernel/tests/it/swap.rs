//! New versions in the place of old ones, under load, and every way that can go wrong.

use crate::rig::{Rig, STOP, call, run, until, write_probe};
use objectos_kernel::{Error, Kernel};
use objectos_plugin_api::{Context, ErrorKind};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Files put in the place of a plugin that is called all the while.
const ROUNDS: u64 = 50;

/// Callers that do not stop until told; counts what went well and keeps what did not.
struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<tokio::task::JoinHandle<Result<u64, String>>>,
}

impl Load {
    fn begin(kernel: &Kernel, method: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let caller = |_| {
            let (service, stop) = (kernel.service("probe.a", "^1").unwrap(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut calls = 0;
                while !stop.load(Ordering::Relaxed) {
                    let context = Context::request("load").with_limit(Duration::from_secs(30));
                    let answer = service.call(method, &context, b"1").await;
                    answer.map_err(|error| format!("{error:?}"))?;
                    calls += 1;
                    tokio::task::yield_now().await;
                }
                Ok(calls)
            })
        };
        Self {
            callers: (0..4).map(caller).collect(),
            stop,
        }
    }

    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let mut calls = 0;
        for caller in self.callers {
            calls += caller.await.unwrap().unwrap();
        }
        calls
    }
}

fn exclusive(document: &mut Value) {
    document["objectos"]["swap"] = json!("exclusive");
}

/// The same, with more time for calls under way than any swap takes that waits for nothing else.
fn patient(document: &mut Value) {
    exclusive(document);
    document["objectos"]["limits"]["drainMs"] = json!(20_000);
}

#[test]
fn swaps_under_load_lose_no_call_carry_the_state_and_unmap_the_old_library() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        let (kernel, _) = rig.boot().await;
        call(&kernel, "probe.a", "count", json!(null)).await.unwrap();
        let load = Load::begin(&kernel, "wait");
        for round in 1..=ROUNDS {
            rig.replace("probe.a", &format!("1.0.{round}"), |_| {});
            let report = kernel.swap("probe.a").await.unwrap();
            assert_eq!(
                (report.generation, report.to_version),
                (round + 1, format!("1.0.{round}"))
            );
            until("the end of the old version", || async {
                kernel.plugins()["plugins"][0]["lastSwap"]["unmapped"] != Value::Null
            })
            .await;
            let last = kernel.plugins()["plugins"][0]["lastSwap"].clone();
            assert_eq!(last["unmapped"], json!(true), "{last}");
        }
        assert!(load.end().await > 0);
        let count = call(&kernel, "probe.a", "count", json!(null)).await.unwrap();
        let mut state = &count["resumed"];
        for _ in 1..ROUNDS {
            state = &state["resumed"];
        }
        assert_eq!(
            state["calls"],
            json!(1),
            "the first state lies {ROUNDS} swaps deep: {count}"
        );
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_thread_that_another_plugin_started_does_not_hold_a_library() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        rig.probe("probe.b", json!({ "routes": false }), |_| {});
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        // The thread of b wakes a task of a, and is idle from then on.
        let there = json!({ "service": "probe.b", "method": "by_thread", "payload": 1 });
        call(&kernel, "probe.a", "onward_in_task", there.clone()).await.unwrap();
        rig.replace("probe.a", "1.0.1", |_| {});
        kernel.swap("probe.a").await.unwrap();
        until("the end of the old version", || async {
            kernel.plugins()["plugins"][0]["lastSwap"]["unmapped"] != Value::Null
        })
        .await;
        let last = kernel.plugins()["plugins"][0]["lastSwap"].clone();
        assert_eq!(last["unmapped"], json!(true), "{last}");
        // It still answers, and wakes tasks of the new version.
        call(&kernel, "probe.a", "onward_in_task", there).await.unwrap();
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn an_exclusive_plugin_is_never_open_twice_and_calls_wait() {
    run(async {
        let mut rig = Rig::new();
        let file = rig.path("exclusive");
        rig.probe("probe.a", json!({ "exclusiveFile": file }), exclusive);
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        let load = Load::begin(&kernel, "wait");
        for round in 1..=5_u64 {
            rig.replace("probe.a", &format!("1.0.{round}"), exclusive);
            let report = kernel.swap("probe.a").await.unwrap();
            assert_eq!(report.generation, round + 1);
            assert!(file.exists());
        }
        assert!(load.end().await > 0);
        kernel.shutdown(STOP).await;
        assert!(!file.exists(), "the last one closed");
    });
}

#[test]
fn synchronous_calls_that_wait_do_not_hold_up_what_they_wait_for() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), patient);
        let (kernel, _) = rig.boot().await;
        // More of them than the executor has workers, while a call is under way that has to end first.
        let service = kernel.service("probe.a", "^1").unwrap();
        let context = || Context::request("slow").with_limit(Duration::from_secs(30));
        let slow = (service.clone(), context());
        let slow = tokio::spawn(async move { slow.0.call("wait", &slow.1, b"2000").await.map(drop) });
        until("the call", || async {
            kernel.metrics()["plugins"]["probe.a"]["inFlight"] == json!(1)
        })
        .await;
        let swapping = kernel.clone();
        let swap = tokio::spawn(async move { swapping.swap("probe.a").await });
        until("the drain", || async {
            kernel.plugins()["plugins"][0]["state"] == json!("swapping")
        })
        .await;
        let waiting: Vec<_> = (0..4)
            .map(|_| {
                let (service, context) = (service.clone(), context());
                tokio::spawn(async move { service.call_sync("echo_sync", &context, b"1").map(drop) })
            })
            .collect();
        let report = swap.await.unwrap().unwrap();
        assert!(
            report.switch_us < 15_000_000,
            "the swap waited for its callers: {report:?}"
        );
        slow.await.unwrap().unwrap();
        for call in waiting {
            call.await.unwrap().unwrap();
        }
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_call_that_comes_out_of_a_draining_one_passes() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), patient);
        rig.probe("probe.b", json!({ "routes": false }), |document| {
            document["objectos"]["services"]["uses"] = json!([{ "name": "probe.a", "range": "^1", "optional": true }]);
        });
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        // b calls a back while a is held for its swap, which waits for the call that a made to b.
        let back = json!({ "service": "probe.a", "method": "wait", "payload": 3, "afterMs": 2000 });
        let there = json!({ "service": "probe.b", "method": "onward", "payload": back });
        let own = kernel.clone();
        let chain = tokio::spawn(async move { call(&own, "probe.a", "onward", there).await });
        until("the call of b", || async {
            kernel.metrics()["plugins"]["probe.b"]["inFlight"] == json!(1)
        })
        .await;
        let report = kernel.swap("probe.a").await.unwrap();
        assert_eq!(report.generation, 2);
        assert!(
            report.switch_us < 15_000_000,
            "the swap did not wait for itself: {report:?}"
        );
        assert_eq!(chain.await.unwrap().unwrap(), json!(3));
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_version_that_does_not_come_up_leaves_the_old_one_in_charge() {
    let check = |how: &'static str, config: Value, owns: bool| {
        run(async move {
            let mut rig = Rig::new();
            let change = |document: &mut Value| {
                // Short only for what is to run out of time.
                let hangs = config["init"] == "hang" && document["manifest"]["version"] == "1.0.1";
                let limit_ms = if hangs { 300 } else { 20_000 };
                document["objectos"]["limits"] =
                    json!({ "initMs": limit_ms, "startMs": limit_ms, "stopMs": limit_ms, "drainMs": 20_000 });
                document["objectos"]["swap"] = json!(how);
                if document["manifest"]["version"] == "1.0.1" {
                    document["objectos"]["settings"] =
                        json!({ "type": "object", "properties": { "label": { "default": "x" } } });
                }
            };
            let file = rig.path("exclusive");
            let whole = if owns {
                json!({ "exclusiveFile": file })
            } else {
                json!({})
            };
            rig.probe("probe.a", whole, change);
            let (kernel, report) = rig.boot().await;
            assert!(report.complete(), "{report}");
            call(&kernel, "probe.a", "count", json!(null)).await.unwrap();
            // The new version is told to fail by the defaults of its own settings.
            rig.replace("probe.a", "1.0.1", |document| {
                change(document);
                let properties = config.as_object().unwrap().iter();
                let properties: serde_json::Map<String, Value> = properties
                    .map(|(key, value)| (key.clone(), json!({ "default": value })))
                    .collect();
                document["objectos"]["settings"] =
                    json!({ "type": "object", "additionalProperties": true, "properties": properties });
            });
            let error = kernel.swap("probe.a").await.unwrap_err();
            assert!(
                matches!(error, Error::SwapFailed { .. }),
                "{how} {config}: {}",
                error.chain()
            );
            let answer = call(&kernel, "probe.a", "count", json!(null)).await.unwrap();
            let calls = if how == "exclusive" {
                &answer["resumed"]["calls"]
            } else {
                &answer["calls"]
            };
            let expected = if how == "exclusive" { 1 } else { 2 };
            assert_eq!(calls, &json!(expected), "{how} {config}: {answer}");
            assert_eq!(kernel.plugins()["plugins"][0]["version"], "1.0.0");
            assert_eq!(kernel.metrics()["swapsFailed"], json!(1));
            kernel.shutdown(STOP).await;
        });
    };
    for config in [
        json!({ "init": "error" }),
        json!({ "start": "panic" }),
        json!({ "unhealthy": true }),
        json!({ "init": "hang" }),
    ] {
        check("parallel", config.clone(), false);
        check("exclusive", config, true);
    }
}

#[test]
fn a_file_that_does_not_fit_is_refused_before_anything_happens() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        rig.probe("probe.b", json!({ "routes": false }), |document| {
            document["objectos"]["services"]["uses"] = json!([{ "name": "probe.a", "range": "^1" }]);
        });
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        let refused = |error: Error, expected: &str| {
            assert!(matches!(error, Error::SwapRefused { .. }), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        };
        write_probe(&rig.library("probe.a"), |document| {
            document["manifest"]["id"] = json!("probe.other");
            document["security"]["pluginId"] = json!("probe.other");
        });
        refused(kernel.swap("probe.a").await.unwrap_err(), "is another plugin");
        rig.replace("probe.a", "1.1.0", |document| {
            document["objectos"]["services"]["provides"] = json!([])
        });
        refused(kernel.swap("probe.a").await.unwrap_err(), "needs service `probe.a` ^1");
        rig.replace("probe.a", "1.1.0", |document| {
            document["objectos"]["services"]["provides"][0]["version"] = json!("2.0.0")
        });
        refused(kernel.swap("probe.a").await.unwrap_err(), "offered is");
        std::fs::write(rig.library("probe.a"), "no library").unwrap();
        refused(kernel.swap("probe.a").await.unwrap_err(), "not an ELF file");
        refused(
            kernel.swap_with("probe.a", "../run".into()).await.unwrap_err(),
            "outside the plugin folder",
        );
        let error = kernel.swap("probe.x").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no plugin probe.x; the nearest name is probe.a"
        );
        assert_eq!(call(&kernel, "probe.a", "echo", json!(7)).await.unwrap(), json!(7));
        assert_eq!(kernel.plugins()["plugins"][0]["generation"], json!(1));
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_plugin_that_panics_is_restarted_and_its_callers_read_why() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |document| {
            document["objectos"]["health"] = json!({ "maxRestartAttempts": 1 })
        });
        let (kernel, _) = rig.boot().await;
        let error = call(&kernel, "probe.a", "panic", json!(null)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Panicked, "something went wrong on the server")
        );
        assert_eq!(
            error.internal_message(),
            "plugin probe.a panicked: the method was told to panic"
        );
        let generation = || kernel.plugins()["plugins"][0]["generation"].clone();
        until("the restart", || async {
            generation() == json!(2) && kernel.health().ready
        })
        .await;
        assert_eq!(call(&kernel, "probe.a", "echo", json!(1)).await.unwrap(), json!(1));
        // A panic in a task of the plugin's own runtime is the plugin's business.
        assert_eq!(
            call(&kernel, "probe.a", "spawn_panic", json!(null)).await.unwrap(),
            json!(true)
        );
        // The one restart is used up: it stays, and is reported as failed.
        call(&kernel, "probe.a", "panic", json!(null)).await.unwrap_err();
        until("the verdict", || async {
            kernel.plugins()["plugins"][0]["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("1 restarts are used up"))
        })
        .await;
        assert_eq!(generation(), json!(2));
        assert_eq!(call(&kernel, "probe.a", "echo", json!(1)).await.unwrap(), json!(1));
        assert_eq!(kernel.health().status, "unhealthy");
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_plugin_that_says_so_is_not_restarted_after_a_panic() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |document| {
            document["objectos"]["health"] = json!({ "autoRestart": false });
        });
        let (kernel, _) = rig.boot().await;
        call(&kernel, "probe.a", "panic", json!(null)).await.unwrap_err();
        until("the verdict", || async {
            kernel.plugins()["plugins"][0]["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("its 0 restarts are used up"))
        })
        .await;
        assert_eq!(kernel.plugins()["plugins"][0]["generation"], json!(1));
        assert_eq!(kernel.health().status, "unhealthy");
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn the_kernel_service_swaps_and_restarts() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        let (kernel, _) = rig.boot().await;
        // Through the plugin that is swapped itself: its own call is under way meanwhile.
        let swap = json!({ "service": "kernel", "method": "swap", "payload": { "plugin": "probe.a" } });
        let report = call(&kernel, "probe.a", "onward", swap).await.unwrap();
        assert_eq!(report["generation"], json!(2), "{report}");
        let restart = json!({ "service": "kernel", "method": "restart", "payload": "probe.a" });
        call(&kernel, "probe.a", "onward", restart).await.unwrap();
        assert_eq!(kernel.plugins()["plugins"][0]["generation"], json!(3));
        let wrong = json!({ "service": "kernel", "method": "restart", "payload": "probe.z" });
        let error = call(&kernel, "probe.a", "onward", wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn the_watcher_swaps_what_changed_and_loads_what_is_new() {
    run(async {
        let mut rig = Rig::new();
        let listens = json!({ "events": [{ "name": "told", "pattern": "plugin.*" }] });
        let declares = |document: &mut Value| document["objectos"]["events"]["handles"] = json!(["plugin.*"]);
        rig.probe("probe.a", listens, declares);
        rig.configure("probe.b", json!({ "routes": false }));
        let mut options = rig.options();
        options.watch = true;
        options.limits.watch_quiet_ms = 20;
        let (kernel, _) = Kernel::boot(options, tokio::runtime::Handle::current()).await.unwrap();
        rig.replace("probe.a", "1.0.1", declares);
        until("the swap", || async {
            kernel.plugins()["plugins"][0]["version"] == "1.0.1"
        })
        .await;
        rig.replace("probe.b", "1.0.0", |_| {});
        until("the new plugin", || async {
            call(&kernel, "probe.b", "echo", json!(2)).await.is_ok()
        })
        .await;
        std::fs::remove_file(rig.library("probe.b")).unwrap();
        until("that it is told", || async {
            let seen = call(&kernel, "probe.a", "seen", json!(null)).await.unwrap();
            seen.as_array()
                .is_some_and(|seen| seen.contains(&json!("plugin.removed")))
        })
        .await;
        assert_eq!(call(&kernel, "probe.b", "echo", json!(2)).await.unwrap(), json!(2));
        kernel.shutdown(STOP).await;
    });
}
