//! `/api/v1/messages`: lists, one message with its parts, marking and deleting.

use super::auth::LoggedIn;
use super::convert::content;
use super::error::{HttpResult, Problem};
use super::extract::{Id, Params, Patch};
use super::{Api, convert};
use crate::operations::OpError;
use crate::operations::messages::{self, Marking, Shown};
use crate::operations::outgoing;
use crate::operations::search::MessageFilter;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use contract::{
    ApiError, Emptied, Folder, Kind, MessageDetail, MessageList, MessagePatch, MessageRow,
    ObjectId, Timestamp,
};
use serde::Deserialize;

/// Which page of which folder, and what of it.
#[derive(Deserialize)]
pub struct ListQuery {
    folder: Option<Folder>,
    words: Option<String>,
    kind: Option<Kind>,
    unread: Option<bool>,
    urgent: Option<bool>,
    private: Option<bool>,
    since: Option<i64>,
    until: Option<i64>,
    before: Option<String>,
    limit: Option<usize>,
}

/// A page of a folder, newest first, with counts over the whole mailbox; or of those of its messages that meet all conditions of the query. A
/// request looks at so many messages at most, so where few of many meet them a page may be short, or empty, although `next` names another one.
#[utoipa::path(get, path = "/api/v1/messages", tag = "messages", security(("session" = [])),
    params(
        ("folder" = Option<Folder>, Query, description = "Default: inbox"),
        ("words" = Option<String>, Query, description = "Words, at most 10 and 200 characters, each of which stands in the sender's name, number or address, in the \
            subject or in the first 2,048 bytes of the text: in any letters, with or without accents, also as a part of a word. The text of a message that came to an earlier release is not looked through"),
        ("kind" = Option<Kind>, Query, description = "What it mainly is; what is mixed is found as `voice` and as `fax`, too, as far as it has them"),
        ("unread" = Option<bool>, Query, description = "Unread, or read"),
        ("urgent" = Option<bool>, Query, description = "Marked urgent by its sender, or not"),
        ("private" = Option<bool>, Query, description = "Marked private by its sender, or not"),
        ("since" = Option<i64>, Query, description = "Received at this moment or later, in milliseconds since 1970 (UTC)"),
        ("until" = Option<i64>, Query, description = "Received before this moment, in milliseconds since 1970 (UTC)"),
        ("before" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "At most so many messages; default and maximum by configuration (500)"),
    ),
    responses((status = 200, body = MessageList), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn list(
    State(api): State<Api>,
    who: LoggedIn,
    Params(page): Params<ListQuery>,
) -> HttpResult<Json<MessageList>> {
    let before = page.before.as_deref().map(str::parse).transpose();
    let before =
        before.map_err(|_| Problem::invalid("`before` is not the `next` of a list.".into()))?;
    let list_max = api.server().config().limits.list_max;
    let limit = page.limit.unwrap_or(list_max).clamp(1, list_max);
    let place = convert::place(page.folder.unwrap_or(Folder::Inbox));
    let filter = filter(&page)?;
    let as_of = api.server().now();
    let page = messages::list(api.server(), who.id, place, filter, before, limit).await?;
    Ok(Json(MessageList {
        messages: page.messages.iter().map(row).collect::<HttpResult<_>>()?,
        next: page.next.map(|next| next.to_string()),
        counts: convert::counts(&page.counts),
        limits: Some(convert::mailbox_limits(&api.server().config().mailbox)),
        as_of,
    }))
}

fn filter(asked: &ListQuery) -> HttpResult<MessageFilter> {
    let mut filter = MessageFilter::of_words(asked.words.as_deref().unwrap_or_default())?;
    filter.kind = asked.kind;
    filter.unread = asked.unread;
    filter.urgent = asked.urgent;
    filter.private = asked.private;
    filter.since = asked.since.map(Timestamp);
    filter.until = asked.until.map(Timestamp);
    Ok(filter)
}

/// One message with its parts.
#[utoipa::path(get, path = "/api/v1/messages/{id}", tag = "messages", security(("session" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 200, body = MessageDetail), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "Its content, or the message itself, is not here at present; it is asked from the partner, which may have it", body = ApiError)))]
pub async fn read(
    State(api): State<Api>,
    who: LoggedIn,
    Id(id): Id,
) -> HttpResult<Json<MessageDetail>> {
    let detail = messages::open(api.server(), who.id, id, |shown, bytes| {
        let row = convert::row(shown.id, &shown.object, shown.one_server_only);
        let row = row.ok_or_else(|| OpError::internal("a message that is none"))?;
        Ok(content::detail(row, &vpim::parse_kept(bytes)))
    });
    let mut detail = detail.await?;
    if !detail.row.sent_to.is_empty() {
        let became = outgoing::became_of(api.server(), id).await?;
        content::say_what_became(&mut detail, &became);
    }
    Ok(Json(detail))
}

/// Marks a message as read or unread, moves it to Deleted or back.
#[utoipa::path(patch, path = "/api/v1/messages/{id}", tag = "messages", security(("session" = [])),
    params(("id" = ObjectId, Path)), request_body = MessagePatch,
    responses((status = 200, body = MessageRow), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "It cannot be read here at present; it is asked from the partner", body = ApiError)))]
pub async fn change(
    State(api): State<Api>,
    who: LoggedIn,
    Id(id): Id,
    Patch(patch): Patch<MessagePatch>,
) -> HttpResult<Json<MessageRow>> {
    let marking = Marking {
        unread: patch.unread,
        deleted: patch.deleted,
    };
    let shown = messages::mark(api.server(), who.id, id, marking).await?;
    row(&shown).map(Json)
}

/// Where the caller knows the message that it deletes.
#[derive(Deserialize)]
pub struct DeleteQuery {
    folder: Option<Folder>,
}

/// Moves a message to Deleted; one that lies there already stays there, so this is safe to repeat. With `folder=deleted` it goes for good,
/// provided that it lies in Deleted; what was taken back meanwhile stays.
#[utoipa::path(delete, path = "/api/v1/messages/{id}", tag = "messages", security(("session" = [])),
    params(("id" = ObjectId, Path),
        ("folder" = Option<Folder>, Query, description = "Where the caller knows it. `deleted`: remove it for good, if it lies there")),
    responses((status = 200, description = "It lies in Deleted now", body = MessageRow),
        (status = 204, description = "It lay in Deleted and is gone for good"),
        (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "It cannot be read here at present; it is asked from the partner", body = ApiError),
        (status = 412, description = "It was to go for good and does not lie in Deleted: nothing was done", body = ApiError)))]
pub async fn delete(
    State(api): State<Api>,
    who: LoggedIn,
    Id(id): Id,
    Params(known): Params<DeleteQuery>,
) -> HttpResult<Response> {
    if known.folder == Some(Folder::Deleted) {
        messages::expunge(api.server(), who.id, id).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let shown = messages::delete(api.server(), who.id, id).await?;
    Ok(Json(row(&shown)?).into_response())
}

/// Empties Deleted: what lies there goes for good, here and on the partner, and cannot be brought back. Safe to repeat.
#[utoipa::path(post, path = "/api/v1/messages/empty-deleted", tag = "messages", security(("session" = [])),
    responses((status = 200, body = Emptied), (status = 401, body = ApiError), (status = 503, body = ApiError)))]
pub async fn empty_deleted(State(api): State<Api>, who: LoggedIn) -> HttpResult<Json<Emptied>> {
    let messages = messages::empty_deleted(api.server(), who.id).await?;
    Ok(Json(Emptied { messages }))
}

/// A message as the API shows it.
fn row(shown: &Shown) -> HttpResult<MessageRow> {
    let row = convert::row(shown.id, &shown.object, shown.one_server_only);
    row.ok_or_else(|| Problem::internal("a message that is none"))
}
