//! Composing: drafts, what is recorded for them, and sending them.

use super::call::{Call, Progress, push_encoded};
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{
    AddressQuery, Draft, DraftContent, DraftPart, DraftRow, NewSubmission, ObjectId, PartKind,
    ResolvedAddress, Submission,
};
use std::rc::Rc;

const DRAFTS: &str = "/api/v1/drafts";

/// The messages that the user who is logged in is composing. See [`crate::Client::drafts`].
///
/// Whoever begins one draws its identity ([`Drafts::new_id`]), and that of each recording and of the submission, and keeps them: then every call may be
/// repeated, also after a restart and at the other server, and nothing is there, or sent, twice. A server that was down for a moment may lack what the
/// other one has just taken: [`Error::Refused`] with `not_found` means *save the draft and upload what is missing, then go on*.
pub struct Drafts(pub(super) Rc<Driver>);

/// Where a piece of a recording or file belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PiecePlace<'a> {
    /// The draft.
    pub draft: ObjectId,
    /// The recording or file.
    pub part: ObjectId,
    /// Sound, or fax pages.
    pub kind: PartKind,
    /// The name of the file; empty for a recording.
    pub name: &'a str,
    /// Bytes of it that come before this piece.
    pub offset: u64,
    /// It ends with this piece.
    pub last: bool,
}

impl Drafts {
    /// An identity for a draft, a recording or a submission: a UUIDv7.
    pub fn new_id(&self) -> ObjectId {
        self.0.new_id()
    }

    /// All of them, the one that was changed last first. Safe.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn all(&self) -> Result<Vec<DraftRow>, Error> {
        let call = Call::safe(Method::Get, DRAFTS.to_owned()).by(self.0.user()?);
        self.0.call_json(&call).await
    }

    /// One of them, with what was recorded for it. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found`, or with `conflict` when it was sent or discarded.
    pub async fn get(&self, id: ObjectId) -> Result<Draft, Error> {
        let call = Call::safe(Method::Get, path(id)).by(self.0.user()?);
        self.0.call_json(&call).await
    }

    /// Saves what is typed and chosen, and makes the draft if it is not there. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for what cannot be kept, with `conflict` when it was sent or discarded on another device, and with `forbidden`
    /// when there are too many drafts.
    pub async fn save(&self, id: ObjectId, content: &DraftContent) -> Result<Draft, Error> {
        let call = Call::safe(Method::Put, path(id)).by(self.0.user()?);
        self.0.call_json(&call.with_json(content)?).await
    }

    /// Discards a draft with all that was recorded for it. One that is not there is no error. Safe.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn discard(&self, id: ObjectId) -> Result<(), Error> {
        let call = Call::safe(Method::Delete, path(id)).by(self.0.user()?);
        self.0.call_empty(&call).await
    }

    /// Uploads a piece of a recording or file: 1 byte to 1 MiB. Returns how much of it has come; an upload that was interrupted goes on at
    /// `received`. Safe: octets that are there already are found.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found` while this server does not have the draft, with `conflict` when that was sent or discarded, and with
    /// `forbidden` when drafts hold too much.
    pub async fn upload(
        &self,
        place: &PiecePlace<'_>,
        octets: impl Into<Rc<[u8]>>,
        progress: impl Fn(Progress) + 'static,
    ) -> Result<DraftPart, Error> {
        let kind = match place.kind {
            PartKind::Voice => "voice",
            PartKind::Fax => "fax",
        };
        let mut path = part_path(place.draft, place.part);
        path += &format!("?offset={}&kind={kind}&last={}", place.offset, place.last);
        if !place.name.is_empty() {
            path += "&name=";
            push_encoded(&mut path, place.name);
        }
        let call = Call::safe(Method::Put, path).by(self.0.user()?);
        let call = call.with_bytes("application/octet-stream", octets.into());
        self.0.call_json(&call.sending(progress)).await
    }

    /// Some of what was recorded or attached, from `offset` on: one piece at most, nothing where it has not come so far. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found` or `conflict`.
    pub async fn download(
        &self,
        draft: ObjectId,
        part: ObjectId,
        offset: u64,
    ) -> Result<Vec<u8>, Error> {
        let path = format!("{}?offset={offset}", part_path(draft, part));
        let call = Call::safe(Method::Get, path).by(self.0.user()?);
        self.0.call_bytes(&call).await
    }

    /// Discards a recording or file. One that is not there is no error. Safe.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn discard_part(&self, draft: ObjectId, part: ObjectId) -> Result<(), Error> {
        let call = Call::safe(Method::Delete, part_path(draft, part)).by(self.0.user()?);
        self.0.call_empty(&call).await
    }

    /// Sends a draft, as a submission of this identity. It becomes a message for each recipient and one in Sent, and the draft goes; or nothing happens.
    /// By key: asked again with the same identity, at either server, the answer says what became of it the first time.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for a draft that reaches nobody or says nothing, with `forbidden` for a private message that is
    /// passed on and for a full mailbox, with `not_found` while this server does not have the draft, with `conflict` when it was sent or
    /// discarded on another device, and while a recording has not come whole.
    pub async fn send(&self, submission: ObjectId, draft: ObjectId) -> Result<Submission, Error> {
        let new = NewSubmission {
            id: submission,
            draft,
        };
        let call = Call::by_key(Method::Post, "/api/v1/messages".to_owned()).by(self.0.user()?);
        self.0.call_json(&call.with_json(&new)?).await
    }

    /// Users of both servers whose names or numbers begin with what is typed: at most 20. Safe.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn address_book(&self, typed: &str) -> Result<Vec<ResolvedAddress>, Error> {
        let mut path = "/api/v1/address-book?words=".to_owned();
        push_encoded(&mut path, typed);
        let call = Call::safe(Method::Get, path).by(self.0.user()?);
        self.0.call_json(&call).await
    }

    /// Whom addresses lead to, in their order; at most 500. Safe.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn resolve(&self, addresses: Vec<String>) -> Result<Vec<ResolvedAddress>, Error> {
        let call = Call::safe(Method::Post, "/api/v1/addresses".to_owned()).by(self.0.user()?);
        let query = AddressQuery { addresses };
        self.0.call_json(&call.with_json(&query)?).await
    }
}

fn path(id: ObjectId) -> String {
    format!("{DRAFTS}/{id}")
}

fn part_path(draft: ObjectId, part: ObjectId) -> String {
    format!("{DRAFTS}/{draft}/parts/{part}")
}
