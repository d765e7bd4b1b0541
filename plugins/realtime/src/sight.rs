//! What somebody may read, asked of those who answer REST. A record is read through `data` as that principal, so tenant, rows,
//! fields and masks are those of `GET /api/v1/data/{object}/{id}`. Who sees the same (the same principal, whatever the session)
//! shares an answer, and one question: it holds for a moment, and for an event only when it was put after the event arrived.
//!
//! That a record is gone, those may hear who can still see it in the bin, or whose access plan lets its last state through. Of
//! a plan only what is certain is decided here (`certain`); the audit trail withholds values of records that are gone in the
//! same way.
//!
//! Whoever may not read an object is not read for: a refusal would be told as `security.access_denied`.

mod certain;

use objectos_plugin_api::{
    Error, ErrorKind, Host, PrincipalKind,
    contracts::{
        data::{DataClient, FindRequest, GetRequest},
        permissions::{AccessPlan, AccessRequest, FieldAccess, Operation, PermissionsClient, SystemPermissionRequest},
    },
};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::OnceCell;

use crate::{
    catalog::{Catalog, ObjectFacts},
    error::{RealtimeError, Result},
    news::Reader,
    session::{Who, declared},
};

const SERVICE: &str = "permissions";
/// How long an answer holds, milliseconds.
const HOLDS_MS: i64 = 250;
/// Answers that are remembered.
const ANSWERS_MAX: usize = 20_000;

/// A record as somebody sees it; an empty one stands for a yes.
type Seen = Option<Arc<Map<String, Value>>>;
/// Who sees, and what is asked.
type Question = (Arc<[u8]>, String);

/// A question that was put, and its answer as soon as it is there.
#[derive(Debug)]
struct Answer {
    /// The latest news when it was put.
    number: u64,
    at_ms: i64,
    seen: OnceCell<Seen>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Sight {
    host: Host,
    data: DataClient,
    permissions: PermissionsClient,
    pub(crate) catalog: Catalog,
    /// News that arrived so far.
    arrived: AtomicU64,
    answers: Mutex<HashMap<Question, Arc<Answer>>>,
}

impl Sight {
    pub(crate) fn new(host: &Host) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            data: DataClient::open(host)?,
            permissions: PermissionsClient::open(host)?,
            catalog: Catalog::new(host)?,
            arrived: AtomicU64::new(0),
            answers: Mutex::default(),
        })
    }

    /// The number of news that just arrived.
    pub(crate) fn arrive(&self) -> u64 {
        self.arrived.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// A record as somebody sees it; `None` when it is not there for them. `number`: of the news that ask for it, 0 for none.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(crate) async fn record(&self, who: &Who, (object, id): (&str, &str), number: u64) -> Result<Seen> {
        let question = (Arc::clone(&who.view), format!("record {object}/{id}"));
        self.asked(question, number, self.read(who, object, id)).await
    }

    /// Whether somebody may hear that a record is gone.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(crate) async fn gone(&self, who: &Who, gone: Gone<'_>, number: u64) -> Result<bool> {
        let question = (
            Arc::clone(&who.view),
            format!("gone {number} {}/{}", gone.object, gone.record),
        );
        let asked = async { Ok::<Seen, RealtimeError>(self.may_hear(who, gone).await?.then(Arc::default)) };
        Ok(self.asked(question, number, asked).await?.is_some())
    }

    /// Whether somebody may read an event that is no record's. `tenant` is the event's.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(crate) async fn reads(&self, who: &Who, reader: Reader, tenant: Option<&str>) -> Result<bool> {
        match reader {
            Reader::Platform => self.holds(who, "manage_platform").await,
            Reader::Trail => {
                let own = tenant.is_some() && tenant == who.tenant();
                Ok(self.holds(who, "view_audit").await? && (own || self.holds(who, "manage_platform").await?))
            }
        }
    }

    /// Whether somebody may read records of an object at all.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(crate) async fn reads_object(&self, who: &Who, object: &str) -> Result<bool> {
        Ok(self.plan(who, object).await?.is_some_and(|plan| plan.allowed))
    }

    /// Answers from memory, or asks. Of those who want the same at the same moment one asks.
    async fn asked(&self, question: Question, number: u64, ask: impl Future<Output = Result<Seen>>) -> Result<Seen> {
        let now_ms = self.host.now_ms();
        let answer = {
            let mut answers = self.answers.lock();
            let holds = |answer: &Answer| answer.number >= number && now_ms - answer.at_ms < HOLDS_MS;
            match answers.get(&question).filter(|answer| holds(answer)) {
                Some(answer) => Arc::clone(answer),
                None => {
                    if answers.len() >= ANSWERS_MAX {
                        answers.retain(|_, answer| now_ms - answer.at_ms < HOLDS_MS);
                    }
                    if answers.len() >= ANSWERS_MAX {
                        answers.clear();
                    }
                    let answer = Arc::new(Answer {
                        number: self.arrived.load(Ordering::SeqCst),
                        at_ms: now_ms,
                        seen: OnceCell::new(),
                    });
                    answers.insert(question, Arc::clone(&answer));
                    answer
                }
            }
        };
        answer.seen.get_or_try_init(|| ask).await.cloned()
    }

    /// Forgets answers whose time is over. To be called now and then.
    pub(crate) fn forget(&self) {
        let now_ms = self.host.now_ms();
        self.answers.lock().retain(|_, answer| now_ms - answer.at_ms < HOLDS_MS);
    }

    async fn read(&self, who: &Who, object: &str, id: &str) -> Result<Seen> {
        if !self.reads_object(who, object).await? {
            return Ok(None);
        }
        let request = GetRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            fields: Vec::new(),
        };
        let request = serde_json::to_vec(&request).map_err(Error::internal)?;
        match self.data.get(&who.asking(), &request).await {
            Ok(answer) => {
                let answer: Value = serde_json::from_slice(&answer).map_err(Error::from)?;
                Ok(answer["record"].as_object().cloned().map(Arc::new))
            }
            Err(error) if hides(error.kind()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn may_hear(&self, who: &Who, gone: Gone<'_>) -> Result<bool> {
        let (Some(plan), Some(facts)) = (
            self.plan(who, gone.object).await?,
            self.catalog.object(gone.object).await?,
        ) else {
            return Ok(false);
        };
        if !facts.open || !plan.allowed || plan.readable == FieldAccess::None {
            return Ok(false);
        }
        if gone.binned && facts.bin && self.in_bin(who, gone).await? {
            return Ok(true);
        }
        if !self.is_of_tenant(who, gone, facts) {
            return Ok(false);
        }
        Ok(match &plan.filter {
            None => true,
            Some(filter) => certain::holds(filter, gone.before) == Some(true),
        })
    }

    /// Records of tenants are for those who work there; without one, for those who work nowhere.
    fn is_of_tenant(&self, who: &Who, gone: Gone<'_>, facts: ObjectFacts) -> bool {
        !facts.tenancy || gone.tenant == who.tenant() || (who.tenant().is_none() && !self.decides())
    }

    async fn in_bin(&self, who: &Who, gone: Gone<'_>) -> Result<bool> {
        let query = json!({
            "fields": ["id"], "where": { "id": gone.record }, "limit": 1, "count": false, "deleted": "only",
        });
        let request = FindRequest {
            object: gone.object.to_owned(),
            query: query.as_object().cloned().unwrap_or_default(),
        };
        let request = serde_json::to_vec(&request).map_err(Error::internal)?;
        match self.data.find(&who.asking(), &request).await {
            Ok(answer) => {
                let answer: Value = serde_json::from_slice(&answer).map_err(Error::from)?;
                Ok(answer["records"].as_array().is_some_and(|records| !records.is_empty()))
            }
            // No bin to look into, or not for this caller.
            Err(error) if hides(error.kind()) || error.kind() == ErrorKind::Invalid => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether somebody decides about access here.
    fn decides(&self) -> bool {
        declared(&self.host, self.permissions.reference(), SERVICE)
    }

    /// What somebody may read of an object; `None` where nobody decides, but for whoever sits at this machine: they may all.
    async fn plan(&self, who: &Who, object: &str) -> Result<Option<AccessPlan>> {
        if !self.decides() {
            return Ok((who.principal.kind == PrincipalKind::Local).then(|| AccessPlan {
                allowed: true,
                readable: FieldAccess::All,
                ..AccessPlan::default()
            }));
        }
        let request = AccessRequest {
            object: object.to_owned(),
            operation: Operation::Read,
        };
        match self.permissions.access_plan(&who.asking(), &request).await {
            Ok(plan) => Ok(Some(plan)),
            Err(error) if hides(error.kind()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn holds(&self, who: &Who, permission: &str) -> Result<bool> {
        if !self.decides() {
            return Ok(who.principal.kind == PrincipalKind::Local);
        }
        let question = (Arc::clone(&who.view), format!("permission {permission}"));
        let request = SystemPermissionRequest {
            permission: permission.to_owned(),
        };
        let asked = async {
            let context = who.asking();
            let holds = self.permissions.has_system_permission(&context, &request).await?;
            Ok::<Seen, RealtimeError>(holds.then(Arc::default))
        };
        let number = self.arrived.load(Ordering::SeqCst);
        Ok(self.asked(question, number, asked).await?.is_some())
    }
}

/// A record that is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone<'a> {
    pub(crate) object: &'a str,
    pub(crate) record: &'a str,
    pub(crate) before: &'a Map<String, Value>,
    pub(crate) tenant: Option<&'a str>,
    /// It may be in the bin.
    pub(crate) binned: bool,
}

/// To whom it answers so, it is not there.
fn hides(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::NotImplemented | ErrorKind::Vetoed
    )
}
