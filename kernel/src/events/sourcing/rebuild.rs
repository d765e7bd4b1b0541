//! The state that a record had at a moment, or after an event.

use objectos_plugin_api::{
    Error, ErrorKind, Result,
    contracts::{
        event_store::{Aggregate, AggregateRequest},
        events::{RECORD_CREATED, RecordState, record_state},
        kernel::{RecordStateAnswer, RecordStateRequest},
    },
};

use super::{
    fold::{Folded, Reading},
    streams,
};
use crate::events::{shared::Shared, time_text::ms_of_text};

/// Rebuilds it.
///
/// # Errors
/// `Conflict` when sourcing is off, or not on for the object; `Invalid` for a moment that is none, or a moment and a
/// sequence; `NotFound` for a record of which nothing is kept, or nothing from that time; what the store answers.
pub(crate) async fn rebuild(shared: &Shared, request: &RecordStateRequest) -> Result<RecordStateAnswer> {
    let aggregate = covered(shared, request)?;
    let bounds = bounds(&aggregate, request)?;
    let folded = read(shared, &bounds).await?;
    if folded.sequence == 0 {
        before_the_first(shared, &aggregate).await?;
    }
    Ok(RecordStateAnswer {
        at: folded.at(),
        object: aggregate.object,
        record: aggregate.record,
        sequence: folded.sequence,
        snapshot: folded.snapshot,
        events: folded.events,
        state: folded.state,
    })
}

fn covered(shared: &Shared, request: &RecordStateRequest) -> Result<Aggregate> {
    let conflict = |text: String| Err(Error::new(ErrorKind::Conflict, text));
    match &shared.settings.sourcing {
        None => conflict(
            "records are not rebuilt from events: eventSourcing.enabled is not set in the configuration of events"
                .into(),
        ),
        Some(sourcing) if !sourcing.covers(&request.object) => conflict(format!(
            "records of {} are not rebuilt from events: it is not among eventSourcing.aggregateTypes",
            request.object
        )),
        Some(_) => Ok(Aggregate {
            object: request.object.clone(),
            record: request.record.clone(),
        }),
    }
}

fn bounds(aggregate: &Aggregate, request: &RecordStateRequest) -> Result<AggregateRequest> {
    if request.at.is_some() && request.sequence.is_some() {
        return Err(Error::invalid("give a moment (at) or a sequence, not both"));
    }
    let until_ms = match &request.at {
        None => None,
        Some(text) => {
            let at_ms = ms_of_text(text);
            Some(at_ms.ok_or_else(|| Error::invalid(format!("at: `{text}` is no date and time as in RFC 3339")))?)
        }
    };
    Ok(AggregateRequest {
        until: request.sequence,
        until_ms,
        ..AggregateRequest::of(aggregate)
    })
}

/// The newest snapshot within the bounds, and the events after it.
async fn read(shared: &Shared, bounds: &AggregateRequest) -> Result<Folded> {
    let mut reading = Reading::new(shared, bounds.clone());
    while let Some(events) = reading.page().await? {
        events.iter().for_each(|stored| reading.folded.apply(stored));
    }
    Ok(reading.folded)
}

/// Nothing is kept from that time: that there was no such record, only its first event can say.
async fn before_the_first(shared: &Shared, aggregate: &Aggregate) -> Result<()> {
    let Aggregate { object, record } = aggregate;
    let anything = AggregateRequest {
        limit: 1,
        ..AggregateRequest::of(aggregate)
    };
    let (page, _) = streams::page(shared, anything.clone()).await?;
    if page.snapshot.is_none() && page.events.is_empty() {
        return Err(Error::not_found(format!("there are no events of {object} {record}")));
    }
    let first = AggregateRequest {
        after: Some(0),
        ..anything
    };
    let (page, _) = streams::page(shared, first).await?;
    let made = page.events.first().is_some_and(|stored| {
        stored.event.name == RECORD_CREATED && matches!(record_state(&stored.event), Some(RecordState::Is(_)))
    });
    if made {
        return Ok(());
    }
    Err(Error::not_found(format!(
        "what {object} {record} was then is not known: its events of that time are not kept"
    )))
}
