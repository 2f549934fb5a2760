//! All that a store says of itself, to be compared.

use crate::workload::{TRANSACTIONS, in_pieces, message_id};
use domain::{BodyRef, Digest, Object, ObjectId, Timestamp};
use ledger::{
    Damage, DeletionRecord, HistoryEntry, Lane, Ledger, LedgerError, Mark, Order, ReplicaState,
    Tombstone, Tree,
};
use store::{Readers, Tx, Writer};

/// More than there are.
const ALL: usize = 10_000;

/// What can be read of a store.
#[derive(Debug, PartialEq)]
pub struct Dump {
    objects: Vec<(ObjectId, Object)>,
    kept: Vec<(ObjectId, Object)>,
    marks: Vec<(ObjectId, Mark)>,
    gone: Vec<(Option<Tombstone>, Option<DeletionRecord>)>,
    sums: Vec<Vec<Digest>>,
    state: ReplicaState,
    history: Vec<HistoryEntry>,
    damage: Damage,
    setting: Option<Vec<u8>>,
    /// How much is here of each body that comes in pieces; `None`: all of it.
    parts: Vec<Option<u32>>,
}

impl Dump {
    /// Reads everything, and each body that is referred to.
    ///
    /// # Panics
    /// Something cannot be read.
    pub fn of(writer: &mut Writer, readers: &Readers) -> Self {
        let mut tx = writer.begin().unwrap();
        let dump = Self::of_rows(&mut tx).unwrap();
        drop(tx);
        for (id, object) in dump.objects.iter().chain(&dump.kept) {
            if let Some(body) = &object.body {
                let read = readers.body(body);
                assert!(read.is_ok(), "body of {id}: {read:?}");
            }
        }
        dump
    }

    fn of_rows(tx: &mut Tx<'_>) -> Result<Self, LedgerError> {
        let mut objects = Vec::new();
        for id in tx.ids_after(None, ALL)? {
            let object = tx.object(&id)?;
            objects.push((id, object.expect("what is listed is there")));
        }
        let mut marks = Vec::new();
        for lane in [Lane::Users, Lane::Messages] {
            marks.extend(tx.marks(lane, Order::Oldest, Timestamp(0), ALL)?);
        }
        let mut gone = Vec::new();
        for n in 0..TRANSACTIONS {
            let id = message_id(n);
            gone.push((tx.tombstone(&id)?, tx.deletion_record(&id)?));
        }
        let mut sums = Vec::new();
        for tree in [Tree::Users, Tree::Contents] {
            sums.push(tx.sums(tree, None)?);
        }
        let mut parts = Vec::new();
        for n in 0..=TRANSACTIONS / 3 {
            let body = BodyRef::of(&in_pieces(n));
            let whole = tx.has_body(&body)?;
            parts.push(match whole {
                true => None,
                false => Some(tx.body_part(&body)?),
            });
        }
        Ok(Self {
            objects,
            kept: tx.kept_after(None, ALL)?,
            marks,
            gone,
            sums,
            state: tx.state()?,
            history: tx.history()?,
            damage: tx.damage()?,
            setting: tx.setting("n")?,
            parts,
        })
    }

    /// In what a store that says `self` cannot be one that said `before` at its last commit. They are equal, but for a body that came in
    /// pieces: its last piece may have been written and not committed, and then the body is here.
    pub fn differs_from(&self, before: &Self) -> Vec<String> {
        let parts = self.parts.iter().zip(&before.parts);
        let mut parts = parts.map(|(now, before)| now.is_none() || now == before);
        let equal = [
            ("objects", self.objects == before.objects),
            ("what is kept", self.kept == before.kept),
            ("marks", self.marks == before.marks),
            ("tombstones", self.gone == before.gone),
            ("sums", self.sums == before.sums),
            ("state", self.state == before.state),
            ("history", self.history == before.history),
            ("damage", self.damage == before.damage),
            ("the setting", self.setting == before.setting),
            ("pieces", parts.all(|follows| follows)),
        ];
        let differ = equal.into_iter().filter(|(_, equal)| !equal);
        differ.map(|(what, _)| what.to_owned()).collect()
    }

    /// Whether a store that says `self` can be one that said `before`.
    pub fn follows(&self, before: &Self) -> bool {
        self.differs_from(before).is_empty()
    }
}
