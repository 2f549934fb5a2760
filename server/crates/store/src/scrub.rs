//! Reading what nobody reads: rows against their checksums, bodies against their hashes, a little at a time.
//!
//! A disk loses bits where nobody looks, and one copy is then left without anybody knowing. What is found is noted for the writer like
//! everything that a reader stumbles over. Who calls this decides how fast.

use crate::segments::Location;
use crate::view::opened;
use crate::{Readers, StoreError, body, view};
use domain::{BodyRef, ObjectId};
use std::fmt;
use std::str::FromStr;

/// Rows read in one step.
const ROWS_AT_ONCE: usize = 500;
/// Bodies looked up at a time.
const BODIES_AT_ONCE: usize = 64;

pub(crate) mod sql {
    pub const ROWS: &str = "SELECT id, data FROM object WHERE id > ?1 ORDER BY id LIMIT ?2";
    pub const BODIES: &str = "SELECT hash, len, segment, offset FROM body
        WHERE segment IS NOT NULL AND (segment, offset) > (?1, ?2) ORDER BY segment, offset LIMIT ?3";
    pub const ASTRAY: &str =
        "SELECT a.hash, b.len, a.segment, a.offset FROM astray a JOIN body b ON b.hash = a.hash
        WHERE b.segment IS NULL AND a.hash > ?1 ORDER BY a.hash LIMIT ?2";
}

/// Where a pass over everything goes on. As text it can be kept over a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScrubPlace {
    /// At the beginning: first the places where bodies lay that could not be read.
    #[default]
    Beginning,
    /// At such a place, after the body with this hash.
    Astray([u8; 32]),
    /// At the rows after this object.
    Rows(ObjectId),
    /// At the bodies after this place in a segment.
    Bodies(i64, u64),
}

/// What one step has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Where to go on; `None`: everything has been read.
    pub next: Option<ScrubPlace>,
    /// Bytes read.
    pub bytes: u64,
    /// Rows and bodies found damaged.
    pub damaged: u64,
}

impl Readers {
    /// Reads on from a place, about `bytes_max` bytes. Blocks as long as the disk does.
    pub fn scrub(&self, from: ScrubPlace, bytes_max: u64) -> Result<Scrubbed, StoreError> {
        match from {
            ScrubPlace::Beginning => self.scrub_astray(&[]),
            ScrubPlace::Astray(hash) => self.scrub_astray(&hash),
            ScrubPlace::Rows(after) => self.scrub_rows(&after),
            ScrubPlace::Bodies(segment, offset) => {
                self.scrub_bodies(Location { segment, offset }, bytes_max)
            }
        }
    }

    /// Bodies that could not be read once, at the place where they lay.
    fn scrub_astray(&self, after: &[u8]) -> Result<Scrubbed, StoreError> {
        let page = self.places(sql::ASTRAY, (after, BODIES_AT_ONCE))?;
        let mut done = Scrubbed::default();
        for (body, at) in &page {
            done.bytes += u64::from(body.len);
            if let Ok(Some(_)) = self.segments().read_from_disk(*at, body) {
                self.noted().back(*body, *at);
            }
        }
        done.next = Some(match page.last() {
            Some((body, _)) => ScrubPlace::Astray(body.hash),
            None => ScrubPlace::Rows(ObjectId::from_bytes([0; 16])),
        });
        Ok(done)
    }

    fn scrub_rows(&self, after: &ObjectId) -> Result<Scrubbed, StoreError> {
        let params = (after.as_bytes(), ROWS_AT_ONCE);
        let page: Vec<(ObjectId, u64, bool)> = self.connected(|conn| {
            view::rows(conn, sql::ROWS, params, |row| {
                let id = ObjectId::from_bytes(row.get(0)?);
                let data = row.get_ref(1)?;
                let bytes = data.as_bytes().map_or(0, <[u8]>::len) as u64;
                Ok((id, bytes, opened(&id, data).is_ok()))
            })
        })?;
        let mut done = Scrubbed::default();
        for (id, bytes, sound) in &page {
            done.bytes += bytes;
            if !sound {
                done.damaged += 1;
                self.noted().row(*id);
            }
        }
        done.next = Some(match page.last() {
            Some((id, ..)) => ScrubPlace::Rows(*id),
            None => ScrubPlace::Bodies(0, 0),
        });
        Ok(done)
    }

    fn scrub_bodies(&self, after: Location, bytes_max: u64) -> Result<Scrubbed, StoreError> {
        let offset = i64::try_from(after.offset).unwrap_or(i64::MAX);
        let page = self.places(sql::BODIES, (after.segment, offset, BODIES_AT_ONCE))?;
        let mut done = Scrubbed::default();
        for (body, at) in page {
            if done.bytes >= bytes_max {
                break;
            }
            done.next = Some(ScrubPlace::Bodies(at.segment, at.offset));
            done.bytes += u64::from(body.len);
            if !matches!(self.segments().read_from_disk(at, &body), Ok(Some(_))) {
                // It may have moved meanwhile; if it has not, this notes it.
                match self.body(&body) {
                    Ok(_) => {}
                    Err(StoreError::TooManyFiles) => return Err(StoreError::TooManyFiles),
                    Err(_) => done.damaged += 1,
                }
            }
        }
        Ok(done)
    }

    fn places(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<(BodyRef, Location)>, StoreError> {
        let page: Vec<([u8; 32], body::BodyRow)> = self.connected(|conn| {
            view::rows(conn, sql, params, |row| {
                Ok((row.get(0)?, body::body_row(row, 1)?))
            })
        })?;
        let place = |(hash, kept): ([u8; 32], body::BodyRow)| {
            let len = kept.len;
            Some((BodyRef { hash, len }, kept.at?))
        };
        Ok(page.into_iter().filter_map(place).collect())
    }
}

/// A text that is not a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place of a pass over the store")]
pub struct ParsePlaceError;

impl fmt::Display for ScrubPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Not worth keeping: there are few of these.
            Self::Beginning | Self::Astray(_) => f.write_str("beginning"),
            Self::Rows(id) => write!(f, "rows {id}"),
            Self::Bodies(segment, offset) => write!(f, "bodies {segment} {offset}"),
        }
    }
}

impl FromStr for ScrubPlace {
    type Err = ParsePlaceError;

    fn from_str(text: &str) -> Result<Self, ParsePlaceError> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(ParsePlaceError);
        let place = match word()? {
            "beginning" => Self::Beginning,
            "rows" => Self::Rows(word()?.parse().map_err(|_| ParsePlaceError)?),
            "bodies" => Self::Bodies(
                word()?.parse().map_err(|_| ParsePlaceError)?,
                word()?.parse().map_err(|_| ParsePlaceError)?,
            ),
            _ => return Err(ParsePlaceError),
        };
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text_and_nonsense_is_refused() {
        for place in [
            ScrubPlace::Beginning,
            ScrubPlace::Rows(ObjectId::from_bytes([7; 16])),
            ScrubPlace::Bodies(3, u64::MAX),
        ] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for bad in ["", "rows", "rows 7", "bodies 1", "bodies 1 x", "else"] {
            assert_eq!(bad.parse::<ScrubPlace>(), Err(ParsePlaceError), "{bad:?}");
        }
    }
}
