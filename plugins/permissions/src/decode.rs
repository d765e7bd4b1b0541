//! From written definitions to the model. Every kind of definition has a reader here; each takes the protocol's spelling and the
//! older ones, and notes everything that is wrong with place and remedy. What is wrong is not taken, and says so.

mod policy;
mod profile;
pub(crate) mod reader;
mod role;
mod set;
mod sharing;
mod territory;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::catalogue::{Catalogue, nearest};
use crate::condition::{Condition, ConditionError};
use crate::document::Document;
use crate::model::{Model, OrgDefault, Policy, Role, RowSecurity, Rule, Set, Territory};
use crate::problem::Problem;
use reader::{Part, Problems};

/// Kinds of definitions, as the suffix of a file names them.
pub const KINDS: [&str; 5] = ["permission", "role", "sharing", "policy", "territory"];

/// What one definition declares.
#[derive(Debug, Default)]
pub struct Declared {
    /// Permission sets; those of one name in several older files are one set.
    pub sets: Vec<Set>,
    /// Roles.
    pub roles: Vec<Role>,
    /// Sharing rules.
    pub rules: Vec<Rule>,
    /// Org-wide defaults by object.
    pub defaults: Vec<(String, OrgDefault)>,
    /// Row policies that bind everybody.
    pub policies: Vec<Policy>,
    /// How row policies work.
    pub row_security: Option<RowSecurity>,
    /// Territories.
    pub territories: Vec<Territory>,
    /// The older form, in which several files may add to one set.
    pub mergeable: bool,
    /// What was written and has no effect here; not wrong.
    pub notices: Vec<Problem>,
}

/// Reads a definition of a kind. `stem` names what does not name itself.
pub fn read(
    kind: &str,
    stem: &str,
    document: &Document,
    catalogue: &Catalogue,
    problems: &mut Vec<Problem>,
) -> Declared {
    let mut decoder = Decoder {
        catalogue,
        problems,
        notices: Vec::new(),
        rule: None,
    };
    let root = Part::root(document);
    let declared = match kind {
        "permission" if profile::is_older(&document.value) => decoder.profiles(root, stem),
        "permission" => Declared {
            sets: decoder.set(root, stem).into_iter().collect(),
            ..Declared::default()
        },
        "role" => decoder.roles(root, stem),
        "sharing" => decoder.sharing(root, stem),
        "policy" => decoder.policy_file(root, stem),
        "territory" => decoder.territories(root, stem),
        _ => Declared::default(),
    };
    Declared {
        notices: decoder.notices,
        ..declared
    }
}

/// What a reader works with.
struct Decoder<'a> {
    catalogue: &'a Catalogue,
    problems: &'a mut Problems,
    notices: Problems,
    /// What the condition belongs to that is being read, where it has a name of its own: `row policy`, and the name.
    rule: Option<(&'static str, String)>,
}

impl Decoder<'_> {
    /// The name of an object that is there.
    fn object(&mut self, part: &Part<'_>, wildcard: bool) -> Option<String> {
        let name = part.text(self.problems)?;
        self.object_named(part, name, wildcard)
    }

    fn object_named(&mut self, part: &Part<'_>, name: &str, wildcard: bool) -> Option<String> {
        if self.catalogue.object(name).is_some() || (wildcard && name == crate::model::EVERY_OBJECT) {
            return Some(name.to_owned());
        }
        let problem = part.problem(format!("there is no object `{name}`"));
        self.problems
            .push(problem.suggest(nearest(name, self.catalogue.names())));
        None
    }

    fn expression(&mut self, part: &Part<'_>, object: &str) -> Option<Condition> {
        let text = part.text(self.problems)?;
        match Condition::expression(self.catalogue, object, text) {
            Ok(condition) => Some(condition),
            Err(errors) => {
                errors.into_iter().for_each(|error| self.refused(part, error));
                None
            }
        }
    }

    /// An expression, or a filter as a map.
    fn condition(&mut self, part: &Part<'_>, object: &str) -> Option<Condition> {
        if !matches!(part.value, Value::Object(_)) {
            return self.expression(part, object);
        }
        match Condition::written(self.catalogue, object, part.value) {
            Ok(condition) => Some(condition),
            Err(error) => {
                self.refused(part, error);
                None
            }
        }
    }

    /// Notes what is wrong with a condition; where there is something to be done about it, with the name of its rule.
    fn refused(&mut self, part: &Part<'_>, error: ConditionError) {
        let problem = match (&self.rule, error.hint) {
            (Some((kind, name)), Some(hint)) => part.problem(format!("{kind} `{name}`: {}", error.message)).hint(hint),
            (None, Some(hint)) => part.problem(error.message).hint(hint),
            (_, None) => part.problem(error.message),
        };
        self.problems.push(problem.suggest(error.suggestion.as_deref()));
    }

    /// Something that may be written and changes nothing.
    fn without_effect(&mut self, part: &Part<'_>, why: &str) {
        self.notices.push(part.problem(format!("this has no effect: {why}")));
    }

    /// A name as sets, roles and rules have them.
    fn name(&mut self, keys: &reader::Keys<'_>, stem: &str) -> Option<String> {
        let Some(part) = keys.get(&["name"]) else {
            return Some(stem.to_owned());
        };
        let name = part.text(self.problems)?;
        let good = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
        if !good {
            let problem = part.problem(format!("`{name}` is no name"));
            self.problems
                .push(problem.hint("use lower case letters, digits and underscores, a letter first"));
            return None;
        }
        Some(name.to_owned())
    }
}

/// Puts what was declared into a model. What comes later takes the place of what came before under the same name, which is how
/// records that were edited at runtime replace the definitions of files.
pub fn add(model: &mut Model, declared: Declared) {
    let mergeable = declared.mergeable;
    for set in declared.sets {
        match model.sets.get_mut(&set.name) {
            Some(known) if mergeable => {
                known.objects.extend(set.objects);
                known.fields.extend(set.fields);
            }
            _ => {
                model.sets.insert(set.name.clone(), set);
            }
        }
    }
    for role in declared.roles {
        model.roles.insert(role.name.clone(), role);
    }
    for rule in declared.rules {
        model.rules.retain(|known| known.name != rule.name);
        model.rules.push(rule);
    }
    model.defaults.extend(declared.defaults);
    for policy in declared.policies {
        model.policies.retain(|known| known.name != policy.name);
        model.policies.push(policy);
    }
    if let Some(row_security) = declared.row_security {
        model.row_security = row_security;
    }
    for territory in declared.territories {
        model.territories.insert(territory.name.clone(), territory);
    }
}

/// Looks for what only shows when everything is there: parents and recipients that nobody declares, and circles of roles.
pub fn check_links(model: &Model, problems: &mut Vec<Problem>) {
    for role in model.roles.values() {
        let Some(parent) = &role.parent else { continue };
        let place = role.source.to_string();
        if !model.roles.contains_key(parent) {
            let problem = Problem::new(
                place,
                "parent",
                format!("there is no role `{parent}` above `{}`", role.name),
            );
            problems.push(problem.suggest(nearest(parent, model.roles.keys().map(String::as_str))));
        } else if model.roles_above([parent.as_str()]).contains(role.name.as_str()) {
            let message = format!("the role `{}` stands above itself", role.name);
            problems.push(Problem::new(place, "parent", message).hint("break the circle"));
        }
    }
    for territory in model.territories.values() {
        let Some(parent) = &territory.parent else { continue };
        if !model.territories.contains_key(parent) {
            let message = format!("there is no territory `{parent}` above `{}`", territory.name);
            let problem = Problem::new(territory.source.to_string(), "parent", message);
            problems.push(problem.suggest(nearest(parent, model.territories.keys().map(String::as_str))));
        }
    }
}
