//! What is damaged at rest: bodies that are gone from the disk, and rows that cannot be read any more.
//!
//! Neither is a deletion. An object whose row cannot be read is *unreadable*: it is neither here nor absent, no list and no sum tells of
//! it, and nobody may draw a conclusion from that; the partner is asked what it was.

use domain::{Kind, ObjectId};

/// How much is damaged at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Bodies that something refers to and that are not here.
    pub bodies: u64,
    /// Objects that are unreadable.
    pub rows: u64,
    /// Of these, so many that the partner does not know either.
    pub lost_rows: u64,
}

impl Damage {
    /// Whether nothing is.
    pub fn is_none(&self) -> bool {
        self.bodies == 0 && self.rows == 0
    }
}

/// An object whose row cannot be read. Writing or removing the object ends that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What it was, as far as can be told.
    pub kind: Kind,
    /// Whose it was, as far as can be told.
    pub owner: Option<ObjectId>,
    /// The partner was asked, and does not know it either.
    pub lost: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_body_and_an_unreadable_row_are_damage() {
        for (bodies, rows) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let damage = Damage {
                bodies,
                rows,
                lost_rows: 0,
            };
            assert_eq!(damage.is_none(), bodies + rows == 0, "{damage:?}");
        }
    }
}
