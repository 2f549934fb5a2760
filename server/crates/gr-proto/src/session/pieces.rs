//! Long bodies travel in pieces, so that others pass between them (E23).
//!
//! A body that is longer than a message should be goes with its item piece by piece. The partner appends each to what it has of the body,
//! and refuses the object until the body is whole; the refusal says how much is there, and the next piece begins where that ends. So one
//! piece of an object is under way at a time, nothing is counted that both could disagree on, and after a new session, a restart or a
//! restore of either side it goes on from what is really there.

use crate::limits;
use domain::{BodyRef, ObjectId};
use ledger::Mark;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A part of a body, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Where it begins.
    #[serde(rename = "a")]
    pub at: u32,
    /// How long it is.
    #[serde(rename = "l")]
    pub len: u32,
}

impl Piece {
    /// Where it ends.
    pub fn end(&self) -> u64 {
        u64::from(self.at) + u64::from(self.len)
    }

    /// From `at` on, no longer than `most`.
    pub(crate) fn of(body: &BodyRef, at: u32, most: u64) -> Self {
        let at = at.min(body.len);
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let len = most.min(body.len - at);
        Self { at, len }
    }
}

/// What of a body goes along with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Nothing: it is not asked for, or not here.
    Nothing,
    /// All of it.
    Whole,
    /// Nothing: the partner may have a part of it, and will say so.
    RequestBody,
    /// A piece.
    Piece(Piece),
}

impl Part {
    /// Whether the partner has the whole body if it refuses nothing.
    pub(crate) fn completes(self, body: Option<&BodyRef>) -> bool {
        match self {
            Self::Whole => true,
            Self::Piece(piece) => body.is_some_and(|body| piece.end() == u64::from(body.len)),
            Self::Nothing | Self::RequestBody => false,
        }
    }
}

/// What the partner has said of long bodies; volatile, like everything in a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    open: BTreeMap<ObjectId, PieceTransfer>,
    /// The partner knows nothing of pieces.
    unknown: bool,
}

/// A body under way in pieces.
#[derive(Clone, Copy, Debug)]
struct PieceTransfer {
    /// So many bytes of it are at the partner.
    have: u32,
    /// So often in a row no more had come.
    stalls: u8,
    /// So often less was there than before.
    falls: u8,
    /// The newest message that told of it.
    no: u64,
}

impl Pieces {
    /// What is to go along of a body that is here, if a message should have no more than `most` bytes.
    pub(crate) fn part(&self, id: &ObjectId, body: &BodyRef, mark: &Mark, most: u64) -> Part {
        if self.unknown || u64::from(body.len) <= most {
            return Part::Whole;
        }
        match self.open.get(id) {
            Some(open) => Part::Piece(Piece::of(body, open.have, most)),
            // Nobody has heard of it: nothing can be there.
            None if mark.unsent => Part::Piece(Piece::of(body, 0, most)),
            None => Part::RequestBody,
        }
    }

    /// The same, heard when what it answers had been given up, and perhaps sent again: the next piece begins where the partner is. That more
    /// has come is progress, however late it is heard; that no more has come says too little to count as a try. On a link that is taken for
    /// broken again and again nothing else may ever be heard.
    pub(crate) fn refused_late(&mut self, no: u64, id: ObjectId, part: Part, have: Option<u32>) {
        match (self.open.get_mut(&id), have) {
            (_, None) => self.unknown |= !matches!(part, Part::Nothing | Part::Whole),
            (Some(open), Some(have)) if no > open.no => {
                if have > open.have {
                    open.stalls = 0;
                }
                (open.no, open.have) = (no, have);
            }
            (Some(_), Some(_)) => {}
            (None, Some(have)) => self.remember(no, id, have),
        }
    }

    /// The partner refused an object that went under this number because its body is not whole there; `have` is what it has. Says whether it
    /// is on its way all the same: otherwise this was a try in vain, and another one may be, too.
    pub(crate) fn refused(&mut self, no: u64, id: ObjectId, part: Part, have: Option<u32>) -> bool {
        if part == Part::Whole {
            return false;
        }
        let Some(have) = have else {
            // It does not say how much is there, so it takes none but whole ones.
            self.unknown |= part != Part::Nothing;
            return false;
        };
        let Some(open) = self.open.get_mut(&id) else {
            self.remember(no, id, have);
            return part != Part::Nothing && (have > 0 || part == Part::RequestBody);
        };
        if have > open.have {
            open.stalls = 0;
        } else if have == open.have {
            open.stalls = open.stalls.saturating_add(1);
        } else {
            open.falls = open.falls.saturating_add(1);
        }
        (open.no, open.have) = (no.max(open.no), have);
        open.stalls < limits::REFUSED_TRIES_MAX && open.falls < limits::REFUSED_TRIES_MAX
    }

    /// The partner has it, or it is held.
    pub(crate) fn done(&mut self, id: &ObjectId) {
        self.open.remove(id);
    }

    fn remember(&mut self, no: u64, id: ObjectId, have: u32) {
        if self.open.len() >= limits::PIECES_MAX {
            // Whoever is forgotten is asked for again.
            self.open.pop_first();
        }
        let (stalls, falls) = (0, 0);
        let open = PieceTransfer {
            have,
            stalls,
            falls,
            no,
        };
        self.open.insert(id, open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use ledger::Lane;

    const MOST: u64 = 100;
    const BODY: BodyRef = BodyRef {
        hash: [7; 32],
        len: 250,
    };

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes([n; 16])
    }

    fn mark(unsent: bool) -> Mark {
        Mark {
            lane: Lane::Messages,
            n: 1,
            since: Timestamp(0),
            body: true,
            unsent,
            recovery: false,
        }
    }

    fn piece(at: u32, len: u32) -> Part {
        Part::Piece(Piece { at, len })
    }

    #[test]
    fn pieces_follow_what_the_partner_says_that_it_has() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.part(&id(1), &BODY, &mark(true), MOST), piece(0, 100));
        assert_eq!(
            pieces.part(&id(1), &BODY, &mark(false), MOST),
            Part::RequestBody
        );
        for (have, next) in [
            (0, piece(0, 100)),
            (100, piece(100, 100)),
            (200, piece(200, 50)),
        ] {
            assert!(pieces.refused(1, id(1), Part::RequestBody, Some(have)));
            assert_eq!(pieces.part(&id(1), &BODY, &mark(false), MOST), next);
        }
        assert!(piece(200, 50) != piece(100, 50));
        assert!(piece(200, 50).completes(Some(&BODY)) && !piece(100, 100).completes(Some(&BODY)));
        pieces.done(&id(1));
        assert_eq!(
            pieces.part(&id(1), &BODY, &mark(false), MOST),
            Part::RequestBody
        );
    }

    #[test]
    fn what_never_grows_and_what_falls_back_again_and_again_is_given_up() {
        let mut pieces = Pieces::default();
        assert!(pieces.refused(1, id(1), piece(0, 100), Some(100)));
        for n in 1..=3 {
            assert_eq!(pieces.refused(1, id(1), piece(100, 100), Some(100)), n < 3);
        }
        for n in 1..=3 {
            assert!(pieces.refused(1, id(2), piece(0, 100), Some(100)));
            assert_eq!(pieces.refused(1, id(2), piece(100, 100), Some(0)), n < 3);
        }
    }

    #[test]
    fn what_grows_now_and_then_is_not_given_up() {
        let mut pieces = Pieces::default();
        for n in 1..=9 {
            let had = Some(100 * n);
            assert!(pieces.refused(1, id(1), piece(0, 100), had));
            assert!(pieces.refused(1, id(1), piece(0, 100), had));
        }
    }

    /// Each piece is given up before it is acknowledged and goes twice: the second copy brings nothing, and is the only one heard in time.
    #[test]
    fn what_grows_by_pieces_that_had_been_given_up_is_not_given_up() {
        let mut pieces = Pieces::default();
        pieces.refused_late(1, id(1), piece(0, 100), Some(0));
        for n in 1..=9 {
            let (no, at, had) = (3 * u64::from(n), 100 * (n - 1), Some(100 * n));
            pieces.refused_late(no, id(1), piece(at, 100), had);
            assert!(pieces.refused(no + 1, id(1), piece(at, 100), had));
        }
        for n in 1..=3 {
            pieces.refused_late(100 + 2 * n, id(1), piece(900, 100), Some(900));
            let on_its_way = pieces.refused(101 + 2 * n, id(1), piece(900, 100), Some(900));
            assert_eq!(on_its_way, n < 2, "nothing more has come");
        }
    }

    #[test]
    fn a_whole_body_that_did_not_arrive_says_nothing_of_pieces() {
        let mut pieces = Pieces::default();
        assert!(!pieces.refused(1, id(1), Part::Whole, Some(60)));
        pieces.refused_late(1, id(2), Part::Whole, None);
        pieces.refused_late(1, id(2), Part::Nothing, None);
        for n in [1, 2] {
            assert_eq!(pieces.part(&id(n), &BODY, &mark(true), MOST), piece(0, 100));
        }
    }

    #[test]
    fn the_newest_word_counts_even_if_it_is_late() {
        let mut pieces = Pieces::default();
        pieces.refused_late(5, id(1), Part::RequestBody, Some(100));
        pieces.refused_late(4, id(1), Part::RequestBody, Some(50));
        let next = pieces.part(&id(1), &BODY, &mark(false), MOST);
        assert_eq!(next, piece(100, 100));
        pieces.refused_late(6, id(1), Part::RequestBody, Some(50));
        let next = pieces.part(&id(1), &BODY, &mark(false), MOST);
        assert_eq!(next, piece(50, 100), "the partner has lost some of it");
        pieces.refused_late(7, id(2), piece(0, 100), None);
        assert_eq!(pieces.part(&id(3), &BODY, &mark(true), MOST), Part::Whole);
    }

    #[test]
    fn a_partner_that_knows_no_pieces_gets_whole_bodies() {
        let mut pieces = Pieces::default();
        assert!(!pieces.refused(1, id(1), Part::Nothing, None));
        assert_eq!(pieces.part(&id(1), &BODY, &mark(true), MOST), piece(0, 100));
        assert!(!pieces.refused(1, id(1), piece(0, 100), None));
        assert_eq!(pieces.part(&id(2), &BODY, &mark(true), MOST), Part::Whole);
    }

    #[test]
    fn what_is_forgotten_is_asked_for_again() {
        let mut pieces = Pieces::default();
        for n in 0..=limits::PIECES_MAX as u16 {
            let mut bytes = [0; 16];
            bytes[..2].copy_from_slice(&n.to_be_bytes());
            pieces.refused(1, ObjectId::from_bytes(bytes), Part::RequestBody, Some(1));
        }
        assert_eq!(pieces.open.len(), limits::PIECES_MAX);
        assert_eq!(
            pieces.part(&id(0), &BODY, &mark(false), MOST),
            Part::RequestBody
        );
    }
}
