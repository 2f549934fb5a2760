//! What becomes of an item that the partner sends: taken, refused with the reason, or answered (E4, E9, E24, E25; R9).

mod support;

use domain::{
    BodyRef, Hlc, Incarnation, Key, Kind, Object, ObjectId, ReplicationConstraints, Timestamp,
    User, Value, Version, user_fields,
};
use gr_proto::{Event, Input, Item, Message, ObjectChange, Output, Payload, Piece, limits};
use ledger::{DeletionRecord, Held, Lane, Ledger, Mark, Reason};
use support::drive::{blank, settle_heard};
use support::say::{item, offer};
use support::*;

const LONG_AGO: i64 = 1_600_000_000_000;

fn version(ms: i64) -> Version {
    Version {
        hlc: Hlc::at(Timestamp(ms)),
        incarnation: Incarnation(99),
    }
}

fn a_user(home: usize, number: &str, class: i64) -> Object {
    let mut object = Object::new(Kind::USER, None, None);
    let at = version(LONG_AGO);
    object.set(Key::field(user_fields::HOME), at, server(home).into());
    object.set(
        Key::field(user_fields::NUMBERS),
        at,
        User::numbers(number, &[]),
    );
    object.set(Key::field(user_fields::CLASS), at, Value::Int(class));
    object
}

fn a_message(owner: u8, body: Option<BodyRef>) -> Object {
    let mut object = Object::new(Kind::MESSAGE, Some(id(owner)), body);
    object.set(Key::field(1), version(LONG_AGO), Value::Bool(true));
    object
}

/// A pair whose south has these conditions.
fn with(constraints: ReplicationConstraints) -> Pair {
    let mut pair = Pair::running();
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::new(constraints))]);
    pair
}

fn holds(pair: &Pair, n: u8) -> bool {
    pair.sides[SOUTH].ledger.objects.contains_key(&id(n))
}

/// Offers an object from the north; says whether it is in the south now, and why not.
fn offered(pair: &mut Pair, n: u8, object: &Object) -> (bool, Option<Reason>) {
    let reason = offer(pair, NORTH, item(id(n), object));
    (holds(pair, n), reason)
}

const TAKEN: (bool, Option<Reason>) = (true, None);

fn refused(reason: Reason) -> (bool, Option<Reason>) {
    (false, Some(reason))
}

#[test]
fn only_its_home_creates_a_user_unless_the_home_rolled_back() {
    let mut pair = Pair::running();
    let at_home = a_user(SOUTH, "8001", 1);
    assert_eq!(
        offered(&mut pair, 1, &at_home),
        refused(Reason::NO_SUCH_USER)
    );
    let recovery = Item {
        recovery: true,
        ..item(id(1), &at_home)
    };
    assert_eq!(offer(&mut pair, NORTH, recovery), None);
    assert!(holds(&pair, 1));
    assert_eq!(offered(&mut pair, 2, &a_user(NORTH, "7001", 1)), TAKEN);
}

#[test]
fn a_number_of_a_remote_user_cannot_be_a_gr_users() {
    let remote_users = ["7001".to_owned()].into();
    let mut pair = with(ReplicationConstraints {
        remote_users,
        ..ReplicationConstraints::default()
    });
    let taken = refused(Reason::TEMPORARY_REMOTE_USER);
    assert_eq!(offered(&mut pair, 1, &a_user(NORTH, "7001", 1)), taken);
    assert_eq!(offered(&mut pair, 2, &a_user(NORTH, "7002", 1)), TAKEN);
    // Of its own users a server is told after it went back, whatever its conditions are by now.
    let recovery = Item {
        recovery: true,
        ..item(id(3), &a_user(SOUTH, "7001", 1))
    };
    assert_eq!(offer(&mut pair, NORTH, recovery), None);
    assert!(holds(&pair, 3));
}

#[test]
fn a_class_must_be_known_where_classes_count() {
    let classes = Some([1, 2].into());
    let mut pair = with(ReplicationConstraints {
        classes,
        ..ReplicationConstraints::default()
    });
    let missing = refused(Reason::CLASS_MISSING);
    assert_eq!(offered(&mut pair, 1, &a_user(NORTH, "7001", 3)), missing);
    assert_eq!(offered(&mut pair, 2, &a_user(NORTH, "7002", 2)), TAKEN);
    let mut any = Pair::running();
    assert_eq!(offered(&mut any, 1, &a_user(NORTH, "7001", 3)), TAKEN);
}

#[test]
fn a_full_server_takes_no_more_gr_users_and_everything_else() {
    let users_max = Some(2);
    let mut pair = with(ReplicationConstraints {
        users_max,
        ..ReplicationConstraints::default()
    });
    assert_eq!(offered(&mut pair, 1, &a_user(NORTH, "7001", 1)), TAKEN);
    assert_eq!(offered(&mut pair, 2, &a_user(NORTH, "7002", 1)), TAKEN);
    let full = refused(Reason::CAPACITY);
    assert_eq!(offered(&mut pair, 3, &a_user(NORTH, "7003", 1)), full);
    assert_eq!(offered(&mut pair, 9, &a_message(1, None)), TAKEN);
    let own = Item {
        recovery: true,
        ..item(id(4), &a_user(SOUTH, "8001", 1))
    };
    assert_eq!(offer(&mut pair, NORTH, own), None);
    assert!(holds(&pair, 4), "its own users a server takes back");
}

#[test]
fn a_number_is_taken_by_a_local_user_alone() {
    let mut pair = Pair::running();
    let own = Item {
        recovery: true,
        ..item(id(1), &a_user(SOUTH, "7001", 1))
    };
    assert_eq!(offer(&mut pair, NORTH, own), None);
    let taken = refused(Reason::NUMBER_TAKEN);
    assert_eq!(offered(&mut pair, 2, &a_user(NORTH, "7001", 1)), taken);
    assert_eq!(offered(&mut pair, 3, &a_user(NORTH, "7002", 1)), TAKEN);
    // Two GR users with one number are the home's affair, which keeps them apart.
    assert_eq!(offered(&mut pair, 4, &a_user(NORTH, "7002", 1)), TAKEN);
    // No number yet is no number.
    let own = Item {
        recovery: true,
        ..item(id(5), &a_user(SOUTH, "", 1))
    };
    assert_eq!(offer(&mut pair, NORTH, own), None);
    assert_eq!(offered(&mut pair, 6, &a_user(NORTH, "", 1)), TAKEN);
}

#[test]
fn a_change_of_number_is_judged_like_an_arrival_and_other_changes_are_not() {
    let mut pair = with(ReplicationConstraints {
        remote_users: ["7009".to_owned()].into(),
        ..ReplicationConstraints::default()
    });
    let user = a_user(NORTH, "7001", 1);
    assert_eq!(offered(&mut pair, 1, &user), TAKEN);
    let mut renumbered = user.clone();
    renumbered.set(
        Key::field(user_fields::NUMBERS),
        version(LONG_AGO + 1),
        User::numbers("7009", &[]),
    );
    let reason = offer(&mut pair, NORTH, item(id(1), &renumbered));
    assert_eq!(reason, Some(Reason::TEMPORARY_REMOTE_USER));
    assert_eq!(pair.ledger(SOUTH).objects[&id(1)], user);
    // The number became a remote user's after the user had come: other values still get through.
    let constraints = ReplicationConstraints {
        remote_users: ["7001".to_owned()].into(),
        ..ReplicationConstraints::default()
    };
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::new(constraints))]);
    let mut renamed = user.clone();
    let name = Value::Text("another".into());
    renamed.set(Key::field(user_fields::NAME), version(LONG_AGO + 1), name);
    assert_eq!(offer(&mut pair, NORTH, item(id(1), &renamed)), None);
    assert_eq!(pair.ledger(SOUTH).objects[&id(1)], renamed);
    // A user may be given the number that it has already.
    let mut again = renamed.clone();
    again.set(
        Key::field(user_fields::NUMBERS),
        version(LONG_AGO + 2),
        User::numbers("7002", &[]),
    );
    assert_eq!(offer(&mut pair, NORTH, item(id(1), &again)), None);
    assert_eq!(pair.ledger(SOUTH).objects[&id(1)], again);
}

#[test]
fn a_message_without_its_sound_is_asked_for_with_it() {
    let mut pair = Pair::running();
    assert_eq!(offered(&mut pair, 1, &a_user(NORTH, "7001", 1)), TAKEN);
    let message = a_message(1, Some(BodyRef::of(b"sound")));
    let lacks = refused(Reason::NEED_BODY);
    assert_eq!(offered(&mut pair, 9, &message), lacks);
    let whole = Item {
        with_body: true,
        ..item(id(9), &message)
    };
    assert_eq!(offer(&mut pair, NORTH, whole), None);
    assert!(holds(&pair, 9));
}

#[test]
fn what_is_something_else_under_the_same_id_is_refused_and_left_alone() {
    let mut pair = Pair::running();
    let message = a_message(1, None);
    assert_eq!(offered(&mut pair, 9, &message), TAKEN);
    let mut greeting = message.clone();
    greeting.kind = Kind::GREETING;
    greeting.set(Key::field(2), version(LONG_AGO), Value::Int(1));
    for other in [
        greeting,
        a_message(2, None),
        a_message(1, Some(BodyRef::of(b"x"))),
    ] {
        let reason = offer(&mut pair, NORTH, item(id(9), &other));
        assert_eq!(reason, Some(Reason::FAULT));
        assert_eq!(pair.ledger(SOUTH).objects[&id(9)], message);
    }
}

/// What the south says of object 9 to whoever listens.
fn told(pair: &Pair) -> Vec<ObjectChange> {
    let said = pair.sides[SOUTH].said.iter();
    let changed = said.filter_map(|output| match output {
        Output::Changed(changed) => Some(changed),
        _ => None,
    });
    let of_it = changed.flatten().filter(|changed| changed.id == id(9));
    of_it.map(|changed| changed.how).collect()
}

#[test]
fn listeners_hear_of_what_is_different_and_of_nothing_else() {
    let mut pair = Pair::running();
    let message = a_message(1, None);
    offered(&mut pair, 9, &message);
    assert_eq!(told(&pair), [ObjectChange::Arrived]);
    offered(&mut pair, 9, &message);
    assert_eq!(told(&pair), [ObjectChange::Arrived]);
    let mut read = message.clone();
    read.set(Key::field(1), version(LONG_AGO + 1), Value::Bool(false));
    offered(&mut pair, 9, &read);
    assert_eq!(told(&pair), [ObjectChange::Arrived, ObjectChange::Altered]);
    let gone = Item {
        object: None,
        ..item(id(9), &message)
    };
    assert_eq!(offer(&mut pair, NORTH, gone.clone()), None);
    assert_eq!(
        told(&pair),
        [
            ObjectChange::Arrived,
            ObjectChange::Altered,
            ObjectChange::Gone
        ]
    );
    assert_eq!(offer(&mut pair, NORTH, gone), None);
    assert_eq!(told(&pair).len(), 3);
}

#[test]
fn more_here_than_what_arrived_is_sent_once() {
    let mut pair = Pair::running();
    let older = a_message(1, None);
    let mut newer = older.clone();
    newer.set(Key::field(1), version(LONG_AGO + 1), Value::Bool(false));
    pair.ledger(SOUTH).put(&id(9), &newer).unwrap();
    assert_eq!(offer(&mut pair, NORTH, item(id(9), &newer)), None);
    assert!(
        pair.ledger(SOUTH).marks.is_empty(),
        "nothing is missing there"
    );
    assert_eq!(offer(&mut pair, NORTH, item(id(9), &older)), None);
    assert!(pair.ledger(SOUTH).marks.contains_key(&id(9)));
}

#[test]
fn what_lies_in_its_deletion_record_or_its_users_is_answered_with_a_tombstone() {
    for was_deleted_here in [9, 1] {
        let mut pair = Pair::running();
        let deletion_record = DeletionRecord {
            at: pair.now.wall,
            kind: if was_deleted_here == 9 {
                Kind::MESSAGE
            } else {
                Kind::USER
            },
        };
        pair.ledger(SOUTH)
            .record_deletion(&id(was_deleted_here), &deletion_record)
            .unwrap();
        assert_eq!(offered(&mut pair, 9, &a_message(1, None)), (false, None));
        assert!(pair.ledger(SOUTH).tombstones.contains_key(&id(9)));
        assert!(pair.ledger(SOUTH).deletion_records.contains_key(&id(9)));
        assert!(
            pair.ledger(SOUTH).marks.contains_key(&id(9)),
            "the partner is told"
        );
    }
}

#[test]
fn with_a_user_goes_its_mailbox_and_with_a_message_nothing_else() {
    let mut pair = Pair::running();
    offered(&mut pair, 1, &a_user(NORTH, "7001", 1));
    offered(&mut pair, 9, &a_message(1, None));
    // Nothing forbids that something belongs to a message; it does not go with it.
    offered(&mut pair, 10, &a_message(9, None));
    let gone = |n: u8| Item {
        object: None,
        ..item(id(n), &a_message(1, None))
    };
    assert_eq!(offer(&mut pair, NORTH, gone(9)), None);
    assert!(!holds(&pair, 9) && holds(&pair, 10) && holds(&pair, 1));
    offered(&mut pair, 11, &a_message(1, None));
    assert_eq!(offer(&mut pair, NORTH, gone(1)), None);
    assert!(!holds(&pair, 1) && !holds(&pair, 11));
}

#[test]
fn what_was_deleted_here_and_is_not_yet_known_there_stays_deleted() {
    let mut pair = Pair::running();
    let message = a_message(1, None);
    offered(&mut pair, 9, &message);
    pair.change(SOUTH, delete(9));
    pair.take(SOUTH); // lost
    let mut newer = message.clone();
    newer.set(Key::field(1), version(LONG_AGO + 9), Value::Bool(false));
    assert_eq!(offered(&mut pair, 9, &newer), (false, None));
}

/// What is newer here is on its way, or cannot be sent: an old value from the partner is no reason to send it once more.
#[test]
fn more_here_than_what_arrived_is_not_sent_again_if_it_is_owed_already() {
    let mut pair = Pair::running();
    let older = a_message(1, None);
    let mut newer = older.clone();
    newer.set(Key::field(1), version(LONG_AGO + 1), Value::Bool(false));
    let mark = Mark {
        lane: Lane::Messages,
        n: 1,
        since: Timestamp(LONG_AGO),
        body: false,
        unsent: false,
        recovery: false,
    };
    for n in [8, 9] {
        pair.ledger(SOUTH).put(&id(n), &newer).unwrap();
    }
    pair.ledger(SOUTH).set_mark(&id(8), &mark).unwrap();
    let held = Held {
        reason: Reason::FAULT,
        at: Timestamp(LONG_AGO),
        mark,
    };
    pair.ledger(SOUTH).set_held(&id(9), &held).unwrap();
    let blank = blank(&mut pair, NORTH, is_data);
    let payload = Payload::Data([8, 9].map(|n| item(id(n), &older)).into());
    pair.give(SOUTH, Message { payload, ..blank });
    assert_eq!(pair.ledger(SOUTH).marks[&id(8)].n, 1);
    assert_eq!(pair.ledger(SOUTH).held.get(&id(9)), Some(&held));
    assert!(!pair.ledger(SOUTH).marks.contains_key(&id(9)));
}

/// What is owed has left; then something newer of the partner's comes, and then the partner shows that it has lost that. What is under way
/// does not bring it back.
#[test]
fn what_came_after_a_message_left_is_not_on_its_way() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, message(9, 1, None));
    pair.settle();
    let before = pair.ledger(NORTH).objects[&id(9)].clone();
    pair.change(SOUTH, set(9, 11, 1));
    let late = pair.take(SOUTH);
    pair.change(NORTH, set(9, 12, 2));
    pair.carry(NORTH);
    let acknowledgement = pair.take(SOUTH);
    pair.ledger(NORTH).put(&id(9), &before).unwrap();
    for message in late.into_iter().chain(acknowledgement) {
        pair.give(NORTH, message);
    }
    pair.change(NORTH, set(9, 13, 3));
    // What it shows arrives before it acknowledges what is under way.
    let mut said = pair.take(NORTH);
    said.sort_by_key(|message| !is_data(message));
    for message in said {
        pair.give(SOUTH, message);
    }
    pair.settle();
    pair.assert_equal();
    let there = &pair.ledger(NORTH).objects[&id(9)];
    let values = [11, 12, 13].map(|n| there.get(Key::field(n)).cloned());
    assert_eq!(values, [1, 2, 3].map(|n| Some(Value::Int(n))));
}

/// The same, when the partner had the message already, and says so late.
#[test]
fn what_came_after_a_message_arrived_is_not_on_its_way() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, message(9, 1, None));
    pair.settle();
    pair.change(SOUTH, set(9, 11, 1));
    pair.carry(SOUTH);
    assert!(pair.take(NORTH).iter().any(is_ack), "it is lost");
    let before = pair.ledger(NORTH).objects[&id(9)].clone();
    pair.change(NORTH, set(9, 12, 2));
    pair.carry(NORTH);
    pair.carry(SOUTH);
    assert!(pair.ledger(NORTH).marks.is_empty(), "the south has it");
    // The north loses it, and shows that before it acknowledges what is under way.
    pair.ledger(NORTH).put(&id(9), &before).unwrap();
    pair.take(NORTH);
    pair.change(SOUTH, message(10, 1, None));
    pair.carry(SOUTH);
    let late = pair.take(NORTH);
    assert!(late.iter().any(is_ack));
    pair.change(NORTH, set(9, 13, 3));
    pair.carry(NORTH);
    for message in late {
        pair.give(SOUTH, message);
    }
    pair.settle();
    pair.assert_equal();
    let there = &pair.ledger(NORTH).objects[&id(9)];
    let values = [11, 12, 13].map(|n| there.get(Key::field(n)).cloned());
    assert_eq!(values, [1, 2, 3].map(|n| Some(Value::Int(n))));
}

/// What is on its way need not be sent again because the partner shows that it has not come yet.
#[test]
fn changes_that_cross_are_each_sent_once() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, message(9, 1, None));
    pair.settle();
    pair.change(NORTH, set(9, 11, 1));
    pair.change(SOUTH, set(9, 12, 2));
    let crossing = [pair.take(NORTH), pair.take(SOUTH)];
    assert!(crossing.iter().flatten().all(is_data));
    for (from, messages) in crossing.into_iter().enumerate() {
        for message in messages {
            pair.give(1 - from, message);
        }
    }
    assert_eq!(settle_heard(&mut pair).data, [0, 0]);
    pair.assert_equal();
}

/// More objects have taken something in than anybody remembers.
#[test]
fn what_takes_something_in_unnoticed_is_sent_once_more() {
    let mut pair = Pair::running();
    let older = a_message(1, None);
    let mut newer = older.clone();
    newer.set(Key::field(1), version(LONG_AGO + 1), Value::Bool(false));
    let ids = (0..=limits::TAKEN_IN_MAX as u128).map(|n| (1_000 + n).to_be_bytes());
    let ids: Vec<_> = ids.map(ObjectId::from_bytes).collect();
    let mark = Mark {
        lane: Lane::Messages,
        n: 0,
        since: Timestamp(LONG_AGO),
        body: false,
        unsent: false,
        recovery: false,
    };
    for id in &ids {
        pair.ledger(SOUTH).put(id, &older).unwrap();
        pair.ledger(SOUTH).set_mark(id, &mark).unwrap();
    }
    let give = |pair: &mut Pair, items| {
        let blank = blank(pair, NORTH, is_data);
        let payload = Payload::Data(items);
        pair.give(SOUTH, Message { payload, ..blank });
    };
    give(&mut pair, ids.iter().map(|id| item(*id, &newer)).collect());
    // What is remembered already takes no room, whatever more it takes in.
    let mut newest = newer;
    newest.set(Key::field(1), version(LONG_AGO + 2), Value::Bool(true));
    give(&mut pair, vec![item(ids[0], &newest)]);
    assert_eq!(pair.ledger(SOUTH).objects[&ids[0]], newest);
    let anew = ids
        .iter()
        .filter(|id| pair.sides[SOUTH].ledger.marks[id].n > 0);
    assert_eq!(anew.collect::<Vec<_>>(), [&ids[limits::TAKEN_IN_MAX]]);
}

/// The newest version there can be, and the first that nothing could replace.
#[test]
fn the_end_of_time_is_taken_and_what_is_beyond_is_not() {
    let mut pair = Pair::running();
    let at = |hlc| {
        let mut message = a_message(1, None);
        let incarnation = Incarnation(99);
        message.set(Key::field(2), Version { hlc, incarnation }, Value::Int(1));
        message
    };
    assert_eq!(offered(&mut pair, 8, &at(Hlc::END)), TAKEN);
    let beyond = at(Hlc(Hlc::END.0 + 1));
    assert_eq!(offered(&mut pair, 9, &beyond), refused(Reason::FAULT));
}

/// An object that is here, and whose body is missing or whole; a piece of it comes, or none.
#[test]
fn only_who_brings_a_piece_of_a_missing_body_hears_how_much_is_here() {
    let body = BodyRef {
        hash: [7; 32],
        len: 10,
    };
    for (whole, piece, reason) in [
        (false, false, None),
        (false, true, Some(Reason::NEED_BODY)),
        (true, true, None),
    ] {
        let mut pair = Pair::running();
        let message = a_message(1, Some(body));
        pair.ledger(SOUTH).put(&id(9), &message).unwrap();
        if whole {
            pair.ledger(SOUTH).receive_body(body);
        }
        let part = Piece { at: 0, len: 5 };
        let brought = Item {
            piece: piece.then_some(part),
            ..item(id(9), &message)
        };
        let blank = blank(&mut pair, NORTH, |_| true);
        let payload = Payload::Data(vec![brought]);
        pair.give(SOUTH, Message { payload, ..blank });
        let said = pair.take(SOUTH);
        let ack = said.iter().find_map(|message| match &message.payload {
            Payload::Ack(ack) => Some(ack),
            _ => None,
        });
        let refused = ack.expect("data is acknowledged").refused.last();
        assert_eq!(
            refused.map(|refusal| refusal.reason),
            reason,
            "{whole} {piece}"
        );
    }
}

/// What was here, and cannot be read, comes back whatever would keep a new one out.
#[test]
fn what_cannot_be_read_is_ack_regressed_by_a_full_server_and_by_its_home() {
    let mut pair = with(ReplicationConstraints {
        users_max: Some(0),
        ..ReplicationConstraints::default()
    });
    let body = BodyRef::of(b"sound");
    let objects = [
        (1, a_user(NORTH, "7001", 1)),
        (2, a_user(SOUTH, "8002", 1)),
        (9, a_message(1, Some(body))),
    ];
    for (n, object) in &objects {
        pair.ledger(SOUTH).put(&id(*n), object).unwrap();
        pair.ledger(SOUTH).spoil(id(*n));
        assert_eq!(pair.ledger(SOUTH).object(&id(*n)).unwrap(), None);
    }
    // By itself: the south's questions for them are lost.
    let blank = blank(&mut pair, NORTH, |m| {
        matches!(m.payload, Payload::Request(_))
    });
    let items = objects.iter().map(|(n, object)| item(id(*n), object));
    let payload = Payload::Data(items.collect());
    pair.give(SOUTH, Message { payload, ..blank });
    for (n, object) in &objects {
        assert_eq!(pair.ledger(SOUTH).objects.get(&id(*n)), Some(object));
    }
    assert!(pair.ledger(SOUTH).unreadable.is_empty());
}

#[test]
fn listeners_hear_that_a_mailbox_went_with_its_user() {
    let mut pair = Pair::running();
    offered(&mut pair, 1, &a_user(NORTH, "7001", 1));
    offered(&mut pair, 9, &a_message(1, None));
    pair.change(SOUTH, delete(1));
    assert_eq!(told(&pair), [ObjectChange::Arrived, ObjectChange::Gone]);
}

/// The partner has not heard of a deletion here, and sends what it still has.
#[test]
fn a_deletion_is_the_last_word_and_is_said_once() {
    let mut pair = Pair::running();
    let message = a_message(1, None);
    offered(&mut pair, 9, &message);
    pair.change(SOUTH, delete(9));
    let said = pair.ledger(SOUTH).marks[&id(9)].n;
    let mut newer = message.clone();
    newer.set(Key::field(1), version(LONG_AGO + 9), Value::Bool(false));
    let send = |pair: &mut Pair| {
        let blank = blank(pair, NORTH, is_data);
        let payload = Payload::Data(vec![item(id(9), &newer)]);
        pair.give(SOUTH, Message { payload, ..blank });
    };
    send(&mut pair);
    assert_eq!(pair.ledger(SOUTH).marks[&id(9)].n, said);
    // Even if it is so long ago that its deletion record is forgotten.
    pair.ledger(SOUTH).deletion_records.clear();
    send(&mut pair);
    assert!(!holds(&pair, 9));
    pair.live(20_000);
    pair.assert_equal();
}

#[test]
fn a_user_is_not_in_its_own_way() {
    let mut pair = Pair::running();
    let here = a_user(SOUTH, "7001", 1);
    pair.ledger(SOUTH).put(&id(1), &here).unwrap();
    let mut moved = here.clone();
    let at = version(LONG_AGO + 1);
    moved.set(Key::field(user_fields::HOME), at, server(NORTH).into());
    moved.set(Key::field(user_fields::CLASS), at, Value::Int(2));
    assert_eq!(offered(&mut pair, 1, &moved), TAKEN);
}

/// It was dated by a clock that has been put back since. It is said once in a session, shown as long as the session lasts, and taken.
#[test]
fn what_is_dated_ahead_of_both_clocks_is_taken_and_told() {
    let mut pair = Pair::running();
    let hour = Hlc::ABSORB_MS_MAX;
    pair.ahead[NORTH] = hour;
    pair.live(20_000);
    let dated = |pair: &mut Pair, n: u8, ahead: i64| {
        pair.sides[SOUTH].said.clear();
        let mut message = a_message(1, None);
        let at = version(pair.now.wall.0 + ahead);
        message.set(Key::field(2), at, Value::Int(1));
        assert_eq!(offered(pair, n, &message), TAKEN);
        let said = pair.sides[SOUTH].said.iter();
        let events = said.filter(|output| matches!(output, Output::Event(Event::DatedAhead(_))));
        let status = pair.sides[SOUTH].engine.view().status();
        (events.count(), status.dated_ahead_ms.is_some())
    };
    assert_eq!(dated(&mut pair, 8, hour), (0, false));
    // It takes some seconds to be said.
    let explained = 2 * hour - 60_000;
    assert_eq!(dated(&mut pair, 9, explained), (0, false));
    let by_neither = 2 * hour + 60_000;
    assert_eq!(dated(&mut pair, 10, by_neither), (1, true));
    assert_eq!(dated(&mut pair, 11, 9 * by_neither), (0, true));
    // What is written here afterwards replaces it.
    pair.change(SOUTH, set(11, 2, 2));
    pair.settle();
    for side in [NORTH, SOUTH] {
        let object = &pair.sides[side].ledger.objects[&id(11)];
        assert_eq!(object.get(Key::field(2)), Some(&Value::Int(2)));
    }
    pair.restart(NORTH);
    pair.live(20_000);
    let status = pair.sides[SOUTH].engine.view().status();
    assert_eq!(status.dated_ahead_ms, None);
}
