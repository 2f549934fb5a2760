//! What is spoken: the recorder, whose octets go into the draft as they come.

use super::Form;
use crate::composing::ComposingContext;
use crate::model::attaching::{FILE_MAX, kind_of};
use crate::model::composition::ComposedPart;
use crate::recorder::{self, Recorder, RecorderEvent, RecorderLimits, SoundFile, Uploading};
use contract::{ObjectId, PartKind};
use leptos::prelude::*;

/// The longest recording.
const RECORDING_MS_MAX: u64 = 300_000;
/// Octets that are put into the browser's storage at once.
pub(super) const KEPT_AT_ONCE: usize = 1 << 20;

/// The recorder of a draft, and the part that it records. A handle.
#[derive(Clone, Copy)]
pub(super) struct Voice {
    pub(super) recorder: Recorder,
    composing: ComposingContext,
    id: ObjectId,
    /// The part of what is recorded.
    pub(super) part: RwSignal<Option<ObjectId>>,
}

impl Voice {
    /// A recorder that goes on with what was recorded here before.
    pub(super) fn new(composing: ComposingContext, id: ObjectId) -> Self {
        let voice = Self {
            recorder: Recorder::new(RecorderLimits {
                recording_ms: RECORDING_MS_MAX,
                file_octets: FILE_MAX as u64,
            }),
            composing,
            id,
            part: RwSignal::new(None),
        };
        let recorded = |part: &&ComposedPart| {
            part.here && part.kind == PartKind::Voice && part.name.is_empty()
        };
        let before = composing.all().with_untracked(|all| {
            let one = all.iter().find(|one| one.id == id)?;
            Some(one.parts.iter().rfind(recorded)?.id)
        });
        if let Some(part) = before
            && let Some(octets) = composing.octets(part)
            && voice.recorder.open(&octets)
        {
            voice.part.set(Some(part));
        }
        voice.recorder.tell(move |event| voice.heard(event));
        voice
    }

    fn heard(self, event: RecorderEvent) {
        match event {
            RecorderEvent::Begun => {
                self.drop_part();
                self.begin();
            }
            RecorderEvent::Piece { offset, octets } => {
                let part = self.growing(offset);
                self.composing.append(self.id, part, &octets, false);
            }
            RecorderEvent::Rests => {
                if let Some(part) = self.part.try_get_untracked().flatten() {
                    self.composing.append(self.id, part, &[], true);
                }
            }
            RecorderEvent::Discarded => self.drop_part(),
            RecorderEvent::File(file) => self.take(&file),
            RecorderEvent::FileStopped => {}
        }
    }

    fn begin(self) -> ObjectId {
        let part = self.composing.attach(self.id, PartKind::Voice, "");
        self.part.try_set(Some(part));
        part
    }

    /// The part that takes more. One that has rested is whole, also for other devices: it is gone on with under another identity.
    fn growing(self, offset: u64) -> ObjectId {
        let Some(part) = self.part.try_get_untracked().flatten() else {
            return self.begin();
        };
        let whole = self.composing.all().with_untracked(|all| {
            let one = all.iter().find(|one| one.id == self.id)?;
            Some(one.parts.iter().find(|one| one.id == part)?.whole)
        });
        if whole == Some(false) {
            return part;
        }
        let before = self.composing.octets(part).unwrap_or_default();
        self.drop_part();
        let part = self.begin();
        let offset = usize::try_from(offset).unwrap_or(0).min(before.len());
        self.composing
            .append(self.id, part, &before[..offset], false);
        part
    }

    fn drop_part(self) {
        if let Some(part) = self.part.try_get_untracked().flatten() {
            self.composing.take_out(self.id, part);
            self.part.try_set(None);
        }
    }

    /// A file is attached under its name, beside what is recorded.
    fn take(self, file: &SoundFile) {
        let kind = match kind_of(&file.name, file.octets.len()) {
            Ok(kind) => kind,
            Err(why) => {
                return self
                    .recorder
                    .uploaded(Some(Uploading::Refused(why.to_owned())));
            }
        };
        attach(self.composing, self.id, kind, &file.name, &file.octets);
        self.recorder.uploaded(None);
    }
}

/// Puts a file into a draft.
pub(super) fn attach(
    composing: ComposingContext,
    id: ObjectId,
    kind: PartKind,
    name: &str,
    octets: &[u8],
) {
    let part = composing.attach(id, kind, name);
    let pieces = octets.chunks(KEPT_AT_ONCE);
    let last = pieces.len().saturating_sub(1);
    for (place, piece) in pieces.enumerate() {
        composing.append(id, part, piece, place == last);
    }
}

/// The panel.
pub(super) fn panel(form: Form) -> AnyView {
    let recorder = form.voice.recorder;
    view! {
        <section class="panel" aria-labelledby="voice">
            <header>
                <h2 id="voice">"Voice"</h2>
                <span class="end">{recorder.badge()}</span>
            </header>
            <div class="body">
                {recorder.view(|| ().into_any())}
                <p class="help">"What you have said is kept every second. If your server stops now, you go on speaking."</p>
                {recorder::keys()}
            </div>
        </section>
    }
    .into_any()
}
