//! Our schema against the published one, place by place.
//!
//! Compared: types, properties, which are required, defaults, enums, patterns, formats, ranges, lengths, whether unknown
//! keys are refused, and the members of unions. Not compared: descriptions and the way a schema is divided into parts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Subject;
use super::owner::{Origin, key_of};
use super::report::{Counts, Finding};
use super::view::{Keywords, Plain, reference};

/// All differences, each with the type it originates from.
pub(super) fn compare(subject: &Subject, counts: &mut Counts) -> Vec<(Origin, Finding)> {
    let mut walk = Walk {
        subject,
        findings: Vec::new(),
        open: BTreeSet::new(),
        places: 0,
    };
    let place = Place {
        path: String::new(),
        key: key_of(subject.written.root()),
        relative: String::new(),
    };
    walk.schemas(subject.written.root(), subject.published_plain.root(), &place);
    counts.places += walk.places;
    walk.findings
}

/// Where the walk stands: from the root of the type, and from the part of our schema that it is in.
#[derive(Clone)]
struct Place {
    path: String,
    key: u64,
    relative: String,
}

impl Place {
    fn below(&self, step: &str) -> Self {
        let join = |base: &str| match (base.is_empty(), step.starts_with('[')) {
            (true, _) | (false, true) => format!("{base}{step}"),
            (false, false) => format!("{base}.{step}"),
        };
        Self {
            path: join(&self.path),
            key: self.key,
            relative: join(&self.relative),
        }
    }
}

struct Walk<'a> {
    subject: &'a Subject,
    findings: Vec<(Origin, Finding)>,
    /// Pairs of references that are being compared; recursion ends there.
    open: BTreeSet<(String, String)>,
    places: usize,
}

/// Keywords whose values must be equal, and the name of the check.
const EQUAL: [(&str, &str); 11] = [
    ("pattern", "pattern"),
    ("format", "format"),
    ("minLength", "range"),
    ("maxLength", "range"),
    ("minimum", "range"),
    ("maximum", "range"),
    ("exclusiveMinimum", "range"),
    ("exclusiveMaximum", "range"),
    ("minItems", "range"),
    ("maxItems", "range"),
    ("uniqueItems", "range"),
];

/// Keywords that the walk understands by other means.
const KNOWN: [&str; 9] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "propertyNames",
    "items",
    "enum",
    "anyOf",
    "default",
];

impl Walk<'_> {
    fn schemas(&mut self, ours: &Value, theirs: &Value, place: &Place) {
        let name = |schema: &Value| reference(schema).unwrap_or_default().to_owned();
        let pair = (name(ours), name(theirs));
        if !pair.1.is_empty() && !self.open.insert(pair) {
            return;
        }
        self.places += 1;
        let mut place = place.clone();
        if let Some(part) = self.subject.written.target(ours) {
            (place.key, place.relative) = (key_of(part), String::new());
        }
        let subject = self.subject;
        let our_members = subject.written.members(ours);
        let their_members = subject.published_plain.members(theirs);
        if let ([ours], [theirs]) = (our_members.as_slice(), their_members.as_slice()) {
            self.views(ours, theirs, &place);
        } else {
            self.unions(&our_members, &their_members, &place);
        }
    }

    fn unions(&mut self, ours: &[&Keywords], theirs: &[&Keywords], place: &Place) {
        let mut by_signature: BTreeMap<String, &Keywords> = ours
            .iter()
            .map(|member| (signature(&self.subject.written, member), *member))
            .collect();
        for member in theirs {
            let signature = signature(&self.subject.published_plain, member);
            match by_signature.remove(&signature) {
                Some(ours) => self.views(ours, member, &place.below(&format!("<{signature}>"))),
                None => self.find("union", place, "absent", &signature),
            }
        }
        for signature in by_signature.keys() {
            self.find("union", place, signature, "absent");
        }
    }

    fn views(&mut self, ours: &Keywords, theirs: &Keywords, place: &Place) {
        let kind = |view: &Keywords| view.get("type").map_or_else(|| "any".to_owned(), text);
        if kind(ours) != kind(theirs) {
            self.find("type", place, &kind(ours), &kind(theirs));
            return;
        }
        self.enums(ours, theirs, place);
        for (keyword, check) in EQUAL {
            let (our_value, their_value) = (ours.get(keyword), theirs.get(keyword));
            if our_value != their_value {
                let show = |value: Option<&Value>| value.map_or_else(|| format!("no {keyword}"), text);
                self.find(check, place, &show(our_value), &show(their_value));
            }
        }
        for keyword in ours.keys().chain(theirs.keys()) {
            if !KNOWN.contains(&keyword.as_str()) && !EQUAL.iter().any(|(known, _)| known == keyword) {
                self.find("keyword", place, keyword, "a keyword this audit does not understand");
            }
        }
        self.additional(ours, theirs, place);
        self.properties(ours, theirs, place);
        if let (Some(our_items), Some(their_items)) = (ours.get("items"), theirs.get("items")) {
            self.schemas(our_items, their_items, &place.below("[]"));
        }
    }

    fn enums(&mut self, ours: &Keywords, theirs: &Keywords, place: &Place) {
        let values = |view: &Keywords| -> Option<BTreeSet<String>> {
            Some(view.get("enum")?.as_array()?.iter().map(text).collect())
        };
        let show = |values: Option<BTreeSet<String>>, other: &BTreeSet<String>| match values {
            None => "anything".to_owned(),
            Some(values) => values.difference(other).cloned().collect::<Vec<_>>().join(" "),
        };
        let (our_values, their_values) = (values(ours), values(theirs));
        if our_values != their_values {
            let (our_set, their_set) = (
                our_values.clone().unwrap_or_default(),
                their_values.clone().unwrap_or_default(),
            );
            self.find(
                "enum",
                place,
                &show(our_values, &their_set),
                &show(their_values, &our_set),
            );
        }
    }

    fn properties(&mut self, ours: &Keywords, theirs: &Keywords, place: &Place) {
        let empty = Map::new();
        let properties = |view: &Keywords| {
            view.get("properties")
                .and_then(Value::as_object)
                .unwrap_or(&empty)
                .clone()
        };
        let (our_properties, their_properties) = (properties(ours), properties(theirs));
        let names: BTreeSet<&String> = our_properties.keys().chain(their_properties.keys()).collect();
        for name in names {
            let place = place.below(name);
            match (our_properties.get(name), their_properties.get(name)) {
                (Some(our_property), Some(their_property)) => {
                    self.requirement(ours, theirs, name, &place);
                    self.defaults(our_property, their_property, &place);
                    self.schemas(our_property, their_property, &place);
                }
                (Some(_), _) => self.find("property", &place, "present", "absent"),
                _ => self.find("property", &place, "absent", "present"),
            }
        }
    }

    fn requirement(&mut self, ours: &Keywords, theirs: &Keywords, name: &str, place: &Place) {
        let required = |view: &Keywords| {
            let names = view.get("required").and_then(Value::as_array);
            let found = names.is_some_and(|names| names.iter().any(|required| required == name));
            if found { "required" } else { "optional" }
        };
        if required(ours) != required(theirs) {
            self.find("required", place, required(ours), required(theirs));
        }
    }

    fn defaults(&mut self, ours: &Value, theirs: &Value, place: &Place) {
        let (our_default, their_default) = (ours.get("default"), theirs.get("default"));
        if !same(our_default, their_default) {
            let show = |value: Option<&Value>| value.map_or_else(|| "no default".to_owned(), text);
            self.find("default", place, &show(our_default), &show(their_default));
        }
    }

    fn additional(&mut self, ours: &Keywords, theirs: &Keywords, place: &Place) {
        let extra = |view: &Keywords| match view.get("additionalProperties") {
            Some(Value::Bool(false)) => "closed",
            Some(_) => "typed",
            None => "open",
        };
        if extra(ours) != extra(theirs) {
            self.find("additional", place, extra(ours), extra(theirs));
        } else if let (Some(our_extra), Some(their_extra)) =
            (ours.get("additionalProperties"), theirs.get("additionalProperties"))
            && extra(ours) == "typed"
        {
            self.schemas(our_extra, their_extra, &place.below("*"));
        }
        let names = |plain: &Plain, keywords: &Keywords| {
            let names = keywords.get("propertyNames")?;
            let names = plain.target(names).unwrap_or(names);
            Some((names.get("pattern").cloned(), names.get("enum").cloned()))
        };
        let our_names = names(&self.subject.written, ours);
        let their_names = names(&self.subject.published_plain, theirs);
        if our_names != their_names {
            self.find("keys", place, &format!("{our_names:?}"), &format!("{their_names:?}"));
        }
    }

    fn find(&mut self, check: &'static str, place: &Place, ours: &str, published: &str) {
        let finding = Finding {
            schema: self.subject.entry.path.to_owned(),
            path: place.path.clone(),
            check,
            ours: ours.to_owned(),
            published: published.to_owned(),
        };
        let origin = Origin {
            key: place.key,
            relative: place.relative.clone(),
            what: format!("{ours}/{published}"),
        };
        self.findings.push((origin, finding));
    }
}

/// What tells the members of a union apart: the type, and the properties that hold one fixed value.
fn signature(plain: &Plain, member: &Keywords) -> String {
    let kind = member.get("type").map_or_else(|| "any".to_owned(), text);
    if let Some(items) = member.get("items") {
        let items: Vec<String> = plain
            .members(items)
            .into_iter()
            .map(|item| signature(plain, item))
            .collect();
        return format!("{kind} of {}", items.join(" or "));
    }
    let properties = member.get("properties").and_then(Value::as_object);
    let fixed: BTreeSet<String> = properties
        .into_iter()
        .flatten()
        .filter_map(|(name, property)| match plain.values(property)? {
            [only] => Some(format!("{name}={}", text(only))),
            _ => None,
        })
        .collect();
    if !fixed.is_empty() {
        return fixed.into_iter().collect::<Vec<_>>().join(",");
    }
    let required: BTreeSet<String> = member
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(text)
        .collect();
    if required.is_empty() {
        kind
    } else {
        format!("{kind} with {}", required.into_iter().collect::<Vec<_>>().join(", "))
    }
}

/// Whether two defaults are the same; `1` and `1.0` are one number.
fn same(ours: Option<&Value>, theirs: Option<&Value>) -> bool {
    match (ours.and_then(Value::as_f64), theirs.and_then(Value::as_f64)) {
        (Some(ours), Some(theirs)) => ours.total_cmp(&theirs).is_eq(),
        _ => ours == theirs,
    }
}

/// A value in few words: strings without quotes.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
