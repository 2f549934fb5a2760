//! A disk with little room: what is still written, and in what company.
//!
//! What grows the store is asked about first and put off (`452`, `507`) while there is little room; what frees it or hardly needs any
//! goes on, out of the store's reserve if need be. The two never share a transaction, so that one that fails for want of room takes
//! nothing else with it. Mail of the GR partner is never turned away as a whole: bodies that do not fit are left out,
//! and the engine refuses the objects that need them with a reason.

use super::Committer;
use super::error::SiteError;
use super::job::{Job, Needs};
use super::post_commit::Aftermath;
use crate::rarely::Rarely;
use gr_proto::Payload;
use std::collections::VecDeque;
use std::time::Duration;
use store::{Room, StoreError};

/// After a transaction that grows failed for want of room although there seemed to be some, as with a quota, nothing that grows is
/// tried for so long. Milliseconds.
const REFUSED_MS: u64 = 10_000;
/// While room is tight, what was freed is given back at most this often. Milliseconds.
const GIVE_BACK_MS: u64 = 1_000;
/// Below this part of its reserve a server takes no objects from its partner, with or without bodies.
const RESERVE_FOR_OWN: u64 = 4;

/// Repeated faults of giving space back are logged so often at most.
static FAULTS: Rarely = Rarely::new(Duration::from_secs(600));

/// What the writer knows of the room on its disk.
#[derive(Debug, Default)]
pub(super) struct DiskRoom {
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
    pub(super) fn is_tight(&self) -> bool {
        self.room.tight
    }

    /// When something is to be given back.
    pub(super) fn due(&self) -> Option<u64> {
        self.owed.then(|| self.given_back_at + GIVE_BACK_MS)
    }

    fn is_low(&self, now: u64) -> bool {
        self.room.low || now < self.refused_until
    }
}

/// A job, and whether there is room for what it adds.
pub(super) type Judged = (Job, bool);

impl Committer {
    /// Before a transaction: looks how much room there is, and which jobs of the group fit.
    pub(super) fn judge(&mut self, group: Vec<Job>, now: u64) -> VecDeque<Judged> {
        let was = self.disk.room.low;
        self.disk.room = self.writer.look_for_room();
        let Room {
            free_bytes,
            reserve_bytes,
            low,
            ..
        } = self.disk.room;
        if low && !was {
            tracing::warn!(
                free_bytes,
                reserve_bytes,
                "the disk is nearly full: new messages and recordings are put off; deleting, log-ins and the partner's signs of life go on. \
                 Make room, or delete messages"
            );
        } else if was && !low {
            tracing::info!(
                free_bytes,
                "there is room on the disk again: new messages are taken"
            );
        }
        metrics::gauge!("callpilot_disk_low").set(f64::from(u8::from(low)));
        let refused = now < self.disk.refused_until;
        group
            .into_iter()
            .map(|job| {
                let fits = !job.grows() || (!refused && self.writer.admits(job.bytes() as u64));
                if !fits {
                    metrics::counter!("callpilot_writes_put_off_total").increment(1);
                }
                (job, fits)
            })
            .collect()
    }

    /// What the engine is to be told of the room, if that has changed.
    pub(super) fn news_of_room(&mut self, now: u64) -> Option<bool> {
        let low = self.disk.is_low(now);
        (low != self.disk.told).then(|| {
            self.disk.told = low;
            low
        })
    }

    /// Whether a mail of the partner is worth opening: with hardly any reserve left, only what needs none.
    pub(super) fn may_take(&self, message: &gr_proto::Message) -> bool {
        let Room {
            reserve_bytes,
            reserve_bytes_wanted,
            low,
            ..
        } = self.disk.room;
        let brings = match &message.payload {
            Payload::Data(items) => items.iter().any(|item| item.object.is_some()),
            _ => false,
        };
        !(brings && low && reserve_bytes < reserve_bytes_wanted / RESERVE_FOR_OWN)
    }

    /// After a group: what its end says of the room.
    pub(super) fn learn(&mut self, done: &Result<(), SiteError>, grew: bool, now: u64) {
        let result = match done {
            Ok(()) => Ok(()),
            Err(SiteError::Store(e)) => Err(e),
            Err(_) => return,
        };
        self.writer.ended(result, grew);
        match result {
            Ok(()) => self.disk.owed |= self.disk.room.tight && !grew,
            Err(StoreError::Full) if grew => self.disk.refused_until = now + REFUSED_MS,
            Err(_) => {}
        }
        self.disk.room = self.writer.room();
    }

    /// One bounded step of giving space back, between two groups. A fault of it is nobody's write that failed: it is reported, and
    /// tried again with the next step. Only a failed sync is an error.
    pub(super) fn give_back(&mut self, after: &Aftermath, now: u64) -> Result<(), SiteError> {
        let promptly = self.disk.due().is_some_and(|due| now >= due);
        if after.compact == 0 && !promptly {
            return Ok(());
        }
        self.disk.owed = false;
        self.disk.given_back_at = now;
        let done = match self.writer.compact(self.clock.wall(), after.compact) {
            Ok(done) => done,
            Err(e @ StoreError::Fatal { .. }) => return Err(e.into()),
            Err(error) => {
                metrics::counter!("callpilot_compaction_faults_total").increment(1);
                if let Some(times) = FAULTS.now() {
                    tracing::warn!(%error, times, "disk space could not be given back; it is tried again");
                }
                return Ok(());
            }
        };
        tracing::debug!(?done, "gave disk space back");
        metrics::counter!("callpilot_freed_bytes_total").increment(done.freed_bytes);
        let lost = done.damaged_bodies + done.unreadable_bodies;
        metrics::counter!("callpilot_damaged_total", "what" => "bodies").increment(lost);
        let unreadable = self.writer.unreadable().count();
        metrics::gauge!("callpilot_unreadable_bodies").set(unreadable as f64);
        if done.unreadable_bodies > 0 {
            let segments: std::collections::BTreeSet<_> =
                self.writer.unreadable().map(|(id, _)| id).collect();
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

impl Job {
    /// Whether it adds bodies or rows beyond what a full disk can bear.
    pub(super) fn grows(&self) -> bool {
        match self {
            Self::Write { needs, .. } => matches!(needs, Needs::Room(_)),
            Self::GrMail { bodies, .. } => !bodies.is_empty(),
            Self::Link { .. }
            | Self::Pair { .. }
            | Self::Command { .. }
            | Self::LoggedIn { .. }
            | Self::Damage { .. }
            | Self::Compact { .. }
            | Self::Stop { .. } => false,
        }
    }

    /// Whether people do it to make room, or need it for that.
    pub(super) fn frees(&self) -> bool {
        matches!(self, Self::Write { needs, .. } if *needs == Needs::Nothing)
    }

    /// Whether it can share a transaction with either kind.
    pub(super) fn is_neutral(&self) -> bool {
        matches!(
            self,
            Self::Link { .. } | Self::LoggedIn { .. } | Self::Damage { .. } | Self::Compact { .. }
        )
    }

    /// Tells whoever waits for it that it was not done.
    pub(super) fn refuse(self, why: SiteError) {
        if let Self::Write { run, .. } = self {
            // Whoever refuses does not fail.
            let _ = run(Err(why));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::gr::Running;
    use crate::site::{Abort, Site, SiteError, Wait, WriteError};
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    /// A disk whose free room is told and whose writes fail as the test says.
    #[derive(Debug)]
    struct Quota {
        free: AtomicU64,
        full: AtomicBool,
    }

    impl store::Disk for Quota {
        fn room(&self, _: &Path) -> io::Result<(u64, u64)> {
            Ok((self.free.load(Ordering::SeqCst), 1 << 40))
        }

        fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
            match self.full.load(Ordering::SeqCst) {
                true => Err(io::ErrorKind::QuotaExceeded.into()),
                false => file.write_all_at(bytes, offset),
            }
        }
    }

    struct Served {
        site: Site,
        running: Running,
        disk: Arc<Quota>,
        _dir: tempfile::TempDir,
    }

    fn served() -> Served {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().display();
        let text = format!(
            "fqdn = \"cp-a.test.example\"\ndata_dir = \"{data}\"\ndisk.spare = 1000000\ndisk.reserve = 0\n"
        );
        let config = Config::parse(&text, "cp.toml", &|_| None).unwrap();
        let disk = Arc::new(Quota {
            free: AtomicU64::new(1 << 30),
            full: AtomicBool::new(false),
        });
        let (site, committer) = Site::open_on(config, disk.clone()).unwrap();
        let running = Running::start(&site, committer, CancellationToken::new()).unwrap();
        Served {
            site,
            running,
            disk,
            _dir: dir,
        }
    }

    async fn grow(site: &Site, bytes: usize) -> Result<(), WriteError<()>> {
        let body = vec![7; bytes];
        let write =
            site.write_weighing(bytes, Wait::Local, move |scope| -> Result<(), Abort<()>> {
                scope.append_body(&body)?;
                Ok(())
            });
        write.await.map(|_| ())
    }

    async fn free(site: &Site) -> Result<(), WriteError<()>> {
        let write = site.write_anyway(Wait::Local, |scope| -> Result<(), Abort<()>> {
            Ok(scope.tx().put_setting("key", b"value")?)
        });
        write.await.map(|_| ())
    }

    fn is_full(result: &Result<(), WriteError<()>>) -> bool {
        matches!(result, Err(WriteError::Failed(error)) if error.is_full())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_fails_for_want_of_room_takes_no_deletion_with_it() {
        let served = served();
        let site = &served.site;
        // The writer is kept busy until three writes wait for it.
        let (go, held) = mpsc::channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let first = site.write_anyway(Wait::Local, move |_| -> Result<(), Abort<()>> {
            let _ = begun.send(());
            let _ = held.recv();
            Ok(())
        });
        served.disk.full.store(true, Ordering::SeqCst);
        let others = async {
            has_begun.await.unwrap();
            let release = async { go.send(()).unwrap() };
            // Polled in this order, each is queued before the writer goes on.
            let (a, b, c, ()) = tokio::join!(free(site), grow(site, 500), free(site), release);
            (a, b, c)
        };
        let (first, (before, grown, after)) = tokio::join!(first, others);
        assert!(first.is_ok() && before.is_ok() && after.is_ok());
        assert!(is_full(&grown), "{grown:?}");
        // For a while nothing that grows is tried, and everything else is done.
        served.disk.full.store(false, Ordering::SeqCst);
        assert!(is_full(&grow(site, 5).await));
        assert!(free(site).await.is_ok());
        served.running.stop(site).await.unwrap();
    }

    #[tokio::test]
    async fn what_grows_is_put_off_while_little_is_free_and_taken_again_when_there_is_more() {
        let served = served();
        let site = &served.site;
        assert!(grow(site, 1_000).await.is_ok());
        served.disk.free.store(1_200_000, Ordering::SeqCst);
        assert!(
            is_full(&grow(site, 500_000).await),
            "it would leave too little"
        );
        assert!(grow(site, 1_000).await.is_ok(), "a small one fits");
        served.disk.free.store(0, Ordering::SeqCst);
        assert!(is_full(&grow(site, 0).await));
        assert!(site.disk_room().low);
        assert!(free(site).await.is_ok());
        served.disk.free.store(1 << 30, Ordering::SeqCst);
        assert!(grow(site, 1_000).await.is_ok());
        assert!(!site.disk_room().low);
        served.running.stop(site).await.unwrap();
    }

    #[test]
    fn those_who_were_undone_with_a_full_one_are_told_of_the_room() {
        let full = SiteError::Store(store::StoreError::Full);
        assert!(full.of_the_group().is_full());
        let other = SiteError::Damaged("x".into());
        assert!(matches!(other.of_the_group(), SiteError::Undone));
    }
}
