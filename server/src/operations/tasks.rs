//! What puts a pair right (R10 to R14), and mailboxes that are not on both servers (R9).

use super::{OpError, OpResult};
use crate::gr::{task_name, task_text};
use crate::server::Server;
use domain::{Object, ObjectId};
use gr_proto::{Command, Rejected, TaskView, limits};
use ledger::{Deletions, Held, TaskId, TaskKind};

/// So many held mailboxes are counted.
const HELD_COUNTED_MAX: usize = 20_000;

/// A task to be.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Its name, if whoever asks has drawn one: then a repetition finds the task that the first request started.
    pub id: Option<TaskId>,
    /// What it is.
    pub kind: TaskKind,
    /// It only counts what would happen, and ends by itself.
    pub dry: bool,
    /// Deletions that its starter agrees to beforehand.
    pub agreed: Option<Deletions>,
    /// Mailbox numbers; a mailbox resync without any is about all.
    pub mailboxes: Vec<String>,
}

/// Starts a task. A request that names it may be repeated, as long as no other task has followed. Returns its name.
///
/// # Errors
/// [`OpError::Invalid`], [`OpError::NotFound`] for a mailbox; [`OpError::Conflict`] when it cannot begin now, with what to do, and for
/// the name of another task.
pub async fn start(server: &Server, new: NewTask) -> OpResult<TaskId> {
    let view = server.tasks();
    if new.id.is_some() && started_before(&view.borrow(), &new)? {
        return Ok(named(server, &new));
    }
    let mailboxes = mailboxes(server, &new).await?;
    let id = named(server, &new);
    let order = Command::Start {
        id,
        kind: new.kind,
        dry: new.dry,
        agreed: new.agreed,
        mailboxes,
    };
    match give(server, order).await {
        // The request that it repeats was still being worked on.
        Err(OpError::Conflict(_)) if new.id.is_some() && started_before(&view.borrow(), &new)? => {
            Ok(id)
        }
        given => given.map(|()| id),
    }
}

fn named(server: &Server, new: &NewTask) -> TaskId {
    new.id
        .unwrap_or_else(|| TaskId(u64::from_be_bytes(server.random())))
}

/// Whether a request with the same name has started the task that this one is about.
fn started_before(view: &TaskView, new: &NewTask) -> OpResult<bool> {
    let open = view
        .open
        .as_ref()
        .map(|task| (task.id, task.kind, task.dry));
    let last = view
        .last
        .as_ref()
        .map(|task| (task.id, task.kind, task.dry));
    let ours = [open, last]
        .into_iter()
        .flatten()
        .find(|(id, ..)| Some(*id) == new.id);
    match ours {
        Some((_, kind, dry)) if (kind, dry) == (new.kind, new.dry) => Ok(true),
        Some((id, ..)) => Err(OpError::Conflict(format!(
            "The name {} is that of another task. Draw another name for another task.",
            task_text(id)
        ))),
        None => Ok(false),
    }
}

/// Stops a task: of this server or of the partner. What was joined stays; nothing has been deleted, and a rebuild that is stopped
/// leaves everything as it was.
///
/// # Errors
/// [`OpError::Conflict`] for one that is not open.
pub async fn abort(server: &Server, id: TaskId) -> OpResult<()> {
    give(server, Command::Abort(id)).await
}

/// Agrees to the deletions that a task waits with: those of its counts.
///
/// # Errors
/// [`OpError::Conflict`] for one that waits for nothing.
pub async fn agree(server: &Server, id: TaskId) -> OpResult<()> {
    give(server, Command::Agree(id)).await
}

/// Brings back what tasks have removed from this server, and joins it with what has happened since.
///
/// # Errors
/// [`OpError::Conflict`] when nothing is kept, or a task is open.
pub async fn undo(server: &Server) -> OpResult<()> {
    give(server, Command::Undo).await
}

/// Tries again what is held.
///
/// # Errors
/// What the writer cannot do.
pub async fn retry_held(server: &Server) -> OpResult<()> {
    give(server, Command::RetryHeld).await
}

/// Users of this server that are held, with the reason of each.
///
/// # Errors
/// What the store cannot do.
pub async fn held(server: &Server) -> OpResult<Vec<(ObjectId, Held, Option<Object>)>> {
    Ok(server
        .read(|readers| readers.held_users(HELD_COUNTED_MAX))
        .await?)
}

/// How many users there are here, of both servers.
///
/// # Errors
/// What the store cannot do.
pub async fn user_count(server: &Server) -> OpResult<u64> {
    Ok(server.read(|readers| readers.user_count(None)).await?)
}

/// GR is not configured while an audit or another task is open (R12).
///
/// # Errors
/// [`OpError::Conflict`].
pub fn refuse_while_open(server: &Server) -> OpResult<()> {
    let view = server.tasks().borrow().clone();
    let open = view.open.map(|task| (task.kind, "on this server"));
    let serving = view.serving.map(|task| (task.kind, "by the partner"));
    match open.or(serving) {
        None => Ok(()),
        Some((kind, by)) => Err(OpError::Conflict(format!(
            "GR cannot be configured now: a task ({}) is driven {by}. Wait until it has ended, or stop it with `callpilot gr abort`.",
            task_name(kind)
        ))),
    }
}

/// The users of the mailbox numbers that a task is about.
async fn mailboxes(server: &Server, new: &NewTask) -> OpResult<Vec<ObjectId>> {
    if new.mailboxes.is_empty() {
        return Ok(Vec::new());
    }
    if new.kind != TaskKind::Mailboxes {
        return Err(OpError::Invalid(
            "Mailboxes can be named for a mailbox resync only; the other tasks are about all users.".into(),
        ));
    }
    if new.mailboxes.len() > limits::MAILBOXES_MAX {
        return Err(decline(server, Rejected::TooMany(new.mailboxes.len())));
    }
    let numbers = new.mailboxes.clone();
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            let mut ids = Vec::new();
            for number in numbers {
                let users = view.users_by_number(number.trim())?;
                if users.is_empty() {
                    return Ok(Err(number));
                }
                ids.extend(users.into_iter().map(|(id, _)| id));
            }
            ids.sort_unstable();
            ids.dedup();
            Ok(Ok(ids))
        })
    });
    read.await?.map_err(|number| {
        OpError::NotFound(format!("There is no mailbox {number} on this server."))
    })
}

async fn give(server: &Server, order: Command) -> OpResult<()> {
    server
        .order(order)
        .await?
        .map_err(|declined| decline(server, declined))
}

/// Why an order is not carried out, and what to do.
fn decline(server: &Server, declined: Rejected) -> OpError {
    let configured = server.pair().borrow().partner.is_some();
    let view = server.tasks().borrow().clone();
    let open = view
        .open
        .map(|task| (task.id, task.kind, task.dry, "on this server"));
    let theirs = |t: gr_proto::Serving| (t.id, t.kind, t.dry, "by the partner");
    let open = open.or(view.serving.map(theirs));
    let open = open.map(|(id, kind, dry, by)| {
        let dry = if dry { "dry run of a " } else { "" };
        let what = task_name(kind);
        format!("A {dry}{what} is driven {by} ({})", task_text(id))
    });
    OpError::Conflict(words(declined, configured, open))
}

fn words(declined: Rejected, configured: bool, open: Option<String>) -> String {
    match declined {
        Rejected::NotRunning if !configured => {
            "There is no GR partner. `callpilot gr pair` on both servers makes a pair of them.".into()
        }
        Rejected::NotRunning => {
            "The GR partner is not running, so nothing can be compared with it. `callpilot gr status` says why; try again when it shows a \
             check mark."
                .into()
        }
        Rejected::Busy(id) => {
            let open = open.unwrap_or_else(|| format!("A task is open ({})", task_text(id)));
            format!("{open}. Wait until it has ended, or stop it.")
        }
        Rejected::Recovering => {
            "The two servers are still being brought together, after a pair was made or a backup was restored. This goes on by itself; \
             try again when it is done."
                .into()
        }
        Rejected::Clearing => {
            "What an earlier task or an undo has left is still being worked on. This takes moments; try again then.".into()
        }
        Rejected::Backlog(marks) => format!(
            "{marks} changes wait for the partner, too many for a rebuild, which begins with at most {}. Wait until they are there; \
             `callpilot gr status` shows how many are left.",
            limits::REBUILD_MARKS_MAX
        ),
        Rejected::NoSuchTask => {
            "This task is not open, or waits for nothing. It may have ended; look at the list of tasks.".into()
        }
        Rejected::NothingKept => {
            "Nothing is kept that could be brought back: no task has removed anything in the last 7 days.".into()
        }
        Rejected::TooMany(count) => format!(
            "{count} mailboxes are named, and one task takes at most {}. Name fewer, or none: then every mailbox is compared.",
            limits::MAILBOXES_MAX
        ),
        Rejected::CourtesyDown => {
            "This server is in courtesy down. Take it up again first.".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_declined_is_told_what_to_do() {
        let told = |declined| words(declined, true, None);
        for (declined, what) in [
            (Rejected::NotRunning, "callpilot gr status"),
            (Rejected::Busy(TaskId(10)), "(000000000000000a). Wait"),
            (Rejected::Recovering, "try again"),
            (Rejected::Clearing, "try again"),
            (Rejected::Backlog(30_000), "30000 changes"),
            (Rejected::NoSuchTask, "list of tasks"),
            (Rejected::NothingKept, "7 days"),
            (Rejected::TooMany(1_001), "at most 1000"),
        ] {
            let said = told(declined);
            assert!(said.contains(what) && said.ends_with('.'), "{said}");
            assert!(!said.contains("  "), "{said}");
        }
        assert!(words(Rejected::NotRunning, false, None).contains("callpilot gr pair"));
        let open = "A resync is driven by the partner (0)".to_owned();
        let said = words(Rejected::Busy(TaskId(0)), true, Some(open));
        assert!(
            said.starts_with("A resync is driven by the partner"),
            "{said}"
        );
    }
}
