//! The recorder: records in the browser, or takes a file of sound instead. It uploads nothing; whoever shows it is told of what comes.
//!
//! ```ignore
//! let recorder = Recorder::new(RecorderLimits { recording_ms: 300_000, file_octets: 5 << 20 });
//! recorder.tell(move |event| match event {
//!     RecorderEvent::Begun => …,                      // draw the id of a part
//!     RecorderEvent::Piece { offset, octets } => …,   // upload them; `PartKind::Voice`, not the last
//!     RecorderEvent::Rests => …,                      // that is all so far; whoever sends now uploads the last piece
//!     RecorderEvent::Discarded => …,                  // discard the part
//!     RecorderEvent::File(file) => …,                 // upload a file, and tell `recorder.uploaded(…)` of it
//!     RecorderEvent::FileStopped => …,                // drop that upload
//! });
//! view! { {recorder.view(move || save_button())} }
//! ```
//!
//! **A recording** is stored sound (`codec::stored`): one of G.726 whose number of samples is announced as unknown, so that it can be handed on
//! while it grows: the server takes it as the octets of a part of a draft (`PUT /api/v1/drafts/{id}/parts/{part}`) and as a greeting, without encoding
//! it anew. [`RecorderEvent::Piece`] comes for each second or so, in order and without a gap, beginning at 0 after each [`RecorderEvent::Begun`].
//! **Record from here** is another recording that begins with the kept octets: `Begun` comes again, and all of them from 0 on.
//! [`RecorderEvent::Rests`] comes whenever nothing more is being said: on Pause, on Listen, at the limit, when the microphone goes, and when the reader
//! leaves the page, so that all that was said has been handed on. Going on after it, pieces follow where the last one ended.
//!
//! What the recorder knows belongs to whoever made the [`Recorder`]; the view may come and go. When the view goes, a recording rests.

mod file;
pub mod kept;
mod microphone;
mod player;
mod state;
mod view;

pub use state::{Recorder, RecorderEvent, RecorderLimits, SoundFile, Uploading};
pub use view::keys;
