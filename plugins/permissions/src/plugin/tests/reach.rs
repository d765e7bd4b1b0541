//! Nobody gives, takes or writes more than they hold, and none but the platform's reach beyond their organisation.

use super::*;

const BEFORE: [(&str, &str); 3] = [
    ("POST", "data.before_insert"),
    ("PATCH", "data.before_update"),
    ("DELETE", "data.before_delete"),
];

fn working_in(id: &str, tenant: &str) -> Context {
    let principal = Principal {
        id: id.to_owned(),
        kind: PrincipalKind::User,
        tenant: Some(tenant.to_owned()),
        roles: vec!["user".to_owned()],
        ..Principal::default()
    };
    Context::request("r1").with_principal(&principal)
}

/// Sets: `chiefs` edit access, `bosses` also administer the platform. `chief` holds the first.
async fn world() -> World {
    let world = World::new().await;
    for (name, permissions) in [
        ("chiefs", "manage_permissions"),
        ("bosses", "manage_permissions, manage_platform"),
    ] {
        let text = format!("name: {name}\nsystemPermissions: [{permissions}]\n");
        world.metadata.declare("permission", name, &text);
    }
    world.assign("chiefs", "chief", None).await;
    world
}

/// Whether somebody is let, acting themselves and through a plugin that acts as the system for them.
pub(super) async fn is_let(
    world: &World,
    context: &Context,
    method: &str,
    object: &str,
    record: Value,
    before: Value,
) -> bool {
    let point = BEFORE.iter().find(|(known, _)| *known == method).unwrap().1;
    let mut payload = json!({ "object": object, "id": "x1", "record": record });
    if !before.is_null() {
        payload["previous"] = before;
    }
    let mut answers = Vec::new();
    for context in [context.clone(), context.as_system()] {
        let answer = world.plugin.hook(point, object, &context, &payload).await;
        if let Err(error) = &answer {
            assert_eq!(error.kind(), ErrorKind::Denied, "{object} {payload}: {error}");
        }
        answers.push(answer.is_ok());
    }
    assert_eq!(answers[0], answers[1], "{object} {payload}");
    answers[0]
}

fn set(permissions: &[&str]) -> Value {
    json!({ "name": "extra", "definition": { "systemPermissions": permissions }, "active": true })
}

fn given(set: &str, organization: Option<&str>) -> Value {
    json!({ "permission_set": set, "assignee_type": "user", "assignee": "ann", "organization": organization })
}

#[tokio::test]
async fn nobody_gives_takes_or_writes_more_than_they_hold() {
    let world = world().await;
    let role = |name: &str| json!({ "user": "chief", "role": name });
    let member = json!({ "group": "inner", "member_type": "user", "member": "chief" });
    let to_group =
        json!({ "permission_set": "bosses", "assignee_type": "group", "assignee": "outer", "organization": "t1" });
    world.create("sys_permission_assignment", to_group).await.unwrap();
    let nested = json!({ "group": "outer", "member_type": "group", "member": "inner" });
    world.create("sys_group_member", nested).await.unwrap();
    let (chief, none) = (user("chief"), Value::Null);
    for (method, object, record, before, expected) in [
        (
            "POST",
            "sys_permission_set",
            set(&["manage_permissions"]),
            none.clone(),
            true,
        ),
        (
            "POST",
            "sys_permission_set",
            set(&["manage_platform"]),
            none.clone(),
            false,
        ),
        (
            "PATCH",
            "sys_permission_set",
            set(&[]),
            set(&["manage_platform"]),
            false,
        ),
        ("DELETE", "sys_permission_set", json!({}), set(&["view_audit"]), false),
        (
            "DELETE",
            "sys_permission_set",
            json!({}),
            set(&["manage_permissions"]),
            true,
        ),
        // It takes the place of what a file declares.
        (
            "POST",
            "sys_permission_set",
            json!({ "name": "bosses", "definition": {} }),
            none.clone(),
            false,
        ),
        (
            "POST",
            "sys_permission_assignment",
            given("chiefs", None),
            none.clone(),
            true,
        ),
        (
            "POST",
            "sys_permission_assignment",
            given("bosses", None),
            none.clone(),
            false,
        ),
        (
            "POST",
            "sys_permission_assignment",
            given("administrator", None),
            none.clone(),
            false,
        ),
        (
            "DELETE",
            "sys_permission_assignment",
            json!({}),
            given("bosses", None),
            false,
        ),
        (
            "DELETE",
            "sys_permission_assignment",
            json!({}),
            given("administrator", None),
            false,
        ),
        (
            "PATCH",
            "sys_permission_assignment",
            given("chiefs", None),
            given("bosses", None),
            false,
        ),
        (
            "PATCH",
            "sys_permission_assignment",
            given("bosses", None),
            given("chiefs", None),
            false,
        ),
        ("POST", "sys_user_role", role("chiefs"), none.clone(), true),
        ("POST", "sys_user_role", role("bosses"), none.clone(), false),
        ("DELETE", "sys_user_role", json!({}), role("bosses"), false),
        ("POST", "sys_group_member", member.clone(), none.clone(), false),
        (
            "POST",
            "sys_role",
            json!({ "name": "rep", "label": "Rep" }),
            none.clone(),
            true,
        ),
    ] {
        let shown = format!("{method} {object} {record} {before}");
        let let_in = is_let(&world, &administrator(), method, object, record.clone(), before.clone()).await;
        assert!(let_in, "administrator: {shown}");
        assert_eq!(
            is_let(&world, &chief, method, object, record, before).await,
            expected,
            "{shown}"
        );
    }
    // Nobody is behind it: seeds, and what the platform does by itself.
    let payload = json!({ "object": "sys_permission_assignment", "id": "x1", "record": given("bosses", None) });
    let system = Context::background().as_system();
    let stored = world
        .plugin
        .hook("data.before_insert", "sys_permission_assignment", &system, &payload)
        .await;
    assert!(stored.is_ok());
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_role_is_put_below_another_by_those_who_hold_what_comes_with_it() {
    let world = world().await;
    let to_all_below =
        json!({ "permission_set": "bosses", "assignee_type": "role_and_subordinates", "assignee": "top" });
    world.create("sys_permission_assignment", to_all_below).await.unwrap();
    let top = json!({ "name": "top", "label": "Top" });
    world.create("sys_role", top).await.unwrap();
    let declared = "name: clerk\nlabel: Clerk\nparent: top\n";
    let role = |name: &str, parent: Option<&str>| json!({ "name": name, "label": "One", "parent": parent });
    let chief = user("chief");
    let check = async |method: &str, record: Value, before: Value, expected: bool| {
        let shown = format!("{method} {record} {before}");
        let let_in = is_let(
            &world,
            &administrator(),
            method,
            "sys_role",
            record.clone(),
            before.clone(),
        )
        .await;
        assert!(let_in, "administrator: {shown}");
        let let_in = is_let(&world, &chief, method, "sys_role", record, before).await;
        assert_eq!(let_in, expected, "{shown}");
    };
    check("POST", role("clerk", Some("top")), Value::Null, false).await;
    check("POST", role("clerk", None), Value::Null, true).await;
    check("PATCH", json!({ "parent": "top" }), role("clerk", None), false).await;
    check("PATCH", json!({ "parent": null }), role("clerk", Some("top")), false).await;
    check("PATCH", json!({ "label": "Other" }), role("clerk", Some("top")), true).await;
    check("DELETE", json!({}), role("clerk", None), true).await;
    // What a file says of it counts again.
    world.metadata.declare("role", "clerk", declared);
    check("DELETE", json!({}), role("clerk", None), false).await;
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_set_that_comes_back_counts_as_one_that_is_given() {
    let world = world().await;
    let narrowed = json!({ "id": "s1", "name": "bosses", "definition": { "systemPermissions": [] }, "active": true });
    world.create("sys_permission_set", narrowed.clone()).await.unwrap();
    let chief = user("chief");
    assert!(!is_let(&world, &chief, "DELETE", "sys_permission_set", json!({}), narrowed).await);
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn where_there_are_organisations_only_the_platform_reaches_beyond_ones_own() {
    let world = world().await;
    world.metadata.declare(
        "object",
        "sys_organization",
        "name: sys_organization\nfields:\n  name: {type: text}\n",
    );
    world.assign("bosses", "boss", None).await;
    let (at_home, nowhere, boss) = (working_in("chief", "t1"), user("chief"), user("boss"));
    let extra = || set(&["manage_permissions"]);
    let everything_goes = is_let(&world, &nowhere, "POST", "sys_permission_set", extra(), Value::Null).await;
    assert!(everything_goes, "without organisations");
    world.data.put("sys_organization", map(json!({ "id": "t1" })));
    for (method, object, record, before, home, outside) in [
        ("POST", "sys_permission_set", extra(), Value::Null, false, false),
        ("DELETE", "sys_permission_set", json!({}), extra(), false, false),
        ("POST", "sys_role", json!({ "name": "rep" }), Value::Null, false, false),
        (
            "POST",
            "sys_user_role",
            json!({ "user": "ann", "role": "rep" }),
            Value::Null,
            false,
            false,
        ),
        (
            "POST",
            "sys_user_territory",
            json!({ "user": "ann", "territory": "north" }),
            Value::Null,
            false,
            false,
        ),
        (
            "POST",
            "sys_permission_assignment",
            given("chiefs", None),
            Value::Null,
            false,
            false,
        ),
        (
            "POST",
            "sys_permission_assignment",
            given("chiefs", Some("t2")),
            Value::Null,
            false,
            false,
        ),
        (
            "POST",
            "sys_permission_assignment",
            given("chiefs", Some("t1")),
            Value::Null,
            true,
            false,
        ),
        (
            "DELETE",
            "sys_permission_assignment",
            json!({}),
            given("chiefs", None),
            false,
            false,
        ),
        (
            "DELETE",
            "sys_permission_assignment",
            json!({}),
            given("chiefs", Some("t1")),
            true,
            false,
        ),
        (
            "PATCH",
            "sys_permission_assignment",
            given("chiefs", Some("t1")),
            given("chiefs", Some("t2")),
            false,
            false,
        ),
    ] {
        for (context, expected) in [(&at_home, home), (&nowhere, outside), (&boss, true)] {
            let found = is_let(&world, context, method, object, record.clone(), before.clone()).await;
            assert_eq!(
                found,
                expected,
                "{} {method} {object} {record} {before}",
                context.user()
            );
        }
    }
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_manager_asks_why_about_their_own_organisation_alone() {
    let world = world().await;
    for (name, fields) in [
        ("sys_organization", "name: {type: text}"),
        (
            "sys_member",
            "organization_id: {type: text}\n  user_id: {type: text}\n  role: {type: text}",
        ),
    ] {
        let text = format!("name: {name}\nfields:\n  {fields}\n");
        world.metadata.declare("object", name, &text);
    }
    let note = "name: note\ntenancy: {enabled: true}\nfields:\n  text: {type: text}\n";
    world.metadata.declare("object", "note", note);
    for (object, record) in [
        ("sys_organization", json!({ "id": "t1" })),
        ("sys_user", json!({ "id": "ann", "name": "Ann", "role": "user" })),
        ("sys_user", json!({ "id": "eve", "name": "Eve", "role": "user" })),
        (
            "sys_member",
            json!({ "organization_id": "t1", "user_id": "ann", "role": "member" }),
        ),
        (
            "sys_member",
            json!({ "organization_id": "t2", "user_id": "eve", "role": "member" }),
        ),
        ("note", json!({ "id": "ours", "organization_id": "t1" })),
        ("note", json!({ "id": "theirs", "organization_id": "t2" })),
    ] {
        world.data.put(object, map(record));
    }
    let chief = working_in("chief", "t1");
    let ask = async |context: &Context, mut question: Value| {
        question["object"] = json!("note");
        question["operation"] = json!("read");
        let route = "POST /api/v1/permissions/explain";
        world.route(context, route, &[], "", question).await
    };
    let (_, mine) = ask(&chief, json!({ "userId": "ann", "recordId": "ours" }))
        .await
        .unwrap();
    assert_eq!(mine["recordId"], "ours", "{mine:#}");
    let unknown = |id: &str| json!({ "userId": "ann", "recordId": id });
    let (_, theirs) = ask(&chief, unknown("theirs")).await.unwrap();
    let (_, absent) = ask(&chief, unknown("nothing")).await.unwrap();
    let said = |answer: &Value| answer.to_string().replace("theirs", "nothing");
    assert_eq!(said(&theirs), said(&absent), "a record of others is not there");
    for question in [
        json!({ "userId": "eve" }),
        json!({ "userId": "ann", "tenant": "t2" }),
        json!({ "principal": { "id": "eve", "kind": "user", "tenant": "t2" } }),
    ] {
        let error = ask(&chief, question.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{question}");
        ask(&administrator(), question).await.unwrap();
    }
    let error = ask(&user("chief"), json!({ "userId": "ann" })).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    world.plugin.stop().await.unwrap();
}

/// While one caller finds that something changed, no other one is served what was before.
#[tokio::test]
async fn a_version_that_was_before_a_change_is_given_to_nobody_after_it() {
    let world = World::new().await;
    let ann = user("ann");
    for round in 0..300 {
        let before = world.client.version(&ann).unwrap();
        let text = format!("name: sales\nlabel: Round {round}\nobjects: {{}}\n");
        world.metadata.declare("permission", "sales", &text);
        let start = std::sync::Barrier::new(3);
        std::thread::scope(|scope| {
            let asking: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        world.client.version(&ann).unwrap()
                    })
                })
                .collect();
            for thread in asking {
                assert_ne!(thread.join().unwrap(), before, "round {round}");
            }
        });
    }
    world.plugin.stop().await.unwrap();
}

/// What somebody may neither read nor write is not listed, unless they manage access.
#[tokio::test]
async fn fields_that_are_closed_are_not_listed() {
    let world = world().await;
    world.assign("sales", "ann", None).await;
    let route = "GET /api/v1/permissions/objects/{object}";
    for (context, expected) in [
        (user("ann"), true),
        (user("nobody"), false),
        (user("chief"), true),
        (administrator(), true),
    ] {
        let at = [("object", "account")];
        let (_, answer) = world.route(&context, route, &at, "", Value::Null).await.unwrap();
        let fields = answer["fieldPermissions"].as_object().unwrap();
        assert_eq!(
            fields.contains_key("region"),
            expected,
            "{}: {answer:#}",
            context.user()
        );
        let manages = ["chief", "root"].contains(&context.user());
        assert_eq!(
            fields.contains_key("revenue"),
            manages,
            "{}: {answer:#}",
            context.user()
        );
    }
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_link_gives_what_it_says_whatever_somebody_had_before() {
    let world = World::new().await;
    let (ann, carol) = (user("ann"), user("carol"));
    world.assign("sales", "ann", None).await;
    world.data.put("account", map(json!({ "id": "a1", "owner_id": "ann" })));
    let share = |level: &str, ends: Option<i64>| {
        json!({
            "object": "account", "record": "a1", "recipient_type": "user", "recipient": "carol",
            "access_level": level, "expires_at": ends.map(moment::text),
        })
    };
    let create = "POST /api/v1/permissions/shares";
    let link = async |level: &str| {
        let body = json!({ "object": "account", "recordId": "a1", "recipientType": "link", "accessLevel": level });
        let (_, made) = world.route(&ann, create, &[], "", body).await.unwrap();
        (made["id"].clone(), made["token"].as_str().unwrap().to_owned())
    };
    let accept = async |token: &str| {
        let route = "POST /api/v1/permissions/links/{token}";
        let at = [("token", token)];
        let (_, taken) = world.route(&carol, route, &at, "", Value::Null).await.unwrap();
        taken["accessLevel"].clone()
    };
    // One that has ended, and one that is less.
    world.data.put("sys_record_share", map(share("full", Some(NOW_MS - 1))));
    world.data.put("sys_record_share", map(share("read", None)));
    let ((read, weak), (edit, strong)) = (link("read").await, link("edit").await);
    let of = |id: &Value| -> Vec<Value> {
        let shares = world.data.all("sys_record_share").into_iter();
        let taken = shares.filter(|share| share.get("link") == Some(id));
        taken.map(|share| share["access_level"].clone()).collect()
    };
    assert_eq!((accept(&strong).await, of(&edit)), (json!("edit"), vec![json!("edit")]));
    // Less than what they have: the answer says what they have.
    assert_eq!((accept(&weak).await, of(&read)), (json!("edit"), vec![json!("read")]));
    // Once more changes nothing, and a link that says more since gives more.
    assert_eq!((accept(&strong).await, of(&edit)), (json!("edit"), vec![json!("edit")]));
    world.data.change(
        "sys_record_share",
        edit.as_str().unwrap(),
        &map(json!({ "access_level": "full" })),
    );
    assert_eq!((accept(&strong).await, of(&edit)), (json!("full"), vec![json!("full")]));
    let double = json!({ "object": "account", "recordId": "a1", "recipient": "carol" });
    let error = world.route(&ann, create, &[], "", double).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "one by hand is enough");
    world.plugin.stop().await.unwrap();
}

/// A share that rests on another one would stay when that one goes.
#[tokio::test]
async fn what_goes_with_a_link_or_ends_by_itself_is_shared_on_with_nobody() {
    let world = World::new().await;
    let (ann, carol) = (user("ann"), user("carol"));
    for name in ["ann", "carol"] {
        world.assign("sales", name, None).await;
    }
    world.data.put("account", map(json!({ "id": "a1", "owner_id": "ann" })));
    let create = "POST /api/v1/permissions/shares";
    let share = |to: &Value| {
        let mut body = map(json!({ "object": "account", "recordId": "a1", "accessLevel": "full" }));
        body.extend(map(to.clone()));
        Value::Object(body)
    };
    let tries = [
        json!({ "recipient": "carol" }),
        json!({ "recipient": "dave" }),
        json!({ "recipientType": "role", "recipient": "user" }),
        json!({ "recipientType": "link" }),
    ];
    let refused = async |why: &str| {
        for to in &tries {
            let error = world.route(&carol, create, &[], "", share(to)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{why}: {to}");
        }
    };
    let ends = moment::text(NOW_MS + 1000);
    for more in [json!({}), json!({ "expiresAt": ends })] {
        let mut link = share(&more);
        link["recipientType"] = json!("link");
        let (_, made) = world.route(&ann, create, &[], "", link).await.unwrap();
        let at = [("token", made["token"].as_str().unwrap())];
        let accept = "POST /api/v1/permissions/links/{token}";
        let (_, taken) = world.route(&carol, accept, &at, "", Value::Null).await.unwrap();
        assert_eq!(taken["accessLevel"], "full");
        refused("by a link").await;
    }
    let until = json!({ "recipient": "carol", "expiresAt": ends });
    let (_, made) = world.route(&ann, create, &[], "", share(&until)).await.unwrap();
    refused("until some moment").await;
    // Whoever has everything for good shares as the owner does.
    let lasting = map(json!({ "expires_at": null }));
    world
        .data
        .change("sys_record_share", made["id"].as_str().unwrap(), &lasting);
    let (status, _) = world.route(&carol, create, &[], "", share(&tries[1])).await.unwrap();
    assert_eq!(status, 201);
    world.plugin.stop().await.unwrap();
}
