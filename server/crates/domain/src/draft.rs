//! A message that its owner is composing: objects of the kinds [`Kind::DRAFT`] and [`Kind::DRAFT_PIECE`].
//!
//! What is typed and chosen is one object, the draft; each field is a register, so of two devices the later word counts field by field. What is
//! recorded or attached is a *part*: its octets come in *pieces*, as they are recorded or uploaded, and each piece is an object with a body of
//! its own. The identity of a piece follows from where it belongs, so a piece that is sent twice, or to both servers, is one. There is no list of
//! parts that one device could overwrite while another records: a part is there because a piece of it is.

use crate::derived::derived_id;
use crate::validation_error::{check_name, ensure};
use crate::{BodyRef, Key, Kind, Object, Timestamp, ValidationError, Value};
use contract::ObjectId;
use std::collections::BTreeMap;

/// The registers of a draft. Numbers are never reused.
pub mod draft_fields {
    /// To whom: a list of `[address, name, copy]`.
    pub const RECIPIENTS: u16 = 1;
    /// Its subject.
    pub const SUBJECT: u16 = 2;
    /// Its text.
    pub const TEXT: u16 = 3;
    /// How it is sent, one register: `[urgent, private]`.
    pub const OPTIONS: u16 = 4;
    /// What it answers or passes on: `[action, identity of the message]`; null if it stands alone.
    pub const SOURCE: u16 = 5;
}

/// The registers of a piece. Numbers are never reused.
pub mod draft_piece_fields {
    /// Where it belongs, one register: `[draft, part, offset]`. Set at creation.
    pub const PLACE: u16 = 1;
    /// What its part is, one register: `[kind, name]`. Set at creation.
    pub const PART: u16 = 2;
    /// The part ends with it. Set at creation.
    pub const LAST: u16 = 3;
}

/// Somebody to whom a draft goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressee {
    /// A mailbox number, or an address `local-part@domain`; as it was entered.
    pub address: String,
    /// The name that was chosen with it; may be empty.
    pub name: String,
    /// In Cc rather than To.
    pub copy: bool,
}

/// What a draft does with another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceAction {
    /// It answers it.
    Reply,
    /// It passes it on.
    Forward,
}

/// The message that a draft answers or passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DraftSource {
    /// Which of the two.
    pub action: SourceAction,
    /// The message.
    pub message: ObjectId,
}

/// What is typed and chosen of a message that is being composed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// To whom; may be empty until it is sent.
    pub recipients: Vec<Addressee>,
    /// Its subject; may be empty.
    pub subject: String,
    /// Its text; may be empty.
    pub text: String,
    /// It is to be marked urgent.
    pub urgent: bool,
    /// It is to be marked private: whoever gets it must not forward it.
    pub private: bool,
    /// What it answers or passes on.
    pub source: Option<DraftSource>,
}

impl Draft {
    /// Recipients of one message.
    pub const RECIPIENTS_MAX: usize = 500;
    /// Characters of a subject.
    pub const SUBJECT_LENGTH_MAX: usize = 400;
    /// Bytes of a text.
    pub const TEXT_BYTES_MAX: usize = 64 * 1024;
    /// Parts of one draft.
    pub const PARTS_MAX: usize = 16;
    /// Pieces of all drafts of one mailbox.
    pub const PIECES_MAX: usize = 2_048;

    /// Reads an object; `None` if it is no draft. What a later release has written and this one does not know reads as empty.
    pub fn of(object: &Object) -> Option<Self> {
        if object.kind != Kind::DRAFT {
            return None;
        }
        let get = |field| object.get(Key::field(field));
        let text = |field| get(field).and_then(Value::as_text).unwrap_or_default();
        let list = |field| get(field).and_then(Value::as_list).unwrap_or_default();
        let option = |at: usize| {
            let option = list(draft_fields::OPTIONS).get(at).and_then(Value::as_bool);
            option.unwrap_or(false)
        };
        let recipients = list(draft_fields::RECIPIENTS).iter();
        Some(Self {
            recipients: recipients.filter_map(Addressee::read).collect(),
            subject: text(draft_fields::SUBJECT).to_owned(),
            text: text(draft_fields::TEXT).to_owned(),
            urgent: option(0),
            private: option(1),
            source: get(draft_fields::SOURCE).and_then(DraftSource::read),
        })
    }

    /// Its registers.
    pub fn registers(&self) -> Vec<(Key, Value)> {
        let recipients = self.recipients.iter().map(Addressee::value).collect();
        let options = vec![Value::Bool(self.urgent), Value::Bool(self.private)];
        let source = self.source.map_or(Value::Null, DraftSource::value);
        [
            (draft_fields::RECIPIENTS, Value::List(recipients)),
            (draft_fields::SUBJECT, Value::Text(self.subject.clone())),
            (draft_fields::TEXT, Value::Text(self.text.clone())),
            (draft_fields::OPTIONS, Value::List(options)),
            (draft_fields::SOURCE, source),
        ]
        .map(|(field, value)| (Key::field(field), value))
        .into()
    }

    /// Refuses what could not be kept. A draft need not be ready to be sent.
    pub fn check(&self) -> Result<(), ValidationError> {
        let max = Self::RECIPIENTS_MAX;
        ensure(self.recipients.len() <= max, || {
            format!("A message goes to at most {max} recipients.")
        })?;
        self.recipients.iter().try_for_each(Addressee::check)?;
        let max = Self::SUBJECT_LENGTH_MAX;
        let fits =
            self.subject.chars().count() <= max && !self.subject.chars().any(char::is_control);
        ensure(fits, || {
            format!("A subject has at most {max} characters on one line.")
        })?;
        ensure(self.text.len() <= Self::TEXT_BYTES_MAX, || {
            let kib = Self::TEXT_BYTES_MAX / 1024;
            format!("A text has at most {kib} KiB. Send what is longer in two messages.")
        })
    }

    /// When any of it was changed last.
    pub fn changed_at(object: &Object) -> Timestamp {
        object.newest().hlc.wall()
    }
}

impl Addressee {
    /// Characters of an address that is being typed, and of a name.
    const LENGTH_MAX: usize = 254;

    fn check(&self) -> Result<(), ValidationError> {
        check_name("An address", &self.address, Self::LENGTH_MAX)?;
        match self.name.is_empty() {
            true => Ok(()),
            false => check_name("The name of a recipient", &self.name, Self::LENGTH_MAX),
        }
    }

    fn value(&self) -> Value {
        let texts = [&self.address, &self.name].map(|text| Value::Text(text.clone()));
        let copy = Value::Bool(self.copy);
        Value::List(texts.into_iter().chain([copy]).collect())
    }

    fn read(value: &Value) -> Option<Self> {
        let [address, name, copy, ..] = value.as_list()? else {
            return None;
        };
        Some(Self {
            address: address.as_text()?.to_owned(),
            name: name.as_text()?.to_owned(),
            copy: copy.as_bool()?,
        })
    }
}

impl DraftSource {
    fn value(self) -> Value {
        let action = match self.action {
            SourceAction::Reply => 1,
            SourceAction::Forward => 2,
        };
        Value::List(vec![Value::Int(action), identity(&self.message)])
    }

    fn read(value: &Value) -> Option<Self> {
        let [action, message, ..] = value.as_list()? else {
            return None;
        };
        let action = match action.as_int()? {
            1 => SourceAction::Reply,
            2 => SourceAction::Forward,
            _ => return None,
        };
        Some(Self {
            action,
            message: read_identity(message)?,
        })
    }
}

/// What a part of a draft is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Sound: recorded, or a file of sound.
    Voice,
    /// Fax pages: a TIFF file.
    Fax,
}

/// Where a piece belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PiecePlace {
    /// The draft.
    pub draft: ObjectId,
    /// The part of it, by an identity that the client has drawn. Parts come in the order of their identities.
    pub part: ObjectId,
    /// Where in the part it begins.
    pub offset: u64,
}

/// A piece of a part, read from its object.
#[derive(Clone, Copy, Debug)]
pub struct DraftPiece<'a>(&'a Object);

impl<'a> DraftPiece<'a> {
    /// Bytes of one piece.
    pub const BYTES_MAX: usize = 1 << 20;
    /// Characters of the name of a part.
    pub const NAME_LENGTH_MAX: usize = 120;

    /// The view, if the object is a piece.
    pub fn of(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::DRAFT_PIECE).then_some(Self(object))
    }

    /// The identity of the piece at a place.
    pub fn id(place: &PiecePlace) -> ObjectId {
        let offset = place.offset.to_be_bytes();
        let parts: [&[u8]; 3] = [place.draft.as_bytes(), place.part.as_bytes(), &offset];
        derived_id("CallPilot 2026 piece of a draft", &parts)
    }

    /// The registers of a new piece.
    pub fn registers(
        place: &PiecePlace,
        kind: PartKind,
        name: &str,
        last: bool,
    ) -> Vec<(Key, Value)> {
        let offset = Value::Int(i64::try_from(place.offset).unwrap_or(i64::MAX));
        let at = vec![identity(&place.draft), identity(&place.part), offset];
        let part = vec![Value::Int(kind.number()), Value::Text(name.to_owned())];
        vec![
            (Key::field(draft_piece_fields::PLACE), Value::List(at)),
            (Key::field(draft_piece_fields::PART), Value::List(part)),
            (Key::field(draft_piece_fields::LAST), Value::Bool(last)),
        ]
    }

    /// Where it belongs.
    pub fn place(&self) -> Option<PiecePlace> {
        let at = self.0.get(Key::field(draft_piece_fields::PLACE))?;
        let [draft, part, offset, ..] = at.as_list()? else {
            return None;
        };
        Some(PiecePlace {
            draft: read_identity(draft)?,
            part: read_identity(part)?,
            offset: u64::try_from(offset.as_int()?).ok()?,
        })
    }

    /// Its octets.
    pub fn body(&self) -> Option<BodyRef> {
        self.0.body
    }

    /// The part ends with it.
    pub fn is_last(&self) -> bool {
        let last = self.0.get(Key::field(draft_piece_fields::LAST));
        last.and_then(Value::as_bool).unwrap_or(false)
    }

    fn part(&self) -> Option<(PartKind, &'a str)> {
        let part = self
            .0
            .get(Key::field(draft_piece_fields::PART))?
            .as_list()?;
        let kind = PartKind::from_number(part.first()?.as_int()?)?;
        Some((kind, part.get(1)?.as_text()?))
    }
}

impl PartKind {
    fn number(self) -> i64 {
        match self {
            Self::Voice => 1,
            Self::Fax => 2,
        }
    }

    fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Voice),
            2 => Some(Self::Fax),
            _ => None,
        }
    }
}

/// A part of a draft, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftPart {
    /// Its identity.
    pub id: ObjectId,
    /// What it is.
    pub kind: PartKind,
    /// The name of its file; may be empty.
    pub name: String,
    /// Octets from its beginning on that are here without a gap. Whoever uploads goes on there.
    pub received: u64,
    /// All of it is here.
    pub whole: bool,
    /// Its pieces in order: where each begins, its object and its body.
    pub pieces: Vec<(u64, ObjectId, BodyRef)>,
}

impl DraftPart {
    /// The parts of one draft among the pieces of a user, in the order of their identities.
    pub fn all<'a>(
        draft: ObjectId,
        pieces: impl IntoIterator<Item = (ObjectId, &'a Object)>,
    ) -> Vec<Self> {
        let mut parts: BTreeMap<ObjectId, (Self, Option<u64>)> = BTreeMap::new();
        for (id, object) in pieces {
            let Some(piece) = DraftPiece::of(object) else {
                continue;
            };
            let (Some(place), Some(body), Some((kind, name))) =
                (piece.place(), piece.body(), piece.part())
            else {
                continue; // of a later level
            };
            if place.draft != draft {
                continue;
            }
            let (part, end) = parts.entry(place.part).or_insert_with(|| {
                let new = Self {
                    id: place.part,
                    kind,
                    name: String::new(),
                    received: 0,
                    whole: false,
                    pieces: Vec::new(),
                };
                (new, None)
            });
            if part.name.is_empty() {
                name.clone_into(&mut part.name);
            }
            if piece.is_last() {
                *end = Some(place.offset.saturating_add(body.len.into()));
            }
            part.pieces.push((place.offset, id, body));
        }
        let finished = parts.into_values().map(|(part, end)| part.finish(end));
        finished.collect()
    }

    fn finish(mut self, end: Option<u64>) -> Self {
        self.pieces.sort_by_key(|(offset, id, _)| (*offset, *id));
        for (offset, _, body) in &self.pieces {
            if *offset <= self.received {
                let end = offset.saturating_add(body.len.into());
                self.received = self.received.max(end);
            }
        }
        self.whole = end.is_some_and(|end| self.received >= end);
        self
    }
}

fn identity(id: &ObjectId) -> Value {
    Value::Bytes(id.as_bytes().to_vec())
}

fn read_identity(value: &Value) -> Option<ObjectId> {
    let bytes: [u8; 16] = value.as_bytes()?.try_into().ok()?;
    Some(ObjectId::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation, Version};

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes([n; 16])
    }

    fn object(kind: Kind, body: Option<BodyRef>, registers: Vec<(Key, Value)>) -> Object {
        let mut object = Object::new(kind, Some(id(1)), body);
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        for (key, value) in registers {
            object.set(key, version, value);
        }
        object
    }

    #[test]
    fn a_draft_reads_back_what_was_written() {
        let draft = Draft {
            recipients: vec![Addressee {
                address: "7204".into(),
                name: "Odo Renn".into(),
                copy: true,
            }],
            subject: "Keys".into(),
            text: "In the drawer.\nThe lower one.".into(),
            urgent: true,
            private: false,
            source: Some(DraftSource {
                action: SourceAction::Forward,
                message: id(7),
            }),
        };
        draft.check().unwrap();
        let read = Draft::of(&object(Kind::DRAFT, None, draft.registers()));
        assert_eq!(read, Some(draft));
        assert_eq!(Draft::of(&object(Kind::MESSAGE, None, vec![])), None);
        let empty = Draft::of(&object(Kind::DRAFT, None, vec![])).unwrap();
        assert_eq!(empty, Draft::default());
    }

    #[test]
    fn what_could_not_be_kept_is_refused() {
        let to = |address: &str| Draft {
            recipients: vec![Addressee {
                address: address.into(),
                ..Addressee::default()
            }],
            ..Draft::default()
        };
        assert!(to("still being ty").check().is_ok());
        assert!(to("a\r\nBcc: b").check().is_err() && to("").check().is_err());
        let subject = |subject: String| Draft {
            subject,
            ..Draft::default()
        };
        assert!(subject("x".repeat(400)).check().is_ok());
        assert!(subject("x".repeat(401)).check().is_err());
        assert!(subject("a\nb".into()).check().is_err());
        let text = |len| Draft {
            text: "x".repeat(len),
            ..Draft::default()
        };
        assert!(text(Draft::TEXT_BYTES_MAX).check().is_ok());
        assert!(text(Draft::TEXT_BYTES_MAX + 1).check().is_err());
        let many = Draft {
            recipients: vec![to("7200").recipients.remove(0); Draft::RECIPIENTS_MAX + 1],
            ..Draft::default()
        };
        assert!(many.check().is_err());
    }

    /// Pieces of draft 2: part, offset, octets, whether it is the last.
    fn parts(pieces: &[(u8, u64, usize, bool)]) -> Vec<DraftPart> {
        let objects: Vec<_> = pieces
            .iter()
            .map(|&(part, offset, len, last)| {
                let place = PiecePlace {
                    draft: id(2),
                    part: id(part),
                    offset,
                };
                let registers = DraftPiece::registers(&place, PartKind::Voice, "memo.wav", last);
                let body = BodyRef::of(&vec![part; len]);
                let piece = object(Kind::DRAFT_PIECE, Some(body), registers);
                (DraftPiece::id(&place), piece)
            })
            .collect();
        DraftPart::all(id(2), objects.iter().map(|(id, object)| (*id, object)))
    }

    #[test]
    fn a_part_is_whole_when_its_pieces_meet_up_to_the_last() {
        let state = |pieces: &[(u8, u64, usize, bool)]| {
            let of = |part: &DraftPart| (part.received, part.whole);
            parts(pieces).iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(state(&[]), []);
        assert_eq!(state(&[(5, 0, 10, false)]), [(10, false)]);
        assert_eq!(state(&[(5, 10, 4, true), (5, 0, 10, false)]), [(14, true)]);
        assert_eq!(
            state(&[(5, 11, 4, true), (5, 0, 10, false)]),
            [(10, false)],
            "a gap"
        );
        // Sent again in other pieces, after the first server was lost.
        let overlapping = [(5, 0, 10, false), (5, 6, 8, true), (5, 4, 4, false)];
        assert_eq!(state(&overlapping), [(14, true)]);
        assert_eq!(
            state(&[(6, 0, 1, true), (5, 0, 2, false)]),
            [(2, false), (1, true)]
        );
        let [part] = &parts(&[(5, 10, 4, true), (5, 0, 10, false)])[..] else {
            panic!("one part")
        };
        let offsets: Vec<_> = part.pieces.iter().map(|(offset, ..)| *offset).collect();
        assert_eq!((offsets, &part.name[..]), (vec![0, 10], "memo.wav"));
        assert_eq!(DraftPart::all(id(3), []), []);
    }

    #[test]
    fn a_piece_that_is_sent_to_both_servers_is_one() {
        let place = |draft, part, offset| PiecePlace {
            draft: id(draft),
            part: id(part),
            offset,
        };
        let first = DraftPiece::id(&place(1, 2, 3));
        assert_eq!(first, DraftPiece::id(&place(1, 2, 3)));
        for other in [place(2, 2, 3), place(1, 3, 3), place(1, 2, 4)] {
            assert_ne!(first, DraftPiece::id(&other));
        }
    }
}
