//! Start and stop with real libraries.

use crate::rig::{Rig, STOP, call, run, state, until};
use objectos_kernel::{Error, Kernel, Selection};
use objectos_plugin_api::{Context, ErrorKind, HttpRequestParts, HttpResponse};
use objectos_protocol::kernel::HealthCheckStatus;
use serde_json::{Value, json};

#[test]
fn a_plugin_starts_is_called_and_stops() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        let (kernel, report) = rig.boot().await;
        assert_eq!(
            state(&report, "probe.a"),
            ("running".to_owned(), String::new()),
            "{report}"
        );
        assert_eq!(
            call(&kernel, "probe.a", "echo", json!({"n": 1})).await.unwrap(),
            json!({"n": 1})
        );
        let service = kernel.service("probe.a", "^1").unwrap();
        assert_eq!(
            service.call_sync("echo_sync", &Context::background(), b"x").unwrap(),
            b"x"
        );
        let command = kernel
            .run_command("probe", &["hello".to_owned(), "you".to_owned()])
            .await
            .unwrap();
        assert_eq!(command.output, "hello you");
        let unknown = kernel.run_command("prope", &[]).await.unwrap_err();
        assert_eq!(
            unknown.message(),
            "there is no command prope; the nearest name is probe"
        );
        let request = HttpRequestParts {
            method: "GET",
            route: "/probe/{name}",
            path: "/probe/ann",
            parameters: &[("name", "ann")],
            ..HttpRequestParts::default()
        };
        let context = Context::background();
        let answer = kernel
            .call_service("route:probe.a", "GET /probe/{name}", context, request.encode())
            .await
            .unwrap();
        let answer = HttpResponse::decode(&answer).unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (answer.status, &body["name"], &body["label"]),
            (200, &json!("ann"), &json!("probe.a"))
        );
        assert!(kernel.health().ready);
        kernel.shutdown(STOP).await;
        let stopped = call(&kernel, "probe.a", "echo", json!(1)).await.unwrap_err();
        assert_eq!(stopped.kind(), ErrorKind::Unavailable);
        assert_eq!(kernel.health().state, "stopped");
    });
}

#[test]
fn the_health_of_the_whole_tells_that_nobody_keeps_durable_events() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        let (kernel, _) = rig.boot().await;
        // The dispatcher asks for the store on its own.
        until("the check", || async {
            kernel.health().checks.iter().any(|check| {
                check.name == "event-store"
                    && check.status == HealthCheckStatus::Warning
                    && check
                        .message
                        .as_deref()
                        .is_some_and(|text| text.contains("does not answer"))
            })
        })
        .await;
        assert_eq!(kernel.health().status, "degraded");
        let checks = kernel.plugins()["checks"].clone();
        assert_eq!(
            (&checks[0]["name"], &checks[0]["status"]),
            (&json!("event-store"), &json!("warning")),
            "{checks}"
        );
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn contributions_list_what_is_declared_and_whether_it_is_there() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        rig.probe("probe.b", json!({ "start": "error" }), |_| {});
        let (kernel, _) = rig.boot().await;
        let services: Value = serde_json::from_slice(&kernel.contributions("services")).unwrap();
        let expected = json!([
            { "name": "kernel", "version": "1.1.0", "plugin": "kernel", "available": true },
            { "name": "grants", "version": "1.0.0", "plugin": "kernel", "available": true },
            { "name": "probe.a", "version": "1.0.0", "plugin": "probe.a", "available": true },
            { "name": "probe.b", "version": "1.0.0", "plugin": "probe.b", "available": false },
        ]);
        assert_eq!(services, expected);
        let routes: Value = serde_json::from_slice(&kernel.contributions("routes")).unwrap();
        let route = json!([{ "plugin": "probe.a", "method": "GET", "path": "/probe/{name}", "access": "public" }]);
        assert_eq!(routes, route);
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_plugin_that_does_not_come_up_says_why_and_the_others_run() {
    let check = |config: Value, expected: &'static str| {
        run(async move {
            let mut rig = Rig::new();
            rig.probe("probe.a", json!({}), |_| {});
            let mut whole = config.clone();
            whole["routes"] = json!(false);
            rig.probe("probe.b", whole, |document| {
                // Short only for what is to run out of time: a busy machine needs its time for everything else.
                let hangs = matches!(config["init"].as_str(), Some("hang" | "block"));
                let limit_ms = if hangs { 200 } else { 20_000 };
                document["objectos"]["limits"] = json!({ "initMs": limit_ms, "startMs": limit_ms, "stopMs": limit_ms });
            });
            let (kernel, report) = rig.boot().await;
            let (state_b, reason) = state(&report, "probe.b");
            assert_eq!(state_b, "failed", "{config}");
            assert!(reason.contains(expected), "{config}: {reason}");
            assert_eq!(state(&report, "probe.a").0, "running");
            assert!(report.to_string().contains(expected), "{report}");
            let error = call(&kernel, "probe.b", "echo", json!(1)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            kernel.shutdown(STOP).await;
        });
    };
    check(
        json!({ "init": "error" }),
        "probe.b failed in init: init was told to fail",
    );
    check(json!({ "init": "panic" }), "panicked: init was told to panic");
    check(json!({ "init": "hang" }), "probe.b did not end its init within 200 ms");
    check(json!({ "init": "block" }), "probe.b did not end its init within 200 ms");
    check(
        json!({ "start": "error" }),
        "probe.b failed in start: start was told to fail",
    );
    check(json!({ "start": "panic" }), "panicked: start was told to panic");
    check(
        json!({ "services": ["probe.b", "probe.c"] }),
        "probe.b registers the service probe.c, which its plugin.json does not declare",
    );
    check(
        json!({ "serviceVersion": "1.1.0" }),
        "registers the service probe.b in version 1.1.0, which its plugin.json does not declare; it declares version 1.0.0",
    );
    check(
        json!({ "hooks": [{ "name": "probe.befor", "mode": "pass" }] }),
        "registers the hook probe.befor, which its plugin.json does not declare; the nearest name is probe.before",
    );
    check(
        json!({ "events": [{ "name": "x", "pattern": "data.*" }] }),
        "registers the event data.*",
    );
}

#[test]
fn declared_and_not_registered_is_a_warning() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({ "routes": false }), |_| {});
        let (kernel, report) = rig.boot().await;
        let warnings = &report.plugins[0].warnings;
        for expected in [
            "the hook probe.before",
            "the route GET /probe/{name}",
            "the command probe",
            "the event probe.*",
        ] {
            assert!(
                warnings.iter().any(|warning| warning.contains(expected)),
                "{expected}: {warnings:?}"
            );
        }
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn dependents_of_a_failed_plugin_are_refused_with_the_chain() {
    run(async {
        let mut rig = Rig::new();
        let needs = |name: &'static str| {
            move |document: &mut Value| {
                document["objectos"]["services"]["uses"] = json!([{ "name": name, "range": "^1" }]);
            }
        };
        rig.probe("probe.a", json!({ "start": "error" }), |_| {});
        rig.probe("probe.b", json!({ "routes": false }), needs("probe.a"));
        rig.probe("probe.c", json!({ "routes": false }), needs("probe.b"));
        rig.probe("probe.d", json!({ "routes": false }), |_| {});
        let (kernel, report) = rig.boot().await;
        assert_eq!(state(&report, "probe.d").0, "running", "{report}");
        for (id, needed, plugin) in [("probe.b", "probe.a", "probe.a"), ("probe.c", "probe.b", "probe.b")] {
            let (state, reason) = state(&report, id);
            assert_eq!(state, "failed");
            assert!(
                reason.contains(&format!("needs service `{needed}` ^1, which comes from `{plugin}`")),
                "{reason}"
            );
        }
        assert!(
            state(&report, "probe.c").1.contains("start was told to fail"),
            "{report}"
        );
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn plugins_read_what_the_host_says_of_the_whole() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        let mut options = rig.options();
        options.features.insert("fast".to_owned(), true);
        options.features.insert("loud".to_owned(), false);
        options.app_name = Some("crm".to_owned());
        options.workspace_root = Some("/srv/crm".into());
        let (kernel, _) = Kernel::boot(options, tokio::runtime::Handle::current()).await.unwrap();
        let context = call(&kernel, "probe.a", "kernel_context", json!(null)).await.unwrap();
        assert_eq!(context["features"], json!({ "fast": true, "loud": false }));
        assert_eq!(
            (&context["appName"], &context["workspaceRoot"], &context["mode"]),
            (&json!("crm"), &json!("/srv/crm"), &json!("development")),
            "{context}"
        );
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_command_starts_only_what_it_needs() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        rig.probe("probe.b", json!({ "routes": false }), |_| {});
        rig.probe("probe.c", json!({ "routes": false }), |document| {
            document["objectos"]["documents"] = json!([{ "file": "c.object.yml", "text": "name: c" }]);
        });
        let documents =
            |kernel: &Kernel| -> Value { serde_json::from_slice(&kernel.contributions("documents")).unwrap() };
        let mut options = rig.options();
        options.select = Selection::Command("probe".to_owned());
        let (kernel, report) = Kernel::boot(options, tokio::runtime::Handle::current()).await.unwrap();
        // Its records are kept all the same.
        let kept = json!([{ "plugin": "probe.c", "file": "c.object.yml", "text": "name: c" }]);
        assert_eq!(documents(&kernel), kept);
        // The probe uses probe.b, if only as an option.
        let ids: Vec<&str> = report.plugins.iter().map(|plugin| plugin.id.as_str()).collect();
        assert_eq!(ids, ["probe.b", "probe.a"]);
        assert_eq!(
            kernel.run_command("probe", &["x".to_owned()]).await.unwrap().output,
            "x"
        );
        kernel.shutdown(STOP).await;

        // Neither a gateway nor, for a command that stands alone, anything else that is only an option.
        for change in ["gateway", "standalone"] {
            rig.probe("probe.a", json!({}), |document| {
                if change == "standalone" {
                    document["objectos"]["commands"][0]["standalone"] = json!(true);
                }
            });
            rig.probe("probe.b", json!({ "routes": false }), |document| {
                if change == "gateway" {
                    document["manifest"]["type"] = json!("gateway");
                }
            });
            let mut options = rig.options();
            options.select = Selection::Command("probe".to_owned());
            let (kernel, report) = Kernel::boot(options, tokio::runtime::Handle::current()).await.unwrap();
            let ids: Vec<&str> = report.plugins.iter().map(|plugin| plugin.id.as_str()).collect();
            assert_eq!(ids, ["probe.a"], "{change}");
            let none = change == "standalone";
            assert_eq!(
                documents(&kernel),
                if none { json!([]) } else { kept.clone() },
                "{change}"
            );
            kernel.shutdown(STOP).await;
        }

        let mut options = rig.options();
        options.select = Selection::Command("prob".to_owned());
        let error = Kernel::boot(options, tokio::runtime::Handle::current())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::UnknownCommand { .. }), "{error}");
    });
}

#[test]
fn the_kernels_own_events_reach_handlers() {
    run(async {
        let mut rig = Rig::new();
        let events = json!([{ "name": "life", "pattern": "plugin:*" }, { "name": "kernel", "pattern": "kernel:*" }]);
        rig.probe("probe.a", json!({ "events": events }), |document| {
            document["objectos"]["services"]["uses"] = json!([]);
        });
        rig.probe("probe.b", json!({ "routes": false }), |document| {
            document["objectos"]["services"]["uses"] = json!([{ "name": "probe.a", "range": "^1" }]);
        });
        let (kernel, _) = rig.boot().await;
        until("kernel:ready", || async {
            let seen = call(&kernel, "probe.a", "seen", json!(null)).await.unwrap();
            let seen: Vec<String> = serde_json::from_value(seen).unwrap();
            ["plugin:init", "plugin:started", "kernel:after-init", "kernel:ready"]
                .iter()
                .all(|name| seen.contains(&(*name).to_owned()))
        })
        .await;
        kernel.shutdown(STOP).await;
    });
}
