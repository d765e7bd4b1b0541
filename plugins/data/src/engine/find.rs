//! Lists, and figures over them.
//!
//! What a list or figures take is one statement as a rule, and then nothing goes around it. Where several are sure to come, one
//! state of the database is held for them beforehand (`snapshot`). Where a second one turns out to be needed after all, the state
//! is held then, and the first is made again in it: so the page, its total and the parts of it always fit.

mod rows;

use std::sync::Arc;

use objectos_expression::Environment;
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::hooks::QueryHook;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::ApiMethod;
use serde::Deserialize;
use serde_json::{Map, Value};

use self::rows::{Groups, Rows};
use super::access::Granted;
use super::answer::{Found, Hole};
use super::aside::Aside;
use super::caller::Caller;
use super::paths::check_paths;
use super::ports::HookPoint;
use super::ready::pages::PagePlan;
use super::related_hooks::Asking;
use super::restore::check_look_into_bin;
use super::snapshot::{Snapshot, looks_ahead};
use super::{Engine, check_method, check_search, fixed, layout_of};
use crate::access::Views;
use crate::error::{DataError, Result};
use crate::query::check::Checker;
use crate::query::select::{self, SelectPlan};
use crate::query::{QueryInput, Rating, aggregate};
use crate::record::{Layout, Schema, write_value};
use crate::store::{Row, Statement};

/// A request to find records, resolved so far as all of them need it.
pub(super) struct Search<'a> {
    pub(super) schema: &'a Schema,
    pub(super) layout: &'a Arc<Layout>,
    pub(super) caller: &'a Caller<'a>,
    pub(super) granted: &'a Granted,
}

/// How often a read is begun when the state that it held is lost each time.
const ATTEMPTS_MAX: u32 = 3;

/// What a handler made of a query.
#[derive(Deserialize)]
struct Narrowed {
    query: Option<Map<String, Value>>,
}

impl Engine {
    /// Records, or figures over them.
    ///
    /// # Errors
    /// `ObjectNotFound`, `MethodDisabled`, those of access, of the query, of hooks, and of the store.
    pub async fn find(&self, context: &Context, object: &str, query: QueryInput) -> Result<Found> {
        let method = match (query.aggregates(), query.search.is_some()) {
            (true, _) => ApiMethod::Aggregate,
            (false, true) => ApiMethod::Search,
            (false, false) => ApiMethod::List,
        };
        let found = self.find_checked(context, object, query, Some(method)).await;
        self.told(context, found).await
    }

    /// The same; `method` is what the object's definition must allow.
    pub(super) async fn find_checked(
        &self,
        context: &Context,
        object: &str,
        query: QueryInput,
        method: Option<ApiMethod>,
    ) -> Result<Found> {
        let schema = self.schema();
        let layout = layout_of(&schema, object)?;
        let granted = self.granted(context, layout, Operation::Read).await?;
        if let Some(method) = method.filter(|_| !granted.system) {
            check_method(layout, method)?;
            // Figures over what a search finds, and exports of it, search as well.
            if query.search.is_some() {
                check_search(layout)?;
            }
            check_joined(&schema, &query, method)?;
            check_paths(&schema, layout, &query)?;
        }
        let query = self.before_find(context, object, query).await?;
        if query.binned {
            check_look_into_bin(context, layout, &granted)?;
        }
        if let Some(method) = method.filter(|_| !granted.system) {
            check_joined(&schema, &query, method)?;
        }
        let asking = Asking {
            context,
            schema: &schema,
            granted: &granted,
        };
        let query = if query.expand.is_empty() {
            query
        } else {
            Box::pin(self.before_related(asking, layout, query)).await?
        };
        let mut caller = self.reading_caller(context);
        caller.learn(&granted);
        caller.show_related(self.shows_related(&schema, layout, &query));
        // Asked once: nobody who comes meanwhile is shown what was not written for handlers.
        caller.aside = self.parts.hooks.armed(HookPoint::AfterFind, object).then(Aside::new);
        let search = Search {
            schema: &schema,
            layout,
            caller: &caller,
            granted: &granted,
        };
        let (found, query) = self.read_whole(&search, query).await?;
        self.after_find(&caller, object, &query, found).await
    }

    /// One read from its first statement to its last, and the query as it was asked in the end. Nothing is held afterwards.
    pub(super) async fn read_whole(&self, search: &Search<'_>, query: QueryInput) -> Result<(Found, QueryInput)> {
        let lets_go = || search.caller.snapshot.as_ref().is_some_and(Snapshot::lets_go);
        let mut attempt = 1;
        let (found, made) = loop {
            match self.read(search, &query).await {
                // What was held is lost, and read anew it is another state.
                Err(DataError::Locked { .. }) if attempt < ATTEMPTS_MAX && lets_go() => attempt += 1,
                read => break read?,
            }
        };
        if let Some(snapshot) = &search.caller.snapshot {
            snapshot.end().await;
        }
        Ok((found, made.unwrap_or(query)))
    }

    /// The same, once; with the query where another one was made of it.
    async fn read(&self, search: &Search<'_>, query: &QueryInput) -> Result<(Found, Option<QueryInput>)> {
        self.prepare(search, query).await?;
        let made = if looks_ahead(query) {
            // Boxed, as figures are: a plain page needs no room for them.
            let query = Box::pin(self.nearest(search, query.clone())).await?;
            Some(Box::pin(self.rated(search, query, true)).await?)
        } else {
            None
        };
        let asked = made.as_ref().unwrap_or(query);
        let found = if asked.aggregates() {
            Box::pin(self.figures(search, asked)).await?
        } else {
            self.page(search, asked).await?
        };
        Ok((found, made))
    }

    pub(super) async fn before_find(&self, context: &Context, object: &str, query: QueryInput) -> Result<QueryInput> {
        if !self.parts.hooks.armed(HookPoint::BeforeFind, object) {
            return Ok(query);
        }
        let payload = QueryHook {
            object: object.to_owned(),
            query: query.to_map(),
            records: None,
        };
        let payload = serde_json::to_vec(&payload).map_err(|error| DataError::internal(error.to_string()))?;
        let point = HookPoint::BeforeFind;
        let steps = self.parts.hooks.run(point, context, object, payload.clone()).await?;
        let (mut made, mut shown) = (None, payload.as_slice());
        for step in &steps {
            // Whoever leaves the query out changes nothing of it: what it was narrowed to before stays.
            if let Some(query) = fixed::payload_after::<Narrowed>(point, shown, step)?.query {
                made = Some(query);
            }
            shown = &step.payload;
        }
        match made {
            None => Ok(query),
            Some(made) => QueryInput::from_map(&made),
        }
    }

    async fn after_find(
        &self,
        caller: &Caller<'_>,
        object: &str,
        query: &QueryInput,
        mut found: Found,
    ) -> Result<Found> {
        let Some(aside) = &caller.aside else { return Ok(found) };
        let written = |error: serde_json::Error| DataError::internal(error.to_string());
        let records: Vec<Map<String, Value>> = serde_json::from_slice(&found.records).map_err(written)?;
        let (mut records, changed) = self.shown(caller.context, object, query, records).await?;
        if !changed && aside.is_empty() {
            return Ok(found);
        }
        aside.put_back(&mut records).map_err(written)?;
        found.count = u64::try_from(records.len()).unwrap_or_default();
        found.records = serde_json::to_vec(&records).map_err(written)?;
        Ok(found)
    }

    /// Records that were found, as handlers leave them, and whether any of them made others of them.
    pub(super) async fn shown(
        &self,
        context: &Context,
        object: &str,
        query: &QueryInput,
        records: Vec<Map<String, Value>>,
    ) -> Result<(Vec<Map<String, Value>>, bool)> {
        let found = QueryHook {
            object: object.to_owned(),
            query: query.to_map(),
            records: Some(records),
        };
        let payload = serde_json::to_vec(&found).map_err(|error| DataError::internal(error.to_string()))?;
        let point = HookPoint::AfterFind;
        let steps = self.parts.hooks.run(point, context, object, payload.clone()).await?;
        let (mut made, mut shown) = (None, payload.as_slice());
        for step in &steps {
            // Whoever leaves the records out changes none: what was taken out of them before stays out.
            if let Some(records) = fixed::payload_after::<QueryHook>(point, shown, step)?.records {
                made = Some(records);
            }
            shown = &step.payload;
        }
        Ok(match made {
            Some(records) => (records, true),
            None => (found.records.unwrap_or_default(), false),
        })
    }

    /// One page of records.
    pub(super) async fn page(&self, search: &Search<'_>, query: &QueryInput) -> Result<Found> {
        let ready = self.page_plan(search, query).await?;
        let plan = &ready.select;
        let wanted = query.count.unwrap_or(true);
        if wanted && ready.counts_beside() {
            self.hold(search).await?;
        }
        let mut rows = self.rows(search, &ready).await?;
        let mut counts = wanted && !rows.tell_total();
        if counts && plan.limit > 0 && self.hold(search).await? {
            rows = self.rows(search, &ready).await?;
            counts = !rows.tell_total();
        }
        let mut found = Found {
            object: search.layout.object.name.clone(),
            count: u64::try_from(rows.writer.ends.len()).unwrap_or_default(),
            limit: plan.limit,
            offset: plan.offset,
            ..Found::default()
        };
        if counts {
            found.total = Some(self.count(search, ready.count(search.layout)).await?);
        } else if wanted {
            found.total = Some(plan.offset + found.count);
        }
        if wanted {
            ready.learn(counts);
        }
        found.has_more = match plan.limit {
            0 => found.total.is_some_and(|total| total > plan.offset),
            _ => rows.more,
        };
        let far_end = rows.far_end.filter(|_| found.has_more);
        let near_end = rows.near_end.filter(|_| plan.after.is_some());
        (found.next_cursor, found.previous_cursor) = if plan.backwards {
            (near_end, far_end)
        } else {
            (far_end, near_end)
        };
        around(&mut found, query);
        found.records = self.filled(search, plan, rows.writer.out, rows.writer.holes).await?;
        Ok(found)
    }

    /// The records of a page, by one statement or by several, until it is full.
    async fn rows<'a>(&self, search: &Search<'a>, ready: &'a PagePlan) -> Result<Rows<'a>> {
        'again: loop {
            let mut rows = Rows::new(&ready.select, search.caller);
            let mut statements = ready.statements(search.layout);
            let mut first = true;
            while rows.want_more()
                && let Some(statement) = statements.next()
            {
                if !first && self.hold(search).await? {
                    continue 'again;
                }
                first = false;
                let mut reader = self.reader_of(search.layout, search.caller).await?;
                reader.read(&statement, &mut |row| rows.take(row)).await?;
            }
            rows.writer.complete()?;
            if ready.select.backwards {
                rows.writer.turn();
            }
            return Ok(rows);
        }
    }

    async fn count(&self, search: &Search<'_>, statement: &Statement) -> Result<u64> {
        let mut total = 0;
        let mut reader = self.reader_of(search.layout, search.caller).await?;
        reader
            .read(statement, &mut |row| {
                total = row.cell(0).as_integer().unwrap_or_default()
            })
            .await?;
        Ok(u64::try_from(total).unwrap_or_default())
    }

    /// The list of records, with related ones in the place of their ids.
    async fn filled(&self, search: &Search<'_>, plan: &SelectPlan, out: Vec<u8>, holes: Vec<Hole>) -> Result<Vec<u8>> {
        let records = if holes.is_empty() {
            out
        } else {
            self.expand(search, plan, out, holes, 0).await?
        };
        Ok(in_brackets(records))
    }

    async fn figures(&self, search: &Search<'_>, query: &QueryInput) -> Result<Found> {
        let views = self.views_of(search, query).await?;
        let mut checker = Checker::new(search.schema, search.layout, views.as_ref(), search.caller);
        checker.scope.binned = query.binned;
        checker.evaluates = true;
        let plan = aggregate::plan(checker, search.granted.view.as_deref(), query, self.page_limits())?;
        self.evaluate_ahead(search, views.as_ref(), &plan.scope, &plan.filter)
            .await?;
        let wanted = query.count.unwrap_or(true);
        if let Some(statement) = plan.lists_statement(search.layout.dialect) {
            self.hold(search).await?;
            self.check_lists(search, &statement).await?;
        } else if wanted && plan.offset > 0 {
            self.hold(search).await?;
        }
        let mut groups = self.groups(search, &plan).await?;
        let mut counts = wanted && (groups.more || plan.offset > 0);
        if counts && self.hold(search).await? {
            groups = self.groups(search, &plan).await?;
            counts = groups.more || plan.offset > 0;
        }
        let total = match (wanted, counts) {
            (false, _) => None,
            (true, false) => Some(groups.count),
            (true, true) => {
                let statement = plan.count_statement(search.layout.dialect);
                Some(self.count(search, &statement).await?)
            }
        };
        Ok(Found {
            object: search.layout.object.name.clone(),
            records: in_brackets(groups.out),
            count: groups.count,
            total,
            has_more: groups.more,
            limit: plan.limit,
            offset: plan.offset,
            ..Found::default()
        })
    }

    /// The groups of a page, each with its figures.
    async fn groups(&self, search: &Search<'_>, plan: &aggregate::AggregatePlan) -> Result<Groups> {
        let mut groups = Groups::default();
        let mut reader = self.reader_of(search.layout, search.caller).await?;
        reader
            .read(&plan.page_statement(search.layout.dialect), &mut |row| {
                if groups.count >= plan.limit {
                    groups.more = true;
                    return;
                }
                if groups.count > 0 {
                    groups.out.push(b',');
                }
                groups.count += 1;
                write_group(&mut groups.out, plan, row);
            })
            .await?;
        Ok(groups)
    }
}

impl Engine {
    /// Whether the lists among the figures may be made.
    ///
    /// Fails with `InvalidQuery` for too many values, or too many bytes.
    async fn check_lists(&self, search: &Search<'_>, statement: &Statement) -> Result<()> {
        let limits = &self.parts.limits;
        let (mut values, mut bytes) = (0_u64, 0_u64);
        let mut reader = self.reader_of(search.layout, search.caller).await?;
        reader
            .read(statement, &mut |row| {
                let number = |place: usize| {
                    let number = row.cell(place).as_integer().unwrap_or_default();
                    u64::try_from(number).unwrap_or_default()
                };
                (values, bytes) = (number(0), number(1));
            })
            .await?;
        let told = [
            ("values", values, limits.list_values_max, "limits.listValuesMax"),
            ("bytes", bytes, limits.list_bytes_max, "limits.listBytesMax"),
        ];
        match told.into_iter().find(|(_, found, most, _)| found > most) {
            None => Ok(()),
            Some((what, found, most, key)) => Err(DataError::InvalidQuery {
                message: format!(
                    "'array_agg' and 'string_agg' would hold {found} {what} and may hold {most}: narrow the records by 'where' or \
                     the figure by 'filter', ask for the records themselves page by page, or raise {key}"
                ),
            }),
        }
    }
}

/// A right or full join lists the records of another object, which must allow it as well.
fn check_joined(schema: &Schema, query: &QueryInput, method: ApiMethod) -> Result<()> {
    let method = match method {
        ApiMethod::Search => ApiMethod::List,
        other => other,
    };
    let mut outer = query.joins.iter().filter(|join| join.outer.is_some());
    outer.try_for_each(|join| check_method(layout_of(schema, &join.object)?, method))
}

/// What lies around a page of hits that was cut before it was read.
fn around(found: &mut Found, query: &QueryInput) {
    let Rating::Done(rated) = &query.rating else { return };
    let Some(page) = &rated.page else { return };
    found.limit = page.limit;
    found.offset = page.offset;
    found.total = found.total.map(|_| page.total);
    found.has_more = page.has_more;
    found.next_cursor.clone_from(&page.next_cursor);
    found.previous_cursor.clone_from(&page.previous_cursor);
}

/// A page, when what may be seen is known.
pub(super) fn plan_with(
    search: &Search<'_>,
    views: Option<&Views>,
    query: &QueryInput,
    limits: select::PageLimits,
) -> Result<SelectPlan> {
    planned(search, search.caller, views, query, limits, false)
}

/// The same for whoever stands in for the caller; `evaluates`: what no database can compute is computed before the plan is used.
pub(super) fn planned(
    search: &Search<'_>,
    environment: &(dyn Environment + Sync),
    views: Option<&Views>,
    query: &QueryInput,
    limits: select::PageLimits,
    evaluates: bool,
) -> Result<SelectPlan> {
    let mut checker = Checker::new(search.schema, search.layout, views, environment);
    checker.scope.binned = query.binned;
    checker.system = search.granted.system;
    checker.evaluates = evaluates;
    let layouts = |object: &str| search.schema.layout(object).cloned();
    select::plan(checker, &layouts, search.granted.view.as_deref(), query, limits)
}

fn write_group(out: &mut Vec<u8>, plan: &aggregate::AggregatePlan, row: &dyn Row) {
    out.push(b'{');
    for (index, (key, form)) in plan.outputs.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(key);
        write_value(out, *form, row.cell(index));
    }
    out.push(b'}');
}

fn in_brackets(mut records: Vec<u8>) -> Vec<u8> {
    records.insert(0, b'[');
    records.push(b']');
    records
}
