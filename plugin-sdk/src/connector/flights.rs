//! The application's requests that are under way at the server in use, and how long each has been without a sign of an answer.

use super::Timing;
use super::io::{Millis, RequestId};

/// At most [`WATCHED_MAX`], in the order of their beginning.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(Vec<OpenRequest>);

#[derive(Clone, Copy, Debug)]
struct OpenRequest {
    id: RequestId,
    quiet_since: Millis,
    /// What its silence has led to so far.
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Late,
    Overdue,
}

/// A request has been silent for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quiet {
    pub(super) since: Millis,
    /// So long that answers to probes no longer excuse its server.
    pub(super) overdue: bool,
}

/// Above this many requests at once the rest is not watched: they go to the same server, so they tell the same.
const WATCHED_MAX: usize = 64;

impl Flights {
    pub(super) fn start(&mut self, now: Millis, id: RequestId) {
        if self.0.len() < WATCHED_MAX {
            self.0.push(OpenRequest {
                id,
                quiet_since: now,
                told: Told::Nothing,
            });
        }
    }

    pub(super) fn progress(&mut self, now: Millis, id: RequestId) -> bool {
        let Some(flight) = self.0.iter_mut().find(|flight| flight.id == id) else {
            return false;
        };
        flight.quiet_since = now;
        flight.told = Told::Nothing;
        true
    }

    /// Whether it was watched, that is, under way at the server in use.
    pub(super) fn end(&mut self, id: RequestId) -> bool {
        let watched = self.0.len();
        self.0.retain(|flight| flight.id != id);
        self.0.len() < watched
    }

    /// Another server is used now.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The next request that has become late or overdue; each is told once of each.
    pub(super) fn next_quiet(&mut self, now: Millis, timing: &Timing) -> Option<Quiet> {
        self.0.iter_mut().find_map(|flight| {
            if now < flight.due(timing)? {
                return None;
            }
            flight.told = match flight.told {
                Told::Nothing => Told::Late,
                Told::Late | Told::Overdue => Told::Overdue,
            };
            Some(Quiet {
                since: flight.quiet_since,
                overdue: flight.told == Told::Overdue,
            })
        })
    }

    pub(super) fn wake_at(&self, timing: &Timing) -> Option<Millis> {
        self.0.iter().filter_map(|flight| flight.due(timing)).min()
    }
}

impl OpenRequest {
    fn due(&self, timing: &Timing) -> Option<Millis> {
        match self.told {
            Told::Nothing => Some(self.quiet_since.plus(timing.request_hedge_ms)),
            Told::Late => Some(self.quiet_since.plus(timing.request_patience_ms)),
            Told::Overdue => None,
        }
    }
}
