//! Files of sound, told by how they begin and not by what they are called: RIFF/WAVE, and `.au` of Sun and NeXT.

mod au;
mod riff;

use crate::coding::Coding;
use crate::wav::{self, WavError};
use std::fmt;

/// Which kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// RIFF/WAVE.
    Wav,
    /// `.au`, also called `.snd`.
    Au,
}

impl Kind {
    /// By its first octets; `None`: no file that is known here.
    pub fn of(octets: &[u8]) -> Option<Kind> {
        if wav::is_wav(octets) {
            Some(Kind::Wav)
        } else if au::is_au(octets) {
            Some(Kind::Au)
        } else {
            None
        }
    }
}

/// Why a file of sound cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// It is none, or ends before its sound.
    NotSound,
    /// A WAV file of a kind that is not decoded here.
    Wav(WavError),
    /// An `.au` file of a kind that is not decoded here.
    Au {
        /// Its encoding.
        encoding: u32,
        /// Its channels.
        channels: u32,
    },
    /// It has so many samples a second.
    Rate {
        /// So many.
        rate_hz: u32,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSound => f.write_str("this is not a sound file"),
            Self::Wav(error) => error.fmt(f),
            Self::Au { encoding, channels } => write!(
                f,
                "the .au file uses encoding {encoding} with {channels} channels, which cannot be decoded"
            ),
            Self::Rate { rate_hz } => write!(
                f,
                "the sound file has {rate_hz} samples a second, which cannot be decoded"
            ),
        }
    }
}

impl std::error::Error for FileError {}

/// Finds how the sound of a file is written down, and its codes. Decodes nothing.
///
/// # Errors
/// It is no file of sound, or of a kind that is not decoded here.
pub fn read(file: &[u8]) -> Result<(Coding, &[u8]), FileError> {
    match Kind::of(file) {
        Some(Kind::Wav) => riff::read(file),
        Some(Kind::Au) => au::read(file),
        None => Err(FileError::NotSound),
    }
}

/// The format tag of a WAV file and what is in its `data` chunk, for who can decode more kinds than [`read`] can.
pub fn compressed_in_wav(file: &[u8]) -> Option<(u16, &[u8])> {
    let chunks = wav::chunks(file).ok()?;
    let tag = chunks.format.first_chunk()?;
    Some((u16::from_le_bytes(*tag), chunks.data))
}

#[cfg(test)]
mod tests;
