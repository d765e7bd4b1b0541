//! A page to try queries on: one file, no foreign hosts, and a policy that lets nothing run but its own script.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use objectos_plugin_api::HttpResponse;
use sha2::{Digest as _, Sha256};

const PAGE: &str = include_str!("playground/page.html");
const STYLE: &str = include_str!("playground/page.css");
const SCRIPT: &str = include_str!("playground/page.js");

/// The page and its policy.
static MADE: LazyLock<(String, String)> = LazyLock::new(|| {
    let body = PAGE.replace("{style}", STYLE).replace("{script}", SCRIPT);
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; connect-src 'self'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    (body, policy)
});

/// The page. It asks the path that it was read from.
pub(crate) fn page() -> HttpResponse {
    let (body, policy) = &*MADE;
    HttpResponse {
        status: 200,
        headers: Vec::new(),
        body: body.clone().into_bytes(),
    }
    .with_header("content-type", "text/html; charset=utf-8")
    .with_header("content-security-policy", policy.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_runs_its_own_script_and_nothing_else() {
        let answer = page();
        let body = String::from_utf8(answer.body).unwrap();
        assert!(body.contains(&format!("<script>{SCRIPT}</script>")), "{body}");
        assert!(body.contains(&format!("<style>{STYLE}</style>")), "{body}");
        assert!(
            !body.contains("http://") && !body.contains("https://") && !body.contains("//cdn"),
            "{body}"
        );
        let policy = answer
            .headers
            .iter()
            .find(|(name, _)| name == "content-security-policy")
            .unwrap();
        assert!(
            policy.1.contains("script-src 'sha256-") && !policy.1.contains("unsafe"),
            "{policy:?}"
        );
    }
}
