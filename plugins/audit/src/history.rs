//! What happened to one record: its trail, the values of one of its fields, its changelog. For those who may read the record:
//! who changed what and when. For readers of the trail: everything, also when the record is gone.

use objectos_plugin_api::{Context, ErrorKind, HttpRequest, HttpResponse};
use serde_json::{Value, json};
use std::collections::HashMap;

use crate::{
    access::{Access, Reach},
    error::{AuditError, Result},
    query::Query,
    row::Row,
    sight::{self, Sight},
    store::Records,
    view,
};

/// Events that tell of changes; reads and exports are no history.
const CHANGES: [&str; 3] = ["data.create", "data.update", "data.delete"];

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct History<'a> {
    pub(crate) access: &'a Access,
    pub(crate) records: &'a Records,
}

/// What there is to see of a record's history.
struct About {
    filters: Vec<Value>,
    sight: Sight,
    /// What they see of the trail as a whole, if anything. Others see who changed what and when, not from where, nor who looked.
    auditor: Option<Reach>,
}

/// One page of a record's rows.
struct Rows {
    rows: Vec<Row>,
    total: u64,
    has_more: bool,
    next_cursor: Option<String>,
}

impl History<'_> {
    /// `GET /api/v1/audit/trail/{object}/{id}`
    pub(crate) async fn trail(&self, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
        let found = self.rows(context, request, false).await?;
        let data: Vec<Value> = found.rows.iter().map(view::event).collect();
        let mut out = json!({ "success": true, "data": data, "total": found.total, "hasMore": found.has_more });
        if let Some(cursor) = found.next_cursor {
            out["nextCursor"] = json!(cursor);
        }
        Ok(HttpResponse::json(200, &out)?)
    }

    /// `GET /api/v1/data/{object}/{id}/changelog`
    pub(crate) async fn changelog(&self, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
        let found = self.rows(context, request, true).await?;
        let entries: Vec<Value> = found.rows.iter().map(view::changelog_entry).collect();
        let mut out = json!({ "entries": entries, "total": found.total, "hasMore": found.has_more });
        if let Some(cursor) = found.next_cursor {
            out["nextCursor"] = json!(cursor);
        }
        Ok(HttpResponse::json(200, &out)?)
    }

    /// `GET /api/v1/audit/field-history/{object}/{id}/{field}`, in the order of time.
    pub(crate) async fn field(&self, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
        let (object, id, field) = (
            request.parameter("object"),
            request.parameter("id"),
            request.parameter("field"),
        );
        let About { mut filters, sight, .. } = self.about(context, object, id).await?;
        if !sight.knows(field) {
            return Err(
                objectos_plugin_api::Error::not_found(format!("there is no field '{field}' in '{object}'")).into(),
            );
        }
        filters.push(json!({ "event_type": { "$in": CHANGES } }));
        let sights = HashMap::from([(object.to_owned(), sight)]);
        let (mut entries, mut after) = (Vec::new(), 0);
        loop {
            let mut rows = self.records.after(after, json!({ "$and": filters })).await?;
            let Some(last) = rows.last() else { break };
            after = last.sequence;
            for row in &mut rows {
                sight::withhold(row, &sights);
                let row = &*row;
                let changes = row.changes.iter().flatten().filter(|change| change.field == field);
                entries.extend(changes.map(|change| {
                    let mut entry = view::changelog_entry(row);
                    entry["field"] = json!(change.field);
                    entry["oldValue"] = change.old_value.clone().unwrap_or_default();
                    entry["newValue"] = change.new_value.clone().unwrap_or_default();
                    if let Some(map) = entry.as_object_mut() {
                        map.remove("changes");
                    }
                    entry
                }));
            }
        }
        Ok(HttpResponse::json(
            200,
            &json!({ "success": true, "data": entries, "total": entries.len() }),
        )?)
    }

    /// Which rows are about the record, and what of them the caller may see.
    async fn about(&self, context: &Context, object: &str, id: &str) -> Result<About> {
        let mut filters = vec![json!({ "object_name": object, "record_id": id })];
        let reach = self.access.trail(context).await;
        let missing = match self.access.record(context, object, id).await {
            Ok(sight) => {
                return Ok(About {
                    filters,
                    sight,
                    auditor: reach.ok(),
                });
            }
            Err(AuditError::Plugin(error)) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Denied) => error,
            Err(error) => return Err(error),
        };
        // Gone, or not there for this caller. To readers of the trail it is history; to others it never was.
        let Ok(reach) = reach else {
            return Err(missing.into());
        };
        filters.extend(reach.filter());
        let sample = Row {
            object_name: Some(object.to_owned()),
            record_id: Some(id.to_owned()),
            changes: Some(Vec::new()),
            ..Row::default()
        };
        let mut sights = self.access.sights(context, &[sample]).await?;
        if self.records.count(json!({ "$and": filters })).await? > 0 {
            return Ok(About {
                filters,
                sight: sights.remove(object).unwrap_or_else(Sight::everything),
                auditor: Some(reach),
            });
        }
        Err(missing.into())
    }

    async fn rows(&self, context: &Context, request: &HttpRequest, changes_only: bool) -> Result<Rows> {
        let (object, id) = (request.parameter("object"), request.parameter("id"));
        let About {
            filters,
            sight,
            auditor,
        } = self.about(context, object, id).await?;
        let mut query = Query::read(request)?;
        if auditor.is_none() && !query.is_about_time_and_type() {
            return Err(AuditError::Query(
                "of a record's history only type and time can be asked for without the system permission view_audit"
                    .to_owned(),
            ));
        }
        if let Some(reach) = &auditor {
            query.narrow_to(reach);
        }
        query.filters.extend(filters);
        if changes_only || auditor.is_none() {
            query.filters.push(json!({ "event_type": { "$in": CHANGES } }));
        }
        let mut page = self.records.page(query.to_query()).await?;
        // Of a record's own history fields that may not be read are no part at all.
        let known = sight.clone();
        let sights = HashMap::from([(object.to_owned(), sight)]);
        for row in &mut page.rows {
            if let Some(changes) = &mut row.changes {
                changes.retain(|change| known.knows(&change.field));
            }
            sight::withhold(row, &sights);
            if auditor.is_none() {
                view::without_whereabouts(row);
            }
        }
        Ok(Rows {
            rows: page.rows,
            total: page.total,
            has_more: page.has_more,
            next_cursor: page.next_cursor,
        })
    }
}
