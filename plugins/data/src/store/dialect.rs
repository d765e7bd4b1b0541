//! What databases spell differently. The SQL compiler asks here and is otherwise one for all.

use std::fmt;

/// How one database spells things.
pub trait Dialect: Send + Sync + fmt::Debug + 'static {
    /// The placeholder for the value at `position`, from 1.
    fn placeholder(&self, out: &mut String, position: usize);

    /// A name, quoted, so that it can be nothing else.
    fn name(&self, out: &mut String, name: &str) {
        out.push('"');
        for character in name.chars() {
            // Names are checked when the catalogue is built; a quote here would still not get out.
            if character == '"' {
                out.push('"');
            }
            out.push(character);
        }
        out.push('"');
    }

    /// `left IS DISTINCT FROM right`: null is a value like others.
    fn distinct(&self) -> &'static str;

    /// `left IS NOT DISTINCT FROM right`.
    fn not_distinct(&self) -> &'static str;

    /// Begin of "this text contains that one" with case; the text, then [`Dialect::contains_middle`], the other, then `)`.
    fn contains_start(&self) -> &'static str;

    /// Between the two texts of `contains`.
    fn contains_middle(&self) -> &'static str {
        ", "
    }

    /// Text in lower case.
    fn lower(&self) -> &'static str {
        "lower"
    }

    /// The operator for a pattern with case, and the pattern in its form out of one with `%`, `_` and `\`.
    fn like(&self, pattern: &str) -> (&'static str, String);

    /// The elements of a JSON list as rows with a column `value`: begin; the list and `)` follow.
    fn elements_start(&self) -> &'static str;

    /// What an order needs so that null comes first, or last.
    fn nulls(&self, ascending: bool) -> &'static str;

    /// How a list of values becomes one text, in an aggregation.
    fn list_aggregate(&self) -> &'static str;

    /// The function of a string aggregation.
    fn text_aggregate(&self) -> &'static str;
}

/// SQLite 3.39 and later.
#[derive(Clone, Copy, Debug)]
pub struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn placeholder(&self, out: &mut String, _position: usize) {
        out.push('?');
    }

    fn distinct(&self) -> &'static str {
        " IS NOT "
    }

    fn not_distinct(&self) -> &'static str {
        " IS "
    }

    fn contains_start(&self) -> &'static str {
        "0 < instr("
    }

    /// LIKE looks away from case in SQLite, GLOB does not.
    fn like(&self, pattern: &str) -> (&'static str, String) {
        let mut glob = String::with_capacity(pattern.len() + 4);
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            let literal = match character {
                '%' => {
                    glob.push('*');
                    continue;
                }
                '_' => {
                    glob.push('?');
                    continue;
                }
                '\\' => characters.next().unwrap_or('\\'),
                other => other,
            };
            match literal {
                '*' | '?' | '[' => {
                    glob.push('[');
                    glob.push(literal);
                    glob.push(']');
                }
                other => glob.push(other),
            }
        }
        (" GLOB ", glob)
    }

    fn elements_start(&self) -> &'static str {
        "json_each("
    }

    /// Null is the least value in SQLite.
    fn nulls(&self, _ascending: bool) -> &'static str {
        ""
    }

    fn list_aggregate(&self) -> &'static str {
        "json_group_array"
    }

    fn text_aggregate(&self) -> &'static str {
        "group_concat"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_globs() {
        let check = |pattern: &str, expected: &str| assert_eq!(SqliteDialect.like(pattern).1, expected, "{pattern}");
        check("%acme%", "*acme*");
        check("a_c", "a?c");
        check("50\\%", "50%");
        check("a*b?[c]", "a[*]b[?][[]c]");
        check("end\\", "end\\");
        check("\\\\x", "\\x");
    }

    #[test]
    fn a_quote_in_a_name_stays_in_the_name() {
        let mut out = String::new();
        SqliteDialect.name(&mut out, "a\" b");
        assert_eq!(out, "\"a\"\" b\"");
    }
}
