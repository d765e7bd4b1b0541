//! GraphQL over the CRM example through the real host: the same records, totals, refusals and words as over REST.

mod access;

use objectos_tests::{Client, Host, HostBuilder};
use serde_json::{Value, json};

fn crm() -> Host {
    HostBuilder::new().plugin("graphql").example("crm").start()
}

fn send(client: &mut Client, query: &str, variables: &Value) -> Value {
    let body = json!({ "query": query, "variables": variables });
    client.send("POST", "/api/v1/graphql", &body).expect(200)
}

/// Runs a query that is answered without an error.
fn data(client: &mut Client, query: &str) -> Value {
    let answer = send(client, query, &Value::Null);
    assert!(answer.get("errors").is_none(), "{query}: {answer}");
    answer["data"].clone()
}

fn rest(client: &mut Client, object: &str, body: &Value) -> Value {
    client
        .send("POST", &format!("/api/v1/data/{object}/query"), body)
        .expect(200)
}

#[test]
fn a_query_leads_over_relations_both_ways() {
    let host = crm();
    let mut client = host.client();
    let found = data(
        &mut client,
        "{ getOpportunity(id: \"opp_001\") { name stage account_id account { name opportunitys(filter: {id: {eq: \"opp_001\"}}) \
         { totalCount data { id amount } } } products_ids products { id } primary_contact { account { id } } } }",
    );
    let plain = client.get("/api/v1/data/opportunity/opp_001").expect(200)["record"].clone();
    let account = client.get("/api/v1/data/account/acc_001").expect(200)["record"].clone();
    let deal = &found["getOpportunity"];
    for key in ["name", "stage"] {
        assert_eq!(deal[key], plain[key], "{key}");
    }
    assert_eq!(deal["account_id"], plain["account"]);
    assert_eq!(deal["products_ids"], plain["products"]);
    assert_eq!(deal["account"]["name"], account["name"]);
    let back = json!({ "totalCount": 1, "data": [{ "id": "opp_001", "amount": plain["amount"] }] });
    assert_eq!(deal["account"]["opportunitys"], back);
    assert_eq!(
        deal["products"].as_array().map(Vec::len),
        plain["products"].as_array().map(Vec::len)
    );
    assert_eq!(
        data(&mut client, "{ getAccount(id: \"nobody\") { id } }"),
        json!({ "getAccount": null })
    );
}

#[test]
fn every_operator_finds_what_it_finds_over_rest() {
    let host = crm();
    let mut client = host.client();
    let check = |client: &mut Client, filter: &str, filter_over_rest: Value| {
        let query = format!(
            "{{ findAccounts(filter: {filter}, sort: {{field: \"id\"}}, limit: 100) {{ totalCount data {{ id name }} }} }}"
        );
        let found = data(client, &query)["findAccounts"].clone();
        let body = json!({
            "fields": ["id", "name"], "where": filter_over_rest, "limit": 100,
            "orderBy": [{ "field": "id", "order": "asc" }],
        });
        let wanted = rest(client, "account", &body);
        assert_eq!(found["data"], wanted["records"], "{filter}");
        assert_eq!(found["totalCount"], wanted["total"], "{filter}");
        assert_ne!(found["totalCount"], 0, "{filter} finds something");
    };
    check(
        &mut client,
        "{industry: {eq: logistics}}",
        json!({ "industry": "logistics" }),
    );
    check(
        &mut client,
        "{industry: {ne: logistics}}",
        json!({ "industry": { "$ne": "logistics" } }),
    );
    check(
        &mut client,
        "{industry: {in: [logistics]}}",
        json!({ "industry": { "$in": ["logistics"] } }),
    );
    check(
        &mut client,
        "{industry: {notIn: [logistics]}}",
        json!({ "industry": { "$nin": ["logistics"] } }),
    );
    for (name, operator) in [("gt", "$gt"), ("gte", "$gte"), ("lt", "$lt"), ("lte", "$lte")] {
        let filter = format!("{{employees: {{{name}: 1240}}}}");
        check(&mut client, &filter, json!({ "employees": { (operator): 1240 } }));
    }
    for (name, operator) in [
        ("contains", "$contains"),
        ("startsWith", "$startsWith"),
        ("endsWith", "$endsWith"),
    ] {
        let text = match name {
            "contains" => "Log",
            "startsWith" => "Nordwind",
            _ => "Logistik",
        };
        let filter = format!("{{name: {{{name}: \"{text}\"}}}}");
        check(&mut client, &filter, json!({ "name": { (operator): text } }));
    }
    check(
        &mut client,
        "{parent_account_id: {isNull: true}}",
        json!({ "parent_account": { "$null": true } }),
    );
    check(
        &mut client,
        "{name: {isNotNull: true}}",
        json!({ "name": { "$exists": true } }),
    );
    check(
        &mut client,
        "{or: [{industry: {eq: logistics}}, {not: {employees: {gte: 1000}}}], active: {eq: true}}",
        json!({ "$and": [{ "$or": [{ "industry": "logistics" }, { "$not": { "employees": { "$gte": 1000 } } }] }, { "active": true }] }),
    );
    let found = data(
        &mut client,
        "{ findOpportunitys(filter: {account: {industry: {eq: logistics}}}) { totalCount } }",
    );
    let wanted = rest(
        &mut client,
        "opportunity",
        &json!({ "where": { "account.industry": "logistics" } }),
    );
    assert_eq!(found["findOpportunitys"]["totalCount"], wanted["total"]);
}

#[test]
fn cursors_walk_over_all_records_and_figures_are_those_of_rest() {
    let host = crm();
    let mut client = host.client();
    let query = "query ($cursor: String) { findAccounts(limit: 7, cursor: $cursor, sort: {field: \"name\"}) {
        pageSize hasMore nextCursor data { id } } }";
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let variables = if cursor.is_null() {
            json!({})
        } else {
            json!({ "cursor": cursor })
        };
        let answer = send(&mut client, query, &variables);
        let page = &answer["data"]["findAccounts"];
        seen.extend(
            page["data"]
                .as_array()
                .expect("records")
                .iter()
                .map(|record| record["id"].clone()),
        );
        assert_eq!(page["pageSize"], 7);
        if page["hasMore"] == false {
            break;
        }
        cursor = page["nextCursor"].clone();
        assert!(cursor.is_string(), "{answer}");
    }
    let body = json!({ "fields": ["id"], "orderBy": [{ "field": "name", "order": "asc" }], "limit": 1000 });
    let wanted = rest(&mut client, "account", &body);
    let ids: Vec<Value> = wanted["records"]
        .as_array()
        .expect("records")
        .iter()
        .map(|record| record["id"].clone())
        .collect();
    assert_eq!(seen, ids);
    let figures = data(
        &mut client,
        "{ aggregateOpportunitys(groupBy: {field: \"stage\"}, aggregations: [{function: count, alias: \"n\"}, \
         {function: sum, field: \"amount\"}], sort: {field: \"stage\"}) }",
    );
    let body = json!({
        "groupBy": ["stage"], "orderBy": [{ "field": "stage", "order": "asc" }],
        "aggregations": [{ "function": "count", "alias": "n" }, { "function": "sum", "field": "amount" }],
    });
    assert_eq!(
        figures["aggregateOpportunitys"],
        rest(&mut client, "opportunity", &body)["records"]
    );
}

#[test]
fn changes_are_those_of_rest_and_so_are_refusals() {
    let host = crm();
    let mut client = host.client();
    let made = data(
        &mut client,
        "mutation { createAccount(input: {name: \"Initech\", industry: logistics}) { id name updated_at } }",
    );
    let (id, version) = (&made["createAccount"]["id"], &made["createAccount"]["updated_at"]);
    let query = "mutation ($id: ID!, $version: String, $name: String, $phone: String) {
        updateAccount(id: $id, version: $version, input: {name: $name, phone: $phone}) { name industry phone contacts { totalCount } } }";
    let changed = send(
        &mut client,
        query,
        &json!({ "id": id, "version": version, "name": "Initrode" }),
    );
    let expected =
        json!({ "name": "Initrode", "industry": "logistics", "phone": null, "contacts": { "totalCount": 0 } });
    assert_eq!(changed["data"]["updateAccount"], expected, "{changed}");
    let stale = send(
        &mut client,
        query,
        &json!({ "id": id, "version": "2000-01-01T00:00:00.000Z", "name": "Late" }),
    );
    assert_eq!(
        stale["errors"][0]["extensions"]["code"], "concurrent_modification",
        "{stale}"
    );

    let bad = json!({ "name": null, "email": "no address" });
    let refused = client.send("POST", "/api/v1/data/account", &bad).expect(400);
    let query = "mutation ($input: AccountCreateInput!) { createAccount(input: $input) { id } }";
    let answer = send(&mut client, query, &json!({ "input": bad }));
    let error = &answer["errors"][0];
    assert_eq!(
        (&error["message"], &error["path"]),
        (&refused["message"], &json!(["createAccount"])),
        "{answer}"
    );
    assert_eq!(error["extensions"]["code"], refused["code"]);
    assert_eq!(error["extensions"]["fieldErrors"], refused["error"]["fieldErrors"]);

    let query = format!("mutation {{ deleteAccount(id: {id}) {{ success message }} }}");
    assert_eq!(data(&mut client, &query)["deleteAccount"]["success"], true);
    let again = send(&mut client, &query, &Value::Null);
    assert_eq!(again["errors"][0]["extensions"]["code"], "record_not_found", "{again}");
    // All or none.
    let query = "mutation { createAccounts(inputs: [{name: \"One of two\"}, {}]) { id } }";
    assert!(send(&mut client, query, &Value::Null)["errors"].is_array());
    let none = data(
        &mut client,
        "{ findAccounts(filter: {name: {eq: \"One of two\"}}) { totalCount } }",
    );
    assert_eq!(none["findAccounts"]["totalCount"], 0);
}

/// What an account leads to, so many levels deep; the same of the others.
fn account(levels: usize) -> String {
    let Some(next) = levels.checked_sub(1) else {
        return "id".to_owned();
    };
    let (parent, contact, deal) = (account(next), contact(next), opportunity(next));
    format!(
        "id parent_account {{ {parent} }} contacts(limit: 1) {{ data {{ {contact} }} }} \
         opportunitys(limit: 1) {{ data {{ {deal} }} }}"
    )
}

fn contact(levels: usize) -> String {
    let Some(next) = levels.checked_sub(1) else {
        return "id".to_owned();
    };
    format!("id account {{ {} }} reports_to {{ {} }}", account(next), contact(next))
}

fn opportunity(levels: usize) -> String {
    let Some(next) = levels.checked_sub(1) else {
        return "id".to_owned();
    };
    let (account, contact) = (account(next), contact(next));
    format!("id account {{ {account} }} primary_contact {{ {contact} }}")
}

#[test]
fn a_query_leads_over_as_many_relations_as_one_over_rest() {
    let host = crm();
    let mut client = host.client();
    let query = |levels: usize| format!("{{ getAccount(id: \"acc_001\") {{ {} }} }}", account(levels));
    // 27 relations, and 68.
    assert_eq!(data(&mut client, &query(3))["getAccount"]["id"], "acc_001");
    let answer = send(&mut client, &query(4), &Value::Null);
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "invalid_query", "{answer}");
    let names = (0..68).map(|number| (format!("r{number}"), json!({})));
    let body = json!({ "expand": Value::Object(names.collect()) });
    let refused = client.send("POST", "/api/v1/data/account/query", &body).expect(400);
    assert_eq!(error["message"], refused["message"], "{answer}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("at most 64 relations over all levels"), "{message}");
}

#[test]
fn what_is_too_much_is_refused_and_discovery_knows_the_way() {
    let host = crm();
    let mut client = host.client();
    for (query, part) in [
        (
            "{ getAccount(id: 1) ".to_owned() + &"{ parent_account ".repeat(10) + "{ id }" + &" }".repeat(11),
            "deeper than 10",
        ),
        (
            "{ findAccounts(limit: 100) { data { contacts(limit: 100) { data { id } } } } }".to_owned(),
            "costs more than 1000",
        ),
    ] {
        let refused = client.send("POST", "/graphql", &json!({ "query": query })).expect(400);
        assert!(refused["errors"][0]["message"].to_string().contains(part), "{refused}");
    }
    client.send("POST", "/graphql", &json!({})).expect(400);
    // What a page of another origin may send without asking first.
    let body = json!({ "query": "mutation { createAccount(input: {name: \"Forged\"}) { id } }" }).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let forged = client.request("POST", "/graphql", &[("content-type", kind)], body.as_bytes());
        assert_eq!(forged.expect("an answer").status, 415, "{kind}");
    }
    let query = "{ findAccounts(filter: {name: {eq: \"Forged\"}}) { totalCount } }";
    assert_eq!(data(&mut client, query)["findAccounts"]["totalCount"], 0);
    assert_eq!(client.get("/api/v1").expect(200)["routes"]["graphql"], "/graphql");
    assert_eq!(
        client.get("/graphql").header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let asked = client
        .get("/api/v1/graphql?query=%7BfindAccounts%7BtotalCount%7D%7D")
        .expect(200);
    assert!(asked["data"]["findAccounts"]["totalCount"].is_number(), "{asked}");
}
