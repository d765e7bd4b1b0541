//! Fields whose text is the same whatever its case: every spelling of a comparison looks away from case, and by the index that keeps
//! their values unique.

use objectos_data::query::QueryInput;
use objectos_data::query::check::Checker;
use objectos_data::query::select::{self, PageLimits};
use objectos_data::query::sql::SqlWriter;
use objectos_data::record::Schema;
use objectos_data::store::{Family, SqlValue, Statement};
use objectos_expression::RecordEnvironment;
use objectos_expression::any_case::{folded, letters};
use serde_json::{Value, json};

use crate::world::{NOON, World, failure, fields};

const USER: &str = "
name: user
fields:
  name: { type: text }
  login: { type: text, caseSensitive: false, unique: true }
";

async fn world() -> World {
    let world = World::new(&[("user.object.yml", USER)]).await;
    for (name, login) in [
        ("a", json!("Ann")),
        ("b", json!("bob_x")),
        ("c", Value::Null),
        ("d", json!("7e")),
        ("e", json!("Ä%")),
    ] {
        let user = json!({ "id": name, "name": name, "login": login });
        world.create("user", user).await.unwrap();
    }
    world
}

#[tokio::test]
async fn every_comparison_with_the_whole_text_looks_away_from_case() {
    let world = world().await;
    for (filter, expected) in [
        (json!({ "login": "aNN" }), "a"),
        (json!({ "login": { "$in": "ANN, BOB_X" } }), "a b"),
        (json!({ "login": { "$in": ["ANN", 7, "7E"] } }), "a d"),
        (json!({ "login": { "$in": ["ANN", null] } }), "a c"),
        (json!({ "login": { "$in": [null] } }), "c"),
        (json!({ "login": { "$in": [] } }), ""),
        (json!({ "login": { "$nin": "ANN,BOB_X" } }), "c d e"),
        (json!({ "login": { "$nin": ["ANN", null] } }), "b d e"),
        (json!({ "login": { "$nin": [null] } }), "a b d e"),
        (json!({ "login": { "$nin": [] } }), "a b c d e"),
        (json!({ "login": { "$ne": "ANN" } }), "b c d e"),
        (json!({ "login": { "$ne": null } }), "a b d e"),
        (json!({ "$not": { "login": "ANN" } }), "b c d e"),
        // All letters have another case, and nothing is a pattern.
        (json!({ "login": "ä%" }), "e"),
        (json!({ "login": "Ä%" }), "e"),
        (json!({ "login": { "$in": ["ä%", "BOB_X"] } }), "b e"),
        (json!({ "login": { "$ne": "ä%" } }), "a b c d"),
        (json!({ "login": "a%" }), ""),
        (json!({ "login": { "$in": ["%", "Bob%"] } }), ""),
        (json!({ "login": "bobAx" }), ""),
    ] {
        let found = world.names("user", filter.clone()).await.unwrap();
        assert_eq!(found.join(" "), expected, "{filter}");
    }
}

#[tokio::test]
async fn a_long_text_is_not_there_and_a_long_part_is_refused() {
    let world = world().await;
    let long = "A".repeat(60_000);
    for filter in [
        json!({ "login": long }),
        json!({ "login": { "$in": [long, "x"] } }),
        json!({ "login": { "$contains": long } }),
    ] {
        assert_eq!(world.names("user", filter).await.unwrap(), [""; 0]);
    }
    let others = world.names("user", json!({ "login": { "$ne": long } })).await.unwrap();
    assert_eq!(others.len(), 5);
    for operator in ["$like", "$ilike", "$startsWith", "$endsWith"] {
        let found = world.names("user", json!({ "login": { operator: long } })).await;
        assert_eq!(failure(found).0, "invalid_filter", "{operator}");
    }
    // SQLite is given six bytes for an umlaut: both of its cases, and the marks of a class.
    for (operator, wildcards) in [
        ("$eq", 0),
        ("$in", 0),
        ("$ne", 0),
        ("$contains", 2),
        ("$startsWith", 1),
        ("$endsWith", 1),
    ] {
        let longest = format!("{}aa", "Ä".repeat(8_333));
        let shorter = longest[..longest.len() - wildcards].to_owned();
        let found = world.names("user", json!({ "login": { operator: shorter } })).await;
        let expected = if operator == "$ne" { 5 } else { 0 };
        assert_eq!(found.unwrap().len(), expected, "{operator}");
        let found = world
            .names("user", json!({ "login": { operator: format!("{shorter}a") } }))
            .await;
        let (code, message) = failure(found);
        assert_eq!(code, "invalid_filter", "{operator}");
        assert!(
            message.contains("is longer than 50000 bytes, letters beyond A to Z"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn what_is_unique_knows_a_to_z_alone() {
    let world = world().await;
    let taken = world.create("user", json!({ "login": "aNN" })).await;
    assert_eq!(failure(taken).0, "duplicate_value");
    // The index is the database's own: of these two there may be both, and both are found.
    let other = json!({ "id": "f", "name": "f", "login": "ä%" });
    world.create("user", other).await.unwrap();
    for login in ["ä%", "Ä%"] {
        assert_eq!(
            world.names("user", json!({ "login": login })).await.unwrap(),
            ["e", "f"]
        );
    }
    let taken = world.create("user", json!({ "login": "ä%" })).await;
    assert_eq!(failure(taken).0, "duplicate_value");
}

const PAGE: &str = "
name: page
fields:
  name: { type: text }
  title: { type: text, caseSensitive: false }
";

/// Letters with two cases, with more, with none, beside letters that look alike, marks, and what means something in a pattern.
const TITLES: [&str; 30] = [
    "Ärger",
    "ärGER",
    "A\u{308}rger",
    "Straße",
    "STRAẞE",
    "Strasse",
    "ÄÖÜ äöü Ä",
    "äöü ÄÖÜ ä",
    "ΟΔΟΣ",
    "οδος",
    "Ωμέγα",
    "\u{2126}Μέγα",
    "Жук",
    "жУК",
    "İstanbul",
    "istanbul",
    "ISTANBUL",
    "ılık",
    "\u{212A}elvin",
    "kelvin",
    "ſatz",
    "satz",
    "50%_Ä*?",
    "50 ä",
    "[ä]-[^Ö]\\",
    "]-^ö",
    "日本Ä",
    "\u{1E900}dlam ǅ",
    "ŉ a",
    "Ä\nö",
];

async fn pages() -> World {
    let world = World::new(&[("page.object.yml", PAGE)]).await;
    for (place, title) in TITLES.iter().enumerate() {
        let name = format!("{place:02}");
        let page = json!({ "id": name, "name": name, "title": title });
        world.create("page", page).await.unwrap();
    }
    let untitled = json!({ "id": "none", "name": "none" });
    world.create("page", untitled).await.unwrap();
    world
}

/// The text with each letter in another case than it is.
fn other_case(text: &str) -> String {
    let other = |letter: char| match letters(letter) {
        Some(class) => *class.iter().rfind(|other| **other != letter).unwrap(),
        None if letter.is_ascii_lowercase() => letter.to_ascii_uppercase(),
        None => letter.to_ascii_lowercase(),
    };
    text.chars().map(other).collect()
}

/// The text as a pattern that matches it alone.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

async fn finds(world: &World, filter: Value, untitled: bool, test: impl Fn(&str) -> bool) {
    let titled = TITLES.iter().enumerate().filter(|(_, title)| test(&folded(title)));
    let mut expected: Vec<String> = titled.map(|(place, _)| format!("{place:02}")).collect();
    if untitled {
        expected.push("none".to_owned());
    }
    let asked = filter.to_string();
    let found = world.names("page", filter).await.unwrap();
    assert_eq!(found, expected, "{asked}");
}

#[tokio::test]
async fn databases_find_what_is_the_same_in_memory() {
    let world = pages().await;
    for title in TITLES {
        let said = other_case(title);
        let wanted = folded(&said).into_owned();
        assert_eq!(wanted, folded(title), "{title}");
        let is = |operator: &str| json!({ "title": { operator: said } });
        finds(&world, is("$eq"), false, |title| title == wanted).await;
        finds(&world, is("$ne"), true, |title| title != wanted).await;
        finds(&world, is("$contains"), false, |title| title.contains(&wanted)).await;
        finds(&world, is("$icontains"), false, |title| title.contains(&wanted)).await;
        finds(&world, is("$notContains"), true, |title| !title.contains(&wanted)).await;
        finds(&world, is("$startsWith"), false, |title| title.starts_with(&wanted)).await;
        finds(&world, is("$endsWith"), false, |title| title.ends_with(&wanted)).await;
        let among = json!({ "title": { "$in": [said, "οΔος", "ÄÖü äöÜ Ä"] } });
        let one_of = |title: &str| [wanted.as_str(), "οδοσ", "äöü äöü ä"].contains(&title);
        finds(&world, among, false, one_of).await;
        // Without the first letter and the last, in a pattern and as a part.
        let inner: String = said.chars().skip(1).take(said.chars().count() - 2).collect();
        let part = folded(&inner).into_owned();
        let pattern = json!({ "title": { "$ilike": format!("_{}_", literal(&inner)) } });
        let around = |title: &str| title.chars().count() == part.chars().count() + 2;
        let has = |title: &str| around(title) && title.chars().skip(1).collect::<String>().starts_with(&part);
        finds(&world, pattern, false, has).await;
        let part_of = json!({ "title": { "$contains": inner } });
        finds(&world, part_of, false, |title| title.contains(&part)).await;
    }
}

/// Counts the records that a filter finds.
fn count_of(world: &World, object: &str, filter: &Value) -> Statement {
    let schema = Schema::new(world.engine.parts().catalogue.snapshot(), world.store.dialect());
    let layout = schema.layout(object).unwrap();
    let record = Value::Null;
    let environment = RecordEnvironment::new(&record, NOON);
    let limits = PageLimits {
        default: 100,
        max: 1_000,
    };
    let query = QueryInput::from_map(&fields(json!({ "where": filter, "fields": ["name"] }))).unwrap();
    let checker = Checker::new(&schema, layout, None, &environment);
    let page = select::plan(checker, &|name| schema.layout(name).cloned(), None, &query, limits).unwrap();
    page.count_statement(world.store.dialect())
}

#[tokio::test]
async fn long_texts_are_found_in_any_case_and_not_written_out_in_all_of_them() {
    let world = World::new(&[("page.object.yml", PAGE)]).await;
    // Most of a list are spelled, a few, and none.
    for length in [30, 100, 2_000] {
        let long = |number: usize| format!("ÄÖÜäöü {} {number:02}", "Ab".repeat(length / 2));
        for number in 0..3 {
            let name = format!("l{length}n{number}");
            let page = json!({ "id": name, "name": name, "title": long(number) });
            world.create("page", page).await.unwrap();
        }
        let said: Vec<String> = (0..15).map(|number| other_case(&long(number))).collect();
        let own = format!("l{length}n");
        for (filter, expected) in [
            (json!({ "title": said[1] }), 1),
            (json!({ "title": { "$in": said } }), 3),
            (json!({ "title": { "$in": [said[2], "ä", said[0]] } }), 2),
            (json!({ "title": { "$nin": said }, "name": { "$startsWith": own } }), 0),
            (
                json!({ "title": { "$ne": said[1] }, "name": { "$startsWith": own } }),
                2,
            ),
        ] {
            let found = world.names("page", filter.clone()).await.unwrap();
            assert_eq!(found.len(), expected, "{filter}");
            let statement = count_of(&world, "page", &filter);
            let values = statement.values.iter().filter_map(SqlValue::as_text);
            let bound: usize = values.map(str::len).sum();
            // Spellings, and what is bound once for each text.
            let most = 32 * 1_024 + 15 * (2 * length + 100);
            assert!(bound <= most, "{bound} bytes for {filter}");
        }
    }
}

/// What the relation itself says is held against names that were written by hand.
#[tokio::test]
async fn letters_beyond_a_to_z_have_their_cases() {
    let world = pages().await;
    for (filter, expected) in [
        (json!({ "title": "äRGER" }), "00 01"),
        (json!({ "title": "a\u{308}RGER" }), "02"),
        (json!({ "title": "straẞe" }), "03 04"),
        (json!({ "title": "STRASSE" }), "05"),
        // 128 spellings are too many to be written out.
        (json!({ "title": "Äöü äÖü Ä" }), "06 07"),
        (
            json!({ "title": { "$in": ["Äöü äÖü Ä", "strassE", "ÄÖÜÄÖÜÄ"] } }),
            "05 06 07",
        ),
        (
            json!({ "title": { "$nin": ["Äöü äÖü Ä", null] }, "name": { "$in": ["05", "06", "none"] } }),
            "05",
        ),
        (
            json!({ "title": { "$nin": ["Äöü äÖü Ä"] }, "name": { "$in": ["05", "06", "none"] } }),
            "05 none",
        ),
        (json!({ "title": "οδοσ" }), "08 09"),
        (json!({ "title": { "$endsWith": "\u{3A3}" } }), "08 09"),
        (json!({ "title": { "$startsWith": "ω" } }), "10 11"),
        (json!({ "title": { "$contains": "УК" } }), "12 13"),
        // What is ASCII has its other case there alone.
        (json!({ "title": "İSTANBUL" }), "14"),
        (json!({ "title": "iSTANBUL" }), "15 16"),
        (json!({ "title": { "$contains": "ılı" } }), "17"),
        (json!({ "title": { "$startsWith": "K" } }), "19"),
        (json!({ "title": { "$startsWith": "S" } }), "03 04 05 21"),
        (json!({ "title": { "$contains": "%_ä*?" } }), "22"),
        (json!({ "title": { "$startsWith": "50_ä" } }), ""),
        (json!({ "title": { "$ilike": "50_%Ä%" } }), "22 23"),
        (json!({ "title": { "$contains": "[Ä]-[^ö]\\" } }), "24"),
        (json!({ "title": { "$startsWith": "]-^Ö" } }), "25"),
        (json!({ "title": { "$ilike": "__ä" } }), "26"),
        (json!({ "title": { "$startsWith": "\u{1E922}" } }), "27"),
        (json!({ "title": { "$endsWith": "Ǆ" } }), "27"),
        (json!({ "title": "ŉ A" }), "28"),
        // A line break is a character like others.
        (json!({ "title": { "$ilike": "ä_Ö" } }), "29"),
    ] {
        let found = world.names("page", filter.clone()).await.unwrap();
        assert_eq!(found.join(" "), expected, "{filter}");
    }
}

#[tokio::test]
async fn words_without_a_text_index_are_found_in_any_case() {
    let world = World::new(&[("page.object.yml", PAGE)]).await;
    for (name, title) in [("a", "Neue-Öfen"), ("b", "Großöfen"), ("c", "öfen, ÖL")] {
        let page = json!({ "id": name, "name": name, "title": title });
        world.create("page", page).await.unwrap();
    }
    for (words, expected) in [("ÖFEN", 2), ("öf", 2), ("öL", 1), ("ofen", 0)] {
        let search = json!({ "query": words, "fields": ["title"] });
        let found = world.query("page", json!({ "search": search })).await.unwrap();
        assert_eq!(found["total"], expected, "{words}");
    }
}

/// How the database finds what a statement is about.
async fn plan(world: &World, statement: Statement) -> String {
    let explain = match world.store.dialect().family() {
        Family::Sqlite => "EXPLAIN QUERY PLAN",
        Family::Postgres => "EXPLAIN (COSTS OFF)",
    };
    let mut reader = world.store.reader().await.unwrap();
    if world.store.dialect().family() == Family::Postgres {
        // Of a few records it rightly reads all.
        let indexes = Statement::new("SELECT set_config('enable_seqscan', 'off', false)", Vec::new());
        reader.read(&indexes, &mut |_| {}).await.unwrap();
    }
    let explained = Statement::new(format!("{explain} {}", statement.sql), statement.values);
    let mut lines = Vec::new();
    reader
        .read(&explained, &mut |row| {
            // On PostgreSQL there is one column.
            let text = row
                .cell(3)
                .as_text()
                .or(row.cell(0).as_text())
                .unwrap_or_default()
                .to_owned();
            lines.push(text);
        })
        .await
        .unwrap();
    lines.join("\n")
}

/// Whether the plan looks values up in the index.
fn looks_up(plan: &str, index: &str) -> bool {
    let sqlite = plan.contains("SEARCH t USING") && plan.contains(&format!("INDEX {index} ("));
    let postgres = plan.contains(index) && plan.contains("Index Cond: ");
    sqlite || postgres
}

#[tokio::test]
async fn the_index_finds_the_text() {
    let world = world().await;
    let schema = Schema::new(world.engine.parts().catalogue.snapshot(), world.store.dialect());
    let layout = schema.layout("user").unwrap();
    for filter in [
        json!({ "login": "ANN" }),
        json!({ "login": { "$in": ["ANN", "BOB_X"] } }),
        // All spellings of letters beyond A to Z are looked up.
        json!({ "login": "ÄÖ%" }),
        json!({ "login": { "$in": ["ANN", "ΟΔΟΣ"] } }),
    ] {
        let plan = plan(&world, count_of(&world, "user", &filter)).await;
        assert!(looks_up(&plan, "ux_user_login"), "{filter}: {plan}");
    }
    // What keys and values that are taken are looked for with.
    let mut writer = SqlWriter::new(world.store.dialect());
    writer
        .push("SELECT t.")
        .name("id")
        .push(" FROM ")
        .push(&layout.table)
        .push(" t WHERE ");
    let column = |writer: &mut SqlWriter| {
        writer.column(0, "login");
    };
    writer.same_any_case(column, "ANN");
    let plan = plan(&world, writer.finish()).await;
    assert!(looks_up(&plan, "ux_user_login"), "{plan}");
}
