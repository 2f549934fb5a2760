//! The two server processes: started, watched, stopped. None of them outlives the demo: each ends when its standard input closes,
//! which the system does for a demo that was killed.

use crate::cli::Failure;
use crate::cli::admin_client::AdminClient;
use crate::run_info::RunInfo;
use demo::Half;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{ChildStdin, Command};
use tokio_util::sync::CancellationToken;

/// How long a server may take to start.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to stop; its own limit is 10 s.
const STOP_PATIENCE: Duration = Duration::from_secs(12);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A server process.
pub struct Child {
    fqdn: &'static str,
    pid: u32,
    data_dir: PathBuf,
    config: PathBuf,
    log: PathBuf,
    process: Option<tokio::process::Child>,
    /// Kept apart from the process: waiting for a process closes the input that it still has.
    lifeline: Option<ChildStdin>,
}

impl Child {
    /// Starts it. In a process group of its own, so that an interrupt from the terminal reaches the demo alone.
    pub fn start(half: &Half) -> Result<Self, Failure> {
        let fault =
            |e: std::io::Error| Failure::new(format!("{} cannot be started: {e}", half.fqdn));
        let log = File::options()
            .create(true)
            .append(true)
            .open(half.log())
            .map_err(fault)?;
        let mut process = Command::new(std::env::current_exe().map_err(fault)?)
            .args(["serve", "--stop-with-stdin", "--config"])
            .arg(half.config())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(fault)?;
        Ok(Self {
            fqdn: half.fqdn,
            pid: process.id().unwrap_or(0),
            data_dir: half.data_dir(),
            config: half.config(),
            log: half.log(),
            lifeline: process.stdin.take(),
            process: Some(process),
        })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it says where it listens.
    pub async fn wait_until_up(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            if RunInfo::read(&self.data_dir).is_ok_and(|info| info.pid == self.pid) {
                return Ok(());
            }
            let ended = self
                .process
                .as_mut()
                .and_then(|p| p.try_wait().ok().flatten());
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(5).collect();
                let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
                return Err(Failure::new(format!(
                    "{} did not start.\n{last}",
                    self.fqdn
                )));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until it ends; for ever if it has ended and that was told.
    async fn ended(&mut self) -> ExitStatus {
        if let Some(process) = &mut self.process
            && let Ok(status) = process.wait().await
        {
            self.process = None;
            return status;
        }
        std::future::pending().await
    }

    async fn stop(mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        drop(self.lifeline.take());
        if tokio::time::timeout(STOP_PATIENCE, process.wait())
            .await
            .is_err()
        {
            eprintln!(
                "callpilot: {} did not stop in time and is killed",
                self.fqdn
            );
            let _ = process.kill().await;
        }
    }
}

/// Tells of servers that end, until `stop`. They are not started again: whoever kills one wants to see what follows.
pub async fn watch(children: &mut [Child], stop: &CancellationToken) {
    let [north, south] = children else { return };
    loop {
        let (child, status) = tokio::select! {
            () = stop.cancelled() => return,
            status = north.ended() => (&*north, status),
            status = south.ended() => (&*south, status),
        };
        eprintln!(
            "\n{} (process {}) has ended: {status}. To start it again:",
            child.fqdn, child.pid
        );
        eprintln!(
            "  {} serve --config {}",
            program().display(),
            child.config.display()
        );
    }
}

/// This program, for commands that are shown.
pub fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| "callpilot".into())
}

/// Stops a server of the demo that was started again by hand: it is the one that listens in its data folder once the demo's own have ended.
pub async fn stop_restarted(half: &Half) {
    let client = AdminClient::in_folder(&half.data_dir());
    let Ok(Some(pid)) = client.process().await else {
        return;
    };
    let Some(process) = Pid::from_raw(pid) else {
        return;
    };
    let asked = kill_process(process, Signal::TERM);
    let deadline = Instant::now() + STOP_PATIENCE;
    while asked.is_ok() && Instant::now() < deadline {
        if client.process().await.is_err() {
            eprintln!(
                "{} (process {pid}), which was started again by hand, is stopped, too.",
                half.fqdn
            );
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    eprintln!(
        "callpilot: {} (process {pid}), which was started again by hand, goes on. `kill {pid}` stops it",
        half.fqdn
    );
}

/// Stops all, side by side.
pub async fn stop(children: Vec<Child>) {
    let stopping: Vec<_> = children
        .into_iter()
        .map(|child| tokio::spawn(child.stop()))
        .collect();
    for child in stopping {
        let _ = child.await;
    }
}
