//! Records shared by hand, by whoever reaches them as an owner does: with users, groups, teams, roles, territories, or by a link.
//!
//! A link is a token that is shown once and kept as a digest. Whoever is signed in and has it takes a share of its own, beside
//! those it has already; so it is known at any time who sees a record through a link, and what was taken goes with the link.
//! That holds because nobody shares on what they have by a link, nor what they have until some moment: neither with others nor
//! with themselves (`Planner::sharable`).

use objectos_plugin_api::{Error, ErrorKind, HttpResponse, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Call, ok};
use crate::evaluate::{Record, is_among};
use crate::explain::is_foreign;
use crate::load::{lasts, text};
use crate::model::Level;
use crate::plan::Planner;
use crate::records::Live;

const SHARES: &str = "sys_record_share";
const LINK: &str = "link";

fn no_record(id: &str) -> Error {
    Error::not_found(format!("there is no record '{id}'")).with_code("record_not_found")
}

/// The record must be one that the caller may share; any other one is not there.
async fn sharable(call: &Call, object: &str, id: &str) -> Result<()> {
    let subject = call.subject().await?;
    let loaded = call.state.loaded(&call.context).await?;
    if loaded.model.catalogue.object(object).is_none() {
        return Err(no_record(id));
    }
    let store = &call.state.loader.store;
    let record = store
        .one(&call.context, object, id)
        .await?
        .ok_or_else(|| no_record(id))?;
    let here = !is_foreign(&loaded.model.catalogue, &subject, object, &record);
    let rows = Planner::new(&loaded.model, &subject, call.state.loader.host.now_ms()).sharable(object);
    let live = Live {
        store,
        context: &call.context,
    };
    if here && is_among(&rows, &record, &live).await? {
        return Ok(());
    }
    Err(no_record(id))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewShare {
    object: String,
    record_id: String,
    #[serde(default = "user")]
    recipient_type: String,
    recipient: Option<String>,
    #[serde(default = "read")]
    access_level: String,
    expires_at: Option<String>,
    reason: Option<String>,
}

fn user() -> String {
    "user".to_owned()
}

fn read() -> String {
    "read".to_owned()
}

fn digest(token: &str) -> String {
    Sha256::digest(token.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// `{object, recordId, recipientType = user, recipient, accessLevel = read, expiresAt?, reason?}`; of a link the answer has
/// `token`, once.
pub(super) async fn create(call: Call) -> Result<HttpResponse> {
    let new: NewShare = call.request.json()?;
    sharable(&call, &new.object, &new.record_id).await?;
    let token = (new.recipient_type == LINK).then(|| {
        let bytes: [u8; 24] = rand::random();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    let recipient = match (&token, new.recipient) {
        (Some(token), _) => digest(token),
        (None, Some(recipient)) => recipient,
        (None, None) => return Err(Error::invalid("`recipient` says with whom the record is shared")),
    };
    let record = json!({
        "object": new.object,
        "record": new.record_id,
        "recipient_type": new.recipient_type,
        "recipient": recipient,
        "access_level": new.access_level,
        "expires_at": new.expires_at,
        "reason": new.reason,
    });
    let store = &call.state.loader.store;
    if token.is_none() {
        refuse_double(&call, &record).await?;
    }
    let id = store.create(&call.context, SHARES, record).await?;
    let mut answer = json!({ "id": id });
    if let Some(token) = token {
        answer["token"] = json!(token);
    }
    HttpResponse::json(201, &answer)
}

/// One share by hand is enough; an index cannot say so, for those that were taken by links have the same recipient.
async fn refuse_double(call: &Call, record: &Value) -> Result<()> {
    let keys = ["object", "record", "recipient_type", "recipient"];
    let filter = keys.map(|key| (key.to_owned(), record[key].clone()));
    let filter = Value::Object(filter.into_iter().collect());
    let known = call.state.loader.store.all(&call.context, SHARES, filter).await?;
    match known.iter().find(|share| text(share, "link").is_none()) {
        None => Ok(()),
        Some(share) => Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "the record is shared with them already, by the share '{}': delete it first",
                text(share, "id").unwrap_or_default()
            ),
        )
        .with_code("duplicate_value")),
    }
}

/// `{shares: […]}` of the record in the query.
pub(super) async fn list(call: Call) -> Result<HttpResponse> {
    let (Some(object), Some(id)) = (call.query("object"), call.query("recordId")) else {
        return Err(Error::invalid("name the record: ?object=…&recordId=…"));
    };
    sharable(&call, &object, &id).await?;
    let filter = json!({ "object": object, "record": id });
    let shares = call.state.loader.store.all(&call.context, SHARES, filter).await?;
    let shares: Vec<Value> = shares.iter().map(shown).collect();
    ok(&json!({ "object": object, "recordId": id, "shares": shares }))
}

fn shown(share: &Record) -> Value {
    let link = text(share, "recipient_type").as_deref() == Some(LINK);
    json!({
        "id": share.get("id"),
        "recipientType": share.get("recipient_type"),
        "recipient": if link { None } else { share.get("recipient") },
        "accessLevel": share.get("access_level"),
        "expiresAt": share.get("expires_at"),
        "reason": share.get("reason"),
        "link": share.get("link"),
        "sharedBy": share.get("created_by"),
        "sharedAt": share.get("created_at"),
    })
}

/// Takes a share back.
pub(super) async fn delete(call: Call) -> Result<HttpResponse> {
    let id = call.request.parameter("id");
    let store = &call.state.loader.store;
    let share = store
        .one(&call.context, SHARES, id)
        .await?
        .ok_or_else(|| no_record(id))?;
    let of = |field: &str| text(&share, field).unwrap_or_default();
    sharable(&call, &of("object"), &of("record"))
        .await
        .map_err(|_| no_record(id))?;
    store.delete(&call.context, SHARES, id).await?;
    ok(&json!({ "success": true, "id": id }))
}

/// Takes the share of a link for the caller.
pub(super) async fn accept(call: Call) -> Result<HttpResponse> {
    let unknown = || Error::not_found("the link is not known, or has ended");
    let subject = call.subject().await?;
    if subject.guest {
        return Err(unknown());
    }
    let filter = json!({ "recipient_type": LINK, "recipient": digest(call.request.parameter("token")) });
    let store = &call.state.loader.store;
    let links = store.all(&call.context, SHARES, filter).await?;
    let now_ms = call.state.loader.host.now_ms();
    let link = links
        .iter()
        .find(|link| lasts(link, now_ms, &mut None))
        .ok_or_else(unknown)?;
    let of = |field: &str| link.get(field).cloned().unwrap_or(Value::Null);
    let known = json!({
        "object": of("object"),
        "record": of("record"),
        "recipient_type": "user",
        "recipient": subject.id,
    });
    let mine = store.all(&call.context, SHARES, known.clone()).await?;
    take(&call, link, known, &mine).await?;
    // What they have by other ways may be more, and counts.
    let lasting = mine
        .iter()
        .filter(|share| lasts(share, now_ms, &mut None))
        .chain([link]);
    let level = lasting.filter_map(level).max().unwrap_or(Level::Read);
    ok(&json!({ "object": of("object"), "recordId": of("record"), "accessLevel": level.name() }))
}

fn level(share: &Record) -> Option<Level> {
    let said = text(share, "access_level")?;
    [Level::Read, Level::Edit, Level::Full]
        .into_iter()
        .find(|level| level.name() == said)
}

/// Makes the share of a link, or brings it to what the link says now.
async fn take(call: &Call, link: &Record, mut record: Value, mine: &[Record]) -> Result<()> {
    let store = &call.state.loader.store;
    let id = text(link, "id");
    let said = |share: &Record, field: &str| share.get(field).cloned().unwrap_or(Value::Null);
    let fresh = ["access_level", "expires_at"];
    if let Some(taken) = mine.iter().find(|share| text(share, "link") == id) {
        if fresh.iter().all(|field| said(taken, field) == said(link, field)) {
            return Ok(());
        }
        let change = json!({ "access_level": said(link, fresh[0]), "expires_at": said(link, fresh[1]) });
        return store
            .update(&call.context, SHARES, &text(taken, "id").unwrap_or_default(), change)
            .await;
    }
    for field in fresh {
        record[field] = said(link, field);
    }
    record["link"] = json!(id);
    record["reason"] = json!("by a link");
    match store.create(&call.context, SHARES, record).await {
        // The same person, twice at once.
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        made => made.map(drop),
    }
}
