//! When age may destroy, to the millisecond; and what is forgotten for age.

use crate::support::guide::plant;
use crate::support::{NORTH, Pair, SOUTH, delete, id, server, set, user};
use domain::{Incarnation, Kind, Timestamp};
use gr_proto::limits::{GRAVES_MS, HISTORY_MS, KEPT_MS};
use gr_proto::{Config, Engine, Event, Limits, Output};
use ledger::{DeletionRecord, HistoryEntry, Kept, TaskId, TaskKind};

/// The north has no partner.
fn alone(pair: &mut Pair) {
    let config = Config::new(server(NORTH), None);
    pair.sides[NORTH].engine = Engine::new(config, Incarnation(50), 50);
    pair.tick(NORTH);
}

fn may_destroy(pair: &Pair, side: usize, age_ms: i64) -> bool {
    pair.sides[side].engine.view().may_destroy(age_ms)
}

#[test]
fn a_server_without_a_partner_counts_by_its_own_clocks() {
    let mut pair = Pair::strangers();
    alone(&mut pair);
    pair.wait(599_999);
    assert!(!may_destroy(&pair, NORTH, 1), "it is counted in steps");
    pair.wait(1);
    assert!(may_destroy(&pair, NORTH, 600_000));
    assert!(!may_destroy(&pair, NORTH, 600_001));
    let now = pair.now;
    let view = pair.sides[NORTH].engine.view();
    let oldest = |age_ms| view.oldest_destroyable(now, age_ms);
    assert_eq!(
        oldest(600_000),
        Some(Timestamp(now.wall.0 - 600_000)),
        "what is older may go"
    );
    assert_eq!(oldest(600_001), None);
}

/// What has been counted is not known before.
#[test]
fn nothing_goes_before_the_first_transaction() {
    let mut pair = Pair::strangers();
    let oldest = |pair: &Pair| {
        let view = pair.sides[NORTH].engine.view();
        view.oldest_destroyable(pair.now, 0)
    };
    assert_eq!(oldest(&pair), None);
    pair.tick(NORTH);
    assert_eq!(oldest(&pair), Some(pair.now.wall));
}

#[test]
fn clocks_agree_that_are_less_than_an_hour_apart() {
    let mut pair = Pair::running();
    pair.live(7_000);
    // So that no heartbeat comes in the very moment in which it is counted.
    pair.change(NORTH, user(1, NORTH));
    pair.live(601_000);
    pair.ahead[SOUTH] = 3_599_999;
    pair.live(20_000);
    for side in [NORTH, SOUTH] {
        assert!(may_destroy(&pair, side, 600_000));
    }
    let leapt = Output::Event(Event::ClockLeapt(3_600_000));
    assert!(!pair.sides[SOUTH].said.contains(&leapt));
    pair.ahead[SOUTH] = 3_600_000;
    pair.live(20_000);
    assert!(pair.sides[SOUTH].said.contains(&leapt));
    // And as long as they are apart, not a moment counts.
    for _ in 0..1_300 {
        assert!((0..2).all(|side| !may_destroy(&pair, side, 1)));
        pair.live(500);
    }
}

#[test]
fn nothing_is_counted_while_the_partner_is_silent_and_nothing_lost() {
    let mut pair = Pair::running();
    pair.live(601_000);
    for _ in 0..130 {
        pair.wait(10_000);
        pair.take(NORTH);
        pair.take(SOUTH);
    }
    assert!(may_destroy(&pair, NORTH, 600_000));
    assert!(!may_destroy(&pair, NORTH, 600_001));
}

/// The clocks of the north have agreed for so long.
fn agreed(pair: &mut Pair, ms: i64) {
    let wall = pair.now.wall;
    let state = &mut pair.ledger(NORTH).state;
    state.agreed_ms = ms as u64;
    state.counted_at = Some(wall);
}

/// Nobody knows what a partner will have that has not been heard of for long.
#[test]
fn deletion_records_are_forgotten_for_age_and_only_while_the_partner_is_running() {
    let mut pair = Pair::strangers();
    agreed(&mut pair, GRAVES_MS);
    let now = pair.now.wall.0;
    let deletion_record = |ago: i64| DeletionRecord {
        at: Timestamp(now - ago),
        kind: Kind::MESSAGE,
    };
    let deletion_records = &mut pair.ledger(NORTH).deletion_records;
    deletion_records.insert(id(1), deletion_record(GRAVES_MS + 1));
    deletion_records.insert(id(2), deletion_record(GRAVES_MS - 1_000_000));
    pair.tick(NORTH);
    assert_eq!(pair.ledger(NORTH).deletion_records.len(), 2);
    pair.settle();
    pair.live(601_000);
    let left: Vec<_> = pair
        .ledger(NORTH)
        .deletion_records
        .keys()
        .copied()
        .collect();
    assert_eq!(left, [id(2)]);
}

#[test]
fn so_many_incarnations_are_remembered_and_no_more() {
    let limits = Limits {
        history: 3,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    for value in 0..5 {
        pair.restart(NORTH);
        pair.wait(1_000);
        pair.settle();
        pair.change(NORTH, set(1, 9, value));
        pair.settle();
    }
    pair.live(601_000);
    assert_eq!(pair.ledger(NORTH).history.len(), 3);
    let present = pair.sides[NORTH].engine.view().incarnation();
    assert_eq!(pair.ledger(NORTH).history[2].incarnation, present);
}

/// Until then the partner may know only an older one.
#[test]
fn no_incarnation_is_forgotten_before_the_partner_has_acknowledged_something_of_the_present_one() {
    let limits = Limits {
        history: 2,
        ..Limits::default()
    };
    let mut pair = Pair::strangers_with(limits);
    let incarnation = |n: u64| HistoryEntry {
        incarnation: Incarnation(50 + n),
        csn: 0,
        began: Timestamp(1_600_000_000_000 + n as i64),
    };
    pair.ledger(NORTH).history = (0..3).map(incarnation).collect();
    pair.tick(NORTH);
    pair.settle();
    pair.live(601_000);
    assert_eq!(pair.ledger(NORTH).history.len(), 4);
    pair.change(NORTH, user(1, NORTH));
    pair.live(601_000);
    assert_eq!(pair.ledger(NORTH).history.len(), 2);
}

#[test]
fn incarnations_are_remembered_for_so_many_days() {
    let mut pair = Pair::strangers();
    agreed(&mut pair, HISTORY_MS);
    let now = pair.now.wall.0;
    let incarnation = |incarnation: u64, ago: i64| HistoryEntry {
        incarnation: Incarnation(incarnation),
        csn: 0,
        began: Timestamp(now - ago),
    };
    pair.ledger(NORTH).history = vec![
        incarnation(60, HISTORY_MS),
        incarnation(61, HISTORY_MS - 86_400_000),
    ];
    pair.tick(NORTH);
    pair.settle();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    assert_eq!(pair.ledger(NORTH).history.len(), 3);
    pair.live(601_000);
    let incarnations: Vec<_> = pair
        .ledger(NORTH)
        .history
        .iter()
        .map(|e| e.incarnation.0)
        .collect();
    assert_eq!(incarnations, [61, 1]);
}

/// A server without a partner, on which a task has just removed something.
fn with_something_kept() -> Pair {
    let mut pair = Pair::strangers();
    agreed(&mut pair, KEPT_MS);
    let at = pair.now.wall;
    let north = pair.ledger(NORTH);
    plant(north, id(1), SOUTH, "8001");
    let object = north.objects[&id(1)].clone();
    north.kept.insert(id(1), object);
    north.state.kept = Some(Kept {
        task: TaskId(1),
        kind: TaskKind::Resync,
        at,
        objects: 1,
    });
    alone(&mut pair);
    pair
}

#[test]
fn what_is_kept_for_a_week_goes_after_the_week() {
    let mut pair = with_something_kept();
    pair.wait(KEPT_MS as u64);
    pair.wait(0);
    assert_eq!(pair.ledger(NORTH).kept.len(), 1);
    pair.wait(1);
    pair.wait(0);
    assert!(pair.ledger(NORTH).kept.is_empty());
    assert_eq!(pair.ledger(NORTH).state.kept, None);
}

/// Dated by a clock that was ahead, the week begins anew; and whoever shows it hears of that.
#[test]
fn a_week_that_a_wrong_clock_began_begins_anew() {
    let mut pair = with_something_kept();
    pair.ahead[NORTH] = -1_000;
    pair.sides[NORTH].said.clear();
    pair.tick(NORTH);
    let at = Timestamp(pair.now.wall.0 - 1_000);
    let shown = pair.sides[NORTH]
        .said
        .iter()
        .find_map(|output| match output {
            Output::Task(view) => view.kept,
            _ => None,
        });
    assert_eq!(shown.map(|kept| kept.at), Some(at));
    assert_eq!(pair.ledger(NORTH).state.kept.map(|kept| kept.at), Some(at));
}

/// Deleted objects leave a tombstone for the partner; where there is none, there is nobody to tell.
#[test]
fn without_a_partner_nothing_is_marked_said_or_heard() {
    let mut pair = Pair::strangers();
    alone(&mut pair);
    assert_eq!(pair.change(NORTH, user(1, NORTH)), None);
    assert_eq!(pair.change(NORTH, delete(1)), None);
    pair.tick(SOUTH);
    pair.sides[NORTH].said.clear();
    pair.carry(SOUTH);
    let north = &pair.sides[NORTH];
    assert!(north.out.is_empty() && north.said.is_empty());
    assert!(north.ledger.marks.is_empty() && north.ledger.tombstones.is_empty());
    assert_eq!(
        north.engine.view().status().state,
        gr_proto::PartnerState::NotConfigured
    );
    assert_eq!(north.engine.view().wake_at(), None);
}

#[test]
fn what_is_known_of_a_partner_stays_while_it_is_turned_off_and_goes_with_another() {
    let mut pair = Pair::running();
    pair.change(SOUTH, user(1, SOUTH));
    pair.settle();
    let known = pair.ledger(NORTH).state.known;
    assert!(known.is_some());
    let mut begin = |incarnation: u64, partner: Option<u64>| {
        let config = Config::new(server(NORTH), partner.map(domain::ServerId));
        pair.sides[NORTH].engine = Engine::new(config, Incarnation(incarnation), incarnation);
        pair.tick(NORTH);
        pair.ledger(NORTH).state.known
    };
    assert_eq!(begin(60, None), known);
    assert_eq!(begin(61, Some(server(SOUTH).0)), known);
    assert_eq!(begin(62, Some(999)), None);
}
