//! What operators do and what happens to plugins is told, by the kernel's durable events.

use crate::rig::{Rig, STOP, call, run, until};
use serde_json::json;
use std::fs;

#[test]
fn swaps_and_restarts_are_told_whether_they_went_well_or_not() {
    run(async {
        let mut rig = Rig::new();
        let listens = json!({ "events": [{ "name": "told", "pattern": "plugin.*" }] });
        rig.probe("probe.a", listens, |document| {
            document["objectos"]["events"]["handles"] = json!(["plugin.*"]);
        });
        rig.probe("probe.b", json!({ "routes": false }), |_| {});
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        rig.replace("probe.b", "1.0.1", |_| {});
        kernel.swap("probe.b").await.unwrap();
        kernel.restart("probe.b").await.unwrap();
        fs::write(rig.path("plugins/other.so"), b"no library").unwrap();
        kernel
            .swap_with("probe.b", rig.path("plugins/other.so"))
            .await
            .unwrap_err();
        kernel.load(rig.path("plugins/other.so")).await.unwrap_err();
        let expected = ["plugin.swapped", "plugin.restarted", "plugin.swapped", "plugin.refused"];
        let seen = || async { call(&kernel, "probe.a", "seen", json!(null)).await.unwrap() };
        until("what is told", || async {
            seen().await.as_array().is_some_and(|seen| seen.len() >= expected.len())
        })
        .await;
        assert_eq!(seen().await, json!(expected));
        kernel.shutdown(STOP).await;
    });
}
