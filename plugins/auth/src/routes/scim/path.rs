//! Paths of a PATCH (RFC 7644, section 3.5.2): `attribute`, `attribute.part`, `attribute[filter]`, `attribute[filter].part`.
//! Which of them there are is the resource's business.

use super::filter::{Filter, parse};
use crate::error::{AuthError, Refusal, Result};

/// A path, in small letters. The empty one is the whole resource.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    /// Empty for the whole resource.
    pub(super) attribute: String,
    /// Which values of the attribute are meant; all of them without one.
    pub(super) filter: Option<Filter>,
    /// Which part of them.
    pub(super) part: Option<String>,
}

impl Path {
    /// Reads a path; attributes may be named in full, behind the schema.
    ///
    /// # Errors
    /// `InvalidPath` that names the path.
    pub(super) fn read(text: &str, schema: &str) -> Result<Self> {
        let bare = match text.get(..schema.len()) {
            Some(begin) if begin.eq_ignore_ascii_case(schema) => text[schema.len()..].strip_prefix(':').unwrap_or(text),
            _ => text,
        };
        let (attribute, filter, part) = match bare.split_once('[') {
            None => match bare.split_once('.') {
                Some((attribute, part)) => (attribute, None, Some(part)),
                None => (bare, None, None),
            },
            Some((attribute, rest)) => {
                let (inner, behind) = rest.rsplit_once(']').ok_or_else(|| wrong(text))?;
                let part = match behind {
                    "" => None,
                    behind => Some(behind.strip_prefix('.').ok_or_else(|| wrong(text))?),
                };
                let filter = parse(inner).map_err(|_| wrong(text))?;
                (attribute, Some(filter), part)
            }
        };
        let named = !attribute.is_empty() || (filter.is_none() && part.is_none());
        if !named || part == Some("") || attribute.contains(char::is_whitespace) {
            return Err(wrong(text));
        }
        Ok(Self {
            attribute: attribute.to_ascii_lowercase(),
            filter,
            part: part.map(str::to_ascii_lowercase),
        })
    }
}

/// The refusal of a path.
pub(super) fn wrong(text: &str) -> AuthError {
    let message =
        format!("the path `{text}` cannot be read; write attribute, attribute.part or attribute[filter].part");
    AuthError::explained(Refusal::InvalidPath, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

    #[test]
    fn paths_have_an_attribute_a_filter_and_a_part() {
        let check = |text: &str, attribute: &str, filter: Option<&str>, part: Option<&str>| {
            let expected = Path {
                attribute: attribute.to_owned(),
                filter: filter.map(|filter| parse(filter).unwrap()),
                part: part.map(ToOwned::to_owned),
            };
            assert_eq!(Path::read(text, USER).unwrap(), expected, "{text}");
        };
        check("", "", None, None);
        check("userName", "username", None, None);
        check("name.givenName", "name", None, Some("givenname"));
        check(&format!("{USER}:name.familyName"), "name", None, Some("familyname"));
        let work = "type eq \"work\"";
        check("emails[type eq \"work\"]", "emails", Some(work), None);
        check("emails[type eq \"work\"].value", "emails", Some(work), Some("value"));
        check("members[value eq \"a]b\"]", "members", Some("value eq \"a]b\""), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in [
            "emails[",
            "emails[]",
            "emails[type eq \"work\"",
            "emails[type eq \"work\"]value",
            "emails[type eq \"work\"].",
            "[type eq \"work\"]",
            "name.",
            ".givenName",
            "user name",
        ] {
            assert!(Path::read(bad, USER).is_err(), "{bad}");
        }
    }
}
