//! The event stream of the server in use: opened when there is a session, watched for silence, opened again with growing pauses.

use super::decide::Cause;
use super::io::{IoId, Millis, Output, ServerFault};
use super::jitter::Jitter;
use super::probe_round::ConnectorPhase;
use super::{Connector, Route, Timing};
use contract::Discovery;

#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Closed {
        open_at: Millis,
    },
    Opening {
        id: IoId,
        since: Millis,
    },
    Open {
        id: IoId,
        since: Millis,
        heard_at: Millis,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct StreamState {
    pub(super) stream: Stream,
    /// Closings in a row without a time of steady work between them.
    failures: u32,
}

impl StreamState {
    pub(super) fn new() -> Self {
        Self {
            stream: Stream::Closed { open_at: Millis(0) },
            failures: 0,
        }
    }

    pub(super) fn id(&self) -> Option<IoId> {
        match self.stream {
            Stream::Closed { .. } => None,
            Stream::Opening { id, .. } | Stream::Open { id, .. } => Some(id),
        }
    }

    pub(super) fn opening(&mut self, now: Millis, id: IoId) {
        self.stream = Stream::Opening { id, since: now };
    }

    /// Whether the news is of the present stream.
    pub(super) fn heard(&mut self, now: Millis, id: IoId) -> bool {
        if self.id() != Some(id) {
            return false;
        }
        let since = match self.stream {
            Stream::Open { since, .. } => since,
            _ => now,
        };
        let heard_at = now;
        self.stream = Stream::Open {
            id,
            since,
            heard_at,
        };
        true
    }

    /// It ended by itself: to be opened again after a pause.
    pub(super) fn closed(&mut self, now: Millis, timing: &Timing, jitter: &mut Jitter) {
        let steady = matches!(self.stream, Stream::Open { since, .. }
            if now.since(since) >= timing.stream_retry_max_ms);
        if steady {
            self.failures = 0;
        }
        let (first, max) = (timing.stream_retry_first_ms, timing.stream_retry_max_ms);
        let pause = jitter.backoff(first, max, self.failures);
        self.failures = self.failures.saturating_add(1);
        let open_at = now.plus(pause);
        self.stream = Stream::Closed { open_at };
    }

    /// Another server or another session: what was is forgotten. Returns the stream to abort.
    pub(super) fn reset(&mut self) -> Option<IoId> {
        let id = self.id();
        *self = Self::new();
        id
    }

    /// When it has to be opened, or given up for silence.
    pub(super) fn due(&self, timing: &Timing) -> Millis {
        match self.stream {
            Stream::Closed { open_at } => open_at,
            Stream::Opening { since, .. } => since.plus(timing.stream_open_ms),
            Stream::Open { heard_at, .. } => heard_at.plus(timing.stream_silence_ms),
        }
    }
}

impl Connector {
    pub(super) fn stream_due(&self) -> Option<Millis> {
        match self.watch.stream {
            Stream::Closed { .. } if !self.stream_wanted() => None,
            _ => Some(self.watch.due(&self.timing)),
        }
    }

    fn stream_wanted(&self) -> bool {
        self.session && matches!(self.phase, ConnectorPhase::Settled)
    }

    /// The event stream has ended by itself.
    pub(super) fn stream_closed(&mut self, now: Millis, id: IoId, fault: ServerFault) {
        if self.watch.id() == Some(id) {
            self.watch.closed(now, &self.timing, &mut self.jitter);
            self.suspect(now, Cause::stream(now, fault));
        }
    }

    /// The server in use says by its event stream how it is, and of its pair.
    pub(super) fn stream_told(&mut self, now: Millis, id: IoId, discovery: &Discovery) {
        if let Some(side) = self.current.filter(|_| self.watch.heard(now, id)) {
            self.heard(now);
            self.hear_discovery(now, side, discovery);
        }
    }

    pub(super) fn end_silent_stream(&mut self, now: Millis) {
        let Some(id) = self.watch.id() else { return };
        if self.watch.due(&self.timing) <= now {
            self.outputs.push_back(Output::CloseEvents { id });
            self.watch.closed(now, &self.timing, &mut self.jitter);
            self.suspect(now, Cause::stream(now, ServerFault::Silent));
        }
    }

    pub(super) fn tend_stream(&mut self, now: Millis) {
        if !self.session || self.current.is_none() {
            self.drop_stream();
        }
        let due = self.watch.id().is_none() && self.watch.due(&self.timing) <= now;
        if !due || !self.stream_wanted() {
            return;
        }
        if let Route::To(_, server) = self.route() {
            let id = self.new_id();
            self.watch.opening(now, id);
            let http = server.http;
            self.outputs.push_back(Output::OpenEvents { id, http });
        }
    }

    pub(super) fn drop_stream(&mut self) {
        if let Some(id) = self.watch.reset() {
            self.outputs.push_back(Output::CloseEvents { id });
        }
    }
}
