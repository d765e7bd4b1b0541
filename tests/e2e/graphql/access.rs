//! Who sees what over GraphQL: hidden and masked fields, rows of others, tenants, and objects that are closed.

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};

use crate::permissions::people::{People, Person};

fn host() -> Host {
    let builder = HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .plugin("graphql");
    let app = builder.folder().join("deals");
    std::fs::create_dir_all(&app).expect("a folder");
    for (name, text) in [
        ("objectos.app.yml", "id: deals\nversion: 1.0.0\n"),
        (
            "deal.object.yml",
            "name: deal\nsharingModel: private\nfields:\n  name: {type: text}\n  secret: {type: text}\n  \
             vault: {type: lookup, reference: vault}\n  \
             iban: {type: text, maskingRule: {field: iban, strategy: substitute, pattern: '***', exemptRoles: [super_admin]}}\n",
        ),
        (
            "vault.object.yml",
            "name: vault\nsharingModel: private\nfields:\n  name: {type: text}\n",
        ),
        (
            "memo.object.yml",
            "name: memo\ntenancy: {enabled: true, strategy: shared}\nfields:\n  text: {type: text}\n",
        ),
        (
            "seller.permission.yml",
            "name: seller\nobjects:\n  deal: {allowRead: true, allowCreate: true}\n  \
             memo: {allowRead: true, allowCreate: true, viewAllRecords: true}\nfields:\n  deal.secret: {readable: false}\n",
        ),
    ] {
        std::fs::write(app.join(name), text).expect("a file");
    }
    builder.app(&app).start()
}

fn ask(person: &mut Person, query: &str) -> Value {
    person
        .send("POST", "/api/v1/graphql", &json!({ "query": query }))
        .expect(200)
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[test]
fn each_sees_what_rest_shows_them() {
    let host = host();
    let mut people = People::new(&host);
    let (mut anna, mut bert) = (people.user("anna"), people.user("bert"));
    for person in [&anna, &bert] {
        people.give_set(person, "seller");
    }
    let vault = people.admin.make("vault", &json!({ "name": "Below ground" }));
    let deal = json!({ "name": "Nordwind", "secret": "sesame", "iban": "DE1", "vault": vault, "owner_id": anna.id });
    let id = people.admin.make("deal", &deal);

    let query = format!("{{ getDeal(id: \"{id}\") {{ name iban vault_id vault {{ name }} }} }}");
    let seen = ask(&mut anna, &query);
    // The vault is closed: its id is the deal's, its record is nobody's.
    let expected = json!({ "getDeal": { "name": "Nordwind", "iban": "***", "vault_id": vault, "vault": null } });
    assert_eq!(seen["data"], expected, "{seen}");
    // Of somebody else, as one that does not exist.
    assert_eq!(ask(&mut bert, &query)["data"], json!({ "getDeal": null }));
    let list = "{ findDeals { totalCount data { id } } }";
    assert_eq!(ask(&mut anna, list)["data"]["findDeals"]["totalCount"], 1);
    assert_eq!(
        ask(&mut bert, list)["data"]["findDeals"],
        json!({ "totalCount": 0, "data": [] })
    );

    for query in [
        "{ findDeals { data { secret } } }",
        "{ findDeals(filter: {secret: {eq: \"sesame\"}}) { totalCount } }",
        "{ aggregateDeals(groupBy: {field: \"secret\"}, aggregations: {function: count}) }",
    ] {
        let refused = ask(&mut anna, query);
        assert_eq!(code(&refused), "invalid_field", "{query}: {refused}");
        assert!(
            !refused.to_string().contains("sesame") || query.contains("sesame"),
            "{refused}"
        );
    }
    let closed = ask(&mut anna, "{ findVaults { totalCount } }");
    assert_eq!(
        (code(&closed), &closed["data"]),
        ("permission_denied", &json!({ "findVaults": null }))
    );
    let refused = ask(
        &mut anna,
        &format!("mutation {{ deleteDeal(id: \"{id}\") {{ success }} }}"),
    );
    let over_rest = anna
        .send("DELETE", &format!("/api/v1/data/deal/{id}"), &Value::Null)
        .expect(403);
    assert_eq!(refused["errors"][0]["message"], over_rest["message"], "{refused}");
    let stranger = host.client().send("POST", "/graphql", &json!({ "query": list }));
    assert_eq!(stranger.status, 401);
}

#[test]
fn tenants_are_apart() {
    let host = host();
    let mut people = People::new(&host);
    let mut owners = [people.user("anna"), people.user("bert")];
    for (index, owner) in owners.iter_mut().enumerate() {
        people.give_set(owner, "seller");
        let body = json!({ "name": format!("Org {index}"), "slug": format!("org-{index}") });
        let made = owner
            .send("POST", "/api/v1/auth/organization/create", &body)
            .expect(200);
        let active = json!({ "organizationId": made["id"] });
        owner
            .send("POST", "/api/v1/auth/organization/set-active", &active)
            .expect(200);
        let made = ask(
            owner,
            &format!("mutation {{ createMemo(input: {{text: \"memo {index}\"}}) {{ text }} }}"),
        );
        assert_eq!(made["data"]["createMemo"]["text"], format!("memo {index}"), "{made}");
    }
    for (index, owner) in owners.iter_mut().enumerate() {
        let found = ask(owner, "{ findMemos { totalCount data { text } } }");
        let expected = json!({ "totalCount": 1, "data": [{ "text": format!("memo {index}") }] });
        assert_eq!(found["data"]["findMemos"], expected, "{found}");
    }
}

#[test]
fn the_schema_is_not_told_where_introspection_is_off() {
    let builder = HostBuilder::new().plugin("graphql").example("crm");
    let config = "plugins:\n  objectos.graphql: {introspection: false, playground: false}\n";
    let host = builder.config(config).start();
    let mut client = host.client();
    let refused = client
        .send(
            "POST",
            "/graphql",
            &json!({ "query": "{ __schema { queryType { name } } }" }),
        )
        .expect(403);
    assert_eq!(refused["errors"][0]["extensions"]["code"], "permission_denied");
    client.get("/graphql").expect(400);
    let unknown = client
        .send(
            "POST",
            "/graphql",
            &json!({ "query": "{ findAccount { totalCount } }" }),
        )
        .expect(400);
    assert!(
        !unknown.to_string().contains("findAccounts"),
        "a suggestion tells a name: {unknown}"
    );
}
