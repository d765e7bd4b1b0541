//! Names: how long they may be, which are kept, and which one was meant.

/// Longest name of an object, field, table or index: the least that any of the databases takes.
pub const NAME_BYTES_MAX: usize = 63;

/// Beginnings of names that belong to the platform and the databases.
pub const RESERVED_PREFIXES: [&str; 3] = ["objectos_", "sqlite_", "pg_"];

/// What records of an answer have beside their fields: no field is called so.
pub const ANSWER_KEYS: [&str; 4] = ["_title", "_score", "_highlights", "_distance"];

/// Whether an object or table may not be called so.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The name out of `known` that was most likely meant, or none when nothing is near. Case, `_`, `-` and `.` do not count;
/// up to a third of the letters may be wrong, two that changed places counting as one.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let flat = |name: &str| name.to_ascii_lowercase().replace(['_', '-', ' ', '.'], "");
    let wanted = flat(wrong);
    let most = (wanted.chars().count() / 3).max(1);
    let near = known.into_iter().filter_map(|name| {
        let name_flat = flat(name);
        let distance = strsim::osa_distance(&wanted, &name_flat);
        let alike = strsim::jaro_winkler(&wanted, &name_flat);
        (distance <= most || alike >= 0.9).then_some((distance, alike, name))
    });
    near.min_by(|left, right| left.0.cmp(&right.0).then(right.1.total_cmp(&left.1)))
        .map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::{is_reserved, nearest};

    #[test]
    fn the_nearest_name_is_found() {
        let known = [
            "name",
            "new",
            "status",
            "amount",
            "account",
            "external_id",
            "max_length",
        ];
        let check = |wrong: &str, expected: Option<&str>| assert_eq!(nearest(wrong, known), expected, "{wrong}");
        check("nwe", Some("new"));
        check("nmae", Some("name"));
        check("statsu", Some("status"));
        check("acount", Some("account"));
        check("externalId", Some("external_id"));
        check("maxlenght", Some("max_length"));
        check("price", None);
        check("x", None);
        check("", None);
    }

    #[test]
    fn beginnings_are_reserved() {
        assert!(is_reserved("objectos_outbox") && is_reserved("sqlite_master") && is_reserved("pg_class"));
        assert!(!is_reserved("object") && !is_reserved("page"));
    }
}
