//! Cases of contexts: who asks, in which organisation and in which role, is on the record and decides what is found.

use objectos_tests::HostBuilder;
use serde_json::json;

use super::{drivers, host_with};
use crate::permissions::people::People;

const FILES: [(&str, &str); 5] = [
    (
        "note.object.yml",
        "name: note\ntenancy: { enabled: true, strategy: shared, tenantField: organization_id }\nfields:\n  text: { type: text }\n",
    ),
    ("memo.object.yml", "name: memo\nfields:\n  text: { type: text }\n"),
    (
        "user.permission.yml",
        "name: user\nobjects:\n  note: { allowRead: true, allowCreate: true, allowEdit: true, allowDelete: true, modifyAllRecords: true }\n",
    ),
    (
        "keeper.permission.yml",
        "name: keeper\nobjects:\n  memo: { allowRead: true, allowCreate: true }\n",
    ),
    ("keepers.role.yml", "roles:\n  - { name: keeper, label: Keeper }\n"),
];

#[test]
fn every_case_of_contexts() {
    for driver in drivers() {
        let builder = HostBuilder::new().plugin("auth").plugin("permissions");
        let host = host_with(builder, driver, "contexts", &FILES);
        let mut people = People::new(&host);
        let (mut ann, mut bob) = (people.user("ann"), people.user("bob"));
        let mut organisations = Vec::new();
        for person in [&mut ann, &mut bob] {
            let number = organisations.len();
            let body = json!({ "name": format!("Org {number}"), "slug": format!("org-{number}") });
            let made = person
                .send("POST", "/api/v1/auth/organization/create", &body)
                .expect(200);
            let active = json!({ "organizationId": made["id"] });
            person
                .send("POST", "/api/v1/auth/organization/set-active", &active)
                .expect(200);
            organisations.push(made["id"].clone());
        }

        // The record says who made it and where; nobody moves it elsewhere.
        let made = ann
            .send("POST", "/api/v1/data/note", &json!({ "text": "ours" }))
            .expect(201);
        let record = &made["record"];
        assert_eq!(record["organization_id"], organisations[0], "{record}");
        for stamp in ["created_by", "updated_by", "owner_id"] {
            assert_eq!(record[stamp], json!(ann.id), "{stamp}");
        }
        let path = format!("/api/v1/data/note/{}", made["id"].as_str().expect("an id"));
        let moved = ann.send("PATCH", &path, &json!({ "organization_id": organisations[1] }));
        assert!([400, 403].contains(&moved.status), "{}", moved.status);

        // In another organisation there is no such thing, and a list and its total are of one's own.
        assert_eq!(bob.get(&path).status, 404);
        bob.send("POST", "/api/v1/data/note", &json!({ "text": "theirs" }))
            .expect(201);
        for person in [&mut ann, &mut bob] {
            let found = person.get("/api/v1/data/note").expect(200);
            assert_eq!(found["total"], 1);
            assert_eq!(found["records"][0]["created_by"], json!(person.id));
        }

        // What a role brings is there with it, and for nobody else.
        let memo = json!({ "text": "kept" });
        for person in [&mut ann, &mut bob] {
            assert_eq!(person.send("POST", "/api/v1/data/memo", &memo).status, 403);
        }
        people.give_role(&ann, "keeper");
        ann.send("POST", "/api/v1/data/memo", &memo).expect(201);
        assert_eq!(ann.get("/api/v1/data/memo").expect(200)["total"], 1);
        assert_eq!(bob.get("/api/v1/data/memo").status, 403);
    }
}
