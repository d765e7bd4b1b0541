//! What operations cost, and what is too much.

use async_graphql::Variables;

use super::{Cost, check};
use crate::config::{GraphqlConfig, Limits};
use crate::document::Operation;
use crate::failure::{Answered, code_of};
use crate::model::tests::sample;

fn measured(query: &str) -> Answered<Cost> {
    let limits = Limits::of(&GraphqlConfig::default(), "test").unwrap();
    let operation = Operation::read(query, None, &Variables::default(), limits.query_bytes)?;
    check(&sample(), &limits, &operation.document)
}

#[test]
fn lists_cost_their_limit_times_what_a_record_costs() {
    let check = |query: &str, selections: usize, records: u64| {
        let cost = measured(query).unwrap();
        assert_eq!((cost.selections, cost.records), (selections, records), "{query}");
    };
    check("{ getAccount(id: 1) { id name } }", 3, 1);
    check("{ findAccounts { totalCount } }", 2, 20);
    check("{ findAccounts(limit: 3) { data { name } } }", 3, 3);
    check("{ findAccounts(limit: 5000) { data { name } } }", 3, 100);
    check(
        "{ findContacts(limit: 10) { data { account { name } boss { account { id } } } } }",
        7,
        10 * (1 + 1 + 1 + 1),
    );
    check(
        "{ findAccounts(limit: 3) { data { contacts(limit: 4) { data { id } } } } }",
        5,
        3 * (1 + 4),
    );
    check(
        "{ findAccounts(limit: 2) { data { partners { id } } } }",
        4,
        2 * (1 + 20),
    );
    check("{ aggregateAccounts(aggregations: {function: count}) }", 1, 20);
    check(
        "mutation { createAccounts(inputs: [{name: \"a\"}, {name: \"b\"}]) { id } }",
        2,
        2,
    );
    check("mutation { deleteAccount(id: 1) { success } }", 2, 1);
    check(
        "fragment A on Account { id name } { a: getAccount(id: 1) { ...A } b: getAccount(id: 2) { ...A } }",
        8,
        2,
    );
}

#[test]
fn what_is_too_much_is_refused_and_says_of_what() {
    let check = |query: &str, part: &str| {
        let refused = measured(query).unwrap_err();
        assert_eq!(code_of(&refused), "invalid_query", "{query}");
        assert!(refused.message.contains(part), "{query}: {}", refused.message);
    };
    let deep = format!(
        "{{ getContact(id: 1) {}",
        "{ boss ".repeat(10) + "{ id }" + &"}".repeat(11)
    );
    check(&deep, "deeper than 10");
    check(
        "{ findAccounts(limit: 100) { data { contacts(limit: 100) { data { id } } } } }",
        "costs more than 1000",
    );
    let aliases: String = (0..51)
        .map(|number| format!("a{number}: getAccount(id: 1) {{ id }} "))
        .collect();
    check(&format!("{{ {aliases} }}"), "more than 50 aliases");
    // Each fragment twice in the next: two to the thirtieth fields.
    let mut bombs = "fragment F0 on Account { id }".to_owned();
    for number in 1..=30 {
        let inner = number - 1;
        bombs.push_str(&format!(" fragment F{number} on Account {{ ...F{inner} ...F{inner} }}"));
    }
    check(
        &format!("{bombs} {{ getAccount(id: 1) {{ ...F30 }} }}"),
        "costs more than 1000",
    );
    check(
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        "lists of the schema",
    );
    check(
        "{ __schema { types { fields { args { type { inputFields { type { enumValues { name } } } } } } } } }",
        "lists of the schema",
    );
    measured("{ __schema { types { fields { args { type { name } } } inputFields { name } enumValues { name } } } }")
        .unwrap();
    let subscription = measured("subscription { onAccountCreated { id } }").unwrap_err();
    assert_eq!(code_of(&subscription), "not_implemented");
}

#[test]
fn a_change_under_one_name_is_made_once() {
    for query in [
        "mutation { deleteAccount(id: 1) { success } deleteAccount(id: 1) { message } }",
        "mutation { x: deleteAccount(id: 1) { success } ... on Mutation { x: deleteAccount(id: 2) { success } } }",
        "mutation { ...A ...A } fragment A on Mutation { deleteAccount(id: 1) { success } }",
    ] {
        let refused = measured(query).unwrap_err();
        assert!(
            refused.message.contains("stands there twice"),
            "{query}: {}",
            refused.message
        );
    }
    measured("mutation { deleteAccount(id: 1) { success } x: deleteAccount(id: 2) { success } __typename __typename }")
        .unwrap();
    // Reading twice does no harm.
    measured("{ getAccount(id: 1) { id } getAccount(id: 1) { name } }").unwrap();
}

#[test]
fn a_question_for_the_schema_is_seen() {
    assert!(measured("{ __schema { queryType { name } } }").unwrap().introspects);
    assert!(
        measured("{ ...A } fragment A on Query { t: __type(name: \"Account\") { name } }")
            .unwrap()
            .introspects
    );
    assert!(!measured("{ getAccount(id: 1) { __typename } }").unwrap().introspects);
}
