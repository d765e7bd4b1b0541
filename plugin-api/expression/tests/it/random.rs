//! What must be true of every expression, tried on many. The seed is printed; `OBJECTOS_SEED` repeats a run.

use std::collections::BTreeMap;

use objectos_expression::{
    Braces, Filter, Limits, NodeKind, OpenScope, RecordEnvironment, Template, Type, check, evaluate, evaluate_within,
    to_filter,
};
use serde_json::Value as Json;

use crate::generator::{self, Random};

const NOW_MS: i64 = 1_768_480_245_000;
const TYPES: [Type; 5] = [Type::Number, Type::Text, Type::Boolean, Type::Date, Type::DateTime];

fn seeded(run: impl FnOnce(&mut Random)) {
    let seed = std::env::var("OBJECTOS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| {
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap();
            u64::from(now.subsec_nanos()) ^ now.as_secs()
        });
    println!("OBJECTOS_SEED={seed}");
    run(&mut Random::new(seed));
}

fn with_environment<T>(random: &mut Random, run: impl FnOnce(&Json, &RecordEnvironment<'_>, &mut Random) -> T) -> T {
    let (record, user) = (generator::record(random), generator::user(random));
    let offset = i32::try_from(random.below(27)).unwrap() - 12;
    let environment = RecordEnvironment::new(&record, NOW_MS)
        .with_user(&user)
        .with_utc_offset(offset * 3600);
    run(&record, &environment, random)
}

#[test]
fn a_filter_matches_exactly_what_the_expression_says() {
    seeded(|random| {
        let (mut filters, mut true_ones) = (0, 0);
        for _ in 0..4_000 {
            let source = generator::expression(random, Type::Boolean, 4);
            let checked =
                check(&source, &generator::scope()).unwrap_or_else(|errors| panic!("{source}\n{}", errors[0]));
            let Ok(filter) = to_filter(&checked) else { continue };
            let json = serde_json::to_string(&filter).unwrap();
            let read: Filter = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{source}\n{json}\n{error}"));
            filters += 1;
            for _ in 0..4 {
                with_environment(random, |record, environment, _| {
                    let expected = evaluate(&checked, environment).is_ok_and(|value| value.to_json() == true);
                    true_ones += usize::from(expected);
                    for (name, filter) in [("filter", &filter), ("filter from JSON", &read)] {
                        assert_eq!(
                            filter.matches(environment).unwrap_or(false),
                            expected,
                            "{name}\n{source}\n{record}"
                        );
                        let bound = filter
                            .bind(environment)
                            .unwrap_or_else(|error| panic!("{source}\n{record}\n{error}"));
                        assert_eq!(
                            bound.matches(environment).unwrap_or(false),
                            expected,
                            "bound {name}\n{source}\n{record}"
                        );
                        bound.each_operand(&mut |operand| {
                            assert!(
                                !operand.is_constant() || operand.as_literal().is_some(),
                                "{source}\n{operand:?}"
                            );
                            assert!(!matches!(operand.kind, NodeKind::Variable(_)));
                        });
                    }
                });
            }
        }
        // The test is worth something only if it meets both answers.
        assert!(filters > 1_000 && true_ones > 500, "{filters} {true_ones}");
    });
}

#[test]
fn constants_mean_what_fields_of_that_value_mean() {
    seeded(|random| {
        for _ in 0..4_000 {
            let value_type = TYPES[random.below(TYPES.len())];
            let source = generator::expression(random, value_type, 3);
            let checked =
                check(&source, &generator::scope()).unwrap_or_else(|errors| panic!("{source}\n{}", errors[0]));
            with_environment(random, |record, environment, _| {
                let value =
                    evaluate(&checked, environment).unwrap_or_else(|error| panic!("{source}\n{record}\n{error}"));
                let right_type =
                    value.is_null() || value.value_type() == checked.value_type() || checked.value_type() == Type::Any;
                assert!(
                    right_type,
                    "{source}\n{record}\n{value:?} is no {}",
                    checked.value_type()
                );
                let constant = with_constants(&source, record);
                let folded =
                    check(&constant, &generator::scope()).unwrap_or_else(|errors| panic!("{constant}\n{}", errors[0]));
                assert_eq!(
                    evaluate(&folded, environment),
                    Ok(value),
                    "{source}\n{constant}\n{record}"
                );
            });
        }
    });
}

/// The expression with each field that has a value replaced by that value.
fn with_constants(source: &str, record: &Json) -> String {
    let written = |name: &str, json: &Json| match (name.as_bytes()[0], json) {
        (_, Json::Null | Json::Array(_)) => None,
        (b'd', date) => Some(format!("DATEVALUE({date})")),
        (b'm', moment) => Some(format!("DATETIMEVALUE({moment})")),
        (_, other) => Some(format!("({other})")),
    };
    let values: BTreeMap<String, String> = ["n1", "n2", "n3", "t1", "t2", "b1", "b2", "d1", "d2", "m1", "m2"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), written(name, record.get(name)?)?)))
        .collect();
    let mut replaced = String::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in source.chars().chain([' ']) {
        if !quoted && (c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$')) {
            word.push(c);
            continue;
        }
        replaced.push_str(values.get(&word).unwrap_or(&word));
        word.clear();
        replaced.push(c);
        quoted ^= c == '\'';
    }
    replaced
}

#[test]
fn limits_end_every_evaluation() {
    seeded(|random| {
        for _ in 0..2_000 {
            let source = generator::expression(random, Type::Text, 5);
            let Ok(checked) = check(&source, &generator::scope()) else {
                continue;
            };
            let limits = Limits {
                steps_max: u64::try_from(random.below(40)).unwrap(),
                bytes_max: u64::try_from(random.below(200)).unwrap(),
            };
            with_environment(random, |_, environment, _| {
                match evaluate_within(&checked, environment, limits) {
                    Ok(value) => assert!(value.is_null() || value.to_text().len() <= 400, "{source}"),
                    Err(error) => assert_eq!(error.kind().code(), "limit_exceeded", "{source}\n{error}"),
                }
            });
        }
    });
}

#[test]
fn no_text_makes_the_checker_panic() {
    const PIECES: [&str; 60] = [
        "(", ")", "[", "]", "{", "}", "{{", "}}", "${", "`", "'", "\"", "\\", "\\u00", ".", "?.", "?", ":", "??", ",",
        ";", "=", "==", "<", ">", "!", "!=", "+", "-", "*", "**", "/", "//", "/*", "%", "^", "&", "&&", "||", "NOT",
        "AND", "IN", "LIKE", "BETWEEN", "IS NULL", "null", "true", "1", ".5", "1e9", "n1", "t1", "$today", "$", "IF",
        "if", "let x =", "return", "日", "\u{0}",
    ];
    seeded(|random| {
        for round in 0..20_000 {
            let mut source = if round % 3 == 0 {
                generator::expression(random, Type::Boolean, 3)
            } else {
                String::new()
            };
            for _ in 0..random.below(12) {
                let piece = if random.below(8) == 0 {
                    char::from_u32(u32::try_from(random.below(0x11_0000)).unwrap())
                        .unwrap_or('x')
                        .to_string()
                } else {
                    (*random.pick(&PIECES.each_ref())).to_owned()
                };
                let mut at = random.below(source.len() + 1);
                while !source.is_char_boundary(at) {
                    at -= 1;
                }
                source.insert_str(at, &piece);
            }
            for outcome in [check(&source, &OpenScope), check(&source, &generator::scope())] {
                match outcome {
                    Ok(checked) => {
                        with_environment(random, |_, environment, _| {
                            let _ = evaluate(&checked, environment);
                            if let Ok(filter) = to_filter(&checked) {
                                let _ = filter.bind(environment).map(|filter| filter.matches(environment));
                            }
                        });
                    }
                    Err(errors) => {
                        assert!(!errors.is_empty());
                        for error in errors {
                            assert!(
                                error.position.offset <= source.len()
                                    && error.position.line >= 1
                                    && error.position.column >= 1
                            );
                            assert!(
                                !error.message.is_empty() && !error.message.ends_with('.'),
                                "{source}\n{error}"
                            );
                        }
                    }
                }
            }
            for braces in [Braces::Double, Braces::Any] {
                if let Ok(template) = Template::parse(&source, &OpenScope, braces) {
                    with_environment(random, |_, environment, _| template.render(environment).is_ok());
                }
            }
        }
    });
}
