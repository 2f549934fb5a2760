//! A client for native programs with threads: a handle that is `Send`, over a client that lives on a thread of its own.
//!
//! The client behind it is the same as everywhere; only what is asked and what comes back crosses the thread. A handle works under any
//! runtime and under none: [`Handle::call`] is a future of no runtime in particular, [`Handle::call_blocking`] waits.

use crate::transport::native::Native;
use crate::{Client, ClientEvent, Config, Error, Status};
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, select};
use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{LocalSet, spawn_local};

/// Calls of all copies of a handle that run at once; further ones wait their turn in their callers.
pub const CALLS_MAX: usize = 64;

type CallJob = Box<dyn FnOnce(Client) -> LocalBoxFuture<'static, ()> + Send>;

/// A client that can be used from any thread. Cheap to clone; all clones are one client, which ends with the last of them.
///
/// ```no_run
/// # use plugin_sdk::{Config, Error, Handle, contract::Folder};
/// # fn main() -> Result<(), Error> {
/// let handle = Handle::start(Config::new("https://cp-north.example.net"))?;
/// handle.call_blocking(async |client| client.session().login("7200", "2468").await)?;
/// let elsewhere = handle.clone();
/// let inbox = std::thread::spawn(move || {
///     elsewhere.call_blocking(async |client| client.messages().page(Folder::Inbox, None, None).await)
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Handle {
    jobs: mpsc::UnboundedSender<CallJob>,
    turns: Arc<Semaphore>,
    status: watch::Receiver<Status>,
}

impl Handle {
    /// Starts a client with the usual transport. It begins to look for its servers at once.
    ///
    /// # Errors
    /// [`Error::BadConfig`] for a server that is no URL, and when the system gives no thread or no TLS.
    pub fn start(config: Config) -> Result<Self, Error> {
        Self::over(Native::new, config)
    }

    /// As [`Handle::start`], over a transport that is made on the client's thread.
    ///
    /// # Errors
    /// As [`Handle::start`], and those of `transport`.
    pub fn over(
        transport: impl FnOnce() -> Result<Native, Error> + Send + 'static,
        config: Config,
    ) -> Result<Self, Error> {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let (started, starts) = std::sync::mpsc::sync_channel(1);
        let live = move || {
            let started_with = |result| {
                // Whoever starts it waits for this.
                let _ = started.send(result);
            };
            let runtime = match runtime() {
                Ok(runtime) => runtime,
                Err(error) => return started_with(Err(error)),
            };
            LocalSet::new().block_on(&runtime, async move {
                let client = transport().and_then(|native| Client::new(Rc::new(native), config));
                match client {
                    Err(error) => started_with(Err(error)),
                    Ok(client) => {
                        let (show, status) = watch::channel(client.status());
                        let _shown = client.subscribe(move |event| {
                            if let ClientEvent::Status(status) = event {
                                show.send_replace(status.clone());
                            }
                        });
                        started_with(Ok(status));
                        work(&client, waiting).await;
                    }
                }
            });
        };
        let spawned = thread::Builder::new()
            .name("callpilot".to_owned())
            .spawn(live);
        spawned.map_err(|error| no_thread(&error))?;
        let status = starts.recv().map_err(|error| no_thread(&error))??;
        Ok(Self {
            jobs,
            turns: Arc::new(Semaphore::new(CALLS_MAX)),
            status,
        })
    }

    /// Runs `call` with the client, on the client's thread. Dropping the future stops the call, as it does there.
    ///
    /// # Errors
    /// Those of the call.
    ///
    /// # Panics
    /// If the call does.
    pub async fn call<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: AsyncFnOnce(Client) -> Result<T, Error> + Send + 'static,
    {
        let _turn = self.turns.acquire().await;
        let (answer, answered) = oneshot::channel();
        self.give(Box::new(move |client| {
            async move { run(call(client), answer).await }.boxed_local()
        }));
        match answered.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(oneshot::Canceled) => unreachable!("a call ends with a result or a panic"),
        }
    }

    /// As [`Handle::call`], and waits for it: for threads without a runtime.
    ///
    /// # Errors
    /// Those of the call.
    ///
    /// # Panics
    /// If the call does, and inside of an asynchronous runtime: there is [`Handle::call`].
    pub fn call_blocking<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: AsyncFnOnce(Client) -> Result<T, Error> + Send + 'static,
    {
        runtime()?.block_on(self.call(call))
    }

    /// The connection as it is now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Waits until the connection is as `wanted` says, and returns how it is then.
    pub async fn status_when(&self, wanted: impl FnMut(&Status) -> bool) -> Status {
        let mut status = self.status.clone();
        match status.wait_for(wanted).await {
            Ok(status) => status.clone(),
            Err(_) => unreachable!("the client lives as long as a handle of it"),
        }
    }

    /// Calls back with every [`ClientEvent`] from now on, on the client's thread: what takes long belongs elsewhere.
    pub fn subscribe(
        &self,
        on_event: impl Fn(&ClientEvent) + Send + 'static,
    ) -> HandleSubscription {
        let (keep, ended) = oneshot::channel();
        self.give(Box::new(move |client| {
            let subscription = client.subscribe(on_event);
            drop(client);
            async move {
                match ended.await {
                    Ok(Forever) => subscription.forever(),
                    Err(oneshot::Canceled) => drop(subscription),
                }
            }
            .boxed_local()
        }));
        HandleSubscription { keep }
    }

    fn give(&self, job: CallJob) {
        let given = self.jobs.send(job);
        assert!(given.is_ok(), "the client lives as long as a handle of it");
    }
}

struct Forever;

/// Keeps a subscription of a [`Handle`] alive; dropping it ends it.
#[must_use = "dropping it ends the subscription; call `forever` to keep it"]
pub struct HandleSubscription {
    keep: oneshot::Sender<Forever>,
}

impl HandleSubscription {
    /// Keeps it as long as the client lives.
    pub fn forever(self) {
        // The client may have ended by now, and the subscription with it.
        let _ = self.keep.send(Forever);
    }
}

/// Starts what is given, until the last handle is gone.
async fn work(client: &Client, mut jobs: mpsc::UnboundedReceiver<CallJob>) {
    while let Some(job) = jobs.recv().await {
        spawn_local(job(client.clone()));
    }
}

type CallResult<T> = Result<Result<T, Error>, Box<dyn Any + Send>>;

/// Runs a call until it ends or nobody waits for it any more.
async fn run<T>(
    call: impl Future<Output = Result<T, Error>>,
    mut answer: oneshot::Sender<CallResult<T>>,
) {
    let ended = {
        let call = pin!(AssertUnwindSafe(call).catch_unwind());
        match select(call, answer.cancellation()).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => return,
        }
    };
    // Whoever waited may have gone this very moment.
    let _ = answer.send(ended);
}

fn runtime() -> Result<Runtime, Error> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| no_thread(&error))
}

fn no_thread(error: &dyn std::error::Error) -> Error {
    let what = format!("The client cannot be started: {error}.");
    Error::BadConfig { what }
}
