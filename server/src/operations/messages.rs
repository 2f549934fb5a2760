//! The messages of a mailbox: lists, one message with its content, marking, deleting and bringing back.

use super::search::{Looked, MessageFilter};
use super::{OpError, OpResult};
use crate::reading::{ReadingPermit, ReadingSide};
use crate::server::{Abort, Server, Wait, WriteTx, WriterError};
use bytes::Bytes;
use domain::{
    BodyRef, Change, FolderState, Key, Message, MessageFolder, Object, ObjectId, Timestamp, Value,
    message_fields,
};
use ledger::{Ledger, LedgerError};
use store::{Listed, Readers, StoreError};
use vpim::limits::{READING_CONSTANT, READING_FACTOR};

/// Where a page of a list begins: after the last message of the page before.
pub use store::Cursor;
/// How many messages lie where in a mailbox, and what they weigh.
pub use store::MailboxCounts;

/// Bytes of the rows in one page, as they are stored. A page ends with the message that reaches it, and says where the next one begins:
/// the clients of a server ask for the next page in any case.
pub const PAGE_BYTES_MAX: usize = 512 * 1024;
/// Rows that are read at once for a page.
const ROWS_AT_ONCE: usize = 64;
/// What a row weighs besides its registers of bytes: identity, times and flags.
const ROW_BYTES: usize = 256;
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
pub struct MessagePage {
    /// Its messages, newest first. Where few of many fit it may be short, or empty, although another page follows.
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

/// A page of what a filter shows of a folder of `user`, newest first.
///
/// # Errors
/// What the store cannot do.
pub async fn list(
    server: &Server,
    user: ObjectId,
    place: MessageFolder,
    filter: MessageFilter,
    before: Option<Cursor>,
    limit: usize,
) -> OpResult<MessagePage> {
    // Looking for words reads thousands of rows.
    let turn = match filter.is_any() {
        true => None,
        false => Some(server.turns().of(user).take().await),
    };
    let read = server.read(move |readers| {
        let _turn = turn;
        readers.snapshot(|view| {
            let rows = |before, limit| view.messages(&user, place, before, limit);
            Ok((page(rows, &filter, before, limit)?, view.counts(&user)?))
        })
    });
    let ((listed, next), counts) = read.await?;
    let messages = listed.into_iter().map(|listed| Shown {
        id: listed.id,
        object: listed.object,
        one_server_only: listed.one_server_only,
    });
    Ok(MessagePage {
        messages: messages.collect(),
        next,
        counts,
    })
}

/// At most `limit` rows that `filter` shows, from `before` on, and no more than reach [`PAGE_BYTES_MAX`]; and where the next page begins, if there
/// is one. However long rows are, only a few more are read than are shown; and where few are shown, no more are looked at than one request may.
fn page<E>(
    rows: impl Fn(Option<Cursor>, usize) -> Result<Vec<Listed>, E>,
    filter: &MessageFilter,
    before: Option<Cursor>,
    limit: usize,
) -> Result<(Vec<Listed>, Option<Cursor>), E> {
    let (mut shown, mut bytes) = (Vec::<Listed>::new(), 0);
    let (mut last, mut looked) = (start(before, filter.until), Looked::default());
    loop {
        // One more than is shown tells whether there is another page.
        let most = match filter.is_any() {
            true => (limit - shown.len() + 1).min(ROWS_AT_ONCE),
            false => ROWS_AT_ONCE,
        };
        let read = rows(last, most)?;
        let is_end = read.len() < most;
        for row in read {
            if filter.since.is_some_and(|since| row.received_at < since) {
                return Ok((shown, None));
            }
            // There is another row, so there may be another page.
            if shown.len() == limit || bytes >= PAGE_BYTES_MAX || looked.is_enough() {
                return Ok((shown, last));
            }
            last = Some(row.cursor());
            if filter.shows(&row.object, &mut looked) {
                bytes += weight(&row.object);
                shown.push(row);
            }
        }
        if is_end {
            return Ok((shown, None));
        }
    }
}

/// Where a list begins that shows nothing of `until` or later.
fn start(before: Option<Cursor>, until: Option<Timestamp>) -> Option<Cursor> {
    // Below every identity: what was received in that moment lies behind it.
    let lowest = ObjectId::from_bytes([0; 16]);
    let until = until.map(|received_at| Cursor {
        received_at,
        id: lowest,
    });
    let place = |cursor: &Cursor| (cursor.received_at, cursor.id);
    before.into_iter().chain(until).min_by_key(place)
}

/// Bytes of a row, about.
fn weight(object: &Object) -> usize {
    let envelope = object.get(Key::field(message_fields::ENVELOPE));
    ROW_BYTES + envelope.and_then(Value::as_bytes).map_or(0, <[u8]>::len)
}

/// Memory for opening a content of `len` bytes: the content itself, and what reading it takes. Sound is not decoded here.
const fn opening_bytes(len: usize) -> usize {
    len.saturating_mul(1 + READING_FACTOR)
        .saturating_add(READING_CONSTANT)
}

async fn room_for(server: &Server, body: Option<BodyRef>) -> OpResult<ReadingPermit> {
    let bytes = opening_bytes(body.map_or(0, |body| body.len as usize));
    Ok(server.reading().take(ReadingSide::Answers, bytes).await?)
}

/// One message of `user`, with what `parse` makes of its content, on the blocking pool and within the budget for reading.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::NotHere`] while its row or its content is not on this server; [`OpError::Unavailable`] when others read so
/// much that there is no room in time.
pub async fn open<T: Send + 'static>(
    server: &Server,
    user: ObjectId,
    id: ObjectId,
    parse: impl FnOnce(Shown, &Bytes) -> OpResult<T> + Send + 'static,
) -> OpResult<T> {
    let read = server.read(move |readers| {
        let found =
            readers.snapshot(|view| Ok((view.object(&id)?, view.is_on_one_server_only(&id)?)))?;
        let (Some(object), one_server_only) = found else {
            return Ok(Err(absent(readers, &id)?));
        };
        if !is_message_of(&object, user) {
            return Ok(Err(no_message()));
        }
        Ok(Ok(Shown {
            id,
            object,
            one_server_only,
        }))
    });
    let shown = read.await??;
    let held = room_for(server, shown.object.body).await?;
    let read = server.read(move |readers| {
        let _held = held;
        let content = content(readers, shown.object.body)?;
        Ok(content.and_then(|bytes| parse(shown, &bytes)))
    });
    read.await?
}

/// One message of `user`, without its content.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::NotHere`] while its row is not on this server.
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
/// [`OpError::NotFound`]; [`OpError::NotHere`] while its row is not on this server.
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

/// Moves a message of `user` to Deleted. One that lies there already stays as it is, so a request that comes twice, or from a page that is
/// out of date, destroys nothing. Returns it as it is then.
///
/// # Errors
/// As [`mark`].
pub async fn delete(server: &Server, user: ObjectId, id: ObjectId) -> OpResult<Shown> {
    let marking = Marking {
        unread: None,
        deleted: Some(true),
    };
    mark(server, user, id, marking).await
}

/// Removes a message of `user` for good, on both servers. Only what lies in Deleted at that moment goes: whoever asks for it has said that
/// it knows it there, and may be wrong, for the owner may have taken it back meanwhile.
///
/// # Errors
/// [`OpError::PreconditionFailed`] for one that lies elsewhere; as [`mark`].
pub async fn expunge(server: &Server, user: ObjectId, id: ObjectId) -> OpResult<()> {
    let written = server.write_anyway(Wait::Partner, move |scope| {
        let object = message(scope, id, user)?;
        let place = Message::of(&object).map(|message| message.filing().place);
        if place != Some(MessageFolder::Deleted) {
            return Err(Abort::Refused(not_in_deleted()));
        }
        scope.change(&Change::Delete { id })?;
        Ok(())
    });
    written.await?;
    Ok(())
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

/// It is to go for good, and does not lie where that is possible.
fn not_in_deleted() -> OpError {
    OpError::PreconditionFailed(
        "This message does not lie in Deleted: it may have been taken back. Nothing was removed."
            .into(),
    )
}

/// Why a message is not here: a row that cannot be read is no deletion.
fn absent(readers: &Readers, id: &ObjectId) -> Result<OpError, StoreError> {
    Ok(match readers.snapshot(|view| view.is_in_doubt(id))? {
        true => OpError::MESSAGE_NOT_HERE,
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
            Ok(Err(OpError::CONTENT_NOT_HERE))
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
    // One that the partner does not know either is gone.
    let is_in_doubt = |row: ledger::Unreadable| !row.lost;
    if object.is_none() && scope.tx().unreadable(&id)?.is_some_and(is_in_doubt) {
        return Err(Abort::Refused(OpError::MESSAGE_NOT_HERE));
    }
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
    let message = Message::of(object);
    let present = message.map(|m| m.filing().place);
    let wanted = match (marking.deleted, present) {
        (Some(true), Some(MessageFolder::Inbox | MessageFolder::Sent)) => {
            Some(MessageFolder::Deleted)
        }
        (Some(false), Some(MessageFolder::Deleted)) => message.map(|m| m.home_folder()),
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

    /// A folder of `count` rows whose descriptions have so many bytes, newest first.
    fn folder(count: u8, envelope_bytes: usize) -> Vec<Listed> {
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        let listed = |n: u8| {
            let mut object = message(MessageFolder::Inbox);
            let envelope = Value::Bytes(vec![0; envelope_bytes]);
            object.set(Key::field(message_fields::ENVELOPE), version, envelope);
            Listed {
                id: ObjectId::from_bytes([n; 16]),
                object,
                one_server_only: false,
                received_at: Timestamp(i64::from(n)),
            }
        };
        (0..count).rev().map(listed).collect()
    }

    /// The sizes of all pages, and how many rows were read for the longest of them.
    fn walk(folder: &[Listed], limit: usize) -> (Vec<usize>, usize) {
        let (mut sizes, mut before, mut most) = (Vec::new(), None, 0);
        let mut seen = Vec::new();
        loop {
            let read = std::cell::Cell::new(0);
            let rows = |after: Option<Cursor>, limit: usize| {
                let older = |row: &&Listed| after.is_none_or(|at| row.received_at < at.received_at);
                let rows: Vec<_> = folder.iter().filter(older).take(limit).cloned().collect();
                read.set(read.get() + rows.len());
                Ok::<_, std::convert::Infallible>(rows)
            };
            let (shown, next) = match page(rows, &MessageFilter::default(), before, limit) {
                Ok(page) => page,
                Err(never) => match never {},
            };
            most = most.max(read.get());
            sizes.push(shown.len());
            seen.extend(shown.into_iter().map(|row| row.id));
            match next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        let all: Vec<_> = folder.iter().map(|row| row.id).collect();
        assert_eq!(seen, all, "each row once, in order");
        (sizes, most)
    }

    #[test]
    fn a_page_of_long_rows_ends_early_and_no_row_is_lost() {
        let row = PAGE_BYTES_MAX / 4;
        let (sizes, read) = walk(&folder(200, row), 500);
        assert_eq!(sizes, vec![4; 50]);
        assert_eq!(read, ROWS_AT_ONCE, "no more is read than is looked at");
        let (sizes, _) = walk(&folder(3, 2 * PAGE_BYTES_MAX), 500);
        assert_eq!(sizes, [1, 1, 1], "a page has one row at least");
    }

    #[test]
    fn a_page_of_usual_rows_ends_with_its_limit_or_the_folder() {
        assert_eq!(walk(&folder(200, 120), 500).0, [200]);
        assert_eq!(walk(&folder(200, 120), 200).0, [200]);
        assert_eq!(walk(&folder(200, 120), 150).0, [150, 50]);
        assert_eq!(walk(&folder(128, 120), 1).0, vec![1; 128]);
        assert_eq!(walk(&[], 10).0, [0]);
    }

    /// Of many rows a few are read, or none.
    #[test]
    fn where_few_rows_fit_a_page_ends_where_enough_was_looked_at_and_the_next_one_goes_on() {
        const ROWS: i64 = 5_000;
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        let rows = |after: Option<Cursor>, limit: usize| {
            let first = after.map_or(ROWS, |at| at.received_at.0);
            let listed = |n: i64| {
                let mut object = message(MessageFolder::Inbox);
                let unread = Value::Bool(n % 1_000 != 0);
                object.set(Key::field(message_fields::UNREAD), version, unread);
                Listed {
                    id: ObjectId::from_bytes([7; 16]),
                    object,
                    one_server_only: false,
                    received_at: Timestamp(n),
                }
            };
            let rows = (0..first).rev().take(limit).map(listed).collect::<Vec<_>>();
            Ok::<_, std::convert::Infallible>(rows)
        };
        let pages = |filter: &MessageFilter, limit| {
            let (mut pages, mut before) = (Vec::new(), None);
            loop {
                let Ok((shown, next)) = page(rows, filter, before, limit);
                pages.push(
                    shown
                        .iter()
                        .map(|row| row.received_at.0)
                        .collect::<Vec<_>>(),
                );
                match next {
                    Some(next) => before = Some(next),
                    None => return pages,
                }
            }
        };
        let read = MessageFilter {
            unread: Some(false),
            ..MessageFilter::default()
        };
        assert_eq!(
            pages(&read, 500),
            [vec![4_000, 3_000], vec![2_000, 1_000], vec![0]]
        );
        assert_eq!(pages(&read, 1).concat(), [4_000, 3_000, 2_000, 1_000, 0]);
        let of_a_time = MessageFilter {
            since: Some(Timestamp(2_000)),
            until: Some(Timestamp(4_000)),
            ..read
        };
        assert_eq!(pages(&of_a_time, 500), [vec![3_000, 2_000]]);
        let few = MessageFilter {
            since: Some(Timestamp(4_990)),
            until: Some(Timestamp(4_992)),
            ..MessageFilter::default()
        };
        assert_eq!(pages(&few, 500), [vec![4_991, 4_990]]);
    }

    #[test]
    fn a_marking_that_says_nothing_changes_nothing() {
        let inbox = message(MessageFolder::Inbox);
        assert_eq!(registers(&inbox, Marking::default(), Timestamp(9)), []);
    }
}
