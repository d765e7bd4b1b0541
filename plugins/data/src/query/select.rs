//! A page of records: what is selected, and how each row becomes a record of the answer.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::check::{Checker, Purpose, Resolved};
use super::cursor::{self, SortKey};
use super::filter::{FieldRef, Filter, Scope};
use super::input::{QueryInput, SortInput};
use super::sql::SqlWriter;
use crate::access::View;
use crate::error::{DataError, Result};
use crate::model::{Expression, FieldKind, FieldModel, ObjectModel, SystemField};
use crate::record::layout::json_key;
use crate::record::{Form, Layout};
use crate::store::{Dialect, SqlValue, Statement};

/// Sizes of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimits {
    /// When nothing is said.
    pub default: u64,
    /// At most.
    pub max: u64,
}

/// A query on records, ready to run.
#[derive(Debug)]
pub struct SelectPlan {
    /// Tables.
    pub scope: Scope,
    /// Which records.
    pub filter: Filter,
    /// In which order; complete, so that no two records are equal in it (but with `distinct`).
    pub order: Vec<SortKey>,
    /// What is selected.
    pub columns: Vec<FieldRef>,
    /// What a record of the answer has.
    pub outputs: Vec<Output>,
    /// What is calculated for each record, in the order of dependence.
    pub formulas: Vec<FormulaOutput>,
    /// Relations to expand; [`OutputValue::Relation`] names their place.
    pub relations: Vec<Relation>,
    /// Places among the columns of the values of the order: what a cursor is made of.
    pub cursor_columns: Vec<usize>,
    /// Values of the cursor that came.
    pub after: Option<Vec<SqlValue>>,
    /// Records of the page.
    pub limit: u64,
    /// Records to skip.
    pub offset: u64,
    /// Equal records once.
    pub distinct: bool,
}

/// A field of the answer.
#[derive(Debug)]
pub struct Output {
    /// `"name":`.
    pub key: Box<[u8]>,
    /// Its value.
    pub value: OutputValue,
}

/// Where a value of the answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputValue {
    /// A selected column.
    Column(usize, Form),
    /// A calculation.
    Formula(usize),
    /// A related record in the place of the id in this column.
    Relation(usize, usize),
}

/// A calculation for each record.
#[derive(Debug)]
pub struct FormulaOutput {
    /// Name of the field.
    pub name: String,
    /// The expression.
    pub expression: Arc<Expression>,
    /// Decimals of the result.
    pub scale: Option<u32>,
    /// Paths that it reads and where they are selected.
    pub inputs: Vec<(String, usize, Form)>,
}

/// A relation whose records stand in the place of their ids.
#[derive(Debug)]
pub struct Relation {
    /// Name of the field.
    pub name: String,
    /// The other object.
    pub layout: Arc<Layout>,
    /// The field holds a list of ids.
    pub many: bool,
    /// What is wanted of the records.
    pub query: QueryInput,
}

/// Plans a page.
///
/// # Errors
/// `UnknownFields`, `InvalidFilter`, `InvalidSort`, `InvalidQuery`, `NotSupported`.
pub fn plan(
    mut checker: Checker<'_>,
    layouts: &dyn Fn(&str) -> Option<Arc<Layout>>,
    view: Option<&View>,
    query: &QueryInput,
    limits: PageLimits,
) -> Result<SelectPlan> {
    let layout = Arc::clone(&checker.scope.layout);
    let mut filter = view.map_or_else(|| Ok(Filter::always()), |view| checker.own_view(view))?;
    if let Some(raw) = &query.filter {
        filter = filter.and(checker.filter(raw)?);
    }
    if let Some(search) = &query.search {
        filter = filter.and(checker.search(search)?);
    }
    let mut order = order(&mut checker, &query.order)?;
    if !query.distinct && !order.iter().any(|key| key.name == SystemField::Id.name()) {
        order.push(id_key(&mut checker)?);
    }
    let mut columns = Columns::default();
    let mut parts = outputs(&mut checker, &layout.object, layouts, view, query, &mut columns)?;
    let after = query
        .cursor
        .as_deref()
        .map(|text| cursor::decode(&order, text))
        .transpose()?;
    if query.distinct && (after.is_some() || query.fields.is_none()) {
        return Err(DataError::InvalidQuery {
            message: "'distinct' needs 'fields', and takes no cursor".to_owned(),
        });
    }
    let cursor_columns = match query.distinct {
        true => Vec::new(),
        false => order.iter().map(|key| columns.place(&key.field)).collect(),
    };
    parts.formulas.shrink_to_fit();
    Ok(SelectPlan {
        scope: checker.scope,
        filter,
        order,
        columns: columns.list,
        outputs: parts.outputs,
        formulas: parts.formulas,
        relations: parts.relations,
        cursor_columns,
        after,
        limit: query.limit.unwrap_or(limits.default).min(limits.max),
        offset: query.offset,
        distinct: query.distinct,
    })
}

/// The order that was asked for.
///
/// # Errors
/// `InvalidSort`.
pub fn order(checker: &mut Checker<'_>, wanted: &[SortInput]) -> Result<Vec<SortKey>> {
    wanted
        .iter()
        .map(|sort| {
            let Resolved { reference, field, .. } = checker.field(&sort.field, Purpose::Sort)?;
            if !field.sortable || !reference.class.ordered() {
                return Err(DataError::InvalidSort {
                    message: format!("'{}' cannot be ordered by", sort.field),
                });
            }
            Ok(SortKey {
                field: reference,
                name: sort.field.clone(),
                descending: sort.descending,
            })
        })
        .collect()
}

fn id_key(checker: &mut Checker<'_>) -> Result<SortKey> {
    let name = SystemField::Id.name();
    let reference = checker.field(name, Purpose::Sort)?.reference;
    Ok(SortKey {
        field: reference,
        name: name.to_owned(),
        descending: false,
    })
}

/// Columns to select, each once.
#[derive(Default)]
struct Columns {
    list: Vec<FieldRef>,
}

impl Columns {
    fn place(&mut self, field: &FieldRef) -> usize {
        if let Some(place) = self.list.iter().position(|known| known == field) {
            return place;
        }
        self.list.push(field.clone());
        self.list.len() - 1
    }
}

#[derive(Default)]
struct Parts {
    outputs: Vec<Output>,
    formulas: Vec<FormulaOutput>,
    relations: Vec<Relation>,
}

fn outputs(
    checker: &mut Checker<'_>,
    object: &Arc<ObjectModel>,
    layouts: &dyn Fn(&str) -> Option<Arc<Layout>>,
    view: Option<&View>,
    query: &QueryInput,
    columns: &mut Columns,
) -> Result<Parts> {
    let mut names: Vec<String> = match &query.fields {
        Some(names) if !names.is_empty() => names.clone(),
        _ => {
            let readable = |name: &&String| view.is_none_or(|view| view.reads(name));
            object.fields.keys().filter(readable).cloned().collect()
        }
    };
    // What is expanded is wanted.
    for name in query.expand.keys() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let mut parts = Parts::default();
    let mut pending = Vec::new();
    for name in &names {
        let formula = object.field(name).filter(|field| field.kind == FieldKind::Formula);
        if let Some(field) = formula.filter(|field| view.is_none_or(|view| view.reads(&field.name))) {
            pending.push((parts.outputs.len(), field.name.clone()));
            parts.outputs.push(Output {
                key: json_key(&field.name),
                value: OutputValue::Formula(usize::MAX),
            });
            continue;
        }
        let Resolved { reference, field, .. } = checker.field(name, Purpose::Select)?;
        let place = columns.place(&reference);
        let key = json_key(if name.contains('.') { name } else { &field.name });
        let value = match query.expand.get(name) {
            Some(nested) => OutputValue::Relation(place, relation(object, field, layouts, nested, &mut parts)?),
            None => OutputValue::Column(place, Form::of(field)),
        };
        parts.outputs.push(Output { key, value });
    }
    formulas(checker, object, &pending, columns, &mut parts)?;
    Ok(parts)
}

fn relation(
    object: &ObjectModel,
    field: &FieldModel,
    layouts: &dyn Fn(&str) -> Option<Arc<Layout>>,
    nested: &QueryInput,
    parts: &mut Parts,
) -> Result<usize> {
    let target = field
        .reference
        .as_ref()
        .and_then(|reference| layouts(&reference.object));
    let Some(layout) = target else {
        return Err(DataError::InvalidQuery {
            message: format!(
                "'{}' of '{}' is no relation and cannot be expanded",
                field.name, object.name
            ),
        });
    };
    let many = field.kind == FieldKind::References;
    parts.relations.push(Relation {
        name: field.name.clone(),
        layout,
        many,
        query: nested.clone(),
    });
    Ok(parts.relations.len() - 1)
}

/// The formulas that were asked for, and before each those that it reads.
fn formulas(
    checker: &mut Checker<'_>,
    object: &ObjectModel,
    wanted: &[(usize, String)],
    columns: &mut Columns,
    parts: &mut Parts,
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let mut needed: HashSet<&str> = wanted.iter().map(|(_, name)| name.as_str()).collect();
    for name in object.formula_order.iter().rev() {
        if needed.contains(name.as_str()) {
            let formula = object.field(name).and_then(|field| field.formula.as_ref());
            needed.extend(
                formula
                    .into_iter()
                    .flat_map(|formula| formula.fields())
                    .map(String::as_str),
            );
        }
    }
    let mut places = IndexMap::new();
    for name in object
        .formula_order
        .iter()
        .filter(|name| needed.contains(name.as_str()))
    {
        let Some(field) = object.field(name) else { continue };
        let Some(expression) = &field.formula else { continue };
        let mut inputs = Vec::new();
        for path in expression.fields() {
            let computed = object.field(path).is_some_and(|field| field.kind == FieldKind::Formula);
            if !computed {
                let (reference, form) = checker.formula_input(path)?;
                inputs.push((path.clone(), columns.place(&reference), form));
            }
        }
        places.insert(name.as_str(), parts.formulas.len());
        parts.formulas.push(FormulaOutput {
            name: name.clone(),
            expression: Arc::clone(expression),
            scale: field.limits.scale,
            inputs,
        });
    }
    for (output, name) in wanted {
        let place = places
            .get(name.as_str())
            .copied()
            .ok_or_else(|| DataError::internal(format!("formula '{name}' of '{}' is not in its order", object.name)))?;
        parts.outputs[*output].value = OutputValue::Formula(place);
    }
    Ok(())
}

impl SelectPlan {
    /// The page, and one record more: whether there are more is known without counting.
    #[must_use]
    pub fn page_statement(&self, dialect: &'static dyn Dialect) -> Statement {
        let mut writer = SqlWriter::new(dialect);
        writer.push(if self.distinct { "SELECT DISTINCT " } else { "SELECT " });
        writer.list(", ", &self.columns, |writer, column| {
            writer.field(column);
        });
        writer.from(&self.scope);
        match &self.after {
            Some(values) => {
                let filter = self.filter.clone().and(cursor::after(&self.order, values));
                writer.filtered(&self.scope, &filter);
            }
            None => {
                writer.filtered(&self.scope, &self.filter);
            }
        }
        if !self.order.is_empty() {
            writer.push(" ORDER BY ");
            writer.list(", ", &self.order, |writer, key| {
                let nulls = dialect.nulls(!key.descending);
                writer
                    .field(&key.field)
                    .push(if key.descending { " DESC" } else { "" })
                    .push(nulls);
            });
        }
        writer.push(" LIMIT ").value(whole(self.limit.saturating_add(1)));
        if self.offset > 0 {
            writer.push(" OFFSET ").value(whole(self.offset));
        }
        writer.finish()
    }

    /// The number of all records that match, whatever the page.
    #[must_use]
    pub fn count_statement(&self, dialect: &'static dyn Dialect) -> Statement {
        let mut writer = SqlWriter::new(dialect);
        if self.distinct {
            writer.push("SELECT COUNT(*) FROM (SELECT DISTINCT ");
            writer.list(", ", &self.columns, |writer, column| {
                writer.field(column);
            });
            writer.from(&self.scope).filtered(&self.scope, &self.filter).push(") t");
        } else {
            writer
                .push("SELECT COUNT(*)")
                .from(&self.scope)
                .filtered(&self.scope, &self.filter);
        }
        writer.finish().single()
    }
}

pub(super) fn whole(number: u64) -> SqlValue {
    SqlValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
