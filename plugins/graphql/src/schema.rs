//! The types that clients see, made of the model. Every field below the roots only picks its part of what its root
//! read.

mod inputs;
mod records;
mod scalars;

use std::sync::Arc;

use async_graphql::dynamic::{
    Enum, Field, FieldFuture, InputValue, Object, Schema, SchemaBuilder, SchemaError, TypeRef,
};

use crate::config::Limits;
use crate::model::{Model, ObjectModel, Root, RootKind};
use crate::node::pick;
use crate::root;

/// Makes the schema.
///
/// # Errors
/// When the model has names that no schema may have; `names` sees to it that it has none.
pub(crate) fn build(model: &Arc<Model>, limits: &Limits) -> Result<Schema, SchemaError> {
    let mutation = (!model.mutations.is_empty()).then_some("Mutation");
    let mut builder = Schema::build("Query", mutation, None);
    builder = scalars::register(builder);
    builder = inputs::register_shared(builder);
    for object in &model.objects {
        builder = records::register(builder, model, object);
        builder = inputs::register(builder, model, object);
    }
    builder = builder.register(result_type());
    builder = roots(builder, model, limits);
    if !limits.introspection {
        // A suggestion tells a name.
        builder = builder.disable_introspection().disable_suggestions();
    }
    builder.finish()
}

fn result_type() -> Object {
    let field = |name: &str, scalar: &str| Field::new(name, TypeRef::named_nn(scalar), pick);
    Object::new("MutationResult")
        .description("What became of a change")
        .field(field("success", TypeRef::BOOLEAN))
        .field(field("message", TypeRef::STRING))
}

/// `Query` and `Mutation`.
fn roots(builder: SchemaBuilder, model: &Arc<Model>, limits: &Limits) -> SchemaBuilder {
    let mut query = Object::new("Query");
    for (name, root) in sorted(&model.queries) {
        query = query.field(root_field(name, *root, model, limits));
    }
    if model.queries.is_empty() {
        // GraphQL knows no type without fields.
        let kind = TypeRef::named(TypeRef::BOOLEAN);
        query = query.field(Field::new("nothing", kind, |_| FieldFuture::Value(None)));
    }
    let mut mutation = Object::new("Mutation");
    for (name, root) in sorted(&model.mutations) {
        mutation = mutation.field(root_field(name, *root, model, limits));
    }
    let builder = builder.register(query);
    if model.mutations.is_empty() {
        builder
    } else {
        builder.register(mutation)
    }
}

/// In the order of their names, so that the same metadata makes the same schema.
fn sorted(roots: &std::collections::HashMap<String, Root>) -> Vec<(&String, &Root)> {
    let mut all: Vec<(&String, &Root)> = roots.iter().collect();
    all.sort_by(|left, right| left.0.cmp(right.0));
    all
}

fn root_field(name: &str, root: Root, model: &Arc<Model>, limits: &Limits) -> Field {
    let object = &model.objects[root.object];
    let (known, pages) = (Arc::clone(model), limits.pages);
    let field = Field::new(name, root_type(root.kind, object), move |context| {
        root::resolve(context, Arc::clone(&known), pages, root)
    });
    let required = |name: &str, kind: &str| InputValue::new(name, TypeRef::named_nn(kind));
    let optional = |name: &str, kind: &str| InputValue::new(name, TypeRef::named(kind));
    match root.kind {
        RootKind::Find => records::page_arguments(field, object)
            .argument(optional("cursor", TypeRef::STRING).description("nextCursor of the page before"))
            .argument(optional("search", TypeRef::STRING).description("Words to look for")),
        RootKind::Get => field.argument(required("id", TypeRef::ID)),
        RootKind::Aggregate => field
            .argument(InputValue::new("groupBy", TypeRef::named_nn_list("GroupInput")))
            .argument(InputValue::new(
                "aggregations",
                TypeRef::named_nn_list("AggregationInput"),
            ))
            .argument(optional("filter", &object.type_of("Filter")))
            .argument(
                InputValue::new("sort", TypeRef::named_nn_list("SortInput")).description("By names of the answer"),
            )
            .argument(optional("limit", TypeRef::INT))
            .argument(optional("offset", TypeRef::INT)),
        RootKind::Create => field.argument(required("input", &object.type_of("CreateInput"))),
        RootKind::CreateMany => {
            let inputs = TypeRef::named_nn_list_nn(object.type_of("CreateInput"));
            field.argument(InputValue::new("inputs", inputs).description("All are made, or none"))
        }
        RootKind::Update => field
            .argument(required("id", TypeRef::ID))
            .argument(required("input", &object.type_of("UpdateInput")))
            .argument(version()),
        RootKind::Delete => field.argument(required("id", TypeRef::ID)).argument(version()),
    }
}

fn version() -> InputValue {
    InputValue::new("version", TypeRef::named(TypeRef::STRING))
        .description("updated_at or version of the record that is meant; another one in the store is a conflict")
}

fn root_type(kind: RootKind, object: &ObjectModel) -> TypeRef {
    let own = object.type_name.as_str();
    match kind {
        RootKind::Find => TypeRef::named(object.type_of("Connection")),
        RootKind::Get | RootKind::Create | RootKind::Update => TypeRef::named(own),
        RootKind::CreateMany => TypeRef::named_nn_list(own),
        RootKind::Aggregate => TypeRef::named_nn_list("JSONObject"),
        RootKind::Delete => TypeRef::named("MutationResult"),
    }
}

/// The enums of an object's choices.
fn enums(object: &ObjectModel) -> impl Iterator<Item = Enum> {
    let choices = object.fields.iter().filter_map(|field| field.choices.as_ref());
    choices.map(|choices| {
        let items = choices.list.iter().map(|choice| {
            let item = async_graphql::dynamic::EnumItem::new(&choice.name);
            item.description(&choice.label)
        });
        Enum::new(&choices.type_name).items(items)
    })
}

#[cfg(test)]
mod tests;
