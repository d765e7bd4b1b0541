//! GraphQL as one more door: a user asks here what the administrator asks in the mirror, and both get the same. `@`
//! stands in the names of types where the mirror has `Mirror`, and `~` in those of relations where it has the prefix.

use serde_json::{Value, json};

use super::mirror::PREFIX;
use super::surfaces::Sight;
use super::{Dice, REGIONS, STAGES};
use crate::permissions::people::Person;

/// Fields of an account and of an opportunity that are asked for and filtered by.
const FIELDS: [&[&str]; 2] = [
    &["name", "region", "secret", "revenue"],
    &["name", "stage", "secret", "amount"],
];
const TYPES: [&str; 2] = ["Account", "Opportunity"];

fn send(person: &mut Person, query: &str) -> Value {
    person
        .send("POST", "/api/v1/graphql", &json!({ "query": query }))
        .expect(200)
}

/// A test of a field.
fn filter(dice: &mut Dice, field: &str) -> String {
    match field {
        "region" => format!(
            "{{region: {{in: [\"{}\", \"{}\"]}}}}",
            dice.pick(&REGIONS),
            dice.pick(&REGIONS)
        ),
        "stage" => format!("{{stage: {{ne: \"{}\"}}}}", dice.pick(&STAGES)),
        "revenue" | "amount" => format!(
            "{{or: [{{{field}: {{gte: {}}}}}, {{{field}: {{isNull: true}}}}]}}",
            dice.below(900)
        ),
        _ => format!(
            "{{not: {{{field}: {{contains: \"{}\"}}}}}}",
            dice.pick(&["1", "o", "s2"])
        ),
    }
}

/// Asks one question; true when answers were compared.
pub(super) fn ask(sight: &Sight<'_>, dice: &mut Dice, person: &mut Person, admin: &mut Person) -> bool {
    let own = dice.below(2);
    let (field, tested) = (*dice.pick(FIELDS[own]), *dice.pick(FIELDS[own]));
    let theirs = *dice.pick(FIELDS[1 - own]);
    let nested = !sight.hidden[1].contains("account") && !sight.hidden[1 - own].contains(theirs);
    let relation = match (nested, own) {
        (false, _) => String::new(),
        (true, 0) => format!(
            "nested: ~opportunitys(limit: 2, sort: {{field: \"id\"}}) {{ totalCount hasMore data {{ id {theirs} }} }}"
        ),
        (true, _) => format!("nested: account {{ id {theirs} }}"),
    };
    let query = format!(
        "{{ found: find@{}s(filter: {}, sort: {{field: \"id\", direction: DESC}}, limit: {}) \
         {{ totalCount hasMore data {{ id {field} {relation} }} }} }}",
        TYPES[own],
        filter(dice, tested),
        1 + dice.below(8)
    );
    let about = format!("{}, {query}", sight.about);
    let got = send(person, &query.replace(['@', '~'], ""));
    let refusal = match (
        sight.reads[own],
        sight.hidden[own].contains(field) || sight.hidden[own].contains(tested),
    ) {
        (false, _) => Some("permission_denied"),
        (true, true) => Some("invalid_field"),
        (true, false) => None,
    };
    if let Some(code) = refusal {
        assert_eq!(got["data"], json!({ "found": null }), "{about}: {got}");
        let error = &got["errors"][0];
        assert_eq!(
            (&error["extensions"]["code"], &error["path"]),
            (&json!(code), &json!(["found"])),
            "{about}: {got}"
        );
        return false;
    }
    let wanted = send(admin, &query.replace('@', "Mirror").replace('~', PREFIX));
    assert!(wanted.get("errors").is_none(), "{about}: {wanted}");
    assert_eq!(got, wanted, "{about}");
    true
}
