//! Text search over several objects at once. Every object is asked by itself, along the same path as a list: what the caller may
//! not see is not found. Hits are rated here and not by the database, so that all databases answer in the same order. An object
//! that cannot answer is told of beside the hits of the others. It is as many reads as objects are asked, and more where titles
//! name other records: each sees the database at its own moment.

use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::ApiMethod;
use serde_json::{Map, Value, json};

use super::paths::check_paths;
use super::titles::{read, text_of, title};
use super::{Engine, check_method};
use crate::error::{DataError, Result};
use crate::model::{ObjectModel, SystemField};
use crate::query::highlight::marked;
use crate::query::wanted::Wanted;
use crate::query::{QueryInput, SearchInput, SortInput};
use crate::record::{Layout, Schema};

/// Hits of one answer at most.
const HITS_MAX: u64 = 100;
/// Records of one object that are shown at most: the latest that match, and as many that fit best.
const CANDIDATES: u64 = 200;
/// Records of one object that are rated to find those that fit best; of more, the latest are taken for them.
const RATED_MAX: u64 = 20_000;
/// Objects of one search at most.
const OBJECTS_MAX: usize = 200;

/// What to look for, and where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchRequest {
    /// The words.
    pub search: SearchInput,
    /// Objects to look in; empty is all that are searchable and do not belong to the platform.
    pub objects: Vec<String>,
    /// Hits at most.
    pub limit: u64,
}

/// What one object has.
struct OfObject {
    hits: Vec<Hit>,
    /// Records that match, whether they were rated or not.
    count: u64,
    /// There are more than were rated.
    more: bool,
}

struct Hit {
    object: String,
    id: String,
    title: String,
    score: f64,
    changed_at: String,
    highlights: Map<String, Value>,
}

impl Engine {
    /// `{query, hits: [{object, id, title, score, highlights}], total, hasMore, objects, counts: {OBJECT: NUMBER}, skipped:
    /// [{object, code, message}]}`, the best first. `total` and `counts` are of all records that match; with a least score, of those
    /// that were rated.
    ///
    /// # Errors
    /// `InvalidQuery` without words or with too many objects; `ObjectNotFound` for one that is named and not there; those of the
    /// store.
    pub async fn search(&self, context: &Context, request: &SearchRequest) -> Result<Value> {
        let search = &request.search;
        let wanted = Wanted::new(&search.query, search.all_words, search.fuzzy);
        if request.search.query.trim().is_empty() {
            return Err(DataError::InvalidQuery {
                message: "a search needs words; use q=WORDS".to_owned(),
            });
        }
        let schema = self.schema();
        let layouts = searched(&schema, &request.objects)?;
        let limit = request.limit.min(HITS_MAX);
        let mut hits = Vec::new();
        let (mut counts, mut skipped, mut total) = (Map::new(), Vec::new(), 0_u64);
        let mut more = false;
        for layout in layouts {
            if !context.system() && check_method(&layout, ApiMethod::Search).is_err() {
                continue;
            }
            let object = &layout.object.name;
            match self.hits(context, &schema, &layout, search, &wanted).await {
                Ok(Some(found)) => {
                    counts.insert(object.clone(), found.count.into());
                    total = total.saturating_add(found.count);
                    more |= found.more;
                    hits.extend(found.hits);
                }
                // A condition of the request that the object does not know is none that its records meet.
                Err(error) if search.filters.is_some() && is_of_filters(&error) => {
                    skipped.push(json!({ "object": object, "code": error.code(), "message": error.to_string() }));
                }
                // An object that may not be read has no records, and one whose searchable fields may not, no words.
                Ok(None)
                | Err(DataError::Denied { .. } | DataError::UnknownFields { .. } | DataError::SecretField { .. }) => {}
                Err(error @ (DataError::InvalidQuery { .. } | DataError::NotSupported { .. })) => {
                    skipped.push(json!({ "object": object, "code": error.code(), "message": error.to_string() }));
                }
                Err(error) => return Err(error),
            }
        }
        hits.sort_by(|left, right| {
            let by_score = right.score.total_cmp(&left.score);
            let latest = by_score.then_with(|| right.changed_at.cmp(&left.changed_at));
            latest.then_with(|| (&left.object, &left.id).cmp(&(&right.object, &right.id)))
        });
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = more || hits.len() > limit;
        hits.truncate(limit);
        let hits: Vec<Value> = hits.into_iter().map(Hit::into_json).collect();
        let looked_in: Vec<&String> = counts.keys().collect();
        Ok(json!({
            "query": request.search.query,
            "hits": hits,
            "total": total,
            "hasMore": has_more,
            "objects": looked_in,
            "counts": counts,
            "skipped": skipped,
        }))
    }

    /// The hits in one object; none when the caller may read nothing that could be searched in.
    async fn hits(
        &self,
        context: &Context,
        schema: &Schema,
        layout: &Arc<Layout>,
        search: &SearchInput,
        wanted: &Wanted,
    ) -> Result<Option<OfObject>> {
        let object = &layout.object;
        let fields = object.search_fields();
        let granted = self.granted(context, layout, Operation::Read).await?;
        if !granted.system {
            // As for a list of them: what the request says of other objects leads to open ones only. Titles are their author's.
            let asked = QueryInput {
                search: Some(search.clone()),
                ..QueryInput::default()
            };
            check_paths(schema, layout, &asked)?;
        }
        let readable = |name: &String| {
            let view = granted.view.as_deref();
            view.is_none_or(|view| view.reads(name) && !view.masks(name))
        };
        if search.fields.is_empty() && !fields.iter().any(readable) {
            return Ok(None);
        }
        let (mut records, count) = self.candidates(context, object, search, !search.fuzzy).await?;
        if !search.fuzzy && count > CANDIDATES && count <= RATED_MAX {
            let (best, _) = self.candidates(context, object, search, false).await?;
            let id = SystemField::Id.name();
            for record in best {
                if !records.iter().any(|known| known.get(id) == record.get(id)) {
                    records.push(record);
                }
            }
        }
        self.add_related(context, object, &mut records).await?;
        let rated = u64::try_from(records.len()).unwrap_or(u64::MAX);
        let mut hits: Vec<Hit> = records
            .iter()
            .map(|record| hit(object, &fields, record, wanted))
            .collect();
        hits.retain(|hit| search.min_score.is_none_or(|least| hit.score >= least));
        let kept = u64::try_from(hits.len()).unwrap_or(u64::MAX);
        Ok(Some(OfObject {
            hits,
            count: if search.min_score.is_some() { kept } else { count },
            more: count > rated,
        }))
    }

    /// Records of an object that match, the latest or the best, and how many there are.
    async fn candidates(
        &self,
        context: &Context,
        object: &ObjectModel,
        search: &SearchInput,
        latest: bool,
    ) -> Result<(Vec<Map<String, Value>>, u64)> {
        let changed_at = object.system_field(SystemField::UpdatedAt).filter(|_| latest);
        let query = QueryInput {
            search: Some(SearchInput {
                highlight: false,
                // The title weighs more here, so the score is another one. Any least score asks for the best.
                min_score: (!latest).then_some(0.0),
                ..search.clone()
            }),
            order: changed_at
                .map(|field| SortInput::new(&field.name, true))
                .into_iter()
                .collect(),
            limit: Some(CANDIDATES),
            count: Some(true),
            ..QueryInput::default()
        };
        let found = self.find_checked(context, &object.name, query, None).await?;
        let records = read(&found.records)?;
        Ok((records, found.total.unwrap_or(found.count)))
    }
}

fn searched(schema: &Schema, named: &[String]) -> Result<Vec<Arc<Layout>>> {
    if named.len() > OBJECTS_MAX {
        return Err(DataError::InvalidQuery {
            message: format!("a search looks in at most {OBJECTS_MAX} objects"),
        });
    }
    let searchable = |object: &ObjectModel| {
        object.active
            && object.capabilities.searchable
            && object.capabilities.api_enabled
            && !object.search_fields().is_empty()
    };
    if named.is_empty() {
        let objects = schema.catalogue.objects();
        let open = objects.filter(|object| !object.is_abstract && !object.system && searchable(object));
        let layouts = open.filter_map(|object| schema.layout(&object.name).cloned());
        return Ok(layouts.take(OBJECTS_MAX).collect());
    }
    let mut layouts = Vec::with_capacity(named.len());
    for name in named {
        let layout = super::layout_of(schema, name)?;
        if searchable(&layout.object) {
            layouts.push(Arc::clone(layout));
        }
    }
    Ok(layouts)
}

/// Whether an object may answer so because of a condition: it lacks a field of it, or has one of another kind.
fn is_of_filters(error: &DataError) -> bool {
    matches!(
        error,
        DataError::UnknownFields { .. } | DataError::SecretField { .. } | DataError::InvalidFilter { .. }
    )
}

fn hit(object: &ObjectModel, fields: &[String], record: &Map<String, Value>, wanted: &Wanted) -> Hit {
    let title = title(object, record);
    let texts: Vec<(&String, String)> = fields.iter().map(|field| (field, text_of(record, field))).collect();
    let highlights = texts.iter().filter_map(|(field, text)| {
        let shown = marked(text, wanted)?;
        Some(((*field).clone(), Value::String(shown)))
    });
    // The title counts twice.
    let mut weighed = vec![(1.0, title.as_str())];
    weighed.extend(texts.iter().map(|(_, text)| (0.5, text.as_str())));
    let score = wanted.fit(&weighed).score;
    Hit {
        object: object.name.clone(),
        id: text_of(record, SystemField::Id.name()),
        score,
        title,
        changed_at: text_of(record, SystemField::UpdatedAt.name()),
        highlights: highlights.collect(),
    }
}

impl Hit {
    fn into_json(self) -> Value {
        json!({
            "object": self.object,
            "id": self.id,
            "title": self.title,
            "score": objectos_expression::Value::number(self.score).to_json(),
            "highlights": self.highlights,
        })
    }
}
