//! Running programs and saying what is done. The only place that prints.

use anyhow::{Context, Result, bail};
use std::{io::Write, path::Path, process::Command};

/// A line for the person at the terminal.
pub(crate) fn say(text: &str) {
    // What nobody reads any more is not said.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A result, for pipes.
pub(crate) fn print(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::paths::root());
    command
}

/// Runs a command to its end, showing what it is.
pub(crate) fn run(title: &str, command: &mut Command) -> Result<()> {
    say(&format!("── {title}"));
    let status = command.status().with_context(|| format!("start {}", shown(command)))?;
    if !status.success() {
        bail!("{title} failed ({status}): {}", shown(command));
    }
    Ok(())
}

/// True when a program of this name can be started.
pub(crate) fn exists(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn shown(command: &Command) -> String {
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| {
            Path::new(word)
                .file_name()
                .filter(|_| word.to_string_lossy().starts_with('/'))
                .unwrap_or(word)
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    words.join(" ")
}
