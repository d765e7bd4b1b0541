//! Plugins that block threads: what it costs them, and that it costs nobody else.

use crate::rig::{Rig, SOON, STOP, call, run, until};
use objectos_kernel::{Kernel, threads::ThreadRules};
use objectos_plugin_api::{Context, Error, ErrorKind};
use objectos_protocol::kernel::{HealthCheckStatus, plugin_document::ThreadMode};
use serde_json::{Value, json};
use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Longer than any test looks, short enough for a test program to end.
const LONG_MS: u64 = 20_000;
/// A caller's patience.
const PATIENCE: Duration = Duration::from_secs(1);

/// A kernel with a probe that blocks and another one beside it.
struct Ward {
    rig: Rig,
    kernel: Kernel,
    id: &'static str,
}

impl Ward {
    async fn new(id: &'static str, mode: ThreadMode, max: usize) -> Self {
        let mut rig = Rig::new();
        // Its library is to be given up soon.
        let limits = json!({ "drainMs": 100, "stopMs": 1000 });
        rig.probe(id, json!({ "routes": false }), |document| {
            document["objectos"]["limits"] = limits;
        });
        rig.probe("probe.b", json!({ "routes": false }), |_| {});
        let mut options = rig.options();
        let rules = ThreadRules {
            mode: Some(mode),
            max: Some(max),
        };
        options.threads.insert(id.to_owned(), rules);
        let (kernel, report) = Kernel::boot(options, tokio::runtime::Handle::current()).await.unwrap();
        assert!(report.complete(), "{report}");
        Self { rig, kernel, id }
    }

    /// Asks the probe that blocks.
    fn ask(&self, method: &'static str, pause_ms: u64) -> impl Future<Output = Result<Vec<u8>, Error>> + Send + use<> {
        self.within(PATIENCE, method, pause_ms)
    }

    /// Asks it what it is to answer.
    fn hear(&self, method: &'static str, pause_ms: u64) -> impl Future<Output = Result<Vec<u8>, Error>> + Send + use<> {
        self.within(SOON, method, pause_ms)
    }

    fn within(
        &self,
        limit: Duration,
        method: &'static str,
        pause_ms: u64,
    ) -> impl Future<Output = Result<Vec<u8>, Error>> + Send + use<> {
        let (kernel, id) = (self.kernel.clone(), self.id);
        let context = Context::request("r1").with_limit(limit);
        async move {
            let payload = pause_ms.to_string().into_bytes();
            kernel.call_service(id, method, context, payload).await
        }
    }

    /// The other probe answers, however often it is asked.
    async fn others_go_on(&self) {
        for round in 0..20 {
            let answer = call(&self.kernel, "probe.b", "echo", json!(round)).await;
            assert_eq!(answer.unwrap(), json!(round));
        }
    }

    fn threads(&self) -> Value {
        let plugins = self.kernel.plugins();
        let list = plugins["plugins"].as_array().unwrap();
        list.iter().find(|plugin| plugin["id"] == self.id).unwrap()["threads"].clone()
    }

    /// What the plugin's health says of its threads.
    fn verdict(&self) -> Option<(HealthCheckStatus, String)> {
        let health = self.kernel.health();
        let mut checks = health.plugins[self.id].checks.iter();
        let check = checks.find(|check| check.name == "threads")?;
        Some((check.status, check.message.clone().unwrap_or_default()))
    }
}

fn timed_out(answer: Result<Vec<u8>, Error>) {
    assert_eq!(answer.map_err(|error| error.kind()), Err(ErrorKind::Timeout));
}

#[test]
fn a_plugin_with_threads_of_its_own_blocks_those_alone() {
    run(async {
        let ward = Ward::new("probe.own", ThreadMode::Own, 2).await;
        assert_eq!(ward.threads()["running"], json!(0), "no thread before it is called");
        let calls: Vec<_> = (0..4).map(|_| tokio::spawn(ward.ask("block", 3000))).collect();
        ward.others_go_on().await;
        let begun = Instant::now();
        for answer in calls {
            timed_out(answer.await.unwrap());
        }
        assert!(
            begun.elapsed() < Duration::from_millis(2500),
            "they waited for the threads"
        );
        assert_eq!(ward.threads()["running"], json!(2));
        until("the verdict", || async {
            ward.verdict()
                .is_some_and(|(status, _)| status == HealthCheckStatus::Failed)
        })
        .await;
        assert_eq!(
            ward.verdict().unwrap().1,
            "2 threads are blocked in it, of 2 it may have"
        );
        // Once they are back, so is the plugin; calls that were given up were never begun.
        until("an answer", || async { ward.ask("echo", 1).await.is_ok() }).await;
        assert_eq!(ward.threads()["waiting"], json!(0));
        until("the end of idle threads", || async {
            ward.threads()["running"] == json!(0)
        })
        .await;
        assert_eq!(ward.hear("echo", 7).await.unwrap(), b"7");
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_blocked_generation_is_kept_and_the_swap_goes_on() {
    run(async {
        let ward = Ward::new("probe.swapped", ThreadMode::Own, 1).await;
        timed_out(ward.ask("block", LONG_MS).await);
        ward.rig.replace(ward.id, "1.0.1", |_| {});
        let report = ward.kernel.swap(ward.id).await.unwrap();
        assert_eq!(report.generation, 2);
        assert_eq!(ward.hear("echo", 7).await.unwrap(), b"7");
        let kept = || {
            let plugins = ward.kernel.plugins();
            let list = plugins["plugins"].as_array().unwrap().clone();
            let own = list.into_iter().find(|plugin| plugin["id"] == ward.id).unwrap();
            own["lastSwap"]["kept"].as_str().unwrap_or_default().to_owned()
        };
        until("the old version's end", || async { !kept().is_empty() }).await;
        assert!(
            kept().ends_with("of its calls or phases have not ended; 1 threads are blocked in it"),
            "{}",
            kept()
        );
        ward.others_go_on().await;
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_plugin_that_blocks_a_thread_it_shares_is_found_out() {
    run(async {
        let ward = Ward::new("probe.shared", ThreadMode::Shared, 2).await;
        assert_eq!(ward.threads()["mode"], json!("shared"));
        // One of the two threads of this runtime.
        let first = tokio::spawn(ward.ask("block", 3000));
        until("the verdict", || async { ward.verdict().is_some() }).await;
        let (status, message) = ward.verdict().unwrap();
        assert_eq!(status, HealthCheckStatus::Warning);
        assert!(
            message.contains("blocked a thread of somebody else in a call of its service probe.shared"),
            "{message}"
        );
        assert_eq!(ward.threads()["mode"], json!("own"));
        let more: Vec<_> = (0..4).map(|_| tokio::spawn(ward.ask("block", 3000))).collect();
        ward.others_go_on().await;
        for answer in more {
            timed_out(answer.await.unwrap());
        }
        // It answered at last, too late or not: its thread is back.
        drop(first.await.unwrap());
        until("the threads' return", || async { ward.threads()["stuck"] == json!(0) }).await;
        // The next generation gets another chance.
        ward.kernel.restart(ward.id).await.unwrap();
        assert_eq!(ward.threads()["mode"], json!("shared"));
        assert_eq!(ward.verdict(), None);
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_call_that_blocks_as_it_is_dropped_is_found_out() {
    run(async {
        let ward = Ward::new("probe.dropped", ThreadMode::Shared, 2).await;
        // Dropped at its deadline.
        let asked = tokio::spawn(ward.ask("block_as_dropped", 3000));
        until("the verdict", || async { ward.verdict().is_some() }).await;
        let (_, message) = ward.verdict().unwrap();
        assert!(
            message.contains("blocked a thread of somebody else in a call of its service probe.dropped"),
            "{message}"
        );
        timed_out(asked.await.unwrap());
        // The next one is dropped on a thread of the plugin's own.
        timed_out(ward.ask("block_as_dropped", 3000).await);
        for blocked in [1, 0] {
            until("threads", || async { ward.threads()["stuck"] == json!(blocked) }).await;
        }
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_synchronous_call_is_watched_as_well() {
    run(async {
        let ward = Ward::new("probe.sync", ThreadMode::Own, 2).await;
        let service = ward.kernel.service(ward.id, "*").unwrap();
        let asked = tokio::task::spawn_blocking(move || {
            let context = Context::request("r1").with_limit(SOON);
            service.call_sync("block_sync", &context, b"3000")
        });
        until("the verdict", || async { ward.verdict().is_some() }).await;
        let (_, message) = ward.verdict().unwrap();
        assert!(
            message.contains("a synchronous call of its service probe.sync"),
            "{message}"
        );
        assert_eq!(asked.await.unwrap().unwrap(), b"3000");
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn background_tasks_block_the_plugins_own_threads_and_end_before_its_library_goes() {
    run(async {
        let ward = Ward::new("probe.tasks", ThreadMode::Own, 4).await;
        // More of them than the executor has threads.
        for _ in 0..3 {
            assert!(ward.hear("spawn_blocked", 8000).await.is_ok());
        }
        assert!(ward.hear("spawn", 0).await.is_ok());
        let begun = Instant::now();
        ward.others_go_on().await;
        assert!(begun.elapsed() < Duration::from_millis(7500), "the others waited");
        let count = || async { ward.hear("spawned", 0).await.unwrap_or_default() };
        assert_eq!(count().await, b"4");
        // One of them never ends by itself.
        until("the end of three tasks", || async { count().await == b"1" }).await;
        ward.kernel.restart(ward.id).await.unwrap();
        until("the old version's end", || async {
            let plugins = ward.kernel.plugins();
            let list = plugins["plugins"].as_array().unwrap();
            let own = list.iter().find(|plugin| plugin["id"] == ward.id).unwrap();
            own["lastSwap"]["unmapped"].is_boolean()
        })
        .await;
        assert_eq!(count().await, b"0");
        ward.kernel.shutdown(STOP).await;
    });
}
