//! The file of one day: lines are added at its end, and found again by the places of blocks of lines, which are kept in
//! memory. What was added since is looked through when somebody reads, so adding costs nothing more.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::Deserialize;

use crate::event_budget::EventBudget;

/// Lines of a block.
const LINES_MAX: u64 = 256;
/// Bytes of a block; the line that surpasses it is its last.
const BYTES_MAX: u64 = 1024 * 1024;

/// What has to be known of a line before it is read. Reading it makes sure that the line is whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    pub(super) sequence: u64,
    pub(super) stored_at_ms: i64,
}

/// Lines that follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    offset: u64,
    bytes: u64,
    /// Those that are events.
    pub(super) lines: u64,
    /// The least sequence.
    pub(super) first: u64,
    /// The greatest sequence.
    pub(super) last: u64,
}

impl Block {
    fn at(offset: u64) -> Self {
        Self {
            offset,
            bytes: 0,
            lines: 0,
            first: u64::MAX,
            last: 0,
        }
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct DayFile {
    path: PathBuf,
    /// So many bytes are looked through.
    known: u64,
    blocks: Vec<Block>,
}

impl DayFile {
    /// It need not be there.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            known: 0,
            blocks: Vec::new(),
        }
    }

    /// Adds whole lines; when it answers they are on the disk. Nobody else adds or looks meanwhile, whoever has the file open:
    /// a version of the plugin that is replaced may still be at a call that nobody waits for any more.
    pub(super) fn append(&self, lines: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)?;
        // Given up when the file is closed.
        file.lock()?;
        let length = file.metadata()?.len();
        let written = write(&mut file, length, lines);
        if written.is_err() {
            // Else every further try would fill a full disk a little more. Should it fail, a part of a line stays.
            let _ = file.set_len(length);
        }
        written
    }

    /// Looks through what was added since, as far as the budget goes; answers whether that was all.
    pub(super) fn look_on(&mut self, budget: &mut EventBudget<'_>) -> io::Result<bool> {
        let mut file = File::open(&self.path)?;
        // What is not written to its end may be taken away again.
        file.lock_shared()?;
        let length = file.metadata()?.len();
        if length < self.known {
            // Somebody put another one in its place.
            self.known = 0;
            self.blocks.clear();
        }
        if length > self.known {
            file.seek(SeekFrom::Start(self.known))?;
            return self.look_through(BufReader::new(file), budget);
        }
        Ok(true)
    }

    /// Where its lines are, as far as it was looked through.
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// How many events it has, doubles counted.
    pub(super) fn count(&mut self) -> io::Result<u64> {
        self.look_on(&mut EventBudget::endless())?;
        Ok(self.blocks.iter().map(|block| block.lines).sum())
    }

    /// The bytes of a block.
    pub(super) fn read(&self, block: &Block) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(block.offset))?;
        let mut bytes = Vec::new();
        file.take(block.bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn look_through(&mut self, mut rest: impl BufRead, budget: &mut EventBudget<'_>) -> io::Result<bool> {
        let mut block = Block::at(self.known);
        let mut line = Vec::new();
        loop {
            line.clear();
            rest.read_until(b'\n', &mut line)?;
            // A last line without an end is being written, or was torn: it is looked at again when more was added.
            if !line.ends_with(b"\n") {
                break;
            }
            block.bytes += u64::try_from(line.len()).unwrap_or_default();
            match serde_json::from_slice::<Head>(&line) {
                Ok(head) => {
                    block.lines += 1;
                    block.first = block.first.min(head.sequence);
                    block.last = block.last.max(head.sequence);
                }
                // It was never acknowledged, so the event came again.
                Err(error) => tracing::warn!(
                    file = %self.path.display(), error = %error,
                    "a line of the event archive is no event; it was not written to its end"
                ),
            }
            if block.lines >= LINES_MAX || block.bytes >= BYTES_MAX {
                self.push(block);
                budget.take(block.lines);
                if budget.is_spent() {
                    return Ok(false);
                }
                block = Block::at(self.known);
            }
        }
        if block.bytes > 0 {
            self.push(block);
            budget.take(block.lines);
        }
        Ok(true)
    }

    fn push(&mut self, block: Block) {
        self.known = block.offset + block.bytes;
        self.blocks.push(block);
    }
}

/// Adds lines to a file of this length and waits for the disk.
fn write(file: &mut File, length: u64, lines: &[u8]) -> io::Result<()> {
    if let Some(last) = length.checked_sub(1) {
        let mut byte = [0];
        file.seek(SeekFrom::Start(last))?;
        file.read_exact(&mut byte)?;
        if byte != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    file.write_all(lines)?;
    file.sync_data()
}
