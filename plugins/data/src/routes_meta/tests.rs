//! Shapes, validators and 304.

use objectos_plugin_api::{HttpRequest, HttpRequestParts, HttpResponse, Result};
use serde_json::{Value, json};

use super::{ROUTES, answer, date};
use crate::app::{PackageSource, SourceFile, load};
use crate::model::Catalogue;

const THING: &str = "name: thing\nfields:\n  name: {type: text, required: true}\n  notes: {type: textarea}\n  secret: {type: text, hidden: true}\n";

fn catalogue(object: &str, view: &str) -> Catalogue {
    let mut package = PackageSource::of_documents("demo", [("thing.object.yml", object), ("all.view.yml", view)]);
    for SourceFile { modified_ms, .. } in &mut package.files {
        *modified_ms = 784_111_777_500;
    }
    load(&[package], 1)
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
        .catalogue
}

fn plain() -> Catalogue {
    catalogue(THING, "name: all\nobject: thing\ntype: grid\ncolumns: [name]\n")
}

fn get(catalogue: &Catalogue, path: &str, headers: &[(&str, &str)]) -> Result<HttpResponse> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pieces: Vec<&str> = path.split('/').collect();
    let matches = |route: &&str| {
        let pattern: Vec<&str> = route.split('/').collect();
        pattern.len() == pieces.len()
            && pattern
                .iter()
                .zip(&pieces)
                .all(|(part, piece)| part.starts_with('{') || part == piece)
    };
    let route = ROUTES
        .iter()
        .filter_map(|route| route.strip_prefix("GET "))
        .find(matches)
        .expect("a route");
    let named = route
        .split('/')
        .zip(&pieces)
        .filter_map(|(part, piece)| Some((part.strip_prefix('{')?.strip_suffix('}')?, *piece)));
    let parameters: Vec<(&str, &str)> = named.collect();
    let parts = HttpRequestParts {
        method: "GET",
        route,
        path,
        query,
        parameters: &parameters,
        headers,
        body: b"",
    };
    answer(catalogue, &HttpRequest::decode(parts.encode())?)
}

fn body(catalogue: &Catalogue, path: &str) -> Value {
    let response = get(catalogue, path, &[]).expect(path);
    assert_eq!(response.status, 200, "{path}");
    serde_json::from_slice(&response.body).expect(path)
}

fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
    response
        .headers
        .iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value)
}

#[test]
fn kinds_and_lists() {
    let catalogue = plain();
    let types = body(&catalogue, "/api/v1/meta");
    assert!(types["types"].as_array().expect("a list").contains(&json!("object")));
    let list = body(&catalogue, "/api/v1/meta/objects");
    assert_eq!(
        (&list["type"], &list["items"][0]["name"]),
        (&json!("object"), &json!("thing"))
    );
    assert_eq!(list, body(&catalogue, "/api/v1/meta/object"));
    assert_eq!(
        body(&catalogue, "/api/v1/meta/object?package=other")["items"],
        json!([])
    );
    assert_eq!(
        body(&catalogue, "/api/v1/meta/object?package=demo")["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(
        body(&catalogue, "/api/v1/meta/nothing"),
        json!({ "type": "nothing", "items": [] })
    );
}

#[test]
fn one_item_serves_clients_of_every_version() {
    let catalogue = plain();
    let item = body(&catalogue, "/api/v1/meta/object/thing");
    assert_eq!(
        (&item["type"], &item["name"], &item["label"]),
        (&json!("object"), &json!("thing"), &json!("Thing"))
    );
    assert_eq!(item["fields"]["name"]["type"], "text");
    assert_eq!(item["item"]["fields"], item["fields"]);
    assert_eq!(item, body(&catalogue, "/api/v1/meta/objects/thing"));
    // A definition that has a type keeps it.
    assert_eq!(body(&catalogue, "/api/v1/meta/view/all")["type"], "grid");
    let missing = get(&catalogue, "/api/v1/meta/object/thign", &[]).expect_err("nothing there");
    assert_eq!(
        (missing.code(), missing.message()),
        (
            "object_not_found",
            "object 'thign' does not exist; did you mean 'thing'?"
        )
    );
    let missing = get(&catalogue, "/api/v1/meta/view/al", &[]).expect_err("nothing there");
    assert_eq!(
        (missing.code(), missing.message()),
        ("resource_not_found", "there is no view 'al'; did you mean 'all'?")
    );
    assert!(get(&catalogue, "/api/v1/meta/object/thing?package=other", &[]).is_err());
}

#[test]
fn older_paths_answer_in_an_envelope() {
    let catalogue = plain();
    let whole = body(&catalogue, "/api/metadata/objects/thing");
    assert_eq!(
        (&whole["success"], &whole["data"]["name"]),
        (&json!(true), &json!("thing"))
    );
    assert_eq!(whole, body(&catalogue, "/api/metadata/thing"));
    assert_eq!(body(&catalogue, "/api/metadata/objects")["data"][0]["name"], "thing");
    assert!(body(&catalogue, "/api/metadata")["data"]["types"].is_array());
    assert!(get(&catalogue, "/api/metadata/nothing", &[]).is_err());
}

#[test]
fn validators_are_strong_and_honoured() {
    let catalogue = plain();
    let path = "/api/v1/meta/object/thing";
    let first = get(&catalogue, path, &[]).expect("an answer");
    let etag = header(&first, "etag");
    assert!(
        etag.len() > 10 && etag.starts_with('"') && etag.ends_with('"'),
        "{etag}"
    );
    assert_eq!(header(&first, "last-modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(header(&first, "content-type"), "application/json");
    let check = |headers: &[(&str, &str)], status: u16| {
        let response = get(&catalogue, path, headers).expect("an answer");
        assert_eq!(response.status, status, "{headers:?}");
        assert_eq!(response.body.is_empty(), status == 304, "{headers:?}");
        assert_eq!(header(&response, "etag"), etag);
    };
    check(&[("if-none-match", etag)], 304);
    check(&[("if-none-match", &format!("\"other\", W/{etag}"))], 304);
    check(&[("if-none-match", "*")], 304);
    check(&[("if-none-match", "\"other\"")], 200);
    check(&[("if-none-match", etag.trim_matches('"'))], 200);
    check(&[("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")], 304);
    check(&[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")], 200);
    check(&[("if-modified-since", "yesterday")], 200);
    check(
        &[
            ("if-none-match", "\"other\""),
            ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ],
        200,
    );
}

#[test]
fn validators_follow_the_content_alone() {
    let etag = |catalogue: &Catalogue, path: &str| header(&get(catalogue, path, &[]).expect(path), "etag").to_owned();
    let (one, same) = (plain(), plain());
    let other = catalogue(
        &THING.replace("notes", "remarks"),
        "name: all\nobject: thing\ntype: grid\ncolumns: [name]\n",
    );
    for path in [
        "/api/v1/meta/object/thing",
        "/api/v1/meta/object",
        "/api/metadata/thing",
        "/api/v1/ui/view/thing?type=form",
    ] {
        assert_eq!(etag(&one, path), etag(&same, path), "{path}");
        assert_ne!(etag(&one, path), etag(&other, path), "{path}");
    }
    assert_eq!(
        etag(&one, "/api/v1/meta/view/all"),
        etag(&other, "/api/v1/meta/view/all")
    );
}

#[test]
fn views_are_made_from_fields() {
    let catalogue = plain();
    let list = body(&catalogue, "/api/v1/ui/view/thing?type=list");
    assert_eq!(
        list["list"]["columns"],
        json!([
            { "field": "name", "label": "Name", "sortable": true },
            { "field": "created_at", "label": "Created at", "sortable": true },
        ])
    );
    assert_eq!(list, body(&catalogue, "/api/v1/ui/view/thing/list"));
    assert!(list.get("form").is_none());
    let form = body(&catalogue, "/api/v1/ui/view/thing/form");
    let fields = form["form"]["sections"][0]["fields"].as_array().expect("a list");
    let spans: Vec<(&Value, &Value)> = fields
        .iter()
        .map(|field| (&field["field"], &field["colSpan"]))
        .collect();
    assert_eq!(spans, [(&json!("name"), &json!(1)), (&json!("notes"), &json!(2))]);
    let both = body(&catalogue, "/api/v1/ui/view/thing");
    assert!(both.get("list").is_some() && both.get("form").is_some());
    assert!(get(&catalogue, "/api/v1/ui/view/thign", &[]).is_err());
    assert_eq!(
        get(&catalogue, "/api/v1/ui/view/thing/map", &[])
            .expect_err("no such type")
            .code(),
        "invalid_query"
    );
}

#[test]
fn declared_views_come_first() {
    let declared = catalogue(
        THING,
        "name: all\nobject: thing\nlist: {type: kanban, columns: [name]}\n",
    );
    assert_eq!(
        body(&declared, "/api/v1/ui/view/thing/list"),
        json!({ "list": { "type": "kanban", "columns": ["name"] } })
    );
    assert_eq!(body(&declared, "/api/v1/ui/view/thing/form")["form"]["type"], "simple");
}

#[test]
fn dates_of_http() {
    assert_eq!(date::format(0).as_deref(), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    assert_eq!(date::parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
    assert_eq!(date::parse("Sunday, 06-Nov-94 08:49:37 GMT"), None);
    assert_eq!(super::decode("a%20b+c%zz%"), "a b c%zz%");
}

#[test]
fn what_may_follow_and_what_refers() {
    let machine = "name: thing
fields:
  name: {type: text, required: true}
  parent: {type: lookup, reference: thing}
  state: {type: select, options: [{label: A, value: aa}, {label: B, value: bb}, {label: C, value: cc}]}
validations:
  - {name: path, type: state_machine, message: No., field: state, transitions: {aa: [cc, bb], bb: []}}
";
    let catalogue = catalogue(machine, "name: all\nobject: thing\ntype: grid\ncolumns: [name]\n");
    let next = |path: &str| body(&catalogue, &format!("/api/v1/meta/object/thing/state/{path}"))["next"].clone();
    assert_eq!(
        next("state?from=aa"),
        json!(["bb", "cc"]),
        "in the order of the options"
    );
    assert_eq!(next("state?from=bb"), json!([]));
    assert_eq!(
        next("state?from=cc"),
        json!([]),
        "nothing is said of it, and the rule lets it become nothing"
    );
    assert_eq!((next("state"), next("name?from=aa")), (Value::Null, Value::Null));
    let unknown = get(&catalogue, "/api/v1/meta/object/thing/state/stat", &[]).unwrap_err();
    assert_eq!(unknown.code(), "invalid_field");
    let found = body(&catalogue, "/api/v1/meta/objects/thing/references");
    let places: Vec<(&str, &str)> = found["references"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|place| Some((place["type"].as_str()?, place["path"].as_str()?)))
        .collect();
    assert_eq!(places, [("object", "fields.parent.reference"), ("view", "object")]);
}
