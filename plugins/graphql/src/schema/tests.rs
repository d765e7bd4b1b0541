//! The schema of the sample, and that what the plan knows is in it.

use std::sync::Arc;

use super::build;
use crate::config::{GraphqlConfig, Limits};
use crate::model::tests::sample;

fn sdl(mode: &str) -> String {
    let limits = Limits::of(&GraphqlConfig::default(), mode).unwrap();
    build(&Arc::new(sample()), &limits).unwrap().sdl()
}

#[test]
fn every_object_has_its_types_and_roots() {
    let sdl = sdl("test");
    for part in [
        "type Account {",
        "industry: AccountIndustry",
        "partners_ids: [ID]",
        "partners: [Account!]",
        "double: JSON",
        "door_code: String",
        "type ContactConnection {",
        "account: Account",
        "account_id: ID",
        "enum AccountIndustry {",
        "_24h",
        "input ContactFilter {",
        "boss: ContactFilter",
        "input AccountCreateInput {",
        "type MutationResult {",
        "scalar PhoneNumber",
    ] {
        assert!(sdl.contains(part), "{part} is missing:\n{sdl}");
    }
    for root in [
        "findAccounts(",
        "getAccount(",
        "aggregateAccounts(",
        "createAccounts(",
        "updateContact(",
        "deleteContact(",
    ] {
        assert!(sdl.contains(root), "{root} is missing:\n{sdl}");
    }
}

#[test]
fn nobody_finds_records_by_a_secret() {
    let sdl = sdl("test");
    let filter = sdl
        .split("input AccountFilter {")
        .nth(1)
        .and_then(|rest| rest.split('}').next())
        .unwrap();
    assert!(
        filter.contains("revenue: CurrencyFilter") && !filter.contains("door_code"),
        "{filter}"
    );
}

#[test]
fn the_same_metadata_makes_the_same_schema() {
    assert_eq!(sdl("test"), sdl("test"));
}
