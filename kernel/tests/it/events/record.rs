//! Records in a model: what happens to them becomes events, as the plugin that owns the data stores them, and is remembered.

use objectos_kernel::clock::Clock;
use objectos_plugin_api::protocol::kernel::EventPriority;
use serde_json::{Map, Value, json};

use super::world::{World, event};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    Created,
    Updated,
    Deleted,
    Restored,
    Purged,
}

impl Happening {
    fn name(self) -> &'static str {
        match self {
            Self::Created => "data.record.created",
            Self::Updated => "data.record.updated",
            Self::Deleted => "data.record.deleted",
            Self::Restored => "data.record.restored",
            Self::Purged => "data.record.purged",
        }
    }

    fn leaves_a_record(self) -> bool {
        !matches!(self, Self::Deleted | Self::Purged)
    }
}

/// One event of the past.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) record: String,
    pub(crate) sequence: u64,
    pub(crate) at_ms: i64,
    /// What the record was from then on.
    pub(crate) state: Option<Map<String, Value>>,
}

/// Everything that was told, in its order.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) told: Vec<Told>,
}

impl History {
    /// Something happens to a record, whose field `n` is then this.
    pub(crate) fn tell(&mut self, world: &World, object: &str, record: &str, happening: Happening, n: i64) {
        let at_ms = world.clock.now_ms();
        let state = happening
            .leaves_a_record()
            .then(|| Map::from_iter([("id".to_owned(), json!(record)), ("n".to_owned(), json!(n))]));
        let mut payload = json!({"type": happening.name(), "object": object, "recordId": record});
        if let Some(state) = &state {
            payload["after"] = json!(state);
        }
        let id = format!("r{}", self.told.len());
        let mut event = event(&id, happening.name(), EventPriority::Normal, payload);
        event.metadata.timestamp = text_of_ms(at_ms);
        let sequences = world.store.write([(event, format!("{object}/{record}"))]);
        world.bus.events_stored();
        self.told.push(Told {
            record: record.to_owned(),
            sequence: sequences[0],
            at_ms,
            state,
        });
    }

    /// The last event of a record among those that `counts`.
    pub(crate) fn last(&self, record: &str, counts: impl Fn(&Told) -> bool) -> Option<&Told> {
        self.told
            .iter()
            .rev()
            .find(|told| told.record == record && counts(told))
    }
}

pub(crate) fn text_of_ms(at_ms: i64) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000).expect("a moment");
    moment
        .format(&time::format_description::well_known::Rfc3339)
        .expect("a text")
}
