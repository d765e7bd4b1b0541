//! What fields of single types are told beside lengths and ranges, and how a value is hidden from those who may not see it.

use indexmap::IndexMap;
use objectos_plugin_api::protocol::data::{BarcodeFormat, ColorFormat, DistanceMetric};
use objectos_plugin_api::protocol::system::MaskingStrategy;

use super::FieldModel;

/// What the type of a field adds.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FieldSettings {
    /// Nothing.
    #[default]
    None,
    /// url: protocols that are taken, in lower case; none are http and https.
    Url(Vec<String>),
    /// color: the form, and whether it may be transparent.
    Color {
        /// Any form without it.
        format: Option<ColorFormat>,
        /// Without it, as the form says.
        alpha: Option<bool>,
    },
    /// qrcode: the kind of code that the text is printed as.
    Barcode(BarcodeFormat),
    /// currency.
    Currency(CurrencyModel),
    /// The code of a currency, ISO 4217: the field beside a currency field.
    CurrencyCode,
    /// image, file, avatar, video, audio.
    File(Box<FileModel>),
    /// json, declared as `composite`, `record` or `repeater` with fields of its own.
    Parts(Box<PartsModel>),
    /// vector.
    Vector {
        /// How the distance of two is measured.
        metric: DistanceMetric,
        /// All have the length 1.
        normalized: bool,
    },
}

/// A record within a field, or a list of such records.
#[derive(Clone, Debug)]
pub struct PartsModel {
    /// The value is a list.
    pub many: bool,
    /// What the record has; a value of any other name is refused.
    pub fields: IndexMap<String, FieldModel>,
}

impl PartialEq for PartsModel {
    /// As far as it decides which values are taken.
    fn eq(&self, other: &Self) -> bool {
        let same = |(name, left): (&String, &FieldModel)| {
            other.fields.get(name).is_some_and(|right| {
                left.field_type == right.field_type
                    && left.required == right.required
                    && left.limits == right.limits
                    && left.options == right.options
                    && left.settings == right.settings
            })
        };
        self.many == other.many && self.fields.len() == other.fields.len() && self.fields.iter().all(same)
    }
}

/// In which currency an amount is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrencyModel {
    /// Nothing is known of it: the company has one.
    Plain,
    /// Always in this one.
    Fixed(String),
    /// Each record says; the code is kept in this field.
    Dynamic(String),
}

/// What a file must be like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileModel {
    /// The value is a list of files.
    pub many: bool,
    /// First part of the media type that the field's type means: `image`, `video`, `audio`.
    pub family: Option<&'static str>,
    /// Bytes.
    pub size_min: Option<f64>,
    /// Bytes.
    pub size_max: Option<f64>,
    /// Extensions (`pdf`) and media types (`image/*`), in lower case; empty takes all.
    pub allowed: Vec<String>,
    /// Those that are refused, in the same forms.
    pub blocked: Vec<String>,
    /// Pixels.
    pub width: (Option<f64>, Option<f64>),
    /// Pixels.
    pub height: (Option<f64>, Option<f64>),
}

/// Hides the values of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskModel {
    /// How.
    pub strategy: MaskingStrategy,
    /// `partial`: what matches is hidden, the rest is shown. `substitute`: shown in its place.
    pub pattern: Option<MaskPattern>,
    /// Signs between letters and digits stay.
    pub preserve_format: bool,
    /// As long as the value.
    pub preserve_length: bool,
    /// Whoever has one of these roles sees it masked; without any, everybody does.
    pub roles: Vec<String>,
    /// Whoever has one of these roles sees the value as it is.
    pub exempt_roles: Vec<String>,
}

/// The pattern of a mask: its text, and for `partial` the expression made of it.
#[derive(Clone, Debug)]
pub struct MaskPattern {
    /// As written.
    pub text: String,
    /// For `partial`.
    pub regex: Option<regex::Regex>,
}

impl PartialEq for MaskPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for MaskPattern {}

impl MaskModel {
    /// Whether somebody with these roles sees the value masked.
    #[must_use]
    pub fn hides_from(&self, roles: &[String]) -> bool {
        let any = |of: &[String]| roles.iter().any(|role| of.contains(role));
        !any(&self.exempt_roles) && (self.roles.is_empty() || any(&self.roles))
    }
}
