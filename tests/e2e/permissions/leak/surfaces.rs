//! Every other place that gives records out, held against what a user may see: search over all objects, exports, one of them so
//! long that it is sent while it is read, lists within a tenant, earlier versions, the changelog, and the audit trail.

use objectos_tests::Answer;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

use super::{Dice, MASK};
use crate::permissions::people::Person;

/// What one user may see, and of what there is.
pub(super) struct Sight<'a> {
    pub(super) about: String,
    /// Objects in the order of the other lists.
    pub(super) objects: [&'static str; 2],
    pub(super) records: &'a BTreeMap<&'static str, Vec<Value>>,
    pub(super) reads: [bool; 2],
    pub(super) rows: &'a [BTreeSet<String>; 2],
    pub(super) hidden: &'a [BTreeSet<&'static str>; 2],
    /// Sees the mask in the place of an account's `iban`.
    pub(super) masked: bool,
    /// The memos of the user's tenant.
    pub(super) memos: &'a BTreeSet<String>,
    /// The traces that the user sees.
    pub(super) traces: &'a BTreeSet<String>,
    /// Reads the trail of the organisation.
    pub(super) auditor: bool,
}

impl Sight<'_> {
    /// The records of an object that the user sees.
    pub(super) fn seen(&self, own: usize) -> impl Iterator<Item = &Value> {
        let rows = &self.rows[own];
        self.records[self.objects[own]]
            .iter()
            .filter(move |record| rows.contains(record["id"].as_str().unwrap_or_default()))
    }

    /// Looks at all of them.
    pub(super) fn check(&self, dice: &mut Dice, person: &mut Person) {
        self.search(person);
        self.recent(person);
        self.memos(person);
        self.traces(person);
        self.trail(person);
        for own in 0..2 {
            self.export(own, person);
            let record = dice.pick(&self.records[self.objects[own]]);
            self.past(own, person, record["id"].as_str().expect("an id"));
        }
    }

    fn search(&self, person: &mut Person) {
        let found = person.get("/api/v1/search?q=a1&limit=100").expect(200);
        for hit in found["hits"].as_array().expect("hits") {
            let id = hit["id"].as_str().unwrap_or_default();
            let own = self.objects.iter().position(|object| hit["object"] == *object);
            let seen = own.map_or(self.memos, |own| &self.rows[own]);
            assert!(seen.contains(id), "{}: found {hit}", self.about);
            let marked = hit["highlights"].as_object().into_iter().flatten();
            if let Some(own) = own {
                for (field, _) in marked {
                    assert!(!self.hidden[own].contains(field.as_str()), "{}: {hit}", self.about);
                }
            }
        }
    }

    /// Of records that they read before they saw as little as now.
    fn recent(&self, person: &mut Person) {
        let used = person.get("/api/v1/recent?limit=200").expect(200);
        for record in used["records"].as_array().expect("records") {
            let id = record["id"].as_str().unwrap_or_default();
            if let Some(own) = self.objects.iter().position(|object| record["object"] == *object) {
                assert!(self.rows[own].contains(id), "{}: used {record}", self.about);
            }
        }
    }

    fn memos(&self, person: &mut Person) {
        let found = person.get("/api/v1/data/memo?top=100").expect(200);
        let ids: BTreeSet<String> = found["records"]
            .as_array()
            .expect("records")
            .iter()
            .map(|record| record["id"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(ids, *self.memos, "{}: memos", self.about);
    }

    /// More than one page, so it is sent while it is read.
    fn traces(&self, person: &mut Person) {
        let answer = person.get("/api/v1/data/trace/export?format=ndjson&select=id");
        assert_eq!(answer.status, 200, "{}: export of traces", self.about);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let ids: BTreeSet<String> = text
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON")["id"].to_string())
            .map(|id| id.trim_matches('"').to_owned())
            .collect();
        assert!(
            ids == *self.traces,
            "{}: {} traces exported, {} are seen; too many: {:?}",
            self.about,
            ids.len(),
            self.traces.len(),
            ids.difference(self.traces).take(5).collect::<Vec<_>>()
        );
    }

    /// The trail as a whole: closed to those who may not read it, and to those who may it tells of their own organisation.
    fn trail(&self, person: &mut Person) {
        for object in ["account", "opportunity", "memo"] {
            let answer = person.get(&format!("/api/v1/audit/events?objectName={object}&limit=100"));
            let expected = if self.auditor { 200 } else { 403 };
            assert_eq!(answer.status, expected, "{}: events of {object}", self.about);
            if !self.auditor {
                continue;
            }
            for event in answer.json()["data"].as_array().expect("events") {
                // What the administrator wrote in no organisation is none of theirs; what they did themselves is.
                let id = event["recordId"].as_str().unwrap_or_default();
                let changes = event["changes"].as_array().is_some_and(|changes| !changes.is_empty());
                let own = object == "memo" && (id.is_empty() || self.memos.contains(id));
                assert!(own || (object != "memo" && !changes), "{}: {event}", self.about);
            }
        }
    }

    /// Of a record that is seen: no hidden field, and behind the mask nothing but the mask.
    fn is_clean(&self, own: usize, record: &Value, place: &str) {
        for (field, value) in record.as_object().into_iter().flatten() {
            let about = &self.about;
            assert!(
                !self.hidden[own].contains(field.as_str()),
                "{about}, {place}: {field} of {record}"
            );
            let clean = field != "iban" || !self.masked || value.is_null() || value == MASK;
            assert!(clean, "{about}, {place}: {record}");
        }
    }

    fn export(&self, own: usize, person: &mut Person) {
        let object = self.objects[own];
        let answer = person.get(&format!("/api/v1/data/{object}/export?format=ndjson"));
        if !self.reads[own] {
            assert_eq!(answer.status, 403, "{}: export of {object}", self.about);
            return;
        }
        assert_eq!(answer.status, 200, "{}: export of {object}", self.about);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let mut ids = BTreeSet::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let record: Value = serde_json::from_str(line).expect("a line is JSON");
            self.is_clean(own, &record, "export");
            ids.insert(record["id"].as_str().unwrap_or_default().to_owned());
        }
        assert_eq!(ids, self.rows[own], "{}: export of {object}", self.about);
    }

    /// Refused where the object is closed, missing where the record is not seen; `None` for both.
    fn open(&self, own: usize, id: &str, path: &str, answer: &Answer) -> Option<Value> {
        let expected = match (self.reads[own], self.rows[own].contains(id)) {
            (false, _) => 403,
            (true, false) => 404,
            (true, true) => 200,
        };
        assert_eq!(
            answer.status,
            expected,
            "{}: {path}: {}",
            self.about,
            String::from_utf8_lossy(&answer.body)
        );
        (expected == 200).then(|| answer.json())
    }

    /// The same of what the trail has of a record: to readers of the trail also a record that they do not see is history.
    fn told(&self, own: usize, id: &str, path: &str, answer: &Answer) -> Option<Value> {
        let seen = self.reads[own] && self.rows[own].contains(id);
        if self.auditor && !seen && answer.status == 200 {
            return Some(answer.json());
        }
        self.open(own, id, path, answer)
    }

    fn past(&self, own: usize, person: &mut Person, id: &str) {
        let record = format!("/api/v1/data/{}/{id}", self.objects[own]);
        let mut ask = |path: String| {
            let answer = person.get(&path);
            self.open(own, id, &path, &answer)
        };
        let changed = |entry: &Value| {
            assert!(
                !entry.as_str().is_some_and(|field| self.hidden[own].contains(field)),
                "{}: versions of {id}: {entry}",
                self.about
            );
        };
        if let Some(list) = ask(format!("{record}/versions")) {
            let versions = list["versions"].as_array().expect("versions").iter();
            versions
                .flat_map(|version| version["changes"].as_array().into_iter().flatten())
                .for_each(changed);
        }
        if let Some(version) = ask(format!("{record}/versions/1")) {
            self.is_clean(own, &version["record"], "version 1");
        }
        let object = self.objects[own];
        let mut ask = |path: String| {
            let answer = person.get(&path);
            self.told(own, id, &path, &answer)
        };
        if let Some(log) = ask(format!("{record}/changelog")) {
            self.is_withheld(own, &log["entries"], &format!("changelog of {id}"));
        }
        if let Some(trail) = ask(format!("/api/v1/audit/trail/{object}/{id}")) {
            self.is_withheld(own, &trail["data"], &format!("trail of {id}"));
        }
        for field in ["iban", "secret"] {
            let path = format!("/api/v1/audit/field-history/{object}/{id}/{field}");
            let hidden = self.hidden[own].contains(field) || (field == "iban" && own == 1);
            if self.reads[own] && self.rows[own].contains(id) && hidden {
                assert_eq!(person.get(&path).status, 404, "{}: {path}", self.about);
                continue;
            }
            let answer = person.get(&path);
            let Some(history) = self.told(own, id, &path, &answer) else {
                continue;
            };
            for entry in history["data"].as_array().expect("entries") {
                self.is_behind_mask(field, entry, &path);
            }
        }
    }

    /// Changes of hidden fields are not there, and those of masked ones have no values.
    fn is_withheld(&self, own: usize, entries: &Value, place: &str) {
        let entries = entries.as_array().expect("entries").iter();
        let changes = entries.flat_map(|entry| entry["changes"].as_array().into_iter().flatten());
        for change in changes {
            let field = change["field"].as_str().unwrap_or_default();
            assert!(!self.hidden[own].contains(field), "{}: {place}: {change}", self.about);
            self.is_behind_mask(field, change, place);
        }
    }

    fn is_behind_mask(&self, field: &str, change: &Value, place: &str) {
        let values = [change.get("oldValue"), change.get("newValue")];
        let withheld = |value: &Value| value.is_null() || value == "[withheld]";
        assert!(
            field != "iban" || !self.masked || values.into_iter().flatten().all(withheld),
            "{}: {place}: {change}",
            self.about
        );
    }
}
