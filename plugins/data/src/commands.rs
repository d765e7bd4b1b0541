//! The command `check APP...`: reads apps and tells everything that is wrong with them. No database is opened.

use std::fmt::Write;
use std::path::PathBuf;

use objectos_plugin_api::CommandAnswer;

use crate::app::{Loaded, Problem, Problems, load, read_app};

/// Name of the command.
pub const CHECK: &str = "check";

/// Reads the apps in the folders of the arguments together, so that they may point at each other.
///
/// Exit code 0: nothing keeps them from loading (warnings are told on the error stream); 1: something does; 2: called wrongly.
#[must_use]
pub fn check(arguments: &[String]) -> CommandAnswer {
    if arguments.is_empty() || arguments.iter().any(|argument| argument.starts_with('-')) {
        let error = "usage: objectos-host check APP...\n  APP is a folder with an objectos.app.yml\n".to_owned();
        return CommandAnswer {
            output: String::new(),
            error,
            exit_code: 2,
        };
    }
    let mut problems = Problems::default();
    let packages: Vec<_> = arguments
        .iter()
        .filter_map(|folder| read_app(&PathBuf::from(folder), &mut problems))
        .collect();
    let loaded = load(&packages, 1);
    match loaded {
        Ok(loaded) if !problems.has_errors() => {
            problems.extend(loaded.warnings.iter().cloned());
            let warnings = problems.into_sorted();
            CommandAnswer {
                output: summary(&loaded, warnings.len()),
                error: lines(&warnings),
                exit_code: 0,
            }
        }
        loaded => {
            problems.extend(loaded.err().unwrap_or_default());
            let problems = problems.into_sorted();
            let errors = problems.iter().filter(|problem| problem.is_error()).count();
            let mut error = lines(&problems);
            let _ = writeln!(error, "{}", count(errors, "problem"));
            CommandAnswer {
                output: String::new(),
                error,
                exit_code: 1,
            }
        }
    }
}

fn summary(loaded: &Loaded, warnings: usize) -> String {
    let mut output = String::new();
    for package in &loaded.packages {
        let version = package.version.as_deref().unwrap_or("without version");
        let parts = [
            count(package.objects, "object"),
            count(package.items, "other item"),
            count(package.records, "seed record"),
        ];
        let _ = writeln!(output, "{} {version}: {}", package.id, parts.join(", "));
    }
    let _ = match warnings {
        0 => writeln!(output, "no problems"),
        warnings => writeln!(output, "no problems, {}", count(warnings, "warning")),
    };
    output
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}
