//! From outside, with nothing but the network: no session and no key outlives what ends it, whichever way it is ended; nothing
//! that another installation made is good here; and no header lets a caller choose who, whose or where from they are.

use objectos_tests::Host;
use serde_json::{Value, json};

use crate::signed_in::{PASSWORD, Person, enter, host, register};

impl Person {
    fn post(&mut self, path: &str, body: &Value) -> Value {
        self.send(&format!("POST /api/v1/auth/{path}"), body).expect(200)
    }

    fn key(&mut self) -> String {
        let made = self.post("api-key/create", &json!({"name": "import"}));
        made["key"].as_str().expect("a key").to_owned()
    }

    /// What each way to prove who they are answers now.
    fn statuses(&mut self) -> [u16; 2] {
        let line = "GET /api/v1/auth/list-sessions";
        let cookie = self.cookie.clone();
        [
            self.send(line, &Value::Null).status,
            self.send_with(line, &[("cookie", &cookie)], &Value::Null).status,
        ]
    }
}

fn with_key(host: &Host, key: &str) -> u16 {
    let headers = [("x-api-key", key)];
    let answer = host.client().request("GET", "/api/v1/meta", &headers, b"");
    answer.expect("an answer").status
}

/// A way to end somebody's session: the administrator, the session that ends it, the one that is to end.
type Way = (&'static str, fn(&mut Person, &mut Person, &mut Person));

const WAYS: [Way; 11] = [
    ("signing out", |_, _, ends| drop(ends.post("sign-out", &json!({})))),
    ("revoking it", |_, own, ends| {
        drop(own.post("revoke-session", &json!({"token": ends.token})));
    }),
    ("revoking the others", |_, own, _| {
        drop(own.post("revoke-other-sessions", &json!({})));
    }),
    ("revoking all", |_, own, _| {
        drop(own.post("revoke-sessions", &json!({})))
    }),
    ("another password", |_, own, _| {
        let body = json!({"currentPassword": PASSWORD, "newPassword": "walnut-heron-72", "revokeOtherSessions": true});
        drop(own.post("change-password", &body));
    }),
    ("deleting oneself", |_, own, _| {
        drop(own.post("delete-user", &json!({"password": PASSWORD})));
    }),
    ("an administrator's revocation", |root, _, ends| {
        drop(root.post("admin/revoke-user-sessions", &json!({"userId": ends.id})));
    }),
    ("an administrator's password", |root, _, ends| {
        let body = json!({"userId": ends.id, "newPassword": "walnut-heron-72"});
        drop(root.post("admin/set-user-password", &body));
    }),
    ("being disabled", |root, _, ends| {
        drop(root.post("admin/ban-user", &json!({"userId": ends.id})));
    }),
    ("being removed", |root, _, ends| {
        drop(root.post("admin/remove-user", &json!({"userId": ends.id})));
    }),
    ("the directory's word", |root, _, ends| {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": false}],
        });
        let line = format!("PATCH /api/v1/auth/scim/v2/Users/{}", ends.id);
        drop(root.send(&line, &body).expect(200));
    }),
];

#[test]
fn no_session_outlives_what_ends_it() {
    let host = host();
    let mut root = register(&host, "root");
    for (number, (way, end)) in WAYS.into_iter().enumerate() {
        let mut own = register(&host, &format!("user{number}"));
        let body = json!({"email": own.email, "password": PASSWORD});
        let mut ends = enter(&host, "/api/v1/auth/sign-in/email", &body);
        assert_eq!(ends.statuses(), [200, 200], "{way}");
        end(&mut root, &mut own, &mut ends);
        assert_eq!(ends.statuses(), [401, 401], "a session outlives {way}");
        let mut afresh = host.client();
        let bearer = format!("Bearer {}", ends.token);
        let headers = [("authorization", bearer.as_str())];
        let answer = afresh.request("GET", "/api/v1/data/account", &headers, b"");
        assert_eq!(answer.expect("an answer").status, 401, "a session outlives {way}");
    }
    assert_eq!(root.statuses(), [200, 200]);
}

#[test]
fn no_key_outlives_what_ends_it() {
    let host = host();
    let mut root = register(&host, "root");
    for (name, end) in [
        ("deleted", None),
        ("disabled", Some("admin/ban-user")),
        ("removed", Some("admin/remove-user")),
    ] {
        let mut owner = register(&host, name);
        let key = owner.key();
        assert_eq!(with_key(&host, &key), 200, "{name}");
        match end {
            Some(path) => drop(root.post(path, &json!({"userId": owner.id}))),
            None => {
                let keys = owner.send("GET /api/v1/auth/api-key/list", &Value::Null).expect(200);
                drop(owner.post("api-key/delete", &json!({"keyId": keys[0]["id"]})));
            }
        }
        assert_eq!(with_key(&host, &key), 401, "{name}");
    }
    let mut owner = register(&host, "switched_off");
    let key = owner.key();
    let keys = owner.send("GET /api/v1/auth/api-key/list", &Value::Null).expect(200);
    drop(owner.post("api-key/update", &json!({"keyId": keys[0]["id"], "enabled": false})));
    assert_eq!(with_key(&host, &key), 401);
}

#[test]
fn nothing_that_another_installation_made_is_good_here() {
    let (ours, theirs) = (host(), host());
    let mut here = register(&ours, "ada");
    let mut there = register(&theirs, "ada");
    let key = there.key();
    assert_eq!(with_key(&theirs, &key), 200);
    assert_eq!(with_key(&ours, &key), 401);
    let line = "GET /api/v1/data/account";
    // Another key's signature over a token of ours, and ours over nothing.
    let ours_signed_by_them = there.cookie.split('.').next_back().expect("a signature").to_owned();
    let forged = format!("better-auth.session_token={}.{ours_signed_by_them}", here.token);
    let (bearer, cookie) = (format!("Bearer {}", there.token), there.cookie.clone());
    let cases: [&[(&str, &str)]; 4] = [
        &[("authorization", &bearer)],
        &[("cookie", &cookie)],
        &[("cookie", &forged)],
        &[("cookie", &format!("better-auth.session_token={}.", here.token))],
    ];
    for headers in cases {
        assert_eq!(here.send_with(line, headers, &Value::Null).status, 401, "{headers:?}");
    }
    assert_eq!(here.send(line, &Value::Null).status, 200);
}

/// Headers by which other systems are told who somebody is, whose they are and where from.
fn chosen(other: &str, organization: &str) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    for name in [
        "x-user-id",
        "x-user",
        "x-forwarded-user",
        "x-remote-user",
        "remote-user",
        "x-impersonate-user",
        "x-principal",
    ] {
        headers.push((name, other.to_owned()));
    }
    for name in [
        "x-tenant-id",
        "x-tenant",
        "x-organization-id",
        "x-org-id",
        "x-active-organization",
        "x-space-id",
    ] {
        headers.push((name, organization.to_owned()));
    }
    for name in [
        "x-forwarded-for",
        "x-real-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "x-client-ip",
    ] {
        headers.push((name, "203.0.113.7".to_owned()));
    }
    headers.push(("forwarded", "for=203.0.113.7".to_owned()));
    headers
}

#[test]
fn no_header_chooses_user_tenant_or_address() {
    let host = host();
    let mut root = register(&host, "root");
    let mut ada = register(&host, "ada");
    let organization = |person: &mut Person, slug: &str| {
        let made = person.post("organization/create", &json!({"name": slug, "slug": slug}));
        made["id"].as_str().expect("an id").to_owned()
    };
    let (theirs, own) = (organization(&mut root, "theirs"), organization(&mut ada, "own"));
    let headers = chosen(&root.id, &theirs);
    let bearer = format!("Bearer {}", ada.token);
    let mut all: Vec<(&str, &str)> = vec![("authorization", bearer.as_str()), ("user-agent", "chooser")];
    all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
    let session = ada
        .send_with("GET /api/v1/auth/get-session", &all, &Value::Null)
        .expect(200);
    assert_eq!(
        (&session["user"]["id"], &session["session"]["activeOrganizationId"]),
        (&json!(ada.id), &json!(own))
    );
    // Somebody else's rights do not come with their name.
    assert_eq!(ada.send_with("GET /api/v1/plugins", &all, &Value::Null).status, 403);
    assert_eq!(
        ada.send_with("GET /api/v1/data/account", &all, &Value::Null).status,
        403
    );
    let body = json!({"name": "Ada Lovelace"});
    ada.send_with("POST /api/v1/auth/update-user", &all, &body).expect(200);
    // What is written down of it is the truth, too.
    let row = root.await_event(&host, "userAgent=chooser&objectName=sys_user&eventType=data.update");
    assert_eq!(
        (&row["actor"]["id"], &row["actor"]["ipAddress"], &row["tenantId"]),
        (&json!(ada.id), &json!("127.0.0.1"), &json!(own)),
        "{row:#}"
    );
    // Without a session they make nobody.
    let without: Vec<(&str, &str)> = all.into_iter().filter(|(name, _)| *name != "authorization").collect();
    assert_eq!(
        ada.send_with("GET /api/v1/data/account", &without, &Value::Null).status,
        401
    );
}
