//! What queries answer, and where a list goes on.

use domain::{Object, ObjectId, Timestamp};
use std::fmt;
use std::str::FromStr;

/// One message of a mailbox list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its identity.
    pub id: ObjectId,
    /// The message; [`domain::Message::of`] reads it.
    pub object: Object,
    /// Its body is still owed to the partner, or held back from it.
    pub one_server_only: bool,
    /// When it was received, as the list is sorted.
    pub received_at: Timestamp,
}

/// A place in a mailbox list: after the message of this time and identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When that message was received.
    pub received_at: Timestamp,
    /// Its identity.
    pub id: ObjectId,
}

/// A place in the list of users: after the user of this number and identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCursor {
    /// Mailbox number.
    pub number: String,
    /// Identity.
    pub id: ObjectId,
}

/// Counts over one mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailboxCounts {
    /// Messages in the inbox.
    pub inbox: u64,
    /// Of these, not yet heard or read.
    pub unread: u64,
    /// Messages in Sent.
    pub sent: u64,
    /// Messages in Deleted.
    pub deleted: u64,
    /// Messages whose body is still owed to the partner, or held back from it.
    pub one_server_only: u64,
    /// Bytes of the bodies in the inbox and in Sent; a body in two messages counts twice.
    pub bytes: u64,
    /// Bytes of the bodies in Deleted, counted alike.
    pub deleted_bytes: u64,
}

/// A text that is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a message list")]
pub struct ParseCursorError;

impl Listed {
    /// Where the list goes on after this message.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            received_at: self.received_at,
            id: self.id,
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.received_at.0, self.id)
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let (ms, id) = text.split_once('.').ok_or(ParseCursorError)?;
        Ok(Self {
            received_at: Timestamp(ms.parse().map_err(|_| ParseCursorError)?),
            id: id.parse().map_err(|_| ParseCursorError)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_nonsense_is_refused() {
        let cursor = Cursor {
            received_at: Timestamp(-5),
            id: ObjectId::from_bytes([9; 16]),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "5", "x.y", "5.", "5.7200"] {
            assert_eq!(bad.parse::<Cursor>(), Err(ParseCursorError), "{bad:?}");
        }
    }
}
