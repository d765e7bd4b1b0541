//! Queries for one record by its id, planned once for each object and view and kept: of a wide object, planning costs more than
//! reading. Not here: the plain case, whose statement the layout has (`get`), and lists ([`pages`]).
//!
//! A plan is kept as long as the schema it was made for, and only when nothing of the caller or the moment went into it but
//! the view, which is part of the key; of other objects that computed fields read, the caller must see all.

mod by_view;
pub(super) mod pages;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use objectos_expression::{Environment, Lookup, Path, Zone};

use self::by_view::{ByView, Key, key};
use super::Engine;
use super::access::Granted;
use super::find::Search;
use super::get::by_id;
use crate::access::{View, Views};
use crate::error::Result;
use crate::query::QueryInput;
use crate::query::check::Checker;
use crate::query::select::{self, SelectPlan};
use crate::record::{Layout, Schema};
use crate::store::{SqlValue, Statement};

/// Plans that are kept; beyond, all are made anew.
const PLANS_MAX: usize = 4_096;
/// Stands for the id while a query is planned.
const ANY_ID: &str = "objectos:the id of whatever record is asked for";

/// A query for one record whose id is open.
#[derive(Debug)]
pub(super) struct ReadyQuery {
    pub(super) plan: SelectPlan,
    sql: Arc<str>,
    values: Vec<SqlValue>,
    /// Places of the id among the values.
    places: Vec<usize>,
}

impl ReadyQuery {
    /// `None` when the plan has no place for an id.
    fn new(plan: SelectPlan, layout: &Layout) -> Option<Self> {
        let Statement { sql, values, .. } = plan.page_statement(layout.dialect);
        let is_id = |value: &SqlValue| matches!(value, SqlValue::Text(text) if text == ANY_ID);
        let places: Vec<usize> = (0..values.len()).filter(|place| is_id(&values[*place])).collect();
        (!places.is_empty()).then(|| Self {
            plan,
            sql,
            values: values.into_iter().map(SqlValue::shared).collect(),
            places,
        })
    }

    /// The query for a record.
    pub(super) fn statement(&self, id: &str) -> Statement {
        let mut values = self.values.clone();
        for place in &self.places {
            values[*place] = SqlValue::Text(id.to_owned());
        }
        Statement::new(Arc::clone(&self.sql), values).single()
    }
}

struct Kept {
    /// Keep the addresses of the key from being used again.
    _layout: Arc<Layout>,
    _view: Option<Arc<View>>,
    /// None: it must be planned each time.
    query: Option<Arc<ReadyQuery>>,
}

/// All that are kept.
#[derive(Debug, Default)]
pub(super) struct ReadyQueries(ByView<Schema, Kept>);

impl ReadyQueries {
    /// `Some(None)`: it is known that none can be kept.
    fn get(&self, schema: &Arc<Schema>, key: Key) -> Option<Option<Arc<ReadyQuery>>> {
        self.0.find(schema, key, |kept| Some(kept.query.clone()))
    }

    fn put(&self, schema: &Arc<Schema>, key: Key, kept: Kept) {
        self.0.change(schema, key, PLANS_MAX, || kept, |_| ());
    }
}

impl Engine {
    /// The plan for a record of whatever id with all its fields; none where it must be planned each time.
    ///
    /// # Errors
    /// As [`Engine::find`].
    pub(super) async fn ready_query(
        &self,
        schema: &Arc<Schema>,
        search: &Search<'_>,
    ) -> Result<Option<Arc<ReadyQuery>>> {
        if !lasting(search.granted)
            || !self
                .sees_all_of(search, schema.reached(&search.layout.object.name))
                .await?
        {
            return Ok(None);
        }
        let key = key(search);
        if let Some(known) = self.ready.get(schema, key) {
            return Ok(known);
        }
        let query = self.plan_any(search)?.map(Arc::new);
        let kept = Kept {
            _layout: Arc::clone(search.layout),
            _view: search.granted.view.clone(),
            query: query.clone(),
        };
        self.ready.put(schema, key, kept);
        Ok(query)
    }

    /// Whether the caller sees all of these objects but the one that is searched: the views of others are part of no key.
    async fn sees_all_of(&self, search: &Search<'_>, objects: &[String]) -> Result<bool> {
        for object in objects {
            let own_or_system = *object == search.layout.object.name || search.granted.system;
            if !own_or_system && !self.view_of(search.caller, search.schema, object).await?.is_all() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn plan_any(&self, search: &Search<'_>) -> Result<Option<ReadyQuery>> {
        let watched = Watched::new(search.caller);
        let view = search.granted.view.as_ref();
        let views = view.map(|view| {
            let mut views = Views::default();
            for object in search.schema.reached(&search.layout.object.name) {
                views.insert(object, Arc::new(View::all()));
            }
            views.insert(&search.layout.object.name, Arc::clone(view));
            views
        });
        let mut checker = Checker::new(search.schema, search.layout, views.as_ref(), &watched);
        checker.system = search.granted.system;
        let layouts = |object: &str| search.schema.layout(object).cloned();
        let query = by_id(ANY_ID, &QueryInput::default());
        let plan = select::plan(checker, &layouts, view.map(Arc::as_ref), &query, self.page_limits())?;
        if watched.seen_by_plan() {
            return Ok(None);
        }
        Ok(ReadyQuery::new(plan, search.layout))
    }
}

/// Whether the view is the same one for the next request of the caller. One that was put together for this request alone is
/// not: a mask depends on the caller's roles, and without a plan the border of the tenant is drawn anew.
fn lasting(granted: &Granted) -> bool {
    match &granted.view {
        None => true,
        Some(view) => granted.planned() && view.masked.is_empty(),
    }
}

/// The caller, with an eye on whether anything of it is asked for.
struct Watched<'a> {
    inner: &'a (dyn Environment + Sync),
    used: AtomicBool,
}

impl<'a> Watched<'a> {
    fn new(inner: &'a (dyn Environment + Sync)) -> Self {
        Self {
            inner,
            used: AtomicBool::new(false),
        }
    }

    /// Whether the plan asked for anything of the caller or the moment.
    fn seen_by_plan(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    fn seen(&self) -> &dyn Environment {
        self.used.store(true, Ordering::Relaxed);
        self.inner
    }
}

impl Environment for Watched<'_> {
    fn field(&self, path: &Path) -> Lookup<'_> {
        self.seen().field(path)
    }

    fn previous(&self, path: &Path) -> Lookup<'_> {
        self.seen().previous(path)
    }

    fn user(&self, property: &str) -> Lookup<'_> {
        self.seen().user(property)
    }

    fn now_ms(&self) -> i64 {
        self.seen().now_ms()
    }

    fn zone(&self) -> &Zone {
        self.seen().zone()
    }

    fn usual_zone(&self) -> &Zone {
        self.seen().usual_zone()
    }

    fn is_new(&self) -> bool {
        self.seen().is_new()
    }

    fn record_id(&self) -> Option<&str> {
        self.seen().record_id()
    }
}
