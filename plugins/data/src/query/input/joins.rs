//! Joins, as far as they are relations: `on` pairs a reference with the id of the other object. Such a join is another name
//! for a path, so the names behind its alias are rewritten and nothing else changes. What else the `on` of an inner join asks for
//! narrows the query. A right or full join also brings the records
//! of the other object that no record points to; how, `check::joins` says. Every other join is refused.

use serde_json::{Map, Value};

use super::QueryInput;
use super::values::wrong;
use crate::error::{DataError, Result};
use crate::query::operator::Operator;
use crate::query::written::{Operand, RawFilter, RawTest, read_filter};

/// A relation that a join named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinInput {
    /// The path of the reference.
    pub path: String,
    /// The object it must lead to.
    pub object: String,
    /// Its records come also where none points to them.
    pub outer: Option<OuterJoin>,
}

/// Joins that bring records of the other object by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OuterJoin {
    /// Those, and the pairs.
    Right,
    /// The records without a counterpart as well.
    Full,
}

impl OuterJoin {
    /// As `data/JoinType` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Full => "full",
        }
    }
}

fn unsupported(alias: &str, why: &str) -> DataError {
    DataError::NotSupported {
        message: format!(
            "the join '{alias}' is not supported: {why}; join over a reference, expand a relation, or filter by a path such as \
             account.industry"
        ),
    }
}

/// Reads the joins of a query whose other parts are there, and rewrites their names in these.
pub(super) fn read_joins(value: &Value, map: &Map<String, Value>, query: &mut QueryInput) -> Result<()> {
    let Value::Array(items) = value else {
        return Err(wrong("'joins' takes a list"));
    };
    let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
    // Names in front of a dot that stand for the object itself.
    let mut names = Names {
        own: [text("alias"), text("object")].into_iter().flatten().collect(),
        joined: Vec::new(),
        inner: false,
    };
    for item in items {
        let node = item
            .as_object()
            .ok_or_else(|| wrong("a join is {type, object, alias, on}"))?;
        read_join(node, &mut names, query)?;
    }
    check_outer(query, names.inner)?;
    query.rename(&|name: &str| names.path(name));
    Ok(())
}

struct Names {
    own: Vec<String>,
    /// Alias and path.
    joined: Vec<(String, String)>,
    /// One of the joins leaves out records without a counterpart.
    inner: bool,
}

impl Names {
    /// The path that a name with an alias stands for.
    fn path(&self, name: &str) -> String {
        let Some((first, rest)) = name.split_once('.') else {
            return name.to_owned();
        };
        if let Some((_, path)) = self.joined.iter().find(|(alias, _)| alias == first) {
            return format!("{path}.{rest}");
        }
        if self.own.iter().any(|own| own == first) {
            return rest.to_owned();
        }
        name.to_owned()
    }
}

fn read_join(node: &Map<String, Value>, names: &mut Names, query: &mut QueryInput) -> Result<()> {
    let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
    let object = text("object").ok_or_else(|| wrong("a join names no object"))?;
    let alias = text("alias").unwrap_or_else(|| object.clone());
    let (inner, outer) = match text("type").as_deref() {
        None | Some("inner") => (true, None),
        Some("left") => (false, None),
        Some("right") => (false, Some(OuterJoin::Right)),
        Some("full") => (false, Some(OuterJoin::Full)),
        Some(other) => {
            return Err(wrong(format!(
                "a join is of type inner, left, right or full, found '{other}'"
            )));
        }
    };
    let on = node
        .get("on")
        .ok_or_else(|| wrong(format!("the join '{alias}' has no 'on'")))?;
    let (path, further) = pair(on, &alias, &object, names).ok_or_else(|| {
        unsupported(
            &alias,
            "its 'on' does not pair a reference with the id of the other object",
        )
    })?;
    if !inner && !further.is_empty() {
        return Err(unsupported(
            &alias,
            "only the 'on' of an inner join says more than a pair",
        ));
    }
    if outer.is_some() && path.contains('.') {
        return Err(unsupported(&alias, "a right or full join begins at the object itself"));
    }
    names.joined.push((alias.clone(), path.clone()));
    names.inner |= inner;
    if inner {
        let there = RawFilter::Test(RawTest {
            field: format!("{path}.id"),
            operator: Operator::Null,
            operand: Operand::Value(Value::Bool(false)),
        });
        query.narrow(there);
        // Pairs for which they do not hold are left out, and of an inner join nothing else is there.
        further.into_iter().for_each(|filter| query.narrow(filter));
    }
    if let Some(subquery) = node.get("subquery").filter(|subquery| !subquery.is_null()) {
        subquery_of(subquery, &alias, &path, inner, query)?;
    }
    query.joins.push(JoinInput { path, object, outer });
    Ok(())
}

/// What an inner join leaves out, a right or full one would bring back, or not, by the order of the two.
fn check_outer(query: &QueryInput, inner: bool) -> Result<()> {
    let mut outer = query.joins.iter().filter(|join| join.outer.is_some());
    let Some(first) = outer.next() else { return Ok(()) };
    if inner || outer.next().is_some() {
        let why = "beside a right or full join there are only left ones";
        return Err(unsupported(&first.path, why));
    }
    Ok(())
}

/// The records that a join leaves out beforehand: the same as a filter, when those without a counterpart go as well.
fn subquery_of(subquery: &Value, alias: &str, path: &str, inner: bool, query: &mut QueryInput) -> Result<()> {
    let node = subquery
        .as_object()
        .ok_or_else(|| wrong("a subquery of a join is a query"))?;
    if !inner
        || node
            .keys()
            .any(|key| !matches!(key.as_str(), "object" | "where" | "fields"))
    {
        return Err(unsupported(
            alias,
            "its subquery is more than a 'where' of an inner join",
        ));
    }
    if let Some(filter) = node.get("where") {
        let mut filter = read_filter(filter)?;
        filter.rename(&|name: &str| format!("{path}.{name}"));
        query.narrow(filter);
    }
    Ok(())
}

/// The path of the reference that `on` pairs with the id of the joined object, and what else it asks for.
fn pair(on: &Value, alias: &str, object: &str, names: &Names) -> Option<(String, Vec<RawFilter>)> {
    let mut parts = conditions(read_filter(on).ok()?);
    let place = parts
        .iter()
        .position(|part| reference(part, alias, object, names).is_some())?;
    let path = reference(&parts.remove(place), alias, object, names)?;
    Some((path, parts))
}

/// What must all hold, one by one.
fn conditions(filter: RawFilter) -> Vec<RawFilter> {
    match filter {
        RawFilter::All(parts) => parts.into_iter().flat_map(conditions).collect(),
        one => vec![one],
    }
}

/// The path of the reference that a test pairs with the id of the joined object.
fn reference(part: &RawFilter, alias: &str, object: &str, names: &Names) -> Option<String> {
    let RawFilter::Test(test) = part else {
        return None;
    };
    if test.operator != Operator::Eq {
        return None;
    }
    let other = match &test.operand {
        Operand::Field(other) => other.clone(),
        // `["order.customer", "=", "c.id"]`: the name of a field in the place of a value.
        Operand::Value(Value::String(other)) => other.clone(),
        Operand::Value(_) => return None,
    };
    let their_id = |name: &str| name == format!("{alias}.id") || name == format!("{object}.id");
    let ours = match (their_id(&test.field), their_id(&other)) {
        (true, false) => other,
        (false, true) => test.field.clone(),
        _ => return None,
    };
    Some(names.path(&ours))
}

impl QueryInput {
    /// Only records for which this holds as well.
    pub fn narrow(&mut self, filter: RawFilter) {
        self.filter = Some(match self.filter.take() {
            Some(other) => other.and(filter),
            None => filter,
        });
    }

    /// Changes the names of fields; a field of the answer keeps the key that it was asked for by.
    fn rename(&mut self, name: &dyn Fn(&str) -> String) {
        for field in self.fields.iter_mut().flatten() {
            let path = name(field);
            if path != *field {
                let key = self.renamed.remove(field).unwrap_or_else(|| field.clone());
                self.renamed.insert(path.clone(), key);
                *field = path;
            }
        }
        let filters = [self.filter.as_mut()];
        filters.into_iter().flatten().for_each(|filter| filter.rename(name));
        let change = |field: &mut String| *field = name(field);
        self.order.iter_mut().for_each(|sort| change(&mut sort.field));
        self.group_by.iter_mut().for_each(|group| change(&mut group.field));
        for figure in &mut self.aggregations {
            figure.field.iter_mut().for_each(change);
            figure.filter.iter_mut().for_each(|filter| filter.rename(name));
        }
        for window in &mut self.windows {
            window.field.iter_mut().for_each(change);
            window.partition.iter_mut().for_each(change);
            window.order.iter_mut().for_each(|sort| change(&mut sort.field));
        }
        if let Some(search) = &mut self.search {
            search.fields.iter_mut().for_each(change);
            search.boost.iter_mut().for_each(|(field, _)| change(field));
            search.filters.iter_mut().for_each(|filter| filter.rename(name));
        }
    }
}
