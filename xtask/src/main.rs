//! Build, run, test and check ObjectOS: `cargo xtask COMMAND`. Knows where things lie in the repository; nothing of what the
//! platform does.

mod audit_plugins;
mod audit_protocol;
mod audit_spec;
mod bench;
mod build;
mod compilers;
mod dev;
mod dist;
mod first_user;
mod hello;
mod needs;
mod paths;
#[path = "../../tests/src/postgres.rs"]
#[allow(unreachable_pub, reason = "elsewhere it is a module of a library")]
mod postgres;
mod run;
mod shell;
mod started;
mod supply;
mod test;
mod tidy;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Tasks of the ObjectOS repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Builds host and plugins and puts each plugin's library into its folder below plugins/.
    Build {
        /// A build for debugging.
        #[arg(long)]
        dev: bool,
    },
    /// Builds (release) and starts the CRM example.
    Run {
        /// Address to listen on.
        #[arg(long, default_value = "127.0.0.1:3000")]
        listen: String,
        /// Another app than examples/crm.
        #[arg(long)]
        app: Vec<std::path::PathBuf>,
    },
    /// Starts the CRM example in development, rebuilds what you change and swaps it in.
    Dev {
        /// Address to listen on.
        #[arg(long, default_value = "127.0.0.1:3000")]
        listen: String,
    },
    /// Formatter, clippy, licences, unit, integration and end-to-end tests.
    Test {
        /// Only tests whose name contains this.
        filter: Option<String>,
    },
    /// Holds plugins against their manifests and our types against the published protocol.
    AuditSpec {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Measures us against plain programs, side by side.
    Bench {
        /// Seconds for each measurement.
        #[arg(long, default_value_t = 3)]
        seconds: u64,
        /// Rounds; the median counts.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Only these parts: calls, open, secured, identity, sharing, start.
        #[arg(long)]
        only: Option<String>,
        /// Fail when a mark is missed.
        #[arg(long, conflicts_with = "scale")]
        check: bool,
        /// Instead: the engine alone on many records.
        #[arg(long)]
        scale: bool,
        /// How many.
        #[arg(long, default_value_t = 1_000_000)]
        records: u64,
    },
    /// Writes a new plugin crate, outside the workspace.
    NewPlugin {
        /// Name of the crate.
        name: String,
        /// Folder to write into.
        #[arg(long)]
        path: Option<std::path::PathBuf>,
    },
    /// Builds (release) and packs host, plugins, README and licence into target/dist.
    Dist,
    /// House rules that no other tool checks.
    Tidy,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Build { dev } => build::placed(if dev {
            build::Profile::Dev
        } else {
            build::Profile::Release
        })
        .map(drop),
        Task::Run { listen, app } => run::run(&listen, &app),
        Task::Dev { listen } => dev::dev(&listen),
        Task::Test { filter } => test::test(filter.as_deref()),
        Task::AuditSpec { json } => return audit_spec::audit_spec(json),
        Task::Bench {
            scale: true, records, ..
        } => bench::scale(records),
        Task::Bench {
            seconds,
            rounds,
            only,
            check,
            ..
        } => bench::bench(seconds, rounds, only.as_deref(), check),
        Task::NewPlugin { name, path } => hello::new_plugin(&name, path.as_deref()),
        Task::Dist => dist::dist(),
        Task::Tidy => tidy::tidy(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
