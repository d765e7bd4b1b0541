//! Files into rows: CSV (RFC 4180), a list in JSON, lines of JSON. Every row knows its number and, where the format has lines, the
//! line it begins on; one that cannot be read is an error of its own and keeps the others from nothing.

use serde_json::Value;

use crate::engine::Fields;
use crate::error::{DataError, Result};

/// One row of a file.
#[derive(Debug)]
pub struct ImportRow {
    /// From 1, the line of names not counted.
    pub number: usize,
    /// From 1.
    pub line: Option<usize>,
    /// The record, or why it is none.
    pub record: Result<Fields>,
}

fn wrong(message: impl Into<String>) -> DataError {
    DataError::InvalidBody {
        message: message.into(),
    }
}

/// A list of records, each an object.
#[must_use]
pub fn of_list(items: Vec<Value>) -> Vec<ImportRow> {
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| ImportRow {
            number: index + 1,
            line: None,
            record: object(item),
        })
        .collect()
}

/// Lines of JSON; empty ones do not count.
#[must_use]
pub fn of_lines(text: &str) -> Vec<ImportRow> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .enumerate()
        .map(|(index, (line, text))| ImportRow {
            number: index + 1,
            line: Some(line + 1),
            record: serde_json::from_str(text)
                .map_err(|error| wrong(format!("the line is no JSON: {error}")))
                .and_then(object),
        })
        .collect()
}

fn object(value: Value) -> Result<Fields> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(wrong("a record is an object")),
    }
}

/// A table whose first line names the fields.
///
/// # Errors
/// `InvalidBody` when there is no line of names, or a name is there twice.
pub fn of_csv(text: &str) -> Result<Vec<ImportRow>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = Records::new(text);
    let Some((_, names)) = records.next() else {
        return Err(wrong("the file is empty; its first line names the fields"));
    };
    let names = names.map_err(wrong)?;
    let names: Vec<String> = names
        .into_iter()
        .map(|name| name.unwrap_or_default().trim().to_owned())
        .collect();
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(wrong(format!("column {} of the first line has no name", index + 1)));
        }
        if names[..index].contains(name) {
            return Err(wrong(format!("the first line names '{name}' twice")));
        }
    }
    let rows = records.enumerate().map(|(index, (line, cells))| ImportRow {
        number: index + 1,
        line: Some(line),
        record: cells.map_err(wrong).and_then(|cells| row(&names, cells)),
    });
    Ok(rows.collect())
}

fn row(names: &[String], cells: Vec<Option<String>>) -> Result<Fields> {
    if cells.len() != names.len() {
        return Err(wrong(format!(
            "the row has {} cells, the first line names {}",
            cells.len(),
            names.len()
        )));
    }
    let value = |cell: Option<String>| cell.map_or(Value::Null, Value::String);
    Ok(names.iter().cloned().zip(cells.into_iter().map(value)).collect())
}

/// The records of a table: the line each begins on, and its cells. A cell that is empty without quotes is none.
struct Records<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Records<'a> {
    const fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// One cell, and whether another follows in the record.
    fn cell(&mut self) -> (Result<Option<String>, String>, bool) {
        if let Some(quoted) = self.rest.strip_prefix('"') {
            return self.quoted(quoted);
        }
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let text = self.rest[..end].strip_suffix('\r').unwrap_or(&self.rest[..end]);
        self.rest = &self.rest[end..];
        let cell = if text.contains('"') {
            Err("a cell with quotes in it must be in quotes as a whole".to_owned())
        } else {
            Ok((!text.is_empty()).then(|| text.to_owned()))
        };
        (cell, self.separator())
    }

    fn quoted(&mut self, mut rest: &'a str) -> (Result<Option<String>, String>, bool) {
        let mut out = String::new();
        loop {
            let Some(end) = rest.find('"') else {
                self.rest = "";
                return (Err("a quote is opened and never closed".to_owned()), false);
            };
            out.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            let Some(more) = rest.strip_prefix('"') else { break };
            out.push('"');
            rest = more;
        }
        self.line += out.matches('\n').count();
        let after = rest
            .strip_prefix('\r')
            .filter(|more| more.starts_with('\n'))
            .unwrap_or(rest);
        let ends = after.is_empty() || after.starts_with([',', '\n']);
        let cell = if ends {
            self.rest = after;
            Ok(Some(out))
        } else {
            let end = after.find([',', '\n']).unwrap_or(after.len());
            self.rest = &after[end..];
            Err("something stands behind the closing quote of a cell".to_owned())
        };
        (cell, self.separator())
    }

    fn separator(&mut self) -> bool {
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return true;
        }
        if let Some(rest) = self.rest.strip_prefix('\n') {
            self.rest = rest;
            self.line += 1;
        }
        false
    }
}

impl Iterator for Records<'_> {
    type Item = (usize, Result<Vec<Option<String>>, String>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let line = self.line;
            let mut cells = Vec::new();
            let mut fault = None;
            loop {
                let (cell, more) = self.cell();
                match cell {
                    Ok(cell) => cells.push(cell),
                    Err(error) => fault = fault.or(Some(error)),
                }
                if !more {
                    break;
                }
            }
            // An empty line is no record.
            if fault.is_none() && cells == [None] {
                continue;
            }
            return Some((line, fault.map_or(Ok(cells), Err)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Vec<(usize, Option<usize>, Result<Value, String>)> {
        let rows = of_csv(text).unwrap();
        rows.into_iter()
            .map(|row| {
                let record = row.record.map(Value::Object).map_err(|error| error.to_string());
                (row.number, row.line, record)
            })
            .collect()
    }

    #[test]
    fn a_table_becomes_records_with_their_lines() {
        let text = "\u{feff}name,note\r\na,\"two\nlines, \"\"quoted\"\"\"\r\n\r\nb,\r\nc,\"\"";
        assert_eq!(
            read(text),
            [
                (1, Some(2), Ok(json!({ "name": "a", "note": "two\nlines, \"quoted\"" }))),
                (2, Some(5), Ok(json!({ "name": "b", "note": null }))),
                (3, Some(6), Ok(json!({ "name": "c", "note": "" }))),
            ]
        );
    }

    #[test]
    fn a_bad_row_is_its_own_fault() {
        let rows = read("name,note\na\nb,x\"y\nc,\"z\"?\nd,1\ne,\"open");
        let faults: Vec<Option<String>> = rows.iter().map(|(_, _, record)| record.clone().err()).collect();
        assert_eq!(
            faults[0].as_deref(),
            Some("the row has 1 cells, the first line names 2")
        );
        assert!(
            faults[1]
                .as_deref()
                .is_some_and(|fault| fault.contains("in quotes as a whole"))
        );
        assert!(
            faults[2]
                .as_deref()
                .is_some_and(|fault| fault.contains("behind the closing quote"))
        );
        assert_eq!(
            (rows[3].1, &rows[3].2),
            (Some(5), &Ok(json!({ "name": "d", "note": "1" })))
        );
        assert!(faults[4].as_deref().is_some_and(|fault| fault.contains("never closed")));
    }

    #[test]
    fn the_first_line_must_name_every_column_once() {
        for text in ["", "a,a\n1,2", "a,\n1,2"] {
            assert!(of_csv(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lines_of_json_know_where_they_stand() {
        let rows = of_lines("{\"a\":1}\n\n[1]\n{");
        let lines: Vec<(Option<usize>, bool)> = rows.iter().map(|row| (row.line, row.record.is_ok())).collect();
        assert_eq!(lines, [(Some(1), true), (Some(3), false), (Some(4), false)]);
    }
}
