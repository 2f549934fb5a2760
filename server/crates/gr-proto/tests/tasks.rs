//! Stories of tasks: the numbers of the guide, who may stop what, and what can be brought back.

mod support;

use domain::{
    Change, Conditions, Deletions, Hlc, Key, Kind, Ledger, Life, Object, ObjectId, Outcome, Phase,
    Reason, Shortcut, TaskId, TaskKind, Timestamp, User, Value, Version, user_fields,
};
use gr_proto::memory::Memory;
use gr_proto::{Declined, Input, Order, Output, Payload, Question};
use support::{NORTH, Pair, SOUTH, id, server, set, user};

/// An administrator who has seen the numbers.
const AGREED: Option<Deletions> = Some(Deletions {
    here: 1_000,
    there: 1_000,
});

/// A user that was written long ago, and is not marked.
fn plant(ledger: &mut Memory, id: ObjectId, home: usize, number: &str) {
    let version = Version {
        hlc: Hlc::at(Timestamp(1_600_000_000_000)),
        life: Life(99),
    };
    let mut user = Object::new(Kind::USER, None, None);
    user.set(Key::field(user_fields::HOME), version, server(home).into());
    user.set(
        Key::field(user_fields::NUMBERS),
        version,
        User::numbers(number, &[]),
    );
    ledger.put(&id, &user).unwrap();
}

/// A message that was written long ago, and is not marked.
fn plant_message(ledger: &mut Memory, id: ObjectId, owner: ObjectId) {
    let body = ledger.append_body(id.as_bytes());
    let mut message = Object::new(Kind::MESSAGE, Some(owner), Some(body));
    let version = Version {
        hlc: Hlc::at(Timestamp(1_600_000_000_000)),
        life: Life(99),
    };
    message.set(Key::field(1), version, Value::Bool(true));
    ledger.put(&id, &message).unwrap();
}

fn nth(home: usize, n: u16) -> ObjectId {
    let mut bytes = [home as u8 + 1; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// The pair of the guide: 100 local and 200 GR users in the north, 50 and 75 in the south. Of the 200 only 30 have an original, and 40 of
/// the 75; the rest of the originals have no copy.
fn the_guide() -> Pair {
    let mut pair = Pair::running();
    for n in 0..200 {
        let number = |home: usize| format!("{}{n:03}", 7 + home);
        if n < 100 {
            plant(pair.ledger(NORTH), nth(NORTH, n), NORTH, &number(NORTH));
        }
        if (60..135).contains(&n) {
            plant(pair.ledger(SOUTH), nth(NORTH, n), NORTH, &number(NORTH));
        }
        if n < 50 {
            plant(pair.ledger(SOUTH), nth(SOUTH, n), SOUTH, &number(SOUTH));
        }
        let gr = n + 20;
        plant(
            pair.ledger(NORTH),
            nth(SOUTH, gr),
            SOUTH,
            &format!("8{gr:03}"),
        );
    }
    assert_eq!(counts(&pair), [(100, 200), (50, 75)]);
    pair
}

/// Local and GR users of both.
fn counts(pair: &Pair) -> [(usize, usize); 2] {
    [NORTH, SOUTH].map(|side| {
        let users = pair.sides[side].ledger.objects.values();
        let homes = users.filter_map(|object| User::of(object)?.home());
        let (local, others): (Vec<_>, Vec<_>) = homes.partition(|home| *home == server(side));
        (local.len(), others.len())
    })
}

fn order(pair: &mut Pair, side: usize, order: Order) -> Result<(), Declined> {
    let now = pair.now;
    let at = &mut pair.sides[side];
    let done = at.engine.order(now, &mut at.ledger, order).unwrap();
    pair.tick(side);
    done
}

fn start(
    pair: &mut Pair,
    side: usize,
    kind: TaskKind,
    dry: bool,
    agreed: Option<Deletions>,
) -> TaskId {
    let id = TaskId(500 + pair.now.mono.0);
    let begun = order(
        pair,
        side,
        Order::Start {
            id,
            kind,
            dry,
            agreed,
            mailboxes: vec![],
        },
    );
    assert_eq!(begun, Ok(()));
    id
}

/// Starts a task and lets it come to its end.
fn run(
    pair: &mut Pair,
    side: usize,
    kind: TaskKind,
    dry: bool,
    agreed: Option<Deletions>,
) -> Outcome {
    let id = start(pair, side, kind, dry, agreed);
    for _ in 0..200 {
        pair.live(500);
        let tasks = pair.sides[side].engine.tasks();
        if tasks.open.is_none() && tasks.errand.is_none() {
            let last = tasks.last.expect("it has ended");
            assert_eq!(last.id, id);
            return last.outcome;
        }
    }
    panic!("it does not end: {:?}", pair.sides[side].engine.tasks());
}

#[test]
fn a_resync_leaves_the_numbers_of_the_guide() {
    for side in [NORTH, SOUTH] {
        let mut pair = the_guide();
        assert_eq!(
            run(&mut pair, side, TaskKind::Resync, false, AGREED),
            Outcome::Done
        );
        assert_eq!(counts(&pair), [(100, 50), (50, 100)]);
        pair.assert_equal();
    }
}

#[test]
fn a_rebuild_leaves_the_numbers_of_the_guide() {
    let mut pair = the_guide();
    let south = pair.ledger(SOUTH).objects.clone();
    assert_eq!(
        run(&mut pair, NORTH, TaskKind::Rebuild, false, None),
        Outcome::Done
    );
    assert_eq!(counts(&pair), [(75, 50), (50, 75)]);
    assert_eq!(
        pair.ledger(SOUTH).objects,
        south,
        "the partner is as it was"
    );
    pair.live(1_000);
    pair.assert_equal();

    let mut pair = the_guide();
    assert_eq!(
        run(&mut pair, SOUTH, TaskKind::Rebuild, false, None),
        Outcome::Done
    );
    assert_eq!(counts(&pair), [(100, 200), (200, 100)]);
}

#[test]
fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let mut pair = the_guide();
    let before = [NORTH, SOUTH].map(|side| pair.sides[side].ledger.objects.clone());
    run(&mut pair, NORTH, TaskKind::Resync, true, None);
    let said = pair.sides[NORTH].engine.tasks().last.unwrap().counts;
    assert_eq!((said.created_here, said.created_there), (20, 60));
    assert_eq!((said.deleted_here, said.deleted_there), (170, 35));
    assert_eq!(
        before,
        [NORTH, SOUTH].map(|side| pair.sides[side].ledger.objects.clone())
    );
    assert!(pair.ledger(NORTH).marks.is_empty() && pair.ledger(SOUTH).marks.is_empty());

    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    let done = pair.sides[NORTH].engine.tasks().last.unwrap().counts;
    assert_eq!((done.created_here, done.created_there), (20, 60));
    assert_eq!((done.deleted_here, done.deleted_there), (170, 35));

    let mut pair = the_guide();
    run(&mut pair, NORTH, TaskKind::Rebuild, true, None);
    let said = pair.sides[NORTH].engine.tasks().last.unwrap().counts;
    assert_eq!((said.created_here, said.deleted_here), (125, 300));
    assert_eq!(counts(&pair), [(100, 200), (50, 75)]);
}

#[test]
fn more_deletions_than_the_fuse_allows_wait_for_an_administrator() {
    let mut pair = the_guide();
    let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
    pair.live(2_000);
    let open = pair.sides[NORTH].engine.tasks().open.unwrap();
    assert_eq!(open.phase, Phase::Waiting);
    assert_eq!(
        counts(&pair),
        [(100, 220), (50, 135)],
        "nothing is deleted yet"
    );
    assert_eq!(order(&mut pair, NORTH, Order::Agree(task)), Ok(()));
    pair.live(2_000);
    assert_eq!(counts(&pair), [(100, 50), (50, 100)]);
}

#[test]
fn an_emptied_partner_wipes_nothing() {
    for (side, kind) in [
        (NORTH, TaskKind::Audit),
        (SOUTH, TaskKind::Audit),
        (NORTH, TaskKind::Resync),
        (SOUTH, TaskKind::Resync),
    ] {
        let mut pair = the_guide();
        let all: Vec<_> = pair.ledger(SOUTH).objects.keys().copied().collect();
        for id in all {
            pair.ledger(SOUTH).remove(&id).unwrap();
        }
        start(&mut pair, side, kind, false, None);
        pair.live(5_000);
        let open = pair.sides[side].engine.tasks().open.unwrap();
        assert_eq!(open.phase, Phase::Waiting, "{side} {kind:?}");
        assert_eq!(
            counts(&pair),
            [(100, 200), (0, 100)],
            "the survivor has all it had"
        );
        let abort = order(&mut pair, side, Order::Abort(open.id));
        assert_eq!(abort, Ok(()));
    }
}

#[test]
fn an_audit_creates_and_deletes_but_does_not_look_at_values() {
    let mut pair = Pair::running();
    for n in 0..30 {
        plant(pair.ledger(NORTH), nth(NORTH, n), NORTH, "7000");
        if n > 2 {
            plant(pair.ledger(SOUTH), nth(NORTH, n), NORTH, "7000");
        }
    }
    plant(pair.ledger(SOUTH), nth(NORTH, 40), NORTH, "7040");
    let newer = Version {
        hlc: Hlc::at(Timestamp(1_650_000_000_000)),
        life: Life(98),
    };
    let mut other = pair.ledger(SOUTH).objects[&nth(NORTH, 5)].clone();
    other.set(
        Key::field(user_fields::NAME),
        newer,
        Value::Text("newer".into()),
    );
    pair.ledger(SOUTH).put(&nth(NORTH, 5), &other).unwrap();
    assert_eq!(
        run(&mut pair, SOUTH, TaskKind::Audit, false, None),
        Outcome::Done
    );
    assert_eq!(counts(&pair), [(30, 0), (0, 30)]);
    let differs = pair.ledger(NORTH).objects[&nth(NORTH, 5)] != other;
    assert!(differs, "values are left to a resync");
    assert_eq!(
        pair.sides[SOUTH]
            .engine
            .tasks()
            .last
            .unwrap()
            .counts
            .updated,
        1
    );
    run(&mut pair, SOUTH, TaskKind::Resync, false, None);
    pair.assert_equal();
    assert_eq!(
        pair.ledger(NORTH).objects[&nth(NORTH, 5)],
        other,
        "the newer value wins"
    );
}

#[test]
fn whoever_stops_a_resync_finds_every_user_there() {
    for (stopper, outcome) in [(NORTH, Outcome::Aborted), (SOUTH, Outcome::AbortedThere)] {
        // At every moment of the task.
        for messages in 0..20 {
            let mut pair = the_guide();
            let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
            for turn in 0..messages {
                pair.carry([NORTH, SOUTH][turn % 2]);
            }
            let stopped = order(&mut pair, stopper, Order::Abort(task));
            if stopped.is_err() {
                assert_eq!(
                    (stopper, messages),
                    (SOUTH, 0),
                    "the partner has not heard of it yet"
                );
                continue;
            }
            pair.live(2_000);
            let last = pair.sides[NORTH].engine.tasks().last.unwrap();
            assert_eq!(last.outcome, outcome);
            assert_eq!(pair.sides[SOUTH].engine.tasks().serving, None);
            let [(north, north_gr), (south, south_gr)] = counts(&pair);
            assert_eq!(
                (north, south),
                (100, 50),
                "no local user is created or deleted"
            );
            assert!(north_gr >= 200 && south_gr >= 75, "nothing is deleted");
        }
    }
}

#[test]
fn whoever_stops_a_rebuild_finds_the_original_exactly() {
    for stopper in [NORTH, SOUTH] {
        let mut stopped = 0;
        for messages in 0..12 {
            let mut pair = the_guide();
            for n in 0..300 {
                plant_message(pair.ledger(SOUTH), nth(5, n), nth(NORTH, 70));
            }
            let before = pair.ledger(NORTH).objects.clone();
            let task = start(&mut pair, NORTH, TaskKind::Rebuild, false, None);
            for turn in 0..messages {
                pair.carry([NORTH, SOUTH][turn % 2]);
            }
            if order(&mut pair, stopper, Order::Abort(task)).is_err() {
                continue; // not heard of yet, or over
            }
            pair.live(3_000);
            let last = pair.sides[NORTH].engine.tasks().last.unwrap();
            if last.outcome == Outcome::Done {
                continue; // it was over before the partner could hear of it
            }
            stopped += 1;
            let ledger = pair.ledger(NORTH);
            assert!(ledger.objects == before, "not the original");
            assert!(ledger.staged.is_empty() && ledger.kept.is_empty() && !ledger.state.staging);
        }
        assert!(stopped >= 4, "only {stopped} were stopped");
    }
}

#[test]
fn a_task_begins_afresh_after_one_that_was_stopped() {
    let mut pair = the_guide();
    let first = start(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    // Until the partner is asked to delete; the question stays without an answer.
    let asks_to_delete = |pair: &Pair| {
        let phase = pair.sides[NORTH].engine.tasks().open.map(|task| task.phase);
        phase == Some(Phase::Deleting)
    };
    while !asks_to_delete(&pair) {
        pair.carry(NORTH);
        pair.carry(SOUTH);
    }
    pair.take(NORTH);
    assert_eq!(order(&mut pair, NORTH, Order::Abort(first)), Ok(()));
    pair.now.mono = pair.now.mono.plus(1);
    start(&mut pair, NORTH, TaskKind::Audit, true, None);
    let said = pair.take(NORTH);
    let first_question = said.iter().find_map(|message| match &message.payload {
        Payload::Ask(ask) if !matches!(ask.question, Question::End(_)) => Some(&ask.question),
        _ => None,
    });
    assert_eq!(first_question, Some(&Question::Root(false)));
}

#[test]
fn what_is_written_during_a_rebuild_survives_it() {
    let mut pair = the_guide();
    start(&mut pair, NORTH, TaskKind::Rebuild, false, None);
    // The partner knows this user; this server's users go on while the pages come.
    pair.change(
        NORTH,
        Change::Set {
            id: nth(NORTH, 70),
            registers: vec![(Key::field(user_fields::NAME), Value::Text("Mira".into()))],
        },
    );
    pair.live(500);
    pair.change(NORTH, user(200, NORTH));
    pair.live(5_000);
    assert!(pair.ledger(NORTH).objects.contains_key(&id(200)));
    for side in [NORTH, SOUTH] {
        let user = &pair.ledger(side).objects[&nth(NORTH, 70)];
        assert_eq!(User::of(user).unwrap().name(), "Mira");
    }
    pair.assert_equal();
}

#[test]
fn messages_that_only_the_replaced_server_had_are_salvaged() {
    let mut pair = the_guide();
    plant_message(pair.ledger(NORTH), id(220), nth(NORTH, 80));
    plant_message(pair.ledger(NORTH), id(221), nth(NORTH, 10));
    run(&mut pair, NORTH, TaskKind::Rebuild, false, None);
    pair.live(2_000);
    for side in [NORTH, SOUTH] {
        let objects = &pair.ledger(side).objects;
        assert!(
            objects.contains_key(&id(220)),
            "its user is on the partner, too"
        );
        assert!(!objects.contains_key(&id(221)), "its user is gone");
    }
}

#[test]
fn a_rebuild_can_be_undone() {
    let mut pair = the_guide();
    run(&mut pair, NORTH, TaskKind::Rebuild, false, None);
    assert!(pair.sides[NORTH].engine.tasks().kept.is_some());
    assert_eq!(order(&mut pair, NORTH, Order::Undo), Ok(()));
    pair.live(3_000);
    let back = &pair.ledger(NORTH).objects.clone();
    assert!(
        (0..100).all(|n| back.contains_key(&nth(NORTH, n))),
        "all local users are back"
    );
    assert!(
        (20..220).all(|n| back.contains_key(&nth(SOUTH, n))),
        "and all GR users"
    );
    let south = &pair.ledger(SOUTH).objects;
    assert!(
        (0..100).all(|n| south.contains_key(&nth(NORTH, n))),
        "the local ones have copies"
    );
    assert_eq!(pair.sides[NORTH].engine.tasks().kept, None);
    assert_eq!(
        order(&mut pair, NORTH, Order::Undo),
        Err(Declined::NothingKept)
    );
}

#[test]
fn gr_users_that_a_resync_deleted_can_be_brought_back_on_both_sides() {
    let mut pair = the_guide();
    plant_message(pair.ledger(NORTH), id(230), nth(SOUTH, 60));
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    assert!(!pair.ledger(NORTH).objects.contains_key(&id(230)));
    for side in [NORTH, SOUTH] {
        assert_eq!(order(&mut pair, side, Order::Undo), Ok(()));
    }
    pair.live(2_000);
    assert_eq!(counts(&pair), [(100, 220), (50, 135)]);
    let message = &pair.ledger(NORTH).objects[&id(230)];
    let body = message.body.unwrap();
    assert!(pair.ledger(NORTH).bodies.contains(&body));
}

#[test]
fn what_was_kept_goes_after_a_week() {
    let mut pair = the_guide();
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    assert!(!pair.ledger(NORTH).kept.is_empty());
    pair.now.wall.0 += 7 * 86_400_000 + 60_000;
    pair.live(3_000);
    assert!(pair.ledger(NORTH).kept.is_empty());
    assert_eq!(pair.sides[NORTH].engine.tasks().kept, None);
}

#[test]
fn of_two_tasks_that_begin_at_once_one_gives_way() {
    let mut pair = the_guide();
    for (side, task) in [(NORTH, 5), (SOUTH, 9)] {
        let begun = order(
            &mut pair,
            side,
            Order::Start {
                id: TaskId(task),
                kind: TaskKind::Resync,
                dry: false,
                agreed: AGREED,
                mailboxes: vec![],
            },
        );
        assert_eq!(begun, Ok(()));
    }
    pair.live(5_000);
    let outcomes = [NORTH, SOUTH].map(|side| pair.sides[side].engine.tasks().last.unwrap().outcome);
    assert_eq!(outcomes, [Outcome::GaveWay, Outcome::Done]);
    assert_eq!(counts(&pair), [(100, 50), (50, 100)]);
}

#[test]
fn a_task_goes_on_after_a_crash_of_either_server() {
    for victim in [NORTH, SOUTH] {
        for kind in [TaskKind::Resync, TaskKind::Rebuild] {
            let mut pair = the_guide();
            start(&mut pair, NORTH, kind, false, AGREED);
            for _ in 0..3 {
                pair.carry(NORTH);
                pair.carry(SOUTH);
            }
            pair.restart(victim);
            pair.live(120_000);
            let last = pair.sides[NORTH].engine.tasks().last.unwrap();
            assert_eq!((last.kind, last.outcome), (kind, Outcome::Done));
            let expected = match kind {
                TaskKind::Resync => [(100, 50), (50, 100)],
                _ => [(75, 50), (50, 75)],
            };
            assert_eq!(counts(&pair), expected);
        }
    }
}

#[test]
fn a_mailbox_is_made_whole_without_bringing_back_what_was_deleted() {
    let mut pair = Pair::running();
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), NORTH, "7001");
        for n in [10, 11, 12] {
            plant_message(pair.ledger(side), id(n), id(1));
        }
    }
    pair.change(NORTH, support::delete(11));
    pair.settle();
    // Lost here and there, and one that should be gone is there again.
    pair.ledger(NORTH).remove(&id(10)).unwrap();
    pair.ledger(SOUTH).remove(&id(12)).unwrap();
    plant_message(pair.ledger(SOUTH), id(11), id(1));
    pair.transact(NORTH, &[], vec![Input::LoggedIn(id(1))]);
    pair.live(1_000);
    pair.assert_equal();
    let here: Vec<_> = pair.ledger(NORTH).objects.keys().copied().collect();
    assert_eq!(here, [id(1), id(10), id(12)]);
    assert!(pair.ledger(NORTH).bodies.len() >= 2);
}

#[test]
fn a_log_in_costs_one_question_when_nothing_is_missing() {
    let mut pair = Pair::running();
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), NORTH, "7001");
        plant_message(pair.ledger(side), id(10), id(1));
    }
    pair.transact(NORTH, &[], vec![Input::LoggedIn(id(1))]);
    let asked = pair.take(NORTH);
    assert_eq!(asked.len(), 1);
    assert!(matches!(asked[0].payload, Payload::Ask(_)));
    let bytes: usize = asked.iter().map(|m| gr_proto::wire::encode(m).len()).sum();
    pair.give(SOUTH, asked[0].clone());
    let answered = pair.take(SOUTH);
    let back: usize = answered
        .iter()
        .map(|m| gr_proto::wire::encode(m).len())
        .sum();
    assert!(bytes + back < 600, "{bytes} and {back} bytes");
    pair.give(NORTH, answered[0].clone());
    assert_eq!(pair.settle(), 0);
    // Again within half a minute: nothing is asked.
    pair.transact(NORTH, &[], vec![Input::LoggedIn(id(1))]);
    assert!(pair.take(NORTH).is_empty());
}

#[test]
fn held_users_say_why_stop_nobody_and_are_filled_in_when_the_cause_goes() {
    let mut pair = Pair::running();
    let create = |n: u8, number: &str| {
        let mut create = user(n, NORTH);
        if let Change::Create { registers, .. } = &mut create {
            let key = Key::field(user_fields::NUMBERS);
            registers.push((key, User::numbers(number, &[])));
        }
        create
    };
    let south = Conditions {
        remote_users: ["7201".to_owned()].into(),
        ..Conditions::default()
    };
    let north = Conditions {
        shortcuts: vec![Shortcut {
            prefix: "1272".into(),
            overlap: 2,
        }],
        ..Conditions::default()
    };
    pair.transact(SOUTH, &[], vec![Input::Conditions(Box::new(south))]);
    pair.transact(NORTH, &[], vec![Input::Conditions(Box::new(north))]);
    for (n, number) in [(1, "7200"), (2, "7300"), (3, "7201")] {
        pair.change(NORTH, create(n, number));
    }
    pair.change(NORTH, support::message(9, 2, None));
    pair.settle();
    let reasons = |pair: &mut Pair| {
        let held = pair.ledger(NORTH).held.iter();
        held.map(|(id, held)| (*id, held.reason))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        reasons(&mut pair),
        [
            (id(2), Reason::NO_OVERLAP),
            (id(3), Reason::TEMPORARY_REMOTE_USER),
            (id(9), Reason::WITH_USER)
        ]
    );
    assert!(
        pair.ledger(NORTH).marks.is_empty(),
        "what is held is no backlog"
    );
    let refused = pair.sides[SOUTH].engine.tasks().refused;
    assert_eq!(refused[&id(3)].number, "7201");
    pair.transact(SOUTH, &[], vec![Input::Conditions(Box::default())]);
    pair.transact(NORTH, &[], vec![Input::Conditions(Box::default())]);
    pair.live(20_000);
    assert_eq!(reasons(&mut pair), []);
    pair.assert_equal();
    assert!(pair.sides[SOUTH].engine.tasks().refused.is_empty());
}

#[test]
fn what_a_page_told_of_is_deleted_with_a_tombstone() {
    let mut pair = Pair::running();
    pair.change(SOUTH, user(1, SOUTH));
    pair.settle();
    // A message that no data message has carried yet, because the window is full of others.
    let mark = pair.change(SOUTH, support::message(5, 1, None));
    assert!(mark.is_some());
    pair.take(SOUTH);
    let marks = &mut pair.ledger(SOUTH).marks;
    marks.get_mut(&id(5)).unwrap().unsent = true;
    start(&mut pair, NORTH, TaskKind::Rebuild, false, None);
    let census = pair.take(NORTH);
    census
        .into_iter()
        .for_each(|message| pair.give(SOUTH, message));
    assert!(pair.ledger(SOUTH).marks[&id(5)].unsent);
    let page = Question::Page(None);
    let ask = gr_proto::Ask {
        task: TaskId(1),
        kind: TaskKind::Rebuild,
        dry: false,
        agreed: false,
        counts: Default::default(),
        question: page,
    };
    let mut message = pair.take(SOUTH).remove(0);
    let header = &mut message.header;
    (header.from, header.to) = (header.to, header.from);
    (header.no, header.id, header.settled, header.seen) = (90, 1, 0, Default::default());
    message.payload = Payload::Ask(Box::new(ask));
    pair.give(SOUTH, message);
    assert!(
        !pair.ledger(SOUTH).marks[&id(5)].unsent,
        "the page told of it"
    );
}

#[test]
fn a_server_that_was_wound_back_in_flight_is_found_out() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let (engine, ledger) = (pair.sides[NORTH].engine.clone(), pair.ledger(NORTH).clone());
    pair.change(NORTH, user(2, NORTH));
    pair.settle();
    // The machine resumes from a snapshot, and works alone until its ticks are past those that the partner knows.
    pair.sides[NORTH].engine = engine;
    pair.sides[NORTH].engine.stir(77);
    *pair.ledger(NORTH) = ledger;
    for value in 0..20 {
        pair.change(NORTH, set(1, 9, value));
    }
    pair.live(60_000);
    // Whoever notices first says so.
    let noticed = |output: &Output| {
        use gr_proto::Event::{PartnerWentBack, WentBack};
        matches!(output, Output::Event(WentBack | PartnerWentBack))
    };
    let mut said = pair.sides.iter().flat_map(|side| &side.said);
    assert!(said.any(noticed));
    assert!(
        pair.ledger(NORTH).objects.contains_key(&id(2)),
        "what it lost is back"
    );
    pair.assert_equal();
}

#[test]
fn a_server_that_was_wound_back_and_restarted_is_found_out() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let (engine, ledger) = (pair.sides[NORTH].engine.clone(), pair.ledger(NORTH).clone());
    pair.change(NORTH, user(2, NORTH));
    pair.settle();
    // As above; and before anybody is heard, the machine and its partner start anew. Only the ledger remembers what was said.
    *pair.ledger(NORTH) = ledger;
    pair.sides[NORTH].engine = engine;
    pair.sides[NORTH].engine.stir(77);
    for value in 0..20 {
        pair.change(NORTH, set(1, 9, value));
    }
    pair.restart(NORTH);
    pair.restart(SOUTH);
    pair.live(60_000);
    assert!(
        pair.ledger(NORTH).objects.contains_key(&id(2)),
        "what it lost is back"
    );
    pair.assert_equal();
}
