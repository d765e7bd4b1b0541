//! Event sourcing (`kernel/EventSourcingConfig`): the state that a record had at any moment, rebuilt from its events.
//!
//! An aggregate is a record; its events are the five of `contracts::events` that tell of records. Where sourcing is on for its
//! object, these events are kept for `retention` days, or as long as all others if that is longer; after each
//! `snapshotInterval` of them a snapshot of the record is kept, of which the newest `snapshotRetention` stay; and of what
//! was forgotten the state that it led to is kept. So every state within the retention is the newest snapshot before it and
//! the events after that, folded (`fold`, `rebuild`).
//!
//! `storage` says where these events and snapshots are: `database` is the event store; with `file` and `s3` done
//! events of the records are moved to a service of that name (`streams`), and a record is rebuilt out of both. The
//! other events stay where `persistence.storage` says.
//!
//! Snapshots are taken a moment after an event, by whichever node delivers it (`snapshots`). They are no more than a short
//! way: rebuilding does not need them. Where the store keeps no aggregates, the bus says so and sourcing does nothing.

mod fold;
mod rebuild;
mod snapshots;
mod streams;
mod touched;

#[cfg(test)]
mod tests;

use objectos_plugin_api::protocol::kernel::{EventSourcingConfig, EventSourcingStorage, EventSourcingStorageKind};

pub(crate) use self::{
    rebuild::rebuild,
    snapshots::keep,
    streams::{Place, Streams, prune},
    touched::Touched,
};
use super::{error::EventConfigError, settings::plain};

/// Words of an object's name.
fn is_object(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// The checked section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sourcing {
    /// Names of objects; empty is all.
    pub(crate) objects: Vec<String>,
    /// Events between two snapshots of an aggregate.
    pub(crate) interval: u64,
    /// Snapshots kept of an aggregate.
    pub(crate) newest: u64,
    pub(crate) retention_days: u64,
    /// Where events and snapshots of its aggregates are kept.
    pub(crate) place: Place,
}

impl Sourcing {
    /// Checks the section; `None` when it is switched off.
    ///
    /// # Errors
    /// `Unsupported` for the storage `eventstore`; `Invalid` for options of a storage, and for what names no object.
    pub(crate) fn compile(section: Option<&EventSourcingConfig>) -> Result<Option<Self>, EventConfigError> {
        let Some(section) = section.filter(|section| section.enabled) else {
            return Ok(None);
        };
        let place = section.storage.as_ref().map_or(Ok(Place::Store), place_of)?;
        for (index, name) in section.aggregate_types.iter().enumerate() {
            if !is_object(name) {
                return Err(EventConfigError::invalid(
                    format!("eventSourcing.aggregateTypes[{index}]"),
                    format!("`{name}` is no name of an object; write one as in `sales_order`"),
                ));
            }
        }
        Ok(Some(Self {
            objects: section.aggregate_types.clone(),
            interval: section.snapshot_interval,
            newest: section.snapshot_retention,
            retention_days: section.retention,
            place,
        }))
    }

    /// Whether records of this object are aggregates.
    pub(crate) fn covers(&self, object: &str) -> bool {
        self.objects.is_empty() || self.objects.iter().any(|name| name == object)
    }
}

fn place_of(storage: &EventSourcingStorage) -> Result<Place, EventConfigError> {
    let place = match storage.kind {
        EventSourcingStorageKind::Database => Place::Store,
        EventSourcingStorageKind::File => Place::File,
        EventSourcingStorageKind::S3 => Place::S3,
        EventSourcingStorageKind::Eventstore => {
            return Err(EventConfigError::Unsupported {
                key: "eventSourcing.storage.type".to_owned(),
                what: format!("the storage {}", plain(&storage.kind)),
                hint: "nothing here speaks to a foreign database of events; write database, file or s3",
            });
        }
    };
    match storage.options.keys().next() {
        None => Ok(place),
        Some(option) => Err(EventConfigError::invalid(
            format!("eventSourcing.storage.options.{option}"),
            format!(
                "the storage {} has no options; remove it: where things are kept, the plugin that keeps them is told",
                plain(&storage.kind)
            ),
        )),
    }
}
