//! Encrypted fields: what would give their values away, and what is asked of them and not kept.

use expect_test::expect;

use super::check;

#[test]
fn what_is_asked_of_encrypted_fields_and_not_kept_is_refused() {
    check(
        "name: thing\nfields:\n  field: {type: secret, unique: true}\n",
        expect![
            "thing.object.yml:3:33: fields.field.unique: a secret field cannot have `unique`: it would give the secret away; remove it"
        ],
    );
    check(
        "name: thing\nfields:\n  field: {type: text, externalId: true, encryptionConfig: {enabled: true, keyManagement: {provider: local}, scope: field}}\n",
        expect![
            "thing.object.yml:3:35: fields.field.externalId: an encrypted text field cannot have `externalId`: it would give the secret away; remove it"
        ],
    );
    check(
        "name: thing\nfields:\n  field: {type: secret, defaultValue: abc}\n",
        expect![
            "thing.object.yml:3:39: fields.field.defaultValue: a secret cannot have a default: whoever reads the definition would know it; remove it"
        ],
    );
    check(
        "name: thing\nfields:\n  field: {type: number, encryptionConfig: {enabled: true, keyManagement: {provider: local}, scope: field}}\n",
        expect![
            "thing.object.yml:3:25: fields.field.encryptionConfig: a number field is not encrypted here: its values would lie open; remove it, or make the field a text; texts alone are encrypted"
        ],
    );
    check(
        "name: thing\nfields:\n  field: {type: secret, encryptionConfig: {algorithm: aes-256-cbc}}\n",
        expect![
            "thing.object.yml:3:55: fields.field.encryptionConfig.algorithm: values are not encrypted with aes-256-cbc here; write `aes-256-gcm`"
        ],
    );
    check(
        "name: thing\nfields:\n  field: {type: text, encryptionConfig: {enabled: true, scope: field, keyManagement: {provider: aws-kms, keyId: k1}, searchableEncryption: true}}\n",
        expect![[r#"
            thing.object.yml:3:97: fields.field.encryptionConfig.keyManagement.provider: keys are not fetched from aws-kms here; write `local`, and have the operator name the keys in plugins.objectos.data.encryption.keys
            thing.object.yml:3:113: fields.field.encryptionConfig.keyManagement.keyId: a field does not choose its key; remove it; the first of plugins.objectos.data.encryption.keys encrypts
            thing.object.yml:3:140: fields.field.encryptionConfig.searchableEncryption: no two values are encrypted alike, so that nobody sees which are equal; remove it; records are not found by an encrypted field"#]],
    );
    check(
        "name: thing\nfields:\n  field: {type: text, encryptionConfig: {enabled: true, scope: field, keyManagement: {provider: local, rotationPolicy: {enabled: true}}}}\n",
        expect![
            "thing.object.yml:3:104: fields.field.encryptionConfig.keyManagement.rotationPolicy: keys are not rotated by themselves; remove it; the operator puts a new key first and runs `objectos-host encrypt rotate`"
        ],
    );
    check(
        "name: thing\nfields:\n  field: {type: composite, fields: {token: {type: secret}}}\n",
        expect![
            "thing.object.yml:3:51: fields.field.fields.token.type: a secret field cannot be within another field; declare it beside that field, or make the parts an object of their own"
        ],
    );
}

#[test]
fn nothing_is_made_of_a_secret() {
    check(
        "name: thing\nfields:\n  token: {type: secret}\n  long: {type: formula, expression: LEN(token)}\n",
        expect![
            "thing.object.yml:4:37: fields.long.expression: `token` is a secret and cannot be computed with; leave it out"
        ],
    );
    check(
        "name: thing\ntitleFormat: '{token}'\nfields:\n  token: {type: secret}\n",
        expect!["thing.object.yml:2:14: titleFormat: `token` is a secret and cannot be part of a title; leave it out"],
    );
    check(
        "name: thing\nfields:\n  token: {type: secret}\nindexes:\n  - {fields: [token]}\n",
        expect![
            "thing.object.yml:5:15: indexes[0].fields[0]: `token` is a secret and cannot be in an index: it would give the secret away; leave it out"
        ],
    );
    check(
        "name: thing\nfields:\n  token: {type: secret}\nvalidations:\n  - {name: r, message: m, type: format, field: token, regex: '^a'}\n",
        expect![
            "thing.object.yml:5:48: validations[0].field: `token` is a secret, which no rule looks at; leave it out; its length is held by `minLength`"
        ],
    );
}
