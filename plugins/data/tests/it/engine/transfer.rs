//! Copies of records, and many of them out and in.

use objectos_data::engine::{
    ExportFormat, ImportMode, ImportOptions, ImportRow, import_csv, import_lines, import_list,
};
use objectos_data::error::Result;
use objectos_data::query::QueryInput;
use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};

use crate::engine::access::plan;
use crate::world::{World, failure, fields, principal};

const FILES: [(&str, &str); 3] = [
    (
        "thing.object.yml",
        "name: thing\nfields:\n  name: { type: text, required: true }\n  code: { type: text, unique: true, externalId: true }\n  number: { type: autonumber, autonumberFormat: '{000}' }\n  size: { type: number }\n  tags: { type: tags }\n  done: { type: boolean }\n  key: { type: password }\n  double: { type: formula, expression: 'size * 2' }\n",
    ),
    (
        "fixed.object.yml",
        "name: fixed\nenable: { clone: false, apiMethods: [get, list, create] }\nfields: { name: { type: text } }\n",
    ),
    (
        "secret.object.yml",
        "name: secret\nfields: { name: { type: text }, pay: { type: number } }\n",
    ),
];

async fn export(world: &World, query: Value, format: ExportFormat) -> Result<(String, Option<String>)> {
    let query = QueryInput::from_map(&fields(query))?;
    let (parts, next) = world.export("thing", query, format).await?;
    Ok((String::from_utf8(parts.concat()).unwrap(), next))
}

async fn import(world: &World, rows: Vec<ImportRow>, options: ImportOptions) -> Value {
    world
        .engine
        .import(&world.local, "thing", rows, &options)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_copy_has_what_can_be_copied() {
    let world = World::new(&FILES).await;
    let made = json!({ "id": "t", "name": "a", "code": "c1", "size": 3, "tags": ["x"], "key": "k", "owner_id": "bob" });
    world.create("thing", made).await.unwrap();
    let answer = world
        .engine
        .clone_record(&world.local, "thing", "t", fields(json!({ "name": "b" })))
        .await
        .unwrap();
    assert_ne!(answer.id, "t");
    let record: Value = serde_json::from_slice(&answer.record).unwrap();
    let part = json!([
        record["name"],
        record["size"],
        record["tags"],
        record["code"],
        record["number"],
        record["owner_id"]
    ]);
    assert_eq!(part, json!(["b", 3, ["x"], null, "002", "local"]));
    assert_eq!(world.number("SELECT COUNT(*) FROM thing WHERE key IS NULL").await, 1);
    let missing = world
        .engine
        .clone_record(&world.local, "thing", "no", fields(json!({})))
        .await;
    assert_eq!(failure(missing).0, "record_not_found");
    world.create("fixed", json!({ "id": "f" })).await.unwrap();
    let off = world
        .engine
        .clone_record(&world.local, "fixed", "f", fields(json!({})))
        .await;
    assert_eq!(failure(off).0, "permission_denied");
}

#[tokio::test]
async fn a_copy_takes_no_field_that_the_caller_cannot_read() {
    let world = World::new(&FILES).await;
    world
        .create("secret", json!({ "id": "s", "name": "a", "pay": 7 }))
        .await
        .unwrap();
    let ann = principal("ann", PrincipalKind::User, None);
    world
        .permissions
        .allow("ann", "secret", Operation::Read, plan(None, None, &["pay"], &[]));
    let copy = async || world.engine.clone_record(&ann, "secret", "s", fields(json!({}))).await;
    assert_eq!(failure(copy().await).0, "permission_denied");
    world
        .permissions
        .allow("ann", "secret", Operation::Create, plan(None, None, &["pay"], &[]));
    let made = copy().await.unwrap();
    assert_eq!(world.get("secret", &made.id).await.unwrap()["pay"], Value::Null);
}

#[tokio::test]
async fn every_format_of_an_export() {
    let world = World::new(&FILES).await;
    world
        .create(
            "thing",
            json!({ "id": "a", "name": "say \"hi\", all", "size": 1.5, "tags": ["x", "y"] }),
        )
        .await
        .unwrap();
    world
        .create("thing", json!({ "id": "b", "name": "plain" }))
        .await
        .unwrap();
    let query = json!({ "fields": ["id", "name", "size", "tags", "double"], "orderBy": "id" });
    let (csv, next) = export(&world, query.clone(), ExportFormat::Csv).await.unwrap();
    assert_eq!(
        csv,
        "id,name,size,tags,double\r\na,\"say \"\"hi\"\", all\",1.5,\"[\"\"x\"\",\"\"y\"\"]\",3\r\nb,plain,,,\r\n"
    );
    assert_eq!(next, None);
    let (lines, _) = export(&world, query.clone(), ExportFormat::Ndjson).await.unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (list, _) = export(&world, query, ExportFormat::Json).await.unwrap();
    assert_eq!(serde_json::from_str::<Vec<Value>>(&list).unwrap(), lines);
    let nothing = json!({ "where": { "name": "nobody" } });
    assert_eq!(export(&world, nothing, ExportFormat::Json).await.unwrap().0, "[]");
    let figures = json!({ "aggregations": [{ "function": "count", "alias": "n" }] });
    assert_eq!(
        failure(export(&world, figures, ExportFormat::Json).await).0,
        "invalid_query"
    );
    // Windows end with the page, so not even the first is begun.
    let windows = json!({ "windowFunctions": [{ "function": "row_number" }] });
    let backwards = json!({ "cursor": { "before": "x" } });
    assert_eq!(
        failure(export(&world, backwards, ExportFormat::Json).await).0,
        "invalid_query"
    );
    let (code, message) = failure(export(&world, windows, ExportFormat::Json).await);
    assert_eq!(
        (code.as_str(), message.contains("windowFunctions")),
        ("invalid_query", true),
        "{message}"
    );
}

#[tokio::test]
async fn an_export_is_handed_on_in_parts() {
    let world = World::new(&FILES).await;
    let items = (0..1_203).map(|number| json!({ "id": format!("t{number:04}"), "name": format!("n{number}") }));
    let rows = import_list(items.collect());
    assert_eq!(import(&world, rows, ImportOptions::default()).await["created"], 1_203);
    let query = QueryInput::from_map(&fields(json!({ "orderBy": "-name" }))).unwrap();
    let (parts, _) = world.export("thing", query, ExportFormat::Ndjson).await.unwrap();
    let lines: Vec<usize> = parts
        .iter()
        .map(|part| part.iter().filter(|byte| **byte == b'\n').count())
        .collect();
    assert_eq!(lines, [500, 500, 203]);
    let limited = json!({ "orderBy": "id", "limit": 700, "fields": ["id"] });
    let (first, next) = export(&world, limited.clone(), ExportFormat::Ndjson).await.unwrap();
    assert_eq!((first.lines().count(), next.is_some()), (700, true));
    let mut rest = limited;
    rest["cursor"] = json!(next);
    let (rest, next) = export(&world, rest, ExportFormat::Ndjson).await.unwrap();
    assert_eq!((rest.lines().count(), next), (503, None));
    assert!(rest.lines().next().unwrap().contains("t0700"), "{rest}");
}

#[tokio::test]
async fn what_goes_out_comes_in_again() {
    let world = World::new(&FILES).await;
    world
        .create(
            "thing",
            json!({ "id": "a", "name": "one, two", "code": "c", "size": 2, "tags": ["x", "y"], "done": true }),
        )
        .await
        .unwrap();
    let before = world.get("thing", "a").await.unwrap();
    for format in [ExportFormat::Csv, ExportFormat::Json, ExportFormat::Ndjson] {
        let (text, _) = export(&world, json!({}), format).await.unwrap();
        world.engine.delete(&world.local, "thing", "a").await.unwrap();
        let (rows, cells) = match format {
            ExportFormat::Csv => (import_csv(&text).unwrap(), true),
            ExportFormat::Json => (import_list(serde_json::from_str(&text).unwrap()), false),
            ExportFormat::Ndjson => (import_lines(&text), false),
        };
        let options = ImportOptions {
            cells,
            ..ImportOptions::default()
        };
        let answer = import(&world, rows, options).await;
        assert_eq!(
            (&answer["created"], &answer["failed"]),
            (&json!(1), &json!(0)),
            "{answer}"
        );
        let after = world.get("thing", "a").await.unwrap();
        for field in ["name", "code", "size", "tags", "done", "double"] {
            assert_eq!(after[field], before[field], "{format:?} {field}");
        }
    }
}

#[tokio::test]
async fn rows_are_made_changed_or_either() {
    let world = World::new(&FILES).await;
    let upsert = |dry_run: bool| ImportOptions {
        mode: ImportMode::Upsert,
        external_id: Some("code".to_owned()),
        cells: true,
        dry_run,
        ..ImportOptions::default()
    };
    world
        .create("thing", json!({ "id": "a", "name": "old", "code": "A1", "size": 1 }))
        .await
        .unwrap();
    let file = "code,name,size\nA1,new,2\nb1,fresh,3\nb1,fresher,4\n";
    let answer = import(&world, import_csv(file).unwrap(), upsert(true)).await;
    assert_eq!(
        (&answer["dryRun"], &answer["success"]),
        (&json!(true), &json!(true)),
        "{answer}"
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 1);
    let answer = import(&world, import_csv(file).unwrap(), upsert(false)).await;
    assert_eq!(
        (&answer["created"], &answer["updated"]),
        (&json!(1), &json!(2)),
        "{answer}"
    );
    assert_eq!(world.get("thing", "a").await.unwrap()["name"], "new");
    assert_eq!(world.number("SELECT CAST(SUM(size) AS BIGINT) FROM thing").await, 6);
    let update = ImportOptions {
        mode: ImportMode::Update,
        ..upsert(false)
    };
    let answer = import(&world, import_csv("code,size\nzz,1\n").unwrap(), update).await;
    assert_eq!(answer["errors"][0]["code"], "record_not_found", "{answer}");
}

#[tokio::test]
async fn what_is_wrong_is_told_by_line() {
    let world = World::new(&FILES).await;
    let file = "name,size,tags\ngood,1,x;y\n,2,\n\"two\nlines\",many,\nshort\nlast,4,\n";
    let options = ImportOptions {
        cells: true,
        ..ImportOptions::default()
    };
    let answer = import(&world, import_csv(file).unwrap(), options.clone()).await;
    assert_eq!(
        (
            &answer["total"],
            &answer["created"],
            &answer["failed"],
            &answer["success"]
        ),
        (&json!(5), &json!(2), &json!(3), &json!(false)),
        "{answer}"
    );
    let errors = answer["errors"].as_array().unwrap();
    let told: Vec<(u64, &str, &Value)> = errors
        .iter()
        .map(|error| {
            let line = error["line"].as_u64().unwrap();
            (line, error["code"].as_str().unwrap(), &error["fields"][0]["field"])
        })
        .collect();
    assert_eq!(
        told,
        [
            (3, "validation_error", &json!("name")),
            (4, "validation_error", &json!("size")),
            (6, "invalid_format", &Value::Null),
        ]
    );
    let good = world
        .query("thing", json!({ "where": { "name": "good" } }))
        .await
        .unwrap();
    assert_eq!(good["records"][0]["tags"], json!(["x", "y"]));
    let wrong = ImportOptions {
        external_id: Some("nothing".to_owned()),
        ..options
    };
    let refused = world.engine.import(&world.local, "thing", Vec::new(), &wrong).await;
    assert_eq!(failure(refused).0, "invalid_field");
}

#[tokio::test]
async fn methods_that_are_off_are_refused() {
    let world = World::new(&FILES).await;
    let export = world.export("fixed", QueryInput::default(), ExportFormat::Json).await;
    assert_eq!(failure(export).0, "permission_denied");
    let rows = import_list(vec![json!({ "name": "a" })]);
    let import = world
        .engine
        .import(&world.local, "fixed", rows, &ImportOptions::default())
        .await;
    assert_eq!(failure(import).0, "permission_denied");
    for operation in ["restore", "purge", "history"] {
        let refused = match operation {
            "restore" => failure(world.engine.restore(&world.local, "fixed", "f").await),
            "purge" => failure(world.engine.purge(&world.local, "fixed", "f", None).await),
            _ => failure(world.engine.versions(&world.local, "fixed", "f", 0).await),
        };
        assert_eq!(refused.0, "permission_denied", "{operation}");
        assert!(refused.1.contains(operation), "{operation}: {}", refused.1);
    }
}
