//! One server, as its listeners see it.
//!
//! Reads go to a pool of snapshot readers; every write is a closure that the one writer thread ([`writer::Writer`]) runs inside the
//! group's transaction. A write is answered when it is durable here and, where that is asked for, on the partner too.

mod root_change;

use crate::act;
pub use crate::change_event::ChangeEvent;
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::constraints;
use crate::gr::GrKeys;
use crate::gr::envelope::Keyring;
use crate::gr::pairing::{self, Pairing, Partner, Secret, SessionKeys};
pub use crate::gr::view::PairView;
use crate::outgoing::routes::Routes;
use crate::partly_delivered::PartlyDelivered;
use crate::processor_turns::ProcessorTurns;
use crate::reading::Reading;
use crate::sender_rates::SenderRates;
use crate::upkeep_faults::UpkeepFaults;
use crate::writer_thread::{Channels, Job, ThreadHost, Watches, WriterThread};
use bytes::Bytes;
use domain::{AdministratorAccount, ObjectId, ServerId, Timestamp};
use gr_proto::{Command, Input, Rejected, TaskView};
use root_change::Roots;
use std::sync::{Arc, RwLock};
use tokio::sync::{Semaphore, broadcast, oneshot, watch};
pub use writer::{Abort, Durability, Wait, WriteError, WriterError, Written};
use writer::{Done, Needs, Work, WriteReply};

/// Writes waiting for the writer thread; more than this and a listener is told to wait.
const JOBS_MAX: usize = 4096;
/// Notices kept for a slow listener; one that is further behind has to read its list again.
const NOTICES_MAX: usize = 4096;

/// The inside of the group's transaction, as one write sees it.
pub type WriteTx<'a, 't> = writer::WriteTx<'a, 't, store::Writer>;

/// A handle on the server; cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<ServerParts>);

struct ServerParts {
    config: Config,
    clock: Clock,
    home: ServerId,
    readers: store::Readers,
    jobs: std::sync::mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    notices: broadcast::Sender<ChangeEvent>,
    pair: watch::Receiver<PairView>,
    tasks: watch::Receiver<TaskView>,
    own_session_key: Secret,
    /// And the one of the password before, until when it is good.
    session_keys: RwLock<(SessionKeys, Option<(Secret, Timestamp)>)>,
    roots: tokio::sync::Mutex<Roots>,
    gr_keys: GrKeys,
    reading: Reading,
    partly_delivered: PartlyDelivered,
    sender_rates: SenderRates,
    turns: ProcessorTurns,
    upkeep_faults: UpkeepFaults,
    routes: Arc<Routes>,
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

/// Second factors that cannot be read any more: their owners cannot sign in here.
fn report_second_factors(readers: &store::Readers) -> Result<(), WriterError> {
    for (_, object) in readers.snapshot(|view| view.administrators())? {
        let account = AdministratorAccount::of(&object);
        if let Some(account) = account.filter(|account| account.has_unreadable_second_factor()) {
            let name = account.name();
            tracing::error!(
                name,
                "the second factor of an administrator cannot be read: secrets.key is another than it was sealed with. Put the old file back, sign \
                 in on the GR partner, or take it away by `callpilot admin set NAME --no-second-factor`"
            );
        }
    }
    Ok(())
}

impl Server {
    /// Opens the data folder and starts the writer thread. Returns when the server can answer; the handle of the thread ends when the
    /// server stops.
    pub fn open(config: Config) -> Result<(Self, WriterThread), WriterError> {
        Self::open_on(config, Arc::new(store::RealDisk))
    }

    /// [`Self::open`] on a disk that a test can make fail.
    pub(crate) fn open_on(
        config: Config,
        disk: Arc<dyn store::Disk>,
    ) -> Result<(Self, WriterThread), WriterError> {
        let clock = Clock::start();
        let outgoing = &config.smtp.outgoing;
        let routes = Routes::open(
            outgoing.routes_file.as_deref(),
            outgoing.relay.clone(),
            outgoing.by_name,
        )?;
        let home = ServerId::of(&config.fqdn);
        let options = store::Options {
            spare_bytes: config.disk.spare,
            partner_spare_bytes: config.disk.partner_spare,
            reserve_bytes: config.disk.reserve,
            disk,
            sealer: Some(crate::secrets::open),
            ..store::Options::default()
        };
        let (writer, readers) = store::Store::open(&config.data_dir, options)?;
        report(writer.opened());
        report_second_factors(&readers)?;
        let own_session_key = pairing::own_session_key(&config.data_dir)?;
        let pairing = pairing::load(&readers, &config.data_dir)?;
        let roots = Roots::load(&config.data_dir, pairing.as_ref(), clock.wall())?;
        let session_keys = pairing::session_keys(None, None, &own_session_key);
        let users_max = config.limits.users_max;
        let constraints = readers.snapshot(|view| constraints::load(view, users_max))?;
        let (notices, _) = broadcast::channel(NOTICES_MAX);
        let (jobs, inbox) = std::sync::mpsc::channel();
        let room = Arc::new(Semaphore::new(JOBS_MAX));
        let channels = Channels {
            changes: notices.clone(),
            queue: (inbox, Arc::clone(&room)),
        };
        let (writer, watches) =
            WriterThread::new(&config, clock, writer, channels, pairing, constraints);
        let Watches {
            pair,
            tasks,
            upkeep_faults,
        } = watches;
        let reading = Reading::new(config.limits.reading_bytes_max);
        let server = Self(Arc::new(ServerParts {
            sender_rates: SenderRates::new(config.smtp.rates.clone()),
            turns: ProcessorTurns::new(std::thread::available_parallelism().map_or(1, usize::from)),
            config,
            clock,
            home,
            readers,
            jobs,
            room,
            notices,
            pair,
            tasks,
            own_session_key,
            session_keys: RwLock::new((session_keys, None)),
            roots: tokio::sync::Mutex::new(roots.clone()),
            gr_keys: GrKeys::default(),
            reading,
            partly_delivered: PartlyDelivered::default(),
            upkeep_faults,
            routes: Arc::new(routes),
        }));
        server.begin_keys(&roots);
        server.derive_session_keys(&roots);
        Ok((server, writer))
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
    pub async fn oldest_destroyable(&self, age_ms: i64) -> Result<Option<Timestamp>, WriterError> {
        let asked = self.write_upkeep(move |tx| {
            Ok::<_, Abort<std::convert::Infallible>>(tx.oldest_destroyable(age_ms))
        });
        match asked.await {
            Ok(asked) => Ok(asked.value),
            Err(WriteError::Failed(e)) => Err(e),
            Err(WriteError::Refused(never)) => match never {},
        }
    }

    /// How much may be read at once.
    pub fn reading(&self) -> &Reading {
        &self.0.reading
    }

    /// The identity of this server.
    pub fn home(&self) -> ServerId {
        self.0.home
    }

    /// A new identity of this moment.
    pub fn new_id(&self) -> ObjectId {
        clock::new_id(self.now())
    }

    /// Mails that some of their recipients have and others had no room for.
    pub fn partly_delivered(&self) -> &PartlyDelivered {
        &self.0.partly_delivered
    }

    /// How much mail strangers may still leave.
    pub fn sender_rates(&self) -> &SenderRates {
        &self.0.sender_rates
    }

    /// Turns for work that users ask for and that takes a processor.
    pub fn turns(&self) -> &ProcessorTurns {
        &self.0.turns
    }

    /// Where mail for other systems goes.
    pub fn routes(&self) -> &Arc<Routes> {
        &self.0.routes
    }

    /// What of the house-keeping fails at present.
    pub fn upkeep_faults(&self) -> &UpkeepFaults {
        &self.0.upkeep_faults
    }

    /// Bytes from the operating system's generator.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        clock::random()
    }

    /// Reads on the blocking pool.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&store::Readers) -> Result<T, store::StoreError> + Send + 'static,
    ) -> Result<T, WriterError> {
        let readers = self.0.readers.clone();
        match tokio::task::spawn_blocking(move || f(&readers)).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(WriterError::OutOfService),
        }
    }

    /// The readers themselves, for threads that may block.
    pub fn readers(&self) -> &store::Readers {
        &self.0.readers
    }

    /// Runs `f` in the next group's transaction and answers when its result is durable where `wait` says.
    ///
    /// `f` runs on the writer thread: it must not block. If it refuses or fails, what it did is taken back. Dropping the future does not
    /// undo a write that has begun. A write adds rows: while the disk is nearly full it is put off.
    pub async fn write<T, E>(
        &self,
        wait: Wait,
        f: impl FnOnce(&mut WriteTx<'_, '_>) -> Result<T, Abort<E>> + Send + 'static,
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
        f: impl FnOnce(&mut WriteTx<'_, '_>) -> Result<T, Abort<E>> + Send + 'static,
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
        f: impl FnOnce(&mut WriteTx<'_, '_>) -> Result<T, Abort<E>> + Send + 'static,
    ) -> Result<Written<T>, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.write_needing(Needs::Nothing, wait, f).await
    }

    /// [`Self::write_anyway`] for the server's own house-keeping: it shares a transaction with nobody else's write, and if it fails,
    /// nobody else notices. Whoever asks for it tries it again.
    pub async fn write_upkeep<T, E>(
        &self,
        f: impl FnOnce(&mut WriteTx<'_, '_>) -> Result<T, Abort<E>> + Send + 'static,
    ) -> Result<Written<T>, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.write_needing(Needs::Upkeep, Wait::Local, f).await
    }

    async fn write_needing<T, E>(
        &self,
        needs: Needs,
        wait: Wait,
        f: impl FnOnce(&mut WriteTx<'_, '_>) -> Result<T, Abort<E>> + Send + 'static,
    ) -> Result<Written<T>, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        // The caller may have gone away whenever something is said; what was written stands all the same.
        let (done, result) = oneshot::channel::<Result<Result<Written<T>, E>, WriterError>>();
        let (act, at) = (act::present(), self.now());
        let run = Box::new(move |tx: Result<&mut WriteTx<'_, '_>, WriterError>| {
            let tx = match tx {
                Ok(tx) => tx,
                Err(why) => {
                    let _ = done.send(Err(why));
                    return Ok(None);
                }
            };
            let written = f(tx).and_then(|value| {
                // An administrative act and its entry in the audit trail are there together or not at all.
                if let Some(entry) = act.as_ref().and_then(|act| act.entry(at, "done")) {
                    tx.tx().add_to_trail(entry)?;
                }
                Ok(value)
            });
            match written {
                Ok(value) => Ok(Some(WriteReply {
                    refuses: false,
                    wait,
                    send: Box::new(move |durability| {
                        if let Some(act) = act.filter(|_| durability.is_ok()) {
                            act.is_durable();
                        }
                        let written = |durability| Ok(Written { value, durability });
                        let _ = done.send(durability.map(written));
                    }),
                })),
                Err(Abort::Refused(e)) => Ok(Some(WriteReply {
                    refuses: true,
                    wait: Wait::Local,
                    send: Box::new(move |durability| {
                        let _ = done.send(durability.map(|_| Err(e)));
                    }),
                })),
                Err(Abort::Ledger(e)) => {
                    let _ = done.send(Err(match store::StoreError::from_ledger(&e) {
                        Some(store::StoreError::Full) => {
                            WriterError::Store(store::StoreError::Full)
                        }
                        Some(store::StoreError::TooManyFiles) => {
                            WriterError::Store(store::StoreError::TooManyFiles)
                        }
                        _ => WriterError::Undone,
                    }));
                    Err(e)
                }
            }
        });
        self.submit(Work::Write { run, needs }).await?;
        match result.await {
            Ok(Ok(Ok(written))) => Ok(written),
            Ok(Ok(Err(refused))) => Err(WriteError::Refused(refused)),
            Ok(Err(failed)) => Err(failed.into()),
            Err(_) => Err(WriterError::Undone.into()),
        }
    }

    /// Hands decrypted GR mail to the engine. Returns when it is queued: only the engine's own acknowledgement says more.
    pub async fn gr_mail(
        &self,
        message: gr_proto::Message,
        bodies: Vec<Bytes>,
    ) -> Result<(), WriterError> {
        let message = Box::new(message);
        self.submit(Work::GrMail { message, bodies }).await
    }

    /// Tells the engine how the connection to the partner fares.
    pub async fn link(&self, up: bool) -> Result<(), WriterError> {
        let input = if up { Input::LinkUp } else { Input::LinkDown };
        self.submit(Work::Input(input)).await
    }

    /// Makes this server half of a pair, or says anew where the partner of the pair is that it is in (R5).
    pub async fn set_pair(&self, partner: Partner, root: Secret) -> Result<(), WriterError> {
        let mut roots = self.0.roots.lock().await;
        if roots.current.as_ref() != Some(&root) {
            pairing::save_root(&root, &self.0.config.data_dir)?;
            // Before the link begins.
            let ring = Keyring::new(&root, &self.0.config.fqdn, &partner.fqdn);
            self.0.gr_keys.begin(ring, None);
            *roots = Roots {
                current: Some(root.clone()),
                ..Roots::default()
            };
        }
        let pairing = Pairing { partner, root };
        self.reconfigure(Some(pairing)).await?;
        self.derive_session_keys(&roots);
        Ok(())
    }

    /// Turns GR off; nothing that the server's own users have is lost (R6).
    pub async fn clear_pair(&self) -> Result<(), WriterError> {
        let mut roots = self.0.roots.lock().await;
        self.reconfigure(None).await?;
        *roots = Roots::default();
        self.0.gr_keys.end();
        self.derive_session_keys(&roots);
        pairing::erase_root(&self.0.config.data_dir)
    }

    async fn reconfigure(&self, pairing: Option<Pairing>) -> Result<(), WriterError> {
        let (done, result) = oneshot::channel();
        let pair = pairing;
        let done = done_by(done);
        self.submit(Work::Pair { pair, done }).await?;
        result.await.map_err(|_| WriterError::Undone)
    }

    /// What happens from now on.
    pub fn notices(&self) -> broadcast::Receiver<ChangeEvent> {
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
    pub async fn order(&self, order: Command) -> Result<Result<(), Rejected>, WriterError> {
        let (done, result) = oneshot::channel();
        let command = Box::new(order);
        // If whoever asked has gone away, the command stands all the same.
        let done = Box::new(move |answer| {
            let _ = done.send(answer);
        });
        self.submit(Work::Command { command, done }).await?;
        result.await.map_err(|_| WriterError::Undone)
    }

    /// The present state of tasks.
    pub fn tasks(&self) -> watch::Receiver<TaskView> {
        self.0.tasks.clone()
    }

    /// Somebody has logged in: the mailbox is compared with the partner's (R13). Never awaited by whoever answers the log-in (I23).
    pub async fn logged_in(&self, user: ObjectId) -> Result<(), WriterError> {
        self.submit(Work::Input(Input::LoggedIn(user))).await
    }

    /// Asks the writer to give disk space back, moving at most so many bytes of bodies.
    pub async fn compact(&self, bytes_max: u64) -> Result<(), WriterError> {
        self.submit(Work::Compact { bytes_max }).await
    }

    /// Lets the writer look at what readers found damaged.
    pub async fn look_into_damage(&self) -> Result<(), WriterError> {
        self.submit(Work::Damage).await
    }

    /// Writes what is queued and ends the writer thread.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        let done = done_by(done);
        if self.submit(Work::Stop { done }).await.is_ok() {
            let _ = stopped.await;
        }
    }

    /// Queues a job, when there is a place for it.
    async fn submit(&self, work: Work<ThreadHost>) -> Result<(), WriterError> {
        let places = Arc::clone(&self.0.room);
        let place = places
            .acquire_owned()
            .await
            .map_err(|_| WriterError::OutOfService)?;
        self.0
            .jobs
            .send(Job::new(work, place))
            .map_err(|_| WriterError::OutOfService)
    }
}

/// Tells whoever has asked; he may have gone away, and what was done stands all the same.
fn done_by(done: oneshot::Sender<()>) -> Done {
    Box::new(move || {
        let _ = done.send(());
    })
}
