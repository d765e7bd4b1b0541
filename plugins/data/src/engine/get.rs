//! One record by its id. The plain case, everything of an object without computed fields, runs one prepared statement and
//! writes the row as it comes.

use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::ApiMethod;

use super::answer::{Found, RecordAnswer, RecordWriter, write_stored};
use super::find::Search;
use super::paths::check_paths;
use super::ports::HookPoint;
use super::ready::ReadyQuery;
use super::related_hooks::Asking;
use super::restore::check_look_into_bin;
use super::{Engine, check_method, layout_of};
use crate::error::{DataError, Result};
use crate::query::{QueryInput, RawFilter};
use crate::record::Layout;
use crate::store::{SqlValue, Statement};

impl Engine {
    /// A record. `query` may name fields and relations to expand.
    ///
    /// # Errors
    /// `RecordNotFound` for one that is not there or that the caller may not see; as [`Engine::find`] otherwise.
    pub async fn get(&self, context: &Context, object: &str, id: &str, query: &QueryInput) -> Result<RecordAnswer> {
        let found = self.get_checked(context, object, id, query).await;
        self.told(context, found).await
    }

    async fn get_checked(&self, context: &Context, object: &str, id: &str, query: &QueryInput) -> Result<RecordAnswer> {
        let schema = self.schema();
        let layout = layout_of(&schema, object)?;
        let granted = self.granted(context, layout, Operation::Read).await?;
        if !granted.system {
            check_method(layout, ApiMethod::Get)?;
            check_paths(&schema, layout, query)?;
        }
        if query.binned {
            check_look_into_bin(context, layout, &granted)?;
        }
        let hooks = &self.parts.hooks;
        let hooked = hooks.armed(HookPoint::BeforeFind, object) || hooks.armed(HookPoint::AfterFind, object);
        // The plain ways hand the id to the database as it is; one with a character 0 is none, and finds nothing.
        let plain = !id.contains('\0') && !query.binned;
        let whole = plain && query.fields.is_none() && query.expand.is_empty();
        let record = if hooked {
            let query = by_id(id, query);
            // Whether lists are allowed does not matter for one record. Boxed, as all ways but the plain ones: those need no room for it.
            one(Box::pin(self.find_checked(context, object, query, None)).await?)
        } else if whole && layout.plain && granted.sees_all() {
            self.get_plain(context, layout, granted.system, id).await?
        } else {
            let asking = Asking {
                context,
                schema: &schema,
                granted: &granted,
            };
            let narrowed;
            let query = if query.expand.is_empty() {
                query
            } else {
                narrowed = Box::pin(self.before_related(asking, layout, query.clone())).await?;
                &narrowed
            };
            let mut caller = self.reading_caller(context);
            caller.learn(&granted);
            caller.show_related(self.shows_related(&schema, layout, query));
            let search = Search {
                schema: &schema,
                layout,
                caller: &caller,
                granted: &granted,
            };
            let ready = if whole {
                self.ready_query(&schema, &search).await?
            } else {
                None
            };
            match ready {
                Some(ready) => self.get_ready(&search, &ready, id).await?,
                None => one(Box::pin(self.read_whole(&search, by_id(id, query))).await?.0),
            }
        };
        match record {
            Some(record) => Ok(RecordAnswer {
                object: object.to_owned(),
                id: id.to_owned(),
                record,
                warnings: Vec::new(),
            }),
            None => Err(not_found(object, id)),
        }
    }

    /// The stored fields of a record.
    pub(super) async fn get_plain(
        &self,
        context: &Context,
        layout: &Arc<Layout>,
        system: bool,
        id: &str,
    ) -> Result<Option<Vec<u8>>> {
        let statement = Statement::new(Arc::clone(&layout.get_sql), vec![SqlValue::Text(id.to_owned())]).single();
        let mut record = None;
        let mut reader = self.reader_of(layout, &self.reading_caller(context)).await?;
        reader
            .read(&statement, &mut |row| {
                let mut out = Vec::with_capacity(layout.columns.len() * 24);
                write_stored(&mut out, layout, None, system, row);
                record = Some(out);
            })
            .await?;
        Ok(record)
    }

    /// A record, by a query that was planned before.
    async fn get_ready(&self, search: &Search<'_>, ready: &ReadyQuery, id: &str) -> Result<Option<Vec<u8>>> {
        let mut writer = RecordWriter::new(&ready.plan, search.caller);
        let mut reader = self.reader_of(search.layout, search.caller).await?;
        reader.read(&ready.statement(id), &mut |row| writer.row(row)).await?;
        Ok((!writer.ends.is_empty()).then_some(writer.out))
    }
}

/// A query for one record.
pub(super) fn by_id(id: &str, query: &QueryInput) -> QueryInput {
    QueryInput {
        fields: query.fields.clone(),
        expand: query.expand.clone(),
        filter: Some(RawFilter::equals("id", id)),
        limit: Some(1),
        count: Some(false),
        binned: query.binned,
        ..QueryInput::default()
    }
}

/// The record of a list of one.
#[allow(clippy::needless_pass_by_value)]
fn one(found: Found) -> Option<Vec<u8>> {
    if found.count == 0 {
        return None;
    }
    let inner = found.records.get(1..found.records.len().saturating_sub(1))?;
    Some(inner.to_vec())
}

pub(super) fn not_found(object: &str, id: &str) -> DataError {
    DataError::RecordNotFound {
        object: object.to_owned(),
        id: id.to_owned(),
    }
}
