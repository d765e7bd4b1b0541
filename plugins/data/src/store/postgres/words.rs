//! Text indexes: a GIN index over the words of a row, parted and folded as FTS5 does it on SQLite, so that both find the same.
//!
//! The words are made by functions of the store's own: letters and digits, in small letters, without the marks on them. Where
//! a word stands is kept, so that `foo-bar` finds the two beside each other. Of a long text the first words are kept, as many as
//! PostgreSQL takes of one row (1 MB). `schema::plan` says when an index is made or dropped.

use sha2::{Digest as _, Sha256};

use super::schema::{name, quoted};

/// Begin of the names of text indexes.
pub(super) const PREFIX: &str = "objectos_words_";
/// Longest name that PostgreSQL takes.
const NAME_BYTES_MAX: usize = 63;

/// The functions, with the collation that knows all letters.
pub(super) fn functions(collation: &str) -> String {
    format!(
        r#"CREATE OR REPLACE FUNCTION objectos_words(text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path FROM CURRENT AS $body$
SELECT array_remove(regexp_split_to_array(
    lower(regexp_replace(normalize($1, NFD), U&'[\0300-\036F]', '', 'g') COLLATE "{collation}"),
    '[^[:alnum:]]+'), '')$body$;
CREATE OR REPLACE FUNCTION objectos_vector(VARIADIC text[]) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path FROM CURRENT AS $body$
SELECT COALESCE(string_agg('''' || m.word || ''':' || LEAST(m.place, 16383), ' '), '')::tsvector FROM (
    SELECT n.word, n.number + n.part AS place FROM (
        SELECT left(w.word, 200) AS word, f.place AS part, row_number() OVER (ORDER BY f.place, w.place) AS number,
            sum(octet_length(left(w.word, 200)) + 6) OVER (ORDER BY f.place, w.place) AS bytes
        FROM unnest($1) WITH ORDINALITY f(body, place)
        CROSS JOIN LATERAL unnest(objectos_words(f.body)) WITH ORDINALITY w(word, place)) n
    WHERE n.bytes <= 1000000 LIMIT 50000) m$body$;
CREATE OR REPLACE FUNCTION objectos_query(jsonb, boolean) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path FROM CURRENT AS $body$
SELECT string_agg('(' || p.phrase || ')', CASE WHEN $2 THEN ' & ' ELSE ' | ' END)::tsquery
FROM jsonb_array_elements_text($1) e(word) CROSS JOIN LATERAL (
    SELECT string_agg('''' || left(w.word, 200) || '''' ||
        CASE WHEN w.place = cardinality(objectos_words(e.word)) THEN ':*' ELSE '' END, ' <-> ' ORDER BY w.place) AS phrase
    FROM unnest(objectos_words(e.word)) WITH ORDINALITY w(word, place)) p WHERE p.phrase IS NOT NULL$body$;"#
    )
}

/// The name of the index of a table.
pub(super) fn index_name(table: &str) -> String {
    let whole = format!("{PREFIX}{table}");
    if whole.len() <= NAME_BYTES_MAX {
        return whole;
    }
    let digest: String = Sha256::digest(table.as_bytes())
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{PREFIX}{digest}")
}

/// Makes the index. Its fields stand in its comment as well.
pub(super) fn add(table: &str, fields: &[String]) -> String {
    let columns: Vec<String> = fields.iter().map(|field| name(field)).collect();
    let purpose = serde_json::json!({ "columns": fields });
    format!(
        "CREATE INDEX IF NOT EXISTS {index} ON {table} USING gin (objectos_vector({})); COMMENT ON INDEX {index} IS {}",
        columns.join(", "),
        quoted(&purpose.to_string()),
        index = name(&index_name(table)),
        table = name(table),
    )
}

/// Removes it; nothing happens when there is none.
pub(super) fn drop(table: &str) -> String {
    format!("DROP INDEX IF EXISTS {}", name(&index_name(table)))
}

#[cfg(test)]
mod tests {
    use super::index_name;

    #[test]
    fn names_fit() {
        assert_eq!(index_name("thing"), "objectos_words_thing");
        assert!(index_name(&"x".repeat(63)).len() <= 63);
    }
}
