//! Logic and null: all but ISNUMBER and BOOLEAN are special forms.

use super::Parameter::{Any, Boolean};
use super::arguments::Answer;
use super::{Context, Form, Function, Special, Sql};
use crate::number;
use crate::types::Type;
use crate::value::Value;

const fn special(
    name: &'static str,
    signature: &'static str,
    summary: &'static str,
    parameters: &'static [super::Parameter],
    special: Special,
) -> Function {
    Function::of(name, signature, summary, parameters, Form::Special(special))
}

pub(super) static FUNCTIONS: &[Function] = &[
    special(
        "IF",
        "IF(condition, then, [else])",
        "`then` if the condition is true, else `else` (null if left out)",
        &[Boolean, Any, Any],
        Special::If,
    )
    .required(2),
    special(
        "IFS",
        "IFS(condition, value, ..., [else])",
        "the value after the first condition that is true",
        &[Any, Any],
        Special::Ifs,
    )
    .repeated(1),
    special(
        "CASE",
        "CASE(subject, value, result, ..., [else])",
        "the result after the first value that equals the subject",
        &[Any, Any, Any],
        Special::Case,
    )
    .aliases(&["SWITCH"])
    .repeated(1),
    special(
        "AND",
        "AND(condition, ...)",
        "true if all are true; false if one is false, else null if one is null",
        &[Boolean],
        Special::And,
    )
    .repeated(1),
    special(
        "OR",
        "OR(condition, ...)",
        "true if one is true; else null if one is null",
        &[Boolean],
        Special::Or,
    )
    .repeated(1),
    Function::of(
        "XOR",
        "XOR(condition, ...)",
        "whether an odd number of them is true; null if one is null",
        &[Boolean],
        Form::Kernel(xor),
    )
    .repeated(1)
    .returns(Type::Boolean)
    .sql(Sql::Exact),
    special(
        "NOT",
        "NOT(condition)",
        "the opposite; null stays null",
        &[Boolean],
        Special::Not,
    ),
    special(
        "COALESCE",
        "COALESCE(value, ...)",
        "the first value that is not null",
        &[Any],
        Special::Coalesce,
    )
    .aliases(&["NULLVALUE", "IFNULL", "NVL"])
    .repeated(1),
    special(
        "BLANKVALUE",
        "BLANKVALUE(value, default)",
        "the value, or the default if it is null or the empty text",
        &[Any, Any],
        Special::BlankValue,
    ),
    special(
        "NULLIF",
        "NULLIF(value, other)",
        "null if both are equal, else the value",
        &[Any, Any],
        Special::NullIf,
    ),
    special(
        "ISBLANK",
        "ISBLANK(value)",
        "whether it is null, the empty text or the empty list",
        &[Any],
        Special::IsBlank,
    )
    .aliases(&["ISEMPTY"]),
    special("ISNULL", "ISNULL(value)", "whether it is null", &[Any], Special::IsNull),
    Function::of(
        "ISNUMBER",
        "ISNUMBER(value)",
        "whether it is a number or text that VALUE can read",
        &[Any],
        Form::Kernel(is_number),
    )
    .returns(Type::Boolean)
    .takes_null()
    .sql(Sql::When(|arguments| arguments[0].value_type == Type::Number)),
    Function::of(
        "BOOLEAN",
        "BOOLEAN(value)",
        "true for a number that is not 0 and the words true, yes, on, 1; false for 0, false, no, off; else null",
        &[Any],
        Form::Kernel(boolean),
    )
    .returns(Type::Boolean)
    .sql(Sql::When(|arguments| {
        matches!(arguments[0].value_type, Type::Number | Type::Boolean | Type::Text)
    })),
];

fn xor<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let odd = arguments
        .iter()
        .fold(false, |odd, argument| odd ^ (*argument == Value::Boolean(true)));
    Ok(Value::Boolean(odd))
}

fn is_number<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Boolean(match &arguments[0] {
        Value::Text(text) => number::parse(text).is_some(),
        other => other.as_number().is_some(),
    }))
}

fn boolean<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(match &arguments[0] {
        Value::Boolean(boolean) => Value::Boolean(*boolean),
        Value::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Value::Boolean(true),
            "false" | "no" | "off" | "0" => Value::Boolean(false),
            _ => Value::Null,
        },
        other => other
            .as_number()
            .map_or(Value::Null, |number| Value::Boolean(number != 0.0)),
    })
}
