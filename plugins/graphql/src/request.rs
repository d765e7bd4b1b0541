//! One HTTP request: what it asks, whether that may run, and the answer. What cannot run is 400 (403 for the schema
//! where that is not told, 405 for a change by `GET`, 415 for a body that does not say that it is JSON), with
//! `{errors}` alone; what ran is 200, with `data` and the errors of single fields.

use async_graphql::parser::types::OperationType;
use async_graphql::{Error as GraphError, ErrorExtensionValues, Request, ServerError, Value, Variables};
use objectos_plugin_api::contracts::data::DataClient;
use objectos_plugin_api::{Context, HttpRequest, HttpResponse, Result};
use serde_json::{Map, Value as Json, json};

use crate::config::Limits;
use crate::cost;
use crate::document::Operation;
use crate::engine::Session;
use crate::failure::{Answered, invalid, refuse};
use crate::keeper::Keeper;
use crate::playground;

/// A refusal and its status.
#[derive(Debug)]
struct Refusal(u16, GraphError);

impl From<GraphError> for Refusal {
    fn from(error: GraphError) -> Self {
        Self(400, error)
    }
}

/// What a request asks.
#[derive(Debug, Default)]
struct Asked {
    query: String,
    operation: Option<String>,
    variables: Variables,
}

/// Answers requests.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) keeper: Keeper,
    pub(crate) data: DataClient,
    pub(crate) limits: Limits,
}

impl Door {
    /// `POST`: `{query, variables?, operationName?}`.
    ///
    /// # Errors
    /// When no schema is to be had; everything else is an answer.
    pub(crate) async fn post(&self, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
        if !is_json(request) {
            let message = "the body must be JSON: send it with content-type application/json";
            return refused(&Refusal(415, refuse("invalid_format", message)));
        }
        match posted(request) {
            Ok(asked) => self.answer(context, &asked, false).await,
            Err(error) => refused(&Refusal::from(error)),
        }
    }

    /// `GET`: a query of `?query=`, or the page.
    ///
    /// # Errors
    /// As [`Door::post`].
    pub(crate) async fn get(&self, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
        match gotten(request) {
            Ok(asked) if asked.query.is_empty() && self.limits.playground => Ok(playground::page()),
            Ok(asked) if asked.query.is_empty() => refused(&Refusal::from(missing())),
            Ok(asked) => self.answer(context, &asked, true).await,
            Err(error) => refused(&Refusal::from(error)),
        }
    }

    /// `reads`: nothing may be changed.
    async fn answer(&self, context: &Context, asked: &Asked, reads: bool) -> Result<HttpResponse> {
        let built = self.keeper.current(context).await?;
        let checked = Operation::read(
            &asked.query,
            asked.operation.as_deref(),
            &asked.variables,
            self.limits.query_bytes,
        )
        .map_err(Refusal::from)
        .and_then(|operation| {
            if reads && operation.kind != OperationType::Query {
                return Err(Refusal(405, invalid("a change is sent by POST; GET takes queries")));
            }
            let cost = cost::check(&built.model, &self.limits, &operation.document)?;
            if cost.introspects && !self.limits.introspection {
                let message = "the schema is not told here: introspection is off";
                return Err(Refusal(403, refuse("permission_denied", message)));
            }
            Ok(operation)
        });
        let operation = match checked {
            Ok(operation) => operation,
            Err(refusal) => return refused(&refusal),
        };
        let mut request = Request::new("").data(Session::new(context.clone(), self.data.clone()));
        request.set_parsed_query(operation.document);
        let mut response = built.schema.execute(request).await;
        response.errors.iter_mut().for_each(complete);
        // Nothing ran, and so nothing has a place.
        if response.data == Value::Null && !response.errors.is_empty() {
            return HttpResponse::json(400, &json!({ "errors": response.errors }));
        }
        HttpResponse::json(200, &response)
    }
}

fn missing() -> GraphError {
    invalid("'query' is missing: send {query, variables?, operationName?}")
}

fn refused(refusal: &Refusal) -> Result<HttpResponse> {
    let Refusal(status, error) = refusal;
    let answer = HttpResponse::json(*status, &json!({ "errors": [error] }))?;
    Ok(if *status == 405 {
        answer.with_header("allow", "POST")
    } else {
        answer
    })
}

/// Every error has a code. What the library says itself speaks of the operation, unless it speaks of us.
fn complete(error: &mut ServerError) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_some() {
        return;
    }
    if error.message.starts_with("internal: ") {
        tracing::error!(error = error.message.as_str(), "a GraphQL field could not be answered");
        extensions.set("code", "internal_error");
        "something went wrong on the server".clone_into(&mut error.message);
    } else {
        extensions.set("code", "invalid_query");
    }
}

/// Whether a body says that it is JSON. What a page of another origin may send without asking first does not; for the
/// path `/graphql` the gateway does not look, as it does below `/api`.
fn is_json(request: &HttpRequest) -> bool {
    let kind = request.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = kind.strip_prefix("application/");
    request.body().is_empty() || subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// Of a body.
fn posted(request: &HttpRequest) -> Answered<Asked> {
    let body: Json = if request.body().iter().all(u8::is_ascii_whitespace) {
        Json::Null
    } else {
        let read = serde_json::from_slice(request.body());
        read.map_err(|error| refuse("invalid_format", format!("the body is no JSON: {error}")))?
    };
    match body {
        Json::Object(body) => asked(body),
        Json::Null => Err(missing()),
        _ => Err(refuse(
            "invalid_format",
            "the body must be {query, variables?, operationName?}",
        )),
    }
}

fn asked(mut body: Map<String, Json>) -> Answered<Asked> {
    let query = match body.remove("query") {
        Some(Json::String(query)) if !query.trim().is_empty() => query,
        Some(Json::String(_) | Json::Null) | None => return Err(missing()),
        Some(_) => return Err(invalid("'query' must be a text")),
    };
    let operation = match body.remove("operationName") {
        Some(Json::String(name)) if !name.is_empty() => Some(name),
        Some(Json::String(_) | Json::Null) | None => None,
        Some(_) => return Err(invalid("'operationName' must be a text")),
    };
    let variables = match body.remove("variables") {
        Some(variables @ Json::Object(_)) => Variables::from_json(variables),
        Some(Json::Null) | None => Variables::default(),
        Some(_) => return Err(invalid("'variables' must be an object")),
    };
    Ok(Asked {
        query,
        operation,
        variables,
    })
}

/// Of a query string; without a query it asks for nothing.
fn gotten(request: &HttpRequest) -> Answered<Asked> {
    let mut body = Map::new();
    for pair in request.query().split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value)?;
        match key {
            "query" | "operationName" if !value.trim().is_empty() => {
                body.insert(key.to_owned(), Json::String(value));
            }
            "variables" if !value.trim().is_empty() => {
                let read = serde_json::from_str(&value);
                let read = read.map_err(|error| invalid(format!("'variables' is no JSON: {error}")))?;
                body.insert(key.to_owned(), read);
            }
            _ => {}
        }
    }
    if body.contains_key("query") {
        asked(body)
    } else {
        Ok(Asked::default())
    }
}

/// A value of a query string.
fn decoded(text: &str) -> Answered<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (*first, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| invalid("a value of the query string is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use objectos_plugin_api::HttpRequestParts;

    fn request(query: &str, body: &str) -> HttpRequest {
        let parts = HttpRequestParts {
            query,
            body: body.as_bytes(),
            ..HttpRequestParts::default()
        };
        HttpRequest::decode(parts.encode()).unwrap()
    }

    #[test]
    fn a_body_is_read_and_what_is_wrong_with_it_is_named() {
        let read = posted(&request(
            "",
            r#"{"query": "{ a }", "variables": {"x": 1}, "operationName": null}"#,
        ))
        .unwrap();
        assert_eq!((read.query.as_str(), read.operation), ("{ a }", None));
        assert_eq!(read.variables, Variables::from_json(json!({ "x": 1 })));
        let check = |body: &str, part: &str| {
            let refused = posted(&request("", body)).unwrap_err();
            assert!(refused.message.contains(part), "{body}: {}", refused.message);
        };
        check("", "'query' is missing");
        check("{}", "'query' is missing");
        check(r#"{"query": "  "}"#, "'query' is missing");
        check(r#"{"query": 5}"#, "'query' must be a text");
        check(
            r#"{"query": "{ a }", "variables": []}"#,
            "'variables' must be an object",
        );
        check("[]", "the body must be");
        check("{", "no JSON");
    }

    #[test]
    fn a_body_says_that_it_is_json() {
        let check = |kind: &str, body: &str, expected: bool| {
            let parts = HttpRequestParts {
                headers: &[("content-type", kind)],
                body: body.as_bytes(),
                ..HttpRequestParts::default()
            };
            assert_eq!(
                is_json(&HttpRequest::decode(parts.encode()).unwrap()),
                expected,
                "{kind}"
            );
        };
        check("application/json", "{}", true);
        check("Application/JSON; charset=utf-8", "{}", true);
        check("application/graphql+json", "{}", true);
        check("", "", true);
        for kind in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/json",
        ] {
            check(kind, "{}", false);
        }
    }

    #[test]
    fn a_query_string_is_read() {
        let read = gotten(&request(
            "query=%7B+a%20%7D&variables=%7B%22x%22%3A1%7D&operationName=A",
            "",
        ))
        .unwrap();
        assert_eq!((read.query.as_str(), read.operation.as_deref()), ("{ a }", Some("A")));
        assert_eq!(read.variables, Variables::from_json(json!({ "x": 1 })));
        assert_eq!(gotten(&request("", "")).unwrap().query, "");
        assert!(gotten(&request("query=%FF", "")).is_err());
        assert!(gotten(&request("query=a&variables=x", "")).is_err());
    }
}
