//! Reads records with all that is wanted of what hangs on them. One call brings a list with the records that it points
//! to and the records that point to it; the engine reads each of these relations by one statement. A second call is
//! made for each of the following, and for each once, however many records there are: how many records point to each;
//! another page of the same relation; ids whose records may not be seen, where both are selected.
//!
//! What is found is put into the records themselves, under keys that no field has: `account#id` is the id, `#0` a list
//! `{records, hasMore, total}` by its place among those that are wanted.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::{BoxFuture, FutureExt as _};
use objectos_plugin_api::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use crate::engine::Session;
use crate::failure::{Answered, from_service};
use crate::model::{Model, ObjectModel};
use crate::page::Page;
use crate::plan::{Wanted, WantedChildren, WantedList};

/// Ids of one question at most.
const IDS_MAX: usize = 500;
/// What a count is called; no field is.
const TOTAL: &str = "objectos_graphql_total";

type Record = Map<String, Value>;

/// Reads for one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetcher<'a> {
    pub(crate) session: &'a Session,
    pub(crate) model: &'a Model,
}

/// The key of the id that a field holds.
pub(crate) fn id_key(field: &str) -> String {
    format!("{field}#id")
}

/// The key of a list of records that point here.
pub(crate) fn slot_key(slot: usize) -> String {
    format!("#{slot}")
}

impl Fetcher<'_> {
    fn object(&self, place: usize) -> Answered<&ObjectModel> {
        let found = self.model.objects.get(place);
        found.ok_or_else(|| crate::failure::internal("an object that is not in the model"))
    }

    /// A page: `{records, total?, hasMore, nextCursor?}`.
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn list(&self, page: &Page, list: &WantedList) -> Answered<Record> {
        let object = self.object(list.records.object)?;
        let mut query = self.query(&list.records)?;
        page.put(&mut query);
        let limit = if reads(list) { page.limit } else { 0 };
        query.insert("limit".to_owned(), json!(limit));
        // Without records only the count tells whether there are any.
        let count = list.total || (list.more && limit == 0);
        query.insert("count".to_owned(), json!(count));
        let found = self.session.find(&object.name, query).await;
        let mut found = into_record(found.map_err(|error| from_service(&error))?);
        self.complete(&list.records, within(found.get_mut("records"))).await?;
        Ok(found)
    }

    /// A record by its id; `None` for one that is not there for the caller.
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn one(&self, wanted: &Wanted, id: &str) -> Answered<Option<Record>> {
        let object = self.object(wanted.object)?;
        let alone = wanted.references.is_empty() && !wanted.children.iter().any(|children| reads(&children.list));
        let mut record = if alone {
            let fields = fields(object, wanted).map(str::to_owned).collect();
            match self.session.get(&object.name, id, fields).await {
                Ok(record) => record,
                Err(error) if error.code() == "record_not_found" => return Ok(None),
                Err(error) => return Err(from_service(&error)),
            }
        } else {
            let found = self
                .by_ids(object, "id", &[id.to_owned()], &self.query(wanted)?)
                .await?;
            let Some(record) = found.into_iter().next() else {
                return Ok(None);
            };
            record
        };
        self.complete(wanted, vec![&mut record]).await?;
        Ok(Some(record))
    }

    /// Several records by their ids, in no order.
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn several(&self, wanted: &Wanted, ids: &[String]) -> Answered<Vec<Record>> {
        let object = self.object(wanted.object)?;
        let mut found = self.by_ids(object, "id", ids, &self.query(wanted)?).await?;
        self.complete(wanted, found.iter_mut().collect()).await?;
        Ok(found)
    }

    /// The fields and relations of the engine's query.
    fn query(&self, wanted: &Wanted) -> Answered<Record> {
        let object = self.object(wanted.object)?;
        let mut query = Record::new();
        query.insert("fields".to_owned(), fields(object, wanted).collect());
        let mut expand = Record::new();
        for (place, theirs) in &wanted.references {
            let name = &object.fields[*place].name;
            expand.insert(name.clone(), Value::Object(self.query(theirs)?));
        }
        for slot in (0..wanted.children.len()).filter(|slot| rides(wanted, *slot)) {
            let children = &wanted.children[slot];
            let relation = &object.children[children.child].relation;
            expand.insert(relation.clone(), Value::Object(self.children_query(children)?));
        }
        if !expand.is_empty() {
            query.insert("expand".to_owned(), Value::Object(expand));
        }
        Ok(query)
    }

    /// A page of children; one more than it holds tells whether there are more.
    fn children_query(&self, children: &WantedChildren) -> Answered<Record> {
        let mut query = self.query(&children.list.records)?;
        children.page.put(&mut query);
        let limit = children.page.limit + u64::from(children.list.more);
        query.insert("limit".to_owned(), json!(limit));
        Ok(query)
    }

    /// Puts into records what the first call did not bring.
    fn complete<'f>(&'f self, wanted: &'f Wanted, mut records: Vec<&'f mut Record>) -> BoxFuture<'f, Answered<()>> {
        async move {
            if records.is_empty() {
                return Ok(());
            }
            let object = self.object(wanted.object)?;
            self.ids(object, wanted, &mut records).await?;
            for slot in 0..wanted.children.len() {
                self.children(object, wanted, slot, &mut records).await?;
            }
            for (place, theirs) in &wanted.references {
                let name = object.fields[*place].name.as_str();
                let nested = records.iter_mut().flat_map(|record| within(record.get_mut(name)));
                self.complete(theirs, nested.collect()).await?;
            }
            for (slot, children) in wanted.children.iter().enumerate() {
                let key = slot_key(slot);
                let nested = records.iter_mut().flat_map(|record| {
                    let list = record.get_mut(&key).and_then(|list| list.get_mut("records"));
                    within(list)
                });
                self.complete(&children.list.records, nested.collect()).await?;
            }
            Ok(())
        }
        .boxed()
    }

    /// The ids of references whose records took their place and are null, as those are that may not be seen.
    async fn ids(&self, object: &ObjectModel, wanted: &Wanted, records: &mut [&mut Record]) -> Answered<()> {
        let both = wanted.references.keys().filter(|place| wanted.fields.contains(*place));
        let names: Vec<&str> = both.map(|place| object.fields[*place].name.as_str()).collect();
        let lacking = records.iter().map(|record| &**record);
        let ids = distinct(lacking.filter(|record| lacks(record, &names)));
        if names.is_empty() || ids.is_empty() {
            return Ok(());
        }
        let mut query = Record::new();
        let fields = std::iter::once("id").chain(names.iter().copied());
        query.insert("fields".to_owned(), fields.collect());
        let found = by_id(self.by_ids(object, "id", &ids, &query).await?);
        for record in records {
            let Some(plain) = found.get(&id_of(record)) else {
                continue;
            };
            for name in &names {
                let id = plain.get(*name).cloned().unwrap_or_default();
                record.insert(id_key(name), id);
            }
        }
        Ok(())
    }

    /// A list of the records that point to each of some records.
    async fn children(
        &self,
        object: &ObjectModel,
        wanted: &Wanted,
        slot: usize,
        records: &mut [&mut Record],
    ) -> Answered<()> {
        let children = &wanted.children[slot];
        let relation = object.children[children.child].relation.as_str();
        let ids = distinct(records.iter().map(|record| &**record));
        let mut apart = HashMap::new();
        if reads(&children.list) && !rides(wanted, slot) {
            let mut expand = Record::new();
            expand.insert(relation.to_owned(), Value::Object(self.children_query(children)?));
            let mut query = Record::new();
            query.insert("fields".to_owned(), json!(["id"]));
            query.insert("expand".to_owned(), Value::Object(expand));
            apart = by_id(self.by_ids(object, "id", &ids, &query).await?);
        }
        let totals = if children.list.total {
            self.totals(object, children, &ids).await?
        } else {
            HashMap::new()
        };
        let limit = usize::try_from(children.page.limit).unwrap_or(usize::MAX);
        for record in records {
            let id = id_of(record);
            let found = if rides(wanted, slot) {
                record.remove(relation)
            } else {
                // The same record may stand at several places.
                apart.get(&id).and_then(|parent: &Record| parent.get(relation)).cloned()
            };
            let mut list = match found {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            };
            let more = list.len() > limit;
            list.truncate(limit);
            let total = totals.get(&id).copied().unwrap_or_default();
            let list = json!({ "records": list, "hasMore": more, "total": total });
            record.insert(slot_key(slot), list);
        }
        Ok(())
    }

    /// How many records point to each, by its id.
    async fn totals(
        &self,
        object: &ObjectModel,
        children: &WantedChildren,
        ids: &[String],
    ) -> Answered<HashMap<String, u64>> {
        let relation = &object.children[children.child];
        let child = self.object(relation.object)?;
        let mut query = Record::new();
        query.insert("groupBy".to_owned(), json!([relation.via]));
        query.insert(
            "aggregations".to_owned(),
            json!([{ "function": "count", "alias": TOTAL }]),
        );
        query.insert("orderBy".to_owned(), json!([{ "field": relation.via, "order": "asc" }]));
        if let Some(filter) = &children.page.filter {
            query.insert("where".to_owned(), filter.clone());
        }
        let groups = match self.read_all(child, &relation.via, ids, &query).await {
            // Records of an object that may not be read do not exist.
            Err(error) if closed(&error) => Vec::new(),
            groups => groups.map_err(|error| from_service(&error))?,
        };
        let total = |group: &Record| {
            let id = group.get(&relation.via)?.as_str()?.to_owned();
            Some((id, group.get(TOTAL)?.as_u64()?))
        };
        Ok(groups.iter().filter_map(total).collect())
    }

    /// Records or groups whose field has one of some values.
    async fn by_ids(&self, object: &ObjectModel, field: &str, ids: &[String], query: &Record) -> Answered<Vec<Record>> {
        let found = self.read_all(object, field, ids, query).await;
        found.map_err(|error| from_service(&error))
    }

    async fn read_all(
        &self,
        object: &ObjectModel,
        field: &str,
        ids: &[String],
        query: &Record,
    ) -> Result<Vec<Record>, Error> {
        let mut all = Vec::new();
        for part in ids.chunks(IDS_MAX) {
            let among = json!({ (field): { "$in": part } });
            let filter = match query.get("where") {
                Some(filter) => json!({ "$and": [among, filter] }),
                None => among,
            };
            let mut offset = 0;
            loop {
                let mut query = query.clone();
                query.insert("where".to_owned(), filter.clone());
                query.insert("limit".to_owned(), json!(part.len()));
                query.insert("offset".to_owned(), json!(offset));
                query.insert("count".to_owned(), json!(false));
                let mut found = self.session.find(&object.name, query).await?;
                let more = found["hasMore"] == true;
                let records = match found["records"].take() {
                    Value::Array(records) => records,
                    _ => Vec::new(),
                };
                offset += records.len();
                let ended = !more || records.is_empty();
                all.extend(records.into_iter().map(into_record));
                // The engine's greatest page may be smaller than this one.
                if ended {
                    break;
                }
            }
        }
        Ok(all)
    }
}

/// Whether records of a list are read.
fn reads(list: &WantedList) -> bool {
    list.data || list.more
}

/// Whether a list of children comes with the records that they point to: the first of its relation does.
fn rides(wanted: &Wanted, slot: usize) -> bool {
    let Some(children) = wanted.children.get(slot).filter(|children| reads(&children.list)) else {
        return false;
    };
    let before = &wanted.children[..slot];
    !before
        .iter()
        .any(|other| other.child == children.child && reads(&other.list))
}

/// Names of fields whose values are wanted; the id always is.
fn fields<'a>(object: &'a ObjectModel, wanted: &'a Wanted) -> impl Iterator<Item = &'a str> {
    let named = wanted
        .fields
        .iter()
        .map(move |place| object.fields[*place].name.as_str());
    std::iter::once("id").chain(named.filter(|name| *name != "id"))
}

/// The records within a value: one, or those of a list.
#[allow(clippy::needless_pass_by_value, reason = "what is borrowed once is handed on")]
fn within(value: Option<&mut Value>) -> Vec<&mut Record> {
    match value {
        Some(Value::Object(record)) => vec![record],
        Some(Value::Array(values)) => values.iter_mut().filter_map(Value::as_object_mut).collect(),
        _ => Vec::new(),
    }
}

fn into_record(value: Value) -> Record {
    match value {
        Value::Object(record) => record,
        _ => Record::new(),
    }
}

/// Whether some field holds no record, and so perhaps the id of one that may not be seen; a list never tells.
fn lacks(record: &Record, names: &[&str]) -> bool {
    names
        .iter()
        .any(|name| !record.get(*name).is_some_and(Value::is_object))
}

fn id_of(record: &Record) -> String {
    record.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn by_id(records: Vec<Record>) -> HashMap<String, Record> {
    records.into_iter().map(|record| (id_of(&record), record)).collect()
}

/// Ids of records, each once.
fn distinct<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<String> {
    let ids: BTreeSet<String> = records.map(id_of).filter(|id| !id.is_empty()).collect();
    ids.into_iter().collect()
}

/// Refused because of who asks, and not because nobody may ask this.
fn closed(error: &Error) -> bool {
    let details: Value = serde_json::from_slice(error.details()).unwrap_or_default();
    error.kind() == ErrorKind::Denied && error.code() == "permission_denied" && details.get("operation").is_some()
}
