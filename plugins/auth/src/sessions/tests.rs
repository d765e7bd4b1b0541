use super::*;
use std::sync::atomic::Ordering::Relaxed;

const NOW: i64 = 1_700_000_000_000;

fn live(id: &str, user: &str) -> Arc<Live> {
    Arc::new(Live {
        session: Session {
            id: id.to_owned(),
            ..Session::default()
        },
        user: User {
            id: user.to_owned(),
            ..User::default()
        },
        identity: Vec::new(),
        restriction: None,
        networks: Networks::default(),
        hash: crate::crypto::hash_token(id),
        ends_ms: NOW + 100_000,
        renew_ms: NOW + 50_000,
        idle_ms: 10_000,
        seen_ms: AtomicI64::new(NOW),
        stored_seen_ms: AtomicI64::new(NOW),
        checked_ms: AtomicI64::new(NOW),
        renewing: AtomicBool::new(false),
    })
}

#[test]
fn a_session_is_good_for_as_long_as_it_was_looked_up_lately() {
    let live = live("s1", "u1");
    assert_eq!(live.standing(NOW + 1, 2000), Standing::Good);
    assert_eq!(live.standing(NOW + 2001, 2000), Standing::Unchecked);
    live.checked_ms.store(NOW + 2001, Relaxed);
    assert_eq!(live.standing(NOW + 2001, 2000), Standing::Good);
    assert_eq!(live.standing(NOW + 100_000, 2000), Standing::Over);
}

#[test]
fn idling_ends_it_and_use_is_told_to_the_store() {
    let live = live("s1", "u1");
    assert_eq!(
        live.standing(NOW + 3000, 60_000),
        Standing::Due,
        "a quarter of the idle time has gone"
    );
    assert_eq!(
        live.standing(NOW + 3001, 60_000),
        Standing::Good,
        "one request tells it"
    );
    assert_eq!(
        live.standing(NOW + 14_000, 60_000),
        Standing::Unchecked,
        "another node may have seen it"
    );
    assert!(live.is_over(NOW + 14_000));
}

#[test]
fn a_look_is_no_use() {
    let live = live("s1", "u1");
    for (after_ms, expected) in [
        (3000, Standing::Good),
        (9999, Standing::Good),
        (10_000, Standing::Unchecked),
    ] {
        assert_eq!(live.looked_at(NOW + after_ms, 60_000), expected, "{after_ms}");
    }
    assert_eq!(live.seen_ms.load(Relaxed), NOW);
    assert!(!live.renewing.load(Relaxed), "whoever uses it renews it");
}

#[test]
fn what_was_forgotten_is_not_kept_by_whoever_read_it_before() {
    let sessions = Sessions::new(SessionPolicy::default());
    let live = live("s1", "u1");
    let epoch = sessions.epoch();
    sessions.keep(&live, epoch);
    assert!(sessions.by_id("s1").is_some());
    sessions.forget_id("s1");
    assert!(sessions.by_id("s1").is_none() && sessions.by_hash(&live.hash).is_none());
    sessions.keep(&live, epoch);
    assert!(sessions.by_id("s1").is_none(), "read before it was forgotten");
    sessions.keep(&live, sessions.epoch());
    assert!(sessions.by_id("s1").is_some());
}

#[test]
fn all_sessions_of_a_user_go_together() {
    let sessions = Sessions::new(SessionPolicy::default());
    for (id, user) in [("s1", "u1"), ("s2", "u1"), ("s3", "u2")] {
        sessions.keep(&live(id, user), sessions.epoch());
    }
    sessions.forget_user("u1");
    let left: Vec<bool> = ["s1", "s2", "s3"]
        .iter()
        .map(|id| sessions.by_id(id).is_some())
        .collect();
    assert_eq!(left, [false, false, true]);
}

/// An administrator acts as the user.
fn acted(id: &str, user: &str, administrator: &str) -> Arc<Live> {
    let mut live = Arc::into_inner(live(id, user)).unwrap();
    live.session.impersonated_by = Some(administrator.to_owned());
    Arc::new(live)
}

#[test]
fn a_session_goes_with_whoever_acts_in_it() {
    let sessions = Sessions::new(SessionPolicy::default());
    sessions.keep(&acted("s1", "u1", "root"), sessions.epoch());
    sessions.keep(&live("s2", "root"), sessions.epoch());
    sessions.keep(&live("s3", "u1"), sessions.epoch());
    sessions.forget_user("root");
    assert!(sessions.by_id("s1").is_none() && sessions.by_id("s2").is_none());
    assert!(sessions.by_id("s3").is_some());
    sessions.keep(&acted("s1", "u1", "root"), sessions.epoch());
    sessions.forget_user("u1");
    assert!(sessions.by_id("s1").is_none() && sessions.live.read().by_user.is_empty());
}

#[test]
fn acting_as_somebody_else_is_looked_up_soon_whatever_is_configured() {
    let day_ms = 86_400_000;
    assert_eq!(
        acted("s1", "u1", "root").standing(NOW + 1001, day_ms),
        Standing::Unchecked
    );
    assert_eq!(live("s2", "u1").standing(NOW + 1001, day_ms), Standing::Good);
}
