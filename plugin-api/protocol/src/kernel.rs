//! The protocol's kernel schemas as Rust types, and the plugin document built from them.
//!
//! Every type names the published schema it follows. Unknown keys are refused, defaults are filled on read, and
//! `null` is not a spelling of "absent". Nothing here acts: the kernel does. Called by the kernel, by plugins, and at
//! compile time by the macro that declares a plugin, so dependencies stay light.

mod capability;
pub(crate) mod check;
mod context;
mod event;
mod health;
mod lifecycle;
mod manifest;
pub mod plugin_document;
mod security;
mod startup;

#[cfg(test)]
mod tests;

pub use self::capability::{
    CapabilityConformanceLevel, ExtensionCardinality, ExtensionContract, ExtensionPoint, ExtensionPointKind,
    InterfaceEvent, InterfaceMethod, InterfaceParameter, InterfaceStability, PluginCapability,
    PluginCapabilityManifest, PluginDependency, PluginExtension, PluginInterface, ProtocolFeature, ProtocolReference,
    ProtocolVersion,
};
pub use self::context::{KernelContext, RuntimeMode};
pub use self::event::{
    DeadLetterQueueEntry, Event, EventBusConfig, EventFailure, EventHandler, EventLogEntry, EventLogStatus,
    EventMessageQueueConfig, EventMetadata, EventPersistence, EventPriority, EventQueueConfig, EventReplayConfig,
    EventReplaySwitch, EventRoute, EventSourcingConfig, EventSourcingStorage, EventSourcingStorageKind, EventStorage,
    EventTypeDefinition, EventWebhookConfig, HandlerExecution, HandlerOutcome, HandlerRetry, MessageCompression,
    MessageFormat, MessageQueueProvider, RealTimeNotificationConfig, RealtimeChannel, RealtimeProtocol,
    RealtimeRateLimit, RetryPolicy, WebhookAuthentication, WebhookAuthenticationKind, WebhookMethod,
};
pub use self::health::{
    BackoffStrategy, DependencyHealth, HealthCheckResult, HealthCheckStatus, HealthMetrics, HealthStatus,
    PluginHealthCheck, PluginHealthReport, PluginHealthStatus,
};
pub use self::lifecycle::{
    EventPhase, HookRegisteredEvent, HookTriggeredEvent, KernelEventBase, KernelReadyEvent, KernelShutdownEvent,
    PluginErrorEvent, PluginEventBase, PluginLifecycleEventType, PluginLifecyclePhaseEvent, PluginRegisteredEvent,
    PluginStateSnapshot, ServiceRegisteredEvent, ServiceUnregisteredEvent, SnapshotMetadata,
};
pub use self::manifest::{
    CacheCompression, CacheInvalidation, CacheKeyStrategy, CacheStorage, ChunkNaming, CompressionAlgorithm,
    ConflictResolution, ContributedAction, ContributedCommand, ContributedDriver, ContributedFieldType,
    ContributedFunction, ContributedKind, ContributedMenuItem, ContributedRoute, ContributedTheme,
    ContributedTranslation, CycleReaction, DatasetEnvironment, DatasetMode, DeviceType, ImportMode, ImportRetry,
    InitializationMode, InitializationRetry, IpcTransport, IsolationIpc, IsolationLevel, IsolationPermissions,
    IsolationScope, LoadingStrategy, Manifest, ManifestConfiguration, ManifestContributions, ManifestDataset,
    MonitoredMetric, NetworkSpeed, OptionalDependencies, OptionalFailureReaction, PackageType, PeerDependencies,
    PerformanceBudgets, PluginCaching, PluginCodeSplitting, PluginDependencyResolution, PluginDynamicImport,
    PluginHotReload, PluginInitialization, PluginLoadingConfig, PluginPerformanceMonitoring, PluginPreloadConfig,
    PluginSandboxing, PreloadConditions, PreloadResource, ProblemReaction, ReloadEnvironment, ReloadHooks,
    ReloadSafety, ReloadStrategy, ResolutionStrategy, ResourceQuotas, SettingProperty, SettingType, SharedChunks,
    SplitStrategy, StateSerialization,
};
pub use self::security::{
    AccessMode, AuditLogPolicy, AuthenticationMethod, AuthenticationPolicy, Certification, CodeIssue,
    CodeIssueSeverity, CodeSigning, ContainerEngineConfig, ContainerNetworkMode, ContainerResources, ContainerRuntime,
    CorsPolicy, CpuSandbox, CspPolicy, DefaultGrant, DependencyVulnerability, EncryptionPolicy, EnvironmentSandbox,
    FilesystemSandbox, LicenseCompliance, LicenseIssue, LicenseStatus, MemorySandbox, NetworkMode, NetworkSandbox,
    PermissionAction, PermissionFilter, PermissionGroup, PermissionScope, PermissionSet, PluginPermission,
    PluginScanResult, PluginSecurityManifest, PluginSecurityPolicy, PluginTrustLevel, PluginVulnerability,
    ProcessSandbox, RateLimitPolicy, RateLimitStrategy, ResourceType, RuntimeConfig, SandboxConfig, SandboxEngine,
    SandboxEngineConfig, SandboxLevel, SandboxResourceLimits, ScanSummary, Scanner, SecurityContact, V8IsolateConfig,
    VulnerabilityDisclosure, VulnerabilitySeverity, WasmEngineConfig,
};
pub use self::startup::{PluginError, PluginStartupResult, StartedPlugin, StartupOptions, StartupOrchestrationResult};
