//! Cases of objects and apps: registered and taken away, seeded, changed together, read from an existing database.

use objectos_tests::{HostBuilder, plugins::built};
use std::{fs, process::Command};

use super::{drivers, host_on, run, write_app};

const FILES: [(&str, &str); 4] = [
    (
        "thing.object.yml",
        "name: thing\nfields:\n  name: { type: text, required: true, externalId: true }\n  size: { type: number }\n",
    ),
    (
        "part.object.yml",
        "name: part\nfields:\n  name: { type: text }\n  thing: { type: master_detail, reference: thing }\n",
    ),
    // Both forms of seeds.
    ("thing.data.yml", "- { name: seeded, size: 1 }\n"),
    (
        "parts.data.yml",
        "object: part\nexternalId: name\nrecords:\n  - { name: bolt, thing: seeded }\n",
    ),
];

const TABLE: &str = r#"
# seeds in both forms
GET thing?select=name,size => 200 {"records": [{"name": "seeded", "size": 1}], "total": 1}
POST part/query {"where": {"thing.name": "seeded"}, "fields": ["name"]} => 200 {"records": [{"name": "bolt"}]}

# registered, unknown, and in which context
POST thing {"id": "t1", "name": "a"} => 201 {"record": {"created_by": "local", "updated_by": "local", "owner_id": "local"}}
GET think => 404 object_not_found
PATCH thing/t1 {"created_by": "me"} => 400 created_by: read_only
PATCH thing/t1 {"id": "t2"} => 400 id: read_only

# one after the other
GET thing/t1 => 200 {"object": "thing", "id": "t1", "record": {"name": "a"}}
PATCH thing/t1 {"size": 5} => 200 {"record": {"name": "a", "size": 5}}
DELETE thing/t1 => 200 {"id": "t1", "success": true, "deleted": true}
GET thing/t1 => 404 record_not_found
PATCH thing/t1 {} => 404 record_not_found
DELETE thing/t1 => 404 record_not_found

# bodies that are none
POST thing "text" => 400 invalid_format
POST thing [1] => 400 invalid_format
POST thing {"name" => 400 invalid_format
POST thing {"nmae": "x"} => 400 name: required, nmae: unknown_field

# transactions commit, and roll back
POST /batch {"operations": [{"object": "thing", "action": "create", "data": {"id": "t2", "name": "b"}}, {"object": "part", "action": "create", "data": {"name": "nut", "thing": {"$ref": 0}}}]} => 200
POST part/query {"where": {"thing": "t2"}, "fields": ["name"]} => 200 {"records": [{"name": "nut"}]}
POST /batch {"operations": [{"object": "thing", "action": "delete", "id": "t2"}, {"object": "thing", "action": "create", "data": {"size": 1}}]} => 400 name: required
GET thing/t2 => 200 {"record": {"name": "b"}}
GET thing?select=name => 200 {"total": 2}

# what is known by a key, or comes with an id, is so in a transaction as well
POST /batch {"operations": [{"object": "thing", "action": "upsert", "externalId": "b", "data": {"size": 7}}, {"object": "thing", "action": "create", "id": "t9", "data": {"name": "named"}}]} => 200 {"results": [{"id": "t2", "record": {"name": "b", "size": 7}}, {"id": "t9"}]}
GET thing?select=name => 200 {"total": 3}

# what cannot be read is refused, and nothing is done
POST thing/updateMany {"records": [{"id": "t9", "size": 8}]} => 400 invalid_format
POST thing/batch {"operation": "create", "records": [{"name": "x"}]} => 400 invalid_format
PATCH thing/t9?expectedVersion=%zz {"size": 8} => 400 invalid_query
DELETE thing/t9?purge=no => 400 invalid_query
GET thing/t9 => 200 {"record": {"name": "named", "size": null}}
DELETE thing/t9?purge=0 => 200 {"deleted": true}

# registered while the system runs, and taken away again
PUT /meta/object/late {"fields": {"x": {"type": "text"}}} => 200 {"success": true}
POST late {"x": "1"} => 201
GET /meta/object/late => 200 {"name": "late", "fields": {"x": {"type": "text"}}}
DELETE /meta/object/late => 200 {"deleted": true}
GET late => 404 object_not_found
GET /meta/object/late => 404 object_not_found
PUT /meta/object/thing {"fields": {"x": {"type": "text"}}} => 409 resource_conflict
"#;

#[test]
fn every_case_of_objects() {
    for driver in drivers() {
        run(&host_on(driver, "objects", &FILES), TABLE);
    }
}

#[test]
fn an_existing_database_becomes_objects() {
    // A host made the database; its tables are what is there.
    let mut first = host_on(drivers()[0], "introspected", &FILES);
    let database = first.folder().join("data/plugins/objectos.data/data.db");
    assert_eq!(first.terminate(), Some(0));
    let builder = HostBuilder::new();
    let app = builder.folder().join("app");
    write_app(&app, &[]);
    let told = Command::new(built().join("objectos-host"))
        .args(["--plugins", &builder.plugins().display().to_string(), "introspect"])
        .arg(format!("sqlite:{}", database.display()))
        .args(["--output", &app.display().to_string()])
        .output()
        .expect("the host runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let thing = fs::read_to_string(app.join("thing.object.yml")).expect("an object of the table");
    assert!(thing.contains("\n  size: { type: number }\n"), "{thing}");
    let host = builder.app(&app).start();
    run(
        &host,
        r#"
POST thing {"id": "t1", "name": "again", "size": 3} => 201
POST part {"name": "bolt", "thing": "t1"} => 201
GET part?select=name,thing => 200 {"records": [{"name": "bolt", "thing": "t1"}]}
"#,
    );
}
