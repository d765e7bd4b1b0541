//! The types of records and of lists of them.

use async_graphql::dynamic::{Field, InputValue, Object, SchemaBuilder, TypeRef};

use super::enums;
use crate::model::{FieldModel, Model, ObjectModel};
use crate::node::pick;

/// Registers an object's type, its connection and its enums.
pub(super) fn register(builder: SchemaBuilder, model: &Model, object: &ObjectModel) -> SchemaBuilder {
    let mut record = Object::new(&object.type_name);
    if !object.description.is_empty() {
        record = record.description(&object.description);
    }
    for field in &object.fields {
        record = record.field(described(Field::new(&field.value_name, value_type(field), pick), field));
        let target = field.target.and_then(|target| model.objects.get(target));
        if let (Some(name), Some(target)) = (&field.record_name, target) {
            let own = target.type_name.as_str();
            let kind = if field.list {
                TypeRef::named_nn_list(own)
            } else {
                TypeRef::named(own)
            };
            record = record.field(described(Field::new(name, kind, pick), field));
        }
    }
    for child in &object.children {
        let Some(theirs) = model.objects.get(child.object) else {
            continue;
        };
        let list = Field::new(&child.name, TypeRef::named(theirs.type_of("Connection")), pick);
        let list = list.description(format!(
            "Records of '{}' whose '{}' is this one",
            theirs.name, child.via
        ));
        record = record.field(page_arguments(list, theirs));
    }
    let builder = builder.register(record).register(connection(object));
    enums(object).fold(builder, |builder, choices| builder.register(choices))
}

fn described(out: Field, field: &FieldModel) -> Field {
    if field.description.is_empty() {
        out
    } else {
        out.description(&field.description)
    }
}

/// The type of a field's value in answers. Nothing is promised to be there: whoever may not see a value gets null.
fn value_type(field: &FieldModel) -> TypeRef {
    let name = match &field.choices {
        Some(choices) => choices.type_name.as_str(),
        None => field.kind.scalar(),
    };
    if field.list {
        TypeRef::named_list(name)
    } else {
        TypeRef::named(name)
    }
}

fn connection(object: &ObjectModel) -> Object {
    let field = |name: &str, kind: TypeRef, text: &str| Field::new(name, kind, pick).description(text);
    Object::new(object.type_of("Connection"))
        .field(field(
            "data",
            TypeRef::named_nn_list(object.type_name.as_str()),
            "The records of this page",
        ))
        .field(field(
            "totalCount",
            TypeRef::named(TypeRef::INT),
            "How many there are in all; counted only when it is asked for",
        ))
        .field(field(
            "pageSize",
            TypeRef::named(TypeRef::INT),
            "Records of a page at most",
        ))
        .field(field(
            "offset",
            TypeRef::named(TypeRef::INT),
            "Records before this page",
        ))
        .field(field(
            "hasMore",
            TypeRef::named(TypeRef::BOOLEAN),
            "Whether more come after this page",
        ))
        .field(field(
            "nextCursor",
            TypeRef::named(TypeRef::STRING),
            "Where the next page begins; null for lists within records",
        ))
}

/// The arguments of every list of an object.
pub(super) fn page_arguments(field: Field, object: &ObjectModel) -> Field {
    let argument = |name: &str, kind: TypeRef| InputValue::new(name, kind);
    field
        .argument(argument("filter", TypeRef::named(object.type_of("Filter"))))
        .argument(argument("sort", TypeRef::named_nn_list("SortInput")))
        .argument(argument("limit", TypeRef::named(TypeRef::INT)))
        .argument(argument("offset", TypeRef::named(TypeRef::INT)))
}
