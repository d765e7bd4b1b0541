//! The example in the older dialect: what it says in old words works like the protocol's.

use objectos_tests::HostBuilder;
use serde_json::json;

#[test]
fn the_older_dialect_runs() {
    let host = HostBuilder::new().example("todo").start();
    let mut client = host.client();
    let tasks = client.get("/api/v1/data/task?top=1000").expect(200);
    assert!(tasks["total"].as_u64().is_some_and(|total| total > 0), "{tasks}");
    let made = client
        .send("POST", "/api/v1/data/task", &json!({"subject": "Water the plants"}))
        .expect(201);
    assert_eq!(
        made["record"]["status"], "not_started",
        "the default is written in old words"
    );
    let definition = client.get("/api/v1/meta/object/task").expect(200);
    assert_eq!(definition["fields"]["status"]["type"], "select");
    let wrong = client.send(
        "POST",
        "/api/v1/data/task",
        &json!({"subject": "x", "status": "nonsense"}),
    );
    assert_eq!(wrong.status, 400, "{}", String::from_utf8_lossy(&wrong.body));
}
