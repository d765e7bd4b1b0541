//! What searches in an object are narrowed to: conditions, and what is none.

use crate::app_support::try_load;

#[test]
fn what_a_search_is_narrowed_to_is_a_condition() {
    // What is told, without where it stands; none is told of a condition that is in order.
    let check = |filter: &str, expected: Option<&str>| {
        let text = format!(
            "name: thing\nsearch: {{fields: [title], filters: [{filter}]}}\nfields:\n  title: {{type: text}}\n  done: {{type: boolean}}\n  size: {{type: number}}\n  secret: {{type: password}}\n  parent: {{type: lookup, reference: thing}}\n"
        );
        let (conditions, told) = match try_load(&[("thing.object.yml", text.as_str())]) {
            Ok(loaded) => {
                let object = loaded.catalogue.object("thing").expect("an object");
                let told: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
                (object.search_filters.len(), told)
            }
            Err(problems) => (0, problems),
        };
        match expected {
            None => assert_eq!((conditions, told), (1, Vec::new()), "{filter}"),
            Some(part) => {
                assert_eq!((conditions, told.len()), (0, 1), "{filter}: {told:?}");
                assert!(told[0].contains("search.filters[0]: "), "{filter}: {told:?}");
                assert!(told[0].contains(part), "{filter}: {told:?}");
            }
        }
    };
    check("done", None);
    check("'size > 3 AND done'", None);
    check(r#"'{"size": {"$gte": 3}}'"#, None);
    check(r#"'[["done", "=", true], "or", ["title", "=", "x"]]'"#, None);
    check(
        "title",
        Some("warning: search.filters[0]: `title` is a field and no condition"),
    );
    check("'sizes > 3'", Some("did you mean `size`?"));
    check("'parent.size > 3'", Some("`parent.size` is no field of `thing` itself"));
    check("'{\"size\": '", Some("the filter is no JSON"));
    check(r#"'["size", "near", 3]'"#, Some("`near` is no comparison"));
    check(
        "'secret = title'",
        Some("`secret` is a secret and cannot be computed with"),
    );
}
