//! One history: two servers, the mail between them, and time.

use crate::dials::Dials;
use crate::dice::Dice;
use crate::net::{Mail, Net};
use crate::node::{NAMES, Node};
use crate::oracle::{Failure, Oracle, failed};
use crate::sometimes::{Counters, Sometimes};
use crate::users;
use domain::{Change, Ledger, ObjectId};
use gr_proto::{Event, Input, Message, Output, PartnerState, Payload, Reason, Rules};
use std::collections::BTreeMap;

/// How a history is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Write down what happens.
    pub story: bool,
    /// The rules of the engines.
    pub rules: Rules,
    /// Break rule E3 in the driver: messages leave before the commit.
    pub leave_early: bool,
}

/// What a history came to.
#[derive(Debug)]
pub struct Outcome {
    /// The check that failed, if one did.
    pub result: Result<(), Failure>,
    /// A hash of everything that happened.
    pub trace: u64,
    pub counters: Counters,
    pub story: Vec<String>,
    /// Transactions.
    pub steps: u64,
}

/// A history that does not end within so many transactions never comes to rest.
const STEPS_MAX: u64 = 100_000;
/// After the faults have ended, the pair must be quiet within this time: the longest retransmission time, and some.
const QUIET_WITHIN_MS: u64 = 1_500_000;

struct World {
    options: Options,
    dice: Dice,
    dials: Dials,
    time: u64,
    nodes: [Node; 2],
    net: Net,
    oracle: Oracle,
    counters: Counters,
    trace: u64,
    story: Vec<String>,
    steps: u64,
    serial: u64,
    /// The number of the change with which an object was last sent.
    sent_as: [BTreeMap<ObjectId, u64>; 2],
}

/// Runs the history of a seed.
pub fn run(seed: u64, options: Options) -> Outcome {
    let mut dice = Dice::new(seed);
    let dials = Dials::draw(&mut dice);
    let mut world = World {
        options,
        dice,
        dials,
        time: 1_000,
        nodes: [Node::new(0), Node::new(1)],
        net: Net::default(),
        oracle: Oracle::default(),
        counters: Counters::default(),
        trace: seed,
        story: Vec::new(),
        steps: 0,
        serial: 0,
        sent_as: [BTreeMap::new(), BTreeMap::new()],
    };
    let dials = format!("{:?}", world.dials);
    world.tell(|| dials);
    let result = world.live();
    let World {
        trace,
        counters,
        story,
        steps,
        ..
    } = world;
    Outcome {
        result,
        trace,
        counters,
        story,
        steps,
    }
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    LostBeforeCommit,
    /// The process dies after this many of its messages have left.
    DiedAfter(usize),
}

impl World {
    fn live(&mut self) -> Result<(), Failure> {
        for _ in 0..self.dials.actions {
            let pause = if self.dice.chance(40) { 20 } else { 1 };
            let until = self.time + self.dice.below(self.dials.pause_ms * pause);
            self.pass(until)?;
            self.time = until.max(self.time);
            self.trouble()?;
            self.somebody_acts()?;
        }
        self.tell(|| "the faults end".to_owned());
        self.net.heal();
        self.become_quiet()?;
        self.tell(|| "all late mail arrives".to_owned());
        self.net.flush(self.time);
        let until = self.time + 10;
        self.pass(until)?;
        self.become_quiet()?;
        self.rest()
    }

    /// Lets things happen until a time.
    fn pass(&mut self, until: u64) -> Result<(), Failure> {
        let mut still = 0;
        loop {
            let mail = self.net.next_at();
            let wakes = [0, 1].map(|side| self.nodes[side].next_at(self.time));
            let next = [mail, wakes[0], wakes[1]].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= until) else {
                return Ok(());
            };
            still = if next > self.time { 0 } else { still + 1 };
            if still > 5_000 || self.steps > STEPS_MAX {
                return failed("they come to rest", format!("at {} ms", self.time));
            }
            self.time = self.time.max(next);
            if mail == Some(next) {
                self.deliver()?;
            } else {
                let side = usize::from(wakes[0] != Some(next));
                self.wake(side)?;
            }
            self.honest()?;
        }
    }

    fn deliver(&mut self) -> Result<(), Failure> {
        let Some(mail) = self.net.arrived(self.time, &mut self.counters) else {
            return Ok(());
        };
        let to = mail.to;
        let mut mails = vec![mail];
        while self.dice.chance(self.dials.group)
            && let Some(mail) = self.net.arrived_for(self.time, to, &mut self.counters)
        {
            mails.push(mail);
        }
        if self.nodes[to].engine.is_none() {
            return Ok(()); // nobody opens the door
        }
        self.transact(to, vec![], mails, vec![])
    }

    fn wake(&mut self, side: usize) -> Result<(), Failure> {
        if self.nodes[side].engine.is_none() {
            let life = self.dice.roll();
            let (timers, rules) = (self.dials.timers, self.options.rules);
            self.tell(|| format!("{} starts", NAMES[side]));
            self.nodes[side].start(self.time, life, timers, rules);
        }
        self.transact(side, vec![], vec![], vec![])
    }

    /// Faults that come from neither mail nor transactions.
    fn trouble(&mut self) -> Result<(), Failure> {
        if self.dice.chance(self.dials.old_copy) {
            self.net
                .deliver_old(self.time, &mut self.dice, &mut self.counters);
        }
        if self.dice.chance(self.dials.partition) {
            let length = self
                .dice
                .below([500, 5_000, 100_000, 400_000][self.dice.clone().below(4) as usize]);
            let until = self.time + length;
            let first = self.dice.below(2) as usize;
            self.net.cut(first, until);
            if self.dice.chance(700) {
                self.net.cut(1 - first, until);
            }
            self.tell(|| format!("the way to {} is cut for {length} ms", NAMES[first]));
            self.link(Input::LinkDown, Sometimes::LinkDown)?;
        }
        if self.dice.chance(self.dials.partition) {
            self.link(Input::LinkUp, Sometimes::LinkUp)?;
        }
        let side = self.dice.below(2) as usize;
        if self.dice.chance(self.dials.clock) {
            self.counters.hit(Sometimes::ClockJump);
            let far = [1_000, 3_600_000, 86_400_000, 315_360_000_000][self.dice.below(4) as usize];
            let offset = self.dice.below(2 * far) as i64 - far as i64;
            self.nodes[side].wall_offset = offset;
            self.tell(|| format!("the clock of {} is {offset} ms ahead", NAMES[side]));
        }
        if self.dice.chance(self.dials.crash) && self.nodes[side].engine.is_some() {
            self.counters.hit(Sometimes::CrashIdle);
            self.kill(side);
        }
        Ok(())
    }

    fn link(&mut self, input: Input, what: Sometimes) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        if self.nodes[side].engine.is_none() || self.dice.chance(500) {
            return Ok(());
        }
        self.counters.hit(what);
        self.transact(side, vec![], vec![], vec![input])
    }

    fn kill(&mut self, side: usize) {
        let pause = self
            .dice
            .below([50, 3_000, 400_000][self.dice.clone().below(3) as usize]);
        self.nodes[side].die(self.time, self.time + pause);
        self.tell(|| format!("{} dies for {pause} ms", NAMES[side]));
    }

    fn somebody_acts(&mut self) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        if self.nodes[side].engine.is_none() {
            return Ok(());
        }
        let mut changes = Vec::new();
        loop {
            self.serial += 1;
            let (ledger, oracle) = (&mut self.nodes[side].ledger, &mut self.oracle);
            let dials = &self.dials;
            changes.extend(users::act(
                side,
                self.serial,
                ledger,
                oracle,
                dials,
                &mut self.dice,
            ));
            if !self.dice.chance(self.dials.group) {
                break;
            }
        }
        self.transact(side, changes, vec![], vec![])
    }

    // --- one transaction of a server, exactly as a driver does it

    fn transact(
        &mut self,
        side: usize,
        changes: Vec<Change>,
        mails: Vec<Mail>,
        inputs: Vec<Input>,
    ) -> Result<(), Failure> {
        self.steps += 1;
        if changes.len() + mails.len() + inputs.len() > 1 {
            self.counters.hit(Sometimes::Grouped);
        }
        let fate = self.fate();
        self.mix(
            side as u64,
            changes.len() as u64,
            mails.len() as u64,
            fate != Fate::Kept,
        );
        let now = self.nodes[side].now(self.time);
        let Some(mut engine) = self.nodes[side].engine.take() else {
            return Ok(());
        };
        let mut facts = Vec::new();
        let only = (mails.len() == 1).then(|| mails[0].message.clone());
        let before = self.before(side, only.as_ref());
        self.nodes[side].ledger.begin();
        for change in changes {
            let ledger = &mut self.nodes[side].ledger;
            let n = engine
                .change(now, ledger, &change)
                .expect("memory does not fail");
            let object = ledger.object(&change.id()).expect("memory does not fail");
            if let (Change::Set { id, registers }, Some(object)) = (&change, &object)
                && let Some((key, _)) = registers
                    .iter()
                    .find(|(key, value)| object.get(*key) != Some(value))
            {
                return failed("a local write takes effect", format!("{id} {key:?}"));
            }
            self.tell(|| format!("{}: {change:?} is change {n:?}", NAMES[side]));
            facts.push((change, n, object));
        }
        for mail in mails {
            self.tell(|| format!("{} gets {}", NAMES[side], brief(&mail.message)));
            let ledger = &mut self.nodes[side].ledger;
            if mail.bodies {
                mail.message
                    .bodies()
                    .into_iter()
                    .for_each(|body| ledger.receive_body(body));
            }
            let input = Input::Received(Box::new(mail.message));
            engine
                .handle(now, ledger, input)
                .expect("memory does not fail");
        }
        for input in inputs {
            self.tell(|| format!("{}: {input:?}", NAMES[side]));
            let ledger = &mut self.nodes[side].ledger;
            engine
                .handle(now, ledger, input)
                .expect("memory does not fail");
        }
        engine
            .pump(now, &mut self.nodes[side].ledger)
            .expect("memory does not fail");
        let mut outputs = Vec::new();
        while let Some(output) = engine.poll() {
            outputs.push(output);
        }
        if fate == Fate::LostBeforeCommit {
            self.counters.hit(Sometimes::CrashBeforeCommit);
            self.tell(|| format!("{} dies before the commit", NAMES[side]));
            self.nodes[side].ledger.roll_back();
            if self.options.leave_early {
                self.leave(side, outputs, usize::MAX, engine.status().state)?;
            }
            self.kill(side);
            return Ok(());
        }
        self.nodes[side].ledger.commit();
        self.record(side, facts);
        self.compare(side, before, only.as_ref());
        let (life, state) = (engine.life(), engine.status().state);
        self.nodes[side].engine = Some(engine);
        if self.nodes[side]
            .lives
            .last()
            .is_some_and(|(last, _)| *last != life)
        {
            self.nodes[side].end_life(self.time);
            self.nodes[side].lives.push((life, None));
        }
        let sends = if let Fate::DiedAfter(n) = fate {
            n
        } else {
            usize::MAX
        };
        self.leave(side, outputs, sends, state)?;
        if fate != Fate::Kept {
            self.counters.hit(Sometimes::CrashAfterCommit);
            self.kill(side);
        }
        if self.steps % 16 == 0 {
            self.oracle
                .marked([&self.nodes[0].ledger, &self.nodes[1].ledger])?;
        }
        Ok(())
    }

    fn fate(&mut self) -> Fate {
        if self.net.good || !self.dice.chance(self.dials.crash) {
            return Fate::Kept;
        }
        match self.dice.below(3) {
            0 => Fate::DiedAfter(self.dice.below(3) as usize),
            _ => Fate::LostBeforeCommit,
        }
    }

    fn record(&mut self, side: usize, facts: Vec<(Change, Option<u64>, Option<domain::Object>)>) {
        for (change, n, object) in facts {
            let id = change.id();
            match &change {
                Change::Create { owner, .. } if object.is_some() => {
                    self.oracle.born.insert(id, *owner);
                }
                Change::Create { .. } => continue, // for a user deleted just before
                Change::Delete { .. } => {
                    if self.oracle.deleted.insert(id) && object.is_none() {
                        self.count_deletion(side, id, n);
                    }
                }
                Change::Set { registers, .. } => {
                    let partner = &self.nodes[1 - side].ledger;
                    let theirs = partner.objects.get(&id);
                    if theirs.is_some_and(|o| {
                        partner.marks.contains_key(&id)
                            && registers.iter().any(|(key, value)| {
                                o.version(*key).hlc.0 > 0 && o.get(*key) != Some(value)
                            })
                    }) {
                        self.counters.hit(Sometimes::SameRegister);
                    }
                }
            }
            self.oracle.committed(side, id, n, object.as_ref());
        }
    }

    fn count_deletion(&mut self, side: usize, id: ObjectId, n: Option<u64>) {
        if n.is_none() {
            self.counters.hit(Sometimes::Unheard);
        }
        if self.nodes[1 - side].ledger.marks.contains_key(&id) {
            self.counters.hit(Sometimes::DeletedMeanwhile);
        }
        if self.oracle.born.values().any(|owner| *owner == Some(id)) {
            self.counters.hit(Sometimes::UserDeleted);
        }
    }

    /// Tombs and tick before a transaction with one message, to see what it does.
    fn before(&self, side: usize, only: Option<&Message>) -> (usize, u64) {
        let ledger = &self.nodes[side].ledger;
        if only.is_some() {
            (ledger.tombs.len(), ledger.state.tick)
        } else {
            (0, 0)
        }
    }

    fn compare(&mut self, side: usize, before: (usize, u64), only: Option<&Message>) {
        let Some(message) = only else { return };
        let Payload::Data(items) = &message.payload else {
            return;
        };
        let ledger = &self.nodes[side].ledger;
        if ledger.tombs.len() > before.0 {
            self.counters.hit(Sometimes::GraveAnswered);
        }
        let mine = self.nodes[side].lives.last().map(|(life, _)| *life);
        if ledger.state.tick == before.1 && mine == Some(message.header.to) {
            self.counters.hit(Sometimes::DroppedOld);
        }
        let orphan = items.iter().filter_map(|item| item.object.as_ref()?.owner);
        if orphan.into_iter().any(|owner| {
            !ledger.objects.contains_key(&owner) && !ledger.graves.contains_key(&owner)
        }) {
            self.counters.hit(Sometimes::Orphan);
        }
    }

    /// What came out of a transaction leaves.
    fn leave(
        &mut self,
        side: usize,
        outputs: Vec<Output>,
        mut sends: usize,
        state: PartnerState,
    ) -> Result<(), Failure> {
        let mut data = 0;
        for output in outputs {
            match output {
                Output::Send(message) => {
                    if sends == 0 {
                        continue;
                    }
                    sends -= 1;
                    self.sent(side, &message, state)?;
                    data += usize::from(matches!(message.payload, Payload::Data(_)));
                    if data == 2 {
                        self.counters.hit(Sometimes::WindowFull);
                    }
                    self.tell(|| format!("{} sends {}", NAMES[side], brief(&message)));
                    let (dials, dice) = (&self.dials, &mut self.dice);
                    self.net.send(
                        self.time,
                        1 - side,
                        *message,
                        dials,
                        dice,
                        &mut self.counters,
                    );
                }
                Output::Safe(safe) => {
                    for (id, n) in safe {
                        self.oracle
                            .safe(side, id, n, &self.nodes[1 - side].ledger)?;
                        if self.nodes[side].ledger.marks.contains_key(&id) {
                            self.counters.hit(Sometimes::MarkOutlived);
                        }
                    }
                }
                Output::Changed(_) => {}
                Output::Status(status) => {
                    self.tell(|| format!("{}: partner {:?}", NAMES[side], status.state));
                    let node = &mut self.nodes[side];
                    if node.told != status.state {
                        node.told = status.state;
                        match status.state {
                            PartnerState::Unknown => self.counters.hit(Sometimes::Unknown),
                            PartnerState::Down => self.counters.hit(Sometimes::Down),
                            _ => {}
                        }
                    }
                    if node.behind && status.caught_up() {
                        self.counters.hit(Sometimes::CaughtUp);
                    }
                    node.behind = status.partner_backlog.is_some_and(|n| n > 0);
                }
                Output::Event(event) => self.event(side, event)?,
            }
        }
        Ok(())
    }

    fn sent(&mut self, side: usize, message: &Message, state: PartnerState) -> Result<(), Failure> {
        let header = &message.header;
        self.mix(header.no, header.id, header.tick, message.is_hello());
        if self.steps % 16 == 0 {
            let bytes = gr_proto::wire::encode(message);
            if gr_proto::wire::decode(&bytes).as_ref() != Ok(message) {
                return failed("a message survives its bytes", brief(message));
            }
        }
        let Payload::Data(items) = &message.payload else {
            return Ok(());
        };
        if state != PartnerState::Running {
            return failed(
                "data only while running",
                format!("{state:?}: {}", brief(message)),
            );
        }
        for item in items {
            let Some(mark) = self.nodes[side].ledger.marks.get(&item.id) else {
                continue;
            };
            if self.sent_as[side].insert(item.id, mark.n) == Some(mark.n) {
                self.counters.hit(Sometimes::Retransmitted);
            }
        }
        Ok(())
    }

    fn event(&mut self, side: usize, event: Event) -> Result<(), Failure> {
        self.tell(|| format!("{}: {event:?}", NAMES[side]));
        match event {
            Event::SessionBegan(life) => {
                let partner = &self.nodes[1 - side];
                let end = partner
                    .lives
                    .iter()
                    .find(|(l, _)| *l == life)
                    .map(|(_, end)| *end);
                let Some(end) = end else {
                    return failed(
                        "only the living are adopted",
                        format!("{life:?} never lived"),
                    );
                };
                // A challenge was issued after this process started, and echoed after that.
                if end.is_some_and(|end| end < self.nodes[side].started) {
                    return failed("only the living are adopted", format!("{life:?} is dead"));
                }
                if self.nodes[side].ledger.state.known.is_some() {
                    self.counters.hit(Sometimes::SessionRenewed);
                }
            }
            Event::SetAside(..) => self.counters.hit(Sometimes::SetAside),
            Event::Refused(_, Reason::NEED_BODY) => self.counters.hit(Sometimes::NeedBody),
            Event::Refused(..) => self.counters.hit(Sometimes::BadItem),
            Event::PartnerWentBack | Event::WentBack => {
                return failed(
                    "nobody went back",
                    format!("{} says {event:?}", NAMES[side]),
                );
            }
            Event::NewLife(..) => {
                return failed(
                    "nobody went back",
                    format!("{} says {event:?}", NAMES[side]),
                );
            }
            Event::Stranger(_) | Event::NoCommonLevel(..) => {}
        }
        Ok(())
    }

    // --- checks

    /// I18: who is called running was alive within the time that the timers allow. E20: clocks stay within bounds.
    fn honest(&mut self) -> Result<(), Failure> {
        for side in [0, 1] {
            let partner = &self.nodes[1 - side];
            let alive = if partner.engine.is_some() {
                self.time
            } else {
                partner.last_up
            };
            let node = &self.nodes[side];
            let Some(engine) = &node.engine else { continue };
            let silent = self.time.saturating_sub(alive);
            if engine.status().state == PartnerState::Running
                && silent > self.dials.timers.unknown_ms
                && node.next_at(self.time) != Some(self.time)
            {
                return failed("running is honest", format!("dead for {silent} ms"));
            }
            let clock = node.ledger.state.hlc.wall().0;
            if clock > node.wall_max.max(0) + domain::Hlc::ABSORB_MS_MAX + 1 {
                return failed(
                    "the logical clock is bounded",
                    format!("{} shows {clock}", NAMES[side]),
                );
            }
        }
        Ok(())
    }

    /// Waits until nobody owes anything, and checks what both hold then.
    fn become_quiet(&mut self) -> Result<(), Failure> {
        let end = self.time + QUIET_WITHIN_MS;
        let slice = self.dials.timers.heartbeat_ms;
        while self.time < end && !self.is_quiet() {
            let until = self.time + slice;
            self.pass(until)?;
            self.time = until;
        }
        self.oracle
            .quiet([&self.nodes[0].ledger, &self.nodes[1].ledger])?;
        match self.is_quiet() {
            true => Ok(()),
            false => failed(
                "a good network is enough",
                "a server does not call its partner running",
            ),
        }
    }

    fn is_quiet(&self) -> bool {
        self.nodes.iter().all(|node| {
            let idle = node
                .ledger
                .marks
                .keys()
                .all(|id| self.oracle.bad.contains(id));
            let status = node.engine.as_ref().map(gr_proto::Engine::status);
            idle && status.is_some_and(|s| {
                s.state == PartnerState::Running && (!self.oracle.bad.is_empty() || s.caught_up())
            })
        })
    }

    /// I27: a pair that has nothing to do says nothing but heartbeats.
    fn rest(&mut self) -> Result<(), Failure> {
        let heartbeats = 10;
        let before = self.net.sent;
        let until = self.time + heartbeats * self.dials.timers.heartbeat_ms;
        self.pass(until)?;
        let said = self.net.sent - before;
        // What was refused is tried again now and then.
        let allowed = 2 * (heartbeats + 1) + 12 * self.oracle.bad.len() as u64;
        if said > allowed {
            return failed(
                "a quiet pair is quiet",
                format!("{said} messages in {heartbeats} heartbeats"),
            );
        }
        self.oracle
            .quiet([&self.nodes[0].ledger, &self.nodes[1].ledger])
    }

    // --- the trace

    fn mix(&mut self, a: u64, b: u64, c: u64, d: bool) {
        for n in [self.time, a, b, c, u64::from(d)] {
            self.trace = (self.trace ^ n)
                .wrapping_mul(0x0100_0000_01b3)
                .rotate_left(23);
        }
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.options.story {
            self.story.push(format!("{:>9} {}", self.time, line()));
        }
    }
}

/// A message in one line.
fn brief(message: &Message) -> String {
    let header = &message.header;
    let what = match &message.payload {
        Payload::Hello(h) => format!("HELLO challenge {:x?} echo {:x?}", h.challenge, h.echo),
        Payload::Data(items) => {
            let items = items.iter().map(|item| match &item.object {
                Some(_) => format!("{}", item.id),
                None => format!("-{}", item.id),
            });
            format!("data {}", items.collect::<Vec<_>>().join(" "))
        }
        Payload::Ack(ack) => format!(
            "ack {:?} above {} refused {}",
            ack.done.ranges(),
            ack.floor,
            ack.refused.len()
        ),
        Payload::Heartbeat(report) => format!("heartbeat, backlog {}", report.backlog()),
        Payload::Unknown => "something unknown".to_owned(),
    };
    format!("{:?}>{:?} #{} {what}", header.from, header.to, header.no)
}
