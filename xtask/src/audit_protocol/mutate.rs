//! Documents that differ from a valid one in a single place: some still valid, most not.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::Subject;
use super::fill::fitting;
use super::owner::{Step, key_of, owner, path_text};
use super::probe;
use super::sample::plain;
use super::view::{Keywords, Plain, SAFE_INTEGER};

/// A changed document.
#[derive(Debug)]
pub(super) struct Mutation {
    /// Where it was changed.
    pub(super) steps: Vec<Step>,
    /// What was done there.
    pub(super) what: String,
    pub(super) document: Value,
}

/// Parts of documents that were changed already: by the part of our schema, the way from there, and the value. The same
/// part gives the same verdicts wherever it stands, so each is tried once in all types.
pub(super) type Done = BTreeSet<(u64, String, String)>;

/// Changes documents of one type.
pub(super) struct Mutator<'a> {
    subject: &'a Subject,
    done: &'a mut Done,
    /// Numbers of the parts of our schema, by address: making one takes long.
    keys: HashMap<*const Value, u64>,
}

impl<'a> Mutator<'a> {
    pub(super) fn new(subject: &'a Subject, done: &'a mut Done) -> Self {
        Self {
            subject,
            done,
            keys: HashMap::new(),
        }
    }

    /// All changes to a document that its schema suggests.
    pub(super) fn mutations(&mut self, document: &Value) -> Vec<Mutation> {
        let mut maker = Maker {
            plain: &self.subject.published_plain,
            document,
            mutator: self,
            made: Vec::new(),
        };
        maker.value(maker.plain.root(), document, &mut Vec::new());
        maker.made
    }

    /// Whether this part with this value is met for the first time.
    fn is_new(&mut self, steps: &[Step], value: &Value) -> bool {
        let (part, way) = owner(&self.subject.written, steps);
        let key = *self
            .keys
            .entry(std::ptr::from_ref(part))
            .or_insert_with(|| key_of(part));
        self.done.insert((key, way, value.to_string()))
    }
}

struct Maker<'a, 'm, 'd> {
    plain: &'a Plain,
    document: &'d Value,
    mutator: &'m mut Mutator<'a>,
    made: Vec<Mutation>,
}

impl Maker<'_, '_, '_> {
    fn value(&mut self, schema: &Value, value: &Value, steps: &mut Vec<Step>) {
        if !self.mutator.is_new(steps, value) {
            return;
        }
        let members = self.plain.members(schema);
        for wrong in other_values() {
            if wrong != *value {
                self.replace(steps, &format!("the value {wrong}"), wrong);
            }
        }
        let Some(member) = fitting(self.plain, &members, value) else {
            return;
        };
        if member.contains_key("enum") {
            self.replace(steps, "an unknown value", json!("no_such_value"));
            if let Some(text) = value.as_str() {
                self.replace(steps, "a value in capitals", json!(text.to_uppercase()));
            }
            return;
        }
        match value {
            Value::String(_) => {
                for text in probe::strings(member) {
                    self.replace(steps, &format!("the text {text:?}"), json!(text));
                }
            }
            Value::Number(_) => self.numbers(member, steps),
            Value::Array(items) => self.array(member, items, steps),
            Value::Object(map) => self.object(member, map, steps),
            _ => {}
        }
    }

    fn numbers(&mut self, member: &Keywords, steps: &[Step]) {
        let mut tries = vec![
            json!(0),
            json!(-1),
            json!(-1.5),
            json!(3.0),
            json!(1e300),
            json!(SAFE_INTEGER),
        ];
        tries.push(json!(SAFE_INTEGER + 1));
        for key in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
            if let Some(limit) = member.get(key).and_then(Value::as_f64) {
                tries.extend([limit - 1.0, limit - 0.5, limit, limit + 0.5, limit + 1.0].map(plain));
            }
        }
        for number in tries {
            self.replace(steps, &format!("the number {number}"), number);
        }
    }

    fn array(&mut self, member: &Keywords, items: &[Value], steps: &mut Vec<Step>) {
        for key in ["minItems", "maxItems"] {
            let Some(limit) = member
                .get(key)
                .and_then(Value::as_u64)
                .and_then(|limit| usize::try_from(limit).ok())
            else {
                continue;
            };
            for count in [limit.saturating_sub(1), limit, limit + 1] {
                let repeated: Vec<Value> = items.iter().cycle().take(count).cloned().collect();
                self.replace(steps, &format!("{count} items"), Value::Array(repeated));
            }
        }
        let Some(schema) = member.get("items") else { return };
        for (index, item) in items.iter().enumerate() {
            steps.push(Step::Index(index));
            self.value(schema, item, steps);
            steps.pop();
        }
    }

    fn object(&mut self, member: &Keywords, map: &Map<String, Value>, steps: &mut Vec<Step>) {
        let mut more = map.clone();
        more.insert("no_such_key".to_owned(), json!("value"));
        self.replace(steps, "an unknown key", Value::Object(more));
        if member.get("propertyNames").is_some()
            && let Some(value) = map.values().next()
        {
            for key in ["Not A Name", "", "9x", "x"] {
                let renamed = Map::from_iter([(key.to_owned(), value.clone())]);
                self.replace(steps, &format!("the key {key:?}"), Value::Object(renamed));
            }
        }
        let properties = member.get("properties").and_then(Value::as_object);
        let extra = member.get("additionalProperties").filter(|extra| extra.is_object());
        for (key, value) in map {
            let mut fewer = map.clone();
            fewer.shift_remove(key);
            self.replace(steps, &format!("no key {key}"), Value::Object(fewer));
            let schema = properties.and_then(|properties| properties.get(key)).or(extra);
            if let Some(schema) = schema {
                steps.push(Step::Key(key.clone()));
                self.value(schema, value, steps);
                steps.pop();
            }
        }
    }

    fn replace(&mut self, steps: &[Step], what: &str, value: Value) {
        let mut document = self.document.clone();
        let place = steps.iter().try_fold(&mut document, |place, step| match step {
            Step::Key(key) => place.get_mut(key),
            Step::Index(index) => place.get_mut(index),
        });
        *place.unwrap_or_else(|| panic!("the document has a place {}", path_text(steps))) = value;
        self.made.push(Mutation {
            steps: steps.to_vec(),
            what: what.to_owned(),
            document,
        });
    }
}

/// One value of each kind.
fn other_values() -> [Value; 9] {
    [
        json!(null),
        json!(true),
        json!(7),
        json!(1.5),
        json!("text"),
        json!([]),
        json!({}),
        json!(["x"]),
        json!({ "k": 1 }),
    ]
}
