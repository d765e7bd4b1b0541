//! The tests of one file, decided one by one.

use std::collections::BTreeSet;

use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::Value;

use super::world::{World, read_moment};
use crate::catalogue::nearest;
use crate::decode::reader::{Keys, Part, Problems};
use crate::evaluate::{Record, is_among};
use crate::explain::{Asked, Verdict, decide, has, is_foreign, operation};
use crate::model::Model;
use crate::plan::{Compiled, Planner};
use crate::subject::Subject;

/// Where a file says no moment: after none of the ends that it could name. What depends on the moment is not decided by it.
const NOW_MS: i64 = 0;

/// What became of a file.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) decided: usize,
    pub(super) surprises: Vec<String>,
}

const KEYS: [&str; 17] = [
    "name",
    "description",
    "user",
    "users",
    "object",
    "record",
    "change",
    "now",
    "allow",
    "deny",
    "sees",
    "readable",
    "hidden",
    "writable",
    "readonly",
    "masked",
    "unmasked",
];

/// Decides all tests of a file.
pub(super) async fn run(root: Part<'_>, model: &Model, problems: &mut Problems) -> Report {
    let mut report = Report::default();
    let known = [
        "name",
        "description",
        "users",
        "records",
        "shares",
        "defaultSets",
        "settings",
        "now",
        "tests",
    ];
    let Some(file) = root.clone().keys(&known, problems) else {
        return report;
    };
    let world = World::read(&root, problems);
    let model = &world.under_settings(model);
    let tests = file.needed(&["tests"], problems).map(|tests| tests.items(problems));
    for test in tests.unwrap_or_default() {
        let Some(keys) = test.keys(&KEYS, problems) else {
            continue;
        };
        let own = keys.get(&["now"]).and_then(|now| read_moment(&now, problems));
        let now_ms = own.or(world.now_ms);
        let users = keys.texts(&["user", "users"], problems).unwrap_or_default();
        if users.is_empty() {
            problems.push(keys.part.problem("`user` says who is meant"));
        }
        for user in users {
            let Some(subject) = world.subject(&user, model) else {
                let problem = keys.part.problem(format!("there is no user `{user}` in this file"));
                problems.push(problem.suggest(nearest(&user, world.users())));
                continue;
            };
            Test {
                model,
                world: &world,
                subject: &subject,
                keys: &keys,
                now_ms,
            }
            .run(problems, &mut report)
            .await;
        }
    }
    report
}

struct Test<'a> {
    model: &'a Model,
    world: &'a World,
    subject: &'a Subject,
    keys: &'a Keys<'a>,
    now_ms: Option<i64>,
}

impl Test<'_> {
    async fn run(&self, problems: &mut Problems, report: &mut Report) {
        let Some(object) = self.keys.needed_text(&["object"], problems) else {
            return;
        };
        if self.model.catalogue.object(&object).is_none() {
            let problem = self.keys.part.problem(format!("there is no object `{object}`"));
            problems.push(problem.suggest(nearest(&object, self.model.catalogue.names())));
            return;
        }
        let id = self.keys.text(&["record"], problems);
        let record = match &id {
            None => None,
            Some(id) => {
                let mut records = self.world.records(&object).iter();
                let found = records.find(|record| id_of(record) == Some(id));
                if found.is_none() {
                    let problem = self
                        .keys
                        .part
                        .problem(format!("there is no record `{id}` of `{object}` in this file"));
                    problems.push(problem);
                    return;
                }
                found
            }
        };
        if let Some(change) = self.keys.get(&["change"])
            && (record.is_none() || !change.value.is_object())
        {
            problems.push(change.problem("`change` is a map of what is written to the `record`"));
            return;
        }
        for (key, expected) in [("allow", true), ("deny", false)] {
            let Some(part) = self.keys.get(&[key]) else { continue };
            for (index, name) in self.keys.texts(&[key], problems).unwrap_or_default().iter().enumerate() {
                let at = item(&part, index);
                let Some(operation) = operation(name) else {
                    let problem = at.problem(format!("`{name}` is no operation"));
                    let known = ["create", "read", "edit", "delete", "transfer", "restore", "purge"];
                    problems.push(problem.suggest(nearest(name, known)));
                    continue;
                };
                report.decided += 1;
                self.check_moment(&at, &object, operation, problems);
                let asked = Asked {
                    record,
                    change: self.change(),
                    field: None,
                };
                let verdict = self.decide(&object, operation, asked).await;
                if verdict.allowed != expected {
                    report
                        .surprises
                        .push(self.surprise(&at, name, &object, id.as_deref(), &verdict, operation));
                }
            }
        }
        self.sees(&object, problems, report).await;
        self.fields(&object, problems, report);
        self.masks(&object, problems, report);
    }

    /// What is written to the record.
    fn change(&self) -> Option<&Record> {
        self.keys.part.value.get("change")?.as_object()
    }

    /// What depends on the day, or the moment, is only decided where the file says which.
    fn check_moment(&self, at: &Part<'_>, object: &str, operation: Operation, problems: &mut Problems) {
        if self.now_ms.is_none() && self.compiled(object, operation).boundary_ms.is_some() {
            let problem = at.problem("what is decided here depends on the moment");
            problems.push(problem.hint("say which under `now`, as in `now: 2026-01-31T12:00:00Z`"));
        }
    }

    fn compiled(&self, object: &str, operation: Operation) -> Compiled {
        Planner::new(self.model, self.subject, self.now_ms.unwrap_or(NOW_MS)).plan(object, operation)
    }

    async fn decide(&self, object: &str, operation: Operation, asked: Asked<'_>) -> Verdict {
        let compiled = self.compiled(object, operation);
        if asked
            .record
            .is_some_and(|record| is_foreign(&self.model.catalogue, self.subject, object, record))
        {
            return Verdict {
                allowed: false,
                reason: "the record belongs to another organisation".to_owned(),
            };
        }
        match decide(&compiled, object, operation, asked, self.world).await {
            Ok((verdict, _)) => verdict,
            Err(error) => Verdict {
                allowed: false,
                reason: error.to_string(),
            },
        }
    }

    fn surprise(
        &self,
        at: &Part<'_>,
        action: &str,
        object: &str,
        id: Option<&str>,
        verdict: &Verdict,
        operation: Operation,
    ) -> String {
        let what = id.map_or_else(|| object.to_owned(), |id| format!("{object}/{id}"));
        let may = if verdict.allowed { "may" } else { "may not" };
        let compiled = self.compiled(object, operation);
        let behind: BTreeSet<String> = compiled
            .steps
            .iter()
            .filter(|step| {
                step.text == verdict.reason || !verdict.allowed && step.effect != crate::plan::Effect::Allows
            })
            .map(|step| format!("{} `{}` at {}", step.kind.name(), step.name, step.source))
            .collect();
        let behind = behind.into_iter().collect::<Vec<_>>().join(", ");
        let behind = if behind.is_empty() {
            String::new()
        } else {
            format!(" ({behind})")
        };
        let user = &self.subject.id;
        at.problem(format!("{user} {may} {action} {what}: {}{behind}", verdict.reason))
            .to_string()
    }

    /// Exactly these records are seen.
    async fn sees(&self, object: &str, problems: &mut Problems, report: &mut Report) {
        let Some(part) = self.keys.get(&["sees"]) else { return };
        let expected: BTreeSet<String> = self
            .keys
            .texts(&["sees"], problems)
            .unwrap_or_default()
            .into_iter()
            .collect();
        self.check_moment(&part, object, Operation::Read, problems);
        let compiled = self.compiled(object, Operation::Read);
        let mut seen = BTreeSet::new();
        for record in self.world.records(object) {
            let here = !is_foreign(&self.model.catalogue, self.subject, object, record);
            if compiled.plan.allowed && here && is_among(&compiled.rows, record, self.world).await.unwrap_or_default() {
                seen.extend(id_of(record).map(str::to_owned));
            }
        }
        report.decided += 1;
        let user = &self.subject.id;
        for id in seen.difference(&expected).chain(expected.difference(&seen)) {
            let record = self
                .world
                .records(object)
                .iter()
                .find(|record| id_of(record) == Some(id));
            let verdict = self.decide(object, Operation::Read, Asked::of(record)).await;
            if record.is_none() {
                problems.push(part.problem(format!("there is no record `{id}` of `{object}` in this file")));
            } else if verdict.allowed {
                report.surprises.push(
                    part.problem(format!(
                        "{user} sees {object}/{id}: {}",
                        self.opening(&compiled, record).await
                    ))
                    .to_string(),
                );
            } else {
                report.surprises.push(
                    part.problem(format!("{user} does not see {object}/{id}: {}", verdict.reason))
                        .to_string(),
                );
            }
        }
    }

    /// What has the record among its rows, by file and line.
    async fn opening(&self, compiled: &Compiled, record: Option<&Record>) -> String {
        let mut opening = Vec::new();
        for step in &compiled.steps {
            let among = match record {
                Some(record) => is_among(&step.rows, record, self.world).await.unwrap_or_default(),
                None => false,
            };
            if among && step.effect == crate::plan::Effect::Allows {
                opening.push(format!("{} `{}` at {}", step.kind.name(), step.name, step.source));
            }
        }
        opening.join(", ")
    }

    fn fields(&self, object: &str, problems: &mut Problems, report: &mut Report) {
        let info = self.model.catalogue.object(object);
        for (key, operation, expected) in [
            ("readable", Operation::Read, true),
            ("hidden", Operation::Read, false),
            ("writable", Operation::Update, true),
            ("readonly", Operation::Update, false),
        ] {
            let Some(part) = self.keys.get(&[key]) else { continue };
            let compiled = self.compiled(object, operation);
            let plan = &compiled.plan;
            let access = if operation == Operation::Read {
                &plan.readable
            } else {
                &plan.writable
            };
            for (index, field) in self.keys.texts(&[key], problems).unwrap_or_default().iter().enumerate() {
                let at = item(&part, index);
                if info.is_some_and(|info| !info.fields.contains_key(field)) {
                    problems.push(at.problem(format!("`{object}` has no field `{field}`")));
                    continue;
                }
                report.decided += 1;
                let open = plan.allowed && has(access, field);
                if open == expected {
                    continue;
                }
                let may = if open { "may" } else { "may not" };
                let what = if operation == Operation::Read { "read" } else { "edit" };
                let step = compiled
                    .steps
                    .iter()
                    .find(|step| step.name == format!("{object}.{field}"));
                let behind = step
                    .map(|step| format!(": {} ({})", step.text, step.source))
                    .unwrap_or_default();
                let user = &self.subject.id;
                report.surprises.push(
                    at.problem(format!("{user} {may} {what} {object}.{field}{behind}"))
                        .to_string(),
                );
            }
        }
    }
}

impl Test<'_> {
    /// Which fields are shown as a mask alone, and which as they are.
    fn masks(&self, object: &str, problems: &mut Problems, report: &mut Report) {
        let Some(info) = self.model.catalogue.object(object) else {
            return;
        };
        let masked = info.masked_from(&self.subject.roles);
        let plan = self.compiled(object, Operation::Read).plan;
        for (key, expected) in [("masked", true), ("unmasked", false)] {
            let Some(part) = self.keys.get(&[key]) else { continue };
            for (index, field) in self.keys.texts(&[key], problems).unwrap_or_default().iter().enumerate() {
                let at = item(&part, index);
                if !info.fields.contains_key(field) {
                    problems.push(at.problem(format!("`{object}` has no field `{field}`")));
                    continue;
                }
                report.decided += 1;
                let shown = plan.allowed && has(&plan.readable, field);
                let found = masked.contains(field.as_str());
                if shown && found == expected {
                    continue;
                }
                let sees = match (shown, found) {
                    (false, _) => "does not see",
                    (true, true) => "sees only a mask of",
                    (true, false) => "sees the values of",
                };
                let text = format!("{} {sees} {object}.{field}", self.subject.id);
                report.surprises.push(at.problem(text).to_string());
            }
        }
    }
}

fn id_of(record: &Record) -> Option<&str> {
    record.get("id")?.as_str()
}

/// An item of a list, or the one that stands for it.
fn item<'a>(part: &Part<'a>, index: usize) -> Part<'a> {
    match part.value {
        Value::Array(items) => Part {
            document: part.document,
            path: format!("{}[{index}]", part.path),
            value: items.get(index).unwrap_or(&Value::Null),
        },
        _ => part.clone(),
    }
}
