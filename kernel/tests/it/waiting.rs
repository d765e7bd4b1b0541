//! Plugins that lack another one: down in every report as long as it is missing, and started once it is there.

use crate::rig::{Rig, STOP, call, run, state, until};
use objectos_kernel::Kernel;
use objectos_protocol::kernel::PluginHealthStatus;
use serde_json::{Value, json};

/// Has a probe use a service.
fn needs(name: &'static str) -> impl FnOnce(&mut Value) {
    move |document| document["objectos"]["services"]["uses"] = json!([{ "name": name, "range": "^1" }])
}

/// A rig in which `probe.c` needs `probe.b`, and that one `probe.a`, which is not there yet.
fn chain() -> Rig {
    let mut rig = Rig::new();
    rig.configure("probe.a", json!({}));
    rig.probe("probe.b", json!({ "routes": false }), needs("probe.a"));
    rig.probe("probe.c", json!({ "routes": false }), needs("probe.b"));
    rig
}

fn is_down(kernel: &Kernel, id: &str) -> bool {
    let health = kernel.health();
    let report = health
        .plugins
        .get(id)
        .unwrap_or_else(|| panic!("no {id} in {health:?}"));
    report.status == PluginHealthStatus::Failed
}

/// All three serve, and nothing is told of any refusal any more.
async fn all_serve(kernel: &Kernel) {
    for id in ["probe.a", "probe.b", "probe.c"] {
        until(id, || async { call(kernel, id, "echo", json!(1)).await.is_ok() }).await;
        assert!(!is_down(kernel, id), "{id}");
    }
    assert_eq!(kernel.plugins()["refused"], json!([]));
}

#[test]
fn what_was_refused_for_lack_of_a_plugin_is_loaded_after_it() {
    run(async {
        let rig = chain();
        let (kernel, report) = rig.boot().await;
        assert_eq!((report.plugins.len(), report.refused.len()), (0, 2), "{report}");
        // It is no less down than what failed.
        assert!(is_down(&kernel, "probe.b") && is_down(&kernel, "probe.c"));
        assert_eq!(kernel.health().status, "unhealthy");
        rig.replace("probe.a", "1.0.0", |_| {});
        kernel.load(rig.library("probe.a")).await.unwrap();
        all_serve(&kernel).await;
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn what_stayed_down_with_a_plugin_that_failed_is_started_once_that_is_mended() {
    run(async {
        let rig = chain();
        // It registers a route that it does not declare.
        rig.replace("probe.a", "1.0.0", |document| {
            document["objectos"]["routes"] = json!([])
        });
        let (kernel, report) = rig.boot().await;
        for id in ["probe.a", "probe.b", "probe.c"] {
            assert_eq!(state(&report, id).0, "failed", "{report}");
            assert!(is_down(&kernel, id), "{id}");
        }
        rig.replace("probe.a", "1.0.1", |_| {});
        kernel.swap("probe.a").await.unwrap();
        all_serve(&kernel).await;
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn what_still_lacks_something_stays_out() {
    run(async {
        let mut rig = chain();
        rig.probe("probe.d", json!({ "routes": false }), needs("probe.e"));
        let (kernel, _) = rig.boot().await;
        rig.replace("probe.a", "1.0.0", |_| {});
        kernel.load(rig.library("probe.a")).await.unwrap();
        until("probe.c", || async {
            call(&kernel, "probe.c", "echo", json!(1)).await.is_ok()
        })
        .await;
        let refused = kernel.plugins()["refused"].clone();
        assert_eq!(
            (
                &refused[0]["plugin"],
                &refused[0]["code"],
                refused.as_array().map(Vec::len)
            ),
            (&json!("probe.d"), &json!("service-missing"), Some(1)),
            "{refused:#}"
        );
        assert!(is_down(&kernel, "probe.d"));
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn who_stays_out_by_the_operator_s_word_is_not_down() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        rig.probe("probe.b", json!({ "routes": false }), |document| {
            document["objectos"]["services"]["provides"] = json!([{ "name": "probe.a", "version": "1.0.0" }]);
        });
        let mut options = rig.options();
        options.policy.prefer.insert("probe.a".to_owned(), "probe.a".to_owned());
        let (kernel, report) = Kernel::boot(options, tokio::runtime::Handle::current()).await.unwrap();
        assert_eq!(report.refused.len(), 1, "{report}");
        let health = kernel.health();
        assert!(!health.plugins.contains_key("probe.b"), "{health:?}");
        assert!(!is_down(&kernel, "probe.a"));
        kernel.shutdown(STOP).await;
    });
}
