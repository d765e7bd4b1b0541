//! The main job: YAML in, a running API out.

use objectos_tests::{Client, Host, HostBuilder};
use serde_json::{Value, json};

fn crm() -> Host {
    HostBuilder::new().example("crm").start()
}

fn query(client: &mut Client, path: &str) -> Value {
    client.get(path).expect(200)
}

#[test]
fn records_are_made_read_changed_and_deleted() {
    let host = crm();
    let mut client = host.client();
    let made = client
        .send(
            "POST",
            "/api/v1/data/account",
            &json!({"name": "Initech", "industry": "software"}),
        )
        .expect(201);
    let id = made["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        (&made["object"], &made["record"]["name"]),
        (&json!("account"), &json!("Initech"))
    );
    let path = format!("/api/v1/data/account/{id}");
    assert_eq!(query(&mut client, &path)["record"]["industry"], "software");
    let changed = client.send("PATCH", &path, &json!({"name": "Initrode"})).expect(200);
    assert_eq!(
        (&changed["record"]["name"], &changed["record"]["industry"]),
        (&json!("Initrode"), &json!("software"))
    );
    assert_eq!(changed["record"]["created_at"], made["record"]["created_at"]);
    let deleted = client.send("DELETE", &path, &Value::Null).expect(200);
    assert_eq!((&deleted["success"], &deleted["deleted"]), (&json!(true), &json!(true)));
    for method in ["GET", "PATCH", "DELETE"] {
        let body = if method == "PATCH" {
            json!({"name": "x"})
        } else {
            Value::Null
        };
        let missing = client.send(method, &path, &body).expect(404);
        assert_eq!(
            (&missing["success"], &missing["code"]),
            (&json!(false), &json!("record_not_found")),
            "{method}"
        );
    }
}

#[test]
fn lists_filter_sort_select_and_page_with_true_totals() {
    let host = crm();
    let mut client = host.client();
    let all = query(&mut client, "/api/v1/data/account?top=1");
    let total = all["total"].as_u64().expect("a total");
    assert!(total >= 20, "the example brings accounts: {total}");
    assert_eq!(
        (all["records"].as_array().map(Vec::len), &all["hasMore"]),
        (Some(1), &json!(true))
    );
    let industry = all["records"][0]["industry"].as_str().expect("an industry").to_owned();
    let filtered = query(
        &mut client,
        &format!("/api/v1/data/account?industry={industry}&top=1000"),
    );
    let records = filtered["records"].as_array().expect("records");
    assert!(!records.is_empty() && records.iter().all(|record| record["industry"] == *industry));
    assert_eq!(filtered["total"].as_u64(), u64::try_from(records.len()).ok());
    let sorted = query(&mut client, "/api/v1/data/account?sort=-name&select=name&top=1000");
    let names: Vec<&str> = sorted["records"]
        .as_array()
        .expect("records")
        .iter()
        .filter_map(|record| record["name"].as_str())
        .collect();
    let mut expected = names.clone();
    expected.sort_unstable_by(|left, right| right.cmp(left));
    assert_eq!(names, expected);
    assert!(sorted["records"][0].get("industry").is_none());
    let last = query(&mut client, &format!("/api/v1/data/account?skip={}&top=10", total - 1));
    assert_eq!(
        (last["records"].as_array().map(Vec::len), &last["hasMore"]),
        (Some(1), &json!(false))
    );
    let body = json!({"where": {"name": {"$startsWith": names[0]}}, "orderBy": [{"field": "name", "order": "asc"}], "limit": 5});
    let found = client.send("POST", "/api/v1/data/account/query", &body).expect(200);
    assert!(
        found["records"]
            .as_array()
            .expect("records")
            .iter()
            .any(|record| record["name"] == names[0])
    );
}

#[test]
fn formulas_are_computed_and_relations_hold() {
    let host = crm();
    let mut client = host.client();
    let opportunities = query(&mut client, "/api/v1/data/opportunity?top=20");
    for record in opportunities["records"].as_array().expect("records") {
        let (amount, probability) = (record["amount"].as_f64(), record["probability"].as_f64());
        if let (Some(amount), Some(probability)) = (amount, probability) {
            let expected = amount * probability / 100.0;
            let computed = record["expected_revenue"].as_f64().expect("a computed number");
            assert!((computed - expected).abs() < 0.01, "{record}");
        }
    }
    let account = &opportunities["records"][0]["account"];
    let parent = query(
        &mut client,
        &format!("/api/v1/data/account/{}", account.as_str().expect("an id")),
    );
    assert_eq!(&parent["record"]["id"], account);
    let orphan = json!({"name": "Orphan", "account": "no_such_account", "stage": opportunities["records"][0]["stage"]});
    let refused = client.send("POST", "/api/v1/data/opportunity", &orphan);
    assert_eq!(refused.status, 400, "{}", String::from_utf8_lossy(&refused.body));
}

#[test]
fn errors_have_one_shape_and_name_every_field() {
    let host = crm();
    let mut client = host.client();
    let check = |client: &mut Client, method: &str, path: &str, body: &Value, status: u16, code: &str| {
        let error = client.send(method, path, body).expect(status);
        assert_eq!(
            (&error["success"], &error["code"], &error["error"]["code"]),
            (&json!(false), &json!(code), &json!(code)),
            "{error:#}"
        );
        assert!(
            error["error"]["message"].is_string() && error["message"].is_string(),
            "{error:#}"
        );
        assert!(error["error"]["requestId"].is_string(), "{error:#}");
        error
    };
    check(
        &mut client,
        "GET",
        "/api/v1/data/nothing",
        &Value::Null,
        404,
        "object_not_found",
    );
    check(
        &mut client,
        "GET",
        "/api/v1/nothing",
        &Value::Null,
        404,
        "endpoint_not_found",
    );
    check(
        &mut client,
        "GET",
        "/api/v1/data/account?filter=%7Bnonsense",
        &Value::Null,
        400,
        "invalid_filter",
    );
    check(
        &mut client,
        "GET",
        "/api/v1/data/account?sort=nonsense",
        &Value::Null,
        400,
        "invalid_sort",
    );
    let error = check(
        &mut client,
        "POST",
        "/api/v1/data/account",
        &json!({"industry": "no such"}),
        400,
        "validation_error",
    );
    let fields: Vec<&str> = error["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .filter_map(|field| field["field"].as_str())
        .collect();
    assert!(fields.contains(&"name") && fields.contains(&"industry"), "{error:#}");
}

#[test]
fn metadata_is_served_with_etags() {
    let host = crm();
    let mut client = host.client();
    let types = query(&mut client, "/api/v1/meta");
    assert!(
        types["types"].as_array().expect("types").contains(&json!("object")),
        "{types}"
    );
    let list = query(&mut client, "/api/v1/meta/object");
    assert!(
        list["items"]
            .as_array()
            .expect("items")
            .iter()
            .any(|item| item["name"] == "opportunity")
    );
    let item = client.get("/api/v1/meta/object/account");
    let etag = item.header("etag").expect("an ETag").to_owned();
    let definition = item.expect(200);
    assert_eq!(definition["fields"]["name"]["type"], "text");
    assert_eq!(definition["item"]["fields"], definition["fields"]);
    let again = client
        .request("GET", "/api/v1/meta/object/account", &[("if-none-match", &etag)], b"")
        .expect("an answer");
    assert_eq!((again.status, again.body.len()), (304, 0));
    client.get("/api/v1/meta/object/nothing").expect(404);
}

#[test]
fn older_spellings_are_aliases() {
    let host = crm();
    let mut client = host.client();
    let list = query(&mut client, "/api/data/account");
    assert_eq!(list["success"], true, "{list}");
    assert!(
        list["data"].as_array().is_some_and(|records| !records.is_empty()),
        "{list}"
    );
    let definition = query(&mut client, "/api/metadata/objects/account");
    assert_eq!(definition["success"], true, "{definition}");
}

#[test]
fn discovery_health_and_plugins_tell_what_is_here() {
    let host = crm();
    let mut client = host.client();
    for path in ["/api/v1", "/api/v1/discovery"] {
        let discovery = query(&mut client, path);
        assert_eq!(discovery["routes"]["data"], "/api/v1/data", "{path}");
        assert!(discovery.get("data").is_none(), "the bare form has no key data");
    }
    assert_eq!(
        query(&mut client, "/.well-known/objectstack")["data"]["routes"]["metadata"],
        "/api/v1/meta"
    );
    query(&mut client, "/health");
    query(&mut client, "/ready");
    for id in ["objectos.data", "objectos.server"] {
        let plugin = host.plugin(id);
        assert_eq!(plugin["state"], "running", "{plugin:#}");
        assert_eq!(plugin["sha256"].as_str().map(str::len), Some(64), "{plugin:#}");
    }
}

#[test]
fn data_stays_over_a_restart_and_seeds_do_not_double() {
    let mut host = crm();
    let before = query(&mut host.client(), "/api/v1/data/account?top=0")["total"].clone();
    let made = host
        .client()
        .send("POST", "/api/v1/data/account", &json!({"name": "Stays"}))
        .expect(201);
    assert_eq!(host.terminate(), Some(0));
    host.restart_stopped();
    let mut client = host.client();
    let id = made["id"].as_str().expect("an id");
    assert_eq!(
        query(&mut client, &format!("/api/v1/data/account/{id}"))["record"]["name"],
        "Stays"
    );
    let after = query(&mut client, "/api/v1/data/account?top=0")["total"].as_u64();
    assert_eq!(after, before.as_u64().map(|count| count + 1));
}
