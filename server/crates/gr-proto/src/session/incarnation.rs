//! Lives: who I am, who the partner is, and whether one of us went back in time (E6, E10, E11).
//!
//! A life that is not the adopted partner is challenged, and adopted only when it echoes a challenge that was open: mail of dead
//! lives can never open or disturb a session. There is one open challenge and at most one reply to a HELLO.
//!
//! ```text
//!   A: HELLO(challenge a)           ──►  B: a stranger; opens a challenge of its own
//!   A: adopts B; no challenge left  ◄──  B: HELLO(challenge b, echo a)
//!   A: HELLO(echo b)                ──►  B: adopts A
//! ```

use crate::session::entropy::Entropy;
use crate::{Config, Mono, Now, Rule, Rules};
use domain::Life;
use ledger::{Known, LineageEntry};
use std::collections::BTreeSet;

/// A challenge that has not been echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// The number to echo.
    pub(crate) value: u64,
    /// The life that was asked last.
    pub(crate) whom: Life,
    /// When it was issued: its echo proves life after that, and no later.
    pub(crate) issued: Mono,
}

/// What an engine remembers of lives, its own and others, besides the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lives {
    /// The open challenge.
    pub(crate) challenge: Option<Challenge>,
    /// What was known of the partner when this session's life of it was adopted: this is what HELLOs tell, because what is known
    /// now was learnt from that life itself.
    pub(crate) prior: Option<Option<Known>>,
    /// What the partner's HELLO says of this server has been judged in this session.
    pub(crate) judged: bool,
    /// This life has been entered into the lineage; a life that changes nothing and meets nobody leaves no trace.
    pub(crate) entered: bool,
    /// The tick when this life began.
    pub(crate) born: u64,
    /// Lives of the partner that this life has had a session with. Two lives meet once: the numbers of a second session would be those
    /// of the first, and its late mail would count (E6).
    pub(crate) met: BTreeSet<Life>,
}

impl Lives {
    /// The open challenge, for `whom` (0: for whoever hears it); a new one if there is none, or if the open one is so old that its
    /// echo would prove nothing and `renew` allows it.
    ///
    /// A challenge that a stranger is about to echo is not renewed: on a slow link every echo would then come too late, be answered
    /// with the new challenge, and the HELLOs would multiply with every doubled mail (I27).
    pub(crate) fn open(
        &mut self,
        now: Now,
        whom: Life,
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

    /// Whether a life that is not the partner may be adopted; closes the challenge. Returns since when it is proven alive.
    pub(crate) fn admit(&mut self, echo: Option<u64>, now: Mono, rules: Rules) -> Option<Mono> {
        let proven = self.close(echo);
        if rules.hold(Rule::Challenge) {
            proven
        } else {
            Some(now)
        }
    }
}

/// Whether a server with this lineage lacks something that its partner has seen of it.
///
/// What was seen at tick T of life L is part of its past if L is in the lineage and the next life began at T or later (E11). A life
/// that is not in the lineage *cannot be known*, which counts as lacking: the recovery that follows keeps what it cannot judge.
pub(crate) fn behind(lineage: &[LineageEntry], known: Option<Known>) -> bool {
    let Some(known) = known else { return false };
    match lineage.iter().position(|entry| entry.life == known.life) {
        Some(at) => lineage
            .get(at + 1)
            .is_some_and(|next| known.tick > next.tick),
        None => true,
    }
}

/// The entry of a life.
pub(crate) fn entry_of(lineage: &[LineageEntry], life: Life) -> Option<&LineageEntry> {
    lineage.iter().rev().find(|entry| entry.life == life)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn what_a_server_has_lost_shows_in_its_lineage() {
        let entry = |life, tick| LineageEntry {
            life: Life(life),
            tick,
            began: Timestamp(0),
        };
        let known = |life, tick| {
            Some(Known {
                life: Life(life),
                tick,
                id: 1,
            })
        };
        let lineage = [entry(1, 0), entry(2, 10), entry(3, 25)];
        assert!(!behind(&lineage, None));
        assert!(!behind(&lineage, known(1, 10)));
        assert!(
            behind(&lineage, known(1, 11)),
            "life 2 began at 10: tick 11 of life 1 is not in its past"
        );
        assert!(
            !behind(&lineage, known(3, 99)),
            "the present life is compared with the present tick, not here"
        );
        assert!(
            behind(&lineage, known(9, 1)),
            "a life that is not in the lineage"
        );
    }
}
