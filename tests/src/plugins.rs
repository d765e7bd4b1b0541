//! Plugin folders for tests: the libraries the build made, copied, and where a test wants it changed inside.

use object::{Object, ObjectSection, ObjectSymbol};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The one symbol of a plugin's library that a host looks for.
const ENTRY: &str = "_1as_0lib_1header_0root_bmodule_bloader";

/// The repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lies in the repository")
        .to_path_buf()
}

/// Where the build put programs and libraries: beside the folder of this test program.
#[must_use]
pub fn built() -> PathBuf {
    let program = std::env::current_exe().expect("a test program has a path");
    program
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps/<test>")
        .to_path_buf()
}

/// The library of a plugin of the repository; of the example for `hello`, of the crate that `plugins new` wrote for
/// `acme-counter`.
#[must_use]
pub fn library(name: &str) -> PathBuf {
    let path = match name {
        "hello" => third_party("libhello_plugin.so"),
        "acme-counter" => third_party("libacme_counter.so"),
        name => built().join(format!("libobjectos_{}.so", name.replace('-', "_"))),
    };
    assert!(
        path.is_file(),
        "{} is missing: cargo xtask test builds it",
        path.display()
    );
    path
}

/// The library of the example as another compiler than ours built it, where there is one.
#[must_use]
pub fn hello_by_another_compiler() -> Option<PathBuf> {
    let profile = built();
    let folder = profile.parent().expect("target").join("other-compiler");
    let path = folder
        .join(profile.file_name().expect("a profile"))
        .join("libhello_plugin.so");
    path.is_file().then_some(path)
}

/// What was built in a workspace of its own.
fn third_party(library: &str) -> PathBuf {
    let profile = built();
    let target = profile.parent().expect("target");
    target
        .join("third-party")
        .join(profile.file_name().expect("a profile"))
        .join(library)
}

/// Copies a plugin's library into a folder, under a name.
pub fn install(folder: &Path, name: &str, as_name: &str) -> PathBuf {
    fs::create_dir_all(folder).expect("a plugin folder can be made");
    let goal = folder.join(as_name);
    put(&goal, &fs::read(library(name)).expect("a library can be read"));
    goal
}

/// Writes a file beside its goal and renames it there, as a careful deployment does.
pub fn put(goal: &Path, bytes: &[u8]) {
    let half = goal.with_extension("half");
    fs::write(&half, bytes).expect("a file can be written");
    fs::rename(half, goal).expect("a file can be renamed");
}

/// Changes the manifest inside a library. The section keeps its size: the new document must not be longer, and is filled up
/// with spaces.
pub fn edit_manifest(library: &Path, change: impl FnOnce(&mut Value)) {
    let mut bytes = fs::read(library).expect("a library can be read");
    let (offset, size) = {
        let file = object::File::parse(&*bytes).expect("an ELF file");
        let section = file.section_by_name(".objectos.manifest").expect("a manifest section");
        let (offset, size) = section.file_range().expect("a section with bytes");
        (
            usize::try_from(offset).expect("fits"),
            usize::try_from(size).expect("fits"),
        )
    };
    let text = String::from_utf8_lossy(&bytes[offset..offset + size]).into_owned();
    let mut document: Value = serde_json::from_str(text.trim_end()).expect("a JSON manifest");
    change(&mut document);
    let mut text = document.to_string().into_bytes();
    assert!(
        text.len() <= size,
        "the changed manifest is {} bytes longer than its section",
        text.len() - size
    );
    text.resize(size, b' ');
    bytes[offset..offset + size].copy_from_slice(&text);
    put(library, &bytes);
}

/// Has the entry of a library lead to another of its exported symbols: the host finds what is there in the entry's place.
pub fn choose_entry(library: &Path, symbol: &str) {
    let mut bytes = fs::read(library).expect("a library can be read");
    let (place, address) = {
        let file = object::File::parse(&*bytes).expect("an ELF file");
        let find = |name: &str| {
            file.dynamic_symbols()
                .find(|symbol| symbol.name().is_ok_and(|found| found == name))
                .unwrap_or_else(|| panic!("{} does not export {name}", library.display()))
        };
        let table = file.section_by_name(".dynsym").expect("a table of symbols");
        let (offset, _) = table.file_range().expect("a table with bytes");
        // 24 bytes each; the address stands behind name, kind and section.
        let place = usize::try_from(offset).expect("fits") + find(ENTRY).index().0 * 24 + 8;
        (place, find(symbol).address())
    };
    bytes[place..place + 8].copy_from_slice(&address.to_le_bytes());
    put(library, &bytes);
}
