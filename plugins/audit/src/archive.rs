//! Files for rows whose time is over: NDJSON, a row a line, compressed unless the operator wants it plain, written whole or not
//! at all. The hash of the file goes into the chain.

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use crate::{
    chain::hex,
    error::{AuditError, Result},
    row::Row,
};

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Archived {
    pub(crate) name: String,
    pub(crate) sha256: String,
}

fn failed(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> AuditError {
    let what = format!("{what} {}", path.display());
    move |source| AuditError::File { what, source }
}

/// End of the name of a compressed file.
const COMPRESSED: &str = ".gz";

/// Writes rows, in the order they come.
///
/// # Errors
/// `File`; nothing is there under the file's name then.
pub(crate) fn write(folder: &Path, rows: &[Row], compression: bool) -> Result<Archived> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Err(AuditError::Internal("an archive needs at least one row".to_owned()));
    };
    fs::create_dir_all(folder).map_err(failed("making the folder", folder))?;
    let mut bytes = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut bytes, row).map_err(objectos_plugin_api::Error::internal)?;
        bytes.push(b'\n');
    }
    if compression {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        let packed = packed.write_all(&bytes).and_then(|()| packed.finish());
        bytes = packed.map_err(failed("packing for", folder))?;
    }
    let sha256 = hex(&Sha256::digest(&bytes));
    let name = format!(
        "audit-{:012}-{:012}-{}.ndjson{}",
        first.sequence,
        last.sequence,
        &sha256[..8],
        if compression { COMPRESSED } else { "" }
    );
    let (goal, draft) = (folder.join(&name), folder.join(format!("{name}.part")));
    let mut file = fs::File::create(&draft).map_err(failed("making", &draft))?;
    file.write_all(&bytes)
        .and_then(|()| file.sync_all())
        .map_err(failed("writing", &draft))?;
    fs::rename(&draft, &goal).map_err(failed("renaming to", &goal))?;
    // The name is on the disk when the folder is.
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed("writing the folder", folder))?;
    Ok(Archived { name, sha256 })
}

/// Reads the rows of a file and its hash; `None` when it is not there.
///
/// # Errors
/// `File` when it cannot be read or is no archive.
pub(crate) fn read(folder: &Path, name: &str) -> Result<Option<(Vec<Row>, String)>> {
    let path: PathBuf = folder.join(name);
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = fs::read(&path).map_err(failed("reading", &path))?;
    let sha256 = hex(&Sha256::digest(&bytes));
    let mut rows = Vec::new();
    let content: Box<dyn Read + '_> = if name.ends_with(COMPRESSED) {
        Box::new(GzDecoder::new(bytes.as_slice()))
    } else {
        Box::new(bytes.as_slice())
    };
    for line in BufReader::new(content).lines() {
        let line = line.map_err(failed("unpacking", &path))?;
        let row = serde_json::from_str(&line)
            .map_err(|error| AuditError::Internal(format!("{}: a line is no audit event: {error}", path.display())))?;
        rows.push(row);
    }
    Ok(Some((rows, sha256)))
}
