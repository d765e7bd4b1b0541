//! Values of fields that hold more than one part.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, number_in, some, text_len};
use crate::map_only::map_only;
use crate::shared::Number;

/// A postal address. Source: `data/Address`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Address", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Address {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub country_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub formatted: Option<String>,
}

/// A place on earth; latitude and longitude in degrees, altitude and accuracy in metres. Source: `data/LocationCoordinates`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "LocationCoordinates", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct LocationCoordinates {
    #[serde(deserialize_with = "number_in::<-90, 90, _, _>")]
    #[schemars(range(min = -90, max = 90))]
    pub latitude: Number,
    #[serde(deserialize_with = "number_in::<-180, 180, _, _>")]
    #[schemars(range(min = -180, max = 180))]
    pub longitude: Number,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub altitude: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub accuracy: Option<Number>,
}

/// An amount with its currency (ISO 4217). Source: `data/CurrencyValue`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CurrencyValue", deny_unknown_fields)]
pub struct CurrencyValue {
    pub value: Number,
    #[serde(deserialize_with = "text_len::<3, 3, _, _>")]
    #[schemars(length(min = 3, max = 3))]
    pub currency: String,
}

map_only! {
    Address, LocationCoordinates, CurrencyValue,
}
