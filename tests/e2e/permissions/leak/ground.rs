//! The app that everything is asked about, and the records that there are before the first round.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::masking::Masking;
use super::mirror::PREFIX;
use super::{BEHIND_THE_MASK, Dice, ORGANIZATIONS, REGIONS, STAGES};
use crate::permissions::people::{People, Person};

/// More than one page of an export for each of their owners.
const TRACES: usize = 1_800;

/// Two organisations with a member each, and somebody who belongs to none; what each wrote there, and a team.
pub(super) fn seed_tenants(people: &mut People, users: &mut [Person]) -> (Vec<BTreeSet<String>>, String) {
    let mut organizations = Vec::new();
    for (index, person) in users.iter_mut().enumerate().take(ORGANIZATIONS) {
        let body = json!({"name": format!("Org {index}"), "slug": format!("org-{index}")});
        let made = person
            .send("POST", "/api/v1/auth/organization/create", &body)
            .expect(200);
        let id = made["id"].as_str().expect("an id").to_owned();
        let active = json!({"organizationId": id});
        person
            .send("POST", "/api/v1/auth/organization/set-active", &active)
            .expect(200);
        organizations.push(id);
    }
    let team = json!({"name": "Field", "organization_id": organizations[0]});
    let team = people.admin.make("sys_team", &team);
    let mut memos = Vec::new();
    for person in users {
        people.give_set(person, "memos");
        let memo = |index: usize| person.make("memo", &json!({"text": format!("a1 memo {index}")}));
        memos.push((0..2).map(memo).collect());
    }
    (memos, team)
}

pub(super) fn seed_records(
    dice: &mut Dice,
    people: &mut People,
    users: &[Person],
) -> BTreeMap<&'static str, Vec<Value>> {
    let owners: Vec<String> = users.iter().map(|user| user.id.clone()).collect();
    let mut accounts = Vec::new();
    for index in 0..12 {
        let mut record = json!({"id": format!("acc_{index:02}"), "name": format!("a{index}"), "code": format!("code {index:02}"), "owner_id": dice.pick(&owners), "revenue": dice.below(1000), "secret": format!("s{index}"), "iban": format!("{BEHIND_THE_MASK} {}", index / 3)});
        if dice.chance(80) {
            record["place"] = json!([index, dice.below(100)]);
        }
        if dice.chance(85) {
            record["region"] = json!(dice.pick(&REGIONS));
        }
        // A past that it has in versions and in the trail.
        let mut first = record.clone();
        first["secret"] = json!("s0 before");
        first["iban"] = json!(format!("{BEHIND_THE_MASK} before"));
        let id = people.admin.make("account", &first);
        let change = json!({"secret": record["secret"], "iban": record["iban"]});
        people
            .admin
            .send("PATCH", &format!("/api/v1/data/account/{id}"), &change)
            .expect(200);
        accounts.push(record);
    }
    let mut deals = Vec::new();
    for index in 0..30 {
        let mut record = json!({"id": format!("deal_{index:02}"), "name": format!("a{index} deal"), "account": dice.pick(&accounts)["id"], "owner_id": dice.pick(&owners), "amount": dice.below(1000), "secret": format!("s{index}")});
        if dice.chance(85) {
            record["stage"] = json!(dice.pick(&STAGES));
        }
        people.admin.make("opportunity", &record);
        deals.push(record);
    }
    BTreeMap::from([("account", accounts), ("opportunity", deals)])
}

/// Traces, a third of them of each user: those of the user, in the order of users.
pub(super) fn seed_traces(people: &mut People, users: &[Person]) -> Vec<BTreeSet<String>> {
    let mut traces = vec![BTreeSet::new(); users.len()];
    let all: Vec<usize> = (0..TRACES).collect();
    for part in all.chunks(200) {
        let records: Vec<Value> = part
            .iter()
            .map(|index| {
                let (id, owner) = (format!("trace_{index:04}"), index % users.len());
                traces[owner].insert(id.clone());
                json!({"id": id, "owner_id": users[owner].id})
            })
            .collect();
        let made = people
            .admin
            .send("POST", "/api/v1/data/trace/createMany", &json!(records));
        assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    }
    traces
}

/// Files of the objects that everything is asked about, and of their mirrors.
fn objects(masking: &Masking) -> Vec<(&'static str, String)> {
    let text = |name: &str| format!("  {name}: {{type: text, searchable: {}}}\n", name != "region");
    let fields = [text("name"), text("region"), text("secret")].concat();
    let figures = |child: &str| {
        format!(
            "  revenue: {{type: number}}\n  code: {{type: text, unique: true, externalId: true, searchable: false}}\n  \
             place: {{type: vector, vectorConfig: {{dimensions: 2, distanceMetric: euclidean}}}}\n  \
             deals: {{type: summary, summaryOperations: {{object: {child}, field: id, function: count}}}}\n  \
             worth: {{type: summary, summaryOperations: {{object: {child}, field: amount, function: sum}}}}\n  \
             double: {{type: formula, expression: 'revenue * 2'}}\n"
        )
    };
    let account = format!(
        "name: account\nsharingModel: read\nversioning: {{enabled: true, strategy: delta}}\nfields:\n{fields}{}  \
         iban: {{type: text, maskingRule: {}}}\n",
        figures("opportunity"),
        masking.rule()
    );
    let mirrored_account = format!(
        "name: {PREFIX}account\nsharingModel: private\nfields:\n{fields}{}  iban: {{type: text}}\n",
        figures(&format!("{PREFIX}opportunity"))
    );
    let deal = |prefix: &str, kind: &str| {
        format!(
            "name: {prefix}opportunity\n{kind}fields:\n{}{}  account: {{type: {}}}\n  stage: {{type: text}}\n  amount: {{type: number}}\n  \
             area: {{type: formula, expression: account.region}}\n  gross: {{type: formula, expression: 'amount + 1'}}\n",
            text("name"),
            text("secret"),
            if prefix.is_empty() {
                "master_detail, reference: account, deleteBehavior: restrict".to_owned()
            } else {
                format!("lookup, reference: {prefix}account")
            }
        )
    };
    let opportunity = deal(
        "",
        "sharingModel: private\nversioning: {enabled: true, strategy: snapshot}\n",
    );
    vec![
        ("account.object.yml", account),
        ("opportunity.object.yml", opportunity),
        ("mirror_account.object.yml", mirrored_account),
        ("mirror_opportunity.object.yml", deal(PREFIX, "sharingModel: private\n")),
    ]
}

pub(super) fn app(folder: &std::path::Path, masking: &Masking) -> std::path::PathBuf {
    let app = folder.join("leak");
    std::fs::create_dir_all(&app).expect("a folder");
    let others = [
        ("objectos.app.yml", "id: leak\nversion: 1.0.0\n"),
        (
            "memo.object.yml",
            "name: memo\ntenancy: {enabled: true, strategy: shared}\nfields:\n  text: {type: text, searchable: true}\n",
        ),
        (
            "trace.object.yml",
            "name: trace\nsharingModel: private\nfields:\n  mark: {type: text}\n",
        ),
        (
            "memos.permission.yml",
            "name: memos\nobjects:\n  memo: {allowRead: true, allowCreate: true, viewAllRecords: true}\n  trace: {allowRead: true}\n",
        ),
        (
            "leak.role.yml",
            "- {name: chief, label: Chief}\n- {name: boss, label: Boss, parent: chief}\n\
             - {name: rep, label: Rep, parent: boss}\n- {name: aide, label: Aide, parent: rep}\n",
        ),
    ];
    let others = others.into_iter().map(|(name, text)| (name, text.to_owned()));
    for (name, text) in objects(masking).into_iter().chain(others) {
        std::fs::write(app.join(name), text).expect("a file");
    }
    app
}
