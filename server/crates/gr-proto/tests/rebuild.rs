//! Stories of rebuilds: what is fetched, what is kept, what survives.

mod support;

use domain::{Change, Key, Kind, ObjectId, User, Value, user_fields};
use gr_proto::{Command, Payload, Rejected, RequestBody};
use ledger::{Outcome, Phase, TaskId, TaskKind};
use support::guide::*;
use support::*;

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
            if order(&mut pair, stopper, Command::Abort(task)).is_err() {
                continue; // not heard of yet, or over
            }
            pair.live(3_000);
            let last = pair.sides[NORTH].engine.view().tasks().last.unwrap();
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
fn a_rebuild_waits_while_more_is_marked_than_can_be_staged_at_once() {
    let mut pair = the_guide();
    start(&mut pair, NORTH, TaskKind::Rebuild, false, None);
    let census = pair.take(NORTH);
    let many: Vec<_> = (0..20_001_u32)
        .map(|n| {
            let mut id = [9; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            Change::Create {
                id: ObjectId::from_bytes(id),
                kind: Kind::MESSAGE,
                owner: Some(nth(NORTH, 70)),
                body: None,
                registers: vec![],
            }
        })
        .collect();
    pair.transact(NORTH, &many, vec![]);
    pair.take(NORTH);
    for message in census {
        pair.give(SOUTH, message);
    }
    pair.carry(SOUTH);
    let open = pair.sides[NORTH].engine.view().tasks().open.unwrap();
    assert_eq!(
        (open.phase, open.counts.created_here),
        (Phase::Clearing, 125)
    );
    assert!(!pair.ledger(NORTH).state.staging);
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
    assert!(pair.sides[NORTH].engine.view().tasks().kept.is_some());
    assert_eq!(order(&mut pair, NORTH, Command::Undo), Ok(()));
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
    assert_eq!(pair.sides[NORTH].engine.view().tasks().kept, None);
    assert_eq!(
        order(&mut pair, NORTH, Command::Undo),
        Err(Rejected::NothingKept)
    );
}

#[test]
fn what_a_page_told_of_is_deleted_with_a_tombstone() {
    let mut pair = Pair::running();
    pair.change(SOUTH, user(1, SOUTH));
    pair.settle();
    // A message that no data message has carried yet, because the window is full of others.
    let mark = pair.change(SOUTH, message(5, 1, None));
    assert!(mark.is_some());
    pair.take(SOUTH);
    let marks = &mut pair.ledger(SOUTH).marks;
    marks.get_mut(&id(5)).unwrap().unsent = true;
    start(&mut pair, NORTH, TaskKind::Rebuild, false, None);
    let census = pair.take(NORTH);
    let mut message = census.last().unwrap().clone();
    census
        .into_iter()
        .for_each(|message| pair.give(SOUTH, message));
    assert!(pair.ledger(SOUTH).marks[&id(5)].unsent);
    let page = RequestBody::Page(None);
    let ask = gr_proto::Request {
        task: TaskId(1),
        kind: TaskKind::Rebuild,
        dry: false,
        agreed: false,
        counts: Default::default(),
        have: None,
        question: page,
    };
    (message.header.no, message.header.id) = (90, 1);
    message.payload = Payload::Request(Box::new(ask));
    pair.give(SOUTH, message);
    assert!(
        !pair.ledger(SOUTH).marks[&id(5)].unsent,
        "the page told of it"
    );
}
