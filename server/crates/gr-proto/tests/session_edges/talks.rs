//! Questions and answers at the edge of a session: what they count for, and when they are answered.

use crate::forge::{THEIRS, data, good, heartbeat, holds, line, met, tell};
use crate::support::guide::order;
use crate::support::say::question;
use crate::support::{NORTH, Pair};
use gr_proto::{Command, Message, Payload, Report, RequestBody, Response, ResponseBody};
use ledger::TaskId;

fn answers(reply: ResponseBody) -> Payload {
    Payload::Response(Box::new(Response {
        task: TaskId(5),
        to: 0,
        reply,
        report: Report::default(),
    }))
}

/// A list tells of a later state than what was said before it; other answers do not.
#[test]
fn what_a_list_has_overtaken_is_dropped_and_what_another_answer_has_is_not() {
    let mut pair = met();
    tell(&mut pair, line(3, answers(ResponseBody::Done(0))));
    tell(&mut pair, data(2, vec![good(2)]));
    assert!(holds(&pair, 2));
    tell(&mut pair, line(6, answers(ResponseBody::Lists(vec![]))));
    assert!(tell(&mut pair, data(5, vec![good(5)])).is_empty());
    assert!(!holds(&pair, 5));
}

fn asked(no: u64, what: RequestBody) -> Message {
    line(no, Payload::Request(Box::new(question(what))))
}

fn is_answer(message: &Message) -> bool {
    matches!(message.payload, Payload::Response(_))
}

/// Deleting is a change; looking is not.
#[test]
fn a_question_that_deletes_is_part_of_the_past_and_others_are_not() {
    let mut pair = met();
    let state = |pair: &mut Pair| {
        let state = &pair.ledger(NORTH).state;
        let known = state.known.expect("it was met");
        (state.csn, known.csn)
    };
    let before = state(&mut pair);
    let mut census = asked(1, RequestBody::Census);
    census.header.csn = 30;
    assert!(tell(&mut pair, census).iter().any(is_answer));
    assert_eq!(state(&mut pair), before);
    let mut forget = asked(2, RequestBody::Forget(vec![]));
    forget.header.csn = 31;
    assert!(tell(&mut pair, forget).iter().any(is_answer));
    assert_eq!(state(&mut pair), (before.0 + 1, 31));
    assert_eq!(
        pair.ledger(NORTH).state.known.map(|k| k.incarnation),
        Some(THEIRS)
    );
}

#[test]
fn out_of_service_nothing_is_answered_and_nothing_listed() {
    let mut pair = met();
    let down = Command::CourtesyDown { force: true };
    assert_eq!(order(&mut pair, NORTH, down), Ok(()));
    let is_list = |m: &Message| matches!(m.payload, Payload::List(_));
    let silent = |said: Vec<Message>| !said.iter().any(|m| is_answer(m) || is_list(m));
    assert!(silent(tell(&mut pair, asked(1, RequestBody::Census))));
    let mut back = heartbeat(&pair, 2, 0);
    back.header.rolled_back = true;
    assert!(silent(tell(&mut pair, back)));
    assert!(pair.ledger(NORTH).state.partner_rolled_back);
    assert_eq!(order(&mut pair, NORTH, Command::CourtesyUp), Ok(()));
    let said = pair.take(NORTH);
    assert!(said.iter().any(is_answer), "now it is");
    assert!(said.iter().any(is_list));
}
