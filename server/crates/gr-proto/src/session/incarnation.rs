//! Incarnations: who I am, who the partner is, and whether one of us went back in time (E6, E10, E11).
//!
//! An incarnation that is not the adopted partner is challenged, and adopted only when it echoes a challenge that was open: mail of dead
//! incarnations can never open or disturb a session. There is one open challenge and at most one reply to a HELLO.
//!
//! ```text
//!   A: HELLO(challenge a)           ──►  B: a stranger; opens a challenge of its own
//!   A: adopts B; no challenge left  ◄──  B: HELLO(challenge b, echo a)
//!   A: HELLO(echo b)                ──►  B: adopts A
//! ```

use crate::session::entropy::Entropy;
use crate::{Config, Mono, Now, Rule, Rules};
use domain::Incarnation;
use ledger::{HistoryEntry, Known};
use std::collections::BTreeSet;

/// A challenge that has not been echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// The number to echo.
    pub(crate) value: u64,
    /// The incarnation that was asked last.
    pub(crate) whom: Incarnation,
    /// When it was issued: its echo proves incarnation after that, and no later.
    pub(crate) issued: Mono,
}

/// What an engine remembers of incarnations, its own and others, besides the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incarnations {
    /// The open challenge.
    pub(crate) challenge: Option<Challenge>,
    /// What was known of the partner when this session's incarnation of it was adopted: this is what HELLOs tell, because what is known
    /// now was learnt from that incarnation itself.
    pub(crate) prior: Option<Option<Known>>,
    /// What the partner's HELLO says of this server has been judged in this session.
    pub(crate) judged: bool,
    /// This incarnation has been entered into the incarnation history; an incarnation that changes nothing and meets nobody leaves no trace.
    pub(crate) entered: bool,
    /// The CSN when this incarnation began.
    pub(crate) born: u64,
    /// Incarnations of the partner that this incarnation has had a session with. Two incarnations meet once: the numbers of a second session would be those
    /// of the first, and its late mail would count (E6).
    pub(crate) met: BTreeSet<Incarnation>,
}

impl Incarnations {
    /// The open challenge, for `whom` (0: for whoever hears it); a new one if there is none, or if the open one is so old that its
    /// echo would prove nothing and `renew` allows it.
    ///
    /// A challenge that a stranger is about to echo is not renewed: on a slow link every echo would then come too late, be answered
    /// with the new challenge, and the HELLOs would multiply with every doubled mail (I27).
    pub(crate) fn open(
        &mut self,
        now: Now,
        whom: Incarnation,
        renew: bool,
        config: &Config,
        entropy: &mut Entropy,
    ) -> u64 {
        if let Some(open) = &mut self.challenge {
            let fresh = now.mono.since(open.issued) < config.timers.unknown_ms;
            if fresh || !(renew || open.whom != whom) {
                open.whom = whom;
                return open.value;
            }
        }
        let value = entropy.draw();
        self.challenge = Some(Challenge {
            value,
            whom,
            issued: now.mono,
        });
        value
    }

    /// Closes the open challenge if `echo` answers it. Returns when it was issued.
    pub(crate) fn close(&mut self, echo: Option<u64>) -> Option<Mono> {
        let open = self.challenge?;
        if echo != Some(open.value) {
            return None;
        }
        self.challenge = None;
        Some(open.issued)
    }

    /// Whether an incarnation that is not the partner may be adopted; closes the challenge. Returns since when it is proven alive.
    pub(crate) fn admit(&mut self, echo: Option<u64>, now: Mono, rules: Rules) -> Option<Mono> {
        let proven = self.close(echo);
        if rules.hold(Rule::Challenge) {
            proven
        } else {
            Some(now)
        }
    }
}

/// Whether a server with this incarnation history lacks something that its partner has seen of it.
///
/// What was seen at CSN T of incarnation L is part of its past if L is in the incarnation history and the next incarnation began at T or later (E11). An incarnation
/// that is not in the incarnation history *cannot be known*, which counts as lacking: the recovery that follows keeps what it cannot judge.
pub(crate) fn behind(history: &[HistoryEntry], known: Option<Known>) -> bool {
    let Some(known) = known else { return false };
    match history
        .iter()
        .position(|entry| entry.incarnation == known.incarnation)
    {
        Some(at) => history.get(at + 1).is_some_and(|next| known.csn > next.csn),
        None => true,
    }
}

/// The entry of an incarnation.
pub(crate) fn entry_of(
    history: &[HistoryEntry],
    incarnation: Incarnation,
) -> Option<&HistoryEntry> {
    history
        .iter()
        .rev()
        .find(|entry| entry.incarnation == incarnation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn what_a_server_has_lost_shows_in_its_history() {
        let entry = |incarnation, csn| HistoryEntry {
            incarnation: Incarnation(incarnation),
            csn,
            began: Timestamp(0),
        };
        let known = |incarnation, csn| {
            Some(Known {
                incarnation: Incarnation(incarnation),
                csn,
                id: 1,
            })
        };
        let history = [entry(1, 0), entry(2, 10), entry(3, 25)];
        assert!(!behind(&history, None));
        assert!(!behind(&history, known(1, 10)));
        assert!(
            behind(&history, known(1, 11)),
            "incarnation 2 began at 10: CSN 11 of incarnation 1 is not in its past"
        );
        assert!(
            !behind(&history, known(3, 99)),
            "the present incarnation is compared with the present CSN, not here"
        );
        assert!(
            behind(&history, known(9, 1)),
            "an incarnation that is not in the incarnation history"
        );
    }
}
