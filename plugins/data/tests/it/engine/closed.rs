//! A method that an object's definition switches off is off by every way: by relations, by paths, and beside other methods. What
//! the definition of another object computes over it stays.

use objectos_data::engine::{ExportFormat, SearchRequest};
use objectos_data::query::{QueryInput, SearchInput, from_query_string, read_filter};
use objectos_plugin_api::Context;
use serde_json::{Value, json};

use crate::world::{World, failure, fields};

/// `gate` is closed; of `note` one gets a record and lists none; `quiet` and `mute` are not searched.
const FILES: [(&str, &str); 6] = [
    (
        "gate.object.yml",
        "name: gate\nenable: { apiEnabled: false }\nfields:\n  name: { type: text, searchable: true }\n",
    ),
    (
        "bell.object.yml",
        "name: bell\ntitleFormat: '{name} of {main_gate.name}'\nfields:\n  name: { type: text }\n  main_gate: { type: lookup, reference: gate }\n  gates: { type: lookup, reference: gate, multiple: true }\n  label: { type: formula, expression: 'main_gate.name' }\n  notes: { type: summary, summaryOperations: { object: note, field: id, function: count } }\n",
    ),
    (
        "note.object.yml",
        "name: note\nenable: { apiMethods: [get] }\nfields:\n  name: { type: text }\n  bell: { type: lookup, reference: bell }\n",
    ),
    (
        "tower.object.yml",
        "name: tower\nfields:\n  name: { type: text }\n  bell: { type: lookup, reference: bell }\n  note: { type: lookup, reference: note }\n  quiet: { type: lookup, reference: quiet }\n",
    ),
    (
        "quiet.object.yml",
        "name: quiet\nenable: { searchable: false }\nfields:\n  name: { type: text }\n",
    ),
    (
        "mute.object.yml",
        "name: mute\nenable: { apiMethods: [get, list, aggregate, export] }\nfields:\n  name: { type: text }\n",
    ),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("gate", json!({ "id": "g1", "name": "north" })),
        ("quiet", json!({ "id": "q1", "name": "whisper" })),
        ("mute", json!({ "id": "m1", "name": "whisper" })),
        (
            "bell",
            json!({ "id": "b1", "name": "big", "main_gate": "g1", "gates": ["g1"] }),
        ),
        ("note", json!({ "id": "n1", "name": "cracked", "bell": "b1" })),
        (
            "tower",
            json!({ "id": "t1", "name": "tall", "bell": "b1", "note": "n1", "quiet": "q1" }),
        ),
    ] {
        world
            .engine
            .create(&world.system, object, fields(record))
            .await
            .unwrap();
    }
    world
}

#[tokio::test]
async fn a_relation_to_a_closed_object_brings_nothing() {
    let world = world().await;
    for (object, query, expected, of_system) in [
        (
            "bell",
            json!({ "fields": ["id"], "expand": { "main_gate": { "fields": ["name"] } } }),
            json!({ "id": "b1", "main_gate": null }),
            json!({ "id": "b1", "main_gate": { "name": "north" } }),
        ),
        (
            "bell",
            json!({ "fields": ["id"], "expand": { "gates": { "fields": ["name"] } } }),
            json!({ "id": "b1", "gates": [] }),
            json!({ "id": "b1", "gates": [{ "name": "north" }] }),
        ),
        // Records that point here are a list of them.
        (
            "bell",
            json!({ "fields": ["id"], "expand": { "note": { "fields": ["name"] } } }),
            json!({ "id": "b1", "note": [] }),
            json!({ "id": "b1", "note": [{ "name": "cracked" }] }),
        ),
        // One that is pointed to is got.
        (
            "tower",
            json!({ "fields": ["id"], "expand": { "note": { "fields": ["name"] } } }),
            json!({ "id": "t1", "note": { "name": "cracked" } }),
            json!({ "id": "t1", "note": { "name": "cracked" } }),
        ),
        // Whatever stands between.
        (
            "tower",
            json!({ "fields": ["id"], "expand": { "bell": { "fields": ["name"], "expand": { "main_gate": { "fields": ["name"] } } } } }),
            json!({ "id": "t1", "bell": { "name": "big", "main_gate": null } }),
            json!({ "id": "t1", "bell": { "name": "big", "main_gate": { "name": "north" } } }),
        ),
        // Words are looked for where that is on.
        (
            "tower",
            json!({ "fields": ["id"], "expand": { "quiet": { "fields": ["name"], "search": { "query": "whisper", "fields": ["name"] } } } }),
            json!({ "id": "t1", "quiet": null }),
            json!({ "id": "t1", "quiet": { "name": "whisper" } }),
        ),
    ] {
        let found = world.query(object, query.clone()).await.unwrap();
        assert_eq!(found["records"], json!([expected]), "{query}");
        let found = world.query_as(&world.system, object, query.clone()).await.unwrap();
        assert_eq!(found["records"], json!([of_system]), "{query}");
    }
    let wanted = from_query_string("select=id&expand=main_gate").unwrap();
    let answer = world.engine.get(&world.local, "bell", "b1", &wanted).await.unwrap();
    let record: Value = serde_json::from_slice(&answer.record).unwrap();
    assert_eq!(record, json!({ "id": "b1", "main_gate": null }));
}

#[tokio::test]
async fn a_path_to_a_closed_object_leads_nowhere() {
    let world = world().await;
    let count = json!([{ "function": "count", "alias": "n" }]);
    for (object, query, code) in [
        ("bell", json!({ "fields": ["main_gate.name"] }), "invalid_field"),
        ("bell", json!({ "fields": ["main_gate.id"] }), "invalid_field"),
        ("bell", json!({ "fields": ["mainGate.name"] }), "invalid_field"),
        ("bell", json!({ "fields": ["_main_gate.name"] }), "invalid_field"),
        ("bell", json!({ "fields": ["main_gate._title"] }), "invalid_field"),
        ("tower", json!({ "fields": ["bell.main_gate.name"] }), "invalid_field"),
        (
            "bell",
            json!({ "where": { "main_gate.name": "north" } }),
            "invalid_field",
        ),
        (
            "bell",
            json!({ "where": { "main_gate": { "name": "north" } } }),
            "invalid_field",
        ),
        (
            "bell",
            json!({ "where": { "name": { "$ne": { "$field": "main_gate.name" } } } }),
            "invalid_field",
        ),
        (
            "bell",
            json!({ "where": { "gates": { "$some": { "name": "north" } } } }),
            "invalid_field",
        ),
        (
            "bell",
            json!({ "where": { "note": { "$none": { "name": "north" } } } }),
            "invalid_field",
        ),
        ("bell", json!({ "orderBy": "main_gate.name" }), "invalid_sort"),
        (
            "bell",
            json!({ "search": { "query": "north", "fields": ["main_gate.name"] } }),
            "invalid_field",
        ),
        (
            "bell",
            json!({ "groupBy": ["main_gate.name"], "aggregations": count }),
            "invalid_field",
        ),
        (
            "bell",
            json!({ "aggregations": [{ "function": "max", "field": "main_gate.name", "alias": "n" }] }),
            "invalid_field",
        ),
        (
            "bell",
            json!({ "windowFunctions": [{ "function": "row_number", "alias": "n", "over": { "orderBy": [{ "field": "main_gate.name" }] } }] }),
            "invalid_field",
        ),
        (
            "bell",
            json!({ "object": "bell", "joins": [{ "type": "inner", "object": "gate", "on": { "main_gate": { "$field": "gate.id" } } }] }),
            "invalid_field",
        ),
        // A join that lists the other records as well is refused by the name of what it needs.
        (
            "bell",
            json!({ "object": "bell", "joins": [{ "type": "right", "object": "gate", "on": { "main_gate": { "$field": "gate.id" } } }] }),
            "permission_denied",
        ),
        (
            "tower",
            json!({ "expand": { "bell": { "where": { "main_gate.name": "north" } } } }),
            "invalid_field",
        ),
    ] {
        let refused = world.query(object, query.clone()).await;
        assert_eq!(failure(refused).0, code, "{query}");
    }
    let wanted = from_query_string("select=main_gate.name").unwrap();
    let refused = world.engine.get(&world.local, "bell", "b1", &wanted).await;
    assert_eq!(failure(refused).0, "invalid_field");
    let export = world.export("bell", wanted, ExportFormat::Json).await;
    assert_eq!(failure(export).0, "invalid_field");
    // The reference itself is the record's own.
    for (object, filter) in [
        ("bell", json!({ "main_gate": "g1", "gates": "g1" })),
        ("tower", json!({ "note.name": "cracked" })),
    ] {
        assert_eq!(
            world.query(object, json!({ "where": filter })).await.unwrap()["total"],
            1,
            "{filter}"
        );
    }
    let path = json!({ "fields": ["main_gate.name"], "where": { "note": { "$some": { "name": "cracked" } } } });
    let found = world.query_as(&world.system, "bell", path).await.unwrap();
    assert_eq!(found["records"], json!([{ "main_gate.name": "north" }]));
}

/// How many records the search over objects finds in one of them, and why it did not look there, if it says so.
async fn looked_in(world: &World, who: &Context, object: &str, search: SearchInput) -> (Value, Value) {
    let request = SearchRequest {
        search,
        objects: vec![object.to_owned()],
        limit: 20,
    };
    let found = world.engine.search(who, &request).await.unwrap();
    (found["counts"][object].clone(), found["skipped"][0]["code"].clone())
}

#[tokio::test]
async fn the_search_over_objects_follows_no_path_to_a_closed_one() {
    let world = world().await;
    let (zero, one, none, refused) = (json!(0), json!(1), Value::Null, json!("invalid_field"));
    for (object, query, filters, expected, of_system) in [
        (
            "bell",
            "big",
            json!({ "main_gate.name": { "$startsWith": "n" } }),
            &none,
            &one,
        ),
        (
            "bell",
            "big",
            json!({ "main_gate.name": { "$startsWith": "x" } }),
            &none,
            &zero,
        ),
        ("bell", "big", json!({ "main_gate": { "name": "north" } }), &none, &one),
        (
            "bell",
            "big",
            json!({ "gates": { "$some": { "name": "north" } } }),
            &none,
            &one,
        ),
        // Records that point here are a list of them.
        (
            "bell",
            "big",
            json!({ "note": { "$some": { "name": { "$startsWith": "c" } } } }),
            &none,
            &one,
        ),
        ("tower", "tall", json!({ "bell.main_gate.name": "north" }), &none, &one),
        // One that is pointed to is got, and the reference itself is the record's own.
        ("tower", "tall", json!({ "note.name": "cracked" }), &one, &one),
        ("bell", "big", json!({ "main_gate": "g1", "gates": "g1" }), &one, &one),
        // What a definition makes of a closed object stays.
        ("bell", "big", json!({ "label": "north", "notes": 1 }), &one, &one),
    ] {
        let search = SearchInput {
            query: query.to_owned(),
            filters: Some(read_filter(&filters).unwrap()),
            ..SearchInput::default()
        };
        let found = looked_in(&world, &world.local, object, search.clone()).await;
        let told = if expected.is_null() { &refused } else { &none };
        assert_eq!((&found.0, &found.1), (expected, told), "{filters}");
        let found = looked_in(&world, &world.system, object, search).await;
        assert_eq!((&found.0, &found.1), (of_system, &none), "{filters}");
    }
    // Nor in texts behind such a path.
    let search = SearchInput {
        query: "north".to_owned(),
        fields: vec!["main_gate.name".to_owned()],
        ..SearchInput::default()
    };
    assert_eq!(
        looked_in(&world, &world.local, "bell", search).await,
        (none.clone(), none)
    );
}

#[tokio::test]
async fn what_a_definition_makes_of_a_closed_object_stays() {
    let world = world().await;
    let query = json!({ "fields": ["label", "notes", "_title"], "where": { "label": "north", "notes": 1 } });
    let found = world.query("bell", query).await.unwrap();
    let expected = json!([{ "label": "north", "notes": 1, "_title": "big of north" }]);
    assert_eq!(found["records"], expected);
}

#[tokio::test]
async fn a_search_beside_another_method_is_a_search() {
    let world = world().await;
    let count = json!([{ "function": "count", "alias": "n" }]);
    let words = json!({ "query": "whisper", "fields": ["name"] });
    for object in ["quiet", "mute"] {
        for query in [
            json!({ "search": words }),
            json!({ "search": words, "aggregations": count }),
            json!({ "search": words, "groupBy": ["name"] }),
        ] {
            let (code, message) = failure(world.query(object, query.clone()).await);
            assert_eq!(code, "permission_denied", "{query}");
            assert_eq!(message, format!("object '{object}' does not allow 'search'"));
            let found = world.query_as(&world.system, object, query).await.unwrap();
            assert_eq!(found["total"], 1);
        }
        let searched = QueryInput::from_map(&fields(json!({ "search": words }))).unwrap();
        let export = world.export(object, searched, ExportFormat::Json).await;
        assert_eq!(failure(export).0, "permission_denied");
        let counted = world.query(object, json!({ "aggregations": count })).await.unwrap();
        assert_eq!(counted["records"], json!([{ "n": 1 }]));
        world
            .export(object, QueryInput::default(), ExportFormat::Json)
            .await
            .unwrap();
    }
}
