//! Seeds against a sink in memory.

use std::collections::HashMap;

use objectos_plugin_api::protocol::data::DatasetEnvironment;
use objectos_plugin_api::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::{SeedReport, SeedSink, apply};
use crate::app::{PackageSource, load};
use crate::model::Catalogue;

#[derive(Default)]
struct Store {
    records: Mutex<Vec<(String, Map<String, Value>)>>,
    digests: Mutex<HashMap<String, String>>,
    /// Creating anything fails in this way.
    failure: Mutex<Option<ErrorKind>>,
    /// What was asked: `find account` and `create account 3`.
    calls: Mutex<Vec<String>>,
}

impl SeedSink for Store {
    async fn find(&self, object: &str, field: &str, value: &Value) -> Result<Option<String>> {
        self.calls.lock().push(format!("find {object}"));
        let records = self.records.lock();
        let found = records
            .iter()
            .find(|(of, record)| of == object && record.get(field) == Some(value));
        Ok(found.and_then(|(_, record)| record["id"].as_str().map(str::to_owned)))
    }

    async fn create(&self, object: &str, mut record: Map<String, Value>) -> Result<String> {
        if let Some(kind) = *self.failure.lock() {
            return Err(Error::new(kind, "no"));
        }
        if record.get("name") == Some(&json!("refused")) {
            return Err(Error::invalid("it is refused"));
        }
        let mut records = self.records.lock();
        let id = format!("id{}", records.len());
        let id = record
            .entry("id")
            .or_insert(id.into())
            .as_str()
            .expect("text")
            .to_owned();
        records.push((object.to_owned(), record));
        Ok(id)
    }

    async fn create_all(&self, object: &str, records: Vec<Map<String, Value>>) -> Result<Vec<Result<String>>> {
        self.calls.lock().push(format!("create {object} {}", records.len()));
        let mut made = Vec::new();
        for record in records {
            made.push(self.create(object, record).await);
        }
        Ok(made)
    }

    async fn empty(&self, object: &str) -> Result<bool> {
        Ok(!self.records.lock().iter().any(|(of, _)| of == object))
    }

    async fn update(&self, object: &str, id: &str, record: Map<String, Value>) -> Result<()> {
        let mut records = self.records.lock();
        let (_, stored) = records
            .iter_mut()
            .find(|(of, stored)| of == object && stored["id"] == id)
            .expect("the record");
        stored.extend(record);
        Ok(())
    }

    async fn clear(&self, object: &str) -> Result<()> {
        self.records.lock().retain(|(of, _)| of != object);
        Ok(())
    }

    async fn digest(&self, key: &str) -> Result<Option<String>> {
        Ok(self.digests.lock().get(key).cloned())
    }

    async fn remember(&self, key: &str, digest: &str) -> Result<()> {
        self.digests.lock().insert(key.to_owned(), digest.to_owned());
        Ok(())
    }
}

const ACCOUNT: &str = "name: account\nfields:\n  name: {type: text}\n  phone: {type: text}\n  parent: {type: lookup, reference: account}\n  main_contact: {type: lookup, reference: contact}\n";
const CONTACT: &str = "name: contact\nfields:\n  name: {type: text}\n  account: {type: lookup, reference: account, required: true}\n  friends: {type: lookup, reference: contact, multiple: true}\n";

fn catalogue(accounts: &str, contacts: &str) -> Catalogue {
    let documents = [
        ("contact.object.yml", CONTACT),
        ("account.object.yml", ACCOUNT),
        ("contact.data.yml", contacts),
        ("account.data.yml", accounts),
    ];
    load(&[PackageSource::of_documents("demo", documents)], 1)
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
        .catalogue
}

async fn run(store: &Store, accounts: &str, contacts: &str) -> SeedReport {
    apply(&catalogue(accounts, contacts), DatasetEnvironment::Dev, store)
        .await
        .expect("a report")
}

fn problems(report: &SeedReport) -> Vec<String> {
    report.problems.iter().map(ToString::to_string).collect()
}

const ACCOUNTS: &str = "- {name: Child, parent: Parent, main_contact: Ann}\n- {name: Parent}\n";
const CONTACTS: &str = "- {name: Ann, account: Child, friends: [Bob]}\n- {name: Bob, account: Parent}\n";

#[tokio::test]
async fn references_are_found_whatever_the_order() {
    let store = Store::default();
    let report = run(&store, ACCOUNTS, CONTACTS).await;
    assert_eq!(problems(&report), Vec::<String>::new());
    assert_eq!((report.created, report.updated, report.skipped), (4, 0, 0));
    let records = store.records.lock();
    let id = |name: &str| {
        records
            .iter()
            .find(|(_, record)| record["name"] == name)
            .expect("the record")
            .1["id"]
            .clone()
    };
    let field = |name: &str, field: &str| {
        records
            .iter()
            .find(|(_, record)| record["name"] == name)
            .expect("the record")
            .1[field]
            .clone()
    };
    assert_eq!(field("Child", "parent"), id("Parent"));
    assert_eq!(field("Child", "main_contact"), id("Ann"));
    assert_eq!(field("Ann", "account"), id("Child"));
    assert_eq!(field("Ann", "friends"), json!([id("Bob")]));
}

#[tokio::test]
async fn new_records_of_an_empty_object_are_made_at_once_and_not_looked_for() {
    let store = Store::default();
    let accounts: String = (0..120).map(|n| format!("- {{name: a{n}}}\n")).collect();
    let contacts: String = (0..3).map(|n| format!("- {{name: c{n}, account: a{n}}}\n")).collect();
    // Two that may be one, as the sink may see it: it is asked.
    let report = run(&store, &format!("{accounts}- {{name: A7, phone: '1'}}\n"), &contacts).await;
    assert_eq!((problems(&report), report.created), (Vec::new(), 124));
    let calls = std::mem::take(&mut *store.calls.lock());
    let expected = [
        "create account 100",
        "create account 20",
        "find account",
        "create account 1",
        "create contact 3",
    ];
    assert_eq!(calls, expected);
    run(&store, "- {name: a1, phone: '2'}\n- {name: new}\n", &contacts).await;
    assert_eq!(
        *store.calls.lock(),
        ["find account", "find account", "create account 1"]
    );
}

#[tokio::test]
async fn a_second_start_does_nothing_and_a_changed_file_updates() {
    let store = Store::default();
    run(&store, ACCOUNTS, CONTACTS).await;
    let again = run(&store, ACCOUNTS, CONTACTS).await;
    assert_eq!((again.created, again.updated, again.unchanged_sets), (0, 0, 2));
    let changed = run(&store, "- {name: Child, phone: 0123}\n- {name: New}\n", CONTACTS).await;
    assert_eq!((changed.created, changed.updated, changed.unchanged_sets), (1, 1, 1));
    let records = store.records.lock();
    assert_eq!(records.len(), 5);
    assert_eq!(
        records
            .iter()
            .find(|(_, record)| record["name"] == "Child")
            .expect("the record")
            .1["phone"],
        "0123"
    );
}

#[tokio::test]
async fn a_record_that_brings_its_id_may_change_its_name() {
    let store = Store::default();
    run(&store, "- {id: a1, name: Old}\n", "[]").await;
    let report = run(&store, "- {id: a1, name: New}\n", "- {name: Ann, account: a1}\n").await;
    assert_eq!(problems(&report), Vec::<String>::new());
    assert_eq!((report.created, report.updated), (1, 1));
    let records = store.records.lock();
    assert_eq!(
        (&records[0].1["name"], &records[1].1["account"]),
        (&json!("New"), &json!("a1"))
    );
}

#[tokio::test]
async fn modes_and_environments() {
    let check = |mode: &'static str, expected: (usize, usize, usize, usize)| async move {
        let store = Store::default();
        run(&store, "- {name: Old}\n", "[]").await;
        let text = format!("object: account\n{mode}\nrecords: [{{name: Old, phone: '1'}}, {{name: New}}]\n");
        let report = run(&store, &text, "[]").await;
        assert_eq!(
            (
                report.created,
                report.updated,
                report.skipped,
                store.records.lock().len()
            ),
            expected,
            "{mode}"
        );
    };
    check("mode: upsert", (1, 1, 0, 2)).await;
    check("mode: insert", (1, 0, 1, 2)).await;
    check("mode: ignore", (1, 0, 1, 2)).await;
    check("mode: update", (0, 1, 1, 1)).await;
    check("mode: replace", (2, 0, 0, 2)).await;
    check("env: [prod]", (0, 0, 0, 1)).await;
}

#[tokio::test]
async fn what_cannot_be_put_in_is_named_and_tried_again() {
    let store = Store::default();
    let report = run(
        &store,
        "- {name: Fine}\n- {name: refused}\n",
        "- {name: Ann, account: Nobody}\n- {name: Bob, account: Fine, friends: [Nobody]}\n",
    )
    .await;
    assert_eq!(
        problems(&report),
        [
            "account.data.yml:2:3: [1]: the record of `account` was refused: it is refused",
            "contact.data.yml:1:3: [0].account: there is no record of `account` for \"Nobody\"; use the external id of a seeded record, or the id of one that is there",
            "contact.data.yml:2:3: [1].friends: there is no record of `contact` for [\"Nobody\"]; use the external id of a seeded record, or the id of one that is there",
        ]
    );
    assert_eq!(report.created, 2);
    assert_eq!(store.digests.lock().len(), 0);
    let again = run(
        &store,
        "- {name: Fine}\n- {name: Nobody}\n",
        "- {name: Ann, account: Nobody}\n- {name: Bob, account: Fine, friends: [Ann]}\n",
    )
    .await;
    assert_eq!(problems(&again), Vec::<String>::new());
    assert_eq!(store.digests.lock().len(), 2);
}

#[tokio::test]
async fn a_store_that_is_gone_ends_it() {
    let store = Store::default();
    *store.failure.lock() = Some(ErrorKind::Unavailable);
    let error = apply(&catalogue(ACCOUNTS, CONTACTS), DatasetEnvironment::Dev, &store)
        .await
        .expect_err("it ends");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
