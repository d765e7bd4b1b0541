//! Events as authors see them: the one they publish and the one they receive (`kernel/Event`).

pub use objectos_protocol::kernel::Event;

/// How urgent (`kernel/EventPriority`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before everything.
    Critical,
    /// Soon.
    High,
    /// The rule.
    #[default]
    Normal,
    /// Later.
    Low,
    /// When nothing else is to do.
    Background,
}

/// An event to publish. The kernel adds id, source, time, user and tenant.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// Name, `^[a-z][a-z0-9_.]*$`, as the manifest declares in `events.publishes`.
    pub name: &'a str,
    /// Ordering key of a durable event, empty for none: events of one key reach a handler in the order they were stored.
    pub key: &'a str,
    /// JSON.
    pub payload: &'a [u8],
    /// How urgent.
    pub priority: Priority,
    /// Id of the event that caused this one, empty for none.
    pub causation_id: &'a str,
}

impl<'a> NewEvent<'a> {
    /// An event of normal priority without key and cause.
    #[must_use]
    pub fn new(name: &'a str, payload: &'a [u8]) -> Self {
        Self {
            name,
            key: "",
            payload,
            priority: Priority::Normal,
            causation_id: "",
        }
    }

    /// The same with an ordering key.
    #[must_use]
    pub fn with_key(mut self, key: &'a str) -> Self {
        self.key = key;
        self
    }
}
