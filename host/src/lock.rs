//! One host for each data folder: a file in it that the serving host holds locked. The lock goes with the process, however
//! that ends, so nothing has to be cleared away after a crash. Commands beside a running host take no lock.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use crate::{exit::Exit, plugins::CommandError};

/// The data folder is this process's for as long as this lives.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// The lock file of this data folder.
#[must_use]
pub fn path(data: &Path) -> PathBuf {
    data.join("host.lock")
}

impl DataLock {
    /// Takes the data folder, which is made when it is not there.
    ///
    /// # Errors
    /// `Configuration` when another host has it; `Missing` when it cannot be used.
    pub fn take(data: &Path) -> Result<Self, CommandError> {
        let path = path(data);
        let unusable = |error: std::io::Error| {
            let text = format!(
                "the data folder {} cannot be used: {error}; --data names another one",
                data.display()
            );
            CommandError::new(Exit::Missing, text)
        };
        fs::create_dir_all(data).map_err(unusable)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => note_owner(&mut file).map_err(unusable)?,
            Err(TryLockError::WouldBlock) => return Err(taken(data, &mut file)),
            // Some file systems of the network know no locks: then there is none, as for every other program.
            Err(TryLockError::Error(error)) => {
                tracing::warn!(path = %path.display(), %error, "the data folder cannot be locked; see to it that no second host uses it");
            }
        }
        Ok(Self { _file: file })
    }
}

/// Writes down whose lock it is, for the message that another host gives.
fn note_owner(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn taken(data: &Path, file: &mut File) -> CommandError {
    let mut owner = String::new();
    // Only for the message.
    let _ = file.read_to_string(&mut owner);
    let owner = match owner.trim() {
        "" => String::new(),
        id => format!(" (process {id})"),
    };
    let text = format!(
        "another host{owner} runs with the data folder {}; stop that one, or name another folder with --data",
        data.display()
    );
    CommandError::new(Exit::Configuration, text)
}

#[cfg(test)]
mod tests {
    use super::DataLock;
    use crate::exit::Exit;

    #[test]
    fn a_data_folder_is_one_host_s_until_that_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = DataLock::take(&data).unwrap();
        let second = DataLock::take(&data).unwrap_err();
        assert_eq!(second.exit, Exit::Configuration);
        let own = format!("process {}", std::process::id());
        assert!(
            second.message.contains(&own) && second.message.contains("--data"),
            "{second}"
        );
        drop(first);
        DataLock::take(&data).unwrap();
    }
}
