//! SCIM 2.0: a directory manages users and groups with a key.

use serde_json::{Value, json};

use crate::world::{Browser, World, bearer, world};

const USERS: &str = "scim/v2/Users";
const GROUPS: &str = "scim/v2/Groups";

#[tokio::test]
async fn a_directory_makes_changes_and_disables_users() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let key = root
        .post("api-key/create", json!({ "name": "directory" }))
        .await
        .expect(200);
    let key = format!("Bearer {}", key["key"].as_str().unwrap());
    let mut directory = Browser::new(&world).with_header("authorization", &key);
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "externalId": "e1", "userName": "Ada@example.com",
        "name": { "givenName": "Ada", "familyName": "Lovelace" }, "active": true,
    });
    let made = directory.post(USERS, body.clone()).await;
    assert_eq!(made.header("content-type"), Some("application/scim+json"));
    let made = made.expect(201);
    assert_eq!(
        (&made["userName"], &made["displayName"]),
        (&json!("ada@example.com"), &json!("Ada Lovelace"))
    );
    let twice = directory.post(USERS, body).await.expect(409);
    assert_eq!(
        (&twice["scimType"], &twice["status"]),
        (&json!("uniqueness"), &json!("409"))
    );
    let found = directory
        .get(&format!("{USERS}?filter=externalId%20eq%20%22e1%22"))
        .await
        .expect(200);
    assert_eq!(
        (&found["totalResults"], &found["Resources"][0]["id"]),
        (&json!(1), &made["id"])
    );
    directory
        .get(&format!("{USERS}?filter=userName%20gt%20%22a%22"))
        .await
        .expect(400);
    // Ada has no password; a link of a mail gives her one.
    let mut ada = Browser::new(&world);
    ada.post("request-password-reset", json!({ "email": "ada@example.com" }))
        .await
        .expect(200);
    let reset = json!({ "token": world.mailed_token().await, "newPassword": "walnut-heron-72" });
    ada.post("reset-password", reset).await.expect(200);
    let body = json!({ "email": "ada@example.com", "password": "walnut-heron-72" });
    ada.post("sign-in/email", body.clone()).await.expect(200);
    assert!(world.who(&bearer(&ada.token)).await.unwrap().is_some());
    let id = made["id"].as_str().unwrap();
    let off = json!({ "Operations": [{ "op": "Replace", "path": "active", "value": "False" }] });
    let changed = directory.one("PATCH", USERS, id, off).await.expect(200);
    assert_eq!(changed["active"], false);
    assert!(world.who(&bearer(&ada.token)).await.unwrap().is_none(), "at once");
    ada.post("sign-in/email", body).await.refused(403, "BANNED_USER");
    directory.one("DELETE", USERS, id, Value::Null).await.expect(204);
    directory.one("GET", USERS, id, Value::Null).await.expect(404);
}

#[tokio::test]
async fn groups_are_teams_of_the_keys_organization() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    root.post("organization/create", json!({ "name": "Acme", "slug": "acme" }))
        .await
        .expect(200);
    let key = root
        .post("api-key/create", json!({ "name": "directory" }))
        .await
        .expect(200);
    let key = format!("Bearer {}", key["key"].as_str().unwrap());
    let mut directory = Browser::new(&world).with_header("authorization", &key);
    let user = directory
        .post(USERS, json!({ "userName": "ada@example.com" }))
        .await
        .expect(201);
    let body = json!({ "displayName": "Sales", "members": [{ "value": user["id"] }] });
    let group = directory.post(GROUPS, body).await.expect(201);
    assert_eq!(group["members"][0]["value"], user["id"]);
    let id = group["id"].as_str().unwrap();
    let path = format!("members[value eq \"{}\"]", user["id"].as_str().unwrap());
    let change = json!({ "Operations": [
        { "op": "replace", "path": "displayName", "value": "Sales North" }, { "op": "remove", "path": path },
    ] });
    let changed = directory.one("PATCH", GROUPS, id, change).await.expect(200);
    assert_eq!(
        (&changed["displayName"], &changed["members"]),
        (&json!("Sales North"), &json!([]))
    );
    assert_eq!(
        root.get("organization/list-teams").await.expect(200)[0]["name"],
        "Sales North"
    );
    directory.one("DELETE", GROUPS, id, Value::Null).await.expect(204);
}

#[tokio::test]
async fn nobody_else_is_a_directory() {
    let world = world(json!({})).await;
    world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let refused = ada.get(USERS).await.expect(403);
    assert_eq!(
        refused["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
    );
    let id = ada.get("get-session").await.expect(200)["user"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    ada.one("DELETE", USERS, &id, Value::Null).await.expect(403);
}

/// A directory with the key of somebody who may do everything.
pub(crate) async fn directory(world: &World) -> Browser<'_> {
    let mut root = world.registered("root@example.com").await;
    root.post("organization/create", json!({ "name": "Acme", "slug": "acme" }))
        .await
        .expect(200);
    let key = root
        .post("api-key/create", json!({ "name": "directory" }))
        .await
        .expect(200);
    let key = format!("Bearer {}", key["key"].as_str().unwrap());
    Browser::new(world).with_header("authorization", &key)
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn what_is_spoken_can_be_read() {
    let world = world(json!({})).await;
    let mut directory = directory(&world).await;
    for list in ["Schemas", "ResourceTypes"] {
        let all = directory.get(&format!("scim/v2/{list}")).await.expect(200);
        assert_eq!(all["totalResults"], 2);
        for one in all["Resources"].as_array().unwrap() {
            let read = directory
                .one(
                    "GET",
                    &format!("scim/v2/{list}"),
                    one["id"].as_str().unwrap(),
                    Value::Null,
                )
                .await;
            assert_eq!(read.expect(200), *one);
        }
        let folder = format!("scim/v2/{list}");
        directory.one("GET", &folder, "Device", Value::Null).await.expect(404);
    }
    let user = "urn:ietf:params:scim:schemas:core:2.0:User";
    let schema = directory
        .one("GET", "scim/v2/Schemas", user, Value::Null)
        .await
        .expect(200);
    // What is sent is what is described.
    let made = directory
        .post(USERS, json!({ "userName": "ada@example.com" }))
        .await
        .expect(201);
    let described: Vec<&str> = schema["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attribute| attribute["name"].as_str().unwrap())
        .collect();
    for name in made.as_object().unwrap().keys() {
        assert!(
            described.contains(&name.as_str()) || ["schemas", "id", "meta"].contains(&name.as_str()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn users_are_looked_for_in_many_ways() {
    let world = world(json!({})).await;
    let mut directory = directory(&world).await;
    for (email, given, active) in [
        ("ada@example.com", "Ada", true),
        ("bob@example.com", "Bob", false),
        ("cid@example.org", "", true),
    ] {
        let mut body = json!({ "userName": email, "active": active, "displayName": format!("{given} X") });
        if !given.is_empty() {
            body["name"] = json!({ "givenName": given });
        }
        directory.post(USERS, body).await.expect(201);
    }
    let mut check = async |filter: &str, expected: &[&str]| {
        let found = directory
            .get(&format!("{USERS}?filter={}", encoded(filter)))
            .await
            .expect(200);
        let names: Vec<&str> = found["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["userName"].as_str().unwrap())
            .filter(|name| !name.starts_with("root@"))
            .collect();
        assert_eq!(names, expected, "{filter}");
    };
    let (ada, bob, cid) = ("ada@example.com", "bob@example.com", "cid@example.org");
    check("userName sw \"ADA\"", &[ada]).await;
    check("userName co \"example.com\"", &[ada, bob]).await;
    check("emails.value ew \".org\"", &[cid]).await;
    check("userName ne \"ada@example.com\"", &[bob, cid]).await;
    check("name.givenName pr", &[ada, bob]).await;
    check("not (name.givenName pr)", &[cid]).await;
    check("active eq false", &[bob]).await;
    check("active eq true and (userName sw \"a\" or userName sw \"b\")", &[ada]).await;
    check(
        "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"bob@example.com\"",
        &[bob],
    )
    .await;
    let refused = directory
        .get(&format!("{USERS}?filter={}", encoded("userName eq")))
        .await
        .expect(400);
    assert_eq!(refused["scimType"], "invalidFilter");
}

#[tokio::test]
async fn attributes_of_a_user_are_removed() {
    let world = world(json!({})).await;
    let mut directory = directory(&world).await;
    let body = json!({
        "externalId": "e1", "userName": "ada@example.com", "displayName": "Ada L",
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
    });
    let made = directory.post(USERS, body).await.expect(201);
    let id = made["id"].as_str().unwrap();
    let mut remove = async |path: &str, status: u16| {
        let operations = json!({ "Operations": [{ "op": "remove", "path": path }] });
        directory.one("PATCH", USERS, id, operations).await.expect(status)
    };
    assert_eq!(remove("externalId", 200).await["externalId"], Value::Null);
    assert_eq!(remove("name.familyName", 200).await["name"]["familyName"], Value::Null);
    assert_eq!(remove("displayName", 200).await["displayName"], "ada");
    assert_eq!(remove("title", 200).await["userName"], "ada@example.com");
    for path in ["", "userName", "emails[type eq \"work\"]", "active"] {
        remove(path, 400).await;
    }
    let operations = json!({ "Operations": [{ "op": "replace", "value": { "name.givenName": "Augusta" } }] });
    let changed = directory.one("PATCH", USERS, id, operations).await.expect(200);
    assert_eq!(changed["name"]["givenName"], "Augusta");
}

#[tokio::test]
async fn groups_keep_their_id_in_the_directory() {
    let world = world(json!({})).await;
    let mut directory = directory(&world).await;
    let made = directory
        .post(GROUPS, json!({ "displayName": "Sales", "externalId": "g1" }))
        .await
        .expect(201);
    assert_eq!(made["externalId"], "g1");
    let found = directory
        .get(&format!("{GROUPS}?filter={}", encoded("externalId eq \"g1\"")))
        .await
        .expect(200);
    assert_eq!(
        (&found["totalResults"], &found["Resources"][0]["id"]),
        (&json!(1), &made["id"])
    );
    let id = made["id"].as_str().unwrap();
    let operations = json!({ "Operations": [{ "op": "replace", "path": "externalId", "value": "g2" }] });
    let changed = directory.one("PATCH", GROUPS, id, operations).await.expect(200);
    assert_eq!(changed["externalId"], "g2");
    let operations = json!({ "Operations": [{ "op": "remove", "path": "externalId" }] });
    let changed = directory.one("PATCH", GROUPS, id, operations).await.expect(200);
    assert_eq!(
        (&changed["externalId"], &changed["displayName"]),
        (&Value::Null, &json!("Sales"))
    );
}

#[tokio::test]
async fn what_a_directory_leaves_out_of_the_whole_is_nothing_from_then_on() {
    let world = world(json!({})).await;
    let mut directory = directory(&world).await;
    let body = json!({
        "externalId": "e1", "userName": "ada@example.com", "displayName": "Ada L", "active": false,
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
    });
    let made = directory.post(USERS, body).await.expect(201);
    let id = made["id"].as_str().unwrap();
    let kept = json!({ "role": "auditor", "mfa_required": true, "timezone": "Europe/London", "image": "/ada.png" });
    world.data.alter("sys_user", id, &kept);
    let whole = json!({ "userName": "ada@example.com", "name": { "familyName": "King" } });
    let put = directory.one("PUT", USERS, id, whole).await.expect(200);
    assert_eq!(
        (
            &put["name"]["givenName"],
            &put["name"]["familyName"],
            &put["externalId"],
            &put["displayName"]
        ),
        (&Value::Null, &json!("King"), &Value::Null, &json!("ada"))
    );
    assert_eq!(put["active"], false, "nobody comes back by what is left out");
    let users = world.data.rows("sys_user");
    let user = users.iter().find(|user| user["id"] == id).unwrap();
    for (name, value) in kept.as_object().unwrap() {
        assert_eq!(&user[name], value, "{name} is none of a directory's business");
    }
}

#[tokio::test]
async fn more_than_a_page_of_members_and_groups_are_all_there() {
    const MANY: usize = 1003;
    let world = world(json!({})).await;
    let mut directory = directory(&world).await;
    let group = directory
        .post(GROUPS, json!({ "displayName": "All" }))
        .await
        .expect(201);
    let id = group["id"].as_str().unwrap();
    let member = |number: usize| json!({ "id": format!("tm{number}"), "team_id": id, "user_id": format!("u{number}") });
    world.data.put_all("sys_team_member", (0..MANY).map(member));
    let read = directory.one("GET", GROUPS, id, Value::Null).await.expect(200);
    assert_eq!(read["members"].as_array().unwrap().len(), MANY);
    let last = format!("u{}", MANY - 1);
    let filter = encoded(&format!("members[value eq \"{last}\"]"));
    let found = directory.get(&format!("{GROUPS}?filter={filter}")).await.expect(200);
    assert_eq!(found["totalResults"], 1);
    // Exactly these, and nobody who stood on a later page.
    let change = json!({ "Operations": [{ "op": "remove", "path": "members" }] });
    let emptied = directory.one("PATCH", GROUPS, id, change).await.expect(200);
    assert_eq!(emptied["members"], json!([]));
    let organization = world.data.rows("sys_team")[0]["organization_id"].clone();
    let team = |number: usize| json!({ "id": format!("t{number}"), "name": "T", "organization_id": organization });
    world.data.put_all("sys_team", (0..MANY).map(team));
    let page = directory
        .get(&format!("{GROUPS}?startIndex=1002&count=5"))
        .await
        .expect(200);
    assert_eq!(
        (&page["totalResults"], &page["itemsPerPage"]),
        (&json!(MANY + 1), &json!(3))
    );
}
