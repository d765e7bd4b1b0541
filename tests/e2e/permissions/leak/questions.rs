//! Queries of every kind, drawn. `@` stands before the names of objects: nothing comes in its place for the user, and the prefix
//! of the mirror for the administrator, so that both are asked the same.

use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::{Dice, REGIONS, STAGES};

/// Fields with texts, of an account and of an opportunity.
const TEXTS: [&[&str]; 2] = [
    &["name", "region", "secret", "code"],
    &[
        "name",
        "stage",
        "secret",
        "area",
        "account.id",
        "account.name",
        "account.region",
        "account.secret",
        "account.code",
    ],
];
/// Fields with numbers, of an account and of an opportunity.
const NUMBERS: [&[&str]; 2] = [
    &["revenue", "double", "worth", "deals"],
    &["amount", "gross", "account.revenue", "account.double", "account.deals"],
];
/// Roll-ups: null for whoever may not read what they sum up.
const ROLL_UPS: [&str; 2] = ["deals", "worth"];

/// What kind of question it is: each must be answered and compared at least once in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    Page,
    Distinct,
    Windows,
    Join,
    Figures,
    Near,
    Search,
    Expand,
    Export,
}

pub(super) const SHAPES: [Shape; 9] = [
    Shape::Page,
    Shape::Distinct,
    Shape::Windows,
    Shape::Join,
    Shape::Figures,
    Shape::Near,
    Shape::Search,
    Shape::Expand,
    Shape::Export,
];

/// A query, and what it touches.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) shape: Shape,
    /// Place of the object among those of the test.
    pub(super) own: usize,
    pub(super) body: Value,
    /// Fields of the object.
    pub(super) touches: BTreeSet<&'static str>,
    /// Fields of the other object, over a relation.
    pub(super) over: BTreeSet<&'static str>,
}

impl Question {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let shape = *dice.pick(&SHAPES);
        let own = match shape {
            Shape::Join => 1,
            Shape::Near => 0,
            _ => dice.below(2),
        };
        let mut question = Self {
            shape,
            own,
            body: json!({}),
            touches: BTreeSet::new(),
            over: BTreeSet::new(),
        };
        question.body = match shape {
            Shape::Page | Shape::Export => question.page(dice),
            Shape::Distinct => question.distinct(dice),
            Shape::Windows => question.windows(dice),
            Shape::Join => question.join(dice),
            Shape::Figures => question.figures(dice),
            Shape::Near => question.near(dice),
            Shape::Search => question.search(dice),
            Shape::Expand => question.expand(dice),
        };
        question
    }

    /// Whether it asks for a roll-up over the opportunities.
    pub(super) fn rolls_up(&self) -> bool {
        let fields = if self.own == 0 { &self.touches } else { &self.over };
        ROLL_UPS.iter().any(|field| fields.contains(field))
    }

    fn touch(&mut self, field: &'static str) -> &'static str {
        match field.strip_prefix("account.") {
            Some(theirs) => self.over.insert(theirs),
            None => self.touches.insert(field),
        };
        field
    }

    fn text(&mut self, dice: &mut Dice) -> &'static str {
        let field = *dice.pick(TEXTS[self.own]);
        self.touch(field)
    }

    fn number(&mut self, dice: &mut Dice) -> &'static str {
        let field = *dice.pick(NUMBERS[self.own]);
        self.touch(field)
    }

    fn any(&mut self, dice: &mut Dice) -> &'static str {
        if dice.chance(50) {
            self.text(dice)
        } else {
            self.number(dice)
        }
    }

    /// Names of fields, each once: the id first.
    fn fields(&mut self, dice: &mut Dice) -> Vec<&'static str> {
        let mut names = vec!["id"];
        for _ in 0..1 + dice.below(3) {
            let name = self.any(dice);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if self.own == 0 && dice.chance(30) {
            // Seen as a mask, and no field to look for.
            names.push("iban");
        }
        names
    }

    fn filter(&mut self, dice: &mut Dice) -> Value {
        match dice.below(8) {
            0 => json!({}),
            1 => json!({(self.number(dice)): {"$gte": dice.below(900)}}),
            2 => json!({(self.number(dice)): {"$lt": dice.below(1500)}}),
            3 => json!({(self.text(dice)): {"$contains": *dice.pick(&["1", "o", "s"])}}),
            4 => json!({(self.any(dice)): {"$null": dice.chance(50)}}),
            5 => json!({"$or": [self.simple(dice), self.simple(dice)]}),
            6 => json!({"$not": self.simple(dice)}),
            _ => self.related(dice),
        }
    }

    fn simple(&mut self, dice: &mut Dice) -> Value {
        if dice.chance(50) {
            json!({(self.number(dice)): {"$gte": dice.below(900)}})
        } else {
            json!({(self.text(dice)): {"$contains": *dice.pick(&["1", "o", "s"])}})
        }
    }

    /// A condition on what points here, or on what this points to.
    fn related(&mut self, dice: &mut Dice) -> Value {
        if self.own == 1 {
            return json!({(self.touch("account.region")): *dice.pick(&REGIONS)});
        }
        let quantifier = *dice.pick(&["$some", "$every", "$none"]);
        let condition = if dice.chance(50) {
            self.over.insert("stage");
            json!({"stage": *dice.pick(&STAGES)})
        } else {
            self.over.insert("amount");
            json!({"amount": {"$gte": dice.below(900)}})
        };
        json!({"@opportunity": {(quantifier): condition}})
    }

    /// An order that leaves nothing open.
    fn order(&mut self, dice: &mut Dice) -> Value {
        let mut keys: Vec<Value> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for _ in 0..1 + dice.below(2) {
            let name = self.any(dice);
            if !names.contains(&name) {
                names.push(name);
                let mut key = json!({"field": name, "order": *dice.pick(&["asc", "desc"])});
                if dice.chance(30) {
                    key["nulls"] = json!(*dice.pick(&["first", "last"]));
                }
                keys.push(key);
            }
        }
        keys.push(json!({"field": "id", "order": "asc"}));
        Value::Array(keys)
    }

    fn page(&mut self, dice: &mut Dice) -> Value {
        json!({
            "fields": self.fields(dice), "where": self.filter(dice), "orderBy": self.order(dice), "limit": 1 + dice.below(6),
        })
    }

    fn distinct(&mut self, dice: &mut Dice) -> Value {
        let first = self.text(dice);
        let mut names = vec![first];
        if dice.chance(50) {
            let second = self.text(dice);
            if second != first {
                names.push(second);
            }
        }
        if self.own == 0 && dice.chance(20) {
            // Whoever counts what lies behind a mask knows which are equal.
            names.push("iban");
            self.touches.insert("iban");
        }
        let order: Vec<Value> = names
            .iter()
            .map(|name| json!({"field": name, "order": "asc"}))
            .collect();
        json!({"fields": names, "where": self.filter(dice), "distinct": true, "orderBy": order, "limit": 200})
    }

    fn windows(&mut self, dice: &mut Dice) -> Value {
        let function = *dice.pick(&["row_number", "rank", "lag", "sum", "count", "first_value", "max"]);
        let mut over = json!({"orderBy": [{"field": self.any(dice), "order": "asc"}, {"field": "id", "order": "asc"}]});
        if dice.chance(60) {
            over["partitionBy"] = json!([self.text(dice)]);
        }
        let mut window = json!({"function": function, "alias": "w", "over": over});
        if !["row_number", "rank"].contains(&function) {
            window["field"] = json!(self.number(dice));
        }
        json!({
            "fields": ["id"], "where": self.filter(dice), "windowFunctions": [window], "limit": 200,
            "orderBy": [{"field": "id", "order": "asc"}],
        })
    }

    fn join(&mut self, dice: &mut Dice) -> Value {
        let kind = *dice.pick(&["inner", "left", "right", "full"]);
        self.over.insert("name");
        let mut names = vec!["id", "name", "a.id", "a.name"];
        let (name, theirs) = *dice.pick(&[
            ("a.region", "region"),
            ("a.revenue", "revenue"),
            ("a.secret", "secret"),
            ("a.double", "double"),
        ]);
        self.over.insert(theirs);
        names.push(name);
        if dice.chance(40) {
            names.push(self.touch("amount"));
        }
        let filter = match dice.below(3) {
            0 => json!({"a.region": {"$ne": *dice.pick(&REGIONS)}}),
            1 => json!({"stage": *dice.pick(&STAGES)}),
            _ => json!({}),
        };
        json!({
            "object": "@opportunity", "fields": names, "where": filter, "limit": 200,
            "joins": [{"type": kind, "object": "@account", "alias": "a", "on": {"account": {"$field": "a.id"}}}],
            "orderBy": [{"field": "a.id", "order": "asc"}, {"field": "id", "order": "asc"}],
        })
    }

    fn figures(&mut self, dice: &mut Dice) -> Value {
        let number = self.number(dice);
        let function = *dice.pick(&["sum", "min", "max", "count"]);
        let mut figure = json!({"function": function, "field": number, "alias": "f"});
        if dice.chance(30) {
            figure["filter"] = self.simple(dice);
        }
        json!({
            "groupBy": [{"field": self.text(dice), "alias": "g"}],
            "aggregations": [
                {"function": "count", "alias": "n"}, figure,
                {"function": "count_distinct", "field": self.text(dice), "alias": "d"},
            ],
            "where": self.filter(dice), "having": {"n": {"$gte": 1 + dice.below(2)}},
            "orderBy": [{"field": "g", "order": "asc"}],
        })
    }

    fn near(&mut self, dice: &mut Dice) -> Value {
        self.touches.insert("place");
        let near = json!({"vector": [dice.below(12), dice.below(100)], "k": 1 + dice.below(6)});
        let mut filter = json!({"place": {"$near": near}});
        if dice.chance(40) {
            filter["region"] = json!(*dice.pick(&REGIONS));
        }
        json!({"fields": ["id", "name"], "where": filter})
    }

    fn search(&mut self, dice: &mut Dice) -> Value {
        let mut search = json!({"query": *dice.pick(&["a1", "a2 deal", "s1", "a1 s2", "daal a3"])});
        if dice.chance(40) {
            search["operator"] = json!("and");
        }
        if dice.chance(40) {
            search["fuzzy"] = json!(true);
        }
        if dice.chance(40) {
            search["minScore"] = json!(*dice.pick(&[0.2, 0.4, 0.7]));
        }
        if dice.chance(40) {
            search["highlight"] = json!(true);
        }
        match dice.below(4) {
            // The heaviest of all, with the hidden ones or without them: weights are told in parts of the greatest.
            0 => search["boost"] = json!({"name": 2}),
            1 => {
                self.touches.insert("secret");
                search["boost"] = json!({"secret": 3});
            }
            2 => {
                self.touches.insert("secret");
                search["fields"] = json!(["secret"]);
            }
            _ => {}
        }
        let mut body = json!({"fields": ["id", "name"], "search": search, "limit": 1 + dice.below(8)});
        if dice.chance(50) {
            body["where"] = self.filter(dice);
        }
        body
    }

    fn expand(&mut self, dice: &mut Dice) -> Value {
        let (relation, theirs): (&str, &[&'static str]) = if self.own == 0 {
            ("@opportunity", &["name", "stage", "amount", "secret", "gross"])
        } else {
            ("account", &["name", "region", "revenue", "secret", "double"])
        };
        let field = *dice.pick(theirs);
        self.over.insert(field);
        let mut nested = json!({"fields": ["id", field]});
        if self.own == 0 {
            nested["orderBy"] = json!([{"field": "id", "order": "asc"}]);
        }
        json!({
            "fields": ["id", "name"], "where": self.filter(dice), "expand": {(relation): nested}, "limit": 200,
            "orderBy": [{"field": "id", "order": "asc"}],
        })
    }
}
