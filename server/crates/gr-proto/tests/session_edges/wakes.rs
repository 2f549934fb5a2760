//! When a server wants to be woken: whenever something is due, and never again and again for what cannot be done now.

use crate::forge::{advance, asks, hellos, meet};
use crate::support::guide::{order, plant_message};
use crate::support::{NORTH, Pair, SOUTH, id, is_data, message, set, user};
use domain::{Incarnation, ReplicationConstraints};
use gr_proto::{Command, Input, Limits, Message, Mono, Output, PartnerState, Payload};
use ledger::BackgroundJob;

/// Lets time pass until the north wants to be woken; says how much that was.
fn sleep(pair: &mut Pair) -> u64 {
    let at = pair.sides[NORTH]
        .engine
        .view()
        .wake_at()
        .expect("it wakes again");
    assert!(at > pair.now.mono, "it does not rest");
    let ms = at.since(pair.now.mono);
    advance(pair, ms);
    ms
}

fn wakes_in(pair: &Pair) -> u64 {
    let at = pair.sides[NORTH]
        .engine
        .view()
        .wake_at()
        .expect("it wakes again");
    assert!(at > pair.now.mono, "it does not rest");
    at.since(pair.now.mono)
}

#[test]
fn probes_come_at_growing_pauses_and_nothing_else_wakes() {
    let mut pair = Pair::strangers();
    assert_eq!(pair.sides[NORTH].engine.view().wake_at(), Some(Mono(0)));
    pair.tick(NORTH);
    let (mut at, mut probes) = (0, vec![]);
    while at < 400_000 {
        if !hellos(&mut pair).is_empty() {
            probes.push(at);
        } else {
            assert_eq!(at, 300_000, "the partner is down from now on");
            assert_eq!(pair.state(NORTH), PartnerState::Down);
        }
        at += sleep(&mut pair);
    }
    let mut expected = vec![0, 500, 1_500, 3_500, 7_500];
    expected.extend((15_500..=315_500).step_by(15_000));
    expected.push(345_500);
    assert_eq!(probes, expected);
}

#[test]
fn a_partner_runs_for_a_minute_after_it_was_heard() {
    let mut pair = Pair::running();
    for (ms, state) in [
        (59_999, PartnerState::Running),
        (1, PartnerState::Unknown),
        (239_999, PartnerState::Unknown),
        (1, PartnerState::Down),
    ] {
        advance(&mut pair, ms);
        assert_eq!(pair.state(NORTH), state);
    }
}

#[test]
fn after_a_silence_probes_begin_with_the_shortest_pause() {
    let mut pair = Pair::running();
    advance(&mut pair, 60_000);
    assert_eq!(hellos(&mut pair).len(), 1);
    assert_eq!(wakes_in(&pair), 500);
    advance(&mut pair, 499);
    assert!(hellos(&mut pair).is_empty());
    advance(&mut pair, 1);
    assert_eq!(hellos(&mut pair).len(), 1);
}

#[test]
fn a_running_server_wakes_for_heartbeats_and_for_what_is_held() {
    let mut pair = Pair::running();
    assert_eq!(wakes_in(&pair), 15_000);
    pair.wait(7_000);
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let mut woken = vec![];
    while pair.now.mono < Mono(602_000) {
        sleep(&mut pair);
        woken.push(pair.now.mono.0);
        pair.tick(SOUTH);
        pair.settle();
    }
    assert_eq!(woken[..2], [23_000, 38_000]);
    assert!(woken.contains(&601_000), "ten minutes after the beginning");
}

#[test]
fn what_is_asked_is_asked_again_in_time_and_not_in_the_silence() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.transact(NORTH, &[], vec![Input::LoggedIn(id(1))]);
    assert_eq!(wakes_in(&pair), 2_000);
    advance(&mut pair, 61_000);
    assert_eq!(pair.state(NORTH), PartnerState::Unknown);
    wakes_in(&pair);
    advance(&mut pair, 400);
    wakes_in(&pair);
}

/// A pair whose south was restored: the north owes it a recovery, and has just sent the first list.
fn with_a_list() -> (Pair, Vec<Message>) {
    let mut pair = Pair::running();
    pair.change(SOUTH, user(2, SOUTH));
    pair.settle();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, set(2, 9, 1));
    pair.settle();
    pair.sides[SOUTH].ledger = backup;
    pair.restart(SOUTH);
    pair.tick(SOUTH);
    for _ in 0..10 {
        pair.carry(SOUTH);
        let out = &pair.sides[NORTH].out;
        if out.iter().any(is_list) {
            let said = pair.take(NORTH);
            return (pair, said);
        }
        pair.carry(NORTH);
    }
    panic!("no list");
}

fn is_list(message: &Message) -> bool {
    matches!(message.payload, Payload::List(_))
}

#[test]
fn a_list_is_sent_again_after_two_seconds() {
    let (mut pair, _) = with_a_list();
    assert_eq!(wakes_in(&pair), 2_000);
    advance(&mut pair, 1_999);
    assert!(!pair.take(NORTH).iter().any(is_list));
    advance(&mut pair, 1);
    assert!(pair.take(NORTH).iter().any(is_list));
}

#[test]
fn a_list_is_not_sent_into_the_silence() {
    let (mut pair, _) = with_a_list();
    advance(&mut pair, 61_000);
    assert!(!pair.take(NORTH).iter().any(is_list));
    for _ in 0..10 {
        sleep(&mut pair);
        assert!(!pair.take(NORTH).iter().any(is_list));
    }
}

/// Whoever logs in during a recovery waits for its end, and keeps nobody awake.
#[test]
fn during_a_recovery_nothing_is_asked() {
    let (mut pair, _) = with_a_list();
    pair.transact(NORTH, &[], vec![Input::LoggedIn(id(2))]);
    wakes_in(&pair);
    // The same on the server that went back.
    assert!((0..2).all(|side| pair.state(side) == PartnerState::Running));
    assert!(pair.ledger(SOUTH).state.rolled_back);
    pair.transact(SOUTH, &[], vec![Input::LoggedIn(id(2))]);
    let asks = |m: &Message| matches!(m.payload, Payload::Request(_));
    assert!(!pair.sides.iter().any(|side| side.out.iter().any(asks)));
    assert!(pair.sides[SOUTH].engine.view().wake_at() > Some(pair.now.mono));
}

/// A pair with a message, whose sound is lost on these servers.
fn with_a_lost_body(sides: &[usize]) -> Pair {
    let mut pair = Pair::running();
    let body = pair.ledger(NORTH).append_body(b"a sound");
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, message(9, 1, Some(body)));
    pair.settle();
    for side in sides {
        pair.ledger(*side).lose_body(&body);
    }
    pair
}

#[test]
fn what_is_damaged_is_asked_for_in_time_and_not_in_the_silence() {
    let mut pair = with_a_lost_body(&[NORTH, SOUTH]);
    pair.tick(NORTH);
    pair.settle();
    assert_eq!(wakes_in(&pair), 5_000, "neither has it");
    advance(&mut pair, 61_000);
    advance(&mut pair, 1);
    wakes_in(&pair);
    // Nor while a server is out of service.
    let mut pair = with_a_lost_body(&[NORTH, SOUTH]);
    assert_eq!(
        order(&mut pair, NORTH, Command::CourtesyDown { force: true }),
        Ok(())
    );
    pair.take(NORTH);
    advance(&mut pair, 6_000);
    wakes_in(&pair);
}

#[test]
fn a_body_that_a_rebuild_will_fetch_keeps_nobody_awake() {
    let mut pair = Pair::strangers();
    let north = pair.ledger(NORTH);
    plant_message(north, id(9), id(1));
    let body = north.objects[&id(9)].body.expect("a sound");
    north.lose_body(&body);
    north.state.staging = true;
    pair.tick(NORTH);
    pair.settle();
    assert_eq!(wakes_in(&pair), 15_000, "for the next heartbeat");
}

/// What is done a little at a time goes on at once, until it is done.
#[test]
fn a_scan_goes_on_at_once() {
    let limits = Limits {
        scan: 1,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    let full = ReplicationConstraints {
        users_max: Some(0),
        ..ReplicationConstraints::default()
    };
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::new(full))]);
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, user(2, NORTH));
    pair.settle();
    assert_eq!(pair.ledger(NORTH).held.len(), 2);
    pair.sides[NORTH].said.clear();
    pair.order(NORTH, Command::RetryHeld);
    let shown =
        |o: &Output| matches!(o, Output::Task(view) if view.job == Some(BackgroundJob::Retry));
    assert!(pair.sides[NORTH].said.iter().any(shown));
    for _ in 0..2 {
        assert_eq!(pair.sides[NORTH].engine.view().wake_at(), Some(Mono(0)));
        pair.tick(NORTH);
    }
    wakes_in(&pair);
}

#[test]
fn what_was_here_before_the_partner_is_marked_at_once() {
    let limits = Limits {
        seeding: 1,
        ..Limits::default()
    };
    let mut pair = Pair::strangers_with(limits);
    let north = pair.ledger(NORTH);
    plant_message(north, id(8), id(1));
    plant_message(north, id(9), id(1));
    for _ in 0..2 {
        pair.tick(NORTH);
        assert_eq!(pair.sides[NORTH].engine.view().wake_at(), Some(Mono(0)));
    }
    assert_eq!(pair.ledger(NORTH).marks.len(), 2);
    pair.tick(NORTH);
    wakes_in(&pair);
}

/// What was created in the meantime is marked already, as what it is: nobody has heard of it.
#[test]
fn marking_what_was_here_leaves_alone_what_is_marked() {
    let mut pair = Pair::strangers();
    plant_message(pair.ledger(NORTH), id(8), id(1));
    let number = pair.change(NORTH, message(9, 1, None));
    let marks = &pair.ledger(NORTH).marks;
    assert!(marks[&id(9)].unsent && Some(marks[&id(9)].n) == number);
    assert!(marks[&id(8)].body && !marks[&id(8)].unsent);
}

/// For ten minutes a partner is said to run twice that was heard in an incarnation that it had left.
#[test]
fn an_incarnation_that_was_left_is_remembered_for_ten_minutes() {
    let mut pair = Pair::running();
    let before = pair.sides[SOUTH].engine.view().incarnation();
    pair.restart(SOUTH);
    pair.tick(SOUTH);
    pair.settle();
    let twice = |pair: &Pair| pair.sides[NORTH].engine.view().status().runs_twice;
    assert!(!twice(&pair));
    pair.take(SOUTH);
    let asked = crate::forge::greet(
        &mut pair,
        before,
        Incarnation(0),
        gr_proto::Hello {
            known: None,
            ..asks(70)
        },
    );
    let echo = asked.last().expect("it is answered").challenge;
    let ours = pair.sides[NORTH].engine.view().incarnation();
    let echoes = gr_proto::Hello {
        challenge: None,
        echo,
        ..asks(70)
    };
    pair.give(NORTH, crate::forge::hello(before, ours, echoes));
    assert!(twice(&pair));
    assert_ne!(
        pair.sides[NORTH].engine.view().incarnation(),
        ours,
        "they met before"
    );
    advance(&mut pair, 599_999);
    assert!(twice(&pair));
    assert_eq!(wakes_in(&pair), 1);
    advance(&mut pair, 1);
    assert!(!twice(&pair));
    wakes_in(&pair);
}

/// Who takes long to answer is called slow as long as it answers at all.
#[test]
fn a_slow_partner_is_called_slow_while_it_is_running() {
    let mut pair = Pair::running();
    let slow = |pair: &Pair| pair.sides[NORTH].engine.view().status().slow;
    pair.change(NORTH, user(1, NORTH));
    pair.carry(NORTH);
    pair.now.mono = pair.now.mono.plus(2_000);
    pair.now.wall.0 += 2_000;
    pair.carry(SOUTH);
    assert!(slow(&pair));
    assert!(!pair.sides[NORTH].out.iter().any(is_data));
    advance(&mut pair, 60_000);
    assert!(!slow(&pair));
}

#[test]
fn so_many_incarnations_are_met_in_one_incarnation() {
    let mut pair = Pair::strangers();
    for n in 0..gr_proto::limits::MET_MAX as u64 {
        meet(&mut pair, Incarnation(1_000 + n), asks(0));
        pair.take(NORTH);
    }
    let incarnation = pair.sides[NORTH].engine.view().incarnation();
    assert_eq!(incarnation, crate::forge::OURS);
    meet(&mut pair, Incarnation(100_000), asks(0));
    assert_ne!(pair.sides[NORTH].engine.view().incarnation(), incarnation);
    assert!(!pair.sides[NORTH].engine.view().status().runs_twice);
}
