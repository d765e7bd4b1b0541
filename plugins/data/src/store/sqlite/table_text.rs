//! The text of a table as SQLite keeps it, taken apart just far enough to change one column in it and leave all else as it was
//! written: defaults, checks, keys, collations, computed columns, comments.
//!
//! It knows words, quoted names, texts, comments and parentheses, and nothing of expressions. Where it is not sure it says so,
//! and nothing is changed. Called by `rebuild`, and by `schema` for what can be changed at all.

use std::ops::Range;

/// Words that end the type of a column; a type may be any others.
const COLUMN_WORDS: [&str; 11] = [
    "CONSTRAINT",
    "PRIMARY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "GENERATED",
    "AS",
];
/// Words that begin a constraint of the whole table; a column of such a name is quoted.
const TABLE_WORDS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];

/// What is to be different.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit<'a> {
    /// The column may be null.
    Relax,
    /// The column has this type.
    Retype(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A word or a number.
    Word,
    /// A name or a text in quotes.
    Quoted,
    /// One character.
    Sign,
}

/// A piece that is neither blank nor comment.
#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    range: Range<usize>,
}

#[derive(Debug)]
struct ColumnText {
    name: String,
    /// Where its name ends.
    end: usize,
    /// What comes after the name.
    tokens: Vec<Token>,
}

/// The text of a table.
#[derive(Debug)]
pub(super) struct TableText<'t> {
    text: &'t str,
    name: Range<usize>,
    columns: Vec<ColumnText>,
    autoincrement: bool,
    strict: bool,
    without_rowid: bool,
}

impl<'t> TableText<'t> {
    /// Takes a text apart; none when it is not one of `CREATE TABLE name (…)`.
    pub(super) fn read(text: &'t str) -> Option<Self> {
        let tokens = tokens(text)?;
        let [create, table, name, open, body @ ..] = tokens.as_slice() else {
            return None;
        };
        let begins = is_word(text, create, "CREATE") && is_word(text, table, "TABLE") && is_sign(text, open, "(");
        if !begins || name.kind == Kind::Sign {
            return None;
        }
        let (items, options) = items(text, body)?;
        let mut columns = Vec::with_capacity(items.len());
        for item in items {
            let (first, rest) = item.split_first()?;
            let word = &text[first.range.clone()];
            let named = match first.kind {
                Kind::Sign => return None,
                Kind::Quoted => true,
                Kind::Word => !TABLE_WORDS.iter().any(|reserved| word.eq_ignore_ascii_case(reserved)),
            };
            if named {
                columns.push(ColumnText {
                    name: unquoted(word),
                    end: first.range.end,
                    tokens: rest.to_vec(),
                });
            }
        }
        let says = |word: &str| options.iter().any(|token| is_word(text, token, word));
        Some(Self {
            text,
            name: name.range.clone(),
            columns,
            autoincrement: body.iter().any(|token| is_word(text, token, "AUTOINCREMENT")),
            strict: says("STRICT"),
            without_rowid: says("ROWID"),
        })
    }

    /// Whether numbers of its rows never come again.
    pub(super) fn autoincrement(&self) -> bool {
        self.autoincrement
    }

    /// Why a column cannot be changed; none where it can. `key`: it is part of the primary key.
    pub(super) fn bound(&self, column: &str, key: bool) -> Option<&'static str> {
        if self.column(column).is_none() {
            return Some("the text of the table does not name the column as the database does");
        }
        if self.strict {
            return Some("the table is STRICT, which knows other types");
        }
        (self.without_rowid && key).then_some("the column is part of the key of a table WITHOUT ROWID")
    }

    /// The text of a table of another name with one column changed; none when the column, or what is to go, is not found.
    pub(super) fn edited(&self, table: &str, column: &str, edit: Edit<'_>) -> Option<String> {
        let column = self.column(column)?;
        let mut edits = vec![(self.name.clone(), table.to_owned())];
        match edit {
            Edit::Relax => {
                let cuts = self.not_nulls(column)?;
                edits.extend(cuts.into_iter().map(|range| (range, String::new())));
            }
            Edit::Retype(kind) => match self.type_of(column)? {
                range if range.is_empty() => edits.push((range, format!(" {kind}"))),
                range => edits.push((range, kind.to_owned())),
            },
        }
        let mut out = String::with_capacity(self.text.len() + 32);
        let mut from = 0;
        for (range, replacement) in edits {
            out.push_str(self.text.get(from..range.start)?);
            out.push_str(&replacement);
            from = range.end;
        }
        out.push_str(self.text.get(from..)?);
        Some(out)
    }

    fn column(&self, name: &str) -> Option<&ColumnText> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// `[CONSTRAINT name] NOT NULL [ON CONFLICT …]`, each time it stands there outside of parentheses.
    fn not_nulls(&self, column: &ColumnText) -> Option<Vec<Range<usize>>> {
        let tokens = &column.tokens;
        let word = |at: usize, word: &str| tokens.get(at).is_some_and(|token| is_word(self.text, token, word));
        let mut found = Vec::new();
        let mut depth = 0_usize;
        for (at, token) in tokens.iter().enumerate() {
            depth = self.depth_after(depth, token)?;
            if depth > 0 || !word(at, "NOT") || !word(at + 1, "NULL") {
                continue;
            }
            let first = if at >= 2 && word(at - 2, "CONSTRAINT") {
                at - 2
            } else {
                at
            };
            let last = if word(at + 2, "ON") && word(at + 3, "CONFLICT") {
                at + 4
            } else {
                at + 1
            };
            found.push(tokens[first].range.start..tokens.get(last)?.range.end);
        }
        (!found.is_empty()).then_some(found)
    }

    /// Where the type stands, `VARCHAR(20)` with what is in its parentheses; empty behind the name where there is none.
    fn type_of(&self, column: &ColumnText) -> Option<Range<usize>> {
        let is_type = |token: &&Token| match token.kind {
            Kind::Sign => false,
            Kind::Quoted => true,
            Kind::Word => {
                let word = &self.text[token.range.clone()];
                !COLUMN_WORDS.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
            }
        };
        let words = column.tokens.iter().take_while(is_type).count();
        if words == 0 {
            return Some(column.end..column.end);
        }
        let mut last = words - 1;
        if column
            .tokens
            .get(words)
            .is_some_and(|token| is_sign(self.text, token, "("))
        {
            let mut depth = 0;
            for token in &column.tokens[words..] {
                depth = self.depth_after(depth, token)?;
                last += 1;
                if depth == 0 {
                    break;
                }
            }
        }
        Some(column.tokens[0].range.start..column.tokens[last].range.end)
    }

    fn depth_after(&self, depth: usize, token: &Token) -> Option<usize> {
        if is_sign(self.text, token, "(") {
            return Some(depth + 1);
        }
        if is_sign(self.text, token, ")") {
            return depth.checked_sub(1);
        }
        Some(depth)
    }
}

/// What stands between the commas of the outermost parentheses, and what comes after these.
fn items<'a>(text: &str, body: &'a [Token]) -> Option<(Vec<&'a [Token]>, &'a [Token])> {
    let (mut items, mut begin, mut depth) = (Vec::new(), 0, 1_usize);
    for (at, token) in body.iter().enumerate() {
        if is_sign(text, token, "(") {
            depth += 1;
        } else if is_sign(text, token, ")") {
            depth -= 1;
        }
        let ends = depth == 0;
        if ends || (depth == 1 && is_sign(text, token, ",")) {
            items.push(&body[begin..at]);
            begin = at + 1;
        }
        if ends {
            return Some((items, &body[begin..]));
        }
    }
    None
}

fn is_word(text: &str, token: &Token, word: &str) -> bool {
    token.kind == Kind::Word && text[token.range.clone()].eq_ignore_ascii_case(word)
}

fn is_sign(text: &str, token: &Token, sign: &str) -> bool {
    token.kind == Kind::Sign && &text[token.range.clone()] == sign
}

/// A name as the database knows it.
fn unquoted(name: &str) -> String {
    let inner = || name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
    match name.as_bytes().first() {
        Some(b'"') => inner().replace("\"\"", "\""),
        Some(b'`') => inner().replace("``", "`"),
        Some(b'\'') => inner().replace("''", "'"),
        Some(b'[') => inner().to_owned(),
        _ => name.to_owned(),
    }
}

/// Blanks and comments left out; none when a quote or a comment has no end.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = text.get(at..)?;
        let (kind, length) = match byte {
            _ if byte.is_ascii_whitespace() => (None, 1),
            b'-' if rest.starts_with("--") => (None, rest.find('\n').unwrap_or(rest.len())),
            b'/' if rest.starts_with("/*") => (None, rest.get(2..)?.find("*/")? + 4),
            b'"' | b'`' | b'\'' => (Some(Kind::Quoted), quoted_length(rest, byte)?),
            b'[' => (Some(Kind::Quoted), rest.find(']')? + 1),
            _ if in_word(byte) => {
                let length = rest.bytes().take_while(|byte| in_word(*byte)).count();
                (Some(Kind::Word), length)
            }
            _ => (Some(Kind::Sign), 1),
        };
        let range = at..at + length;
        at = range.end;
        tokens.extend(kind.map(|kind| Token { kind, range }));
    }
    Some(tokens)
}

/// Every byte of a character beyond ASCII is one of a word, as SQLite has it.
fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

/// Bytes of a quoted name or text, both quotes included; two of them in a row stand for one.
fn quoted_length(rest: &str, quote: u8) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (byte, next) if *byte == quote => match next {
                Some(next) if *next == quote => at += 2,
                _ => return Some(at + 1),
            },
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Edit, TableText};

    const FOREIGN: &str = "CREATE TABLE t (\"id\" TEXT NOT NULL, -- NOT NULL, it says
  [a b] VARCHAR(20) DEFAULT (')') CONSTRAINT \"must\" NOT NULL ON CONFLICT FAIL COLLATE NOCASE,
  c CHECK (c IS NOT NULL OR id <> ',') /* NOT NULL */ REFERENCES t(id), d UNSIGNED BIG INT NOT NULL,
  \"check\" AS (c + 1), PRIMARY KEY (id, d), UNIQUE (c))";

    fn check(column: &str, edit: Edit<'_>, expected: Option<(&str, &str)>) {
        let edited = TableText::read(FOREIGN).unwrap().edited("n", column, edit);
        let expected = expected.map(|(from, to)| FOREIGN.replacen("TABLE t", "TABLE n", 1).replacen(from, to, 1));
        assert_eq!(edited, expected, "{column}: {edit:?}");
    }

    #[test]
    fn one_column_is_changed_and_nothing_else() {
        check("id", Edit::Relax, Some(("TEXT NOT NULL,", "TEXT ,")));
        check(
            "a b",
            Edit::Relax,
            Some(("CONSTRAINT \"must\" NOT NULL ON CONFLICT FAIL ", " ")),
        );
        check("c", Edit::Relax, None);
        check("d", Edit::Relax, Some(("INT NOT NULL", "INT ")));
        check("nobody", Edit::Relax, None);
        check("id", Edit::Retype("NUMERIC"), Some(("TEXT NOT", "NUMERIC NOT")));
        check("a b", Edit::Retype("NUMERIC"), Some(("VARCHAR(20)", "NUMERIC")));
        check("c", Edit::Retype("NUMERIC"), Some(("c CHECK", "c NUMERIC CHECK")));
        check("d", Edit::Retype("TEXT"), Some(("UNSIGNED BIG INT", "TEXT")));
        check(
            "check",
            Edit::Retype("TEXT"),
            Some(("\"check\" AS", "\"check\" TEXT AS")),
        );
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        for text in [
            "CREATE VIRTUAL TABLE t USING fts5(a)",
            "CREATE TABLE t (a TEXT",
            "CREATE TABLE t (a TEXT DEFAULT 'x)",
            "CREATE TABLE t (a, , b)",
            "CREATE TABLE t AS SELECT 1",
            "",
        ] {
            assert!(TableText::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn it_says_what_cannot_be_changed() {
        let check = |text: &str, key: bool, bound: Option<&str>| {
            let found = TableText::read(text).unwrap().bound("a", key);
            assert_eq!(found.is_some(), bound.is_some(), "{text}");
            let both = found.zip(bound);
            assert!(
                both.is_none_or(|(found, bound)| found.contains(bound)),
                "{text}: {found:?}"
            );
        };
        check("CREATE TABLE t (a TEXT)", false, None);
        check("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)", true, None);
        check(
            "CREATE TABLE t (a TEXT, b, PRIMARY KEY (a, b)) WITHOUT ROWID",
            true,
            Some("ROWID"),
        );
        check("CREATE TABLE t (a TEXT, b PRIMARY KEY) WITHOUT ROWID", false, None);
        check("CREATE TABLE t (a TEXT) STRICT", false, Some("STRICT"));
        check("CREATE TABLE t (b TEXT)", false, Some("does not name"));
    }
}
