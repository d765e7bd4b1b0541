//! A page of records: what is selected, and how each row becomes a record of the answer.

mod formulas;
mod hits;
mod order;
mod output;
mod statements;
mod title;
mod walk;

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;

use self::hits::{highlight, places, ranked, scores};
use self::order::{complete, id_key, orders_what_is_selected};
use self::output::output;
use self::title::{is_title, own_formulas, titles};
use super::check::{Checker, Purpose};
use super::cursor::{self, SortKey};
use super::filter::{Class, FieldRef, Filter, Scope, Source};
use super::input::{QueryInput, Rated, SortInput};
use super::sql::is_decimal;
use super::wanted::Wanted;
use super::window::{self, WINDOWS_MAX, WindowField, WindowFields};
use crate::access::View;
use crate::error::{DataError, Result};
use crate::model::{Expression, FieldKind, FieldModel, MaskModel, ObjectModel, SystemField};
use crate::record::layout::json_key;
use crate::record::{Form, Layout};
use crate::store::SqlValue;

pub use order::order;
pub use output::Opener;
pub use title::{TITLE, Title, TitlePiece};

/// How far a record is from what `$near` looked for.
const DISTANCE: &str = "_distance";

/// How well a record fits a search; see [`Wanted::fit`].
pub const SCORE: &str = "_score";

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
    /// How values are hidden; [`OutputValue::Masked`] names their place.
    pub masks: Vec<Arc<MaskModel>>,
    /// How encrypted values are opened; [`OutputValue::Opened`] names their place.
    pub openers: Vec<Opener>,
    /// How records are called; [`OutputValue::Title`] names their place.
    pub titles: Vec<Title>,
    /// Places among the columns of the values of the order: what a cursor is made of.
    pub cursor_columns: Vec<usize>,
    /// Values of the cursor that came.
    pub after: Option<Vec<SqlValue>>,
    /// The page before the cursor is wanted: records come in the opposite order and are turned round.
    pub backwards: bool,
    /// Where the words of a search were found is told with each record.
    pub highlight: Option<Highlight>,
    /// How well each record fits a search is told with it: place among the columns of the id, and what was found.
    pub scores: Option<(usize, Arc<Rated>)>,
    /// Place among the columns of the id of a record that may be absent; see [`Scope::outer`].
    pub base: Option<usize>,
    /// The records are children, and the page is one of each parent.
    pub per_parent: Option<PerParent>,
    /// Records of the page.
    pub limit: u64,
    /// Records to skip.
    pub offset: u64,
    /// Equal records once.
    pub distinct: bool,
}

/// What the words of a search are looked for in.
#[derive(Debug)]
pub struct Highlight {
    /// The words.
    pub wanted: Wanted,
    /// Names of fields, and where their texts are selected.
    pub fields: Vec<(String, usize)>,
}

/// Children, so many of each parent.
#[derive(Debug)]
pub struct PerParent {
    /// Place among the columns of the id of the parent.
    pub column: usize,
    /// The reference.
    pub via: FieldRef,
    /// Records of all parents at most.
    pub rows_max: u64,
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
    /// A selected column with the hash of a password, for the system.
    Hash(usize),
    /// A calculation.
    Formula(usize),
    /// A selected column, seen through a mask of the plan.
    Masked(usize, Form, usize),
    /// A related record in the place of the id in this column.
    Relation(usize, usize),
    /// A selected column that is encrypted, opened by an opener of the plan.
    Opened(usize, usize),
    /// How a record is called.
    Title(usize),
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
    /// It reads a field that the caller may not, and is null.
    pub blind: bool,
    /// Of which related record it is, when it is not of the record itself: then its name begins with the way there.
    pub of: Option<FormulaOwner>,
}

/// The related record that a calculation is of.
#[derive(Clone, Debug)]
pub struct FormulaOwner {
    /// The relations that lead to it: `account`, `account.parent`.
    pub path: String,
    /// Where its id is selected; null when it is not there.
    pub id: usize,
}

/// A relation whose records stand in the place of their ids.
#[derive(Debug)]
pub struct Relation {
    /// Name of the field.
    pub name: String,
    /// The other object.
    pub layout: Arc<Layout>,
    /// How many there are, and where.
    pub kind: RelationKind,
    /// What is wanted of the records.
    pub query: QueryInput,
}

/// How records are related.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelationKind {
    /// The field holds an id.
    One,
    /// The field holds a list of ids.
    Many,
    /// The other records point here, by this field of theirs.
    Children(String),
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
    let filter = checker.selection(view, query)?;
    let mut order = order(&mut checker, &query.order)?;
    let rank = query.rank.as_ref().map(|rank| FieldRef {
        table: 0,
        source: Source::Rank(Arc::clone(rank)),
        class: Class::Number,
    });
    if let (Some(rank), true) = (&rank, query.order.is_empty()) {
        order.push(ranked(rank, DISTANCE));
    }
    if let Some(places) = places(query) {
        order.push(ranked(&places, SCORE));
    }
    if !query.distinct {
        complete(&mut checker, query, &mut order)?;
    }
    let mut columns = Columns::default();
    let mut parts = outputs(&mut checker, &layout.object, layouts, view, query, &mut columns)?;
    if let Some(rank) = &rank {
        parts.outputs.push(Output {
            key: json_key(DISTANCE),
            value: OutputValue::Column(columns.place(rank), Form::Plain),
        });
    }
    windows(&mut checker, query, &mut columns, &mut parts)?;
    let highlight = highlight(&mut checker, query, &mut columns)?;
    let scores = scores(&mut checker, query, &mut columns)?;
    let base = match parts.formulas.is_empty() {
        true => None,
        false => absent(&mut checker, &mut columns)?,
    };
    let after = after(query, &order)?;
    if query.distinct {
        orders_what_is_selected(&order, &columns)?;
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
        masks: parts.masks,
        openers: parts.openers,
        titles: parts.titles,
        cursor_columns,
        backwards: query.backwards && after.is_some(),
        after,
        highlight,
        scores,
        base,
        per_parent: None,
        limit: query.limit.unwrap_or(limits.default).min(limits.max),
        offset: query.offset,
        distinct: query.distinct,
    })
}

/// Where the cursor stands, if there is one and it may be.
fn after(query: &QueryInput, order: &[SortKey]) -> Result<Option<Vec<SqlValue>>> {
    let cursor = query.cursor.as_deref();
    let after = cursor.map(|text| cursor::decode(order, text)).transpose()?;
    if query.distinct && (after.is_some() || query.fields.is_none()) {
        return Err(DataError::InvalidQuery {
            message: "'distinct' needs 'fields', and takes no cursor".to_owned(),
        });
    }
    let titled = |name: &String| is_title(name);
    if query.distinct && query.fields.iter().flatten().any(titled) {
        return Err(DataError::InvalidQuery {
            message: format!("'distinct' is about fields, and '{TITLE}' is none: name those that the title is made of"),
        });
    }
    if after.is_some() && !query.windows.is_empty() {
        return Err(DataError::InvalidQuery {
            message: "'windowFunctions' look at all records and take no cursor; use 'offset'".to_owned(),
        });
    }
    Ok(after)
}

/// Figures over neighbours, under the names that were asked for.
fn windows(checker: &mut Checker<'_>, query: &QueryInput, columns: &mut Columns, parts: &mut Parts) -> Result<()> {
    if query.windows.len() > WINDOWS_MAX {
        return Err(DataError::InvalidQuery {
            message: format!("more than {WINDOWS_MAX} window functions in one query"),
        });
    }
    for input in &query.windows {
        let (reference, form) = window::plan(input, &mut RecordFields(checker))?;
        let place = columns.place(&reference);
        parts.outputs.push(Output {
            key: json_key(&input.alias),
            value: OutputValue::Column(place, form),
        });
    }
    Ok(())
}

/// Windows over records read their fields.
struct RecordFields<'c, 'a>(&'c mut Checker<'a>);

impl WindowFields for RecordFields<'_, '_> {
    fn field(&mut self, name: &str) -> Result<WindowField> {
        let resolved = self.0.field(name, Purpose::Filter)?;
        Ok(WindowField {
            form: resolved.form(),
            scale: resolved.field.limits.scale,
            decimal: is_decimal(&resolved.reference),
            reference: resolved.reference,
        })
    }

    fn order(&mut self, wanted: &[SortInput]) -> Result<Vec<SortKey>> {
        order(self.0, wanted)
    }

    fn last(&mut self) -> Result<Option<SortKey>> {
        id_key(self.0).map(Some)
    }
}

/// The place of the id of records that may be absent: what is calculated of them is null then.
fn absent(checker: &mut Checker<'_>, columns: &mut Columns) -> Result<Option<usize>> {
    if checker.scope.outer.is_none() {
        return Ok(None);
    }
    let id = checker.field(SystemField::Id.name(), Purpose::Select)?.reference;
    Ok(Some(columns.place(&id)))
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
    masks: Vec<Arc<MaskModel>>,
    openers: Vec<Opener>,
    titles: Vec<Title>,
}

fn outputs(
    checker: &mut Checker<'_>,
    object: &Arc<ObjectModel>,
    layouts: &dyn Fn(&str) -> Option<Arc<Layout>>,
    view: Option<&View>,
    query: &QueryInput,
    columns: &mut Columns,
) -> Result<Parts> {
    let named = query.fields.as_ref().is_some_and(|names| !names.is_empty());
    let names = names(object, view, query, checker.system);
    let mut parts = Parts::default();
    let (mut pending, mut titled) = (Vec::new(), Vec::new());
    for name in &names {
        if is_title(name) {
            titled.push((parts.outputs.len(), name.clone()));
            parts.outputs.push(Output {
                key: json_key(query.renamed.get(name).unwrap_or(name)),
                value: OutputValue::Title(usize::MAX),
            });
            continue;
        }
        // Records that are to be told once are compared by the database, so it calculates as well.
        let formula = object
            .field(name)
            .filter(|field| field.kind == FieldKind::Formula && !query.distinct);
        if let Some(field) = formula.filter(|field| view.is_none_or(|view| view.reads(&field.name))) {
            pending.push((Some(parts.outputs.len()), field.name.clone()));
            parts.outputs.push(Output {
                key: json_key(query.renamed.get(name).unwrap_or(&field.name)),
                value: OutputValue::Formula(usize::MAX),
            });
            continue;
        }
        if let Some(nested) = query.expand.get(name).filter(|_| object.field(name).is_none()) {
            let (child, via) = checker.children(name)?;
            let id = checker.field(SystemField::Id.name(), Purpose::Select)?.reference;
            parts.relations.push(Relation {
                name: name.clone(),
                layout: child,
                kind: RelationKind::Children(via),
                query: nested.clone(),
            });
            parts.outputs.push(Output {
                key: json_key(query.renamed.get(name).unwrap_or(name)),
                value: OutputValue::Relation(columns.place(&id), parts.relations.len() - 1),
            });
            continue;
        }
        let resolved = checker.field(name, purpose_of(query))?;
        let place = columns.place(&resolved.reference);
        let field = resolved.field;
        let own_name = if name.contains('.') { name } else { &field.name };
        let key = json_key(query.renamed.get(name).unwrap_or(own_name));
        let value = match query.expand.get(name) {
            Some(nested) => OutputValue::Relation(place, relation(object, field, layouts, nested, &mut parts)?),
            None => output(checker, &resolved, (name, named), place, columns, &mut parts)?,
        };
        parts.outputs.push(Output { key, value });
    }
    if titled.iter().any(|(_, name)| name == TITLE) {
        let own = own_formulas(object).filter(|name| view.is_none_or(|view| view.reads(name)));
        pending.extend(own.map(|name| (None, name)));
    }
    formulas(checker, object, &pending, columns, &mut parts)?;
    titles(checker, &titled, columns, &mut parts)?;
    Ok(parts)
}

/// The names of what a record of the answer has, each once: those that were asked for, or all that may be seen.
fn names(object: &ObjectModel, view: Option<&View>, query: &QueryInput, system: bool) -> Vec<String> {
    let mut names: Vec<String> = match &query.fields {
        Some(names) if !names.is_empty() => names.clone(),
        _ => {
            let shown = |field: &&FieldModel| {
                view.is_none_or(|view| view.reads(&field.name)) && (system || !field.on_request())
            };
            object
                .fields
                .values()
                .filter(shown)
                .map(|field| field.name.clone())
                .collect()
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
    names
}

/// Why what is told is looked up. How many records there are once each is told once tells which are equal behind a mask.
fn purpose_of(query: &QueryInput) -> Purpose {
    match query.distinct {
        true => Purpose::Filter,
        false => Purpose::Select,
    }
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
    let kind = match field.kind {
        FieldKind::References => RelationKind::Many,
        _ => RelationKind::One,
    };
    parts.relations.push(Relation {
        name: field.name.clone(),
        layout,
        kind,
        query: nested.clone(),
    });
    Ok(parts.relations.len() - 1)
}

/// The formulas that were asked for, each with its place among the outputs where it has one, and before each those that it reads.
fn formulas(
    checker: &mut Checker<'_>,
    object: &ObjectModel,
    wanted: &[(Option<usize>, String)],
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
    let layout = checker.root_layout();
    let mut places = IndexMap::new();
    for name in object
        .formula_order
        .iter()
        .filter(|name| needed.contains(name.as_str()))
    {
        let Some(field) = object.field(name) else { continue };
        let Some(expression) = &field.formula else { continue };
        let blind = checker.blind(layout, expression.fields().iter().map(String::as_str));
        let mut inputs = Vec::new();
        for path in expression.fields().iter().filter(|_| !blind) {
            let computed = object.field(path).is_some_and(|field| field.kind == FieldKind::Formula);
            if !computed {
                inputs.extend(formulas::input(
                    checker,
                    ((0, layout), ""),
                    path,
                    columns,
                    &mut parts.formulas,
                )?);
            }
        }
        places.insert(name.as_str(), parts.formulas.len());
        parts.formulas.push(FormulaOutput {
            name: name.clone(),
            expression: Arc::clone(expression),
            scale: field.limits.scale,
            inputs,
            blind,
            of: None,
        });
    }
    for (output, name) in wanted {
        let place = places
            .get(name.as_str())
            .copied()
            .ok_or_else(|| DataError::internal(format!("formula '{name}' of '{}' is not in its order", object.name)))?;
        if let Some(output) = output {
            parts.outputs[*output].value = OutputValue::Formula(place);
        }
    }
    Ok(())
}

pub(super) fn whole(number: u64) -> SqlValue {
    SqlValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
