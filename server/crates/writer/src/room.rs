//! A disk with little room: what is still written, and in what company.
//!
//! What grows the store is asked about first and put off (`452`, `507`) while there is little room; what frees it or hardly needs any
//! goes on, out of the store's reserve if need be. The two never share a transaction, so that one that fails for want of room takes
//! nothing else with it. Mail of the GR partner may use room that strangers may not, and is never turned away as a whole: bodies that do
//! not fit are left out, and the engine refuses the objects that need them with a reason.

use crate::Writer;
use crate::error::WriterError;
use crate::host::Host;
use crate::job::{Job, Work};
use crate::post_commit::PostCommit;
use crate::rate_limited_log::RateLimitedLog;
use crate::store::Store;
use ::store::{Room, StoreError};
use gr_proto::{Now, Payload};
use std::time::Duration;

/// After a transaction that grows failed for want of room although there seemed to be some, as with a quota, nothing that grows is
/// tried for so long. Milliseconds.
const REFUSED_MS: u64 = 10_000;
/// While room is tight, what was freed is given back at most this often. Milliseconds.
const GIVE_BACK_MS: u64 = 1_000;
/// Below this part of its reserve a server takes no objects from its partner, with or without bodies.
const RESERVE_FOR_OWN: u64 = 4;

/// Repeated faults of giving space back are logged so often at most.
static FAULTS: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(600));

/// What giving space back is called where its faults are told.
const GIVING_BACK: &str = "giving disk space back";

/// What the writer knows of the room on its disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct DiskRoom {
    /// As it was before the present group.
    room: Room,
    /// What grows is put off until then, in milliseconds of the monotonic clock.
    refused_until: u64,
    /// What the engine was told.
    told: bool,
    /// Something was freed while room was tight, and has not been given back.
    owed: bool,
    given_back_at: u64,
}

impl DiskRoom {
    /// What grows and what frees go apart.
    pub(crate) fn is_tight(&self) -> bool {
        self.room.tight
    }

    /// The engine has not heard the last news after all. Returns what it knows.
    pub(crate) fn take_news_back(&mut self) -> bool {
        self.told = !self.told;
        self.told
    }

    /// When something is to be given back.
    pub(crate) fn due(&self) -> Option<u64> {
        self.owed.then(|| self.given_back_at + GIVE_BACK_MS)
    }

    /// Whether a mail of the partner is worth opening: with hardly any reserve left, only what needs none.
    pub(crate) fn may_take(&self, message: &gr_proto::Message) -> bool {
        let Room {
            reserve_bytes,
            reserve_bytes_wanted,
            low,
            ..
        } = self.room;
        let brings = match &message.payload {
            Payload::Data(items) => items.iter().any(|item| item.object.is_some()),
            _ => false,
        };
        !(brings && low && reserve_bytes < reserve_bytes_wanted / RESERVE_FOR_OWN)
    }

    /// Whether what the partner sends does not fit, either.
    fn is_low_for_partner(&self, now: u64) -> bool {
        self.room.low_for_partner || now < self.refused_until
    }
}

/// Shows in the metrics whether room is low.
pub(crate) fn show_low(low: bool, for_partner: bool) {
    metrics::gauge!("callpilot_disk_low").set(f64::from(u8::from(low)));
    metrics::gauge!("callpilot_disk_low_for_partner").set(f64::from(u8::from(for_partner)));
}

impl<H: Host> Writer<H> {
    /// Before a transaction: looks how much room there is, and which jobs of the group fit.
    pub(crate) fn judge(&mut self, store: &mut H::Store, group: &mut [Job<H>], now: u64) {
        let (was, was_for_partner) = (self.disk.room.low, self.disk.room.low_for_partner);
        self.disk.room = store.look_for_room();
        let Room {
            free_bytes,
            reserve_bytes,
            low,
            low_for_partner,
            ..
        } = self.disk.room;
        if low && !was {
            tracing::warn!(
                free_bytes,
                reserve_bytes,
                "the disk is nearly full: new messages and recordings are put off; deleting, log-ins and what the partner sends go on. \
                 Make room, or delete messages"
            );
        } else if was && !low {
            tracing::info!(
                free_bytes,
                "there is room on the disk again: new messages are taken"
            );
        }
        if low_for_partner && !was_for_partner {
            tracing::warn!(
                free_bytes,
                reserve_bytes,
                "the disk is so full that the partner's messages are put off, too; the partner holds them. Make room"
            );
        }
        if (low, low_for_partner) != (was, was_for_partner) {
            show_low(low, low_for_partner);
        }
        let refused = now < self.disk.refused_until;
        for job in group {
            let bytes = job.bytes() as u64;
            job.fits = match &job.work {
                _ if !job.grows() => true,
                _ if refused => false,
                Work::GrMail { .. } => store.admits_from_partner(bytes),
                _ => store.admits(bytes),
            };
            if !job.fits {
                metrics::counter!("callpilot_writes_put_off_total").increment(1);
            }
        }
    }

    /// What the engine is to be told of the room, if that has changed.
    pub(crate) fn news_of_room(&mut self, now: u64) -> Option<bool> {
        let low = self.disk.is_low_for_partner(now);
        (low != self.disk.told).then(|| {
            self.disk.told = low;
            low
        })
    }

    /// After a group: what its end says of the room.
    pub(crate) fn learn(
        &mut self,
        store: &mut H::Store,
        done: &Result<(), WriterError>,
        grew: bool,
        now: u64,
    ) {
        let result = match done {
            Ok(()) => Ok(()),
            Err(WriterError::Store(e)) => Err(e),
            Err(_) => return,
        };
        store.ended(result, grew);
        match result {
            Ok(()) => self.disk.owed |= self.disk.room.tight && !grew,
            Err(StoreError::Full) if grew => self.disk.refused_until = now + REFUSED_MS,
            Err(_) => {}
        }
        self.disk.room = store.room();
    }

    /// One bounded step of giving space back, between two groups. A fault of it is nobody's write that failed: it is reported, and
    /// tried again with the next step. Only a failed sync is an error.
    pub(crate) fn give_back(
        &mut self,
        host: &mut H,
        store: &mut H::Store,
        after: &PostCommit<H>,
        now: Now,
    ) -> Result<(), WriterError> {
        let (wall, now) = (now.wall, now.mono.0);
        let promptly = self.disk.due().is_some_and(|due| now >= due);
        if after.compact == 0 && !promptly {
            return Ok(());
        }
        self.disk.owed = false;
        self.disk.given_back_at = now;
        let done = match store.compact(wall, after.compact) {
            Ok(done) => done,
            Err(e @ StoreError::Fatal { .. }) => return Err(e.into()),
            Err(error) => {
                metrics::counter!("callpilot_compaction_faults_total").increment(1);
                host.upkeep(GIVING_BACK, Err(&WriterError::from(error)));
                return Ok(());
            }
        };
        host.upkeep(GIVING_BACK, Ok(()));
        tracing::debug!(?done, "gave disk space back");
        metrics::counter!("callpilot_freed_bytes_total").increment(done.freed_bytes);
        let lost = done.damaged_bodies + done.unreadable_bodies;
        metrics::counter!("callpilot_damaged_total", "what" => "bodies").increment(lost);
        let (unreadable, segments) = store.unreadable();
        metrics::gauge!("callpilot_unreadable_bodies").set(unreadable as f64);
        if done.unreadable_bodies > 0 {
            tracing::error!(
                bodies = done.unreadable_bodies,
                ?segments,
                "the disk cannot read some of the bodies in these segments; they are left where they are, and asked from the GR partner. Is the disk failing?"
            );
        }
        if done.stuck_segments > 0
            && let Some(times) = FAULTS.now()
        {
            let segments = done.stuck_segments;
            tracing::warn!(
                segments,
                times,
                "empty segments cannot be deleted; it is tried again"
            );
        }
        Ok(())
    }
}
