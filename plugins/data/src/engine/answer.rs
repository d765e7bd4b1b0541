//! Answers of the engine: JSON that is written once, and the facts that a route puts around it.

use objectos_expression::{Environment as _, RecordEnvironment, evaluate};
use serde_json::{Map, Value};

use crate::access::View;
use crate::error::{DataError, Result};
use crate::model::{Expression, MaskModel};
use crate::query::Rated;
use crate::query::highlight::marked;
use crate::query::select::{FormulaOutput, Highlight, Output, OutputValue, RelationKind, SCORE, SelectPlan};
use crate::record::json::{figure, round};
use crate::record::layout::json_key;
use crate::record::mask::masked;
use crate::record::{Form, Layout, write_text, write_value};
use crate::store::{Cell, Row, SqlValue};

use super::caller::Caller;
use super::opened::{Encrypted, hide};
use super::titled::title_text;
use crate::validate::Told;

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
    /// Where the page before ends; known once a cursor is used.
    pub previous_cursor: Option<String>,
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
    /// Rules that only tell and that the record breaks.
    pub warnings: Vec<Told>,
}

impl Found {
    /// `{object, records, total?, hasMore, nextCursor?, prevCursor?}`
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
        if let Some(cursor) = &self.previous_cursor {
            out.extend_from_slice(b",\"prevCursor\":");
            write_text(&mut out, cursor);
        }
        out.push(b'}');
        out
    }
}

impl RecordAnswer {
    /// `{object, id, record, warnings?}`
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.record.len() + self.object.len() + self.id.len() + 48);
        out.extend_from_slice(b"{\"object\":");
        write_text(&mut out, &self.object);
        out.extend_from_slice(b",\"id\":");
        write_text(&mut out, &self.id);
        out.extend_from_slice(b",\"record\":");
        out.extend_from_slice(&self.record);
        write_warnings(&mut out, &self.warnings);
        out.push(b'}');
        out
    }
}

/// `,"warnings":[{field, code, message, rule, severity}]`; nothing without any.
pub(crate) fn write_warnings(out: &mut Vec<u8>, warnings: &[Told]) {
    if !warnings.is_empty() {
        let warnings: Vec<Value> = warnings.iter().map(Told::to_json).collect();
        out.extend_from_slice(b",\"warnings\":");
        out.extend_from_slice(Value::from(warnings).to_string().as_bytes());
    }
}

/// Writes the stored fields of a record that the view shows, in the order of the object. `system`: all of them, as they are.
pub(super) fn write_stored(out: &mut Vec<u8>, layout: &Layout, view: Option<&View>, system: bool, row: &dyn Row) {
    out.push(b'{');
    let mut first = true;
    for (index, column) in layout.columns.iter().enumerate() {
        if view.is_some_and(|view| !view.reads(&column.name)) || (column.on_request && !system) {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        out.extend_from_slice(&column.key);
        let form = if system { column.form.for_system() } else { column.form };
        let field = layout.field(index);
        let mask = field.mask.as_deref();
        let mask = mask.filter(|_| view.is_some_and(|view| view.masks(&column.name)));
        let cell = row.cell(index);
        match (form, mask) {
            (Form::Opened, mask) => {
                let id = row.cell(0);
                Encrypted {
                    layout,
                    field,
                    id,
                    cell,
                }
                .write_unasked(out, mask);
            }
            (_, Some(mask)) => write_masked(out, mask, column.form, cell),
            (_, None) => write_value(out, form, cell),
        }
    }
    out.push(b'}');
}

pub(super) fn write_masked(out: &mut Vec<u8>, mask: &MaskModel, form: Form, cell: Cell<'_>) {
    let value = masked(mask, &to_json(form, &cell.to_value()));
    // A `Value` can always be written.
    let _ = serde_json::to_writer(out, &value);
}

/// Values in the place of a row.
pub(super) struct Values<'a>(pub(super) &'a [SqlValue]);

impl Row for Values<'_> {
    fn cell(&self, index: usize) -> Cell<'_> {
        self.0.get(index).map_or(Cell::Null, SqlValue::cell)
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
        (_, SqlValue::Null) => Value::Null,
        (form, _) if form.is_kept_back() => Value::Null,
        (Form::Boolean, SqlValue::Integer(integer)) => Value::Bool(*integer != 0),
        (_, SqlValue::Boolean(boolean)) => Value::Bool(*boolean),
        (Form::Document, SqlValue::Text(text) | SqlValue::Json(text)) => serde_json::from_str(text).unwrap_or_default(),
        (Form::Document, SqlValue::SharedText(text) | SqlValue::SharedJson(text)) => {
            serde_json::from_str(text).unwrap_or_default()
        }
        (Form::Text, SqlValue::Integer(integer)) => Value::String(integer.to_string()),
        (_, SqlValue::Integer(integer)) => Value::from(*integer),
        (Form::Figure, SqlValue::Real(real)) => Value::from(figure(*real)),
        (Form::Rounded(scale), SqlValue::Real(real)) => Value::from(round(*real, scale)),
        (_, SqlValue::Real(real)) => Value::from(*real),
        (_, SqlValue::Text(text) | SqlValue::Json(text)) => Value::String(text.clone()),
        (_, SqlValue::SharedText(text) | SqlValue::SharedJson(text)) => Value::String(str::to_owned(text)),
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
    /// Why a value that was asked for by its name could not be told.
    failed: Option<DataError>,
}

impl<'a> RecordWriter<'a> {
    pub(super) fn new(plan: &'a SelectPlan, caller: &'a Caller<'a>) -> Self {
        Self {
            plan,
            caller,
            out: Vec::with_capacity(1024),
            ends: Vec::new(),
            holes: Vec::new(),
            failed: None,
        }
    }

    /// Whether everything that was asked for could be told; asked once all rows are written.
    ///
    /// Fails with `SecretUnreadable` for the first value that could not.
    pub(super) fn complete(&mut self) -> Result<()> {
        self.failed.take().map_or(Ok(()), Err)
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
                OutputValue::Masked(column, form, mask) => {
                    write_masked(&mut self.out, &self.plan.masks[*mask], *form, row.cell(*column));
                }
                OutputValue::Formula(formula) => {
                    let value = computed.get(*formula).unwrap_or(&Value::Null);
                    // A `Value` can always be written.
                    let _ = serde_json::to_writer(&mut self.out, value);
                }
                OutputValue::Relation(column, relation) => self.hole(row, *column, *relation),
                OutputValue::Hash(column) => self.hash(row.cell(*column)),
                OutputValue::Opened(column, opener) => self.opened(row, *column, *opener),
                OutputValue::Title(title) => match title_text(&self.plan.titles[*title], row, &computed) {
                    Some(title) => write_text(&mut self.out, &title),
                    None => self.out.extend_from_slice(b"null"),
                },
            }
        }
        let mut first = self.plan.outputs.is_empty();
        if let Some((id, rated)) = &self.plan.scores {
            write_score(&mut self.out, rated, first, row.cell(*id));
            first = false;
        }
        if let Some(highlight) = &self.plan.highlight {
            write_highlights(&mut self.out, highlight, first, row);
        }
        self.out.push(b'}');
        self.ends.push(self.out.len());
    }

    /// The records in the opposite order.
    pub(super) fn turn(&mut self) {
        let mut holes: Vec<Vec<Hole>> = Vec::with_capacity(self.ends.len());
        let mut waiting = std::mem::take(&mut self.holes).into_iter().peekable();
        for end in &self.ends {
            let mut own = Vec::new();
            while let Some(hole) = waiting.next_if(|hole| hole.at <= *end) {
                own.push(hole);
            }
            holes.push(own);
        }
        let out = std::mem::take(&mut self.out);
        let ends = std::mem::take(&mut self.ends);
        for (index, end) in ends.iter().enumerate().rev() {
            let begin = index.checked_sub(1).map_or(0, |before| ends[before] + 1);
            if !self.ends.is_empty() {
                self.out.push(b',');
            }
            let at = self.out.len();
            let moved = std::mem::take(&mut holes[index]).into_iter().map(|hole| Hole {
                at: hole.at - begin + at,
                ..hole
            });
            self.holes.extend(moved);
            self.out.extend_from_slice(&out[begin..*end]);
            self.ends.push(self.out.len());
        }
    }

    fn hash(&mut self, cell: Cell<'_>) {
        let from = self.out.len();
        write_value(&mut self.out, Form::Secret.for_system(), cell);
        self.set_aside(from);
    }

    /// What was written from this place on is not for handlers.
    fn set_aside(&mut self, from: usize) {
        if let Some(aside) = &self.caller.aside {
            aside.take(&mut self.out, from);
        }
    }

    fn opened(&mut self, row: &dyn Row, column: usize, opener: usize) {
        let opener = &self.plan.openers[opener];
        let encrypted = Encrypted {
            layout: &opener.layout,
            field: opener.layout.field(opener.column),
            id: row.cell(opener.id),
            cell: row.cell(column),
        };
        let from = self.out.len();
        if let Err(error) = encrypted.write(&mut self.out, opener.mask.as_deref()) {
            hide(&mut self.out, &error);
            if opener.named {
                self.failed.get_or_insert(error);
            }
        }
        self.set_aside(from);
    }

    fn hole(&mut self, row: &dyn Row, column: usize, relation: usize) {
        let cell = row.cell(column);
        let text = cell.as_text().unwrap_or_default();
        let ids = match (text, &self.plan.relations[relation].kind) {
            ("", _) => Vec::new(),
            (id, RelationKind::One | RelationKind::Children(_)) => vec![id.to_owned()],
            (list, RelationKind::Many) => serde_json::from_str(list).unwrap_or_default(),
        };
        self.holes.push(Hole {
            at: self.out.len(),
            relation,
            ids,
        });
    }

    /// The calculated fields. One that fails is null: the record is there all the same.
    fn compute(&self, row: &dyn Row) -> Vec<Value> {
        if self.plan.base.is_some_and(|id| row.cell(id) == Cell::Null) {
            return vec![Value::Null; self.plan.formulas.len()];
        }
        let mut record = Map::new();
        for formula in &self.plan.formulas {
            for (path, column, form) in &formula.inputs {
                insert(&mut record, path, to_json(*form, &row.cell(*column).to_value()));
            }
        }
        let mut computed = Vec::with_capacity(self.plan.formulas.len());
        for formula in &self.plan.formulas {
            let document = Value::Object(std::mem::take(&mut record));
            let value = match &formula.of {
                None => self.formula(formula, &document),
                Some(owner) if row.cell(owner.id) == Cell::Null => Value::Null,
                Some(owner) => self.formula(formula, within(&document, &owner.path)),
            };
            if let Value::Object(back) = document {
                record = back;
            }
            insert(&mut record, &formula.name, value.clone());
            computed.push(value);
        }
        computed
    }

    fn formula(&self, formula: &FormulaOutput, record: &Value) -> Value {
        if formula.blind {
            return Value::Null;
        }
        computed(&formula.name, &formula.expression, formula.scale, record, self.caller)
    }
}

/// The document of a related record; null where nothing is known of it.
fn within<'v>(document: &'v Value, path: &str) -> &'v Value {
    let mut hops = path.split('.');
    hops.try_fold(document, |document, hop| document.get(hop))
        .unwrap_or(&Value::Null)
}

/// A calculated field of a record; null when it fails.
pub(super) fn computed(
    name: &str,
    formula: &Expression,
    scale: Option<u32>,
    record: &Value,
    caller: &Caller<'_>,
) -> Value {
    let environment = RecordEnvironment::new(record, caller.now_ms)
        .with_user(caller.user())
        .with_zone(caller.zone().clone());
    match evaluate(formula.checked(), &environment) {
        Ok(value) => match (value.as_number(), scale) {
            (Some(number), Some(scale)) => objectos_expression::Value::number(round(number, scale)).to_json(),
            _ => value.to_json(),
        },
        Err(error) => {
            tracing::debug!(field = name, error = %error, "a formula could not be computed");
            Value::Null
        }
    }
}

/// `"_score": 0.6`.
fn write_score(out: &mut Vec<u8>, rated: &Rated, first: bool, id: Cell<'_>) {
    if !first {
        out.push(b',');
    }
    out.extend_from_slice(&json_key(SCORE));
    let score = id.as_text().and_then(|id| rated.scores.get(id)).copied();
    let score = objectos_expression::Value::number(score.unwrap_or_default()).to_json();
    // A `Value` can always be written.
    let _ = serde_json::to_writer(out, &score);
}

/// `"_highlights": {"name": "<mark>Acme</mark> GmbH"}`.
fn write_highlights(out: &mut Vec<u8>, highlight: &Highlight, first: bool, row: &dyn Row) {
    let mut found = Map::new();
    for (name, column) in &highlight.fields {
        if let Some(shown) = row
            .cell(*column)
            .as_text()
            .and_then(|text| marked(text, &highlight.wanted))
        {
            found.insert(name.clone(), Value::String(shown));
        }
    }
    if !first {
        out.push(b',');
    }
    out.extend_from_slice(b"\"_highlights\":");
    // A `Value` can always be written.
    let _ = serde_json::to_writer(out, &found);
}

/// Puts a value at a path of nested objects.
pub(super) fn insert(record: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => match record.get_mut(path) {
            // Fields of the related record are there already; the id adds to them.
            Some(Value::Object(inner)) if value.is_string() => {
                inner.insert("id".to_owned(), value);
            }
            _ => {
                record.insert(path.to_owned(), value);
            }
        },
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
