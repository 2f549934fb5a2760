//! Everything that can grow, and how far (E22).

/// A data message is closed when it has this many items.
pub const BATCH_ITEMS_MAX: usize = 512;
/// A data message is closed when its items and bodies have this many bytes. A single item may be larger.
pub const BATCH_BYTES_MAX: u64 = 1 << 20;
/// So many bytes may be sent without having been acknowledged. A single message may be larger.
pub const WINDOW_BYTES_MAX: u64 = 8 << 20;
/// So many items may be sent without having been acknowledged.
pub const WINDOW_ITEMS_MAX: usize = 2_048;
/// So many of its own numbers a sender remembers until they are settled. Beyond it, it takes a new life.
pub const UNSETTLED_MAX: usize = 65_536;
/// So many ranges of processed numbers a receiver keeps. A message that would make more is dropped; its marks are still at the sender.
pub const RANGES_MAX: usize = 1_024;
/// So many refusals a receiver repeats in its acknowledgements. A message that would make more is dropped.
pub const REFUSALS_MAX: usize = 4_096;
/// So many objects are set aside as refused. Beyond it, the longest refused one is tried again.
pub const ASIDE_MAX: usize = 1_024;
/// So often an item is sent before it is set aside as refused.
pub const REFUSED_TRIES_MAX: u8 = 3;
/// So long, in milliseconds, it stays aside before it is tried again.
pub const ASIDE_MS: u64 = 600_000;
/// An acknowledgement goes out after so many processed messages even if none of them carried data.
pub const PROCESSED_UNACKED_MAX: u64 = 256;
/// So many lives a HELLO tells of. An older one counts as *cannot be known*, and what cannot be known is kept.
pub const LINEAGE_IN_HELLO_MAX: usize = 256;
/// So many objects one list of a recovery tells of.
pub const LIST_OBJECTS_MAX: usize = 1_024;
/// So many objects are judged in one transaction of a recovery.
pub const JUDGED_OBJECTS_MAX: usize = 4_096;
/// So many objects of the time before the partner are marked in one transaction.
pub const SEEDING_MAX: usize = 512;
/// So long, in milliseconds, a marked message counts as fresh and goes before the older backlog.
pub const FRESH_MS: i64 = 60_000;
/// The first pause between two probes, in milliseconds; it doubles.
pub const PROBE_MS_FIRST: u64 = 500;

/// So many bytes the control part of a message may have on the wire.
pub const CONTROL_BYTES_MAX: usize = 16 << 20;
/// So many registers an object may have.
pub const REGISTERS_MAX: usize = 4_096;
/// So deep CBOR may be nested.
pub const NESTING_MAX: usize = 24;
