//! Text to tree: operators by precedence, calls, paths, and statement blocks (in `statement`).
//!
//! From loose to tight: `? :`, `??`, `OR ||`, `AND &&`, `NOT`, comparisons with `IN LIKE BETWEEN IS`, `&`, `+ -`, `* / %`, sign and
//! `!`, `^ **` (from the right). Called by `checker::check`. Stops at the first fault.

use crate::error::{ErrorKind, Fault};
use crate::lexer::{self, Token};
use crate::limits::NESTING_MAX;
use crate::node::{ArithmeticOperator, CompareOperator};
use crate::syntax::{Syntax, SyntaxKind};
use crate::value::Value;

mod primary;
mod statement;

/// How the text may be written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dialect {
    /// `{path}` and `{{ path }}` are brackets: the way flow conditions name variables.
    pub(crate) placeholders: bool,
}

pub(crate) fn parse(source: &str, dialect: Dialect) -> Result<Syntax, Fault> {
    let mut parser = Parser {
        source,
        tokens: lexer::tokens(source, 0, source.len())?,
        at: 0,
        depth: 0,
        dialect,
        statements: 0,
    };
    if parser.tokens.len() == 1 {
        return Err(Fault::syntax(0, "the expression is empty"));
    }
    let tree = if parser.begins_statement() {
        parser.program()?
    } else {
        parser.expression()?
    };
    parser.finish()?;
    Ok(tree)
}

struct Parser<'s> {
    source: &'s str,
    tokens: Vec<(Token<'s>, u32)>,
    at: usize,
    depth: usize,
    dialect: Dialect,
    /// Statements lowered so far: code after an `if` with `return` is lowered once per branch.
    statements: usize,
}

impl<'s> Parser<'s> {
    fn peek(&self) -> &Token<'s> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token<'s> {
        // The last token is always `End`.
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)].0
    }

    fn offset(&self) -> u32 {
        self.tokens[self.at.min(self.tokens.len() - 1)].1
    }

    fn word(&self) -> Option<&'s str> {
        self.word_at(0)
    }

    fn word_at(&self, ahead: usize) -> Option<&'s str> {
        match self.peek_at(ahead) {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is_word(&self, expected: &str) -> bool {
        self.word().is_some_and(|word| word.eq_ignore_ascii_case(expected))
    }

    fn is_symbol(&self, expected: &str) -> bool {
        matches!(self.peek(), Token::Symbol(symbol) if *symbol == expected)
    }

    fn eat_word(&mut self, expected: &str) -> bool {
        let found = self.is_word(expected);
        self.at += usize::from(found);
        found
    }

    fn eat(&mut self, expected: &str) -> bool {
        let found = self.is_symbol(expected);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, expected: &str, after: &str) -> Result<(), Fault> {
        if self.eat(expected) {
            return Ok(());
        }
        Err(Fault::syntax(
            self.offset(),
            format!("expected `{expected}` {after}, found {}", self.shown()),
        ))
    }

    fn shown(&self) -> String {
        match self.peek() {
            Token::End => "the end".to_owned(),
            Token::Word(word) => format!("`{word}`"),
            Token::Symbol(symbol) => format!("`{symbol}`"),
            Token::Literal(Value::Text(text)) => format!("the text `{}`", text.chars().take(20).collect::<String>()),
            Token::Literal(value) => format!("`{}`", value.to_text()),
            Token::Template(_) => "a text".to_owned(),
        }
    }

    fn finish(&self) -> Result<(), Fault> {
        if matches!(self.peek(), Token::End) {
            return Ok(());
        }
        let fault = Fault::syntax(self.offset(), format!("unexpected {}", self.shown()));
        Err(if self.compare_operator().is_some() {
            fault.hint("comparisons cannot be chained: join two of them with AND")
        } else if matches!(self.peek(), Token::Symbol("{" | "}")) {
            fault.hint("braces belong into templates: write the name alone")
        } else {
            fault.hint("an operator such as + or AND is missing before it")
        })
    }

    /// Runs one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth >= NESTING_MAX {
            return Err(Fault::new(
                ErrorKind::LimitExceeded,
                self.offset(),
                format!("brackets, calls and branches are nested deeper than {NESTING_MAX}"),
            ));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn expression(&mut self) -> Result<Syntax, Fault> {
        self.nested(|parser| {
            let offset = parser.offset();
            let condition = parser.coalesce()?;
            if !parser.eat("?") {
                return Ok(condition);
            }
            let then = parser.expression()?;
            parser.expect(":", "between the two branches of `? :`")?;
            let otherwise = parser.expression()?;
            branch(condition, then, otherwise, offset)
        })
    }

    fn coalesce(&mut self) -> Result<Syntax, Fault> {
        self.chain(Self::or, |parser| parser.eat("??"), SyntaxKind::Coalesce)
    }

    fn or(&mut self) -> Result<Syntax, Fault> {
        let offset = self.offset();
        let mut items = vec![self.and()?];
        let mut doubled = false;
        loop {
            if self.eat("||") {
                doubled = true;
            } else if !self.eat_word("OR") {
                break;
            }
            items.push(self.and()?);
        }
        one_or(items, if doubled { SyntaxKind::OrElse } else { SyntaxKind::Or }, offset)
    }

    fn and(&mut self) -> Result<Syntax, Fault> {
        self.chain(
            Self::not,
            |parser| parser.eat_word("AND") || parser.eat("&&"),
            SyntaxKind::And,
        )
    }

    fn not(&mut self) -> Result<Syntax, Fault> {
        let offset = self.offset();
        // `NOT(x)` is the same as a function and as an operator, save that the operator reaches further: `NOT (a) = b`.
        if self.eat_word("NOT") {
            let inner = self.nested(Self::not)?;
            return Syntax::new(SyntaxKind::Not(Box::new(inner)), offset);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Syntax, Fault> {
        let left = self.concat()?;
        let offset = self.offset();
        if let Some(operator) = self.compare_operator() {
            self.at += 1;
            let right = self.concat()?;
            return comparison(left, operator, right, offset);
        }
        if self.eat_word("IS") {
            let negated = self.eat_word("NOT");
            if !self.eat_word("NULL") {
                return Err(
                    Fault::syntax(self.offset(), format!("expected NULL after IS, found {}", self.shown()))
                        .hint("compare with `=`"),
                );
            }
            return negate(
                negated,
                Syntax::new(SyntaxKind::IsNull(Box::new(left)), offset)?,
                offset,
            );
        }
        let negated = self.is_word("NOT")
            && self.word_at(1).is_some_and(|word| {
                ["IN", "LIKE", "BETWEEN"]
                    .iter()
                    .any(|known| word.eq_ignore_ascii_case(known))
            });
        self.at += usize::from(negated);
        let kind = if self.eat_word("IN") {
            SyntaxKind::In {
                item: Box::new(left),
                list: self.list_after_in()?,
            }
        } else if self.eat_word("LIKE") {
            SyntaxKind::Like {
                text: Box::new(left),
                pattern: Box::new(self.concat()?),
            }
        } else if self.eat_word("BETWEEN") {
            let low = self.concat()?;
            if !self.eat_word("AND") && !self.eat("&&") {
                return Err(Fault::syntax(
                    self.offset(),
                    format!("expected AND after BETWEEN, found {}", self.shown()),
                ));
            }
            SyntaxKind::Between {
                item: Box::new(left),
                low: Box::new(low),
                high: Box::new(self.concat()?),
            }
        } else {
            return Ok(left);
        };
        negate(negated, Syntax::new(kind, offset)?, offset)
    }

    fn compare_operator(&self) -> Option<CompareOperator> {
        let Token::Symbol(symbol) = self.peek() else {
            return None;
        };
        Some(match *symbol {
            "=" | "==" | "===" => CompareOperator::Equal,
            "!=" | "<>" | "!==" => CompareOperator::NotEqual,
            "<" => CompareOperator::Less,
            "<=" => CompareOperator::LessOrEqual,
            ">" => CompareOperator::Greater,
            ">=" => CompareOperator::GreaterOrEqual,
            _ => return None,
        })
    }

    fn list_after_in(&mut self) -> Result<Vec<Syntax>, Fault> {
        for (open, close) in [("(", ")"), ("[", "]")] {
            if self.eat(open) {
                return self.items(close);
            }
        }
        Ok(vec![self.concat()?])
    }

    fn concat(&mut self) -> Result<Syntax, Fault> {
        self.chain(Self::sum, |parser| parser.eat("&"), SyntaxKind::Concat)
    }

    fn sum(&mut self) -> Result<Syntax, Fault> {
        self.arithmetic(
            Self::product,
            &[("+", ArithmeticOperator::Add), ("-", ArithmeticOperator::Subtract)],
        )
    }

    fn product(&mut self) -> Result<Syntax, Fault> {
        use ArithmeticOperator::{Divide, Multiply, Remainder};
        self.arithmetic(Self::signed, &[("*", Multiply), ("/", Divide), ("%", Remainder)])
    }

    fn signed(&mut self) -> Result<Syntax, Fault> {
        let offset = self.offset();
        if self.eat("-") {
            let inner = self.nested(Self::signed)?;
            // A negative literal, so that it stays one in filters and messages.
            if let SyntaxKind::Literal(Value::Integer(integer)) = inner.kind {
                return Syntax::new(SyntaxKind::Literal(Value::Integer(-integer)), offset);
            }
            return Syntax::new(SyntaxKind::Negate(Box::new(inner)), offset);
        }
        if self.eat("+") {
            return self.nested(Self::signed);
        }
        if self.eat("!") {
            let inner = self.nested(Self::signed)?;
            return Syntax::new(SyntaxKind::Not(Box::new(inner)), offset);
        }
        let base = self.postfix()?;
        let offset = self.offset();
        if self.eat("^") || self.eat("**") {
            let exponent = self.nested(Self::signed)?;
            let kind = SyntaxKind::Arithmetic(ArithmeticOperator::Power, Box::new(base), Box::new(exponent));
            return Syntax::new(kind, offset);
        }
        Ok(base)
    }

    fn chain(
        &mut self,
        operand: fn(&mut Self) -> Result<Syntax, Fault>,
        operator: fn(&mut Self) -> bool,
        kind: fn(Vec<Syntax>) -> SyntaxKind,
    ) -> Result<Syntax, Fault> {
        let offset = self.offset();
        let mut items = vec![operand(self)?];
        while operator(self) {
            items.push(operand(self)?);
        }
        one_or(items, kind, offset)
    }

    fn arithmetic(
        &mut self,
        operand: fn(&mut Self) -> Result<Syntax, Fault>,
        operators: &[(&str, ArithmeticOperator)],
    ) -> Result<Syntax, Fault> {
        let mut left = operand(self)?;
        loop {
            let offset = self.offset();
            let Some((_, operator)) = operators.iter().find(|(symbol, _)| self.is_symbol(symbol)) else {
                return Ok(left);
            };
            self.at += 1;
            let right = operand(self)?;
            left = Syntax::new(
                SyntaxKind::Arithmetic(*operator, Box::new(left), Box::new(right)),
                offset,
            )?;
        }
    }
}

fn one_or(mut items: Vec<Syntax>, kind: fn(Vec<Syntax>) -> SyntaxKind, offset: u32) -> Result<Syntax, Fault> {
    match items.pop() {
        Some(only) if items.is_empty() => Ok(only),
        last => {
            items.extend(last);
            Syntax::new(kind(items), offset)
        }
    }
}

fn branch(condition: Syntax, then: Syntax, otherwise: Syntax, offset: u32) -> Result<Syntax, Fault> {
    let (condition, then, otherwise) = (Box::new(condition), Box::new(then), Box::new(otherwise));
    Syntax::new(
        SyntaxKind::If {
            condition,
            then,
            otherwise,
        },
        offset,
    )
}

fn negate(negated: bool, tree: Syntax, offset: u32) -> Result<Syntax, Fault> {
    if negated {
        Syntax::new(SyntaxKind::Not(Box::new(tree)), offset)
    } else {
        Ok(tree)
    }
}

/// `x = null` asks whether there is a value, which is what everybody who writes it means.
fn comparison(left: Syntax, operator: CompareOperator, right: Syntax, offset: u32) -> Result<Syntax, Fault> {
    let negated = operator == CompareOperator::NotEqual;
    if (negated || operator == CompareOperator::Equal) && (left.is_null() || right.is_null()) {
        let asked = if right.is_null() { left } else { right };
        return negate(
            negated,
            Syntax::new(SyntaxKind::IsNull(Box::new(asked)), offset)?,
            offset,
        );
    }
    Syntax::new(SyntaxKind::Compare(operator, Box::new(left), Box::new(right)), offset)
}

#[cfg(test)]
mod tests;
