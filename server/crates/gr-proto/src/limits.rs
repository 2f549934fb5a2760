//! Everything that can grow, and how far (E22).

/// A data message is closed when it has this many items.
pub const BATCH_ITEMS_MAX: usize = 512;
/// A data message is closed when its items and bodies have this many bytes; on a slow link with fewer. A longer body goes in pieces, unless
/// the partner knows none.
pub const BATCH_BYTES_MAX: u64 = 1 << 20;
/// So many bytes may be sent without having been acknowledged. A single message may be larger.
pub const WINDOW_BYTES_MAX: u64 = 8 << 20;
/// So many bytes may be sent without having been acknowledged before anything has been measured.
pub const WINDOW_BYTES_FIRST: u64 = 256 << 10;
/// However slow the link is, so many bytes may be sent without having been acknowledged: what a second carries at 64 KiB/s.
pub const WINDOW_BYTES_MIN: u64 = 64 << 10;
/// So many data messages may be sent without having been acknowledged. What changes meanwhile goes together afterwards.
pub const FLIGHTS_MAX: usize = 128;
/// So many data messages that were taken for lost are remembered: their acknowledgement may only be late.
pub const FLIGHTS_LATE_MAX: usize = 1_024;
/// Of so many bodies that travel in pieces a sender knows how much the partner has. The others it asks for.
pub const PIECES_MAX: usize = 1_024;
/// So many items may be sent without having been acknowledged.
pub const WINDOW_ITEMS_MAX: usize = 2_048;
/// So many of its own numbers a sender remembers until they are settled. Beyond it, it takes a new incarnation.
pub const UNSETTLED_MAX: usize = 65_536;
/// So many of the messages before it a message names. A machine that was resumed from a snapshot and says more than that unheard is found out
/// by what its partner echoes, or by the next comparison.
pub const PRECEDING_MAX: usize = 32;
/// Of so many numbers that have not come a receiver remembers what later messages say of them.
pub const FORETOLD_MAX: usize = 1_024;
/// So many ranges of processed numbers a receiver keeps. A message that would make more is dropped; its marks are still at the sender.
pub const RANGES_MAX: usize = 1_024;
/// So many refusals a receiver repeats in its acknowledgements. A message that would make more is dropped.
pub const REFUSALS_MAX: usize = 4_096;
/// So often an item that was refused for its own fault, or for its body, is sent before it is held.
pub const REFUSED_TRIES_MAX: u8 = 3;
/// The tries of so many objects are counted. One that is refused beyond it is held at once.
pub const TRIES_MAX: usize = 1_024;
/// Of so many marked objects it is known that they have taken in something of the partner's since. Another one is sent once more.
pub const TAKEN_IN_MAX: usize = 4_096;
/// An acknowledgement goes out after so many processed messages even if none of them carried data.
pub const PROCESSED_UNACKED_MAX: u64 = 256;
/// So long, in milliseconds, a partner that was heard in an incarnation that it had left is said to run twice.
pub const TWICE_MS: u64 = 600_000;
/// So many incarnations of the partner one incarnation meets. Beyond it, it takes a new one.
pub const MET_MAX: usize = 1_024;
/// So many incarnations a HELLO tells of. An older one counts as *cannot be known*, and what cannot be known is kept.
pub const HISTORY_IN_HELLO_MAX: usize = 256;
/// So many objects one list of a recovery tells of.
pub const LIST_OBJECTS_MAX: usize = 1_024;
/// So many objects are judged in one transaction of a recovery.
pub const JUDGED_OBJECTS_MAX: usize = 4_096;
/// So many parts of a tree one question is about.
pub const PARTS_MAX: usize = 64;
/// So many scopes one question is about.
pub const SCOPES_MAX: usize = 256;
/// So many ids one question names.
pub const IDS_MAX: usize = 4_096;
/// So many deletions a task remembers. What is beyond is found by the next one.
pub const CANDIDATES_MAX: usize = 1_000_000;
/// So often a comparison begins anew because changes were on their way.
pub const COMPARISONS_MAX: u32 = 4;
/// So many questions of the partner wait for their answers.
pub const DUE_MAX: usize = 64;
/// So many mailboxes one task names. All of them need not be named.
pub const MAILBOXES_MAX: usize = 1_000;
/// So many mailboxes of users who have just logged in wait to be compared.
pub const LOGINS_MAX: usize = 32;
/// So long, in milliseconds, a mailbox is not compared again because its user logs in again.
pub const LOGIN_PAUSE_MS: u64 = 30_000;
/// A rebuild begins only with so few marks, because they are all staged at once.
pub const REBUILD_MARKS_MAX: u64 = 20_000;
/// So many objects one page of a rebuild has: the writer is busy with it for some milliseconds.
pub const PAGE_ITEMS_MAX: usize = 128;
/// So many objects one step of a scan is about.
pub const WALK_MAX: usize = 128;
/// So many stopped tasks of the partner are remembered.
pub const STOPPED_MAX: usize = 16;
/// So long, in milliseconds, what tasks have removed is kept: 7 days.
pub const KEPT_MS: i64 = 7 * 86_400_000;
/// A task that is open for so long, in milliseconds, is ended: a day.
pub const TASK_MS_MAX: i64 = 86_400_000;
/// A task of the partner that has not been heard of for so long, in milliseconds, is no longer shown.
pub const SERVING_MS: u64 = 600_000;
/// Held objects are tried again after so long, in milliseconds.
pub const HELD_RETRY_MS: u64 = 600_000;
/// So long, in milliseconds, the deletion records of what is no user are remembered: no backup that may be restored is older. 90 days.
pub const GRAVES_MS: i64 = 90 * 86_400_000;
/// So many deletion records go in one step.
pub const GRAVES_STEP_MAX: usize = 4_096;
/// So long, in milliseconds, an incarnation is remembered: 400 days.
pub const HISTORY_MS: i64 = 400 * 86_400_000;
/// So many incarnations are remembered.
pub const HISTORY_MAX: usize = 10_000;
/// Clocks that show the same within this, in milliseconds, agree. What lasts for a time goes only after they have agreed for that time:
/// a clock that has leapt would have everything forgotten.
pub const CLOCKS_AGREE_MS: u64 = 3_600_000;
/// A server that was down for longer than this by its own clock, in milliseconds, doubts the clock: a day.
pub const DOWN_MS_BELIEVED: i64 = 86_400_000;
/// The status is told anew when the difference of the clocks has changed by more than this, in milliseconds.
pub const CLOCK_NEWS_MS: u64 = 5_000;
/// So much of what was said is remembered over a restart until it is confirmed.
pub const TRAIL_MAX: usize = 64;
/// So many refused items of the partner are listed.
pub const REFUSED_SHOWN_MAX: usize = 1_024;
/// So many objects of the time before the partner are marked in one transaction.
pub const SEEDING_MAX: usize = 512;
/// So long, in milliseconds, a marked message counts as fresh and goes before the older backlog.
pub const FRESH_MS: i64 = 60_000;
/// So many unreadable objects one question is about.
pub const REPAIR_ROWS_MAX: usize = 128;
/// So many missing bodies one question is about.
pub const REPAIR_BODIES_MAX: usize = 256;
/// So long, in milliseconds, it takes until what is damaged here is asked for again, when the partner has just given something; else the
/// pause doubles.
pub const REPAIR_PAUSE_MS_FIRST: u64 = 5_000;
/// The longest such pause, in milliseconds.
pub const REPAIR_PAUSE_MS_MAX: u64 = 600_000;
/// So long, in milliseconds, the answer with a body may take before it is asked for again: it may be long, and the link slow.
pub const REPAIR_PATIENCE_MS: u64 = 120_000;
/// The first pause between two probes, in milliseconds; it doubles.
pub const PROBE_MS_FIRST: u64 = 500;

/// So many bytes the control part of a message may have on the wire.
pub const CONTROL_BYTES_MAX: usize = 16 << 20;
/// So many registers an object may have.
pub const REGISTERS_MAX: usize = 4_096;
/// So deep CBOR may be nested.
pub const NESTING_MAX: usize = 24;

/// The limits that an engine keeps to, so that a test can run one with small ones. The constants of this module say what each is for;
/// they are the default, and no message may go beyond them on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A data message is closed when it has this many items. [`BATCH_ITEMS_MAX`].
    pub batch_items: usize,
    /// A data message is closed when its items and bodies have this many bytes. [`BATCH_BYTES_MAX`].
    pub batch_bytes: u64,
    /// So many bytes may be sent without having been acknowledged. [`WINDOW_BYTES_MAX`].
    pub window_bytes: u64,
    /// So many before anything has been measured. [`WINDOW_BYTES_FIRST`].
    pub window_bytes_first: u64,
    /// So many however slow the link is. [`WINDOW_BYTES_MIN`].
    pub window_bytes_min: u64,
    /// So many data messages may be sent without having been acknowledged. [`FLIGHTS_MAX`].
    pub flights: usize,
    /// So many items may be sent without having been acknowledged. [`WINDOW_ITEMS_MAX`].
    pub window_items: usize,
    /// So many of its own numbers a sender remembers until they are settled. [`UNSETTLED_MAX`].
    pub unsettled: usize,
    /// So many ranges of processed numbers a receiver keeps. [`RANGES_MAX`].
    pub ranges: usize,
    /// So many refusals a receiver repeats in its acknowledgements. [`REFUSALS_MAX`].
    pub refusals: usize,
    /// So often a refused item is sent before it is held. [`REFUSED_TRIES_MAX`].
    pub refused_tries: u8,
    /// An acknowledgement goes out after so many processed messages in any case. [`PROCESSED_UNACKED_MAX`].
    pub processed_unacked: u64,
    /// So many incarnations a HELLO tells of. [`HISTORY_IN_HELLO_MAX`].
    pub history_in_hello: usize,
    /// So many objects one list tells of. [`LIST_OBJECTS_MAX`].
    pub list_objects: usize,
    /// So many objects are judged in one transaction. [`JUDGED_OBJECTS_MAX`].
    pub judged_objects: usize,
    /// So many parts of a tree one question is about. [`PARTS_MAX`].
    pub parts: usize,
    /// So many scopes one question is about. [`SCOPES_MAX`].
    pub scopes: usize,
    /// So many ids one question names. [`IDS_MAX`].
    pub ids: usize,
    /// So many deletions a task remembers. [`CANDIDATES_MAX`].
    pub candidates: usize,
    /// So often a comparison begins anew. [`COMPARISONS_MAX`].
    pub comparisons: u32,
    /// So many questions of the partner wait for their answers. [`DUE_MAX`].
    pub due: usize,
    /// So many mailboxes of users who have just logged in wait to be compared. [`LOGINS_MAX`].
    pub logins: usize,
    /// A rebuild begins only with so few marks. [`REBUILD_MARKS_MAX`].
    pub rebuild_marks: u64,
    /// So many objects one page of a rebuild has. [`PAGE_ITEMS_MAX`].
    pub page_items: usize,
    /// So many objects one step of a scan is about. [`WALK_MAX`].
    pub scan: usize,
    /// So many stopped tasks of the partner are remembered. [`STOPPED_MAX`].
    pub stopped: usize,
    /// So many deletion records go in one step. [`GRAVES_STEP_MAX`].
    pub deletion_records_step: usize,
    /// So many incarnations are remembered. [`HISTORY_MAX`].
    pub history: usize,
    /// So much of what was said is remembered over a restart. [`TRAIL_MAX`].
    pub unconfirmed: usize,
    /// So many refused items of the partner are listed. [`REFUSED_SHOWN_MAX`].
    pub refused_shown: usize,
    /// So many objects of the time before the partner are marked in one transaction. [`SEEDING_MAX`].
    pub seeding: usize,
    /// So many unreadable objects one question is about. [`REPAIR_ROWS_MAX`].
    pub repair_rows: usize,
    /// So many missing bodies one question is about. [`REPAIR_BODIES_MAX`].
    pub repair_bodies: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_items: BATCH_ITEMS_MAX,
            batch_bytes: BATCH_BYTES_MAX,
            window_bytes: WINDOW_BYTES_MAX,
            window_bytes_first: WINDOW_BYTES_FIRST,
            window_bytes_min: WINDOW_BYTES_MIN,
            flights: FLIGHTS_MAX,
            window_items: WINDOW_ITEMS_MAX,
            unsettled: UNSETTLED_MAX,
            ranges: RANGES_MAX,
            refusals: REFUSALS_MAX,
            refused_tries: REFUSED_TRIES_MAX,
            processed_unacked: PROCESSED_UNACKED_MAX,
            history_in_hello: HISTORY_IN_HELLO_MAX,
            list_objects: LIST_OBJECTS_MAX,
            judged_objects: JUDGED_OBJECTS_MAX,
            parts: PARTS_MAX,
            scopes: SCOPES_MAX,
            ids: IDS_MAX,
            candidates: CANDIDATES_MAX,
            comparisons: COMPARISONS_MAX,
            due: DUE_MAX,
            logins: LOGINS_MAX,
            rebuild_marks: REBUILD_MARKS_MAX,
            page_items: PAGE_ITEMS_MAX,
            scan: WALK_MAX,
            stopped: STOPPED_MAX,
            deletion_records_step: GRAVES_STEP_MAX,
            history: HISTORY_MAX,
            unconfirmed: TRAIL_MAX,
            refused_shown: REFUSED_SHOWN_MAX,
            seeding: SEEDING_MAX,
            repair_rows: REPAIR_ROWS_MAX,
            repair_bodies: REPAIR_BODIES_MAX,
        }
    }
}
