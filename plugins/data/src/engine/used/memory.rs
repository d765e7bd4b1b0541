//! What people used lately, as far as no database has it yet, and what was written down within the last minute, so that it is not
//! written again. Bounded: so many records of one person, so many of all people, so many deleted ones that are to be forgotten.
//!
//! Knows neither SQL nor who may see what. Called by `used` alone.

use std::collections::{HashMap, HashSet, VecDeque};

use super::UseAction;
use super::pace::Pace;

/// Records that are kept of one person.
pub(super) const OF_ONE_MAX: usize = 200;
/// Milliseconds within which the same record of the same person is written down once.
pub(super) const AGAIN_MS: i64 = 60_000;
/// Records of all people together; what comes beyond is not remembered.
const OF_ALL_MAX: usize = 20_000;
/// Deleted records and people that wait to be forgotten; what comes beyond leads nowhere and goes when others take its place.
const GONE_MAX: usize = 10_000;

/// A record that somebody used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// The organisation in which they worked; empty for none.
    pub(super) tenant: String,
    pub(super) object: String,
    pub(super) record: String,
    /// What was done last.
    pub(super) action: UseAction,
    /// When, milliseconds since 1970.
    pub(super) used_ms: i64,
    /// What the database has as that moment.
    stored_ms: Option<i64>,
}

impl Use {
    pub(super) fn new(tenant: &str, object: &str, record: &str, action: UseAction, used_ms: i64) -> Self {
        Self {
            tenant: tenant.to_owned(),
            object: object.to_owned(),
            record: record.to_owned(),
            action,
            used_ms,
            stored_ms: None,
        }
    }

    /// Whether it is about this record in this organisation.
    pub(super) fn is_of(&self, tenant: &str, object: &str, record: &str) -> bool {
        self.record == record && self.object == object && self.tenant == tenant
    }

    /// Whether the database ever had it, as far as this process knows.
    pub(super) fn stored(&self) -> bool {
        self.stored_ms.is_some()
    }

    /// Whether it is to be written down. `last`: there is no later time for it.
    fn due(&self, now_ms: i64, last: bool) -> bool {
        match self.stored_ms {
            None => true,
            Some(stored_ms) => self.used_ms > stored_ms && (last || now_ms.saturating_sub(stored_ms) >= AGAIN_MS),
        }
    }

    /// Whether the database has it, and nothing is spared by knowing so.
    fn settled(&self, now_ms: i64) -> bool {
        self.stored_ms == Some(self.used_ms) && now_ms.saturating_sub(self.used_ms) >= AGAIN_MS
    }
}

/// What was deleted and is to be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gone {
    /// Ids of records by object.
    pub(super) records: HashMap<String, HashSet<String>>,
    /// Ids of people.
    pub(super) people: HashSet<String>,
    count: usize,
}

impl Gone {
    fn record(&mut self, object: &str, record: &str) {
        if self.count < GONE_MAX {
            let records = self.records.entry(object.to_owned()).or_default();
            self.count += usize::from(records.insert(record.to_owned()));
        }
    }

    fn person(&mut self, person: &str) {
        if self.count < GONE_MAX {
            self.count += usize::from(self.people.insert(person.to_owned()));
        }
    }

    /// A record that is there again, under the id of one that was deleted.
    fn came_back(&mut self, object: &str, record: &str) {
        if self
            .records
            .get_mut(object)
            .is_some_and(|records| records.remove(record))
        {
            self.count = self.count.saturating_sub(1);
        }
    }

    fn has(&self, person: &str, used: &Use) -> bool {
        let of_object = self.records.get(&used.object);
        self.people.contains(person) || of_object.is_some_and(|records| records.contains(&used.record))
    }
}

/// What is to be written down now.
#[derive(Debug)]
pub(super) struct Due {
    /// With their people, those of one beside each other.
    pub(super) uses: Vec<(String, Use)>,
    pub(super) gone: Gone,
}

/// All that is held.
#[derive(Debug)]
pub(super) struct Memory {
    /// By person, the latest last.
    people: HashMap<String, VecDeque<Use>>,
    /// Uses in all.
    held: usize,
    /// Uses in all at most.
    held_max: usize,
    gone: Gone,
    /// How fast each of them reads.
    pub(super) pace: Pace,
    /// Room was made since the last time that something was written down: there is no more of it.
    swept: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            people: HashMap::new(),
            held: 0,
            held_max: OF_ALL_MAX,
            gone: Gone::default(),
            pace: Pace::default(),
            swept: false,
        }
    }
}

impl Memory {
    /// Somebody used a record.
    pub(super) fn note(&mut self, person: &str, mut used: Use) {
        // Later uses have later moments, also within a millisecond: they are read back in that order.
        if let Some(last) = self.people.get(person).and_then(VecDeque::back) {
            used.used_ms = used.used_ms.max(last.used_ms + 1);
        }
        self.gone.came_back(&used.object, &used.record);
        if let Some(uses) = self.people.get_mut(person) {
            let known = |known: &Use| known.is_of(&used.tenant, &used.object, &used.record);
            if let Some(known) = uses.iter().rposition(known).and_then(|place| uses.remove(place)) {
                uses.push_back(Use {
                    stored_ms: known.stored_ms,
                    ..used
                });
                return;
            }
        }
        if self.held >= self.held_max && !self.make_room() {
            return;
        }
        let uses = self.people.entry(person.to_owned()).or_default();
        if uses.len() >= OF_ONE_MAX {
            uses.pop_front();
        } else {
            self.held += 1;
        }
        uses.push_back(used);
    }

    /// Lets go of what the database has: it is only held to spare a write.
    fn make_room(&mut self) -> bool {
        if !self.swept {
            self.swept = true;
            self.retain(|_, used| used.stored_ms != Some(used.used_ms));
        }
        self.held < self.held_max
    }

    fn retain(&mut self, keep: impl Fn(&str, &Use) -> bool) {
        self.people.retain(|person, uses| {
            uses.retain(|used| keep(person, used));
            !uses.is_empty()
        });
        self.held = self.people.values().map(VecDeque::len).sum();
    }

    /// A record was deleted.
    pub(super) fn record_gone(&mut self, object: &str, record: &str) {
        self.gone.record(object, record);
    }

    /// A person was deleted.
    pub(super) fn person_gone(&mut self, person: &str) {
        self.gone.person(person);
    }

    /// What is to be written down now, and lets go of what is not needed any more. Whoever wrote it says so by
    /// [`Memory::stored`], and what could not be forgotten comes back by [`Memory::forget_later`].
    pub(super) fn due(&mut self, now_ms: i64, last: bool) -> Due {
        let gone = std::mem::take(&mut self.gone);
        self.retain(|person, used| !used.settled(now_ms) && !gone.has(person, used));
        self.swept = false;
        let mut uses = Vec::new();
        for (person, of_person) in &self.people {
            let due = of_person.iter().filter(|used| used.due(now_ms, last));
            uses.extend(due.map(|used| (person.clone(), used.clone())));
        }
        Due { uses, gone }
    }

    /// These are in the database now.
    pub(super) fn stored(&mut self, written: &[(String, Use)]) {
        for (person, used) in written {
            let uses = self.people.get_mut(person).into_iter().flatten();
            let same = |known: &&mut Use| known.is_of(&used.tenant, &used.object, &used.record);
            if let Some(known) = uses.rev().find(same) {
                known.stored_ms = Some(used.used_ms);
            }
        }
    }

    /// These could not be forgotten: the next time they are to be.
    pub(super) fn forget_later(&mut self, gone: &Gone) {
        for (object, records) in &gone.records {
            records.iter().for_each(|record| self.gone.record(object, record));
        }
        gone.people.iter().for_each(|person| self.gone.person(person));
    }

    /// What somebody used in an organisation.
    pub(super) fn of(&self, person: &str, tenant: &str) -> Vec<Use> {
        let uses = self.people.get(person).into_iter().flatten();
        uses.filter(|used| used.tenant == tenant).cloned().collect()
    }

    /// Forgets what somebody used in an organisation, of these objects or of all; answers how much of it no database has.
    pub(super) fn clear(&mut self, person: &str, tenant: &str, objects: &[String]) -> u64 {
        let Some(uses) = self.people.get_mut(person) else {
            return 0;
        };
        let (before, mut unstored) = (uses.len(), 0);
        uses.retain(|used| {
            let goes = used.tenant == tenant && (objects.is_empty() || objects.contains(&used.object));
            unstored += u64::from(goes && !used.stored());
            !goes
        });
        self.held = self.held.saturating_sub(before - uses.len());
        if uses.is_empty() {
            self.people.remove(person);
        }
        unstored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(record: &str, used_ms: i64) -> Use {
        Use::new("", "thing", record, UseAction::Viewed, used_ms)
    }

    /// Ids of what is due, in their order.
    fn due(memory: &mut Memory, now_ms: i64, last: bool) -> Vec<String> {
        let due = memory.due(now_ms, last).uses;
        memory.stored(&due);
        due.into_iter().map(|(_, used)| used.record).collect()
    }

    #[test]
    fn the_same_record_is_written_down_once_in_a_minute() {
        let mut memory = Memory::default();
        memory.note("ann", used("a", 0));
        memory.note("ann", used("b", 1));
        assert_eq!(due(&mut memory, 5_000, false), ["a", "b"]);
        memory.note("ann", used("a", 6_000));
        let seen: Vec<String> = memory.of("ann", "").into_iter().map(|used| used.record).collect();
        assert_eq!(seen, ["b", "a"]);
        assert_eq!(due(&mut memory, 7_000, false), Vec::<String>::new());
        // In the end the order is the right one all the same.
        assert_eq!(due(&mut memory, AGAIN_MS, false), ["a"]);
        memory.note("ann", used("a", AGAIN_MS + 1));
        assert_eq!(due(&mut memory, AGAIN_MS + 2, true), ["a"]);
        // What the database has is let go of after a minute.
        assert_eq!(due(&mut memory, 3 * AGAIN_MS, false), Vec::<String>::new());
        assert_eq!((memory.held, memory.people.len()), (0, 0));
    }

    #[test]
    fn what_was_used_later_in_one_millisecond_is_later() {
        let mut memory = Memory::default();
        for record in ["b", "a", "b"] {
            memory.note("ann", used(record, 5));
        }
        memory.note("bob", used("a", 5));
        let moments = |person| -> Vec<(String, i64)> {
            let uses = memory.of(person, "").into_iter();
            uses.map(|used| (used.record, used.used_ms)).collect()
        };
        assert_eq!(moments("ann"), [("a".to_owned(), 6), ("b".to_owned(), 7)]);
        assert_eq!(moments("bob"), [("a".to_owned(), 5)]);
    }

    #[test]
    fn what_is_held_has_an_end() {
        let mut memory = Memory {
            held_max: OF_ONE_MAX + 10,
            ..Memory::default()
        };
        for number in 0..OF_ONE_MAX + 5 {
            memory.note("ann", used(&number.to_string(), 0));
        }
        assert_eq!(memory.held, OF_ONE_MAX);
        assert_eq!(memory.of("ann", "")[0].record, "5");
        // A burst of many people, each with one record.
        for person in 0..1_000 {
            memory.note(&format!("p{person}"), used("a", 0));
        }
        assert_eq!((memory.held, memory.people.len()), (OF_ONE_MAX + 10, 11));
        // Once they are written down, there is room for others.
        assert_eq!(due(&mut memory, 1, false).len(), OF_ONE_MAX + 10);
        memory.note("bob", used("a", 2));
        assert_eq!((memory.held, memory.of("bob", "").len()), (1, 1));
    }

    #[test]
    fn what_is_deleted_is_forgotten() {
        let mut memory = Memory::default();
        for (person, record) in [("ann", "a"), ("ann", "b"), ("bob", "a"), ("bob", "b"), ("eve", "c")] {
            memory.note(person, used(record, 0));
        }
        memory.record_gone("thing", "a");
        memory.record_gone("thing", "b");
        memory.person_gone("eve");
        // Made again under the same id, and used.
        memory.note("ann", used("b", 1));
        let due = memory.due(2, false);
        let mut left: Vec<(String, String)> = due.uses.into_iter().map(|(who, used)| (who, used.record)).collect();
        left.sort();
        let expected = [("ann", "b"), ("bob", "b")].map(|(who, record)| (who.to_owned(), record.to_owned()));
        assert_eq!(left, expected);
        assert_eq!((due.gone.records["thing"].len(), due.gone.people.len()), (1, 1));
        memory.forget_later(&due.gone);
        assert_eq!(memory.due(3, false).gone, due.gone);
        assert_eq!(memory.clear("ann", "", &["other".to_owned()]), 0);
        assert_eq!(memory.clear("ann", "", &[]), 1);
        assert_eq!((memory.held, memory.of("ann", "")), (1, Vec::new()));
    }
}
