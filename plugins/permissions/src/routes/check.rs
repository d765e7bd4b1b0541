//! What the caller may do, in the answers of the protocol, and why somebody may or may not.

use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Error, ErrorKind, HttpResponse, Result};
use serde_json::{Map, Value, json};

use super::{Call, ok};
use crate::catalogue::SYSTEM_PREFIX;
use crate::evaluate::Record;
use crate::explain::{self, Asked, Question, decide, has, is_foreign};
use crate::load::Loaded;
use crate::reach::{self, Reach};
use crate::records::Live;
use crate::subject::Subject;

/// Keys of `permissions` in the protocol's answer and what each stands for.
const ACTIONS: [(&str, Operation); 7] = [
    ("allowCreate", Operation::Create),
    ("allowRead", Operation::Read),
    ("allowEdit", Operation::Update),
    ("allowDelete", Operation::Delete),
    ("allowTransfer", Operation::Transfer),
    ("allowRestore", Operation::Restore),
    ("allowPurge", Operation::Purge),
];

fn question(call: &Call) -> Result<Question> {
    if call.request.method() == "POST" {
        return Ok(serde_json::from_value(call.body()?)?);
    }
    Ok(Question {
        object: call.query("object").unwrap_or_default(),
        operation: call
            .query("action")
            .or_else(|| call.query("operation"))
            .unwrap_or_default(),
        record_id: call.query("recordId"),
        field: call.query("field"),
        ..Question::default()
    })
}

fn operation(question: &Question) -> Result<Operation> {
    explain::operation(&question.operation).ok_or_else(|| {
        Error::invalid(format!(
            "`{}` is no action; known are create, read, edit, delete, transfer, restore, purge",
            question.operation
        ))
    })
}

/// `{allowed, reason?}` for the caller. A record that it may not see is answered as one that is not there.
pub(super) async fn check(call: Call) -> Result<HttpResponse> {
    let question = question(&call)?;
    let operation = operation(&question)?;
    let subject = call.subject().await?;
    let compiled = call
        .state
        .compile(&call.context, &subject, &question.object, operation)
        .await?;
    let store = &call.state.loader.store;
    let asked = |record| Asked {
        record,
        change: question.change.as_ref(),
        field: question.field.as_deref(),
    };
    let live = Live {
        store,
        context: &call.context,
    };
    let absent = || json!({ "allowed": false, "reason": "there is no such record, or it is not open to you" });
    let (Some(id), true) = (&question.record_id, compiled.plan.allowed) else {
        let (verdict, _) = decide(&compiled, &question.object, operation, asked(None), &live).await?;
        return answer(verdict.allowed, &verdict.reason);
    };
    let found = store.one(&call.context, &question.object, id).await?;
    let loaded = call.state.loaded(&call.context).await?;
    let here = |record: &Record| !is_foreign(&loaded.model.catalogue, &subject, &question.object, record);
    let Some(record) = found.filter(here) else {
        return ok(&absent());
    };
    if operation != Operation::Read {
        let seen = call
            .state
            .compile(&call.context, &subject, &question.object, Operation::Read)
            .await?;
        let (seen, _) = decide(
            &seen,
            &question.object,
            Operation::Read,
            Asked::of(Some(&record)),
            &live,
        )
        .await?;
        if !seen.allowed {
            return ok(&absent());
        }
    }
    let about = Asked::of(Some(&record));
    let (verdict, _) = decide(&compiled, &question.object, operation, about, &live).await?;
    if operation == Operation::Read && !verdict.allowed {
        return ok(&absent());
    }
    let (verdict, _) = decide(&compiled, &question.object, operation, asked(Some(&record)), &live).await?;
    answer(verdict.allowed, &verdict.reason)
}

/// Why something is allowed names sets, which is nobody's business but the managers'.
fn answer(allowed: bool, reason: &str) -> Result<HttpResponse> {
    ok(&if allowed {
        json!({ "allowed": true })
    } else {
        json!({ "allowed": false, "reason": reason })
    })
}

/// `{object, permissions, fieldPermissions}` of one object.
pub(super) async fn object(call: Call) -> Result<HttpResponse> {
    let name = call.request.parameter("object").to_owned();
    let subject = call.subject().await?;
    let loaded = call.state.loaded(&call.context).await?;
    let Some(info) = loaded.model.catalogue.object(&name) else {
        return Err(Error::not_found(format!("there is no object `{name}`")).with_code("object_not_found"));
    };
    let read = call
        .state
        .compile(&call.context, &subject, &name, Operation::Read)
        .await?
        .plan;
    let edit = call
        .state
        .compile(&call.context, &subject, &name, Operation::Update)
        .await?
        .plan;
    // What somebody may neither read nor write is nobody's business but the managers'.
    let managed = call
        .state
        .has_system_permission(&call.context, &subject, "manage_permissions")
        .await?;
    let open = |field: &&String| {
        managed || (read.allowed && has(&read.readable, field)) || (edit.allowed && has(&edit.writable, field))
    };
    let masked = info.masked_from(&subject.roles);
    let mut names: Vec<&String> = info.fields.keys().filter(open).collect();
    names.sort_unstable();
    let fields: Map<String, Value> = names
        .into_iter()
        .map(|field| {
            let readable = read.allowed && has(&read.readable, field);
            let editable = edit.allowed && has(&edit.writable, field);
            let mut said = json!({ "readable": readable, "editable": editable });
            if readable && masked.contains(field.as_str()) {
                said["masked"] = json!(true);
            }
            (field.clone(), said)
        })
        .collect();
    ok(&json!({
        "object": name,
        "permissions": permissions(&loaded, &subject, &name),
        "fieldPermissions": fields,
    }))
}

/// What the held sets say of an object, added up.
fn permissions(loaded: &Loaded, subject: &Subject, object: &str) -> Value {
    let administrator = subject.administrator.is_some();
    let grants: Vec<_> = subject
        .held
        .iter()
        .filter_map(|held| loaded.model.sets.get(&held.set)?.object(object))
        .collect();
    let mut said: Map<String, Value> = ACTIONS
        .iter()
        .map(|(key, operation)| {
            let granted = administrator || grants.iter().any(|grant| grant.allows(*operation));
            (
                (*key).to_owned(),
                json!(granted && subject.in_scope(object, *operation)),
            )
        })
        .collect();
    let all = |operation: Operation| administrator || grants.iter().any(|grant| grant.unbounded(operation));
    said.insert("viewAllRecords".to_owned(), json!(all(Operation::Read)));
    said.insert("modifyAllRecords".to_owned(), json!(all(Operation::Update)));
    Value::Object(said)
}

/// `{objects, systemPermissions}` of the caller.
pub(super) async fn effective(call: Call) -> Result<HttpResponse> {
    let subject = call.subject().await?;
    let loaded = call.state.loaded(&call.context).await?;
    let mut names: Vec<&str> = loaded.model.catalogue.names().collect();
    names.sort_unstable();
    let any = |permissions: &Value| {
        permissions
            .as_object()
            .is_some_and(|map| map.values().any(|value| *value == true))
    };
    let objects: Map<String, Value> = names
        .into_iter()
        .filter(|name| {
            subject.administrator.is_some() || !name.starts_with(SYSTEM_PREFIX) || {
                let mut sets = subject.held.iter().filter_map(|held| loaded.model.sets.get(&held.set));
                sets.any(|set| set.object(name).is_some())
            }
        })
        .map(|name| (name.to_owned(), permissions(&loaded, &subject, name)))
        .filter(|(_, permissions)| any(permissions))
        .collect();
    let mut system: Vec<String> = subject
        .held
        .iter()
        .filter_map(|held| loaded.model.sets.get(&held.set))
        .flat_map(|set| set.system.keys().cloned())
        .collect();
    if subject.administrator.is_some() {
        system.extend(SYSTEM_PERMISSIONS.map(str::to_owned));
    }
    system.retain(|permission| subject.system_in_scope(permission));
    system.sort_unstable();
    system.dedup();
    ok(&json!({ "objects": objects, "systemPermissions": system }))
}

/// The system permissions of the platform; an administrator holds any other one too.
pub(super) const SYSTEM_PERMISSIONS: [&str; 5] = [
    "manage_platform",
    "manage_users",
    "manage_permissions",
    "view_audit",
    "customize_metadata",
];

/// Why, grant by grant. About oneself and no record it is open to everybody.
pub(super) async fn explain(call: Call) -> Result<HttpResponse> {
    let mut question: Question = serde_json::from_value(call.body()?)?;
    let operation = operation(&question)?;
    let mine = call.subject().await?;
    let about_me = question.principal.is_none() && question.user_id.as_ref().is_none_or(|id| *id == mine.id);
    if !(about_me && question.record_id.is_none()) {
        call.manager().await?;
        keep_within(&call, &mine, &mut question).await?;
    }
    let mut barred = None;
    let principal = match (&question.principal, &question.user_id) {
        (Some(principal), _) => Some(principal.clone()),
        (None, Some(id)) if !about_me => {
            let found = explain::principal_of(&call.state, &call.context, id, &question).await?;
            let missing = || Error::new(ErrorKind::NotFound, format!("there is no user `{id}`"));
            let person = found.ok_or_else(missing)?;
            barred = person.barred;
            Some(person.principal)
        }
        _ => None,
    };
    let subject = match principal {
        Some(principal) => call.state.subject_of(&call.context, &principal).await?,
        None => Subject::clone(&mine),
    };
    let mut answer = explain::explain(&call.state, &call.context, &subject, &question, operation).await?;
    if let Some(reason) = barred {
        answer["allowed"] = json!(false);
        answer["reason"] = json!(reason);
    }
    ok(&answer)
}

/// Whoever reaches no further than their organisation asks about its members, as they are there, and about its records.
async fn keep_within(call: &Call, mine: &Subject, question: &mut Question) -> Result<()> {
    let Reach::Organization(own) = reach::of(&call.state, &call.context, mine).await? else {
        return Ok(());
    };
    let Some(own) = own else {
        return Err(Error::new(
            ErrorKind::Denied,
            "asking about others needs an active organisation or the system permission manage_platform",
        ));
    };
    let named = question.principal.as_ref().map(|principal| principal.id.clone());
    let named = named.or_else(|| question.user_id.clone());
    let tenants = [
        question.tenant.clone(),
        question
            .principal
            .as_ref()
            .and_then(|principal| principal.tenant.clone()),
    ];
    let foreign = tenants.iter().flatten().any(|tenant| *tenant != own);
    if let Some(user) = named.filter(|user| *user != mine.id || foreign) {
        let place = json!({ "where": { "organization_id": own, "user_id": user }, "limit": 1 });
        let found = call.state.loader.store.some(&call.context, "sys_member", place).await?;
        if found.is_empty() || foreign {
            return Err(Error::not_found(format!("there is no user `{user}`")));
        }
    }
    if let Some(principal) = &mut question.principal {
        principal.tenant = Some(own.clone());
    }
    question.tenant = Some(own);
    question.within = true;
    Ok(())
}
