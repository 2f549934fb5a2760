//! What goes into data messages, in which order, and how much of it (E1, E2, E23; R9).

mod support;

use domain::{BodyRef, Kind, ObjectId, ReplicationConstraints, Shortcut};
use gr_proto::{Command, Input, Item, Limits, Message, Output, Payload};
use ledger::{Held, Lane, Ledger, Mark, Reason};
use support::guide::plant;
use support::*;

fn items(message: &Message) -> &[Item] {
    match &message.payload {
        Payload::Data(items) => items,
        _ => &[],
    }
}

/// The data messages that a side has sent; they go nowhere.
fn sent(pair: &mut Pair, side: usize) -> Vec<Vec<Item>> {
    let said = pair.take(side);
    let data = said.iter().filter(|message| is_data(message));
    data.map(|message| items(message).to_vec()).collect()
}

fn ids(messages: &[Vec<Item>]) -> Vec<Vec<ObjectId>> {
    let of = |items: &Vec<Item>| items.iter().map(|item| item.id).collect();
    messages.iter().map(of).collect()
}

fn batches_of(batch_items: usize) -> Limits {
    Limits {
        batch_items,
        ..Limits::default()
    }
}

fn with_user(limits: Limits) -> Pair {
    let mut pair = Pair::running_with(limits);
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair
}

/// Nobody hears the north, which knows it, until [`again`].
fn alone(pair: &mut Pair) {
    pair.transact(NORTH, &[], vec![Input::LinkDown]);
}

/// The link is back; returns what the north sends before anything of it has been acknowledged.
fn again(pair: &mut Pair) -> Vec<Vec<ObjectId>> {
    pair.transact(NORTH, &[], vec![Input::LinkUp]);
    for _ in 0..20 {
        let said = pair.take(NORTH);
        if said.iter().any(is_data) {
            let data = said.iter().filter(|message| is_data(message));
            let items: Vec<_> = data.map(|message| items(message).to_vec()).collect();
            return ids(&items);
        }
        said.into_iter()
            .for_each(|message| pair.give(SOUTH, message));
        pair.carry(SOUTH);
    }
    panic!("nothing is sent");
}

#[test]
fn users_go_first_then_what_is_fresh_and_each_fourth_message_begins_with_the_oldest() {
    let mut pair = with_user(Limits {
        batch_bytes: 1,
        ..Limits::default()
    });
    alone(&mut pair);
    let old = [10, 11, 12, 13];
    for n in old {
        pair.change(NORTH, message(n, 1, None));
        pair.wait(1);
    }
    pair.wait(120_000);
    pair.take(NORTH);
    pair.take(SOUTH);
    for n in 20..28 {
        pair.change(NORTH, message(n, 1, None));
        pair.wait(1);
    }
    pair.change(NORTH, user(2, NORTH));
    let order: Vec<_> = again(&mut pair).into_iter().flatten().collect();
    assert_eq!(order.len(), 13);
    let first = order.iter().position(|of| *of == id(10)).unwrap();
    assert!(first < 4, "{order:?}");
    let (fourth, others): (Vec<_>, Vec<_>) = order
        .iter()
        .enumerate()
        .partition(|(at, _)| at % 4 == first);
    let ids = |of: Vec<(usize, &ObjectId)>| of.into_iter().map(|(_, id)| *id).collect::<Vec<_>>();
    let (fourth, others) = (ids(fourth), ids(others));
    let (starved, rest) = old.split_at(fourth.len());
    assert_eq!(fourth, starved.iter().map(|n| id(*n)).collect::<Vec<_>>());
    let expected = [2, 27, 26, 25, 24, 23, 22, 21, 20].iter().chain(rest);
    assert_eq!(others, expected.map(|n| id(*n)).collect::<Vec<_>>());
}

/// As many marks as one look at them offers, and more behind them.
#[test]
fn all_that_is_marked_leaves_at_once_whatever_it_is_and_however_old() {
    let sizes = |messages: &[Vec<ObjectId>]| messages.iter().map(Vec::len).collect::<Vec<_>>();
    let mut pair = with_user(batches_of(2));
    let users: Vec<_> = (20..27).map(|n| user(n, NORTH)).collect();
    pair.transact(NORTH, &users, vec![]);
    let data = sent(&mut pair, NORTH);
    assert_eq!(sizes(&ids(&data)), [2, 2, 2, 1], "users");
    let mut pair = with_user(batches_of(2));
    let messages: Vec<_> = (30..37).map(|n| message(n, 1, None)).collect();
    pair.transact(NORTH, &messages, vec![]);
    let data = sent(&mut pair, NORTH);
    assert_eq!(sizes(&ids(&data)), [2, 2, 2, 1], "fresh messages");
    let mut pair = with_user(batches_of(2));
    alone(&mut pair);
    pair.transact(NORTH, &messages, vec![]);
    pair.wait(120_000);
    pair.take(NORTH);
    pair.take(SOUTH);
    assert_eq!(sizes(&again(&mut pair)), [2, 2, 2, 1], "old messages");
    let mut pair = with_user(batches_of(3));
    let both = [&users[..2], &messages[..2]].concat();
    pair.transact(NORTH, &both, vec![]);
    let data = sent(&mut pair, NORTH);
    assert_eq!(sizes(&ids(&data)), [3, 1], "users and messages");
}

#[test]
fn a_message_that_is_full_to_the_byte_takes_nothing_more() {
    let users: Vec<_> = (20..24).map(|n| user(n, NORTH)).collect();
    let with_bytes = |batch_bytes| {
        let mut pair = with_user(Limits {
            batch_bytes,
            ..Limits::default()
        });
        pair.transact(NORTH, &users, vec![]);
        sent(&mut pair, NORTH)
    };
    let all = with_bytes(1 << 20);
    assert_eq!(all.len(), 1);
    let two = all[0][0].weight() + all[0][1].weight();
    assert_eq!(with_bytes(two).iter().map(Vec::len).max(), Some(2));
    assert_eq!(with_bytes(two + 1).iter().map(Vec::len).max(), Some(3));
}

#[test]
fn the_last_piece_of_a_body_shares_its_message_with_nobody() {
    let mut pair = with_user(Limits {
        batch_bytes: 1_000,
        ..Limits::default()
    });
    let body = BodyRef {
        hash: [3; 32],
        len: 1_010,
    };
    pair.ledger(NORTH).receive_body(body);
    pair.change(NORTH, message(2, 1, Some(body)));
    pair.carry(NORTH);
    let acks = pair.take(SOUTH).into_iter();
    let acks = acks.map(|message| Input::Received(Box::new(message)));
    pair.transact(NORTH, &[message(3, 1, None)], acks.collect());
    let data = sent(&mut pair, NORTH);
    assert_eq!(ids(&data), [vec![id(2)], vec![id(3)]]);
    let piece = data[0][0].piece.expect("a piece");
    assert_eq!((piece.at, piece.len), (1_000, 10));
}

#[test]
fn a_change_goes_without_the_body_that_the_partner_has() {
    let mut pair = with_user(Limits::default());
    let body = BodyRef::of(b"sound");
    pair.ledger(NORTH).receive_body(body);
    let both = [message(2, 1, Some(body)), set(2, 4, 7)];
    pair.transact(NORTH, &both, vec![]);
    let first = items(&pair.sides[NORTH].out[0])[0].clone();
    assert!(
        first.with_body && !first.recovery,
        "it is new, though it was changed"
    );
    // While it is under way.
    pair.change(NORTH, set(2, 4, 8));
    assert_eq!(pair.carry(NORTH), 1);
    pair.carry(SOUTH);
    let second = items(&pair.sides[NORTH].out[0])[0].clone();
    assert!(!second.with_body && !second.recovery);
    pair.settle();
    pair.change(NORTH, set(2, 4, 9));
    let third = items(&pair.sides[NORTH].out[0])[0].clone();
    assert!(!third.with_body && !third.recovery);
    pair.settle();
    pair.assert_equal();
}

#[test]
fn what_was_made_changed_and_deleted_at_once_is_nothing_to_be_told() {
    let mut pair = with_user(Limits::default());
    alone(&mut pair);
    pair.transact(NORTH, &[message(2, 1, None), set(2, 4, 7)], vec![]);
    pair.change(NORTH, delete(2));
    let ledger = pair.ledger(NORTH);
    assert!(ledger.marks.is_empty() && ledger.tombstones.is_empty());
}

/// A user that is taken back after its home went back in time: a change in that moment does not make it an ordinary one.
#[test]
fn what_is_sent_for_a_recovery_stays_so_when_it_is_changed() {
    let mut pair = Pair::running();
    plant(pair.ledger(NORTH), id(1), SOUTH, "8001");
    let mark = Mark {
        lane: Lane::Users,
        n: 1,
        since: pair.now.wall,
        body: false,
        unsent: false,
        recovery: true,
    };
    pair.ledger(NORTH).set_mark(&id(1), &mark).unwrap();
    pair.change(NORTH, set(1, 4, 7));
    assert!(items(&pair.sides[NORTH].out[0])[0].recovery);
    pair.settle();
    pair.assert_equal();
}

/// An overlap decides which of its own users a server gives away, and nothing of the partner's.
#[test]
fn a_change_of_the_partners_user_goes_whatever_the_shortcuts() {
    let mut pair = Pair::running();
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), SOUTH, "7300");
        plant(pair.ledger(side), id(2), NORTH, "7301");
    }
    let north = ReplicationConstraints {
        shortcuts: vec![Shortcut {
            prefix: "1272".into(),
            overlap: 2,
        }],
        ..ReplicationConstraints::default()
    };
    pair.transact(NORTH, &[], vec![Input::Constraints(Box::new(north))]);
    for n in [1, 2] {
        pair.change(NORTH, set(n, 77, 7));
    }
    pair.settle();
    let held: Vec<_> = pair.ledger(NORTH).held.iter().collect();
    assert_eq!(held.len(), 1);
    assert_eq!((*held[0].0, held[0].1.reason), (id(2), Reason::NO_OVERLAP));
    assert_eq!(
        pair.sides[NORTH].ledger.objects[&id(1)],
        pair.sides[SOUTH].ledger.objects[&id(1)]
    );
}

/// When a user is taken that was held, what waited with it follows. With a message nothing waits.
#[test]
fn what_follows_a_message_that_was_held_is_nothing() {
    for (kind, follows) in [(Kind::USER, true), (Kind::MESSAGE, false)] {
        let mut pair = Pair::running_with(Limits {
            scan: 1,
            ..Limits::default()
        });
        plant(pair.ledger(NORTH), id(1), NORTH, "7001");
        let n = if kind == Kind::USER { 1 } else { 10 };
        guide::plant_message(pair.ledger(NORTH), id(10), id(1));
        let held = Held {
            reason: Reason::FAULT,
            at: pair.now.wall,
            mark: Mark {
                lane: Lane::Users,
                n: 1,
                since: pair.now.wall,
                body: true,
                unsent: false,
                recovery: false,
            },
        };
        pair.ledger(NORTH).set_held(&id(n), &held).unwrap();
        // Another one waits for its sound, which is nowhere.
        guide::plant_message(pair.ledger(NORTH), id(11), id(1));
        let body = pair.ledger(NORTH).objects[&id(11)].body.unwrap();
        pair.ledger(NORTH).lose_body(&body);
        let reason = Reason::BODY_LOST;
        let silent = Held { reason, ..held };
        pair.ledger(NORTH).set_held(&id(11), &silent).unwrap();
        pair.order(NORTH, Command::RetryHeld);
        while pair.sides[NORTH].engine.view().tasks().job.is_some() {
            pair.tick(NORTH);
        }
        pair.sides[NORTH].said.clear();
        pair.settle();
        assert!(pair.ledger(SOUTH).objects.contains_key(&id(n)));
        let job = |o: &Output| matches!(o, Output::Task(view) if view.job.is_some());
        assert_eq!(pair.sides[NORTH].said.iter().any(job), follows, "{kind:?}");
    }
}
