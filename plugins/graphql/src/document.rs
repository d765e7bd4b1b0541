//! An operation made ready: one of the document's, the fragments that it uses, and the values of its variables in their
//! places, so that all that follows sees one thing and the same. What was not given is not there, as GraphQL wants it:
//! a field of an input whose variable has no value is left out, and not null.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Name, Positioned, ServerError, Value, Variables};

use crate::failure::{Answered, invalid};

/// Brackets within each other at most: the parser calls itself for each.
const NESTING_MAX: usize = 64;
/// Bytes of variables in all their places at most.
const VARIABLE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Stands for a variable without a value; no name has such a character.
const ABSENT: &str = "\u{0}absent";

/// An operation that is ready to be looked at.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) kind: OperationType,
    pub(crate) document: ExecutableDocument,
}

impl Operation {
    /// Reads a query.
    ///
    /// # Errors
    /// `invalid_query` for a query that is too large, that is none, that has no such operation, whose fragments hold
    /// themselves, or one of whose variables is missing.
    pub(crate) fn read(query: &str, name: Option<&str>, variables: &Variables, bytes_max: usize) -> Answered<Self> {
        if query.len() > bytes_max {
            return Err(invalid(format!(
                "the query has {} bytes; at most {bytes_max} are allowed",
                query.len()
            )));
        }
        if nesting(query) > NESTING_MAX {
            return Err(invalid(format!("the query is nested deeper than {NESTING_MAX}")));
        }
        let parsed = parse_query(query).map_err(|error| invalid(ServerError::from(error).message))?;
        let mut operation = selected(parsed.operations, name)?;
        let mut fragments = parsed.fragments;
        let used = used(&operation.node.selection_set.node, &fragments)?;
        fragments.retain(|name, _| used.contains(name));
        let mut values = Values::new(&operation.node, variables)?;
        values.put(&mut operation.node.selection_set.node)?;
        for fragment in fragments.values_mut() {
            values.put(&mut fragment.node.selection_set.node)?;
        }
        operation.node.variable_definitions.clear();
        Ok(Self {
            kind: operation.node.ty,
            document: ExecutableDocument {
                operations: DocumentOperations::Single(operation),
                fragments,
            },
        })
    }
}

/// The greatest number of open brackets, outside of texts and comments.
fn nesting(query: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        if let Some(block) = rest.strip_prefix("\"\"\"") {
            rest = behind_block(block);
            continue;
        }
        rest = &rest[first.len_utf8()..];
        match first {
            '"' => rest = behind_text(rest),
            '#' => rest = rest.find(['\n', '\r']).map_or("", |end| &rest[end..]),
            '{' | '[' | '(' => {
                open += 1;
                most = most.max(open);
            }
            '}' | ']' | ')' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// What stands behind a text between three quotes each; a stroke before three quotes takes their meaning.
fn behind_block(mut rest: &str) -> &str {
    while let Some((text, behind)) = rest.split_once("\"\"\"") {
        if !text.ends_with('\\') {
            return behind;
        }
        rest = behind;
    }
    ""
}

/// What stands behind the text that was begun; it ends with its line at the latest.
fn behind_text(rest: &str) -> &str {
    let mut escaped = false;
    for (at, letter) in rest.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' | '\n' | '\r' => return &rest[at + 1..],
            _ => {}
        }
    }
    ""
}

fn selected(operations: DocumentOperations, name: Option<&str>) -> Answered<Positioned<OperationDefinition>> {
    match (operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Single(_), Some(name)) => Err(invalid(format!("the query has no operation '{name}'"))),
        (DocumentOperations::Multiple(mut operations), Some(name)) => operations
            .remove(name)
            .ok_or_else(|| invalid(format!("the query has no operation '{name}'"))),
        (DocumentOperations::Multiple(operations), None) => {
            let mut operations = operations.into_values();
            match (operations.next(), operations.next()) {
                (Some(operation), None) => Ok(operation),
                _ => Err(invalid(
                    "the query has several operations: say which by 'operationName'",
                )),
            }
        }
    }
}

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Names of the fragments that a selection leads to.
fn used(selection: &SelectionSet, fragments: &Fragments) -> Answered<HashSet<Name>> {
    let mut used = HashSet::new();
    let mut waiting = spreads(selection);
    while let Some(name) = waiting.pop() {
        if let Some(fragment) = fragments.get(&name)
            && used.insert(name.clone())
        {
            waiting.extend(spreads(&fragment.node.selection_set.node));
        }
    }
    match holds_itself(&used, fragments) {
        Some(name) => Err(invalid(format!("the fragment '{name}' holds itself"))),
        None => Ok(used),
    }
}

/// A fragment within itself. Those that nobody uses are taken away, one after the other: what is left is within itself.
fn holds_itself(used: &HashSet<Name>, fragments: &Fragments) -> Option<Name> {
    let inner = |name: &Name| fragments.get(name).map(|found| spreads(&found.node.selection_set.node));
    let mut users: HashMap<Name, usize> = used.iter().map(|name| (name.clone(), 0)).collect();
    for name in used.iter().flat_map(|name| inner(name).unwrap_or_default()) {
        *users.entry(name).or_default() += 1;
    }
    let free = users.iter().filter(|(_, count)| **count == 0);
    let mut waiting: Vec<Name> = free.map(|(name, _)| name.clone()).collect();
    while let Some(name) = waiting.pop() {
        users.remove(&name);
        for next in inner(&name).unwrap_or_default() {
            if let Some(count) = users.get_mut(&next) {
                *count -= 1;
                if *count == 0 {
                    waiting.push(next);
                }
            }
        }
    }
    users.into_keys().find(|name| used.contains(name))
}

/// Names of the fragments within a selection, without those within these.
fn spreads(selection: &SelectionSet) -> Vec<Name> {
    let mut names = Vec::new();
    let mut waiting = vec![selection];
    while let Some(at) = waiting.pop() {
        for item in &at.items {
            match &item.node {
                Selection::Field(field) => waiting.push(&field.node.selection_set.node),
                Selection::InlineFragment(inline) => waiting.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => names.push(spread.node.fragment_name.node.clone()),
            }
        }
    }
    names
}

/// Values of the variables that an operation declares.
struct Values {
    /// By name: the value, `None` where there is none, and how many bytes it has.
    known: HashMap<Name, (Option<Value>, usize)>,
    bytes: usize,
}

impl Values {
    fn new(operation: &OperationDefinition, variables: &Variables) -> Answered<Self> {
        let mut known = HashMap::new();
        for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
            let name = &definition.name.node;
            let default = definition.default_value.as_ref().map(|value| &value.node);
            let value = variables.get(name).or(default).cloned();
            let missing = value.is_none() || value == Some(Value::Null);
            if missing && !definition.var_type.node.nullable {
                return Err(invalid(format!(
                    "the variable '${name}' has no value; it is {}",
                    definition.var_type.node
                )));
            }
            let bytes = value.as_ref().map_or(0, |value| value.to_string().len());
            known.insert(name.clone(), (value, bytes));
        }
        Ok(Self { known, bytes: 0 })
    }

    /// Puts the values into the arguments of a selection.
    fn put(&mut self, selection: &mut SelectionSet) -> Answered<()> {
        for item in &mut selection.items {
            for directive in item.node.directives_mut() {
                for (_, value) in &mut directive.node.arguments {
                    let found = std::mem::take(&mut value.node).into_const_with(|name| self.variable(&name))?;
                    value.node = without_absent(found).unwrap_or_default().into_value();
                }
            }
            match &mut item.node {
                Selection::Field(field) => {
                    let mut arguments = Vec::with_capacity(field.node.arguments.len());
                    for (name, mut value) in std::mem::take(&mut field.node.arguments) {
                        let found = std::mem::take(&mut value.node).into_const_with(|name| self.variable(&name))?;
                        if let Some(found) = without_absent(found) {
                            value.node = found.into_value();
                            arguments.push((name, value));
                        }
                    }
                    field.node.arguments = arguments;
                    self.put(&mut field.node.selection_set.node)?;
                }
                Selection::InlineFragment(inline) => self.put(&mut inline.node.selection_set.node)?,
                Selection::FragmentSpread(_) => {}
            }
        }
        Ok(())
    }

    fn variable(&mut self, name: &Name) -> Answered<Value> {
        let Some((value, bytes)) = self.known.get(name) else {
            return Err(invalid(format!("the variable '${name}' is not declared")));
        };
        self.bytes += bytes;
        if self.bytes > VARIABLE_BYTES_MAX {
            return Err(invalid(format!(
                "variables in all their places have more than {VARIABLE_BYTES_MAX} bytes"
            )));
        }
        Ok(value.clone().unwrap_or_else(|| Value::Enum(Name::new(ABSENT))))
    }
}

/// Leaves out what has no value; in a list it is null.
fn without_absent(value: Value) -> Option<Value> {
    match value {
        Value::Enum(name) if name.as_str() == ABSENT => None,
        Value::List(values) => Some(Value::List(
            values
                .into_iter()
                .map(|value| without_absent(value).unwrap_or_default())
                .collect(),
        )),
        Value::Object(map) => Some(Value::Object(
            map.into_iter()
                .filter_map(|(name, value)| Some((name, without_absent(value)?)))
                .collect(),
        )),
        value => Some(value),
    }
}

#[cfg(test)]
mod tests;
