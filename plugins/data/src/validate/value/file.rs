//! Files, as the record knows them: the id of one, or its description `{id?, name?, url?, size?, type?, width?, height?}`.
//!
//! The field's bounds are held against what the description says. What it does not say is for the storage to check when the
//! file comes in.

use serde_json::{Map, Value};

use super::refuse;
use crate::error::{FieldCode, FieldError};
use crate::model::{FieldModel, FieldSettings, FileModel};
use crate::store::SqlValue;

/// The keys under which descriptions carry the media type.
const TYPE_KEYS: [&str; 4] = ["type", "mimeType", "mime_type", "contentType"];
/// The keys under which they carry the name.
const NAME_KEYS: [&str; 4] = ["name", "filename", "fileName", "original_name"];

pub(super) fn file(field: &FieldModel, value: &Value) -> Result<SqlValue, FieldError> {
    let fallback = FileModel::default();
    let model = match &field.settings {
        FieldSettings::File(model) => model,
        _ => &fallback,
    };
    match value {
        Value::String(text) if text.is_empty() => Ok(SqlValue::Null),
        Value::Array(files) if model.many => {
            files.iter().try_for_each(|file| one(field, model, file))?;
            Ok(SqlValue::Json(value.to_string()))
        }
        Value::Array(_) => Err(refuse(field, FieldCode::InvalidType, "takes one file, not a list")),
        single => {
            one(field, model, single)?;
            let stored = if model.many {
                Value::Array(vec![single.clone()]).to_string()
            } else {
                single.to_string()
            };
            Ok(SqlValue::Json(stored))
        }
    }
}

fn one(field: &FieldModel, model: &FileModel, value: &Value) -> Result<(), FieldError> {
    let description = match value {
        // The id of a file that the storage keeps.
        Value::String(id) if !id.trim().is_empty() => return Ok(()),
        Value::Object(description) => description,
        _ => {
            let what = "must be the id of a file, or its description {id, name, size, type, url}";
            return Err(refuse(field, FieldCode::InvalidType, what));
        }
    };
    let says = |keys: &[&str]| {
        keys.iter()
            .find_map(|key| description.get(*key).and_then(Value::as_str))
            .filter(|text| !text.is_empty())
    };
    let name = says(&NAME_KEYS);
    if name.is_none() && says(&["id", "url", "key", "path"]).is_none() {
        let what = "must say the id, the name or the url of the file";
        return Err(refuse(field, FieldCode::InvalidFormat, what));
    }
    let extension = name.or_else(|| says(&["url", "path"])).and_then(extension);
    kind(field, model, extension.as_deref(), says(&TYPE_KEYS))?;
    bound(field, description, "size", "bytes", (model.size_min, model.size_max))?;
    bound(field, description, "width", "pixels", model.width)?;
    bound(field, description, "height", "pixels", model.height)
}

/// `pdf` of `https://x.de/A.PDF?v=2`.
fn extension(name: &str) -> Option<String> {
    let path = name.split(['?', '#']).next()?;
    let last = path.rsplit('/').next()?;
    last.rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase())
}

fn kind(
    field: &FieldModel,
    model: &FileModel,
    extension: Option<&str>,
    media_type: Option<&str>,
) -> Result<(), FieldError> {
    let media_type = media_type.map(|text| {
        let plain = text.split(';').next().unwrap_or_default();
        plain.trim().to_ascii_lowercase()
    });
    let said = media_type
        .as_deref()
        .or(extension)
        .unwrap_or("of a kind it does not say");
    if let (Some(family), Some(media_type)) = (model.family, &media_type)
        && media_type.split('/').next() != Some(family)
    {
        let what = format!("must be {family}, and the file is {said}");
        return Err(refuse(field, FieldCode::InvalidFormat, &what).with_constraint(family));
    }
    let matches = |entry: &String| match entry.split_once('/') {
        Some((family, "*")) => media_type
            .as_deref()
            .and_then(|known| known.split('/').next())
            .is_some_and(|known| known == family),
        Some(_) => media_type.as_deref() == Some(entry),
        None => extension == Some(entry),
    };
    if model.blocked.iter().any(matches) {
        let what = format!("takes no file that is {said}");
        return Err(refuse(field, FieldCode::InvalidFormat, &what).with_constraint(model.blocked.clone()));
    }
    // A description that says nothing of its kind is judged by the storage.
    let known = extension.is_some() || media_type.is_some();
    if known && !model.allowed.is_empty() && !model.allowed.iter().any(matches) {
        let what = format!("takes {} only, and the file is {said}", model.allowed.join(", "));
        return Err(refuse(field, FieldCode::InvalidFormat, &what).with_constraint(model.allowed.clone()));
    }
    Ok(())
}

fn bound(
    field: &FieldModel,
    description: &Map<String, Value>,
    key: &str,
    unit: &str,
    (least, most): (Option<f64>, Option<f64>),
) -> Result<(), FieldError> {
    let number = match description.get(key) {
        None | Some(Value::Null) => return Ok(()),
        Some(value) => value.as_f64().filter(|number| *number >= 0.0).ok_or_else(|| {
            let what = format!("has a '{key}' that is no number of {unit}");
            refuse(field, FieldCode::InvalidType, &what)
        })?,
    };
    if let Some(least) = least.filter(|least| number < *least) {
        let what = format!("must have a {key} of at least {least} {unit}");
        return Err(refuse(field, FieldCode::MinValue, &what).with_constraint(least));
    }
    if let Some(most) = most.filter(|most| number > *most) {
        let what = format!("must have a {key} of at most {most} {unit}");
        return Err(refuse(field, FieldCode::MaxValue, &what).with_constraint(most));
    }
    Ok(())
}
