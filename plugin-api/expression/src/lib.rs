//! The one expression language of ObjectOS: parse, check, evaluate, compile to a filter.
//!
//! Formula fields, script validations, criteria, guards, sharing conditions, row filters, flow conditions and template variables are
//! written in it. This crate knows JSON records and a driver-neutral filter; no database, no async, no plugin boundary.
//!
//! ```
//! use objectos_expression::{FieldScope, RecordEnvironment, Type, check, evaluate, to_filter};
//!
//! let scope = FieldScope::new([("amount", Type::Number), ("stage", Type::Text)]);
//! let record = serde_json::json!({"amount": 1200, "stage": "proposal"});
//! let environment = RecordEnvironment::new(&record, 0);
//!
//! let formula = check("amount * IF(stage = 'won', 1, 0.4)", &scope).unwrap();
//! assert_eq!(evaluate(&formula, &environment).unwrap().to_json(), 480);
//!
//! let criteria = check("amount > 1000 AND stage NOT IN ('won', 'lost')", &scope).unwrap();
//! assert!(to_filter(&criteria).unwrap().matches(&environment).unwrap());
//!
//! let errors = check("amuont > 1000", &scope).unwrap_err();
//! assert_eq!(errors[0].to_string(), "line 1, column 1: unknown field `amuont`; did you mean `amount`?");
//! ```
//!
//! # What can be written
//!
//! - **Constants**: `1`, `1.5`, `2e3`, `'text'`, `"text"`, `true`, `false`, `null`, lists `(1, 2)` or `[1, 2]`. Inside quotes `\n \t \\ \' \"
//!   \u00e9` and the doubled quote. Text in quotes beside a date is a date: `close_date < '2026-12-31'`.
//! - **Fields**: `amount`, over relations `account.owner.name`; `record.amount` where the name alone would mean something else.
//! - **Variables**: `$today $now $year $month $day $hour $minute $second $is_new $record_id $current_user.id` (and `name email roles` and other
//!   properties), `$previous.amount`. Also written `TODAY()`, `NOW()`, `current_user.id`, `$User.Id`, `CURRENT_DATE`, `PRIORVALUE(amount)`.
//! - **Operators**, from loose to tight: `a ? b : c`, `??`, `OR ||`, `AND &&`, `NOT`, comparisons (`= == ===`, `!= <> !==`, `< <= > >=`,
//!   `[NOT] IN`, `[NOT] LIKE`, `[NOT] BETWEEN a AND b`, `IS [NOT] NULL`), `&` (join text), `+ -`, `* / %`, signs and `!`, `^ **`. Words in any case.
//! - **Functions**: see [`functions`]; names in any case.
//! - **JavaScript's spellings**: `Math.round(x)`, `name.toUpperCase()`, `name.length`, `a?.b`, `` `Hello ${name}` ``, and blocks of `let`,
//!   assignments, `if`, `else` and `return`. There are no loops.
//!
//! # What it means
//!
//! The evaluator, SQLite and PostgreSQL give the same answer to whatever has an SQL form; so the rules are those that all can keep.
//!
//! - **Null** is "not known". Arithmetic, `&`, comparisons and nearly all functions give null if a part is null. `AND`, `OR` and `NOT` work with
//!   three values: `false AND null` is false, `true OR null` is true, else null stays. A condition holds only if it is true: `status <> 'open'`
//!   does not hold for a record without status. `x = null` and `x IS NULL` ask for null; `??`, `COALESCE`, `BLANKVALUE`, `CONCAT`, `ISBLANK` and `IF`
//!   take null as it comes. A choice whose condition is null takes the other branch.
//! - **Numbers** are IEEE doubles in arithmetic, exact for whole numbers up to 2^53; a field that is only read, compared or negated
//!   keeps all 64 bits.
//!   Division is never whole-number division. **Division by zero is null**, and so is whatever is not a finite number: there is no error, as SQL
//!   could not raise one for a single row. `ROUND` goes half away from zero. `-2 ^ 2` is -4.
//!   `EXP`, `LN`, `LOG` and powers are answered with 15 digits (powers of whole numbers exactly up to 2^53), and as text a number that is
//!   not whole has 15 digits at most, 18 of them after the point: `TEXT(0.1 + 0.2)` is `0.3`.
//! - **Text** is compared and ordered by code point; case matters. `+` joins if one side is text. Lengths count characters, places count from 1.
//! - **Dates** are days, datetimes are moments in UTC with milliseconds, both in the years 1 to 9999; beyond is null. `date + 1` is the next day,
//!   `date - date` are days. Parts of a datetime, `$today`, and a date beside a datetime (its midnight) are those of the environment's
//!   [`Zone`]: exact for the years 1970 to 2100. A local time that clocks skip is read by the offset before the change, one that comes
//!   twice is the first.
//! - **Booleans**: only true and false are conditions; a number or text is not. `a || b` with another type is `BLANKVALUE(a, b)`.
//! - **Before the change**: on a new record everything was null before, so `ISCHANGED(x)` is true if `x` has a value.
//!
//! # Limits
//!
//! 16 KiB of text, 64 levels of brackets, 4,000 parts; per evaluation [`Limits`]. No input panics.

#![warn(missing_docs)]

pub mod any_case;
mod bind;
mod calendar;
mod checker;
mod environment;
mod error;
mod evaluator;
mod filter;
#[cfg(test)]
mod fixture;
mod function;
mod lexer;
mod like;
mod limits;
mod node;
mod number;
mod parser;
mod scope;
mod sql;
mod syntax;
mod template;
mod types;
mod value;
mod zone;

pub use crate::bind::bind;
pub use crate::checker::{
    CheckedExpression, Checker, Complexity, ComplexityLevel, Dependencies, check, check_condition,
};
pub use crate::environment::{Environment, Lookup, RecordEnvironment};
pub use crate::error::{ErrorKind, EvaluationError, ExpressionError, Position};
pub use crate::evaluator::{evaluate, evaluate_within, holds};
pub use crate::filter::{Filter, Operand, to_filter};
pub use crate::function::{Function, functions, functions_markdown};
pub use crate::limits::{Limits, SOURCE_BYTES_MAX};
pub use crate::node::{ArithmeticOperator, CompareOperator, Node, NodeKind, Path, Pattern, Variable};
pub use crate::number::round;
pub use crate::scope::{FieldScope, OpenScope, Scope};
pub use crate::sql::{NotAFilter, sql_form};
pub use crate::template::{Braces, Escape, Missing, RenderError, Template, render_template};
pub use crate::types::Type;
pub use crate::value::Value;
pub use crate::zone::{UnknownZone, Zone, ZoneChange};
