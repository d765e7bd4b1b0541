//! The fields of `Query`. Each reads what is selected below it, asks once for all of it, and answers it whole; the
//! fields below only pick their part.

use std::sync::Arc;

use async_graphql::dynamic::{FieldFuture, FieldValue, ResolverContext};
use async_graphql::{Context, Name, Value};
use serde_json::{Map, Value as Json, json};

use crate::answer;
use crate::change;
use crate::config::Pages;
use crate::engine::Session;
use crate::failure::{Answered, from_service, internal};
use crate::fetch::Fetcher;
use crate::filter;
use crate::model::{Model, Root, RootKind};
use crate::node::{self, Node, to_graph, to_json};
use crate::page::{self, Page};
use crate::plan::{self, ConnectionPlan, Planner, RecordPlan, Wanted, WantedList};

/// What a root needs, for one request.
pub(crate) struct Question<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) session: &'a Session,
    pub(crate) model: &'a Model,
    pub(crate) pages: Pages,
    pub(crate) object: usize,
    pub(crate) arguments: Vec<(Name, Value)>,
}

/// The resolver of a root.
#[allow(clippy::needless_pass_by_value, reason = "the shape of a resolver")]
pub(crate) fn resolve(context: ResolverContext<'_>, model: Arc<Model>, pages: Pages, root: Root) -> FieldFuture<'_> {
    FieldFuture::Future(Box::pin(async move {
        let answered = run(context.ctx, &model, pages, root).await;
        let answered: Option<FieldValue<'_>> = match answered {
            Ok(node) => node::given(context.ctx, node),
            Err(error) => {
                node::fail(context.ctx, error);
                None
            }
        };
        Ok::<_, async_graphql::Error>(answered)
    }))
}

async fn run(context: &Context<'_>, model: &Model, pages: Pages, root: Root) -> Answered<Node> {
    let session = context
        .data_opt::<Session>()
        .ok_or_else(|| internal("a request without a session"))?;
    let question = Question {
        context,
        session,
        model,
        pages,
        object: root.object,
        arguments: plan::arguments(context.field())?,
    };
    match root.kind {
        RootKind::Find => question.find().await,
        RootKind::Get => question.get().await,
        RootKind::Aggregate => question.aggregate().await,
        RootKind::Create => change::create(&question).await,
        RootKind::CreateMany => change::create_many(&question).await,
        RootKind::Update => change::update(&question).await,
        RootKind::Delete => change::delete(&question).await,
    }
}

impl Question<'_> {
    pub(crate) fn argument(&self, name: &str) -> Option<&Value> {
        let found = self.arguments.iter().find(|(known, _)| known.as_str() == name);
        found.map(|(_, value)| value).filter(|value| **value != Value::Null)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.argument(name).and_then(page::text)
    }

    pub(crate) fn name(&self) -> &str {
        self.model
            .objects
            .get(self.object)
            .map_or("", |object| object.name.as_str())
    }

    pub(crate) fn fetcher(&self) -> Fetcher<'_> {
        Fetcher {
            session: self.session,
            model: self.model,
        }
    }

    fn planner(&self) -> Planner<'_> {
        Planner {
            model: self.model,
            pages: self.pages,
        }
    }

    /// What is selected of a record.
    pub(crate) fn record_plan(&self) -> Answered<(RecordPlan, Wanted)> {
        let (mut plan, mut wanted) = (RecordPlan::default(), Wanted::new(self.object));
        self.planner().record(self.context.field(), &mut plan, &mut wanted)?;
        Ok((plan, wanted))
    }

    /// `findXxxs(filter, sort, limit, offset, cursor, search)`
    async fn find(&self) -> Answered<Node> {
        let page = Page::read(self.model, self.object, &self.arguments, self.pages)?;
        let (mut plan, mut list) = (ConnectionPlan::default(), WantedList::new(self.object));
        self.planner().connection(self.context.field(), &mut plan, &mut list)?;
        let found = self.fetcher().list(&page, &list).await?;
        Ok(answer::connection(self.model, &list, &page, &plan, &found))
    }

    /// `getXxx(id)`: a record that may not be seen is null as one that does not exist.
    async fn get(&self) -> Answered<Node> {
        let (plan, wanted) = self.record_plan()?;
        let id = self.text("id").unwrap_or_default();
        let found = self.fetcher().one(&wanted, &id).await?;
        Ok(found.map_or(Node::NULL, |found| answer::record(self.model, &wanted, &plan, &found)))
    }

    /// `aggregateXxxs(groupBy, aggregations, filter, sort, limit, offset)`: rows under the names that were asked for.
    async fn aggregate(&self) -> Answered<Node> {
        let path = |entry: &Value| {
            let mut entry = match to_json(entry) {
                Json::Object(entry) => entry,
                _ => Map::new(),
            };
            let named = entry.get("field").and_then(Json::as_str).map(str::to_owned);
            if let Some(field) = named {
                let path = self.model.path(self.object, &field);
                // The answer has the name that the question had.
                entry.entry("alias").or_insert_with(|| json!(field));
                entry.insert("field".to_owned(), json!(path));
            }
            entry.retain(|_, value| !value.is_null());
            Json::Object(entry)
        };
        let mut query = Map::new();
        if let Some(groups) = self.argument("groupBy") {
            let groups: Vec<Json> = page::list(groups).iter().map(path).collect();
            query.insert("groupBy".to_owned(), json!(groups));
        }
        if let Some(figures) = self.argument("aggregations") {
            let figures: Vec<Json> = page::list(figures).iter().map(|figure| self.figure(figure)).collect();
            query.insert("aggregations".to_owned(), json!(figures));
        }
        if let Some(filter) = self.argument("filter") {
            let filter = filter::read(self.model, self.object, filter)?;
            query.extend(filter.map(|filter| ("where".to_owned(), filter)));
        }
        if let Some(sort) = self.argument("sort") {
            query.insert("orderBy".to_owned(), json!(page::plain_order(sort)?));
        }
        let limit = self
            .argument("limit")
            .map(|limit| page::number("limit", limit))
            .transpose()?;
        let limit = limit.unwrap_or(self.pages.default).min(self.pages.max);
        query.insert("limit".to_owned(), json!(limit));
        if let Some(offset) = self.argument("offset") {
            query.insert("offset".to_owned(), json!(page::number("offset", offset)?));
        }
        query.insert("count".to_owned(), json!(false));
        let found = self.session.find(self.name(), query).await;
        let found = found.map_err(|error| from_service(&error))?;
        Ok(Node::Value(to_graph(&found["records"])))
    }

    /// A figure: its name is `sum_amount` unless it is said, as over REST.
    fn figure(&self, figure: &Value) -> Json {
        let Json::Object(mut figure) = to_json(figure) else {
            return Json::Null;
        };
        figure.retain(|_, value| !value.is_null());
        let named = figure.get("field").and_then(Json::as_str).map(str::to_owned);
        if let Some(field) = named {
            let function = figure.get("function").and_then(Json::as_str).unwrap_or_default();
            let alias = format!("{function}_{field}");
            figure.entry("alias").or_insert_with(|| json!(alias));
            let path = self.model.path(self.object, &field);
            figure.insert("field".to_owned(), json!(path));
        }
        Json::Object(figure)
    }
}
