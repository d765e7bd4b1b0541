//! What single types of fields are told beside lengths and ranges, and masks.

use std::sync::Arc;

use objectos_plugin_api::protocol::data::{BarcodeFormat, DistanceMetric, Field, FieldType};
use objectos_plugin_api::protocol::shared::Number;
use objectos_plugin_api::protocol::system::MaskingStrategy;

use super::draft::Draft;
use super::implied::currency_field;
use crate::app::problem::Problems;
use crate::model::{CurrencyModel, FieldSettings, FileModel, MaskModel, MaskPattern};

/// What the type of a field adds.
pub(super) fn compile(draft: &Draft, name: &str, field: &Field, problems: &mut Problems) -> FieldSettings {
    match field.kind {
        FieldType::Url => FieldSettings::Url(protocols(draft, name, field, problems)),
        FieldType::Color => FieldSettings::Color {
            format: field.color_format,
            alpha: field.allow_alpha,
        },
        FieldType::Qrcode => FieldSettings::Barcode(field.barcode_format.unwrap_or(BarcodeFormat::Qr)),
        FieldType::Currency => FieldSettings::Currency(match (&field.currency_config, currency_field(name, field)) {
            (None, _) => CurrencyModel::Plain,
            (Some(_), Some(beside)) => CurrencyModel::Dynamic(beside),
            (Some(config), None) => CurrencyModel::Fixed(config.default_currency.clone()),
        }),
        FieldType::Image | FieldType::File | FieldType::Avatar | FieldType::Video | FieldType::Audio => {
            FieldSettings::File(Box::new(file(field)))
        }
        FieldType::Vector => FieldSettings::Vector {
            metric: field
                .vector_config
                .as_ref()
                .map_or(DistanceMetric::Cosine, |config| config.distance_metric),
            normalized: field.vector_config.as_ref().is_some_and(|config| config.normalized),
        },
        FieldType::Text if is_currency_of_another(draft, name) => FieldSettings::CurrencyCode,
        _ => FieldSettings::None,
    }
}

fn is_currency_of_another(draft: &Draft, name: &str) -> bool {
    let beside = name.strip_suffix("_currency");
    beside
        .and_then(|amount| Some((amount, draft.object.fields.get(amount)?)))
        .and_then(|(amount, field)| currency_field(amount, field))
        .is_some_and(|found| found == name)
}

/// The protocols that an address may have: `format: https, mailto`.
fn protocols(draft: &Draft, name: &str, field: &Field, problems: &mut Problems) -> Vec<String> {
    let text = field.format.as_deref().unwrap_or_default();
    let mut found = Vec::new();
    for word in text.split([',', '|', ' ']).filter(|word| !word.is_empty()) {
        let protocol = word.trim_end_matches("://").trim_end_matches(':').to_ascii_lowercase();
        let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.');
        if protocol.starts_with(|first: char| first.is_ascii_alphabetic()) && protocol.chars().all(plain) {
            // What every url field is anyway.
            if protocol != "url" && protocol != "uri" {
                found.push(protocol);
            }
        } else {
            let message = format!("`{word}` is no protocol of an address");
            let hint = "list protocols, as in `format: https, mailto`";
            problems.push(draft.field_error(name, "format", message).hint(hint));
        }
    }
    found
}

fn file(field: &Field) -> FileModel {
    let family = match field.kind {
        FieldType::Image | FieldType::Avatar => Some("image"),
        FieldType::Video => Some("video"),
        FieldType::Audio => Some("audio"),
        _ => None,
    };
    let Some(config) = &field.file_attachment_config else {
        return FileModel {
            many: field.multiple,
            family,
            ..FileModel::default()
        };
    };
    let kinds = |types: &Option<Vec<String>>, media: &Option<Vec<String>>| {
        let plain = |text: &String| text.trim().trim_start_matches('.').to_ascii_lowercase();
        types.iter().chain(media).flatten().map(plain).collect()
    };
    let number = |number: Option<Number>| number.map(Number::as_f64);
    let image = config.image_validation.as_ref();
    FileModel {
        many: field.multiple || config.allow_multiple,
        family,
        size_min: number(config.min_size),
        size_max: number(config.max_size),
        allowed: kinds(&config.allowed_types, &config.allowed_mime_types),
        blocked: kinds(&config.blocked_types, &config.blocked_mime_types),
        width: image.map_or((None, None), |image| (number(image.min_width), number(image.max_width))),
        height: image.map_or((None, None), |image| {
            (number(image.min_height), number(image.max_height))
        }),
    }
}

/// Who sees the values of a field masked, and how.
pub(super) fn mask(draft: &Draft, name: &str, field: &Field, problems: &mut Problems) -> Option<Arc<MaskModel>> {
    let rule = field.masking_rule.as_ref()?;
    if rule.field != name {
        let message = format!("the rule is for `{}` and stands at `{name}`", rule.field);
        let path = draft.path(&["fields", name, "maskingRule", "field"]);
        problems.push(draft.document.error(&path, message).hint("give both the same name"));
    }
    let partial = rule.strategy == MaskingStrategy::Partial;
    let pattern = rule.pattern.as_ref().map(|text| MaskPattern {
        text: text.clone(),
        regex: partial
            .then(|| match regex::RegexBuilder::new(text).size_limit(1 << 20).build() {
                Ok(regex) => Some(regex),
                Err(_) => {
                    let path = draft.path(&["fields", name, "maskingRule", "pattern"]);
                    let message = "the pattern cannot be used";
                    let hint = "write a regular expression for the part that is hidden, as in `^.{6}`";
                    problems.push(draft.document.error(&path, message).hint(hint));
                    None
                }
            })
            .flatten(),
    });
    Some(Arc::new(MaskModel {
        strategy: rule.strategy,
        pattern,
        preserve_format: rule.preserve_format,
        preserve_length: rule.preserve_length,
        roles: rule.roles.clone().unwrap_or_default(),
        exempt_roles: rule.exempt_roles.clone().unwrap_or_default(),
    }))
}
