//! Whole numbers stay whole, and comparisons do not care how a number was written.

use super::*;

fn parsed(text: &str) -> Number {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_number_is_written_as_it_was_read() {
    let check = |text: &str| assert_eq!(serde_json::to_string(&parsed(text)).unwrap(), text);
    for text in ["0", "80", "-3", "1.5", "9007199254740993", "-0.25", "3.0"] {
        check(text);
    }
}

#[test]
fn whole_numbers_convert_and_others_do_not() {
    let check = |text: &str, whole: Option<i64>, size: Option<usize>| {
        assert_eq!(
            (parsed(text).as_i64(), parsed(text).as_usize()),
            (whole, size),
            "{text}"
        );
    };
    check("80", Some(80), Some(80));
    check("3.0", Some(3), Some(3));
    check("-1", Some(-1), None);
    check("1.5", None, None);
    check("1e300", None, None);
}

#[test]
fn comparison_is_by_value() {
    assert_eq!(parsed("3"), parsed("3.0"));
    assert!(parsed("2.5") < parsed("3"));
    assert!(parsed("9007199254740993") > parsed("9007199254740992"));
}

#[test]
fn only_numbers_are_numbers() {
    for text in ["\"3\"", "true", "null", "[]"] {
        assert!(serde_json::from_str::<Number>(text).is_err(), "{text}");
    }
    assert_eq!(Number::float(f64::NAN), None);
}
