//! Provisioning of users and groups (SCIM 2.0).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{date_time, email, guarded, list_from, some, uri, yes};
use crate::map_only::map_only;
use crate::text::{DATE_TIME, EMAIL};
use crate::wire_enum::wire_enum;

/// When and where a resource was made. Source: `identity/SCIMMeta`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimMeta", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimMeta {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub resource_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub last_modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub version: Option<String>,
}

/// The parts of a person's name. Source: `identity/SCIMName`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimName", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimName {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub honorific_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub honorific_suffix: Option<String>,
}

/// An e-mail address. Source: `identity/SCIMEmail`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimEmail", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimEmail {
    #[serde(deserialize_with = "email")]
    #[schemars(regex(pattern = EMAIL), extend("format" = "email"))]
    pub value: String,
    #[serde(
        rename = "type",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub kind: Option<ScimLocation>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub display: Option<String>,
    #[serde(default)]
    pub primary: bool,
}

wire_enum! {
    /// What an address or number is for. Source: `identity/SCIMEmail`.
    pub enum ScimLocation {
        Work = "work",
        Home = "home",
        Other = "other",
    }
}

/// A telephone number. Source: `identity/SCIMPhoneNumber`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimPhoneNumber", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimPhoneNumber {
    pub value: String,
    #[serde(
        rename = "type",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub kind: Option<ScimPhoneKind>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub display: Option<String>,
    #[serde(default)]
    pub primary: bool,
}

wire_enum! {
    /// `type` in `identity/SCIMPhoneNumber`.
    pub enum ScimPhoneKind {
        Work = "work",
        Home = "home",
        Mobile = "mobile",
        Fax = "fax",
        Pager = "pager",
        Other = "other",
    }
}

/// A postal address. Source: `identity/SCIMAddress`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimAddress", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimAddress {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub street_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub locality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub country: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub kind: Option<ScimLocation>,
    pub primary: bool,
}

/// A group a user belongs to. Source: `identity/SCIMGroupReference`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimGroupReference", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimGroupReference {
    pub value: String,
    #[serde(
        rename = "$ref",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "uri"
    )]
    #[schemars(extend("format" = "uri"))]
    pub reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub display: Option<String>,
    #[serde(
        rename = "type",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub kind: Option<ScimGroupKind>,
}

wire_enum! {
    /// `type` in `identity/SCIMGroupReference`.
    pub enum ScimGroupKind {
        Direct = "direct",
        Indirect = "indirect",
    }
}

/// A user's place in a company. Source: `identity/SCIMEnterpriseUser`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "ScimEnterpriseUser",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct ScimEnterpriseUser {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub employee_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cost_center: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub division: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub department: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub manager: Option<ScimManager>,
}

/// A user's manager. Source: `identity/SCIMEnterpriseUser`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimManager", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimManager {
    pub value: String,
    #[serde(
        rename = "$ref",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "uri"
    )]
    #[schemars(extend("format" = "uri"))]
    pub reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub display_name: Option<String>,
}

/// A user. Source: `identity/SCIMUser`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimUser", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimUser {
    #[serde(default = "user_schemas", deserialize_with = "list_from::<1, _, _>")]
    #[schemars(length(min = 1))]
    pub schemas: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub external_id: Option<String>,
    pub user_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub name: Option<ScimName>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub nick_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub profile_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub user_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub preferred_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub locale: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub timezone: Option<String>,
    #[serde(default = "yes")]
    pub active: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub emails: Option<Vec<ScimEmail>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub phone_numbers: Option<Vec<ScimPhoneNumber>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub ims: Option<Vec<ScimValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub photos: Option<Vec<ScimPhoto>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub addresses: Option<Vec<ScimAddress>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub groups: Option<Vec<ScimGroupReference>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub entitlements: Option<Vec<ScimValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub roles: Option<Vec<ScimValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub x509_certificates: Option<Vec<ScimValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ScimMeta>,
    #[serde(
        rename = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub enterprise: Option<ScimEnterpriseUser>,
}

/// A value with its kind. Source: `identity/SCIMUser`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimValue", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimValue {
    pub value: String,
    #[serde(
        rename = "type",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub primary: Option<bool>,
}

/// Where a picture is. Source: `identity/SCIMUser`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimPhoto", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimPhoto {
    #[serde(deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub value: String,
    #[serde(
        rename = "type",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub kind: Option<ScimPhotoKind>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub primary: Option<bool>,
}

wire_enum! {
    /// `photos.type` in `identity/SCIMUser`.
    pub enum ScimPhotoKind {
        Photo = "photo",
        Thumbnail = "thumbnail",
    }
}

/// A member of a group. Source: `identity/SCIMMemberReference`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimMemberReference", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimMemberReference {
    pub value: String,
    #[serde(
        rename = "$ref",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "uri"
    )]
    #[schemars(extend("format" = "uri"))]
    pub reference: Option<String>,
    #[serde(
        rename = "type",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub kind: Option<ScimMemberKind>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub display: Option<String>,
}

wire_enum! {
    /// `type` in `identity/SCIMMemberReference`.
    pub enum ScimMemberKind {
        User = "User",
        Group = "Group",
    }
}

/// A group. Source: `identity/SCIMGroup`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ScimGroup", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ScimGroup {
    #[serde(default = "group_schemas", deserialize_with = "list_from::<1, _, _>")]
    #[schemars(length(min = 1))]
    pub schemas: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub external_id: Option<String>,
    pub display_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub members: Option<Vec<ScimMemberReference>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ScimMeta>,
}

fn user_schemas() -> Vec<String> {
    ["urn:ietf:params:scim:schemas:core:2.0:User"]
        .map(str::to_owned)
        .to_vec()
}

fn group_schemas() -> Vec<String> {
    ["urn:ietf:params:scim:schemas:core:2.0:Group"]
        .map(str::to_owned)
        .to_vec()
}

map_only! {
    ScimMeta, ScimName, ScimEmail, ScimPhoneNumber, ScimAddress, ScimGroupReference, ScimManager, ScimEnterpriseUser, ScimValue, ScimPhoto, ScimUser, ScimMemberReference, ScimGroup,
}
