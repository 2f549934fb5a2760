//! What those who show things are told: whenever it is different, and not otherwise.

use crate::forge::{advance, bad, data, line, met, tell};
use crate::support::guide::order;
use crate::support::say::question;
use crate::support::{NORTH, Pair};
use domain::Timestamp;
use gr_proto::limits::SERVING_MS;
use gr_proto::{Command, Message, Output, Payload, Report, Request, RequestBody, TaskView};
use ledger::{Outcome, TaskId, TaskKind};

/// What was last told of tasks, and how often; forgets it.
fn told(pair: &mut Pair) -> (Option<TaskView>, usize) {
    let said = std::mem::take(&mut pair.sides[NORTH].said).into_iter();
    let views: Vec<_> = said
        .filter_map(|output| match output {
            Output::Task(view) => Some(*view),
            _ => None,
        })
        .collect();
    (views.last().cloned(), views.len())
}

/// It has just been told, once, how tasks are.
fn assert_told(pair: &mut Pair) -> TaskView {
    let now = pair.sides[NORTH].engine.view().tasks();
    assert_eq!(told(pair), (Some(now.clone()), 1));
    now
}

fn audit(id: u64) -> Command {
    Command::Start {
        id: TaskId(id),
        kind: TaskKind::Audit,
        dry: false,
        agreed: None,
        mailboxes: vec![],
    }
}

#[test]
fn whatever_changes_of_tasks_is_told() {
    let mut pair = met();
    told(&mut pair);
    assert_eq!(order(&mut pair, NORTH, audit(5)), Ok(()));
    assert!(assert_told(&mut pair).open.is_some());
    pair.take(NORTH);
    assert_eq!(order(&mut pair, NORTH, Command::Abort(TaskId(5))), Ok(()));
    let ended = |m: &Message| matches!(&m.payload, Payload::Request(ask) if ask.question == RequestBody::End(Outcome::Aborted));
    assert!(pair.take(NORTH).iter().any(ended), "so is the partner");
    assert_eq!(
        assert_told(&mut pair).last.map(|last| last.id),
        Some(TaskId(5))
    );
    advance(&mut pair, 1_000);
    assert_eq!(told(&mut pair), (None, 0));
    // Begun and ended in one transaction: only what it came to is new.
    let now = pair.now;
    let north = &mut pair.sides[NORTH];
    for order in [audit(6), Command::Abort(TaskId(6))] {
        let done = north.engine.command(now, &mut north.ledger, order).unwrap();
        assert_eq!(done, Ok(()));
    }
    pair.tick(NORTH);
    assert_eq!(
        assert_told(&mut pair).last.map(|last| last.id),
        Some(TaskId(6))
    );
    // The partner's task, until it has ended or was not heard of for long.
    let asks = |question_: RequestBody| {
        let ask: Request = question(question_);
        Payload::Request(Box::new(ask))
    };
    tell(&mut pair, line(1, asks(RequestBody::Census)));
    assert!(assert_told(&mut pair).serving.is_some());
    tell(&mut pair, line(2, asks(RequestBody::End(Outcome::Done))));
    assert_eq!(assert_told(&mut pair).serving, None);
    tell(&mut pair, line(3, asks(RequestBody::Census)));
    assert!(assert_told(&mut pair).serving.is_some());
    advance(&mut pair, SERVING_MS);
    assert_eq!(assert_told(&mut pair).serving, None);
}

#[test]
fn what_is_refused_is_told_and_that_it_has_come() {
    let mut pair = met();
    told(&mut pair);
    tell(&mut pair, data(1, vec![bad(1)]));
    assert_eq!(assert_told(&mut pair).refused.len(), 1);
}

/// Time on the way makes it vary; only a leap is news.
#[test]
fn a_leap_of_the_partners_clock_is_told() {
    let mut pair = met();
    let mut told = |no, ahead: i64| {
        pair.sides[NORTH].said.clear();
        let report = Report {
            wall: Timestamp(pair.now.wall.0 + ahead),
            ..Report::default()
        };
        tell(&mut pair, line(no, Payload::Heartbeat(report)));
        let said = &pair.sides[NORTH].said;
        said.iter().find_map(|output| match output {
            Output::Status(status) => status.clock_difference_ms,
            _ => None,
        })
    };
    assert_eq!(told(1, 0), Some(0));
    assert_eq!(told(2, 5_000), None);
    assert_eq!(told(3, 5_001), Some(5_001));
    assert_eq!(told(4, 1), None);
    assert_eq!(told(5, 0), Some(0));
}
