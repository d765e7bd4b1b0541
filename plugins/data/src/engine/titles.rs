//! How records are called: by the title of their object, as far as the caller may read what it is made of. Called by the search
//! over all objects and by the list of used records.

use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::ApiMethod;
use objectos_plugin_api::{Context, ErrorKind};
use serde_json::{Map, Value};

use super::{Engine, check_method};
use crate::error::{DataError, Result};
use crate::model::{ObjectModel, SystemField, TitlePart};
use crate::query::{Operand, Operator, QueryInput, RawFilter, RawTest};
use crate::record::Layout;

/// Records whose titles are completed at once at most.
const RELATED_MAX: u64 = 400;

impl Engine {
    /// Ids and titles of those of these records that are there and that the caller may read one by one.
    ///
    /// # Errors
    /// Those of the store. An object that may not be read, or that cannot answer, has none.
    pub(super) async fn titles(
        &self,
        context: &Context,
        layout: &Layout,
        ids: &[&str],
    ) -> Result<Vec<(String, String)>> {
        let object = &layout.object;
        let granted = match self.granted(context, layout, Operation::Read).await {
            Ok(granted) => granted,
            Err(error) => return unless_refused(error),
        };
        if !granted.system && check_method(layout, ApiMethod::Get).is_err() {
            return Ok(Vec::new());
        }
        let id = SystemField::Id.name();
        let mut fields = vec![id.to_owned()];
        for part in &object.title.parts {
            if let TitlePart::Field(path) = part
                && let [field] = path.as_slice()
                && granted.reads(field)
                && !fields.contains(field)
            {
                fields.push(field.clone());
            }
        }
        let most = usize::try_from(self.page_limits().max).unwrap_or(usize::MAX).max(1);
        let mut titles = Vec::with_capacity(ids.len());
        for part in ids.chunks(most) {
            let query = QueryInput {
                fields: Some(fields.clone()),
                filter: Some(among(part.iter().map(|id| Value::from(*id)).collect())),
                limit: u64::try_from(part.len()).ok(),
                count: Some(false),
                ..QueryInput::default()
            };
            let found = match self.find_checked(context, &object.name, query, None).await {
                Ok(found) => found,
                Err(error) => return unless_refused(error),
            };
            let mut records = read(&found.records)?;
            self.add_related(context, object, &mut records).await?;
            titles.extend(
                records
                    .iter()
                    .map(|record| (text_of(record, id), title(object, record))),
            );
        }
        Ok(titles)
    }

    /// Puts in what the titles of the records say of other records: one statement for all of them. What the caller may not
    /// read is left out of the title.
    pub(super) async fn add_related(
        &self,
        context: &Context,
        object: &ObjectModel,
        records: &mut [Map<String, Value>],
    ) -> Result<()> {
        let related = object.title.parts.iter().filter_map(|part| match part {
            TitlePart::Field(path) if path.len() > 1 => Some(path.join(".")),
            _ => None,
        });
        let paths: Vec<String> = related.collect();
        if paths.is_empty() || records.is_empty() {
            return Ok(());
        }
        let id = SystemField::Id.name();
        let ids: Vec<Value> = records.iter().filter_map(|record| record.get(id).cloned()).collect();
        let query = QueryInput {
            fields: Some([id.to_owned()].into_iter().chain(paths.iter().cloned()).collect()),
            filter: Some(among(ids)),
            limit: Some(RELATED_MAX),
            count: Some(false),
            ..QueryInput::default()
        };
        let found = match self.find_checked(context, &object.name, query, None).await {
            Ok(found) => read(&found.records)?,
            Err(
                DataError::Denied { .. }
                | DataError::UnknownFields { .. }
                | DataError::SecretField { .. }
                | DataError::NotSupported { .. },
            ) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for mut related in found {
            let Some(record) = records.iter_mut().find(|record| record.get(id) == related.get(id)) else {
                continue;
            };
            for path in &paths {
                if let Some(value) = related.shift_remove(path) {
                    record.insert(path.clone(), value);
                }
            }
        }
        Ok(())
    }
}

/// No records in the place of a refusal.
fn unless_refused(error: DataError) -> Result<Vec<(String, String)>> {
    match error.kind() {
        ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::NotImplemented => Ok(Vec::new()),
        _ => Err(error),
    }
}

/// The records with these ids.
fn among(ids: Vec<Value>) -> RawFilter {
    RawFilter::Test(RawTest {
        field: SystemField::Id.name().to_owned(),
        operator: Operator::In,
        operand: Operand::Value(Value::Array(ids)),
    })
}

/// The records of an answer.
pub(super) fn read(records: &[u8]) -> Result<Vec<Map<String, Value>>> {
    serde_json::from_slice(records).map_err(|error| DataError::internal(error.to_string()))
}

/// A value of a record as it stands in a title.
pub(super) fn text_of(record: &Map<String, Value>, field: &str) -> String {
    match record.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// How a record is called; without any text of its own, by its id.
pub(super) fn title(object: &ObjectModel, record: &Map<String, Value>) -> String {
    let mut title = String::new();
    for part in &object.title.parts {
        match part {
            TitlePart::Literal(text) => title.push_str(text),
            TitlePart::Field(path) => title.push_str(&text_of(record, &path.join("."))),
        }
    }
    let title = title.trim();
    if title.is_empty() {
        text_of(record, SystemField::Id.name())
    } else {
        title.to_owned()
    }
}
