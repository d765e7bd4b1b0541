//! The seam between the tests and what they try. What the engine and its routes answer goes through here and is written down
//! (`driver::record`), refusals as well as answers, so that `drivers` can hold what one driver answers against what the other
//! does.
//!
//! Of a refusal that is what its caller learns: code, sentence, and details with the errors of fields. What an operator reads
//! beside it is in the words of the database, and rightly differs. Not written down: what is done with an [`Engine`] past the
//! wrapper, as handlers, imports that run by themselves, and engines on stores of a test's own do it.

use std::ops::Deref;
use std::sync::Arc;

use objectos_data::engine::{
    BatchAnswer, BatchItem, BatchOperation, BatchOptions, Engine, Fields, Found, ImportOptions, ImportRow,
    RecordAnswer, Rotation, SearchRequest, TransactionItem,
};
use objectos_data::error::{DataError, Result};
use objectos_data::query::QueryInput;
use objectos_data::routes_data;
use objectos_plugin_api::contracts::data::EventBeside;
use objectos_plugin_api::{Context, Error, HttpAnswer, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::driver::record;

/// What was answered, as text.
pub(crate) trait Answer {
    fn text(&self) -> Vec<u8>;
}

impl Answer for () {
    fn text(&self) -> Vec<u8> {
        b"done".to_vec()
    }
}

impl Answer for Value {
    fn text(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl Answer for Found {
    fn text(&self) -> Vec<u8> {
        self.to_json()
    }
}

impl Answer for RecordAnswer {
    fn text(&self) -> Vec<u8> {
        self.to_json()
    }
}

impl Answer for Vec<RecordAnswer> {
    fn text(&self) -> Vec<u8> {
        let answers: Vec<Vec<u8>> = self.iter().map(RecordAnswer::to_json).collect();
        answers.join(&b' ')
    }
}

impl Answer for BatchAnswer {
    /// With the records, whether the caller wanted them or not.
    fn text(&self) -> Vec<u8> {
        let mut text = self.to_json().to_string().into_bytes();
        for record in self.items.iter().flat_map(|item| &item.result) {
            text.push(b' ');
            text.extend_from_slice(record);
        }
        text
    }
}

impl Answer for Vec<Rotation> {
    fn text(&self) -> Vec<u8> {
        format!("{self:?}").into_bytes()
    }
}

impl Answer for HttpResponse {
    fn text(&self) -> Vec<u8> {
        let mut text = self.status.to_string();
        for (name, value) in &self.headers {
            // A cursor stands here as it stands in a body.
            let name = if name == "x-next-cursor" {
                "nextCursor"
            } else {
                name.as_str()
            };
            text.push_str(&format!(" \"{name}\":{}", json!(value)));
        }
        text.push(' ');
        let mut text = text.into_bytes();
        text.extend_from_slice(&self.body);
        text
    }
}

/// The parts of an export, and where the next one would begin.
impl Answer for (Vec<Vec<u8>>, Option<String>) {
    fn text(&self) -> Vec<u8> {
        let (parts, next) = self;
        let mut text = json!({ "nextCursor": next }).to_string().into_bytes();
        for part in parts {
            text.extend_from_slice(format!(" {} bytes ", part.len()).as_bytes());
            text.extend_from_slice(part);
        }
        text
    }
}

/// What a caller learns of a refusal: `{code, message, details}`.
pub(crate) trait Refusal {
    fn public(&self) -> Value;
}

impl Refusal for DataError {
    fn public(&self) -> Value {
        json!({ "code": self.code(), "message": self.to_string(), "details": self.details() })
    }
}

impl Refusal for Error {
    fn public(&self) -> Value {
        let details: Value = serde_json::from_slice(self.details()).unwrap_or_default();
        json!({ "code": self.code(), "message": self.message(), "details": details })
    }
}

/// Writes down what was answered to `asked`, and hands it on.
pub(crate) fn told<T: Answer, E: Refusal>(asked: &str, answered: Result<T, E>) -> Result<T, E> {
    record(|| {
        let mut line = asked.as_bytes().to_vec();
        match &answered {
            Ok(answer) => {
                line.push(b' ');
                line.extend_from_slice(&answer.text());
            }
            Err(refusal) => line.extend_from_slice(format!(" refused {}", refusal.public()).as_bytes()),
        }
        line
    });
    answered
}

/// [`routes_data::answer`], written down.
pub(crate) async fn answer(engine: &Engine, context: &Context, request: &HttpRequest) -> Result<HttpResponse, Error> {
    let asked = format!("{} {}", request.method(), request.route());
    told(&asked, routes_data::answer(engine, context, request).await)
}

/// [`routes_data::export`], written down where the answer is whole.
pub(crate) async fn export(
    engine: &Arc<Engine>,
    context: &Context,
    request: &HttpRequest,
) -> Result<HttpAnswer, Error> {
    match routes_data::export(engine, context, request).await {
        Ok(HttpAnswer::Whole(response)) => told::<_, Error>(routes_data::EXPORT, Ok(response)).map(HttpAnswer::Whole),
        Err(error) => told::<HttpResponse, _>(routes_data::EXPORT, Err(error)).map(HttpAnswer::Whole),
        streamed => streamed,
    }
}

/// An engine whose answers are written down: the methods of [`Engine`] that answer callers, under their own names.
#[derive(Debug)]
pub(crate) struct Recorded(Arc<Engine>);

impl Deref for Recorded {
    type Target = Arc<Engine>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Recorded {
    pub(crate) fn new(engine: Engine) -> Self {
        Self(Arc::new(engine))
    }

    pub(crate) async fn find(&self, context: &Context, object: &str, query: QueryInput) -> Result<Found> {
        told("find", self.0.find(context, object, query).await)
    }

    pub(crate) async fn get(
        &self,
        context: &Context,
        object: &str,
        id: &str,
        query: &QueryInput,
    ) -> Result<RecordAnswer> {
        told("get", self.0.get(context, object, id, query).await)
    }

    pub(crate) async fn search(&self, context: &Context, request: &SearchRequest) -> Result<Value> {
        told("search", self.0.search(context, request).await)
    }

    pub(crate) async fn create(&self, context: &Context, object: &str, record: Fields) -> Result<RecordAnswer> {
        told("create", self.0.create(context, object, record).await)
    }

    pub(crate) async fn update(
        &self,
        context: &Context,
        object: &str,
        id: &str,
        record: Fields,
        expected: Option<String>,
    ) -> Result<RecordAnswer> {
        let answered = self.0.update(context, object, id, record, expected).await;
        told("update", answered)
    }

    pub(crate) async fn delete(&self, context: &Context, object: &str, id: &str) -> Result<()> {
        told("delete", self.0.delete(context, object, id).await)
    }

    pub(crate) async fn delete_expected(
        &self,
        context: &Context,
        object: &str,
        id: &str,
        expected: Option<String>,
    ) -> Result<()> {
        let answered = self.0.delete_expected(context, object, id, expected).await;
        told("delete", answered)
    }

    pub(crate) async fn purge(
        &self,
        context: &Context,
        object: &str,
        id: &str,
        expected: Option<String>,
    ) -> Result<()> {
        told("purge", self.0.purge(context, object, id, expected).await)
    }

    pub(crate) async fn restore(&self, context: &Context, object: &str, id: &str) -> Result<RecordAnswer> {
        told("restore", self.0.restore(context, object, id).await)
    }

    pub(crate) async fn clone_record(
        &self,
        context: &Context,
        object: &str,
        id: &str,
        overrides: Fields,
    ) -> Result<RecordAnswer> {
        let answered = self.0.clone_record(context, object, id, overrides).await;
        told("clone", answered)
    }

    pub(crate) async fn versions(&self, context: &Context, object: &str, id: &str, offset: u64) -> Result<Value> {
        told("versions", self.0.versions(context, object, id, offset).await)
    }

    pub(crate) async fn version(&self, context: &Context, object: &str, id: &str, number: i64) -> Result<Value> {
        told("version", self.0.version(context, object, id, number).await)
    }

    pub(crate) async fn restore_version(
        &self,
        context: &Context,
        object: &str,
        id: &str,
        number: i64,
        expected: Option<String>,
    ) -> Result<RecordAnswer> {
        let answered = self.0.restore_version(context, object, id, number, expected).await;
        told("restore version", answered)
    }

    pub(crate) async fn batch(
        &self,
        context: &Context,
        object: &str,
        operation: BatchOperation,
        items: Vec<BatchItem>,
        options: BatchOptions,
    ) -> Result<BatchAnswer> {
        let answered = self.0.batch(context, object, operation, items, options).await;
        told("batch", answered)
    }

    pub(crate) async fn create_many(
        &self,
        context: &Context,
        object: &str,
        records: Vec<Fields>,
    ) -> Result<Vec<RecordAnswer>> {
        told("create many", self.0.create_many(context, object, records).await)
    }

    pub(crate) async fn transaction(
        &self,
        context: &Context,
        items: Vec<TransactionItem>,
    ) -> Result<Vec<RecordAnswer>> {
        told("transaction", self.0.transaction(context, items).await)
    }

    pub(crate) async fn transaction_with_events(
        &self,
        context: &Context,
        items: Vec<TransactionItem>,
        source: &str,
        events: &[EventBeside],
    ) -> Result<Vec<RecordAnswer>> {
        let answered = self.0.transaction_with_events(context, items, source, events).await;
        told("transaction", answered)
    }

    pub(crate) async fn import(
        &self,
        context: &Context,
        object: &str,
        rows: Vec<ImportRow>,
        options: &ImportOptions,
    ) -> Result<Value> {
        told("import", self.0.import(context, object, rows, options).await)
    }

    pub(crate) async fn rotate_secrets(
        &self,
        write: bool,
        progress: &(dyn Fn(&Rotation) + Send + Sync),
    ) -> Result<Vec<Rotation>> {
        told("rotate secrets", self.0.rotate_secrets(write, progress).await)
    }
}
