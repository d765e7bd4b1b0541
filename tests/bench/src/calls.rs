//! A service call across the ABI, through the kernel with all its guards, against a call of the same code behind a `dyn` in
//! this program.

use anyhow::{Context as _, Result};
use objectos_kernel::{
    HostService, Kernel, KernelOptions, Policy,
    grants::GrantPolicy,
    loader,
    trust::{TrustConfig, TrustPolicy},
};
use objectos_plugin_api::{Context, protocol::kernel::RuntimeMode};
use std::{
    future::Future,
    hint::black_box,
    path::Path,
    pin::Pin,
    time::{Duration, Instant},
};

use crate::table::{Mark, Table};

const BATCHES: usize = 400;
const CALLS: u32 = 500;
/// How much more than a `dyn` call a small one may cost, nanoseconds.
const OVER_DYN: Mark = Mark::AtMost(250.0);

type Answer<'a> = Pin<Box<dyn Future<Output = Vec<u8>> + Send + 'a>>;

/// What the plugin does, without a plugin: copies in, answers.
trait Plain: Send + Sync {
    fn later<'a>(&'a self, request: &'a [u8]) -> Answer<'a>;
    fn now(&self, request: &[u8]) -> Vec<u8>;
}

struct Echo;

impl Plain for Echo {
    fn later<'a>(&'a self, request: &'a [u8]) -> Answer<'a> {
        Box::pin(async move { request.to_vec() })
    }

    fn now(&self, request: &[u8]) -> Vec<u8> {
        request.to_vec()
    }
}

/// What one call costs, and the same behind a `dyn`, nanoseconds.
struct Cost {
    title: String,
    ours_ns: f64,
    plain_ns: f64,
    mark: Option<Mark>,
}

/// Measures calls of both kinds, small and large.
pub(crate) fn measure(built: &Path, table: &mut Table) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(loader::on_thread_start)
        .on_thread_park(loader::on_thread_park)
        .enable_all()
        .build()?;
    let folder = tempfile::tempdir()?;
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins)?;
    std::fs::copy(built.join("libobjectos_echo.so"), plugins.join("echo.so")).context("copy the echo plugin")?;
    let policy = Policy {
        trust: TrustPolicy::new(&TrustConfig::default(), RuntimeMode::Development)
            .map_err(|_| anyhow::anyhow!("the default trust policy is refused"))?,
        grants: GrantPolicy::new(None, RuntimeMode::Development, folder.path())
            .map_err(|_| anyhow::anyhow!("the default grants are refused"))?,
        prefer: indexmap::IndexMap::new(),
    };
    let data = folder.path().join("data");
    let options = KernelOptions::new(plugins, data.clone(), data.join("run"), policy);
    let (kernel, report) = runtime.block_on(Kernel::boot(options, runtime.handle().clone()))?;
    anyhow::ensure!(report.complete(), "the echo plugin did not start:\n{report}");
    let service = kernel
        .service("echo", "^1")
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let costs = runtime.block_on(async { runtime.spawn(costs(service)).await })?;
    runtime.block_on(kernel.shutdown(Duration::from_secs(5)));
    for cost in costs? {
        table.over(&cost.title, cost.ours_ns, cost.plain_ns, cost.mark);
    }
    Ok(())
}

async fn costs(service: HostService) -> Result<Vec<Cost>> {
    let plain: Box<dyn Plain> = Box::new(Echo);
    let context = Context::request("benchmark");
    let mut costs = Vec::new();
    // A large call has no mark: it is copied on its way in and on its way out, where the plain one is copied once, and how long
    // that takes is a matter of the machine's memory and not of the call. What the call itself costs, the small one tells.
    for (size, name, mark) in [(200, "200 B", Some(OVER_DYN)), (16 * 1024, "16 KiB", None)] {
        let payload = vec![b'x'; size];
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..BATCHES {
            let begun = Instant::now();
            for _ in 0..CALLS {
                black_box(
                    service
                        .call("later", &context, black_box(&payload))
                        .await
                        .map_err(|error| anyhow::anyhow!("{error}"))?,
                );
            }
            ours.push(begun.elapsed());
            let begun = Instant::now();
            for _ in 0..CALLS {
                black_box(black_box(&plain).later(black_box(&payload)).await);
            }
            theirs.push(begun.elapsed());
        }
        costs.push(cost(format!("service call, async, {name}, ns"), ours, theirs, mark));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..BATCHES {
            let begun = Instant::now();
            for _ in 0..CALLS {
                black_box(
                    service
                        .call_sync("now", &context, black_box(&payload))
                        .map_err(|error| anyhow::anyhow!("{error}"))?,
                );
            }
            ours.push(begun.elapsed());
            let begun = Instant::now();
            for _ in 0..CALLS {
                black_box(black_box(&plain).now(black_box(&payload)));
            }
            theirs.push(begun.elapsed());
        }
        costs.push(cost(format!("service call, sync, {name}, ns"), ours, theirs, mark));
    }
    Ok(costs)
}

fn cost(title: String, ours: Vec<Duration>, theirs: Vec<Duration>, mark: Option<Mark>) -> Cost {
    Cost {
        title,
        ours_ns: median_ns(ours),
        plain_ns: median_ns(theirs),
        mark,
    }
}

fn median_ns(mut batches: Vec<Duration>) -> f64 {
    batches.sort_unstable();
    batches[batches.len() / 2].as_secs_f64() * 1e9 / f64::from(CALLS)
}
