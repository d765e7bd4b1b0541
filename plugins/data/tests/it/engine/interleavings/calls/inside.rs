//! What is read while a write is under way, before each call that it makes to the database: inside of its transaction too, where
//! others can read and need not wait. Nobody sees half of it, and nobody sees it before it is stored.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::run::{Kind, WRITES};
use super::{Bench, CALLS_MAX, Outcome};

/// A write, with all that can be read of the records before its call number `at`; none when it makes fewer.
async fn read_inside(bench: &mut Bench, write: Kind, at: u64) -> Option<Outcome> {
    let (sides, before) = bench.prepared().await;
    let told = Arc::new(Mutex::new(None));
    let (engine, local) = (bench.engine(), bench.world.local.clone());
    let (other, heard) = (sides[1].clone(), Arc::clone(&told));
    bench.world.probe.visit(at, move || {
        let read = other.step(&engine, &local, Kind::Expanded);
        let answer = tokio::task::block_in_place(|| Handle::current().block_on(read));
        *heard.lock() = Some(answer);
    });
    let first = sides[0].step(&bench.engine(), &bench.world.local, write).await;
    if bench.world.probe.leave() {
        return None;
    }
    let second = told.lock().take();
    Some(Outcome {
        told: [Some(first), second],
        left: bench.left(&sides[0], before).await,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_half_of_a_write() {
    let mut bench = Bench::new().await;
    for write in WRITES {
        let mut at = 1;
        while let Some(found) = read_inside(&mut bench, write, at).await {
            bench.hold(write, Kind::Expanded, at, &found).await;
            at += 1;
            assert!(at < CALLS_MAX, "{write:?} comes to no end");
        }
        // It reads what it changes, and then there are the steps of its unit and the end of that.
        assert!(at > 3, "{write:?} makes {} calls", at - 1);
    }
}
