//! How long functions are. Source is formatted, so a function ends at the first closing brace as far to the left as its head
//! begins; lines without code do not count.

use std::path::Path;

/// Lines of code of a function.
const LINES_MAX: usize = 70;
/// Tables written as functions: one line or two for each construct, and nothing to follow. None is ever put in.
const TABLES: [(&str, &str); 2] = [
    ("plugins/data/src/store/dialect/construct.rs", "sqlite"),
    ("plugins/data/src/store/dialect/construct_postgres.rs", "postgres"),
];

/// A finding for each function that is too long.
pub(super) fn check(path: &Path, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (begin, line) in lines.iter().enumerate() {
        let Some(name) = named(line) else { continue };
        let Some(body) = body(&lines[begin..]) else { continue };
        let count = body.iter().filter(|line| is_code(line)).count();
        let table = TABLES
            .iter()
            .any(|(file, function)| path == Path::new(file) && name == *function);
        if count > LINES_MAX && !table {
            found.push(format!(
                "{}:{}: fn {name} has {count} lines; split it (at most {LINES_MAX})",
                path.display(),
                begin + 1
            ));
        }
    }
    found
}

/// The name of the function whose head begins in this line.
fn named(line: &str) -> Option<&str> {
    let mut words = line.trim_start();
    loop {
        let rest = if let Some(rest) = words.strip_prefix("fn ") {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
            return Some(&rest[..end]);
        } else if let Some(rest) = words.strip_prefix("pub(") {
            rest.split_once(") ")?.1
        } else if let Some(rest) = words.strip_prefix("extern \"C\" ") {
            rest
        } else {
            ["pub ", "const ", "async ", "unsafe "]
                .into_iter()
                .find_map(|word| words.strip_prefix(word))?
        };
        words = rest;
    }
}

/// The lines between the braces of the function that begins in the first line; nothing when it has no body of its own lines.
fn body<'a>(lines: &'a [&'a str]) -> Option<&'a [&'a str]> {
    let indent = lines[0].len() - lines[0].trim_start().len();
    let head = lines.iter().position(|line| line.ends_with(['{', ';', '}']))?;
    if !lines[head].ends_with('{') {
        return None;
    }
    let close = format!("{}}}", " ".repeat(indent));
    let end = lines[head..].iter().position(|line| *line == close)?;
    Some(&lines[head + 1..head + end])
}

fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}
