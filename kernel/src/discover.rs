//! Finding plugins in a folder and checking each one without opening it as a library.
//!
//! [`survey`] looks at a folder, [`examine`] at one file of it (a swap, or `plugins verify`), [`inspect`] only reads what a
//! file says about itself. A file is copied to the runtime folder first; its hash, signature and ELF structure are all
//! read from that copy, so a file that is exchanged afterwards changes nothing. Nothing here runs code of a plugin.

mod copy;
mod elf;
mod examine;
mod folder;
mod host;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use indexmap::IndexMap;
use parking_lot::Mutex;
use serde_json::Value;
use time::OffsetDateTime;

use crate::grants::GrantPolicy;
use crate::package::{Candidate, Refusal, RefusalReason};
use crate::settings::Places;
use crate::trust::TrustPolicy;

pub use self::copy::{RuntimeFolder, RuntimeFolderError};
pub use self::elf::ENTRY_SYMBOL;
pub use self::examine::{Inspection, examine, inspect};
pub(crate) use self::folder::{is_library, libraries};
pub use self::host::HostFacts;

/// Files that are examined at the same time, at most.
const THREADS_MAX: usize = 4;

/// What a survey is held against.
#[derive(Clone, Copy, Debug)]
pub struct SurveyRequest<'a> {
    /// The plugin folder. A file is taken from it or from one of its direct subfolders.
    pub folder: &'a Path,
    /// Where private copies go.
    pub runtime: &'a RuntimeFolder,
    pub host: &'a HostFacts,
    pub trust: &'a TrustPolicy,
    pub grants: &'a GrantPolicy,
    /// Plugin id to its configuration, as the operator wrote it.
    pub settings: &'a IndexMap<String, Value>,
    /// Where that was written.
    pub places: &'a Places,
    /// The time signatures are checked against.
    pub now: OffsetDateTime,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Survey {
    /// Plugins that passed every check on them alone, by path.
    pub candidates: Vec<Arc<Candidate>>,
    /// Files that stay out, by path.
    pub refusals: Vec<Refusal>,
}

/// Examines every `*.so` of the folder and of its direct subfolders, in order of path. Names that begin with a dot are
/// passed over: copying tools write their unfinished files under such names.
///
/// A folder that cannot be read or that everybody may write gives one refusal with the folder as its path.
#[must_use]
pub fn survey(request: &SurveyRequest<'_>) -> Survey {
    let mut survey = Survey::default();
    let entries = match folder::list(request.folder) {
        Ok(entries) => entries,
        Err(reason) => {
            survey.refusals.push(Refusal::of_file(request.folder, reason));
            return survey;
        }
    };
    for found in examine_all(entries, request) {
        match found {
            Ok(candidate) => survey.admit(candidate),
            Err(refusal) => survey.refusals.push(*refusal),
        }
    }
    survey
}

type Found = Result<Candidate, Box<Refusal>>;

/// Examines files in as many threads as the machine has processors: copying and hashing them is most of a start. Answers in
/// the order of the files.
fn examine_all(entries: Vec<Result<PathBuf, Box<Refusal>>>, request: &SurveyRequest<'_>) -> Vec<Found> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = processors.min(THREADS_MAX).min(entries.len());
    let queue = Mutex::new(entries.into_iter().enumerate());
    let work = || {
        let mut found = Vec::new();
        loop {
            let next = queue.lock().next();
            match next {
                None => return found,
                Some((place, Ok(path))) => found.push((place, examine(&path, request))),
                Some((place, Err(refusal))) => found.push((place, Err(refusal))),
            }
        }
    };
    let mut all: Vec<(usize, Found)> = thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(found) => all.extend(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, found)| found).collect()
}

impl Survey {
    fn admit(&mut self, candidate: Candidate) {
        let Some(first) = self.candidates.iter().find(|known| known.id() == candidate.id()) else {
            self.candidates.push(Arc::new(candidate));
            return;
        };
        let reason = RefusalReason::DuplicateId {
            id: candidate.id().to_owned(),
            first: first.path.clone(),
        };
        let mut refusal = Refusal::of_candidate(&candidate, reason);
        refusal.chain = vec![
            format!("{} was found first", first.label()),
            format!("{} was found second", candidate.label()),
        ];
        self.refusals.push(refusal);
    }
}
