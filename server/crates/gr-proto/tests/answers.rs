//! What a server answers to the one that drives a task (R11 to R15): it reads its ledger, and remembers nothing.

mod support;

use domain::{Kind, Object, ObjectId, User};
use gr_proto::{Limits, ListScope, Listed, Owed, Request, RequestBody, ResponseBody};
use ledger::memory::Memory;
use ledger::{Held, Lane, Leaf, Ledger, Mark, Reason, TaskKind};
use support::guide::{nth, plant, plant_message};
use support::say::{ask, question};
use support::*;

fn mark(n: u64) -> Mark {
    Mark {
        lane: Lane::Messages,
        n,
        since: domain::Timestamp(1_600_000_000_000),
        body: false,
        unsent: false,
        recovery: false,
    }
}

fn held(reason: Reason) -> Held {
    Held {
        reason,
        at: domain::Timestamp(1_600_000_000_000),
        mark: mark(1),
    }
}

/// A south with a user of the north that has four messages: one marked, one held.
fn with_a_mailbox(limits: Limits) -> Pair {
    let mut pair = Pair::running_with(limits);
    let ledger = pair.ledger(SOUTH);
    plant(ledger, id(1), NORTH, "7001");
    for n in [10, 11, 12, 13] {
        plant_message(ledger, id(n), id(1));
    }
    ledger.set_mark(&id(11), &mark(1)).unwrap();
    ledger.set_held(&id(12), &held(Reason::FAULT)).unwrap();
    pair
}

fn leaf(ledger: &Memory, n: u8) -> u16 {
    Leaf::of(&id(n), &ledger.objects[&id(n)]).no
}

fn lists(pair: &mut Pair, scopes: Vec<(ListScope, Option<ObjectId>)>) -> Vec<Listed> {
    match ask(pair, NORTH, question(RequestBody::Lists(scopes))) {
        ResponseBody::Lists(lists) => lists,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_tells_what_is_on_its_way_what_is_held_and_whose_it_is() {
    let mut pair = with_a_mailbox(Limits::default());
    // Its marks may not leave while we ask.
    let no = leaf(pair.ledger(SOUTH), 10);
    let scopes = vec![
        (ListScope::Contents(no), None),
        (ListScope::Mailbox(id(1)), Some(id(10))),
        (ListScope::Users(no), None),
    ];
    pair.ledger(SOUTH)
        .set_held(&id(11), &held(Reason::FAULT))
        .unwrap();
    let said = lists(&mut pair, scopes);
    let of = |list: &Listed| {
        list.objects
            .iter()
            .map(|there| (there.id, there.owed))
            .collect::<Vec<_>>()
    };
    let [contents, mailbox, users] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(contents.objects.len(), 4);
    assert!(of(contents).contains(&(id(12), Owed::Held)));
    assert!(of(contents).contains(&(id(13), Owed::Nothing)));
    assert!(
        contents
            .objects
            .iter()
            .all(|there| there.owner == Some(id(1)))
    );
    assert_eq!(mailbox.objects.len(), 3, "after the first");
    assert!(
        mailbox.objects.iter().all(|there| there.owner.is_none()),
        "the scope says whose"
    );
    assert_eq!(users.objects[0].home, Some(server(NORTH)));
    assert!(
        said.iter().all(|list| list.to.is_none()),
        "nothing is left out"
    );
    let digest = pair.ledger(SOUTH).objects[&id(10)].digest(&id(10)).short();
    assert_eq!(contents.objects[0].digest, digest);
}

#[test]
fn an_object_on_its_way_is_listed_as_such() {
    let mut pair = Pair::running();
    plant(pair.ledger(SOUTH), id(1), NORTH, "7001");
    plant_message(pair.ledger(SOUTH), id(10), id(1));
    pair.settle();
    // A full window keeps it from leaving: nothing is carried while the question comes.
    let heartbeat = loop {
        pair.wait(1_000);
        let said = pair.take(NORTH);
        pair.take(SOUTH);
        if let Some(heartbeat) = said.into_iter().next_back() {
            break heartbeat;
        }
    };
    pair.change(SOUTH, set(10, 1, 0));
    pair.take(SOUTH);
    let asked = question(RequestBody::Lists(vec![(ListScope::Mailbox(id(1)), None)]));
    let payload = gr_proto::Payload::Request(Box::new(asked));
    pair.give(
        SOUTH,
        gr_proto::Message {
            payload,
            ..heartbeat
        },
    );
    let said = pair.take(SOUTH);
    let owed = said.iter().find_map(|message| match &message.payload {
        gr_proto::Payload::Response(answer) => match &answer.reply {
            ResponseBody::Lists(lists) => Some(lists[0].objects[0].owed),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(owed, Some(Owed::Marked));
}

#[test]
fn what_does_not_fit_into_a_list_is_said_to_be_missing() {
    let list_objects = 4;
    let mut pair = with_a_mailbox(Limits {
        list_objects,
        ..Limits::default()
    });
    let mailbox = ListScope::Mailbox(id(1));
    let said = lists(
        &mut pair,
        vec![(mailbox, None), (ListScope::Users(0), None)],
    );
    assert_eq!(said.len(), 1, "what does not fit at all is not listed");
    assert_eq!(said[0].to, Some(id(13)), "there may be more");
    let said = lists(&mut pair, vec![(mailbox, Some(id(10))), (mailbox, None)]);
    assert_eq!(said[0].to, None, "these were the last");
    assert_eq!((said[0].objects.len(), said[1].objects.len()), (3, 1));
    assert_eq!(said[1].to, Some(id(10)));
}

#[test]
fn a_mailbox_that_is_the_same_is_said_to_be() {
    let mut pair = with_a_mailbox(Limits::default());
    let objects = &pair.ledger(SOUTH).objects;
    let sum = [10, 11, 12, 13].map(|n| objects[&id(n)].digest(&id(n)));
    let sum = sum
        .into_iter()
        .fold(domain::Digest::default(), domain::Digest::plus);
    let same = question(RequestBody::Mailbox(id(1), sum.short()));
    assert_eq!(ask(&mut pair, NORTH, same), ResponseBody::Same);
    let other = question(RequestBody::Mailbox(id(1), sum.short() + 1));
    assert!(matches!(
        ask(&mut pair, NORTH, other),
        ResponseBody::Lists(_)
    ));
}

#[test]
fn what_the_asker_lacks_is_marked_unless_it_is_on_its_way() {
    let mut pair = Pair::running();
    plant(pair.ledger(SOUTH), id(2), SOUTH, "8001");
    plant(pair.ledger(SOUTH), id(3), SOUTH, "8002");
    plant_message(pair.ledger(SOUTH), id(10), id(2));
    pair.ledger(SOUTH).set_mark(&id(3), &mark(1)).unwrap();
    let wanted = question(RequestBody::Want(vec![id(2), id(3), id(99)]));
    let reply = ask(&mut pair, NORTH, wanted);
    assert!(matches!(reply, ResponseBody::Done(1 | 2)), "{reply:?}");
    pair.live(10_000);
    let there = &pair.ledger(NORTH).objects;
    assert!(
        there.contains_key(&id(2)) && there.contains_key(&id(10)),
        "a user with its mailbox"
    );
}

#[test]
fn a_census_counts_users_here_and_gr_users() {
    let mut pair = Pair::running();
    for n in 0..3 {
        plant(
            pair.ledger(SOUTH),
            nth(SOUTH, n),
            SOUTH,
            &format!("8{n:03}"),
        );
    }
    plant(pair.ledger(SOUTH), nth(NORTH, 1), NORTH, "7001");
    plant_message(pair.ledger(SOUTH), id(10), nth(NORTH, 1));
    assert_eq!(
        ask(&mut pair, NORTH, question(RequestBody::Census)),
        ResponseBody::Census(3, 1)
    );
}

/// A south with thirty users of the north, which the north does not have.
fn with_orphans() -> Pair {
    let mut pair = Pair::running();
    for n in 0..30 {
        plant(
            pair.ledger(SOUTH),
            nth(NORTH, n),
            NORTH,
            &format!("7{n:03}"),
        );
    }
    pair
}

fn orphans(count: u16) -> RequestBody {
    RequestBody::Forget((0..count).map(|n| nth(NORTH, n)).collect())
}

fn users(pair: &Pair) -> usize {
    let objects = pair.sides[SOUTH].ledger.objects.values();
    objects.filter(|object| User::of(object).is_some()).count()
}

#[test]
fn not_many_are_forgotten_without_an_administrators_word() {
    let mut pair = with_orphans();
    assert_eq!(
        ask(&mut pair, NORTH, question(orphans(11))),
        ResponseBody::TooMany(11)
    );
    assert_eq!(users(&pair), 30);
    let dry = Request {
        dry: true,
        ..question(orphans(10))
    };
    assert_eq!(ask(&mut pair, NORTH, dry), ResponseBody::Done(10));
    assert_eq!(users(&pair), 30, "it only counts");
    assert_eq!(
        ask(&mut pair, NORTH, question(orphans(10))),
        ResponseBody::Done(10)
    );
    assert_eq!(users(&pair), 20);
    assert_eq!(
        pair.ledger(SOUTH).kept.len(),
        10,
        "they can be brought back"
    );
    let kept = pair.sides[SOUTH].engine.view().tasks().kept.unwrap();
    assert_eq!((kept.kind, kept.objects), (TaskKind::Resync, 10));
    let agreed = Request {
        agreed: true,
        ..question(orphans(30))
    };
    assert_eq!(ask(&mut pair, NORTH, agreed), ResponseBody::Done(20));
    assert_eq!(users(&pair), 0);
}

#[test]
fn what_belongs_to_them_is_counted_against_the_deletion_guard_too() {
    let mut pair = with_orphans();
    for n in 0..1_001u16 {
        let mut bytes = [9; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        plant_message(
            pair.ledger(SOUTH),
            ObjectId::from_bytes(bytes),
            nth(NORTH, n % 2),
        );
    }
    assert_eq!(
        ask(&mut pair, NORTH, question(orphans(2))),
        ResponseBody::TooMany(2)
    );
    assert_eq!(
        ask(&mut pair, NORTH, question(orphans(1))),
        ResponseBody::Done(1)
    );
}

#[test]
fn only_gr_users_of_the_asker_with_nothing_under_way_are_forgotten() {
    let mut pair = with_orphans();
    let ledger = pair.ledger(SOUTH);
    plant(ledger, nth(SOUTH, 50), SOUTH, "8050");
    ledger
        .set_held(&nth(NORTH, 2), &held(Reason::NUMBER_TAKEN))
        .unwrap();
    ledger
        .set_held(&nth(NORTH, 3), &held(Reason::NO_SUCH_USER))
        .unwrap();
    let setting = Object::new(Kind::SETTING, None, None);
    ledger.put(&id(200), &setting).unwrap();
    let ids = vec![
        nth(NORTH, 2),
        nth(NORTH, 3),
        nth(SOUTH, 50),
        id(200),
        id(201),
    ];
    assert_eq!(
        ask(&mut pair, NORTH, question(RequestBody::Forget(ids))),
        ResponseBody::Done(1)
    );
    let left = &pair.ledger(SOUTH).objects;
    assert!(
        !left.contains_key(&nth(NORTH, 3)),
        "held because it has no original"
    );
    for id in [nth(NORTH, 2), nth(SOUTH, 50), id(200)] {
        assert!(left.contains_key(&id));
    }
}

#[test]
fn a_page_ends_at_its_limits_and_says_where_to_go_on() {
    let page = |limits: Limits, after: Option<ObjectId>| {
        let mut pair = with_a_mailbox(limits);
        match ask(&mut pair, NORTH, question(RequestBody::Page(after))) {
            ResponseBody::Page(items, next) => (items.len(), next),
            other => panic!("{other:?}"),
        }
    };
    let of = |page_items, batch_bytes| Limits {
        page_items,
        batch_bytes,
        ..Limits::default()
    };
    let plenty = 1 << 20;
    assert_eq!(page(of(10, plenty), None), (5, None));
    assert_eq!(
        page(of(5, plenty), None),
        (5, Some(id(13))),
        "there may be more"
    );
    assert_eq!(page(of(3, plenty), None), (3, Some(id(11))));
    assert_eq!(page(of(3, plenty), Some(id(11))), (2, None));
    assert_eq!(page(of(10, 1), None), (1, Some(id(1))), "one at least");
}

#[test]
fn bodies_come_as_many_as_fit_and_those_that_are_lost_are_said_to_be() {
    let bodies = |batch_bytes| {
        let mut pair = with_a_mailbox(Limits {
            batch_bytes,
            ..Limits::default()
        });
        let lost = pair.ledger(SOUTH).objects[&id(10)].body.unwrap();
        pair.ledger(SOUTH).bodies.remove(&lost);
        let asked = question(RequestBody::Bodies(vec![id(1), id(10), id(13)]));
        match ask(&mut pair, NORTH, asked) {
            ResponseBody::Bodies(items) => {
                items.iter().map(|item| item.with_body).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(bodies(1 << 20), [false, false, true]);
    assert_eq!(bodies(1), [false], "one at least");
}
