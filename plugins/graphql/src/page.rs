//! Which records of a list, as the arguments of a field say: filter, order, limit, offset, cursor and words to look
//! for.

use async_graphql::{Name, Value};
use serde_json::{Map, Value as Json, json};

use crate::config::Pages;
use crate::failure::{Answered, invalid};
use crate::filter;
use crate::model::Model;

/// A page of records. Two of one list are the same question when they are equal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page {
    /// `where` of the engine's query.
    pub(crate) filter: Option<Json>,
    /// `orderBy` of it.
    pub(crate) order: Vec<Json>,
    /// Records at most.
    pub(crate) limit: u64,
    /// Records to skip.
    pub(crate) offset: u64,
    /// Where the page before ended.
    pub(crate) cursor: Option<String>,
    /// Words to look for.
    pub(crate) search: Option<String>,
}

impl Page {
    /// Reads the arguments of a list of an object.
    ///
    /// # Errors
    /// `invalid_query` for a number below 0, and for a filter or an order that is none.
    pub(crate) fn read(model: &Model, object: usize, arguments: &[(Name, Value)], pages: Pages) -> Answered<Self> {
        let mut page = Self {
            filter: None,
            order: Vec::new(),
            limit: pages.default,
            offset: 0,
            cursor: None,
            search: None,
        };
        for (name, value) in arguments.iter().filter(|(_, value)| *value != Value::Null) {
            match name.as_str() {
                "filter" => page.filter = filter::read(model, object, value)?,
                "sort" => page.order = order(model, object, value)?,
                "limit" => page.limit = number(name, value)?.min(pages.max),
                "offset" => page.offset = number(name, value)?,
                "cursor" => page.cursor = text(value),
                "search" => page.search = text(value),
                _ => {}
            }
        }
        Ok(page)
    }

    /// The parts of the engine's query but for `limit`.
    pub(crate) fn put(&self, query: &mut Map<String, Json>) {
        let mut put = |key: &str, value: Json| query.insert(key.to_owned(), value);
        if let Some(filter) = &self.filter {
            put("where", filter.clone());
        }
        if !self.order.is_empty() {
            put("orderBy", Json::Array(self.order.clone()));
        }
        if self.offset > 0 {
            put("offset", json!(self.offset));
        }
        if let Some(cursor) = &self.cursor {
            put("cursor", json!(cursor));
        }
        if let Some(search) = &self.search {
            put("search", json!({ "query": search }));
        }
    }
}

/// A list, or one value in its place, as GraphQL allows.
pub(crate) fn list(value: &Value) -> &[Value] {
    match value {
        Value::List(values) => values,
        single => std::slice::from_ref(single),
    }
}

/// A text; an enum's name is one.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Enum(name) => Some(name.to_string()),
        // An `ID` may be written as a number.
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number from 0.
pub(crate) fn number(name: &str, value: &Value) -> Answered<u64> {
    let whole = match value {
        Value::Number(number) => number.as_u64(),
        _ => None,
    };
    whole.ok_or_else(|| invalid(format!("'{name}' takes a whole number from 0, found {value}")))
}

/// `[{field, direction}]` → `[{field, order}]`.
fn order(model: &Model, object: usize, value: &Value) -> Answered<Vec<Json>> {
    list(value)
        .iter()
        .map(|value| ordered(value, |field| model.path(object, field)))
        .collect()
}

/// The library lets anything pass for an input: what is no `{field, direction}` is refused here.
fn ordered(value: &Value, path: impl Fn(&str) -> String) -> Answered<Json> {
    let sort = match value {
        Value::Object(sort) => Some(sort),
        _ => None,
    };
    let field = sort.and_then(|sort| sort.get("field")).and_then(text);
    let (Some(sort), Some(field)) = (sort, field) else {
        return Err(invalid(format!(
            "'sort' takes {{field: \"name\", direction: ASC}}, found {value}"
        )));
    };
    let direction = sort.get("direction").and_then(text).unwrap_or_default();
    let order = if direction == "DESC" { "desc" } else { "asc" };
    Ok(json!({ "field": path(&field), "order": order }))
}

/// The order of groups, whose names are those of the question and not of the object.
///
/// # Errors
/// `invalid_query` for an order that is none.
pub(crate) fn plain_order(value: &Value) -> Answered<Vec<Json>> {
    list(value).iter().map(|value| ordered(value, str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::code_of;
    use crate::model::tests::sample;
    use async_graphql::value;

    const PAGES: Pages = Pages { default: 20, max: 100 };

    fn read(arguments: Value) -> Answered<Page> {
        let Value::Object(arguments) = arguments else {
            panic!("arguments")
        };
        let arguments: Vec<(Name, Value)> = arguments.into_iter().collect();
        let model = sample();
        let contact = model
            .objects
            .iter()
            .position(|object| object.name == "contact")
            .unwrap();
        Page::read(&model, contact, &arguments, PAGES)
    }

    #[test]
    fn a_page_has_a_default_and_a_greatest_size() {
        let check = |arguments: Value, limit: u64, offset: u64| {
            let page = read(arguments).unwrap();
            assert_eq!((page.limit, page.offset), (limit, offset));
        };
        check(value!({}), 20, 0);
        check(value!({ "limit": null }), 20, 0);
        check(value!({ "limit": 7, "offset": 3 }), 7, 3);
        check(value!({ "limit": 1000 }), 100, 0);
        let refused = read(value!({ "limit": -1 })).unwrap_err();
        assert_eq!(code_of(&refused), "invalid_query");
        assert!(refused.message.contains("'limit'"), "{refused:?}");
    }

    #[test]
    fn an_order_is_a_list_or_one_and_names_paths_of_the_engine() {
        let mut query = Map::new();
        let sort =
            value!({ "sort": [{ "field": "account.name" }, { "field": "boss.last_name", "direction": "DESC" }] });
        read(sort).unwrap().put(&mut query);
        let expected = json!({ "orderBy": [
            { "field": "account.name", "order": "asc" }, { "field": "boss_id.last_name", "order": "desc" }] });
        assert_eq!(Json::Object(query), expected);
        let one = read(value!({ "sort": { "field": "account_id" } })).unwrap();
        assert_eq!(one.order, [json!({ "field": "account", "order": "asc" })]);
        for sort in [
            value!("name"),
            value!([{ "field": "name" }, "name"]),
            value!({ "direction": "DESC" }),
        ] {
            let mut arguments = async_graphql::indexmap::IndexMap::new();
            arguments.insert(Name::new("sort"), sort.clone());
            let refused = read(Value::Object(arguments)).unwrap_err();
            assert!(refused.message.contains("'sort' takes"), "{sort}: {refused:?}");
            assert!(plain_order(&sort).is_err(), "{sort}");
        }
    }
}
