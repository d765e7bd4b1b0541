//! A plugin folder, a runtime folder and an operator's file, made for one test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use objectos_kernel::discover::{HostFacts, RuntimeFolder, Survey, SurveyRequest, survey};
use objectos_kernel::grants::{GrantPolicy, GrantsConfig};
use objectos_kernel::package::Refusal;
use objectos_kernel::settings::Places;
use objectos_kernel::trust::{KeyPair, SignatureTimes, TrustConfig, TrustPolicy, TrustedKey, sign};
use objectos_protocol::kernel::{PluginTrustLevel, RuntimeMode};
use semver::Version;
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

use super::fixture::Fixture;

pub(super) const NOW: OffsetDateTime = datetime!(2025-06-15 12:00 UTC);

/// The key that vouches for sound plugins.
pub(super) fn vouching() -> KeyPair {
    KeyPair::from_secret(&[1; 32])
}

pub(super) fn times() -> SignatureTimes {
    SignatureTimes {
        not_before: datetime!(2025-01-01 0:00 UTC),
        not_after: datetime!(2025-12-31 0:00 UTC),
    }
}

pub(super) struct Lab {
    plugins: PathBuf,
    runtime: PathBuf,
    pub(super) mode: RuntimeMode,
    pub(super) config: TrustConfig,
    pub(super) grants: Option<GrantsConfig>,
    pub(super) settings: IndexMap<String, Value>,
    _folder: tempfile::TempDir,
}

impl Lab {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (plugins, runtime) = (folder.path().join("plugins"), folder.path().join("run"));
        fs::create_dir(&plugins).unwrap();
        fs::set_permissions(&plugins, fs::Permissions::from_mode(0o755)).unwrap();
        let mut lab = Self {
            plugins,
            runtime,
            mode: RuntimeMode::Development,
            config: TrustConfig::default(),
            grants: None,
            settings: IndexMap::new(),
            _folder: folder,
        };
        lab.trust(vouching(), PluginTrustLevel::Verified);
        lab
    }

    pub(super) fn plugins(&self) -> &Path {
        &self.plugins
    }

    pub(super) fn runtime(&self) -> &Path {
        &self.runtime
    }

    pub(super) fn open_runtime(&self) -> RuntimeFolder {
        RuntimeFolder::open(&self.runtime).unwrap()
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better at the call")]
    pub(super) fn trust(&mut self, pair: KeyPair, level: PluginTrustLevel) {
        let name = format!("key {}", self.config.keys.len());
        self.config.keys.push(TrustedKey {
            name,
            public_key: pair.public().base64(),
            level,
        });
    }

    pub(super) fn put(&self, name: &str, fixture: &Fixture) {
        self.put_bytes(name, &fixture.bytes());
    }

    pub(super) fn put_bytes(&self, name: &str, bytes: &[u8]) {
        let path = self.plugins.join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }

    /// Signs a file with the key that vouches.
    pub(super) fn vouch(&self, name: &str) {
        sign(&self.plugins.join(name), &vouching(), times()).unwrap();
    }

    pub(super) fn survey(&self) -> Survey {
        let trust = TrustPolicy::new(&self.config, self.mode).unwrap();
        let grants = GrantPolicy::new(self.grants.as_ref(), self.mode, Path::new("/srv/app")).unwrap();
        survey(&SurveyRequest {
            folder: &self.plugins,
            runtime: &self.open_runtime(),
            host: &HostFacts::current(Version::new(1, 3, 0)),
            trust: &trust,
            grants: &grants,
            settings: &self.settings,
            places: &Places::default(),
            now: NOW,
        })
    }

    /// A refusal with paths as they are below the plugin folder.
    pub(super) fn shown(&self, refusal: &Refusal) -> String {
        refusal.to_string().replace(&format!("{}/", self.plugins.display()), "")
    }
}
