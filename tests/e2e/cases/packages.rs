//! Cases of packages and what they bring: one that goes takes its metadata along and leaves its records, one that comes back finds
//! them; seeds that are refused, left out, or left as they are keep nothing else from being put in.

use objectos_tests::{Host, HostBuilder};
use std::{fs, path::Path};

use super::{drivers, host_on, on_database, run, write_app};

const THING: (&str, &str) = ("thing.object.yml", "name: thing\nfields:\n  name: { type: text }\n");

/// What goes: an object, who may use it, and a record.
const SECOND: [(&str, &str); 3] = [
    (
        "part.object.yml",
        "name: part\nfields:\n  name: { type: text, externalId: true }\n  thing: { type: lookup, reference: thing }\n",
    ),
    (
        "sales.permission.yml",
        "name: sales\nobjects: { part: { allowRead: true } }\n",
    ),
    (
        "parts.data.yml",
        "object: part\nexternalId: name\nrecords:\n  - { name: bolt }\n",
    ),
];

fn package(folder: &Path, id: &str, files: &[(&str, &str)]) {
    write_app(folder, files);
    fs::write(folder.join("objectos.app.yml"), format!("id: {id}\nversion: 1.0.0\n")).expect("a manifest");
}

fn again(host: &mut Host) {
    assert_eq!(host.terminate(), Some(0));
    host.restart_stopped();
}

#[test]
fn a_package_that_goes_takes_its_metadata_along() {
    for driver in drivers() {
        let builder = HostBuilder::new();
        let (first, second) = (builder.folder().join("first"), builder.folder().join("second"));
        package(&first, "first", &[THING]);
        package(&second, "second", &SECOND);
        let builder = builder.app(&first).app(&second);
        let mut host = on_database(builder, driver, "packages").start();
        run(
            &host,
            r#"
POST thing {"id": "t1", "name": "a"} => 201
POST part {"id": "p1", "name": "nut", "thing": "t1"} => 201
GET part => 200 {"total": 2}
GET /meta/object/part => 200 {"name": "part"}
GET /meta/permission/sales => 200 {"name": "sales"}
"#,
        );
        for (name, _) in SECOND {
            fs::remove_file(second.join(name)).expect("a file can be removed");
        }
        again(&mut host);
        run(
            &host,
            r#"
GET part => 404 object_not_found
POST part {"name": "x"} => 404 object_not_found
GET /meta/object/part => 404 object_not_found
GET /meta/permission/sales => 404
GET thing/t1 => 200 {"record": {"name": "a"}}
# nothing points to it any more
DELETE thing/t1 => 200
"#,
        );
        package(&second, "second", &SECOND);
        again(&mut host);
        run(
            &host,
            r#"
GET part?select=name&sort=name => 200 {"records": [{"name": "bolt"}, {"name": "nut"}], "total": 2}
GET /meta/permission/sales => 200 {"name": "sales"}
"#,
        );
    }
}

const SEEDED: [(&str, &str); 5] = [
    (
        "town.object.yml",
        "name: town\nfields:\n  name: { type: text, externalId: true }\n  code: { type: text, unique: true }\n  size: { type: number }\n  note: { type: text }\n",
    ),
    // The second one has what the first one has.
    (
        "a.data.yml",
        "object: town\nexternalId: name\nrecords:\n  - { name: bonn, code: b, size: 1 }\n  - { name: bern, code: b, size: 2 }\n  - { name: wien, code: w, size: 3 }\n",
    ),
    // For others only.
    (
        "b.data.yml",
        "object: town\nexternalId: name\nenv: [prod]\nrecords:\n  - { name: rom, code: r }\n",
    ),
    // What is there stays as it is.
    (
        "c.data.yml",
        "object: town\nexternalId: name\nmode: ignore\nrecords:\n  - { name: wien, code: v, size: 9 }\n  - { name: graz, code: g, size: 4 }\n",
    ),
    // Only what is there is changed.
    (
        "d.data.yml",
        "object: town\nexternalId: name\nmode: update\nrecords:\n  - { name: bonn, note: seen }\n  - { name: linz, code: l }\n",
    ),
];

const TOWNS: &str = r#"
GET town?select=name,code,size,note&sort=name => 200 {"records": [{"name": "bonn", "code": "b", "size": 1, "note": "seen"}, {"name": "graz", "code": "g", "size": 4, "note": null}, {"name": "wien", "code": "w", "size": 3}], "total": 3}
"#;

#[test]
fn seeds_that_are_refused_keep_nothing_from_being_put_in() {
    for driver in drivers() {
        let mut host = host_on(driver, "seeds", &SEEDED);
        run(&host, TOWNS);
        // The refused record is named.
        host.wait_for_log("a.data.yml");
        // Another start tries the refused one again and doubles nothing.
        again(&mut host);
        run(&host, TOWNS);
    }
}
