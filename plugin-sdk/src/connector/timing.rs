//! Every duration that the connector and the client go by.

/// Durations in milliseconds. Tests and demonstrations may shorten them; [`Timing::default`] is what users get.
///
/// The budget behind the defaults, from the server's fault to the first request at the partner: killed, one refused probe;
/// hung while a request waits, `request_hedge_ms + probe_timeout_ms` = 2.7 s; hung while idle and visible,
/// `idle_probe_ms + probe_timeout_ms` = 3.5 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// A visible page that has heard nothing for so long probes the server in use, and on the partner also the primary.
    pub idle_probe_ms: u64,
    /// The same for a hidden page, or before the log-in.
    pub hidden_probe_ms: u64,
    /// On the primary, a visible page looks at the partner so often, to be able to say whether it is ready.
    pub partner_look_ms: u64,
    /// A probe without answer after this has failed.
    pub probe_timeout_ms: u64,
    /// The same where neither server answered in the shorter time: perhaps the line is only slow.
    pub probe_timeout_slow_ms: u64,
    /// Least time between two probes of one server.
    pub probe_gap_ms: u64,
    /// While seeking, the partner is asked beside a primary that has not answered for so long.
    pub seek_hedge_ms: u64,
    /// A request without answer for so long puts its server suspected: both are probed.
    pub request_hedge_ms: u64,
    /// A request without answer for so long leaves its server even though the server answers probes.
    pub request_patience_ms: u64,
    /// After a refused connection the server in use has so long to prove that it was a slip, if the partner answers first.
    pub refused_grace_ms: u64,
    /// Both unreachable: the first retry; then twice as long each time.
    pub retry_first_ms: u64,
    /// Both unreachable: the longest pause.
    pub retry_max_ms: u64,
    /// Both unreachable: a request that wants to be sent causes a try, but not sooner than this after the last one.
    pub wanted_gap_ms: u64,
    /// Going back takes so many good answers in a row…
    pub back_answers: u32,
    /// …over at least this time…
    pub back_steady_ms: u64,
    /// …after a hold-down on the partner of at least this.
    pub hold_down_min_ms: u64,
    /// A primary that fails soon after a return doubles the next hold-down, up to this.
    pub hold_down_max_ms: u64,
    /// How long after a return a failure counts as soon.
    pub calm_ms: u64,
    /// An event stream has to open within this.
    pub stream_open_ms: u64,
    /// An event stream is dead after so long without a byte; servers send a comment every 15 s.
    pub stream_silence_ms: u64,
    /// A stream that closed is opened again after this, then after twice as long each time.
    pub stream_retry_first_ms: u64,
    /// The longest pause before opening a stream again.
    pub stream_retry_max_ms: u64,
    /// A suspicion that lasts longer than this is shown as "switching".
    pub switching_shown_ms: u64,
    /// How stale "up to date at" may become before the status is told again.
    pub heard_shown_ms: u64,
    /// A call gives up after this, all tries together; an answer that still arrives in pieces may take longer.
    pub call_max_ms: u64,
    /// A session is renewed when half of its time is over, but not more often than this: this computer's clock may be wrong.
    pub renew_pause_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            idle_probe_ms: 2_000,
            hidden_probe_ms: 15_000,
            partner_look_ms: 60_000,
            probe_timeout_ms: 1_500,
            probe_timeout_slow_ms: 4_000,
            probe_gap_ms: 500,
            seek_hedge_ms: 700,
            request_hedge_ms: 1_200,
            request_patience_ms: 8_000,
            refused_grace_ms: 250,
            retry_first_ms: 2_000,
            retry_max_ms: 60_000,
            wanted_gap_ms: 1_000,
            back_answers: 3,
            back_steady_ms: 3_000,
            hold_down_min_ms: 5_000,
            hold_down_max_ms: 300_000,
            calm_ms: 120_000,
            stream_open_ms: 5_000,
            stream_silence_ms: 40_000,
            stream_retry_first_ms: 500,
            stream_retry_max_ms: 15_000,
            switching_shown_ms: 500,
            heard_shown_ms: 20_000,
            call_max_ms: 20_000,
            renew_pause_ms: 60_000,
        }
    }
}

impl Timing {
    /// All durations divided by `by`, the counts as they are: for tests and demonstrations over a quick network.
    pub fn quickened(self, by: u64) -> Self {
        let by = by.max(1);
        Self {
            idle_probe_ms: self.idle_probe_ms / by,
            hidden_probe_ms: self.hidden_probe_ms / by,
            partner_look_ms: self.partner_look_ms / by,
            probe_timeout_ms: self.probe_timeout_ms / by,
            probe_timeout_slow_ms: self.probe_timeout_slow_ms / by,
            probe_gap_ms: self.probe_gap_ms / by,
            seek_hedge_ms: self.seek_hedge_ms / by,
            request_hedge_ms: self.request_hedge_ms / by,
            request_patience_ms: self.request_patience_ms / by,
            refused_grace_ms: self.refused_grace_ms / by,
            retry_first_ms: self.retry_first_ms / by,
            retry_max_ms: self.retry_max_ms / by,
            wanted_gap_ms: self.wanted_gap_ms / by,
            back_answers: self.back_answers,
            back_steady_ms: self.back_steady_ms / by,
            hold_down_min_ms: self.hold_down_min_ms / by,
            hold_down_max_ms: self.hold_down_max_ms / by,
            calm_ms: self.calm_ms / by,
            stream_open_ms: self.stream_open_ms / by,
            stream_silence_ms: self.stream_silence_ms / by,
            stream_retry_first_ms: self.stream_retry_first_ms / by,
            stream_retry_max_ms: self.stream_retry_max_ms / by,
            switching_shown_ms: self.switching_shown_ms / by,
            heard_shown_ms: self.heard_shown_ms / by,
            call_max_ms: self.call_max_ms / by,
            renew_pause_ms: self.renew_pause_ms / by,
        }
    }
}
