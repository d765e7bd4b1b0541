//! What is wrong with apps is told with file, line, column, keys, and the nearest valid spelling.

mod expressions;
mod fields;
mod files;
mod objects;
mod references;
mod seeds;

use crate::app_support::try_load;

/// Loads one object file and compares the problems, each as its line without the file's name.
fn check(text: &str, expected: &[&str]) {
    check_files(&[("thing.object.yml", text)], expected);
}

/// Loads some files and compares the problems; of a single file the name is left out.
fn check_files(files: &[(&str, &str)], expected: &[&str]) {
    let problems = match try_load(files) {
        Ok(loaded) => panic!("no problems, but expected {expected:#?}\nwarnings: {:#?}\n{}", loaded.warnings, files[0].1),
        Err(problems) => problems,
    };
    let prefix = format!("{}:", files[0].0);
    let short = |problem: &String| problem.strip_prefix(&prefix).unwrap_or(problem).to_owned();
    let found: Vec<String> = if files.len() == 1 { problems.iter().map(short).collect() } else { problems };
    assert_eq!(found, expected, "\n{}\nfound:\n{}\n", files[0].1, found.join("\n"));
}
