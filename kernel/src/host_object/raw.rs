//! The entries of `RawHost`: each guarded, each a line or two over [`HostObject`].

use objectos_plugin_api::{
    Error as PluginError,
    abi::{RawBegun, RawContext, RawError, RawEvent, RawFuture, RawHookFuture, RawHost, RawLogRecord, RawResult},
    private::{
        abi_stable::std_types::{RResult, RSlice, RStr, RString, RVec},
        async_ffi::FfiFuture,
    },
};

use super::{Side, guarded, log};
use crate::{instance::shield::Shield, loader};

fn answer<T, U>(result: Result<T, PluginError>, convert: impl FnOnce(T) -> U) -> RResult<U, RawError> {
    match result {
        Ok(value) => RResult::ROk(convert(value)),
        Err(error) => RResult::RErr(error.into_raw()),
    }
}

fn refused<T>(error: PluginError) -> RResult<T, RawError> {
    RResult::RErr(error.into_raw())
}

fn refused_future<T: Send + 'static>(error: PluginError) -> FfiFuture<RResult<T, RawError>> {
    FfiFuture::new(std::future::ready(refused(error)))
}

fn refused_at_once(error: PluginError) -> RawBegun {
    RawBegun::Answer(refused(error))
}

impl RawHost for Side {
    fn log_enabled(&self, level: u8, target: RStr<'_>) -> bool {
        guarded(|_| false, || log::enabled(log::level(level), target.as_str()))
    }

    fn log(&self, record: &RawLogRecord<'_>) {
        guarded(
            |_| (),
            || {
                let level = log::level(record.level);
                self.0.log(
                    level,
                    record.target.as_str(),
                    record.message.as_str(),
                    record.fields.as_str(),
                );
            },
        );
    }

    fn service_open(&self, name: RStr<'_>, range: RStr<'_>) -> RResult<u64, RawError> {
        guarded(refused, || {
            answer(self.0.open_service(name.as_str(), range.as_str()), |handle| handle)
        })
    }

    fn service_available(&self, service: u64) -> bool {
        self.0
            .services
            .get(service)
            .is_some_and(|reference| reference.slot.available())
    }

    fn call(&self, service: u64, method: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> RawBegun {
        guarded(refused_at_once, || match self.0.service(service) {
            Ok(reference) => reference.start(&self.0.core.executor, &self.0.caller, method, context, payload),
            Err(error) => refused_at_once(error),
        })
    }

    fn call_sync(
        &self,
        service: u64,
        method: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> RawResult {
        guarded(refused, || match self.0.service(service) {
            Ok(reference) => reference.call_sync(&self.0.caller, method, context, payload),
            Err(error) => refused(error),
        })
    }

    fn hook_open(&self, name: RStr<'_>) -> RResult<u64, RawError> {
        guarded(refused, || answer(self.0.open_hook(name.as_str()), |handle| handle))
    }

    fn hook_armed(&self, hook: u64, subject: RStr<'_>) -> bool {
        self.0.hook(hook).is_ok_and(|point| point.armed(subject.as_str()))
    }

    fn hook_run(&self, hook: u64, subject: RStr<'_>, context: &RawContext<'_>, payload: RSlice<'_, u8>) -> RawFuture {
        guarded(refused_future, || match self.0.hook(hook) {
            Ok(point) => point.run(&self.0.core, &self.0.caller, subject, context, payload),
            Err(error) => refused_future(error),
        })
    }

    fn hook_steps(
        &self,
        hook: u64,
        subject: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> RawHookFuture {
        guarded(refused_future, || match self.0.hook(hook) {
            Ok(point) => point.steps(&self.0.core, &self.0.caller, subject, context, payload),
            Err(error) => refused_future(error),
        })
    }

    fn publish(&self, context: &RawContext<'_>, event: &RawEvent<'_>) -> RResult<(), RawError> {
        guarded(refused, || answer(self.0.publish(context, event), |()| ()))
    }

    fn publish_durable(&self, context: &RawContext<'_>, event: &RawEvent<'_>) -> RawFuture {
        guarded(refused_future, || match self.0.publish_durable(context, event) {
            Ok(future) => FfiFuture::new(future),
            Err(error) => refused_future(error),
        })
    }

    fn events_stored(&self) {
        guarded(|_| (), || self.0.events_stored());
    }

    fn listen(&self, address: RStr<'_>) -> RResult<i32, RawError> {
        guarded(refused, || {
            answer(self.0.listen(address.as_str()), |descriptor| descriptor)
        })
    }

    fn contributions(&self, kind: RStr<'_>) -> RVec<u8> {
        guarded(
            |_| RVec::new(),
            || RVec::from(self.0.core.contributions.json(kind.as_str())),
        )
    }

    fn contributions_epoch(&self) -> u64 {
        self.0.core.contributions.epoch()
    }

    fn kernel_context(&self) -> RVec<u8> {
        guarded(
            |_| RVec::new(),
            || RVec::from(serde_json::to_vec(&self.0.core.context).unwrap_or_default()),
        )
    }

    fn environment(&self, name: RStr<'_>) -> RResult<RString, RawError> {
        guarded(refused, || answer(self.0.environment(name.as_str()), RString::from))
    }

    fn now_ms(&self) -> i64 {
        self.0.core.clock.now_ms()
    }

    fn spawn(&self, future: FfiFuture<()>) {
        guarded(|_| (), || self.0.tasks.spawn(&self.0.core.executor, future));
    }

    fn checkpoint(&self) {
        loader::checkpoint();
    }

    fn stream_next(&self, stream: u64, deadline_ns: u64) -> RawFuture {
        guarded(refused_future, || match self.0.core.streams.next(stream, deadline_ns) {
            Some(next) => FfiFuture::new(Shield::new(self.0.core.executor.clone(), next)),
            None => refused_future(PluginError::internal(format_args!("{stream} is no open body"))),
        })
    }

    fn stream_drop(&self, stream: u64) {
        guarded(|_| (), || self.0.core.streams.close(stream));
    }

    fn stream_push(&self, stream: u64, message: RSlice<'_, u8>) -> RawFuture {
        guarded(refused_future, || {
            match self.0.core.streams.push(stream, message.as_slice()) {
                Some(push) => FfiFuture::new(Shield::new(self.0.core.executor.clone(), push)),
                None => refused_future(PluginError::internal(format_args!("{stream} is no open socket"))),
            }
        })
    }
}
