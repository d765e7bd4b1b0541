//! Related records in the place of their ids: one statement for each relation and level, however many records there are.

use std::collections::{HashMap, HashSet};

use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::Value;

use super::Engine;
use super::answer::{Hole, RecordWriter};
use super::find::{Search, plan_with};
use crate::error::{DataError, Result};
use crate::query::select::{PageLimits, Relation, SelectPlan};
use crate::query::{EXPAND_DEPTH_MAX, LIST_VALUES_MAX, Operand, Operator, QueryInput, RawFilter, RawTest};
use crate::store::BoxFuture;

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

    /// The related records by id, as far as the caller may see them.
    async fn related(
        &self,
        search: &Search<'_>,
        relation: &Relation,
        ids: Vec<String>,
        depth: usize,
    ) -> Result<HashMap<String, Vec<u8>>> {
        let mut records = HashMap::with_capacity(ids.len());
        if ids.is_empty() {
            return Ok(records);
        }
        let context = search.caller.context;
        let granted = if search.granted.system {
            search.granted.clone()
        } else {
            match self.granted(context, &relation.layout, Operation::Read).await {
                Ok(granted) => granted,
                // Records that one may not see do not exist.
                Err(DataError::Denied { .. }) => return Ok(records),
                Err(error) => return Err(error),
            }
        };
        let inner = Search {
            schema: search.schema,
            layout: &relation.layout,
            caller: search.caller,
            granted: &granted,
        };
        for ids in ids.chunks(LIST_VALUES_MAX) {
            self.related_page(&inner, relation, ids, depth, &mut records).await?;
        }
        Ok(records)
    }

    async fn related_page(
        &self,
        search: &Search<'_>,
        relation: &Relation,
        ids: &[String],
        depth: usize,
        records: &mut HashMap<String, Vec<u8>>,
    ) -> Result<()> {
        let wanted = RawFilter::Test(RawTest {
            field: "id".to_owned(),
            operator: Operator::In,
            operand: Operand::Value(Value::from(ids.to_vec())),
        });
        let query = QueryInput {
            fields: relation.query.fields.clone(),
            filter: Some(match &relation.query.filter {
                Some(filter) => filter.clone().and(wanted),
                None => wanted,
            }),
            expand: relation.query.expand.clone(),
            ..QueryInput::default()
        };
        let all = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        let views = self
            .views(
                search.caller.context,
                search.schema,
                search.layout,
                search.granted,
                &query,
            )
            .await?;
        let plan = plan_with(search, views.as_ref(), &query, PageLimits { default: all, max: all })?;
        let mut found_ids = Vec::with_capacity(ids.len());
        // The order is by id, so its value is selected in any case.
        let id_column = plan.cursor_columns.first().copied().unwrap_or_default();
        let mut writer = RecordWriter::new(&plan, search.caller);
        let mut reader = self.parts.store.reader().await?;
        reader
            .read(&plan.page_statement(self.parts.store.dialect()), &mut |row| {
                writer.row(row);
                found_ids.push(row.cell(id_column).as_text().unwrap_or_default().to_owned());
            })
            .await?;
        drop(reader);
        let (out, ends, holes) = (writer.out, writer.ends, writer.holes);
        if holes.is_empty() {
            records.extend(found_ids.into_iter().zip(split(&out, &ends)));
            return Ok(());
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
        records.extend(found_ids.into_iter().zip(related));
        Ok(())
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

fn fill(out: &[u8], holes: &[Hole], plan: &SelectPlan, by_relation: &[HashMap<String, Vec<u8>>]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(out.len() * 2);
    let mut begin = 0;
    for hole in holes {
        filled.extend_from_slice(&out[begin..hole.at]);
        begin = hole.at;
        let records = &by_relation[hole.relation];
        if plan.relations[hole.relation].many {
            filled.push(b'[');
            let mut first = true;
            for record in hole.ids.iter().filter_map(|id| records.get(id)) {
                if !first {
                    filled.push(b',');
                }
                first = false;
                filled.extend_from_slice(record);
            }
            filled.push(b']');
        } else {
            match hole.ids.first().and_then(|id| records.get(id)) {
                Some(record) => filled.extend_from_slice(record),
                None => filled.extend_from_slice(b"null"),
            }
        }
    }
    filled.extend_from_slice(&out[begin..]);
    filled
}
