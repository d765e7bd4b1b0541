//! Names: how long they may be, which are kept, and which one was meant.

/// Longest name of an object, field, table or index: the least that any of the databases takes.
pub const NAME_BYTES_MAX: usize = 63;

/// Beginnings of names that belong to the platform and the databases.
pub const RESERVED_PREFIXES: [&str; 3] = ["objectos_", "sqlite_", "pg_"];

/// Whether an object or table may not be called so.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The name out of `known` that was most likely meant, or none when nothing is near.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let flat = |name: &str| name.to_ascii_lowercase().replace(['_', '-', ' ', '.'], "");
    let wanted = flat(wrong);
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &flat(name)), name))
        .filter(|(score, _)| *score >= 0.84)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name)
}
