use super::*;
use crate::fixture;

fn render(text: &str, braces: Braces, escape: Escape, missing: Missing) -> String {
    match Template::parse(text, &OpenScope, braces) {
        Ok(template) => fixture::with_environment(|environment| {
            template
                .render_with(environment, escape, missing)
                .unwrap_or_else(|error| format!("error: {error}"))
        }),
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn placeholders_are_filled() {
    for (text, expected) in [
        ("", ""),
        ("no braces", "no braces"),
        ("Hello {{ name }}!", "Hello Test User!"),
        ("{{name}}{{ quantity * 2 }}", "Test User20"),
        ("{{ no_text }}|{{ nowhere }}|{{ nowhere.at.all }}", "||"),
        (
            "{{ record.stage }} by {{ $current_user.name }} on {{ TODAY() + 1 }}",
            "proposal by Ann on 2026-01-17",
        ),
        ("{{ IF(amount > 1, '}}', \"{\") }}", "}}"),
        ("{single} { {{ name }} }", "{single} { Test User }"),
        ("größe {{ UPPER('ß') }} 日", "größe SS 日"),
        (
            "{{ name",
            "line 1, column 1: this placeholder is not closed; end it with the same braces",
        ),
        ("a\n {{ 1 + }}", "line 2, column 9: expected a value, found the end"),
        (
            "{{ }} and {{ NOPE() }}",
            "line 1, column 3: the expression is empty\nline 1, column 14: unknown function `NOPE`",
        ),
        (
            "{{ parent.name }}",
            "error: the related record of `parent.name` is not loaded",
        ),
    ] {
        assert_eq!(
            render(text, Braces::Double, Escape::None, Missing::Blank),
            expected,
            "{text}"
        );
    }
}

#[test]
fn single_braces_count_where_asked_for() {
    for (text, expected) in [
        ("{name} - {{ stage }}", "Test User - proposal"),
        ("{TODAY() + quantity}", "2026-01-26"),
        ("{$User.Email}", "ann@example.com"),
        ("{`x${name}`}", "xTest User"),
        (
            "{name",
            "line 1, column 1: this placeholder is not closed; end it with the same braces",
        ),
        (
            "{{ name }",
            "line 1, column 1: this placeholder is not closed; end it with the same braces",
        ),
    ] {
        assert_eq!(
            render(text, Braces::Any, Escape::None, Missing::Blank),
            expected,
            "{text}"
        );
    }
}

#[test]
fn values_are_escaped_and_the_missing_kept() {
    let text = "<b>{{ '<a href=\"x\">&\\'' }}</b>";
    assert_eq!(
        render(text, Braces::Double, Escape::Html, Missing::Blank),
        "<b>&lt;a href=&quot;x&quot;&gt;&amp;&#39;</b>"
    );
    assert_eq!(
        render(
            "{\"a\": \"{{ 'x\\n\"y' }}\"}",
            Braces::Double,
            Escape::Json,
            Missing::Blank
        ),
        "{\"a\": \"x\\n\\\"y\"}"
    );
    assert_eq!(
        render(
            "{{ nowhere.x }} {{ no_number }}",
            Braces::Double,
            Escape::None,
            Missing::Keep
        ),
        "{{ nowhere.x }} "
    );
}

#[test]
fn a_lone_placeholder_keeps_its_type() {
    let value = |text: &str| {
        let template = Template::parse(text, &OpenScope, Braces::Any).unwrap();
        fixture::with_environment(|environment| template.value(environment).unwrap().to_json())
    };
    assert_eq!(value("{amount}"), 1200.5);
    assert_eq!(value("{{ tags }}"), serde_json::json!(["red", "green"]));
    assert_eq!(value("{amount} "), "1200.5 ");
    assert_eq!(value("{nowhere}"), serde_json::Value::Null);
    assert_eq!(value(""), "");
}

#[test]
fn render_template_does_both() {
    fixture::with_environment(|environment| {
        assert_eq!(render_template("{{ name }}", environment).unwrap(), "Test User");
        assert!(matches!(
            render_template("{{", environment),
            Err(RenderError::Template(_))
        ));
        assert!(matches!(
            render_template("{{ parent.name }}", environment),
            Err(RenderError::Evaluation(_))
        ));
    });
    let template = Template::parse("{{ a }} {{ b.c }}", &OpenScope, Braces::Double).unwrap();
    assert_eq!(template.expressions().count(), 2);
}
