//! Window functions: figures over the neighbours of each record.

use serde_json::{Map, Value, json};

use super::sort::{SortInput, read_sort};
use super::values::{read_names, read_number, wrong};
use crate::error::Result;

/// One figure over a window of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WindowInput {
    /// `row_number`, `rank`, `sum`, …
    pub function: String,
    /// The field; none for places and for a count of records.
    pub field: Option<String>,
    /// Key in the answer.
    pub alias: String,
    /// Records with equal values of these are one window.
    pub partition: Vec<String>,
    /// The order within a window.
    pub order: Vec<SortInput>,
    /// Which neighbours count.
    pub frame: Option<FrameInput>,
    /// How many records back or ahead `lag` and `lead` look; 1 unless it is said.
    pub offset: Option<u64>,
}

/// Which neighbours count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInput {
    /// By value and not by place: neighbours of the same rank belong together.
    pub range: bool,
    /// From.
    pub start: FrameEnd,
    /// To.
    pub end: FrameEnd,
}

/// An end of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameEnd {
    /// The first of the window.
    First,
    /// So many records before.
    Before(u64),
    /// The record itself.
    Current,
    /// So many records after.
    After(u64),
    /// The last of the window.
    Last,
}

impl FrameEnd {
    /// As SQL and the protocol write it.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::First => "UNBOUNDED PRECEDING".to_owned(),
            Self::Before(count) => format!("{count} PRECEDING"),
            Self::Current => "CURRENT ROW".to_owned(),
            Self::After(count) => format!("{count} FOLLOWING"),
            Self::Last => "UNBOUNDED FOLLOWING".to_owned(),
        }
    }
}

impl WindowInput {
    /// As `data/WindowFunctionNode`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut over = Map::new();
        over.insert("partitionBy".to_owned(), json!(self.partition));
        over.insert(
            "orderBy".to_owned(),
            self.order.iter().map(super::write::order).collect(),
        );
        if let Some(frame) = &self.frame {
            let kind = if frame.range { "range" } else { "rows" };
            let frame = json!({ "type": kind, "start": frame.start.text(), "end": frame.end.text() });
            over.insert("frame".to_owned(), frame);
        }
        json!({ "function": self.function, "field": self.field, "alias": self.alias, "offset": self.offset, "over": over })
    }
}

/// `[{function, field?, alias, offset?, over: {partitionBy?, orderBy?, frame?}}]`.
pub(super) fn read_windows(value: &Value) -> Result<Vec<WindowInput>> {
    let Value::Array(items) = value else {
        return Err(wrong("'windowFunctions' takes a list"));
    };
    items.iter().map(read_window).collect()
}

fn read_window(item: &Value) -> Result<WindowInput> {
    let node = item
        .as_object()
        .ok_or_else(|| wrong("a window function is {function, field, alias, over}"))?;
    let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
    let function = text("function").ok_or_else(|| wrong("a window function names no function"))?;
    let field = text("field").filter(|field| field != "*");
    let alias = text("alias").unwrap_or_else(|| match &field {
        Some(field) => format!("{function}_{field}"),
        None => function.clone(),
    });
    let mut window = WindowInput {
        function,
        field,
        alias,
        ..WindowInput::default()
    };
    if let Some(offset) = node.get("offset").filter(|offset| !offset.is_null()) {
        window.offset = Some(read_number("offset", offset)?);
    }
    match node.get("over") {
        None | Some(Value::Null) => {}
        Some(Value::Object(over)) => read_over(over, &mut window)?,
        Some(other) => {
            return Err(wrong(format!(
                "'over' is {{partitionBy, orderBy, frame}}, found {other}"
            )));
        }
    }
    Ok(window)
}

fn read_over(over: &Map<String, Value>, window: &mut WindowInput) -> Result<()> {
    for (key, value) in over.iter().filter(|(_, value)| !value.is_null()) {
        match key.as_str() {
            "partitionBy" | "partition_by" => window.partition = read_names(key, value)?,
            "orderBy" | "order_by" => window.order = read_sort(value)?,
            "frame" => window.frame = Some(read_frame(value)?),
            other => {
                return Err(wrong(format!(
                    "'over' does not know '{other}'; it is {{partitionBy, orderBy, frame}}"
                )));
            }
        }
    }
    Ok(())
}

fn read_frame(value: &Value) -> Result<FrameInput> {
    let node = value
        .as_object()
        .ok_or_else(|| wrong("a frame is {type, start, end}"))?;
    let text = |key: &str| node.get(key).and_then(Value::as_str);
    let range = match text("type").map(str::to_ascii_lowercase).as_deref() {
        None | Some("rows") => false,
        Some("range") => true,
        Some(other) => return Err(wrong(format!("a frame is of type 'rows' or 'range', found '{other}'"))),
    };
    let start = text("start").map_or(Ok(FrameEnd::First), read_end)?;
    let end = text("end").map_or(Ok(FrameEnd::Current), read_end)?;
    let counted = |end: FrameEnd| matches!(end, FrameEnd::Before(_) | FrameEnd::After(_));
    if range && (counted(start) || counted(end)) {
        return Err(wrong("a frame with numbers is of type 'rows'"));
    }
    if rank(start) > rank(end) || start == FrameEnd::Last || end == FrameEnd::First {
        return Err(wrong(format!(
            "a frame cannot go from '{}' to '{}'",
            start.text(),
            end.text()
        )));
    }
    Ok(FrameInput { range, start, end })
}

/// What lies before what.
fn rank(end: FrameEnd) -> (u8, i128) {
    match end {
        FrameEnd::First => (0, 0),
        FrameEnd::Before(count) => (1, -i128::from(count)),
        FrameEnd::Current => (2, 0),
        FrameEnd::After(count) => (3, i128::from(count)),
        FrameEnd::Last => (4, 0),
    }
}

/// `UNBOUNDED PRECEDING`, `3 PRECEDING`, `CURRENT ROW`, `1 FOLLOWING`, in any case.
fn read_end(text: &str) -> Result<FrameEnd> {
    /// Further away there is no difference to the end of any window that a database could hold.
    const DISTANCE_MAX: u64 = 1_000_000_000;
    let lower = text.trim().to_ascii_lowercase().replace('_', " ");
    let words: Vec<&str> = lower.split_whitespace().collect();
    let found = match words.as_slice() {
        ["unbounded", "preceding"] => Some(FrameEnd::First),
        ["unbounded", "following"] => Some(FrameEnd::Last),
        ["current", "row"] => Some(FrameEnd::Current),
        [count, "preceding"] => count.parse().ok().map(FrameEnd::Before),
        [count, "following"] => count.parse().ok().map(FrameEnd::After),
        _ => None,
    };
    found
        .filter(|end| !matches!(end, FrameEnd::Before(count) | FrameEnd::After(count) if *count > DISTANCE_MAX))
        .ok_or_else(|| {
            wrong(format!(
                "an end of a frame is 'UNBOUNDED PRECEDING', 'N PRECEDING', 'CURRENT ROW', 'N FOLLOWING' or 'UNBOUNDED FOLLOWING', \
                 found '{text}'"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_frames() {
        let check = |text: &str, expected: Option<FrameEnd>| assert_eq!(read_end(text).ok(), expected, "{text}");
        check("UNBOUNDED PRECEDING", Some(FrameEnd::First));
        check("3 preceding", Some(FrameEnd::Before(3)));
        check("current_row", Some(FrameEnd::Current));
        check("1 following", Some(FrameEnd::After(1)));
        check("-1 following", None);
        check("1; DROP TABLE x", None);
        check("9999999999 preceding", None);
    }

    #[test]
    fn a_frame_goes_forward() {
        let read = |start: &str, end: &str| read_frame(&json!({ "start": start, "end": end })).is_ok();
        assert!(read("2 PRECEDING", "CURRENT ROW"));
        assert!(read("2 PRECEDING", "1 PRECEDING"));
        assert!(!read("1 PRECEDING", "2 PRECEDING"));
        assert!(!read("CURRENT ROW", "UNBOUNDED PRECEDING"));
        assert!(!read("UNBOUNDED FOLLOWING", "UNBOUNDED FOLLOWING"));
    }
}
