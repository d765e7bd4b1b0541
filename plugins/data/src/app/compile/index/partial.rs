//! The condition of an index over some of the records: an expression of which a database can keep an index.
//!
//! It looks at stored fields of the row and at constants, and says the same at any time. What else the language has is refused
//! with the place.

use objectos_expression::{Node, NodeKind, RecordEnvironment, Type, Value, bind};

use super::Context;
use crate::app::path::KeyPath;
use crate::app::problem::Problems;
use crate::model::{ColumnType, IndexCondition, IndexOperand, PartialModel};

/// Reads the condition; none when something is wrong with it, which is then told.
pub(super) fn compile(
    context: &Context<'_>,
    source: &str,
    path: &KeyPath,
    problems: &mut Problems,
) -> Option<PartialModel> {
    let draft = context.draft;
    let expression = context.expressions.condition_in_sql(draft, draft, path, source)?;
    let checked = expression.checked();
    let read = match checked.dependencies().variables.first() {
        Some(variable) => Err(format!("`${variable}` is not the same at any time")),
        None => constants(checked.root()).and_then(|node| read(context, &node)),
    };
    match read {
        Ok(condition) => Some(PartialModel {
            source: source.trim().to_owned(),
            condition,
        }),
        Err(message) => {
            let hint = "compare stored fields of the object with constants";
            problems.push(draft.document.error(path, message).hint(hint));
            None
        }
    }
}

fn constants(node: &Node) -> Result<Node, String> {
    let nothing = serde_json::Value::Null;
    bind(node, &RecordEnvironment::new(&nothing, 0)).map_err(|error| error.to_string())
}

fn read(context: &Context<'_>, node: &Node) -> Result<IndexCondition, String> {
    let all = |items: &[Node]| {
        items
            .iter()
            .map(|item| read(context, item))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match &node.kind {
        NodeKind::And(items) => IndexCondition::All(all(items)?),
        NodeKind::Or(items) => IndexCondition::Any(all(items)?),
        NodeKind::Not(inner) => IndexCondition::Not(Box::new(read(context, inner)?)),
        NodeKind::Compare(operator, left, right) => {
            IndexCondition::Compare(operand(context, left)?, *operator, operand(context, right)?)
        }
        NodeKind::IsNull(inner) => match operand(context, inner)? {
            IndexOperand::Field(field) => IndexCondition::IsNull(field),
            _ => return Err("a constant is asked whether it has a value".to_owned()),
        },
        NodeKind::In { item, list } => {
            let values = list.iter().map(|entry| operand(context, entry));
            IndexCondition::Among(operand(context, item)?, values.collect::<Result<_, _>>()?)
        }
        NodeKind::Field(_) if node.value_type == Type::Boolean => IndexCondition::Compare(
            operand(context, node)?,
            objectos_expression::CompareOperator::Equal,
            IndexOperand::Boolean(true),
        ),
        NodeKind::Literal(_) => return Err("it says the same of every record".to_owned()),
        _ => return Err("an index cannot be made over records that are found in this way".to_owned()),
    })
}

fn operand(context: &Context<'_>, node: &Node) -> Result<IndexOperand, String> {
    match &node.kind {
        NodeKind::Field(path) => {
            let name = path.as_str();
            let stored = context
                .fields
                .get(name)
                .is_some_and(|field| field.stored() && field.column != Some(ColumnType::Json));
            if stored {
                Ok(IndexOperand::Field(name.to_owned()))
            } else {
                Err(format!("`{name}` is no value in the record's own row"))
            }
        }
        NodeKind::Literal(value) => constant(value),
        _ => Err("an index cannot be made over what is computed".to_owned()),
    }
}

fn constant(value: &Value<'_>) -> Result<IndexOperand, String> {
    match value {
        Value::Boolean(boolean) => Ok(IndexOperand::Boolean(*boolean)),
        Value::Integer(integer) => Ok(IndexOperand::Number(integer.to_string())),
        Value::Number(number) => Ok(IndexOperand::Number(number.to_string())),
        Value::Null | Value::List(_) => {
            Err("compare with a value; whether there is none is asked by IS NULL".to_owned())
        }
        other => match other.to_text() {
            text if text.contains('\0') => Err("no record holds the character 0".to_owned()),
            text => Ok(IndexOperand::Text(text.into_owned())),
        },
    }
}
