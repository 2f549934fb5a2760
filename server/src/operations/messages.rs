//! The messages of a mailbox: lists, one message with its content, marking, deleting and bringing back.

use super::{OpError, OpResult};
use crate::server::{Abort, Server, Wait, WriteTx, WriterError};
use bytes::Bytes;
use domain::{
    BodyRef, Change, FolderState, Key, Message, MessageFolder, Object, ObjectId, Timestamp, Value,
    message_fields,
};
use ledger::{Ledger, LedgerError};
use std::time::Duration;
use store::{Readers, StoreError};

/// Where a page of a list begins: after the last message of the page before.
pub use store::Cursor;
/// How many messages lie where in a mailbox, and what they weigh.
pub use store::MailboxCounts;

/// Messages that one call empties out of Deleted at most.
const EMPTIED_MAX: usize = 100_000;
/// So many of them in one transaction, so that nobody waits for it.
const EMPTIED_AT_ONCE: usize = 200;

/// A message as a list shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its identity.
    pub id: ObjectId,
    /// The message; [`Message::of`] reads it.
    pub object: Object,
    /// Its content is still owed to the partner, or held back from it.
    pub one_server_only: bool,
}

/// A page of a folder.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its messages, newest first.
    pub messages: Vec<Shown>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// Over the whole mailbox.
    pub counts: MailboxCounts,
}

/// What is to be different about a message. `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marking {
    /// Unread or read.
    pub unread: Option<bool>,
    /// In Deleted, or back from there.
    pub deleted: Option<bool>,
}

/// A page of a folder of `user`, newest first.
///
/// # Errors
/// What the store cannot do.
pub async fn list(
    server: &Server,
    user: ObjectId,
    place: MessageFolder,
    before: Option<Cursor>,
    limit: usize,
) -> OpResult<Page> {
    // One more than is shown tells whether there is another page.
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            Ok((
                view.messages(&user, place, before, limit + 1)?,
                view.counts(&user)?,
            ))
        })
    });
    let (mut listed, counts) = read.await?;
    let more = listed.len() > limit;
    listed.truncate(limit);
    let next = listed.last().filter(|_| more).map(store::Listed::cursor);
    let messages = listed.into_iter().map(|listed| Shown {
        id: listed.id,
        object: listed.object,
        one_server_only: listed.one_server_only,
    });
    Ok(Page {
        messages: messages.collect(),
        next,
        counts,
    })
}

/// One message of `user`, with what `parse` makes of its content, on the blocking pool.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Unavailable`] while its row or its content is not on this server.
pub async fn open<T: Send + 'static>(
    server: &Server,
    user: ObjectId,
    id: ObjectId,
    parse: impl FnOnce(Shown, &Bytes) -> OpResult<T> + Send + 'static,
) -> OpResult<T> {
    let read = server.read(move |readers| {
        let found = readers.snapshot(|view| Ok((view.object(&id)?, view.mark(&id)?)))?;
        let (Some(object), mark) = found else {
            return Ok(Err(absent(readers, &id)?));
        };
        if !is_message_of(&object, user) {
            return Ok(Err(no_message()));
        }
        let content = content(readers, object.body)?;
        let shown = Shown {
            id,
            object,
            one_server_only: mark.is_some_and(|mark| mark.body),
        };
        Ok(content.and_then(|bytes| parse(shown, &bytes)))
    });
    read.await?
}

/// One message of `user`, without its content.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Unavailable`] while its row is not on this server.
pub async fn find(server: &Server, user: ObjectId, id: ObjectId) -> OpResult<Object> {
    let read = server.read(move |readers| {
        let Some(object) = readers.object(&id)? else {
            return Ok(Err(absent(readers, &id)?));
        };
        Ok(match is_message_of(&object, user) {
            true => Ok(object),
            false => Err(no_message()),
        })
    });
    read.await?
}

/// A message as it is at present, if it is there, and the counts of the mailbox of `user`, of one moment.
///
/// # Errors
/// What the store cannot do.
pub async fn present(
    server: &Server,
    user: ObjectId,
    id: ObjectId,
) -> Result<(Option<Shown>, MailboxCounts), WriterError> {
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            let one_server_only = view.is_on_one_server_only(&id)?;
            let shown = view.object(&id)?.map(|object| Shown {
                id,
                object,
                one_server_only,
            });
            Ok((shown, view.counts(&user)?))
        })
    });
    read.await
}

/// What is in the mailbox of `user`.
///
/// # Errors
/// What the store cannot do.
pub async fn counts(server: &Server, user: ObjectId) -> Result<MailboxCounts, WriterError> {
    server.read(move |readers| readers.counts(&user)).await
}

/// Marks a message of `user`, moves it to Deleted or back. Returns it as it is then.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn mark(
    server: &Server,
    user: ObjectId,
    id: ObjectId,
    marking: Marking,
) -> OpResult<Shown> {
    let written = server.write_anyway(Wait::Partner, move |scope| {
        let object = message(scope, id, user)?;
        apply(scope, id, &object, marking)
    });
    Ok(written.await?.value)
}

/// Moves a message of `user` to Deleted; one that lies there already goes for good. Returns it as it is then; `None`: it is gone.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn delete(server: &Server, user: ObjectId, id: ObjectId) -> OpResult<Option<Shown>> {
    let written = server.write_anyway(Wait::Partner, move |scope| {
        let object = message(scope, id, user)?;
        if Message::of(&object).is_some_and(|m| m.filing().place == MessageFolder::Deleted) {
            scope.change(&Change::Delete { id })?;
            return Ok(None);
        }
        let marking = Marking {
            unread: None,
            deleted: Some(true),
        };
        apply(scope, id, &object, marking).map(Some)
    });
    Ok(written.await?.value)
}

/// Empties Deleted of `user`: what lies there now goes for good. Returns how many messages went.
///
/// In transactions of a bounded size. What comes into Deleted meanwhile stays there, and so does what is taken out in between.
///
/// # Errors
/// What the store cannot do. What went before is gone; asked again, it goes on.
pub async fn empty_deleted(server: &Server, user: ObjectId) -> OpResult<u64> {
    let read =
        server.read(move |readers| readers.snapshot(|view| view.deleted_of(&user, EMPTIED_MAX)));
    let lying = read.await?;
    let mut gone = 0;
    let last = lying.len().div_ceil(EMPTIED_AT_ONCE);
    for (n, some) in (1..).zip(lying.chunks(EMPTIED_AT_ONCE)) {
        let some = some.to_vec();
        // The partner hears of all of them; only for the last it is waited.
        let wait = if n == last {
            Wait::Partner
        } else {
            Wait::Local
        };
        let written = server.write_anyway(wait, move |scope| -> Result<u64, Abort<OpError>> {
            let mut gone = 0;
            for (id, since) in some {
                // One that was taken out and came back has a later date.
                let after = Timestamp(since.0.saturating_add(1));
                if scope.tx().view().is_expired(&id, after)? {
                    scope.change(&Change::Delete { id })?;
                    gone += 1;
                }
            }
            Ok(gone)
        });
        gone += written.await?.value;
    }
    Ok(gone)
}

/// No such message.
fn no_message() -> OpError {
    OpError::NotFound("This message is not in the mailbox. It may have been deleted.".into())
}

/// Why a message is not here: a row that cannot be read is no deletion.
fn absent(readers: &Readers, id: &ObjectId) -> Result<OpError, StoreError> {
    Ok(match readers.snapshot(|view| view.is_in_doubt(id))? {
        true => OpError::unreadable(),
        false => no_message(),
    })
}

/// A body, if an object has one; nothing if it has none.
pub(super) fn content(
    readers: &Readers,
    body: Option<BodyRef>,
) -> Result<OpResult<Bytes>, StoreError> {
    let Some(body) = body else {
        return Ok(Ok(Bytes::new()));
    };
    match readers.body(&body) {
        Ok(bytes) => Ok(Ok(bytes)),
        // What cannot be read is noted by the reader, and comes from the partner if it has it.
        Err(StoreError::Missing(_) | StoreError::Damaged(_) | StoreError::Io { .. }) => {
            let why = "The content of this message is not on this server at present; it is asked from the partner.";
            Ok(Err(OpError::Unavailable {
                why,
                wait: Duration::from_secs(2),
            }))
        }
        Err(other) => Err(other),
    }
}

fn is_message_of(object: &Object, user: ObjectId) -> bool {
    object.owner == Some(user) && Message::of(object).is_some()
}

/// The message, if it is in the user's own mailbox.
fn message(
    scope: &mut WriteTx<'_, '_>,
    id: ObjectId,
    user: ObjectId,
) -> Result<Object, Abort<OpError>> {
    let object = scope.tx().object(&id)?;
    object
        .filter(|object| is_message_of(object, user))
        .ok_or_else(|| Abort::Refused(no_message()))
}

fn apply(
    scope: &mut WriteTx<'_, '_>,
    id: ObjectId,
    object: &Object,
    marking: Marking,
) -> Result<Shown, Abort<OpError>> {
    let registers = registers(object, marking, scope.now());
    scope.change(&Change::Set { id, registers })?;
    let changed = scope.tx().object(&id)?;
    let view = scope.tx().view();
    let one_server_only = view.is_on_one_server_only(&id).map_err(LedgerError::from)?;
    // The change is made; an object that vanished in between would be a fault of the store.
    let object = changed.ok_or_else(|| LedgerError("a changed message is not there".into()))?;
    Ok(Shown {
        id,
        object,
        one_server_only,
    })
}

/// What a marking changes. A place that is not left keeps its date, from which Deleted is emptied.
fn registers(object: &Object, marking: Marking, now: Timestamp) -> Vec<(Key, Value)> {
    let mut registers = Vec::new();
    if let Some(unread) = marking.unread {
        registers.push((Key::field(message_fields::UNREAD), Value::Bool(unread)));
    }
    let present = Message::of(object).map(|m| m.filing().place);
    let wanted = match (marking.deleted, present) {
        (Some(true), Some(MessageFolder::Inbox | MessageFolder::Sent)) => {
            Some(MessageFolder::Deleted)
        }
        (Some(false), Some(MessageFolder::Deleted)) => Some(MessageFolder::Inbox),
        _ => None,
    };
    if let Some(place) = wanted {
        registers.push((
            Key::field(message_fields::PLACE),
            FolderState { place, since: now }.value(),
        ));
    }
    registers
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Hlc, Incarnation, Kind, Version};

    fn message(place: MessageFolder) -> Object {
        let mut object = Object::new(Kind::MESSAGE, None, None);
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        object.set(
            Key::field(message_fields::PLACE),
            version,
            FolderState {
                place,
                since: Timestamp(5),
            }
            .value(),
        );
        object
    }

    fn placed(from: MessageFolder, deleted: bool) -> Option<Value> {
        let marking = Marking {
            unread: None,
            deleted: Some(deleted),
        };
        registers(&message(from), marking, Timestamp(9))
            .pop()
            .map(|(_, value)| value)
    }

    #[test]
    fn deleting_twice_keeps_the_day_of_the_first() {
        let at_nine = |place| {
            Some(
                FolderState {
                    place,
                    since: Timestamp(9),
                }
                .value(),
            )
        };
        assert_eq!(
            placed(MessageFolder::Inbox, true),
            at_nine(MessageFolder::Deleted)
        );
        assert_eq!(placed(MessageFolder::Deleted, true), None);
        assert_eq!(
            placed(MessageFolder::Deleted, false),
            at_nine(MessageFolder::Inbox)
        );
        assert_eq!(placed(MessageFolder::Inbox, false), None);
    }

    #[test]
    fn a_marking_that_says_nothing_changes_nothing() {
        let inbox = message(MessageFolder::Inbox);
        assert_eq!(registers(&inbox, Marking::default(), Timestamp(9)), []);
    }
}
