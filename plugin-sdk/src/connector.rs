//! Decides which server of the pair is asked: a pure state machine without clock, random or IO.
//!
//! ```text
//!            primary answers                    suspected: both are probed
//! Seeking ---------------------> On the primary <--------------> Suspect --- partner answers, primary does not ---+
//!   ^  \                               ^                                                                        v
//!   |   \--- only partner answers ----------------------------------------------------------------> On the partner <--> Suspect
//!   |                                  +------- answers well and long enough, nothing is playing ---------/       |
//!   +------------------------------------ neither answers: 2, 4, 8 … 60 s ----------------------------------------+
//! ```
//!
//! The driver calls [`Connector::handle`] with what happened and the time, does every [`Output`] that [`Connector::poll`] gives,
//! and calls again with [`Input::Tick`] at [`Connector::wake_at`]. The same inputs give the same outputs.
//!
//! In the folder: `io` what goes in and out, `timing` the durations, `peer` one server, `probing` when it is asked, `probe_round` asking both,
//! `decide` the transitions, `learn` what servers say of their pair, `flights` requests under way, `stream` the event stream,
//! `hold_down` against flapping, `replay` what may be sent again, `view` what the user is told.

mod decide;
mod flights;
mod hold_down;
mod io;
mod jitter;
mod learn;
mod peer;
mod probe_round;
mod probing;
mod replay;
mod stream;
mod timing;
mod view;

pub use io::{Input, IoId, Millis, Outcome, Output, RequestId, ServerFault};
pub use replay::{Fate, Replay};
pub use timing::Timing;

use crate::pair::{Endpoint, Pair, Side};
use crate::status::{FailbackWait, Health, State, Status, Why};
use decide::Cause;
use flights::Flights;
use hold_down::FailbackHoldDown;
use jitter::Jitter;
use peer::KnownServer;
use probe_round::{ConnectorPhase, Seeking};
use std::collections::VecDeque;
use stream::StreamState;

/// The state machine. See the module for its states.
#[derive(Clone, Debug)]
pub struct Connector {
    timing: Timing,
    jitter: Jitter,
    /// The address that was configured: it is known to be reachable from here, so no server's word replaces it.
    configured: String,
    primary: KnownServer,
    partner: Option<KnownServer>,
    remembered: Option<Pair>,
    /// Where requests go; `None` exactly while seeking.
    current: Option<Side>,
    why: Why,
    phase: ConnectorPhase,
    hold_down: FailbackHoldDown,
    flights: Flights,
    /// Requests that failed at the server in use since it last answered one.
    failures: u32,
    watch: StreamState,
    session: bool,
    online: bool,
    visible: bool,
    playing: bool,
    recording: bool,
    /// Last sign of life of whichever server was in use.
    heard_at: Option<Millis>,
    /// When something was last handled.
    now: Millis,
    next_id: u64,
    outputs: VecDeque<Output>,
    state: State,
    state_since: Millis,
    waiting_for: Option<FailbackWait>,
    shown: Option<Status>,
    shown_heard_at: Option<Millis>,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To this server, now.
    To(Side, Endpoint),
    /// Nowhere yet: it is being found out, and will be soon.
    Wait,
    /// Nowhere: neither server answers.
    Nowhere,
}

impl Connector {
    /// A connector that begins with the server at the base URL `configured` and, if there is one, with the pair that was
    /// remembered for it. `seed` spreads its pauses. Its first [`Input::Tick`] sets it to work.
    pub fn new(
        now: Millis,
        configured: &str,
        memory: Option<Pair>,
        timing: Timing,
        seed: u64,
    ) -> Self {
        let start = Endpoint::at(configured);
        let configured = start.http.clone();
        let (primary, partner) = match memory.clone() {
            Some(pair) => (pair.primary, pair.partner),
            None => (start, None),
        };
        Self {
            timing,
            jitter: Jitter::new(seed),
            configured,
            primary: KnownServer::new(primary),
            partner: partner.map(KnownServer::new),
            remembered: memory,
            current: None,
            why: Why::Start,
            phase: ConnectorPhase::Seeking(Seeking::start(now)),
            hold_down: FailbackHoldDown::default(),
            flights: Flights::default(),
            failures: 0,
            watch: StreamState::new(),
            session: false,
            online: true,
            visible: true,
            playing: false,
            recording: false,
            heard_at: None,
            now,
            next_id: 0,
            outputs: VecDeque::new(),
            state: State::Connecting,
            state_since: now,
            waiting_for: None,
            shown: None,
            shown_heard_at: None,
        }
    }

    /// Takes what happened at `now`.
    pub fn handle(&mut self, now: Millis, input: Input) {
        self.now = now;
        self.take(now, input);
        self.advance(now);
        self.refresh(now);
    }

    /// What is to be done next, if anything.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Where a request goes now.
    pub fn route(&self) -> Route {
        match (&self.phase, self.current) {
            (ConnectorPhase::Settled, Some(side)) => match self.peer(side) {
                Some(peer) => Route::To(side, peer.endpoint.clone()),
                None => Route::Wait,
            },
            (ConnectorPhase::Seeking(seeking), _) if seeking.round.is_none() => Route::Nowhere,
            _ => Route::Wait,
        }
    }

    /// The server in use.
    pub fn current(&self) -> Option<Side> {
        self.current
    }

    /// The pair as it is known.
    pub fn pair(&self) -> Pair {
        Pair {
            primary: self.primary.endpoint.clone(),
            partner: self.partner.as_ref().map(|peer| peer.endpoint.clone()),
        }
    }

    fn take(&mut self, now: Millis, input: Input) {
        match input {
            Input::Answered {
                id,
                discovery,
                round_trip_ms,
            } => self.probe_answered(now, id, &discovery, round_trip_ms),
            Input::Failed { id, fault } => self.probe_failed(now, id, fault),
            Input::RequestStarted(id) => self.flights.start(now, id),
            Input::RequestProgress(id) => {
                if self.flights.progress(now, id) {
                    self.heard(now);
                }
            }
            Input::RequestEnded { id, outcome } => {
                if self.flights.end(id) {
                    self.request_ended(now, outcome);
                }
            }
            Input::RequestWanted => self.seek_again(now, self.timing.wanted_gap_ms),
            Input::StreamOpened(id) | Input::StreamAlive(id) => {
                if self.watch.heard(now, id) {
                    self.heard(now);
                }
            }
            Input::StreamClosed { id, fault } => self.stream_closed(now, id, fault),
            Input::Discovery { id, discovery } => self.stream_told(now, id, &discovery),
            Input::LoggedIn { primary, discovery } => self.logged_in(now, &primary, &discovery),
            Input::SessionHeld => self.session = true,
            Input::LoggedOut => self.session = false,
            Input::Online(online) => {
                self.online = online;
                self.look_again(now, online);
            }
            Input::Visible(visible) => {
                let appears = visible && !self.visible;
                self.visible = visible;
                if appears {
                    self.look_again(now, true);
                }
            }
            Input::Playing(playing) => {
                self.playing = playing;
                self.let_go();
            }
            Input::Recording(recording) => {
                self.recording = recording;
                self.let_go();
            }
            Input::RetryNow => self.look_again(now, true),
            Input::Tick => {}
        }
    }

    /// Does what time and news have made due.
    fn advance(&mut self, now: Millis) {
        self.end_late_probes(now);
        while let Some(quiet) = self.flights.next_quiet(now, &self.timing) {
            self.suspect(now, Cause::quiet(quiet));
        }
        self.end_silent_stream(now);
        // Each step makes the state simpler or ends: a suspicion is settled at most once, a round begun at most once.
        for _ in 0..4 {
            if !self.settle(now) {
                break;
            }
        }
        self.tend_stream(now);
        self.send_probes(now);
    }

    /// When [`Connector::handle`] wants to be called with [`Input::Tick`], unless something happens before.
    pub fn wake_at(&self) -> Option<Millis> {
        let sides = [Side::Primary, Side::Partner];
        let probes = sides.into_iter().filter_map(|side| {
            let peer = self.peer(side)?;
            match peer.probe {
                Some(probe) => Some(probe.deadline),
                None => self.probe_due(side),
            }
        });
        let phase = match &self.phase {
            ConnectorPhase::Seeking(seeking) => seeking.round.is_none().then_some(seeking.next_at),
            ConnectorPhase::Suspect(suspect) => suspect.next_step_at(self.now, &self.timing),
            ConnectorPhase::Settled => None,
        };
        let flights = self.flights.wake_at(&self.timing);
        let stream = self.stream_due();
        probes.chain(phase).chain(flights).chain(stream).min()
    }

    fn peer(&self, side: Side) -> Option<&KnownServer> {
        match side {
            Side::Primary => Some(&self.primary),
            Side::Partner => self.partner.as_ref(),
        }
    }

    fn peer_mut(&mut self, side: Side) -> Option<&mut KnownServer> {
        match side {
            Side::Primary => Some(&mut self.primary),
            Side::Partner => self.partner.as_mut(),
        }
    }

    fn new_id(&mut self) -> IoId {
        self.next_id += 1;
        IoId(self.next_id)
    }

    /// The server in use has given a sign of life.
    fn heard(&mut self, now: Millis) {
        self.heard_at = Some(now);
        if let Some(peer) = self.current.and_then(|side| self.peer_mut(side)) {
            peer.heard(now);
        }
    }
}

impl ServerFault {
    fn health(self) -> Health {
        match self {
            Self::Refused => Health::Refused,
            Self::Silent => Health::Silent,
            Self::OutOfService => Health::OutOfService,
            Self::Broken => Health::Broken,
        }
    }

    fn why(self) -> Why {
        match self {
            Self::Refused => Why::Refused,
            Self::Silent => Why::Silent,
            Self::OutOfService => Why::OutOfService,
            Self::Broken => Why::Broken,
        }
    }
}
