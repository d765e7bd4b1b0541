//! What is wrong with apps is told with file, line, column, keys, and the nearest valid spelling.

mod encrypted;
mod expressions;
mod fields;
mod files;
mod objects;
mod references;
mod searches;
mod seeds;
mod settings;

use expect_test::Expect;

use crate::app_support::try_load;

/// Loads one object file and compares the problems.
fn check(text: &str, expected: Expect) {
    check_files(&[("thing.object.yml", text)], expected);
}

/// Loads some files that must have problems and compares them, each as its line.
fn check_files(files: &[(&str, &str)], expected: Expect) {
    let problems = try_load(files)
        .err()
        .unwrap_or_else(|| panic!("no problems in\n{}", files[0].1));
    expected.assert_eq(&problems.join("\n"));
}
