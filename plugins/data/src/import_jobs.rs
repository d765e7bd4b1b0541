//! Imports that run by themselves: begun by a request, looked at by others, stopped and undone.
//!
//! A job is a record that says how far it is; the rows themselves are in memory, so a job ends with the host that runs it and
//! is told as failed from then on. What it changed is written down, and can be undone.
//! Called by the routes (`routes_data::jobs`) and by the plugin at its end.

mod record;
mod undo;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use objectos_plugin_api::Context;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

use self::record::{FIELDS, Job, OBJECT, system};
use crate::engine::{Engine, ImportOptions, ImportRow, ImportTally};
use crate::error::{DataError, Result};
use crate::query::QueryInput;

/// Rows between two looks whether the job is to stop.
const PART: usize = 64;
/// Rows between two notes of how far it is.
const NOTED: u64 = 1_024;
/// Rows that are told of one by one.
const RESULTS_MAX: usize = 1_000;
/// Changes that are kept, so that they can be undone.
const CHANGES_MAX: usize = 2_000;

/// Which jobs are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// Of this object.
    pub object: Option<String>,
    /// With this status.
    pub status: Option<String>,
    /// At most.
    pub limit: u64,
    /// So many are left out.
    pub offset: u64,
}

/// Runs imports.
pub struct ImportJobs {
    engine: Arc<Engine>,
    running: Mutex<HashMap<String, Running>>,
}

struct Running {
    stop: Arc<AtomicBool>,
    /// None once somebody waits for its end.
    task: Option<JoinHandle<()>>,
}

impl Running {
    fn stop(&mut self) -> Option<JoinHandle<()>> {
        self.stop.store(true, Ordering::Release);
        self.task.take()
    }
}

impl fmt::Debug for ImportJobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportJobs")
            .field("running", &self.running.lock().len())
            .finish_non_exhaustive()
    }
}

impl ImportJobs {
    /// On an engine. Must be used inside of the plugin's runtime.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            running: Mutex::default(),
        }
    }

    /// Begins a job: `{jobId, object, status, total, createdAt}`.
    ///
    /// # Errors
    /// As [`Engine::import`]: what is wrong with rows is told by the job.
    pub async fn begin(
        self: &Arc<Self>,
        context: &Context,
        object: &str,
        rows: Vec<ImportRow>,
        mut options: ImportOptions,
    ) -> Result<Value> {
        self.engine.check_import(context, object, rows.len(), &options).await?;
        options.results = true;
        options.undo = !options.dry_run;
        let fields = Map::from_iter([
            ("object_name".to_owned(), json!(object)),
            ("status".to_owned(), json!("running")),
            ("dry_run".to_owned(), json!(options.dry_run)),
            ("write_mode".to_owned(), json!(options.mode.name())),
            ("total".to_owned(), json!(rows.len())),
            ("processed".to_owned(), json!(0)),
        ]);
        let made = self.engine.create(&context.as_system(), OBJECT, fields).await?;
        let job = Job::read(&made.record)?;
        let stop = Arc::new(AtomicBool::new(false));
        let run = Run {
            jobs: Arc::clone(self),
            context: detached(context)?,
            job: job.id.clone(),
            object: object.to_owned(),
            options,
            stop: Arc::clone(&stop),
        };
        let mut running = self.running.lock();
        let task = tokio::spawn(run.run(rows));
        let task = Some(task);
        running.insert(job.id.clone(), Running { stop, task });
        drop(running);
        Ok(job.summary(true))
    }

    /// How far a job is.
    ///
    /// # Errors
    /// `RecordNotFound` for a job that there is not, or that is somebody else's.
    pub async fn progress(&self, context: &Context, id: &str) -> Result<Value> {
        let (job, runs) = self.look(context, id, false).await?;
        Ok(job.summary(runs))
    }

    /// What became of the rows: the progress with `results` and `resultsTruncated`.
    ///
    /// # Errors
    /// As [`ImportJobs::progress`].
    pub async fn results(&self, context: &Context, id: &str) -> Result<Value> {
        let (job, runs) = self.look(context, id, true).await?;
        let mut out = job.summary(runs);
        out["results"] = job.results();
        out["resultsTruncated"] = json!(job.flag("results_truncated"));
        Ok(out)
    }

    /// The caller's jobs, latest first: `{jobs}`.
    ///
    /// # Errors
    /// `InvalidQuery` for a number that is none; those of the store.
    pub async fn list(&self, context: &Context, query: &JobQuery) -> Result<Value> {
        let mut filter = Map::from_iter([("created_by".to_owned(), json!(context.user()))]);
        filter.extend(
            query
                .object
                .as_ref()
                .map(|object| ("object_name".to_owned(), json!(object))),
        );
        filter.extend(query.status.as_ref().map(|status| ("status".to_owned(), json!(status))));
        let wanted = json!({
            "where": filter, "fields": FIELDS, "orderBy": "-created_at,-id", "limit": query.limit.min(500), "offset": query.offset,
            "count": false,
        });
        let Value::Object(wanted) = wanted else {
            return Err(DataError::internal("a query is an object"));
        };
        // Those that end while the list is read were running when it was asked for.
        let before: HashSet<String> = self.running.lock().keys().cloned().collect();
        let found = self
            .engine
            .find(&system(), OBJECT, QueryInput::from_map(&wanted)?)
            .await?;
        let jobs: Vec<Value> = Job::read_all(&found.records)?
            .iter()
            .map(|job| job.summary(before.contains(&job.id) || self.runs(job)))
            .collect();
        Ok(json!({ "jobs": jobs }))
    }

    /// Stops a job after the rows that are under way, and answers how far it came. What is over stays as it is.
    ///
    /// # Errors
    /// As [`ImportJobs::progress`].
    pub async fn cancel(&self, context: &Context, id: &str) -> Result<Value> {
        self.read(context, id, false).await?;
        let task = self.running.lock().get_mut(id).and_then(Running::stop);
        if let Some(task) = task {
            wait(id, task).await;
        }
        self.progress(context, id).await
    }

    /// Stops all jobs of this host.
    pub async fn stop(&self) {
        let tasks: Vec<(String, JoinHandle<()>)> = {
            let mut running = self.running.lock();
            let stopped = running.iter_mut().map(|(id, job)| (id.clone(), job.stop()));
            stopped.filter_map(|(id, task)| Some((id, task?))).collect()
        };
        for (id, task) in tasks {
            wait(&id, task).await;
        }
    }

    /// Whether a job can still be running: here, or on another host that wrote it down lately.
    fn runs(&self, job: &Job) -> bool {
        let elsewhere = self.engine.store().shared() && job.noted_since(self.engine.parts().clock.now_ms());
        self.running.lock().contains_key(&job.id) || elsewhere
    }

    /// A job of the caller, and whether it runs. One that ends between the reading and the look is read once more: what became
    /// of it is written down before it counts as ended.
    async fn look(&self, context: &Context, id: &str, whole: bool) -> Result<(Job, bool)> {
        let job = self.read(context, id, whole).await?;
        if self.runs(&job) {
            return Ok((job, true));
        }
        let job = self.read(context, id, whole).await?;
        let runs = self.runs(&job);
        Ok((job, runs))
    }

    /// A job of the caller; `whole` with what became of its rows.
    async fn read(&self, context: &Context, id: &str, whole: bool) -> Result<Job> {
        let query = QueryInput {
            fields: (!whole).then(|| FIELDS.map(str::to_owned).to_vec()),
            ..QueryInput::default()
        };
        let found = self.engine.get(&system(), OBJECT, id, &query).await?;
        let job = Job::read(&found.record)?;
        if job.text("created_by") == Some(context.user()) || context.system() {
            return Ok(job);
        }
        Err(DataError::RecordNotFound {
            object: OBJECT.to_owned(),
            id: id.to_owned(),
        })
    }

    async fn note(&self, id: &str, fields: Map<String, Value>) -> Result<()> {
        self.engine.update(&system(), OBJECT, id, fields, None).await.map(drop)
    }
}

async fn wait(job: &str, task: JoinHandle<()>) {
    if task.await.is_err() {
        tracing::error!(job, "an import ended in an unforeseen way");
    }
}

/// A job that runs.
struct Run {
    jobs: Arc<ImportJobs>,
    context: Context,
    job: String,
    object: String,
    options: ImportOptions,
    stop: Arc<AtomicBool>,
}

impl Run {
    async fn run(self, rows: Vec<ImportRow>) {
        let mut tally = ImportTally::default();
        let ended = self.parts(rows, &mut tally).await;
        let engine = &self.jobs.engine;
        let told = engine
            .tell_import(&self.context, &self.object, &self.options, &tally)
            .await;
        let (status, error) = match ended.and_then(|whole| told.map(|()| whole)) {
            Ok(true) => ("succeeded", None),
            Ok(false) => ("cancelled", None),
            Err(error) => ("failed", Some(error.to_string())),
        };
        let now = crate::record::moment::from_ms(engine.parts().clock.now_ms());
        let truncated = tally.results.len() > RESULTS_MAX;
        let undoable = !self.options.dry_run && !tally.changes.is_empty() && tally.changes.len() <= CHANGES_MAX;
        let mut fields = counted(&tally);
        tally.results.truncate(RESULTS_MAX);
        fields.extend([
            ("status".to_owned(), json!(status)),
            ("error".to_owned(), json!(error)),
            ("completed_at".to_owned(), json!(now)),
            ("results".to_owned(), json!(tally.results)),
            ("results_truncated".to_owned(), json!(truncated)),
            ("undoable".to_owned(), json!(undoable)),
        ]);
        if undoable {
            fields.insert("changes".to_owned(), json!(tally.changes));
        }
        if let Err(error) = self.jobs.note(&self.job, fields).await {
            tracing::error!(job = self.job, error = %error, "what became of an import could not be written down");
        }
        self.jobs.running.lock().remove(&self.job);
    }

    /// Part after part; false when it was stopped before the last.
    async fn parts(&self, rows: Vec<ImportRow>, tally: &mut ImportTally) -> Result<bool> {
        let mut rows = rows.into_iter();
        let mut noted = 0;
        loop {
            let part: Vec<ImportRow> = rows.by_ref().take(PART).collect();
            if part.is_empty() {
                return Ok(true);
            }
            if self.stop.load(Ordering::Acquire) {
                return Ok(false);
            }
            self.jobs
                .engine
                .import_part(&self.context, &self.object, part, &self.options, tally)
                .await?;
            if tally.rows() - noted >= NOTED {
                noted = tally.rows();
                self.jobs.note(&self.job, counted(tally)).await?;
            }
        }
    }
}

fn counted(tally: &ImportTally) -> Map<String, Value> {
    Map::from_iter([
        ("processed".to_owned(), json!(tally.rows())),
        ("created_count".to_owned(), json!(tally.created)),
        ("updated_count".to_owned(), json!(tally.updated)),
        ("failed_count".to_owned(), json!(tally.failed)),
    ])
}

/// The same caller, without the end of the request.
fn detached(context: &Context) -> Result<Context> {
    let mut out = Context::request(context.request_id());
    if let Some(principal) = context.principal()? {
        out = out.with_principal(&principal);
    }
    let out = out.with_extra(&context.extra());
    Ok(if context.system() { out.as_system() } else { out })
}
