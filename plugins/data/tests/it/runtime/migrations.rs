//! What becomes of a database when an app changes: what is proposed, what is done and when, and what is never touched.

use objectos_data::DataPlugin;
use objectos_data::store::{Expect, Statement, WriteUnit};
use objectos_plugin_api::protocol::kernel::PluginHealthStatus;
use objectos_plugin_testing::TestPlugin;
use serde_json::{Value, json};

use super::{Call, create, host, local, meta, send_as, total};
use crate::driver::Place;

const FITS: &str = "the database is as the apps ask for\n";
const PART: &str = "name: part\nfields:\n  name: { type: text }\n";

/// The file of the object `thing`: its fields, and further keys.
fn thing(fields: &str) -> String {
    format!("name: thing\nfields:\n{fields}")
}

async fn start(place: &Place, thing: &str, others: &[(&str, &str)]) -> TestPlugin {
    let mut files = vec![("thing.object.yml", thing)];
    files.extend(others);
    host(place, &files).start::<DataPlugin>().await.unwrap()
}

/// Why the apps are not in use; none when they are.
async fn blocked(plugin: &TestPlugin) -> Option<String> {
    let health = plugin.health().await.unwrap();
    assert_eq!(health.status == PluginHealthStatus::Healthy, health.message.is_none());
    health.message
}

/// Exit code and words of `migrate …`.
async fn told(plugin: &TestPlugin, words: &str) -> (u8, String) {
    let mut words = words.split(' ');
    let name = format!("migrate {}", words.next().unwrap());
    let arguments: Vec<&str> = words.collect();
    let answer = plugin.command(&name, &arguments).await.unwrap();
    (answer.exit_code, format!("{}{}", answer.output, answer.error))
}

async fn records(plugin: &TestPlugin, object: &str) -> Value {
    let parameters = [("object", object)];
    let call = Call {
        method: "GET",
        route: "/api/v1/data/{object}",
        parameters: &parameters,
        query: "",
        body: Value::Null,
    };
    send_as(plugin, &local(), call).await.unwrap()["records"].clone()
}

/// What another program does to the database while no host runs.
async fn by_others(place: &Place, statements: &[&str]) {
    let store = place.open(None).await;
    for sql in statements {
        let mut unit = WriteUnit::default();
        unit.push(Statement::new(*sql, Vec::new()), Expect::Anything);
        store.write(unit).await.unwrap();
    }
    store.close().await;
}

/// The number that a statement answers, while no host runs.
async fn number(place: &Place, sql: &str) -> i64 {
    let store = place.open(None).await;
    let mut found = 0;
    let mut reader = store.reader().await.unwrap();
    reader
        .read(&Statement::new(sql, Vec::new()), &mut |row| {
            found = row.cell(0).as_integer().unwrap_or_default()
        })
        .await
        .unwrap();
    drop(reader);
    store.close().await;
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tables_of_saved_objects_stay() {
    let place = Place::new();
    let before = thing("  size: { type: number }\n");
    let part = [("part.object.yml", PART)];
    let plugin = start(&place, &before, &part).await;
    let note = json!({ "fields": { "text": { "type": "text" } } });
    meta(&plugin, "PUT", "object", "note", note).await.unwrap();
    let odd = json!({ "tableName": "odd_rows", "fields": { "part": { "type": "lookup", "reference": "part" } } });
    meta(&plugin, "PUT", "object", "odd", odd).await.unwrap();
    create(&plugin, "note", json!({ "text": "kept" })).await.unwrap();
    create(&plugin, "odd", json!({})).await.unwrap();
    assert_eq!(told(&plugin, "plan").await, (0, FITS.to_owned()));
    plugin.stop().await.unwrap();
    // Nothing that was saved comes into use now, and one of both does not go together with the app any more.
    let after = thing("  size: { type: date }\n");
    let plugin = start(&place, &after, &[]).await;
    assert!(blocked(&plugin).await.unwrap().contains("convert column thing.size"));
    let (_, plan) = told(&plugin, "plan").await;
    let dropped = |table: &str| plan.contains(&format!("drop table {table} "));
    assert!(dropped("part"), "{plan}");
    assert!(!dropped("note") && !dropped("odd_rows") && !dropped("odd"), "{plan}");
    assert_eq!(told(&plugin, "apply --destructive").await.0, 0);
    plugin.stop().await.unwrap();
    let plugin = start(&place, &after, &[]).await;
    assert_eq!(blocked(&plugin).await, None);
    assert_eq!(records(&plugin, "note").await[0]["text"], "kept");
    assert_eq!(total(&plugin, "odd").await.unwrap_err().code(), "object_not_found");
    assert_eq!(told(&plugin, "plan").await, (0, FITS.to_owned()));
    plugin.stop().await.unwrap();
    let plugin = start(&place, &after, &part).await;
    assert_eq!(total(&plugin, "odd").await.unwrap(), 1);
    // Deleted by its author, its table is one that is left over.
    meta(&plugin, "DELETE", "object", "odd", Value::Null).await.unwrap();
    let (_, plan) = told(&plugin, "plan").await;
    assert!(
        plan.contains("  ! drop table odd_rows and all its rows (1 rows)\n"),
        "{plan}"
    );
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_that_lose_data_are_done_by_their_names() {
    let place = Place::new();
    let both = "  b: { type: number }\n  c: { type: text }\n";
    let plugin = start(&place, &thing(&format!("  a: {{ type: text }}\n{both}")), &[]).await;
    create(&plugin, "thing", json!({ "a": "soon", "b": 2, "c": "x" }))
        .await
        .unwrap();
    plugin.stop().await.unwrap();
    let after = "  a: { type: date }\n";
    let plugin = start(&place, &thing(after), &[]).await;
    let message = blocked(&plugin).await.unwrap();
    assert!(
        message.contains("run 'objectos-host migrate apply --destructive thing.a' (") && !message.contains("thing.b"),
        "{message}"
    );
    let plan = "  ! convert column thing.a from text to date: values that do not fit are lost (1 values)
      only this: migrate apply --destructive thing.a
  ! drop column thing.b and all its values (1 values)
      only this: migrate apply --destructive thing.b
  ! drop column thing.c and all its values (1 values)
      only this: migrate apply --destructive thing.c
steps with `!` lose data and are only done on request
";
    assert_eq!(told(&plugin, "plan").await, (0, plan.to_owned()));
    let unknown = "no step that loses data is called 'thing.d'; there are: thing.a, thing.b, thing.c\n";
    for (words, expected) in [
        ("apply thing.a", "usage: objectos-host migrate apply ["),
        ("apply --destructive --all", "usage: objectos-host migrate apply ["),
        ("plan thing.a", "usage: objectos-host migrate plan\n"),
        ("apply --destructive thing.a thing.d", unknown),
    ] {
        let (exit_code, answer) = told(&plugin, words).await;
        assert!(exit_code == 2 && answer.starts_with(expected), "{words}: {answer}");
    }
    let (exit_code, done) = told(&plugin, "apply --destructive thing.a thing.c").await;
    assert!(exit_code == 0 && done.ends_with("2 steps done\n"), "{done}");
    plugin.stop().await.unwrap();
    let plugin = start(&place, &thing(after), &[]).await;
    assert_eq!(blocked(&plugin).await, None);
    let status = "1 steps to do, 1 of them lose data\n";
    assert_eq!(told(&plugin, "status").await, (1, status.to_owned()));
    plugin.stop().await.unwrap();
    let plugin = start(&place, &thing(&format!("{after}{both}")), &[]).await;
    let found = records(&plugin, "thing").await;
    assert_eq!(
        (&found[0]["a"], &found[0]["b"], &found[0]["c"]),
        (&Value::Null, &json!(2), &Value::Null)
    );
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_made_is_neither_proposed_nor_taken() {
    let place = Place::new();
    let made = "CREATE TABLE theirs (id VARCHAR(36) PRIMARY KEY, label VARCHAR(20), raw REAL)";
    by_others(&place, &[made, "INSERT INTO theirs VALUES ('t1', 'kept', 0.5)"]).await;
    let app = thing("  size: { type: number }\n");
    let theirs = |fields: &str| format!("name: theirs\nfields:\n{fields}");
    let fits = async |others: &[(&str, &str)]| {
        let plugin = start(&place, &app, others).await;
        assert_eq!(blocked(&plugin).await, None);
        for command in ["status", "apply --destructive"] {
            assert_eq!(told(&plugin, command).await, (0, FITS.to_owned()), "{command}");
        }
        plugin.stop().await.unwrap();
    };
    // Beside the app's own tables.
    fits(&[]).await;
    // As an object of the app, with a column more, and one that no field has.
    let (label, more) = ("  label: { type: text }\n", "  more: { type: text }\n");
    let whole = theirs(&format!("{label}{more}"));
    let plugin = start(&place, &app, &[("theirs.object.yml", whole.as_str())]).await;
    let message = blocked(&plugin).await.unwrap();
    assert!(
        message.contains("migrate apply --destructive theirs.id theirs.label'"),
        "{message}"
    );
    let (exit_code, done) = told(&plugin, "apply --destructive").await;
    assert!(exit_code == 0 && !done.contains("drop"), "{done}");
    plugin.stop().await.unwrap();
    fits(&[("theirs.object.yml", whole.as_str())]).await;
    // The column that the platform made is left over then, theirs is not.
    fits(&[("theirs.object.yml", theirs(more).as_str())]).await;
    let plugin = start(&place, &app, &[("theirs.object.yml", theirs(label).as_str())]).await;
    let (_, plan) = told(&plugin, "plan").await;
    assert!(
        plan.starts_with("  ! drop column theirs.more and all its values (0 values)\n") && plan.lines().count() == 3,
        "{plan}"
    );
    assert_eq!(records(&plugin, "theirs").await[0]["label"], "kept");
    plugin.stop().await.unwrap();
    fits(&[]).await;
    let sql = "SELECT COUNT(*) FROM theirs WHERE id = 't1' AND label = 'kept' AND raw = 0.5";
    assert_eq!(number(&place, sql).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_was_taken_away_is_nobodys_when_it_comes_back() {
    let place = Place::new();
    let app = thing("  size: { type: number }\n");
    let plugin = start(&place, &app, &[("part.object.yml", PART)]).await;
    plugin.stop().await.unwrap();
    by_others(&place, &["DROP TABLE part"]).await;
    // The next change of tables notices it.
    let app = thing("  size: { type: number }\n  more: { type: text }\n");
    let plugin = start(&place, &app, &[]).await;
    plugin.stop().await.unwrap();
    by_others(&place, &["CREATE TABLE part (name TEXT)"]).await;
    let plugin = start(&place, &app, &[]).await;
    assert_eq!(told(&plugin, "status").await, (0, FITS.to_owned()));
    plugin.stop().await.unwrap();
}

async fn of_record(plugin: &TestPlugin, method: &str, route: &str, object: &str, body: Value) -> Value {
    let parameters = [("object", object), ("id", "t1"), ("version", "1")];
    let call = Call {
        method,
        route,
        parameters: &parameters,
        query: "",
        body,
    };
    send_as(plugin, &local(), call).await.unwrap()
}

/// The table keeps its name and says nothing of the one that the object had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_and_import_jobs_follow_an_object_that_keeps_its_table() {
    const VERSIONS: &str = "/api/v1/data/{object}/{id}/versions";
    let versioned = |names: &str| {
        format!("{names}\nversioning: {{ enabled: true, strategy: delta }}\nfields:\n  name: {{ type: text }}\n")
    };
    for (before, after) in [
        (
            "name: thing\ntableName: things",
            "name: other\nrenamedFrom: thing\ntableName: things",
        ),
        ("name: thing", "name: other\nrenamedFrom: thing\ntableName: thing"),
    ] {
        let place = Place::new();
        let (before, after) = (versioned(before), versioned(after));
        let plugin = start(&place, &before, &[]).await;
        create(&plugin, "thing", json!({ "id": "t1", "name": "one" }))
            .await
            .unwrap();
        let change = json!({ "name": "two" });
        of_record(&plugin, "PATCH", "/api/v1/data/{object}/{id}", "thing", change).await;
        plugin.stop().await.unwrap();
        let job = "INSERT INTO sys_import_job (id, object_name, status) VALUES ('j1', 'thing', 'done')";
        by_others(&place, &[job]).await;
        for (run, versions) in [("first", 2), ("second", 4)] {
            let plugin = start(&place, &after, &[]).await;
            assert_eq!(blocked(&plugin).await, None, "{run}");
            assert_eq!(told(&plugin, "plan").await, (0, FITS.to_owned()), "{run}");
            let found = of_record(&plugin, "GET", VERSIONS, "other", Value::Null).await;
            assert_eq!(found["total"], versions, "{run}: {found}");
            // What it was can be had again, and history goes on behind it.
            let restore = format!("{VERSIONS}/{{version}}/restore");
            of_record(&plugin, "POST", &restore, "other", Value::Null).await;
            assert_eq!(records(&plugin, "other").await[0]["name"], "one", "{run}");
            let change = json!({ "name": run });
            of_record(&plugin, "PATCH", "/api/v1/data/{object}/{id}", "other", change).await;
            plugin.stop().await.unwrap();
        }
        let counts = [("sys_import_job", "other"), ("sys_record_version", "thing")];
        for ((table, object), expected) in counts.into_iter().zip([1, 0]) {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE object_name = '{object}'");
            assert_eq!(number(&place, &sql).await, expected, "{table} {object}");
        }
    }
}

/// A change of an app that comes to records: what is in its way, if anything.
async fn doubles(before: &str, records: &[Value], after: &str, expected: Option<&str>) {
    let place = Place::new();
    let plugin = start(&place, &thing(before), &[]).await;
    for record in records {
        create(&plugin, "thing", record.clone()).await.unwrap();
    }
    plugin.stop().await.unwrap();
    let plugin = start(&place, &thing(after), &[]).await;
    let expected = expected.map(|doubled| {
        format!(
            "the database does not fit the apps:\n  x {doubled}; mend these records, or drop `unique`\n\
             mend what is marked `x` and start again, or undo the change of the app"
        )
    });
    assert_eq!(blocked(&plugin).await, expected, "{after}");
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_are_not_unique_are_named() {
    let (name, size) = ("  name: { type: text }\n", "  size: { type: number }\n");
    let both = format!("{name}{size}");
    let record = |name: &str, size: i64| json!({ "name": name, "size": size });
    let same = [record("x", 1), record("x", 1), record("x", 2), record("X", 1)];
    let none = [json!({ "size": 1 }), json!({ "size": 1 })];
    let unique = format!("  name: {{ type: text, unique: true }}\n{size}");
    let add = |index: &str| format!("add unique index {index}");
    let first = add("ux_thing_name on thing (name): 1 value stands in several records ('x' in 3)");
    doubles(&both, &same, &unique, Some(&first)).await;
    doubles(&both, &none, &unique, None).await;
    let any_case = unique.replace("unique: true", "unique: true, caseSensitive: false");
    let all = add("ux_thing_name on thing (name): 1 value stands in several records ('x' in 4)");
    doubles(&both, &same, &any_case, Some(&all)).await;
    // With a name that the column has not yet.
    let renamed = format!(
        "  title: {{ type: text, renamedFrom: name }}\n{size}indexes:\n  - {{ fields: [title, size], unique: true }}\n"
    );
    let pair = add("ux_thing_title_size on thing (title, size): 1 value stands in several records ('x' with '1' in 2)");
    doubles(&both, &same, &renamed, Some(&pair)).await;
    // Over those records alone that the index is over.
    let partial = format!("{both}indexes:\n  - {{ fields: [name], unique: true, partial: 'size > 1' }}\n");
    doubles(&both, &same, &partial, None).await;
    let many: Vec<Value> = (0..10)
        .map(|number| record(&format!("n{}", number % 5), number))
        .collect();
    let some = add(
        "ux_thing_name on thing (name): 5 values stand in several records ('n0' in 2, 'n1' in 2, 'n2' in 2, 2 more)",
    );
    doubles(&both, &many, &unique, Some(&some)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doubled_values_keep_the_apps_out_until_they_are_mended() {
    let place = Place::new();
    let (plain, unique) = (
        thing("  name: { type: text }\n"),
        thing("  name: { type: text, unique: true }\n"),
    );
    let plugin = start(&place, &plain, &[]).await;
    for id in ["t1", "t2"] {
        create(&plugin, "thing", json!({ "id": id, "name": "same" }))
            .await
            .unwrap();
    }
    plugin.stop().await.unwrap();
    let plugin = start(&place, &unique, &[]).await;
    assert_eq!(total(&plugin, "thing").await.unwrap_err().code(), "object_not_found");
    let step = "add unique index ux_thing_name on thing (name)";
    let obstacle =
        format!("  x {step}: 1 value stands in several records ('same' in 2); mend these records, or drop `unique`\n");
    let plan = format!("  + {step}\n{obstacle}what is marked `x` is for you to mend; until then no step is done\n");
    assert_eq!(told(&plugin, "plan").await, (0, plan.clone()));
    let status = format!("1 steps to do, 0 of them lose data\n{obstacle}");
    assert_eq!(told(&plugin, "status").await, (1, status));
    for command in ["apply", "apply --destructive"] {
        let answer = format!("{plan}nothing is done:\n{obstacle}");
        assert_eq!(told(&plugin, command).await, (1, answer), "{command}");
    }
    plugin.stop().await.unwrap();
    // With the app as it was the records can be mended.
    let plugin = start(&place, &plain, &[]).await;
    let parameters = [("object", "thing"), ("id", "t2")];
    let call = Call {
        method: "DELETE",
        route: "/api/v1/data/{object}/{id}",
        parameters: &parameters,
        query: "",
        body: Value::Null,
    };
    send_as(&plugin, &local(), call).await.unwrap();
    plugin.stop().await.unwrap();
    let plugin = start(&place, &unique, &[]).await;
    assert_eq!(blocked(&plugin).await, None);
    let again = create(&plugin, "thing", json!({ "name": "same" })).await.unwrap_err();
    assert_eq!(again.code(), "duplicate_value");
    assert_eq!(told(&plugin, "status").await, (0, FITS.to_owned()));
    plugin.stop().await.unwrap();
}
