//! A comparison finds exactly the difference, whatever it is.

use super::stock::{MESSAGES, home, lose_user, message_ids, running, set, stock, user_id};
use super::support::{NORTH, SOUTH};
use super::traffic::run;
use domain::{Kind, Object, ObjectId, Timestamp, Value, message_fields, user_fields};
use ledger::memory::Memory;
use ledger::{DeletionRecord, Deletions, Ledger, TaskCounts, TaskKind};
use proptest::prelude::*;
use std::collections::BTreeMap;

const USERS: usize = 120;

/// What is wrong with a user.
#[derive(Clone, Copy, Debug)]
enum Difference {
    /// It is lost on a server, with its messages, without a trace. If it was local there, its original is gone.
    Lost(usize),
    /// It was deleted on a server, which remembers that.
    Deleted(usize),
    /// It was changed on a server.
    Newer(usize),
    /// It was changed on both, in different fields.
    Both,
    /// One of its messages is lost on a server.
    MessageLost(usize),
    /// One of its messages was heard on a server.
    MessageHeard(usize),
}

fn difference() -> impl Strategy<Value = Difference> {
    let side = || NORTH..=SOUTH;
    prop_oneof![
        side().prop_map(Difference::Lost),
        side().prop_map(Difference::Deleted),
        side().prop_map(Difference::Newer),
        Just(Difference::Both),
        side().prop_map(Difference::MessageLost),
        side().prop_map(Difference::MessageHeard),
    ]
}

fn plant(ledgers: &mut [Memory; 2], user: usize, difference: Difference) {
    let (id, text) = (user_id(user), Value::Text("Another".into()));
    let message = message_ids(user).next().unwrap();
    match difference {
        Difference::Lost(side) => lose_user(&mut ledgers[side], user),
        Difference::Deleted(side) => {
            lose_user(&mut ledgers[side], user);
            let (at, kind) = (Timestamp(1_695_000_000_000), Kind::USER);
            ledgers[side]
                .record_deletion(&id, &DeletionRecord { at, kind })
                .unwrap();
        }
        Difference::Newer(side) => set(&mut ledgers[side], &id, user_fields::NAME, 1, text),
        Difference::Both => {
            set(&mut ledgers[NORTH], &id, user_fields::NAME, 1, text);
            set(
                &mut ledgers[SOUTH],
                &id,
                user_fields::CLASS,
                2,
                Value::Int(3),
            );
        }
        Difference::MessageLost(side) => ledgers[side].remove(&message).unwrap(),
        Difference::MessageHeard(side) => {
            let heard = Value::Bool(false);
            set(
                &mut ledgers[side],
                &message,
                message_fields::UNREAD,
                1,
                heard,
            );
        }
    }
}

/// What a dry run counts for a difference.
fn count(counts: &mut TaskCounts, driver: usize, user: usize, difference: Difference) {
    let messages = MESSAGES as u64;
    match difference {
        Difference::Lost(side) if side == home(user) && side == driver => counts.deleted_there += 1,
        Difference::Lost(side) | Difference::Deleted(side)
            if side == home(user) && side != driver =>
        {
            counts.deleted_here += 1;
        }
        // Its messages come with it, and are not counted on a server where nobody is yet whom they could belong to.
        Difference::Lost(side) if side == driver => counts.created_here += 1,
        // Here it is known that it was deleted.
        Difference::Deleted(side) if side == driver => {}
        // Only there it is known: it tells so when it gets the user.
        Difference::Lost(_) | Difference::Deleted(_) => {
            counts.created_there += 1;
            counts.contents_there += messages;
        }
        Difference::Newer(_) | Difference::Both => counts.updated += 1,
        Difference::MessageLost(side) if side == driver => counts.contents_here += 1,
        Difference::MessageLost(_) => counts.contents_there += 1,
        Difference::MessageHeard(_) => counts.contents_updated += 1,
    }
}

/// What both hold when all is put right.
fn put_right(
    ledgers: &[Memory; 2],
    planted: &BTreeMap<usize, Difference>,
) -> BTreeMap<ObjectId, Object> {
    let mut all = ledgers[NORTH].objects.clone();
    for (id, theirs) in &ledgers[SOUTH].objects {
        match all.get_mut(id) {
            Some(mine) => drop(mine.join(theirs)),
            None => drop(all.insert(*id, theirs.clone())),
        }
    }
    for (user, difference) in planted {
        let gone = match difference {
            Difference::Lost(side) => *side == home(*user),
            Difference::Deleted(_) => true,
            _ => false,
        };
        for id in message_ids(*user).chain([user_id(*user)]).filter(|_| gone) {
            all.remove(&id);
        }
    }
    all
}

/// The same without what is counted by the way.
fn found(counts: TaskCounts) -> TaskCounts {
    TaskCounts {
        done: 0,
        total: 0,
        ..counts
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_resync_finds_exactly_the_difference_and_puts_it_right(
        planted in prop::collection::btree_map(0..USERS, difference(), 0..40),
        driver in NORTH..=SOUTH,
    ) {
        let mut ledgers = [stock(USERS, true), stock(USERS, true)];
        let mut expected = TaskCounts::default();
        for (user, difference) in &planted {
            plant(&mut ledgers, *user, *difference);
            count(&mut expected, driver, *user, *difference);
        }
        let right = put_right(&ledgers, &planted);
        let before = ledgers.each_ref().map(|ledger| ledger.objects.clone());
        let mut pair = running(ledgers);

        let (report, _) = run(&mut pair, driver, TaskKind::Resync, None, true);
        prop_assert_eq!(found(report.counts), expected);
        let after = [NORTH, SOUTH].map(|side| pair.ledger(side).objects.clone());
        prop_assert!(after == before, "a dry run changes nothing");

        let (here, there) = (expected.deleted_here, expected.deleted_there);
        let agreed = Some(Deletions { here, there });
        let (report, _) = run(&mut pair, driver, TaskKind::Resync, agreed, false);
        let users = |c: &TaskCounts| {
            [c.created_here, c.created_there, c.updated, c.deleted_here, c.deleted_there]
        };
        prop_assert_eq!(users(&report.counts), users(&expected));
        pair.assert_equal();
        prop_assert!(pair.sides[NORTH].ledger.objects == right, "all is put right");
        let kept = [driver, 1 - driver].map(|side| pair.ledger(side).kept.len() as u64);
        let each = 1 + MESSAGES as u64;
        prop_assert_eq!(kept, [here * each, there * each], "what was removed is kept");
    }
}
