//! Texts with expressions in braces: `Hello {{ account.name }}, {{ UPPER(code) }}`.
//!
//! Messages, mails, titles and flow values. Parse once, render often. Not here: who may read the fields; the environment shows only
//! what its maker allows.

use std::borrow::Cow;

use crate::checker::{CheckedExpression, Checker};
use crate::environment::{Environment, Lookup};
use crate::error::{EvaluationError, ExpressionError, Fault, Position};
use crate::evaluator;
use crate::lexer::closing_brace;
use crate::limits::SOURCE_BYTES_MAX;
use crate::node::NodeKind;
use crate::scope::{OpenScope, Scope};
use crate::value::Value;

/// Which braces mean an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Braces {
    /// `{{ name }}`; single braces are text.
    #[default]
    Double,
    /// `{name}` and `{{ name }}`, as in titles and flow values.
    Any,
}

/// What becomes of special characters in the values; the text around them stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Escape {
    /// Nothing.
    #[default]
    None,
    /// For HTML text and quoted attributes.
    Html,
    /// For the inside of a JSON string.
    Json,
}

/// What becomes of a field that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Missing {
    /// Nothing is written, as for null.
    #[default]
    Blank,
    /// The braces stay as written.
    Keep,
}

/// A parsed template. Cheap to clone pieces; render as often as needed.
#[derive(Clone, Debug)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Value {
        expression: CheckedExpression,
        written: String,
    },
}

impl Template {
    /// Reads a template whose names are those of the scope. Errors: all faults, with their places in the template.
    pub fn parse(text: &str, scope: &dyn Scope, braces: Braces) -> Result<Template, Vec<ExpressionError>> {
        if text.len() > 16 * SOURCE_BYTES_MAX {
            let message = format!(
                "the template has {} bytes, allowed are {}",
                text.len(),
                16 * SOURCE_BYTES_MAX
            );
            return Err(vec![
                Fault::new(crate::error::ErrorKind::LimitExceeded, 0, message).locate(text),
            ]);
        }
        let (mut pieces, mut errors, mut plain) = (Vec::new(), Vec::new(), String::new());
        let mut at = 0;
        while let Some(found) = text[at..].find('{') {
            let start = at + found;
            let width = if text[start..].starts_with("{{") { 2 } else { 1 };
            if width == 1 && braces == Braces::Double {
                plain.push_str(&text[at..=start]);
                at = start + 1;
                continue;
            }
            plain.push_str(&text[at..start]);
            let inner = start + width;
            let end = closing_brace(&text[inner..])
                .map(|length| inner + length)
                .filter(|end| width == 1 || text[*end..].starts_with("}}"));
            let Some(end) = end else {
                errors.push(
                    Fault::syntax(crate::lexer::offset_of(start), "this placeholder is not closed")
                        .hint("end it with the same braces")
                        .locate(text),
                );
                break;
            };
            at = end + width;
            match Checker::new(scope).check(&text[inner..end]) {
                Ok(expression) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Value {
                        expression,
                        written: text[start..at].to_owned(),
                    });
                }
                Err(faults) => errors.extend(faults.into_iter().map(|fault| {
                    let offset = crate::lexer::offset_of(inner + fault.position.offset);
                    ExpressionError {
                        position: Position::in_source(text, offset),
                        ..fault
                    }
                })),
            }
        }
        if errors.is_empty() {
            plain.push_str(&text[at..]);
            if !plain.is_empty() {
                pieces.push(Piece::Text(plain));
            }
            return Ok(Template { pieces });
        }
        Err(errors)
    }

    /// The expressions in the template.
    pub fn expressions(&self) -> impl Iterator<Item = &CheckedExpression> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value { expression, .. } => Some(expression),
            Piece::Text(_) => None,
        })
    }

    /// The text with all values in it; null is empty. Errors: those of evaluation.
    pub fn render(&self, environment: &dyn Environment) -> Result<String, EvaluationError> {
        self.render_with(environment, Escape::None, Missing::Blank)
    }

    /// Renders with settings. Errors: those of evaluation.
    pub fn render_with(
        &self,
        environment: &dyn Environment,
        escape: Escape,
        missing: Missing,
    ) -> Result<String, EvaluationError> {
        let mut rendered = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => rendered.push_str(text),
                Piece::Value { expression, written } => match &expression.root().kind {
                    NodeKind::Field(path)
                        if missing == Missing::Keep && matches!(environment.field(path), Lookup::Missing) =>
                    {
                        rendered.push_str(written);
                    }
                    _ => push_escaped(
                        &mut rendered,
                        &evaluator::evaluate(expression, environment)?.to_text(),
                        escape,
                    ),
                },
            }
        }
        Ok(rendered)
    }

    /// The value of a template that is one placeholder and nothing else, with its type; the rendered text of any other.
    pub fn value<'a>(&'a self, environment: &'a dyn Environment) -> Result<Value<'a>, EvaluationError> {
        match self.pieces.as_slice() {
            [Piece::Value { expression, .. }] => evaluator::evaluate(expression, environment),
            _ => self.render(environment).map(|text| Value::Text(Cow::Owned(text))),
        }
    }
}

/// Parses and renders in one go, taking any name; for text that is used once.
///
/// Errors: the faults of the template, or the fault of its evaluation, as text.
pub fn render_template(text: &str, environment: &dyn Environment) -> Result<String, RenderError> {
    let template = Template::parse(text, &OpenScope, Braces::Double).map_err(RenderError::Template)?;
    Ok(template.render(environment)?)
}

/// Why a text could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The template is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Template(Vec<ExpressionError>),
    /// A value could not be computed.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
}

fn push_escaped(into: &mut String, text: &str, escape: Escape) {
    match escape {
        Escape::None => into.push_str(text),
        Escape::Html => {
            for c in text.chars() {
                match c {
                    '&' => into.push_str("&amp;"),
                    '<' => into.push_str("&lt;"),
                    '>' => into.push_str("&gt;"),
                    '"' => into.push_str("&quot;"),
                    '\'' => into.push_str("&#39;"),
                    other => into.push(other),
                }
            }
        }
        Escape::Json => {
            let quoted = serde_json::Value::from(text).to_string();
            into.push_str(&quoted[1..quoted.len() - 1]);
        }
    }
}

#[cfg(test)]
mod tests;
