//! Events that were given up: reading them, and trying one again.

use objectos_plugin_api::{
    Error, ErrorKind, Result, contracts::event_store::DeadLetterRequest, protocol::kernel::DeadLetterQueueEntry,
};

use super::{
    delivery::{Outcome, context_of, marked},
    shared::Shared,
};

/// A page, latest first.
pub(crate) async fn list(shared: &Shared, offset: u32, limit: u32) -> Result<Vec<DeadLetterQueueEntry>> {
    shared
        .store_call(shared.store.dead_letters(DeadLetterRequest {
            id: None,
            offset,
            limit,
            remove: false,
        }))
        .await
}

/// Delivers a dead letter once more to the handler that failed. When that goes well it is removed, else it stays.
pub(crate) async fn retry(shared: &Shared, id: &str) -> Result<()> {
    let one = |remove: bool| DeadLetterRequest {
        id: Some(id.to_owned()),
        offset: 0,
        limit: 1,
        remove,
    };
    let found = shared.store_call(shared.store.dead_letters(one(false))).await?;
    let Some(letter) = found.into_iter().find(|letter| letter.id == id) else {
        return Err(Error::not_found(format!("there is no dead letter {id}")));
    };
    let wanted = letter.failed_handler.as_deref().unwrap_or_default();
    let table = shared.table.load_full();
    let routes = table.routes(&letter.event.name);
    let route = routes
        .durable
        .iter()
        .find(|route| route.handler.target.id().as_str() == wanted);
    let Some(route) = route else {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "the handler {wanted} is not registered for {}; install or enable its plugin first",
                letter.event.name
            ),
        ));
    };
    let json = serde_json::to_vec(&letter.event).map_err(Error::internal)?;
    let context = marked(&context_of(&letter.event), [("deadLetter", id.into())]);
    let outcome = shared
        .delivery
        .attempt(&route.handler.target, &[json.into()], &context, route.timeout_ms)
        .await;
    match outcome {
        Outcome::Done => {
            route.handler.counters.delivered.one();
            shared.counters.delivered.one();
            shared
                .store_call(shared.store.dead_letters(one(true)))
                .await
                .map(|_| ())
        }
        Outcome::Away => Err(Error::unavailable(format!(
            "nobody is there to take events for {wanted}; try again later"
        ))),
        Outcome::Failed { error, .. } | Outcome::Gone(error) => {
            shared.count_failure(&route.handler, &error);
            Err(error)
        }
    }
}
