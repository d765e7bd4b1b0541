use super::*;

#[test]
fn decoding() {
    let check = |text: &str, expected: Option<&str>| assert_eq!(decode(text).ok().as_deref(), expected, "{text}");
    check("a+b", Some("a b"));
    check("a%2Bb", Some("a+b"));
    check("%C3%BC", Some("ü"));
    check("%c3", None);
    check("%", None);
    check("%zz", None);
    check("plain", Some("plain"));
}

#[test]
fn the_first_filter_counts_and_hides_equalities() {
    let filter = |query: &str| {
        from_query_string(query)
            .unwrap()
            .filter
            .map(|filter| filter.to_json().to_string())
    };
    let one = filter("filter=%7B%22a%22%3A1%7D");
    assert_eq!(
        filter("where=%7B%22b%22%3A1%7D&filters=%7B%22c%22%3A1%7D&filter=%7B%22a%22%3A1%7D&d=4"),
        one
    );
    assert_eq!(filter("a="), filter("a"));
    assert_eq!(filter("top=1"), None);
}

#[test]
fn grouping_in_a_query_string() {
    let query = "aggregations=%5B%7B%22function%22%3A%22count%22%2C%22alias%22%3A%22n%22%7D%5D&groupBy=a,b";
    let input = from_query_string(query).unwrap();
    assert_eq!(
        (
            input.aggregations.len(),
            input.group_by.len(),
            input.group_by[1].field.as_str()
        ),
        (1, 2, "b")
    );
}

#[test]
fn fields_to_search_in_may_stand_before_the_words() {
    for query in [
        "searchFields=name,note&search=acme",
        "search=acme&searchFields=name,note",
    ] {
        let search = from_query_string(query).unwrap().search.unwrap();
        assert_eq!(
            (search.query.as_str(), search.fields.join(",")),
            ("acme", "name,note".to_owned()),
            "{query}"
        );
    }
    assert_eq!(from_query_string("searchFields=name").unwrap().search, None);
}

#[test]
fn a_switch_is_on_or_off_and_nothing_else() {
    let check =
        |query: &str, expected: Option<Option<bool>>| assert_eq!(switch(query, "purge").ok(), expected, "{query}");
    check("", Some(None));
    check("purged=true", Some(None));
    check("purge=true", Some(Some(true)));
    check("a=b&purge=1", Some(Some(true)));
    check("p%75rge=1", Some(Some(true)));
    check("purge=false&purge=true", Some(Some(false)));
    check("purge=0", Some(Some(false)));
    for query in ["purge", "purge=", "purge=no", "purge=TRUE", "purge=2", "purge=%zz"] {
        check(query, None);
    }
    for query in ["count=", "distinct=maybe", "$count=no"] {
        assert!(from_query_string(query).is_err(), "{query}");
    }
    assert_eq!(from_query_string("count=0").unwrap().count, Some(false));
    // Forms send their other empty fields along.
    assert!(from_query_string("top=&sort=").is_ok());
}

#[test]
fn a_parameter_that_cannot_be_read_is_named() {
    assert_eq!(parameter("a=1&b=x%20y", "b").unwrap().as_deref(), Some("x y"));
    let error = parameter("b=%zz", "b").unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().contains("'b'")),
        ("invalid_query", true),
        "{error}"
    );
}
