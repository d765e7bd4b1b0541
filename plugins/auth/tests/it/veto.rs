//! What is written to the plugin's objects over the data routes, as the hooks of the data engine show it.

use objectos_plugin_api::{Context, ErrorKind, Principal, Result};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::reach::{Rules, id_of, manager, ruled, ruled_by, with_role};
use crate::world::{Browser, World, bearer, world};

/// A context of somebody, in one request.
fn context(principal: &Principal, request: &str) -> Context {
    Context::request(request).with_principal(principal)
}

async fn principal(world: &World, token: &str) -> Principal {
    world.who(&bearer(token)).await.unwrap().unwrap()
}

/// A change as the data engine shows it before it is stored.
struct Change<'a> {
    point: &'a str,
    object: &'a str,
    id: &'a str,
    record: Value,
    previous: Value,
}

impl Change<'_> {
    /// What becomes of the change, where it does not stay what it is; or why it is refused.
    async fn hooked(&self, world: &World, context: &Context) -> Result<Option<Value>> {
        let mut hook = json!({ "object": self.object, "id": self.id, "record": self.record });
        if !self.previous.is_null() {
            hook["previous"] = self.previous.clone();
        }
        world.plugin.hook(self.point, self.object, context, &hook).await
    }

    /// What is told with the change, or why it is refused.
    async fn by(&self, world: &World, context: &Context) -> Result<Vec<String>> {
        let Some(changed) = self.hooked(world, context).await? else {
            return Ok(Vec::new());
        };
        let mut record = changed["record"].clone();
        if self.record.get("banned").is_some() {
            // Who disables somebody is written down with that.
            record.as_object_mut().unwrap().remove("banned_in");
        }
        assert_eq!(record, self.record, "nothing but what is told is added");
        let events = changed["events"].as_array().into_iter().flatten();
        let names = events.map(|event| event["name"].as_str().unwrap().to_owned());
        Ok(names.collect())
    }
}

fn made<'a>(object: &'a str, record: Value) -> Change<'a> {
    Change {
        point: "data.before_insert",
        object,
        id: "new",
        record,
        previous: Value::Null,
    }
}

/// The stored record, changed.
fn changed<'a>(world: &World, object: &'a str, id: &'a str, record: Value) -> Change<'a> {
    Change {
        point: "data.before_update",
        object,
        id,
        record,
        previous: stored(world, object, id),
    }
}

fn deleted<'a>(world: &World, object: &'a str, id: &'a str) -> Change<'a> {
    Change {
        point: "data.before_delete",
        object,
        id,
        record: json!({}),
        previous: stored(world, object, id),
    }
}

fn stored(world: &World, object: &str, id: &str) -> Value {
    let mut rows = world.data.rows(object).into_iter();
    rows.find(|row| row["id"] == id).map(Value::Object).expect(id)
}

/// How a change ends: nothing, or the kind of the refusal.
async fn refusal(world: &World, context: &Context, change: &Change<'_>) -> Option<ErrorKind> {
    change.by(world, context).await.err().map(|error| error.kind())
}

#[tokio::test]
async fn ways_in_are_written_by_nobody() {
    let world = world(json!({})).await;
    let root = world.registered("root@example.com").await;
    let by_root = context(&principal(&world, &root.token).await, "r1");
    for object in [
        "sys_account",
        "sys_api_key",
        "sys_invitation",
        "sys_passkey",
        "sys_session",
        "sys_two_factor",
        "sys_verification",
    ] {
        let record = json!({ "user_id": "u1", "token_hash": "x", "key_hash": "x" });
        for point in ["data.before_insert", "data.before_update", "data.before_delete"] {
            let change = Change {
                point,
                object,
                id: "x",
                record: record.clone(),
                previous: if point == "data.before_insert" {
                    Value::Null
                } else {
                    record.clone()
                },
            };
            assert_eq!(
                refusal(&world, &by_root, &change).await,
                Some(ErrorKind::Denied),
                "{point} {object}"
            );
            // A mark that somebody makes up is none.
            let mut extra = by_root.extra();
            extra.insert("authWrite".to_owned(), json!("x"));
            let marked = by_root.with_extra(&extra).as_system();
            assert_eq!(refusal(&world, &marked, &change).await, Some(ErrorKind::Denied));
            // The system by itself brings in what an operator wrote down.
            assert_eq!(refusal(&world, &Context::background(), &change).await, None);
        }
    }
}

#[tokio::test]
async fn nobody_becomes_more_by_a_record_of_a_user() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let (hr, hr_id) = with_role(&world, &mut root, "hr", "manage_users").await;
    let (_, boss_id) = with_role(&world, &mut root, "boss", "sales_manager").await;
    let (ada, ada_id) = with_role(&world, &mut root, "ada", "user").await;
    let root_id = id_of(&mut root).await;
    let made = root.post("api-key/create", json!({ "name": "k" })).await.expect(200);
    let key = made["key"].as_str().unwrap();
    let by_root = context(&principal(&world, &root.token).await, "r1");
    let by_hr = context(&principal(&world, &hr.token).await, "r1");
    let by_ada = context(&principal(&world, &ada.token).await, "r1");
    let by_key = context(&principal(&world, key).await, "r1");
    let mut acting = principal(&world, &root.token).await;
    acting.attributes.insert("impersonatedBy".to_owned(), json!("somebody"));
    let acting = context(&acting, "r1");
    let guest = context(&Principal::default(), "r1");
    let denied = Some(ErrorKind::Denied);
    for (name, by, id, record, expected) in [
        ("ada", &by_ada, &ada_id, json!({ "role": "super_admin" }), denied),
        ("ada", &by_ada, &ada_id, json!({ "email_verified": true }), denied),
        ("ada", &by_ada, &ada_id, json!({ "email": "a@example.com" }), denied),
        ("ada", &by_ada, &hr_id, json!({ "banned": true }), denied),
        ("ada", &by_ada, &ada_id, json!({ "external_id": "e1" }), denied),
        ("ada", &by_ada, &ada_id, json!({ "name": "Ada L" }), None),
        ("a guest", &guest, &ada_id, json!({ "banned": true }), denied),
        ("hr", &by_hr, &ada_id, json!({ "role": "sales_manager" }), denied),
        ("hr", &by_hr, &hr_id, json!({ "role": "super_admin" }), denied),
        ("hr", &by_hr, &boss_id, json!({ "banned": true }), denied),
        ("hr", &by_hr, &boss_id, json!({ "email": "mine@example.com" }), denied),
        ("hr", &by_hr, &hr_id, json!({ "ban_expires": null }), denied),
        (
            "hr",
            &by_hr,
            &ada_id,
            json!({ "banned": true, "ban_reason": "left" }),
            None,
        ),
        ("hr", &by_hr, &ada_id, json!({ "email": "A@example.com" }), denied),
        ("hr", &by_hr, &ada_id, json!({ "email": "a@example.com" }), None),
        ("root", &by_root, &root_id, json!({ "role": "user" }), denied),
        ("root", &by_root, &ada_id, json!({ "two_factor_enabled": true }), denied),
        ("root", &by_root, &boss_id, json!({ "banned": true }), None),
        ("a key", &by_key, &ada_id, json!({ "role": "super_admin" }), denied),
        ("a key", &by_key, &ada_id, json!({ "external_id": "e1" }), None),
        ("an actor", &acting, &ada_id, json!({ "banned": true }), denied),
    ] {
        let change = changed(&world, "sys_user", id.as_str().unwrap(), record.clone());
        assert_eq!(refusal(&world, by, &change).await, expected, "{name} {record}");
    }
    let change = changed(
        &world,
        "sys_user",
        ada_id.as_str().unwrap(),
        json!({ "role": "sales_manager" }),
    );
    assert_eq!(change.by(&world, &by_root).await.unwrap(), ["authz.role_updated"]);
    let user = |more: Value| {
        let mut user = json!({ "name": "New", "email": "new@example.com", "role": "user" });
        for (name, value) in more.as_object().unwrap() {
            user[name] = value.clone();
        }
        self::made("sys_user", user)
    };
    for (name, by, more, expected) in [
        ("ada", &by_ada, json!({}), Err(ErrorKind::Denied)),
        ("hr", &by_hr, json!({}), Ok(Vec::new())),
        ("hr", &by_hr, json!({ "role": "super_admin" }), Err(ErrorKind::Denied)),
        (
            "root",
            &by_root,
            json!({ "two_factor_enabled": true }),
            Err(ErrorKind::Denied),
        ),
        ("root", &by_root, json!({ "email": "none" }), Err(ErrorKind::Denied)),
        (
            "root",
            &by_root,
            json!({ "role": "admin" }),
            Ok(vec!["authz.role_assigned".to_owned()]),
        ),
    ] {
        let told = user(more.clone()).by(&world, by).await.map_err(|error| error.kind());
        assert_eq!(told, expected, "{name} {more}");
    }
}

#[tokio::test]
async fn the_record_of_somebody_who_is_more_is_left_alone() {
    let rules: Arc<Rules> = Arc::default();
    let world = ruled_by(json!({}), Arc::clone(&rules)).await;
    let mut root = world.registered("root@example.com").await;
    let (hr, _) = with_role(&world, &mut root, "hr", "manage_users").await;
    let (chief, _) = with_role(&world, &mut root, "chief", "manage_users+manage_permissions").await;
    let (_, boss) = with_role(&world, &mut root, "boss", "user").await;
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    rules.give(&boss, None, "administrator");
    let by_root = context(&principal(&world, &root.token).await, "r1");
    let by_hr = context(&principal(&world, &hr.token).await, "r1");
    let by_chief = context(&principal(&world, &chief.token).await, "r1");
    let (boss, ada) = (boss.as_str().unwrap(), ada.as_str().unwrap());
    let denied = Some(ErrorKind::Denied);
    for (by, expected) in [(&by_hr, denied), (&by_chief, denied), (&by_root, None)] {
        for record in [
            json!({ "banned": true }),
            json!({ "email": "mine@example.com" }),
            json!({ "external_id": "e1" }),
        ] {
            let change = changed(&world, "sys_user", boss, record.clone());
            assert_eq!(refusal(&world, by, &change).await, expected, "{record}");
        }
        let gone = deleted(&world, "sys_user", boss);
        assert_eq!(refusal(&world, by, &gone).await, expected);
        let given = changed(&world, "sys_user", ada, json!({ "role": "manage_platform" }));
        assert_eq!(refusal(&world, by, &given).await, expected);
    }
    let given = changed(&world, "sys_user", ada, json!({ "role": "org:admin" }));
    assert_eq!(refusal(&world, &by_root, &given).await, Some(ErrorKind::Invalid));
}

#[tokio::test]
async fn a_record_of_a_user_is_not_changed_from_another_organization() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let hr = manager(&world, &mut root).await;
    let (_, bob) = with_role(&world, &mut root, "bob", "user").await;
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    let (_, both) = with_role(&world, &mut root, "cy", "user").await;
    world.data.put(
        "sys_organization",
        json!({ "id": "o2", "name": "Theirs", "slug": "theirs" }),
    );
    for (organization, user) in [("o1", &ada), ("o1", &both), ("o2", &both)] {
        let place = json!({ "organization_id": organization, "user_id": user, "role": "member" });
        world.data.put("sys_member", place);
    }
    let by_hr = context(&principal(&world, &hr.token).await, "r1");
    let (denied, unknown) = (Some(ErrorKind::Denied), Some(ErrorKind::NotFound));
    for (id, record, expected) in [
        (&ada, json!({ "banned": true }), None),
        (&ada, json!({ "email": "a@example.com", "email_verified": false }), None),
        (
            &ada,
            json!({ "email": "a@example.com", "email_verified": true }),
            denied,
        ),
        (&both, json!({ "banned": true }), denied),
        (&both, json!({ "email": "a@example.com" }), denied),
        (&both, json!({ "external_id": "e1" }), None),
        (&both, json!({ "name": "Cy" }), None),
        (&bob, json!({ "banned": true }), unknown),
        (&bob, json!({ "name": "Bob" }), unknown),
    ] {
        let change = changed(&world, "sys_user", id.as_str().unwrap(), record.clone());
        assert_eq!(refusal(&world, &by_hr, &change).await, expected, "{record}");
    }
    let new = made(
        "sys_user",
        json!({ "email": "new@example.com", "name": "New", "role": "user" }),
    );
    assert_eq!(
        refusal(&world, &by_hr, &new).await,
        denied,
        "they would be nobody's member"
    );
    for (id, expected) in [(&ada, None), (&both, denied), (&bob, unknown)] {
        let change = deleted(&world, "sys_user", id.as_str().unwrap());
        assert_eq!(refusal(&world, &by_hr, &change).await, expected);
    }
}

#[tokio::test]
async fn the_role_of_a_user_is_no_organizations_to_give() {
    let rules: Arc<Rules> = Arc::default();
    let world = ruled_by(json!({}), Arc::clone(&rules)).await;
    let mut root = world.registered("root@example.com").await;
    let mut hr = manager(&world, &mut root).await;
    rules.give(&id_of(&mut hr).await, Some("o1"), "manage_permissions");
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    let ada = ada.as_str().unwrap();
    let place = json!({ "organization_id": "o1", "user_id": ada, "role": "member" });
    world.data.put("sys_member", place);
    let by_root = context(&principal(&world, &root.token).await, "r1");
    let by_hr = context(&principal(&world, &hr.token).await, "r1");
    let given = changed(&world, "sys_user", ada, json!({ "role": "sales_manager" }));
    assert_eq!(refusal(&world, &by_hr, &given).await, Some(ErrorKind::Denied));
    assert_eq!(given.by(&world, &by_root).await.unwrap(), ["authz.role_updated"]);
    world.data.alter("sys_user", ada, &json!({ "role": "sales_manager" }));
    let taken = changed(&world, "sys_user", ada, json!({ "role": "user" }));
    assert_eq!(taken.by(&world, &by_hr).await.unwrap(), ["authz.role_updated"]);
}

#[tokio::test]
async fn who_disabled_a_user_is_written_down_with_that_and_brings_them_back() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let hr = manager(&world, &mut root).await;
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    let ada = ada.as_str().unwrap();
    let place = json!({ "organization_id": "o1", "user_id": ada, "role": "member" });
    world.data.put("sys_member", place);
    let by_root = context(&principal(&world, &root.token).await, "r1");
    let by_hr = context(&principal(&world, &hr.token).await, "r1");
    let (platform, ours, theirs) = (Value::Null, json!("o1"), json!("o2"));
    let (off, on, over) = (
        json!({ "banned": true }),
        json!({ "banned": false }),
        json!({ "ban_expires": "2023-01-01T00:00:00.000Z" }),
    );
    let (why, by_itself) = (json!({ "ban_reason": "fraud" }), json!({ "banned_in": "o1" }));
    let moved = json!({ "email": "elsewhere@example.com", "email_verified": false });
    let denied = || Err(ErrorKind::Denied);
    for (by, banned, before, record, expected) in [
        (&by_hr, false, &platform, &off, Ok(ours.clone())),
        (&by_root, false, &platform, &off, Ok(platform.clone())),
        (&by_hr, true, &ours, &why, Ok(ours.clone())),
        (&by_hr, true, &ours, &on, Ok(platform.clone())),
        (&by_root, true, &ours, &on, Ok(platform.clone())),
        // What the platform does after an organisation is its own from then on.
        (&by_root, true, &ours, &why, Ok(platform.clone())),
        (&by_hr, true, &platform, &on, denied()),
        (&by_hr, true, &platform, &over, denied()),
        (&by_hr, true, &platform, &why, denied()),
        (&by_hr, true, &theirs, &on, denied()),
        (&by_hr, true, &platform, &moved, denied()),
        (&by_hr, true, &ours, &moved, Ok(ours.clone())),
        (&by_hr, false, &platform, &moved, Ok(platform.clone())),
        (&by_root, true, &theirs, &on, Ok(platform.clone())),
        (&by_hr, true, &platform, &by_itself, denied()),
        (&by_root, true, &platform, &by_itself, denied()),
    ] {
        let standing = json!({ "banned": banned, "banned_in": before });
        world.data.alter("sys_user", ada, &standing);
        let change = changed(&world, "sys_user", ada, record.clone());
        let hooked = change.hooked(&world, by).await.map_err(|error| error.kind());
        let left = hooked.map(|hook| {
            let written = hook.as_ref().and_then(|hook| hook["record"].get("banned_in"));
            written.unwrap_or(before).clone()
        });
        assert_eq!(left, expected, "{} {standing} {record}", by.user());
    }
    for (banned, before, expected) in [
        (true, &platform, Some(ErrorKind::Denied)),
        (true, &theirs, Some(ErrorKind::Denied)),
        (true, &ours, None),
        (false, &platform, None),
    ] {
        world
            .data
            .alter("sys_user", ada, &json!({ "banned": banned, "banned_in": before }));
        let gone = deleted(&world, "sys_user", ada);
        assert_eq!(refusal(&world, &by_hr, &gone).await, expected, "{banned} {before}");
    }
    let user = json!({ "name": "New", "email": "new@example.com", "role": "user", "banned": true, "banned_in": "o1" });
    let new = made("sys_user", user);
    assert_eq!(refusal(&world, &by_root, &new).await, Some(ErrorKind::Denied));
}

#[tokio::test]
async fn what_belongs_to_somebody_goes_with_them_and_not_without() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let (root_id, ada_id) = (id_of(&mut root).await, id_of(&mut ada).await);
    let own = principal(&world, &root.token).await;
    let (here, elsewhere) = (context(&own, "r1"), context(&own, "r2"));
    let session = |owner: &Value| Change {
        point: "data.before_delete",
        object: "sys_session",
        id: "s1",
        record: json!({}),
        previous: json!({ "id": "s1", "user_id": owner }),
    };
    let denied = Some(ErrorKind::Denied);
    assert_eq!(refusal(&world, &here, &session(&ada_id)).await, denied);
    let gone = deleted(&world, "sys_user", ada_id.as_str().unwrap());
    assert_eq!(refusal(&world, &here, &gone).await, None);
    assert_eq!(refusal(&world, &here, &session(&ada_id)).await, None);
    assert_eq!(refusal(&world, &here, &session(&root_id)).await, denied);
    assert_eq!(refusal(&world, &elsewhere, &session(&ada_id)).await, denied);
    let myself = deleted(&world, "sys_user", root_id.as_str().unwrap());
    assert_eq!(refusal(&world, &here, &myself).await, denied);
}

/// An organisation of Ada's with Bob as a member, and what they and others are.
async fn acme(world: &World, root: &mut Browser<'_>) -> (String, [(Context, Value); 3]) {
    let mut people = Vec::new();
    for name in ["ada", "bob", "eve"] {
        people.push(with_role(world, root, name, "user").await);
    }
    let made = people[0]
        .0
        .post("organization/create", json!({ "name": "Acme", "slug": "acme" }))
        .await
        .expect(200);
    let place = json!({ "id": "m_bob", "organization_id": made["id"], "user_id": people[1].1, "role": "member" });
    world.data.put("sys_member", place);
    let mut contexts = Vec::new();
    for (browser, id) in people {
        contexts.push((context(&principal(world, &browser.token).await, "r1"), id));
    }
    let contexts: [(Context, Value); 3] = contexts.try_into().map_err(|_| "three people").unwrap();
    (made["id"].as_str().unwrap().to_owned(), contexts)
}

#[tokio::test]
async fn places_in_organizations_are_written_by_whoever_may_give_them() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let (organization, [(by_ada, ada), (by_bob, _), (by_eve, eve)]) = acme(&world, &mut root).await;
    let by_root = context(&principal(&world, &root.token).await, "r1");
    let owner = world.data.rows("sys_member");
    let owner = owner.iter().find(|place| place["user_id"] == ada).unwrap()["id"].clone();
    let owner = owner.as_str().unwrap();
    let member = |user: &Value, role: &str| {
        made(
            "sys_member",
            json!({ "organization_id": organization, "user_id": user, "role": role }),
        )
    };
    let role = |role: &str| changed(&world, "sys_member", "m_bob", json!({ "role": role }));
    let (denied, invalid) = (Some(ErrorKind::Denied), Some(ErrorKind::Invalid));
    for (name, by, change, expected) in [
        ("eve makes herself an owner", &by_eve, member(&eve, "owner"), denied),
        ("bob makes eve a member", &by_bob, member(&eve, "member"), denied),
        ("ada asks nobody", &by_ada, member(&eve, "member"), denied),
        ("root makes her a king", &by_root, member(&eve, "king"), invalid),
        ("bob makes himself an owner", &by_bob, role("owner"), denied),
        ("ada makes him an admin", &by_ada, role("member, admin"), None),
        ("ada makes him a king", &by_ada, role("king"), invalid),
        (
            "ada gives his place to eve",
            &by_ada,
            changed(&world, "sys_member", "m_bob", json!({ "user_id": eve })),
            denied,
        ),
        (
            "ada takes her own role",
            &by_ada,
            changed(&world, "sys_member", owner, json!({ "role": "member" })),
            invalid,
        ),
        (
            "the last owner leaves",
            &by_ada,
            deleted(&world, "sys_member", owner),
            invalid,
        ),
        (
            "eve takes bob out",
            &by_eve,
            deleted(&world, "sys_member", "m_bob"),
            denied,
        ),
        ("bob leaves", &by_bob, deleted(&world, "sys_member", "m_bob"), None),
        (
            "ada takes him out",
            &by_ada,
            deleted(&world, "sys_member", "m_bob"),
            None,
        ),
    ] {
        assert_eq!(refusal(&world, by, &change).await, expected, "{name}");
    }
    for (change, expected) in [
        (member(&eve, "member"), "authz.role_assigned"),
        (role("admin"), "authz.role_updated"),
        (deleted(&world, "sys_member", "m_bob"), "authz.role_removed"),
    ] {
        assert_eq!(change.by(&world, &by_root).await.unwrap(), [expected]);
    }
}

#[tokio::test]
async fn organizations_and_teams_are_written_by_their_own() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let (organization, [(by_ada, _), (by_bob, bob), (by_eve, eve)]) = acme(&world, &mut root).await;
    let id = organization.as_str();
    world.data.put(
        "sys_team",
        json!({ "id": "t1", "name": "North", "organization_id": id }),
    );
    let team = json!({ "name": "South", "organization_id": id });
    let member = |user: &Value| made("sys_team_member", json!({ "team_id": "t1", "user_id": user }));
    let of = |organization: &str| json!({ "organization_id": organization, "user_id": "u1", "role": "owner" });
    let named = |name: &str| changed(&world, "sys_organization", id, json!({ "name": name }));
    let denied = Some(ErrorKind::Denied);
    for (name, by, change, expected) in [
        ("eve renames it", &by_eve, named("Eve's"), denied),
        ("bob renames it", &by_bob, named("Bob's"), denied),
        ("ada renames it", &by_ada, named("Acme & Co"), None),
        (
            "ada gives it a bad name",
            &by_ada,
            changed(&world, "sys_organization", id, json!({ "slug": "A B" })),
            denied,
        ),
        (
            "ada makes another one",
            &by_ada,
            made("sys_organization", json!({ "name": "X", "slug": "x" })),
            denied,
        ),
        ("bob makes a team", &by_bob, made("sys_team", team.clone()), denied),
        ("ada makes a team", &by_ada, made("sys_team", team.clone()), None),
        (
            "ada moves a team",
            &by_ada,
            changed(&world, "sys_team", "t1", json!({ "organization_id": "o2" })),
            denied,
        ),
        ("bob joins", &by_bob, member(&bob), denied),
        ("ada puts a stranger in", &by_ada, member(&eve), denied),
        ("ada puts bob in", &by_ada, member(&bob), None),
        (
            "bob deletes it",
            &by_bob,
            deleted(&world, "sys_organization", id),
            denied,
        ),
        ("ada deletes it", &by_ada, deleted(&world, "sys_organization", id), None),
        // What belongs to it goes with it: the last owner, an invitation, a team and who is in it.
        ("a member goes", &by_ada, gone("sys_member", of(id)), None),
        ("an invitation goes", &by_ada, gone("sys_invitation", of(id)), None),
        ("a team goes", &by_ada, gone("sys_team", of(id)), None),
        (
            "its members go",
            &by_ada,
            gone("sys_team_member", json!({ "team_id": "x" })),
            None,
        ),
        ("others stay", &by_ada, gone("sys_invitation", of("o2")), denied),
    ] {
        assert_eq!(refusal(&world, by, &change).await, expected, "{name}");
    }
}

fn gone(object: &str, previous: Value) -> Change<'_> {
    Change {
        point: "data.before_delete",
        object,
        id: "x",
        record: json!({}),
        previous,
    }
}
