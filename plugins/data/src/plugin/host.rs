//! The kernel as the engine's ports.

use std::collections::HashMap;

use objectos_plugin_api::contracts::events::{
    CHANGED_ELSEWHERE, CONFIG_CHANGED, ChangedElsewhere, METADATA_CHANGED, Origin, SecurityEvent,
};
use objectos_plugin_api::contracts::file_storage::{Attachment, FileRequest, FileStorageClient, StoredFile};
use objectos_plugin_api::contracts::http_client::{HttpClientClient, IncomingAnswer, OutgoingRequest};
use objectos_plugin_api::{
    Context, Error, ErrorKind, HookRef, HookStep, Host, NewEvent, Priority, Result as ApiResult,
};
use serde_json::json;

use super::owners::Owners;
use super::publishers;
use crate::declared::Declared;
use crate::engine::ports::{Clock, EventSignal, Files, HookPoint, Hooks, Outside};
use crate::error::Result;
use crate::runtime::{MetadataChange, MetadataSignal};
use crate::store::BoxFuture;

/// The kernel's hook points, and what it knows of the plugins that handle them.
#[derive(Debug)]
pub(super) struct HostHooks {
    host: Host,
    points: HashMap<HookPoint, HookRef>,
    owners: Owners,
}

impl HostHooks {
    pub(super) fn new(host: &Host) -> ApiResult<Self> {
        let open = |point: HookPoint| Ok((point, host.hook(point.name())?));
        Ok(Self {
            host: host.clone(),
            points: HookPoint::ALL.into_iter().map(open).collect::<ApiResult<_>>()?,
            owners: Owners::new(host),
        })
    }
}

impl Hooks for HostHooks {
    fn armed(&self, point: HookPoint, object: &str) -> bool {
        self.points.get(&point).is_some_and(|hook| hook.armed(object))
    }

    fn run<'a>(
        &'a self,
        point: HookPoint,
        context: &'a Context,
        object: &'a str,
        payload: Vec<u8>,
    ) -> BoxFuture<'a, Result<Vec<HookStep>>> {
        Box::pin(async move {
            let Some(hook) = self.points.get(&point) else {
                return Ok(Vec::new());
            };
            Ok(hook.steps(context, object, &payload).await?)
        })
    }

    fn admit<'a>(&'a self, context: &'a Context, plugin: &'a str, object: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { Ok(self.owners.admit(context, plugin, object).await?) })
    }

    fn admit_event<'a>(&'a self, context: &'a Context, plugin: &'a str, event: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { Ok(publishers::admit(&self.host, context, plugin, event).await?) })
    }
}

/// Services of other plugins. Opened when they are needed: the operator may grant none of them, and the kernel keeps one
/// reference for each name.
#[derive(Debug)]
pub(super) struct HostOutside(pub(super) Host);

impl Outside for HostOutside {
    fn send<'a>(&'a self, context: &'a Context, request: OutgoingRequest) -> BoxFuture<'a, Result<IncomingAnswer>> {
        Box::pin(async move { Ok(HttpClientClient::open(&self.0)?.send(context, &request).await?) })
    }

    fn call<'a>(
        &'a self,
        context: &'a Context,
        service: &'a str,
        method: &'a str,
        payload: Vec<u8>,
    ) -> BoxFuture<'a, Result<Vec<u8>>> {
        Box::pin(async move {
            let service = self.0.service(service, "*")?;
            Ok(service.call(context, method, &payload).await?.to_vec())
        })
    }
}

/// Name of the service that keeps files.
pub(super) const FILE_STORAGE: &str = "file-storage";

/// The service that keeps files, where a plugin declares one.
#[derive(Debug)]
pub(super) struct HostFiles {
    host: Host,
    declared: Declared,
}

impl HostFiles {
    pub(super) fn new(host: &Host) -> Self {
        Self {
            host: host.clone(),
            declared: Declared::new(host, FILE_STORAGE),
        }
    }
}

impl Files for HostFiles {
    fn kept(&self) -> bool {
        self.declared.holds()
    }

    fn stat<'a>(&'a self, context: &'a Context, id: &'a str) -> BoxFuture<'a, Result<Option<StoredFile>>> {
        Box::pin(async move {
            let request = FileRequest { id: id.to_owned() };
            match FileStorageClient::open(&self.host)?.stat(context, &request).await {
                Ok(file) => Ok(Some(file)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn attach<'a>(&'a self, context: &'a Context, at: Attachment) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { Ok(FileStorageClient::open(&self.host)?.attach(context, &at).await?) })
    }

    fn detach<'a>(&'a self, context: &'a Context, at: Attachment) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { Ok(FileStorageClient::open(&self.host)?.detach(context, &at).await?) })
    }
}

/// The kernel's event dispatcher.
#[derive(Debug)]
pub(super) struct HostSignal(pub(super) Host);

impl EventSignal for HostSignal {
    fn stored(&self) {
        self.0.events_stored();
    }
}

/// The kernel's clock.
#[derive(Debug)]
pub(super) struct HostClock(pub(super) Host);

impl Clock for HostClock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }
}

/// The kernel's bus, for what other nodes changed.
#[derive(Debug)]
pub(super) struct HostElsewhere(pub(super) Host);

impl HostElsewhere {
    /// Tells this node's plugins.
    pub(super) fn tell(&self, changed: &ChangedElsewhere) {
        let told = serde_json::to_vec(changed)
            .map_err(Error::internal)
            .and_then(|payload| {
                let event = NewEvent {
                    priority: Priority::Critical,
                    ..NewEvent::new(CHANGED_ELSEWHERE, &payload)
                };
                self.0.publish(&Context::background(), &event)
            });
        if let Err(error) = told {
            tracing::warn!(error = %error, "nobody could be told of what another node changed");
        }
    }
}

/// The kernel's bus, for changed metadata.
#[derive(Debug)]
pub(super) struct HostMetadataSignal(pub(super) Host);

impl HostMetadataSignal {
    fn publish(&self, context: &Context, kinds: &[&'static str], catalogue: u64) {
        let payload = json!({ "kinds": kinds, "version": catalogue }).to_string();
        let event = NewEvent::new(METADATA_CHANGED, payload.as_bytes());
        if let Err(error) = self.0.publish(context, &event) {
            tracing::warn!(error = %error, "nobody could be told of the changed metadata");
        }
    }
}

impl MetadataSignal for HostMetadataSignal {
    fn changed<'a>(&'a self, context: &'a Context, change: MetadataChange<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.publish(context, &[change.kind], change.catalogue);
            let event = SecurityEvent {
                origin: Origin::of(context),
                target_type: Some("metadata".to_owned()),
                target_id: Some(format!("{}/{}", change.kind, change.name)),
                target_name: Some(change.name.to_owned()),
                description: format!("{} of {} '{}'", change.operation, change.kind, change.name),
                result: "success".to_owned(),
                error_message: None,
                metadata: json!({ "kind": change.kind, "operation": change.operation, "version": change.number })
                    .as_object()
                    .cloned()
                    .unwrap_or_default(),
            };
            let Ok(payload) = serde_json::to_vec(&event) else {
                return;
            };
            let event = NewEvent::new(CONFIG_CHANGED, &payload);
            if let Err(error) = self.0.publish_durable(context, &event).await {
                tracing::error!(error = %error, "the changed metadata could not be written down");
            }
        })
    }
    fn followed<'a>(&'a self, kinds: &'a [&'static str], catalogue: u64) -> BoxFuture<'a, ()> {
        self.publish(&Context::background(), kinds, catalogue);
        Box::pin(std::future::ready(()))
    }
}
