//! Numbers of `autonumber` fields: which counter a record takes its number from, and where a new counter begins. Counting itself
//! is `sequence`, and how a number is written is `format`. Called by every change that makes a record, or changes one.
//!
//! Each tenant has counters of its own, and a format may ask for one for each year, month or day. A number that is brought (by
//! seeds, the system, a hook) moves the counter that would have given it. A counter that is new goes on behind the one that the
//! same records had before their object or field was renamed, behind the wider one that numbered them, and behind the largest
//! number that is stored, so that no number comes twice. To find that one, the numbers of the object are looked at once for
//! every counter.

mod format;

use super::Engine;
use super::draft::Draft;
use crate::error::Result;
use crate::model::{AutonumberFormat, FieldModel, SystemField};
use crate::query::sql::SqlWriter;
use crate::record::{Layout, Schema, moment};
use crate::store::SqlValue;

use self::format::{Look, brought, written};

/// A counter, and what it counts.
#[derive(Clone, Copy)]
struct Counter<'a> {
    object: &'a str,
    field: &'a str,
    tenant: Option<&'a str>,
    /// The year, month or day that it is for.
    period: Option<&'a str>,
}

impl<'a> Counter<'a> {
    /// The counter of a field of a record.
    fn of(layout: &'a Layout, field: &'a FieldModel, values: &'a [SqlValue], period: Option<&'a str>) -> Self {
        let tenant = layout.system_column(SystemField::Tenant);
        Self {
            object: &layout.object.name,
            field: &field.name,
            tenant: tenant.and_then(|column| values[column].as_text()),
            period,
        }
    }

    fn name(&self) -> String {
        let tenant = self.tenant.map(|tenant| format!("@{tenant}")).unwrap_or_default();
        let period = self.period.map(|period| format!("#{period}")).unwrap_or_default();
        format!("{}.{}{tenant}{period}", self.object, self.field)
    }

    /// The counters that would have counted its records before there was this one.
    fn wider(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (tenant, period) in [(None, None), (self.tenant, None), (None, self.period)] {
            let name = Counter {
                tenant,
                period,
                ..*self
            }
            .name();
            if name != self.name() && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The same counter under the names that object and field had before, unless somebody else has these now.
    fn former(&self, schema: &'a Schema, layout: &'a Layout) -> Vec<Self> {
        let object = layout.object.renamed_from.as_deref();
        let object = object.filter(|name| schema.catalogue.object(name).is_none());
        let field = layout.object.field(self.field);
        let field = field.and_then(|field| field.renamed_from.as_deref());
        let field = field.filter(|name| layout.object.field(name).is_none());
        let mut former = Vec::new();
        for object in std::iter::once(self.object).chain(object) {
            for field in std::iter::once(self.field).chain(field) {
                former.push(Self { object, field, ..*self });
            }
        }
        // The first has the names of now.
        former.split_off(1)
    }
}

impl Engine {
    /// Gives autonumbers their numbers, and counts on behind those that the record brings. What is only tried takes none: a
    /// number that was taken is gone.
    pub(super) async fn number(&self, draft: &mut Draft<'_>, layout: &Layout, values: &mut [SqlValue]) -> Result<()> {
        if draft.trial {
            return Ok(());
        }
        let numbered: Vec<usize> = (0..values.len())
            .filter(|column| layout.field(*column).autonumber.is_some())
            .collect();
        for column in numbered {
            let field = layout.field(column);
            let Some(format) = &field.autonumber else { continue };
            if values[column].is_null() {
                let number = self.next_number(draft, layout, (field, format), values).await?;
                values[column] = SqlValue::Text(number);
            } else {
                self.count_brought(draft, layout, column, values).await?;
            }
        }
        Ok(())
    }

    /// Counts on behind the numbers that a change of a record brings.
    pub(super) async fn count_changed(
        &self,
        draft: &mut Draft<'_>,
        layout: &Layout,
        before: &[SqlValue],
        values: &[SqlValue],
    ) -> Result<()> {
        for (column, known) in before.iter().enumerate() {
            let numbered = layout.field(column).autonumber.is_some();
            if numbered && !draft.trial && values.get(column) != Some(known) {
                self.count_brought(draft, layout, column, values).await?;
            }
        }
        Ok(())
    }

    async fn next_number(
        &self,
        draft: &mut Draft<'_>,
        layout: &Layout,
        (field, format): (&FieldModel, &AutonumberFormat),
        values: &[SqlValue],
    ) -> Result<String> {
        let today = moment::from_ms(draft.caller.now_ms).unwrap_or_default();
        let period = format.restarts().and_then(|period| today.get(..period.characters()));
        let counter = Counter::of(layout, field, values, period);
        let name = counter.name();
        self.begin_counter(draft.schema, layout, counter, format).await?;
        let store = self.store_of(layout);
        let number = self.sequences.next(&**store, &name).await?;
        if !store.shared() {
            draft.count(name, number);
        }
        Ok(written(format, number, &today))
    }

    /// A number that is brought is none that the counter gives later. One that the format does not write is no matter to it.
    async fn count_brought(
        &self,
        draft: &mut Draft<'_>,
        layout: &Layout,
        column: usize,
        values: &[SqlValue],
    ) -> Result<()> {
        let field = layout.field(column);
        let today = moment::from_ms(draft.caller.now_ms).unwrap_or_default();
        let (Some(format), Some(text)) = (&field.autonumber, values[column].as_text()) else {
            return Ok(());
        };
        let Some(brought) = brought(format, text, &today) else {
            return Ok(());
        };
        let counter = Counter::of(layout, field, values, brought.period.as_deref());
        self.begin_counter(draft.schema, layout, counter, format).await?;
        let (name, store) = (counter.name(), self.store_of(layout));
        if self.sequences.reach(&**store, &name, brought.number).await? {
            draft.count(name, brought.number);
        }
        Ok(())
    }

    /// Begins a counter that this process has not counted with so far.
    async fn begin_counter(
        &self,
        schema: &Schema,
        layout: &Layout,
        counter: Counter<'_>,
        format: &AutonumberFormat,
    ) -> Result<()> {
        let (store, name) = (self.store_of(layout), counter.name());
        if self.sequences.knows(&name).await {
            return Ok(());
        }
        let before = match self.sequences.value(&**store, &name).await? {
            Some(value) => value,
            None => self.before_first(schema, layout, counter, format).await?,
        };
        self.sequences.begin(&**store, &name, before).await
    }

    /// The number that a new counter goes on behind.
    async fn before_first(
        &self,
        schema: &Schema,
        layout: &Layout,
        counter: Counter<'_>,
        format: &AutonumberFormat,
    ) -> Result<i64> {
        let start = format.start.saturating_sub(1);
        let store = self.store_of(layout);
        let (mut reached, mut reached_wider) = (start, start);
        let former = counter.former(schema, layout);
        // It counted the same records, those that are gone included.
        for counter in &former {
            let value = self.sequences.value(&**store, &counter.name()).await?;
            reached = reached.max(value.unwrap_or(start));
        }
        for counter in std::iter::once(&counter).chain(&former) {
            for name in counter.wider() {
                let value = self.sequences.value(&**store, &name).await?;
                reached_wider = reached_wider.max(value.unwrap_or(start));
            }
        }
        if reached_wider > reached && self.has_numbers(layout, &counter).await? {
            reached = reached_wider;
        }
        let stored = self.largest(layout, &counter, format).await?;
        Ok(reached.max(stored.unwrap_or(start)))
    }

    /// The largest number among the records that the counter is for, those in the bin included.
    async fn largest(&self, layout: &Layout, counter: &Counter<'_>, format: &AutonumberFormat) -> Result<Option<i64>> {
        let mut writer = SqlWriter::new(layout.dialect);
        Look::of(format, counter.period).largest(&mut writer, &layout.table, counter.field);
        if let Some(column) = layout.system_column(SystemField::Tenant) {
            writer.push(" AND ").column(0, &layout.columns[column].name);
            match counter.tenant {
                Some(tenant) => writer.push(" = ").value(tenant.into()),
                None => writer.push(" IS NULL"),
            };
        }
        Look::close(&mut writer);
        let mut largest = None;
        let mut reader = self.store_of(layout).reader().await?;
        reader
            .read(&writer.finish().single(), &mut |row| largest = row.cell(0).as_integer())
            .await?;
        Ok(largest)
    }

    /// Whether records that the counter is for have numbers already.
    async fn has_numbers(&self, layout: &Layout, counter: &Counter<'_>) -> Result<bool> {
        let mut writer = SqlWriter::new(layout.dialect);
        writer.push("SELECT 1 FROM ").push(&layout.table).push(" t WHERE ");
        writer.column(0, counter.field).push(" IS NOT NULL");
        if let (Some(tenant), Some(column)) = (counter.tenant, layout.system_column(SystemField::Tenant)) {
            writer.push(" AND ").column(0, &layout.columns[column].name);
            writer.push(" = ").value(tenant.into());
        }
        if let Some(period) = counter.period {
            // What begins with the period comes after it.
            writer.push(" AND ").column(0, SystemField::CreatedAt.name());
            writer.push(" >= ").value(period.into());
        }
        writer.limit(1);
        let mut found = false;
        let mut reader = self.store_of(layout).reader().await?;
        reader.read(&writer.finish().single(), &mut |_| found = true).await?;
        Ok(found)
    }
}
