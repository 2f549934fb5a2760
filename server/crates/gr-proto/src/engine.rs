//! The engine: one incarnation of one server of a pair. What it does with each input, and what it says at the end of a transaction.

use crate::objects::local;
use crate::objects::transaction::Tx;
use crate::reconcile::task::{Refused, Serving, TaskView};
use crate::session::Session;
use crate::session::entropy::Entropy;
use crate::session::incarnation::Incarnations;
use crate::session::status::Status;
use crate::{
    Changed, Config, Event, Input, Message, Mono, Now, Output, PartnerState, PartnerStatus,
    Payload, Rule, limits,
};
use domain::{Change, Hlc, Incarnation, ObjectId};
use ledger::{BackgroundJob, Damage, Ledger, LedgerError, ReplicaState, Seeding};
use std::collections::BTreeMap;

/// One incarnation of one server of a pair.
///
/// The driver's loop: open a transaction; any number of [`Self::change`], [`Self::command`] and [`Self::handle`];
/// [`Self::finish_transaction`]; commit; then the outputs leave. If the commit or any call fails, the engine is dropped with its outputs, and
/// a new one begins a new incarnation.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) incarnation: Incarnation,
    pub(crate) entropy: Entropy,
    /// The durable state: read once, written by the pump. What a lost transaction wrote is lost with the engine.
    pub(crate) state: ReplicaState,
    /// What of it is in the ledger; `None` before the first transaction.
    pub(crate) stored: Option<ReplicaState>,
    pub(crate) incarnations: Incarnations,
    pub(crate) session: Option<Session>,
    pub(crate) status: Option<Status>,
    pub(crate) shown: Option<PartnerStatus>,
    pub(crate) changed: Vec<Changed>,
    pub(crate) safe: Vec<(ObjectId, u64)>,
    /// Something may be ready to be sent.
    pub(crate) ready: bool,
    /// Raised when something goes that may have made this server refuse items.
    pub(crate) causes: u64,
    /// What marked objects have taken in since they were marked: see [`Tx::taken_in`].
    pub(crate) taken_in: BTreeMap<ObjectId, u64>,
    /// See [`Tx::dated_ahead_ms`].
    pub(crate) dated_ahead_ms: i64,
    /// The task that the partner drives.
    pub(crate) serving: Option<Serving>,
    /// What was refused here and has not come since.
    pub(crate) refused: BTreeMap<ObjectId, Refused>,
    /// When what is held is tried again.
    pub(crate) retry_at: Mono,
    /// When the partner was last heard in an incarnation that it had left.
    pub(crate) twice: Option<Mono>,
    /// What both clocks showed when the wall clock was last believed.
    pub(crate) clocks: Option<Now>,
    /// Up to when the agreement of clocks was counted.
    pub(crate) counted: Mono,
    /// What was damaged here when it was last looked at.
    pub(crate) damage: Damage,
    shown_tasks: TaskView,
    pub(crate) outputs: Vec<Output>,
}

/// What the local changes since then can be taken back to, within one transaction.
///
/// For a driver that lets several callers change things in one transaction, with a savepoint of its store for each: if one fails, the store
/// goes back to its savepoint and the engine to this one, and the others are left as they are. It covers [`Engine::change`] and nothing
/// else: where [`Engine::handle`] or [`Engine::command`] failed, the engine is dropped.
#[derive(Clone, Debug)]
pub struct Savepoint {
    state: ReplicaState,
    changed: usize,
    ready: bool,
    causes: u64,
}

impl Savepoint {
    /// Takes one.
    ///
    /// # Errors
    /// The store failed: the engine reads its state if this is its first transaction.
    pub fn of(engine: &mut Engine, now: Now, ledger: &mut dyn Ledger) -> Result<Self, LedgerError> {
        engine.begin(now, ledger)?;
        Ok(Self {
            state: engine.state.clone(),
            changed: engine.changed.len(),
            ready: engine.ready,
            causes: engine.causes,
        })
    }

    /// Makes of the engine what it was.
    pub fn restore(self, engine: &mut Engine) {
        engine.state = self.state;
        engine.changed.truncate(self.changed);
        engine.ready = self.ready;
        engine.causes = self.causes;
    }
}

/// What an engine shows of itself, between transactions.
#[derive(Clone, Copy, Debug)]
pub struct View<'a>(&'a Engine);

impl View<'_> {
    pub(crate) fn engine(&self) -> &Engine {
        self.0
    }

    /// The incarnation that is being lived. It may change: see [`Event::NewIncarnation`].
    pub fn incarnation(&self) -> Incarnation {
        self.0.incarnation
    }

    /// How the partner is.
    pub fn status(&self) -> PartnerStatus {
        self.0.status()
    }

    /// The same in one word.
    pub fn partner_state(&self) -> PartnerState {
        self.0.partner_state()
    }

    /// Tasks, as they are now.
    pub fn tasks(&self) -> TaskView {
        self.0.tasks()
    }

    /// When [`Engine::finish_transaction`] has to be called even if nothing happens. Every transaction may change it.
    pub fn wake_at(&self) -> Option<Mono> {
        self.0.wake_at()
    }
}

impl Engine {
    /// A new incarnation. `incarnation` and `seed` come from the system's entropy and are never used twice.
    pub fn new(config: Config, incarnation: Incarnation, seed: u64) -> Self {
        Self {
            config,
            incarnation,
            entropy: Entropy::new(seed),
            state: ReplicaState::default(),
            stored: None,
            incarnations: Incarnations::default(),
            session: None,
            status: None,
            shown: None,
            changed: Vec::new(),
            safe: Vec::new(),
            ready: true,
            causes: incarnation.0,
            taken_in: BTreeMap::new(),
            dated_ahead_ms: 0,
            serving: None,
            refused: BTreeMap::new(),
            retry_at: Mono(0),
            twice: None,
            clocks: None,
            counted: Mono(0),
            damage: Damage::default(),
            shown_tasks: TaskView::default(),
            outputs: Vec::new(),
        }
    }

    /// Makes a local change (E1). Returns its number, for [`Output::Safe`]; `None` if nothing changed, if there is no partner, or if
    /// the partner need not hear of it.
    pub fn change(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        change: &Change,
    ) -> Result<Option<u64>, LedgerError> {
        self.begin(now, ledger)?;
        local::change(&mut self.tx(now, ledger), change)
    }

    /// Takes an input.
    pub fn handle(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        input: Input,
    ) -> Result<(), LedgerError> {
        self.begin(now, ledger)?;
        if let Input::Constraints(constraints) = input {
            self.config.constraints = *constraints;
            self.causes = self.causes.wrapping_add(1);
            self.tx(now, ledger).scan(BackgroundJob::Retry);
            return Ok(());
        }
        if self.config.partner.is_none() {
            return Ok(());
        }
        match input {
            Input::Received(message) => {
                let Message { header, payload } = *message;
                match payload {
                    Payload::Hello(hello) => {
                        // A reply that was meant for an incarnation that is over. Answered, such mail would breed where incarnations change faster than
                        // they meet (I27). A question is answered: whoever asks may know of no other incarnation.
                        let meant = header.to == Incarnation(0) || header.to == self.incarnation;
                        if !meant && hello.echo.is_some() {
                            return Ok(());
                        }
                        self.hello(now, ledger, header.from, &hello)
                    }
                    payload => self.numbered(now, ledger, &header, payload),
                }
            }
            Input::LinkUp => {
                if let Some(session) = &mut self.session {
                    session.outbox.begin_anew(&self.config.limits);
                    session.repair.begin_anew();
                }
                self.ready = true;
                self.status_mut(now).probe_now(now.mono);
                Ok(())
            }
            Input::LinkDown => {
                // An echo of what was asked before proves nothing any more.
                self.incarnations.challenge = None;
                self.status_mut(now).break_link(now.mono);
                Ok(())
            }
            Input::LoggedIn(user) => {
                if self.is_running()
                    && let Some(session) = &mut self.session
                {
                    session
                        .requests
                        .logged_in(user, now.mono, self.config.limits.logins);
                }
                Ok(())
            }
            Input::Constraints(_) => Ok(()),
        }
    }

    /// Ends a transaction: decides what is to be said now. Called once, after all changes and inputs and before the commit; and by
    /// itself in a transaction of its own when [`View::wake_at`] has come. Returns what is to leave after the commit, in this order; if the
    /// commit fails, it is dropped with the engine.
    ///
    /// # Errors
    /// The store failed.
    pub fn finish_transaction(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
    ) -> Result<Vec<Output>, LedgerError> {
        self.begin(now, ledger)?;
        self.seed(now, ledger)?;
        self.background_jobs(now, ledger)?;
        self.decide(now);
        self.probe(now, ledger)?;
        self.write_messages(now, ledger)?;
        if self.state.csn != self.incarnations.born {
            self.enter(now, ledger)?;
        }
        if self.stored.as_ref() != Some(&self.state) {
            ledger.set_state(&self.state)?;
            self.stored = Some(self.state.clone());
        }
        let timers = &self.config.timers;
        if let Some(session) = &mut self.session {
            let outbox = &session.outbox;
            session.speed = (
                outbox.is_slow(now.mono, timers),
                outbox.bytes_per_s(now.mono),
            );
        }
        self.emit_changes();
        Ok(std::mem::take(&mut self.outputs))
    }

    /// When [`Self::finish_transaction`] has to be called even if nothing happens. Every call may change it.
    fn wake_at(&self) -> Option<Mono> {
        let Some(status) = &self.status else {
            return Some(Mono(0));
        };
        if self.state.seeding.is_some() || !self.state.scans.is_empty() {
            return Some(Mono(0));
        }
        let timers = &self.config.timers;
        let session = self.session.as_ref().map(|session| {
            let outbox = &session.outbox;
            let heartbeat = status
                .is_running()
                .then(|| session.spoke.plus(timers.heartbeat_ms));
            let retransmit_ms = outbox.retransmit_ms(timers);
            let list = session
                .recovery
                .retry_at(retransmit_ms)
                .filter(|_| self.may_send());
            let may_ask =
                self.may_send() && !self.state.partner_rolled_back && !self.state.rolled_back;
            let ask = session
                .requests
                .retry_at(retransmit_ms, timers)
                .filter(|_| may_ask);
            let retry = status.is_running().then_some(self.retry_at);
            let serving = self.serving.map(|serving| serving.silent_at());
            let repairs = may_ask && !self.damage.is_none() && !self.state.staging;
            let repair = repairs.then(|| session.repair.retry_at());
            [
                outbox.deadline(timers),
                list,
                ask,
                retry,
                repair,
                heartbeat,
                serving,
            ]
            .into_iter()
            .flatten()
            .min()
        });
        let twice = self.twice.map(|at| at.plus(limits::TWICE_MS));
        [status.wake_at(timers), session.flatten(), twice]
            .into_iter()
            .flatten()
            .min()
    }

    /// How the partner is.
    pub(crate) fn status(&self) -> PartnerStatus {
        let status = self.status.as_ref();
        let session = self.session.as_ref();
        let report = session.and_then(|s| s.report);
        let courtesy = session.is_some_and(Session::in_courtesy);
        let state = self.partner_state();
        let (slow, bytes_per_s) = session.map_or((false, None), |s| s.speed);
        PartnerStatus {
            state,
            courtesy,
            runs_twice: self.twice.is_some(),
            since: status.map_or_else(Default::default, Status::since),
            heard: status.and_then(Status::heard),
            partner_backlog: report.map(|(report, _)| report.backlog()),
            no_copy_left: session.and_then(|s| s.repair.no_copy),
            only_here: report.map(|(report, _)| report.lacking),
            round_trip_ms: session.and_then(|s| s.outbox.srtt_ms()),
            slow: slow && state == PartnerState::Running,
            bytes_per_s,
            clock_difference_ms: report.map(|(_, difference)| difference),
            dated_ahead_ms: self.dated_ahead_of_both(),
        }
    }

    /// By how much something that came in this session is dated ahead of both clocks, in milliseconds, if that is more than
    /// [`Hlc::ABSORB_MS_MAX`]. It was dated by a clock that has been put back since.
    fn dated_ahead_of_both(&self) -> Option<i64> {
        let report = self.session.as_ref().and_then(|session| session.report);
        let partner_ahead_ms = report.map_or(0, |(_, difference)| difference.max(0));
        let ahead_ms = self.dated_ahead_ms.saturating_sub(partner_ahead_ms);
        (report.is_some() && ahead_ms > Hlc::ABSORB_MS_MAX).then_some(ahead_ms)
    }

    fn partner_state(&self) -> PartnerState {
        let unheard = match self.config.partner {
            Some(_) => PartnerState::Unknown,
            None => PartnerState::NotConfigured,
        };
        match self.status.as_ref().map_or(unheard, Status::state) {
            PartnerState::Running if self.session.as_ref().is_some_and(Session::in_courtesy) => {
                PartnerState::Down
            }
            state => state,
        }
    }

    /// What the engine shows of itself.
    pub fn view(&self) -> View<'_> {
        View(self)
    }

    /// Adds to the randomness of this incarnation. Whoever may be run from a snapshot of its memory does so now and then: two copies of one
    /// engine would otherwise draw the same numbers.
    pub fn reseed(&mut self, seed: u64) {
        self.entropy.reseed(seed);
    }

    /// At the first call of an incarnation: reads the durable state.
    pub(crate) fn begin(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        if self.stored.is_some() {
            return Ok(());
        }
        let stored = ledger.state()?;
        self.state = stored.clone();
        self.stored = Some(stored);
        self.incarnations.born = self.state.csn;
        if self.state.csn == 0 {
            self.state.unconfirmed_from = Some(0);
        }
        self.status = Some(Status::new(now, self.config.partner.is_some()));
        if self.state.partner != self.config.partner {
            // Another partner knows nothing yet of what is here, and what was known of the old one does not count.
            self.state.partner = self.config.partner;
            self.state.seeding = self.config.partner.map(|_| Seeding::default());
            if let Some(partner) = self.config.partner
                && self.state.known_of != Some(partner)
            {
                // If it is the same as before GR was turned off, what is known of it still has to be part of its past.
                self.state.known_of = Some(partner);
                self.state.known = None;
            }
        }
        Ok(())
    }

    pub(crate) fn tx<'a>(&'a mut self, now: Now, ledger: &'a mut dyn Ledger) -> Tx<'a> {
        Tx {
            now,
            config: &self.config,
            incarnation: self.incarnation,
            ledger,
            state: &mut self.state,
            changed: &mut self.changed,
            ready: &mut self.ready,
            causes: &mut self.causes,
            taken_in: &mut self.taken_in,
            dated_ahead_ms: &mut self.dated_ahead_ms,
        }
    }

    pub(crate) fn status_mut(&mut self, now: Now) -> &mut Status {
        let configured = self.config.partner.is_some();
        self.status
            .get_or_insert_with(|| Status::new(now, configured))
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push(Output::Event(event));
    }

    pub(crate) fn is_peer(&self, incarnation: Incarnation) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.peer == incarnation)
    }

    /// Whether the partner is alive, by fresh proof.
    pub(crate) fn is_alive(&self) -> bool {
        self.status.as_ref().is_some_and(Status::is_running)
    }

    /// Whether the partner is running: alive, and not down by courtesy.
    pub(crate) fn is_running(&self) -> bool {
        let courtesy = self.session.as_ref().is_some_and(Session::in_courtesy);
        self.is_alive() && !courtesy
    }

    /// Whether anything but heartbeats and acknowledgements may be said (E14, R18).
    pub(crate) fn may_send(&self) -> bool {
        let running = self.is_running() || !self.config.rules.hold(Rule::OnlyRunning);
        running && !self.state.courtesy
    }

    pub(crate) fn decide(&mut self, now: Now) {
        let in_session = self.session.is_some();
        let timers = self.config.timers;
        if self.status_mut(now).decide(now, &timers, in_session) && self.is_alive() {
            self.ready = true;
            if let Some(session) = &mut self.session {
                // Whatever was under way in the silence is lost or late.
                session.outbox.begin_anew(&self.config.limits);
                session.reported = None;
            }
        }
    }

    fn emit_changes(&mut self) {
        if !self.safe.is_empty() {
            self.outputs
                .push(Output::Safe(std::mem::take(&mut self.safe)));
        }
        if !self.changed.is_empty() {
            self.outputs
                .push(Output::Changed(std::mem::take(&mut self.changed)));
        }
        let tasks = &self.shown_tasks;
        if tasks.open != self.state.task
            || tasks.serving != self.serving
            || tasks.last != self.state.last_task
            || tasks.kept != self.state.kept
            || tasks.job != self.state.scans.first().map(|scan| scan.job)
            || tasks.refused != self.refused
        {
            self.shown_tasks = self.tasks();
            let shown = Box::new(self.shown_tasks.clone());
            self.outputs.push(Output::Task(shown));
        }
        let status = self.status();
        let told = |s: &PartnerStatus| {
            let damage = (s.no_copy_left, s.only_here);
            let how = (s.state, s.courtesy, s.runs_twice, s.slow);
            (how, s.since, s.partner_backlog, damage)
        };
        let shown = self.shown.as_ref();
        let clocks = shown.and_then(|s| s.clock_difference_ms);
        // Time on the way makes it vary; a leap is news.
        let leapt = clocks.zip(status.clock_difference_ms);
        let leapt = leapt.is_some_and(|(then, now)| then.abs_diff(now) > limits::CLOCK_NEWS_MS);
        let dated_ahead = shown.and_then(|s| s.dated_ahead_ms);
        let far = status.dated_ahead_ms.filter(|_| dated_ahead.is_none());
        if let Some(ms) = far {
            self.outputs.push(Output::Event(Event::DatedAhead(ms)));
        }
        let ahead = far.is_some() || dated_ahead.is_some() != status.dated_ahead_ms.is_some();
        if shown.map(told) != Some(told(&status)) || leapt || ahead {
            self.shown = Some(status);
            self.outputs.push(Output::Status(status));
        }
    }
}
