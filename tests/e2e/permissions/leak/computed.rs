//! Formulas and roll-ups, held against a model of their own: what a user reads of them is computed over the rows and fields that
//! the user may read, and null where a field is hidden. The administrator computes over more, so their answer says nothing here.

use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::Dice;
use super::surfaces::Sight;
use crate::permissions::people::Person;

const COMPUTED: [&str; 5] = ["deals", "worth", "double", "area", "gross"];

/// Of an account.
#[derive(Debug, PartialEq)]
struct Figures {
    id: String,
    deals: Option<f64>,
    worth: Option<f64>,
    double: Option<f64>,
}

/// Takes the computed fields out of the records of an answer, and out of the accounts in them.
pub(super) fn leave_out(answer: &mut Value) {
    for record in answer["records"].as_array_mut().expect("records") {
        let Some(record) = record.as_object_mut() else { continue };
        record.retain(|name, _| !COMPUTED.contains(&name.as_str()));
        if let Some(Value::Object(account)) = record.get_mut("account") {
            account.retain(|name, _| !COMPUTED.contains(&name.as_str()));
        }
    }
}

/// Asks one user for computed fields: as values, in filters, in orders, in sums and in groups.
pub(super) fn check(sight: &Sight<'_>, dice: &mut Dice, person: &mut Person) {
    if sight.reads[0] {
        accounts(sight, dice, person);
    }
    if sight.reads[1] {
        deals(sight, person);
    }
}

fn accounts(sight: &Sight<'_>, dice: &mut Dice, person: &mut Person) {
    let mut all = figures(sight);
    let sum: Option<f64> = all
        .iter()
        .filter_map(|account| account.worth)
        .reduce(|sum, worth| sum + worth);
    let least = f64::from(u32::try_from(dice.below(1500)).expect("small"));
    let (filter, order) = match dice.below(4) {
        0 => {
            all.retain(|account| account.worth.is_some_and(|worth| worth >= least));
            (json!({"worth": {"$gte": least}}), "id")
        }
        1 => {
            all.retain(|account| account.deals == Some(2.0));
            (json!({"deals": 2}), "id")
        }
        2 => {
            all.retain(|account| account.double.is_none());
            (json!({"double": {"$null": true}}), "id")
        }
        _ => {
            // Null comes first; equal ones stay in the order of their ids.
            all.sort_by(|left, right| left.worth.partial_cmp(&right.worth).expect("finite"));
            (json!({}), "worth")
        }
    };
    let body = json!({
        "fields": ["id", "deals", "worth", "double"], "where": filter, "limit": 200,
        "orderBy": [{"field": order, "order": "asc"}, {"field": "id", "order": "asc"}],
    });
    let answer = person.send("POST", "/api/v1/data/account/query", &body).expect(200);
    let found: Vec<Figures> = answer["records"]
        .as_array()
        .expect("records")
        .iter()
        .map(|record| Figures {
            id: record["id"].as_str().unwrap_or_default().to_owned(),
            deals: record["deals"].as_f64(),
            worth: record["worth"].as_f64(),
            double: record["double"].as_f64(),
        })
        .collect();
    assert_eq!(found, all, "{}: {body}", sight.about);
    let body = json!({"aggregations": [{"function": "sum", "field": "worth", "alias": "sum"}]});
    let answer = person.send("POST", "/api/v1/data/account/query", &body).expect(200);
    assert_eq!(answer["records"][0]["sum"].as_f64(), sum, "{}: {answer}", sight.about);
}

/// What the user reads of each account, in the order of ids.
fn figures(sight: &Sight<'_>) -> Vec<Figures> {
    let mut out: Vec<Figures> = sight
        .seen(0)
        .map(|account| {
            let deals: Vec<&Value> = sight.seen(1).filter(|deal| deal["account"] == account["id"]).collect();
            let amounts = deals.iter().filter_map(|deal| deal["amount"].as_f64());
            let worth = amounts.reduce(|sum, amount| sum + amount);
            let count = f64::from(u32::try_from(deals.len()).expect("few"));
            Figures {
                id: account["id"].as_str().expect("an id").to_owned(),
                deals: Some(count).filter(|_| sight.reads[1]),
                worth: worth.filter(|_| !sight.hidden[1].contains("amount")),
                double: account["revenue"]
                    .as_f64()
                    .map(|revenue| revenue * 2.0)
                    .filter(|_| !sight.hidden[0].contains("revenue")),
            }
        })
        .collect();
    out.sort_by(|left, right| left.id.cmp(&right.id));
    out
}

fn deals(sight: &Sight<'_>, person: &mut Person) {
    let mut areas: BTreeMap<Option<String>, u64> = BTreeMap::new();
    let mut expected = BTreeMap::new();
    for deal in sight.seen(1) {
        let account = sight.seen(0).find(|account| account["id"] == deal["account"]);
        let area = account.and_then(|account| account["region"].as_str().map(str::to_owned));
        let gross = deal["amount"].as_f64().map(|amount| amount + 1.0);
        let gross = gross.filter(|_| !sight.hidden[1].contains("amount"));
        *areas.entry(area.clone()).or_default() += 1;
        expected.insert(deal["id"].as_str().expect("an id").to_owned(), (area, gross));
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let body = json!({"fields": ["id", "area", "gross"], "limit": 200});
    let answer = person.send("POST", "/api/v1/data/opportunity/query", &body).expect(200);
    let records = answer["records"].as_array().expect("records").iter();
    let found: BTreeMap<String, (Option<String>, Option<f64>)> = records
        .map(|record| {
            let id = text(&record["id"]).unwrap_or_default();
            (id, (text(&record["area"]), record["gross"].as_f64()))
        })
        .collect();
    assert_eq!(found, expected, "{}: {body}", sight.about);
    let body = json!({"groupBy": ["area"], "aggregations": [{"function": "count", "alias": "n"}]});
    let answer = person.send("POST", "/api/v1/data/opportunity/query", &body).expect(200);
    let groups = answer["records"].as_array().expect("records").iter();
    let found: BTreeMap<Option<String>, u64> = groups
        .map(|group| (text(&group["area"]), group["n"].as_u64().unwrap_or_default()))
        .collect();
    assert_eq!(found, areas, "{}: {body}", sight.about);
}
