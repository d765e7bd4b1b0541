//! One configuration out of defaults, `objectos.yml`, the environment and flags, each value with where it came from.
//!
//! Sections that belong to the kernel (`trust`, `grants`, `prefer`, `threads`, `events`) and to plugins (`plugins.<id>`) are
//! passed on as they are; the kernel and the plugins' own schemas check them.

mod environment;
mod file;
mod lines;
mod places;
mod print;
mod set;
#[cfg(test)]
mod tests;
mod unknown;

use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

pub use file::FileSettings;
use lines::Lines;
pub(crate) use places::parts;
pub use print::{Effective, print};
pub(crate) use unknown::{unknown_plugins, unknown_variables};

use crate::{cli::Flags, exit::Exit};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said otherwise.
    Default,
    /// The configuration file.
    File,
    /// An environment variable, by name.
    Environment(String),
    /// A flag, as typed.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A value and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    fn default(value: T) -> Self {
        Self {
            value,
            origin: Origin::Default,
        }
    }

    fn replace(&mut self, value: Option<T>, origin: Origin) {
        if let Some(value) = value {
            *self = Self { value, origin };
        }
    }
}

/// The effective configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration file that was read.
    pub config: Option<PathBuf>,
    /// Plugin folder.
    pub plugins: Setting<PathBuf>,
    /// App folders.
    pub apps: Setting<Vec<PathBuf>>,
    /// Data folder.
    pub data: Setting<PathBuf>,
    /// Address to listen on.
    pub listen: Setting<String>,
    /// `development` or `production`.
    pub mode: Setting<String>,
    /// `human` or `json`.
    pub log_format: Setting<String>,
    /// Log filter.
    pub log_level: Setting<String>,
    /// Swap plugins whose files change.
    pub watch: Setting<bool>,
    /// Milliseconds for a graceful stop.
    pub stop_limit_ms: Setting<u64>,
    /// Configuration by plugin id.
    pub plugin_settings: BTreeMap<String, Value>,
    /// Where single values of `plugin_settings` came from, by plugin id and dotted path; all others are the file's.
    pub plugin_origins: BTreeMap<String, BTreeMap<String, Origin>>,
    /// The kernel's sections: `trust`, `grants`, `prefer`, `threads`, `events`, `features`.
    pub kernel_sections: Map<String, Value>,
    /// Where those came from that are not the file's.
    pub section_origins: BTreeMap<String, Origin>,
    /// In which line of the file each key stands.
    lines: Lines,
}

/// What is wrong with the configuration. `Display` is the whole message for a person; the remedy is part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The configuration file is not there, or not to be read.
    #[error("the configuration file {} cannot be read: {reason}; check {named_by}", path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
        /// What named it: a flag, a variable; its owner and mode where nobody did.
        named_by: &'static str,
    },
    /// The file is no configuration.
    #[error("{}: {reason}", path.display())]
    FileInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// A value is not one of those that are possible.
    #[error("{name} ({place}) is {value:?}: {expected}")]
    Value {
        /// Name of the setting.
        name: &'static str,
        /// Where it came from: `flag --mode`, `environment OBJECTOS_MODE`, or file and line, `objectos.yml:2`.
        place: String,
        /// What it says.
        value: String,
        /// What it should say.
        expected: String,
    },
    /// A variable that holds a section is no YAML. Its text is not repeated: it may hold secrets.
    #[error(
        "the environment variable {name} cannot be read: {reason}; write YAML or JSON, as below the key in objectos.yml"
    )]
    VariableInvalid {
        /// The variable.
        name: &'static str,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// A `--set` that cannot be read, or a line of `OBJECTOS_SET`.
    #[error("{place} {argument}: {expected}")]
    Set {
        /// Flag or variable.
        place: String,
        /// As typed, without the value.
        argument: String,
        /// What it should look like.
        expected: String,
    },
    /// A folder is not there.
    #[error("the {name} folder {} ({place}) is not there: {remedy}", path.display())]
    FolderMissing {
        /// What the folder is for.
        name: &'static str,
        /// What named it, as in `Value`.
        place: String,
        /// The folder.
        path: PathBuf,
        /// What to do.
        remedy: String,
    },
}

impl SettingsError {
    /// The exit code for it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::FileUnreadable { .. } | Self::FolderMissing { .. } => Exit::Missing,
            _ => Exit::Configuration,
        }
    }
}

impl Settings {
    /// Puts everything together.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load(flags: &Flags, variables: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut settings = Self::defaults();
        // An empty variable is none, as with all the others.
        let variable = || variables("OBJECTOS_CONFIG").filter(|path| !path.is_empty());
        let flag = flags.config.clone().map(|path| (path, "--config"));
        let explicit = flag.or_else(|| variable().map(|path| (PathBuf::from(path), "OBJECTOS_CONFIG")));
        settings.read_file(explicit)?;
        environment::apply(&mut settings, variables)?;
        settings.apply_flags(flags)?;
        settings.check_values()?;
        Ok(settings)
    }

    fn defaults() -> Self {
        Self {
            config: None,
            plugins: Setting::default(PathBuf::from("./plugins")),
            apps: Setting::default(Vec::new()),
            data: Setting::default(PathBuf::from("./.objectos")),
            listen: Setting::default("127.0.0.1:3000".to_owned()),
            mode: Setting::default("development".to_owned()),
            log_format: Setting::default("human".to_owned()),
            log_level: Setting::default("info".to_owned()),
            watch: Setting::default(true),
            stop_limit_ms: Setting::default(30_000),
            plugin_settings: BTreeMap::new(),
            plugin_origins: BTreeMap::new(),
            kernel_sections: Map::new(),
            section_origins: BTreeMap::new(),
            lines: Lines::default(),
        }
    }

    fn read_file(&mut self, explicit: Option<(PathBuf, &'static str)>) -> Result<(), SettingsError> {
        let (path, named_by) = match explicit {
            Some(named) => named,
            None if Path::new("objectos.yml").is_file() => (PathBuf::from("objectos.yml"), "its owner and mode"),
            None => return Ok(()),
        };
        let (file, lines) = FileSettings::read(&path, named_by)?;
        file.apply(self, &path);
        self.lines = lines;
        self.config = Some(path);
        Ok(())
    }

    fn apply_flags(&mut self, flags: &Flags) -> Result<(), SettingsError> {
        self.plugins.replace(flags.plugins.clone(), Origin::Flag("--plugins"));
        self.apps.replace(
            (!flags.app.is_empty()).then(|| flags.app.clone()),
            Origin::Flag("--app"),
        );
        self.data.replace(flags.data.clone(), Origin::Flag("--data"));
        self.listen.replace(flags.listen.clone(), Origin::Flag("--listen"));
        self.mode.replace(flags.mode.clone(), Origin::Flag("--mode"));
        self.log_format
            .replace(flags.log_format.clone(), Origin::Flag("--log-format"));
        self.log_level
            .replace(flags.log_level.clone(), Origin::Flag("--log-level"));
        for argument in &flags.set {
            set::apply(self, argument, Origin::Flag("--set"))?;
        }
        Ok(())
    }

    fn check_values(&self) -> Result<(), SettingsError> {
        self.one_of(("mode", "mode"), &self.mode, &["development", "production"])?;
        self.one_of(("log-format", "logFormat"), &self.log_format, &["human", "json"])?;
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log_level.value) {
            return Err(SettingsError::Value {
                name: "log-level",
                place: self.place(&self.log_level.origin, &["host", "logLevel"]),
                value: self.log_level.value.clone(),
                expected: format!("{error}; write a filter such as info or info,objectos.data=debug"),
            });
        }
        if self.listen.value.parse::<std::net::SocketAddr>().is_err() {
            return Err(SettingsError::Value {
                name: "listen",
                place: self.place(&self.listen.origin, &["host", "listen"]),
                value: self.listen.value.clone(),
                expected: "write an address and a port, such as 127.0.0.1:3000 or [::1]:3000".to_owned(),
            });
        }
        Ok(())
    }

    /// `names`: that of the setting, and its key below `host` in the file.
    fn one_of(
        &self,
        names: (&'static str, &str),
        setting: &Setting<String>,
        values: &[&str],
    ) -> Result<(), SettingsError> {
        if values.contains(&setting.value.as_str()) {
            return Ok(());
        }
        let (name, key) = names;
        Err(SettingsError::Value {
            name,
            place: self.place(&setting.origin, &["host", key]),
            value: setting.value.clone(),
            expected: format!("write one of {}{}", values.join(", "), nearest(&setting.value, values)),
        })
    }

    /// Checks that the folders that must be there are there.
    ///
    /// # Errors
    /// `FolderMissing`.
    pub fn check_folders(&self) -> Result<(), SettingsError> {
        folder(
            "plugin",
            &self.plugins.value,
            || self.place(&self.plugins.origin, &["host", "plugins"]),
            "cargo xtask build makes ./plugins; --plugins names another",
        )?;
        for (index, app) in self.apps.value.iter().enumerate() {
            folder(
                "app",
                app,
                || self.place(&self.apps.origin, &["host", "apps", &index.to_string()]),
                "check the path; an app is a folder with objectos.app.yml",
            )?;
        }
        Ok(())
    }

    /// The folder that the installation belongs to: that of the configuration file, else the current one.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.config
            .as_deref()
            .and_then(Path::parent)
            .filter(|parent| *parent != Path::new(""))
            .unwrap_or(Path::new("."))
            .to_path_buf()
    }

    /// Whether plugins whose files change are swapped by themselves: never in production.
    #[must_use]
    pub fn watching(&self) -> bool {
        self.development() && self.watch.value
    }

    /// True in development.
    #[must_use]
    pub fn development(&self) -> bool {
        self.mode.value == "development"
    }
}

fn folder(name: &'static str, path: &Path, place: impl FnOnce() -> String, remedy: &str) -> Result<(), SettingsError> {
    if path.is_dir() {
        return Ok(());
    }
    Err(SettingsError::FolderMissing {
        name,
        place: place(),
        path: path.to_path_buf(),
        remedy: remedy.to_owned(),
    })
}

/// `; did you mean x` when a spelling is near enough.
pub(crate) fn nearest(word: &str, candidates: &[&str]) -> String {
    candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("; did you mean {candidate}"))
        .unwrap_or_default()
}
