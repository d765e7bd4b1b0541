use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use objectos_protocol::kernel::{PluginTrustLevel, RuntimeMode};
use time::OffsetDateTime;
use time::macros::datetime;

use super::*;
use crate::package::{Digest, RefusalReason};

const NOW: OffsetDateTime = datetime!(2025-06-15 12:00 UTC);
const CONTENT: &[u8] = b"a library";

fn pair(seed: u8) -> KeyPair {
    KeyPair::from_secret(&[seed; 32])
}

fn times() -> SignatureTimes {
    SignatureTimes {
        not_before: datetime!(2025-01-01 0:00 UTC),
        not_after: datetime!(2025-12-31 0:00 UTC),
    }
}

fn key(name: &str, seed: u8, level: PluginTrustLevel) -> TrustedKey {
    TrustedKey {
        name: name.to_owned(),
        public_key: pair(seed).public().base64(),
        level,
    }
}

fn policy(mode: RuntimeMode) -> TrustPolicy {
    let config = TrustConfig {
        keys: vec![
            key("ours", 1, PluginTrustLevel::Verified),
            key("friend", 2, PluginTrustLevel::Community),
            key("lost", 3, PluginTrustLevel::Blocked),
        ],
        ..TrustConfig::default()
    };
    TrustPolicy::new(&config, mode).unwrap()
}

/// Verifies `signature` for [`CONTENT`]; the level, or the code of the refusal.
#[track_caller]
fn check(signature: &SignatureFile, now: OffsetDateTime, expected: Result<PluginTrustLevel, &str>) {
    let found = policy(RuntimeMode::Production).verify_signature(signature, &Digest::of(CONTENT), now);
    assert_eq!(
        found.map(|verdict| verdict.level).map_err(|reason| reason.code()),
        expected,
        "{signature:?}"
    );
}

#[test]
fn a_signature_holds_for_its_file_key_and_time_alone() {
    let made_by = |seed| SignatureFile::make(Digest::of(CONTENT), &pair(seed), times()).unwrap();
    check(&made_by(1), NOW, Ok(PluginTrustLevel::Verified));
    check(&made_by(2), NOW, Ok(PluginTrustLevel::Community));
    check(&made_by(3), NOW, Err("blocked"));
    check(&made_by(9), NOW, Err("signer-unknown"));
    check(
        &SignatureFile {
            key_id: pair(2).public().id(),
            ..made_by(1)
        },
        NOW,
        Err("signature-forged"),
    );
    check(
        &SignatureFile::make(Digest::of(b"a library."), &pair(1), times()).unwrap(),
        NOW,
        Err("digest-mismatch"),
    );
    check(&made_by(1), times().not_before, Ok(PluginTrustLevel::Verified));
    check(&made_by(1), times().not_after, Ok(PluginTrustLevel::Verified));
    check(
        &made_by(1),
        times().not_after + time::Duration::SECOND,
        Err("signature-expired"),
    );
    check(
        &made_by(1),
        times().not_before - time::Duration::SECOND,
        Err("signature-not-yet-valid"),
    );
    // Nothing in the document can be changed without the key.
    check(
        &SignatureFile {
            not_after: "2099-01-01T00:00:00Z".to_owned(),
            ..made_by(1)
        },
        NOW,
        Err("signature-forged"),
    );
    check(
        &SignatureFile {
            not_before: "1999-01-01T00:00:00Z".to_owned(),
            ..made_by(1)
        },
        NOW,
        Err("signature-forged"),
    );
    check(
        &SignatureFile {
            sha256: Digest::of(b"other"),
            ..made_by(1)
        },
        NOW,
        Err("signature-forged"),
    );
    check(
        &SignatureFile {
            signature: "AAAA".to_owned(),
            ..made_by(1)
        },
        NOW,
        Err("signature-forged"),
    );
}

#[test]
fn levels_are_admitted_by_mode() {
    let verdict = |level| TrustVerdict {
        level,
        ..TrustVerdict::unsigned()
    };
    let admitted = |mode| -> Vec<PluginTrustLevel> {
        let all = [
            PluginTrustLevel::Verified,
            PluginTrustLevel::Trusted,
            PluginTrustLevel::Community,
            PluginTrustLevel::Untrusted,
            PluginTrustLevel::Blocked,
        ];
        all.into_iter()
            .filter(|level| policy(mode).admit(&verdict(*level)).is_ok())
            .collect()
    };
    let vouched = [PluginTrustLevel::Verified, PluginTrustLevel::Trusted];
    let any = [
        vouched.as_slice(),
        &[PluginTrustLevel::Community, PluginTrustLevel::Untrusted],
    ]
    .concat();
    assert_eq!(admitted(RuntimeMode::Production), vouched);
    assert_eq!(admitted(RuntimeMode::Provisioning), vouched);
    assert_eq!(admitted(RuntimeMode::Development), any);
    assert_eq!(admitted(RuntimeMode::Test), any);

    let refused = policy(RuntimeMode::Production)
        .admit(&TrustVerdict::unsigned())
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "trust level untrusted may not be loaded in production mode"
    );
    let levels = [(RuntimeMode::Production, vec![PluginTrustLevel::Untrusted])]
        .into_iter()
        .collect();
    let lax = TrustPolicy::new(
        &TrustConfig {
            levels,
            ..TrustConfig::default()
        },
        RuntimeMode::Production,
    )
    .unwrap();
    assert_eq!(lax.admit(&TrustVerdict::unsigned()), Ok(()));
    assert!(
        lax.admit(&verdict(PluginTrustLevel::Verified)).is_err(),
        "the list is taken as it is"
    );
}

#[test]
fn a_configuration_names_every_bad_entry() {
    let mut config = TrustConfig {
        keys: vec![
            key("a", 1, PluginTrustLevel::Verified),
            key("b", 1, PluginTrustLevel::Trusted),
        ],
        ..TrustConfig::default()
    };
    config.keys.push(TrustedKey {
        public_key: "nonsense".to_owned(),
        ..key("c", 2, PluginTrustLevel::Trusted)
    });
    config.blocked = BlockList {
        hashes: vec!["12".to_owned()],
        plugins: vec!["Notes".to_owned()],
    };
    config.levels.insert(RuntimeMode::Test, vec![PluginTrustLevel::Blocked]);
    let problems = TrustPolicy::new(&config, RuntimeMode::Test).unwrap_err();
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "trust.keys[1].publicKey",
            "trust.keys[2].publicKey",
            "trust.blocked.hashes[0]",
            "trust.blocked.plugins[0]",
            "trust.levels.test"
        ]
    );
}

fn library(folder: &Path) -> PathBuf {
    let path = folder.join("x.so");
    fs::write(&path, CONTENT).unwrap();
    path
}

#[test]
fn keys_are_made_signed_with_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let (private, library) = (folder.path().join("signing.key"), library(folder.path()));
    let public = keygen(&private).unwrap();
    assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        PublicKey::parse(&fs::read_to_string(folder.path().join("signing.pub")).unwrap()).unwrap(),
        public
    );
    assert_eq!(PublicKey::parse(&public.base64()).unwrap(), public);
    assert!(
        matches!(keygen(&private), Err(KeyError::Exists { .. })),
        "a key is never overwritten"
    );

    let pair = KeyPair::load(&private).unwrap();
    sign(&library, &pair, times()).unwrap();
    let trusted = TrustedKey {
        name: "made".to_owned(),
        public_key: public.base64(),
        level: PluginTrustLevel::Trusted,
    };
    let policy = TrustPolicy::new(
        &TrustConfig {
            keys: vec![trusted],
            ..TrustConfig::default()
        },
        RuntimeMode::Production,
    )
    .unwrap();
    let verdict = policy
        .verify(&library, &Digest::of(CONTENT), "com.example.notes", NOW)
        .unwrap();
    assert_eq!(
        (verdict.level, verdict.key_name.as_deref()),
        (PluginTrustLevel::Trusted, Some("made"))
    );
    assert!(matches!(
        SignatureFile::make(
            Digest::of(b""),
            &pair,
            SignatureTimes {
                not_after: NOW,
                not_before: NOW + time::Duration::DAY
            }
        ),
        Err(KeyError::EmptyValidity { .. })
    ));
}

#[test]
fn a_private_key_others_may_read_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signing.key");
    keygen(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        KeyPair::load(&path),
        Err(KeyError::Exposed { mode: 0o640, .. })
    ));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "no key").unwrap();
    assert!(matches!(KeyPair::load(&path), Err(KeyError::NotAKey { .. })));
    assert!(matches!(
        KeyPair::load(&folder.path().join("none")),
        Err(KeyError::Read { .. })
    ));
    assert!(!format!("{:?}", pair(7)).contains("07"), "debug shows the id alone");
}

#[test]
fn signature_files_are_read_with_care() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path());
        fs::write(signature_path(&library), text).unwrap();
        let reason = policy(RuntimeMode::Development)
            .verify(&library, &Digest::of(CONTENT), "a.b", NOW)
            .unwrap_err();
        assert!(
            matches!(reason, RefusalReason::SignatureInvalid { .. }) && reason.to_string().contains(expected),
            "{reason}"
        );
    }
    let sound = SignatureFile::make(Digest::of(CONTENT), &pair(1), times()).unwrap();
    check("", "EOF while parsing");
    check("{}", "missing field `format`");
    check(
        &serde_json::to_string(&SignatureFile {
            format: 2,
            ..sound.clone()
        })
        .unwrap(),
        "has format 2, known is 1",
    );
    check(
        &serde_json::to_string(&sound).unwrap().replace("keyId", "kid"),
        "unknown field `kid`",
    );
}
