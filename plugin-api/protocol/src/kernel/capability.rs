//! What a plugin offers and needs in the protocol's terms: `kernel/PluginCapabilityManifest` and its parts.
//!
//! The kernel enforces `objectos.services` of the plugin document; this is the interoperable description beside it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::check::{
    DateTime, DottedId, ExtensionId, InterfaceId, Pattern, ProtocolId, integer, optional_text, present, published,
    signed, text, whole, yes,
};
use crate::map_only::map_only;

/// Version in three numbers, from `kernel/ProtocolVersion`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ProtocolVersion", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ProtocolVersion {
    #[serde(deserialize_with = "whole")]
    pub major: u64,
    #[serde(deserialize_with = "whole")]
    pub minor: u64,
    #[serde(deserialize_with = "whole")]
    pub patch: u64,
}

/// A protocol a plugin conforms to, from `kernel/ProtocolReference`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ProtocolReference", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ProtocolReference {
    /// `com.example.protocol.name.v1`.
    #[serde(deserialize_with = "text::<_, ProtocolId>")]
    #[schemars(regex(pattern = ProtocolId::PATTERN))]
    pub id: String,
    pub label: String,
    pub version: ProtocolVersion,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub specification: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// One feature of a protocol, from `kernel/ProtocolFeature`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ProtocolFeature", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ProtocolFeature {
    pub name: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub since_version: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub deprecated_since: Option<String>,
}

/// How much of a protocol is there, from `kernel/CapabilityConformanceLevel`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CapabilityConformanceLevel {
    #[default]
    Full,
    Partial,
    Experimental,
    Deprecated,
}

/// A protocol and how far the plugin goes, from `kernel/PluginCapability`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginCapability", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginCapability {
    pub protocol: ProtocolReference,
    #[serde(default)]
    pub conformance: CapabilityConformanceLevel,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub implemented_features: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<ProtocolFeature>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    #[serde(default)]
    pub certified: bool,
    #[serde(
        default,
        deserialize_with = "optional_text::<_, DateTime>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "date-time"))]
    pub certification_date: Option<String>,
}

/// A parameter of an interface method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "InterfaceParameter", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct InterfaceParameter {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default = "yes")]
    pub required: bool,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A method of an interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "InterfaceMethod", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct InterfaceMethod {
    pub name: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<InterfaceParameter>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub return_type: Option<String>,
    #[serde(rename = "async", default)]
    pub asynchronous: bool,
}

/// An event an interface emits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "InterfaceEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct InterfaceEvent {
    pub name: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

/// What may be expected of an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InterfaceStability {
    #[default]
    Stable,
    Beta,
    Alpha,
    Experimental,
}

/// An interface offered to others, from `kernel/PluginInterface`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginInterface", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginInterface {
    /// `com.example.interface.name`.
    #[serde(deserialize_with = "text::<_, InterfaceId>")]
    #[schemars(regex(pattern = InterfaceId::PATTERN))]
    pub id: String,
    pub name: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub version: ProtocolVersion,
    pub methods: Vec<InterfaceMethod>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<InterfaceEvent>,
    #[serde(default)]
    pub stability: InterfaceStability,
}

/// A plugin that is needed, from `kernel/PluginDependency`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginDependency", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginDependency {
    #[serde(deserialize_with = "text::<_, DottedId>")]
    #[schemars(regex(pattern = DottedId::PATTERN))]
    pub plugin_id: String,
    /// Semantic version range.
    pub version: String,
    #[serde(default)]
    pub optional: bool,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_capabilities: Vec<String>,
}

/// What an extension point takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExtensionPointKind {
    Action,
    Hook,
    Widget,
    Provider,
    Transformer,
    Validator,
    Decorator,
}

/// What an extension has to look like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ExtensionContract", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct ExtensionContract {
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// How many extensions a point takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExtensionCardinality {
    Single,
    #[default]
    Multiple,
}

/// A place where others extend the plugin, from `kernel/ExtensionPoint`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ExtensionPoint", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ExtensionPoint {
    /// `com.example.extension.name`.
    #[serde(deserialize_with = "text::<_, ExtensionId>")]
    #[schemars(regex(pattern = ExtensionId::PATTERN))]
    pub id: String,
    pub name: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub kind: ExtensionPointKind,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub contract: Option<ExtensionContract>,
    #[serde(default)]
    pub cardinality: ExtensionCardinality,
}

/// An extension of another plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginExtension", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginExtension {
    pub target_plugin_id: String,
    pub extension_point_id: String,
    pub implementation: String,
    /// Lower comes first.
    #[serde(default = "signed::<100>", deserialize_with = "integer")]
    pub priority: i64,
}

/// Everything a plugin offers and needs, from `kernel/PluginCapabilityManifest`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "PluginCapabilityManifest",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct PluginCapabilityManifest {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub implements: Vec<PluginCapability>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provides: Vec<PluginInterface>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<PluginDependency>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extension_points: Vec<ExtensionPoint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<PluginExtension>,
}

map_only! {
    ProtocolVersion, ProtocolReference, ProtocolFeature, PluginCapability, InterfaceParameter, InterfaceMethod, InterfaceEvent, PluginInterface, PluginDependency, ExtensionContract, ExtensionPoint, PluginExtension, PluginCapabilityManifest,
}
