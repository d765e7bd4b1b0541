//! What is kept from callers: passwords, hidden fields, masked values.

use std::sync::{Arc, Mutex};

use objectos_data::access::{Access, Plan};
use objectos_data::engine::ports::HookPoint;
use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess, Holdings, Operation};
use objectos_plugin_api::{Context, Principal, PrincipalKind};
use serde_json::{Value, json};

use crate::engine::access::plan;
use crate::world::{World, allowed, failure, field_errors, fields, principal};

const USER: &str = "
name: user
fields:
  name: { type: text, searchable: true }
  secret: { type: password, required: true }
  note: { type: text, hidden: true }
";

async fn world() -> World {
    let world = World::new(&[("user.object.yml", USER)]).await;
    world
        .create(
            "user",
            json!({ "id": "u1", "name": "ann", "secret": "hunter2", "note": "tall" }),
        )
        .await
        .unwrap();
    world
}

#[tokio::test]
async fn a_password_is_told_to_the_system_alone() {
    let world = world().await;
    assert_eq!(world.get("user", "u1").await.unwrap()["secret"], Value::Null);
    let listed = world
        .query("user", json!({ "fields": ["name", "secret"] }))
        .await
        .unwrap();
    assert_eq!(listed["records"], json!([{ "name": "ann", "secret": null }]));
    let known = world.get_as(&world.system, "user", "u1").await.unwrap();
    assert!(is_hash(&known["secret"]), "{known}");
    let listed = world
        .query_as(&world.system, "user", json!({ "fields": ["secret"] }))
        .await
        .unwrap();
    assert_eq!(listed["records"], json!([{ "secret": known["secret"] }]));
    let made = world
        .engine
        .create(&world.system, "user", fields(json!({ "secret": "s" })))
        .await
        .unwrap();
    let made: Value = serde_json::from_slice(&made.record).unwrap();
    assert!(is_hash(&made["secret"]), "{made}");
}

const VISIT: &str = "
name: visit
fields:
  by: { type: lookup, reference: user }
";

/// Whoever asked gets it, the system alone; handlers of others do not see it, however it comes into the answer.
#[tokio::test]
async fn no_handler_sees_a_hash() {
    let world = World::new(&[("user.object.yml", USER), ("visit.object.yml", VISIT)]).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    for point in HookPoint::ALL {
        for object in ["user", "visit"] {
            let writer = Arc::clone(&seen);
            world.hooks.on(point, object, move |payload| {
                writer.lock().unwrap().push(payload.to_string());
                // What no handler changed is told as what one did.
                if object == "visit" && point == HookPoint::AfterFind {
                    payload["records"][0]["handled"] = json!(true);
                    return Ok(true);
                }
                Ok(false)
            });
        }
    }
    for id in ["u1", "u2"] {
        let made = json!({ "id": id, "name": "ann", "secret": "hunter2" });
        world.create("user", made).await.unwrap();
    }
    world.create("visit", json!({ "id": "v1", "by": "u1" })).await.unwrap();
    world.update("user", "u1", json!({ "name": "anne" })).await.unwrap();
    for (context, told) in [(&world.system, true), (&world.local, false)] {
        let check = |value: &Value, place: &str| {
            assert_eq!((is_hash(value), value.is_null()), (told, !told), "{place}: {value}");
        };
        check(&world.get_as(context, "user", "u1").await.unwrap()["secret"], "get");
        for (object, query, pointer) in [
            ("user", json!({ "where": { "id": "u1" } }), "/records/0/secret"),
            ("user", json!({ "fields": ["secret"] }), "/records/1/secret"),
            ("visit", json!({ "expand": ["by"] }), "/records/0/by/secret"),
            ("visit", json!({ "fields": ["by.secret"] }), "/records/0/by.secret"),
        ] {
            let found = world.query_as(context, object, query.clone()).await.unwrap();
            let value = found.pointer(pointer);
            check(value.unwrap_or_else(|| panic!("{query}: {found}")), pointer);
            assert_eq!(found["records"][0]["handled"] == true, object == "visit", "{found}");
        }
    }
    let as_system = fields(json!({ "secret": "changed1" }));
    let changed = world.engine.update(&world.system, "user", "u1", as_system, None);
    let changed: Value = serde_json::from_slice(&changed.await.unwrap().record).unwrap();
    assert!(is_hash(&changed["secret"]), "{changed}");
    world.engine.delete(&world.system, "user", "u2").await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.iter().any(|payload| payload.contains("previous")), "{seen:?}");
    for secret in ["$argon2id$", "hunter2", "changed1"] {
        assert!(seen.iter().all(|payload| !payload.contains(secret)), "{seen:#?}");
    }
}

fn is_hash(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"))
}

/// A hash as other systems give it out.
const FOREIGN: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$vUmKIKtgKvBaLtKBvOxqd8Qw2qVZ5CNBSAmn3rOoFEs";

#[tokio::test]
async fn a_password_is_kept_as_a_hash() {
    let world = world().await;
    let stored = async |id: &str| {
        let record = world.get_as(&world.system, "user", id).await.unwrap();
        record["secret"].as_str().unwrap_or_default().to_owned()
    };
    // Whoever writes it, and whatever it looks like; only the system may bring a hash.
    for (id, system, secret, stays) in [
        ("a", false, "hunter2", false),
        ("b", true, "hunter2", false),
        ("c", false, FOREIGN, false),
        ("d", true, FOREIGN, true),
        ("e", true, "$argon2id$", false),
    ] {
        let who = if system { &world.system } else { &world.local };
        let record = fields(json!({ "id": id, "name": id, "secret": secret }));
        world.engine.create(who, "user", record).await.unwrap();
        assert_eq!(stored(id).await == secret, stays, "{id}");
        assert!(stored(id).await.starts_with("$argon2id$v=19$"), "{id}");
    }
    // One password, two hashes.
    assert_ne!(stored("a").await, stored("b").await);
    // Another field changes, the password stays; it changes, the hash does.
    let before = stored("a").await;
    world.update("user", "a", json!({ "name": "anne" })).await.unwrap();
    assert_eq!(stored("a").await, before);
    world
        .update("user", "a", json!({ "secret": "changed1" }))
        .await
        .unwrap();
    assert_ne!(stored("a").await, before);
}

#[tokio::test]
async fn nobody_finds_records_by_a_password() {
    let world = world().await;
    for query in [
        json!({ "where": { "secret": "hunter2" } }),
        json!({ "where": { "secret": { "$startsWith": "h" } } }),
        json!({ "orderBy": "secret" }),
        json!({ "groupBy": ["secret"], "aggregations": [{ "function": "count", "alias": "n" }] }),
        json!({ "aggregations": [{ "function": "min", "field": "secret", "alias": "n" }] }),
        json!({ "search": { "query": "hunter", "fields": ["secret"] } }),
    ] {
        let (code, _) = failure(world.query("user", query.clone()).await);
        assert!(
            ["invalid_field", "invalid_sort"].contains(&code.as_str()),
            "{query}: {code}"
        );
    }
    assert_eq!(
        world.query("user", json!({ "search": "hunter2" })).await.unwrap()["total"],
        0
    );
}

#[tokio::test]
async fn no_event_holds_a_password() {
    let world = world().await;
    world
        .update("user", "u1", json!({ "secret": "changed1" }))
        .await
        .unwrap();
    world.engine.delete(&world.local, "user", "u1").await.unwrap();
    let events = world.events().await;
    assert_eq!(events.len(), 3);
    for event in events {
        let text = event.to_string();
        assert!(!text.contains("hunter2") && !text.contains("changed1"), "{text}");
    }
}

#[tokio::test]
async fn a_password_that_comes_back_as_it_was_read_stays() {
    let world = world().await;
    let read = world.get("user", "u1").await.unwrap();
    let mut changed = fields(read);
    changed.shift_remove("secret");
    changed.insert("name".to_owned(), json!("anne"));
    let before = world.get_as(&world.system, "user", "u1").await.unwrap();
    world.update("user", "u1", Value::Object(changed)).await.unwrap();
    assert_eq!(
        world.get_as(&world.system, "user", "u1").await.unwrap()["secret"],
        before["secret"]
    );
}

#[tokio::test]
async fn a_hidden_field_stands_in_an_answer_when_it_is_named() {
    let world = world().await;
    let has = |record: &Value| record.as_object().unwrap().contains_key("note");
    assert!(!has(&world.get("user", "u1").await.unwrap()));
    assert!(!has(&world.query("user", json!({})).await.unwrap()["records"][0]));
    assert!(!has(&world
        .update("user", "u1", json!({ "note": "short" }))
        .await
        .unwrap()));
    let named = world
        .query("user", json!({ "fields": ["note"], "where": { "note": "short" } }))
        .await
        .unwrap();
    assert_eq!(named["records"], json!([{ "note": "short" }]));
    assert!(has(&world.get_as(&world.system, "user", "u1").await.unwrap()));
}

const PERSON: &str = "
name: person
fields:
  name: { type: text }
  ssn: { type: text, searchable: true, maskingRule: { field: ssn, strategy: partial, exemptRoles: [hr] } }
  salary: { type: number, maskingRule: { field: salary, strategy: nullify, roles: [sales], exemptRoles: [hr] } }
";
const TEAM: &str = "name: team\nfields:\n  name: { type: text }\n  lead: { type: lookup, reference: person }\n";

fn someone(role: &str) -> Context {
    let principal = Principal {
        id: role.to_owned(),
        kind: PrincipalKind::User,
        roles: vec![role.to_owned()],
        ..Principal::default()
    };
    Context::request("r1").with_principal(&principal)
}

async fn masking() -> World {
    let world = World::new(&[("person.object.yml", PERSON), ("team.object.yml", TEAM)]).await;
    for role in ["hr", "sales", "support"] {
        for object in ["person", "team"] {
            for operation in [Operation::Read, Operation::Update] {
                world.permissions.allow(role, object, operation, allowed(None));
            }
        }
    }
    world
        .create(
            "person",
            json!({ "id": "p1", "name": "ann", "ssn": "123-45-6789", "salary": 5000 }),
        )
        .await
        .unwrap();
    world
        .create("team", json!({ "id": "t1", "name": "one", "lead": "p1" }))
        .await
        .unwrap();
    world
}

#[tokio::test]
async fn masks_are_put_on_for_those_without_the_role() {
    let world = masking().await;
    for (role, ssn, salary) in [
        ("hr", json!("123-45-6789"), json!(5000)),
        ("sales", json!("***-**-6789"), Value::Null),
        ("support", json!("***-**-6789"), json!(5000)),
    ] {
        let context = someone(role);
        let check = |record: &Value, place: &str| {
            assert_eq!((&record["ssn"], &record["salary"]), (&ssn, &salary), "{role} {place}");
        };
        check(&world.get_as(&context, "person", "p1").await.unwrap(), "get");
        let found = world.query_as(&context, "person", json!({})).await.unwrap();
        check(&found["records"][0], "list");
        let found = world
            .query_as(&context, "team", json!({ "expand": ["lead"] }))
            .await
            .unwrap();
        check(&found["records"][0]["lead"], "expand");
        let found = world
            .query_as(&context, "team", json!({ "fields": ["lead.ssn"] }))
            .await
            .unwrap();
        assert_eq!(found["records"][0]["lead.ssn"], ssn, "{role} path");
        let changed = world
            .engine
            .update(&context, "person", "p1", fields(json!({ "name": role })), None)
            .await
            .unwrap();
        check(&serde_json::from_slice(&changed.record).unwrap(), "update");
    }
}

/// Roles that records give count as those of the session do: for masks, and for what expressions ask of the caller.
#[tokio::test]
async fn what_the_permissions_know_of_the_caller_counts_for_masks_and_expressions() {
    let person = format!("{PERSON}  by: {{ type: text, defaultValue: $current_user.role }}\n");
    let world = World::new(&[("person.object.yml", person.as_str())]).await;
    let record = json!({ "id": "p1", "name": "ann", "ssn": "123-45-6789", "salary": 5000 });
    world.create("person", record).await.unwrap();
    for (user, role, ssn, salary) in [
        ("ann", Some("hr"), json!("123-45-6789"), json!(5000)),
        ("bob", Some("sales"), json!("***-**-6789"), Value::Null),
        ("eve", None, json!("***-**-6789"), json!(5000)),
    ] {
        for operation in [Operation::Read, Operation::Create] {
            world.permissions.allow(user, "person", operation, holding(role));
        }
        // The session says of no role.
        let context = principal(user, PrincipalKind::User, None);
        let read = world.get_as(&context, "person", "p1").await.unwrap();
        assert_eq!((&read["ssn"], &read["salary"]), (&ssn, &salary), "{user}");
        let made = world
            .engine
            .create(&context, "person", fields(json!({ "name": user })))
            .await;
        let made: Value = serde_json::from_slice(&made.unwrap().record).unwrap();
        assert_eq!(made["by"], json!(role), "{user}");
    }
}

/// Everything is allowed, and this role is held.
fn holding(role: Option<&str>) -> Access {
    let plan = AccessPlan {
        allowed: true,
        readable: FieldAccess::All,
        writable: FieldAccess::All,
        holdings: Some(Holdings {
            roles: role.into_iter().map(str::to_owned).collect(),
            ..Holdings::default()
        }),
        ..AccessPlan::default()
    };
    Access::Planned(Arc::new(Plan::read(plan).expect("a plan")))
}

#[tokio::test]
async fn a_mask_is_not_seen_through() {
    let world = masking().await;
    let sales = someone("sales");
    for query in [
        json!({ "where": { "ssn": "123-45-6789" } }),
        json!({ "orderBy": "salary" }),
        json!({ "aggregations": [{ "function": "max", "field": "salary", "alias": "n" }] }),
        json!({ "search": { "query": "123", "fields": ["ssn"] } }),
        // How many there are tells which are equal.
        json!({ "fields": ["ssn"], "distinct": true }),
    ] {
        let (code, _) = failure(world.query_as(&sales, "person", query.clone()).await);
        assert!(
            ["invalid_field", "invalid_sort"].contains(&code.as_str()),
            "{query}: {code}"
        );
    }
    let (code, _) = failure(
        world
            .query_as(&sales, "team", json!({ "where": { "lead.ssn": "123-45-6789" } }))
            .await,
    );
    assert_eq!(code, "invalid_field");
    let hr = world
        .query_as(&someone("hr"), "person", json!({ "where": { "ssn": "123-45-6789" } }))
        .await
        .unwrap();
    assert_eq!(hr["total"], 1);
}

#[tokio::test]
async fn a_mask_that_comes_back_changes_nothing() {
    let world = masking().await;
    let sales = someone("sales");
    let read = world.get_as(&sales, "person", "p1").await.unwrap();
    let record = fields(json!({ "name": "anne", "ssn": read["ssn"], "salary": read["salary"] }));
    world.engine.update(&sales, "person", "p1", record, None).await.unwrap();
    let stored = world.get("person", "p1").await.unwrap();
    assert_eq!(
        (&stored["name"], &stored["ssn"], &stored["salary"]),
        (&json!("anne"), &json!("123-45-6789"), &json!(5000))
    );
}

/// Whoever sees only a mask and may not write the field learns nothing by sending guesses: right and wrong ones are refused alike.
#[tokio::test]
async fn a_guess_behind_a_mask_is_refused_whatever_it_is() {
    let world = masking().await;
    let closed = plan(None, None, &[], &["ssn"]);
    world.permissions.allow("sales", "person", Operation::Update, closed);
    let sales = someone("sales");
    for guess in ["123-45-6789", "987-65-4321"] {
        let record = fields(json!({ "ssn": guess }));
        let refused = world.engine.update(&sales, "person", "p1", record, None).await;
        assert_eq!(failure(refused).0, "field_not_accessible", "{guess}");
    }
    let record = fields(json!({ "name": "anne", "ssn": "***-**-6789" }));
    world.engine.update(&sales, "person", "p1", record, None).await.unwrap();
    assert_eq!(world.get("person", "p1").await.unwrap()["ssn"], "123-45-6789");
}

#[tokio::test]
async fn earlier_versions_are_masked_and_come_back_unmasked() {
    for strategy in ["snapshot", "delta"] {
        let person = format!("{PERSON}versioning: {{ enabled: true, strategy: {strategy} }}\n");
        let world = World::new(&[("person.object.yml", person.as_str())]).await;
        for role in ["hr", "sales"] {
            for operation in [Operation::Read, Operation::Update] {
                world.permissions.allow(role, "person", operation, allowed(None));
            }
        }
        let first = json!({ "id": "p1", "name": "ann", "ssn": "123-45-6789", "salary": 5000 });
        world.create("person", first).await.unwrap();
        let second = json!({ "ssn": "987-65-4321", "salary": 6000 });
        world.update("person", "p1", second).await.unwrap();
        for (role, number, ssn, salary) in [
            ("hr", 1, json!("123-45-6789"), json!(5000)),
            ("hr", 2, json!("987-65-4321"), json!(6000)),
            ("sales", 1, json!("***-**-6789"), Value::Null),
            ("sales", 2, json!("***-**-4321"), Value::Null),
        ] {
            let answer = world.engine.version(&someone(role), "person", "p1", number).await;
            let record = &answer.unwrap()["record"];
            assert_eq!(
                (&record["ssn"], &record["salary"]),
                (&ssn, &salary),
                "{strategy} {role} {number}"
            );
        }
        let sales = someone("sales");
        let back = world.engine.restore_version(&sales, "person", "p1", 1, None).await;
        let shown: Value = serde_json::from_slice(&back.unwrap().record).unwrap();
        assert_eq!(
            (&shown["ssn"], &shown["salary"]),
            (&json!("***-**-6789"), &Value::Null),
            "{strategy}"
        );
        let stored = world.get("person", "p1").await.unwrap();
        assert_eq!(
            (&stored["ssn"], &stored["salary"]),
            (&json!("123-45-6789"), &json!(5000)),
            "{strategy}"
        );
    }
}

#[tokio::test]
async fn a_read_only_field_is_not_written() {
    let world = World::new(&[(
        "thing.object.yml",
        "name: thing\nfields:\n  name: { type: text }\n  fixed: { type: text, readonly: true, defaultValue: set }\n",
    )])
    .await;
    let made = world.create("thing", json!({ "id": "t1", "name": "a" })).await.unwrap();
    assert_eq!(made["fixed"], "set");
    let errors = field_errors(world.update("thing", "t1", json!({ "fixed": "other" })).await);
    assert_eq!(errors, ["fixed: read_only"]);
    let errors = field_errors(world.create("thing", json!({ "fixed": "other" })).await);
    assert_eq!(errors, ["fixed: read_only"]);
    // A record that comes back as it was read is taken.
    world
        .update("thing", "t1", json!({ "fixed": "set", "name": "b" }))
        .await
        .unwrap();
}
