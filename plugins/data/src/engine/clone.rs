//! A record like another: what the caller can read of the one and write of the other, made by the ordinary way of making.
//!
//! Not copied are what the engine keeps itself, numbers that count, secrets, and values that no two records may share.

use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::permissions::Operation;

use super::answer::{RecordAnswer, document};
use super::commit::{Change, Planned};
use super::draft::Draft;
use super::get::not_found;
use super::{Engine, Fields, layout_of};
use crate::error::{DataError, Result};
use crate::model::FieldModel;
use crate::record::{Form, Layout};

impl Engine {
    /// Makes a record like another, with some fields different.
    ///
    /// # Errors
    /// `RecordNotFound`, `MethodDisabled`; as [`Engine::create`] otherwise.
    pub async fn clone_record(
        &self,
        context: &Context,
        object: &str,
        id: &str,
        overrides: Fields,
    ) -> Result<RecordAnswer> {
        self.write_one(
            context,
            Change::Clone {
                object: object.to_owned(),
                id: id.to_owned(),
                overrides,
            },
        )
        .await
    }

    pub(super) async fn plan_clone(
        &self,
        draft: &mut Draft<'_>,
        object: &str,
        id: &str,
        overrides: &Fields,
    ) -> Result<Planned> {
        let layout = Arc::clone(layout_of(draft.schema, object)?);
        let readable = self.granted_to(draft.caller, &layout, Operation::Read).await?;
        let writable = self.granted_to(draft.caller, &layout, Operation::Create).await?;
        if !writable.system && !layout.object.capabilities.clone {
            return Err(DataError::MethodDisabled {
                object: object.to_owned(),
                method: "clone",
            });
        }
        let source = self
            .read_visible(draft, &layout, &readable, id)
            .await?
            .ok_or_else(|| not_found(object, id))?;
        let mut record = document(&layout, &source);
        record.retain(|name, value| {
            let copied = layout.object.field(name).is_some_and(|field| is_copied(&layout, field));
            copied && !value.is_null() && readable.reads(name) && writable.writes(name)
        });
        record.extend(overrides.iter().map(|(name, value)| (name.clone(), value.clone())));
        self.plan_create(draft, object, &record).await
    }
}

fn is_copied(layout: &Layout, field: &FieldModel) -> bool {
    let shared = layout
        .object
        .indexes
        .iter()
        .any(|index| index.unique && index.fields.contains(&field.name));
    field.stored()
        && field.system.is_none()
        && !field.readonly
        && field.autonumber.is_none()
        && !Form::of(field).is_kept_back()
        && !shared
}
