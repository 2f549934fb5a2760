//! `/api/v1/admin/gr/tasks`, `undo` and `held`: what puts a pair right (R10 to R14), and mailboxes that are not on both servers (R9).

use super::Administrator;
use crate::gr::{task_name, task_text};
use crate::http::Api;
use crate::http::convert::Concerns;
use crate::http::convert::tasks::{self as convert, Names};
use crate::http::error::{Answer, Problem};
use crate::http::extract::{Body, Segment};
use crate::site::SiteError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, GrTask, GrTasks, HeldMailboxes, NewTask, ObjectId, TaskKind};
use domain::{Deletions, TaskId};
use gr_proto::{Declined, Order, limits};

/// Held mailboxes that a status shows.
const HELD_IN_STATUS_MAX: usize = 100;
/// Held mailboxes in one answer.
const HELD_MAX: usize = 1_000;
/// So many are counted.
const HELD_COUNTED_MAX: usize = 20_000;

/// Tasks as they are now: open here, open there, the last one, and what can be brought back.
#[utoipa::path(get, path = "/api/v1/admin/gr/tasks", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = GrTasks), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, _: Administrator) -> Answer<Json<GrTasks>> {
    present(&api).await.map(Json)
}

async fn present(api: &Api) -> Answer<GrTasks> {
    let users = api.site().read(|readers| readers.user_count(None)).await?;
    let view = api.site().tasks().borrow().clone();
    Ok(with_names(api, |names| convert::tasks(&view, names, users)))
}

fn with_names<T>(api: &Api, f: impl FnOnce(&Names<'_>) -> T) -> T {
    let partner = api.pair().borrow().partner.as_ref().map(|p| p.fqdn.clone());
    f(&Names {
        here: &api.site().config().fqdn,
        there: partner.as_deref().unwrap_or("?"),
    })
}

/// Starts a task. A dry run is a task of its own, which ends by itself.
#[utoipa::path(post, path = "/api/v1/admin/gr/tasks", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = NewTask,
    responses((status = 202, description = "It has begun", body = GrTask), (status = 400, body = ApiError),
        (status = 401, body = ApiError), (status = 404, description = "There is no such mailbox", body = ApiError),
        (status = 409, description = "It cannot begin now; the message says why and what to do", body = ApiError)))]
pub async fn start(
    State(api): State<Api>,
    _: Administrator,
    Body(new): Body<NewTask>,
) -> Answer<(StatusCode, Json<GrTask>)> {
    let mailboxes = mailboxes(&api, &new).await?;
    let id = TaskId(u64::from_be_bytes(api.site().random()));
    let order = Order::Start {
        id,
        kind: convert::kind_of(new.kind),
        dry: new.dry_run,
        agreed: new.agreed.map(|agreed| Deletions {
            here: agreed.here,
            there: agreed.there,
        }),
        mailboxes,
    };
    give(&api, order).await?;
    shown(&api, id).map(|task| (StatusCode::ACCEPTED, Json(task)))
}

/// The users of the mailbox numbers that a task is about.
async fn mailboxes(api: &Api, new: &NewTask) -> Answer<Vec<ObjectId>> {
    if new.mailboxes.is_empty() {
        return Ok(Vec::new());
    }
    if new.kind != TaskKind::Mailboxes {
        return Err(Problem::BadRequest(
            "Mailboxes can be named for a mailbox resync only; the other tasks are about all users.".into(),
        ));
    }
    if new.mailboxes.len() > limits::MAILBOXES_MAX {
        return Err(decline(api, Declined::TooMany(new.mailboxes.len())));
    }
    let numbers = new.mailboxes.clone();
    let read = api.site().read(move |readers| {
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
        Problem::NotFound(format!("There is no mailbox {number} on this server."))
    })
}

/// Stops a task: of this server or of the partner. What was joined stays; nothing has been deleted, and a rebuild that is stopped
/// leaves everything as it was.
#[utoipa::path(delete, path = "/api/v1/admin/gr/tasks/{id}", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = String, Path)),
    responses((status = 204, description = "It is stopped"), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "It is not open", body = ApiError)))]
pub async fn abort(
    State(api): State<Api>,
    _: Administrator,
    Segment(id): Segment,
) -> Answer<StatusCode> {
    give(&api, Order::Abort(task_id(&id)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Agrees to the deletions that a task waits with: those of its counts.
#[utoipa::path(post, path = "/api/v1/admin/gr/tasks/{id}/agree", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = String, Path)),
    responses((status = 202, description = "It goes on", body = GrTask), (status = 400, body = ApiError),
        (status = 401, body = ApiError), (status = 409, description = "It waits for nothing", body = ApiError)))]
pub async fn agree(
    State(api): State<Api>,
    _: Administrator,
    Segment(id): Segment,
) -> Answer<(StatusCode, Json<GrTask>)> {
    let id = task_id(&id)?;
    give(&api, Order::Agree(id)).await?;
    shown(&api, id).map(|task| (StatusCode::ACCEPTED, Json(task)))
}

/// Brings back what tasks have removed from this server, and joins it with what has happened since.
#[utoipa::path(post, path = "/api/v1/admin/gr/undo", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 202, description = "It comes back, a little at a time", body = GrTasks), (status = 401, body = ApiError),
        (status = 409, description = "There is nothing to bring back, or a task is open", body = ApiError)))]
pub async fn undo(State(api): State<Api>, _: Administrator) -> Answer<(StatusCode, Json<GrTasks>)> {
    give(&api, Order::Undo).await?;
    Ok((StatusCode::ACCEPTED, Json(present(&api).await?)))
}

/// Mailboxes that are not on both servers, each with its reason.
#[utoipa::path(get, path = "/api/v1/admin/gr/held", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = HeldMailboxes), (status = 401, body = ApiError)))]
pub async fn held(State(api): State<Api>, _: Administrator) -> Answer<Json<HeldMailboxes>> {
    everything_held(&api, HELD_MAX).await.map(Json)
}

/// Tries again what is held. It is tried by itself every 10 minutes, and whenever a cause goes.
#[utoipa::path(post, path = "/api/v1/admin/gr/held/retry", tag = "administration",
    security(("admin" = []), ("admin_token" = [])),
    responses((status = 202, description = "It is tried, a little at a time", body = HeldMailboxes),
        (status = 401, body = ApiError)))]
pub async fn retry(
    State(api): State<Api>,
    _: Administrator,
) -> Answer<(StatusCode, Json<HeldMailboxes>)> {
    give(&api, Order::RetryHeld).await?;
    let held = everything_held(&api, HELD_MAX).await?;
    Ok((StatusCode::ACCEPTED, Json(held)))
}

async fn everything_held(api: &Api, most: usize) -> Answer<HeldMailboxes> {
    let read = api
        .site()
        .read(|readers| readers.held_users(HELD_COUNTED_MAX));
    let all = read.await?;
    let view = api.site().tasks();
    let view = view.borrow();
    Ok(HeldMailboxes {
        held_count: all.len() as u64,
        held: all
            .iter()
            .take(most)
            .map(|(id, held, object)| convert::held(*id, held, object.as_ref()))
            .collect(),
        refused: view
            .refused
            .iter()
            .map(|(id, refused)| convert::refused(*id, refused))
            .collect(),
    })
}

/// What a status shows beside the backlog.
pub async fn concerns(api: &Api) -> Answer<Concerns> {
    let HeldMailboxes {
        held, held_count, ..
    } = everything_held(api, HELD_IN_STATUS_MAX).await?;
    let view = api.site().tasks().borrow().clone();
    Ok(Concerns {
        held,
        held_count,
        task: with_names(api, |names| convert::open_task(&view, names)),
        disk: api.site().disk_room(),
    })
}

/// GR is not configured while an audit or another task is open (R12).
pub fn refuse_while_open(api: &Api) -> Answer<()> {
    let view = api.site().tasks().borrow().clone();
    let open = view.open.map(|task| (task.kind, "on this server"));
    let serving = view.serving.map(|task| (task.kind, "by the partner"));
    match open.or(serving) {
        None => Ok(()),
        Some((kind, by)) => Err(Problem::Conflict(format!(
            "GR cannot be configured now: a task ({}) is driven {by}. Wait until it has ended, or stop it with `callpilot gr abort`.",
            task_name(kind)
        ))),
    }
}

async fn give(api: &Api, order: Order) -> Answer<()> {
    let said: Result<_, SiteError> = api.site().order(order).await;
    said?.map_err(|declined| decline(api, declined))
}

fn shown(api: &Api, id: TaskId) -> Answer<GrTask> {
    let view = api.site().tasks().borrow().clone();
    with_names(api, |names| convert::task(&view, id, names))
        .ok_or_else(|| Problem::internal("a task that has begun is not there"))
}

fn task_id(text: &str) -> Answer<TaskId> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let read = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
    read.map(TaskId).ok_or_else(|| {
        Problem::BadRequest(format!(
            "\"{text}\" is not a task: it has 16 hexadecimal digits."
        ))
    })
}

/// Why an order is not carried out, and what to do.
fn decline(api: &Api, declined: Declined) -> Problem {
    let configured = api.pair().borrow().partner.is_some();
    let view = api.site().tasks().borrow().clone();
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
    Problem::Conflict(words(declined, configured, open))
}

fn words(declined: Declined, configured: bool, open: Option<String>) -> String {
    match declined {
        Declined::NotRunning if !configured => {
            "No GR partner is configured. Create one first, on both servers.".into()
        }
        Declined::NotRunning => {
            "The GR partner is not running, so nothing can be compared with it. `callpilot gr status` says why; try again when it shows a \
             check mark."
                .into()
        }
        Declined::Busy(id) => {
            let open = open.unwrap_or_else(|| format!("A task is open ({})", task_text(id)));
            format!("{open}. Wait until it has ended, or stop it.")
        }
        Declined::Recovering => {
            "The two servers are still being brought together, after a pair was made or a backup was restored. This goes on by itself; \
             try again when it is done."
                .into()
        }
        Declined::Clearing => {
            "What an earlier task or an undo has left is still being worked on. This takes moments; try again then.".into()
        }
        Declined::Backlog(marks) => format!(
            "{marks} changes wait for the partner, too many for a rebuild, which begins with at most {}. Wait until they are there; \
             `callpilot gr status` shows how many are left.",
            limits::REBUILD_MARKS_MAX
        ),
        Declined::NoSuchTask => {
            "This task is not open, or waits for nothing. It may have ended; look at the list of tasks.".into()
        }
        Declined::NothingKept => {
            "Nothing is kept that could be brought back: no task has removed anything in the last 7 days.".into()
        }
        Declined::TooMany(count) => format!(
            "{count} mailboxes are named, and one task takes at most {}. Name fewer, or none: then every mailbox is compared.",
            limits::MAILBOXES_MAX
        ),
        Declined::CourtesyDown => {
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
            (Declined::NotRunning, "callpilot gr status"),
            (Declined::Busy(TaskId(10)), "(000000000000000a). Wait"),
            (Declined::Recovering, "try again"),
            (Declined::Clearing, "try again"),
            (Declined::Backlog(30_000), "30000 changes"),
            (Declined::NoSuchTask, "list of tasks"),
            (Declined::NothingKept, "7 days"),
            (Declined::TooMany(1_001), "at most 1000"),
        ] {
            let said = told(declined);
            assert!(said.contains(what) && said.ends_with('.'), "{said}");
            assert!(!said.contains("  "), "{said}");
        }
        assert!(words(Declined::NotRunning, false, None).contains("No GR partner"));
        let open = "A resync is driven by the partner (0)".to_owned();
        let said = words(Declined::Busy(TaskId(0)), true, Some(open));
        assert!(
            said.starts_with("A resync is driven by the partner"),
            "{said}"
        );
    }

    #[test]
    fn a_task_is_read_from_sixteen_digits_and_from_nothing_else() {
        assert_eq!(task_id("000000000000beef").ok(), Some(TaskId(0xbeef)));
        for bad in [
            "",
            "beef",
            "+00000000000beef",
            "000000000000beefg",
            "g00000000000beef",
        ] {
            assert!(task_id(bad).is_err(), "{bad}");
        }
    }
}
