//! The published clients, unchanged, against the real host: sign-up, sign-in, sessions, second factors, organisations, and a
//! real OpenID provider beside. Where packages cannot be installed the test is skipped and says so.

use objectos_tests::{
    HostBuilder,
    host::free_address,
    node::{Outcome, Workspace},
    plugins::repository,
};
use std::path::PathBuf;

/// Runs one file of `tests/clients-auth` against a fresh host.
fn drive(file: &str) {
    let Some(workspace) = Workspace::prepare(&repository().join("tests/clients-auth")) else {
        return;
    };
    let port = free_address().port();
    let config = format!(
        "plugins:\n  objectos.auth:\n    hashing: {{memoryKib: 1024, iterations: 1}}\n    providers:\n      - {{id: corporate, clientId: objectos, clientSecret: a secret of tests, issuer: 'http://127.0.0.1:{port}'}}\n"
    );
    let host = HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .config(&config)
        .start();
    let url = format!("http://{}", host.address());
    let outcome = workspace.test(file, &[("OBJECTOS_URL", &url), ("OIDC_PORT", &port.to_string())]);
    let Outcome { passed, failed, output } = outcome;
    assert!(
        passed > 0 && failed == 0,
        "{file}: {failed} failed, {passed} passed\n{output}\n{}",
        host.log()
    );
}

/// The program of a browser; `None` after saying so where none is installed. In continuous integration there must be one.
#[allow(clippy::print_stderr, reason = "a skip is said aloud")]
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut programs = std::env::split_paths(&path).flat_map(|folder| {
        ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].map(|name| folder.join(name))
    });
    let found = programs.find(|program| program.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "Chromium is needed");
        eprintln!(
            "SKIPPED: passkeys are not tried in a browser, for none is installed (Debian: apt-get install chromium)"
        );
    }
    found
}

#[test]
fn the_better_auth_client_makes_and_uses_passkeys_in_a_browser() {
    let Some(browser) = browser() else { return };
    let Some(workspace) = Workspace::prepare(&repository().join("tests/clients-passkey")) else {
        return;
    };
    let config = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n";
    let host = HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .config(config)
        .start();
    let url = format!("http://{}", host.address());
    let program = browser.to_string_lossy();
    let outcome = workspace.test("passkey.test.mjs", &[("OBJECTOS_URL", &url), ("CHROMIUM", &program)]);
    let Outcome { passed, failed, output } = outcome;
    assert!(
        passed > 0 && failed == 0,
        "{failed} failed, {passed} passed\n{output}\n{}",
        host.log()
    );
}

#[test]
fn the_better_auth_client_does_everything() {
    drive("better-auth.test.mjs");
}

#[test]
fn the_objectstack_clients_do_everything_about_signing_in() {
    drive("objectstack.test.mjs");
}

#[test]
fn an_openid_provider_signs_people_in() {
    drive("oidc.test.mjs");
}
