//! Where values were written, in words for messages: flag, variable, or file and line.

use std::path::Path;

use super::{Origin, Settings};

impl Settings {
    /// Where a section was written, for messages: its variable, else the file.
    #[must_use]
    pub fn place_of(&self, section: &str) -> String {
        match self.section_origins.get(section) {
            Some(Origin::Environment(name)) => name.clone(),
            _ => self.file_name(),
        }
    }

    /// Where a key of a section was written, for messages: its variable, else file and line. `keys`: the way to it below the
    /// section; where it is not there, the line of what is above it counts.
    #[must_use]
    pub fn place_in(&self, section: &str, keys: &[&str]) -> String {
        match self.section_origins.get(section) {
            Some(Origin::Environment(name)) => name.clone(),
            _ => {
                let mut way = vec![section];
                way.extend(keys);
                self.file_place(&way)
            }
        }
    }

    /// Where a value of a plugin's configuration was written, for messages: flag, variable, or file and line. `path`: as in
    /// `database.replicas[0]`, empty for the whole.
    #[must_use]
    pub fn plugin_place(&self, plugin: &str, path: &str) -> String {
        // What is set is a value as a whole: nothing is set inside of a list.
        let key = path.split('[').next().unwrap_or_default();
        let mut way = vec!["plugins", plugin];
        way.extend(parts(path));
        self.place(&self.plugin_origin(plugin, key), &way)
    }

    /// An origin in words; for the file, with its name and the line of the key that `keys` lead to.
    pub(super) fn place(&self, origin: &Origin, keys: &[&str]) -> String {
        match origin {
            Origin::File => self.file_place(keys),
            other => other.to_string(),
        }
    }

    /// `objectos.yml:7`; without a line where nothing of it is written.
    fn file_place(&self, keys: &[&str]) -> String {
        match self.lines.of(keys) {
            Some(line) => format!("{}:{line}", self.file_name()),
            None => self.file_name(),
        }
    }

    /// The configuration file, for messages.
    pub(super) fn file_name(&self) -> String {
        let file = self.config.as_deref().unwrap_or(Path::new("objectos.yml"));
        file.display().to_string()
    }

    /// Where a value of a plugin's configuration came from: what was set there, or above it, else the file.
    #[must_use]
    pub fn plugin_origin(&self, plugin: &str, path: &str) -> Origin {
        let origins = self.plugin_origins.get(plugin);
        let mut part = path;
        loop {
            if let Some(origin) = origins.and_then(|origins| origins.get(part)) {
                return origin.clone();
            }
            match part.rsplit_once('.') {
                Some((above, _)) => part = above,
                None => return Origin::File,
            }
        }
    }
}

/// The keys of a path such as `database.replicas[0]`, places in lists as numbers.
pub(crate) fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '['])
        .map(|part| part.trim_end_matches(']'))
        .filter(|part| !part.is_empty())
}
