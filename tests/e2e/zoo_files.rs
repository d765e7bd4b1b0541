//! The zoo's files, on the real host: libraries that are refused for what they are, before any code of theirs runs. One host
//! finds all of them at once, says of each why and what to do, and serves.

use base64::{Engine, engine::general_purpose::STANDARD};
use objectos_tests::{HostBuilder, plugins};
use ring::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// What a host looks for in a library, in one of which it is not.
const ENTRY: &str = "_1as_0lib_1header_0root_bmodule_bloader";
const SECTION: &str = ".objectos.manifest";

/// A copy of the misfit under a name and with an id of its own.
fn misfit(folder: &Path, name: &str) -> std::path::PathBuf {
    let library = plugins::install(folder, "misfit", &format!("{name}.so"));
    let id = format!("test.{name}");
    plugins::edit_manifest(&library, |document| {
        document["manifest"]["description"] = json!("");
        document["manifest"]["id"] = json!(id);
        document["security"]["pluginId"] = json!(id);
    });
    library
}

/// Puts other bytes in the place of all that are `from`.
fn replace(library: &Path, from: &str, to: &str) {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    assert_eq!(from.len(), to.len(), "nothing may move");
    let mut bytes = fs::read(library).expect("a library");
    let mut places = Vec::new();
    for (at, window) in bytes.windows(from.len()).enumerate() {
        if window == from {
            places.push(at);
        }
    }
    assert!(!places.is_empty(), "{} has no {from:?}", library.display());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    plugins::put(library, &bytes);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(library: &Path) -> String {
    hex(digest(&SHA256, &fs::read(library).expect("a library")).as_ref())
}

/// Signs a library as `plugins sign` did a year ago for a day; answers the public key.
fn sign_expired(library: &Path) -> String {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    let public = pair.public_key().as_ref();
    let named = hex(digest(&SHA256, public).as_ref());
    let key_id = &named[..16];
    let hash = sha256(library);
    let (not_before, not_after) = ("2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z");
    let message = format!("objectos-plugin-signature-1\n{key_id}\n{hash}\n{not_before}\n{not_after}\n");
    let signature = STANDARD.encode(pair.sign(message.as_bytes()));
    let document = json!({
        "format": 1, "keyId": key_id, "sha256": hash, "notBefore": not_before, "notAfter": not_after, "signature": signature
    });
    fs::write(library.with_extension("so.sig"), document.to_string()).expect("a signature");
    STANDARD.encode(public)
}

#[test]
fn files_are_refused_for_what_they_are_and_the_host_serves() {
    let builder = HostBuilder::new().example("crm");
    let folder = builder.plugins();
    replace(&misfit(&folder, "entryless"), ENTRY, &ENTRY.replace("root", "toor"));
    replace(&misfit(&folder, "silent"), SECTION, &SECTION.replace("mani", "MANI"));
    replace(&misfit(&folder, "spawner"), "\0memcpy\0", "\0system\0");
    let blocked = sha256(&misfit(&folder, "blocked"));
    let key = sign_expired(&misfit(&folder, "expired"));
    let trust = format!(
        "trust:\n  keys:\n    - {{ name: old, publicKey: \"{key}\", level: trusted }}\n  blocked:\n    hashes: [\"{blocked}\"]\n"
    );
    let host = builder.config(&trust).start();
    let mut client = host.client();
    client.get("/health").expect(200);
    client.get("/api/v1/data/account?top=1").expect(200);
    let report = client.get("/api/v1/plugins").expect(200);
    let report = report.get("data").unwrap_or(&report);
    let refused = report["refused"].as_array().expect("a list");
    let check = |name: &str, expected: &str| {
        let file = format!("{name}.so");
        let of_file = |refusal: &&Value| refusal["path"].as_str().is_some_and(|path| path.ends_with(&file));
        let refusal = refused.iter().find(of_file);
        let refusal = refusal.unwrap_or_else(|| panic!("{file} is not among {refused:#?}"));
        let reason = refusal["reason"].as_str().expect("a reason");
        assert!(reason.contains(expected), "{file}: {reason}");
        let remedy = refusal["remedy"].as_str().unwrap_or_default();
        assert!(!remedy.is_empty(), "{file} has no remedy");
    };
    check("entryless", "it exports no plugin entry point");
    check("silent", "section `.objectos.manifest` is missing");
    check(
        "spawner",
        "the library uses `system`, which is for plugins that may start programs",
    );
    check("blocked", "blocked by the operator: SHA-256 ");
    check("expired", "the signature expired at 2025-01-02T00:00:00Z");
    assert_eq!(refused.len(), 5, "{refused:#?}");
}
