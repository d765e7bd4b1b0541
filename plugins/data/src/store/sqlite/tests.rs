use super::*;

#[tokio::test]
async fn a_file_that_is_no_database_is_an_error_and_not_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    std::fs::write(&path, vec![b'x'; 8_192]).unwrap();
    let error = SqliteStore::open(SqliteOptions::new(path)).await.unwrap_err();
    assert_eq!(error.code(), "database_error");
}

#[tokio::test]
async fn a_lease_that_is_dropped_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        readers: 2,
        ..SqliteOptions::new(folder.path().join("data.db"))
    };
    let store = SqliteStore::open(options).await.unwrap();
    for _ in 0..10 {
        let first = store.reader().await.unwrap();
        let second = store.reader().await.unwrap();
        assert_eq!(store.status().readers_idle, 0);
        drop((first, second));
        assert_eq!(store.status().readers_idle, 2);
    }
    store.close().await;
}
