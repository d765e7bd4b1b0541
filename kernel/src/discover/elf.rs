//! Reading a plugin's ELF file without loading it: machine, manifest section, imported and exported symbols.
//!
//! The machine is read by hand, since a file of another class is no ELF to a reader of this one; the rest by `object`.

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use objectos_protocol::kernel::plugin_document::SECTION;

use crate::package::RefusalReason;

/// The dynamic symbol every plugin exports; the loader starts from it.
pub const ENTRY_SYMBOL: &str = "_1as_0lib_1header_0root_bmodule_bloader";

/// A manifest larger than this is refused.
const MANIFEST_LIMIT_BYTES: u64 = 1024 * 1024;
const HEADER_BYTES: usize = 64;

type Header = elf::FileHeader64<Endianness>;

/// What a library says about itself.
#[derive(Debug)]
pub(super) struct ElfFacts {
    /// Content of the manifest section.
    pub(super) manifest: Vec<u8>,
    /// Dynamic symbols the library expects from others, sorted.
    pub(super) imports: Vec<String>,
    /// Dynamic symbols it offers, sorted.
    pub(super) exports: Vec<String>,
}

/// Reads the file's own account of itself.
pub(super) fn read(bytes: &[u8]) -> Result<ElfFacts, RefusalReason> {
    machine(bytes)?;
    complete(bytes)?;
    let malformed = |error: object::read::Error| RefusalReason::Malformed {
        problem: error.to_string(),
    };
    let header = Header::parse(bytes).map_err(malformed)?;
    let endian = header.endian().map_err(malformed)?;
    let sections = header.sections(endian, bytes).map_err(malformed)?;
    let symbols = sections.symbols(endian, bytes, elf::SHT_DYNSYM).map_err(malformed)?;
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    for symbol in symbols.iter() {
        let name = symbol.name(endian, symbols.strings()).map_err(malformed)?;
        if name.is_empty() || symbol.st_bind() == elf::STB_LOCAL {
            continue;
        }
        let list = if symbol.is_undefined(endian) {
            &mut imports
        } else {
            &mut exports
        };
        list.push(String::from_utf8_lossy(name).into_owned());
    }
    imports.sort();
    exports.sort();
    if exports
        .binary_search_by(|name| name.as_str().cmp(ENTRY_SYMBOL))
        .is_err()
    {
        return Err(RefusalReason::NotAPlugin);
    }
    let Some((_, section)) = sections.section_by_name(endian, SECTION.as_bytes()) else {
        return Err(RefusalReason::ManifestMissing);
    };
    let manifest = section.data(endian, bytes).map_err(malformed)?;
    match u64::try_from(manifest.len()) {
        Ok(size_bytes) if size_bytes <= MANIFEST_LIMIT_BYTES => {}
        Ok(size_bytes) => {
            return Err(RefusalReason::ManifestTooLarge {
                size_bytes,
                limit_bytes: MANIFEST_LIMIT_BYTES,
            });
        }
        Err(_) => {
            return Err(RefusalReason::ManifestTooLarge {
                size_bytes: u64::MAX,
                limit_bytes: MANIFEST_LIMIT_BYTES,
            });
        }
    }
    Ok(ElfFacts {
        manifest: manifest.to_vec(),
        imports,
        exports,
    })
}

/// Refuses what is no ELF file, or one of another machine.
fn machine(bytes: &[u8]) -> Result<(), RefusalReason> {
    if !bytes.starts_with(&elf::ELFMAG) {
        return Err(RefusalReason::NotElf);
    }
    let Some(header) = bytes.get(..HEADER_BYTES) else {
        return Err(truncated(bytes, u64::try_from(HEADER_BYTES).unwrap_or(u64::MAX)));
    };
    let little = header[5] == elf::ELFDATA2LSB.0;
    let pair = |at: usize| {
        let pair = [header[at], header[at + 1]];
        if little {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        }
    };
    let found = described(header[4] == elf::ELFCLASS64.0, little, pair(18));
    let expected = described(
        cfg!(target_pointer_width = "64"),
        cfg!(target_endian = "little"),
        own_machine(),
    );
    if found != expected {
        return Err(RefusalReason::OtherArchitecture { found, expected });
    }
    if pair(16) == elf::ET_DYN.0 {
        Ok(())
    } else {
        Err(RefusalReason::NotShared)
    }
}

fn own_machine() -> u16 {
    let machine = if cfg!(target_arch = "aarch64") {
        elf::EM_AARCH64
    } else if cfg!(target_arch = "riscv64") {
        elf::EM_RISCV
    } else {
        elf::EM_X86_64
    };
    machine.0
}

fn described(wide: bool, little: bool, machine: u16) -> String {
    let name = match elf::Machine(machine) {
        elf::EM_X86_64 => "x86-64".to_owned(),
        elf::EM_386 => "x86".to_owned(),
        elf::EM_AARCH64 => "AArch64".to_owned(),
        elf::EM_ARM => "ARM".to_owned(),
        elf::EM_RISCV => "RISC-V".to_owned(),
        elf::EM_S390 => "S/390".to_owned(),
        elf::EM_PPC64 => "PowerPC 64".to_owned(),
        _ => format!("machine {machine}"),
    };
    let width = if wide { 64 } else { 32 };
    format!("{name} {width} bit{}", if little { "" } else { " big-endian" })
}

fn truncated(bytes: &[u8], expected_bytes: u64) -> RefusalReason {
    RefusalReason::Truncated {
        size_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        expected_bytes,
    }
}

/// Refuses a file that ends before something its header points to.
fn complete(bytes: &[u8]) -> Result<(), RefusalReason> {
    let malformed = |error: object::read::Error| RefusalReason::Malformed {
        problem: error.to_string(),
    };
    let header = Header::parse(bytes).map_err(malformed)?;
    let endian = header.endian().map_err(malformed)?;
    let table = u64::from(header.e_shentsize(endian)).saturating_mul(u64::from(header.e_shnum(endian)));
    let mut end = header.e_shoff(endian).saturating_add(table);
    let segments = u64::from(header.e_phentsize(endian)).saturating_mul(u64::from(header.e_phnum(endian)));
    end = end.max(header.e_phoff(endian).saturating_add(segments));
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if end <= size {
        for segment in header.program_headers(endian, bytes).map_err(malformed)? {
            end = end.max(segment.p_offset(endian).saturating_add(segment.p_filesz(endian)));
        }
    }
    if end > size { Err(truncated(bytes, end)) } else { Ok(()) }
}
