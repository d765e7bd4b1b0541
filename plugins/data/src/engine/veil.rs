//! What a failed change says to whoever may not read all that it is about: objects that are only taken along, and fields that
//! are hidden, are not named. Called at the end of every write that failed. Not here: what is wrong, and whether the caller
//! learns that a value or an id is taken, which no refusal can hide.

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::permissions::Operation;

use super::Engine;
use super::access::Granted;
use crate::error::DataError;
use crate::model::SystemField;
use crate::record::Schema;

impl Engine {
    /// The same error, naming no object and no field that the caller may neither read nor write. `asked` is the object that
    /// the caller named.
    pub(super) async fn veiled(&self, context: &Context, schema: &Schema, asked: &str, error: DataError) -> DataError {
        match error {
            DataError::TooMuchFollows { what, object, max } => {
                let object = match object {
                    Some(object) if object != asked && !self.may_read(context, schema, &object).await => None,
                    object => object,
                };
                DataError::TooMuchFollows { what, object, max }
            }
            DataError::Duplicate { object, fields } => {
                self.veiled_duplicate(context, schema, asked, object, fields).await
            }
            error => error,
        }
    }

    async fn may_read(&self, context: &Context, schema: &Schema, object: &str) -> bool {
        !self.held(context, schema, object, &[Operation::Read]).await.is_empty()
    }

    async fn veiled_duplicate(
        &self,
        context: &Context,
        schema: &Schema,
        asked: &str,
        object: String,
        fields: Vec<String>,
    ) -> DataError {
        let reading = self.held(context, schema, &object, &[Operation::Read]).await;
        let writing = if object == asked {
            let operations = [Operation::Create, Operation::Update];
            self.held(context, schema, &object, &operations).await
        } else {
            Vec::new()
        };
        let named = |field: &String| {
            field == SystemField::Id.name()
                || reading.iter().any(|granted| granted.reads(field))
                || writing.iter().any(|granted| granted.writes(field))
        };
        let told: Vec<String> = fields.iter().filter(|field| named(field)).cloned().collect();
        let known = object == asked || !reading.is_empty();
        if !known || (told.is_empty() && !fields.is_empty()) {
            return DataError::DuplicateUnseen;
        }
        DataError::Duplicate { object, fields: told }
    }

    /// What the caller may do in these operations. Where nobody can say, it may not.
    async fn held(&self, context: &Context, schema: &Schema, object: &str, operations: &[Operation]) -> Vec<Granted> {
        let mut held = Vec::new();
        let Some(layout) = schema.layout(object) else {
            return held;
        };
        for operation in operations {
            if let Ok(granted) = self.granted(context, layout, *operation).await {
                held.push(granted);
            }
        }
        held
    }
}
