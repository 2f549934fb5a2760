//! A message that is being composed, as this browser keeps it, and what is to be done next so that the servers have it, too (R28).
//!
//! Here are the rules alone. `composing` keeps compositions over a reload and does what [`Composition::next`] says.

use contract::{
    Draft, DraftContent, DraftPart, DraftRow, DraftSource, ObjectId, PartKind, Timestamp,
};
use serde::{Deserialize, Serialize};

/// Octets of one piece that is uploaded: little enough to be seen on its way where the line is slow.
pub const PIECE_MAX: u64 = 128 << 10;

/// Something that was recorded or attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComposedPart {
    /// Its identity, drawn here or on another device.
    pub id: ObjectId,
    /// What it is.
    pub kind: PartKind,
    /// The name of its file; empty for a recording.
    pub name: String,
    /// Its octets are in this browser.
    pub here: bool,
    /// How many there are so far.
    pub length: u64,
    /// It grows no more.
    pub whole: bool,
    /// How many of them, from the first on, a server has.
    pub sent: u64,
    /// A server knows that it is whole.
    pub told: bool,
}

impl ComposedPart {
    /// What a server has of it, where another device has made it.
    fn of(part: &DraftPart) -> Self {
        Self {
            id: part.id,
            kind: part.kind,
            name: part.name.clone(),
            here: false,
            length: part.received,
            whole: part.whole,
            sent: part.received,
            told: part.whole,
        }
    }

    /// All of it is on a server.
    pub fn is_uploaded(&self) -> bool {
        self.told
    }

    /// The next piece that a server needs of it.
    fn piece(&self) -> Option<Piece> {
        if !self.here || self.length == 0 || self.sent >= self.length && (self.told || !self.whole)
        {
            return None;
        }
        // The end is told with an octet, also where all have come before it was known to be the end.
        let offset = self.sent.min(self.length - 1);
        let size = PIECE_MAX.min(self.length - offset);
        Some(Piece {
            part: self.id,
            offset,
            size,
            last: self.whole && offset + size == self.length,
        })
    }
}

/// A piece that is to be uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Of which part.
    pub part: ObjectId,
    /// Octets before it.
    pub offset: u64,
    /// Its octets.
    pub size: u64,
    /// The part ends with it.
    pub last: bool,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Save what is typed and chosen.
    Save,
    /// Take out a part.
    TakeOut(ObjectId),
    /// Upload a piece.
    Upload(Piece),
    /// Hand it in, under this identity.
    Submit(ObjectId),
    /// Discard it.
    Discard,
}

/// Where a composition stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It is being written.
    #[default]
    Open,
    /// It goes out as soon as it can.
    Sending,
    /// It is to go.
    Discarded,
    /// It was sent or discarded on another device.
    Elsewhere,
}

/// What becomes of a composition that no page shows any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// It stays in this browser.
    Keep,
    /// Servers have all of it, or there is nothing.
    Forget,
    /// It has been emptied: the servers are to forget it, too.
    Discard,
}

/// A message that is being composed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Composition {
    /// The identity of its draft.
    pub id: ObjectId,
    /// What is typed and chosen.
    pub content: DraftContent,
    /// What was recorded and attached, in order.
    pub parts: Vec<ComposedPart>,
    /// Parts that were taken out here, which servers still have.
    taken_out: Vec<ObjectId>,
    /// What a server has of the content.
    saved: Option<DraftContent>,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// Where it stands.
    pub stage: Stage,
    /// The identity under which it goes out.
    submission: Option<ObjectId>,
    /// Why a server did not take it, in a sentence.
    pub refused: Option<String>,
}

impl Composition {
    /// An empty one.
    pub fn new(id: ObjectId, at: Timestamp) -> Self {
        Self {
            id,
            content: DraftContent::default(),
            parts: Vec::new(),
            taken_out: Vec::new(),
            saved: None,
            changed_at: at,
            stage: Stage::Open,
            submission: None,
            refused: None,
        }
    }

    /// One that answers a message or passes it on.
    pub fn begun(id: ObjectId, at: Timestamp, content: DraftContent) -> Self {
        Self {
            content,
            ..Self::new(id, at)
        }
    }

    /// A draft as a server has it.
    pub fn of(draft: &Draft) -> Self {
        Self {
            content: draft.content.clone(),
            parts: draft.parts.iter().map(ComposedPart::of).collect(),
            saved: Some(draft.content.clone()),
            ..Self::new(draft.id, draft.changed_at)
        }
    }

    /// A copy under another identity, of what this browser has: for what was sent or discarded on another device while one was at it here.
    pub fn copied(&self, id: ObjectId, at: Timestamp) -> Self {
        Self::begun(id, at, self.content.clone())
    }

    /// As it was kept over a reload.
    pub fn from_json(json: &[u8]) -> Option<Self> {
        ui::sdk::json::read(json).ok()
    }

    /// As it is kept over a reload.
    pub fn to_json(&self) -> Option<String> {
        ui::sdk::json::write(self)
    }

    /// Nothing is in it: there is nothing to keep.
    pub fn is_blank(&self) -> bool {
        self.parts.is_empty() && self.content == DraftContent::default()
    }

    /// It is being written, and can be changed.
    pub fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// A server has had it.
    pub fn was_saved(&self) -> bool {
        self.saved.is_some()
    }

    /// Servers have all of it that is here.
    pub fn is_saved(&self) -> bool {
        self.next().is_none()
    }

    /// What is to be done next, if anything.
    pub fn next(&self) -> Option<Step> {
        let submission = match self.stage {
            Stage::Elsewhere => return None,
            Stage::Discarded => return Some(Step::Discard),
            Stage::Open => None,
            Stage::Sending => self.submission,
        };
        if self.refused.is_some() || self.saved.is_none() && self.is_blank() {
            return None;
        }
        if self.saved.as_ref() != Some(&self.content) {
            return Some(Step::Save);
        }
        if let Some(part) = self.taken_out.first() {
            return Some(Step::TakeOut(*part));
        }
        if let Some(piece) = self.parts.iter().find_map(ComposedPart::piece) {
            return Some(Step::Upload(piece));
        }
        submission.map(Step::Submit)
    }

    /// What becomes of it when no page shows it any more. What servers have whole need not stay in this browser.
    pub fn when_left(&self) -> Leaving {
        let whole = self
            .saved
            .as_ref()
            .is_none_or(|saved| *saved == self.content)
            && self.parts.iter().all(|part| !part.here || part.told);
        match self.stage {
            Stage::Open if self.is_blank() && self.was_saved() => Leaving::Discard,
            Stage::Open if self.is_blank() => Leaving::Forget,
            Stage::Open if self.is_saved() && self.refused.is_none() && whole => Leaving::Forget,
            Stage::Elsewhere if whole => Leaving::Forget,
            _ => Leaving::Keep,
        }
    }

    /// After a reload `length` says how much of each part was kept. A recording that the reload has ended is whole as it is.
    pub fn restored(&mut self, length: &dyn Fn(ObjectId) -> u64) {
        for part in self.parts.iter_mut().filter(|part| part.here) {
            match length(part.id) {
                0 => {
                    part.here = false;
                    (part.length, part.whole) = (part.sent, part.told);
                }
                length => (part.length, part.whole) = (length, true),
            }
            part.sent = part.sent.min(part.length);
        }
        self.parts.retain(|part| part.length > 0);
    }

    /// What is typed and chosen changes.
    pub fn edit(&mut self, at: Timestamp, change: impl FnOnce(&mut DraftContent)) {
        change(&mut self.content);
        self.changed(at);
    }

    fn changed(&mut self, at: Timestamp) {
        self.changed_at = at;
        self.refused = None;
    }

    /// Something is recorded or attached; more of it may come by [`Self::append`].
    pub fn attach(&mut self, at: Timestamp, id: ObjectId, kind: PartKind, name: String) {
        self.parts.push(ComposedPart {
            id,
            kind,
            name,
            here: true,
            length: 0,
            whole: false,
            sent: 0,
            told: false,
        });
        self.changed(at);
    }

    /// A part is so long now.
    pub fn append(&mut self, at: Timestamp, part: ObjectId, length: u64, whole: bool) {
        if let Some(part) = self.part_mut(part) {
            part.length = part.length.max(length);
            part.whole |= whole;
        }
        self.changed(at);
    }

    /// It goes out under this identity, drawn for it.
    pub fn send(&mut self, submission: ObjectId) {
        self.refused = None;
        self.finish();
        self.stage = Stage::Sending;
        self.submission = Some(submission);
    }

    /// It does not go out yet.
    pub fn hold(&mut self) {
        if self.stage == Stage::Sending {
            self.stage = Stage::Open;
        }
    }

    /// Nothing more is recorded: what there is of each part is all of it.
    pub fn finish(&mut self) {
        for part in self.parts.iter_mut().filter(|part| part.here) {
            part.whole = true;
        }
        self.parts.retain(|part| part.length > 0);
    }

    /// A part is taken out.
    pub fn take_out(&mut self, at: Timestamp, part: ObjectId) {
        self.parts.retain(|other| other.id != part);
        self.taken_out.push(part);
        self.changed(at);
    }

    fn part_mut(&mut self, id: ObjectId) -> Option<&mut ComposedPart> {
        self.parts.iter_mut().find(|part| part.id == id)
    }

    /// A server has saved the content, and says what it knows of the draft: what was changed on other devices comes along.
    pub fn saved(&mut self, asked: &DraftContent, draft: &Draft) {
        self.saved = Some(asked.clone());
        self.join(draft);
    }

    /// A part that was taken out is gone from the servers.
    pub fn took_out(&mut self, part: ObjectId) {
        self.taken_out.retain(|other| *other != part);
    }

    /// A server has so much of a part. Where it has less than another one had, the upload goes back to there.
    pub fn uploaded(&mut self, answer: &DraftPart) {
        if let Some(part) = self.part_mut(answer.id) {
            part.sent = answer.received.min(part.length);
            part.told = answer.whole && part.whole;
        }
    }

    /// The server that is asked now does not have the draft (yet): it gets all of it.
    pub fn is_unknown(&mut self) {
        self.saved = None;
        for part in self.parts.iter_mut().filter(|part| part.here) {
            (part.sent, part.told) = (0, false);
        }
    }

    /// A server does not take it as it is: it can be changed, and tried again.
    pub fn refuse(&mut self, sentence: String) {
        self.refused = Some(sentence);
        self.hold();
    }

    /// What a server knows of the draft. A field that was not changed here since it was saved is as it is there.
    pub fn join(&mut self, draft: &Draft) {
        if let Some(base) = &self.saved {
            merge(&mut self.content, base, &draft.content);
        }
        self.saved = Some(draft.content.clone());
        self.changed_at = self.changed_at.max(draft.changed_at);
        self.parts
            .retain(|part| part.here || draft.parts.iter().any(|there| there.id == part.id));
        for there in &draft.parts {
            if self.taken_out.contains(&there.id) {
                continue;
            }
            match self.part_mut(there.id) {
                Some(part) if part.here => {}
                Some(part) => *part = ComposedPart::of(there),
                None => self.parts.push(ComposedPart::of(there)),
            }
        }
        self.parts.sort_by_key(|part| part.id);
    }

    /// A part that another device has taken out goes here, too.
    pub fn lost(&mut self, part: ObjectId) {
        self.parts.retain(|other| other.id != part);
    }

    /// This browser has lost a part before all of it was uploaded: what goes out without it is for the writer to decide.
    pub fn lost_here(&mut self, part: ObjectId, sentence: String) {
        self.lost(part);
        self.refuse(sentence);
    }

    /// How much of what is to be uploaded has come, from 0 to 100.
    pub fn percent(&self) -> u64 {
        let sum = |of: fn(&ComposedPart) -> u64| -> u64 { self.parts.iter().map(of).sum() };
        match sum(|part| part.length) {
            0 => 100,
            all => sum(|part| part.sent) * 100 / all,
        }
    }

    /// Its row in the list of drafts.
    pub fn row(&self) -> DraftRow {
        DraftRow {
            id: self.id,
            changed_at: self.changed_at,
            recipients: self.content.recipients.iter().take(4).cloned().collect(),
            recipients_count: u32::try_from(self.content.recipients.len()).unwrap_or(u32::MAX),
            subject: self.content.subject.clone(),
            text: self.content.text.chars().take(200).collect(),
            parts: Vec::new(),
        }
    }
}

/// Fields of `mine` that are as in `base` become as in `theirs`.
fn merge(mine: &mut DraftContent, base: &DraftContent, theirs: &DraftContent) {
    fn field<T: PartialEq + Clone>(mine: &mut T, base: &T, theirs: &T) {
        if mine == base {
            mine.clone_from(theirs);
        }
    }
    field(&mut mine.recipients, &base.recipients, &theirs.recipients);
    field(&mut mine.subject, &base.subject, &theirs.subject);
    field(&mut mine.text, &base.text, &theirs.text);
    field(&mut mine.urgent, &base.urgent, &theirs.urgent);
    field(&mut mine.private, &base.private, &theirs.private);
    field::<Option<DraftSource>>(&mut mine.source, &base.source, &theirs.source);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::{NOON, id};

    fn begun() -> Composition {
        let mut composition = Composition::new(id(1), NOON);
        composition.edit(NOON, |content| content.subject = "Delivery".into());
        composition
    }

    fn draft(content: &DraftContent) -> Draft {
        Draft {
            id: id(1),
            changed_at: NOON,
            content: content.clone(),
            parts: Vec::new(),
        }
    }

    /// A server takes the next step, whatever it is, and the one after it, until none is left.
    fn served(composition: &mut Composition) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(step) = composition.next() {
            match &step {
                Step::Save => {
                    let content = composition.content.clone();
                    composition.saved(&content, &draft(&content));
                }
                Step::TakeOut(part) => composition.took_out(*part),
                Step::Upload(piece) => composition.uploaded(&part(piece)),
                Step::Submit(_) | Step::Discard => {
                    steps.push(step);
                    return steps;
                }
            }
            steps.push(step);
        }
        steps
    }

    fn part(piece: &Piece) -> DraftPart {
        DraftPart {
            id: piece.part,
            kind: PartKind::Voice,
            name: String::new(),
            received: piece.offset + piece.size,
            whole: piece.last,
        }
    }

    #[test]
    fn a_page_that_was_only_looked_at_leaves_no_draft() {
        let blank = Composition::new(id(1), NOON);
        assert_eq!(blank.next(), None);
        let mut emptied = begun();
        served(&mut emptied);
        emptied.edit(NOON, |content| content.subject.clear());
        assert_eq!(emptied.next(), Some(Step::Save), "a server still has it");
    }

    #[test]
    fn what_is_recorded_goes_out_in_pieces_and_its_end_is_told() {
        let mut composition = begun();
        composition.attach(NOON, id(7), PartKind::Voice, String::new());
        composition.append(NOON, id(7), PIECE_MAX + 10, false);
        let piece = |offset, size, last| {
            Step::Upload(Piece {
                part: id(7),
                offset,
                size,
                last,
            })
        };
        let steps = [
            Step::Save,
            piece(0, PIECE_MAX, false),
            piece(PIECE_MAX, 10, false),
        ];
        assert_eq!(served(&mut composition), steps);
        composition.append(NOON, id(7), PIECE_MAX + 10, true);
        assert_eq!(served(&mut composition), [piece(PIECE_MAX + 9, 1, true)]);
        assert!(composition.parts[0].is_uploaded());
    }

    #[test]
    fn it_is_handed_in_when_all_of_it_is_there() {
        let mut composition = begun();
        composition.attach(NOON, id(7), PartKind::Voice, String::new());
        composition.append(NOON, id(7), 10, true);
        composition.send(id(9));
        let steps = served(&mut composition);
        assert_eq!(steps.len(), 3);
        assert_eq!(steps[2], Step::Submit(id(9)));
    }

    #[test]
    fn a_server_that_has_less_than_the_other_gets_it_again() {
        let mut composition = begun();
        composition.attach(NOON, id(7), PartKind::Voice, String::new());
        composition.append(NOON, id(7), 100, true);
        served(&mut composition);
        let mut behind = part(&Piece {
            part: id(7),
            offset: 0,
            size: 40,
            last: false,
        });
        behind.whole = false;
        composition.uploaded(&behind);
        let Some(Step::Upload(piece)) = composition.next() else {
            panic!("nothing is uploaded");
        };
        assert_eq!((piece.offset, piece.size, piece.last), (40, 60, true));
        composition.is_unknown();
        assert_eq!(composition.next(), Some(Step::Save));
        let steps = served(&mut composition);
        assert!(matches!(steps[1], Step::Upload(Piece { offset: 0, .. })));
    }

    #[test]
    fn fields_that_were_not_changed_here_follow_the_other_device() {
        let mut composition = begun();
        served(&mut composition);
        composition.edit(NOON, |content| content.text = "Mine".into());
        let mut there = draft(&composition.content);
        there.content.subject = "Theirs".into();
        there.content.text = "Their text".into();
        composition.join(&there);
        assert_eq!(composition.content.subject, "Theirs");
        assert_eq!(composition.content.text, "Mine");
        assert_eq!(composition.next(), Some(Step::Save));
    }

    #[test]
    fn parts_of_other_devices_come_and_go_and_own_ones_stay() {
        let mut composition = begun();
        composition.attach(NOON, id(7), PartKind::Voice, String::new());
        composition.append(NOON, id(7), 100, true);
        let other = part(&Piece {
            part: id(5),
            offset: 0,
            size: 30,
            last: true,
        });
        let mut there = draft(&composition.content);
        there.parts.push(other);
        composition.join(&there);
        let ids = |composition: &Composition| -> Vec<_> {
            composition.parts.iter().map(|part| part.id).collect()
        };
        assert_eq!(ids(&composition), [id(5), id(7)]);
        there.parts.clear();
        composition.join(&there);
        assert_eq!(ids(&composition), [id(7)]);
    }

    #[test]
    fn what_was_taken_out_here_does_not_come_back_before_servers_know() {
        let mut composition = begun();
        let other = part(&Piece {
            part: id(5),
            offset: 0,
            size: 30,
            last: true,
        });
        let mut there = draft(&composition.content);
        there.parts.push(other);
        composition.join(&there);
        composition.take_out(NOON, id(5));
        composition.join(&there);
        assert!(composition.parts.is_empty());
        assert_eq!(composition.next(), Some(Step::TakeOut(id(5))));
        composition.took_out(id(5));
        assert_eq!(composition.next(), None);
    }

    #[test]
    fn what_is_refused_can_be_changed_and_is_not_sent_by_itself() {
        let mut composition = begun();
        composition.send(id(9));
        served(&mut composition);
        composition.refuse("Nobody is reached.".into());
        assert!(composition.is_open());
        assert_eq!(composition.next(), None);
        composition.edit(NOON, |content| content.subject = "Other".into());
        assert_eq!(composition.next(), Some(Step::Save));
        assert_eq!(composition.refused, None);
    }

    #[test]
    fn a_recording_that_a_reload_has_ended_is_whole_as_far_as_it_was_kept() {
        let mut composition = begun();
        composition.attach(NOON, id(7), PartKind::Voice, String::new());
        composition.append(NOON, id(7), 40, false);
        composition.attach(NOON, id(8), PartKind::Voice, String::new());
        composition.restored(&|part| if part == id(7) { 90 } else { 0 });
        assert_eq!(
            composition.parts.len(),
            1,
            "what was never kept is not there"
        );
        let part = &composition.parts[0];
        assert_eq!((part.length, part.whole), (90, true));
    }

    #[test]
    fn what_servers_have_whole_leaves_this_browser_with_its_page_and_nothing_else_does() {
        let mut composition = begun();
        assert_eq!(composition.when_left(), Leaving::Keep);
        served(&mut composition);
        assert_eq!(composition.when_left(), Leaving::Forget);
        composition.attach(NOON, id(7), PartKind::Voice, String::new());
        composition.append(NOON, id(7), 40, false);
        served(&mut composition);
        assert_eq!(composition.when_left(), Leaving::Keep, "it still grows");
        composition.finish();
        served(&mut composition);
        assert_eq!(composition.when_left(), Leaving::Forget);
        composition.edit(NOON, |content| content.text = "Unsaved".into());
        composition.stage = Stage::Elsewhere;
        assert_eq!(composition.when_left(), Leaving::Keep);
        let mut emptied = begun();
        served(&mut emptied);
        emptied.edit(NOON, |content| content.subject.clear());
        assert_eq!(emptied.when_left(), Leaving::Discard);
        assert_eq!(Composition::new(id(2), NOON).when_left(), Leaving::Forget);
    }

    #[test]
    fn what_has_lost_a_recording_does_not_go_out_by_itself() {
        let mut composition = begun();
        composition.attach(NOON, id(7), PartKind::Voice, String::new());
        composition.append(NOON, id(7), 40, true);
        composition.send(id(9));
        composition.lost_here(id(7), "Lost.".into());
        assert!(composition.is_open());
        assert_eq!(composition.next(), None);
    }

    #[test]
    fn it_is_the_same_after_a_reload() {
        let mut composition = begun();
        composition.attach(NOON, id(7), PartKind::Fax, "order.tif".into());
        composition.append(NOON, id(7), 100, false);
        composition.send(id(9));
        let json = composition.to_json().unwrap();
        assert_eq!(
            Composition::from_json(json.as_bytes()),
            Some(composition.clone())
        );
        assert_eq!(Composition::from_json(&json.as_bytes()[..20]), None);
    }
}
