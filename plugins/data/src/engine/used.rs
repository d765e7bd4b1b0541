//! Records that people used lately: which they read one by one, made or changed over the data routes, for objects with
//! `enable.mru`.
//!
//! A use is noted in memory, which costs the request no statement, and readers on this host see it at once. The plugin has the
//! notes written down every few seconds and when it stops; those of the last seconds are lost when the process is killed. The
//! list is looked up anew as its person each time it is asked for: what is gone, or theirs to see no more, is left out.
//! Called by the routes (`routes_data`, `routes_recent`) and by the plugin. Not here: who wrote a moment ago (`recent`).

mod memory;
mod pace;
mod rows;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use objectos_plugin_api::contracts::events;
use objectos_plugin_api::{Context, PrincipalKind};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use self::memory::{Memory, OF_ONE_MAX, Use};
use super::draft::Effect;
use super::summary::Summary;
use super::{Engine, RecordAnswer, layout_of};
use crate::error::{DataError, Result};
use crate::model::ObjectModel;
use crate::record::{Layout, Schema, moment};
use crate::store::{Expect, Outcome, Row, Statement, WriteUnit};

/// Uses that are written down in one transaction.
const UNIT_MAX: usize = 250;
/// Records whose titles are looked up at once, where fewer are wanted.
const LOOKED_UP_MIN: usize = 20;
/// The protocol's name of the object whose records people are.
const PEOPLE: &str = "sys_user";

/// What somebody did with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseAction {
    /// Read it.
    Viewed,
    /// Made it.
    Created,
    /// Changed it.
    Updated,
}

impl UseAction {
    const ALL: [Self; 3] = [Self::Viewed, Self::Created, Self::Updated];

    /// As lists of used records have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewed => "viewed",
            Self::Created => "created",
            Self::Updated => "updated",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// Which used records are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentRequest {
    /// Of these objects; empty is all.
    pub objects: Vec<String>,
    /// Records at most; more than 200 are not kept.
    pub limit: u64,
}

/// The records that people used lately.
#[derive(Debug, Default)]
pub(super) struct UsedRecords {
    memory: Mutex<Memory>,
    /// Held while rows are written: what somebody clears is not written down again by a write under way.
    writing: tokio::sync::Mutex<()>,
}

impl UsedRecords {
    /// Takes down which records were deleted, so that they are forgotten.
    pub(super) fn learn(&self, effects: &[Effect]) {
        for effect in effects.iter().filter(|effect| effect.after.is_none()) {
            let object = &effect.layout.object;
            if is_remembered(object) {
                self.memory.lock().record_gone(&object.name, &effect.id);
            } else if object.name == PEOPLE {
                self.memory.lock().person_gone(&effect.id);
            }
        }
    }
}

/// Whether uses of its records are remembered: those of the platform's own objects are not, as they are not searched unasked.
fn is_remembered(object: &ObjectModel) -> bool {
    object.active && object.capabilities.mru && object.capabilities.api_enabled && !object.system
}

/// Whether the caller is a person, and not the system, a program or nobody.
fn is_person(context: &Context) -> bool {
    if context.system() || context.user().is_empty() {
        return false;
    }
    let principal = context.principal().ok().flatten();
    principal.is_some_and(|principal| matches!(principal.kind, PrincipalKind::User | PrincipalKind::Local))
}

impl Engine {
    /// Remembers that the caller used a record, when they are a person and its object has `enable.mru`. Asks no database.
    pub fn note_use(&self, context: &Context, answer: &RecordAnswer, action: UseAction) {
        let schema = self.schema();
        let remembered = |layout: &Arc<Layout>| is_remembered(&layout.object);
        if context.system() || context.user().is_empty() || !schema.layout(&answer.object).is_some_and(remembered) {
            return;
        }
        let (person, now_ms) = (context.user(), self.now_ms());
        // Before it is asked what the caller is, which takes longer.
        if action == UseAction::Viewed && !self.used.memory.lock().pace.admits(person, now_ms) {
            return;
        }
        if !is_person(context) {
            return;
        }
        self.used.memory.lock().note(
            person,
            Use::new(context.tenant(), &answer.object, &answer.id, action, now_ms),
        );
    }

    /// `{records: [{object, id, title, viewedAt, action}]}`: what the caller used in their organisation, the latest first, as
    /// far as it is there and they may read it.
    ///
    /// # Errors
    /// `Unauthenticated` for a caller who is nobody; `ObjectNotFound` for an object that is named and not there; those of the
    /// store.
    pub async fn recently_used(&self, context: &Context, wanted: &RecentRequest) -> Result<Value> {
        let (person, tenant) = signed_in(context)?;
        let schema = self.schema();
        for object in &wanted.objects {
            layout_of(&schema, object)?;
        }
        let mut uses = self.uses_of(&schema, person, tenant).await?;
        uses.retain(|used| {
            let asked = wanted.objects.is_empty() || wanted.objects.contains(&used.object);
            let known = schema.layout(&used.object);
            asked && known.is_some_and(|layout| is_remembered(&layout.object))
        });
        let limit = usize::try_from(wanted.limit).unwrap_or(OF_ONE_MAX).min(OF_ONE_MAX);
        let mut records = Vec::with_capacity(limit);
        // As many as are wanted are looked up at once; more only where some of these are left out.
        for part in uses.chunks(limit.max(LOOKED_UP_MIN)) {
            if records.len() >= limit {
                break;
            }
            let mut titles = self.titles_of(context, &schema, part).await?;
            let shown = part.iter().filter_map(|used| {
                let title = titles.get_mut(used.object.as_str())?.remove(&used.record)?;
                Some(json!({
                    "object": used.object,
                    "id": used.record,
                    "title": title,
                    "viewedAt": moment::from_ms(used.used_ms),
                    "action": used.action.name(),
                }))
            });
            records.extend(shown);
        }
        records.truncate(limit);
        Ok(json!({ "records": records }))
    }

    /// Forgets what the caller used in their organisation, of these objects or of all; answers how many records that were.
    ///
    /// # Errors
    /// As [`Engine::recently_used`].
    pub async fn forget_used(&self, context: &Context, objects: &[String]) -> Result<u64> {
        let (person, tenant) = signed_in(context)?;
        let schema = self.schema();
        for object in objects {
            layout_of(&schema, object)?;
        }
        let layout = layout_of(&schema, rows::OBJECT)?;
        let _alone = self.used.writing.lock().await;
        let unstored = self.used.memory.lock().clear(person, tenant, objects);
        let mut stored = 0;
        let counting = rows::count(layout, person, tenant, objects);
        self.read_uses(layout, &counting, &mut |row| {
            stored = row
                .cell(0)
                .as_integer()
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or_default();
        })
        .await?;
        let forgotten = unstored.saturating_add(stored);
        if forgotten == 0 {
            return Ok(0);
        }
        let mut unit = WriteUnit::default();
        unit.push(rows::clear(layout, person, tenant, objects), Expect::Anything);
        let summary = Summary {
            name: events::DATA_BULK_DELETE,
            verb: "forgotten",
            done: forgotten,
            failed: 0,
            metadata: Map::new(),
        };
        if let Some(event) = self.summary(context, layout, summary) {
            unit.push(event, Expect::Anything);
        }
        self.write_uses(layout, unit).await?;
        self.parts.signal.stored();
        Ok(forgotten)
    }

    /// Writes down what was noted, and forgets what was deleted. `last`: also what would be written down later, since there is no
    /// later. What cannot be written is kept for the next time.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn keep_used(&self, last: bool) -> Result<()> {
        let schema = self.schema();
        let Some(layout) = schema.layout(rows::OBJECT) else {
            return Ok(());
        };
        let _alone = self.used.writing.lock().await;
        let due = self.used.memory.lock().due(self.now_ms(), last);
        let mut forgetting = Vec::new();
        for (object, records) in &due.gone.records {
            forgetting.extend(records.iter().map(|record| rows::forget_record(layout, object, record)));
        }
        forgetting.extend(due.gone.people.iter().map(|person| rows::forget_person(layout, person)));
        for part in forgetting.chunks(UNIT_MAX) {
            if let Err(error) = self.write_uses(layout, unit_of(part.to_vec())).await {
                self.used.memory.lock().forget_later(&due.gone);
                return Err(error);
            }
        }
        let sql = rows::put_sql(layout);
        for part in due.uses.chunks(UNIT_MAX) {
            let mut steps: Vec<Statement> = part
                .iter()
                .map(|(person, used)| rows::put(layout, &sql, person, used))
                .collect();
            let mut people: Vec<&str> = part.iter().map(|(person, _)| person.as_str()).collect();
            people.dedup();
            steps.extend(people.into_iter().map(|person| rows::prune(layout, person)));
            self.write_uses(layout, unit_of(steps)).await?;
            self.used.memory.lock().stored(part);
        }
        Ok(())
    }

    /// What a person used in an organisation, the latest first. Memory is looked at first: what it has and the database has not
    /// yet may be there a moment later.
    async fn uses_of(&self, schema: &Schema, person: &str, tenant: &str) -> Result<Vec<Use>> {
        let noted = self.used.memory.lock().of(person, tenant);
        let mut uses: Vec<Use> = Vec::new();
        if let Some(layout) = schema.layout(rows::OBJECT) {
            let statement = rows::list(layout, person, tenant);
            self.read_uses(layout, &statement, &mut |row| uses.extend(use_of(tenant, row)))
                .await?;
        }
        for used in noted {
            let same = |known: &&mut Use| known.is_of(tenant, &used.object, &used.record);
            match uses.iter_mut().find(same) {
                Some(known) if known.used_ms < used.used_ms => *known = used,
                Some(_) => {}
                // What was written down and is not there was forgotten: by another host, or by a delete.
                None if used.stored() => {}
                None => uses.push(used),
            }
        }
        uses.sort_by(|left, right| {
            let latest = right.used_ms.cmp(&left.used_ms);
            latest.then_with(|| (&left.object, &left.record).cmp(&(&right.object, &right.record)))
        });
        Ok(uses)
    }

    /// How the records are called that are there and that the caller may read: by object, and by id.
    async fn titles_of<'u>(
        &self,
        context: &Context,
        schema: &Schema,
        uses: &'u [Use],
    ) -> Result<HashMap<&'u str, HashMap<String, String>>> {
        let mut by_object: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for used in uses {
            by_object.entry(&used.object).or_default().push(&used.record);
        }
        let mut titles: HashMap<&str, HashMap<String, String>> = HashMap::new();
        for (object, records) in by_object {
            let Some(layout) = schema.layout(object) else { continue };
            let found = self.titles(context, layout, &records).await?;
            titles.entry(object).or_default().extend(found);
        }
        Ok(titles)
    }

    async fn read_uses(
        &self,
        layout: &Layout,
        statement: &Statement,
        each: &mut (dyn FnMut(&dyn Row) + Send),
    ) -> Result<()> {
        let mut reader = self.store_of(layout).reader().await?;
        reader.read(statement, each).await
    }

    async fn write_uses(&self, layout: &Layout, unit: WriteUnit) -> Result<()> {
        if unit.steps.is_empty() {
            return Ok(());
        }
        match self.store_of(layout).write(unit).await? {
            Outcome::Stored(_) => Ok(()),
            Outcome::Refused(refusal) => Err(DataError::internal(format!(
                "the table of used records refused a change: {refusal:?}"
            ))),
        }
    }
}

/// The caller and their organisation.
fn signed_in(context: &Context) -> Result<(&str, &str)> {
    match context.user() {
        "" => Err(DataError::Unauthenticated),
        person => Ok((person, context.tenant())),
    }
}

fn unit_of(statements: Vec<Statement>) -> WriteUnit {
    let mut unit = WriteUnit::default();
    for statement in statements {
        unit.push(statement, Expect::Anything);
    }
    unit
}

/// A row of [`rows::list`].
fn use_of(tenant: &str, row: &dyn Row) -> Option<Use> {
    let (object, record) = (row.cell(0).as_text()?.to_owned(), row.cell(1).as_text()?.to_owned());
    let action = UseAction::named(row.cell(2).as_text()?)?;
    let used_ms = moment::to_ms(row.cell(3).as_text()?)?;
    Some(Use::new(tenant, &object, &record, action, used_ms))
}
