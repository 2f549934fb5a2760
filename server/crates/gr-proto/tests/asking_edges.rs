//! When is asked, when again, which answers count, and who is not asked or answered at all (R11 to R13, E24).

mod support;

use domain::{Kind, ObjectId};
use gr_proto::{
    Command, Input, Item, Limits, Message, PartnerState, Payload, Rejected, Request, RequestBody,
    ResponseBody, limits,
};
use ledger::{Ledger, Outcome, Phase, TaskId, TaskKind};
use support::drive::*;
use support::guide::*;
use support::say;
use support::*;

fn nothing_lost(_: &Message) -> bool {
    false
}

fn is_list(message: &Message) -> bool {
    matches!(message.payload, Payload::List(_))
}

fn asks(messages: &[Message]) -> Vec<&Request> {
    let asks = messages
        .iter()
        .filter_map(|message| match &message.payload {
            Payload::Request(ask) => Some(&**ask),
            _ => None,
        });
    asks.collect()
}

fn replies(messages: &[Message]) -> Vec<&ResponseBody> {
    let replies = messages
        .iter()
        .filter_map(|message| match &message.payload {
            Payload::Response(answer) => Some(&answer.reply),
            _ => None,
        });
    replies.collect()
}

/// Two servers with three mailboxes, of which each lacks a message in the south.
fn with_mailboxes(limits: Limits) -> Pair {
    let mut pair = Pair::running_with(limits);
    for n in [1, 2, 3] {
        for side in [NORTH, SOUTH] {
            plant(pair.ledger(side), id(n), NORTH, &format!("700{n}"));
        }
        plant_message(pair.ledger(NORTH), id(10 + n), id(n));
    }
    pair
}

fn log_in(pair: &mut Pair, side: usize, users: &[u8]) {
    let inputs = users.iter().map(|n| Input::LoggedIn(id(*n))).collect();
    pair.transact(side, &[], inputs);
}

/// The mailboxes that a side asks for; what it says goes nowhere.
fn mailboxes_asked(pair: &mut Pair, side: usize) -> Vec<ObjectId> {
    let said = pair.take(side);
    let asked = asks(&said)
        .into_iter()
        .filter_map(|ask| match ask.question {
            RequestBody::Mailbox(mailbox, _) => Some(mailbox),
            _ => None,
        });
    asked.collect()
}

fn start_as(pair: &mut Pair, side: usize, task: u64, kind: TaskKind) -> Result<(), Rejected> {
    let start = Command::Start {
        id: TaskId(task),
        kind,
        dry: false,
        agreed: None,
        mailboxes: vec![],
    };
    order(pair, side, start)
}

#[test]
fn a_question_without_an_answer_is_asked_again_after_twice_the_time() {
    let mut pair = the_guide();
    start(&mut pair, NORTH, TaskKind::Resync, true, None);
    let asked = |pair: &mut Pair| asks(&pair.take(NORTH)).len();
    assert_eq!(asked(&mut pair), 1);
    for ms in [2_000, 4_000, 8_000] {
        pair.wait(ms - 1);
        assert_eq!(asked(&mut pair), 0, "{ms}");
        assert_eq!(
            pair.sides[NORTH].engine.view().wake_at(),
            Some(pair.now.mono.plus(1))
        );
        pair.wait(1);
        assert_eq!(asked(&mut pair), 1, "{ms}");
    }
}

/// An answer that comes late is to the question before: it is no answer to this one, and this one begins with a short patience.
#[test]
fn an_answer_to_the_question_before_changes_nothing() {
    let mut pair = the_guide();
    start(&mut pair, NORTH, TaskKind::Resync, true, None);
    pair.wait(2_000);
    let said = pair.take(NORTH);
    let questions: Vec<_> = asks(&said).into_iter().map(|ask| &ask.question).collect();
    assert_eq!(
        questions,
        [&RequestBody::Root(false), &RequestBody::Root(false)]
    );
    said.into_iter()
        .for_each(|message| pair.give(SOUTH, message));
    let answers = pair.take(SOUTH);
    assert_eq!(replies(&answers).len(), 2);
    answers
        .into_iter()
        .for_each(|message| pair.give(NORTH, message));
    let said = pair.take(NORTH);
    let questions: Vec<_> = asks(&said).into_iter().map(|ask| &ask.question).collect();
    assert_eq!(questions, [&RequestBody::Nodes(false)]);
    pair.wait(1_999);
    assert!(asks(&pair.take(NORTH)).is_empty());
    pair.wait(1);
    assert_eq!(asks(&pair.take(NORTH)).len(), 1);
}

#[test]
fn an_answer_to_what_was_never_asked_is_not_heard() {
    let mut pair = with_mailboxes(Limits::default());
    start(&mut pair, NORTH, TaskKind::Resync, false, None);
    log_in(&mut pair, NORTH, &[1]);
    let heard = settle_altered(&mut pair, |_, answer| answer.to += 1_000);
    assert_eq!(
        heard.questions().len(),
        2,
        "one for the task, one for the mailbox"
    );
    let open = pair.sides[NORTH].engine.view().tasks().open.unwrap();
    assert_eq!(open.phase, Phase::Comparing);
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(11)));
    pair.live(10_000);
    assert!(pair.sides[NORTH].engine.view().tasks().open.is_none());
    pair.assert_equal();
}

#[test]
fn what_is_said_of_another_task_does_not_end_this_one() {
    let mut pair = with_mailboxes(Limits::default());
    start(&mut pair, NORTH, TaskKind::Resync, false, None);
    let mut once = true;
    settle_altered(&mut pair, |_, answer| {
        if std::mem::take(&mut once) {
            answer.task = TaskId(4);
            answer.reply = ResponseBody::Closed(Outcome::AbortedThere);
        }
    });
    assert!(pair.sides[NORTH].engine.view().tasks().open.is_some());
    pair.live(10_000);
    let last = pair.sides[NORTH].engine.view().tasks().last.unwrap();
    assert_eq!(last.outcome, Outcome::Done);
}

/// The partner is about to be recovered, and says so.
#[test]
fn a_mailbox_of_which_the_partner_tells_nothing_is_not_asked_for_again() {
    let mut pair = with_mailboxes(Limits::default());
    log_in(&mut pair, NORTH, &[1]);
    let heard = settle_altered(&mut pair, |_, answer| {
        answer.reply = ResponseBody::Closed(Outcome::RolledBack);
    });
    assert_eq!(heard.questions().len(), 1);
    pair.live(20_000);
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(11)));
    log_in(&mut pair, NORTH, &[2]);
    pair.settle();
    assert!(
        pair.ledger(SOUTH).objects.contains_key(&id(12)),
        "the next one is"
    );
}

#[test]
fn so_many_log_ins_wait_and_no_more() {
    let mut pair = with_mailboxes(Limits {
        logins: 2,
        ..Limits::default()
    });
    log_in(&mut pair, NORTH, &[1, 2, 3]);
    pair.live(5_000);
    let there = |pair: &Pair, n| pair.sides[SOUTH].ledger.objects.contains_key(&id(n));
    assert!(there(&pair, 11) && there(&pair, 12) && !there(&pair, 13));
    log_in(&mut pair, NORTH, &[3]);
    pair.settle();
    assert!(there(&pair, 13), "it was not asked for lately");
}

#[test]
fn a_mailbox_is_asked_for_again_after_half_a_minute_to_the_millisecond() {
    let mut pair = with_mailboxes(Limits::default());
    plant_message(pair.ledger(SOUTH), id(11), id(1));
    let asked = |pair: &mut Pair| {
        pair.settle();
        log_in(pair, NORTH, &[1]);
        let said = pair.take(NORTH);
        let asked = asks(&said).len();
        said.into_iter()
            .for_each(|message| pair.give(SOUTH, message));
        pair.settle();
        asked
    };
    assert_eq!(asked(&mut pair), 1);
    pair.wait(limits::LOGIN_PAUSE_MS - 1);
    assert_eq!(asked(&mut pair), 0);
    pair.wait(1);
    assert_eq!(asked(&mut pair), 1);
}

/// The driver wakes the engine when it wants to be woken, and neither before nor again and again.
#[test]
fn an_engine_wants_to_be_woken_for_the_next_mailbox_and_not_while_it_waits() {
    let mut pair = with_mailboxes(Limits::default());
    for n in [1, 2] {
        plant_message(pair.ledger(SOUTH), id(10 + n), id(n));
    }
    let wakes_at_once = |pair: &Pair| {
        let wake_at = pair.sides[NORTH].engine.view().wake_at();
        wake_at.expect("some time") <= pair.now.mono
    };
    assert!(!wakes_at_once(&pair), "nothing is going on");
    log_in(&mut pair, NORTH, &[1, 2]);
    assert!(!wakes_at_once(&pair), "an answer is awaited");
    pair.carry(NORTH);
    pair.carry(SOUTH);
    assert!(wakes_at_once(&pair), "the second mailbox is next");
    pair.tick(NORTH);
    assert_eq!(mailboxes_asked(&mut pair, NORTH), [id(2)]);
    assert!(!wakes_at_once(&pair));
}

#[test]
fn a_log_in_is_no_task_of_the_partner() {
    let mut pair = with_mailboxes(Limits::default());
    log_in(&mut pair, NORTH, &[1]);
    pair.carry(NORTH);
    assert_eq!(pair.sides[SOUTH].engine.view().tasks().serving, None);
    assert_eq!(start_as(&mut pair, SOUTH, 5, TaskKind::Audit), Ok(()));
}

/// The north went back in time and is being recovered, and the lists that would end this are lost.
fn recover(pair: &mut Pair) {
    pair.ledger(NORTH).state.rolled_back = true;
    pair.restart(NORTH);
    pair.tick(NORTH);
    settle_without(pair, is_list);
    assert!(pair.ledger(NORTH).state.rolled_back && !pair.ledger(NORTH).state.partner_rolled_back);
    assert!(pair.ledger(SOUTH).state.partner_rolled_back && !pair.ledger(SOUTH).state.rolled_back);
    for side in [NORTH, SOUTH] {
        assert_eq!(pair.state(side), PartnerState::Running);
    }
}

#[test]
fn while_one_is_being_recovered_neither_asks_answers_or_begins_anything() {
    let mut pair = with_mailboxes(Limits::default());
    recover(&mut pair);
    for side in [NORTH, SOUTH] {
        log_in(&mut pair, side, &[1]);
        let said = pair.take(side);
        assert!(asks(&said).is_empty(), "{side} asks");
        for kind in [TaskKind::Resync, TaskKind::Rebuild] {
            let declined = start_as(&mut pair, side, 5, kind);
            assert_eq!(declined, Err(Rejected::Recovering), "{side} {kind:?}");
        }
        let of_mailbox = Request {
            task: TaskId(0),
            ..say::question(RequestBody::Mailbox(id(1), 0))
        };
        for ask in [of_mailbox, say::question(RequestBody::Census)] {
            let blank = blank(&mut pair, 1 - side, is_list);
            let payload = Payload::Request(Box::new(ask));
            pair.give(side, Message { payload, ..blank });
            let said = pair.take(side);
            let closed = ResponseBody::Closed(Outcome::RolledBack);
            assert_eq!(replies(&said), [&closed], "{side} answers");
        }
        assert_eq!(pair.sides[side].engine.view().tasks().serving, None);
    }
    pair.live(20_000);
    assert!(!pair.ledger(NORTH).state.rolled_back && !pair.ledger(SOUTH).state.partner_rolled_back);
    log_in(&mut pair, NORTH, &[2]);
    assert_eq!(asks(&pair.take(NORTH)).len(), 1, "it is over");
}

/// A comparison would take what is not recovered yet for missing; a rebuild waits, for it begins anew in any case.
#[test]
fn a_task_that_is_open_when_a_server_goes_back_ends_unless_it_is_a_rebuild() {
    for side in [NORTH, SOUTH] {
        for kind in [
            TaskKind::Resync,
            TaskKind::Audit,
            TaskKind::Mailboxes,
            TaskKind::Rebuild,
        ] {
            let mut pair = with_mailboxes(Limits::default());
            assert_eq!(start_as(&mut pair, side, 5, kind), Ok(()));
            pair.take(side);
            recover(&mut pair);
            let tasks = pair.sides[side].engine.view().tasks();
            let how = format!("{side} {kind:?}");
            if kind == TaskKind::Rebuild {
                assert_eq!(
                    tasks.open.map(|open| open.phase),
                    Some(Phase::Clearing),
                    "{how}"
                );
                pair.wait(4_000);
                assert!(asks(&pair.take(side)).is_empty(), "{how}");
                pair.live(60_000);
                assert_eq!(pair.sides[side].engine.view().tasks().open, None, "{how}");
            } else {
                let last = tasks.last.map(|last| last.outcome);
                assert_eq!(
                    (tasks.open, last),
                    (None, Some(Outcome::RolledBack)),
                    "{how}"
                );
            }
        }
    }
}

/// What was here before the partner is still being marked.
#[test]
fn no_task_begins_before_all_that_was_here_is_marked() {
    let mut pair = Pair::strangers_with(Limits {
        seeding: 1,
        ..Limits::default()
    });
    for n in 0..200 {
        plant(pair.ledger(NORTH), nth(NORTH, n), NORTH, "7001");
    }
    pair.tick(NORTH);
    while pair.state(NORTH) != PartnerState::Running {
        pair.carry(NORTH);
        pair.carry(SOUTH);
    }
    assert!(pair.ledger(NORTH).state.seeding.is_some());
    let declined = start_as(&mut pair, NORTH, 5, TaskKind::Audit);
    assert_eq!(declined, Err(Rejected::Recovering));
    while pair.ledger(NORTH).state.seeding.is_some() {
        pair.tick(NORTH);
    }
    assert_eq!(start_as(&mut pair, NORTH, 5, TaskKind::Audit), Ok(()));
}

/// What lists of what cannot be read is not missing in them: the partner would take it for deleted.
#[test]
fn a_list_of_a_recovery_tells_of_what_cannot_be_read() {
    let mut pair = with_mailboxes(Limits {
        list_objects: 2,
        ..Limits::default()
    });
    for n in [2, 3] {
        pair.ledger(SOUTH).spoil(id(n));
        assert_eq!(pair.ledger(SOUTH).object(&id(n)).unwrap(), None);
    }
    pair.ledger(NORTH).state.rolled_back = true;
    pair.restart(NORTH);
    pair.tick(NORTH);
    let mut told = None;
    while told.is_none() {
        pair.carry(NORTH);
        let said = pair.take(SOUTH);
        told = said.iter().find_map(|message| match &message.payload {
            Payload::List(list) => Some(list.objects.iter().map(|(id, _)| *id).collect::<Vec<_>>()),
            _ => None,
        });
        said.into_iter()
            .for_each(|message| pair.give(NORTH, message));
    }
    assert_eq!(told.unwrap(), [id(1), id(2)]);
}

/// The partner says that it has no such user, and what it said before that comes after it.
#[test]
fn what_was_said_before_a_user_was_given_up_is_not_heard_after_it() {
    let heard_late = |question: RequestBody| {
        let mut pair = Pair::running();
        plant(pair.ledger(SOUTH), id(1), NORTH, "7001");
        let user = pair.ledger(SOUTH).objects[&id(1)].clone();
        let [early, late] = [(), ()].map(|()| blank(&mut pair, NORTH, nothing_lost));
        assert!(early.header.no < late.header.no);
        let ask = say::question(question);
        let payload = Payload::Request(Box::new(ask));
        pair.give(SOUTH, Message { payload, ..late });
        pair.ledger(SOUTH).remove(&id(1)).unwrap();
        let payload = Payload::Data(vec![say::item(id(1), &user)]);
        pair.give(SOUTH, Message { payload, ..early });
        pair.ledger(SOUTH).objects.contains_key(&id(1))
    };
    assert!(!heard_late(RequestBody::Forget(vec![id(1)])));
    assert!(
        heard_late(RequestBody::Census),
        "another question gives up nobody"
    );
}

#[test]
fn of_the_questions_that_come_at_once_so_many_are_answered() {
    let mut pair = Pair::running_with(Limits {
        due: 2,
        ..Limits::default()
    });
    let blanks = [(), (), ()].map(|()| blank(&mut pair, NORTH, nothing_lost));
    pair.settle();
    let inputs = blanks.map(|blank| {
        let payload = Payload::Request(Box::new(say::question(RequestBody::Census)));
        Input::Received(Box::new(Message { payload, ..blank }))
    });
    pair.transact(SOUTH, &[], inputs.into());
    assert_eq!(replies(&pair.take(SOUTH)).len(), 2);
}

#[test]
fn the_end_of_another_task_of_the_partner_ends_none_here() {
    let mut pair = the_guide();
    assert_eq!(start_as(&mut pair, SOUTH, 5, TaskKind::Resync), Ok(()));
    let end = say::question(RequestBody::End(Outcome::Done));
    assert_eq!(say::ask(&mut pair, NORTH, end), ResponseBody::Done(0));
    let open = pair.sides[SOUTH].engine.view().tasks().open.unwrap();
    assert_eq!(open.id, TaskId(5));
}

#[test]
fn a_task_of_the_partner_is_shown_since_it_was_first_heard_of_until_it_is_silent() {
    let mut pair = the_guide();
    let serving = |pair: &Pair| pair.sides[SOUTH].engine.view().tasks().serving;
    say::ask(&mut pair, NORTH, say::question(RequestBody::Census));
    let since = pair.now.wall;
    assert_eq!(serving(&pair).unwrap().since, since);
    say::ask(&mut pair, NORTH, say::question(RequestBody::Census));
    assert!(pair.now.wall > since);
    assert_eq!(serving(&pair).unwrap().since, since);
    let other = Request {
        task: TaskId(78),
        ..say::question(RequestBody::Census)
    };
    say::ask(&mut pair, NORTH, other);
    let shown = serving(&pair).unwrap();
    assert_eq!((shown.id, shown.since), (TaskId(78), pair.now.wall));
    pair.wait(limits::SERVING_MS - 1);
    assert!(serving(&pair).is_some());
    pair.wait(1);
    assert_eq!(serving(&pair), None);
}

/// The driver waits for an administrator and asks nothing: it hears of it all the same.
#[test]
fn whoever_stops_a_task_of_the_partner_says_so_at_once() {
    let mut pair = the_guide();
    let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
    pair.settle();
    let open = pair.sides[NORTH].engine.view().tasks().open.unwrap();
    assert_eq!(open.phase, Phase::Waiting);
    assert_eq!(order(&mut pair, SOUTH, Command::Abort(task)), Ok(()));
    pair.settle();
    let last = pair.sides[NORTH].engine.view().tasks().last.unwrap();
    assert_eq!(last.outcome, Outcome::AbortedThere);
}

/// Something of a GR user is on its way to its home, which asks meanwhile to forget it.
#[test]
fn a_user_of_which_something_is_on_its_way_is_not_forgotten() {
    let forgotten = |changed: bool| {
        let mut pair = Pair::running();
        plant(pair.ledger(SOUTH), id(1), NORTH, "7001");
        let blank = blank(&mut pair, NORTH, nothing_lost);
        pair.settle();
        let payload = Payload::Request(Box::new(say::question(RequestBody::Forget(vec![id(1)]))));
        let asked = Input::Received(Box::new(Message { payload, ..blank }));
        let changes = [set(1, 4, 7)];
        pair.transact(SOUTH, &changes[..usize::from(changed)], vec![asked]);
        let reply = replies(&pair.take(SOUTH)).into_iter().next().cloned();
        let gone = !pair.ledger(SOUTH).objects.contains_key(&id(1));
        assert_eq!(reply, Some(ResponseBody::Done(gone.into())));
        gone
    };
    assert!(forgotten(false));
    assert!(!forgotten(true));
}

/// What is held may be listed, and what is listed may come to be known: it is not deleted without a word any more.
#[test]
fn what_a_page_told_of_is_heard_of_even_if_it_is_held() {
    let mut pair = Pair::running();
    plant(pair.ledger(SOUTH), id(1), SOUTH, "8001");
    plant_message(pair.ledger(SOUTH), id(10), id(1));
    let mark = ledger::Mark {
        lane: ledger::Lane::Messages,
        n: 1,
        since: pair.now.wall,
        body: true,
        unsent: true,
        recovery: false,
    };
    let held = ledger::Held {
        reason: gr_proto::Reason::FAULT,
        at: pair.now.wall,
        mark,
    };
    pair.ledger(SOUTH).set_held(&id(10), &held).unwrap();
    say::ask(&mut pair, NORTH, say::question(RequestBody::Page(None)));
    assert!(!pair.ledger(SOUTH).held[&id(10)].mark.unsent);
    pair.change(SOUTH, delete(10));
    assert!(pair.ledger(SOUTH).tombstones.contains_key(&id(10)));
}

/// What belongs to users that the asker gives up: it counts if it is nobody's, and not if its user stays.
#[test]
fn what_is_left_of_users_that_are_gone_counts_and_what_stays_does_not() {
    let many = |pair: &mut Pair, owner: u8| {
        for n in 0..1_001_u16 {
            let mut bytes = [9; 16];
            bytes[..2].copy_from_slice(&n.to_be_bytes());
            plant_message(pair.ledger(SOUTH), ObjectId::from_bytes(bytes), id(owner));
        }
    };
    let with_user = || {
        let mut pair = Pair::running();
        plant(pair.ledger(SOUTH), id(1), NORTH, "7001");
        plant(pair.ledger(SOUTH), id(2), SOUTH, "8002");
        pair
    };
    let forget =
        |ids: &[u8]| say::question(RequestBody::Forget(ids.iter().map(|n| id(*n)).collect()));
    let mut pair = with_user();
    many(&mut pair, 3);
    let reply = say::ask(&mut pair, NORTH, forget(&[1, 3]));
    assert_eq!(reply, ResponseBody::TooMany(1));
    let mut pair = with_user();
    many(&mut pair, 2);
    let reply = say::ask(&mut pair, NORTH, forget(&[1, 2]));
    assert_eq!(reply, ResponseBody::Done(1));
    assert_eq!(pair.ledger(SOUTH).objects.len(), 1 + 1_001);
    let mut pair = with_user();
    plant_message(pair.ledger(SOUTH), id(10), id(3));
    assert_eq!(
        say::ask(&mut pair, NORTH, forget(&[3])),
        ResponseBody::Done(0)
    );
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(10)));
    assert!(
        pair.ledger(SOUTH).kept.contains_key(&id(10)),
        "it can be brought back"
    );
}

#[test]
fn what_the_asker_lacks_of_a_mailbox_is_sent_but_for_what_is_held() {
    let mut pair = Pair::running();
    plant(pair.ledger(SOUTH), id(2), SOUTH, "8002");
    for n in [10, 11] {
        plant_message(pair.ledger(SOUTH), id(n), id(2));
    }
    let mark = ledger::Mark {
        lane: ledger::Lane::Messages,
        n: 1,
        since: pair.now.wall,
        body: true,
        unsent: false,
        recovery: false,
    };
    let held = ledger::Held {
        reason: gr_proto::Reason::FAULT,
        at: pair.now.wall,
        mark,
    };
    pair.ledger(SOUTH).set_held(&id(11), &held).unwrap();
    let reply = say::ask(
        &mut pair,
        NORTH,
        say::question(RequestBody::Want(vec![id(2)])),
    );
    assert_eq!(reply, ResponseBody::Done(1));
    let ledger = pair.ledger(SOUTH);
    assert!(ledger.marks.contains_key(&id(2)) && ledger.marks.contains_key(&id(10)));
    assert_eq!(ledger.held.get(&id(11)), Some(&held));
    // Asked once more while they are on their way: they are not sent twice.
    let marks = ledger.marks.clone();
    let blank = blank(&mut pair, NORTH, |m| is_ack(m) || is_data(m));
    let payload = Payload::Request(Box::new(say::question(RequestBody::Want(vec![
        id(2),
        id(10),
    ]))));
    pair.give(SOUTH, Message { payload, ..blank });
    assert_eq!(replies(&pair.take(SOUTH)), [&ResponseBody::Done(0)]);
    let n = |marks: &std::collections::BTreeMap<ObjectId, ledger::Mark>| {
        marks.values().map(|mark| mark.n).collect::<Vec<_>>()
    };
    assert_eq!(n(&pair.ledger(SOUTH).marks), n(&marks));
}

/// Bodies that are as long as a message should be, or longer by a byte; and how much of each the asker has.
#[test]
fn a_body_goes_whole_as_long_as_it_fits_and_else_from_where_the_asker_is() {
    let mut pair = Pair::running_with(Limits {
        batch_bytes: 400,
        ..Limits::default()
    });
    let plant_long = |pair: &mut Pair, n: u8, len: u32| {
        let body = domain::BodyRef { hash: [n; 32], len };
        let object = domain::Object::new(Kind::MESSAGE, Some(id(1)), Some(body));
        pair.ledger(SOUTH).receive_body(body);
        pair.ledger(SOUTH).put(&id(n), &object).unwrap();
    };
    plant_long(&mut pair, 10, 400);
    plant_long(&mut pair, 11, 401);
    let asked = |pair: &mut Pair, n: u8, have: Vec<(ObjectId, u32)>| {
        let ask = Request {
            have: Some(have),
            ..say::question(RequestBody::Bodies(vec![id(n)]))
        };
        match say::ask(pair, NORTH, ask) {
            ResponseBody::Bodies(items) => {
                (items[0].with_body, items[0].piece.map(|p| (p.at, p.len)))
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(asked(&mut pair, 10, vec![]), (true, None));
    assert_eq!(asked(&mut pair, 11, vec![]), (false, Some((0, 400))));
    let others = vec![(id(9), 7), (id(11), 300), (id(12), 9)];
    assert_eq!(asked(&mut pair, 11, others), (false, Some((300, 101))));
    assert_eq!(
        asked(&mut pair, 11, vec![(id(9), 7)]),
        (false, Some((0, 400)))
    );
}

/// What fits to the byte is full.
#[test]
fn a_page_and_bodies_that_are_full_to_the_byte_take_nothing_more() {
    let with_bytes = |batch_bytes| {
        let mut pair = Pair::running_with(Limits {
            batch_bytes,
            ..Limits::default()
        });
        for n in [10, 11, 12] {
            plant_message(pair.ledger(SOUTH), id(n), id(1));
        }
        pair
    };
    let ids = || vec![id(10), id(11), id(12)];
    let items = |bytes, question: RequestBody| -> Vec<Item> {
        match say::ask(&mut with_bytes(bytes), NORTH, say::question(question)) {
            ResponseBody::Page(items, _) | ResponseBody::Bodies(items) => items,
            other => panic!("{other:?}"),
        }
    };
    for question in [RequestBody::Page(None), RequestBody::Bodies(ids())] {
        let all = items(1 << 20, question.clone());
        assert_eq!(all.len(), 3);
        let two = all[0].weight() + all[1].weight();
        assert_eq!(items(two, question.clone()).len(), 2);
        assert_eq!(items(two + 1, question).len(), 3);
    }
}

/// The mailbox is another one than when it was asked for: that is another question, which has not waited yet.
#[test]
fn a_mailbox_that_has_changed_is_asked_for_anew() {
    let mut pair = with_mailboxes(Limits::default());
    log_in(&mut pair, NORTH, &[1]);
    let sums = |pair: &mut Pair| {
        let said = pair.take(NORTH);
        let sums = asks(&said)
            .into_iter()
            .filter_map(|ask| match ask.question {
                RequestBody::Mailbox(_, sum) => Some(sum),
                _ => None,
            });
        sums.collect::<Vec<_>>()
    };
    let first = sums(&mut pair);
    plant_message(pair.ledger(NORTH), id(19), id(1));
    pair.wait(2_000);
    let second = sums(&mut pair);
    assert_eq!((first.len(), second.len()), (1, 1));
    assert!(first != second);
    pair.wait(1_999);
    assert!(sums(&mut pair).is_empty());
    pair.wait(1);
    assert_eq!(sums(&mut pair), second);
    pair.wait(2_000);
    assert!(sums(&mut pair).is_empty(), "now it has");
}
