//! Numbers of `autonumber` fields: which counter a record takes its number from, and where a new counter begins. Counting itself
//! is `sequence`. Called by every change that makes a record.
//!
//! Each tenant has counters of its own, and a format may ask for one for each year, month or day. A counter that is new goes on
//! behind the wider one that numbered the same records before, so that no number comes twice after a format has changed.

use super::draft::{Draft, Part};
use super::{Engine, sequence};
use crate::error::Result;
use crate::model::{AutonumberFormat, AutonumberPart, SystemField};
use crate::query::sql::SqlWriter;
use crate::record::{Layout, moment};
use crate::store::{Expect, SqlValue};

/// A counter, and what it counts.
struct Counter<'a> {
    object: &'a str,
    field: &'a str,
    tenant: Option<&'a str>,
    /// The year, month or day that it is for.
    period: Option<&'a str>,
}

impl Counter<'_> {
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
}

impl Engine {
    /// Gives autonumbers their numbers. What is only tried takes none: a number that was taken is gone.
    pub(super) async fn number(&self, draft: &mut Draft<'_>, layout: &Layout, values: &mut [SqlValue]) -> Result<()> {
        let open = |(index, value): (usize, &SqlValue)| value.is_null() && layout.field(index).autonumber.is_some();
        if draft.trial || !values.iter().enumerate().any(open) {
            return Ok(());
        }
        let store = self.store_of(layout);
        let tenant = layout
            .system_column(SystemField::Tenant)
            .and_then(|column| values[column].as_text().map(str::to_owned));
        let today = moment::from_ms(draft.caller.now_ms).unwrap_or_default();
        for (index, value) in values.iter_mut().enumerate() {
            let field = layout.field(index);
            let Some(format) = field.autonumber.as_ref().filter(|_| value.is_null()) else {
                continue;
            };
            let period = format.restarts().and_then(|period| today.get(..period.characters()));
            let counter = Counter {
                object: &layout.object.name,
                field: &field.name,
                tenant: tenant.as_deref(),
                period,
            };
            let name = counter.name();
            if !self.sequences.knows(&name).await {
                let before = match self.sequences.value(&**store, &name).await? {
                    Some(value) => value,
                    None => self.before_first(layout, &counter, format).await?,
                };
                self.sequences.begin(&**store, &name, before).await?;
            }
            let number = self.sequences.next(&**store, &name).await?;
            if !store.shared() {
                draft.push(Part::Counter, sequence::keep(&name, number), Expect::Anything);
            }
            *value = SqlValue::Text(written(format, number, &today));
        }
        Ok(())
    }

    /// The number that a new counter goes on behind.
    async fn before_first(&self, layout: &Layout, counter: &Counter<'_>, format: &AutonumberFormat) -> Result<i64> {
        let start = format.start.saturating_sub(1);
        let store = self.store_of(layout);
        let mut reached = start;
        for name in counter.wider() {
            let value = self.sequences.value(&**store, &name).await?;
            reached = reached.max(value.unwrap_or(start));
        }
        if reached > start && self.has_numbers(layout, counter).await? {
            return Ok(reached);
        }
        Ok(start)
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

/// `CASE-0042`, `INV-2026-00042`.
fn written(format: &AutonumberFormat, number: i64, today: &str) -> String {
    let part = |range: std::ops::Range<usize>| today.get(range).unwrap_or_default().to_owned();
    format
        .parts
        .iter()
        .map(|piece| match piece {
            AutonumberPart::Literal(text) => text.clone(),
            AutonumberPart::Counter { width, .. } => format!("{number:0>width$}", width = *width),
            AutonumberPart::Year => part(0..4),
            AutonumberPart::ShortYear => part(2..4),
            AutonumberPart::Month => part(5..7),
            AutonumberPart::Day => part(8..10),
        })
        .collect()
}
