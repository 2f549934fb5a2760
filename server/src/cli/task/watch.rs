//! Looking after a task until its end: a bar on a terminal, plain lines elsewhere.

use super::{TASKS, stop, words};
use crate::cli::admin_client::AdminClient;
use crate::cli::{Failure, Output};
use contract::{GrTask, GrTasks, TaskPhase};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(200);
/// So often a task may be in no list before it is given up: a server that begins a new incarnation knows its tasks a moment later.
const MISSES_MAX: u32 = 50;

/// Somebody who looks.
pub struct Watch<'a> {
    client: &'a AdminClient,
    bar: ProgressBar,
    /// Ctrl-C, from before the first line is shown.
    interrupt: Signal,
    /// Lines instead of the bar.
    lines: bool,
    told: String,
}

impl<'a> Watch<'a> {
    /// Shows what it sees on standard error; with JSON it shows nothing.
    pub fn new(client: &'a AdminClient, out: Output) -> Result<Self, Failure> {
        let interrupt = signal(SignalKind::interrupt())
            .map_err(|e| Failure::new(format!("signals cannot be received: {e}")))?;
        let terminal = std::io::stderr().is_terminal();
        let bar = match terminal && !out.json {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        Ok(Self {
            client,
            bar,
            interrupt,
            lines: !terminal && !out.json,
            told: String::new(),
        })
    }

    /// Looks until the task has ended. Ctrl-C stops a dry run, and leaves anything else to go on.
    ///
    /// # Errors
    /// It waits for an administrator, or Ctrl-C was pressed; what is to be done has been said.
    pub async fn until_the_end(mut self, task: GrTask) -> Result<GrTask, Failure> {
        let (mut task, mut misses) = (task, 0);
        let done = loop {
            if task.outcome.is_some() {
                break Ok(task);
            }
            if task.phase == Some(TaskPhase::Waiting) {
                break Err(Failure::new(words::waits(&task)));
            }
            self.show(&task);
            let tasks = tokio::select! {
                tasks = look(self.client) => tasks?,
                _ = self.interrupt.recv() => break Err(self.interrupted(&task).await),
            };
            let mut all = [tasks.open, tasks.last].into_iter().flatten();
            match all.find(|found| found.id == task.id) {
                Some(found) => (task, misses) = (found, 0),
                None => misses += 1,
            }
            if misses > MISSES_MAX {
                break Err(Failure::new(
                    "The server does not know this task any more. `callpilot gr tasks` shows what it knows.",
                ));
            }
        };
        self.bar.finish_and_clear();
        done
    }

    /// Looks until an undo has brought everything back.
    pub async fn until_nothing_is_kept(mut self, tasks: GrTasks) -> Result<GrTasks, Failure> {
        let mut tasks = tasks;
        while tasks.kept.is_some() {
            self.say("bringing back what was removed");
            tasks = tokio::select! {
                tasks = look(self.client) => tasks?,
                _ = self.interrupt.recv() => {
                    self.bar.finish_and_clear();
                    return Err(Failure::new("The undo goes on without this window."));
                }
            };
        }
        self.bar.finish_and_clear();
        Ok(tasks)
    }

    async fn interrupted(&self, task: &GrTask) -> Failure {
        let name = words::name(task.kind);
        if !task.dry_run {
            return Failure::new(format!(
                "The {name} goes on without this window. `callpilot gr tasks` shows how far it is; `callpilot gr abort` stops it."
            ));
        }
        match stop(self.client, task).await {
            Ok(()) => Failure::new("Nothing was changed."),
            Err(failure) => failure,
        }
    }

    fn show(&mut self, task: &GrTask) {
        let counts = &task.counts;
        if counts.total > 0 && task.phase == Some(TaskPhase::Comparing) {
            self.bar.set_style(style("{bar:30} {pos} of {len}  {msg}"));
            self.bar.set_length(counts.total);
            self.bar.set_position(counts.done);
        } else {
            self.bar.set_style(style("{spinner} {msg}"));
            self.bar.tick();
        }
        self.say(&words::progress(task));
    }

    fn say(&mut self, text: &str) {
        if self.told == text {
            return;
        }
        text.clone_into(&mut self.told);
        self.bar.set_message(text.to_owned());
        if self.lines {
            eprintln!("{text}");
        }
    }
}

async fn look(client: &AdminClient) -> Result<GrTasks, Failure> {
    tokio::time::sleep(LOOK).await;
    client.get(TASKS).await
}

/// These templates are ours, and whole.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
