//! Writing and removing objects, with the columns that indexes need, in any of the spaces.

use crate::space::Space;
use crate::sums::Spot;
use crate::{StoreError, Tx, seal, sums, view};
use domain::{Kind, Message, Object, ObjectId, User};
use ledger::Leaf;
use rusqlite::Row;

/// What the indexes need of an object; see schema.rs.
#[derive(Debug, Default)]
struct Columns {
    number: Option<String>,
    home: Option<i64>,
    place: Option<i64>,
    filed_at: Option<i64>,
    received_at: Option<i64>,
    unread: Option<bool>,
    bytes: Option<u32>,
}

impl Columns {
    fn of(object: &Object) -> Self {
        if let Some(user) = User::of(object) {
            return Self {
                number: Some(user.number().to_owned()),
                home: user.home().map(|server| server.0.cast_signed()),
                ..Self::default()
            };
        }
        let Some(message) = Message::of(object) else {
            return Self::default();
        };
        let filing = message.filing();
        // A message whose envelope cannot be read is listed all the same, by when it was filed.
        let received_at = message.envelope().map_or(filing.since, |e| e.received_at);
        Self {
            place: Some(filing.place.number()),
            filed_at: Some(filing.since.0),
            received_at: Some(received_at.0),
            unread: Some(message.unread()),
            bytes: Some(message.body().map_or(0, |body| body.len)),
            ..Self::default()
        }
    }
}

/// What has to be known of an object before it is replaced or removed.
#[derive(Debug)]
struct Old {
    user: bool,
    body: Option<[u8; 32]>,
    /// `None`: its row could not be read when the digests came, so nothing was added for it.
    spot: Option<Spot>,
}

impl Old {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        // What cannot be read here must not keep the row from being replaced. A sum may then stay wrong; a comparison looks in vain.
        let (tree, no, digest): (Option<i64>, Option<u16>, Option<[u8; 16]>) = (
            row.get(2).unwrap_or(None),
            row.get(3).unwrap_or(None),
            row.get(4).unwrap_or(None),
        );
        let bucket = tree.zip(no).map(|(tree, no)| Leaf {
            tree: sums::tree(tree),
            no,
        });
        let spot = bucket.zip(digest).map(|(bucket, digest)| Spot {
            bucket,
            digest: sums::from_bytes(digest),
        });
        Ok(Self {
            user: row.get::<_, u8>(0).is_ok_and(|kind| kind == Kind::USER.0),
            body: row.get(1).unwrap_or(None),
            spot,
        })
    }
}

impl Tx<'_> {
    /// Writes an object, new or changed.
    pub(crate) fn put_into(
        &mut self,
        space: Space,
        id: &ObjectId,
        object: &Object,
    ) -> Result<(), StoreError> {
        let old = self.old(space, id)?;
        self.replace_body(old.as_ref().and_then(|old| old.body), object)?;
        let spot = Spot::of(id, object);
        let old_spot = old.as_ref().and_then(|old| old.spot);
        self.count_in(space, old_spot, Some(spot));
        if space == Space::Live {
            let was_user = old.as_ref().is_some_and(|old| old.user);
            self.count_users(was_user, object.kind == Kind::USER);
            if self.unreadable.0 > 0 {
                self.mend(id)?;
            }
        }
        if old.is_some() && old_spot.map(|spot| spot.bucket) != Some(spot.bucket) {
            // The statement below would leave it in its bucket.
            self.execute(space.sql().remove, [id.as_bytes()])?;
        }
        let columns = Columns::of(object);
        let sealed = self.writer.shared.secrets.sealed(id, object);
        let params = rusqlite::params![
            id.as_bytes(),
            object.kind.0,
            object.owner.as_ref().map(ObjectId::as_bytes),
            object.body.map(|body| body.hash),
            seal::seal(id, &sealed),
            columns.number,
            columns.home,
            columns.place,
            columns.filed_at,
            columns.received_at,
            columns.unread,
            columns.bytes,
            sums::tree_number(spot.bucket.tree),
            spot.bucket.no,
            sums::to_bytes(spot.digest),
        ];
        self.execute(space.sql().put, params).map(drop)
    }

    /// Removes an object, if it is there.
    pub(crate) fn remove_from(&mut self, space: Space, id: &ObjectId) -> Result<(), StoreError> {
        if space == Space::Live && self.unreadable.0 > 0 {
            self.mend(id)?;
        }
        self.remove_row(space, id)
    }

    /// Removes the row of an object, if there is one.
    pub(crate) fn remove_row(&mut self, space: Space, id: &ObjectId) -> Result<(), StoreError> {
        let Some(old) = self.old(space, id)? else {
            return Ok(());
        };
        if let Some(hash) = old.body {
            self.release(&hash)?;
        }
        self.count_in(space, old.spot, None);
        if space == Space::Live {
            self.count_users(old.user, false);
        }
        self.execute(space.sql().remove, [id.as_bytes()]).map(drop)
    }

    fn old(&self, space: Space, id: &ObjectId) -> Result<Option<Old>, StoreError> {
        view::one(
            &self.writer.conn,
            space.sql().old,
            [id.as_bytes()],
            Old::read,
        )
    }

    /// The new body is referred to before the old one is released, so that a body never goes and comes back in between.
    fn replace_body(&mut self, old: Option<[u8; 32]>, object: &Object) -> Result<(), StoreError> {
        if old == object.body.map(|body| body.hash) {
            return Ok(());
        }
        if let Some(body) = &object.body {
            self.refer(body)?;
        }
        old.map_or(Ok(()), |old| self.release(&old))
    }

    fn count_users(&mut self, was: bool, is: bool) {
        match (was, is) {
            (false, true) => self.users += 1,
            (true, false) => self.users = self.users.saturating_sub(1),
            _ => {}
        }
    }
}
