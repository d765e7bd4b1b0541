//! Small ELF files: as much of a shared library as is read before one is opened.

use std::path::Path;
use std::process::Command;

use objectos_kernel::discover::{ENTRY_SYMBOL, HostFacts};
use semver::Version;
use serde_json::{Value, json};

/// What a file is to be like. [`Fixture::plugin`] is a sound plugin.
#[derive(Clone)]
pub(super) struct Fixture {
    /// Content of the manifest section; absent means no section.
    pub(super) manifest: Option<Vec<u8>>,
    /// Exports the plugin entry point.
    pub(super) entry: bool,
    pub(super) imports: Vec<String>,
    /// `e_machine`; absent means that of this machine.
    pub(super) machine: Option<u16>,
    /// `EI_CLASS`: 2 for 64 bit.
    pub(super) class: u8,
    /// `e_type`: 3 for a shared library.
    pub(super) kind: u16,
}

impl Fixture {
    pub(super) fn plugin(id: &str) -> Self {
        let document = json!({
            "manifest": {"id": id, "version": "1.0.0", "type": "plugin", "name": id},
            "security": {
                "pluginId": id, "trustLevel": "untrusted", "sandbox": {},
                "permissions": {"permissions": [], "defaultGrant": "deny"}
            },
            "objectos": {"api": "^1.0"},
            "build": {
                "target": HostFacts::current(Version::new(1, 0, 0)).target, "rustc": "rustc 1.95.0", "api": "1.0.0",
                "panic": "unwind", "profile": "release"
            }
        });
        Self {
            manifest: Some(padded(&document)),
            entry: true,
            imports: Vec::new(),
            machine: None,
            class: 2,
            kind: 3,
        }
    }

    /// The same with one value of its document set.
    pub(super) fn with(mut self, pointer: &str, value: Value) -> Self {
        self.edit(pointer, |parent, key| drop(parent.insert(key.to_owned(), value)));
        self
    }

    /// The same with one value of its document taken out.
    pub(super) fn without(mut self, pointer: &str) -> Self {
        self.edit(pointer, |parent, key| drop(parent.shift_remove(key)));
        self
    }

    fn edit(&mut self, pointer: &str, change: impl FnOnce(&mut serde_json::Map<String, Value>, &str)) {
        let mut document: Value = serde_json::from_slice(self.manifest.as_ref().unwrap()).unwrap();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        change(document.pointer_mut(parent).unwrap().as_object_mut().unwrap(), key);
        self.manifest = Some(padded(&document));
    }

    /// The file: header, section contents, section table.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut strings = vec![0];
        let mut symbols = vec![0; 24];
        let own = self.entry.then(|| ENTRY_SYMBOL.to_owned());
        for (name, section) in own
            .iter()
            .map(|name| (name, 1_u16))
            .chain(self.imports.iter().map(|name| (name, 0)))
        {
            symbols.extend_from_slice(&word(strings.len()));
            symbols.extend_from_slice(&[0x12, 0]);
            symbols.extend_from_slice(&section.to_le_bytes());
            symbols.extend_from_slice(&[0; 16]);
            strings.extend_from_slice(name.as_bytes());
            strings.push(0);
        }
        let names = b"\0.dynsym\0.dynstr\0.shstrtab\0.objectos.manifest\0";
        // Name offset, type, link, entry size, content.
        let mut sections: Vec<(usize, u32, u32, u64, &[u8])> = vec![
            (0, 0, 0, 0, &[]),
            (1, 11, 2, 24, &symbols),
            (9, 3, 0, 0, &strings),
            (17, 3, 0, 0, names),
        ];
        if let Some(manifest) = &self.manifest {
            sections.push((27, 1, 0, 0, manifest));
        }
        let mut body = Vec::new();
        let mut table = Vec::new();
        for (name, kind, link, entry_size, content) in &sections {
            table.extend_from_slice(&word(*name));
            table.extend_from_slice(&kind.to_le_bytes());
            table.extend_from_slice(&[0; 16]);
            table.extend_from_slice(&long(64 + body.len()));
            table.extend_from_slice(&long(content.len()));
            table.extend_from_slice(&link.to_le_bytes());
            table.extend_from_slice(&u32::from(*kind == 11).to_le_bytes());
            table.extend_from_slice(&1_u64.to_le_bytes());
            table.extend_from_slice(&entry_size.to_le_bytes());
            body.extend_from_slice(content);
        }
        let mut file = self.header(64 + body.len(), sections.len());
        file.extend_from_slice(&body);
        file.extend_from_slice(&table);
        file
    }

    fn header(&self, table_at: usize, sections: usize) -> Vec<u8> {
        let machine = self
            .machine
            .unwrap_or(if cfg!(target_arch = "aarch64") { 183 } else { 62 });
        let mut header = vec![0x7f, b'E', b'L', b'F', self.class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        header.extend_from_slice(&self.kind.to_le_bytes());
        header.extend_from_slice(&machine.to_le_bytes());
        header.extend_from_slice(&1_u32.to_le_bytes());
        header.extend_from_slice(&[0; 16]);
        header.extend_from_slice(&long(table_at));
        header.extend_from_slice(&[0; 4]);
        for half in [64, 56, 0, 64, u16::try_from(sections).unwrap(), 3] {
            header.extend_from_slice(&half.to_le_bytes());
        }
        header
    }
}

/// A document as the compiler embeds it, with room behind it.
fn padded(document: &Value) -> Vec<u8> {
    let mut bytes = document.to_string().into_bytes();
    bytes.extend_from_slice(&[b' '; 32]);
    bytes
}

fn word(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap().to_le_bytes()
}

fn long(value: usize) -> [u8; 8] {
    u64::try_from(value).unwrap().to_le_bytes()
}

/// Builds a real library with the fixture's manifest, its entry point and `code`.
pub(super) fn compile(folder: &Path, name: &str, fixture: &Fixture, code: &str) {
    let bytes: Vec<String> = fixture
        .manifest
        .as_ref()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    let source = format!(
        "{code}\n__attribute__((section(\".objectos.manifest\"), used)) static const char manifest[] = {{{}}};\nint {ENTRY_SYMBOL}(void) {{ return 0; }}\n",
        bytes.join(",")
    );
    let source_path = folder.join(format!("{name}.c"));
    std::fs::write(&source_path, source).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-s", "-o"])
        .arg(folder.join(name))
        .arg(&source_path)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

/// The bytes with a few of them changed, or cut short, as the seed has it.
pub(super) fn damaged(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(end).unwrap()).unwrap()
    };
    let mut bytes = bytes.to_vec();
    if next(4) == 0 {
        let end = next(bytes.len());
        bytes.truncate(end.max(1));
    }
    // Header and section table are where damage misleads a reader.
    let table = bytes.len().saturating_sub(5 * 64);
    for _ in 0..=next(4) {
        let at = match next(3) {
            0 => next(64.min(bytes.len())),
            1 => table + next(bytes.len() - table),
            _ => next(bytes.len()),
        };
        bytes[at] = u8::try_from(next(256)).unwrap();
    }
    bytes
}
