use super::*;

/// A table of patterns; a route's number is its place in the list.
fn tree(patterns: &[&str]) -> (Tree, Vec<Vec<String>>) {
    let mut tree = Tree::default();
    let insert = |(index, pattern): (usize, &&str)| {
        let (method, path) = pattern.split_once(' ').unwrap();
        tree.insert(method_index(method).unwrap(), path, index).unwrap()
    };
    let names = patterns.iter().enumerate().map(insert).collect();
    (tree, names)
}

/// `GET /path` against a table: the pattern and its decoded parameters, or why there is none.
fn resolve(patterns: &[&str], request: &str) -> String {
    let (tree, names) = tree(patterns);
    let (method, path) = request.split_once(' ').unwrap();
    if let Err(problem) = check(path) {
        return format!("malformed: {problem}");
    }
    match tree.find(method_index(method), path) {
        Found::Route(index, captures) => {
            let value =
                |(name, range): (&String, &Range<usize>)| format!("{name}={}", decode(&path[range.clone()]).unwrap());
            let values: Vec<String> = names[index].iter().zip(captures.ranges()).map(value).collect();
            [&[patterns[index].to_owned()][..], &values].concat().join(" ")
        }
        Found::Methods(methods) => format!("allow: {}", methods.list()),
        Found::Nothing => "nothing".to_owned(),
        Found::Malformed(problem) => format!("malformed: {problem}"),
    }
}

const TABLE: &[&str] = &[
    "GET /",
    "GET /api/v1",
    "GET /api/v1/data/{object}",
    "POST /api/v1/data/{object}",
    "GET /api/v1/data/{object}/{id}",
    "DELETE /api/v1/data/{object}/{id}",
    "POST /api/v1/data/{object}/query",
    "GET /api/v1/data/account/special",
    "GET /api/v1/data/{object}/{id}/feed/{item}",
    "GET /files/{*path}",
    "POST /files/upload",
    "GET /files/{name}/meta",
    "HEAD /own-head",
    "OPTIONS /own-options",
];

fn check_table(request: &str, expected: &str) {
    assert_eq!(resolve(TABLE, request), expected, "{request}");
}

#[test]
fn literals_go_before_parameters_and_those_before_a_rest() {
    check_table("GET /", "GET /");
    check_table("GET /api/v1", "GET /api/v1");
    check_table("GET /api/v1/data/lead", "GET /api/v1/data/{object} object=lead");
    check_table(
        "GET /api/v1/data/lead/7",
        "GET /api/v1/data/{object}/{id} object=lead id=7",
    );
    check_table("GET /api/v1/data/account/special", "GET /api/v1/data/account/special");
    check_table(
        "GET /api/v1/data/account/7",
        "GET /api/v1/data/{object}/{id} object=account id=7",
    );
    check_table(
        "GET /api/v1/data/lead/special",
        "GET /api/v1/data/{object}/{id} object=lead id=special",
    );
    check_table(
        "GET /api/v1/data/a/b/feed/c",
        "GET /api/v1/data/{object}/{id}/feed/{item} object=a id=b item=c",
    );
    check_table("GET /files/a/meta", "GET /files/{name}/meta name=a");
    check_table("GET /files/a/b/meta", "GET /files/{*path} path=a/b/meta");
    check_table("GET /files/a", "GET /files/{*path} path=a");
}

#[test]
fn a_branch_without_the_method_is_left_again() {
    check_table(
        "POST /api/v1/data/lead/query",
        "POST /api/v1/data/{object}/query object=lead",
    );
    check_table(
        "GET /api/v1/data/lead/query",
        "GET /api/v1/data/{object}/{id} object=lead id=query",
    );
    check_table(
        "DELETE /api/v1/data/account/special",
        "DELETE /api/v1/data/{object}/{id} object=account id=special",
    );
    check_table("GET /files/upload", "GET /files/{*path} path=upload");
    check_table("POST /files/upload", "POST /files/upload");
}

#[test]
fn a_path_under_other_methods_says_which() {
    check_table("PUT /api/v1/data/lead", "allow: GET, HEAD, POST, OPTIONS");
    check_table(
        "PATCH /api/v1/data/lead/query",
        "allow: GET, HEAD, POST, DELETE, OPTIONS",
    );
    check_table("BREW /api/v1", "allow: GET, HEAD, OPTIONS");
    check_table("GET /own-head", "allow: HEAD, OPTIONS");
    check_table("POST /files/a", "allow: GET, HEAD, OPTIONS");
    check_table("POST /nowhere", "nothing");
}

#[test]
fn head_is_get_unless_it_has_a_route() {
    check_table("HEAD /api/v1", "GET /api/v1");
    check_table("HEAD /own-head", "HEAD /own-head");
    check_table("OPTIONS /own-options", "OPTIONS /own-options");
    check_table("OPTIONS /api/v1", "allow: GET, HEAD, OPTIONS");
}

#[test]
fn a_slash_at_the_end_changes_nothing() {
    check_table("GET /api/v1/", "GET /api/v1");
    check_table("GET /api/v1/data/lead/", "GET /api/v1/data/{object} object=lead");
    check_table("GET /files/", "GET /files/{*path} path=");
    check_table("GET /files", "nothing");
    check_table("GET /files/a/", "GET /files/{*path} path=a/");
}

#[test]
fn segments_are_split_before_they_are_decoded() {
    check_table("GET /api/v1/d%61ta/lead", "GET /api/v1/data/{object} object=lead");
    check_table("GET /api/v1/data/a%2Fb", "GET /api/v1/data/{object} object=a/b");
    check_table(
        "GET /api/v1/data/a%2fb/c%20d",
        "GET /api/v1/data/{object}/{id} object=a/b id=c d",
    );
    check_table("GET /api/v1/data/%C3%BC", "GET /api/v1/data/{object} object=ü");
    check_table("GET /api/v1/data/a+b", "GET /api/v1/data/{object} object=a+b");
    check_table("GET /api/v1/data/%2525", "GET /api/v1/data/{object} object=%25");
    check_table("GET /api%2Fv1", "nothing");
    check_table("GET /API/v1", "nothing");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for path in ["/%", "/%4", "/%zz", "/a%", "/%ff", "/%C3", "/%C3%28"] {
        let answer = resolve(TABLE, &format!("GET {path}"));
        assert!(
            answer.starts_with("malformed: the path has a broken escape"),
            "{path}: {answer}"
        );
    }
    for path in [
        "/.",
        "/..",
        "/a/../b",
        "/files/..",
        "/files/%2e%2e/x",
        "/files/.%2E",
        "/files/..%2Fetc",
        "/files/a%2F..%2Fb",
        "/files/..%5Cx",
    ] {
        let answer = resolve(TABLE, &format!("GET {path}"));
        assert_eq!(answer, "malformed: the path has a segment of dots", "{path}");
    }
    for path in ["//", "/api//v1", "//evil.example/x"] {
        assert_eq!(
            resolve(TABLE, &format!("GET {path}")),
            "malformed: the path has an empty segment",
            "{path}"
        );
    }
    for path in ["/%00", "/a%0Ab", "/%7F", "/%C2%85"] {
        assert_eq!(
            resolve(TABLE, &format!("GET {path}")),
            "malformed: the path has a control character",
            "{path}"
        );
    }
    check_table("GET api/v1", "malformed: the path does not begin with `/`");
    check_table("GET *", "malformed: the path does not begin with `/`");
    check_table(
        &format!("GET {}", "/a".repeat(65)),
        "malformed: the path has too many segments",
    );
    check_table("GET /files/...", "GET /files/{*path} path=...");
}

#[test]
fn many_branches_do_not_make_a_walk_slow() {
    // Each level has a literal and a parameter that both fit, and nothing at the end does.
    let mut patterns = Vec::new();
    for bits in 0..256_u32 {
        let segment = |level: u32| {
            if bits >> level & 1 == 0 {
                "/a".to_owned()
            } else {
                format!("/{{p{level}}}")
            }
        };
        patterns.push(format!("GET {}/end", (0..8).map(segment).collect::<String>()));
    }
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    assert_eq!(resolve(&patterns, &format!("GET {}/other", "/a".repeat(8))), "nothing");
    assert_eq!(
        resolve(&patterns, &format!("GET {}/end", "/a".repeat(8))),
        format!("GET {}/end", "/a".repeat(8))
    );
}

#[test]
fn a_second_route_for_the_same_requests_is_refused() {
    let (mut tree, _) = tree(&["GET /a/{id}", "GET /b/{*rest}"]);
    let check = |tree: &mut Tree, path: &str, expected: Result<(), tree::Refused>| {
        assert_eq!(tree.insert(0, path, 9).map(|_| ()), expected, "{path}");
    };
    check(&mut tree, "/a/{other}", Err(tree::Refused::Taken(0)));
    check(&mut tree, "/b/{*other}", Err(tree::Refused::Taken(1)));
    check(&mut tree, "/b/{other}", Ok(()));
    check(
        &mut tree,
        "no/slash",
        Err(tree::Refused::Pattern("the path does not begin with `/`")),
    );
    check(
        &mut tree,
        "/{*all}/more",
        Err(tree::Refused::Pattern("what takes all that follows has to be last")),
    );
    let long = (0..9).map(|index| format!("/{{p{index}}}")).collect::<String>();
    check(
        &mut tree,
        &long,
        Err(tree::Refused::Pattern("the path has more than 8 parameters")),
    );
}
