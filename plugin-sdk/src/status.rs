//! What the user is told about the connection: one state, with what the words around it need.

use crate::pair::Side;
use contract::Timestamp;

/// What the connection line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing has answered yet since the start; nothing is wrong either. Lasts a moment.
    Connecting,
    /// "Connected to your server".
    OnPrimary,
    /// "Switching to the partner server…" (or away from the partner): the server in use does not answer and the other is asked.
    Switching,
    /// "Working on the partner server".
    OnPartner,
    /// "Going back to your server…": it answers again and is in service; [`Status::waiting_for`] says what is awaited.
    GoingBack,
    /// "No connection. Kept copy shown."
    Unreachable,
    /// "Maintenance: on the partner server": the primary was taken out of service on purpose (R18).
    Maintenance,
}

/// Why the present server is in use, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The client has just started.
    Start,
    /// The primary answers: the usual case.
    Preferred,
    /// The server before it refused connections or closed them.
    Refused,
    /// The server before it accepted connections and gave no answer.
    Silent,
    /// The server before it gave answers that cannot be understood.
    Broken,
    /// The server before it is out of service on purpose (R18).
    OutOfService,
    /// The primary is in service but still behind its partner.
    NotCaughtUp,
    /// The user logged in there while belonging to the other server.
    LoggedInThere,
    /// The primary is back and has caught up.
    CaughtUp,
    /// GR was turned off, or the pair was changed (R6).
    PairChanged,
}

/// What going back waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailbackWait {
    /// The primary has yet to receive what happened without it.
    CatchUp,
    /// It has to answer well for a few seconds more.
    Steady,
    /// "Going back when this message has ended."
    Playback,
    /// It failed repeatedly of late: this time it must stay well for longer.
    Calm,
}

/// What is known of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// Not asked yet.
    Unknown,
    /// Answers and is in service.
    Good {
        /// Holds all that the other has for it.
        caught_up: bool,
    },
    /// Answers and says that it is out of service.
    OutOfService,
    /// Refuses connections.
    Refused,
    /// Accepts and does not answer in time.
    Silent,
    /// Answers with something else than a CallPilot server's words, or is not this pair's partner.
    Broken,
}

impl Health {
    /// Whether requests may go there.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Good { .. })
    }
}

/// One server of the pair, as the Configure page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerStatus {
    /// Fully qualified domain name.
    pub fqdn: String,
    /// Base URL of its HTTP service.
    pub http: String,
    /// Base DN of its address book; empty until it is known.
    pub search_base: String,
    /// What is known of it.
    pub health: Health,
    /// Since when it has not been good. `None` while it is, and where nobody asked it for so long before that only the present is known.
    pub out_since: Option<Timestamp>,
    /// How long its last answer to a probe took.
    pub round_trip_ms: Option<u64>,
}

/// The connection as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What the line shows.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// The server that requests go to now; `None` while none is known to answer.
    pub on: Option<Side>,
    /// Why that one.
    pub why: Why,
    /// The server that the user belongs to.
    pub primary: ServerStatus,
    /// Its GR partner; `None` where none is configured.
    pub partner: Option<ServerStatus>,
    /// When the server in use was last heard of: what is shown is up to date as of then.
    pub up_to_date_at: Option<Timestamp>,
    /// While switching: since when the server in use has not answered.
    pub unanswered_since: Option<Timestamp>,
    /// While unreachable: when both are tried next.
    pub next_try_at: Option<Timestamp>,
    /// While on the partner: what going back waits for; `None` while the primary is out.
    pub waiting_for: Option<FailbackWait>,
    /// The computer itself says that it has no network.
    pub network_offline: bool,
}

impl Status {
    /// The server in use.
    pub fn connected(&self) -> Option<&ServerStatus> {
        match self.on? {
            Side::Primary => Some(&self.primary),
            Side::Partner => self.partner.as_ref(),
        }
    }
}
