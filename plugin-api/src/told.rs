//! The path of a request as it may be written down. A few routes have a secret in their path, and whoever reads the log or the
//! audit trail is not to be given what it opens. Called wherever a path goes into an event or the log: by the gateway and by
//! `auth`. Not here: what stands in bodies and headers, which nobody writes down.

use std::borrow::Cow;

/// What stands before the secret in the paths of such routes. The test below holds it against the manifests.
const BEFORE_SECRETS: [&str; 2] = ["/api/v1/auth/reset-password/", "/api/v1/permissions/links/"];

/// The path without its query, and with `…` in the place of a secret: `/api/v1/permissions/links/…`.
#[must_use]
pub fn told_path(path: &str) -> Cow<'_, str> {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let before = BEFORE_SECRETS.into_iter().find(|before| path.starts_with(*before));
    before.map_or(Cow::Borrowed(path), |before| Cow::Owned(format!("{before}…")))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use serde_json::Value;

    use super::*;

    /// Names that a parameter of a route has when it is a secret.
    const SECRETS: [&str; 4] = ["token", "secret", "code", "key"];

    #[test]
    fn a_secret_and_a_query_are_cut_and_all_else_stays() {
        for (path, expected) in [
            ("/api/v1/permissions/links/s3cr3t", "/api/v1/permissions/links/…"),
            ("/api/v1/permissions/links/s3cr3t/", "/api/v1/permissions/links/…"),
            (
                "/api/v1/auth/reset-password/s3cr3t?callbackURL=%2Fnew",
                "/api/v1/auth/reset-password/…",
            ),
            ("/api/v1/auth/reset-password", "/api/v1/auth/reset-password"),
            ("/api/v1/auth/verify-email?token=s3cr3t", "/api/v1/auth/verify-email"),
            ("/api/v1/data/account/1", "/api/v1/data/account/1"),
            ("", ""),
        ] {
            assert_eq!(told_path(path), expected, "{path}");
        }
    }

    /// Patterns of the routes of a plugin.
    fn patterns(folder: &Path) -> Vec<String> {
        let text = fs::read_to_string(folder.join("plugin.json")).expect("a manifest");
        let manifest: Value = serde_json::from_str(&text).expect("JSON");
        let routes = manifest["objectos"]["routes"].as_array().cloned().unwrap_or_default();
        let pattern = |route: &Value| route["path"].as_str().expect("a path").to_owned();
        routes.iter().map(pattern).collect()
    }

    #[test]
    fn every_route_with_a_secret_in_its_path_is_known() {
        let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
        let mut seen = 0;
        for entry in fs::read_dir(plugins).expect("the plugins") {
            let folder = entry.expect("an entry").path();
            if !folder.join("plugin.json").exists() {
                continue;
            }
            for pattern in patterns(&folder) {
                for name in SECRETS {
                    let path = pattern.replace(&format!("{{{name}}}"), "s3cr3t");
                    if path != pattern {
                        seen += 1;
                        assert!(!told_path(&path).contains("s3cr3t"), "add {pattern} to BEFORE_SECRETS");
                    }
                }
            }
        }
        assert_eq!(seen, BEFORE_SECRETS.len(), "each is the beginning of a route");
    }
}
