//! `/api/v1/messages`: lists, one message with its parts, marking and deleting.

use super::auth::LoggedIn;
use super::convert::content;
use super::error::{Answer, Problem};
use super::extract::{Body, Id, Params};
use super::{Api, convert};
use crate::site::{Abort, Scope, Wait};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use contract::{ApiError, Folder, MessageDetail, MessageList, MessagePatch, MessageRow, ObjectId};
use domain::{Change, Filing, Key, Ledger, Message, Object, Place, Value, message_fields};
use serde::Deserialize;
use std::time::Duration;
use store::StoreError;

/// Which page of which folder.
#[derive(Deserialize)]
pub struct Page {
    folder: Option<Folder>,
    before: Option<String>,
    limit: Option<usize>,
}

/// A page of a folder, newest first, with counts over the whole mailbox.
#[utoipa::path(get, path = "/api/v1/messages", tag = "messages", security(("session" = [])),
    params(
        ("folder" = Option<Folder>, Query, description = "Default: inbox"),
        ("before" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "At most so many messages; default and maximum by configuration (500)"),
    ),
    responses((status = 200, body = MessageList), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn list(
    State(api): State<Api>,
    who: LoggedIn,
    Params(page): Params<Page>,
) -> Answer<Json<MessageList>> {
    let before = page.before.as_deref().map(str::parse).transpose();
    let before =
        before.map_err(|_| Problem::BadRequest("`before` is not the `next` of a list.".into()))?;
    let list_max = api.site().config().limits.list_max;
    let limit = page.limit.unwrap_or(list_max).clamp(1, list_max);
    let place = convert::place(page.folder.unwrap_or(Folder::Inbox));
    let as_of = api.site().now();
    // One more than is shown tells whether there is another page.
    let read = api.site().read(move |readers| {
        readers.snapshot(|view| {
            Ok((
                view.messages(&who.id, place, before, limit + 1)?,
                view.counts(&who.id)?,
            ))
        })
    });
    let (mut listed, counts) = read.await?;
    let more = listed.len() > limit;
    listed.truncate(limit);
    let next = listed
        .last()
        .filter(|_| more)
        .map(|last| last.cursor().to_string());
    let messages = listed
        .iter()
        .filter_map(|m| convert::row(m.id, &m.object, m.one_server_only))
        .collect();
    Ok(Json(MessageList {
        messages,
        next,
        counts: convert::counts(&counts),
        as_of,
    }))
}

/// One message with its parts.
#[utoipa::path(get, path = "/api/v1/messages/{id}", tag = "messages", security(("session" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 200, body = MessageDetail), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 503, description = "Its content, or the message itself, is not here at present; it is asked from the partner", body = ApiError)))]
pub async fn read(
    State(api): State<Api>,
    who: LoggedIn,
    Id(id): Id,
) -> Answer<Json<MessageDetail>> {
    let read = api.site().read(move |readers| {
        let found = readers.snapshot(|view| Ok((view.object(&id)?, view.mark(&id)?)))?;
        let (Some(object), mark) = found else {
            return Ok(Err(absent(readers, &id)?));
        };
        let row = convert::row(id, &object, mark.is_some_and(|m| m.body));
        let Some(row) = row.filter(|_| object.owner == Some(who.id)) else {
            return Ok(Err(Problem::no_message()));
        };
        // A body is parsed where it was read: on the blocking pool.
        Ok(body(readers, &object)?.map(|bytes| content::detail(row, &vpim::parse(&bytes))))
    });
    Ok(Json(read.await??))
}

/// Why a message is not here: a row that cannot be read is no deletion.
pub(super) fn absent(readers: &store::Readers, id: &ObjectId) -> Result<Problem, StoreError> {
    Ok(match readers.snapshot(|view| view.is_in_doubt(id))? {
        true => Problem::unreadable(),
        false => Problem::no_message(),
    })
}

/// The content of a message.
pub(super) fn body(
    readers: &store::Readers,
    object: &Object,
) -> Result<Answer<bytes::Bytes>, StoreError> {
    let Some(body) = object.body else {
        return Ok(Ok(bytes::Bytes::new()));
    };
    match readers.body(&body) {
        Ok(bytes) => Ok(Ok(bytes)),
        // What cannot be read is noted by the reader, and comes from the partner if it has it.
        Err(StoreError::Missing(_) | StoreError::Damaged(_) | StoreError::Io { .. }) => {
            let why = "The content of this message is not on this server at present; it is asked from the partner.";
            Ok(Err(Problem::Unavailable {
                why,
                wait: Duration::from_secs(2),
            }))
        }
        Err(other) => Err(other),
    }
}

/// Marks a message as read or unread, moves it to Deleted or back.
#[utoipa::path(patch, path = "/api/v1/messages/{id}", tag = "messages", security(("session" = [])),
    params(("id" = ObjectId, Path)), request_body = MessagePatch,
    responses((status = 200, body = MessageRow), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn change(
    State(api): State<Api>,
    who: LoggedIn,
    Id(id): Id,
    Body(patch): Body<MessagePatch>,
) -> Answer<Json<MessageRow>> {
    let written = api.site().write_anyway(Wait::Partner, move |scope| {
        let object = mine(scope, id, who.id)?;
        apply(scope, id, &object, patch)
    });
    Ok(Json(written.await?.value))
}

/// Moves a message to Deleted; a message that lies there already goes for good.
#[utoipa::path(delete, path = "/api/v1/messages/{id}", tag = "messages", security(("session" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 200, description = "It lies in Deleted now", body = MessageRow),
        (status = 204, description = "It is gone for good"),
        (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn delete(State(api): State<Api>, who: LoggedIn, Id(id): Id) -> Answer<Response> {
    let written = api.site().write_anyway(Wait::Partner, move |scope| {
        let object = mine(scope, id, who.id)?;
        if Message::of(&object).is_some_and(|m| m.filing().place == Place::Deleted) {
            scope.change(&Change::Delete { id })?;
            return Ok(None);
        }
        apply(
            scope,
            id,
            &object,
            MessagePatch {
                unread: None,
                deleted: Some(true),
            },
        )
        .map(Some)
    });
    Ok(match written.await?.value {
        Some(row) => Json(row).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// The message, if it is in the user's own mailbox.
fn mine(
    scope: &mut Scope<'_, '_>,
    id: ObjectId,
    owner: ObjectId,
) -> Result<Object, Abort<Problem>> {
    let object = scope.tx().object(&id)?;
    let own = |o: &Object| o.owner == Some(owner) && Message::of(o).is_some();
    object
        .filter(own)
        .ok_or_else(|| Abort::Refused(Problem::no_message()))
}

fn apply(
    scope: &mut Scope<'_, '_>,
    id: ObjectId,
    object: &Object,
    patch: MessagePatch,
) -> Result<MessageRow, Abort<Problem>> {
    let registers = registers(object, patch, scope.now());
    scope.change(&Change::Set { id, registers })?;
    let changed = scope.tx().object(&id)?;
    let view = scope.tx().view();
    let one_server_only = view
        .is_on_one_server_only(&id)
        .map_err(domain::LedgerError::from)?;
    let row = changed.and_then(|object| convert::row(id, &object, one_server_only));
    // The change is made; an object that vanished in between would be a fault of the store.
    row.ok_or_else(|| domain::LedgerError("a changed message is not there".into()).into())
}

/// What a patch changes. A place that is not left keeps its date, from which Deleted is emptied.
fn registers(object: &Object, patch: MessagePatch, now: contract::Timestamp) -> Vec<(Key, Value)> {
    let mut registers = Vec::new();
    if let Some(unread) = patch.unread {
        registers.push((Key::field(message_fields::UNREAD), Value::Bool(unread)));
    }
    let present = Message::of(object).map(|m| m.filing().place);
    let wanted = match (patch.deleted, present) {
        (Some(true), Some(Place::Inbox | Place::Sent)) => Some(Place::Deleted),
        (Some(false), Some(Place::Deleted)) => Some(Place::Inbox),
        _ => None,
    };
    if let Some(place) = wanted {
        registers.push((
            Key::field(message_fields::PLACE),
            Filing { place, since: now }.value(),
        ));
    }
    registers
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Timestamp;
    use domain::{Hlc, Kind, Life, Version};

    fn message(place: Place) -> Object {
        let mut object = Object::new(Kind::MESSAGE, None, None);
        let version = Version {
            hlc: Hlc(1),
            life: Life(1),
        };
        object.set(
            Key::field(message_fields::PLACE),
            version,
            Filing {
                place,
                since: Timestamp(5),
            }
            .value(),
        );
        object
    }

    fn placed(from: Place, deleted: bool) -> Option<Value> {
        let patch = MessagePatch {
            unread: None,
            deleted: Some(deleted),
        };
        registers(&message(from), patch, Timestamp(9))
            .pop()
            .map(|(_, value)| value)
    }

    #[test]
    fn deleting_twice_keeps_the_day_of_the_first() {
        let at_nine = |place| {
            Some(
                Filing {
                    place,
                    since: Timestamp(9),
                }
                .value(),
            )
        };
        assert_eq!(placed(Place::Inbox, true), at_nine(Place::Deleted));
        assert_eq!(placed(Place::Deleted, true), None);
        assert_eq!(placed(Place::Deleted, false), at_nine(Place::Inbox));
        assert_eq!(placed(Place::Inbox, false), None);
    }

    #[test]
    fn an_empty_patch_changes_nothing() {
        assert_eq!(
            registers(
                &message(Place::Inbox),
                MessagePatch::default(),
                Timestamp(9)
            ),
            []
        );
    }
}
