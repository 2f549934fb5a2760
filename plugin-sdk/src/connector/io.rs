//! What the connector is told and what it asks for: the whole of its contact with the world.

use crate::pair::{Pair, Side};
use crate::status::Why;
use contract::Discovery;

/// Milliseconds of a clock that never goes back, from any beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// So much later.
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How long after `earlier`; 0 if it is not later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Names a probe or a stream; never reused, so that late news of a past one is known as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IoId(pub u64);

/// Names a request of the application while it is under way at the server in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A probe got what the server says of itself.
    Answered {
        /// Which probe.
        id: IoId,
        /// What it says.
        discovery: Discovery,
        /// How long it took.
        round_trip_ms: u64,
    },
    /// A probe failed.
    Failed {
        /// Which probe.
        id: IoId,
        /// How.
        fault: ServerFault,
    },
    /// A request was sent to the server in use.
    RequestStarted(RequestId),
    /// More of its answer has arrived.
    RequestProgress(RequestId),
    /// It has ended.
    RequestEnded {
        /// Which.
        id: RequestId,
        /// How.
        outcome: Outcome,
    },
    /// A request wants to be sent while no server is known to answer.
    RequestWanted,
    /// The event stream is open.
    StreamOpened(IoId),
    /// Bytes came over it, if only a comment.
    StreamAlive(IoId),
    /// It could not be opened, or it has ended.
    StreamClosed {
        /// Which stream.
        id: IoId,
        /// How.
        fault: ServerFault,
    },
    /// The server in use says over the stream how it and its pair are.
    Discovery {
        /// Which stream.
        id: IoId,
        /// What it says.
        discovery: Discovery,
    },
    /// The server in use has accepted a log-in, or a session of earlier.
    LoggedIn {
        /// FQDN of the server that the user belongs to.
        primary: String,
        /// What the answering server says of itself and its pair.
        discovery: Discovery,
    },
    /// A session of earlier is to be used; no server has confirmed it yet.
    SessionHeld,
    /// The session is over.
    LoggedOut,
    /// The computer says that it has a network, or none.
    Online(bool),
    /// The page is visible or hidden.
    Visible(bool),
    /// A message is being played.
    Playing(bool),
    /// A message is being recorded.
    Recording(bool),
    /// The user wants both servers asked now.
    RetryNow,
    /// Time has passed.
    Tick,
}

/// How a server failed a probe or a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerFault {
    /// No connection, or it broke.
    Refused,
    /// Accepted, but no answer in time.
    Silent,
    /// HTTP 502 to 504: out of service.
    OutOfService,
    /// Something else than a CallPilot server's answer.
    Broken,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer that the server meant, be it a refusal.
    Answered,
    /// Without.
    Failed(ServerFault),
    /// The caller lost interest.
    Abandoned,
}

/// What the connector asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Read what a server says of itself, `GET /.well-known/callpilot`, and tell the end of it.
    Probe {
        /// Names it.
        id: IoId,
        /// Which server.
        side: Side,
        /// Its base URL.
        http: String,
        /// Abort it after this.
        timeout_ms: u64,
    },
    /// Open the event stream.
    OpenEvents {
        /// Names it.
        id: IoId,
        /// Base URL of the server.
        http: String,
    },
    /// Abort the event stream.
    CloseEvents {
        /// Which.
        id: IoId,
    },
    /// Send requests there from now on.
    UseServer {
        /// Which server.
        side: Side,
        /// Why.
        why: Why,
        /// Also send again what is under way at the server before: it is not expected to answer any more.
        resend: bool,
    },
    /// No server answers: requests that wait have to be told.
    NoServer,
    /// Keep this pair for the next start.
    Remember(Pair),
    /// [`super::Connector::status`] tells something new.
    StatusChanged,
}
