//! Filters as filters of the store. Knows no attribute; whoever asks says which field one is. What every record has, or none,
//! is settled here: the store is asked about fields alone.

use serde_json::{Value, json};

use super::{Filter, Operator, parse, wrong};
use crate::{error::Result, moment};

/// The field that an attribute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Field {
    /// A text, as it is.
    Text(&'static str),
    /// An e-mail address, kept in small letters.
    Address(&'static str),
    /// Whether a user is active at this moment, milliseconds since 1970.
    Active { now_ms: i64 },
    /// A text that is the same for every record; its case does not count.
    Fixed(&'static str),
    /// A yes for every record.
    Always,
    /// Members of a group, by the user's id. The filter then has `{"$member": ID}`, which whoever asks puts a filter of the
    /// store in the place of.
    Member,
}

/// What is known of a part of a filter.
enum Told {
    /// It fits every record.
    Everything,
    /// It fits none.
    Nothing,
    /// The store knows.
    Where(Value),
}

impl Told {
    fn from_flag(fits: bool) -> Self {
        if fits { Self::Everything } else { Self::Nothing }
    }

    fn opposite(self) -> Self {
        match self {
            Self::Everything => Self::Nothing,
            Self::Nothing => Self::Everything,
            Self::Where(filter) => Self::Where(json!({ "$not": filter })),
        }
    }
}

/// Reads a filter; `field` knows the attributes, in small letters.
pub(in super::super) fn read(text: &str, field: impl Fn(&str) -> Option<Field>) -> Result<Value> {
    Ok(match told(&parse(text)?, "", &field)? {
        Told::Everything => json!({}),
        Told::Nothing => json!({ "id": { "$exists": false } }),
        Told::Where(filter) => filter,
    })
}

/// `of` is the attribute whose values are looked at, with a dot; nothing outside of value paths.
fn told<F: Fn(&str) -> Option<Field>>(filter: &Filter, of: &str, field: &F) -> Result<Told> {
    match filter {
        Filter::Any(parts) => joined(parts, of, field, "$or"),
        Filter::All(parts) => joined(parts, of, field, "$and"),
        Filter::Not(part) => Ok(told(part, of, field)?.opposite()),
        Filter::Of { attribute, filter } => {
            let of = format!("{attribute}.");
            // Of several values one has to fit as a whole, which is more than the store can be asked of members.
            if field(&format!("{of}value")) == Some(Field::Member) && !names_values(filter) {
                return Err(wrong(format!("{attribute} are looked for by: value eq \"id\"")));
            }
            told(filter, &of, field)
        }
        Filter::Test {
            attribute,
            operator,
            value,
        } => {
            let attribute = format!("{of}{attribute}");
            let known = field(&attribute).ok_or_else(|| wrong(format!("nothing is looked for by {attribute}")))?;
            test(&attribute, known, *operator, value)
        }
    }
}

/// Nothing but `value eq …`, perhaps several to choose from.
fn names_values(filter: &Filter) -> bool {
    match filter {
        Filter::Any(parts) => parts.iter().all(names_values),
        Filter::Test { operator, .. } => *operator == Operator::Equal,
        _ => false,
    }
}

fn joined<F: Fn(&str) -> Option<Field>>(parts: &[Filter], of: &str, field: &F, word: &str) -> Result<Told> {
    let settles = word == "$or";
    let mut open = Vec::new();
    let mut settled = false;
    for part in parts {
        match told(part, of, field)? {
            Told::Everything => settled |= settles,
            Told::Nothing => settled |= !settles,
            Told::Where(filter) => open.push(filter),
        }
    }
    if settled {
        return Ok(Told::from_flag(settles));
    }
    Ok(match open.pop() {
        None => Told::from_flag(!settles),
        Some(only) if open.is_empty() => Told::Where(only),
        Some(last) => {
            open.push(last);
            Told::Where(json!({ word: open }))
        }
    })
}

fn test(attribute: &str, field: Field, operator: Operator, value: &Value) -> Result<Told> {
    let taken = || wrong(format!("{attribute} is not looked for in this way"));
    if operator == Operator::Present {
        return Ok(match field {
            Field::Text(name) | Field::Address(name) => Told::Where(json!({ name: { "$exists": true } })),
            Field::Active { .. } | Field::Fixed(_) | Field::Always => Told::Everything,
            Field::Member => return Err(taken()),
        });
    }
    Ok(match (field, value) {
        (Field::Text(name), Value::String(text)) => Told::Where(text_test(name, operator, text)),
        (Field::Address(name), Value::String(text)) => Told::Where(text_test(name, operator, &text.to_lowercase())),
        (Field::Active { now_ms }, Value::Bool(value)) => match operator {
            Operator::Equal => Told::Where(active(*value, now_ms)),
            Operator::Unequal => Told::Where(active(!value, now_ms)),
            _ => return Err(taken()),
        },
        (Field::Fixed(own), Value::String(text)) => Told::from_flag(operator.holds(own, &text.to_ascii_lowercase())),
        (Field::Always, Value::Bool(value)) => match operator {
            Operator::Equal => Told::from_flag(*value),
            Operator::Unequal => Told::from_flag(!value),
            _ => return Err(taken()),
        },
        (Field::Member, Value::String(user)) if operator == Operator::Equal => Told::Where(json!({ "$member": user })),
        (Field::Member, _) => return Err(taken()),
        _ => return Err(wrong(format!("{attribute} is not compared with such a value"))),
    })
}

/// Users who are disabled, or who are not: who never were, and whose time is over. The same as `is_banned` says of one.
fn active(active: bool, now_ms: i64) -> Value {
    let now = moment::text(now_ms);
    if active {
        let later = moment::text(now_ms.saturating_add(1));
        return json!({ "$or": [{ "banned": false }, { "ban_expires": { "$lt": later } }] });
    }
    json!({ "banned": true, "$or": [{ "ban_expires": { "$exists": false } }, { "ban_expires": { "$gt": now } }] })
}

fn text_test(name: &str, operator: Operator, text: &str) -> Value {
    let operator = match operator {
        Operator::Present | Operator::Equal => return json!({ name: text }),
        Operator::Unequal => "$ne",
        Operator::Contains => "$contains",
        Operator::Begins => "$startsWith",
        Operator::Ends => "$endsWith",
    };
    json!({ name: { operator: text } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn field(attribute: &str) -> Option<Field> {
        match attribute {
            "username" => Some(Field::Address("email")),
            "displayname" => Some(Field::Text("name")),
            "active" => Some(Field::Active { now_ms: NOW_MS }),
            "emails.value" => Some(Field::Address("email")),
            "emails.type" => Some(Field::Fixed("work")),
            "emails.primary" => Some(Field::Always),
            "members" | "members.value" => Some(Field::Member),
            _ => None,
        }
    }

    #[test]
    fn filters_become_filters_of_the_store() {
        let check = |text: &str, expected: Value| assert_eq!(read(text, field).unwrap(), expected, "{text}");
        check("userName eq \"Ada@Example.com\"", json!({ "email": "ada@example.com" }));
        check(
            "displayName NE \"A \\\"b\\\"\"",
            json!({ "name": { "$ne": "A \"b\"" } }),
        );
        check("displayName co \"da\"", json!({ "name": { "$contains": "da" } }));
        check("userName sw \"ADA\"", json!({ "email": { "$startsWith": "ada" } }));
        check("displayName ew \"e\"", json!({ "name": { "$endsWith": "e" } }));
        check("displayName pr", json!({ "name": { "$exists": true } }));
        let (yes, no) = (active(true, NOW_MS), active(false, NOW_MS));
        assert_eq!(
            (
                &yes["$or"][1]["ban_expires"]["$lt"],
                &no["$or"][1]["ban_expires"]["$gt"]
            ),
            (&json!("2023-11-14T22:13:20.001Z"), &json!("2023-11-14T22:13:20.000Z"))
        );
        check("active eq true", yes.clone());
        check("not (active ne true)", json!({ "$not": no }));
        check("active pr", json!({}));
        check(
            "active eq true and (userName sw \"a\" or userName sw \"b\") and displayName pr",
            json!({ "$and": [
                yes,
                { "$or": [{ "email": { "$startsWith": "a" } }, { "email": { "$startsWith": "b" } }] },
                { "name": { "$exists": true } },
            ] }),
        );
        // `and` binds more tightly.
        check(
            "active eq true or active eq false and displayName eq \"x\"",
            json!({ "$or": [yes, { "$and": [no, { "name": "x" }] }] }),
        );
    }

    #[test]
    fn value_paths_are_about_one_value() {
        let check = |text: &str, expected: Value| assert_eq!(read(text, field).unwrap(), expected, "{text}");
        let (everything, nothing) = (json!({}), json!({ "id": { "$exists": false } }));
        check(
            "emails[type eq \"Work\" and value sw \"A\"]",
            json!({ "email": { "$startsWith": "a" } }),
        );
        check(
            "emails[type eq \"work\"].value eq \"A@b.co\"",
            json!({ "email": "a@b.co" }),
        );
        check("emails[type eq \"work\" and primary eq true]", everything.clone());
        check("not (emails[type eq \"work\"])", nothing.clone());
        check("emails[type eq \"home\"].value eq \"a@b.co\"", nothing.clone());
        check(
            "emails[type eq \"home\" or value ew \".co\"] and displayName pr",
            json!({ "$and": [{ "email": { "$endsWith": ".co" } }, { "name": { "$exists": true } }] }),
        );
        check("emails[type eq \"home\"] or active eq true", active(true, NOW_MS));
        check(
            "emails[not (value eq \"a@b.co\") and primary ne false]",
            json!({ "$not": { "email": "a@b.co" } }),
        );
        check("members[value eq \"u1\"]", json!({ "$member": "u1" }));
        check(
            "members[value eq \"u1\" or value eq \"u2\"]",
            json!({ "$or": [{ "$member": "u1" }, { "$member": "u2" }] }),
        );
        check("not (members.value eq \"u1\")", json!({ "$not": { "$member": "u1" } }));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for bad in [
            "",
            "userName",
            "userName eq",
            "userName eq \"a",
            "userName eq 1",
            "userName gt \"a\"",
            "userName eq \"a\" \"b\"",
            "userName eq \"a\" and",
            "(userName pr",
            "userName pr)",
            "not userName pr",
            "active co true",
            "password eq \"x\"",
            "\"userName\" eq \"x\"",
            "emails[type eq \"work\"",
            "emails[]",
            "emails[type eq \"work\"]]",
            "emails[type eq \"work\"].value",
            "emails[emails[type eq \"work\"]]",
            "emails[colour eq \"red\"]",
            "emails[type eq true]",
            "emails[primary eq \"true\"]",
            "[type eq \"work\"]",
            "members[value eq \"a\" and value eq \"b\"]",
            "members[not (value eq \"a\")]",
            "members.value sw \"a\"",
        ] {
            assert!(read(bad, field).is_err(), "{bad}");
        }
        let deep = format!("{}userName pr{}", "(".repeat(40), ")".repeat(40));
        assert!(read(&deep, field).is_err());
        assert!(read(&"(".repeat(4097), field).is_err());
    }
}
