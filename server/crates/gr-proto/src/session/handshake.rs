//! The handshake with the partner: HELLO, adoption, and the question who went back in time (E6, E11). The rules are in [`crate::session::incarnation`].

use crate::engine::Engine;
use crate::session::Session;
use crate::session::incarnation::{Incarnations, behind, entry_of};
use crate::{
    Event, Header, Hello, Message, Mono, NewIncarnation, Now, Output, Payload, Rule, limits,
};
use domain::Incarnation;
use ledger::{HistoryEntry, Known, Ledger, LedgerError, SentRecord};

/// The protocol level that is spoken here.
const LEVEL: u8 = 1;

/// Whether a HELLO carries a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HelloAsks {
    /// No.
    Nothing,
    /// The one that may be open already.
    Stranger,
    /// One whose echo proves that the partner lives now.
    Partner,
}

/// Whether this branch of the past has said a message that the partner knows, as far as that is remembered.
enum SaidHere {
    /// It was said here, or so long ago that it was confirmed.
    Yes,
    /// More was said at that time than the unconfirmed log could hold. It may be of another branch of the past, and to act as if it were costs a
    /// comparison and deletes nothing; to act as if it were not could leave the two different until the next audit.
    Forgotten,
    /// Another branch of the past has said it.
    Never,
}

impl Engine {
    pub(crate) fn hello(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        from: Incarnation,
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
            if let Some(moment) = self.incarnations.close(hello.echo) {
                self.status_mut(now).prove(moment);
                echoed = true;
            }
        } else if let Some(moment) = self.incarnations.admit(hello.echo, now.mono, rules) {
            let left = self.incarnations.met.contains(&from);
            let again = left || self.incarnations.met.len() >= limits::MET_MAX;
            if left {
                self.twice = Some(now.mono);
            }
            if again && rules.hold(Rule::MeetOnce) {
                self.new_incarnation(now, NewIncarnation::MetAgain);
            } else {
                self.incarnations.met.insert(from);
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
                HelloAsks::Stranger
            } else if !self.is_alive() && hello.echo.is_none() {
                HelloAsks::Partner
            } else {
                HelloAsks::Nothing
            };
            self.send_hello(now, ledger, from, hello.challenge, ask)?;
        }
        if self.is_peer(from) && !self.incarnations.judged {
            self.incarnations.judged = true;
            self.look_back(now, ledger, hello.known)?;
        }
        Ok(())
    }

    /// A new incarnation of the partner. Is what is known of it part of its past? If not, it went back in time, and a recovery is owed to
    /// it (E11).
    pub(crate) fn adopt(&mut self, now: Now, from: Incarnation, hello: &Hello, proven: Mono) {
        let known = self.state.known;
        let history = self.config.rules.hold(Rule::History);
        // Of an incarnation that is older than what the HELLO tells of, only the partner can say whether it is part of its past; it does, when
        // it hears what is known here (`look_back`).
        let cut = hello.cut || hello.history.len() >= limits::HISTORY_IN_HELLO_MAX;
        let untold =
            cut && known.is_some_and(|k| entry_of(&hello.history, k.incarnation).is_none());
        let back = (history && !untold && behind(&hello.history, known)) || hello.rolled_back;
        if back {
            self.state.partner_rolled_back = true;
            self.event(Event::PartnerRolledBack);
        }
        // What only the partner can judge is kept until it has, and that is until it says something in this session: an incarnation that its
        // HELLO does not tell of, and a message that its unconfirmed log may not know (test
        // `what_only_the_partner_can_judge_is_kept_until_it_has`).
        let replaced = |known: Known| known.incarnation != from && (known.id == 0 || back);
        if !untold && known.is_none_or(replaced) {
            let csn = entry_of(&hello.history, from).map_or(0, |entry| entry.csn);
            self.state.known = Some(Known {
                incarnation: from,
                csn,
                id: 0,
            });
        }
        self.incarnations.prior = Some(known);
        self.incarnations.judged = false;
        self.session = Some(Session::new(from, now.mono, self.config.limits));
        // Nothing is under way: everything is sent again as it is now.
        self.taken_in.clear();
        self.dated_ahead_ms = 0;
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
        if known.is_some_and(|known| {
            known.incarnation == self.incarnation && known.csn > self.state.csn
        }) {
            self.new_incarnation(now, NewIncarnation::UnknownEcho);
        } else if !self.state.rolled_back {
            let history = self.config.rules.hold(Rule::History);
            let behind = history && behind(&ledger.history()?, known);
            let event = match self.unconfirmed_tells(known) {
                SaidHere::Never => Event::RolledBack,
                _ if behind => Event::RolledBack,
                SaidHere::Forgotten => Event::MayHaveRolledBack,
                SaidHere::Yes => return Ok(()),
            };
            self.state.rolled_back = true;
            self.event(event);
            if known.is_some_and(|known| known.incarnation == self.incarnation) {
                self.new_incarnation(now, NewIncarnation::UnknownEcho);
            }
        }
        Ok(())
    }

    /// Whether what the partner knows was said by this branch of the past. If not, though its CSN is part of it, a machine was resumed
    /// from a snapshot, and worked on until its CSNs were past those that it had lost (E13).
    fn unconfirmed_tells(&self, known: Option<Known>) -> SaidHere {
        let state = &self.state;
        let Some(known) = known.filter(|known| known.id != 0) else {
            return SaidHere::Yes;
        };
        let oldest = state.unconfirmed.first().map(|said| said.csn);
        // What is older has been confirmed.
        let told = state.unconfirmed_from.or(oldest);
        let told = told.is_some_and(|from| known.csn >= from);
        if !told || !self.config.rules.hold(Rule::Unconfirmed) {
            return SaidHere::Yes;
        }
        let (csn, id) = (known.csn, known.id);
        if state.unconfirmed.contains(&SentRecord { csn, id }) {
            SaidHere::Yes
        } else if csn <= state.unconfirmed_gap && self.config.rules.hold(Rule::UnconfirmedGap) {
            SaidHere::Forgotten
        } else if csn <= state.unconfirmed_gap {
            SaidHere::Yes
        } else {
            SaidHere::Never
        }
    }

    /// The partner has confirmed what was said up to here. The newest stays in any case: after it, this branch has said nothing.
    pub(crate) fn trim_unconfirmed(&mut self) {
        let sound = self.session.as_ref().map(|s| s.numbers.sound_csn);
        let (sound, unconfirmed) = (sound.unwrap_or(0), &mut self.state.unconfirmed);
        let newest = unconfirmed.last().map_or(0, |said| said.csn);
        if unconfirmed
            .first()
            .is_some_and(|said| said.csn < sound.min(newest))
        {
            unconfirmed.retain(|said| said.csn >= sound.min(newest));
            self.state.unconfirmed_from = Some(sound.min(newest));
        }
    }

    pub(crate) fn send_hello(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        to: Incarnation,
        echo: Option<u64>,
        ask: HelloAsks,
    ) -> Result<(), LedgerError> {
        if echo.is_some() {
            self.enter(now, ledger)?; // from here on the partner may adopt this incarnation
        }
        // The partner is told what was known when it was met: what is known now was learnt from that very incarnation.
        let prior = self.incarnations.prior.filter(|_| self.is_peer(to));
        let known = prior.unwrap_or(self.state.known);
        let Self {
            incarnations,
            entropy,
            config,
            ..
        } = self;
        let challenge = (ask != HelloAsks::Nothing)
            .then(|| incarnations.open(now, to, ask == HelloAsks::Partner, config, entropy));
        let mut history = ledger.history()?;
        let surplus = history.len().saturating_sub(config.limits.history_in_hello);
        history.drain(..surplus);
        let hello = Hello {
            server: config.me,
            levels: (LEVEL, LEVEL),
            challenge,
            echo,
            history,
            cut: surplus > 0,
            known,
            rolled_back: self.state.rolled_back,
        };
        let (from, csn) = (self.incarnation, self.state.csn);
        let header = Header {
            from,
            to,
            no: 0,
            id: 0,
            csn,
            seen: Default::default(),
            settled: 0,
            rolled_back: self.state.rolled_back,
            preceding: Default::default(),
        };
        let payload = Payload::Hello(Box::new(hello));
        self.outputs
            .push(Output::Send(Box::new(Message { header, payload })));
        Ok(())
    }

    /// Enters this incarnation into the incarnation history, with the CSN at which it began: before the partner can know of it, and before it raises
    /// the CSN. An incarnation that changed something and was never heard of is where the past forks, if a backup is restored: without
    /// it, CSNs of the new branch would be taken for those that the partner knows (E11; test
    /// `a_restored_server_that_worked_alone_for_some_incarnations_is_found_out`).
    pub(crate) fn enter(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        if !self.incarnations.entered {
            let (incarnation, csn, began) = (self.incarnation, self.incarnations.born, now.wall);
            ledger.add_incarnation(&HistoryEntry {
                incarnation,
                csn,
                began,
            })?;
            self.incarnations.entered = true;
        }
        Ok(())
    }

    /// Leaves the session and everything that was said in it behind. Cheap: what was not acknowledged has its marks.
    pub(crate) fn new_incarnation(&mut self, now: Now, why: NewIncarnation) {
        self.incarnation = Incarnation(self.entropy.draw());
        self.incarnations = Incarnations {
            born: self.state.csn,
            ..Incarnations::default()
        };
        self.session = None;
        self.status_mut(now).probe_now(now.mono);
        self.event(Event::NewIncarnation(self.incarnation, why));
    }

    pub(crate) fn probe(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        if self
            .session
            .as_ref()
            .is_some_and(|s| s.numbers.are_overgrown(&self.config.limits))
        {
            self.new_incarnation(now, NewIncarnation::Unsettled);
            self.decide(now);
        }
        let timers = self.config.timers;
        if self.status_mut(now).take_probe(now.mono, &timers) {
            let (to, ask) = match &self.session {
                Some(session) => (session.peer, HelloAsks::Partner),
                None => (Incarnation(0), HelloAsks::Stranger),
            };
            self.send_hello(now, ledger, to, None, ask)?;
        }
        Ok(())
    }
}
