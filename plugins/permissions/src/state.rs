//! The running state: the model, what is known of principals, and the plans made of both, each under a version that grows before a
//! change is acknowledged.
//!
//! Invariant: whatever is kept was made of facts read after its version was read. So a change that comes while a plan is being
//! made lands under a newer version, and the plan is not found again.
//!
//! Nobody goes on with a model that may be stale: whoever finds it changed waits for the new one. Of those who do at once, one
//! reads it, as far as the others may wait for that one ([`Readings`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use objectos_plugin_api::contracts::permissions::{AccessPlan, Operation};
use objectos_plugin_api::{Context, Error, ErrorKind, Principal, PrincipalKind, Readings, Refusals, Result};
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::json;

use crate::load::{Loaded, Loader, assignment, counts_here, lasts, text};
use crate::model::Logged;
use crate::plan::{Compiled, Planner, StepKind, verb};
use crate::problem::{self, Problem};
use crate::rows::Rows;
use crate::subject::{Memberships, Subject};

/// Principals that are remembered; beyond, everything is forgotten.
const PRINCIPALS_MAX: usize = 20_000;
/// No version of the definitions was told yet.
const UNKNOWN: u64 = u64::MAX;

/// Name of the service that tells who people are.
const AUTH: &str = "auth";

/// A service that a plugin declares.
#[derive(Deserialize)]
struct Declared {
    name: String,
}

/// What is known of one principal.
#[derive(Debug, Default)]
struct Known {
    subject: Option<Arc<Subject>>,
    plans: HashMap<Operation, HashMap<String, Arc<AccessPlan>>>,
}

#[derive(Debug, Default)]
struct Memory {
    version: u64,
    principals: HashMap<Box<[u8]>, Known>,
}

/// The running state.
#[derive(Debug)]
pub struct State {
    /// Reads definitions and records.
    pub loader: Loader,
    /// For calls that no request asks for.
    context: Context,
    version: AtomicU64,
    /// Counts what concerns the model.
    epoch: AtomicU64,
    metadata: AtomicU64,
    /// The epoch of the plugins' contributions in which `guarded` was found.
    contributions: AtomicU64,
    /// A plugin declares the service `auth`: nobody is alone on this machine.
    guarded: AtomicBool,
    /// When something ends by itself.
    boundary_ms: AtomicI64,
    loaded: RwLock<Option<(u64, Arc<Loaded>)>>,
    /// By the epoch, and by the chain of the calls that want it.
    readings: Readings<(u64, u64), Arc<Loaded>>,
    memory: RwLock<Memory>,
    /// Why the files as they are now are not in use.
    refused: RwLock<Vec<Problem>>,
    /// Requests that were refused lately.
    pub(crate) refusals: Refusals,
}

impl State {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(loader: Loader) -> Self {
        Self {
            loader,
            context: Context::background(),
            version: AtomicU64::new(1),
            epoch: AtomicU64::new(1),
            metadata: AtomicU64::new(UNKNOWN),
            contributions: AtomicU64::new(UNKNOWN),
            guarded: AtomicBool::new(true),
            boundary_ms: AtomicI64::new(i64::MAX),
            loaded: RwLock::default(),
            readings: Readings::default(),
            memory: RwLock::default(),
            refused: RwLock::default(),
            refusals: Refusals::default(),
        }
    }

    /// Grows whenever any plan may have changed.
    ///
    /// # Errors
    /// When it cannot be known whether definitions changed.
    pub fn version(&self) -> Result<u64> {
        self.look_for_auth();
        let metadata = self.metadata_version()?;
        if self.metadata.load(Ordering::Acquire) != metadata {
            // It grows first: whoever finds this metadata noted below finds the version grown.
            self.definitions_changed();
            self.metadata.store(metadata, Ordering::Release);
        }
        let boundary = self.boundary_ms.load(Ordering::Acquire);
        if self.loader.host.now_ms() >= boundary {
            // The same here. And once more afterwards: what was made in between may have noted an end that is forgotten now.
            self.definitions_changed();
            let turned = self
                .boundary_ms
                .compare_exchange(boundary, i64::MAX, Ordering::AcqRel, Ordering::Acquire);
            if turned.is_ok() {
                self.definitions_changed();
            }
        }
        Ok(self.version.load(Ordering::Acquire))
    }

    /// Finds out whether people sign in here, whenever plugins came or went. A list that cannot be read is one with `auth`.
    fn look_for_auth(&self) {
        let host = &self.loader.host;
        let epoch = host.contributions_epoch();
        if self.contributions.load(Ordering::Acquire) == epoch {
            return;
        }
        let services: serde_json::Result<Vec<Declared>> = serde_json::from_slice(&host.contributions("services"));
        let guarded = services.map_or(true, |services| services.iter().any(|service| service.name == AUTH));
        if self.guarded.swap(guarded, Ordering::AcqRel) != guarded {
            // It is known before the version grows: whoever finds this version finds it.
            self.facts_changed();
        }
        self.contributions.store(epoch, Ordering::Release);
    }

    /// The version of the definitions. While nobody is there to tell it, nobody changes them: what was told last holds.
    fn metadata_version(&self) -> Result<u64> {
        if let Some(version) = self.loader.metadata.version_at_once(&self.context)? {
            return Ok(version);
        }
        match self.metadata.load(Ordering::Acquire) {
            UNKNOWN => Err(Error::unavailable("the definitions are not there at the moment")),
            known => Ok(known),
        }
    }

    /// What is known of principals may have changed.
    pub fn facts_changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// The model may have changed.
    pub fn definitions_changed(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.facts_changed();
    }

    fn holds_until(&self, end_ms: Option<i64>) {
        if let Some(end_ms) = end_ms {
            self.boundary_ms.fetch_min(end_ms, Ordering::AcqRel);
        }
    }

    /// The model as it is now.
    ///
    /// # Errors
    /// When it cannot be read; a fault in files, while there is no older model to go on with.
    pub async fn loaded(&self, context: &Context) -> Result<Arc<Loaded>> {
        let known = |epoch: u64| {
            let loaded = self.loaded.read();
            loaded
                .as_ref()
                .filter(|(of, _)| *of == epoch)
                .map(|(_, loaded)| Arc::clone(loaded))
        };
        let epoch = self.epoch.load(Ordering::Acquire);
        if let Some(loaded) = known(epoch) {
            return Ok(loaded);
        }
        let came_ms = self.loader.host.now_ms();
        let context = context.as_system();
        let begin = || {
            let (loader, context) = (self.loader.clone(), context.clone());
            async move { loader.load(&context).await.map(Arc::new) }
        };
        let mut loaded = self.readings.read((epoch, context.chain()), begin).await?;
        if loaded.boundary_ms.is_some_and(|end_ms| end_ms <= came_ms) {
            // Somebody began to read it earlier, and what ended in between is still in it.
            loaded = begin().await?;
        } else if let Some(loaded) = known(epoch) {
            // One of those who waited for it was first with it.
            return Ok(loaded);
        }
        self.holds_until(loaded.boundary_ms);
        let loaded = self.accept(&loaded)?;
        let mut kept = self.loaded.write();
        // Whoever began later may have been faster.
        if kept.as_ref().is_none_or(|(of, _)| *of <= epoch) {
            *kept = Some((epoch, Arc::clone(&loaded)));
        }
        Ok(loaded)
    }

    /// Wrong files are not taken: what was in use before stays in use, if there was anything.
    fn accept(&self, loaded: &Arc<Loaded>) -> Result<Arc<Loaded>> {
        for problem in &loaded.record_problems {
            tracing::error!("a policy that was edited at runtime is not in use: {problem}");
        }
        let before = self.loaded.read().as_ref().map(|(_, loaded)| Arc::clone(loaded));
        if loaded.file_problems.is_empty() {
            let known = before.map(|before| before.notices.clone()).unwrap_or_default();
            for notice in loaded.notices.iter().filter(|notice| !known.contains(notice)) {
                tracing::warn!("{notice}");
            }
            self.refused.write().clear();
            return Ok(Arc::clone(loaded));
        }
        let text = problem::lines(&loaded.file_problems);
        self.refused.write().clone_from(&loaded.file_problems);
        let Some(before) = before else {
            return Err(Error::configuration(format!(
                "the access rules of the apps cannot be used\n{text}"
            )));
        };
        tracing::error!("the changed access rules are not in use:\n{text}");
        Ok(before)
    }

    /// Everything that is wrong at the moment.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.refused.read().clone();
        if let Some((_, loaded)) = self.loaded.read().as_ref() {
            problems.extend(loaded.record_problems.iter().cloned());
        }
        problems
    }

    /// The principal of a request.
    ///
    /// # Errors
    /// `Unauthenticated` when nobody asks.
    pub fn principal(context: &Context) -> Result<Principal> {
        let nobody = || Error::new(ErrorKind::Unauthenticated, "sign in first");
        context.principal()?.ok_or_else(nobody)
    }

    /// Who asks.
    ///
    /// # Errors
    /// `Unauthenticated` when nobody does; what the data engine answers.
    pub async fn subject(&self, context: &Context) -> Result<Arc<Subject>> {
        let version = self.version()?;
        let key = context.principal_json();
        {
            let memory = self.memory.read();
            let known = memory.principals.get(key).filter(|_| memory.version == version);
            if let Some(subject) = known.and_then(|known| known.subject.as_ref()) {
                return Ok(Arc::clone(subject));
            }
        }
        let subject = Arc::new(self.subject_of(context, &Self::principal(context)?).await?);
        self.remember(version, key, |known| known.subject = Some(Arc::clone(&subject)));
        Ok(subject)
    }

    /// What is known of any principal.
    ///
    /// # Errors
    /// What the data engine answers.
    pub async fn subject_of(&self, context: &Context, principal: &Principal) -> Result<Subject> {
        let loaded = self.loaded(context).await?;
        // Where people sign in, whoever says to be alone on this machine is nobody.
        let nobody;
        let principal = if principal.kind == PrincipalKind::Local && self.guarded.load(Ordering::Acquire) {
            nobody = Principal {
                id: principal.id.clone(),
                kind: PrincipalKind::Anonymous,
                ..Principal::default()
            };
            &nobody
        } else {
            principal
        };
        let memberships = match principal.kind {
            PrincipalKind::User | PrincipalKind::Service => self.memberships(context, &loaded, principal).await?,
            _ => Memberships::default(),
        };
        self.holds_until(memberships.boundary_ms);
        Ok(Subject::new(
            principal,
            &memberships,
            &loaded.model,
            &self.loader.settings,
        ))
    }

    async fn memberships(&self, context: &Context, loaded: &Loaded, principal: &Principal) -> Result<Memberships> {
        let user = principal.id.as_str();
        let now_ms = self.loader.host.now_ms();
        let mut known = Memberships {
            assignments: loaded.assignments.clone(),
            ..Memberships::default()
        };
        let store = &self.loader.store;
        let catalogue = &loaded.model.catalogue;
        let team_user = match catalogue.object("sys_team_member") {
            Some(members) if members.fields.contains_key("user_id") => "user_id",
            _ => "user",
        };
        let sources = [
            ("sys_user_role", json!({ "user": user })),
            ("sys_group_member", json!({ "member_type": "user", "member": user })),
            ("sys_user_territory", json!({ "user": user })),
            (
                "sys_permission_assignment",
                json!({ "assignee_type": "user", "assignee": user }),
            ),
            ("sys_team_member", json!({ (team_user): user })),
        ];
        let tenant = principal.tenant.as_deref();
        for (object, filter) in sources {
            if catalogue.object(object).is_none() {
                continue;
            }
            let bounded = ["sys_user_role", "sys_group_member", "sys_user_territory"].contains(&object);
            for record in store.all(context, object, filter).await? {
                if bounded && !counts_here(&record, tenant) {
                    continue;
                }
                match object {
                    "sys_user_role" if lasts(&record, now_ms, &mut known.boundary_ms) => {
                        known.roles.extend(text(&record, "role"));
                    }
                    "sys_group_member" => known.groups.extend(text(&record, "group")),
                    "sys_user_territory" => known.territories.extend(text(&record, "territory")),
                    "sys_permission_assignment" => {
                        known
                            .assignments
                            .extend(assignment(&record, now_ms, &mut known.boundary_ms));
                    }
                    "sys_team_member" => {
                        known
                            .teams
                            .extend(text(&record, "team_id").or_else(|| text(&record, "team")));
                    }
                    _ => {}
                }
            }
        }
        known.teams = self.teams_here(context, loaded, known.teams, tenant).await?;
        Ok(known)
    }

    /// The teams that belong to the active organisation: what a team has ends at the border of its own.
    async fn teams_here(
        &self,
        context: &Context,
        loaded: &Loaded,
        teams: Vec<String>,
        tenant: Option<&str>,
    ) -> Result<Vec<String>> {
        let teams_object = loaded.model.catalogue.object("sys_team");
        let bounded = teams_object.is_some_and(|object| object.fields.contains_key("organization_id"));
        if teams.is_empty() || !bounded {
            return Ok(teams);
        }
        let Some(tenant) = tenant else {
            return Ok(Vec::new());
        };
        let filter = json!({ "id": { "$in": teams }, "organization_id": tenant });
        let here = self.loader.store.all(context, "sys_team", filter).await?;
        Ok(here.iter().filter_map(|team| text(team, "id")).collect())
    }

    /// The plan of the request's principal for one operation on one object.
    ///
    /// # Errors
    /// As [`State::subject`].
    pub async fn plan(&self, context: &Context, object: &str, operation: Operation) -> Result<Arc<AccessPlan>> {
        let version = self.version()?;
        let key = context.principal_json();
        {
            let memory = self.memory.read();
            let known = memory.principals.get(key).filter(|_| memory.version == version);
            if let Some(plan) = known.and_then(|known| known.plans.get(&operation)?.get(object)) {
                return Ok(Arc::clone(plan));
            }
        }
        let subject = self.subject(context).await?;
        let compiled = self.compile(context, &subject, object, operation).await?;
        let logged = self.loaded(context).await?.model.row_security.logged;
        log_evaluation(logged, &subject, object, operation, &compiled);
        let plan = Arc::new(compiled.plan);
        self.remember(version, key, |known| {
            let plans = known.plans.entry(operation).or_default();
            plans.insert(object.to_owned(), Arc::clone(&plan));
        });
        Ok(plan)
    }

    /// A plan with its steps, made anew.
    ///
    /// # Errors
    /// When the model cannot be read.
    pub async fn compile(
        &self,
        context: &Context,
        subject: &Subject,
        object: &str,
        operation: Operation,
    ) -> Result<Compiled> {
        let loaded = self.loaded(context).await?;
        let compiled = Planner::new(&loaded.model, subject, self.loader.host.now_ms()).plan(object, operation);
        self.holds_until(compiled.boundary_ms);
        Ok(compiled)
    }

    /// Keeps something that was made of facts read after `version` was.
    fn remember(&self, version: u64, key: &[u8], keep: impl FnOnce(&mut Known)) {
        let mut memory = self.memory.write();
        if memory.version != version || memory.principals.len() >= PRINCIPALS_MAX {
            if memory.version > version {
                return;
            }
            memory.principals.clear();
            memory.version = version;
        }
        if !memory.principals.contains_key(key) {
            memory.principals.insert(key.into(), Known::default());
        }
        if let Some(known) = memory.principals.get_mut(key) {
            keep(known);
        }
    }

    /// Whether a subject holds a system permission.
    ///
    /// # Errors
    /// When the model cannot be read.
    pub async fn has_system_permission(&self, context: &Context, subject: &Subject, permission: &str) -> Result<bool> {
        if subject.guest || !subject.system_in_scope(permission) {
            return Ok(false);
        }
        if subject.administrator.is_some() {
            return Ok(true);
        }
        let loaded = self.loaded(context).await?;
        let mut sets = subject.held.iter().filter_map(|held| loaded.model.sets.get(&held.set));
        Ok(sets.any(|set| set.system.contains_key(permission)))
    }
}

/// Says which row policies a plan was made of, where `logEvaluations` or `audit` of the row policies asks for it.
fn log_evaluation(logged: Logged, subject: &Subject, object: &str, operation: Operation, compiled: &Compiled) {
    let granted = compiled.plan.allowed && compiled.rows != Rows::None;
    if !logged.covers(granted) {
        return;
    }
    let about = compiled.steps.iter().filter(|step| step.kind == StepKind::Policy);
    let mut policies: Vec<&str> = about.map(|step| step.name.as_str()).collect();
    policies.dedup();
    if policies.is_empty() {
        return;
    }
    tracing::info!(
        user = subject.id,
        object,
        operation = verb(operation),
        policies = policies.join(", "),
        granted,
        "row policies were evaluated"
    );
}
