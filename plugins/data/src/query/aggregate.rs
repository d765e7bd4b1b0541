//! Figures over records, in groups or over all of them.
//!
//! The groups are made in an inner statement under names of our own (`g0`, `a0`, …); `having` and the order work on these
//! from outside. What clients call the figures never becomes SQL.

mod lists;

use objectos_expression::Zone;

use super::bucket::{Bucket, Unit};
use super::check::{Checker, Purpose, Resolved};
use super::cursor::SortKey;
use super::filter::{Class, FieldRef, Filter, Scope, Source};
use super::input::{AggregateInput, GroupInput, QueryInput, SortInput};
use super::select::{PageLimits, whole};
use super::sql::{Addend, SqlWriter, is_decimal, rounding};
use super::window::{self, WindowField, WindowFields};
use super::written::RawFilter;
use crate::access::View;
use crate::error::{DataError, Result};
use crate::model::{ColumnType, FieldModel, nearest};
use crate::record::Form;
use crate::record::layout::json_key;
use crate::store::{Construct, Dialect, Family, Statement};

/// Figures of one request at most.
const FIGURES_MAX: usize = 50;

const FUNCTIONS: [&str; 8] = [
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "count_distinct",
    "array_agg",
    "string_agg",
];

/// Figures, ready to be asked for.
#[derive(Debug)]
pub struct AggregatePlan {
    /// Tables of the records.
    pub scope: Scope,
    /// Which records.
    pub filter: Filter,
    groups: Vec<Group>,
    figures: Vec<Figure>,
    having: Filter,
    windows: Vec<FieldRef>,
    order: Vec<SortKey>,
    /// `"name":` and form of each value, groups first.
    pub outputs: Vec<(Box<[u8]>, Form)>,
    /// Groups of the page.
    pub limit: u64,
    /// Groups to skip.
    pub offset: u64,
}

#[derive(Debug)]
struct Group {
    field: FieldRef,
    bucket: Option<Bucket>,
}

#[derive(Debug)]
struct Figure {
    function: &'static str,
    field: Option<FieldRef>,
    distinct: bool,
    filter: Option<Filter>,
    /// How it is rounded once it is made, so that what is answered is what `having` and orders look at.
    rounding: Option<Construct>,
}

fn wrong(message: String) -> DataError {
    DataError::InvalidQuery { message }
}

/// A name that `having` and the order may use.
struct Known {
    alias: String,
    reference: FieldRef,
    form: Form,
}

/// Windows over groups read groups and figures.
struct GroupFields<'k> {
    known: &'k [Known],
    groups: usize,
}

impl WindowFields for GroupFields<'_> {
    fn field(&mut self, name: &str) -> Result<WindowField> {
        let known = self.known.iter().find(|known| known.alias == name).ok_or_else(|| {
            wrong(format!(
                "windows over groups know {} only, not '{name}'",
                names(self.known)
            ))
        })?;
        let scale = match known.form {
            Form::Rounded(scale) => Some(scale),
            _ => None,
        };
        Ok(WindowField {
            reference: known.reference.clone(),
            form: known.form,
            scale,
            // Sums and means are doubles there.
            decimal: false,
        })
    }

    fn order(&mut self, wanted: &[SortInput]) -> Result<Vec<SortKey>> {
        wanted.iter().map(|sort| group_order(sort, self.known)).collect()
    }

    fn last(&mut self) -> Result<Option<SortKey>> {
        Ok(self.groups.checked_sub(1).map(group_key))
    }
}

fn group_order(sort: &SortInput, known: &[Known]) -> Result<SortKey> {
    let field = find(&sort.field, known).ok_or_else(|| DataError::InvalidSort {
        message: format!(
            "groups can be ordered by {} only, not by '{}'",
            names(known),
            sort.field
        ),
    })?;
    Ok(SortKey {
        field,
        name: sort.field.clone(),
        descending: sort.descending,
        nulls_first: sort.nulls_first(),
        filled: false,
    })
}

/// Groups by themselves: their order is always the same.
fn group_key(index: usize) -> SortKey {
    SortKey {
        field: inner("g", index, Class::Text),
        name: format!("g{index}"),
        descending: false,
        nulls_first: true,
        filled: false,
    }
}

/// Plans the figures.
///
/// # Errors
/// `InvalidQuery` for an unknown function or a field that it does not fit; as for a page otherwise.
pub fn plan(
    mut checker: Checker<'_>,
    view: Option<&View>,
    query: &QueryInput,
    limits: PageLimits,
) -> Result<AggregatePlan> {
    if query.aggregations.len() + query.group_by.len() + query.windows.len() > FIGURES_MAX {
        return Err(wrong(format!(
            "more than {FIGURES_MAX} figures and groups in one request"
        )));
    }
    if !query.expand.is_empty() || query.cursor.is_some() || query.distinct {
        return Err(wrong(
            "'expand', 'cursor' and 'distinct' do not go with figures".to_owned(),
        ));
    }
    let filter = checker.selection(view, query)?;
    let mut outputs = Vec::new();
    let mut known = Vec::new();
    let mut groups = Vec::with_capacity(query.group_by.len());
    for group in &query.group_by {
        let (group_plan, class, form) = plan_group(&mut checker, group)?;
        known.push(Known {
            alias: group.alias.clone(),
            reference: inner("g", groups.len(), class),
            form,
        });
        outputs.push((json_key(&group.alias), form));
        groups.push(group_plan);
    }
    let mut figures = Vec::with_capacity(query.aggregations.len());
    for figure in &query.aggregations {
        let (figure_plan, class, form) = plan_figure(&mut checker, figure)?;
        known.push(Known {
            alias: figure.alias.clone(),
            reference: inner("a", figures.len(), class),
            form,
        });
        outputs.push((json_key(&figure.alias), form));
        figures.push(figure_plan);
    }
    let having = query.having.as_ref().map_or_else(
        || Ok(Filter::always()),
        |having| over_figures(having, &known, checker.zone()),
    )?;
    let mut windows = Vec::with_capacity(query.windows.len());
    for window in &query.windows {
        let mut fields = GroupFields {
            known: &known,
            groups: groups.len(),
        };
        let (reference, form) = window::plan(window, &mut fields)?;
        outputs.push((json_key(&window.alias), form));
        windows.push(reference);
    }
    let mut order: Vec<SortKey> = query
        .order
        .iter()
        .map(|sort| group_order(sort, &known))
        .collect::<Result<_>>()?;
    // Groups in a fixed order: pages fit together.
    order.extend((0..groups.len()).map(group_key));
    Ok(AggregatePlan {
        scope: checker.scope,
        filter,
        groups,
        figures,
        having,
        windows,
        order,
        outputs,
        limit: query.limit.unwrap_or(limits.default).min(limits.max),
        offset: query.offset,
    })
}

/// A column of the inner statement.
fn inner(kind: &str, index: usize, class: Class) -> FieldRef {
    FieldRef {
        table: 0,
        source: Source::Column(format!("{kind}{index}")),
        class,
    }
}

fn plan_group(checker: &mut Checker<'_>, group: &GroupInput) -> Result<(Group, Class, Form)> {
    let (path, unit) = match (&group.bucket, group.field.rsplit_once('.')) {
        (Some(unit), _) => (group.field.as_str(), Some(unit.as_str())),
        // `created_at.month`, unless there is such a field.
        (None, Some((path, unit)))
            if Unit::named(unit).is_some() && checker.field(&group.field, Purpose::Filter).is_err() =>
        {
            (path, Some(unit))
        }
        (None, _) => (group.field.as_str(), None),
    };
    let resolved = checker.field(path, Purpose::Filter)?;
    let form = resolved.form();
    let reference = resolved.reference;
    let class = reference.class;
    if !class.ordered() {
        return Err(wrong(format!(
            "groups cannot be made by '{path}', which is {}: group by fields with one value",
            class.name()
        )));
    }
    let Some(unit) = unit else {
        let group = Group {
            field: reference,
            bucket: None,
        };
        return Ok((group, class, form));
    };
    let bucket = Bucket::read(unit, group.zone.as_deref(), checker.zone(), path, class)?;
    let group = Group {
        field: reference,
        bucket: Some(bucket),
    };
    Ok((group, Class::Text, Form::Text))
}

/// Whether a function has a meaning for a field.
fn suits(function: &str, path: &str, class: Class, field: &FieldModel) -> Result<()> {
    let fits = match function {
        "sum" | "avg" => class == Class::Number,
        "min" | "max" => class.ordered(),
        "array_agg" => class.ordered(),
        // Databases write numbers and truth values as different texts.
        "string_agg" => match class {
            Class::Number => field.column == Some(ColumnType::Integer),
            Class::Boolean => false,
            _ => class.ordered(),
        },
        _ => true,
    };
    if !fits {
        let hint = match (function, class.ordered()) {
            ("string_agg", true) => "; use 'array_agg'",
            _ => "",
        };
        return Err(wrong(format!(
            "'{function}' does not work on '{path}', which is {}{hint}",
            class.name()
        )));
    }
    Ok(())
}

fn plan_figure(checker: &mut Checker<'_>, figure: &AggregateInput) -> Result<(Figure, Class, Form)> {
    let name = figure.function.to_ascii_lowercase();
    let Some(function) = FUNCTIONS.iter().find(|known| **known == name).copied() else {
        let hint = nearest(&name, FUNCTIONS)
            .map(|name| format!("; did you mean '{name}'?"))
            .unwrap_or_default();
        return Err(wrong(format!("unknown function '{}'{hint}", figure.function)));
    };
    let filter = figure
        .filter
        .as_ref()
        .map(|filter| checker.filter(filter))
        .transpose()?;
    let Some(path) = &figure.field else {
        if function != "count" {
            return Err(wrong(format!("'{function}' needs a field")));
        }
        return Ok((
            Figure {
                function,
                field: None,
                distinct: false,
                filter,
                rounding: None,
            },
            Class::Number,
            Form::Plain,
        ));
    };
    let resolved = checker.field(path, Purpose::Filter)?;
    let own_form = resolved.form();
    let Resolved { reference, field, .. } = resolved;
    let class = reference.class;
    suits(function, path, class, field)?;
    let rounding = match function {
        "sum" => Some(rounding(field.limits.scale)),
        "avg" => Some(rounding(None)),
        _ => None,
    };
    let (class, form) = match function {
        "min" | "max" => (class, own_form),
        "sum" => (Class::Number, field.limits.scale.map_or(Form::Figure, Form::Rounded)),
        "avg" => (Class::Number, Form::Figure),
        "array_agg" => (Class::Document, Form::Document),
        "string_agg" => (Class::Text, Form::Text),
        _ => (Class::Number, Form::Plain),
    };
    let distinct = figure.distinct || function == "count_distinct";
    Ok((
        Figure {
            function,
            field: Some(reference),
            distinct,
            filter,
            rounding,
        },
        class,
        form,
    ))
}

fn find(name: &str, known: &[Known]) -> Option<FieldRef> {
    known
        .iter()
        .find(|known| known.alias == name)
        .map(|known| known.reference.clone())
}

fn names(known: &[Known]) -> String {
    known
        .iter()
        .map(|known| format!("'{}'", known.alias))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A filter over groups and figures: the same tests as on records, on other names.
fn over_figures(raw: &RawFilter, known: &[Known], zone: &Zone) -> Result<Filter> {
    Ok(match raw {
        RawFilter::All(parts) => Filter::All(
            parts
                .iter()
                .map(|part| over_figures(part, known, zone))
                .collect::<Result<_>>()?,
        ),
        RawFilter::Any(parts) => Filter::Any(
            parts
                .iter()
                .map(|part| over_figures(part, known, zone))
                .collect::<Result<_>>()?,
        ),
        RawFilter::Not(part) => Filter::Not(Box::new(over_figures(part, known, zone)?)),
        RawFilter::Test(test) => {
            let reference = find(&test.field, known).ok_or_else(|| DataError::InvalidFilter {
                message: format!("'having' knows {} only, not '{}'", names(known), test.field),
            })?;
            super::check::test_of(test, reference, zone)?
        }
        RawFilter::InRecords(lookup) => {
            return Err(DataError::InvalidFilter {
                message: format!("'having' cannot look '{}' up in other records", lookup.field),
            });
        }
        RawFilter::Related(related) => {
            return Err(DataError::InvalidFilter {
                message: format!("'having' does not look at the records of '{}'", related.path),
            });
        }
    })
}

impl AggregatePlan {
    /// The groups with their figures, rounded.
    fn inner_statement(&self, writer: &mut SqlWriter) {
        if self.figures.iter().all(|figure| figure.rounding.is_none()) {
            return self.made_statement(writer);
        }
        writer.push("(SELECT ");
        writer.list(", ", self.names(), |writer, (name, figure)| {
            match figure.and_then(|figure| figure.rounding) {
                Some(rounding) => {
                    let template = writer.dialect().construct(rounding);
                    writer.push(&template.replace("$0", &format!("t.\"{name}\"")));
                }
                None => {
                    writer.column(0, &name);
                }
            }
            writer.push(" AS ").name(&name);
        });
        writer.push(" FROM ");
        self.made_statement(writer);
        writer.push(") t");
    }

    /// The groups with their figures as the database makes them.
    fn made_statement(&self, writer: &mut SqlWriter) {
        writer.push("(SELECT ");
        let mut groups = self.groups.iter();
        writer.list(", ", self.names(), |writer, (name, figure)| {
            match (figure, groups.next()) {
                (Some(figure), _) => write_figure(writer, figure),
                (None, Some(group)) => write_group(writer, group),
                // There are as many names without a figure as there are groups.
                (None, None) => {}
            }
            writer.push(" AS ").name(&name);
        });
        writer.from(&self.scope).filtered(&self.scope, &self.filter);
        if !self.groups.is_empty() {
            writer.push(" GROUP BY ");
            writer.list(", ", 1..=self.groups.len(), |writer, position| {
                writer.number(u64::try_from(position).unwrap_or_default());
            });
        }
        writer.push(") t");
    }

    /// Names of the columns, groups first, each with its figure.
    fn names(&self) -> impl Iterator<Item = (String, Option<&Figure>)> {
        let groups = (0..self.groups.len()).map(|index| (format!("g{index}"), None));
        let figures = self.figures.iter().enumerate();
        groups.chain(figures.map(|(index, figure)| (format!("a{index}"), Some(figure))))
    }

    fn having(&self, writer: &mut SqlWriter) {
        if !self.having.is_always() {
            writer.push(" WHERE ").filter(&self.having);
        }
    }

    /// A page of groups, and one group more.
    #[must_use]
    pub fn page_statement(&self, dialect: &'static dyn Dialect) -> Statement {
        let mut writer = SqlWriter::new(dialect);
        writer.push(if self.windows.is_empty() {
            "SELECT *"
        } else {
            "SELECT t.*"
        });
        for window in &self.windows {
            writer.push(", ").field(window);
        }
        writer.push(" FROM ");
        self.inner_statement(&mut writer);
        self.having(&mut writer);
        if !self.order.is_empty() {
            writer.push(" ORDER BY ").order(&self.order);
        }
        writer.limit(self.limit.saturating_add(1));
        if self.offset > 0 {
            writer.push(" OFFSET ").value(whole(self.offset));
        }
        writer.finish()
    }

    /// The number of groups.
    #[must_use]
    pub fn count_statement(&self, dialect: &'static dyn Dialect) -> Statement {
        let mut writer = SqlWriter::new(dialect);
        writer.push("SELECT COUNT(*) FROM ");
        self.inner_statement(&mut writer);
        self.having(&mut writer);
        writer.finish().single()
    }
}

fn write_group(writer: &mut SqlWriter, group: &Group) {
    match &group.bucket {
        None => writer.field(&group.field),
        Some(bucket) => writer.bucket(&group.field, bucket),
    };
}

fn write_figure(writer: &mut SqlWriter, figure: &Figure) {
    let family = writer.dialect().family();
    let Some(field) = &figure.field else {
        writer.push("COUNT(*)");
        return kept(writer, figure);
    };
    let distinct = if figure.distinct { "DISTINCT " } else { "" };
    match (figure.function, family) {
        ("sum" | "avg", _) => {
            let addend = Addend {
                field,
                distinct: figure.distinct,
                decimal: is_decimal(field),
            };
            writer.added(figure.function == "avg", &addend, &|writer| kept(writer, figure));
            return;
        }
        ("min" | "max", _) => {
            writer.extreme(figure.function == "min", field);
        }
        // There are only 0, 1 and null in the list.
        ("array_agg", Family::Sqlite) if field.class == Class::Boolean => {
            writer.push("replace(replace(");
            ordered(writer, "json_group_array(", distinct, "", field);
            kept(writer, figure);
            writer.push(", '0', 'false'), '1', 'true')");
            return;
        }
        ("array_agg", Family::Sqlite) => ordered(writer, "json_group_array(", distinct, "", field),
        ("array_agg", Family::Postgres) => ordered(writer, "jsonb_agg(", distinct, "", field),
        ("string_agg", Family::Sqlite) => {
            writer.push("group_concat(").push(distinct).push("CAST(").field(field);
            writer.push(" AS TEXT) ORDER BY CAST(").field(field).push(" AS TEXT))");
        }
        ("string_agg", Family::Postgres) => ordered(writer, "string_agg(", distinct, ", ','", field),
        _ => {
            writer.push("COUNT(").push(distinct).field(field).push(")");
        }
    }
    kept(writer, figure);
}

/// A list or a text of the values, in their order, so that it is the same every time.
fn ordered(writer: &mut SqlWriter, start: &str, distinct: &str, between: &str, field: &FieldRef) {
    let as_text = !between.is_empty();
    let value = |writer: &mut SqlWriter| {
        writer.field(field);
        if as_text {
            writer.push("::text COLLATE \"C\"");
        }
    };
    writer.push(start).push(distinct);
    value(writer);
    writer.push(between).push(" ORDER BY ");
    value(writer);
    let nulls = writer.dialect().nulls(true);
    writer.push(nulls).push(")");
}

/// Only the records that the figure is about.
fn kept(writer: &mut SqlWriter, figure: &Figure) {
    if let Some(filter) = &figure.filter {
        writer.push(" FILTER (WHERE ").filter(filter).push(")");
    }
}
