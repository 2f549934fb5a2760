//! What a server asks for: mailboxes, users, counts.

use crate::support::{Site, bytes, id, mark, message, set, user};
use domain::{
    FolderState, Key, Kind, MessageFolder, Object, ObjectId, ServerId, Timestamp, User, Value,
    message_fields,
};
use ledger::{Lane, Ledger};
use store::{MailboxCounts, UserCursor};

const OWNER: u64 = 1;

fn file(object: &mut Object, place: MessageFolder, since: i64) {
    let since = Timestamp(since);
    let filing = FolderState { place, since }.value();
    set(object, 2, vec![(Key::field(message_fields::PLACE), filing)]);
}

fn ids(of: &[(ObjectId, Object)]) -> Vec<ObjectId> {
    of.iter().map(|(id, _)| *id).collect()
}

#[test]
fn a_mailbox_is_listed_newest_first_and_pages_meet_without_gap_or_repeat() {
    let mut site = Site::new();
    // Several at the same moment, and one of somebody else.
    let received = [5, 9, 9, 9, 2, 7, 9];
    site.commit(|tx| {
        for (n, at) in received.iter().enumerate() {
            tx.put(&id(10 + n as u64), &message(id(OWNER), None, *at))
                .unwrap();
        }
        tx.put(&id(99), &message(id(2), None, 6)).unwrap();
    });
    let all: Vec<_> = [16, 13, 12, 11, 15, 10, 14].map(id).into();
    let page = |before, limit| {
        let listed = site
            .readers
            .messages(&id(OWNER), MessageFolder::Inbox, before, limit);
        listed.unwrap()
    };
    assert_eq!(page(None, 99).iter().map(|m| m.id).collect::<Vec<_>>(), all);
    for limit in 1..=7 {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let listed = page(before, limit);
            let Some(last) = listed.last() else { break };
            before = Some(last.cursor().to_string().parse().unwrap());
            seen.extend(listed.iter().map(|m| m.id));
        }
        assert_eq!(seen, all, "pages of {limit}");
    }
}

#[test]
fn a_message_is_listed_and_counted_where_it_lies_and_as_it_was_read() {
    let mut site = Site::new();
    let mut sent = message(id(OWNER), None, 3);
    file(&mut sent, MessageFolder::Sent, 3);
    let mut heard = message(id(OWNER), None, 2);
    set(
        &mut heard,
        2,
        vec![(Key::field(message_fields::UNREAD), Value::Bool(false))],
    );
    site.commit(|tx| {
        let body = tx.append_body(&bytes(1, 700)).unwrap();
        tx.put(&id(10), &message(id(OWNER), Some(body), 1)).unwrap();
        tx.put(&id(11), &heard).unwrap();
        tx.put(&id(12), &sent).unwrap();
        tx.put(&id(13), &message(id(2), Some(body), 1)).unwrap();
    });
    let mut expected = MailboxCounts {
        inbox: 2,
        unread: 1,
        sent: 1,
        bytes: 700,
        ..MailboxCounts::default()
    };
    assert_eq!(site.readers.counts(&id(OWNER)).unwrap(), expected);

    let (_, mut moved) = (0, site.readers.object(&id(10)).unwrap().unwrap());
    file(&mut moved, MessageFolder::Deleted, 50);
    site.commit(|tx| tx.put(&id(10), &moved).unwrap());
    (expected.inbox, expected.unread, expected.deleted) = (1, 0, 1);
    (expected.bytes, expected.deleted_bytes) = (0, 700);
    assert_eq!(site.readers.counts(&id(OWNER)).unwrap(), expected);
    let deleted = site
        .readers
        .messages(&id(OWNER), MessageFolder::Deleted, None, 9)
        .unwrap();
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0].object, moved);

    site.commit(|tx| tx.remove(&id(10)).unwrap());
    assert_eq!(site.readers.counts(&id(OWNER)).unwrap().deleted, 0);
    assert_eq!(
        site.readers.counts(&id(77)).unwrap(),
        MailboxCounts::default()
    );
}

#[test]
fn what_only_this_server_holds_is_counted_until_its_mark_loses_the_body() {
    let mut site = Site::new();
    site.commit(|tx| {
        for n in [10, 11, 12] {
            tx.put(&id(n), &message(id(OWNER), None, n as i64)).unwrap();
            tx.set_mark(&id(n), &mark(n as i64, n != 12)).unwrap();
        }
        tx.put(&id(20), &message(id(2), None, 1)).unwrap();
        tx.set_mark(&id(20), &mark(1, true)).unwrap();
    });
    assert_eq!(site.readers.one_server_only().unwrap(), 3);
    assert_eq!(site.readers.counts(&id(OWNER)).unwrap().one_server_only, 2);
    let alone = |site: &Site| {
        let listed = site
            .readers
            .messages(&id(OWNER), MessageFolder::Inbox, None, 9)
            .unwrap();
        listed.iter().map(|m| m.one_server_only).collect::<Vec<_>>()
    };
    assert_eq!(alone(&site), [false, true, true]);
    assert_eq!(site.readers.backlog(Lane::Messages).unwrap().count, 4);
    assert_eq!(
        site.readers.backlog(Lane::Messages).unwrap().oldest,
        Some(Timestamp(1))
    );

    site.commit(|tx| {
        tx.set_mark(&id(11), &mark(11, false)).unwrap();
        tx.clear_mark(&id(10)).unwrap();
    });
    assert_eq!(site.readers.one_server_only().unwrap(), 1);
    assert_eq!(site.readers.counts(&id(OWNER)).unwrap().one_server_only, 0);
    assert_eq!(alone(&site), [false, false, false]);
    assert_eq!(site.readers.mark(&id(10)).unwrap(), None);
}

#[test]
fn deleted_messages_expire_oldest_first_and_only_those() {
    let mut site = Site::new();
    site.commit(|tx| {
        for (n, since) in [(10, 500), (11, 100), (12, 300), (13, 301)] {
            let mut object = message(id(OWNER), None, 1);
            file(&mut object, MessageFolder::Deleted, since);
            tx.put(&id(n), &object).unwrap();
        }
        tx.put(&id(14), &message(id(OWNER), None, 1)).unwrap();
    });
    let expired = |before, limit| {
        site.readers
            .expired_deleted(Timestamp(before), limit)
            .unwrap()
    };
    assert_eq!(expired(301, 9), [id(11), id(12)]);
    assert_eq!(expired(9_999, 3), [id(11), id(12), id(13)]);
    assert_eq!(expired(100, 9), []);
}

#[test]
fn a_user_is_found_by_number_and_the_local_one_wins() {
    let mut site = Site::new();
    let [north, south] = ["north.example", "south.example"].map(ServerId::of);
    site.commit(|tx| {
        tx.put(&id(5), &user("7200", north)).unwrap();
        tx.put(&id(6), &user("7200", south)).unwrap();
        tx.put(&id(7), &user("7300", south)).unwrap();
    });
    let found = |number, home| {
        let user = site.readers.user_by_number(number, home).unwrap();
        user.map(|(id, _)| id)
    };
    assert_eq!(found("7200", north), Some(id(5)));
    assert_eq!(found("7200", south), Some(id(6)));
    assert_eq!(
        found("7300", north),
        Some(id(7)),
        "the GR user, if there is no local one"
    );
    assert_eq!(found("720", north), None);
    assert_eq!(
        ids(&site.readers.users_by_number("7200").unwrap()),
        [id(5), id(6)]
    );
    assert_eq!(site.readers.user_count(None).unwrap(), 3);
    assert_eq!(site.readers.user_count(Some(south)).unwrap(), 2);
}

#[test]
fn users_are_listed_by_number_and_a_new_number_moves_them() {
    let mut site = Site::new();
    let home = ServerId::of("north.example");
    site.commit(|tx| {
        for (n, number) in [(5, "7300"), (6, "7100"), (7, "7200"), (4, "7200"), (8, "")] {
            tx.put(&id(n), &user(number, home)).unwrap();
        }
        tx.put(&id(50), &message(id(5), None, 1)).unwrap();
    });
    let page = |after: Option<&UserCursor>, limit| site.readers.users(after, limit).unwrap();
    assert_eq!(ids(&page(None, 9)), [8, 6, 4, 7, 5].map(id));
    let (mut seen, mut after) = (Vec::new(), None);
    while let [(last, object)] = &page(after.as_ref(), 1)[..] {
        seen.push(*last);
        let number = User::of(object).unwrap().number().to_owned();
        after = Some(UserCursor { number, id: *last });
    }
    assert_eq!(seen, [8, 6, 4, 7, 5].map(id));
    site.commit(|tx| tx.put(&id(5), &user("7000", home)).unwrap());
    assert_eq!(ids(&site.readers.users(None, 2).unwrap()), [id(8), id(5)]);
}

#[test]
fn a_snapshot_sees_one_moment_and_a_transaction_sees_itself() {
    let mut site = Site::new();
    site.commit(|tx| tx.put(&id(10), &message(id(OWNER), None, 1)).unwrap());
    let readers = site.readers.clone();
    readers
        .snapshot(|view| {
            assert_eq!(view.counts(&id(OWNER))?.inbox, 1);
            let mut tx = site.writer.begin()?;
            tx.put(&id(11), &message(id(OWNER), None, 2)).unwrap();
            assert_eq!(tx.view().counts(&id(OWNER))?.inbox, 2);
            assert_eq!(readers.counts(&id(OWNER))?.inbox, 1, "not committed");
            tx.commit()?;
            assert_eq!(readers.counts(&id(OWNER))?.inbox, 2);
            assert_eq!(view.counts(&id(OWNER))?.inbox, 1, "the moment it began");
            Ok(())
        })
        .unwrap();
}

#[test]
fn settings_are_kept_and_forgotten() {
    let mut site = Site::new();
    site.commit(|tx| {
        tx.put_setting("key", b"one").unwrap();
        tx.put_setting("key", b"two").unwrap();
        tx.put_setting("gone", b"").unwrap();
        tx.remove_setting("gone").unwrap();
        assert_eq!(tx.setting("key").unwrap().as_deref(), Some(&b"two"[..]));
    });
    let site = site.reopen();
    assert_eq!(
        site.readers.setting("key").unwrap().as_deref(),
        Some(&b"two"[..])
    );
    assert_eq!(site.readers.setting("gone").unwrap(), None);
}

#[test]
fn greetings_and_list_entries_are_found_without_the_messages() {
    let mut site = Site::new();
    site.commit(|tx| {
        for n in 10..15 {
            let of = if n == 14 { 2 } else { OWNER };
            let kind = if n < 12 {
                Kind::GREETING
            } else {
                Kind::LIST_ENTRY
            };
            tx.put(&id(n), &Object::new(kind, Some(id(of)), None))
                .unwrap();
        }
        tx.put(&id(20), &message(id(OWNER), None, 1)).unwrap();
    });
    let found = |owner, kind| {
        let mut found = ids(&site
            .readers
            .snapshot(|view| view.belongings(&id(owner), kind))
            .unwrap());
        found.sort();
        found
    };
    assert_eq!(found(OWNER, Kind::GREETING), [id(10), id(11)]);
    assert_eq!(found(OWNER, Kind::LIST_ENTRY), [id(12), id(13)]);
    assert_eq!(found(2, Kind::LIST_ENTRY), [id(14)]);
    assert_eq!(found(2, Kind::GREETING), []);
}

#[test]
fn values_of_the_servers_own_are_found_by_the_beginning_of_their_keys() {
    let mut site = Site::new();
    site.commit(|tx| {
        for key in [
            "class.1",
            "class.10",
            "class.é",
            "classes",
            "class",
            "shortcut.1",
        ] {
            tx.put_setting(key, key.as_bytes()).unwrap();
        }
    });
    let found = |prefix| {
        let found = site.readers.snapshot(|view| view.settings(prefix)).unwrap();
        found
            .into_iter()
            .map(|(key, value)| {
                assert_eq!(key.as_bytes(), value);
                key
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(found("class."), ["class.1", "class.10", "class.é"]);
    assert!(found("remote_user.").is_empty());
}
