use std::fs;

use super::Folder;
use crate::objects::{Objects, list_all};

fn open() -> (tempfile::TempDir, Folder) {
    let folder = tempfile::tempdir().expect("a folder");
    let objects = Folder::new(folder.path().join("objects"));
    (folder, objects)
}

#[tokio::test]
async fn objects_are_written_read_and_taken_away() {
    let (folder, objects) = open();
    assert_eq!(objects.get("a/b").await.expect("an answer"), None);
    assert!(list_all(&objects, "a/").await.expect("keys").is_empty());
    objects.delete("a/b").await.expect("nothing to do");
    objects.put("a/b", "first".to_owned()).await.expect("written");
    objects.put("a/b", "second".to_owned()).await.expect("written");
    assert_eq!(objects.get("a/b").await.expect("an answer").as_deref(), Some("second"));
    objects.delete("a/b").await.expect("taken away");
    assert_eq!(objects.get("a/b").await.expect("an answer"), None);
    assert!(!folder.path().join("objects/a").exists(), "an empty folder goes too");
}

#[tokio::test]
async fn keys_come_in_the_order_of_their_bytes_page_by_page() {
    let (folder, objects) = open();
    let mut expected: Vec<String> = (0..1_500).map(|n| format!("r/a-{n}/e/{n}")).collect();
    expected.extend(["r/a/e/1", "r/a/s/1", "r/a.b/e/1", "r/b/x"].map(str::to_owned));
    for key in &expected {
        let path = folder.path().join("objects").join(key);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "x").expect("a file");
    }
    fs::write(folder.path().join("objects/r/b/.1-1"), "half").expect("a file");
    expected.sort_unstable();
    let page = objects.list("r/", "").await.expect("keys");
    assert!(page.more && page.keys == expected[..1_000]);
    assert_eq!(list_all(&objects, "r/").await.expect("keys"), expected);
    assert_eq!(list_all(&objects, "r/a/").await.expect("keys"), ["r/a/e/1", "r/a/s/1"]);
    let page = objects.list("r/", "r/a/e/1").await.expect("keys");
    assert_eq!(page.keys, ["r/a/s/1", "r/b/x"]);
}

#[tokio::test]
async fn many_may_write_and_take_away_at_once() {
    let (_folder, objects) = open();
    let objects = std::sync::Arc::new(objects);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..50 {
        let objects = std::sync::Arc::clone(&objects);
        tasks.spawn(async move {
            let key = format!("a/b/{n}");
            objects.put(&key, n.to_string()).await.expect("written");
            objects.delete(&key).await.expect("taken away");
        });
    }
    tasks.join_all().await;
    assert!(list_all(&*objects, "a/").await.expect("keys").is_empty());
}
