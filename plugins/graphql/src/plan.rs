//! What an operation wants of records, twice: as a tree of names under which it is answered ([`RecordPlan`]), and as a
//! tree of what the engine is asked for ([`Wanted`]), in which the same relation stands once, however often it is
//! selected.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::{SelectionField, ServerError};

use crate::config::Pages;
use crate::failure::{Answered, internal, invalid};
use crate::model::{Member, Model};
use crate::page::Page;

/// How a record is answered.
#[derive(Debug, Default)]
pub(crate) struct RecordPlan {
    /// Names in the answer, each once.
    pub(crate) outputs: BTreeMap<String, Source>,
}

/// Where a field of a record comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The value of a field, by its place.
    Value(usize),
    /// What a field points to.
    Record(usize, RecordPlan),
    /// Records that point here, by the place among those that are wanted.
    Children(usize, ConnectionPlan),
}

/// How a list is answered.
#[derive(Debug, Default)]
pub(crate) struct ConnectionPlan {
    pub(crate) outputs: BTreeMap<String, Part>,
}

/// A field of a connection.
#[derive(Debug)]
pub(crate) enum Part {
    Data(RecordPlan),
    Total,
    PageSize,
    Offset,
    HasMore,
    NextCursor,
}

/// What the engine is asked for, of records of one object.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Place of the object.
    pub(crate) object: usize,
    /// Fields whose values are wanted.
    pub(crate) fields: BTreeSet<usize>,
    /// Fields whose records are wanted.
    pub(crate) references: BTreeMap<usize, Wanted>,
    /// Records that point here.
    pub(crate) children: Vec<WantedChildren>,
}

/// A page of the records that point to each of some records.
#[derive(Debug)]
pub(crate) struct WantedChildren {
    /// Place of the relation.
    pub(crate) child: usize,
    pub(crate) page: Page,
    pub(crate) list: WantedList,
}

/// What is wanted of a list.
#[derive(Debug, Default)]
pub(crate) struct WantedList {
    /// Its records.
    pub(crate) records: Wanted,
    /// Whether there are any records to read.
    pub(crate) data: bool,
    /// Whether more come after the page, or where.
    pub(crate) more: bool,
    /// How many there are in all.
    pub(crate) total: bool,
}

impl Wanted {
    pub(crate) fn new(object: usize) -> Self {
        Self {
            object,
            ..Self::default()
        }
    }
}

impl WantedList {
    pub(crate) fn new(object: usize) -> Self {
        Self {
            records: Wanted::new(object),
            ..Self::default()
        }
    }
}

/// Reads selections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planner<'m> {
    pub(crate) model: &'m Model,
    pub(crate) pages: Pages,
}

impl Planner<'_> {
    /// What is selected below a field whose value is a record, put to what was selected under the same name before.
    ///
    /// # Errors
    /// Those of arguments.
    pub(crate) fn record(self, field: SelectionField<'_>, plan: &mut RecordPlan, wanted: &mut Wanted) -> Answered<()> {
        let object = self
            .model
            .objects
            .get(wanted.object)
            .ok_or_else(|| internal("no such object"))?;
        for inner in field.selection_set().filter(|inner| !inner.name().starts_with("__")) {
            let key = key(inner);
            match object.members.get(inner.name()) {
                Some(Member::Value(place)) => {
                    wanted.fields.insert(*place);
                    match plan.outputs.entry(key).or_insert(Source::Value(*place)) {
                        Source::Value(known) if *known == *place => {}
                        _ => return Err(conflict(inner)),
                    }
                }
                Some(Member::Record(place)) => {
                    let target = object.fields[*place].target.unwrap_or_default();
                    let theirs = wanted.references.entry(*place).or_insert_with(|| Wanted::new(target));
                    let source = plan
                        .outputs
                        .entry(key)
                        .or_insert_with(|| Source::Record(*place, RecordPlan::default()));
                    match source {
                        Source::Record(known, plan) if *known == *place => self.record(inner, plan, theirs)?,
                        _ => return Err(conflict(inner)),
                    }
                }
                Some(Member::Children(place)) => {
                    let target = object.children[*place].object;
                    let page = Page::read(self.model, target, &arguments(inner)?, self.pages)?;
                    let slot = slot(wanted, *place, page, target);
                    let source = plan
                        .outputs
                        .entry(key)
                        .or_insert_with(|| Source::Children(slot, ConnectionPlan::default()));
                    match source {
                        Source::Children(known, plan) if *known == slot => {
                            self.connection(inner, plan, &mut wanted.children[slot].list)?;
                        }
                        _ => return Err(conflict(inner)),
                    }
                }
                None => return Err(unknown(inner, &object.type_name)),
            }
        }
        Ok(())
    }

    /// What is selected below a field whose value is a connection.
    ///
    /// # Errors
    /// Those of arguments.
    pub(crate) fn connection(
        self,
        field: SelectionField<'_>,
        plan: &mut ConnectionPlan,
        list: &mut WantedList,
    ) -> Answered<()> {
        for inner in field.selection_set().filter(|inner| !inner.name().starts_with("__")) {
            let part = match inner.name() {
                "data" => Part::Data(RecordPlan::default()),
                "totalCount" => Part::Total,
                "pageSize" => Part::PageSize,
                "offset" => Part::Offset,
                "hasMore" => Part::HasMore,
                "nextCursor" => Part::NextCursor,
                _ => return Err(unknown(inner, "the connection")),
            };
            let wanted = std::mem::discriminant(&part);
            let part = plan.outputs.entry(key(inner)).or_insert(part);
            if std::mem::discriminant(part) != wanted {
                return Err(conflict(inner));
            }
            match part {
                Part::Data(plan) => {
                    list.data = true;
                    self.record(inner, plan, &mut list.records)?;
                }
                Part::Total => list.total = true,
                Part::HasMore | Part::NextCursor => list.more = true,
                Part::PageSize | Part::Offset => {}
            }
        }
        Ok(())
    }
}

/// The place of a page of children, which is wanted already or from now on.
fn slot(wanted: &mut Wanted, child: usize, page: Page, object: usize) -> usize {
    let known = |known: &WantedChildren| known.child == child && known.page == page;
    if let Some(slot) = wanted.children.iter().position(known) {
        return slot;
    }
    wanted.children.push(WantedChildren {
        child,
        page,
        list: WantedList::new(object),
    });
    wanted.children.len() - 1
}

/// The name in the answer.
pub(crate) fn key(field: SelectionField<'_>) -> String {
    field.alias().unwrap_or_else(|| field.name()).to_owned()
}

/// The arguments of a field, with the values of variables.
///
/// # Errors
/// For a variable without a value.
pub(crate) fn arguments(field: SelectionField<'_>) -> Answered<Vec<(async_graphql::Name, async_graphql::Value)>> {
    field.arguments().map_err(|error: ServerError| invalid(error.message))
}

/// Two fields under one name. The library looks for that within one selection; those of the same field at two places,
/// and those of a fragment beside those around it, it does not hold against each other.
fn conflict(field: SelectionField<'_>) -> async_graphql::Error {
    invalid(format!(
        "'{}' stands for two different fields, or for one with different arguments; give one of them another alias",
        key(field)
    ))
}

/// The schema and the model have the same names, so this is told to nobody while they do.
fn unknown(field: SelectionField<'_>, place: &str) -> async_graphql::Error {
    internal(format!(
        "'{}' of {place} is in the schema and not in the model",
        field.name()
    ))
}
