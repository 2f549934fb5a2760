//! `callpilot gr resync`, `rebuild`, `audit`, `mailbox-resync`, `undo`, `abort`, `agree`, `tasks`, `held`: what puts a pair right.
//!
//! A resync and a rebuild are shown before they are done: a dry run counts, an administrator agrees to its numbers, and the task goes
//! through with just those.

mod consent;
mod mailboxes;
mod watch;
pub(super) mod words;

use super::admin_client::AdminClient;
use super::{Failure, Output, Server};
use crate::counted::counted;
use consent::Consent;
use contract::{
    GrStatus, GrTask, GrTasks, HeldMailboxes, NewTask, TaskDeletions, TaskKind, TaskOutcome,
    TaskPhase,
};
use hyper::Method;
use watch::Watch;

const TASKS: &str = "/api/v1/admin/gr/tasks";
const UNDO: &str = "/api/v1/admin/gr/undo";
const HELD: &str = "/api/v1/admin/gr/held";

/// What puts a pair right.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Bring the users of both servers together: newer data wins, missing GR users are created, GR users without an original are
    /// deleted. Local users are neither created nor deleted. Shows first what it would do.
    Resync {
        #[command(flatten)]
        how: TaskOptions,
    },
    /// Replace all users of this server by what the partner holds. Shows first what it would do.
    Rebuild {
        #[command(flatten)]
        how: TaskOptions,
    },
    /// Do now what the nightly audit does: create missing GR users, delete GR users without an original.
    Audit {
        #[command(flatten)]
        run: Run,
    },
    /// Compare mailboxes with the partner, message by message, and bring what is missing on either side.
    MailboxResync {
        #[command(flatten)]
        which: mailboxes::MailboxFilter,
        #[command(flatten)]
        run: Run,
    },
    /// Bring back what tasks have removed from this server in the last 7 days.
    Undo {
        /// Do not wait until all of it is back.
        #[arg(long)]
        no_wait: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Stop the task that is open, on whichever server it was started.
    Abort {
        #[command(flatten)]
        server: Server,
    },
    /// Let a task go on that waits because it would delete many users.
    Agree {
        #[command(flatten)]
        consent: Consent,
        /// Do not wait for its end.
        #[arg(long)]
        no_wait: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show the tasks of the pair: what is open, what the last one did, what can be brought back.
    Tasks {
        #[command(flatten)]
        server: Server,
    },
    /// List the mailboxes that are not kept up to date on both servers, each with the reason.
    Held {
        /// Try again what is held.
        #[arg(long)]
        retry: bool,
        #[command(flatten)]
        server: Server,
    },
}

/// How a task that is shown first is run.
#[derive(clap::Args)]
pub struct TaskOptions {
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    run: Run,
}

/// How a task is run.
#[derive(clap::Args)]
pub struct Run {
    /// Only show what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Start it and do not wait for its end.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    server: Server,
}

/// Does it.
pub async fn run(command: Command, out: Output) -> Result<(), Failure> {
    match command {
        Command::Resync { how } => shown_first(TaskKind::Resync, how, out).await,
        Command::Rebuild { how } => shown_first(TaskKind::Rebuild, how, out).await,
        Command::Audit { run } => at_once(TaskKind::Audit, Vec::new(), run, out).await,
        Command::MailboxResync { which, run } => {
            let client = AdminClient::of(&run.server)?;
            let rows = which.select(&client).await?;
            if !out.json {
                super::print_line(&mailboxes::show(&rows));
            }
            let numbers = mailboxes::numbers(&rows);
            at_once(TaskKind::Mailboxes, numbers, run, out).await
        }
        Command::Undo { no_wait, server } => undo(&server, no_wait, out).await,
        Command::Abort { server } => abort(&server, out).await,
        Command::Agree {
            consent,
            no_wait,
            server,
        } => agree(&consent, no_wait, &server, out).await,
        Command::Tasks { server } => {
            let tasks: GrTasks = AdminClient::of(&server)?.get(TASKS).await?;
            out.say(&tasks, || words::tasks(&tasks))
        }
        Command::Held { retry, server } => {
            let client = AdminClient::of(&server)?;
            let held: HeldMailboxes = match retry {
                true => {
                    client
                        .send_json(Method::POST, &format!("{HELD}/retry"), &())
                        .await?
                }
                false => client.get(HELD).await?,
            };
            let status: GrStatus = client.get(super::gr::GR).await?;
            out.say(&held, || {
                words::held(&held, status.partner.as_deref(), retry)
            })
        }
    }
}

/// Dry run, consent, task.
async fn shown_first(kind: TaskKind, how: TaskOptions, out: Output) -> Result<(), Failure> {
    let TaskOptions { consent, run } = how;
    let client = AdminClient::of(&run.server)?;
    let dry = start(&client, kind, true, None, Vec::new()).await?;
    let dry = Watch::new(&client, out)?.until_the_end(dry).await?;
    if run.dry_run || dry.outcome != Some(TaskOutcome::Done) {
        return tell_end(&dry, out);
    }
    if !out.json {
        super::print_line(&words::plan(&dry));
    }
    if kind == TaskKind::Resync && words::is_nothing(&dry.counts) {
        let held: HeldMailboxes = client.get(HELD).await?;
        return out.say(&dry, || words::nothing_to_do(&held));
    }
    let tasks: GrTasks = client.get(TASKS).await?;
    let agreed = TaskDeletions {
        here: dry.counts.deleted_here,
        there: dry.counts.deleted_there,
    };
    consent
        .obtain(words::name(kind), &dry.counts, tasks.users)
        .await?;
    let task = start(&client, kind, false, Some(agreed), Vec::new()).await?;
    follow(&client, task, run.no_wait, out).await
}

async fn at_once(
    kind: TaskKind,
    numbers: Vec<String>,
    run: Run,
    out: Output,
) -> Result<(), Failure> {
    let client = AdminClient::of(&run.server)?;
    let task = start(&client, kind, run.dry_run, None, numbers).await?;
    follow(&client, task, run.no_wait, out).await
}

async fn start(
    client: &AdminClient,
    kind: TaskKind,
    dry_run: bool,
    agreed: Option<TaskDeletions>,
    mailboxes: Vec<String>,
) -> Result<GrTask, Failure> {
    let new = NewTask {
        kind,
        dry_run,
        agreed,
        mailboxes,
    };
    client.send_json(Method::POST, TASKS, &new).await
}

/// Watches a task and tells how it ended.
async fn follow(
    client: &AdminClient,
    task: GrTask,
    no_wait: bool,
    out: Output,
) -> Result<(), Failure> {
    if no_wait {
        return out.say(&task, || {
            format!(
                "The {} has begun. `callpilot gr tasks` shows how far it is; `callpilot gr abort` stops it.",
                words::name(task.kind)
            )
        });
    }
    let task = Watch::new(client, out)?.until_the_end(task).await?;
    tell_end(&task, out)
}

fn tell_end(task: &GrTask, out: Output) -> Result<(), Failure> {
    out.say(task, || words::end(task))?;
    match task.outcome {
        Some(TaskOutcome::Done) => Ok(()),
        _ => Err(Failure::Told),
    }
}

async fn undo(server: &Server, no_wait: bool, out: Output) -> Result<(), Failure> {
    let client = AdminClient::of(server)?;
    let mut tasks: GrTasks = client.send_json(Method::POST, UNDO, &()).await?;
    if !no_wait {
        tasks = Watch::new(&client, out)?
            .until_nothing_is_kept(tasks)
            .await?;
    }
    out.say(&tasks, || match tasks.kept {
        None => "What tasks had removed is back, and joined with what has happened since.".into(),
        Some(kept) => format!(
            "What is kept comes back, a little at a time: {} to go.",
            counted(kept.objects, "object", "objects")
        ),
    })
}

async fn abort(server: &Server, out: Output) -> Result<(), Failure> {
    let client = AdminClient::of(server)?;
    let tasks: GrTasks = client.get(TASKS).await?;
    let task = tasks.open.or(tasks.serving);
    let task = task.ok_or_else(|| Failure::new("No task is open, here or on the partner."))?;
    stop(&client, &task).await?;
    out.say(&task, || words::aborted(&task))
}

async fn stop(client: &AdminClient, task: &GrTask) -> Result<(), Failure> {
    let path = format!("{TASKS}/{}", task.id);
    client.send(Method::DELETE, &path, None).await.map(drop)
}

async fn agree(
    consent: &Consent,
    no_wait: bool,
    server: &Server,
    out: Output,
) -> Result<(), Failure> {
    let client = AdminClient::of(server)?;
    let tasks: GrTasks = client.get(TASKS).await?;
    let waiting = tasks
        .open
        .filter(|task| task.phase == Some(TaskPhase::Waiting));
    let task = waiting
        .ok_or_else(|| Failure::new("No task of this server waits for an administrator."))?;
    if !out.json {
        super::print_line(&words::plan(&task));
    }
    consent
        .obtain(words::name(task.kind), &task.counts, tasks.users)
        .await?;
    let path = format!("{TASKS}/{}/agree", task.id);
    let task: GrTask = client.send_json(Method::POST, &path, &()).await?;
    follow(&client, task, no_wait, out).await
}
