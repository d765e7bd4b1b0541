//! Serving: starts the kernel with the settings, waits for a signal, stops it within a limit. Beside it, contributed commands
//! (`command`).
//!
//! A refused or failed plugin does not end the host, with three exceptions. Two of them are about a plugin that the host cannot
//! do without (`StartReport::essential`): what the operator wrote is wrong, as the schema of its configuration tells or the
//! plugin itself (`configuration_error`), and the address cannot be bound (`address_unavailable`). The third: no plugin
//! listens at all.

mod command;
mod outcome;

use objectos_kernel::{Kernel, KernelOptions, Policy as KernelPolicy, Selection, loader};
use objectos_protocol::kernel::RuntimeMode;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{net::UnixListener, runtime::Runtime, sync::mpsc};

pub use self::command::contributed;
use self::outcome::{ends_start, nobody_listens, start_failed, tell_report, tell_unknown};
use crate::{
    control::{self, Control},
    exit::Exit,
    lock::DataLock,
    out,
    plugins::{CommandError, OWN_COMMANDS, Policy, events, section},
    settings::Settings,
};

/// How the process ends at the second signal, before the stop is over.
const SECOND_SIGNAL_EXIT: u8 = 130;

/// The runtime on which the kernel runs. Its threads tell the loader when they begin and when they rest, so that libraries of
/// replaced plugins can leave memory.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("objectos-host")
        .thread_stack_size(objectos_plugin_api::STACK_BYTES)
        // A thread that stood in for a blocked worker rests without telling the loader; it must not rest long.
        .thread_keep_alive(Duration::from_millis(500))
        .on_thread_start(loader::on_thread_start)
        .on_thread_park(loader::on_thread_park)
        .enable_all()
        .build()
}

/// Serves until a signal.
///
/// # Errors
/// What keeps the host from starting.
pub async fn serve(settings: &Settings) -> Result<Exit, CommandError> {
    settings
        .check_folders()
        .map_err(|error| CommandError::new(error.exit(), error.to_string()))?;
    let signals = signals()?;
    // Held until the kernel is down.
    let _lock = DataLock::take(&settings.data.value)?;
    let options = options(settings, Selection::All)?;
    let socket = ControlSocket::make(&settings.data.value).await;
    let (kernel, report) = Kernel::boot(options, tokio::runtime::Handle::current())
        .await
        .map_err(|error| start_failed(&error))?;
    tell_report(settings, &report);
    tell_unknown(settings, &kernel.plugins(), &report);
    let limit = Duration::from_millis(settings.stop_limit_ms.value);
    let runs = |id: &str| {
        report
            .plugins
            .iter()
            .any(|plugin| plugin.id == id && plugin.state == "running")
    };
    let mut listeners = kernel.listeners();
    listeners.retain(|listener| runs(&listener.plugin));
    let unfit = ends_start(&report).or_else(|| listeners.is_empty().then(|| nobody_listens(settings, &report)));
    if let Some(error) = unfit {
        kernel.shutdown(limit).await;
        return Err(error);
    }
    let control = tokio::spawn(socket.serve(kernel.clone()));
    for listener in listeners {
        out::say(&format!("objectos-host is ready at {listener}"));
    }
    wait_for_signal(signals).await;
    control.abort();
    tracing::info!("stopping");
    kernel.shutdown(limit).await;
    Ok(Exit::Success)
}

fn options(settings: &Settings, select: Selection) -> Result<KernelOptions, CommandError> {
    let policy = Policy::of(settings)?;
    let data = absolute(&settings.data.value)?;
    let plugins = absolute(&settings.plugins.value)?;
    let apps = settings
        .apps
        .value
        .iter()
        .map(|app| absolute(app))
        .collect::<Result<Vec<_>, _>>()?;
    let event_bus = events(settings)?;
    let kernel_policy = KernelPolicy {
        trust: policy.trust,
        grants: policy.grants,
        prefer: section(settings, "prefer")?.unwrap_or_default(),
    };
    let mut options = KernelOptions::new(plugins.clone(), data.clone(), data.join("run"), kernel_policy);
    options.mode = if settings.development() {
        RuntimeMode::Development
    } else {
        RuntimeMode::Production
    };
    options.host_settings = json!({
        "apps": apps,
        "listen": settings.listen.value,
        "mode": settings.mode.value,
        "dataDirectory": data,
        "pluginDirectory": plugins,
    });
    options.plugin_settings = policy.settings;
    options.settings_places = policy.places;
    options.threads = section(settings, "threads")?.unwrap_or_default();
    options.event_bus = event_bus;
    options.watch = settings.watching();
    options.select = select;
    options.features = section(settings, "features")?.unwrap_or_default();
    options.app_name = app_name(&apps);
    options.workspace_root = Some(absolute(&settings.root())?);
    options.host_commands = OWN_COMMANDS.iter().map(|&command| command.to_owned()).collect();
    Ok(options)
}

/// The names of the apps' folders: more of an app the host does not know.
fn app_name(apps: &[PathBuf]) -> Option<String> {
    let names: Vec<_> = apps
        .iter()
        .filter_map(|app| app.file_name())
        .map(|name| name.to_string_lossy())
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn absolute(path: &Path) -> Result<PathBuf, CommandError> {
    std::path::absolute(path)
        .map_err(|error| CommandError::new(Exit::Configuration, format!("{}: {error}", path.display())))
}

/// A channel that gets a message for each SIGTERM, SIGINT and SIGQUIT; the second ends the process at once.
fn signals() -> Result<mpsc::UnboundedReceiver<i32>, CommandError> {
    use signal_hook::consts::{SIGINT, SIGQUIT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGQUIT])
        .map_err(|error| CommandError::new(Exit::Internal, format!("signals cannot be handled: {error}")))?;
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 {
                std::process::exit(i32::from(SECOND_SIGNAL_EXIT));
            }
            // Fails only when the host is at its end already.
            let _ = sender.send(signal);
        }
    });
    Ok(receiver)
}

async fn wait_for_signal(mut signals: mpsc::UnboundedReceiver<i32>) {
    // `None` cannot come: the sender lives in a thread that never ends.
    if signals.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}

struct KernelControl(Kernel);

impl Control for KernelControl {
    async fn answer(&self, request: Value) -> Value {
        let plugin = request["plugin"].as_str().unwrap_or_default();
        match request["command"].as_str() {
            Some("plugins") => self.0.plugins(),
            Some("swap") => {
                let report = match request["path"].as_str() {
                    Some(path) => self.0.swap_with(plugin, path.into()).await,
                    None => self.0.swap(plugin).await,
                };
                report.map_or_else(|error| json!({ "error": error.chain() }), |report| json!(report))
            }
            _ => json!({ "error": "the commands are plugins and swap" }),
        }
    }
}

/// The control socket, from before the start to the end of the host; without it the host runs all the same.
struct ControlSocket {
    listener: Option<UnixListener>,
    path: PathBuf,
}

impl ControlSocket {
    async fn make(data: &Path) -> Self {
        let listener = control::bind(data).await;
        if let Err(error) = &listener {
            tracing::warn!(%error, "there is no control socket; plugins swap will not reach this host");
        }
        Self {
            listener: listener.ok(),
            path: control::path(data),
        }
    }

    async fn serve(mut self, kernel: Kernel) {
        if let Some(listener) = self.listener.take()
            && let Err(error) = control::serve(listener, Arc::new(KernelControl(kernel))).await
        {
            tracing::warn!(%error, "the control socket is gone; plugins swap will not reach this host");
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}
