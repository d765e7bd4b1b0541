//! Cases of the SQL driver, on every driver: filters, pages, figures, bulk changes, nulls, and tables that follow their objects.

use objectos_tests::HostBuilder;
use std::fs;

use super::{Driver, drivers, host_on, run, write_app};

const FILES: [(&str, &str); 1] = [(
    "item.object.yml",
    "
name: item
fields:
  name: { type: text, required: true }
  code: { type: text, unique: true }
  price: { type: number }
  group: { type: text }
  sold: { type: boolean }
  tags: { type: multiselect, options: [{ label: R, value: red }, { label: B, value: blue }] }
  place: { type: location }
  day: { type: date }
",
)];

const TABLE: &str = r#"
POST item/createMany [{"id": "i1", "name": "Pen", "price": 2, "group": "x", "sold": true, "tags": ["red"], "day": "2026-01-01"}, {"id": "i2", "name": "Pencil", "price": 1, "group": "x", "sold": false, "tags": ["red", "blue"]}, {"id": "i3", "name": "Ink", "price": 9, "group": "y", "sold": true, "day": "2026-03-01"}, {"id": "i4", "name": "Paper", "group": "y"}] => 201 {"count": 4}

# filters
POST item/query {"where": {"price": {"$gt": 1}}, "orderBy": "id", "fields": ["id"]} => 200 {"records": [{"id": "i1"}, {"id": "i3"}]}
POST item/query {"where": {"$or": [{"group": "y"}, {"$and": [{"group": "x"}, {"price": 1}]}]}, "orderBy": "id", "fields": ["id"]} => 200 {"records": [{"id": "i2"}, {"id": "i3"}, {"id": "i4"}]}
POST item/query {"where": {"name": {"$contains": "Pen"}}, "orderBy": "id", "fields": ["id"]} => 200 {"records": [{"id": "i1"}, {"id": "i2"}]}
POST item/query {"where": {"id": {"$in": ["i1", "i4", "none"]}}, "orderBy": "id", "fields": ["id"]} => 200 {"records": [{"id": "i1"}, {"id": "i4"}]}
POST item/query {"where": {"group": {"$nin": ["x"]}}, "orderBy": "id", "fields": ["id"]} => 200 {"records": [{"id": "i3"}, {"id": "i4"}]}
POST item/query {"where": [["group", "=", "x"], "and", [["price", "=", 1], "or", ["price", "=", 2]]], "fields": ["id"]} => 200 {"total": 2}
POST item/query {"where": {"tags": "blue"}, "fields": ["id"]} => 200 {"records": [{"id": "i2"}]}
POST item/query {"where": {"day": {"$between": ["2026-01-01", "2026-02-01"]}}, "fields": ["id"]} => 200 {"records": [{"id": "i1"}]}
POST item/query {"where": {"price": {"$near": 1}}} => 400 invalid_filter

# nulls
POST item/query {"where": {"price": null}, "fields": ["id"]} => 200 {"records": [{"id": "i4"}]}
POST item/query {"where": {"price": {"$ne": null}}, "fields": ["id"]} => 200 {"total": 3}
PATCH item/i1 {"price": null} => 200 {"record": {"price": null}}
PATCH item/i1 {"price": 2} => 200

# pages: first, last, beyond, none, negative
GET item?top=3&sort=id&select=id => 200 {"records": [{"id": "i1"}, {"id": "i2"}, {"id": "i3"}], "total": 4, "hasMore": true}
GET item?top=3&skip=3&sort=id&select=id => 200 {"records": [{"id": "i4"}], "total": 4, "hasMore": false}
GET item?top=3&skip=9&select=id => 200 {"records": [], "total": 4, "hasMore": false}
GET item?top=0 => 200 {"records": [], "total": 4}
GET item?skip=-1 => 400 invalid_query

# figures by group, with a filter
POST item/query {"groupBy": ["group"], "aggregations": [{"function": "sum", "field": "price", "alias": "sum"}, {"function": "count", "alias": "n"}], "orderBy": "group"} => 200 {"records": [{"group": "x", "sum": 3, "n": 2}, {"group": "y", "sum": 9, "n": 2}]}
POST item/query {"where": {"sold": true}, "aggregations": [{"function": "avg", "field": "price", "alias": "avg"}, {"function": "min", "field": "price", "alias": "min"}, {"function": "max", "field": "price", "alias": "max"}]} => 200 {"records": [{"avg": 5.5, "min": 2, "max": 9}]}

# JSON in one column, other special fields
POST item {"id": "i5", "name": "Map", "tags": ["blue", "red"], "place": {"latitude": 52.5, "longitude": 13.4}} => 201
GET item/i5 => 200 {"record": {"tags": ["blue", "red"], "place": {"latitude": 52.5, "longitude": 13.4}}}

# not null, unique
POST item {"price": 1} => 400 name: required
PATCH item/i1 {"name": null} => 400 name: required
PATCH item/i1 {"code": "c1"} => 200
PATCH item/i2 {"code": "c1"} => 400 code: duplicate_value

# bulk: changes and deletes, all or none
POST item/updateMany {"records": [{"id": "i1", "data": {"price": 3}}, {"id": "i2", "data": {"price": 4}}]} => 200 {"success": true, "total": 2, "succeeded": 2}
POST item/updateMany {"records": [{"id": "i1", "data": {"price": 5}}, {"id": "none", "data": {"price": 5}}]} => 200 {"success": false, "succeeded": 0}
GET item/i1?select=price => 200 {"record": {"price": 3}}
POST item/deleteMany {"ids": ["i4", "i5"]} => 200 {"success": true, "succeeded": 2}
GET item => 200 {"total": 3}
"#;

#[test]
fn every_case_of_the_driver() {
    for driver in drivers() {
        run(&host_on(driver, "driver", &FILES), TABLE);
    }
}

/// Tables follow their objects over restarts: made, widened, with what was there kept, and nothing done twice.
#[test]
fn tables_follow_their_objects() {
    for driver in drivers() {
        let builder = HostBuilder::new();
        let app = builder.folder().join("app");
        let object = app.join("item.object.yml");
        let fields = |fields: &str| format!("name: item\nfields:\n  name: {{ type: text }}\n{fields}");
        let old = fields("  old: { type: text }\n");
        write_app(&app, &[("item.object.yml", &old)]);
        let builder = match driver {
            Driver::Sqlite => builder,
            Driver::Postgres(url) => {
                let schema = format!("cases_tables_{}", std::process::id());
                let database = format!("{{ url: '{url}', schema: {schema}, poolSize: 8 }}");
                builder.config(&format!("plugins:\n  objectos.data:\n    database: {database}\n"))
            }
        };
        let mut host = builder.app(&app).start();
        run(&host, r#"POST item {"id": "i1", "name": "a", "old": "kept"} => 201"#);
        host.terminate();
        fs::write(&object, fields("  more: { type: number }\n")).expect("an object");
        host.restart_stopped();
        run(
            &host,
            r#"
GET item/i1 => 200 {"record": {"name": "a", "more": null, "old": null}}
PATCH item/i1 {"more": 1} => 200
PATCH item/i1 {"old": "x"} => 400 old: unknown_field
"#,
        );
        host.terminate();
        // The column that no object had was left alone, with what it holds.
        fs::write(&object, &old).expect("an object");
        host.restart_stopped();
        run(&host, r#"GET item/i1 => 200 {"record": {"name": "a", "old": "kept"}}"#);
        host.terminate();
        host.restart_stopped();
        run(&host, r#"GET item/i1 => 200 {"record": {"old": "kept"}}"#);
    }
}
