use super::*;

#[test]
fn patterns_become_globs() {
    let check = |pattern: &str, expected: &str| assert_eq!(SqliteDialect.like(pattern).1, expected, "{pattern}");
    check("%acme%", "*acme*");
    check("a_c", "a?c");
    check("50\\%", "50%");
    check("a*b?[c]", "a[*]b[?][[]c]");
    check("end\\", "end\\");
    check("\\\\x", "\\x");
}

#[test]
fn patterns_stay_patterns() {
    let check = |pattern: &str, expected: &str| assert_eq!(PostgresDialect.like(pattern).1, expected, "{pattern}");
    check("%acme%", "%acme%");
    check("50\\%", "50\\%");
    check("a*b?[c]", "a*b?[c]");
    check("end\\", "end\\\\");
    check("\\\\x", "\\\\x");
}

#[test]
fn patterns_in_any_case() {
    let check = |pattern: &str, sqlite: &str, postgres: &str| {
        assert_eq!(SqliteDialect.like_any_case(pattern).1, sqlite, "{pattern}");
        assert_eq!(PostgresDialect.like_any_case(pattern).1, postgres, "{pattern}");
    };
    check("%Acme_", "*acme?", "%acme_");
    check("%ÄRG%", "*[äÄ]rg*", "%ärg%");
    check("Σ\\Σ\\", "[σΣς][σΣς]\\", "σ\\σ\\\\");
    // What means something within a class stands outside of it.
    check("A*?[]^-", "a[*][?][[]]^-", "a*?[]^-");
    check("50\\%\\_", "50%_", "50\\%\\_");
    // No other case: İ and ı have one in ASCII or of two characters, others none at all.
    check("İı日A\u{308}", "İı日a\u{308}", "İı日a\u{308}");
}

#[test]
fn a_quote_in_a_name_stays_in_the_name() {
    for dialect in [&SqliteDialect as &dyn Dialect, &PostgresDialect] {
        let mut out = String::new();
        dialect.name(&mut out, "a\" b");
        assert_eq!(out, "\"a\"\" b\"");
    }
}

#[test]
fn a_placeholder_says_its_type_where_it_would_be_guessed() {
    let check = |dialect: &dyn Dialect, value: SqlValue, expected: &str| {
        let mut out = String::new();
        dialect.value_placeholder(&mut out, 3, &value);
        assert_eq!(out, expected, "{value:?}");
    };
    check(&PostgresDialect, SqlValue::Integer(1), "$3::bigint");
    check(&PostgresDialect, SqlValue::Real(1.5), "$3::numeric");
    check(
        &PostgresDialect,
        SqlValue::Text("x".to_owned()),
        "($3::text COLLATE \"C\")",
    );
    check(&PostgresDialect, SqlValue::Null, "$3");
    check(&SqliteDialect, SqlValue::Real(1.5), "?");
}
