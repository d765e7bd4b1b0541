//! Text. Lengths and places count characters (Unicode scalar values), places from 1.

use super::Parameter::{Any, List, Number, Text, TextOrList};
use super::arguments::{Answer, count, number, slice, text, wrong};
use super::{Context, DIGITS_KNOWN, Form, Function, Kernel, Parameter, Special, Sql};
use crate::number as arithmetic;
use crate::types::Type;
use crate::value::Value;

const fn textual(
    name: &'static str,
    signature: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    kernel: Kernel,
) -> Function {
    Function::of(name, signature, summary, parameters, Form::Kernel(kernel)).returns(Type::Text)
}

/// As text it is the same everywhere.
const WRITTEN: Sql = Sql::When(|arguments| arguments.iter().all(|argument| argument.value_type.is_written_alike()));
/// A text in a text; of a list the checker makes a node of its own.
const WITHIN: Sql = Sql::When(|arguments| arguments.iter().all(|argument| argument.value_type == Type::Text));

pub(super) static FUNCTIONS: &[Function] = &[
    textual(
        "LEN",
        "LEN(text)",
        "the number of characters, or of items of a list",
        &[TextOrList],
        len,
    )
    .aliases(&["LENGTH"])
    .returns(Type::Number)
    .sql(Sql::When(|arguments| {
        matches!(arguments[0].value_type, Type::Text | Type::List)
    })),
    textual(
        "LEFT",
        "LEFT(text, count)",
        "the first so many characters",
        &[Text, Number],
        left,
    )
    .sql(Sql::Exact),
    textual(
        "RIGHT",
        "RIGHT(text, count)",
        "the last so many characters",
        &[Text, Number],
        right,
    )
    .sql(Sql::Exact),
    textual(
        "MID",
        "MID(text, start, [count])",
        "so many characters from the place `start` (to the end)",
        &[Text, Number, Number],
        mid,
    )
    .aliases(&["SUBSTRING", "SUBSTR"])
    .required(2)
    .sql(Sql::Exact),
    textual("UPPER", "UPPER(text)", "in capitals", &[Text], upper).aliases(&["TOUPPER"]),
    textual("LOWER", "LOWER(text)", "in small letters", &[Text], lower).aliases(&["TOLOWER"]),
    textual(
        "PROPER",
        "PROPER(text)",
        "each word with a capital, the rest in small letters",
        &[Text],
        proper,
    )
    .aliases(&["INITCAP"]),
    textual(
        "TRIM",
        "TRIM(text)",
        "without blanks, tabs and line ends at both ends",
        &[Text],
        trim,
    )
    .sql(Sql::Exact),
    textual(
        "CONCAT",
        "CONCAT(value, ...)",
        "all joined as text; null counts as empty, unlike with `&`",
        &[Any],
        concat,
    )
    .aliases(&["CONCATENATE"])
    .required(0)
    .repeated(1)
    .takes_null()
    .sql(WRITTEN),
    textual(
        "CONTAINS",
        "CONTAINS(text, part)",
        "whether the part is in the text; on a list, whether the item is in it",
        &[TextOrList, Any],
        contains,
    )
    .returns(Type::Boolean)
    .sql(WITHIN),
    textual(
        "STARTS_WITH",
        "STARTS_WITH(text, part)",
        "whether the text begins with the part",
        &[Text, Text],
        starts_with,
    )
    .aliases(&["BEGINS", "STARTSWITH", "BEGINS_WITH"])
    .returns(Type::Boolean)
    .sql(Sql::Exact),
    textual(
        "ENDS_WITH",
        "ENDS_WITH(text, part)",
        "whether the text ends with the part",
        &[Text, Text],
        ends_with,
    )
    .aliases(&["ENDS", "ENDSWITH"])
    .returns(Type::Boolean)
    .sql(Sql::Exact),
    textual(
        "FIND",
        "FIND(part, text, [start])",
        "the place of the part from the place `start` (1); 0 if it is not there",
        &[Text, Text, Number],
        find,
    )
    .required(2)
    .returns(Type::Number)
    .sql(Sql::Exact),
    textual(
        "SUBSTITUTE",
        "SUBSTITUTE(text, old, new)",
        "with every `old` replaced by `new`",
        &[Text, Text, Text],
        substitute,
    )
    .aliases(&["REPLACE"])
    .sql(Sql::Exact),
    textual(
        "LPAD",
        "LPAD(text, length, [pad])",
        "filled up on the left, or cut, to the length",
        &[Text, Number, Text],
        lpad,
    )
    .required(2)
    .sql(Sql::Exact),
    textual(
        "RPAD",
        "RPAD(text, length, [pad])",
        "filled up on the right, or cut, to the length",
        &[Text, Number, Text],
        rpad,
    )
    .required(2)
    .sql(Sql::Exact),
    textual(
        "REPEAT",
        "REPEAT(text, count)",
        "so many times",
        &[Text, Number],
        repeat,
    )
    .aliases(&["REPT"])
    .sql(Sql::Exact),
    textual("REVERSE", "REVERSE(text)", "from back to front", &[Text], reverse).sql(Sql::Exact),
    textual(
        "TEXT",
        "TEXT(value)",
        "as text: numbers without grouping, dates and times in ISO 8601",
        &[Any],
        as_text,
    )
    .aliases(&["STRING", "TOTEXT"])
    .sql(WRITTEN),
    textual(
        "FIXED",
        "FIXED(number, [digits])",
        "as text with just so many digits after the point (2)",
        &[Number, Number],
        fixed,
    )
    .required(1)
    .sql(DIGITS_KNOWN),
    textual(
        "VALUE",
        "VALUE(text)",
        "the number that the text writes; null if it is none",
        &[Any],
        value,
    )
    .aliases(&["NUMBER", "TONUMBER"])
    .returns(Type::Number)
    .sql(Sql::When(|arguments| arguments[0].value_type == Type::Number)),
    textual(
        "JOIN",
        "JOIN(list, [separator])",
        "the items of a list as text, with the separator (`, `) between",
        &[List, Text],
        join,
    )
    .required(1)
    .sql(Sql::Exact),
    Function::of(
        "REGEX",
        "REGEX(text, 'pattern')",
        "whether the pattern, a text in quotes, matches the whole text",
        &[Text, Text],
        Form::Special(Special::Regex),
    )
    .aliases(&["MATCHES"]),
];

fn len<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let length = match &arguments[0] {
        Value::List(items) => items.len(),
        _ => text(arguments, 0)?.chars().count(),
    };
    Ok(Value::Integer(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// The byte at which the character of that number (from 0) begins, or the end.
fn byte_at(text: &str, character: usize) -> usize {
    // No character is shorter than a byte, so a larger number is past the end.
    if character >= text.len() {
        return text.len();
    }
    text.char_indices().nth(character).map_or(text.len(), |(byte, _)| byte)
}

fn left<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let count = count(arguments, 1)?;
    slice(arguments, 0, |text| 0..byte_at(text, count))
}

fn right<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let count = count(arguments, 1)?;
    slice(arguments, 0, |text| {
        byte_at(text, text.chars().count().saturating_sub(count))..text.len()
    })
}

fn mid<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let start = count(arguments, 1)?.saturating_sub(1);
    let length = if arguments.len() > 2 {
        count(arguments, 2)?
    } else {
        usize::MAX
    };
    slice(arguments, 0, |text| {
        let from = byte_at(text, start);
        from..from + byte_at(&text[from..], length)
    })
}

fn upper<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    // A letter can become up to three.
    context.meter.take(text(arguments, 0)?.len().saturating_mul(3))?;
    Ok(Value::Text(text(arguments, 0)?.to_uppercase().into()))
}

fn lower<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    context.meter.take(text(arguments, 0)?.len().saturating_mul(3))?;
    Ok(Value::Text(text(arguments, 0)?.to_lowercase().into()))
}

fn proper<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let whole = text(arguments, 0)?;
    context.meter.take(whole.len().saturating_mul(3))?;
    let mut out = String::with_capacity(whole.len());
    let mut within = false;
    for character in whole.chars() {
        if within {
            out.extend(character.to_lowercase());
        } else {
            out.extend(character.to_uppercase());
        }
        within = character.is_alphanumeric() || character == '\'';
    }
    Ok(Value::Text(out.into()))
}

fn trim<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    slice(arguments, 0, |text| {
        let from = text.len() - text.trim_start_matches(arithmetic::BLANKS).len();
        from..from + text.trim_matches(arithmetic::BLANKS).len()
    })
}

fn concat<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let mut joined = String::new();
    for argument in arguments {
        let part = argument.to_text();
        context.meter.take(part.len())?;
        joined.push_str(&part);
    }
    Ok(Value::Text(joined.into()))
}

fn contains<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Boolean(match &arguments[0] {
        Value::List(items) => items.contains(&arguments[1]),
        _ => text(arguments, 0)?.contains(text(arguments, 1)?),
    }))
}

fn starts_with<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Boolean(text(arguments, 0)?.starts_with(text(arguments, 1)?)))
}

fn ends_with<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Boolean(text(arguments, 0)?.ends_with(text(arguments, 1)?)))
}

fn find<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let (part, whole) = (text(arguments, 0)?, text(arguments, 1)?);
    let start = if arguments.len() > 2 {
        count(arguments, 2)?.saturating_sub(1)
    } else {
        0
    };
    let from = byte_at(whole, start);
    let place = whole[from..]
        .find(part)
        .map_or(0, |at| whole[..from + at].chars().count() + 1);
    Ok(Value::Integer(i64::try_from(place).unwrap_or(0)))
}

fn substitute<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let (whole, old, new) = (text(arguments, 0)?, text(arguments, 1)?, text(arguments, 2)?);
    if old.is_empty() || !whole.contains(old) {
        return Ok(arguments[0].clone());
    }
    context
        .meter
        .take(whole.len() + whole.matches(old).count().saturating_mul(new.len()))?;
    Ok(Value::Text(whole.replace(old, new).into()))
}

fn lpad<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    pad(context, arguments, |text, fill| fill + text)
}

fn rpad<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    pad(context, arguments, |text, fill| text.to_owned() + &fill)
}

fn pad<'a>(context: &mut Context<'_>, arguments: &[Value<'a>], join: fn(&str, String) -> String) -> Answer<'a> {
    let (whole, length) = (text(arguments, 0)?, count(arguments, 1)?);
    let pad = if arguments.len() > 2 { text(arguments, 2)? } else { " " };
    let missing = length.saturating_sub(whole.chars().count());
    if missing == 0 || pad.is_empty() {
        return slice(arguments, 0, |text| 0..byte_at(text, length));
    }
    // A character has up to four bytes.
    context
        .meter
        .take(missing.saturating_mul(4).saturating_add(whole.len()))?;
    Ok(Value::Text(
        join(whole, pad.chars().cycle().take(missing).collect()).into(),
    ))
}

fn repeat<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let (part, times) = (text(arguments, 0)?, count(arguments, 1)?);
    context.meter.take(part.len().saturating_mul(times))?;
    Ok(Value::Text(part.repeat(if part.is_empty() { 0 } else { times }).into()))
}

fn reverse<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let whole = text(arguments, 0)?;
    context.meter.take(whole.len())?;
    Ok(Value::Text(whole.chars().rev().collect::<String>().into()))
}

fn as_text<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    if let Value::Text(_) = arguments[0] {
        return Ok(arguments[0].clone());
    }
    let text = arguments[0].to_text().into_owned();
    context.meter.take(text.len())?;
    Ok(Value::Text(text.into()))
}

fn fixed<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let places = if arguments.len() > 1 { count(arguments, 1)? } else { 2 };
    Ok(Value::Text(arithmetic::fixed(number(arguments, 0)?, places).into()))
}

fn value<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(match &arguments[0] {
        Value::Text(text) => arithmetic::parse(text).map_or(Value::Null, Value::number),
        Value::Boolean(boolean) => Value::Integer(i64::from(*boolean)),
        Value::Integer(_) | Value::Number(_) => arguments[0].clone(),
        other => return Err(wrong(other, Type::Text)),
    })
}

fn join<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let Value::List(items) = &arguments[0] else {
        return Err(wrong(&arguments[0], Type::List));
    };
    let separator = if arguments.len() > 1 { text(arguments, 1)? } else { ", " };
    let parts: Vec<_> = items
        .iter()
        .filter(|item| !item.is_null())
        .map(Value::to_text)
        .collect();
    context
        .meter
        .take(parts.iter().map(|part| part.len() + separator.len()).sum())?;
    Ok(Value::Text(parts.join(separator).into()))
}
