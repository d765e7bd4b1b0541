//! Commands that plugins contribute: which one the words name, and the kernel that carries it out.
//!
//! A command that stands alone (`standalone` in its plugin's manifest) runs with the defaults in a folder that is thrown
//! away: nothing of the installation is written, changed or listened at.

use objectos_kernel::{Error as KernelError, Kernel, Selection, discover::survey};
use std::time::Duration;
use tempfile::TempDir;

use super::{
    absolute, options,
    outcome::{start_failed, unusable},
};
use crate::{
    exit::Exit,
    out,
    plugins::{CommandError, Policy},
    settings::Settings,
};

/// Words of the longest name that a contributed command may have.
const COMMAND_WORDS_MAX: usize = 3;

/// A command that some plugin declares.
struct Declared {
    /// As many of the words are its name.
    words: usize,
    standalone: bool,
    /// Id of that plugin.
    plugin: String,
}

/// Runs a command that a plugin contributes.
///
/// # Errors
/// `Usage` when no plugin contributes it.
pub async fn contributed(settings: &Settings, words: &[String]) -> Result<Exit, CommandError> {
    let Some(first) = words.first() else {
        return Err(CommandError::new(Exit::Usage, "name a command; --help lists them"));
    };
    if !settings.plugins.value.is_dir() {
        let text = format!(
            "there is no command {first}, and no plugin folder {} that could bring it",
            settings.plugins.value.display()
        );
        return Err(CommandError::new(Exit::Usage, text));
    }
    let scratch = tempfile::tempdir().map_err(|error| {
        let text = format!("no folder can be made in {}: {error}", std::env::temp_dir().display());
        CommandError::new(Exit::Missing, text)
    })?;
    let alone = alone(settings, &scratch);
    let declared = declared(&alone, words)?;
    let length = declared.as_ref().map_or(1, |declared| declared.words);
    let (name, arguments) = (words[..length].join(" "), &words[length..]);
    // Nobody knows an unknown one: to say so needs nothing of the installation either.
    let kernel = if declared.as_ref().is_none_or(|declared| declared.standalone) {
        boot(&alone, Some(settings), &name).await?
    } else {
        let booted = boot(settings, None, &name).await;
        booted.map_err(|error| misconfigured(settings, declared.as_ref()).unwrap_or(error))?
    };
    let answer = kernel.run_command(&name, arguments).await;
    kernel
        .shutdown(Duration::from_millis(settings.stop_limit_ms.value))
        .await;
    let answer = answer.map_err(|error| CommandError::new(Exit::Failed, format!("{name}: {error}")))?;
    if !answer.output.is_empty() {
        out::say(answer.output.trim_end());
    }
    if !answer.error.is_empty() {
        out::complain(answer.error.trim_end());
    }
    Ok(if answer.exit_code == 0 {
        Exit::Success
    } else {
        Exit::Failed
    })
}

/// The settings of a command that stands alone: whom to trust and what to grant stay, for code is loaded all the same.
fn alone(settings: &Settings, scratch: &TempDir) -> Settings {
    let mut alone = settings.clone();
    alone.data.value = scratch.path().to_path_buf();
    alone.apps.value.clear();
    alone.plugin_settings.clear();
    alone.kernel_sections.remove("events");
    alone
}

/// The longest name that the words begin with and that a plugin declares, so that `migrate plan` is not `migrate`. From the
/// manifests alone.
fn declared(settings: &Settings, words: &[String]) -> Result<Option<Declared>, CommandError> {
    let policy = Policy::of(settings)?;
    let found = survey(&policy.request(&settings.plugins.value));
    let commands: Vec<_> = found
        .candidates
        .iter()
        .flat_map(|candidate| {
            let commands = candidate.document.objectos.commands.iter();
            commands.map(move |command| (candidate.id(), command))
        })
        .collect();
    let named = |length: usize| {
        let name = words[..length].join(" ");
        let (plugin, command) = commands.iter().find(|(_, command)| command.name == name)?;
        Some(Declared {
            words: length,
            standalone: command.standalone,
            plugin: (*plugin).to_owned(),
        })
    };
    Ok((1..=words.len().min(COMMAND_WORDS_MAX)).rev().find_map(named))
}

/// What is wrong with the configuration of the plugin that has the command: without it, the command is there, and nobody to
/// carry it out.
fn misconfigured(settings: &Settings, declared: Option<&Declared>) -> Option<CommandError> {
    let plugin = &declared?.plugin;
    let policy = Policy::of(settings).ok()?;
    let found = survey(&policy.request(&settings.plugins.value));
    let refusal = found
        .refusals
        .iter()
        .find(|refusal| refusal.plugin.as_ref() == Some(plugin))?;
    unusable(refusal)
}

/// A kernel with what the command needs. `beside`: the installation whose folder for private copies serves when it is there;
/// libraries cannot be opened from every temporary folder.
async fn boot(settings: &Settings, beside: Option<&Settings>, name: &str) -> Result<Kernel, CommandError> {
    let mut options = options(settings, Selection::Command(name.to_owned()))?;
    options.watch = false;
    if let Some(data) = beside.map(|settings| &settings.data.value).filter(|data| data.is_dir()) {
        options.runtime_directory = absolute(data)?.join("run");
    }
    match Kernel::boot(options, tokio::runtime::Handle::current()).await {
        Ok((kernel, _)) => Ok(kernel),
        Err(error @ KernelError::UnknownCommand { .. }) => Err(CommandError::new(Exit::Usage, error.to_string())),
        Err(error) => Err(start_failed(&error)),
    }
}
