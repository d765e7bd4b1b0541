//! The command `test APP...`: decides what the `*.policy-test.yml` files of apps say about who may do what, out of the apps' own
//! files, without a server and without a database. Each surprise names the line that says otherwise, and the set, rule or policy
//! behind it with file and line.
//!
//! A test file has `users` (with assigned roles, the platform role, sets, groups, teams, territories, tenant, attributes),
//! `records` by object, `shares`, the operator's `settings`, the moment (`now`), and `tests`: a user, an object, perhaps a record
//! and a change of it, and what is allowed, denied, seen, readable, writable and masked.

mod case;
mod world;

use std::fmt::Write;
use std::path::Path;

use objectos_plugin_api::CommandAnswer;
use objectos_plugin_api::protocol::dialect::{normalise_object, objects_in_file};
use serde_json::Value;

use crate::catalogue::Catalogue;
use crate::decode::reader::{Part, Problems};
use crate::decode::{self, KINDS, add, check_links};
use crate::files::{self, Read};
use crate::model::Model;
use crate::problem::{self, Problem};

/// Name of the command.
pub const TEST: &str = "test";
const OBJECT: &str = "object";
const TESTS: &str = "policy-test";

const USAGE: &str = "usage: objectos-host test APP...\n  APP is a folder with permission files and *.policy-test.yml\n";

/// Runs it. Exit code 0: everything is as the tests say; 1: something is not, or cannot be read; 2: called wrongly.
pub async fn test(arguments: &[String]) -> CommandAnswer {
    if arguments.is_empty() || arguments.iter().any(|argument| argument.starts_with('-')) {
        return failed(2, USAGE.to_owned());
    }
    let mut problems = Vec::new();
    let read = read(arguments, &mut problems);
    let (model, notices) = model(&read, &mut problems);
    if !problems.is_empty() {
        problems.sort();
        problems.dedup();
        return failed(1, format!("{}\n", problem::lines(&problems)));
    }
    let tests = read.iter().filter(|file| file.kind == TESTS);
    let mut output: String = notices.iter().map(|notice| format!("note: {notice}\n")).collect();
    let mut error = String::new();
    let (mut decided, mut surprises) = (0, 0);
    for file in tests {
        let report = case::run(Part::root(&file.document), &model, &mut problems).await;
        let about = file.document.source.to_string();
        let _ = writeln!(
            output,
            "{about}: {} decided, {} surprising",
            report.decided,
            report.surprises.len()
        );
        decided += report.decided;
        surprises += report.surprises.len();
        for surprise in report.surprises {
            let _ = writeln!(error, "{surprise}");
        }
    }
    if !problems.is_empty() {
        return failed(1, format!("{}\n", problem::lines(&problems)));
    }
    if decided == 0 {
        return failed(
            1,
            "no test: write a file such as `access.policy-test.yml` into the app\n".to_owned(),
        );
    }
    let _ = writeln!(output, "{decided} decided, {surprises} surprising");
    CommandAnswer {
        output,
        error,
        exit_code: u8::from(surprises > 0),
    }
}

fn failed(exit_code: u8, error: String) -> CommandAnswer {
    CommandAnswer {
        output: String::new(),
        error,
        exit_code,
    }
}

fn read(folders: &[String], problems: &mut Problems) -> Vec<Read> {
    let kinds: Vec<&str> = KINDS.into_iter().chain([OBJECT, TESTS]).collect();
    let mut read = Vec::new();
    for folder in folders {
        let path = Path::new(folder);
        if !path.is_dir() {
            problems.push(Problem::new(folder, "", "there is no such folder"));
            continue;
        }
        // `.` has no name of its own.
        let full = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        read.extend(files::read_app(&full, &kinds, problems));
    }
    read
}

/// The model, and what files say that has no effect.
fn model(read: &[Read], problems: &mut Problems) -> (Model, Problems) {
    let mut objects: Vec<Value> = world::platform_objects();
    for file in read.iter().filter(|file| file.kind == OBJECT) {
        for object in objects_in_file(file.document.value.clone(), &file.stem) {
            objects.push(normalise_object(object).0);
        }
    }
    let mut model = Model {
        catalogue: Catalogue::new(&objects),
        ..Model::default()
    };
    let mut notices = Vec::new();
    for kind in KINDS {
        for file in read.iter().filter(|file| file.kind == kind) {
            let mut declared = decode::read(kind, &file.stem, &file.document, &model.catalogue, problems);
            notices.append(&mut declared.notices);
            add(&mut model, declared);
        }
    }
    check_links(&model, problems);
    (model, notices)
}

#[cfg(test)]
mod tests;
