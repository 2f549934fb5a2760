//! Meeting the partner: HELLO, adoption, and the question who went back in time (E6, E11). The rules are in [`crate::lives`].

use crate::engine::Engine;
use crate::session::Session;
use crate::session::incarnation::{Lives, behind, entry_of};
use crate::{Event, Header, Hello, Message, Mono, NewLife, Now, Output, Payload, Rule, limits};
use domain::Life;
use ledger::{Known, Ledger, LedgerError, LineageEntry, Said};

/// The protocol level that is spoken here.
const LEVEL: u8 = 1;

/// Whether a HELLO carries a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// No.
    Nothing,
    /// The one that may be open already.
    Stranger,
    /// One whose echo proves that the partner lives now.
    Partner,
}

/// What this server remembers of a message that the partner knows.
enum Heard {
    /// It was said here, or so long ago that it was confirmed.
    Said,
    /// More was said at that time than the trail could hold. It may be of another branch of the past, and to act as if it were costs a
    /// comparison and deletes nothing; to act as if it were not could leave the two different until the next audit.
    Forgotten,
    /// Another branch of the past has said it.
    NeverSaid,
}

impl Engine {
    pub(crate) fn hello(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        from: Life,
        hello: &Hello,
    ) -> Result<(), LedgerError> {
        if Some(hello.server) != self.config.partner {
            self.event(Event::Stranger(hello.server));
            return Ok(());
        }
        if !(hello.levels.0..=hello.levels.1).contains(&LEVEL) {
            self.event(Event::NoCommonLevel(hello.levels.0, hello.levels.1));
            return Ok(());
        }
        let rules = self.config.rules;
        let mut echoed = false;
        if self.is_peer(from) {
            if let Some(moment) = self.lives.close(hello.echo) {
                self.status_mut(now).prove(moment);
                echoed = true;
            }
        } else if let Some(moment) = self.lives.admit(hello.echo, now.mono, rules) {
            let left = self.lives.met.contains(&from);
            let again = left || self.lives.met.len() >= limits::MET_MAX;
            if left {
                self.twice = Some(now.mono);
            }
            if again && rules.hold(Rule::MeetOnce) {
                self.new_life(now, NewLife::MetAgain);
            } else {
                self.lives.met.insert(from);
                self.adopt(now, from, hello, moment);
                echoed = true;
            }
        }
        self.decide(now);
        if echoed && !self.is_alive() {
            // The echo came too late to prove anything, but somebody is there: ask again at once.
            self.status_mut(now).probe_now(now.mono);
        }
        if hello.challenge.is_some() || !self.is_peer(from) {
            // At most one reply, and no question in the reply to a partner's reply: so the HELLOs come to an end, even if the network
            // doubles them (I27).
            let ask = if !self.is_peer(from) {
                Ask::Stranger
            } else if !self.is_alive() && hello.echo.is_none() {
                Ask::Partner
            } else {
                Ask::Nothing
            };
            self.send_hello(now, ledger, from, hello.challenge, ask)?;
        }
        if self.is_peer(from) && !self.lives.judged {
            self.lives.judged = true;
            self.look_back(now, ledger, hello.known)?;
        }
        Ok(())
    }

    /// A new life of the partner. Is what is known of it part of its past? If not, it went back in time, and a recovery is owed to
    /// it (E11).
    pub(crate) fn adopt(&mut self, now: Now, from: Life, hello: &Hello, proven: Mono) {
        let known = self.state.known;
        let lineage = self.config.rules.hold(Rule::Lineage);
        // Of a life that is older than what the HELLO tells of, only the partner can say whether it is part of its past; it does, when
        // it hears what is known here (`look_back`).
        let cut = hello.cut || hello.lineage.len() >= limits::LINEAGE_IN_HELLO_MAX;
        let untold = cut && known.is_some_and(|k| entry_of(&hello.lineage, k.life).is_none());
        if (lineage && !untold && behind(&hello.lineage, known)) || hello.went_back {
            self.state.owes_recovery = true;
            self.event(Event::PartnerWentBack);
        }
        // What only the partner can judge is kept until it has: until it says something in this session.
        if !untold && known.is_none_or(|known| known.life != from) {
            let tick = entry_of(&hello.lineage, from).map_or(0, |entry| entry.tick);
            self.state.known = Some(Known {
                life: from,
                tick,
                id: 0,
            });
        }
        self.lives.prior = Some(known);
        self.lives.judged = false;
        self.session = Some(Session::new(from, now.mono, self.config.limits));
        // Nothing is under way: everything is sent again as it is now.
        self.taken_in.clear();
        self.status_mut(now).prove(proven);
        self.ready = true;
        self.event(Event::SessionBegan(from));
    }

    /// The same question about this server, answered by what the partner knew of it.
    pub(crate) fn look_back(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        known: Option<Known>,
    ) -> Result<(), LedgerError> {
        if known.is_some_and(|known| known.life == self.life && known.tick > self.state.tick) {
            self.new_life(now, NewLife::StrangeEcho);
        } else if !self.state.went_back {
            let lineage = self.config.rules.hold(Rule::Lineage);
            let behind = lineage && behind(&ledger.lineage()?, known);
            let event = match self.trail_tells(known) {
                Heard::NeverSaid => Event::WentBack,
                _ if behind => Event::WentBack,
                Heard::Forgotten => Event::MayHaveGoneBack,
                Heard::Said => return Ok(()),
            };
            self.state.went_back = true;
            self.event(event);
            if known.is_some_and(|known| known.life == self.life) {
                self.new_life(now, NewLife::StrangeEcho);
            }
        }
        Ok(())
    }

    /// Whether what the partner knows was said by this branch of the past. If not, though its tick is part of it, a machine was resumed
    /// from a snapshot, and worked on until its ticks were past those that it had lost (E13).
    fn trail_tells(&self, known: Option<Known>) -> Heard {
        let state = &self.state;
        let Some(known) = known.filter(|known| known.id != 0) else {
            return Heard::Said;
        };
        let oldest = state.trail.first().map(|said| said.tick);
        // What is older has been confirmed.
        let told = state.trail_from.or(oldest);
        let told = told.is_some_and(|from| known.tick >= from);
        if !told || !self.config.rules.hold(Rule::Trail) {
            return Heard::Said;
        }
        let (tick, id) = (known.tick, known.id);
        if state.trail.contains(&Said { tick, id }) {
            Heard::Said
        } else if tick <= state.trail_gap && self.config.rules.hold(Rule::TrailGap) {
            Heard::Forgotten
        } else if tick <= state.trail_gap {
            Heard::Said
        } else {
            Heard::NeverSaid
        }
    }

    /// The partner has confirmed what was said up to here. The newest stays in any case: after it, this branch has said nothing.
    pub(crate) fn trim_trail(&mut self) {
        let sound = self.session.as_ref().map(|s| s.numbers.sound_tick);
        let (sound, trail) = (sound.unwrap_or(0), &mut self.state.trail);
        let newest = trail.last().map_or(0, |said| said.tick);
        if trail
            .first()
            .is_some_and(|said| said.tick < sound.min(newest))
        {
            trail.retain(|said| said.tick >= sound.min(newest));
            self.state.trail_from = Some(sound.min(newest));
        }
    }

    pub(crate) fn send_hello(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        to: Life,
        echo: Option<u64>,
        ask: Ask,
    ) -> Result<(), LedgerError> {
        if echo.is_some() {
            self.enter(now, ledger)?; // from here on the partner may adopt this life
        }
        // The partner is told what was known when it was met: what is known now was learnt from that very life.
        let prior = self.lives.prior.filter(|_| self.is_peer(to));
        let known = prior.unwrap_or(self.state.known);
        let Self {
            lives,
            entropy,
            config,
            ..
        } = self;
        let challenge = (ask != Ask::Nothing)
            .then(|| lives.open(now, to, ask == Ask::Partner, config, entropy));
        let mut lineage = ledger.lineage()?;
        let surplus = lineage.len().saturating_sub(config.limits.lineage_in_hello);
        lineage.drain(..surplus);
        let hello = Hello {
            server: config.me,
            levels: (LEVEL, LEVEL),
            challenge,
            echo,
            lineage,
            cut: surplus > 0,
            known,
            went_back: self.state.went_back,
        };
        let (from, tick) = (self.life, self.state.tick);
        let header = Header {
            from,
            to,
            no: 0,
            id: 0,
            tick,
            seen: Default::default(),
            settled: 0,
            went_back: self.state.went_back,
        };
        let payload = Payload::Hello(Box::new(hello));
        self.outputs
            .push(Output::Send(Box::new(Message { header, payload })));
        Ok(())
    }

    /// Enters this life into the lineage, with the tick at which it began: before the partner can know of it, and before it raises
    /// the tick. A life that changed something and was never heard of is where the past forks, if a backup is restored: without
    /// it, ticks of the new branch would be taken for those that the partner knows (E11; test
    /// `a_restored_server_that_worked_alone_for_some_lives_is_found_out`).
    pub(crate) fn enter(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        if !self.lives.entered {
            let (life, tick, began) = (self.life, self.lives.born, now.wall);
            ledger.add_life(&LineageEntry { life, tick, began })?;
            self.lives.entered = true;
        }
        Ok(())
    }

    /// Leaves the session and everything that was said in it behind. Cheap: what was not acknowledged has its marks.
    pub(crate) fn new_life(&mut self, now: Now, why: NewLife) {
        self.life = Life(self.entropy.draw());
        self.lives = Lives {
            born: self.state.tick,
            ..Lives::default()
        };
        self.session = None;
        self.status_mut(now).probe_now(now.mono);
        self.event(Event::NewLife(self.life, why));
    }

    pub(crate) fn probe(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        if self
            .session
            .as_ref()
            .is_some_and(|s| s.numbers.are_overgrown(&self.config.limits))
        {
            self.new_life(now, NewLife::Unsettled);
            self.decide(now);
        }
        let timers = self.config.timers;
        if self.status_mut(now).take_probe(now.mono, &timers) {
            let (to, ask) = match &self.session {
                Some(session) => (session.peer, Ask::Partner),
                None => (Life(0), Ask::Stranger),
            };
            self.send_hello(now, ledger, to, None, ask)?;
        }
        Ok(())
    }
}
