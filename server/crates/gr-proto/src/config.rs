//! What an engine is told about its place in the pair, and about time.

use crate::{Limits, Rules};
use domain::{ReplicationConstraints, ServerId, Timestamp};

/// The present moment, as the driver's clocks show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Unix time. It may jump: used for versions and for what people read, never for timers.
    pub wall: Timestamp,
    /// A clock that never goes back, for all timers.
    pub mono: Mono,
}

/// A reading of a monotonic clock: milliseconds since some moment of the driver's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mono(pub u64);

impl Mono {
    /// The reading `ms` milliseconds later.
    #[must_use]
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` until this reading; 0 if it was not earlier.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What an engine is told when an incarnation begins.
#[derive(Clone, Debug)]
pub struct Config {
    /// This server.
    pub me: ServerId,
    /// The other half of the pair. Without one nothing is marked and nothing is sent, but changes get their versions all the same.
    pub partner: Option<ServerId>,
    /// When to speak, and when to call silence a failure.
    pub timers: Timers,
    /// What decides, besides the users themselves, which of them are on both servers (R9). It changes by
    /// [`crate::Input::Constraints`].
    pub constraints: ReplicationConstraints,
    /// How much may be deleted without an administrator's word (E19).
    pub deletion_guard: DeletionGuard,
    /// Everything that can grow, and how far (E22).
    pub limits: Limits,
    /// The rules of the protocol, all of them on; only a build for tests can turn one off.
    pub rules: Rules,
}

/// An automatic step that would delete more than this waits for an administrator: it is what keeps an emptied or replaced partner
/// from wiping the survivor (E19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletionGuard {
    /// So many users may go in any case.
    pub users_min: u64,
    /// And so many per cent of all users.
    pub users_percent: u64,
    /// So many messages, greetings and lists may go along with their users, over all mailboxes together.
    pub contents_max: u64,
}

impl DeletionGuard {
    /// Whether so many of so many users may go.
    pub fn allows_users(&self, gone: u64, all: u64) -> bool {
        gone <= self
            .users_min
            .max(all.saturating_mul(self.users_percent) / 100)
    }

    /// Whether so many contents may go along with them.
    pub fn allows_contents(&self, gone: u64) -> bool {
        gone <= self.contents_max
    }
}

impl Default for DeletionGuard {
    fn default() -> Self {
        Self {
            users_min: 10,
            users_percent: 1,
            contents_max: 1_000,
        }
    }
}

impl Config {
    /// A configuration with the timers of a direct link.
    pub fn new(me: ServerId, partner: Option<ServerId>) -> Self {
        Self {
            me,
            partner,
            timers: Timers::direct(),
            constraints: ReplicationConstraints::default(),
            deletion_guard: DeletionGuard::default(),
            limits: Limits::default(),
            rules: Rules::default(),
        }
    }
}

/// The timers of a pair, in milliseconds. Both servers should have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// A heartbeat goes out after so long without another message.
    pub heartbeat_ms: u64,
    /// The partner is *unknown* after so long without proof of life.
    pub unknown_ms: u64,
    /// The partner is *down* after so long without proof of life.
    pub down_ms: u64,
    /// The longest pause between two probes while the partner is unknown.
    pub probe_unknown_ms: u64,
    /// The longest pause between two probes while the partner is down.
    pub probe_down_ms: u64,
    /// The shortest time after which a message without acknowledgement is taken for lost.
    pub retransmit_ms_min: u64,
    /// The longest such time; it doubles up to here while nothing is acknowledged.
    pub retransmit_ms_max: u64,
}

impl Timers {
    /// Two servers that reach each other's SMTP service without a relay between them.
    pub const fn direct() -> Self {
        Self {
            heartbeat_ms: 15_000,
            unknown_ms: 60_000,
            down_ms: 300_000,
            probe_unknown_ms: 15_000,
            probe_down_ms: 60_000,
            retransmit_ms_min: 2_000,
            retransmit_ms_max: 600_000,
        }
    }

    /// Two servers whose mail goes through relays.
    pub const fn relay() -> Self {
        Self {
            heartbeat_ms: 60_000,
            unknown_ms: 300_000,
            down_ms: 1_800_000,
            probe_unknown_ms: 60_000,
            probe_down_ms: 300_000,
            retransmit_ms_min: 60_000,
            retransmit_ms_max: 600_000,
        }
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self::direct()
    }
}
