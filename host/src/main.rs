//! The program. Everything is in the library; this turns it into a process with an exit code.

use clap::Parser;
use objectos_host::{
    cli::{Cli, Command},
    exit::Exit,
    logging, out,
    plugins::{self, CommandError},
    serve,
    settings::{self, Settings},
};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            out::complain(&format!("error: {}", error.message));
            error.exit.into()
        }
    }
}

fn start(cli: Cli) -> Result<Exit, CommandError> {
    let variables = |name: &str| std::env::var(name).ok();
    let settings = Settings::load(&cli.flags, &variables).map_err(|error| CommandError {
        exit: error.exit(),
        message: error.to_string(),
    })?;
    if cli.flags.print_config {
        out::say(settings::print(&settings, &plugins::effective(&settings)?).trim_end());
        return Ok(Exit::Success);
    }
    logging::install(&settings);
    let runtime = serve::runtime().map_err(|error| CommandError {
        exit: Exit::Internal,
        message: format!("no runtime: {error}"),
    })?;
    let done = runtime.block_on(async {
        match cli.command {
            None => serve::serve(&settings).await,
            Some(Command::Plugins(command)) => plugins::run(command, &settings).await,
            Some(Command::Contributed(words)) => serve::contributed(&settings, &words).await,
        }
    });
    // A plugin that hangs in its stop must not keep the process: what was to be saved has been.
    runtime.shutdown_background();
    done
}
