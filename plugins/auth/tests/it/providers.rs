//! Providers: each with what it brings, each token held against what was asked for, and the second step behind all of them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::net::{Net, Signer, online, unsigned};
use crate::two_factor::{code, set_up};
use crate::world::{Answer, Browser, NOW_MS, World, bearer};

const NOW_S: i64 = NOW_MS / 1000;
const ISSUER: &str = "https://id.example.com";
const TOKEN: &str = "https://id.example.com/token";

/// A provider with an issuer, as its discovery document shows it.
fn discover(net: &Net, at: &str, issuer: &str, signer: &Signer) {
    net.put(
        &format!("{at}/.well-known/openid-configuration"),
        json!({
            "issuer": issuer, "authorization_endpoint": "https://id.example.com/authorize", "token_endpoint": TOKEN,
            "userinfo_endpoint": "https://id.example.com/userinfo", "jwks_uri": "https://id.example.com/keys",
        }),
    );
    net.put("https://id.example.com/keys", json!({ "keys": [signer.key()] }));
}

fn config(provider: &Value) -> Value {
    json!({ "providers": [provider] })
}

fn corporate() -> Value {
    config(&json!({ "id": "corporate", "clientId": "objectos", "clientSecret": "hush", "issuer": ISSUER }))
}

/// What a good token of the corporate provider says.
fn claims(nonce: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": "objectos", "sub": "p1", "nonce": nonce, "iat": NOW_S, "exp": NOW_S + 300,
        "email": "ada@example.com", "email_verified": true, "name": "Ada",
    })
}

/// A value of an address's query, as it stands there.
fn parameter(url: &str, name: &str) -> String {
    let pairs = url.split_once('?').unwrap().1.split('&');
    let found = pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1.to_owned()
}

/// Begins; answers where the browser is sent.
async fn begin(browser: &mut Browser<'_>, provider: &str) -> String {
    let body = json!({ "provider": provider, "callbackURL": "/app" });
    let begun = browser.post("sign-in/social", body).await.expect(200);
    begun["url"].as_str().unwrap().to_owned()
}

/// Comes back from where the browser was sent.
async fn come(browser: &mut Browser<'_>, provider: &str, url: &str) -> Answer {
    let path = format!("oauth2/callback/{provider}?code=c1&state={}", parameter(url, "state"));
    browser.get(&path).await
}

/// The whole way with a token that is made for the nonce.
async fn through(
    browser: &mut Browser<'_>,
    net: &Net,
    provider: &str,
    token: impl FnOnce(&str) -> Option<String>,
) -> String {
    let url = begin(browser, provider).await;
    let token = token(&parameter(&url, "nonce"));
    net.put(
        TOKEN,
        json!({ "access_token": "at", "id_token": token, "expires_in": 300 }),
    );
    let back = come(browser, provider, &url).await;
    assert_eq!(back.status, 302, "{}", back.body);
    back.header("location").unwrap().to_owned()
}

#[tokio::test]
async fn each_provider_with_an_issuer_brings_where_it_is() {
    let google = "https://accounts.google.com";
    let common = "https://login.microsoftonline.com/common/v2.0";
    let contoso = "https://login.microsoftonline.com/contoso/v2.0";
    // Id and tenant, where it is looked for, who it says it is, what its token adds, and whether the address is known to be theirs.
    for (id, tenant, at, issuer, own, verified) in [
        (
            "google",
            None,
            google,
            google,
            json!({ "iss": google, "email_verified": true }),
            true,
        ),
        (
            "microsoft",
            None,
            common,
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            json!({ "iss": "https://login.microsoftonline.com/t1/v2.0", "tid": "t1", "email_verified": null }),
            false,
        ),
        (
            "microsoft",
            Some("contoso"),
            contoso,
            contoso,
            json!({ "iss": contoso, "tid": "contoso", "email_verified": null }),
            false,
        ),
    ] {
        let provider = json!({ "id": id, "clientId": "objectos", "clientSecret": "hush", "tenant": tenant });
        let (world, net) = online(config(&provider), &[]).await;
        let signer = Signer::new("k1");
        discover(&net, at, issuer, &signer);
        let mut browser = Browser::new(&world);
        let url = begin(&mut browser, id).await;
        assert!(url.starts_with("https://id.example.com/authorize?response_type=code&client_id=objectos&"));
        assert_eq!(parameter(&url, "scope"), "openid%20email%20profile");
        assert_eq!(parameter(&url, "code_challenge_method"), "S256");
        let mut said = claims(&parameter(&url, "nonce"));
        for (name, value) in own.as_object().unwrap() {
            said[name] = value.clone();
        }
        net.put(TOKEN, json!({ "access_token": "at", "id_token": signer.token(&said) }));
        let back = come(&mut browser, id, &url).await;
        assert_eq!((back.status, back.header("location")), (302, Some("/app")), "{id}");
        let session = browser.get("get-session").await.expect(200);
        assert_eq!(
            (&session["user"]["email"], &session["user"]["emailVerified"]),
            (&json!("ada@example.com"), &json!(verified))
        );
        let exchange = net.asked(TOKEN);
        let sent = |name: &str| parameter(&format!("?{}", exchange.body), name);
        assert_eq!(
            (sent("code"), sent("client_secret")),
            ("c1".to_owned(), "hush".to_owned())
        );
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, sent("code_verifier").as_bytes()));
        assert_eq!(parameter(&url, "code_challenge"), challenge);
    }
}

#[tokio::test]
async fn a_tenant_of_microsoft_speaks_for_itself_alone() {
    let provider = json!({ "id": "microsoft", "clientId": "objectos" });
    let (world, net) = online(config(&provider), &[]).await;
    let signer = Signer::new("k1");
    let open = "https://login.microsoftonline.com/{tenantid}/v2.0";
    discover(&net, "https://login.microsoftonline.com/common/v2.0", open, &signer);
    for (issuer, tenant) in [
        ("https://login.microsoftonline.com/t1/v2.0", json!("t2")),
        ("https://login.microsoftonline.com/t1/v2.0", Value::Null),
        (open, Value::Null),
        ("https://evil.example/t1/v2.0", json!("t1")),
    ] {
        let mut browser = Browser::new(&world);
        let place = through(&mut browser, &net, "microsoft", |nonce| {
            let mut said = claims(nonce);
            said["iss"] = json!(issuer);
            said["tid"] = tenant.clone();
            Some(signer.token(&said))
        })
        .await;
        assert_eq!(place, "/app?error=oauth_failed", "{issuer} {tenant}");
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn github_tells_the_address_elsewhere() {
    let email = |address: &str, primary: bool, verified: bool| json!({ "email": address, "primary": primary, "verified": verified, "visibility": null });
    let (own, other) = ("Octo@Example.com", "other@example.com");
    for (emails, expected) in [
        (
            vec![email(other, false, true), email(own, true, true)],
            Ok(("octo@example.com", true)),
        ),
        (vec![email(own, true, false)], Ok(("octo@example.com", false))),
        // One that is not the person's first is none.
        (vec![email(other, false, true)], Err("/app?error=oauth_failed")),
        (Vec::new(), Err("/app?error=oauth_failed")),
    ] {
        let environment = [("GITHUB_CLIENT_ID", "objectos"), ("GITHUB_CLIENT_SECRET", "hush")];
        let (world, net) = online(json!({}), &environment).await;
        let mut browser = Browser::new(&world);
        let url = begin(&mut browser, "github").await;
        assert!(url.starts_with("https://github.com/login/oauth/authorize?"), "{url}");
        assert_eq!(parameter(&url, "scope"), "read%3Auser%20user%3Aemail");
        let token = "https://github.com/login/oauth/access_token";
        net.put(
            token,
            json!({ "access_token": "gho_1", "scope": "read:user,user:email" }),
        );
        let user = "https://api.github.com/user";
        // What the profile shows as the address is whatever its owner wrote.
        let profile =
            json!({ "id": 583_231, "login": "octocat", "email": "victim@example.com", "avatar_url": "https://x/y" });
        net.put(user, profile);
        net.put("https://api.github.com/user/emails", json!(emails));
        let back = come(&mut browser, "github", &url).await;
        let location = back.header("location").unwrap();
        match expected {
            Ok((address, verified)) => {
                assert_eq!(location, "/app");
                let session = browser.get("get-session").await.expect(200);
                assert_eq!(
                    (&session["user"]["email"], &session["user"]["emailVerified"]),
                    (&json!(address), &json!(verified))
                );
                assert_eq!(world.data.rows("sys_account")[0]["account_id"], "583231");
                let by = ("authorization".to_owned(), "Bearer gho_1".to_owned());
                assert!(net.asked(user).headers.contains(&by));
            }
            Err(page) => {
                assert_eq!(location, page);
                assert!(!browser.is_signed_in().await);
            }
        }
    }
}

#[tokio::test]
async fn what_the_environment_names_is_listed() {
    let environment = [
        ("GOOGLE_CLIENT_ID", "g"),
        ("MICROSOFT_CLIENT_ID", "m"),
        ("GITHUB_CLIENT_ID", "h"),
        ("OIDC_CLIENT_ID", "no issuer, no provider"),
    ];
    let (world, _) = online(json!({}), &environment).await;
    let listed = Browser::new(&world).get("providers").await.expect(200);
    let names: Vec<(&str, &str)> = listed["providers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["name"].as_str().unwrap()))
        .collect();
    assert_eq!(
        names,
        [("google", "Google"), ("github", "GitHub"), ("microsoft", "Microsoft")]
    );
}

/// Whether nobody came to be and nobody is in.
async fn is_untouched(world: &World, browser: &mut Browser<'_>) -> bool {
    let objects = ["sys_user", "sys_account", "sys_session"];
    !browser.is_signed_in().await && objects.iter().all(|object| world.data.rows(object).is_empty())
}

/// Head and signature of a good token around other claims.
fn with_other_body(signer: &Signer, nonce: &str) -> String {
    let token = signer.token(&claims(nonce));
    let (head, rest) = token.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let mut said = claims(nonce);
    said["sub"] = json!("somebody else");
    format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(said.to_string()))
}

#[tokio::test]
async fn no_token_of_another_algorithm_key_audience_sign_in_or_issuer_passes() {
    let (world, net) = online(corporate(), &[]).await;
    let (signer, forger, unknown) = (Signer::new("k1"), Signer::new("k1"), Signer::new("k9"));
    discover(&net, ISSUER, ISSUER, &signer);
    let by = &signer;
    let bent = move |change: Value| {
        move |nonce: &str| {
            let mut said = claims(nonce);
            for (name, value) in change.as_object().unwrap() {
                said[name] = value.clone();
            }
            Some(by.token(&said))
        }
    };
    type Make<'a> = Box<dyn FnOnce(&str) -> Option<String> + 'a>;
    let none = json!({ "alg": "none" });
    let cases: [(&str, Make<'_>); 17] = [
        ("no token", Box::new(|_| None)),
        ("nothing", Box::new(|_| Some(String::new()))),
        (
            "no signature",
            Box::new(|nonce| Some(format!("{}.", unsigned(&none, &claims(nonce))))),
        ),
        (
            "a shared secret",
            Box::new(|nonce| Some(signer.hmac_token(&claims(nonce)))),
        ),
        (
            "another key of that name",
            Box::new(|nonce| Some(forger.token(&claims(nonce)))),
        ),
        ("an unknown key", Box::new(|nonce| Some(unknown.token(&claims(nonce))))),
        ("another body", Box::new(|nonce| Some(with_other_body(&signer, nonce)))),
        (
            "another issuer",
            Box::new(bent(json!({ "iss": "https://evil.example" }))),
        ),
        ("no issuer", Box::new(bent(json!({ "iss": null })))),
        ("another audience", Box::new(bent(json!({ "aud": "another" })))),
        (
            "more audiences",
            Box::new(bent(json!({ "aud": ["objectos", "another"] }))),
        ),
        ("another party", Box::new(bent(json!({ "azp": "another" })))),
        ("another sign-in", Box::new(bent(json!({ "nonce": "n2" })))),
        ("no sign-in", Box::new(bent(json!({ "nonce": null })))),
        ("yesterday", Box::new(bent(json!({ "exp": NOW_S - 3600 })))),
        ("tomorrow", Box::new(bent(json!({ "nbf": NOW_S + 3600 })))),
        ("nobody", Box::new(bent(json!({ "sub": "" })))),
    ];
    for (case, make) in cases {
        let mut browser = Browser::new(&world);
        let place = through(&mut browser, &net, "corporate", make).await;
        assert_eq!(place, "/app?error=oauth_failed", "{case}");
        assert!(is_untouched(&world, &mut browser).await, "{case}");
    }
    // The same way with what is asked for.
    let mut browser = Browser::new(&world);
    let place = through(&mut browser, &net, "corporate", |nonce| {
        Some(signer.token(&claims(nonce)))
    })
    .await;
    assert_eq!(place, "/app");
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn what_is_said_elsewhere_counts_for_the_same_person_alone() {
    for (subject, expected) in [("p2", "/app?error=oauth_failed"), ("p1", "/app")] {
        let (world, net) = online(corporate(), &[]).await;
        let signer = Signer::new("k1");
        discover(&net, ISSUER, ISSUER, &signer);
        let told = json!({ "sub": subject, "email": "ada@example.com", "email_verified": true });
        net.put("https://id.example.com/userinfo", told);
        let mut browser = Browser::new(&world);
        let place = through(&mut browser, &net, "corporate", |nonce| {
            let mut said = claims(nonce);
            said["email"] = Value::Null;
            Some(signer.token(&said))
        })
        .await;
        assert_eq!(place, expected);
    }
}

#[tokio::test]
async fn an_answer_is_for_the_provider_that_was_asked() {
    let (world, net) = online(corporate(), &[("GITHUB_CLIENT_ID", "h")]).await;
    discover(&net, ISSUER, ISSUER, &Signer::new("k1"));
    let mut browser = Browser::new(&world);
    let url = begin(&mut browser, "corporate").await;
    come(&mut browser, "github", &url).await.refused(401, "OAUTH_FAILED");
    // One that says it is somebody else is not asked at all.
    let (world, net) = online(corporate(), &[]).await;
    discover(&net, ISSUER, "https://evil.example", &Signer::new("k1"));
    let body = json!({ "provider": "corporate", "callbackURL": "/app" });
    let mut browser = Browser::new(&world);
    browser.post("sign-in/social", body).await.refused(401, "OAUTH_FAILED");
}

#[tokio::test]
async fn a_provider_is_no_way_round_the_second_factor() {
    let mut config = corporate();
    config["session"] = json!({ "forceMfa": true });
    let (world, net) = online(config, &[]).await;
    let signer = Signer::new("k1");
    discover(&net, ISSUER, ISSUER, &signer);
    let good = |nonce: &str| Some(signer.token(&claims(nonce)));
    let mut ada = world.registered("ada@example.com").await;
    let (uri, _) = set_up(&mut ada).await;
    // Whoever registered the address did not show that it is theirs, and is the only one to have the factor.
    let mut browser = Browser::new(&world);
    let place = through(&mut browser, &net, "corporate", good).await;
    assert_eq!(place, "/app?error=user_already_exists_use_another_email");
    ada.post("send-verification-email", json!({ "email": "ada@example.com" }))
        .await
        .expect(200);
    let verify = format!("verify-email?token={}", world.mailed_token().await);
    ada.get(&verify).await.expect(200);
    // The first time, when the account is added, and the next.
    for at_ms in [NOW_MS + 60_000, NOW_MS + 120_000] {
        world.plugin.set_now_ms(at_ms);
        let mut browser = Browser::new(&world);
        let place = through(&mut browser, &net, "corporate", good).await;
        assert_eq!(place, "/app?twoFactorRedirect=true&twoFactorMethods=totp");
        assert!(!browser.is_signed_in().await);
        let shown = json!({ "code": code(&uri, at_ms) });
        browser.post("two-factor/verify-totp", shown).await.expect(200);
        assert!(world.who(&bearer(&browser.token)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn somebody_new_from_a_provider_sets_up_a_second_factor_first() {
    let mut config = corporate();
    config["session"] = json!({ "forceMfa": true });
    let (world, net) = online(config, &[]).await;
    let signer = Signer::new("k1");
    discover(&net, ISSUER, ISSUER, &signer);
    let mut browser = Browser::new(&world);
    let place = through(&mut browser, &net, "corporate", |nonce| {
        Some(signer.token(&claims(nonce)))
    })
    .await;
    assert_eq!(place, "/app");
    let session = browser.get("get-session").await.expect(200);
    let token = session["session"]["token"].as_str().unwrap();
    assert_eq!(world.who(&bearer(token)).await.unwrap_err().code(), "mfa_required");
}

#[tokio::test]
async fn an_address_that_is_not_verified_waits_whoever_tells_it() {
    let mut config = corporate();
    config["requireEmailVerification"] = json!(true);
    let (world, net) = online(config, &[]).await;
    let signer = Signer::new("k1");
    discover(&net, ISSUER, ISSUER, &signer);
    let mut browser = Browser::new(&world);
    let place = through(&mut browser, &net, "corporate", |nonce| {
        let mut said = claims(nonce);
        said["email_verified"] = json!(false);
        Some(signer.token(&said))
    })
    .await;
    assert_eq!(place, "/app?error=email_not_verified");
    assert!(!browser.is_signed_in().await);
    assert_eq!(world.mailed().await.to, ["ada@example.com"]);
}

#[tokio::test]
async fn a_key_that_the_provider_takes_back_is_trusted_an_hour_at_most() {
    let hour_ms = 3_600_000;
    let (world, net) = online(corporate(), &[]).await;
    let (old, new) = (Signer::new("k1"), Signer::new("k2"));
    discover(&net, ISSUER, ISSUER, &old);
    let enter = async |signer: &Signer, at_ms: i64| {
        world.plugin.set_now_ms(at_ms);
        let mut browser = Browser::new(&world);
        let place = through(&mut browser, &net, "corporate", |nonce| {
            let mut said = claims(nonce);
            said["iat"] = json!(at_ms / 1000);
            said["exp"] = json!(at_ms / 1000 + 300);
            Some(signer.token(&said))
        })
        .await;
        (place == "/app", browser.is_signed_in().await)
    };
    assert_eq!(enter(&old, NOW_MS).await, (true, true));
    net.put("https://id.example.com/keys", json!({ "keys": [new.key()] }));
    assert_eq!(enter(&old, NOW_MS + hour_ms - 1000).await, (true, true));
    assert_eq!(enter(&old, NOW_MS + hour_ms).await, (false, false));
    assert_eq!(enter(&new, NOW_MS + hour_ms).await, (true, true));
}
