//! Tables that somebody else made become objects: what was the key, what may not be empty, what is unique and what points where
//! holds for the records of those objects, too.

use objectos_tests::{HostBuilder, plugins::built};
use std::{
    io::ErrorKind,
    path::Path,
    process::{Command, Stdio},
};

use super::{Driver, drivers, on_database, run, write_app};

const TABLES: &str = "
CREATE TABLE customer (id TEXT PRIMARY KEY, name VARCHAR(80) NOT NULL UNIQUE, score REAL);
CREATE TABLE order_line (
    id TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    number INTEGER NOT NULL, note TEXT
);
CREATE UNIQUE INDEX line_number ON order_line (customer_id, number);
";

const TABLE: &str = r#"
GET /meta/object/customer => 200 {"fields": {"name": {"type": "text", "required": true, "unique": true}, "score": {"type": "number"}}}
GET /meta/object/order_line => 200 {"fields": {"customer_id": {"type": "lookup", "reference": "customer", "required": true, "deleteBehavior": "cascade"}}}

# not null
POST customer {} => 400 name: required
POST customer {"id": "c1", "name": "Acme"} => 201 {"id": "c1", "record": {"score": null}}
POST order_line {"number": 1} => 400 customer_id: required
POST order_line {"customer_id": "c1", "number": null} => 400 number: required

# keys
POST customer {"name": "Acme"} => 400 name: duplicate_value
POST order_line {"id": "l1", "customer_id": "c1", "number": 1} => 201 {"record": {"note": null}}
POST order_line {"customer_id": "c1", "number": 1} => 400 customer_id: duplicate_value, number: duplicate_value
POST order_line {"customer_id": "c1", "number": 2} => 201

# foreign keys, and what follows from them
POST order_line {"customer_id": "none", "number": 1} => 400 customer_id: reference_not_found
POST order_line/query {"where": {"customer_id.name": "Acme"}, "fields": ["id"]} => 200 {"total": 2}
DELETE customer/c1 => 200
GET order_line => 200 {"total": 0}
"#;

/// Makes the tables with the database's own program, which may not be there; answers how `introspect` finds them.
#[allow(clippy::print_stderr, reason = "a skip is said aloud")]
fn tables(driver: Driver, folder: &Path) -> Option<Vec<String>> {
    let (mut command, found) = match driver {
        Driver::Sqlite => {
            let file = folder.join("foreign.db");
            let mut command = Command::new("sqlite3");
            command.arg(&file).arg(TABLES);
            (command, vec![format!("sqlite:{}", file.display())])
        }
        Driver::Postgres(url) => {
            let schema = format!("foreign_{}", std::process::id());
            let sql = format!("CREATE SCHEMA {schema}; SET search_path TO {schema}; {TABLES}");
            let mut command = Command::new("psql");
            command.args([url, "--quiet", "--set", "ON_ERROR_STOP=1", "--command", &sql]);
            (command, vec![url.to_owned(), "--schema".to_owned(), schema])
        }
    };
    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(found)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(
                std::env::var_os("CI").is_none(),
                "{:?} is needed",
                command.get_program()
            );
            eprintln!(
                "SKIPPED: {driver:?}: there is no {:?} to make tables with",
                command.get_program()
            );
            None
        }
        Err(error) => panic!("{:?}: {error}", command.get_program()),
    }
}

#[test]
fn tables_of_others_become_objects_with_all_that_holds_for_them() {
    for driver in drivers() {
        let builder = HostBuilder::new();
        let app = builder.folder().join("app");
        write_app(&app, &[]);
        let Some(found) = tables(driver, builder.folder()) else {
            continue;
        };
        let told = Command::new(built().join("objectos-host"))
            .args(["--plugins", &builder.plugins().display().to_string(), "introspect"])
            .args(found)
            .args(["--output", &app.display().to_string()])
            .output()
            .expect("the host runs");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let host = on_database(builder.app(&app), driver, "foreign").start();
        run(&host, TABLE);
    }
}
