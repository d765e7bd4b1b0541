//! The executor alone, with jobs that are no plugin's.

use super::*;
use std::sync::mpsc;

const SOON: Duration = Duration::from_secs(20);

fn threads(max: usize) -> Arc<OwnThreads> {
    let mode = ThreadMode::Own;
    Arc::new(OwnThreads::new(&Arc::from("test.threads"), ThreadPlan { mode, max }))
}

/// A job that answers what `work` answers.
fn job<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> impl FnOnce(oneshot::Sender<T>) -> Job {
    move |sender| -> Job {
        Box::pin(async move {
            let answer = work.await;
            drop(sender.send(answer));
        })
    }
}

/// A job that blocks its thread until something comes.
fn blocked(threads: &Arc<OwnThreads>) -> (mpsc::Sender<()>, Remote<()>) {
    let (release, released) = mpsc::channel::<()>();
    let remote = threads.run(
        false,
        job(async move {
            released.recv_timeout(SOON).expect("the test lets it go");
        }),
    );
    (release, remote)
}

fn wait<T>(remote: Remote<T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async { tokio::time::timeout(SOON, remote).await.expect("an answer in time") })
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let since = std::time::Instant::now();
    while !condition() {
        assert!(since.elapsed() < SOON, "{what} did not come");
        thread::park_timeout(Duration::from_millis(1));
    }
}

#[test]
fn what_waits_takes_no_thread() {
    let threads = threads(1);
    let (sender, receiver) = oneshot::channel();
    let first = threads.run(false, job(async move { receiver.await.ok() }));
    let second = threads.run(false, job(async move { sender.send(7).is_ok() }));
    assert_eq!(wait(second), Some(true));
    assert_eq!(wait(first), Some(Some(7)));
    assert_eq!(threads.figures().running, 1);
    let panicking = threads.run(false, job(async { "no number".parse::<u32>().unwrap() }));
    assert_eq!(wait(panicking), None);
    assert_eq!(wait(threads.run(false, job(async { 1 }))), Some(1));
    threads.close();
    assert_eq!(threads.figures().running, 0);
}

#[test]
fn threads_are_bounded_and_nothing_piles_up_behind_those_that_are_blocked() {
    let threads = threads(2);
    let both = [blocked(&threads), blocked(&threads)];
    let kept = Arc::new(());
    for _ in 0..100 {
        let own = Arc::clone(&kept);
        let remote = threads.run(false, job(async move { Arc::strong_count(&own) }));
        assert_eq!(Arc::strong_count(&kept), 2);
        drop(remote);
        assert_eq!(Arc::strong_count(&kept), 1, "dropped with its caller");
    }
    let last = threads.run(false, job(async { 1 }));
    until("both blocked threads", || {
        let figures = threads.figures();
        (figures.running, figures.waiting) == (2, 1)
    });
    for (release, remote) in both {
        release.send(()).unwrap();
        assert_eq!(wait(remote), Some(()));
    }
    assert_eq!(wait(last), Some(1));
    until("the end of threads without work", || threads.figures().running == 0);
    assert_eq!(wait(threads.run(false, job(async { 2 }))), Some(2));
    threads.close();
}

#[test]
fn what_was_begun_is_dropped_where_it_ran() {
    struct Witness(mpsc::Sender<ThreadId>);
    impl Drop for Witness {
        fn drop(&mut self) {
            let _ = self.0.send(thread::current().id());
        }
    }
    let threads = threads(1);
    let (dropped, heard) = mpsc::channel();
    let (begun, at) = mpsc::channel();
    let witness = Witness(dropped);
    let remote = threads.run(
        false,
        job(async move {
            let _witness = witness;
            let _ = begun.send(thread::current().id());
            std::future::pending::<()>().await;
        }),
    );
    let home = at.recv_timeout(SOON).unwrap();
    drop(remote);
    assert_eq!(heard.recv_timeout(SOON), Ok(home));
    threads.close();
}

#[test]
fn a_blocked_thread_of_somebody_else_is_none_of_those_that_it_may_have() {
    let threads = threads(1);
    let seen = || (threads.stuck(), threads.stuck_at_home());
    assert!(!threads.note_stuck(false));
    assert_eq!(seen(), (1, 0));
    assert!(threads.note_stuck(true), "all of its own, for the first time");
    assert_eq!(seen(), (2, 1));
    threads.note_back(true);
    assert!(!threads.note_stuck(true), "it was told");
    threads.note_back(false);
    assert_eq!(seen(), (1, 1));
}

#[test]
fn what_waits_is_bounded() {
    let threads = threads(1);
    let (release, remote) = blocked(&threads);
    until("the blocked thread", || threads.figures().waiting == 0);
    let mut waiting: Vec<Remote<()>> = Vec::new();
    while !threads.crowded() {
        assert!(waiting.len() < WAITING_MAX);
        waiting.push(threads.run(false, job(async {})));
    }
    assert_eq!(waiting.len(), WAITING_MAX);
    // Whoever gives up makes room.
    drop(waiting.pop());
    assert!(!threads.crowded());
    release.send(()).unwrap();
    assert_eq!(wait(remote), Some(()));
    until("those that waited", || threads.figures().waiting == 0);
    threads.close();
}
