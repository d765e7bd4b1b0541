//! Answers that a cache may hold: validators, and 304 when the caller has the same.

use objectos_plugin_api::{HttpRequest, HttpResponse};

use super::date;
use crate::metadata::Rendered;

/// The answer with `etag`, `last-modified` and `cache-control`, or 304 without a body when a validator of the request holds.
pub(super) fn respond(request: &HttpRequest, rendered: &Rendered) -> HttpResponse {
    let response = if unchanged(request, rendered) {
        HttpResponse::empty(304)
    } else {
        HttpResponse::json_bytes(200, rendered.body.clone())
    };
    let response = response
        .with_header("etag", rendered.etag.as_str())
        // Readers differ by principal and items change while the server runs: keep it, but ask each time.
        .with_header("cache-control", "private, no-cache");
    match date::format(rendered.modified_ms) {
        Some(date) if rendered.modified_ms > 0 => response.with_header("last-modified", date),
        _ => response,
    }
}

fn unchanged(request: &HttpRequest, rendered: &Rendered) -> bool {
    // The entity tag is exact, so when it is there the date is not looked at (RFC 9110, 13.1.3).
    if let Some(tags) = request.header("if-none-match") {
        return tags
            .split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == rendered.etag);
    }
    let since = request.header("if-modified-since").and_then(date::parse);
    // Dates of HTTP have whole seconds.
    since.is_some_and(|since| rendered.modified_ms > 0 && rendered.modified_ms / 1_000 <= since / 1_000)
}
