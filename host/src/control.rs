//! The control socket: how a command reaches the running host. A Unix socket in the data folder, for the user who runs the
//! host alone; one JSON line asks, one JSON line answers.
//!
//! Requests: `{"command": "swap", "plugin": id, "path"?}`, `{"command": "plugins"}`. A failure answers `{"error": text}`.

use serde_json::{Value, json};
use std::{
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use crate::{exit::Exit, plugins::CommandError};

/// A request is one short line.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;
/// A swap may have to drain.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// What answers requests.
pub trait Control: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: Value) -> impl Future<Output = Value> + Send;
}

/// The socket of the host with this data folder.
#[must_use]
pub fn path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Asks the running host.
///
/// # Errors
/// [`Exit::Missing`] when none runs with this data folder; as [`ask_if_running`].
pub async fn ask(data: &Path, request: &Value) -> Result<Value, CommandError> {
    ask_if_running(data, request).await?.ok_or_else(|| {
        let text = format!(
            "no host answers at {}; start one, or name its data folder with --data",
            path(data).display()
        );
        CommandError::new(Exit::Missing, text)
    })
}

/// Asks the running host; `None` when none runs with this data folder.
///
/// # Errors
/// [`Exit::Failed`] when it cannot be reached or does not answer, [`Exit::Internal`] for an answer that is none.
pub async fn ask_if_running(data: &Path, request: &Value) -> Result<Option<Value>, CommandError> {
    let path = path(data);
    let unreachable = |error: std::io::Error| {
        let text = format!(
            "the host at {} cannot be asked: {error}; ask as the user who runs it",
            path.display()
        );
        CommandError::new(Exit::Failed, text)
    };
    let mut stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        // No socket, or one that a host left behind.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) => return Err(unreachable(error)),
    };
    let exchange = async {
        stream.write_all(format!("{request}\n").as_bytes()).await?;
        let mut line = String::new();
        BufReader::new(&mut stream).read_line(&mut line).await?;
        Ok::<_, std::io::Error>(line)
    };
    let line = timeout(ANSWER_LIMIT, exchange)
        .await
        .map_err(|_| CommandError::new(Exit::Failed, "the host did not answer in time"))?
        .map_err(unreachable)?;
    serde_json::from_str(&line)
        .map(Some)
        .map_err(|error| CommandError::new(Exit::Internal, format!("the host's answer cannot be read: {error}")))
}

/// Makes the socket, before there is anybody who answers: whoever asks meanwhile waits. Replaces the socket of a host that is
/// gone.
///
/// # Errors
/// When the socket cannot be made.
pub async fn bind(data: &Path) -> std::io::Result<UnixListener> {
    let path = path(data);
    if UnixStream::connect(&path).await.is_ok() {
        return Err(std::io::Error::new(
            ErrorKind::AddrInUse,
            "another host runs with this data folder",
        ));
    }
    drop(std::fs::remove_file(&path));
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves the socket until the future is dropped.
///
/// # Errors
/// When nobody can be let in any more.
pub async fn serve<C: Control>(listener: UnixListener, control: Arc<C>) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let control = Arc::clone(&control);
        tokio::spawn(async move {
            if let Err(error) = exchange(stream, &*control).await {
                tracing::debug!(%error, "a control connection ended early");
            }
        });
    }
}

async fn exchange<C: Control>(stream: UnixStream, control: &C) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(REQUEST_BYTES_MAX))
        .read_line(&mut line)
        .await?;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => control.answer(request).await,
        Err(error) => json!({ "error": format!("the request is not JSON: {error}") }),
    };
    writer.write_all(format!("{answer}\n").as_bytes()).await
}
