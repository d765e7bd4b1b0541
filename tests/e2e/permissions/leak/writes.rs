//! What writes answer, tried and never stored: upserts by external id, values that somebody else has, records that others hang
//! on. Of a record that a user does not see each says what it says of one that is not there; none names or counts what the user
//! does not see.

use objectos_tests::Answer;
use serde_json::{Value, json};

use super::surfaces::Sight;
use super::{BEHIND_THE_MASK, Dice};
use crate::permissions::people::Person;

/// An id that no record has; as long as those of the records.
const ABSENT: &str = "acc_99";

pub(super) fn check(sight: &Sight<'_>, dice: &mut Dice, person: &mut Person) {
    for own in 0..2 {
        let record = dice.pick(&sight.records[sight.objects[own]]);
        let id = record["id"].as_str().expect("an id");
        let seen = sight.reads[own] && sight.rows[own].contains(id);
        if !seen {
            like_absent(sight, own, person, id);
        }
    }
    let account = dice.pick(&sight.records["account"]);
    keys(sight, person, account);
    held_back(sight, person, account);
}

/// Changes, deletes, restores and reads by id: the same as of a record that is not there.
fn like_absent(sight: &Sight<'_>, own: usize, person: &mut Person, id: &str) {
    let object = sight.objects[own];
    for operation in ["update", "delete", "restore", "purge"] {
        let said = [id, ABSENT].map(|id| {
            let item = json!({"id": id, "data": {"name": "changed"}});
            let answer = tried(person, object, operation, &item);
            (answer.status, without_request(&text(&answer).replace(id, "ID")))
        });
        assert_eq!(said[0], said[1], "{}: {operation} of {object} {id}", sight.about);
    }
    for path in ["", "/versions", "/versions/1", "/clone"] {
        let said = [id, ABSENT].map(|id| {
            let method = if path == "/clone" { "POST" } else { "GET" };
            let body = if path == "/clone" { json!({}) } else { Value::Null };
            let answer = person.send(method, &format!("/api/v1/data/{object}/{id}{path}"), &body);
            (answer.status, without_request(&text(&answer).replace(id, "ID")))
        });
        assert_eq!(said[0], said[1], "{}: {object} {id}{path}", sight.about);
    }
}

/// Upserts and new records with a key that a record has.
fn keys(sight: &Sight<'_>, person: &mut Person, account: &Value) {
    let code = account["code"].as_str().expect("a code");
    let upsert = json!({"externalId": code, "data": {"name": "changed"}});
    let create = json!({"data": {"name": "new", "code": code}});
    for (operation, item) in [("upsert", &upsert), ("create", &create)] {
        let answer = tried(person, "account", operation, item);
        tells_nothing(sight, 0, account, &answer, operation);
        let seen = sight.reads[0] && sight.rows[0].contains(account["id"].as_str().unwrap_or_default());
        if !seen || operation == "create" {
            let done = answer.status == 200 && answer.json()["failed"] == 0;
            assert!(
                !done,
                "{}: {operation} of {code} found {account}: {}",
                sight.about,
                text(&answer)
            );
        }
    }
}

/// A record that opportunities hang on is not deleted; how many there are is told as far as they are seen.
fn held_back(sight: &Sight<'_>, person: &mut Person, account: &Value) {
    let id = &account["id"];
    let answer = tried(person, "account", "delete", &json!({"id": id}));
    tells_nothing(sight, 0, account, &answer, "delete");
    let body = text(&answer);
    let mine = if sight.reads[1] {
        sight
            .seen(1)
            .filter(|opportunity| opportunity["account"] == *id)
            .count()
    } else {
        0
    };
    if let Some((_, rest)) = body.split_once("cannot be deleted: ") {
        let count: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let told = if count.is_empty() { "0" } else { count.as_str() };
        assert_eq!(told, mine.to_string(), "{}: delete of {id}: {body}", sight.about);
    }
    for opportunity in &sight.records["opportunity"] {
        let other = opportunity["id"].as_str().expect("an id");
        assert!(
            !body.contains(other),
            "{}: delete of {id} names {other}: {body}",
            sight.about
        );
    }
}

/// Neither the values of a masked field, nor a field that is hidden, nor the id of a record that is not seen.
fn tells_nothing(sight: &Sight<'_>, own: usize, record: &Value, answer: &Answer, what: &str) {
    let body = text(answer);
    let about = format!("{}: {what} of {}: {body}", sight.about, record["id"]);
    let shown = !sight.masked && sight.seen(own).any(|seen| seen == record);
    assert!(shown || !body.contains(BEHIND_THE_MASK), "{about}");
    for field in &sight.hidden[own] {
        assert!(!body.contains(&format!("\"{field}\"")), "{about}");
    }
    for other in &sight.records[sight.objects[own]] {
        let id = other["id"].as_str().expect("an id");
        let seen = sight.rows[own].contains(id) || (what == "delete" && other == record);
        assert!(seen || !body.contains(id), "{about}");
    }
}

/// One change of a batch that is only checked.
fn tried(person: &mut Person, object: &str, operation: &str, item: &Value) -> Answer {
    let options = json!({"validateOnly": true, "atomic": false, "returnRecords": true});
    let body = json!({"operation": operation, "records": [item], "options": options});
    person.send("POST", &format!("/api/v1/data/{object}/batch"), &body)
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// An answer without what is another one in every answer: which request it belongs to, and when.
fn without_request(body: &str) -> String {
    let Ok(mut answer) = serde_json::from_str::<Value>(body) else {
        return body.to_owned();
    };
    forget(&mut answer);
    answer.to_string()
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for key in ["requestId", "timestamp", "traceId", "durationMs"] {
                map.remove(key);
            }
            map.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}
