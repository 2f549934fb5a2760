//! Telephone speech: one channel, 8000 samples a second, 16-bit linear in memory.
//!
//! Every codec here turns bytes into `i16` samples and back. Sound of other kinds and rates is made 8 kHz and one channel ([`foreign`]);
//! [`sound_file`] reads the files that it comes in. [`wav::read`] alone leaves the rate as it is and says it. Servers and clients decode by
//! this same code, so both hear the same samples: [`Decoder`] takes codes piece by piece, [`stored`] is how they travel.
#![forbid(unsafe_code)]

mod coding;
pub mod foreign;
pub mod g711;
pub mod g726;
mod peaks;
pub mod sound_file;
pub mod stored;
pub mod wav;

pub use coding::{Coding, Decoder};
pub use peaks::peaks;

/// Samples a second of all telephone codecs (ITU-T G.711 and G.726).
pub const SAMPLE_RATE_HZ: u32 = 8000;

/// Milliseconds that `samples` take at 8 kHz, rounded down.
pub const fn duration_ms(samples: u64) -> u64 {
    samples / 8
}
