//! What is heard of a file, and how like it is to what was said.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::{Path, PathBuf};

use codec::Coding;
use codec::sound_file;
use compressed_sound::{DecodeError, FileFormat};

/// More than any file here has.
pub const SAMPLES_MAX: u64 = 8_000 * 60;

/// A file of `tests/vectors/sound`.
pub fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors/sound");
    folder.join(name)
}

/// Its octets.
pub fn vector(name: &str) -> Vec<u8> {
    let path = path(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The sentence that all files hold, at 8 kHz.
pub fn speech() -> Vec<i16> {
    let file = vector("speech.wav");
    let (coding, codes): (Coding, &[u8]) = sound_file::read(&file).expect("a WAV file");
    let mut samples = Vec::new();
    coding.decode(codes, 0..u64::MAX, &mut samples);
    samples
}

pub fn decoded(file: &[u8]) -> Result<Vec<i16>, DecodeError> {
    let format = FileFormat::of(file).ok_or(DecodeError::Damaged)?;
    let mut samples = Vec::new();
    let take = |piece: &[i16]| samples.extend_from_slice(piece);
    compressed_sound::decode(file, format, SAMPLES_MAX, take)?;
    Ok(samples)
}

/// How like a sound is to another (the correlation, 1 is the same), how much later it is for that in samples, and how much louder.
pub fn likeness(said: &[i16], heard: &[i16]) -> (f64, usize, f64) {
    let power = |samples: &[i16]| -> f64 { samples.iter().map(|s| f64::from(*s).powi(2)).sum() };
    let at = |lag: usize| -> f64 {
        let heard = heard.get(lag..).unwrap_or_default();
        let pairs = said.iter().zip(heard);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let lag = (0..2_000)
        .max_by(|a, b| at(*a).total_cmp(&at(*b)))
        .unwrap_or(0);
    let both = (power(said) * power(heard)).sqrt();
    (at(lag) / both, lag, (power(heard) / power(said)).sqrt())
}
