//! Errors as GraphQL tells them: `{message, path, extensions: {code, fieldErrors?, details?}}`, with the words and the
//! code that the same refusal has over REST.

use async_graphql::{Error as GraphError, ErrorExtensionValues};
use objectos_plugin_api::{Error, ErrorKind};
use serde_json::Value;

use crate::node::to_graph;

/// The result of everything that answers GraphQL.
pub(crate) type Answered<T> = Result<T, GraphError>;

/// An error of ours, with a code of the protocol.
pub(crate) fn refuse(code: &str, message: impl Into<String>) -> GraphError {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    GraphError {
        message: message.into(),
        source: None,
        extensions: Some(extensions),
    }
}

/// The operation itself is wrong.
pub(crate) fn invalid(message: impl Into<String>) -> GraphError {
    refuse("invalid_query", message)
}

/// What another service answered. What only the operator may read goes to the log, once, from here.
pub(crate) fn from_service(error: &Error) -> GraphError {
    if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Panicked) {
        tracing::error!(
            code = error.code(),
            error = error.internal_message(),
            "a GraphQL field could not be answered"
        );
    }
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", error.code());
    if let Ok(details) = serde_json::from_slice::<Value>(error.details()) {
        let errors = details.get("fieldErrors").or_else(|| details.get("fields"));
        if let Some(errors) = errors.filter(|errors| errors.is_array()) {
            extensions.set("fieldErrors", to_graph(errors));
        }
        extensions.set("details", to_graph(&details));
    }
    GraphError {
        message: error.message().to_owned(),
        source: None,
        extensions: Some(extensions),
    }
}

/// A fault of ours.
pub(crate) fn internal(reason: impl std::fmt::Display) -> GraphError {
    from_service(&Error::internal(reason))
}

/// The code of an error; empty for none.
#[cfg(test)]
pub(crate) fn code_of(error: &GraphError) -> String {
    match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(async_graphql::Value::String(code)) => code.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_keeps_its_words_its_code_and_what_is_wrong_with_each_field() {
        let fields = json!([{"field": "name", "code": "missing_required_field", "message": "'name' is required"}]);
        let error =
            Error::invalid("'name' is required").with_details(&json!({"object": "account", "fieldErrors": fields}));
        let told = from_service(&error);
        assert_eq!(
            (told.message.as_str(), code_of(&told).as_str()),
            ("'name' is required", "validation_error")
        );
        let extensions = told.extensions.expect("extensions");
        let told = extensions.get("fieldErrors").expect("field errors").clone();
        assert_eq!(told.into_json().expect("JSON"), fields);
    }

    #[test]
    fn what_the_operator_reads_is_told_to_nobody_else() {
        let told = internal("the disk is full");
        assert!(!format!("{told:?}").contains("disk"), "{told:?}");
        assert_eq!(code_of(&told), "internal_error");
    }
}
