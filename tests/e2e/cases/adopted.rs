//! An app over a database that somebody else made and filled: `introspect` writes it, `migrate` shows and does what it needs, and
//! then it is served from that very database, of which nothing is lost.

use objectos_tests::{HostBuilder, plugins::built};
use std::{fs, path::Path, process::Command};

use super::{Driver, drivers, foreign, run, write_app};

/// `BLOB` stands for the driver's own name of a type that no field has.
const TABLES: &str = "
CREATE TABLE customer (
    id VARCHAR(36) PRIMARY KEY, name VARCHAR(80) NOT NULL UNIQUE, visits BIGINT NOT NULL DEFAULT 0, level INT, photo BLOB
);
CREATE TABLE purchase (
    id VARCHAR(36) PRIMARY KEY, customer_id VARCHAR(36) NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    number INT NOT NULL, note VARCHAR(200), UNIQUE (customer_id, number)
);
CREATE TABLE shelf (hall INT NOT NULL, place INT NOT NULL, content VARCHAR(20), PRIMARY KEY (hall, place));
INSERT INTO customer VALUES ('c1', 'Acme', 3, 1, CAST('ab' AS BLOB)), ('c2', 'Beta', 0, NULL, NULL);
INSERT INTO purchase VALUES ('p1', 'c1', 1, 'first'), ('p2', 'c1', 2, NULL);
INSERT INTO shelf VALUES (1, 1, 'bolts'), (1, 2, 'nuts');
";

const FILES: [(&str, &str); 3] = [
    (
        "customer.object.yml",
        "name: customer
fields:
  name: { type: text, maxLength: 80, required: true, unique: true }
  visits: { type: number, scale: 0 }
  level: { type: number, scale: 0 }
  # column \"photo\" (BLOB): no field has this type
",
    ),
    (
        "purchase.object.yml",
        "name: purchase
fields:
  customer_id: { type: lookup, reference: customer, deleteBehavior: cascade, required: true }
  number: { type: number, scale: 0, required: true }
  note: { type: text, maxLength: 200 }
indexes:
  - { fields: [customer_id, number], unique: true }
",
    ),
    (
        "shelf.object.yml",
        "name: shelf
# the primary key is hall, place; records are known by a column `id`
fields:
  hall: { type: number, scale: 0, required: true }
  place: { type: number, scale: 0, required: true }
  content: { type: text, maxLength: 20 }
",
    ),
];

const TABLE: &str = r#"
# what was there
GET customer?select=name,visits,level&sort=name => 200 {"total": 2, "records": [{"name": "Acme", "visits": 3, "level": 1}, {"name": "Beta", "visits": 0, "level": null}]}
GET purchase/p1?expand=customer_id => 200 {"id": "p1", "record": {"number": 1, "note": "first", "customer_id": {"id": "c1", "name": "Acme", "visits": 3}}}
POST purchase/query {"where": {"customer_id.name": "Acme"}, "fields": ["id"], "orderBy": "number"} => 200 {"records": [{"id": "p1"}, {"id": "p2"}]}

# records more
POST purchase {"id": "p3", "customer_id": "c2", "number": 1} => 201 {"record": {"note": null}}
GET purchase/p3?expand=customer_id => 200 {"record": {"customer_id": {"name": "Beta"}}}

# not null
POST purchase {"customer_id": "c2"} => 400 number: required
POST purchase {"number": 2} => 400 customer_id: required
POST customer {"visits": 1} => 400 name: required
PATCH purchase/p1 {"number": null} => 400 number: required
GET purchase => 200 {"total": 3}
"#;

/// What must still be there, each with the number of rows that it finds.
const KEPT: [(&str, &str); 3] = [
    (
        "SELECT COUNT(*) FROM customer WHERE id = 'c1' AND name = 'Acme' AND visits = 3 AND level = 1 \
         AND photo = CAST('ab' AS BLOB)",
        "1",
    ),
    (
        "SELECT COUNT(*) FROM purchase WHERE customer_id = 'c1' \
         AND (number = 1 AND note = 'first' OR number = 2 AND note IS NULL)",
        "2",
    ),
    (
        "SELECT COUNT(*) FROM shelf WHERE hall = 1 AND (place = 1 AND content = 'bolts' OR place = 2 AND content = 'nuts')",
        "2",
    ),
];

/// Runs the host's program with the words, as the installation in the folder is set up: whether it succeeded, and what it says.
fn command(folder: &Path, words: &[&str]) -> (bool, String) {
    let output = Command::new(built().join("objectos-host"))
        .current_dir(folder)
        .args([
            "--plugins",
            "plugins",
            "--config",
            "objectos.yml",
            "--data",
            "data",
            "--app",
            "app",
        ])
        .args(words)
        .output()
        .expect("the host runs");
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// The names of the steps that the plan would lose data by, sorted.
fn named(plan: &str) -> Vec<&str> {
    let names = plan
        .lines()
        .filter_map(|line| line.trim().strip_prefix("only this: migrate apply --destructive "));
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
}

fn adopt(driver: Driver) {
    let schema = format!("adopted_{}", std::process::id());
    // On SQLite too, where BLOB is what it is called.
    let spelt = |text: &str| match driver {
        Driver::Sqlite => text.to_owned(),
        Driver::Postgres(_) => text.replace("AS BLOB", "AS bytea").replace("photo BLOB", "photo bytea"),
    };
    let database = |folder: &Path| match driver {
        Driver::Sqlite => format!("{{ url: 'sqlite:{}' }}", folder.join("foreign.db").display()),
        Driver::Postgres(url) => format!("{{ url: '{url}', schema: {schema}, poolSize: 8 }}"),
    };
    let builder = HostBuilder::new();
    let (folder, app) = (builder.folder().to_path_buf(), builder.folder().join("app"));
    let builder = builder.config(&format!(
        "plugins:\n  objectos.data:\n    database: {}\n",
        database(&folder)
    ));
    if foreign::ask(driver, &folder, &schema, &spelt(TABLES)).is_none() {
        return;
    }
    write_app(&app, &[]);
    let address = foreign::address(driver, &folder, &schema);
    let mut words = vec!["introspect", "--output", "app"];
    words.extend(address.iter().map(String::as_str));
    let (done, said) = command(&folder, &words);
    assert!(done, "{driver:?}: {said}");
    for (name, text) in FILES {
        let written = fs::read_to_string(app.join(name)).expect("a file of the table");
        let photo = if driver == Driver::Sqlite { "BLOB" } else { "bytea" };
        assert_eq!(written, text.replace("BLOB", photo), "{driver:?}: {name}");
    }
    // One table has a key that records cannot have, as its file says.
    let (_, plan) = command(&folder, &["migrate", "plan"]);
    assert!(
        plan.contains("  x the table shelf has no column `id`"),
        "{driver:?}: {plan}"
    );
    let (done, said) = command(&folder, &["migrate", "apply", "--destructive"]);
    assert!(!done && said.contains("nothing is done"), "{driver:?}: {said}");
    fs::remove_file(app.join("shelf.object.yml")).expect("a file of the app");
    // Types become those of the platform; nothing is dropped for it.
    let (_, plan) = command(&folder, &["migrate", "plan"]);
    let mut expected = vec![
        "customer.id",
        "customer.level",
        "customer.name",
        "purchase.customer_id",
        "purchase.id",
        "purchase.note",
        "purchase.number",
    ];
    if driver == Driver::Sqlite {
        expected.insert(3, "customer.visits");
    }
    assert_eq!(named(&plan), expected, "{driver:?}: {plan}");
    assert!(!plan.contains("! drop "), "{driver:?}: {plan}");
    let (done, said) = command(&folder, &["migrate", "apply", "--destructive"]);
    assert!(done, "{driver:?}: {said}");
    let mut host = builder.app(&app).start();
    run(&host, TABLE);
    assert_eq!(host.terminate(), Some(0));
    let (done, said) = command(&folder, &["migrate", "status"]);
    assert!(
        done && said.contains("the database is as the apps ask for"),
        "{driver:?}: {said}"
    );
    for (sql, rows) in KEPT {
        let found = foreign::ask(driver, &folder, &schema, &spelt(sql));
        assert_eq!(found.as_deref(), Some(rows), "{driver:?}: {sql}");
    }
}

#[test]
fn a_database_of_others_is_served_and_keeps_what_it_has() {
    for driver in drivers() {
        adopt(driver);
    }
}
