//! Brings what is composed to the servers, step by step, and hands in what is to be sent: each step may be repeated, at either server.

use super::{ComposingContext, find};
use crate::model::composition::{Composition, Piece, Step};
use crate::model::words;
use contract::{DraftContent, ObjectId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use ui::sdk::{Error, PiecePlace, Trouble, is_conflict};

/// What is typed within this time is saved together.
const SAVED_AFTER: Duration = Duration::from_millis(1_200);
/// What could not be done yet is tried again after this time.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What became of a step.
enum StepEnd {
    /// On to the next.
    Done,
    /// The server that was asked does not have the draft: it is to get all of it.
    Unknown,
    /// Something of the moment stands in the way of this one. Others go on.
    Later,
    /// No server answers.
    Unanswered,
    /// There is nobody to do it for.
    Ended,
}

impl ComposingContext {
    /// Does what is to be done, a moment later.
    pub(super) fn work_later(self) {
        set_timeout(move || self.work(), SAVED_AFTER);
    }

    /// Does what is to be done now.
    pub(super) fn work(self) {
        if self.working.try_get_value() != Some(false) || self.number.get_value().is_none() {
            return;
        }
        self.working.set_value(true);
        spawn_local(async move {
            let some_wait = self.work_through().await;
            self.working.set_value(false);
            if some_wait {
                set_timeout(move || self.work(), AGAIN_AFTER);
            }
        });
    }

    /// Takes each step; true if some have to wait.
    async fn work_through(self) -> bool {
        let (mut put_off, mut unknown) = (Vec::<ObjectId>::new(), Vec::<ObjectId>::new());
        loop {
            let next = self.all.with_untracked(|all| {
                let mut open = all.iter().filter(|one| !put_off.contains(&one.id));
                open.find_map(|one| Some((one.id, one.next()?)))
            });
            let Some((id, step)) = next else {
                return !put_off.is_empty();
            };
            let number = self.number.get_value();
            let end = self.take(id, step).await;
            if self.number.get_value() != number {
                return false;
            }
            match end {
                StepEnd::Done => self.keep_later(id),
                StepEnd::Unknown if !unknown.contains(&id) => unknown.push(id),
                StepEnd::Unknown | StepEnd::Later => put_off.push(id),
                StepEnd::Unanswered => return true,
                StepEnd::Ended => return false,
            }
        }
    }

    async fn take(self, id: ObjectId, step: Step) -> StepEnd {
        let drafts = self.connection.client().drafts();
        let taken = match step {
            Step::Save => {
                let Some(content) = self.content(id) else {
                    return StepEnd::Done;
                };
                let saved = drafts.save(id, &content).await;
                saved.map(|draft| self.update(id, &mut |one| one.saved(&content, &draft)))
            }
            Step::TakeOut(part) => {
                let gone = drafts.discard_part(id, part).await;
                gone.map(|()| self.update(id, &mut |one| one.took_out(part)))
            }
            Step::Upload(piece) => return self.upload(id, piece).await,
            Step::Submit(submission) => return self.submit(id, submission).await,
            Step::Discard => drafts.discard(id).await.map(|()| self.forget(id)),
        };
        match taken {
            Ok(()) => StepEnd::Done,
            Err(error) if is_conflict(&error) => {
                self.went_elsewhere(id);
                StepEnd::Done
            }
            Err(error) => self.failed(id, error),
        }
    }

    fn content(self, id: ObjectId) -> Option<DraftContent> {
        self.all
            .with_untracked(|all| Some(find(all, id)?.content.clone()))
    }

    async fn upload(self, id: ObjectId, piece: Piece) -> StepEnd {
        let octets = self.octets.with_value(|octets| {
            let from = usize::try_from(piece.offset).ok()?;
            let size = usize::try_from(piece.size).ok()?;
            Some(octets.get(piece.part)?.get(from..from + size)?.to_vec())
        });
        let part = self.all.with_untracked(|all| {
            let one = find(all, id)?;
            one.parts.iter().find(|part| part.id == piece.part).cloned()
        });
        let (Some(octets), Some(part)) = (octets, part) else {
            // It must not go out without it in silence.
            self.mailbox.tell(words::part_lost());
            self.update(id, &mut |one| one.lost_here(piece.part, words::part_lost()));
            return StepEnd::Done;
        };
        let place = PiecePlace {
            draft: id,
            part: part.id,
            kind: part.kind,
            name: &part.name,
            offset: piece.offset,
            last: piece.last,
        };
        let drafts = self.connection.client().drafts();
        match drafts.upload(&place, octets, |_| {}).await {
            Ok(answer) => {
                self.update(id, &mut |one| one.uploaded(&answer));
                StepEnd::Done
            }
            Err(error) if is_conflict(&error) => self.look_again(id, Some(piece.part)).await,
            Err(error) => self.failed(id, error),
        }
    }

    async fn submit(self, id: ObjectId, submission: ObjectId) -> StepEnd {
        let number = self
            .all
            .with_untracked(|all| find(all, id).map_or(0, |one| one.content.recipients.len()));
        match self.connection.client().drafts().send(submission, id).await {
            Ok(_) => {
                self.forget(id);
                self.rows.update(|rows| {
                    if let Some(rows) = rows {
                        rows.retain(|row| row.id != id);
                    }
                });
                self.mailbox.tell(words::sent(number as u64));
                StepEnd::Done
            }
            Err(error) if is_conflict(&error) => self.look_again(id, None).await,
            Err(error) => self.failed(id, error),
        }
    }

    /// The draft is not on the server as this browser thought.
    async fn look_again(self, id: ObjectId, part: Option<ObjectId>) -> StepEnd {
        match self.connection.client().drafts().get(id).await {
            Ok(draft) => {
                let gone = |part: &ObjectId| !draft.parts.iter().any(|there| there.id == *part);
                let gone = part.filter(gone);
                self.update(id, &mut |one| {
                    one.join(&draft);
                    draft.parts.iter().for_each(|there| one.uploaded(there));
                    gone.into_iter().for_each(|part| one.lost(part));
                });
                match gone {
                    Some(_) => StepEnd::Done,
                    None => StepEnd::Later,
                }
            }
            Err(error) if is_conflict(&error) => {
                self.went_elsewhere(id);
                StepEnd::Done
            }
            Err(error) => self.failed(id, error),
        }
    }

    fn failed(self, id: ObjectId, error: Error) -> StepEnd {
        match Trouble::from(error) {
            Trouble::Gone => {
                self.update(id, &mut Composition::is_unknown);
                StepEnd::Unknown
            }
            Trouble::Refused { passing: true, .. } => StepEnd::Later,
            Trouble::Refused { message, .. } => {
                self.mailbox.tell(words::not_sent(&message));
                self.update(id, &mut |one| one.refuse(message.clone()));
                StepEnd::Done
            }
            Trouble::NoAnswer => StepEnd::Unanswered,
            Trouble::Ended => StepEnd::Ended,
        }
    }
}
