//! What signing in and being allowed cost: logins against the password hash alone, on all cores, and an access plan from the
//! cache of the plugin `permissions`, asked for through the kernel as the data engine does.

use anyhow::{Context as _, Result};
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, Version,
    password_hash::{Salt, SaltString},
};
use objectos_kernel::{
    HostService, Kernel, KernelOptions, Policy,
    grants::GrantPolicy,
    loader,
    trust::{TrustConfig, TrustPolicy},
};
use objectos_plugin_api::{
    Context, Principal, PrincipalKind,
    contracts::permissions::{AccessPlan, AccessRequest, Operation},
    protocol::kernel::RuntimeMode,
};
use serde_json::json;
use std::{
    hint::black_box,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    BENCH, Cli,
    host::{Guard, Host, PASSWORD, USER},
    load::Load,
    stats::Series,
};

/// The defaults of `plugins.objectos.auth.hashing`.
const MEMORY_KIB: u32 = 19_456;
const ITERATIONS: u32 = 2;
const LANES: u32 = 1;

const BATCHES: usize = 400;
const CALLS: u32 = 500;

/// Clients for each core: while one waits for the store, another one's hash is computed.
const CLIENTS_PER_CORE: usize = 8;

/// Logins per second with every core busy, and hashes per second of a program that does nothing else. Their
/// ratio is logins per second × time of a hash ÷ cores.
pub(crate) fn logins(cli: &Cli, duration: Duration) -> Result<(Series, Series)> {
    let cores = thread::available_parallelism()?.get();
    let host = Host::start(cli, BENCH, "NORMAL", Guard::Secured)?;
    let body = json!({ "email": USER, "password": PASSWORD }).to_string();
    let load = Load {
        expected_status: 200,
        ..Load::post(
            host.address,
            "",
            "/api/v1/auth/sign-in/email",
            &body,
            cores * CLIENTS_PER_CORE,
        )
    };
    let (mut ours, mut plain) = (Series::default(), Series::default());
    for _ in 0..cli.rounds {
        ours.push(load.run(duration).context("sign in")?);
        plain.push(hashes(cores, duration)?);
    }
    Ok((ours, plain))
}

/// Hashes per second on so many threads.
fn hashes(threads: usize, duration: Duration) -> Result<f64> {
    let begun = Instant::now();
    let end = begun + duration;
    let workers: Vec<_> = (0..threads).map(|_| thread::spawn(move || hash_until(end))).collect();
    let mut count = 0;
    for worker in workers {
        count += worker
            .join()
            .map_err(|_| anyhow::anyhow!("a thread that hashes ended"))??;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

fn hash_until(end: Instant) -> Result<u32> {
    let wrong = |error: argon2::Error| anyhow::anyhow!("{error}");
    let params = Params::new(MEMORY_KIB, ITERATIONS, LANES, None).map_err(wrong)?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let salt = SaltString::encode_b64(&[7; Salt::RECOMMENDED_LENGTH]).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut count = 0;
    while Instant::now() < end {
        let hash = argon.hash_password(black_box(PASSWORD.as_bytes()), &salt);
        black_box(hash.map_err(|error| anyhow::anyhow!("{error}"))?);
        count += 1;
    }
    Ok(count)
}

/// What a plan from the cache costs, nanoseconds.
pub(crate) fn plan(built: &Path, repository: &Path) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(loader::on_thread_start)
        .on_thread_park(loader::on_thread_park)
        .enable_all()
        .build()?;
    let folder = tempfile::tempdir()?;
    let (plugins, data) = (folder.path().join("plugins"), folder.path().join("data"));
    std::fs::create_dir(&plugins)?;
    for name in ["data", "permissions"] {
        let library = format!("libobjectos_{name}.so");
        std::fs::copy(built.join(&library), plugins.join(&library)).with_context(|| format!("copy {library}"))?;
    }
    let policy = Policy {
        trust: TrustPolicy::new(&TrustConfig::default(), RuntimeMode::Development)
            .map_err(|_| anyhow::anyhow!("the default trust policy is refused"))?,
        grants: GrantPolicy::new(None, RuntimeMode::Development, folder.path())
            .map_err(|_| anyhow::anyhow!("the default grants are refused"))?,
        prefer: indexmap::IndexMap::new(),
    };
    let mut options = KernelOptions::new(plugins.clone(), data.clone(), data.join("run"), policy);
    options.host_settings = json!({
        "apps": [repository.join("examples/crm")], "mode": "development", "listen": "127.0.0.1:0",
        "dataDirectory": data, "pluginDirectory": plugins,
    });
    options.plugin_settings.insert(
        "objectos.permissions".to_owned(),
        json!({ "defaultSets": ["sales_user"] }),
    );
    let (kernel, report) = runtime.block_on(Kernel::boot(options, runtime.handle().clone()))?;
    anyhow::ensure!(report.complete(), "the plugins did not start:\n{report}");
    let service = kernel
        .service("permissions", "^1")
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let measured = runtime.block_on(async { runtime.spawn(plan_ns(service)).await })?;
    runtime.block_on(kernel.shutdown(Duration::from_secs(5)));
    measured
}

async fn plan_ns(service: HostService) -> Result<f64> {
    let principal = Principal {
        id: "benchmark".to_owned(),
        kind: PrincipalKind::User,
        roles: vec!["user".to_owned()],
        ..Principal::default()
    };
    let context = Context::request("benchmark").with_principal(&principal);
    let request = serde_json::to_vec(&AccessRequest {
        object: "account".to_owned(),
        operation: Operation::Read,
    })?;
    let ask = async || {
        let answer = service.call("access_plan", &context, black_box(&request)).await;
        answer.map_err(|error| anyhow::anyhow!("{error}"))
    };
    let first: AccessPlan = serde_json::from_slice(ask().await?.as_ref())?;
    anyhow::ensure!(first.allowed, "the plan of the benchmark's user refuses: {first:?}");
    let mut batches = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let begun = Instant::now();
        for _ in 0..CALLS {
            black_box(ask().await?);
        }
        batches.push(begun.elapsed());
    }
    batches.sort_unstable();
    Ok(batches[BATCHES / 2].as_secs_f64() * 1e9 / f64::from(CALLS))
}
