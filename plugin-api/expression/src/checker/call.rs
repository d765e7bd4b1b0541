//! Calls: the arguments held against the table, and the functions that become nodes of their own.

use regex::RegexBuilder;

use super::Typer;
use super::operator::{DAYS_BETWEEN, call};
use super::path::nearest;
use super::unify::{adopt, is_text_literal};
use crate::error::{ErrorKind, Fault};
use crate::function::{self, Form, Function, Parameter, Returns, Special};
use crate::limits::PATTERN_BYTES_MAX;
use crate::node::{ArithmeticOperator, CompareOperator, Node, NodeKind, Pattern, Variable};
use crate::syntax::{Syntax, SyntaxKind};
use crate::types::Type;
use crate::value::Value;

impl Typer<'_> {
    pub(super) fn call(&mut self, name: &str, arguments: &[Syntax], offset: u32) -> Node {
        let Some(function) = function::find(name) else {
            let names = function::functions()
                .flat_map(|(_, function)| std::iter::once(function.name).chain(function.aliases.iter().copied()));
            let fault = Fault::new(
                ErrorKind::FunctionNotFound,
                offset,
                format!("unknown function `{name}`"),
            );
            self.fault(fault.suggest(nearest(name, names)));
            // The arguments may be wrong too.
            self.nodes(arguments);
            return self.poison(offset);
        };
        if !function.takes(arguments.len()) {
            let few = if arguments.len() < function.required {
                "few"
            } else {
                "many"
            };
            return self.type_fault(
                offset,
                format!("too {few} arguments for {}", function.name),
                format!("call it as {}", function.signature),
            );
        }
        match &function.form {
            Form::Kernel(_) => self.kernel_call(function, arguments, offset),
            Form::Special(special) => self.special(special, function, arguments, offset),
        }
    }

    fn kernel_call(&mut self, function: &'static Function, arguments: &[Syntax], offset: u32) -> Node {
        let mut nodes = self.arguments(function, arguments);
        if function.name == "CONTAINS" && nodes[0].value_type == Type::List {
            let list = nodes.remove(0);
            return self.member(nodes.remove(0), vec![list], offset);
        }
        if function.name == "CONTAINS" {
            let part = nodes.remove(1);
            nodes.push(self.argument(function, Parameter::Text, part));
        }
        let value_type = match function.returns {
            Returns::Always(value_type) => value_type,
            Returns::SameAs(index) => nodes[index].value_type,
            Returns::Special => Type::Any,
        };
        // Asked for as it already is.
        let same = ["TEXT", "VALUE", "BOOLEAN", "DATEVALUE", "DATETIMEVALUE", "TIMEVALUE"].contains(&function.name);
        if same && nodes[0].value_type == value_type {
            return nodes.remove(0);
        }
        Node::new(
            NodeKind::Call {
                function,
                arguments: nodes,
            },
            value_type,
            offset,
        )
    }

    fn arguments(&mut self, function: &'static Function, arguments: &[Syntax]) -> Vec<Node> {
        let nodes = self.nodes(arguments);
        nodes
            .into_iter()
            .enumerate()
            .map(|(index, node)| self.argument(function, function.parameter(index), node))
            .collect()
    }

    /// Holds an argument against its parameter, turning it into the right type where that is not a matter of opinion.
    fn argument(&mut self, function: &Function, parameter: Parameter, node: Node) -> Node {
        let found = node.value_type;
        let quoted = is_text_literal(&node);
        let (fits, adopted) = match parameter {
            Parameter::Any => (true, Type::Any),
            Parameter::Boolean => (found == Type::Boolean, Type::Boolean),
            Parameter::Number => (found == Type::Number, Type::Number),
            Parameter::Text => (found == Type::Text, Type::Text),
            Parameter::TextOrList => (matches!(found, Type::Text | Type::List), Type::Any),
            Parameter::List => (found == Type::List, Type::List),
            Parameter::Date if found.is_moment() || quoted => return self.coerce(node, Type::Date),
            Parameter::DateTime if found.is_moment() || quoted => return self.coerce(node, Type::DateTime),
            Parameter::Moment if quoted => {
                let is_day = matches!(node.as_literal(), Some(Value::Text(text)) if text.len() <= 10);
                return self.coerce(node, if is_day { Type::Date } else { Type::DateTime });
            }
            Parameter::Clock if quoted => {
                let is_time =
                    matches!(node.as_literal(), Some(Value::Text(text)) if text.as_bytes().get(2) == Some(&b':'));
                return self.coerce(node, if is_time { Type::Time } else { Type::DateTime });
            }
            Parameter::Moment => (found.is_moment(), Type::Date),
            Parameter::Clock => (matches!(found, Type::Time | Type::DateTime), Type::Time),
            Parameter::Date => (false, Type::Date),
            Parameter::DateTime => (false, Type::DateTime),
        };
        if fits || found.is_open() {
            return adopt(node, adopted);
        }
        let (expected, hint) = match parameter {
            Parameter::Number => ("a number", "make text a number with VALUE()"),
            Parameter::Text => ("text", "make it text with TEXT()"),
            Parameter::TextOrList => ("text or a list", "make it text with TEXT()"),
            Parameter::List => ("a list", "name a multiselect field, or use CONTAINS() on text"),
            Parameter::Boolean => ("true or false", "compare it with a value"),
            Parameter::Clock => ("a time or a datetime", "a date has no time of day"),
            _ => ("a date", "make text a date with DATEVALUE()"),
        };
        self.type_fault(
            node.offset,
            format!("{} needs {expected}, found {found}", function.name),
            hint,
        )
    }

    fn special(&mut self, special: &Special, function: &'static Function, trees: &[Syntax], offset: u32) -> Node {
        match special {
            Special::User => return self.path(&["$current_user".into(), "id".into()], offset),
            Special::Variable(variable) => {
                return Node::new(NodeKind::Variable(variable.clone()), variable.value_type(), offset);
            }
            Special::IsChanged | Special::PriorValue => return self.change(special, &trees[0], offset),
            Special::Ifs => return self.ifs(trees, offset),
            Special::Case => return self.case(trees, offset),
            Special::Regex => return self.regex(function, trees, offset),
            _ => {}
        }
        let mut nodes = self.arguments(function, trees);
        match special {
            Special::And => Node::new(NodeKind::And(nodes), Type::Boolean, offset),
            Special::Or => Node::new(NodeKind::Or(nodes), Type::Boolean, offset),
            Special::Coalesce => self.coalesce(nodes, offset),
            Special::Not => Node::new(NodeKind::Not(Box::new(nodes.remove(0))), Type::Boolean, offset),
            Special::IsBlank => self.is_blank(nodes.remove(0), offset),
            Special::IsNull => Node::new(NodeKind::IsNull(Box::new(nodes.remove(0))), Type::Boolean, offset),
            Special::If => {
                let otherwise = if nodes.len() > 2 { nodes.remove(2) } else { null(offset) };
                let then = nodes.remove(1);
                self.choice(vec![(nodes.remove(0), then)], otherwise, offset)
            }
            Special::DaysSince => self.days_from_today(nodes.remove(0), false, offset),
            Special::DaysUntil => self.days_from_today(nodes.remove(0), true, offset),
            Special::Includes => {
                let list = nodes.remove(0);
                self.member(nodes.remove(0), vec![list], offset)
            }
            _ => {
                let second = nodes.remove(1);
                let first = nodes.remove(0);
                self.special_pair(special, first, second, offset)
            }
        }
    }

    fn special_pair(&mut self, special: &Special, first: Node, second: Node, offset: u32) -> Node {
        match special {
            Special::BlankValue => self.blank_value(first, second, offset),
            Special::IsPickval => self.compare(CompareOperator::Equal, first, second, offset),
            Special::NullIf => {
                let same = self.compare(CompareOperator::Equal, first.clone(), second, offset);
                self.choice(vec![(same, null(offset))], first, offset)
            }
            Special::Mod => self.arithmetic(ArithmeticOperator::Remainder, first, second, offset),
            _ => self.arithmetic(ArithmeticOperator::Power, first, second, offset),
        }
    }

    fn days_from_today(&mut self, date: Node, until: bool, offset: u32) -> Node {
        let today = Node::new(NodeKind::Variable(Variable::Today), Type::Date, offset);
        let ends = if until { vec![today, date] } else { vec![date, today] };
        call(&DAYS_BETWEEN, ends, Type::Number, offset)
    }

    /// ISCHANGED and PRIORVALUE, which take a field and not a value.
    fn change(&mut self, special: &Special, tree: &Syntax, offset: u32) -> Node {
        let now = self.node(tree);
        let NodeKind::Field(path) = &now.kind else {
            if self.faults.is_empty() || !matches!(tree.kind, SyntaxKind::Path(_)) {
                return self.type_fault(
                    tree.offset,
                    "this function asks about a field".to_owned(),
                    "name a field of the record",
                );
            }
            return self.poison(offset);
        };
        let before = self.previous(&path.segments().collect::<Vec<_>>(), offset);
        if *special == Special::PriorValue || before.value_type.is_open() && before.as_literal().is_some() {
            return before;
        }
        // `x IS DISTINCT FROM y`: different, or just one of them null.
        let is_null = |node: &Node| Node::new(NodeKind::IsNull(Box::new(node.clone())), Type::Boolean, offset);
        let both = |left: Node, right: Node| Node::new(NodeKind::And(vec![left, right]), Type::Boolean, offset);
        let not = |node: Node| Node::new(NodeKind::Not(Box::new(node)), Type::Boolean, offset);
        let appeared = both(is_null(&before), not(is_null(&now)));
        let vanished = both(not(is_null(&before)), is_null(&now));
        let (now_set, before_set) = (not(is_null(&now)), not(is_null(&before)));
        let unequal = Node::new(
            NodeKind::Compare(CompareOperator::NotEqual, Box::new(now), Box::new(before)),
            Type::Boolean,
            offset,
        );
        let replaced = Node::new(NodeKind::And(vec![now_set, before_set, unequal]), Type::Boolean, offset);
        Node::new(NodeKind::Or(vec![appeared, vanished, replaced]), Type::Boolean, offset)
    }

    fn ifs(&mut self, trees: &[Syntax], offset: u32) -> Node {
        let (pairs, rest) = trees.as_chunks::<2>();
        let arms: Vec<_> = pairs
            .iter()
            .map(|[condition, value]| (self.condition(condition, "IFS"), self.node(value)))
            .collect();
        let otherwise = rest.first().map_or_else(|| null(offset), |tree| self.node(tree));
        self.choice(arms, otherwise, offset)
    }

    fn case(&mut self, trees: &[Syntax], offset: u32) -> Node {
        let Some((subject, rest)) = trees.split_first() else {
            return self.poison(offset);
        };
        let subject = self.node(subject);
        let (pairs, rest) = rest.as_chunks::<2>();
        let mut compared = vec![subject];
        let mut results = Vec::with_capacity(pairs.len() + 1);
        for [value, result] in pairs {
            compared.push(self.node(value));
            results.push(self.node(result));
        }
        results.push(rest.first().map_or_else(|| null(offset), |tree| self.node(tree)));
        self.conditions += pairs.len();
        let (mut compared, _) = self.unify(compared, offset, |subject, value| {
            format!("cannot compare {subject} with {value}")
        });
        let (mut results, joined) = self.unify(results, offset, |left, right| {
            format!("the results are {left} and {right}")
        });
        let (subject, otherwise) = (compared.remove(0), results.pop().unwrap_or_else(|| null(offset)));
        let arms = compared.into_iter().zip(results).collect();
        Node::new(
            NodeKind::Case {
                subject: Box::new(subject),
                arms,
                otherwise: Box::new(otherwise),
            },
            joined,
            offset,
        )
    }

    fn regex(&mut self, function: &'static Function, trees: &[Syntax], offset: u32) -> Node {
        let mut nodes = self.arguments(function, trees);
        let pattern = nodes.remove(1);
        let text = nodes.remove(0);
        let Some(Value::Text(source)) = pattern.as_literal() else {
            return self.type_fault(
                pattern.offset,
                "the pattern of REGEX has to be a text in quotes".to_owned(),
                "write it out",
            );
        };
        // By itself first, so that a bracket too many cannot reach out of the whole.
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .size_limit(PATTERN_BYTES_MAX)
                .dfa_size_limit(PATTERN_BYTES_MAX)
                .build()
        };
        match build(source).and_then(|_| build(&format!(r"\A(?:{source})\z"))) {
            Ok(regex) => {
                let pattern = Pattern {
                    source: source.as_ref().into(),
                    regex,
                };
                Node::new(
                    NodeKind::Matches {
                        text: Box::new(text),
                        pattern,
                    },
                    Type::Boolean,
                    offset,
                )
            }
            Err(error) => {
                let reason = error
                    .to_string()
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned();
                self.type_fault(
                    pattern.offset,
                    format!("the pattern cannot be used: {reason}"),
                    "look-around and back references are not possible",
                )
            }
        }
    }
}

fn null(offset: u32) -> Node {
    Node::new(NodeKind::Literal(Value::Null), Type::Null, offset)
}
