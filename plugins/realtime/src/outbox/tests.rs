use serde_json::json;

use super::*;

fn answer(number: u64) -> Item {
    Item::Answer(json!({"n": number}).as_object().unwrap().clone())
}

fn said(next: &Next) -> String {
    match next {
        Next::Item(number, _, Item::Answer(message)) => format!("{number}={}", message["n"]),
        Next::Item(number, ..) => format!("{number}=?"),
        Next::Lagged(number) => format!("lagged {number}"),
        Next::Nothing => "nothing".to_owned(),
        Next::Over(ending) => format!("over {}", ending.code),
    }
}

#[test]
fn a_socket_takes_each_once_and_ends_when_it_is_too_slow() {
    let outbox = Outbox::new(2, false);
    outbox.put(answer(1));
    outbox.put(answer(2));
    assert_eq!(said(&outbox.after(0)), "0=1");
    assert_eq!(said(&outbox.after(0)), "0=2");
    assert_eq!(said(&outbox.after(0)), "nothing");
    (3..=5).for_each(|number| outbox.put(answer(number)));
    assert_eq!(said(&outbox.after(0)), "over 1013");
    outbox.put(answer(6));
    assert_eq!(outbox.ending(), Some(Ending::SLOW));
}

/// Sends what comes after a number, if that is an item.
fn send(outbox: &Outbox, number: u64) -> String {
    let next = outbox.after(number);
    if let Next::Item(number, mark, _) = &next {
        assert!(outbox.sent(*number, *mark));
    }
    said(&next)
}

#[test]
fn others_go_on_where_they_were_or_are_told_that_they_lagged() {
    let outbox = Outbox::new(3, true);
    (1..=3).for_each(|number| outbox.put(answer(number)));
    assert_eq!(send(&outbox, 0), "1=1");
    assert_eq!(send(&outbox, 0), "1=1", "again, for one that comes back");
    assert_eq!(send(&outbox, 1), "2=2");
    assert_eq!(send(&outbox, 2), "3=3");
    assert_eq!(send(&outbox, 3), "nothing");
    (4..=5).for_each(|number| outbox.put(answer(number)));
    assert_eq!(send(&outbox, 1), "lagged 2");
    assert_eq!(send(&outbox, 2), "3=3");
    assert_eq!(send(&outbox, 99), "lagged 2");
}

#[test]
fn numbers_tell_nothing_of_what_is_not_for_the_client() {
    let outbox = Outbox::new(3, true);
    (1..=3).for_each(|number| outbox.put(answer(number)));
    for number in 1..=2 {
        let Next::Item(found, mark, Item::Answer(message)) = outbox.after(0) else {
            panic!("{number} is gone");
        };
        assert_eq!((found, &message["n"]), (1, &json!(number)));
        assert!(!outbox.passed(found, mark));
        assert!(!outbox.passed(found, mark) && !outbox.sent(found, mark), "once");
    }
    assert_eq!(send(&outbox, 0), "1=3");
    // What was sent keeps its number, also when it is not for the client any more.
    let Next::Item(found, mark, _) = outbox.after(0) else {
        panic!("it is kept");
    };
    assert!(outbox.passed(found, mark));
    assert_eq!(said(&outbox.after(7)), "1=3", "a guess");
}

#[test]
fn however_many_are_lost_unseen_have_one_number() {
    for count in [4, 40] {
        let outbox = Outbox::new(3, true);
        outbox.put(answer(0));
        assert_eq!(send(&outbox, 0), "1=0");
        (1..=count).for_each(|number| outbox.put(answer(number)));
        assert_eq!(said(&outbox.after(1)), "lagged 2", "{count}");
        assert_eq!(send(&outbox, 2), format!("3={}", count - 2));
        (0..3).for_each(|_| outbox.put(answer(7)));
        assert_eq!(said(&outbox.after(3)), "lagged 4", "{count}");
    }
}

#[test]
fn bytes_have_a_limit_too() {
    let outbox = Outbox::new(1_000, true);
    let large = json!({"n": "x".repeat(BYTES_MAX / 2)}).as_object().unwrap().clone();
    (0..3).for_each(|_| outbox.put(Item::Answer(large.clone())));
    assert_eq!(said(&outbox.after(0)), "lagged 1");
    assert!(matches!(outbox.after(1), Next::Item(2, ..)));
    assert!(outbox.kept.lock().bytes <= BYTES_MAX);
}

#[test]
fn nothing_waits_after_the_end() {
    let outbox = Outbox::new(3, true);
    outbox.put(answer(1));
    outbox.end(Ending::EXPIRED);
    outbox.end(Ending::RESTART);
    assert_eq!(said(&outbox.after(0)), "over 4401");
}
