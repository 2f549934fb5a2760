//! Bodies in a transaction: appended once, counted by who refers to them, missing or here.

use crate::noted::BodyFault;
use crate::segments::Location;
use crate::{StoreError, Tx, record};
use domain::BodyRef;
use rusqlite::{Connection, OptionalExtension, Row};

/// What [`Tx::look_into_damage`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookedInto {
    /// Rows that cannot be read, set aside now.
    pub rows: u64,
    /// Bodies that cannot be read, missing now.
    pub bodies: u64,
    /// Bodies that were missing, and can be read again.
    pub back: u64,
}

/// The row of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyRow {
    pub len: u32,
    /// `None`: missing.
    pub at: Option<Location>,
}

impl Tx<'_> {
    /// Takes a body; it is durable when the transaction is committed. A body that is here already is not written again.
    ///
    /// As long as no object refers to it, compaction may collect it a day later.
    pub fn append_body(&mut self, bytes: &[u8]) -> Result<BodyRef, StoreError> {
        let body = BodyRef::of(bytes);
        self.step(|tx| tx.append(&body, bytes))?;
        Ok(body)
    }

    /// From now on this body is missing: its bytes were found damaged. Objects that refer to it stay.
    pub fn lose_body(&mut self, body: &BodyRef) -> Result<(), StoreError> {
        self.step(|tx| {
            if let Some(at) = find(&tx.writer.conn, body)?.and_then(|kept| kept.at) {
                tx.lose(body, at, BodyFault::Gone)?;
            }
            Ok(())
        })
    }

    /// Looks at what readers found damaged since, or found again: what is still as they found it becomes unreadable, or missing, or is
    /// here again. Reads no body, so it takes no longer than writing as many rows.
    pub fn look_into_damage(&mut self) -> Result<LookedInto, StoreError> {
        let found = self.writer.shared.noted.take();
        self.looked_into = Some(found.clone());
        self.step(|tx| {
            let mut looked = LookedInto::default();
            for id in found.rows {
                let before = tx.set_aside;
                tx.object_or_set_aside(crate::space::Space::Live, &id)?;
                looked.rows += tx.set_aside - before;
            }
            for (body, (at, fault)) in found.bodies {
                // Compaction may have moved it, and found it whole; or somebody gave it again.
                if find(&tx.writer.conn, &body)?.and_then(|kept| kept.at) == Some(at) {
                    tx.lose(&body, at, fault)?;
                    looked.bodies += 1;
                }
            }
            for (body, at) in found.back {
                let kept = find(&tx.writer.conn, &body)?;
                if kept.is_some_and(|kept| kept.at.is_none()) {
                    tx.place(&body, at)?;
                    tx.is_readable_again(&body, at.segment);
                    looked.back += 1;
                }
                tx.is_not_astray(&body.hash)?;
            }
            Ok(looked)
        })
    }

    /// How many rows this transaction has set aside so far because they cannot be read.
    pub fn rows_set_aside(&self) -> u64 {
        self.set_aside
    }

    /// A body is missing from now on. Where it lay is remembered if the disk may give it another time.
    pub(crate) fn lose(
        &mut self,
        body: &BodyRef,
        at: Location,
        fault: BodyFault,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE body SET segment = NULL, offset = NULL WHERE hash = ?1";
        self.execute(sql, [body.hash])?;
        if fault == BodyFault::Unread {
            let sql = "INSERT INTO astray (hash, segment, offset) VALUES (?1, ?2, ?3)
                       ON CONFLICT (hash) DO UPDATE SET segment = ?2, offset = ?3";
            self.execute(sql, (body.hash, at.segment, at.offset.cast_signed()))?;
        }
        self.missing = None;
        self.add_live(at.segment, -size(body));
        Ok(())
    }

    /// How many bodies are missing that something refers to.
    pub(crate) fn missing_count(&mut self) -> Result<u64, StoreError> {
        if let Some(missing) = self.missing {
            return Ok(missing);
        }
        let missing = self.view().missing_count()?;
        self.missing = Some(missing);
        Ok(missing)
    }

    pub(crate) fn append(&mut self, body: &BodyRef, bytes: &[u8]) -> Result<(), StoreError> {
        if find(&self.writer.conn, body)?.is_some_and(|kept| kept.at.is_some()) {
            // Somebody wants it again, so compaction begins to wait anew.
            let sql =
                "UPDATE body SET idle_since = NULL WHERE hash = ?1 AND idle_since IS NOT NULL";
            return self.execute(sql, [body.hash]).map(drop);
        }
        let at = self.spool_mut()?.append(body, bytes)?;
        self.place(body, at)
    }

    /// Notes where a body lies, whether or not something refers to it yet.
    pub(crate) fn place(&mut self, body: &BodyRef, at: Location) -> Result<(), StoreError> {
        let sql = "INSERT INTO body (hash, len, refs, segment, offset) VALUES (?1, ?2, 0, ?3, ?4)
                   ON CONFLICT (hash) DO UPDATE SET segment = excluded.segment, offset = excluded.offset";
        let offset = at.offset.cast_signed();
        self.execute(sql, (body.hash, body.len, at.segment, offset))?;
        self.add_live(at.segment, size(body));
        if self.missing != Some(0) {
            self.missing = None;
            self.is_not_astray(&body.hash)?;
        }
        Ok(())
    }

    /// Nobody has to look any more where a body once lay.
    fn is_not_astray(&self, hash: &[u8; 32]) -> Result<(), StoreError> {
        let sql = "DELETE FROM astray WHERE hash = ?1";
        self.execute(sql, [hash]).map(drop)
    }

    /// One more object refers to this body, which may be missing.
    pub(crate) fn refer(&mut self, body: &BodyRef) -> Result<(), StoreError> {
        let sql = "INSERT INTO body (hash, len, refs) VALUES (?1, ?2, 1)
                   ON CONFLICT (hash) DO UPDATE SET refs = refs + 1, idle_since = NULL RETURNING segment IS NULL";
        let mut statement = self.writer.conn.prepare_cached(sql)?;
        if statement.query_row((body.hash, body.len), |row| row.get(0))? {
            self.missing = None;
        }
        Ok(())
    }

    /// One object less refers to this body; after the last one it goes.
    pub(crate) fn release(&mut self, hash: &[u8; 32]) -> Result<(), StoreError> {
        let sql =
            "UPDATE body SET refs = refs - 1 WHERE hash = ?1 RETURNING refs, len, segment, offset";
        let left: Option<(i64, BodyRow)> = self
            .writer
            .conn
            .prepare_cached(sql)?
            .query_row([hash], |row| Ok((row.get(0)?, body_row(row, 1)?)))
            .optional()?;
        match left {
            Some((refs, kept)) if refs <= 0 => self.drop_body(hash, kept),
            _ => Ok(()),
        }
    }

    pub(crate) fn drop_body(&mut self, hash: &[u8; 32], kept: BodyRow) -> Result<(), StoreError> {
        self.execute("DELETE FROM body WHERE hash = ?1", [hash])?;
        match kept.at {
            Some(at) => {
                let len = kept.len;
                self.add_live(at.segment, -size(&BodyRef { hash: *hash, len }));
            }
            None => {
                self.missing = None;
                self.is_not_astray(hash)?;
            }
        }
        Ok(())
    }

    pub(crate) fn add_live(&mut self, segment: i64, bytes: i64) {
        *self.live.entry(segment).or_default() += bytes;
    }
}

/// The row of this very body.
pub(crate) fn find(conn: &Connection, body: &BodyRef) -> Result<Option<BodyRow>, StoreError> {
    let sql = "SELECT len, segment, offset FROM body WHERE hash = ?1";
    let found = conn
        .prepare_cached(sql)?
        .query_row([body.hash], |row| body_row(row, 0))
        .optional()?;
    Ok(found.filter(|kept| kept.len == body.len))
}

/// Reads `len, segment, offset` from three columns.
pub(crate) fn body_row(row: &Row<'_>, first: usize) -> rusqlite::Result<BodyRow> {
    let segment: Option<i64> = row.get(first + 1)?;
    let offset: Option<i64> = row.get(first + 2)?;
    Ok(BodyRow {
        len: row.get(first)?,
        at: segment.zip(offset).map(|(segment, offset)| Location {
            segment,
            offset: offset.cast_unsigned(),
        }),
    })
}

/// What a body takes in its segment, for the count of live bytes.
pub(crate) fn size(body: &BodyRef) -> i64 {
    record::size(body).cast_signed()
}
