//! Another compiler than the one in use: the example plugin is built with it as well, and a test loads that. The README
//! promises it of every compiler from the minimum on.

use anyhow::{Context, Result, bail};
use semver::Version;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{needs, paths, shell};

/// Debian's package of a compiler that is there beside others: it is put into /usr/bin, and nobody's first in PATH.
const PACKAGE: &str = "rustc-web";
/// Where it is put. Whatever is there already would have to go for it, so then nothing is installed.
const SYSTEM: &str = "/usr/bin/rustc";

/// A compiler and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Compiler {
    path: PathBuf,
    version: Version,
}

impl Compiler {
    /// It is none that is promised to work.
    fn unreleased(&self) -> bool {
        !self.version.pre.is_empty()
    }
}

/// Builds `examples/hello-plugin` with another compiler. Without one, Debian's is installed where that is allowed; where it is
/// not, that is said, and in continuous integration it fails.
///
/// # Errors
/// What the build says; that there is no other compiler, where nothing is to be skipped.
pub(crate) fn build_example() -> Result<()> {
    let target = paths::target().join("other-compiler");
    let library = target.join("debug/libhello_plugin.so");
    // What another run left is not to be taken for this one's.
    drop(fs::remove_file(&library));
    let own = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    let own = version(&own).context("ask the compiler in use for its version")?;
    let minimum = Version::parse(&format!("{}.0", env!("CARGO_PKG_RUST_VERSION"))).context("the minimum of Rust")?;
    let mut other = choose(installed(), &own, &minimum);
    let wanted = other.as_ref().is_none_or(Compiler::unreleased) && !Path::new(SYSTEM).exists();
    if wanted && needs::may_install() {
        // Not every system has the package, and it may be of our own version: what comes of it, the next look tells.
        if let Err(error) = needs::install("another Rust compiler", &[PACKAGE]) {
            shell::say(&format!("note: {error:#}"));
        }
        other = choose(installed(), &own, &minimum);
    }
    let Some(other) = other.filter(|other| !(needs::all_of_it() && other.unreleased())) else {
        let text = format!(
            "no compiler from Rust {minimum} on is installed beside {own}, so whether a plugin by another one loads is not \
             tried: install one (Debian: apt-get install {PACKAGE}; or rustup toolchain install {minimum})"
        );
        if needs::all_of_it() {
            bail!("{text}; where CI is set that is not skipped");
        }
        shell::say(&format!("skipped: {text}"));
        return Ok(());
    };
    let mut command = shell::cargo();
    command
        .current_dir(paths::root().join("examples/hello-plugin"))
        .args(["build", "--locked", "--target-dir"])
        .arg(&target)
        .env("RUSTC", &other.path);
    let built = shell::run(
        &format!("build examples/hello-plugin with Rust {}", other.version),
        &mut command,
    );
    match built {
        Err(error) if other.unreleased() => {
            shell::say(&format!(
                "note: {error:#}; a compiler that is not released yet is no promise of ours"
            ));
            Ok(())
        }
        built => built,
    }
}

/// The compiler to try: another version than ours, not too old, a released one before others, the newest first.
fn choose(installed: Vec<Compiler>, own: &Version, minimum: &Version) -> Option<Compiler> {
    installed
        .into_iter()
        .filter(|compiler| {
            let version = &compiler.version;
            version != own && (version.major, version.minor) >= (minimum.major, minimum.minor)
        })
        .max_by_key(|compiler| (!compiler.unreleased(), compiler.version.clone()))
}

/// The system's compiler and those of rustup.
fn installed() -> Vec<Compiler> {
    let mut paths = vec![PathBuf::from(SYSTEM)];
    let home = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".rustup")));
    let toolchains = home.and_then(|home| fs::read_dir(home.join("toolchains")).ok());
    paths.extend(
        toolchains
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin/rustc")),
    );
    let found = paths.into_iter().filter(|path| path.is_file()).filter_map(|path| {
        // One that cannot be run is none.
        let version = version(&path).ok()?;
        Some(Compiler { path, version })
    });
    found.collect()
}

fn version(compiler: &Path) -> Result<Version> {
    let output = Command::new(compiler).arg("--version").output();
    let output = output.with_context(|| format!("start {}", compiler.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = text.split_whitespace().nth(1).unwrap_or_default();
    Version::parse(word).with_context(|| format!("{} says that it is `{}`", compiler.display(), text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_compiler_is_released_and_new_if_there_is_one() {
        let check = |installed: &[&str], expected: Option<&str>| {
            let installed = installed.iter().map(|version| Compiler {
                path: PathBuf::from(version),
                version: Version::parse(version).unwrap(),
            });
            let (own, minimum) = (Version::new(1, 96, 0), Version::new(1, 95, 0));
            let chosen = choose(installed.collect(), &own, &minimum);
            assert_eq!(chosen.map(|compiler| compiler.version.to_string()).as_deref(), expected);
        };
        check(&[], None);
        check(&["1.96.0"], None);
        check(&["1.94.1", "1.96.0"], None);
        check(&["1.95.0", "1.96.0"], Some("1.95.0"));
        check(&["1.95.0", "1.96.1"], Some("1.96.1"));
        check(&["1.95.0", "1.97.0-nightly"], Some("1.95.0"));
        check(&["1.96.0", "1.97.0-nightly"], Some("1.97.0-nightly"));
        check(&["1.95.0-beta.2"], Some("1.95.0-beta.2"));
    }
}
