//! Why a principal may, or may not, do something: the plan, taken apart, and held against a record.

use objectos_plugin_api::contracts::permissions::{FieldAccess, Operation};
use objectos_plugin_api::{Context, Principal, PrincipalKind, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::catalogue::Catalogue;
use crate::evaluate::{Record, Records, is_among};
use crate::load::text;
use crate::plan::{Compiled, Effect, StepKind, verb};
use crate::records::Live;
use crate::rows::Rows;
use crate::state::State;
use crate::subject::Subject;

/// The question. JSON, camelCase: `{principal? | userId?, tenant?, team?, twoFactor?, object, operation | action, recordId?,
/// change?, field?}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Question {
    /// Whoever it is about, as a request would bring it.
    pub principal: Option<Principal>,
    /// Or the id of a user.
    pub user_id: Option<String>,
    /// And its active organisation.
    pub tenant: Option<String>,
    /// And its active team.
    pub team: Option<String>,
    /// Whether its session showed a second factor; without a word it did when the user has one.
    pub two_factor: Option<bool>,
    /// Name of the object.
    pub object: String,
    /// What is to be done.
    #[serde(alias = "action")]
    pub operation: String,
    /// To which record.
    pub record_id: Option<String>,
    /// What is written to it: then it is decided whether it may be written so.
    pub change: Option<Record>,
    /// To which field.
    pub field: Option<String>,
    /// Whoever asks reaches no further than the organisation of the principal: records of others are not there.
    #[serde(skip)]
    pub within: bool,
}

/// An operation by its name: those of plans and the actions of the protocol.
#[must_use]
pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "read" | "view" | "find" | "get" | "list" => Operation::Read,
        "create" | "insert" => Operation::Create,
        "edit" | "update" => Operation::Update,
        "delete" => Operation::Delete,
        "transfer" => Operation::Transfer,
        "restore" => Operation::Restore,
        "purge" => Operation::Purge,
        _ => return None,
    })
}

/// Whether something may be done, and the reason in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// It may.
    pub allowed: bool,
    /// Why, or why not.
    pub reason: String,
}

/// What is to be decided beside the operation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// About which record; of a new one, what it will be.
    pub record: Option<&'a Record>,
    /// What is written to it.
    pub change: Option<&'a Record>,
    /// About which field.
    pub field: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// About a record.
    #[must_use]
    pub fn of(record: Option<&'a Record>) -> Self {
        Self {
            record,
            ..Self::default()
        }
    }
}

/// Decides about a record, and which steps have it among their rows.
///
/// # Errors
/// Those of looking up other records.
pub async fn decide(
    compiled: &Compiled,
    object: &str,
    operation: Operation,
    asked: Asked<'_>,
    records: &dyn Records,
) -> Result<(Verdict, Vec<Option<bool>>)> {
    let Asked { record, change, field } = asked;
    let mut among = Vec::with_capacity(compiled.steps.len());
    for step in &compiled.steps {
        among.push(match record {
            Some(record) => Some(is_among(&step.rows, record, records).await?),
            None => None,
        });
    }
    let plan = &compiled.plan;
    let refused = |reason: String| Verdict { allowed: false, reason };
    if !plan.allowed {
        let last = compiled.steps.iter().rev().find(|step| step.effect == Effect::Refuses);
        let reason = last.map_or_else(
            || format!("{} of `{object}` is not allowed", verb(operation)),
            |step| step.text.clone(),
        );
        return Ok((refused(reason), among));
    }
    if let Some(record) = record {
        let rows = if operation == Operation::Create {
            &compiled.check
        } else {
            &compiled.rows
        };
        if !is_among(rows, record, records).await? {
            let policy = compiled.steps.iter().zip(&among).find(|(step, among)| {
                step.kind == StepKind::Policy && step.rows != Rows::All && **among == Some(false)
            });
            let reason = match policy {
                Some((step, _)) => format!("{}, and this record is not among them", step.text),
                None => format!(
                    "nothing opens this record for {}: no ownership, rule, share or role does",
                    verb(operation)
                ),
            };
            return Ok((refused(reason), among));
        }
    }
    if let (Some(record), Some(change)) = (record, change)
        && operation != Operation::Create
        && let Some(reason) = unwritable(compiled, operation, record, change, records).await?
    {
        return Ok((refused(reason), among));
    }
    if let Some(field) = field {
        let access = if operation == Operation::Read {
            &plan.readable
        } else {
            &plan.writable
        };
        if !has(access, field) {
            let text = compiled
                .steps
                .iter()
                .find(|step| step.kind == StepKind::Field && step.name.ends_with(&format!(".{field}")));
            let reason = text.map_or_else(
                || format!("the field `{field}` is not open for {}", verb(operation)),
                |step| step.text.clone(),
            );
            return Ok((refused(reason), among));
        }
    }
    let step = compiled.steps.iter().zip(&among).find(|(step, among)| {
        let opens = matches!(step.kind, StepKind::Administrator | StepKind::Grant);
        opens && step.effect == Effect::Allows && **among != Some(false)
    });
    let reason = step.map_or_else(|| "it is allowed".to_owned(), |(step, _)| step.text.clone());
    Ok((Verdict { allowed: true, reason }, among))
}

/// Why a record may not be written so: a field that may not be changed, or what it would be like afterwards.
async fn unwritable(
    compiled: &Compiled,
    operation: Operation,
    record: &Record,
    change: &Record,
    records: &dyn Records,
) -> Result<Option<String>> {
    // Also a value that is there already is one that is written: whoever guesses a hidden one learns nothing.
    if let Some(field) = change.keys().find(|field| !has(&compiled.plan.writable, field)) {
        return Ok(Some(format!("the field `{field}` is not open for {}", verb(operation))));
    }
    let mut after = record.clone();
    after.extend(change.iter().map(|(field, value)| (field.clone(), value.clone())));
    if is_among(&compiled.check, &after, records).await? {
        return Ok(None);
    }
    for step in compiled.steps.iter().filter(|step| step.kind == StepKind::Policy) {
        // The same policy is there twice: for the rows that are there, and for those that are written.
        if step.text.contains("written rows") && !is_among(&step.rows, &after, records).await? {
            return Ok(Some(format!("{}, and this record would not be among them", step.text)));
        }
    }
    Ok(Some(
        "the record as it would be written is not one that may be written".to_owned(),
    ))
}

/// Whether a field is among them.
#[must_use]
pub fn has(access: &FieldAccess, field: &str) -> bool {
    match access {
        FieldAccess::All => true,
        FieldAccess::Except(fields) => field == "id" || !fields.iter().any(|hidden| hidden == field),
        FieldAccess::None => field == "id",
    }
}

/// Whether a record belongs to another organisation than the subject's active one; the data engine keeps those apart.
#[must_use]
pub fn is_foreign(catalogue: &Catalogue, subject: &Subject, object: &str, record: &Record) -> bool {
    let field = catalogue.object(object).and_then(|object| object.tenant.as_ref());
    field.is_some_and(|field| text(record, field) != subject.tenant)
}

/// The whole answer.
///
/// # Errors
/// What the data engine answers.
pub async fn explain(
    state: &State,
    context: &Context,
    subject: &Subject,
    question: &Question,
    operation: Operation,
) -> Result<Value> {
    let compiled = state.compile(context, subject, &question.object, operation).await?;
    let store = &state.loader.store;
    let loaded = state.loaded(context).await?;
    let catalogue = &loaded.model.catalogue;
    let known = catalogue.object(&question.object).is_some();
    let record = match question.record_id.as_ref().filter(|_| known) {
        Some(id) => store.one(context, &question.object, id).await?,
        None => None,
    };
    let record = record.filter(|record| !question.within || !is_foreign(catalogue, subject, &question.object, record));
    let live = Live { store, context };
    let asked = Asked {
        record: record.as_ref(),
        change: question.change.as_ref(),
        field: question.field.as_deref(),
    };
    let (mut verdict, among) = decide(&compiled, &question.object, operation, asked, &live).await?;
    let masked = catalogue
        .object(&question.object)
        .map(|info| info.masked_from(&subject.roles))
        .unwrap_or_default();
    if let Some(field) = asked.field.filter(|field| masked.contains(field))
        && (operation, verdict.allowed) == (Operation::Read, true)
    {
        verdict.reason = format!("only a mask of `{field}` is shown, as the maskingRule of the field says");
    }
    if record
        .as_ref()
        .is_some_and(|record| is_foreign(catalogue, subject, &question.object, record))
    {
        verdict = Verdict {
            allowed: false,
            reason: "the record belongs to another organisation".to_owned(),
        };
    }
    if let (Some(id), None) = (&question.record_id, &record) {
        verdict = Verdict {
            allowed: false,
            reason: format!("there is no record `{id}` of `{}`", question.object),
        };
    }
    let steps: Vec<Value> = compiled
        .steps
        .iter()
        .zip(&among)
        .map(|(step, among)| {
            let mut json = step.to_json();
            if let Some(among) = among {
                json["matches"] = json!(among);
            }
            json
        })
        .collect();
    Ok(json!({
        "allowed": verdict.allowed,
        "reason": verdict.reason,
        "object": question.object,
        "operation": question.operation,
        "recordId": question.record_id,
        "field": question.field,
        "principal": describe(subject),
        "steps": steps,
        "masked": masked,
        "plan": compiled.plan,
    }))
}

/// Who it is about and how it came by its sets.
#[must_use]
pub fn describe(subject: &Subject) -> Value {
    let held = subject.administrator.iter().chain(&subject.held);
    let sets: Vec<Value> = held
        .map(|held| json!({ "name": held.set, "reason": held.reason, "source": held.source.to_json() }))
        .collect();
    json!({
        "id": subject.id,
        "roles": subject.roles,
        "groups": subject.groups,
        "teams": subject.teams,
        "territories": subject.territories,
        "permissionSets": sets,
        "scopes": subject.scopes,
    })
}

/// The principal that a user would have.
#[derive(Clone, Debug)]
pub struct Person {
    /// As a request would bring it.
    pub principal: Principal,
    /// Why no request of theirs brings it.
    pub barred: Option<String>,
}

/// The principal that a user would have: its platform role and, in an organisation, its role there; and what a session says of
/// them, as far as the question leaves it open.
///
/// # Errors
/// What the data engine answers.
pub async fn principal_of(state: &State, context: &Context, user: &str, question: &Question) -> Result<Option<Person>> {
    let store = &state.loader.store;
    let Some(record) = store.one(context, "sys_user", user).await? else {
        return Ok(None);
    };
    let mut roles: Vec<String> = text(&record, "role").into_iter().collect();
    let mut barred = banned(&record, state.loader.host.now_ms());
    let tenant = question.tenant.as_deref();
    if let Some(tenant) = tenant {
        let query = json!({ "where": { "organization_id": tenant, "user_id": user }, "limit": 1 });
        let members = store.some(context, "sys_member", query).await?;
        if members.is_empty() && barred.is_none() {
            barred = Some(format!("the user `{user}` is no member of the organisation `{tenant}`"));
        }
        let held = members
            .first()
            .and_then(|member| text(member, "role"))
            .unwrap_or_default();
        roles.extend(
            held.split(',')
                .map(str::trim)
                .filter(|role| !role.is_empty())
                .map(|role| format!("org:{role}")),
        );
    }
    Ok(Some(Person {
        principal: Principal {
            id: user.to_owned(),
            kind: PrincipalKind::User,
            attributes: session_attributes(&record, question),
            name: text(&record, "name"),
            email: text(&record, "email"),
            tenant: tenant.map(str::to_owned),
            roles,
            ..Principal::default()
        },
        barred,
    }))
}

/// Why a user cannot come in at all.
fn banned(user: &Record, now_ms: i64) -> Option<String> {
    let until = text(user, "ban_expires");
    let over = until
        .as_deref()
        .and_then(crate::moment::read)
        .is_some_and(|end_ms| end_ms <= now_ms);
    let banned = user.get("banned") == Some(&Value::Bool(true)) && !over;
    banned.then(|| match until {
        Some(until) => format!("the account is disabled until {until}"),
        None => "the account is disabled".to_owned(),
    })
}

/// What `auth` says of a session.
fn session_attributes(user: &Record, question: &Question) -> Map<String, Value> {
    let is = |field: &str| user.get(field) == Some(&Value::Bool(true));
    let mut attributes = Map::new();
    attributes.insert("emailVerified".to_owned(), json!(is("email_verified")));
    let two_factor = question.two_factor.unwrap_or_else(|| is("two_factor_enabled"));
    attributes.insert("twoFactor".to_owned(), json!(two_factor));
    let zone = text(user, "timezone").map(|zone| ("timezone", zone));
    let team = question.team.clone().map(|team| ("team", team));
    for (name, value) in zone.into_iter().chain(team) {
        attributes.insert(name.to_owned(), Value::String(value));
    }
    attributes
}
