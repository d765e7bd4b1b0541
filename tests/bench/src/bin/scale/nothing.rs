//! What the engine meets outside of itself, where nobody is: no hooks, everything permitted, nobody answers. Called by `world`.

use objectos_data::access::{Access, Permissions, Refusal};
use objectos_data::engine::ports::{Clock, EventSignal, HookPoint, Hooks, Outside};
use objectos_data::error::{DataError, Result as DataResult};
use objectos_data::store::BoxFuture;
use objectos_plugin_api::contracts::http_client::{IncomingAnswer, OutgoingRequest};
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Context, HookStep};

#[derive(Debug)]
pub(crate) struct Nothing;

impl Hooks for Nothing {
    fn armed(&self, _: HookPoint, _: &str) -> bool {
        false
    }

    fn run<'a>(
        &'a self,
        _: HookPoint,
        _: &'a Context,
        _: &'a str,
        _: Vec<u8>,
    ) -> BoxFuture<'a, DataResult<Vec<HookStep>>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn admit<'a>(&'a self, _: &'a Context, _: &'a str, _: &'a str) -> BoxFuture<'a, DataResult<()>> {
        Box::pin(async { Ok(()) })
    }

    fn admit_event<'a>(&'a self, _: &'a Context, _: &'a str, _: &'a str) -> BoxFuture<'a, DataResult<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Permissions for Nothing {
    fn at_once(&self, _: &Context, _: &str, _: Operation) -> Option<DataResult<Access>> {
        Some(Ok(Access::Everything))
    }

    fn ask<'a>(&'a self, _: &'a Context, _: &'a str, _: Operation) -> BoxFuture<'a, DataResult<Access>> {
        Box::pin(async { Ok(Access::Everything) })
    }

    fn holds<'a>(&'a self, _: &'a Context, _: &'a str) -> BoxFuture<'a, DataResult<bool>> {
        Box::pin(async { Ok(true) })
    }

    fn refused<'a>(&'a self, _: &'a Context, _: Refusal<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

impl EventSignal for Nothing {
    fn stored(&self) {}
}

impl Outside for Nothing {
    fn send<'a>(&'a self, _: &'a Context, _: OutgoingRequest) -> BoxFuture<'a, DataResult<IncomingAnswer>> {
        Box::pin(async { Err(DataError::internal("nobody is outside")) })
    }

    fn call<'a>(&'a self, _: &'a Context, _: &'a str, _: &'a str, _: Vec<u8>) -> BoxFuture<'a, DataResult<Vec<u8>>> {
        Box::pin(async { Err(DataError::internal("nobody is outside")) })
    }
}

impl Clock for Nothing {
    fn now_ms(&self) -> i64 {
        1_772_280_000_000
    }
}
