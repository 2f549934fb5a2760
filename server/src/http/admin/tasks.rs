//! `/api/v1/admin/gr/tasks`, `undo` and `held`: what puts a pair right (R10 to R14), and mailboxes that are not on both servers (R9).

use super::Administrator;
use crate::act;
use crate::http::Api;
use crate::http::convert::Concerns;
use crate::http::convert::tasks::{self as convert, Names};
use crate::http::error::{HttpResult, Problem};
use crate::http::extract::{Body, Params, Segment};
use crate::operations::tasks;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, GrTask, GrTasks, HeldMailboxes, NewTask};
use ledger::{Deletions, TaskId};
use serde::Deserialize;

/// Held mailboxes that a status shows.
const HELD_IN_STATUS_MAX: usize = 100;
/// Held mailboxes in one answer.
const HELD_MAX: usize = 1_000;

/// The name of a task, if the client has drawn one.
#[derive(Deserialize)]
pub struct TaskIdQuery {
    id: Option<String>,
}

/// Tasks as they are now: open here, open there, the last one, and what can be brought back.
#[utoipa::path(get, path = "/api/v1/admin/gr/tasks", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = GrTasks), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, _: Administrator) -> HttpResult<Json<GrTasks>> {
    present(&api).await.map(Json)
}

async fn present(api: &Api) -> HttpResult<GrTasks> {
    let users = tasks::user_count(api.server()).await?;
    let view = api.server().tasks().borrow().clone();
    Ok(with_names(api, |names| convert::tasks(&view, names, users)))
}

fn with_names<T>(api: &Api, f: impl FnOnce(&Names<'_>) -> T) -> T {
    let partner = api.pair().borrow().partner.as_ref().map(|p| p.fqdn.clone());
    f(&Names {
        here: &api.server().config().fqdn,
        there: partner.as_deref().unwrap_or("?"),
    })
}

/// Starts a task. A dry run is a task of its own, which ends by itself. A request with an `id` may be repeated: it finds the task that
/// the first one started, until another has followed.
#[utoipa::path(post, path = "/api/v1/admin/gr/tasks", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = Option<String>, Query, description = "Name of the task that the client has drawn: 16 hexadecimal digits")),
    request_body = NewTask,
    responses((status = 202, description = "It has begun", body = GrTask), (status = 400, body = ApiError),
        (status = 401, body = ApiError), (status = 404, description = "There is no such mailbox", body = ApiError),
        (status = 409, description = "It cannot begin now; the message says why and what to do", body = ApiError)))]
pub async fn start(
    State(api): State<Api>,
    _: Administrator,
    Params(drawn): Params<TaskIdQuery>,
    Body(new): Body<NewTask>,
) -> HttpResult<(StatusCode, Json<GrTask>)> {
    act::about(&format!(
        "{:?}{}",
        new.kind,
        if new.dry_run { ", dry run" } else { "" }
    ));
    let new = tasks::NewTask {
        id: drawn.id.as_deref().map(task_id).transpose()?,
        kind: convert::kind_of(new.kind),
        dry: new.dry_run,
        agreed: new.agreed.map(|agreed| Deletions {
            here: agreed.here,
            there: agreed.there,
        }),
        mailboxes: new.mailboxes,
    };
    let id = tasks::start(api.server(), new).await?;
    shown(&api, id).map(|task| (StatusCode::ACCEPTED, Json(task)))
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
) -> HttpResult<StatusCode> {
    tasks::abort(api.server(), task_id(&id)?).await?;
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
) -> HttpResult<(StatusCode, Json<GrTask>)> {
    let id = task_id(&id)?;
    tasks::agree(api.server(), id).await?;
    shown(&api, id).map(|task| (StatusCode::ACCEPTED, Json(task)))
}

/// Brings back what tasks have removed from this server, and joins it with what has happened since.
#[utoipa::path(post, path = "/api/v1/admin/gr/undo", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 202, description = "It comes back, a little at a time", body = GrTasks), (status = 401, body = ApiError),
        (status = 409, description = "There is nothing to bring back, or a task is open", body = ApiError)))]
pub async fn undo(
    State(api): State<Api>,
    _: Administrator,
) -> HttpResult<(StatusCode, Json<GrTasks>)> {
    tasks::undo(api.server()).await?;
    Ok((StatusCode::ACCEPTED, Json(present(&api).await?)))
}

/// Mailboxes that are not kept up to date on both servers, each with its reason.
#[utoipa::path(get, path = "/api/v1/admin/gr/held", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = HeldMailboxes), (status = 401, body = ApiError)))]
pub async fn held(State(api): State<Api>, _: Administrator) -> HttpResult<Json<HeldMailboxes>> {
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
) -> HttpResult<(StatusCode, Json<HeldMailboxes>)> {
    tasks::retry_held(api.server()).await?;
    let held = everything_held(&api, HELD_MAX).await?;
    Ok((StatusCode::ACCEPTED, Json(held)))
}

async fn everything_held(api: &Api, most: usize) -> HttpResult<HeldMailboxes> {
    let all = tasks::held(api.server()).await?;
    let view = api.server().tasks();
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
pub async fn concerns(api: &Api) -> HttpResult<Concerns> {
    let HeldMailboxes {
        held, held_count, ..
    } = everything_held(api, HELD_IN_STATUS_MAX).await?;
    let view = api.server().tasks().borrow().clone();
    Ok(Concerns {
        held,
        held_count,
        task: with_names(api, |names| convert::open_task(&view, names)),
        disk: api.server().disk_room(),
        upkeep: api.server().upkeep_faults().present(),
    })
}

fn shown(api: &Api, id: TaskId) -> HttpResult<GrTask> {
    let view = api.server().tasks().borrow().clone();
    with_names(api, |names| convert::task(&view, id, names))
        .ok_or_else(|| Problem::internal("a task that has begun is not there"))
}

fn task_id(text: &str) -> HttpResult<TaskId> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let read = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
    // 0 is no task's name.
    read.filter(|id| *id != 0).map(TaskId).ok_or_else(|| {
        Problem::invalid(format!(
            "\"{text}\" is not a task: it has 16 hexadecimal digits."
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_from_sixteen_digits_and_from_nothing_else() {
        assert_eq!(task_id("000000000000beef").ok(), Some(TaskId(0xbeef)));
        for bad in [
            "",
            "beef",
            "+00000000000beef",
            "000000000000beefg",
            "g00000000000beef",
            "0000000000000000",
        ] {
            assert!(task_id(bad).is_err(), "{bad}");
        }
    }
}
