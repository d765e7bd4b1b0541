//! The host's library from outside: what `plugins new` writes, and what it refuses to write over.

use objectos_host::{
    cli::{Flags, PluginsCommand},
    exit::Exit,
    plugins,
    settings::Settings,
};
use std::{fs, path::Path};

async fn new(name: &str, path: &Path) -> Result<Exit, plugins::CommandError> {
    let settings = Settings::load(&Flags::default(), &|_| None).expect("the defaults are good");
    let command = PluginsCommand::New {
        name: name.to_owned(),
        path: Some(path.to_path_buf()),
        api: None,
    };
    plugins::run(command, &settings).await
}

#[tokio::test]
async fn a_new_plugin_has_a_manifest_that_is_valid_and_names_that_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new");
    assert_eq!(new("acme-greeting", &path).await.expect("it is written"), Exit::Success);
    let manifest = fs::read(path.join("plugin.json")).expect("a manifest");
    let document = objectos_protocol::kernel::plugin_document::PluginDocument::parse(&manifest).expect("it is valid");
    assert_eq!(document.id(), "acme.greeting");
    let source = fs::read_to_string(path.join("src/lib.rs")).expect("a source");
    assert!(
        source.contains("impl Plugin for AcmeGreeting") && !source.contains('@'),
        "{source}"
    );
    let test = fs::read_to_string(path.join("tests/it.rs")).expect("a test");
    assert!(test.contains("use acme_greeting::"), "{test}");
}

#[tokio::test]
async fn nothing_is_written_over_and_bad_names_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("precious"), "x").expect("a file");
    let full = new("greeting", folder.path())
        .await
        .expect_err("the folder is not empty");
    assert_eq!(
        (full.exit, full.message.contains("--path")),
        (Exit::Failed, true),
        "{full}"
    );
    for name in ["Greeting", "9lives", "a--b", "a-", "a_b", ""] {
        let bad = new(name, &folder.path().join("bad")).await.expect_err(name);
        assert_eq!(bad.exit, Exit::Usage, "{name}");
    }
    assert!(!folder.path().join("bad").exists());
}
