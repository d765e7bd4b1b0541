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

/// What `introspect` is told of the database of others: a file in the folder, or a schema.
pub(super) fn address(driver: Driver, folder: &Path, schema: &str) -> Vec<String> {
    match driver {
        Driver::Sqlite => vec![format!("sqlite:{}", folder.join("foreign.db").display())],
        Driver::Postgres(url) => vec![url.to_owned(), "--schema".to_owned(), schema.to_owned()],
    }
}

/// Runs SQL there with the database's own program and answers what it says; none where there is no such program.
#[allow(clippy::print_stderr, reason = "a skip is said aloud")]
pub(super) fn ask(driver: Driver, folder: &Path, schema: &str, sql: &str) -> Option<String> {
    let mut command = match driver {
        Driver::Sqlite => {
            let mut command = Command::new("sqlite3");
            command.arg(folder.join("foreign.db")).arg(sql);
            command
        }
        Driver::Postgres(url) => {
            let sql = format!("CREATE SCHEMA IF NOT EXISTS {schema}; SET search_path TO {schema}; {sql}");
            let mut command = Command::new("psql");
            command.args([url, "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]);
            command.args(["--set", "ON_ERROR_STOP=1", "--command", &sql]);
            command
        }
    };
    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
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
        let schema = format!("foreign_{}", std::process::id());
        if ask(driver, builder.folder(), &schema, TABLES).is_none() {
            continue;
        }
        let told = Command::new(built().join("objectos-host"))
            .args(["--plugins", &builder.plugins().display().to_string(), "introspect"])
            .args(address(driver, builder.folder(), &schema))
            .args(["--output", &app.display().to_string()])
            .output()
            .expect("the host runs");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let host = on_database(builder.app(&app), driver, "foreign").start();
        run(&host, TABLE);
    }
}
