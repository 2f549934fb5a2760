//! A mail that comes again within a day is one message, whichever server of the pair it comes to.
//!
//! A gateway whose connection breaks after its last dot cannot know that the mail was taken, and sends it again; if the server has died, it goes to the
//! partner. Nothing is remembered for that but the messages themselves: the identity of a message follows from its mail (`MailDigest`),
//! so its copy, or the record of its deletion, is found by one look at each of three identities, and both are on both servers. What its
//! owner has moved to Deleted, or removed for good, does therefore not come back. Copies that both servers took while they were apart
//! are one object, and meet by a join.
//!
//! A mail without a Message-ID never comes again: it is another message each time, for some devices send the same words twice and mean it.
//! Where two mails arrive on different days by the clocks of two servers that are apart, there are two messages: one too many is no loss.

use crate::server::WriteTx;
use domain::message_fields::ENVELOPE;
use domain::{Key, MailDigest, ObjectId};
use ledger::{Ledger, LedgerError};

/// The message of one mailbox that a mail leads to.
pub(super) enum MailCopy {
    /// To be made, with this identity.
    New(ObjectId),
    /// It came before, and lies there or was deleted since.
    Had(ObjectId),
}

/// Looks for the copy of a mail in a mailbox, as it is in the open transaction. `drawn` is for a mail that has no identity of its own.
pub(super) fn copy(
    scope: &mut WriteTx<'_, '_>,
    mail: Option<&MailDigest>,
    owner: &ObjectId,
    drawn: ObjectId,
) -> Result<MailCopy, LedgerError> {
    let Some(mail) = mail else {
        return Ok(MailCopy::New(drawn));
    };
    let ids = mail.ids(owner, scope.now());
    for id in ids {
        if came_lately(scope, &id)? {
            return Ok(MailCopy::Had(id));
        }
    }
    // Of another day after all, by a clock that was wrong; or a row that cannot be read: who knows what it was. Then it is a message of its
    // own, for a creation under an identity that is taken does nothing.
    let [id, ..] = ids;
    let tx = scope.tx();
    let is_taken = tx.object(&id)?.is_some()
        || tx.unreadable(&id)?.is_some()
        || tx.deletion_record(&id)?.is_some();
    Ok(MailCopy::New(if is_taken { drawn } else { id }))
}

/// Whether the message with this identity has come, or was deleted for good, less than a day ago: by when its description was written, for what a
/// list shows may be the date of the mail.
fn came_lately(scope: &mut WriteTx<'_, '_>, id: &ObjectId) -> Result<bool, LedgerError> {
    let now = scope.now();
    let then = match scope.tx().object(id)? {
        Some(object) => Some(object.version(Key::field(ENVELOPE)).hlc.wall()),
        None => scope.tx().deletion_record(id)?.map(|record| record.at),
    };
    Ok(then.is_some_and(|then| MailDigest::is_within(then, now)))
}
