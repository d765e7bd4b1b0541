//! What an operation may cost, before anything of it runs. The rule: each selection costs 1, and each record that may
//! be answered costs 1. A list may answer as many records as its limit, each with as many as are selected below it;
//! `limit` unsaid is the default. Fields within each other are counted as the depth; what `__schema` and `__type` tell
//! has bounds of its own.

use std::collections::HashSet;

use async_graphql::Value;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationType, Selection, SelectionSet,
};

use crate::config::Limits;
use crate::failure::{Answered, invalid};
use crate::model::{Member, Model, Root, RootKind};

/// Fields within each other below `__schema`.
const INTROSPECTION_DEPTH_MAX: usize = 20;
/// Lists within each other there: types, their fields, and the arguments, or the fields of the types, of these.
const INTROSPECTION_LISTS_MAX: usize = 3;
/// What each `__schema` and `__type` costs beside its selections.
const INTROSPECTION_COST: u64 = 100;
/// Fields of introspection that are long lists.
const INTROSPECTION_LISTS: [&str; 7] = [
    "types",
    "fields",
    "args",
    "inputFields",
    "enumValues",
    "interfaces",
    "possibleTypes",
];
/// Selections within each other at most, fragments among them.
const NESTING_MAX: usize = 64;

/// What an operation is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Selections, those of fragments at each place.
    pub(crate) selections: usize,
    /// Records that may be answered.
    pub(crate) records: u64,
    /// Fields under another name.
    pub(crate) aliases: usize,
    /// It asks for the schema.
    pub(crate) introspects: bool,
}

/// Where a selection stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    Query,
    Mutation,
    Record(usize),
    Connection(usize),
    /// Something without records.
    Plain,
    /// Below `__schema`, within so many lists.
    Introspection(usize),
}

/// Measures an operation and holds it to the limits.
///
/// # Errors
/// `invalid_query` for one that is too deep, too complex, has too many aliases or a change twice; `not_implemented` for
/// a subscription.
pub(crate) fn check(model: &Model, limits: &Limits, document: &ExecutableDocument) -> Answered<Cost> {
    let DocumentOperations::Single(operation) = &document.operations else {
        return Err(invalid("the query has several operations"));
    };
    let place = match operation.node.ty {
        OperationType::Query => Place::Query,
        OperationType::Mutation => Place::Mutation,
        OperationType::Subscription => {
            let message = "subscriptions are not offered; ask again, or listen to events";
            return Err(crate::failure::refuse("not_implemented", message));
        }
    };
    let mut meter = Meter {
        model,
        limits,
        document,
        cost: Cost::default(),
    };
    let records = meter.selection(&operation.node.selection_set.node, place, 1, 0)?;
    if operation.node.ty == OperationType::Mutation {
        each_once(document, &operation.node.selection_set.node, &mut HashSet::new())?;
    }
    meter.cost.records = records;
    meter.whole()?;
    Ok(meter.cost)
}

/// GraphQL makes one of two changes under the same name, the library makes both: a client that says a change twice, as
/// by two fragments, would get two records. Called after the meter, which sees to it that there are not too many.
fn each_once<'d>(
    document: &'d ExecutableDocument,
    selection: &'d SelectionSet,
    names: &mut HashSet<&'d str>,
) -> Answered<()> {
    for item in &selection.items {
        match &item.node {
            Selection::Field(field) => {
                let name = field.node.response_key().node.as_str();
                if name != "__typename" && !names.insert(name) {
                    return Err(invalid(format!(
                        "the change '{name}' stands there twice; say it once, or give one of them an alias"
                    )));
                }
            }
            Selection::InlineFragment(inline) => each_once(document, &inline.node.selection_set.node, names)?,
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    each_once(document, &fragment.node.selection_set.node, names)?;
                }
            }
        }
    }
    Ok(())
}

struct Meter<'a> {
    model: &'a Model,
    limits: &'a Limits,
    document: &'a ExecutableDocument,
    cost: Cost,
}

impl Meter<'_> {
    /// Whether it is still within the limit of complexity.
    fn whole(&self) -> Answered<()> {
        let max = self.limits.complexity;
        let selections = u64::try_from(self.cost.selections).unwrap_or(u64::MAX);
        let all = selections.saturating_add(self.cost.records);
        if all > u64::try_from(max).unwrap_or(u64::MAX) {
            return Err(invalid(format!(
                "the query costs more than {max}: select less, or set lower limits for its lists"
            )));
        }
        Ok(())
    }

    /// Records that a selection may answer. `depth` is that of its fields, `nesting` counts fragments as well.
    fn selection(&mut self, selection: &SelectionSet, place: Place, depth: usize, nesting: usize) -> Answered<u64> {
        if nesting > NESTING_MAX {
            return Err(invalid(format!("selections are nested deeper than {NESTING_MAX}")));
        }
        let mut records = 0_u64;
        for item in &selection.items {
            // Fragments within fragments grow without bounds, so this is looked at on the way.
            self.cost.selections += 1;
            self.whole()?;
            let found = match &item.node {
                Selection::Field(field) => self.field(&field.node, place, depth, nesting)?,
                Selection::InlineFragment(inline) => {
                    self.selection(&inline.node.selection_set.node, place, depth, nesting + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    match self.document.fragments.get(&spread.node.fragment_name.node) {
                        Some(fragment) => {
                            self.selection(&fragment.node.selection_set.node, place, depth, nesting + 1)?
                        }
                        None => 0,
                    }
                }
            };
            records = records.saturating_add(found);
        }
        Ok(records)
    }

    fn field(&mut self, field: &Field, place: Place, depth: usize, nesting: usize) -> Answered<u64> {
        if let Some(alias) = &field.alias
            && alias.node != field.name.node
        {
            self.cost.aliases += 1;
            if self.cost.aliases > self.limits.aliases {
                return Err(invalid(format!(
                    "the query has more than {} aliases",
                    self.limits.aliases
                )));
            }
        }
        let (below, own) = self.meaning(field, place)?;
        let max = match below {
            Place::Introspection(_) => INTROSPECTION_DEPTH_MAX,
            _ => self.limits.depth,
        };
        if depth > max {
            return Err(invalid(format!("the query is deeper than {max} fields")));
        }
        let inner = self.selection(&field.selection_set.node, below, depth + 1, nesting + 1)?;
        Ok(match own {
            Own::Each(count) => count.saturating_mul(inner.saturating_add(1)),
            Own::Through => inner,
            Own::Fixed(count) => count.saturating_add(inner),
        })
    }

    /// Where the selection below a field stands, and how many records the field itself answers.
    fn meaning(&mut self, field: &Field, place: Place) -> Answered<(Place, Own)> {
        let name = field.name.node.as_str();
        Ok(match place {
            Place::Query if matches!(name, "__schema" | "__type") => {
                self.cost.introspects = true;
                (Place::Introspection(0), Own::Fixed(INTROSPECTION_COST))
            }
            Place::Introspection(lists) => {
                let lists = lists + usize::from(INTROSPECTION_LISTS.contains(&name));
                if lists > INTROSPECTION_LISTS_MAX {
                    let message = format!("lists of the schema are nested deeper than {INTROSPECTION_LISTS_MAX}");
                    return Err(invalid(message));
                }
                (Place::Introspection(lists), Own::Through)
            }
            Place::Query => self.root(field, self.model.queries.get(name)),
            Place::Mutation => self.root(field, self.model.mutations.get(name)),
            Place::Record(object) => self.member(field, object),
            Place::Connection(object) if name == "data" => (Place::Record(object), Own::Through),
            Place::Connection(_) | Place::Plain => (Place::Plain, Own::Through),
        })
    }

    fn root(&self, field: &Field, root: Option<&Root>) -> (Place, Own) {
        let Some(root) = root else {
            return (Place::Plain, Own::Through);
        };
        match root.kind {
            RootKind::Find => (Place::Connection(root.object), Own::Each(self.limit(field))),
            RootKind::Aggregate => (Place::Plain, Own::Each(self.limit(field))),
            RootKind::Get | RootKind::Create | RootKind::Update => (Place::Record(root.object), Own::Each(1)),
            RootKind::CreateMany => {
                let inputs = argument(field, "inputs").map_or(1, |inputs| match inputs {
                    Value::List(inputs) => u64::try_from(inputs.len()).unwrap_or(u64::MAX),
                    _ => 1,
                });
                (Place::Record(root.object), Own::Each(inputs))
            }
            RootKind::Delete => (Place::Plain, Own::Each(1)),
        }
    }

    fn member(&self, field: &Field, object: usize) -> (Place, Own) {
        let Some(object) = self.model.objects.get(object) else {
            return (Place::Plain, Own::Through);
        };
        match object.members.get(field.name.node.as_str()) {
            Some(Member::Record(place)) => {
                let reference = &object.fields[*place];
                let count = if reference.list { self.limits.pages.default } else { 1 };
                (Place::Record(reference.target.unwrap_or_default()), Own::Each(count))
            }
            Some(Member::Children(place)) => {
                let child = &object.children[*place];
                (Place::Connection(child.object), Own::Each(self.limit(field)))
            }
            Some(Member::Value(_)) | None => (Place::Plain, Own::Through),
        }
    }

    /// Records of a list at most; what is no number is refused later.
    fn limit(&self, field: &Field) -> u64 {
        let pages = self.limits.pages;
        match argument(field, "limit") {
            Some(Value::Number(limit)) => limit.as_u64().unwrap_or(pages.max).min(pages.max),
            _ => pages.default,
        }
    }
}

/// Records of a field itself.
#[derive(Clone, Copy, Debug)]
enum Own {
    /// So many, each with those below.
    Each(u64),
    /// None but those below.
    Through,
    /// So many, and those below once.
    Fixed(u64),
}

/// An argument; variables have their values already.
fn argument(field: &Field, name: &str) -> Option<Value> {
    field.get_argument(name)?.node.clone().into_const()
}

#[cfg(test)]
mod tests;
