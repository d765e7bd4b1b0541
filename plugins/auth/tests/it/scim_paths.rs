//! Filters and PATCH paths with brackets (RFC 7644, sections 3.4.2.2 and 3.5.2), for users and for groups.

use serde_json::{Value, json};

use crate::scim::{directory, encoded};
use crate::world::{Browser, world};

const USERS: &str = "scim/v2/Users";
const GROUPS: &str = "scim/v2/Groups";

async fn user(directory: &mut Browser<'_>, email: &str) -> String {
    let made = directory.post(USERS, json!({ "userName": email })).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// What a list answers to a filter, by one of its attributes.
async fn found(directory: &mut Browser<'_>, folder: &str, filter: &str, attribute: &str) -> Vec<Value> {
    let list = directory
        .get(&format!("{folder}?filter={}", encoded(filter)))
        .await
        .expect(200);
    let resources = list["Resources"].as_array().unwrap();
    resources.iter().map(|resource| resource[attribute].clone()).collect()
}

fn operation(name: &str, path: &str, value: &Value) -> Value {
    json!({ "Operations": [{ "op": name, "path": path, "value": value }] })
}

#[tokio::test]
async fn users_and_groups_are_looked_for_by_one_of_their_values() {
    let world = world(json!({})).await;
    let mut directory = directory(&world).await;
    let (ada, bob) = (
        user(&mut directory, "ada@example.com").await,
        user(&mut directory, "bob@example.org").await,
    );
    for (filter, expected) in [
        (
            "emails[type eq \"work\" and value ew \".org\"]",
            vec!["bob@example.org"],
        ),
        (
            "emails[type eq \"WORK\"].value eq \"Ada@example.com\"",
            vec!["ada@example.com"],
        ),
        ("emails[type eq \"home\"]", vec![]),
        (
            "emails[primary eq true and value sw \"ada\"] and displayName pr",
            vec!["ada@example.com"],
        ),
        ("not (emails[value co \"example.com\"])", vec!["bob@example.org"]),
    ] {
        assert_eq!(
            found(&mut directory, USERS, filter, "userName").await,
            expected,
            "{filter}"
        );
    }
    for (name, members) in [("North", vec![&ada, &bob]), ("South", vec![&bob]), ("Nobody", vec![])] {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let group = json!({ "displayName": name, "members": members });
        directory.post(GROUPS, group).await.expect(201);
    }
    for (filter, expected) in [
        (format!("members[value eq \"{ada}\"]"), vec!["North"]),
        (
            format!("members.value eq \"{bob}\" and displayName sw \"S\""),
            vec!["South"],
        ),
        (
            format!("members[value eq \"{ada}\" or value eq \"{bob}\"]"),
            vec!["North", "South"],
        ),
        (format!("not (members[value eq \"{ada}\"])"), vec!["South", "Nobody"]),
        ("members eq \"nobody\"".to_owned(), vec![]),
    ] {
        assert_eq!(
            found(&mut directory, GROUPS, &filter, "displayName").await,
            expected,
            "{filter}"
        );
    }
    for (folder, filter) in [
        (USERS, "emails[type eq \"work\"".to_owned()),
        (USERS, "emails[colour eq \"red\"]".to_owned()),
        (GROUPS, format!("members[value eq \"{ada}\" and value eq \"{bob}\"]")),
        (GROUPS, "members.value pr".to_owned()),
        (
            GROUPS,
            (0..21)
                .map(|user| format!("members eq \"{user}\""))
                .collect::<Vec<_>>()
                .join(" or "),
        ),
    ] {
        let refused = directory
            .get(&format!("{folder}?filter={}", encoded(&filter)))
            .await
            .expect(400);
        assert_eq!(refused["scimType"], "invalidFilter", "{filter}");
    }
}

#[tokio::test]
async fn a_path_means_one_of_the_addresses_of_a_user() {
    let world = world(json!({})).await;
    let mut directory = directory(&world).await;
    let id = user(&mut directory, "ada@example.com").await;
    let (work, home) = ("emails[type eq \"work\"]", "emails[type eq \"home\"]");
    let address = |email: &str| json!(email);
    for (name, path, value, status, expected) in [
        (
            "replace",
            format!("{work}.value"),
            address("a1@example.com"),
            200,
            "a1@example.com",
        ),
        (
            "add",
            format!("{home}.value"),
            address("private@example.com"),
            200,
            "a1@example.com",
        ),
        (
            "replace",
            format!("{home}.value"),
            address("private@example.com"),
            400,
            "noTarget",
        ),
        (
            "replace",
            work.to_owned(),
            json!({ "value": "a2@example.com", "type": "work" }),
            200,
            "a2@example.com",
        ),
        (
            "replace",
            "emails[value eq \"A2@example.com\"].value".to_owned(),
            address("a3@example.com"),
            200,
            "a3@example.com",
        ),
        (
            "replace",
            format!("{work}.type"),
            address("other"),
            200,
            "a3@example.com",
        ),
        ("remove", home.to_owned(), Value::Null, 200, "a3@example.com"),
        ("remove", work.to_owned(), Value::Null, 400, "invalidValue"),
        (
            "replace",
            format!("{work}value"),
            address("a4@example.com"),
            400,
            "invalidPath",
        ),
        (
            "replace",
            "userName[value eq \"x\"]".to_owned(),
            address("a4@example.com"),
            400,
            "invalidPath",
        ),
        (
            "replace",
            "urn:ietf:params:scim:schemas:core:2.0:User:USERNAME".to_owned(),
            address("a5@example.com"),
            200,
            "a5@example.com",
        ),
        (
            "add",
            "phoneNumbers[type eq \"mobile\"].value".to_owned(),
            address("1"),
            200,
            "a5@example.com",
        ),
    ] {
        let answer = directory
            .one("PATCH", USERS, &id, operation(name, &path, &value))
            .await
            .expect(status);
        let told = if status == 200 {
            &answer["userName"]
        } else {
            &answer["scimType"]
        };
        assert_eq!(told, expected, "{name} {path}");
    }
    // Some directories write paths as keys.
    let keyed = json!({ "Operations": [{ "op": "Add", "value": {
        "emails[type eq \"work\"].value": "a6@example.com", "name.familyName": "Lovelace",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Sales",
    } }] });
    let changed = directory.one("PATCH", USERS, &id, keyed).await.expect(200);
    assert_eq!(
        (&changed["userName"], &changed["name"]["familyName"]),
        (&json!("a6@example.com"), &json!("Lovelace"))
    );
}

#[tokio::test]
async fn a_path_means_some_of_the_members_of_a_group() {
    let world = world(json!({})).await;
    let mut directory = directory(&world).await;
    let mut ids = Vec::new();
    for name in ["ada", "bob", "cid"] {
        ids.push(user(&mut directory, &format!("{name}@example.com")).await);
    }
    let member = |index: usize| json!({ "value": ids[index] });
    let path = |index: usize| format!("members[value eq \"{}\"]", ids[index]);
    let group = json!({ "displayName": "Sales", "members": [member(0), member(1)] });
    let made = directory.post(GROUPS, group).await.expect(201);
    let id = made["id"].as_str().unwrap();
    for (name, path, value, status, expected) in [
        ("replace", path(0), member(2), 200, vec![1, 2]),
        ("replace", path(0), member(0), 400, vec![1, 2]),
        ("remove", path(0), Value::Null, 200, vec![1, 2]),
        ("add", path(1), member(0), 400, vec![1, 2]),
        ("add", "members".to_owned(), json!([member(0)]), 200, vec![1, 2, 0]),
        (
            "remove",
            format!("members[value eq \"{}\" or value eq \"{}\"]", ids[0], ids[1]),
            Value::Null,
            200,
            vec![2],
        ),
        (
            "remove",
            "members[type eq \"User\"]".to_owned(),
            Value::Null,
            200,
            vec![],
        ),
        (
            "remove",
            "displayName[value eq \"Sales\"]".to_owned(),
            Value::Null,
            400,
            vec![],
        ),
        ("replace", format!("{}.value", path(0)), member(0), 400, vec![]),
        ("replace", "MEMBERS".to_owned(), json!([member(1)]), 200, vec![1]),
        // A value that names nobody takes nobody away; without a value all are meant.
        ("remove", "members".to_owned(), json!([]), 200, vec![1]),
        ("remove", "members".to_owned(), json!([ids[1]]), 200, vec![1]),
        ("remove", "members".to_owned(), Value::Null, 200, vec![]),
    ] {
        directory
            .one("PATCH", GROUPS, id, operation(name, &path, &value))
            .await
            .expect(status);
        let group = directory.one("GET", GROUPS, id, Value::Null).await.expect(200);
        let members: Vec<&Value> = group["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["value"])
            .collect();
        let expected: Vec<&String> = expected.into_iter().map(|index: usize| &ids[index]).collect();
        assert_eq!(members, expected, "{name} {path}");
    }
}
