//! Which records: all, none, or those that match a filter. What plans are put together from.
//!
//! The filters are `data/FilterCondition` with the one addition of access plans, `$inRecords`. Not here: where they come from
//! (`condition`, `plan`) and what they hold for (`evaluate`).

use serde_json::{Value, json};

/// Some records of one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// Every record.
    All,
    /// No record.
    None,
    /// Those that match.
    Where(Value),
}

impl Rows {
    /// Those that are in all of the parts.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Value> = Vec::new();
        for part in parts {
            match part {
                Self::All => {}
                Self::None => return Self::None,
                Self::Where(filter) => add(&mut kept, filter, "$and"),
            }
        }
        joined(kept, "$and").map_or(Self::All, Self::Where)
    }

    /// Those that are in one of the parts.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Value> = Vec::new();
        for part in parts {
            match part {
                Self::None => {}
                Self::All => return Self::All,
                Self::Where(filter) => add(&mut kept, filter, "$or"),
            }
        }
        joined(kept, "$or").map_or(Self::None, Self::Where)
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::all([self, other])
    }

    /// One test of one field: `Rows::test("owner_id", "$eq", "u1")`.
    pub fn test(field: &str, operator: &str, value: impl Into<Value>) -> Self {
        Self::Where(json!({ (field): { (operator): value.into() } }))
    }

    /// The records whose field is that of some record of another object.
    #[must_use]
    pub fn in_records(field: &str, object: &str, source: &str, rows: Self) -> Self {
        match rows {
            Self::None => Self::None,
            Self::All => Self::Where(json!({ (field): { "$inRecords": { "object": object, "field": source } } })),
            Self::Where(filter) => Self::Where(
                json!({ (field): { "$inRecords": { "object": object, "field": source, "where": filter } } }),
            ),
        }
    }

    /// The filter for a plan; absent is all.
    #[must_use]
    pub fn into_filter(self) -> Option<Value> {
        match self {
            Self::All => None,
            Self::None => Some(json!({ "$or": [] })),
            Self::Where(filter) => Some(filter),
        }
    }

    /// In a few words, for explanations.
    #[must_use]
    pub fn describe(&self) -> Value {
        match self {
            Self::All => json!("all"),
            Self::None => json!("none"),
            Self::Where(filter) => filter.clone(),
        }
    }
}

/// Adds a filter once; one that is a list of the same kind is taken apart.
fn add(kept: &mut Vec<Value>, filter: Value, word: &str) {
    let nested = match &filter {
        Value::Object(map) if map.len() == 1 => map.get(word).and_then(Value::as_array).cloned(),
        _ => None,
    };
    for part in nested.unwrap_or_else(|| vec![filter]) {
        if !kept.contains(&part) {
            kept.push(part);
        }
    }
}

fn joined(mut kept: Vec<Value>, word: &str) -> Option<Value> {
    match kept.len() {
        0 => None,
        1 => kept.pop(),
        _ => Some(json!({ (word): kept })),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Rows;

    #[test]
    fn rows_are_joined_and_said_once() {
        let mine = || Rows::test("owner_id", "$eq", "u1");
        assert_eq!(Rows::any([Rows::None, mine(), mine()]), mine());
        assert_eq!(Rows::any([Rows::All, mine()]), Rows::All);
        assert_eq!(Rows::all([Rows::All, mine()]), mine());
        assert_eq!(Rows::all([Rows::None, mine()]), Rows::None);
        let open = Rows::test("status", "$eq", "open");
        let both = Rows::any([mine(), open.clone()]);
        assert_eq!(
            Rows::any([both, Rows::test("status", "$eq", "new")]),
            Rows::Where(json!({"$or": [
                {"owner_id": {"$eq": "u1"}}, {"status": {"$eq": "open"}}, {"status": {"$eq": "new"}},
            ]}))
        );
        assert_eq!(Rows::any([]), Rows::None);
        assert_eq!(Rows::all([]), Rows::All);
    }

    #[test]
    fn nothing_is_a_filter_that_never_holds() {
        assert_eq!(Rows::None.into_filter(), Some(json!({"$or": []})));
        assert_eq!(Rows::All.into_filter(), None);
    }
}
