//! Writing and removing objects, with the columns that indexes need.

use crate::{StoreError, Tx};
use domain::{Message, Object, ObjectId, User};
use rusqlite::OptionalExtension;

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

impl Tx<'_> {
    pub(crate) fn put_object(&mut self, id: &ObjectId, object: &Object) -> Result<(), StoreError> {
        let hash = object.body.map(|body| body.hash);
        // Before the old one is released, so that a body never goes and comes back in between.
        let old = self.body_of(id)?.flatten();
        if old != hash {
            if let Some(body) = &object.body {
                self.refer(body)?;
            }
            if let Some(old) = old {
                self.release(&old)?;
            }
        }
        let columns = Columns::of(object);
        let sql = "INSERT INTO object (id, kind, owner, body, data, number, home, place, filed_at, received_at, unread, bytes)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                   ON CONFLICT (id) DO UPDATE SET kind = ?2, owner = ?3, body = ?4, data = ?5, number = ?6, home = ?7,
                       place = ?8, filed_at = ?9, received_at = ?10, unread = ?11, bytes = ?12";
        let params = rusqlite::params![
            id.as_bytes(),
            object.kind.0,
            object.owner.as_ref().map(ObjectId::as_bytes),
            hash,
            object.encode(),
            columns.number,
            columns.home,
            columns.place,
            columns.filed_at,
            columns.received_at,
            columns.unread,
            columns.bytes,
        ];
        self.execute(sql, params).map(drop)
    }

    pub(crate) fn remove_object(&mut self, id: &ObjectId) -> Result<(), StoreError> {
        if let Some(Some(hash)) = self.body_of(id)? {
            self.release(&hash)?;
        }
        self.execute("DELETE FROM object WHERE id = ?1", [id.as_bytes()])
            .map(drop)
    }

    /// The body an object refers to now. The outer `None`: there is no such object.
    fn body_of(&self, id: &ObjectId) -> Result<Option<Option<[u8; 32]>>, StoreError> {
        let sql = "SELECT body FROM object WHERE id = ?1";
        let mut statement = self.writer.conn.prepare_cached(sql)?;
        Ok(statement
            .query_row([id.as_bytes()], |row| row.get(0))
            .optional()?)
    }
}
