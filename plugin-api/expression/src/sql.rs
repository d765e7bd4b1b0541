//! Which expressions SQL can answer exactly as the evaluator does, on SQLite and on PostgreSQL.
//!
//! The rules for the compiler, which is in the data plugin, stand at [`sql_form`]. Called by `filter` and by the compiler.

use crate::checker::CheckedExpression;
use crate::error::Position;
use crate::node::{Node, NodeKind};
use crate::types::Type;

/// How high a tree may be that travels as JSON.
const HEIGHT_MAX: usize = 30;

/// Why an expression is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {message}, so it cannot be part of a query")]
pub struct NotAFilter {
    /// Where the part is that SQL cannot answer.
    pub position: Position,
    /// What it is.
    pub message: String,
}

/// Whether SQL can compute the expression, in filter, sort or aggregate. Errors: the first part that it cannot.
///
/// An SQL compiler (in another crate) reads the tree and may rely on this: what has a form here can be written with the core
/// functions of both databases, such that nulls, division by zero, rounding and ordering agree. The rules it has to follow:
///
/// - **Parts without a field** are no concern of SQL: [`crate::Filter::bind`] (or [`crate::bind`] for a node) has made them constants.
/// - **Numbers**: every operand of arithmetic as a double (`CAST(x AS REAL)`, `x::float8`). Division as `a / NULLIF(b, 0)`. What is not
///   finite is null. `%` is `a - b * trunc(a / b)`, null where `|a / b|` is above 2^53.
/// - **Rounding**: `TRUNC`, `FLOOR`, `CEILING` as usual; in SQLite by `CAST(x AS INTEGER)`, and `x` itself where `|x|` is 2^52 or more.
///   `ROUND(x, n)`: with `p = 10^|n|` and `y = |x| * p` (or `|x| / p` for negative `n`), it is `x` where `y >= 2^52`, else
///   `sign(x) * floor(y + e + 0.5) / p` (or `* p`), where `e` is `y * 2^-52` below `y = 2^45` and 0 from there on. `TRUNC(x, n)` is the
///   same without the 0.5. `MAX` and `MIN` are null if one argument is.
/// - **Powers**: `EXP`, `LN`, `LOG` and powers by the steps of `number::power`, one by one, since no two libraries agree in the last
///   digit; the square root is right to the last digit everywhere. All but the root are rounded to 15 digits as `number::decimal` does.
/// - **Text**: order is by code point (`COLLATE "C"`, `BINARY`), equality by character, case matters. Lengths count characters. Counts
///   below 0 are 0, `MID` before the first character starts at the first. `TRIM` takes off space and the characters 9 to 13.
///   `CONCAT` takes null for empty, `&` does not; beside text, days and moments join as they are stored, booleans as `true` and
///   `false`, numbers with the digits of `number::decimal`. Text beyond the bytes that an evaluation may make is
///   null. `LIKE` takes case into account and `\` as its escape (SQLite: `GLOB` with the pattern translated). `STARTS_WITH` and `ENDS_WITH` compare the cut-off part; the empty part is always there.
/// - **Dates**: parts of a datetime are those of local time, by the changes of the environment's [`crate::Zone`], which the query writes
///   out. `DATETIMEVALUE(date)` is local midnight, `DATEVALUE(datetime)` the local day. Sums outside the years 1 to 9999 are null.
/// - **IN**: scalars as SQL does; `In` without any entry is null for a null item, else false (`x <> x`). An entry of type list is a
///   multi-valued field: does one of its values equal the item; null if the field is null.
/// - **Booleans**: `AND`, `OR`, `NOT`, `CASE WHEN`, `COALESCE` as SQL does. A condition holds if it is true; null does not.
pub fn sql_form(expression: &CheckedExpression) -> Result<(), NotAFilter> {
    node_form(expression.root()).map_err(|obstacle| obstacle.locate(expression.source()))
}

/// Functions that count something: their numbers are whole, and so short that every database writes all of their digits.
const COUNTING: [&str; 16] = [
    "DAY",
    "DAYS_BETWEEN",
    "FIND",
    "HOUR",
    "LEN",
    "MINUTE",
    "MONTH",
    "MONTHS_BETWEEN",
    "MONTH_DIFF",
    "NETWORKDAYS",
    "QUARTER",
    "SECOND",
    "WEEKDAY",
    "WEEKNUM",
    "YEAR",
    "YEARS_BETWEEN",
];

impl Node {
    /// Whether it is a call that counts something: a whole number of a few digits, which a database writes by itself.
    pub fn counts(&self) -> bool {
        matches!(&self.kind, NodeKind::Call { function, .. } if COUNTING.contains(&function.name))
    }

    /// Whether SQL can compute it; see [`sql_form`].
    pub fn has_sql_form(&self) -> bool {
        node_form(self).is_ok()
    }

    /// Whether it reads no field of the record, so that it has one value for a whole query.
    pub fn is_constant(&self) -> bool {
        let mut constant = !matches!(
            self.kind,
            NodeKind::Field(_) | NodeKind::Previous(_) | NodeKind::Local(_)
        );
        self.each_child(&mut |child| constant = constant && child.is_constant());
        constant
    }
}

/// A part without a form.
#[derive(Debug)]
pub(crate) struct Obstacle {
    offset: u32,
    message: String,
}

impl Obstacle {
    pub(crate) fn at(node: &Node, message: String) -> Self {
        Obstacle {
            offset: node.offset,
            message,
        }
    }

    pub(crate) fn locate(self, source: &str) -> NotAFilter {
        NotAFilter {
            position: Position::in_source(source, self.offset),
            message: self.message,
        }
    }
}

pub(crate) fn node_form(node: &Node) -> Result<(), Obstacle> {
    form(node, false, HEIGHT_MAX)
}

fn form(node: &Node, constant: bool, height_left: usize) -> Result<(), Obstacle> {
    let obstacle = |message: String| {
        Err(Obstacle {
            offset: node.offset,
            message,
        })
    };
    let Some(height_left) = height_left.checked_sub(1) else {
        return obstacle("the expression is nested too deep".to_owned());
    };
    let constant = constant || node.is_constant();
    if let Some(message) = reason(node, constant) {
        return obstacle(message);
    }
    if let NodeKind::IsNull(inner) = &node.kind
        && matches!(inner.kind, NodeKind::Field(_))
    {
        // Whether there is a value shows without knowing of which type.
        return Ok(());
    }
    let mut result = Ok(());
    node.each_child(&mut |child| {
        if result.is_ok() {
            result = form(child, constant, height_left);
        }
    });
    result
}

/// What speaks against the node itself, its parts left aside.
fn reason(node: &Node, constant: bool) -> Option<String> {
    match &node.kind {
        NodeKind::Previous(path) => return Some(format!("the value of `{path:?}` before the change is not stored")),
        NodeKind::Let { .. } | NodeKind::Local(_) => return Some("a block with variables has no SQL form".to_owned()),
        NodeKind::Matches { .. } => return Some("REGEX is not the same in every database".to_owned()),
        _ if constant => return None,
        _ => {}
    }
    let open = |node: &Node| node.value_type == Type::Any;
    match &node.kind {
        NodeKind::Field(path) if open(node) => Some(format!("the type of `{path:?}` is not known")),
        NodeKind::IsBlank(inner) if inner.value_type != Type::List => {
            Some("the type inside ISBLANK is not known".to_owned())
        }
        NodeKind::Arithmetic(operator, ..) if open(node) => {
            Some(format!("the types beside {} are not known", operator.symbol()))
        }
        NodeKind::Concat(items) if items.iter().any(|item| !item.value_type.is_written_alike()) => {
            Some("lists, times and what has no known type are not joined in the same way by every database".to_owned())
        }
        NodeKind::Compare(operator, left, right) if open(left) || open(right) => {
            Some(format!("the types beside {} are not known", operator.symbol()))
        }
        NodeKind::In { item, .. } if open(item) => Some("the type before IN is not known".to_owned()),
        NodeKind::Like { pattern, .. } if !pattern.is_constant() => {
            Some("the pattern of LIKE differs from record to record".to_owned())
        }
        NodeKind::Call { function, arguments } if !function.has_sql_form(arguments) || arguments.iter().any(open) => {
            Some(format!("{} is not the same in every database", function.name))
        }
        _ => None,
    }
}
