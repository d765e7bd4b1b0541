//! Formulas as SQL, such that the database answers what the evaluator does; the rules stand at `objectos_expression::sql_form`.
//! What has no form here yet is refused by [`formula_supported`], never computed in another way.

use objectos_expression::{ArithmeticOperator, Node, NodeKind, Type, Value};

use super::SqlWriter;
use crate::query::filter::FormulaSource;
use crate::store::SqlValue;

/// Functions that are written here.
const FUNCTIONS: &[&str] = &[
    "ABS",
    "FLOOR",
    "CEILING",
    "SIGN",
    "MAX",
    "MIN",
    "LEN",
    "LEFT",
    "TRIM",
    "CONTAINS",
    "FIND",
    "SUBSTITUTE",
    "CONCAT",
    "YEAR",
    "MONTH",
    "DAY",
    "DAYS_BETWEEN",
];

/// Whether all of it is written here.
///
/// # Errors
/// What is not, as a sentence.
pub fn formula_supported(node: &Node) -> Result<(), String> {
    let mut result = own_part(node);
    node.each_child(&mut |child| {
        if result.is_ok() {
            result = formula_supported(child);
        }
    });
    result
}

fn own_part(node: &Node) -> Result<(), String> {
    match &node.kind {
        NodeKind::Literal(Value::List(_)) | NodeKind::List(_) => Err("lists are not supported in queries".to_owned()),
        NodeKind::Literal(_)
        | NodeKind::Field(_)
        | NodeKind::Negate(_)
        | NodeKind::Concat(_)
        | NodeKind::Compare(..)
        | NodeKind::And(_)
        | NodeKind::Or(_)
        | NodeKind::Not(_)
        | NodeKind::IsNull(_)
        | NodeKind::If { .. }
        | NodeKind::Case { .. }
        | NodeKind::Coalesce(_) => Ok(()),
        NodeKind::Arithmetic(ArithmeticOperator::Power | ArithmeticOperator::Remainder, ..) => {
            Err("powers and remainders are not supported in queries".to_owned())
        }
        NodeKind::Arithmetic(_, left, right) => {
            let numeric = |node: &Node| matches!(node.value_type, Type::Number | Type::Null);
            if numeric(left) && numeric(right) {
                Ok(())
            } else {
                Err("arithmetic with dates is not supported in queries".to_owned())
            }
        }
        NodeKind::In { item, list } => {
            let scalar = |node: &Node| node.value_type != Type::List;
            if scalar(item) && list.iter().all(scalar) {
                Ok(())
            } else {
                Err("lists are not supported in queries".to_owned())
            }
        }
        NodeKind::Like { pattern, .. } => match pattern.as_literal() {
            Some(Value::Text(_)) => Ok(()),
            _ => Err("the pattern of LIKE must be a constant".to_owned()),
        },
        NodeKind::Call { function, arguments } => call_part(function.name, arguments),
        _ => Err("this kind of expression is not supported in queries".to_owned()),
    }
}

fn call_part(name: &str, arguments: &[Node]) -> Result<(), String> {
    let refused = || Err(format!("{name} is not supported in queries"));
    if !FUNCTIONS.contains(&name) {
        return refused();
    }
    let all = |wanted: Type| arguments.iter().all(|argument| argument.value_type == wanted);
    match name {
        "YEAR" | "MONTH" | "DAY" | "DAYS_BETWEEN" if !all(Type::Date) => refused(),
        "FIND" if arguments.len() != 2 => refused(),
        "LEN" | "CONTAINS" | "CONCAT" if !all(Type::Text) => refused(),
        _ => Ok(()),
    }
}

impl SqlWriter {
    pub(super) fn formula(&mut self, formula: &FormulaSource) -> &mut Self {
        self.push("(");
        self.node(&formula.node, formula);
        self.push(")")
    }

    fn node(&mut self, node: &Node, formula: &FormulaSource) {
        match &node.kind {
            NodeKind::Literal(value) => self.literal(value),
            NodeKind::Field(path) => match formula.fields.get(path.as_str()) {
                Some(field) => {
                    self.field(field);
                }
                // Every path was resolved when the query was checked.
                None => {
                    self.push("NULL");
                }
            },
            NodeKind::Negate(inner) => {
                self.push("(-");
                self.double(inner, formula);
                self.push(")");
            }
            NodeKind::Arithmetic(operator, left, right) => self.arithmetic(*operator, left, right, formula),
            NodeKind::Concat(items) => self.joined(items, " || ", "''", formula),
            NodeKind::Compare(operator, left, right) => {
                self.push("(");
                self.node(left, formula);
                self.push(" ").push(operator.symbol()).push(" ");
                self.node(right, formula);
                self.push(")");
            }
            NodeKind::And(items) => self.joined(items, " AND ", "1", formula),
            NodeKind::Or(items) => self.joined(items, " OR ", "0", formula),
            NodeKind::Not(inner) => {
                self.push("(NOT ");
                self.node(inner, formula);
                self.push(")");
            }
            NodeKind::IsNull(inner) => {
                self.push("(");
                self.node(inner, formula);
                self.push(" IS NULL)");
            }
            NodeKind::In { item, list } => self.among(item, list, formula),
            NodeKind::Like { text, pattern } => self.pattern(text, pattern, formula),
            NodeKind::If { arms, otherwise } => self.cases(None, arms, otherwise, formula),
            NodeKind::Case {
                subject,
                arms,
                otherwise,
            } => self.cases(Some(subject), arms, otherwise, formula),
            NodeKind::Coalesce(items) => self.coalesce(items, formula),
            NodeKind::Call { function, arguments } => self.call(function.name, arguments, formula),
            // `formula_supported` let nothing else through.
            _ => {
                self.push("NULL");
            }
        }
    }

    fn literal(&mut self, value: &Value<'_>) {
        let bound = match value {
            Value::Null => {
                self.push("NULL");
                return;
            }
            Value::Boolean(boolean) => SqlValue::Boolean(*boolean),
            Value::Integer(integer) => SqlValue::Integer(*integer),
            Value::Number(number) => SqlValue::Real(*number),
            other => SqlValue::Text(other.to_text().into_owned()),
        };
        self.value(bound);
    }

    fn double(&mut self, node: &Node, formula: &FormulaSource) {
        self.push("CAST(");
        self.node(node, formula);
        self.push(" AS REAL)");
    }

    fn arithmetic(&mut self, operator: ArithmeticOperator, left: &Node, right: &Node, formula: &FormulaSource) {
        // What is not finite is null.
        self.push("NULLIF(NULLIF(");
        self.double(left, formula);
        self.push(" ").push(operator.symbol()).push(" ");
        if operator == ArithmeticOperator::Divide {
            self.push("NULLIF(");
            self.double(right, formula);
            self.push(", 0)");
        } else {
            self.double(right, formula);
        }
        self.push(", 9e999), -9e999)");
    }

    fn joined(&mut self, items: &[Node], between: &str, none: &str, formula: &FormulaSource) {
        if items.is_empty() {
            self.push(none);
            return;
        }
        self.push("(");
        self.list(between, items, |writer, item| writer.node(item, formula));
        self.push(")");
    }

    fn among(&mut self, item: &Node, list: &[Node], formula: &FormulaSource) {
        self.push("(");
        self.node(item, formula);
        if list.is_empty() {
            // Null for null, else false.
            self.push(" <> ");
            self.node(item, formula);
        } else {
            self.push(" IN (");
            self.list(", ", list, |writer, entry| writer.node(entry, formula));
            self.push(")");
        }
        self.push(")");
    }

    fn pattern(&mut self, text: &Node, pattern: &Node, formula: &FormulaSource) {
        let pattern = pattern.as_literal().map(Value::to_text).unwrap_or_default();
        let (operator, pattern) = self.dialect.like(&pattern);
        self.push("(");
        self.node(text, formula);
        self.push(operator).value(pattern.into()).push(")");
    }

    fn cases(&mut self, subject: Option<&Node>, arms: &[(Node, Node)], otherwise: &Node, formula: &FormulaSource) {
        if arms.is_empty() {
            self.node(otherwise, formula);
            return;
        }
        self.push("CASE");
        if let Some(subject) = subject {
            self.push(" ");
            self.node(subject, formula);
        }
        for (when, then) in arms {
            self.push(" WHEN ");
            self.node(when, formula);
            self.push(" THEN ");
            self.node(then, formula);
        }
        self.push(" ELSE ");
        self.node(otherwise, formula);
        self.push(" END");
    }

    fn coalesce(&mut self, items: &[Node], formula: &FormulaSource) {
        match items {
            [only] => self.node(only, formula),
            items => {
                self.push("COALESCE(");
                self.list(", ", items, |writer, item| writer.node(item, formula));
                self.push(")");
            }
        }
    }

    fn call(&mut self, name: &str, arguments: &[Node], formula: &FormulaSource) {
        let [first, rest @ ..] = arguments else {
            self.push("''");
            return;
        };
        match name {
            "FLOOR" => self.whole(first, "<", "- 1", formula),
            "CEILING" => self.whole(first, ">", "+ 1", formula),
            "MAX" | "MIN" if rest.is_empty() => self.node(first, formula),
            "LEN" => self.function("length", arguments, formula),
            "LEFT" => {
                self.push("substr(");
                self.node(first, formula);
                self.push(", 1, max(0, CAST(");
                rest.iter().for_each(|count| self.node(count, formula));
                self.push(" AS INTEGER)))");
            }
            "TRIM" => {
                self.push("trim(");
                self.node(first, formula);
                self.push(", char(9, 10, 11, 12, 13, 32))");
            }
            "CONTAINS" => {
                self.push("(0 < instr(");
                self.list(", ", arguments, |writer, argument| writer.node(argument, formula));
                self.push("))");
            }
            "FIND" => {
                // The part comes first here, second in SQL.
                self.push("instr(");
                rest.iter().for_each(|text| self.node(text, formula));
                self.push(", ");
                self.node(first, formula);
                self.push(")");
            }
            "SUBSTITUTE" => self.function("replace", arguments, formula),
            "CONCAT" => {
                self.push("(");
                self.list(" || ", arguments, |writer, argument| {
                    writer.push("COALESCE(");
                    writer.node(argument, formula);
                    writer.push(", '')");
                });
                self.push(")");
            }
            "YEAR" => self.date_part("%Y", first, formula),
            "MONTH" => self.date_part("%m", first, formula),
            "DAY" => self.date_part("%d", first, formula),
            "DAYS_BETWEEN" => {
                self.push("CAST(julianday(");
                rest.iter().for_each(|end| self.node(end, formula));
                self.push(") - julianday(");
                self.node(first, formula);
                self.push(") AS INTEGER)");
            }
            other => self.function(&other.to_ascii_lowercase(), arguments, formula),
        }
    }

    fn function(&mut self, name: &str, arguments: &[Node], formula: &FormulaSource) {
        self.push(name).push("(");
        self.list(", ", arguments, |writer, argument| writer.node(argument, formula));
        self.push(")");
    }

    /// Cut to a whole number, then one step on where that went the wrong way; large doubles are whole already.
    fn whole(&mut self, number: &Node, wrong_way: &str, step: &str, formula: &FormulaSource) {
        self.push("CASE WHEN abs(");
        self.double(number, formula);
        self.push(") >= 4503599627370496.0 THEN ");
        self.double(number, formula);
        self.push(" WHEN ");
        self.double(number, formula);
        self.push(" ").push(wrong_way).push(" CAST(");
        self.double(number, formula);
        self.push(" AS INTEGER) THEN CAST(");
        self.double(number, formula);
        self.push(" AS INTEGER) ").push(step).push(" ELSE CAST(");
        self.double(number, formula);
        self.push(" AS INTEGER) END");
    }

    fn date_part(&mut self, part: &str, date: &Node, formula: &FormulaSource) {
        self.push("CAST(strftime('").push(part).push("', ");
        self.node(date, formula);
        self.push(") AS INTEGER)");
    }
}
