//! Where the rows of a list come from.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guard::{guarded, some};
use crate::map_only::map_only;
use crate::shared::JsonMap;
use crate::wire_enum::wire_enum;

/// The source of a view's rows, by `provider`. Source: `ui/ViewData`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum ViewData {
    /// Records of an object.
    Object(ObjectData),
    /// Answers of an endpoint.
    Api(Box<ApiData>),
    /// Rows written in the view.
    Value(ValueData),
}

/// Records of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ObjectData", deny_unknown_fields)]
pub struct ObjectData {
    /// The object's name.
    pub object: String,
}

/// Requests that read and write rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ApiData", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ApiData {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub read: Option<HttpRequest>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub write: Option<HttpRequest>,
}

/// Rows as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ValueData", deny_unknown_fields)]
pub struct ValueData {
    pub items: Vec<Value>,
}

wire_enum! {
    /// Methods a view's request may use. Source: `ui/HttpMethod`.
    #[derive(Default)]
    pub enum RequestMethod {
        #[default]
        Get = "GET",
        Post = "POST",
        Put = "PUT",
        Patch = "PATCH",
        Delete = "DELETE",
    }
}

/// A request that a view makes. Source: `ui/HttpRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HttpRequest", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct HttpRequest {
    pub url: String,
    #[serde(default)]
    pub method: RequestMethod,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub headers: Option<IndexMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub params: Option<JsonMap>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub body: Option<Value>,
}

map_only! { ObjectData, ApiData, ValueData, HttpRequest }
