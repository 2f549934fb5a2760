//! A world of two servers and one client with a clock of its own: drives the connector as the client does, without sockets and
//! without waiting. Everything that the connector asked for is kept in `trace`.
#![allow(dead_code, reason = "each test binary uses its part")]

use contract::{Discovery, GrPartner, ServerAddress};
use plugin_sdk::connector::{Fate, Input, IoId, Outcome, Output, RequestId, Route, ServerFault};
use plugin_sdk::{Connector, Millis, Pair, Replay, Side, State, Status, Timing, Why};
use std::collections::BTreeMap;

pub const NORTH: &str = "http://north.example.net:8080";
pub const SOUTH: &str = "http://south.example.net:8080";
/// How long an answer takes.
pub const ROUND_TRIP_MS: u64 = 20;
const COMMENT_EVERY_MS: u64 = 15_000;

/// How a server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Answers.
    Up,
    /// Its process is gone: connections are refused.
    Dead,
    /// Accepts and never answers.
    Hung,
    /// Answers probes, but no requests.
    HalfHung,
}

#[derive(Clone, Debug)]
pub struct Server {
    pub http: &'static str,
    pub fqdn: &'static str,
    pub mode: Mode,
    pub in_service: bool,
    pub caught_up: bool,
    /// Whom it names as its partner: FQDN and URL.
    pub partner: Option<(&'static str, &'static str)>,
}

impl Server {
    fn discovery(&self) -> Discovery {
        let search_base = "ou=voice,o=example".to_owned();
        Discovery {
            server: ServerAddress {
                fqdn: self.fqdn.to_owned(),
                http: self.http.to_owned(),
                search_base: search_base.clone(),
            },
            gr_partner: self.partner.map(|(fqdn, http)| GrPartner {
                fqdn: fqdn.to_owned(),
                address: fqdn.to_owned(),
                http: http.to_owned(),
                search_base,
            }),
            in_service: self.in_service,
            caught_up: self.caught_up,
            level: 1,
        }
    }
}

/// What is on its way to the connector.
#[derive(Clone, Debug)]
enum Coming {
    ProbeEnds {
        id: IoId,
        http: String,
        deadline: Millis,
    },
    StreamOpens {
        id: IoId,
        http: String,
    },
    Comment {
        id: IoId,
        http: String,
    },
    StreamCloses {
        id: IoId,
    },
    RequestEnds {
        id: RequestId,
        http: String,
    },
}

/// A request of the application, sent again until it is answered, as far as its class allows.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Millis,
    pub replay: Replay,
    /// Every server that it was sent to and that was alive then.
    pub reached: Vec<String>,
    /// It may have been done, and is not repeated.
    pub outcome_unknown: bool,
    pub answered: Option<(Millis, &'static str)>,
    pub gave_up: bool,
    under_way: Option<RequestId>,
}

pub struct World {
    pub now: Millis,
    pub connector: Connector,
    pub north: Server,
    pub south: Server,
    /// A third server, for pairs that change.
    pub west: Server,
    pub trace: Vec<(Millis, Output)>,
    pub asked: Vec<Asked>,
    pub remembered: Option<Pair>,
    /// Each choice of a server, with the status at that moment.
    pub choices: Vec<(Side, Why, Status)>,
    stream: Option<(IoId, String)>,
    coming: BTreeMap<(Millis, u64), Coming>,
    next: u64,
}

impl World {
    /// North is the primary, south its partner; the client knows north only.
    pub fn new() -> Self {
        Self::remembering(None)
    }

    /// The same, with the pair remembered from an earlier run.
    pub fn remembering(memory: Option<Pair>) -> Self {
        Self::starting(NORTH, memory, 1, |_| {})
    }

    /// A client that is configured for `server`, and what is so before it starts.
    pub fn starting(
        server: &str,
        memory: Option<Pair>,
        seed: u64,
        before: impl FnOnce(&mut Self),
    ) -> Self {
        let now = Millis(1_000_000);
        let server_at = |http, fqdn, partner| Server {
            http,
            fqdn,
            mode: Mode::Up,
            in_service: true,
            caught_up: true,
            partner,
        };
        let mut world = Self {
            now,
            connector: Connector::new(now, server, memory, Timing::default(), seed),
            north: server_at(
                NORTH,
                "north.example.net",
                Some(("south.example.net", SOUTH)),
            ),
            south: server_at(
                SOUTH,
                "south.example.net",
                Some(("north.example.net", NORTH)),
            ),
            west: server_at("http://west.example.net:8080", "west.example.net", None),
            trace: Vec::new(),
            asked: Vec::new(),
            remembered: None,
            choices: Vec::new(),
            stream: None,
            coming: BTreeMap::new(),
            next: 0,
        };
        before(&mut world);
        world.feed(Input::Tick);
        world
    }

    /// Logged in on the primary, everything well and quiet.
    pub fn at_work() -> Self {
        let mut world = Self::new();
        world.run(100);
        world.log_in("north.example.net");
        world.run(5_000);
        assert_eq!(world.state(), State::OnPrimary);
        world
    }

    /// On the partner since the primary was killed.
    pub fn on_partner() -> Self {
        let mut world = Self::at_work();
        world.set(Side::Primary, Mode::Dead);
        world.run(1_000);
        assert_eq!(world.state(), State::OnPartner);
        world
    }

    pub fn log_in(&mut self, primary: &str) {
        let Route::To(_, server) = self.connector.route() else {
            panic!("no server to log in at");
        };
        let discovery = self.server(&server.http).expect("a server").discovery();
        let primary = primary.to_owned();
        self.feed(Input::LoggedIn { primary, discovery });
    }

    pub fn state(&self) -> State {
        self.status().state
    }

    pub fn status(&self) -> Status {
        self.connector.status(|at| contract::Timestamp(at.0 as i64))
    }

    /// North or south, by what they are to the user of these stories.
    pub fn side(&mut self, side: Side) -> &mut Server {
        match side {
            Side::Primary => &mut self.north,
            Side::Partner => &mut self.south,
        }
    }

    /// Changes how a server behaves from now on. One that dies breaks its connections.
    pub fn set(&mut self, side: Side, mode: Mode) {
        let server = self.side(side);
        server.mode = mode;
        let http = server.http;
        if mode != Mode::Dead {
            return;
        }
        if let Some((id, _)) = self.stream.take_if(|(_, on)| on == http) {
            self.later(1, Coming::StreamCloses { id });
        }
        let broken: Vec<_> = self
            .coming
            .iter()
            .filter(|(_, coming)| coming.is_on(http))
            .collect();
        let broken: Vec<_> = broken
            .into_iter()
            .map(|(key, coming)| (*key, coming.clone()))
            .collect();
        for (key, coming) in broken {
            self.coming.remove(&key);
            self.later(1, coming);
        }
        for index in 0..self.asked.len() {
            if let (Some(id), None) = (self.asked[index].under_way, self.asked[index].answered) {
                self.later(
                    1,
                    Coming::RequestEnds {
                        id,
                        http: http.to_owned(),
                    },
                );
            }
        }
    }

    /// The event stream ends, as servers and proxies end them now and then.
    pub fn end_stream(&mut self) {
        let (id, _) = self.stream.take().expect("a stream");
        let fault = ServerFault::Refused;
        self.feed(Input::StreamClosed { id, fault });
    }

    /// The application asks for something that may be repeated. Its place in `asked`.
    pub fn ask(&mut self) -> usize {
        self.ask_once(Replay::Safe)
    }

    /// The same for a call of any class.
    pub fn ask_once(&mut self, replay: Replay) -> usize {
        self.asked.push(Asked {
            at: self.now,
            replay,
            reached: Vec::new(),
            outcome_unknown: false,
            answered: None,
            gave_up: false,
            under_way: None,
        });
        if self.connector.route() == Route::Nowhere {
            self.feed(Input::RequestWanted);
        }
        if self.connector.route() == Route::Nowhere {
            self.asked.last_mut().expect("just pushed").gave_up = true;
        }
        self.send_what_waits();
        self.asked.len() - 1
    }

    /// Lets so many milliseconds pass.
    pub fn run(&mut self, ms: u64) {
        let end = self.now.plus(ms);
        let mut turns = 0;
        loop {
            let coming = self.coming.keys().next().map(|(at, _)| *at);
            let wake = self.connector.wake_at();
            let Some(next) = coming.into_iter().chain(wake).min().filter(|at| *at <= end) else {
                break;
            };
            turns = if next > self.now { 0 } else { turns + 1 };
            assert!(
                turns < 200,
                "it wants to be woken again and again: a busy loop"
            );
            self.now = self.now.max(next);
            match self.coming.first_entry() {
                Some(entry) if entry.key().0 <= self.now => {
                    let coming = entry.remove();
                    self.arrive(coming);
                }
                _ => self.feed(Input::Tick),
            }
        }
        self.now = end;
    }

    /// Runs until `done`, at most `ms`; how long it took.
    pub fn run_until(&mut self, ms: u64, done: impl Fn(&Self) -> bool) -> u64 {
        let began = self.now;
        while !done(self) {
            assert!(
                self.now.since(began) < ms,
                "it does not come to it within {ms} ms: {:?}",
                self.status()
            );
            self.run(10);
        }
        self.now.since(began)
    }

    pub fn feed(&mut self, input: Input) {
        self.connector.handle(self.now, input);
        let mut budget = 20;
        while let Some(output) = self.connector.poll() {
            budget -= 1;
            assert!(budget > 0, "one input leads to a flood of outputs");
            self.trace.push((self.now, output.clone()));
            self.act(output);
        }
        self.send_what_waits();
    }

    fn act(&mut self, output: Output) {
        if let Output::UseServer { side, why, .. } = output {
            self.choices.push((side, why, self.status()));
        }
        match output {
            Output::Probe {
                id,
                http,
                timeout_ms,
                ..
            } => {
                let deadline = self.now.plus(timeout_ms);
                self.later(self.delay(&http), Coming::ProbeEnds { id, http, deadline });
            }
            Output::OpenEvents { id, http } => {
                assert!(self.stream.is_none(), "a second stream beside the first");
                self.stream = Some((id, http.clone()));
                self.later(self.delay(&http), Coming::StreamOpens { id, http });
            }
            Output::CloseEvents { id } => {
                self.stream.take_if(|(open, _)| *open == id);
            }
            Output::UseServer { resend: true, .. } => {
                for asked in self.asked.iter_mut().filter(|asked| asked.replay.follows()) {
                    asked.under_way = None;
                }
            }
            Output::NoServer => {
                for asked in self
                    .asked
                    .iter_mut()
                    .filter(|asked| asked.answered.is_none() && asked.replay.follows())
                {
                    asked.under_way = None;
                    asked.gave_up = true;
                }
            }
            Output::Remember(pair) => self.remembered = Some(pair),
            Output::UseServer { .. } | Output::StatusChanged => {}
        }
    }

    fn send_what_waits(&mut self) {
        let Route::To(_, server) = self.connector.route() else {
            return;
        };
        for index in 0..self.asked.len() {
            let asked = &self.asked[index];
            let over = asked.answered.is_some() || asked.gave_up || asked.outcome_unknown;
            if over || asked.under_way.is_some() {
                continue;
            }
            self.next += 1;
            let id = RequestId(self.next);
            self.asked[index].under_way = Some(id);
            self.connector.handle(self.now, Input::RequestStarted(id));
            let http = server.http.clone();
            if self
                .server(&http)
                .is_some_and(|server| server.mode != Mode::Dead)
            {
                self.asked[index].reached.push(http.clone());
            }
            self.later(self.delay(&http), Coming::RequestEnds { id, http });
        }
    }

    fn arrive(&mut self, coming: Coming) {
        let mode = |http: &str| self.server(http).map_or(Mode::Dead, |server| server.mode);
        match coming {
            Coming::ProbeEnds { id, http, deadline } => match mode(&http) {
                Mode::Up | Mode::HalfHung => {
                    let discovery = self.server(&http).expect("it is up").discovery();
                    let round_trip_ms = ROUND_TRIP_MS;
                    self.feed(Input::Answered {
                        id,
                        discovery,
                        round_trip_ms,
                    });
                }
                Mode::Dead => self.feed(Input::Failed {
                    id,
                    fault: ServerFault::Refused,
                }),
                Mode::Hung if self.now >= deadline => {
                    self.feed(Input::Failed {
                        id,
                        fault: ServerFault::Silent,
                    });
                }
                Mode::Hung => {
                    let left = deadline.since(self.now);
                    self.later(left, Coming::ProbeEnds { id, http, deadline });
                }
            },
            Coming::StreamOpens { id, http } => match mode(&http) {
                _ if !self.stream_is(id) => {}
                Mode::Up | Mode::HalfHung => {
                    self.feed(Input::StreamOpened(id));
                    self.later(COMMENT_EVERY_MS, Coming::Comment { id, http });
                }
                Mode::Dead => self.arrive(Coming::StreamCloses { id }),
                Mode::Hung => {}
            },
            Coming::Comment { id, http } => {
                if self.stream_is(id) && mode(&http) == Mode::Up {
                    self.feed(Input::StreamAlive(id));
                }
                if self.stream_is(id) {
                    self.later(COMMENT_EVERY_MS, Coming::Comment { id, http });
                }
            }
            Coming::StreamCloses { id } => {
                self.stream.take_if(|(open, _)| *open == id);
                let fault = ServerFault::Refused;
                self.feed(Input::StreamClosed { id, fault });
            }
            Coming::RequestEnds { id, http } => {
                let Some(index) = self
                    .asked
                    .iter()
                    .position(|asked| asked.under_way == Some(id))
                else {
                    return;
                };
                let server = self.server(&http);
                let outcome = match server.map_or(Mode::Dead, |server| server.mode) {
                    Mode::Up if server.is_some_and(|server| server.in_service) => {
                        let by = server.map_or("", |server| server.http);
                        self.asked[index].answered = Some((self.now, by));
                        Outcome::Answered
                    }
                    Mode::Up => Outcome::Failed(ServerFault::OutOfService),
                    Mode::Dead => Outcome::Failed(ServerFault::Refused),
                    Mode::Hung | Mode::HalfHung => return,
                };
                let asked = &mut self.asked[index];
                asked.under_way = None;
                let fate = match asked.reached.last() {
                    Some(last) if *last == http => Fate::Unknown,
                    _ => Fate::NotSent,
                };
                asked.outcome_unknown |=
                    outcome != Outcome::Answered && !asked.replay.repeats_after(fate);
                self.feed(Input::RequestEnded { id, outcome });
            }
        }
    }

    fn server(&self, http: &str) -> Option<&Server> {
        [&self.north, &self.south, &self.west]
            .into_iter()
            .find(|server| server.http == http)
    }

    fn stream_is(&self, id: IoId) -> bool {
        self.stream.as_ref().is_some_and(|(open, _)| *open == id)
    }

    /// The server of the open stream.
    pub fn stream_on(&self) -> Option<&str> {
        self.stream.as_ref().map(|(_, http)| http.as_str())
    }

    fn delay(&self, http: &str) -> u64 {
        match self.server(http).map(|server| server.mode) {
            None | Some(Mode::Dead) => 1,
            Some(_) => ROUND_TRIP_MS,
        }
    }

    fn later(&mut self, ms: u64, coming: Coming) {
        self.next += 1;
        self.coming.insert((self.now.plus(ms), self.next), coming);
    }

    /// When each change of server happened, since `from`.
    pub fn changes(&self, from: Millis) -> Vec<(Millis, Side)> {
        let changes = self.trace.iter().filter(|(at, _)| *at >= from);
        let changes = changes.filter_map(|(at, output)| match output {
            Output::UseServer { side, .. } => Some((*at, *side)),
            _ => None,
        });
        changes.collect()
    }

    /// How many probes each server got since `from`.
    pub fn probes(&self, from: Millis, of: Side) -> usize {
        let probes = self.trace.iter().filter(|(at, _)| *at >= from);
        let is_probe =
            |output: &Output| matches!(output, Output::Probe { side, .. } if *side == of);
        probes.filter(|(_, output)| is_probe(output)).count()
    }
}

impl Coming {
    fn is_on(&self, server: &str) -> bool {
        match self {
            Self::ProbeEnds { http, .. } | Self::StreamOpens { http, .. } => http == server,
            _ => false,
        }
    }
}
