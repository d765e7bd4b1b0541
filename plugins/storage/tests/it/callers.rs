//! The services are the kernel's: a plugin that calls them is refused, whatever it asks.

use objectos_plugin_api::abi::RawContext;
use objectos_plugin_api::contracts::event_archive::S3_ARCHIVE;
use objectos_plugin_api::contracts::event_streams::{FILE_STREAMS, S3_STREAMS};
use objectos_plugin_api::private::abi_stable::std_types::RStr;
use objectos_plugin_api::{Context, ErrorKind};
use serde_json::{Value, json};

use crate::s3_server::S3Server;
use crate::world::{plugin, s3};

/// As the kernel stamps the calls of a plugin.
fn of_plugin(id: &str) -> Context {
    let background = Context::background();
    Context::from_raw(&RawContext {
        caller: RStr::from_str(id),
        ..background.raw()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_the_kernel_is_served() {
    let server = S3Server::start();
    let plugin = plugin(s3(&server, &json!({})), &[]).await.unwrap();
    let range = json!({ "after": 0, "limit": 1, "fromMs": 0, "toMs": null, "names": [] });
    let archive = [
        ("append", json!([])),
        ("range", range.clone()),
        ("range_page", json!({ "range": range })),
        ("prune", json!(0)),
    ];
    let record = json!({ "object": "deal", "record": "d" });
    let streams = [
        ("append", json!([])),
        ("page", json!({ "object": "deal", "record": "d", "limit": 1 })),
        (
            "due",
            json!({ "aggregates": [record], "objects": [], "interval": 1, "limit": 1 }),
        ),
        ("keep_snapshots", json!({ "snapshots": [], "newest": 1 })),
        (
            "prune",
            json!({ "beforeMs": 0, "aggregatesBeforeMs": 0, "objects": [] }),
        ),
    ];
    let calls: [(&str, &[(&str, Value)]); 3] =
        [(S3_ARCHIVE, &archive), (S3_STREAMS, &streams), (FILE_STREAMS, &streams)];
    for (name, methods) in calls {
        let service = plugin.host().service(name, "^1").unwrap();
        for (method, request) in methods {
            let payload = serde_json::to_vec(request).unwrap();
            let refused = service
                .call(&of_plugin("crm.plugin"), method, &payload)
                .await
                .unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Denied, "{name}.{method}: {refused}");
            assert!(
                refused.message().contains("plugin crm.plugin"),
                "{name}.{method}: {refused}"
            );
            // The same is answered to the kernel.
            let served = service.call(&Context::background(), method, &payload).await;
            assert!(served.is_ok(), "{name}.{method}: {:?}", served.err());
        }
    }
    plugin.stop().await.unwrap();
}
