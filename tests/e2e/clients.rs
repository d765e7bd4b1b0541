//! The published clients, unchanged, against the real host: `tests/clients` drives each version from Node and checks what it
//! answers; on SQLite all of it, on PostgreSQL what they do with records and metadata. Where packages cannot be installed the
//! test is skipped and says so, except in continuous integration.

use objectos_tests::{
    Host, HostBuilder,
    node::{Outcome, Workspace},
    plugins::repository,
};
use serde_json::{Value, json};

use crate::permissions::people::People;

/// Puts the address of the host, and what else the tests need, into the environment of Node.
fn run(workspace: &Workspace, file: &str, host: &Host, token: &str) {
    let address = format!("http://{}", host.address());
    let outcome = workspace.test(file, &[("OBJECTOS_URL", &address), ("OBJECTOS_TOKEN", token)]);
    let Outcome { passed, failed, output } = outcome;
    assert!(
        passed > 0 && failed == 0,
        "{file}: {failed} failed, {passed} passed\n{output}"
    );
}

/// Who drives a client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Driver {
    /// Whoever registered first.
    Administrator,
    /// Somebody else, with a permission set.
    Ordinary,
}

/// What the tests do with records and metadata, and no more: no users, no permissions, no plugins.
fn permission_set() -> Value {
    json!({
        "objects": { "*": {
            "allowCreate": true, "allowRead": true, "allowEdit": true, "allowDelete": true, "allowRestore": true,
            "allowPurge": true, "allowTransfer": true, "viewAllRecords": true, "modifyAllRecords": true,
        } },
        "systemPermissions": ["customize_metadata"],
    })
}

/// Runs one file as somebody who signed in, against a host that asks everybody who they are and what they may.
fn drive_signed_in(file: &str, driver: Driver) {
    let folder = repository().join("tests/clients");
    let Some(workspace) = Workspace::prepare(&folder) else {
        return;
    };
    let host = HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .app(&folder.join("app"))
        .start();
    let mut client = host.client();
    client.get("/api/v1/data/city").expect(401);
    let mut people = People::new(&host);
    if driver == Driver::Administrator {
        return run(&workspace, file, &host, people.admin.token());
    }
    let bob = people.user("bob");
    let admin = &mut people.admin;
    admin
        .send("PUT", "/api/v1/permissions/sets/drivers", &permission_set())
        .expect(201);
    people.give_set(&bob, "drivers");
    run(&workspace, file, &host, bob.token());
    // They drove all of it and are still nobody who may look at the house.
    for path in ["/api/v1/plugins", "/api/v1/auth/admin/list-users"] {
        assert_eq!(bob.at(&host).get(path).status, 403, "{path}");
    }
}

/// Runs one file of `tests/clients` against a fresh host with the app of that folder.
fn drive(file: &str) {
    drive_on(file, HostBuilder::new());
}

/// The same on PostgreSQL, where there is one.
fn drive_on_postgres(file: &str) {
    let Some(url) = crate::postgres::server() else { return };
    let name = file.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    let schema = format!("clients_{name}_{}", std::process::id());
    let database = format!("{{ url: '{url}', schema: {schema}, poolSize: 8 }}");
    let config = format!("plugins:\n  objectos.data:\n    database: {database}\n");
    drive_on(file, HostBuilder::new().config(&config));
}

fn drive_on(file: &str, builder: HostBuilder) {
    let folder = repository().join("tests/clients");
    let Some(workspace) = Workspace::prepare(&folder) else {
        return;
    };
    let host = builder.app(&folder.join("app")).start();
    run(&workspace, file, &host, "");
}

#[test]
fn client_2_0_7_does_everything() {
    drive("client-2.0.7.test.mjs");
}

#[test]
fn client_2_0_7_does_everything_on_postgres() {
    drive_on_postgres("client-2.0.7.test.mjs");
}

#[test]
fn client_3_0_6_does_everything() {
    drive("client-3.0.6.test.mjs");
}

#[test]
fn client_3_0_6_does_everything_on_postgres() {
    drive_on_postgres("client-3.0.6.test.mjs");
}

#[test]
fn client_4_0_4_does_everything() {
    drive("client-4.0.4.test.mjs");
}

#[test]
fn client_4_0_4_does_everything_on_postgres() {
    drive_on_postgres("client-4.0.4.test.mjs");
}

#[test]
fn client_17_4_0_does_everything() {
    drive("client-17.4.0.test.mjs");
}

#[test]
fn client_17_4_0_does_everything_on_postgres() {
    drive_on_postgres("client-17.4.0.test.mjs");
}

#[test]
fn the_older_dialect_and_plain_http_do_what_they_should() {
    drive("dialect.test.mjs");
    drive_on_postgres("dialect.test.mjs");
}

#[test]
fn the_protocol_documents_are_valid_and_true() {
    drive("protocol.test.mjs");
}

#[test]
fn every_error_has_its_document() {
    drive("codes.test.mjs");
}

#[test]
fn client_2_0_7_does_everything_for_an_administrator() {
    drive_signed_in("client-2.0.7.test.mjs", Driver::Administrator);
}

#[test]
fn client_2_0_7_does_everything_for_somebody_with_a_permission_set() {
    drive_signed_in("client-2.0.7.test.mjs", Driver::Ordinary);
}

#[test]
fn client_3_0_6_does_everything_for_an_administrator() {
    drive_signed_in("client-3.0.6.test.mjs", Driver::Administrator);
}

#[test]
fn client_3_0_6_does_everything_for_somebody_with_a_permission_set() {
    drive_signed_in("client-3.0.6.test.mjs", Driver::Ordinary);
}

#[test]
fn client_4_0_4_does_everything_for_an_administrator() {
    drive_signed_in("client-4.0.4.test.mjs", Driver::Administrator);
}

#[test]
fn client_4_0_4_does_everything_for_somebody_with_a_permission_set() {
    drive_signed_in("client-4.0.4.test.mjs", Driver::Ordinary);
}

#[test]
fn client_17_4_0_does_everything_for_an_administrator() {
    drive_signed_in("client-17.4.0.test.mjs", Driver::Administrator);
}

#[test]
fn client_17_4_0_does_everything_for_somebody_with_a_permission_set() {
    drive_signed_in("client-17.4.0.test.mjs", Driver::Ordinary);
}
