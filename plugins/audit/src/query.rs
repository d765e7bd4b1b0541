//! Which events a caller asks for: the query string, read into a filter for the engine. Unknown keys and values that make no
//! sense are refused with the key and what is known.

use objectos_plugin_api::{
    HttpRequest,
    protocol::system::{AuditEventSeverity, AuditResult},
};
use serde_json::{Value, json};

use crate::{
    access::Reach,
    error::{AuditError, Result},
    moment,
};

/// Events of a page, unless another number is asked for.
const LIMIT: u64 = 50;
/// Events of a page at most.
const LIMIT_MAX: u64 = 500;

/// Names of fields by which events are found, grouped and exported, with the columns they stand in.
const COLUMNS: [(&str, &str); 18] = [
    ("eventType", "event_type"),
    ("severity", "severity"),
    ("actorType", "actor_type"),
    ("actorId", "actor_id"),
    ("actorName", "actor_name"),
    ("actorEmail", "actor_email"),
    ("ipAddress", "ip_address"),
    ("userAgent", "user_agent"),
    ("sessionId", "session_id"),
    ("requestId", "request_id"),
    ("tenantId", "tenant_id"),
    ("objectName", "object_name"),
    ("recordId", "record_id"),
    ("targetType", "target_type"),
    ("targetId", "target_id"),
    ("targetName", "target_name"),
    ("result", "result"),
    ("impersonatorId", "impersonator_id"),
];

/// Other spellings of the same, as the protocol's `AuditEvent` and older clients have them.
const ALIASES: [(&str, &str); 12] = [
    ("actor.type", "actorType"),
    ("actor.id", "actorId"),
    ("actor.name", "actorName"),
    ("actor.email", "actorEmail"),
    ("actor.ipAddress", "ipAddress"),
    ("actor.userAgent", "userAgent"),
    ("target.type", "targetType"),
    ("target.id", "targetId"),
    ("userId", "actorId"),
    ("actor", "actorId"),
    ("object", "objectName"),
    ("tenant", "tenantId"),
];

/// Keys of a query that are no field.
const OTHERS: [&str; 16] = [
    "eventTypes",
    "type",
    "severities",
    "from",
    "to",
    "startDate",
    "endDate",
    "q",
    "searchQuery",
    "limit",
    "offset",
    "cursor",
    "sortOrder",
    "format",
    "record",
    "success",
];

/// Fields that a text is looked for in: who did something, and to what.
const SEARCHED: [&str; 4] = ["actor_name", "actor_email", "object_name", "record_id"];
/// And those that may say what stands in a record.
const TELLING: [&str; 3] = ["description", "target_name", "error_message"];

/// The column of a field, by any of its names.
pub(crate) fn column(name: &str) -> Option<&'static str> {
    let name = ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map_or(name, |(_, name)| name);
    COLUMNS
        .iter()
        .find(|(field, column)| *field == name || *column == name)
        .map(|(_, column)| *column)
}

/// All names, for messages.
pub(crate) fn column_names() -> String {
    COLUMNS.map(|(name, _)| name).join(", ")
}

/// What a caller asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) filters: Vec<Value>,
    /// Texts that are looked for.
    searches: Vec<String>,
    /// Names of what events are about.
    target_names: Vec<String>,
    /// What a record says is no way to its rows: what is withheld from the answer could be asked for piece by piece.
    narrow: bool,
    pub(crate) limit: u64,
    pub(crate) offset: u64,
    pub(crate) cursor: Option<String>,
    pub(crate) descending: bool,
    pub(crate) format: Option<String>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            filters: Vec::new(),
            searches: Vec::new(),
            target_names: Vec::new(),
            narrow: false,
            limit: LIMIT,
            offset: 0,
            cursor: None,
            descending: true,
            format: None,
        }
    }
}

fn wrong(message: impl Into<String>) -> AuditError {
    AuditError::Query(message.into())
}

/// The pairs of a query string, decoded.
fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (escaped, bytes[at]) {
            (Some(byte), _) => {
                out.push(byte);
                at += 3;
                continue;
            }
            (None, b'+') => out.push(b' '),
            (None, byte) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn moment_of(key: &str, value: &str) -> Result<String> {
    moment::parse(value).ok_or_else(|| {
        wrong(format!(
            "{key}: `{value}` is no moment; write it as 2026-01-31T12:00:00Z or 2026-01-31"
        ))
    })
}

fn number(key: &str, value: &str, max: u64) -> Result<u64> {
    match value.parse() {
        Ok(number) if number <= max => Ok(number),
        _ => Err(wrong(format!("{key}: `{value}` is no whole number from 0 to {max}"))),
    }
}

fn list(value: &str) -> Vec<&str> {
    value
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

impl Query {
    /// Reads the query string of a request.
    ///
    /// # Errors
    /// `Query`.
    pub(crate) fn read(request: &HttpRequest) -> Result<Self> {
        Self::parse(request.query())
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut query = Self::default();
        for (key, value) in pairs(text) {
            query.take(&key, &value)?;
        }
        Ok(query)
    }

    fn take(&mut self, key: &str, value: &str) -> Result<()> {
        let filter = match key {
            "limit" => {
                self.limit = number(key, value, LIMIT_MAX)?;
                return Ok(());
            }
            "offset" => {
                self.offset = number(key, value, u64::from(u32::MAX))?;
                return Ok(());
            }
            "cursor" => {
                self.cursor = Some(value.to_owned());
                return Ok(());
            }
            "format" => {
                self.format = Some(value.to_owned());
                return Ok(());
            }
            "sortOrder" => {
                self.descending = match value {
                    "desc" => true,
                    "asc" => false,
                    _ => return Err(wrong(format!("sortOrder: `{value}` is neither asc nor desc"))),
                };
                return Ok(());
            }
            "from" | "startDate" => json!({ "timestamp": { "$gte": moment_of(key, value)? } }),
            "to" | "endDate" => json!({ "timestamp": { "$lte": moment_of(key, value)? } }),
            "q" | "searchQuery" => {
                self.searches.push(value.to_owned());
                return Ok(());
            }
            "success" => json!({ "result": if value == "true" { "success" } else { "failure" } }),
            "record" => json!({ "record_id": value }),
            "type" | "eventTypes" | "eventType" => json!({ "event_type": { "$in": list(value) } }),
            "severities" | "severity" => json!({ "severity": { "$in": severities(key, value)? } }),
            "result" if value.parse::<AuditResult>().is_err() => {
                return Err(wrong(format!(
                    "result: `{value}` is none of {}",
                    AuditResult::NAMES.join(", ")
                )));
            }
            _ => {
                let Some(column) = column(key) else {
                    return Err(wrong(format!(
                        "unknown key `{key}`; known are {}, {}",
                        column_names(),
                        OTHERS.join(", ")
                    )));
                };
                if column == "target_name" {
                    self.target_names.push(value.to_owned());
                    return Ok(());
                }
                json!({ column: value })
            }
        };
        self.filters.push(filter);
        Ok(())
    }

    /// Whether nothing but the type and the time of events narrows it.
    pub(crate) fn is_about_time_and_type(&self) -> bool {
        self.searches.is_empty()
            && self.target_names.is_empty()
            && self
                .filters
                .iter()
                .all(|filter| filter.get("timestamp").is_some() || filter.get("event_type").is_some())
    }

    /// Keeps it within what its caller sees of the trail.
    pub(crate) fn within(&mut self, reach: &Reach) {
        self.filters.extend(reach.filter());
        self.narrow_to(reach);
    }

    /// For whoever does not see everything, texts that may say what stands in a record are looked at only in rows that are about
    /// none.
    pub(crate) fn narrow_to(&mut self, reach: &Reach) {
        self.narrow |= *reach != Reach::Everything;
    }

    /// The filter for the engine.
    pub(crate) fn filter(&self) -> Value {
        let mut all = self.filters.clone();
        for text in &self.searches {
            let has = |column: &str| json!({ column: { "$icontains": text } });
            let mut any: Vec<Value> = SEARCHED.into_iter().map(has).collect();
            any.extend(TELLING.into_iter().map(|column| self.bound(has(column))));
            all.push(json!({ "$or": any }));
        }
        for name in &self.target_names {
            all.push(self.bound(json!({ "target_name": name })));
        }
        json!({ "$and": all })
    }

    /// A test of a column that may say what stands in a record.
    fn bound(&self, test: Value) -> Value {
        if self.narrow {
            json!({ "$and": [test, { "target_type": { "$ne": "record" } }] })
        } else {
            test
        }
    }

    /// The query for the engine.
    pub(crate) fn to_query(&self) -> Value {
        let order = if self.descending { "desc" } else { "asc" };
        let mut query = json!({
            "where": self.filter(), "orderBy": [{ "field": "sequence", "order": order }], "limit": self.limit, "count": true,
        });
        match &self.cursor {
            Some(cursor) => query["cursor"] = json!(cursor),
            None => query["offset"] = json!(self.offset),
        }
        query
    }
}

fn severities<'a>(key: &str, value: &'a str) -> Result<Vec<&'a str>> {
    let severities = list(value);
    match severities
        .iter()
        .find(|severity| severity.parse::<AuditEventSeverity>().is_err())
    {
        Some(unknown) => Err(wrong(format!(
            "{key}: `{unknown}` is none of {}",
            AuditEventSeverity::NAMES.join(", ")
        ))),
        None => Ok(severities),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_filters() {
        let query =
            Query::parse("eventType=data.create,data.update&userId=u1&from=2026-01-31&q=an%20n&limit=5&sortOrder=asc")
                .expect("a query");
        assert_eq!(
            query.filters[0],
            json!({ "event_type": { "$in": ["data.create", "data.update"] } })
        );
        assert_eq!(query.filters[1], json!({ "actor_id": "u1" }));
        assert_eq!(
            query.filters[2],
            json!({ "timestamp": { "$gte": "2026-01-31T00:00:00.000Z" } })
        );
        let found = query.filter();
        assert_eq!(
            (&found["$and"][3]["$or"][0], &found["$and"][3]["$or"][4]),
            (
                &json!({ "actor_name": { "$icontains": "an n" } }),
                &json!({ "description": { "$icontains": "an n" } })
            )
        );
        assert_eq!((query.limit, query.descending), (5, false));
    }

    #[test]
    fn what_records_say_is_no_way_to_their_rows_for_those_who_see_less_than_all() {
        let mut query = Query::parse("targetName=Bob").expect("a query");
        let open = json!({ "target_name": "Bob" });
        assert_eq!(query.filter()["$and"], json!([open]));
        query.within(&Reach::Everything);
        assert_eq!(query.filter()["$and"], json!([open]));
        query.within(&Reach::Tenant(Some("t1".to_owned())));
        let bound = json!({ "$and": [open, { "target_type": { "$ne": "record" } }] });
        assert_eq!(query.filter()["$and"], json!([{ "tenant_id": "t1" }, bound]));
        assert!(!query.is_about_time_and_type());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let refused = |text: &str| Query::parse(text).expect_err("refused").to_string();
        assert!(refused("nonsense=1").starts_with("unknown key `nonsense`; known are eventType,"));
        assert!(refused("limit=501").starts_with("limit: `501`"));
        assert!(refused("from=yesterday").starts_with("from: `yesterday`"));
        assert!(refused("severity=loud").contains("`loud` is none of debug"));
        assert!(refused("result=maybe").starts_with("result: `maybe`"));
        assert!(refused("sortOrder=up").starts_with("sortOrder:"));
    }
}
