//! The ways plugins meet: services, hooks, events, and what the kernel checks at each.

use crate::rig::{Rig, STOP, call, run, until};
use objectos_kernel::grants::{GrantRules, GrantsConfig};
use objectos_plugin_api::{Context, ErrorKind};
use serde_json::{Value, json};
use std::time::Duration;

/// Two probes; `probe.a` uses `probe.b`.
fn two() -> Rig {
    let mut rig = Rig::new();
    rig.probe("probe.a", json!({}), |_| {});
    rig.probe("probe.b", json!({ "routes": false }), |_| {});
    rig
}

fn onward(service: &str, method: &str, system: bool) -> Value {
    json!({ "service": service, "method": method, "payload": null, "system": system })
}

#[test]
fn the_callee_knows_who_calls_and_nobody_is_the_system_by_saying_so() {
    run(async {
        let mut rig = two();
        let rules = GrantRules {
            allow: vec!["system".to_owned()],
            deny: Vec::new(),
        };
        rig.grants = Some(GrantsConfig::from([("probe.b".to_owned(), rules)]));
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        for system in [false, true] {
            let facts = call(&kernel, "probe.a", "onward", onward("probe.b", "context", system))
                .await
                .unwrap();
            assert_eq!(
                (&facts["caller"], &facts["system"]),
                (&json!("probe.a"), &json!(false)),
                "{facts}"
            );
            assert_eq!(facts["requestId"], "r1");
            assert!(facts["remainingMs"].as_u64().is_some_and(|left| left > 0), "{facts}");
        }
        kernel.shutdown(STOP).await;

        let rules = GrantRules {
            allow: vec!["system".to_owned()],
            deny: Vec::new(),
        };
        rig.grants = Some(GrantsConfig::from([("probe.a".to_owned(), rules)]));
        let (kernel, _) = rig.boot().await;
        for system in [false, true] {
            let facts = call(&kernel, "probe.a", "onward", onward("probe.b", "context", system))
                .await
                .unwrap();
            assert_eq!(facts["system"], json!(system));
        }
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_service_must_be_declared_granted_and_there() {
    run(async {
        let mut rig = two();
        let (kernel, _) = rig.boot().await;
        let error = call(&kernel, "probe.a", "onward", onward("probe.bb", "echo", false))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(
            error
                .message()
                .contains("does not name it in services.uses; the nearest name is probe.b"),
            "{error}"
        );
        assert_eq!(
            call(&kernel, "probe.a", "available", json!("probe.b")).await.unwrap(),
            json!(true)
        );
        let error = call(&kernel, "probe.nobody", "echo", json!(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let error = kernel
            .service("probe.a", "^2")
            .unwrap()
            .call("echo", &Context::background(), b"")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        kernel.shutdown(STOP).await;

        let rules = GrantRules {
            allow: Vec::new(),
            deny: vec!["service:use:probe.b".to_owned()],
        };
        rig.grants = Some(GrantsConfig::from([("probe.a".to_owned(), rules)]));
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        let error = call(&kernel, "probe.a", "onward", onward("probe.b", "echo", false))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn errors_and_deadlines_cross_as_they_are() {
    run(async {
        let (kernel, _) = two().boot().await;
        let error = call(&kernel, "probe.a", "error", json!(null)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.message(), error.internal_message()),
            (ErrorKind::NotFound, "it is not there", "for operators")
        );
        assert_eq!(error.details(), br#"{"a":1}"#);
        let short = || Context::request("r2").with_limit(Duration::from_millis(50));
        let error = kernel
            .call_service("probe.a", "hang", short(), Vec::new())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let error = kernel
            .call_service("probe.a", "wait", short(), b"60000".to_vec())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let answer = kernel
            .call_service("probe.a", "wait", Context::background(), b"5".to_vec())
            .await
            .unwrap();
        assert_eq!(answer, b"5");
        let over = Context::request("r3").with_limit(Duration::ZERO);
        let error = kernel
            .call_service("probe.a", "echo", over, Vec::new())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(
            error.internal_message().contains("before plugin probe.a was called"),
            "{error:?}"
        );
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn hooks_run_in_order_change_the_payload_and_may_refuse() {
    run(async {
        let mut rig = two();
        let hook = |mode: &str, priority: i32, subjects: &[&str]| json!({ "name": "probe.before", "mode": mode, "priority": priority, "subjects": subjects });
        rig.configure(
            "probe.a",
            json!({ "hooks": [hook("append", 20, &[]), hook("veto", 5, &["locked"])] }),
        );
        rig.configure(
            "probe.b",
            json!({ "routes": false, "hooks": [hook("append", 10, &[]), hook("append", 20, &["task"])] }),
        );
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        let run = |subject: &str| json!({ "hook": "probe.before", "subject": subject, "payload": [] });
        let answer = call(&kernel, "probe.a", "run_hook", run("task")).await.unwrap();
        assert_eq!(
            answer,
            json!({ "armed": true, "changed": ["probe.b", "probe.a", "probe.b"] })
        );
        let answer = call(&kernel, "probe.a", "run_hook", run("other")).await.unwrap();
        assert_eq!(answer["changed"], json!(["probe.b", "probe.a"]));
        let steps = call(&kernel, "probe.a", "hook_steps", run("task")).await.unwrap();
        assert_eq!(
            steps,
            json!([
                ["probe.b", ["probe.b"]],
                ["probe.a", ["probe.b", "probe.a"]],
                ["probe.b", ["probe.b", "probe.a", "probe.b"]]
            ]),
            "whose handler made what of the payload"
        );
        let nobody = call(&kernel, "probe.a", "hook_steps", run("locked")).await.unwrap_err();
        assert_eq!(nobody.kind(), ErrorKind::Vetoed);
        let error = call(&kernel, "probe.a", "run_hook", run("locked")).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Vetoed, "probe.a says no to locked")
        );
        let order: Value = serde_json::from_slice(
            &kernel
                .call_service("kernel", "hooks", Context::background(), Vec::new())
                .await
                .unwrap(),
        )
        .unwrap();
        let plugins: Vec<&Value> = order["probe.before"]
            .as_array()
            .unwrap()
            .iter()
            .map(|handler| &handler["plugin"])
            .collect();
        assert_eq!(plugins, ["probe.a", "probe.b", "probe.a", "probe.b"]);
        let unknown = json!({ "hook": "probe.after", "subject": "x", "payload": [] });
        assert_eq!(
            call(&kernel, "probe.a", "run_hook", unknown).await.unwrap_err().kind(),
            ErrorKind::Denied
        );
        kernel.shutdown(STOP).await;
    });
}

/// A handler that says that something else is done ends the hook: those after it are not asked.
#[test]
fn no_handler_says_what_is_done() {
    const HOOK: &str = "data.before_update";
    for (mode, expected) in [("sign", Ok(())), ("meddle", Err(ErrorKind::Denied))] {
        run(async move {
            let mut rig = Rig::new();
            let declared = |document: &mut Value| {
                document["objectos"]["hooks"] = json!({ "handles": [HOOK], "runs": [HOOK] });
            };
            let hook = |mode: &str, priority: i32| json!({ "name": HOOK, "mode": mode, "priority": priority });
            rig.probe("probe.a", json!({ "hooks": [hook("sign", 20)] }), declared);
            let routes = json!({ "routes": false, "hooks": [hook(mode, 10), hook("veto", 30)] });
            rig.probe("probe.b", routes, declared);
            let (kernel, report) = rig.boot().await;
            assert!(report.complete(), "{report}");
            let payload = json!({ "object": "thing", "id": "t1", "record": {}, "previous": { "size": 1.5 } });
            let run = json!({ "hook": HOOK, "subject": "thing", "payload": payload });
            for method in ["run_hook", "hook_steps"] {
                let error = call(&kernel, "probe.a", method, run.clone()).await.unwrap_err();
                match expected {
                    // All were asked, the last of whom says no to everything.
                    Ok(()) => assert_eq!(error.kind(), ErrorKind::Vetoed, "{error:?}"),
                    Err(kind) => {
                        assert_eq!(error.kind(), kind, "{error:?}");
                        let text = error.message();
                        assert!(text.contains("probe.b") && text.contains("`id`"), "{text}");
                    }
                }
            }
            kernel.shutdown(STOP).await;
        });
    }
}

#[test]
fn whoever_listens_learns_that_a_hook_was_triggered() {
    run(async {
        let mut rig = two();
        let hook = |subject: &str| json!({ "name": "probe.before", "mode": "append", "subjects": [subject] });
        rig.configure(
            "probe.a",
            json!({ "hooks": [hook("task"), hook("task"), hook("other")] }),
        );
        let events = json!([{ "name": "hooks", "pattern": "hook:*" }]);
        rig.probe("probe.b", json!({ "routes": false, "events": events }), |document| {
            document["objectos"]["events"]["handles"] = json!(["hook:*"]);
        });
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        for subject in ["task", "nobody", "other"] {
            let run = json!({ "hook": "probe.before", "subject": subject, "payload": [] });
            call(&kernel, "probe.a", "run_hook", run).await.unwrap();
        }
        let triggered = || async {
            let seen = call(&kernel, "probe.b", "seen", json!(null)).await.unwrap();
            let seen: Vec<String> = serde_json::from_value(seen).unwrap();
            seen.iter().filter(|name| *name == "hook:triggered").count()
        };
        until("both hooks", || async { triggered().await >= 2 }).await;
        assert_eq!(triggered().await, 2, "a hook without handlers does not run");
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_hook_that_breaks_fails_the_operation() {
    let check = |mode: &'static str, expected: ErrorKind| {
        run(async move {
            let mut rig = two();
            let hook = json!([{ "name": "probe.before", "mode": mode, "subjects": ["task"] }]);
            rig.configure("probe.b", json!({ "routes": false, "hooks": hook }));
            let (kernel, _) = rig.boot().await;
            let run = |subject: &str| json!({ "hook": "probe.before", "subject": subject, "payload": [] });
            let error = call(&kernel, "probe.a", "run_hook", run("task")).await.unwrap_err();
            assert_eq!(error.kind(), expected, "{mode}: {error:?}");
            let other = call(&kernel, "probe.a", "run_hook", run("other")).await.unwrap();
            assert_eq!(other, json!({ "armed": false, "changed": null }));
            assert_eq!(
                kernel.metrics()["hooks"]["probe.before"]["failures"],
                json!(1),
                "{mode}"
            );
            kernel.shutdown(STOP).await;
        });
    };
    check("panic", ErrorKind::Panicked);
    check("hang", ErrorKind::Timeout);
}

#[test]
fn transient_events_reach_handlers_and_only_declared_ones_are_published() {
    run(async {
        let mut rig = two();
        let events = json!([{ "name": "all", "pattern": "probe.*" }]);
        rig.configure("probe.b", json!({ "routes": false, "events": events }));
        let (kernel, _) = rig.boot().await;
        let event = |name: &str| json!({ "name": name, "payload": { "n": 1 } });
        call(&kernel, "probe.a", "publish", event("probe.happened"))
            .await
            .unwrap();
        until("the event", || async {
            call(&kernel, "probe.b", "seen", json!(null)).await.unwrap() == json!(["probe.happened"])
        })
        .await;
        let error = call(&kernel, "probe.a", "publish", event("data.record.created"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.message().contains("events.publishes"), "{error}");
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn doors_of_the_kernel_are_guarded() {
    run(async {
        let mut rig = two();
        let rules = GrantRules {
            allow: vec!["network:listen:127.0.0.1:*".to_owned()],
            deny: Vec::new(),
        };
        rig.grants = Some(GrantsConfig::from([("probe.a".to_owned(), rules)]));
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        let first = call(&kernel, "probe.a", "listen", json!("127.0.0.1:0")).await.unwrap();
        assert_eq!(
            call(&kernel, "probe.a", "listen", json!("127.0.0.1:0")).await.unwrap(),
            first
        );
        assert_eq!(kernel.listeners().len(), 1);
        for (plugin, address, expected) in [
            ("probe.b", "127.0.0.1:0", ErrorKind::Denied),
            ("probe.a", "0.0.0.0:0", ErrorKind::Denied),
            ("probe.a", "nowhere", ErrorKind::Invalid),
        ] {
            let error = call(&kernel, plugin, "listen", json!(address)).await.unwrap_err();
            assert_eq!(error.kind(), expected, "{plugin} {address}: {error:?}");
        }
        let error = call(&kernel, "probe.a", "environment", json!("PATH"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        // Using the kernel's service is implied by naming it; changing anything by it is not.
        let of_kernel =
            |method: &str, payload: Value| json!({ "service": "kernel", "method": method, "payload": payload });
        for (method, payload) in [
            ("swap", json!({ "plugin": "probe.b" })),
            ("restart", json!("probe.b")),
            ("dead_letters", json!({ "limit": 1 })),
            ("retry_dead_letter", json!("x")),
            ("replay", json!({ "fromTimestamp": "2026-01-01T00:00:00Z" })),
            ("record_state", json!({ "object": "a", "record": "b" })),
        ] {
            let error = call(&kernel, "probe.a", "onward", of_kernel(method, payload))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{method}: {error:?}");
            assert!(error.message().contains("plugin:manage"), "{method}: {error}");
        }
        call(&kernel, "probe.a", "onward", of_kernel("health", json!(null)))
            .await
            .unwrap();
        call(&kernel, "probe.a", "spawn", json!(null)).await.unwrap();
        assert_eq!(
            call(&kernel, "probe.a", "spawned", json!(null)).await.unwrap(),
            json!(1)
        );
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_provider_learns_what_its_caller_was_granted() {
    run(async {
        let mut rig = Rig::new();
        let connect = json!({
            "id": "connect", "resource": "network.http", "actions": ["execute"], "scope": "global",
            "description": "Connects", "required": false,
        });
        rig.probe("probe.a", json!({}), |document| {
            let uses = document["objectos"]["services"]["uses"].as_array_mut().unwrap();
            uses.push(json!({ "name": "grants", "range": "^1" }));
        });
        rig.probe("probe.b", json!({ "routes": false }), |document| {
            let asked = &mut document["security"]["permissions"]["permissions"];
            asked.as_array_mut().unwrap().push(connect);
        });
        let rules = GrantRules {
            allow: vec!["network:connect:api.example.com".to_owned()],
            deny: Vec::new(),
        };
        rig.grants = Some(GrantsConfig::from([("probe.b".to_owned(), rules)]));
        let (kernel, report) = rig.boot().await;
        assert!(report.complete(), "{report}");
        let ask = async |plugin: &str, capability: &str, subject: &str| {
            let question = json!({ "plugin": plugin, "capability": capability, "subject": subject });
            let onward = json!({ "service": "grants", "method": "check", "payload": question });
            call(&kernel, "probe.a", "onward", onward).await
        };
        for (plugin, subject, granted) in [
            ("probe.b", "api.example.com:443", true),
            ("probe.b", "example.com:443", false),
            ("probe.a", "api.example.com:443", false),
            ("", "api.example.com:443", true),
        ] {
            let answer = ask(plugin, "network:connect", subject).await.unwrap();
            assert_eq!(answer["granted"], json!(granted), "{plugin} {subject}: {answer}");
        }
        let error = ask("probe.b", "network:conect", "a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(
            error.message().ends_with("the nearest name is network:connect"),
            "{error}"
        );
        let error = ask("probe.c", "network:connect", "a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
        kernel.shutdown(STOP).await;
    });
}
