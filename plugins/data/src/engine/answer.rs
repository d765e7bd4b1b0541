//! Answers of the engine: JSON that is written once, and the facts that a route puts around it.

use objectos_expression::{RecordEnvironment, evaluate};
use serde_json::{Map, Value};

use crate::access::View;
use crate::query::select::{FormulaOutput, Output, OutputValue, SelectPlan};
use crate::record::json::round;
use crate::record::{Form, Layout, write_text, write_value};
use crate::store::{Row, SqlValue};

use super::caller::Caller;

/// A page of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Name of the object.
    pub object: String,
    /// The records: a JSON list.
    pub records: Vec<u8>,
    /// How many there are in the list.
    pub count: u64,
    /// How many there are in all; `None` when nobody wanted to know.
    pub total: Option<u64>,
    /// Whether more come after this page.
    pub has_more: bool,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// Records of the page at most.
    pub limit: u64,
    /// Records before the page.
    pub offset: u64,
}

/// One record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordAnswer {
    /// Name of the object.
    pub object: String,
    /// Its id.
    pub id: String,
    /// The record: a JSON object.
    pub record: Vec<u8>,
}

impl Found {
    /// `{object, records, total?, hasMore, nextCursor?}`
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.records.len() + 128);
        out.extend_from_slice(b"{\"object\":");
        write_text(&mut out, &self.object);
        out.extend_from_slice(b",\"records\":");
        out.extend_from_slice(&self.records);
        if let Some(total) = self.total {
            out.extend_from_slice(b",\"total\":");
            out.extend_from_slice(itoa::Buffer::new().format(total).as_bytes());
        }
        out.extend_from_slice(if self.has_more {
            b",\"hasMore\":true"
        } else {
            b",\"hasMore\":false"
        });
        if let Some(cursor) = &self.next_cursor {
            out.extend_from_slice(b",\"nextCursor\":");
            write_text(&mut out, cursor);
        }
        out.push(b'}');
        out
    }
}

impl RecordAnswer {
    /// `{object, id, record}`
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.record.len() + self.object.len() + self.id.len() + 48);
        out.extend_from_slice(b"{\"object\":");
        write_text(&mut out, &self.object);
        out.extend_from_slice(b",\"id\":");
        write_text(&mut out, &self.id);
        out.extend_from_slice(b",\"record\":");
        out.extend_from_slice(&self.record);
        out.push(b'}');
        out
    }
}

/// Writes the stored fields of a record that the view shows, in the order of the object.
pub(super) fn write_stored(out: &mut Vec<u8>, layout: &Layout, view: Option<&View>, row: &dyn Row) {
    out.push(b'{');
    let mut first = true;
    for (index, column) in layout.columns.iter().enumerate() {
        if view.is_some_and(|view| !view.reads(&column.name)) {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        out.extend_from_slice(&column.key);
        write_value(out, column.form, row.cell(index));
    }
    out.push(b'}');
}

/// Values in the place of a row.
pub(super) struct Values<'a>(pub(super) &'a [SqlValue]);

impl Row for Values<'_> {
    fn cell(&self, index: usize) -> crate::store::Cell<'_> {
        self.0.get(index).map_or(crate::store::Cell::Null, SqlValue::cell)
    }
}

/// The stored fields of a record as a document, for hooks and rules.
pub(super) fn document(layout: &Layout, values: &[SqlValue]) -> Map<String, Value> {
    let mut out = Map::with_capacity(values.len());
    for (column, value) in layout.columns.iter().zip(values) {
        out.insert(column.name.clone(), to_json(column.form, value));
    }
    out
}

/// A stored value as JSON.
pub(super) fn to_json(form: Form, value: &SqlValue) -> Value {
    match (form, value) {
        (_, SqlValue::Null) | (Form::Secret, _) => Value::Null,
        (Form::Boolean, SqlValue::Integer(integer)) => Value::Bool(*integer != 0),
        (_, SqlValue::Boolean(boolean)) => Value::Bool(*boolean),
        (Form::Document, SqlValue::Text(text) | SqlValue::Json(text)) => serde_json::from_str(text).unwrap_or_default(),
        (Form::Text, SqlValue::Integer(integer)) => Value::String(integer.to_string()),
        (_, SqlValue::Integer(integer)) => Value::from(*integer),
        (_, SqlValue::Real(real)) => Value::from(*real),
        (_, SqlValue::Text(text) | SqlValue::Json(text)) => Value::String(text.clone()),
    }
}

/// A place in the answer where related records go.
#[derive(Debug)]
pub(super) struct Hole {
    /// In the bytes.
    pub(super) at: usize,
    /// Which relation.
    pub(super) relation: usize,
    /// Ids of the records; one or, for a list, any number.
    pub(super) ids: Vec<String>,
}

/// Writes rows as records, one after the other.
pub(super) struct RecordWriter<'a> {
    plan: &'a SelectPlan,
    caller: &'a Caller<'a>,
    /// The records so far, with commas between, without brackets.
    pub(super) out: Vec<u8>,
    /// Where each record ends.
    pub(super) ends: Vec<usize>,
    /// Places for related records.
    pub(super) holes: Vec<Hole>,
}

impl<'a> RecordWriter<'a> {
    pub(super) fn new(plan: &'a SelectPlan, caller: &'a Caller<'a>) -> Self {
        Self {
            plan,
            caller,
            out: Vec::with_capacity(1024),
            ends: Vec::new(),
            holes: Vec::new(),
        }
    }

    /// Writes one row.
    pub(super) fn row(&mut self, row: &dyn Row) {
        if !self.ends.is_empty() {
            self.out.push(b',');
        }
        let computed = if self.plan.formulas.is_empty() {
            Vec::new()
        } else {
            self.compute(row)
        };
        self.out.push(b'{');
        for (index, Output { key, value }) in self.plan.outputs.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(key);
            match value {
                OutputValue::Column(column, form) => write_value(&mut self.out, *form, row.cell(*column)),
                OutputValue::Formula(formula) => {
                    let value = computed.get(*formula).unwrap_or(&Value::Null);
                    // A `Value` can always be written.
                    let _ = serde_json::to_writer(&mut self.out, value);
                }
                OutputValue::Relation(column, relation) => self.hole(row, *column, *relation),
            }
        }
        self.out.push(b'}');
        self.ends.push(self.out.len());
    }

    fn hole(&mut self, row: &dyn Row, column: usize, relation: usize) {
        let cell = row.cell(column);
        let text = cell.as_text().unwrap_or_default();
        let many = self.plan.relations[relation].many;
        let ids = match (text, many) {
            ("", _) => Vec::new(),
            (id, false) => vec![id.to_owned()],
            (list, true) => serde_json::from_str(list).unwrap_or_default(),
        };
        self.holes.push(Hole {
            at: self.out.len(),
            relation,
            ids,
        });
    }

    /// The calculated fields. One that fails is null: the record is there all the same.
    fn compute(&self, row: &dyn Row) -> Vec<Value> {
        let mut record = Map::new();
        for formula in &self.plan.formulas {
            for (path, column, form) in &formula.inputs {
                insert(&mut record, path, to_json(*form, &row.cell(*column).to_value()));
            }
        }
        let mut computed = Vec::with_capacity(self.plan.formulas.len());
        for formula in &self.plan.formulas {
            let document = Value::Object(std::mem::take(&mut record));
            let value = self.formula(formula, &document);
            if let Value::Object(back) = document {
                record = back;
            }
            record.insert(formula.name.clone(), value.clone());
            computed.push(value);
        }
        computed
    }

    fn formula(&self, formula: &FormulaOutput, record: &Value) -> Value {
        let environment = RecordEnvironment::new(record, self.caller.now_ms).with_user(self.caller.user());
        match evaluate(formula.expression.checked(), &environment) {
            Ok(value) => match (value.as_number(), formula.scale) {
                (Some(number), Some(scale)) => objectos_expression::Value::number(round(number, scale)).to_json(),
                _ => value.to_json(),
            },
            Err(error) => {
                tracing::debug!(field = formula.name, error = %error, "a formula could not be computed");
                Value::Null
            }
        }
    }
}

/// Puts a value at a path of nested objects.
pub(super) fn insert(record: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            record.insert(path.to_owned(), value);
        }
        Some((relation, rest)) => {
            let inner = record.entry(relation).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                // The id alone stands there; its own fields say more.
                let id = inner.take();
                let mut map = Map::new();
                map.insert("id".to_owned(), id);
                *inner = Value::Object(map);
            }
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}
