//! Figures over records, in groups or over all of them.
//!
//! The groups are made in an inner statement under names of our own (`g0`, `a0`, …); `having` and the order work on these
//! from outside. What clients call the figures never becomes SQL.

use super::check::{Checker, Purpose, Resolved};
use super::filter::{Class, FieldRef, Filter, Scope, Source};
use super::input::{AggregateInput, GroupInput, QueryInput};
use super::select::{PageLimits, whole};
use super::sql::SqlWriter;
use super::written::RawFilter;
use crate::access::View;
use crate::error::{DataError, Result};
use crate::model::nearest;
use crate::record::Form;
use crate::record::layout::json_key;
use crate::store::{Dialect, Statement};

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
const BUCKETS: [&str; 6] = ["year", "quarter", "month", "week", "day", "hour"];

/// Figures, ready to be asked for.
#[derive(Debug)]
pub struct AggregatePlan {
    scope: Scope,
    filter: Filter,
    groups: Vec<Group>,
    figures: Vec<Figure>,
    having: Filter,
    order: Vec<(FieldRef, bool)>,
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
    bucket: Option<String>,
}

#[derive(Debug)]
struct Figure {
    function: &'static str,
    field: Option<FieldRef>,
    distinct: bool,
    filter: Option<Filter>,
}

fn wrong(message: String) -> DataError {
    DataError::InvalidQuery { message }
}

/// A name that `having` and the order may use.
struct Known {
    alias: String,
    reference: FieldRef,
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
    if query.aggregations.len() + query.group_by.len() > FIGURES_MAX {
        return Err(wrong(format!(
            "more than {FIGURES_MAX} figures and groups in one request"
        )));
    }
    if !query.expand.is_empty() || query.cursor.is_some() || query.distinct {
        return Err(wrong(
            "'expand', 'cursor' and 'distinct' do not go with figures".to_owned(),
        ));
    }
    let mut filter = view.map_or_else(|| Ok(Filter::always()), |view| checker.own_view(view))?;
    if let Some(raw) = &query.filter {
        filter = filter.and(checker.filter(raw)?);
    }
    if let Some(search) = &query.search {
        filter = filter.and(checker.search(search)?);
    }
    let mut outputs = Vec::new();
    let mut known = Vec::new();
    let mut groups = Vec::with_capacity(query.group_by.len());
    for group in &query.group_by {
        let (group_plan, class, form) = plan_group(&mut checker, group)?;
        known.push(Known {
            alias: group.alias.clone(),
            reference: inner("g", groups.len(), class),
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
        });
        outputs.push((json_key(&figure.alias), form));
        figures.push(figure_plan);
    }
    let having = query
        .having
        .as_ref()
        .map_or_else(|| Ok(Filter::always()), |having| over_figures(having, &known))?;
    let mut order = Vec::with_capacity(query.order.len());
    for sort in &query.order {
        let found = find(&sort.field, &known).ok_or_else(|| DataError::InvalidSort {
            message: format!(
                "groups can be ordered by {} only, not by '{}'",
                names(&known),
                sort.field
            ),
        })?;
        order.push((found, sort.descending));
    }
    // Groups in a fixed order: pages fit together.
    order.extend((0..groups.len()).map(|index| (inner("g", index, Class::Text), false)));
    Ok(AggregatePlan {
        scope: checker.scope,
        filter,
        groups,
        figures,
        having,
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
    let Resolved { reference, field, .. } = checker.field(&group.field, Purpose::Select)?;
    let class = reference.class;
    match &group.bucket {
        None => {
            let form = if field.stored() { Form::of(field) } else { Form::Plain };
            Ok((
                Group {
                    field: reference,
                    bucket: None,
                },
                class,
                form,
            ))
        }
        Some(bucket) => {
            if !matches!(class, Class::Date | Class::DateTime) {
                return Err(wrong(format!(
                    "'{}' is {} and has no {bucket}",
                    group.field,
                    class.name()
                )));
            }
            if !BUCKETS.contains(&bucket.as_str()) {
                return Err(wrong(format!("'{bucket}' is none of {}", BUCKETS.join(", "))));
            }
            Ok((
                Group {
                    field: reference,
                    bucket: Some(bucket.clone()),
                },
                Class::Text,
                Form::Text,
            ))
        }
    }
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
            },
            Class::Number,
            Form::Plain,
        ));
    };
    let Resolved { reference, field, .. } = checker.field(path, Purpose::Select)?;
    let class = reference.class;
    let fits = match function {
        "sum" | "avg" => class == Class::Number,
        "min" | "max" => class.ordered(),
        "array_agg" | "string_agg" => class != Class::Document,
        _ => true,
    };
    if !fits {
        return Err(wrong(format!(
            "'{function}' does not work on '{path}', which is {}",
            class.name()
        )));
    }
    let (class, form) = match function {
        "min" | "max" => (class, if field.stored() { Form::of(field) } else { Form::Plain }),
        "sum" => (Class::Number, field.limits.scale.map_or(Form::Plain, Form::Rounded)),
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
fn over_figures(raw: &RawFilter, known: &[Known]) -> Result<Filter> {
    Ok(match raw {
        RawFilter::All(parts) => Filter::All(
            parts
                .iter()
                .map(|part| over_figures(part, known))
                .collect::<Result<_>>()?,
        ),
        RawFilter::Any(parts) => Filter::Any(
            parts
                .iter()
                .map(|part| over_figures(part, known))
                .collect::<Result<_>>()?,
        ),
        RawFilter::Not(part) => Filter::Not(Box::new(over_figures(part, known)?)),
        RawFilter::Test(test) => {
            let reference = find(&test.field, known).ok_or_else(|| DataError::InvalidFilter {
                message: format!("'having' knows {} only, not '{}'", names(known), test.field),
            })?;
            super::check::test_of(test, reference)?
        }
    })
}

impl AggregatePlan {
    fn inner_statement(&self, writer: &mut SqlWriter) {
        writer.push("(SELECT ");
        let total = self.groups.len() + self.figures.len();
        writer.list(", ", 0..total, |writer, index| {
            if let Some(group) = self.groups.get(index) {
                write_group(writer, group);
                writer.push(" AS ").name(&format!("g{index}"));
            } else {
                let index = index - self.groups.len();
                write_figure(writer, &self.figures[index]);
                writer.push(" AS ").name(&format!("a{index}"));
            }
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

    fn having(&self, writer: &mut SqlWriter) {
        if !self.having.is_always() {
            writer.push(" WHERE ").filter(&self.having);
        }
    }

    /// A page of groups, and one group more.
    #[must_use]
    pub fn page_statement(&self, dialect: &'static dyn Dialect) -> Statement {
        let mut writer = SqlWriter::new(dialect);
        writer.push("SELECT * FROM ");
        self.inner_statement(&mut writer);
        self.having(&mut writer);
        if !self.order.is_empty() {
            writer.push(" ORDER BY ");
            writer.list(", ", &self.order, |writer, (field, descending)| {
                let nulls = dialect.nulls(!descending);
                writer
                    .field(field)
                    .push(if *descending { " DESC" } else { "" })
                    .push(nulls);
            });
        }
        writer.push(" LIMIT ").value(whole(self.limit.saturating_add(1)));
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
    let field = &group.field;
    match group.bucket.as_deref() {
        None => {
            writer.field(field);
        }
        Some("quarter") => {
            writer
                .push("substr(")
                .field(field)
                .push(", 1, 4) || '-Q' || ((CAST(substr(")
                .field(field);
            writer.push(", 6, 2) AS INTEGER) + 2) / 3)");
        }
        Some("week") => {
            writer.push("strftime('%G-W%V', ").field(field).push(")");
        }
        Some(bucket) => {
            // Moments are stored as text whose beginnings are the year, the month, the day, the hour.
            let characters = match bucket {
                "year" => 4,
                "month" => 7,
                "day" => 10,
                _ => 13,
            };
            writer
                .push("substr(")
                .field(field)
                .push(", 1, ")
                .number(characters)
                .push(")");
        }
    }
}

fn write_figure(writer: &mut SqlWriter, figure: &Figure) {
    let dialect = writer.dialect();
    let function = match figure.function {
        "sum" => "SUM",
        "avg" => "AVG",
        "min" => "MIN",
        "max" => "MAX",
        "array_agg" => dialect.list_aggregate(),
        "string_agg" => dialect.text_aggregate(),
        _ => "COUNT",
    };
    writer.push(function).push("(");
    match &figure.field {
        Some(field) => {
            writer.push(if figure.distinct { "DISTINCT " } else { "" }).field(field);
        }
        None => {
            writer.push("*");
        }
    }
    writer.push(")");
    if let Some(filter) = &figure.filter {
        writer.push(" FILTER (WHERE ").filter(filter).push(")");
    }
}
