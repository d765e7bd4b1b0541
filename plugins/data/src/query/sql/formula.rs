//! Formulas as SQL, such that the database answers what the evaluator does; the rules stand at `objectos_expression::sql_form`.
//! What differs from database to database are the templates of [`Construct`]; the structure is one for all.

use objectos_expression::{ArithmeticOperator, Node, NodeKind, Type, Value};

use super::SqlWriter;
use super::call::{self, Call};
use crate::query::filter::{FormulaSource, Source};
use crate::store::{Calendar, Construct, Letters, Powers, SqlValue};

/// Whether all of it is written here.
///
/// # Errors
/// What is not, as a sentence.
pub fn formula_supported(node: &Node) -> Result<(), String> {
    let mut result = match &node.kind {
        NodeKind::Literal(Value::List(_)) | NodeKind::List(_) => Err("lists are not supported in queries".to_owned()),
        NodeKind::Like { pattern, .. } if !matches!(pattern.as_literal(), Some(Value::Text(_) | Value::Null)) => {
            Err("the pattern of LIKE must be a constant".to_owned())
        }
        NodeKind::Call { function, arguments } if call::written(function.name, arguments).is_none() => {
            Err(format!("{} is not supported in queries", function.name))
        }
        NodeKind::Previous(_)
        | NodeKind::Variable(_)
        | NodeKind::Let { .. }
        | NodeKind::Local(_)
        | NodeKind::Matches { .. } => Err("this kind of expression is not supported in queries".to_owned()),
        _ => Ok(()),
    };
    // JOIN and LEN are the calls that take a list.
    let of_constants = |child: &Node| {
        matches!(node.kind, NodeKind::In { .. } | NodeKind::Call { .. })
            && matches!(child.kind, NodeKind::Literal(Value::List(_)))
    };
    node.each_child(&mut |child| {
        if result.is_ok() && !of_constants(child) {
            result = formula_supported(child);
        }
    });
    result
}

/// A part of a template.
#[derive(Clone, Copy)]
pub(super) enum Part<'n> {
    /// As it is.
    Plain(&'n Node),
    /// As a double.
    Double(&'n Node),
    /// As a day; of a moment, the local one.
    Day(&'n Node),
    /// As a time; of a moment, the local one.
    Clock(&'n Node),
    /// The beginning of the unit that a day lies in; of a moment, the local day.
    Begin(Construct, &'n Node),
    /// The local time of a moment, written with a `Z`, so many months later: a number of months each, the moment, and how many.
    MonthsOn(u8, &'n Node, &'n Node),
    /// The same without the clock: the day alone.
    DayOn(u8, &'n Node, &'n Node),
    /// As text.
    Written(&'n Node),
    /// Words of SQL.
    Constant(&'static str),
    /// The greatest of several, or the least; null when one is.
    Extreme(Construct, &'n [Node]),
}

/// An entry behind IN.
enum Scalar<'n> {
    Node(&'n Node),
    Constant(&'n Value<'static>),
}

impl SqlWriter {
    pub(super) fn formula(&mut self, formula: &FormulaSource) -> &mut Self {
        self.push("(");
        match formula.scale.and_then(|scale| i8::try_from(scale).ok()) {
            Some(scale) => self.template(Construct::Round(scale), &[Part::Double(&formula.node)], formula),
            None => self.node(&formula.node, formula),
        }
        self.push(")")
    }

    pub(super) fn node(&mut self, node: &Node, formula: &FormulaSource) {
        use Part::{Double, Plain};
        match &node.kind {
            NodeKind::Literal(value) => self.literal(value, node.value_type),
            NodeKind::Field(path) => match formula.fields.get(path.as_str()) {
                Some(field) => {
                    self.field(field);
                }
                // Every path was resolved when the query was checked.
                None => self.literal(&Value::Null, node.value_type),
            },
            NodeKind::Negate(inner) => {
                self.push("(-");
                self.node(inner, formula);
                self.push(")");
            }
            NodeKind::Arithmetic(operator, left, right) => {
                let construct = match operator {
                    ArithmeticOperator::Add => Construct::Add,
                    ArithmeticOperator::Subtract => Construct::Subtract,
                    ArithmeticOperator::Multiply => Construct::Multiply,
                    ArithmeticOperator::Remainder => Construct::Remainder,
                    ArithmeticOperator::Divide => Construct::Divide,
                    ArithmeticOperator::Power => Construct::Powers(Powers::Raised),
                };
                self.template(construct, &[Double(left), Double(right)], formula);
            }
            NodeKind::Concat(items) if items.is_empty() => {
                self.push("''");
            }
            NodeKind::Concat(items) => {
                self.push("(");
                self.list(" || ", items, |writer, item| writer.part(&Part::Written(item), formula));
                self.push(")");
            }
            NodeKind::Compare(operator, left, right) => {
                self.push("(");
                self.node(left, formula);
                self.push(" ").push(operator.symbol()).push(" ");
                self.node(right, formula);
                self.push(")");
            }
            NodeKind::And(items) => self.joined(items, " AND ", Construct::True, formula),
            NodeKind::Or(items) => self.joined(items, " OR ", Construct::False, formula),
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
            NodeKind::IsBlank(inner) => self.template(Construct::ListEmpty, &[Plain(inner)], formula),
            NodeKind::In { item, list } => self.among(item, list, formula),
            NodeKind::Like { text, pattern } => self.pattern(text, pattern, formula),
            NodeKind::If { arms, otherwise } => self.cases(None, arms, otherwise, formula),
            NodeKind::Case {
                subject,
                arms,
                otherwise,
            } => self.cases(Some(subject), arms, otherwise, formula),
            NodeKind::Coalesce(items) => self.coalesce(items, formula),
            NodeKind::Call { function, arguments } => self.call(node.value_type, function.name, arguments, formula),
            // `formula_supported` let nothing else through.
            _ => self.literal(&Value::Null, node.value_type),
        }
    }

    /// A constant. A null says its type: `bind` gave it that of its place.
    fn literal(&mut self, value: &Value<'_>, value_type: Type) {
        let bound = match value {
            Value::Null => {
                let null = self.dialect.construct(Construct::Null(value_type));
                self.push(&null);
                return;
            }
            Value::Boolean(boolean) => SqlValue::Boolean(*boolean),
            Value::Integer(integer) => SqlValue::Integer(*integer),
            Value::Number(number) => SqlValue::Real(*number),
            Value::List(_) => SqlValue::Json(value.to_json().to_string()),
            other => SqlValue::Text(other.to_text().into_owned()),
        };
        self.value(bound);
    }

    /// A template with its parts. What it uses more than once, and is more than a column or a constant, gets a name first.
    fn template(&mut self, construct: Construct, parts: &[Part<'_>], formula: &FormulaSource) {
        let template = self.dialect().construct(construct);
        let repeated = |index: usize, part: &Part<'_>| {
            !simple(part, formula) && template.matches(&format!("${index}")).count() > 1
        };
        let named = parts.iter().enumerate().any(|(index, part)| repeated(index, part));
        if named {
            self.push("(SELECT ");
        }
        let mut rest = template.as_ref();
        while let Some(at) = rest.find('$') {
            self.push(&rest[..at]);
            let digit = rest[at + 1..].chars().next().and_then(|digit| digit.to_digit(10));
            // A template is a constant of this crate, and each of its places is one digit.
            let index = digit.and_then(|digit| usize::try_from(digit).ok()).unwrap_or_default();
            if named {
                self.push("v.").name(&format!("v{index}"));
            } else if let Some(part) = parts.get(index) {
                self.part(part, formula);
            }
            rest = &rest[at + 2..];
        }
        self.push(rest);
        if named {
            self.push(" FROM (SELECT ");
            self.list(", ", parts.iter().enumerate(), |writer, (index, part)| {
                writer.part(part, formula);
                writer.push(" AS ").name(&format!("v{index}"));
            });
            // The rules of a zone are too long to be written out wherever the name stands.
            let once = match formula.zone.fixed_seconds() {
                Some(_) => "",
                None => self.dialect().once(),
            };
            self.push(once).push(") v)");
        }
    }

    fn part(&mut self, part: &Part<'_>, formula: &FormulaSource) {
        let moment = |node: &Node| node.value_type == Type::DateTime;
        match part {
            Part::Double(node) => self.template(Construct::Double, &[Part::Plain(node)], formula),
            Part::Day(node) if moment(node) => match formula.zone.fixed_seconds() {
                Some(offset) => self.template(Construct::DayOf(offset), &[Part::Plain(node)], formula),
                None => self.in_zone(Construct::DayIn, node, formula),
            },
            Part::Clock(node) if moment(node) => match formula.zone.fixed_seconds() {
                Some(offset) => self.template(Construct::TimeOf(offset), &[Part::Plain(node)], formula),
                None => self.in_zone(Construct::TimeIn, node, formula),
            },
            Part::Begin(construct, node) => self.template(*construct, &[Part::Day(node)], formula),
            Part::MonthsOn(each, node, count) => {
                let parts = [Part::DayOn(*each, node, count), Part::Clock(node)];
                self.template(Construct::LocalTime, &parts, formula);
            }
            Part::DayOn(each, node, count) => {
                let months = Construct::Calendar(Calendar::AddMonths(*each));
                self.template(months, &[Part::Day(node), Part::Double(count)], formula);
            }
            Part::Written(node) if node.value_type == Type::Boolean => {
                let words = Construct::Letters(Letters::OfBoolean);
                self.template(words, &[Part::Plain(node)], formula);
            }
            Part::Written(node) if node.value_type == Type::Number => self.number_as_text(node, formula),
            Part::Constant(sql) => {
                self.push(sql);
            }
            Part::Plain(node) | Part::Day(node) | Part::Clock(node) | Part::Written(node) => self.node(node, formula),
            Part::Extreme(_, [only]) => self.node(only, formula),
            Part::Extreme(construct, [before @ .., last]) => {
                let parts = [Part::Extreme(*construct, before), Part::Plain(last)];
                self.template(*construct, &parts, formula);
            }
            Part::Extreme(_, []) => self.literal(&Value::Null, Type::Number),
        }
    }

    /// A constant as the evaluator writes it; what counts is whole and short, anything else needs more care.
    fn number_as_text(&mut self, node: &Node, formula: &FormulaSource) {
        match node.as_literal() {
            Some(Value::Null) => self.literal(&Value::Null, Type::Text),
            Some(number) => {
                self.value(SqlValue::Text(number.to_text().into_owned()));
            }
            None => {
                let letters = if node.counts() {
                    Letters::OfWhole
                } else {
                    Letters::OfNumber
                };
                self.template(Construct::Letters(letters), &[Part::Plain(node)], formula);
            }
        }
    }

    /// The moment at which it is a local time.
    fn at_local_time(&mut self, time: &Part<'_>, formula: &FormulaSource) {
        match formula.zone.fixed_seconds() {
            Some(offset) => self.template(Construct::MomentOf(offset), &[*time], formula),
            None => self.moment_in_zone(&formula.zone, &|writer| writer.part(time, formula)),
        }
    }

    /// The moment at which a local day begins.
    fn midnight(&mut self, day: &Part<'_>, formula: &FormulaSource) {
        match formula.zone.fixed_seconds() {
            Some(offset) => self.template(Construct::MidnightOf(offset), &[*day], formula),
            None => self.moment_in_zone(&formula.zone, &|writer| {
                writer.push("(");
                writer.part(day, formula);
                writer.push(" || 'T00:00:00.000Z')");
            }),
        }
    }

    fn joined(&mut self, items: &[Node], between: &str, none: Construct, formula: &FormulaSource) {
        if items.is_empty() {
            return self.template(none, &[], formula);
        }
        self.push("(");
        self.list(between, items, |writer, item| writer.node(item, formula));
        self.push(")");
    }

    /// Whether an odd number of conditions is true; null when one is null.
    fn odd(&mut self, items: &[Node], formula: &FormulaSource) {
        match items {
            [] => self.template(Construct::False, &[], formula),
            [only] => self.node(only, formula),
            [before @ .., last] => {
                self.push("(");
                self.odd(before, formula);
                self.push(" <> ");
                self.node(last, formula);
                self.push(")");
            }
        }
    }

    fn among(&mut self, item: &Node, list: &[Node], formula: &FormulaSource) {
        let mut lists = Vec::new();
        let mut scalars = Vec::new();
        for entry in list {
            match &entry.kind {
                // A list of the caller: what is in it stands for itself; null and other types are never equal.
                NodeKind::Literal(Value::List(values)) => {
                    let same = values.iter().filter(|value| value.value_type() == item.value_type);
                    scalars.extend(same.map(Scalar::Constant));
                }
                _ if entry.value_type == Type::List => lists.push(entry),
                _ => scalars.push(Scalar::Node(entry)),
            }
        }
        self.push("(");
        if scalars.is_empty() && lists.is_empty() {
            // Null for null, else false.
            self.node(item, formula);
            self.push(" <> ");
            self.node(item, formula);
        }
        if !scalars.is_empty() {
            self.node(item, formula);
            self.push(" IN (");
            self.list(", ", &scalars, |writer, scalar| match scalar {
                Scalar::Node(node) => writer.node(node, formula),
                Scalar::Constant(value) => writer.literal(value, item.value_type),
            });
            self.push(")");
        }
        for (index, entry) in lists.into_iter().enumerate() {
            if index > 0 || !scalars.is_empty() {
                self.push(" OR ");
            }
            let parts = [Part::Plain(entry), Part::Plain(item)];
            self.template(Construct::ListHolds, &parts, formula);
        }
        self.push(")");
    }

    fn pattern(&mut self, text: &Node, pattern: &Node, formula: &FormulaSource) {
        let Some(Value::Text(pattern)) = pattern.as_literal() else {
            return self.literal(&Value::Null, Type::Boolean);
        };
        let (operator, pattern) = self.dialect.like(pattern);
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

    fn call(&mut self, value_type: Type, name: &str, arguments: &[Node], formula: &FormulaSource) {
        match call::written(name, arguments) {
            Some(Call::Midnight(day)) => self.midnight(&day, formula),
            Some(Call::Local(time)) => self.at_local_time(&time, formula),
            Some(Call::Template(construct, parts)) => self.template(construct, &parts, formula),
            Some(Call::Part(part)) => self.part(&part, formula),
            Some(Call::Joined(items)) => {
                self.push("(");
                self.list(" || ", items, |writer, item| {
                    writer.push("COALESCE(");
                    writer.part(&Part::Written(item), formula);
                    writer.push(", '')");
                });
                self.push(")");
            }
            Some(Call::NotZero(node)) => {
                self.push("(");
                self.node(node, formula);
                self.push(" <> 0)");
            }
            Some(Call::There(node)) => {
                self.push("(");
                self.node(node, formula);
                self.push(" IS NOT NULL)");
            }
            Some(Call::Odd(items)) => self.odd(items, formula),
            // `formula_supported` let nothing else through.
            None => self.literal(&Value::Null, value_type),
        }
    }
}

/// Costs nothing to be written twice.
fn simple(part: &Part<'_>, formula: &FormulaSource) -> bool {
    if let Part::Constant(_) = part {
        return true;
    }
    let (Part::Plain(node) | Part::Double(node) | Part::Day(node) | Part::Clock(node)) = part else {
        return false;
    };
    let local = matches!(part, Part::Day(_) | Part::Clock(_)) && node.value_type == Type::DateTime;
    if local && formula.zone.fixed_seconds().is_none() {
        return false;
    }
    match &node.kind {
        NodeKind::Literal(_) => true,
        NodeKind::Field(path) => formula
            .fields
            .get(path.as_str())
            .is_none_or(|field| matches!(field.source, Source::Column(_))),
        _ => false,
    }
}
