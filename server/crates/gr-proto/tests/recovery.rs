//! Stories of servers that go back in time: restored from a backup, and made whole by comparing.

mod support;

use domain::{Change, Kind};
use gr_proto::{Command, Event, Limits, Message, Output, PartnerState, Payload, limits};
use ledger::memory::Memory;
use ledger::{Ledger, TaskId, TaskKind};
use support::*;

fn message(n: u8, owner: u8) -> Change {
    Change::Create {
        id: id(n),
        kind: Kind::MESSAGE,
        owner: Some(id(owner)),
        body: None,
        registers: vec![],
    }
}

/// A pair with a user at home on each side, both replicated.
fn with_users() -> Pair {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.change(SOUTH, user(2, SOUTH));
    pair.settle();
    pair.assert_equal();
    pair
}

fn restore(pair: &mut Pair, side: usize, backup: Memory) {
    pair.sides[side].ledger = backup;
    pair.restart(side);
    pair.tick(side);
}

fn said(pair: &Pair, side: usize, event: Event) -> bool {
    pair.sides[side].said.contains(&Output::Event(event))
}

fn lists(pair: &Pair, side: usize) -> Vec<&Message> {
    pair.sides[side]
        .out
        .iter()
        .filter(|m| matches!(m.payload, Payload::List(_)))
        .collect()
}

#[test]
fn a_restored_server_gets_back_what_it_lost() {
    let mut pair = with_users();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, message(9, 2));
    pair.change(NORTH, set(2, 6, 1));
    pair.settle();
    restore(&mut pair, SOUTH, backup);
    pair.settle();
    assert!(said(&pair, NORTH, Event::PartnerRolledBack) && said(&pair, SOUTH, Event::RolledBack));
    assert!(said(&pair, NORTH, Event::PartnerRecovered));
    pair.assert_equal();
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(9)));
    for side in [NORTH, SOUTH] {
        let state = pair.ledger(side).state.clone();
        assert!(!state.partner_rolled_back && !state.rolled_back);
    }
}

#[test]
fn what_was_deleted_since_the_backup_stays_deleted() {
    let mut pair = with_users();
    pair.change(SOUTH, message(9, 2));
    pair.settle();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(NORTH, delete(9));
    pair.settle();
    restore(&mut pair, SOUTH, backup);
    assert!(
        pair.ledger(SOUTH).objects.contains_key(&id(9)),
        "the backup has it"
    );
    pair.settle();
    pair.assert_equal();
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(9)));
}

#[test]
fn what_the_restored_server_had_not_yet_sent_is_not_taken_for_deleted() {
    let mut pair = with_users();
    pair.change(SOUTH, message(9, 2));
    pair.take(SOUTH); // lost
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, set(2, 6, 1));
    pair.settle();
    restore(&mut pair, SOUTH, backup);
    pair.settle();
    pair.assert_equal();
    assert!(pair.ledger(NORTH).objects.contains_key(&id(9)));
}

#[test]
fn a_home_takes_back_its_own_user_after_a_restore_and_only_then() {
    let mut pair = with_users();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, user(3, SOUTH));
    pair.settle();
    restore(&mut pair, SOUTH, backup);
    pair.settle();
    pair.assert_equal();
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(3)));
}

#[test]
fn a_user_deleted_at_its_home_does_not_come_back_from_the_partners_backup() {
    let mut pair = with_users();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(NORTH, delete(1));
    pair.settle();
    restore(&mut pair, SOUTH, backup);
    pair.settle();
    pair.assert_equal();
    assert!(!pair.ledger(NORTH).objects.contains_key(&id(1)));
}

#[test]
fn if_both_rolled_back_nothing_is_deleted() {
    let mut pair = with_users();
    pair.change(SOUTH, message(9, 2));
    pair.settle();
    let south = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, delete(9));
    pair.settle();
    let north = pair.ledger(NORTH).snapshot();
    pair.change(NORTH, message(8, 1));
    pair.settle();
    pair.restart(NORTH);
    pair.sides[NORTH].ledger = north;
    restore(&mut pair, SOUTH, south);
    pair.tick(NORTH);
    pair.settle();
    pair.assert_equal();
    assert!(!pair.ledger(NORTH).state.partner_rolled_back && !pair.ledger(SOUTH).state.rolled_back);
}

#[test]
fn a_restored_server_that_worked_alone_for_some_incarnations_is_found_out() {
    let mut pair = with_users();
    let backup = pair.ledger(SOUTH).snapshot();
    for n in 10..20 {
        pair.change(SOUTH, message(n, 2));
    }
    pair.settle();
    pair.sides[SOUTH].ledger = backup;
    // Two incarnations that meet nobody, but change so much that the CSNs overtake what the partner knows.
    for incarnation in 0..2 {
        pair.restart(SOUTH);
        for n in 0..10 {
            pair.change(SOUTH, message(30 + 10 * incarnation + n, 2));
        }
        pair.take(SOUTH);
    }
    restore_nothing_but_the_process(&mut pair);
    pair.settle();
    assert!(said(&pair, NORTH, Event::PartnerRolledBack));
    pair.assert_equal();
    assert!((10..20).all(|n| pair.ledger(SOUTH).objects.contains_key(&id(n))));
}

fn restore_nothing_but_the_process(pair: &mut Pair) {
    pair.restart(SOUTH);
    pair.tick(SOUTH);
}

#[test]
fn what_had_been_sent_before_the_restore_is_not_deleted_in_silence() {
    let mut pair = with_users();
    pair.take(NORTH);
    pair.sides[SOUTH].engine = gr_proto::Engine::new(
        gr_proto::Config::new(server(SOUTH), Some(server(NORTH))),
        domain::Incarnation(70),
        70,
    );
    pair.change(SOUTH, message(9, 2));
    let backup = pair.ledger(SOUTH).snapshot();
    assert!(backup.marks[&id(9)].unsent);
    pair.settle();
    assert!(pair.ledger(NORTH).objects.contains_key(&id(9)));
    pair.sides[SOUTH].ledger = backup;
    pair.restart(SOUTH);
    pair.change(SOUTH, delete(9)); // nobody has heard of it, it believes
    pair.settle();
    pair.assert_equal();
    assert!(!pair.ledger(NORTH).objects.contains_key(&id(9)));
}

#[test]
fn a_list_that_was_lost_is_read_and_sent_again() {
    let mut pair = with_users();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, message(9, 2));
    pair.settle();
    restore(&mut pair, SOUTH, backup);
    for _ in 0..40 {
        let first = pair.take(SOUTH);
        first.into_iter().for_each(|m| pair.give(NORTH, m));
        if !lists(&pair, NORTH).is_empty() {
            break;
        }
        let back = pair.take(NORTH);
        back.into_iter().for_each(|m| pair.give(SOUTH, m));
    }
    let before = pair.take(NORTH);
    assert!(before.iter().any(|m| matches!(m.payload, Payload::List(_))));
    pair.live(10_000);
    pair.assert_equal();
    assert!(said(&pair, NORTH, Event::PartnerRecovered));
}

#[test]
fn a_list_that_data_has_overtaken_deletes_nothing() {
    let mut pair = with_users();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, message(8, 2));
    pair.settle();
    restore(&mut pair, SOUTH, backup);
    while lists(&pair, NORTH).is_empty() {
        let back = pair.take(NORTH);
        back.into_iter().for_each(|m| pair.give(SOUTH, m));
        pair.carry(SOUTH);
    }
    let list = pair.take(NORTH);
    pair.change(NORTH, message(9, 1));
    pair.carry(NORTH);
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(9)));
    pair.carry(SOUTH);
    list.into_iter().for_each(|m| pair.give(SOUTH, m));
    assert!(
        pair.ledger(SOUTH).objects.contains_key(&id(9)),
        "the list was read before it was created"
    );
    pair.live(10_000);
    pair.assert_equal();
}

/// A mailbox lost by damage, an audit that finds its copy without an original, a restored backup: nobody deleted anything.
#[test]
fn what_the_partner_has_lost_is_not_taken_for_deleted() {
    let mut pair = with_users();
    for n in 10..20 {
        pair.change(NORTH, message(n, 1));
    }
    pair.settle();
    let backup = pair.ledger(NORTH).snapshot();
    for n in (10..20).chain([1]) {
        let north = pair.ledger(NORTH);
        north.remove(&id(n)).unwrap();
    }
    let audit = Command::Start {
        id: TaskId(5),
        kind: TaskKind::Audit,
        dry: false,
        agreed: None,
        mailboxes: vec![],
    };
    pair.order(SOUTH, audit);
    pair.live(2_000);
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(1)));
    restore(&mut pair, NORTH, backup);
    pair.settle();
    pair.assert_equal();
    assert!(
        (10..20)
            .chain([1])
            .all(|n| pair.ledger(SOUTH).objects.contains_key(&id(n))),
        "it came back with the backup"
    );
}

/// A backup calls unsent what was sent after it. Deleted before it is sent again, it still needs a tombstone.
#[test]
fn what_the_partner_lists_was_heard_of_whatever_a_backup_says() {
    let mut pair = Pair::running_with(Limits {
        batch_items: 1,
        flights: 1,
        window_items: 1,
        ..Limits::default()
    });
    pair.change(SOUTH, user(2, SOUTH));
    pair.settle();
    for n in 10..16 {
        pair.change(SOUTH, message(n, 2));
    }
    let backup = pair.ledger(SOUTH).snapshot();
    pair.settle();
    pair.change(SOUTH, set(2, 4, 9));
    pair.settle();
    restore(&mut pair, SOUTH, backup);
    let judged = |said: &Output| matches!(said, Output::Event(Event::Judged(_)));
    while !pair.sides[SOUTH].said.iter().any(judged) {
        pair.carry(NORTH);
        if !pair.sides[SOUTH].said.iter().any(judged) {
            pair.carry(SOUTH);
        }
    }
    for n in 10..16 {
        pair.change(SOUTH, delete(n));
    }
    pair.settle();
    pair.live(5_000);
    assert!((10..16).all(|n| !pair.ledger(NORTH).objects.contains_key(&id(n))));
    pair.assert_equal();
}

/// However many it is: what no deletion record remembers comes back.
#[test]
fn a_partner_that_lost_much_takes_nothing_along() {
    let mut pair = with_users();
    for n in 10..200 {
        pair.change(SOUTH, message(n, 2));
    }
    pair.settle();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, set(2, 4, 9));
    pair.settle();
    for n in 10..200 {
        let north = pair.ledger(NORTH);
        north.remove(&id(n)).unwrap();
    }
    restore(&mut pair, SOUTH, backup);
    pair.settle();
    pair.assert_equal();
    assert!((10..200).all(|n| pair.ledger(NORTH).objects.contains_key(&id(n))));
}

#[test]
fn what_was_deleted_while_a_backup_lay_stays_deleted_and_so_does_what_its_user_had() {
    let mut pair = with_users();
    for n in 10..14 {
        pair.change(NORTH, message(n, 1));
        pair.change(NORTH, message(n + 10, 2));
    }
    pair.settle();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(NORTH, delete(20));
    pair.change(NORTH, delete(1));
    pair.settle();
    restore(&mut pair, SOUTH, backup);
    pair.settle();
    pair.assert_equal();
    let there = &pair.ledger(SOUTH).objects;
    assert!(
        [1, 10, 11, 12, 13, 20]
            .iter()
            .all(|n| !there.contains_key(&id(*n)))
    );
    assert!([21, 22, 23].iter().all(|n| there.contains_key(&id(*n))));
}

/// Who knows of the recovery is restored in the middle of it: the other one still knows.
#[test]
fn a_recovery_is_not_over_before_all_that_was_asked_for_has_come() {
    let mut pair = with_users();
    let south = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, message(9, 2));
    pair.settle();
    let giver = pair.ledger(NORTH).snapshot();
    restore(&mut pair, SOUTH, south);
    while !pair.sides[SOUTH]
        .said
        .iter()
        .any(|said| matches!(said, Output::Event(Event::Judged(_))))
    {
        let back = pair.take(NORTH);
        back.into_iter().for_each(|m| pair.give(SOUTH, m));
        pair.carry(SOUTH);
    }
    assert!(
        pair.ledger(SOUTH).state.rolled_back,
        "its message has not come"
    );
    restore(&mut pair, NORTH, giver);
    pair.live(10_000);
    pair.assert_equal();
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(9)));
    assert!(!pair.ledger(SOUTH).state.rolled_back);
}

/// More incarnations than a HELLO tells of, in which nobody met anybody: nobody went back in time.
#[test]
fn a_long_time_apart_is_not_taken_for_going_back() {
    let mut pair = with_users();
    for n in 0..300_u16 {
        pair.restart(SOUTH);
        pair.change(SOUTH, set(2, 4, i64::from(n)));
        pair.take(SOUTH);
    }
    pair.sides[NORTH].said.clear();
    pair.restart(SOUTH);
    pair.tick(SOUTH);
    pair.live(2_000);
    pair.assert_equal();
    for side in [NORTH, SOUTH] {
        assert!(!said(&pair, side, Event::PartnerRolledBack), "side {side}");
        assert!(!said(&pair, side, Event::RolledBack), "side {side}");
    }
}

/// And if it did go back, it finds that out itself, for it remembers all its incarnations.
#[test]
fn a_server_that_rolled_back_and_lived_many_incarnations_is_found_out() {
    let mut pair = with_users();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, message(9, 2));
    pair.settle();
    pair.sides[SOUTH].ledger = backup;
    for n in 0..300_u16 {
        pair.restart(SOUTH);
        pair.change(SOUTH, set(2, 4, i64::from(n)));
        pair.take(SOUTH);
    }
    pair.restart(SOUTH);
    pair.tick(SOUTH);
    pair.live(2_000);
    assert!(said(&pair, SOUTH, Event::RolledBack));
    pair.assert_equal();
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(9)));
}

#[test]
fn more_objects_than_one_list_tells_of_are_compared_in_steps() {
    let mut pair = with_users();
    let backup = pair.ledger(SOUTH).snapshot();
    for n in 0..30_u8 {
        let changes: Vec<_> = (0..100_u8)
            .map(|k| {
                let mut bytes = [n; 16];
                bytes[15] = k;
                bytes[0] = 100 + n;
                let id = domain::ObjectId::from_bytes(bytes);
                Change::Create {
                    id,
                    kind: Kind::MESSAGE,
                    owner: Some(support::id(2)),
                    body: None,
                    registers: vec![],
                }
            })
            .collect();
        pair.transact(SOUTH, &changes, vec![]);
    }
    pair.settle();
    assert_eq!(pair.ledger(NORTH).objects.len(), 3_002);
    restore(&mut pair, SOUTH, backup);
    pair.settle();
    pair.assert_equal();
    assert_eq!(pair.ledger(SOUTH).objects.len(), 3_002);
}

#[test]
fn incarnations_are_not_forgotten_before_the_partner_has_met_the_present_one() {
    let limits = Limits {
        history: 3,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    for _ in 0..8 {
        pair.restart(NORTH);
        pair.wait(500);
        pair.carry(NORTH);
        pair.carry(SOUTH);
        assert_eq!(pair.state(NORTH), PartnerState::Running);
        pair.wait(60_000);
        for side in [NORTH, SOUTH] {
            pair.take(side);
        }
    }
    pair.live(60_000);
    let found = |o: &Output| {
        matches!(
            o,
            Output::Event(Event::PartnerRolledBack | Event::RolledBack)
        )
    };
    assert!((0..2).all(|side| !pair.sides[side].said.iter().any(found)));
    pair.assert_equal();
}

/// As above; and the partner hears nothing of the new incarnations but that they are there: it has met them all the same, and says so.
#[test]
fn an_incarnation_that_has_said_nothing_but_heartbeats_was_met() {
    let limits = Limits {
        history: 3,
        processed_unacked: 2,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    for _ in 0..8 {
        pair.restart(NORTH);
        pair.wait(500);
        // Till it looks for what it can forget.
        for _ in 0..=limits::HELD_RETRY_MS / 15_000 {
            let messages = pair.take(NORTH);
            for message in messages.into_iter().filter(|message| !is_ack(message)) {
                pair.give(SOUTH, message);
            }
            pair.carry(SOUTH);
            pair.wait(15_000);
        }
        assert_eq!(pair.state(NORTH), PartnerState::Running);
        pair.take(SOUTH);
    }
    let known = pair.ledger(NORTH).history.len();
    assert!(known <= 4, "older incarnations are forgotten: {known}");
    pair.live(60_000);
    assert!(
        !pair.sides[SOUTH]
            .said
            .contains(&Output::Event(Event::PartnerRolledBack))
    );
    pair.assert_equal();
}
