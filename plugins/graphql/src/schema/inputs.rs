//! What clients send: filters, orders, groups, figures and records.

use async_graphql::dynamic::{Enum, InputObject, InputValue, SchemaBuilder, TypeRef};
use async_graphql::{Name, Value};

use crate::input::{creatable, updatable};
use crate::model::{FieldModel, Kind, Model, ObjectModel};

const EQUAL: [&str; 2] = ["eq", "ne"];
const ORDER: [&str; 4] = ["gt", "gte", "lt", "lte"];
const AMONG: [&str; 2] = ["in", "notIn"];
const PRESENT: [&str; 2] = ["isNull", "isNotNull"];
/// Figures of the engine.
const FUNCTIONS: [&str; 8] = [
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "count_distinct",
    "array_agg",
    "string_agg",
];

/// Registers what is the same for all objects.
pub(super) fn register_shared(mut builder: SchemaBuilder) -> SchemaBuilder {
    for kind in ["Float", "Currency", "Date", "DateTime", "Time", "JSON"] {
        builder = builder.register(compared(kind, &[]));
    }
    builder = builder.register(compared("String", &["contains", "startsWith", "endsWith"]));
    builder = builder.register(compared("ID", &["startsWith"]));
    builder = builder.register(operators("BooleanFilter", "Boolean", &[&EQUAL]));
    builder = builder.register(operators("StringListFilter", "String", &[&["contains"]]));
    builder = builder.register(operators("IDListFilter", "ID", &[&["contains"]]));
    builder = builder.register(operators("PresenceFilter", "JSON", &[]));
    builder = builder.register(Enum::new("SortDirection").items(["ASC", "DESC"]));
    builder = builder.register(Enum::new("AggregateFunction").items(FUNCTIONS));
    let text = |name: &str| InputValue::new(name, TypeRef::named(TypeRef::STRING));
    let field =
        || InputValue::new("field", TypeRef::named_nn(TypeRef::STRING)).description("A field, or a path: account.name");
    let direction = InputValue::new("direction", TypeRef::named("SortDirection"));
    let direction = direction.default_value(Value::Enum(Name::new("ASC")));
    builder = builder.register(InputObject::new("SortInput").field(field()).field(direction));
    builder = builder.register(
        InputObject::new("GroupInput")
            .field(field())
            .field(text("granularity").description("year, quarter, month, week, day, hour, minute or second"))
            .field(text("timezone").description("In which days begin: Europe/Berlin"))
            .field(text("alias")),
    );
    builder.register(
        InputObject::new("AggregationInput")
            .field(InputValue::new("function", TypeRef::named_nn("AggregateFunction")))
            .field(text("field").description("None for a count of records"))
            .field(text("alias"))
            .field(InputValue::new("distinct", TypeRef::named(TypeRef::BOOLEAN))),
    )
}

/// The filter of a scalar whose values have an order.
fn compared(scalar: &str, more: &[&str]) -> InputObject {
    operators(&format!("{scalar}Filter"), scalar, &[&EQUAL, &ORDER, &AMONG, more])
}

/// A filter with these operators, and those that ask whether there is a value.
fn operators(name: &str, scalar: &str, groups: &[&[&str]]) -> InputObject {
    let mut filter = InputObject::new(name);
    for operator in groups.iter().copied().flatten() {
        let kind = if AMONG.contains(operator) {
            TypeRef::named_nn_list(scalar)
        } else {
            TypeRef::named(scalar)
        };
        filter = filter.field(InputValue::new(*operator, kind));
    }
    for operator in PRESENT {
        filter = filter.field(InputValue::new(operator, TypeRef::named(TypeRef::BOOLEAN)));
    }
    filter
}

/// Registers an object's filter, those of its choices, and its inputs.
pub(super) fn register(mut builder: SchemaBuilder, model: &Model, object: &ObjectModel) -> SchemaBuilder {
    for choices in object.fields.iter().filter_map(|field| field.choices.as_ref()) {
        let name = choice_filter(&choices.type_name);
        builder = builder.register(operators(&name, &choices.type_name, &[&EQUAL, &AMONG]));
    }
    builder = builder.register(filter(model, object));
    builder = builder.register(record(object.type_of("CreateInput"), creatable(object)));
    if object.fields.iter().any(|field| !field.readonly) {
        builder = builder.register(record(object.type_of("UpdateInput"), updatable(object)));
    }
    builder
}

/// GraphQL's own names never end so: a name with `__` within it is given to nobody else.
fn choice_filter(type_name: &str) -> String {
    format!("{type_name}__Filter")
}

fn filter(model: &Model, object: &ObjectModel) -> InputObject {
    let own = object.type_of("Filter");
    let mut filter = InputObject::new(&own)
        .field(InputValue::new("and", TypeRef::named_nn_list(own.as_str())).description("All of these"))
        .field(InputValue::new("or", TypeRef::named_nn_list(own.as_str())).description("One of these"))
        .field(InputValue::new("not", TypeRef::named(own.as_str())).description("Not this"));
    for field in &object.fields {
        if !field.secret {
            let kind = match &field.choices {
                Some(choices) => choice_filter(&choices.type_name),
                None => field.kind.filter(field.list).to_owned(),
            };
            filter = filter.field(InputValue::new(&field.value_name, TypeRef::named(kind)));
        }
        let target = field.target.and_then(|target| model.objects.get(target));
        if let (Some(name), Some(target)) = (&field.record_name, target) {
            filter = filter.field(InputValue::new(name, TypeRef::named(target.type_of("Filter"))));
        }
    }
    filter
}

/// The input of a record. Nothing is required by its type: the engine knows what is, fills in defaults, and names every
/// field that is wrong at once.
fn record<'f>(name: String, fields: impl Iterator<Item = &'f FieldModel>) -> InputObject {
    let mut input = InputObject::new(name);
    for field in fields {
        let scalar = match &field.choices {
            Some(choices) => choices.type_name.as_str(),
            // A file is told by its id, or by what an upload answered.
            None if field.kind == Kind::Media => "JSON",
            None => field.kind.scalar(),
        };
        let kind = if field.list {
            TypeRef::named_list(scalar)
        } else {
            TypeRef::named(scalar)
        };
        let value = InputValue::new(&field.value_name, kind);
        let value = if field.description.is_empty() {
            value
        } else {
            value.description(&field.description)
        };
        input = input.field(value);
    }
    input
}
