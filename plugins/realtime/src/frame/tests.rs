use super::*;

const ID: &str = "9b2c1a52-6d1f-4a43-9a3e-0b0f6f3d9d10";

#[allow(clippy::needless_pass_by_value, reason = "reads better at the call")]
fn problem(message: Value) -> String {
    match read(&message.to_string()) {
        Ok(received) => panic!("{message} was read: {received:?}"),
        Err(not) => not.problem,
    }
}

#[test]
fn bad_messages_are_told_what_is_wrong() {
    for (message, part) in [
        (json!([]), "a message is a JSON object"),
        (json!({"type": "ping"}), "messageId must be a UUID"),
        (json!({"messageId": "1", "type": "ping"}), "messageId must be a UUID"),
        (json!({"messageId": ID}), "type is ''"),
        (json!({"messageId": ID, "type": "shout"}), "type is 'shout'"),
        (json!({"messageId": ID, "type": "event"}), "type is 'event'"),
        (
            json!({"messageId": ID, "type": "ping", "timestamp": 3}),
            "timestamp must be a text",
        ),
        (
            json!({"messageId": ID, "type": "subscribe"}),
            "needs the object 'subscription'",
        ),
        (
            json!({"messageId": ID, "type": "subscribe", "subscription": {"events": ["*"]}}),
            "subscription does not have its shape",
        ),
        (
            json!({"messageId": ID, "type": "subscribe", "subscription": {"subscriptionId": "x", "events": ["*"]}}),
            "subscription does not have its shape",
        ),
        (
            json!({"messageId": ID, "type": "unsubscribe", "request": {}}),
            "request needs subscriptionId",
        ),
        (
            json!({"messageId": ID, "type": "presence", "presence": {"status": "gone"}}),
            "status must be one of",
        ),
        (
            json!({"messageId": ID, "type": "presence", "presence": {"status": "away", "device": "fridge"}}),
            "device must be one of",
        ),
        (
            json!({"messageId": ID, "type": "cursor", "cursor": {}}),
            "documentId must be a text",
        ),
        (
            json!({"messageId": ID, "type": "cursor", "cursor": {"documentId": "d", "color": "x".repeat(TOLD_BYTES_MAX)}}),
            "cursor has at most 4096 bytes",
        ),
        (
            json!({"messageId": ID, "type": "presence", "presence": {
                "status": "away", "metadata": {"a": "x".repeat(TOLD_BYTES_MAX)},
            }}),
            "presence has at most 4096 bytes",
        ),
        (
            json!({"messageId": ID, "type": "edit", "operation": {"operationId": "1", "documentId": "d", "type": "insert"}}),
            "position is missing",
        ),
    ] {
        let problem = problem(message.clone());
        assert!(problem.contains(part), "{message}: {problem}");
    }
    assert!(read("{").is_err_and(|not| not.problem.contains("not JSON")));
    assert!(read(&"x".repeat(MESSAGE_BYTES_MAX + 1)).is_err_and(|not| not.problem.contains("at most")));
}

#[test]
fn a_message_that_can_be_named_is_named() {
    let named = read(&json!({"messageId": ID, "type": "shout"}).to_string());
    assert!(named.is_err_and(|not| not.message_id.as_deref() == Some(ID)));
    let unnamed = read(&json!({"type": "shout"}).to_string());
    assert!(unnamed.is_err_and(|not| not.message_id.is_none()));
}

#[test]
fn all_three_ways_to_unsubscribe_are_read() {
    for (request, expected) in [
        (json!({"subscriptionId": ID}), (1, 0, false)),
        (json!({"subscriptionIds": [ID, "other"]}), (0, 2, false)),
        (json!({"all": true}), (0, 0, true)),
    ] {
        let message = json!({"messageId": ID, "type": "unsubscribe", "request": request});
        let Ok(Received {
            said: Said::Unsubscribe(read),
            ..
        }) = read(&message.to_string())
        else {
            panic!("{message} was not read");
        };
        let found = (
            usize::from(read.subscription_id.is_some()),
            read.subscription_ids.len(),
            read.all,
        );
        assert_eq!(found, expected, "{message}");
    }
}

#[test]
fn nobody_says_who_they_are() {
    let presence =
        json!({"status": "busy", "userId": "somebody else", "sessionId": ID, "lastSeen": "now", "metadata": {"a": 1}});
    let read = checked_presence(keys(presence)).unwrap();
    assert_eq!(Value::Object(read), json!({"status": "busy", "metadata": {"a": 1}}));
    let cursor = json!({"documentId": "d", "userId": "somebody else", "position": {"line": 1, "column": 2}});
    let read = checked_cursor(keys(cursor)).unwrap();
    assert_eq!(
        Value::Object(read),
        json!({"documentId": "d", "position": {"line": 1, "column": 2}})
    );
}

#[test]
fn what_goes_out_has_its_three_keys() {
    let payload = keys(json!({"recordId": "1"}));
    for (message, kind) in [
        (ack(0, ID, None), "ack"),
        (pong(0, ID), "pong"),
        (error(0, INVALID_MESSAGE, "no", Some(ID)), "error"),
        (
            event(0, (ID, "data.record.created"), (Some("deal"), Some("u1")), payload),
            "event",
        ),
    ] {
        assert_eq!(message["type"], kind);
        assert_eq!(message["timestamp"], "1970-01-01T00:00:00.000Z");
        let id = message["messageId"].as_str().unwrap();
        assert!(Uuid::parse_str(id).is_ok(), "{id}");
    }
    assert_eq!(ack(0, ID, Some("no"))["success"], false);
    assert_eq!(ack(0, ID, Some("no"))["error"], "no");
}
