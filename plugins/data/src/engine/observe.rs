//! Shows a change to hooks, and stores its event. What their handlers may not change is `fixed`.

use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::hooks::RecordHook;

use super::answer::document;
use super::draft::{Draft, Effect, Part, Stored};
use super::files::note_files;
use super::ports::HookPoint;
use super::{Engine, Fields, fixed, versions};
use crate::error::{DataError, Result};
use crate::outbox::{self, RecordChange};
use crate::record::Layout;
use crate::store::Expect;

impl Engine {
    /// Runs before-hooks, and adds what they want stored with the change. `None`: nobody changed the record. A write that
    /// is planned anew asks again only about what is another payload by then, so that what a handler does outside happens once.
    pub(super) async fn before_hook(
        &self,
        draft: &mut Draft<'_>,
        point: HookPoint,
        hook: impl FnOnce() -> RecordHook,
        object: &str,
    ) -> Result<Option<Fields>> {
        if !self.parts.hooks.armed(point, object) {
            return Ok(None);
        }
        let mut given = hook();
        given.records.clone_from(&draft.beside);
        let payload = serde_json::to_vec(&given).map_err(|error| DataError::internal(error.to_string()))?;
        let key = (point, draft.operation, payload);
        let known = draft.known.hooked.lock().get(&key).cloned();
        let steps = match known {
            Some(known) => known,
            None => {
                let context = draft.caller.context;
                let steps = Arc::new(self.parts.hooks.run(point, context, object, key.2.clone()).await?);
                draft.known.hooked.lock().insert(key.clone(), Arc::clone(&steps));
                steps
            }
        };
        if steps.is_empty() {
            return Ok(None);
        }
        let record = given.record.clone();
        let mut hook = given;
        let mut shown = key.2.as_slice();
        for step in steps.iter() {
            let changed: RecordHook = fixed::payload_after(point, shown, step)?;
            self.add_beside(draft, &step.plugin, &hook, &changed).await?;
            hook = changed;
            shown = &step.payload;
        }
        Ok((hook.record != record).then_some(hook.record))
    }

    /// Runs the after-hook of a stored change. What it makes of the record is for the caller's eyes. The change stands
    /// whatever happens here, so a failure is told to the operator alone.
    pub(super) async fn after_hook(&self, context: &Context, effect: &Effect) -> Option<Fields> {
        let object = &effect.layout.object.name;
        if !self.parts.hooks.armed(effect.point, object) {
            return None;
        }
        let hook = RecordHook {
            object: object.clone(),
            id: effect.id.clone(),
            record: after_fields(effect),
            previous: effect.before.as_ref().map(|before| document(&effect.layout, before)),
            ..RecordHook::default()
        };
        let payload = serde_json::to_vec(&hook).ok()?;
        match self
            .parts
            .hooks
            .run(effect.point, context, object, payload.clone())
            .await
        {
            Ok(steps) => {
                let (mut made, mut shown) = (None, payload.as_slice());
                for step in &steps {
                    match fixed::payload_after::<RecordHook>(effect.point, shown, step) {
                        Ok(changed) => made = Some(changed.record),
                        Err(error) => {
                            tracing::warn!(object, id = effect.id, error = %error, "what handlers made of a record is left out");
                            return None;
                        }
                    }
                    shown = &step.payload;
                }
                made
            }
            Err(error) => {
                tracing::warn!(object, id = effect.id, error = %error, "a handler failed after a change was stored");
                None
            }
        }
    }
}

/// All fields of a new record, the changed ones of an old one, none of a deleted one.
fn after_fields(effect: &Effect) -> Fields {
    match (&effect.before, &effect.after) {
        (None, Some(after)) => document(&effect.layout, after),
        (Some(before), Some(after)) => {
            let mut fields = document(&effect.layout, after);
            let same: Vec<&str> = effect
                .layout
                .columns
                .iter()
                .enumerate()
                .filter(|(index, _)| before[*index] == after[*index])
                .map(|(_, column)| column.name.as_str())
                .collect();
            fields.retain(|name, _| !same.contains(&name.as_str()));
            fields
        }
        _ => Fields::new(),
    }
}

/// Adds the event of a change, and the change to those that after-hooks see.
pub(super) fn note(
    draft: &mut Draft<'_>,
    layout: &Arc<Layout>,
    id: &str,
    before: Option<Stored>,
    after: Option<Stored>,
) -> Result<()> {
    let what = match (&before, &after) {
        (None, _) => (outbox::CREATED, HookPoint::AfterInsert),
        (Some(_), Some(_)) => (outbox::UPDATED, HookPoint::AfterUpdate),
        (Some(_), None) => (outbox::DELETED, HookPoint::AfterDelete),
    };
    note_as(draft, layout, id, (what.0, Some(what.1)), before, after)
}

/// The same under a name of its own; without a hook point nobody sees it but the listeners of events.
pub(super) fn note_as(
    draft: &mut Draft<'_>,
    layout: &Arc<Layout>,
    id: &str,
    (name, point): (&'static str, Option<HookPoint>),
    before: Option<Stored>,
    after: Option<Stored>,
) -> Result<()> {
    versions::keep(draft, layout, id, name, before.as_ref(), after.as_ref())?;
    let change = RecordChange {
        name,
        layout,
        id,
        before: before.as_deref().map(Vec::as_slice),
        after: after.as_deref().map(Vec::as_slice),
    };
    if !layout.object.silent {
        let statement = outbox::record_event(draft.caller.context, draft.caller.now_ms, &change);
        draft.push(Part::Event, statement, Expect::Anything);
    }
    // What is in the bin keeps its files; `delete` tells of those that go for good.
    if after.is_some() {
        note_files(draft, layout, id, before.as_ref(), after.as_ref())?;
    }
    draft.set(&layout.object.name, id, after.clone());
    let operation = draft.operation;
    if let Some(point) = point {
        draft.effects.push(Effect {
            operation,
            point,
            layout: Arc::clone(layout),
            id: id.to_owned(),
            before,
            after,
        });
    }
    Ok(())
}
