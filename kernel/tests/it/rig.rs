//! A kernel on copies of the probe library. Each copy gets its own id, version and declarations by rewriting the manifest
//! section; what it registers follows from its configuration.

use indexmap::IndexMap;
use object::{Object, ObjectSection};
use objectos_kernel::{
    Kernel, KernelOptions, Policy, StartReport,
    grants::{GrantPolicy, GrantsConfig},
    loader,
    trust::{TrustConfig, TrustPolicy},
};
use objectos_plugin_api::{Context, Error};
use objectos_protocol::kernel::{RuntimeMode, plugin_document::SECTION};
use serde_json::{Value, json};
use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a test waits for what must come.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Folders of one kernel.
pub(crate) struct Rig {
    folder: TempDir,
    pub(crate) settings: IndexMap<String, Value>,
    pub(crate) grants: Option<GrantsConfig>,
}

/// Runs a test on a runtime as a host builds it.
pub(crate) fn run<F: Future<Output = ()> + Send + 'static>(test: F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(loader::on_thread_start)
        .on_thread_park(loader::on_thread_park)
        .build()
        .unwrap();
    let task = runtime.spawn(test);
    runtime.block_on(task).unwrap();
}

/// The probe library that cargo built beside this test.
fn library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("a test lies in target/<profile>/deps");
    let library = folder.join("libobjectos_fixture_probe.so");
    assert!(
        library.exists(),
        "{} is not there; build it with: cargo build -p objectos-fixture-probe",
        library.display()
    );
    library
}

/// The probe with another manifest, in place of whatever lies at `target`.
pub(crate) fn write_probe(target: &Path, change: impl FnOnce(&mut Value)) {
    let mut bytes = fs::read(library()).unwrap();
    let (offset, size) = {
        let file = object::File::parse(&*bytes).unwrap();
        let range = file.section_by_name(SECTION).unwrap().file_range().unwrap();
        (usize::try_from(range.0).unwrap(), usize::try_from(range.1).unwrap())
    };
    let mut document: Value = serde_json::from_slice(&bytes[offset..offset + size]).unwrap();
    // Makes room for what the change adds.
    document["manifest"]["description"] = json!("a probe");
    change(&mut document);
    let text = serde_json::to_vec(&document).unwrap();
    assert!(
        text.len() <= size,
        "the manifest grew by {} bytes too many",
        text.len() - size
    );
    bytes[offset..offset + size].fill(b' ');
    bytes[offset..offset + text.len()].copy_from_slice(&text);
    let temporary = target.with_extension("tmp");
    fs::write(&temporary, bytes).unwrap();
    fs::rename(temporary, target).unwrap();
}

impl Rig {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        Self {
            folder,
            settings: IndexMap::new(),
            grants: None,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn library(&self, id: &str) -> PathBuf {
        self.path(&format!("plugins/{id}.so"))
    }

    /// Puts a probe into the plugin folder: `id` provides the service of the same name.
    pub(crate) fn probe(&mut self, id: &str, config: Value, change: impl FnOnce(&mut Value)) {
        self.replace(id, "1.0.0", change);
        self.configure(id, config);
    }

    /// Sets what the probe is told.
    #[allow(clippy::needless_pass_by_value)]
    pub(crate) fn configure(&mut self, id: &str, config: Value) {
        let mut whole = json!({ "label": id, "services": [id] });
        for (key, value) in config.as_object().unwrap() {
            whole[key] = value.clone();
        }
        self.settings.insert(id.to_owned(), whole);
    }

    /// Puts a version of a probe into its place.
    pub(crate) fn replace(&self, id: &str, version: &str, change: impl FnOnce(&mut Value)) {
        write_probe(&self.library(id), |document| {
            document["manifest"]["id"] = json!(id);
            document["manifest"]["version"] = json!(version);
            document["security"]["pluginId"] = json!(id);
            document["objectos"]["services"]["provides"] = json!([{ "name": id, "version": "1.0.0" }]);
            if id != "probe.a" {
                document["objectos"]["routes"] = json!([]);
                document["objectos"]["commands"] = json!([]);
                document["objectos"]["services"]["uses"] = json!([{ "name": "kernel", "range": "^1" }]);
            }
            change(document);
        });
    }

    pub(crate) fn options(&self) -> KernelOptions {
        let mode = RuntimeMode::Development;
        let policy = Policy {
            trust: TrustPolicy::new(&TrustConfig::default(), mode).unwrap(),
            grants: GrantPolicy::new(self.grants.as_ref(), mode, self.folder.path()).unwrap(),
            prefer: IndexMap::new(),
        };
        let mut options = KernelOptions::new(self.path("plugins"), self.path("data"), self.path("run"), policy);
        options.plugin_settings = self.settings.clone();
        options
    }

    pub(crate) async fn boot(&self) -> (Kernel, StartReport) {
        Kernel::boot(self.options(), tokio::runtime::Handle::current())
            .await
            .unwrap()
    }
}

/// Calls a service as the kernel and reads its JSON.
pub(crate) async fn call(kernel: &Kernel, service: &str, method: &str, payload: Value) -> Result<Value, Error> {
    let context = Context::request("r1").with_limit(SOON);
    let answer = kernel
        .call_service(service, method, context, serde_json::to_vec(&payload).unwrap())
        .await?;
    Ok(if answer.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&answer).unwrap()
    })
}

/// Waits until a condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let since = Instant::now();
    while !condition().await {
        assert!(since.elapsed() < SOON, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// State and reason of a plugin.
pub(crate) fn state(report: &StartReport, id: &str) -> (String, String) {
    let plugin = report.plugins.iter().find(|plugin| plugin.id == id).unwrap();
    (plugin.state.clone(), plugin.reason.clone().unwrap_or_default())
}

pub(crate) const STOP: Duration = Duration::from_secs(20);
