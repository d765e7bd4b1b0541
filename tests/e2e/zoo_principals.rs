//! The zoo's forger: a plugin that says it acts for an administrator whom nobody handed to it. It is taken for nobody, unless the
//! operator lets it say who asks; and even then nobody is an administrator for being alone on a machine where people sign in.

use objectos_tests::{Host, HostBuilder, plugins};
use serde_json::{Value, json};

use crate::permissions::people::People;

/// In the record that must not be read.
const SECRET: &str = "Initech Confidential";

/// A host where people sign in, with the misfit at a public route; it asks for `permissions`.
fn host(permissions: &Value) -> (Host, People) {
    let builder = HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .example("crm")
        .environment("OBJECTOS_WATCH", "false");
    let library = plugins::install(&builder.plugins(), "misfit", "misfit.so");
    plugins::edit_manifest(&library, |document| {
        document["manifest"]["description"] = json!("");
        document["objectos"]["routes"][0]["access"] = json!("public");
        document["security"]["permissions"]["permissions"] = permissions.clone();
    });
    let host = builder.start();
    let mut people = People::new(&host);
    people.admin.make("account", &json!({ "name": SECRET }));
    (host, people)
}

/// Status and whether the record is in the answer, for nobody who asks for this.
fn asked(host: &Host, what: &str) -> (u16, bool) {
    let answer = host.client().get(&format!("/api/v1/misfit/{what}"));
    (answer.status, String::from_utf8_lossy(&answer.body).contains(SECRET))
}

#[test]
fn a_plugin_that_forges_a_principal_is_taken_for_nobody() {
    let (host, mut people) = host(&json!([]));
    for what in ["reads", "forges-local", "forges-administrator"] {
        assert_eq!(asked(&host, what), (401, false), "{what}: {}", host.log());
    }
    host.wait_for_log("acts for somebody who was not handed to it");
    let told = |log: &str| log.lines().filter(|line| line.contains("not handed to it")).count();
    assert_eq!(told(&host.log()), 1, "once for a plugin: {}", host.log());
    // Whom the kernel handed to it, it acts for: the administrator's own request, also after a swap.
    for _ in 0..2 {
        let own = people.admin.get("/api/v1/misfit/reads").expect(200);
        assert!(own.to_string().contains(SECRET), "{own}");
        people
            .admin
            .send("POST", "/api/v1/plugins/test.misfit/swap", &json!({}))
            .expect(200);
    }
    // That it saw the administrator makes nobody else one.
    assert_eq!(asked(&host, "forges-administrator"), (401, false));
}

#[test]
fn a_plugin_that_may_say_who_asks_makes_no_local_administrator() {
    let (host, _) = host(&json!([{
        "id": "principal", "resource": "system.api", "actions": ["manage"], "scope": "plugin", "required": true,
        "description": "says who asks"
    }]));
    // The same forgery goes through with the grant: so it is the grant that keeps the others out.
    assert_eq!(asked(&host, "forges-administrator"), (200, true));
    let (status, read) = asked(&host, "forges-local");
    assert!(status == 403 && !read, "{status}");
}
