//! Plays a message or one part of it. The sound is fetched in full and played from this browser, so that it goes on when the
//! server stops; the waveform is drawn from the same bytes. What was fetched is kept in the browser for the next time.

mod context;
mod kept;
pub mod sounds;
mod state;
mod view;

pub use context::PlayerContext;
pub use view::{Player, SmallPlayer};
