//! Who a provider says it is, out of an identity token or the provider's address for it, in one form.

use objectos_plugin_api::Context;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Endpoints, Provider, Providers, Tokens, failed, token};
use crate::{error::Result, http::body::is_email};

/// Somebody, as a provider knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    /// Id at the provider; never changes.
    pub(crate) id: String,
    pub(crate) email: Option<String>,
    /// The provider says that the address is theirs.
    pub(crate) verified: bool,
    pub(crate) name: Option<String>,
    pub(crate) image: Option<String>,
}

#[derive(Deserialize)]
struct GithubEmail {
    email: String,
    primary: bool,
    verified: bool,
}

impl Providers {
    /// Who it is. With an issuer the identity token says it, and has to be good; the provider's address only adds to that.
    pub(crate) async fn person(
        &self,
        context: &Context,
        provider: &Provider,
        endpoints: &Endpoints,
        tokens: &Tokens,
        nonce: &str,
        now_ms: i64,
    ) -> Result<Person> {
        if endpoints.issuer.is_empty() {
            let claims: Map<String, Value> = self
                .get_json(context, &endpoints.userinfo_endpoint, Some(&tokens.access_token))
                .await?;
            let mut person = read(&claims);
            if provider.config.id == "github" {
                self.add_github_email(context, &mut person, &tokens.access_token)
                    .await?;
            }
            return whole(person);
        }
        let text = tokens
            .id_token
            .as_deref()
            .ok_or_else(|| failed("there is no identity token"))?;
        let expected = token::Expected {
            issuer: &endpoints.issuer,
            client_id: &provider.config.client_id,
            nonce,
            now_s: now_ms / 1000,
        };
        let keys = self.keys(context, provider, endpoints, now_ms, false).await?;
        let verified = match token::verify(text, &keys, expected) {
            Err(token::Fault::UnknownKey) => {
                // The provider may have changed its keys since.
                let keys = self.keys(context, provider, endpoints, now_ms, true).await?;
                token::verify(text, &keys, expected)
            }
            other => other,
        };
        let claims = verified.map_err(|fault| failed(format!("the identity token is no good: {fault:?}")))?;
        let mut person = read(&claims);
        if person.email.is_none() && !endpoints.userinfo_endpoint.is_empty() {
            let more: Map<String, Value> = self
                .get_json(context, &endpoints.userinfo_endpoint, Some(&tokens.access_token))
                .await?;
            let more = read(&more);
            // What is said there counts only for the same person (OpenID Connect Core, section 5.3.2).
            if more.id == person.id {
                person.email = more.email;
                person.verified = more.verified;
                person.name = person.name.or(more.name);
                person.image = person.image.or(more.image);
            }
        }
        whole(person)
    }

    async fn add_github_email(&self, context: &Context, person: &mut Person, token: &str) -> Result<()> {
        let emails: Vec<GithubEmail> = self
            .get_json(context, "https://api.github.com/user/emails", Some(token))
            .await?;
        let primary = emails.into_iter().find(|email| email.primary);
        person.verified = primary.as_ref().is_some_and(|email| email.verified);
        person.email = primary.map(|email| email.email.to_lowercase());
        Ok(())
    }
}

fn whole(person: Person) -> Result<Person> {
    if person.id.is_empty() {
        return Err(failed("the provider names nobody"));
    }
    Ok(person)
}

fn read(claims: &Map<String, Value>) -> Person {
    let text = |name: &str| match claims.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let verified = match claims.get("email_verified") {
        Some(Value::Bool(verified)) => *verified,
        Some(Value::String(verified)) => verified == "true",
        _ => false,
    };
    let email = text("email")
        .map(|email| email.to_lowercase())
        .filter(|email| is_email(email));
    Person {
        id: text("sub").or_else(|| text("id")).unwrap_or_default(),
        verified: verified && email.is_some(),
        email,
        name: text("name")
            .or_else(|| text("preferred_username"))
            .or_else(|| text("login")),
        image: text("picture").or_else(|| text("avatar_url")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_person_is_read_from_either_dialect() {
        let check = |claims: Value, expected: Person| {
            let Value::Object(claims) = claims else {
                panic!("an object")
            };
            assert_eq!(read(&claims), expected);
        };
        check(
            json!({ "sub": "u1", "email": "Ada@Example.com", "email_verified": true, "name": "Ada" }),
            Person {
                id: "u1".to_owned(),
                email: Some("ada@example.com".to_owned()),
                verified: true,
                name: Some("Ada".to_owned()),
                image: None,
            },
        );
        check(
            json!({ "id": 583_231, "login": "octocat", "email": null, "email_verified": true }),
            Person {
                id: "583231".to_owned(),
                name: Some("octocat".to_owned()),
                ..Person::default()
            },
        );
    }
}
