//! The routes of the trail. Each asks first who may, and only then looks.

use objectos_plugin_api::{
    Context, Error, ErrorKind, Host, HttpRequest, HttpResponse, Refusals, contracts::events::Origin,
};
use serde_json::{Value, json};

use crate::{
    access::{Access, Reach},
    entry::Entries,
    error::{AuditError, Result},
    export::Format,
    moment,
    query::Query,
    row::{OBJECT, Row},
    sight,
    store::{PAGE, Records},
    view,
    writer::Writer,
};

const EXPORT: &str = "data.export";

/// What the routes need.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) host: Host,
    pub(crate) access: Access,
    pub(crate) records: Records,
    pub(crate) writer: Writer,
    pub(crate) export_max: u64,
    pub(crate) refusals: Refusals,
}

impl Reader {
    /// What the caller sees of the trail; a refusal is told of.
    async fn reach(&self, context: &Context, request: &HttpRequest) -> Result<Reach> {
        let reach = self.access.trail(context).await;
        if let Err(AuditError::Plugin(error)) = &reach
            && error.kind() == ErrorKind::Denied
        {
            let asked = format!("{} {}", request.method(), request.route());
            self.refusals.tell(&self.host, context, &asked, error).await;
        }
        reach
    }

    /// `GET /api/v1/audit/events`
    pub(crate) async fn events(&self, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
        let reach = self.reach(context, request).await?;
        let mut query = Query::read(request)?;
        query.within(&reach);
        let mut page = self.records.page(query.to_query()).await?;
        let sights = self.access.sights(context, &page.rows).await?;
        page.rows.iter_mut().for_each(|row| sight::withhold(row, &sights));
        let data: Vec<Value> = page.rows.iter().map(view::event).collect();
        let mut out = json!({ "success": true, "data": data, "total": page.total, "hasMore": page.has_more });
        if let Some(cursor) = page.next_cursor {
            out["nextCursor"] = json!(cursor);
        }
        Ok(HttpResponse::json(200, &out)?)
    }

    /// `GET /api/v1/audit/events/{id}`
    pub(crate) async fn event(&self, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
        let reach = self.reach(context, request).await?;
        let id = request.parameter("id");
        let mut query = Query::default();
        query.filters.push(json!({ "id": id }));
        query.within(&reach);
        let mut page = self.records.page(query.to_query()).await?;
        let sights = self.access.sights(context, &page.rows).await?;
        page.rows.iter_mut().for_each(|row| sight::withhold(row, &sights));
        let row = page
            .rows
            .first()
            .ok_or_else(|| Error::not_found(format!("there is no audit event '{id}'")))?;
        Ok(HttpResponse::json(
            200,
            &json!({ "success": true, "data": view::event(row) }),
        )?)
    }

    /// `GET /api/v1/audit/export`
    pub(crate) async fn export(
        &self,
        context: &Context,
        request: &HttpRequest,
        entries: &Entries,
    ) -> Result<HttpResponse> {
        let reach = self.reach(context, request).await?;
        let mut query = Query::read(request)?;
        let format = Format::read(query.format.as_deref())?;
        query.within(&reach);
        let filter = query.filter();
        let total = self.records.count(filter.clone()).await?;
        if total > self.export_max {
            return Err(AuditError::Query(format!(
                "{total} events are more than the {} of one export: ask for a shorter time with from and to",
                self.export_max
            )));
        }
        // What is written while this runs is no part of it.
        let end = self.records.head().await?.sequence;
        let (mut body, mut after, mut count) = (Vec::new(), 0, 0_u64);
        format.begin(&mut body);
        loop {
            let mut rows = self.records.after(after, filter.clone()).await?;
            let full = rows.len() == PAGE;
            rows.retain(|row| row.sequence <= end);
            let Some(last) = rows.last() else { break };
            after = last.sequence;
            let sights = self.access.sights(context, &rows).await?;
            for row in &mut rows {
                sight::withhold(row, &sights);
                format.write(&mut body, row);
                count += 1;
            }
            if !full {
                break;
            }
        }
        self.note_export(context, entries, request.query(), count).await?;
        Ok(format.answer(body))
    }

    /// The answer waits for the row: nobody takes the trail away unseen.
    async fn note_export(&self, context: &Context, entries: &Entries, query: &str, count: u64) -> Result<()> {
        let severity = entries.severity(EXPORT);
        if !entries.scope.wants(EXPORT, severity) {
            return Ok(());
        }
        let mut row = Row {
            id: uuid::Uuid::now_v7().hyphenated().to_string(),
            event_type: EXPORT.to_owned(),
            severity: severity.as_str().to_owned(),
            timestamp: moment::from_ms(self.host.now_ms()),
            result: "success".to_owned(),
            object_name: Some(OBJECT.to_owned()),
            target_type: Some("object".to_owned()),
            target_id: Some(OBJECT.to_owned()),
            description: Some(format!("{count} audit events exported")),
            metadata: json!({ "records": count, "query": query }).as_object().cloned(),
            ..Row::default()
        };
        row.come_from(Origin::of(context));
        row.fit();
        self.writer.store(vec![row]).await
    }
}
