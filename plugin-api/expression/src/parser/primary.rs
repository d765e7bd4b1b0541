//! The smallest parts: constants, names, calls, brackets, texts in backquotes, and what follows a dot.

use super::Parser;
use crate::error::Fault;
use crate::lexer::{self, Piece, Token};
use crate::syntax::{Syntax, SyntaxKind};
use crate::value::Value;

impl<'s> Parser<'s> {
    pub(super) fn postfix(&mut self) -> Result<Syntax, Fault> {
        let mut tree = self.primary()?;
        while self.is_symbol(".") || self.is_symbol("?.") {
            self.at += 1;
            let offset = self.offset();
            let Some(name) = self.word() else {
                return Err(Fault::syntax(
                    offset,
                    format!("expected a name after `.`, found {}", self.shown()),
                ));
            };
            self.at += 1;
            let kind = if self.eat("(") {
                let arguments = self.items(")")?;
                SyntaxKind::Method {
                    receiver: Box::new(tree),
                    name: name.into(),
                    arguments,
                }
            } else if let SyntaxKind::Path(mut segments) = tree.kind {
                segments.push(name.into());
                tree = Syntax {
                    kind: SyntaxKind::Path(segments),
                    ..tree
                };
                continue;
            } else {
                SyntaxKind::Method {
                    receiver: Box::new(tree),
                    name: name.into(),
                    arguments: Vec::new(),
                }
            };
            tree = Syntax::new(kind, offset)?;
        }
        Ok(tree)
    }

    fn primary(&mut self) -> Result<Syntax, Fault> {
        let offset = self.offset();
        let token = self.peek().clone();
        match token {
            Token::Literal(value) => {
                self.at += 1;
                Syntax::new(SyntaxKind::Literal(value), offset)
            }
            Token::Template(pieces) => {
                self.at += 1;
                self.template(pieces, offset)
            }
            Token::Word(word) => self.named(word, offset),
            Token::Symbol("(") => {
                self.at += 1;
                let first = self.expression()?;
                if !self.is_symbol(",") {
                    self.expect(")", "at the end of the brackets")?;
                    return Ok(first);
                }
                self.at += 1;
                let mut items = vec![first];
                items.extend(self.items(")")?);
                Syntax::new(SyntaxKind::List(items), offset)
            }
            Token::Symbol("[") => {
                self.at += 1;
                Syntax::new(SyntaxKind::List(self.items("]")?), offset)
            }
            Token::Symbol("{") if self.dialect.placeholders => {
                let doubled = matches!(self.peek_at(1), Token::Symbol("{"));
                self.at += 1 + usize::from(doubled);
                let inner = self.expression()?;
                for _ in 0..=usize::from(doubled) {
                    self.expect("}", "at the end of the placeholder")?;
                }
                Ok(inner)
            }
            Token::Symbol("{") => {
                Err(Fault::syntax(offset, "unexpected `{`").hint("braces belong into templates: write the name alone"))
            }
            _ => Err(Fault::syntax(
                offset,
                format!("expected a value, found {}", self.shown()),
            )),
        }
    }

    /// A word at the place of a value: a constant, a call, or the first part of a path.
    fn named(&mut self, word: &'s str, offset: u32) -> Result<Syntax, Fault> {
        self.at += 1;
        if self.eat("(") {
            let arguments = self.items(")")?;
            return Syntax::new(
                SyntaxKind::Call {
                    name: word.into(),
                    arguments,
                },
                offset,
            );
        }
        let constant = match word.to_ascii_lowercase().as_str() {
            "true" => Some(Value::Boolean(true)),
            "false" => Some(Value::Boolean(false)),
            "null" | "undefined" => Some(Value::Null),
            "and" | "or" | "not" | "in" | "like" | "between" | "is" => {
                return Err(Fault::syntax(
                    offset,
                    format!("expected a value, found the operator {}", word.to_uppercase()),
                )
                .hint(format!("a field of that name is written `record.{word}`")));
            }
            "select" if self.word().is_some() => {
                return Err(Fault::syntax(offset, "queries inside expressions are not possible")
                    .hint("use a path such as `account.owner`"));
            }
            _ => None,
        };
        let kind = constant.map_or_else(|| SyntaxKind::Path(vec![word.into()]), SyntaxKind::Literal);
        Syntax::new(kind, offset)
    }

    fn template(&mut self, pieces: Vec<Piece>, offset: u32) -> Result<Syntax, Fault> {
        let mut arguments = Vec::with_capacity(pieces.len());
        for piece in pieces {
            arguments.push(match piece {
                Piece::Text(text) => Syntax::new(SyntaxKind::Literal(Value::Text(text.into())), offset)?,
                Piece::Code { start, end } => self.nested(|parser| {
                    let tokens = lexer::tokens(parser.source, start, end)?;
                    let mut inner = Parser {
                        tokens,
                        at: 0,
                        ..*parser
                    };
                    let tree = inner.expression()?;
                    inner.finish()?;
                    Ok(tree)
                })?,
            });
        }
        Syntax::new(
            SyntaxKind::Call {
                name: "CONCAT".into(),
                arguments,
            },
            offset,
        )
    }

    /// Items between commas up to the closing bracket, which is taken too.
    pub(super) fn items(&mut self, close: &str) -> Result<Vec<Syntax>, Fault> {
        let mut items = Vec::new();
        while !self.eat(close) {
            if !items.is_empty() {
                self.expect(",", &format!("or `{close}`"))?;
            }
            items.push(self.expression()?);
        }
        Ok(items)
    }
}
