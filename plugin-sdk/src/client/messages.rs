//! Messages: lists, one message, its sound, marking, deleting.

use super::call::{Call, Progress, push_encoded};
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{
    Emptied, ErrorCode, Folder, Kind, MessageDetail, MessageList, MessagePatch, MessageRow,
    ObjectId, Timestamp,
};
use std::rc::Rc;

const MESSAGES: &str = "/api/v1/messages";

/// The messages of the user who is logged in. See [`crate::Client::messages`].
///
/// All calls are safe to repeat: reading changes nothing, and changes name the message and the state that it shall have.
pub struct Messages(pub(super) Rc<Driver>);

/// Which messages of a folder; by default all, the newest first. All that is said has to be so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageQuery<'a> {
    /// Words, at most 10 and 200 characters, each of which stands somewhere in the sender's name, number or address, the subject or the beginning
    /// of the text: in any letters, with or without accents, also as a part of a word.
    pub words: Option<&'a str>,
    /// What it mainly is; what is mixed is found as voice and as fax, too.
    pub kind: Option<Kind>,
    /// Unread, or read.
    pub unread: Option<bool>,
    /// Marked urgent by its sender, or not.
    pub urgent: Option<bool>,
    /// Marked private by its sender, or not.
    pub private: Option<bool>,
    /// Not received before this moment.
    pub since: Option<Timestamp>,
    /// Received before this moment.
    pub until: Option<Timestamp>,
}

impl Messages {
    /// One page of a folder, newest first. `before` is [`MessageList::next`] of the page before it; `limit` defaults to 500.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn page(
        &self,
        folder: Folder,
        before: Option<&str>,
        limit: Option<u32>,
    ) -> Result<MessageList, Error> {
        let path = list_path(folder, before, limit);
        let call = Call::safe(Method::Get, path).by(self.0.user()?);
        self.0.list_asked();
        self.0.call_json(&call).await
    }

    /// One page of those messages of a folder that meet a query, over all of the folder and not only what has been read of it, newest first.
    /// `before` is [`MessageList::next`] of the page before it, of the same query. A server looks at a few thousand messages for one page, so it may be
    /// short, or empty, although another one follows.
    ///
    /// A server of before knows no queries and gives the folder as it is.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for more words than are looked for at once; what every call may fail with.
    pub async fn find(
        &self,
        folder: Folder,
        query: MessageQuery<'_>,
        before: Option<&str>,
        limit: Option<u32>,
    ) -> Result<MessageList, Error> {
        let mut path = list_path(folder, before, limit);
        let mut give = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                path.push_str(&format!("&{name}="));
                push_encoded(&mut path, &value);
            }
        };
        give("words", query.words.map(str::to_owned));
        give("kind", query.kind.map(|kind| named(kind).to_owned()));
        give("unread", query.unread.map(|yes| yes.to_string()));
        give("urgent", query.urgent.map(|yes| yes.to_string()));
        give("private", query.private.map(|yes| yes.to_string()));
        give("since", query.since.map(|at| at.0.to_string()));
        give("until", query.until.map(|at| at.0.to_string()));
        let call = Call::safe(Method::Get, path).by(self.0.user()?);
        self.0.call_json(&call).await
    }

    /// One message with its recipients and parts.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found`; what every call may fail with.
    pub async fn read(&self, id: ObjectId) -> Result<MessageDetail, Error> {
        let call = Call::safe(Method::Get, format!("{MESSAGES}/{id}")).by(self.0.user()?);
        self.0.call_json(&call).await
    }

    /// Marks a message as unread or read.
    ///
    /// # Errors
    /// As [`Messages::read`].
    pub async fn set_unread(&self, id: ObjectId, unread: bool) -> Result<MessageRow, Error> {
        self.patch(id, Some(unread), None).await
    }

    /// Moves a message to Deleted.
    ///
    /// # Errors
    /// As [`Messages::read`].
    pub async fn delete(&self, id: ObjectId) -> Result<MessageRow, Error> {
        self.patch(id, None, Some(true)).await
    }

    /// Takes a message out of Deleted.
    ///
    /// # Errors
    /// As [`Messages::read`].
    pub async fn undelete(&self, id: ObjectId) -> Result<MessageRow, Error> {
        self.patch(id, None, Some(false)).await
    }

    async fn patch(
        &self,
        id: ObjectId,
        unread: Option<bool>,
        deleted: Option<bool>,
    ) -> Result<MessageRow, Error> {
        // A server of before takes a second HTTP `DELETE` for removing the message for good, so deleting is a change, too.
        let call = Call::safe(Method::Patch, format!("{MESSAGES}/{id}")).by(self.0.user()?);
        let call = call.with_json(&MessagePatch { unread, deleted })?;
        self.0.call_json(&call).await
    }

    /// Removes a message that lies in Deleted for good. One that is gone is no error.
    ///
    /// # Errors
    /// [`Error::Refused`] with `precondition_failed` for one that does not lie in Deleted, for example because it was taken back meanwhile:
    /// then it stays where it is. What every call may fail with.
    pub async fn expunge(&self, id: ObjectId) -> Result<(), Error> {
        let path = format!("{MESSAGES}/{id}?folder=deleted");
        let call = Call::safe(Method::Delete, path).by(self.0.user()?);
        match self.0.call_status(&call).await {
            // A server of before does not know the precondition. There it lay elsewhere, too, and has only been moved.
            Ok(200) => Err(Error::Malformed {
                what: "the message did not lie in Deleted, and was moved there only".to_owned(),
            }),
            Ok(_) => Ok(()),
            // Gone is gone: by an earlier try whose answer was lost, or by another client.
            Err(Error::Refused(refusal)) if refusal.code == ErrorCode::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Empties Deleted: what lies there goes for good and cannot be brought back.
    ///
    /// # Errors
    /// What every call may fail with; [`Error::Refused`] with `not_found` by a server of before, which cannot do it in one step.
    pub async fn empty_deleted(&self) -> Result<Emptied, Error> {
        let path = format!("{MESSAGES}/empty-deleted");
        self.0
            .call_json(&Call::safe(Method::Post, path).by(self.0.user()?))
            .await
    }

    /// The sound as a WAV file of 8 kHz, 16 bit, mono: of one part, or of the whole message. `progress` is told as it arrives;
    /// dropping the future stops it.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found` where there is nothing to hear, and with `unsupported_media`.
    pub async fn audio(
        &self,
        id: ObjectId,
        part: Option<u32>,
        progress: impl Fn(Progress) + 'static,
    ) -> Result<Vec<u8>, Error> {
        let part = part.map_or(String::new(), |part| format!("?part={part}"));
        let path = format!("{MESSAGES}/{id}/audio{part}");
        let call = Call::safe(Method::Get, path).by(self.0.user()?);
        self.0.call_bytes(&call.receiving(progress)).await
    }

    /// The sound as the server keeps it, a quarter or half of the WAV file, for who decodes it while it comes: the crate `codec` does,
    /// and the API's document says what it looks like. `received` is told all that has come so far and, if known, how much it will be;
    /// after a change of server it starts again with the same bytes. A server that has only the WAV file gives that: it begins with
    /// `RIFF`.
    ///
    /// # Errors
    /// As [`Messages::audio`].
    pub async fn stored_audio(
        &self,
        id: ObjectId,
        part: Option<u32>,
        received: impl Fn(&[u8], Option<u64>) + 'static,
    ) -> Result<Vec<u8>, Error> {
        let part = part.map_or(String::new(), |part| format!("&part={part}"));
        let path = format!("{MESSAGES}/{id}/audio?encoding=stored{part}");
        let call = Call::safe(Method::Get, path).by(self.0.user()?);
        self.0.call_bytes(&call.receiving_bytes(received)).await
    }
}

fn list_path(folder: Folder, before: Option<&str>, limit: Option<u32>) -> String {
    let folder = match folder {
        Folder::Inbox => "inbox",
        Folder::Sent => "sent",
        Folder::Deleted => "deleted",
    };
    let mut path = format!("{MESSAGES}?folder={folder}");
    if let Some(before) = before {
        path.push_str("&before=");
        push_encoded(&mut path, before);
    }
    if let Some(limit) = limit {
        path.push_str(&format!("&limit={limit}"));
    }
    path
}

fn named(kind: Kind) -> &'static str {
    match kind {
        Kind::Voice => "voice",
        Kind::Fax => "fax",
        Kind::Text => "text",
        Kind::Mixed => "mixed",
        Kind::Report => "report",
    }
}
