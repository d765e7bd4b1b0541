//! The service `event-archive-s3`: done events, for their retention and for replays. A batch of events is an object at
//! `archive/DAY/NAME`, where the day (UTC) is that on which they were stored and the name is that of `batch`. So a
//! replay of some days lists the objects of these days alone, and reads only those whose sequences it has not had;
//! what is old is taken away object by object, whole days at once. A batch that is answered to the kernel is in the
//! bucket; when it comes again because that answer got lost, it is the same object.
//!
//! What the kernel asks for next may have been moved in between, so no list is remembered. Called by the kernel alone;
//! everybody else is refused.

use futures_util::future::try_join_all;
use objectos_plugin_api::contracts::event_archive::EventArchive;
use objectos_plugin_api::contracts::event_store::{DoneEvent, RangePage, RangePageRequest, RangeRequest, StoredEvent};
use objectos_plugin_api::protocol::kernel::plugin_document::matches_event;
use objectos_plugin_api::{Context, Host, Result as ApiResult};
use std::collections::BTreeMap;

use crate::batch::{BatchName, batches, events_of};
use crate::caller::only_the_kernel;
use crate::error::Result;
use crate::gathered::Gathered;
use crate::moment::day_of;
use crate::objects::{Objects, delete_all, together};

const ROOT: &str = "archive/";
/// Objects read at the same time.
const READ_MAX: usize = 4;

/// Done events in objects.
#[derive(Debug)]
pub(crate) struct Archive<O> {
    objects: O,
    host: Host,
}

/// An object of a day.
#[derive(Debug)]
struct Kept {
    key: String,
    name: BatchName,
}

impl<O: Objects> Archive<O> {
    pub(crate) fn new(objects: O, host: Host) -> Self {
        Self { objects, host }
    }

    async fn keep(&self, events: Vec<DoneEvent>) -> Result<()> {
        let mut by_day: BTreeMap<String, Vec<DoneEvent>> = BTreeMap::new();
        for done in events {
            by_day.entry(day_of(done.stored_at_ms)).or_default().push(done);
        }
        let mut calls = Vec::new();
        for (day, events) in by_day {
            for batch in batches(events)? {
                calls.push(self.put(format!("{ROOT}{day}/{}", batch.name), batch.body));
            }
        }
        together(calls).await.map(drop)
    }

    async fn put(&self, key: String, body: String) -> Result<()> {
        self.objects.put(&key, body).await
    }

    /// The objects of days from `first` to `last`, both included. Others in the bucket are nobody's business.
    async fn of_days(&self, first: &str, last: &str) -> Result<Vec<Kept>> {
        let mut found = Vec::new();
        let mut after = format!("{ROOT}{first}");
        loop {
            let page = self.objects.list(ROOT, &after).await?;
            for key in &page.keys {
                let Some((day, name)) = key.strip_prefix(ROOT).and_then(|rest| rest.split_once('/')) else {
                    continue;
                };
                if day > last {
                    return Ok(found);
                }
                if let Some(name) = BatchName::parse(name) {
                    let key = key.clone();
                    found.push(Kept { key, name });
                }
            }
            match page.keys.last() {
                Some(last) if page.more => after.clone_from(last),
                _ => return Ok(found),
            }
        }
    }

    /// Reads objects until there are enough events, or enough was looked at: then the page ends where the objects that
    /// were not read begin, so that rare events are found by many calls and none of them is long.
    async fn read(&self, asked: &RangePageRequest) -> Result<RangePage> {
        let request = &asked.range;
        let mut budget = Budget::of(asked, self.host.now_ms());
        let (first, last) = (day_of(request.from_ms), day_of(request.to_ms.unwrap_or(i64::MAX)));
        let mut kept = self.of_days(&first, &last).await?;
        kept.retain(|kept| kept.name.last > request.after);
        // Sequences grow with time, but not strictly: what was done late is in a later batch.
        kept.sort_by_key(|kept| kept.name.first);
        let mut found = Gathered::new(request.limit);
        let mut known = None;
        for group in kept.chunks(READ_MAX) {
            let begin = group.first().map_or(0, |kept| kept.name.first);
            if found.is_full_before(begin) {
                break;
            }
            let before = begin.saturating_sub(1);
            // A page that led nowhere would be asked for again and again.
            if before > request.after && budget.is_spent(self.host.now_ms()) {
                known = Some(before);
                break;
            }
            let mut calls = Vec::new();
            for kept in group {
                calls.push(self.objects.get(&kept.key));
            }
            for (kept, body) in group.iter().zip(try_join_all(calls).await?) {
                budget.take(kept.name.count);
                // One that is not there any more was old.
                let events = body.map(|body| events_of(&kept.key, &kept.name, &body));
                let wanted = events.into_iter().flatten().filter(|done| is_asked(request, done));
                wanted.for_each(|done| found.take(done));
            }
        }
        let mut events = found.into_events();
        // Beyond it, objects that were not read may have some in between.
        events.retain(|stored| known.is_none_or(|known| stored.sequence <= known));
        let page = RangePage::of_range(events, request.limit);
        Ok(RangePage {
            next: page.next.or(known),
            ..page
        })
    }

    async fn forget(&self, before_ms: i64) -> Result<u64> {
        let kept_from = day_of(before_ms);
        let mut old = self.of_days("", &kept_from).await?;
        let day = format!("{ROOT}{kept_from}/");
        old.retain(|kept| !kept.key.starts_with(&day));
        let count = old.iter().map(|kept| kept.name.count).sum();
        let keys: Vec<String> = old.into_iter().map(|kept| kept.key).collect();
        // The oldest first: should it be broken off, the next time goes on from there.
        delete_all(&self.objects, &keys).await?;
        Ok(count)
    }
}

/// What is left for one call.
#[derive(Debug)]
struct Budget {
    /// Events that may still be looked at; at least one object is read in any case.
    events: u64,
    /// When it is over, milliseconds since 1970.
    end_ms: i64,
    begun: bool,
}

impl Budget {
    fn of(request: &RangePageRequest, now_ms: i64) -> Self {
        let time_ms = i64::try_from(request.time_max_ms).unwrap_or(i64::MAX);
        Self {
            events: match request.looked_at_max {
                0 => u64::MAX,
                most => u64::from(most),
            },
            end_ms: match time_ms {
                0 => i64::MAX,
                time_ms => now_ms.saturating_add(time_ms),
            },
            begun: false,
        }
    }

    fn take(&mut self, events: u64) {
        self.begun = true;
        self.events = self.events.saturating_sub(events);
    }

    fn is_spent(&self, now_ms: i64) -> bool {
        self.begun && (self.events == 0 || now_ms >= self.end_ms)
    }
}

fn is_asked(request: &RangeRequest, done: &DoneEvent) -> bool {
    let mut patterns = request.names.iter();
    done.sequence > request.after
        && done.stored_at_ms >= request.from_ms
        && request.to_ms.is_none_or(|to_ms| done.stored_at_ms < to_ms)
        && (request.names.is_empty() || patterns.any(|pattern| matches_event(pattern, &done.event.name)))
}

impl<O: Objects> EventArchive for Archive<O> {
    async fn append(&self, context: Context, events: Vec<DoneEvent>) -> ApiResult<()> {
        only_the_kernel(&context)?;
        Ok(self.keep(events).await?)
    }

    async fn range(&self, context: Context, range: RangeRequest) -> ApiResult<Vec<StoredEvent>> {
        only_the_kernel(&context)?;
        let whole = RangePageRequest {
            range,
            ..RangePageRequest::default()
        };
        Ok(self.read(&whole).await?.events)
    }

    async fn range_page(&self, context: Context, request: RangePageRequest) -> ApiResult<RangePage> {
        only_the_kernel(&context)?;
        Ok(self.read(&request).await?)
    }

    async fn prune(&self, context: Context, before_ms: i64) -> ApiResult<u64> {
        only_the_kernel(&context)?;
        Ok(self.forget(before_ms).await?)
    }
}
