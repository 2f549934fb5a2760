//! Handing a draft in: it becomes one message in the mailbox of each of its recipients and one in its sender's Sent, what goes to other systems is put on its
//! way, and the draft goes, all in one transaction.
//!
//! The client draws the identity of the *submission*, so it can ask again when the answer was lost, at either server: what was accepted says so. While the two
//! servers are apart both may accept the same one. Everything that the messages consist of follows from the draft and that identity, their date included, so
//! what both have made is the same, under the same identities, and is one when they meet.

use super::addressing::{self, Destination, Hosts, MailboxAddress, SystemAddress};
use super::deposit::{Accepted, DepositRefusal, accept};
use super::drafts::{self, FoundDraft};
use super::outgoing;
use super::quota::{self, MailboxRoom};
use super::users::check_drawn_id;
use super::{OpError, OpResult};
use crate::config::{Mailboxes, OutgoingMail};
use crate::reading::ReadingSide;
use crate::server::{Abort, Server, Wait, WriteError, WriteTx};
use bytes::Bytes;
use domain::{
    BodyRef, Change, DraftPart, DraftSource, Kind, Message, MessageFolder, NewOutgoing, Object,
    ObjectId, PartKind, ServerId, SourceAction, Submission, Timestamp,
};
use ledger::{Ledger, LedgerError};
use std::collections::BTreeSet;
use store::{Readers, View};
use vpim::audio::stored;
use vpim::build::{BuildError, Composition, CompositionPart, Recording};
use vpim::limits::{READING_CONSTANT, READING_FACTOR};
use vpim::{Content, Date, Party, Purpose, Transfer};

/// What has become of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The message in Sent. Its owner may have deleted it since.
    pub message: ObjectId,
    /// When it was accepted.
    pub at: Timestamp,
}

/// Hands draft `draft` of `user` in, as submission `id`. Asked again, it says what became of it the first time.
///
/// # Errors
/// [`OpError::Invalid`] for a draft that cannot be sent as it is, with a sentence about what is missing or whom it does not reach;
/// [`OpError::NotFound`] while the draft is not here; [`OpError::Conflict`] for one that was sent or discarded, and while something that was
/// recorded has not come whole; [`OpError::Forbidden`] for a private message that is passed on, and where a mailbox has no room. Nothing is sent then, to
/// nobody.
pub async fn submit(
    server: &Server,
    user: ObjectId,
    id: ObjectId,
    draft: ObjectId,
) -> OpResult<Submitted> {
    check_drawn_id(id)?;
    let ready = match look(server, user, id, draft).await? {
        Looked::Before(submitted) => return Ok(submitted),
        Looked::Ready(ready) => ready,
    };
    let (sender, recipients) = (ready.sender.clone(), ready.recipients.clone());
    let accepted = compose(server, id, *ready).await?;
    let limits = server.config().mailbox.clone();
    if quota::is_too_long(&limits, accepted.body.len() as u64) {
        return Err(too_long(limits.size_max));
    }
    let config = (server.config().fqdn.clone(), server.home());
    let outgoing_limits = server.config().smtp.outgoing.clone();
    let written = server.write_weighing(accepted.body.len(), Wait::Partner, move |scope| {
        let filing = Filing {
            submission: id,
            draft,
            sender: &sender,
            recipients: &recipients,
            accepted: &accepted,
            limits: &limits,
            outgoing_limits: &outgoing_limits,
            fqdn: &config.0,
            home: config.1,
        };
        filing.file(scope)
    });
    Ok(written.await?.value)
}

/// What was found before anything was read.
enum Looked {
    /// It was handed in before.
    Before(Submitted),
    /// It can be sent.
    Ready(Box<ReadyDraft>),
}

/// A draft with all that its message is made of, but for the octets.
struct ReadyDraft {
    sender: MailboxAddress,
    recipients: Vec<To>,
    draft: FoundDraft,
    /// The message that it answers or passes on, if it is there.
    source: Option<Object>,
}

/// A recipient, found.
#[derive(Clone)]
struct To {
    whom: Whom,
    copy: bool,
}

/// Who gets a message.
#[derive(Clone)]
enum Whom {
    /// A mailbox of the pair.
    Mailbox(MailboxAddress),
    /// Somebody on another system.
    System(SystemAddress),
}

impl Whom {
    fn name(&self) -> &str {
        match self {
            Self::Mailbox(mailbox) => &mailbox.name,
            Self::System(system) => &system.name,
        }
    }

    fn address(&self) -> &str {
        match self {
            Self::Mailbox(mailbox) => &mailbox.address,
            Self::System(system) => &system.address,
        }
    }
}

async fn look(server: &Server, user: ObjectId, id: ObjectId, draft: ObjectId) -> OpResult<Looked> {
    let hosts = Hosts::of(server);
    let asked = server.clone();
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            if let Some(object) = view.object(&id)? {
                return Ok(before(&object, user).map(|it| Some(Looked::Before(it))));
            }
            let Some(found) = drafts::in_view(view, user, draft)? else {
                return Ok(Ok(None));
            };
            ready(&asked, &hosts, view, user, found)
                .map(|ready| ready.map(|it| Some(Looked::Ready(Box::new(it)))))
        })
    });
    match read.await?? {
        Some(looked) => Ok(looked),
        // Says why it is not there.
        None => drafts::find(server, user, draft).await.and_then(|_| {
            let why = "The draft has just come. Try again.".into();
            Err(OpError::Conflict(why))
        }),
    }
}

/// What a submission says that was handed in before.
fn before(object: &Object, user: ObjectId) -> OpResult<Submitted> {
    let submission = Submission::of(object).filter(|_| object.owner == Some(user));
    let made = submission.and_then(|it| Some((it.message()?, it.accepted_at()?)));
    let (message, at) = made.ok_or_else(|| {
        let why = "The id is that of something else. Draw another id for this message.";
        OpError::Conflict(why.into())
    })?;
    Ok(Submitted { message, at })
}

/// Finds whom a draft goes to and what it passes on, and judges whether it can be sent.
fn ready(
    server: &Server,
    hosts: &Hosts,
    view: &View<'_>,
    user: ObjectId,
    found: FoundDraft,
) -> Result<OpResult<ReadyDraft>, store::StoreError> {
    let Some(sender) = view
        .object(&user)?
        .and_then(|object| hosts.mailbox(user, &object))
    else {
        return Ok(Err(OpError::unreadable()));
    };
    let mut recipients = Vec::new();
    for addressee in &found.draft.recipients {
        let whom = match addressing::resolve(server, hosts, view, &addressee.address)? {
            Destination::Nowhere(why) => return Ok(Err(OpError::Invalid(why))),
            Destination::Mailbox(mailbox) => Whom::Mailbox(mailbox),
            Destination::System(mut system) => {
                if !addressee.name.is_empty() {
                    system.name.clone_from(&addressee.name);
                }
                Whom::System(system)
            }
        };
        let copy = addressee.copy;
        recipients.push(To { whom, copy });
    }
    let mut named = BTreeSet::new();
    recipients.retain(|to| named.insert(to.whom.address().to_ascii_lowercase()));
    let source = match found.draft.source {
        Some(source) => view.object(&source.message)?,
        None => None,
    };
    let ready = ReadyDraft {
        sender,
        recipients,
        source: source.filter(|object| object.owner == Some(user)),
        draft: found,
    };
    Ok(ready.check().map(|()| ready))
}

impl ReadyDraft {
    fn check(&self) -> OpResult<()> {
        if self.recipients.is_empty() {
            let why = "The message has no recipient yet. Enter a mailbox number.";
            return Err(OpError::Invalid(why.into()));
        }
        let forwards = self.forwarded()?.is_some();
        let draft = &self.draft.draft;
        if self.draft.parts.is_empty() && draft.text.trim().is_empty() && !forwards {
            let why =
                "The message says nothing yet. Record something, attach a file or write a text.";
            return Err(OpError::Invalid(why.into()));
        }
        match self.draft.parts.iter().find(|part| !part.whole) {
            Some(part) => Err(not_whole(part)),
            None => Ok(()),
        }
    }

    /// The message that is passed on.
    fn forwarded(&self) -> OpResult<Option<&Object>> {
        let Some(DraftSource {
            action: SourceAction::Forward,
            ..
        }) = self.draft.draft.source
        else {
            return Ok(None);
        };
        let gone = || {
            let why = "The message that this one passes on is not in the mailbox any more.";
            OpError::Invalid(why.into())
        };
        let source = self.source.as_ref().ok_or_else(gone)?;
        let envelope = Message::of(source).and_then(|message| message.envelope());
        if envelope.ok_or_else(gone)?.private {
            let why = "Its sender has marked this message as private. It cannot be forwarded.";
            return Err(OpError::Forbidden(why.into()));
        }
        Ok(Some(source))
    }

    /// Bytes of all that was recorded and attached, and of what is passed on.
    fn len(&self) -> u64 {
        let parts = self.draft.parts.iter().map(|part| part.received);
        let source = self.source.as_ref().and_then(|object| object.body);
        let text = self.draft.draft.text.len() as u64;
        parts.sum::<u64>() + source.map_or(0, |body| body.len.into()) + text
    }

    /// Writes the message. Nothing of this server and this moment goes into it.
    fn mail(
        &self,
        readers: &Readers,
        submission: ObjectId,
    ) -> Result<OpResult<Bytes>, store::StoreError> {
        let mut octets = Vec::with_capacity(self.draft.parts.len());
        for part in &self.draft.parts {
            match part_octets(readers, part)? {
                Ok(read) => octets.push(read),
                Err(why) => return Ok(Err(why)),
            }
        }
        let source = self.source.as_ref().and_then(|object| object.body);
        let content = match super::messages::content(readers, source)? {
            Ok(content) => content,
            Err(why) => return Ok(Err(why)),
        };
        Ok(self.encode(submission, &octets, &content))
    }

    fn encode(&self, submission: ObjectId, octets: &[Vec<u8>], source: &[u8]) -> OpResult<Bytes> {
        let draft = &self.draft.draft;
        let source = vpim::parse_kept(source);
        let in_reply_to = source.envelope.message_id.clone();
        let parts = self.draft.parts.iter().zip(octets);
        let mut parts: Vec<_> = parts.map(|(part, octets)| composed(part, octets)).collect();
        if self.forwarded()?.is_some() {
            parts.push(CompositionPart::Forwarded(source));
        }
        let named = |copy| {
            let these = self.recipients.iter().filter(move |to| to.copy == copy);
            let party = |to: &To| Party::named(to.whom.name(), to.whom.address());
            these.map(party).collect::<Vec<_>>()
        };
        let (mut to, mut cc) = (named(false), named(true));
        if to.is_empty() {
            // A message has somebody in To (RFC 3801 section 4.2.2).
            std::mem::swap(&mut to, &mut cc);
        }
        let (_, host) = self.sender.address.rsplit_once('@').unwrap_or_default();
        let composition = Composition {
            from: Party::named(&*self.sender.name, &*self.sender.address),
            to,
            cc,
            subject: Some(draft.subject.clone()).filter(|subject| !subject.is_empty()),
            date: Date {
                unix_s: drawn_at(submission).0.div_euclid(1_000),
                zone_min: 0,
            },
            message_id: format!("{submission}@{host}"),
            in_reply_to: in_reply_to.filter(|_| draft.source.is_some()),
            urgent: draft.urgent,
            private: draft.private,
            language: None,
            receipt_to: None,
            text: draft.text.clone(),
            parts,
        };
        let message = composition.message().map_err(not_built)?;
        Ok(vpim::encode(&message, Transfer::Binary, 0).into())
    }
}

/// Reads what was recorded, writes the message and reads it as any mail is read, so that it is judged alike and its sound can be heard.
async fn compose(server: &Server, submission: ObjectId, ready: ReadyDraft) -> OpResult<Accepted> {
    let (len, len_max) = (ready.len(), server.config().smtp.message_size_max);
    if len > len_max as u64 {
        return Err(too_long(len_max as u64));
    }
    // The pieces, the parts, the message, and what reading a message that is passed on takes.
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let bytes = len
        .saturating_mul(3 + READING_FACTOR)
        .saturating_add(READING_CONSTANT);
    let held = server.reading().take(ReadingSide::Answers, bytes).await?;
    let has_fax = ready
        .draft
        .parts
        .iter()
        .any(|part| part.kind == PartKind::Fax);
    let mail = server.read(move |readers| ready.mail(readers, submission));
    let mail = mail.await??;
    let accepted = accept(server, mail, None, server.now())
        .await
        .map_err(refused)?;
    let checked = server.read(move |_| {
        let unheard = unheard(&vpim::parse_kept(&accepted.body));
        Ok((accepted, unheard))
    });
    let (accepted, unheard) = checked.await?;
    drop(held);
    if let Some(what) = unheard {
        return Err(cannot_be_played(&what));
    }
    if has_fax && accepted.envelope.pages.is_none() {
        let why = "The fax cannot be read. Attach a TIFF file with fax pages.";
        return Err(OpError::Invalid(why.into()));
    }
    Ok(accepted)
}

/// A file that was attached as sound and cannot be heard. Of a mail that came it would be an attachment; whoever composes can still choose another.
fn unheard(message: &vpim::Message<'_>) -> Option<String> {
    message.parts.iter().find_map(|part| match &part.content {
        Content::Other { content_type, .. } if content_type.starts_with("audio/") => {
            Some(part.filename().unwrap_or_else(|| "a file".into()))
        }
        Content::Voice(voice) if voice.duration_ms() == 0 => Some("an empty recording".into()),
        _ => None,
    })
}

fn part_octets(
    readers: &Readers,
    part: &DraftPart,
) -> Result<OpResult<Vec<u8>>, store::StoreError> {
    let mut octets = Vec::with_capacity(usize::try_from(part.received).unwrap_or(0));
    for (offset, _, body) in &part.pieces {
        let end = offset.saturating_add(body.len.into());
        let have = octets.len() as u64;
        if end <= have || *offset > have {
            continue;
        }
        match super::messages::content(readers, Some(*body))? {
            Ok(piece) => {
                let known = usize::try_from(have - offset).unwrap_or(usize::MAX);
                octets.extend_from_slice(piece.get(known..).unwrap_or_default());
            }
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(octets))
}

/// A part as it stands in the message.
fn composed<'a>(part: &DraftPart, octets: &'a [u8]) -> CompositionPart<'a> {
    match (part.kind, stored::adpcm(octets)) {
        (PartKind::Voice, Some(codes)) => {
            CompositionPart::Voice(Recording::adpcm(Purpose::VoiceMessage, codes))
        }
        (PartKind::Voice, None) => CompositionPart::SoundFile {
            data: octets.into(),
            filename: match &part.name[..] {
                "" => "recording".to_owned(),
                name => name.to_owned(),
            },
        },
        (PartKind::Fax, _) => CompositionPart::Fax {
            data: octets.into(),
            filename: Some(part.name.clone()).filter(|name| !name.is_empty()),
        },
    }
}

/// The moment at which an identity was drawn (RFC 9562 section 5.7).
fn drawn_at(id: ObjectId) -> Timestamp {
    let [a, b, c, d, e, f, ..] = *id.as_bytes();
    Timestamp(i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

/// What is filed in one transaction.
struct Filing<'a> {
    submission: ObjectId,
    draft: ObjectId,
    sender: &'a MailboxAddress,
    recipients: &'a [To],
    accepted: &'a Accepted,
    limits: &'a Mailboxes,
    outgoing_limits: &'a OutgoingMail,
    fqdn: &'a str,
    home: ServerId,
}

impl Filing<'_> {
    fn file(&self, scope: &mut WriteTx<'_, '_>) -> Result<Submitted, Abort<OpError>> {
        let sender = self.sender.user;
        if let Some(object) = scope.tx().object(&self.submission)? {
            // The same request twice at once.
            return before(&object, sender).map_err(Abort::Refused);
        }
        drafts::require(scope, sender, self.draft)?;
        let body = scope.append_body(&self.accepted.body)?;
        self.require_room(scope, sender, || {
            "Your mailbox is full. Delete messages, or empty Deleted, and send again.".into()
        })?;
        for to in self.recipients {
            if let Whom::Mailbox(mailbox) = &to.whom {
                self.deliver(scope, mailbox, body)?;
            }
        }
        let sent = MessageFolder::Sent;
        let message = Message::submitted_id(&self.submission, &sender, sent, &body);
        let recipients = self.recipients.iter();
        let to = recipients.map(|to| (to.whom.name(), to.whom.address()));
        let (envelope, text) = (&self.accepted.envelope, self.accepted.text.clone());
        let registers = Message::sent(envelope, text, to);
        create(scope, message, sender, body, registers)?;
        drafts::remove(scope, sender, self.draft)?;
        let at = scope.now();
        self.put_on_its_way(scope, message, at, body)?;
        forget_old(scope, sender, at)?;
        scope.change(&Change::Create {
            id: self.submission,
            kind: Kind::SUBMISSION,
            owner: Some(sender),
            body: None,
            registers: Submission::registers(&message, at),
        })?;
        Ok(Submitted { message, at })
    }

    /// Puts it into a mailbox of the pair.
    fn deliver(
        &self,
        scope: &mut WriteTx<'_, '_>,
        mailbox: &MailboxAddress,
        body: BodyRef,
    ) -> Result<(), Abort<OpError>> {
        let (number, name) = (&mailbox.number, &mailbox.name);
        if scope.tx().object(&mailbox.user)?.is_none() {
            let gone = format!("Mailbox {number} has just been deleted.");
            return Err(Abort::Refused(OpError::Invalid(gone)));
        }
        self.require_room(scope, mailbox.user, || {
            format!("Mailbox {number} ({name}) is full. Take it out of the recipients, or send the message later.")
        })?;
        let inbox = MessageFolder::Inbox;
        let id = Message::submitted_id(&self.submission, &mailbox.user, inbox, &body);
        let (trace, text) = (self.trace(scope.now(), id), self.accepted.text.clone());
        let registers = Message::arrival(&self.accepted.envelope, trace, text);
        Ok(create(scope, id, mailbox.user, body, registers)?)
    }

    /// Puts it on its way to those on other systems.
    fn put_on_its_way(
        &self,
        scope: &mut WriteTx<'_, '_>,
        message: ObjectId,
        accepted_at: Timestamp,
        body: BodyRef,
    ) -> Result<(), Abort<OpError>> {
        let systems = self.recipients.iter().filter_map(|to| match &to.whom {
            Whom::System(system) => Some((system.address.clone(), system.name.clone())),
            Whom::Mailbox(_) => None,
        });
        let recipients: Vec<_> = systems.collect();
        if recipients.is_empty() {
            return Ok(());
        }
        let new = NewOutgoing {
            message,
            accepted_at,
            from: self.sender.address.clone(),
            subject: self.accepted.envelope.subject.clone(),
            recipients,
            carrier: self.home,
        };
        outgoing::put_in(scope, self.sender.user, &new, body, self.outgoing_limits)
    }

    /// Refuses the whole where one has no room: its sender is still there, and decides.
    fn require_room(
        &self,
        scope: &mut WriteTx<'_, '_>,
        user: ObjectId,
        full: impl FnOnce() -> String,
    ) -> Result<(), Abort<OpError>> {
        let content = scope
            .tx()
            .view()
            .content(&user)
            .map_err(LedgerError::from)?;
        match quota::room(self.limits, &content, self.accepted.body.len() as u64) {
            MailboxRoom::Enough => Ok(()),
            MailboxRoom::Full => Err(Abort::Refused(OpError::Forbidden(full()))),
        }
    }

    /// How it came, as the trace line of a mail says it (RFC 5321 section 4.4).
    fn trace(&self, now: Timestamp, id: ObjectId) -> String {
        let date = Date {
            unix_s: now.0.div_euclid(1_000),
            zone_min: 0,
        };
        format!("by {} with HTTP id {id}; {date}", self.fqdn)
    }
}

fn create(
    scope: &mut WriteTx<'_, '_>,
    id: ObjectId,
    owner: ObjectId,
    body: BodyRef,
    registers: Vec<(domain::Key, domain::Value)>,
) -> Result<(), LedgerError> {
    scope.change(&Change::Create {
        id,
        kind: Kind::MESSAGE,
        owner: Some(owner),
        body: Some(body),
        registers,
    })
}

/// Forgets submissions that nobody asks about any more.
fn forget_old(
    scope: &mut WriteTx<'_, '_>,
    user: ObjectId,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let all = scope.tx().view().belongings(&user, Kind::SUBMISSION)?;
    for (id, object) in &all {
        let at = Submission::of(object).and_then(|it| it.accepted_at());
        if at.is_some_and(|at| at.0.saturating_add(Submission::KEPT_MS) < now.0) {
            scope.change(&Change::Delete { id: *id })?;
        }
    }
    Ok(())
}

fn not_whole(part: &DraftPart) -> OpError {
    let what = match (&part.name[..], part.kind) {
        ("", PartKind::Voice) => "A recording".to_owned(),
        ("", PartKind::Fax) => "A fax".to_owned(),
        (name, _) => format!("\"{name}\""),
    };
    OpError::Conflict(format!(
        "{what} has not come whole: {} bytes are here. Upload the rest and send again.",
        part.received
    ))
}

fn too_long(max: u64) -> OpError {
    OpError::Invalid(format!(
        "The message is longer than {} MB, which is the most. Send it in parts.",
        max / 1_000_000
    ))
}

fn not_built(error: BuildError) -> OpError {
    OpError::Invalid(format!("This cannot be sent: {error}."))
}

fn cannot_be_played(what: &str) -> OpError {
    OpError::Invalid(format!(
        "The message holds {what}, which cannot be played. Attach WAV, MP3, M4A, Ogg, WebM or AMR."
    ))
}

fn refused(error: WriteError<DepositRefusal>) -> OpError {
    match error {
        WriteError::Refused(DepositRefusal::Content(refusal)) => match refusal {
            vpim::Refusal::MediaNotSupported { what } => cannot_be_played(&what),
            malformed @ vpim::Refusal::Malformed(_) => OpError::Invalid(malformed.to_string()),
        },
        WriteError::Refused(DepositRefusal::Crowded) => crate::reading::Crowded.into(),
        WriteError::Refused(other) => OpError::internal(format!("{other:?}")),
        WriteError::Failed(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_message_is_when_its_identity_was_drawn() {
        let id: ObjectId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(drawn_at(id), Timestamp(0x0189_0a5d_ac96));
    }
}
