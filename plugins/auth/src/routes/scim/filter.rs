//! Filters (RFC 7644, section 3.4.2.2): `eq ne co sw ew pr`, `and or not`, brackets, and value paths such as
//! `emails[type eq "work"]`. Attributes and operators are read without case. Here they become a tree; `store` makes of it what
//! the store is asked, `value` whether a value fits, which is what the paths of a PATCH ask.

mod store;
mod value;

use serde_json::Value;

pub(super) use self::store::{Field, read};
use crate::error::{AuthError, Refusal, Result};

/// Brackets within brackets.
const DEPTH_MAX: usize = 16;
/// Longest filter, bytes.
const FILTER_BYTES_MAX: usize = 4096;

/// A filter as a tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    /// One of them fits.
    Any(Vec<Filter>),
    /// All of them fit.
    All(Vec<Filter>),
    /// It does not fit.
    Not(Box<Filter>),
    /// An attribute, in small letters, is held against a value.
    Test {
        /// With its part, such as `name.givenname`.
        attribute: String,
        /// How.
        operator: Operator,
        /// Null for `pr`.
        value: Value,
    },
    /// One value of an attribute that has several fits; attributes within are parts of that value.
    Of {
        /// The attribute.
        attribute: String,
        /// What has to fit.
        filter: Box<Filter>,
    },
}

/// How an attribute is held against a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// There is one.
    Present,
    /// The same.
    Equal,
    /// Another one.
    Unequal,
    /// It stands somewhere within.
    Contains,
    /// It stands at the beginning.
    Begins,
    /// It stands at the end.
    Ends,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    OpenValues,
    CloseValues,
    Word(String),
    Value(Value),
}

fn wrong(message: impl Into<String>) -> AuthError {
    AuthError::explained(Refusal::InvalidFilter, message)
}

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Filter> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(wrong("the filter is too long"));
    }
    let tokens = tokens(text)?;
    let mut reader = Reader {
        tokens: &tokens,
        within: false,
    };
    let filter = reader.any(0)?;
    match reader.tokens.first() {
        None => Ok(filter),
        Some(_) => Err(wrong("the filter goes on after its end")),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let sign = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '[' => Some(Token::OpenValues),
            ']' => Some(Token::CloseValues),
            _ => None,
        };
        let length = match (sign, first) {
            (Some(sign), _) => {
                tokens.push(sign);
                1
            }
            (None, '"') => {
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
                let value = values
                    .next()
                    .and_then(std::result::Result::ok)
                    .ok_or_else(|| wrong("a text of the filter does not end"))?;
                tokens.push(Token::Value(value));
                values.byte_offset()
            }
            (None, _) => {
                let end = rest.find(|letter: char| letter.is_whitespace() || "()[]\"".contains(letter));
                let word = &rest[..end.unwrap_or(rest.len())];
                tokens.push(match serde_json::from_str(word) {
                    Ok(value) => Token::Value(value),
                    Err(_) => Token::Word(word.to_ascii_lowercase()),
                });
                word.len()
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: &'a [Token],
    /// Within the brackets of a value path.
    within: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn takes(&mut self, token: &Token) -> bool {
        let found = self.tokens.first() == Some(token);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.takes(&Token::Word(word.to_owned()))
    }

    /// Parts of which one has to fit.
    fn any(&mut self, depth: usize) -> Result<Filter> {
        let first = self.all(depth)?;
        let mut more = Vec::new();
        while self.takes_word("or") {
            more.push(self.all(depth)?);
        }
        Ok(joined(Filter::Any, first, more))
    }

    /// Parts that all have to fit.
    fn all(&mut self, depth: usize) -> Result<Filter> {
        let first = self.part(depth)?;
        let mut more = Vec::new();
        while self.takes_word("and") {
            more.push(self.part(depth)?);
        }
        Ok(joined(Filter::All, first, more))
    }

    fn part(&mut self, depth: usize) -> Result<Filter> {
        if depth > DEPTH_MAX {
            return Err(wrong("the filter has too many brackets"));
        }
        if self.takes_word("not") {
            return match self.tokens.first() {
                Some(Token::Open) => Ok(Filter::Not(Box::new(self.part(depth + 1)?))),
                _ => Err(wrong("brackets follow `not`")),
            };
        }
        match self.take() {
            Some(Token::Open) => {
                let inner = self.any(depth + 1)?;
                if self.takes(&Token::Close) {
                    Ok(inner)
                } else {
                    Err(wrong("a bracket is not closed"))
                }
            }
            Some(Token::Word(attribute)) if self.takes(&Token::OpenValues) => self.values(attribute, depth),
            Some(Token::Word(attribute)) => self.test(attribute),
            _ => Err(wrong("a filter is written: attribute eq \"value\"")),
        }
    }

    /// What stands in the brackets of a value path, and a test of a part behind them: `emails[type eq "work"].value sw "a"`.
    fn values(&mut self, attribute: &str, depth: usize) -> Result<Filter> {
        if self.within {
            return Err(wrong("there are no brackets of values within such brackets"));
        }
        self.within = true;
        let mut filter = self.any(depth + 1)?;
        self.within = false;
        if !self.takes(&Token::CloseValues) {
            return Err(wrong(format!("the bracket behind {attribute} is not closed")));
        }
        let part = match self.tokens.first() {
            Some(Token::Word(word)) => word.strip_prefix('.'),
            _ => None,
        };
        if let Some(part) = part {
            self.take();
            filter = Filter::All(vec![filter, self.test(part)?]);
        }
        Ok(Filter::Of {
            attribute: attribute.to_owned(),
            filter: Box::new(filter),
        })
    }

    fn test(&mut self, attribute: &str) -> Result<Filter> {
        let Some(Token::Word(word)) = self.take() else {
            return Err(wrong(format!("an operator follows {attribute}")));
        };
        let operator = match word.as_str() {
            "pr" => Operator::Present,
            "eq" => Operator::Equal,
            "ne" => Operator::Unequal,
            "co" => Operator::Contains,
            "sw" => Operator::Begins,
            "ew" => Operator::Ends,
            other => return Err(wrong(format!("the operator {other} is not taken here"))),
        };
        let value = match operator {
            Operator::Present => Value::Null,
            _ => match self.take() {
                Some(Token::Value(value)) => value.clone(),
                _ => return Err(wrong(format!("a value follows {attribute} {word}"))),
            },
        };
        Ok(Filter::Test {
            attribute: attribute.to_owned(),
            operator,
            value,
        })
    }
}

fn joined(how: fn(Vec<Filter>) -> Filter, first: Filter, mut more: Vec<Filter>) -> Filter {
    if more.is_empty() {
        return first;
    }
    more.insert(0, first);
    how(more)
}
