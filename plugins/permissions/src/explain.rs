//! Why a principal may, or may not, do something: the plan, taken apart, and held against a record.

use objectos_plugin_api::contracts::permissions::{FieldAccess, Operation};
use objectos_plugin_api::{Context, Principal, PrincipalKind, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::catalogue::Catalogue;
use crate::evaluate::{Record, Records, is_among};
use crate::load::text;
use crate::plan::{Compiled, Effect, StepKind, verb};
use crate::records::{Live, Store};
use crate::rows::Rows;
use crate::state::State;
use crate::subject::Subject;

/// The question. JSON, camelCase: `{principal? | userId?, tenant?, object, operation | action, recordId?, field?}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Question {
    /// Whoever it is about, as a request would bring it.
    pub principal: Option<Principal>,
    /// Or the id of a user.
    pub user_id: Option<String>,
    /// And its active organisation.
    pub tenant: Option<String>,
    /// Name of the object.
    pub object: String,
    /// What is to be done.
    #[serde(alias = "action")]
    pub operation: String,
    /// To which record.
    pub record_id: Option<String>,
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

/// Decides about a record, and which steps have it among their rows.
///
/// # Errors
/// Those of looking up other records.
pub async fn decide(
    compiled: &Compiled,
    object: &str,
    operation: Operation,
    record: Option<&Record>,
    field: Option<&str>,
    records: &dyn Records,
) -> Result<(Verdict, Vec<Option<bool>>)> {
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
    let record = match &question.record_id {
        Some(id)
            if state
                .loaded(context)
                .await?
                .model
                .catalogue
                .object(&question.object)
                .is_some() =>
        {
            store.one(context, &question.object, id).await?
        }
        _ => None,
    };
    let loaded = state.loaded(context).await?;
    let catalogue = &loaded.model.catalogue;
    let record = record.filter(|record| !question.within || !is_foreign(catalogue, subject, &question.object, record));
    let live = Live { store, context };
    let field = question.field.as_deref();
    let (mut verdict, among) = decide(&compiled, &question.object, operation, record.as_ref(), field, &live).await?;
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

/// The principal that a user would have: its platform role and, in an organisation, its role there.
///
/// # Errors
/// What the data engine answers.
pub async fn principal_of(
    store: &Store,
    context: &Context,
    user: &str,
    tenant: Option<&str>,
) -> Result<Option<Principal>> {
    let Some(record) = store.one(context, "sys_user", user).await? else {
        return Ok(None);
    };
    let mut roles: Vec<String> = text(&record, "role").into_iter().collect();
    if let Some(tenant) = tenant {
        let query = json!({ "where": { "organization_id": tenant, "user_id": user }, "limit": 1 });
        let members = store.some(context, "sys_member", query).await?;
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
    let zone = text(&record, "timezone").map(|zone| ("timezone".to_owned(), Value::String(zone)));
    Ok(Some(Principal {
        id: user.to_owned(),
        kind: PrincipalKind::User,
        attributes: zone.into_iter().collect(),
        name: text(&record, "name"),
        email: text(&record, "email"),
        tenant: tenant.map(str::to_owned),
        roles,
        ..Principal::default()
    }))
}
