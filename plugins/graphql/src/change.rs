//! The fields of `Mutation`. Each is one call of the service `data`, with all that it does on the way: rights, rules,
//! hooks, events. What is selected of the record comes from its answer where that has it, and else is read.

use std::collections::HashMap;

use async_graphql::{Error as GraphError, Value};
use serde_json::{Map, Value as Json};

use crate::answer;
use crate::failure::{Answered, from_service, invalid};
use crate::input;
use crate::node::Node;
use crate::page;
use crate::plan::{RecordPlan, Wanted};
use crate::root::Question;

type Record = Map<String, Json>;

/// Code of a refusal to read.
const REFUSED: &str = "permission_denied";

fn id_of(record: &Record) -> &str {
    record.get("id").and_then(Json::as_str).unwrap_or_default()
}

/// `createXxx(input)`
pub(crate) async fn create(question: &Question<'_>) -> Answered<Node> {
    let (plan, wanted) = question.record_plan()?;
    let fields = input_of(question)?;
    let made = question.session.create(question.name(), fields).await;
    let made = made.map_err(|error| from_service(&error))?;
    shown(question, &plan, &wanted, made).await
}

/// `createXxxs(inputs)`: all or none.
pub(crate) async fn create_many(question: &Question<'_>) -> Answered<Node> {
    let (plan, wanted) = question.record_plan()?;
    let inputs = question.argument("inputs").map(page::list).unwrap_or_default();
    let record = |input: &Value| input::record(question.model, question.object, input);
    let records = inputs.iter().map(record).collect::<Answered<Vec<Record>>>()?;
    let made = question.session.create_many(question.name(), records).await;
    let mut made = made.map_err(|error| from_service(&error))?;
    if !made.iter().all(|record| holds(question, &wanted, record)) {
        let ids: Vec<String> = made.iter().map(|record| id_of(record).to_owned()).collect();
        let found = question.fetcher().several(&wanted, &ids).await;
        let found = unless_closed(found)?.unwrap_or_default();
        let mut found: HashMap<String, Record> = found
            .into_iter()
            .map(|record| (id_of(&record).to_owned(), record))
            .collect();
        made = ids.iter().filter_map(|id| found.remove(id)).collect();
    }
    let nodes = made
        .iter()
        .map(|record| answer::record(question.model, &wanted, &plan, record));
    Ok(Node::Records(nodes.collect()))
}

/// `updateXxx(id, input, version)`: only if nobody was faster than whoever names a version.
pub(crate) async fn update(question: &Question<'_>) -> Answered<Node> {
    let (plan, wanted) = question.record_plan()?;
    let fields = input_of(question)?;
    let (id, version) = (question.text("id").unwrap_or_default(), question.text("version"));
    let changed = question.session.update(question.name(), &id, fields, version).await;
    let changed = changed.map_err(|error| from_service(&error))?;
    shown(question, &plan, &wanted, changed).await
}

/// `deleteXxx(id, version)` → `{success, message}`
pub(crate) async fn delete(question: &Question<'_>) -> Answered<Node> {
    let (id, version) = (question.text("id").unwrap_or_default(), question.text("version"));
    let deleted = question.session.delete(question.name(), &id, version).await;
    deleted.map_err(|error| from_service(&error))?;
    let selected = question.context.field();
    let fields = selected.selection_set().map(|field| {
        let value = match field.name() {
            "success" => Value::Boolean(true),
            _ => Value::String(format!("record '{id}' of '{}' is deleted", question.name())),
        };
        (crate::plan::key(field), Node::Value(value))
    });
    Ok(Node::Record(fields.collect()))
}

fn input_of(question: &Question<'_>) -> Answered<Record> {
    let input = question
        .argument("input")
        .ok_or_else(|| invalid("'input' is missing"))?;
    input::record(question.model, question.object, input)
}

/// Whether all that is wanted of a record stands in what the service answered.
fn holds(question: &Question<'_>, wanted: &Wanted, record: &Record) -> bool {
    let Some(object) = question.model.objects.get(wanted.object) else {
        return false;
    };
    let mut fields = wanted.fields.iter().map(|place| &object.fields[*place].name);
    wanted.references.is_empty() && wanted.children.is_empty() && fields.all(|name| record.contains_key(name))
}

/// The record after a change; null where the caller may change it and not see it.
async fn shown(question: &Question<'_>, plan: &RecordPlan, wanted: &Wanted, changed: Record) -> Answered<Node> {
    let found = if holds(question, wanted, &changed) {
        Some(changed)
    } else {
        unless_closed(question.fetcher().one(wanted, id_of(&changed)).await)?.flatten()
    };
    Ok(found.map_or(Node::NULL, |found| answer::record(question.model, wanted, plan, &found)))
}

/// What was read after a change; `None` where the caller may make it and not read it. The change stands, so that an
/// error says so: else the caller would try again.
fn unless_closed<T>(found: Answered<T>) -> Answered<Option<T>> {
    let refused = |error: &GraphError| {
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        matches!(code, Some(Value::String(code)) if code == REFUSED)
    };
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if refused(&error) => Ok(None),
        Err(error) => Err(GraphError {
            message: format!("the change was made, and cannot be shown: {}", error.message),
            ..error
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{code_of, refuse};

    #[test]
    fn a_change_that_cannot_be_read_is_made_all_the_same() {
        assert_eq!(unless_closed(Ok(5)).unwrap(), Some(5));
        assert_eq!(unless_closed::<u8>(Err(refuse(REFUSED, "no"))).unwrap(), None);
        let failed = unless_closed::<u8>(Err(refuse("unknown_field", "no such field"))).unwrap_err();
        assert_eq!(code_of(&failed), "unknown_field");
        assert_eq!(
            failed.message,
            "the change was made, and cannot be shown: no such field"
        );
    }
}
