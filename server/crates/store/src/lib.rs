//! Where a CallPilot server keeps everything: rows in SQLite, bodies in append-only segments.
//!
//! One [`Writer`] and any number of [`Readers`] share a directory:
//!
//! ```text
//! lock                    held by the writer; a second process is refused
//! reserve                 room that is given up to writes that find none; see reserve.rs
//! callpilot.db            SQLite in WAL mode: objects, marks, tombstones, settings, and where each body lies
//! bodies/00000001.seg     bodies one after the other, never moved in place; where one is gone, its room is given back
//! ```
//!
//! **Order on disk.** A [`Tx`] keeps its bodies in memory; [`Tx::commit`] writes and syncs them to their segment, and only then
//! commits the rows (E16). What a commit returned for is durable. A failed sync is [`StoreError::Fatal`] and never tried again:
//! after it nobody knows what the disk holds, so the process has to end and the next start looks (log.rs).
//!
//! **A body that cannot be read is missing, not deleted.** Its row stays, [`ledger::Ledger::has_body`] says no, and whoever has
//! it can give it again. **A row that cannot be read is unreadable, not absent.** It is set aside, so that nobody stumbles over it
//! twice; [`ledger::Ledger::unreadable`] tells of it until the object is written again. Each row ends with a checksum. What a reader
//! stumbles over it notes for the writer ([`Readers::on_damage`], [`Tx::look_into_damage`]); what nobody reads is found by
//! [`Readers::scrub`].
//!
//! **A body may come in pieces.** Each is durable by itself, and with the last one the body is whole ([`Tx::append_piece`]).
//!
//! **Three places for objects.** What is live is what servers serve. Beside it lies what a rebuild has *staged* and what tasks have
//! removed and is *kept*; a body stays as long as an object in any of the three refers to it. A rebuild ends by renaming tables.
//! The digests of live and of staged objects are summed in the transaction that changes them, so that comparing with the partner
//! reads sums and not objects.
//!
//! **What a copy of the database must not tell is sealed in its row**, by whatever [`Options::sealer`] makes.
//!
//! This crate decides nothing about replication, and asks no clock what time it is: who calls it brings the time.

mod backfill;
mod body;
mod check;
mod compact;
mod disk;
mod error;
mod holes;
mod listing;
mod log;
mod marks;
mod noted;
mod open;
mod pieces;
mod plain;
#[cfg(test)]
mod plans;
mod put;
mod readers;
mod record;
mod reserve;
mod rows;
mod schema;
mod scrub;
mod seal;
mod secrets;
mod segments;
mod shared;
mod space;
mod spare;
mod spool;
mod sums;
mod switch;
mod trail;
mod tx;
mod unreadable;
mod view;
mod writer;

pub use body::LookedInto;
pub use check::Opened;
pub use compact::Compacted;
pub use disk::{Disk, RealDisk};
pub use error::StoreError;
pub use listing::{Cursor, Listed, MailboxCounts, ParseCursorError, UserCursor};
pub use open::{Options, Store};
pub use pieces::{PARTIAL_BODIES_MAX, PARTIAL_BYTES_MAX};
pub use readers::{Readers, Sizes};
pub use reserve::Room;
pub use scrub::{ScrubPlace, Scrubbed};
pub use secrets::{MakeSealer, Sealer};
pub use trail::{TrailEntry, TrailKind, TrailQuery};
pub use tx::Tx;
pub use view::View;
pub use writer::Writer;
