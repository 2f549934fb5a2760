//! Bodies that come in pieces: each piece is durable with the transaction that brought it, and with the last one the body is whole.
//!
//! A piece lies in a segment like a body that nobody refers to yet: so it is verified when it is read, moved by compaction, and collected
//! a day after the last piece came. Rows say which pieces make up the beginning of which body. What is appended after that beginning ends
//! is ignored, so a piece may come twice or late. When all are there they are put together, and the whole is verified: if it is not the
//! body that was announced, all of them go, and it begins anew.

use crate::{StoreError, Tx, body, view};
use domain::{BodyRef, Timestamp};
use rusqlite::Connection;

/// So many bodies may be here in part. Beyond it the one goes whose last piece came longest ago.
pub const PARTIAL_BODIES_MAX: u64 = 64;
/// So many bytes of bodies may be here in part.
pub const PARTIAL_BYTES_MAX: u64 = 1 << 30;
/// What is here in part is kept this long after its last piece came. Milliseconds.
const PARTIAL_MS_MAX: i64 = 24 * 3_600_000;

impl Tx<'_> {
    /// Appends a piece of a body to what is here of it; [`ledger::Ledger::body_part`] tells how much that is. Nothing happens if the body
    /// is here, or if the piece does not begin where that ends. With the last piece the body is whole; if it is not the one that was
    /// announced, nothing of it is here any more.
    pub fn append_piece(
        &mut self,
        now: Timestamp,
        body: &BodyRef,
        at: u32,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.step(|tx| {
            let here = body::find(&tx.writer.conn, body)?.is_some_and(|kept| kept.at.is_some());
            let fits = u64::from(at) + bytes.len() as u64 <= u64::from(body.len);
            if here || !fits || bytes.is_empty() || at != part(&tx.writer.conn, body)? {
                return Ok(());
            }
            if u64::from(at) + (bytes.len() as u64) < u64::from(body.len) {
                return tx.keep_piece(now, body, at, bytes);
            }
            let whole = tx.put_together(body, bytes)?;
            tx.forget_part(&body.hash)?;
            match whole {
                Some(whole) => tx.append(body, &whole),
                None => Ok(()),
            }
        })
    }

    fn keep_piece(
        &mut self,
        now: Timestamp,
        body: &BodyRef,
        at: u32,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        if !self.make_room(body, bytes.len() as u64)? {
            return Ok(());
        }
        let piece = BodyRef::of(bytes);
        self.append(&piece, bytes)?;
        let sql = "INSERT INTO piece (body, at, len, hash) VALUES (?1, ?2, ?3, ?4)";
        self.execute(sql, (body.hash, at, piece.len, piece.hash))?;
        let sql = "INSERT INTO partial (body, have, used_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (body) DO UPDATE SET have = excluded.have, used_at = excluded.used_at";
        self.execute(sql, (body.hash, at + piece.len, now.0))?;
        // The earlier ones are wanted as long as this one.
        let sql = "UPDATE body SET idle_since = NULL
                   WHERE idle_since IS NOT NULL AND hash IN (SELECT hash FROM piece WHERE body = ?1)";
        self.execute(sql, [body.hash]).map(drop)
    }

    /// The pieces of a body and the last one, which is in memory. `None`: they are not what was announced, or not all can be read.
    fn put_together(&mut self, body: &BodyRef, last: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.spool_mut()?.write()?;
        let mut whole = Vec::with_capacity(body.len as usize);
        for piece in pieces(&self.writer.conn, &body.hash)? {
            let at = body::find(&self.writer.conn, &piece)?.and_then(|kept| kept.at);
            let read = match at {
                Some(at) => self.writer.segments.read(at, &piece),
                None => Ok(None),
            };
            // What the disk does not give back comes once more.
            let Ok(Some(bytes)) = read else {
                return Ok(None);
            };
            whole.extend_from_slice(&bytes);
        }
        whole.extend_from_slice(last);
        Ok((BodyRef::of(&whole) == *body).then_some(whole))
    }

    /// Forgets what is here of a body, and gives its room back.
    fn forget_part(&mut self, hash: &[u8; 32]) -> Result<(), StoreError> {
        let gone = pieces(&self.writer.conn, hash)?;
        self.execute("DELETE FROM piece WHERE body = ?1", [hash])?;
        self.execute("DELETE FROM partial WHERE body = ?1", [hash])?;
        for piece in gone {
            // Another body may have the same piece, or be the same as this piece.
            let sql = "SELECT 1 FROM body WHERE hash = ?1 AND refs = 0
                       AND NOT EXISTS (SELECT 1 FROM piece WHERE hash = ?1)";
            let alone = view::one(&self.writer.conn, sql, [piece.hash], |_| Ok(()))?;
            if alone.is_some()
                && let Some(kept) = body::find(&self.writer.conn, &piece)?
            {
                self.drop_body(&piece.hash, kept)?;
            }
        }
        Ok(())
    }

    /// Forgets others until a piece of so many bytes has room. Says whether it has.
    fn make_room(&mut self, body: &BodyRef, bytes: u64) -> Result<bool, StoreError> {
        loop {
            let sql = "SELECT count(*), coalesce(sum(have), 0) FROM partial WHERE body <> ?1";
            let (others, sum): (u64, u64) = self
                .writer
                .conn
                .prepare_cached(sql)?
                .query_row([body.hash], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mine = u64::from(part(&self.writer.conn, body)?) + bytes;
            if others < PARTIAL_BODIES_MAX && sum + mine <= PARTIAL_BYTES_MAX {
                return Ok(true);
            }
            let sql = "SELECT body FROM partial WHERE body <> ?1 ORDER BY used_at LIMIT 1";
            let oldest = view::one(&self.writer.conn, sql, [body.hash], |row| row.get(0))?;
            let Some(oldest) = oldest else {
                return Ok(false);
            };
            self.forget_part(&oldest)?;
        }
    }

    /// Forgets those whose last piece came long ago.
    pub(crate) fn forget_old_parts(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let sql = "SELECT body FROM partial WHERE used_at < ?1";
        let before = now.0.saturating_sub(PARTIAL_MS_MAX);
        let old: Vec<[u8; 32]> = view::rows(&self.writer.conn, sql, [before], |row| row.get(0))?;
        old.iter().try_for_each(|hash| self.forget_part(hash))
    }
}

/// How many bytes are here of a body that is not whole.
pub(crate) fn part(conn: &Connection, body: &BodyRef) -> Result<u32, StoreError> {
    let sql = "SELECT have FROM partial WHERE body = ?1";
    let have = view::one(conn, sql, [body.hash], |row| row.get(0))?;
    Ok(have.unwrap_or(0))
}

fn pieces(conn: &Connection, hash: &[u8; 32]) -> Result<Vec<BodyRef>, StoreError> {
    let sql = "SELECT hash, len FROM piece WHERE body = ?1 ORDER BY at";
    view::rows(conn, sql, [hash], |row| {
        let (hash, len) = (row.get(0)?, row.get(1)?);
        Ok(BodyRef { hash, len })
    })
}
