//! Values of new records that bring none.

use std::sync::Arc;

use objectos_expression::Checker;
use objectos_plugin_api::protocol::data::Field;
use objectos_plugin_api::protocol::text::{is_date, is_date_time};
use serde_json::Value;

use super::{DraftScope, Expressions};
use crate::app::compile::draft::Draft;
use crate::app::literal;
use crate::app::problem::Problems;
use crate::model::{DefaultValue, Expression, FieldKind, FieldModel};

impl Expressions<'_> {
    /// The default of a field: the option that says so, a value, or for dates and times an expression such as `TODAY()`.
    pub(in crate::app::compile) fn default(
        &self,
        draft: &Draft,
        name: &str,
        field: &Field,
        model: &FieldModel,
        problems: &mut Problems,
    ) -> Option<DefaultValue> {
        let flagged = field
            .options
            .iter()
            .flatten()
            .find(|option| option.default == Some(true));
        let value = match (&field.default_value, flagged) {
            (Some(value), _) => value.clone(),
            (None, Some(option)) if model.kind == FieldKind::List => Value::Array(vec![option.value.clone().into()]),
            (None, Some(option)) => option.value.clone().into(),
            (None, None) => return None,
        };
        if matches!(
            model.kind,
            FieldKind::Formula | FieldKind::Summary | FieldKind::Autonumber
        ) {
            let message = format!("`defaultValue` means nothing for a {} field", field.kind);
            problems.push(
                draft
                    .warning(&["fields", name, "defaultValue"], message)
                    .hint("remove it"),
            );
            return None;
        }
        if let Some(source) = computed_default(model, &value) {
            return self.default_expression(draft, name, model, source);
        }
        if let Err(expected) = literal::fits(model, &value) {
            let message = format!("the default must be {expected}, found {value}");
            problems.push(draft.field_error(name, "defaultValue", message));
        }
        Some(DefaultValue::Literal(value))
    }

    fn default_expression(&self, draft: &Draft, name: &str, model: &FieldModel, source: &str) -> Option<DefaultValue> {
        let scope = DraftScope {
            expressions: self,
            draft,
            on_change: false,
        };
        match Checker::new(&scope).expecting(model.expression_type()).check(source) {
            Ok(checked) => {
                let path = draft.path(&["fields", name, "defaultValue"]);
                self.hold_reads(draft, &path, &scope, &checked);
                Some(DefaultValue::Expression(Arc::new(Expression::new(checked, false))))
            }
            Err(errors) => {
                self.report_all(draft, &draft.path(&["fields", name, "defaultValue"]), &errors);
                None
            }
        }
    }
}

/// `$today`, `$current_user.name`: a variable by itself.
fn is_variable(text: &str) -> bool {
    const KNOWN: [&str; 9] = [
        "today",
        "now",
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "current_user",
    ];
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    text.strip_prefix('$').is_some_and(|path| {
        let mut parts = path.split('.');
        parts.next().is_some_and(|first| KNOWN.contains(&first)) && parts.all(word)
    })
}

/// A default that is to be computed: what is no date in a date field, `$…` in a field with references.
fn computed_default<'v>(model: &FieldModel, value: &'v Value) -> Option<&'v str> {
    let text = value.as_str()?;
    let computed = match model.kind {
        FieldKind::Date => !is_date(text),
        FieldKind::DateTime => !is_date_time(text) && !is_date(text),
        FieldKind::Time => !text.starts_with(|first: char| first.is_ascii_digit()),
        FieldKind::Reference => text.starts_with('$') || text.starts_with("current_user."),
        FieldKind::Number | FieldKind::Boolean => true,
        FieldKind::Text | FieldKind::Choice => is_variable(text),
        _ => false,
    };
    // `=` says that what follows is computed, in any field.
    text.strip_prefix('=').or(computed.then_some(text))
}
