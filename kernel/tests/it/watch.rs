//! Where files may lie, asked through a swap and through the watcher; and what the watcher notices beside libraries.

use crate::rig::{Rig, STOP, call, run, until};
use objectos_kernel::{
    Kernel, KernelOptions,
    trust::{KeyPair, SignatureTimes, TrustConfig, TrustPolicy, TrustedKey, sign},
};
use objectos_protocol::kernel::{PluginTrustLevel, RuntimeMode};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};
use time::macros::datetime;

fn watching(rig: &Rig) -> KernelOptions {
    let mut options = rig.options();
    options.watch = true;
    options.limits.watch_quiet_ms = 20;
    options
}

async fn boot(options: KernelOptions) -> Kernel {
    let (kernel, report) = Kernel::boot(options, tokio::runtime::Handle::current()).await.unwrap();
    assert!(report.complete(), "{report}");
    kernel
}

/// Copies a library to where the watcher may see it, at once whole.
fn place(library: &Path, target: &Path) {
    let half = target.with_extension("half");
    fs::copy(library, &half).unwrap();
    fs::rename(half, target).unwrap();
}

async fn runs(kernel: &Kernel, id: &str) {
    until(id, || async { call(kernel, id, "echo", json!(1)).await.is_ok() }).await;
}

#[test]
fn a_file_is_taken_from_where_a_start_would_take_it() {
    run(async {
        let mut rig = Rig::new();
        rig.probe("probe.a", json!({}), |_| {});
        for id in ["probe.b", "probe.c"] {
            rig.configure(id, json!({ "routes": false }));
        }
        rig.replace("probe.b", "1.0.0", |_| {});
        // Out of the folder again: it is put back, here and there, below.
        let library = rig.path("outside.so");
        fs::rename(rig.library("probe.b"), &library).unwrap();
        let kernel = boot(watching(&rig)).await;
        let (link, deep, open) = (
            rig.path("plugins/link.so"),
            rig.path("plugins/sub/deep/x.so"),
            rig.path("plugins/open/x.so"),
        );
        for (file, mode) in [(&deep, 0o755), (&open, 0o777)] {
            let folder = file.parent().unwrap();
            fs::create_dir_all(folder).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
            place(&library, file);
        }
        symlink(&library, &link).unwrap();
        for (file, expected) in [
            (&link, "lies outside the plugin folder"),
            (&deep, "it lies too deep"),
            (&open, "the folder can be written by every user"),
        ] {
            let refused = kernel.swap_with("probe.a", file.clone()).await.unwrap_err().to_string();
            assert!(refused.contains(expected), "{}: {refused}", file.display());
        }
        let refused = kernel.load(deep.clone()).await.unwrap_err().to_string();
        assert!(refused.contains("it lies too deep"), "{refused}");
        // The watcher comes to this one after those.
        rig.replace("probe.c", "1.0.0", |_| {});
        runs(&kernel, "probe.c").await;
        let report = kernel.plugins();
        let listed = |list: &str| report[list].as_array().unwrap().clone();
        assert_eq!(listed("plugins").len(), 2, "{report:#}");
        let told: Vec<(Value, Value)> = listed("refused")
            .iter()
            .map(|refusal| (refusal["path"].clone(), refusal["code"].clone()))
            .collect();
        let shown = |path: &Path| json!(path.display().to_string());
        for (path, code) in [(&link, "outside-folder"), (&open, "folder-writable-by-others")] {
            assert!(
                told.contains(&(shown(path), json!(code))),
                "{}: {told:?}",
                path.display()
            );
        }
        // A library in a folder that comes as a whole.
        let (aside, folder) = (rig.path("aside"), rig.path("plugins/whole"));
        fs::create_dir(&aside).unwrap();
        place(&library, &aside.join("b.so"));
        fs::rename(&aside, &folder).unwrap();
        runs(&kernel, "probe.b").await;
        kernel.shutdown(STOP).await;
    });
}

#[test]
fn a_signature_that_comes_after_its_library_lets_it_in() {
    run(async {
        let mut rig = Rig::new();
        let pair = KeyPair::from_secret(&[1; 32]);
        let times = SignatureTimes {
            not_before: datetime!(2020-01-01 0:00 UTC),
            not_after: datetime!(2100-01-01 0:00 UTC),
        };
        rig.probe("probe.a", json!({}), |_| {});
        rig.configure("probe.b", json!({ "routes": false }));
        sign(&rig.library("probe.a"), &pair, times).unwrap();
        let mut options = watching(&rig);
        let mut trust = TrustConfig::default();
        trust.keys.push(TrustedKey {
            name: "release".to_owned(),
            public_key: pair.public().base64(),
            level: PluginTrustLevel::Trusted,
        });
        options.policy.trust = TrustPolicy::new(&trust, RuntimeMode::Production).unwrap();
        let kernel = boot(options).await;
        rig.replace("probe.b", "1.0.0", |_| {});
        until("the refusal", || async {
            kernel.plugins()["refused"][0]["code"] == json!("trust-too-low")
        })
        .await;
        sign(&rig.library("probe.b"), &pair, times).unwrap();
        runs(&kernel, "probe.b").await;
        assert_eq!(kernel.plugins()["refused"], json!([]));
        kernel.shutdown(STOP).await;
    });
}
