//! The command line. Flags only name settings; where a value finally comes from is decided in [`crate::settings`].

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The ObjectOS host: loads plugins, runs apps.
///
/// Without a subcommand it serves. Any other subcommand is looked for among the commands that the plugins in the plugin
/// folder contribute (`objectos-host check examples/crm`).
#[derive(Debug, Parser)]
#[command(name = "objectos-host", version, about, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = false, subcommand_negates_reqs = true)]
pub struct Cli {
    /// Settings.
    #[command(flatten)]
    pub flags: Flags,
    /// What to do; serving is the default.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const AFTER_HELP: &str = "\
Each setting may also stand in the configuration file and in the environment (OBJECTOS_LISTEN, …); a flag beats the \
environment, the environment beats the file. --print-config shows every value and where it comes from.

Exit codes: 0 success, 1 the answer is no or a command failed, 2 wrong command line, 3 wrong configuration, 4 a folder or \
file is missing, 5 the address cannot be bound, 6 no plugin listens, so nobody could be served, 70 internal error, 130 ended by a \
second signal.";

/// The settings as flags.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// Folder of plugins: its `*.so` files and those one level below.
    #[arg(long, value_name = "DIR", global = true)]
    pub plugins: Option<PathBuf>,
    /// Folder of an app; may be given several times.
    #[arg(long, value_name = "DIR", global = true)]
    pub app: Vec<PathBuf>,
    /// Folder for everything the host stores.
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, value_name = "ADDR", global = true)]
    pub listen: Option<String>,
    /// Configuration file; `objectos.yml` of the current folder is read when it is there.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// `development` or `production`.
    #[arg(long, value_name = "MODE", global = true)]
    pub mode: Option<String>,
    /// `human` or `json`.
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<String>,
    /// Filter such as `info` or `info,objectos.data=debug`.
    #[arg(long, value_name = "FILTER", global = true)]
    pub log_level: Option<String>,
    /// Sets one value of a plugin's configuration, `plugin.id:key.path=value` (JSON or plain text); may be given several times.
    #[arg(long = "set", value_name = "PLUGIN:KEY=VALUE", global = true)]
    pub set: Vec<String>,
    /// Prints the effective configuration and where each value comes from, then ends.
    #[arg(long)]
    pub print_config: bool,
}

/// Subcommands of the host itself.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Looks at, signs and swaps plugins.
    #[command(subcommand)]
    Plugins(PluginsCommand),
    /// A command that a plugin contributes.
    #[command(external_subcommand)]
    Contributed(Vec<String>),
}

/// `objectos-host plugins …`.
#[derive(Debug, Subcommand)]
pub enum PluginsCommand {
    /// Every file in the plugin folder: loaded, loadable or refused, and why.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows a plugin's manifest without loading it.
    Inspect {
        /// The plugin's library.
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Makes every check that comes before loading, and says what would happen.
    Verify {
        /// The plugin's library.
        file: PathBuf,
    },
    /// Makes a key pair for signing: NAME.key (keep it secret) and NAME.pub.
    Keygen {
        /// Name of the key.
        name: String,
        /// Where the two files go.
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
    /// Signs a plugin: writes FILE.sig beside it.
    Sign {
        /// The plugin's library.
        file: PathBuf,
        /// The secret key that `keygen` made.
        #[arg(long)]
        key: PathBuf,
        /// Days until the signature ends, at most a hundred years.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: u32,
    },
    /// Has the running host put the new file of a plugin in the place of the loaded one.
    Swap {
        /// Id of the plugin.
        id: String,
        /// Another file than the one it was loaded from; must lie in the plugin folder.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Writes a new plugin: a crate of its own that builds, loads and has a test.
    New {
        /// Name of the crate, such as `greeting` or `acme-greeting`.
        name: String,
        /// Folder to write into; the crate's name by default.
        #[arg(long)]
        path: Option<PathBuf>,
        /// The folder of `plugin-api` to depend on; the one this host was built from by default.
        #[arg(long, value_name = "DIR")]
        api: Option<PathBuf>,
    },
}
