//! Many records at once, as CSV, JSON or lines of JSON: read page by page and handed on as they come, so that memory stays flat
//! however many there are. The same access plan, filters, order and fields as a list.

use std::fmt::Write as _;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::events::DATA_EXPORT;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::ApiMethod;
use serde_json::{Map, Value, json};

use super::summary::Summary;
use super::{Engine, layout_of};
use crate::error::{DataError, Result};
use crate::query::QueryInput;

/// Records of one page.
const PAGE: u64 = 500;

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

/// Takes what is written; an error ends the export.
pub type ExportSink<'a> = dyn FnMut(&[u8]) -> Result<()> + Send + 'a;

impl Engine {
    /// Writes the records that a query finds, and tells of it by `data.export`. Answers where the next part begins, when
    /// `limit` left some over. What was written counts only with an answer.
    ///
    /// # Errors
    /// `InvalidQuery` for figures and `distinct`; as [`Engine::find`] otherwise, those of the sink, and of the store.
    pub async fn export(
        &self,
        context: &Context,
        object: &str,
        query: QueryInput,
        format: ExportFormat,
        sink: &mut ExportSink<'_>,
    ) -> Result<Option<String>> {
        let written = self.export_pages(context, object, query, format, sink).await;
        let (names, count, next) = self.told(context, written).await?;
        // Who gets records without a word of it in the trail gets none.
        let schema = self.schema();
        let summary = Summary {
            name: DATA_EXPORT,
            verb: "exported",
            done: count,
            failed: 0,
            metadata: Map::from_iter([
                ("format".to_owned(), json!(format.name())),
                ("fields".to_owned(), json!(names)),
                ("complete".to_owned(), json!(next.is_none())),
            ]),
        };
        self.tell_summary(context, layout_of(&schema, object)?, summary).await?;
        Ok(next)
    }

    async fn export_pages(
        &self,
        context: &Context,
        object: &str,
        mut query: QueryInput,
        format: ExportFormat,
        sink: &mut ExportSink<'_>,
    ) -> Result<(Vec<String>, u64, Option<String>)> {
        if query.aggregates() || query.distinct {
            return Err(DataError::InvalidQuery {
                message: "an export has records; figures and distinct values are answers of a query".to_owned(),
            });
        }
        let names = self.export_names(context, object, &query).await?;
        let mut left = query.limit;
        let page = PAGE.min(u64::from(self.parts.limits.page_size_max)).max(1);
        query.count = Some(false);
        let (mut first, mut count) = (true, 0);
        begin(format, &names, sink)?;
        loop {
            query.limit = Some(left.map_or(page, |left| left.min(page)));
            let found = self
                .find_checked(context, object, query.clone(), Some(ApiMethod::Export))
                .await?;
            write_page(format, &names, &found.records, &mut first, sink)?;
            count += found.count;
            left = left.map(|left| left.saturating_sub(found.count));
            let done = found.next_cursor.is_none() || left == Some(0);
            if done {
                end(format, sink)?;
                return Ok((names, count, found.next_cursor));
            }
            query.cursor = found.next_cursor;
            // Only the first page skips.
            query.offset = 0;
        }
    }

    /// The columns of a table: the fields that are wanted, or all that may be read.
    async fn export_names(&self, context: &Context, object: &str, query: &QueryInput) -> Result<Vec<String>> {
        let schema = self.schema();
        let layout = layout_of(&schema, object)?;
        let granted = self.granted(context, layout, Operation::Read).await?;
        let mut names: Vec<String> = match &query.fields {
            Some(fields) if !fields.is_empty() => fields.clone(),
            _ => layout
                .object
                .fields
                .keys()
                .filter(|name| granted.reads(name))
                .cloned()
                .collect(),
        };
        for relation in query.expand.keys() {
            if !names.contains(relation) {
                names.push(relation.clone());
            }
        }
        Ok(names)
    }
}

fn begin(format: ExportFormat, names: &[String], sink: &mut ExportSink<'_>) -> Result<()> {
    match format {
        ExportFormat::Csv => sink(csv_line(names.iter().map(|name| csv_cell(name))).as_bytes()),
        ExportFormat::Json => sink(b"["),
        ExportFormat::Ndjson => Ok(()),
    }
}

fn end(format: ExportFormat, sink: &mut ExportSink<'_>) -> Result<()> {
    match format {
        ExportFormat::Json => sink(b"]"),
        ExportFormat::Csv | ExportFormat::Ndjson => Ok(()),
    }
}

fn write_page(
    format: ExportFormat,
    names: &[String],
    records: &[u8],
    first: &mut bool,
    sink: &mut ExportSink<'_>,
) -> Result<()> {
    let inner = records.get(1..records.len().saturating_sub(1)).unwrap_or_default();
    if inner.is_empty() {
        return Ok(());
    }
    if format == ExportFormat::Json {
        if !std::mem::take(first) {
            sink(b",")?;
        }
        return sink(inner);
    }
    let records: Vec<Map<String, Value>> =
        serde_json::from_slice(records).map_err(|error| DataError::internal(error.to_string()))?;
    let mut out = String::with_capacity(inner.len());
    for record in &records {
        if format == ExportFormat::Ndjson {
            let line = serde_json::to_string(record).map_err(|error| DataError::internal(error.to_string()))?;
            let _ = writeln!(out, "{line}");
        } else {
            out.push_str(&csv_line(names.iter().map(|name| match record.get(name) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => csv_cell(text),
                Some(other) => csv_cell(&other.to_string()),
            })));
        }
    }
    sink(out.as_bytes())
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
    use super::csv_cell;

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
}
