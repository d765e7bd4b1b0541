use super::{KEY_BYTES, Spot, Unopened, Vault};

const SPOT: Spot<'static> = Spot {
    object: "hook",
    field: "token",
    id: "h1",
};

fn vault(keys: &[(&str, u8)]) -> Vault {
    Vault::new(
        keys.iter()
            .map(|(id, byte)| ((*id).to_owned(), [*byte; KEY_BYTES]))
            .collect(),
    )
}

#[test]
fn a_value_opens_at_its_spot_with_its_key_alone() {
    let ours = vault(&[("a", 1)]);
    let sealed = ours.seal(SPOT, "s3cret ü").unwrap();
    assert!(
        sealed.starts_with("$sealed$1$a$") && !sealed.contains("s3cret"),
        "{sealed}"
    );
    assert_eq!(ours.open(SPOT, &sealed).unwrap(), "s3cret ü");
    assert_ne!(ours.seal(SPOT, "s3cret ü").unwrap(), sealed, "no two are alike");
    let elsewhere = [
        Spot {
            object: "hooks",
            ..SPOT
        },
        Spot {
            field: "tokens",
            ..SPOT
        },
        Spot { id: "h2", ..SPOT },
    ];
    for spot in elsewhere {
        assert_eq!(
            ours.open(spot, &sealed),
            Err(Unopened::Broken("a".to_owned())),
            "{spot:?}"
        );
    }
    assert_eq!(
        vault(&[("a", 2)]).open(SPOT, &sealed),
        Err(Unopened::Broken("a".to_owned()))
    );
    assert_eq!(
        vault(&[("b", 1)]).open(SPOT, &sealed),
        Err(Unopened::NoKey("a".to_owned()))
    );
}

#[test]
fn what_is_no_sealed_value_is_told() {
    let ours = vault(&[("a", 1)]);
    let check = |stored: &str, expected: Unopened| assert_eq!(ours.open(SPOT, stored), Err(expected), "{stored}");
    check("s3cret", Unopened::Clear);
    check("", Unopened::Clear);
    check("$sealed$2$a$AAAA", Unopened::Clear);
    check("$sealed$1$a$", Unopened::Broken("a".to_owned()));
    check("$sealed$1$a$AAAA", Unopened::Broken("a".to_owned()));
    check("$sealed$1$a$!", Unopened::Broken("a".to_owned()));
    check("$sealed$1$b$AAAA", Unopened::NoKey("b".to_owned()));
}

#[test]
fn the_first_key_encrypts_and_all_decrypt() {
    let old = vault(&[("a", 1)]);
    let sealed = old.seal(SPOT, "x").unwrap();
    let both = vault(&[("b", 2), ("a", 1)]);
    assert_eq!(both.open(SPOT, &sealed).unwrap(), "x");
    assert!(old.is_current(&sealed) && !both.is_current(&sealed));
    let anew = both.seal(SPOT, "x").unwrap();
    assert!(both.is_current(&anew) && anew.starts_with("$sealed$1$b$"), "{anew}");
    assert!(!both.is_current("x"));
}

#[test]
fn without_a_key_nothing_is_encrypted() {
    let none = Vault::default();
    assert!(!none.can_seal());
    let error = none.seal(SPOT, "x").unwrap_err().to_string();
    assert!(error.contains("plugins.objectos.data.encryption.keys"), "{error}");
}

#[test]
fn nobody_sees_a_key() {
    assert_eq!(format!("{:?}", vault(&[("a", 1)])), "Vault { keys: [\"a\"] }");
}

/// Two versions of the plugin, of which the older one still writes while the newer one reads.
#[test]
fn an_own_key_that_another_one_made_since_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys").join("secrets.key");
    let (old, new) = (
        Vault::default().with_own(path.clone()),
        Vault::default().with_own(path.clone()),
    );
    let sealed = old.seal(SPOT, "s3cret").unwrap();
    assert_eq!(new.open(SPOT, &sealed).unwrap(), "s3cret");
    assert_eq!(new.ids(), old.ids());
    let again = new.seal(SPOT, "again").unwrap();
    assert_eq!(old.open(SPOT, &again).unwrap(), "again");
    let lost = "own-00000000".to_owned();
    assert_eq!(
        new.open(SPOT, &format!("$sealed$1${lost}$AAAA")),
        Err(Unopened::NoKey(lost))
    );
}
