//! `objectos-host audit verify`: walks the chain from its first row to its end and says whether anything was altered, put in
//! or taken out. Works on the stopped host. A broken chain is a breach, and told as one (`security.data_breach`): the event is
//! stored and becomes a row when the host runs again, so that the trail says itself that it was altered.

use objectos_plugin_api::{
    Context, Error, Host, NewEvent,
    contracts::events::{Origin, SecurityEvent},
};
use serde_json::json;
use std::{
    collections::{BTreeSet, HashMap},
    path::{Component, Path},
    time::Duration,
};

use crate::{
    archive,
    chain::{GENESIS, hash_of},
    checkpoint::{self, Checkpoint},
    error::Result,
    moment,
    removal::{Removal, Rules},
    retention::{self, Run},
    row::{OBJECT, Row},
    scope::ARCHIVED,
    store::Records,
};

/// Event that tells of a broken chain.
const BREACH: &str = "security.data_breach";
/// How long the command waits for that event to be stored.
const TELL_LIMIT: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) rows: u64,
    pub(crate) removed: u64,
    pub(crate) last: u64,
    pub(crate) checkpoints: usize,
    pub(crate) archives: usize,
    /// Public half of the key in use.
    pub(crate) public_key: Option<String>,
    /// Sequence and what is wrong there, first first.
    pub(crate) broken: Vec<(u64, String)>,
    /// Odd, but no sign of an alteration.
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut out = format!(
            "{} events up to sequence {}, {} taken out by retention, {} archives and {} checkpoints looked at\n",
            self.rows, self.last, self.removed, self.archives, self.checkpoints
        );
        if let Some(key) = &self.public_key {
            out.push_str(&format!(
                "checkpoints are signed with the key whose public half is {key}\n"
            ));
        }
        for note in &self.notes {
            out.push_str(&format!("note: {note}\n"));
        }
        if self.broken.is_empty() {
            out.push_str("the chain holds\n");
        }
        out
    }

    /// What is wrong, the first break first; empty when the chain holds.
    pub(crate) fn complaint(&self) -> String {
        let mut out = String::new();
        if let Some((sequence, text)) = self.broken.first() {
            out.push_str(&format!("the chain is broken, first at sequence {sequence}: {text}\n"));
        }
        for (sequence, text) in self.broken.iter().skip(1).take(9) {
            out.push_str(&format!("also at sequence {sequence}: {text}\n"));
        }
        if self.broken.len() > 10 {
            out.push_str(&format!("and {} more\n", self.broken.len() - 10));
        }
        out
    }
}

/// Tells of a broken chain; a word for people when that fails.
pub(crate) async fn tell(host: &Host, report: &Report) -> Option<String> {
    let (sequence, what) = report.broken.first()?;
    let event = SecurityEvent {
        origin: Origin {
            actor_kind: Some("system".to_owned()),
            ..Origin::default()
        },
        target_type: Some("object".to_owned()),
        target_id: Some(OBJECT.to_owned()),
        target_name: Some(OBJECT.to_owned()),
        description: format!("the audit trail was altered, first at sequence {sequence}: {what}"),
        result: "failure".to_owned(),
        metadata: json!({ "sequence": sequence, "places": report.broken.len() })
            .as_object()
            .cloned()
            .unwrap_or_default(),
        ..SecurityEvent::default()
    };
    let told = async {
        let payload = serde_json::to_vec(&event)?;
        let event = NewEvent::new(BREACH, &payload);
        host.publish_durable(&Context::background().as_system(), &event).await
    };
    let told = tokio::time::timeout(TELL_LIMIT, told)
        .await
        .unwrap_or_else(|_| Err(Error::unavailable("the event store does not answer")));
    let failure = told.err()?;
    Some(format!("the event {BREACH} could not be stored: {failure}\n"))
}

/// Where files are.
pub(crate) struct Places<'a> {
    pub(crate) own: &'a Path,
    pub(crate) archives: &'a Path,
}

/// What is known of signatures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signing<'a> {
    /// Keys, and what else says whom to believe. Where there are no keys, no signature can be checked.
    pub(crate) rules: Rules<'a>,
    /// Checkpoints are required, one after so many rows.
    pub(crate) every: Option<u64>,
}

/// The walk.
struct Walk<'a> {
    rules: Rules<'a>,
    report: Report,
    /// Rows that tell of removals.
    removals: Vec<Removal>,
    /// Runs that they tell of, by their first sequence, with the place of the row.
    runs: HashMap<u64, Vec<(Run, usize)>>,
    /// The moment of the row before, where it says one.
    before_ms: Option<i64>,
    /// Sequence and hash of the row before.
    at: (u64, String),
    /// Hashes that checkpoints are held against.
    wanted: HashMap<u64, Option<String>>,
}

/// How often it is looked again at what seems to be broken.
const LOOKS_MAX: usize = 5;

/// Checks everything. What seems to be broken is so when it is twice the same: retention may have taken out rows between one
/// page and the next.
pub(crate) async fn verify(records: &Records, signing: Signing<'_>, places: &Places<'_>) -> Result<Report> {
    let mut report = look(records, signing, places).await?;
    for _ in 1..LOOKS_MAX {
        if report.broken.is_empty() {
            break;
        }
        let before = std::mem::replace(&mut report, look(records, signing, places).await?);
        if before.broken == report.broken {
            break;
        }
    }
    Ok(report)
}

async fn look(records: &Records, signing: Signing<'_>, places: &Places<'_>) -> Result<Report> {
    let (checkpoints, problems) = checkpoint::all(records, places.own).await?;
    let mut walk = Walk {
        rules: signing.rules,
        removals: Vec::new(),
        before_ms: None,
        report: Report {
            notes: problems,
            public_key: signing.rules.keys.current().map(str::to_owned),
            ..Report::default()
        },
        runs: HashMap::new(),
        at: (0, GENESIS.to_owned()),
        wanted: checkpoints
            .iter()
            .map(|checkpoint| (checkpoint.sequence, None))
            .collect(),
    };
    walk.read_removals(records, places).await?;
    let mut after = 0;
    loop {
        let rows = records.after(after, json!({})).await?;
        let Some(last) = rows.last() else { break };
        after = last.sequence;
        for row in &rows {
            walk.step(row);
        }
    }
    let signed = walk.hold_checkpoints(&checkpoints);
    walk.hold_end(signed, signing.every);
    walk.report.last = walk.at.0;
    walk.report.checkpoints = checkpoints.len();
    walk.report.broken.sort_by_key(|(sequence, _)| *sequence);
    Ok(walk.report)
}

impl Walk<'_> {
    fn broken(&mut self, sequence: u64, text: String) {
        self.report.broken.push((sequence, text));
    }

    /// What retention took out. A row that tells of it is a link of the chain itself and is checked as one.
    async fn read_removals(&mut self, records: &Records, places: &Places<'_>) -> Result<()> {
        let mut after = 0;
        loop {
            let rows = records.after(after, json!({ "event_type": ARCHIVED })).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.sequence;
            for row in &rows {
                self.read_removal(row, places);
            }
        }
    }

    fn read_removal(&mut self, row: &Row, places: &Places<'_>) {
        let (removal, doubt) = Removal::read(row, self.rules);
        let first = removal.runs.iter().map(|run| run.from).min().unwrap_or(row.sequence);
        if let Some(doubt) = doubt {
            self.broken(first, doubt);
        }
        for run in &removal.runs {
            let known = self.runs.entry(run.from).or_default();
            known.push((run.clone(), self.removals.len()));
        }
        if let Some((file, sha256)) = &removal.archive {
            self.read_archive(row, &removal, file, sha256, places);
        }
        self.removals.push(removal);
    }

    fn read_archive(&mut self, row: &Row, removal: &Removal, file: &str, sha256: &str, places: &Places<'_>) {
        if !is_plain(file) {
            self.broken(row.sequence, format!("{file} is no name of an archive"));
            return;
        }
        match archive::read(places.archives, file) {
            Ok(None) => {
                let text = format!("the archive {file} is not in {}", places.archives.display());
                if removal.signed {
                    self.report.notes.push(text);
                } else {
                    // Whoever has the database alone can name a file, and not write one.
                    self.broken(
                        row.sequence,
                        format!("{text}; of archives that are kept elsewhere, name the folder by --archives"),
                    );
                }
            }
            Ok(Some((rows, found))) => {
                self.report.archives += 1;
                let ends: BTreeSet<u64> = removal.runs.iter().map(|run| run.to).collect();
                if found != sha256 {
                    let text = format!("the archive {file} is not the one that was written");
                    self.broken(row.sequence, text);
                } else if let Some(bad) = rows.iter().find(|row| hash_of(row) != row.hash) {
                    let text = format!("in the archive {file} its content does not have its hash");
                    self.broken(bad.sequence, text);
                } else if retention::runs(&rows, &ends) != removal.runs {
                    let text = format!("the archive {file} holds other events than this event says");
                    self.broken(row.sequence, text);
                }
            }
            Err(error) => self.broken(row.sequence, format!("the archive {file}: {error}")),
        }
    }

    fn step(&mut self, row: &Row) {
        self.report.rows += 1;
        let name = format!("event {} ({})", row.id, row.event_type);
        if row.sequence <= self.at.0 {
            self.report
                .broken
                .push((row.sequence, format!("{name} stands where another one stands")));
        }
        self.bridge(row.sequence);
        if row.sequence != self.at.0 + 1 && row.sequence > self.at.0 {
            let missing = self.at.0 + 1;
            let text = format!(
                "events {missing} to {} are missing, and no event tells of their removal",
                row.sequence - 1
            );
            self.report.broken.push((missing, text));
        } else if row.previous_hash != self.at.1 {
            self.report
                .broken
                .push((row.sequence, format!("{name} does not follow the event before it")));
        }
        if hash_of(row) != row.hash {
            self.report
                .broken
                .push((row.sequence, format!("{name}: its content does not have its hash")));
        }
        self.at = (row.sequence, row.hash.clone());
        self.before_ms = moment::to_ms(&row.timestamp);
        self.pass(row.sequence, &row.hash);
    }

    /// Over what was taken out in due form, towards the next row.
    fn bridge(&mut self, to: u64) {
        while self.at.0 + 1 < to {
            let from = self.at.0 + 1;
            let runs = self.runs.get(&from).into_iter().flatten();
            let Some((run, told)) = runs.filter(|(run, _)| run.to < to).max_by_key(|(run, _)| run.to) else {
                return;
            };
            let (run, removal) = (run.clone(), &self.removals[*told]);
            if let Some(before_ms) = self.before_ms
                && removal.is_early(before_ms, self.rules.policy)
            {
                let text = format!(
                    "events {from} to {} were taken out before their time: retentionPolicy keeps them longer",
                    run.to
                );
                self.broken(from, text);
            }
            if run.previous_hash != self.at.1 {
                let text = format!(
                    "events {from} to {}, taken out by retention, do not follow the event before them",
                    run.to
                );
                self.broken(from, text);
            }
            self.report.removed += run.to - run.from + 1;
            self.at = (run.to, run.last_hash);
            let (sequence, hash) = self.at.clone();
            self.pass(sequence, &hash);
        }
    }

    fn pass(&mut self, sequence: u64, hash: &str) {
        if let Some(wanted) = self.wanted.get_mut(&sequence) {
            *wanted = Some(hash.to_owned());
        }
    }

    /// Answers how far the chain is signed.
    fn hold_checkpoints(&mut self, checkpoints: &[Checkpoint]) -> u64 {
        let keys = self.rules.keys;
        let mut signed = 0;
        for checkpoint in checkpoints {
            let at = checkpoint.sequence;
            match keys.holds(checkpoint) {
                Some(true) => signed = signed.max(at),
                Some(false) => {
                    self.report
                        .broken
                        .push((at, "the signature of the checkpoint is wrong".to_owned()));
                    continue;
                }
                None if keys.is_empty() => {
                    let text = format!(
                        "the checkpoint at {at} was signed with the key {}, and no key is set to check it with",
                        checkpoint.key_id
                    );
                    self.report.notes.push(text);
                }
                None => {
                    let text = format!(
                        "the checkpoint was signed with the key {}, which is none of those set; of a key that was in use \
                         before, set the public half under formerPublicKeys",
                        checkpoint.key_id
                    );
                    self.report.broken.push((at, text));
                    continue;
                }
            }
            match self.wanted.get(&at) {
                Some(Some(hash)) if *hash != checkpoint.hash => {
                    self.report.broken.push((
                        at,
                        "the event is not the one that the checkpoint was made of".to_owned(),
                    ));
                }
                _ if at > self.at.0 => {
                    let text = format!(
                        "events {} to {at} are missing: a checkpoint says that they were there",
                        self.at.0 + 1
                    );
                    self.report.broken.push((self.at.0 + 1, text));
                }
                // Of what was removed before there was a key nobody noted it.
                Some(None) if !keys.is_empty() && at > self.rules.unsigned_up_to => {
                    let text = "the event that the checkpoint was made of is gone, and what tells of its removal does not \
                                say which hash it had";
                    self.broken(at, text.to_owned());
                }
                _ => {}
            }
        }
        signed
    }

    /// Where checkpoints are required, the end of the chain is never further from the last one than they lie apart.
    fn hold_end(&mut self, signed: u64, every: Option<u64>) {
        let end = self.at.0;
        let Some(every) = every.filter(|every| end.saturating_sub(signed) >= *every) else {
            return;
        };
        let text = format!(
            "events {} to {end} are under no checkpoint, although there has to be one after every {every}: it was taken away, \
             or never made",
            signed + 1
        );
        self.report.broken.push((signed + 1, text));
    }
}

/// A name of a file, and no way to another folder.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
}
