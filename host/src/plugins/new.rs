//! `plugins new NAME`: a plugin crate of its own that builds, loads and has a test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{CommandError, tell};
use crate::exit::Exit;

const CARGO: &str = include_str!("new/Cargo.toml.txt");
const MANIFEST: &str = include_str!("new/plugin.json.txt");
const SOURCE: &str = include_str!("new/lib.rs.txt");
const TEST: &str = include_str!("new/test.rs.txt");

pub(super) fn new(name: &str, path: Option<PathBuf>, api: Option<PathBuf>) -> Result<Exit, CommandError> {
    check_name(name)?;
    let folder = path.unwrap_or_else(|| PathBuf::from(name));
    if folder.exists() && fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        let text = format!(
            "{} is there and not empty: choose another folder with --path",
            folder.display()
        );
        return Err(CommandError::new(Exit::Failed, text));
    }
    let api = match api {
        Some(api) => std::path::absolute(api).map_err(|error| CommandError::new(Exit::Usage, error.to_string()))?,
        None => built_from(),
    };
    if !api.join("Cargo.toml").is_file() {
        let text = format!(
            "{} is not the plugin-api crate: name its folder with --api",
            api.display()
        );
        return Err(CommandError::new(Exit::Missing, text));
    }
    let words = Words::of(name, &api);
    let files = [
        ("Cargo.toml", CARGO),
        ("plugin.json", MANIFEST),
        ("src/lib.rs", SOURCE),
        ("tests/it.rs", TEST),
    ];
    for (file, template) in files {
        write(&folder.join(file), &words.fill(template))?;
    }
    write(&folder.join(".gitignore"), "/target\n")?;
    tell(&format!(
        "{} is a plugin. Next:\n  cd {}\n  cargo test\n  cargo build --release\n  objectos-host plugins verify target/release/lib{}.so",
        folder.display(),
        folder.display(),
        words.library
    ));
    Ok(Exit::Success)
}

/// The `plugin-api` that this host was built from.
fn built_from() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .join("plugin-api")
}

fn check_name(name: &str) -> Result<(), CommandError> {
    let good = name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    if good {
        return Ok(());
    }
    let text = format!(
        "{name:?} is no name for a plugin: write lower-case letters, digits and single hyphens, such as acme-greeting"
    );
    Err(CommandError::new(Exit::Usage, text))
}

/// What stands in the templates' places.
struct Words {
    name: String,
    library: String,
    id: String,
    service: String,
    kind: String,
    api: String,
}

impl Words {
    fn of(name: &str, api: &Path) -> Self {
        // An id has a vendor part; a name without one gets a neutral one.
        let (vendor, noun) = name.split_once('-').unwrap_or(("example", name));
        let kind = name.split('-').map(capitalised).collect::<String>();
        Self {
            name: name.to_owned(),
            library: name.replace('-', "_"),
            id: format!("{vendor}.{}", noun.replace('-', "_")),
            service: format!("{name}-counter"),
            kind,
            api: api.to_string_lossy().into_owned(),
        }
    }

    fn fill(&self, template: &str) -> String {
        template
            .replace("@NAME@", &self.name)
            .replace("@LIBRARY@", &self.library)
            .replace("@ID@", &self.id)
            .replace("@SERVICE@", &self.service)
            .replace("@KIND@", &self.kind)
            .replace("@API@", &self.api)
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| CommandError::new(Exit::Failed, format!("{} cannot be written: {error}", path.display())))
}
