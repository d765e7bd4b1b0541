//! Texts that are the same whatever their case. Of A to Z in the words in which the databases' indexes without case are made, so
//! that such an index finds them; of letters beyond in the forms of `query::any_case`. Called by `filter`, and by the engine
//! where it looks for keys and for values that are taken.

use objectos_expression::any_case::beyond_ascii;
use serde_json::Value;

use super::SqlWriter;
use crate::query::any_case::{Forms, containing, forms, replaced};
use crate::query::filter::FieldRef;
use crate::store::SqlValue;

impl SqlWriter {
    /// `field = text`, whatever the case of A to Z, as an index without case has it; `field` writes the field.
    pub fn same_any_case(&mut self, field: impl FnOnce(&mut Self), text: &str) -> &mut Self {
        self.indexed_field(field).push(" = ").indexed_text(text)
    }

    /// The field is one of the texts, whatever the case; not true with a null.
    pub(super) fn among_any_case(&mut self, field: &FieldRef, texts: &[String]) -> &mut Self {
        let Forms { spellings, patterns } = forms(texts);
        if patterns.is_empty() {
            return self.among_spellings(field, &spellings);
        }
        if spellings.is_empty() {
            return self.like_one_of(field, &patterns);
        }
        self.push("(")
            .among_spellings(field, &spellings)
            .push(" OR ")
            .like_one_of(field, &patterns)
            .push(")")
    }

    fn among_spellings(&mut self, field: &FieldRef, texts: &[String]) -> &mut Self {
        let write = |writer: &mut Self| {
            writer.field(field);
        };
        match texts {
            [] => self.push("1 = 0"),
            [text] => self.same_any_case(write, text),
            texts => {
                self.indexed_field(write).push(" IN (");
                self.list(", ", texts, |writer, text| {
                    writer.indexed_text(text);
                });
                self.push(")")
            }
        }
    }

    /// Several patterns are bound as one list: one test for each would be a statement too deep for SQLite.
    fn like_one_of(&mut self, field: &FieldRef, patterns: &[String]) -> &mut Self {
        let write = |writer: &mut Self| {
            writer.lower(field);
        };
        if let [pattern] = patterns {
            return self.like_any_case(write, pattern);
        }
        let (operator, _) = self.dialect.like_any_case("");
        let built = patterns.iter().map(|pattern| self.dialect.like_any_case(pattern).1);
        let list = Value::from_iter(built).to_string();
        let (start, end) = (self.dialect.elements_start(), self.dialect.elements_end());
        self.push("EXISTS (SELECT 1 FROM ").push(start);
        self.value(SqlValue::Json(list)).push(end).push(" WHERE ");
        self.replaced(write, patterns).push(operator).push("e.value)")
    }

    /// A text has a pattern of `$like`, whatever the case of any letter; `text` writes the text, with A to Z small.
    pub(super) fn like_any_case(&mut self, text: impl FnOnce(&mut Self), pattern: &str) -> &mut Self {
        let (operator, built) = self.dialect.like_any_case(pattern);
        self.replaced(text, &[pattern]).push(operator).value(built.into())
    }

    /// A text holds another, whatever the case of any letter; `text` writes the text, with A to Z small.
    pub(super) fn contains_any_case(&mut self, text: impl FnOnce(&mut Self), part: &str) -> &mut Self {
        if beyond_ascii(part) {
            return self.like_any_case(text, &containing(part));
        }
        let (start, middle) = (self.dialect.contains_start(), self.dialect.contains_middle());
        self.push(start);
        text(self);
        self.push(middle).value(part.to_ascii_lowercase().into()).push(")")
    }

    /// The field with A to Z small.
    pub(super) fn lower(&mut self, field: &FieldRef) -> &mut Self {
        let lower = self.dialect.lower();
        self.push(lower).push("(").field(field).push(")")
    }

    /// A text with those letters that the patterns are about in the form in which they are compared, where the database needs it.
    fn replaced<P: AsRef<str>>(&mut self, text: impl FnOnce(&mut Self), patterns: &[P]) -> &mut Self {
        let (from, to) = replaced(patterns.iter().map(|pattern| pattern.as_ref()));
        let Some(function) = self.dialect.replaces_letters().filter(|_| !from.is_empty()) else {
            text(self);
            return self;
        };
        self.push(function).push("(");
        text(self);
        self.push(", ").value(from.into()).push(", ").value(to.into()).push(")")
    }

    fn indexed_field(&mut self, field: impl FnOnce(&mut Self)) -> &mut Self {
        let (before, behind) = self.dialect.any_case().field;
        self.push(before);
        field(self);
        self.push(behind)
    }

    fn indexed_text(&mut self, text: &str) -> &mut Self {
        let (before, behind) = self.dialect.any_case().text;
        self.push(before).value(text.into()).push(behind)
    }
}
