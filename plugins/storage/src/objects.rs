//! What is asked of a place for objects: a bucket (`s3`) or a folder (`folder`). Keys are `/`-separated words of
//! letters, digits and `-_.~`; bodies are text. An object is written as a whole, and never changed.

use futures_util::future::try_join_all;
use std::future::Future;

use crate::error::{Result, StorageError};

/// Requests under way at the same time for one call.
pub(crate) const TOGETHER_MAX: usize = 16;

/// Some of the keys there are, in the order of their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) keys: Vec<String>,
    /// There are more after these.
    pub(crate) more: bool,
}

/// A place for objects.
pub(crate) trait Objects: Send + Sync + 'static {
    /// Writes an object. When it answers, it outlives a crash.
    fn put(&self, key: &str, body: String) -> impl Future<Output = Result<()>> + Send;
    /// The body of an object; `None` when there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<String>>> + Send;
    /// Keys that begin with `prefix`, which ends with `/`, and come after `after`.
    fn list(&self, prefix: &str, after: &str) -> impl Future<Output = Result<Keys>> + Send;
    /// Takes an object away; nothing happens when there is none.
    fn delete(&self, key: &str) -> impl Future<Output = Result<()>> + Send;
}

/// One that may not be configured.
impl<O: Objects> Objects for Option<O> {
    async fn put(&self, key: &str, body: String) -> Result<()> {
        self.as_ref().ok_or(StorageError::NoBucket)?.put(key, body).await
    }

    async fn get(&self, key: &str) -> Result<Option<String>> {
        self.as_ref().ok_or(StorageError::NoBucket)?.get(key).await
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Keys> {
        self.as_ref().ok_or(StorageError::NoBucket)?.list(prefix, after).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.as_ref().ok_or(StorageError::NoBucket)?.delete(key).await
    }
}

/// All keys that begin with `prefix`.
pub(crate) async fn list_all<O: Objects>(objects: &O, prefix: &str) -> Result<Vec<String>> {
    let mut keys: Vec<String> = Vec::new();
    loop {
        let after = keys.last().cloned().unwrap_or_default();
        let page = objects.list(prefix, &after).await?;
        let last = !page.more || page.keys.is_empty();
        keys.extend(page.keys);
        if last {
            return Ok(keys);
        }
    }
}

/// Takes several objects away.
pub(crate) async fn delete_all<O: Objects>(objects: &O, keys: &[String]) -> Result<()> {
    for group in keys.chunks(TOGETHER_MAX) {
        let mut calls = Vec::new();
        for key in group {
            calls.push(objects.delete(key));
        }
        try_join_all(calls).await?;
    }
    Ok(())
}

/// Waits for all, of which so many are under way at the same time; ends with the first failure.
pub(crate) async fn together<T, F: Future<Output = Result<T>>>(calls: Vec<F>) -> Result<Vec<T>> {
    let mut answers = Vec::with_capacity(calls.len());
    let mut calls = calls.into_iter();
    loop {
        let group: Vec<F> = calls.by_ref().take(TOGETHER_MAX).collect();
        if group.is_empty() {
            return Ok(answers);
        }
        answers.extend(try_join_all(group).await?);
    }
}
