//! SCIM 2.0: a directory manages users and groups with a key.

use serde_json::{Value, json};

use crate::world::{Browser, bearer, world};

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
        .get(&format!("{USERS}?filter=userName%20sw%20%22a%22"))
        .await
        .expect(400);
    // Ada has no password; a link of a mail gives her one.
    let mut ada = Browser::new(&world);
    ada.post("request-password-reset", json!({ "email": "ada@example.com" }))
        .await
        .expect(200);
    let reset = json!({ "token": world.mailed_token(), "newPassword": "walnut-heron-72" });
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
