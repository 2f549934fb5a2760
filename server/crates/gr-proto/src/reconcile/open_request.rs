//! A question that waits for its answer, and when it is asked again.

use crate::{Mono, RequestBody, Response, Timers};

/// A question without an answer.
#[derive(Clone, Debug)]
pub(crate) struct OpenRequest {
    /// The number under which it was first asked.
    pub(crate) first: u64,
    /// And under which it was last asked.
    pub(crate) no: u64,
    /// When that was.
    pub(crate) at: Mono,
    /// How often it has been asked again.
    again: u32,
    pub(crate) question: RequestBody,
}

impl OpenRequest {
    /// A question that is about to be asked; `before`: the one that was open.
    pub(crate) fn new(question: RequestBody, before: Option<Self>, now: Mono) -> Self {
        let same = before.filter(|open| open.question == question);
        Self {
            first: same.as_ref().map_or(0, |open| open.first),
            no: 0,
            at: now,
            again: same.map_or(0, |open| open.again.saturating_add(1)),
            question,
        }
    }

    /// When it is asked again. Each time it takes twice as long, as for data: the answer may be long and the link slow, and then it comes.
    pub(crate) fn retry_at(&self, retransmit_ms: u64, timers: &Timers) -> Mono {
        let doubled = retransmit_ms.saturating_mul(1 << self.again.min(20));
        let longest = timers.retransmit_ms_max.max(retransmit_ms);
        self.at.plus(doubled.min(longest))
    }

    /// Whether something answers it: under whichever number it was asked.
    pub(crate) fn is_answered_by(&self, answer: &Response) -> bool {
        (self.first..=self.no).contains(&answer.to)
    }
}
