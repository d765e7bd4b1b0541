//! Related records in the place of their ids, and children under their parents: one statement for each relation and level,
//! however many records there are. All of them see the database as the page saw it (`snapshot`); what lies in another one is
//! seen there at one moment as well, but that is another one.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::Engine;
use super::answer::{Hole, RecordWriter};
use super::find::{Search, planned};
use super::paths::is_open;
use super::ports::HookPoint;
use super::related_hooks::RelatedRecord;
use crate::error::{DataError, Result};
use crate::model::SystemField;
use crate::query::filter::{Class, Condition, FieldRef, Filter, Source, Test};
use crate::query::select::{PageLimits, PerParent, Relation, RelationKind, SelectPlan};
use crate::query::{EXPAND_DEPTH_MAX, QueryInput};
use crate::store::BoxFuture;

/// Ids of one relation and level at most.
const IDS_MAX: usize = 20_000;
/// Related records of one relation and level at most.
const CHILDREN_MAX: usize = 20_000;

impl Engine {
    /// Fills the holes of written records.
    pub(super) fn expand<'a>(
        &'a self,
        search: &'a Search<'a>,
        plan: &'a SelectPlan,
        out: Vec<u8>,
        holes: Vec<Hole>,
        depth: usize,
    ) -> BoxFuture<'a, Result<Vec<u8>>> {
        Box::pin(async move {
            if depth >= EXPAND_DEPTH_MAX {
                return Err(DataError::InvalidQuery {
                    message: format!("relations are expanded more than {EXPAND_DEPTH_MAX} deep"),
                });
            }
            let mut by_relation = Vec::with_capacity(plan.relations.len());
            for (index, relation) in plan.relations.iter().enumerate() {
                let mut seen = HashSet::new();
                let ids = holes
                    .iter()
                    .filter(|hole| hole.relation == index)
                    .flat_map(|hole| &hole.ids);
                let ids: Vec<String> = ids.filter(|id| seen.insert(id.as_str())).cloned().collect();
                by_relation.push(self.related(search, relation, ids, depth).await?);
            }
            Ok(fill(&out, &holes, plan, &by_relation))
        })
    }

    /// The related records, as far as the caller may see them.
    async fn related(
        &self,
        search: &Search<'_>,
        relation: &Relation,
        ids: Vec<String>,
        depth: usize,
    ) -> Result<Related> {
        if ids.is_empty() {
            return Ok(Related::default());
        }
        if ids.len() > IDS_MAX {
            return Err(too_many(relation, IDS_MAX));
        }
        if !search.granted.system && !is_open(relation) {
            return Ok(Related::default());
        }
        let granted = if search.granted.system {
            search.granted.clone()
        } else {
            match self.readable(search.caller, &relation.layout).await? {
                Some(granted) => granted,
                // Records that one may not see do not exist.
                None => return Ok(Related::default()),
            }
        };
        let object = relation.layout.object.name.as_str();
        let shown = search.caller.shows_related && self.parts.hooks.armed(HookPoint::AfterFind, object);
        // What stands aside for handlers of an answer that these records become a part of stays so until those had their turn.
        let own = (shown && search.caller.aside.is_none()).then(|| search.caller.setting_aside());
        let inner = Search {
            schema: search.schema,
            layout: &relation.layout,
            caller: own.as_ref().unwrap_or(search.caller),
            granted: &granted,
        };
        let mut found = self.related_page(&inner, relation, &ids, depth).await?;
        if shown {
            found = self
                .after_related(&inner, &relation.query, found, own.is_some())
                .await?;
        }
        let found: Vec<(String, Vec<u8>)> = found.into_iter().map(|record| (record.key, record.bytes)).collect();
        Ok(match relation.kind {
            RelationKind::Children(_) => Related::children(found),
            RelationKind::Many if !relation.query.order.is_empty() => Related::ordered(found),
            RelationKind::Many | RelationKind::One => Related {
                records: found.into_iter().collect(),
                ranks: None,
            },
        })
    }

    /// One statement: the records with these ids, or those that point to them.
    async fn related_page(
        &self,
        search: &Search<'_>,
        relation: &Relation,
        ids: &[String],
        depth: usize,
    ) -> Result<Vec<RelatedRecord>> {
        let (query, limits) = self.related_query(relation, ids.len())?;
        // Each list has its order and is cut by itself, so only the ids are wanted.
        let query = self.rated(search, query, false).await?;
        let views = self.views_of(search, &query).await?;
        let mut plan = planned(search, search.caller, views.as_ref(), &query, limits, true)?;
        let key = pointed(search, relation, &mut plan)?;
        let list = Condition::AmongTexts(Value::from(ids.to_vec()).to_string());
        plan.filter = plan.filter.and(Filter::Test(Test {
            field: plan.columns[key].clone(),
            condition: list,
        }));
        self.evaluate_ahead(search, views.as_ref(), &plan.scope, &plan.filter)
            .await?;
        let id = id_place(&plan)?;
        let shown = search.caller.shows_related;
        let mut found_ids = Vec::with_capacity(ids.len());
        let mut writer = RecordWriter::new(&plan, search.caller);
        let mut reader = self.reader_of(search.layout, search.caller).await?;
        reader
            .read(&plan.page_statement(search.layout.dialect), &mut |row| {
                let text = |place: usize| row.cell(place).as_text().unwrap_or_default().to_owned();
                found_ids.push((text(key), if shown { text(id) } else { String::new() }));
                writer.row(row);
            })
            .await?;
        drop(reader);
        writer.complete()?;
        if found_ids.len() > CHILDREN_MAX {
            return Err(too_many(relation, CHILDREN_MAX));
        }
        let (out, ends, holes) = (writer.out, writer.ends, writer.holes);
        if holes.is_empty() {
            return Ok(records(found_ids, split(&out, &ends)));
        }
        // Each record by itself, so that it can be put into several places.
        let mut begin = 0;
        let mut holes = holes.into_iter().peekable();
        let mut pieces = Vec::with_capacity(ends.len());
        for end in &ends {
            let mut own = Vec::new();
            while let Some(mut hole) = holes.next_if(|hole| hole.at <= *end) {
                hole.at -= begin;
                own.push(hole);
            }
            pieces.push((out[begin..*end].to_vec(), own));
            begin = end + 1;
        }
        let related = self.expand_pieces(search, &plan, pieces, depth + 1).await?;
        Ok(records(found_ids, related))
    }

    /// What the nested query says, as far as it makes sense for a relation.
    fn related_query(&self, relation: &Relation, ids: usize) -> Result<(QueryInput, PageLimits)> {
        let nested = &relation.query;
        if nested.aggregates() || nested.cursor.is_some() || nested.distinct || !nested.windows.is_empty() {
            return Err(DataError::InvalidQuery {
                message: format!(
                    "'expand.{}' takes fields, where, search, orderBy, limit, offset and expand",
                    relation.name
                ),
            });
        }
        if nested.joins.iter().any(|join| join.outer.is_some()) {
            return Err(DataError::InvalidQuery {
                message: format!("'expand.{}' takes no right or full join", relation.name),
            });
        }
        let children = matches!(relation.kind, RelationKind::Children(_));
        let query = QueryInput {
            fields: nested.fields.clone(),
            renamed: nested.renamed.clone(),
            joins: nested.joins.clone(),
            filter: nested.filter.clone(),
            search: nested.search.clone(),
            order: nested.order.clone(),
            // Of a list the records are all read, and each list is cut by itself.
            limit: nested.limit.filter(|_| children),
            offset: if children { nested.offset } else { 0 },
            expand: nested.expand.clone(),
            ..QueryInput::default()
        };
        let all = u64::try_from(ids).unwrap_or(u64::MAX);
        let limits = if children {
            self.page_limits()
        } else {
            PageLimits { default: all, max: all }
        };
        Ok((query, limits))
    }

    /// Fills the holes of several records with one statement for each relation.
    async fn expand_pieces(
        &self,
        search: &Search<'_>,
        plan: &SelectPlan,
        pieces: Vec<(Vec<u8>, Vec<Hole>)>,
        depth: usize,
    ) -> Result<Vec<Vec<u8>>> {
        // Joined by a byte that JSON never has, expanded as one, and taken apart again.
        let mut joined = Vec::new();
        let mut holes = Vec::new();
        for (index, (bytes, own)) in pieces.into_iter().enumerate() {
            if index > 0 {
                joined.push(0);
            }
            let begin = joined.len();
            joined.extend_from_slice(&bytes);
            holes.extend(own.into_iter().map(|hole| Hole {
                at: hole.at + begin,
                ..hole
            }));
        }
        let expanded = self.expand(search, plan, joined, holes, depth).await?;
        Ok(expanded.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
    }
}

/// The records one by one; a comma stands between them.
fn split(out: &[u8], ends: &[usize]) -> Vec<Vec<u8>> {
    let mut begin = 0;
    ends.iter()
        .map(|end| {
            let record = out[begin..*end].to_vec();
            begin = end + 1;
            record
        })
        .collect()
}

/// The records, each with the id by which it is asked for and its own.
fn records(ids: Vec<(String, String)>, records: Vec<Vec<u8>>) -> Vec<RelatedRecord> {
    let pairs = ids.into_iter().zip(records);
    pairs
        .map(|((key, id), bytes)| RelatedRecord { key, id, bytes })
        .collect()
}

/// The place among the columns of the id: every order ends with it, so its value is selected in any case.
fn id_place(plan: &SelectPlan) -> Result<usize> {
    let id = plan.order.iter().position(|key| key.name == SystemField::Id.name());
    id.and_then(|place| plan.cursor_columns.get(place).copied())
        .ok_or_else(|| DataError::internal("a page of records has no id"))
}

/// The place among the columns of what the ids are compared with; children also become a page of each parent.
fn pointed(search: &Search<'_>, relation: &Relation, plan: &mut SelectPlan) -> Result<usize> {
    let RelationKind::Children(via) = &relation.kind else {
        return id_place(plan);
    };
    if search.granted.view.as_deref().is_some_and(|view| !view.reads(via)) {
        return Err(DataError::UnknownFields {
            object: relation.layout.object.name.clone(),
            fields: vec![relation.name.clone()],
            nearest: None,
        });
    }
    let reference = FieldRef {
        table: 0,
        source: Source::Column(via.clone()),
        class: Class::Text,
    };
    let place = match plan.columns.iter().position(|column| *column == reference) {
        Some(place) => place,
        None => {
            plan.columns.push(reference.clone());
            plan.columns.len() - 1
        }
    };
    plan.per_parent = Some(PerParent {
        column: place,
        via: reference,
        rows_max: u64::try_from(CHILDREN_MAX).unwrap_or(u64::MAX),
    });
    Ok(place)
}

fn too_many(relation: &Relation, most: usize) -> DataError {
    DataError::InvalidQuery {
        message: format!(
            "'{}' would bring more than {most} records; lower the limit of the page, or that of the relation",
            relation.name
        ),
    }
}

/// What stands in the holes of one relation.
#[derive(Default)]
struct Related {
    /// By the id that is asked for: a record, or of a parent its children with commas between.
    records: HashMap<String, Vec<u8>>,
    /// The place of each record in the order that was asked for.
    ranks: Option<HashMap<String, usize>>,
}

impl Related {
    fn children(found: Vec<(String, Vec<u8>)>) -> Self {
        let mut records: HashMap<String, Vec<u8>> = HashMap::new();
        for (parent, record) in found {
            let list = records.entry(parent).or_default();
            if !list.is_empty() {
                list.push(b',');
            }
            list.extend_from_slice(&record);
        }
        Self { records, ranks: None }
    }

    fn ordered(found: Vec<(String, Vec<u8>)>) -> Self {
        let ranks = found
            .iter()
            .enumerate()
            .map(|(rank, (id, _))| (id.clone(), rank))
            .collect();
        Self {
            records: found.into_iter().collect(),
            ranks: Some(ranks),
        }
    }

    /// The records of a list of ids: in its order or in the one that was asked for, cut as it was asked for.
    fn list<'r>(&'r self, ids: &'r [String], query: &QueryInput) -> Vec<&'r [u8]> {
        let mut found: Vec<(&String, &[u8])> = ids
            .iter()
            .filter_map(|id| Some((id, self.records.get(id)?.as_slice())))
            .collect();
        if let Some(ranks) = &self.ranks {
            found.sort_by_key(|(id, _)| ranks.get(*id));
        }
        let whole = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let rest = found.into_iter().skip(whole(query.offset));
        let cut = rest.take(query.limit.map_or(usize::MAX, whole));
        cut.map(|(_, record)| record).collect()
    }
}

fn fill(out: &[u8], holes: &[Hole], plan: &SelectPlan, by_relation: &[Related]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(out.len() * 2);
    let mut begin = 0;
    for hole in holes {
        filled.extend_from_slice(&out[begin..hole.at]);
        begin = hole.at;
        let (relation, related) = (&plan.relations[hole.relation], &by_relation[hole.relation]);
        let first = hole.ids.first().and_then(|id| related.records.get(id));
        match &relation.kind {
            RelationKind::One => filled.extend_from_slice(first.map_or(b"null".as_slice(), Vec::as_slice)),
            RelationKind::Children(_) => {
                filled.push(b'[');
                filled.extend_from_slice(first.map_or(b"".as_slice(), Vec::as_slice));
                filled.push(b']');
            }
            RelationKind::Many => {
                filled.push(b'[');
                filled.extend_from_slice(&related.list(&hole.ids, &relation.query).join(b",".as_slice()));
                filled.push(b']');
            }
        }
    }
    filled.extend_from_slice(&out[begin..]);
    filled
}
