//! What is held back, as servers show it.

use crate::support::{Site, id, mark, message, user};
use domain::{Kind, MessageFolder, Object, ObjectId, ServerId, Timestamp};
use ledger::{Held, Lane, Ledger, Mark, Reason};

const HOME: ServerId = ServerId(7);

fn held(reason: Reason, mark: Mark) -> Held {
    let at = Timestamp(9);
    Held { reason, at, mark }
}

fn in_lane_of_users() -> Mark {
    Mark {
        lane: Lane::Users,
        ..mark(1, false)
    }
}

#[test]
fn what_is_held_with_its_body_is_on_one_server_only() {
    let mut site = Site::new();
    site.commit(|tx| {
        for n in 10..15 {
            tx.put(&id(n), &message(id(1), None, n as i64)).unwrap();
        }
        tx.set_mark(&id(10), &mark(1, true)).unwrap();
        for (n, body) in [(11, true), (12, false)] {
            let held = held(Reason::FAULT, mark(1, body));
            tx.set_held(&id(n), &held).unwrap();
        }
        // Marked anew while it is held.
        tx.set_held(&id(13), &held(Reason::FAULT, mark(1, true)))
            .unwrap();
        tx.set_mark(&id(13), &mark(1, true)).unwrap();
    });
    let listed = site
        .readers
        .messages(&id(1), MessageFolder::Inbox, None, 9)
        .unwrap();
    let only: Vec<_> = listed
        .iter()
        .filter(|m| m.one_server_only)
        .map(|m| m.id)
        .collect();
    assert_eq!(only, [13, 11, 10].map(id));
    assert_eq!(site.readers.one_server_only().unwrap(), 3);
    assert_eq!(site.readers.counts(&id(1)).unwrap().one_server_only, 3);
    site.commit(|tx| {
        tx.clear_mark(&id(10)).unwrap();
        tx.clear_mark(&id(13)).unwrap();
    });
    assert_eq!(site.readers.one_server_only().unwrap(), 2);
    assert_eq!(site.readers.counts(&id(1)).unwrap().one_server_only, 2);
    assert_eq!(site.readers.backlog(Lane::Messages).unwrap().count, 0);
}

#[test]
fn administrators_see_the_users_that_are_held_for_a_reason_of_their_own() {
    let mut site = Site::new();
    let number_taken = user("7201", HOME);
    site.commit(|tx| {
        tx.put(&id(1), &number_taken).unwrap();
        tx.put(&id(2), &user("7202", HOME)).unwrap();
        tx.put(&id(3), &Object::new(Kind::SETTING, None, None))
            .unwrap();
        tx.put(&id(10), &message(id(1), None, 1)).unwrap();
        for (n, reason, mark) in [
            (1, Reason::NUMBER_TAKEN, in_lane_of_users()),
            (2, Reason::WITH_USER, in_lane_of_users()),
            (3, Reason::FAULT, in_lane_of_users()),
            (4, Reason::NO_SUCH_USER, in_lane_of_users()),
            (10, Reason::WITH_USER, mark(1, true)),
            (11, Reason::FAULT, mark(1, true)),
        ] {
            tx.set_held(&id(n), &held(reason, mark)).unwrap();
        }
    });
    let first = (
        id(1),
        held(Reason::NUMBER_TAKEN, in_lane_of_users()),
        Some(number_taken),
    );
    let deleted = (id(4), held(Reason::NO_SUCH_USER, in_lane_of_users()), None);
    let shown = |limit| site.readers.held_users(limit).unwrap();
    assert_eq!(shown(9), [first.clone(), deleted]);
    assert_eq!(shown(1), [first]);
    assert_eq!(site.readers.held_count().unwrap(), 6);
    let page: Vec<ObjectId> = site
        .readers
        .held(Some(&id(3)), 2)
        .unwrap()
        .iter()
        .map(|h| h.0)
        .collect();
    assert_eq!(page, [id(4), id(10)]);
}

#[test]
fn users_are_counted_by_where_they_are_local() {
    let mut site = Site::new();
    assert_eq!(site.readers.user_counts(HOME).unwrap(), (0, 0));
    site.commit(|tx| {
        for (n, home) in [
            (1, HOME),
            (2, ServerId(8)),
            (3, HOME),
            (4, ServerId(u64::MAX)),
            (5, HOME),
        ] {
            tx.put(&id(n), &user("7200", home)).unwrap();
        }
        tx.put(&id(6), &Object::new(Kind::USER, None, None))
            .unwrap();
        tx.put(&id(10), &message(id(1), None, 1)).unwrap();
    });
    assert_eq!(site.readers.user_counts(HOME).unwrap(), (3, 3));
}
