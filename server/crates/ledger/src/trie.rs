//! A short name for everything a server holds, kept up to date by every write, so that comparing costs what differs (R15).
//!
//! Each object has a digest of its identity and the versions of its registers. The digests of all objects in a *leaf* are summed,
//! and so are those of the 256 leaves of a *part*. A sum follows a change by one subtraction and one addition; two servers that
//! hold the same have the same sums, and where they do not, three questions lead to the objects that differ.

use domain::{Object, ObjectId};

/// What is compared: users and settings, or what belongs to users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// Objects without owner, each in the leaf of its own id.
    Users,
    /// Objects with an owner, each in the leaf of the owner's id: so a mailbox lies in one leaf, that of its user.
    Contents,
}

/// Where an object is in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leaf {
    /// Which tree.
    pub tree: Tree,
    /// Which leaf; the upper 8 bits are its part.
    pub no: u16,
}

impl Leaf {
    /// Where an object is.
    pub fn of(id: &ObjectId, object: &Object) -> Self {
        match &object.owner {
            None => Self {
                tree: Tree::Users,
                no: Self::number(id),
            },
            Some(owner) => Self {
                tree: Tree::Contents,
                no: Self::number(owner),
            },
        }
    }

    /// The leaf number of an id: 16 bits of its BLAKE3, because ids of one day begin alike.
    pub fn number(id: &ObjectId) -> u16 {
        let hash = blake3::hash(id.as_bytes());
        u16::from_be_bytes([hash.as_bytes()[0], hash.as_bytes()[1]])
    }

    /// The part of a leaf.
    pub fn part(no: u16) -> u8 {
        (no >> 8) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Kind;

    #[test]
    fn a_mailbox_lies_in_the_leaf_of_its_user() {
        let user = ObjectId::from_bytes([5; 16]);
        let message = Object::new(Kind::MESSAGE, Some(user), None);
        let at = Leaf::of(&ObjectId::from_bytes([6; 16]), &message);
        let home = Leaf::of(&user, &Object::new(Kind::USER, None, None));
        assert_eq!((at.no, at.tree), (home.no, Tree::Contents));
        assert_eq!(home.tree, Tree::Users);
    }
}
