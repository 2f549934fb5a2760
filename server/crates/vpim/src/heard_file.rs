//! A file of sound by itself, as somebody uploads it: all that is heard in a message is heard here.

use compressed_sound::{DecodeError, FileFormat};

use crate::audio::sound_file;
use crate::voice::Undecodable;

/// Why a file is not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileRefusal {
    /// It has more samples than are allowed.
    #[error("the sound is too long")]
    TooLong,
    /// It is no sound, or of a kind that is not decoded.
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
}

/// The samples of a file, 8 kHz, one channel: WAV and `.au` files of every kind, MP3, AAC, Vorbis, Opus, AMR. It holds as many at once as are
/// allowed, and what [`TRANSCODING_CONSTANT`](crate::limits::TRANSCODING_CONSTANT) says.
///
/// # Errors
/// It is none, or longer than `samples_max`.
pub fn decode_file(file: &[u8], samples_max: u64) -> Result<Vec<i16>, FileRefusal> {
    let mut samples = Vec::new();
    if let Some(format) = FileFormat::of(file) {
        let take = |piece: &[i16]| samples.extend_from_slice(piece);
        let decoded = compressed_sound::decode(file, format, samples_max, take);
        decoded.map_err(|error| match error {
            DecodeError::TooLong => FileRefusal::TooLong,
            DecodeError::Unsupported(_) | DecodeError::Damaged => {
                FileRefusal::Undecodable(Undecodable {
                    what: format!("the file ({error})"),
                })
            }
        })?;
        return Ok(samples);
    }
    let (coding, codes) = sound_file::read(file).map_err(|error| Undecodable {
        what: format!("the file ({error})"),
    })?;
    if coding.samples(codes.len() as u64) > samples_max {
        return Err(FileRefusal::TooLong);
    }
    coding.decode(codes, 0..u64::MAX, &mut samples);
    Ok(samples)
}
