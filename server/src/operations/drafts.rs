//! Messages that are being composed: kept as they are typed and recorded, on both servers, until they are sent or discarded.
//!
//! What is saved twice, or at both servers because the answer of one was lost, is saved once. A draft that was sent or discarded on one device
//! does not come back by what another device still saves.

use super::users::check_drawn_id;
use super::{OpError, OpResult};
use crate::server::{Abort, Server, Wait, WriteTx};
use bytes::Bytes;
use domain::{
    BodyRef, Change, Draft, DraftPart, DraftPiece, Key, Kind, Object, ObjectId, PartKind,
    PiecePlace, Timestamp, Value, check_name, draft_piece_fields,
};
use ledger::{Ledger, LedgerError};
use store::{StoreError, View};

/// A draft with what has been recorded and attached for it.
#[derive(Clone, Debug)]
pub struct FoundDraft {
    /// Its identity.
    pub id: ObjectId,
    /// What is typed and chosen.
    pub draft: Draft,
    /// When that was changed last.
    pub changed_at: Timestamp,
    /// What is recorded and attached, as far as it has come, in order.
    pub parts: Vec<DraftPart>,
}

/// A piece of a part, as it comes.
#[derive(Clone, Debug)]
pub struct NewPiece {
    /// Where it belongs.
    pub place: PiecePlace,
    /// What its part is.
    pub kind: PartKind,
    /// The name of the file that its part is; may be empty.
    pub name: String,
    /// Its part ends with it.
    pub last: bool,
    /// Its octets.
    pub octets: Bytes,
}

/// The drafts of `user`, the one that was changed last first.
///
/// # Errors
/// What the store cannot do.
pub async fn all(server: &Server, user: ObjectId) -> OpResult<Vec<FoundDraft>> {
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            let drafts = view.belongings(&user, Kind::DRAFT)?;
            let pieces = view.belongings(&user, Kind::DRAFT_PIECE)?;
            let found = drafts
                .iter()
                .map(|(id, object)| found(*id, object, &pieces));
            Ok(found.flatten().collect())
        })
    });
    let mut drafts: Vec<FoundDraft> = read.await?;
    drafts.sort_by_key(|draft| std::cmp::Reverse((draft.changed_at, draft.id)));
    Ok(drafts)
}

/// One draft of `user`.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Conflict`] for one that was sent or discarded.
pub async fn find(server: &Server, user: ObjectId, id: ObjectId) -> OpResult<FoundDraft> {
    let read = server.read(move |readers| readers.snapshot(|view| in_view(view, user, id)));
    match read.await? {
        Some(draft) => Ok(draft),
        None => Err(absent(server, id).await?),
    }
}

/// A draft of `user` as it is in a snapshot.
pub(super) fn in_view(
    view: &View<'_>,
    user: ObjectId,
    id: ObjectId,
) -> Result<Option<FoundDraft>, StoreError> {
    let Some(object) = view.object(&id)?.filter(|object| is_of(object, user)) else {
        return Ok(None);
    };
    let pieces = view.belongings(&user, Kind::DRAFT_PIECE)?;
    Ok(found(id, &object, &pieces))
}

/// Why a draft is not there. Only the writer knows what was deleted.
async fn absent(server: &Server, id: ObjectId) -> OpResult<OpError> {
    let asked = server.write_anyway(Wait::Local, move |scope| {
        Ok::<_, Abort<OpError>>(scope.tx().deletion_record(&id)?.is_some())
    });
    Ok(match asked.await?.value {
        true => over(),
        false => no_draft(),
    })
}

/// Saves what is typed and chosen of a draft of `user`, and makes it if it is not there.
///
/// # Errors
/// [`OpError::Invalid`] for what could not be kept; [`OpError::Conflict`] for a draft that was sent or discarded;
/// [`OpError::Forbidden`] for one too many.
pub async fn save(
    server: &Server,
    user: ObjectId,
    id: ObjectId,
    draft: Draft,
) -> OpResult<FoundDraft> {
    check_drawn_id(id)?;
    draft.check()?;
    let drafts_max = server.config().mailbox.drafts_max;
    let written = server.write(Wait::Partner, move |scope| {
        let registers = draft.registers();
        match scope.tx().object(&id)? {
            Some(object) if is_of(&object, user) => {
                scope.change(&Change::Set { id, registers })?;
            }
            Some(_) => return Err(Abort::Refused(anothers())),
            None if scope.tx().deletion_record(&id)?.is_some() => {
                return Err(Abort::Refused(over()));
            }
            None => {
                clear_abandoned(scope, user)?;
                let present = scope.tx().view().belongings(&user, Kind::DRAFT)?.len();
                if present as u64 >= drafts_max {
                    return Err(Abort::Refused(OpError::Forbidden(format!(
                        "There are {present} drafts, which is the most. Send or discard one."
                    ))));
                }
                scope.change(&Change::Create {
                    id,
                    kind: Kind::DRAFT,
                    owner: Some(user),
                    body: None,
                    registers,
                })?;
            }
        }
        present(scope, user, id)
    });
    Ok(written.await?.value)
}

/// Discards a draft of `user` and all that was recorded for it. One that is not there is no error.
///
/// # Errors
/// What the writer cannot do.
pub async fn discard(server: &Server, user: ObjectId, id: ObjectId) -> OpResult<()> {
    let written = server.write_anyway(Wait::Partner, move |scope| {
        if let Some(object) = scope.tx().object(&id)?
            && is_of(&object, user)
        {
            remove(scope, user, id)?;
        }
        Ok::<_, Abort<OpError>>(())
    });
    written.await?;
    Ok(())
}

/// Takes a draft with its pieces away, in the open transaction.
pub(super) fn remove(
    scope: &mut WriteTx<'_, '_>,
    user: ObjectId,
    id: ObjectId,
) -> Result<(), LedgerError> {
    scope.change(&Change::Delete { id })?;
    let pieces = scope.tx().view().belongings(&user, Kind::DRAFT_PIECE)?;
    for (piece, object) in &pieces {
        if draft_of(object) == Some(id) {
            scope.change(&Change::Delete { id: *piece })?;
        }
    }
    Ok(())
}

/// Takes a piece of a part of a draft of `user`. Returns the part as far as it has come: who finds that something of it is missing goes on where
/// that begins.
///
/// # Errors
/// [`OpError::NotFound`] while the draft is not here; [`OpError::Conflict`] for a draft that was sent or discarded, for a part that was
/// discarded, and for other octets at the same place; [`OpError::Invalid`] for a piece that is empty or too long; [`OpError::Forbidden`] for
/// more than drafts may hold.
pub async fn add_piece(server: &Server, user: ObjectId, piece: NewPiece) -> OpResult<DraftPart> {
    let len = piece.octets.len();
    if !(1..=DraftPiece::BYTES_MAX).contains(&len) {
        return Err(OpError::Invalid(format!(
            "A piece has 1 to {} bytes, and this one has {len}.",
            DraftPiece::BYTES_MAX
        )));
    }
    if !piece.name.is_empty() {
        let what = "The name of a recording or file";
        check_name(what, &piece.name, DraftPiece::NAME_LENGTH_MAX)?;
    }
    let size_max = server.config().mailbox.drafts_size_max;
    let written = server.write_weighing(len, Wait::Partner, move |scope| {
        let id = DraftPiece::id(&piece.place);
        require(scope, user, piece.place.draft)?;
        let body = BodyRef::of(&piece.octets);
        match scope.tx().object(&id)? {
            Some(object) if object.owner == Some(user) && object.body == Some(body) => {
                if piece.last {
                    let last = Key::field(draft_piece_fields::LAST);
                    let registers = vec![(last, Value::Bool(true))];
                    scope.change(&Change::Set { id, registers })?;
                }
            }
            Some(_) => return Err(Abort::Refused(other_octets())),
            None if scope.tx().deletion_record(&id)?.is_some() => {
                return Err(Abort::Refused(part_over()));
            }
            None => create_piece(scope, user, id, &piece, size_max)?,
        }
        let draft = present(scope, user, piece.place.draft)?;
        let part = draft
            .parts
            .into_iter()
            .find(|part| part.id == piece.place.part);
        Ok(part.ok_or_else(|| LedgerError("a piece that was made is not there".into()))?)
    });
    Ok(written.await?.value)
}

fn create_piece(
    scope: &mut WriteTx<'_, '_>,
    user: ObjectId,
    id: ObjectId,
    piece: &NewPiece,
    size_max: u64,
) -> Result<(), Abort<OpError>> {
    let pieces = scope.tx().view().belongings(&user, Kind::DRAFT_PIECE)?;
    let bodies = pieces.iter().filter_map(|(_, object)| object.body);
    let bytes = bodies.map(|body| u64::from(body.len)).sum::<u64>();
    if bytes + piece.octets.len() as u64 > size_max || pieces.len() >= Draft::PIECES_MAX {
        return Err(Abort::Refused(OpError::Forbidden(format!(
            "The drafts hold as much as they may ({} MB). Send or discard one.",
            size_max / 1_000_000
        ))));
    }
    let of_draft = pieces.iter().map(|(id, object)| (*id, object));
    let parts = DraftPart::all(piece.place.draft, of_draft);
    if parts.len() >= Draft::PARTS_MAX && !parts.iter().any(|part| part.id == piece.place.part) {
        return Err(Abort::Refused(OpError::Forbidden(format!(
            "A message has at most {} recordings and files.",
            Draft::PARTS_MAX
        ))));
    }
    let body = scope.append_body(&piece.octets)?;
    Ok(scope.change(&Change::Create {
        id,
        kind: Kind::DRAFT_PIECE,
        owner: Some(user),
        body: Some(body),
        registers: DraftPiece::registers(&piece.place, piece.kind, &piece.name, piece.last),
    })?)
}

/// Octets of a part of a draft of `user` from `offset` on: those of one piece, so that whoever reads asks again until the part ends. Empty
/// where it has not come so far.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Conflict`] for a draft that was sent or discarded; [`OpError::NotHere`] while the disk cannot read it.
pub async fn read_part(
    server: &Server,
    user: ObjectId,
    (draft, part): (ObjectId, ObjectId),
    offset: u64,
) -> OpResult<Bytes> {
    let found = find(server, user, draft).await?;
    let part = found.parts.into_iter().find(|its| its.id == part);
    let part = part.ok_or_else(no_part)?;
    let end = |(start, body): (u64, &BodyRef)| start.saturating_add(body.len.into());
    let piece = part.pieces.iter().find(|(start, _, body)| {
        *start <= offset && offset < end((*start, body)).min(part.received)
    });
    let Some((start, _, body)) = piece.copied() else {
        return Ok(Bytes::new());
    };
    let content = server.read(move |readers| super::messages::content(readers, Some(body)));
    let octets = content.await??;
    let skipped = usize::try_from(offset - start).unwrap_or(usize::MAX);
    Ok(octets.slice(skipped.min(octets.len())..))
}

/// Discards a part of a draft of `user`. One that is not there is no error.
///
/// # Errors
/// What the writer cannot do.
pub async fn discard_part(
    server: &Server,
    user: ObjectId,
    (draft, part): (ObjectId, ObjectId),
) -> OpResult<()> {
    let written = server.write_anyway(Wait::Partner, move |scope| {
        let pieces = scope.tx().view().belongings(&user, Kind::DRAFT_PIECE)?;
        for (id, object) in &pieces {
            let place = DraftPiece::of(object).and_then(|piece| piece.place());
            if place.is_some_and(|place| (place.draft, place.part) == (draft, part)) {
                scope.change(&Change::Delete { id: *id })?;
            }
        }
        Ok::<_, Abort<OpError>>(())
    });
    written.await?;
    Ok(())
}

/// Takes pieces away whose draft was sent or discarded: another device had recorded them meanwhile, or the partner. What merely is not there
/// may still come.
fn clear_abandoned(scope: &mut WriteTx<'_, '_>, user: ObjectId) -> Result<(), LedgerError> {
    let pieces = scope.tx().view().belongings(&user, Kind::DRAFT_PIECE)?;
    for (id, object) in &pieces {
        if let Some(draft) = draft_of(object)
            && scope.tx().deletion_record(&draft)?.is_some()
        {
            scope.change(&Change::Delete { id: *id })?;
        }
    }
    Ok(())
}

/// A draft of `user` as it is in the open transaction.
fn present(
    scope: &mut WriteTx<'_, '_>,
    user: ObjectId,
    id: ObjectId,
) -> Result<FoundDraft, Abort<OpError>> {
    let found = in_view(&scope.tx().view(), user, id).map_err(LedgerError::from)?;
    found.ok_or_else(|| Abort::Refused(no_draft()))
}

/// Refuses unless the draft of `user` is in the open transaction.
pub(super) fn require(
    scope: &mut WriteTx<'_, '_>,
    user: ObjectId,
    id: ObjectId,
) -> Result<(), Abort<OpError>> {
    match scope.tx().object(&id)? {
        Some(object) if is_of(&object, user) => Ok(()),
        Some(_) => Err(Abort::Refused(no_draft())),
        None if scope.tx().deletion_record(&id)?.is_some() => Err(Abort::Refused(over())),
        None => Err(Abort::Refused(no_draft())),
    }
}

fn found(id: ObjectId, object: &Object, pieces: &[(ObjectId, Object)]) -> Option<FoundDraft> {
    Some(FoundDraft {
        id,
        draft: Draft::of(object)?,
        changed_at: Draft::changed_at(object),
        parts: DraftPart::all(id, pieces.iter().map(|(id, object)| (*id, object))),
    })
}

fn draft_of(object: &Object) -> Option<ObjectId> {
    Some(DraftPiece::of(object)?.place()?.draft)
}

fn is_of(object: &Object, user: ObjectId) -> bool {
    object.kind == Kind::DRAFT && object.owner == Some(user)
}

fn no_draft() -> OpError {
    OpError::NotFound("This draft is not here. Save it, and try again.".into())
}

fn no_part() -> OpError {
    OpError::NotFound("This recording is not here. It may have been discarded.".into())
}

fn over() -> OpError {
    OpError::Conflict("This draft was sent or discarded.".into())
}

fn part_over() -> OpError {
    OpError::Conflict("This recording was discarded.".into())
}

fn other_octets() -> OpError {
    OpError::Conflict(
        "Other octets have come for this place of the recording. Draw another id for another recording."
            .into(),
    )
}

fn anothers() -> OpError {
    OpError::Conflict("The id is that of something else. Draw another id for this draft.".into())
}
