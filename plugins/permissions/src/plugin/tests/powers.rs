//! What somebody may do beyond records, as others hear it who hold somebody to what they hold.

use objectos_plugin_api::contracts::permissions::Powers;

use super::*;

/// Sets: `clerks` manage users, `bosses` administer the platform and read the trail.
async fn world() -> World {
    let world = World::new().await;
    for (name, permissions) in [("clerks", "manage_users"), ("bosses", "view_audit, manage_platform")] {
        let text = format!("name: {name}\nsystemPermissions: [{permissions}]\n");
        world.metadata.declare("permission", name, &text);
    }
    world
}

fn in_organisation(id: &str, roles: &[&str], tenant: Option<&str>) -> Context {
    Context::request("r1").with_principal(&Principal {
        id: id.to_owned(),
        kind: PrincipalKind::User,
        tenant: tenant.map(str::to_owned),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        ..Principal::default()
    })
}

fn powers(administrator: bool, permissions: &[&str]) -> Powers {
    Powers {
        administrator,
        system_permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
    }
}

async fn check(world: &World, context: &Context, administrator: bool, permissions: &[&str]) {
    let told = world.client.powers(context).await.unwrap();
    let principal = String::from_utf8_lossy(context.principal_json()).into_owned();
    assert_eq!(told, powers(administrator, permissions), "{principal}");
}

#[tokio::test]
async fn powers_are_what_somebody_has_however_they_came_by_it() {
    let world = world().await;
    let (ann, bob) = (user("ann"), user("bob"));
    check(&world, &ann, false, &[]).await;
    check(&world, &administrator(), true, &[]).await;
    check(&world, &Context::request("r"), false, &[]).await;
    check(&world, &ann.as_system(), true, &[]).await;
    world.assign("clerks", "ann", None).await;
    check(&world, &ann, false, &["manage_users"]).await;
    let to_group = json!({ "permission_set": "bosses", "assignee_type": "group", "assignee": "inner" });
    world.create("sys_permission_assignment", to_group).await.unwrap();
    let member = json!({ "group": "inner", "member_type": "user", "member": "ann", "organization": "t1" });
    world.create("sys_group_member", member).await.unwrap();
    check(&world, &ann, false, &["manage_users"]).await;
    let here = in_organisation("ann", &["user"], Some("t1"));
    check(&world, &here, false, &["manage_platform", "manage_users", "view_audit"]).await;
    world.assign("administrator", "bob", None).await;
    check(&world, &bob, true, &[]).await;
    // Nobody in particular has none.
    let guest = Principal {
        kind: PrincipalKind::Anonymous,
        roles: vec!["bosses".to_owned()],
        ..Principal::default()
    };
    check(&world, &Context::request("r").with_principal(&guest), false, &[]).await;
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_key_has_the_powers_that_its_scopes_let_through() {
    let world = world().await;
    for (role, scopes, administrator, permissions) in [
        ("bosses", json!([]), false, &["manage_platform", "view_audit"][..]),
        ("bosses", json!(["read"]), false, &[]),
        ("bosses", json!(["system:view_audit"]), false, &["view_audit"]),
        ("super_admin", json!(["write"]), true, &[]),
        ("super_admin", json!(["object:account"]), false, &[]),
    ] {
        let key = Principal {
            id: "ann".to_owned(),
            kind: PrincipalKind::Service,
            roles: vec![role.to_owned()],
            attributes: map(json!({ "scopes": scopes })),
            ..Principal::default()
        };
        let context = Context::request("r").with_principal(&key);
        check(&world, &context, administrator, permissions).await;
    }
    world.plugin.stop().await.unwrap();
}

/// Whoever has a role may come to work in any organisation.
#[tokio::test]
async fn a_role_by_itself_is_all_that_comes_with_it_anywhere() {
    let world = world().await;
    let of = |role: &str| in_organisation("", &[role], None);
    check(&world, &of("user"), false, &[]).await;
    check(&world, &of("bosses"), false, &["manage_platform", "view_audit"]).await;
    for role in ["super_admin", "admin"] {
        check(&world, &of(role), true, &[]).await;
    }
    check(&world, &of("rep"), false, &[]).await;
    let to_role =
        json!({ "permission_set": "clerks", "assignee_type": "role", "assignee": "rep", "organization": "t1" });
    world.create("sys_permission_assignment", to_role).await.unwrap();
    check(&world, &of("rep"), false, &["manage_users"]).await;
    // Somebody has it where it counts.
    check(&world, &in_organisation("ann", &["rep"], None), false, &[]).await;
    let here = in_organisation("ann", &["rep"], Some("t1"));
    check(&world, &here, false, &["manage_users"]).await;
    // What is declared anew counts at once.
    world.metadata.declare(
        "permission",
        "clerks",
        "name: clerks\nsystemPermissions: [view_audit]\n",
    );
    check(&world, &of("rep"), false, &["view_audit"]).await;
    world.plugin.stop().await.unwrap();
}
