//! What a comparison counts, asks and leaves alone, case by case (R10 to R15, E24).

mod support;

use domain::Kind;
use gr_proto::{Limits, ListScope, Listed, Payload, Reason, RequestBody, ResponseBody};
use ledger::{DeletionRecord, Leaf, Ledger, TaskCounts, TaskKind, Tombstone};
use support::counted::*;
use support::drive::*;
use support::guide::*;
use support::*;

#[test]
fn each_thing_that_differs_is_counted_as_what_it_is() {
    let mut pair = with_user(Limits::default());
    for (n, number) in [(2, "7002"), (3, "7003")] {
        for side in SIDES {
            plant(pair.ledger(side), id(n), NORTH, number);
        }
        renew(pair.ledger(SOUTH), id(n));
    }
    for side in SIDES {
        plant_message(pair.ledger(side), id(10), id(1));
        stranger(pair.ledger(side), 100 + side as u8);
    }
    renew(pair.ledger(NORTH), id(10));
    let north = pair.ledger(NORTH);
    setting(north, 60);
    plant(north, id(20), NORTH, "7020");
    plant_message(north, id(120), id(20));
    for n in [30, 31, 32] {
        plant(north, id(n), SOUTH, &format!("80{n}"));
        plant_message(north, id(100 + n), id(n));
    }
    plant_message(north, id(140), id(1));
    plant_message(north, id(141), id(90));
    let south = pair.ledger(SOUTH);
    setting(south, 61);
    for n in [40, 41] {
        plant(south, id(n), SOUTH, &format!("80{n}"));
        plant_message(south, id(160 + n), id(n));
    }
    for n in [50, 51, 52, 53] {
        plant(south, id(n), NORTH, &format!("70{n}"));
    }
    for n in [180, 181, 182, 183] {
        plant_message(south, id(n), id(1));
    }
    plant_message(south, id(184), id(91));
    let found = TaskCounts {
        created_here: 2,
        created_there: 1,
        updated: 2 + 2,
        deleted_here: 3,
        deleted_there: 4,
        contents_here: 4 + 1,
        contents_there: 2 + 1,
        contents_updated: 1,
        ..TaskCounts::default()
    };
    assert_eq!(counted(&mut pair, TaskKind::Resync), found);
    let without_contents = TaskCounts {
        contents_here: 0,
        contents_there: 0,
        contents_updated: 0,
        ..found
    };
    pair.now.mono = pair.now.mono.plus(1);
    assert_eq!(counted(&mut pair, TaskKind::Audit), without_contents);
}

#[test]
fn a_setting_that_is_only_here_is_sent_and_a_user_of_a_third_server_is_not() {
    let mut pair = with_user(Limits::default());
    setting(pair.ledger(NORTH), 60);
    stranger(pair.ledger(NORTH), 61);
    start_for(&mut pair, NORTH, TaskKind::Resync, false, &[]);
    pair.live(5_000);
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(60)));
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(61)));
}

#[test]
fn what_is_on_its_way_or_held_is_left_alone() {
    type Case = (&'static str, fn(&mut Pair), TaskCounts);
    fn differing(pair: &mut Pair) {
        renew(pair.ledger(SOUTH), id(1));
    }
    fn deleted_here(pair: &mut Pair, reason: Reason) {
        plant(pair.ledger(NORTH), id(30), SOUTH, "8030");
        hold(pair.ledger(NORTH), 30, reason);
    }
    let none = TaskCounts::default();
    let left_out = TaskCounts {
        left_out: 1,
        ..none
    };
    let cases: [Case; 15] = [
        (
            "differs, held here",
            |pair| {
                differing(pair);
                hold(pair.ledger(NORTH), 1, Reason::CAPACITY);
            },
            none,
        ),
        (
            "differs, held there",
            |pair| {
                differing(pair);
                hold(pair.ledger(SOUTH), 1, Reason::CAPACITY);
            },
            none,
        ),
        (
            "differs, marked here",
            |pair| {
                differing(pair);
                set_mark(pair.ledger(NORTH), 1);
            },
            left_out,
        ),
        (
            "differs, marked there",
            |pair| {
                differing(pair);
                set_mark(pair.ledger(SOUTH), 1);
            },
            left_out,
        ),
        (
            "the same, marked here",
            |pair| set_mark(pair.ledger(NORTH), 1),
            none,
        ),
        (
            "a local user only here, held",
            |pair| {
                plant(pair.ledger(NORTH), id(20), NORTH, "7020");
                hold(pair.ledger(NORTH), 20, Reason::CAPACITY);
            },
            none,
        ),
        (
            "a local user only here, marked",
            |pair| {
                plant(pair.ledger(NORTH), id(20), NORTH, "7020");
                set_mark(pair.ledger(NORTH), 20);
            },
            left_out,
        ),
        (
            "a GR user only here, held",
            |pair| deleted_here(pair, Reason::NUMBER_TAKEN),
            none,
        ),
        (
            "a GR user only here, refused there",
            |pair| deleted_here(pair, Reason::NO_SUCH_USER),
            TaskCounts {
                deleted_here: 1,
                ..none
            },
        ),
        (
            "a GR user only here, marked",
            |pair| {
                plant(pair.ledger(NORTH), id(30), SOUTH, "8030");
                set_mark(pair.ledger(NORTH), 30);
            },
            left_out,
        ),
        (
            "a message only there, held",
            |pair| {
                plant_message(pair.ledger(SOUTH), id(10), id(1));
                hold(pair.ledger(SOUTH), 10, Reason::FAULT);
            },
            none,
        ),
        (
            "a message only there, marked",
            |pair| {
                plant_message(pair.ledger(SOUTH), id(10), id(1));
                set_mark(pair.ledger(SOUTH), 10);
            },
            left_out,
        ),
        (
            "one of its own users only there, held",
            |pair| {
                plant(pair.ledger(SOUTH), id(50), NORTH, "7050");
                hold(pair.ledger(SOUTH), 50, Reason::NO_SUCH_USER);
            },
            TaskCounts {
                deleted_there: 1,
                ..none
            },
        ),
        (
            "deleted here, and the deletion record is forgotten",
            |pair| {
                plant_message(pair.ledger(SOUTH), id(10), id(1));
                let at = pair.now.wall;
                pair.ledger(NORTH)
                    .set_tombstone(&id(10), &Tombstone { at })
                    .unwrap();
            },
            none,
        ),
        (
            "deleted here, and the partner has it again",
            |pair| {
                plant_message(pair.ledger(SOUTH), id(10), id(1));
                let deletion_record = DeletionRecord {
                    at: pair.now.wall,
                    kind: Kind::MESSAGE,
                };
                pair.ledger(NORTH)
                    .record_deletion(&id(10), &deletion_record)
                    .unwrap();
            },
            none,
        ),
    ];
    for (what, prepare, expected) in cases {
        let mut pair = with_user(Limits::default());
        prepare(&mut pair);
        assert_eq!(counted(&mut pair, TaskKind::Resync), expected, "{what}");
    }
}

/// Its user was deleted here, and the partner has not heard of that.
#[test]
fn a_mailbox_whose_user_lies_in_its_deletion_record_is_taken_away_there_and_not_fetched() {
    let with_deletion_record = || {
        let mut pair = with_user(Limits::default());
        for n in [180, 181] {
            plant_message(pair.ledger(SOUTH), id(n), id(91));
        }
        let deletion_record = DeletionRecord {
            at: pair.now.wall,
            kind: Kind::USER,
        };
        pair.ledger(NORTH)
            .record_deletion(&id(91), &deletion_record)
            .unwrap();
        pair
    };
    assert_eq!(
        counted(&mut with_deletion_record(), TaskKind::Resync),
        TaskCounts::default()
    );
    let mut pair = with_deletion_record();
    start_for(&mut pair, NORTH, TaskKind::Resync, false, &[]);
    pair.settle();
    assert_eq!(last(&pair), TaskCounts::default());
    pair.assert_equal();
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(180)));
}

#[test]
fn a_resync_remembers_so_many_deletions_and_no_more() {
    let candidates = 2;
    let mut pair = Pair::running_with(Limits {
        candidates,
        ..Limits::default()
    });
    for n in 1..4 {
        plant(pair.ledger(NORTH), id(n), SOUTH, "8001");
        plant(pair.ledger(SOUTH), id(10 + n), NORTH, "7001");
    }
    let found = counted(&mut pair, TaskKind::Resync);
    assert_eq!((found.deleted_here, found.deleted_there), (2, 2));
}

/// What belongs to nobody comes by itself, as long as it is known which users only the partner has.
#[test]
fn more_users_only_there_than_are_remembered_leave_what_is_nobodys_alone() {
    let fetched = |users: u8, messages: u8| {
        let mut pair = Pair::running_with(Limits {
            candidates: 1,
            ..Limits::default()
        });
        let south = pair.ledger(SOUTH);
        (0..users).for_each(|n| plant(south, id(40 + n), SOUTH, &format!("80{n}")));
        (0..messages).for_each(|n| plant_message(south, id(180 + n), id(90 + n)));
        let found = counted(&mut pair, TaskKind::Resync);
        assert_eq!(found.created_here, u64::from(users));
        found.contents_here
    };
    assert_eq!(fetched(1, 1), 1);
    assert_eq!(fetched(2, 1), 0);
    assert_eq!(fetched(0, 3), 3, "messages are no users");
}

#[test]
fn mailboxes_alone_do_not_tell_whether_a_user_is_on_neither_server() {
    let mut pair = with_user(Limits::default());
    plant(pair.ledger(SOUTH), id(40), SOUTH, "8040");
    plant_message(pair.ledger(SOUTH), id(180), id(40));
    plant_message(pair.ledger(SOUTH), id(181), id(1));
    let found = counted(&mut pair, TaskKind::Mailboxes);
    assert_eq!(
        found.contents_here, 1,
        "what is not here comes with its user"
    );
}

/// Mailboxes that differ in the midst of a list, at its end and behind it.
#[test]
fn where_a_list_ends_does_not_matter() {
    let ends = [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 3),
        (3, 2),
        (4, 3),
        (3, 100),
        (100, 3),
        (100, 100),
    ];
    let ends = ends.into_iter();
    for ((list_objects, judged_objects), parts) in ends.flat_map(|end| [(end, 1), (end, 64)]) {
        let limits = Limits {
            list_objects,
            judged_objects,
            parts,
            scopes: 2,
            ids: 1,
            ..Limits::default()
        };
        let differing = || {
            let mut pair = with_user(limits);
            for side in SIDES {
                plant(pair.ledger(side), id(2), NORTH, "7002");
            }
            let of = |pair: &mut Pair, side, ids: &[u8]| {
                for n in ids {
                    plant_message(pair.ledger(side), id(*n), id(1 + n / 60));
                }
            };
            of(&mut pair, NORTH, &[10, 11, 13, 15, 18, 70, 71]);
            of(&mut pair, SOUTH, &[10, 12, 13, 14, 16, 17, 18, 72, 73]);
            renew(pair.ledger(SOUTH), id(13));
            renew(pair.ledger(NORTH), id(10));
            pair
        };
        let found = TaskCounts {
            contents_here: 6,
            contents_there: 4,
            contents_updated: 2,
            ..TaskCounts::default()
        };
        let how = format!("{list_objects} and {judged_objects}, {parts}");
        let kinds: [(TaskKind, &[u8]); 3] = [
            (TaskKind::Resync, &[]),
            (TaskKind::Mailboxes, &[]),
            (TaskKind::Mailboxes, &[1, 2]),
        ];
        for (kind, mailboxes) in kinds {
            let dry = counted_for(&mut differing(), kind, mailboxes);
            assert_eq!(dry, found, "{how}");
            let mut pair = differing();
            start_for(&mut pair, NORTH, kind, false, mailboxes);
            pair.settle();
            let done = last(&pair);
            assert_eq!(
                TaskCounts {
                    left_out: 0,
                    ..done
                },
                found,
                "{how}"
            );
            pair.assert_equal();
        }
    }
}

#[test]
fn what_is_the_same_costs_one_question_and_what_differs_one_path_to_it() {
    let asked = |pair: &mut Pair| {
        start_for(pair, NORTH, TaskKind::Resync, false, &[]);
        let heard = settle_heard(pair);
        last(pair);
        heard.questions().into_iter().cloned().collect::<Vec<_>>()
    };
    let mut pair = with_user(Limits::default());
    let roots = [RequestBody::Root(false), RequestBody::Root(true)];
    assert_eq!(asked(&mut pair), roots);
    plant(pair.ledger(SOUTH), id(40), SOUTH, "8040");
    let leaf = Leaf::number(&id(40));
    let part = (leaf >> 8) as u8;
    pair.now.mono = pair.now.mono.plus(1);
    let path = [
        RequestBody::Root(false),
        RequestBody::Nodes(false),
        RequestBody::Leaves(false, vec![part]),
        RequestBody::Lists(vec![(ListScope::Users(leaf), None)]),
        RequestBody::Want(vec![id(40)]),
        RequestBody::Root(true),
    ];
    assert_eq!(asked(&mut pair), path);
    pair.assert_equal();
    for n in [180, 181] {
        for side in SIDES {
            plant_message(pair.ledger(side), id(n), id(40));
        }
    }
    renew(pair.ledger(NORTH), id(180));
    pair.now.mono = pair.now.mono.plus(1);
    let path = [
        RequestBody::Root(false),
        RequestBody::Root(true),
        RequestBody::Nodes(true),
        RequestBody::Leaves(true, vec![part]),
        RequestBody::Lists(vec![(ListScope::Contents(leaf), None)]),
    ];
    assert_eq!(asked(&mut pair), path);
    pair.assert_equal();
}

/// A question whose first answer is made unfit is asked once more, and what is then answered counts.
#[test]
fn an_answer_that_does_not_fit_its_question_is_no_answer() {
    type Spoil = (fn(&RequestBody) -> bool, fn(&mut ResponseBody));
    fn sums(reply: &mut ResponseBody) -> &mut Vec<u64> {
        match reply {
            ResponseBody::Sums(sums) => sums,
            other => panic!("{other:?}"),
        }
    }
    fn lists(reply: &mut ResponseBody) -> &mut Vec<Listed> {
        match reply {
            ResponseBody::Lists(lists) => lists,
            other => panic!("{other:?}"),
        }
    }
    let spoils: [Spoil; 8] = [
        (
            |q| matches!(q, RequestBody::Root(false)),
            |r| sums(r).clear(),
        ),
        (
            |q| matches!(q, RequestBody::Root(false)),
            |r| sums(r).push(1),
        ),
        (
            |q| matches!(q, RequestBody::Nodes(false)),
            |r| {
                sums(r).pop();
            },
        ),
        (
            |q| matches!(q, RequestBody::Nodes(false)),
            |r| sums(r).push(1),
        ),
        (
            |q| matches!(q, RequestBody::Leaves(false, _)),
            |r| {
                sums(r).pop();
            },
        ),
        (
            |q| matches!(q, RequestBody::Leaves(false, _)),
            |r| sums(r).push(1),
        ),
        (
            |q| matches!(q, RequestBody::Lists(_)),
            |r| {
                let scope = ListScope::Users(Leaf::number(&id(1)));
                lists(r).push(Listed {
                    scope,
                    after: None,
                    to: None,
                    objects: vec![],
                });
            },
        ),
        (
            |q| matches!(q, RequestBody::Lists(_)),
            |r| *r = ResponseBody::Done(1),
        ),
    ];
    for (at, spoil) in spoils {
        let mut pair = with_user(Limits::default());
        plant(pair.ledger(SOUTH), id(40), SOUTH, "8040");
        start_for(&mut pair, NORTH, TaskKind::Resync, false, &[]);
        let mut spoilt = None;
        let heard = settle_altered(&mut pair, |question, answer| {
            if at(question) && spoilt.is_none() {
                spoilt = Some(question.clone());
                spoil(&mut answer.reply);
            }
        });
        let spoilt = spoilt.expect("it was asked");
        let times = heard.questions().into_iter().filter(|q| **q == spoilt);
        assert_eq!(times.count(), 2, "{spoilt:?}");
        let done = last(&pair);
        assert_eq!((done.created_here, done.created_there), (1, 0));
        pair.assert_equal();
    }
}

#[test]
fn what_one_answer_lists_twice_counts_once() {
    let mut pair = Pair::running();
    for n in 1..3 {
        plant(pair.ledger(NORTH), id(n), SOUTH, "8001");
        plant(pair.ledger(SOUTH), id(10 + n), NORTH, "7001");
    }
    start_for(&mut pair, NORTH, TaskKind::Resync, true, &[]);
    settle_altered(&mut pair, |_, answer| {
        if let ResponseBody::Lists(lists) = &mut answer.reply {
            lists.append(&mut lists.clone());
        }
    });
    let found = last(&pair);
    assert_eq!((found.deleted_here, found.deleted_there), (2, 2));
}

#[test]
fn what_the_partner_cannot_read_is_listed_where_it_belongs_and_nowhere_else() {
    let mut pair = Pair::running();
    let south = pair.ledger(SOUTH);
    for n in [1, 2, 3] {
        plant(south, id(n), NORTH, &format!("700{n}"));
    }
    plant_message(south, id(10), id(1));
    plant_message(south, id(20), id(2));
    for n in [3, 10, 20] {
        south.spoil(id(n));
        assert_eq!(south.object(&id(n)).unwrap(), None);
    }
    let number = |n: u8| Leaf::number(&id(n));
    let scopes = [
        (ListScope::Users(number(3)), vec![id(3)]),
        (ListScope::Users(number(10)), vec![]),
        (ListScope::Users(number(1)), vec![id(1)]),
        (ListScope::Contents(number(1)), vec![id(10)]),
        (ListScope::Contents(number(2)), vec![id(20)]),
        (ListScope::Contents(number(3)), vec![]),
        (ListScope::Mailbox(id(1)), vec![id(10)]),
        (ListScope::Mailbox(id(2)), vec![id(20)]),
    ];
    let asked = scopes.iter().map(|(scope, _)| (*scope, None)).collect();
    // Nothing is repaired meanwhile: the answers to its questions are lost.
    let question = say::question(RequestBody::Lists(asked));
    let blank = blank(&mut pair, NORTH, |m| {
        matches!(m.payload, Payload::Response(_))
    });
    let payload = Payload::Request(Box::new(question));
    pair.give(SOUTH, gr_proto::Message { payload, ..blank });
    let said = pair.take(SOUTH);
    let lists = said.iter().find_map(|message| match &message.payload {
        Payload::Response(answer) => match &answer.reply {
            ResponseBody::Lists(lists) => Some(lists),
            _ => None,
        },
        _ => None,
    });
    let lists = lists.expect("they are listed");
    for ((scope, expected), list) in scopes.iter().zip(lists) {
        let listed: Vec<_> = list.objects.iter().map(|there| there.id).collect();
        assert_eq!(&listed, expected, "{scope:?}");
        let mailbox = matches!(scope, ListScope::Mailbox(_));
        let owners = list.objects.iter().map(|there| there.owner);
        let contents = !matches!(scope, ListScope::Users(_));
        assert!(
            owners
                .into_iter()
                .all(|owner| owner.is_some() == (contents && !mailbox))
        );
    }
    assert_eq!(lists.len(), scopes.len());
}
