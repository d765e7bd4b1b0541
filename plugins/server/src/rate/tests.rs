use super::*;

fn limiter(requests: u32, window_ms: u64) -> RateLimiter {
    RateLimiter::new(RateLimitConfig {
        requests,
        window_ms,
        loopback: false,
    })
    .unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_bucket_empties_and_fills_evenly() {
    let limiter = limiter(3, 3_000);
    let caller = address("192.0.2.1");
    let take = |now_ms: i64| limiter.take(caller, now_ms).unwrap();
    let check = |now_ms: i64, allowed: bool, remaining: u32, retry_after_s: u64| {
        let allowance = take(now_ms);
        assert_eq!(
            (allowance.allowed, allowance.remaining, allowance.retry_after_s),
            (allowed, remaining, retry_after_s),
            "at {now_ms}"
        );
    };
    check(0, true, 2, 0);
    check(0, true, 1, 0);
    check(0, true, 0, 1);
    check(0, false, 0, 1);
    check(999, false, 0, 1);
    check(1_000, true, 0, 1);
    check(60_000, true, 2, 0);
    // A clock that jumps back neither fills nor empties.
    check(0, true, 1, 0);
}

#[test]
fn the_time_of_a_full_bucket_is_told() {
    let limiter = limiter(10, 10_000);
    let allowance = limiter.take(address("192.0.2.1"), 5_000).unwrap();
    assert_eq!((allowance.limit, allowance.full_at_s), (10, 6));
}

#[test]
fn callers_are_told_apart_by_address_and_by_ipv6_network() {
    let limiter = limiter(1, 1_000);
    let check = |caller: &str, allowed: Option<bool>| {
        assert_eq!(
            limiter.take(address(caller), 0).map(|allowance| allowance.allowed),
            allowed,
            "{caller}"
        );
    };
    check("192.0.2.1", Some(true));
    check("192.0.2.1", Some(false));
    check("::ffff:192.0.2.1", Some(false));
    check("192.0.2.2", Some(true));
    check("2001:db8::1", Some(true));
    check("2001:db8::2", Some(false));
    check("2001:db8:0:1::1", Some(true));
    check("127.0.0.1", None);
    check("::1", None);
}

#[test]
fn a_flood_of_addresses_does_not_grow_without_bound() {
    let limiter = limiter(5, 60_000);
    for number in 0..400_000_u32 {
        limiter.take(IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0A00_0000 + number)), 0);
    }
    let kept: usize = limiter.shards.iter().map(|shard| shard.lock().len()).sum();
    assert!(kept <= SHARDS * BUCKETS_PER_SHARD_MAX, "{kept}");
}

#[test]
fn zero_switches_it_off() {
    assert!(
        RateLimiter::new(RateLimitConfig {
            requests: 0,
            ..RateLimitConfig::default()
        })
        .is_none()
    );
}
