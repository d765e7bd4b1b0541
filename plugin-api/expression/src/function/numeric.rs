//! Numbers. Arithmetic is on doubles; an answer that is not finite is null.

use std::cmp::Ordering;

use super::Parameter::Number;
use super::arguments::{Answer, number, whole};
use super::{Context, DIGITS_KNOWN, Form, Function, Kernel, Parameter, Special, Sql};
use crate::error::EvaluationError;
use crate::number as arithmetic;
use crate::types::Type;
use crate::value::{Value, compare};

const fn numeric(
    name: &'static str,
    signature: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    kernel: Kernel,
) -> Function {
    Function::of(name, signature, summary, parameters, Form::Kernel(kernel)).returns(Type::Number)
}

pub(super) static FUNCTIONS: &[Function] = &[
    numeric("ABS", "ABS(number)", "the number without its sign", &[Number], abs).sql(Sql::Exact),
    numeric(
        "CEILING",
        "CEILING(number)",
        "the next whole number, not below",
        &[Number],
        ceiling,
    )
    .aliases(&["CEIL"])
    .sql(Sql::Exact),
    numeric(
        "FLOOR",
        "FLOOR(number)",
        "the next whole number, not above",
        &[Number],
        floor,
    )
    .sql(Sql::Exact),
    numeric(
        "ROUND",
        "ROUND(number, [digits])",
        "rounded to so many digits after the point (0), half away from zero",
        &[Number, Number],
        round,
    )
    .required(1)
    .sql(DIGITS_KNOWN),
    numeric(
        "TRUNC",
        "TRUNC(number, [digits])",
        "cut off after so many digits after the point (0)",
        &[Number, Number],
        trunc,
    )
    .aliases(&["ROUNDDOWN"])
    .required(1)
    .sql(DIGITS_KNOWN),
    numeric(
        "ROUNDUP",
        "ROUNDUP(number, [digits])",
        "rounded away from zero to so many digits after the point (0)",
        &[Number, Number],
        round_up,
    )
    .required(1)
    .sql(DIGITS_KNOWN),
    Function::of(
        "MOD",
        "MOD(number, divisor)",
        "the remainder, with the sign of the number; null for divisor 0",
        &[Number, Number],
        Form::Special(Special::Mod),
    ),
    Function::of(
        "POWER",
        "POWER(base, exponent)",
        "the base to the power of the exponent",
        &[Number, Number],
        Form::Special(Special::Power),
    )
    .aliases(&["POW"]),
    numeric("SQRT", "SQRT(number)", "the square root; null below 0", &[Number], sqrt).sql(Sql::Exact),
    numeric("EXP", "EXP(number)", "e to the power of the number", &[Number], exp).sql(Sql::Exact),
    numeric(
        "LN",
        "LN(number)",
        "the natural logarithm; null for 0 and below",
        &[Number],
        ln,
    )
    .sql(Sql::Exact),
    numeric(
        "LOG",
        "LOG(number, [base])",
        "the logarithm to a base (10); null for 0 and below",
        &[Number, Number],
        log,
    )
    .aliases(&["LOG10"])
    .required(1)
    .sql(Sql::Exact),
    numeric(
        "MAX",
        "MAX(number, ...)",
        "the largest; null if one is null",
        &[Number],
        max,
    )
    .aliases(&["GREATEST"])
    .repeated(1)
    .sql(Sql::Exact),
    numeric(
        "MIN",
        "MIN(number, ...)",
        "the smallest; null if one is null",
        &[Number],
        min,
    )
    .aliases(&["LEAST"])
    .repeated(1)
    .sql(Sql::Exact),
    numeric("SIGN", "SIGN(number)", "-1, 0 or 1", &[Number], sign).sql(Sql::Exact),
];

fn abs<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    number(arguments, 0).map(|x| Value::number(x.abs()))
}

fn ceiling<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    number(arguments, 0).map(|x| Value::number(x.ceil()))
}

fn floor<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    number(arguments, 0).map(|x| Value::number(x.floor()))
}

fn digits(arguments: &[Value<'_>]) -> Result<i64, EvaluationError> {
    if arguments.len() < 2 {
        Ok(0)
    } else {
        Ok(whole(arguments, 1)?.unwrap_or(i64::MAX))
    }
}

fn round<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::number(arithmetic::round(
        number(arguments, 0)?,
        digits(arguments)?,
    )))
}

fn trunc<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::number(arithmetic::trunc(
        number(arguments, 0)?,
        digits(arguments)?,
    )))
}

fn round_up<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let (x, digits) = (number(arguments, 0)?, digits(arguments)?);
    let cut = arithmetic::trunc(x, digits);
    // What nothing was cut off from is round already; else the next step lies beyond.
    if (cut - arithmetic::round(x, 15.min(digits.saturating_add(9)))).abs() == 0.0 {
        return Ok(Value::number(cut));
    }
    let step = 10_f64.powi(-i32::try_from(digits.clamp(-15, 15)).unwrap_or(0));
    Ok(Value::number(arithmetic::round(cut + step.copysign(x), digits)))
}

fn known(number: Option<f64>) -> Value<'static> {
    number.map_or(Value::Null, Value::number)
}

fn sqrt<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    number(arguments, 0).map(|x| Value::number(x.sqrt()))
}

fn exp<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    number(arguments, 0).map(|x| known(arithmetic::exp(x)))
}

fn ln<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    number(arguments, 0).map(|x| known(arithmetic::ln(x)))
}

fn log<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let base = if arguments.len() > 1 {
        number(arguments, 1)?
    } else {
        10.0
    };
    Ok(known(arithmetic::log(number(arguments, 0)?, base)))
}

fn max<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    extreme(arguments, Ordering::Greater)
}

fn min<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    extreme(arguments, Ordering::Less)
}

/// Whole numbers are compared exactly, as databases do.
fn extreme<'a>(arguments: &[Value<'a>], better: Ordering) -> Answer<'a> {
    let mut best = 0;
    for index in 0..arguments.len() {
        number(arguments, index)?;
        if compare(&arguments[index], &arguments[best]) == Some(better) {
            best = index;
        }
    }
    Ok(arguments[best].clone())
}

fn sign<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let x = number(arguments, 0)?;
    Ok(Value::Integer(i64::from(x > 0.0) - i64::from(x < 0.0)))
}
