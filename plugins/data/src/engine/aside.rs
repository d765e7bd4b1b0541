//! Encrypted values and hashes of passwords in an answer while handlers of a hook look at it: each stands aside with a sign in its
//! place, and comes back to wherever its sign is once they had their turn, for whoever asked alone. A handler may leave a sign out
//! or write over it; what it stands for it does not learn. Not here: which values these are and who may read them (`answer`).
//! Called by `find`, and by `related_hooks` for records that come by a relation.

use std::fmt;

use parking_lot::Mutex;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::record::{SECRET_MASK, write_text};

/// The values of one answer.
pub(super) struct Aside {
    /// How every sign begins. Nobody knows it beforehand, so nothing that somebody stored is taken for one.
    beginning: String,
    /// As JSON; a sign ends with the place of its value.
    values: Mutex<Vec<Vec<u8>>>,
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aside").finish_non_exhaustive()
    }
}

impl Aside {
    pub(super) fn new() -> Self {
        Self {
            beginning: format!("{SECRET_MASK}{}-", Uuid::new_v4().simple()),
            values: Mutex::default(),
        }
    }

    /// Nothing stands aside.
    pub(super) fn is_empty(&self) -> bool {
        self.values.lock().is_empty()
    }

    /// Takes the value that was written from this place on. Nothing stays nothing.
    pub(super) fn take(&self, out: &mut Vec<u8>, from: usize) {
        if out[from..] == *b"null" {
            return;
        }
        let mut values = self.values.lock();
        let sign = format!("{}{}", self.beginning, values.len());
        values.push(out.split_off(from));
        write_text(out, &sign);
    }

    /// Puts the values back.
    ///
    /// Fails for what is no JSON, which was not written here.
    pub(super) fn put_back(&self, records: &mut [Map<String, Value>]) -> serde_json::Result<()> {
        let values = self.values.lock();
        if values.is_empty() {
            return Ok(());
        }
        let mut places = records.iter_mut().flat_map(Map::values_mut);
        places.try_for_each(|place| self.put(&values, place))
    }

    fn put(&self, values: &[Vec<u8>], place: &mut Value) -> serde_json::Result<()> {
        match place {
            Value::String(text) => {
                let number = text.strip_prefix(self.beginning.as_str());
                let known = number.and_then(|number| values.get(number.parse::<usize>().ok()?));
                if let Some(value) = known {
                    *place = serde_json::from_slice(value)?;
                }
                Ok(())
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.put(values, item)),
            Value::Object(fields) => fields.values_mut().try_for_each(|field| self.put(values, field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_comes_back_to_where_its_sign_is() {
        let aside = Aside::new();
        let sign = |value: &str| {
            let mut out = b"{\"a\":".to_vec();
            let from = out.len();
            write_text(&mut out, value);
            aside.take(&mut out, from);
            out.push(b'}');
            let written: Value = serde_json::from_slice(&out).unwrap();
            written["a"].clone()
        };
        assert!(aside.is_empty());
        let (one, two) = (sign("s3cret \"one\""), sign("s3cret two"));
        assert!(!aside.is_empty() && one != two);
        assert!(!format!("{one}{two}{aside:?}").contains("s3cret"));
        let beyond = format!("{}7", aside.beginning);
        let check = |seen: Value, expected: Value| {
            let mut records: Vec<Map<String, Value>> = serde_json::from_value(json!([seen])).unwrap();
            aside.put_back(&mut records).unwrap();
            assert_eq!(json!(records), json!([expected]));
        };
        check(json!({ "a": one, "n": 1 }), json!({ "a": "s3cret \"one\"", "n": 1 }));
        check(
            json!({ "b": { "list": [null, two, one] } }),
            json!({ "b": { "list": [null, "s3cret two", "s3cret \"one\""] } }),
        );
        check(
            json!({ "a": SECRET_MASK, "b": beyond }),
            json!({ "a": SECRET_MASK, "b": beyond }),
        );
        let mut nothing = b"null".to_vec();
        aside.take(&mut nothing, 0);
        assert_eq!(nothing, b"null");
    }
}
