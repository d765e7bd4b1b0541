//! What good files become.

use std::fmt::Write;

use expect_test::{Expect, expect};
use objectos_data::model::{DefaultValue, FieldModel, ObjectModel, RuleCheck};

use crate::app_support::{catalogue, object, try_load};

/// One line for each declared field.
fn fields(object: &ObjectModel) -> String {
    let declared = object.fields.values().filter(|field| field.system.is_none());
    declared.fold(String::new(), |mut text, field| {
        let column = field.column.map_or("none", |column| column.name());
        let _ = write!(text, "{}: {:?} as {column}", field.name, field.kind);
        for (flag, set) in [
            ("required", field.required),
            ("unique", field.unique),
            ("readonly", field.readonly),
            ("indexed", field.indexed),
        ] {
            if set {
                let _ = write!(text, " {flag}");
            }
        }
        text + "\n"
    })
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&fields(&object(text)));
}

#[test]
fn types_become_kinds_and_columns() {
    let types = [
        "text",
        "textarea",
        "email",
        "url",
        "phone",
        "password",
        "markdown",
        "html",
        "richtext",
        "number",
        "currency",
        "percent",
        "date",
        "datetime",
        "time",
        "boolean",
        "toggle",
        "image",
        "file",
        "avatar",
        "video",
        "audio",
        "autonumber",
        "location",
        "address",
        "code",
        "json",
        "color",
        "rating",
        "slider",
        "signature",
        "qrcode",
        "progress",
        "tags",
    ];
    let mut text = "name: thing\nfields:\n".to_owned();
    for name in types {
        let _ = writeln!(text, "  a_{name}: {{type: {name}}}");
    }
    text.push_str("  a_select: {type: select, options: [one, two]}\n  a_radio: {type: radio, options: [one, two]}\n");
    text.push_str("  a_multiselect: {type: multiselect, options: [one, two]}\n  a_checkboxes: {type: checkboxes, options: [one, two]}\n");
    text.push_str("  many_select: {type: select, multiple: true, options: [one, two]}\n  a_tree: {type: tree}\n");
    text.push_str("  a_lookup: {type: lookup, reference: thing}\n  many_lookup: {type: lookup, reference: thing, multiple: true}\n");
    text.push_str("  a_vector: {type: vector, vectorConfig: {dimensions: 3}}\n  a_formula: {type: formula, expression: a_number + 1}\n");
    text.push_str("  whole: {type: number, scale: 0}\n  half: {type: rating, allowHalf: true}\n");
    check(
        &text,
        expect![[r#"
        a_text: Text as text
        a_textarea: Text as text
        a_email: Text as text
        a_url: Text as text
        a_phone: Text as text
        a_password: Text as text
        a_markdown: Text as text
        a_html: Text as text
        a_richtext: Text as text
        a_number: Number as number
        a_currency: Number as decimal
        a_percent: Number as number
        a_date: Date as date
        a_datetime: DateTime as datetime
        a_time: Time as time
        a_boolean: Boolean as boolean
        a_toggle: Boolean as boolean
        a_image: File as json
        a_file: File as json
        a_avatar: File as json
        a_video: File as json
        a_audio: File as json
        a_autonumber: Autonumber as text readonly
        a_location: Location as json
        a_address: Address as json
        a_code: Text as text
        a_json: Json as json
        a_color: Text as text
        a_rating: Number as integer
        a_slider: Number as number
        a_signature: Text as text
        a_qrcode: Text as text
        a_progress: Number as number
        a_tags: List as json
        a_select: Choice as text
        a_radio: Choice as text
        a_multiselect: List as json
        a_checkboxes: List as json
        many_select: List as json
        a_tree: Reference as text indexed
        a_lookup: Reference as text indexed
        many_lookup: References as json
        a_vector: Vector as json
        a_formula: Formula as none readonly
        whole: Number as integer
        half: Number as number
    "#]],
    );
}

#[test]
fn flags_follow_from_each_other() {
    let files = [
        (
            "account.object.yml",
            "name: account\nfields:\n  name: {type: text, unique: true}\n",
        ),
        (
            "line.object.yml",
            "name: line\nfields:\n  account: {type: master_detail, reference: account}\n  code: {type: text, externalId: true}\n  twice: {type: formula, expression: code, required: true}\n  number: {type: autonumber, required: true}\n",
        ),
    ];
    let catalogue = catalogue(&files);
    expect![[r#"
        account: Reference as text required indexed
        code: Text as text indexed
        twice: Formula as none readonly
        number: Autonumber as text readonly
    "#]]
    .assert_eq(&fields(catalogue.object("line").expect("the object")));
}

#[test]
fn system_fields_stand_around_the_declared_ones() {
    let names = |text: &str| object(text).fields.keys().cloned().collect::<Vec<_>>().join(" ");
    let plain = "name: thing\nfields: {title: {type: text}}\n";
    let check = |text: &str, expected: &str| assert_eq!(names(text), expected, "{text}");
    check(plain, "id title created_at updated_at created_by updated_by owner_id");
    check(
        &format!("{plain}tenancy: {{enabled: true, strategy: shared}}\n"),
        "id title created_at updated_at created_by updated_by owner_id organization_id",
    );
    check(
        &format!("{plain}tenancy: {{enabled: true, strategy: shared, tenantField: space}}\n"),
        "id title created_at updated_at created_by updated_by owner_id space",
    );
    check(
        &format!("{plain}tenancy: {{enabled: true, strategy: shared, tenantField: title}}\n"),
        "id title created_at updated_at created_by updated_by owner_id",
    );
    check(
        &format!("{plain}tenancy: {{enabled: false, strategy: shared}}\n"),
        "id title created_at updated_at created_by updated_by owner_id",
    );
    check(
        &format!("{plain}softDelete: {{enabled: true}}\n"),
        "id title created_at updated_at created_by updated_by owner_id deleted_at",
    );
}

#[test]
fn indexes_have_names_of_their_own() {
    let indexes = |text: &str| {
        let object = object(text);
        let line = |index: &objectos_data::model::IndexModel| {
            format!(
                "{}{} ({}){}",
                if index.unique { "unique " } else { "" },
                index.name,
                index.fields.join(", "),
                if index.ignore_case { " any case" } else { "" }
            )
        };
        object.indexes.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let fields = "fields:\n  one: {type: text, unique: true, caseSensitive: false}\n  two: {type: text, index: true}\n  three: {type: text}\n";
    let check = |text: String, expected: Expect| expected.assert_eq(&indexes(&text));
    check(
        format!("name: thing\n{fields}"),
        expect![[r#"
        unique ux_thing_one (one) any case
        ix_thing_two (two)
        ix_thing_owner_id (owner_id)"#]],
    );
    check(
        format!(
            "name: thing\n{fields}indexes: [{{fields: [two]}}, {{name: By Three!, fields: [three, two], unique: true}}]\n"
        ),
        expect![[r#"
        ix_thing_two (two)
        unique ux_thing_by_three_ (three, two)
        unique ux_thing_one (one) any case
        ix_thing_owner_id (owner_id)"#]],
    );
    check(
        format!("name: thing\ntenancy: {{enabled: true, strategy: shared}}\n{fields}"),
        expect![[r#"
        unique ux_thing_organization_id_one (organization_id, one) any case
        ix_thing_two (two)
        ix_thing_owner_id (owner_id)
        ix_thing_organization_id (organization_id)"#]],
    );
    // A rule that keeps values unique brings an index, unless one finds them already or nobody looks at the rule.
    let rule = |name: &str, more: &str| format!("  - {{type: unique, name: {name}, message: m, {more}}}\n");
    let rules = [
        rule("a", "fields: [three, two]"),
        rule("b", "fields: [three], caseSensitive: false"),
        rule("c", "fields: [one], caseSensitive: false"),
        rule("d", "fields: [two], scope: \"one = 'x'\""),
        rule("e", "fields: [three], active: false"),
        rule("f", "fields: [two, three]"),
    ];
    check(
        format!("name: thing\n{fields}validations:\n{}", rules.concat()),
        expect![[r#"
        unique ux_thing_one (one) any case
        ix_thing_two (two)
        ix_thing_owner_id (owner_id)
        ix_thing_three_two (three, two)
        ix_thing_three_any_case (three) any case"#]],
    );
    let long = format!("name: {}\n{fields}", "long_".repeat(12) + "x");
    check(
        long,
        expect![[r#"
        unique ux_long_long_long_long_long_long_long_long_long_long_l_f5da641b (one) any case
        ix_long_long_long_long_long_long_long_long_long_long_l_b6aa4c4c (two)
        ix_long_long_long_long_long_long_long_long_long_long_l_afa63205 (owner_id)"#]],
    );
}

#[test]
fn a_unique_rule_that_no_index_serves_is_told_of() {
    let text = "name: thing\nfields:\n  note: {type: textarea}\n  tags: {type: tags}\n  sum: {type: formula, expression: 1 + 1}\nvalidations:\n  - {type: unique, name: a, message: m, fields: [note]}\n  - {type: unique, name: b, message: m, fields: [tags]}\n  - {type: unique, name: c, message: m, fields: [sum]}\n";
    let loaded = try_load(&[("thing.object.yml", text)]).unwrap();
    let lines: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    expect![[r#"
        thing.object.yml:7:50: warning: validations[0].fields[0]: `note` holds long texts, which no index takes: every write compares all records; compare a field with one short value, or keep the table small
        thing.object.yml:8:50: warning: validations[1].fields[0]: no index finds equal values of `tags`, a tags field: every write compares all records; compare a field with one short value, or keep the table small
        thing.object.yml:9:50: warning: validations[2].fields[0]: `sum` is computed and has no column, so the rule compares nothing; compare a field with one short value, or keep the table small"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn titles_are_taken_apart() {
    let check = |text: &str, expected: &str| assert_eq!(format!("{:?}", object(text).title.parts), expected, "{text}");
    check(
        "name: thing\nfields: {code: {type: text}, name: {type: text}}\n",
        r#"[Field(["name"])]"#,
    );
    check(
        "name: thing\nfields: {amount: {type: number}, code: {type: text}}\n",
        r#"[Field(["code"])]"#,
    );
    check("name: thing\nfields: {amount: {type: number}}\n", r#"[Field(["id"])]"#);
    check(
        "name: thing\ntitleFormat: '{code} - {{ parent.code }}!'\nfields: {code: {type: text}, parent: {type: tree}}\n",
        r#"[Field(["code"]), Literal(" - "), Field(["parent", "code"]), Literal("!")]"#,
    );
}

#[test]
fn formulas_know_type_order_and_sql() {
    let files = [
        (
            "account.object.yml",
            "name: account\nfields:\n  name: {type: text}\n  rate: {type: formula, expression: 1 / 2}\n",
        ),
        (
            "line.object.yml",
            "name: line\nfields:\n  last: {type: formula, expression: second + 1}\n  second: {type: formula, expression: amount * 2}\n  amount: {type: number}\n  account: {type: lookup, reference: account}\n  over: {type: formula, expression: account.rate * amount}\n  upper: {type: formula, expression: UPPER(account.name)}\n  late: {type: formula, expression: created_at < TODAY()}\n",
        ),
    ];
    let catalogue = catalogue(&files);
    let line = catalogue.object("line").expect("the object");
    let formula = |field: &&FieldModel| {
        field.formula.as_ref().map(|formula| {
            let relations: Vec<&str> = formula.relations().collect();
            format!(
                "{}: {} sql={} over={relations:?}",
                field.name,
                formula.result(),
                formula.sql()
            )
        })
    };
    let lines: Vec<String> = line.fields.values().filter_map(|field| formula(&field)).collect();
    expect![[r#"
        last: number sql=true over=[]
        second: number sql=true over=[]
        over: number sql=false over=["account"]
        upper: text sql=false over=["account"]
        late: boolean sql=true over=[]
        order: second last over upper late"#]]
    .assert_eq(&format!(
        "{}\norder: {}",
        lines.join("\n"),
        line.formula_order.join(" ")
    ));
}

#[test]
fn summaries_know_the_way_back() {
    let files = [
        (
            "account.object.yml",
            "name: account\nfields:\n  name: {type: text}\n  total: {type: summary, summaryOperations: {object: line, field: share, function: sum}}\n  latest: {type: summary, summaryOperations: {object: line, field: due, function: max}}\n  lines: {type: summary, summaryOperations: {object: line, field: id, function: count}}\n  rest: {type: formula, expression: total - 1}\n",
        ),
        (
            "line.object.yml",
            "name: line\nfields:\n  other: {type: lookup, reference: account}\n  account: {type: master_detail, reference: account}\n  amount: {type: number}\n  due: {type: date}\n  share: {type: formula, expression: amount / 2}\n",
        ),
    ];
    let catalogue = catalogue(&files);
    let account = catalogue.object("account").expect("the object");
    let lines: Vec<String> = account
        .fields
        .values()
        .filter_map(|field| field.summary.as_ref())
        .map(|summary| format!("{summary:?}"))
        .collect();
    expect![[r#"
        SummaryModel { object: "line", field: "share", function: Sum, via: "account", result: Number, filter: None }
        SummaryModel { object: "line", field: "due", function: Max, via: "account", result: Date, filter: None }
        SummaryModel { object: "line", field: "id", function: Count, via: "account", result: Number, filter: None }"#]]
    .assert_eq(&lines.join("\n"));
    assert!(
        !account
            .field("rest")
            .expect("the field")
            .formula
            .as_ref()
            .expect("a formula")
            .sql()
    );
    let children: Vec<(&str, &str)> = catalogue
        .children("account")
        .iter()
        .map(|child| (child.object.as_str(), child.field.as_str()))
        .collect();
    assert_eq!(children, [("line", "other"), ("line", "account")]);
}

#[test]
fn references_know_what_happens_on_delete() {
    let behavior = |field: &str| {
        let files = [
            ("account.object.yml", "name: account\nfields: {name: {type: text}}\n"),
            ("line.object.yml", &format!("name: line\nfields:\n  account: {field}\n")),
        ];
        let catalogue = catalogue(&files);
        let line = catalogue.object("line").expect("the object").clone();
        let field = line.field("account").expect("the field");
        format!(
            "{} {}",
            field.reference.as_ref().expect("a reference").delete_behavior,
            if field.required { "required" } else { "optional" }
        )
    };
    let check = |field: &str, expected: &str| assert_eq!(behavior(field), expected, "{field}");
    check("{type: lookup, reference: account}", "set_null optional");
    check(
        "{type: lookup, reference: account, required: true}",
        "restrict required",
    );
    check(
        "{type: lookup, reference: account, deleteBehavior: cascade}",
        "cascade optional",
    );
    check("{type: master_detail, reference: account}", "cascade required");
    check(
        "{type: master_detail, reference: account, deleteBehavior: restrict}",
        "restrict required",
    );
}

#[test]
fn defaults_are_values_or_expressions() {
    let default = |field: &str| match object(&format!("name: thing\nfields:\n  field: {field}\n"))
        .field("field")
        .expect("the field")
        .default
        .clone()
    {
        None => "none".to_owned(),
        Some(DefaultValue::Literal(value)) => value.to_string(),
        Some(DefaultValue::Expression(expression)) => format!("{} of {}", expression.result(), expression.source()),
    };
    let check = |field: &str, expected: &str| assert_eq!(default(field), expected, "{field}");
    check("{type: text}", "none");
    check("{type: text, defaultValue: TODAY()}", "\"TODAY()\"");
    check("{type: number, default: 5}", "5");
    check("{type: number, defaultValue: 2 + 3}", "number of 2 + 3");
    check("{type: date, defaultValue: TODAY()}", "date of TODAY()");
    check("{type: date, defaultValue: 2026-02-28}", "\"2026-02-28\"");
    check("{type: datetime, defaultValue: NOW()}", "datetime of NOW()");
    check("{type: boolean, defaultValue: false}", "false");
    check(
        "{type: select, options: [{label: A, value: aa}, {label: B, value: bb, default: true}]}",
        "\"bb\"",
    );
    check("{type: select, options: [New, Old], default: Old}", "\"old\"");
    check(
        "{type: multiselect, options: [{label: A, value: aa, default: true}]}",
        "[\"aa\"]",
    );
    check(
        "{type: tree, defaultValue: $current_user.id}",
        "text of $current_user.id",
    );
}

#[test]
fn rules_are_compiled_when_active() {
    let text = "name: thing\nfields:\n  amount: {type: number}\n  code: {type: text, regex: '^[A-Z]'}\n  data: {type: json}\n  status: {type: select, options: [new, old]}\nvalidations:\n  - {type: script, name: a, message: m, condition: amount < 0}\n  - {type: script, name: off, message: m, active: false, condition: amount < 0}\n  - {type: unique, name: b, message: m, fields: [code], scope: status = 'new'}\n  - {type: state_machine, name: c, message: m, field: status, transitions: {new: [old], old: []}}\n  - {type: format, name: d, message: m, field: code, format: email, severity: warning}\n  - {type: cross_field, name: e, message: m, condition: ISCHANGED(amount) AND ISBLANK(code), fields: [amount, code], events: [update]}\n  - {type: json_schema, name: f, message: m, field: data, schema: {type: object}}\n  - {type: conditional, name: g, message: m, when: amount > 5, then: {type: script, name: h, message: m, condition: ISBLANK(code)}}\n";
    let object = object(text);
    let lines: Vec<String> = object
        .rules
        .iter()
        .map(|rule| {
            let check = match &rule.check {
                RuleCheck::Condition(expression) => format!("broken when {}", expression.source()),
                RuleCheck::Unique { fields, scope, .. } => format!(
                    "unique {fields:?} where {:?}",
                    scope.as_ref().map(|scope| scope.source())
                ),
                RuleCheck::Transitions { allowed, .. } => format!("{} states", allowed.len()),
                RuleCheck::Pattern { regex, .. } => format!("pattern {regex}"),
                RuleCheck::Format { format, .. } => format!("format {format}"),
                RuleCheck::JsonSchema { validator, .. } => {
                    format!("schema, list fits: {}", validator.is_valid(&serde_json::json!([])))
                }
                RuleCheck::Conditional { when, then, .. } => {
                    let then = then.as_ref().map_or("nothing", |then| then.name.as_str());
                    format!("when {} then {then}", when.source())
                }
                RuleCheck::Asked(asked) => format!("asked {:?}", asked.whom),
            };
            let events: Vec<&str> = rule.events.iter().map(|event| event.as_str()).collect();
            format!("{} {} {events:?} {:?}: {check}", rule.name, rule.severity, rule.fields)
        })
        .collect();
    expect![[r#"
        a error ["insert", "update"] []: broken when amount < 0
        b error ["insert", "update"] ["code"]: unique ["code"] where Some("status = 'new'")
        c error ["insert", "update"] ["status"]: 2 states
        d warning ["insert", "update"] ["code"]: format email
        e error ["update"] ["amount", "code"]: broken when ISCHANGED(amount) AND ISBLANK(code)
        f error ["insert", "update"] ["data"]: schema, list fits: false
        g error ["insert", "update"] []: when amount > 5 then h
        code_regex error ["insert", "update"] ["code"]: pattern ^[A-Z]"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn older_spellings_become_the_same_model() {
    let older = "name: thing\nlabel: Thing\nicon: box\nfields:\n  title:\n    type: text\n    label: Title\n    required: true\n    max_length: 80\n  owner_ref:\n    type: lookup\n    label: Owner Ref\n    reference_to: thing\n  status:\n    type: select\n    label: Status\n    options: [New, In Progress]\n    default: New\n  number: {type: auto_number, label: Number, format: 'T-{0000}'}\nindexes:\n  by_title: {fields: [title], unique: true}\n";
    let newer = "name: thing\nlabel: Thing\nicon: box\nfields:\n  title: {name: title, type: text, label: Title, required: true, maxLength: 80}\n  owner_ref: {name: owner_ref, type: lookup, label: Owner Ref, reference: thing}\n  status:\n    name: status\n    type: select\n    label: Status\n    options: [{label: New, value: new}, {label: In Progress, value: in_progress}]\n    defaultValue: new\n  number: {name: number, type: autonumber, label: Number, autonumberFormat: 'T-{0000}'}\nindexes:\n  - {name: by_title, fields: [title], unique: true}\n";
    assert_eq!(object(older).definition, object(newer).definition);
}

#[test]
fn one_file_may_hold_several_objects() {
    let text = "one:\n  fields: {title: {type: text}}\ntwo:\n  fields: {one: {type: lookup, reference: one}}\n";
    let catalogue = catalogue(&[("all.object.yml", text)]);
    assert_eq!(
        catalogue
            .objects()
            .map(|object| object.name.clone())
            .collect::<Vec<_>>(),
        ["one", "two"]
    );
}

#[test]
fn what_means_nothing_is_a_warning() {
    let text = "name: thing\nworkflows: []\npartitioning: {enabled: true, strategy: range, key: id}\nfields:\n  title: {type: text, expression: x, reference: thing, options: [aa]}\n  twice: {type: formula, expression: title, required: true, defaultValue: 1}\n  code: {type: text, blackbox: true}\nindexes: [{fields: [title], type: gist}, {fields: [title, code], type: hash}, {fields: [code], type: gin}]\n";
    let loaded = try_load(&[("thing.object.yml", text)]).expect("only warnings");
    let lines: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    expect![[r#"
        thing.object.yml:2:1: warning: workflows: left out: workflows belong in a *.workflow.yml file
        thing.object.yml:3:1: warning: partitioning: is kept with the definition, but nothing acts on it; the records lie in one table; partition it in the database, where that is needed
        thing.object.yml:5:35: warning: fields.title.expression: `expression` means nothing for a text field; remove it
        thing.object.yml:5:49: warning: fields.title.reference: `reference` means nothing for a text field; remove it
        thing.object.yml:5:65: warning: fields.title.options: `options` means nothing for a text field; remove it
        thing.object.yml:6:55: warning: fields.twice.required: `required` means nothing for a formula field; remove it
        thing.object.yml:6:75: warning: fields.twice.defaultValue: `defaultValue` means nothing for a formula field; remove it
        thing.object.yml:7:22: warning: fields.code.blackbox: left out: json fields are always free
        thing.object.yml:8:35: warning: indexes[0].type: the index is made as btree: no field has values that `gist` is for; remove `type`
        thing.object.yml:8:72: warning: indexes[1].type: the index is made as btree: `hash` is for one field whose values are not unique; remove `type`
        thing.object.yml:8:102: warning: indexes[2].type: the index is made as btree: `gin` is for lists and documents; the words of texts have `fulltext`; remove `type`"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn what_nothing_acts_on_is_a_warning() {
    let text = "name: thing\nenable: {files: true, feeds: true, activities: true, mru: true, trackHistory: true}\nsearch: {fields: [title], filters: [title]}\nfields:\n  title: {type: text, auditTrail: true, trackFeedHistory: true}\n  code: {type: text, dataQuality: {uniqueness: true}, auditTrail: false}\n  twice: {type: formula, expression: title, cached: {enabled: true, ttl: 5, invalidateOn: [title]}}\n";
    let loaded = try_load(&[("thing.object.yml", text)]).expect("only warnings");
    let mut paths: Vec<&str> = loaded.warnings.iter().map(|warning| warning.path.as_str()).collect();
    paths.sort_unstable();
    let expected = [
        "enable.activities",
        "enable.feeds",
        "enable.files",
        "fields.code.dataQuality",
        "fields.title.auditTrail",
        "fields.title.trackFeedHistory",
        "fields.twice.cached",
        "search.filters[0]",
    ];
    assert_eq!(paths, expected);
    // Each says what to do in its place.
    assert!(loaded.warnings.iter().all(|warning| warning.hint.is_some()));
    let text = "name: thing\nversioning: {enabled: true, strategy: event-sourcing, versionField: version}\nfields:\n  title: {type: text}\n  vector: {type: vector, vectorConfig: {dimensions: 2, indexed: true, indexType: hnsw}}\n  file: {type: file, fileAttachmentConfig: {publicRead: false, allowDelete: false, storageBucket: b}}\n  image: {type: image, fileAttachmentConfig: {imageValidation: {generateThumbnails: true, autoRotate: false}}}\n";
    let loaded = try_load(&[("thing.object.yml", text)]).expect("only warnings");
    let mut paths: Vec<&str> = loaded.warnings.iter().map(|warning| warning.path.as_str()).collect();
    paths.sort_unstable();
    let expected = [
        "fields.file.fileAttachmentConfig.allowDelete",
        "fields.file.fileAttachmentConfig.storageBucket",
        "fields.image.fileAttachmentConfig.imageValidation.generateThumbnails",
        "fields.vector.vectorConfig.indexType",
        "fields.vector.vectorConfig.indexed",
        "versioning.strategy",
    ];
    assert_eq!(paths, expected);
    let order = "name: order\nsoftDelete: {enabled: true}\nfields: {name: {type: text}}\n";
    let line = "name: line\nfields: {order: {type: master_detail, reference: order}}\n";
    let loaded = try_load(&[("order.object.yml", order), ("line.object.yml", line)]).expect("only warnings");
    let told: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line.object.yml:2:24: warning: fields.order.type: records of `line` stay when their `order` goes into the bin; give `line` a `softDelete`, then they go and come back together"
        ]
    );
    let quiet = "name: thing\nenable: {files: false, feeds: false}\nfields: {title: {type: text}}\n";
    let loaded = try_load(&[("thing.object.yml", quiet)]).expect("no problems");
    assert_eq!(loaded.warnings, []);
}

#[test]
fn a_thousand_objects_load() {
    let mut files = Vec::new();
    for number in 0..1_000 {
        let mut text =
            format!("name: object_{number}\nfields:\n  name: {{type: text, required: true, unique: true}}\n");
        for field in 0..18 {
            let _ = writeln!(text, "  field_{field}: {{type: number, label: Field {field}, min: 0}}");
        }
        let _ = writeln!(text, "  parent: {{type: lookup, reference: object_{}}}", number / 2);
        let _ = writeln!(text, "  total: {{type: formula, expression: field_0 + field_1 * 2}}");
        files.push((format!("object_{number}.object.yml"), text));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let catalogue = catalogue(&files);
    assert_eq!(catalogue.objects().len(), 1_000);
    assert_eq!(catalogue.children("object_499").len(), 2);
    assert_eq!(catalogue.nearest_object("objcet_500"), Some("object_500"));
}
