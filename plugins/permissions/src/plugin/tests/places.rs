//! Places in organisations and teams: nobody gives by one what they do not hold there, and everything else goes on.

use super::reach::is_let;
use super::*;

/// As the plugin of identity declares them, as far as it matters here.
const OBJECTS: [(&str, &[&str]); 5] = [
    ("sys_organization", &["name"]),
    ("sys_member", &["organization_id", "user_id", "role"]),
    ("sys_team", &["organization_id", "name"]),
    ("sys_team_member", &["team_id", "user_id"]),
    (
        "sys_invitation",
        &[
            "organization_id",
            "email",
            "role",
            "team_id",
            "status",
            "expires_at",
            "inviter_id",
        ],
    ),
];

/// Somebody with a role in the organisation they work in; or in none.
fn at(id: &str, place: Option<(&str, &str)>) -> Context {
    let role = place.map(|(_, role)| format!("org:{role}"));
    let principal = Principal {
        id: id.to_owned(),
        kind: PrincipalKind::User,
        email: Some(format!("{id}@example.com")),
        tenant: place.map(|(organization, _)| organization.to_owned()),
        roles: ["user".to_owned()].into_iter().chain(role).collect(),
        ..Principal::default()
    };
    Context::request("r1").with_principal(&principal)
}

fn member(organization: &str, user: &str, role: &str) -> Value {
    json!({ "organization_id": organization, "user_id": user, "role": role })
}

fn team_member(team: &str, user: &str) -> Value {
    json!({ "team_id": team, "user_id": user })
}

/// An invitation of Eva's.
fn invitation(role: &str, team: Option<&str>) -> Value {
    json!({
        "organization_id": "acme", "email": "nora@example.com", "role": role, "team_id": team, "status": "pending",
        "expires_at": moment::text(NOW_MS + 1000), "inviter_id": "eva",
    })
}

/// Whoever is stored as a user, with their role on the platform.
fn put_user(world: &World, id: &str, role: &str) {
    world
        .data
        .put("sys_user", map(json!({ "id": id, "name": id, "role": role })));
}

/// Two organisations. The set `ops` is for the team `operators` of the first one and for the role `auditor` in any; for the role
/// `clerk` in the second one alone. `eva` holds it whichever way she works.
async fn world() -> World {
    let world = World::new().await;
    for (name, fields) in OBJECTS {
        let fields: String = fields
            .iter()
            .map(|field| format!("  {field}: {{type: text}}\n"))
            .collect();
        let text = format!("name: {name}\nfields:\n{fields}");
        world.metadata.declare("object", name, &text);
    }
    let ops = "name: ops\nsystemPermissions: [manage_permissions, view_audit]\n";
    world.metadata.declare("permission", "ops", ops);
    for organization in ["acme", "initech"] {
        world.data.put(
            "sys_organization",
            map(json!({ "id": organization, "name": organization })),
        );
    }
    for team in ["operators", "sellers"] {
        let record = json!({ "id": team, "organization_id": "acme", "name": team });
        world.data.put("sys_team", map(record));
    }
    world.assign("ops", "eva", None).await;
    for (kind, assignee, organization) in [
        ("team", "operators", None),
        ("role", "org:auditor", None),
        ("role", "org:clerk", Some("initech")),
    ] {
        let record = json!({
            "permission_set": "ops", "assignee_type": kind, "assignee": assignee, "organization": organization,
        });
        world.create("sys_permission_assignment", record).await.unwrap();
    }
    world
}

#[tokio::test]
async fn nobody_gives_by_a_place_what_they_do_not_hold() {
    let world = world().await;
    let none = Value::Null;
    let [ada, eva] = ["ada", "eva"].map(|id| at(id, Some(("acme", "admin"))));
    for (object, record) in [
        ("sys_team_member", team_member("operators", "ada")),
        ("sys_team_member", team_member("operators", "bob")),
        ("sys_member", member("acme", "bob", "auditor")),
        ("sys_member", member("acme", "bob", "admin, auditor")),
        ("sys_member", member("initech", "bob", "clerk")),
        ("sys_invitation", invitation("auditor", None)),
        ("sys_invitation", invitation("member", Some("operators"))),
    ] {
        let shown = format!("{object} {record}");
        assert!(
            is_let(&world, &eva, "POST", object, record.clone(), none.clone()).await,
            "eva: {shown}"
        );
        assert!(
            !is_let(&world, &ada, "POST", object, record, none.clone()).await,
            "{shown}"
        );
    }
    for (object, record, before) in [
        (
            "sys_member",
            json!({ "role": "admin,auditor" }),
            member("acme", "ada", "admin"),
        ),
        (
            "sys_member",
            json!({ "user_id": "ada" }),
            member("acme", "bob", "auditor"),
        ),
        (
            "sys_team_member",
            json!({ "team_id": "operators" }),
            team_member("sellers", "ada"),
        ),
        (
            "sys_invitation",
            json!({ "role": "auditor" }),
            invitation("member", None),
        ),
        (
            "sys_invitation",
            json!({ "expires_at": moment::text(NOW_MS + 2000) }),
            invitation("auditor", None),
        ),
    ] {
        let shown = format!("{object} {record} {before}");
        assert!(
            is_let(&world, &eva, "PATCH", object, record.clone(), before.clone()).await,
            "eva: {shown}"
        );
        assert!(!is_let(&world, &ada, "PATCH", object, record, before).await, "{shown}");
    }
    world.plugin.stop().await.unwrap();
}

/// Nobody here works with a system permission, and none reaches beyond an organisation.
#[tokio::test]
async fn the_ordinary_work_of_an_organization_asks_for_nothing() {
    let world = world().await;
    let ada = at("ada", Some(("acme", "admin")));
    let (none, empty) = (Value::Null, json!({}));
    let answered = |status: &str| json!({ "status": status });
    for (method, object, record, before) in [
        ("POST", "sys_team_member", team_member("sellers", "bob"), none.clone()),
        ("POST", "sys_member", member("acme", "bob", "member"), none.clone()),
        ("POST", "sys_member", member("acme", "bob", "admin"), none.clone()),
        // What a role has elsewhere, it does not have here.
        ("POST", "sys_member", member("acme", "bob", "clerk"), none.clone()),
        (
            "POST",
            "sys_invitation",
            invitation("admin", Some("sellers")),
            none.clone(),
        ),
        // What somebody had before is not given.
        (
            "PATCH",
            "sys_member",
            json!({ "role": "auditor,member" }),
            member("acme", "bob", "auditor"),
        ),
        // Nobody becomes more by what is taken away.
        (
            "PATCH",
            "sys_member",
            json!({ "role": "member" }),
            member("acme", "bob", "auditor"),
        ),
        ("DELETE", "sys_member", empty.clone(), member("acme", "bob", "auditor")),
        (
            "DELETE",
            "sys_team_member",
            empty.clone(),
            team_member("operators", "bob"),
        ),
        ("DELETE", "sys_invitation", empty, invitation("auditor", None)),
        (
            "PATCH",
            "sys_invitation",
            answered("canceled"),
            invitation("auditor", None),
        ),
        (
            "PATCH",
            "sys_invitation",
            answered("accepted"),
            invitation("auditor", None),
        ),
    ] {
        let shown = format!("{method} {object} {record} {before}");
        assert!(is_let(&world, &ada, method, object, record, before).await, "{shown}");
    }
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn what_somebody_holds_in_one_organization_is_not_theirs_to_give_in_another() {
    let world = world().await;
    for (organization, user, role) in [
        ("acme", "ada", "admin"),
        ("initech", "ada", "auditor"),
        ("acme", "olga", "owner,auditor"),
        ("initech", "olga", "member"),
    ] {
        world.data.put("sys_member", map(member(organization, user, role)));
    }
    let given = || member("acme", "bob", "auditor");
    for (context, expected) in [
        (at("ada", Some(("initech", "auditor"))), false),
        (at("ada", Some(("acme", "admin"))), false),
        (at("olga", Some(("initech", "member"))), true),
        (at("olga", None), true),
    ] {
        let found = is_let(&world, &context, "POST", "sys_member", given(), Value::Null).await;
        assert_eq!(found, expected, "{} in {}", context.user(), context.tenant());
    }
    // A team that is not stored yet is in nobody knows which one.
    let to_made = json!({ "permission_set": "ops", "assignee_type": "team", "assignee": "made" });
    world.create("sys_permission_assignment", to_made).await.unwrap();
    let olga = at("olga", Some(("acme", "auditor")));
    let place = team_member("made", "bob");
    assert!(!is_let(&world, &olga, "POST", "sys_team_member", place, Value::Null).await);
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn whoever_makes_an_organization_owns_it() {
    let world = world().await;
    let to_owners = json!({ "permission_set": "ops", "assignee_type": "role", "assignee": "org:owner" });
    world.create("sys_permission_assignment", to_owners).await.unwrap();
    let nora = at("nora", None);
    for (record, expected) in [
        (member("new", "nora", "owner"), true),
        (member("new", "nora", "owner,auditor"), false),
        (member("new", "bob", "owner"), false),
        (member("acme", "nora", "owner"), false),
    ] {
        let found = is_let(&world, &nora, "POST", "sys_member", record.clone(), Value::Null).await;
        assert_eq!(found, expected, "{record}");
    }
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn an_invitation_was_given_by_whoever_sent_it() {
    let world = world().await;
    let (nora, bob) = (at("nora", None), at("bob", None));
    let comes = async |context: &Context, role: &str| {
        let place = member("acme", context.user(), role);
        is_let(&world, context, "POST", "sys_member", place, Value::Null).await
    };
    let joins = async |context: &Context| {
        let place = team_member("operators", context.user());
        is_let(&world, context, "POST", "sys_team_member", place, Value::Null).await
    };
    put_user(&world, "eva", "user");
    assert!(
        !comes(&nora, "auditor").await && !joins(&nora).await,
        "nobody asked her"
    );
    let id = world
        .data
        .put("sys_invitation", map(invitation("auditor", Some("operators"))));
    assert!(comes(&nora, "auditor").await && joins(&nora).await);
    assert!(!comes(&bob, "auditor").await && !joins(&bob).await, "nobody asked him");
    for change in [
        json!({ "status": "canceled" }),
        json!({ "status": "pending", "expires_at": moment::text(NOW_MS) }),
    ] {
        world.data.change("sys_invitation", &id, &map(change.clone()));
        assert!(!comes(&nora, "auditor").await && !joins(&nora).await, "{change}");
    }
    let lasting = json!({ "expires_at": moment::text(NOW_MS + 1000) });
    world.data.change("sys_invitation", &id, &map(lasting));
    assert!(comes(&nora, "auditor").await && joins(&nora).await);
    // Whoever is a member already does not come by one.
    world.data.put("sys_member", map(member("acme", "nora", "admin")));
    assert!(!joins(&nora).await);
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn an_invitation_gives_what_whoever_sent_it_holds_now() {
    let world = world().await;
    for (id, role) in [
        ("ada", "user"),
        ("olga", "user"),
        ("eva", "user"),
        ("root", "super_admin"),
    ] {
        put_user(&world, id, role);
    }
    for (organization, user, role) in [
        ("acme", "ada", "admin"),
        ("acme", "olga", "owner,auditor"),
        ("initech", "ada", "auditor"),
    ] {
        world.data.put("sys_member", map(member(organization, user, role)));
    }
    let nora = at("nora", None);
    let comes = async |role: &str| {
        let place = member("acme", "nora", role);
        let member = is_let(&world, &nora, "POST", "sys_member", place, Value::Null).await;
        let place = team_member("operators", "nora");
        let joins = is_let(&world, &nora, "POST", "sys_team_member", place, Value::Null).await;
        (member, joins)
    };
    let id = world
        .data
        .put("sys_invitation", map(invitation("auditor", Some("operators"))));
    for (inviter, expected) in [
        (json!("eva"), true),
        (json!("olga"), true),
        // Administers the platform, and has no place there.
        (json!("root"), true),
        // Holds it elsewhere.
        (json!("ada"), false),
        (json!("nobody"), false),
        (Value::Null, false),
    ] {
        let sent = map(json!({ "inviter_id": inviter }));
        world.data.change("sys_invitation", &id, &sent);
        assert_eq!(comes("auditor").await, (expected, expected), "{inviter}");
    }
    // What carries nothing asks nobody.
    assert!(comes("admin").await.0);
    let sent = map(json!({ "inviter_id": "eva" }));
    world.data.change("sys_invitation", &id, &sent);
    let held = world.data.all("sys_permission_assignment").into_iter();
    let held = held.filter(|assignment| assignment["assignee"] == "eva");
    for assignment in held {
        let id = assignment["id"].as_str().unwrap();
        world.delete("sys_permission_assignment", id).await;
    }
    assert_eq!(comes("auditor").await, (false, false), "it was taken from her");
    world.plugin.stop().await.unwrap();
}
