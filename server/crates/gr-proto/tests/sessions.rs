//! Stories of sessions: restarts, lost and old mail, silence.

mod support;

use gr_proto::{Command, Event, Input, Output, PartnerState, Payload, Rejected};
use support::*;

#[test]
fn two_servers_meet_with_three_hellos() {
    let mut pair = Pair::strangers();
    pair.tick(NORTH);
    let mut hellos = 0;
    while !(pair.sides[NORTH].out.is_empty() && pair.sides[SOUTH].out.is_empty()) {
        for side in [NORTH, SOUTH] {
            for message in pair.take(side) {
                hellos += usize::from(message.is_hello());
                pair.give(1 - side, message);
            }
        }
    }
    // South sends its own first HELLO in the transaction that answers North's.
    assert!((3..=5).contains(&hellos), "{hellos}");
    assert_eq!(pair.state(NORTH), PartnerState::Running);
    assert_eq!(pair.state(SOUTH), PartnerState::Running);
}

#[test]
fn a_restarted_server_is_adopted_and_gets_what_it_had_not_acknowledged() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.take(NORTH);
    pair.restart(SOUTH);
    pair.tick(SOUTH);
    pair.settle();
    pair.assert_equal();
    assert_eq!(pair.ledger(SOUTH).objects.len(), 1);
}

#[test]
fn mail_of_a_dead_incarnation_is_not_heard() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    let old = pair.take(NORTH);
    pair.restart(NORTH);
    pair.tick(NORTH);
    pair.settle();
    pair.change(NORTH, delete(1));
    pair.settle();
    pair.give(SOUTH, old[0].clone());
    pair.settle();
    pair.assert_equal();
    assert!(pair.ledger(SOUTH).objects.is_empty());
}

#[test]
fn an_old_hello_opens_no_session() {
    let mut pair = Pair::strangers();
    pair.tick(NORTH);
    let old = pair.sides[NORTH].out[0].clone();
    pair.settle();
    pair.restart(NORTH);
    pair.tick(NORTH);
    pair.settle();
    pair.sides[SOUTH].said.clear();
    pair.give(SOUTH, old);
    pair.settle();
    assert!(
        !pair.sides[SOUTH]
            .said
            .iter()
            .any(|o| matches!(o, Output::Event(Event::SessionBegan(_))))
    );
    pair.change(SOUTH, user(1, SOUTH));
    pair.settle();
    pair.assert_equal();
}

#[test]
fn what_was_lost_is_sent_again_after_the_retransmission_time() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.take(NORTH);
    pair.wait(1_900);
    assert!(pair.take(NORTH).is_empty());
    pair.wait(400);
    assert!(pair.sides[NORTH].out.iter().any(is_data));
    pair.settle();
    pair.assert_equal();
}

#[test]
fn what_was_doubled_is_applied_once() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    let sent = pair.take(NORTH);
    pair.give(SOUTH, sent[0].clone());
    let before = pair.sides[SOUTH].ledger.clone();
    pair.take(SOUTH);
    pair.give(SOUTH, sent[0].clone());
    assert_eq!(pair.sides[SOUTH].ledger, before);
    assert!(pair.take(SOUTH).is_empty());
}

#[test]
fn a_lost_acknowledgement_is_made_good_by_the_next_one() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.carry(NORTH);
    pair.take(SOUTH);
    pair.change(NORTH, user(2, NORTH));
    pair.settle();
    pair.assert_equal();
}

#[test]
fn an_old_message_cannot_bring_back_what_an_acknowledged_deletion_removed() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.change(SOUTH, set(1, 9, 1));
    let late = pair.take(SOUTH);
    pair.change(NORTH, delete(1));
    pair.settle();
    assert!(pair.ledger(NORTH).tombstones.is_empty());
    let before = pair.sides[NORTH].ledger.clone();
    pair.give(NORTH, late[0].clone());
    assert_eq!(pair.sides[NORTH].ledger, before, "it was dropped");
}

#[test]
fn silence_makes_the_partner_unknown_and_then_down_and_one_word_running_again() {
    let mut pair = Pair::running();
    pair.wait(59_000);
    assert_eq!(pair.state(NORTH), PartnerState::Running);
    pair.wait(2_000);
    assert_eq!(pair.state(NORTH), PartnerState::Unknown);
    pair.wait(240_000);
    assert_eq!(pair.state(NORTH), PartnerState::Down);
    pair.change(NORTH, user(1, NORTH));
    assert!(
        !pair.take(NORTH).iter().any(is_data),
        "data only while running"
    );
    pair.take(SOUTH);
    pair.live(61_000);
    assert_eq!(pair.state(NORTH), PartnerState::Running);
    assert_eq!(pair.state(SOUTH), PartnerState::Running);
    pair.assert_equal();
}

#[test]
fn an_idle_pair_stays_running_by_heartbeats() {
    let mut pair = Pair::running();
    pair.live(400_000);
    assert_eq!(pair.state(NORTH), PartnerState::Running);
    assert_eq!(pair.state(SOUTH), PartnerState::Running);
}

#[test]
fn a_partner_that_does_not_hear_us_is_not_running() {
    let mut pair = Pair::running();
    for _ in 0..70 {
        pair.wait(1_000);
        pair.take(NORTH); // lost
        pair.carry(SOUTH);
    }
    assert_eq!(
        pair.state(NORTH),
        PartnerState::Unknown,
        "it speaks, but echoes nothing new"
    );
}

#[test]
fn a_broken_link_shows_at_once_and_a_repaired_one_too() {
    let mut pair = Pair::running();
    pair.transact(NORTH, &[user(1, NORTH)], vec![Input::LinkDown]);
    assert_eq!(pair.state(NORTH), PartnerState::Unknown);
    pair.take(NORTH);
    pair.wait(10);
    pair.transact(NORTH, &[], vec![Input::LinkUp]);
    pair.settle();
    assert_eq!(pair.state(NORTH), PartnerState::Running);
    pair.assert_equal();
}

#[test]
fn a_returning_server_knows_when_it_has_caught_up() {
    let mut pair = Pair::running();
    pair.restart(SOUTH);
    for n in 1..100 {
        pair.change(NORTH, user(n, NORTH));
    }
    pair.take(NORTH);
    pair.tick(SOUTH);
    assert!(!pair.sides[SOUTH].engine.view().status().caught_up());
    let mut was_behind = false;
    for _ in 0..20 {
        pair.carry(SOUTH);
        pair.carry(NORTH);
        let status = pair.sides[SOUTH].engine.view().status();
        was_behind |= status.partner_backlog.is_some_and(|n| n > 0);
        assert!(!status.caught_up() || pair.sides[SOUTH].ledger.objects.len() == 99);
    }
    assert!(was_behind && pair.sides[SOUTH].engine.view().status().caught_up());
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_begins_a_new_incarnation() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.carry(NORTH);
    let mut ack = pair.take(SOUTH).remove(0);
    let incarnation = pair.sides[NORTH].engine.view().incarnation();
    if let Payload::Ack(ack) = &mut ack.payload {
        ack.sum ^= 1;
    }
    pair.give(NORTH, ack);
    assert_ne!(pair.sides[NORTH].engine.view().incarnation(), incarnation);
    // Another branch of this past has said it; that is remembered beyond the session.
    let rolled_back = Output::Event(Event::RolledBack);
    assert!(pair.sides[NORTH].said.contains(&rolled_back) && pair.ledger(NORTH).state.rolled_back);
    pair.settle();
    pair.assert_equal();
}

#[test]
fn courtesy_down_waits_for_the_backlog_and_is_told_to_the_partner() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    let order = |pair: &mut Pair, order| {
        let now = pair.now;
        let north = &mut pair.sides[NORTH];
        let done = north.engine.command(now, &mut north.ledger, order).unwrap();
        pair.tick(NORTH);
        done
    };
    let down = Command::CourtesyDown { force: false };
    assert_eq!(order(&mut pair, down.clone()), Err(Rejected::Backlog(1)));
    pair.settle();
    assert!(!pair.sides[SOUTH].engine.view().status().courtesy);
    assert_eq!(order(&mut pair, down), Ok(()));
    pair.settle();
    let status = pair.sides[SOUTH].engine.view().status();
    assert_eq!((status.state, status.courtesy), (PartnerState::Down, true));
    // Both go on for themselves; nothing is sent, and nobody calls the other dead.
    pair.change(SOUTH, user(2, SOUTH));
    pair.live(200_000);
    assert_eq!(pair.ledger(SOUTH).marks.len(), 1);
    assert!(pair.sides[SOUTH].engine.view().status().courtesy);
    // It stays so over a restart.
    pair.restart(NORTH);
    pair.live(100_000);
    assert!(pair.sides[SOUTH].engine.view().status().courtesy);
    assert_eq!(order(&mut pair, Command::CourtesyUp), Ok(()));
    pair.live(5_000);
    assert_eq!(pair.state(SOUTH), PartnerState::Running);
    pair.assert_equal();
}
