//! What a field of an answer is, and values on their way between GraphQL and JSON.

use std::collections::HashMap;

use async_graphql::dynamic::{FieldFuture, FieldValue, ResolverContext};
use async_graphql::{Context, Error as GraphError, Name, Value};
use serde_json::{Number, Value as Json};

/// A part of an answer that is known in whole before its fields are asked for.
#[derive(Debug)]
pub(crate) enum Node {
    /// A scalar, or a list of them; null for nothing at all.
    Value(Value),
    /// An object, by the names under which the operation asks for its fields.
    Record(HashMap<String, Node>),
    /// Objects.
    Records(Vec<Node>),
    /// The field failed; null stands in its place.
    Failed(GraphError),
}

impl Node {
    pub(crate) const NULL: Self = Self::Value(Value::Null);
}

/// Tells of a failure at the place of a field, which is null then.
pub(crate) fn fail(context: &Context<'_>, error: GraphError) {
    let error = error.into_server_error(context.item.pos);
    context.add_error(context.set_error_path(error));
}

/// Hands a part over as it is.
pub(crate) fn given<'a>(context: &Context<'_>, node: Node) -> Option<FieldValue<'a>> {
    match node {
        Node::Value(Value::Null) => None,
        Node::Value(value) => Some(FieldValue::value(value)),
        Node::Records(records) => Some(FieldValue::list(records.into_iter().map(FieldValue::owned_any))),
        Node::Failed(error) => {
            fail(context, error);
            None
        }
        record @ Node::Record(_) => Some(FieldValue::owned_any(record)),
    }
}

/// The resolver of every field below the roots: it lies ready in its parent, under the name that the operation gives
/// it.
#[allow(clippy::needless_pass_by_value, reason = "the shape of a resolver")]
pub(crate) fn pick<'a>(context: ResolverContext<'a>) -> FieldFuture<'a> {
    let parent: &'a FieldValue<'a> = context.parent_value;
    let field = context.ctx.field();
    let key = field.alias().unwrap_or_else(|| field.name());
    let found = match parent.downcast_ref::<Node>() {
        Some(Node::Record(fields)) => fields.get(key),
        _ => None,
    };
    FieldFuture::Value(match found {
        None | Some(Node::Value(Value::Null)) => None,
        Some(Node::Value(value)) => Some(FieldValue::value(value.clone())),
        Some(Node::Records(records)) => Some(FieldValue::list(records.iter().map(borrowed))),
        Some(Node::Failed(error)) => {
            fail(context.ctx, error.clone());
            None
        }
        Some(record) => Some(borrowed(record)),
    })
}

fn borrowed(node: &Node) -> FieldValue<'_> {
    FieldValue::borrowed_any(node)
}

/// JSON of a value; names of enums are texts.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Binary(_) => Json::Null,
        Value::Number(number) => Json::Number(number.clone()),
        Value::String(text) => Json::String(text.clone()),
        Value::Boolean(boolean) => Json::Bool(*boolean),
        Value::Enum(name) => Json::String(name.to_string()),
        Value::List(values) => values.iter().map(to_json).collect(),
        Value::Object(map) => Json::Object(
            map.iter()
                .map(|(name, value)| (name.to_string(), to_json(value)))
                .collect(),
        ),
    }
}

/// A value of JSON.
pub(crate) fn to_graph(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(boolean) => Value::Boolean(*boolean),
        Json::Number(number) => Value::Number(Number::clone(number)),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(values) => Value::List(values.iter().map(to_graph).collect()),
        Json::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (Name::new(key), to_graph(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_come_back_as_they_went() {
        let value = json!({ "a": [1, 2.5, -3, "x", true, null], "b": { "c": {} } });
        assert_eq!(to_json(&to_graph(&value)), value);
        assert_eq!(to_json(&Value::Enum(Name::new("software"))), json!("software"));
    }
}
