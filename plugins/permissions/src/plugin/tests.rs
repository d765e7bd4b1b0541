//! The plugin in the in-memory host: versions, expiry, editing at runtime, events, routes, shares.

use std::sync::Arc;

use objectos_plugin_api::contracts::auth::{Auth, AuthServer, Credentials, Identity};
use objectos_plugin_api::contracts::permissions::{
    AccessPlan, AccessRequest, Operation, PermissionsClient, SystemPermissionRequest,
};
use objectos_plugin_api::{Context, Error, ErrorKind, HttpRequestParts, Principal, PrincipalKind, Result};
use objectos_plugin_testing::TestPlugin;
use serde_json::{Map, Value, json};

use super::PermissionsPlugin;
use super::fake::{FakeData, FakeMetadata, host};
use crate::moment;

mod herd;
mod places;
mod powers;
mod reach;

const NOW_MS: i64 = 1_700_000_000_000;

struct World {
    plugin: TestPlugin,
    client: PermissionsClient,
    data: Arc<FakeData>,
    metadata: Arc<FakeMetadata>,
    /// Names of the events that were stored with changes.
    told: std::sync::Mutex<Vec<String>>,
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn principal(id: &str, roles: &[&str]) -> Context {
    let principal = Principal {
        id: id.to_owned(),
        kind: PrincipalKind::User,
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        ..Principal::default()
    };
    Context::request("r1").with_principal(&principal)
}

fn user(id: &str) -> Context {
    principal(id, &["user"])
}

fn administrator() -> Context {
    principal("root", &["super_admin"])
}

impl World {
    async fn new() -> Self {
        let (host, data, metadata) = host();
        let plugin = host.now_ms(NOW_MS).start::<PermissionsPlugin>().await.unwrap();
        let client = PermissionsClient::open(&plugin.host()).unwrap();
        Self {
            plugin,
            client,
            data,
            metadata,
            told: std::sync::Mutex::default(),
        }
    }

    async fn plan(&self, context: &Context, operation: Operation) -> AccessPlan {
        let request = AccessRequest {
            object: "account".to_owned(),
            operation,
        };
        self.client.access_plan(context, &request).await.unwrap()
    }

    async fn reads(&self, context: &Context) -> bool {
        self.plan(context, Operation::Read).await.allowed
    }

    async fn holds(&self, context: &Context, permission: &str) -> bool {
        let request = SystemPermissionRequest {
            permission: permission.to_owned(),
        };
        self.client.has_system_permission(context, &request).await.unwrap()
    }

    /// Stores a record as the data engine does: with the hooks around it.
    async fn create(&self, object: &str, record: Value) -> Result<String> {
        let id = record["id"]
            .as_str()
            .map_or_else(|| format!("{object}-{}", self.data.all(object).len()), str::to_owned);
        let mut record = map(record);
        record.insert("id".to_owned(), json!(id));
        let payload = json!({ "object": object, "id": id, "record": record });
        self.before("data.before_insert", object, &payload).await?;
        self.data.put(object, record);
        self.plugin
            .hook("data.after_insert", object, &administrator(), &payload)
            .await?;
        Ok(id)
    }

    /// Runs a before-hook, and stores what it has stored with the change.
    async fn before(&self, point: &str, object: &str, payload: &Value) -> Result<()> {
        let answer = self.plugin.hook(point, object, &administrator(), payload).await?;
        let answer = answer.unwrap_or_default();
        for made in answer["records"].as_array().into_iter().flatten() {
            self.data
                .put(made["object"].as_str().unwrap(), map(made["record"].clone()));
        }
        let events = answer["events"].as_array().into_iter().flatten();
        let names = events.map(|event| event["name"].as_str().unwrap().to_owned());
        self.told.lock().unwrap().extend(names);
        Ok(())
    }

    async fn delete(&self, object: &str, id: &str) {
        let previous = self.data.get(object, id).unwrap();
        let payload = json!({ "object": object, "id": id, "record": {}, "previous": previous });
        self.before("data.before_delete", object, &payload).await.unwrap();
        self.data.remove(object, id);
        self.plugin
            .hook("data.after_delete", object, &administrator(), &payload)
            .await
            .unwrap();
    }

    async fn assign(&self, set: &str, assignee: &str, ends_ms: Option<i64>) -> String {
        let record = json!({
            "permission_set": set, "assignee_type": "user", "assignee": assignee,
            "expires_at": ends_ms.map(moment::text),
        });
        self.create("sys_permission_assignment", record).await.unwrap()
    }

    async fn route(
        &self,
        context: &Context,
        route: &str,
        parameters: &[(&str, &str)],
        query: &str,
        body: Value,
    ) -> Result<(u16, Value), Error> {
        let (method, path) = route.split_once(' ').unwrap();
        let body = if body.is_null() {
            Vec::new()
        } else {
            serde_json::to_vec(&body).unwrap()
        };
        let request = HttpRequestParts {
            method,
            route: path,
            path,
            query,
            parameters,
            headers: &[],
            body: &body,
        };
        let response = self.plugin.route(route, context, &request).await?;
        Ok((
            response.status,
            serde_json::from_slice(&response.body).unwrap_or_default(),
        ))
    }

    fn events(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn nobody_begins_with_anything_and_administrators_have_all() {
    let world = World::new().await;
    assert!(!world.reads(&user("ann")).await);
    assert!(!world.reads(&Context::request("r")).await);
    let administrator = administrator();
    let plan = world.plan(&administrator, Operation::Purge).await;
    assert!(plan.allowed && plan.filter.is_none());
    assert!(world.holds(&administrator, "manage_platform").await);
    assert!(!world.holds(&user("ann"), "manage_platform").await);
    assert!(!world.holds(&Context::request("r"), "manage_platform").await);
    assert!(world.holds(&Context::request("r").as_system(), "anything").await);
    let local = Principal {
        id: "local".to_owned(),
        kind: PrincipalKind::Local,
        ..Principal::default()
    };
    assert!(world.reads(&Context::request("r").with_principal(&local)).await);
    world.plugin.stop().await.unwrap();
}

/// Tells nobody who anybody is; that it is there is enough.
#[derive(Debug)]
struct Strangers;

impl Auth for Strangers {
    async fn authenticate(&self, _: Context, _: Credentials) -> Result<Identity> {
        Ok(Identity::default())
    }
}

#[tokio::test]
async fn where_people_sign_in_nobody_is_alone_on_the_machine() {
    let local = Principal {
        id: "local".to_owned(),
        kind: PrincipalKind::Local,
        roles: vec!["super_admin".to_owned()],
        ..Principal::default()
    };
    let local = Context::request("r").with_principal(&local);
    for signs_in in [false, true] {
        let (host, _data, _metadata) = host();
        let host = host.now_ms(NOW_MS);
        let host = if signs_in {
            host.service(AuthServer::new(Arc::new(Strangers)))
        } else {
            host
        };
        let plugin = host.start::<PermissionsPlugin>().await.unwrap();
        let client = PermissionsClient::open(&plugin.host()).unwrap();
        let request = AccessRequest {
            object: "account".to_owned(),
            operation: Operation::Read,
        };
        let plan = client.access_plan(&local, &request).await.unwrap();
        assert_eq!(plan.allowed, !signs_in, "{signs_in}");
        let permission = SystemPermissionRequest {
            permission: "manage_platform".to_owned(),
        };
        let holds = client.has_system_permission(&local, &permission).await.unwrap();
        assert_eq!(holds, !signs_in, "{signs_in}");
        // Whoever signed in is who it was.
        let plan = client.access_plan(&administrator(), &request).await.unwrap();
        assert!(plan.allowed);
        plugin.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_grant_counts_from_its_acknowledgement_until_it_is_taken_back() {
    let world = World::new().await;
    let ann = user("ann");
    assert!(!world.reads(&ann).await);
    let before = world.client.version(&ann).unwrap();
    let id = world.assign("sales", "ann", None).await;
    let granted = world.client.version(&ann).unwrap();
    assert_ne!(before, granted);
    assert!(world.reads(&ann).await && !world.reads(&user("bob")).await);
    world.delete("sys_permission_assignment", &id).await;
    assert_ne!(world.client.version(&ann).unwrap(), granted);
    assert!(!world.reads(&ann).await);
    assert_eq!(world.events(), ["authz.permission_granted", "authz.permission_revoked"]);
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn row_policies_are_logged_where_the_file_says_so() {
    let world = World::new().await;
    let policies =
        "policies:\n  - {name: mine, object: account, operation: select, using: \"owner_id = current_user.id\"}\n";
    world.assign("sales", "ann", None).await;
    for (config, told) in [("", false), ("logEvaluations: true\ncacheTtlSeconds: 5\n", true)] {
        world.metadata.declare("policy", "rows", &format!("{config}{policies}"));
        assert!(world.reads(&user("ann")).await);
        let logged = world.plugin.logged().join("\n");
        assert_eq!(logged.contains("row policies were evaluated"), told, "{logged}");
        assert_eq!(logged.contains("cacheTtlSeconds: this has no effect"), told, "{logged}");
    }
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn an_assignment_ends_to_the_second() {
    let world = World::new().await;
    let ann = user("ann");
    world.assign("sales", "ann", Some(NOW_MS + 5000)).await;
    assert!(world.reads(&ann).await);
    let version = world.client.version(&ann).unwrap();
    world.plugin.set_now_ms(NOW_MS + 4999);
    assert_eq!(world.client.version(&ann).unwrap(), version);
    assert!(world.reads(&ann).await);
    world.plugin.set_now_ms(NOW_MS + 5000);
    assert_ne!(world.client.version(&ann).unwrap(), version);
    assert!(!world.reads(&ann).await);
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_share_that_ends_ends_without_a_write() {
    let world = World::new().await;
    let ann = user("ann");
    world.assign("sales", "ann", None).await;
    let share = json!({
        "object": "account", "record": "a1", "recipient_type": "user", "recipient": "ann",
        "access_level": "read", "expires_at": moment::text(NOW_MS + 1000),
    });
    let before = world.client.version(&ann).unwrap();
    world.create("sys_record_share", share).await.unwrap();
    assert_ne!(world.client.version(&ann).unwrap(), before);
    let filter = |plan: AccessPlan| plan.filter.unwrap().to_string();
    let first = filter(world.plan(&ann, Operation::Read).await);
    world.plugin.set_now_ms(NOW_MS + 1000);
    let second = filter(world.plan(&ann, Operation::Read).await);
    assert_ne!(first, second);
    // One without an end is found by the query itself.
    let version = world.client.version(&ann).unwrap();
    let lasting = json!({"object": "account", "record": "a2", "recipient_type": "user", "recipient": "ann", "access_level": "read"});
    world.create("sys_record_share", lasting).await.unwrap();
    assert_eq!(world.client.version(&ann).unwrap(), version);
    world.plugin.stop().await.unwrap();
}

/// What is given in one organisation does not count while another one is the active one, nor while none is.
#[tokio::test]
async fn roles_groups_and_territories_may_count_in_one_organisation_alone() {
    let world = World::new().await;
    let nested = json!({"group": "field", "member_type": "role", "member": "rep", "organization": "t1"});
    world.create("sys_group_member", nested).await.unwrap();
    for (object, record) in [
        (
            "sys_user_role",
            json!({"user": "ann", "role": "rep", "organization": "t1"}),
        ),
        ("sys_user_role", json!({"user": "ann", "role": "aide"})),
        (
            "sys_group_member",
            json!({"group": "west", "member_type": "user", "member": "ann", "organization": "t1"}),
        ),
        (
            "sys_user_territory",
            json!({"user": "ann", "territory": "north", "organization": "t1"}),
        ),
    ] {
        world.create(object, record).await.unwrap();
    }
    for (tenant, roles, groups, territories) in [
        (
            Some("t1"),
            vec!["aide", "rep", "user"],
            vec!["field", "west"],
            vec!["north"],
        ),
        (Some("t2"), vec!["aide", "user"], vec![], vec![]),
        (None, vec!["aide", "user"], vec![], vec![]),
    ] {
        let context = Context::request("r1").with_principal(&Principal {
            id: "ann".to_owned(),
            kind: PrincipalKind::User,
            tenant: tenant.map(str::to_owned),
            roles: vec!["user".to_owned()],
            permission_sets: vec!["sales".to_owned()],
            ..Principal::default()
        });
        let held = world.plan(&context, Operation::Read).await.holdings.unwrap();
        assert_eq!(held.roles, roles, "{tenant:?}");
        assert_eq!(held.groups, groups, "{tenant:?}");
        assert_eq!(held.territories, territories, "{tenant:?}");
    }
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn roles_groups_and_their_members_count_at_once() {
    let world = World::new().await;
    let ann = user("ann");
    let assignment = json!({"permission_set": "sales", "assignee_type": "group", "assignee": "field"});
    world.create("sys_permission_assignment", assignment).await.unwrap();
    assert!(!world.reads(&ann).await);
    world
        .create(
            "sys_group_member",
            json!({"group": "field", "member_type": "role", "member": "rep"}),
        )
        .await
        .unwrap();
    assert!(!world.reads(&ann).await);
    let held = world
        .create("sys_user_role", json!({"user": "ann", "role": "rep"}))
        .await
        .unwrap();
    assert!(world.reads(&ann).await);
    world.delete("sys_user_role", &held).await;
    assert!(!world.reads(&ann).await);
    world
        .create(
            "sys_group_member",
            json!({"group": "field", "member_type": "user", "member": "ann"}),
        )
        .await
        .unwrap();
    assert!(world.reads(&ann).await);
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_edited_at_runtime_is_checked_kept_and_told() {
    let world = World::new().await;
    let ann = user("ann");
    world.assign("sales", "ann", None).await;
    let wrong = json!({"name": "sales", "definition": {"objects": {"acount": {"allowRead": true}}}});
    let error = world.create("sys_permission_set", wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Vetoed);
    assert!(
        error
            .message()
            .contains("there is no object `acount`; did you mean `account`?"),
        "{error}"
    );
    let policy =
        json!({"name": "north", "object": "account", "operation": "select", "using_expression": "LOWER(region) = 'x'"});
    assert!(world.create("sys_row_policy", policy).await.is_err());
    let closed =
        json!({"name": "sales", "definition": {"objects": {"account": {"allowCreate": true}}}, "active": true});
    let id = world.create("sys_permission_set", closed).await.unwrap();
    assert!(!world.reads(&ann).await);
    let versions = world.data.all("sys_policy_version");
    assert_eq!(
        (versions.len(), &versions[0]["action"], &versions[0]["policy"]),
        (1, &json!("created"), &json!("sales"))
    );
    world.delete("sys_permission_set", &id).await;
    assert!(world.reads(&ann).await);
    assert_eq!(world.data.all("sys_policy_version")[1]["version"], json!(2.0));
    assert!(
        world
            .events()
            .ends_with(&["authz.policy_created".to_owned(), "authz.policy_deleted".to_owned()])
    );
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn whatever_is_edited_comes_back_as_it_was() {
    let world = World::new().await;
    let policy = json!({"name": "north", "object": "account", "operation": "select", "using_expression": "region = 'north'", "active": false, "priority": 3.0});
    let default = json!({"object": "account", "model": "public_read", "grant_access_using_hierarchy": true});
    let rule = json!({"name": "energy", "object": "account", "kind": "criteria", "condition": "region = 'x'", "shared_with_type": "role", "shared_with": "rep", "access_level": "read", "active": true});
    for (object, name, record) in [
        ("sys_role", "rep", json!({"name": "rep", "label": "Rep"})),
        ("sys_org_default", "account", default),
        ("sys_sharing_rule", "energy", rule),
        ("sys_row_policy", "north", policy),
    ] {
        let id = world.create(object, record.clone()).await.unwrap();
        world.delete(object, &id).await;
        let at = [("object", object), ("name", name), ("version", "1")];
        let versions = "GET /api/v1/permissions/policies/{object}/{name}/versions";
        let (_, listed) = world
            .route(&administrator(), versions, &at[..2], "", Value::Null)
            .await
            .unwrap();
        let actions: Vec<&Value> = listed["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["action"])
            .collect();
        assert_eq!(actions, ["deleted", "created"], "{object}");
        let restore = "POST /api/v1/permissions/policies/{object}/{name}/versions/{version}/restore";
        let refused = world.route(&user("ann"), restore, &at, "", Value::Null).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Denied, "{object}");
        let (status, _) = world
            .route(&administrator(), restore, &at, "", Value::Null)
            .await
            .unwrap();
        let mut back = world.data.all(object).pop().unwrap();
        back.remove("id");
        assert_eq!((status, Value::Object(back)), (201, record), "{object}");
        let (status, _) = world
            .route(&administrator(), restore, &at, "", Value::Null)
            .await
            .unwrap();
        assert_eq!((status, world.data.all(object).len()), (200, 1), "{object}");
    }
    let versions = "GET /api/v1/permissions/policies/{object}/{name}/versions";
    let other = [("object", "account"), ("name", "x")];
    let unknown = world.route(&administrator(), versions, &other, "", Value::Null).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_number_follows_what_is_kept_and_what_waits_in_the_same_transaction() {
    let world = World::new().await;
    let version = |policy: &str, number: f64| json!({ "object": "sys_role", "policy": policy, "version": number });
    world.data.put("sys_policy_version", map(version("rep", 2.0)));
    let beside =
        |policy: &str, number: f64| json!({ "object": "sys_policy_version", "record": version(policy, number) });
    for (waiting, expected) in [
        (json!([]), 3.0),
        (json!([beside("rep", 5.0), beside("boss", 9.0)]), 6.0),
        (json!([beside("boss", 9.0)]), 3.0),
    ] {
        let payload = json!({ "object": "sys_role", "id": "r", "record": { "name": "rep" }, "records": waiting });
        let point = "data.before_insert";
        let answer = world.plugin.hook(point, "sys_role", &administrator(), &payload).await;
        let answer = answer.unwrap().unwrap();
        let last = answer["records"].as_array().unwrap().last().unwrap();
        assert_eq!(last["record"]["version"], expected, "{answer:#}");
    }
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_told_of_a_set_can_be_written_again() {
    let world = World::new().await;
    world.metadata.declare(
        "permission",
        "narrow",
        "name: narrow\nobjects:\n  account: {allowRead: true}\nrowLevelSecurity:\n  - {name: mine, object: account, operation: select, using: \"owner_id = current_user.id\"}\n",
    );
    let at = [("name", "narrow")];
    let get = "GET /api/v1/permissions/sets/{name}";
    let (_, told) = world.route(&administrator(), get, &at, "", Value::Null).await.unwrap();
    assert_eq!(told["rowLevelSecurity"][0]["operation"], "select", "{told:#}");
    let put = "PUT /api/v1/permissions/sets/{name}";
    let (status, _) = world.route(&administrator(), put, &at, "", told.clone()).await.unwrap();
    assert_eq!(status, 201);
    // As it was stored it passes the check of the hook, and says the same again.
    let stored = world.data.all("sys_permission_set").pop().unwrap();
    world.data.remove("sys_permission_set", stored["id"].as_str().unwrap());
    world.create("sys_permission_set", Value::Object(stored)).await.unwrap();
    let (_, again) = world.route(&administrator(), get, &at, "", Value::Null).await.unwrap();
    assert_eq!(again["rowLevelSecurity"], told["rowLevelSecurity"]);
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn a_policy_that_breaks_later_closes_its_object() {
    let world = World::new().await;
    let ann = user("ann");
    world.assign("sales", "ann", None).await;
    let policy = json!({"name": "north", "object": "account", "operation": "select", "using_expression": "region = 'north'", "active": true});
    world.create("sys_row_policy", policy).await.unwrap();
    assert!(
        world
            .plan(&ann, Operation::Read)
            .await
            .filter
            .unwrap()
            .to_string()
            .contains("north")
    );
    world.metadata.declare(
        "object",
        "account",
        "name: account\nfields:\n  name: {type: text}\n  revenue: {type: currency}\n",
    );
    assert!(!world.reads(&ann).await);
    assert!(world.reads(&administrator()).await);
    let health = world.plugin.health().await.unwrap();
    assert!(health.message.unwrap_or_default().contains("unknown field `region`"));
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn changed_files_count_at_once_and_wrong_ones_not_at_all() {
    let world = World::new().await;
    let ann = user("ann");
    world.assign("sales", "ann", None).await;
    assert!(world.reads(&ann).await);
    world.metadata.declare(
        "permission",
        "sales",
        "name: sales\nobjects:\n  account: {allowRaed: true}\n",
    );
    assert!(world.reads(&ann).await);
    assert!(
        world
            .plugin
            .health()
            .await
            .unwrap()
            .message
            .unwrap_or_default()
            .contains("allowRaed")
    );
    world.metadata.declare(
        "permission",
        "sales",
        "name: sales\nobjects:\n  account: {allowCreate: true}\n",
    );
    assert!(!world.reads(&ann).await);
    assert_eq!(world.plugin.health().await.unwrap().message, None);
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn wrong_files_keep_the_plugin_from_starting() {
    let (host, _, metadata) = host();
    metadata.declare(
        "policy",
        "p",
        "{name: p, object: account, operation: select, using: \"LOWER(name) = 'x'\"}",
    );
    let error = host.start::<PermissionsPlugin>().await.unwrap_err().to_string();
    assert!(
        error.contains("app:policy p") && error.contains("so it cannot be part of a query"),
        "{error}"
    );
}

#[tokio::test]
async fn callers_learn_what_they_may_do() {
    let world = World::new().await;
    let ann = user("ann");
    world.assign("sales", "ann", None).await;
    world
        .data
        .put("account", map(json!({"id": "a1", "owner_id": "ann", "name": "A"})));
    world
        .data
        .put("account", map(json!({"id": "a2", "owner_id": "bob", "name": "B"})));
    let check = async |query: &str| {
        let (_, answer) = world
            .route(&ann, "GET /api/v1/permissions/check", &[], query, Value::Null)
            .await
            .unwrap();
        answer["allowed"].as_bool().unwrap()
    };
    assert!(check("object=account&action=read").await);
    assert!(check("object=account&action=edit&recordId=a1").await);
    assert!(!check("object=account&action=delete").await);
    assert!(!check("object=account&action=read&recordId=a2").await);
    assert!(!check("object=account&action=read&recordId=a1&field=revenue").await);
    assert!(check("object=account&action=edit&recordId=a1&field=name").await);
    let body = json!({"object": "account", "action": "read", "recordId": "a9"});
    let (_, absent) = world
        .route(&ann, "POST /api/v1/auth/check", &[], "", body)
        .await
        .unwrap();
    let (_, hidden) = world
        .route(
            &ann,
            "GET /api/v1/permissions/check",
            &[],
            "object=account&action=read&recordId=a2",
            Value::Null,
        )
        .await
        .unwrap();
    assert_eq!(absent, hidden);
    let (_, object) = world
        .route(
            &ann,
            "GET /api/v1/permissions/objects/{object}",
            &[("object", "account")],
            "",
            Value::Null,
        )
        .await
        .unwrap();
    assert_eq!(
        (
            &object["permissions"]["allowEdit"],
            &object["permissions"]["viewAllRecords"]
        ),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        object["fieldPermissions"]["region"],
        json!({"readable": true, "editable": true})
    );
    assert!(object["fieldPermissions"].get("revenue").is_none(), "{object:#}");
    let (_, effective) = world
        .route(&ann, "GET /api/v1/auth/permissions/effective", &[], "", Value::Null)
        .await
        .unwrap();
    assert_eq!(
        effective["objects"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["account"]
    );
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn managers_learn_why() {
    let world = World::new().await;
    world.assign("sales", "ann", None).await;
    world
        .data
        .put("sys_user", map(json!({"id": "ann", "name": "Ann", "role": "user"})));
    world.data.put("account", map(json!({"id": "a2", "owner_id": "bob"})));
    let explain = "POST /api/v1/permissions/explain";
    let question = json!({"userId": "ann", "object": "account", "operation": "read", "recordId": "a2"});
    let denied = world
        .route(&user("bob"), explain, &[], "", question.clone())
        .await
        .unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
    let (_, answer) = world.route(&administrator(), explain, &[], "", question).await.unwrap();
    assert_eq!(answer["allowed"], json!(false), "{answer:#}");
    assert!(answer["reason"].as_str().unwrap().contains("nothing opens this record"));
    let kinds: Vec<&str> = answer["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["ownership", "share", "permission_set", "field_permission"]);
    assert_eq!(
        answer["principal"]["permissionSets"][0]["source"]["object"],
        "sys_permission_assignment"
    );
    let share = json!({"object": "account", "record": "a2", "recipient_type": "user", "recipient": "ann", "access_level": "read"});
    world.create("sys_record_share", share).await.unwrap();
    let question = json!({"userId": "ann", "object": "account", "operation": "read", "recordId": "a2"});
    let (_, answer) = world.route(&administrator(), explain, &[], "", question).await.unwrap();
    assert_eq!(
        (&answer["allowed"], &answer["steps"][1]["matches"]),
        (&json!(true), &json!(true)),
        "{answer:#}"
    );
    world.plugin.stop().await.unwrap();
}

const MASKED: &str = "name: account\nfields:\n  name: {type: text}\n  region: {type: text}\n  revenue: {type: currency}\n  iban: {type: text, maskingRule: {field: iban, strategy: redact, roles: [rep]}}\n";
const EDITORS: &str = "name: editors\nobjects:\n  account: {allowRead: true, allowEdit: true, viewAllRecords: true, modifyAllRecords: true}\nfields:\n  account.name: {readable: true, editable: false}\nrowLevelSecurity:\n  - {name: northern, object: account, operation: update, using: \"region = 'north'\", check: \"region = 'north'\"}\n";

#[tokio::test]
async fn masks_bans_memberships_and_what_is_written_are_explained() {
    let world = World::new().await;
    world.metadata.declare("object", "account", MASKED);
    world.metadata.declare("permission", "editors", EDITORS);
    world.assign("editors", "ann", None).await;
    world
        .create("sys_user_role", json!({"user": "ann", "role": "rep"}))
        .await
        .unwrap();
    let ann = json!({"id": "ann", "name": "Ann", "role": "user"});
    world.data.put("sys_user", map(ann));
    let account = json!({"id": "a1", "owner_id": "bob", "name": "One", "region": "north"});
    world.data.put("account", map(account));
    let ask = async |more: Value| {
        let mut question = json!({"userId": "ann", "object": "account", "operation": "edit", "recordId": "a1"});
        question.as_object_mut().unwrap().extend(map(more));
        let explain = "POST /api/v1/permissions/explain";
        let (_, answer) = world.route(&administrator(), explain, &[], "", question).await.unwrap();
        let reason = answer["reason"].as_str().unwrap().to_owned();
        (answer["allowed"] == true, reason, answer["masked"].clone())
    };
    let (allowed, reason, masked) = ask(json!({"operation": "read", "field": "iban"})).await;
    assert!(allowed && reason.contains("only a mask of `iban`"), "{reason}");
    assert_eq!(masked, json!(["iban"]));
    let at = [("object", "account")];
    let object = "GET /api/v1/permissions/objects/{object}";
    let (_, object) = world.route(&user("ann"), object, &at, "", Value::Null).await.unwrap();
    let fields = &object["fieldPermissions"];
    assert_eq!(
        (&fields["iban"]["masked"], fields["region"].get("masked")),
        (&json!(true), None)
    );
    for (change, expected) in [
        (json!({"region": "north"}), ""),
        (json!({"region": "south"}), "would not be among them"),
        (json!({"name": "Two"}), "the field `name` is not open for editing"),
        (json!({"name": "One"}), "the field `name` is not open for editing"),
    ] {
        let (allowed, reason, _) = ask(json!({"change": change})).await;
        assert_eq!(allowed, expected.is_empty(), "{change}: {reason}");
        assert!(reason.contains(expected), "{change}: {reason}");
    }
    let (allowed, reason, _) = ask(json!({"tenant": "t9"})).await;
    assert!(
        !allowed && reason.contains("no member of the organisation `t9`"),
        "{reason}"
    );
    for (banned, expires, allowed) in [
        (true, Value::Null, false),
        (true, json!(moment::text(NOW_MS - 1)), true),
    ] {
        let ban = map(json!({"banned": banned, "ban_expires": expires}));
        world.data.change("sys_user", "ann", &ban);
        let (answered, reason, _) = ask(json!({})).await;
        assert_eq!(answered, allowed, "{expires}: {reason}");
    }
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn sets_are_written_with_versions_and_only_by_managers() {
    let world = World::new().await;
    let put = "PUT /api/v1/permissions/sets/{name}";
    let named = [("name", "extra")];
    let body = json!({"objects": {"account": {"allowRead": true}}});
    let denied = world
        .route(&user("ann"), put, &named, "", body.clone())
        .await
        .unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
    let told = world.plugin.published().pop().unwrap();
    assert_eq!((told.name.as_str(), told.durable), ("security.access_denied", true));
    assert_eq!(
        (&told.payload["origin"]["actorId"], &told.payload["metadata"]["route"]),
        (&json!("ann"), &json!("PUT /api/v1/permissions/sets/{name}"))
    );
    assert_eq!(
        world.route(&administrator(), put, &named, "", body).await.unwrap().0,
        201
    );
    let stored = world.data.all("sys_permission_set");
    assert_eq!((stored.len(), &stored[0]["name"]), (1, &json!("extra")));
    assert!(
        world
            .route(&administrator(), put, &[("name", "administrator")], "", json!({}))
            .await
            .is_err()
    );
    let (_, sets) = world
        .route(&administrator(), "GET /api/v1/permissions/sets", &[], "", Value::Null)
        .await
        .unwrap();
    let names: Vec<&str> = sets["sets"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|set| set["name"].as_str())
        .collect();
    assert_eq!(names, ["sales", "administrator"]);
    world.plugin.stop().await.unwrap();
}

/// A set that was withdrawn is edited and comes back without opening anything by it.
#[tokio::test]
async fn a_withdrawn_set_stays_withdrawn_while_it_is_edited_and_restored() {
    let world = World::new().await;
    world.assign("extra", "ann", None).await;
    let definition = json!({"name": "extra", "objects": {"account": {"allowRead": true}}});
    let record = json!({"id": "s1", "name": "extra", "definition": definition, "active": false});
    world.create("sys_permission_set", record.clone()).await.unwrap();
    assert!(!world.reads(&user("ann")).await);
    let put = "PUT /api/v1/permissions/sets/{name}";
    let named = [("name", "extra"), ("version", "1")];
    let body = json!({"objects": {"account": {"allowRead": true, "allowEdit": true}}});
    let written = world.route(&administrator(), put, &named[..1], "", body).await;
    assert_eq!(written.unwrap().0, 200);
    assert_eq!(world.data.get("sys_permission_set", "s1").unwrap()["active"], false);
    // Somebody gives it back; then a version comes back of the time when it was withdrawn.
    let active = map(json!({"active": true}));
    world.data.change("sys_permission_set", "s1", &active);
    let restore = "POST /api/v1/permissions/sets/{name}/versions/{version}/restore";
    let restored = world.route(&administrator(), restore, &named, "", Value::Null).await;
    assert_eq!(restored.unwrap().0, 200);
    let stored = world.data.get("sys_permission_set", "s1").unwrap();
    assert_eq!((&stored["active"], &stored["definition"]), (&json!(false), &definition));
    world.plugin.stop().await.unwrap();
}

#[tokio::test]
async fn records_are_shared_by_those_who_own_them() {
    let world = World::new().await;
    let (ann, bob) = (user("ann"), user("bob"));
    world.assign("sales", "ann", None).await;
    world.data.put("account", map(json!({"id": "a1", "owner_id": "ann"})));
    world.data.put("account", map(json!({"id": "a2", "owner_id": "bob"})));
    let shares = "POST /api/v1/permissions/shares";
    let share = |record: &str| json!({"object": "account", "recordId": record, "recipient": "bob"});
    let (status, _) = world.route(&ann, shares, &[], "", share("a1")).await.unwrap();
    assert_eq!(status, 201);
    let absent = world.route(&ann, shares, &[], "", share("a9")).await.unwrap_err();
    let foreign = world.route(&ann, shares, &[], "", share("a2")).await.unwrap_err();
    assert_eq!((absent.kind(), absent.code()), (foreign.kind(), foreign.code()));
    let link = json!({"object": "account", "recordId": "a1", "recipientType": "link", "accessLevel": "edit"});
    let (_, made) = world.route(&ann, shares, &[], "", link).await.unwrap();
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(
        world
            .data
            .all("sys_record_share")
            .iter()
            .all(|share| share["recipient"] != token.as_str())
    );
    let carol = user("carol");
    let accept = "POST /api/v1/permissions/links/{token}";
    assert!(
        world
            .route(&carol, accept, &[("token", "x")], "", Value::Null)
            .await
            .is_err()
    );
    let (_, taken) = world
        .route(&carol, accept, &[("token", &token)], "", Value::Null)
        .await
        .unwrap();
    assert_eq!(
        taken,
        json!({"object": "account", "recordId": "a1", "accessLevel": "edit"})
    );
    let (_, list) = world
        .route(
            &ann,
            "GET /api/v1/permissions/shares",
            &[],
            "object=account&recordId=a1",
            Value::Null,
        )
        .await
        .unwrap();
    assert_eq!(list["shares"].as_array().unwrap().len(), 3);
    assert!(
        world
            .route(
                &bob,
                "GET /api/v1/permissions/shares",
                &[],
                "object=account&recordId=a1",
                Value::Null
            )
            .await
            .is_err()
    );
    world.plugin.stop().await.unwrap();
}
