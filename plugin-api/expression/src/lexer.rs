//! Cuts the text of an expression into tokens, each with the byte at which it begins.
//!
//! Not here: what a word means. Never fails on odd bytes other than with a syntax error. Called by the parser alone.

use std::borrow::Cow;

use crate::error::{ErrorKind, Fault};
use crate::limits::SOURCE_BYTES_MAX;
use crate::value::Value;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'s> {
    /// A number or a quoted text.
    Literal(Value<'static>),
    /// A name, with its `$` if it has one; also the operators that are words.
    Word(&'s str),
    /// An operator or a bracket.
    Symbol(&'static str),
    /// A text in backquotes: pieces of text, and the bytes of the expressions between `${` and `}`.
    Template(Vec<Piece>),
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    Code { start: usize, end: usize },
}

/// Longest first, so that the first that fits is the right one.
const SYMBOLS: [&str; 34] = [
    "===", "!==", "==", "!=", "<>", "<=", ">=", "&&", "||", "**", "??", "?.", "+=", "-=", "*=", "/=", "=", "<", ">",
    "+", "-", "*", "/", "%", "^", "&", "!", "?", ":", ",", ";", ".", "(", ")",
];
const BRACKETS: [&str; 4] = ["[", "]", "{", "}"];

/// Cuts `source[start..end]`; offsets count from the beginning of `source`.
pub(crate) fn tokens(source: &str, start: usize, end: usize) -> Result<Vec<(Token<'_>, u32)>, Fault> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(Fault::new(
            ErrorKind::LimitExceeded,
            0,
            format!(
                "the expression has {} bytes, allowed are {SOURCE_BYTES_MAX}",
                source.len()
            ),
        ));
    }
    let mut lexer = Lexer { source, at: start, end };
    let mut tokens = Vec::with_capacity((end - start) / 4 + 2);
    loop {
        lexer.skip_blanks()?;
        let offset = lexer.offset();
        let token = lexer.next()?;
        let last = token == Token::End;
        tokens.push((token, offset));
        if last {
            return Ok(tokens);
        }
    }
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    end: usize,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..self.end]
    }

    fn offset(&self) -> u32 {
        offset_of(self.at)
    }

    fn skip_blanks(&mut self) -> Result<(), Fault> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let Some(length) = trimmed.find("*/") else {
                    return Err(Fault::syntax(self.offset(), "this comment is not closed").hint("end it with `*/`"));
                };
                self.at += length + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Result<Token<'s>, Fault> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(Token::End);
        };
        let second = rest[first.len_utf8()..].chars().next();
        if first.is_ascii_digit() || (first == '.' && second.is_some_and(|c| c.is_ascii_digit())) {
            return self.number();
        }
        if is_word_start(first) || (first == '$' && second.is_some_and(is_word_start)) {
            let length = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| !is_word_part(*c))
                .map_or(rest.len(), |(at, _)| at);
            self.at += length;
            return Ok(Token::Word(&rest[..length]));
        }
        match first {
            '\'' | '"' => return self.text(first),
            '`' => return self.template(),
            _ => {}
        }
        // `a?.5:1` is a condition and a number, not a path through null.
        let before_digit = rest.starts_with("?.") && rest[2..].starts_with(|c: char| c.is_ascii_digit());
        let found = SYMBOLS
            .iter()
            .chain(&BRACKETS)
            .find(|symbol| rest.starts_with(**symbol) && !(before_digit && **symbol == "?."));
        match found {
            Some(symbol) => {
                self.at += symbol.len();
                Ok(Token::Symbol(symbol))
            }
            None => Err(
                Fault::syntax(self.offset(), format!("`{first}` has no meaning here")).hint(match first {
                    '“' | '”' | '‘' | '’' => "use straight quotes: \" or '",
                    '|' => "the operator is `||` or OR",
                    _ => "put text between quotes",
                }),
            ),
        }
    }

    fn number(&mut self) -> Result<Token<'s>, Fault> {
        let bytes = self.rest().as_bytes();
        let digits = |from: usize| {
            bytes[from.min(bytes.len())..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let mut length = digits(0);
        if bytes.get(length) == Some(&b'.') && digits(length + 1) > 0 {
            length += 1 + digits(length + 1);
        }
        if matches!(bytes.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            if exponent > 0 {
                length += 1 + sign + exponent;
            }
        }
        let (text, after) = self.rest().split_at(length);
        if after.starts_with(is_word_start) {
            return Err(
                Fault::syntax(self.offset(), format!("`{text}` runs into a name")).hint("a name begins with a letter")
            );
        }
        let value = match text.parse::<i64>() {
            Ok(integer) => Value::Integer(integer),
            Err(_) => text.parse().map_or(Value::Null, Value::number),
        };
        if value.is_null() {
            return Err(Fault::syntax(
                self.offset(),
                format!("the number `{text}` is too large"),
            ));
        }
        self.at += length;
        Ok(Token::Literal(value))
    }

    fn text(&mut self, quote: char) -> Result<Token<'s>, Fault> {
        let start = self.offset();
        self.at += 1;
        let mut text = String::new();
        while let Some(next) = self.rest().chars().next() {
            self.at += next.len_utf8();
            if next == '\\' {
                text.push(self.escape()?);
            } else if next != quote {
                text.push(next);
            } else if self.rest().starts_with(quote) {
                // SQL writes a quote inside quotes by doubling it.
                text.push(quote);
                self.at += 1;
            } else {
                return Ok(Token::Literal(Value::Text(Cow::Owned(text))));
            }
        }
        Err(Fault::syntax(start, "this text is not closed").hint(format!("end it with {quote}")))
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let at = self.offset();
        let Some(next) = self.rest().chars().next() else {
            return Err(Fault::syntax(at, "this text is not closed"));
        };
        self.at += next.len_utf8();
        Ok(match next {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'u' => {
                let code = self
                    .rest()
                    .get(..4)
                    .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                    .and_then(char::from_u32);
                let Some(code) = code else {
                    return Err(Fault::syntax(
                        at,
                        "after \\u come four hexadecimal digits of a character",
                    ));
                };
                self.at += 4;
                code
            }
            other => other,
        })
    }

    fn template(&mut self) -> Result<Token<'s>, Fault> {
        let start = self.offset();
        self.at += 1;
        let (mut pieces, mut text) = (Vec::new(), String::new());
        while let Some(next) = self.rest().chars().next() {
            if next == '`' {
                self.at += 1;
                if !text.is_empty() {
                    pieces.push(Piece::Text(text));
                }
                return Ok(Token::Template(pieces));
            }
            if self.rest().starts_with("${") {
                self.at += 2;
                let length = closing_brace(self.rest())
                    .ok_or_else(|| Fault::syntax(offset_of(self.at - 2), "`${` is not closed"))?;
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Code {
                    start: self.at,
                    end: self.at + length,
                });
                self.at += length + 1;
                continue;
            }
            self.at += next.len_utf8();
            text.push(if next == '\\' { self.escape()? } else { next });
        }
        Err(Fault::syntax(start, "this text is not closed").hint("end it with `"))
    }
}

/// The byte of the `}` that ends an expression, past quoted text and inner braces.
pub(crate) fn closing_brace(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, next) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if next == '\\' => escaped = true,
            Some(open) if next == open => quote = None,
            Some(_) => {}
            None => match next {
                '\'' | '"' | '`' => quote = Some(next),
                '{' => depth += 1,
                '}' if depth == 0 => return Some(at),
                '}' => depth -= 1,
                _ => {}
            },
        }
    }
    None
}

pub(crate) fn offset_of(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
