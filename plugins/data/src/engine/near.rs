//! The records whose vectors are nearest to one: exact, by measuring every record that the rest of the filter finds and the
//! caller may see. Their ids then stand in the filter in the place of `$near`, and the page is in the order of the distance.
//!
//! `{"embedding": {"$near": {"vector": [..], "k": 10, "distance": 0.4, "metric": "cosine"}}}`

use std::cmp::Ordering;
use std::sync::Arc;

use objectos_plugin_api::protocol::data::DistanceMetric;
use serde_json::Value;

use super::Engine;
use super::find::Search;
use crate::error::{DataError, Result};
use crate::model::{FieldKind, FieldModel, FieldSettings, SystemField};
use crate::query::select::{OutputValue, PageLimits};
use crate::query::{LIST_VALUES_MAX, Operand, Operator, QueryInput, RawFilter, RawTest};

/// Records when neither a number nor a distance is given.
const NEAREST: usize = 10;

/// What was asked for.
struct Near {
    field: String,
    vector: Vec<f64>,
    count: usize,
    /// Farthest that is near.
    distance: Option<f64>,
    metric: DistanceMetric,
}

impl Engine {
    /// The query with the ids of the nearest records in the place of `$near`; as it is when nothing is near.
    pub(super) async fn nearest(&self, search: &Search<'_>, mut query: QueryInput) -> Result<QueryInput> {
        let Some((test, rest)) = query.filter.as_ref().and_then(taken_apart) else {
            return Ok(query);
        };
        let near = Near::read(search, &test)?;
        let all = QueryInput {
            fields: Some(vec![SystemField::Id.name().to_owned(), near.field.clone()]),
            filter: rest,
            count: Some(false),
            ..QueryInput::default()
        };
        let views = self.views_of(search, &all).await?;
        let every = u64::MAX >> 1;
        let limits = PageLimits {
            default: every,
            max: every,
        };
        let plan = self.plan_evaluated(search, views.as_ref(), &all, limits).await?;
        let place = |index: usize| match plan.outputs.get(index).map(|output| output.value) {
            Some(OutputValue::Column(column, _)) => Ok(column),
            _ => Err(unknown(search, &near.field)),
        };
        let (id, vector) = (place(0)?, place(1)?);
        let mut found: Vec<(f64, String)> = Vec::new();
        let mut reader = self.reader_of(search.layout, search.caller).await?;
        reader
            .read(&plan.page_statement(search.layout.dialect), &mut |row| {
                let distance = row.cell(vector).as_text().and_then(|text| near.distance_to(text));
                let Some(distance) = distance.filter(|distance| near.distance.is_none_or(|most| *distance <= most))
                else {
                    return;
                };
                found.push((distance, row.cell(id).as_text().unwrap_or_default().to_owned()));
                // What cannot be among the nearest any more is let go of now and then.
                if found.len() >= near.count.saturating_mul(4) {
                    keep_nearest(&mut found, near.count);
                }
            })
            .await?;
        drop(reader);
        keep_nearest(&mut found, near.count);
        let ids: Vec<Value> = found.iter().map(|(_, id)| Value::from(id.as_str())).collect();
        query.filter = Some(RawFilter::Test(RawTest {
            field: SystemField::Id.name().to_owned(),
            operator: Operator::In,
            operand: Operand::Value(Value::Array(ids)),
        }));
        query.rank = Some(Arc::new(
            found.into_iter().map(|(distance, id)| (id, distance)).collect(),
        ));
        Ok(query)
    }
}

/// Whether the filter has a `$near` where it must hold in any case.
pub(super) fn looks_near(filter: &RawFilter) -> bool {
    match filter {
        RawFilter::Test(test) => test.operator == Operator::Near,
        RawFilter::All(parts) => parts.iter().any(looks_near),
        _ => false,
    }
}

/// Nearest first; equally near ones in the order of their ids.
fn keep_nearest(found: &mut Vec<(f64, String)>, count: usize) {
    found.sort_by(|left, right| {
        let by_distance = left.0.partial_cmp(&right.0).unwrap_or(Ordering::Equal);
        by_distance.then_with(|| left.1.cmp(&right.1))
    });
    found.truncate(count);
}

/// The test with `$near`, and what else the filter asks for. Only what must hold in any case is looked at.
fn taken_apart(filter: &RawFilter) -> Option<(RawTest, Option<RawFilter>)> {
    match filter {
        RawFilter::Test(test) if test.operator == Operator::Near => Some((test.clone(), None)),
        RawFilter::All(parts) => {
            let (place, (test, inner)) = parts
                .iter()
                .enumerate()
                .find_map(|(place, part)| Some((place, taken_apart(part)?)))?;
            let mut rest = parts.clone();
            match inner {
                Some(inner) => rest[place] = inner,
                None => drop(rest.remove(place)),
            }
            Some((test, (!rest.is_empty()).then_some(RawFilter::All(rest))))
        }
        _ => None,
    }
}

fn wrong(message: String) -> DataError {
    DataError::InvalidFilter { message }
}

fn unknown(search: &Search<'_>, field: &str) -> DataError {
    DataError::UnknownFields {
        object: search.layout.object.name.clone(),
        fields: vec![field.to_owned()],
        nearest: None,
    }
}

impl Near {
    fn read(search: &Search<'_>, test: &RawTest) -> Result<Self> {
        let object = &search.layout.object;
        let readable = |field: &&FieldModel| {
            let view = search.granted.view.as_deref();
            view.is_none_or(|view| view.reads(&field.name) && !view.masks(&field.name))
        };
        let field = object.field(&test.field).filter(readable);
        let field = field.ok_or_else(|| unknown(search, &test.field))?;
        let name = &test.field;
        if field.kind != FieldKind::Vector {
            return Err(wrong(format!("$near looks at vectors, and '{name}' is none")));
        }
        let shape = || wrong(format!("$near at '{name}' takes {{vector, k?, distance?, metric?}}"));
        let Operand::Value(Value::Object(wanted)) = &test.operand else {
            return Err(shape());
        };
        let mut near = Self {
            field: field.name.clone(),
            vector: Vec::new(),
            count: 0,
            distance: None,
            metric: match field.settings {
                FieldSettings::Vector { metric, .. } => metric,
                _ => DistanceMetric::Cosine,
            },
        };
        for (key, value) in wanted {
            match key.as_str() {
                "vector" => near.vector = numbers(value).ok_or_else(shape)?,
                "k" | "limit" => near.count = count(name, value)?,
                "distance" | "maxDistance" => near.distance = Some(value.as_f64().ok_or_else(shape)?),
                "metric" => {
                    let metric = value.as_str().and_then(|text| text.parse().ok());
                    near.metric = metric.ok_or_else(|| {
                        wrong(format!(
                            "{value} is no metric; use cosine, euclidean, dotProduct or manhattan"
                        ))
                    })?;
                }
                _ => return Err(shape()),
            }
        }
        if near.count == 0 {
            near.count = if near.distance.is_some() {
                LIST_VALUES_MAX
            } else {
                NEAREST
            };
        }
        let dimensions = field.limits.dimensions.unwrap_or_default();
        if near.vector.len() != dimensions {
            return Err(wrong(format!(
                "the vector of $near at '{name}' must have {dimensions} numbers, found {}",
                near.vector.len()
            )));
        }
        Ok(near)
    }

    /// How far a stored vector is; none for one that has no direction.
    fn distance_to(&self, stored: &str) -> Option<f64> {
        let other: Vec<f64> = serde_json::from_str(stored).ok()?;
        if other.len() != self.vector.len() {
            return None;
        }
        let pairs = || self.vector.iter().zip(&other);
        let dot = || pairs().map(|(left, right)| left * right).sum::<f64>();
        let distance = match self.metric {
            DistanceMetric::Cosine => {
                let length = |vector: &[f64]| vector.iter().map(|part| part * part).sum::<f64>().sqrt();
                1.0 - dot() / (length(&self.vector) * length(&other))
            }
            DistanceMetric::Euclidean => pairs().map(|(left, right)| (left - right).powi(2)).sum::<f64>().sqrt(),
            DistanceMetric::Manhattan => pairs().map(|(left, right)| (left - right).abs()).sum(),
            // The greater the product, the nearer.
            // Zero has no sign in an answer.
            DistanceMetric::DotProduct => 0.0 - dot(),
        };
        distance.is_finite().then_some(distance)
    }
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

fn count(name: &str, value: &Value) -> Result<usize> {
    value
        .as_u64()
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| (1..=LIST_VALUES_MAX).contains(count))
        .ok_or_else(|| {
            wrong(format!(
                "k of $near at '{name}' is 1 to {LIST_VALUES_MAX}, found {value}"
            ))
        })
}
