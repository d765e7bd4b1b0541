//! All days of the archive: which file an event belongs to, reading over them in order of sequence, and forgetting days.
//!
//! Sequences grow with time, but not strictly: events of further databases keep the time at which they were stored there. So
//! files are not read one after the other, but blocks of lines by their least sequence, until no other block can have anything
//! that comes before. To know that, all files of the time that is asked for must have been looked through; where they were not, a
//! call may only come so far as to do that with some of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use objectos_plugin_api::contracts::event_store::{DoneEvent, RangePage, RangeRequest, StoredEvent};
use objectos_plugin_api::protocol::kernel::plugin_document::matches_event;

use super::day_file::{Block, DayFile, Head};
use crate::event_budget::EventBudget;
use crate::record::moment;

const SUFFIX: &str = ".jsonl";

/// The folder.
#[derive(Debug)]
pub(super) struct Days {
    folder: PathBuf,
    /// The folder itself is on the disk.
    kept: bool,
    /// Files that were used, by day.
    files: BTreeMap<String, DayFile>,
}

/// The day of a moment, `2026-02-28`. Days sort as text.
fn day_of(at_ms: i64) -> String {
    let beyond = if at_ms < 0 { "0001-01-01" } else { "9999-12-31" };
    let mut day = moment::from_ms(at_ms).unwrap_or_else(|| beyond.to_owned());
    day.truncate(10);
    day
}

impl Days {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            kept: false,
            files: BTreeMap::new(),
        }
    }

    /// Keeps events; when it answers they are on the disk.
    pub(super) fn append(&mut self, events: &[DoneEvent]) -> io::Result<()> {
        let mut by_day: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for event in events {
            let lines = by_day.entry(day_of(event.stored_at_ms)).or_default();
            serde_json::to_writer(&mut *lines, event)?;
            lines.push(b'\n');
        }
        if by_day.is_empty() {
            return Ok(());
        }
        self.make_folder()?;
        for (day, lines) in by_day {
            self.file(&day).append(&lines).map_err(|error| of_day(&day, &error))?;
        }
        // A new file is there only when its folder is on the disk too.
        sync(&self.folder)
    }

    /// Events in order of sequence, each once, as far as the budget goes.
    pub(super) fn page(&mut self, request: &RangeRequest, budget: &mut EventBudget<'_>) -> io::Result<RangePage> {
        let Some(blocks) = self.blocks(request, budget)? else {
            return Ok(RangePage {
                events: Vec::new(),
                next: Some(request.after),
            });
        };
        let mut found = Found::new(request);
        for (index, (day, block)) in blocks.into_iter().enumerate() {
            if found.is_full_before(block.first) {
                return Ok(found.full());
            }
            // Where blocks lie over each other, all of them are read: else the page would not come any further.
            let before = block.first.saturating_sub(1);
            if index > 0 && before > request.after && budget.is_spent() {
                return Ok(found.until(before));
            }
            let bytes = self.file(&day).read(&block).map_err(|error| of_day(&day, &error))?;
            for line in bytes.split(|byte| *byte == b'\n') {
                found.look_at(line);
            }
            budget.take(block.lines);
        }
        Ok(found.rest())
    }

    /// The blocks that may have something of a request, with their days, by their least sequence; `None` when the budget ended
    /// before all of them were known.
    fn blocks(
        &mut self,
        request: &RangeRequest,
        budget: &mut EventBudget<'_>,
    ) -> io::Result<Option<Vec<(String, Block)>>> {
        let first = day_of(request.from_ms);
        let last = day_of(request.to_ms.unwrap_or(i64::MAX));
        let mut blocks: Vec<(String, Block)> = Vec::new();
        for day in self.days()? {
            if day < first || day > last {
                continue;
            }
            let file = self.file(&day);
            if !file.look_on(budget).map_err(|error| of_day(&day, &error))? {
                return Ok(None);
            }
            let wanted = file.blocks().iter().filter(|block| block.last > request.after);
            blocks.extend(wanted.map(|block| (day.clone(), *block)));
        }
        blocks.sort_by_key(|(_, block)| block.first);
        Ok(Some(blocks))
    }

    /// Forgets days that were over by then; answers how many events they had.
    pub(super) fn prune(&mut self, before_ms: i64) -> io::Result<u64> {
        let kept = day_of(before_ms);
        let mut count = 0;
        for day in self.days()? {
            if day >= kept {
                continue;
            }
            count += self.file(&day).count().map_err(|error| of_day(&day, &error))?;
            fs::remove_file(self.path(&day)).map_err(|error| of_day(&day, &error))?;
            self.files.remove(&day);
        }
        Ok(count)
    }

    /// Days that have a file. Other files in the folder are nobody's business.
    fn days(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut days = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let day = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            if let Some(day) = day.filter(|day| moment::parse_date(day).as_deref() == Some(*day)) {
                days.push(day.to_owned());
            }
        }
        days.sort_unstable();
        Ok(days)
    }

    fn path(&self, day: &str) -> PathBuf {
        self.folder.join(format!("{day}{SUFFIX}"))
    }

    fn file(&mut self, day: &str) -> &mut DayFile {
        let path = self.path(day);
        self.files.entry(day.to_owned()).or_insert_with(|| DayFile::new(path))
    }

    fn make_folder(&mut self) -> io::Result<()> {
        if !self.folder.is_dir() {
            self.kept = false;
            fs::create_dir_all(&self.folder)?;
        }
        if !self.kept {
            // Also of one that was there: whoever made it may not have come so far.
            self.folder.parent().map_or(Ok(()), sync)?;
            self.kept = true;
        }
        Ok(())
    }
}

/// Waits until what a folder contains is on the disk.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// An error that says which file.
fn of_day(day: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{day}{SUFFIX}: {error}"))
}

/// What a request has found so far: the least sequences, at most so many as it asks for.
struct Found<'a> {
    request: &'a RangeRequest,
    limit: usize,
    events: BTreeMap<u64, StoredEvent>,
}

impl<'a> Found<'a> {
    fn new(request: &'a RangeRequest) -> Self {
        Self {
            request,
            limit: usize::try_from(request.limit).unwrap_or(usize::MAX),
            events: BTreeMap::new(),
        }
    }

    /// Nothing from this sequence on is wanted any more.
    fn is_full_before(&self, sequence: u64) -> bool {
        let last = self.events.last_key_value().map(|(last, _)| *last);
        self.events.len() >= self.limit && last.is_none_or(|last| last <= sequence)
    }

    /// All that was asked for: what comes behind was not looked at.
    fn full(self) -> RangePage {
        let next = self.events.last_key_value().map(|(last, _)| *last);
        RangePage {
            events: self.events.into_values().collect(),
            next,
        }
    }

    /// What is known so far: everything up to this sequence.
    fn until(mut self, sequence: u64) -> RangePage {
        self.events.retain(|of, _| *of <= sequence);
        RangePage {
            events: self.events.into_values().collect(),
            next: Some(sequence),
        }
    }

    /// What there is, once everything was looked at.
    fn rest(self) -> RangePage {
        if self.events.len() >= self.limit {
            // There may have been more, and no room for it.
            return self.full();
        }
        RangePage {
            events: self.events.into_values().collect(),
            next: None,
        }
    }

    fn look_at(&mut self, line: &[u8]) {
        // One that is no event was told of when the file was looked through.
        let Ok(head) = serde_json::from_slice::<Head>(line) else {
            return;
        };
        let request = self.request;
        let asked = head.sequence > request.after
            && head.stored_at_ms >= request.from_ms
            && request.to_ms.is_none_or(|to_ms| head.stored_at_ms < to_ms);
        if !asked || self.events.contains_key(&head.sequence) || self.is_full_before(head.sequence) {
            return;
        }
        let done: DoneEvent = match serde_json::from_slice(line) {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(sequence = head.sequence, error = %error, "an event of the archive cannot be read");
                return;
            }
        };
        let mut patterns = request.names.iter();
        if !request.names.is_empty() && !patterns.any(|pattern| matches_event(pattern, &done.event.name)) {
            return;
        }
        let stored = StoredEvent {
            sequence: done.sequence,
            key: done.key,
            event: done.event,
            deliveries: Vec::new(),
        };
        self.events.insert(stored.sequence, stored);
        if self.events.len() > self.limit {
            self.events.pop_last();
        }
    }
}
