//! Text indexes: an FTS5 table beside the object's own, kept in step by triggers.
//!
//! Rows of the object have no number that stays theirs (`VACUUM` gives new ones), so a table of keys gives each a number for
//! FTS5. All three are written in the transaction of the record. `schema::plan` says when an index is made or dropped.

use super::connection::{Connection, Failure, Seen};
use super::schema::{name, run};
use crate::store::StorageCall;

/// The FTS5 table of an object's table. Its ending keeps the tables that FTS5 makes for itself apart from those of others.
pub(in crate::store) fn index_name(table: &str) -> String {
    format!("objectos_words_{table}_fts")
}

fn key_name(table: &str) -> String {
    format!("objectos_wordkey_{table}")
}

/// Makes the index and fills it with the rows that are there.
pub(super) async fn add(connection: &mut Connection, table: &str, fields: &[String]) -> Result<(), Failure> {
    let list = |prefix: &str| {
        let quoted: Vec<String> = fields.iter().map(|field| format!("{prefix}{}", name(field))).collect();
        quoted.join(", ")
    };
    let (own, index, key) = (name(table), name(&index_name(table)), name(&key_name(table)));
    let trigger = |what: &str| name(&format!("objectos_words_{what}_{table}"));
    let number = |id: &str| format!("(SELECT n FROM {key} WHERE id = {id})");
    let changed: Vec<String> = fields
        .iter()
        .map(|field| format!("old.{0} IS NOT new.{0}", name(field)))
        .collect();
    let set: Vec<String> = fields
        .iter()
        .map(|field| format!("{0} = new.{0}", name(field)))
        .collect();
    let (columns, of_new, of_row) = (list(""), list("new."), list("t."));
    let statements = [
        format!("CREATE TABLE {key} (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE)"),
        format!(
            "CREATE VIRTUAL TABLE {index} USING fts5(id UNINDEXED, {columns}, tokenize = 'unicode61 remove_diacritics 2')"
        ),
        format!("INSERT INTO {key} (id) SELECT id FROM {own}"),
        format!(
            "INSERT INTO {index} (rowid, id, {columns}) SELECT k.n, t.id, {of_row} FROM {own} t JOIN {key} k ON k.id = t.id"
        ),
        format!(
            "CREATE TRIGGER {} AFTER INSERT ON {own} BEGIN INSERT INTO {key} (id) VALUES (new.id); \
             INSERT INTO {index} (rowid, id, {columns}) SELECT n, new.id, {of_new} FROM {key} WHERE id = new.id; END",
            trigger("insert")
        ),
        format!(
            "CREATE TRIGGER {} AFTER UPDATE OF {columns} ON {own} WHEN {} BEGIN UPDATE {index} SET {} WHERE rowid = {}; END",
            trigger("update"),
            changed.join(" OR "),
            set.join(", "),
            number("new.id")
        ),
        format!(
            "CREATE TRIGGER {} AFTER DELETE ON {own} BEGIN DELETE FROM {index} WHERE rowid = {}; \
             DELETE FROM {key} WHERE id = old.id; END",
            trigger("delete"),
            number("old.id")
        ),
    ];
    for statement in statements {
        run(connection, StorageCall::Unit, &statement).await?;
    }
    Ok(())
}

/// Removes all of it; nothing happens when there is none.
pub(super) async fn drop(connection: &mut Connection, table: &str) -> Result<(), Failure> {
    // A table that got another name took its triggers along, and these still have the old one.
    for trigger in triggers(connection, table).await? {
        run(
            connection,
            StorageCall::Unit,
            &format!("DROP TRIGGER {}", name(&trigger)),
        )
        .await?;
    }
    for dropped in [index_name(table), key_name(table)] {
        let sql = format!("DROP TABLE IF EXISTS {}", name(&dropped));
        run(connection, StorageCall::Unit, &sql).await?;
    }
    Ok(())
}

async fn triggers(connection: &mut Connection, table: &str) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? AND name LIKE 'objectos\\_words\\_%' ESCAPE '\\'";
    connection
        .run(
            StorageCall::Read,
            std::sync::Arc::from(sql),
            &[table.into()],
            false,
            &mut |seen| {
                if let Seen::Row(row) = seen {
                    found.extend(row.cell(0).as_text().map(str::to_owned));
                }
            },
        )
        .await?;
    Ok(found)
}

/// Reads the fields of every text index: table and field, in their order.
pub(super) const COLUMNS: &str = "SELECT substr(m.name, 16, length(m.name) - 19), c.name \
    FROM sqlite_master m, pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name LIKE 'objectos\\_words\\_%\\_fts' ESCAPE '\\' AND c.name <> 'id' ORDER BY m.name, c.cid";

#[cfg(test)]
mod tests {
    use super::index_name;

    #[test]
    fn the_query_cuts_out_the_table() {
        let name = index_name("thing");
        assert_eq!(&name[15..name.len() - 4], "thing");
    }
}
