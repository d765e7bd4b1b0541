//! How exported records are written: as CSV, as one list of JSON, or as lines of JSON. Knows pages of records that were found,
//! and nothing of where they come from or go to. Called by the export.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::error::{DataError, Result};

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A line of names, then a line for each record (RFC 4180).
    Csv,
    /// One list.
    Json,
    /// A line of JSON for each record.
    Ndjson,
}

impl ExportFormat {
    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }

    /// Its name and the end of its files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// Writes one page after the other, so that all of them together are one document.
#[derive(Debug)]
pub(super) struct PageWriter {
    format: ExportFormat,
    /// The columns of a table.
    pub(super) names: Vec<String>,
    /// A table is to begin with a line of names.
    heading: bool,
    /// Something was written.
    begun: bool,
    /// A record was.
    filled: bool,
}

impl PageWriter {
    pub(super) fn new(format: ExportFormat, names: Vec<String>, heading: bool) -> Self {
        Self {
            format,
            names,
            heading,
            begun: false,
            filled: false,
        }
    }

    pub(super) fn format(&self) -> ExportFormat {
        self.format
    }

    /// `records` is a list of JSON; behind the `last` page the document is at its end.
    pub(super) fn page(&mut self, records: &[u8], last: bool) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(records.len());
        if !std::mem::replace(&mut self.begun, true) {
            match self.format {
                ExportFormat::Csv if self.heading => {
                    out.extend_from_slice(csv_line(self.names.iter().map(|name| csv_cell(name))).as_bytes());
                }
                ExportFormat::Json => out.push(b'['),
                ExportFormat::Csv | ExportFormat::Ndjson => {}
            }
        }
        let inner = records.get(1..records.len().saturating_sub(1)).unwrap_or_default();
        match self.format {
            _ if inner.is_empty() => {}
            ExportFormat::Json => {
                if std::mem::replace(&mut self.filled, true) {
                    out.push(b',');
                }
                out.extend_from_slice(inner);
            }
            ExportFormat::Csv | ExportFormat::Ndjson => out.extend_from_slice(self.lines(records)?.as_bytes()),
        }
        if last && self.format == ExportFormat::Json {
            out.push(b']');
        }
        Ok(out)
    }

    fn lines(&self, records: &[u8]) -> Result<String> {
        let unreadable = |error: serde_json::Error| DataError::internal(error.to_string());
        let mut lines = String::with_capacity(records.len());
        let records: Vec<Map<String, Value>> = serde_json::from_slice(records).map_err(unreadable)?;
        for record in &records {
            if self.format == ExportFormat::Ndjson {
                let line = serde_json::to_string(record).map_err(unreadable)?;
                // Writing to memory does not fail.
                let _ = writeln!(lines, "{line}");
            } else {
                lines.push_str(&csv_line(self.names.iter().map(|name| match record.get(name) {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => csv_cell(text),
                    Some(other) => csv_cell(&other.to_string()),
                })));
            }
        }
        Ok(lines)
    }
}

fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// An empty text is quoted, so that it is not read as nothing.
fn csv_cell(text: &str) -> String {
    let plain = !text.is_empty() && !text.contains(['"', ',', '\r', '\n']) && text.trim() == text;
    if plain {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests {
    use super::{ExportFormat, PageWriter, csv_cell};

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let check = |text: &str, expected: &str| assert_eq!(csv_cell(text), expected);
        check("plain", "plain");
        check("", "\"\"");
        check("a,b", "\"a,b\"");
        check("say \"hi\"", "\"say \"\"hi\"\"\"");
        check("two\nlines", "\"two\nlines\"");
        check(" blank", "\" blank\"");
    }

    #[test]
    fn pages_make_one_document() {
        let check = |format: ExportFormat, heading: bool, pages: &[&str], expected: &str| {
            let mut writer = PageWriter::new(format, vec!["a".to_owned(), "b".to_owned()], heading);
            let mut out = Vec::new();
            for (index, page) in pages.iter().enumerate() {
                out.extend(writer.page(page.as_bytes(), index + 1 == pages.len()).unwrap());
            }
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{format:?} {pages:?}");
        };
        let pages = [r#"[{"a":1,"b":"x"}]"#, r#"[{"a":2,"b":null},{"a":3,"b":""}]"#, "[]"];
        check(ExportFormat::Csv, true, &pages, "a,b\r\n1,x\r\n2,\r\n3,\"\"\r\n");
        check(ExportFormat::Csv, false, &pages, "1,x\r\n2,\r\n3,\"\"\r\n");
        check(
            ExportFormat::Json,
            true,
            &pages,
            r#"[{"a":1,"b":"x"},{"a":2,"b":null},{"a":3,"b":""}]"#,
        );
        check(
            ExportFormat::Ndjson,
            true,
            &pages,
            "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":null}\n{\"a\":3,\"b\":\"\"}\n",
        );
        check(ExportFormat::Csv, true, &["[]"], "a,b\r\n");
        check(ExportFormat::Json, true, &["[]", "[]"], "[]");
        check(ExportFormat::Ndjson, true, &["[]"], "");
    }
}
