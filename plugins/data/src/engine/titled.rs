//! The text of a title: the pieces of a plan (`query::select`) with the values of a row. A value is written as the answer has it;
//! what is no text and no number is left out. Called by whoever writes rows (`answer`).

use serde_json::Value;

use super::answer::write_masked;
use crate::query::select::{Title, TitlePiece};
use crate::record::write_value;
use crate::store::Row;

/// How the record of a row is called, by its id where no text is left; nothing where there is no record. `computed`: the
/// calculations of the plan.
pub(super) fn title_text(title: &Title, row: &dyn Row, computed: &[Value]) -> Option<String> {
    let id = row.cell(title.id);
    let id = id.as_text()?;
    let mut text = String::new();
    for piece in &title.pieces {
        let mut value = Vec::new();
        match piece {
            TitlePiece::Literal(literal) => text.push_str(literal),
            TitlePiece::Formula(place) => push(&mut text, computed.get(*place)),
            TitlePiece::Column(column, form) => write_value(&mut value, *form, row.cell(*column)),
            TitlePiece::Masked(column, form, mask) => write_masked(&mut value, mask, *form, row.cell(*column)),
        }
        // A value that was written can always be read.
        push(&mut text, serde_json::from_slice(&value).ok().as_ref());
    }
    let text = text.trim();
    let told = if text.is_empty() { id } else { text };
    Some(told.to_owned())
}

fn push(text: &mut String, value: Option<&Value>) {
    match value {
        Some(Value::String(value)) => text.push_str(value),
        Some(Value::Number(number)) => text.push_str(&number.to_string()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::answer::Values;
    use super::*;
    use crate::record::Form;
    use crate::store::SqlValue;

    #[test]
    fn a_title_is_made_of_what_is_there() {
        let literal = |text: &str| TitlePiece::Literal(text.to_owned());
        let check = |pieces: Vec<TitlePiece>, values: &[SqlValue], expected: Option<&str>| {
            let title = Title { pieces, id: 0 };
            let found = title_text(&title, &Values(values), &[json!("computed"), Value::Null]);
            assert_eq!(found.as_deref(), expected, "{title:?}");
        };
        let column = |place: usize| TitlePiece::Column(place, Form::Text);
        let row = |value: SqlValue| [SqlValue::from("x1"), value];
        check(
            vec![column(1), literal(" ("), TitlePiece::Formula(0), literal(")")],
            &row("seven".into()),
            Some("seven (computed)"),
        );
        check(
            vec![literal(" "), column(1), TitlePiece::Formula(1)],
            &row(SqlValue::Null),
            Some("x1"),
        );
        check(vec![TitlePiece::Column(1, Form::Plain)], &row(7_i64.into()), Some("7"));
        check(
            vec![TitlePiece::Column(1, Form::Boolean)],
            &row(SqlValue::Boolean(true)),
            Some("x1"),
        );
        check(vec![literal("of nobody")], &[SqlValue::Null], None);
    }
}
