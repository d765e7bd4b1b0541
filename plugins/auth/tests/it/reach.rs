//! Whom somebody who manages users may manage: nobody beyond their organisation, and nobody who is more than they are.

use objectos_plugin_api::{
    Context, Principal, Result,
    contracts::permissions::{
        AccessPlan, AccessRequest, Permissions, PermissionsServer, Powers, SystemPermissionRequest,
    },
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

use crate::data::MemoryData;
use crate::world::{Browser, NOW_MS, PASSWORD, World, bearer, world_with};

const USERS: &str = "scim/v2/Users";
const GROUPS: &str = "scim/v2/Groups";

/// What somebody was given beside their role.
struct Given {
    user: Value,
    /// Only while this is the active organisation.
    organization: Option<&'static str>,
    /// A system permission, or `administrator`.
    permission: &'static str,
}

/// Roles are the system permissions they carry, with `+` between. And some people were given more.
#[derive(Default)]
pub(crate) struct Rules(Mutex<Vec<Given>>);

impl Rules {
    pub(crate) fn give(&self, user: &Value, organization: Option<&'static str>, permission: &'static str) {
        self.0.lock().unwrap().push(Given {
            user: user.clone(),
            organization,
            permission,
        });
    }

    fn powers_of(&self, principal: &Principal) -> Powers {
        let list = self.0.lock().unwrap();
        let given = list.iter().filter(|given| {
            let here = given.organization.is_none() || given.organization == principal.tenant.as_deref();
            here && given.user == principal.id
        });
        let carried = principal.roles.iter().flat_map(|role| role.split('+'));
        let all: Vec<&str> = carried.chain(given.map(|given| given.permission)).collect();
        let named = all.iter().filter(|name| name.starts_with("manage_"));
        Powers {
            administrator: all.contains(&"super_admin") || all.contains(&"administrator"),
            system_permissions: named.map(|&name| name.to_owned()).collect(),
        }
    }
}

impl Permissions for Rules {
    fn version(&self, _: Context) -> Result<u64> {
        Ok(1)
    }
    async fn has_system_permission(&self, context: Context, request: SystemPermissionRequest) -> Result<bool> {
        let powers = self.powers_of(&context.principal()?.unwrap_or_default());
        Ok(powers.administrator || powers.system_permissions.contains(&request.permission))
    }
    async fn access_plan(&self, _: Context, _: AccessRequest) -> Result<AccessPlan> {
        Ok(AccessPlan::default())
    }
    async fn powers(&self, context: Context) -> Result<Powers> {
        Ok(self.powers_of(&context.principal()?.unwrap_or_default()))
    }
}

/// The same rules by a service of before there was the question for powers.
struct Older(Arc<Rules>);

impl Permissions for Older {
    fn version(&self, _: Context) -> Result<u64> {
        Ok(1)
    }
    async fn has_system_permission(&self, context: Context, request: SystemPermissionRequest) -> Result<bool> {
        self.0.has_system_permission(context, request).await
    }
    async fn access_plan(&self, _: Context, _: AccessRequest) -> Result<AccessPlan> {
        Ok(AccessPlan::default())
    }
}

pub(crate) async fn ruled() -> World {
    ruled_with(json!({})).await
}

async fn ruled_with(more: Value) -> World {
    ruled_by(more, Arc::default()).await
}

pub(crate) async fn ruled_by(more: Value, rules: Arc<Rules>) -> World {
    let data = Arc::new(MemoryData::new());
    world_with("development", more, data, |host| {
        host.service(PermissionsServer::new(rules))
    })
    .await
}

/// Somebody who manages the users of an organisation `o1`, where they work.
pub(crate) async fn manager<'a>(world: &'a World, root: &mut Browser<'_>) -> Browser<'a> {
    let organization = json!({ "id": "o1", "name": "Ours", "slug": "ours" });
    world.data.put("sys_organization", organization);
    let (mut hr, id) = with_role(world, root, "hr", "manage_users").await;
    let place = json!({ "organization_id": "o1", "user_id": id, "role": "owner" });
    world.data.put("sys_member", place);
    hr.post("organization/set-active", json!({ "organizationId": "o1" }))
        .await
        .expect(200);
    hr
}

pub(crate) async fn id_of(browser: &mut Browser<'_>) -> Value {
    browser.get("get-session").await.expect(200)["user"]["id"].clone()
}

/// Somebody with a role, given by the administrator; and their id.
pub(crate) async fn with_role<'a>(
    world: &'a World,
    root: &mut Browser<'_>,
    name: &str,
    role: &str,
) -> (Browser<'a>, Value) {
    let mut browser = world.registered(&format!("{name}@example.com")).await;
    let id = id_of(&mut browser).await;
    if role != "user" {
        let body = json!({ "userId": id, "role": role });
        root.post("admin/set-role", body).await.expect(200);
    }
    (browser, id)
}

/// A key of theirs as a directory has it.
pub(crate) async fn directory<'a>(world: &'a World, owner: &mut Browser<'_>) -> Browser<'a> {
    let made = owner.post("api-key/create", json!({ "name": "k" })).await.expect(200);
    let key = format!("Bearer {}", made["key"].as_str().unwrap());
    Browser::new(world).with_header("authorization", &key)
}

/// Everything that gets at an account.
fn acts(id: &Value) -> [(&'static str, Value); 6] {
    [
        ("admin/impersonate-user", json!({ "userId": id })),
        (
            "admin/set-user-password",
            json!({ "userId": id, "newPassword": "walnut-heron-72" }),
        ),
        ("admin/ban-user", json!({ "userId": id })),
        ("admin/unban-user", json!({ "userId": id })),
        ("admin/revoke-user-sessions", json!({ "userId": id })),
        ("admin/remove-user", json!({ "userId": id })),
    ]
}

#[tokio::test]
async fn whoever_manages_users_becomes_no_more_by_it() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let (mut hr, _) = with_role(&world, &mut root, "hr", "manage_users").await;
    let (_, boss) = with_role(&world, &mut root, "boss", "sales_manager").await;
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    let create = |role: Value| json!({ "email": "new@example.com", "name": "New", "password": PASSWORD, "role": role });
    for role in ["admin", "super_admin", "sales_manager"] {
        hr.post("admin/create-user", create(json!(role)))
            .await
            .refused(403, "FORBIDDEN");
        let body = json!({ "userId": ada, "role": role });
        hr.post("admin/set-role", body).await.refused(403, "FORBIDDEN");
    }
    for (path, body) in acts(&boss) {
        hr.post(path, body).await.refused(403, "FORBIDDEN");
    }
    let lesser = json!({ "userId": boss, "role": "user" });
    hr.post("admin/set-role", lesser).await.refused(403, "FORBIDDEN");
    let mut keyed = directory(&world, &mut hr).await;
    let change = json!({ "Operations": [{ "op": "replace", "path": "userName", "value": "mine@example.com" }] });
    keyed
        .one("PATCH", USERS, boss.as_str().unwrap(), change)
        .await
        .expect(403);
    keyed
        .one("DELETE", USERS, boss.as_str().unwrap(), Value::Null)
        .await
        .expect(403);
    assert!(world.data.rows("sys_user").iter().any(|user| user["id"] == boss));
    let assigned = world.count("authz.role_assigned");
    hr.post("admin/create-user", create(Value::Null)).await.expect(200);
    assert_eq!(
        world.count("authz.role_assigned"),
        assigned,
        "a usual role is nobody's news"
    );
    for (path, body) in acts(&ada).into_iter().skip(1) {
        hr.post(path, body).await.expect(200);
    }
}

#[tokio::test]
async fn whoever_gives_permissions_gives_roles_short_of_the_administrators() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let (mut chief, _) = with_role(&world, &mut root, "chief", "manage_users+manage_permissions").await;
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    let before = world.count("authz.role_assigned");
    let body = json!({ "email": "new@example.com", "name": "New", "role": "sales_manager" });
    chief.post("admin/create-user", body).await.expect(200);
    assert_eq!(world.count("authz.role_assigned"), before + 1);
    let set = |role: &str| json!({ "userId": ada, "role": role });
    let create = |role: &str| json!({ "email": "more@example.com", "name": "More", "role": role });
    // What comes with a role is asked for, whatever it is called; and roles in an organisation are given there.
    for (role, status, code) in [
        ("admin", 403, "FORBIDDEN"),
        ("super_admin", 403, "FORBIDDEN"),
        ("manage_platform", 403, "FORBIDDEN"),
        ("org:admin", 400, "VALIDATION_ERROR"),
    ] {
        chief.post("admin/set-role", set(role)).await.refused(status, code);
        chief
            .post("admin/create-user", create(role))
            .await
            .refused(status, code);
    }
    chief
        .post("admin/create-user", create("manage_users"))
        .await
        .expect(200);
    root.post("admin/set-role", set("org:admin"))
        .await
        .refused(400, "VALIDATION_ERROR");
    chief.post("admin/set-role", set("sales_manager")).await.expect(200);
    chief
        .post("admin/impersonate-user", json!({ "userId": ada }))
        .await
        .expect(200);
}

/// Changes the address of a user as a directory, and deletes them.
async fn as_directory(directory: &mut Browser<'_>, id: &Value) -> [u16; 2] {
    let id = id.as_str().unwrap();
    let change = json!({ "Operations": [{ "op": "replace", "path": "userName", "value": "mine@example.com" }] });
    let changed = directory.one("PATCH", USERS, id, change).await.status;
    [changed, directory.one("DELETE", USERS, id, Value::Null).await.status]
}

#[tokio::test]
async fn nobody_gets_at_the_account_of_somebody_who_is_more_however_they_came_by_it() {
    for (organization, permission) in [
        (None, "administrator"),
        (None, "manage_platform"),
        (Some("o1"), "administrator"),
        (Some("o1"), "manage_permissions"),
    ] {
        let rules: Arc<Rules> = Arc::default();
        let world = ruled_by(json!({}), Arc::clone(&rules)).await;
        let mut root = world.registered("root@example.com").await;
        let mut hr = manager(&world, &mut root).await;
        let (_, boss) = with_role(&world, &mut root, "boss", "user").await;
        let place = json!({ "organization_id": "o1", "user_id": boss, "role": "member" });
        world.data.put("sys_member", place);
        rules.give(&boss, organization, permission);
        for (path, body) in acts(&boss) {
            hr.post(path, body).await.refused(403, "FORBIDDEN");
        }
        let mut keyed = directory(&world, &mut hr).await;
        assert_eq!(as_directory(&mut keyed, &boss).await, [403, 403], "{permission}");
        let mut again = Browser::new(&world);
        let body = json!({ "email": "root@example.com", "password": PASSWORD });
        again.post("sign-in/email", body).await.expect(200);
        let body = json!({ "userId": boss });
        again.post("admin/impersonate-user", body).await.expect(200);
        let mut keyed = directory(&world, &mut root).await;
        for (path, body) in acts(&boss).into_iter().skip(1).take(4) {
            root.post(path, body).await.expect(200);
        }
        assert_eq!(as_directory(&mut keyed, &boss).await, [200, 204], "{permission}");
    }
}

#[tokio::test]
async fn acting_as_somebody_ends_when_they_become_more() {
    let rules: Arc<Rules> = Arc::default();
    let world = ruled_by(json!({}), Arc::clone(&rules)).await;
    let mut root = world.registered("root@example.com").await;
    let (mut hr, _) = with_role(&world, &mut root, "hr", "manage_users").await;
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    rules.give(&ada, None, "manage_users");
    let acting = hr.post("admin/impersonate-user", json!({ "userId": ada })).await;
    let token = acting.expect(200)["session"]["token"].as_str().unwrap().to_owned();
    assert!(
        world.who(&bearer(&token)).await.unwrap().is_some(),
        "no more than hr is"
    );
    rules.give(&ada, None, "manage_platform");
    world.plugin.set_now_ms(NOW_MS + 1001);
    assert_eq!(world.who(&bearer(&token)).await.unwrap(), None);
}

#[tokio::test]
async fn owners_of_an_organization_are_an_owners_business() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let mut hr = manager(&world, &mut root).await;
    let id = id_of(&mut hr).await;
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    let place = json!({ "organization_id": "o1", "user_id": ada, "role": "owner" });
    world.data.put("sys_member", place);
    let places = world.data.rows("sys_member");
    let own = places.iter().find(|place| place["user_id"] == id).unwrap();
    let own = own["id"].as_str().unwrap();
    world.data.alter("sys_member", own, &json!({ "role": "admin" }));
    for (path, body) in acts(&ada) {
        hr.post(path, body).await.refused(403, "FORBIDDEN");
    }
    let mut keyed = directory(&world, &mut hr).await;
    assert_eq!(as_directory(&mut keyed, &ada).await, [403, 403]);
    world.data.alter("sys_member", own, &json!({ "role": "owner" }));
    for (path, body) in acts(&ada).into_iter().skip(1) {
        hr.post(path, body).await.expect(200);
    }
}

#[tokio::test]
async fn where_nobody_tells_what_comes_with_a_role_only_the_platforms_give_it() {
    let rules: Arc<Rules> = Arc::default();
    let data = Arc::new(MemoryData::new());
    let older = Older(Arc::clone(&rules));
    let world = world_with("development", json!({}), data, |host| {
        host.service(PermissionsServer::new(Arc::new(older)))
    })
    .await;
    let mut root = world.registered("root@example.com").await;
    let (mut chief, _) = with_role(&world, &mut root, "chief", "manage_users+manage_permissions").await;
    let (_, seller) = with_role(&world, &mut root, "seller", "sales_manager").await;
    let (_, boss) = with_role(&world, &mut root, "boss", "user").await;
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    rules.give(&boss, None, "manage_platform");
    let create = json!({ "email": "new@example.com", "name": "New", "role": "sales_manager" });
    chief
        .post("admin/create-user", create.clone())
        .await
        .refused(403, "FORBIDDEN");
    for (path, body) in acts(&seller).into_iter().chain(acts(&boss)) {
        chief.post(path, body).await.refused(403, "FORBIDDEN");
    }
    for (path, body) in acts(&ada).into_iter().skip(1) {
        chief.post(path, body).await.expect(200);
    }
    root.post("admin/create-user", create).await.expect(200);
}

/// The ids of what a list answers.
fn ids(list: &Value) -> Vec<&Value> {
    list.as_array().unwrap().iter().map(|one| &one["id"]).collect()
}

#[tokio::test]
async fn nobody_reaches_beyond_their_organization() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let (mut hr, own) = with_role(&world, &mut root, "hr", "manage_users").await;
    let (mut bob, other) = with_role(&world, &mut root, "bob", "user").await;
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    let (_, both) = with_role(&world, &mut root, "cy", "user").await;
    let organization = async |browser: &mut Browser<'_>, slug: &str| {
        let made = browser
            .post("organization/create", json!({ "name": slug, "slug": slug }))
            .await
            .expect(200);
        made["id"].clone()
    };
    let (ours, theirs) = (
        organization(&mut hr, "ours").await,
        organization(&mut bob, "theirs").await,
    );
    let other_organization = theirs.clone();
    for (organization, user) in [(&ours, &ada), (&ours, &both), (&theirs, &both)] {
        let place = json!({ "organization_id": organization, "user_id": user, "role": "member" });
        world.data.put("sys_member", place);
    }
    let listed = hr.get("admin/list-users").await.expect(200);
    assert_eq!(
        (&listed["total"], ids(&listed["users"])),
        (&json!(3), vec![&own, &ada, &both])
    );
    let page = hr.get("admin/list-users?limit=1&offset=1").await.expect(200);
    assert_eq!((&page["total"], ids(&page["users"])), (&json!(3), vec![&ada]));
    let found = hr.get("admin/list-users?searchValue=bob").await.expect(200);
    assert_eq!(found["total"], 0);
    for (path, body) in acts(&other) {
        hr.post(path, body).await.refused(404, "USER_NOT_FOUND");
    }
    for path in ["admin/list-user-sessions", "admin/unlock-user"] {
        hr.post(path, json!({ "userId": other }))
            .await
            .refused(404, "USER_NOT_FOUND");
    }
    // Somebody who is elsewhere, too: their account is not taken over, and they are what they were there. Here they are put out.
    for path in ["admin/impersonate-user", "admin/remove-user", "admin/unban-user"] {
        hr.post(path, json!({ "userId": both })).await.refused(403, "FORBIDDEN");
    }
    let banned = hr.post("admin/ban-user", json!({ "userId": both })).await.expect(200);
    assert_ne!(banned["user"]["banned"], true);
    let places = world.data.rows("sys_member");
    let theirs: Vec<&Value> = places
        .iter()
        .filter(|place| place["user_id"] == both)
        .map(|place| &place["organization_id"])
        .collect();
    assert_eq!(theirs, [&other_organization]);
    let all = root.get("admin/list-users").await.expect(200);
    assert_eq!(all["total"], 5);
}

#[tokio::test]
async fn a_lock_is_taken_off_by_whoever_has_a_say_in_the_account() {
    let world = ruled_with(json!({ "lockout": { "attempts": 2, "slowAfter": 9 } })).await;
    let mut root = world.registered("root@example.com").await;
    let mut hr = manager(&world, &mut root).await;
    let boss = id_of(&mut root).await;
    let (_, both) = with_role(&world, &mut root, "cy", "user").await;
    let (_, ada) = with_role(&world, &mut root, "ada", "user").await;
    let theirs = json!({ "id": "o2", "name": "Theirs", "slug": "theirs" });
    world.data.put("sys_organization", theirs);
    for (organization, user) in [("o1", &boss), ("o1", &ada), ("o1", &both), ("o2", &both)] {
        let place = json!({ "organization_id": organization, "user_id": user, "role": "member" });
        world.data.put("sys_member", place);
    }
    let sign_in = async |name: &str, password: &str| {
        let body = json!({ "email": format!("{name}@example.com"), "password": password });
        Browser::new(&world).post("sign-in/email", body).await
    };
    for (name, id, status) in [("root", &boss, 403), ("cy", &both, 403), ("ada", &ada, 200)] {
        for _ in 0..2 {
            sign_in(name, "walnut-heron-72").await.expect(401);
        }
        sign_in(name, PASSWORD).await.refused(429, "TOO_MANY_ATTEMPTS");
        let unlocked = hr.post("admin/unlock-user", json!({ "userId": id })).await;
        let told = world.count("auth.account_unlocked");
        if status == 200 {
            unlocked.expect(200);
            assert_eq!(told, 1, "{name}");
            sign_in(name, PASSWORD).await.expect(200);
        } else {
            unlocked.refused(status, "FORBIDDEN");
            assert_eq!(told, 0, "{name}");
            sign_in(name, PASSWORD).await.refused(429, "TOO_MANY_ATTEMPTS");
        }
    }
    root.post("admin/unlock-user", json!({ "userId": both }))
        .await
        .expect(200);
    assert_eq!(world.count("auth.account_unlocked"), 2);
}

#[tokio::test]
async fn a_directory_reaches_no_further_than_its_organization() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let (mut hr, own) = with_role(&world, &mut root, "hr", "manage_users").await;
    let (_, other) = with_role(&world, &mut root, "bob", "user").await;
    let made = hr
        .post("organization/create", json!({ "name": "Ours", "slug": "ours" }))
        .await
        .expect(200);
    let mut keyed = directory(&world, &mut hr).await;
    let body = json!({ "userName": "ada@example.com" });
    let ada = keyed.post(USERS, body).await.expect(201);
    let place = world.data.rows("sys_member").pop().unwrap();
    assert_eq!(
        (&place["user_id"], &place["organization_id"]),
        (&ada["id"], &made["id"])
    );
    let listed = keyed.get(USERS).await.expect(200);
    assert_eq!(
        (&listed["totalResults"], ids(&listed["Resources"])),
        (&json!(2), vec![&own, &ada["id"]])
    );
    let id = other.as_str().unwrap();
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let body = json!({ "active": false, "Operations": [{ "op": "replace", "path": "active", "value": false }] });
        keyed.one(method, USERS, id, body).await.expect(404);
    }
    let group = json!({ "displayName": "Sales", "members": [{ "value": other }] });
    keyed.post(GROUPS, group).await.expect(400);
    assert!(world.data.rows("sys_team_member").is_empty());
}

#[tokio::test]
async fn without_organizations_everybody_is_within_reach() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let (mut hr, _) = with_role(&world, &mut root, "hr", "manage_users").await;
    let (mut bob, other) = with_role(&world, &mut root, "bob", "user").await;
    assert_eq!(hr.get("admin/list-users").await.expect(200)["total"], 3);
    hr.post("admin/revoke-user-sessions", json!({ "userId": other }))
        .await
        .expect(200);
    let body = json!({ "email": "bob@example.com", "password": PASSWORD });
    bob.post("sign-in/email", body).await.expect(200);
    bob.post("organization/create", json!({ "name": "B", "slug": "b" }))
        .await
        .expect(200);
    hr.get("admin/list-users").await.refused(400, "NO_ACTIVE_ORGANIZATION");
}

#[tokio::test]
async fn a_directory_of_an_organization_vouches_for_its_own_domains_alone() {
    let world =
        ruled_with(json!({ "scim": { "trustedDomains": { "o1": ["ours.example"], "o2": ["example.org"] } } })).await;
    let mut root = world.registered("root@example.com").await;
    let mut hr = manager(&world, &mut root).await;
    let mut keyed = directory(&world, &mut hr).await;
    let verified = |email: &str| {
        let users = world.data.rows("sys_user");
        let user = users.into_iter().find(|user| user["email"] == email).expect(email);
        user["email_verified"] == true
    };
    let mut made = Vec::new();
    for (email, expected) in [
        ("ada@ours.example", true),
        ("bob@example.org", false),
        ("cid@sub.ours.example", false),
        ("dan@Ours.Example", true),
    ] {
        let user = keyed.post(USERS, json!({ "userName": email })).await.expect(201);
        assert_eq!(verified(&email.to_lowercase()), expected, "{email}");
        made.push(user["id"].as_str().unwrap().to_owned());
    }
    for (id, email, expected) in [
        (&made[0], "ada@example.org", false),
        (&made[0], "lovelace@ours.example", true),
        (&made[1], "robert@example.org", false),
    ] {
        let change = json!({ "Operations": [{ "op": "replace", "path": "userName", "value": email }] });
        keyed.one("PATCH", USERS, id, change).await.expect(200);
        assert_eq!(verified(email), expected, "{email}");
    }
    // What is no change of the address changes nothing of what is known of it.
    let change = json!({ "userName": "lovelace@ours.example", "displayName": "Ada" });
    keyed.one("PUT", USERS, &made[0], change).await.expect(200);
    assert!(verified("lovelace@ours.example"));
    // The installation's own directory knows its people.
    let mut whole = directory(&world, &mut root).await;
    whole
        .post(USERS, json!({ "userName": "eve@example.org" }))
        .await
        .expect(201);
    assert!(verified("eve@example.org"));
}

#[tokio::test]
async fn whoever_acts_as_somebody_else_is_no_directory_and_a_directory_makes_members_aloud() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let hr = manager(&world, &mut root).await;
    let mut own = directory(&world, &mut root).await;
    let user = own
        .post(USERS, json!({ "userName": "ada@example.com" }))
        .await
        .expect(201);
    // Ada is in no organisation; a group makes her a member of the one it belongs to.
    let id = id_of(&mut root).await;
    let place = json!({ "organization_id": "o1", "user_id": id, "role": "owner" });
    world.data.put("sys_member", place);
    root.post("organization/set-active", json!({ "organizationId": "o1" }))
        .await
        .expect(200);
    let assigned = world.count("authz.role_assigned");
    let group = json!({ "displayName": "Sales", "members": [{ "value": user["id"] }] });
    root.post(GROUPS, group).await.expect(201);
    assert_eq!(world.count("authz.role_assigned"), assigned + 1);
    let hr = world.who(&bearer(&hr.token)).await.unwrap().unwrap().id;
    root.post("admin/impersonate-user", json!({ "userId": hr }))
        .await
        .expect(200);
    for path in [USERS, GROUPS, "scim/v2/Schemas"] {
        root.get(path).await.expect(403);
    }
    let users = world.data.rows("sys_user").len();
    root.post(USERS, json!({ "userName": "eve@example.com" }))
        .await
        .expect(403);
    assert_eq!(world.data.rows("sys_user").len(), users);
}

#[tokio::test]
async fn asking_whether_others_have_accounts_counts() {
    let world = ruled_with(json!({ "lockout": { "attempts": 3, "slowAfter": 9 } })).await;
    let mut root = world.registered("root@example.com").await;
    world.registered("bob@example.com").await;
    let mut hr = manager(&world, &mut root).await;
    let mut keyed = directory(&world, &mut hr).await;
    let user = |email: &str| json!({ "userName": email });
    let ada = keyed.post(USERS, user("ada@example.com")).await.expect(201);
    for _ in 0..5 {
        // One of their own is no news.
        keyed.post(USERS, user("ada@example.com")).await.expect(409);
    }
    keyed.post(USERS, user("bob@example.com")).await.expect(409);
    let change = json!({ "Operations": [{ "op": "replace", "path": "userName", "value": "bob@example.com" }] });
    let id = ada["id"].as_str().unwrap();
    keyed.one("PATCH", USERS, id, change).await.expect(409);
    let body = |email: &str| json!({ "email": email, "name": "X" });
    hr.post("admin/create-user", body("root@example.com"))
        .await
        .refused(422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
    for email in ["root@example.com", "nobody@example.com"] {
        keyed.post(USERS, user(email)).await.refused(429, "TOO_MANY_ATTEMPTS");
        hr.post("admin/create-user", body(email))
            .await
            .refused(429, "TOO_MANY_ATTEMPTS");
    }
    // Whoever sees everybody asks nothing by it.
    for _ in 0..5 {
        root.post("admin/create-user", body("bob@example.com"))
            .await
            .refused(422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
    }
}
