//! What the statements that make tables and indexes have in common: columns, and the conditions of indexes. Types are those of the
//! dialect. Constants stand in the text, since such a statement takes no values; text is quoted as the standard has it, which
//! both databases keep to.

use super::{Construct, Dialect};
use crate::model::{IndexCondition, IndexModel, IndexOperand};
use crate::schema::ColumnSpec;

/// `(column type, …)` of a new table.
pub(super) fn columns(dialect: &dyn Dialect, columns: &[ColumnSpec]) -> String {
    let columns: Vec<String> = columns.iter().map(|each| column(dialect, each)).collect();
    format!("({})", columns.join(", "))
}

/// `"name" type NOT NULL PRIMARY KEY`.
pub(super) fn column(dialect: &dyn Dialect, column: &ColumnSpec) -> String {
    let mut out = format!("{} {}", name(dialect, &column.name), dialect.column_type(column.kind));
    if !column.nullable {
        out.push_str(" NOT NULL");
    }
    if column.primary_key {
        out.push_str(" PRIMARY KEY");
    }
    out
}

/// ` WHERE …` of an index, or nothing.
pub(super) fn of_index(dialect: &dyn Dialect, index: &IndexModel) -> String {
    let live = index
        .live
        .as_ref()
        .map(|field| format!("{} IS NULL", name(dialect, field)));
    let partial = index
        .partial
        .as_ref()
        .map(|partial| written(dialect, &partial.condition));
    let parts: Vec<String> = live.into_iter().chain(partial).collect();
    if parts.is_empty() {
        return String::new();
    }
    format!(" WHERE {}", parts.join(" AND "))
}

/// A name, quoted.
pub(super) fn name(dialect: &dyn Dialect, name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    dialect.name(&mut out, name);
    out
}

fn written(dialect: &dyn Dialect, condition: &IndexCondition) -> String {
    let several = |parts: &[IndexCondition], between: &str| {
        let parts: Vec<String> = parts.iter().map(|part| written(dialect, part)).collect();
        format!("({})", parts.join(between))
    };
    match condition {
        IndexCondition::All(parts) => several(parts, " AND "),
        IndexCondition::Any(parts) => several(parts, " OR "),
        IndexCondition::Not(part) => format!("(NOT {})", written(dialect, part)),
        IndexCondition::Compare(left, operator, right) => {
            let (left, right) = (operand(dialect, left), operand(dialect, right));
            format!("({left} {} {right})", operator.symbol())
        }
        IndexCondition::IsNull(field) => format!("({} IS NULL)", name(dialect, field)),
        IndexCondition::Among(item, values) => {
            let values: Vec<String> = values.iter().map(|value| operand(dialect, value)).collect();
            format!("({} IN ({}))", operand(dialect, item), values.join(", "))
        }
    }
}

fn operand(dialect: &dyn Dialect, operand: &IndexOperand) -> String {
    match operand {
        IndexOperand::Field(field) => name(dialect, field),
        IndexOperand::Text(text) => format!("'{}'", text.replace('\'', "''")),
        IndexOperand::Number(number) => format!("({number})"),
        IndexOperand::Boolean(true) => dialect.construct(Construct::True).into_owned(),
        IndexOperand::Boolean(false) => dialect.construct(Construct::False).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use objectos_expression::CompareOperator;

    use super::*;
    use crate::store::{PostgresDialect, SqliteDialect};

    #[test]
    fn constants_cannot_leave_their_quotes() {
        let text = |text: &str| IndexOperand::Text(text.to_owned());
        let field = |name: &str| IndexOperand::Field(name.to_owned());
        let condition = IndexCondition::All(vec![
            IndexCondition::Compare(field("a\"b"), CompareOperator::NotEqual, text("it's")),
            IndexCondition::Not(Box::new(IndexCondition::IsNull("c".to_owned()))),
            IndexCondition::Among(
                field("d"),
                vec![IndexOperand::Number("-1".to_owned()), IndexOperand::Boolean(true)],
            ),
        ]);
        let expected = r#"(("a""b" <> 'it''s') AND (NOT ("c" IS NULL)) AND ("d" IN ((-1), TRUE)))"#;
        assert_eq!(written(&PostgresDialect, &condition), expected);
        assert_eq!(written(&SqliteDialect, &condition), expected.replace("TRUE", "1"));
    }
}
