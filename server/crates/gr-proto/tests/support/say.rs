//! Saying something to a server that its partner would not say by itself: in the place of one of the partner's heartbeats, so that
//! number, session and proof of life are right.

use super::Pair;
use domain::{Object, ObjectId};
use gr_proto::{Item, Message, Payload, Request, RequestBody, ResponseBody};
use ledger::{Reason, TaskCounts, TaskId, TaskKind};

/// Lets a side say this, and returns its number and what the other one says to it.
pub fn say(pair: &mut Pair, from: usize, payload: Payload) -> (u64, Vec<Message>) {
    pair.settle();
    let heartbeat = loop {
        pair.wait(1_000);
        let said = pair.take(from);
        let (mut heartbeats, others): (Vec<_>, Vec<_>) = said
            .into_iter()
            .partition(|m| matches!(m.payload, Payload::Heartbeat(_)));
        others
            .into_iter()
            .for_each(|message| pair.give(1 - from, message));
        pair.carry(1 - from);
        if let Some(heartbeat) = heartbeats.pop() {
            break heartbeat;
        }
    };
    pair.take(1 - from);
    let said = Message {
        payload,
        ..heartbeat
    };
    let no = said.header.no;
    pair.give(1 - from, said);
    (no, pair.take(1 - from))
}

/// Offers an item; says why it was refused.
pub fn offer(pair: &mut Pair, from: usize, item: Item) -> Option<Reason> {
    let id = item.id;
    let (no, said) = say(pair, from, Payload::Data(vec![item]));
    let ack = said.into_iter().find_map(|message| match message.payload {
        Payload::Ack(ack) => Some(ack),
        _ => None,
    });
    let refused = ack.expect("data is acknowledged").refused;
    refused
        .iter()
        .find(|refusal| (refusal.no, refusal.id) == (no, id))
        .map(|refusal| refusal.reason)
}

/// An item as it usually travels.
pub fn item(id: ObjectId, object: &Object) -> Item {
    Item {
        id,
        object: Some(object.clone()),
        with_body: false,
        piece: None,
        recovery: false,
    }
}

/// A question of a resync.
pub fn question(question: RequestBody) -> Request {
    Request {
        task: TaskId(77),
        kind: TaskKind::Resync,
        dry: false,
        agreed: false,
        counts: TaskCounts::default(),
        have: None,
        question,
    }
}

/// Lets a side ask, and returns the answer.
pub fn ask(pair: &mut Pair, from: usize, ask: Request) -> ResponseBody {
    let (_, said) = say(pair, from, Payload::Request(Box::new(ask)));
    let answer = said.into_iter().find_map(|message| match message.payload {
        Payload::Response(answer) => Some(answer.reply),
        _ => None,
    });
    answer.expect("a question is answered")
}
