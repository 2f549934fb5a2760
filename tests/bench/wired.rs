//! Two engines in one process, wired to each other without a network, over whatever ledgers.

use crate::stock::{acquainted, server};
use domain::{Change, Incarnation, Timestamp};
use gr_proto::{
    Command, Config, Engine, Input, Message, Mono, Now, Output, PartnerState, Payload, RequestBody,
    wire,
};
use ledger::memory::Memory;
use ledger::{Ledger, Outcome, TaskId, TaskKind, TaskReport};
use store::Writer;

/// Where a server keeps everything.
pub trait Place {
    /// One transaction, committed.
    fn transact<R>(&mut self, work: impl FnOnce(&mut dyn Ledger) -> R) -> R;
}

impl Place for Memory {
    fn transact<R>(&mut self, work: impl FnOnce(&mut dyn Ledger) -> R) -> R {
        self.begin();
        let result = work(self);
        self.commit();
        result
    }
}

impl Place for Writer {
    fn transact<R>(&mut self, work: impl FnOnce(&mut dyn Ledger) -> R) -> R {
        let mut tx = self.begin().expect("the store is sound");
        let result = work(&mut tx);
        tx.commit().expect("the store is sound");
        result
    }
}

/// A pair.
pub struct Wired<P> {
    pub places: [P; 2],
    engines: [Engine; 2],
    /// What each has sent and the other has not been given.
    sent: [Vec<Message>; 2],
    now: Now,
    /// Changes made and messages handled.
    pub events: u64,
}

/// What went over the wire for a task, in both directions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    pub bytes: usize,
    /// Questions that had to be answered before the next could be asked.
    pub rounds: usize,
}

impl<P: Place> Wired<P> {
    /// Two servers in session that know each other.
    pub fn running(mut places: [P; 2]) -> Self {
        for (side, place) in places.iter_mut().enumerate() {
            place
                .transact(|ledger| acquainted(ledger, side))
                .expect("a sound ledger");
        }
        let engine = |side| {
            let config = Config::new(server(side), Some(server(1 - side)));
            Engine::new(config, Incarnation(1 + side as u64), 7 + side as u64)
        };
        let mut pair = Self {
            places,
            engines: [engine(0), engine(1)],
            sent: Default::default(),
            now: Now {
                wall: Timestamp(1_700_000_000_000),
                mono: Mono(1_000),
            },
            events: 0,
        };
        pair.transact(0, &[], None);
        pair.settle(|_| {});
        for engine in &pair.engines {
            assert_eq!(engine.view().status().state, PartnerState::Running);
        }
        pair
    }

    /// One transaction of one side, with these changes and perhaps a message.
    pub fn transact(&mut self, side: usize, changes: &[Change], message: Option<Message>) {
        let (engine, now) = (&mut self.engines[side], self.now);
        self.events += changes.len() as u64 + u64::from(message.is_some());
        let done = self.places[side].transact(|ledger| {
            for change in changes {
                engine.change(now, ledger, change)?;
            }
            if let Some(message) = message {
                engine.handle(now, ledger, Input::Received(Box::new(message)))?;
            }
            engine.finish_transaction(now, ledger)
        });
        let outputs = done.expect("a sound ledger");
        for output in outputs {
            if let Output::Send(message) = output {
                self.sent[side].push(*message);
            }
        }
    }

    /// Carries everything until nobody says anything more, and shows each message to `watch`.
    pub fn settle(&mut self, mut watch: impl FnMut(&Message)) {
        while self.sent.iter().any(|sent| !sent.is_empty()) {
            for side in [0, 1] {
                for message in std::mem::take(&mut self.sent[side]) {
                    watch(&message);
                    self.transact(1 - side, &[], Some(message));
                }
            }
        }
    }

    /// Lets time pass, on both clocks.
    pub fn wait(&mut self, ms: u64) {
        self.now.mono = self.now.mono.plus(ms);
        self.now.wall.0 += ms as i64;
    }

    /// Runs a dry resync, driven by the first: everything is compared, and nothing is marked.
    pub fn compare(&mut self) -> (TaskReport, Traffic) {
        self.wait(1);
        let id = TaskId(self.now.mono.0);
        let order = Command::Start {
            id,
            kind: TaskKind::Resync,
            dry: true,
            agreed: None,
            mailboxes: Vec::new(),
        };
        let (engine, now) = (&mut self.engines[0], self.now);
        let ordered = self.places[0].transact(|ledger| engine.command(now, ledger, order));
        ordered.expect("a sound ledger").expect("it may begin");
        self.transact(0, &[], None);
        let mut traffic = Traffic::default();
        self.settle(|message| {
            traffic.bytes += wire::encode(message).len();
            let asks = |ask: &gr_proto::Request| !matches!(ask.question, RequestBody::End(_));
            let asked = matches!(&message.payload, Payload::Request(ask) if asks(ask));
            traffic.rounds += usize::from(asked);
        });
        let report = self.engines[0].view().tasks().last.expect("it has ended");
        assert_eq!((report.id, report.outcome), (id, Outcome::Done));
        (report, traffic)
    }
}
