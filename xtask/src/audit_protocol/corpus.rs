//! The same documents for both sides: our type must accept what the published schema accepts, and nothing else.
//!
//! Documents are made from the published schema (smallest, fullest, and one change at a time) and written by hand
//! ([`written`]). Authored documents leave defaults out, so the published schema judges them with the defaults filled.
//! What our type writes must be valid by the published schema, and our own schema must judge as our type does.

mod written;

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use jsonschema::Validator;
use serde_json::{Map, Value};

use super::Subject;
use super::fill::filled;
use super::mutate::{Done, Mutation, Mutator};
use super::owner::{Origin, Step, key_of, owner, path_text};
use super::probe;
use super::report::{Counts, Finding};
use super::sample::{Style, document};

/// How many fullest documents are made at most, each with other members of unions and other values of enums.
const STYLES_MAX: usize = 12;

/// All documents for one type, and where the verdicts differ.
pub(super) fn check(subject: &Subject, done: &mut Done, counts: &mut Counts) -> Result<Vec<(Origin, Finding)>> {
    know_all_patterns(&subject.published)?;
    let mut judge = Judge::new(subject)?;
    let plain = &subject.published_plain;
    let mut mutator = Mutator::new(subject, done);
    let smallest = document(plain, Style { full: false, choice: 0 });
    let fullest = (0..styles(&subject.published)).map(|choice| document(plain, Style { full: true, choice }));
    for valid in std::iter::once(smallest).chain(fullest) {
        if !judge.whole("a made document", &valid)? {
            bail!("the document made for it is not valid by the published schema: {valid}");
        }
        for mutation in mutator.mutations(&valid) {
            judge.changed(&mutation);
        }
    }
    for (expected, text) in written::documents(subject.entry.path) {
        let document = serde_json::from_str(text).with_context(|| format!("reading {text}"))?;
        if judge.whole("a document written by hand", &document)? != expected {
            let verdict = if expected { "accept" } else { "refuse" };
            judge.find(&[], format!("the published schema does not {verdict} {text}"), "-", "-");
        }
    }
    counts.documents += judge.seen.len();
    counts.valid_documents += judge.valid;
    Ok(judge.findings)
}

struct Judge<'a> {
    subject: &'a Subject,
    published: Validator,
    own: Validator,
    seen: BTreeSet<String>,
    valid: usize,
    findings: Vec<(Origin, Finding)>,
}

impl<'a> Judge<'a> {
    fn new(subject: &'a Subject) -> Result<Self> {
        let validator = |schema: &Value| {
            jsonschema::options()
                .should_validate_formats(true)
                .build(schema)
                .map_err(|error| anyhow::anyhow!("not a usable schema: {error}"))
        };
        Ok(Self {
            subject,
            published: validator(&subject.published)?,
            own: validator(&subject.read).context("our own schema")?,
            seen: BTreeSet::new(),
            valid: 0,
            findings: Vec::new(),
        })
    }

    /// Judges a document that stands for itself; the published verdict is the answer.
    fn whole(&mut self, what: &str, document: &Value) -> Result<bool> {
        self.judge(&[], what, document);
        Ok(self.published.is_valid(&self.filled(document)))
    }

    fn filled(&self, document: &Value) -> Value {
        let plain = &self.subject.published_plain;
        filled(plain, plain.root(), document)
    }

    fn changed(&mut self, mutation: &Mutation) {
        self.judge(&mutation.steps, &mutation.what, &mutation.document);
    }

    fn judge(&mut self, steps: &[Step], what: &str, document: &Value) {
        if !self.seen.insert(document.to_string()) {
            return;
        }
        let complete = self.filled(document);
        let published = self.published.is_valid(&complete);
        self.valid += usize::from(published);
        let ours = (self.subject.entry.rewrite)(document);
        let word = |accepted: bool| if accepted { "accepts" } else { "refuses" };
        if ours.is_ok() != published {
            let reason = ours
                .as_ref()
                .err()
                .map_or_else(String::new, |error| format!(": {error}"));
            let said = format!("{} {what}{reason}", word(ours.is_ok()));
            self.find(steps, what.to_owned(), &said, word(published));
            return;
        }
        if self.own.is_valid(document) != ours.is_ok() {
            let own = format!("the type {} {what}", word(ours.is_ok()));
            self.find_as(
                "own schema",
                steps,
                what.to_owned(),
                &own,
                &format!("our schema {}", word(ours.is_err())),
            );
        }
        if let Ok(written) = ours
            && !self.published.is_valid(&written)
        {
            let problem = self
                .published
                .iter_errors(&written)
                .next()
                .map_or_else(String::new, |error| error.to_string());
            self.find_as("output", steps, what.to_owned(), &format!("writes {written}"), &problem);
        }
    }

    fn find(&mut self, steps: &[Step], what: String, ours: &str, published: &str) {
        self.find_as("verdict", steps, what, ours, published);
    }

    fn find_as(&mut self, check: &'static str, steps: &[Step], what: String, ours: &str, published: &str) {
        let (part, relative) = owner(&self.subject.written, steps);
        let finding = Finding {
            schema: self.subject.entry.path.to_owned(),
            path: path_text(steps),
            check,
            ours: ours.to_owned(),
            published: published.to_owned(),
        };
        self.findings.push((
            Origin {
                key: key_of(part),
                relative,
                what,
            },
            finding,
        ));
    }
}

/// As many styles as the widest union or enum has members, within reason.
fn styles(schema: &Value) -> usize {
    let mut widest = 1;
    each_schema(schema, &mut |keywords| {
        for key in ["anyOf", "oneOf"] {
            widest = widest.max(keywords.get(key).and_then(Value::as_array).map_or(1, Vec::len));
        }
    });
    let root_values = schema.get("enum").and_then(Value::as_array).map_or(2, Vec::len);
    widest.min(STYLES_MAX).max(root_values)
}

/// A pattern without sample strings would be checked by nothing.
fn know_all_patterns(schema: &Value) -> Result<()> {
    let mut unknown = None;
    each_schema(schema, &mut |keywords| {
        let is_text = keywords.get("type").is_some_and(|kind| kind == "string");
        if is_text && !probe::knows(keywords) {
            unknown = Some(Value::Object(keywords.clone()));
        }
    });
    unknown.map_or(Ok(()), |keywords| {
        bail!("add sample strings to probe.rs for {keywords}")
    })
}

fn each_schema(value: &Value, visit: &mut dyn FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(keywords) => {
            visit(keywords);
            keywords.values().for_each(|value| each_schema(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| each_schema(item, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
