//! JavaScript spellings: `Math.round(x)`, `name.toUpperCase()`, `created_at.getFullYear()`.
//!
//! Each is rewritten into a call of the table; places count from 0 there and from 1 here.

use super::Typer;
use super::path::nearest;
use crate::error::{ErrorKind, Fault};
use crate::node::{ArithmeticOperator, Node};
use crate::syntax::{Syntax, SyntaxKind};
use crate::value::Value;

/// Methods that only need another name; the receiver is the first argument.
const METHODS: [(&str, &str); 26] = [
    ("toUpperCase", "UPPER"),
    ("toLowerCase", "LOWER"),
    ("trim", "TRIM"),
    ("toString", "TEXT"),
    ("length", "LEN"),
    ("includes", "CONTAINS"),
    ("startsWith", "STARTS_WITH"),
    ("endsWith", "ENDS_WITH"),
    ("concat", "CONCAT"),
    ("replace", "SUBSTITUTE"),
    ("replaceAll", "SUBSTITUTE"),
    ("padStart", "LPAD"),
    ("padEnd", "RPAD"),
    ("repeat", "REPEAT"),
    ("toFixed", "FIXED"),
    ("join", "JOIN"),
    ("getFullYear", "YEAR"),
    ("getDate", "DAY"),
    ("getHours", "HOUR"),
    ("getMinutes", "MINUTE"),
    ("getSeconds", "SECOND"),
    ("getMonth", "MONTH"),
    ("getDay", "WEEKDAY"),
    ("charAt", "MID"),
    ("substring", "MID"),
    ("indexOf", "FIND"),
];

impl Typer<'_> {
    pub(super) fn method(&mut self, receiver: &Syntax, name: &str, arguments: &[Syntax], offset: u32) -> Node {
        if matches!(&receiver.kind, SyntaxKind::Path(path) if path.len() == 1 && path[0].as_ref() == "Math") {
            let function = match name {
                "log" => "LN",
                "log10" => "LOG",
                other => other,
            };
            return self.call(function, arguments, offset);
        }
        match rewrite(receiver, name, arguments, offset) {
            Ok(Some(tree)) => self.node(&tree),
            Ok(None) => {
                let fault = Fault::new(ErrorKind::FunctionNotFound, offset, format!("unknown method `{name}`"));
                self.fault(fault.suggest(nearest(name, METHODS.iter().map(|(method, _)| *method))));
                self.poison(offset)
            }
            Err(fault) => {
                self.fault(fault);
                self.poison(offset)
            }
        }
    }
}

fn rewrite(receiver: &Syntax, name: &str, arguments: &[Syntax], offset: u32) -> Result<Option<Syntax>, Fault> {
    let integer = |integer| Syntax::new(SyntaxKind::Literal(Value::Integer(integer)), offset);
    let shifted = |tree: Syntax, operator, by| {
        Syntax::new(
            SyntaxKind::Arithmetic(operator, Box::new(tree), Box::new(integer(by)?)),
            offset,
        )
    };
    let call = |name: &str, arguments: Vec<Syntax>| {
        Syntax::new(
            SyntaxKind::Call {
                name: name.into(),
                arguments,
            },
            offset,
        )
    };
    let with_receiver = || std::iter::once(receiver).chain(arguments).cloned().collect::<Vec<_>>();
    let from_one = |tree: &Syntax| shifted(tree.clone(), ArithmeticOperator::Add, 1);
    let tree = match (name, arguments) {
        ("getMonth", []) => shifted(call("MONTH", with_receiver())?, ArithmeticOperator::Subtract, 1)?,
        ("getDay", []) => shifted(call("WEEKDAY", with_receiver())?, ArithmeticOperator::Subtract, 1)?,
        ("indexOf", [part]) => shifted(
            call("FIND", vec![part.clone(), receiver.clone()])?,
            ArithmeticOperator::Subtract,
            1,
        )?,
        ("charAt", [at]) => call("MID", vec![receiver.clone(), from_one(at)?, integer(1)?])?,
        ("substring" | "slice", [from]) => call("MID", vec![receiver.clone(), from_one(from)?])?,
        ("substring" | "slice", [from, to]) => {
            let length = SyntaxKind::Arithmetic(
                ArithmeticOperator::Subtract,
                Box::new(to.clone()),
                Box::new(from.clone()),
            );
            call(
                "MID",
                vec![receiver.clone(), from_one(from)?, Syntax::new(length, offset)?],
            )?
        }
        ("toFixed", []) => call("FIXED", vec![receiver.clone(), integer(0)?])?,
        ("getMonth" | "getDay" | "charAt" | "substring" | "slice" | "indexOf", _) => {
            return Err(Fault::new(
                ErrorKind::TypeError,
                offset,
                format!("`{name}` does not take {} arguments", arguments.len()),
            ));
        }
        _ => match METHODS.iter().find(|(method, _)| *method == name) {
            Some((_, function)) => call(function, with_receiver())?,
            None => return Ok(None),
        },
    };
    Ok(Some(tree))
}
