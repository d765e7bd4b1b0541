//! Text search: in one object and across all of them, by a text index where there is one.

mod narrowed;

use std::sync::Arc;

use objectos_data::access::{Access, Plan};
use objectos_data::engine::SearchRequest;
use objectos_data::query::SearchInput;
use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess, Operation};
use objectos_plugin_api::{Context, PrincipalKind};
use serde_json::{Value, json};

use crate::world::{World, allowed, failure, principal};

const FILES: [(&str, &str); 3] = [
    (
        "company.object.yml",
        "name: company\nfields:\n  name: { type: text, searchable: true }\n  note: { type: textarea, searchable: true }\n  code: { type: text }\n",
    ),
    (
        "person.object.yml",
        "name: person\ntitleFormat: '{first} {last}'\nfields:\n  first: { type: text, searchable: true }\n  last: { type: text, searchable: true }\n",
    ),
    // Nothing is declared: its short texts are looked at, without an index.
    ("plain.object.yml", "name: plain\nfields:\n  name: { type: text }\n"),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        (
            "company",
            json!({ "id": "c1", "name": "Acme GmbH", "note": "makes anvils & <rockets>", "code": "hidden" }),
        ),
        (
            "company",
            json!({ "id": "c2", "name": "Beta AG", "note": "buys from Acme" }),
        ),
        (
            "company",
            json!({ "id": "c3", "name": "Größe 100%", "note": "北京 office" }),
        ),
        ("person", json!({ "id": "p1", "first": "Ann", "last": "Acmeson" })),
        ("plain", json!({ "id": "x1", "name": "an acme thing" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    world
}

async fn ids(world: &World, search: Value) -> String {
    let found = world
        .query("company", json!({ "search": search, "fields": ["id"] }))
        .await
        .unwrap_or_else(|error| panic!("{search}: {error}"));
    let records = found["records"].as_array().unwrap();
    assert_eq!(found["total"], records.len(), "{search}");
    let ids: Vec<&str> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    ids.join(" ")
}

#[tokio::test]
async fn words_are_found_from_their_beginning_whatever_the_case() {
    let world = world().await;
    for (search, expected) in [
        (json!("acme"), "c1 c2"),
        (json!("ACM"), "c1 c2"),
        (json!("cme"), ""),
        (json!({ "query": "cme", "fuzzy": true }), "c1 c2"),
        (json!({ "query": "rokcets", "fuzzy": true }), "c1"),
        (json!({ "query": "akme gmbh", "fuzzy": true, "operator": "and" }), "c1"),
        (json!({ "query": "akme beta", "fuzzy": true, "operator": "and" }), "c2"),
        (json!({ "query": "akme", "fuzzy": true, "fields": ["note"] }), "c2"),
        (json!({ "query": "hiddne", "fuzzy": true, "fields": ["code"] }), "c1"),
        (json!({ "query": "ck", "fuzzy": true }), "c1"),
        (json!("\"buys from\""), "c2"),
        (json!("\"from buys\""), ""),
        (json!("\"makes anv\" nothing"), "c1"),
        (json!({ "query": "\"hid den\"", "fields": ["code"] }), ""),
        (json!({ "query": "acme", "boost": { "note": 2 } }), "c2 c1"),
        (
            json!({ "query": "acme", "boost": { "note": 2 }, "minScore": 0.6 }),
            "c2",
        ),
        (json!({ "query": "acme", "minScore": 1 }), "c1 c2"),
        (json!({ "query": "ac", "minScore": 0.7 }), ""),
        (json!({ "query": "grosse", "fuzzy": true }), "c3"),
        (json!("acme beta"), "c1 c2"),
        (json!({ "query": "acme beta", "operator": "and" }), "c2"),
        (json!({ "query": "acme", "fields": ["name"] }), "c1"),
        (json!({ "query": "hidden" }), ""),
        (json!({ "query": "hidden", "fields": ["code"] }), "c1"),
        (json!("größe"), "c3"),
        (json!("100%"), "c3"),
        (json!("%"), "c3"),
        (json!("北京"), "c3"),
        (json!({ "query": "北京 office", "operator": "and" }), "c3"),
        (json!("\""), ""),
        (json!("acme* OR NOT (x"), "c1 c2"),
        (json!("   "), "c1 c2 c3"),
    ] {
        assert_eq!(ids(&world, search.clone()).await, expected, "{search}");
    }
}

#[tokio::test]
async fn the_index_follows_every_change() {
    let world = world().await;
    world.update("company", "c1", json!({ "name": "Omega" })).await.unwrap();
    assert_eq!(ids(&world, json!("acme")).await, "c2");
    assert_eq!(ids(&world, json!("omega")).await, "c1");
    world
        .update("company", "c1", json!({ "name": null, "code": "x" }))
        .await
        .unwrap();
    assert_eq!(ids(&world, json!("omega")).await, "");
    assert_eq!(ids(&world, json!("anvils")).await, "c1");
    world.engine.delete(&world.local, "company", "c2").await.unwrap();
    assert_eq!(ids(&world, json!("acme beta")).await, "");
    let folder = world.close().await;
    // Opened again, with another field in the index, and filled from the rows that are there.
    let files = [
        (
            "company.object.yml",
            "name: company\nfields:\n  name: { type: text, searchable: true }\n  note: { type: textarea, searchable: true }\n  code: { type: text, searchable: true }\n",
        ),
        FILES[1],
        FILES[2],
    ];
    let world = World::at(folder, &files).await;
    assert_eq!(ids(&world, json!("anvils x")).await, "c1");
    assert_eq!(ids(&world, json!({ "query": "x", "fields": ["code"] })).await, "c1");
}

#[tokio::test]
async fn hits_are_shown_where_it_is_asked_for() {
    let world = world().await;
    let query = json!({ "search": { "query": "acme rockets", "highlight": true }, "fields": ["id"] });
    let found = world.query("company", query).await.unwrap();
    let expected = json!([
        { "id": "c1", "_highlights": { "name": "<mark>Acme</mark> GmbH", "note": "makes anvils &amp; &lt;<mark>rockets</mark>&gt;" } },
        { "id": "c2", "_highlights": { "note": "buys from <mark>Acme</mark>" } },
    ]);
    assert_eq!(found["records"], expected);
}

#[tokio::test]
async fn hits_are_rated_the_same_in_every_order() {
    let world = world().await;
    let search = json!({ "query": "acme", "boost": { "note": 2 } });
    let query = |more: Value| {
        let mut query = json!({ "search": search, "fields": ["id"] });
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        query
    };
    let found = world
        .query("company", query(json!({ "orderBy": [{ "field": "name" }] })))
        .await
        .unwrap();
    let expected = json!([{ "id": "c1", "_score": 0.5 }, { "id": "c2", "_score": 1 }]);
    assert_eq!(found["records"], expected);
    // Page by page, the best first, and back again.
    let first = world.query("company", query(json!({ "limit": 1 }))).await.unwrap();
    assert_eq!(first["records"], json!([{ "id": "c2", "_score": 1 }]));
    assert_eq!((&first["total"], &first["hasMore"]), (&json!(2), &json!(true)));
    let next = json!({ "limit": 1, "cursor": first["nextCursor"] });
    let second = world.query("company", query(next)).await.unwrap();
    assert_eq!(second["records"], json!([{ "id": "c1", "_score": 0.5 }]));
    assert_eq!(
        (&second["hasMore"], &second["nextCursor"]),
        (&json!(false), &Value::Null)
    );
    let back = json!({ "limit": 1, "cursor": { "before": second["prevCursor"] } });
    let again = world.query("company", query(back)).await.unwrap();
    assert_eq!(again["records"], first["records"]);
    let figures = json!({ "search": { "query": "akme", "fuzzy": true },
        "aggregations": [{ "function": "count", "alias": "number" }] });
    let found = world.query("company", figures).await.unwrap();
    assert_eq!(found["records"], json!([{ "number": 2 }]));
}

#[tokio::test]
async fn what_a_search_cannot_do_it_says() {
    let world = world().await;
    for (search, code, part) in [
        (
            json!({ "query": "a", "language": "klingonese" }),
            "invalid_query",
            "'search.language'",
        ),
        (
            json!({ "query": "a", "filters": { "name": { "$resembles": 1 } } }),
            "invalid_filter",
            "'search.filters': unknown operator '$resembles'",
        ),
        (
            json!({ "query": "a", "filters": { "name": { "$near": 1 } } }),
            "invalid_filter",
            "$near at 'name' stands at the top of the filter of the object itself",
        ),
        (
            json!({ "query": "a", "minscore": 1 }),
            "invalid_query",
            "did you mean 'minScore'",
        ),
        (
            json!({ "query": "a", "minScore": 2 }),
            "invalid_query",
            "'search.minScore'",
        ),
        (
            json!({ "query": "a", "boost": { "name": 0 } }),
            "invalid_query",
            "'search.boost.name'",
        ),
        (
            json!({ "query": "a", "boost": { "code": 2 } }),
            "invalid_query",
            "these are: name, note",
        ),
    ] {
        let (found, message) = failure(world.query("company", json!({ "search": search.clone() })).await);
        assert_eq!(found, code, "{search}: {message}");
        assert!(message.contains(part), "{search}: {message}");
    }
}

#[tokio::test]
async fn words_are_read_the_same_in_every_language() {
    let world = world().await;
    for (query, expected) in [
        ("anvil", "c1"),
        ("buying", ""),
        ("grosse", ""),
        ("größe", "c3"),
        ("北京", "c3"),
    ] {
        for language in [Value::Null, json!("en"), json!("de-CH"), json!("zh")] {
            let search = json!({ "query": query, "language": language });
            assert_eq!(ids(&world, search.clone()).await, expected, "{search}");
        }
    }
}

fn wanted(query: &str) -> SearchRequest {
    SearchRequest {
        search: SearchInput {
            query: query.to_owned(),
            all_words: true,
            ..SearchInput::default()
        },
        objects: Vec::new(),
        limit: 20,
    }
}

fn summary(found: &Value) -> Vec<String> {
    let text = |hit: &Value, key: &str| hit[key].as_str().unwrap_or_default().to_owned();
    let hits = found["hits"].as_array().unwrap();
    hits.iter()
        .map(|hit| format!("{} {}: {}", text(hit, "object"), text(hit, "id"), text(hit, "title")))
        .collect()
}

#[tokio::test]
async fn one_search_looks_in_all_objects() {
    let world = world().await;
    let found = world.engine.search(&world.local, &wanted("acme")).await.unwrap();
    // A whole word in the title, then a whole word elsewhere or in a longer title, then a beginning.
    assert_eq!(
        summary(&found),
        [
            "company c1: Acme GmbH",
            "plain x1: an acme thing",
            "person p1: Ann Acmeson",
            "company c2: Beta AG"
        ]
    );
    assert_eq!(found["hits"][0]["score"], 1);
    assert_eq!(
        found["hits"][2]["highlights"],
        json!({ "last": "<mark>Acme</mark>son" })
    );
    assert_eq!((&found["total"], &found["hasMore"]), (&json!(4), &json!(false)));
    let narrow = SearchRequest {
        objects: vec!["person".to_owned()],
        ..wanted("acme")
    };
    assert_eq!(
        summary(&world.engine.search(&world.local, &narrow).await.unwrap()),
        ["person p1: Ann Acmeson"]
    );
    let cut = SearchRequest {
        limit: 1,
        ..wanted("acme")
    };
    let found = world.engine.search(&world.local, &cut).await.unwrap();
    assert_eq!((summary(&found).len(), &found["hasMore"]), (1, &json!(true)));
    let mut near = wanted("acem");
    near.search.fuzzy = true;
    assert_eq!(
        summary(&world.engine.search(&world.local, &near).await.unwrap()),
        [
            "company c1: Acme GmbH",
            "plain x1: an acme thing",
            "company c2: Beta AG"
        ]
    );
    near.search.min_score = Some(0.4);
    let found = world.engine.search(&world.local, &near).await.unwrap();
    assert_eq!((summary(&found).len(), &found["total"]), (2, &json!(2)));
    let unknown = SearchRequest {
        objects: vec!["persn".to_owned()],
        ..wanted("acme")
    };
    assert_eq!(
        failure(world.engine.search(&world.local, &unknown).await).0,
        "object_not_found"
    );
    assert_eq!(
        failure(world.engine.search(&world.local, &wanted(" ")).await).0,
        "invalid_query"
    );
}

#[tokio::test]
async fn what_may_not_be_seen_is_not_found() {
    let world = world().await;
    let plan = |filter: Option<Value>, readable: FieldAccess| {
        let plan = AccessPlan {
            allowed: true,
            filter,
            readable,
            ..AccessPlan::default()
        };
        Access::Planned(Arc::new(Plan::read(plan).unwrap()))
    };
    let eve: Context = principal("eve", PrincipalKind::User, None);
    let nothing = world.engine.search(&eve, &wanted("acme")).await.unwrap();
    assert_eq!((summary(&nothing).len(), &nothing["objects"]), (0, &json!([])));
    world.permissions.allow(
        "eve",
        "company",
        Operation::Read,
        plan(
            Some(json!({ "id": { "$ne": "c1" } })),
            FieldAccess::Except(vec!["note".to_owned()]),
        ),
    );
    // The record is not hers to see, and the word stands in a field that is not.
    assert_eq!(
        summary(&world.engine.search(&eve, &wanted("acme")).await.unwrap()),
        Vec::<String>::new()
    );
    assert_eq!(
        summary(&world.engine.search(&eve, &wanted("beta")).await.unwrap()),
        ["company c2: Beta AG"]
    );
    let hidden = json!({ "search": { "query": "acme", "fields": ["note"] } });
    assert_eq!(
        failure(world.query_as(&eve, "company", hidden).await).0,
        "invalid_field"
    );
    let near = json!({ "search": { "query": "akme betta", "fuzzy": true }, "fields": ["id"] });
    let found = world.query_as(&eve, "company", near).await.unwrap();
    assert_eq!(found["records"], json!([{ "id": "c2", "_score": 0.25 }]));
    let weighed = json!({ "search": { "query": "acme", "boost": { "note": 2 } } });
    let (code, message) = failure(world.query_as(&eve, "company", weighed).await);
    assert_eq!(code, "invalid_query");
    assert!(message.ends_with("these are: name"), "{message}");
}

#[tokio::test]
async fn a_title_says_what_lies_behind_a_relation() {
    let world = World::new(&[
        (
            "firm.object.yml",
            "name: firm\nfields:\n  name: { type: text }\n",
        ),
        (
            "desk.object.yml",
            "name: desk\ntitleFormat: '{number} ({firm.name})'\nfields:\n  number: { type: text, searchable: true }\n  firm: { type: lookup, reference: firm }\n",
        ),
    ])
    .await;
    for (object, record) in [
        ("firm", json!({ "id": "f1", "name": "Acme" })),
        ("desk", json!({ "id": "d1", "number": "seven", "firm": "f1" })),
        ("desk", json!({ "id": "d2", "number": "seven b" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    world.permissions.allow("ann", "desk", Operation::Read, allowed(None));
    let ann = principal("ann", PrincipalKind::User, None);
    // Who may not read the firm does not learn its name.
    let cases = [
        (&world.local, ["desk d1: seven (Acme)", "desk d2: seven b ()"]),
        (&ann, ["desk d1: seven ()", "desk d2: seven b ()"]),
    ];
    for (who, expected) in cases {
        let found = world.engine.search(who, &wanted("seven")).await.unwrap();
        let mut titles = summary(&found);
        titles.sort();
        assert_eq!(titles, expected);
    }
    // Nor does she find the desk by it.
    let behind = |fuzzy: bool| json!({ "search": { "query": "acme", "fields": ["firm.name"], "fuzzy": fuzzy } });
    for fuzzy in [false, true] {
        let found = world.query("desk", behind(fuzzy)).await.unwrap();
        assert_eq!(found["records"][0]["id"], "d1");
        let refused = world.query_as(&ann, "desk", behind(fuzzy)).await;
        assert_eq!(failure(refused).0, "invalid_field");
    }
}

#[tokio::test]
async fn the_best_of_many_hits_are_found_and_all_are_counted() {
    let world = World::new(&FILES).await;
    for number in 0..230 {
        let record = json!({ "id": format!("c{number:03}"), "name": format!("Acmeson {number}") });
        world.create("company", record).await.unwrap();
    }
    // The last in every order but that of how well it fits.
    world
        .create("company", json!({ "id": "z", "name": "Acme" }))
        .await
        .unwrap();
    world
        .create("plain", json!({ "id": "x", "name": "acme" }))
        .await
        .unwrap();
    let found = world.engine.search(&world.local, &wanted("acme")).await.unwrap();
    assert_eq!(summary(&found)[..2], ["company z: Acme", "plain x: acme"]);
    assert_eq!(
        (&found["total"], &found["counts"], &found["hasMore"]),
        (
            &json!(232),
            &json!({ "company": 231, "person": 0, "plain": 1 }),
            &json!(true)
        )
    );
}

#[tokio::test]
async fn an_object_that_cannot_answer_is_told_of_beside_the_others() {
    let world = world().await;
    let mut weighed = wanted("acme");
    weighed.search.boost = vec![("note".to_owned(), 2.0)];
    let found = world.engine.search(&world.local, &weighed).await.unwrap();
    assert_eq!((&found["objects"], &found["total"]), (&json!(["company"]), &json!(2)));
    let skipped = found["skipped"].as_array().unwrap();
    let objects: Vec<&Value> = skipped.iter().map(|one| &one["object"]).collect();
    assert_eq!(objects, [&json!("person"), &json!("plain")]);
    assert_eq!(skipped[0]["code"], "invalid_query");
    assert!(
        skipped[0]["message"].as_str().unwrap().contains("search.boost.note"),
        "{found}"
    );
}
