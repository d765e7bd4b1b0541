//! The commands about plugin files: `objectos-host plugins …`. They look, check, sign and write; only `swap` speaks to a running
//! host. Called by `main`.

mod effective;
mod inspect;
mod list;
mod new;
mod policy;
mod sections;
mod sign;
mod swap;
mod verify;

use std::path::{Path, PathBuf};

pub use effective::effective;
pub(crate) use policy::{Policy, resolved};
pub(crate) use sections::{events, section};

/// The host's own commands, which no plugin may take.
pub(crate) const OWN_COMMANDS: [&str; 2] = ["plugins", "help"];

use crate::{cli::PluginsCommand, exit::Exit, settings::Settings};

/// A command that could not do its work. `Display` is the message; the exit code goes with it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// What to tell.
    pub message: String,
    /// How to end.
    pub exit: Exit,
}

impl CommandError {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit,
        }
    }
}

/// Runs one command.
///
/// # Errors
/// What keeps the command from doing its work. An answer of "no" is no error but [`Exit::Failed`].
pub async fn run(command: PluginsCommand, settings: &Settings) -> Result<Exit, CommandError> {
    match command {
        PluginsCommand::List { json } => list::list(settings, json).await,
        PluginsCommand::Inspect { file, json } => inspect::inspect(&existing(&file)?, json),
        PluginsCommand::Verify { file } => verify::verify(&existing(&file)?, settings),
        PluginsCommand::Keygen { name, out } => sign::keygen(&name, &out),
        PluginsCommand::Sign { file, key, days } => sign::sign(&existing(&file)?, &key, days),
        PluginsCommand::Swap { id, file } => swap::swap(&id, file.as_deref(), settings).await,
        PluginsCommand::New { name, path, api } => new::new(&name, path, api),
    }
}

fn existing(path: &Path) -> Result<PathBuf, CommandError> {
    if path.is_file() {
        return Ok(path.to_path_buf());
    }
    Err(CommandError::new(
        Exit::Missing,
        format!("{} is not there, or is not a file", path.display()),
    ))
}

/// Says something to the person or program that asked.
pub(crate) use crate::out::say as tell;
