//! An engine over a database of its own, with a clock, hooks, permissions and faults that tests hold in their hands.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use objectos_data::access::{Access, Permissions, Plan, Refusal};
use objectos_data::app::{PackageSource, load};
use objectos_data::config::LimitsConfig;
use objectos_data::engine::ports::{Clock, EventSignal, HookPoint, Hooks, Outside};
use objectos_data::engine::{Engine, EngineParts, Export, ExportFormat, ExportWish};
use objectos_data::error::{DataError, Result};
use objectos_data::model::{Catalogue, CatalogueCell};
use objectos_data::query::QueryInput;
use objectos_data::schema::{plan, plan_of};
use objectos_data::store::{BoxFuture, Datasources, Probe, Store};
use objectos_data::vault::{KEY_BYTES, Vault};
use objectos_plugin_api::contracts::http_client::{IncomingAnswer, OutgoingRequest};
use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess, Operation};
use objectos_plugin_api::{Context, Error, ErrorKind, HookStep, Principal, PrincipalKind};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::app_support::app;
use crate::driver::Place;
pub(crate) use crate::probe::TestProbe;
use crate::seam::{Recorded, told};

/// 2026-02-28T12:00:00.000Z
pub(crate) const NOON: i64 = 1_772_280_000_000;

/// A handler of a hook: changes the payload, refuses, or does nothing.
pub(crate) type Handler = Box<dyn Fn(&mut Value) -> Result<bool> + Send + Sync>;

/// Those of one point and object in their order, each with its plugin.
type Handlers = Vec<(String, Arc<Handler>)>;

/// The plugin of handlers that nobody names one for.
const HANDLER: &str = "test.handler";

#[derive(Default)]
pub(crate) struct TestHooks {
    handlers: Mutex<HashMap<(HookPoint, String), Handlers>>,
    /// `plugin object` of those that may not have records made with a change, and `plugin event` of those that may not have
    /// events stored with it.
    pub(crate) strangers: Mutex<Vec<String>>,
    pub(crate) runs: AtomicU64,
}

impl std::fmt::Debug for TestHooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TestHooks")
    }
}

impl TestHooks {
    pub(crate) fn on(
        &self,
        point: HookPoint,
        object: &str,
        handler: impl Fn(&mut Value) -> Result<bool> + Send + Sync + 'static,
    ) {
        self.handlers.lock().remove(&(point, object.to_owned()));
        self.after(HANDLER, point, object, handler);
    }

    /// A handler of a plugin, after those that are there.
    pub(crate) fn after(
        &self,
        plugin: &str,
        point: HookPoint,
        object: &str,
        handler: impl Fn(&mut Value) -> Result<bool> + Send + Sync + 'static,
    ) {
        let mut handlers = self.handlers.lock();
        let known = handlers.entry((point, object.to_owned())).or_default();
        known.push((plugin.to_owned(), Arc::new(Box::new(handler))));
    }
}

impl Hooks for TestHooks {
    fn armed(&self, point: HookPoint, object: &str) -> bool {
        self.handlers.lock().contains_key(&(point, object.to_owned()))
    }

    fn run<'a>(
        &'a self,
        point: HookPoint,
        _: &'a Context,
        object: &'a str,
        payload: Vec<u8>,
    ) -> BoxFuture<'a, Result<Vec<HookStep>>> {
        Box::pin(async move {
            self.runs.fetch_add(1, Ordering::SeqCst);
            let handlers = self.handlers.lock().get(&(point, object.to_owned())).cloned();
            let mut payload: Value = serde_json::from_slice(&payload).expect("a payload is JSON");
            let mut steps = Vec::new();
            for (plugin, handler) in handlers.unwrap_or_default() {
                if handler(&mut payload)? {
                    let payload = payload.to_string().into_bytes();
                    steps.push(HookStep { plugin, payload });
                }
            }
            Ok(steps)
        })
    }

    fn admit<'a>(&'a self, _: &'a Context, plugin: &'a str, object: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.strangers.lock().contains(&format!("{plugin} {object}")) {
                let message = format!("{plugin} may not make records of {object}");
                return Err(Error::new(ErrorKind::Denied, message).into());
            }
            Ok(())
        })
    }

    fn admit_event<'a>(&'a self, _: &'a Context, plugin: &'a str, event: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.strangers.lock().contains(&format!("{plugin} {event}")) {
                let message = format!("{plugin} may not publish {event}");
                return Err(Error::new(ErrorKind::Denied, message).into());
            }
            Ok(())
        })
    }
}

/// What `access_plan` would answer, by principal, object and operation; nobody else may do anything.
#[derive(Default)]
pub(crate) struct TestPermissions {
    plans: Mutex<HashMap<(String, String, String), Access>>,
    /// `user permission` of those who hold a system permission.
    pub(crate) held: Mutex<Vec<String>>,
    /// `user operation object code`, in their order.
    pub(crate) refused: Mutex<Vec<String>>,
}

impl std::fmt::Debug for TestPermissions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TestPermissions")
    }
}

impl TestPermissions {
    pub(crate) fn allow(&self, user: &str, object: &str, operation: Operation, access: Access) {
        self.plans
            .lock()
            .insert((user.to_owned(), object.to_owned(), format!("{operation:?}")), access);
    }
}

impl Permissions for TestPermissions {
    fn at_once(&self, context: &Context, _: &str, _: Operation) -> Option<Result<Access>> {
        if context.system() {
            return Some(Ok(Access::System));
        }
        match context.principal() {
            Ok(None) => Some(Err(DataError::Unauthenticated)),
            Ok(Some(principal)) if principal.kind == PrincipalKind::Local => Some(Ok(Access::Everything)),
            _ => None,
        }
    }

    fn ask<'a>(&'a self, context: &'a Context, object: &'a str, operation: Operation) -> BoxFuture<'a, Result<Access>> {
        let key = (context.user().to_owned(), object.to_owned(), format!("{operation:?}"));
        let plan = self.plans.lock().get(&key).cloned();
        Box::pin(async move {
            plan.ok_or(DataError::Denied {
                object: object.to_owned(),
                operation: "use",
            })
        })
    }

    fn holds<'a>(&'a self, context: &'a Context, permission: &'a str) -> BoxFuture<'a, Result<bool>> {
        let held = self.held.lock().contains(&format!("{} {permission}", context.user()));
        let local = context.system()
            || context
                .principal()
                .ok()
                .flatten()
                .is_some_and(|principal| principal.kind == PrincipalKind::Local);
        Box::pin(std::future::ready(Ok(local || held)))
    }

    fn refused<'a>(&'a self, context: &'a Context, refusal: Refusal<'a>) -> BoxFuture<'a, ()> {
        let Refusal {
            object,
            operation,
            code,
            ..
        } = refusal;
        let line = format!("{} {operation} {object} {code}", context.user());
        self.refused.lock().push(line);
        Box::pin(std::future::ready(()))
    }
}

/// What those who are asked answer: to each question a status and a body; without one there is nobody.
#[derive(Debug, Default)]
pub(crate) struct TestOutside {
    pub(crate) answer: Mutex<Option<(u16, String)>>,
    /// Address, or service and method, and body of every question.
    pub(crate) asked: Mutex<Vec<(String, String)>>,
}

impl TestOutside {
    pub(crate) fn answers(&self, status: u16, body: Value) {
        *self.answer.lock() = Some((status, body.to_string()));
    }

    fn answered(&self) -> Result<(u16, String)> {
        let answer = self.answer.lock().clone();
        answer.ok_or_else(|| Error::unavailable("nobody is there").into())
    }
}

impl Outside for TestOutside {
    fn send<'a>(&'a self, _: &'a Context, request: OutgoingRequest) -> BoxFuture<'a, Result<IncomingAnswer>> {
        self.asked.lock().push((request.url, request.body));
        let answered = self.answered().map(|(status, body)| IncomingAnswer {
            status,
            body,
            headers: Vec::new(),
        });
        Box::pin(async move { answered })
    }

    fn call<'a>(
        &'a self,
        _: &'a Context,
        service: &'a str,
        method: &'a str,
        payload: Vec<u8>,
    ) -> BoxFuture<'a, Result<Vec<u8>>> {
        let body = String::from_utf8(payload).expect("a question is text");
        self.asked.lock().push((format!("{service}:{method}"), body));
        let answered = self.answered().map(|(_, body)| body.into_bytes());
        Box::pin(async move { answered })
    }
}

#[derive(Debug, Default)]
pub(crate) struct TestSignal(pub(crate) AtomicU64);

impl EventSignal for TestSignal {
    fn stored(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[derive(Debug)]
pub(crate) struct TestClock(pub(crate) AtomicI64);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) struct World {
    pub(crate) engine: Recorded,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hooks: Arc<TestHooks>,
    pub(crate) permissions: Arc<TestPermissions>,
    pub(crate) signal: Arc<TestSignal>,
    pub(crate) outside: Arc<TestOutside>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) probe: Arc<TestProbe>,
    pub(crate) local: Context,
    pub(crate) system: Context,
    place: Option<Place>,
    _others: Vec<Place>,
}

/// An app beside the objects that the plugin brings itself.
fn with_own_objects(files: &[(&str, &str)]) -> Catalogue {
    const VERSIONS: &str = include_str!("../../metadata/sys_record_version.object.yml");
    const JOBS: &str = include_str!("../../metadata/sys_import_job.object.yml");
    const RECENT: &str = include_str!("../../metadata/sys_recent_record.object.yml");
    let own = [
        ("sys_record_version.object.yml", VERSIONS),
        ("sys_import_job.object.yml", JOBS),
        ("sys_recent_record.object.yml", RECENT),
    ];
    let own = PackageSource::of_documents("objectos.data", own);
    match load(&[own, app(files)], 1) {
        Ok(loaded) => loaded.catalogue,
        Err(problems) => panic!("{problems:?}"),
    }
}

/// All fields may be read and written; of the records those that meet the filter.
pub(crate) fn allowed(filter: Option<Value>) -> Access {
    let plan = AccessPlan {
        allowed: true,
        filter,
        readable: FieldAccess::All,
        writable: FieldAccess::All,
        ..AccessPlan::default()
    };
    Access::Planned(Arc::new(Plan::read(plan).expect("a plan")))
}

/// Keys by their ids, each of one byte again and again.
pub(crate) fn vault(keys: &[(&str, u8)]) -> Vault {
    let key = |(id, byte): &(&str, u8)| ((*id).to_owned(), [*byte; KEY_BYTES]);
    Vault::new(keys.iter().map(key).collect())
}

pub(crate) fn principal(id: &str, kind: PrincipalKind, tenant: Option<&str>) -> Context {
    let principal = Principal {
        id: id.to_owned(),
        kind,
        tenant: tenant.map(str::to_owned),
        ..Principal::default()
    };
    Context::request("r1").with_principal(&principal)
}

impl World {
    pub(crate) async fn new(files: &[(&str, &str)]) -> Self {
        Self::at(Place::new(), files).await
    }

    pub(crate) async fn at(place: Place, files: &[(&str, &str)]) -> Self {
        Self::over(place, Vec::new(), files).await
    }

    /// With further databases.
    pub(crate) async fn over(place: Place, others: Vec<(&str, Place)>, files: &[(&str, &str)]) -> Self {
        Self::with(place, others, vault(&[("test", 7)]), files).await
    }

    /// With the keys that encrypted fields are encrypted with.
    pub(crate) async fn keyed(place: Place, vault: Vault, files: &[(&str, &str)]) -> Self {
        Self::with(place, Vec::new(), vault, files).await
    }

    async fn with(place: Place, others: Vec<(&str, Place)>, vault: Vault, files: &[(&str, &str)]) -> Self {
        let probe = Arc::new(TestProbe::default());
        let store = place.open(Some(Arc::clone(&probe) as Arc<dyn Probe>)).await;
        let catalogue = with_own_objects(files);
        let changes = plan(&catalogue, &store.shape().await.expect("a shape"));
        assert!(changes.destructive.is_empty(), "{changes}");
        store.change_schema(changes.additive).await.expect("a schema");
        let mut stores = BTreeMap::new();
        for (name, other) in &others {
            let store = other.open(Some(Arc::clone(&probe) as Arc<dyn Probe>)).await;
            let changes = plan_of(&catalogue, name, &store.shape().await.expect("a shape"));
            store.change_schema(changes.additive).await.expect("a schema");
            stores.insert((*name).to_owned(), store);
        }
        let datasources = Datasources::new(stores);
        let hooks = Arc::new(TestHooks::default());
        let permissions = Arc::new(TestPermissions::default());
        let signal = Arc::new(TestSignal::default());
        let outside = Arc::new(TestOutside::default());
        let clock = Arc::new(TestClock(AtomicI64::new(NOON)));
        let engine = Engine::new(EngineParts {
            store: Arc::clone(&store),
            datasources: datasources.clone(),
            catalogue: Arc::new(CatalogueCell::new(catalogue)),
            hooks: Arc::clone(&hooks) as Arc<dyn Hooks>,
            permissions: Arc::clone(&permissions) as Arc<dyn Permissions>,
            signal: Arc::clone(&signal) as Arc<dyn EventSignal>,
            outside: Arc::clone(&outside) as Arc<dyn Outside>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            limits: LimitsConfig::default(),
        })
        .with_vault(Arc::new(vault));
        Self {
            engine: Recorded::new(engine),
            store,
            hooks,
            permissions,
            signal,
            outside,
            clock,
            probe,
            local: principal("local", PrincipalKind::Local, None),
            system: Context::request("r2").as_system(),
            place: Some(place),
            _others: others.into_iter().map(|(_, place)| place).collect(),
        }
    }

    /// Where its records lie.
    pub(crate) fn place(&self) -> &Place {
        self.place.as_ref().expect("the place is there until the end")
    }

    /// Closes the store and gives its place, for another world on the same records.
    pub(crate) async fn close(mut self) -> Place {
        self.store.close().await;
        self.place.take().expect("the place is there until the end")
    }

    pub(crate) async fn create(&self, object: &str, record: Value) -> Result<Value> {
        let answer = self.engine.create(&self.local, object, fields(record)).await?;
        Ok(serde_json::from_slice(&answer.record).expect("a record is JSON"))
    }

    pub(crate) async fn update(&self, object: &str, id: &str, record: Value) -> Result<Value> {
        let answer = self
            .engine
            .update(&self.local, object, id, fields(record), None)
            .await?;
        Ok(serde_json::from_slice(&answer.record).expect("a record is JSON"))
    }

    pub(crate) async fn get(&self, object: &str, id: &str) -> Result<Value> {
        self.get_as(&self.local, object, id).await
    }

    pub(crate) async fn get_as(&self, context: &Context, object: &str, id: &str) -> Result<Value> {
        let answer = self.engine.get(context, object, id, &QueryInput::default()).await?;
        Ok(serde_json::from_slice(&answer.record).expect("a record is JSON"))
    }

    /// The parts of an export, and where the next one would begin.
    pub(crate) async fn export(
        &self,
        object: &str,
        query: QueryInput,
        format: ExportFormat,
    ) -> Result<(Vec<Vec<u8>>, Option<String>)> {
        told("export", self.exported(object, query, format).await)
    }

    async fn exported(
        &self,
        object: &str,
        query: QueryInput,
        format: ExportFormat,
    ) -> Result<(Vec<Vec<u8>>, Option<String>)> {
        let limited = query.limit.is_some();
        let wish = ExportWish {
            object: object.to_owned(),
            query,
            format,
            heading: true,
        };
        let mut export = Export::begin(&self.engine, &self.local, wish).await?;
        if limited {
            let (whole, next) = export.whole(usize::MAX).await?;
            return Ok((vec![whole], next));
        }
        let mut parts = Vec::new();
        while let Some(part) = export.next().await? {
            parts.push(part);
        }
        Ok((parts, None))
    }

    /// `{object, records, total, hasMore, …}`
    pub(crate) async fn query(&self, object: &str, query: Value) -> Result<Value> {
        self.query_as(&self.local, object, query).await
    }

    pub(crate) async fn query_as(&self, context: &Context, object: &str, query: Value) -> Result<Value> {
        let query = match QueryInput::from_map(&fields(query)) {
            Ok(query) => query,
            Err(refused) => return told("find", Err(refused)),
        };
        let found = self.engine.find(context, object, query).await?.to_json();
        Ok(serde_json::from_slice(&found).expect("an answer is JSON"))
    }

    /// Values of one field of the records that a filter finds, in the order of ids.
    pub(crate) async fn names(&self, object: &str, filter: Value) -> Result<Vec<String>> {
        let found = self
            .query(
                object,
                serde_json::json!({ "where": filter, "fields": ["name"], "orderBy": "id" }),
            )
            .await?;
        let records = found["records"].as_array().expect("records");
        assert_eq!(found["total"], records.len(), "{found}");
        Ok(records
            .iter()
            .map(|record| record["name"].as_str().unwrap_or("null").to_owned())
            .collect())
    }

    /// Rows of the store's own tables and of objects, for looking behind the engine.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let mut number = 0;
        let statement = objectos_data::store::Statement::new(sql, Vec::new());
        let mut reader = self.store.reader().await.expect("a reader");
        reader
            .read(&statement, &mut |row| {
                number = row.cell(0).as_integer().unwrap_or_default()
            })
            .await
            .expect(sql);
        number
    }

    /// The stored events, oldest first.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let mut events = Vec::new();
        let statement =
            objectos_data::store::Statement::new("SELECT event FROM objectos_event ORDER BY sequence", Vec::new());
        let mut reader = self.store.reader().await.expect("a reader");
        reader
            .read(&statement, &mut |row| {
                let text = row.cell(0).as_text().expect("an event").to_owned();
                events.push(serde_json::from_str(&text).expect("an event is JSON"));
            })
            .await
            .expect("events");
        events
    }
}

pub(crate) fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// Code of the error, and its sentence.
pub(crate) fn failure<T: std::fmt::Debug>(result: Result<T>) -> (String, String) {
    let error = result.expect_err("it should have failed");
    (error.code().to_owned(), error.to_string())
}

/// `field: code` of every field error, sorted.
pub(crate) fn field_errors<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
    let error = result.expect_err("it should have failed");
    assert_eq!(error.code(), "validation_error", "{error}");
    let details = error.details();
    let mut errors: Vec<String> = details["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|field| {
            format!(
                "{}: {}",
                field["field"].as_str().unwrap_or_default(),
                field["code"].as_str().unwrap_or_default()
            )
        })
        .collect();
    errors.sort();
    errors
}
