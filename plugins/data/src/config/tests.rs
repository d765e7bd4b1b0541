use serde_json::{Value, json};

use super::*;

fn read(config: Value) -> Result<DataConfig, String> {
    let config: DataConfig = serde_json::from_value(config).map_err(|error| error.to_string())?;
    config.check().map_err(|error| error.to_string())?;
    Ok(config)
}

#[test]
fn nothing_gives_the_defaults() {
    let config = read(json!({})).unwrap();
    assert_eq!(config, DataConfig::default());
    assert_eq!(config.database.path(Path::new("/d")).unwrap(), Path::new("/d/data.db"));
}

#[test]
fn how_many_records_are_computed_is_said_by_the_operator() {
    let check = |limits: Value, expected: u64| {
        let config = read(json!({ "limits": limits })).unwrap();
        assert_eq!(config.limits.formula_records_max, expected);
    };
    check(json!({}), 50_000);
    check(json!({ "formulaRecordsMax": 1 }), 1);
    check(json!({ "formulaRecordsMax": 1_000_000 }), 1_000_000);
}

#[test]
fn what_is_wrong_is_named() {
    let check = |config: Value, expected: &str| {
        let message = read(config.clone()).unwrap_err();
        assert!(message.contains(expected), "{config}: {message}");
    };
    check(json!({ "database": { "readers": 0 } }), "database.readers");
    check(json!({ "database": { "synchronous": "OFF" } }), "OFF");
    check(json!({ "database": { "url": "x", "reader": 3 } }), "reader");
    check(json!({ "limits": { "batchMax": 1001 } }), "limits.batchMax");
    let keys = |keys: Value| json!({ "encryption": { "keys": keys } });
    check(keys(json!([{ "key": "x" }])), "encryption.keys[0].id must be");
    check(keys(json!([{ "id": "a b", "key": "x" }])), "found 'a b'");
    check(
        keys(json!([{ "id": "own-1", "key": "x" }])),
        "must not begin with 'own-'",
    );
    check(
        keys(json!([{ "id": "a", "key": "x" }, { "id": "a", "key": "y" }])),
        "encryption.keys[1].id is 'a'",
    );
    check(keys(json!([{ "id": "a" }])), "encryption.keys[0] needs either");
    check(keys(json!([{ "id": "a", "key": "x", "keyFile": "y" }])), "needs either");
    check(json!({ "limits": { "pageSize": 2000 } }), "limits.pageSize");
    check(
        json!({ "limits": { "formulaRecordsMax": 0 } }),
        "limits.formulaRecordsMax",
    );
    check(
        json!({ "limits": { "formulaRecordsMax": 1_000_001 } }),
        "limits.formulaRecordsMax must be between 1 and 1000000",
    );
    for bytes in [1_023, 67_108_865] {
        check(
            json!({ "limits": { "formulaBytesMax": bytes } }),
            "limits.formulaBytesMax must be between 1024 and 67108864",
        );
    }
    check(json!({ "limits": { "cascadeMax": 0 } }), "limits.cascadeMax");
    check(json!({ "limits": { "listValuesMax": 0 } }), "limits.listValuesMax");
    check(json!({ "limits": { "listBytesMax": 1 } }), "limits.listBytesMax");
    check(
        json!({ "timeZone": "Europe/Atlantis" }),
        "timeZone: 'Europe/Atlantis' is no time zone",
    );
}

#[test]
fn paths() {
    let check = |url: &str, expected: Result<&str, &str>| {
        let config = DatabaseConfig {
            url: Some(url.to_owned()),
            ..DatabaseConfig::default()
        };
        match (config.path(Path::new("/d")), expected) {
            (Ok(path), Ok(expected)) => assert_eq!(path, Path::new(expected)),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (found, expected) => panic!("{url}: found {found:?}, expected {expected:?}"),
        }
    };
    check("sqlite:x.db", Ok("/d/x.db"));
    check("sqlite:///abs/x.db", Ok("/abs/x.db"));
    check("sqlite://x.db", Ok("/d/x.db"));
    check("sqlite::memory:", Err("must name a file"));
    check("postgres://user:secret@host/db", Err("found 'postgres'"));
}
