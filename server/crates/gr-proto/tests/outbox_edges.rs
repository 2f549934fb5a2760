//! What is sent, how much of it at once, and what becomes of it: acknowledged, refused, late or lost.

mod support;

use domain::{Change, Key, Kind, ObjectId, ReplicationConstraints, User, Value, user_fields};
use gr_proto::{Event, Input, Item, Limits, Message, Output, Payload, limits};
use ledger::{Ledger, Reason};
use support::guide::{nth, plant, plant_message};
use support::*;

/// What a message takes without a body.
const BARE: u64 = 129;

/// Two servers that know a user.
fn with_user(limits: Limits) -> Pair {
    let mut pair = Pair::running_with(limits);
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), NORTH, "7001");
    }
    pair
}

fn items(message: &Message) -> &[Item] {
    match &message.payload {
        Payload::Data(items) => items,
        _ => &[],
    }
}

/// The data that the north has sent and that was not carried.
fn data(pair: &mut Pair) -> Vec<Message> {
    let sent = pair.take(NORTH).into_iter();
    sent.filter(is_data).collect()
}

/// Which objects that is about, message by message.
fn told(sent: &[Message]) -> Vec<Vec<ObjectId>> {
    let of = |message| items(message).iter().map(|item| item.id).collect();
    sent.iter().map(of).collect()
}

fn messages(range: std::ops::Range<u8>) -> Vec<Change> {
    range.map(|n| message(n, 1, None)).collect()
}

fn give_all(pair: &mut Pair, messages: Vec<Message>) {
    for message in messages {
        pair.give(SOUTH, message);
    }
}

fn is_marked(pair: &mut Pair, n: u8) -> bool {
    pair.ledger(NORTH).marks.contains_key(&id(n))
}

fn is_held(pair: &Pair, n: u8) -> Option<Reason> {
    let held = pair.sides[NORTH].ledger.held.get(&id(n));
    held.map(|held| held.reason)
}

/// Whether the north was told that the south has an object.
fn is_safe(pair: &Pair, n: u8) -> bool {
    let safe = |output: &Output| matches!(output, Output::Safe(all) if all.iter().any(|(of, _)| *of == id(n)));
    pair.sides[NORTH].said.iter().any(safe)
}

/// How many users the south has room for.
fn room(pair: &mut Pair, users_max: Option<u64>) {
    let constraints = ReplicationConstraints {
        users_max,
        ..ReplicationConstraints::default()
    };
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::new(constraints))]);
    pair.settle();
}

#[test]
fn a_full_message_leaves_the_rest_for_the_next_one() {
    let mut pair = with_user(Limits {
        batch_items: 2,
        ..Limits::default()
    });
    pair.transact(NORTH, &messages(10..15), vec![]);
    let sent = data(&mut pair);
    assert_eq!(
        told(&sent),
        [vec![id(10), id(11)], vec![id(12), id(13)], vec![id(14)]]
    );
    give_all(&mut pair, sent);
    pair.settle();
    pair.assert_equal();
}

#[test]
fn what_is_under_way_is_not_sent_again() {
    let mut pair = with_user(Limits::default());
    pair.transact(NORTH, &messages(10..12), vec![]);
    pair.transact(NORTH, &messages(12..13), vec![]);
    pair.change(NORTH, set(10, 5, 7));
    let sent = data(&mut pair);
    assert_eq!(told(&sent), [vec![id(10), id(11)], vec![id(12)]]);
    give_all(&mut pair, sent);
    pair.carry(SOUTH);
    assert_eq!(told(&data(&mut pair)), [[id(10)]], "it has changed since");
}

#[test]
fn each_fourth_message_begins_with_the_oldest() {
    let mut pair = Pair::strangers_with(Limits {
        batch_bytes: 1,
        ..Limits::default()
    });
    pair.change(NORTH, user(1, NORTH));
    pair.transact(NORTH, &messages(10..14), vec![]);
    pair.wait(120_000);
    pair.transact(NORTH, &messages(20..32), vec![]);
    let mut sent = Vec::new();
    for _ in 0..20 {
        pair.carry(SOUTH);
        let (data, others): (Vec<_>, Vec<_>) = pair.take(NORTH).into_iter().partition(is_data);
        sent.extend(data);
        give_all(&mut pair, others);
    }
    let sent = told(&sent).concat();
    assert_eq!(sent.len(), 17);
    let first = sent.iter().position(|of| *of == id(10)).unwrap();
    assert!(first < 4);
    for (n, old) in (10..14).enumerate() {
        assert_eq!(sent[first + 4 * n], id(old), "{sent:?}");
    }
}

#[test]
fn so_much_is_under_way_and_no_more() {
    let default = Limits::default();
    for limits in [
        Limits {
            window_bytes_first: 3 * BARE,
            ..default
        },
        Limits {
            window_items: 3,
            ..default
        },
        Limits {
            flights: 3,
            ..default
        },
    ] {
        let mut pair = with_user(Limits {
            batch_items: 1,
            ..limits
        });
        pair.transact(NORTH, &messages(10..15), vec![]);
        let mut sent = data(&mut pair);
        assert_eq!(items(&sent[0])[0].weight(), BARE);
        assert_eq!(sent.len(), 3);
        pair.give(SOUTH, sent.remove(0));
        pair.carry(SOUTH);
        assert!(!data(&mut pair).is_empty(), "there is room again");
        pair.live(10_000);
        pair.assert_equal();
    }
}

#[test]
fn a_user_without_room_is_sent_once_and_its_mailbox_follows_when_there_is_room() {
    let mut pair = with_user(Limits::default());
    room(&mut pair, Some(0));
    pair.change(NORTH, user(2, NORTH));
    let sent = data(&mut pair);
    assert_eq!(told(&sent), [[id(2)]]);
    give_all(&mut pair, sent);
    pair.carry(SOUTH);
    assert_eq!(is_held(&pair, 2), Some(Reason::CAPACITY));
    // Its mailbox waits with it, and others pass.
    pair.change(NORTH, message(20, 2, None));
    pair.change(NORTH, message(10, 1, None));
    assert_eq!(is_held(&pair, 20), Some(Reason::WITH_USER));
    for _ in 0..5 {
        let sent = data(&mut pair);
        assert!(told(&sent).concat().iter().all(|of| *of == id(10)));
        give_all(&mut pair, sent);
        pair.carry(SOUTH);
        pair.wait(1);
    }
    assert!(is_safe(&pair, 10));
    room(&mut pair, None);
    pair.live(20_000);
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(20)));
    pair.assert_equal();
}

#[test]
fn what_has_changed_since_it_was_refused_is_sent_as_it_is_now() {
    let mut pair = with_user(Limits::default());
    let constraints = ReplicationConstraints {
        remote_users: ["7201".to_owned()].into(),
        ..ReplicationConstraints::default()
    };
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::new(constraints))]);
    pair.settle();
    let numbers = |number| (Key::field(user_fields::NUMBERS), User::numbers(number, &[]));
    let mut create = user(2, NORTH);
    if let Change::Create { registers, .. } = &mut create {
        registers.push(numbers("7201"));
    }
    pair.change(NORTH, create);
    let sent = data(&mut pair);
    let registers = vec![numbers("7202")];
    pair.change(
        NORTH,
        Change::Set {
            id: id(2),
            registers,
        },
    );
    give_all(&mut pair, sent);
    pair.settle();
    assert_eq!(is_held(&pair, 2), None);
    pair.assert_equal();
}

#[test]
fn whoever_has_lost_a_message_asks_for_its_body_before_a_try_counts() {
    let mut pair = with_user(Limits {
        refused_tries: 1,
        ..Limits::default()
    });
    for side in [NORTH, SOUTH] {
        plant_message(pair.ledger(side), id(10), id(1));
    }
    pair.settle();
    lose(&mut pair, 10);
    pair.change(NORTH, set(10, 5, 7));
    pair.settle();
    assert_eq!(is_held(&pair, 10), None);
    pair.assert_equal();
}

/// The south loses a message and its body, and nothing tells of it.
fn lose(pair: &mut Pair, n: u8) {
    let south = pair.ledger(SOUTH);
    let object = south.object(&id(n)).unwrap().unwrap();
    south.remove(&id(n)).unwrap();
    south.lose_body(&object.body.unwrap());
}

/// The south holds something else under the id of a message.
fn contradicted() -> Pair {
    let mut pair = with_user(Limits::default());
    plant_message(pair.ledger(SOUTH), id(10), id(1));
    pair.change(NORTH, message(10, 1, None));
    pair
}

/// Carries data and its acknowledgement, again and again, and changes the object while it is under way for the `nth` time. Returns how
/// often it was sent.
fn sent_in_vain(pair: &mut Pair, nth: usize) -> usize {
    let mut count = 0;
    for _ in 0..20 {
        for message in data(pair) {
            count += 1;
            if count == nth {
                pair.change(NORTH, set(10, 5, 7));
            }
            pair.give(SOUTH, message);
        }
        pair.carry(SOUTH);
    }
    count
}

#[test]
fn what_contradicts_the_partner_is_sent_three_times_and_then_held() {
    let mut pair = contradicted();
    assert_eq!(sent_in_vain(&mut pair, 0), 3);
    assert_eq!(is_held(&pair, 10), Some(Reason::FAULT));
    let held = Output::Event(Event::Held(id(10), Reason::FAULT, None));
    assert!(pair.sides[NORTH].said.contains(&held));
}

#[test]
fn tries_are_counted_anew_for_each_change() {
    let mut pair = contradicted();
    assert_eq!(sent_in_vain(&mut pair, 3), 6);
    assert_eq!(is_held(&pair, 10), Some(Reason::FAULT));
}

#[test]
fn more_than_can_be_counted_is_held_at_once() {
    let mut pair = with_user(Limits::default());
    let over = 76;
    let all: Vec<_> = (0..limits::TRIES_MAX + over)
        .map(|n| nth(SOUTH, n as u16))
        .collect();
    for of in &all {
        plant_message(pair.ledger(SOUTH), *of, id(1));
    }
    let create = |of: &ObjectId| Change::Create {
        id: *of,
        kind: Kind::MESSAGE,
        owner: Some(id(1)),
        body: None,
        registers: vec![(Key::field(1), Value::Bool(true))],
    };
    let changes: Vec<_> = all.iter().map(create).collect();
    pair.transact(NORTH, &changes, vec![]);
    for held in [over, over, all.len()] {
        let sent = data(&mut pair);
        give_all(&mut pair, sent);
        // The last acknowledgement tells of everything.
        let said = pair.take(SOUTH).into_iter().rfind(is_ack);
        pair.give(NORTH, said.expect("an acknowledgement"));
        assert_eq!(pair.ledger(NORTH).held.len(), held);
    }
}

#[test]
fn what_is_not_acknowledged_is_sent_again_when_its_time_is_over() {
    let mut pair = with_user(Limits::default());
    pair.change(NORTH, message(10, 1, None));
    assert_eq!(data(&mut pair).len(), 1);
    pair.wait(1_999);
    assert!(data(&mut pair).is_empty());
    pair.wait(1);
    assert_eq!(told(&data(&mut pair)), [[id(10)]]);
}

#[test]
fn of_what_was_taken_for_lost_the_newest_is_remembered() {
    let mut pair = with_user(Limits {
        batch_bytes: 1,
        flights: 2_000,
        ..Limits::default()
    });
    let all = (0..=limits::FLIGHTS_LATE_MAX).map(|n| nth(SOUTH, n as u16));
    let create = |of| Change::Create {
        id: of,
        kind: Kind::MESSAGE,
        owner: Some(id(1)),
        body: None,
        registers: vec![],
    };
    let changes: Vec<_> = all.map(create).collect();
    pair.transact(NORTH, &changes, vec![]);
    let sent = data(&mut pair);
    assert_eq!(sent.len(), limits::FLIGHTS_LATE_MAX + 1);
    pair.wait(2_000);
    // Of all of them the two oldest have come after all.
    let [oldest, next] = [0, 1].map(|at| items(&sent[at])[0].id);
    give_all(&mut pair, sent[..2].to_vec());
    let said = pair.take(SOUTH).into_iter().rfind(is_ack);
    pair.give(NORTH, said.expect("an acknowledgement"));
    let marks = &pair.ledger(NORTH).marks;
    assert!(
        marks.contains_key(&oldest),
        "forgotten, so it is sent again"
    );
    assert!(!marks.contains_key(&next), "and was only late");
}

#[test]
fn what_was_lost_twice_is_still_owed() {
    let mut pair = with_user(Limits {
        batch_items: 1,
        ..Limits::default()
    });
    pair.transact(NORTH, &messages(10..12), vec![]);
    assert_eq!(data(&mut pair).len(), 2);
    pair.wait(2_000);
    let again = data(&mut pair);
    assert_eq!(told(&again), [[id(10)], [id(11)]]);
    pair.give(SOUTH, again[1].clone());
    pair.carry(SOUTH);
    assert!(is_marked(&mut pair, 10) && !is_marked(&mut pair, 11));
    assert!(!is_safe(&pair, 10) && is_safe(&pair, 11));
    pair.settle();
    pair.assert_equal();
}

#[test]
fn a_refusal_that_comes_late_takes_nothing_for_accepted() {
    let mut pair = with_user(Limits::default());
    room(&mut pair, Some(0));
    pair.change(NORTH, user(2, NORTH));
    let sent = data(&mut pair);
    give_all(&mut pair, sent);
    let refusal = pair.take(SOUTH);
    pair.wait(2_000);
    assert_eq!(data(&mut pair).len(), 1, "it was taken for lost");
    for message in refusal {
        pair.give(NORTH, message);
    }
    assert!(!is_safe(&pair, 2));
    pair.live(20_000);
    assert_eq!(is_held(&pair, 2), Some(Reason::CAPACITY));
    room(&mut pair, None);
    pair.live(10_000);
    pair.assert_equal();
}

/// Whether the body of a message goes along with what was sent of it.
fn with_body(sent: &[Message]) -> bool {
    let item = items(&sent[0]).iter().find(|item| item.id == id(10));
    item.expect("it is sent").with_body
}

#[test]
fn a_body_goes_along_once_however_often_its_message_changes() {
    let mut pair = with_user(Limits::default());
    let body = pair.ledger(NORTH).append_body(b"a message");
    pair.change(NORTH, message(10, 1, Some(body)));
    for (value, along) in [(1, true), (2, false), (3, false)] {
        let sent = data(&mut pair);
        assert_eq!(with_body(&sent), along);
        pair.change(NORTH, set(10, 5, value)); // while it is under way
        give_all(&mut pair, sent);
        pair.carry(SOUTH);
    }
    pair.settle();
    pair.assert_equal();
}

#[test]
fn a_row_that_is_damaged_while_it_is_under_way_is_said_to_be_unreadable() {
    let mut pair = with_user(Limits::default());
    for side in [NORTH, SOUTH] {
        plant_message(pair.ledger(side), id(10), id(1));
    }
    pair.settle();
    lose(&mut pair, 10);
    pair.change(NORTH, set(10, 5, 7));
    let sent = data(&mut pair);
    assert_eq!(sent.len(), 1);
    pair.ledger(NORTH).spoil(id(10));
    give_all(&mut pair, sent);
    pair.carry(SOUTH);
    assert_eq!(is_held(&pair, 10), Some(Reason::UNREADABLE));
}
