//! Who has an address, from outside: an invitation, an account and a link are for whoever reads the mails of their address, and
//! writing it down is not enough. Mails stand in the log, as development writes them.

use objectos_tests::{Answer, Client, Host, HostBuilder};
use serde_json::{Value, json};

const PASSWORD: &str = "tangerine-otter-41";
const NEW: &str = "walnut-heron-72";
const CONFIG: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n";

fn host(more: &str) -> Host {
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .config(&format!("{CONFIG}{more}"))
        .start()
}

/// Somebody on one connection, with a session once there is one.
struct Person {
    client: Client,
    token: String,
}

impl Person {
    fn new(host: &Host) -> Self {
        Self {
            client: host.client(),
            token: String::new(),
        }
    }

    fn send(&mut self, line: &str, body: &Value) -> Answer {
        let (method, path) = line.split_once(' ').expect("METHOD path");
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("content-type", "application/json")];
        if !self.token.is_empty() {
            headers.push(("authorization", bearer.as_str()));
        }
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let path = format!("/api/v1/auth/{path}");
        self.client
            .request(method, &path, &headers, &bytes)
            .unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send(&format!("POST {path}"), body)
    }

    fn enter(&mut self, path: &str, body: &Value) -> Value {
        let entered = self.post(path, body).expect(200);
        entered["token"].as_str().expect("a token").clone_into(&mut self.token);
        entered["user"].clone()
    }

    fn session(&mut self) -> Value {
        self.send("GET get-session", &Value::Null).expect(200)
    }
}

fn registration(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "name": "Ada"})
}

fn refused(answer: Answer, status: u16, code: &str) {
    assert_eq!(answer.expect(status)["code"], code);
}

/// What follows a word in the last mail that has it.
fn mailed(host: &Host, word: &str) -> String {
    host.wait_for_log(word);
    let log = host.log();
    let at = log.rfind(word).expect("it was waited for") + word.len();
    log[at..]
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter))
        .collect()
}

#[test]
fn an_invitation_is_for_whoever_reads_its_mail() {
    let host = host("    signUp: invitation\n");
    let mut owner = Person::new(&host);
    owner.enter("sign-up/email", &registration("owner@example.com"));
    owner
        .post("organization/create", &json!({"name": "Acme", "slug": "acme"}))
        .expect(200);
    let mut invite = |email: &str| {
        let body = json!({"email": email, "role": "member"});
        owner.post("organization/invite-member", &body).expect(200)
    };
    let invited = invite("ada@example.com");
    let mut ada = Person::new(&host);
    let mut body = registration("ada@example.com");
    refused(ada.post("sign-up/email", &body), 403, "SELF_REGISTRATION_CLOSED");
    body["invitation"] = invited["id"].clone();
    refused(ada.post("sign-up/email", &body), 403, "SELF_REGISTRATION_CLOSED");
    body["invitation"] = mailed(&host, "accept-invitation/").into();
    let made = ada.enter("sign-up/email", &body);
    assert_eq!(made["emailVerified"], true);
    let accept = json!({"invitationId": invited["id"]});
    ada.post("organization/accept-invitation", &accept).expect(200);
    // A link that was handed over lets somebody in, and says nothing of the address.
    let invited = invite("bob@example.com");
    let link = invited["link"].as_str().expect("a link").rsplit('/').next();
    let mut bob = Person::new(&host);
    let mut body = registration("bob@example.com");
    body["invitation"] = json!(link);
    let made = bob.enter("sign-up/email", &body);
    assert_eq!(made["emailVerified"], false);
    let accept = json!({"invitationId": invited["id"]});
    let answer = bob.post("organization/accept-invitation", &accept);
    refused(answer, 403, "EMAIL_NOT_VERIFIED");
    bob.post("organization/accept-invitation", &json!({"invitationId": link}))
        .expect(200);
}

/// Of two owners one puts the other out, who had invited another account of theirs before.
#[test]
fn nobody_comes_back_by_an_invitation_of_their_own() {
    let host = host("");
    Person::new(&host).enter("sign-up/email", &registration("root@example.com"));
    let [mut ann, mut bob, mut other] = ["ann", "bob", "other"].map(|name| {
        let mut person = Person::new(&host);
        person.enter("sign-up/email", &registration(&format!("{name}@example.com")));
        person
    });
    let body = json!({"name": "Acme", "slug": "acme"});
    let organization = ann.post("organization/create", &body).expect(200)["id"].clone();
    let mut invited = |name: &str| {
        let body = json!({"email": format!("{name}@example.com"), "role": "owner"});
        let invited = ann.post("organization/invite-member", &body).expect(200);
        let link = invited["link"].as_str().expect("a link").rsplit('/').next();
        json!({"invitationId": link})
    };
    let (for_bob, for_other) = (invited("bob"), invited("other"));
    bob.post("organization/accept-invitation", &for_bob).expect(200);
    let body = json!({"memberIdOrEmail": "ann@example.com", "organizationId": organization});
    bob.post("organization/remove-member", &body).expect(200);
    let answer = other.post("organization/accept-invitation", &for_other);
    refused(answer, 400, "INVITATION_NOT_FOUND");
    let members = bob.send("GET organization/list-members", &Value::Null).expect(200);
    assert_eq!(members["total"], 1, "{members}");
}

#[test]
fn the_owner_of_an_address_shuts_out_whoever_was_there_before() {
    for by_reset in [true, false] {
        let host = host("");
        Person::new(&host).enter("sign-up/email", &registration("root@example.com"));
        let mut eve = Person::new(&host);
        eve.enter("sign-up/email", &registration("ada@example.com"));
        let key = eve.post("api-key/create", &json!({"name": "k"})).expect(200)["key"].clone();
        eve.post("two-factor/enable", &json!({"password": PASSWORD}))
            .expect(200);
        let mut ada = Person::new(&host);
        let ask = json!({"email": "ada@example.com"});
        if by_reset {
            ada.post("request-password-reset", &ask).expect(200);
            let body = json!({"token": mailed(&host, "auth/reset-password/"), "newPassword": NEW});
            ada.post("reset-password", &body).expect(200);
            ada.enter("sign-in/email", &json!({"email": "ada@example.com", "password": NEW}));
        } else {
            ada.post("sign-in/magic-link", &ask).expect(200);
            let line = format!(
                "GET magic-link/verify?token={}",
                mailed(&host, "magic-link/verify?token=")
            );
            let entered = ada.send(&line, &Value::Null).expect(200);
            entered["token"].as_str().expect("a token").clone_into(&mut ada.token);
        }
        assert_eq!(ada.session()["user"]["emailVerified"], true);
        let accounts = ada.send("GET list-accounts", &Value::Null).expect(200);
        assert_eq!(accounts.as_array().map(Vec::len), Some(usize::from(by_reset)));
        assert_eq!(eve.session(), Value::Null);
        let headers = [("x-api-key", key.as_str().expect("a key"))];
        let answer = host.client().request("GET", "/api/v1/meta", &headers, b"");
        assert_eq!(answer.expect("an answer").status, 401);
        let before = json!({"email": "ada@example.com", "password": PASSWORD});
        refused(eve.post("sign-in/email", &before), 401, "INVALID_EMAIL_OR_PASSWORD");
    }
}

#[test]
fn a_link_is_for_the_address_it_went_to() {
    let host = host("");
    let mut root = Person::new(&host);
    root.enter("sign-up/email", &registration("root@example.com"));
    let mut eve = Person::new(&host);
    let user = eve.enter("sign-up/email", &registration("eve@example.com"));
    let ask = json!({"email": "eve@example.com"});
    eve.post("request-password-reset", &ask).expect(200);
    let token = mailed(&host, "auth/reset-password/");
    // An address is changed by its mailbox, not by saying so.
    eve.post("change-email", &json!({"newEmail": "ada@example.com"}))
        .expect(200);
    assert_eq!(eve.session()["user"]["email"], "eve@example.com");
    let line = format!("PATCH scim/v2/Users/{}", user["id"].as_str().expect("an id"));
    let change = json!({"Operations": [{"op": "replace", "path": "userName", "value": "ada@example.com"}]});
    root.send(&line, &change).expect(200);
    let body = json!({"token": token, "newPassword": NEW});
    refused(eve.post("reset-password", &body), 400, "INVALID_TOKEN");
    let entering = json!({"email": "ada@example.com", "password": NEW});
    refused(eve.post("sign-in/email", &entering), 401, "INVALID_EMAIL_OR_PASSWORD");
}
