//! A call that its caller drops is dropped in the plugin, too: what it held there is given back.

use objectos_kernel::Kernel;
use objectos_plugin_api::Context;
use serde_json::{Value, json};

use crate::rig::{Rig, STOP, call, run, until};

/// Waits until so many calls hold something in `probe.a`.
async fn held(kernel: &Kernel, count: u32) {
    until("the calls that hold something", || async {
        call(kernel, "probe.a", "spawned", json!(null)).await.unwrap() == json!(count)
    })
    .await;
}

/// Begins a call that never ends by itself, sees it in the plugin, and drops it.
async fn begun_and_dropped(kernel: &Kernel, service: &str, method: &'static str, payload: Value) {
    let service = kernel.service(service, "^1").unwrap();
    let payload = serde_json::to_vec(&payload).unwrap();
    let begun = tokio::spawn(async move { service.call(method, &Context::background(), &payload).await });
    held(kernel, 1).await;
    begun.abort();
    assert!(begun.await.is_err_and(|error| error.is_cancelled()));
    held(kernel, 0).await;
}

#[test]
fn a_call_that_is_dropped_ends_in_the_plugin_and_in_those_that_it_calls() {
    for threads in ["own", "shared"] {
        run(async move {
            let mut rig = Rig::new();
            rig.probe("probe.a", json!({}), |document| {
                document["objectos"]["threads"] = json!(threads);
            });
            rig.probe("probe.b", json!({ "routes": false }), |document| {
                document["objectos"]["threads"] = json!(threads);
                document["objectos"]["services"]["uses"] = json!([{ "name": "probe.a", "range": "^1" }]);
            });
            let (kernel, report) = rig.boot().await;
            assert!(report.complete(), "{report}");
            begun_and_dropped(&kernel, "probe.a", "hold", json!(null)).await;
            let onward = json!({ "service": "probe.a", "method": "hold" });
            begun_and_dropped(&kernel, "probe.b", "onward", onward).await;
            kernel.shutdown(STOP).await;
        });
    }
}
