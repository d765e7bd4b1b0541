//! Where the operator wrote a plugin's configuration. The host knows it, which reads file, variables and flags; the kernel
//! repeats it to whoever has to correct something.

use std::{fmt, sync::Arc};

type Answer = dyn Fn(&str, &str) -> String + Send + Sync;

/// Answers where a value was written; knows nothing by default.
#[derive(Clone, Default)]
pub struct Places(Option<Arc<Answer>>);

impl Places {
    /// `place_of` is asked for a plugin's id and the path of a key below its configuration, as in `database.replicas[0]` and
    /// empty for the whole; it answers in words: `objectos.yml:7`, `flag --set`.
    #[must_use]
    pub fn new(place_of: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(place_of)))
    }

    /// What to do about keys that are wrong; `None` when nobody knows where they are.
    pub(crate) fn advice<'a>(&self, plugin: &str, paths: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let place_of = self.0.as_ref()?;
        let mut named: Vec<String> = Vec::new();
        for path in paths {
            let dot = if path.is_empty() { "" } else { "." };
            let one = format!("`plugins.{plugin}{dot}{path}` ({})", place_of(plugin, path));
            if !named.contains(&one) {
                named.push(one);
            }
        }
        Some(format!("correct {}", named.join(", ")))
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Places").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn each_key_is_named_once_with_its_place() {
        let places = Places::new(|plugin, path| format!("{plugin} {}", path.len()));
        assert_eq!(
            places.advice("a.b", ["x.y", "", "x.y"]).as_deref(),
            Some("correct `plugins.a.b.x.y` (a.b 3), `plugins.a.b` (a.b 0)")
        );
        assert_eq!(Places::default().advice("a.b", ["x"]), None);
    }
}
