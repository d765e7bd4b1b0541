//! Probes and what follows from them, by a clock that stands still until the test goes on.

use crate::rig::{Rig, STOP, call, run, until};
use objectos_kernel::{
    Kernel,
    clock::{Clock, ManualClock, Sleep},
};
use objectos_protocol::kernel::PluginHealthStatus;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// 2025-01-31T08:00:00Z.
const START_MS: i64 = 1_738_310_400_000;
/// The monitor looks around once a second.
const ROUND_MS: i64 = 1000;

/// A clock that remembers for which moments somebody waited, and how often.
#[derive(Clone, Debug)]
struct Watched {
    clock: ManualClock,
    moments: Arc<Mutex<Vec<i64>>>,
}

impl Watched {
    fn waits_for(&self, at_ms: i64) -> usize {
        self.moments
            .lock()
            .unwrap()
            .iter()
            .filter(|known| **known == at_ms)
            .count()
    }
}

impl Clock for Watched {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn sleep_until_ms(&self, at_ms: i64) -> Sleep {
        self.moments.lock().unwrap().push(at_ms);
        self.clock.sleep_until_ms(at_ms)
    }
}

/// A kernel with one probe, and its time.
struct Ward {
    rig: Rig,
    kernel: Kernel,
    clock: Watched,
}

impl Ward {
    /// The probe is told `config`, and its manifest says `health`.
    async fn new(config: Value, health: Value) -> Self {
        Self::of(config, |document| document["objectos"]["health"] = health).await
    }

    async fn of(config: Value, change: impl FnOnce(&mut Value)) -> Self {
        let mut rig = Rig::new();
        rig.probe("probe.a", config, change);
        Self::begin(rig).await
    }

    async fn begin(rig: Rig) -> Self {
        let ward = Self::boot(rig).await;
        ward.settled(0).await;
        ward
    }

    async fn boot(rig: Rig) -> Self {
        let clock = Watched {
            clock: ManualClock::new(START_MS),
            moments: Arc::default(),
        };
        let mut options = rig.options();
        options.clock = Arc::new(clock.clone());
        let (kernel, report) = Kernel::boot(options, tokio::runtime::Handle::current()).await.unwrap();
        assert!(report.complete(), "{report}");
        Self { rig, kernel, clock }
    }

    /// The monitor has done what was due and waits for its next round.
    /// Others may wait for the same moment, as `before` of them did already.
    async fn settled(&self, before: usize) {
        let next_ms = self.clock.now_ms() + ROUND_MS;
        until("the monitor's next wait", || async {
            self.clock.waits_for(next_ms) > before
        })
        .await;
        until("the end of what it began", || async { self.under_way() == 0 }).await;
    }

    /// Probes that have not been answered yet.
    fn under_way(&self) -> u64 {
        self.kernel.metrics()["probesInFlight"].as_u64().unwrap()
    }

    /// Time goes by, second by second.
    async fn pass(&self, seconds: u32) {
        for _ in 0..seconds {
            self.leap(ROUND_MS).await;
        }
    }

    /// Time goes by at once.
    async fn leap(&self, by_ms: i64) {
        let before = self.clock.waits_for(self.clock.now_ms() + by_ms + ROUND_MS);
        self.clock.clock.advance_ms(by_ms);
        self.settled(before).await;
    }

    /// Time goes by until a condition holds. A restart that is under way is given the time of this machine that it takes.
    async fn pass_until(&self, what: &str, condition: impl Fn(&Value) -> bool) {
        for _ in 0..60 {
            let since = Instant::now();
            while !condition(&self.plugin()) {
                let under_way = self.status() == PluginHealthStatus::Failed;
                if !under_way || since.elapsed() > Duration::from_millis(500) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            if condition(&self.plugin()) {
                return;
            }
            self.pass(1).await;
        }
        panic!("{what} did not come: {:#}", self.plugin());
    }

    /// The next generation is there and does well.
    async fn restarted(&self, generation: u64) {
        self.pass_until("the restart", |plugin| plugin["generation"] == json!(generation))
            .await;
        // It is in charge when it runs; its health is written down a moment before.
        self.pass_until("health", |plugin| {
            plugin["state"] == json!("running") && self.status() == PluginHealthStatus::Healthy
        })
        .await;
    }

    fn plugin(&self) -> Value {
        self.kernel.plugins()["plugins"][0].clone()
    }

    fn status(&self) -> PluginHealthStatus {
        self.kernel.health().plugins["probe.a"].status
    }

    async fn tell(&self, method: &str) {
        call(&self.kernel, "probe.a", method, json!(null)).await.unwrap();
    }
}

#[test]
fn probes_come_at_the_interval_of_the_manifest() {
    run(async {
        let health = json!({ "interval": 5000, "timeout": 2000, "checkMethod": "probe.a.count" });
        let ward = Ward::new(json!({}), health).await;
        let mut asked = 0;
        for (seconds, probes) in [(4, 0), (1, 1), (4, 1), (1, 2), (10, 4)] {
            ward.pass(seconds).await;
            let count = call(&ward.kernel, "probe.a", "count", json!(null)).await.unwrap();
            asked += 1;
            // And once after the start.
            assert_eq!(
                count["calls"],
                json!(1 + asked + probes),
                "after {seconds} seconds more"
            );
        }
        assert_eq!(ward.status(), PluginHealthStatus::Healthy);
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_state_changes_after_as_many_probes_in_a_row_as_the_thresholds_say() {
    run(async {
        use PluginHealthStatus::{Degraded, Healthy, Recovering, Unhealthy};
        let health = json!({ "interval": 1000, "failureThreshold": 3, "successThreshold": 2 });
        let ward = Ward::new(json!({}), health).await;
        let course: [(&str, &[PluginHealthStatus]); 6] = [
            ("healthy", &[Healthy, Healthy]),
            ("unhealthy", &[Degraded, Degraded, Unhealthy, Unhealthy]),
            ("healthy", &[Recovering, Healthy]),
            ("unhealthy", &[Degraded, Degraded]),
            // One good probe ends the row, though it does not take two to be well again: it was never unhealthy.
            ("healthy", &[Healthy]),
            ("unhealthy", &[Degraded, Degraded, Unhealthy]),
        ];
        for (told, expected) in course {
            ward.tell(told).await;
            for (probe, status) in expected.iter().enumerate() {
                ward.pass(1).await;
                assert_eq!(ward.status(), *status, "probe {probe} after {told}");
            }
        }
        let whole = ward.kernel.health();
        assert_eq!((whole.status.as_str(), whole.ready), ("unhealthy", true));
        assert_eq!(whole.plugins["probe.a"].message.as_deref(), Some("it was told to be"));
        // Nobody asked for restarts.
        assert_eq!(ward.plugin()["generation"], json!(1));
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_check_method_stands_for_the_plugins_own_word() {
    let check = |method: &'static str, expected: PluginHealthStatus, message: Option<&'static str>| {
        run(async move {
            let health = json!({ "interval": 1000, "timeout": 100, "failureThreshold": 1, "checkMethod": method });
            // Its own word would be that it is unhealthy.
            let ward = Ward::new(json!({ "unhealthy": true }), health).await;
            ward.pass(1).await;
            assert_eq!(ward.status(), expected, "{method}");
            let told = ward.kernel.health().plugins["probe.a"].message.clone();
            assert_eq!(told.as_deref(), message, "{method}");
            ward.kernel.shutdown(STOP).await;
        });
    };
    check("probe.a.echo", PluginHealthStatus::Healthy, None);
    check("echo", PluginHealthStatus::Healthy, None);
    check("probe.a.error", PluginHealthStatus::Unhealthy, Some("it is not there"));
    check(
        "probe.a.hang",
        PluginHealthStatus::Unhealthy,
        Some("the operation took too long"),
    );
    check(
        "probe.z.echo",
        PluginHealthStatus::Unhealthy,
        Some("checkMethod names the service probe.z, which the plugin does not offer"),
    );
}

#[test]
fn an_unhealthy_plugin_is_restarted_as_often_as_its_manifest_says() {
    run(async {
        let health = json!({
            "interval": 1000, "failureThreshold": 2, "autoRestart": true, "maxRestartAttempts": 2, "restartBackoff": "fixed"
        });
        let ward = Ward::new(json!({}), health).await;
        for generation in [2, 3] {
            ward.tell("unhealthy").await;
            ward.restarted(generation).await;
        }
        until("the figures", || async {
            ward.kernel.metrics()["restarts"] == json!(2)
        })
        .await;
        ward.tell("unhealthy").await;
        ward.pass_until("the verdict", |plugin| {
            plugin["reason"]
                .as_str()
                .is_some_and(|reason| reason == "it failed 2 probes in a row; its 2 restarts are used up")
        })
        .await;
        assert_eq!(ward.plugin()["generation"], json!(3));
        // It still answers: what works goes on.
        assert_eq!(call(&ward.kernel, "probe.a", "echo", json!(7)).await.unwrap(), json!(7));
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_plugin_that_ran_well_for_a_while_has_its_restarts_forgiven() {
    run(async {
        let health = json!({ "interval": 1000, "failureThreshold": 1, "autoRestart": true, "maxRestartAttempts": 1 });
        let ward = Ward::new(json!({}), health).await;
        for generation in [2, 3, 4] {
            ward.tell("unhealthy").await;
            ward.restarted(generation).await;
            assert_eq!(ward.plugin()["restarts"], json!(1));
            // Longer than `restart_window_ms`; the monitor then goes on from where it finds itself.
            ward.leap(301_000).await;
        }
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_plugin_that_is_given_up_stays_failed_and_is_told_of_once() {
    run(async {
        let listens = json!({ "events": [{ "name": "told", "pattern": "plugin.given_up" }] });
        let ward = Ward::of(listens, |document| {
            document["objectos"]["events"]["handles"] = json!(["plugin.*"]);
            document["objectos"]["health"] = json!({
                "interval": 1000, "failureThreshold": 2, "successThreshold": 2, "autoRestart": true, "maxRestartAttempts": 0
            });
        })
        .await;
        let given_up = |plugin: &Value| {
            let reason = plugin["reason"].as_str().unwrap_or_default();
            reason == "it failed 2 probes in a row; its 0 restarts are used up"
        };
        let told = || async { call(&ward.kernel, "probe.a", "seen", json!(null)).await.unwrap() };
        ward.tell("unhealthy").await;
        ward.pass_until("the verdict", given_up).await;
        until("what is told", || async { told().await == json!(["plugin.given_up"]) }).await;
        // Two more thresholds.
        for _ in 0..4 {
            ward.pass(1).await;
            assert_eq!(ward.status(), PluginHealthStatus::Failed);
            assert!(given_up(&ward.plugin()), "{:#}", ward.plugin());
        }
        assert_eq!(told().await, json!(["plugin.given_up"]));
        // It is well again by itself, after as many probes as that takes.
        ward.tell("healthy").await;
        for expected in [PluginHealthStatus::Failed, PluginHealthStatus::Healthy] {
            ward.pass(1).await;
            assert_eq!(ward.status(), expected);
        }
        assert_eq!(ward.plugin()["reason"], json!(null));
        // The operator's word ends it as well.
        ward.tell("unhealthy").await;
        ward.pass_until("the verdict", given_up).await;
        ward.kernel.restart("probe.a").await.unwrap();
        assert_eq!(ward.status(), PluginHealthStatus::Healthy);
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_plugin_that_takes_its_time_holds_up_nobody_elses_probes() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |document| {
            document["objectos"]["health"] = json!({ "interval": 1000 })
        });
        // Comes before the other one, by its id.
        rig.probe("aaa.slow", json!({ "routes": false }), |document| {
            document["objectos"]["health"] =
                json!({ "interval": 1000, "timeout": 8000, "checkMethod": "aaa.slow.hang", "failureThreshold": 1 });
        });
        let ward = Ward::boot(rig).await;
        // The start did not wait for it.
        assert_eq!(
            ward.kernel.health().plugins["aaa.slow"].status,
            PluginHealthStatus::Unknown
        );
        until("its first word", || async {
            ward.status() == PluginHealthStatus::Healthy
        })
        .await;
        ward.tell("unhealthy").await;
        until("a probe beside the slow one", || async {
            ward.clock.clock.advance_ms(ROUND_MS);
            ward.under_way() > 0 && ward.status() == PluginHealthStatus::Degraded
        })
        .await;
        until("the slow one's verdict", || async {
            ward.kernel.health().plugins["aaa.slow"].status == PluginHealthStatus::Unhealthy
        })
        .await;
        ward.kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_swap_asks_as_the_manifest_of_the_new_version_says() {
    let check = |how: &'static str, method: &'static str, expected: Result<(), &'static str>| {
        run(async move {
            let ward = Ward::of(json!({}), |document| document["objectos"]["swap"] = json!(how)).await;
            ward.rig.replace("probe.a", "1.0.1", |document| {
                document["objectos"]["swap"] = json!(how);
                document["objectos"]["health"] = json!({ "timeout": 200, "checkMethod": method });
                // Its own word is that it is unhealthy.
                document["objectos"]["settings"] = json!({
                    "type": "object", "additionalProperties": true, "properties": { "unhealthy": { "default": true } }
                });
            });
            let swapped = ward.kernel.swap("probe.a").await;
            match (&swapped, expected) {
                (Ok(report), Ok(())) => assert_eq!(report.to_version, "1.0.1"),
                (Err(error), Err(part)) => assert!(error.chain().contains(part), "{how} {method}: {}", error.chain()),
                (swapped, expected) => panic!("{how} {method}: {swapped:?}, and should be {expected:?}"),
            }
            assert_eq!(ward.status(), PluginHealthStatus::Healthy, "{how} {method}");
            ward.kernel.shutdown(STOP).await;
        });
    };
    for how in ["parallel", "exclusive"] {
        check(how, "probe.a.echo", Ok(()));
        check(how, "probe.a.error", Err("it is not there"));
    }
}

#[test]
fn a_plugin_that_panics_many_times_at_once_is_restarted_once() {
    run(async {
        let ward = Ward::new(json!({}), json!({ "maxRestartAttempts": 5 })).await;
        let panics: Vec<_> = (0..8)
            .map(|_| {
                let kernel = ward.kernel.clone();
                tokio::spawn(async move { call(&kernel, "probe.a", "panic_after", json!(2000)).await.is_err() })
            })
            .collect();
        for panic in panics {
            assert!(panic.await.unwrap());
        }
        until("the restart", || async { ward.plugin()["generation"] == json!(2) }).await;
        // Takes its turn behind whatever else wants one.
        ward.kernel.restart("probe.a").await.unwrap();
        let plugin = ward.plugin();
        assert_eq!(
            (&plugin["generation"], &plugin["restarts"]),
            (&json!(3), &json!(1)),
            "{plugin:#}"
        );
        ward.kernel.shutdown(STOP).await;
    });
}
