//! The example that is written in the older spellings, with people: everybody who signs up may keep tasks and sees their own,
//! managers see all.

use objectos_tests::HostBuilder;
use serde_json::{Value, json};

use super::people::People;

#[test]
fn everybody_sees_their_own_tasks_and_a_manager_sees_all() {
    let host = HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .example("todo")
        .start();
    let mut people = People::new(&host);
    let (mut ann, mut bob, mut max) = (people.user("ann"), people.user("bob"), people.user("max"));
    people.give_role(&max, "manager");
    assert_eq!(host.client().get("/api/v1/data/task").status, 401);
    let task = ann.make("task", &json!({"subject": "Paint the fence"}));
    let path = format!("/api/v1/data/task/{task}");
    people
        .admin
        .send("PATCH", &path, &json!({"actual_hours": 7.25}))
        .expect(200);

    let mine = ann.get("/api/v1/data/task").expect(200);
    assert_eq!((&mine["total"], &mine["records"][0]["id"]), (&json!(1), &json!(task)));
    assert!(mine["records"][0].get("actual_hours").is_none(), "{mine}");
    ann.send("PATCH", &path, &json!({"subject": "Paint the fence green"}))
        .expect(200);
    for (method, body) in [
        ("PATCH", json!({"priority": "high"})),
        ("PATCH", json!({"actual_hours": 1})),
        ("DELETE", Value::Null),
    ] {
        let status = ann.send(method, &path, &body).status;
        assert!([400, 403].contains(&status), "{method} {body}: {status}");
    }

    assert_eq!(bob.get("/api/v1/data/task").expect(200)["total"], 0);
    for (method, body) in [("GET", Value::Null), ("PATCH", json!({"subject": "Mine"}))] {
        assert_eq!(bob.send(method, &path, &body).status, 404, "{method}");
    }

    let all = max.get("/api/v1/data/task?top=100").expect(200);
    let count = people.admin.get("/api/v1/data/task?top=100").expect(200)["total"].clone();
    assert_eq!(all["total"], count);
    assert_eq!(max.get(&path).expect(200)["record"]["actual_hours"], 7.25);
    max.send("PATCH", &path, &json!({"priority": "high"})).expect(200);
    max.send("DELETE", &path, &Value::Null).expect(200);
    assert_eq!(ann.get(&path).status, 404);
}
