//! One server, as its listeners see it.
//!
//! Reads go to a pool of snapshot readers; every write is a closure that the one writer thread ([`crate::writer`]) runs inside the
//! group's transaction. A write is answered when it is durable here and, where that is asked for, on the partner too.

use crate::clock::{self, Clock};
use crate::conditions;
use crate::config::Config;
use crate::gr::pairing::{self, Pairing, Partner, Secret, SessionKeys};
pub use crate::gr::view::PairView;
pub use crate::writer::change_event::Notice;
pub use crate::writer::error::SiteError;
pub use crate::writer::write::{Abort, Copies, Scope, Wait, WriteError, Written};
use crate::writer::{Committer, Job, Needs, Reply};
use bytes::Bytes;
use domain::{ObjectId, ServerId, Timestamp};
use gr_proto::{Command, Rejected, TaskView};
use std::sync::{Arc, RwLock};
use tokio::sync::{Semaphore, broadcast, oneshot, watch};

/// Writes waiting for the writer thread; more than this and a listener is told to wait.
const JOBS_MAX: usize = 4096;
/// Notices kept for a slow listener; one that is further behind has to read its list again.
const NOTICES_MAX: usize = 4096;

/// A handle on the server; cheap to clone.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    config: Config,
    clock: Clock,
    home: ServerId,
    readers: store::Readers,
    jobs: std::sync::mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    notices: broadcast::Sender<Notice>,
    pair: watch::Receiver<PairView>,
    tasks: watch::Receiver<TaskView>,
    own_session_key: Secret,
    session_keys: RwLock<SessionKeys>,
}

/// What the look at the segments found, if it was anything but sound.
fn report(opened: &store::Opened) {
    if opened.missing_bodies > 0 {
        tracing::warn!(
            bodies = opened.missing_bodies,
            "content of messages is missing on this disk; it is asked from the GR partner. Look at `callpilot gr status`"
        );
    }
    let other = store::Opened {
        missing_bodies: 0,
        ..*opened
    };
    if other != store::Opened::default() {
        tracing::warn!(
            ?opened,
            "the last end was not an orderly one, or something happened to the files"
        );
    }
}

impl Site {
    /// Opens the data folder and starts the writer thread. Returns when the server can answer; the handle of the thread ends when the
    /// server stops.
    pub fn open(config: Config) -> Result<(Self, Committer), SiteError> {
        Self::open_on(config, Arc::new(store::RealDisk))
    }

    /// [`Self::open`] on a disk that a test can make fail.
    pub(crate) fn open_on(
        config: Config,
        disk: Arc<dyn store::Disk>,
    ) -> Result<(Self, Committer), SiteError> {
        let clock = Clock::start();
        let home = ServerId::of(&config.fqdn);
        let options = store::Options {
            spare_bytes: config.disk.spare,
            reserve_bytes: config.disk.reserve,
            disk,
            ..store::Options::default()
        };
        let (writer, readers) = store::Store::open(&config.data_dir, options)?;
        report(writer.opened());
        let own_session_key = pairing::own_session_key(&config.data_dir)?;
        let pairing = pairing::load(&readers, &config.data_dir)?;
        let session_keys = pairing::session_keys(pairing.as_ref(), &own_session_key);
        let users_max = config.limits.users_max;
        let conditions = readers.snapshot(|view| conditions::load(view, users_max))?;
        let (notices, _) = broadcast::channel(NOTICES_MAX);
        let (jobs, inbox) = std::sync::mpsc::channel();
        let room = Arc::new(Semaphore::new(JOBS_MAX));
        let (committer, pair) = Committer::new(
            &config,
            clock,
            writer,
            (inbox, Arc::clone(&room)),
            notices.clone(),
            pairing,
            conditions,
        );
        let site = Self(Arc::new(Inner {
            config,
            clock,
            home,
            readers,
            jobs,
            room,
            notices,
            pair,
            tasks: committer.tasks(),
            own_session_key,
            session_keys: RwLock::new(session_keys),
        }));
        Ok((site, committer))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The wall clock.
    pub fn now(&self) -> Timestamp {
        self.0.clock.wall()
    }

    /// Whether there is a writer. One that has ended by a fault takes the server with it.
    pub fn is_writing(&self) -> bool {
        !self.0.room.is_closed()
    }

    /// Room on the disk, as the writer last saw it.
    pub fn disk_room(&self) -> store::Room {
        self.0.readers.room()
    }

    /// What is dated before this has been there for `age_ms` by all clocks, so it may be destroyed for its age. `None`: nothing may, for now.
    pub async fn oldest_destroyable(&self, age_ms: i64) -> Result<Option<Timestamp>, SiteError> {
        let asked = self.write_anyway(Wait::Local, move |scope| {
            let now = scope.now;
            let oldest = (scope.engine).oldest_destroyable(now, &mut *scope.tx, age_ms)?;
            Ok::<_, Abort<std::convert::Infallible>>(oldest)
        });
        match asked.await {
            Ok(asked) => Ok(asked.value),
            Err(WriteError::Failed(e)) => Err(e),
            Err(WriteError::Refused(never)) => match never {},
        }
    }

    /// The identity of this server.
    pub fn home(&self) -> ServerId {
        self.0.home
    }

    /// A new identity of this moment.
    pub fn new_id(&self) -> ObjectId {
        clock::new_id(self.now())
    }

    /// Bytes from the operating system's generator.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        clock::random()
    }

    /// Reads on the blocking pool.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&store::Readers) -> Result<T, store::StoreError> + Send + 'static,
    ) -> Result<T, SiteError> {
        let readers = self.0.readers.clone();
        match tokio::task::spawn_blocking(move || f(&readers)).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(SiteError::OutOfService),
        }
    }

    /// The readers themselves, for threads that may block.
    pub fn readers(&self) -> &store::Readers {
        &self.0.readers
    }

    /// Runs `f` in the next group's transaction and answers when its result is durable where `wait` says.
    ///
    /// `f` runs on the writer thread: it must not block. It may refuse only before its first write. Dropping the future does not
    /// undo a write that has begun. A write adds rows: while the disk is nearly full it is put off.
    pub async fn write<T, E>(
        &self,
        wait: Wait,
        f: impl FnOnce(&mut Scope<'_, '_>) -> Result<T, Abort<E>> + Send + 'static,
    ) -> Result<Written<T>, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.write_needing(Needs::Room(0), wait, f).await
    }

    /// [`Self::write`] for a closure that appends about `weight` bytes of bodies, so that groups keep their size and the disk its room.
    pub async fn write_weighing<T, E>(
        &self,
        weight: usize,
        wait: Wait,
        f: impl FnOnce(&mut Scope<'_, '_>) -> Result<T, Abort<E>> + Send + 'static,
    ) -> Result<Written<T>, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.write_needing(Needs::Room(weight), wait, f).await
    }

    /// [`Self::write`] for a closure that frees room or hardly needs any: on a full disk people must be able to delete, and to log in
    /// for that.
    pub async fn write_anyway<T, E>(
        &self,
        wait: Wait,
        f: impl FnOnce(&mut Scope<'_, '_>) -> Result<T, Abort<E>> + Send + 'static,
    ) -> Result<Written<T>, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.write_needing(Needs::Nothing, wait, f).await
    }

    async fn write_needing<T, E>(
        &self,
        needs: Needs,
        wait: Wait,
        f: impl FnOnce(&mut Scope<'_, '_>) -> Result<T, Abort<E>> + Send + 'static,
    ) -> Result<Written<T>, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        // The caller may have gone away whenever something is said; what was written stands all the same.
        let (done, result) = oneshot::channel::<Result<Result<Written<T>, E>, SiteError>>();
        let run = Box::new(move |scope: Result<&mut Scope<'_, '_>, SiteError>| {
            let scope = match scope {
                Ok(scope) => scope,
                Err(why) => {
                    let _ = done.send(Err(why));
                    return Ok(None);
                }
            };
            match f(scope) {
                Ok(value) => Ok(Some(Reply {
                    wait,
                    send: Box::new(move |copies| {
                        let _ = done.send(copies.map(|copies| Ok(Written { value, copies })));
                    }),
                })),
                Err(Abort::Refused(e)) => Ok(Some(Reply {
                    wait: Wait::Local,
                    send: Box::new(move |copies| {
                        let _ = done.send(copies.map(|_| Err(e)));
                    }),
                })),
                Err(Abort::Ledger(e)) => {
                    let full = matches!(
                        store::StoreError::from_ledger(&e),
                        Some(store::StoreError::Full)
                    );
                    let _ = done.send(Err(match full {
                        true => SiteError::Store(store::StoreError::Full),
                        false => SiteError::Undone,
                    }));
                    Err(e)
                }
            }
        });
        self.submit(|room| Job::Write { run, needs, room }).await?;
        match result.await {
            Ok(Ok(Ok(written))) => Ok(written),
            Ok(Ok(Err(refused))) => Err(WriteError::Refused(refused)),
            Ok(Err(failed)) => Err(failed.into()),
            Err(_) => Err(SiteError::Undone.into()),
        }
    }

    /// Hands decrypted GR mail to the engine. Returns when it is queued: only the engine's own acknowledgement says more.
    pub async fn gr_mail(
        &self,
        message: gr_proto::Message,
        bodies: Vec<Bytes>,
    ) -> Result<(), SiteError> {
        self.submit(|room| Job::GrMail {
            message: Box::new(message),
            bodies,
            room,
        })
        .await
    }

    /// Tells the engine how the connection to the partner fares.
    pub async fn link(&self, up: bool) -> Result<(), SiteError> {
        self.submit(|room| Job::Link { up, room }).await
    }

    /// Makes this server half of a pair, or re-enters the password of the pair it is in (R5).
    pub async fn set_pair(&self, partner: Partner, root: Secret) -> Result<(), SiteError> {
        pairing::save_root(&root, &self.0.config.data_dir)?;
        let pairing = Pairing { partner, root };
        self.reconfigure(Some(pairing)).await
    }

    /// Turns GR off; nothing that the server's own users have is lost (R6).
    pub async fn clear_pair(&self) -> Result<(), SiteError> {
        self.reconfigure(None).await?;
        pairing::erase_root(&self.0.config.data_dir)
    }

    async fn reconfigure(&self, pairing: Option<Pairing>) -> Result<(), SiteError> {
        let keys = pairing::session_keys(pairing.as_ref(), &self.0.own_session_key);
        let (done, result) = oneshot::channel();
        self.submit(|room| Job::Pair {
            pairing,
            done,
            room,
        })
        .await?;
        result.await.map_err(|_| SiteError::Undone)?;
        *self
            .0
            .session_keys
            .write()
            .unwrap_or_else(|e| e.into_inner()) = keys;
        Ok(())
    }

    /// What happens from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.0.notices.subscribe()
    }

    /// The pair's present state.
    pub fn pair(&self) -> watch::Receiver<PairView> {
        self.0.pair.clone()
    }

    /// Gives the engine an administrator's order. Answered when it is durable, and seen in [`Self::tasks`].
    ///
    /// # Errors
    /// [`Rejected`] inside: the engine says why not. Outside: the server cannot do it.
    pub async fn order(&self, order: Command) -> Result<Result<(), Rejected>, SiteError> {
        let (done, result) = oneshot::channel();
        let order = Box::new(order);
        self.submit(|room| Job::Command { order, done, room })
            .await?;
        result.await.map_err(|_| SiteError::Undone)
    }

    /// The present state of tasks.
    pub fn tasks(&self) -> watch::Receiver<TaskView> {
        self.0.tasks.clone()
    }

    /// Somebody has logged in: the mailbox is compared with the partner's (R13). Never awaited by whoever answers the log-in (I23).
    pub async fn logged_in(&self, user: ObjectId) -> Result<(), SiteError> {
        self.submit(|room| Job::LoggedIn { user, room }).await
    }

    /// The keys of session tokens.
    pub fn session_keys(&self) -> SessionKeys {
        self.0
            .session_keys
            .read()
            .unwrap_or_else(|e| e.into_inner())
            .clone()
    }

    /// Asks the writer to give disk space back, moving at most so many bytes of bodies.
    pub async fn compact(&self, bytes_max: u64) -> Result<(), SiteError> {
        self.submit(|room| Job::Compact { bytes_max, room }).await
    }

    /// Lets the writer look at what readers found damaged.
    pub async fn look_into_damage(&self) -> Result<(), SiteError> {
        self.submit(|room| Job::Damage { room }).await
    }

    /// Writes what is queued and ends the writer thread.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.submit(|room| Job::Stop { done, room }).await.is_ok() {
            let _ = stopped.await;
        }
    }

    async fn submit(
        &self,
        job: impl FnOnce(tokio::sync::OwnedSemaphorePermit) -> Job,
    ) -> Result<(), SiteError> {
        let room = Arc::clone(&self.0.room);
        let room = room
            .acquire_owned()
            .await
            .map_err(|_| SiteError::OutOfService)?;
        self.0
            .jobs
            .send(job(room))
            .map_err(|_| SiteError::OutOfService)
    }
}
