//! What can be granted, and how each is spelt in a rule.

use std::fmt;

use serde::{Serialize, Serializer};

use super::scope::ScopeKind;

/// Something a plugin may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    ServiceUse,
    ServiceProvide,
    HookRun,
    HookHandle,
    EventPublish,
    EventHandle,
    ObjectRead,
    ObjectWrite,
    /// Change an object's definition.
    ObjectManage,
    NetworkConnect,
    NetworkListen,
    FileRead,
    FileWrite,
    DatabaseConnect,
    EnvironmentRead,
    ProcessSpawn,
    /// Install handlers of the whole process.
    ProcessSignal,
    ConfigRead,
    ConfigWrite,
    PluginRead,
    PluginManage,
    ApiUse,
    InterfaceUse,
    /// Say who asks: make the principal of a context.
    PrincipalSet,
    /// Act as the system, past the permissions of users.
    System,
}

impl Capability {
    /// All of them with their spelling and the kind of scope they take.
    const TABLE: [(Self, &'static str, &'static str, ScopeKind); 25] = [
        (Self::ServiceUse, "service", "use", ScopeKind::Name),
        (Self::ServiceProvide, "service", "provide", ScopeKind::Name),
        (Self::HookRun, "hook", "run", ScopeKind::Name),
        (Self::HookHandle, "hook", "handle", ScopeKind::Name),
        (Self::EventPublish, "event", "publish", ScopeKind::Name),
        (Self::EventHandle, "event", "handle", ScopeKind::Name),
        (Self::ObjectRead, "object", "read", ScopeKind::Name),
        (Self::ObjectWrite, "object", "write", ScopeKind::Name),
        (Self::ObjectManage, "object", "manage", ScopeKind::Name),
        (Self::NetworkConnect, "network", "connect", ScopeKind::Host),
        (Self::NetworkListen, "network", "listen", ScopeKind::Host),
        (Self::FileRead, "file", "read", ScopeKind::Path),
        (Self::FileWrite, "file", "write", ScopeKind::Path),
        (Self::DatabaseConnect, "database", "connect", ScopeKind::Name),
        (Self::EnvironmentRead, "env", "read", ScopeKind::Name),
        (Self::ProcessSpawn, "process", "spawn", ScopeKind::Name),
        (Self::ProcessSignal, "process", "signal", ScopeKind::Name),
        (Self::ConfigRead, "config", "read", ScopeKind::Name),
        (Self::ConfigWrite, "config", "write", ScopeKind::Name),
        (Self::PluginRead, "plugin", "read", ScopeKind::Name),
        (Self::PluginManage, "plugin", "manage", ScopeKind::Name),
        (Self::ApiUse, "api", "use", ScopeKind::Name),
        (Self::InterfaceUse, "ui", "use", ScopeKind::Name),
        (Self::PrincipalSet, "principal", "set", ScopeKind::Name),
        (Self::System, "system", "act", ScopeKind::Name),
    ];

    /// Whether it is asked for at each use: by the kernel at its own doors, by `http-client` for hosts, by `data` for objects.
    /// Some others are asked for when a plugin is to be loaded, and then its code does what it does: that goes past the kernel.
    #[must_use]
    pub const fn held(self) -> bool {
        match self {
            Self::ServiceUse
            | Self::ServiceProvide
            | Self::HookRun
            | Self::HookHandle
            | Self::EventPublish
            | Self::EventHandle
            | Self::NetworkConnect
            | Self::NetworkListen
            | Self::EnvironmentRead
            | Self::ProcessSpawn
            | Self::ProcessSignal
            | Self::ObjectRead
            | Self::ObjectWrite
            | Self::ObjectManage
            | Self::PluginManage
            | Self::PrincipalSet
            | Self::System => true,
            Self::FileRead
            | Self::FileWrite
            | Self::DatabaseConnect
            | Self::ConfigRead
            | Self::ConfigWrite
            | Self::PluginRead
            | Self::ApiUse
            | Self::InterfaceUse => false,
        }
    }

    /// Whether nothing at all comes of it, neither at a use nor at the load: a rule about it would be a promise that nobody
    /// keeps.
    #[must_use]
    pub const fn idle(self) -> bool {
        matches!(
            self,
            Self::ConfigRead | Self::ConfigWrite | Self::PluginRead | Self::ApiUse | Self::InterfaceUse
        )
    }

    fn row(self) -> &'static (Self, &'static str, &'static str, ScopeKind) {
        // The table holds every variant; a test compares the two.
        Self::TABLE.iter().find(|row| row.0 == self).unwrap_or(&Self::TABLE[0])
    }

    /// The capability that is spelt `noun:verb`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (noun, verb) = text.split_once(':')?;
        let row = Self::TABLE.iter().find(|row| row.1 == noun && row.2 == verb)?;
        Some(row.0)
    }

    /// Capabilities of a noun, or one of them by its verb; `*` stands for any.
    pub(super) fn named(noun: &str, verb: &str) -> Vec<Self> {
        let fits = |part: &str, wanted: &str| wanted == "*" || part == wanted;
        Self::TABLE
            .iter()
            .filter(|row| fits(row.1, noun) && fits(row.2, verb))
            .map(|row| row.0)
            .collect()
    }

    /// Every `noun:verb`, for the nearest spelling of a wrong one.
    pub(crate) fn spellings() -> impl Iterator<Item = String> {
        Self::TABLE.iter().map(|row| format!("{}:{}", row.1, row.2))
    }

    pub(super) fn scope_kind(self) -> ScopeKind {
        self.row().3
    }
}

impl fmt::Display for Capability {
    /// As in `network:connect`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.row();
        write!(formatter, "{}:{}", row.1, row.2)
    }
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
