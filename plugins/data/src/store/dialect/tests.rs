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

/// Places of rows where they tell records apart, and else ids.
#[test]
fn words_are_found_by_places_or_by_ids() {
    let check = |by_id: bool, within: Option<&str>, expected: &[&str]| {
        let words = WordsFilter {
            table: "thing".to_owned(),
            indexed: vec!["name".to_owned(), "note".to_owned()],
            within: within.map(|field| vec![field.to_owned()]),
            words: vec!["red-wine".to_owned()],
            all: true,
            by_id,
        };
        let (pieces, end) = PostgresDialect.words(&words).unwrap();
        let mut found: Vec<&str> = pieces.iter().map(|(before, _)| before.as_str()).collect();
        found.push(end);
        assert_eq!(found, expected, "{words:?}");
    };
    let vectors = "FROM \"thing\" w WHERE objectos_vector(w.\"name\", w.\"note\") @@ objectos_query(";
    for (by_id, key) in [(false, "ctid"), (true, "\"id\"")] {
        let indexed = format!("t.{key} = ANY(ARRAY(SELECT w.{key} {vectors}");
        check(by_id, None, &[indexed.as_str(), ", TRUE)))"]);
        let within = ", TRUE))) AND objectos_vector(t.\"note\") @@ objectos_query(";
        check(
            by_id,
            Some("note"),
            &[format!("({indexed}").as_str(), within, ", TRUE))"],
        );
    }
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
    for json in [SqlValue::Json("[]".to_owned()), SqlValue::SharedJson("[]".into())] {
        check(&PostgresDialect, json, "$3::jsonb");
    }
    check(&PostgresDialect, SqlValue::Null, "$3");
    check(&SqliteDialect, SqlValue::Real(1.5), "?");
}

#[test]
fn the_root_is_a_function_of_both_and_other_powers_are_the_store_s_own() {
    let check = |powers: Powers, sqlite: &str, postgres: &str| {
        let construct = Construct::Powers(powers);
        let found = SqliteDialect.construct(construct);
        assert!(found.starts_with(sqlite), "{powers:?}: {found}");
        assert_eq!(PostgresDialect.construct(construct), postgres, "{powers:?}");
    };
    check(Powers::SquareRoot, "sqrt($0)", "CASE WHEN $0 >= 0 THEN sqrt($0) END");
    check(Powers::Exponential, "(WITH RECURSIVE p(p, l)", "objectos_exp($0)");
    check(Powers::Logarithm, "(WITH RECURSIVE a0(m, k)", "objectos_ln($0)");
    check(Powers::LogarithmTo, "(WITH RECURSIVE a0(m, k)", "objectos_log($0, $1)");
    check(Powers::Raised, "(WITH RECURSIVE a0(m, k)", "objectos_power($0, $1)");
}

#[test]
fn local_times_become_moments() {
    let check = |dialect: &dyn Dialect, construct: Construct, expected: &str| {
        assert_eq!(dialect.construct(construct), expected, "{construct:?}");
    };
    let joined = "($0 || 'T' || substr($1 || '.000', 1, 12) || 'Z')";
    for dialect in [&SqliteDialect as &dyn Dialect, &PostgresDialect] {
        check(dialect, Construct::LocalTime, joined);
        check(dialect, Construct::MomentOf(0), "$0");
    }
    check(
        &SqliteDialect,
        Construct::MomentOf(3_600),
        "CASE WHEN strftime('%Y-%m-%dT%H:%M:%fZ', $0, '-3600 seconds') >= '0001' \
         THEN strftime('%Y-%m-%dT%H:%M:%fZ', $0, '-3600 seconds') END",
    );
    let moment = PostgresDialect.construct(Construct::MomentOf(3_600));
    assert!(
        moment.contains("(CAST(substr($0, 1, 23) AS timestamp) - interval '3600 seconds')"),
        "{moment}"
    );
}
