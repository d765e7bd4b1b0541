//! What is said to those whose metadata is not taken.

use objectos_plugin_api::{Error, ErrorKind};
use serde_json::json;

use crate::app::Problem;
use crate::error::DataError;
use crate::metadata::KINDS;
use crate::model::nearest;
use crate::schema::{SchemaPlan, SchemaStep};

fn conflict(message: String) -> Error {
    Error::new(ErrorKind::Conflict, message).with_code("resource_conflict")
}

pub(super) fn no_kind(kind: &str) -> DataError {
    let near = nearest(kind, KINDS.iter().map(|kind| kind.name));
    let hint = near.map(|name| format!("; did you mean '{name}'?")).unwrap_or_default();
    Error::not_found(format!("there is no kind of metadata '{kind}'{hint}"))
        .with_details(&json!({ "type": kind, "suggestion": near }))
        .into()
}

pub(super) fn no_item(kind: &str, name: &str) -> DataError {
    Error::not_found(format!("there is no saved {kind} '{name}'"))
        .with_details(&json!({ "type": kind, "name": name }))
        .into()
}

pub(super) fn no_version(kind: &str, name: &str, number: u64) -> DataError {
    Error::not_found(format!("the {kind} '{name}' has no version {number} that can be used"))
        .with_details(&json!({ "type": kind, "name": name, "version": number }))
        .into()
}

pub(super) fn no_object(kind: &str, name: &str) -> DataError {
    Error::invalid(format!("the definition of the {kind} '{name}' must be an object"))
        .with_code("invalid_format")
        .into()
}

pub(super) fn bad_name(kind: &str, name: &str, remedy: &str) -> DataError {
    Error::invalid(format!("'{name}' is no name for a saved {kind}: {remedy}")).into()
}

pub(super) fn other_name(kind: &str, name: &str) -> DataError {
    Error::invalid(format!(
        "the definition says another name than the address, '{name}'; a {kind} gets a new name by being saved under it"
    ))
    .into()
}

pub(super) fn not_allowed(permission: &str) -> DataError {
    Error::new(
        ErrorKind::Denied,
        format!("changing this metadata needs the permission '{permission}'"),
    )
    .with_details(&json!({ "permission": permission }))
    .into()
}

pub(super) fn owned(kind: &str, name: &str, package: &str, file: &str) -> DataError {
    conflict(format!(
        "the {kind} '{name}' is declared by '{package}', in {}; change it there",
        file.rsplit('/').next().unwrap_or(file)
    ))
    .with_details(&json!({ "type": kind, "name": name, "package": package }))
    .into()
}

pub(super) fn there(kind: &str, name: &str) -> DataError {
    conflict(format!(
        "there is a {kind} '{name}' already; give the new one another name"
    ))
    .with_details(&json!({ "type": kind, "name": name }))
    .into()
}

pub(super) fn stale(kind: &str, name: &str, current_version: Option<u64>) -> DataError {
    let message = match current_version {
        Some(number) => {
            format!("the {kind} '{name}' was changed by somebody else, it is version {number} now; read it again")
        }
        None => format!("the {kind} '{name}' is not there any more; read it again"),
    };
    Error::new(ErrorKind::Conflict, message)
        .with_code("concurrent_modification")
        .with_details(&json!({ "type": kind, "name": name, "currentVersion": current_version }))
        .into()
}

fn issues(problems: &[Problem]) -> Vec<serde_json::Value> {
    let errors = problems.iter().filter(|problem| problem.is_error());
    errors
        .map(|problem| {
            json!({
                "path": problem.path,
                "message": problem.message,
                "suggestion": problem.suggestion,
                "hint": problem.hint,
            })
        })
        .collect()
}

fn first(problems: &[Problem]) -> String {
    let mut errors = problems.iter().filter(|problem| problem.is_error());
    let Some(first) = errors.next() else {
        return "it does not go together with the rest".to_owned();
    };
    let path = if first.path.is_empty() {
        String::new()
    } else {
        format!("{}: ", first.path)
    };
    let suggestion = first
        .suggestion
        .as_ref()
        .map(|name| format!("; did you mean '{name}'?"));
    let more = match errors.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    format!("{path}{}{}{more}", first.message, suggestion.unwrap_or_default())
}

pub(super) fn wrong(kind: &str, name: &str, problems: &[Problem]) -> DataError {
    Error::invalid(format!("the {kind} '{name}' cannot be used: {}", first(problems)))
        .with_details(&json!({ "type": kind, "name": name, "issues": issues(problems) }))
        .into()
}

pub(super) fn in_use(kind: &str, name: &str, problems: &[Problem]) -> DataError {
    conflict(format!(
        "the {kind} '{name}' is still needed by others: {}",
        first(problems)
    ))
    .with_details(&json!({ "type": kind, "name": name, "issues": issues(problems) }))
    .into()
}

pub(super) fn unreadable(problems: &[Problem]) -> DataError {
    Error::invalid(first(problems)).into()
}

pub(super) fn obstructed(plan: &SchemaPlan) -> DataError {
    conflict(plan.obstacles.join("; "))
        .with_details(&json!({ "plan": { "obstacles": plan.obstacles } }))
        .into()
}

pub(super) fn loses_data(plan: &SchemaPlan, harmful: &[&SchemaStep]) -> DataError {
    let lost: Vec<String> = harmful.iter().map(ToString::to_string).collect();
    let added: Vec<String> = plan.additive.iter().map(ToString::to_string).collect();
    conflict(format!(
        "the change would lose data: {}; send it with ?loseData=true if that is meant",
        lost.join(", ")
    ))
    .with_details(&json!({ "plan": { "additive": added, "destructive": lost } }))
    .into()
}
