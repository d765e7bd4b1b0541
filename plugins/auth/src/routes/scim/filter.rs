//! Filters (RFC 7644, section 3.4.2.2) as filters of the store: `eq ne co sw ew pr`, `and or not` and brackets. Attributes and
//! operators are read without case. Knows no attribute; whoever asks says which field one is.

use serde_json::{Value, json};

use crate::error::{AuthError, Refusal, Result};

/// Brackets within brackets.
const DEPTH_MAX: usize = 16;
/// Longest filter, bytes.
const FILTER_BYTES_MAX: usize = 4096;

/// The field that an attribute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A text, as it is.
    Text(&'static str),
    /// An e-mail address, kept in small letters.
    Address(&'static str),
    /// A yes or no that the record has the other way round.
    Not(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Word(String),
    Value(Value),
}

fn wrong(message: impl Into<String>) -> AuthError {
    AuthError::explained(Refusal::InvalidFilter, message)
}

/// Reads a filter; `field` knows the attributes, in small letters.
pub(super) fn read(text: &str, field: impl Fn(&str) -> Option<Field>) -> Result<Value> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(wrong("the filter is too long"));
    }
    let tokens = tokens(text)?;
    let mut reader = Reader {
        tokens: &tokens,
        field: &field,
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
        let length = match first {
            '(' | ')' => {
                tokens.push(if first == '(' { Token::Open } else { Token::Close });
                1
            }
            '"' => {
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
                let value = values
                    .next()
                    .and_then(std::result::Result::ok)
                    .ok_or_else(|| wrong("a text of the filter does not end"))?;
                tokens.push(Token::Value(value));
                values.byte_offset()
            }
            _ => {
                let end = rest.find(|letter: char| letter.is_whitespace() || "()\"".contains(letter));
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

struct Reader<'a, F> {
    tokens: &'a [Token],
    field: &'a F,
}

impl<'a, F: Fn(&str) -> Option<Field>> Reader<'a, F> {
    fn take(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.first(), Some(Token::Word(next)) if next == word);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    /// Parts of which one has to fit.
    fn any(&mut self, depth: usize) -> Result<Value> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("or") {
            parts.push(self.all(depth)?);
        }
        Ok(joined("$or", parts))
    }

    /// Parts that all have to fit.
    fn all(&mut self, depth: usize) -> Result<Value> {
        let mut parts = vec![self.part(depth)?];
        while self.takes("and") {
            parts.push(self.part(depth)?);
        }
        Ok(joined("$and", parts))
    }

    fn part(&mut self, depth: usize) -> Result<Value> {
        if depth > DEPTH_MAX {
            return Err(wrong("the filter has too many brackets"));
        }
        if self.takes("not") {
            return match self.tokens.first() {
                Some(Token::Open) => Ok(json!({ "$not": self.part(depth + 1)? })),
                _ => Err(wrong("brackets follow `not`")),
            };
        }
        match self.take() {
            Some(Token::Open) => {
                let inner = self.any(depth + 1)?;
                match self.take() {
                    Some(Token::Close) => Ok(inner),
                    _ => Err(wrong("a bracket is not closed")),
                }
            }
            Some(Token::Word(attribute)) => self.test(attribute),
            _ => Err(wrong("a filter is written: attribute eq \"value\"")),
        }
    }

    fn test(&mut self, attribute: &str) -> Result<Value> {
        let field = (self.field)(attribute).ok_or_else(|| wrong(format!("nothing is looked for by {attribute}")))?;
        let Some(Token::Word(operator)) = self.take() else {
            return Err(wrong(format!("an operator follows {attribute}")));
        };
        if operator == "pr" {
            return Ok(match field {
                Field::Text(name) | Field::Address(name) => json!({ name: { "$exists": true } }),
                Field::Not(name) => json!({ "$or": [{ name: true }, { name: false }] }),
            });
        }
        let Some(Token::Value(value)) = self.take() else {
            return Err(wrong(format!("a value follows {attribute} {operator}")));
        };
        match (field, value) {
            (Field::Text(name), Value::String(text)) => text_test(name, operator, text),
            (Field::Address(name), Value::String(text)) => text_test(name, operator, &text.to_lowercase()),
            (Field::Not(name), Value::Bool(value)) => match operator.as_str() {
                "eq" => Ok(json!({ name: !value })),
                "ne" => Ok(json!({ name: *value })),
                _ => Err(unknown(operator)),
            },
            _ => Err(wrong(format!("{attribute} is not compared with such a value"))),
        }
    }
}

fn text_test(name: &str, operator: &str, text: &str) -> Result<Value> {
    let operator = match operator {
        "eq" => return Ok(json!({ name: text })),
        "ne" => "$ne",
        "co" => "$contains",
        "sw" => "$startsWith",
        "ew" => "$endsWith",
        other => return Err(unknown(other)),
    };
    Ok(json!({ name: { operator: text } }))
}

fn unknown(operator: &str) -> AuthError {
    wrong(format!("the operator {operator} is not taken here"))
}

fn joined(word: &str, mut parts: Vec<Value>) -> Value {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            json!({ word: parts })
        }
        None => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(attribute: &str) -> Option<Field> {
        match attribute {
            "username" => Some(Field::Address("email")),
            "displayname" => Some(Field::Text("name")),
            "active" => Some(Field::Not("banned")),
            _ => None,
        }
    }

    #[test]
    fn filters_become_filters_of_the_store() {
        let check = |text: &str, expected: Value| assert_eq!(read(text, field).unwrap(), expected, "{text}");
        check("userName eq \"Ada@Example.com\"", json!({ "email": "ada@example.com" }));
        check(
            "displayName NE \"A \\\"b\\\"\"",
            json!({ "name": { "$ne": "A \"b\"" } }),
        );
        check("displayName co \"da\"", json!({ "name": { "$contains": "da" } }));
        check("userName sw \"ADA\"", json!({ "email": { "$startsWith": "ada" } }));
        check("displayName ew \"e\"", json!({ "name": { "$endsWith": "e" } }));
        check("displayName pr", json!({ "name": { "$exists": true } }));
        check("active eq true", json!({ "banned": false }));
        check("not (active ne true)", json!({ "$not": { "banned": true } }));
        check(
            "active eq true and (userName sw \"a\" or userName sw \"b\") and displayName pr",
            json!({ "$and": [
                { "banned": false },
                { "$or": [{ "email": { "$startsWith": "a" } }, { "email": { "$startsWith": "b" } }] },
                { "name": { "$exists": true } },
            ] }),
        );
        // `and` binds more tightly.
        check(
            "active eq true or active eq false and displayName eq \"x\"",
            json!({ "$or": [{ "banned": false }, { "$and": [{ "banned": true }, { "name": "x" }] }] }),
        );
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for bad in [
            "",
            "userName",
            "userName eq",
            "userName eq \"a",
            "userName eq 1",
            "userName gt \"a\"",
            "userName eq \"a\" \"b\"",
            "userName eq \"a\" and",
            "(userName pr",
            "userName pr)",
            "not userName pr",
            "active co true",
            "password eq \"x\"",
            "\"userName\" eq \"x\"",
        ] {
            assert!(read(bad, field).is_err(), "{bad}");
        }
        let deep = format!("{}userName pr{}", "(".repeat(40), ")".repeat(40));
        assert!(read(&deep, field).is_err());
        assert!(read(&"(".repeat(4097), field).is_err());
    }
}
