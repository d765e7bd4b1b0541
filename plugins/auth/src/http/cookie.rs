//! Cookies, named and signed as better-auth does it: `better-auth.session_token=<token>.<HMAC>`, with the prefix `__Secure-`
//! over https.

use super::percent;
use crate::crypto::Secrets;

/// Name of the cookie with the session's token.
pub(crate) const SESSION: &str = "better-auth.session_token";
/// Cookies of better-auth that only have to go at sign-out.
pub(crate) const LEFTOVERS: [&str; 2] = ["better-auth.session_data", "better-auth.dont_remember"];
/// Name of the cookie between password and second factor.
pub(crate) const TWO_FACTOR: &str = "better-auth.two_factor";
/// Name of the cookie of a device that need not show the second factor.
pub(crate) const TRUSTED_DEVICE: &str = "better-auth.trust_device";
/// Name of the cookie that ties a sign-in at a provider to the browser that began it.
pub(crate) const OAUTH_STATE: &str = "better-auth.state";
/// Name of the cookie between the two halves of a ceremony with a passkey.
/// Whose account was registered in this browser and waits for its address to be verified.
pub(crate) const REGISTRANT: &str = "better-auth.registrant";
pub(crate) const PASSKEY: &str = "better-auth.better-auth-passkey";
/// Name of the cookie with the administrator's own session, while they act as somebody else.
pub(crate) const ADMIN_SESSION: &str = "better-auth.admin_session";
const SECURE: &str = "__Secure-";

/// Reads one cookie as it was sent. Over https only the name with the prefix counts: another host of the domain cannot set it.
pub(crate) fn raw<'a>(header: &'a str, name: &str, secure: bool) -> Option<&'a str> {
    header.split(';').find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        let key = if secure { key.strip_prefix(SECURE)? } else { key };
        (key == name).then_some(value)
    })
}

/// Reads a signed cookie; `None` when it is not there or not ours.
pub(crate) fn signed(secrets: &Secrets, header: &str, name: &str, secure: bool) -> Option<String> {
    let text = percent::decode(raw(header, name, secure)?)?;
    unsigned(secrets, &text).map(ToOwned::to_owned)
}

/// What stands before the signature, if that is ours.
pub(crate) fn unsigned<'a>(secrets: &Secrets, text: &'a str) -> Option<&'a str> {
    let (value, signature) = text.rsplit_once('.')?;
    secrets.verify(value, signature).then_some(value)
}

/// Whether any cookie of ours came: then the request may come from a page that its user does not know of.
pub(crate) fn any(header: &str) -> bool {
    header.split(';').any(|pair| {
        let name = pair.trim();
        name.strip_prefix(SECURE).unwrap_or(name).starts_with("better-auth.")
    })
}

/// Value and signature as one text.
pub(crate) fn value(secrets: &Secrets, plain: &str) -> String {
    format!("{plain}.{}", secrets.sign(plain))
}

/// A `Set-Cookie` with a signed value. Without an age it ends with the browser.
pub(crate) fn set(secrets: &Secrets, name: &str, plain: &str, max_age_s: Option<i64>, secure: bool) -> String {
    let age = max_age_s.map(|age| format!("Max-Age={age}; ")).unwrap_or_default();
    let value = percent::encode(&value(secrets, plain));
    format!("{}={value}; {age}{}", full_name(name, secure), attributes(secure))
}

/// A `Set-Cookie` that takes a cookie away.
pub(crate) fn clear(name: &str, secure: bool) -> String {
    format!("{}=; Max-Age=0; {}", full_name(name, secure), attributes(secure))
}

fn full_name(name: &str, secure: bool) -> String {
    format!("{}{name}", if secure { SECURE } else { "" })
}

fn attributes(secure: bool) -> &'static str {
    if secure {
        "Path=/; HttpOnly; Secure; SameSite=Lax"
    } else {
        "Path=/; HttpOnly; SameSite=Lax"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_comes_back_as_it_was_set() {
        let secrets = Secrets::new(b"ours");
        for secure in [false, true] {
            let set = set(&secrets, SESSION, "abc", Some(604_800), secure);
            let header = set.split(';').next().unwrap().to_owned();
            assert_eq!(signed(&secrets, &header, SESSION, secure).as_deref(), Some("abc"));
            assert_eq!(signed(&secrets, &header, SESSION, !secure), None);
            let others = format!("a=b; {header}; c=d");
            assert_eq!(signed(&secrets, &others, SESSION, secure).as_deref(), Some("abc"));
            assert!(any(&others));
            let forged = header.replace("abc", "abd");
            assert_eq!(signed(&secrets, &forged, SESSION, secure), None);
        }
        assert!(!any("a=b; theme=dark"));
    }

    #[test]
    fn the_attributes_are_those_of_better_auth() {
        let secrets = Secrets::new(b"ours");
        let plain = set(&secrets, SESSION, "abc", Some(604_800), false);
        assert!(plain.starts_with("better-auth.session_token=abc."), "{plain}");
        assert!(
            plain.ends_with("; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"),
            "{plain}"
        );
        assert!(!plain.contains("=="), "the signature is escaped: {plain}");
        assert_eq!(
            clear(SESSION, true),
            "__Secure-better-auth.session_token=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax"
        );
    }
}
