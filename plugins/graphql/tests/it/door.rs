//! One request after the other.

use serde_json::{Value, json};
use std::sync::atomic::Ordering;

use crate::world::World;

#[tokio::test]
async fn a_list_with_what_hangs_on_it_is_one_call_and_each_count_one_more() {
    let world = World::new("test", json!({})).await;
    let query = "{ findAccounts(filter: {industry: {eq: _24h}}, sort: {field: \"name\", direction: DESC}, limit: 2) {
        totalCount pageSize offset hasMore nextCursor
        data { id kind: industry contacts(limit: 2) { totalCount hasMore data { name: last_name } } } } }";
    let data = world.data(query).await;
    let expected = json!({ "totalCount": 9, "pageSize": 2, "offset": 0, "hasMore": true, "nextCursor": "next", "data": [
        { "id": "a1", "kind": "_24h", "contacts": { "totalCount": 7, "hasMore": true, "data": [{ "name": "Ba" }, { "name": "Bo" }] } },
        { "id": "a2", "kind": null, "contacts": { "totalCount": 0, "hasMore": false, "data": [] } }] });
    assert_eq!(data["findAccounts"], expected);
    let asked = world.records.take();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let first = json!({ "object": "account", "query": {
        "fields": ["id", "industry"], "where": { "industry": { "$eq": "24h" } },
        "orderBy": [{ "field": "name", "order": "desc" }], "limit": 2, "count": true,
        "expand": { "contact:account": { "fields": ["id", "last_name"], "limit": 3 } } } });
    assert_eq!(asked[0], ("find".to_owned(), "ann".to_owned(), first));
    let second = &asked[1].2;
    assert_eq!(second["object"], "contact");
    assert_eq!(second["query"]["where"], json!({ "account": { "$in": ["a1", "a2"] } }));
}

#[tokio::test]
async fn two_pages_of_one_relation_are_two_calls_and_the_same_page_twice_is_one() {
    let world = World::new("test", json!({})).await;
    world
        .data("{ findAccounts { data { a: contacts { data { id } } b: contacts { data { last_name } } } } }")
        .await;
    assert_eq!(world.records.take().len(), 1);
    world
        .data("{ findAccounts { data { a: contacts { data { id } } b: contacts(limit: 1) { data { id } } } } }")
        .await;
    assert_eq!(world.records.take().len(), 2);
}

#[tokio::test]
async fn a_record_that_is_not_there_is_null_and_an_error_has_a_path_a_code_and_its_fields() {
    let world = World::new("test", json!({})).await;
    assert_eq!(
        world.data("{ getAccount(id: \"gone\") { name } }").await,
        json!({ "getAccount": null })
    );
    let (status, answer) = world
        .post(&json!({ "query": "{ all: findContacts { data { id } } }" }))
        .await;
    assert_eq!((status, &answer["data"]), (200, &json!({ "all": null })));
    let error = &answer["errors"][0];
    assert_eq!(error["message"], "no permission to read 'contact'");
    assert_eq!(
        (&error["path"], &error["extensions"]["code"]),
        (&json!(["all"]), &json!("permission_denied"))
    );
    let (_, answer) = world
        .post(&json!({ "query": "mutation { createAccount(input: {}) { id } }" }))
        .await;
    assert_eq!(
        answer["errors"][0]["extensions"]["fieldErrors"][0]["field"], "name",
        "{answer}"
    );
}

#[tokio::test]
async fn changes_run_one_after_the_other_and_their_answers_are_used() {
    let world = World::new("test", json!({})).await;
    let query = "mutation {
        one: createAccount(input: {name: \"A\", industry: _24h}) { id industry }
        two: updateAccount(id: \"a1\", input: {name: \"B\"}, version: \"v\") { name }
        three: deleteAccount(id: \"a1\") { success message }
        four: createAccounts(inputs: [{name: \"C\"}, {name: \"D\"}]) { id name } }";
    let data = world.data(query).await;
    assert_eq!(data["one"], json!({ "id": "a3", "industry": "_24h" }));
    assert_eq!(data["two"], json!({ "name": "Changed" }));
    assert_eq!(data["three"]["success"], true);
    assert_eq!(
        data["four"],
        json!([{ "id": "n0", "name": "C" }, { "id": "n1", "name": "D" }])
    );
    let asked = world.records.take();
    let methods: Vec<&str> = asked.iter().map(|(method, _, _)| method.as_str()).collect();
    assert_eq!(methods, ["create", "update", "delete", "transaction"]);
    assert_eq!(asked[0].2["record"], json!({ "name": "A", "industry": "24h" }));
    assert_eq!(asked[1].2["expectedVersion"], "v");
    assert!(asked.iter().all(|(_, user, _)| user == "ann"), "{asked:?}");
}

#[tokio::test]
async fn what_cannot_run_is_refused_before_anything_is_asked() {
    let world = World::new("production", json!({ "maxDepth": 3 })).await;
    let check = async |query: Value, status: u16, code: &str| {
        let (found, answer) = world.post(&query).await;
        assert_eq!(
            (found, &answer["errors"][0]["extensions"]["code"]),
            (status, &json!(code)),
            "{query}: {answer}"
        );
        assert!(
            answer["errors"][0]["message"].is_string() && answer.get("data").is_none(),
            "{query}: {answer}"
        );
    };
    check(json!({}), 400, "invalid_query").await;
    check(json!({ "query": "{ nothing }" }), 400, "invalid_query").await;
    check(
        json!({ "query": "{ __schema { queryType { name } } }" }),
        403,
        "permission_denied",
    )
    .await;
    check(
        json!({ "query": "{ findAccounts { data { contacts { totalCount } } } }" }),
        400,
        "invalid_query",
    )
    .await;
    check(
        json!({ "query": "query ($id: ID!) { getAccount(id: $id) { id } }" }),
        400,
        "invalid_query",
    )
    .await;
    check(
        json!({ "query": "{ findAccounts(filter: {industry: {eq: railways}}) { totalCount } }" }),
        400,
        "invalid_query",
    )
    .await;
    assert_eq!(
        world
            .get("query=mutation%7BdeleteAccount(id:1)%7Bsuccess%7D%7D")
            .await
            .status,
        405
    );
    assert_eq!(world.get("").await.status, 400);
    assert!(world.records.take().is_empty());
    assert_eq!(world.get("query=%7BgetAccount(id:1)%7Bname%7D%7D").await.status, 200);
}

#[tokio::test]
async fn two_fields_under_one_name_are_refused_wherever_they_stand() {
    let world = World::new("test", json!({})).await;
    for data in [
        "x: contacts { totalCount } ... on Account { x: contacts(limit: 1) { totalCount } }",
        "x: name ... on Account { x: industry }",
        "x: name ... on Account { x: contacts { totalCount } }",
        "contacts { data { y: last_name } } contacts { data { y: account { id } } }",
        "contacts { data { y: account { id } } } contacts { data { y: last_name } }",
        "contacts { y: totalCount } contacts { y: hasMore }",
    ] {
        let query = format!("{{ findAccounts(limit: 2) {{ data {{ {data} }} }} }}");
        let (_, answer) = world.post(&json!({ "query": query })).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "invalid_query", "{query}: {answer}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("two different fields"), "{query}: {answer}");
        assert!(world.records.take().is_empty(), "{query}");
    }
    let twice = "x: name ... on Account { x: name } contacts { totalCount } contacts { hasMore }";
    world
        .data(&format!("{{ findAccounts(limit: 2) {{ data {{ {twice} }} }} }}"))
        .await;
}

#[tokio::test]
async fn what_is_no_filter_and_no_record_is_asked_of_nobody() {
    let world = World::new("test", json!({})).await;
    for query in [
        "{ findAccounts(filter: \"Acme\") { totalCount } }",
        "{ findAccounts(filter: {name: \"Acme\"}) { totalCount } }",
        "{ findAccounts(sort: \"name\") { totalCount } }",
        "{ aggregateAccounts(aggregations: {function: count}, sort: \"count\") }",
        "mutation { createAccount(input: \"Acme\") { id } }",
        "mutation { createAccounts(inputs: [\"Acme\"]) { id } }",
    ] {
        let (_, answer) = world.post(&json!({ "query": query })).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "invalid_query",
            "{query}: {answer}"
        );
        assert!(world.records.take().is_empty(), "{query}");
    }
}

#[tokio::test]
async fn in_development_there_are_a_page_and_the_schema() {
    let world = World::new("development", json!({})).await;
    let page = world.get("").await;
    let kind = page.headers.iter().find(|(name, _)| name == "content-type").unwrap();
    assert_eq!((page.status, kind.1.as_str()), (200, "text/html; charset=utf-8"));
    let data = world.data("{ __type(name: \"Account\") { fields { name } } }").await;
    assert!(data["__type"]["fields"].to_string().contains("industry"), "{data}");
}

#[tokio::test]
async fn another_version_of_the_metadata_makes_another_schema() {
    let world = World::new("test", json!({})).await;
    let query = json!({ "query": "{ getAccount(id: \"a1\") { motto } }" });
    assert_eq!(world.post(&query).await.0, 400);
    world.definitions.0.store(2, Ordering::SeqCst);
    let (status, answer) = world.post(&query).await;
    assert_eq!(
        (status, &answer["data"]["getAccount"]["motto"]),
        (200, &Value::Null),
        "{answer}"
    );
}
