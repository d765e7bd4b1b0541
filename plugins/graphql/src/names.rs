//! Names that GraphQL allows, and no two alike.
//!
//! The rule: a type is the object's name in Pascal case (`sys_user` is `SysUser`), a field keeps its name. Characters
//! that GraphQL does not know become `_`, a digit in front gets a `_` before it, and several `_` in front become one,
//! since `__` is GraphQL's own. What is taken gets `_2`, `_3` and so on; names are given in the order of the objects'
//! names, and within an object in the order of its fields.

use std::collections::HashSet;

/// `sys_user` → `SysUser`.
pub(crate) fn pascal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for word in name.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    if out.starts_with(|first: char| first.is_ascii_alphabetic()) {
        out
    } else {
        format!("Object{out}")
    }
}

/// The name of a field.
pub(crate) fn field(name: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() { letter } else { '_' }
    };
    let out: String = name.chars().map(plain).collect();
    if out.starts_with("__") {
        return format!("_{}", out.trim_start_matches('_'));
    }
    match out.chars().next() {
        None => "_".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{out}"),
        Some(_) => out,
    }
}

/// The name of a value of an enum; three words are not allowed there.
pub(crate) fn choice(value: &str) -> String {
    match field(value) {
        name if matches!(name.as_str(), "true" | "false" | "null") => format!("{name}_"),
        name => name,
    }
}

/// Names that were given.
#[derive(Debug, Default)]
pub(crate) struct Taken(HashSet<String>);

impl Taken {
    /// With names that nobody gets.
    pub(crate) fn with(reserved: &[&str]) -> Self {
        Self(reserved.iter().map(|&name| name.to_owned()).collect())
    }

    /// Gives the name, or the first with a number that is free.
    pub(crate) fn give(&mut self, wanted: &str) -> String {
        self.give_all(wanted, |name| vec![name.to_owned()])
    }

    /// The same for a name of which others are made: all of them must be free.
    pub(crate) fn give_all(&mut self, wanted: &str, made: impl Fn(&str) -> Vec<String>) -> String {
        let mut name = wanted.to_owned();
        let mut number = 1_u32;
        loop {
            let all = made(&name);
            if all.iter().all(|name| !self.0.contains(name)) {
                self.0.extend(all);
                return name;
            }
            number += 1;
            name = format!("{wanted}_{number}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_in_pascal_case() {
        let check = |name: &str, expected: &str| assert_eq!(pascal(name), expected, "{name}");
        check("account", "Account");
        check("sys_user", "SysUser");
        check("_odd__name_", "OddName");
        check("line_2", "Line2");
        check("2_lines", "Object2Lines");
        check("__", "Object");
    }

    #[test]
    fn fields_keep_what_graphql_allows() {
        let check = |name: &str, expected: &str| assert_eq!(field(name), expected, "{name}");
        check("annual_revenue", "annual_revenue");
        check("__typename", "_typename");
        check("2nd", "_2nd");
        check("größe", "gr__e");
        check("a.b-c", "a_b_c");
        check("", "_");
    }

    #[test]
    fn values_are_no_words_of_graphql() {
        let check = |value: &str, expected: &str| assert_eq!(choice(value), expected, "{value}");
        check("closed_won", "closed_won");
        check("true", "true_");
        check("on hold", "on_hold");
        check("24h", "_24h");
    }

    #[test]
    fn what_is_taken_gets_a_number() {
        let mut taken = Taken::with(&["and"]);
        assert_eq!(taken.give("and"), "and_2");
        assert_eq!(taken.give("name"), "name");
        assert_eq!(taken.give("name"), "name_2");
        assert_eq!(taken.give("name"), "name_3");
        let both = |name: &str| vec![name.to_owned(), format!("{name}Filter")];
        assert_eq!(taken.give("AccountFilter"), "AccountFilter");
        assert_eq!(taken.give_all("Account", both), "Account_2");
    }
}
