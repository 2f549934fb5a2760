//! What those who show things are told: whenever it is different, and not otherwise.

use crate::forge::{advance, bad, data, good, line, met, tell};
use crate::support::guide::order;
use crate::support::say::question;
use crate::support::{NORTH, Pair};
use domain::{Hlc, Incarnation, Key, Timestamp, Value, Version, user_fields};
use gr_proto::limits::SERVING_MS;
use gr_proto::{Command, Event, Message, Output, Payload, Report, Request, RequestBody, TaskView};
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

/// The south says how far its clock is ahead, in milliseconds.
fn clock(pair: &Pair, ahead: i64) -> Payload {
    let report = Report {
        wall: Timestamp(pair.now.wall.0 + ahead),
        ..Report::default()
    };
    Payload::Heartbeat(report)
}

/// A user that is dated so many milliseconds ahead.
fn dated(pair: &Pair, n: u8, ahead: i64) -> Payload {
    let mut item = good(n);
    let version = Version {
        hlc: Hlc::at(Timestamp(pair.now.wall.0 + ahead)),
        incarnation: Incarnation(99),
    };
    let user = item.object.as_mut().unwrap();
    user.set(Key::field(user_fields::CLASS), version, Value::Int(1));
    Payload::Data(vec![item])
}

/// What goes into the log, and what is shown, of what is dated ahead, when the south says this.
fn told_of_dates(pair: &mut Pair, no: u64, payload: Payload) -> (Vec<i64>, Vec<Option<i64>>) {
    pair.sides[NORTH].said.clear();
    tell(pair, line(no, payload));
    let (mut events, mut shown) = (vec![], vec![]);
    for output in &pair.sides[NORTH].said {
        match output {
            Output::Event(Event::DatedAhead(ms)) => events.push(*ms),
            Output::Status(status) => shown.push(status.dated_ahead_ms),
            _ => {}
        }
    }
    (events, shown)
}

const HOUR: i64 = Hlc::ABSORB_MS_MAX;
const NOTHING: (Vec<i64>, Vec<Option<i64>>) = (vec![], vec![]);

/// It is told when it begins, once, and when it ends; and to the millisecond.
#[test]
fn what_is_dated_ahead_is_told_when_it_begins_and_when_it_ends() {
    let mut pair = met();
    let says = clock(&pair, 0);
    told_of_dates(&mut pair, 1, says.clone());
    let within = dated(&pair, 1, HOUR);
    assert_eq!(told_of_dates(&mut pair, 2, within), NOTHING);
    let (beyond, by) = (dated(&pair, 2, HOUR + 1), HOUR + 1);
    let begins = (vec![by], vec![Some(by)]);
    assert_eq!(told_of_dates(&mut pair, 3, beyond), begins);
    assert_eq!(told_of_dates(&mut pair, 4, says), NOTHING, "it is known");
    let explains = clock(&pair, 1);
    let ends = (vec![], vec![None]);
    assert_eq!(told_of_dates(&mut pair, 5, explains.clone()), ends);
    assert_eq!(told_of_dates(&mut pair, 6, explains), NOTHING);
}

#[test]
fn nothing_is_dated_ahead_of_a_clock_that_nobody_has_heard_of() {
    let mut pair = met();
    let beyond = dated(&pair, 1, HOUR + 1);
    let (events, shown) = told_of_dates(&mut pair, 1, beyond);
    assert!(events.is_empty() && shown.iter().all(Option::is_none));
    let says = clock(&pair, 0);
    let (events, _) = told_of_dates(&mut pair, 2, says);
    assert_eq!(events, [HOUR + 1]);
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
