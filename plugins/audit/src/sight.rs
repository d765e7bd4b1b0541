//! What a reader sees of the records that rows are about, and rows without the rest.
//!
//! A row tells values of a record, so whoever reads it must be one who could read them there: the record among the rows of its
//! access plan, the field among its fields, and not only behind a mask. Everything else of a row (who, when, which fields)
//! stays, or the trail would have gaps.
//!
//! Records that are gone cannot be held against a plan any more. Their values are for those whose plan knows no border, that
//! is who sees every record of the object; to others they are withheld.

use serde_json::Value;
use std::collections::{HashMap, HashSet};

use crate::row::Row;

/// What stands in the place of a value that the caller may not read.
const WITHHELD: &str = "[withheld]";

/// Which fields of an object the caller may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readable {
    All,
    Except(Vec<String>),
    Only(Vec<String>),
}

/// What the caller sees of an object's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) fields: Readable,
    /// Fields of which it sees a mask alone.
    pub(crate) masked: Vec<String>,
    /// Records that it sees; `None` is every one, also those that are gone.
    pub(crate) records: Option<HashSet<String>>,
}

impl Sight {
    /// Of everything.
    pub(crate) fn everything() -> Self {
        Self {
            fields: Readable::All,
            masked: Vec::new(),
            records: None,
        }
    }

    /// Of nothing at all.
    pub(crate) fn nothing() -> Self {
        Self {
            fields: Readable::Only(Vec::new()),
            masked: Vec::new(),
            records: None,
        }
    }

    /// Whether the caller may know of a field.
    pub(crate) fn knows(&self, field: &str) -> bool {
        match &self.fields {
            Readable::All => true,
            Readable::Except(fields) => !fields.iter().any(|name| name == field),
            Readable::Only(fields) => fields.iter().any(|name| name == field),
        }
    }

    /// Whether the values of a field are for the caller.
    fn shows(&self, field: &str) -> bool {
        self.knows(field) && !self.masked.iter().any(|name| name == field)
    }

    /// Whether a record's title may be shown, which came from one of these fields. Of a list of what may be read it cannot
    /// be told whether `name` is not there or not for this reader, so it must stand in it.
    fn shows_title(&self) -> bool {
        match &self.fields {
            Readable::Only(_) => self.shows("name"),
            _ => ["name", "title", "subject"].iter().all(|field| self.shows(field)),
        }
    }

    fn sees(&self, record: Option<&str>) -> bool {
        match (&self.records, record) {
            (None, _) => true,
            (Some(records), Some(record)) => records.contains(record),
            (Some(_), None) => false,
        }
    }
}

/// Whether a row tells values of a record: fields before and after, or its title.
pub(crate) fn tells_values(row: &Row) -> bool {
    let about_record = row.target_type.as_deref() == Some("record") && row.event_type.starts_with("data.");
    row.changes.is_some() || about_record
}

/// Takes out of a row what its reader may not read.
pub(crate) fn withhold(row: &mut Row, sights: &HashMap<String, Sight>) {
    let Some(sight) = row.object_name.as_ref().and_then(|object| sights.get(object)) else {
        return;
    };
    if !tells_values(row) {
        return;
    }
    let seen = sight.sees(row.record_id.as_deref());
    let hidden = |field: &str| !seen || !sight.shows(field);
    for change in row.changes.iter_mut().flatten().filter(|change| hidden(&change.field)) {
        for value in [&mut change.old_value, &mut change.new_value] {
            *value = value.take().map(|_| Value::from(WITHHELD));
        }
    }
    // The name of the record is a field of it, too.
    if row.target_type.as_deref() == Some("record") && !(seen && sight.shows_title()) {
        row.target_name = None;
        row.description = None;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::row::Change;

    fn row() -> Row {
        let change = |field: &str| Change {
            field: field.to_owned(),
            field_label: None,
            field_type: None,
            old_value: Some(json!(1)),
            new_value: None,
        };
        Row {
            event_type: "data.update".to_owned(),
            object_name: Some("employee".to_owned()),
            record_id: Some("r".to_owned()),
            target_type: Some("record".to_owned()),
            target_id: Some("r".to_owned()),
            target_name: Some("Ann".to_owned()),
            changes: Some(vec![change("salary"), change("city")]),
            ..Row::default()
        }
    }

    #[test]
    fn what_may_not_be_read_is_withheld() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let records = |ids: &[&str]| Some(ids.iter().map(|&id| id.to_owned()).collect::<HashSet<_>>());
        let (open, shut) = (json!(1), json!(WITHHELD));
        for (what, sight, salary, city, title) in [
            ("everything", Sight::everything(), &open, &open, true),
            ("nothing", Sight::nothing(), &shut, &shut, false),
            (
                "a field and the title hidden",
                Sight {
                    fields: Readable::Except(names(&["salary", "name"])),
                    ..Sight::everything()
                },
                &shut,
                &open,
                false,
            ),
            (
                "a masked field",
                Sight {
                    masked: names(&["salary"]),
                    ..Sight::everything()
                },
                &shut,
                &open,
                true,
            ),
            (
                "a masked title",
                Sight {
                    masked: names(&["name"]),
                    ..Sight::everything()
                },
                &open,
                &open,
                false,
            ),
            (
                "among the records",
                Sight {
                    records: records(&["r"]),
                    ..Sight::everything()
                },
                &open,
                &open,
                true,
            ),
            (
                "not among them",
                Sight {
                    records: records(&["s"]),
                    ..Sight::everything()
                },
                &shut,
                &shut,
                false,
            ),
        ] {
            let mut row = row();
            withhold(&mut row, &HashMap::from([("employee".to_owned(), sight)]));
            let changes = row.changes.expect("changes");
            let values = (changes[0].old_value.as_ref(), changes[1].old_value.as_ref());
            assert_eq!(values, (Some(salary), Some(city)), "{what}");
            assert_eq!(changes[0].new_value, None, "{what}: what was not there is not there");
            assert_eq!(row.target_name.is_some(), title, "{what}");
        }
    }

    #[test]
    fn what_tells_no_values_stays() {
        let mut refusal = Row {
            event_type: "security.access_denied".to_owned(),
            changes: None,
            ..row()
        };
        withhold(
            &mut refusal,
            &HashMap::from([("employee".to_owned(), Sight::nothing())]),
        );
        assert!(refusal.target_name.is_some());
    }
}
