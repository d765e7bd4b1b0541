//! A mirror for one user: objects of the same fields that hold what the user may read and nothing else. The administrator, asked
//! the same there, gets what the user must get here, whatever the query: nothing of a model of queries is needed.
//!
//! Within the mirror a reference to a record that the user does not see is empty, and what is masked is the mask.

use objectos_tests::Answer;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::questions::{Question, SHAPES, Shape};
use super::surfaces::Sight;
use super::{Dice, MASK};
use crate::permissions::people::Person;

/// Before the names of the mirror's objects.
pub(super) const PREFIX: &str = "mirror_";
/// Pages that are walked forwards, and back again.
const PAGES: usize = 3;

/// How many answers were compared, by kind of question.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<Shape, usize>);

impl Tally {
    fn add(&mut self, shape: Shape) {
        *self.0.entry(shape).or_default() += 1;
    }

    /// Whether every kind was compared.
    pub(super) fn is_complete(&self) -> bool {
        SHAPES.iter().all(|shape| self.0.contains_key(shape))
    }

    /// Every kind was compared, or the run showed nothing of it.
    pub(super) fn check(&self) {
        println!("compared with the mirror: {:?}", self.0);
        for shape in SHAPES {
            assert!(self.0.contains_key(&shape), "no {shape:?} was compared: {:?}", self.0);
        }
    }
}

/// Puts into the mirror what a user may read, in the place of what was in it.
pub(super) fn fill(sight: &Sight<'_>, admin: &mut Person) {
    // Those that point go first.
    for own in [1, 0] {
        let path = format!("/api/v1/data/{PREFIX}{}", sight.objects[own]);
        let found = admin.get(&format!("{path}?top=1000&select=id")).expect(200);
        let records = found["records"].as_array().expect("records").iter();
        let ids: Vec<&Value> = records.map(|record| &record["id"]).collect();
        if !ids.is_empty() {
            let body = json!({"ids": ids, "options": {"atomic": true}});
            admin.send("POST", &format!("{path}/deleteMany"), &body).expect(200);
        }
    }
    for own in [0, 1] {
        let records: Vec<Value> = sight.seen(own).map(|record| reflected(sight, own, record)).collect();
        if !records.is_empty() {
            let path = format!("/api/v1/data/{PREFIX}{}/createMany", sight.objects[own]);
            admin.send("POST", &path, &json!(records)).expect(201);
        }
    }
}

fn reflected(sight: &Sight<'_>, own: usize, record: &Value) -> Value {
    let mut out: Map<String, Value> = record.as_object().expect("a record").clone();
    out.retain(|field, _| field != "owner_id" && !sight.hidden[own].contains(field.as_str()));
    if let Some(iban) = out.get_mut("iban").filter(|_| sight.masked) {
        *iban = json!(MASK);
    }
    let pointed = out.get("account").and_then(Value::as_str);
    if pointed.is_some_and(|account| !sight.rows[0].contains(account)) {
        out.remove("account");
    }
    Value::Object(out)
}

/// Asks a user a question, and the administrator the same in the mirror.
pub(super) fn ask(sight: &Sight<'_>, dice: &mut Dice, person: &mut Person, admin: &mut Person, tally: &mut Tally) {
    let question = Question::draw(dice);
    let (own, other) = (question.own, 1 - question.own);
    if !sight.reads[1] && question.rolls_up() {
        // Unknown to the user, and none in the mirror; `computed` looks after these.
        return;
    }
    if question.shape == Shape::Expand && !sight.reads[other] {
        return;
    }
    let hidden = question.touches.iter().any(|field| sight.hidden[own].contains(field));
    let hidden = hidden || (sight.masked && question.touches.contains("iban"));
    let over = question.over.iter().any(|field| sight.hidden[other].contains(field));
    // The id of a record of a closed object is known, and null.
    let closed = !sight.reads[other] && question.over.iter().any(|field| *field != "id");
    let refused = match (sight.reads[own], hidden || over || closed) {
        (false, _) => Some(403),
        (true, true) => Some(400),
        (true, false) => None,
    };
    let mut both = Both {
        about: format!("{}, {:?}", sight.about, question.body),
        person,
        admin,
        object: sight.objects[own],
    };
    if let Some(status) = refused {
        let answer = both.user(&question);
        if question.shape == Shape::Expand && !hidden && answer.status == 200 {
            // Nothing was there to be expanded.
            let body = text(&answer);
            let told = |field: &&str| sight.hidden[other].contains(*field) && body.contains(&format!("\"{field}\":"));
            assert!(!question.over.iter().any(told), "{}: {body}", both.about);
            return;
        }
        assert_eq!(answer.status, status, "{}: {}", both.about, text(&answer));
        return;
    }
    let compared = match question.shape {
        Shape::Export => both.export(&question, dice),
        Shape::Page => both.walk(&question),
        _ => both.once(&question.body).is_some(),
    };
    if compared {
        tally.add(question.shape);
    }
}

/// The user and the administrator, asked the same.
struct Both<'a> {
    about: String,
    person: &'a mut Person,
    admin: &'a mut Person,
    object: &'static str,
}

impl Both<'_> {
    fn user(&mut self, question: &Question) -> Answer {
        if question.shape == Shape::Export {
            let query = exported(question, "json").replace('@', "");
            return self.person.get(&format!("/api/v1/data/{}/export?{query}", self.object));
        }
        let path = format!("/api/v1/data/{}/query", self.object);
        self.person.send("POST", &path, &named(&question.body, ""))
    }

    /// One answer, which must be the same for both; `None` where both were refused.
    fn once(&mut self, body: &Value) -> Option<[Value; 2]> {
        let object = self.object;
        let path = format!("/api/v1/data/{object}/query");
        let got = self.person.send("POST", &path, &named(body, ""));
        let path = format!("/api/v1/data/{PREFIX}{object}/query");
        let wanted = self.admin.send("POST", &path, &named(body, PREFIX));
        self.compare(&got, &wanted)
    }

    fn compare(&self, got: &Answer, wanted: &Answer) -> Option<[Value; 2]> {
        let about = &self.about;
        assert_eq!(got.status, wanted.status, "{about}: {} {}", text(got), text(wanted));
        if got.status != 200 {
            return None;
        }
        let read = |answer: &Answer| -> Value {
            serde_json::from_str(&text(answer).replace(PREFIX, "")).expect("an answer is JSON")
        };
        let answers = [read(got), read(wanted)];
        for key in ["records", "total", "hasMore"] {
            assert_eq!(answers[0][key], answers[1][key], "{about}: {key}");
        }
        for key in ["nextCursor", "prevCursor"] {
            let there = |answer: &Value| answer.get(key).is_some_and(|cursor| !cursor.is_null());
            assert_eq!(there(&answers[0]), there(&answers[1]), "{about}: {key}");
        }
        Some(answers)
    }

    /// Some pages forwards by cursors, and back again.
    fn walk(&mut self, question: &Question) -> bool {
        let Some(mut at) = self.once(&question.body) else {
            return false;
        };
        for (key, end) in [("nextCursor", "after"), ("prevCursor", "before")] {
            for _ in 0..PAGES {
                if !at[0][key].is_string() {
                    break;
                }
                let [mine, mirrored] = [&at[0], &at[1]].map(|answer| {
                    let mut body = question.body.clone();
                    body["cursor"] = json!({(end): answer[key]});
                    body
                });
                let object = self.object;
                let got = self
                    .person
                    .send("POST", &format!("/api/v1/data/{object}/query"), &named(&mine, ""));
                let path = format!("/api/v1/data/{PREFIX}{object}/query");
                let wanted = self.admin.send("POST", &path, &named(&mirrored, PREFIX));
                match self.compare(&got, &wanted) {
                    Some(answers) => at = answers,
                    None => panic!("{}: a cursor that was given is refused: {}", self.about, text(&got)),
                }
            }
        }
        true
    }

    /// The same file for both, to the last byte.
    fn export(&mut self, question: &Question, dice: &mut Dice) -> bool {
        let format = *dice.pick(&["csv", "json", "ndjson"]);
        let object = self.object;
        let wish = |prefix: &str| {
            let query = exported(question, format).replace('@', prefix);
            format!("/api/v1/data/{prefix}{object}/export?{query}")
        };
        let (got, wanted) = (self.person.get(&wish("")), self.admin.get(&wish(PREFIX)));
        let about = &self.about;
        assert_eq!(
            got.status,
            wanted.status,
            "{about}: export: {} {}",
            text(&got),
            text(&wanted)
        );
        if got.status == 200 {
            assert_eq!(text(&got), text(&wanted).replace(PREFIX, ""), "{about}: export");
        }
        got.status == 200
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// A question with the names of its objects.
fn named(body: &Value, prefix: &str) -> Value {
    serde_json::from_str(&body.to_string().replace('@', prefix)).expect("JSON stays JSON")
}

/// A page's question in a query string; `@` stays.
fn exported(question: &Question, format: &str) -> String {
    let list = |value: &Value| -> Vec<String> {
        let items = value.as_array().expect("a list").iter();
        items.map(|item| item.as_str().expect("a name").to_owned()).collect()
    };
    let order: Vec<String> = question.body["orderBy"]
        .as_array()
        .expect("an order")
        .iter()
        .map(|key| {
            let field = key["field"].as_str().expect("a field");
            format!("{}{field}", if key["order"] == "desc" { "-" } else { "" })
        })
        .collect();
    format!(
        "format={format}&select={}&filter={}&sort={}",
        list(&question.body["fields"]).join(","),
        encoded(&question.body["where"].to_string()),
        order.join(",")
    )
}

/// For a query string; the mark of an object stays as it is.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'@' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
