//! Sound as computers and mobile telephones compress it, made telephone sound: 8 kHz, one channel, 16-bit linear.
//!
//! Read are MP3 (MPEG-1, 2 and 2.5, layer III, also inside a WAV file), AAC-LC (in ADTS, in MP4, in WebM), Vorbis and Opus (in Ogg, in
//! WebM), and AMR narrow-band (in its own files, and in the MP4 files of 3GPP). Of a file with pictures nothing is read.
//!
//! The files are walked here, as slices; decoders see one packet at a time. So a file decides neither how much memory is taken, nor for how
//! long: [`decode`] gives pieces of a few thousand samples, stops at the samples that its caller allows, and counts what cannot be decoded
//! as if it were sound. The decoders are other people's: a panic of one is an error here ([`DecodeError::Damaged`]).
#![forbid(unsafe_code)]

mod bits;
mod decoders;
mod file;
mod sink;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use file::FileFormat;
use file::Track;
use sink::{Sink, Stop};

/// Most samples of the beginning that an encoder may say are its own and not sound, as seconds: what is skipped is decoded all the same.
const DELAY_S_MAX: u64 = 2;

/// Why there is no sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The file is of a known kind, but what is inside is not decoded here.
    #[error("it holds {0}")]
    Unsupported(&'static str),
    /// Nothing in it can be decoded.
    #[error("it is damaged")]
    Damaged,
    /// It has more samples than are allowed.
    #[error("it is too long")]
    TooLong,
}

/// Decodes the sound of a file, and gives it piece by piece: 8 kHz, one channel, `samples_max` samples at most.
///
/// What is damaged in between is left out, and a file that breaks off is heard as far as it goes.
///
/// # Errors
/// There is no sound in it, or too much; what was given until then is to be thrown away.
pub fn decode(
    file: &[u8],
    format: FileFormat,
    samples_max: u64,
    mut take: impl FnMut(&[i16]),
) -> Result<(), DecodeError> {
    // The one place where a fault of a decoder is caught. It holds nothing that outlives it, so nothing is left in a state between two.
    let decoding = || decode_track(format.track(file)?, samples_max, &mut take);
    catch_unwind(AssertUnwindSafe(decoding)).unwrap_or(Err(DecodeError::Damaged))
}

fn decode_track(
    track: Track<'_>,
    samples_max: u64,
    take: &mut dyn FnMut(&[i16]),
) -> Result<(), DecodeError> {
    let mut decoder = decoders::of(track.codec)?;
    let mut sink = Sink::new(track.cut, samples_max, take);
    let mut frames = Vec::new();
    for packet in track.packets {
        frames.clear();
        let outcome = match decoder.decode(&packet, &mut frames) {
            Ok(rate_hz) if !frames.is_empty() => sink.push(rate_hz, &frames),
            Ok(_) | Err(decoders::Undecoded) => sink.count_silent(),
        };
        match outcome {
            Ok(()) => {}
            Err(Stop::End) => break,
            Err(Stop::TooLong) => return Err(DecodeError::TooLong),
        }
    }
    sink.finish()
}
