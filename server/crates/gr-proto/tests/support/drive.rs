//! Driving a pair by hand: what is lost, what is changed on its way, and what was asked.

use super::{NORTH, Pair, SOUTH, is_data};
use domain::{Incarnation, ObjectId};
use gr_proto::{Input, Message, Payload, Request, RequestBody, Response};
use std::collections::{BTreeMap, BTreeSet};

/// What was said while a pair was driven.
#[derive(Default)]
pub struct Heard {
    /// What the north asked.
    pub asked: Vec<Request>,
    /// Data messages of each side.
    pub data: [usize; 2],
    /// What was in those of the north.
    pub sent: BTreeSet<ObjectId>,
}

impl Heard {
    /// The questions alone, without the word that a task has ended.
    pub fn questions(&self) -> Vec<&RequestBody> {
        let questions = self.asked.iter().map(|ask| &ask.question);
        questions
            .filter(|question| !matches!(question, RequestBody::End(_)))
            .collect()
    }
}

/// Carries everything until nobody says anything more; what the north is answered is changed by `alter` before.
pub fn settle_altered(
    pair: &mut Pair,
    mut alter: impl FnMut(&RequestBody, &mut Response),
) -> Heard {
    let mut heard = Heard::default();
    let mut questions: BTreeMap<(Incarnation, u64), RequestBody> = BTreeMap::new();
    for _ in 0..2_000 {
        let mut quiet = true;
        for from in [NORTH, SOUTH] {
            for mut message in pair.take(from) {
                quiet = false;
                heard.data[from] += usize::from(is_data(&message));
                let header = message.header;
                match &mut message.payload {
                    Payload::Data(items) if from == NORTH => {
                        heard.sent.extend(items.iter().map(|item| item.id));
                    }
                    Payload::Request(ask) if from == NORTH => {
                        questions.insert((header.from, header.no), ask.question.clone());
                        heard.asked.push((**ask).clone());
                    }
                    Payload::Response(answer) if from == SOUTH => {
                        if let Some(question) = questions.get(&(header.to, answer.to)) {
                            alter(question, answer);
                        }
                    }
                    _ => {}
                }
                pair.give(1 - from, message);
            }
        }
        if quiet {
            return heard;
        }
    }
    panic!("they never stop talking");
}

/// Carries everything until nobody says anything more.
pub fn settle_heard(pair: &mut Pair) -> Heard {
    settle_altered(pair, |_, _| {})
}

/// Carries everything but what is lost, until nobody says anything more.
pub fn settle_without(pair: &mut Pair, lost: impl Fn(&Message) -> bool) {
    for _ in 0..2_000 {
        let mut quiet = true;
        for from in [NORTH, SOUTH] {
            for message in pair.take(from).into_iter().filter(|m| !lost(m)) {
                quiet = false;
                pair.give(1 - from, message);
            }
        }
        if quiet {
            return;
        }
    }
    panic!("they never stop talking");
}

/// A message in which a side may say anything: one of its heartbeats, which nobody has heard. What `lost` picks out is lost meanwhile.
pub fn blank(pair: &mut Pair, from: usize, lost: impl Fn(&Message) -> bool) -> Message {
    loop {
        pair.wait(1_000);
        let (mut heartbeats, others): (Vec<_>, Vec<_>) = pair
            .take(from)
            .into_iter()
            .partition(|m| matches!(m.payload, Payload::Heartbeat(_)));
        for message in others.into_iter().filter(|m| !lost(m)) {
            pair.give(1 - from, message);
        }
        let back = pair.take(1 - from).into_iter().filter(|m| !lost(m));
        back.for_each(|message| pair.give(from, message));
        if let Some(heartbeat) = heartbeats.pop() {
            return heartbeat;
        }
    }
}

/// Gives a message without the bodies that should have come beside it.
pub fn give_bare(pair: &mut Pair, to: usize, message: Message) {
    let now = pair.now;
    let side = &mut pair.sides[to];
    side.ledger.begin();
    let input = Input::Received(Box::new(message));
    side.engine.handle(now, &mut side.ledger, input).unwrap();
    let outputs = side
        .engine
        .finish_transaction(now, &mut side.ledger)
        .unwrap();
    side.ledger.commit();
    for output in outputs {
        match output {
            gr_proto::Output::Send(message) => side.out.push(*message),
            other => side.said.push(other),
        }
    }
}
