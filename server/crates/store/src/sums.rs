//! The sums of the digest trie (R15), kept for each bucket in the transaction that changes it.

use crate::space::Space;
use crate::{StoreError, Tx, view};
use domain::{Digest, Object, ObjectId};
use ledger::{Leaf, Tree};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;

/// Entries on each level of the trie: parts of a tree, and buckets of a part.
const WIDTH: usize = 256;

/// Where an object is in the digest trie, and with which digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub bucket: Leaf,
    pub digest: Digest,
}

impl Spot {
    pub(crate) fn of(id: &ObjectId, object: &Object) -> Self {
        Self {
            bucket: Leaf::of(id, object),
            digest: object.digest(id),
        }
    }
}

/// How sums change in a transaction. Written once for each bucket: a mailbox that arrives lies in a single one.
pub(crate) type Changes = BTreeMap<(Space, Tree, u16), Digest>;

/// The statements of one table of sums.
struct Statements {
    sum: &'static str,
    put: &'static str,
}

static LIVE: Statements = Statements {
    sum: "SELECT sum FROM digest WHERE tree = ?1 AND bucket = ?2",
    put: "INSERT INTO digest (tree, bucket, sum) VALUES (?1, ?2, ?3)
          ON CONFLICT (tree, bucket) DO UPDATE SET sum = excluded.sum",
};
static STAGED: Statements = Statements {
    sum: "SELECT sum FROM digest_staged WHERE tree = ?1 AND bucket = ?2",
    put: "INSERT INTO digest_staged (tree, bucket, sum) VALUES (?1, ?2, ?3)
          ON CONFLICT (tree, bucket) DO UPDATE SET sum = excluded.sum",
};

pub(crate) const BUCKETS: &str =
    "SELECT bucket, sum FROM digest WHERE tree = ?1 AND bucket BETWEEN ?2 AND ?3";

pub(crate) const IN_BUCKET: &str =
    "SELECT id FROM object WHERE tree = ?1 AND bucket = ?2 AND id > ?3 ORDER BY id LIMIT ?4";

/// How a tree is stored.
pub(crate) fn tree_number(tree: Tree) -> i64 {
    match tree {
        Tree::Users => 0,
        Tree::Contents => 1,
    }
}

/// How a tree was stored.
pub(crate) fn tree(number: i64) -> Tree {
    if number == 0 {
        Tree::Users
    } else {
        Tree::Contents
    }
}

/// A sum as it is stored.
pub(crate) fn to_bytes(digest: Digest) -> [u8; 16] {
    digest.0.to_be_bytes()
}

/// A sum as it was stored.
pub(crate) fn from_bytes(bytes: [u8; 16]) -> Digest {
    Digest(u128::from_be_bytes(bytes))
}

impl Tx<'_> {
    /// An object came to a bucket, left it, or was replaced in it. What is kept is not compared, and has no sums.
    pub(crate) fn count_in(&mut self, space: Space, old: Option<Spot>, new: Option<Spot>) {
        if space == Space::Kept || old == new {
            return;
        }
        if let Some(Spot { bucket, digest }) = old {
            let sum = self.sum_of(space, bucket);
            *sum = sum.minus(digest);
        }
        if let Some(Spot { bucket, digest }) = new {
            let sum = self.sum_of(space, bucket);
            *sum = sum.plus(digest);
        }
    }

    fn sum_of(&mut self, space: Space, bucket: Leaf) -> &mut Digest {
        let at = (space, bucket.tree, bucket.no);
        self.sums.entry(at).or_default()
    }

    /// Writes how sums changed so far.
    pub(crate) fn flush_sums(&mut self) -> Result<(), StoreError> {
        for ((space, tree, bucket), change) in std::mem::take(&mut self.sums) {
            if change == Digest::default() {
                continue;
            }
            let sql = if space == Space::Live { &LIVE } else { &STAGED };
            let tree = tree_number(tree);
            let mut statement = self.writer.conn.prepare_cached(sql.sum)?;
            let old: Option<[u8; 16]> = statement
                .query_row((tree, bucket), |row| row.get(0))
                .optional()?;
            let sum = from_bytes(old.unwrap_or_default()).plus(change);
            self.execute(sql.put, (tree, bucket, to_bytes(sum)))?;
        }
        Ok(())
    }
}

/// The sums of the parts of a tree, or of the buckets of one part: 256 in any case.
pub(crate) fn read(
    conn: &Connection,
    tree: Tree,
    part: Option<u8>,
) -> Result<Vec<Digest>, StoreError> {
    let (first, last) = match part {
        None => (0, u16::MAX),
        Some(part) => (u16::from(part) << 8, u16::from(part) << 8 | 0xff),
    };
    let params = (tree_number(tree), first, last);
    let buckets: Vec<(u16, [u8; 16])> =
        view::rows(conn, BUCKETS, params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut sums = vec![Digest::default(); WIDTH];
    for (bucket, sum) in buckets {
        let at = match part {
            None => Leaf::part(bucket).into(),
            Some(_) => usize::from(bucket & 0xff),
        };
        sums[at] = sums[at].plus(from_bytes(sum));
    }
    Ok(sums)
}
