use futures_util::FutureExt;

use super::{Clock, ManualClock, SystemClock};

#[test]
fn a_wait_ends_at_its_moment() {
    let clock = ManualClock::new(1_000);
    let mut wait = clock.sleep_until_ms(1_500);
    assert_eq!(wait.as_mut().now_or_never(), None);
    clock.advance_ms(499);
    assert_eq!(wait.as_mut().now_or_never(), None);
    clock.advance_ms(1);
    assert_eq!(wait.as_mut().now_or_never(), Some(()));
}

#[test]
fn a_past_moment_is_no_wait() {
    let clock = ManualClock::new(1_000);
    assert_eq!(clock.sleep_until_ms(1_000).now_or_never(), Some(()));
    assert_eq!(clock.sleep_until_ms(-5).now_or_never(), Some(()));
    assert_eq!(clock.next_wait_ms(), None);
}

#[test]
fn the_clock_goes_from_wait_to_wait() {
    let clock = ManualClock::new(0);
    let waits = [
        clock.sleep_until_ms(30),
        clock.sleep_until_ms(10),
        clock.sleep_until_ms(20),
    ];
    let mut stops = Vec::new();
    while clock.advance_to_next(25) {
        stops.push(clock.now_ms());
    }
    assert_eq!(stops, [10, 20]);
    drop(waits);
    assert_eq!(clock.next_wait_ms(), None, "a dropped wait is forgotten");
}

#[tokio::test]
async fn a_waiting_task_is_woken() {
    let clock = ManualClock::new(0);
    let task = tokio::spawn(clock.sleep_until_ms(5));
    tokio::task::yield_now().await;
    clock.advance_ms(5);
    task.await.expect("the wait ends");
}

#[tokio::test]
async fn the_machine_s_clock_goes_on() {
    let before = SystemClock.now_ms();
    SystemClock.sleep_until_ms(before + 2).await;
    assert!(SystemClock.now_ms() >= before + 2);
}
