//! What administrators may order, and when (R10 to R12, R18).

mod support;

use domain::ReplicationConstraints;
use gr_proto::{Command, Input, Limits, Payload, Rejected, RequestBody, limits};
use ledger::{Deletions, Held, Lane, Ledger, Mark, Outcome, Phase, Reason, TaskId, TaskKind};
use support::guide::{AGREED, nth, order, plant, plant_message, run, start, the_guide};
use support::say::{ask, question};
use support::*;

fn begin(pair: &mut Pair, side: usize, kind: TaskKind, dry: bool) -> Result<(), Rejected> {
    begin_for(pair, side, kind, dry, 0)
}

fn begin_for(
    pair: &mut Pair,
    side: usize,
    kind: TaskKind,
    dry: bool,
    mailboxes: usize,
) -> Result<(), Rejected> {
    let id = TaskId(900);
    let mailboxes = (0..mailboxes as u16).map(|n| nth(NORTH, n)).collect();
    let agreed = None;
    order(
        pair,
        side,
        Command::Start {
            id,
            kind,
            dry,
            agreed,
            mailboxes,
        },
    )
}

#[test]
fn a_task_needs_a_partner_that_is_running() {
    let mut pair = Pair::strangers();
    let declined = begin(&mut pair, NORTH, TaskKind::Resync, false);
    assert_eq!(declined, Err(Rejected::NotRunning));
}

#[test]
fn one_task_at_a_time_whoever_drives_it() {
    let mut pair = the_guide();
    let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
    let busy = Err(Rejected::Busy(task));
    assert_eq!(begin(&mut pair, NORTH, TaskKind::Audit, true), busy);
    assert_eq!(
        begin(&mut pair, SOUTH, TaskKind::Audit, true),
        Ok(()),
        "it has not heard of it"
    );
    let mut pair = the_guide();
    let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
    pair.carry(NORTH);
    let busy = Err(Rejected::Busy(task));
    assert_eq!(begin(&mut pair, SOUTH, TaskKind::Audit, true), busy);
    let down = order(&mut pair, SOUTH, Command::CourtesyDown { force: true });
    assert_eq!(down, busy);
    let down = order(&mut pair, NORTH, Command::CourtesyDown { force: true });
    assert_eq!(down, busy);
}

#[test]
fn no_task_while_a_server_is_recovering_or_out_of_service() {
    let mut pair = Pair::running();
    assert_eq!(
        order(&mut pair, NORTH, Command::CourtesyDown { force: false }),
        Ok(())
    );
    let declined = begin(&mut pair, NORTH, TaskKind::Audit, false);
    assert_eq!(declined, Err(Rejected::CourtesyDown));
    pair.settle();
    let declined = begin(&mut pair, SOUTH, TaskKind::Audit, false);
    assert_eq!(declined, Err(Rejected::NotRunning));
    assert_eq!(order(&mut pair, NORTH, Command::CourtesyUp), Ok(()));
    pair.live(1_000);
    assert_eq!(begin(&mut pair, SOUTH, TaskKind::Audit, false), Ok(()));

    let mut pair = Pair::running();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, user(2, SOUTH));
    pair.settle();
    pair.sides[SOUTH].ledger = backup;
    pair.restart(SOUTH);
    pair.tick(SOUTH);
    // Until the north has heard of it; what follows is kept back.
    for _ in 0..6 {
        pair.carry(SOUTH);
        if pair.ledger(NORTH).state.partner_rolled_back {
            break;
        }
        pair.carry(NORTH);
    }
    assert!(pair.ledger(NORTH).state.partner_rolled_back);
    let declined = begin(&mut pair, NORTH, TaskKind::Audit, false);
    assert_eq!(declined, Err(Rejected::Recovering));
}

#[test]
fn a_task_names_so_many_mailboxes_and_no_more() {
    let mut pair = Pair::running();
    let max = limits::MAILBOXES_MAX;
    let declined = begin_for(&mut pair, NORTH, TaskKind::Mailboxes, false, max + 1);
    assert_eq!(declined, Err(Rejected::TooMany(max + 1)));
    assert_eq!(
        begin_for(&mut pair, NORTH, TaskKind::Mailboxes, false, max),
        Ok(())
    );
}

#[test]
fn a_rebuild_waits_until_little_is_on_its_way_and_nothing_is_being_cleared() {
    let with_marks = |marks: u8| {
        let mut pair = Pair::running_with(Limits {
            rebuild_marks: 2,
            ..Limits::default()
        });
        for n in 0..marks {
            pair.change(NORTH, user(n, NORTH));
        }
        pair
    };
    let begun = |marks, kind, dry| begin(&mut with_marks(marks), NORTH, kind, dry);
    assert_eq!(begun(2, TaskKind::Rebuild, false), Ok(()));
    assert_eq!(
        begun(3, TaskKind::Rebuild, false),
        Err(Rejected::Backlog(3))
    );
    assert_eq!(begun(3, TaskKind::Rebuild, true), Ok(()), "it only counts");
    assert_eq!(begun(3, TaskKind::Resync, false), Ok(()));
}

#[test]
fn out_of_service_with_nothing_left_to_send_unless_it_is_forced() {
    let down = |force| Command::CourtesyDown { force };
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    assert_eq!(
        order(&mut pair, NORTH, down(false)),
        Err(Rejected::Backlog(1))
    );
    assert_eq!(order(&mut pair, NORTH, down(true)), Ok(()));
    let mut pair = Pair::running();
    assert_eq!(order(&mut pair, NORTH, down(false)), Ok(()));
    let mut pair = Pair::strangers();
    assert_eq!(
        order(&mut pair, NORTH, down(false)),
        Err(Rejected::NotRunning)
    );
    assert_eq!(order(&mut pair, NORTH, down(true)), Ok(()));
}

#[test]
fn only_a_task_that_waits_can_be_agreed_to_and_only_by_its_name() {
    let mut pair = the_guide();
    let none = Err(Rejected::NoSuchTask);
    assert_eq!(order(&mut pair, NORTH, Command::Agree(TaskId(1))), none);
    let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
    assert_eq!(
        order(&mut pair, NORTH, Command::Agree(task)),
        none,
        "it does not wait yet"
    );
    pair.live(2_000);
    assert_eq!(
        order(&mut pair, NORTH, Command::Agree(TaskId(task.0 + 1))),
        none
    );
    assert_eq!(
        order(&mut pair, NORTH, Command::Abort(TaskId(task.0 + 1))),
        none
    );
    let open = pair.sides[NORTH].engine.view().tasks().open.unwrap();
    assert_eq!((open.id, open.phase), (task, Phase::Waiting));
    assert_eq!(order(&mut pair, NORTH, Command::Agree(task)), Ok(()));
    let agreed = Deletions {
        here: open.counts.deleted_here,
        there: open.counts.deleted_there,
    };
    let task = pair.sides[NORTH].engine.view().tasks().open.unwrap();
    assert_eq!(task.agreed, Some(agreed));
}

#[test]
fn what_was_agreed_to_is_a_limit() {
    for (here, there, goes) in [(170, 35, true), (169, 35, false), (170, 34, false)] {
        let mut pair = the_guide();
        start(
            &mut pair,
            NORTH,
            TaskKind::Resync,
            false,
            Some(Deletions { here, there }),
        );
        pair.live(3_000);
        let open = pair.sides[NORTH].engine.view().tasks().open;
        assert_eq!(open.is_none(), goes, "{here} {there}");
    }
}

#[test]
fn undo_needs_something_that_is_kept_and_nothing_else_going_on() {
    let mut pair = the_guide();
    assert_eq!(
        order(&mut pair, NORTH, Command::Undo),
        Err(Rejected::NothingKept)
    );
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    let task = start(&mut pair, NORTH, TaskKind::Audit, false, None);
    assert_eq!(
        order(&mut pair, NORTH, Command::Undo),
        Err(Rejected::Clearing)
    );
    assert_eq!(order(&mut pair, NORTH, Command::Abort(task)), Ok(()));
    assert_eq!(order(&mut pair, NORTH, Command::Undo), Ok(()));
}

#[test]
fn undo_has_to_end_before_it_can_begin_again_and_before_a_rebuild() {
    let mut pair = Pair::running_with(Limits {
        scan: 1,
        ..Limits::default()
    });
    for n in 0..8 {
        plant(
            pair.ledger(NORTH),
            nth(SOUTH, n),
            SOUTH,
            &format!("8{n:03}"),
        );
    }
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    assert_eq!(pair.ledger(NORTH).kept.len(), 8);
    assert_eq!(order(&mut pair, NORTH, Command::Undo), Ok(()));
    assert_eq!(
        order(&mut pair, NORTH, Command::Undo),
        Err(Rejected::Clearing)
    );
    let declined = begin(&mut pair, NORTH, TaskKind::Rebuild, false);
    assert_eq!(declined, Err(Rejected::Clearing));
    assert_eq!(begin(&mut pair, NORTH, TaskKind::Audit, true), Ok(()));
}

#[test]
fn of_two_tasks_the_one_with_the_higher_name_goes_on() {
    for (mine, goes_on) in [(76, false), (77, false), (78, true)] {
        let mut pair = the_guide();
        let begun = order(
            &mut pair,
            SOUTH,
            Command::Start {
                id: TaskId(mine),
                kind: TaskKind::Audit,
                dry: false,
                agreed: None,
                mailboxes: vec![],
            },
        );
        assert_eq!(begun, Ok(()));
        // The question of the helper is one of task 77. Mine waits for an answer, or for an administrator.
        let reply = ask(&mut pair, NORTH, question(RequestBody::Census));
        let gave_way = reply == gr_proto::ResponseBody::Closed(Outcome::GaveWay);
        assert_eq!(gave_way, goes_on, "{reply:?}");
        let last = pair.sides[SOUTH]
            .engine
            .view()
            .tasks()
            .last
            .map(|last| last.outcome);
        assert_eq!(last == Some(Outcome::GaveWay), !goes_on);
    }
}

#[test]
fn a_stopped_task_of_the_partner_stays_stopped_and_is_no_longer_shown() {
    let mut pair = the_guide();
    ask(&mut pair, NORTH, question(RequestBody::Census));
    let serving = pair.sides[SOUTH].engine.view().tasks().serving.unwrap();
    assert_eq!(serving.id, TaskId(77));
    let none = Err(Rejected::NoSuchTask);
    assert_eq!(order(&mut pair, SOUTH, Command::Abort(TaskId(78))), none);
    assert_eq!(order(&mut pair, SOUTH, Command::Abort(TaskId(77))), Ok(()));
    assert_eq!(pair.sides[SOUTH].engine.view().tasks().serving, None);
    let reply = ask(&mut pair, NORTH, question(RequestBody::Census));
    assert_eq!(reply, gr_proto::ResponseBody::Closed(Outcome::AbortedThere));
    assert_eq!(pair.sides[SOUTH].engine.view().tasks().serving, None);
}

#[test]
fn the_end_of_the_partners_task_is_heard() {
    let mut pair = the_guide();
    ask(&mut pair, NORTH, question(RequestBody::Census));
    let mut other = question(RequestBody::End(Outcome::Done));
    other.task = TaskId(5);
    ask(&mut pair, NORTH, other);
    assert!(
        pair.sides[SOUTH].engine.view().tasks().serving.is_some(),
        "the end of another"
    );
    ask(&mut pair, NORTH, question(RequestBody::End(Outcome::Done)));
    assert_eq!(pair.sides[SOUTH].engine.view().tasks().serving, None);
}

#[test]
fn a_task_that_is_open_for_more_than_a_day_ends() {
    let mut pair = the_guide();
    start(&mut pair, NORTH, TaskKind::Resync, false, None);
    pair.live(2_000);
    let began = pair.sides[NORTH]
        .engine
        .view()
        .tasks()
        .open
        .unwrap()
        .began
        .0;
    let passed = pair.now.wall.0 - began;
    pair.wait((limits::TASK_MS_MAX - passed) as u64);
    assert!(
        pair.sides[NORTH].engine.view().tasks().open.is_some(),
        "a day, and not more"
    );
    pair.wait(1);
    let last = pair.sides[NORTH].engine.view().tasks().last.unwrap();
    assert_eq!(last.outcome, Outcome::Expired);
}

#[test]
fn what_is_held_is_tried_again_when_it_is_ordered() {
    let mut pair = Pair::running();
    plant(pair.ledger(NORTH), id(1), NORTH, "7001");
    let mark = Mark {
        lane: Lane::Users,
        n: 1,
        since: pair.now.wall,
        body: false,
        unsent: false,
        recovery: false,
    };
    let at = pair.now.wall;
    let reason = Reason::CAPACITY;
    pair.ledger(NORTH)
        .set_held(&id(1), &Held { reason, at, mark })
        .unwrap();
    assert_eq!(order(&mut pair, NORTH, Command::RetryHeld), Ok(()));
    pair.settle();
    assert!(pair.ledger(NORTH).held.is_empty());
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(1)));
}

#[test]
fn a_mailbox_waits_with_its_user() {
    let mut pair = Pair::running();
    let full = ReplicationConstraints {
        users_max: Some(0),
        ..ReplicationConstraints::default()
    };
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::new(full))]);
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.change(NORTH, message(9, 1, None));
    pair.settle();
    assert_eq!(pair.ledger(NORTH).held.len(), 2);
    // Ordered while the cause is still there: the user comes back, and the mailbox has not gone ahead of it.
    assert_eq!(order(&mut pair, NORTH, Command::RetryHeld), Ok(()));
    pair.settle();
    assert_eq!(pair.ledger(NORTH).held[&id(1)].reason, Reason::CAPACITY);
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(9)));
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::default())]);
    pair.live(20_000);
    assert!(pair.ledger(NORTH).held.is_empty());
    pair.assert_equal();
}

#[test]
fn a_log_in_is_compared_once_in_half_a_minute_and_only_while_the_partner_is_running() {
    let mut pair = Pair::running();
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), NORTH, "7001");
        plant_message(pair.ledger(side), id(10), id(1));
    }
    let asked = |pair: &mut Pair| {
        pair.transact(NORTH, &[], vec![Input::LoggedIn(id(1))]);
        let said = pair.take(NORTH);
        let asked = said
            .iter()
            .any(|message| matches!(message.payload, Payload::Request(_)));
        said.into_iter()
            .for_each(|message| pair.give(SOUTH, message));
        pair.settle();
        asked
    };
    assert!(asked(&mut pair));
    pair.live(limits::LOGIN_PAUSE_MS - 500);
    assert!(!asked(&mut pair));
    pair.live(1_000);
    assert!(asked(&mut pair));
    pair.transact(NORTH, &[], vec![Input::LinkDown]);
    pair.live(limits::LOGIN_PAUSE_MS + 1_000);
    assert!(asked(&mut pair));
}

/// Without a partner nothing is marked, and courtesy down waits for nobody.
#[test]
fn a_server_without_a_partner_marks_nothing_and_goes_down_when_it_likes() {
    let config = gr_proto::Config::new(server(NORTH), None);
    let mut engine = gr_proto::Engine::new(config, domain::Incarnation(1), 7);
    let mut ledger = ledger::memory::Memory::default();
    let now = Pair::strangers().now;
    for change in [user(1, NORTH), set(1, 4, 7)] {
        assert_eq!(engine.change(now, &mut ledger, &change).unwrap(), None);
    }
    assert!(ledger.marks.is_empty());
    let down = Command::CourtesyDown { force: false };
    assert_eq!(engine.command(now, &mut ledger, down).unwrap(), Ok(()));
}
