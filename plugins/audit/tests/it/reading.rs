//! Who reads what of the trail.

use objectos_plugin_api::{Context, ErrorKind};
use objectos_plugin_testing::TestPlugin;
use serde_json::{Value, json};

use crate::world::{World, created, deliver, event, events, get, local, origin, reader};

async fn filled(world: &World) -> TestPlugin {
    let plugin = world.start(json!({ "exportMax": 100 })).await;
    deliver(&plugin, &created("e1", "r1")).await;
    let mut other = created("e2", "r2");
    other.payload["organizationId"] = json!("t2");
    other.payload["origin"]["actorId"] = json!("u2");
    deliver(&plugin, &other).await;
    let change = json!({
        "type": "data.record.updated", "object": "employee", "recordId": "r1", "timestamp": "2023-11-15T00:00:00.000Z",
        "organizationId": "t1", "changes": ["salary", "name"],
        "before": { "name": "Bob", "salary": 1000 }, "after": { "name": "Rob", "salary": 1200 }, "origin": origin(),
    });
    deliver(&plugin, &event("e3", "data.record.updated", change)).await;
    deliver(
        &plugin,
        &event(
            "e4",
            "auth.login_failed",
            json!({ "origin": { "address": "192.0.2.9" }, "description": "=cmd" }),
        ),
    )
    .await;
    plugin
}

fn ids(page: &Value) -> Vec<&str> {
    page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_filtered_paged_and_counted() {
    let world = World::new();
    let plugin = filled(&world).await;
    let all = events(&plugin, &local(), "").await.unwrap();
    assert_eq!(
        (ids(&all), &all["total"]),
        (vec!["e4", "e3", "e2", "e1"], &json!(4)),
        "latest first"
    );
    for (query, expected) in [
        ("eventType=data.create", vec!["e2", "e1"]),
        ("userId=u2", vec!["e2"]),
        ("tenantId=t1&sortOrder=asc", vec!["e1", "e3"]),
        ("objectName=employee&recordId=r1", vec!["e3", "e1"]),
        ("severity=warning,error", vec!["e4"]),
        ("result=failure", vec!["e4"]),
        ("from=2023-11-15", vec!["e3"]),
        ("to=2023-11-14T23:00:00Z&eventType=data.update", vec![]),
        ("q=rob", vec!["e3"]),
        ("ipAddress=192.0.2.9", vec!["e4"]),
    ] {
        let found = events(&plugin, &local(), query).await.unwrap();
        assert_eq!(
            (ids(&found), found["total"].as_u64()),
            (expected.clone(), u64::try_from(expected.len()).ok()),
            "{query}"
        );
    }
    let first = events(&plugin, &local(), "limit=3").await.unwrap();
    assert_eq!(
        (ids(&first).len(), &first["total"], &first["hasMore"]),
        (3, &json!(4), &json!(true))
    );
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = events(&plugin, &local(), &format!("limit=3&cursor={cursor}"))
        .await
        .unwrap();
    assert_eq!((ids(&second), &second["hasMore"]), (vec!["e1"], &json!(false)));
    let error = events(&plugin, &local(), "nonsense=1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let one = get(&plugin, &local(), "/api/v1/audit/events/{id}", &[("id", "e3")], "")
        .await
        .unwrap();
    let one: Value = serde_json::from_slice(&one.body).unwrap();
    assert_eq!(one["data"]["changes"][0]["newValue"], 1200);
    let missing = get(&plugin, &local(), "/api/v1/audit/events/{id}", &[("id", "e9")], "")
        .await
        .unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_permissions_only_this_machine_reads() {
    let world = World::new();
    let plugin = filled(&world).await;
    let nobody = events(&plugin, &Context::request("r"), "").await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::Unauthenticated);
    let somebody = events(&plugin, &reader(None, &["view_audit"]), "").await.unwrap_err();
    assert_eq!(somebody.kind(), ErrorKind::Denied);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_permissions_the_trail_needs_view_audit_and_stays_within_the_tenant() {
    let mut world = World::new();
    world.permissions = true;
    let plugin = filled(&world).await;
    for (context, kind) in [
        (local(), ErrorKind::Denied),
        (reader(Some("t1"), &[]), ErrorKind::Denied),
        (reader(Some("t1"), &["broken", "view_audit"]), ErrorKind::Unavailable),
        (Context::request("r"), ErrorKind::Unauthenticated),
    ] {
        assert_eq!(events(&plugin, &context, "").await.unwrap_err().kind(), kind);
        assert_eq!(
            get(&plugin, &context, "/api/v1/audit/export", &[], "")
                .await
                .unwrap_err()
                .kind(),
            kind
        );
    }
    let told: Vec<Value> = plugin
        .published()
        .into_iter()
        .filter(|event| event.name == "security.access_denied" && event.durable)
        .map(|event| event.payload["metadata"]["route"].clone())
        .collect();
    // Of two principals at two routes; an outage and nobody at all are no refusals.
    let (events_route, export) = ("GET /api/v1/audit/events", "GET /api/v1/audit/export");
    assert_eq!(told, [events_route, export, events_route, export]);
    let own = events(&plugin, &reader(Some("t1"), &["view_audit"]), "").await.unwrap();
    assert_eq!((ids(&own), &own["total"]), (vec!["e3", "e1"], &json!(2)));
    assert_eq!(
        ids(&events(&plugin, &reader(Some("t2"), &["view_audit"]), "tenantId=t1")
            .await
            .unwrap()),
        Vec::<&str>::new()
    );
    assert_eq!(
        ids(&events(&plugin, &reader(None, &["view_audit"]), "").await.unwrap()),
        ["e4"],
        "no tenant is the tenant of those who have none"
    );
    // Once there are organisations, those rows are the platform's: every sign-in is among them.
    world.memory.tamper("sys_organization", |rows| {
        rows.push(json!({ "id": "t1" }).as_object().unwrap().clone());
    });
    let error = events(&plugin, &reader(None, &["view_audit"]), "").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().contains("an active organisation"), "{error}");
    let own = events(&plugin, &reader(Some("t1"), &["view_audit"]), "").await.unwrap();
    assert_eq!(own["total"], 2);
    let all = events(&plugin, &reader(None, &["view_audit", "manage_platform"]), "")
        .await
        .unwrap();
    assert_eq!(all["total"], 4);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_fields_that_may_not_be_read_are_withheld() {
    let mut world = World::new();
    world.permissions = true;
    let plugin = filled(&world).await;
    let salary = |page: &Value| page["data"][0]["changes"][0]["newValue"].clone();
    let auditor = reader(Some("t1"), &["view_audit"]);
    let payroll = reader(Some("t1"), &["view_audit", "payroll"]);
    assert_eq!(
        salary(&events(&plugin, &auditor, "recordId=r1").await.unwrap()),
        "[withheld]"
    );
    assert_eq!(salary(&events(&plugin, &payroll, "recordId=r1").await.unwrap()), 1200);
    let file = get(&plugin, &auditor, "/api/v1/audit/export", &[], "format=ndjson")
        .await
        .unwrap();
    let text = String::from_utf8(file.body).unwrap();
    assert!(!text.contains("1200") && text.contains("[withheld]"), "{text}");
    plugin.stop().await.unwrap();
}

/// What is withheld from an answer is no way to it either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_records_cannot_be_asked_for_piece_by_piece() {
    let mut world = World::new();
    world.permissions = true;
    world.memory.tamper("employee", |rows| {
        rows.push(json!({ "id": "r1", "name": "Rob" }).as_object().unwrap().clone());
    });
    let plugin = filled(&world).await;
    let refused = json!({ "origin": { "tenantId": "t1" }, "description": "refused Robby", "targetType": "route" });
    deliver(&plugin, &event("e5", "security.access_denied", refused)).await;
    let auditor = reader(Some("t1"), &["view_audit"]);
    let everywhere = reader(None, &["view_audit", "manage_platform", "payroll"]);
    for (query, seen, all) in [
        ("q=ro", vec!["e5"], vec!["e5", "e3"]),
        ("q=bob%20created", vec![], vec!["e2", "e1"]),
        ("targetName=Rob", vec![], vec!["e3"]),
        ("q=ann%40", vec!["e3", "e1"], vec!["e3", "e2", "e1"]),
    ] {
        for (context, expected) in [(&auditor, &seen), (&everywhere, &all)] {
            let found = events(&plugin, context, query).await.unwrap();
            assert_eq!(
                (&ids(&found), found["total"].as_u64()),
                (expected, u64::try_from(expected.len()).ok()),
                "{query}"
            );
        }
        let at = [("object", "employee"), ("id", "r1")];
        let trail = get(&plugin, &auditor, "/api/v1/audit/trail/{object}/{id}", &at, query)
            .await
            .unwrap();
        let trail: Value = serde_json::from_slice(&trail.body).unwrap();
        let mut own = seen;
        own.retain(|id| *id != "e5");
        assert_eq!(ids(&trail), own, "{query}");
    }
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_records_that_may_not_be_read_are_withheld() {
    let mut world = World::new();
    world.permissions = true;
    world.memory.tamper("employee", |rows| {
        rows.push(json!({ "id": "r1", "name": "Rob" }).as_object().unwrap().clone())
    });
    let plugin = filled(&world).await;
    let at = "/api/v1/audit/trail/{object}/{id}";
    let names = |page: &Value| -> Vec<Value> {
        let events = page["data"].as_array().unwrap().iter();
        let changes = events.flat_map(|event| event["changes"].as_array().into_iter().flatten());
        let names = changes.filter(|change| change["field"] == "name");
        names.map(|change| change["newValue"].clone()).collect()
    };
    let everyone = ["view_audit", "manage_platform", "payroll"];
    let bound = ["view_audit", "manage_platform", "payroll", "bound"];
    // r2 is gone, or was never there for this reader: that cannot be told apart.
    for (roles, expected) in [
        (&everyone[..], ["Rob", "Bob", "Bob"]),
        (&bound[..], ["Rob", "[withheld]", "Bob"]),
    ] {
        let context = reader(None, roles);
        let page = events(&plugin, &context, "objectName=employee").await.unwrap();
        assert_eq!(names(&page), expected, "{page:#}");
        let file = get(&plugin, &context, "/api/v1/audit/export", &[], "format=ndjson").await;
        let text = String::from_utf8(file.unwrap().body).unwrap();
        assert_eq!(text.contains("[withheld]"), roles.contains(&"bound"), "{text}");
        let gone = [("object", "employee"), ("id", "r2")];
        let trail = get(&plugin, &context, at, &gone, "").await.unwrap();
        let trail: Value = serde_json::from_slice(&trail.body).unwrap();
        assert_eq!(names(&trail), [expected[1]], "{trail:#}");
    }
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_behind_a_mask_are_withheld() {
    let mut world = World::new();
    world.permissions = true;
    world.memory.tamper("employee", |rows| {
        rows.push(json!({ "id": "r1", "badge": "****7890" }).as_object().unwrap().clone())
    });
    let plugin = world.start(json!({})).await;
    let mut made = created("e1", "r1");
    made.payload["after"]["badge"] = json!("1234567890");
    deliver(&plugin, &made).await;
    let at = [("object", "employee"), ("id", "r1"), ("field", "badge")];
    for (route, parameters) in [
        ("/api/v1/audit/events", &at[..0]),
        ("/api/v1/audit/export", &at[..0]),
        ("/api/v1/audit/trail/{object}/{id}", &at[..2]),
        ("/api/v1/data/{object}/{id}/changelog", &at[..2]),
        ("/api/v1/audit/field-history/{object}/{id}/{field}", &at[..]),
    ] {
        for (role, raw) in [("payroll", true), ("sales", false), ("clerk", true)] {
            let context = reader(Some("t1"), &["view_audit", role]);
            let answer = get(&plugin, &context, route, parameters, "").await.unwrap();
            let text = String::from_utf8(answer.body).unwrap();
            assert_eq!(text.contains("1234567890"), raw, "{route} {role}: {text}");
            assert!(text.contains("badge") || !raw, "{route} {role}: {text}");
        }
    }
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_read_a_record_reads_its_history_as_far_as_its_fields() {
    let mut world = World::new();
    world.permissions = true;
    // The record as this reader sees it: without the salary.
    world.memory.tamper("employee", |rows| {
        rows.push(json!({ "id": "r1", "name": "Rob" }).as_object().unwrap().clone())
    });
    let plugin = filled(&world).await;
    let person = reader(Some("t1"), &[]);
    let at = [("object", "employee"), ("id", "r1")];
    let json_of = |answer: objectos_plugin_api::HttpResponse| serde_json::from_slice::<Value>(&answer.body).unwrap();
    let trail = json_of(
        get(&plugin, &person, "/api/v1/audit/trail/{object}/{id}", &at, "")
            .await
            .unwrap(),
    );
    assert_eq!((ids(&trail), &trail["total"]), (vec!["e3", "e1"], &json!(2)));
    assert!(!trail.to_string().contains("salary"), "{trail:#}");
    assert!(
        !trail.to_string().contains("192.0.2.7"),
        "from where is not for everybody: {trail:#}"
    );
    let probing = get(
        &plugin,
        &person,
        "/api/v1/audit/trail/{object}/{id}",
        &at,
        "ipAddress=192.0.2.7",
    )
    .await;
    assert_eq!(
        probing.unwrap_err().kind(),
        ErrorKind::Invalid,
        "nor can it be asked for"
    );
    let log = json_of(
        get(&plugin, &person, "/api/v1/data/{object}/{id}/changelog", &at, "")
            .await
            .unwrap(),
    );
    assert_eq!(
        log["entries"][0],
        json!({
            "id": "e3", "object": "employee", "recordId": "r1", "actor": { "type": "user", "id": "u1", "name": "Ann" },
            "changes": [{ "field": "name", "fieldLabel": "Full name", "oldValue": "Bob", "newValue": "Rob" }],
            "timestamp": "2023-11-15T00:00:00.000Z", "source": "data.update",
        })
    );
    let route = "/api/v1/audit/field-history/{object}/{id}/{field}";
    let field = |name: &'static str| [("object", "employee"), ("id", "r1"), ("field", name)];
    let names = json_of(get(&plugin, &person, route, &field("name"), "").await.unwrap());
    let values: Vec<&Value> = names["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["newValue"])
        .collect();
    assert_eq!(values, ["Bob", "Rob"], "in the order of time");
    let hidden = get(&plugin, &person, route, &field("salary"), "").await.unwrap_err();
    let unknown = get(&plugin, &person, route, &field("shoes"), "").await.unwrap_err();
    assert_eq!(
        (hidden.kind(), hidden.message().replace("salary", "shoes")),
        (unknown.kind(), unknown.message().to_owned())
    );
    // A record that is not there for the reader has no history for them; for readers of the trail it has.
    let gone = [("object", "employee"), ("id", "r2")];
    let missing = get(&plugin, &person, "/api/v1/audit/trail/{object}/{id}", &gone, "")
        .await
        .unwrap_err();
    assert_eq!(
        (missing.kind(), missing.code()),
        (ErrorKind::NotFound, "record_not_found")
    );
    let auditor = reader(Some("t2"), &["view_audit"]);
    let trail = json_of(
        get(&plugin, &auditor, "/api/v1/audit/trail/{object}/{id}", &gone, "")
            .await
            .unwrap(),
    );
    assert_eq!(ids(&trail), ["e2"]);
    let foreign = reader(Some("t1"), &["view_audit"]);
    assert!(
        get(&plugin, &foreign, "/api/v1/audit/trail/{object}/{id}", &gone, "")
            .await
            .is_err()
    );
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_are_files_are_limited_and_leave_a_row() {
    let world = World::new();
    let plugin = filled(&world).await;
    let route = "/api/v1/audit/export";
    let csv = get(&plugin, &local(), route, &[], "format=csv&sortOrder=asc")
        .await
        .unwrap();
    assert!(
        csv.headers
            .iter()
            .any(|(name, value)| name == "content-disposition" && value.contains("audit.csv"))
    );
    let text = String::from_utf8(csv.body).unwrap();
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].starts_with("id,sequence,timestamp,eventType"), "{text}");
    assert!(
        lines[4].contains(",'=cmd,"),
        "what looks like a formula is a text: {text}"
    );
    let row = world.rows().pop().unwrap();
    assert_eq!(
        (&row["event_type"], &row["metadata"]["records"], &row["actor_id"]),
        (&json!("data.export"), &json!(4), &json!("local"))
    );
    let ndjson = get(&plugin, &local(), route, &[], "format=ndjson&eventType=data.create")
        .await
        .unwrap();
    let events: Vec<Value> = String::from_utf8(ndjson.body)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), 2);
    assert_eq!(
        get(&plugin, &local(), route, &[], "format=xml")
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Invalid
    );
    for number in 0..100 {
        deliver(&plugin, &created(&format!("x{number}"), "r9")).await;
    }
    let error = get(&plugin, &local(), route, &[], "").await.unwrap_err();
    assert!(error.message().contains("shorter time"), "{error}");
    plugin.stop().await.unwrap();
}
