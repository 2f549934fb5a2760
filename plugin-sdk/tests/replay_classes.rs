//! What becomes of calls of each class when servers fail under them, told to the connector step by step.

mod world;

use plugin_sdk::connector::Fate;
use plugin_sdk::{Replay, Side, State};
use world::{Mode, NORTH, SOUTH, World};

const REPEATED: [Replay; 2] = [Replay::Safe, Replay::ByKey];

#[test]
fn a_call_under_way_at_a_kill_is_answered_by_the_partner_if_it_may_be_repeated() {
    for replay in REPEATED {
        let mut world = World::at_work();
        let asked = world.ask_once(replay);
        world.run(5);
        world.set(Side::Primary, Mode::Dead);
        world.run_until(2_000, |world| world.asked[asked].answered.is_some());
        assert_eq!(world.asked[asked].answered.expect("answered").1, SOUTH);
        assert_eq!(world.asked[asked].reached, [NORTH, SOUTH]);
    }
}

#[test]
fn a_call_under_way_at_a_kill_that_must_not_be_repeated_reaches_no_other_server() {
    let mut world = World::at_work();
    let asked = world.ask_once(Replay::Never);
    world.run(5);
    world.set(Side::Primary, Mode::Dead);
    world.run_until(2_000, |world| world.asked[asked].outcome_unknown);
    world.run_until(5_000, |world| world.state() == State::OnPartner);
    world.run(30_000);
    assert_eq!(world.asked[asked].reached, [NORTH]);
    assert_eq!(world.asked[asked].answered, None);
}

#[test]
fn a_call_that_must_not_be_repeated_goes_to_the_partner_if_the_primary_never_got_it() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Dead);
    let asked = world.ask_once(Replay::Never);
    world.run_until(2_000, |world| world.asked[asked].answered.is_some());
    assert_eq!(world.asked[asked].reached, [SOUTH]);
}

#[test]
fn when_a_server_hangs_calls_that_may_be_repeated_leave_it_and_others_wait_for_its_answer() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::HalfHung);
    let (moves, waits) = (world.ask(), world.ask_once(Replay::Never));
    world.run_until(20_000, |world| world.asked[moves].answered.is_some());
    assert_eq!(world.asked[moves].answered.expect("answered").1, SOUTH);
    world.run(1_000);
    assert_eq!(world.asked[waits].reached, [NORTH]);
    assert!(
        !world.asked[waits].outcome_unknown,
        "it may be answered yet"
    );
}

#[test]
fn a_call_that_must_not_be_repeated_fails_over_with_everything_else_before_it_is_sent() {
    let mut world = World::on_partner();
    let asked = world.ask_once(Replay::Never);
    world.run_until(1_000, |world| world.asked[asked].answered.is_some());
    assert_eq!(world.asked[asked].reached, [SOUTH]);
}

#[test]
fn only_what_may_have_been_done_and_must_not_be_done_twice_is_not_repeated() {
    for replay in REPEATED {
        assert!(replay.follows());
        assert!(replay.repeats_after(Fate::Unknown) && replay.repeats_after(Fate::NotSent));
    }
    assert!(!Replay::Never.follows());
    assert!(!Replay::Never.repeats_after(Fate::Unknown));
    assert!(Replay::Never.repeats_after(Fate::NotSent));
}
