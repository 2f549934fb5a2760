//! A task from its order to its end, and what went over the wire meanwhile.

use super::support::{NORTH, Pair, SOUTH};
use gr_proto::{Command, Message, Payload, RequestBody};
use ledger::{Deletions, Outcome, TaskId, TaskKind, TaskReport};

/// What went over the wire, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of all messages.
    pub bytes: usize,
    /// Bytes of questions and answers: the same without the objects that travel and their acknowledgements.
    pub requests: usize,
    /// Questions that had to be answered before the next could be asked.
    pub rounds: usize,
    /// How long it took on a network without delay, in milliseconds: waiting for each other.
    pub waited_ms: u64,
}

impl Traffic {
    fn count(&mut self, message: &Message) {
        let bytes = gr_proto::wire::encode(message).len();
        self.bytes += bytes;
        match &message.payload {
            Payload::Request(ask) => {
                self.requests += bytes;
                self.rounds += usize::from(!matches!(ask.question, RequestBody::End(_)));
            }
            Payload::Response(_) => self.requests += bytes,
            _ => {}
        }
    }
}

/// Runs a task that one side drives to its end, and until all is quiet.
pub fn run(
    pair: &mut Pair,
    driver: usize,
    kind: TaskKind,
    agreed: Option<Deletions>,
    dry: bool,
) -> (TaskReport, Traffic) {
    let id = TaskId(pair.now.mono.0);
    let order = Command::Start {
        id,
        kind,
        dry,
        agreed,
        mailboxes: Vec::new(),
    };
    let now = pair.now;
    let side = &mut pair.sides[driver];
    let ordered = side.engine.command(now, &mut side.ledger, order);
    ordered.unwrap().expect("the task may begin");
    pair.tick(driver);
    let began = pair.now.mono;
    let mut traffic = Traffic::default();
    for _ in 0..1_000 {
        let quiet = carry(pair, NORTH, &mut traffic) + carry(pair, SOUTH, &mut traffic) == 0;
        let open = pair.sides[driver].engine.view().tasks().open.is_some();
        if quiet && open {
            pair.wait(500);
        } else if quiet {
            let report = pair.sides[driver].engine.view().tasks().last.unwrap();
            traffic.waited_ms = pair.now.mono.since(began);
            assert_eq!((report.id, report.outcome), (id, Outcome::Done));
            return (report, traffic);
        }
    }
    panic!(
        "it never ends: {:?}",
        pair.sides[driver].engine.view().tasks()
    );
}

fn carry(pair: &mut Pair, from: usize, traffic: &mut Traffic) -> usize {
    let messages = pair.take(from);
    let count = messages.len();
    for message in messages {
        traffic.count(&message);
        pair.give(1 - from, message);
    }
    count
}
