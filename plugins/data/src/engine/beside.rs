//! What before-hooks, and plugins with their transactions, want stored with a change: events, and records of the platform's own
//! objects. They are there exactly when the change is. Each belongs to the plugin that added it: its events name it as their
//! source, and it must be one that may publish such events and make such records. Not here: the events of the records themselves
//! (`observe`), and who may (`ports::Hooks`).

use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::data::{EventBeside, RecordBeside};
use objectos_plugin_api::contracts::hooks::{RecordHook, same_value};
use objectos_plugin_api::{NESTED_TRUSTED_MAX, nests_beyond, too_deep};

use super::access::Granted;
use super::create::{missing, refused, stamp_new, take};
use super::draft::{Draft, Part};
use super::indexed::fits_indexes;
use super::observe::note;
use super::{Engine, layout_of, store_record};
use crate::error::{DataError, Result};
use crate::outbox;
use crate::store::{Expect, SqlValue, Statement};

/// Families of events in which the platform tells of itself.
const OWN_FAMILIES: [&str; 4] = ["data.", "plugin.", "record.", "system."];

impl Engine {
    /// Adds what a handler of `plugin` wants stored: what it made of the payload has it, and what it was given had not. What an
    /// earlier handler added stays, also when this one leaves it out.
    ///
    /// Fails with the refusal of an event that the plugin may not publish, or of a record that it may not make.
    pub(super) async fn add_beside(
        &self,
        draft: &mut Draft<'_>,
        plugin: &str,
        given: &RecordHook,
        made: &RecordHook,
    ) -> Result<()> {
        let context = draft.caller.context;
        for event in added(&given.events, &made.events, same_event) {
            check_depth(event)?;
            let statement = event_beside(context, draft.caller.now_ms, plugin, event)?;
            self.parts.hooks.admit_event(context, plugin, &event.name).await?;
            draft.push(Part::Event, statement, Expect::Anything);
        }
        for record in added(&given.records, &made.records, same_record) {
            self.make_beside(draft, plugin, record).await?;
            draft.beside.push(record.clone());
        }
        Ok(())
    }

    /// Holds what a plugin tells with its transaction to the events that it may publish. What the engine tells is its own.
    ///
    /// Fails with the refusal of the first that it may not.
    pub(super) async fn admit_events(&self, context: &Context, source: &str, events: &[EventBeside]) -> Result<()> {
        if source == outbox::SOURCE {
            return Ok(());
        }
        let mut admitted: Vec<&str> = Vec::new();
        for event in events {
            check_depth(event)?;
            if !admitted.contains(&event.name.as_str()) {
                self.parts.hooks.admit_event(context, source, &event.name).await?;
                admitted.push(&event.name);
            }
        }
        Ok(())
    }

    async fn make_beside(&self, draft: &mut Draft<'_>, plugin: &str, made: &RecordBeside) -> Result<()> {
        let layout = Arc::clone(layout_of(draft.schema, &made.object)?);
        if !layout.object.system {
            let message = format!(
                "a record that goes with a change is one of the platform's own objects; '{}' is none",
                made.object
            );
            return Err(DataError::InvalidBody { message });
        }
        let context = draft.caller.context;
        self.parts.hooks.admit(context, plugin, &made.object).await?;
        let granted = Granted::system();
        let mut taken = take(&layout, &granted, &made.record, None, true, draft.caller)?;
        let mut values = vec![SqlValue::Null; layout.columns.len()];
        let id = self.ids.make(layout.object.key_prefix.as_deref(), draft.caller.now_ms);
        for (column, value) in taken.values {
            values[column] = value;
        }
        values[0] = SqlValue::Text(id.clone());
        for (column, value) in values.iter().enumerate() {
            let field = layout.field(column);
            if field.required && field.system.is_none() {
                taken.errors.extend(missing(field, value));
            }
        }
        if !taken.errors.is_empty() {
            return Err(refused(&layout.object, &granted, taken.errors));
        }
        self.seal(draft, &layout, &granted, None, &mut values).await?;
        stamp_new(draft, &layout, &granted, &mut values);
        let part = Part::Beside {
            layout: Arc::clone(&layout),
        };
        fits_indexes(&layout, &values, |_| true)?;
        draft.push(part, store_record::insert(&layout, &values), Expect::Anything);
        note(draft, &layout, &id, None, Some(Arc::new(values)))
    }
}

/// What nobody could read that listens is told to nobody.
fn check_depth(event: &EventBeside) -> Result<()> {
    if nests_beyond(&event.payload, NESTED_TRUSTED_MAX) {
        let message = too_deep(&format!("the payload of {}", event.name), NESTED_TRUSTED_MAX);
        return Err(DataError::InvalidBody { message });
    }
    Ok(())
}

/// Whether it is the same event after it went through another handler, which added nothing then.
fn same_event(one: &EventBeside, other: &EventBeside) -> bool {
    one.name == other.name && one.key == other.key && same_value(&one.payload, &other.payload)
}

/// The same of a record.
fn same_record(one: &RecordBeside, other: &RecordBeside) -> bool {
    let mut fields = one.record.iter();
    one.object == other.object
        && one.record.len() == other.record.len()
        && fields.all(|(name, value)| other.record.get(name).is_some_and(|other| same_value(value, other)))
}

/// What is in the second list beyond the first; the same ones count as often as they are there.
fn added<'a, T>(before: &[T], after: &'a [T], same: fn(&T, &T) -> bool) -> Vec<&'a T> {
    let mut left: Vec<&T> = before.iter().collect();
    let mut is_new = |item: &&T| match left.iter().position(|known| same(known, item)) {
        Some(place) => {
            left.remove(place);
            false
        }
        None => true,
    };
    after.iter().filter(|item| is_new(item)).collect()
}

/// The statement that stores an event of a plugin.
///
/// Fails with `InvalidBody` for a name that no plugin may give.
pub(super) fn event_beside(context: &Context, now_ms: i64, source: &str, event: &EventBeside) -> Result<Statement> {
    let good =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '.' | '_' | '-');
    let wrong = !event.name.contains('.') || !event.name.chars().all(good);
    if wrong || OWN_FAMILIES.iter().any(|family| event.name.starts_with(family)) {
        let message = format!(
            "`{}` is no name of an event that goes with a change; write lower-case words with dots, none of the families {}",
            event.name,
            OWN_FAMILIES.join(" ")
        );
        return Err(DataError::InvalidBody { message });
    }
    Ok(outbox::event_beside(context, now_ms, source, event))
}
