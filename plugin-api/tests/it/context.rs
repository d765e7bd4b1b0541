use objectos_plugin_api::{Context, Principal, PrincipalKind};
use serde_json::json;
use std::time::Duration;

#[test]
fn every_part_crosses() {
    let principal = Principal {
        id: "u1".to_owned(),
        kind: PrincipalKind::User,
        tenant: Some("acme".to_owned()),
        roles: vec!["sales".to_owned()],
        ..Principal::default()
    };
    let extra = json!({"address": "127.0.0.1"});
    let context = Context::request("r1")
        .with_trace("t1")
        .with_principal(&principal)
        .with_extra(extra.as_object().unwrap())
        .with_limit(Duration::from_secs(5));
    let copy = Context::from_raw(&context.raw());
    assert_eq!(copy.request_id(), "r1");
    assert_eq!(copy.trace_id(), "t1");
    assert_eq!((copy.user(), copy.tenant()), ("u1", "acme"));
    assert_eq!(copy.principal().unwrap(), Some(principal));
    assert_eq!(json!(copy.extra()), extra);
    assert!(
        copy.remaining()
            .is_some_and(|left| left > Duration::ZERO && left <= Duration::from_secs(5))
    );
    assert!(!copy.system());
}

#[test]
fn an_incoming_request_is_made_as_if_part_by_part() {
    let extra = json!({"address": "::1", "userAgent": "a \"browser\""});
    let limit = Duration::from_secs(5);
    for trace in ["", "t1"] {
        let context = Context::incoming("r1", trace, limit, extra.to_string().as_bytes());
        let parts = Context::request("r1")
            .with_trace(trace)
            .with_extra(extra.as_object().unwrap());
        assert_eq!(format!("{context:?}"), format!("{parts:?}"));
        assert_eq!(context.extra(), parts.extra());
        assert!(
            context
                .remaining()
                .is_some_and(|left| left > Duration::ZERO && left <= limit)
        );
        assert_eq!(context.principal().unwrap(), None);
    }
}

#[test]
fn texts_of_every_length_cross() {
    // Around each of the rooms that texts have, with the borders between them in different places.
    for bytes in [0, 1, 63, 64, 65, 511, 512, 513, 5000] {
        for first in [0, bytes / 3, bytes] {
            let (user, principal) = ("u".repeat(first), "p".repeat(bytes - first));
            let context = Context::request("").with_principal_json(principal.as_bytes(), &user, "");
            for context in [
                Context::from_raw(&context.raw()),
                context.with_limit(Duration::from_secs(1)),
                context.renewed(Duration::from_secs(1)),
                context.as_system(),
                context,
            ] {
                assert_eq!(context.user(), user, "{first} of {bytes}");
                assert_eq!(context.principal_json(), principal.as_bytes(), "{first} of {bytes}");
                assert_eq!((context.request_id(), context.tenant()), ("", ""));
                let longer = context.with_trace(&"t".repeat(bytes));
                assert_eq!((longer.trace_id().len(), longer.user()), (bytes, user.as_str()));
            }
        }
    }
}

#[test]
fn a_later_limit_never_extends_an_earlier_one() {
    let context = Context::background()
        .with_limit(Duration::from_secs(1))
        .with_limit(Duration::from_secs(60));
    assert!(context.remaining().unwrap() <= Duration::from_secs(1));
    assert_eq!(Context::background().remaining(), None);
}

#[test]
fn a_new_principal_ends_acting_as_the_system() {
    let system = Context::background().as_system();
    assert!(system.system());
    assert!(!system.with_principal(&Principal::default()).system());
    assert!(!system.with_principal_json(b"{}", "", "").system());
}

#[test]
fn nobody_is_signed_in_by_default_and_ids_differ() {
    let (one, two) = (Context::background(), Context::background());
    assert_eq!(one.principal().unwrap(), None);
    assert_ne!(one.request_id(), two.request_id());
    assert!(
        Context::request("r")
            .with_principal_json(b"nonsense", "u", "")
            .principal()
            .is_err()
    );
}

#[test]
fn contexts_of_one_chain_have_one_number() {
    let context = Context::background();
    let mut raw = context.raw();
    raw.flags |= 0b100;
    let through = Context::from_raw(&raw);
    assert_eq!((context.chain(), through.chain()), (0, 0b100));
    // Whoever acts as the system goes the same way.
    assert_eq!(through.as_system().chain(), through.chain());
    assert_eq!(through.with_limit(Duration::from_secs(1)).chain(), through.chain());
}
