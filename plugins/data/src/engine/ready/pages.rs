//! Pages that were asked for before: the same list is opened again and again, and to plan it costs as much as to read it. A few
//! of each object and view are kept, whole: whoever asks for another page, or with another value, has it planned.
//!
//! A plan is kept as long as the catalogue it was made for, and only when nothing of the caller or the moment went into it but the
//! view of the object, which is part of the key. Of other objects, which relations and computed fields read, the caller must see
//! all, which is looked at each time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::by_view::{ByView, key};
use super::{Watched, lasting};
use crate::access::View;
use crate::engine::Engine;
use crate::engine::access::touched;
use crate::engine::find::{Search, planned};
use crate::error::Result;
use crate::model::Catalogue;
use crate::query::select::SelectPlan;
use crate::query::{QueryInput, Rating};
use crate::record::Layout;
use crate::store::Statement;

/// Objects and views of which pages are kept; beyond, all are forgotten.
const VIEWS_MAX: usize = 1_024;
/// Pages of one object and view; the next one takes the place of the oldest.
const PAGES_MAX: usize = 8;
/// Values of a page that is kept: one that looks for thousands of ids does not come again.
const VALUES_MAX: usize = 64;

/// A page, ready to be read.
#[derive(Debug)]
pub(in crate::engine) struct PagePlan {
    pub(in crate::engine) select: SelectPlan,
    /// Where it is one statement that may come again.
    page: Option<Statement>,
    count: OnceLock<Statement>,
    /// The last time, the total took a statement of its own: so it will the next time, as a rule.
    counted: AtomicBool,
}

impl PagePlan {
    fn new(select: SelectPlan, layout: &Layout) -> Self {
        // Behind a cursor it may be several, and what is calculated for it is calculated once.
        let kept = select.after.is_none() && select.scope.evaluated.is_empty();
        let page = kept.then(|| select.page_statement(layout.dialect).kept());
        Self {
            select,
            page,
            count: OnceLock::new(),
            counted: AtomicBool::new(false),
        }
    }

    /// The page; see [`SelectPlan::page_statements`].
    pub(in crate::engine) fn statements(&self, layout: &Layout) -> impl Iterator<Item = Statement> {
        let several = self.page.is_none().then(|| self.select.page_statements(layout.dialect));
        self.page.clone().into_iter().chain(several.into_iter().flatten())
    }

    /// How many records there are.
    pub(in crate::engine) fn count(&self, layout: &Layout) -> &Statement {
        self.count.get_or_init(|| self.select.count_statement(layout.dialect))
    }

    /// Whether the total will take a statement beside the page, as far as that can be known before.
    pub(in crate::engine) fn counts_beside(&self) -> bool {
        self.select.limit > 0 && (self.select.after.is_some() || self.counted.load(Ordering::Relaxed))
    }

    /// Whether it did.
    pub(in crate::engine) fn learn(&self, counted: bool) {
        self.counted.store(counted, Ordering::Relaxed);
    }
}

/// A page that is kept.
#[derive(Clone)]
struct Kept {
    query: Arc<QueryInput>,
    plan: Arc<PagePlan>,
    /// Objects that it reads.
    others: Arc<[String]>,
}

/// The pages of one object and view.
struct OfView {
    /// Keep the addresses of the key from being used again.
    _layout: Arc<Layout>,
    _view: Option<Arc<View>>,
    kept: Vec<Kept>,
    /// The place of the oldest, once there are as many as may be.
    oldest: usize,
}

impl OfView {
    fn keep(&mut self, kept: Kept) {
        if self.kept.iter().any(|other| other.query == kept.query) {
            return;
        }
        if self.kept.len() < PAGES_MAX {
            self.kept.push(kept);
        } else {
            self.kept[self.oldest] = kept;
            self.oldest = (self.oldest + 1) % PAGES_MAX;
        }
    }
}

/// All that are kept.
#[derive(Debug, Default)]
pub(in crate::engine) struct ReadyPages(ByView<Catalogue, OfView>);

impl ReadyPages {
    fn get(&self, search: &Search<'_>, query: &QueryInput) -> Option<Kept> {
        self.0.find(&search.schema.catalogue, key(search), |of_view| {
            of_view.kept.iter().find(|kept| *kept.query == *query).cloned()
        })
    }

    fn put(&self, search: &Search<'_>, kept: Kept) {
        let new = || OfView {
            _layout: Arc::clone(search.layout),
            _view: search.granted.view.clone(),
            kept: Vec::new(),
            oldest: 0,
        };
        self.0
            .change(&search.schema.catalogue, key(search), VIEWS_MAX, new, |of_view| {
                of_view.keep(kept);
            });
    }
}

/// Whether the query says all that its plan depends on. What the engine has found for it does not come twice, and a cursor hardly.
fn repeats(query: &QueryInput) -> bool {
    query.rank.is_none() && query.rating == Rating::None && query.cursor.is_none()
}

impl Engine {
    /// The plan of a page, with what the caller may see of every object it touches: one that was kept, or a new one.
    ///
    /// # Errors
    /// As [`Engine::find`].
    pub(in crate::engine) async fn page_plan(&self, search: &Search<'_>, query: &QueryInput) -> Result<Arc<PagePlan>> {
        let repeats = repeats(query) && lasting(search.granted);
        if repeats && let Some(kept) = self.pages.get(search, query) {
            if self.sees_all_of(search, &kept.others).await? {
                return Ok(kept.plan);
            }
            return self.new_plan(search, query, false).await;
        }
        self.new_plan(search, query, repeats).await
    }

    async fn new_plan(&self, search: &Search<'_>, query: &QueryInput, keep: bool) -> Result<Arc<PagePlan>> {
        let views = self.views_of(search, query).await?;
        let watched = Watched::new(search.caller);
        let plan = planned(search, &watched, views.as_ref(), query, self.page_limits(), true)?;
        self.evaluate_ahead(search, views.as_ref(), &plan.scope, &plan.filter)
            .await?;
        let lasts = keep && plan.scope.evaluated.is_empty() && !watched.seen_by_plan();
        let plan = Arc::new(PagePlan::new(plan, search.layout));
        let small = plan.page.as_ref().is_some_and(|page| page.values.len() <= VALUES_MAX);
        if lasts && small {
            let others = touched(search.schema, search.layout, query);
            let own = &search.layout.object.name;
            let all = |name: &String| name == own || views.as_ref().is_none_or(|views| views.of(name).is_all());
            if others.iter().all(all) {
                let kept = Kept {
                    query: Arc::new(query.clone()),
                    plan: Arc::clone(&plan),
                    others: others.into(),
                };
                self.pages.put(search, kept);
            }
        }
        Ok(plan)
    }
}
