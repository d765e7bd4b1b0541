//! What of SCIM is spoken here (RFC 7643, sections 5 to 7): the service, its types of resources, and their schemas.

use serde_json::{Value, json};

use super::{BASE, PAGE_MAX, groups, list, scim, users};
use crate::{
    error::{Refusal, Result},
    http::Reply,
    routes::Call,
};

const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// `GET /scim/v2/ServiceProviderConfig`.
pub(in crate::routes) async fn service_provider_config(call: Call) -> Result<Reply> {
    scim(&call, async {
        let (yes, no) = (json!({ "supported": true }), json!({ "supported": false }));
        Ok(Reply::ok(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": yes,
            "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
            "filter": { "supported": true, "maxResults": PAGE_MAX },
            "changePassword": no,
            "sort": no,
            "etag": no,
            "authenticationSchemes": [{
                "type": "oauthbearertoken", "name": "API key", "description": "A key of ObjectOS as a bearer token",
            }],
        })))
    })
    .await
}

fn resource_types_known() -> [Value; 2] {
    let kind = |name: &str, endpoint: &str, schema: &str| {
        json!({
            "schemas": [RESOURCE_TYPE], "id": name, "name": name, "endpoint": endpoint, "schema": schema,
            "meta": { "resourceType": "ResourceType", "location": format!("{BASE}/ResourceTypes/{name}") },
        })
    };
    [
        kind("User", "/Users", users::SCHEMA),
        kind("Group", "/Groups", groups::SCHEMA),
    ]
}

/// An attribute that everybody may write.
fn attribute(name: &str, kind: &str, description: &str) -> Value {
    json!({
        "name": name, "type": kind, "multiValued": false, "description": description, "required": false,
        "caseExact": kind == "string", "mutability": "readWrite", "returned": "default", "uniqueness": "none",
    })
}

/// An attribute with attributes of its own.
fn complex(name: &str, several: bool, description: &str, parts: &[Value]) -> Value {
    let mut made = attribute(name, "complex", description);
    made["multiValued"] = several.into();
    made["subAttributes"] = parts.into();
    made
}

/// A resource cannot be without it, and no other has the same.
fn unique(mut attribute: Value) -> Value {
    attribute["required"] = true.into();
    attribute["caseExact"] = false.into();
    attribute["uniqueness"] = "server".into();
    attribute
}

fn required(mut attribute: Value) -> Value {
    attribute["required"] = true.into();
    attribute
}

fn user_attributes() -> Vec<Value> {
    let text = |name: &str, description: &str| attribute(name, "string", description);
    vec![
        unique(text("userName", "The e-mail address with which the user signs in")),
        text("externalId", "Id in the directory"),
        text("displayName", "Name to show"),
        complex(
            "name",
            false,
            "Parts of the name",
            &[
                text("formatted", "The whole"),
                text("givenName", "Given name"),
                text("familyName", "Family name"),
            ],
        ),
        complex(
            "emails",
            true,
            "The same address as userName",
            &[
                text("value", "The address"),
                text("type", "What for"),
                attribute("primary", "boolean", "The one that counts"),
            ],
        ),
        attribute("active", "boolean", "Whether the user may sign in"),
    ]
}

fn group_attributes() -> Vec<Value> {
    let text = |name: &str, description: &str| attribute(name, "string", description);
    vec![
        required(text("displayName", "Name of the team")),
        text("externalId", "Id in the directory"),
        complex(
            "members",
            true,
            "Users in the team",
            &[text("value", "Id of the user"), text("$ref", "Where the user is read")],
        ),
    ]
}

fn schemas_known() -> [Value; 2] {
    let schema = |id: &str, name: &str, description: &str, attributes: Vec<Value>| {
        json!({
            "schemas": [SCHEMA], "id": id, "name": name, "description": description, "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": format!("{BASE}/Schemas/{id}") },
        })
    };
    [
        schema(users::SCHEMA, "User", "Somebody who can sign in", user_attributes()),
        schema(groups::SCHEMA, "Group", "A team of an organization", group_attributes()),
    ]
}

/// The one with the id of the request.
fn one(call: &Call, known: [Value; 2]) -> Result<Reply> {
    let id = call.request.parameter("id");
    let found = known.into_iter().find(|value| value["id"] == id);
    found.map(Reply::ok).ok_or_else(|| Refusal::NotFound.into())
}

/// `GET /scim/v2/ResourceTypes`.
pub(in crate::routes) async fn resource_types(call: Call) -> Result<Reply> {
    scim(&call, async { Ok(list(&resource_types_known(), 2, 0)) }).await
}

/// `GET /scim/v2/ResourceTypes/{id}`.
pub(in crate::routes) async fn resource_type(call: Call) -> Result<Reply> {
    scim(&call, async { one(&call, resource_types_known()) }).await
}

/// `GET /scim/v2/Schemas`.
pub(in crate::routes) async fn schemas(call: Call) -> Result<Reply> {
    scim(&call, async { Ok(list(&schemas_known(), 2, 0)) }).await
}

/// `GET /scim/v2/Schemas/{id}`.
pub(in crate::routes) async fn schema(call: Call) -> Result<Reply> {
    scim(&call, async { one(&call, schemas_known()) }).await
}
