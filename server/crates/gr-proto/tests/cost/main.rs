//! What a comparison costs (R15), counted and not timed: it follows the difference, and not how much is compared.

mod exact;
mod stock;
#[path = "../support/mod.rs"]
mod support;
mod traffic;

use domain::{Value, user_fields};
use ledger::{Ledger, TaskCounts, TaskKind};
use stock::{MESSAGES, message_ids, running, set, stock, user_id};
use support::{NORTH, Pair};
use traffic::{Traffic, run};

const USERS: usize = 100_000;
/// What questions and answers may take, in bytes, if so many users differ: the sums of the whole and of its parts; the 256 sums of
/// each part that differs; a list for each leaf that differs.
fn requests_max(differing: usize) -> usize {
    5_000 + differing.min(256) * 2_350 + differing * 300
}

/// What a differing user may take besides, in bytes: itself, in one direction and back, with acknowledgements.
const TRAVEL_EACH: usize = 2_000;

/// How many questions there may be: the root, its parts; the leaves of 64 parts at a time, and before the next 64 their lists, of 256
/// leaves at a time; and the root of the other tree.
fn rounds_max(differing: usize) -> usize {
    3 + 2 * differing.min(256).div_ceil(64) + differing / 256
}

/// Servers that hold the same, but for some users that were changed on one of them.
fn apart(differing: usize) -> Pair {
    let north = stock(USERS, false);
    let mut south = north.clone();
    for n in (0..USERS).step_by(USERS / differing.max(1)).take(differing) {
        let name = Value::Text(format!("Another {n}"));
        set(&mut south, &user_id(n), user_fields::NAME, 1, name);
    }
    running([north, south])
}

fn resync(pair: &mut Pair) -> (TaskCounts, Traffic) {
    let (report, traffic) = run(pair, NORTH, TaskKind::Resync, None, false);
    pair.assert_equal();
    (report.counts, traffic)
}

#[test]
fn servers_that_hold_the_same_say_so_in_one_round_for_each_tree() {
    let mut pair = apart(0);
    let (counts, traffic) = resync(&mut pair);
    println!("{USERS} equal users, resync: {traffic:?}");
    assert_eq!(counts, TaskCounts::default());
    assert_eq!(traffic.rounds, 2, "users, contents");
    assert!(traffic.bytes <= 2_000, "{traffic:?}");

    let (report, traffic) = run(&mut pair, NORTH, TaskKind::Audit, None, false);
    println!("{USERS} equal users, audit: {traffic:?}");
    assert_eq!(report.counts, TaskCounts::default());
    assert_eq!(traffic.rounds, 1, "users");
    assert!(traffic.bytes <= 2_000, "{traffic:?}");
}

#[test]
fn ten_differing_users_are_found_and_joined_for_less_than_a_hundred_kilobytes() {
    let mut pair = apart(10);
    let (counts, traffic) = resync(&mut pair);
    println!("10 of {USERS} users differ, resync: {traffic:?}");
    assert_eq!(counts.updated, 10);
    assert_eq!(traffic.rounds, 5, "root, parts, leaves, lists; contents");
    assert!(traffic.bytes <= 100_000, "{traffic:?}");
    assert!(traffic.requests <= requests_max(10), "{traffic:?}");
}

#[test]
fn what_a_comparison_costs_follows_the_difference() {
    for differing in [1, 100, 1_000] {
        let mut pair = apart(differing);
        let (counts, traffic) = resync(&mut pair);
        println!("{differing} of {USERS} users differ, resync: {traffic:?}");
        assert_eq!(counts.updated, differing as u64);
        let (requests, travel) = (requests_max(differing), differing * TRAVEL_EACH);
        assert!(traffic.requests <= requests, "{differing}: {traffic:?}");
        assert!(
            traffic.bytes <= requests + travel,
            "{differing}: {traffic:?}"
        );
        assert!(
            traffic.rounds <= rounds_max(differing),
            "{differing}: {traffic:?}"
        );
    }
}

#[test]
fn ten_lost_messages_among_two_hundred_thousand_are_found() {
    let north = stock(USERS, true);
    let mut south = north.clone();
    assert_eq!(north.objects.len(), USERS * (1 + MESSAGES));
    for n in (0..USERS).step_by(USERS / 10) {
        let lost = message_ids(n).next().unwrap();
        south.remove(&lost).unwrap();
    }
    for (kind, rounds) in [(TaskKind::Mailboxes, 4), (TaskKind::Resync, 5)] {
        let mut pair = running([north.clone(), south.clone()]);
        let (report, traffic) = run(&mut pair, NORTH, kind, None, false);
        println!("10 of 200,000 messages lost, {kind:?}: {traffic:?}");
        assert_eq!(report.counts.contents_there, 10);
        assert_eq!(traffic.rounds, rounds);
        assert!(traffic.bytes <= 100_000, "{traffic:?}");
        pair.assert_equal();
    }
}
