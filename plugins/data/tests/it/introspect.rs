//! The command `introspect`: object files out of a database that somebody else made.

use objectos_data::introspect::introspect;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::app_support::try_load;
use crate::driver::{drop_schema, postgres, schema_name};

const SQLITE: &str = "
CREATE TABLE customer (
    id TEXT PRIMARY KEY, name VARCHAR(80) NOT NULL UNIQUE, \"Credit Limit\" REAL, score REAL, photo BLOB,
    born DATE, created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, active BOOLEAN NOT NULL DEFAULT 1
);
CREATE TABLE OrderLine (
    id INTEGER PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    number INTEGER NOT NULL, amount NUMERIC(10, 2), note TEXT
);
CREATE UNIQUE INDEX line_number ON OrderLine (customer_id, number);
CREATE INDEX line_customer ON OrderLine (customer_id);
CREATE INDEX line_note ON OrderLine (lower(note));
CREATE TABLE objectos_event (id TEXT)";

const POSTGRES: &str = "
CREATE TYPE mood AS ENUM ('good', 'not so good');
CREATE TYPE level AS ENUM ('low', 'very_high');
CREATE TABLE customer (
    id text PRIMARY KEY, name varchar(80) NOT NULL UNIQUE, \"Credit Limit\" double precision, score real, photo bytea,
    born date, created_at timestamptz NOT NULL DEFAULT now(), active boolean NOT NULL DEFAULT true
);
CREATE TABLE \"OrderLine\" (
    id bigint PRIMARY KEY, customer_id text NOT NULL REFERENCES customer ON DELETE CASCADE,
    number integer NOT NULL, amount numeric(10, 2), note text, labels text[], extra jsonb, mood mood, level level
);
CREATE UNIQUE INDEX line_number ON \"OrderLine\" (customer_id, number);
CREATE INDEX line_customer ON \"OrderLine\" (customer_id);
CREATE INDEX line_note ON \"OrderLine\" (lower(note));
CREATE TABLE objectos_event (id text)";

const CUSTOMER: &str = "# customer.object.yml
name: customer
fields:
  name: { type: text, maxLength: 80, required: true, unique: true }
  # column \"Credit Limit\" (REAL): a field cannot have this name
  score: { type: number }
  # column \"photo\" (BLOB): no field has this type
  born: { type: date }
  active: { type: boolean }
";

const LINE: &str = "name: order_line
# the table is called \"OrderLine\"; rename it
# the key `id` is INTEGER; it becomes text
fields:
  customer_id: { type: lookup, reference: customer, deleteBehavior: cascade, required: true }
  number: { type: number, scale: 0, required: true }
  amount: { type: number, precision: 10, scale: 2 }
  note: { type: text }
";

const INDEXES: &str = "indexes:
  # index \"line_note\": over expressions or a part of the rows
  - { fields: [customer_id, number], unique: true }
";

async fn run(arguments: &[&str]) -> (String, String, u8) {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let answer = introspect(&arguments).await;
    (answer.output, answer.error, answer.exit_code)
}

/// What was written can be loaded as an app.
fn loads(output: &str) {
    let files: Vec<(String, &str)> = output
        .split("---\n")
        .map(|part| {
            let (name, text) = part.split_once('\n').expect("a name");
            (name.trim_start_matches("# ").to_owned(), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let loaded = try_load(&files).unwrap_or_else(|problems| panic!("{}\n{output}", problems.join("\n")));
    assert_eq!(loaded.catalogue.objects().len(), 2);
}

#[tokio::test]
async fn a_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(SQLITE).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let url = format!("sqlite:{}", path.display());
    let (output, error, exit_code) = run(&[&url]).await;
    assert_eq!((error.as_str(), exit_code), ("", 0));
    assert_eq!(
        output,
        format!("# order_line.object.yml\n{LINE}{INDEXES}---\n{CUSTOMER}")
    );
    loads(&output);
    // The same into files, but never over one that is there.
    let app = folder.path().join("app");
    let goal = app.display().to_string();
    let (output, _, exit_code) = run(&[&url, "--output", &goal]).await;
    assert_eq!((output.lines().count(), exit_code), (2, 0));
    let text = std::fs::read_to_string(app.join("customer.object.yml")).unwrap();
    assert!(CUSTOMER.ends_with(&text), "{text}");
    let (_, error, exit_code) = run(&[&url, "--output", &goal]).await;
    assert!(
        exit_code == 1 && error.contains("order_line.object.yml cannot be written"),
        "{error}"
    );
}

#[tokio::test]
async fn a_postgres_schema() {
    let Some(url) = postgres() else { return };
    let schema = schema_name();
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    let sql = format!("CREATE SCHEMA {schema}; SET search_path = {schema}; {POSTGRES}");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let (output, error, exit_code) = run(&[url, "--schema", &schema]).await;
    drop_schema(url, &schema);
    assert_eq!((error.as_str(), exit_code), ("", 0));
    let customer = CUSTOMER.replace("REAL", "double precision").replace("BLOB", "bytea");
    let more = "  labels: { type: tags }
  extra: { type: json }
  # the values of \"mood\": \"good\", \"not so good\"
  mood: { type: text }
  level: { type: select, options: [{ label: \"low\", value: \"low\" }, { label: \"very_high\", value: \"very_high\" }] }
";
    let line = format!("{}{more}", LINE.replace("INTEGER", "bigint"));
    let indexes = "indexes:
  # index \"line_note\": over expressions or a part of the rows
  - { fields: [customer_id, number], unique: true }
";
    assert_eq!(
        output,
        format!("# order_line.object.yml\n{line}{indexes}---\n{customer}")
    );
    loads(&output);
}

#[tokio::test]
async fn what_cannot_be_read_is_said() {
    for wrong in [&[][..], &["--schema"], &["sqlite:a", "sqlite:b"], &["--all"]] {
        assert_eq!(run(wrong).await.2, 2, "{wrong:?}");
    }
    let (_, error, exit_code) = run(&["mysql://host/db"]).await;
    assert!(
        exit_code == 1 && error.contains("'sqlite:' or 'postgres://'"),
        "{error}"
    );
    let (_, error, exit_code) = run(&["sqlite:/nowhere/at/all.db"]).await;
    assert!(exit_code == 1 && error.contains("database"), "{error}");
}
