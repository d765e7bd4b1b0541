//! When a change is complete.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{Debounce, run};
use crate::app::Fingerprint;

#[test]
fn a_change_counts_once_it_rests() {
    let folder = tempfile::tempdir().expect("a folder");
    let look = |text: &str| {
        std::fs::write(folder.path().join("a.object.yml"), text).expect("a file");
        Fingerprint::of(&[folder.path().to_owned()])
    };
    let first = look("a");
    let (second, third) = (look("ab"), look("abc"));
    let mut debounce = Debounce::new(first);
    let looks = [
        (first, false),
        (second, false),
        (third, false),
        (third, true),
        (third, false),
        (second, false),
        (third, false),
        (third, false),
    ];
    for (place, (now, expected)) in looks.into_iter().enumerate() {
        assert_eq!(debounce.look(now), expected, "look {place}");
    }
}

#[tokio::test]
async fn a_watched_folder_tells_of_its_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let folders: Vec<PathBuf> = vec![folder.path().to_owned()];
    let loaded = Fingerprint::of(&folders);
    let (sender, mut changes) = tokio::sync::mpsc::unbounded_channel();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let watch = tokio::spawn(run(folders, loaded, move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let sent = sender.send(());
        async move { sent.expect("somebody listens") }
    }));
    std::fs::write(folder.path().join("a.object.yml"), "a: 1").expect("a file");
    let heard = tokio::time::timeout(Duration::from_secs(30), changes.recv()).await;
    assert_eq!(heard, Ok(Some(())));
    assert_eq!(count.load(Ordering::SeqCst), 1);
    watch.abort();
    assert!(watch.await.is_err_and(|error| error.is_cancelled()));
}
