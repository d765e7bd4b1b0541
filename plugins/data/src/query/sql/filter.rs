//! Filters as SQL. What a test says of null is said here, once, for every database.

use super::SqlWriter;
use crate::query::filter::{Class, Comparison, Condition, FieldRef, Filter, Lookup, Test, TextMatch};
use crate::query::words::WordsFilter;
use crate::store::SqlValue;

/// What parts words, as it stands within the quotes of SQL.
const MARKS: [&str; 16] = [
    "-", "_", ".", ",", ";", ":", "/", "(", ")", "\"", "''", "@", "&", "+", "\n", "\t",
];

impl SqlWriter {
    /// A condition.
    pub fn filter(&mut self, filter: &Filter) -> &mut Self {
        match filter {
            Filter::All(parts) => self.all_of(parts, " AND ", "1 = 1"),
            Filter::Any(parts) => self.all_of(parts, " OR ", "1 = 0"),
            // What is unknown is not true, so its opposite holds: a row without a value is "not like this".
            Filter::Not(part) => self.push("(").filter(part).push(") IS NOT TRUE"),
            Filter::Test(test) => self.test(test),
            Filter::Row(comparison, fields) => self.row(*comparison, fields),
            Filter::InRecords(field, lookup) => self.in_records(field, lookup),
            Filter::Words(words) => self.words(words),
        }
    }

    fn row(&mut self, comparison: Comparison, fields: &[(FieldRef, SqlValue)]) -> &mut Self {
        self.push("(").list(", ", fields, |writer, (field, _)| {
            writer.field(field);
        });
        let operator = self.operator(comparison);
        self.push(")").push(operator).push("(");
        self.list(", ", fields, |writer, (_, value)| {
            writer.value(value.clone());
        });
        self.push(")")
    }

    /// A semi-join. Inside, `t` is the other object's table; the field stands outside and keeps its own.
    fn in_records(&mut self, field: &FieldRef, lookup: &Lookup) -> &mut Self {
        if field.class == Class::List {
            let (start, end) = (self.dialect.elements_start(), self.dialect.elements_end());
            self.push("EXISTS (SELECT 1 FROM ").push(start).field(field).push(end);
            return self.push(" WHERE e.value IN ").looked_up(lookup).push(")");
        }
        self.field(field).push(" IN ").looked_up(lookup)
    }

    fn words(&mut self, words: &WordsFilter) -> &mut Self {
        match self.dialect.words(words) {
            Some((pieces, after)) => {
                for (before, value) in pieces {
                    self.push(&before).value(value);
                }
                self.push(after)
            }
            // Planned only where the dialect has text indexes.
            None => self.push("1 = 0"),
        }
    }

    fn looked_up(&mut self, lookup: &Lookup) -> &mut Self {
        self.push("(SELECT ").field(&lookup.source).from(&lookup.scope);
        self.filtered(&lookup.scope, &lookup.filter).push(")")
    }

    fn all_of(&mut self, parts: &[Filter], between: &str, none: &str) -> &mut Self {
        match parts {
            [] => self.push(none),
            [only] => self.filter(only),
            parts => {
                self.push("(");
                self.list(between, parts, |writer, part| {
                    writer.filter(part);
                });
                self.push(")")
            }
        }
    }

    fn test(&mut self, test: &Test) -> &mut Self {
        let field = &test.field;
        match &test.condition {
            Condition::Compare(comparison, value) => self.compare(field, *comparison, value),
            Condition::CompareField(comparison, other) => {
                let operator = self.operator(*comparison);
                self.field(field).push(operator).field(other)
            }
            Condition::In { values, or_null } => self.one_of(field, values, *or_null),
            Condition::NotIn { values, nor_null } => self.none_of(field, values, *nor_null),
            Condition::Between(low, high) => self
                .field(field)
                .push(" BETWEEN ")
                .value(low.clone())
                .push(" AND ")
                .value(high.clone()),
            Condition::Text(how, text) => self.text_match(field, *how, text),
            Condition::AnyCase(texts) => self.among_any_case(field, texts),
            Condition::AmongTexts(list) => {
                let (start, end) = (self.dialect.elements_start(), self.dialect.elements_end());
                self.field(field).push(" IN (SELECT e.value FROM ").push(start);
                self.value(SqlValue::Json(list.clone())).push(end).push(")")
            }
            Condition::Null(true) => self.field(field).push(" IS NULL"),
            Condition::Null(false) => self.field(field).push(" IS NOT NULL"),
            Condition::Empty(empty) => self.empty(field, *empty),
            Condition::Holds { values, negated } => self.holds(field, values, *negated),
        }
    }

    fn operator(&self, comparison: Comparison) -> &'static str {
        match comparison {
            Comparison::Same => self.dialect.not_distinct(),
            Comparison::Other => self.dialect.distinct(),
            Comparison::Greater => " > ",
            Comparison::AtLeast => " >= ",
            Comparison::Less => " < ",
            Comparison::AtMost => " <= ",
        }
    }

    fn compare(&mut self, field: &FieldRef, comparison: Comparison, value: &SqlValue) -> &mut Self {
        let operator = match comparison {
            // The value is not null, so plain equality says the same, and every database finds the index for it.
            Comparison::Same => " = ",
            other => self.operator(other),
        };
        self.field(field).push(operator).value(value.clone())
    }

    fn values(&mut self, values: &[SqlValue]) -> &mut Self {
        self.push("(");
        self.list(", ", values, |writer, value| {
            writer.value(value.clone());
        });
        self.push(")")
    }

    fn one_of(&mut self, field: &FieldRef, values: &[SqlValue], or_null: bool) -> &mut Self {
        match (values.is_empty(), or_null) {
            (true, false) => self.push("1 = 0"),
            (true, true) => self.field(field).push(" IS NULL"),
            (false, false) => self.field(field).push(" IN ").values(values),
            (false, true) => self
                .push("(")
                .field(field)
                .push(" IS NULL OR ")
                .field(field)
                .push(" IN ")
                .values(values)
                .push(")"),
        }
    }

    fn none_of(&mut self, field: &FieldRef, values: &[SqlValue], nor_null: bool) -> &mut Self {
        match (values.is_empty(), nor_null) {
            (true, false) => self.push("1 = 1"),
            (true, true) => self.field(field).push(" IS NOT NULL"),
            // `NOT IN` is unknown for null, so null does not match by itself.
            (false, true) => self.field(field).push(" NOT IN ").values(values),
            (false, false) => self
                .push("(")
                .field(field)
                .push(" IS NULL OR ")
                .field(field)
                .push(" NOT IN ")
                .values(values)
                .push(")"),
        }
    }

    fn contains(&mut self, field: &FieldRef, text: &str) -> &mut Self {
        let (start, middle) = (self.dialect.contains_start(), self.dialect.contains_middle());
        self.push(start).field(field).push(middle).value(text.into()).push(")")
    }

    fn text_match(&mut self, field: &FieldRef, how: TextMatch, text: &str) -> &mut Self {
        match how {
            TextMatch::Contains => self.contains(field, text),
            TextMatch::NotContains => self.push("(").contains(field, text).push(") IS NOT TRUE"),
            TextMatch::ContainsAnyCase => {
                let lower = |writer: &mut Self| {
                    writer.lower(field);
                };
                self.contains_any_case(lower, text)
            }
            TextMatch::WordBegins => self.word_begins(field, text),
            TextMatch::StartsWith => self.starts_with(field, text),
            TextMatch::EndsWith => {
                let characters = u64::try_from(text.chars().count()).unwrap_or_default();
                if characters == 0 {
                    return self.field(field).push(" IS NOT NULL");
                }
                let (start, middle) = (self.dialect.ending_start(), self.dialect.ending_middle());
                self.push(start)
                    .field(field)
                    .push(middle)
                    .number(characters)
                    .push(") = ")
                    .value(text.into())
            }
            TextMatch::Like => {
                let (operator, pattern) = self.dialect.like(text);
                self.field(field).push(operator).value(pattern.into())
            }
            TextMatch::LikeAnyCase => {
                let lower = |writer: &mut Self| {
                    writer.lower(field);
                };
                self.like_any_case(lower, text)
            }
        }
    }

    /// Marks become blanks, so that a word begins behind one.
    fn word_begins(&mut self, field: &FieldRef, text: &str) -> &mut Self {
        let words = |writer: &mut Self| {
            writer.push("' ' || ");
            for _ in MARKS {
                writer.push("replace(");
            }
            writer.lower(field);
            for mark in MARKS {
                writer.push(", '").push(mark).push("', ' ')");
            }
        };
        self.contains_any_case(words, &format!(" {text}"))
    }

    /// As a range, so that an index serves it.
    fn starts_with(&mut self, field: &FieldRef, text: &str) -> &mut Self {
        if text.is_empty() {
            return self.field(field).push(" IS NOT NULL");
        }
        match successor(text) {
            Some(end) => {
                self.push("(").field(field).push(" >= ").value(text.into());
                self.push(" AND ").field(field).push(" < ").value(end.into()).push(")")
            }
            None => self.field(field).push(" >= ").value(text.into()),
        }
    }

    fn empty(&mut self, field: &FieldRef, empty: bool) -> &mut Self {
        let nothing = match field.class {
            Class::Text => "''",
            Class::List => self.dialect.empty_list(),
            _ => return self.field(field).push(if empty { " IS NULL" } else { " IS NOT NULL" }),
        };
        if empty {
            self.push("(")
                .field(field)
                .push(" IS NULL OR ")
                .field(field)
                .push(" = ")
                .push(nothing)
                .push(")")
        } else {
            // Unknown for null, so null does not match.
            self.field(field).push(" <> ").push(nothing)
        }
    }

    fn holds(&mut self, field: &FieldRef, values: &[SqlValue], negated: bool) -> &mut Self {
        if values.is_empty() {
            return self.push(if negated { "1 = 1" } else { "1 = 0" });
        }
        let texts = values.iter().all(|value| matches!(value, SqlValue::Text(_)));
        if let Some((between, end)) = self.dialect.holds_any().filter(|_| texts) {
            self.push("(").field(field).push(between);
            self.list(", ", values, |writer, value| {
                writer.value(value.clone());
            });
            // Nothing holds nothing.
            return self.push(end).push(if negated { ") IS NOT TRUE" } else { ")" });
        }
        let (start, end) = (self.dialect.elements_start(), self.dialect.elements_end());
        self.push(if negated {
            "NOT EXISTS (SELECT 1 FROM "
        } else {
            "EXISTS (SELECT 1 FROM "
        });
        self.push(start)
            .field(field)
            .push(end)
            .push(" WHERE e.value IN ")
            .values(values)
            .push(")")
    }
}

/// The least text that comes after all that begin with this one; none when there is no such text.
fn successor(text: &str) -> Option<String> {
    let mut characters: Vec<char> = text.chars().collect();
    while let Some(last) = characters.pop() {
        let next = match u32::from(last) {
            // Between these two lie the surrogates, which are no characters.
            0xD7FF => Some('\u{E000}'),
            code => char::from_u32(code + 1),
        };
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::successor;

    #[test]
    fn the_text_after_a_beginning() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(successor(text).as_deref(), expected, "{text:?}");
        check("abc", Some("abd"));
        check("a\u{10FFFF}", Some("b"));
        check("\u{D7FF}", Some("\u{E000}"));
        check("\u{10FFFF}", None);
        check("ä", Some("å"));
    }
}
