//! A real S3 server on loopback, in a thread of its own: it keeps objects in a temporary folder and checks
//! signatures. It may be told to fail.

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};
use s3s_fs::FileSystem;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{fs, thread};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) const BUCKET: &str = "events";
pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// How it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// So many times with 503, and well from then on.
    Busy(usize),
    /// It does what it is asked to write, and says nothing.
    Mute,
}

#[derive(Debug, Default)]
struct State {
    mood: Mutex<Mood>,
    /// Method, path and query of each request.
    seen: Mutex<Vec<String>>,
}

/// The server. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct S3Server {
    address: SocketAddr,
    folder: TempDir,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
}

impl S3Server {
    /// With one bucket, [`BUCKET`].
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).expect("a folder of buckets"));
        builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let service = builder.build();
        let state = Arc::new(State::default());
        let (stop, stopped) = oneshot::channel();
        let own = Arc::clone(&state);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                tokio::select! {
                    () = serve(listener, service, own) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            folder,
            state,
            stop: Some(stop),
        }
    }

    /// Its address, as an endpoint.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.state.mood.lock().expect("the mood") = mood;
    }

    /// Takes what was asked so far: method, path and query.
    pub(crate) fn take_seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.seen.lock().expect("what was asked"))
    }

    /// Keys and texts of all objects, in order.
    pub(crate) fn objects(&self) -> Vec<(String, String)> {
        let root = self.folder.path().join(BUCKET);
        let mut files = Vec::new();
        collect(&root, &mut files);
        let mut objects: Vec<(String, String)> = files
            .iter()
            // One that is being taken away is not there.
            .filter_map(|path| Some((path, fs::read_to_string(path).ok()?)))
            .map(|(path, text)| {
                let key = path.strip_prefix(&root).expect("a file of the bucket");
                (key.to_string_lossy().into_owned(), text)
            })
            .collect();
        objects.sort();
        objects
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It has ended by itself when nobody hears this.
            let _ = stop.send(());
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

async fn serve(listener: TcpListener, service: S3Service, state: Arc<State>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let (service, state) = (service.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            let answers = service_fn(move |request| answer(service.clone(), Arc::clone(&state), request));
            // Whoever went away does not hear it.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(socket), answers)
                .await;
        });
    }
}

async fn answer(
    service: S3Service,
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Body>, HttpError> {
    let writes = request.method() != http::Method::GET;
    let asked = format!("{} {}", request.method(), request.uri());
    state.seen.lock().expect("what was asked").push(asked);
    let mood = *state.mood.lock().expect("the mood");
    match mood {
        Mood::Busy(left @ 1..) => {
            *state.mood.lock().expect("the mood") = Mood::Busy(left - 1);
            let text = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
            let mut busy = Response::new(Body::from(text.to_owned()));
            *busy.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            Ok(busy)
        }
        Mood::Mute if writes => {
            service.call(request.map(Body::from)).await?;
            std::future::pending().await
        }
        Mood::Well | Mood::Busy(_) | Mood::Mute => service.call(request.map(Body::from)).await,
    }
}
