//! The audit trail where people sign in: refusals and sign-ins leave rows, secrets do not, and few read it.

use serde_json::json;

use crate::signed_in::{PASSWORD, host, register};

#[test]
fn a_refused_create_leaves_a_row_and_the_trail_is_for_few() {
    let host = host();
    let mut admin = register(&host, "root");
    let mut nobody = register(&host, "nobody");
    let refused = nobody.send_marked("spec", "POST /api/v1/data/account", &json!({"name": "Initech"}));
    assert_eq!(refused.status, 403, "{}", String::from_utf8_lossy(&refused.body));
    let event = admin.await_event(&host, "eventType=security.access_denied");
    assert_eq!(
        (&event["actor"]["id"], &event["result"]),
        (&json!(nobody.id), &json!("failure")),
        "{event:#}"
    );
    assert_eq!(
        (&event["actor"]["userAgent"], &event["severity"]),
        (&json!("spec"), &json!("warning")),
        "{event:#}"
    );
    assert_eq!(event["objectName"], "account", "{event:#}");
    let made = admin
        .send_marked("spec", "POST /api/v1/data/account", &json!({"name": "Initech"}))
        .expect(201);
    let id = made["id"].as_str().expect("an id");
    admin.await_event(&host, &format!("recordId={id}"));
    for path in [
        "/api/v1/audit/events".to_owned(),
        format!("/api/v1/audit/events/{}", event["id"].as_str().expect("an id")),
        "/api/v1/audit/export".to_owned(),
        format!("/api/v1/audit/trail/account/{id}"),
        format!("/api/v1/audit/field-history/account/{id}/name"),
        format!("/api/v1/data/account/{id}/changelog"),
    ] {
        assert_eq!(host.client().get(&path).status, 401, "{path}");
        let status = nobody.get(&path).status;
        assert!(status == 403 || status == 404, "{path}: {status}");
        assert_eq!(admin.get(&path).status, 200, "{path}");
    }
}

/// The whole way in one test: who somebody is (auth), what they may (permissions), the change (data), its row (audit).
#[test]
fn the_way_of_a_change_leads_from_a_session_over_a_permission_set_to_its_row() {
    let host = host();
    let (mut admin, mut anna) = (register(&host, "root"), register(&host, "anna"));
    let set = json!({"objects": {"account": {"allowRead": true, "allowCreate": true}}});
    admin
        .send_marked("spec", "PUT /api/v1/permissions/sets/makers", &set)
        .expect(201);
    let (create, record) = (
        "POST /api/v1/data/account",
        json!({"name": "Initech", "industry": "software"}),
    );
    assert_eq!(anna.send_marked("too soon", create, &record).status, 403);
    let given = json!({"permissionSet": "makers", "assignee": anna.id});
    admin
        .send_marked("spec", "POST /api/v1/permissions/assignments", &given)
        .expect(201);
    let made = anna.send_marked("in time", create, &record).expect(201);
    let id = made["id"].as_str().expect("an id");
    let edit = anna.send_marked(
        "too far",
        &format!("PATCH /api/v1/data/account/{id}"),
        &json!({"name": "Initrode"}),
    );
    assert_eq!(edit.status, 403, "{}", String::from_utf8_lossy(&edit.body));

    let row = admin.await_event(&host, &format!("eventType=data.create&recordId={id}"));
    assert_eq!(
        (&row["actor"]["type"], &row["actor"]["id"], &row["actor"]["email"]),
        (&json!("user"), &json!(anna.id), &json!("anna@example.com")),
        "{row:#}"
    );
    assert_eq!(
        (
            &row["actor"]["userAgent"],
            &row["actor"]["ipAddress"],
            &row["objectName"],
            &row["result"]
        ),
        (
            &json!("in time"),
            &json!("127.0.0.1"),
            &json!("account"),
            &json!("success")
        ),
        "{row:#}"
    );
    assert!(row["sessionId"].is_string() && row["requestId"].is_string(), "{row:#}");
    let changes = row["changes"].as_array().expect("changes");
    for (field, value) in [("name", "Initech"), ("industry", "software")] {
        let change = changes.iter().find(|change| change["field"] == field).expect(field);
        assert_eq!(
            (&change["newValue"], change.get("oldValue")),
            (&json!(value), None),
            "{row:#}"
        );
    }
    for (mark, operation) in [("too%20soon", "create"), ("too%20far", "update")] {
        let denied = format!("eventType=security.access_denied&userAgent={mark}");
        let row = admin.await_event(&host, &denied);
        assert_eq!(
            (&row["actor"]["id"], &row["result"], &row["metadata"]["operation"]),
            (&json!(anna.id), &json!("failure"), &json!(operation)),
            "{row:#}"
        );
    }
    let changed = admin.get(&format!("/api/v1/audit/events?eventType=data.update&recordId={id}"));
    assert_eq!(changed.expect(200)["total"], 0);
}

/// Whoever reads the trail reads no values of records that they do not see.
#[test]
fn the_trail_keeps_back_values_of_records_that_its_reader_does_not_see() {
    let host = host();
    let (mut admin, mut mona) = (register(&host, "root"), register(&host, "mona"));
    let set = json!({
        "objects": {"lead": {"allowRead": true}, "account": {"allowRead": true}},
        "systemPermissions": ["view_audit"],
    });
    admin
        .send_marked("spec", "PUT /api/v1/permissions/sets/auditors", &set)
        .expect(201);
    let given = json!({"permissionSet": "auditors", "assignee": mona.id});
    admin
        .send_marked("spec", "POST /api/v1/permissions/assignments", &given)
        .expect(201);
    // Leads are private, accounts everybody's to see.
    for (object, record, seen) in [
        (
            "lead",
            json!({"last_name": "Doe", "company": "Sesame Ltd", "email": "doe@example.com"}),
            false,
        ),
        ("account", json!({"name": "Sesame Ltd"}), true),
    ] {
        let made = admin
            .send_marked("spec", &format!("POST /api/v1/data/{object}"), &record)
            .expect(201);
        let id = made["id"].as_str().expect("an id").to_owned();
        admin.await_event(&host, &format!("recordId={id}"));
        for path in [
            format!("/api/v1/audit/events?recordId={id}"),
            format!("/api/v1/audit/export?format=ndjson&recordId={id}"),
            format!("/api/v1/audit/trail/{object}/{id}"),
        ] {
            let answer = mona.get(&path);
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(answer.status, 200, "{path}: {text}");
            assert_eq!(text.contains("Sesame"), seen, "{path}: {text}");
            assert_eq!(text.contains("[withheld]"), !seen, "{path}: {text}");
        }
    }
}

#[test]
fn no_secret_is_in_the_trail() {
    let host = host();
    let mut admin = register(&host, "root");
    let made = admin
        .send_marked("spec", "POST /api/v1/auth/api-key/create", &json!({"name": "k"}))
        .expect(200);
    let wrong = json!({"email": "root@example.com", "password": "not-tangerine-otter"});
    assert_eq!(
        host.client().send("POST", "/api/v1/auth/sign-in/email", &wrong).status,
        401
    );
    let failed = admin.await_event(&host, "eventType=auth.login_failed");
    assert_eq!(
        (&failed["result"], &failed["actor"]["ipAddress"]),
        (&json!("failure"), &json!("127.0.0.1")),
        "{failed:#}"
    );
    admin.await_event(&host, "eventType=security.api_key_created");
    admin.await_event(&host, "objectName=sys_account&eventType=data.create");
    let file = admin.get("/api/v1/audit/export?format=ndjson");
    let text = String::from_utf8(file.body).expect("UTF-8");
    let mut secrets = vec![
        PASSWORD.to_owned(),
        "not-tangerine-otter".to_owned(),
        "$argon2".to_owned(),
        admin.token.clone(),
    ];
    secrets.extend(made["key"].as_str().map(str::to_owned));
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} is in the trail");
    }
    assert!(text.lines().count() > 3, "{text}");
}
