//! Texts that are the same whatever the case of A to Z, in the words in which the databases' indexes without case are made, so that
//! such an index finds them. Called by `filter`, and by the engine where it looks for keys and for values that are taken.

use super::SqlWriter;
use crate::query::filter::FieldRef;

impl SqlWriter {
    /// `field = text`, whatever the case; `field` writes the field.
    pub fn same_any_case(&mut self, field: impl FnOnce(&mut Self), text: &str) -> &mut Self {
        self.folded_field(field).push(" = ").folded_text(text)
    }

    /// The field is one of the texts, whatever the case; with a null it is unknown.
    pub(super) fn among_any_case(&mut self, field: &FieldRef, texts: &[String]) -> &mut Self {
        let write = |writer: &mut Self| {
            writer.field(field);
        };
        match texts {
            [] => self.push("1 = 0"),
            [text] => self.same_any_case(write, text),
            texts => {
                self.folded_field(write).push(" IN (");
                self.list(", ", texts, |writer, text| {
                    writer.folded_text(text);
                });
                self.push(")")
            }
        }
    }

    fn folded_field(&mut self, field: impl FnOnce(&mut Self)) -> &mut Self {
        let (before, behind) = self.dialect.any_case().field;
        self.push(before);
        field(self);
        self.push(behind)
    }

    fn folded_text(&mut self, text: &str) -> &mut Self {
        let (before, behind) = self.dialect.any_case().text;
        self.push(before).value(text.into()).push(behind)
    }
}
