//! What one mailbox may hold: the one rule by which it is full, asked when a recipient is named and again in the transaction that writes.
//!
//! Deleted counts apart, under bounds of its own. It never keeps anybody from deleting; what is over its bounds puts new messages off
//! until Deleted has been emptied.

use crate::config::Mailboxes;
use store::MailboxCounts;

/// Whether a message has room in a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxRoom {
    /// It has.
    Enough,
    /// Not at present.
    Full,
}

/// Whether a message of so many bytes has room beside what is in the mailbox.
pub fn room(limits: &Mailboxes, counts: &MailboxCounts, more: u64) -> MailboxRoom {
    let messages = counts.inbox + counts.sent;
    let full = messages >= limits.messages_max
        || counts.bytes.saturating_add(more) >= limits.size_max
        || counts.deleted >= limits.deleted_messages_max
        || counts.deleted_bytes >= limits.deleted_size_max;
    if full {
        MailboxRoom::Full
    } else {
        MailboxRoom::Enough
    }
}

/// Whether a message of so many bytes has no room even in an empty mailbox: it never will.
pub fn is_too_long(limits: &Mailboxes, bytes: u64) -> bool {
    bytes >= limits.size_max
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Mailboxes = Mailboxes {
        size_max: 1_000,
        messages_max: 3,
        deleted_size_max: 500,
        deleted_messages_max: 2,
        deleted_keep_days: 7,
        drafts_size_max: 500,
        drafts_max: 2,
    };

    fn is_full(counts: MailboxCounts, more: u64) -> bool {
        room(&LIMITS, &counts, more) == MailboxRoom::Full
    }

    #[test]
    fn what_lies_in_deleted_takes_no_room_from_new_messages() {
        let counts = MailboxCounts {
            inbox: 1,
            sent: 1,
            bytes: 600,
            deleted: 1,
            deleted_bytes: 499,
            ..MailboxCounts::default()
        };
        assert!(!is_full(counts, 399));
        assert!(is_full(counts, 400));
        assert!(is_full(MailboxCounts { sent: 2, ..counts }, 1));
    }

    #[test]
    fn deleted_has_bounds_of_its_own() {
        let of = |deleted, deleted_bytes| MailboxCounts {
            deleted,
            deleted_bytes,
            ..MailboxCounts::default()
        };
        assert!(!is_full(of(1, 499), 1));
        assert!(is_full(of(2, 0), 1));
        assert!(is_full(of(0, 500), 1));
        assert!(is_too_long(&LIMITS, 1_000) && !is_too_long(&LIMITS, 999));
    }
}
