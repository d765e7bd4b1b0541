//! How often one address may call: a bucket of tokens for each, refilled evenly. An IPv6 caller owns a whole /64, so that
//! counts as one. Memory is bounded: full buckets are the same as none and are forgotten. The caller gives the time.

use parking_lot::Mutex;
use std::{collections::HashMap, net::IpAddr};

use crate::config::RateLimitConfig;

const SHARDS: usize = 16;
const BUCKETS_PER_SHARD_MAX: usize = 8192;
/// Tokens are counted in thousandths, so that slow refills lose nothing.
const TOKEN: u64 = 1000;

/// What a bucket says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) allowed: bool,
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Seconds since 1970 at which the bucket is full again.
    pub(crate) full_at_s: i64,
    /// Seconds until the next request is allowed; 0 when it is now.
    pub(crate) retry_after_s: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u64,
    at_ms: i64,
}

#[derive(Debug)]
pub(crate) struct RateLimiter {
    config: RateLimitConfig,
    shards: [Mutex<HashMap<u64, Bucket>>; SHARDS],
}

impl RateLimiter {
    /// `None` when the limit is switched off.
    pub(crate) fn new(config: RateLimitConfig) -> Option<Self> {
        (config.requests != 0).then(|| Self {
            config,
            shards: std::array::from_fn(|_| Mutex::default()),
        })
    }

    /// Takes a token; `None` for a caller that is not counted.
    pub(crate) fn take(&self, address: IpAddr, now_ms: i64) -> Option<Allowance> {
        if address.is_loopback() && !self.config.loopback {
            return None;
        }
        let key = key(address);
        let full = u64::from(self.config.requests) * TOKEN;
        let shard = usize::try_from((key.wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 60).unwrap_or(0);
        let mut buckets = self.shards[shard].lock();
        if buckets.len() >= BUCKETS_PER_SHARD_MAX && !buckets.contains_key(&key) {
            self.forget(&mut buckets, now_ms);
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            tokens: full,
            at_ms: now_ms,
        });
        bucket.tokens = self.refilled(*bucket, now_ms);
        bucket.at_ms = now_ms;
        let allowed = bucket.tokens >= TOKEN;
        if allowed {
            bucket.tokens -= TOKEN;
        }
        Some(self.allowance(allowed, bucket.tokens, now_ms))
    }

    fn refilled(&self, bucket: Bucket, now_ms: i64) -> u64 {
        let full = u64::from(self.config.requests) * TOKEN;
        let passed = u64::try_from(now_ms.saturating_sub(bucket.at_ms))
            .unwrap_or(0)
            .min(self.config.window_ms);
        let gained = u128::from(full) * u128::from(passed) / u128::from(self.config.window_ms.max(1));
        bucket
            .tokens
            .saturating_add(u64::try_from(gained).unwrap_or(full))
            .min(full)
    }

    fn allowance(&self, allowed: bool, tokens: u64, now_ms: i64) -> Allowance {
        let full = u64::from(self.config.requests) * TOKEN;
        let wait_ms =
            |missing: u64| (u128::from(missing) * u128::from(self.config.window_ms)).div_ceil(u128::from(full));
        let wait_s = |missing: u64| u64::try_from(wait_ms(missing).div_ceil(1000)).unwrap_or(u64::MAX);
        let full_in_s = i64::try_from(wait_s(full - tokens)).unwrap_or(i64::MAX);
        Allowance {
            allowed,
            limit: self.config.requests,
            remaining: u32::try_from(tokens / TOKEN).unwrap_or(u32::MAX),
            full_at_s: now_ms.div_euclid(1000).saturating_add(full_in_s),
            retry_after_s: if tokens >= TOKEN {
                0
            } else {
                wait_s(TOKEN - tokens).max(1)
            },
        }
    }

    /// Makes room: buckets that are full again first, then, against a flood of addresses, the fullest half.
    fn forget(&self, buckets: &mut HashMap<u64, Bucket>, now_ms: i64) {
        let full = u64::from(self.config.requests) * TOKEN;
        buckets.retain(|_, bucket| self.refilled(*bucket, now_ms) < full);
        if buckets.len() >= BUCKETS_PER_SHARD_MAX {
            let mut tokens: Vec<u64> = buckets.values().map(|bucket| bucket.tokens).collect();
            tokens.sort_unstable();
            let middle = tokens[tokens.len() / 2];
            buckets.retain(|_, bucket| bucket.tokens < middle);
        }
    }
}

fn key(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        // No IPv6 network in use is as small as an IPv4 address read as a number.
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
