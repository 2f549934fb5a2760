//! Two engines wired by hand: every message is carried, kept or lost by the test.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod counted;
pub mod damaged;
pub mod drive;
pub mod guide;
pub mod say;
pub mod staged;

use domain::{
    BodyRef, Change, Incarnation, Key, Kind, ObjectId, ServerId, Timestamp, Value, user_fields,
};
use gr_proto::{Command, Config, Input, Limits, Message, Mono, Now, Output, PartnerState, Payload};
use ledger::memory::Memory;

pub const NORTH: usize = 0;
pub const SOUTH: usize = 1;

/// One server: its engine, its ledger, and what came out.
pub struct Side {
    pub engine: gr_proto::Engine,
    pub ledger: Memory,
    /// Messages that have been sent and not carried yet.
    pub out: Vec<Message>,
    /// Everything else that came out.
    pub said: Vec<Output>,
}

/// A pair, and the time on both.
pub struct Pair {
    pub sides: [Side; 2],
    pub now: Now,
    limits: Limits,
    /// The wall clock of each side is ahead by so many milliseconds.
    pub ahead: [i64; 2],
    incarnations: u64,
}

pub fn server(side: usize) -> ServerId {
    ServerId(100 + side as u64)
}

pub fn id(n: u8) -> ObjectId {
    ObjectId::from_bytes([n; 16])
}

pub fn user(n: u8, home: usize) -> Change {
    let registers = vec![
        (Key::field(user_fields::HOME), server(home).into()),
        (
            Key::field(user_fields::NAME),
            Value::Text(format!("user {n}")),
        ),
    ];
    Change::Create {
        id: id(n),
        kind: Kind::USER,
        owner: None,
        body: None,
        registers,
    }
}

pub fn message(n: u8, owner: u8, body: Option<BodyRef>) -> Change {
    let registers = vec![(Key::field(1), Value::Bool(true))];
    Change::Create {
        id: id(n),
        kind: Kind::MESSAGE,
        owner: Some(id(owner)),
        body,
        registers,
    }
}

pub fn set(n: u8, field: u16, value: i64) -> Change {
    Change::Set {
        id: id(n),
        registers: vec![(Key::field(field), Value::Int(value))],
    }
}

pub fn delete(n: u8) -> Change {
    Change::Delete { id: id(n) }
}

impl Pair {
    /// Two servers that have not met.
    pub fn strangers() -> Self {
        Self::strangers_with(Limits::default())
    }

    /// The same, with other limits.
    pub fn strangers_with(limits: Limits) -> Self {
        let now = Now {
            wall: Timestamp(1_700_000_000_000),
            mono: Mono(1_000),
        };
        let side = |side: usize, ledger| Side {
            engine: gr_proto::Engine::new(
                Config {
                    limits,
                    ..Config::new(server(side), Some(server(1 - side)))
                },
                Incarnation(1 + side as u64),
                7 + side as u64,
            ),
            ledger,
            out: Vec::new(),
            said: Vec::new(),
        };
        let sides = [
            side(NORTH, Memory::default()),
            side(SOUTH, Memory::default()),
        ];
        Self {
            sides,
            now,
            limits,
            ahead: [0, 0],
            incarnations: 2,
        }
    }

    /// Two servers that are running.
    pub fn running() -> Self {
        Self::running_with(Limits::default())
    }

    /// The same, with other limits.
    pub fn running_with(limits: Limits) -> Self {
        let mut pair = Self::strangers_with(limits);
        pair.tick(NORTH);
        pair.settle();
        assert_eq!(pair.state(NORTH), PartnerState::Running);
        assert_eq!(pair.state(SOUTH), PartnerState::Running);
        pair
    }

    /// The present moment, as the clocks of a side show it.
    fn now_of(&self, side: usize) -> Now {
        let wall = Timestamp(self.now.wall.0 + self.ahead[side]);
        Now { wall, ..self.now }
    }

    /// One transaction.
    pub fn transact(
        &mut self,
        side: usize,
        changes: &[Change],
        inputs: Vec<Input>,
    ) -> Vec<Option<u64>> {
        let now = self.now_of(side);
        let Side {
            engine,
            ledger,
            out,
            said,
        } = &mut self.sides[side];
        ledger.begin();
        let numbers = changes
            .iter()
            .map(|c| engine.change(now, ledger, c).unwrap())
            .collect();
        for input in inputs {
            if let Input::Received(message) = &input {
                message
                    .bodies()
                    .into_iter()
                    .for_each(|body| ledger.receive_body(body));
                for (body, piece) in message.pieces() {
                    ledger.receive_piece(body, piece.at, piece.len);
                }
            }
            engine.handle(now, ledger, input).unwrap();
        }
        let outputs = engine.finish_transaction(now, ledger).unwrap();
        ledger.commit();
        for output in outputs {
            match output {
                Output::Send(message) => {
                    let bytes = gr_proto::wire::encode(&message);
                    assert_eq!(gr_proto::wire::decode(&bytes).unwrap(), *message);
                    out.push(*message);
                }
                other => said.push(other),
            }
        }
        numbers
    }

    pub fn change(&mut self, side: usize, change: Change) -> Option<u64> {
        self.transact(side, &[change], vec![])[0]
    }

    pub fn tick(&mut self, side: usize) {
        self.transact(side, &[], vec![]);
    }

    pub fn give(&mut self, side: usize, message: Message) {
        self.transact(side, &[], vec![Input::Received(Box::new(message))]);
    }

    /// An administrator's order, which is carried out.
    pub fn order(&mut self, side: usize, order: Command) {
        let now = self.now_of(side);
        let Side { engine, ledger, .. } = &mut self.sides[side];
        engine.command(now, ledger, order).unwrap().unwrap();
        self.tick(side);
    }

    /// Lets days pass on both clocks, with both servers alive.
    pub fn days(&mut self, days: u64) {
        for _ in 0..days * 86_400 / 15 {
            self.wait(15_000);
            self.settle();
        }
    }

    /// Takes what a side has sent and was not carried.
    pub fn take(&mut self, side: usize) -> Vec<Message> {
        std::mem::take(&mut self.sides[side].out)
    }

    /// Carries everything that a side has sent; returns how much it was.
    pub fn carry(&mut self, from: usize) -> usize {
        let messages = self.take(from);
        let count = messages.len();
        for message in messages {
            self.give(1 - from, message);
        }
        count
    }

    /// Carries everything until nobody says anything more; returns how many messages it took.
    pub fn settle(&mut self) -> usize {
        let mut count = 0;
        loop {
            let carried = self.carry(NORTH) + self.carry(SOUTH);
            count += carried;
            assert!(count < 5_000, "they never stop talking");
            if carried == 0 {
                return count;
            }
        }
    }

    /// Lets time pass, on both clocks.
    pub fn wait(&mut self, ms: u64) {
        self.now.mono = self.now.mono.plus(ms);
        self.now.wall.0 += ms as i64;
        self.tick(NORTH);
        self.tick(SOUTH);
    }

    /// Lets time pass, carrying everything, each time somebody wants to wake.
    pub fn live(&mut self, ms: u64) {
        let end = self.now.mono.plus(ms);
        while self.now.mono < end {
            self.wait(500);
            self.settle();
        }
    }

    /// The process dies and starts again.
    pub fn restart(&mut self, side: usize) {
        self.incarnations += 1;
        let config = Config {
            limits: self.limits,
            ..Config::new(server(side), Some(server(1 - side)))
        };
        self.sides[side].engine =
            gr_proto::Engine::new(config, Incarnation(self.incarnations), self.incarnations);
        self.sides[side].out.clear();
    }

    pub fn state(&self, side: usize) -> PartnerState {
        self.sides[side].engine.view().status().state
    }

    pub fn ledger(&mut self, side: usize) -> &mut Memory {
        &mut self.sides[side].ledger
    }

    /// Both hold the same, and nobody owes anybody anything.
    pub fn assert_equal(&self) {
        let [north, south] = &self.sides;
        assert_eq!(north.ledger.objects, south.ledger.objects);
        for side in [north, south] {
            assert!(
                side.ledger.marks.is_empty(),
                "marks: {:?}",
                side.ledger.marks
            );
            assert!(
                side.ledger.tombstones.is_empty(),
                "tombstones: {:?}",
                side.ledger.tombstones
            );
        }
    }
}

pub fn is_data(message: &Message) -> bool {
    matches!(message.payload, Payload::Data(_))
}

pub fn is_ack(message: &Message) -> bool {
    matches!(message.payload, Payload::Ack(_))
}
