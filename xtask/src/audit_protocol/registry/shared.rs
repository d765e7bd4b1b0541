//! Pieces that every family uses. Source: the `shared` folder of the protocol.

use objectos_protocol::shared;

use super::entries;

entries! {
    "shared/SortDirectionEnum" => shared::SortOrder,
    "shared/HttpMethod" => shared::HttpMethod,
    "shared/MetadataFormat" => shared::MetadataFormat,
    "shared/MutationEventEnum" => shared::MutationEvent,
    "shared/IsolationLevelEnum" => shared::IsolationLevel,
    "shared/StaticMount" => shared::StaticMount,
    "shared/RateLimitConfig" => shared::RateLimitConfig,
    "shared/BaseMetadataRecord" => shared::BaseMetadataRecord,
    "shared/CorsConfig" => shared::CorsConfig,
}
