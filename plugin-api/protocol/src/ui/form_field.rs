//! Fields of a form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, integer_in, some};
use crate::map_only::map_only;
use crate::shared::Label;

/// A field of a form. Source: `ui/FormField`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "FormField", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct FormField {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub placeholder: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub help_text: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub readonly: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub required: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub hidden: Option<bool>,
    /// Columns of the form's grid, 1 to 4.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "integer_in::<1, 4, _, _>"
    )]
    #[schemars(range(min = 1, max = 4))]
    pub col_span: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub widget: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub depends_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub visible_on: Option<String>,
}

map_only! {
    FormField,
}
