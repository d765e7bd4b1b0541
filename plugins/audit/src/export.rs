//! Events as a file, CSV or NDJSON. Taking the trail away is an event itself.

use objectos_plugin_api::HttpResponse;
use serde_json::Value;

use crate::{
    error::{AuditError, Result},
    row::Row,
    view,
};

/// Columns of the CSV and where their values stand in an event.
const COLUMNS: [(&str, &str); 20] = [
    ("id", "/id"),
    ("sequence", "/sequence"),
    ("timestamp", "/timestamp"),
    ("eventType", "/eventType"),
    ("severity", "/severity"),
    ("result", "/result"),
    ("actorType", "/actor/type"),
    ("actorId", "/actor/id"),
    ("actorName", "/actor/name"),
    ("actorEmail", "/actor/email"),
    ("ipAddress", "/actor/ipAddress"),
    ("userAgent", "/actor/userAgent"),
    ("sessionId", "/sessionId"),
    ("requestId", "/requestId"),
    ("tenantId", "/tenantId"),
    ("objectName", "/objectName"),
    ("recordId", "/recordId"),
    ("description", "/description"),
    ("changes", "/changes"),
    ("hash", "/hash"),
];

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Ndjson,
}

impl Format {
    /// By its name; CSV when none is given.
    ///
    /// # Errors
    /// `Query`.
    pub(crate) fn read(name: Option<&str>) -> Result<Self> {
        match name {
            None | Some("csv") => Ok(Self::Csv),
            Some("ndjson" | "jsonl") => Ok(Self::Ndjson),
            Some(other) => Err(AuditError::Query(format!(
                "format: `{other}` is neither csv nor ndjson"
            ))),
        }
    }

    /// What goes before the first event.
    pub(crate) fn begin(self, out: &mut Vec<u8>) {
        if self == Self::Csv {
            out.extend_from_slice(COLUMNS.map(|(name, _)| name).join(",").as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }

    /// One event.
    pub(crate) fn write(self, out: &mut Vec<u8>, row: &Row) {
        let event = view::event(row);
        match self {
            Self::Ndjson => {
                out.extend_from_slice(event.to_string().as_bytes());
                out.push(b'\n');
            }
            Self::Csv => {
                let cells = COLUMNS.map(|(_, place)| cell(event.pointer(place)));
                out.extend_from_slice(cells.join(",").as_bytes());
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// The answer.
    pub(crate) fn answer(self, body: Vec<u8>) -> HttpResponse {
        let (kind, name) = match self {
            Self::Csv => ("text/csv; charset=utf-8", "audit.csv"),
            Self::Ndjson => ("application/x-ndjson", "audit.ndjson"),
        };
        HttpResponse {
            status: 200,
            headers: vec![
                ("content-type".to_owned(), kind.to_owned()),
                (
                    "content-disposition".to_owned(),
                    format!("attachment; filename=\"{name}\""),
                ),
            ],
            body,
        }
    }
}

/// A cell. What a spreadsheet would take for a formula is made a text.
fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_quoted_and_no_formulas() {
        assert_eq!(cell(Some(&json!("plain"))), "plain");
        assert_eq!(cell(Some(&json!("a,\"b\""))), "\"a,\"\"b\"\"\"");
        assert_eq!(cell(Some(&json!("=1+1"))), "'=1+1");
        assert_eq!(cell(Some(&json!([1, 2]))), "\"[1,2]\"");
        assert_eq!(cell(None), "");
    }
}
