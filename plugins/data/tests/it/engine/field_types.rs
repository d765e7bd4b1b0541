//! What the configuration of single types adds: forms, steps, currencies, files, vectors.

use serde_json::{Value, json};

use crate::world::{World, field_errors};

const ALL: &str = "
name: all
fields:
  mail_or_web: { type: url, format: 'https, mailto' }
  any_color: { type: color }
  hex: { type: color, colorFormat: hex }
  hex_alpha: { type: color, colorFormat: hex, allowAlpha: true }
  rgb: { type: color, colorFormat: rgb }
  rgba: { type: color, colorFormat: rgba }
  hsl: { type: color, colorFormat: hsl }
  stars: { type: rating }
  halves: { type: rating, maxRating: 10, allowHalf: true }
  slide: { type: slider, min: 10, max: 20, step: 2.5 }
  done: { type: progress }
  share: { type: percent, min: 0, max: 100 }
  exact: { type: number, precision: 5, scale: 2 }
  plain: { type: currency }
  euros: { type: currency, currencyConfig: { currencyMode: fixed, defaultCurrency: EUR, precision: 2 } }
  whole: { type: currency, currencyConfig: { currencyMode: fixed, defaultCurrency: JPY, precision: 0 } }
  price: { type: currency, currencyConfig: { currencyMode: dynamic, defaultCurrency: EUR } }
  radio: { type: radio, options: [{ label: A, value: aa }, { label: B, value: bb }] }
  boxes: { type: checkboxes, options: [{ label: A, value: aa }, { label: B, value: bb }] }
  tags: { type: tags, options: [{ label: A, value: aa }] }
  free: { type: tags, maxLength: 3 }
  several: { type: select, multiple: true, options: [{ label: A, value: aa }, { label: B, value: bb }] }
  secret: { type: password, minLength: 4 }
  qr: { type: qrcode }
  ean: { type: qrcode, barcodeFormat: ean13 }
  upc: { type: qrcode, barcodeFormat: upca }
  code39: { type: qrcode, barcodeFormat: code39 }
  sign: { type: signature }
  file: { type: file, fileAttachmentConfig: { maxSize: 1000, minSize: 10, allowedTypes: [.pdf, TXT], blockedMimeTypes: [text/html] } }
  files: { type: file, multiple: true }
  image: { type: image, fileAttachmentConfig: { imageValidation: { maxWidth: 100, minHeight: 10 } } }
  clip: { type: video }
  unit: { type: vector, vectorConfig: { dimensions: 2, normalized: true } }
  place: { type: location }
  home: { type: address }
  at: { type: datetime }
  on: { type: date }
  toggle: { type: toggle }
  many_lines: { type: richtext, maxLength: 5 }
";

#[tokio::test]
async fn values_that_fit() {
    let world = World::new(&[("all.object.yml", ALL)]).await;
    let same = |value: Value| (value.clone(), value);
    let cases = [
        ("mail_or_web", same(json!("mailto:a@b.de"))),
        ("mail_or_web", same(json!("https://x.de"))),
        ("any_color", same(json!("hsla(120, 50%, 50%, 0.5)"))),
        ("any_color", same(json!("#abc"))),
        ("hex", same(json!("#A1b2C3"))),
        ("hex_alpha", same(json!("#11223344"))),
        ("rgb", same(json!("rgb(0, 128, 255)"))),
        ("rgba", same(json!("rgba(0, 128, 255, .5)"))),
        ("rgba", same(json!("rgb(0,1,2)"))),
        ("hsl", same(json!("hsl(360, 0%, 100%)"))),
        ("stars", same(json!(5))),
        ("halves", same(json!(9.5))),
        ("slide", same(json!(17.5))),
        ("slide", (json!("10"), json!(10))),
        ("done", same(json!(100))),
        ("share", same(json!(12.5))),
        ("exact", same(json!(999.99))),
        ("plain", (json!({ "value": 5 }), json!(5))),
        ("euros", (json!({ "value": 5.005, "currency": "EUR" }), json!(5.01))),
        ("whole", (json!(99.5), json!(100))),
        ("radio", same(json!("aa"))),
        ("boxes", (json!(["bb", "aa", "bb"]), json!(["bb", "aa"]))),
        ("tags", same(json!(["aa"]))),
        ("free", same(json!(["x", "yyy"]))),
        ("several", same(json!(["aa", "bb"]))),
        ("qr", same(json!("anything: ü"))),
        ("ean", same(json!("4006381333931"))),
        ("upc", same(json!("036000291452"))),
        ("code39", same(json!("AB-12 $"))),
        ("sign", same(json!("data:image/png;base64,iVBORw0KGgo="))),
        ("sign", same(json!("https://x.de/s.png"))),
        ("file", same(json!("file_1"))),
        (
            "file",
            same(json!({ "id": "f1", "name": "a.PDF", "size": 1000, "type": "application/pdf" })),
        ),
        ("file", same(json!({ "url": "https://x.de/a.txt?v=1" }))),
        ("files", (json!("f1"), json!(["f1"]))),
        ("files", same(json!([{ "id": "f1" }, "f2"]))),
        (
            "image",
            same(json!({ "name": "a.png", "type": "image/png", "width": 100, "height": 10 })),
        ),
        ("clip", same(json!({ "name": "a.mp4", "mimeType": "video/mp4" }))),
        ("unit", same(json!([0.6, 0.8]))),
        (
            "place",
            same(json!({ "latitude": -90, "longitude": 180, "accuracy": 3 })),
        ),
        (
            "home",
            same(json!({ "street": "x", "countryCode": "DE", "city": null })),
        ),
        (
            "at",
            (json!("2026-03-29T02:30:00+02:00"), json!("2026-03-29T00:30:00.000Z")),
        ),
        (
            "at",
            (
                json!("2026-03-29T00:30:00.1239-0530"),
                json!("2026-03-29T06:00:00.123Z"),
            ),
        ),
        ("at", (json!("2026-03-29"), json!("2026-03-29T00:00:00.000Z"))),
        // The day of a moment is that of the caller's zone, here UTC.
        ("on", (json!("2026-03-29T01:00:00+02:00"), json!("2026-03-28"))),
        ("on", (json!("2026-03-29T02:00:00+02:00"), json!("2026-03-29"))),
        ("toggle", (json!("1"), json!(true))),
        ("many_lines", same(json!("a\nb"))),
    ];
    for (field, (value, expected)) in cases {
        let record = world
            .create("all", json!({ field: value }))
            .await
            .unwrap_or_else(|error| panic!("{field}: {value}: {error}"));
        assert_eq!(record[field], expected, "{field}: {value}");
        let read = world.get("all", record["id"].as_str().unwrap()).await.unwrap();
        assert_eq!(read, record, "{field}: {value}");
    }
}

#[tokio::test]
async fn values_that_do_not_fit() {
    let world = World::new(&[("all.object.yml", ALL)]).await;
    let cases = [
        ("mail_or_web", json!("http://x.de"), "invalid_url"),
        ("mail_or_web", json!("javascript:alert(1)"), "invalid_url"),
        ("any_color", json!("red"), "invalid_format"),
        ("any_color", json!("#12345"), "invalid_format"),
        ("hex", json!("#11223344"), "invalid_format"),
        ("hex", json!("rgb(1,2,3)"), "invalid_format"),
        ("rgb", json!("rgb(1,2,256)"), "invalid_format"),
        ("rgb", json!("rgba(1,2,3,0.5)"), "invalid_format"),
        ("rgba", json!("rgba(1,2,3,1.5)"), "invalid_format"),
        ("hsl", json!("hsl(361, 0%, 0%)"), "invalid_format"),
        ("stars", json!(4.5), "max_scale"),
        ("stars", json!(-1), "min_value"),
        ("halves", json!(4.3), "invalid_number"),
        ("halves", json!(10.5), "max_value"),
        ("slide", json!(11), "invalid_number"),
        ("slide", json!(22.5), "max_value"),
        ("done", json!(101), "max_value"),
        ("done", json!(-1), "min_value"),
        ("share", json!(100.5), "max_value"),
        ("exact", json!(1000), "max_value"),
        ("exact", json!(1.234), "max_scale"),
        ("plain", json!({ "value": 5, "currency": "EUR" }), "invalid_format"),
        ("euros", json!({ "value": 5, "currency": "USD" }), "invalid_option"),
        ("euros", json!({ "amount": 5 }), "invalid_format"),
        ("price", json!({ "value": 5, "currency": 7 }), "invalid_format"),
        ("radio", json!("cc"), "invalid_option"),
        ("boxes", json!(["aa", ""]), "invalid_option"),
        ("tags", json!(["other"]), "invalid_option"),
        ("free", json!(["long"]), "max_length"),
        ("several", json!(["aa", "zz"]), "invalid_option"),
        ("secret", json!("abc"), "min_length"),
        ("ean", json!("4006381333932"), "invalid_format"),
        ("ean", json!("12345"), "invalid_format"),
        ("upc", json!("036000291453"), "invalid_format"),
        ("code39", json!("small"), "invalid_format"),
        ("sign", json!("data:image/png;base64,%%%"), "invalid_format"),
        ("sign", json!("me"), "invalid_format"),
        ("file", json!({ "name": "a.pdf", "size": 1001 }), "max_value"),
        ("file", json!({ "name": "a.pdf", "size": 9 }), "min_value"),
        ("file", json!({ "name": "a.pdf", "size": "big" }), "invalid_type"),
        ("file", json!({ "name": "a.exe" }), "invalid_format"),
        (
            "file",
            json!({ "name": "a.txt", "type": "text/html; charset=utf-8" }),
            "invalid_format",
        ),
        ("file", json!({ "size": 20 }), "invalid_format"),
        ("file", json!(["f1", "f2"]), "invalid_type"),
        ("files", json!([5]), "invalid_type"),
        (
            "image",
            json!({ "name": "a.png", "type": "application/pdf" }),
            "invalid_format",
        ),
        ("image", json!({ "name": "a.png", "width": 101 }), "max_value"),
        ("image", json!({ "name": "a.png", "height": 9 }), "min_value"),
        (
            "clip",
            json!({ "name": "a.mp3", "type": "audio/mpeg" }),
            "invalid_format",
        ),
        ("unit", json!([1, 1]), "invalid_format"),
        ("unit", json!([1]), "invalid_format"),
        ("place", json!({ "latitude": -91, "longitude": 0 }), "min_value"),
        ("place", json!({ "latitude": 0, "longitude": 181 }), "max_value"),
        ("home", json!({ "street": 5 }), "invalid_type"),
        ("at", json!("2026-03-29T25:00:00Z"), "invalid_date"),
        ("many_lines", json!("abcdef"), "max_length"),
    ];
    for (field, value, code) in cases {
        let errors = field_errors(world.create("all", json!({ field: value.clone() })).await);
        assert_eq!(errors, [format!("{field}: {code}")], "{value}");
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM \"all\"").await, 0);
}

#[tokio::test]
async fn all_errors_of_a_record_come_at_once() {
    let world = World::new(&[("all.object.yml", ALL)]).await;
    let record = json!({ "hex": "red", "stars": 9, "file": { "name": "a.exe" }, "radio": "zz", "at": "soon" });
    assert_eq!(
        field_errors(world.create("all", record).await),
        [
            "at: invalid_date",
            "file: invalid_format",
            "hex: invalid_format",
            "radio: invalid_option",
            "stars: max_value"
        ]
    );
}

#[tokio::test]
async fn an_amount_keeps_its_currency_beside_it() {
    let world = World::new(&[("all.object.yml", ALL)]).await;
    let check = |record: Value, amount: Value, currency: Value| {
        let world = &world;
        async move {
            let made = world.create("all", record.clone()).await.unwrap();
            assert_eq!(
                (&made["price"], &made["price_currency"]),
                (&amount, &currency),
                "{record}"
            );
            made["id"].as_str().unwrap().to_owned()
        }
    };
    check(json!({ "price": 5 }), json!(5), json!("EUR")).await;
    check(json!({ "price": { "value": 5 } }), json!(5), json!("EUR")).await;
    check(json!({ "price": 5, "price_currency": "USD" }), json!(5), json!("USD")).await;
    let id = check(
        json!({ "price": { "value": 5, "currency": "CHF" } }),
        json!(5),
        json!("CHF"),
    )
    .await;
    let changed = world.update("all", &id, json!({ "price": 6 })).await.unwrap();
    assert_eq!(
        (&changed["price"], &changed["price_currency"]),
        (&json!(6), &json!("CHF"))
    );
    let changed = world
        .update("all", &id, json!({ "price": { "value": 7, "currency": "EUR" } }))
        .await
        .unwrap();
    assert_eq!(
        (&changed["price"], &changed["price_currency"]),
        (&json!(7), &json!("EUR"))
    );
    let errors = field_errors(
        world
            .create("all", json!({ "price": { "value": 1, "currency": "euro" } }))
            .await,
    );
    assert_eq!(errors, ["price_currency: invalid_format"]);
    let found = world
        .query("all", json!({ "where": { "price_currency": "USD" } }))
        .await
        .unwrap();
    assert_eq!(found["total"], 1);
}

#[tokio::test]
async fn defaults_are_values_and_expressions() {
    let world = World::new(&[(
        "thing.object.yml",
        "
name: thing
fields:
  name: { type: text, defaultValue: unnamed }
  price: { type: number, defaultValue: 10 }
  half: { type: number, defaultValue: 'price / 2' }
  due: { type: date, defaultValue: 'TODAY() + 7' }
  at: { type: datetime, defaultValue: $now }
  by: { type: text, defaultValue: $current_user.id }
  title: { type: text, defaultValue: \"=CONCAT(name, ' for ', price)\" }
  cost: { type: text, defaultValue: $5 }
  stage: { type: select, options: [{ label: A, value: aa }, { label: B, value: bb, default: true }] }
  tags: { type: tags, defaultValue: [new] }
  on: { type: boolean, defaultValue: true }
",
    )])
    .await;
    let made = world.create("thing", json!({ "price": 20 })).await.unwrap();
    let expected = json!({
        "name": "unnamed", "price": 20, "half": 10, "due": "2026-03-07", "at": "2026-02-28T12:00:00.000Z", "by": "local",
        "title": "unnamed for 20", "cost": "$5", "stage": "bb", "tags": ["new"], "on": true,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&made[field], value, "{field}");
    }
    // Null that is said is meant.
    let made = world
        .create("thing", json!({ "name": null, "stage": null }))
        .await
        .unwrap();
    assert_eq!((&made["name"], &made["stage"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn records_have_one_of_the_types_of_their_object() {
    let world = World::new(&[(
        "deal.object.yml",
        "name: deal\nrecordTypes: [New Business, renewal]\nfields:\n  name: { type: text }\n",
    )])
    .await;
    let made = world.create("deal", json!({ "name": "a" })).await.unwrap();
    assert_eq!(made["record_type"], "New Business");
    let made = world.create("deal", json!({ "record_type": "renewal" })).await.unwrap();
    assert_eq!(made["record_type"], "renewal");
    let errors = field_errors(world.create("deal", json!({ "record_type": "other" })).await);
    assert_eq!(errors, ["record_type: invalid_option"]);
}

#[tokio::test]
async fn text_that_does_not_look_at_case() {
    let world = World::new(&[(
        "user.object.yml",
        "name: user\nfields:\n  name: { type: text }\n  login: { type: text, caseSensitive: false, unique: true }\n",
    )])
    .await;
    for (name, login) in [("a", json!("Ann")), ("b", json!("bob_x")), ("c", Value::Null)] {
        world
            .create("user", json!({ "id": name, "name": name, "login": login }))
            .await
            .unwrap();
    }
    let error = world.create("user", json!({ "login": "ANN" })).await.unwrap_err();
    assert_eq!(error.code(), "duplicate_value");
    let cases = [
        (json!({ "login": "ann" }), vec!["a"]),
        (json!({ "login": "BOB_X" }), vec!["b"]),
        (json!({ "login": "bobAx" }), vec![]),
        (json!({ "login": { "$ne": "ANN" } }), vec!["b", "c"]),
        (json!({ "login": { "$in": ["ANN", "Bob_X"] } }), vec!["a", "b"]),
        (json!({ "login": { "$nin": ["ANN"] } }), vec!["b", "c"]),
        (json!({ "login": { "$startsWith": "aN" } }), vec!["a"]),
        (json!({ "login": { "$endsWith": "_X" } }), vec!["b"]),
        (json!({ "login": { "$contains": "OB" } }), vec!["b"]),
        (json!({ "login": { "$notContains": "OB" } }), vec!["a", "c"]),
        (json!({ "login": null }), vec!["c"]),
        (json!({ "name": "A" }), vec![]),
    ];
    for (filter, expected) in cases {
        assert_eq!(world.names("user", filter.clone()).await.unwrap(), expected, "{filter}");
    }
}

#[tokio::test]
async fn fields_within_fields() {
    const ORDER: &str = "
name: order
fields:
  free: { type: composite }
  home:
    type: composite
    fields:
      city: { type: text, required: true, maxLength: 10 }
      since: { type: date }
  lines:
    type: repeater
    fields:
      quantity: { type: number, min: 1, required: true }
      state: { type: select, options: [open, done] }
      detail: { type: record, fields: { weight: { type: number } } }
";
    let world = World::new(&[("order.object.yml", ORDER)]).await;
    let good = [
        ("free", json!({ "any": [1] }), json!({ "any": [1] })),
        (
            "home",
            json!({ "city": "Berlin", "since": "2026-02-28T23:00:00+02:00" }),
            json!({ "city": "Berlin", "since": "2026-02-28" }),
        ),
        (
            "lines",
            json!([{ "quantity": "2", "state": "open" }, { "quantity": 3.5, "detail": { "weight": 1 } }]),
            json!([{ "state": "open", "quantity": 2 }, { "detail": { "weight": 1 }, "quantity": 3.5 }]),
        ),
        ("lines", json!([]), json!([])),
        ("home", Value::Null, Value::Null),
    ];
    for (field, value, expected) in good {
        let made = world
            .create("order", json!({ field: value }))
            .await
            .unwrap_or_else(|error| panic!("{field}: {value}: {error}"));
        assert_eq!(made[field], expected, "{field}: {value}");
    }
    let bad = [
        ("home", json!([]), "invalid_type", "Home must be a record"),
        ("home", json!({}), "required", "Home, at city: City is required"),
        (
            "home",
            json!({ "city": "Berlin", "town": "x" }),
            "invalid_format",
            "Home, at town: there is no such field",
        ),
        (
            "lines",
            json!([{ "quantity": 1 }, { "quantity": 0 }]),
            "min_value",
            "Lines, at [1].quantity: Quantity must",
        ),
        ("lines", json!([5]), "invalid_type", "Lines, at [0]: 5 is no record"),
        (
            "lines",
            json!([{ "quantity": 1, "detail": { "weight": "heavy" } }]),
            "invalid_number",
            "Lines, at [0].detail: Detail, at weight: Weight must",
        ),
        (
            "lines",
            json!([{ "quantity": 1, "state": "gone" }]),
            "invalid_option",
            "Lines, at [0].state: State has no option 'gone'",
        ),
    ];
    for (field, value, code, message) in bad {
        let error = world
            .create("order", json!({ field: value.clone() }))
            .await
            .unwrap_err();
        let told = &error.details()["fields"][0];
        assert_eq!(
            (&told["field"], &told["code"]),
            (&json!(field), &json!(code)),
            "{value}"
        );
        let text = told["message"].as_str().unwrap();
        assert!(text.starts_with(message), "{value}: {text}");
    }
}
